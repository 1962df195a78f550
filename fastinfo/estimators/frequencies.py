"""Entropies of smoothed frequencies: observed ones, mixed with equal ones for all possible cells.

p = (1 − λ)·c/N + λ/K. A Dirichlet prior that gives each of K cells a samples in advance, so that
p = (c + a)/(N + a·K), has λ = a·K/(N + a·K). James–Stein shrinkage estimates λ from the counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.estimators.cells import NCells

Prior = Callable[[Any, Any, Any], Any]
"""A function of N, K and the array namespace: the samples a that a prior gives to each cell."""

PRIORS: dict[str, Prior] = {
    "laplace": lambda samples, cells, xp: 1.0,
    "jeffreys": lambda samples, cells, xp: 0.5,
    "perks": lambda samples, cells, xp: 1.0 / cells,
    "minimax": lambda samples, cells, xp: xp.sqrt(samples) / cells,
}
"""Dirichlet priors by the names that they have, as table 1 of Hausser & Strimmer (2009) gives them:
a = 1 [Bayes 1763, Laplace 1774], ½ [Jeffreys 1946], 1/K [Perks 1947], √N/K [Trybuła 1958]."""


def shrinkage_intensity(counts: Array, n_cells: NCells, kernels: Kernels) -> Array:
    """λ of James–Stein shrinkage towards equal frequencies, from 0 to 1; NaN without a sample.

    λ = (1 − Σ p²)/((N − 1)·Σ(1/K − p)²) with p = c/N, and 1 where that is more or has no value: it
    minimises the expected squared error of the frequencies [J. Hausser and K. Strimmer, "Entropy
    inference and the James–Stein estimator, with application to nonlinear gene association
    networks", Journal of Machine Learning Research 10, 2009, equation 8].
    """
    xp = kernels.xp
    samples = counts.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = counts / xp.asarray(samples)[..., None]
        squares = (p * p).sum(axis=-1)
        variance, distance = (1 - squares) / (samples - 1), squares - 1 / n_cells()
        found = xp.where(variance < distance, variance / distance, 1.0)
    return xp.where(samples > 0, found, np.nan)


def shrunk(counts: Array, n_cells: NCells, kernels: Kernels) -> Array:
    """The entropy of the frequencies that `shrinkage_intensity` gives [Hausser & Strimmer 2009]."""
    xp, samples = kernels.xp, counts.sum(axis=-1)
    share, cells = xp.asarray(shrinkage_intensity(counts, n_cells, kernels)), n_cells()
    with np.errstate(invalid="ignore", divide="ignore"):
        of_empty = xp.asarray(share / cells)
        weight = xp.asarray((1 - share) / samples)
    return _entropy(counts, weight[..., None] * counts + of_empty[..., None], of_empty, cells, xp)


def with_prior(prior: Prior) -> Callable[[Array, NCells, Kernels], Array]:
    """The entropy of the mean frequencies under a Dirichlet prior.

    It is that of the posterior mean of the frequencies, as in Hausser & Strimmer (2009, table 1)
    and in R's entropy package; not the posterior mean of the entropy.
    """

    def entropy(counts: Array, n_cells: NCells, kernels: Kernels) -> Array:
        xp, samples, cells = kernels.xp, counts.sum(axis=-1), n_cells()
        more = xp.asarray(prior(samples, cells, xp))
        total = xp.asarray(xp.where(samples > 0, samples + more * cells, np.nan))
        return _entropy(
            counts, (counts + more[..., None]) / total[..., None], more / total, cells, xp
        )

    return entropy


def _entropy(counts: Array, p: Array, of_empty: Array, cells: Any, xp: Any) -> Array:
    """The entropy of frequencies ``p`` of the cells with samples, and equal ones of the others.

    Cells that are not in the array, or are empty there, are added all at once.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = xp.where(counts > 0, p * xp.log(p), 0.0).sum(axis=-1)
        n_empty = cells - (counts > 0).sum(axis=-1)
        rest = xp.where(of_empty > 0, n_empty * of_empty * xp.log(of_empty), 0.0)
    return xp.where(counts.sum(axis=-1) > 0, 0.0 - terms - rest, np.nan)
