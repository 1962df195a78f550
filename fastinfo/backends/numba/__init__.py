"""The Numba backend: compiled CPU kernels behind `fastinfo.backends.contract.Kernels`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.chance import ORDERS
from fastinfo.backends.contract import Summary, TileShape, code_dtype
from fastinfo.backends.generic import GenericKernels
from fastinfo.backends.numba import (
    chance,
    count,
    encode,
    order_statistics,
    pairs,
    quantile_rows,
    quantiles,
    random_tables,
    soft,
    sums,
)
from fastinfo.backends.numba.jit import VERSION, compile_time, u64
from fastinfo.backends.numba.pairs import crossovers
from fastinfo.backends.pair_sums import PairSums
from fastinfo.backends.quantiles import outweighs, ranks
from fastinfo.backends.soft import SoftBins
from fastinfo.backends.terms import Reduction

Array = np.ndarray[Any, Any]

JOINED_AT_ONCE, COUNTED_BY_RANGES = 1 << 17, 1 << 14
"""Samples of three or more variables that are joined at once, half a MiB, where the table has at
most so many cells. Dask's workers ask the system anew for every array of 128 KiB (`distributed`
sets MALLOC_TRIM_THRESHOLD_), and touching 4 MiB took several times as long as joining."""

MOST_BLOCK_CELLS = 1 << 32
"""The most cells of a table that `count.count_two` can number."""


def _read_only(array: Array) -> Array:
    """A read-only view, so that read-only and writable inputs share one compiled kernel."""
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


def _bits(values: Array) -> tuple[Array, Any, Any]:
    """The bits of floats as integers, and what `encode.summarize` takes beside them."""
    signed = np.dtype(f"i{values.itemsize}")
    infinity = np.array(np.inf, values.dtype).view(signed)[()]
    return _read_only(values).view(signed), signed.type(np.iinfo(signed).max), infinity


def _rows(array: Array) -> Array:
    """A matrix whose rows run along the last axis."""
    # reshape(-1, …) would raise for a table without cells.
    return _read_only(array).reshape(math.prod(array.shape[:-1]), array.shape[-1])


class _Grid(NamedTuple):
    """Equal bins in the form that `encode.encode_uniform` takes."""

    edges: Array
    scale: float
    """Bins in one unit of the samples."""
    origin: float
    shift: Any
    doubt: Any
    """The largest error of a position in fixed point, against the position by the edges."""


@lru_cache(maxsize=256)
def _grid(low: float, high: float, n_bins: int) -> _Grid:
    """The grid of equal bins; its scale is 0 where a product cannot find the bin.

    It is cached, since a column is encoded block by block.
    """
    edges = _read_only(np.linspace(low, high, n_bins + 1))
    shift = 51 - n_bins.bit_length()
    # Halves are subtracted, so that limits further apart than the largest float do not overflow.
    half = high / 2 - low / 2
    scale = n_bins / half / 2 if half > 0 else np.inf
    # The subtraction and the multiplication are each off by half an ulp of at most n_bins, an edge
    # by an ulp or two of the larger end. The bound is doubled to be safe.
    doubt = 8 * np.finfo(np.float64).eps * (n_bins + max(abs(low), abs(high)) * scale)
    if not (0 < scale < np.inf and doubt < 0.25):
        return _Grid(edges, 0.0, 0.0, u64(0), u64(0))
    # Rounding to fixed point adds half a unit.
    units = math.ceil(doubt * 2.0**shift) + 1
    return _Grid(edges, scale, 2.0 ** (52 - shift), u64(shift), u64(units))


class NumbaKernels(GenericKernels):
    """The kernels of the contract, compiled."""

    name = "numba"
    tile_shape = TileShape(side=None, samples=1 << 31)

    def __init__(
        self,
        choose: pairs.Choose = crossovers.choose,
        small_job: int = crossovers.SMALL_JOB,
    ) -> None:
        self._choose = choose
        self._small_job = small_job

    @classmethod
    def describe(cls) -> str:
        """Numba with its version, and what it runs on."""
        return f"numba {VERSION}, compiled for this processor"

    def summarize(self, values: Array) -> Summary:
        """The smallest and the largest value and the number of NaN, in one pass."""
        # NumPy takes two to four passes.
        values = _read_only(values)
        if values.dtype.kind != "f":
            low, high = encode.limits(values)
            return Summary(int(low), int(high), 0)
        low, high, n_missing = encode.summarize(values, *_bits(values))
        if n_missing == values.size:
            return Summary(np.nan, np.nan, int(n_missing))
        return Summary(float(low), float(high), int(n_missing))

    def compile_time(self) -> AbstractContextManager[Callable[[], float]]:
        """A context that gives a function: the seconds of compiling that Numba's events report."""
        return compile_time()

    def order_statistics(
        self, values: Array, summary: Summary, ranks: Array, most: int
    ) -> tuple[Array, bool] | None:
        """The samples at the ranks, by sorting samples near them; None where these are many."""
        low, high, n_missing = summary
        if n_missing > 0 or not 0.0 < high - low < np.inf:
            return None
        cells, positions = np.empty(values.size, np.uint16), np.empty(ranks.size, np.int64)
        candidates = order_statistics.gather_candidates(
            _read_only(values), low, high, ranks, values.size // 4, cells, positions
        )
        if not candidates.size:
            return None
        ordered = np.sort(candidates)
        return ordered[positions].astype(np.float64), outweighs(ordered, most)

    def encode_quantile_rows(self, values: Array, n_bins: int) -> tuple[Array, Array] | None:
        """Codes by cells, and by edges where a cell holds one."""
        m, n_samples = values.shape
        n_bins = min(n_bins, n_samples)
        wanted, most = ranks(n_bins, n_samples), n_samples // n_bins
        codes, is_done = np.empty((m, n_samples), code_dtype(n_bins)), np.empty(m, np.bool_)
        quantile_rows.encode(_read_only(values), *_bits(values), wanted, most, codes, is_done)
        return codes, is_done

    def quantile_edges(self, ordered: Array, n_bins: int) -> Array:
        """The edges, found by one compiled function."""
        return np.asarray(quantiles.edges(_read_only(ordered), n_bins))

    def encode_integers(
        self, values: Array, low: int, n_bins: int, out: Array | None = None
    ) -> Array:
        """Codes ``value − low``, by unsigned subtraction."""
        unsigned = _read_only(values).view(f"u{values.itemsize}")
        offset = unsigned.dtype.type(low % (1 << 8 * values.itemsize))
        codes = np.empty(values.size, code_dtype(n_bins - 1)) if out is None else out
        last = min(n_bins, np.iinfo(codes.dtype).max, np.iinfo(unsigned.dtype).max)
        encode.encode_integers(unsigned, offset, unsigned.dtype.type(last), codes)
        return codes

    def look_up(self, positions: Array, table: Array) -> Array:
        """The entries, by one loop; NumPy makes int64 of all positions before."""
        found = np.empty(positions.size, table.dtype)
        encode.look_up(_read_only(positions), _read_only(table), found)
        return found

    def encode_uniform(
        self, values: Array, low: float, high: float, n_bins: int, out: Array | None = None
    ) -> Array:
        """Codes by a product; where that leaves a doubt, also by a comparison with the edge."""
        grid = _grid(low, high, n_bins)
        if not grid.scale:
            return self.encode_edges(values, grid.edges, out)
        codes = np.empty(values.size, code_dtype(n_bins)) if out is None else out
        encode.encode_uniform(_read_only(values), *grid, codes)
        return codes

    def encode_edges(self, values: Array, edges: Array, out: Array | None = None) -> Array:
        """Codes by a search in the inner edges, padded with ∞ to a power of two less one."""
        n_bins = edges.size - 1
        interior = np.full((1 << (n_bins - 1).bit_length()) - 1, np.inf)
        interior[: n_bins - 1] = edges[1:-1]
        low, high, interior = float(edges[0]), float(edges[-1]), _read_only(interior)
        codes = np.empty(values.size, code_dtype(n_bins)) if out is None else out
        encode.encode_edges(_read_only(values), interior, low, high, n_bins, codes)
        return codes

    def count_joint(
        self, codes: Sequence[Array], n_bins: Sequence[int], weights: Array | None = None
    ) -> Array:
        """Counts of two variables: the last one, and one into which all others are joined."""
        shape = [bins + 1 for bins in n_bins]
        n_cells = math.prod(shape)
        columns = [_read_only(column) for column in codes]
        left = columns[0]
        # count_two joins the last variable block by block and in 32 bits, which is faster.
        unjoined = 1 if weights is None and n_cells <= MOST_BLOCK_CELLS else 0
        # Few cells are counted range by range, so that fresh memory is touched once.
        by_ranges = len(columns) > 2 and unjoined and n_cells <= COUNTED_BY_RANGES
        step = JOINED_AT_ONCE if by_ranges else max(left.size, 1)
        dtype = np.uint32 if n_cells < 1 << 32 else np.uint64
        n_joined = len(columns) - unjoined
        joined = np.empty(min(step, left.size) if n_joined > 1 else 0, dtype)
        counts: Any = None
        for start in range(0, max(left.size, 1), step):
            some = [column[start : start + step] for column in columns]
            left = some[0]
            for column, extent in zip(some[1:n_joined], shape[1:], strict=False):
                count.join_codes(left, column, np.uint64(extent), joined[: column.size])
                left = _read_only(joined[: column.size])
            if weights is not None:
                found = count.sum_weights(left, _read_only(weights), n_cells)
            elif len(columns) == 1 or not unjoined:
                found = count.count_one(left, n_cells)
            else:
                cells = np.empty(count.BLOCK, np.uint16 if n_cells <= 1 << 16 else np.uint32)
                found = count.count_two(left, some[-1], shape[-1], n_cells, cells)
            counts = found if counts is None else counts + found
        table: Array = counts.reshape(shape)[tuple([slice(bins) for bins in n_bins])]
        return table.astype(np.int64 if weights is None else np.float64)  # contiguous

    def pack(
        self,
        codes: Sequence[Array] | Array,
        n_bins: Sequence[int],
        weights: Array | None = None,
        memory_limit: int | None = None,
        reduction: Reduction | None = None,
    ) -> pairs.Packed:
        """A matrix of codes, and rows of bits for the features with few bins."""
        return pairs.pack(codes, n_bins, weights, memory_limit, reduction, self._small_job)

    def count_pairs(
        self, left: pairs.Packed, lefts: slice, right: pairs.Packed, rights: slice
    ) -> Array:
        """Counts, in the way that is fastest for these numbers of bins and samples."""
        return pairs.count_pairs(left, lefts, right, rights, choose=self._choose)

    def add_pairs(
        self, counts: Array, left: pairs.Packed, lefts: slice, right: pairs.Packed, rights: slice
    ) -> None:
        """Added where they arise: to clear fresh memory takes as long as counting few samples."""
        pairs.count_pairs(left, lefts, right, rights, counts, self._choose)

    def pair_sums(
        self, left: pairs.Packed, lefts: slice, right: pairs.Packed, rights: slice
    ) -> PairSums:
        """Sums of counts that stay in cache; by `count_pairs` for weights and for many samples."""
        if pairs.can_sum(left):
            return pairs.pair_sums(left, lefts, right, rights, self._choose)
        return super().pair_sums(left, lefts, right, rights)

    sum_xlogx = staticmethod(sums.sum_xlogx)

    def sum_xlogy(self, p: Array, q: Array) -> Array:
        """Sums over the last axis, row by row."""
        p, q = np.broadcast_arrays(p, q)
        left, right = _rows(p), _rows(q)
        out = np.empty(left.shape[0])
        sums.sum_xlogy(left, right, out)
        return out.reshape(p.shape[:-1])

    def expected_cells(self, left: Array, right: Array, n_samples: int) -> Array:
        """Expectations, cell by cell."""
        expected = np.empty((left.size, right.size))
        table = sums.xlogx_table(sums.TABLE_SIZE - 1)
        chance.expected_cells(_read_only(left), _read_only(right), n_samples, table, expected)
        return expected

    def chance_coefficients(self, left: Array, right: Array, n_samples: int) -> Array:
        """Coefficients, cell by cell."""
        found = np.zeros((ORDERS, left.size, right.size))
        chance.chance_coefficients(_read_only(left), _read_only(right), n_samples, found)
        return found

    def random_tables(self, left: Array, right: Array, seed: int, first: int, n: int) -> Array:
        """Tables, cell by cell or sample by sample."""
        return random_tables.tables(left, right, seed, first, n)

    def random_table_sums(self, left: Array, right: Array, seed: int, first: int, n: int) -> Array:
        """Sums of cells as they are drawn."""
        return random_tables.sums(left, right, seed, first, n)

    def soft_count(
        self, x: Array, y: Array, x_bins: SoftBins, y_bins: SoftBins, weights: Array | None = None
    ) -> Array:
        """Soft counts: each sample adds a small patch of shares to the table of its pair."""
        weights = None if weights is None else _read_only(weights)
        return soft.count(_read_only(x), _read_only(y), x_bins, y_bins, weights)

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
        """Gradients: each sample reads the patch of derivatives that its shares belong to."""
        x, y, by_counts = _read_only(x), _read_only(y), _read_only(by_counts)
        weights = None if weights is None else _read_only(weights)
        soft.differentiate(x, y, x_bins, y_bins, weights, by_counts, x_out, y_out)
