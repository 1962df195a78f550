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

    For each sample a class k is drawn from the prediction of the classifier, beside the label c.
    Their joint distribution is p(k, c) = Σ softmax(logits)_k·[y = c]/n. Its mutual information is
    at most the logarithm of the number of classes. It reaches that where predictions are certain
    and each label has classes of its own.

    **It does not know the names of classes**: I is the same for logits whose columns are permuted.
    A classifier trained by it alone gives the labels any names, and often lets several labels share
    a class, which is a local maximum. Read the names off afterwards: each column has the label with
    the largest share. Or train with `LabelInformationLoss` and a ``cross_entropy_weight``, which
    fixes the names and leads out of those maxima.

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
        Mutual information in nats, or in the unit of ``base``; float64 if the logits are, else
        float32.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes and labels that are not as above.

    Notes
    -----
    It is estimated from the samples of the batch, which have to be many more than K: n samples with
    n different labels could reach log n. Time and memory grow with n·K. All derivatives exist.

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
    is_occupied = joint != 0  # True for NaN; an empty cell adds 0, and its gradient is 0
    one = torch.ones_like(joint)
    ratio = torch.where(is_occupied, joint, one) / torch.where(is_occupied, independent, one)
    return (joint * ratio.log()).sum().clamp_min(0.0) / unit


class LabelInformationLoss(torch.nn.Module):
    """Minus `label_mutual_information`, plus a share of the cross-entropy that names the classes.

    Parameters
    ----------
    cross_entropy_weight : float, default 0
        Weight of `torch.nn.functional.cross_entropy`. At 0 the learned classes may have any names,
        and labels may share a class. A small weight, such as 0.1, is enough against both.

    Raises
    ------
    TypeError
        For a weight that is no number.
    ValueError
        For a weight that is negative, infinite or NaN.

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
        """The loss of logits ``(n, K)`` and labels ``(n,)``, a scalar in nats."""
        loss = -label_mutual_information(logits, y)
        if self.cross_entropy_weight:
            error = cross_entropy(arguments.wide(logits), y.long())
            loss = loss + self.cross_entropy_weight * error
        return loss

    def extra_repr(self) -> str:
        """The weight, for `repr`."""
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
