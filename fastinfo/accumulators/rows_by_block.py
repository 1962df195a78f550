"""Some rows of many features, which are added to the tables of pairs block by block of features.

Features come in the order of `Layout.blocks`, so that not all codes need be in memory together. A
block is counted with all blocks before it that share tiles with it, and with itself. It is kept as
long as later blocks share tiles with it, as codes alone where its rows of bits take too much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from fastinfo.accumulators.pair_layout import Layout, Tile
from fastinfo.backends.contract import Array, Kernels
from fastinfo.data.sizes import MOST_PACKED
from fastinfo.system.ranges import map_threads

HostArray = np.ndarray[Any, Any]

ROWS_AT_ONCE = 1 << 16
"""Rows that are added at once. Each time all tables of a pass go through the memory once; this
takes as long as some 5,000 rows of a pair of 16 bins."""

BITS_BYTES = 1 << 26
"""Bytes of the rows of bits of one block, and of all blocks that are kept."""


class Tables(Protocol):
    """What rows are added to: `pair_tables.PairTables`."""

    layout: Layout
    tiles: list[Tile]
    members: HostArray
    tables: list[Any]
    margins: list[HostArray]
    n_rows: int

    def add_sparse(self, number: int, codes: Mapping[int, Array], kernels: Kernels) -> None:
        """Add the pairs of a sparse tile, given the codes of its features by their positions."""
        ...


class RowsByBlock:
    """Adds some rows to tables, block by block.

    Parameters
    ----------
    tables : Tables
    kernels : Kernels
        Kernels of the host.
    n_jobs : int
        The number of threads.
    bits : int
        Bytes of the rows of bits of all blocks that are kept.
    """

    def __init__(
        self, tables: Tables, kernels: Kernels, n_jobs: int, bits: int = BITS_BYTES
    ) -> None:
        self.most_bits = bits
        self.tables = tables
        self.kernels = kernels
        self.n_jobs = n_jobs
        self.blocks = blocks_of(tables.layout, tables.members)
        """The positions of the features of each block, in the order in which they have to come."""
        self._n_added = 0
        self._packs: dict[int, Any] = {}
        is_packed = tables.layout.sizes <= MOST_PACKED
        self._members = [members[is_packed[members]] for members in self.blocks]
        self._codes: dict[int, Array] = {}
        """Codes of features of sparse tiles, by their positions."""
        self._bits = 0
        self._largest = int(tables.layout.sizes[tables.members].max(initial=0))
        of_block = np.empty(tables.layout.sizes.size, np.int64)
        for number, members in enumerate(self.blocks):
            of_block[members] = number
        self._sides = [
            (int(of_block[tile.left.start]), int(of_block[tile.right.start]))
            for tile in tables.tiles
        ]
        dense = zip(tables.tiles, self._sides, strict=True)
        self._is_packed = {i for tile, both in dense if not tile.is_sparse for i in both}
        self._last_use = list(range(len(self.blocks)))
        for one, other in self._sides:
            self._last_use[one] = max(self._last_use[one], other)
        self._of_sparse = {
            position
            for tile in tables.tiles
            if tile.is_sparse
            for side in (tile.left, tile.right)
            for position in range(side.start, side.stop)
        }

    def add(self, codes: Sequence[Array] | Array) -> None:
        """Add the next block: an array of codes for each feature, or a matrix of bytes.

        The size class of a feature, and so its number of bins, marks a missing sample.
        """
        tables, kernels, n_jobs = self.tables, self.kernels, self.n_jobs
        number, self._n_added = self._n_added, self._n_added + 1
        members, n_rows = self.blocks[number], int(codes[0].size)
        if number == 0:
            tables.n_rows += n_rows
        sizes = tables.layout.sizes[members].tolist()

        def margin(position: int, own: Array, size: int) -> None:
            counted = kernels.to_host(kernels.count_joint([own], [size]))
            tables.margins[position][:size] += counted
            tables.margins[position][size] += n_rows - int(counted.sum())

        positions = members.tolist()
        map_threads(margin, positions, codes, sizes, n_jobs=n_jobs, within=kernels.current)
        pairs = zip(positions, codes, strict=True)
        self._codes.update((i, own) for i, own in pairs if i in self._of_sparse)
        if max(sizes) > MOST_PACKED:
            packed = [i for i, size in enumerate(sizes) if size <= MOST_PACKED]
            codes, sizes = [codes[i] for i in packed], [sizes[i] for i in packed]
        bits = sum(sizes) * n_rows // 8
        if number in self._is_packed:
            self._packs[number] = kernels.pack(codes, sizes, None, 2 * BITS_BYTES)
        here = [i for i, (_, right) in enumerate(self._sides) if right == number]
        # The tiles with the most cells come first, so that no thread ends long after the others.
        here.sort(key=lambda i: -tables.layout.n_cells(tables.tiles[i]))
        map_threads(self._count, here, n_jobs=n_jobs, within=kernels.current)
        for other, last in enumerate(self._last_use[: number + 1]):
            if last <= number:
                self._packs.pop(other, None)
                for position in self.blocks[other].tolist():
                    self._codes.pop(position, None)
        if number in self._packs:
            # Rows of bits of the feature with fewer bins serve best, where the numbers differ.
            is_served = min(sizes) < self._largest and self._bits + bits <= self.most_bits
            if is_served:
                self._bits += bits
            else:
                self._packs[number] = kernels.pack(codes, sizes, None, 0)

    def _count(self, number: int) -> None:
        tables, tile = self.tables, self.tables.tiles[number]
        if tile.is_sparse:
            tables.add_sparse(number, self._codes, self.kernels)
            return
        packs, slices = [], []
        for block, side in zip(self._sides[number], (tile.left, tile.right), strict=True):
            first = int(np.searchsorted(self._members[block], side.start))
            packs.append(self._packs[block])
            slices.append(slice(first, first + side.stop - side.start))
        (left, right), (lefts, rights) = packs, slices
        self.kernels.add_pairs(tables.tables[number], left, lefts, right, rights)


def blocks_of(layout: Layout, members: HostArray) -> list[HostArray]:
    """The positions of the counted features in each block of the layout that has any."""
    stops = np.searchsorted(members, [block.stop for block in layout.blocks])
    return [some for some in np.split(members, stops[:-1]) if some.size]
