"""Codes → dense counts of one joint table.

The lower limit of the time is one increment a sample: a load, an add and a store of a table cell,
about one cycle each when the table is in L1. The codes are first joined to cell numbers, in blocks
that stay in L1. That loop vectorises, and the increments have a loop of their own: 3.1 G samples/s
against 2.3 for one plain loop over two uint8 columns (Zen 4). On many machines samples of the same
cell wait for each other's store, so that small tables are counted in four copies in turn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.numba.jit import jit

BLOCK = 4096
COPIES = 4
COPIED_CELLS = 1536
"""Cells of the largest table that is counted in copies: four copies of it fill three quarters of a
32 KiB L1."""


@jit
def join_codes(left: Any, right: Any, extent: Any, cells: Any) -> None:
    """Write cell numbers ``left·extent + right``, by which more than two variables count as two.

    The arithmetic is written in 64 bits; LLVM narrows it to the dtype of ``cells``.
    """
    for i in range(np.uint64(left.size)):
        cells[i] = np.uint64(left[i]) * extent + np.uint64(right[i])


@jit
def _add_block(cells: Any, size: Any, apart: Any, table: Any) -> None:
    one = np.uint32(1)
    whole = size & ~np.uint64(COPIES - 1)
    i = np.uint64(0)
    while i < whole:
        # Unsigned indices: Numba's test for a negative index would cost more than the increment.
        table[np.uint64(cells[i])] += one
        table[np.uint64(cells[i + np.uint64(1)]) + apart] += one
        table[np.uint64(cells[i + np.uint64(2)]) + np.uint64(2) * apart] += one
        table[np.uint64(cells[i + np.uint64(3)]) + np.uint64(3) * apart] += one
        i += np.uint64(COPIES)
    while i < size:
        table[np.uint64(cells[i])] += one
        i += np.uint64(1)


@jit
def _make_table(n_cells: int) -> Any:
    apart = n_cells if n_cells <= COPIED_CELLS else 0
    return np.zeros(n_cells + (COPIES - 1) * apart, np.uint32), np.uint64(apart)


@jit
def sum_copies(table: Any, n_cells: int, apart: Any) -> Any:
    """The first copy of a table, to which the others are added."""
    for copy in range(1, COPIES if apart else 1):
        for cell in range(n_cells):
            table[cell] += table[copy * n_cells + cell]
    return table[:n_cells]


@jit
def count_one(codes: Any, n_cells: int) -> Any:
    """Counts of one variable of at most 2³² − 1 samples, uint32."""
    table, apart = _make_table(n_cells)
    _add_block(codes, np.uint64(codes.size), apart, table)
    return sum_copies(table, n_cells, apart)


@jit
def add_two(left: Any, right: Any, extent: int, cells: Any, apart: Any, table: Any) -> None:
    """Add the samples of two variables to a table whose copies are ``apart`` cells from each other.

    ``cells`` is as for `count_two`.
    """
    for start in range(0, left.size, cells.size):
        size = min(cells.size, left.size - start)
        join_codes(
            left[start : start + size], right[start : start + size], np.uint64(extent), cells
        )
        _add_block(cells, np.uint64(size), apart, table)


@jit
def count_two(left: Any, right: Any, extent: int, n_cells: int, cells: Any) -> Any:
    """Counts of the cells ``left·extent + right`` of at most 2³² − 1 samples, uint32.

    ``cells`` is scratch for a block, in the smallest dtype that holds all cell numbers: one
    instruction makes more numbers of a narrower dtype.
    """
    table, apart = _make_table(n_cells)
    add_two(left, right, extent, cells, apart, table)
    return sum_copies(table, n_cells, apart)


@jit
def sum_weights(cells: Any, weights: Any, n_cells: int) -> Any:
    """Sums of the weights of each cell, added in the order of the samples, as `numpy.bincount`."""
    table = np.zeros(n_cells, np.float64)
    for i in range(cells.size):
        table[np.uint64(cells[i])] += weights[i]
    return table
