"""The distribution of information that chance alone gives, in four ways.

Each takes what was measured, and returns the probability that independent variables with the same
margins share at least as much.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Kernels
from fastinfo.estimators.chance import FourCells
from fastinfo.estimators.moments import information_moments
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
    n, freedom = measured.n_samples, measured.degrees_of_freedom
    spreads = [(s.n_samples, *map(inverse_spread, (s.left, s.right))) for s in measured.varied]
    mean = g_test_mean(freedom, math.fsum(x * y / size for size, x, y in spreads), n)
    return _of_moments(measured, mean, 2 * mean**2 / freedom)


def inverse_spread(margin: Array) -> float:
    """n·Σ 1/a − 1 over the bins, by which Williams' correction grows."""
    return float(margin.sum() * (1 / margin).sum() - 1)


def g_test_mean(freedom: Any, spread: Any, n_samples: Any) -> Any:
    """The mean of the information in nats, of n samples, by Williams' correction.

    ``spread`` is the product of the `inverse_spread` of both variables, over n.
    """
    return (freedom + spread / 6) / (2 * n_samples)


def gamma(measured: Measured) -> Null:
    """A gamma distribution with the exact mean and variance of the information."""
    n = measured.n_samples
    moments = [(s.n_samples / n, information_moments(*s)) for s in measured.varied]
    mean = math.fsum(share * m.mean for share, m in moments)
    return _of_moments(measured, mean, math.fsum(share**2 * m.variance for share, m in moments))


def _of_moments(measured: Measured, mean: float, variance: float) -> Null:
    pvalue = float(upper_tail(measured.information, mean, variance))
    return Null(mean, math.sqrt(variance), pvalue)


def exact(measured: Measured) -> Null:
    """All tables with the margins, for one degree of freedom: Fisher's test, by information.

    Raises
    ------
    ValueError
        For more degrees of freedom.
    """
    if measured.degrees_of_freedom != 1:
        raise ValueError(
            f'method="exact" goes through all tables of 2 × 2, and this one has '
            f'{measured.degrees_of_freedom} degrees of freedom: use "permutation" or "gamma"'
        )
    (stratum,) = measured.varied
    found = FourCells.of(*stratum)
    # Other strata share nothing, but have samples.
    part = stratum.n_samples / measured.n_samples
    mean = float(found.shares @ found.information)
    variance = float(found.shares @ (found.information - mean) ** 2)
    pvalue = float(found.upper_tail(measured.information / part))
    return Null(part * mean, part * math.sqrt(variance), pvalue)


def permutation(measured: Measured) -> Null:
    """Random tables with the margins of each stratum; the measured table counts as one of them.

    So the p-value is at least 1/(1 + n_resamples), and the test is exact [Phipson & Smyth 2010].
    """
    n = measured.n_samples
    sums = random_sums(measured, 0, measured.n_resamples)
    observed = float(measured.kernels.sum_xlogx(measured.cells))
    # Tables with the same information differ by the rounding of each term of a sum.
    slack = np.finfo(np.float64).eps * (8 + measured.cells.size) * observed
    as_large = int((sums >= observed - slack).sum())
    information = measured.information + (sums - observed) / n
    return Null(
        float(information.mean()),
        float(information.std()),
        (1 + as_large) / (1 + measured.n_resamples),
    )


NULLS: dict[str, Callable[[Measured], Null]] = {
    "chi2": chi2,
    "gamma": gamma,
    "exact": exact,
    "permutation": permutation,
}
"""The nulls by the names that ``method=`` takes."""


def choose(measured: Measured) -> str:
    """The name of the null that is trusted most at little cost.

    It is χ² where all expected counts are large. Otherwise the gamma distribution, or all tables or
    random ones where the information has few values.
    """
    freedom = measured.degrees_of_freedom
    if measured.least_expected >= least_expected(freedom):
        return "chi2"
    if freedom == 1:
        return "exact"
    is_coarse = freedom <= MOST_RESAMPLED or measured.n_moved < FEWEST_MOVED
    return "permutation" if is_coarse else "gamma"


def random_sums(measured: Measured, first: int, n_tables: int) -> Array:
    """Σ c·log c over the cells of all strata, of random tables from a number on.

    A table of a seed is the same whichever others are drawn with it.
    """
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
    sums = np.full(n_tables, math.fsum(fixed))

    def add(start: int, stop: int) -> None:
        for left, right, seed in keyed:
            found = kernels.random_table_sums(left, right, seed, first + start, stop - start)
            sums[start:stop] += found

    n_parts = min(PARTS * measured.n_jobs, n_tables)
    borders = [n_tables * part // n_parts for part in range(n_parts + 1)]
    map_threads(add, borders[:-1], borders[1:], n_jobs=measured.n_jobs)
    return sums


def scipy_special(what: str, way_on: str = "") -> Any:
    """The module scipy.special.

    Raises
    ------
    ImportError
        Without scipy; the message says ``what`` needs it and how to go on.
    """
    try:
        import scipy.special as special
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{what} need scipy; install it with `pip install scipy`{way_on}"
        ) from error
    return special


def upper_tail(information: Any, mean: Any, variance: Any) -> Any:
    """The probability that a gamma variable of this mean and variance is at least a value.

    χ² times a scale is such a variable. Without a variance every pairing has the information that
    was measured, and the probability is 1.
    """
    special = scipy_special('method="chi2" and method="gamma"', ', or pass method="permutation"')
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.divide(mean, variance)
        pvalue = special.gammaincc(mean * rate, np.maximum(information * rate, 0.0))
    return np.where(np.equal(variance, 0), 1.0, pvalue)


def least_expected(freedom: Any) -> Any:
    """The least expected count of a cell from which χ² is trusted."""
    return np.where(freedom > 1, LEAST_EXPECTED + np.sqrt(freedom), LEAST_EXPECTED_OF_ONE)
