"""Counts → Σ c·log c and Σ p·log q."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastinfo.backends.numba.jit import jit


@jit
def sum_xlogx(counts: Any, sums: Any) -> None:
    """Σ c·log c of each row."""
    for row in range(counts.shape[0]):
        total = 0.0
        for cell in range(counts.shape[1]):
            count = np.float64(counts[row, cell])
            if count > 0:
                total += count * math.log(count)
        sums[row] = total


@jit
def sum_xlogy(p: Any, q: Any, sums: Any) -> None:
    """Σ p·log q of each row."""
    for row in range(p.shape[0]):
        total = 0.0
        for cell in range(p.shape[1]):
            x = np.float64(p[row, cell])
            if x > 0:
                y = np.float64(q[row, cell])
                total += x * (math.log(y) if y > 0 else -np.inf)
        sums[row] = total
