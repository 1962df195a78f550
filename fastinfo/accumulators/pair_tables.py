"""The counts of all pairs of features, to which the codes of batches are added in place.

The tables of pairs lie tile by tile: a tile holds the pairs of some neighbours on the left with
neighbours on the right, in the order of their size classes (`data.sizes.size_class`), as one array
``(n_left, n_right, B_left, B_right)``. Kernels return counts in this form. Each pair is counted
once, and no feature with itself. Pairs with very many cells keep the occupied ones alone.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastinfo import counting
from fastinfo.accumulators.joined import Group, cover
from fastinfo.accumulators.pair_layout import Layout, Tile
from fastinfo.accumulators.rows_by_block import ROWS_AT_ONCE, RowsByBlock
from fastinfo.backends.contract import Array, Kernels, code_dtype
from fastinfo.counting import DenseCounts, SparseCounts
from fastinfo.data.encoders import LookUp
from fastinfo.system.ranges import map_threads

HostArray = np.ndarray[Any, Any]

WIDE = 64
"""Features from which on rows of bits are made of codes. Fewer are counted a few at a time
(`joined`): such rows take longer to make than they save there."""

SHORT, FEWEST_TILED = 1 << 13, 16
"""Samples, fewer than which are counted tile by tile where there are so many features: to clear and
add up joint tables takes longer than to count them."""


class PairTables:
    """Counts of the pairs of some tiles, and of each feature of these pairs by itself.

    Parameters
    ----------
    layout : Layout
    tiles : sequence of Tile, optional
        The tiles that are counted; all by default.
    members : array of int, optional
        The features that are counted by themselves; those of the tiles by default.
    """

    def __init__(
        self,
        layout: Layout,
        tiles: Sequence[Tile] | None = None,
        members: HostArray | None = None,
    ) -> None:
        self.layout = layout
        self.tiles = list(layout.tiles if tiles is None else tiles)
        if members is None:
            every = np.arange(layout.sizes.size)
            members = every if tiles is None else layout.features(self.tiles)
        self.members = members
        """Positions of the features that are counted, in the order of sizes."""
        self.tables: list[Any] = self._empty()
        """For each tile its array, or for a sparse one a list of the `SparseCounts` of its pairs in
        the order of the rows."""
        self.margins = [np.zeros(size + 1, np.int64) for size in layout.sizes.tolist()]
        """The number of samples of each feature in each bin; the last number is of missing ones."""
        self.n_rows = 0
        self._groups: list[Group] | None = None
        self._found: dict[tuple[int, int], tuple[int, int, int]] = {}
        """The tile of each dense pair, and its row and column there, where `_groups` is known."""
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

    def _empty(self) -> list[Any]:
        """Tables without counts."""
        sizes = self.layout.sizes
        n_cells = [0 if tile.is_sparse else self.layout.n_cells(tile) for tile in self.tiles]
        # One array gives its memory back when it goes. Of thousands the allocator kept as much
        # again, since a few small ones lived on between them.
        cells = np.zeros(sum(n_cells), np.int64)
        found: list[Any] = []
        first = 0
        for tile, n in zip(self.tiles, n_cells, strict=True):
            left, right = sizes[tile.left].tolist(), sizes[tile.right].tolist()
            if tile.is_sparse:
                none = np.empty((2, 0), np.int64), np.empty(0, np.int64)
                found.append([SparseCounts((a, b), *none) for a in left for b in right])
            else:
                shape = len(left), len(right), left[0], right[0]
                found.append(cells[first : first + n].reshape(shape))
            first += n
        return found

    n_outside = 0
    """The number of samples that are in no stratum."""

    @property
    def strata(self) -> list[PairTables]:
        """The counts of each stratum of the samples: all of them are in one."""
        return [self]

    def like(self) -> PairTables:
        """Tables of the same pairs, without samples."""
        found = copy.copy(self)
        found.tables = self._empty()
        found.margins = [np.zeros_like(margin) for margin in self.margins]
        found.n_rows = 0
        return found

    def share_groups(self, other: PairTables) -> None:
        """Count the same features together as other tables of the same pairs do."""
        self._groups, self._found = other.groups(), other._found

    def of_tiles(self, tiles: Sequence[Tile] | None) -> PairTables:
        """Tables of other pairs, with what is known of features that these pairs are not of."""
        found = PairTables(self.layout, tiles)
        for place in set(range(len(self.margins))) - set(found.members.tolist()):
            found.margins[place] = self.margins[place]
        return found

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
        n_samples = int(codes[0].size)
        is_short = n_samples < SHORT and len(codes) >= FEWEST_TILED
        # Tiles of a wide layout may hold a feature with itself, however few of them are here.
        if (self.layout.sizes.size < WIDE and not is_short) or not self.tiles:
            self.n_rows += n_samples
            by_position = dict(zip(self.members.tolist(), codes, strict=True))
            self._add_joined(by_position, kernels, n_jobs)
            return
        for start in range(0, n_samples, ROWS_AT_ONCE):
            rows = RowsByBlock(self, kernels, n_jobs)
            for members in rows.blocks:
                some = slice(*np.searchsorted(self.members, [members[0], members[-1] + 1]).tolist())
                rows.add([own[start : start + ROWS_AT_ONCE] for own in codes[some]])

    def _add_joined(self, codes: dict[int, Array], kernels: Kernels, n_jobs: int) -> None:
        """Add a batch, a few features at a time."""
        sizes = [size + 1 for size in self.layout.sizes.tolist()]  # missing samples count too

        def count(group: Group) -> None:
            shape = [sizes[member] for member in group.members]
            counted = kernels.count_joint([codes[member] for member in group.members], shape)
            table, axes = kernels.to_host(counted), range(len(shape))
            for a, b in group.pairs:
                one = table.sum(axis=tuple(axis for axis in axes if axis not in (a, b)))
                number, row, column = self._found[group.members[a], group.members[b]]
                cells = one[:-1, :-1] if a < b else one[:-1, :-1].T
                self.tables[number][row, column] += cells
            for a in group.alone:
                alone = table.sum(axis=tuple(axis for axis in axes if axis != a))
                self.margins[group.members[a]] += alone

        map_threads(count, self.groups(), n_jobs=n_jobs, within=kernels.current)
        sparse = [number for number, tile in enumerate(self.tiles) if tile.is_sparse]
        by = [codes] * len(sparse), [kernels] * len(sparse)
        map_threads(self.add_sparse, sparse, *by, n_jobs=n_jobs, within=kernels.current)

    def groups(self) -> list[Group]:
        """Features that are counted together, where they are few."""
        if self._groups is None:
            sizes = [size + 1 for size in self.layout.sizes.tolist()]
            dense = [
                (pair, (number, *divmod(place, tile.right.stop - tile.right.start)))
                for number, tile in enumerate(self.tiles)
                if not tile.is_sparse
                for place, pair in enumerate(self._pairs(tile))
            ]
            self._found = dict(dense)
            self._groups = cover([pair for pair, _ in dense], sizes)
            covered = {member for group in self._groups for member in group.members}
            rest = [member for member in self.members.tolist() if member not in covered]
            self._groups += [Group((member,), [], [0]) for member in rest]
        return self._groups

    def add_sparse(self, number: int, codes: Mapping[int, Array], kernels: Kernels) -> None:
        """Add the pairs of a sparse tile, given the codes of its features by their positions."""
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
        total = PairTables(self.layout, self.tiles, self.members)
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
