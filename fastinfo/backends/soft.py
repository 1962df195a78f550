"""Soft counts: the protocol of their kernels, and a plain implementation by matrices."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np

Array = Any

SOFT_KERNELS = ("bspline", "gaussian")

GAUSSIAN_REACH = 8.0
"""Standard deviations at which the Gaussian is cut off. There it is exp(−32) = 1.3·10⁻¹⁴ of its
peak, which is of the size of rounding. An earlier cut would make the counts jump, and the gradient
wrong, whenever a sample passes from one set of bins to the next."""


class SoftBins(NamedTuple):
    """How a kernel spreads the samples of one variable over bins; the shares of a sample sum to 1.

    Samples lie in ``low … high``. A sample outside counts as the nearer end, and its gradient is 0.
    A NaN makes cells of its pair NaN, and its gradient is NaN.

    ``"bspline"``
        The B bins are the B-splines of degree ``order`` on B − order equal intervals. Sample v lies
        at s = (v − low)/(high − low)·(B − order), in interval i = ⌊s⌋; v = high lies in the last
        interval. The ``order + 1`` bins from i on have shares in it. With order 0 these are the
        equal bins of a histogram, exactly: their edges are those of ``numpy.linspace(low, high,
        B + 1)``. Orders 1 to 3 are once, twice and three times smoother.
    ``"gaussian"``
        The bins have centers c_j = j, and v lies at s = (v − low)/(high − low)·(B − 1). With
        r = ⌈8σ⌉, the bins j = ⌊s⌋ − r + 1 … ⌊s⌋ + r that exist have shares exp(−(s − j)²/2σ²),
        divided by their sum.
    """

    n_bins: int
    limits: Array
    """float64 ``(pairs, 2)``: low < high of each pair. If one is NaN, the pair's counts are NaN."""
    kernel: str
    order: int = 3
    """Degree of the B-splines: 0, 1, 2 or 3, and less than ``n_bins``."""
    sigma: float = 0.5
    """Standard deviation of the Gaussian in distances of its centers; there are at least two."""

    @property
    def reach(self) -> int:
        """r: how many bins on either side of a sample have shares in a Gaussian."""
        return math.ceil(GAUSSIAN_REACH * self.sigma)


class SoftKernels(Protocol):
    """The kernels of differentiable histograms."""

    def soft_count(
        self, x: Array, y: Array, x_bins: SoftBins, y_bins: SoftBins, weights: Array | None = None
    ) -> Array:
        """Soft joint counts of pairs of variables: float64 ``(pairs, B_x, B_y)``.

        ``x`` and ``y`` are contiguous samples ``(pairs, n)``, both float32 or both float64. Each
        sample adds the product of its shares, times its weight. ``weights`` ``(pairs, n)`` are bool
        or of the samples' dtype; a sample of weight 0 may have any value, NaN too. Sums are made in
        float64, in an order that depends only on the number of samples.
        """
        ...

    def soft_count_gradient(
        self,
        x: Array,
        y: Array,
        x_bins: SoftBins,
        y_bins: SoftBins,
        by_counts: Array,
        x_out: Array | None,
        y_out: Array | None,
        weights: Array | None = None,
    ) -> None:
        """The derivatives of a quantity by the samples, from its derivatives by their soft counts.

        ``by_counts`` holds the derivatives by the counts, float64 ``(pairs, B_x, B_y)``. Results
        are written to ``x_out`` and ``y_out``, unless they are None; these have the shape and dtype
        of the samples. Limits are constants here. At a knot of a B-spline of order 1 the derivative
        is the one to the right; at ``high`` it is the one to the left.
        """
        ...


def count(
    xp: Any, x: Array, y: Array, x_bins: SoftBins, y_bins: SoftBins, weights: Array | None
) -> Array:
    """`SoftKernels.soft_count`, as a product of two matrices of shares, samples by bins."""
    counts = xp.zeros((len(x), x_bins.n_bins, y_bins.n_bins))
    for pair in range(len(x)):
        x_shares, _ = _shares(xp, x[pair], x_bins, pair)
        y_shares, _ = _shares(xp, y[pair], y_bins, pair)
        if weights is not None:
            present = weights[pair] != 0
            x_shares, y_shares = x_shares[present], y_shares[present]
            x_shares *= weights[pair][present, None]
        counts[pair] = x_shares.T @ y_shares
    return counts


