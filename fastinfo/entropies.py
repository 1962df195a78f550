"""Counts → entropies, in nats.

An estimator takes counts whose last axis runs over the cells of a table, and returns the entropy of
each table: NaN for a table without a single sample. To add one, write the function and enter it in
`ESTIMATORS`; the measures, the pairwise engine and the command line take its name from there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from fastinfo.backends.contract import Array, Kernels

Estimator = Callable[[Array, Kernels], Array]


def plug_in(counts: Array, kernels: Kernels) -> Array:
    """Entropy of the observed frequencies: H = log N − (Σ c·log c)/N.

    The maximum-likelihood estimate; on average too small by about (K − 1)/(2N) for K occupied
    cells [Miller 1955]. Also the exact entropy of probabilities, and of anything in proportion.
    """
    totals = counts.sum(axis=-1)
    # N·log N by the kernel that sums the cells, so that one occupied cell gives exactly 0.
    whole = kernels.sum_xlogx(totals[..., None])
    with np.errstate(invalid="ignore", divide="ignore"):
        return (whole - kernels.sum_xlogx(counts)) / totals


def miller_madow(counts: Array, kernels: Kernels) -> Array:
    """Plug-in entropy plus (K − 1)/(2N), K the number of occupied cells [Miller 1955]."""
    occupied = (counts > 0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return plug_in(counts, kernels) + (occupied - 1) / (2 * counts.sum(axis=-1))


ESTIMATORS: dict[str, Estimator] = {"ml": plug_in, "miller_madow": miller_madow}
"""Estimators by the names that ``estimator=`` takes."""

NEEDS_INTEGERS = frozenset({"miller_madow"})
"""Estimators that mean numbers of samples and have no sense for weights or probabilities."""


def entropy(counts: Array, estimator: str, kernels: Kernels) -> Array:
    """Entropies in nats of counts ``(..., cells)``, shape ``(...)``."""
    return ESTIMATORS[estimator](counts, kernels)


def without_rounding(value: Array, estimator: str, kernels: Kernels) -> Array:
    """A combination of entropies that is not negative in exact arithmetic.

    For plug-in entropies, what lies below 0 is rounding, and becomes 0. Corrected estimates may
    well be negative; they stay as they are.
    """
    return kernels.xp.maximum(value, 0.0) + 0.0 if estimator == "ml" else value  # + 0.0: no −0.0


def of_marginals(
    marginal: Callable[..., Array], n_variables: int, estimator: str, kernels: Kernels
) -> Callable[..., Array]:
    """The function that formulas call: joint entropy of variables by position, of all for none."""

    @cache
    def of(*variables: int) -> Array:
        chosen = variables or tuple(range(n_variables))
        return entropy(marginal(*chosen), estimator, kernels)

    return of
