"""The mean contribution of one cell to the plug-in information of two independent variables.

The count of a cell is hypergeometric. Its probabilities are computed from the most likely count to
either side, each by a product from the one before, and then divided by their sum. That needs no
factorial, and rounding does not grow with the number of samples. At 15 samples a cell it takes
about 50 counts a cell.

Terms k·log(k/μ) of both signs nearly cancel where the mean μ is large. As k − μ has the mean 0, it
is subtracted from each term there. Then no term is negative, and a rounding of μ changes the terms
only in the second order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastinfo.backends.chance import NEGLIGIBLE, UNEXPLAINED
from fastinfo.backends.numba.jit import jit, jit_inline

FEW = 1024.0
"""Samples a cell up to which k·log k comes from a table. With more its rounding would show."""

WIDE = 64.0
"""The standard deviation of a count from which some counts stand for all."""

POINTS = 8.0
"""The points in a standard deviation of a wide distribution."""


@jit
def expected_cells(left: Any, right: Any, n: int, xlogx: Any, out: Any) -> None:
    """Write E[k/n·log(k·n/(a·b))] to ``out`` for each margin a on the left and b on the right."""
    for i in range(left.size):
        for j in range(right.size):
            out[i, j] = _expected(left[i], right[j], n, xlogx)


@jit
def _expected(a: int, b: int, n: int, xlogx: Any) -> Any:
    mean = np.float64(a) * np.float64(b) / n
    largest, smallest = min(a, b), max(a + b - n, 0)
    mode = int(np.float64(a + 1) * np.float64(b + 1) / (n + 2))
    mode = min(max(mode, smallest), largest)
    log_mean = math.log(mean)
    weight, total = 1.0, 1.0
    value = _term(mode, mean, log_mean, xlogx)
    k = mode
    while k < largest and weight > NEGLIGIBLE:
        weight *= np.float64(a - k) * np.float64(b - k)
        weight /= np.float64(k + 1) * np.float64(n - a - b + k + 1)
        k += 1
        total += weight
        value += weight * _term(k, mean, log_mean, xlogx)
    weight, k = 1.0, mode
    while k > smallest and weight > NEGLIGIBLE:
        weight *= np.float64(k) * np.float64(n - a - b + k)
        weight /= np.float64(a - k + 1) * np.float64(b - k + 1)
        k -= 1
        total += weight
        value += weight * _term(k, mean, log_mean, xlogx)
    return value / total / n


@jit_inline
def _term(k: int, mean: float, log_mean: float, xlogx: Any) -> Any:
    """k·log(k/mean); where the mean is large, minus (k − mean), whose mean is 0."""
    if mean < FEW:  # all k that matter are then in the table
        return xlogx[np.uint64(k)] - k * log_mean
    return _excess(k, mean)


@jit_inline
def _excess(k: int, mean: float) -> Any:
    """k·log(k/mean) − (k − mean), to a few units in the last place."""
    if k == 0:
        return mean
    d = (k - mean) / mean
    if not -0.25 < d < 0.25:
        return k * math.log1p(d) - (k - mean)
    # log(1 + d) = 2·artanh(s) with s = d/(2 + d). The terms of the first order cancel in the
    # formula, so that they need not cancel in the arithmetic.
    s = d / (2.0 + d)
    z = s * s
    tail = 1.0 / 13.0 + z * (1.0 / 15.0 + z * (1.0 / 17.0))
    tail = 1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0 + z * tail))
    tail = 1.0 / 3.0 + z * (1.0 / 5.0 + z * tail)
    return mean * (2.0 * z * (1.0 + s * (1.0 + s) * tail)) / (1.0 - s)


@jit
def chance_coefficients(left: Any, right: Any, n: int, out: Any) -> None:
    """Write the coefficients of the term of each cell to ``out`` ``(orders, k, l)``, full of 0."""
    for i in range(left.size):
        for j in range(right.size):
            _project(left[i], right[j], n, out[:, i, j])


@jit
def _project(a: int, b: int, n: int, out: Any) -> None:
    first, step, shares = _distribution(a, b, n)
    mean = np.float64(a) * np.float64(b) / n
    size = shares.size
    # All functions of the count are multiplied by the root of its probability, so that a mean of a
    # product is a plain sum.
    rest, position = np.empty(size), np.empty(size)
    before, polynomial = np.zeros(size), np.sqrt(shares)
    average = variance = 0.0
    for s in range(size):
        count = first + s * step
        rest[s] = _excess(count, mean)
        position[s] = count - mean
        average += shares[s] * rest[s]
        variance += shares[s] * position[s] * position[s]
    out[0] = average
    whole = middle = scale = 0.0
    for s in range(size):
        rest[s] = (rest[s] - average) * polynomial[s]
        position[s] /= math.sqrt(variance)
        whole += rest[s] * rest[s]
    unexplained = whole
    for order in range(1, min(len(out), size)):
        if unexplained <= UNEXPLAINED * whole:
            break
        # The three-term recurrence of orthonormal polynomials, found as it goes along.
        norm = coefficient = 0.0
        for s in range(size):
            following = (position[s] - middle) * polynomial[s] - scale * before[s]
            before[s], polynomial[s] = polynomial[s], following
            norm += following * following
            coefficient += following * rest[s]
        scale = math.sqrt(norm)
        coefficient /= scale
        out[order] = coefficient
        unexplained = middle = 0.0
        for s in range(size):
            polynomial[s] /= scale
            rest[s] -= coefficient * polynomial[s]
            unexplained += rest[s] * rest[s]
            middle += position[s] * polynomial[s] * polynomial[s]


@jit
def _distribution(a: int, b: int, n: int) -> Any:
    """The smallest count that matters, a step, and the probabilities of every count a step apart.

    Wide distributions end far from the borders of what is possible. What is summed over them is
    smooth, so that a sum over points an eighth of the standard deviation apart is the sum over all.
    """
    largest, smallest = min(a, b), max(a + b - n, 0)
    mode = int(np.float64(a + 1) * np.float64(b + 1) / (n + 2))
    mode = min(max(mode, smallest), largest)
    share = np.float64(a) / n
    deviation = math.sqrt(share * b * (1.0 - share) * (n - b) / n)
    step = max(int(deviation / POINTS), 1) if deviation >= WIDE else 1
    last, weight = mode, 1.0
    while last < largest and weight > NEGLIGIBLE:
        weight *= np.float64(a - last) * np.float64(b - last)
        weight /= np.float64(last + 1) * np.float64(n - a - b + last + 1)
        last += 1
    first, weight = mode, 1.0
    while first > smallest and weight > NEGLIGIBLE:
        weight *= np.float64(first) * np.float64(n - a - b + first)
        weight /= np.float64(a - first + 1) * np.float64(b - first + 1)
        first -= 1
    below = (mode - first) // step
    first = mode - below * step
    shares = np.empty(below + 1 + (last - mode) // step)
    shares[below] = total = weight = 1.0
    for k in range(mode, last):
        weight *= np.float64(a - k) * np.float64(b - k)
        weight /= np.float64(k + 1) * np.float64(n - a - b + k + 1)
        if (k + 1 - first) % step == 0:
            shares[(k + 1 - first) // step] = weight
            total += weight
    weight = 1.0
    for k in range(mode, first, -1):
        weight *= np.float64(k) * np.float64(n - a - b + k)
        weight /= np.float64(a - k + 1) * np.float64(b - k + 1)
        if (k - 1 - first) % step == 0:
            shares[(k - 1 - first) // step] = weight
            total += weight
    for s in range(shares.size):
        shares[s] /= total
    return first, step, shares
