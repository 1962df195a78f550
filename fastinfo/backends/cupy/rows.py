"""Launchers of ``rows.cu``: all features of a table at once.

A launch for each feature would take 50 µs of Python each: a second for 20,000 features. In that
time all their pairs can be counted a hundred times.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.contract import code_dtype
from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.encode import lower_keys, upper_keys
from fastinfo.backends.cupy.sources import TYPE_NAMES

SORTED_AT_ONCE = 1 << 26
"""Samples that are sorted at a time."""


def order_statistics(device: Device, values: Array, ranks: Any, most: Any) -> tuple[Any, Any]:
    """The samples at some ranks of each row, and which rows may have ties; NaN is last in order.

    A row has ties if a value occurs more often than its ``most``. That differs between rows where
    samples are missing, and the smallest of them serves all rows. A row that is reported without
    need is checked again by itself.
    """
    xp = device.xp
    n_rows = max(SORTED_AT_ONCE // max(values.shape[1], 1), 1)
    apart = int(most.min())
    found, has_ties = [], []
    for first in range(0, len(values), n_rows):
        in_order = xp.sort(values[first : first + n_rows], axis=1)
        wanted = xp.asarray(ranks[first : first + n_rows])
        found.append(xp.take_along_axis(in_order, wanted, axis=1).astype(np.float64).get())
        is_equal = in_order[:, apart:] == in_order[:, : in_order.shape[1] - apart]
        has_ties.append(is_equal.any(axis=1).get())
    return np.concatenate(found), np.concatenate(has_ties)


def encode_integers(device: Device, values: Array, low: Any) -> Array:
    """The codes value − low of each row, uint8, by subtraction in unsigned arithmetic."""
    unsigned = device.xp.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
    lows = device.xp.asarray(low.astype(values.dtype).view(unsigned.dtype))
    codes = device.xp.empty(values.shape, np.uint8)
    _launch(
        device, f"encode_integer_rows<{TYPE_NAMES[unsigned.dtype.name]}>", unsigned, lows, codes
    )
    return codes


def encode_floats(device: Device, values: Array, edges: Any, n_bins: Any) -> Array:
    """The codes of each row, by a search among the row's edges."""
    xp = device.xp
    most = int(n_bins.max())
    ends = n_bins[:, None]
    keys = lower_keys(edges[:, : most + 1], values.dtype)
    last = np.take_along_axis(edges, ends, axis=1)
    np.put_along_axis(keys, ends, upper_keys(last, values.dtype), axis=1)
    codes = xp.empty(values.shape, code_dtype(most))
    shared_bytes = (most + 1) * keys.dtype.itemsize
    is_shared = shared_bytes <= device.properties.shared_bytes_per_block // 4
    values = xp.ascontiguousarray(values)
    types = f"{TYPE_NAMES[values.dtype.name]}, {TYPE_NAMES[codes.dtype.name]}"
    _launch(
        device,
        f"encode_rows<{types}, {str(is_shared).lower()}>",
        *(values, xp.asarray(keys), np.int32(most + 1), xp.asarray(n_bins.astype(np.int32)), codes),
        shared_bytes=shared_bytes if is_shared else 0,
    )
    return codes


def _launch(
    device: Device, kernel: str, values: Array, *arguments: Any, shared_bytes: int = 0
) -> None:
    n_rows, n_samples = values.shape
    device.launch(
        "rows",
        kernel,
        plan.row_grid(device.properties, n_rows, n_samples, shared_bytes),
        plan.BLOCK,
        (values, np.int64(n_samples), np.int64(n_samples), np.int32(n_rows), *arguments),
        shared_bytes,
    )
