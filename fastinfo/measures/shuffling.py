"""Tables in which one variable has nothing to do with the others, drawn at random."""

from __future__ import annotations

import numpy as np

from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.backends import on_host
from fastinfo.counting import SparseCounts, cell_numbers
from fastinfo.inputs.options import Options
from fastinfo.measures import cells


class Shuffling:
    """What shuffling the samples of the first variable makes of integer counts.

    A shuffled table is a random one with the margins of the first variable and of all others
    together. It is drawn as such (`Kernels.random_tables`), unless it has fewer samples than cells:
    then samples are shuffled, and only the cells that they fall in are kept.

    Parameters
    ----------
    counts : JointCounts
    seed : int
        By which the random numbers are keyed; below 2⁶⁴.
    """

    def __init__(self, counts: JointCounts, seed: int) -> None:
        self.counts = counts
        self.seed = seed
        held = counts._held_counts.to_sparse()
        n_first = counts._widths[0]
        self._parts = []
        for axes in (slice(None, n_first), slice(n_first, None)):
            part, shape = held.cells[axes], held.shape[axes]
            numbers = cell_numbers(list(part), shape, held.values.size)
            _, at, which = np.unique(numbers, return_index=True, return_inverse=True)
            sums = np.zeros(at.size, np.int64)
            np.add.at(sums, which, held.values)
            self._parts.append((part[:, at], sums))
        self._shape = held.shape

    def draw(self, number: int, options: Options) -> JointCounts:
        """Counts of shuffled samples; each number has a table of its own."""
        (firsts, rows), (others, columns) = self._parts
        if rows.size * columns.size <= int(rows.sum()):
            (table,) = on_host().random_tables(rows, columns, self.seed, number, 1)
            left, right = np.nonzero(table)
            values = table[left, right]
        else:
            pairs = np.repeat(np.arange(rows.size), rows) * columns.size
            rng = np.random.default_rng((self.seed, number))
            pairs += rng.permutation(np.repeat(np.arange(columns.size), columns))
            found, values = np.unique(pairs, return_counts=True)
            left, right = np.divmod(found, columns.size)
        drawn = SparseCounts(
            self._shape, np.concatenate([firsts[:, left], others[:, right]]), values
        )
        return cells.with_counts(drawn, self.counts._bins, self.counts.n_missing, options)
