"""Counts → entropies, in nats.

An estimator takes counts whose last axis runs over the cells of a table, and returns the entropy of
each table: NaN for a table without a single sample. To add one, write the function and enter it in
`ESTIMATORS` with what holds for it; the measures, the pairwise engine and the command line take it
from there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.terms import XLOGX, Term

NCells = Callable[[], Any]
"""Tells the number of possible cells of each table (`possible_cells`), for estimators that ask: a
number, or an array that fits the result."""


class Estimator(NamedTuple):
    """How entropies are estimated from counts, and what that means for their use."""

    of_counts: Callable[[Array, NCells, Kernels], Array]
    """Entropies of counts ``(..., cells)``."""
    term: Term | None = None
    """What the entropy sums over cells, where it is such a sum: (g(N) − Σ f(c))/N. All pairs are
    measured by it at the speed of the plug-in estimate; without it their counts are looked at."""
    is_plug_in: bool = False
    """Whether entropies are exact ones of the observed frequencies, whose laws hold for them."""
    needs_integers: bool = False
    """Whether counts mean numbers of samples, so that weights and probabilities have no sense."""


def plug_in(counts: Array, n_cells: NCells, kernels: Kernels) -> Array:
    """Entropy of the observed frequencies: H = log N − (Σ c·log c)/N.

    The maximum-likelihood estimate; on average too small by about (K − 1)/(2N) for K occupied
    cells [Miller 1955]. Also the exact entropy of probabilities, and of anything in proportion.
    """
    totals = counts.sum(axis=-1)
    # N·log N by the kernel that sums the cells, so that one occupied cell gives exactly 0.
    whole = kernels.sum_xlogx(totals[..., None])
    with np.errstate(invalid="ignore", divide="ignore"):
        return (whole - kernels.sum_xlogx(counts)) / totals


def miller_madow(counts: Array, n_cells: NCells, kernels: Kernels) -> Array:
    """Plug-in entropy plus (K − 1)/(2N), K the number of occupied cells [Miller 1955]."""
    occupied = (counts > 0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return plug_in(counts, n_cells, kernels) + (occupied - 1) / (2 * counts.sum(axis=-1))


MILLER_MADOW = Term(
    "miller_madow",
    of=lambda counts: XLOGX.of(counts) - (counts > 0) / counts.dtype.type(2),
    sum=lambda counts, kernels: kernels.sum_xlogx(counts) - (counts > 0).sum(axis=-1) / 2,
)
"""c·log c − ½, of occupied cells: N·(K − 1)/(2N) is ½ for each cell, less that of the whole."""


ESTIMATORS: dict[str, Estimator] = {
    "ml": Estimator(plug_in, XLOGX, is_plug_in=True),
    "miller_madow": Estimator(miller_madow, MILLER_MADOW, needs_integers=True),
}
"""Estimators by the names that ``estimator=`` takes."""


def entropy(counts: Array, n_cells: NCells, estimator: str, kernels: Kernels) -> Array:
    """Entropies in nats of counts ``(..., cells)``, shape ``(...)``."""
    return ESTIMATORS[estimator].of_counts(counts, n_cells, kernels)


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
) -> Array:
    """A value by a formula, within the bounds that hold in exact arithmetic.

    For plug-in entropies, what lies beyond them is rounding. Corrected estimates may well lie
    beyond; they stay as they are.
    """
    if not ESTIMATORS[estimator].is_plug_in:
        return value
    low, high = bounds
    return kernels.xp.minimum(kernels.xp.maximum(value, low), high) + 0.0  # + 0.0: no −0.0


def of_marginals(
    marginal: Callable[..., Array],
    n_variables: int,
    possible: Callable[[int], Any],
    estimator: str,
    kernels: Kernels,
) -> Callable[..., Array]:
    """The function that formulas call: joint entropy of variables by position, of all for none.

    ``possible`` tells the number of possible cells of a variable.
    """

    @cache
    def of(*variables: int) -> Array:
        chosen = variables or tuple(range(n_variables))
        return entropy(marginal(*chosen), lambda: prod(map(possible, chosen)), estimator, kernels)

    return of
