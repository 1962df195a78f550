"""Counts → entropies, in nats.

An estimator has a term, a function of a count that is summed over the cells of a table; or it is a
function of all counts. To add an estimator, enter it in `ESTIMATORS` with its properties. The
measures, the pairwise engine and the command line look it up there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.terms import XLOGX, Term
from fastinfo.estimators import coverage, frequencies, nsb, panzeri_treves
from fastinfo.estimators.cells import NCells, possible_cells
from fastinfo.estimators.grassberger import GRASSBERGER
from fastinfo.estimators.jackknife import JACKKNIFE
from fastinfo.estimators.registry import Estimator, Registry

__all__ = [
    "ESTIMATORS",
    "MILLER_MADOW",
    "PLUG_IN",
    "Estimator",
    "NCells",
    "Total",
    "entropy",
    "of_marginals",
    "possible_cells",
    "without_rounding",
]

PLUG_IN = XLOGX
"""H = log N − (Σ c·log c)/N, the entropy of the observed frequencies.

It is the maximum-likelihood estimate. On average it is too small by about (K − 1)/(2N) for K
occupied cells [Miller 1955]. For probabilities, or numbers in proportion to them, it is exact."""

MILLER_MADOW = Term(
    "miller_madow",
    of=lambda counts: XLOGX.of(counts) - (counts > 0) / counts.dtype.type(2),
    sum=lambda counts, kernels: kernels.sum_xlogx(counts) - (counts > 0).sum(axis=-1) / 2,
)
"""The plug-in entropy plus (K − 1)/(2N) [Miller 1955]: f subtracts ½ for each occupied cell, and g
for the cell of all N samples."""


def _with_prior(prior: frequencies.Prior) -> Estimator:
    return Estimator(None, frequencies.with_prior(prior), needs_integers=True, asks_for_cells=True)


ESTIMATORS = Registry(
    {
        "ml": Estimator(PLUG_IN, is_plug_in=True),
        "miller_madow": Estimator(MILLER_MADOW, needs_integers=True),
        "grassberger": Estimator(GRASSBERGER, needs_integers=True),
        "jackknife": Estimator(JACKKNIFE, needs_integers=True),
        "chao_shen": Estimator(
            None,
            coverage.chao_shen,
            needs_integers=True,
            details={"coverage": coverage.sample_coverage},
        ),
        "panzeri_treves": Estimator(
            None,
            panzeri_treves.panzeri_treves,
            panzeri_treves.given_last,
            needs_integers=True,
            asks_for_cells=True,
        ),
        "shrinkage": Estimator(
            None,
            frequencies.shrunk,
            needs_integers=True,
            asks_for_cells=True,
            details={"shrinkage_intensity": frequencies.shrinkage_intensity},
        ),
        "nsb": Estimator(
            None,
            nsb.nsb,
            needs_integers=True,
            asks_for_cells=True,
            standard_deviation=nsb.standard_deviation,
        ),
        **{name: _with_prior(prior) for name, prior in frequencies.PRIORS.items()},
    },
    families={"dirichlet": lambda a: _with_prior(lambda samples, cells, xp: a)},
)
"""Estimators by the names that ``estimator=`` takes."""


class Total(NamedTuple):
    """N and g(N), which are the same for all marginals of a table that is not empty."""

    samples: int
    """N."""
    whole: float
    """g(N), by the kernels that also sum the cells: one occupied cell then gives exactly 0."""

    @classmethod
    def of(cls, n_samples: int, term: Term, kernels: Kernels) -> Total:
        """The total of a table with ``n_samples`` samples."""
        return cls(n_samples, float(term.whole(kernels.bring(np.array(n_samples)), kernels)))


def entropy(
    counts: Array, n_cells: NCells, estimator: str, kernels: Kernels, total: Total | None = None
) -> Array:
    """Entropies in nats of counts ``(..., cells)``, shape ``(...)``; NaN without a sample.

    ``total`` is the `Total` of the counts for the estimator's term, if the caller knows it.
    """
    term, of_counts = ESTIMATORS[estimator][:2]
    if term is None:
        assert of_counts is not None
        return of_counts(counts, n_cells, kernels)
    if total is not None:
        found = (total.whole - term.sum(counts, kernels)) / total.samples
    else:
        samples = counts.sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = (term.whole(samples, kernels) - term.sum(counts, kernels)) / samples
    if term.of_total is not None:
        # Where g is not f, one occupied cell would not have entropy 0.
        found = kernels.xp.where((counts > 0).sum(axis=-1) == 1, 0.0, found)
    return found


def without_rounding(
    value: Array, bounds: tuple[float, float], estimator: str, kernels: Kernels
) -> Any:
    """The value of a formula, clipped to the bounds that hold in exact arithmetic.

    For plug-in entropies, what lies beyond the bounds is rounding. Corrected estimates may truly
    lie beyond; they are returned as they are.
    """
    if not ESTIMATORS[estimator].is_plug_in:
        return value
    low, high = bounds
    if isinstance(value, float):  # NumPy is slow for a single number
        value = min(max(value, low), high)
    else:
        value = kernels.xp.minimum(kernels.xp.maximum(value, low), high)
    return value + 0.0  # no −0.0


def of_marginals(
    marginal: Callable[..., Array],
    n_variables: int,
    possible: Callable[[int], Any],
    estimator: str,
    kernels: Kernels,
    n_samples: int | None = None,
    rows: Callable[..., Array] | None = None,
) -> Callable[..., Array]:
    """The function that formulas call: joint entropy, in nats, of variables given by position.

    Without arguments it returns the joint entropy of all variables. ``possible`` returns the number
    of possible cells of a variable. ``n_samples`` is given for a single table of integer counts
    that is not empty. ``rows`` returns the counts of several variables as `registry.OfRows` takes
    them.
    """
    total, term = None, ESTIMATORS[estimator].term
    of_rows = ESTIMATORS[estimator].of_rows
    if n_samples is not None and term is not None:
        total = Total.of(n_samples, term, kernels)
    known: dict[tuple[int, ...], Array] = {}

    def n_cells(variables: Sequence[int]) -> int:
        return prod(map(possible, variables))

    def joint_entropy(*variables: int) -> Array:
        chosen = variables or tuple(range(n_variables))
        if chosen in known:
            return known[chosen]
        if of_rows is None or len(chosen) == 1:
            cells = partial(n_cells, chosen)
            found = entropy(marginal(*chosen), cells, estimator, kernels, total)
        else:
            assert rows is not None
            *others, last = sorted(chosen)
            cells = partial(n_cells, others)
            found = of_rows(rows(*chosen), cells, partial(n_cells, [last]), kernels)
        known[chosen] = found
        return found

    return joint_entropy
