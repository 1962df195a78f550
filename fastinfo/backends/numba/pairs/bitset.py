"""Joint counts by AND and POPCNT: for tiles too narrow to fill the rows of positional counting.

A feature becomes one bitset for each bin, with a bit for each sample. Bitsets are made from the
codes when they are needed, since one instruction makes 64 comparisons. A pair costs (B − 1)² passes
over the bitsets, which take about one cycle for 512 samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.numba.jit import i64, jit, u64
from fastinfo.backends.numba.pairs.cells import Cells, Rectangle, Side, emit, padded_lines
from fastinfo.backends.numba.simd import BITS, BYTES, add, and_, equal_mask, load, popcount, splat
from fastinfo.backends.numba.simd import total as sum_of_words

Array = np.ndarray[Any, Any]


@jit
def count_by_bitsets(
    left_side: Side, lefts: Array, right_side: Side, rights: Array, tile: Rectangle
) -> None:
    """Write the counts or the sums of features ``lefts`` against ``rights``, of uint8 codes."""
    n_samples, n_bins = left_side.codes.shape[1], left_side.n_bins
    left_first, left_sets = _make_bitsets(left_side, lefts)
    right_first, right_sets = _make_bitsets(right_side, rights)
    n_columns = right_first[1:] - right_first[:-1]
    all_columns = right_first[len(rights)]
    most_left = 1
    for left in lefts:
        most_left = max(most_left, n_bins[left])
    counts = np.empty(padded_lines(most_left) * all_columns, np.uint32)
    lines = np.empty(padded_lines(most_left), np.int64)
    cells = Cells(counts, all_columns, lines, np.empty(BITS, np.int64))
    for i in range(len(lefts)):
        left = lefts[i]
        n_sets = left_first[i + 1] - left_first[i]
        last_follows = n_sets < n_bins[left]
        lines[:] = 0
        rest = n_samples
        for line in range(n_sets):
            bitset = left_sets[left_first[i] + line]
            lines[line] = _common(bitset, bitset)
            rest -= lines[line]
        if last_follows:
            lines[n_sets] = rest
        counts[n_bins[left] * all_columns :] = 0
        for column in range(all_columns):
            bitset = right_sets[column]
            rest = _common(bitset, bitset) if last_follows else 0
            for line in range(n_sets):
                count = _common(left_sets[left_first[i] + line], bitset)
                counts[line * all_columns + column] = count
                rest -= count
            if last_follows:
                counts[n_sets * all_columns + column] = rest
        emit(cells, left_side, left, right_side, rights, right_first[:-1], n_columns, tile)


@jit
def _make_bitsets(side: Side, features: Array) -> tuple[Array, Array]:
    """The first bitset of each feature, and the bitsets of all bins but the last, which follows.

    A feature with missing samples has a bitset for the last bin too.
    """
    codes, rows, n_bins, has_missing = side.codes, side.rows, side.n_bins, side.has_missing
    n_vectors = -(-codes.shape[1] // BITS)
    first = np.zeros(len(features) + 1, np.int64)
    for i in range(len(features)):
        first[i + 1] = first[i] + n_bins[features[i]] - (0 if has_missing[features[i]] else 1)
    n_samples = codes.shape[1]
    whole = n_samples // 64
    sets = np.zeros((first[len(features)], n_vectors * (BITS // 64)), np.uint64)
    for i in range(len(features)):
        feature_codes = codes[rows[features[i]]]
        for code in range(first[i + 1] - first[i]):
            words = sets[first[i] + code]
            for word in range(whole):
                words[word] = equal_mask(feature_codes, u64(word) * u64(64), u64(code))
            for sample in range(whole * 64, n_samples):
                if feature_codes[sample] == code:
                    words[whole] |= u64(1) << u64(sample % 64)
    return first, sets


@jit
def _common(a: Array, b: Array) -> Any:
    """The number of samples in both bitsets."""
    even, odd = splat(u64(0)), splat(u64(0))
    offset, end = u64(0), u64(8 * len(a))
    while offset + u64(BYTES) < end:
        even = add(even, popcount(and_(load(a, offset), load(b, offset))))
        offset += u64(BYTES)
        odd = add(odd, popcount(and_(load(a, offset), load(b, offset))))
        offset += u64(BYTES)
    if offset < end:
        even = add(even, popcount(and_(load(a, offset), load(b, offset))))
    return i64(sum_of_words(add(even, odd)))
