"""Mutual information of every pair of features: the matrix, or the strongest pairs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import combinations, product
from typing import Any, Literal, NamedTuple, Unpack, overload

import numpy as np

from fastinfo import formulas
from fastinfo.backends import on_device_of
from fastinfo.inputs import arguments, tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import (
    Average,
    BackendName,
    BinsByName,
    EstimatorName,
    Kinds,
    NanPolicy,
    PairOptions,
    RankBy,
    Table,
    Weights,
)
from fastinfo.measures import saturation
from fastinfo.pairs import ranking, runs
from fastinfo.pairs.matrices import matrix
from fastinfo.pairs.measure import OfEntropies, mutual_information
from fastinfo.pairs.ranking import Judge
from fastinfo.pairs.runs import Binned, Inputs, Run
from fastinfo.pairs.sinks import RankedSink, TopSink
from fastinfo.system.progress import Progress

MOST_CHECKED = 100
"""The most pairs of a result that are checked for too few samples."""

WIDEST = 15
"""The number of columns of a matrix, those with the most bins, whose pairs are checked for this."""


class Pair(NamedTuple):
    """Two features and their mutual information."""

    left: Any
    """Name of a feature, or its position where the table has no names."""
    right: Any
    value: float
    """Mutual information, in units of ``base``; a share if ``normalized`` was given."""


class RankedPair(NamedTuple):
    """Two features, their mutual information, and numbers by which to judge it."""

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
        batch by batch; of a `fastinfo.PairCounts` all pairs are counted already.
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
    average = _average(normalized, base)
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return matrix(
        *tables.with_layers(X, Y, layer),
        _measure(average, options),
        options,
        Run(progress, memory_limit, checkpoint),
        kinds=kinds,
        out=out,
        tell=partial(_warn_of_widest_columns, average),
    )


@overload
def top_pairs(
    X: Table,
    k: int | None = 10,
    Y: Table | None = None,
    *,
    rank_by: Literal["value"],
    **options: Unpack[PairOptions],
) -> list[Pair]: ...


@overload
def top_pairs(
    X: Table,
    k: int | None = 10,
    Y: Table | None = None,
    *,
    rank_by: Literal["corrected"],
    **options: Unpack[PairOptions],
) -> list[RankedPair]: ...


@overload
def top_pairs(
    X: np.ndarray[Any, Any],
    k: int | None = 10,
    Y: Table | None = None,
    *,
    rank_by: None = None,
    **options: Unpack[PairOptions],
) -> list[Pair]: ...


@overload
def top_pairs(
    X: Table,
    k: int | None = 10,
    Y: Table | None = None,
    *,
    rank_by: RankBy | None = None,
    **options: Unpack[PairOptions],
) -> list[Any]: ...


def top_pairs(
    X: Table,
    k: int | None = 10,
    Y: Table | None = None,
    *,
    threshold: float | None = None,
    rank_by: RankBy | None = None,
    min_samples: int | None = None,
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
    threshold : float, optional
        The least value of a pair, or its least corrected value if pairs are ranked by that.
    rank_by : {"corrected", "value"}, optional
        What pairs are ranked by. The plug-in value of few samples in many cells is large by chance
        alone. The corrected value is the value minus its expectation for independent variables
        with the same number of samples in each of their bins [1]_. The default is "corrected" for
        tables with named columns and "value" for arrays.
    min_samples : int, optional
        The least number of samples in which both features of a pair are present. If pairs are
        ranked by the corrected value, the default is 30, or half the rows of a smaller table.
    normalized, kinds, layer, bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `pairwise_mutual_information`. Weighted samples have no corrected value (NaN), since
        chance depends on numbers of samples; their pairs are ranked by value. With
        ``estimator="miller_madow"`` the value is corrected already and is the corrected value.
    progress, memory_limit, checkpoint
        As for `pairwise_mutual_information`.

    Returns
    -------
    list of RankedPair or of Pair
        ``left``, ``right``, ``value``, ``corrected``, ``share`` and ``n_samples``; if pairs are
        ranked by value, ``left``, ``right`` and ``value``. The largest comes first; equal pairs are
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

    Examples
    --------
    >>> import fastinfo
    >>> X = [[0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 0]]
    >>> fastinfo.top_pairs(X, k=1, base=2)
    [Pair(left=0, right=1, value=1.0)]
    """
    if k is None and threshold is None:
        raise ValueError("k=None takes all pairs that reach a threshold: pass threshold too")
    k = None if k is None else arguments.positive_integer(k, "k")
    least = arguments.threshold(threshold)
    if rank_by is not None:
        arguments.one_of(rank_by, "rank_by", ("corrected", "value"))
    if min_samples is not None:
        min_samples = arguments.positive_integer(min_samples, "min_samples")
    average = _average(normalized, base)
    X, Y = tables.with_layers(X, Y, layer)
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    if rank_by == "corrected" and sample_weight is not None:
        raise ValueError(
            'rank_by="corrected" takes off what chance gives for numbers of samples, and '
            'sample_weight gives sums of weights; use rank_by="value"'
        )
    run = Run(progress, memory_limit, checkpoint)
    with on_device_of(X, Y, options.sample_weight):
        given = runs.resolve(runs.inputs(X, Y, bins, kinds), options)
        is_ranked = rank_by == "corrected" or (rank_by is None and given.is_named)
        binned = runs.bin_features(given, options)
        judge = binned.judge(options.unit, average)
        sink_options = (least, given.n_left, options.unit)
        if is_ranked or min_samples is not None:
            if is_ranked and min_samples is None:
                min_samples = ranking.least_samples(binned.n_samples)
            rank = partial(_rank, judge, is_ranked, min_samples or 1)
            sink: TopSink = RankedSink(k, *sink_options, run.memory_limit, rank)
        else:
            sink = TopSink(k, *sink_options, run.memory_limit)
        runs.measure_pairs(binned, sink, options, run, _measure(average, options))
    n_before = given.n_left or 0
    found = [(rank, value, i, j + n_before) for rank, value, i, j in sink.ranked()]
    _warn_of_saturated_pairs(given, judge, found)
    labels = [(given.label(i), given.label(j)) for _, _, i, j in found]
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


