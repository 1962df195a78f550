"""Confidence intervals of measures, by drawing tables anew from a table of counts."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist
from typing import Any, get_args

import numpy as np

from fastinfo.accumulators.count_columns import Counted
from fastinfo.accumulators.joint_counts import JointCounts, variable_names
from fastinfo.counting import Counts, DenseCounts, SparseCounts
from fastinfo.inputs import arguments
from fastinfo.inputs.objects import is_number
from fastinfo.inputs.options import Options
from fastinfo.inputs.random_state import RandomState, seed_of
from fastinfo.inputs.types import BackendName, Bins, NanPolicy, Resampling, Samples
from fastinfo.significance.tables import counted
from fastinfo.system.alerts import SaturationWarning

Array = np.ndarray[Any, Any]

MANY = 10_000
"""The factor after which a table has so many samples that corrections for their number vanish."""

BATCH = 1 << 20
"""The most counts of resampled tables that are held at a time."""


@dataclass(frozen=True)
class ConfidenceInterval:
    """What `fastinfo.confidence_interval` found, in the units of the measure."""

    value: float
    """The measure of the samples."""
    low: float
    """The lower end."""
    high: float
    """The upper end."""
    standard_error: float
    """The estimated standard deviation of the value from sample to sample."""
    bias: float
    """How much too large the value is on average, estimated; the interval allows for it."""
    confidence_level: float
    """The share of such intervals that are meant to hold the true value."""
    resampling: str
    """How it was found: "bootstrap" or "jackknife"."""


def confidence_interval(
    measure: Callable[..., float],
    *variables: Samples | JointCounts,
    resampling: Resampling = "bootstrap",
    confidence_level: float = 0.95,
    n_resamples: int = 9999,
    random_state: RandomState = None,
    bins: Bins = None,
    nan_policy: NanPolicy = "raise",
    backend: BackendName | None = None,
    n_jobs: int | None = None,
    **options: Any,
) -> ConfidenceInterval:
    """A confidence interval of a measure of samples, from the table of their counts.

    Samples are counted once. Tables are then drawn anew from their table, and no sample is touched
    again.

    Parameters
    ----------
    measure : function
        A measure of this package, such as `fastinfo.mutual_information`, or any function that
        returns a number for `JointCounts`.
    *variables : array-like of shape (n,) or (n, d), or one JointCounts
        Samples of each variable of the measure, in its order. There are no weights: how uncertain a
        value is depends on the number of samples.
    resampling : {"bootstrap", "jackknife"}
        ``"bootstrap"``: tables of n samples whose cells have the observed frequencies as
        probabilities. The interval is the basic one [1]_: the value, less the quantiles of how far
        the resampled values are from the truth that they are drawn from. That is the measure of the
        observed frequencies, so that the interval allows for a bias.

        ``"jackknife"``: tables without one of the samples. The interval is the value less its bias,
        ± the quantile of the normal distribution times the standard error [2]_. It takes one table
        for each occupied cell and no random number.
    confidence_level : float
        The share of such intervals that are to hold the true value, between 0 and 1.
    n_resamples : int
        The number of tables of ``"bootstrap"``.
    random_state : None, int or numpy.random.Generator
        As for `fastinfo.test_independence`.
    bins, nan_policy, backend, n_jobs
        As for `fastinfo.mutual_information`. Bins are those of the samples in every table, so that
        the interval is one of the binned variables' information.
    **options
        Arguments of the measure, such as ``base`` and ``estimator``.

    Returns
    -------
    ConfidenceInterval
        With ``value``, ``low``, ``high``, ``standard_error`` and ``bias``. An end may lie where the
        measure has no values, as below 0.

    Raises
    ------
    ValueError, TypeError
        As `fastinfo.mutual_information` and as the measure; also for ``sample_weight`` and
        JointCounts of weights, and for ``"jackknife"`` of one sample.

    Warns
    -----
    SaturationWarning
        As the measure, for the table of the samples.

    See Also
    --------
    fastinfo.test_independence : Whether information exceeds chance, which no interval tells.

    Notes
    -----
    An interval is approximately right for many samples. It fails where a table has few samples for
    its cells, since cells that no sample has hit are not in any table drawn from it: of 16 × 16
    cells and 256 samples, 8% of the bootstrap intervals that claim 95% held the true information,
    and 60% of the jackknife's; with ten samples a cell, 94% and 95%. Near independence information
    is not normally distributed, and intervals are too wide. The page docs/significance.md has more.

    A resampled table takes about 0.1 ms, because the measure is called for each.

    References
    ----------
    .. [1] A. C. Davison and D. V. Hinkley, *Bootstrap Methods and their Application*, Cambridge
       University Press 1997, section 5.2.
    .. [2] B. Efron and C. Stein, "The jackknife estimate of variance", Annals of Statistics 9,
       1981.

    Examples
    --------
    >>> import fastinfo
    >>> table = fastinfo.JointCounts.from_table([[400, 100], [100, 400]])
    >>> found = fastinfo.confidence_interval(
    ...     fastinfo.mutual_information, table, base=2, resampling="jackknife"
    ... )
    >>> round(found.low, 3), round(found.value, 3), round(found.high, 3)
    (0.228, 0.278, 0.327)
    """
    if not callable(measure):
        raise TypeError(
            f"measure={measure!r}; accepted is a function of JointCounts, such as "
            "fastinfo.mutual_information"
        )
    if options.get("sample_weight") is not None:
        raise ValueError(
            "sample_weight gives sums of weights, and confidence_interval needs numbers of "
            "samples, on which it depends how uncertain a value is: leave it out"
        )
    arguments.one_of(resampling, "resampling", get_args(Resampling))
    level = _confidence_level(confidence_level)
    n_resamples = arguments.positive_integer(n_resamples, "n_resamples")
    seed = seed_of(random_state)
    how = Options(bins, None, "ml", nan_policy, None, backend, n_jobs)
    if not variables:
        raise TypeError("samples of at least one variable are needed")
    given: list[Any] = list(variables)
    if len(given) == 1 and isinstance(given[0], JointCounts):
        given += [None] * (given[0].n_variables - 1)  # they stand in place of all samples
    counts, _ = counted(given, how, "confidence_interval", variable_names(len(given)))
    value = float(measure(counts, **options))
    if counts.is_unknown:
        nan = float("nan")
        return ConfidenceInterval(value, nan, nan, nan, nan, level, resampling)
    evaluate = partial(_values, measure, counts, options)
    if resampling == "bootstrap":
        (truth,) = evaluate(iter([_with_many_samples(counts._held_counts)])).tolist()
        values = evaluate(_bootstrap_tables(counts._held_counts, n_resamples, seed)) - truth
        bias, error = float(values.mean()), float(values.std())
        tail = (1 - level) / 2
        low, high = (value - np.quantile(values, [1 - tail, tail])).tolist()
    else:
        repeats, tables = _jackknife_tables(counts._held_counts)
        bias, error = _jackknife(value, evaluate(tables), repeats)
        reach = NormalDist().inv_cdf((1 + level) / 2) * error
        low, high = value - bias - reach, value - bias + reach
    return ConfidenceInterval(value, low, high, error, bias, level, resampling)


def _confidence_level(level: Any) -> float:
    if not is_number(level) or not 0 < level < 1:
        raise ValueError(f"confidence_level={level!r}; accepted is a number between 0 and 1")
    return float(level)


def _values(
    measure: Callable[..., float],
    counts: JointCounts,
    options: dict[str, Any],
    tables: Iterator[Counts],
) -> Array:
    """The measure of each table, in the bins of the counts."""
    how = counts._how._replace(nan_policy="omit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SaturationWarning)  # the samples have been warned of
        return np.array(
            [
                measure(JointCounts.of_counted(Counted(counts._bins, table, 0), how), **options)
                for table in tables
            ],
            np.float64,
        )


def _with_many_samples(counts: Counts) -> Counts:
    """The same frequencies in a table so large that an estimate of it is what it estimates.

    Resampled tables are drawn from it. The value of the samples is no measure of it where an
    estimator corrects for their number.
    """
    times = min(MANY, (1 << 62) // int(counts.total))
    return _with_values(counts, np.arange(counts.values.size), counts.values * times)


def _bootstrap_tables(counts: Counts, n_tables: int, seed: int) -> Iterator[Counts]:
    """Tables with as many samples, drawn with the observed frequencies as probabilities."""
    rng = np.random.default_rng(seed)
    occupied = np.flatnonzero(counts.values)
    observed = counts.values[occupied]
    n_samples = int(observed.sum())
    probabilities = observed / n_samples
    size = max(BATCH // occupied.size, 1)
    for first in range(0, n_tables, size):
        for drawn in rng.multinomial(n_samples, probabilities, min(size, n_tables - first)):
            yield _with_values(counts, occupied, drawn)


def _jackknife_tables(counts: Counts) -> tuple[Array, Iterator[Counts]]:
    """The tables without one sample of a cell, and how many samples give each."""
    occupied = np.flatnonzero(counts.values)
    repeats = counts.values[occupied]
    if repeats.sum() < 2:
        raise ValueError('resampling="jackknife" leaves a sample out, and there is only one')

    def tables() -> Iterator[Counts]:
        for position in range(occupied.size):
            rest = repeats.copy()
            rest[position] -= 1
            yield _with_values(counts, occupied, rest)

    return repeats, tables()


def _with_values(counts: Counts, occupied: Array, values: Array) -> Counts:
    """The same cells with other values; sparse tables have no empty cells."""
    if isinstance(counts, SparseCounts):
        some = values > 0
        return SparseCounts(counts.shape, counts.cells[:, occupied[some]], values[some])
    table = np.zeros(counts.values.size, np.int64)
    table[occupied] = values
    return DenseCounts(table.reshape(counts.shape))


def _jackknife(value: float, values: Array, repeats: Array) -> tuple[float, float]:
    """The bias and the standard error of a value, by the values without each sample."""
    n = float(repeats.sum())
    mean = float(repeats @ values) / n
    variance = (n - 1) / n * float(repeats @ (values - mean) ** 2)
    return (n - 1) * (mean - value), variance**0.5
