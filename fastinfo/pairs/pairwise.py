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
"""Pairs, of those that are shown, that are looked at for too few samples."""

WIDEST = 15
"""Columns of a matrix, those with the most bins, whose pairs are looked at for the same."""


class Pair(NamedTuple):
    """Two features and their mutual information."""

    left: Any
    """Name of a feature, or its position where the table has no names."""
    right: Any
    value: float


class RankedPair(NamedTuple):
    """Two features, their mutual information, and what it is worth."""

    left: Any
    """Name of a feature, or its position where the table has no names."""
    right: Any
    value: float
    """Mutual information, or the normalized one where that was asked for."""
    corrected: float
    """The value less its expectation for independent variables with the same margins."""
    share: float
    """Normalized mutual information, by the entropies of this pair over its own samples."""
    n_samples: int
    """Samples in which both features are present."""


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
        Samples of m features. A table is prepared, as the notes of `fastinfo.score` say: columns
        that cannot be measured are skipped. An array is taken as it is.
    Y : array-like of shape (n, k) or (n,), or a table, optional
        Samples of k other features, or of one. With it, pairs of a feature of X and one of Y.
    normalized : {"arithmetic", "geometric", "min", "max"}, optional
        Give each pair's information as a share of this average of its two entropies, as
        `fastinfo.normalized_mutual_information` does, over the samples of that pair.
    kinds : dict of str to {"category", "number", "skip"}, optional
        What columns of a table are, where the rules would decide otherwise.
    layer : str, optional
        Of an AnnData, the layer to take in place of its X.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `fastinfo.mutual_information`; ``bins`` is one specification for all features, a
        pair of them for X and Y, or a dict of them by name of the column. With
        ``nan_policy="omit"`` each pair uses only samples where both are present; bins of equal
        frequency are those of each feature by itself. With ``backend="cupy"`` all GPUs that can be
        used share samples of the host, on a thread each at least; the environment variable
        ``CUDA_VISIBLE_DEVICES`` chooses among them.
    progress : bool or callable, optional
        True shows a bar (needs rich); a function is called with the pairs done and in all.
    out : array of shape (m, m) or (m, k), floating-point, optional
        Where to write the result tile by tile: an array, a torch tensor on the CPU, a
        `numpy.memmap`, a zarr array, or anything else that takes assignments to slices. What a
        broken run has not come to keeps the value that it had. Features are measured in the order
        of their numbers of bins, and written in runs of neighbours: where these numbers are mixed,
        the writes are small, and what is slow at those (compressed chunks) is better copied from a
        `numpy.memmap` in the end.
    memory_limit : int, optional
        Bytes that each of these may take: the rows of bits that are made of features with few
        bins, which beyond the limit are counted without them, and slower; the pairs of `top_pairs`.
        A quarter of the free memory by default. The binned samples, the matrix, and the tiles under
        way, which are small, do not count.
    checkpoint : path, optional
        A directory that keeps the finished tiles. A run that was broken off, even by SIGKILL, goes
        on from there when called again, in tiles of the size that it was begun with; with other
        data, or arguments that have an influence on the values, it is refused.

    Returns
    -------
    numpy.ndarray of shape (m, m) or (m, k), float64
        Mutual information in nats, or in units of ``base``. Without Y symmetric, with each
        feature's entropy on the diagonal. Of a DataFrame a DataFrame of the same library: of pandas
        with the names as index and columns, of polars and Arrow with them in a first column,
        ``column``. NaN for a pair that shares no sample, and under
        ``nan_policy="propagate"`` for one with a missing sample. A torch tensor where X is one;
        ``out`` where that was given.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `fastinfo.mutual_information`; also for an ``out`` of another shape, a checkpoint of
        another run, and a matrix that does not fit the memory.
    BlockingIOError, OSError
        For a checkpoint that another process is writing to, and one that cannot be written.

    Warns
    -----
    PreparationWarning
        Once, where columns of a table are skipped, or are binned and are no floating-point numbers.
    SaturationWarning
        Once, where `fastinfo.mutual_information` would warn of a pair among the 15 columns of each
        table that have the most bins. `top_pairs` looks at all that it gives, and takes chance off.
        Nothing is said of weighted samples, nor of an ``out`` that cannot be read from.
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
        tell=partial(_tell_of_the_widest, average),
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

    The matrix is never held, so that the number of features is limited by their samples only.

    Parameters
    ----------
    X : array-like of shape (n, m), or a pandas, polars or Arrow table
        Samples of m features, as `pairwise_mutual_information` takes them.
    k : int or None
        How many pairs; None for all that reach ``threshold``.
    Y : array-like of shape (n, l) or (n,), or a table, optional
        Samples of other features. With it, pairs of a feature of X and one of Y.
    threshold : float, optional
        Only pairs of at least this value, or corrected value where pairs are ranked by it.
    rank_by : {"corrected", "value"}, optional
        What pairs are ranked by. The plug-in value of few samples in many cells is large by chance
        alone. The corrected value is what is left of it once its expectation is taken off: that of
        independent variables with the same numbers of samples in each of their bins [1]_. By
        default "corrected" for tables with named columns and "value" for arrays.
    min_samples : int, optional
        Only pairs with at least so many samples in which both features are present. Ranked by the
        corrected value, 30 by default, or half the rows of a smaller table.
    normalized, kinds, layer, bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `pairwise_mutual_information`. A corrected value of weighted samples is NaN, for
        chance depends on numbers of samples: pairs are ranked by value then. Of
        ``estimator="miller_madow"`` it is the value, which is corrected already.
    progress, memory_limit, checkpoint
        As for `pairwise_mutual_information`.

    Returns
    -------
    list of RankedPair or of Pair
        ``left``, ``right``, ``value``, ``corrected``, ``share`` and ``n_samples``; ranked by value
        ``left``, ``right`` and ``value``. Largest first, equal ones in the order of the features.
        Features are named where the table names them, and numbered otherwise. Fewer than k where
        there are fewer pairs; a pair without a value (NaN) is none.

    Raises
    ------
    ValueError, TypeError, MemoryError, BlockingIOError, OSError
        As `pairwise_mutual_information`; MemoryError also where more pairs reach the threshold
        than fit the memory limit.

    Warns
    -----
    PreparationWarning
        Once, where columns of a table are skipped, or are binned and are no floating-point numbers.
    CappedBinsWarning
        As `fastinfo.mutual_information`.
    SaturationWarning
        Once, where more than half of a value that is returned is chance, for there are too few
        samples for the cells of its table.

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
    _tell_of_saturation(given, judge, found)
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
    return OfEntropies(name, formula, options.estimator, is_linear=False)


