"""Random tables with given margins, in plain NumPy.

Of all ways to pair the samples of two variables each is equally likely. A table of counts then
follows cell by cell: given the cells before it, a cell is hypergeometric [Patefield 1981, algorithm
AS 159].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.chance import distribution

Array = np.ndarray[Any, Any]


def random_tables(left: Array, right: Array, seed: int, first: int, n: int) -> Array:
    """Tables ``(n, k, l)``; the generator of table i is that of ``(seed, first + i)``."""
    tables = np.empty((n, left.size, right.size), np.int64)
    for i in range(n):
        tables[i] = _random_table(left, right, np.random.default_rng((seed, first + i)))
    return tables


def _random_table(left: Array, right: Array, rng: np.random.Generator) -> Array:
    table = np.empty((left.size, right.size), np.int64)
    columns = right.copy()
    for i, samples in enumerate(left.tolist()):
        ahead, unplaced = int(columns.sum()), samples
        for j, column in enumerate(columns.tolist()):
            table[i, j] = _draw(column, unplaced, ahead, rng)
            ahead, unplaced = ahead - column, unplaced - int(table[i, j])
        columns -= table[i]
    return table


def _draw(marked: int, drawn: int, total: int, rng: np.random.Generator) -> int:
    """The number of marked ones among ``drawn`` of ``total``."""
    if not marked or not drawn:
        return 0
    counts, shares = distribution(marked, drawn, total)
    below = np.cumsum(shares)
    return int(counts[np.searchsorted(below[:-1], rng.random(), side="right")])
