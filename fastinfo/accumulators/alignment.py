"""Counts of several tables of the same variables, brought into the same cells."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from fastinfo import binning, counting
from fastinfo.binning.rules import Bins
from fastinfo.counting import Counts, DenseCounts, SparseCounts


def in_same_cells(
    parts: Sequence[tuple[list[list[Bins]], Counts]], sparse: bool | None = None
) -> tuple[list[list[Bins]], list[Counts]]:
    """The union of the bins of all parts, and the counts of each part over it.

    Raises
    ------
    ValueError
        For bins that do not merge: edges that differ, or categories of several types.
    MemoryError
        For a dense table that does not fit into memory.
    """
    united = parts[0][0]
    positions: list[list[Any]] = [[np.arange(len(b)) for group in united for b in group]]
    for bins, _ in parts[1:]:
        merged, moved, new = [], [], []
        for ours, theirs in zip(united, bins, strict=True):
            found = [binning.unite(a, b) for a, b in zip(ours, theirs, strict=True)]
            merged.append([bins_of_both for bins_of_both, _, _ in found])
            moved += [to_ours for _, to_ours, _ in found]
            new += [to_theirs for _, _, to_theirs in found]
        positions = [
            [now[before] for now, before in zip(moved, earlier, strict=True)]
            for earlier in positions
        ]
        positions.append(new)
        united = merged
    shape = tuple(len(bins) for group in united for bins in group)
    counts = [counts for _, counts in parts]
    if sparse is None and shape != counts[0].shape and prod(shape) > counting.LARGEST_TABLE:
        counts = [part.to_sparse() for part in counts]
    if any(isinstance(part, DenseCounts) for part in counts):
        counting.require_memory(shape)
    return united, [
        part.spread(shape, place) for part, place in zip(counts, positions, strict=True)
    ]


def values_side_by_side(aligned: Sequence[Counts]) -> list[Any]:
    """The counts of tables of one shape over the same cells in the same order, one-dimensional.

    Sparse counts have the cells that any table occupies.
    """
    if all(isinstance(part, DenseCounts) for part in aligned):
        return [part.values for part in aligned]
    tables = [part.to_sparse() for part in aligned]
    cells = np.concatenate([table.cells for table in tables], axis=1)
    no_samples = np.zeros(cells.shape[1], np.int64)
    # Adding zeros at the cells of all gives each the same cells in the same order.
    zeros = SparseCounts(tables[0].shape, cells, no_samples)
    return [counting.add(table, zeros).values for table in tables]
