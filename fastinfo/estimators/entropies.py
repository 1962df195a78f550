"""Counts → entropies, in nats.

An estimator is a term, a function of a count that is summed over the cells of a table, or else a
function of all counts. To add one, enter it in `ESTIMATORS` with what holds for it; the measures,
the pairwise engine and the command line take it from there.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.terms import XLOGX, Term
from fastinfo.estimators.grassberger import GRASSBERGER

NCells = Callable[[], Any]
"""Tells the number of possible cells of each table (`possible_cells`), for estimators that ask: a
number, or an array that fits the result."""


class Estimator(NamedTuple):
    """How entropies are estimated from counts, and what that means for their use."""

    term: Term | None
    """What the entropy sums over cells, where it is such a sum: (g(N) − Σ f(c))/N. All pairs are
    measured by it at the speed of the plug-in estimate."""
    of_counts: Callable[[Array, NCells, Kernels], Array] | None = None
    """Where it is none: entropies of counts ``(..., cells)``, NaN for a table without a sample."""
    is_plug_in: bool = False
    """Whether entropies are exact ones of the observed frequencies, whose laws hold for them."""
    needs_integers: bool = False
    """Whether counts mean numbers of samples, so that weights and probabilities have no sense."""


PLUG_IN = XLOGX
"""H = log N − (Σ c·log c)/N, the entropy of the observed frequencies.

The maximum-likelihood estimate; on average too small by about (K − 1)/(2N) for K occupied cells
[Miller 1955]. Also the exact entropy of probabilities, and of anything in proportion."""

MILLER_MADOW = Term(
    "miller_madow",
    of=lambda counts: XLOGX.of(counts) - (counts > 0) / counts.dtype.type(2),
    sum=lambda counts, kernels: kernels.sum_xlogx(counts) - (counts > 0).sum(axis=-1) / 2,
)
"""The plug-in entropy plus (K − 1)/(2N) [Miller 1955]: ½ for each occupied cell, less that of N."""


ESTIMATORS: dict[str, Estimator] = {
    "ml": Estimator(PLUG_IN, is_plug_in=True),
    "miller_madow": Estimator(MILLER_MADOW, needs_integers=True),
    "grassberger": Estimator(GRASSBERGER, needs_integers=True),
}
"""Estimators by the names that ``estimator=`` takes."""


class Total(NamedTuple):
    """What is the same for all marginals of a table that is not empty."""

    samples: int
    """N."""
    whole: float
    """g(N) by the kernels that sum the cells, so that one occupied cell gives exactly 0."""

    @classmethod
    def of(cls, n_samples: int, term: Term, kernels: Kernels) -> Total:
        """Of a table with so many samples."""
        return cls(n_samples, float(term.whole(kernels.bring(np.array(n_samples)), kernels)))


def entropy(
    counts: Array, n_cells: NCells, estimator: str, kernels: Kernels, total: Total | None = None
) -> Array:
    """Entropies in nats of counts ``(..., cells)``, shape ``(...)``.

    ``total`` is that of the counts by the estimator's term, where it is known.
    """
    term, of_counts = ESTIMATORS[estimator][:2]
    if term is None:
        assert of_counts is not None
        return of_counts(counts, n_cells, kernels)
    if total is not None:
        return (total.whole - term.sum(counts, kernels)) / total.samples
    samples = counts.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (term.whole(samples, kernels) - term.sum(counts, kernels)) / samples


def possible_cells(margin: Array, n_bins: Any, has_edges: Any, kernels: Kernels) -> Array:
    """How many values a variable could have had, by its counts ``(..., bins)``.

    Those of a binned variable are its bins, whether a sample is in them or not. Those of integers
    and other categories are the ones that came: what lies between two integers is as unknown as
    what lies beyond, and a category that is declared and never met is no value. So the same samples
    have as many whatever their type, and in whatever array they are counted.

    Parameters
    ----------
    margin : array
        Its counts, over the samples of the table in question.
    n_bins, has_edges : array
        The number of its bins, and whether they have edges.
    """
    return kernels.xp.where(has_edges, n_bins, (margin > 0).sum(axis=-1))


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
    possible: Callable[[int], Any],
    estimator: str,
    kernels: Kernels,
    n_samples: int | None = None,
) -> Callable[..., Array]:
    """The function that formulas call: joint entropy of variables by position, of all for none.

    ``possible`` tells the number of possible cells of a variable. ``n_samples`` is known of one
    table of integer counts, and not 0.
    """
    total, term = None, ESTIMATORS[estimator].term
    if n_samples is not None and term is not None:
        total = Total.of(n_samples, term, kernels)
    known: dict[tuple[int, ...], Array] = {}

    def of(*variables: int) -> Array:
        chosen = variables or tuple(range(n_variables))
        if chosen not in known:
            known[chosen] = entropy(
                marginal(*chosen), lambda: prod(map(possible, chosen)), estimator, kernels, total
            )
        return known[chosen]

    return of
