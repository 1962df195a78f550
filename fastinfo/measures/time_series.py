"""How much the past of one time series tells about the present of another."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fastinfo import formulas
from fastinfo.backends import on_device_of
from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.home import home_of
from fastinfo.inputs import arguments, tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.random_state import RandomState, seed_of
from fastinfo.inputs.types import BackendName, Bins, EstimatorName, NanPolicy, Samples
from fastinfo.measures import cells, saturation
from fastinfo.measures.apply import apply_to_counts
from fastinfo.measures.cells import Coded
from fastinfo.measures.shuffling import Shuffling

TOLD = partial(
    saturation.tell,
    names=("the source's past", "the target", "the past that is given"),
    what_to_do=(
        "Use shorter histories, fewer bins, longer series, or n_shuffles=100, which subtracts what "
        "chance gives"
    ),
)


def transfer_entropy(
    source: Samples,
    target: Samples,
    *,
    target_history: int = 1,
    source_history: int = 1,
    lag: int = 1,
    given: Samples | None = None,
    given_history: int = 1,
    trials: Samples | None = None,
    n_shuffles: int = 0,
    random_state: RandomState = None,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Transfer entropy: how much the past of one series tells about another beyond its own past.

    TE(X→Y) = I(Y_t; X_{t−u}, …, X_{t−u−l+1} | Y_{t−1}, …, Y_{t−k}) [1]_, for a target history of k,
    a source history of l and a lag of u. With ``given``, the past Z_{t−1}, …, Z_{t−m} of a third
    series is known as well.

    Parameters
    ----------
    source : array-like of shape (n,) or (n, d)
        Samples of X in the order of time, as for `mutual_information`; d columns are one
        d-dimensional series.
    target : array-like of shape (n,) or (n, d)
        Samples of Y at the same times.
    target_history, source_history : int
        k and l, the numbers of past samples of the target and of the source. The number of cells
        grows exponentially with them.
    lag : int
        u, how far before the target's present the last sample of the source is, at least 1.
    given : array-like of shape (n,) or (n, d), optional
        Samples of Z at the same times: conditional transfer entropy. Several series are the columns
        of one array.
    given_history : int
        m, the number of past samples of Z.
    trials : array-like of shape (n,), optional
        Which trial each sample belongs to. Trials follow each other, and no past reaches into
        another one: of recordings ``(n_trials, length)`` pass each array's ``ravel()`` and
        ``trials=numpy.repeat(range(n_trials), length)``. All have the same bins.
    n_shuffles : int
        If above 0, the result is the *effective* transfer entropy [2]_: less the mean over so many
        series in which the source's past is shuffled, which is what chance gives. It may be
        negative.
    random_state : None, int or numpy.random.Generator
        Where the shuffling takes its random numbers from. The same integer gives the same result.
    bins, base, estimator, backend, n_jobs
        As for `mutual_information`; a tuple of ``bins`` has an entry for source, target and given.
        Bins are made of each series as a whole. The default number of equal-frequency bins is
        ⌈n^(1/(c+1))⌉ for the c = l + 1 + k (+ m) columns that share the table.
    nan_policy : {"raise", "omit", "propagate"}
        Whether a missing sample raises an error, leaves out every t whose present or past holds
        it, or makes the result NaN.

    Returns
    -------
    float
        Transfer entropy in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `mutual_information`; ValueError also for series that are shorter than the past, and
        histories, lags or numbers of shuffles out of range.

    Warns
    -----
    SaturationWarning
        As `mutual_information`, unless ``n_shuffles`` takes the chance off.

    See Also
    --------
    pointwise_transfer_entropy, conditional_mutual_information, ordinal_patterns

    Notes
    -----
    The plug-in estimate is positive for independent series too. Shuffling keeps the joint
    frequencies of the target with all that is given, and those of the source's past, and nothing
    between the two. It draws tables with these margins, so that its time does not depend on n.
    Samples that have been counted already have no order of time: of `JointCounts` of (source past,
    target, target past) and of probabilities, transfer entropy is
    `conditional_mutual_information`. For ordinal patterns instead of bins, pass
    ``ordinal_patterns(source)`` and ``ordinal_patterns(target)``.

    References
    ----------
    .. [1] T. Schreiber, "Measuring information transfer", Physical Review Letters 85, 2000.
    .. [2] R. Marschinski and H. Kantz, "Analysing the information flow between financial time
       series", European Physical Journal B 30, 2002.

    Examples
    --------
    Y repeats what X was one step before.

    >>> import fastinfo
    >>> x = [0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0]
    >>> y = [0, *x[:-1]]
    >>> fastinfo.transfer_entropy(x, y, base=2)  # doctest: +ELLIPSIS
    0.977...
    >>> fastinfo.transfer_entropy(y, x, base=2) < 0.1
    True
    """
    options = Options(bins, base, estimator, nan_policy, None, backend, n_jobs)
    past = Past.checked(target_history, source_history, given_history, lag)
    n_shuffles = arguments.integer_from(n_shuffles, "n_shuffles", 0)
    seed = seed_of(random_state)
    formula = formulas.conditional_mutual_information
    with on_device_of(source, target, given):
        windows, kernels, _ = _windows(source, target, given, trials, past, options)
        counts = cells.count(windows, options, kernels)
        tell = None if n_shuffles else TOLD
        value = apply_to_counts(formula, counts, kernels, options, tell)
        if not n_shuffles or counts.is_unknown:
            return value
        shuffling = Shuffling(counts, seed)
        by_chance = [
            apply_to_counts(formula, shuffling.draw(number, options), kernels, options)
            for number in range(n_shuffles)
        ]
        return value - float(np.mean(by_chance))


