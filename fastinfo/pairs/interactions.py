"""What pairs of features tell about a target together, beyond what each of them tells alone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends import on_device_of
from fastinfo.backends.contract import Array
from fastinfo.backends.terms import Term
from fastinfo.estimators import entropies
from fastinfo.inputs import arguments, tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import (
    BackendName,
    BinsByName,
    EstimatorName,
    Given,
    InteractionRank,
    Kinds,
    NanPolicy,
    Table,
    Weights,
)
from fastinfo.measures import saturation
from fastinfo.pairs import ranking, runs
from fastinfo.pairs.matrices import ThirdArgument, matrices
from fastinfo.pairs.measure import Counted
from fastinfo.pairs.ranking import Judge, widest_pairs
from fastinfo.pairs.recount import Recount, recount, told_by
from fastinfo.pairs.runs import Binned, Inputs, Run
from fastinfo.pairs.saturated import MOST_CHECKED
from fastinfo.pairs.sinks import RankedSink, TopSink
from fastinfo.system.progress import Progress

WAY_ON = "The corrected synergy of fastinfo.top_interactions is what is left"


class PairwiseInteraction(NamedTuple):
    """What every pair of features tells about a target: matrices."""

    value: Any
    """I(Xi,Xj;C), what both features tell together. On the diagonal is I(Xi;C), what one tells."""
    synergy: Any
    """I(Xi,Xj;C) − I(Xi;C) − I(Xj;C); negative where both tell the same (redundancy)."""


class InteractingPair(NamedTuple):
    """Two features and what they tell about a target, in units of ``base``."""

    left: Any
    """Name of a feature, or its position where the table has no names."""
    right: Any
    value: float
    """I(Xi,Xj;C), what both features tell together."""
    left_value: float
    """I(Xi;C), what the left feature tells alone, over the samples of this pair."""
    right_value: float
    """I(Xj;C), what the right feature tells alone, over the same samples."""
    synergy: float
    """What is told by both together alone: ``value − left_value − right_value``."""
    corrected: float
    """The synergy minus its expectation for a target that is shuffled."""
    n_samples: int
    """The number of samples in which both features and the target are present."""


@dataclass(frozen=True)
class Interaction:
    """The measure: what a pair tells about the stratum of a sample, and how much is synergy.

    Parameters
    ----------
    estimator : str
        One of `estimators.entropies.ESTIMATORS` with a term.
    n_bins : array, optional
        The numbers of bins of all features, for a third plane, ``most``: a number that the
        corrected synergy does not exceed.
    n_strata : int
        The number of strata, for the same.
    """

    estimator: str
    n_bins: Array | None = None
    n_strata: int = 0

    @property
    def description(self) -> dict[str, str]:
        """Its name and its estimator."""
        return {"measure": "interaction", "estimator": self.estimator}

    @property
    def planes(self) -> tuple[str, ...]:
        """The information of both, the synergy, and a bound of its corrected value."""
        return ("value", "synergy") if self.n_bins is None else ("value", "synergy", "most")

    @property
    def term(self) -> Term | None:
        """The term of the estimator."""
        return entropies.ESTIMATORS[self.estimator].term

    def __call__(self, pairs: Counted) -> tuple[Array, ...]:
        """What both tell, the synergy, and with ``n_bins`` a bound of its corrected value."""
        xp, pooled = pairs.kernels.xp, pairs.pooled_sums()
        value, left, right = told_by(pooled, pairs.sums(), self.estimator, xp)
        synergy = value - left
        synergy -= right
        if self.n_bins is None:
            return value, synergy
        # Shuffled, both tell at least as much as one of them. So no more than the smaller
        # expectation of one is added, and `saturation.may_be_chance` bounds that.
        fewest = np.minimum(self.n_bins[pairs.left][:, None], self.n_bins[pairs.right])
        cells = pairs.kernels.bring(np.maximum(fewest - 1, 0) * (self.n_strata - 1))
        return value, synergy, synergy + xp.log1p(cells / xp.maximum(pooled.samples - 1, 1))


def pairwise_interaction(
    X: Table,
    target: Given,
    Y: Table | None = None,
    *,
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
) -> PairwiseInteraction:
    """What every pair of features tells about a target, and how much of it only both together.

    The synergy of two features is I(Xi,Xj;C) − I(Xi;C) − I(Xj;C), which is the interaction
    information I(Xi;Xj;C) = I(Xi;Xj|C) − I(Xi;Xj) [1]_. Between genotypes and a phenotype it is
    epistasis [2]_. `top_interactions` finds the strongest pairs without holding the matrices.

    Parameters
    ----------
    X : array-like of shape (n, m), or a pandas, polars or Arrow table
        Samples of m features, as `pairwise_mutual_information` takes them.
    target : name of a column, list of names, or array-like of shape (n,) or (n, d)
        The variable C that pairs are to tell about. Names are those of columns of X, which are no
        features then. Samples ``(n, d)``, and d names, are one d-dimensional variable. If X has
        named columns, samples of C are prepared like a column of X.
    Y : array-like of shape (n, k) or (n,), or a table, optional
        Samples of other features, such as environments beside genotypes. Pairs are then of a
        feature of X and one of Y.
    kinds, layer
        As for `pairwise_mutual_information`.
    bins : optional
        As for `pairwise_mutual_information`; a tuple has one specification for X, one for Y if
        there is one, and one for ``target``. The default number of bins is ⌈n^(1/(d+3))⌉ for a
        target of d columns, as for `fastinfo.interaction_information`.
    base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `fastinfo.mutual_information`. With ``nan_policy="omit"`` all information of a pair
        is measured over the samples where both features and the target are present. Estimators
        are those that are sums over cells.
    progress, memory_limit, checkpoint
        As for `pairwise_mutual_information`.

    Returns
    -------
    PairwiseInteraction
        ``value`` and ``synergy``, each float64 of shape (m, m) or (m, k), in nats or in units of
        ``base``; DataFrames for a DataFrame. Without Y both are symmetric, and the diagonal of
        ``value`` is what each feature tells alone. A pair without samples is NaN; so is, with
        ``nan_policy="propagate"``, a pair with a missing sample.

    Raises
    ------
    ValueError, TypeError, MemoryError, BlockingIOError, OSError
        As `pairwise_conditional_mutual_information`, with ``target`` in place of ``given``.

    Warns
    -----
    PreparationWarning, CappedBinsWarning
        As `pairwise_mutual_information`.
    SaturationWarning
        Once, if more than half of what a pair tells is chance, among the 15 columns of each table
        that have the most bins.

    See Also
    --------
    top_interactions : The strongest pairs, with what chance gives taken off.
    interaction_information : The synergy of one pair.
    score : What each feature tells about a target alone.

    References
    ----------
    .. [1] W. J. McGill, "Multivariate information transmission", Psychometrika 19, 1954.
    .. [2] J. H. Moore et al., "A flexible computational framework for detecting, characterizing,
       and interpreting statistical patterns of epistasis in genetic studies of human disease
       susceptibility", Journal of Theoretical Biology 241, 2006.

    Examples
    --------
    Two coins that tell nothing alone and all together about whether they fell alike, and a third
    that shows it.

    >>> import fastinfo
    >>> X = [[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1]]
    >>> value, synergy = fastinfo.pairwise_interaction(X, target=[1, 0, 0, 1], base=2)
    >>> value
    array([[0., 1., 1.],
           [1., 0., 1.],
           [1., 1., 1.]])
    >>> synergy
    array([[ 0.,  1.,  0.],
           [ 1.,  0.,  0.],
           [ 0.,  0., -1.]])
    """
    _require_target(target)
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    found = matrices(
        *tables.with_layers(X, Y, layer),
        Interaction(options.estimator),
        options,
        Run(progress, memory_limit, checkpoint),
        planes=("value", "synergy"),
        kinds=kinds,
        tell=_warn_of_widest_columns,
        third=ThirdArgument(target, "target"),
        pools=True,
    )
    return PairwiseInteraction(*found)


def top_interactions(
    X: Table,
    target: Given,
    k: int | None = 10,
    Y: Table | None = None,
    *,
    threshold: float | None = None,
    rank_by: InteractionRank | None = None,
    min_samples: int | None = None,
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
) -> list[InteractingPair]:
    """The k pairs of different features that tell most about a target only together.

    All pairs are measured, and the matrices of `pairwise_interaction` are never in memory.

    Parameters
    ----------
    X, target, Y
        As for `pairwise_interaction`.
    k : int or None
        The number of pairs; None for all that reach ``threshold``.
    threshold : float, optional
        The least number that a pair is ranked by.
    rank_by : {"corrected", "synergy", "value"}, optional
        What pairs are ranked by. "synergy": what only both features together tell. "corrected": the
        synergy minus its expectation if the target is shuffled among the samples, exactly [1]_;
        without that, pairs of many bins are strong by chance alone. Pairs that may be among the
        strongest are counted again for it, in some tenths of a millisecond each. "value": what both
        tell, together and alone. The default is "corrected" for tables with named columns and
        "synergy" for arrays.
    min_samples : int, optional
        The least number of samples in which both features and the target are present. If pairs are
        ranked by the corrected synergy, the default is 30, or half the rows of a smaller table.
    kinds, layer, bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `pairwise_interaction`. Weighted samples have no corrected synergy (NaN), since
        chance depends on numbers of samples. With ``estimator="miller_madow"`` the synergy is
        corrected already and is the corrected synergy.
    progress, memory_limit, checkpoint
        As for `pairwise_mutual_information`.

    Returns
    -------
    list of InteractingPair
        ``left``, ``right``, ``value``, ``left_value``, ``right_value``, ``synergy``, ``corrected``
        and ``n_samples``. The strongest comes first; equal pairs are in the order of the features.
        There are fewer than k if there are fewer pairs; a pair without a value (NaN) is left out.

    Raises
    ------
    ValueError, TypeError, MemoryError, BlockingIOError, OSError
        As `pairwise_interaction`. MemoryError also if more pairs reach the threshold than fit
        ``memory_limit``.

    Warns
    -----
    PreparationWarning, CappedBinsWarning
        As `pairwise_mutual_information`.
    SaturationWarning
        Once, if more than half of the value of a pair among the first 100 that are returned is
        chance.

    References
    ----------
    .. [1] N. X. Vinh, J. Epps and J. Bailey, "Information theoretic measures for clusterings
       comparison", Journal of Machine Learning Research 11, 2010.

    Examples
    --------
    >>> import fastinfo
    >>> X = [[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1]] * 10
    >>> (best,) = fastinfo.top_interactions(X, target=[1, 0, 0, 1] * 10, k=1, base=2)
    >>> best.left, best.right, best.left_value, best.synergy, round(best.corrected, 3)
    (0, 1, 0.0, 1.0, 0.98)
    """
    _require_target(target)
    k, least = arguments.strongest(k, threshold)
    if rank_by is not None:
        arguments.one_of(rank_by, "rank_by", ("corrected", "synergy", "value"))
    if min_samples is not None:
        min_samples = arguments.positive_integer(min_samples, "min_samples")
    X, Y = tables.with_layers(X, Y, layer)
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    if rank_by == "corrected" and sample_weight is not None:
        raise ValueError(
            'rank_by="corrected" takes off what chance gives for numbers of samples, and '
            'sample_weight gives sums of weights; use rank_by="synergy"'
        )
    run = Run(progress, memory_limit, checkpoint)
    with on_device_of(X, Y, target, options.sample_weight):
        came = runs.resolve(runs.inputs(X, Y, bins, kinds, target, "target"), options)
        by = rank_by or ("corrected" if came.is_named else "synergy")
        binned = runs.bin_features(came, options)
        judge = binned.judge(options.unit)
        if by == "corrected" and min_samples is None:
            min_samples = ranking.least_samples(binned.n_samples)
        # An estimate that is corrected already is its own corrected synergy.
        is_bounded = by == "corrected" and judge.corrects
        measure = Interaction(options.estimator)
        if is_bounded:
            measure = Interaction(options.estimator, binned.features.n_bins, judge.n_strata)
        plane = "most" if is_bounded else "value" if by == "value" else "synergy"
        sink_options = (k, least, came.n_left, options.unit, run.memory_limit)
        if is_bounded or min_samples is not None:
            rank = partial(_rank, judge, is_bounded, min_samples or 1, lambda: sink.least)
            sink: TopSink = RankedSink(*sink_options, rank, plane)
        else:
            sink = TopSink(*sink_options, plane)
        runs.measure_pairs(binned, sink, options, run, measure, pools=True)
    n_before = came.n_left or 0
    pairs = [(i, j + n_before) for _, _, i, j in sink.ranked()]
    counted = [recount(judge, *pair) for pair in pairs]
    _warn(came, judge, zip(pairs[:MOST_CHECKED], counted, strict=False), "the pairs shown")
    return [_interacting(came, judge, *pair, one) for pair, one in zip(pairs, counted, strict=True)]


def _require_target(target: Any) -> None:
    if target is None:
        raise TypeError("target is None; accepted are samples, or the name of a column of X")


def _rank(
    judge: Judge,
    is_corrected: bool,
    min_samples: int,
    least: Callable[[], float],
    left: int,
    right: int,
    value: float,
) -> float:
    """The rank of a pair, or a number between it and ``least``; NaN if it has too few samples."""
    if min_samples > 1 and judge.n_samples(left, right) < min_samples:
        return float("nan")
    if not is_corrected:
        return value
    return recount(judge, left, right, least() * judge.unit).corrected / judge.unit


def _interacting(
    came: Inputs, judge: Judge, left: int, right: int, counted: Recount
) -> InteractingPair:
    value, left_value, right_value, synergy, corrected, _ = counted
    return InteractingPair(
        came.label(left),
        came.label(right),
        value / judge.unit,
        left_value / judge.unit,
        right_value / judge.unit,
        synergy / judge.unit,
        corrected / judge.unit,
        judge.n_samples(left, right),
    )


def _warn_of_widest_columns(came: Inputs, binned: Binned, unit: float, values: Any) -> None:
    """Warn if what pairs tell is mostly chance, by pairs of the columns with the most bins."""
    judge, n_left = binned.judge(unit), came.n_left or 0
    n_bins = np.maximum(judge.features.n_bins, 1)
    pairs = widest_pairs(judge, n_left)
    n_samples = max(min(map(judge.n_present, range(len(n_bins))), default=0), 2)
    doubtful = [
        (i, j)
        for i, j in pairs
        if saturation.is_chance(
            0.0,
            (0.0, 0.0),
            np.log1p((n_bins[i] * n_bins[j] - 1) * (judge.n_strata - 1) / (n_samples - 1)),
        )
    ]
    known = [(i, j) for i, j in doubtful if not np.isnan(float(values[i, j - n_left]))]
    counted = ((pair, recount(judge, *pair)) for pair in known)
    _warn(came, judge, counted, f"the {len(pairs)} pairs of the columns with the most bins")


def _warn(
    came: Inputs, judge: Judge, counted: Iterable[tuple[tuple[int, int], Recount]], where: str
) -> None:
    """Warn if what pairs tell is mostly chance, and name the columns with the most bins."""
    if not judge.corrects:
        return
    worst = Counter(
        came.label(max(pair, key=judge.n_occupied)) for pair, one in counted if one.is_saturated
    )
    if worst:
        names = [name for name, _ in worst.most_common()]
        saturation.warn_of_columns(names, f"{worst.total()} of {where}", WAY_ON)
