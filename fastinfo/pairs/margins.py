"""What the nulls of pairs depend on: the margins of each feature, and their moments for all pairs.

Where a sample is missing, a pair has samples of its own. Their margins are taken to be in
proportion to those of the features until the pair is counted again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Kernels
from fastinfo.estimators.chance import Occurrences, occurrences
from fastinfo.estimators.moments import Moments, moments_of_pairs
from fastinfo.measures import nulls
from fastinfo.pairs.features import Features
from fastinfo.pairs.ranking import Judge

HostArray = np.ndarray[Any, Any]

MOST_VALUES = 360
"""The most different numbers of samples in a bin for which what moments are made of is computed
once for all features; with more, for those of each tile."""

MANY = 16
"""The features on a side from which on that pays."""

MOST_BINS = 1 << 16
"""The most bins of all features together of which such numbers are kept."""

STEP = 0.1
"""The steps in which margins are scaled down for pairs that lack samples, in logarithms of their
number. Moments in between are interpolated."""

MOST_THINNED = 20
"""The most samples of a bin, as expected, for which the numbers that may be left are looked at one
by one. Of more the mean will do."""

NEGLIGIBLE = 1e-6
"""Probabilities of such numbers that are left out."""


class Margins(NamedTuple):
    """Numbers of each feature, over the samples in which it is present."""

    n_samples: int
    """The number of samples, missing ones included."""
    n_occupied: HostArray
    """The number of bins that hold samples, 1 for a feature without any; float64."""
    spread: HostArray
    """`nulls.inverse_spread`; float64."""
    least_share: HostArray
    """The share of the samples in the smallest of these bins; float64."""
    number: HostArray
    """The position of its sorted margin in ``different``."""
    different: list[HostArray]
    """The different margins, sorted."""
    kept: dict[int, Occurrences]
    """All of them for numbers of samples that have been asked for. Threads may compute one twice,
    which gives the same."""

    @classmethod
    def of(cls, occupied: Sequence[HostArray], n_samples: int) -> Margins:
        """The margins of features, by the numbers of samples in the occupied bins of each."""
        numbers = dict[bytes, int]()
        different: list[HostArray] = []
        number = np.zeros(len(occupied), np.intp)
        for feature, margin in enumerate(occupied):
            # A feature without samples has one bin, as a constant has.
            margin = np.sort(margin) if margin.size else np.ones(1, np.int64)
            number[feature] = numbers.setdefault(margin.tobytes(), len(numbers))
            if number[feature] == len(different):
                different.append(margin)
        sizes = np.array([margin.size for margin in different])
        starts = np.cumsum(sizes) - sizes
        every = np.concatenate(different) if different else np.empty(0, np.int64)
        totals = np.add.reduceat(every, starts) if sizes.size else every
        inverse = np.add.reduceat(1 / every, starts) if sizes.size else every
        return cls(
            n_samples,
            sizes[number].astype(np.float64),
            np.maximum(totals * inverse - 1, 0.0)[number],
            (every[starts] / totals)[number],
            number,
            different,
            {},
        )

    def scaled(self, chosen: HostArray, n_samples: int) -> Occurrences:
        """Some of the different margins, over a number of samples of which some are left out.

        How often bins have each number of samples is what is expected then.
        """
        n_bins = sum(margin.size for margin in self.different)
        if n_bins > MOST_BINS:
            return self._scaled(chosen, n_samples)
        found = self.kept.get(n_samples)
        if found is None:
            every = np.arange(len(self.different))
            found = self.kept[n_samples] = self._scaled(every, n_samples)
        values, repeats = found.values, found.repeats[chosen]
        if len(chosen) < MANY or values.size > MOST_VALUES:
            occurs = repeats.any(axis=0)
            values, repeats = values[occurs], repeats[:, occurs]
        return Occurrences(values, repeats)

    def _scaled(self, chosen: HostArray, n_samples: int) -> Occurrences:
        found = [self.different[number] for number in chosen.tolist()]
        shares = np.array([n_samples / margin.sum() for margin in found])
        if (shares == 1).all():
            return occurrences(found)
        rows = np.repeat(np.arange(len(found)), [margin.size for margin in found])
        every, share = np.concatenate(found), shares[rows]
        is_thinned = (share < 1) & (every * share < MOST_THINNED)
        parts = [_split(every[~is_thinned] * share[~is_thinned], rows[~is_thinned])]
        if is_thinned.any():
            parts.append(_thinned(every[is_thinned], share[is_thinned], rows[is_thinned]))
        row, number, weight = (np.concatenate(part) for part in zip(*parts, strict=True))
        values, places = np.unique(number, return_inverse=True)
        cells = row * values.size + places.reshape(-1)
        repeats = np.bincount(cells, weight, len(found) * values.size)
        first = int(values[0] == 0)
        return Occurrences(values[first:], repeats.reshape(len(found), -1)[:, first:])

    def rounded(self, number: int, n_samples: int) -> HostArray:
        """One of the margins, of two bins, in proportion for a number of samples."""
        margin = self.different[number]
        smaller = round(int(margin[0]) * n_samples / int(margin.sum()))
        return np.array([smaller, n_samples - smaller])


def margins_of(features: Features, kernels: Kernels, judge: Judge) -> list[Margins]:
    """The margins of binned features without weights, in each stratum."""
    m, n = len(features), features.n_samples
    if not judge.is_conditional:
        counts = (features.margin(feature, kernels) for feature in range(m))
        return [Margins.of([margin[margin > 0] for margin in counts], n)]
    each = [judge.margins_alone(feature) for feature in range(m)]
    return [
        Margins.of(list(of_stratum), size)
        for of_stratum, size in zip(zip(*each, strict=True), judge.sizes.tolist(), strict=True)
    ]


def moments_given(
    strata: Sequence[Margins], left: HostArray, right: HostArray, lacking: HostArray
) -> tuple[HostArray, HostArray]:
    """The mean of n·I, and its variance, of pairs ``(left, right)`` of features.

    Parameters
    ----------
    lacking : array of shape (left, right)
        Minus the logarithm of the share of the samples that a pair has; NaN where it is not asked
        for, and numbers are 0.
    """
    mean, variance = np.zeros(lacking.shape), np.zeros(lacking.shape)
    place = lacking / STEP
    for step in np.unique(np.floor(place[~np.isnan(place)])).tolist():
        # Both ends of the step; the second one counts for nothing where no sample is missing.
        for end in (step, step + 1):
            weight = np.maximum(1 - np.abs(place - end), 0.0) * (np.floor(place) == step)
            wanted = weight > 0
            rows, columns = np.flatnonzero(wanted.any(axis=1)), np.flatnonzero(wanted.any(axis=0))
            if not rows.size:
                continue
            block = np.ix_(rows, columns)
            share = np.exp(-STEP * end)
            for moments in _of_strata(strata, left[rows], right[columns], share):
                weights = np.where(wanted[block], weight[block], 0.0)
                mean[block] += weights * moments.mean
                variance[block] += weights * moments.variance
    return mean, variance


def _of_strata(
    strata: Sequence[Margins], left: HostArray, right: HostArray, share: float
) -> list[Moments]:
    """The moments of n·I in each stratum, of which a share of the samples is there."""
    found = []
    for margins in strata:
        n = max(round(margins.n_samples * share), 1)
        rows, row = np.unique(margins.number[left], return_inverse=True)
        columns, column = np.unique(margins.number[right], return_inverse=True)
        lefts, rights = margins.scaled(rows, n), margins.scaled(columns, n)
        mean, variance = moments_of_pairs(lefts, rights, n)
        pairs = np.ix_(row, column)
        found.append(Moments(n * mean[pairs], n**2 * variance[pairs]))
    return found


def _split(exact: HostArray, rows: HostArray) -> tuple[HostArray, HostArray, HostArray]:
    """Row, number and weight of the whole numbers below and above, whose mean is an exact one."""
    below = np.floor(exact).astype(np.int64)
    above = exact - below
    return np.tile(rows, 2), np.concatenate([below, below + 1]), np.concatenate([1 - above, above])


def _thinned(
    counts: HostArray, share: HostArray, rows: HostArray
) -> tuple[HostArray, HostArray, HostArray]:
    """Row, number and probability of the samples of bins that are left, if each is with a share."""
    special = nulls.scipy_special("p-values")
    number = np.arange(int(counts.max()) + 1)
    rest = np.maximum(counts[:, None] - number, 0)
    logarithms = (
        special.gammaln(counts + 1)[:, None]
        - special.gammaln(number + 1)
        - special.gammaln(rest + 1)
        + special.xlogy(number, share[:, None])
        + special.xlog1py(rest, -share[:, None])
    )
    weights = np.where(number <= counts[:, None], np.exp(logarithms), 0.0)
    place, found = np.nonzero(weights > NEGLIGIBLE)
    return rows[place], found, weights[place, found]
