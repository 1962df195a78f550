"""All pairs of features: `pack` once, then `count_pairs` or `pair_entropies` for any tile.

Features with about as many bins form a class. Within a tile, each pair of classes is counted in the
way that `crossovers` predicts to be fastest; all ways give the same counts. Nothing here is changed
after `pack`, so that threads may work on tiles of one `Packed` at the same time.

Tiles should be wide to the right: sorting a left feature is paid once for all of them, and bit rows
hold 512 columns. A left side of 64 features against all others, once per strip, is a good shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastinfo.backends.contract import PairEntropies
from fastinfo.backends.fixed_point import fixed_xlogx_table
from fastinfo.backends.numba.jit import i64, jit, u64
from fastinfo.backends.numba.pairs import crossovers
from fastinfo.backends.numba.pairs.bitrows import BitRows, chunk_size, pack_rows
from fastinfo.backends.numba.pairs.bitset import count_by_bitsets
from fastinfo.backends.numba.pairs.cells import Tile
from fastinfo.backends.numba.pairs.groups import sort_strip
from fastinfo.backends.numba.pairs.positional import count_strip
from fastinfo.backends.numba.pairs.scatter import count_by_scatter, count_weighted, sum_by_steps
from fastinfo.backends.numba.simd import BITS, BYTES, count_bits, equal_mask
from fastinfo.backends.numba.sums import sum_xlogx

Array = np.ndarray[Any, Any]

SPAN = 1 << 20
"""Samples that are sorted at a time: bounds the memory of a call, and counts in 32 bits."""
_FEW_CODES = 32
"""Bins up to which a feature is counted by comparing with each of them."""
_MOST_OF_BYTES = 255
"""Bins of a feature whose codes, that of missing included, are bytes."""
_STRIP = 64
_STRIP_PLANES = 1 << 18
"""Bytes of counters of a strip, which share the second-level cache with a chunk of bit rows."""
_STRIP_SAMPLES = 1 << 24
_COUNTS_AT_ONCE = 1 << 21
"""Cells of counts that `pair_entropies` keeps where it cannot do without them: 16 MB."""


@dataclass(frozen=True)
class FeatureClass:
    """Features with about as many bins."""

    features: Array
    codes: Array
    """The matrix that has their codes, among others'."""
    n_bins: int
    """The most that any of them has."""
    visited: float
    """The mean share of samples outside of a feature's largest group."""
    bit_rows: BitRows | None
    totals: Array
    """(spans, blocks, 512): samples of each column."""


@dataclass(frozen=True)
class Packed:
    """Features laid out for counting."""

    n_samples: int
    matrices: tuple[Array, ...]
    """Codes (features, samples): of features whose codes are bytes, and of all others."""
    rows: Array
    """Where each feature is in its matrix."""
    n_bins: Array
    has_missing: Array
    weights: Array | None
    classes: tuple[FeatureClass, ...]
    first_cell: Array
    """Where in ``chunk_counts`` the codes of each feature begin."""
    chunk_counts: Array
    """(chunks, cells): how often each code, that of missing included, occurs in each chunk."""
    marginal_sums: Array
    """Σ c·log c of each feature by itself, in fixed point; 0 for more samples than `SPAN`."""


