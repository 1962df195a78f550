"""The tile engine: plan → count → measure → sink.

The pairs of features are cut into tiles. Threads count and reduce one tile at a time, and a sink
takes each tile's values; between tiles there is room for progress and for Ctrl-C. Nothing larger
than the tiles under way and the sink's own result is ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import pairwise
from math import isqrt
from typing import NamedTuple, Protocol

import numpy as np

from fastinfo import counting, entropies
from fastinfo.backends.contract import Array, Kernels, code_dtype
from fastinfo.checkpoint import Checkpoint
from fastinfo.formulas import EntropyOf

TILE_CELLS = 1 << 20
"""Cells of the joint tables of one tile: 8 MiB of counts, reduced while they are in cache."""

BYTES_PER_CELL = 32
"""Bytes that a cell takes while its tile is measured: its count, and what the reference needs."""

LARGEST_TILE_SIDE = 256
"""Features on one side of a tile; Ctrl-C waits for the tiles under way."""

PREFERRED_WIDTH = 64
"""Features on the right that kernels like to have at once, so many fit a vector register."""

TILE_SAMPLES = 1 << 30
"""Samples of all pairs of one tile: under a second, which is how long Ctrl-C may wait."""

LARGEST_PAIR_TABLE = 1 << 22
"""Cells (32 MiB) of one pair above which it is counted sparsely."""


class Feature(NamedTuple):
    """A feature after binning."""

    codes: Array
    n_bins: int
    has_missing: bool

    def encode(self, start: int, stop: int, out: Array | None) -> Array:
        """Codes of a range of samples."""
        return self.codes[start:stop]


class Tile(NamedTuple):
    """Pairs of the features ``left`` with the features ``right``, by position in the plan."""

    left: slice
    right: slice
    is_sparse: bool = False

    @property
    def n_pairs(self) -> int:
        """Pairs of different features; on the diagonal each once."""
        height, width = self.left.stop - self.left.start, self.right.stop - self.right.start
        twice = height * (height + 1) // 2 if self.left.start == self.right.start else 0
        return int(height * width - twice)


class Sink(Protocol):
    """Takes the values of finished tiles, from one thread, in any order."""

    def put(self, left: Array, right: Array, values: Array) -> None:
        """Values ``(n_left, n_right)`` of pairs of features, ``left`` and ``right`` numbered."""
        ...


def size_class(n_bins: int) -> int:
    """The number of bins that a feature is counted with: exact up to 32, then in steps of 1/8.

    Features of one class share tiles. As the class depends on the feature alone, the cells of a
    pair, and with them the order of its sums, are the same in any tile.
    """
    if n_bins <= 32:
        return max(n_bins, 1)
    step = 1 << (n_bins.bit_length() - 4)
    return -(-n_bins // step) * step


class Plan:
    """Which tiles there are, over features ordered by their size class.

    Parameters
    ----------
    n_bins : sequence of int
        Numbers of bins of all features: of X, then of Y where there is one.
    n_left : int or None
        How many of them are X; None where all pairs of one table are wanted, each once.
    n_samples : int
        Samples of each feature.
    tile_cells : int, optional
        Cells of one tile, where memory leaves fewer than `TILE_CELLS`.
    """

    def __init__(
        self,
        n_bins: Sequence[int],
        n_left: int | None,
        n_samples: int,
        tile_cells: int | None = None,
    ) -> None:
        self.tile_cells = TILE_CELLS if tile_cells is None else tile_cells
        self.tile_pairs = max(TILE_SAMPLES // n_samples, 1)
        classes = np.array([size_class(b) for b in n_bins])
        split = len(classes) if n_left is None else n_left
        sides = np.arange(len(classes)) >= split
        self.order = np.lexsort((classes, sides))
        self.classes = classes[self.order]
        groups = np.flatnonzero(np.diff(self.classes, prepend=-1) | np.diff(sides, prepend=False))
        borders = [*groups.tolist(), len(classes)]
        self.tiles = list(self._tiles(list(pairwise(borders)), n_left))

    def _tiles(self, groups: list[tuple[int, int]], n_left: int | None) -> Iterator[Tile]:
        for a, (left_start, left_stop) in enumerate(groups):
            if n_left is not None and left_start >= n_left:
                return
            for right_start, right_stop in groups[a if n_left is None else 0 :]:
                if n_left is not None and right_start < n_left:
                    continue
                is_diagonal = n_left is None and right_start == left_start
                cells = int(self.classes[left_start]) * int(self.classes[right_start])
                height, width = self._sides(cells)
                for i in range(left_start, left_stop, height):
                    for j in range(i if is_diagonal else right_start, right_stop, width):
                        yield Tile(
                            slice(i, min(i + height, left_stop)),
                            slice(j, min(j + width, right_stop)),
                            cells > LARGEST_PAIR_TABLE,
                        )

    def _sides(self, cells: int) -> tuple[int, int]:
        """Features on the left and on the right of a tile, the left never more than the right."""
        n_pairs = max(min(self.tile_cells // cells, self.tile_pairs), 1)
        width = min(max(isqrt(n_pairs), min(n_pairs, PREFERRED_WIDTH)), LARGEST_TILE_SIDE)
        return min(n_pairs // width, width), width


class Job:
    """What a tile needs to be counted and measured: features in the plan's order, packed.

    ``on_counts``, where it is given, sees the numbers of the features on the left and on the right
    of each dense tile and its counts ``(n_left, n_right, B_left, B_right)``, in the thread that
    counted them: for null distributions and whatever else needs more than one value a pair.
    """

    def __init__(
        self,
        features: Sequence[Feature],
        plan: Plan,
        formula: Callable[[EntropyOf], Array],
        estimator: str,
        kernels: Kernels,
        weights: Array | None = None,
        on_counts: Callable[[Array, Array, Array], None] | None = None,
    ) -> None:
        self.plan = plan
        self.on_counts = on_counts
        self.formula = formula
        self.estimator = estimator
        self.kernels = kernels
        self.weights = weights
        self.features = [features[i] for i in plan.order]
        self.packed = kernels.pack(*self._padded(), weights)
        self.complete = np.array([not feature.has_missing for feature in self.features])
        self.entropies = np.array([self._feature_entropy(feature) for feature in self.features])

    def _padded(self) -> tuple[list[Array], list[int]]:
        """Codes whose code of missing is the size class, for features that tables will hold."""
        codes, n_bins = [], []
        for feature, padded in zip(self.features, self.plan.classes.tolist(), strict=True):
            column = feature.codes
            if feature.has_missing and padded != feature.n_bins:
                column = column.astype(code_dtype(padded))
                column[feature.codes == feature.n_bins] = padded
            codes.append(column)
            n_bins.append(padded)
        return codes, n_bins

    def _feature_entropy(self, feature: Feature) -> float:
        counts = self._count(feature)
        return float(entropies.entropy(counts.values, self.estimator, self.kernels))

    def measure(self, tile: Tile) -> Array:
        """Values of the pairs of a tile, ``(n_left, n_right)``."""
        if tile.is_sparse:
            return np.array(
                [
                    [self._measure_sparse(left, right) for right in self.features[tile.right]]
                    for left in self.features[tile.left]
                ]
            )
        counts = self.kernels.count_pairs(self.packed, tile.left, tile.right)
        if self.on_counts is not None:
            self.on_counts(self.plan.order[tile.left], self.plan.order[tile.right], counts)
        is_complete = self.complete[tile.left, None] & self.complete[tile.right]

        def entropy(*variables: int) -> Array:
            if len(variables) != 1:
                flat = counts.reshape(*counts.shape[:2], -1)
                return entropies.entropy(flat, self.estimator, self.kernels)
            (side,) = variables
            whole = self.entropies[tile.left, None] if side == 0 else self.entropies[tile.right]
            if is_complete.all():
                return whole
            # A sample that one feature lacks is left out of the other's marginal too. Pairs that
            # lack none keep to the features' own entropies, which are the same in any tile.
            marginal = counts.sum(axis=3 if side == 0 else 2)
            lacking = entropies.entropy(marginal, self.estimator, self.kernels)
            return np.where(is_complete, whole, lacking)

        return self._finish(self.formula(entropy))

    def _count(self, *features: Feature, sparse: bool | None = None) -> counting.Counts:
        return counting.count(
            [feature.encode for feature in features],
            features[0].codes.size,
            [feature.n_bins for feature in features],
            self.kernels,
            self.weights,
            sparse,
        )

    def _measure_sparse(self, left: Feature, right: Feature) -> float:
        counts = self._count(left, right, sparse=True)
        entropy = entropies.of_marginals(
            lambda *axes: counts.marginal(axes).values, 2, self.estimator, self.kernels
        )
        return float(self._finish(self.formula(entropy)))

    def _finish(self, values: Array) -> Array:
        return entropies.without_rounding(values, self.estimator, self.kernels)


def run(
    job: Job,
    sink: Sink,
    n_jobs: int,
    progress: Callable[[int, int], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> None:
    """Measure every tile of the plan and hand it to the sink.

    Tiles that the checkpoint knows are not measured again. ``progress`` is called in the caller's
    thread, with the pairs done and the pairs in all. An exception in it, or Ctrl-C, ends the run
    after the tiles under way; the sink and the checkpoint keep the tiles that they were given.
    """
    order, tiles = job.plan.order, job.plan.tiles
    total, done = sum(tile.n_pairs for tile in tiles), 0
    running: dict[Future[Array], Tile] = {}

    def finish(tile: Tile, values: Array) -> None:
        nonlocal done
        sink.put(order[tile.left], order[tile.right], values)
        done += tile.n_pairs
        if progress is not None and tile.n_pairs > 0:  # a diagonal of one feature has none
            progress(done, total)

    def collect() -> None:
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            tile, values = running.pop(future), future.result()
            if checkpoint is not None:
                checkpoint.store(tile.left, tile.right, values)
            finish(tile, values)

    with ThreadPoolExecutor(n_jobs, thread_name_prefix="fastinfo") as pool:
        try:
            for tile in tiles:
                known = checkpoint and checkpoint.load(tile.left, tile.right)
                if known is not None:
                    finish(tile, known)
                    continue
                # A tile ahead for each thread keeps it busy without holding many results.
                while len(running) >= 2 * n_jobs:
                    collect()
                running[pool.submit(job.measure, tile)] = tile
            while running:
                collect()
        finally:
            pool.shutdown(cancel_futures=True)
