"""Σ c·log c, the reduction behind every discrete measure.

Counts are small integers, so that a table is faster than any logarithm. For larger counts and for
weights, a logarithm is computed in plain arithmetic, which LLVM turns into vector code.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from fastinfo.backends.numba.jit import jit, jit_inline

Array = np.ndarray[Any, Any]

TABLE_BITS = 16
TABLE_SIZE = 1 << TABLE_BITS
"""Entries of the table for counts of any size: 512 KB, of which the cache holds what is used."""
_BATCH = 256
"""Terms that are added up plainly. Sums of batches are compensated, so that rounding does not grow
with the number of cells."""
_LN2_HIGH = 0.6931471803691238  # ln 2 cut after 33 bits: its product with an exponent is exact
_LN2_LOW = 1.9082149292705877e-10  # ln 2 − _LN2_HIGH
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_HALF_ULP_FREE = (1 << 52) - 1


def xlogx_table(largest: int) -> Array:
    """``c·log c`` of the integers from 0 to at least ``largest``, float64."""
    return _table(max(10, int(largest).bit_length()))


@cache
def _table(bits: int) -> Array:
    table = np.empty(1 << bits)
    _fill(table)
    table.flags.writeable = False
    return table


@jit_inline
def xlogx(value: Any) -> Any:
    """``value·log(value)`` to about one unit in the last place; 0 for 0.

    It has no branch and no call, so that loops over it vectorise.
    """
    # value = 2ᵏ·(1 + f) with 1 + f in [√½, √2). Subnormals are scaled up first.
    tiny = value < 2.2250738585072014e-308
    scaled = value * 18014398509481984.0 if tiny else value
    bits = np.float64(scaled).view(np.int64) - _SQRT_HALF_BITS
    exponent = bits >> 52
    f = np.int64((bits & _HALF_ULP_FREE) + _SQRT_HALF_BITS).view(np.float64) - 1.0
    k = np.float64(exponent) - (54.0 if tiny else 0.0)
    # log(1 + f) = 2·artanh(s) with s = f/(2 + f), and 2s = f − s·f: the leading term f is exact.
    s = f / (2.0 + f)
    z = s * s
    tail = 2.0 / 19.0 + z * (2.0 / 21.0)
    tail = 2.0 / 17.0 + z * tail
    tail = 2.0 / 15.0 + z * tail
    tail = 2.0 / 13.0 + z * tail
    tail = 2.0 / 11.0 + z * tail
    tail = 2.0 / 9.0 + z * tail
    tail = 2.0 / 7.0 + z * tail
    tail = 2.0 / 5.0 + z * tail
    tail = z * (2.0 / 3.0 + z * tail)
    logarithm = k * _LN2_HIGH + (f - (s * (f - tail) - k * _LN2_LOW))
    return value * logarithm if value > 0.0 else 0.0


@jit
def _fill(table: Array) -> None:
    for count in range(len(table)):
        table[count] = xlogx(np.float64(count))


@jit
def _sum_batch(terms: Array, n: int) -> float:
    """The sum of the first ``n`` terms in eight strands, in the same order on every machine."""
    a = b = c = d = e = f = g = h = 0.0
    whole = n - n % 8
    for i in range(0, whole, 8):
        a += terms[i]
        b += terms[i + 1]
        c += terms[i + 2]
        d += terms[i + 3]
        e += terms[i + 4]
        f += terms[i + 5]
        g += terms[i + 6]
        h += terms[i + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for i in range(whole, n):
        total += terms[i]
    return total


@jit_inline
def _lost(total: Any, part: Any, both: Any) -> Any:
    """The rounding error of ``both = total + part`` [Knuth, TAOCP 2, section 4.2.2]."""
    there = both - total
    return (total - (both - there)) + (part - there)


@jit
def _sum_by_table(counts: Array, table: Array, sums: Array) -> None:
    size = len(table)
    n_cells = counts.shape[1]
    if n_cells <= _BATCH:  # one batch needs no compensation, which takes time in short rows
        for row in range(len(sums)):
            sums[row] = _few_by_table(counts[row], table, size)
        return
    for row in range(len(sums)):
        total = lost = 0.0
        for first in range(0, n_cells, _BATCH):
            part = _few_by_table(counts[row, first : first + _BATCH], table, size)
            both = total + part
            lost += _lost(total, part, both)
            total = both
        sums[row] = total + lost


@jit_inline
def _few_by_table(cells: Any, table: Any, size: Any) -> Any:
    a = b = c = d = 0.0
    whole = len(cells) - len(cells) % 4
    for i in range(0, whole, 4):
        a += _term(cells[i], table, size)
        b += _term(cells[i + 1], table, size)
        c += _term(cells[i + 2], table, size)
        d += _term(cells[i + 3], table, size)
    for i in range(whole, len(cells)):
        a += _term(cells[i], table, size)
    return (a + b) + (c + d)


@jit_inline
def _term(count: Any, table: Any, size: Any) -> Any:
    return table[np.uint64(count)] if count < size else xlogx(np.float64(count))


@jit
def _sum_by_logarithm(counts: Array, sums: Array) -> None:
    n_cells = counts.shape[1]
    terms = np.empty(_BATCH)
    if n_cells <= _BATCH:
        for row in range(len(sums)):
            sums[row] = _few_by_logarithm(counts[row], terms)
        return
    for row in range(len(sums)):
        total = lost = 0.0
        for first in range(0, n_cells, _BATCH):
            part = _few_by_logarithm(counts[row, first : first + _BATCH], terms)
            both = total + part
            lost += _lost(total, part, both)
            total = both
        sums[row] = total + lost


@jit_inline
def _few_by_logarithm(cells: Any, terms: Any) -> Any:
    for i in range(len(cells)):
        terms[i] = xlogx(np.float64(cells[i]))
    return _sum_batch(terms, len(cells))


@jit
def _one_by_table(cells: Array, table: Array) -> Any:
    sums = np.empty(1)
    _sum_by_table(cells.reshape((1, len(cells))), table, sums)
    return sums[0]


@jit
def _one_by_logarithm(cells: Array) -> Any:
    sums = np.empty(1)
    _sum_by_logarithm(cells.reshape((1, len(cells))), sums)
    return sums[0]


def sum_xlogx(counts: Array) -> Any:
    """Σ c·log c over the last axis of int64 counts or float64 weights; 0·log 0 is 0."""
    cells = np.ascontiguousarray(counts)
    is_weighted = cells.dtype.kind == "f"
    if cells.ndim == 1:  # with few cells, making arrays of one row and one sum takes most time
        one = _one_by_logarithm(cells) if is_weighted else _one_by_table(cells, _table(TABLE_BITS))
        return np.float64(one)
    *outer, n_cells = cells.shape
    # reshape cannot infer a length next to an axis of length 0.
    cells = cells.reshape(math.prod(outer), n_cells)
    sums = np.empty(len(cells))
    if is_weighted:
        _sum_by_logarithm(cells, sums)
    else:
        _sum_by_table(cells, _table(TABLE_BITS), sums)
    return sums.reshape(outer)


@jit
def sum_xlogy(p: Any, q: Any, sums: Any) -> None:
    """Σ p·log q of each row."""
    n_cells = p.shape[1]
    if n_cells <= _BATCH:
        for row in range(p.shape[0]):
            sums[row] = _few_of_two(p[row], q[row])
        return
    for row in range(p.shape[0]):
        total = lost = 0.0
        for first in range(0, n_cells, _BATCH):
            part = _few_of_two(p[row, first : first + _BATCH], q[row, first : first + _BATCH])
            both = total + part
            lost += _lost(total, part, both)
            total = both
        # The differences of infinite sums are NaN.
        sums[row] = total if total == -np.inf else total + lost


@jit_inline
def _few_of_two(p: Any, q: Any) -> Any:
    total = 0.0
    for cell in range(len(p)):
        x = np.float64(p[cell])
        if x > 0:
            y = np.float64(q[cell])
            total += x * (math.log(y) if y > 0 else -np.inf)
    return total
