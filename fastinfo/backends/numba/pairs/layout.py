"""Features laid out for the tiles of pairs: codes of all, and bit rows of those with few bins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastinfo.backends.numba.jit import i64, jit, u64
from fastinfo.backends.numba.pairs import crossovers
from fastinfo.backends.numba.pairs.bitrows import BitRows, chunk_size, pack_rows
from fastinfo.backends.numba.pairs.cells import Side
from fastinfo.backends.numba.simd import BITS, count_bits, equal_mask
from fastinfo.backends.terms import Reduction, plug_in

Array = np.ndarray[Any, Any]

SPAN = 1 << 20
"""Samples that are sorted at a time. It limits the memory of a call; counts fit 32 bits."""
_FEW_CODES = 32
"""Bins up to which the codes of a feature are counted by a comparison with each of them."""
_MOST_OF_BYTES = 255
"""The most bins of a feature whose codes, that of missing included, fit bytes."""


@dataclass(frozen=True)
class FeatureClass:
    """Features with about as many bins."""

    features: Array
    side: Side
    """The codes and bins that kernels read; it holds those of other classes too."""
    n_bins: int
    """The largest number of bins of a feature of the class."""
    visited: float
    """The mean share of samples outside of a feature's largest group."""
    bit_rows: BitRows | None
    totals: Array
    """(spans, blocks, 512): the number of samples of each column."""


@dataclass(frozen=True)
class Packed:
    """Features laid out for counting."""

    n_samples: int
    n_bins: Array
    has_missing: Array
    is_small: bool
    """Whether its pairs are so little work that only the simplest way is worth compiling."""
    reduction: Reduction
    weights: Array | None = None
    weighted_codes: Array | None = None
    """Codes (features, samples) where samples have weights; the fields below are empty then."""
    classes: tuple[FeatureClass, ...] = ()
    first_cell: Array | None = None
    """The position in ``chunk_counts`` where the codes of each feature begin."""
    chunk_counts: Array | None = None
    """(chunks, cells): how often each code, that of missing included, occurs in each chunk."""
    marginal_sums: Array | None = None
    """Σ f(c) of each feature alone, in fixed point; 0 where sums are not in fixed point."""


