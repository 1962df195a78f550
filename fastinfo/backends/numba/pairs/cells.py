"""The last step of all ways to count: the counts of a pair go to an array, or to sums Σ f(c).

Every way to count ends with *cells*, a small table in the cache. It has a line for each bin of the
left feature, which holds the counts of the right feature's columns. The last column may be left
out; the total of the line then gives its count. Four lines are read at a time, so that cells and
totals are padded with lines of zeros (see `padded_lines`).

Arrays are flat and addressed by steps. So a kernel whose left and right are exchanged writes to the
same arrays with other steps, and is compiled once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.numba.jit import i64, jit, jit_inline, u64

Array = np.ndarray[Any, Any]


class Side(NamedTuple):
    """Features of a pack, as the left or the right of pairs."""

    codes: Array
    """(features of one kind, samples)"""
    rows: Array
    """The row of ``codes`` of each feature of the pack, for those that are in it."""
    n_bins: Array
    """The number of bins of each feature of the pack."""
    has_missing: Array
    """Whether each feature of the pack has missing samples."""


class CountsOut(NamedTuple):
    """An array of counts to add to; empty where sums are wanted."""

    cells: Array
    """The counts, flat."""
    left_step: int
    """Elements from one left feature to the next; the other steps are those of the other axes."""
    right_step: int
    left_bin_step: int
    right_bin_step: int


class SumsOut(NamedTuple):
    """Arrays for the sums of pairs; the table is empty where counts are wanted."""

    table: Array
    """f in fixed point, up to the number of samples."""
    joint: Array
    """Σ f(c) of the joint table, flat."""
    left: Array
    """Σ f(c) of the left marginal. It, ``right`` and ``samples`` are empty where no sample of the
    tile is missing."""
    right: Array
    samples: Array
    """The number of samples in which neither feature is missing."""
    left_step: int
    right_step: int


class Rectangle(NamedTuple):
    """A rectangle of pairs, and the arrays for their counts or sums."""

    first_left: int
    first_right: int
    last_right: int
    counts: CountsOut
    sums: SumsOut


class Cells(NamedTuple):
    """The counts of one or more pairs with the same left feature."""

    counts: Array
    """The counts, flat, uint32."""
    width: int
    """Elements from one line to the next."""
    lines: Array
    """The total of each line, int64."""
    columns: Array
    """Scratch for the totals of a pair's columns, int64."""


@jit
def padded_lines(n_lines: int) -> int:
    """The number of lines that cells must have for a feature of ``n_lines`` bins."""
    return (n_lines + 3) // 4 * 4


@jit
def emit(
    cells: Cells, left_side: Side, left: int, right_side: Side, rights: Array,
    first_columns: Array, n_columns: Array, tile: Rectangle,
) -> None:  # fmt: skip
    """Write the counts or the sums of the pairs of ``left`` with ``rights``.

    The cells of pair i are the ``n_columns[i]`` columns from ``first_columns[i]`` on. Right
    features outside of the tile are skipped.
    """
    n_lines = left_side.n_bins[left]
    counts, width, lines, sums = cells.counts, u64(cells.width), cells.lines, tile.sums
    table = sums.table
    for i in range(len(rights)):
        right = rights[i]
        if right < tile.first_right or right >= tile.last_right:
            continue
        first, n = u64(first_columns[i]), n_columns[i]
        last_follows = n < right_side.n_bins[right]
        if len(table) == 0:
            out = tile.counts
            start = (left - tile.first_left) * out.left_step
            start += (right - tile.first_right) * out.right_step
            if out.right_bin_step == 1:
                _add_lines(cells, first, n, n_lines, last_follows, start, out)
            else:
                _add_columns(cells, first, n, n_lines, last_follows, start, out)
            continue
        pair_out = u64(
            (left - tile.first_left) * sums.left_step + (right - tile.first_right) * sums.right_step
        )
        sums.joint[pair_out] = _reduce(counts, width, lines, first, n, n_lines, last_follows, table)
        # Without missing samples the marginals are those of each feature alone, and known.
        if left_side.has_missing[left] or right_side.has_missing[right]:
            sums.left[pair_out], sums.right[pair_out], sums.samples[pair_out] = _reduce_marginals(
                cells, first, n, n_lines, last_follows, table
            )


