"""Information in neural networks: measures that gradients pass through, as functions and losses.

No other part of the package imports PyTorch, and no other part imports this one::

    import fastinfo.torch
"""

try:
    import torch as _torch  # noqa: F401 (the import shows whether PyTorch is installed)
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError(
        "fastinfo.torch needs PyTorch; install it with `pip install torch`"
    ) from error

from fastinfo.torch.bottleneck import (
    BottleneckTerms,
    InformationBottleneckLoss,
    bottleneck_beta,
    gaussian_bottleneck,
    sample_gaussian,
)
from fastinfo.torch.bounds import (
    MINE,
    SaturatedBoundWarning,
    club,
    donsker_varadhan,
    infonce,
    infonce_limit,
    jensen_shannon,
    leave_one_out,
    nwj,
)
from fastinfo.torch.critics import (
    BilinearCritic,
    ConcatenatedCritic,
    GaussianConditional,
    SeparableCritic,
    perceptron,
)
from fastinfo.torch.divergences import (
    categorical_kl,
    distillation_loss,
    gaussian_kl,
    kl_to_uniform,
    multivariate_gaussian_kl,
    weight_prior_kl,
)
from fastinfo.torch.infomax import (
    DeepInfoMax,
    GlobalInfoMax,
    LocalInfoMax,
    PriorMatching,
)
from fastinfo.torch.labels import (
    LabelInformationLoss,
    label_mutual_information,
)
from fastinfo.torch.learning_rate import (
    KLAdaptiveLR,
)
from fastinfo.torch.plane import (
    InformationPlane,
    LayerInformation,
)
from fastinfo.torch.plane_plot import plot_information_plane
from fastinfo.torch.soft import (
    MutualInformationLoss,
    soft_counts,
    soft_mutual_information,
    soft_normalized_mutual_information,
)

__all__ = [
    "MINE",
    "BilinearCritic",
    "BottleneckTerms",
    "ConcatenatedCritic",
    "DeepInfoMax",
    "GaussianConditional",
    "GlobalInfoMax",
    "InformationBottleneckLoss",
    "InformationPlane",
    "KLAdaptiveLR",
    "LabelInformationLoss",
    "LayerInformation",
    "LocalInfoMax",
    "MutualInformationLoss",
    "PriorMatching",
    "SaturatedBoundWarning",
    "SeparableCritic",
    "bottleneck_beta",
    "categorical_kl",
    "club",
    "distillation_loss",
    "donsker_varadhan",
    "gaussian_bottleneck",
    "gaussian_kl",
    "infonce",
    "infonce_limit",
    "jensen_shannon",
    "kl_to_uniform",
    "label_mutual_information",
    "leave_one_out",
    "multivariate_gaussian_kl",
    "nwj",
    "perceptron",
    "plot_information_plane",
    "sample_gaussian",
    "soft_counts",
    "soft_mutual_information",
    "soft_normalized_mutual_information",
    "weight_prior_kl",
]
