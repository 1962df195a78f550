"""The measures of given probabilities, one for each distribution along the other axes.

The arguments are those of SciPy: ``pk``, ``qk``, ``axis``, ``base``. As in SciPy, arrays are
divided by their sum, so that counts may stand for probabilities. A distribution runs along
``axis``; a joint distribution has an axis for each variable. A masked cell is left out. A cell that
is masked in one of several distributions is left out of all.
"""

from fastinfo.pmf.divergences import cross_entropy, jensen_shannon_divergence, kl_divergence
from fastinfo.pmf.joint import (
    conditional_entropy,
    conditional_mutual_information,
    dual_total_correlation,
    entropy,
    interaction_information,
    joint_entropy,
    mutual_information,
    normalized_mutual_information,
    o_information,
    total_correlation,
    variation_of_information,
)
from fastinfo.pmf.orders import (
    renyi_divergence,
    renyi_entropy,
    tsallis_divergence,
    tsallis_entropy,
)
from fastinfo.pmf.pointwise import (
    pointwise_conditional_mutual_information,
    pointwise_mutual_information,
)

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
    "pointwise_conditional_mutual_information",
    "pointwise_mutual_information",
    "renyi_divergence",
    "renyi_entropy",
    "total_correlation",
    "tsallis_divergence",
    "tsallis_entropy",
    "variation_of_information",
]


def __dir__() -> list[str]:
    """The public names."""
    return __all__
