"""fastinfo measures how much information one variable carries about another.

The functions here compute entropy, mutual information and divergences of samples. `fastinfo.pmf`
computes them from probabilities. `pairwise_mutual_information` and `top_pairs` measure every pair
of features of a wide table, also given a third variable; `top_interactions` and
`pairwise_interaction` measure what every pair tells about a target.
"""

from fastinfo import pmf
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.backends import backends
from fastinfo.inputs.scanning import Scan, scan
from fastinfo.measures.codes import Encoded, encode
from fastinfo.measures.divergences import cross_entropy, jensen_shannon_divergence, kl_divergence
from fastinfo.measures.estimates import EntropyEstimate, estimate_entropy
from fastinfo.measures.information import (
    conditional_mutual_information,
    interaction_information,
    mutual_information,
    normalized_mutual_information,
    variation_of_information,
)
from fastinfo.measures.multivariate import (
    dual_total_correlation,
    o_information,
    total_correlation,
)
from fastinfo.measures.orders import (
    renyi_divergence,
    renyi_entropy,
    tsallis_divergence,
    tsallis_entropy,
)
from fastinfo.measures.ordinal import (
    ordinal_patterns,
)
from fastinfo.measures.pointwise import (
    pointwise_conditional_mutual_information,
    pointwise_mutual_information,
)
from fastinfo.measures.time_series import (
    pointwise_transfer_entropy,
    transfer_entropy,
)
from fastinfo.measures.uncertainty import conditional_entropy, entropy, joint_entropy
from fastinfo.pairs.conditional import pairwise_conditional_mutual_information
from fastinfo.pairs.interactions import (
    InteractingPair,
    PairwiseInteraction,
    pairwise_interaction,
    top_interactions,
)
from fastinfo.pairs.p_values import pairwise_p_values
from fastinfo.pairs.pair_counts import PairCounts
from fastinfo.pairs.pairwise import Pair, RankedPair, pairwise_mutual_information, top_pairs
from fastinfo.pairs.scores import Score, score
from fastinfo.pairs.tested import TestedPair
from fastinfo.significance.adjusted import adjusted_mutual_information
from fastinfo.significance.independence import IndependenceTest, test_independence
from fastinfo.significance.intervals import ConfidenceInterval, confidence_interval
from fastinfo.system.alerts import (
    CappedBinsWarning,
    OutsideBinsWarning,
    PreparationWarning,
    ProbabilitiesWarning,
    SaturationWarning,
)

__version__ = "0.1.0"

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


def __dir__() -> list[str]:
    return __all__
