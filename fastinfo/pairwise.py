"""Mutual information of every pair of features: the matrix, or the strongest pairs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastinfo import arguments, bin_arguments, counting, features, formulas, tables, tiles
from fastinfo.backends import HOST, Place, at, bring, choose, kernels_of, place_of, place_of_kernels
from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.host import HostKernels
from fastinfo.binning import Rule
from fastinfo.checkpoint import Checkpoint, fingerprint, require_directory
from fastinfo.columns import Columns, typical
from fastinfo.features import Features
from fastinfo.limits import free_memory
from fastinfo.options import Options
from fastinfo.progress import Progress, require, shown
from fastinfo.sinks import MatrixSink, TopSink, UnknownSink
from fastinfo.tiles import Job, Plan, Sink, run


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
    out: Any = None,
    memory_limit: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
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
        it lacks and no others; bins of equal frequency are those of each feature by itself. With
        ``backend="cupy"`` all GPUs that can be used share samples of the host, on a thread each at
        least; the environment variable ``CUDA_VISIBLE_DEVICES`` chooses among them.
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
        bins, which beyond the limit are counted without them, and slower; the counts of the tiles
        under way, where an estimator other than ``"ml"`` wants them, though a thread always holds
        one pair; the pairs of `top_pairs`. A quarter of the free memory by default. The binned
        samples, the matrix, and the tiles of ``"ml"``, which are small, do not count.
    checkpoint : path, optional
        A directory that keeps the finished tiles. A run that was broken off, even by SIGKILL, goes
        on from there when called again, in tiles of the size that it was begun with; with other
        data, or arguments that have an influence on the values, it is refused.

    Returns
    -------
    numpy.ndarray of shape (m, m) or (m, k), float64
        Mutual information in nats, or in units of ``base``. Without Y symmetric, with each
        feature's entropy on the diagonal. NaN for a pair that shares no sample, and under
        ``nan_policy="propagate"`` for one that lacks any. A torch tensor where X is one; ``out``
        where that was given.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `fastinfo.mutual_information`; also for an ``out`` of another shape, a checkpoint of
        another run, and a matrix that does not fit the memory.
    BlockingIOError, OSError
        For a checkpoint that another process is writing to, and one that cannot be written.

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
    settings = Run(progress, memory_limit, checkpoint)
    with at(X, Y, options.sample_weight):
        groups, rules = _feature_groups(X, Y, options)
        shape = (len(groups[0]), len(groups[-1]))
        kernels = choose(options.backend, _place(groups, options))
        goes_to = place_of(X if out is None else out)
        # Tiles that pass through a file, or are marked by what the host knows, go to the host.
        passes_host = checkpoint is not None or options.nan_policy == "propagate"
        stays = goes_to != HOST and not passes_host and goes_to == place_of_kernels(kernels)
        if out is None:
            if not stays:
                counting.require_memory(
                    shape, what="the matrix", help_="pass out=, or use top_pairs"
                )
            matrix = (kernels.xp if stays else np).empty(shape)  # every cell is written to
        else:
            matrix = arguments.output(out, shape)
        target: Any = HostKernels() if place_of(matrix) == HOST else kernels_of(matrix)
        n_left = None if Y is None else shape[0]
        sink = MatrixSink(matrix, n_left, options.unit, target, stays)
        measure_pairs(groups, rules, sink, options, settings)
        return tables.like(matrix, X) if out is None else out


def top_pairs(
    X: Any,
    k: int | None = 10,
    Y: Any = None,
    *,
    threshold: float | None = None,
    bins: Any = None,
    base: float | None = None,
    estimator: str = "ml",
    nan_policy: str = "raise",
    sample_weight: Any = None,
    backend: str | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
    memory_limit: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> list[Pair]:
    """The k pairs of different features with the largest mutual information.

    The matrix is never held, so that the number of features is limited by their samples only.

    Parameters
    ----------
    X : array-like of shape (n, m), or a pandas, polars or Arrow table
        Samples of m features.
    k : int or None
        How many pairs; None for all that reach ``threshold``.
    Y : array-like of shape (n, l), or a table, optional
        Samples of other features. With it, pairs of a feature of X and one of Y.
    threshold : float, optional
        Only pairs of at least this mutual information.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `pairwise_mutual_information`.
    progress, memory_limit, checkpoint
        As for `pairwise_mutual_information`.

    Returns
    -------
    list of Pair
        ``left``, ``right`` and ``value``, largest first, equal values in the order of the features.
        Features are named where the table names them, and numbered otherwise. Fewer than k where
        there are fewer pairs; a pair without a value (NaN) is none.

    Raises
    ------
    ValueError, TypeError, MemoryError, BlockingIOError, OSError
        As `pairwise_mutual_information`; MemoryError also where more pairs reach the threshold
        than fit the memory limit.

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
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    run = Run(progress, memory_limit, checkpoint)
    with at(X, Y, options.sample_weight):
        groups, rules = _feature_groups(X, Y, options)
        n_left = None if Y is None else len(groups[0])
        sink = TopSink(k, least, n_left, options.unit, run.memory_limit)
        measure_pairs(groups, rules, sink, options, run)
        left, right = tables.labels(X), tables.labels(X if Y is None else Y)
    return [Pair(left[i], right[j], value) for value, i, j in sink.pairs()]


