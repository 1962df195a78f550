"""Launchers of ``encode.cu`` and ``summarize.cu``."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.contract import RowSummary, Summary, code_dtype
from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.sources import TYPE_NAMES

KEYS = {4: np.int32, 8: np.int64}
"""The type of the keys of floats, by their bytes: `ordered.cuh`."""

KEY_MAX = {4: (1 << 31) - 1, 8: (1 << 63) - 1}


def is_wide(n_items: int, *arrays: Array) -> bool:
    """Whether arrays can be read, and written, ``n_items`` at a time."""
    return all(
        array.data.ptr % min(n_items * array.dtype.itemsize, plan.WIDE) == 0 for array in arrays
    )


def summarize(device: Device, values: Array) -> Summary:
    """One pass, and one look at its result."""
    low, high, n_missing = (found[0].item() for found in summarize_rows(device, values[None]))
    return Summary(low, high, n_missing)


def summarize_rows(device: Device, values: Array) -> RowSummary:
    """One launch and one look for all rows."""
    ends = np.iinfo(np.int64)
    n_rows, n_samples = values.shape
    found = device.xp.asarray(np.tile(np.array([ends.max, ends.min, 0]), (n_rows, 1)))
    values = device.xp.ascontiguousarray(values)
    lanes = plan.WIDE // values.dtype.itemsize
    wide = is_wide(lanes, values) and (n_rows == 1 or n_samples % lanes == 0)
    device.launch(
        "summarize",
        f"summarize<{TYPE_NAMES[values.dtype.name]}>",
        plan.row_grid(device.properties, n_rows, -(-n_samples // lanes)),
        plan.BLOCK,
        (
            *(values, np.int64(n_samples), np.int64(n_samples), np.int32(n_rows)),
            *(np.bool_(wide), found),
        ),
    )
    low, high, n_missing = found.get().T
    if values.dtype.kind == "f":
        limits = values_of_keys(np.stack([low, high]), values.dtype).astype(np.float64)
        low, high = np.where(low > high, np.nan, limits)
        return RowSummary(low, high, n_missing)
    if values.dtype == np.uint64:
        low, high = (end.view(np.uint64) ^ np.uint64(1 << 63) for end in (low, high))
    else:
        low, high = low.astype(values.dtype), high.astype(values.dtype)
    return RowSummary(low, high, n_missing)


def keys_of_values(values: Any, dtype: Any) -> Any:
    """Floats as integers in the same order."""
    key = KEYS[dtype.itemsize]
    bits = np.ascontiguousarray(values, dtype).view(key)
    return bits ^ ((bits >> (8 * dtype.itemsize - 1)) & KEY_MAX[dtype.itemsize])


def values_of_keys(keys: Any, dtype: Any) -> Any:
    """And back: the same flip undoes itself."""
    key = KEYS[dtype.itemsize]
    keys = keys.astype(key)
    return (keys ^ ((keys >> (8 * dtype.itemsize - 1)) & KEY_MAX[dtype.itemsize])).view(dtype)


def lower_keys(edges: Any, dtype: Any) -> Any:
    """Of each edge the key of the smallest value of ``dtype`` that reaches it."""
    with np.errstate(over="ignore"):
        reached = edges.astype(dtype)
    reached = np.where(reached < edges, np.nextafter(reached, dtype.type(np.inf)), reached)
    return keys_of_values(np.where(reached == 0, -0.0, reached), dtype)


def upper_keys(edges: Any, dtype: Any) -> Any:
    """Of each edge the key of the largest value of ``dtype`` that does not pass it."""
    with np.errstate(over="ignore"):
        reached = edges.astype(dtype)
    passes = reached.astype(np.float64) > edges
    reached = np.where(passes, np.nextafter(reached, dtype.type(-np.inf)), reached)
    return keys_of_values(np.where(reached == 0, 0.0, reached), dtype)


def encode_integers(
    device: Device, values: Array, low: int, n_bins: int, out: Array | None
) -> Array:
    """Subtract in unsigned arithmetic."""
    unsigned = device.xp.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
    offset = unsigned.dtype.type(low % (1 << 8 * values.dtype.itemsize))
    codes = _codes(device, values.size, code_dtype(n_bins - 1), out)
    types = f"{TYPE_NAMES[unsigned.dtype.name]}, {TYPE_NAMES[codes.dtype.name]}"
    _launch(device, f"encode_integers<{types}>", unsigned, (offset,), codes)
    return codes


def encode_edges(device: Device, values: Array, edges: Any, out: Array | None) -> Array:
    """Search among the inner edges."""
    return _encode(device, "encode_edges", values, edges, (), out)


def encode_uniform(
    device: Device, values: Array, low: float, high: float, n_bins: int, out: Array | None
) -> Array:
    """Multiply and compare, unless the products would be of no use."""
    edges = np.linspace(low, high, n_bins + 1)
    # Half first, so that a range wider than the largest float does not overflow.
    with np.errstate(over="ignore", divide="ignore"):
        scale = values.dtype.type(n_bins / (high / 2 - low / 2) / 2)
    if not 0 < scale < np.inf:
        return encode_edges(device, values, edges, out)
    return _encode(device, "encode_uniform", values, edges, (values.dtype.type(low), scale), out)


def _encode(
    device: Device, kernel: str, values: Array, edges: Any, more: tuple[Any, ...], out: Array | None
) -> Array:
    n_bins = edges.size - 1
    values = device.xp.ascontiguousarray(values)
    codes = _codes(device, values.size, code_dtype(n_bins), out)
    keys = lower_keys(edges[:-1], values.dtype)
    inner = device.xp.asarray(keys[1:])
    is_shared = inner.nbytes <= device.properties.shared_bytes_per_block // 4
    types = f"{TYPE_NAMES[values.dtype.name]}, {TYPE_NAMES[codes.dtype.name]}"
    _launch(
        device,
        f"{kernel}<{types}, {str(is_shared).lower()}>",
        values,
        (inner, np.int32(n_bins), keys[0], upper_keys(edges[-1:], values.dtype)[0], *more),
        codes,
        inner.nbytes if is_shared else 0,
    )
    return codes


def _codes(device: Device, size: int, dtype: str, out: Array | None) -> Array:
    return device.xp.empty(size, dtype) if out is None else out


def _launch(
    device: Device,
    kernel: str,
    values: Array,
    more: tuple[Any, ...],
    codes: Array,
    shared_bytes: int = 0,
) -> None:
    lanes = plan.WIDE // values.dtype.itemsize
    device.launch(
        "encode",
        kernel,
        plan.grid(device.properties, -(-values.size // lanes), shared_bytes=shared_bytes),
        plan.BLOCK,
        (values, np.int64(values.size), *more, codes, np.bool_(is_wide(lanes, values, codes))),
        shared_bytes,
    )
