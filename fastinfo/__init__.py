"""fastinfo measures how much information one variable carries about another.

The functions here compute entropy, mutual information and divergences of samples. `fastinfo.pmf`
computes them from probabilities. `pairwise_mutual_information` and `top_pairs` measure every pair
of features of a wide table.
"""

from fastinfo import pmf
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.backends import backends
from fastinfo.inputs.scanning import Scan, scan
from fastinfo.measures.codes import Encoded, encode
from fastinfo.measures.divergences import cross_entropy, jensen_shannon_divergence, kl_divergence
from fastinfo.measures.information import (
    conditional_mutual_information,
    interaction_information,
    mutual_information,
    normalized_mutual_information,
    variation_of_information,
)
from fastinfo.measures.uncertainty import conditional_entropy, entropy, joint_entropy
from fastinfo.pairs.pair_counts import PairCounts
from fastinfo.pairs.pairwise import Pair, RankedPair, pairwise_mutual_information, top_pairs
from fastinfo.pairs.scores import Score, score
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
    "Encoded",
    "JointCounts",
    "OutsideBinsWarning",
    "Pair",
    "PairCounts",
    "PreparationWarning",
    "ProbabilitiesWarning",
    "RankedPair",
    "SaturationWarning",
    "Scan",
    "Score",
    "backends",
    "conditional_entropy",
    "conditional_mutual_information",
    "cross_entropy",
    "encode",
    "entropy",
    "interaction_information",
    "jensen_shannon_divergence",
    "joint_entropy",
    "kl_divergence",
    "mutual_information",
    "normalized_mutual_information",
    "pairwise_mutual_information",
    "pmf",
    "scan",
    "score",
    "top_pairs",
    "variation_of_information",
]


def __dir__() -> list[str]:
    return __all__
