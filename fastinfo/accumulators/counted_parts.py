"""Tables that are read in parts, counted: what each reader does, and how its counts are added.

Bins are decided first. Then every reader brings its rows into these bins, block by block of
columns, and counts them with the kernels that count everything else; counts add up in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastinfo import counting
from fastinfo.accumulators.pair_tables import Layout, PairTables, Tile, padded
from fastinfo.backends import choose
from fastinfo.backends.contract import Kernels, code_dtype
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
    """The column of each feature."""
    coders: Sequence[Coder]
    """The coder of each feature."""
    backend: Any
    layout: Layout | None = None
    groups: Sequence[Sequence[Tile]] = ()
    """For pairs, tiles that are counted together."""
    most_at_once: int = FEWEST_AT_ONCE
    """For pairs, how many tables of a group are added at once."""
    is_sparse: bool = False
    """For a joint table, whether only occupied cells are kept."""

    @property
    def n_bins(self) -> list[int]:
        """The number of bins of each feature."""
        return [len(coder.bins) for coder in self.coders]


class Codes(NamedTuple):
    """A block in codes."""

    n_rows: int
    codes: dict[int, Any]
    """By the position of the feature."""


def encode(block: Block, decided: Decided) -> Codes:
    """Bring a block into bins."""
    kernels = choose(decided.backend)
    arrays = {
        name: as_type(array, decided.kinds[name]) if block.n_rows else array
        for name, array in block.arrays.items()
    }
    codes = {
        feature: _codes(arrays[name], coder, kernels)
        for feature, (name, coder) in enumerate(zip(decided.columns, decided.coders, strict=True))
        if name in arrays
    }
    return Codes(block.n_rows, codes)


def _codes(array: Any, coder: Coder, kernels: Kernels) -> Any:
    if not len(array):
        return np.empty(0, code_dtype(len(coder.bins)))
    return kernels.to_host(coder.codes(array, kernels))


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
    n_bins, kernels = decided.n_bins, choose(decided.backend)
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


def count_group(number: int, blocks: Sequence[Codes], decided: Decided) -> TablesPart:
    """Count the pairs of one group of tiles; features by themselves where it has none."""
    assert decided.layout is not None
    kernels, n_bins = choose(decided.backend), decided.n_bins
    n_rows, codes = _beside(blocks)
    if not decided.groups[number]:
        return TablesPart([], _margins(codes, decided), n_rows)
    tables = PairTables(decided.layout, decided.groups[number])
    members = tables.members.tolist()
    features = decided.layout.order[members].tolist()
    sizes = decided.layout.sizes[members].tolist()
    n_bytes = sum(codes[feature].itemsize for feature in features)
    step = max(min(ROWS_AT_ONCE, CODE_BYTES // max(n_bytes, 1)), 1)
    for start in range(0, n_rows, step):
        rows = slice(start, start + step)
        batch = [
            padded(kernels.bring(codes[feature][rows]), n_bins[feature], size)
            for feature, size in zip(features, sizes, strict=True)
        ]
        tables.update(batch, kernels)
    return TablesPart(tables.tables, [tables.margins[i] for i in members], n_rows)


def _margins(codes: Mapping[int, Any], decided: Decided) -> list[HostArray]:
    """The number of rows in each bin of each feature, and at the end of missing ones."""
    assert decided.layout is not None
    found = []
    for feature, size in zip(decided.layout.order.tolist(), decided.layout.sizes, strict=True):
        own = padded(codes[feature], decided.n_bins[feature], int(size))
        found.append(np.bincount(own, minlength=int(size) + 1))
    return found


def add_tables(parts: Sequence[TablesPart]) -> TablesPart:
    """The tables over the rows of all parts."""
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
        names = list(dict.fromkeys(decided.columns[feature] for feature in features))
        then.append((names, partial(count_group, number)))
    columns = list(dict.fromkeys(name for names, _ in then for name in names))
    return Reduction(columns, encode, then, add_tables, most_at_once)


def fill(
    tables: PairTables,
    parts: Parts,
    columns: Sequence[str],
    coders: Sequence[Coder],
    n_rows: int | None,
    backend: Any,
) -> None:
    """Fill the tables of some tiles by one pass over a source that is read in parts.

    Where they take too much memory for one task, tiles are spread over tasks, all of which read
    the same codes. Without tiles, all features are counted by themselves.
    """
    layout = tables.layout
    groups, most_at_once = grouped(layout, tables.tiles, n_rows, parts.task_memory)
    kinds = {name: parts.schema.field(name).type for name in columns}
    decided = Decided(kinds, columns, coders, backend, layout, groups)
    (found,) = parts.reduce([pairs_reduction(decided, most_at_once)], decided)
    put(tables, groups, found)


def put(tables: PairTables, groups: Sequence[Sequence[Tile]], found: Sequence[TablesPart]) -> None:
    """Put the counts of groups into the tables of all their tiles, in the same order."""
    tables.tables = [table for part in found for table in part.tables]
    for tiles, part in zip(groups, found, strict=True):
        for member, margin in zip(_members(tables.layout, tiles), part.margins, strict=True):
            tables.margins[member] = margin
        tables.n_rows = part.n_rows


def _members(layout: Layout, tiles: Sequence[Tile]) -> HostArray:
    """Positions, in the order of sizes, of the features of a group; all where there is no pair."""
    return layout.features(tiles) if tiles else np.arange(layout.sizes.size)


def _beside(blocks: Sequence[Codes]) -> tuple[int, dict[int, Any]]:
    require_same_rows([block.n_rows for block in blocks])
    return blocks[0].n_rows, {i: own for block in blocks for i, own in block.codes.items()}
