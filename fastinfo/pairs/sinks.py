"""Sinks, which take the values of finished tiles: a matrix, or the strongest pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastinfo.backends.contract import Kernels
from fastinfo.pairs.engine import Sink
from fastinfo.pairs.job import Planes

Array = np.ndarray[Any, Any]

VALUE = "value"
"""The plane that pairs are ranked by, unless another is named."""

BYTES_PER_PAIR = 4 * 8 * 2
"""Bytes for a rank, a value and two positions, and as many again while pairs are sorted."""

ROUNDING = 1e-9
"""The share of a value by which its bound may be too low."""

RANKED_AT_ONCE = 64
"""Pairs that are ranked before the least rank that is kept is read again."""

MOST_WAITING = 1 << 17
"""The most pairs that wait to be ranked; the more wait, the fewer must be ranked at all."""


class MatrixSink:
    """Writes all values to a matrix; in a symmetric one, each to cells (i, j) and (j, i).

    Parameters
    ----------
    matrix : array
        An array of the kernels; with kernels of the host, any object that has slice assignment.
    n_left : int or None
        The number of features of X, which come before those of Y; None for a symmetric matrix.
    unit : float
        Nats in one unit of the matrix.
    kernels : Kernels
        Kernels of the place where the matrix is stored.
    stays : bool
        Whether values are measured in that place, so that they need no copy over the host.
    plane : str
        The plane that is written.
    """

    def __init__(
        self,
        matrix: Any,
        n_left: int | None,
        unit: float,
        kernels: Kernels,
        stays: bool,
        plane: str = VALUE,
    ) -> None:
        self.matrix = matrix
        self.n_left = n_left
        self.unit = unit
        self.kernels = kernels
        self.stays = stays
        self.plane = plane

    def put(self, left: Array, right: Array, planes: Planes) -> None:
        """Write one tile."""
        columns = right if self.n_left is None else right - self.n_left
        with self.kernels.current():
            values = self.kernels.bring(planes[self.plane])
            if self.unit != 1.0:
                values = values / self.unit
            self.kernels.write_tile(values, left, columns, self.matrix, self.n_left is None)


class EachPlane:
    """Passes every tile to several sinks, each of which takes a plane of its own."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self.sinks = sinks
        self.stays = all(sink.stays for sink in sinks)

    def put(self, left: Array, right: Array, planes: Planes) -> None:
        """Pass one tile on."""
        for sink in self.sinks:
            sink.put(left, right, planes)


class TopSink:
    """Keeps the pairs that rank highest; the result does not depend on the order of tiles.

    The rank of a pair is its value; `RankedSink` ranks by numbers that are smaller.

    Parameters
    ----------
    k : int or None
        The number of pairs to keep; None for all that reach the threshold.
    threshold : float
        The least rank, in units.
    n_left : int or None
        The number of features of X, which come before those of Y; None if there is no Y.
    unit : float
        Nats in one unit of the values.
    memory_limit : int
        The most bytes that the pairs may take.
    plane : str
        The plane that holds the values.
    """

    stays = False

    def __init__(
        self,
        k: int | None,
        threshold: float,
        n_left: int | None,
        unit: float,
        memory_limit: int,
        plane: str = VALUE,
    ) -> None:
        self.k = k
        self.threshold = threshold
        self.n_left = n_left
        self.unit = unit
        self.most = memory_limit // BYTES_PER_PAIR
        self.plane = plane
        self._ranks = np.empty(0)
        self._values = np.empty(0)
        self._pairs = np.empty((2, 0), np.int64)
        self._unordered: list[tuple[Array, Array, Array]] = []
        self._n_unordered = 0

    @property
    def least(self) -> float:
        """The rank that a pair has to reach to be kept."""
        least = self._ranks[-1] if self.k == self._ranks.size else self.threshold
        return max(float(least), self.threshold)

    def put(self, left: Array, right: Array, planes: Planes) -> None:
        """Keep the pairs of a tile that may be among the largest."""
        values = planes[self.plane] / self.unit
        most = self._most(left, right, values)
        # Values are compared first, which leaves few pairs of most tiles. NaN is never kept.
        rows, columns = np.nonzero(most >= self.least)
        values, most = values[rows, columns], most[rows, columns]
        pairs = np.stack([left[rows], right[columns] - (self.n_left or 0)])
        if self.n_left is None:
            # A tile on the diagonal holds its pairs twice, and each feature with itself.
            once = pairs[0] < pairs[1] if left[0] == right[0] else pairs[0] != pairs[1]
            values, most = values[once], most[once]
            pairs = np.sort(pairs[:, once], axis=0)  # plan order differs
        self._rank(values, most, pairs)

    def _most(self, left: Array, right: Array, values: Array) -> Array:
        """Numbers that the ranks of the pairs of a tile do not exceed."""
        return values

    def _rank(self, values: Array, most: Array, pairs: Array) -> None:
        self._keep(values, values, pairs)

    def _keep(self, ranks: Array, values: Array, pairs: Array) -> None:
        self._unordered.append((ranks, values, pairs))
        self._n_unordered += values.size
        if self.k is not None and self._n_unordered > self.k:
            self._order()
        if self._values.size + self._n_unordered > self.most:
            raise MemoryError(
                f"more than {self.most} pairs reach the threshold {self.threshold:g} and would "
                f"need more than the memory limit; raise the threshold, pass k, or memory_limit"
            )

    def _order(self) -> None:
        kept = [(self._ranks, self._values, self._pairs), *self._unordered]
        ranks, values, pairs = (np.concatenate(part, axis=-1) for part in zip(*kept, strict=True))
        best = np.lexsort((pairs[1], pairs[0], -ranks))[: self.k]
        self._ranks, self._values, self._pairs = ranks[best], values[best], pairs[:, best]
        self._unordered, self._n_unordered = [], 0

    def pairs(self) -> list[tuple[float, int, int]]:
        """Value and positions of each pair, highest rank first, equal ranks by position."""
        return [(value, i, j) for _, value, i, j in self.ranked()]

    def ranked(self) -> list[tuple[float, float, int, int]]:
        """Rank, value and positions of each pair, highest rank first, equal ranks by position."""
        self._order()
        ranks, values = self._ranks.tolist(), self._values.tolist()
        return list(zip(ranks, values, *self._pairs.tolist(), strict=True))


