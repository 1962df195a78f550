"""Launchers of ``matrix.cu``."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.contract import PairEntropies
from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device

SIDE = 32
"""Cells of a block on either side, as ``matrix.cu`` has it."""


def combine(
    device: Device, entropies: PairEntropies, coefficients: tuple[float, float, float]
) -> Array:
    """Write each measure once, of entropies that are read once."""
    n_left, n_right = shape = entropies.joint.shape
    out = device.xp.empty(shape, np.float64)
    if out.size == 0:
        return out
    a, b, c = (np.float64(factor) for factor in coefficients)
    sides = [
        (side, *(np.int64(0 if extent == 1 else step) for extent, step in _steps(side)))
        for side in (entropies.left, entropies.right)
    ]
    device.launch(
        *("matrix", "combine"),
        *(plan.row_grid(device.properties, n_left, n_right), plan.BLOCK),
        (entropies.joint, *sides[0], a, *sides[1], b, c, np.int64(n_left), np.int64(n_right), out),
    )
    return out


def _steps(array: Array) -> list[tuple[int, int]]:
    """Extents of a matrix, and elements from one line and from one column to the next."""
    lines, columns = array.shape
    return [(lines, columns), (columns, 1)]


def write_tile(
    device: Device, values: Array, rows: Any, columns: Any, out: Array, is_symmetric: bool
) -> None:
    """Write both halves of a symmetric matrix by neighbours, through blocks in shared memory."""
    xp = device.xp
    values = xp.ascontiguousarray(values, out.dtype)
    n_left, n_right = values.shape
    if values.size == 0:
        return
    n_bytes = out.dtype.itemsize
    blocks = -(-n_right // SIDE), min(-(-n_left // SIDE), plan.MOST_BLOCKS - 1)
    device.launch(
        *("matrix", f"place<uint{8 * n_bytes}>", blocks, plan.BLOCK),
        (
            *(values.view(f"u{n_bytes}"), np.int64(n_left), np.int64(n_right)),
            *(xp.asarray(rows), xp.asarray(columns)),
            *(np.bool_(is_symmetric), np.bool_(is_symmetric and rows[0] == columns[0])),
            # The address, for a part of a larger matrix is no array of one piece.
            np.uint64(out.data.ptr),
            *(np.int64(step // n_bytes) for step in out.strides),
        ),
        SIDE * (SIDE + 1) * n_bytes,
    )
