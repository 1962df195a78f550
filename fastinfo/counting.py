"""Codes → counts of a joint table, dense or sparse.

Counts are additive: batches, threads and machines count by themselves and their counts are summed.
Both kinds of table have the same methods, so that callers need not know which one they have.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from fastinfo.backends import whole_in_memory
from fastinfo.backends.contract import Array, Kernels, OnHost
from fastinfo.data.encoders import Encoder
from fastinfo.system.limits import free_memory
from fastinfo.system.ranges import BLOCK, RANGE, over_ranges

SMALL_TABLE = 1 << 17
"""Cells (1 MiB) up to which a table is always dense."""

LARGEST_TABLE = 1 << 27
"""Cells (1 GiB) above which a table is dense only with ``sparse=False``."""


def sum_over(table: Array, axes: Sequence[int]) -> Array:
    """The sum over some axes, numbered from 0.

    Floating-point addends are made contiguous first. Along other axes NumPy adds them one by one,
    and rounding grows with their number.
    """
    if table.dtype.kind != "f":
        return np.add.reduce(table, axis=tuple(axes))
    kept = [axis for axis in range(table.ndim) if axis not in axes]
    in_order = [*kept, *axes] == list(range(table.ndim))
    lines = table if in_order else table.transpose(*kept, *axes).copy()
    n_addends = prod(table.shape[axis] for axis in axes)
    return lines.reshape(*lines.shape[: len(kept)], n_addends).sum(axis=-1)


class DenseCounts:
    """A table with one cell for each combination of bins."""

    def __init__(self, table: Array) -> None:
        self.table = table
        self.shape: tuple[int, ...] = table.shape
        """The number of bins of each axis."""

    @property
    def values(self) -> Array:
        """Counts of all cells, one-dimensional."""
        return self.table.reshape(-1)

    @cached_property
    def total(self) -> int | float:
        """The sum of all counts."""
        return _sum(self.table.reshape(-1))

    def marginal(self, axes: Sequence[int]) -> DenseCounts:
        """Counts over the given axes, in increasing order, summed over the others."""
        if len(axes) == self.table.ndim:
            return self
        others = [axis for axis in range(self.table.ndim) if axis not in axes]
        return DenseCounts(sum_over(self.table, others))

    def spread(self, shape: Sequence[int], positions: Sequence[Any]) -> DenseCounts:
        """The same counts in another table, bin i of axis a at ``positions[a][i]``."""
        in_order = (np.array_equal(position, np.arange(len(position))) for position in positions)
        if tuple(shape) == self.shape and all(in_order):
            return self
        table = np.zeros(shape, self.table.dtype)
        table[np.ix_(*positions)] = self.table
        return DenseCounts(table)

    def in_order(self, axes: Sequence[int]) -> DenseCounts:
        """The same counts with the axes in another order."""
        return DenseCounts(np.ascontiguousarray(np.transpose(self.table, axes)))

    def to_dense(self) -> Array:
        """The table itself."""
        return self.table

    def to_sparse(self) -> SparseCounts:
        """The occupied cells."""
        cells = np.nonzero(self.table)
        return SparseCounts(self.shape, np.stack(cells).astype(np.int64), self.table[cells])


def _sum(values: Array) -> int | float:
    total: int | float = values.sum().item()
    return total


@dataclass(eq=False)
class SparseCounts:
    """The occupied cells of a table, in lexicographic order."""

    shape: tuple[int, ...]
    cells: Array
    """``(d, k)``, the bins of each occupied cell."""
    values: Array
    """``(k,)``, the count of each."""

    @cached_property
    def total(self) -> int | float:
        """The sum of all counts."""
        return _sum(self.values)

    def marginal(self, axes: Sequence[int]) -> SparseCounts:
        """Counts over the given axes, in increasing order, summed over the others."""
        if len(axes) == len(self.shape):
            return self
        shape = tuple(self.shape[axis] for axis in axes)
        return _gather(shape, [self.cells[axis] for axis in axes], self.values)

    def spread(self, shape: Sequence[int], positions: Sequence[Any]) -> SparseCounts:
        """The same counts in another table, bin i of axis a at ``positions[a][i]``."""
        cells = [
            np.asarray(position)[row] for position, row in zip(positions, self.cells, strict=True)
        ]
        return _gather(tuple(shape), cells, self.values)

    def in_order(self, axes: Sequence[int]) -> SparseCounts:
        """The same counts with the axes in another order."""
        shape = tuple(self.shape[axis] for axis in axes)
        return _gather(shape, [self.cells[axis] for axis in axes], self.values)

    def to_dense(self) -> Array:
        """The table with its empty cells."""
        require_memory(self.shape)
        table = np.zeros(self.shape, self.values.dtype)
        table[tuple(self.cells)] = self.values
        return table

    def to_sparse(self) -> SparseCounts:
        """The same table."""
        return self


Counts = DenseCounts | SparseCounts


def count(
    encoders: Sequence[Encoder],
    n_samples: int,
    n_bins: Sequence[int],
    kernels: Kernels,
    weights: Array | OnHost | None = None,
    sparse: bool | None = None,
    n_jobs: int = 1,
) -> Counts:
    """Counts of the joint table of one or more columns; samples that lack one are left out.

    Samples are encoded and counted block by block where that writes codes, so that these stay in a
    cache, and range by range otherwise.
    ``sparse=None`` gives a dense table unless it would be far larger than the samples, or too large
    for the memory.

    Raises
    ------
    MemoryError
        If the table does not fit the memory, with ``sparse=False``; or if sorting the samples for a
        sparse one does not.
    """
    # Spare bins are included: with many variables of few bins they make most of the cells.
    shape = [bins + 1 for bins in n_bins]
    n_cells = prod(shape)
    if sparse is None:
        sparse = is_sparse(n_cells, n_samples)
    if sparse:
        with whole_in_memory(
            f"counting {n_samples} samples in a table of {n_cells} cells, by sorting them,",
            "count with fewer bins",
            kernels,
        ):
            return _count_sparse(encoders, n_samples, n_bins, kernels, weights)
    if n_cells > SMALL_TABLE:
        require_memory(shape)

    # A block has several samples for each cell; otherwise most time would go to clearing and adding
    # tables.
    block = BLOCK if any(encode.writes for encode in encoders) else RANGE
    block = kernels.samples_at_once or max(block, 4 * n_cells)
    encoders_for_counting = [encode.for_counting for encode in encoders]

    def count_range(start: int, stop: int) -> Array:
        total: Any = None
        for begin, end, codes in _blocks(encoders_for_counting, start, stop, block):
            part = None if weights is None else weights[begin:end]
            counted = kernels.count_joint(codes, n_bins, part)
            total = counted if total is None else counted + total
        return total

    if kernels.samples_at_once is not None:  # one device works on one range at a time
        return DenseCounts(kernels.to_host(count_range(0, n_samples)))
    size = max(RANGE, 4 * n_cells)
    table = over_ranges(count_range, operator.iadd, n_samples, n_jobs, size, kernels.current)
    return DenseCounts(kernels.to_host(table))


def is_sparse(n_cells: int, n_samples: int) -> bool:
    """Whether a table is far larger than its samples, or too large for the memory."""
    if n_cells > min(max(SMALL_TABLE, 4 * n_samples), LARGEST_TABLE):
        return True
    return n_cells > SMALL_TABLE and 8 * n_cells > free_memory()


def _count_sparse(
    encoders: Sequence[Encoder],
    n_samples: int,
    n_bins: Sequence[int],
    kernels: Kernels,
    weights: Array | OnHost | None,
) -> SparseCounts:
    codes = [encode(0, n_samples, None) for encode in encoders]
    complete = ~_incomplete(codes, n_bins)
    xp = kernels.xp
    values = xp.ones(n_samples, np.int64) if weights is None else weights[:]
    columns = [column[complete] for column in codes]
    found = _gather(tuple(n_bins), columns, values[complete], xp)
    return SparseCounts(found.shape, kernels.to_host(found.cells), kernels.to_host(found.values))


def count_incomplete(
    encoders: Sequence[Encoder], n_samples: int, n_bins: Sequence[int], kernels: Kernels
) -> int:
    """The number of samples that lack one of the variables."""
    blocks = _blocks(encoders, 0, n_samples, kernels.samples_at_once or BLOCK)
    return int(sum(_incomplete(codes, n_bins).sum() for _, _, codes in blocks))


def _blocks(
    encoders: Sequence[Callable[[int, int, Any], Any]], start: int, stop: int, size: int
) -> Iterator[tuple[int, int, list[Any]]]:
    """Borders and codes of each block; codes overwrite those of the block before."""
    codes: list[Any] = [None] * len(encoders)
    for begin in range(start, stop, size):
        end = min(begin + size, stop)
        codes = [encode(begin, end, out) for encode, out in zip(encoders, codes, strict=True)]
        yield begin, end, codes


def _incomplete(codes: Sequence[Array], n_bins: Sequence[int]) -> Array:
    lacking = codes[0] != codes[0]
    for column, bins in zip(codes, n_bins, strict=True):
        if bins <= np.iinfo(column.dtype).max:  # else no sample is missing, and CuPy may raise
            lacking |= column == bins
    return lacking


def add(left: Counts, right: Counts) -> Counts:
    """The sum of two tables of one shape; dense if either is."""
    if isinstance(left, DenseCounts) or isinstance(right, DenseCounts):
        return DenseCounts(left.to_dense() + right.to_dense())
    cells = np.concatenate([left.cells, right.cells], axis=1)
    return _gather(left.shape, list(cells), np.concatenate([left.values, right.values]))


def _gather(
    shape: tuple[int, ...], columns: Sequence[Array], values: Array, xp: Any = np
) -> SparseCounts:
    """Counts of cells, given by their bins on each axis; values of equal cells are summed."""
    keys = cell_numbers(columns, shape, values.size, xp)
    _, first, cell = xp.unique(keys, return_index=True, return_inverse=True)
    sums = xp.zeros(first.size, values.dtype)
    # CuPy's add.at takes uint64 and float64 but no int64; sums of uint64 have the same bits.
    kind = "u8" if values.dtype == np.int64 else "f8"
    xp.add.at(sums.view(kind), cell, values.view(kind))
    cells = xp.stack([column[first] for column in columns]).astype(np.int64)
    return SparseCounts(shape, cells, sums)


def cell_numbers(columns: Sequence[Array], shape: Sequence[int], size: int, xp: Any = np) -> Array:
    """A number for each of ``size`` cells, given by their bins on each axis, in the cells' order.

    Equal cells have equal numbers. They are those of all cells of the table where int64 has room.
    """
    keys, extent = xp.zeros(size, np.int64), 1
    for column, bins in zip(columns, shape, strict=True):
        if extent * bins >= 1 << 62:
            # int64 cannot number all cells, so that only those that occur are numbered, in order.
            _, keys = xp.unique(keys, return_inverse=True)
            extent = int(keys.max()) + 1 if keys.size else 1
        keys, extent = keys * bins + column, extent * bins
    return keys


def require_memory(
    shape: Sequence[int],
    what: str = "a dense table",
    help_: str = "count with fewer bins, or pass sparse=True",
) -> None:
    """Raise MemoryError, with both sizes, if an array cannot fit the free memory."""
    needed = prod(int(size) for size in shape) * 8
    if needed <= 8 * SMALL_TABLE:
        return  # to ask the system for its free memory takes longer
    free = free_memory()
    if needed > free:
        raise MemoryError(
            f"{what} of {' × '.join(str(size) for size in shape)} cells needs "
            f"{needed / 2**30:,.1f} GiB and {free / 2**30:,.1f} GiB are free: {help_}"
        )
