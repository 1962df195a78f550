"""Random tables with given margins: by cells, or by samples where these are few.

By cells, a count is drawn for each cell but those of the last row and column: it is hypergeometric,
given the cells before it [Patefield 1981, algorithm AS 159]. By samples, the values of the one
variable are shuffled and dealt out to the values of the other.

A table has random numbers of its own, a sequence that begins at a hash of the seed and of the
number of the table. So neither threads nor the tables made before change a table.

Small counts come from their distribution, step by step from the most likely count outwards. Others
come from the ratio of two uniform numbers, whose time does not grow with the spread.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from fastinfo.backends.numba import sums as sums_of
from fastinfo.backends.numba.jit import jit, jit_inline, u64

Array = np.ndarray[Any, Any]

TABLE_BITS = 20
"""Logarithms of factorials up to 2²⁰ come from a table of 8 MiB, of which the cache holds what is
used; those beyond from Stirling's series."""

SAMPLES_A_CELL = 12
"""Up to so many samples a cell of the table, it is faster to shuffle samples: a sample takes 5 ns,
and a cell 40 to 100 ns (Zen 4)."""

SMALL_VARIANCE = 100.0
"""The variance of a count up to which steps from the most likely count are faster: they take 40 ns
at a variance of 1 and 75 ns here, where the ratio takes 75 ns anywhere."""

_GOLDEN = u64(0x9E3779B97F4A7C15)
_FIRST = u64(0xBF58476D1CE4E5B9)
_SECOND = u64(0x94D049BB133111EB)
_WIDTH = 2 * math.sqrt(2 / math.e)
_MORE_WIDTH = 3 - 2 * math.sqrt(3 / math.e)
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def tables(left: Array, right: Array, seed: int, first: int, n: int) -> Array:
    """`n` tables ``(n, k, l)``."""
    found = np.zeros((n, left.size, right.size), np.int64)
    # The largest row comes last, because the last one costs nothing.
    order = np.argsort(left, kind="stable")
    for i in range(n):
        table = np.zeros((left.size, right.size), np.int64)
        _fill(left[order], right, u64(seed), u64(first + i), table)
        found[i, order] = table
    return found


def sums(left: Array, right: Array, seed: int, first: int, n: int) -> Array:
    """Σ c·log c of each of `tables`."""
    found = np.empty(n)
    xlogx = sums_of.xlogx_table(sums_of.TABLE_SIZE - 1)
    rows = np.sort(left)
    if _is_by_samples(left, right):
        values = np.repeat(np.arange(right.size, dtype=np.int32), right)
        _sums_by_samples(rows, values, right.size, u64(seed), u64(first), xlogx, found)
    else:
        logs = _log_factorials(int(left.sum()))
        _sums_by_cells(rows, right, u64(seed), u64(first), logs, xlogx, found)
    return found


def _fill(left: Array, right: Array, seed: Any, number: Any, table: Array) -> None:
    if _is_by_samples(left, right):
        values = np.repeat(np.arange(right.size, dtype=np.int32), right)
        _fill_by_samples(left, values, seed, number, table)
    else:
        _fill_by_cells(left, right, seed, number, _log_factorials(int(left.sum())), table)


def _is_by_samples(left: Array, right: Array) -> bool:
    return int(left.sum()) <= SAMPLES_A_CELL * left.size * right.size


@cache
def _table(bits: int) -> Array:
    table = np.zeros(1 << bits)
    np.cumsum(np.log(np.arange(1, 1 << bits, dtype=np.longdouble)), out=table[1:])
    table.flags.writeable = False
    return table


def _log_factorials(n_samples: int) -> Array:
    return _table(min(max(10, (n_samples + 1).bit_length()), TABLE_BITS))


# --- random numbers -----------------------------------------------------------------------------


@jit_inline
def _mix(state: Any) -> Any:
    """The scrambled state: SplitMix64 [Steele, Lea & Flood 2014]."""
    z = (state ^ (state >> u64(30))) * _FIRST
    z = (z ^ (z >> u64(27))) * _SECOND
    return z ^ (z >> u64(31))


@jit_inline
def _start(seed: Any, number: Any) -> Any:
    """The first state of a table, which is far from those of other tables."""
    return _mix(_mix(seed) + _GOLDEN * (number + u64(1)))


@jit_inline
def _uniform(state: Any) -> Any:
    """A number in (0, 1) that has 53 bits."""
    return (np.float64(_mix(state) >> u64(11)) + 0.5) * 1.1102230246251565e-16


# --- hypergeometric counts ----------------------------------------------------------------------


@jit_inline
def _log_factorial(k: Any, logs: Any) -> Any:
    if k < logs.size:
        return logs[u64(k)]
    x = np.float64(k)
    return (
        (x + 0.5) * math.log(x) - x + _HALF_LOG_TWO_PI + (1.0 - 1.0 / (30.0 * x * x)) / (12.0 * x)
    )


@jit_inline
def _log_ratio(k: Any, m: Any, logs: Any) -> Any:
    """log(k!/m!). Beyond the table it is no difference of two large numbers."""
    if k < logs.size or m < logs.size:
        return _log_factorial(k, logs) - _log_factorial(m, logs)
    x, y = np.float64(k), np.float64(m)
    return (
        (y + 0.5) * math.log1p((x - y) / y) + (x - y) * (math.log(x) - 1.0) + (y - x) / (12 * x * y)
    )