def pointwise_transfer_entropy(
    source: Samples,
    target: Samples,
    *,
    target_history: int = 1,
    source_history: int = 1,
    lag: int = 1,
    given: Samples | None = None,
    given_history: int = 1,
    trials: Samples | None = None,
    bins: Bins = None,
    base: float | None = None,
    nan_policy: NanPolicy = "raise",
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> Any:
    """Pointwise (local) transfer entropy at each time, whose mean is the transfer entropy.

    log p(y_t | past of y, past of x)/p(y_t | past of y) [1]_, computed from the observed
    frequencies. It is negative where the source's past misinforms about the target.

    Parameters
    ----------
    source, target, target_history, source_history, lag, given, given_history, trials
        As for `transfer_entropy`.
    bins, base, nan_policy, backend, n_jobs
        As for `transfer_entropy`.

    Returns
    -------
    numpy.ndarray of shape (n,), float64
        The value at the time of each sample of the target, in nats or in units of ``base``. It is
        NaN at the beginning of the series and of each trial, where the past is not complete, and
        with ``nan_policy="omit"`` where a sample is missing, so that `numpy.nanmean` is the plug-in
        transfer entropy. With ``"propagate"`` one missing sample makes all values NaN. A CuPy array
        or a torch tensor where ``target`` is one.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `transfer_entropy`.

    See Also
    --------
    transfer_entropy, pointwise_conditional_mutual_information

    References
    ----------
    .. [1] J. T. Lizier, M. Prokopenko and A. Y. Zomaya, "Local information transfer as a
       spatiotemporal filter for complex systems", Physical Review E 77, 2008.

    Examples
    --------
    >>> import fastinfo
    >>> x = [0, 1, 1, 0, 1, 0, 0, 1, 0]
    >>> y = [0, *x[:-1]]
    >>> fastinfo.pointwise_transfer_entropy(x, y, base=2).round(2)
    array([ nan, 1.32, 0.74, 1.58, 0.58, 0.74, 0.58, 1.32, 0.74])
    """
    options = Options(bins, base, "ml", nan_policy, None, backend, n_jobs)
    past = Past.checked(target_history, source_history, given_history, lag)
    with on_device_of(source, target, given):
        windows, kernels, times = _windows(source, target, given, trials, past, options)
        counts = cells.count(windows, options, kernels)
        formula = formulas.conditional_mutual_information
        found = cells.pointwise(formula, counts, windows, kernels) / options.unit
        values = kernels.xp.full(times.size, np.nan)
        values[times] = found
        return tables.like(kernels.to_host(values), target)


class Past(NamedTuple):
    """Which samples before each sample of the target belong to its past."""

    target: int
    source: int
    given: int
    lag: int

    @classmethod
    def checked(cls, target: Any, source: Any, given: Any, lag: Any) -> Past:
        """The past by the arguments of `transfer_entropy`."""
        names = ("target_history", "source_history", "given_history", "lag")
        values = zip((target, source, given, lag), names, strict=True)
        return cls(*(arguments.positive_integer(value, name) for value, name in values))

    def reach(self, has_given: bool) -> int:
        """How far the past reaches back."""
        return max(self.target, self.lag + self.source - 1, self.given if has_given else 0)


def _windows(
    source: Any, target: Any, given: Any, trials: Any, past: Past, options: Options
) -> tuple[list[list[Coded]], Kernels, Array]:
    """The codes of (source past, target present, past that is given) at each time with a past.

    The third result tells of each time whether it is one of these, as an array of the kernels.
    """
    named = {"source": source, "target": target}
    if given is not None:
        named["given"] = given
    groups = [arguments.variable(samples, name) for name, samples in named.items()]
    n_samples = arguments.same_length([column for group in groups for column in group])
    reach = past.reach(given is not None)
    for name, group in zip(named, groups, strict=True):
        if len(group) > n_samples:
            raise ValueError(
                f"{name} has {len(group)} columns of {n_samples} samples, and each column is a "
                "dimension of one series: pass trials one after another, by X.ravel() and trials="
            )
    if n_samples <= reach:
        raise ValueError(
            f"source and target have {n_samples} samples, and the past reaches {reach} samples "
            "back: pass longer series, or shorter histories and a smaller lag"
        )
    widths = [*map(len, groups), 0][:3]
    n_columns = widths[0] * past.source + widths[1] * (1 + past.target) + widths[2] * past.given
    coded, kernels = cells.encode(groups, n_columns, options)
    has_past = np.zeros(n_samples, np.bool_)
    has_past[reach:] = _same_trial(trials, n_samples, reach)
    if not has_past.any():
        raise ValueError(
            f"no trial is longer than {reach} samples, which is how far the past reaches back"
        )
    chosen = slice(None) if has_past[reach:].all() else kernels.bring(has_past[reach:])

    def before(group: list[Coded], first: int, count: int) -> list[Coded]:
        steps = range(first, first + count)
        ends = [(reach - step, n_samples - step) for step in steps]
        return [column.at(slice(*end)).at(chosen) for end in ends for column in group]

    xs, ys, *zs = coded
    known = before(ys, 1, past.target) + [c for z in zs for c in before(z, 1, past.given)]
    windows = [before(xs, past.lag, past.source), before(ys, 0, 1), known]
    return windows, kernels, kernels.bring(has_past)


def _same_trial(trials: Any, n_samples: int, reach: int) -> Any:
    """Whether each sample from ``reach`` on is in the trial of the sample so far before it."""
    if trials is None:
        return True
    column = arguments.column(trials, "trials")
    if column.values.size != n_samples:
        raise ValueError(
            f"trials has {column.values.size} entries for {n_samples} samples; accepted is one "
            "for each sample"
        )
    if column.missing is not None or (column.values != column.values).any():
        raise ValueError("trials holds missing values; accepted is a label for each sample")
    labels = np.asarray(home_of(column.values).to_host(column.values))
    number = np.cumsum(labels[1:] != labels[:-1])
    number = np.concatenate([[0], number])
    return number[reach:] == number[: n_samples - reach]
