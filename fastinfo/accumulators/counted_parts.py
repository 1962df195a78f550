"""Tables that are read in parts, counted: what each reader does, and how its counts are added.

Bins are decided first. Then every reader brings its rows into these bins, block by block of
columns, and counts them with the kernels that count everything else; counts add up in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastinfo import counting
from fastinfo.accumulators.pair_layout import Layout, Tile
from fastinfo.accumulators.pair_tables import padded
from fastinfo.accumulators.strata_tables import (
    AnyTables,
    StrataTables,
    add,
    each_part,
    empty_tables,
)
from fastinfo.backends import choose
from fastinfo.backends.contract import Kernels, code_dtype
from fastinfo.backends.home import HOST, home_of
from fastinfo.counting import Counts, DenseCounts, SparseCounts
from fastinfo.data.encoders import LookUp
from fastinfo.inputs.scanning.coders import Coder
from fastinfo.inputs.scanning.looking import (
    FEWEST_AT_ONCE,
    Block,
    Parts,
    Reduction,
    at_once,
    require_same_rows,
)
from fastinfo.inputs.scanning.on_device import DeviceColumn, on_host
from fastinfo.inputs.scanning.sources import as_type

HostArray = np.ndarray[Any, Any]

ROWS_AT_ONCE = 1 << 20
"""Rows whose pairs are counted at once, at most; fewer where their codes exceed `CODE_BYTES`."""

CODE_BYTES = 1 << 26


class Decided(NamedTuple):
    """What all readers share once bins are decided."""

    kinds: Mapping[str, Any]
    """The Arrow type of each column."""
    columns: Sequence[str]
    """The column of each feature; those of a third variable come last."""
    coders: Sequence[Coder]
    """The coder of each of these columns."""
    backend: Any
    layout: Layout | None = None
    groups: Sequence[Sequence[Tile]] = ()
    """For pairs, tiles that are counted together."""
    most_at_once: int = FEWEST_AT_ONCE
    """For pairs, how many tables of a group are added at once."""
    is_sparse: bool = False
    """For a joint table, whether only occupied cells are kept."""
    n_third: int = 0
    """For pairs, the number of columns of a third variable, by which samples are in strata."""

    @property
    def n_bins(self) -> list[int]:
        """The number of bins of each feature, and of each column of a third variable."""
        return [len(coder.bins) for coder in self.coders]

    @property
    def third(self) -> list[int] | None:
        """The numbers of bins of the columns of a third variable; None without one."""
        return self.n_bins[-self.n_third :] if self.n_third else None


class Codes(NamedTuple):
    """A block in codes."""

    n_rows: int
    codes: dict[int, Any]
    """By the position of the feature."""


def encode(block: Block, decided: Decided) -> Codes:
    """Bring a block into bins."""
    arrays = {
        name: as_type(_same_type(array, decided.kinds[name]), decided.kinds[name])
        if block.n_rows
        else array
        for name, array in block.arrays.items()
    }
    codes = {
        feature: _codes(arrays[name], coder, decided.backend)
        for feature, (name, coder) in enumerate(zip(decided.columns, decided.coders, strict=True))
        if name in arrays
    }
    return Codes(block.n_rows, codes)


def _same_type(array: Any, kind: Any) -> Any:
    return array if array.type == kind else on_host(array)


def _codes(array: Any, coder: Coder, backend: Any) -> Any:
    """Codes where the samples are, if kernels of that device and the coder can make them there."""
    if not len(array):
        return np.empty(0, code_dtype(len(coder.bins)))
    if isinstance(array, DeviceColumn):
        kernels = choose(backend, array.home)
        if not kernels.home.is_host and coder.takes(array):
            return coder.codes(array, kernels)
    kernels = choose(backend)
    return kernels.to_host(coder.codes(on_host(array), kernels))


def _kernels_at(codes: Iterable[Any], backend: Any) -> Kernels:
    """The kernels of the device on which codes are; those of the backend where none are on any."""
    homes = (home_of(own) for own in codes)
    return choose(backend, next((home for home in homes if not home.is_host), HOST))


# --- the joint table of some features -------------------------------------------------------------


class CountedPart(NamedTuple):
    """The joint table of all features over some rows."""

    counts: Counts
    n_rows: int
    n_missing: HostArray
    """The number of rows in which each feature is missing."""


def count_joint(blocks: Sequence[Codes], decided: Decided) -> CountedPart:
    """Count the joint table of all features."""
    n_rows, codes = _beside(blocks)
    n_bins, kernels = decided.n_bins, _kernels_at(codes.values(), decided.backend)
    in_order = [codes[feature] for feature in range(len(n_bins))]
    missing = [int((own == bins).sum()) for own, bins in zip(in_order, n_bins, strict=True)]
    counts: Counts
    if n_rows and prod(n_bins):
        looked_up = [LookUp(kernels.bring(own)) for own in in_order]
        counts = counting.count(looked_up, n_rows, n_bins, kernels, sparse=decided.is_sparse)
    elif decided.is_sparse:
        none = np.empty((len(n_bins), 0), np.int64), np.empty(0, np.int64)
        counts = SparseCounts(tuple(n_bins), *none)
    else:
        counts = DenseCounts(np.zeros(n_bins, np.int64))
    return CountedPart(counts, n_rows, np.array(missing))


def add_joint(parts: Sequence[CountedPart]) -> CountedPart:
    """The joint table over the rows of all parts."""
    counts = parts[0].counts
    for part in parts[1:]:
        counts = counting.add(counts, part.counts)
    n_missing = sum(part.n_missing for part in parts)
    return CountedPart(counts, sum(part.n_rows for part in parts), np.asarray(n_missing))


def joint_reduction(decided: Decided, task_memory: int) -> Reduction:
    """What readers do to count the joint table of all features."""
    columns = list(dict.fromkeys(decided.columns))
    n_bytes = 0 if decided.is_sparse else 8 * prod(decided.n_bins)
    then = [(columns, count_joint)]
    return Reduction(columns, encode, then, add_joint, at_once(n_bytes, task_memory))


# --- all pairs of features ------------------------------------------------------------------------


class TablesPart(NamedTuple):
    """The tables of the pairs of some tiles over some rows, as `PairTables` has them."""

    tables: list[Any]
    margins: list[HostArray]
    n_rows: int


Strata = dict[int, TablesPart]
"""The tables of each stratum that holds a row, as `StrataTables` numbers them; one entry where
there are no strata."""


def count_group(number: int, blocks: Sequence[Codes], decided: Decided) -> Strata:
    """Count the pairs of one group of tiles; features by themselves where it has none."""
    layout = decided.layout
    assert layout is not None
    n_bins, third = decided.n_bins, decided.third
    n_rows, codes = _beside(blocks)
    kernels = _kernels_at(codes.values(), decided.backend)
    tiles = decided.groups[number]
    members = _members(layout, tiles)
    tables = empty_tables(layout, third, tiles, members)
    features = layout.order[members].tolist()
    sizes = layout.sizes[members].tolist()
    first = len(n_bins) - decided.n_third
    of_third = [codes[i] for i in range(first, len(n_bins))]
    n_bytes = sum(codes[feature].itemsize for feature in features)
    step = max(min(ROWS_AT_ONCE, CODE_BYTES // max(n_bytes, 1)), 1)
    for start in range(0, n_rows, step):
        rows = slice(start, start + step)
        batch = [
            padded(kernels.bring(codes[feature][rows]), n_bins[feature], size)
            for feature, size in zip(features, sizes, strict=True)
        ]
        add(tables, batch, [own[rows] for own in of_third], kernels)
    return {
        key: TablesPart(part.tables, [part.margins[i] for i in members], part.n_rows)
        for key, part in each_part(tables).items()
    }


def add_tables(parts: Sequence[Strata]) -> Strata:
    """The tables over the rows of all parts."""
    keys = sorted({key for part in parts for key in part})
    return {key: _added([part[key] for part in parts if key in part]) for key in keys}


def _added(parts: Sequence[TablesPart]) -> TablesPart:
    tables = [_sum(some) for some in zip(*(part.tables for part in parts), strict=True)]
    margins = [_sum(some) for some in zip(*(part.margins for part in parts), strict=True)]
    return TablesPart(tables, margins, sum(part.n_rows for part in parts))


def _sum(tables: Sequence[Any]) -> Any:
    if isinstance(tables[0], list):
        return [_sum(pairs) for pairs in zip(*tables, strict=True)]
    if isinstance(tables[0], SparseCounts):
        total: Any = tables[0]
        for one in tables[1:]:
            total = counting.add(total, one)
        return total
    found = tables[0].copy()
    for one in tables[1:]:
        found += one
    return found


def grouped(
    layout: Layout, tiles: Sequence[Tile], n_rows: int | None, task_memory: int
) -> tuple[list[list[Tile]], int]:
    """Tiles in groups, one for each task, and how many tables of a group are added at once.

    Raises
    ------
    MemoryError
        Where the pairs of one tile alone take too much.
    """
    limit = task_memory // (FEWEST_AT_ONCE + 1)
    groups: list[list[Tile]] = [[]]
    taken = [0]
    for tile in tiles:
        needed = layout.n_bytes(tile, n_rows)
        if needed > limit:
            raise MemoryError(
                f"the counts of one pair or tile of pairs take {needed / 2**20:,.1f} MiB, and a "
                f"task has {limit / 2**20:,.1f} MiB for them: pass fewer bins, or a larger "
                "fastinfo.task-memory to dask.config.set"
            )
        if groups[-1] and taken[-1] + needed > limit:
            groups.append([])
            taken.append(0)
        groups[-1].append(tile)
        taken[-1] += needed
    return groups, at_once(max(taken), task_memory)


def pairs_reduction(decided: Decided, most_at_once: int) -> Reduction:
    """What readers do to count the pairs of all groups."""
    assert decided.layout is not None
    then = []
    for number, tiles in enumerate(decided.groups):
        features = decided.layout.order[_members(decided.layout, tiles)].tolist()
        third = range(len(decided.columns) - decided.n_third, len(decided.columns))
        names = list(dict.fromkeys(decided.columns[i] for i in [*features, *third]))
        then.append((names, partial(count_group, number)))
    columns = list(dict.fromkeys(name for names, _ in then for name in names))
    return Reduction(columns, encode, then, add_tables, most_at_once)


def fill(
    tables: AnyTables,
    parts: Parts,
    columns: Sequence[str],
    coders: Sequence[Coder],
    n_rows: int | None,
    backend: Any,
) -> None:
    """Fill the tables of some tiles by one pass over a source that is read in parts.

    Where they take too much memory for one task, tiles are spread over tasks, all of which read
    the same codes. Without tiles, all features are counted by themselves. ``columns`` and their
    ``coders`` are those of the features, and those of a third variable after them.
    """
    layout = tables.layout
    groups, most_at_once = grouped(layout, tables.tiles, n_rows, parts.task_memory)
    kinds = {name: parts.schema.field(name).type for name in columns}
    n_third = len(columns) - layout.sizes.size
    decided = Decided(kinds, columns, coders, backend, layout, groups, n_third=n_third)
    (found,) = parts.reduce([pairs_reduction(decided, most_at_once)], decided)
    put(tables, groups, found)


def put(tables: AnyTables, groups: Sequence[Sequence[Tile]], found: Sequence[Strata]) -> None:
    """Put the counts of groups into the tables of all their tiles, in the same order."""
    for key in found[0]:
        part = tables.part(key) if isinstance(tables, StrataTables) else each_part(tables)[key]
        each = [of_group[key] for of_group in found]
        part.tables = [table for one in each for table in one.tables]
        for tiles, one in zip(groups, each, strict=True):
            for member, margin in zip(_members(tables.layout, tiles), one.margins, strict=True):
                part.margins[member] = margin
            part.n_rows = one.n_rows


def _members(layout: Layout, tiles: Sequence[Tile]) -> HostArray:
    """Positions, in the order of sizes, of the features of a group; all where there is no pair."""
    return layout.features(tiles) if tiles else np.arange(layout.sizes.size)


def _beside(blocks: Sequence[Codes]) -> tuple[int, dict[int, Any]]:
    require_same_rows([block.n_rows for block in blocks])
    return blocks[0].n_rows, {i: own for block in blocks for i, own in block.codes.items()}
