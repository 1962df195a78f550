"""Categories of integers and booleans, and how they become codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends import whole_in_memory
from fastinfo.backends.contract import Array, Kernels, OnHost, code_dtype
from fastinfo.binning import extremes
from fastinfo.binning.extremes import Assumed, summarize
from fastinfo.data.columns import Column
from fastinfo.data.encoders import Capped, Encoder, LookUp, Offset, Renumbered
from fastinfo.system.ranges import BLOCK

MOST_OF_BYTES = 255
"""Bins of which the codes, and the one of missing samples, are bytes."""

CODED_BY_OFFSET = 1 << 16
"""Integers that span at most this many values are coded as value − smallest, without sorting."""


def fit_integers(
    column: Column, kernels: Kernels, n_jobs: int, may_guess: bool
) -> tuple[Any, Encoder, Assumed | None]:
    """Sorted categories of an integer or boolean column, how to encode it, and what was assumed."""
    values = column.values
    if values.dtype.kind == "b":
        return np.array([False, True]), LookUp(values.view("u1")), None
    assumed = _guess(values, kernels) if may_guess else None
    summary = summarize(values, kernels, n_jobs) if assumed is None else assumed.summary
    low, high = int(summary.low), int(summary.high)
    span = high - low + 1
    if values.dtype == "u1":  # codes as they are
        is_sure = assumed is None
        encode: Encoder = LookUp(values) if is_sure else Capped(values, high + 1, kernels)
        return np.arange(high + 1, dtype=values.dtype), encode, assumed
    if span > max(CODED_BY_OFFSET, 2 * values.size):
        with whole_in_memory(
            f"{column.name}: sorting {values.size} categories that lie far apart",
            "number the categories",
            kernels,
        ):
            categories, codes = kernels.xp.unique(values[:], return_inverse=True)
            codes = codes.astype(code_dtype(categories.size - 1))
        return kernels.to_host(categories), LookUp(codes), None
    encode = Offset(values, low, span, kernels)
    categories = np.arange(low, high + 1, dtype=values.dtype)
    if span <= 256:
        return categories, encode, assumed  # an empty category costs less than a look for it
    if not isinstance(values, OnHost):
        encode = LookUp(encode(0, values.size, None))
    present = _present(encode, span, values.size, None, kernels)
    if present.all():
        return categories, encode, None
    encode = _renumbered(encode, present, None, int(present.sum()) - 1)
    if not isinstance(values, OnHost):
        encode = LookUp(encode(0, values.size, None))
    return categories[kernels.to_host(present)], encode, None


def _guess(values: Array | OnHost, kernels: Kernels) -> Assumed | None:
    """Extremes by some samples, where codes can tell that another sample lies beyond."""
    if kernels.codes_while_counting and values.dtype != "u1":
        return None  # such kernels cap bytes alone
    assumed = extremes.guess(values, kernels)
    if assumed is None or values.dtype == "u1":
        return assumed
    return assumed if assumed.summary.high - assumed.summary.low < MOST_OF_BYTES else None


def _present(
    encode: Encoder,
    n_categories: int,
    n_samples: int,
    missing: Array | OnHost | None,
    kernels: Kernels,
) -> Array:
    """Which categories occur; by blocks, for NumPy widens codes to index with to eight bytes."""
    present = kernels.xp.zeros(n_categories, np.bool_)
    block = kernels.samples_at_once or BLOCK
    for start in range(0, n_samples, block):
        stop = min(start + block, n_samples)
        codes = encode(start, stop, None)
        present[codes if missing is None else codes[~missing[start:stop]]] = True
    return present


def _renumbered(
    encode: Encoder, present: Array, missing: Array | OnHost | None, largest: int
) -> Renumbered:
    new_codes = (present.cumsum() - 1).clip(0).astype(code_dtype(largest))
    return Renumbered(encode, new_codes, missing, largest)


def mark_missing(
    encode: Encoder, categories: Any, missing: Array | OnHost, kernels: Kernels
) -> tuple[Encoder, Any]:
    """How to give the missing samples the code B, and the categories left without them."""
    present = _present(encode, categories.size, missing.size, missing, kernels)
    categories = categories[kernels.to_host(present)]
    return _renumbered(encode, present, missing, categories.size), categories