def _rank(
    judge: Judge, is_corrected: bool, min_samples: int, left: int, right: int, value: float
) -> float:
    """What a pair is ranked by; NaN for one with too few samples."""
    if min_samples > 1 and judge.n_samples(left, right) < min_samples:
        return float("nan")
    return judge.corrected(left, right, value) if is_corrected else value


def _tell_of_saturation(
    given: Inputs, judge: Judge, found: Sequence[tuple[float, float, int, int]]
) -> None:
    """Warn where values that are shown are mostly chance, with the columns of most bins."""
    worst = _saturated(given, judge, [(i, j, value) for _, value, i, j in found[:MOST_CHECKED]])
    if worst:
        names = [name for name, _ in worst.most_common()]
        saturation.warn_of_columns(names, f"{worst.total()} of the pairs shown")


def _tell_of_the_widest(
    average: str | None, given: Inputs, binned: Binned, unit: float, matrix: Any
) -> None:
    """The same for a matrix, by the pairs among the columns with the most bins."""
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
    except Exception:  # whatever an ``out`` raises that can be written to and not read from
        return
    worst = _saturated(given, judge, found)
    if worst:
        names = [name for name, _ in worst.most_common()]
        where = f"{worst.total()} of the {len(pairs)} pairs of the columns with the most bins"
        saturation.warn_of_columns(names, where, "fastinfo.top_pairs takes off what chance gives")


def _saturated(
    given: Inputs, judge: Judge, pairs: Iterable[tuple[int, int, float]]
) -> Counter[Any]:
    """Of pairs that are mostly chance, the columns with more bins, and how often each is."""
    return Counter(
        given.label(max((i, j), key=judge.n_occupied))
        for i, j, value in pairs
        if judge.is_saturated(i, j, value)
    )
