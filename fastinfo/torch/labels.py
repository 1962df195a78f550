"""Mutual information of a classifier's predictions and the labels, as a loss."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import cross_entropy

from fastinfo.inputs.arguments import log_base
from fastinfo.torch import arguments


def label_mutual_information(
    logits: torch.Tensor, y: torch.Tensor, *, base: float | None = None
) -> torch.Tensor:
    """Mutual information of predicted class and label, differentiable by the logits.

    The joint distribution is that of a label and a class drawn from what the classifier predicts
    for the same sample, p(k, c) = Σ softmax(logits)_k·[y = c]/n. Its mutual information is
    log of the number of classes at most, reached where predictions are certain and each label has
    classes of its own.

    **It does not know the names of classes**: I is the same for logits whose columns are permuted.
    A classifier trained by it alone calls the labels by any names, and often lets some of them
    share a class, a local maximum. Read the names off afterwards (for each column the label with
    the largest share), or train with `LabelInformationLoss` and a ``cross_entropy_weight``, which
    tells the names and leads out of those maxima.

    Parameters
    ----------
    logits : Tensor of shape (n, K)
        Unnormalised log probabilities of K classes, floating-point.
    y : Tensor of shape (n,)
        Labels, integers from 0 to K − 1.
    base : float, optional
        Base of the logarithm; nats by default, 2 for bits.

    Returns
    -------
    Tensor of shape ()
        Mutual information, float64 if the logits are, else float32.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes and labels that are not as above.

    Notes
    -----
    It is estimated from the samples at hand, so a batch has to be large against K: of n samples
    with labels that all differ, it could be log n. It grows with n·K and has all derivatives.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import label_mutual_information
    >>> y = torch.tensor([0, 0, 1, 1])
    >>> sure_and_right = torch.tensor([[50.0, 0.0], [50.0, 0.0], [0.0, 50.0], [0.0, 50.0]])
    >>> label_mutual_information(sure_and_right, y, base=2)
    tensor(1.)
    >>> label_mutual_information(sure_and_right.flip(1), y, base=2)
    tensor(1.)
    """
    unit = log_base(base)
    logits, y = _checked(logits, y)
    n_samples, n_classes = logits.shape
    shares = arguments.wide(logits).softmax(dim=1) / n_samples
    empty = shares.new_zeros(n_classes, n_classes)
    joint = empty.index_add(0, y.long(), shares)
    independent = joint.sum(dim=1, keepdim=True) * joint.sum(dim=0, keepdim=True)
    is_occupied = joint != 0  # NaN is; an empty cell adds 0, and so does its gradient
    one = torch.ones_like(joint)
    ratio = torch.where(is_occupied, joint, one) / torch.where(is_occupied, independent, one)
    return (joint * ratio.log()).sum().clamp_min(0.0) / unit


class LabelInformationLoss(torch.nn.Module):
    """Minus `label_mutual_information`, plus a share of the cross-entropy that names the classes.

    Parameters
    ----------
    cross_entropy_weight : float, default 0
        Weight of `torch.nn.functional.cross_entropy`. At 0 the classes learned may bear any names,
        and labels may share one; a small weight, such as 0.1, is enough against both.

    Raises
    ------
    ValueError
        For a weight that is negative or no number.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import LabelInformationLoss
    >>> y = torch.tensor([0, 0, 1, 1])
    >>> swapped = torch.tensor([[0.0, 9.0], [0.0, 9.0], [9.0, 0.0], [9.0, 0.0]])
    >>> round(LabelInformationLoss()(swapped, y).item(), 3)
    -0.692
    >>> round(LabelInformationLoss(cross_entropy_weight=0.1)(swapped, y).item(), 3)
    0.208
    """

    def __init__(self, *, cross_entropy_weight: float = 0.0) -> None:
        super().__init__()
        weight = cross_entropy_weight
        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            raise TypeError(f"cross_entropy_weight={weight!r}; accepted is a number of at least 0")
        if not 0 <= weight < math.inf:
            raise ValueError(f"cross_entropy_weight={weight!r}; accepted is a number of at least 0")
        self.cross_entropy_weight = float(weight)

    def forward(self, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The loss of logits ``(n, K)`` and labels ``(n,)``."""
        loss = -label_mutual_information(logits, y)
        if self.cross_entropy_weight:
            error = cross_entropy(arguments.wide(logits), y.long())
            loss = loss + self.cross_entropy_weight * error
        return loss

    def extra_repr(self) -> str:
        """The weight, for ``print``."""
        return f"cross_entropy_weight={self.cross_entropy_weight}"


def _checked(logits: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    logits, y = arguments.floating(logits, "logits"), arguments.tensor(y, "y")
    arguments.same_device((logits, "logits"), (y, "y"))
    if logits.ndim != 2 or y.shape != logits.shape[:1]:
        raise ValueError(
            f"logits has shape {tuple(logits.shape)} and y {tuple(y.shape)}; accepted are (n, K) "
            "and (n,)"
        )
    if len(y) == 0:
        raise ValueError("logits and y are empty; at least one sample is needed")
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise TypeError(f"y has dtype {y.dtype}; accepted are integers: the classes' numbers")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= logits.shape[1]:
        raise ValueError(
            f"y holds labels from {low} to {high}; accepted are those of the columns of logits, "
            f"0 to {logits.shape[1] - 1}"
        )
    return logits, y
