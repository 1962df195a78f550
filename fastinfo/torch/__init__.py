"""Information in neural networks: measures that gradients pass through, as functions and losses.

The one part of the package that imports PyTorch, and only where it is imported itself::

    import fastinfo.torch
"""

try:
    import torch as _torch  # noqa: F401 (whoever lacks it shall hear what to install)
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError(
        "fastinfo.torch needs PyTorch; install it with `pip install 'fastinfo[torch]'`"
    ) from error

from fastinfo.torch.labels import (
    LabelInformationLoss,
    label_mutual_information,
)
from fastinfo.torch.soft import (
    MutualInformationLoss,
    soft_counts,
    soft_mutual_information,
    soft_normalized_mutual_information,
)

__all__ = [
    "LabelInformationLoss",
    "MutualInformationLoss",
    "label_mutual_information",
    "soft_counts",
    "soft_mutual_information",
    "soft_normalized_mutual_information",
]
