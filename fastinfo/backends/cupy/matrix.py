"""Launchers of ``matrix.cu``."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.sources import TYPE_NAMES
from fastinfo.backends.pair_sums import PairSums

SIDE = 32
"""Cells of a block on either side, the same number as in ``matrix.cu``."""


class Plane(NamedTuple):
    """Numbers of pairs: the struct ``Plane`` of ``matrix.cu``."""

    values: Array
    line_step: np.int64
    column_step: np.int64

    @classmethod
    def from_array(cls, array: Array) -> Plane:
        """The plane of a matrix, or of a line, a column or a number that stands for a matrix."""
        lines, columns = array.shape
        return cls(
            values=array,
            line_step=np.int64(0 if lines == 1 else columns),
            column_step=np.int64(0 if columns == 1 else 1),
        )


def combine(
    device: Device, sums: PairSums, coefficients: tuple[float, float, float], low: float
) -> Array:
    """The measure of each pair, float64, in one pass over the sums: see `Kernels.combine`."""
    n_left, n_right = shape = sums.joint.shape
    out = device.xp.empty(shape, np.float64)
    if out.size == 0:
        return out
    with np.errstate(divide="ignore"):  # a warning of the emulation: 0 samples give 0·inf, NaN
        scale = sums.unit / sums.samples
    device.launch(
        *("matrix", f"combine<{TYPE_NAMES[sums.joint.dtype.name]}>"),
        *(plan.row_grid(device.properties, n_left, n_right), plan.BLOCK),
        (
            *map(Plane.from_array, (sums.joint, sums.left, sums.right, sums.whole, scale)),
            *(np.float64(number) for number in (*coefficients, low)),
            *(np.int64(n_left), np.int64(n_right), out),
        ),
    )
    return out


def write_tile(
    device: Device, values: Array, rows: Any, columns: Any, out: Array, is_symmetric: bool
) -> None:
    """Write values to cells of a matrix, as `Kernels.write_tile` says.

    Blocks in shared memory turn the values round, so that neighbouring threads write neighbouring
    cells in both halves of a symmetric matrix.
    """
    xp = device.xp
    values = xp.ascontiguousarray(values, out.dtype)
    n_left, n_right = values.shape
    if values.size == 0:
        return
    n_bytes = out.dtype.itemsize
    blocks = -(-n_right // SIDE), min(-(-n_left // SIDE), plan.MOST_BLOCKS - 1)
    device.launch(
        *("matrix", f"write_cells<uint{8 * n_bytes}>", blocks, plan.BLOCK),
        (
            *(values.view(f"u{n_bytes}"), np.int64(n_left), np.int64(n_right)),
            *(xp.asarray(rows), xp.asarray(columns)),
            *(np.bool_(is_symmetric), np.bool_(is_symmetric and rows[0] == columns[0])),
            # Its address, because a part of a larger matrix is not contiguous.
            np.uint64(out.data.ptr),
            *(np.int64(step // n_bytes) for step in out.strides),
        ),
        SIDE * (SIDE + 1) * n_bytes,
    )
