"""Launchers of ``count.cu``."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.encode import is_wide
from fastinfo.backends.cupy.sources import TYPE_NAMES


def count_joint(
    device: Device, codes: Sequence[Array], n_bins: Sequence[int], weights: Array | None
) -> Array:
    """Fold all variables but the last into one and count two; in shared memory where it can be."""
    xp = device.xp
    shape = [bins + 1 for bins in n_bins]
    n_cells = prod(shape)
    columns = [xp.ascontiguousarray(column) for column in codes]
    if weights is not None:
        cells = _joined(device, columns, shape)
        totals = _weigh(device, cells, xp.ascontiguousarray(weights), n_cells)
    else:
        table = plan.shared_table(device.properties, n_cells, 4)
        if table is None:
            totals = _count_global(device, _joined(device, columns, shape), n_cells)
        else:
            left = _joined(device, columns[:-1], shape[:-1]) if len(columns) > 1 else columns[0]
            right = columns[-1] if len(columns) > 1 else None
            totals = _count_shared(device, left, right, shape[-1], n_cells, table)
        totals = totals.view(np.int64)
    return totals.reshape(shape)[tuple(slice(bins) for bins in n_bins)]


def _joined(device: Device, columns: Sequence[Array], shape: Sequence[int]) -> Array:
    """Cell numbers of the joint table of some columns; the codes themselves of one."""
    cells = columns[0]
    dtype = np.uint32 if prod(shape) <= 1 << 32 else np.uint64
    for column, extent in zip(columns[1:], shape[1:], strict=True):
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


def _count_shared(
    device: Device, left: Array, right: Array | None, extent: int, n_cells: int, table: plan.Table
) -> Array:
    totals = device.xp.zeros(n_cells, np.uint64)
    both = (left,) if right is None else (left, right)
    lanes = plan.WIDE // max(column.dtype.itemsize for column in both)
    right_type = "Nothing" if right is None else TYPE_NAMES[right.dtype.name]
    device.launch(
        "count",
        f"count_shared<{TYPE_NAMES[left.dtype.name]}, {right_type}>",
        plan.grid(device.properties, -(-left.size // lanes), plan.COUNT_BLOCK, table.shared_bytes),
        plan.COUNT_BLOCK,
        (
            *(left, both[-1], np.int64(left.size), np.uint32(extent)),
            *(np.uint32(n_cells), np.uint32(table.shift), np.bool_(is_wide(lanes, *both)), totals),
        ),
        table.shared_bytes,
    )
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
    place, shared = "global", 0
    if table is not None:
        place, shared = "shared", table.shared_bytes
        size = (np.uint32(n_cells), np.uint32(table.shift))
    device.launch(
        "count",
        f"weigh_{place}<{TYPE_NAMES[cells.dtype.name]}>",
        plan.grid(device.properties, cells.size, shared_bytes=shared),
        plan.BLOCK,
        (cells, weights, np.int64(cells.size), *size, totals),
        shared,
    )
    return totals
