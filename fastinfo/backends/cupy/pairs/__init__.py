"""All pairs of features on a GPU: `pack` once, then `count_pairs` or `pair_sums` for a tile.

Features with about as many bins form a class; features that lack samples have classes of their own.
Within a tile, each pair of classes is counted in the way that `ways` predicts to be fastest. All
ways give the same counts and the same sums. Where a tile holds both (f, g) and (g, f), one of them
is counted. Tiles should be large: thousands of features on either side keep a device busy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from fastinfo.backends.contract import Kernels
from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.pairs import tile_sizes, ways
from fastinfo.backends.cupy.pairs.arguments import Codes, CountsOut, Rectangle, SumsOut
from fastinfo.backends.cupy.pairs.layout import Packed, Part, pack
from fastinfo.backends.cupy.pairs.weighted import weigh
from fastinfo.backends.cupy.sources import TYPE_NAMES
from fastinfo.backends.pair_sums import PackedPairs, PairSums, sums_of

__all__ = ["Packed", "count_pairs", "pack", "pair_sums"]

Choose = Callable[..., str]
"""A function that chooses the way to count the pairs of two classes, as `ways.choose`."""

ONEHOT = {
    ways.BITS: ("onehot_mma", "count_onehot<Bits>"),
    ways.BYTES: ("onehot_mma", "count_onehot<Bytes>"),
    ways.WORDS: ("onehot_popc", "count_onehot<Words>"),
}
ONEHOT_BLOCK = 128


@dataclass(frozen=True)
class Pairs(PackedPairs[Packed]):
    """The features of a tile."""

    @property
    def tile(self) -> Rectangle:
        """The struct that kernels take."""
        return Rectangle(
            first_left=np.int32(self.lefts.start),
            last_left=np.int32(max(self.lefts.start, self.lefts.stop)),
            first_right=np.int32(self.rights.start),
            last_right=np.int32(max(self.rights.start, self.rights.stop)),
            is_of_one_pack=np.bool_(self.left is self.right),
        )

    def codes(self, left: Part, right: Part) -> tuple[Codes, Codes]:
        """The codes of two classes, of one dtype."""
        dtype = np.result_type(self.left.codes.dtype, self.right.codes.dtype)
        x, y = (
            Codes(
                codes=pack.as_type(dtype),
                stride=np.int64(pack.codes.shape[1]),
                features=part.features,
                n_features=np.int32(part.n_features),
                n_bins=pack.bins_on_device,
            )
            for pack, part in ((self.left, left), (self.right, right))
        )
        return x, y


@dataclass(frozen=True)
class Work:
    """Pairs of two classes within a tile, and how they are counted."""

    left: Part
    right: Part
    way: str
    n_splits: int
    layout: tile_sizes.Scatter | None
    """The tables for increments in shared memory; None for one-hot counting, and for increments in
    global memory."""

    @property
    def can_reduce(self) -> bool:
        """Whether a block has all counts of a pair, so that it can sum over them."""
        if self.way == ways.SCATTER and (self.layout is None or self.layout.n_slices > 1):
            return False
        return self.n_splits == 1


def count_pairs(
    device: Device,
    left: Packed,
    lefts: slice,
    right: Packed,
    rights: slice,
    choose: Choose = ways.choose,
) -> Array:
    """Counts of every pair of a tile, shape ``(n_left, n_right, B_left, B_right)``."""
    return _counts(device, Pairs.of(left, lefts, right, rights), choose)


def pair_sums(
    kernels: Kernels,
    device: Device,
    left: Packed,
    lefts: slice,
    right: Packed,
    rights: slice,
    choose: Choose = ways.choose,
) -> PairSums:
    """Sums over the counts of every pair of a tile; the counts do not leave the multiprocessor.

    Where no single block has all counts of a pair, the counts are written to memory and reduced
    there, which gives the same sums.
    """
    xp = device.xp
    pairs = Pairs.of(left, lefts, right, rights)
    works = list(_works(device, pairs, choose))
    if not left.reduction.is_exact or not all(work.can_reduce for work in works):
        return _sums_of_counts(kernels, device, pairs, choose)
    joint = xp.empty(pairs.shape, np.int64)
    # Without missing samples the marginals of a pair are those of its features.
    x = left.sums[pairs.lefts.start : pairs.lefts.stop][:, None]
    y = right.sums[pairs.rights.start : pairs.rights.stop][None]
    samples, whole = left.samples, left.whole
    is_complete = all(
        work.left.feature_class.is_complete and work.right.feature_class.is_complete
        for work in works
    )
    if not is_complete:
        x, y, samples = (xp.broadcast_to(own, pairs.shape).copy() for own in (x, y, samples))
    nothing = xp.empty(1, np.int64)
    written = [nothing] * 3 if is_complete else [x, y, samples]
    out = SumsOut(left.table, joint, *written)
    for work in works:
        _launch(device, pairs, work, _no_counts(nothing), out, wants_counts=False)
    if not is_complete:
        whole = left.totals[samples]
    found = PairSums(joint, x, y, whole, samples, left.reduction.unit)
    if not left.reduction.has_own_totals:
        return found
    return found.of_constants(left.table[samples], xp)


def _no_counts(nothing: Array) -> CountsOut:
    return CountsOut(counts=nothing, left_bins=np.int32(0), right_bins=np.int32(0))


def _counts(device: Device, pairs: Pairs, choose: Choose) -> Array:
    xp, weights = device.xp, pairs.left.weights
    bins = pairs.most_bins
    counts = xp.zeros((*pairs.shape, *bins), np.int64 if weights is None else np.float64)
    if not counts.size:
        return counts
    into = CountsOut(counts=counts, left_bins=np.int32(bins[0]), right_bins=np.int32(bins[1]))
    nothing = xp.empty(1, np.int64)
    for work in _works(device, pairs, choose):
        if weights is None:
            _launch(device, pairs, work, into, SumsOut(*[nothing] * 5), wants_counts=True)
        else:
            codes = pairs.codes(work.left, work.right)
            sizes = work.left.feature_class.n_bins, work.right.feature_class.n_bins
            weigh(device, codes, sizes, pairs.left.n_samples, weights, pairs.tile, into)
    return counts


def _works(device: Device, pairs: Pairs, choose: Choose) -> Iterator[Work]:
    properties, n_samples = device.properties, pairs.left.n_samples
    lefts, rights = (
        [part for part in (c.part(side.start, side.stop) for c in pack.classes) if part.n_features]
        for pack, side in ((pairs.left, pairs.lefts), (pairs.right, pairs.rights))
    )
    for left in lefts:
        for right in rights:
            n_pairs = left.n_features * right.n_features
            way = choose(properties.capability, n_samples, left.side, right.side)
            layout, at_once = None, tile_sizes.BLOCKS_AT_ONCE
            if way == ways.SCATTER:
                layout = tile_sizes.scatter(
                    properties, left.feature_class.n_bins, right.feature_class.n_bins
                )
                n_blocks, at_once = n_pairs, tile_sizes.SCATTER_BLOCKS
                if layout is not None:
                    n_blocks = left.n_features * -(-right.n_features // layout.rights)
                    n_blocks *= layout.n_slices
            else:
                n_blocks = tile_sizes.onehot_blocks(
                    left.n_features,
                    right.n_features,
                    left.feature_class.rows,
                    right.feature_class.rows,
                )
            n_splits = tile_sizes.splits(properties, n_blocks, n_samples, at_once)
            yield Work(left, right, way, n_splits, layout)


def _launch(
    device: Device,
    pairs: Pairs,
    work: Work,
    counts: CountsOut,
    sums: SumsOut,
    *,
    wants_counts: bool,
) -> None:
    left, right, n_samples = work.left, work.right, pairs.left.n_samples
    if work.way != ways.SCATTER:
        family, kernel = ONEHOT[work.way]
        n_stages = tile_sizes.stages(n_samples)
        n_blocks = tile_sizes.onehot_blocks(
            left.n_features, right.n_features, left.feature_class.rows, right.feature_class.rows
        )
        n_near = 0 if wants_counts else tile_sizes.near_entries(device.properties, n_samples)
        device.launch(
            *(family, kernel, (n_blocks, work.n_splits), ONEHOT_BLOCK),
            (
                *(left.onehot, right.onehot),
                *(np.int64(n_stages), np.int64(-(-n_stages // work.n_splits)), pairs.tile),
                *(counts, sums, np.bool_(wants_counts), np.int32(n_near)),
            ),
            tile_sizes.ONEHOT_BYTES + 8 * n_near,
        )
        if wants_counts and (left.feature_class.is_complete or right.feature_class.is_complete):
            # The counts of bins without a row follow from the marginals.
            n_pairs = left.n_features * right.n_features
            device.launch(
                *("tables", "complete_counts"),
                *(plan.grid(device.properties, 32 * n_pairs), plan.BLOCK),
                (left.onehot, right.onehot, pairs.tile, counts),
            )
        return
    lefts, rights = pairs.codes(left, right)
    code = TYPE_NAMES[lefts.codes.dtype.name]
    if work.layout is None:
        device.launch(
            *("scatter", f"count_in_place<{code}>"),
            *((left.n_features * right.n_features, work.n_splits), plan.BLOCK),
            (lefts, rights, np.int64(n_samples), pairs.tile, counts),
        )
        return
    layout = work.layout
    n_packs = -(-n_samples // (plan.WIDE // lefts.codes.dtype.itemsize))
    is_known = left.feature_class.is_complete and right.feature_class.is_complete
    device.launch(
        *("scatter", f"count_scatter<{code}>"),
        (
            left.n_features * -(-right.n_features // layout.rights),
            work.n_splits,
            layout.n_slices,
        ),
        plan.BLOCK,
        (
            *(lefts, rights, np.int64(n_samples), np.int64(-(-n_packs // work.n_splits))),
            *(np.int32(right.feature_class.n_bins + 1), np.int32(layout.slice_lines)),
            *(np.int32(layout.rights), np.uint32(layout.shift), pairs.tile),
            *(counts, sums, np.bool_(wants_counts), np.bool_(not is_known)),
        ),
        layout.shared_bytes,
    )


def _sums_of_counts(kernels: Kernels, device: Device, pairs: Pairs, choose: Choose) -> PairSums:
    """Sums from counts in memory, for as many pairs at a time as memory holds."""
    found = pairs.empty_sums(device.xp)
    at_once = tile_sizes.pairs_at_once(device.free_bytes(), prod(pairs.most_bins))
    width = min(pairs.shape[1], at_once) or 1
    height = max(at_once // width, 1)
    for i in range(0, pairs.shape[0], height):
        for j in range(0, pairs.shape[1], width):
            rights = pairs.rights[j : j + width]

            def reduce(lefts: range, rights: range = rights) -> PairSums:
                part = Pairs(pairs.left, lefts, pairs.right, rights)
                return _reduced(kernels, device, part, _counts(device, part, choose))

            # The pool's free memory may be in pieces; fewer pairs at a time then fit.
            for lefts, sums in plan.halving(reduce, pairs.lefts[i : i + height], MemoryError):
                first = lefts[0] - pairs.lefts.start
                for result, values in zip(found[:-1], sums[:-1], strict=True):
                    result[first : first + len(lefts), j : j + width] = values
    return found


def _reduced(kernels: Kernels, device: Device, pairs: Pairs, counts: Array) -> PairSums:
    xp, pack = device.xp, pairs.left
    how, shape = pack.reduction, pairs.shape
    if how.is_exact:
        joint, left, right, samples = (xp.empty(shape, np.int64) for _ in range(4))
        n_pairs = shape[0] * shape[1]
        of = CountsOut(counts, *(np.int32(bins) for bins in counts.shape[2:]))
        device.launch(
            *("tables", "reduce_counts", min(n_pairs, plan.MOST_BLOCKS), plan.BLOCK),
            (of, np.int64(n_pairs), SumsOut(pack.table, joint, left, right, samples)),
            tile_sizes.SUMS_BYTES,
        )
        found = PairSums(joint, left, right, pack.totals[samples], samples, how.unit)
        return found.of_constants(pack.table[samples], xp) if how.has_own_totals else found
    cells = counts.reshape(*shape, prod(counts.shape[2:]))
    return sums_of((cells, counts.sum(axis=3), counts.sum(axis=2)), how, kernels)
