"""The NumPy backend: the reference, plain and written to be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import SoftBins, Summary, TileShape, code_dtype
from fastinfo.backends.host import HostKernels
from fastinfo.backends.quantiles import outweighs
from fastinfo.backends.terms import Reduction, plug_in

Array = np.ndarray[Any, Any]


class Packed(NamedTuple):
    """Features as ``count_pairs`` reads them: nothing but the codes themselves."""

    codes: Sequence[Array] | Array
    n_bins: Sequence[int]
    weights: Array | None
    reduction: Reduction


class NumpyKernels(HostKernels):
    """The kernels of `fastinfo.backends.contract.Kernels` in plain NumPy."""

    name = "numpy"
    tile_shape = TileShape(side=None, samples=1 << 26)

    @classmethod
    def describe(cls) -> str:
        """The library and its version."""
        return f"numpy {np.__version__}, one thread, the reference"

    def summarize(self, values: Array) -> Summary:
        """Smallest and largest value and the number of NaN."""
        if values.dtype.kind != "f":
            return Summary(int(values.min()), int(values.max()), 0)
        missing = int(np.isnan(values).sum())
        if missing == values.size:
            return Summary(np.nan, np.nan, missing)
        return Summary(float(np.nanmin(values)), float(np.nanmax(values)), missing)

    def order_statistics(
        self, values: Array, summary: Summary, ranks: Array, most: int
    ) -> tuple[Array, bool] | None:
        """Sort."""
        ordered = self.sort(values, summary)
        return ordered[ranks].astype(np.float64), outweighs(ordered, most)

    def encode_integers(
        self, values: Array, low: int, n_bins: int, out: Array | None = None
    ) -> Array:
        """``value − low``, in unsigned arithmetic so that no signed type can overflow."""
        unsigned = values.view(f"u{values.itemsize}")
        offset = unsigned.dtype.type(low % (1 << 8 * values.itemsize))
        dtype = code_dtype(n_bins - 1)
        last = min(n_bins, np.iinfo(dtype).max, np.iinfo(unsigned.dtype).max)
        return _written(np.minimum(unsigned - offset, unsigned.dtype.type(last)), dtype, out)

    def encode_uniform(
        self, values: Array, low: float, high: float, n_bins: int, out: Array | None = None
    ) -> Array:
        """Equal bins are the edges that NumPy would use."""
        return self.encode_edges(values, np.linspace(low, high, n_bins + 1), out)

    def encode_edges(self, values: Array, edges: Array, out: Array | None = None) -> Array:
        """Count the edges at or below each value; the last bin is closed."""
        n_bins = edges.size - 1
        values = values.astype(np.float64)
        codes = np.searchsorted(edges, values, side="right") - 1
        codes[values == edges[-1]] = n_bins - 1
        inside = (values >= edges[0]) & (values <= edges[-1])
        return _written(np.where(inside, codes, n_bins), code_dtype(n_bins), out)

    def count_joint(
        self, codes: Sequence[Array], n_bins: Sequence[int], weights: Array | None = None
    ) -> Array:
        """Number the cells of the joint table and count the numbers."""
        shape = [bins + 1 for bins in n_bins]
        cells = np.ravel_multi_index([c.astype(np.intp) for c in codes], shape)
        counts = np.bincount(cells, weights, minlength=int(np.prod(shape))).reshape(shape)
        return counts[tuple(slice(bins) for bins in n_bins)]

    def pack(
        self,
        codes: Sequence[Array] | Array,
        n_bins: Sequence[int],
        weights: Array | None = None,
        memory_limit: int | None = None,
        reduction: Reduction | None = None,
    ) -> Packed:
        """Nothing to prepare."""
        n_samples = len(codes[0]) if len(codes) else 0
        how = reduction or plug_in(n_samples, is_weighted=weights is not None)
        return Packed(codes, n_bins, weights, how)

    def count_pairs(self, left: Packed, lefts: slice, right: Packed, rights: slice) -> Array:
        """One ``count_joint`` a pair."""
        rows, columns = (
            [(pack.codes[i], pack.n_bins[i]) for i in range(len(pack.codes))[side]]
            for pack, side in ((left, lefts), (right, rights))
        )
        shape = (
            *(len(rows), len(columns)),
            *(max((n_bins for _, n_bins in side), default=0) for side in (rows, columns)),
        )
        counts = np.zeros(shape, np.int64 if left.weights is None else np.float64)
        for i, (x, x_bins) in enumerate(rows):
            for j, (y, y_bins) in enumerate(columns):
                counts[i, j, :x_bins, :y_bins] = self.count_joint(
                    (x, y), (x_bins, y_bins), left.weights
                )
        return counts

    def sum_xlogx(self, counts: Array) -> Array:
        """Σ c·log c with 0·log 0 = 0."""
        x = np.ascontiguousarray(counts, np.float64)  # else NumPy adds cell by cell, and rounds
        return np.asarray(np.sum(x * np.log(np.where(x > 0, x, 1.0)), axis=-1))

    def sum_xlogy(self, p: Array, q: Array) -> Array:
        """Σ p·log q with 0·log q = 0 for any q."""
        with np.errstate(divide="ignore"):
            terms = p * np.log(np.where(p > 0, q, 1.0))
        return np.asarray(np.sum(np.ascontiguousarray(terms), axis=-1))

    def soft_count(
        self, x: Array, y: Array, x_bins: SoftBins, y_bins: SoftBins, weights: Array | None = None
    ) -> Array:
        """Matrices of the shares, samples by bins, and their product."""
        counts = np.zeros((len(x), x_bins.n_bins, y_bins.n_bins))
        for pair in range(len(x)):
            x_shares, _ = _shares(x[pair], x_bins, pair)
            y_shares, _ = _shares(y[pair], y_bins, pair)
            if weights is not None:
                present = weights[pair] != 0
                x_shares, y_shares = x_shares[present], y_shares[present]
                x_shares *= weights[pair][present, None]
            counts[pair] = x_shares.T @ y_shares
        return counts

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
        """The chain rule over the same matrices."""
        for pair in range(len(x)):
            x_shares, x_slopes = _shares(x[pair], x_bins, pair)
            y_shares, y_slopes = _shares(y[pair], y_bins, pair)
            table = by_counts[pair]
            for out, left, right in ((x_out, x_slopes, y_shares), (y_out, x_shares, y_slopes)):
                if out is not None:
                    out[pair] = np.einsum("na,ab,nb->n", left, table, right, optimize=True)
                    if weights is not None:
                        out[pair] = np.where(weights[pair] != 0, out[pair] * weights[pair], 0.0)


def _shares(values: Array, bins: SoftBins, pair: int) -> tuple[Array, Array]:
    """What each bin gets of each sample, ``(n, B)``, and the derivatives by the sample."""
    low, high = bins.limits[pair]
    values = values.astype(np.float64)
    spread = _bspline_shares if bins.kernel == "bspline" else _gaussian_shares
    with np.errstate(invalid="ignore"):  # of NaN and infinite limits comes NaN
        shares, slopes = spread(np.clip(values, low, high), low, high, bins)
    slopes[(values < low) | (values > high)] = 0.0
    return shares, slopes


def _bspline_shares(values: Array, low: float, high: float, bins: SoftBins) -> tuple[Array, Array]:
    """The recursion over the degree, k from k − 1, of Cox and de Boor on equal intervals."""
    n_intervals = bins.n_bins - bins.order
    scale = n_intervals / (high - low)
    position = np.clip((values - low) * scale, 0, n_intervals)
    if bins.order == 0:
        edges = np.linspace(low, high, bins.n_bins + 1)
        interval = np.searchsorted(edges[1:-1], values, side="right")
    else:
        whole = np.nan_to_num(np.floor(position))
        interval = np.clip(whole, 0, n_intervals - 1).astype(np.intp)
    f = position - interval
    pieces, lower = [1.0 + (f - f)], [f - f, f - f]  # NaN of NaN
    for k in range(1, bins.order + 1):
        lower = [f - f, *pieces, f - f]
        pieces = [((k - a + f) * lower[a] + (a + 1 - f) * lower[a + 1]) / k for a in range(k + 1)]
    shares, slopes = np.zeros((2, values.size, bins.n_bins))
    every = np.arange(values.size)
    for a, piece in enumerate(pieces):
        shares[every, interval + a] = piece
        slopes[every, interval + a] = (lower[a] - lower[a + 1]) * scale
    return shares, slopes


def _gaussian_shares(values: Array, low: float, high: float, bins: SoftBins) -> tuple[Array, Array]:
    """Normalised over the bins within reach: share·(j − mean of j)/σ² is the derivative."""
    scale = (bins.n_bins - 1) / (high - low)
    position = np.clip((values - low) * scale, 0, bins.n_bins - 1)[:, None]
    j = np.arange(bins.n_bins)
    middle = np.floor(position)
    out_of_reach = (j <= middle - bins.reach) | (j > middle + bins.reach)
    shares = np.exp(-((position - j) ** 2) / (2 * bins.sigma**2))
    shares[out_of_reach] = 0.0
    shares /= shares.sum(axis=1, keepdims=True)
    mean = shares @ j[:, None]
    return shares, shares * (j - mean) / bins.sigma**2 * scale


def _written(codes: Array, dtype: str, out: Array | None) -> Array:
    """The codes in their dtype, in ``out`` where that is given."""
    result = np.empty(codes.size, dtype) if out is None else out
    result[:] = codes
    return result
