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

from fastinfo.backends.chance import NEGLIGIBLE
from fastinfo.backends.numba.jit import jit, jit_inline

FEW = 1024.0
"""Samples a cell up to which k·log k comes from a table. With more its rounding would show."""


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
