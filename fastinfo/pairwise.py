"""Mutual information of every pair of features: the matrix, or the strongest pairs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fastinfo import arguments, binning, counting, formulas, tables
from fastinfo.arguments import Options
from fastinfo.backends import choose
from fastinfo.binning import Column
from fastinfo.joint_counts import refuse_missing
from fastinfo.progress import Progress, shown
from fastinfo.tiles import Feature, Job, Plan, Sink, run


class Pair(NamedTuple):
    """Two features and their mutual information."""

    left: Any
    """Name of a feature, or its position where the table has no names."""
    right: Any
    value: float


def pairwise_mutual_information(
    X: Any,
    Y: Any = None,
    *,
    bins: Any = None,
    base: float | None = None,
    estimator: str = "ml",
    nan_policy: str = "raise",
    sample_weight: Any = None,
    backend: str | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
) -> Any:
    """Mutual information of every pair of features.

    Parameters
    ----------
    X : array-like of shape (n, m), or a pandas, polars or Arrow table
        Samples of m features.
    Y : array-like of shape (n, k), or a table, optional
        Samples of k other features. With it, pairs of a feature of X and one of Y.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `fastinfo.mutual_information`; ``bins`` is one specification for all features, or a
        pair of them for X and Y. With ``nan_policy="omit"`` each pair leaves out the samples that
        it lacks and no others; bins of equal frequency are those of each feature by itself.
    progress : bool or callable, optional
        True shows a bar (needs rich); a function is called with the pairs done and in all.

    Returns
    -------
    numpy.ndarray of shape (m, m) or (m, k), float64
        Mutual information in nats, or in units of ``base``. Without Y symmetric, with each
        feature's entropy on the diagonal. NaN for a pair that shares no sample, and under
        ``nan_policy="propagate"`` for one that lacks any. A torch tensor where X is one.

    Raises
    ------
    ValueError, TypeError, MemoryError
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
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    groups = _feature_groups(X, Y)
    shape = (len(groups[0]), len(groups[-1]))
    counting.require_memory(shape)
    sink = MatrixSink(np.full(shape, np.nan), 0 if Y is None else shape[0], options.unit)
    measure_pairs(groups, sink, options, progress)
    return tables.like(sink.matrix, X)


def top_pairs(
    X: Any,
    k: int = 10,
    Y: Any = None,
    *,
    bins: Any = None,
    base: float | None = None,
    estimator: str = "ml",
    nan_policy: str = "raise",
    sample_weight: Any = None,
    backend: str | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
) -> list[Pair]:
    """The k pairs of different features with the largest mutual information.

    The matrix is never held, so that the number of features is limited by their samples only.

    Parameters
    ----------
    X : array-like of shape (n, m), or a pandas, polars or Arrow table
        Samples of m features.
    k : int
        How many pairs.
    Y : array-like of shape (n, l), or a table, optional
        Samples of other features. With it, pairs of a feature of X and one of Y.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs, progress
        As for `pairwise_mutual_information`.

    Returns
    -------
    list of Pair
        ``left``, ``right`` and ``value``, largest first, equal values in the order of the features.
        Features are named where the table names them, and numbered otherwise. Fewer than k where
        there are fewer pairs; a pair without a value (NaN) is none.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `fastinfo.mutual_information`.

    Examples
    --------
    >>> import fastinfo
    >>> X = [[0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 0]]
    >>> fastinfo.top_pairs(X, k=1, base=2)
    [Pair(left=0, right=1, value=1.0)]
    """
    k = arguments.positive_integer(k, "k")
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    groups = _feature_groups(X, Y)
    sink = TopSink(k, 0 if Y is None else len(groups[0]), options.unit)
    measure_pairs(groups, sink, options, progress)
    left, right = tables.labels(X), tables.labels(X if Y is None else Y)
    return [Pair(left[i], right[j], value) for value, i, j in sink.pairs()]


def _feature_groups(X: Any, Y: Any) -> list[list[Column]]:
    return [arguments.features(X, "X")] + ([] if Y is None else [arguments.features(Y, "Y")])


