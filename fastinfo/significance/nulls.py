"""The distribution of information that chance alone gives, in three ways.

Each takes what was measured, and returns the probability that independent variables with the same
margins share at least as much.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Kernels
from fastinfo.estimators.chance import information_moments
from fastinfo.measures.strata import Stratum
from fastinfo.system.ranges import map_threads

Array = np.ndarray[Any, Any]

LEAST_EXPECTED = 5.0
LEAST_EXPECTED_OF_ONE = 100.0
"""The least expected count from which the χ² distribution is trusted: `LEAST_EXPECTED` and the root
of the degrees of freedom, and `LEAST_EXPECTED_OF_ONE` for a single degree. Over 100,000 tables at
these limits, 5% and 1% of the p-values of independent variables are right within a tenth or so.
Below, errors of every cell add up; with one degree, the information has too few values."""

MOST_RESAMPLED = 30
"""The most degrees of freedom for which tables are resampled, unless asked for. With more, the
information has so many values that the gamma distribution is as good and costs less."""

FEWEST_MOVED = 100
"""The fewest `Measured.n_moved` with which the information has so many values."""

ROUNDING = 1e-12
"""The share of Σ c·log c up to which two tables are taken to have the same information."""

PARTS = 4
"""The parts that the resamples of each thread come in, so that threads end together."""


class Null(NamedTuple):
    """The distribution under independence, and what it says of the measured value."""

    mean: float
    """In nats."""
    standard_deviation: float
    """In nats."""
    pvalue: float


class Measured:
    """The information of two variables, or of two given a third, and what its null depends on.

    Parameters
    ----------
    information : float
        The plug-in information, in nats.
    strata : sequence of Stratum
        The margins, in each bin of the third variable.
    cells : array
        The counts of all cells of all strata, in any order.
    kernels : Kernels
        Kernels of the host.
    n_resamples, seed, n_jobs : int
        For `permutation`.
    """

    def __init__(
        self,
        information: float,
        strata: Sequence[Stratum],
        cells: Array,
        kernels: Kernels,
        n_resamples: int,
        seed: int,
        n_jobs: int,
    ) -> None:
        self.information = information
        self.n_samples = sum(stratum.n_samples for stratum in strata)
        self.strata = strata
        self.varied = [stratum for stratum in strata if stratum.degrees_of_freedom]
        """The strata in which samples can be paired in more than one way."""
        self.cells = cells
        self.kernels = kernels
        self.n_resamples = n_resamples
        self.seed = seed
        self.n_jobs = n_jobs

    @property
    def degrees_of_freedom(self) -> int:
        """Of the G-test: Σ (K_x − 1)(K_y − 1) over the strata, for the occupied bins."""
        return sum(stratum.degrees_of_freedom for stratum in self.varied)

    @property
    def least_expected(self) -> float:
        """The least expected count of a cell; ∞ where nothing can vary."""
        return min(
            (int(s.left.min()) * int(s.right.min()) / s.n_samples for s in self.varied),
            default=math.inf,
        )

    @property
    def n_moved(self) -> int:
        """How many samples a pairing can move: in each stratum, those outside of the largest bin.

        Of the two variables, the one with fewer such samples counts.
        """
        return sum(s.n_samples - max(int(s.left.max()), int(s.right.max())) for s in self.varied)


def chi2(measured: Measured) -> Null:
    """The G-test: 2·n·I is distributed as χ² [Wilks 1938], divided by Williams' correction.

    The correction is the mean of G over that of χ² to the order 1/n [Williams 1976]. Over strata
    both means are added up.
    """
    freedom = measured.degrees_of_freedom
    correction = sum(map(_williams, measured.varied)) / freedom
    scale = correction / (2 * measured.n_samples)
    pvalue = _upper_tail(freedom / 2, measured.information / scale / 2)
    return Null(freedom * scale, math.sqrt(2 * freedom) * scale, pvalue)


def _williams(stratum: Stratum) -> float:
    """The degrees of freedom of a stratum times Williams' correction."""
    n = stratum.n_samples
    left, right = (n * float((1 / margin).sum()) - 1 for margin in stratum)
    return stratum.degrees_of_freedom + left * right / (6 * n)