def _average(normalized: Any, base: Any) -> str | None:
    if normalized is None:
        return None
    if base is not None:
        raise ValueError(
            f"base={base!r}: normalized information is a share, which has no unit; leave base out"
        )
    return str(arguments.one_of(normalized, "normalized", formulas.AVERAGES))


def _measure(average: str | None, options: Options) -> OfEntropies:
    if average is None:
        return mutual_information(options.estimator)
    formula = formulas.normalized_mutual_information.with_options(average=average)
    name = f"normalized_mutual_information, {average}"
    return OfEntropies(name, formula, options.estimator)


def _rank(
    judge: Judge, is_corrected: bool, min_samples: int, left: int, right: int, value: float
) -> float:
    """The rank of a pair; NaN if it has too few samples."""
    if min_samples > 1 and judge.n_samples(left, right) < min_samples:
        return float("nan")
    return judge.corrected(left, right, value) if is_corrected else value


def _warn_of_saturated_pairs(
    given: Inputs, judge: Judge, found: Sequence[tuple[float, float, int, int]]
) -> None:
    """Warn if values that are shown are mostly chance, and name the columns with the most bins."""
    worst = _saturated(given, judge, [(i, j, value) for _, value, i, j in found[:MOST_CHECKED]])
    if worst:
        names = [name for name, _ in worst.most_common()]
        saturation.warn_of_columns(names, f"{worst.total()} of the pairs shown")


def _warn_of_widest_columns(
    average: str | None, given: Inputs, binned: Binned, unit: float, matrix: Any
) -> None:
    """Warn if values of a matrix are mostly chance, by pairs of the columns with the most bins."""
    judge = binned.judge(unit, average)
    if not judge.corrects or not hasattr(matrix, "__getitem__"):
        return
    n_bins, n_left = judge.features.n_bins, given.n_left or 0
    left, right = (
        (np.argsort(-side, kind="stable")[:WIDEST] + first).tolist()
        for side, first in ((n_bins[:n_left] if n_left else n_bins, 0), (n_bins[n_left:], n_left))
    )
    pairs = list(product(left, right) if n_left else combinations(left, 2))
    doubtful = [pair for pair in pairs if judge.may_be_saturated(*pair)]
    try:
        found = [(i, j, float(matrix[i, j - n_left])) for i, j in doubtful]
    except Exception:  # ``out`` may be write-only, and then raise any error
        return
    worst = _saturated(given, judge, found)
    if worst:
        names = [name for name, _ in worst.most_common()]
        where = f"{worst.total()} of the {len(pairs)} pairs of the columns with the most bins"
        saturation.warn_of_columns(names, where, "fastinfo.top_pairs takes off what chance gives")


def _saturated(
    given: Inputs, judge: Judge, pairs: Iterable[tuple[int, int, float]]
) -> Counter[Any]:
    """For the pairs that are mostly chance: how often each column is the one with more bins."""
    return Counter(
        given.label(max((i, j), key=judge.n_occupied))
        for i, j, value in pairs
        if judge.is_saturated(i, j, value)
    )
