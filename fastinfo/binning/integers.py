"""Categories of integers and booleans, and how they become codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends import whole_in_memory
from fastinfo.backends.contract import Array, Kernels, OnHost, Summary, code_dtype
from fastinfo.binning import extremes
from fastinfo.binning.extremes import Trust, summarize
from fastinfo.data.columns import Column
from fastinfo.data.encoders import (
    Capped,
    Encoder,
    Guessed,
    LookUp,
    Offset,
    Renumbered,
    TrustingLookUp,
)
from fastinfo.system.ranges import BLOCK

MOST_CAPPED = 64
"""Bins of bytes that are guessed on a device, where a table takes up to twice as many lines."""

MOST_OF_BYTES = 255
"""Bins of which the codes, and the one of missing samples, are bytes."""

CODED_BY_OFFSET = 1 << 16
"""Integers that span at most this many values are coded as value − smallest, without sorting."""


def fit_integers(
    column: Column, kernels: Kernels, n_jobs: int, trust: Trust
) -> tuple[Any, Encoder]:
    """Sorted categories of an integer or boolean column, and how to encode it."""
    values = column.values
    if values.dtype.kind == "b":
        return np.array([False, True]), LookUp(values.view("u1"))
    guess = _guess_integers(values, kernels, trust)
    if guess is not None:
        return guess
    low, high = (int(end) for end in summarize(values, kernels, n_jobs)[:2])
    span = high - low + 1
    if values.dtype == "u1":
        return np.arange(high + 1, dtype=values.dtype), LookUp(values)  # codes as they are
    if span > max(CODED_BY_OFFSET, 2 * values.size):
        with whole_in_memory(
            f"{column.name}: sorting {values.size} categories that lie far apart",
            "number the categories",
            kernels,
        ):
            categories, codes = kernels.xp.unique(values[:], return_inverse=True)
            codes = codes.astype(code_dtype(categories.size - 1))
        return kernels.to_host(categories), LookUp(codes)
    encode: Encoder = Offset(values, low, span, kernels)
    categories = np.arange(low, high + 1, dtype=values.dtype)
    if span <= 256:
        return categories, encode  # an empty category costs less than a look for it
    if not isinstance(values, OnHost):
        encode = LookUp(encode(0, values.size, None))
    present = _present(encode, span, values.size, None, kernels)
    if present.all():
        return categories, encode
    encode = _renumbered(encode, present, None, int(present.sum()) - 1)
    if not isinstance(values, OnHost):
        encode = LookUp(encode(0, values.size, None))
    return categories[kernels.to_host(present)], encode


def _guess_integers(
    values: Array | OnHost, kernels: Kernels, trust: Trust
) -> tuple[Any, Encoder] | None:
    """Categories by some samples of a long column, where the counting will tell of others."""
    comes_by_blocks = kernels.samples_at_once is None or isinstance(values, OnHost)
    if values.dtype == "u1" and values.size > extremes.WORTH_A_GUESS and trust is not Trust.NOTHING:
        high = int(kernels.summarize(extremes.subsample(values, kernels)).high)
        categories = np.arange(high + 1, dtype="u1")
        if kernels.codes_while_counting and high < MOST_CAPPED and trust is Trust.SOME:
            capped = Capped(values, high + 1, kernels)
            return categories, Guessed(capped, values, Summary(0, high, 0), kernels)
        return (categories, TrustingLookUp(values, high, kernels)) if comes_by_blocks else None
    if values.dtype == "u1" or kernels.codes_while_counting or trust is not Trust.SOME:
        return None  # kernels that code while they count cap bytes alone
    guess = extremes.guess(values, kernels)
    if guess is None or guess.high - guess.low >= MOST_OF_BYTES:
        return None
    low, high = int(guess.low), int(guess.high)
    offset = Offset(values, low, high - low + 1, kernels)
    return np.arange(low, high + 1, dtype=values.dtype), Guessed(offset, values, guess, kernels)


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