def differentiate(
    xp: Any,
    x: Array,
    y: Array,
    x_bins: SoftBins,
    y_bins: SoftBins,
    by_counts: Array,
    x_out: Array | None,
    y_out: Array | None,
    weights: Array | None,
) -> None:
    """`SoftKernels.soft_count_gradient`, by the chain rule over the same matrices."""
    for pair in range(len(x)):
        x_shares, x_slopes = _shares(xp, x[pair], x_bins, pair)
        y_shares, y_slopes = _shares(xp, y[pair], y_bins, pair)
        table = by_counts[pair]
        for out, left, right in ((x_out, x_slopes, y_shares), (y_out, x_shares, y_slopes)):
            if out is not None:
                out[pair] = xp.einsum("na,ab,nb->n", left, table, right, optimize=True)
                if weights is not None:
                    out[pair] = xp.where(weights[pair] != 0, out[pair] * weights[pair], 0.0)


def _shares(xp: Any, values: Array, bins: SoftBins, pair: int) -> tuple[Array, Array]:
    """The share of each bin in each sample, ``(n, B)``, and its derivative by the sample."""
    low, high = (np.float64(float(limit)) for limit in bins.limits[pair])
    values = values.astype(np.float64)
    spread = _bspline_shares if bins.kernel == "bspline" else _gaussian_shares
    with np.errstate(invalid="ignore"):  # NaN and infinite limits give NaN
        shares, slopes = spread(xp, xp.clip(values, low, high), low, high, bins)
    slopes[(values < low) | (values > high)] = 0.0
    return shares, slopes


def _bspline_shares(
    xp: Any, values: Array, low: float, high: float, bins: SoftBins
) -> tuple[Array, Array]:
    """The recursion of Cox and de Boor on equal intervals: degree k follows from degree k − 1."""
    n_intervals = bins.n_bins - bins.order
    scale = n_intervals / (high - low)
    position = xp.clip((values - low) * scale, 0, n_intervals)
    if bins.order == 0:
        edges = xp.asarray(np.linspace(low, high, bins.n_bins + 1))
        interval = xp.searchsorted(edges[1:-1], values, side="right")
    else:
        whole = xp.nan_to_num(xp.floor(position))
        interval = xp.clip(whole, 0, n_intervals - 1).astype(np.intp)
    f = position - interval
    pieces, lower = [1.0 + (f - f)], [f - f, f - f]  # f − f is 0, and NaN where f is
    for k in range(1, bins.order + 1):
        lower = [f - f, *pieces, f - f]
        pieces = [((k - a + f) * lower[a] + (a + 1 - f) * lower[a + 1]) / k for a in range(k + 1)]
    shares, slopes = xp.zeros((2, values.size, bins.n_bins))
    every = xp.arange(values.size)
    for a, piece in enumerate(pieces):
        shares[every, interval + a] = piece
        slopes[every, interval + a] = (lower[a] - lower[a + 1]) * scale
    return shares, slopes


def _gaussian_shares(
    xp: Any, values: Array, low: float, high: float, bins: SoftBins
) -> tuple[Array, Array]:
    """Shares normalised over the bins within reach; the derivative is share·(j − mean of j)/σ²."""
    scale = (bins.n_bins - 1) / (high - low)
    position = xp.clip((values - low) * scale, 0, bins.n_bins - 1)[:, None]
    j = xp.arange(bins.n_bins)
    middle = xp.floor(position)
    out_of_reach = (j <= middle - bins.reach) | (j > middle + bins.reach)
    shares = xp.exp(-((position - j) ** 2) / (2 * bins.sigma**2))
    shares[out_of_reach] = 0.0
    shares /= shares.sum(axis=1, keepdims=True)
    mean = shares @ j[:, None]
    return shares, shares * (j - mean) / bins.sigma**2 * scale
