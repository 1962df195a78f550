"""Information that independent variables share by chance, cell by cell, in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

NEGLIGIBLE = 1e-18
"""The tails of a distribution end at this fraction of the largest probability."""


def expected_cells(left: Array, right: Array, n_samples: int) -> Array:
    """E[c/n·log(c·n/(a·b))] of a hypergeometric count c, for margins a and b: float64 ``(k, l)``.

    ``left`` ``(k,)`` holds the margins a, ``right`` ``(l,)`` the margins b. The loop starts at the
    most likely count and goes to either side: each probability is a product with the one before it.
    The sum of all probabilities normalises them. c − μ is taken off each term: its mean is 0, and
    without it no term is negative, so that terms do not cancel.
    """
    a, b = np.meshgrid(left.astype(np.float64), right.astype(np.float64), indexing="ij")
    n, mean = float(n_samples), a * b / n_samples
    mode = np.clip(np.floor((a + 1) * (b + 1) / (n + 2)), np.maximum(a + b - n, 0), None)

    def term(k: Array) -> Array:
        return k * np.log1p(np.where(k > 0, (k - mean) / mean, 0.0)) - (k - mean)

    total, value = np.ones_like(mean), term(mode)
    for step in (1, -1):
        k, weight = mode.copy(), np.ones_like(mean)
        while (weight > NEGLIGIBLE).any():
            if step == 1:
                weight *= (a - k) * (b - k) / ((k + 1) * (n - a - b + k + 1))
            else:
                weight *= k * (n - a - b + k) / ((a - k + 1) * (b - k + 1))
            k = np.where(weight > 0, k + step, k)  # past the last possible count, k stays
            total += weight
            value += weight * term(k)
    expected: Array = value / total / n
    return expected
