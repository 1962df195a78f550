"""What a tile needs to be counted and measured, on one device; and the same on several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import partial, reduce
from itertools import product
from typing import Any

import numpy as np

from fastinfo import counting
from fastinfo.backends import pair_sums, terms
from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.pair_sums import PairEntropies, PairSums
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
"""What was measured of a tile: arrays ``(n_left, n_right)`` by the names of the measure."""

Tables = tuple[Array, Array, Array]
"""Counts of pairs, of their left and of their right features, along the last axis."""


class Job:
    """What a tile needs to be counted and measured: features, packed in the order of the plan.

    Parameters
    ----------
    features : Features
    plan : Plan
    measure : TileMeasure
    kernels : Kernels
    weights : array of shape (n,), optional
    memory_limit : int, optional
        Bytes that kernels may lay out beside the codes.
    stays : bool
        Whether values stay where they were measured; they come to the host otherwise.
    strata : Strata, optional
        Groups of the samples that are counted by themselves.
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
    ) -> None:
        self.plan = plan
        self.measured = measure
        self.stays = stays
        self.memory_limit = memory_limit
        self.strata = strata
        n_samples, term = plan.n_samples, measure.term or terms.XLOGX
        if strata is not None:
            assert measure.term is not None  # other entropies do not add up
            n_samples, term = strata.order.size, term.given()
        self.reduction = terms.reduction(term, n_samples, is_weighted=weights is not None)
        self._take(kernels, features, weights)

    def _take(self, kernels: Kernels, features: Features, weights: Array | None) -> None:
        self.kernels = kernels
        self.features = features
        self.weights = weights
        with kernels.current():
            self._pack()

    def moved_to(self, kernels: Kernels, blocks: list[Array], weights: Array | None) -> Job:
        """The same job on other kernels, with the codes there and weights of the host."""
        other = copy(self)
        weights = None if weights is None else kernels.bring(weights)
        other._take(kernels, replace(self.features, blocks=blocks), weights)
        return other

    def _pack(self) -> None:
        """Lay out all features that are counted densely: of X, and of Y where there is one."""
        is_member = self.plan.classes <= MOST_PACKED
        n_left = self.plan.n_left
        sides = [slice(None)] if n_left is None else [slice(n_left), slice(n_left, None)]
        self.packs = [self._pack_side(is_member, side) for side in sides]
        # Where each feature of the plan is in the pack of its side; neighbours stay neighbours.
        self.positions = np.concatenate([np.cumsum(is_member[side]) - 1 for side in sides])

    def _pack_side(self, is_member: HostArray, side: slice) -> Pack | None:
        chosen, sizes = (
            part[side][is_member[side]] for part in (self.plan.order, self.plan.classes)
        )
        if not chosen.size:
            return None
        limit = self.memory_limit
        if limit is not None:
            limit = limit * chosen.size // is_member.sum()
        codes = self.features.padded(chosen, sizes, self.kernels)
        return Pack(self.kernels, codes, sizes, self.reduction, self.weights, limit, self.strata)

    def possible(self, features: HostArray, margins: Array) -> Array:
        """Possible cells of features in pairs, given their counts there ``(..., bins)``."""
        n_bins, has_edges = (
            self.kernels.bring(of_each[features])
            for of_each in (self.features.n_bins, self.features.has_edges)
        )
        return entropies.possible_cells(margins, n_bins, has_edges, self.kernels)

    def measure(self, tile: Tile) -> Planes:
        """Values of the pairs of a tile, ``(n_left, n_right)``, by the names of their planes."""
        with self.kernels.current():
            pairs = SparsePairs(self, tile) if tile.is_sparse else DensePairs(self, tile)
            planes = self.measured(pairs)
            if not self.stays:
                planes = tuple(map(self.kernels.to_host, planes))
            return dict(zip(self.measured.planes, planes, strict=True))


