"""Quantiles of a stream of numbers: exact for short ones, nearly right for long ones.

The first `BUFFER` numbers are held. If more come, the numbers between each `CELL`-th of the sorted
ones are counted: as long as the stream goes on as it began, each cell gets a share of 6·10⁻⁵, and
ranks at the borders of cells are exact. Numbers that come in another order, such as rising ones,
would crowd in few cells. From then on a KLL sketch [1]_ keeps some of the numbers with weights, and
the rank of a number by it is wrong by a share of all numbers that is known. Before numbers come to
the sketch, each `BUFFER` of them is sorted, and every `THINNED` neighbours are replaced by the
middle one, which is wrong by at most `THINNED`/2 ranks in each `BUFFER`.

A number takes 3 to 6 ns by the cells (14 for heavy tails), and 15 by sorting and the sketch, which
would take 50 to 100 of each number itself (Zen 3).

References
----------
.. [1] Z. Karnin, K. Lang and E. Liberty, "Optimal quantile approximation in streams", IEEE
   Symposium on Foundations of Computer Science, 2016. The sketch is that of Apache DataSketches.
.. [2] Its form is told in ``kll_sketch_impl.hpp`` of Apache DataSketches C++.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends import on_host, quantiles

HostArray = np.ndarray[Any, Any]

BUFFER = 1 << 20
"""Numbers that are held: with no more, quantiles are exact."""

CELL = 1 << 6
"""Numbers of the first `BUFFER` in each cell."""

COUNTED_AT_ONCE = 1 << 18
"""Numbers that are brought into cells at once."""

THINNED = 1 << 6
"""Neighbours among sorted numbers of which one comes to the sketch."""

K = 1 << 15
"""The parameter of the sketch: the larger, the smaller its error and the larger its memory."""

RANK_ERROR = 1.3e-4
"""The share of the numbers by which the rank of an edge may be wrong. No cell has more. A sketch is
wrong by 9.6·10⁻⁵ in 99 of 100 cases, and by 3.1·10⁻⁵ for thinning at most."""


class _Cells:
    """Counts of numbers between borders that some of them gave.

    Parameters
    ----------
    values : array of shape (n,)
        Sorted numbers.
    """

    def __init__(self, values: HostArray) -> None:
        borders, repeated = np.unique(values[CELL::CELL], return_counts=True)
        # A number that fills a cell has one of its own, from itself to the next larger float.
        ends = np.nextafter(borders[repeated > 1], np.inf)
        self.borders = np.unique(np.concatenate([borders, ends]))
        self._edges = np.concatenate([[-np.inf], self.borders, [np.inf]])
        nexts = np.nextafter(self.borders, np.inf)
        self._may_be_full = np.append(False, nexts == self._edges[2:])
        self.counts = self._count(values)

    def _count(self, values: HostArray) -> HostArray:
        kernels = on_host()
        codes = kernels.encode_edges(values, self._edges)
        counts: HostArray = kernels.count_joint([codes], [self._edges.size - 1])
        return counts

    def add(self, values: HostArray) -> bool:
        """Count numbers, unless a cell would get too large a share; whether they are counted."""
        counts = self.counts + self._count(values)
        if counts[~self._may_be_full].max() > RANK_ERROR * counts.sum():
            return False
        self.counts = counts
        return True

    def counted(self) -> tuple[HostArray, HostArray]:
        """Borders, and the numbers in the cell that begins there; those below go to the first."""
        counts = self.counts[1:].copy()
        counts[0] += self.counts[0]
        return self.borders, counts


class QuantileSketch:
    """Edges of equal frequency for a stream of numbers, in 9 MiB at most."""

    def __init__(self) -> None:
        self.n = 0
        self._held = np.empty(0)
        self._n_held = 0
        self._most_held = BUFFER
        self._cells: _Cells | None = None
        self._is_drifting = False
        self._sketch: Any = None

    @property
    def is_exact(self) -> bool:
        """Whether all numbers are held."""
        return self._cells is None

    def update(self, values: HostArray) -> None:
        """Add numbers that are not NaN."""
        self.n += values.size
        while values.size:
            if self._n_held == self._most_held:
                self._make_room()
            room = min(self._most_held - self._n_held, values.size)
            needed = self._n_held + room
            if needed > self._held.size:
                grown = np.empty(min(max(needed, 2 * self._held.size), self._most_held))
                grown[: self._n_held] = self._held[: self._n_held]
                self._held = grown
            self._held[self._n_held : needed] = values[:room]
            self._n_held = needed
            values = values[room:]

    def _make_room(self) -> None:
        held = self._held[: self._n_held]
        if self._cells is None:
            held.sort()
            self._cells = _Cells(held)
            self._most_held = min(COUNTED_AT_ONCE, BUFFER)
            self._held = np.empty(self._most_held)
        elif not self._is_drifting:
            self._is_drifting = not self._cells.add(held)
            if self._is_drifting:
                self._most_held = BUFFER
                if self._n_held < BUFFER:
                    return
        if self._is_drifting:
            self._thin()
        self._n_held = 0

    def _thin(self) -> None:
        if self._sketch is None:
            self._sketch = datasketches().kll_doubles_sketch(K)
        self._held[: self._n_held].sort()
        thinned = self._held[THINNED // 2 : self._n_held : THINNED]
        self._sketch.update(np.ascontiguousarray(thinned))

    def counted(self) -> tuple[HostArray, HostArray]:
        """Distinct numbers in increasing order, and how many of all each of them stands for."""
        found = [np.unique(self._held[: self._n_held], return_counts=True)]
        if self._cells is not None:
            found.append(self._cells.counted())
        if self._sketch is not None:
            kept, weights = _kept(self._sketch)
            found.append((kept, weights * THINNED))
        if len(found) == 1:
            return found[0]
        values, counts = (np.concatenate(parts) for parts in zip(*found, strict=True))
        distinct, position = np.unique(values, return_inverse=True)
        sums = np.zeros(distinct.size, np.int64)
        np.add.at(sums, position, counts)
        return distinct, sums


def _kept(sketch: Any) -> tuple[HostArray, HostArray]:
    """The numbers that a sketch keeps, and their weights.

    They are read from its serialized form, whose levels have the weights 1, 2, 4 … [2]_. To iterate
    over a sketch takes a hundred times as long.
    """
    image = sketch.serialize()
    if sketch.is_estimation_mode() and image[:3] == bytes([5, 1, 15]):
        n_levels = image[18]
        levels = np.frombuffer(image, np.uint32, n_levels, 20).astype(np.int64)
        values = np.frombuffer(image, np.float64, -1, 20 + 4 * n_levels + 16)  # after the extremes
        sizes = np.diff(np.append(levels, levels[0] + values.size))
        weights = np.repeat(np.int64(1) << np.arange(n_levels), sizes)
        if weights.size == values.size and weights.sum() == sketch.n:
            return values, weights
    kept = list(sketch)  # a form of another version, or of few numbers
    return np.array([value for value, _ in kept]), np.array(
        [weight for _, weight in kept], np.int64
    )


def edges_of_counted(values: HostArray, counts: HostArray, n_bins: int) -> HostArray:
    """Edges of equal frequency by counted numbers."""
    return quantiles.edges(values, counts, min(n_bins, int(counts.sum()))).astype(np.float64)


def datasketches() -> Any:
    """The module datasketches.

    Raises
    ------
    ImportError
        If it is not installed; the message says how to install it, and how to do without.
    """
    try:
        import datasketches as module
    except ImportError as error:
        raise ImportError(
            f"bins of equal frequency of more than {BUFFER:,} streamed samples need datasketches "
            f"({error}): pip install datasketches, or pass bins of equal width or edges"
        ) from error
    return module
