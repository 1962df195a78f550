"""Joint counts of one feature with many, by positional popcounts of their bit rows.

The samples are sorted by x. The rows of the samples in one group of x, added up bit by bit, are the
joint counts of that bin of x with all 512 columns of a block. The work grows with B − 1 columns,
not with (B − 1)² pairs of bins, and nothing is scattered. See `bitrows`, `groups` and
`vertical_counters` for the parts.

A pair takes n·(1 − share of the largest group)·(B − 1)/512 rows of 0.55–0.75 ns. For each bin of x
and block of 512 columns, about 0.1 µs are added to turn counters into numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.numba.jit import jit
from fastinfo.backends.numba.pairs.bitrows import BitRows
from fastinfo.backends.numba.pairs.cells import Cells, Rectangle, Side, emit, padded_lines
from fastinfo.backends.numba.pairs.groups import Groups
from fastinfo.backends.numba.pairs.vertical_counters import MIN_PLANES, add_rows, clear, decode
from fastinfo.backends.numba.simd import BITS, BYTES

Array = np.ndarray[Any, Any]


@jit
def count_strip(
    groups: Groups, left_side: Side, bit_rows: BitRows, right_side: Side, totals: Array,
    first_chunk: int, size: int, n_chunks: int, tile: Rectangle,
) -> None:  # fmt: skip
    """Count a strip of sorted features against those features of the bit rows that are in the tile.

    ``groups`` covers the chunks from ``first_chunk`` on, ``n_chunks`` is the number of chunks of
    the bit rows, and ``totals`` (blocks, 512) counts each column in the chunks covered.
    """
    n_bins = left_side.n_bins
    n_left, covered, n_groups = len(groups.features), groups.starts.shape[1], groups.sizes.shape[1]
    largest = 1
    for i in range(n_left):
        for group in range(n_groups):
            largest = max(largest, groups.sizes[i, group])
    stride = max(MIN_PLANES, _bit_length(largest)) * BYTES
    # Each feature keeps its counters for the next chunk. With one chunk all features share them.
    slots = n_left if covered > 1 else 1
    planes = np.empty(slots * n_groups * stride + BYTES, np.uint8)
    first_plane = -planes.ctypes.data % BYTES
    scratch = np.empty(2 * BITS, np.uint8)
    # At most four lines of zeros as padding, and one line for the group of missing samples.
    n_lines = padded_lines(n_groups)
    counts = np.zeros((n_lines + 1) * BITS, np.uint32)
    lines = np.zeros(n_lines, np.int64)
    cells = Cells(counts, BITS, lines, np.empty(BITS + 1, np.int64))

    for block in range(len(bit_rows.block_start) - 1):
        begin, end = bit_rows.block_start[block], bit_rows.block_start[block + 1]
        if not _wanted(bit_rows.features, begin, end, tile):
            continue
        for chunk in range(covered):
            base = (block * n_chunks + first_chunk + chunk) * (size + 1) * BYTES
            for i in range(n_left):
                left = groups.features[i]
                own = first_plane + (i % slots) * n_groups * stride
                for group in range(n_bins[left] + 1):
                    first_byte = own + group * stride
                    n_planes = max(MIN_PLANES, _bit_length(groups.sizes[i, group]))
                    if chunk == 0:
                        clear(planes, first_byte, n_planes)
                    first, last = groups.starts[i, chunk, group], groups.starts[i, chunk, group + 1]
                    if first < last:
                        add_rows(
                            bit_rows.rows,
                            base,
                            groups.order,
                            first,
                            last,
                            planes,
                            first_byte,
                            n_planes,
                        )
                if chunk < covered - 1:
                    continue

                skipped = _line(groups.skipped[i], n_bins[left], n_lines)
                for line in range(n_lines):
                    lines[line] = groups.sizes[i, line] if line < n_bins[left] else 0
                counts[n_bins[left] * BITS : n_lines * BITS] = 0
                rest = counts[skipped * BITS : (skipped + 1) * BITS]
                for column in range(BITS):
                    rest[column] = totals[block, column]
                for group in range(n_bins[left] + 1):
                    line = _line(group, n_bins[left], n_lines)
                    if line == skipped:
                        continue
                    here = counts[line * BITS : (line + 1) * BITS]
                    n_planes = _bit_length(groups.sizes[i, group])
                    decode(planes, own + group * stride, n_planes, scratch, here)
                    for column in range(BITS):
                        rest[column] -= here[column]
                emit(
                    cells, left_side, left, right_side, bit_rows.features[begin:end],
                    bit_rows.first_column[begin:end], bit_rows.n_columns[begin:end], tile,
                )  # fmt: skip


@jit
def _line(group: int, n_bins: int, n_lines: int) -> int:
    """The line of a group's counts; that of missing samples is after all lines that are emitted."""
    return n_lines if group == n_bins else group


@jit
def _wanted(features: Array, begin: int, end: int, tile: Rectangle) -> bool:
    for k in range(begin, end):  # noqa: SIM110 (Numba has no generators here)
        if tile.first_right <= features[k] < tile.last_right:
            return True
    return False


@jit
def _bit_length(value: int) -> int:
    length = 0
    while value > 0:
        length += 1
        value >>= 1
    return length
