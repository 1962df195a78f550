"""Sums over the counts of pairs, and the entropies that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

import numpy as np

from fastinfo.backends.terms import Reduction

Array = Any
"""As `contract.Array`."""

COUNTS_AT_ONCE = 1 << 21
"""Cells of counts that `sums_by_parts` holds at most (16 MiB), unless one row of pairs has more."""

MOST_COUNTS = 1 << 23
"""Cells of counts, 64 MiB, that `sums_by_parts` holds at most, but for one pair that has more."""

LEAST_WIDTH = 512
"""The fewest pairs of a row that are counted together: kernels lay features out side by side."""


class PairEntropies(NamedTuple):
    """Entropies in nats of the pairs of a tile; NaN for a pair without a sample."""

    joint: Array
    """``(n_left, n_right)``."""
    left: Array
    """Entropies of the left feature over the samples in which neither feature is missing. The shape
    is that of ``joint``, or one that broadcasts to it."""
    right: Array
    """Entropies of the right feature, over the same samples and of such a shape."""


class PairSums(NamedTuple):
    """Sums of the pairs of a tile: Σ f(c) over cells, f the term of a pack's `terms.Reduction`.

    They are int64 in fixed point where that is exact, and float64 for weights and for very many
    samples. Sums over disjoint sets of samples add up; the unit is the same for all. Where one cell
    holds all samples, its sum is ``whole``, also if g is not f (`of_constants`).
    """

    joint: Array
    """Over the cells of each pair, ``(n_left, n_right)``."""
    left: Array
    """Over the bins of the left feature, for the samples in which neither feature is missing. The
    shape is that of ``joint``, or ``(n_left, 1)`` where no sample is missing."""
    right: Array
    """Over the bins of the right feature, for the same samples; ``joint``'s shape, or
    ``(1, n_right)``."""
    whole: Array
    """g of the number of samples; ``joint``'s shape, or one that broadcasts to it."""
    samples: Array
    """The number of samples in which neither feature is missing, or the sum of their weights; in
    the shape of ``whole``."""
    unit: float
    """The value of 1 in nats times samples, a power of two."""

    def plus(self, other: PairSums) -> PairSums:
        """The sums over the samples of both, which are disjoint; both have the same unit."""
        return PairSums(
            self.joint + other.joint,
            self.left + other.left,
            self.right + other.right,
            self.whole + other.whole,
            self.samples + other.samples,
            self.unit,
        )

    def of_constants(self, of_one_cell: Array, xp: Any) -> PairSums:
        """The same sums, with g(N) in place of f(N), which is the sum of one occupied cell.

        Its entropy is then exactly 0. Sums of more cells are never f(N): all terms grow faster than
        in proportion to the count.

        Parameters
        ----------
        of_one_cell : array
            f of the numbers of samples, in the shape of ``samples``.
        xp : module
            The array namespace.
        """
        joint, left, right = (
            xp.where(sums == of_one_cell, self.whole, sums)
            for sums in (self.joint, self.left, self.right)
        )
        return self._replace(joint=joint, left=left, right=right)

    def entropies(self) -> PairEntropies:
        """H = (g(N) − Σ f(c))/N."""
        with np.errstate(invalid="ignore", divide="ignore"):
            # The result is rounded twice: where an integer becomes a float, and in the division.
            found = (
                (self.whole - sums) * self.unit / self.samples
                for sums in (self.joint, self.left, self.right)
            )
            return PairEntropies(*found)


class Packed(Protocol):
    """The attributes that the packs of every backend have."""

    @property
    def n_bins(self) -> Any:
        """The number of bins of each feature."""
        ...

    @property
    def reduction(self) -> Reduction:
        """How pairs are summed."""
        ...


Pack = TypeVar("Pack", bound=Packed)


@dataclass(frozen=True)
class PackedPairs(Generic[Pack]):
    """The features of a tile, by their positions in two packs of the same samples, or in one."""

    left: Pack
    lefts: range
    right: Pack
    rights: range

    @classmethod
    def of(cls, left: Pack, lefts: slice, right: Pack, rights: slice) -> Self:
        """The features that two slices select."""
        return cls(left, range(len(left.n_bins))[lefts], right, range(len(right.n_bins))[rights])

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of features on the left and on the right."""
        return len(self.lefts), len(self.rights)

    @property
    def most_bins(self) -> tuple[int, int]:
        """The largest numbers of bins on the left and on the right."""
        left, right = (
            int(np.max(pack.n_bins[side.start : side.stop], initial=0))
            for pack, side in ((self.left, self.lefts), (self.right, self.rights))
        )
        return left, right

    def empty_sums(self, xp: Any) -> PairSums:
        """Uninitialised arrays for the sums of each pair."""
        how = self.left.reduction
        dtype = np.int64 if how.is_exact else np.float64
        joint, left, right, whole, samples = (xp.empty(self.shape, dtype) for _ in range(5))
        return PairSums(joint, left, right, whole, samples, how.unit)


def sums_of(tables: tuple[Array, Array, Array], how: Reduction, kernels: Any) -> PairSums:
    """Sums over the last axis of three tables: joint counts, left counts and right counts."""
    samples = tables[0].sum(axis=-1)
    if how.is_exact:
        terms, totals = kernels.bring(how.table), kernels.bring(how.totals)
        joint, left, right = (terms[table].sum(axis=-1) for table in tables)
        found = PairSums(joint, left, right, totals[samples], samples, how.unit)
    else:
        joint, left, right = (how.term.sum(table, kernels) for table in tables)
        whole = how.term.whole(samples, kernels)
        found = PairSums(joint, left, right, whole, samples, how.unit)
    if not how.has_own_totals:
        return found
    one_cell = terms[samples] if how.is_exact else how.term.sum(samples[..., None], kernels)
    return found.of_constants(one_cell, kernels.xp)


def sums_by_parts(kernels: Any, left: Any, lefts: slice, right: Any, rights: slice) -> PairSums:
    """`Kernels.pair_sums`, made by counting some pairs at a time."""
    pairs: PackedPairs[Any] = PackedPairs.of(left, lefts, right, rights)
    found = pairs.empty_sums(kernels.xp)
    at_once = max(1, COUNTS_AT_ONCE // max(1, prod(pairs.most_bins)))
    least = min(LEAST_WIDTH, MOST_COUNTS // max(1, prod(pairs.most_bins)))
    width = max(1, min(pairs.shape[1], max(at_once, least)))
    height = max(1, at_once // width)
    for i in range(0, pairs.shape[0], height):
        for j in range(0, pairs.shape[1], width):
            x, y = pairs.lefts[i : i + height], pairs.rights[j : j + width]
            counts = kernels.count_pairs(
                left, slice(x.start, x.stop), right, slice(y.start, y.stop)
            )
            cells = counts.reshape(len(x), len(y), prod(counts.shape[2:]))
            sums = sums_of((cells, counts.sum(axis=3), counts.sum(axis=2)), left.reduction, kernels)
            for result, values in zip(found[:-1], sums[:-1], strict=True):
                result[i : i + height, j : j + width] = values
    return found
