"""Quantiles of a stream of numbers: exact for short ones, by a KLL sketch for long ones.

A KLL sketch [1]_ keeps some of the numbers with weights, and the rank of a number by it is wrong by
a share of all numbers that is known. Before numbers come to the sketch, each `BUFFER` of them is
sorted and every `THINNED` neighbours are replaced by the middle one, which is wrong by at most
`THINNED`/2 ranks in each `BUFFER`: a sketch takes 0.1 µs for each number, and sorting a tenth.

References
----------
.. [1] Z. Karnin, K. Lang and E. Liberty, "Optimal quantile approximation in streams", IEEE
   Symposium on Foundations of Computer Science, 2016. The sketch is that of Apache DataSketches.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends import quantiles

HostArray = np.ndarray[Any, Any]

BUFFER = 1 << 20
"""Numbers that are held: with no more, quantiles are exact."""

THINNED = 1 << 6
"""Neighbours among sorted numbers of which one comes to the sketch."""

K = 1 << 15
"""The parameter of the sketch: the larger, the smaller its error and the larger its memory."""

RANK_ERROR = 1.3e-4
"""The share of the numbers by which the rank of an edge may be wrong: 9.6·10⁻⁵ of the sketch, in 99
of 100 cases, and 3.1·10⁻⁵ of thinning, always."""


class QuantileSketch:
    """Edges of equal frequency for a stream of numbers, in 9 MiB at most."""

    def __init__(self) -> None:
        self.n = 0
        self._held = np.empty(0)
        self._n_held = 0
        self._sketch: Any = None

    @property
    def is_exact(self) -> bool:
        """Whether all numbers are held."""
        return self._sketch is None

    def update(self, values: HostArray) -> None:
        """Add numbers that are not NaN."""
        self.n += values.size
        while values.size:
            if self._n_held == BUFFER:
                self._thin()
            room = min(BUFFER - self._n_held, values.size)
            needed = self._n_held + room
            if needed > self._held.size:
                grown = np.empty(min(max(needed, 2 * self._held.size), BUFFER))
                grown[: self._n_held] = self._held[: self._n_held]
                self._held = grown
            self._held[self._n_held : needed] = values[:room]
            self._n_held = needed
            values = values[room:]

    def _thin(self) -> None:
        if self._sketch is None:
            self._sketch = datasketches().kll_doubles_sketch(K)
        self._held.sort()
        self._sketch.update(np.ascontiguousarray(self._held[THINNED // 2 :: THINNED]))
        self._n_held = 0

    def counted(self) -> tuple[HostArray, HostArray]:
        """Distinct numbers in increasing order, and how many of all each of them stands for."""
        values, counts = np.unique(self._held[: self._n_held], return_counts=True)
        if self._sketch is None:
            return values, counts
        kept = list(self._sketch)
        values = np.concatenate([values, np.array([value for value, _ in kept])])
        weights = np.array([weight for _, weight in kept], np.int64) * THINNED
        counts = np.concatenate([counts, weights])
        distinct, position = np.unique(values, return_inverse=True)
        sums = np.zeros(distinct.size, np.int64)
        np.add.at(sums, position, counts)
        return distinct, sums


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