def pack(
    codes: Sequence[Array] | Array,
    n_bins: Sequence[int],
    weights: Array | None = None,
    memory_limit: int | None = None,
    reduction: Reduction | None = None,
    small_job: int = crossovers.SMALL_JOB,
) -> Packed:
    """Features laid out for `count_pairs` and `pair_sums`.

    Parameters
    ----------
    codes
        One array of codes a feature, or a matrix (features, samples). A matrix of bytes is not
        copied, nor is one whose features all have more than 255 bins. Other features with up to 255
        bins are copied to bytes, which are counted fastest.
    n_bins
        The number of bins of each feature; code ``n_bins[i]`` is missing.
    weights
        The weight of each sample, float64.
    memory_limit
        Bytes that the bit rows may take. Features with the most bins are the first to get none.
    reduction
        The reduction by which `pair_sums` sums; that of c·log c by default.
    small_job
        Samples of all pairs together up to which only the simplest way is compiled.
    """
    bins = np.asarray(n_bins, np.int64)
    n_samples = len(codes[0]) if len(codes) else 0
    how = reduction or plug_in(n_samples, is_weighted=weights is not None)
    is_small = len(bins) ** 2 * n_samples <= small_job
    if weights is not None:
        return Packed(
            n_samples=n_samples,
            n_bins=bins,
            has_missing=np.zeros(len(bins), np.bool_),
            is_small=is_small,
            reduction=how,
            weights=np.asarray(weights, np.float64),
            weighted_codes=_writeable(codes if isinstance(codes, np.ndarray) else _stack(codes)),
        )

    fits_bytes = bins <= _MOST_OF_BYTES
    if not isinstance(codes, np.ndarray):
        fits_bytes |= np.array([row.dtype == np.uint8 for row in codes], np.bool_)
    elif codes.dtype == np.uint8:
        fits_bytes[:] = True
    rows = np.where(fits_bytes, np.cumsum(fits_bytes), np.cumsum(~fits_bytes)) - 1
    kinds = np.flatnonzero(fits_bytes), np.flatnonzero(~fits_bytes)
    matrices = tuple(_matrix(codes, *kind) for kind in zip(kinds, ("u1", None), strict=True))
    size = chunk_size(n_samples)
    first_cell = np.concatenate([[0], np.cumsum(bins + 1)])
    chunk_counts = np.zeros((max(1, -(-n_samples // size)), first_cell[-1]), np.int32)
    for matrix, features in zip(matrices, kinds, strict=True):
        if features.size:
            is_bytes = matrix.itemsize == 1
            _count_each(matrix, features, size, bins, first_cell, is_bytes, chunk_counts)
    largest, n_missing = np.zeros(len(bins), np.int64), np.zeros(len(bins), np.int64)
    sums = np.zeros(len(bins), np.int64)
    _describe(chunk_counts.sum(axis=0), first_cell, how.table, largest, n_missing, sums)
    has_missing = n_missing > 0
    sides = [Side(matrix, rows, bins, has_missing) for matrix in matrices]
    size_classes = np.array([int(b - 1).bit_length() for b in bins], np.int64)
    size_classes = 2 * size_classes + ~fits_bytes  # a class is in one matrix
    classes = []
    for size_class in np.unique(size_classes):
        features = np.flatnonzero(size_classes == size_class)
        most = int(bins[features].max())
        visited = 1.0 - float(largest[features].mean()) / max(1, n_samples)
        bit_rows, totals = None, np.empty((0, 0, BITS), np.uint32)
        n_bytes = int(bins[features].sum()) * n_samples // 8
        side = sides[0 if fits_bytes[features[0]] else 1]
        is_worth_it = most <= crossovers.costs().most_columns and not is_small
        if is_worth_it and (memory_limit is None or n_bytes <= memory_limit):
            memory_limit = None if memory_limit is None else memory_limit - n_bytes
            bit_rows = pack_rows(side, features)
            spans = list(chunk_ranges(len(chunk_counts), size))
            totals = np.zeros((len(spans), len(bit_rows.block_start) - 1, BITS), np.uint32)
            for span, (first, last) in enumerate(spans):
                in_span = chunk_counts[first:last].sum(axis=0)
                _place_totals(bit_rows, in_span, first_cell, totals[span])
        classes.append(
            FeatureClass(
                features=features,
                side=side,
                n_bins=most,
                visited=visited,
                bit_rows=bit_rows,
                totals=totals,
            )
        )
    return Packed(
        n_samples=n_samples,
        n_bins=bins,
        has_missing=has_missing,
        is_small=is_small,
        reduction=how,
        classes=tuple(classes),
        first_cell=first_cell,
        chunk_counts=chunk_counts,
        marginal_sums=sums,
    )


def _matrix(codes: Sequence[Array] | Array, features: Array, dtype: str | None) -> Array:
    """The codes of some features as a matrix of ``dtype``; None takes a dtype that holds all."""
    if isinstance(codes, np.ndarray) and len(features) == len(codes):
        return _writeable(codes.astype(dtype or codes.dtype, copy=False))
    return _writeable(_stack([codes[i] for i in features.tolist()], dtype))


def _stack(codes: Sequence[Array], dtype: str | None = None) -> Array:
    if len(codes) == 0:
        return np.empty((0, 0), np.uint8)
    return np.stack(codes, dtype=dtype or np.result_type(*codes), casting="unsafe")


def _writeable(matrix: Array) -> Array:
    """The matrix contiguous and writeable.

    A read-only array is another type to the compiler, for which every kernel would be compiled
    again.
    """
    return np.require(matrix, requirements=["C_CONTIGUOUS", "WRITEABLE"])


def chunk_ranges(n_chunks: int, size: int) -> Iterator[tuple[int, int]]:
    """The first chunk and the end of each span of about `SPAN` samples."""
    step = -(-SPAN // size)
    for first in range(0, n_chunks, step):
        yield first, min(first + step, n_chunks)


@jit
def _count_each(
    codes: Array, features: Array, size: int, n_bins: Array, first_cell: Array, bytes_: bool,
    chunk_counts: Array,
) -> None:  # fmt: skip
    """Write how often each code occurs in each chunk, for the features of the rows of ``codes``."""
    for row in range(len(features)):
        feature = features[row]
        for chunk in range(len(chunk_counts)):
            part = codes[row, chunk * size : (chunk + 1) * size]
            counts = chunk_counts[chunk, first_cell[feature] : first_cell[feature + 1]]
            begin = 0
            if bytes_ and n_bins[feature] <= _FEW_CODES:
                # One instruction makes 64 comparisons, which is faster for few codes than a step
                # for each sample.
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
    """Write the largest group, the number of missing samples and Σ f(c) of each feature."""
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