class RankedSink(TopSink):
    """Ranks pairs by a number that costs more than the value and never exceeds it.

    The value bounds the rank, and what is surely taken off bounds it closer. So only pairs whose
    bound reaches the least rank that is kept need be ranked. One pass over the tiles is therefore
    exact. Pairs wait until there are many. Those with the largest bounds are ranked first, after
    which most others need no rank.

    Parameters
    ----------
    rank : callable
        Takes the positions of a pair of features and its value in units. It returns the rank, or
        NaN for a pair that is not wanted.
    plane : str
        The plane that holds the values.
    taken_off : callable, optional
        Takes the positions of the features of a tile. It returns numbers in nats, at most the
        difference between the value and the rank of each pair.
    """

    def __init__(
        self,
        k: int | None,
        threshold: float,
        n_left: int | None,
        unit: float,
        memory_limit: int,
        rank: Callable[[int, int, float], float],
        plane: str = VALUE,
        taken_off: Callable[[Array, Array], Array] | None = None,
    ) -> None:
        super().__init__(k, threshold, n_left, unit, memory_limit, plane)
        self.rank = rank
        self.taken_off = taken_off
        self._waiting: list[tuple[Array, Array, Array]] = []
        self._n_waiting = 0

    def _most(self, left: Array, right: Array, values: Array) -> Array:
        if self.taken_off is None:
            return values
        # Rounding may bring a rank that close to the value.
        most: Array = values * (1 + ROUNDING) - self.taken_off(left, right) / self.unit
        return most

    def _rank(self, values: Array, most: Array, pairs: Array) -> None:
        self._waiting.append((values, most, pairs))
        self._n_waiting += values.size
        if self._n_waiting > MOST_WAITING:
            self.rank_waiting()

    def rank_waiting(self) -> None:
        """Rank the pairs that wait, as long as what they are ranked by is at hand."""
        if not self._waiting:
            return
        waiting = (np.concatenate(part, axis=-1) for part in zip(*self._waiting, strict=True))
        self._waiting, self._n_waiting = [], 0
        values, most, pairs = waiting
        order = np.argsort(-most, kind="stable")
        values, most, pairs = values[order], most[order], pairs[:, order]
        for start in range(0, values.size, RANKED_AT_ONCE):
            here = slice(start, start + RANKED_AT_ONCE)
            if most[start] < self.least:
                return
            ranks = self._ranks_of(values[here], pairs[:, here])
            kept = ranks >= self.least  # NaN is not
            self._keep(ranks[kept], values[here][kept], pairs[:, here][:, kept])

    def _ranks_of(self, values: Array, pairs: Array) -> Array:
        left, right = pairs[0].tolist(), (pairs[1] + (self.n_left or 0)).tolist()
        return np.array([self.rank(*one) for one in zip(left, right, values.tolist(), strict=True)])

    def ranked(self) -> list[tuple[float, float, int, int]]:
        """As `TopSink.ranked`, after all pairs that wait are ranked."""
        self.rank_waiting()
        return super().ranked()


class PropagatingSink:
    """Passes tiles to another sink, with NaN for each pair of a feature with missing samples."""

    stays = False

    def __init__(self, sink: Sink, lacking: Array) -> None:
        self.sink = sink
        self.lacking = lacking

    def put(self, left: Array, right: Array, planes: Planes) -> None:
        """Pass one tile on."""
        unknown = self.lacking[left][:, None] | self.lacking[right]
        known = {name: np.where(unknown, np.nan, values) for name, values in planes.items()}
        self.sink.put(left, right, known)
