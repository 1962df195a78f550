"""Jobs count and measure tiles, on one device or on several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import partial, reduce
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from fastinfo import counting
from fastinfo.backends import pair_sums, terms
from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.pair_sums import PairEntropies, PairSums
from fastinfo.backends.terms import Reduction
from fastinfo.counting import Counts
from fastinfo.data.encoders import LookUp
from fastinfo.estimators import entropies
from fastinfo.pairs.features import Features
from fastinfo.pairs.measure import TileMeasure
from fastinfo.pairs.packs import Pack, Strata, each_stratum
from fastinfo.pairs.plan import MOST_PACKED, Plan, Tile
from fastinfo.system.ranges import map_threads

HostArray = np.ndarray[Any, Any]

Planes = dict[str, Array]
"""The planes of a tile: arrays ``(n_left, n_right)`` by the names that the measure gives them."""

Tables = tuple[Array, Array, Array]
"""Counts of pairs, of their left features and of their right features, along the last axis."""


class Way(NamedTuple):
    """A way to group the samples of a run, each of which has packs of its own."""

    strata: Strata | None
    """Groups that are counted by themselves; None for all samples together."""
    reduction: Reduction


BY_STRATA, POOLED = 0, 1
"""The positions of a job's ways: by the strata of the job if it has any, and all together."""


FEWEST_PARTNERS = 32
"""The fewest features on either side for which the host lays out features beside their codes. For a
target and 64 features of 16 bins, the layout took longer than the counts, and 64 bytes a sample."""


class Job:
    """The features of a run, packed in the order of the plan, with kernels that measure its tiles.

    Parameters
    ----------
    features : Features
    plan : Plan
    measure : TileMeasure
    kernels : Kernels
    weights : array of shape (n,), optional
    memory_limit : int, optional
        The most bytes that packs may take beside the codes.
    stays : bool
        Whether values stay at the home of the kernels; otherwise they are copied to the host.
    strata : Strata, optional
        Groups of samples, each of which is counted by itself.
    pools : bool
        Whether the measure asks for the sums over all strata together as well.
    """

    def __init__(
        self,
        features: Features,
        plan: Plan,
        measure: TileMeasure,
        kernels: Kernels,
        weights: Array | None = None,
        memory_limit: int | None = None,
        stays: bool = False,
        strata: Strata | None = None,
        pools: bool = False,
    ) -> None:
        self.plan = plan
        self.measured = measure
        self.stays = stays
        self.memory_limit = memory_limit
        reduction = partial(terms.reduction, is_weighted=weights is not None)
        term = measure.term or terms.XLOGX
        if strata is None:
            self.ways = [Way(None, reduction(term, plan.n_samples))]
        else:
            assert measure.term is not None  # other entropies are no sums
            self.ways = [Way(strata, reduction(term.given(), strata.n_samples))]
            if pools:
                together = strata.pooled(plan.n_samples)
                self.ways.append(Way(together, reduction(term, strata.n_samples)))
        self._pack_at(kernels, features, weights)

    def _pack_at(self, kernels: Kernels, features: Features, weights: Array | None) -> None:
        self.kernels = kernels
        self.features = features
        self.weights = weights
        with kernels.current():
            self._pack()

    def moved_to(self, kernels: Kernels, blocks: list[Array], weights: Array | None) -> Job:
        """The same job on other kernels; ``blocks`` are at their home, ``weights`` on the host."""
        other = copy(self)
        weights = None if weights is None else kernels.bring(weights)
        other._pack_at(kernels, replace(self.features, blocks=blocks), weights)
        return other

    def _pack(self) -> None:
        """Pack the features that are counted densely, those of X and those of Y by themselves."""
        is_member = self.plan.classes <= MOST_PACKED
        n_left = self.plan.n_left
        sides = [slice(None)] if n_left is None else [slice(n_left), slice(n_left, None)]
        limit, n_members = self.memory_limit, [int(is_member[side].sum()) for side in sides]
        if self.kernels.home.is_host and min(n_members) < FEWEST_PARTNERS:
            limit = 0
        packs = [self._pack_side(is_member, side, limit) for side in sides]
        self.packs = list(zip(*packs, strict=True))
        # The position of each feature of the plan in the pack of its side; the order is the same.
        self.positions = np.concatenate([np.cumsum(is_member[side]) - 1 for side in sides])

    def _pack_side(self, is_member: HostArray, side: slice, limit: int | None) -> list[Pack | None]:
        """The packs of the features of a side, one for each way; they take ``limit`` bytes."""
        chosen, sizes = (
            part[side][is_member[side]] for part in (self.plan.order, self.plan.classes)
        )
        if not chosen.size:
            return [None for _ in self.ways]
        if limit is not None:
            limit = limit * chosen.size // (is_member.sum() * len(self.ways))
        codes = self.features.padded(chosen, sizes, self.kernels)
        return [
            Pack(self.kernels, codes, sizes, way.reduction, self.weights, limit, way.strata)
            for way in self.ways
        ]

    def possible(self, features: HostArray, margins: Array, estimator: str) -> Any:
        """Possible cells of features, given their counts in pairs ``(..., bins)``."""
        n_bins, has_edges = (
            self.kernels.bring(of_each[features])
            for of_each in (self.features.n_bins, self.features.has_edges)
        )
        chosen = entropies.ESTIMATORS[estimator].possible_values(0)
        return entropies.possible_cells(margins, n_bins, has_edges, self.kernels, chosen)

    def measure(self, tile: Tile) -> Planes:
        """The planes of a tile, ``(n_left, n_right)``, by their names."""
        with self.kernels.current():
            pairs = SparsePairs(self, tile) if tile.is_sparse else DensePairs(self, tile)
            planes = self.measured(pairs)
            if not self.stays:
                planes = tuple(map(self.kernels.to_host, planes))
            return dict(zip(self.measured.planes, planes, strict=True))