class CountedPairs(ABC):
    """The pairs of one tile, as a measure sees them; `measure.Counted`."""

    def __init__(self, job: Job, tile: Tile) -> None:
        self.job = job
        self.tile = tile
        self.kernels = job.kernels
        self.left = job.plan.order[tile.left]
        self.right = job.plan.order[tile.right]

    @abstractmethod
    def sums(self) -> PairSums:
        """Sums of the term of the measure."""

    @abstractmethod
    def entropies(self, estimator: str) -> PairEntropies:
        """Entropies by counts."""

    def _entropies(
        self, tables: Tables, left: HostArray, right: HostArray, estimator: str
    ) -> PairEntropies:
        """By the counts of pairs, of the left and of the right features."""
        cells, x, y = tables

        def of_left() -> Array:
            return self.job.possible(left, x)

        def of_right() -> Array:
            return self.job.possible(right, y)

        of = partial(entropies.entropy, estimator=estimator, kernels=self.kernels)
        joint = of(cells, lambda: of_left() * of_right())
        return PairEntropies(joint, of(x, of_left), of(y, of_right))


class DensePairs(CountedPairs):
    """Pairs that kernels count all at once."""

    def sums(self) -> PairSums:
        """Of counts that nobody sees."""
        left, lefts, right, rights = self._sides()
        return left.sums(lefts, right, rights)

    def entropies(self, estimator: str) -> PairEntropies:
        """By the counts of all pairs."""
        left, lefts, right, rights = self._sides()
        counts = left.counts(lefts, right, rights)
        cells = counts.reshape(*counts.shape[:2], counts.shape[2] * counts.shape[3])
        x, y = counts.sum(axis=3), counts.sum(axis=2)
        return self._entropies((cells, x, y), self.left[:, None], self.right[None], estimator)

    def _sides(self) -> tuple[Pack, slice, Pack, slice]:
        left, right = self.job.packs[0], self.job.packs[-1]
        assert left is not None
        assert right is not None
        return left, self._position(self.tile.left), right, self._position(self.tile.right)

    def _position(self, side: slice) -> slice:
        """Where features that are neighbours in the plan are in their pack: neighbours too."""
        first = int(self.job.positions[side.start])
        return slice(first, first + side.stop - side.start)


class SparsePairs(CountedPairs):
    """Pairs that are counted one by one, by sorting, for most of their cells are empty."""

    def sums(self) -> PairSums:
        """Of the occupied cells."""
        how, kernels = self.job.reduction, self.kernels

        def of_pair(left: int, right: int) -> tuple[Array, ...]:
            strata = [
                pair_sums.sums_of(self._tables(counts), how, kernels)
                for counts in self._counted(left, right)
            ]
            return reduce(PairSums.plus, strata)[:-1]

        joint, x, y, whole, samples = self._each(of_pair)
        return PairSums(joint, x, y, whole, samples, how.unit)

    def entropies(self, estimator: str) -> PairEntropies:
        """By the occupied cells."""

        def of_pair(left: int, right: int) -> tuple[Array, ...]:
            (counts,) = self._counted(left, right)
            sides = np.array(left), np.array(right)
            return self._entropies(self._tables(counts), *sides, estimator)

        return PairEntropies(*self._each(of_pair))

    def _each(self, of_pair: Callable[[int, int], tuple[Array, ...]]) -> list[Array]:
        """What each pair has, as arrays ``(n_left, n_right)``."""
        pairs = product(self.left.tolist(), self.right.tolist())
        found = zip(*(of_pair(*pair) for pair in pairs), strict=True)
        shape = self.left.size, self.right.size
        return [self.kernels.xp.stack(values).reshape(shape) for values in found]

    def _counted(self, left: int, right: int) -> Iterator[Counts]:
        """Counts of a pair, of each stratum."""
        job = self.job
        codes = [job.features.codes(feature) for feature in (left, right)]
        for part, weights in each_stratum(codes, job.weights, job.strata, self.kernels):
            yield counting.count(
                [LookUp(column) for column in part],
                part[0].size,
                job.features.n_bins[[left, right]].tolist(),
                self.kernels,
                weights,
                sparse=True,
            )

    def _tables(self, counts: Counts) -> Tables:
        """Occupied cells of the pair, of the left and of the right feature."""
        bring = self.kernels.bring
        x, y = (bring(counts.marginal((axis,)).values) for axis in (0, 1))
        return bring(counts.values), x, y


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
