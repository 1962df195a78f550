"""The p-value of one pair: by the margins of its own samples, and confirmed by random tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fastinfo.backends import on_host
from fastinfo.measures import nulls
from fastinfo.measures.strata import Stratum
from fastinfo.pairs.ranking import Judge

FIRST_DRAWN, MOST_DRAWN, ENOUGH_REACHED = 500, 200_000, 30
"""Random tables that are drawn to confirm a p-value: at first, at most, and until so many of them
reach the information of the pair."""

MOST_IN_ALL = 2_000_000
"""Random tables that are drawn for all pairs together, at most, each of which gets as many; but
`FIRST_DRAWN` at least."""

OUT_OF_REACH = 2e-7
"""The p-value, as a share of 1 in as many tables as may be drawn, below which none is drawn, if it
is that of the gamma distribution and of χ² too. Far out, the tail falls as exp(−n·I) for all
margins [Sanov 1957], as that of χ² does. Of 5,700 small tables of which all others were gone
through, none had a p-value of more than 41 times the larger of both."""

SEED = 1991
"""That of these tables, so that a p-value is the same in every run."""

ROUNDING = 1e-14
"""The share of Σ c·log c up to which two tables have the same information."""


def pvalue_of(
    judge: Judge, left: int, right: int, value: float, most_drawn: int = 0, n_jobs: int = 1
) -> float:
    """The p-value of one pair by the margins of its own samples, which are recounted if some lack.

    ``value`` is in the units of the judge. Up to ``most_drawn`` random tables confirm it.
    """
    strata = [Stratum(x, y) for n, x, y in judge.margins(left, right) if n]
    if not any(stratum.degrees_of_freedom for stratum in strata):
        return 1.0
    information = value * judge.scale(left, right)
    # No null that is called here looks at the cells.
    measured = nulls.Measured(information, strata, np.empty(0), on_host(), most_drawn, SEED, n_jobs)
    method = nulls.choose(measured)
    if method != "permutation":
        return nulls.NULLS[method](measured).pvalue
    pvalue = nulls.gamma(measured).pvalue
    return _confirmed(pvalue, measured) if most_drawn else pvalue


def share_of_tables(n_pairs: int) -> int:
    """The most random tables that each of some pairs gets."""
    return min(max(MOST_IN_ALL // max(n_pairs, 1), FIRST_DRAWN), MOST_DRAWN)


def _confirmed(pvalue: float, measured: nulls.Measured) -> float:
    """The p-value of the gamma distribution, or a larger one that random tables show.

    Of tables whose information takes few values, the gamma distribution may have too light a tail.
    Tables are drawn until some are as informative [Besag & Clifford 1991]. If none of many is, the
    p-value is too small to tell, and stays.
    """
    most = measured.n_resamples
    if max(pvalue, nulls.chi2(measured).pvalue) * most < OUT_OF_REACH:
        return pvalue
    least = _sum_of(measured.information, measured.strata) * (1 - ROUNDING)
    drawn = reached = 0
    while drawn < most and reached < ENOUGH_REACHED:
        n_tables = min(max(drawn, FIRST_DRAWN), most - drawn)
        sums = nulls.random_sums(measured, drawn, n_tables)
        reached, drawn = reached + int((sums >= least).sum()), drawn + n_tables
    return max(pvalue, (1 + reached) / (1 + drawn)) if reached else pvalue


def _sum_of(information: float, strata: Sequence[Stratum]) -> float:
    """Σ c·log c over the cells of all strata, of tables that have this information."""
    kernels, parts = on_host(), []
    for stratum in strata:
        margins = (*stratum, np.array([stratum.n_samples]))
        left, right, whole = (float(kernels.sum_xlogx(margin)) for margin in margins)
        parts += [left, right, -whole, stratum.n_samples * information]
    return math.fsum(parts)
