"""One row of one-hot bits per sample, 512 columns wide: the layout that positional counting reads.

A *column* is one bin of one feature, a *block* is 512 columns, and its row of a sample is one
vector, a bit of which is set where the sample is in that bin. A feature has B − 1 columns, for the
last bin follows from the size of the group. A feature with missing samples has all B: then the last
bin does not follow, and a missing sample is one with no bit at all. Neither unequal numbers of bins
nor missing samples are seen by the kernel that reads the rows.

Samples are cut into *chunks*, so that a block's rows of one chunk stay in the second-level cache
while many features go over them. After the rows of a chunk comes one of zeros: groups of samples
are padded with it to whole batches.

Column c has bit c // 64 of byte c % 64: neighbours lie in neighbouring bytes, so that the counters,
once turned from bits into bytes, come out in the order of the columns (see
`vertical_counters.decode`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.numba import simd
from fastinfo.backends.numba.jit import jit, u64
from fastinfo.backends.numba.pairs.cells import Side
from fastinfo.backends.numba.pairs.vertical_counters import transpose

Array = np.ndarray[Any, Any]

CHUNK = 10_240
"""Most samples of a chunk: 640 KB of rows, in a second-level cache of 1 MB. Positions in a chunk
must fit uint16."""


_FEW_COLUMNS = 4
"""Columns per feature up to which comparing with each code beats setting bits one by one."""


class BitRows(NamedTuple):
    """The bit rows of a list of features."""

    features: Array
    """Feature numbers, int64, in the order of their columns."""
    n_columns: Array
    """Columns of each of them, B − 1 or B."""
    first_column: Array
    """The first column within the block."""
    block_start: Array
    """Block v holds features ``block_start[v]`` … ``block_start[v + 1] − 1``."""
    rows: Array
    """Bytes: blocks × chunks × (chunk_size + 1) × 64."""


def chunk_size(n_samples: int) -> int:
    """Samples of a chunk, such that chunks are about equal."""
    n_chunks = max(1, -(-n_samples // CHUNK))
    return max(1, -(-n_samples // n_chunks))


def pack_rows(side: Side, features: Array) -> BitRows:
    """Lay out some features of a side, none of which has more than 512 columns."""
    codes, positions = side.codes, side.rows
    n_columns = side.n_bins[features] - 1 + side.has_missing[features]
    first_column = np.zeros(len(features), np.int64)
    block_start = [0]
    used = 0
    for i, width in enumerate(n_columns):
        if used + width > simd.BITS:
            block_start.append(i)
            used = 0
        first_column[i] = used
        used += width
    block_start.append(len(features))

    n_samples = codes.shape[1]
    size = chunk_size(n_samples)
    n_chunks = max(1, -(-n_samples // size))
    n_blocks = len(block_start) - 1
    rows = simd.aligned_empty(n_blocks * n_chunks * (size + 1) * simd.BYTES)
    rows[:] = 0
    bit_rows = BitRows(features, n_columns, first_column, np.array(block_start, np.int64), rows)
    done = 0
    if codes.itemsize == 1 and n_columns.mean() <= _FEW_COLUMNS:
        done = simd.BITS
        _turn_bits(codes.reshape(-1), positions, n_samples, bit_rows, size)
    _set_bits(codes, positions, bit_rows, size, done)
    return bit_rows


@jit
def _set_bits(codes: Array, positions: Array, bit_rows: BitRows, size: int, done: int) -> None:
    """Set the bits one by one; where ``done``, only those after whole runs of ``done`` samples."""
    n_samples = codes.shape[1]
    n_chunks = max(1, -(-n_samples // size))
    byte = np.zeros(simd.BITS + 1, np.uint64)
    bit = np.zeros(simd.BITS + 1, np.uint8)
    for block in range(len(bit_rows.block_start) - 1):
        for i in range(bit_rows.block_start[block], bit_rows.block_start[block + 1]):
            feature_codes = codes[positions[bit_rows.features[i]]]
            # The code after the last column stands for all that have none: it sets no bit.
            none = u64(bit_rows.n_columns[i])
            for code in range(bit_rows.n_columns[i]):
                column = bit_rows.first_column[i] + code
                byte[code] = column % simd.BYTES
                bit[code] = 1 << (column // simd.BYTES)
            byte[none], bit[none] = 0, 0
            for chunk in range(n_chunks):
                first = chunk * size
                n_here = min(size, n_samples - first)
                base = ((block * n_chunks + chunk) * (size + 1)) * simd.BYTES
                begin = n_here - n_here % done if done else 0
                for sample in range(begin, n_here):
                    code_or_none = min(u64(feature_codes[u64(first + sample)]), none)
                    at = u64(base + sample * simd.BYTES) + byte[code_or_none]
                    bit_rows.rows[at] |= bit[code_or_none]


@jit
def _turn_bits(
    codes: Array, positions: Array, n_samples: int, bit_rows: BitRows, size: int
) -> None:
    """Set the bits of whole runs of 512 samples, where features have few columns.

    Comparing gives a column's bits of 64 samples at once, side by side. They are turned, eight
    columns by 512 samples at a time, into a byte for each sample.
    """
    n_chunks = max(1, -(-n_samples // size))
    feature_start = np.zeros(simd.BITS, np.uint64)
    code_of = np.zeros(simd.BITS, np.uint64)
    planes = np.zeros(8 * 8, np.uint64)
    turned = np.zeros(simd.BITS, np.uint8)
    for block in range(len(bit_rows.block_start) - 1):
        n_used = 0
        for i in range(bit_rows.block_start[block], bit_rows.block_start[block + 1]):
            for code in range(bit_rows.n_columns[i]):
                feature_start[n_used] = positions[bit_rows.features[i]] * n_samples
                code_of[n_used] = code
                n_used += 1
        for chunk in range(n_chunks):
            n_here = min(size, n_samples - chunk * size)
            base = ((block * n_chunks + chunk) * (size + 1)) * simd.BYTES
            for run in range(0, n_here - simd.BITS + 1, simd.BITS):
                first = u64(chunk * size + run)
                for byte in range(min(simd.BYTES, n_used)):
                    planes[:] = 0
                    for k in range(8):
                        column = k * simd.BYTES + byte
                        if column < n_used:
                            start, code = feature_start[column] + first, code_of[column]
                            for word in range(8):
                                planes[u64(k * 8 + word)] = simd.equal_mask(
                                    codes, start + u64(word) * u64(64), code
                                )
                    transpose(planes, 0, 0, 8, turned, 0)
                    at = u64(base + run * simd.BYTES + byte)
                    for j in range(64):
                        for i in range(8):
                            bit_rows.rows[at] = turned[u64(i * 64 + j)]
                            at += u64(simd.BYTES)
