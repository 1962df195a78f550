"""Samples of a chunk grouped by the code of one feature: a counting sort.

For every feature of a strip and every chunk the result lists positions in the chunk, group after
group. Each group is padded to a whole `BATCH` with the position of the row of zeros. The samples in
which the feature is missing are group number B. The largest group of a feature is left empty: its
counts follow from the totals of the columns. On skewed or sparse data that saves most of the rows.

Writing a sample to its position takes about 1.2 ns, since the next position of a group waits for
the store before. Where there are few groups, a search for each of them takes 0.03 ns a sample and
0.4 ns a listed sample, with 64 samples in one comparison.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.numba.jit import jit, u64
from fastinfo.backends.numba.pairs.cells import Side
from fastinfo.backends.numba.pairs.vertical_counters import BATCH
from fastinfo.backends.numba.simd import count_bits, equal_mask, trailing_zeros

Array = np.ndarray[Any, Any]

_FEW = 4
"""The largest number of groups with which each is searched for separately."""


class Groups(NamedTuple):
    """The sorted samples of a strip of features."""

    features: Array
    """Positions of the features in the pack."""
    sizes: Array
    """(features, groups): the number of samples of each group in all chunks."""
    skipped: Array
    """The group of each feature that is not listed."""
    starts: Array
    """(features, chunks, groups + 1): the position in ``order`` where each group begins."""
    order: Array
    """Positions of samples in their chunk, uint16."""


def sort_strip(
    side: Side, features: Array, first_cell: Array, counts: Array, first_sample: int, size: int,
    *, skip_largest: bool = True,
) -> Groups:  # fmt: skip
    """The groups of the samples of some chunks of ``size``; they begin at ``first_sample``.

    ``counts`` (chunks, cells) holds how often each code occurs in each of these chunks; those of
    feature i begin at ``first_cell[i]``.
    """
    n_chunks = len(counts)
    n_groups = int(side.n_bins[features].max()) + 1
    capacity = size + (BATCH - 1) * n_groups + 4
    groups = Groups(
        features=features,
        sizes=np.zeros((len(features), n_groups), np.int64),
        skipped=np.zeros(len(features), np.int64),
        starts=np.zeros((len(features), n_chunks, n_groups + 1), np.uint64),
        order=np.empty(len(features) * n_chunks * capacity, np.uint16),
    )
    _sort(
        side, first_cell, counts, first_sample, size, capacity, side.codes.itemsize == 1,
        skip_largest, groups,
    )  # fmt: skip
    return groups


@jit
def _sort(
    side: Side, first_cell: Array, counts: Array, first_sample: int, size: int, capacity: int,
    bytes_: bool, skip_largest: bool, groups: Groups,
) -> None:  # fmt: skip
    codes, rows, n_bins = side.codes, side.rows, side.n_bins
    n_chunks, n_groups = groups.starts.shape[1], groups.sizes.shape[1]
    position = np.zeros(n_groups, np.uint64)
    for i in range(len(groups.features)):
        feature = groups.features[i]
        own_groups, cell = n_bins[feature] + 1, first_cell[feature]
        skipped, n_listed = -1, 0
        for group in range(own_groups):
            total = 0
            for chunk in range(n_chunks):
                total += counts[chunk, cell + group]
            groups.sizes[i, group] = total
            n_listed += total > 0
            if skip_largest and (skipped < 0 or total > groups.sizes[i, skipped]):
                skipped = group
        groups.skipped[i] = skipped
        for chunk in range(n_chunks):
            first = first_sample + chunk * size
            part = codes[rows[feature], first : first + size]
            entry = u64((i * n_chunks + chunk) * capacity)
            for group in range(n_groups):
                groups.starts[i, chunk, group] = entry
                if group >= own_groups or group == skipped:
                    continue
                position[group] = entry
                count = u64(counts[chunk, cell + group])
                if bytes_ and n_listed <= _FEW + 1 and count > u64(0):
                    _list_members(part, group, groups.order, entry)
                end = entry + (count + u64(BATCH - 1)) // u64(BATCH) * u64(BATCH)
                entry += count
                while entry < end:
                    groups.order[entry] = size
                    entry += u64(1)
            groups.starts[i, chunk, n_groups] = entry
            if not (bytes_ and n_listed <= _FEW + 1):
                if skip_largest:
                    # The samples of this group are written behind the lists, where none is read.
                    position[skipped] = entry
                for j in range(len(part)):
                    code = u64(part[u64(j)])
                    groups.order[position[code]] = j
                    position[code] += u64(1)


@jit
def _list_members(codes: Array, code: int, order: Array, entry: int) -> None:
    """Write the positions of ``code`` to ``order`` from ``entry`` on, and up to three more."""
    whole = len(codes) // 64
    one = u64(1)
    for word in range(whole):
        first = u64(word) * u64(64)
        mask = equal_mask(codes, first, u64(code))
        end = entry + count_bits(mask)
        # Four at a time, although some may be too many: a branch for each is often mispredicted.
        while entry < end:
            order[entry] = first + trailing_zeros(mask)
            mask &= mask - one
            order[entry + one] = first + trailing_zeros(mask)
            mask &= mask - one
            order[entry + u64(2)] = first + trailing_zeros(mask)
            mask &= mask - one
            order[entry + u64(3)] = first + trailing_zeros(mask)
            mask &= mask - one
            entry += u64(4)
        entry = end
    for sample in range(whole * 64, len(codes)):
        if codes[sample] == code:
            order[entry] = sample
            entry += one
