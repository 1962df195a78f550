"""Features laid out on a device for the tiles of pairs: codes, and bit planes of few bins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.pairs.arguments import OneHot
from fastinfo.backends.cupy.pairs.tile_sizes import stages
from fastinfo.backends.cupy.pairs.ways import MOST_ROWS, ClassSize
from fastinfo.backends.cupy.sources import TYPE_NAMES
from fastinfo.backends.terms import Reduction, plug_in

HostArray = np.ndarray[Any, Any]

WORDS = 16
"""Words of one bit plane in a stage."""

STACKED_AT_ONCE = 512
"""Features that are copied into the matrix of codes at a time."""

SHARED_CELLS = 8192
"""The most different codes of a feature that are counted in shared memory, which takes 32 KiB."""

COUNTED_AT_ONCE = 1 << 16
"""Samples that each block counts of the codes of a feature."""


@dataclass(frozen=True)
class FeatureClass:
    """Features with about as many bins; either all of them lack samples or none does."""

    features: HostArray
    """Positions of the features in the pack, increasing."""
    n_bins: int
    """The largest number of bins of a feature of the class."""
    is_complete: bool
    """Whether no feature lacks a sample."""
    rows: int
    """The number of values that get a row of one-hot bits; 0 where there are no bit planes."""
    n_planes: int
    on_device: Array
    """``features`` on the device, int32."""
    planes: Array
    """(features, stages, n_planes, 16) words of 32 samples; empty where there are no bit planes."""
    marginals: Array
    """(features, rows + 1): the number of samples of each value, int64."""

    def part(self, first: int, last: int) -> Part:
        """The features of the class from ``first`` to ``last`` − 1."""
        begin, end = np.searchsorted(self.features, [first, last]).tolist()
        return Part(self, begin, max(begin, end))


@dataclass(frozen=True)
class Part:
    """The features of a class that are on one side of a tile."""

    feature_class: FeatureClass
    first: int
    last: int

    @property
    def n_features(self) -> int:
        """The number of features."""
        return self.last - self.first

    @property
    def features(self) -> Array:
        """The positions of the features in the pack, int32."""
        return self.feature_class.on_device[self.first : self.last]

    @property
    def marginals(self) -> Array:
        """(features, rows + 1): the number of samples of each value."""
        return self.feature_class.marginals[self.first : self.last]

    @property
    def side(self) -> ClassSize:
        """The sizes by which a way to count is chosen."""
        return ClassSize(self.n_features, self.feature_class.n_bins, self.feature_class.rows)

    @property
    def onehot(self) -> OneHot:
        """The struct that the kernels of one-hot counting take."""
        return OneHot(
            planes=self.feature_class.planes[self.first : self.last],
            features=self.features,
            marginals=self.marginals,
            n_features=np.int32(self.n_features),
            n_planes=np.int32(self.feature_class.n_planes),
            rows=np.int32(self.feature_class.rows),
            is_complete=np.bool_(self.feature_class.is_complete),
        )


@dataclass(frozen=True)
class Packed:
    """Features laid out for counting."""

    codes: Array
    """(features, samples), padded so that every row begins at a wide load."""
    n_samples: int
    n_bins: HostArray
    bins_on_device: Array
    has_missing: HostArray
    weights: Array | None
    classes: tuple[FeatureClass, ...]
    reduction: Reduction
    table: Array
    """The table f of the reduction."""
    totals: Array
    """The table g of the reduction."""
    sums: Array
    """Σ f(c) of each feature alone, where sums are exact; else 0."""
    whole: Array
    """g of the number of samples, (1, 1)."""
    samples: Array
    """The number of samples, (1, 1)."""
    _as_type: dict[Any, Array] = field(default_factory=dict)

    def as_type(self, dtype: Any) -> Array:
        """The codes in another dtype that holds them, for kernels that take two equal dtypes."""
        if self.codes.dtype == dtype:
            return self.codes
        if dtype not in self._as_type:  # one copy serves all tiles
            self._as_type[dtype] = self.codes.astype(dtype)
        return self._as_type[dtype]


def pack(
    device: Device,
    codes: Sequence[Array] | Array,
    n_bins: Sequence[int],
    weights: Array | None = None,
    memory_limit: int | None = None,
    reduction: Reduction | None = None,
) -> Packed:
    """Features laid out for `count_pairs` and `pair_sums`; see `Kernels.pack`.

    Bit planes take ``memory_limit`` bytes at most; classes with the fewest bins get theirs first.
    """
    xp = device.xp
    bins = np.asarray(n_bins, np.int64).reshape(-1)
    matrix, n_samples = _matrix(xp, codes)
    bins_on_device = xp.asarray(bins.astype(np.int32))
    counts, first_cell = _count_codes(device, matrix, n_samples, bins, bins_on_device)
    last_cell = first_cell + bins
    has_missing = counts[last_cell] > 0
    how = reduction or plug_in(n_samples, is_weighted=weights is not None)
    sums, whole = np.zeros(len(bins), np.int64), 0
    if how.is_exact:
        terms, whole = how.table[counts], how.totals[n_samples]
        terms[last_cell] = 0  # missing is no bin
        sums = np.add.reduceat(terms, first_cell) if len(bins) else sums
    left = memory_limit
    classes = []
    for features in _classes(bins, has_missing):
        most, is_complete = int(bins[features].max()), not has_missing[features[0]]
        rows = max(most - is_complete, 1)
        n_planes = rows.bit_length()
        size = 4 * WORDS * n_planes * stages(n_samples) * len(features)
        if rows > MOST_ROWS or weights is not None or (left is not None and size > left):
            rows = n_planes = size = 0
        left = None if left is None else left - size
        on_device = xp.asarray(features.astype(np.int32))
        planes = xp.empty((len(features), stages(n_samples), n_planes, WORDS), np.uint32)
        if planes.size:
            device.launch(
                "planes",
                f"pack_planes<{TYPE_NAMES[matrix.dtype.name]}>",
                plan.grid(device.properties, 32 * len(features) * stages(n_samples)),
                plan.BLOCK,
                (
                    *(matrix, np.int64(matrix.shape[1]), np.int64(n_samples)),
                    *(on_device, bins_on_device, np.bool_(is_complete)),
                    *(np.int64(stages(n_samples)), np.int64(len(features)), np.int32(n_planes)),
                    planes,
                ),
            )
        marginals = _by_value(counts, first_cell[features], bins[features], is_complete, rows)
        classes.append(
            FeatureClass(
                *(features, most, is_complete, rows, n_planes, on_device, planes),
                xp.asarray(marginals),
            )
        )
    return Packed(
        codes=matrix,
        n_samples=n_samples,
        n_bins=bins,
        bins_on_device=bins_on_device,
        has_missing=has_missing,
        weights=None if weights is None else xp.ascontiguousarray(weights, np.float64),
        classes=tuple(classes),
        reduction=how,
        table=xp.asarray(how.table),
        totals=xp.asarray(how.totals),
        sums=xp.asarray(sums),
        whole=xp.full((1, 1), whole, np.int64),
        samples=xp.full((1, 1), n_samples, np.int64),
    )


def _matrix(xp: Any, codes: Sequence[Array] | Array) -> tuple[Array, int]:
    """The matrix of codes, with rows of whole wide loads, and the number of samples."""
    if len(codes) == 0:
        return xp.zeros((0, plan.WIDE), np.uint8), 0
    of_matrix = getattr(codes, "dtype", None)  # a matrix says its dtype; its rows are slow to ask
    dtype = of_matrix or np.result_type(*{column.dtype for column in codes})
    n_samples = int(codes[0].shape[0])
    load = plan.WIDE // dtype.itemsize
    matrix = xp.zeros((len(codes), -(-n_samples // load) * load or load), dtype)
    if of_matrix is not None:
        matrix[:, :n_samples] = codes
    else:
        # A copy for each feature would take a launch each. One copy for all features would take
        # their memory once more.
        for first in range(0, len(codes), STACKED_AT_ONCE):
            part = codes[first : first + STACKED_AT_ONCE]
            matrix[first : first + len(part), :n_samples] = xp.stack(part)
    return matrix, n_samples


def _count_codes(
    device: Device, matrix: Array, n_samples: int, bins: HostArray, bins_on_device: Array
) -> tuple[HostArray, HostArray]:
    """The number of each code of each feature, and the position where a feature's codes begin."""
    ends = np.cumsum(bins + 1)
    first_cell = np.concatenate([[0], ends])[:-1].astype(np.int64)
    n_cells = int(ends[-1]) if len(bins) else 0
    counts = device.xp.zeros(n_cells, np.int64)
    if n_cells and n_samples:
        shared_cells = min(int(bins.max()) + 1, SHARED_CELLS)
        device.launch(
            "planes",
            f"count_codes<{TYPE_NAMES[matrix.dtype.name]}>",
            (min(len(bins), plan.MOST_BLOCKS), max(min(n_samples // COUNTED_AT_ONCE, 1024), 1)),
            plan.BLOCK,
            (
                *(matrix, np.int64(matrix.shape[1]), np.int64(n_samples), np.int32(len(bins))),
                *(bins_on_device, device.xp.asarray(first_cell), np.int32(shared_cells), counts),
            ),
            4 * shared_cells,
        )
    return counts.get(), first_cell


def _classes(bins: HostArray, has_missing: HostArray) -> Iterator[HostArray]:
    """The features of each class; classes with the fewest bins come first."""
    _, n_bits = np.frexp(np.maximum(bins - 1, 0))
    classes = 2 * n_bits + has_missing
    for chosen in np.flatnonzero(np.bincount(classes)):
        yield np.flatnonzero(classes == chosen)


def _by_value(
    counts: HostArray, first_cell: HostArray, bins: HostArray, is_complete: bool, rows: int
) -> HostArray:
    """The number of samples of each value.

    Values are the codes, or for features that lack samples missing and then the codes.
    """
    values = np.arange(rows + 1)
    codes = np.broadcast_to(values if is_complete else values - 1, (len(bins), rows + 1))
    codes = np.where(codes < 0, bins[:, None], codes)
    is_code = codes <= bins[:, None] if not is_complete else codes < bins[:, None]
    is_code &= (values == 0) | (codes < bins[:, None])
    found = counts[first_cell[:, None] + np.where(is_code, codes, 0)]
    return np.where(is_code, found, 0)
