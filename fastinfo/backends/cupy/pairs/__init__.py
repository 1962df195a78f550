"""All pairs of features on a GPU: `pack` once, then `count_pairs` or `pair_entropies` for a tile.

Features with about as many bins form a class, those that lack samples one of their own. Within a
tile, each pair of classes is counted in the way that `ways` predicts to be fastest; all ways give
the same counts, and the same bits of entropies. A pair that a tile has both ways round is counted
once. Tiles should be large: thousands of features on either side keep a device busy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastinfo.backends.contract import PairEntropies
from fastinfo.backends.cupy import plan, sums
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.pairs import tile_sizes, ways
from fastinfo.backends.cupy.pairs.layout import Packed, Part, pack
from fastinfo.backends.cupy.pairs.weighted import weigh
from fastinfo.backends.cupy.sources import TYPE_NAMES

__all__ = ["Packed", "count_pairs", "pack", "pair_entropies"]

ONEHOT = {
    ways.BITS: ("onehot_mma", "count_onehot<Bits>"),
    ways.BYTES: ("onehot_mma", "count_onehot<Bytes>"),
    ways.WORDS: ("onehot_popc", "count_onehot<Words>"),
}
ONEHOT_BLOCK = 128


@dataclass(frozen=True)
class Tile:
    """Two ranges of features."""

    first_left: int
    last_left: int
    first_right: int
    last_right: int

    @classmethod
    def of(cls, packed: Packed, left: slice, right: slice) -> Tile:
        """The ranges that two slices mean."""
        rows, columns = (range(len(packed.n_bins))[side] for side in (left, right))
        return cls(
            rows.start, max(rows.start, rows.stop), columns.start, max(columns.start, columns.stop)
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Features on the left and on the right."""
        return self.last_left - self.first_left, self.last_right - self.first_right

    def bins(self, packed: Packed) -> tuple[int, int]:
        """The most bins on the left and on the right."""
        return (
            int(packed.n_bins[self.first_left : self.last_left].max(initial=0)),
            int(packed.n_bins[self.first_right : self.last_right].max(initial=0)),
        )

    @property
    def arguments(self) -> tuple[np.int32, ...]:
        """As kernels take it."""
        ends = (self.first_left, self.last_left, self.first_right, self.last_right)
        return tuple(np.int32(end) for end in ends)


@dataclass(frozen=True)
class Work:
    """Pairs of two classes within a tile, and how they are counted."""

    left: Part
    right: Part
    way: str
    n_splits: int
    layout: tile_sizes.Scatter | None
    """Of increments in shared memory; None for one-hot counting, and where they go to memory."""

    @property
    def can_reduce(self) -> bool:
        """Whether a block has all counts of a pair, and so can tell its entropies."""
        if self.way == ways.SCATTER and (self.layout is None or self.layout.n_slices > 1):
            return False
        return self.n_splits == 1


def count_pairs(device: Device, packed: Packed, left: slice, right: slice) -> Array:
    """Counts of every pair of a tile, shape ``(n_left, n_right, B_left, B_right)``."""
    return _counts(device, packed, Tile.of(packed, left, right))


def pair_entropies(device: Device, packed: Packed, left: slice, right: slice) -> PairEntropies:
    """Plug-in entropies of every pair of a tile, of counts that never leave the multiprocessor.

    Where they must leave it, because one block does not see all of a pair, they are reduced from
    memory, to the same bits.
    """
    xp = device.xp
    tile = Tile.of(packed, left, right)
    works = list(_works(device, packed, tile))
    if not packed.table.size or not all(work.can_reduce for work in works):
        return _entropies_of_counts(device, packed, tile)
    own = packed.entropies
    joint = xp.empty(tile.shape, np.float64)
    # Without missing samples the marginals are the features' own.
    found = [
        own[tile.first_left : tile.last_left][:, None],
        own[tile.first_right : tile.last_right][None],
    ]
    if not all(work.left.of.is_complete and work.right.of.is_complete for work in works):
        found = [xp.broadcast_to(side, tile.shape).copy() for side in found]
        written = found
    else:
        written = [xp.empty(1, np.float64)] * 2
    nothing = xp.empty(1, np.int64)
    for work in works:
        _launch(
            *(device, packed, tile, work),
            (nothing, np.int32(0), np.int32(0)),
            (packed.table, np.float64(packed.unit), joint, *written),
            wants_counts=False,
        )
    return PairEntropies(joint, *found)


