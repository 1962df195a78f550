"""The measures of samples, of one joint table and of two."""

from fastinfo.measures.divergences import cross_entropy, jensen_shannon_divergence, kl_divergence
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

__all__ = [
    "conditional_entropy",
    "conditional_mutual_information",
    "cross_entropy",
    "dual_total_correlation",
    "entropy",
    "interaction_information",
    "jensen_shannon_divergence",
    "joint_entropy",
    "kl_divergence",
    "mutual_information",
    "normalized_mutual_information",
    "o_information",
    "ordinal_patterns",
    "pointwise_conditional_mutual_information",
    "pointwise_mutual_information",
    "pointwise_transfer_entropy",
    "renyi_divergence",
    "renyi_entropy",
    "total_correlation",
    "transfer_entropy",
    "tsallis_divergence",
    "tsallis_entropy",
    "variation_of_information",
]