class CountedPairs(ABC):
    """The pairs of one tile; an implementation of `measure.Counted`."""

    def __init__(self, job: Job, tile: Tile) -> None:
        self.job = job
        self.tile = tile
        self.kernels = job.kernels
        self.left = job.plan.order[tile.left]
        self.right = job.plan.order[tile.right]

    def sums(self) -> PairSums:
        """The sums of the measure's term; over the strata, if there are any."""
        return self._sums(BY_STRATA)

    def pooled_sums(self) -> PairSums:
        """The sums over all samples that are in a stratum, as if there were none."""
        return self._sums(POOLED)

    @abstractmethod
    def _sums(self, way: int) -> PairSums:
        """The sums by one of the job's ways."""

    @abstractmethod
    def entropies(self, estimator: str) -> PairEntropies:
        """Entropies in nats, from counts."""

    def _entropies(
        self, tables: Tables, left: HostArray, right: HostArray, estimator: str
    ) -> PairEntropies:
        """Entropies by tables of the pairs of ``left`` and ``right``, positions of features."""
        cells, x, y = tables

        def left_cells() -> Any:
            return self.job.possible(left, x, estimator)

        def right_cells() -> Any:
            return self.job.possible(right, y, estimator)

        entropy = partial(entropies.entropy, estimator=estimator, kernels=self.kernels)
        joint = entropy(cells, lambda: left_cells() * right_cells())
        return PairEntropies(joint, entropy(x, left_cells), entropy(y, right_cells))


