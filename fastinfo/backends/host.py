"""What backends on the processor share: samples are where they work, and a call costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise, product
from typing import Any, TypeVar

import numpy as np

from fastinfo.backends import quantiles
from fastinfo.backends.contract import Kernels, RowSummary, Summary, code_dtype
from fastinfo.backends.pair_sums import PairSums, sums_by_parts

Array = np.ndarray[Any, Any]


Self = TypeVar("Self", bound=Kernels)


class HostKernels:
    """Arrays are NumPy's, and come and go as they are; rows are looked at one after the other."""

    xp = np
    samples_at_once = None
    most_threads = None
    codes_while_counting = False

    def other_devices(self) -> Sequence[Kernels]:
        """None: threads share this processor."""
        return ()

    def current(self) -> AbstractContextManager[Any]:
        """Anywhere."""
        return nullcontext()

    def for_samples(self: Self, arrays: Sequence[Array]) -> Self:
        """Themselves."""
        return self

    def bring(self, array: Array) -> Array:
        """Itself."""
        return array

    def bring_or_stream(self, array: Array) -> Array:
        """Itself."""
        return array

    def to_host(self, array: Array) -> Array:
        """Itself."""
        return array

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

    def sort(self, values: Array, summary: Summary) -> Array:
        """NumPy sorts as fast as a compiled kernel; NaN comes last."""
        return np.sort(values)[: values.size - summary.n_missing]

    def quantile_edges(self, ordered: Array, n_bins: int) -> Array:
        """By the distinct values and how often each occurs."""
        is_first = np.ones(ordered.size, np.bool_)
        is_first[1:] = ordered[1:] != ordered[:-1]
        firsts = np.flatnonzero(is_first)
        counts = np.diff(firsts, append=ordered.size)
        return quantiles.edges(ordered[firsts].astype(np.float64), counts, n_bins)

    def encode_integer_rows(self: Kernels, values: Array, low: Array) -> Array:
        """Into the rows of one array."""
        codes = np.empty(values.shape, np.uint8)
        for row, least, out in zip(values, low.tolist(), codes, strict=True):
            self.encode_integers(row, least, 256, out)
        return codes

    def encode_float_rows(
        self: Kernels, values: Array, edges: Array, n_bins: Array, uniform: bool = False
    ) -> Array:
        """Into the rows of one array."""
        codes = np.zeros(values.shape, code_dtype(int(n_bins.max())))
        for row, ends, bins, out in zip(values, edges, n_bins.tolist(), codes, strict=True):
            if bins and uniform:
                self.encode_uniform(row, float(ends[0]), float(ends[bins]), bins, out)
            elif bins:
                self.encode_edges(row, ends[: bins + 1], out)
        return codes

    def expected_cells(self, left: Array, right: Array, n_samples: int) -> Array:
        """E[k/n·log(k·n/(a·b))] of a hypergeometric count k, for margins a and b: ``(k, l)``.

        Probabilities follow from the most likely count to either side, each by a product from the
        one before, and are divided by their sum. k − μ has no mean and is taken off each term, so
        that none is negative and they do not cancel.
        """
        a, b = np.meshgrid(left.astype(np.float64), right.astype(np.float64), indexing="ij")
        n, mean = float(n_samples), a * b / n_samples
        mode = np.clip(np.floor((a + 1) * (b + 1) / (n + 2)), np.maximum(a + b - n, 0), None)

        def term(k: Array) -> Array:
            return k * np.log1p(np.where(k > 0, (k - mean) / mean, 0.0)) - (k - mean)

        total, value = np.ones_like(mean), term(mode)
        for step in (1, -1):
            k, weight = mode.copy(), np.ones_like(mean)
            while (weight > NEGLIGIBLE).any():
                if step == 1:
                    weight *= (a - k) * (b - k) / ((k + 1) * (n - a - b + k + 1))
                else:
                    weight *= k * (n - a - b + k) / ((a - k + 1) * (b - k + 1))
                k = np.where(weight > 0, k + step, k)  # where the last count is passed it stays
                total += weight
                value += weight * term(k)
        expected: Array = value / total / n
        return expected

    def pair_sums(self: Any, left: Any, lefts: slice, right: Any, rights: slice) -> PairSums:
        """Count some pairs at a time, then sum."""
        return sums_by_parts(self, left, lefts, right, rights)

    def combine(
        self, sums: PairSums, coefficients: tuple[float, float, float], low: float
    ) -> Array:
        """In place; a tile is small enough to stay in cache."""
        a, b, c = coefficients
        entropies = sums.entropies()
        found: Array = a * entropies.left + b * entropies.right
        found = found + c * entropies.joint
        np.maximum(found, low, out=found)
        found += 0.0  # no −0.0
        return found

    def write_tile(
        self, values: Array, rows: Array, columns: Array, out: Any, is_symmetric: bool
    ) -> None:
        """To an array, or to whatever else takes assignments to slices."""
        if is_symmetric and rows[0] == columns[0]:
            square = values[:, : rows.size]
            square = np.triu(square) + np.triu(square, 1).T
            values = np.concatenate([square, values[:, rows.size :]], axis=1)
        _write(values, rows, columns, out)
        if is_symmetric:
            _write(values.T, columns, rows, out)


NEGLIGIBLE = 1e-18
"""Probability beside the largest one at which a tail ends."""


def _write(values: Array, rows: Array, columns: Array, out: Any) -> None:
    blocks = list(product(_runs(rows), _runs(columns)))
    if len(blocks) > 1 and isinstance(out, np.ndarray):
        out[rows[:, None], columns] = values
        return
    # One block is the usual case: a slice takes a third of the time that positions take.
    for (a, b), (c, d) in blocks:
        out[rows[a] : rows[b - 1] + 1, columns[c] : columns[d - 1] + 1] = values[a:b, c:d]


def _runs(numbers: Array) -> Iterator[tuple[int, int]]:
    """Borders of the runs of consecutive numbers."""
    breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
    return pairwise([0, *breaks.tolist(), numbers.size])
