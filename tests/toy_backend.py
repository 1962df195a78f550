"""The smallest backends: nine kernels, and the defaults for the rest.

`ToyKernels` fills in the skeleton of docs/architecture.md, in plain Python and NumPy.
`NineOfCupy` has the nine of the CuPy backend, so that the defaults work on arrays of a device.
"""

from bisect import bisect_right
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Summary, code_dtype
from fastinfo.backends.cupy import CupyKernels
from fastinfo.backends.generic import GenericKernels
from fastinfo.backends.pair_sums import PackedPairs
from fastinfo.backends.terms import plug_in


class ToyKernels(GenericKernels):
    """Nine kernels, each a loop or NumPy's function for it."""

    name = "toy"

    def summarize(self, values):
        """The summary of the values that are equal to themselves; NaN is not."""
        valid = values[values == values]
        ends = (valid.min().item(), valid.max().item()) if valid.size else (np.nan, np.nan)
        return Summary(*ends, values.size - valid.size)

    def order_statistics(self, values, summary, ranks, most):
        """The samples at the ranks, by how often each distinct value occurs."""
        distinct, counts = np.unique(values[values == values], return_counts=True)
        wanted = np.searchsorted(counts.cumsum(), ranks, side="right")
        return distinct[wanted].astype(np.float64), bool((counts > most).any())

    def encode_integers(self, values, low, n_bins, out=None):
        """Codes by Python's integers, which cannot overflow."""
        codes = [value - low for value in values.tolist()]
        last = min(n_bins, np.iinfo(code_dtype(n_bins - 1)).max)
        codes = [code if 0 <= code < n_bins else last for code in codes]
        return written(codes, code_dtype(n_bins - 1), out)

    def encode_edges(self, values, edges, out=None):
        """Codes by one search for each value."""
        edges, n_bins = edges.tolist(), edges.size - 1

        def code(value):
            if not edges[0] <= value <= edges[-1]:
                return n_bins
            return min(bisect_right(edges, value) - 1, n_bins - 1)

        return written([code(value) for value in values.tolist()], code_dtype(n_bins), out)

    def count_joint(self, codes, n_bins, weights=None):
        """Counts; missing samples are counted in the last row of each axis, which is cut off."""
        table = np.zeros([b + 1 for b in n_bins], np.int64 if weights is None else np.float64)
        np.add.at(table, tuple(codes), 1 if weights is None else weights)
        return table[tuple(slice(b) for b in n_bins)]

    def pack(self, codes, n_bins, weights=None, memory_limit=None, reduction=None):
        """The codes as they came, with the reduction."""
        reduction = reduction or plug_in(len(codes[0]), is_weighted=weights is not None)
        return Packed(codes, n_bins, weights, reduction)

    def count_pairs(self, left, lefts, right, rights):
        """Counts, pair by pair."""
        pairs = PackedPairs.of(left, lefts, right, rights)
        dtype = np.int64 if left.weights is None else np.float64
        counts = np.zeros((*pairs.shape, *pairs.most_bins), dtype)
        for i, x in enumerate(pairs.lefts):
            for j, y in enumerate(pairs.rights):
                bins = left.n_bins[x], right.n_bins[y]
                table = self.count_joint((left.codes[x], right.codes[y]), bins, left.weights)
                counts[i, j, : bins[0], : bins[1]] = table
        return counts

    def sum_xlogx(self, counts):
        """Σ c·log c, as Σ p·log q with p = q = c."""
        counts = np.ascontiguousarray(counts, np.float64)
        return self.sum_xlogy(counts, counts)

    def sum_xlogy(self, p, q):
        """Σ p·log q; cells with p = 0 add nothing."""
        with np.errstate(divide="ignore"):
            logs = np.log(np.where(p > 0, q, 1.0))
        return np.asarray((p * logs).sum(axis=-1))


class Packed(NamedTuple):
    """The pack of this backend: the codes as they came."""

    codes: Any
    n_bins: Any
    weights: Any
    reduction: Any


def written(codes, dtype, out):
    """The codes as an array of a dtype, or in ``out`` if that is given."""
    out = np.empty(len(codes), dtype) if out is None else out
    out[:] = codes
    return out


class NineOfCupy(GenericKernels):
    """The least that a backend of a device writes: the nine of the CuPy backend, and `sort`."""

    name = "nine of cupy"

    def __init__(self, where=None):
        vars(self).update(vars(CupyKernels(where)))

    device = CupyKernels.device
    summarize = CupyKernels.summarize
    order_statistics = CupyKernels.order_statistics
    encode_integers = CupyKernels.encode_integers
    encode_edges = CupyKernels.encode_edges
    count_joint = CupyKernels.count_joint
    pack = CupyKernels.pack
    count_pairs = CupyKernels.count_pairs
    sum_xlogx = CupyKernels.sum_xlogx
    sum_xlogy = CupyKernels.sum_xlogy
    sort = CupyKernels.sort
    """The default would not do: CuPy does not sort a NaN with a sign bit last."""
