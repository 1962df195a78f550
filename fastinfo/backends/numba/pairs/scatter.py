"""Joint counts by ``table[x, y] += 1``: for many bins, few samples, and samples with weights.

See `backends.numba.count` for the limit of the speed and for the copies of small tables. Samples of
one cell that wait for each other's store take 2.7 ns each on Zen 3, and 0.4 in copies.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.numba.count import BLOCK, COPIED_CELLS, COPIES, add_two, sum_copies
from fastinfo.backends.numba.jit import i64, jit, u64
from fastinfo.backends.numba.pairs.cells import Cells, Rectangle, Side, emit, padded_lines
from fastinfo.backends.numba.pairs.groups import Groups
from fastinfo.backends.numba.simd import BYTES, splat, store

Array = np.ndarray[Any, Any]

_SAMPLES_A_CELL = 8
"""Samples for each cell from which on copies are worth clearing and adding up."""


@jit
def count_by_scatter(
    left_side: Side, lefts: Array, right_side: Side, rights: Array, tile: Rectangle
) -> None:
    """Write the counts or the sums of features ``lefts`` against ``rights``."""
    left_codes, right_codes = left_side.codes, right_side.codes
    left_bins, right_bins = left_side.n_bins, right_side.n_bins
    n_samples = left_codes.shape[1]
    most_left, most_right = _most(left_bins, lefts), _most(right_bins, rights)
    n_lines = padded_lines(most_left + 1)
    counts = np.empty(n_lines * (most_right + 1) + (COPIES - 1) * COPIED_CELLS, np.uint32)
    lines = np.empty(n_lines, np.int64)
    columns = np.empty(most_right + 1, np.int64)
    nought = np.zeros(1, np.int64)
    numbers = np.empty(BLOCK, np.uint16)
    for left in lefts:
        x, n_left = left_codes[left_side.rows[left]], left_bins[left]
        for j in range(len(rights)):
            right = rights[j]
            y = right_codes[right_side.rows[right]]
            width = right_bins[right] + 1
            n_cells = padded_lines(n_left + 1) * width
            has_copies = n_cells <= COPIED_CELLS and n_cells * _SAMPLES_A_CELL <= n_samples
            apart = n_cells if has_copies else 0
            counts[: n_cells + (COPIES - 1) * apart] = 0
            if n_cells <= 1 << 16:
                add_two(x, y, width, numbers, u64(apart), counts)
                sum_copies(counts, n_cells, apart)
            else:  # the loop that takes least to compile
                for sample in range(n_samples):
                    s = u64(sample)
                    counts[u64(x[s]) * u64(width) + u64(y[s])] += np.uint32(1)
            if j == 0:
                lines[:] = 0
                for line in range(n_left):
                    for cell in range(line * width, (line + 1) * width):
                        lines[line] += counts[cell]
            counts[n_left * width : (n_left + 1) * width] = 0
            cells = Cells(counts, width, lines, columns)
            pair, n_columns = rights[j : j + 1], right_bins[right : right + 1]
            emit(cells, left_side, left, right_side, pair, nought, n_columns, tile)


@jit
def _most(n_bins: Array, features: Array) -> int:
    most = 0
    for feature in features:
        most = max(most, n_bins[feature])
    return most


@jit
def count_weighted(
    left_codes: Array, left_bins: Array, right_codes: Array, right_bins: Array, weights: Array,
    sums: Array,
) -> None:  # fmt: skip
    """Add the weights of each pair's samples to ``sums`` (n_left, n_right, B_left, B_right).

    Codes and numbers of bins are those of the features of the tile.
    """
    lines, columns = sums.shape[2] + 1, sums.shape[3] + 1
    space = np.empty(lines * columns)
    width = u64(columns)
    for i in range(sums.shape[0]):
        x, bins_left = left_codes[i], left_bins[i]
        for j in range(sums.shape[1]):
            y, bins_right = right_codes[j], right_bins[j]
            space[:] = 0.0
            for sample in range(len(weights)):
                s = u64(sample)
                space[u64(x[s]) * width + u64(y[s])] += weights[s]
            cells = space.reshape((lines, columns))
            sums[i, j, :bins_left, :bins_right] = cells[:bins_left, :bins_right]


@jit
def sum_by_steps(
    groups: Groups, left_side: Side, right_side: Side, rights: Array, tile: Rectangle
) -> None:
    """Write Σ f(c) of the joint counts without a table of them, for more cells than samples.

    A cell that goes from c to c + 1 adds ``steps[c]`` = f(c + 1) − f(c) to the sum, so that a cell
    which stays 0 costs only its clearing. With samples grouped by x, one short line of cells in the
    first-level cache is enough. ``groups`` lists every group, in one chunk of fewer than 65,536
    samples.
    """
    sums, table = tile.sums, tile.sums.table
    right_codes, rows, n_bins = right_side.codes, right_side.rows, right_side.n_bins
    left_bins, has_missing = left_side.n_bins, right_side.has_missing
    steps = table[1:] - table[:-1]
    most_right = _most(n_bins, rights)
    # 16 bits are enough for the samples of a chunk, and a short line is cleared sooner.
    n_vectors = -(-(most_right + 1) * 2 // BYTES)
    lines = np.zeros((2, n_vectors * BYTES // 2), np.uint16)
    zero = splat(u64(0))
    columns = np.zeros((2, most_right + 1), np.int64)
    for i in range(len(groups.features)):
        left = groups.features[i]
        for j in range(0, len(rights), 2):
            # Two features in turn, because an addition waits for the one before. A feature that is
            # left over is its own partner.
            right, partner = rights[j], rights[min(j + 1, len(rights) - 1)]
            left_lacks = left_side.has_missing[left]
            own_marginals = left_lacks or has_missing[right] or has_missing[partner]
            y, z = right_codes[rows[right]], right_codes[rows[partner]]
            y_line, z_line = lines[0], lines[1]
            y_sum = z_sum = y_left = z_left = y_samples = z_samples = i64(0)
            columns[:] = 0
            for group in range(left_bins[left]):
                s = groups.starts[i, 0, group]
                end = s + u64(groups.sizes[i, group])
                for k in range(n_vectors):
                    store(y_line, u64(k) * u64(BYTES), zero)
                    store(z_line, u64(k) * u64(BYTES), zero)
                while s < end:
                    sample = u64(groups.order[s])
                    a, b = u64(y[sample]), u64(z[sample])
                    count = y_line[a]
                    y_line[a] = count + 1
                    y_sum += steps[u64(count)]
                    count = z_line[b]
                    z_line[b] = count + 1
                    z_sum += steps[u64(count)]
                    s += u64(1)
                if own_marginals:
                    size = groups.sizes[i, group]
                    absent = i64(y_line[n_bins[right]])
                    y_sum -= table[absent]
                    y_left += table[size - absent]
                    y_samples += size - absent
                    absent = i64(z_line[n_bins[partner]])
                    z_sum -= table[absent]
                    z_left += table[size - absent]
                    z_samples += size - absent
                    for bin_ in range(n_bins[right]):
                        columns[0, bin_] += y_line[bin_]
                    for bin_ in range(n_bins[partner]):
                        columns[1, bin_] += z_line[bin_]
            for k in range(2):
                feature = partner if k else right
                pair_out = (left - tile.first_left) * sums.left_step
                pair_out += (feature - tile.first_right) * sums.right_step
                sums.joint[pair_out] = z_sum if k else y_sum
                if left_lacks or has_missing[feature]:
                    right_sum = i64(0)
                    for bin_ in range(n_bins[feature]):
                        right_sum += table[columns[k, bin_]]
                    sums.left[pair_out] = z_left if k else y_left
                    sums.right[pair_out] = right_sum
                    sums.samples[pair_out] = z_samples if k else y_samples
