"""Launchers of ``count.cu``."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Uncoded
from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.encode import Bins, bins_of, codes_of, is_wide
from fastinfo.backends.cupy.sources import COUNTED, TYPE_NAMES


def count_joint(
    device: Device,
    codes: Sequence[Array | Uncoded],
    n_bins: Sequence[int],
    weights: Array | None,
) -> Array:
    """The joint counts of `Kernels.count_joint`, in shared memory where the table fits.

    All variables but the last are joined into one, so that two are counted.
    """
    shape = [_extent(*one) for one in zip(codes, n_bins, strict=True)]
    n_cells = prod(shape)
    if weights is not None:
        cells = _joined(device, codes, shape)
        totals = _weigh(device, cells, device.xp.ascontiguousarray(weights), n_cells)
    else:
        found = _count_shared(device, codes, shape)
        if found is None:
            found = _count_global(device, _joined(device, codes, shape), n_cells)
        totals = found.view(np.int64)
    return totals.reshape(shape)[tuple(slice(bins) for bins in n_bins)]


def _extent(column: Array | Uncoded, n_bins: int) -> int:
    """Lines of the table: the bins and a spare one; for a guess the bins are a power of two.

    Kernels recognise the bytes beyond such bins by their upper bits.
    """
    is_guess = isinstance(column, Uncoded) and column.is_guess
    return (1 << (n_bins - 1).bit_length() if is_guess else n_bins) + 1


def _joined(device: Device, columns: Sequence[Array | Uncoded], shape: Sequence[int]) -> Array:
    """Cell numbers of the joint table of some columns; for one column these are its codes."""
    coded = (
        device.xp.ascontiguousarray(codes_of(device, column, extent))
        for column, extent in zip(columns, shape, strict=True)
    )
    cells = next(coded)
    dtype = np.uint32 if prod(shape) <= 1 << 32 else np.uint64
    for column, extent in zip(coded, shape[1:], strict=True):
        joined = device.xp.empty(cells.size, dtype)
        device.launch(
            "count",
            f"join_codes<{TYPE_NAMES[joined.dtype.name]}>",
            plan.grid(device.properties, cells.size),
            plan.BLOCK,
            (
                *(cells, np.int32(cells.dtype.itemsize), column, np.int32(column.dtype.itemsize)),
                *(np.int64(cells.size), np.uint64(extent), joined),
            ),
        )
        cells = joined
    return cells


ALL_BYTES = 256
"""An ``end`` of `Variable` that no byte reaches."""


class Side(NamedTuple):
    """A variable of `count_shared`: the struct ``Side`` of ``count.cu``."""

    values: Array
    bins: Bins
    stride: np.uint32
    position: np.uint32


class Variable(NamedTuple):
    """One of the variables to count."""

    kind: str
    """The name in ``count.cu`` of the type of the values."""
    values: Array
    low: int = 0
    """The offset to subtract from the values."""
    bins: Bins | None = None
    """The bins of the values; None where the values are codes."""
    end: int = ALL_BYTES
    """The code of all bytes from this one on."""

    @property
    def key_bytes(self) -> int:
        """Bytes of shared memory that the keys of the bins take."""
        return 0 if self.bins is None else int(self.bins.keys.nbytes)

    def side(self, stride: int, position: int) -> Side:
        """The struct that the kernel takes."""
        none = np.float32(0)
        bins = self.bins or Bins(
            keys=self.values, n_bins=np.int32(self.end), scale=none, shift=none, limit=none
        )
        return Side(
            values=self.values, bins=bins, stride=np.uint32(stride), position=np.uint32(position)
        )


def _variable(device: Device, column: Array | Uncoded, extent: int) -> Variable:
    if isinstance(column, Uncoded):
        values = device.xp.ascontiguousarray(column.values)
        if column.edges is not None:
            bins = bins_of(device, values.dtype, column.edges, column.is_uniform)
            return Variable(TYPE_NAMES[values.dtype.name], values, bins=bins)
        if column.is_guess:
            return Variable(TYPE_NAMES[values.dtype.name], values, end=extent - 1)
        if values.dtype.itemsize >= 4 or values.dtype.kind == "u":
            # The kernel subtracts in 32 bits; with that many, signed and unsigned are the same.
            unsigned = values.view(f"u{values.dtype.itemsize}")
            return Variable(TYPE_NAMES[unsigned.dtype.name], unsigned, column.low)
    codes = device.xp.ascontiguousarray(codes_of(device, column, extent))
    return Variable(TYPE_NAMES[codes.dtype.name], codes)


def _count_shared(
    device: Device, columns: Sequence[Array | Uncoded], shape: Sequence[int]
) -> Array | None:
    """The counts of all cells, or None where shared memory does not hold the table."""
    n_cells = prod(shape)
    if plan.shared_table(device.properties, n_cells, 4) is None:
        return None
    if len(columns) > 2:
        columns = [_joined(device, columns[:-1], shape[:-1]), columns[-1]]
        shape = [n_cells // shape[-1], shape[-1]]
    variables = [_variable(device, *one) for one in zip(columns, shape, strict=True)]
    table = plan.shared_table(device.properties, n_cells, 4, [v.key_bytes for v in variables])
    if table is None:  # the table fits without the keys, so the columns are coded first
        every = zip(columns, shape, strict=True)
        return _count_shared(device, [codes_of(device, *one) for one in every], shape)
    strides = [n_cells // shape[0] << table.shift, 1 << table.shift]
    origin = -sum(one.low * stride for one, stride in zip(variables, strides, strict=False))
    ordered = sorted(
        zip(variables, strides, table.positions, strict=False),
        key=lambda one: COUNTED.index(one[0].kind),
    )
    values = [one.values for one in variables]
    if len(ordered) == 1:
        ordered.append((Variable("Nothing", values[0]), 0, 0))
    left, right = (one.side(stride, position) for one, stride, position in ordered)
    totals = device.xp.zeros(n_cells, np.uint64)
    n_samples = values[0].size
    lanes = plan.WIDE // max(column.dtype.itemsize for column in values)
    device.launch(
        "count",
        f"count_shared<{', '.join(one.kind for one, _, _ in ordered)}>",
        plan.grid(device.properties, -(-n_samples // lanes), plan.COUNT_BLOCK, table.shared_bytes),
        plan.COUNT_BLOCK,
        (
            left, right, np.int64(n_samples), np.uint32(origin % (1 << 32)), np.uint32(n_cells),
            np.uint32(table.shift), np.bool_(is_wide(lanes, *values)), totals,
        ),
        table.shared_bytes,
    )  # fmt: skip
    return totals


def _count_global(device: Device, cells: Array, n_cells: int) -> Array:
    totals = device.xp.zeros(n_cells, np.uint64)
    device.launch(
        "count",
        f"count_global<{TYPE_NAMES[cells.dtype.name]}>",
        plan.grid(device.properties, cells.size),
        plan.BLOCK,
        (cells, np.int64(cells.size), totals),
    )
    return totals


def _weigh(device: Device, cells: Array, weights: Array, n_cells: int) -> Array:
    totals = device.xp.zeros(n_cells, np.float64)
    table = plan.shared_table(device.properties, n_cells, 8)
    size: tuple[Any, ...] = ()
    memory, shared = "global", 0
    if table is not None:
        memory, shared = "shared", table.shared_bytes
        size = (np.uint32(n_cells), np.uint32(table.shift))
    device.launch(
        "count",
        f"weigh_{memory}<{TYPE_NAMES[cells.dtype.name]}>",
        plan.grid(device.properties, cells.size, shared_bytes=shared),
        plan.BLOCK,
        (cells, weights, np.int64(cells.size), *size, totals),
        shared,
    )
    return totals
