"""The counts of all pairs of features, to which the codes of batches are added in place.

The tables of pairs lie tile by tile: a tile holds the pairs of some neighbours on the left with
neighbours on the right, in the order of their size classes (`data.sizes.size_class`), as one array
``(n_left, n_right, B_left, B_right)``. Kernels return counts in this form. Each pair is counted
once, and no feature with itself. Pairs with very many cells keep the occupied ones alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from fastinfo import counting
from fastinfo.backends.contract import Array, Kernels, code_dtype
from fastinfo.counting import DenseCounts, SparseCounts
from fastinfo.data.encoders import LookUp
from fastinfo.data.sizes import LARGEST_PAIR_TABLE, MOST_PACKED, size_class
from fastinfo.system.ranges import map_threads

HostArray = np.ndarray[Any, Any]

TILE_CELLS = 1 << 20
"""The most cells of a tile, 8 MiB, but for one pair that has more: a thread holds as many again
while it counts a batch."""

TALLEST = 16
"""The most features on the left of a tile."""

WIDE, PACK_BYTES = 64, 1 << 26
"""Features from which on a batch gets rows of bits beside its codes, and their bytes. They take
longer to make than they save where each is used for few pairs."""

BYTES_PER_CELL = 8
"""Bytes of a cell: its count is an int64."""

BYTES_PER_OCCUPIED = 24
"""Bytes of an occupied cell of a sparse pair: two positions and a count."""


class Tile(NamedTuple):
    """The pairs of features ``left`` with features ``right``, positions in the order of sizes."""

    left: slice
    right: slice
    is_sparse: bool = False


class Layout:
    """The tiles of all pairs of features, or of pairs of a feature on the left and another one.

    Parameters
    ----------
    n_bins : sequence of int
        The number of bins of each feature.
    n_left : int, optional
        The number of features that are paired with all others, and not with each other; all pairs
        by default.

    Attributes
    ----------
    order : array of shape (m,)
        Positions of the features, by their size class within each side.
    sizes : array of shape (m,)
        Size class of each feature, in that order.
    tiles : list of Tile
    """

    def __init__(self, n_bins: Sequence[int], n_left: int | None = None) -> None:
        classes = np.array([size_class(int(bins)) for bins in n_bins], np.int64)
        self.n_left = n_left
        sides = np.arange(classes.size) >= (classes.size if n_left is None else n_left)
        self.order = np.lexsort((classes, sides))
        self.sizes = classes[self.order]
        steps = np.diff(self.sizes, prepend=-1).astype(bool) | np.diff(sides, prepend=False)
        borders = list(pairwise([*np.flatnonzero(steps).tolist(), classes.size]))
        self.tiles = list(self._tiles(borders))

    def _tiles(self, groups: Sequence[tuple[int, int]]) -> Iterator[Tile]:
        for number, (start, stop) in enumerate(groups):
            if self.n_left is not None and start >= self.n_left:
                return
            for first, last in groups[number:]:
                if self.n_left is not None and first < self.n_left:
                    continue
                cells = int(self.sizes[start]) * int(self.sizes[first])
                is_sparse = cells > LARGEST_PAIR_TABLE or self.sizes[[start, first]].max() > (
                    MOST_PACKED
                )
                # On the diagonal a tile holds some pairs twice; a thin one holds few of them.
                is_diagonal = self.n_left is None and start == first
                height = max((stop - start) // 32, 1) if is_diagonal else stop - start
                height = min(height, TALLEST, max(TILE_CELLS // cells, 1))
                width = max(TILE_CELLS // cells // height, 1)
                for i in range(start, stop, height):
                    begin = first
                    if is_diagonal:
                        begin = i + 1 if height == 1 else i
                    for j in range(begin, last, width):
                        left = slice(i, min(i + height, stop))
                        yield Tile(left, slice(j, min(j + width, last)), bool(is_sparse))

    def n_cells(self, tile: Tile) -> int:
        """The number of cells of a tile."""
        n_pairs = (tile.left.stop - tile.left.start) * (tile.right.stop - tile.right.start)
        return int(n_pairs) * self.n_cells_of_pair(tile)

    def n_cells_of_pair(self, tile: Tile) -> int:
        """The number of cells of each pair of a tile."""
        return int(self.sizes[tile.left.start]) * int(self.sizes[tile.right.start])

    def n_bytes(self, tile: Tile, n_rows: int | None = None) -> int:
        """Bytes that a tile takes; a sparse one at most, if there are ``n_rows`` samples."""
        cells = self.n_cells(tile)
        if not tile.is_sparse:
            return BYTES_PER_CELL * cells
        n_pairs = (tile.left.stop - tile.left.start) * (tile.right.stop - tile.right.start)
        return BYTES_PER_OCCUPIED * (cells if n_rows is None else min(cells, n_pairs * n_rows))

    def features(self, tiles: Sequence[Tile]) -> HostArray:
        """Positions, in the order of sizes, of the features that tiles are about."""
        is_used = np.zeros(self.sizes.size, np.bool_)
        for tile in tiles:
            is_used[tile.left] = is_used[tile.right] = True
        return np.flatnonzero(is_used)

    def passes(self, memory_limit: int, n_rows: int | None = None) -> list[list[Tile]]:
        """The tiles in groups whose tables fit the memory together, each for one pass.

        Raises
        ------
        MemoryError
            If one tile alone does not fit.
        """
        groups: list[list[Tile]] = []
        taken = memory_limit + 1
        for tile in self.tiles:
            needed = self.n_bytes(tile, n_rows)
            if needed > memory_limit:
                a, b = (int(self.sizes[side.start]) for side in (tile.left, tile.right))
                raise MemoryError(
                    f"the counts of {a} × {b} bins take {needed / 2**20:,.1f} MiB, and the memory "
                    f"limit is {memory_limit / 2**20:,.1f} MiB: pass fewer bins, or memory_limit"
                )
            if taken + needed > memory_limit:
                groups.append([])
                taken = 0
            groups[-1].append(tile)
            taken += needed
        return groups


class PairTables:
    """Counts of the pairs of some tiles, and of each feature of these pairs by itself.

    Parameters
    ----------
    layout : Layout
    tiles : sequence of Tile, optional
        The tiles that are counted; all by default.
    """

    def __init__(self, layout: Layout, tiles: Sequence[Tile] | None = None) -> None:
        self.layout = layout
        self.tiles = list(layout.tiles if tiles is None else tiles)
        self.members = (
            layout.features(self.tiles) if tiles is not None else np.arange(layout.sizes.size)
        )
        """Positions of the features that are counted, in the order of sizes."""
        self.tables: list[Any] = [self._empty(tile) for tile in self.tiles]
        """For each tile its array, or for a sparse one a list of the `SparseCounts` of its pairs in
        the order of the rows."""
        self.margins = [np.zeros(size + 1, np.int64) for size in layout.sizes.tolist()]
        """The number of samples of each feature in each bin; the last number is of missing ones."""
        self.n_rows = 0
        self._rank = np.empty(layout.order.size, np.int64)
        self._rank[layout.order] = np.arange(layout.order.size)
        # For each feature on the left of tiles: where the tiles begin on the right, increasing.
        self._starts: dict[int, list[int]] = {}
        self._numbers: dict[int, list[int]] = {}
        in_order = sorted(range(len(self.tiles)), key=lambda i: self.tiles[i].right.start)
        for number in in_order:
            tile = self.tiles[number]
            for left in range(tile.left.start, tile.left.stop):
                self._starts.setdefault(left, []).append(tile.right.start)
                self._numbers.setdefault(left, []).append(number)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state; arrays that come from other processes may be read-only."""
        vars(self).update(state)
        self.tables = [t if isinstance(t, list) else np.require(t, None, "W") for t in self.tables]
        self.margins = [np.require(margin, None, "W") for margin in self.margins]

    def _empty(self, tile: Tile) -> Any:
        sizes = self.layout.sizes
        left, right = sizes[tile.left].tolist(), sizes[tile.right].tolist()
        if not tile.is_sparse:
            return np.zeros((len(left), len(right), left[0], right[0]), np.int64)
        none = np.empty((2, 0), np.int64), np.empty(0, np.int64)
        return [SparseCounts((a, b), *none) for a in left for b in right]

    @property
    def n_bytes(self) -> int:
        """Bytes that the tables take."""
        of_tiles = (
            sum(c.cells.nbytes + c.values.nbytes for c in t) if isinstance(t, list) else t.nbytes
            for t in self.tables
        )
        return int(sum(of_tiles) + sum(margin.nbytes for margin in self.margins))

    def update(self, codes: Sequence[Array], kernels: Kernels, n_jobs: int = 1) -> None:
        """Add a batch.

        Parameters
        ----------
        codes : sequence of arrays of shape (n,)
            Codes of each of `members`, in that order; the size class of a feature, and so the
            number of bins where both are equal, marks a missing sample.
        kernels : Kernels
            Kernels of the host.
        n_jobs : int
            The number of threads.
        """
        sizes = self.layout.sizes[self.members]
        n_samples = int(codes[0].size)

        def margin(position: int, own: Array) -> None:
            size = int(self.layout.sizes[position])
            counted = kernels.to_host(kernels.count_joint([own], [size]))
            self.margins[position][:size] += counted
            self.margins[position][size] += n_samples - int(counted.sum())

        map_threads(margin, self.members.tolist(), codes, n_jobs=n_jobs, within=kernels.current)
        is_packed = sizes <= MOST_PACKED
        dense = [own for own, fits in zip(codes, is_packed, strict=True) if fits]
        bins = sizes[is_packed].tolist()
        limit = PACK_BYTES if len(bins) >= WIDE else 0
        packed = kernels.pack(dense, bins, None, limit) if dense else None
        in_pack = np.full(self.layout.sizes.size, -1)
        in_pack[self.members[is_packed]] = np.arange(int(is_packed.sum()))
        by_position = dict(zip(self.members.tolist(), codes, strict=True))

        def count(number: int) -> None:
            tile = self.tiles[number]
            if tile.is_sparse:
                self._add_sparse(number, by_position, kernels)
                return
            lefts, rights = (
                slice(int(in_pack[side.start]), int(in_pack[side.stop - 1]) + 1)
                for side in (tile.left, tile.right)
            )
            counted = kernels.count_pairs(packed, lefts, packed, rights)
            self.tables[number] += kernels.to_host(counted)

        # The tiles with the most cells come first, so that no thread ends long after the others.
        order = sorted(range(len(self.tiles)), key=lambda i: -self.layout.n_cells(self.tiles[i]))
        map_threads(count, order, n_jobs=n_jobs, within=kernels.current)
        self.n_rows += n_samples

    def _add_sparse(self, number: int, codes: dict[int, Array], kernels: Kernels) -> None:
        for place, (left, right) in enumerate(self._pairs(self.tiles[number])):
            size = self.layout.sizes[[left, right]].tolist()
            both = [LookUp(codes[left]), LookUp(codes[right])]
            counted = counting.count(both, codes[left].size, size, kernels, sparse=True)
            held = self.tables[number][place]
            self.tables[number][place] = counting.add(held, counted)

    def _pairs(self, tile: Tile) -> list[tuple[int, int]]:
        return [
            (left, right)
            for left in range(tile.left.start, tile.left.stop)
            for right in range(tile.right.start, tile.right.stop)
        ]

    def plus(self, other: PairTables) -> PairTables:
        """The counts of the samples of both, which have one layout and the same tiles."""
        total = PairTables(self.layout, self.tiles)
        total.tables = [
            [counting.add(a, b) for a, b in zip(left, right, strict=True)]
            if isinstance(left, list)
            else left + right
            for left, right in zip(self.tables, other.tables, strict=True)
        ]
        total.margins = [a + b for a, b in zip(self.margins, other.margins, strict=True)]
        total.n_rows = self.n_rows + other.n_rows
        return total

    def spread(
        self,
        n_bins: Sequence[int],
        positions: Sequence[HostArray],
        features: Sequence[int] | None = None,
        n_left: int | None = None,
    ) -> PairTables:
        """The same counts in more bins: bin i of feature f at ``positions[f][i]``.

        ``features`` are the positions of the wanted features among these, in their new order.
        ``n_left`` is the number of features that are paired with all others alone, where these
        tables are of all pairs.
        """
        chosen = list(range(len(n_bins)) if features is None else features)
        total = PairTables(Layout(n_bins, n_left or self.layout.n_left))
        total.n_rows = self.n_rows
        for feature, new in enumerate(total.layout.order.tolist()):
            old = self.place(chosen[new])
            at = positions[new]
            total.margins[feature][at] = self.margins[old][: at.size]
            total.margins[feature][-1] = self.margins[old][-1]
        for tile, table in zip(total.tiles, total.tables, strict=True):
            for place, (i, j) in enumerate(total._pairs(tile)):
                left, right = int(total.layout.order[i]), int(total.layout.order[j])
                if left == right:
                    continue
                held = self.pair(chosen[left], chosen[right])
                a, b = positions[left], positions[right]
                if tile.is_sparse:
                    sizes = [int(total.layout.sizes[k]) for k in (i, j)]
                    table[place] = held.to_sparse().spread(sizes, (a, b))
                else:
                    row, column = divmod(place, tile.right.stop - tile.right.start)
                    table[row, column][np.ix_(a, b)] = held.to_dense()[: a.size, : b.size]
        return total

    def pair(self, left: int, right: int) -> DenseCounts | SparseCounts:
        """The table of two different features by their positions among all, in size classes.

        Raises
        ------
        KeyError
            If the pair is not counted here.
        """
        one, other = self.place(left), self.place(right)
        found, is_turned = self._find(one, other), False
        if found is None:
            found, is_turned = self._find(other, one), True
        if found is None:
            raise KeyError((left, right))
        number, row, column = found
        table = self.tables[number]
        if isinstance(table, list):
            tile = self.tiles[number]
            counts: SparseCounts = table[row * (tile.right.stop - tile.right.start) + column]
            return counts.in_order((1, 0)) if is_turned else counts
        cells = table[row, column]
        return DenseCounts(cells.T if is_turned else cells)

    def _find(self, left: int, right: int) -> tuple[int, int, int] | None:
        """The number of the tile of a pair, given by places, and the row and column in it."""
        at = bisect_right(self._starts[left], right) - 1 if left in self._starts else -1
        if at < 0:
            return None
        number = self._numbers[left][at]
        tile = self.tiles[number]
        if right >= tile.right.stop:
            return None
        return number, left - tile.left.start, right - tile.right.start

    def margin(self, feature: int) -> HostArray:
        """The number of samples in each bin of a feature, by its position among all features."""
        return self.margins[self.place(feature)][:-1]

    def n_missing(self, feature: int) -> int:
        """The number of samples in which a feature is missing."""
        return int(self.margins[self.place(feature)][-1])

    def place(self, feature: int) -> int:
        """The position of a feature in the order of sizes."""
        return int(self._rank[feature])


def padded(codes: Array, n_bins: int, size: int) -> Array:
    """Codes in which code ``n_bins`` marks a missing sample, with code ``size`` in its place."""
    if n_bins == size:
        return codes
    found = codes.astype(code_dtype(size), copy=True)
    found[codes == n_bins] = size
    return found
