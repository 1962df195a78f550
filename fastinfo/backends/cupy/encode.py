"""Launchers of ``encode.cu`` and ``summarize.cu``, and the bins that ``coders.cuh`` takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import RowSummary, Summary, Uncoded, code_dtype
from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.sources import TYPE_NAMES

KEYS = {4: np.int32, 8: np.int64}
"""The dtype of the keys of floats (``ordered.cuh``), by the number of their bytes."""

KEY_MAX = {4: (1 << 31) - 1, 8: (1 << 63) - 1}


def is_wide(n_items: int, *arrays: Array) -> bool:
    """Whether the arrays are aligned, so that ``n_items`` can be read or written at a time."""
    return all(
        array.data.ptr % min(n_items * array.dtype.itemsize, plan.WIDE) == 0 for array in arrays
    )


def summarize(device: Device, dtype: Any, parts: Iterable[Array]) -> Summary:
    """The summary of all parts together; one copy to the host brings the result."""
    found = _nothing_found(device, 1)
    for part in parts:
        _look_through(device, part[None], found)
    low, high, n_missing = (result[0].item() for result in _row_summary(found, dtype))
    return Summary(low, high, n_missing)


def summarize_rows(device: Device, values: Array) -> RowSummary:
    """The summary of each row, by one launch and one copy to the host."""
    found = _nothing_found(device, len(values))
    _look_through(device, values, found)
    return _row_summary(found, values.dtype)


def _nothing_found(device: Device, n_rows: int) -> Array:
    ends = np.iinfo(np.int64)
    return device.xp.asarray(np.tile(np.array([ends.max, ends.min, 0]), (n_rows, 1)))


def _look_through(device: Device, values: Array, found: Array) -> None:
    values = device.xp.ascontiguousarray(values)
    n_rows, n_samples = values.shape
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


def _row_summary(found: Array, dtype: Any) -> RowSummary:
    low, high, n_missing = found.get().T
    if dtype.kind == "f":
        limits = values_of_keys(np.stack([low, high]), dtype).astype(np.float64)
        low, high = np.where(low > high, np.nan, limits)
    elif dtype == np.uint64:
        low, high = (end.view(np.uint64) ^ np.uint64(1 << 63) for end in (low, high))
    else:
        low, high = low.astype(dtype), high.astype(dtype)
    return RowSummary(low, high, n_missing)


def keys_of_values(values: Any, dtype: Any) -> Any:
    """Floats as signed integers that have the same order (``ordered.cuh``)."""
    key = KEYS[dtype.itemsize]
    bits = np.ascontiguousarray(values, dtype).view(key)
    return bits ^ ((bits >> (8 * dtype.itemsize - 1)) & KEY_MAX[dtype.itemsize])


def values_of_keys(keys: Any, dtype: Any) -> Any:
    """The floats of keys: the inverse of `keys_of_values`, by the same flip of bits."""
    key = KEYS[dtype.itemsize]
    keys = keys.astype(key)
    return (keys ^ ((keys >> (8 * dtype.itemsize - 1)) & KEY_MAX[dtype.itemsize])).view(dtype)


def lower_keys(edges: Any, dtype: Any) -> Any:
    """For each edge, the key of the smallest value of ``dtype`` that is not below it."""
    with np.errstate(over="ignore"):  # an edge beyond the largest float becomes infinity
        reached = edges.astype(dtype)
        reached = np.where(reached < edges, np.nextafter(reached, dtype.type(np.inf)), reached)
    return keys_of_values(np.where(reached == 0, -0.0, reached), dtype)


def upper_keys(edges: Any, dtype: Any) -> Any:
    """For each edge, the key of the largest value of ``dtype`` that is not above it."""
    with np.errstate(over="ignore"):
        reached = edges.astype(dtype)
        passes = reached.astype(np.float64) > edges
        reached = np.where(passes, np.nextafter(reached, dtype.type(-np.inf)), reached)
    return keys_of_values(np.where(reached == 0, 0.0, reached), dtype)


class Bins(NamedTuple):
    """Bins of floating-point values: the struct ``Bins`` of ``coders.cuh``."""

    keys: Array
    """The keys of the smallest value of each bin and of the largest of the last, n_bins + 1."""
    n_bins: np.int32
    scale: np.floating[Any]
    shift: np.floating[Any]
    limit: np.floating[Any]


def bins_of(device: Device, dtype: Any, edges: Any, is_uniform: bool) -> Bins:
    """The bins with their keys, and the product that guesses a bin.

    The limit of the product is negative where no product is used.
    """
    n_bins = edges.size - 1
    keys = np.append(lower_keys(edges[:-1], dtype), upper_keys(edges[-1:], dtype))
    guess = product(float(edges[0]), float(edges[-1]), n_bins, dtype) if is_uniform else None
    scale, shift, limit = (dtype.type(number) for number in guess or (0.0, 0.0, -1.0))
    keys = device.xp.asarray(keys)
    return Bins(keys=keys, n_bins=np.int32(n_bins), scale=scale, shift=shift, limit=limit)


def product(low: float, high: float, n_bins: int, dtype: Any) -> tuple[float, float, float] | None:
    """Scale, shift and limit of the product that guesses the bin, for equal bins.

    The nearest whole number to value·scale + shift is the bin, unless its distance passes the
    limit. None where rounding makes too many values doubtful.
    """
    float_info = np.finfo(dtype)
    with np.errstate(over="ignore", divide="ignore"):
        # Halved first, so that a range wider than the largest float does not overflow.
        half = high / 2 - low / 2
        scale = float(dtype.type(n_bins / half / 2)) if half > 0 else np.inf
    # The scale, the product and the sum each have an error of half an ulp of at most n_bins or of
    # the larger end, and an edge has one of an ulp or two of float64. The bound is four times that,
    # so that it also covers values that lie outside by as much again; values farther out are
    # farther from the bins than their rounding error. The device takes numbers below the smallest
    # normal one as 0.
    larger = max(abs(low), abs(high))
    doubt = 8 * float(float_info.eps) * (n_bins + larger * scale) + float(float_info.tiny) * (
        scale + 1
    )
    whole_numbers = 1 << min(float_info.nmant - 1, 31)
    if not (float_info.tiny <= scale < np.inf and doubt < 0.25 and n_bins < whole_numbers):
        return None
    return scale, -low * scale - 0.5, 0.5 - doubt


def encode_integers(
    device: Device, values: Array, low: int, n_bins: int, out: Array | None
) -> Array:
    """The codes value − low, by subtraction in unsigned arithmetic."""
    unsigned = device.xp.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
    offset = unsigned.dtype.type(low % (1 << 8 * values.dtype.itemsize))
    codes = _codes(device, values.size, code_dtype(n_bins - 1), out)
    types = f"{TYPE_NAMES[unsigned.dtype.name]}, {TYPE_NAMES[codes.dtype.name]}"
    _launch(device, f"encode_integers<{types}>", unsigned, (offset,), codes)
    return codes


def encode_floats(
    device: Device, values: Array, edges: Any, is_uniform: bool, out: Array | None
) -> Array:
    """The codes by any edges: a product guesses equal bins, and a search finds all others."""
    values = device.xp.ascontiguousarray(values)
    bins = bins_of(device, values.dtype, edges, is_uniform)
    codes = _codes(device, values.size, code_dtype(edges.size - 1), out)
    is_shared = bins.keys.nbytes <= device.properties.shared_bytes_per_block // 4
    types = f"{TYPE_NAMES[values.dtype.name]}, {TYPE_NAMES[codes.dtype.name]}"
    kernel = f"encode_floats<{types}, {str(is_shared).lower()}>"
    _launch(device, kernel, values, (bins,), codes, bins.keys.nbytes if is_shared else 0)
    return codes


def codes_of(device: Device, column: Array | Uncoded, extent: int) -> Array:
    """The codes of a variable with ``extent`` − 1 bins; codes are returned as they are."""
    if not isinstance(column, Uncoded):
        return column
    if column.is_guess:
        return device.xp.minimum(column.values, min(extent - 1, 255))
    if column.edges is None:
        return encode_integers(device, column.values, column.low, extent - 1, None)
    return encode_floats(device, column.values, column.edges, column.is_uniform, None)


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
