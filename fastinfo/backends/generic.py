"""The kernels that a backend need not write: all but nine, built from the nine and from ``xp``.

A backend replaces those that it can do faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from functools import wraps
from itertools import pairwise, product
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from fastinfo.backends import chance, quantiles, random_tables, soft
from fastinfo.backends.contract import (
    Array,
    Home,
    Kernels,
    OnHost,
    RowSummary,
    Summary,
    TileShape,
    code_dtype,
)
from fastinfo.backends.home import HOST
from fastinfo.backends.pair_sums import PairSums, sums_by_parts
from fastinfo.backends.soft import SoftBins

P = ParamSpec("P")
Result = TypeVar("Result")
Self = TypeVar("Self", bound="GenericKernels")


def at_home(
    method: Callable[Concatenate[Any, P], Result],
) -> Callable[Concatenate[Any, P], Result]:
    """A decorator that runs a method of kernels in the context of their home."""

    @wraps(method)
    def run(self: Kernels, /, *arguments: P.args, **options: P.kwargs) -> Result:
        with self.home.current():
            return method(self, *arguments, **options)

    return run


class GenericKernels:
    """The default kernels of a backend; their home is the host unless the backend sets another."""

    name: str
    home: Home = HOST
    tile_shape = TileShape(side=None, samples=1 << 26)
    most_threads: int | None = None
    codes_while_counting = False

    @classmethod
    def describe(cls) -> str:
        """The name of the backend."""
        return cls.name

    def at(self: Self, home: Home) -> Self:
        """The same kernels at another home."""
        if home is self.home:
            return self
        other = copy(self)
        other.home = home
        return other

    @property
    def xp(self) -> Any:
        """The array namespace of the home."""
        return self.home.xp

    @property
    def samples_at_once(self) -> int | None:
        """As `Home.samples_at_once`."""
        return self.home.samples_at_once

    def other_devices(self: Self) -> Sequence[Self]:
        """The same kernels at each of the home's other devices."""
        return [self.at(home) for home in self.home.other_devices()]

    def current(self) -> AbstractContextManager[Any]:
        """The context of the home."""
        return self.home.current()

    def bring(self, array: Any) -> Array:
        """An array of the home with the values of any array."""
        return self.home.bring(array)

    def for_samples(self: Self, arrays: Sequence[Any]) -> Self:
        """The same kernels at the home for arrays of these sizes."""
        return self.at(self.home.for_samples(arrays))

    def bring_or_stream(self, array: Any) -> Array | OnHost:
        """As `bring`, or an array that stays on the host and comes range by range."""
        return self.home.bring_or_stream(array)

    def to_host(self, array: Array) -> Any:
        """A NumPy array with the values of an array of the home."""
        return self.home.to_host(array)

    def compile_time(self) -> AbstractContextManager[Callable[[], float]]:
        """Always 0 seconds: nothing is compiled."""
        return nullcontext(lambda: 0.0)

    def summarize_rows(self: Kernels, values: Array) -> RowSummary:
        """`summarize` row by row."""
        found = [self.summarize(row) for row in values]
        # The rows' own dtype holds all limits; NumPy may find no integer dtype for Python's ints.
        dtype = np.float64 if values.dtype.kind == "f" else values.dtype
        low, high, n_missing = zip(*found, strict=True)
        return RowSummary(np.array(low, dtype), np.array(high, dtype), np.array(n_missing))

    def order_statistics_rows(
        self: Kernels, values: Array, summary: RowSummary, ranks: Array, most: Array
    ) -> tuple[Array, Array]:
        """`order_statistics` row by row."""
        samples, has_ties = np.full(ranks.shape, np.nan), np.ones(len(values), np.bool_)
        each = zip(values, zip(*summary, strict=True), ranks, most.tolist(), strict=True)
        for position, (row, row_summary, row_ranks, row_most) in enumerate(each):
            found = self.order_statistics(row, Summary(*row_summary), row_ranks, row_most)
            if found is not None:
                samples[position], has_ties[position] = found
        return samples, has_ties

    @at_home
    def sort(self, values: Array, summary: Summary) -> Array:
        """The namespace's own sort, which must put NaN last as NumPy does."""
        # NumPy sorts as fast as a compiled kernel.
        return self.xp.sort(values)[: values.size - summary.n_missing]

    @at_home
    def quantile_edges(self, ordered: Array, n_bins: int) -> Array:
        """The host finds the edges by the distinct values and how often each occurs."""
        is_first = self.xp.ones(ordered.size, np.bool_)
        is_first[1:] = ordered[1:] != ordered[:-1]
        firsts = self.xp.flatnonzero(is_first)
        values = self.to_host(ordered[firsts]).astype(np.float64)
        counts = np.diff(self.to_host(firsts), append=ordered.size)
        return quantiles.edges(values, counts, n_bins)

    @at_home
    def look_up(self: Kernels, positions: Array, table: Array) -> Array:
        """The entries of a table."""
        return table[positions]

    @at_home
    def encode_uniform(
        self: Kernels,
        values: Array,
        low: float,
        high: float,
        n_bins: int,
        out: Array | None = None,
    ) -> Array:
        """`encode_edges` by the edges of ``numpy.linspace``."""
        return self.encode_edges(values, np.linspace(low, high, n_bins + 1), out)

    def encode_quantile_rows(self, values: Array, n_bins: int) -> tuple[Array, Array] | None:
        """None: rows are encoded by their edges."""
        return None

    @at_home
    def encode_integer_rows(self: Kernels, values: Array, low: Array) -> Array:
        """`encode_integers` row by row, into one array."""
        codes = self.xp.empty(values.shape, np.uint8)
        for row, least, out in zip(values, low.tolist(), codes, strict=True):
            self.encode_integers(row, least, 256, out)
        return codes

    @at_home
    def encode_float_rows(
        self: Kernels, values: Array, edges: Array, n_bins: Array, uniform: bool = False
    ) -> Array:
        """`encode_uniform` or `encode_edges` row by row, into one array."""
        codes = self.xp.zeros(values.shape, code_dtype(int(n_bins.max())))
        for row, ends, bins, out in zip(values, edges, n_bins.tolist(), codes, strict=True):
            if bins and uniform:
                self.encode_uniform(row, float(ends[0]), float(ends[bins]), bins, out)
            elif bins:
                self.encode_edges(row, ends[: bins + 1], out)
        return codes

    def expected_cells(self, left: Any, right: Any, n_samples: int) -> Any:
        """Computed on the host, since margins are short."""
        return chance.expected_cells(left, right, n_samples)

    def chance_coefficients(self, left: Any, right: Any, n_samples: int) -> Any:
        """Computed on the host, as `expected_cells`."""
        return chance.chance_coefficients(left, right, n_samples)

    def random_tables(self, left: Any, right: Any, seed: int, first: int, n: int) -> Any:
        """Drawn on the host, cell by cell."""
        return random_tables.random_tables(left, right, seed, first, n)

    def random_table_sums(
        self: Kernels, left: Any, right: Any, seed: int, first: int, n: int
    ) -> Any:
        """Sums of `random_tables`, one table at a time."""
        sums = np.empty(n)
        for i in range(n):
            cells = self.random_tables(left, right, seed, first + i, 1).reshape(-1)
            sums[i] = self.to_host(self.sum_xlogx(self.bring(cells)))
        return sums

    def add_pairs(
        self: Kernels, counts: Any, left: Any, lefts: slice, right: Any, rights: slice
    ) -> None:
        """`count_pairs`, then the sum."""
        counts += self.to_host(self.count_pairs(left, lefts, right, rights))

    @at_home
    def pair_sums(self, left: Any, lefts: slice, right: Any, rights: slice) -> PairSums:
        """`count_pairs` of some pairs at a time, then their sums."""
        return sums_by_parts(self, left, lefts, right, rights)

    @at_home
    def combine(
        self, sums: PairSums, coefficients: tuple[float, float, float], low: float
    ) -> Array:
        """The combination by operations of ``xp``; a tile is small and stays in cache."""
        a, b, c = coefficients
        entropies = sums.entropies()
        found: Array = a * entropies.left + b * entropies.right
        found = found + c * entropies.joint
        self.xp.maximum(found, low, out=found)
        found += 0.0  # no −0.0
        return found

    @at_home
    def write_tile(
        self, values: Array, rows: Any, columns: Any, out: Any, is_symmetric: bool
    ) -> None:
        """Write to an array of the home; on the host, to anything that has slice assignment."""
        xp = self.xp
        if is_symmetric and rows[0] == columns[0]:
            square = values[:, : rows.size]
            square = xp.triu(square) + xp.triu(square, 1).T
            values = xp.concatenate([square, values[:, rows.size :]], axis=1)
        _write(xp, values, rows, columns, out)
        if is_symmetric:
            _write(xp, values.T, columns, rows, out)

    def soft_count(
        self, x: Array, y: Array, x_bins: SoftBins, y_bins: SoftBins, weights: Array | None = None
    ) -> Array:
        """By products of matrices (`soft.count`)."""
        with self.current():
            return soft.count(self.xp, x, y, x_bins, y_bins, weights)

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
        """By products of the same matrices (`soft.differentiate`)."""
        with self.current():
            soft.differentiate(self.xp, x, y, x_bins, y_bins, by_counts, x_out, y_out, weights)


def _write(xp: Any, values: Array, rows: Any, columns: Any, out: Any) -> None:
    blocks = list(product(_runs(rows), _runs(columns)))
    if len(blocks) > 1 and isinstance(out, xp.ndarray):
        out[xp.asarray(rows[:, None]), xp.asarray(columns)] = values
        return
    # One block is the usual case; its slices take a third of the time of arrays of positions.
    for (a, b), (c, d) in blocks:
        out[rows[a] : rows[b - 1] + 1, columns[c] : columns[d - 1] + 1] = values[a:b, c:d]


def _runs(numbers: Any) -> Iterator[tuple[int, int]]:
    """The first position and the end of each run of consecutive numbers."""
    breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
    return pairwise([0, *breaks.tolist(), numbers.size])