class MatrixSink:
    """Keeps all values, in both places where the matrix is symmetric."""

    def __init__(self, matrix: np.ndarray[Any, Any], first_right: int, unit: float) -> None:
        self.matrix = matrix
        self.first_right = first_right
        self.unit = unit

    def put(self, left: Any, right: Any, values: Any) -> None:
        """Write one tile."""
        values = values / self.unit
        right = right - self.first_right
        if not self.first_right and left[0] == right[0]:
            # The two sums of a pair on the diagonal run in other orders: one rounding for both.
            values = np.triu(values) + np.triu(values, 1).T
        self.matrix[np.ix_(left, right)] = values
        if not self.first_right:
            self.matrix[np.ix_(right, left)] = values.T


class TopSink:
    """Keeps the k largest values, whatever the order in which tiles come."""

    def __init__(self, k: int, first_right: int, unit: float) -> None:
        self.k = k
        self.first_right = first_right
        self.unit = unit
        self._values = np.empty(0)
        self._pairs = np.empty((2, 0), np.int64)

    def put(self, left: Any, right: Any, values: Any) -> None:
        """Keep what is among the k largest so far."""
        rows, columns = np.meshgrid(left, right - self.first_right, indexing="ij")
        pairs = np.stack([rows.ravel(), columns.ravel()])
        values = values.ravel() / self.unit
        wanted = ~np.isnan(values)
        if not self.first_right:
            # A tile on the diagonal holds its pairs twice, and each feature with itself. Tiles
            # follow the features' size classes, so a pair may come larger number first.
            is_diagonal_tile = left[0] == right[0]
            wanted &= pairs[0] != pairs[1]
            if is_diagonal_tile:
                wanted &= pairs[0] < pairs[1]
            pairs = np.sort(pairs, axis=0)
        if self._values.size == self.k:
            wanted &= values >= self._values[-1]
        self._values = np.concatenate([self._values, values[wanted]])
        self._pairs = np.concatenate([self._pairs, pairs[:, wanted]], axis=1)
        best = np.lexsort((self._pairs[1], self._pairs[0], -self._values))[: self.k]
        self._values, self._pairs = self._values[best], self._pairs[:, best]

    def pairs(self) -> list[tuple[float, int, int]]:
        """Value and positions, largest value first."""
        return list(zip(self._values.tolist(), *self._pairs.tolist(), strict=True))


def measure_pairs(
    groups: list[list[Column]], sink: Sink, options: Options, progress: Progress = None
) -> None:
    """Bin the features of one or two tables and measure every pair."""
    n_samples = arguments.same_length([column for group in groups for column in group])
    weights = arguments.weights(options.sample_weight, n_samples)
    arguments.require_integers(options.estimator, weights is not None)
    groups, rules = arguments.bin_rules(options.bins, groups)
    columns = [column for group in groups for column in group]
    kernels = choose(options.backend, n_jobs=1)
    n_jobs = options.n_threads
    with ThreadPoolExecutor(n_jobs) as pool:
        coded = list(pool.map(partial(binning.encode, kernels=kernels), columns, rules))
    if options.nan_policy == "raise":
        refuse_missing(columns, coded)
    features = [Feature(c.codes, len(c.bins), c.n_missing) for c in coded]
    n_left = None if len(groups) == 1 else len(groups[0])
    plan = Plan([feature.n_bins for feature in features], n_left)
    job = Job(features, plan, formulas.mutual_information, options.estimator, kernels, weights)
    if options.nan_policy == "propagate":
        sink = _Unknown(sink, np.array([feature.n_missing > 0 for feature in features]))
    with shown(progress) as report:
        run(job, sink, n_jobs, report)


class _Unknown:
    """Hands NaN on for every pair in which a feature lacks a sample."""

    def __init__(self, sink: Sink, lacking: np.ndarray[Any, Any]) -> None:
        self.sink = sink
        self.lacking = lacking

    def put(self, left: Any, right: Any, values: Any) -> None:
        unknown = self.lacking[left][:, None] | self.lacking[right]
        self.sink.put(left, right, np.where(unknown, np.nan, values))