@jit
def _draw(marked: int, drawn: int, total: int, state: Any, logs: Any) -> Any:
    """The number of marked ones among ``drawn`` of ``total``, and the next state."""
    rest = total - marked - drawn
    smallest, largest = max(-rest, 0), min(marked, drawn)
    if smallest == largest:
        return smallest, state
    share = np.float64(marked) / total
    mean = share * drawn
    variance = mean * (1.0 - share) * (total - drawn) / (total - 1.0)
    mode = int((marked + 1.0) * (drawn + 1.0) / (total + 2.0))
    mode = min(max(mode, smallest), largest)
    if variance <= SMALL_VARIANCE and total < logs.size:
        return _draw_by_steps(marked, drawn, total, mode, state, logs)
    # The ratio of uniforms [Stadlober 1990]: u below the root of p(k)/p(mode), for k at v/u.
    width = _WIDTH * math.sqrt(variance + 0.5) + _MORE_WIDTH
    while True:
        u = _uniform(state)
        v = _uniform(state + _GOLDEN)
        state += _GOLDEN + _GOLDEN
        x = mean + 0.5 + width * (v - 0.5) / u
        if not smallest <= x < largest + 1.0:
            continue
        k = int(x)
        height = _log_ratio(mode, k, logs) + _log_ratio(marked - mode, marked - k, logs)
        height += _log_ratio(drawn - mode, drawn - k, logs) + _log_ratio(
            rest + mode, rest + k, logs
        )
        if u * (4.0 - u) - 3.0 <= height:
            return k, state
        if u * (u - height) >= 1.0:
            continue
        if 2.0 * math.log(u) <= height:
            return k, state


@jit_inline
def _draw_by_steps(marked: Any, drawn: Any, total: Any, mode: Any, state: Any, logs: Any) -> Any:
    rest = total - marked - drawn
    smallest, largest = max(-rest, 0), min(marked, drawn)
    height = logs[u64(marked)] - logs[u64(mode)] - logs[u64(marked - mode)]
    height += logs[u64(total - marked)] - logs[u64(drawn - mode)] - logs[u64(rest + mode)]
    height -= logs[u64(total)] - logs[u64(drawn)] - logs[u64(total - drawn)]
    up = down = math.exp(height)
    left = _uniform(state) - up
    state += _GOLDEN
    above = below = np.float64(mode)
    first, last = np.float64(smallest), np.float64(largest)
    a, b, c = np.float64(marked), np.float64(drawn), np.float64(rest)
    while left >= 0.0 and (above < last or below > first):
        if above < last:
            # The ratio first: then a step waits for one product of the step before it.
            up *= (a - above) * (b - above) / ((above + 1.0) * (c + above + 1.0))
            above += 1.0
            left -= up
            if left < 0.0:
                return int(above), state
        if below > first:
            down *= below * (c + below) / ((a - below + 1.0) * (b - below + 1.0))
            below -= 1.0
            left -= down
            if left < 0.0:
                return int(below), state
    return mode, state


# --- tables -------------------------------------------------------------------------------------


@jit
def _fill_by_cells(left: Any, right: Any, seed: Any, number: Any, logs: Any, table: Any) -> None:
    state = _start(seed, number)
    columns = right.copy()
    for i in range(left.size - 1):
        ahead = columns.sum()
        unplaced = left[i]
        for j in range(right.size):
            if unplaced == 0:
                break
            count, state = _draw(columns[j], unplaced, ahead, state, logs)
            ahead -= columns[j]
            columns[j] -= count
            unplaced -= count
            table[i, j] = count
    table[left.size - 1] = columns


@jit
def _sums_by_cells(
    left: Any, right: Any, seed: Any, first: Any, logs: Any, xlogx: Any, sums: Any
) -> None:
    columns = np.empty(right.size, np.int64)
    total = left.sum()
    for t in range(sums.size):
        state = _start(seed, first + u64(t))
        columns[:] = right
        left_over = total
        value = 0.0
        for i in range(left.size - 1):
            ahead, unplaced = left_over, left[i]
            left_over -= unplaced
            for j in range(right.size):
                if unplaced == 0:
                    break
                count, state = _draw(columns[j], unplaced, ahead, state, logs)
                ahead -= columns[j]
                columns[j] -= count
                unplaced -= count
                value += _term(count, xlogx)
        for j in range(right.size):
            value += _term(columns[j], xlogx)
        sums[t] = value


@jit_inline
def _term(count: Any, xlogx: Any) -> Any:
    return xlogx[u64(count)] if count < xlogx.size else sums_of.xlogx(np.float64(count))


@jit_inline
def _next_value(values: Any, i: Any, state: Any) -> Any:
    """The value of a sample that has none yet, brought to position i."""
    other = i + int(_uniform(state) * (values.size - i))
    value = values[u64(other)]
    values[u64(other)] = values[u64(i)]
    values[u64(i)] = value
    return value


@jit
def _fill_by_samples(left: Any, right_values: Any, seed: Any, number: Any, table: Any) -> None:
    state = _start(seed, number)
    values = right_values.copy()
    i = 0
    for row in range(left.size):
        for _ in range(left[row]):
            table[row, _next_value(values, i, state)] += 1
            state += _GOLDEN
            i += 1


@jit
def _sums_by_samples(
    left: Any, right_values: Any, n_columns: Any, seed: Any, first: Any, xlogx: Any, sums: Any
) -> None:
    values = np.empty_like(right_values)
    counts = np.zeros(n_columns, np.int64)
    for t in range(sums.size):
        state = _start(seed, first + u64(t))
        values[:] = right_values
        value = 0.0
        i = 0
        for row in range(left.size):
            start = i
            if row < left.size - 1:
                for _ in range(left[row]):
                    counts[u64(_next_value(values, i, state))] += 1
                    state += _GOLDEN
                    i += 1
            else:  # the rest, in any order
                for _ in range(left[row]):
                    counts[u64(values[u64(i)])] += 1
                    i += 1
            for s in range(start, i):
                column = u64(values[s])
                if counts[column]:
                    value += _term(counts[column], xlogx)
                    counts[column] = 0
        sums[t] = value
