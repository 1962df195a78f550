"""Soft counts: what kernels of them are asked for, and how they are made plainly, by matrices."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np

Array = Any

SOFT_KERNELS = ("bspline", "gaussian")

GAUSSIAN_REACH = 8.0
"""Standard deviations at which the Gaussian is cut off: what is left out is exp(−32), 1.3·10⁻¹⁴ of
its peak and of the size of rounding. A support that ends earlier would make the counts jump, and
the gradient wrong, whenever a sample passes from one set of bins to the next."""


class SoftBins(NamedTuple):
    """How samples of one variable are spread over bins by a kernel; the shares of each sum to 1.

    Samples lie in ``low … high``; one outside counts as the nearer end, and its gradient is 0.
    NaN makes cells of its pair NaN, and its gradient NaN.

    ``"bspline"``
        The B bins are the B-splines of degree ``order`` on equal intervals, of which there are
        B − order: sample v lies at s = (v − low)/(high − low)·(B − order), in interval i = ⌊s⌋ (v =
        high in the last one), and the ``order + 1`` bins from i on have shares in it. Of order 0
        these are the equal bins of a histogram, their edges those of ``numpy.linspace(low, high,
        B + 1)``, exactly; order 1 to 3 are once, twice, three times smoother.
    ``"gaussian"``
        The bins have centers c_j = j, and v lies at s = (v − low)/(high − low)·(B − 1). Shares are
        exp(−(s − j)²/2σ²) of the bins j = ⌊s⌋ − r + 1 … ⌊s⌋ + r that exist, r = ⌈8σ⌉, divided by
        their sum.
    """

    n_bins: int
    limits: Array
    """float64 ``(pairs, 2)``: low < high of each pair; where one is NaN, so are the counts."""
    kernel: str
    order: int = 3
    """Degree of the B-splines: 0, 1, 2 or 3, and less than ``n_bins``."""
    sigma: float = 0.5
    """Standard deviation of the Gaussian in distances of its centers, of which there are two."""

    @property
    def reach(self) -> int:
        """r: how many bins on either side have shares in a Gaussian."""
        return math.ceil(GAUSSIAN_REACH * self.sigma)


class SoftKernels(Protocol):
    """The kernels of differentiable histograms."""

    def soft_count(
        self, x: Array, y: Array, x_bins: SoftBins, y_bins: SoftBins, weights: Array | None = None
    ) -> Array:
        """Soft joint counts of pairs of variables: float64 ``(pairs, B_x, B_y)``.

        ``x`` and ``y`` are samples ``(pairs, n)``, float32 or float64 and the two alike, rows one
        after the other; every sample adds the product of its shares, times its weight. ``weights``
        are bool or as the samples, ``(pairs, n)``; a sample of weight 0 may be anything, NaN too.
        Sums are made in float64, in an order that depends on the samples' number alone.
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
        """The derivatives of a quantity by the samples, from those by their soft counts.

        ``by_counts`` is float64 ``(pairs, B_x, B_y)``; what is found is written to ``x_out`` and
        ``y_out``, of the shape and dtype of the samples, unless they are None. Limits are constants
        here. At a knot of a B-spline of order 1 the derivative is that to the right, at ``high``
        that to the left.
        """
        ...


def count(
    xp: Any, x: Array, y: Array, x_bins: SoftBins, y_bins: SoftBins, weights: Array | None
) -> Array:
    """Matrices of the shares, samples by bins, and their product."""
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
    """The chain rule over the same matrices."""
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
    """What each bin gets of each sample, ``(n, B)``, and the derivatives by the sample."""
    low, high = (np.float64(float(limit)) for limit in bins.limits[pair])
    values = values.astype(np.float64)
    spread = _bspline_shares if bins.kernel == "bspline" else _gaussian_shares
    with np.errstate(invalid="ignore"):  # of NaN and infinite limits comes NaN
        shares, slopes = spread(xp, xp.clip(values, low, high), low, high, bins)
    slopes[(values < low) | (values > high)] = 0.0
    return shares, slopes


def _bspline_shares(
    xp: Any, values: Array, low: float, high: float, bins: SoftBins
) -> tuple[Array, Array]:
    """The recursion over the degree, k from k − 1, of Cox and de Boor on equal intervals."""
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
    pieces, lower = [1.0 + (f - f)], [f - f, f - f]  # NaN of NaN
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
    """Normalised over the bins within reach: share·(j − mean of j)/σ² is the derivative."""
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