def _counts(device: Device, packed: Packed, tile: Tile) -> Array:
    xp = device.xp
    bins = tile.bins(packed)
    counts = xp.zeros((*tile.shape, *bins), np.int64 if packed.weights is None else np.float64)
    if not counts.size:
        return counts
    into = (counts, *(np.int32(b) for b in bins))
    nowhere = xp.empty(1, np.float64)
    nothing = (xp.empty(1, np.int64), np.float64(0), nowhere, nowhere, nowhere)
    for work in _works(device, packed, tile):
        if packed.weights is None:
            _launch(device, packed, tile, work, into, nothing, wants_counts=True)
        else:
            weigh(device, packed, tile.arguments, work.left, work.right, into)
    return counts


def _works(device: Device, packed: Packed, tile: Tile) -> Iterator[Work]:
    properties = device.properties
    lefts, rights = (
        [part for part in (c.part(*ends) for c in packed.classes) if part.n_features]
        for ends in ((tile.first_left, tile.last_left), (tile.first_right, tile.last_right))
    )
    for left in lefts:
        for right in rights:
            n_pairs = left.n_features * right.n_features
            way = ways.choose(properties.capability, packed.n_samples, left.side, right.side)
            layout, at_once = None, tile_sizes.BLOCKS_AT_ONCE
            if way == ways.SCATTER:
                layout = tile_sizes.scatter(properties, left.of.n_bins, right.of.n_bins)
                n_blocks, at_once = n_pairs, tile_sizes.SCATTER_BLOCKS
                if layout is not None:
                    n_blocks = left.n_features * -(-right.n_features // layout.rights)
                    n_blocks *= layout.n_slices
            else:
                n_blocks = tile_sizes.onehot_blocks(
                    left.n_features, right.n_features, left.of.rows, right.of.rows
                )
            n_splits = tile_sizes.splits(properties, n_blocks, packed.n_samples, at_once)
            yield Work(left, right, way, n_splits, layout)


def _launch(
    device: Device,
    packed: Packed,
    tile: Tile,
    work: Work,
    into: tuple[Any, ...],
    entropies: tuple[Any, ...],
    *,
    wants_counts: bool,
) -> None:
    left, right = work.left, work.right
    if work.way != ways.SCATTER:
        family, kernel = ONEHOT[work.way]
        n_stages = tile_sizes.stages(packed.n_samples)
        n_blocks = tile_sizes.onehot_blocks(
            left.n_features, right.n_features, left.of.rows, right.of.rows
        )
        n_near = 0 if wants_counts else tile_sizes.near_entries(device.properties, packed.n_samples)
        device.launch(
            *(family, kernel, (n_blocks, work.n_splits), ONEHOT_BLOCK),
            (
                *(*left.onehot_arguments, *right.onehot_arguments),
                *(np.int64(n_stages), np.int64(-(-n_stages // work.n_splits))),
                *(np.int64(packed.n_samples), *tile.arguments, *into, *entropies),
                *(np.bool_(wants_counts), np.int32(n_near)),
            ),
            tile_sizes.ONEHOT_BYTES + 8 * n_near,
        )
        if wants_counts and (left.of.is_complete or right.of.is_complete):
            _complete(device, tile, work, into)
        return
    code = TYPE_NAMES[packed.codes.dtype.name]
    features = (
        *(left.features, np.int32(left.n_features), right.features, np.int32(right.n_features)),
        packed.bins_on_device,
    )
    codes = (packed.codes, np.int64(packed.codes.shape[1]), np.int64(packed.n_samples))
    if work.layout is None:
        device.launch(
            *("scatter", f"count_in_place<{code}>"),
            *((left.n_features * right.n_features, work.n_splits), plan.BLOCK),
            (*codes, *features, *tile.arguments, *into),
        )
        return
    layout = work.layout
    n_packs = -(-packed.n_samples // (plan.WIDE // packed.codes.dtype.itemsize))
    is_known = left.of.is_complete and right.of.is_complete
    device.launch(
        *("scatter", f"count_scatter<{code}>"),
        (
            left.n_features * -(-right.n_features // layout.rights),
            work.n_splits,
            layout.n_slices,
        ),
        plan.BLOCK,
        (
            *(*codes, np.int64(-(-n_packs // work.n_splits)), *features),
            *(np.int32(right.of.n_bins + 1), np.int32(layout.slice_lines)),
            *(np.int32(layout.rights), np.uint32(layout.shift), *tile.arguments),
            *(*into, *entropies, np.bool_(wants_counts), np.bool_(not is_known)),
        ),
        layout.shared_bytes,
    )


def _complete(device: Device, tile: Tile, work: Work, into: tuple[Any, ...]) -> None:
    """Counts of the bins without a row, from the marginals."""
    sides = (
        argument
        for part in (work.left, work.right)
        for argument in (
            *(part.features, part.marginals, np.int32(part.n_features)),
            *(np.int32(part.of.rows), np.bool_(part.of.is_complete)),
        )
    )
    n_pairs = work.left.n_features * work.right.n_features
    device.launch(
        *("tables", "complete_counts"),
        *(plan.grid(device.properties, 32 * n_pairs), plan.BLOCK),
        (*sides, *tile.arguments, *into),
    )


def _entropies_of_counts(device: Device, packed: Packed, tile: Tile) -> PairEntropies:
    """Entropies of counts in memory, so many at a time as it holds."""
    found = PairEntropies(*(device.xp.empty(tile.shape, np.float64) for _ in range(3)))
    bins = tile.bins(packed)
    pairs = tile_sizes.pairs_at_once(device.free_bytes(), bins[0] * bins[1])
    width = min(tile.shape[1], pairs) or 1
    height = max(pairs // width, 1)
    parts = [
        (row, column)
        for row in range(tile.first_left, tile.last_left, height)
        for column in range(tile.first_right, tile.last_right, width)
    ]
    for first_left, first_right in parts:
        last_left = min(first_left + height, tile.last_left)
        last_right = min(first_right + width, tile.last_right)

        def reduce(
            lefts: range, first_right: int = first_right, last_right: int = last_right
        ) -> PairEntropies:
            part = Tile(lefts.start, lefts.stop, first_right, last_right)
            return _reduced(device, packed, _counts(device, packed, part))

        # What the pool says is free may be in pieces: then fewer at a time.
        for lefts, entropies in plan.halving(reduce, range(first_left, last_left), MemoryError):
            here = np.s_[
                lefts[0] - tile.first_left : lefts[-1] + 1 - tile.first_left,
                first_right - tile.first_right : last_right - tile.first_right,
            ]
            for result, values in zip(found, entropies, strict=True):
                result[here] = values
    return found


def _reduced(device: Device, packed: Packed, counts: Array) -> PairEntropies:
    xp = device.xp
    shape = counts.shape[:2]
    if packed.table.size:
        found = PairEntropies(*(xp.empty(shape, np.float64) for _ in range(3)))
        n_pairs = shape[0] * shape[1]
        device.launch(
            *("tables", "reduce_counts", min(n_pairs, plan.MOST_BLOCKS), plan.BLOCK),
            (
                *(counts, np.int64(n_pairs), *(np.int32(b) for b in counts.shape[2:])),
                *(packed.table, np.float64(packed.unit), *found),
            ),
            tile_sizes.SUMS_BYTES,
        )
        return found
    tables = (counts.reshape(*shape, -1), counts.sum(axis=3), counts.sum(axis=2))
    totals = tables[0].sum(axis=-1)
    whole = sums.sum_xlogx(device, totals[..., None])
    return PairEntropies(
        *(
            xp.where(totals > 0, (whole - sums.sum_xlogx(device, table)) / totals, np.nan)
            for table in tables
        )
    )
