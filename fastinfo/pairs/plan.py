"""The plan cuts all pairs into tiles, over features ordered by their numbers of bins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isqrt
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import TileShape
from fastinfo.data.sizes import LARGEST_PAIR_TABLE, MOST_OF_BYTES, MOST_PACKED, size_class

__all__ = ["LARGEST_PAIR_TABLE", "MOST_OF_BYTES", "MOST_PACKED", "Plan", "Tile", "size_class"]

TILE_CELLS = 1 << 20
"""Cells of one tile if the measure needs counts: 8 MiB, reduced while they are in cache."""

BYTES_PER_CELL = 32
"""Bytes for each cell while its tile is measured: its count, and temporaries of the reference."""

TILE_WIDTH = 512
"""The fewest features on the right of a tile, if there are as many. Kernels lay out up to 512 of
them side by side, and prepare each feature on the left once for each tile."""

LARGEST_TILE_SIDE = 64
"""The most features on the left: more would hardly share the cost to prepare those on the right."""

TILE_SAMPLES = 1 << 31
"""The most samples of all pairs of a strip: it takes less than a second, and so does Ctrl-C. In
smaller strips few features on the left share what is read of those on the right: 10⁶ samples of 200
features took twice as long with half as many (Zen 3)."""

FEWEST_SAMPLES = 1 << 22
"""The samples of all pairs of a strip that are worth a tile of their own."""

STRIPS = TileShape(side=None, samples=TILE_SAMPLES)
"""The default shape of tiles."""

SPARSE_COST = 512
"""Samples that are counted densely in the time of one that is counted sparsely, by sorting."""

FEW_CELLS = 64 * 64
"""The most cells of a pair that is counted at 2 G samples/s or more."""


class Tile(NamedTuple):
    """The pairs of features ``left`` and features ``right``, which are positions in the plan."""

    left: slice
    right: slice
    is_sparse: bool = False

    @property
    def n_pairs(self) -> int:
        """The number of pairs of different features; on the diagonal each pair counts once."""
        height, width = self.left.stop - self.left.start, self.right.stop - self.right.start
        twice = height * (height + 1) // 2 if self.left.start == self.right.start else 0
        return int(height * width - twice)


class Plan:
    """The tiles of all pairs, over features ordered by their size class.

    Parameters
    ----------
    n_bins : sequence of int
        The number of bins of each feature: those of X, then those of Y if there is a Y.
    n_left : int or None
        The number of features of X; None for all pairs of one table, each once.
    n_samples : int
        The number of samples of each feature.
    tile_cells : int, optional
        The most cells of the counts of a tile; None if the measure needs no counts.
    shape : TileShape
        The size of tiles that suits the kernels; by default strips that suit a processor's caches.
    is_weighted : bool
        Whether samples have weights, which are summed pair by pair.
    n_tables : int
        The number of tables that each pair is counted in: one for each stratum of the samples.
    """

    def __init__(
        self,
        n_bins: Sequence[int] | np.ndarray[Any, Any],
        n_left: int | None,
        n_samples: int,
        tile_cells: int | None = None,
        shape: TileShape = STRIPS,
        *,
        is_weighted: bool = False,
        n_tables: int = 1,
    ) -> None:
        self.is_weighted = is_weighted
        self.n_tables = n_tables
        self.n_left = n_left
        self.shape = shape
        self.tile_cells = tile_cells
        self.n_samples = n_samples
        distinct, positions = np.unique(n_bins, return_inverse=True)
        classes = np.array([size_class(int(b)) for b in distinct])[positions]
        split = len(classes) if n_left is None else n_left
        sides = np.arange(len(classes)) >= split
        self.order = np.lexsort((classes, sides))
        self.classes = classes[self.order]
        groups = np.flatnonzero(np.diff(self.classes, prepend=-1) | np.diff(sides, prepend=False))
        borders = [*groups.tolist(), len(classes)]
        self.tiles = list(self._tiles(list(pairwise(borders)), n_left))

    def _tiles(self, groups: list[tuple[int, int]], n_left: int | None) -> Iterator[Tile]:
        for a, (left_start, left_stop) in enumerate(groups):
            if n_left is not None and left_start >= n_left:
                return
            for right_start, right_stop in groups[a if n_left is None else 0 :]:
                if n_left is not None and right_start < n_left:
                    continue
                is_diagonal = n_left is None and right_start == left_start
                left_bins, right_bins = self.classes[left_start], self.classes[right_start]
                cells = int(left_bins) * int(right_bins)
                is_sparse = cells > LARGEST_PAIR_TABLE or max(left_bins, right_bins) > MOST_PACKED
                sides = left_stop - left_start, right_stop - right_start
                height, width = self._sides(cells, *sides, is_sparse)
                for i in range(left_start, left_stop, height):
                    for j in range(i if is_diagonal else right_start, right_stop, width):
                        yield Tile(
                            slice(i, min(i + height, left_stop)),
                            slice(j, min(j + width, right_stop)),
                            is_sparse,
                        )

    def _cost(self, cells: int, is_sparse: bool) -> int:
        """The approximate time of a pair, in samples of a pair with few bins."""
        if is_sparse:
            return max(self.n_samples * SPARSE_COST, 1)
        every_cell = cells * self.n_tables
        if self.is_weighted:
            return 16 * self.n_samples + 8 * every_cell
        if cells > FEW_CELLS:  # in steps: a line of cells is cleared for each bin
            return 8 * self.n_samples + every_cell // 16
        return self.n_samples + every_cell

    def _sides(self, cells: int, n_left: int, n_right: int, is_sparse: bool) -> tuple[int, int]:
        """The numbers of features on the left and on the right of a tile; left is not more."""
        samples = self.shape.samples
        if self.shape.side is None:
            samples = min(samples, TILE_SAMPLES)
        n_pairs = max(samples // self._cost(cells, is_sparse), 1)
        if self.tile_cells is not None:
            n_pairs = max(min(n_pairs, self.tile_cells // cells), 1)
        if self.shape.side is not None:
            side = max(min(isqrt(n_pairs), self.shape.side), 1)
            return side, side
        # A strip along the diagonal measures pairs twice; a thinner strip measures fewer twice.
        worth_it = FEWEST_SAMPLES // (self._cost(cells, is_sparse) * n_right)
        thin = max(n_left // 16, min(worth_it, 16))
        height = max(min(isqrt(n_pairs), LARGEST_TILE_SIDE, thin), 1)
        width = min(max(n_pairs // height, min(n_pairs, TILE_WIDTH)), n_right)
        return max(min(n_pairs // width, height), 1), width
