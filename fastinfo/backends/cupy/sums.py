"""Launchers of ``sums.cu``."""

from __future__ import annotations

from math import prod

import numpy as np

from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.sources import TYPE_NAMES

BLOCK = 256
MOST_BLOCKS = 1 << 16


def sum_xlogx(device: Device, counts: Array) -> Array:
    """Σ c·log c over the last axis."""
    xp = device.xp
    n_rows, n_cells = prod(counts.shape[:-1]), counts.shape[-1]
    out = xp.empty(counts.shape[:-1], np.float64)
    if n_rows:
        device.launch(
            "sums",
            f"sum_xlogx<{TYPE_NAMES[counts.dtype.name]}>",
            min(n_rows, MOST_BLOCKS),
            BLOCK,
            (xp.ascontiguousarray(counts), np.int64(n_rows), np.int64(n_cells), out),
            shared_bytes=BLOCK * 8,
        )
    return out