def pack(
    codes: Sequence[Array] | Array,
    n_bins: Sequence[int],
    weights: Array | None = None,
    memory_limit: int | None = None,
) -> Packed:
    """Lay out features for `count_pairs` and `pair_entropies`.

    Parameters
    ----------
    codes
        One array of codes per feature, or a matrix of features by samples. A matrix of bytes, and
        one of features that all have more than 255 bins, is not copied; other features with up to
        255 bins are copied to bytes, which are counted fastest.
    n_bins
        Bins of each feature; code ``n_bins[i]`` is missing.
    weights
        The weight of each sample, float64.
    memory_limit
        Bytes that the bit rows may take. Features with the most bins do without them first.
    """
    bins = np.asarray(n_bins, np.int64)
    n_samples = len(codes[0]) if len(codes) else 0
    if weights is not None:
        nowhere = np.zeros(len(bins), np.bool_)
        nothing = np.empty(0, np.int64)
        matrix = _writeable(codes if isinstance(codes, np.ndarray) else _stack(codes))
        return Packed(
            *(n_samples, (matrix,), np.arange(len(bins)), bins, nowhere),
            *(np.asarray(weights, np.float64), (), nothing, nothing, nothing),
        )

    fits_bytes = bins <= _MOST_OF_BYTES
    if not isinstance(codes, np.ndarray):
        fits_bytes |= np.array([row.dtype == np.uint8 for row in codes], np.bool_)
    elif codes.dtype == np.uint8:
        fits_bytes[:] = True
    rows = np.where(fits_bytes, np.cumsum(fits_bytes), np.cumsum(~fits_bytes)) - 1
    sides = np.flatnonzero(fits_bytes), np.flatnonzero(~fits_bytes)
    matrices = tuple(_matrix(codes, *side) for side in zip(sides, ("u1", None), strict=True))
    size = chunk_size(n_samples)
    first_cell = np.concatenate([[0], np.cumsum(bins + 1)])
    chunk_counts = np.zeros((max(1, -(-n_samples // size)), first_cell[-1]), np.int32)
    for matrix, features in zip(matrices, sides, strict=True):
        if features.size:
            is_bytes = matrix.itemsize == 1
            _count_each(matrix, features, size, bins, first_cell, is_bytes, chunk_counts)
    largest, n_missing = np.zeros(len(bins), np.int64), np.zeros(len(bins), np.int64)
    sums = np.zeros(len(bins), np.int64)
    table = fixed_xlogx_table(n_samples)[0] if n_samples <= SPAN else np.empty(0, np.int64)
    _describe(chunk_counts.sum(axis=0), first_cell, table, largest, n_missing, sums)
    has_missing = n_missing > 0
    size_classes = np.array([int(b - 1).bit_length() for b in bins], np.int64)
    size_classes = 2 * size_classes + ~fits_bytes  # a class is in one matrix
    classes = []
    for size_class in np.unique(size_classes):
        features = np.flatnonzero(size_classes == size_class)
        most = int(bins[features].max())
        visited = 1.0 - float(largest[features].mean()) / max(1, n_samples)
        bit_rows, totals = None, np.empty((0, 0, BITS), np.uint32)
        n_bytes = int(bins[features].sum()) * n_samples // 8
        is_worth_it = most <= crossovers.MAX_COLUMNS and not crossovers.is_small(
            bins.size, n_samples
        )
        matrix = matrices[0 if fits_bytes[features[0]] else 1]
        if is_worth_it and (memory_limit is None or n_bytes <= memory_limit):
            memory_limit = None if memory_limit is None else memory_limit - n_bytes
            bit_rows = pack_rows(matrix, rows, features, bins, has_missing)
            spans = list(_spans(len(chunk_counts), size))
            totals = np.zeros((len(spans), len(bit_rows.block_start) - 1, BITS), np.uint32)
            for span, (first, last) in enumerate(spans):
                in_span = chunk_counts[first:last].sum(axis=0)
                _place_totals(bit_rows, in_span, first_cell, totals[span])
        classes.append(FeatureClass(features, matrix, most, visited, bit_rows, totals))
    return Packed(
        *(n_samples, matrices, rows, bins, has_missing, None),
        *(tuple(classes), first_cell, chunk_counts, sums),
    )


def count_pairs(packed: Packed, left: slice, right: slice, out: Array | None = None) -> Array:
    """Counts of every pair of a tile, shape ``(n_left, n_right, B_left, B_right)``.

    ``out`` is an array of zeros to use in place of a new one: fresh memory costs as much as
    counting.
    """
    first_left, last_left, _ = left.indices(len(packed.n_bins))
    first_right, last_right, _ = right.indices(len(packed.n_bins))
    bins_left = int(packed.n_bins[first_left:last_left].max(initial=0))
    bins_right = int(packed.n_bins[first_right:last_right].max(initial=0))
    n_left, n_right = max(0, last_left - first_left), max(0, last_right - first_right)
    shape = (n_left, n_right, bins_left, bins_right)
    counts = out
    if counts is None:
        counts = np.zeros(shape, np.int64 if packed.weights is None else np.float64)
    if counts.size == 0:
        return counts
    if packed.weights is not None:
        (codes,) = packed.matrices
        count_weighted(codes, packed.weights, packed.n_bins, first_left, first_right, counts)
        return counts
    nothing = np.empty(0, np.int64)
    tile = Tile(
        first_left, first_right, last_right,
        counts.reshape(-1), n_right * bins_left * bins_right, bins_left * bins_right, bins_right, 1,
        nothing, nothing, nothing, nothing, nothing, 0, 0,
    )  # fmt: skip
    _run(packed, tile, last_left)
    return counts


def pair_entropies(packed: Packed, left: slice, right: slice) -> PairEntropies:
    """Plug-in entropies of every pair of a tile: counts are reduced where they arise, in cache.

    Sums are integers in fixed point, so that none of them depends on the way a pair was counted.
    """
    first_left, last_left, _ = left.indices(len(packed.n_bins))
    first_right, last_right, _ = right.indices(len(packed.n_bins))
    shape = (max(0, last_left - first_left), max(0, last_right - first_right))
    n_samples = packed.n_samples
    if packed.weights is not None or n_samples > SPAN:
        return _entropies_of_counts(packed, first_left, last_left, first_right, last_right)
    table, unit = fixed_xlogx_table(n_samples)
    joint = np.empty(shape, np.int64)
    # Without missing samples the marginals are the features' own, and views do for the pairs.
    left_sums = packed.marginal_sums[first_left:last_left, None]
    right_sums = packed.marginal_sums[None, first_right:last_right]
    samples = np.array(n_samples)
    own_left = own_right = own_samples = np.empty(0, np.int64)
    missing = packed.has_missing
    if missing[first_left:last_left].any() or missing[first_right:last_right].any():
        left_sums, right_sums, samples = (
            np.broadcast_to(own, shape).copy() for own in (left_sums, right_sums, samples)
        )
        own_left, own_right = left_sums.reshape(-1), right_sums.reshape(-1)
        own_samples = samples.reshape(-1)
    if joint.size:
        tile = Tile(
            first_left, first_right, last_right,
            np.empty(0, np.int64), 0, 0, 0, 0, table,
            joint.reshape(-1), own_left, own_right, own_samples, shape[1], 1,
        )  # fmt: skip
        _run(packed, tile, last_left)
    whole = table[samples]
    with np.errstate(invalid="ignore", divide="ignore"):
        # The unit is a power of two: one rounding where the integer becomes a float, one here.
        found = ((whole - sums) * unit / samples for sums in (joint, left_sums, right_sums))
        return PairEntropies(*found)


def _entropies_of_counts(
    packed: Packed, first_left: int, last_left: int, first_right: int, last_right: int
) -> PairEntropies:
    shape = (last_left - first_left, last_right - first_right)
    found = PairEntropies(np.empty(shape), np.empty(shape), np.empty(shape))
    bins_left = int(packed.n_bins[first_left:last_left].max(initial=1))
    bins_right = int(packed.n_bins[first_right:last_right].max(initial=1))
    pairs = max(1, _COUNTS_AT_ONCE // (bins_left * bins_right))
    width = min(shape[1], max(pairs, BITS)) or 1
    height = max(1, pairs // width)
    for row in range(0, shape[0], height):
        for column in range(0, shape[1], width):
            counts = count_pairs(
                packed,
                slice(first_left + row, min(first_left + row + height, last_left)),
                slice(first_right + column, min(first_right + column + width, last_right)),
            )
            here = np.s_[row : row + height, column : column + width]
            for result, cells in zip(
                found,
                (counts.reshape(*counts.shape[:2], -1), counts.sum(axis=3), counts.sum(axis=2)),
                strict=True,
            ):
                result[here] = _plug_in(cells)
    return found


def _plug_in(counts: Array) -> Array:
    totals = counts.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        entropies: Array = (sum_xlogx(totals[..., None]) - sum_xlogx(counts)) / totals
    return entropies


def _run(packed: Packed, tile: Tile, last_left: int) -> None:
    """Count a tile, class of features by class of features."""
    swapped = _swap(tile, last_left)
    for left_class in packed.classes:
        lefts = _within(left_class.features, tile.first_left, last_left)
        if len(lefts) == 0:
            continue
        for right_class in packed.classes:
            rights = _within(right_class.features, tile.first_right, tile.last_right)
            if len(rights) == 0:
                continue
            way = crossovers.SCATTER
            if not crossovers.is_small(packed.n_bins.size, packed.n_samples):
                way = crossovers.choose(
                    packed.n_samples,
                    left_class.n_bins,
                    right_class.n_bins,
                    len(lefts),
                    len(rights),
                    left_class.visited,
                    right_class.visited,
                    left_rows=left_class.bit_rows is not None,
                    right_rows=right_class.bit_rows is not None,
                    bytes_=left_class.codes.itemsize == right_class.codes.itemsize == 1,
                    sums=len(tile.table) > 0,
                )
            if way == crossovers.POSITIONAL:
                _run_positional(packed, left_class.codes, lefts, right_class, tile)
            elif way == crossovers.POSITIONAL_SWAPPED:
                _run_positional(packed, right_class.codes, rights, left_class, swapped)
            elif way == crossovers.STEPS:
                _run_steps(packed, left_class.codes, lefts, right_class.codes, rights, tile)
            elif way == crossovers.BITSET:
                count_by_bitsets(
                    left_class.codes, packed.rows, lefts, rights, packed.n_bins,
                    packed.has_missing, tile,
                )  # fmt: skip
            else:
                count_by_scatter(
                    left_class.codes, right_class.codes, packed.rows, lefts, rights,
                    packed.n_bins, packed.has_missing, tile,
                )  # fmt: skip


def _run_positional(
    packed: Packed, codes: Array, lefts: Array, right_class: FeatureClass, tile: Tile
) -> None:
    n_samples = packed.n_samples
    assert right_class.bit_rows is not None
    size = chunk_size(n_samples)
    n_chunks = len(packed.chunk_counts)
    n_groups = int(packed.n_bins[lefts].max()) + 1
    span = min(SPAN, n_samples)
    planes = n_groups * BYTES * max(5, (span // n_groups).bit_length())
    strip = _STRIP
    if n_chunks > 1:
        strip = max(8, min(strip, _STRIP_PLANES // planes, _STRIP_SAMPLES // span))
    for index, (first, last) in enumerate(_spans(n_chunks, size)):
        for i in range(0, len(lefts), strip):
            groups = sort_strip(
                codes, packed.rows, lefts[i : i + strip], packed.n_bins, packed.first_cell,
                packed.chunk_counts[first:last], first * size, size,
            )  # fmt: skip
            count_strip(
                groups, right_class.bit_rows, right_class.totals[index], first, size, n_chunks,
                packed.n_bins, packed.has_missing, tile,
            )  # fmt: skip


def _run_steps(
    packed: Packed, left_codes: Array, lefts: Array, right_codes: Array, rights: Array, tile: Tile
) -> None:
    n_samples = packed.n_samples
    counts = packed.chunk_counts.sum(axis=0, dtype=np.int32, keepdims=True)
    for i in range(0, len(lefts), _STRIP):
        groups = sort_strip(
            left_codes, packed.rows, lefts[i : i + _STRIP], packed.n_bins, packed.first_cell,
            counts, 0, max(1, n_samples), skip_largest=False,
        )  # fmt: skip
        sum_by_steps(
            right_codes, packed.rows, groups, rights, packed.n_bins, packed.has_missing, tile
        )


def _swap(tile: Tile, last_left: int) -> Tile:
    """The same tile, with left and right exchanged."""
    return tile._replace(
        first_left=tile.first_right,
        first_right=tile.first_left,
        last_right=last_left,
        left_step=tile.right_step,
        right_step=tile.left_step,
        left_bin_step=tile.right_bin_step,
        right_bin_step=tile.left_bin_step,
        left=tile.right,
        right=tile.left,
        left_sum_step=tile.right_sum_step,
        right_sum_step=tile.left_sum_step,
    )


def _matrix(codes: Sequence[Array] | Array, features: Array, dtype: str | None) -> Array:
    """Codes of some features, of a dtype that holds them; None for the one that they share."""
    if isinstance(codes, np.ndarray) and len(features) == len(codes):
        return _writeable(codes.astype(dtype or codes.dtype, copy=False))
    return _writeable(_stack([codes[i] for i in features.tolist()], dtype))


def _stack(codes: Sequence[Array], dtype: str | None = None) -> Array:
    if len(codes) == 0:
        return np.empty((0, 0), np.uint8)
    return np.stack(codes, dtype=dtype or np.result_type(*codes), casting="unsafe")


def _writeable(matrix: Array) -> Array:
    """A read-only array is another type to the compiler, and would have every kernel made again."""
    return np.require(matrix, requirements=["C_CONTIGUOUS", "WRITEABLE"])


def _spans(n_chunks: int, size: int) -> Iterator[tuple[int, int]]:
    """Ranges of chunks of about `SPAN` samples; one range where there are no more than that."""
    step = -(-SPAN // size)
    for first in range(0, n_chunks, step):
        yield first, min(first + step, n_chunks)


def _within(features: Array, first: int, last: int) -> Array:
    """The part of increasing ``features`` from ``first`` to before ``last``."""
    begin, end = np.searchsorted(features, [first, last])
    return features[begin:end]


@jit
def _count_each(
    codes: Array, features: Array, size: int, n_bins: Array, first_cell: Array, bytes_: bool,
    chunk_counts: Array,
) -> None:  # fmt: skip
    """How often each code of each of the features, which are all of ``codes``, is in each chunk."""
    for row in range(len(features)):
        feature = features[row]
        for chunk in range(len(chunk_counts)):
            part = codes[row, chunk * size : (chunk + 1) * size]
            counts = chunk_counts[chunk, first_cell[feature] : first_cell[feature + 1]]
            begin = 0
            if bytes_ and n_bins[feature] <= _FEW_CODES:
                # 64 comparisons are one instruction: fewer than a step per sample for few codes.
                begin = len(part) // 64 * 64
                n_left = begin
                for code in range(n_bins[feature]):
                    count = u64(0)
                    for first in range(0, begin, 64):
                        count += count_bits(equal_mask(part, u64(first), u64(code)))
                    counts[code] = count
                    n_left -= i64(count)
                counts[n_bins[feature]] = n_left
            for sample in range(begin, len(part)):
                counts[u64(part[u64(sample)])] += 1


@jit
def _describe(
    marginals: Array, first_cell: Array, table: Array, largest: Array, n_missing: Array, sums: Array
) -> None:
    """The largest group, the number of missing samples and Σ c·log c of each feature."""
    for feature in range(len(largest)):
        counts = marginals[first_cell[feature] : first_cell[feature + 1]]
        for count in counts:
            largest[feature] = max(largest[feature], count)
        n_missing[feature] = counts[-1]
        for count in counts[:-1]:
            sums[feature] += table[count] if count < len(table) else 0


@jit
def _place_totals(bit_rows: BitRows, marginals: Array, first_cell: Array, totals: Array) -> None:
    for block in range(len(bit_rows.block_start) - 1):
        for i in range(bit_rows.block_start[block], bit_rows.block_start[block + 1]):
            cell, column = first_cell[bit_rows.features[i]], bit_rows.first_column[i]
            for code in range(bit_rows.n_columns[i]):
                totals[block, column + code] = marginals[cell + code]
