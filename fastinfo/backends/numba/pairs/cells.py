"""Where the counts of a pair go: into an array of counts, or at once into sums Σ f(c).

The ways to count all end the same. They hand over *cells*, a small table in the cache: a line for
each bin of the left feature, and on it the counts of the right feature's columns. A column is
missing where its counts follow from the rest: then the line's total says what is left for the last
bin. Four lines are read at a time, so cells and totals are filled up with lines of zeros (see
`padded`).

Arrays are flat and addressed by steps, so that a kernel whose left and right are exchanged writes
to the same arrays with other steps, and is compiled once.
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
    """Where in ``codes`` each feature of the pack is, if it is there."""
    n_bins: Array
    """Of each feature of the pack."""
    has_missing: Array


class CountsOut(NamedTuple):
    """Counts that are added to; empty where sums are wanted."""

    cells: Array
    """Flat."""
    left_step: int
    """Elements from one left feature to the next; then the other axes."""
    right_step: int
    left_bin_step: int
    right_bin_step: int


class SumsOut(NamedTuple):
    """Sums that are written; without a table where counts are wanted."""

    table: Array
    """f in fixed point, up to the number of samples."""
    joint: Array
    """Flat, Σ f(c) of the joint table."""
    left: Array
    """Of both marginals, and the samples in both; empty where no sample of the tile is missing."""
    right: Array
    samples: Array
    left_step: int
    right_step: int


class Tile(NamedTuple):
    """A rectangle of pairs, and the arrays that take what is found out about them."""

    first_left: int
    first_right: int
    last_right: int
    counts: CountsOut
    sums: SumsOut


class Cells(NamedTuple):
    """The counts of one or more pairs with the same left feature."""

    counts: Array
    """Flat, uint32."""
    width: int
    """Elements from line to line."""
    lines: Array
    """The total of each line, int64."""
    columns: Array
    """Scratch for the totals of a pair's columns, int64."""


@jit
def padded(n_lines: int) -> int:
    """Lines that cells must have for a feature of ``n_lines`` bins."""
    return (n_lines + 3) // 4 * 4


@jit
def emit(
    cells: Cells, left_side: Side, left: int, right_side: Side, rights: Array,
    first_columns: Array, n_columns: Array, tile: Tile,
) -> None:  # fmt: skip
    """Hand on the pairs of ``left`` with ``rights``, as counts or as sums.

    The cells of pair i are ``n_columns[i]`` columns from ``first_columns[i]`` on. Rights outside of
    the tile are passed over.
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
        at = u64(
            (left - tile.first_left) * sums.left_step + (right - tile.first_right) * sums.right_step
        )
        sums.joint[at] = _reduce(counts, width, lines, first, n, n_lines, last_follows, table)
        # Otherwise the marginals are those of the features by themselves: known before.
        if left_side.has_missing[left] or right_side.has_missing[right]:
            sums.left[at], sums.right[at], sums.samples[at] = _reduce_marginals(
                cells, first, n, n_lines, last_follows, table
            )


@jit_inline
def _add_lines(
    cells: Any, first: Any, n: Any, n_lines: Any, last_follows: Any, start: Any, out: Any
) -> Any:
    """Add a pair's cells to counts whose columns lie side by side, several in one instruction."""
    for line in range(n_lines):
        at = start + line * out.left_bin_step
        cell = line * cells.width + i64(first)
        found = cells.counts[cell : cell + n]
        into = out.cells[at : at + n]
        total = i64(0)
        for column in range(u64(n)):
            count = i64(found[column])
            into[column] += count
            total += count
        if last_follows:
            out.cells[u64(at + n)] += cells.lines[line] - total


@jit_inline
def _add_columns(
    cells: Any, first: Any, n: Any, n_lines: Any, last_follows: Any, start: Any, out: Any
) -> Any:
    """The same for counts whose lines lie side by side."""
    for line in range(n_lines):
        at = u64(start + line * out.left_bin_step)
        cell = u64(line) * u64(cells.width) + first
        rest = cells.lines[line]
        for _ in range(n):
            count = i64(cells.counts[cell])
            out.cells[at] += count
            rest -= count
            at += u64(out.right_bin_step)
            cell += u64(1)
        if last_follows:
            out.cells[at] += rest


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

    Four lines at a time are four sums that do not wait for each other. A cell then costs two loads:
    its count and the table's answer.
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
    """Both marginals and the number of the samples in which neither feature is missing."""
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
