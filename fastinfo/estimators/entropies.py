"""Counts → entropies, in nats.

An estimator has a term, a function of a count that is summed over the cells of a table; or it is a
function of all counts. To add an estimator, enter it in `ESTIMATORS` with its properties. The
measures, the pairwise engine and the command line look it up there.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.terms import XLOGX, Term

NCells = Callable[[], Any]
"""A function that an estimator may call. It returns the number of possible cells of each table
(`possible_cells`): a number, or an array that broadcasts to the result."""


class Estimator(NamedTuple):
    """A way to estimate entropies from counts, and its properties."""

    term: Term | None
    """The term of an entropy of the form (g(N) − Σ f(c))/N; None for other entropies. With a term
    all pairs are measured at the speed of the plug-in estimate."""
    of_counts: Callable[[Array, NCells, Kernels], Array] | None = None
    """Without a term: entropies of counts ``(..., cells)``, NaN for a table without a sample."""
    is_plug_in: bool = False
    """Whether entropies are those of the observed frequencies, so that the laws of entropy hold."""
    needs_integers: bool = False
    """Whether counts must be numbers of samples: weights and probabilities are then refused."""


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


ESTIMATORS: dict[str, Estimator] = {
    "ml": Estimator(PLUG_IN, is_plug_in=True),
    "miller_madow": Estimator(MILLER_MADOW, needs_integers=True),
}
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
        return (total.whole - term.sum(counts, kernels)) / total.samples
    samples = counts.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (term.whole(samples, kernels) - term.sum(counts, kernels)) / samples


def possible_cells(margin: Array, n_bins: Any, has_edges: Any, kernels: Kernels) -> Array:
    """The number of values that a variable could have had, by its counts ``(..., bins)``.

    For a binned variable these are its bins, whether a sample is in them or not. For integers and
    other categories these are the values that occur: values between two integers are as unknown as
    values beyond them, and a category that is declared and never occurs is no value. So the number
    does not depend on the type of the samples, nor on the array that they are counted in.

    Parameters
    ----------
    margin : array
        The counts of the variable, over the samples of the table.
    n_bins, has_edges : array
        The number of its bins, and whether they have edges.
    """
    return kernels.xp.where(has_edges, n_bins, (margin > 0).sum(axis=-1))


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
) -> Callable[..., Array]:
    """The function that formulas call: joint entropy, in nats, of variables given by position.

    Without arguments it returns the joint entropy of all variables. ``possible`` returns the number
    of possible cells of a variable. ``n_samples`` is given for a single table of integer counts
    that is not empty.
    """
    total, term = None, ESTIMATORS[estimator].term
    if n_samples is not None and term is not None:
        total = Total.of(n_samples, term, kernels)
    known: dict[tuple[int, ...], Array] = {}

    def joint_entropy(*variables: int) -> Array:
        chosen = variables or tuple(range(n_variables))
        if chosen not in known:
            known[chosen] = entropy(
                marginal(*chosen), lambda: prod(map(possible, chosen)), estimator, kernels, total
            )
        return known[chosen]

    return joint_entropy
