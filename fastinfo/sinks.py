"""Where the values of finished tiles go: a matrix, or the strongest pairs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

import numpy as np

from fastinfo.backends.contract import Kernels
from fastinfo.tiles import Sink

Array = np.ndarray[Any, Any]

MOST_POSITIONS = (1 << 31) - 1
"""Cells among which CuPy finds the positions of several axes together, in 32 bits."""

BYTES_PER_PAIR = 3 * 8 * 2
"""A value and two positions, and as much again while they are put in order."""


class MatrixSink:
    """Writes all values to a matrix, in both places where it is symmetric.

    Parameters
    ----------
    matrix : array
        A NumPy array, or anything that takes assignments to slices.
    n_left : int or None
        Features of X, which come before those of Y; None for a symmetric matrix.
    unit : float
        Nats to one unit of the matrix.
    xp : module
        The array namespace of the values.
    target : Kernels, optional
        Those of the device of the matrix, where the values come from elsewhere.
    """

    def __init__(
        self,
        matrix: Any,
        n_left: int | None,
        unit: float,
        xp: Any = np,
        target: Kernels | None = None,
    ) -> None:
        self.xp = xp
        self.target = target
        self.matrix = matrix
        self.n_left = n_left
        self.unit = unit

    def put(self, left: Array, right: Array, values: Array) -> None:
        """Write one tile."""
        is_on_diagonal = self.n_left is None and left[0] == right[0]
        if is_on_diagonal or self.unit != 1.0:  # where it is written to it may not be what came
            values = values / self.unit
        if is_on_diagonal:
            # On the diagonal a pair comes twice, summed in two orders: one rounding for both.
            square = values[:, : left.size]
            values[:, : left.size] = self.xp.triu(square) + self.xp.triu(square, 1).T
        if self.target is None:
            self._put(left, right, values, self.xp)
            return
        with self.target.current():
            self._put(left, right, self.target.bring(values), self.target.xp)

    def _put(self, left: Array, right: Array, values: Any, xp: Any) -> None:
        if self.n_left is not None:
            self._write(left, right - self.n_left, values, xp)
            return
        self._write(left, right, values, xp)
        self._write(right, left, values.T, xp)

    def _write(self, rows: Array, columns: Array, values: Any, xp: Any) -> None:
        blocks = list(product(_runs(rows), _runs(columns)))
        if len(blocks) > 1 and isinstance(self.matrix, xp.ndarray):
            if xp is np or self.matrix.size <= MOST_POSITIONS:
                self.matrix[xp.asarray(rows)[:, None], xp.asarray(columns)] = values
                return
            for a, b in _runs(rows):
                self.matrix[rows[a] : rows[b - 1] + 1][:, xp.asarray(columns)] = values[a:b]
            return
        # One block is the usual case: a slice takes a third of the time that positions take.
        for (a, b), (c, d) in blocks:
            self.matrix[rows[a] : rows[b - 1] + 1, columns[c] : columns[d - 1] + 1] = values[
                a:b, c:d
            ]


def _runs(numbers: Array) -> Iterator[tuple[int, int]]:
    """Borders of the runs of consecutive numbers."""
    breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
    return pairwise([0, *breaks.tolist(), numbers.size])


class TopSink:
    """Keeps the largest values, whatever the order in which tiles come.

    Parameters
    ----------
    k : int or None
        How many; None for all that reach the threshold.
    threshold : float
        The least value, in units.
    n_left : int or None
        Features of X, which come before those of Y; None where all are of one table.
    unit : float
        Nats to one unit.
    memory_limit : int
        Bytes that the pairs may take.
    """

    def __init__(
        self, k: int | None, threshold: float, n_left: int | None, unit: float, memory_limit: int
    ) -> None:
        self.k = k
        self.threshold = threshold
        self.n_left = n_left
        self.unit = unit
        self.most = memory_limit // BYTES_PER_PAIR
        self._values = np.empty(0)
        self._pairs = np.empty((2, 0), np.int64)
        self._unordered: list[tuple[Array, Array]] = []
        self._n_unordered = 0

    def put(self, left: Array, right: Array, values: Array) -> None:
        """Keep what may be among the largest."""
        values = values / self.unit
        least = self._values[-1] if self.k == self._values.size else self.threshold
        # First by value: of most tiles next to nothing is left. NaN is never wanted.
        rows, columns = np.nonzero(values >= max(least, self.threshold))
        values = values[rows, columns]
        pairs = np.stack([left[rows], right[columns] - (self.n_left or 0)])
        if self.n_left is None:
            # A tile on the diagonal holds its pairs twice, and each feature with itself.
            once = pairs[0] < pairs[1] if left[0] == right[0] else pairs[0] != pairs[1]
            values, pairs = values[once], np.sort(pairs[:, once], axis=0)  # tiles follow classes
        self._unordered.append((values, pairs))
        self._n_unordered += values.size
        if self.k is not None and self._n_unordered > self.k:
            self._order()
        if self._values.size + self._n_unordered > self.most:
            raise MemoryError(
                f"more than {self.most} pairs reach the threshold {self.threshold:g} and would "
                f"need more than the memory limit; raise the threshold, pass k, or memory_limit"
            )

    def _order(self) -> None:
        values = np.concatenate([self._values, *(v for v, _ in self._unordered)])
        pairs = np.concatenate([self._pairs, *(p for _, p in self._unordered)], axis=1)
        best = np.lexsort((pairs[1], pairs[0], -values))[: self.k]
        self._values, self._pairs = values[best], pairs[:, best]
        self._unordered, self._n_unordered = [], 0

    def pairs(self) -> list[tuple[float, int, int]]:
        """Value and positions, largest value first, equal ones by position."""
        self._order()
        return list(zip(self._values.tolist(), *self._pairs.tolist(), strict=True))


class UnknownSink:
    """Hands NaN on for every pair in which a feature lacks a sample."""

    def __init__(self, sink: Sink, lacking: Array) -> None:
        self.sink = sink
        self.lacking = lacking

    def put(self, left: Array, right: Array, values: Array) -> None:
        """Hand one tile on."""
        unknown = self.lacking[left][:, None] | self.lacking[right]
        self.sink.put(left, right, np.where(unknown, np.nan, values))
