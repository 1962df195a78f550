"""Mutual information of soft histograms, through which gradients pass, and a loss from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from fastinfo.inputs.arguments import log_base, one_of
from fastinfo.torch import arguments
from fastinfo.torch.soft_histogram import SoftHistogram, common_dtype


def soft_counts(
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    bins: int | tuple[int, int] = 32,
    kernel: str | tuple[str, str] = "bspline",
    order: int | tuple[int, int] = 3,
    sigma: float | tuple[float, float] = 0.5,
    range: Any = None,
    outside: str = "raise",
    mask: torch.Tensor | None = None,
    sample_weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Soft joint counts: a two-dimensional histogram whose cells have gradients.

    A smooth kernel spreads each sample over a few neighbouring bins of each variable, in shares
    that sum to 1. The products of the shares are added to the table [1]_ [2]_. Any smooth function
    of the table is then differentiable by the samples.

    Parameters
    ----------
    x, y, bins, kernel, order, sigma, range, outside, mask, sample_weight
        As for `soft_mutual_information`.

    Returns
    -------
    Tensor of shape (..., B_x, B_y)
        float64 counts. Their sum is the number of samples, or the sum of the weights.

    Raises
    ------
    ValueError, TypeError
        As for `soft_mutual_information`.

    References
    ----------
    .. [1] C. O. Daub, R. Steuer, J. Selbig and S. Kloska, "Estimating mutual information using
       B-spline functions", BMC Bioinformatics 5:118, 2004.
    .. [2] D. Mattes, D. R. Haynor, H. Vesselle, T. K. Lewellen and W. Eubank, "PET-CT image
       registration in the chest using free-form deformations", IEEE Trans. Medical Imaging 22,
       2003.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import soft_counts
    >>> x = torch.tensor([0.0, 0.25, 1.0])
    >>> soft_counts(x, x, bins=2, order=1)
    tensor([[1.5625, 0.1875],
            [0.1875, 1.0625]], dtype=torch.float64)
    """
    histogram = SoftHistogram.checked(bins, kernel, order, sigma, range, outside)
    return histogram.count(x, y, mask, sample_weight)


