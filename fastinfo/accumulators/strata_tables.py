"""The counts of all pairs of features within each stratum, a value of a third variable.

Samples of a batch are sorted by stratum, and each stratum has tables of its own, which begin with
its first sample. Combinations of values that do not occur take no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from fastinfo import counting
from fastinfo.accumulators.pair_layout import Layout, Tile
from fastinfo.accumulators.pair_tables import WIDE, PairTables
from fastinfo.accumulators.rows_by_block import RowsByBlock
from fastinfo.backends.contract import Array, Kernels, code_dtype
from fastinfo.backends.home import HOST
from fastinfo.binning.rules import Bins
from fastinfo.counting import Counts
from fastinfo.system.limits import free_memory
from fastinfo.system.ranges import map_threads

HostArray = np.ndarray[Any, Any]

OUTSIDE = -1
"""The number of the tables of samples that are in no stratum, as the third variable is missing."""

MOST_STRATA = 1 << 62
"""The most combinations of values that have numbers."""

ALWAYS_THERE = 1 << 20
"""Bytes of new tables up to which the free memory is not asked for."""


class StrataTables:
    """Counts of the pairs of some tiles in each stratum of the samples.

    Parameters
    ----------
    layout : Layout
    n_bins : sequence of int
        The number of bins of each column of the third variable; a stratum is one bin of each.
    tiles, members : optional
        As for `PairTables`.

    Attributes
    ----------
    parts : dict of int to PairTables
        The counts of each stratum that holds a sample, by its number: that of the cell in a table
        of the columns. `OUTSIDE` stands for samples that are in none.
    """

    def __init__(
        self,
        layout: Layout,
        n_bins: Sequence[int],
        tiles: Sequence[Tile] | None = None,
        members: HostArray | None = None,
    ) -> None:
        self._nothing = PairTables(layout, tiles, members)
        self.n_bins = tuple(map(int, n_bins))
        self.parts: dict[int, PairTables] = {}

    @property
    def n_strata(self) -> int:
        """The number of strata that are possible; those that hold samples may be fewer."""
        return prod(self.n_bins)

    @property
    def layout(self) -> Layout:
        """The layout of each part."""
        return self._nothing.layout

    @property
    def tiles(self) -> list[Tile]:
        """The tiles of each part."""
        return self._nothing.tiles

    @property
    def members(self) -> HostArray:
        """Positions of the features that are counted, in the order of sizes."""
        return self._nothing.members

    @property
    def strata(self) -> list[PairTables]:
        """The counts of each stratum that holds a sample, in the order of their numbers."""
        return [self.parts[key] for key in sorted(self.parts) if key != OUTSIDE]

    @property
    def n_rows(self) -> int:
        """The number of samples, those in no stratum included."""
        return sum(part.n_rows for part in self.parts.values())

    @property
    def n_outside(self) -> int:
        """The number of samples that are in no stratum."""
        return self.parts[OUTSIDE].n_rows if OUTSIDE in self.parts else 0

    @property
    def n_bytes(self) -> int:
        """Bytes that the tables take."""
        return sum(part.n_bytes for part in self.parts.values())

    def part(self, key: int) -> PairTables:
        """The counts of one stratum, or of `OUTSIDE`; new ones where it has none."""
        if key not in self.parts:
            self.parts[key] = self._nothing.like()
        return self.parts[key]

    def of_tiles(self, tiles: Sequence[Tile] | None) -> StrataTables:
        """As `PairTables.of_tiles`."""
        found = StrataTables(self.layout, self.n_bins, tiles)
        for key, part in self.parts.items():
            found.parts[key] = part.of_tiles(found.tiles if tiles is not None else None)
        return found

    def update(
        self, codes: Sequence[Array], kernels: Kernels, n_jobs: int, strata: HostArray
    ) -> None:
        """Add a batch.

        Parameters
        ----------
        codes, kernels, n_jobs
            As for `PairTables.update`.
        strata : NumPy array of shape (n,)
            The number of the stratum of each sample, as `numbers` has it.
        """
        if not strata.size:
            return
        order, parts, borders = self.sorted_by(strata)
        places = kernels.bring(order)

        def sorted_(own: Array) -> Array:
            return own.take(places)  # six times as fast as an index

        ordered = map_threads(sorted_, codes, n_jobs=n_jobs, within=kernels.current)
        # Many strata are counted at the same time: a small one has little to share among threads.
        # Rows of bits, which wide tables get, would not fit the memory for all of them.
        is_wide = self.layout.sizes.size >= WIDE
        n_at_once = n_jobs if len(parts) >= 2 * n_jobs and not is_wide else 1

        def count(part: PairTables, border: tuple[int, int]) -> None:
            own = [one[slice(*border)] for one in ordered]
            part.update(own, kernels, 1 if n_at_once > 1 else n_jobs)

        if not is_wide:
            for part in parts:
                part.share_groups(self._nothing)
        map_threads(count, parts, borders, n_jobs=n_at_once, within=kernels.current)

    def sorted_by(
        self, strata: HostArray
    ) -> tuple[HostArray, list[PairTables], list[tuple[int, int]]]:
        """The order of samples by stratum; the tables of each, and where its samples are then."""
        order = np.argsort(strata, kind="stable")
        number = strata[order]
        starts = np.flatnonzero(np.diff(number, prepend=number[:1])) if number.size else number
        starts = np.concatenate([np.zeros(min(number.size, 1), np.int64), starts])
        keys = [OUTSIDE if key == self.n_strata else key for key in number[starts].tolist()]
        self._require_memory([key for key in keys if key not in self.parts])
        borders = list(pairwise([*starts.tolist(), number.size]))
        return order, [self.part(key) for key in keys], borders

    def _require_memory(self, new: Sequence[int]) -> None:
        needed = len(new) * self._nothing.n_bytes
        if needed > ALWAYS_THERE and needed > (free := free_memory()):
            n_strata = len(new) + len(self.parts)
            raise MemoryError(
                f"the third variable has {n_strata:,} values so far, and the counts of all pairs "
                f"in each take {self._nothing.n_bytes / 2**20:,.1f} MiB: {free / 2**20:,.1f} MiB "
                "are free. Count with fewer bins, or without it"
            )

    def plus(self, other: StrataTables) -> StrataTables:
        """The counts of the samples of both, which have one layout and the same strata."""
        total = StrataTables(self.layout, self.n_bins, self.tiles, self.members)
        for key in sorted({*self.parts, *other.parts}):
            both = [one.parts[key] for one in (self, other) if key in one.parts]
            total.parts[key] = both[0].plus(both[1] if len(both) > 1 else both[0].like())
        return total

    def spread(
        self,
        n_bins: Sequence[int],
        positions: Sequence[HostArray],
        features: Sequence[int] | None = None,
        n_left: int | None = None,
        third: tuple[Sequence[int], Sequence[HostArray]] | None = None,
    ) -> StrataTables:
        """As `PairTables.spread`; ``third`` has the same of the columns of the third variable."""
        of_third, moved = third or (self.n_bins, [np.arange(size) for size in self.n_bins])
        total = StrataTables(Layout(n_bins, n_left or self.layout.n_left), of_third)
        for key, part in self.parts.items():
            new = key
            if key != OUTSIDE:
                each = zip(moved, np.unravel_index(key, self.n_bins), strict=True)
                new = int(np.ravel_multi_index([to[one] for to, one in each], total.n_bins))
            total.parts[new] = part.spread(n_bins, positions, features, n_left)
        return total

    def pooled(self) -> PairTables:
        """The counts of all samples, as if there were no third variable."""
        return reduce(PairTables.plus, self.parts.values(), self._nothing.like())

    def pair(self, left: int, right: int) -> Counts:
        """The table of two features over all samples; as `PairTables.pair`."""
        parts = self.parts.values() if self.parts else [self._nothing]
        return reduce(counting.add, (part.pair(left, right) for part in parts))

    def n_missing(self, feature: int) -> int:
        """As `PairTables.n_missing`."""
        return sum(part.n_missing(feature) for part in self.parts.values())


AnyTables = PairTables | StrataTables


class StrataRowsByBlock:
    """As `RowsByBlock`, with the number of the stratum of each row, as `numbers` has it."""

    def __init__(
        self, tables: StrataTables, kernels: Kernels, n_jobs: int, bits: int, strata: HostArray
    ) -> None:
        self._order, parts, self._borders = tables.sorted_by(strata)
        bits //= max(len(parts), 1)
        self._rows = [RowsByBlock(part, kernels, n_jobs, bits) for part in parts]
        self._n_jobs = n_jobs

    def add(self, codes: Sequence[Array] | Array) -> None:
        """Add the next block."""
        ordered = map_threads(lambda own: own.take(self._order), codes, n_jobs=self._n_jobs)
        for rows, (first, last) in zip(self._rows, self._borders, strict=True):
            rows.add([own[first:last] for own in ordered])


def numbers(codes: Sequence[HostArray], n_bins: Sequence[int]) -> HostArray:
    """The number of the stratum of each sample, by the codes of the columns of a third variable.

    It is the number of their cell in the table of all of them. The number of cells stands for a
    sample that lacks one of the columns.

    Raises
    ------
    MemoryError
        For more cells than have numbers.
    """
    if len(codes) == 1:
        return codes[0]
    n_cells = prod(n_bins)
    if n_cells >= MOST_STRATA:
        raise MemoryError(
            f"the third variable has {' × '.join(f'{size:,}' for size in n_bins)} combinations of "
            "values, more than can be numbered: pass fewer bins, or fewer columns"
        )
    lacks = np.zeros(codes[0].size, np.bool_)
    for own, size in zip(codes, n_bins, strict=True):
        lacks |= own == size
    found: HostArray = counting.cell_numbers(codes, n_bins, codes[0].size)
    found[lacks] = n_cells
    # Short numbers are sorted faster.
    return found.astype(code_dtype(n_cells)) if n_cells < 1 << 32 else found


def empty_tables(
    layout: Layout,
    third: Sequence[int] | None,
    tiles: Sequence[Tile] | None = None,
    members: HostArray | None = None,
) -> AnyTables:
    """Tables without samples; in strata, if a third variable has ``third`` bins in its columns."""
    if third is None:
        return PairTables(layout, tiles, members)
    return StrataTables(layout, third, tiles, members)


def add(
    tables: AnyTables,
    codes: Sequence[Array],
    of_third: Sequence[Array],
    kernels: Kernels,
    n_jobs: int = 1,
) -> None:
    """Add a batch, whose samples are in strata by the codes ``of_third`` where tables have any.

    The other parameters are those of `PairTables.update`.
    """
    if isinstance(tables, StrataTables):
        strata = numbers(list(map(HOST.bring, of_third)), tables.n_bins)
        tables.update(codes, kernels, n_jobs, strata)
    else:
        tables.update(codes, kernels, n_jobs)


def each_part(tables: AnyTables) -> dict[int, PairTables]:
    """The counts of all strata, and of samples in none; one entry where there are no strata."""
    return tables.parts if isinstance(tables, StrataTables) else {0: tables}


def spread_if_needed(
    held: AnyTables | None,
    n_third: int,
    bins: Sequence[Bins],
    positions: Sequence[HostArray],
    order: Sequence[int] | None = None,
) -> AnyTables | None:
    """As `in_more_bins`; the tables themselves if nothing changes, and None for none."""
    if held is None:
        return None
    sizes = [to.size for to in positions]
    in_order = all(np.array_equal(to, np.arange(to.size)) for to in positions)
    in_order = in_order and (order is None or list(order) == list(range(len(bins))))
    if in_order and sizes == list(map(len, bins)):
        return held
    return in_more_bins(held, n_third, bins, positions, order)


def in_more_bins(
    held: AnyTables,
    n_third: int,
    bins: Sequence[Bins],
    positions: Sequence[HostArray],
    order: Sequence[int] | None = None,
    n_left: int | None = None,
) -> AnyTables:
    """As `PairTables.spread`; the last ``n_third`` bins are those of a third variable."""
    n_bins, n_features = list(map(len, bins)), len(bins) - n_third
    features = None if order is None else order[:n_features]
    own = n_bins[:n_features], positions[:n_features], features, n_left
    if isinstance(held, StrataTables):
        return held.spread(*own, (n_bins[n_features:], positions[n_features:]))
    return held.spread(*own)
