"""The NumPy backend: the reference, plain and written to be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Summary, code_dtype
from fastinfo.backends.generic import GenericKernels
from fastinfo.backends.quantiles import outweighs
from fastinfo.backends.terms import Reduction, plug_in

Array = np.ndarray[Any, Any]


class Packed(NamedTuple):
    """Features as ``count_pairs`` reads them: nothing but the codes themselves."""

    codes: Sequence[Array] | Array
    n_bins: Sequence[int]
    weights: Array | None
    reduction: Reduction


class NumpyKernels(GenericKernels):
    """The kernels of `fastinfo.backends.contract.Kernels` in plain NumPy."""

    name = "numpy"

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


def _written(codes: Array, dtype: str, out: Array | None) -> Array:
    """The codes in their dtype, in ``out`` where that is given."""
    result = np.empty(codes.size, dtype) if out is None else out
    result[:] = codes
    return result