def soft_mutual_information(
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    bins: int | tuple[int, int] = 32,
    kernel: str | tuple[str, str] = "bspline",
    order: int | tuple[int, int] = 3,
    sigma: float | tuple[float, float] = 0.5,
    range: Any = None,
    outside: str = "raise",
    base: float | None = None,
    mask: torch.Tensor | None = None,
    sample_weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mutual information of soft histograms, differentiable by the samples.

    It is the plug-in mutual information of `soft_counts`. With ``order=0`` it equals
    `fastinfo.mutual_information` with as many equal bins, and its gradient is 0 everywhere. Smooth
    kernels blur the joint distribution, so that the information is smaller.

    Time is of the order n·k², where k is the number of bins that one sample has shares in (4 for
    cubic splines). Memory is of the order of the table: no matrix of samples by bins is made.
    Compiled kernels run on as many threads as PyTorch has, and the result does not depend on the
    number of threads.

    Parameters
    ----------
    x, y : Tensor of shape (..., n)
        Samples of the two variables, floating-point. Leading axes are pairs of variables and
        broadcast. float16 and bfloat16 are computed as float32. NaN or infinite samples make the
        result of their pair NaN.
    bins : int or (int, int), default 32
        Number of bins, of both variables or of each.
    kernel : {"bspline", "gaussian"} or a tuple of two, default "bspline"
        The kernel that spreads samples over bins, for both variables or for each.
    order : {0, 1, 2, 3} or a tuple of two, default 3
        Degree k of the B-splines. The bins cover the range in B − k intervals, and each sample has
        shares in k + 1 bins. Degree 0 is an ordinary histogram, degree 1 interpolates linearly
        between bins, and degree 3 is twice continuously differentiable.
    sigma : float or (float, float), default 0.5
        Standard deviation of the Gaussian, at least 0.1. Its unit is the distance between the
        centers of two bins, which lie evenly from one end of the range to the other. Shares are cut
        off at 8 sigma, where they are lost in rounding, and normalised. A sample has shares in
        2·⌈8σ⌉ bins.
    range : None, (low, high), or a tuple of two of these, default None
        Ends of the range of both variables, or of each. None takes the smallest and the largest
        sample of each pair (half a unit around a constant). These ends move with the samples, which
        the gradient takes into account: it sums to 0, because scaling or shifting a variable
        changes nothing.
    outside : {"raise", "clamp", "omit"}, default "raise"
        Whether samples outside of a given ``range`` are an error, count as its nearer end (where
        their gradient is 0), or are left out together with their partners.
    base : float, optional
        Base of the logarithm; nats by default, 2 for bits.
    mask : Tensor of bool, broadcastable to the samples, optional
        True where a sample counts. Other samples may have any value, and their gradient is 0.
    sample_weight : Tensor, broadcastable to the samples, optional
        Weight of each sample, finite and not negative. Weights have no gradient.

    Returns
    -------
    Tensor of shape (...)
        Mutual information of each pair, float64 if x or y is, else float32.

    Raises
    ------
    ValueError
        For shapes that do not fit together, options that make no sense, samples outside of the
        range, and a mask or weights that leave no sample.
    TypeError
        For samples that are no floating-point tensors, and for devices without a backend.

    Notes
    -----
    The gradient has no derivative: differentiating twice raises RuntimeError. Under autocast the
    loss is still computed in float32, and its sums in float64.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import soft_mutual_information
    >>> x = torch.linspace(-1, 1, 1000, requires_grad=True)
    >>> information = soft_mutual_information(x, x**2, bins=16, base=2)
    >>> round(information.item(), 2)
    1.44
    >>> information.backward()
    >>> x.grad.shape
    torch.Size([1000])
    """
    unit = log_base(base)
    histogram = SoftHistogram.checked(bins, kernel, order, sigma, range, outside)
    counts = histogram.count(x, y, mask, sample_weight)
    return _as_samples(_information(*_entropies(counts)) / unit, x, y)


def soft_normalized_mutual_information(
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    average: str = "arithmetic",
    bins: int | tuple[int, int] = 32,
    kernel: str | tuple[str, str] = "bspline",
    order: int | tuple[int, int] = 3,
    sigma: float | tuple[float, float] = 0.5,
    range: Any = None,
    outside: str = "raise",
    mask: torch.Tensor | None = None,
    sample_weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Normalised mutual information of soft histograms, differentiable by the samples.

    It is I(X;Y) divided by an average of H(X) and H(Y), all three from `soft_counts`. With a smooth
    kernel it is below 1 even for X and X itself, since a sample has shares in several bins.

    Parameters
    ----------
    x, y : Tensor of shape (..., n)
        As for `soft_mutual_information`.
    average : {"arithmetic", "geometric", "min", "max"}
        The average that the information is divided by, as in
        `fastinfo.normalized_mutual_information`.
    bins, kernel, order, sigma, range, outside, mask, sample_weight
        As for `soft_mutual_information`.

    Returns
    -------
    Tensor of shape (...)
        A number from 0 to 1 for each pair, float64 if x or y is, else float32; 1 where both
        variables are constant.

    Raises
    ------
    ValueError, TypeError
        As for `soft_mutual_information`.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import soft_normalized_mutual_information
    >>> x = torch.arange(100.0)
    >>> round(soft_normalized_mutual_information(x, -x, bins=5, order=0).item(), 4)
    1.0
    >>> round(soft_normalized_mutual_information(x, -x, bins=5, order=1).item(), 4)
    0.4851
    """
    mean = AVERAGES[one_of(average, "average", AVERAGES)]
    histogram = SoftHistogram.checked(bins, kernel, order, sigma, range, outside)
    hx, hy, joint = _entropies(histogram.count(x, y, mask, sample_weight))
    scale = mean(hx, hy)
    is_nothing = scale == 0
    share = _information(hx, hy, joint) / torch.where(is_nothing, torch.ones_like(scale), scale)
    share = torch.where(is_nothing, torch.zeros_like(share), share)
    share = torch.where((hx == 0) & (hy == 0), torch.ones_like(share), share)
    return _as_samples(share, x, y)


class MutualInformationLoss(torch.nn.Module):
    """Minus the mutual information of two variables, in nats, as a loss to minimise.

    It serves where one variable has to tell about the other without being equal to it: images to be
    aligned, or a signal and its reconstruction. The first axis are pairs, and all other axes are
    samples of one pair, so that batches of images need no reshaping.

    Parameters
    ----------
    normalized : bool, default False
        Whether the loss is minus `soft_normalized_mutual_information`, from −1 to 0.
    reduction : {"mean", "sum", "none"}
        Whether to return the mean over the pairs, their sum, or one value for each.
    bins, kernel, order, sigma, range, outside
        As for `soft_mutual_information`.

    Raises
    ------
    ValueError, TypeError
        For options that make no sense.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import MutualInformationLoss
    >>> images = torch.linspace(0, 1, 2 * 64).reshape(2, 1, 8, 8)
    >>> loss = MutualInformationLoss(bins=8, order=1)
    >>> round(loss(images, 1 - images).item(), 4)
    -1.2314
    """

    def __init__(
        self,
        *,
        normalized: bool = False,
        reduction: str = "mean",
        bins: int | tuple[int, int] = 32,
        kernel: str | tuple[str, str] = "bspline",
        order: int | tuple[int, int] = 3,
        sigma: float | tuple[float, float] = 0.5,
        range: Any = None,
        outside: str = "raise",
    ) -> None:
        super().__init__()
        self.options = {
            "bins": bins,
            "kernel": kernel,
            "order": order,
            "sigma": sigma,
            "range": range,
            "outside": outside,
        }
        SoftHistogram.checked(**self.options)  # wrong options raise here, not during training
        self.normalized = normalized
        self.reduction = arguments.reduction(reduction)

    def forward(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        mask: torch.Tensor | None = None,
        sample_weight: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The loss of ``(pairs, ...)`` tensors of one shape, or of ``(n,)`` samples of one pair."""
        measure: Callable[..., torch.Tensor] = (
            soft_normalized_mutual_information if self.normalized else soft_mutual_information
        )
        named = {"x": x, "y": y, "mask": mask, "sample_weight": sample_weight}
        shape = arguments.tensor(x, "x").shape
        for name, tensor in named.items():
            if tensor is not None and arguments.tensor(tensor, name).shape != shape:
                raise ValueError(
                    f"{name} has shape {tuple(tensor.shape)} and x {tuple(shape)}; accepted are "
                    "tensors of one shape"
                )
        flat = {
            name: tensor.flatten(1) if tensor is not None and tensor.ndim > 1 else tensor
            for name, tensor in named.items()
        }
        values = measure(flat.pop("x"), flat.pop("y"), **flat, **self.options)
        return arguments.reduce(-values, self.reduction)

    def extra_repr(self) -> str:
        """The options, for `repr`."""
        settings = {"normalized": self.normalized, "reduction": self.reduction, **self.options}
        return ", ".join(f"{name}={value!r}" for name, value in settings.items())


# --- measures of the table ----------------------------------------------------------------------


def _entropies(counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """H(X), H(Y) and H(X,Y) in nats."""
    p = counts / counts.sum(dim=(-2, -1), keepdim=True)
    return _entropy(p.sum(dim=-1)), _entropy(p.sum(dim=-2)), _entropy(p.flatten(-2))


def _entropy(p: torch.Tensor) -> torch.Tensor:
    """−Σ p·log p over the last axis. An empty cell adds 0, and its gradient is set to 0 too.

    The true derivative is infinite there. But no sample has a share in an empty cell, and a share
    that begins at a knot begins with a derivative of 0, except with splines of order 1.
    """
    is_occupied = p != 0  # True for NaN
    return -(p * torch.where(is_occupied, p, torch.ones_like(p)).log()).sum(dim=-1)


def _information(hx: torch.Tensor, hy: torch.Tensor, joint: torch.Tensor) -> torch.Tensor:
    """H(X) + H(Y) − H(X,Y); 0 where rounding made it negative."""
    return (hx + hy - joint).clamp_min(0.0)


AVERAGES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "arithmetic": lambda hx, hy: (hx + hy) / 2,
    "geometric": lambda hx, hy: (hx * hy).clamp_min(torch.finfo(hx.dtype).tiny).sqrt(),
    "min": torch.minimum,
    "max": torch.maximum,
}


def _as_samples(values: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return values.to(common_dtype(x, y))
