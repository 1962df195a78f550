"""The tile engine: plan → count → measure → sink.

The pairs of features are cut into tiles. Threads count and reduce one tile at a time, and a sink
takes each tile's values; between tiles there is room for progress and for Ctrl-C. Nothing larger
than the tiles under way and the sink's own result is ever held.

Where several devices share the tiles, each has a job of its own. The plan does not know of them:
the tiles, and so the values and what a checkpoint keeps of them, are the same for any number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from copy import copy
from dataclasses import replace
from itertools import pairwise
from math import isqrt
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol

import numpy as np

from fastinfo import counting, formulas
from fastinfo.backends import threads
from fastinfo.backends.contract import Array, Kernels, TileShape
from fastinfo.data.encoders import LookUp
from fastinfo.estimators import entropies
from fastinfo.formulas import EntropyOf, Formula
from fastinfo.pairs.checkpoint import Checkpoint
from fastinfo.pairs.features import Features
from fastinfo.system.ranges import map_threads

TILE_CELLS = 1 << 20
"""Cells of one tile where its counts are wanted: 8 MiB, reduced while they are in cache."""

BYTES_PER_CELL = 32
"""Bytes that a cell takes while its tile is measured: its count, and what the reference needs."""

TILE_WIDTH = 512
"""Features on the right of a tile, at least where there are as many: kernels lay out up to 512 of
them side by side, and prepare each feature on the left once a tile."""

LARGEST_TILE_SIDE = 64
"""Features on the left: beyond, preparing those on the right is no longer worth sharing."""

TILE_SAMPLES = 1 << 30
"""The most samples of all pairs of a strip: under a second, which is how long Ctrl-C may wait."""

STRIPS = TileShape(side=None, samples=TILE_SAMPLES)
"""The tiles of kernels that do not say what suits them."""

SPARSE_COST = 512
"""So many samples take as long as one of a pair that is counted sparsely, by sorting."""

FEW_CELLS = 64 * 64
"""Cells of a pair up to which it is counted at 2 G samples/s or more."""

LARGEST_PAIR_TABLE = 1 << 22
"""Cells (32 MiB) of one pair above which it is counted sparsely."""

MOST_OF_BYTES = 255
"""Bins of a feature whose codes, that of missing samples included, are bytes, which count fastest.
Features with more are in no size class with those that have fewer."""

MOST_PACKED = 4095
"""A feature with more bins is counted sparsely in all its pairs."""


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


class TileMeasure(NamedTuple):
    """What is measured of every pair, as a formula of the entropies of both and of each."""

    name: str
    """What a checkpoint calls it."""
    formula: Formula
    is_linear: bool = True
    """Whether it is a·H(X) + b·H(Y) + c·H(X,Y), which kernels combine in one pass."""


class Sink(Protocol):
    """Takes the values of finished tiles, from one thread, in any order."""

    stays: bool
    """Whether it takes them where they were measured, and not on the host."""

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
    padded = -(-n_bins // step) * step
    border = next((most for most in (MOST_OF_BYTES, MOST_PACKED) if n_bins <= most), padded)
    return min(padded, border)


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
        Cells that the counts of one tile may have; no matter where they are not wanted.
    shape : TileShape
        The tiles that suit the kernels; those that suit a processor's caches by default.
    is_weighted : bool
        Whether samples have weights, which are summed pair by pair.
    """

    def __init__(
        self,
        n_bins: Sequence[int] | np.ndarray[Any, Any],
        n_left: int | None,
        n_samples: int,
        tile_cells: int | None = None,
        shape: TileShape = STRIPS,
        *,
        is_weighted: bool = False,
    ) -> None:
        self.is_weighted = is_weighted
        self.shape = shape
        self.tile_cells = tile_cells
        self.n_samples = n_samples
        distinct, positions = np.unique(n_bins, return_inverse=True)
        classes = np.array([size_class(int(b)) for b in distinct])[positions]
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
                left_bins, right_bins = self.classes[left_start], self.classes[right_start]
                cells = int(left_bins) * int(right_bins)
                is_sparse = cells > LARGEST_PAIR_TABLE or max(left_bins, right_bins) > MOST_PACKED
                height, width = self._sides(cells, left_stop - left_start, is_sparse)
                for i in range(left_start, left_stop, height):
                    for j in range(i if is_diagonal else right_start, right_stop, width):
                        yield Tile(
                            slice(i, min(i + height, left_stop)),
                            slice(j, min(j + width, right_stop)),
                            is_sparse,
                        )

    def _cost(self, cells: int, is_sparse: bool) -> int:
        """How long a pair takes, in samples of a pair with few bins, about."""
        if is_sparse:
            return max(self.n_samples * SPARSE_COST, 1)
        if self.is_weighted:
            return 16 * self.n_samples + 8 * cells
        if cells > FEW_CELLS:  # in steps: a line of cells is cleared for each bin
            return 4 * self.n_samples + cells // 32
        return self.n_samples + cells

    def _sides(self, cells: int, n_left: int, is_sparse: bool) -> tuple[int, int]:
        """Features on the left and on the right of a tile, the left never more than the right."""
        samples = self.shape.samples
        if self.shape.side is None:
            samples = min(samples, TILE_SAMPLES)
        n_pairs = max(samples // self._cost(cells, is_sparse), 1)
        if self.tile_cells is not None:
            n_pairs = max(min(n_pairs, self.tile_cells // cells), 1)
        if self.shape.side is not None:
            side = max(min(isqrt(n_pairs), self.shape.side), 1)
            return side, side
        # A strip along the diagonal measures its pairs twice: the thinner, the fewer.
        height = max(min(isqrt(n_pairs), LARGEST_TILE_SIDE, max(n_left // 16, 16)), 1)
        width = max(n_pairs // height, min(n_pairs, TILE_WIDTH))
        return max(min(n_pairs // width, height), 1), width


class Job:
    """What a tile needs to be counted and measured: features, packed in the order of the plan.

    Values come to the host, unless they are said to stay where they were measured.
    """

    def __init__(
        self,
        features: Features,
        plan: Plan,
        measure: TileMeasure,
        estimator: str,
        kernels: Kernels,
        weights: Array | None = None,
        memory_limit: int | None = None,
        stays: bool = False,
    ) -> None:
        self.plan = plan
        self.stays = stays
        # Plug-in entropies need no counts outside of the kernels.
        self.needs_counts = not entropies.ESTIMATORS[estimator].is_plug_in
        self.formula = measure.formula
        # What is negative, kernels take for rounding, and nothing else.
        may_combine = measure.is_linear and measure.formula.bounds == (0.0, np.inf)
        self.coefficients = formulas.coefficients(measure.formula) if may_combine else None
        self.estimator = estimator
        self.memory_limit = memory_limit
        self._take(kernels, features, weights)

    def _take(self, kernels: Kernels, features: Features, weights: Array | None) -> None:
        self.kernels = kernels
        self.features = features
        self.weights = weights
        with kernels.current():
            self.packed, self.positions = self._pack()

    def moved_to(self, kernels: Kernels, blocks: list[Array], weights: Array | None) -> Job:
        """The same job on other kernels, with the codes there and weights of the host."""
        other = copy(self)
        weights = None if weights is None else kernels.bring(weights)
        other._take(kernels, replace(self.features, blocks=blocks), weights)
        return other

    def _pack(self) -> tuple[Any, Array]:
        """All features that are counted densely, laid out once, and where each of the plan is."""
        is_member = self.plan.classes <= MOST_PACKED
        if not is_member.any():
            return None, is_member
        sizes = self.plan.classes[is_member]
        codes = self.features.padded(self.plan.order[is_member], sizes, self.kernels)
        packed = self.kernels.pack(codes, sizes.tolist(), self.weights, self.memory_limit)
        return packed, np.cumsum(is_member) - 1

    def _positions(self, side: slice) -> slice:
        """Where features that are neighbours in the plan are in the pack: neighbours too."""
        first = int(self.positions[side.start])
        return slice(first, first + side.stop - side.start)

    def measure(self, tile: Tile) -> Array:
        """Values of the pairs of a tile, ``(n_left, n_right)``."""
        with self.kernels.current():
            values = self._measure_each(tile) if tile.is_sparse else self._measure_all(tile)
            return values if self.stays else self.kernels.to_host(values)

    def _measure_each(self, tile: Tile) -> Array:
        order = self.plan.order.tolist()
        values = [
            [self._measure_sparse(left, right) for right in order[tile.right]]
            for left in order[tile.left]
        ]
        return self.kernels.bring(np.array(values))

    def _measure_all(self, tile: Tile) -> Array:
        left, right = self._positions(tile.left), self._positions(tile.right)
        if not self.needs_counts:
            found = self.kernels.pair_entropies(self.packed, left, right)
            if self.coefficients is not None:
                return self.kernels.combine(found, self.coefficients)
            of = {(0,): found.left, (1,): found.right, (0, 1): found.joint}
            return self._value(lambda *variables: of[variables])
        counts = self.kernels.count_pairs(self.packed, left, right)

        def entropy(*variables: int) -> Array:
            if len(variables) == 1:
                cells = counts.sum(axis=3 if variables[0] == 0 else 2)
            else:
                cells = counts.reshape(*counts.shape[:2], -1)
            return entropies.entropy(cells, self.estimator, self.kernels)

        return self._value(entropy)

    def _measure_sparse(self, *pair: int) -> float:
        counts = counting.count(
            [LookUp(self.features.codes(feature)) for feature in pair],
            self.plan.n_samples,
            self.features.n_bins[list(pair)].tolist(),
            self.kernels,
            self.weights,
            sparse=True,
        )
        entropy = entropies.of_marginals(
            lambda *axes: self.kernels.bring(counts.marginal(axes).values),
            2,
            self.estimator,
            self.kernels,
        )
        return float(self._value(entropy))

    def _value(self, entropy: EntropyOf) -> Array:
        if self.coefficients is not None:
            values = self.formula(entropy)
        else:
            # Formulas beyond sums are NumPy's, and a tile's entropies are few.
            on_host = self.formula(lambda *variables: self.kernels.to_host(entropy(*variables)))
            values = self.kernels.bring(np.asarray(on_host))
        return entropies.without_rounding(values, self.formula.bounds, self.estimator, self.kernels)


def team(job: Job, other_devices: Sequence[Kernels]) -> list[Job]:
    """The job, and the same on other kernels that share its tiles; never more jobs than tiles.

    Features are binned once, and their codes go to the others through the host, side by side.
    """
    other_devices = other_devices[: max(len(job.plan.tiles) - 1, 0)]
    n_others = len(other_devices)
    if n_others == 0:
        return [job]

    def take(kernels: Kernels, blocks: list[Array], block: Array) -> None:
        blocks.append(kernels.bring(block))

    handed: list[list[Array]] = [[] for _ in other_devices]
    for codes in job.features.blocks:
        block = job.kernels.to_host(codes)
        map_threads(take, other_devices, handed, [block] * n_others, n_jobs=n_others)
    weights = None if job.weights is None else job.kernels.to_host(job.weights)
    return [
        job,
        *map_threads(job.moved_to, other_devices, handed, [weights] * n_others, n_jobs=n_others),
    ]


def run(
    jobs: Sequence[Job],
    sink: Sink,
    n_jobs: int,
    progress: Callable[[int, int], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> None:
    """Measure every tile of the plan and hand it to the sink.

    Each tile is measured by the next of the jobs of a `team` that is free, on as many threads as
    ``n_jobs`` says, no more than are of use and at least one for each job. Tiles that the
    checkpoint knows are not measured again. ``progress`` is called in the caller's thread, with the
    pairs done and the pairs in all. An exception in it, or Ctrl-C, ends the run after the tiles
    under way; the sink and the checkpoint keep the tiles that they were given.
    """
    order, tiles = jobs[0].plan.order, jobs[0].plan.tiles
    total, done = sum(tile.n_pairs for tile in tiles), 0
    running: dict[Future[Array], Tile] = {}
    # As many places as threads: none waits, and the job that has waited longest comes next.
    n_threads = len(jobs) * threads(jobs[0].kernels, -(-n_jobs // len(jobs)))
    free: SimpleQueue[Job] = SimpleQueue()
    for i in range(n_threads):
        free.put(jobs[i % len(jobs)])

    def measure(tile: Tile) -> Array:
        job = free.get()
        try:
            return job.measure(tile)
        finally:
            free.put(job)

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

    with ThreadPoolExecutor(n_threads, thread_name_prefix="fastinfo") as pool:
        try:
            for tile in tiles:
                known = checkpoint and checkpoint.load(tile.left, tile.right)
                if known is not None:
                    finish(tile, known)
                    continue
                # A tile ahead for each thread keeps it busy without holding many results.
                while len(running) >= 2 * n_threads:
                    collect()
                running[pool.submit(measure, tile)] = tile
            while running:
                collect()
        finally:
            pool.shutdown(cancel_futures=True)
