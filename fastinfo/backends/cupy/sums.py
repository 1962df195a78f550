"""Launchers of ``sums.cu``."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.sources import TYPE_NAMES


def sum_xlogx(device: Device, counts: Array) -> Array:
    """Σ c·log c over the last axis; float64."""
    if counts.dtype.name not in ("int64", "float64"):
        counts = counts.astype(np.float64)
    return _over_rows(device, f"sum_xlogx<{TYPE_NAMES[counts.dtype.name]}>", counts)


def sum_xlogy(device: Device, p: Array, q: Array) -> Array:
    """Σ p·log q over the last axis; float64."""
    p, q = device.xp.broadcast_arrays(p.astype(np.float64), q.astype(np.float64))
    return _over_rows(device, "sum_xlogy", p, q)


def _over_rows(device: Device, kernel: str, *terms: Array) -> Array:
    xp = device.xp
    shape = terms[0].shape
    n_rows, n_cells = prod(shape[:-1]), shape[-1]
    out = xp.zeros(shape[:-1], np.float64)
    if not n_rows or not n_cells:
        return out
    n_pieces = plan.pieces(n_rows, n_cells)
    block = plan.sum_block(n_cells)
    sums = out if n_pieces == 1 else xp.empty((n_rows, n_pieces), np.float64)
    rows = [xp.ascontiguousarray(term) for term in terms]
    sizes = (np.int64(n_rows), np.int64(n_cells), np.int64(n_pieces))
    _launch(device, kernel, n_rows * n_pieces, block, (*rows, *sizes, sums))
    if sums is not out:
        added = (sums, np.int64(n_rows), np.int64(n_pieces), out)
        _launch(device, "add_pieces", n_rows, plan.sum_block(n_pieces), added)
    return out


def _launch(
    device: Device, kernel: str, n_blocks: int, block: int, arguments: tuple[Any, ...]
) -> None:
    device.launch(
        "sums",
        kernel,
        min(n_blocks, plan.MOST_BLOCKS),
        block,
        arguments,
        shared_bytes=block * 8,
    )
