"""Counts → entropies, in nats.

An estimator takes counts whose last axis runs over the cells of a table, and returns the entropy of
each table: NaN for a table without a single sample. To add one, write the function and enter it in
`ESTIMATORS` with what holds for it; the measures, the pairwise engine and the command line take it
from there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Array, Kernels


class Total(NamedTuple):
    """What is the same for all marginals of one table of integer counts that is not empty."""

    samples: int
    """N."""
    xlogx: Array
    """N·log N by the kernel that sums the cells, so that one occupied cell gives exactly 0."""


class Estimator(NamedTuple):
    """How entropies are estimated from counts, and what that means for their use."""

    of_counts: Callable[[Array, Kernels, Total | None], Array]
    is_plug_in: bool = False
    """Whether entropies are exact ones of the observed frequencies, whose laws hold for them."""
    needs_integers: bool = False
    """Whether counts mean numbers of samples, so that weights and probabilities have no sense."""


def plug_in(counts: Array, kernels: Kernels, total: Total | None = None) -> Array:
    """Entropy of the observed frequencies: H = log N − (Σ c·log c)/N.

    The maximum-likelihood estimate; on average too small by about (K − 1)/(2N) for K occupied
    cells [Miller 1955]. Also the exact entropy of probabilities, and of anything in proportion.
    """
    if total is not None:
        return (total.xlogx - kernels.sum_xlogx(counts)) / total.samples
    totals = counts.sum(axis=-1)
    whole = kernels.sum_xlogx(totals[..., None])
    with np.errstate(invalid="ignore", divide="ignore"):
        return (whole - kernels.sum_xlogx(counts)) / totals


def miller_madow(counts: Array, kernels: Kernels, total: Total | None = None) -> Array:
    """Plug-in entropy plus (K − 1)/(2N), K the number of occupied cells [Miller 1955]."""
    occupied = (counts > 0).sum(axis=-1)
    samples = counts.sum(axis=-1) if total is None else total.samples
    with np.errstate(invalid="ignore", divide="ignore"):
        return plug_in(counts, kernels, total) + (occupied - 1) / (2 * samples)


ESTIMATORS: dict[str, Estimator] = {
    "ml": Estimator(plug_in, is_plug_in=True),
    "miller_madow": Estimator(miller_madow, needs_integers=True),
}
"""Estimators by the names that ``estimator=`` takes."""


def entropy(counts: Array, estimator: str, kernels: Kernels, total: Total | None = None) -> Array:
    """Entropies in nats of counts ``(..., cells)``, shape ``(...)``."""
    return ESTIMATORS[estimator].of_counts(counts, kernels, total)


def without_rounding(
    value: Array, bounds: tuple[float, float], estimator: str, kernels: Kernels
) -> Any:
    """A value by a formula, within the bounds that hold in exact arithmetic.

    For plug-in entropies, what lies beyond them is rounding. Corrected estimates may well lie
    beyond; they stay as they are.
    """
    if not ESTIMATORS[estimator].is_plug_in:
        return value
    low, high = bounds
    if isinstance(value, float):  # for one number NumPy takes longer to begin
        value = min(max(value, low), high)
    else:
        value = kernels.xp.minimum(kernels.xp.maximum(value, low), high)
    return value + 0.0  # no −0.0


def of_marginals(
    marginal: Callable[..., Array],
    n_variables: int,
    estimator: str,
    kernels: Kernels,
    n_samples: int | None = None,
) -> Callable[..., Array]:
    """The function that formulas call: joint entropy of variables by position, of all for none.

    ``n_samples`` is known of one table of integer counts, and not 0.
    """
    total = None
    if n_samples is not None:
        total = Total(n_samples, kernels.sum_xlogx(kernels.bring(np.array([n_samples]))))
    known: dict[tuple[int, ...], Array] = {}

    def of(*variables: int) -> Array:
        chosen = variables or tuple(range(n_variables))
        if chosen not in known:
            known[chosen] = entropy(marginal(*chosen), estimator, kernels, total)
        return known[chosen]

    return of
