"""Chao & Shen's entropy: frequencies scaled down by the coverage, and cells that were missed."""

from __future__ import annotations

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.estimators.cells import NCells


def sample_coverage(counts: Array, n_cells: NCells, kernels: Kernels) -> Array:
    """The share of the probability that lies in cells with a sample, 1 − f₁/N [Good 1953].

    f₁ is the number of cells with one sample. Where all samples are such, one of them less is
    taken, so that the coverage is not 0.
    """
    samples = counts.sum(axis=-1)
    singles = (counts == 1).sum(axis=-1)
    singles = kernels.xp.where((singles == samples) & (samples > 0), singles - 1, singles)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - singles / samples


def chao_shen(counts: Array, n_cells: NCells, kernels: Kernels) -> Array:
    """H = −Σ p·log p/(1 − (1 − p)ᴺ) with p = C·c/N and the coverage C.

    This is a Horvitz–Thompson sum: a cell of probability p is among those with a sample with the
    probability 1 − (1 − p)ᴺ [A. Chao and T.-J. Shen, "Nonparametric estimation of Shannon's index
    of diversity when there are unseen species in sample", Environmental and Ecological Statistics
    10, 2003].
    """
    xp = kernels.xp
    samples = xp.asarray(counts.sum(axis=-1))[..., None]
    coverage = xp.asarray(sample_coverage(counts, n_cells, kernels))[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        p = coverage * counts / samples
        is_seen = -xp.expm1(samples * xp.log1p(-p))
        terms = xp.where(counts > 0, p * xp.log(p) / is_seen, 0.0)
    return xp.where(samples[..., 0] > 0, 0.0 - terms.sum(axis=-1), np.nan)
