"""Launchers of ``soft.cu``."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.sources import TYPE_NAMES
from fastinfo.backends.soft import SoftBins

GAUSSIAN = -1
"""The value of ``order`` that stands for the Gaussian kernel, as in ``spread.cuh``."""


class Axis(NamedTuple):
    """How samples of one variable are spread: the struct ``Axis`` of ``spread.cuh``."""

    limits: Array
    n_bins: np.int32
    order: np.int32
    sigma: np.float64
    reach: np.int32
    taps: np.int32


def count(
    device: Device, x: Array, y: Array, x_bins: SoftBins, y_bins: SoftBins, weights: Array | None
) -> Array:
    """Soft counts of pairs, float64 ``(pairs, B_x, B_y)``: the sums of the tables of chunks.

    A launch takes as many pairs as their tables have memory.
    """
    xp = device.xp
    (n_pairs, n_samples), n_cells = x.shape, x_bins.n_bins * y_bins.n_bins
    if not x.size:
        return xp.zeros((n_pairs, x_bins.n_bins, y_bins.n_bins), np.float64)
    counts = xp.empty((n_pairs, x_bins.n_bins, y_bins.n_bins), np.float64)
    chunk_samples = plan.soft_chunk(n_samples, n_cells)
    n_chunks = -(-n_samples // chunk_samples)
    taps = plan.soft_taps(x_bins) + plan.soft_taps(y_bins)
    warps = plan.soft_warps(device.properties, taps, n_cells)
    step = max(plan.SOFT_TABLE_BYTES // (n_chunks * n_cells * 8), 1)
    columns = [xp.ascontiguousarray(array) for array in (x, y)]
    for first in range(0, n_pairs, step):
        pairs = slice(first, first + step)
        part = [column[pairs] for column in columns]
        n_items = len(part[0]) * n_chunks
        blocks = plan.soft_grid(device.properties, n_items * 32, warps)
        tables = counts[pairs]
        if n_chunks > 1:
            tables = xp.empty((len(part[0]), n_chunks, n_cells), np.float64)
        device.launch(
            "soft",
            f"soft_count<{_type_name(x)}, {_in_shared(warps)}>",
            blocks,
            warps.number * 32,
            (
                *(*part, *_weights(xp, weights, pairs, part[0])),
                *map(np.int64, (len(part[0]), n_samples, chunk_samples, n_chunks)),
                *(_axis(xp, x_bins, pairs), _axis(xp, y_bins, pairs)),
                *(_memory(xp, warps, blocks), tables),
            ),
            warps.shared_bytes or 0,
        )
        if n_chunks > 1:
            lines = plan.soft_lines(n_chunks)
            device.launch(
                "soft",
                "add_tables",
                min(len(part[0]) * -(-n_cells // 32), plan.MOST_BLOCKS),
                (32, lines),
                (tables, *map(np.int64, (len(part[0]), n_chunks, n_cells)), counts[pairs]),
                32 * lines * 8,
            )
    return counts


def differentiate(
    device: Device,
    x: Array,
    y: Array,
    x_bins: SoftBins,
    y_bins: SoftBins,
    weights: Array | None,
    by_counts: Array,
    x_out: Array | None,
    y_out: Array | None,
) -> None:
    """Write the derivatives by the samples of one or both variables of each pair."""
    xp = device.xp
    if not x.size or (x_out is None and y_out is None):
        return
    taps = plan.soft_taps(x_bins) + plan.soft_taps(y_bins)
    warps = plan.soft_warps(device.properties, 2 * taps, 0)
    blocks = plan.soft_grid(device.properties, x.size, warps)
    # The kernel writes contiguous rows; other outputs get a copy.
    outs = [
        out if out is None or out.flags.c_contiguous else xp.empty(out.shape, out.dtype)
        for out in (x_out, y_out)
    ]
    either = outs[0] if outs[1] is None else outs[1]
    values = xp.ascontiguousarray(x)
    everything = slice(len(x))
    wanted = [(either if out is None else out, np.bool_(out is not None)) for out in outs]
    device.launch(
        "soft",
        f"soft_gradient<{_type_name(x)}, {_in_shared(warps)}>",
        blocks,
        warps.number * 32,
        (
            *(values, xp.ascontiguousarray(y), *_weights(xp, weights, everything, values)),
            *map(np.int64, x.shape),
            *(_axis(xp, x_bins, everything), _axis(xp, y_bins, everything)),
            *(xp.ascontiguousarray(by_counts), _memory(xp, warps, blocks), *wanted[0], *wanted[1]),
        ),
        warps.shared_bytes or 0,
    )
    for out, found in zip((x_out, y_out), outs, strict=True):
        if out is not None and found is not out:
            out[...] = found


def _type_name(values: Array) -> str:
    return TYPE_NAMES[values.dtype.name]


def _in_shared(warps: plan.Warps) -> str:
    return "false" if warps.shared_bytes is None else "true"


def _memory(xp: Any, warps: plan.Warps, blocks: int) -> Array:
    """Memory for the shares of all warps that run; one element where shared memory holds them."""
    n_shares = blocks * warps.number * warps.shares if warps.shared_bytes is None else 1
    return xp.empty(n_shares, np.float64)


def _weights(xp: Any, weights: Array | None, pairs: slice, instead: Array) -> tuple[Array, Any]:
    """The weights of some pairs and the bytes of one; without weights ``instead`` and 0."""
    if weights is None:
        return instead, np.int32(0)
    part = xp.ascontiguousarray(weights[pairs])
    return part, np.int32(part.dtype.itemsize)


def _axis(xp: Any, bins: SoftBins, pairs: slice) -> Axis:
    is_gaussian = bins.kernel == "gaussian"
    return Axis(
        limits=xp.ascontiguousarray(bins.limits[pairs]),
        n_bins=np.int32(bins.n_bins),
        order=np.int32(GAUSSIAN if is_gaussian else bins.order),
        sigma=np.float64(bins.sigma),
        reach=np.int32(bins.reach if is_gaussian else 0),
        taps=np.int32(plan.soft_taps(bins)),
    )
