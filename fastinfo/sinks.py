"""Where the values of finished tiles go: a matrix, or the strongest pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.contract import Kernels
from fastinfo.tiles import Sink

Array = np.ndarray[Any, Any]

BYTES_PER_PAIR = 3 * 8 * 2
"""A value and two positions, and as much again while they are put in order."""


class MatrixSink:
    """Writes all values to a matrix, in both places where it is symmetric.

    Parameters
    ----------
    matrix : array
        An array of the kernels; of those of the host anything that takes assignments to slices.
    n_left : int or None
        Features of X, which come before those of Y; None for a symmetric matrix.
    unit : float
        Nats to one unit of the matrix.
    kernels : Kernels
        Those of the place where the matrix is.
    stays : bool
        Whether values are measured there, and had better not take the way over the host.
    """

    def __init__(
        self, matrix: Any, n_left: int | None, unit: float, kernels: Kernels, stays: bool
    ) -> None:
        self.matrix = matrix
        self.n_left = n_left
        self.unit = unit
        self.kernels = kernels
        self.stays = stays

    def put(self, left: Array, right: Array, values: Any) -> None:
        """Write one tile."""
        columns = right if self.n_left is None else right - self.n_left
        with self.kernels.current():
            values = self.kernels.bring(values)
            if self.unit != 1.0:
                values = values / self.unit
            self.kernels.place(values, left, columns, self.matrix, self.n_left is None)


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

    stays = False

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

    stays = False

    def __init__(self, sink: Sink, lacking: Array) -> None:
        self.sink = sink
        self.lacking = lacking

    def put(self, left: Array, right: Array, values: Array) -> None:
        """Hand one tile on."""
        unknown = self.lacking[left][:, None] | self.lacking[right]
        self.sink.put(left, right, np.where(unknown, np.nan, values))
