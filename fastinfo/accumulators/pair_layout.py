"""The tiles of all pairs of features, and the passes in which they are counted.

Features are in the order of their size classes (`data.sizes.size_class`). A tile holds the pairs of
some neighbours on the left with neighbours on the right. Each pair is in one tile.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from fastinfo.data.sizes import LARGEST_PAIR_TABLE, MOST_PACKED, size_class

HostArray = np.ndarray[Any, Any]

TILE_CELLS = 1 << 20
"""The most cells of a tile, 8 MiB, but for one pair that has more."""

FEWEST_CELLS = 1 << 15
"""Cells of a tile of pairs that are counted in very many strata, all of which must fit a pass."""

TALLEST = 16
"""The most features on the left of a tile."""

WIDEST, MOST_COLUMNS = 1 << 9, 1 << 13
"""The most features of a block, and bins of all of them together. The right features of a tile are
of one block: a left feature is sorted once for all of them, and their rows of bits take 64 MiB
for 2¹⁶ rows."""

HELD_SHARE, FEWEST_HELD = 4, 1 << 26
"""The part of the memory limit, and at least so many bytes, for the codes of left features that are
held while those on the right are read."""

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
    n_tables : int
        The most tables that a pair is counted in: one for each stratum of the samples.

    Attributes
    ----------
    order : array of shape (m,)
        Positions of the features, by their size class within each side.
    sizes : array of shape (m,)
        Size class of each feature, in that order.
    blocks : list of slice
        The features, some neighbours at a time. Each side of a tile lies within a block.
    tiles : list of Tile
    """

    def __init__(self, n_bins: Sequence[int], n_left: int | None = None, n_tables: int = 1) -> None:
        self.n_tables = n_tables
        self.tile_cells = max(TILE_CELLS // n_tables, FEWEST_CELLS)
        classes = np.array([size_class(int(bins)) for bins in n_bins], np.int64)
        self.n_left = n_left
        sides = np.arange(classes.size) >= (classes.size if n_left is None else n_left)
        self.order = np.lexsort((classes, sides))
        self.sizes = classes[self.order]
        steps = np.diff(self.sizes, prepend=-1).astype(bool) | np.diff(sides, prepend=False)
        borders = list(pairwise([*np.flatnonzero(steps).tolist(), classes.size]))
        self.blocks = list(self._blocks(borders))
        self.tiles = list(self._tiles(borders))

    def _width(self, start: int) -> int:
        """The most right features of a tile of the group that begins at a position."""
        size = int(self.sizes[start])
        largest = max(self.sizes[: self.n_left].tolist()) if self.n_left else size
        cells = size * min(max(size, largest), MOST_PACKED)
        return _power_of_two(min(WIDEST, MOST_COLUMNS // size, self.tile_cells // cells))

    def _cells(self, start: int, stop: int) -> Iterator[slice]:
        """A group of features of one size class, as many at a time as a tile has on its right."""
        width = self._width(start)
        for first in range(start, stop, width):
            yield slice(first, min(first + width, stop))

    def _blocks(self, groups: Sequence[tuple[int, int]]) -> Iterator[slice]:
        block, n_columns = slice(0, 0), 0
        for cell in (cell for group in groups for cell in self._cells(*group)):
            more = int(self.sizes[cell].sum())
            is_full = n_columns + more > MOST_COLUMNS or cell.stop - block.start > WIDEST
            if is_full and block.stop > block.start:
                yield block
                block, n_columns = slice(cell.start, cell.start), 0
            block, n_columns = slice(block.start, cell.stop), n_columns + more
        if block.stop > block.start:
            yield block

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
                height = (stop - start) // 32 if is_diagonal else stop - start
                width = min(self._width(first), last - first)
                height = max(min(height, TALLEST, self.tile_cells // (cells * width)), 1)
                if stop - start > self._width(start):  # no left side may lie across two blocks
                    height = _power_of_two(min(height, self._width(start)))
                for i in range(start, stop, height):
                    left = slice(i, min(i + height, stop))
                    begin = first
                    if is_diagonal:
                        begin = i + 1 if height == 1 else i
                    for cell in self._cells(first, last):
                        if begin < cell.stop:
                            right = slice(max(begin, cell.start), cell.stop)
                            yield Tile(left, right, bool(is_sparse))

    def n_cells(self, tile: Tile) -> int:
        """The number of cells of a tile."""
        n_pairs = (tile.left.stop - tile.left.start) * (tile.right.stop - tile.right.start)
        return int(n_pairs) * self.n_cells_of_pair(tile)

    def n_cells_of_pair(self, tile: Tile) -> int:
        """The number of cells of each pair of a tile."""
        return int(self.sizes[tile.left.start]) * int(self.sizes[tile.right.start])

    def n_bytes(self, tile: Tile, n_rows: int | None = None) -> int:
        """Bytes that a tile takes at most in all its tables, of ``n_rows`` samples if sparse."""
        cells = self.n_tables * self.n_cells(tile)
        if not tile.is_sparse:
            return BYTES_PER_CELL * cells
        n_pairs = (tile.left.stop - tile.left.start) * (tile.right.stop - tile.right.start)
        return BYTES_PER_OCCUPIED * (cells if n_rows is None else min(cells, n_pairs * n_rows))

    @property
    def n_bytes_alone(self) -> int:
        """Bytes of the counts of all features by themselves, in all tables."""
        return BYTES_PER_CELL * self.n_tables * int((self.sizes + 1).sum())

    def features(self, tiles: Sequence[Tile]) -> HostArray:
        """Positions, in the order of sizes, of the features that tiles are about."""
        is_used = np.zeros(self.sizes.size, np.bool_)
        for tile in tiles:
            is_used[tile.left] = is_used[tile.right] = True
        return np.flatnonzero(is_used)

    def _most_lefts(self, memory_limit: int, rows_at_once: int | None) -> int:
        """The most features on the left of a pass, whose codes of some rows are held together."""
        if rows_at_once is None:
            return int(self.sizes.size)
        held = max(memory_limit // HELD_SHARE, FEWEST_HELD)
        return max(held // max(rows_at_once, 1), TALLEST)

    def _rectangles(self, memory_limit: int, rows_at_once: int | None) -> list[list[Tile]]:
        """The tiles in rectangles, most of which about fill the memory and need few columns."""
        total = sum(map(self.n_bytes, self.tiles))
        if total <= memory_limit or not self.tiles:
            return [self.tiles]
        n_pairs = sum(self.n_cells(tile) // self.n_cells_of_pair(tile) for tile in self.tiles)
        most = max(memory_limit * n_pairs // total, 1)
        tallest = self._most_lefts(memory_limit, rows_at_once)
        of_tile = max(tile.right.stop - tile.right.start for tile in self.tiles)
        height = min(math.isqrt(most), tallest)
        width = max(most // height // of_tile, 1) * of_tile
        if width <= min(most // width, tallest):
            height = width  # squares lie on the diagonal
        else:
            height = max(min(most // width, tallest), 1)
            of_each = -(-self.sizes.size // -(-self.sizes.size // height))
            height = -(-of_each // TALLEST) * TALLEST
        found: dict[tuple[int, int], list[Tile]] = {}
        for tile in self.tiles:
            place = tile.left.start // height, (tile.right.stop - 1) // width
            found.setdefault(place, []).append(tile)
        # Those on the diagonal come last, since two of them go together.
        return sorted(
            found.values(), key=lambda some: 2 * sum(map(self.n_bytes, some)) <= memory_limit
        )

    def passes(
        self, memory_limit: int, n_rows: int | None = None, rows_at_once: int | None = None
    ) -> list[list[Tile]]:
        """The tiles in groups whose tables fit the memory together, each for one pass.

        Parameters
        ----------
        memory_limit : int
            Bytes of the tables of a pass.
        n_rows : int, optional
            The number of all rows.
        rows_at_once : int, optional
            The rows whose codes are held together, where only those of features on the left are.

        Raises
        ------
        MemoryError
            If one tile alone does not fit.
        """
        groups: list[list[Tile]] = []
        most_lefts = self._most_lefts(memory_limit, rows_at_once)
        lefts: set[int] = set()
        taken = memory_limit + 1
        for some in self._rectangles(memory_limit, rows_at_once):
            needed_of = [self.n_bytes(tile, n_rows) for tile in some]
            own = {i for tile in some for i in range(tile.left.start, tile.left.stop)}
            is_full = taken + sum(needed_of) > memory_limit or len(lefts | own) > most_lefts
            if is_full and sum(needed_of) <= memory_limit:
                taken = memory_limit + 1  # a pass that begins with this rectangle
                lefts = set()
            lefts |= own
            for tile, needed in zip(some, needed_of, strict=True):
                if needed > memory_limit:
                    a, b = (int(self.sizes[side.start]) for side in (tile.left, tile.right))
                    strata = f" in {self.n_tables:,} strata" * (self.n_tables > 1)
                    n_pairs = self.n_cells(tile) // self.n_cells_of_pair(tile)
                    pairs = f"{n_pairs:,} pairs of " * (n_pairs > 1)
                    raise MemoryError(
                        f"the counts of {pairs}{a} × {b} bins{strata}, which are counted together, "
                        f"take {needed:,} bytes, and {memory_limit:,} are left for them: pass a "
                        "larger memory_limit, or fewer bins"
                    )
                if taken + needed > memory_limit:
                    groups.append([])
                    taken = 0
                groups[-1].append(tile)
                taken += needed
        return groups


def _power_of_two(most: int) -> int:
    """The largest power of two that is no larger than a number, and at least 1."""
    return 1 << max(most, 1).bit_length() - 1