class DensePairs(CountedPairs):
    """The pairs of a tile that kernels count all at once."""

    def _sums(self, way: int) -> PairSums:
        """The sums by `Kernels.pair_sums`, without tables of counts."""
        left, lefts, right, rights = self._sides(way)
        return left.sums(lefts, right, rights)

    def entropies(self, estimator: str) -> PairEntropies:
        """Entropies by the counts of all pairs."""
        left, lefts, right, rights = self._sides(BY_STRATA)
        counts = left.counts(lefts, right, rights)
        cells = counts.reshape(*counts.shape[:2], counts.shape[2] * counts.shape[3])
        x, y = counts.sum(axis=3), counts.sum(axis=2)
        return self._entropies((cells, x, y), self.left[:, None], self.right[None], estimator)

    def _sides(self, way: int) -> tuple[Pack, slice, Pack, slice]:
        packs = self.job.packs[way]
        left, right = packs[0], packs[-1]
        assert left is not None
        assert right is not None
        return left, self._position(self.tile.left), right, self._position(self.tile.right)

    def _position(self, side: slice) -> slice:
        """The slice of a pack that holds a slice of the plan."""
        first = int(self.job.positions[side.start])
        return slice(first, first + side.stop - side.start)


class SparsePairs(CountedPairs):
    """The pairs of a tile that are counted one by one, by sorting: most cells are empty."""

    def _sums(self, way: int) -> PairSums:
        """The sums over the occupied cells of each pair."""
        (strata, how), kernels = self.job.ways[way], self.kernels

        def sums_of_pair(left: int, right: int) -> tuple[Array, ...]:
            found = [
                pair_sums.sums_of(self._tables(counts), how, kernels)
                for counts in self._counted(left, right, strata)
            ]
            return reduce(PairSums.plus, found)[:-1]

        joint, x, y, whole, samples = self._each(sums_of_pair)
        return PairSums(joint, x, y, whole, samples, how.unit)

    def entropies(self, estimator: str) -> PairEntropies:
        """Entropies by the occupied cells of each pair."""

        def entropies_of_pair(left: int, right: int) -> tuple[Array, ...]:
            (counts,) = self._counted(left, right, None)
            sides = np.array(left), np.array(right)
            return self._entropies(self._tables(counts), *sides, estimator)

        return PairEntropies(*self._each(entropies_of_pair))

    def _each(self, of_pair: Callable[[int, int], tuple[Array, ...]]) -> list[Array]:
        """The results of a function of each pair, as arrays ``(n_left, n_right)``."""
        pairs = product(self.left.tolist(), self.right.tolist())
        found = zip(*(of_pair(*pair) for pair in pairs), strict=True)
        shape = self.left.size, self.right.size
        return [self.kernels.xp.stack(values).reshape(shape) for values in found]

    def _counted(self, left: int, right: int, strata: Strata | None) -> Iterator[Counts]:
        """The counts of a pair in each stratum."""
        job = self.job
        codes = [job.features.codes(feature) for feature in (left, right)]
        for part, weights in each_stratum(codes, job.weights, strata, self.kernels):
            yield counting.count(
                [LookUp(column) for column in part],
                part[0].size,
                job.features.n_bins[[left, right]].tolist(),
                self.kernels,
                weights,
                sparse=True,
            )

    def _tables(self, counts: Counts) -> Tables:
        """Counts of the occupied cells of the pair, of the left and of the right feature."""
        bring = self.kernels.bring
        x, y = (bring(counts.marginal((axis,)).values) for axis in (0, 1))
        return bring(counts.values), x, y


def team(job: Job, other_devices: Sequence[Kernels]) -> list[Job]:
    """The job, and the same job on other kernels that share its tiles; at most one job a tile.

    Features are binned once. Their codes are copied through the host to all other devices at the
    same time.
    """
    other_devices = other_devices[: max(len(job.plan.tiles) - 1, 0)]
    n_others = len(other_devices)
    if n_others == 0:
        return [job]

    def hand_over(kernels: Kernels, blocks: list[Array], block: Array) -> None:
        blocks.append(kernels.bring(block))

    handed: list[list[Array]] = [[] for _ in other_devices]
    for codes in job.features.blocks:
        block = job.kernels.to_host(codes)
        map_threads(hand_over, other_devices, handed, [block] * n_others, n_jobs=n_others)
    weights = None if job.weights is None else job.kernels.to_host(job.weights)
    return [
        job,
        *map_threads(job.moved_to, other_devices, handed, [weights] * n_others, n_jobs=n_others),
    ]
