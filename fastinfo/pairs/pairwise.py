"""Mutual information of every pair of features: the matrix, or the strongest pairs."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Literal, NamedTuple, Unpack, overload

import numpy as np

from fastinfo.backends import on_device_of
from fastinfo.inputs import arguments, tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import (
    Average,
    BackendName,
    BinsByName,
    EstimatorName,
    Given,
    Kinds,
    NanPolicy,
    PairOptions,
    RankBy,
    Table,
    Weights,
)
from fastinfo.pairs import ranking, runs, tested
from fastinfo.pairs.matrices import matrix
from fastinfo.pairs.measure import mutual_information
from fastinfo.pairs.ranking import Judge
from fastinfo.pairs.runs import Run
from fastinfo.pairs.saturated import warn_of_pairs, warn_of_widest_columns
from fastinfo.pairs.sinks import RankedSink, TopSink
from fastinfo.pairs.tested import TestedPair, TestedSink
from fastinfo.system.progress import Progress


class Pair(NamedTuple):
    """Two features and their mutual information, or what they share given a third variable."""

    left: Any
    """Name of a feature, or its position where the table has no names."""
    right: Any
    value: float
    """Mutual information, in units of ``base``; a share if ``normalized`` was given."""


class RankedPair(NamedTuple):
    """Two features, their mutual information, and numbers by which to judge it.

    Where a third variable is given, all information is conditional on it.
    """

    left: Any
    """Name of a feature, or its position where the table has no names."""
    right: Any
    value: float
    """Mutual information, in units of ``base``; a share if ``normalized`` was given."""
    corrected: float
    """The value minus its expectation for independent variables with the same margins."""
    share: float
    """Normalized mutual information, with the entropies over the samples of this pair."""
    n_samples: int
    """The number of samples in which both features are present."""


def pairwise_mutual_information(
    X: Table,
    Y: Table | None = None,
    *,
    normalized: Average | None = None,
    kinds: Kinds | None = None,
    layer: str | None = None,
    bins: BinsByName = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
    out: Any = None,
    memory_limit: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Any:
    """Mutual information of every pair of features.

    Parameters
    ----------
    X : array-like of shape (n, m), or a pandas, polars or Arrow table
        Samples of m features. A table is prepared as the notes of `fastinfo.score` say: columns
        that cannot be measured are skipped. An array is taken as it is. A `fastinfo.scan` is read
        batch by batch, a Dask collection partition by partition; of a `fastinfo.PairCounts` all
        pairs are counted already.
    Y : array-like of shape (n, k) or (n,), or a table, optional
        Samples of k other features, or of one. Pairs are then of a feature of X and one of Y.
    normalized : {"arithmetic", "geometric", "min", "max"}, optional
        Return each pair's information as a share of this average of its two entropies, as
        `fastinfo.normalized_mutual_information` does, over the samples of that pair.
    kinds : dict of str to {"category", "number", "skip"}, optional
        The kind of columns of a table, where the rules would decide otherwise.
    layer : str, optional
        The layer of an AnnData to use instead of its X.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `fastinfo.mutual_information`. ``bins`` is one specification for all features, a
        pair of them for X and Y, or a dict of them by column name. With ``nan_policy="omit"`` each
        pair uses only samples where both features are present; bins of equal frequency are those
        of each feature by itself. With ``backend="cupy"`` all usable GPUs share samples that are on
        the host, with at least one thread for each GPU; the environment variable
        ``CUDA_VISIBLE_DEVICES`` selects the GPUs.
    progress : bool or callable, optional
        True shows a bar (needs rich). A function is called with the number of pairs done and the
        number of all pairs.
    out : array of shape (m, m) or (m, k), floating-point, optional
        Where the result is written tile by tile: an array, a torch tensor on the CPU, a
        `numpy.memmap`, a zarr array, or any other object that has slice assignment. If the run
        stops early, cells that were not written keep their values. Features are measured in the
        order of their numbers of bins and written in runs of neighbours, so that writes are small
        where these numbers are mixed. An object that is slow at small writes (compressed chunks) is
        better filled from a `numpy.memmap` at the end.
    memory_limit : int, optional
        The most bytes that each of the following may take, a quarter of the free memory by default.
        First, the rows of bits that are made of features with few bins; features beyond the limit
        are counted without them, more slowly. Second, the pairs of `top_pairs`. The binned samples,
        the matrix, and the tiles under way, which are small, do not count.
    checkpoint : path, optional
        A directory that keeps the finished tiles. A run that was stopped, even by SIGKILL, goes on
        from there when it is called again, in tiles of the size that it began with. It is refused
        with other data, or with other arguments that affect the values.

    Returns
    -------
    numpy.ndarray of shape (m, m) or (m, k), float64
        Mutual information in nats, or in units of ``base``. Without Y the matrix is symmetric and
        has each feature's entropy on the diagonal. A pair that shares no sample is NaN; so is, with
        ``nan_policy="propagate"``, a pair with a missing sample. A DataFrame gives a DataFrame of
        the same library: pandas has the names as index and columns, polars and Arrow have them in
        a first column, ``column``. A torch tensor X gives a torch tensor. With ``out``, the result
        is ``out``.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `fastinfo.mutual_information`. Also if ``out`` has another shape, if the checkpoint is of
        another run, or if the matrix does not fit the memory.
    BlockingIOError, OSError
        If another process is writing to the checkpoint, or if it cannot be written.

    Warns
    -----
    PreparationWarning
        Once, if columns of a table are skipped, or if columns that are not floating-point are
        binned.
    SaturationWarning
        Once, if `fastinfo.mutual_information` would warn of a pair among the 15 columns of each
        table that have the most bins. There is no warning for weighted samples, nor if ``out``
        cannot be read from. `top_pairs` checks the pairs that it returns, and takes off what chance
        gives.
    CappedBinsWarning
        As `fastinfo.mutual_information`.

    Examples
    --------
    >>> import fastinfo
    >>> X = [[0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 0]]
    >>> fastinfo.pairwise_mutual_information(X, base=2)
    array([[1., 1., 0.],
           [1., 1., 0.],
           [0., 0., 1.]])
    """
    average = arguments.average(normalized, base)
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return matrix(
        *tables.with_layers(X, Y, layer),
        mutual_information(options.estimator, average),
        options,
        Run(progress, memory_limit, checkpoint),
        kinds=kinds,
        out=out,
        tell=partial(warn_of_widest_columns, average),
    )


@overload
def top_pairs(
    X: Table,
    k: int | None = 10,
    Y: Table | None = None,
    *,
    rank_by: Literal["value"],
    p_values: Literal[False] = False,
    fdr: None = None,
    **options: Unpack[PairOptions],
) -> list[Pair]: ...


@overload
def top_pairs(
    X: Table,
    k: int | None = 10,
    Y: Table | None = None,
    *,
    rank_by: Literal["corrected"],
    p_values: Literal[False] = False,
    fdr: None = None,
    **options: Unpack[PairOptions],
) -> list[RankedPair]: ...


@overload
def top_pairs(
    X: np.ndarray[Any, Any],
    k: int | None = 10,
    Y: Table | None = None,
    *,
    rank_by: None = None,
    p_values: Literal[False] = False,
    fdr: None = None,
    **options: Unpack[PairOptions],
) -> list[Pair]: ...


@overload
def top_pairs(
    X: Table,
    k: int | None = 10,
    Y: Table | None = None,
    *,
    rank_by: RankBy | None = None,
    p_values: Literal[True],
    fdr: float | None = None,
    **options: Unpack[PairOptions],
) -> list[TestedPair]: ...


@overload
def top_pairs(
    X: Table,
    k: int | None = 10,
    Y: Table | None = None,
    *,
    rank_by: RankBy | None = None,
    p_values: bool = False,
    fdr: float,
    **options: Unpack[PairOptions],
) -> list[TestedPair]: ...


@overload
def top_pairs(
    X: Table,
    k: int | None = 10,
    Y: Table | None = None,
    *,
    rank_by: RankBy | None = None,
    p_values: bool = False,
    fdr: float | None = None,
    **options: Unpack[PairOptions],
) -> list[Any]: ...


def top_pairs(
    X: Table,
    k: int | None = 10,
    Y: Table | None = None,
    *,
    given: Given | None = None,
    threshold: float | None = None,
    rank_by: RankBy | None = None,
    min_samples: int | None = None,
    p_values: bool = False,
    fdr: float | None = None,
    normalized: Average | None = None,
    kinds: Kinds | None = None,
    layer: str | None = None,
    bins: BinsByName = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
    memory_limit: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> list[Any]:
    """The k pairs of different features that share the most information.

    The matrix is never in memory, so that only the samples limit the number of features.

    Parameters
    ----------
    X : array-like of shape (n, m), or a pandas, polars or Arrow table
        Samples of m features, as `pairwise_mutual_information` takes them.
    k : int or None
        The number of pairs; None for all that reach ``threshold``.
    Y : array-like of shape (n, l) or (n,), or a table, optional
        Samples of other features. Pairs are then of a feature of X and one of Y.
    given : name of a column, list of names, or array-like of shape (n,) or (n, d), optional
        A third variable Z. Pairs are then ranked by I(X;Y|Z), what they share once Z is known; see
        `pairwise_conditional_mutual_information`.
    threshold : float, optional
        The least value of a pair, or its least corrected value if pairs are ranked by that.
    rank_by : {"corrected", "value"}, optional
        What pairs are ranked by. The plug-in value of few samples in many cells is large by chance
        alone. The corrected value is the value minus its expectation for independent variables
        with the same number of samples in each of their bins [1]_, and for ``given`` in each of
        their bins in each stratum. The default is "corrected" for tables with named columns and
        "value" for arrays.
    min_samples : int, optional
        The least number of samples in which both features of a pair are present. If pairs are
        ranked by the corrected value, the default is 30, or half the rows of a smaller table.
    p_values : bool
        Whether to test each pair, as `fastinfo.test_independence` does with ``method="chi2"``, or
        with ``"exact"`` or ``"gamma"`` where expected counts are small (needs scipy). Pairs have a
        p-value then, and the q-value of Benjamini and Hochberg [2]_ among *all* pairs. Q-values up
        to 0.1 are exact, others may be too large. With ``given`` a pair is tested for independence
        given it. Where samples are missing, the pairs that are far from significant are tested as
        if margins were in proportion to those of the features.
    fdr : float, optional
        Return only pairs whose q-value is at most this: the share of false discoveries among them
        that is allowed on average. It implies ``p_values``.
    normalized, kinds, layer, bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `pairwise_mutual_information`. Weighted samples have no corrected value (NaN), since
        chance depends on numbers of samples; their pairs are ranked by value. By all
        estimators but ``"ml"`` the value is corrected already and is the corrected value.
    progress, memory_limit, checkpoint
        As for `pairwise_mutual_information`.

    Returns
    -------
    list of RankedPair, TestedPair or Pair
        ``left``, ``right``, ``value``, ``corrected``, ``share`` and ``n_samples``, with p-values
        also ``pvalue`` and ``qvalue``; if pairs are ranked by value and have no p-values, ``left``,
        ``right`` and ``value``. The largest comes first; equal pairs are
        in the order of the features. Features are named if the table names them, and otherwise
        given by position. There are fewer than k if there are fewer pairs; a pair without a value
        (NaN) is left out.

    Raises
    ------
    ValueError, TypeError, MemoryError, BlockingIOError, OSError
        As `pairwise_mutual_information`. MemoryError also if more pairs reach the threshold than
        fit ``memory_limit``.

    Warns
    -----
    PreparationWarning
        Once, if columns of a table are skipped, or if columns that are not floating-point are
        binned.
    CappedBinsWarning
        As `fastinfo.mutual_information`.
    SaturationWarning
        Once, if more than half of a value among the first 100 that are returned is chance: there
        are too few samples for the cells of its table.

    References
    ----------
    .. [1] N. X. Vinh, J. Epps and J. Bailey, "Information theoretic measures for clusterings
       comparison", Journal of Machine Learning Research 11, 2010.
    .. [2] Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", Journal of the
       Royal Statistical Society B 57, 1995.

    Examples
    --------
    >>> import fastinfo
    >>> X = [[0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 0]]
    >>> fastinfo.top_pairs(X, k=1, base=2)
    [Pair(left=0, right=1, value=1.0)]
    """
    k, least = arguments.strongest(k, threshold)
    if rank_by is not None:
        arguments.one_of(rank_by, "rank_by", ("corrected", "value"))
    if min_samples is not None:
        min_samples = arguments.positive_integer(min_samples, "min_samples")
    average = arguments.average(normalized, base)
    X, Y = tables.with_layers(X, Y, layer)
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    if rank_by == "corrected" and sample_weight is not None:
        raise ValueError(
            'rank_by="corrected" takes off what chance gives for numbers of samples, and '
            'sample_weight gives sums of weights; use rank_by="value"'
        )
    fdr = tested.false_discovery_rate(fdr)
    if is_tested := p_values or fdr is not None:
        tested.require_testable(options)
    run = Run(progress, memory_limit, checkpoint)
    with on_device_of(X, Y, given, options.sample_weight):
        came = runs.resolve(runs.inputs(X, Y, bins, kinds, given), options)
        is_ranked = rank_by == "corrected" or (rank_by is None and came.is_named)
        binned = runs.bin_features(came, options)
        judge = binned.judge(options.unit, average)
        sink_options = (least, came.n_left, options.unit)
        if is_ranked and min_samples is None:
            min_samples = ranking.least_samples(binned.n_samples)
        rank = partial(_rank, judge, is_ranked, min_samples or 1)
        if min_samples is not None:
            # Expectations of pairs without strata are kept by their margins, and need no bound.
            is_bounded = is_ranked and judge.corrects and given is not None and average is None
            taken_off = judge.least_expected if is_bounded else None
            sink: TopSink = RankedSink(
                k, *sink_options, run.memory_limit, rank, taken_off=taken_off
            )
        else:
            sink = TopSink(k, *sink_options, run.memory_limit)
        measure = mutual_information(options.estimator, average, is_conditional=given is not None)
        if is_tested:
            test = tested.measure_of(measure, binned.features, binned.kernels, judge, fdr)
            tests = TestedSink(sink, came.n_left, run.memory_limit, fdr, judge.margins)
            runs.measure_pairs(binned, tests, options, run, test)
        else:
            runs.measure_pairs(binned, sink, options, run, measure)
    if fdr is not None:
        found = tests.significant(rank, k, least, judge)
    else:
        found = [(r, value, i, j + (came.n_left or 0)) for r, value, i, j in sink.ranked()]
    warn_of_pairs(came, judge, [(i, j, value) for _, value, i, j in found])
    labels = [(came.label(i), came.label(j)) for _, _, i, j in found]
    if is_tested:
        return tested.tested_pairs(labels, found, judge, test, tests, options.n_jobs)
    if not is_ranked:
        return [Pair(*pair, value) for pair, (_, value, _, _) in zip(labels, found, strict=True)]
    return [
        RankedPair(
            *pair,
            value,
            rank if judge.weights is None else float("nan"),
            judge.share(i, j, value),
            judge.n_samples(i, j),
        )
        for pair, (rank, value, i, j) in zip(labels, found, strict=True)
    ]


def _rank(
    judge: Judge, is_corrected: bool, min_samples: int, left: int, right: int, value: float
) -> float:
    """The rank of a pair; NaN if it has too few samples."""
    if min_samples > 1 and judge.n_samples(left, right) < min_samples:
        return float("nan")
    return judge.corrected(left, right, value) if is_corrected else value
