from . import pmf
from .accumulators.joint_counts import JointCounts
from .backends import backends
from .inputs.scanning import Scan, scan
from .measures.codes import Encoded, encode
from .measures.divergences import cross_entropy, jensen_shannon_divergence, kl_divergence
from .measures.estimates import EntropyEstimate, estimate_entropy
from .measures.information import (
    conditional_mutual_information,
    interaction_information,
    mutual_information,
    normalized_mutual_information,
    variation_of_information,
)
from .measures.multivariate import (
    dual_total_correlation,
    o_information,
    total_correlation,
)
from .measures.orders import (
    renyi_divergence,
    renyi_entropy,
    tsallis_divergence,
    tsallis_entropy,
)
from .measures.ordinal import (
    ordinal_patterns,
)
from .measures.pointwise import (
    pointwise_conditional_mutual_information,
    pointwise_mutual_information,
)
from .measures.time_series import (
    pointwise_transfer_entropy,
    transfer_entropy,
)
from .measures.uncertainty import conditional_entropy, entropy, joint_entropy
from .pairs.conditional import pairwise_conditional_mutual_information
from .pairs.interactions import (
    InteractingPair,
    PairwiseInteraction,
    pairwise_interaction,
    top_interactions,
)
from .pairs.p_values import pairwise_p_values
from .pairs.pair_counts import PairCounts
from .pairs.pairwise import Pair, RankedPair, pairwise_mutual_information, top_pairs
from .pairs.scores import Score, score
from .pairs.tested import TestedPair
from .significance.adjusted import adjusted_mutual_information
from .significance.independence import IndependenceTest, test_independence
from .significance.intervals import ConfidenceInterval, confidence_interval
from .system.alerts import (
    CappedBinsWarning,
    OutsideBinsWarning,
    PreparationWarning,
    ProbabilitiesWarning,
    SaturationWarning,
)

__version__: str

__all__ = [
    "CappedBinsWarning",
    "ConfidenceInterval",
    "Encoded",
    "EntropyEstimate",
    "IndependenceTest",
    "InteractingPair",
    "JointCounts",
    "OutsideBinsWarning",
    "Pair",
    "PairCounts",
    "PairwiseInteraction",
    "PreparationWarning",
    "ProbabilitiesWarning",
    "RankedPair",
    "SaturationWarning",
    "Scan",
    "Score",
    "TestedPair",
    "adjusted_mutual_information",
    "backends",
    "conditional_entropy",
    "conditional_mutual_information",
    "confidence_interval",
    "cross_entropy",
    "dual_total_correlation",
    "encode",
    "entropy",
    "estimate_entropy",
    "interaction_information",
    "jensen_shannon_divergence",
    "joint_entropy",
    "kl_divergence",
    "mutual_information",
    "normalized_mutual_information",
    "o_information",
    "ordinal_patterns",
    "pairwise_conditional_mutual_information",
    "pairwise_interaction",
    "pairwise_mutual_information",
    "pairwise_p_values",
    "pmf",
    "pointwise_conditional_mutual_information",
    "pointwise_mutual_information",
    "pointwise_transfer_entropy",
    "renyi_divergence",
    "renyi_entropy",
    "scan",
    "score",
    "test_independence",
    "top_interactions",
    "top_pairs",
    "total_correlation",
    "transfer_entropy",
    "tsallis_divergence",
    "tsallis_entropy",
    "variation_of_information",
]
