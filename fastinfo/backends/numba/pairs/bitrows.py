"""Rows of 512 one-hot bits, one for each sample: the layout that positional counting reads.

A *column* is one bin of one feature, and a *block* is 512 columns. The row of a sample is one
vector, in which the bit of a column is set where the sample is in that bin. A feature has B − 1
columns, because the last bin follows from the size of the group. A feature with missing samples has
all B columns: the last bin does not follow then, and a missing sample has no bit. The kernel that
reads the rows need not know the numbers of bins or the missing samples.

Samples are cut into *chunks*, so that a block's rows of one chunk stay in the second-level cache
while many features read them. The rows of a chunk are followed by a row of zeros, with which groups
of samples are padded to whole batches.

Column c has bit c // 64 of byte c % 64. So neighbouring columns are in neighbouring bytes, and the
counters, when their bits are turned into bytes, are in the order of the columns (see
`vertical_counters.decode`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.numba import simd
from fastinfo.backends.numba.jit import jit, u64
from fastinfo.backends.numba.pairs.cells import Side
from fastinfo.backends.numba.pairs.vertical_counters import transpose
from fastinfo.backends.numba.processor import second_level_cache

Array = np.ndarray[Any, Any]

FEWEST, MOST = 2_048, 10_240
"""Bounds of the samples of a chunk. In shorter ones the groups of samples are mostly padding, and
positions in a chunk must fit uint16."""

_FEW_COLUMNS = 4
"""Columns a feature up to which comparing with each code is faster than setting single bits."""


class BitRows(NamedTuple):
    """The bit rows of a list of features."""

    features: Array
    """Positions of the features in the pack, int64, in the order of their columns."""
    n_columns: Array
    """The number of columns of each feature, B − 1 or B."""
    first_column: Array
    """The first column of each feature within its block."""
    block_start: Array
    """Block v holds features ``block_start[v]`` … ``block_start[v + 1] − 1``."""
    rows: Array
    """The rows, flat: blocks × chunks × (chunk_size + 1) × 64 bytes."""


def chunk_size(n_samples: int) -> int:
    """The number of samples of a chunk: all are about equal, and fill half of the cache at most.

    With chunks larger than the cache, 10⁶ samples of 200 features took 1.5 times as long (Zen 3).
    """
    most = min(max(second_level_cache() // (2 * simd.BYTES), FEWEST), MOST)
    n_chunks = max(1, -(-n_samples // most))
    return max(1, -(-n_samples // n_chunks))


def pack_rows(side: Side, features: Array) -> BitRows:
    """The bit rows of some features of a side; none of them has more than 512 columns."""
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
    """Set the bits one by one; with ``done``, only those after whole runs of ``done`` samples."""
    n_samples = codes.shape[1]
    n_chunks = max(1, -(-n_samples // size))
    byte = np.zeros(simd.BITS + 1, np.uint64)
    bit = np.zeros(simd.BITS + 1, np.uint8)
    for block in range(len(bit_rows.block_start) - 1):
        for i in range(bit_rows.block_start[block], bit_rows.block_start[block + 1]):
            feature_codes = codes[positions[bit_rows.features[i]]]
            # The code after the last column stands for all codes without a column: it sets no bit.
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
                    target = u64(base + sample * simd.BYTES) + byte[code_or_none]
                    bit_rows.rows[target] |= bit[code_or_none]


@jit
def _turn_bits(
    codes: Array, positions: Array, n_samples: int, bit_rows: BitRows, size: int
) -> None:
    """Set the bits of whole runs of 512 samples, where features have few columns.

    One comparison gives a column's bits of 64 samples. Eight columns by 512 samples at a time, they
    are transposed into a byte for each sample.
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
                    target = u64(base + run * simd.BYTES + byte)
                    for j in range(64):
                        for i in range(8):
                            bit_rows.rows[target] = turned[u64(i * 64 + j)]
                            target += u64(simd.BYTES)
