"""All pairs of features: `pack` once, then `count_pairs` or `pair_sums` for any tile.

Features with about as many bins form a class. Within a tile, each pair of classes is counted in the
way that `crossovers` predicts to be fastest; all ways give the same counts. A `Packed` is not
changed after `pack`, so that threads may work on its tiles at the same time.

Tiles should be wide to the right: a left feature is sorted once for all right features, and bit
rows hold 512 columns. A left side of 64 features against all others is a good shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastinfo.backends.numba.pairs import crossovers, layout
from fastinfo.backends.numba.pairs.bitrows import chunk_size
from fastinfo.backends.numba.pairs.bitset import count_by_bitsets
from fastinfo.backends.numba.pairs.cells import CountsOut, Rectangle, SumsOut
from fastinfo.backends.numba.pairs.groups import sort_strip
from fastinfo.backends.numba.pairs.layout import FeatureClass, Packed, pack
from fastinfo.backends.numba.pairs.positional import count_strip
from fastinfo.backends.numba.pairs.scatter import count_by_scatter, count_weighted, sum_by_steps
from fastinfo.backends.numba.simd import BYTES
from fastinfo.backends.pair_sums import PackedPairs, PairSums

__all__ = ["Packed", "can_sum", "count_pairs", "pack", "pair_sums"]

Array = np.ndarray[Any, Any]
Choose = Callable[..., int]
"""A function that chooses the way to count the pairs of two classes, as `crossovers.choose`."""

_STRIP = 64
_STRIP_PLANES = 1 << 18
"""Bytes for the counters of a strip. They share the second-level cache with a chunk of bit rows."""
_STRIP_SAMPLES = 1 << 24

_NO_SUMS = SumsOut(
    table=np.empty(0, np.int64),
    joint=np.empty(0, np.int64),
    left=np.empty(0, np.int64),
    right=np.empty(0, np.int64),
    samples=np.empty(0, np.int64),
    left_step=0,
    right_step=0,
)
_NO_COUNTS = CountsOut(
    cells=np.empty(0, np.int64), left_step=0, right_step=0, left_bin_step=0, right_bin_step=0
)


@dataclass(frozen=True)
class Pairs(PackedPairs[Packed]):
    """The features of a tile."""

    @property
    def lack_samples(self) -> bool:
        """Whether any feature of the tile has missing samples."""
        lefts = self.left.has_missing[self.lefts.start : self.lefts.stop]
        rights = self.right.has_missing[self.rights.start : self.rights.stop]
        return bool(lefts.any() or rights.any())

    def tile(self, counts: CountsOut = _NO_COUNTS, sums: SumsOut = _NO_SUMS) -> Rectangle:
        """The rectangle that kernels take, with the arrays for the results."""
        return Rectangle(
            first_left=self.lefts.start,
            first_right=self.rights.start,
            last_right=self.rights.stop,
            counts=counts,
            sums=sums,
        )


def count_pairs(
    left: Packed,
    lefts: slice,
    right: Packed,
    rights: slice,
    out: Array | None = None,
    choose: Choose = crossovers.choose,
) -> Array:
    """Counts of every pair of a tile, shape ``(n_left, n_right, B_left, B_right)``.

    ``out`` is an array that they are added to instead of a new one: the first use of fresh memory
    takes as long as counting.
    """
    pairs = Pairs.of(left, lefts, right, rights)
    bins_left, bins_right = pairs.most_bins
    counts = out
    if counts is None:
        shape = (*pairs.shape, bins_left, bins_right)
        counts = np.zeros(shape, np.int64 if left.weights is None else np.float64)
    if counts.size == 0:
        return counts
    if left.weights is not None:
        assert left.weighted_codes is not None
        assert right.weighted_codes is not None
        x, y = pairs.lefts.start, pairs.rights.start
        count_weighted(
            left.weighted_codes[x:], left.n_bins[x:], right.weighted_codes[y:], right.n_bins[y:],
            left.weights, counts,
        )  # fmt: skip
        return counts
    into = CountsOut(
        cells=counts.reshape(-1),
        left_step=pairs.shape[1] * bins_left * bins_right,
        right_step=bins_left * bins_right,
        left_bin_step=bins_right,
        right_bin_step=1,
    )
    _run(pairs, pairs.tile(counts=into), choose)
    return counts


def can_sum(left: Packed) -> bool:
    """Whether `pair_sums` may be called: sums are exact, and one span holds all samples."""
    return left.reduction.is_exact and left.n_samples <= layout.SPAN


def pair_sums(
    left: Packed,
    lefts: slice,
    right: Packed,
    rights: slice,
    choose: Choose = crossovers.choose,
) -> PairSums:
    """Sums over the counts of every pair of a tile; counts are reduced while they are in cache.

    Sums are integers in fixed point, so that they do not depend on the way to count a pair.
    """
    pairs = Pairs.of(left, lefts, right, rights)
    how, n_samples = left.reduction, left.n_samples
    joint = np.empty(pairs.shape, np.int64)
    # Without missing samples the marginals of a pair are those of its features, so views suffice.
    assert left.marginal_sums is not None
    assert right.marginal_sums is not None
    left_sums = left.marginal_sums[pairs.lefts.start : pairs.lefts.stop, None]
    right_sums = right.marginal_sums[None, pairs.rights.start : pairs.rights.stop]
    samples = np.array(n_samples)
    out = _NO_SUMS._replace(
        table=how.table, joint=joint.reshape(-1), left_step=pairs.shape[1], right_step=1
    )
    if pairs.lack_samples:
        left_sums, right_sums, samples = (
            np.broadcast_to(own, pairs.shape).copy() for own in (left_sums, right_sums, samples)
        )
        out = out._replace(
            left=left_sums.reshape(-1), right=right_sums.reshape(-1), samples=samples.reshape(-1)
        )
    if joint.size:
        _run(pairs, pairs.tile(sums=out), choose)
    found = PairSums(joint, left_sums, right_sums, how.totals[samples], samples, how.unit)
    return found.of_constants(how.table[samples], np) if how.has_own_totals else found


def _run(pairs: Pairs, tile: Rectangle, choose: Choose) -> None:
    """Count a tile, one pair of classes after the other."""
    left, right = pairs.left, pairs.right
    swapped = _swap(tile, pairs.lefts.stop)
    for left_class in left.classes:
        lefts = _within(left_class.features, pairs.lefts)
        if len(lefts) == 0:
            continue
        for right_class in right.classes:
            rights = _within(right_class.features, pairs.rights)
            if len(rights) == 0:
                continue
            left_side, right_side = left_class.side, right_class.side
            way = crossovers.SCATTER
            if not (left.is_small and right.is_small):
                way = choose(
                    left.n_samples,
                    left_class.n_bins,
                    right_class.n_bins,
                    len(lefts),
                    len(rights),
                    left_class.visited,
                    right_class.visited,
                    left_rows=left_class.bit_rows is not None,
                    right_rows=right_class.bit_rows is not None,
                    bytes_=left_side.codes.itemsize == right_side.codes.itemsize == 1,
                    sums=len(tile.sums.table) > 0,
                )
            if way == crossovers.POSITIONAL:
                _run_positional(left, left_class, lefts, right_class, tile)
            elif way == crossovers.POSITIONAL_SWAPPED:
                _run_positional(right, right_class, rights, left_class, swapped)
            elif way == crossovers.STEPS:
                _run_steps(left, left_class, lefts, right_class, rights, tile)
            elif way == crossovers.BITSET:
                count_by_bitsets(left_side, lefts, right_side, rights, tile)
            else:
                count_by_scatter(left_side, lefts, right_side, rights, tile)


def _run_positional(
    left: Packed, left_class: FeatureClass, lefts: Array, right_class: FeatureClass, tile: Rectangle
) -> None:
    assert right_class.bit_rows is not None
    assert left.first_cell is not None
    assert left.chunk_counts is not None
    n_samples, side = left.n_samples, left_class.side
    size = chunk_size(n_samples)
    n_chunks = len(left.chunk_counts)
    n_groups = int(left.n_bins[lefts].max()) + 1
    span = min(layout.SPAN, n_samples)
    planes = n_groups * BYTES * max(5, (span // n_groups).bit_length())
    strip = _STRIP
    if n_chunks > 1:
        strip = max(8, min(strip, _STRIP_PLANES // planes, _STRIP_SAMPLES // span))
    for index, (first, last) in enumerate(layout.chunk_ranges(n_chunks, size)):
        for i in range(0, len(lefts), strip):
            counts = left.chunk_counts[first:last]
            groups = sort_strip(
                side, lefts[i : i + strip], left.first_cell, counts, first * size, size
            )
            count_strip(
                groups, side, right_class.bit_rows, right_class.side, right_class.totals[index],
                first, size, n_chunks, tile,
            )  # fmt: skip


def _run_steps(
    left: Packed,
    left_class: FeatureClass,
    lefts: Array,
    right_class: FeatureClass,
    rights: Array,
    tile: Rectangle,
) -> None:
    assert left.first_cell is not None
    assert left.chunk_counts is not None
    n_samples = left.n_samples
    counts = left.chunk_counts.sum(axis=0, dtype=np.int32, keepdims=True)
    for i in range(0, len(lefts), _STRIP):
        groups = sort_strip(
            left_class.side, lefts[i : i + _STRIP], left.first_cell, counts, 0, max(1, n_samples),
            skip_largest=False,
        )  # fmt: skip
        sum_by_steps(groups, left_class.side, right_class.side, rights, tile)


def _swap(tile: Rectangle, last_left: int) -> Rectangle:
    """The same tile, with left and right exchanged."""
    counts, sums = tile.counts, tile.sums
    return Rectangle(
        first_left=tile.first_right,
        first_right=tile.first_left,
        last_right=last_left,
        counts=counts._replace(
            left_step=counts.right_step,
            right_step=counts.left_step,
            left_bin_step=counts.right_bin_step,
            right_bin_step=counts.left_bin_step,
        ),
        sums=sums._replace(
            left=sums.right,
            right=sums.left,
            left_step=sums.right_step,
            right_step=sums.left_step,
        ),
    )


def _within(features: Array, wanted: range) -> Array:
    """The part of increasing ``features`` that is in a range."""
    begin, end = np.searchsorted(features, [wanted.start, wanted.stop])
    return features[begin:end]
