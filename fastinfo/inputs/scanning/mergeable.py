"""Quantiles of numbers that several readers have, each of some of them.

What `sketch.QuantileSketch` keeps is made for one reader; this one can be merged, and sent to other
processes. Numbers are held up to some number of them. Beyond, each buffer is sorted, neighbours are
replaced by the middle one, and these come to a KLL sketch, as they do there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.inputs.scanning.sketch import BUFFER, THINNED, K, datasketches

HostArray = np.ndarray[Any, Any]


class MergeableSketch:
    """Edges of equal frequency for numbers of several readers; its rank error is `RANK_ERROR`.

    Parameters
    ----------
    buffer : int
        Numbers that are held. With fewer of them, fewer neighbours are replaced by one, so that the
        error stays the same.
    """

    def __init__(self, buffer: int = BUFFER) -> None:
        self.buffer = buffer
        self.thinned = max(THINNED * buffer // BUFFER, 1)
        self.n = 0
        self._held = np.empty(0)
        self._n_held = 0
        self._sketch: Any = None

    def update(self, values: HostArray) -> None:
        """Add numbers that are not NaN."""
        self.n += values.size
        while values.size:
            if self._n_held == self.buffer:
                self._thin()
            room = min(self.buffer - self._n_held, values.size)
            needed = self._n_held + room
            if needed > self._held.size:
                grown = np.empty(min(max(needed, 2 * self._held.size), self.buffer))
                grown[: self._n_held] = self._held[: self._n_held]
                self._held = grown
            self._held[self._n_held : needed] = values[:room]
            self._n_held = needed
            values = values[room:]

    def _thin(self) -> None:
        if self._sketch is None:
            self._sketch = datasketches().kll_doubles_sketch(K)
        self._held.sort()
        self._sketch.update(np.ascontiguousarray(self._held[self.thinned // 2 :: self.thinned]))
        self._n_held = 0

    def merge(self, other: MergeableSketch) -> None:
        """Add the numbers of another one of the same buffer, which stays as it is."""
        self.update(other._held[: other._n_held])
        if other._sketch is not None:
            if self._sketch is None:
                self._sketch = datasketches().kll_doubles_sketch(K)
            self._sketch.merge(other._sketch)
            self.n += other.n - other._n_held

    def counted(self) -> tuple[HostArray, HostArray]:
        """Distinct numbers in increasing order, and how many of all each of them stands for."""
        values, counts = np.unique(self._held[: self._n_held], return_counts=True)
        if self._sketch is None:
            return values, counts
        # Weights by ranks: after a merge those of the sketch's own iterator may be wrong (5.2).
        kept = np.unique(np.array([value for value, _ in self._sketch]))
        ranks = np.rint(np.array(self._sketch.get_cdf(kept, True)[:-1]) * self._sketch.n)
        weights = np.diff(ranks, prepend=0).astype(np.int64) * self.thinned
        values, counts = np.concatenate([values, kept]), np.concatenate([counts, weights])
        distinct, position = np.unique(values, return_inverse=True)
        sums = np.zeros(distinct.size, np.int64)
        np.add.at(sums, position, counts)
        return distinct, sums

    def __getstate__(self) -> dict[str, Any]:
        """The state for other processes: the sketch as its own library writes it."""
        sketch = None if self._sketch is None else self._sketch.serialize()
        held = self._held[: self._n_held].copy()
        return {**vars(self), "_held": held, "_sketch": sketch}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        vars(self).update(state)
        if self._sketch is not None:
            self._sketch = datasketches().kll_doubles_sketch.deserialize(self._sketch)
