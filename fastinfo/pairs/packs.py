"""Packs of features, one for each stratum of the samples; the sums of strata add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise, repeat
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.pair_sums import PairSums
from fastinfo.backends.terms import Reduction

HostArray = np.ndarray[Any, Any]


class Strata(NamedTuple):
    """Groups of samples that are counted by themselves, one for each value of a third variable.

    Sums that are added over the strata give entropies conditional on the stratum. So the formula of
    mutual information gives conditional mutual information.
    """

    order: HostArray
    """Positions of the samples that are in a stratum, stratum by stratum."""
    borders: HostArray
    """The position in ``order`` at which each stratum begins, and the end of the last one."""

    @classmethod
    def of(cls, codes: HostArray, n_strata: int) -> Strata:
        """Strata by codes 0 … n_strata − 1; samples with the code n_strata are in no stratum."""
        order = np.argsort(codes, kind="stable")
        ends = np.searchsorted(codes[order], np.arange(1, n_strata + 1))
        occupied = np.unique(ends[ends > 0])
        if not ends.size:
            return cls(order[:0], np.array([0, 0]))
        return cls(order[: ends[-1]], np.array([0, *occupied] if occupied.size else [0, 0]))

    @property
    def n_strata(self) -> int:
        """The number of strata; each holds a sample, unless no sample is in any."""
        return int(self.borders.size) - 1

    @property
    def n_samples(self) -> int:
        """The number of samples that are in a stratum."""
        return int(self.order.size)

    def labels(self, n_samples: int) -> HostArray:
        """The stratum of each of all samples; the number of strata for one that is in none."""
        found = np.full(n_samples, self.n_strata)
        found[self.order] = np.repeat(np.arange(self.n_strata), np.diff(self.borders))
        return found

    def pooled(self, n_samples: int) -> Strata | None:
        """All samples that are in a stratum as one; None if these are all samples."""
        if self.n_samples == n_samples:
            return None
        return Strata(np.sort(self.order), np.array([0, self.n_samples]))

    def cut(self, samples: Array, kernels: Kernels) -> Iterator[Array]:
        """The samples of each stratum, along the last axis of an array."""
        # `take` is six times as fast as an index, and what it returns is contiguous.
        for first, last in pairwise(self.borders.tolist()):
            yield samples.take(kernels.bring(self.order[first:last]), axis=-1)


class Pack:
    """Features as kernels read them: one pack of the kernels for each stratum."""

    def __init__(
        self,
        kernels: Kernels,
        codes: Sequence[Array] | Array,
        n_bins: HostArray,
        reduction: Reduction,
        weights: Array | None = None,
        memory_limit: int | None = None,
        strata: Strata | None = None,
    ) -> None:
        self.kernels = kernels
        self.parts: list[Any] = []
        for part, part_weights in each_stratum(codes, weights, strata, kernels):
            n_samples = len(part[0]) if len(part) else 0
            limit = memory_limit
            if memory_limit is not None and strata is not None:
                limit = memory_limit * n_samples // max(strata.order.size, 1)
            packed = kernels.pack(part, n_bins.tolist(), part_weights, limit, reduction)
            self.parts.append(packed)

    def sums(self, lefts: slice, other: Pack, rights: slice) -> PairSums:
        """Sums of the pairs of features ``lefts`` with ``rights`` of a pack of the same strata."""
        of_parts = (
            self.kernels.pair_sums(left, lefts, right, rights)
            for left, right in zip(self.parts, other.parts, strict=True)
        )
        return reduce(PairSums.plus, of_parts)

    def counts(self, lefts: slice, other: Pack, rights: slice) -> Array:
        """Counts of the same pairs, added over all strata."""
        of_parts = (
            self.kernels.count_pairs(left, lefts, right, rights)
            for left, right in zip(self.parts, other.parts, strict=True)
        )
        return reduce(lambda total, part: total + part, of_parts)


def each_stratum(
    codes: Sequence[Array] | Array,
    weights: Array | None,
    strata: Strata | None,
    kernels: Kernels,
) -> Iterator[tuple[Sequence[Array] | Array, Array | None]]:
    """Codes and weights of each stratum; of all samples if there are no strata."""
    if strata is None:
        yield codes, weights
        return
    parts: Iterator[Any]
    if hasattr(codes, "dtype"):
        parts = strata.cut(codes, kernels)
    else:
        parts = zip(*(strata.cut(row, kernels) for row in codes), strict=True)
    yield from zip(parts, _each_part(weights, strata, kernels), strict=True)


def _each_part(weights: Array | None, strata: Strata, kernels: Kernels) -> Iterator[Array | None]:
    if weights is None:
        return repeat(None, strata.borders.size - 1)
    return strata.cut(weights, kernels)