def _place(groups: Sequence[Columns], options: Options) -> Place:
    """Where the features are, or where the caller wants them."""
    columns = [column for group in groups for column in typical(group)]
    return arguments.place_of_columns(columns, options.sample_weight, options.backend)


def _feature_groups(X: Any, Y: Any, options: Options) -> tuple[list[Columns], list[Rule]]:
    """The features of one or two tables and how to bin them; the weights are seen to fit."""
    groups: Sequence[Columns]
    groups = [arguments.features(X, "X")] + ([] if Y is None else [arguments.features(Y, "Y")])
    n_samples = arguments.same_length([c for group in groups for c in typical(group)])
    weights = arguments.weights(options.sample_weight, n_samples)
    groups, options.sample_weight = arguments.with_weight(groups, weights)
    return bin_arguments.bin_rules(options.bins, groups)


class Run:
    """How a run over all pairs goes on, which has no influence on its result."""

    def __init__(
        self, progress: Progress, memory_limit: Any, checkpoint: str | os.PathLike[str] | None
    ) -> None:
        require(progress)
        self.progress = progress
        self.memory_limit = (
            free_memory() // 4
            if memory_limit is None
            else arguments.positive_integer(memory_limit, "memory_limit")
        )
        self.checkpoint = None
        if checkpoint is not None:
            self.checkpoint = arguments.path(checkpoint, "checkpoint")
            require_directory(self.checkpoint)

    def tile_cells(self, n_jobs: int) -> int:
        """Cells that the counts of a tile of each thread may have."""
        return min(tiles.TILE_CELLS, max(self.memory_limit // (n_jobs * tiles.BYTES_PER_CELL), 1))


def measure_pairs(
    groups: Sequence[Columns], rules: Sequence[Rule], sink: Sink, options: Options, settings: Run
) -> None:
    """Bin the features of one or two tables and measure every pair."""
    columns = [column for group in groups for column in typical(group)]
    n_samples = arguments.same_length(columns)
    place = _place(groups, options)
    kernels = choose(options.backend, place)
    weights = options.sample_weight
    weights = None if weights is None else bring(weights, kernels)
    refuse = options.nan_policy == "raise"
    binned = features.encode(groups, rules, kernels, options.n_jobs, refuse, weights)
    n_left = None if len(groups) == 1 else len(groups[0])
    tile_cells = None if options.estimator == "ml" else settings.tile_cells(options.n_jobs)
    description = partial(_description, binned, n_left, options.estimator, kernels, weights)
    if options.nan_policy == "propagate":
        sink = UnknownSink(sink, binned.has_missing)
    with (
        shown(settings.progress) as report,
        _finished_tiles(settings.checkpoint, description, tile_cells) as finished,
    ):
        job = Job(
            binned,
            Plan(
                binned.n_bins,
                n_left,
                n_samples,
                finished.tile_cells if finished else tile_cells,
                kernels.tile_shape,
                is_weighted=weights is not None,
            ),
            formulas.mutual_information,
            options.estimator,
            kernels,
            weights,
            memory_limit=settings.memory_limit,
            stays=sink.stays,
        )
        # What is on a device already is measured there, and what stays on one has to be.
        is_shared = place == HOST and not job.stays
        jobs = tiles.team(job, kernels.companions()) if is_shared else [job]
        run(jobs, sink, options.n_jobs, report, finished)


@contextmanager
def _finished_tiles(
    directory: Path | None,
    description: Callable[[], dict[str, str | int]],
    tile_cells: int | None,
) -> Iterator[Checkpoint | None]:
    if directory is None:
        yield None
        return
    checkpoint = Checkpoint(directory, description(), tile_cells)
    try:
        yield checkpoint
    finally:
        checkpoint.close()


def _description(
    binned: Features,
    n_left: int | None,
    estimator: str,
    kernels: Kernels,
    weights: Array | None,
) -> dict[str, str | int]:
    """What the values of the tiles depend on, and where in the plan they are."""
    to_host = kernels.to_host
    codes = [row for block in binned.blocks for row in to_host(block)]
    n_bins = binned.n_bins.tolist()
    classes = [tiles.size_class(bins) for bins in n_bins]  # they order the plan
    return {
        "measure": "mutual_information",
        "estimator": estimator,
        "backend": kernels.name,  # whose sums agree to rounding only
        "features": len(n_bins),
        "features of X": "all" if n_left is None else n_left,
        "binned samples": fingerprint([*codes, n_bins, classes]),
        "weights": fingerprint([None if weights is None else to_host(weights)]),
    }
