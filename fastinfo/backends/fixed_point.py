"""Σ c·log c in fixed point, for every backend that sums counts where they arise."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def fixed_xlogx_table(largest: int) -> tuple[Array, float]:
    """``c·log c`` in fixed point, int64, for counts that add up to ``largest`` at most; the unit.

    Sums of integers are exact: the same in any order, so that every way to count a pair, any tile
    and any number of threads give one and the same value. The unit, a power of two, is the finest
    with which the sum cannot overflow; below that of a float64 sum, which is as large.
    """
    bits = max(1, int(largest).bit_length())
    return _fixed_table(bits), _fixed_unit(bits)


def _fixed_unit(bits: int) -> float:
    # A sum is at most N·log N < 2^bits·bits·log 2, and must stay below 2⁶².
    return 2.0 ** (math.ceil(math.log2((1 << bits) * bits * math.log(2))) - 62)


@cache
def _fixed_table(bits: int) -> Array:
    # An extended type, where the machine has one, makes each entry right to half a unit.
    counts = np.arange(1 << bits, dtype=np.longdouble)
    terms = counts * np.log(np.maximum(counts, 1)) / np.longdouble(_fixed_unit(bits))
    table: Array = np.rint(terms).astype(np.int64)
    table.flags.writeable = False
    return table