def gamma(measured: Measured) -> Null:
    """A gamma distribution with the exact mean and variance of the information."""
    n = measured.n_samples
    moments = [(s.n_samples / n, information_moments(*s)) for s in measured.varied]
    mean = math.fsum(share * m.mean for share, m in moments)
    variance = math.fsum(share**2 * m.variance for share, m in moments)
    if variance == 0:  # every pairing has the information that was measured
        return Null(mean, 0.0, 1.0)
    pvalue = _upper_tail(mean**2 / variance, measured.information * mean / variance)
    return Null(mean, math.sqrt(variance), pvalue)


def permutation(measured: Measured) -> Null:
    """Random tables with the margins of each stratum; the measured table counts as one of them.

    So the p-value is at least 1/(1 + n_resamples), and the test is exact [Phipson & Smyth 2010].
    """
    n = measured.n_samples
    sums = _resampled_sums(measured)
    observed = float(measured.kernels.sum_xlogx(measured.cells))
    as_large = int((sums >= observed - ROUNDING * max(observed, 1.0)).sum())
    information = measured.information + (sums - observed) / n
    return Null(
        float(information.mean()),
        float(information.std()),
        (1 + as_large) / (1 + measured.n_resamples),
    )


NULLS: dict[str, Callable[[Measured], Null]] = {
    "chi2": chi2,
    "gamma": gamma,
    "permutation": permutation,
}
"""The nulls by the names that ``method=`` takes."""


def choose(measured: Measured) -> str:
    """The name of the null that is trusted most at little cost.

    It is χ² where all expected counts are large. Otherwise the gamma distribution, or random tables
    where the information has few values.
    """
    freedom = measured.degrees_of_freedom
    least = LEAST_EXPECTED + math.sqrt(freedom) if freedom > 1 else LEAST_EXPECTED_OF_ONE
    if measured.least_expected >= least:
        return "chi2"
    is_coarse = freedom <= MOST_RESAMPLED or measured.n_moved < FEWEST_MOVED
    return "permutation" if is_coarse else "gamma"


def _resampled_sums(measured: Measured) -> Array:
    """Σ c·log c over the cells of all strata, of each random table."""
    kernels = measured.kernels
    seeds = np.random.SeedSequence(measured.seed).generate_state(len(measured.strata), np.uint64)
    keyed = [
        (*stratum, seed)
        for stratum, seed in zip(measured.strata, seeds.tolist(), strict=True)
        if stratum.degrees_of_freedom
    ]
    # A stratum with one bin on a side has one table, whose cells are the margin of the other side.
    fixed = [
        float(kernels.sum_xlogx(stratum.left if stratum.right.size == 1 else stratum.right))
        for stratum in measured.strata
        if not stratum.degrees_of_freedom
    ]
    sums = np.full(measured.n_resamples, math.fsum(fixed))

    def add(first: int, last: int) -> None:
        for left, right, seed in keyed:
            sums[first:last] += kernels.random_table_sums(left, right, seed, first, last - first)

    n_parts = min(PARTS * measured.n_jobs, measured.n_resamples)
    borders = [measured.n_resamples * part // n_parts for part in range(n_parts + 1)]
    map_threads(add, borders[:-1], borders[1:], n_jobs=measured.n_jobs)
    return sums


def _upper_tail(shape: float, value: float) -> float:
    """The probability that a gamma variable of scale 1 is at least a value."""
    try:
        from scipy.special import gammaincc
    except ModuleNotFoundError as error:
        raise ImportError(
            'method="chi2" and method="gamma" need scipy; install it with `pip install scipy`, or '
            'pass method="permutation"'
        ) from error
    return float(gammaincc(shape, max(value, 0.0)))
