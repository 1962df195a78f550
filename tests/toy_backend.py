"""The smallest backends: nine kernels, and the defaults for the rest.

`ToyKernels` is the skeleton of docs/architecture.md with flesh on it, plain Python and NumPy.
`NineOfCupy` has CuPy's nine, so that the defaults have to do with arrays of a device.
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
    """A loop, or what NumPy has for one."""

    name = "toy"

    def summarize(self, values):
        """By the values that are equal to themselves."""
        valid = values[values == values]
        ends = (valid.min().item(), valid.max().item()) if valid.size else (np.nan, np.nan)
        return Summary(*ends, values.size - valid.size)

    def order_statistics(self, values, summary, ranks, most):
        """By the number of times that each value occurs."""
        distinct, counts = np.unique(values[values == values], return_counts=True)
        wanted = np.searchsorted(counts.cumsum(), ranks, side="right")
        return distinct[wanted].astype(np.float64), bool((counts > most).any())

    def encode_integers(self, values, low, n_bins, out=None):
        """Integers of Python, which have no end."""
        codes = [value - low for value in values.tolist()]
        last = min(n_bins, np.iinfo(code_dtype(n_bins - 1)).max)
        codes = [code if 0 <= code < n_bins else last for code in codes]
        return written(codes, code_dtype(n_bins - 1), out)

    def encode_edges(self, values, edges, out=None):
        """One search a value."""
        edges, n_bins = edges.tolist(), edges.size - 1

        def code(value):
            if not edges[0] <= value <= edges[-1]:
                return n_bins
            return min(bisect_right(edges, value) - 1, n_bins - 1)

        return written([code(value) for value in values.tolist()], code_dtype(n_bins), out)

    def count_joint(self, codes, n_bins, weights=None):
        """Missing samples are counted too, and left out with the last row of each axis."""
        table = np.zeros([b + 1 for b in n_bins], np.int64 if weights is None else np.float64)
        np.add.at(table, tuple(codes), 1 if weights is None else weights)
        return table[tuple(slice(b) for b in n_bins)]

    def pack(self, codes, n_bins, weights=None, memory_limit=None, reduction=None):
        """What came, and how to sum."""
        reduction = reduction or plug_in(len(codes[0]), is_weighted=weights is not None)
        return Packed(codes, n_bins, weights, reduction)

    def count_pairs(self, left, lefts, right, rights):
        """Pair by pair."""
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
        """As Σ p·log q of the counts and themselves."""
        counts = np.ascontiguousarray(counts, np.float64)
        return self.sum_xlogy(counts, counts)

    def sum_xlogy(self, p, q):
        """Cells without probability add nothing."""
        with np.errstate(divide="ignore"):
            logs = np.log(np.where(p > 0, q, 1.0))
        return np.asarray((p * logs).sum(axis=-1))


class Packed(NamedTuple):
    """Features as `count_pairs` reads them."""

    codes: Any
    n_bins: Any
    weights: Any
    reduction: Any


def written(codes, dtype, out):
    """The codes as an array, ``out`` where that is given."""
    out = np.empty(len(codes), dtype) if out is None else out
    out[:] = codes
    return out


class NineOfCupy(GenericKernels):
    """What a backend of a device begins with."""

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
    """And this, for CuPy's namespace does not sort NaN last if it has a sign."""
