"""Tables in which one variable has nothing to do with the others, drawn at random."""

from __future__ import annotations

import numpy as np

from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.counting import SparseCounts, cell_numbers
from fastinfo.inputs.options import Options
from fastinfo.measures import cells

MOST_DRAWN = 10**9
"""NumPy draws from fewer samples than this by `multivariate_hypergeometric`."""

SAMPLES_A_CELL = 4
"""Cells are drawn where they have this many samples on average: a cell takes 250 ns, and a sample
that is shuffled and counted 60."""


class Shuffling:
    """What shuffling the samples of the first variable makes of integer counts.

    A shuffled table is a random one with the margins of the first variable and of all others
    together. It is drawn as such, cell by cell, so that the time does not grow with the number of
    samples. Where the samples of a cell are few, they are shuffled.
    """

    def __init__(self, counts: JointCounts) -> None:
        self.counts = counts
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

    def draw(self, rng: np.random.Generator, options: Options) -> JointCounts:
        """Counts of shuffled samples."""
        (firsts, rows), (others, columns) = self._parts
        n_samples = int(rows.sum())
        if SAMPLES_A_CELL * rows.size * columns.size <= n_samples < MOST_DRAWN:
            # A row at a time, whose number had better be small.
            is_wide = rows.size <= columns.size
            table = _random_table(*(rows, columns) if is_wide else (columns, rows), rng)
            table = table if is_wide else table.T
            left, right = np.nonzero(table)
            values = table[left, right]
        else:
            pairs = np.repeat(np.arange(rows.size), rows) * columns.size
            pairs += rng.permutation(np.repeat(np.arange(columns.size), columns))
            found, values = np.unique(pairs, return_counts=True)
            left, right = np.divmod(found, columns.size)
        drawn = SparseCounts(
            self._shape, np.concatenate([firsts[:, left], others[:, right]]), values
        )
        return cells.with_counts(drawn, self.counts._bins, self.counts.n_missing, options)


def _random_table(rows: np.ndarray, columns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A table with these margins, by dealing the samples of the columns to one row after another.

    Every pairing of the samples is equally probable, as it is when samples are shuffled.
    """
    table = np.empty((rows.size, columns.size), np.int64)
    left = columns.copy()
    for i, size in enumerate(rows[:-1]):
        table[i] = rng.multivariate_hypergeometric(left, size, method="marginals")
        left -= table[i]
    table[-1] = left
    return table