@jit_inline
def _add_lines(
    cells: Any, first: Any, n: Any, n_lines: Any, last_follows: Any, start: Any, out: Any
) -> Any:
    """Add a pair's cells to counts with adjacent columns, several in one instruction."""
    for line in range(n_lines):
        cell_out = start + line * out.left_bin_step
        cell = line * cells.width + i64(first)
        found = cells.counts[cell : cell + n]
        into = out.cells[cell_out : cell_out + n]
        total = i64(0)
        for column in range(u64(n)):
            count = i64(found[column])
            into[column] += count
            total += count
        if last_follows:
            out.cells[u64(cell_out + n)] += cells.lines[line] - total


@jit_inline
def _add_columns(
    cells: Any, first: Any, n: Any, n_lines: Any, last_follows: Any, start: Any, out: Any
) -> Any:
    """Add a pair's cells to counts with adjacent lines."""
    for line in range(n_lines):
        cell_out = u64(start + line * out.left_bin_step)
        cell = u64(line) * u64(cells.width) + first
        rest = cells.lines[line]
        for _ in range(n):
            count = i64(cells.counts[cell])
            out.cells[cell_out] += count
            rest -= count
            cell_out += u64(out.right_bin_step)
            cell += u64(1)
        if last_follows:
            out.cells[cell_out] += rest


@jit_inline
def _reduce(
    counts: Any,
    width: Any,
    lines: Any,
    first: Any,
    n_columns: Any,
    n_lines: Any,
    last_follows: Any,
    table: Any,
) -> Any:
    """Σ f(c) of a pair's cells.

    Four lines at a time give four sums that do not wait for each other. A cell then costs two
    loads: its count and the entry of the table.
    """
    a = b = c = d = i64(0)
    line, end = u64(0), u64(n_lines)
    while line < end:
        w, x = lines[line], lines[line + u64(1)]
        y, z = lines[line + u64(2)], lines[line + u64(3)]
        cell = line * width + first
        for _ in range(n_columns):
            i, j = counts[cell], counts[cell + width]
            k, m = counts[cell + width + width], counts[cell + width + width + width]
            a += table[u64(i)]
            b += table[u64(j)]
            c += table[u64(k)]
            d += table[u64(m)]
            w -= i64(i)
            x -= i64(j)
            y -= i64(k)
            z -= i64(m)
            cell += u64(1)
        if last_follows:
            a += table[u64(w)]
            b += table[u64(x)]
            c += table[u64(y)]
            d += table[u64(z)]
        line += u64(4)
    return (a + b) + (c + d)


@jit
def _reduce_marginals(
    cells: Cells, first: int, n_columns: int, n_lines: int, last_follows: bool, table: Array
) -> tuple[int, int, int]:
    """Σ f(c) of both marginals, and the number of samples in which neither feature is missing."""
    columns = cells.columns[: n_columns + 1]
    columns[:] = 0
    left_sum, n_samples = i64(0), i64(0)
    for line in range(n_lines):
        start = i64(line * cells.width) + i64(first)
        counts = cells.counts[start : start + n_columns]
        present = 0
        for column in range(n_columns):
            present += i64(counts[column])
            columns[column] += i64(counts[column])
        if last_follows:
            columns[n_columns] += cells.lines[line] - present
            present = cells.lines[line]
        left_sum += table[u64(present)]
        n_samples += present
    right_sum = i64(0)
    for column in range(n_columns + 1):
        right_sum += table[u64(columns[column])]
    return left_sum, right_sum, n_samples
