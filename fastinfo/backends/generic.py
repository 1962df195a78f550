"""What a backend need not write: all kernels but nine, made of these and of its arrays' namespace.

A backend replaces what it can do faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from functools import wraps
from itertools import pairwise, product
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from fastinfo.backends import chance, quantiles, soft
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
    """Run a method where its kernels have their arrays."""

    @wraps(method)
    def run(self: Kernels, /, *arguments: P.args, **options: P.kwargs) -> Result:
        with self.home.current():
            return method(self, *arguments, **options)

    return run


class GenericKernels:
    """The defaults of a backend, which works on the host unless it has another home."""

    name: str
    home: Home = HOST
    tile_shape = TileShape(side=None, samples=1 << 26)
    most_threads: int | None = None
    codes_while_counting = False

    @classmethod
    def describe(cls) -> str:
        """The name."""
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
        """The home's."""
        return self.home.xp

    @property
    def samples_at_once(self) -> int | None:
        """The home's."""
        return self.home.samples_at_once

    def other_devices(self: Self) -> Sequence[Self]:
        """These at the other devices of the home."""
        return [self.at(home) for home in self.home.other_devices()]

    def current(self) -> AbstractContextManager[Any]:
        """That of the home."""
        return self.home.current()

    def bring(self, array: Any) -> Array:
        """To the home."""
        return self.home.bring(array)

    def for_samples(self: Self, arrays: Sequence[Any]) -> Self:
        """These at the home for so many bytes."""
        return self.at(self.home.for_samples(arrays))

    def bring_or_stream(self, array: Any) -> Array | OnHost:
        """To the home, or ready for it."""
        return self.home.bring_or_stream(array)

    def to_host(self, array: Array) -> Any:
        """From the home."""
        return self.home.to_host(array)

    def compile_time(self) -> AbstractContextManager[Callable[[], float]]:
        """None where nothing is compiled."""
        return nullcontext(lambda: 0.0)

    def summarize_rows(self: Kernels, values: Array) -> RowSummary:
        """Python's integers fit no array together: those of the rows' own dtype do."""
        found = [self.summarize(row) for row in values]
        dtype = np.float64 if values.dtype.kind == "f" else values.dtype
        low, high, n_missing = zip(*found, strict=True)
        return RowSummary(np.array(low, dtype), np.array(high, dtype), np.array(n_missing))

    def order_statistics_rows(
        self: Kernels, values: Array, summary: RowSummary, ranks: Array, most: Array
    ) -> tuple[Array, Array]:
        """Where nothing is missing, as it mostly is, the kernel finds its way by the summary."""
        samples, has_ties = np.full(ranks.shape, np.nan), np.ones(len(values), np.bool_)
        each = zip(values, zip(*summary, strict=True), ranks, most.tolist(), strict=True)
        for position, (row, told, wanted, limit) in enumerate(each):
            found = self.order_statistics(row, Summary(*told), wanted, limit)
            if found is not None:
                samples[position], has_ties[position] = found
        return samples, has_ties

    @at_home
    def sort(self, values: Array, summary: Summary) -> Array:
        """NumPy sorts as fast as a compiled kernel. NaN comes last, as it has to elsewhere."""
        return self.xp.sort(values)[: values.size - summary.n_missing]

    @at_home
    def quantile_edges(self, ordered: Array, n_bins: int) -> Array:
        """The distinct values and how often each occurs come to the host, which decides."""
        is_first = self.xp.ones(ordered.size, np.bool_)
        is_first[1:] = ordered[1:] != ordered[:-1]
        firsts = self.xp.flatnonzero(is_first)
        values = self.to_host(ordered[firsts]).astype(np.float64)
        counts = np.diff(self.to_host(firsts), append=ordered.size)
        return quantiles.edges(values, counts, n_bins)

    def encode_uniform(
        self: Kernels,
        values: Array,
        low: float,
        high: float,
        n_bins: int,
        out: Array | None = None,
    ) -> Array:
        """Equal bins are the edges that NumPy would use."""
        return self.encode_edges(values, np.linspace(low, high, n_bins + 1), out)

    @at_home
    def encode_integer_rows(self: Kernels, values: Array, low: Array) -> Array:
        """Into the rows of one array."""
        codes = self.xp.empty(values.shape, np.uint8)
        for row, least, out in zip(values, low.tolist(), codes, strict=True):
            self.encode_integers(row, least, 256, out)
        return codes

    @at_home
    def encode_float_rows(
        self: Kernels, values: Array, edges: Array, n_bins: Array, uniform: bool = False
    ) -> Array:
        """Into the rows of one array."""
        codes = self.xp.zeros(values.shape, code_dtype(int(n_bins.max())))
        for row, ends, bins, out in zip(values, edges, n_bins.tolist(), codes, strict=True):
            if bins and uniform:
                self.encode_uniform(row, float(ends[0]), float(ends[bins]), bins, out)
            elif bins:
                self.encode_edges(row, ends[: bins + 1], out)
        return codes

    def expected_cells(self, left: Any, right: Any, n_samples: int) -> Any:
        """On the host: margins are short."""
        return chance.expected_cells(left, right, n_samples)

    @at_home
    def pair_sums(self, left: Any, lefts: slice, right: Any, rights: slice) -> PairSums:
        """Count some pairs at a time, then sum."""
        return sums_by_parts(self, left, lefts, right, rights)

    @at_home
    def combine(
        self, sums: PairSums, coefficients: tuple[float, float, float], low: float
    ) -> Array:
        """In place; a tile is small enough to stay in cache."""
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
        """To an array, or on the host to whatever else takes assignments to slices."""
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
        """By matrices."""
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
        """By the same matrices."""
        with self.current():
            soft.differentiate(self.xp, x, y, x_bins, y_bins, by_counts, x_out, y_out, weights)


def _write(xp: Any, values: Array, rows: Any, columns: Any, out: Any) -> None:
    blocks = list(product(_runs(rows), _runs(columns)))
    if len(blocks) > 1 and isinstance(out, xp.ndarray):
        out[xp.asarray(rows[:, None]), xp.asarray(columns)] = values
        return
    # One block is the usual case: a slice takes a third of the time that positions take.
    for (a, b), (c, d) in blocks:
        out[rows[a] : rows[b - 1] + 1, columns[c] : columns[d - 1] + 1] = values[a:b, c:d]


def _runs(numbers: Any) -> Iterator[tuple[int, int]]:
    """Borders of the runs of consecutive numbers."""
    breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
    return pairwise([0, *breaks.tolist(), numbers.size])
