"""What independent variables would share by chance, cell by cell: plain NumPy, for any backend."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

NEGLIGIBLE = 1e-18
"""Probability beside the largest one at which a tail ends."""


def expected_cells(left: Array, right: Array, n_samples: int) -> Array:
    """E[k/n·log(k·n/(a·b))] of a hypergeometric count k, for margins a and b: ``(k, l)``.

    Probabilities follow from the most likely count to either side, each by a product from the
    one before, and are divided by their sum. k − μ has no mean and is taken off each term, so
    that none is negative and they do not cancel.
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
            k = np.where(weight > 0, k + step, k)  # where the last count is passed it stays
            total += weight
            value += weight * term(k)
    expected: Array = value / total / n
    return expected
