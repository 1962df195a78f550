"""Grassberger's entropy (2003): c·log c of the plug-in entropy becomes c·G(c)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.terms import XLOGX, Term

SMALLEST_EXPANDED = 16
"""Half counts from which on the asymptotic series is right to the last place of float64."""

SERIES = (1 / 24, -7 / 960, 31 / 8064, -127 / 30720)
"""ψ(m + ½) = log m + Σ aᵢ·m⁻²ⁱ [DLMF 5.11.2, with Bernoulli polynomials at ½]."""


def weights(counts: Any, xp: Any = np) -> Any:
    """G(c) = ψ(⌊c/2⌋ + ½) + log 2 of counts of at least 1; 0 of others.

    Grassberger gives it as G(1) = −γ − log 2, G(2) = 2 − γ − log 2, G(2m + 1) = G(2m) and
    G(2m + 2) = G(2m) + 2/(2m + 1).
    """
    half = counts // 2
    steps = 2 / (2 * np.arange(SMALLEST_EXPANDED, dtype=np.longdouble) + 1)
    small = np.concatenate([[0], np.cumsum(steps)]) - np.euler_gamma - math.log(2)
    m = xp.maximum(half, SMALLEST_EXPANDED).astype(np.float64)
    tail = sum(a / m ** (2 * i + 2) for i, a in enumerate(SERIES))
    table = xp.asarray(small.astype(np.float64))
    found = xp.where(
        half < SMALLEST_EXPANDED,
        table[xp.minimum(half, SMALLEST_EXPANDED).astype(np.int64)],
        xp.log(m) + tail + math.log(2),
    )
    return xp.where(counts > 0, found, 0.0)


def _of(counts: Any) -> Any:
    """c·G(c) of 0, 1, 2, … in the precision of the counts."""
    steps = 2 / (2 * np.arange(counts.size // 2 + 1, dtype=counts.dtype) + 1)
    sums = np.concatenate([[0], np.cumsum(steps)])
    constant = np.longdouble("0.57721566490153286060651209") + np.log(counts.dtype.type(2))
    return counts * (sums[(counts // 2).astype(np.int64)] - constant)


def _sum(counts: Array, kernels: Kernels) -> Array:
    return (counts * weights(counts, kernels.xp)).sum(axis=-1)


GRASSBERGER = Term(
    "grassberger",
    of=_of,
    sum=_sum,
    of_total=XLOGX.of,
    sum_of_total=lambda samples, kernels: kernels.sum_xlogx(samples[..., None]),
)
"""H = log N − (Σ c·G(c))/N [P. Grassberger, "Entropy estimates from insufficient samplings", 2003,
arXiv:physics/0307138, equations 27, 28 and 35].

What a cell of probability p adds to the bias is below 0.1407…/N and falls exponentially with N·p.
"""
