"""P-values of all pairs, and q-values: how many of the pairs that are as significant are chance.

Each p-value is that of `fastinfo.test_independence` by the G-test. Where expected counts are small,
it is that of the gamma distribution of exact moments, or of all tables of 2 × 2. The null of a pair
depends on its two margins alone, so that features with equal margins share theirs: all features in
bins of equal frequency do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends import on_host
from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.pair_sums import PairEntropies, PairSums
from fastinfo.backends.terms import XLOGX, Term
from fastinfo.estimators import entropies
from fastinfo.estimators.chance import FourCells, Moments, information_moments
from fastinfo.inputs.objects import is_number
from fastinfo.inputs.options import Options
from fastinfo.measures import nulls
from fastinfo.measures.strata import Stratum
from fastinfo.pairs.engine import Sink
from fastinfo.pairs.features import Features
from fastinfo.pairs.job import Planes
from fastinfo.pairs.measure import Counted, TileMeasure
from fastinfo.pairs.ranking import Judge
from fastinfo.pairs.sinks import VALUE

HostArray = np.ndarray[Any, Any]

P_VALUE = "p_value"

INFORMATION = (1.0, 1.0, -1.0)
"""The coefficients of I = H(X) + H(Y) − H(X,Y)."""

EXACT_BELOW = 0.1
"""P-values and q-values up to this are exact; q-values above it may be too large. Most p-values
above it are not computed and count as 1: those of pairs with less information than the mean and one
standard deviation. Of a gamma distribution of shape ½ or more, at least a tenth lies beyond."""

FIRST_DRAWN, MOST_DRAWN, ENOUGH_REACHED = 500, 200_000, 30
"""Random tables that are drawn to confirm a p-value: at first, at most, and until so many of them
reach the information of the pair."""

SEED = 1991
"""That of these tables, so that a p-value is the same in every run."""

ROUNDING = 1e-14
"""The share of Σ c·log c up to which two tables have the same information."""

LEAST_OF_FOUR = 1.0
"""2·n·I of tables of 2 × 2 below which no p-value is a tenth or less."""

SAME = 1e-9
"""The share of a p-value up to which it may have been rounded in another way."""

COUNTS_AT_ONCE = 1 << 18
"""Counts of bins that are worked on together, 2 MiB, but for one feature that has more."""


class Margins(NamedTuple):
    """What nulls depend on: numbers of each feature, over the samples in which it is present."""

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

    @classmethod
    def of(cls, features: Features, kernels: Kernels) -> Margins:
        """The margins of binned features without weights."""
        m = len(features)
        n_occupied, spread, least = np.ones(m), np.zeros(m), np.ones(m)
        number, numbers = np.zeros(m, np.intp), dict[bytes, int]()
        different: list[HostArray] = []
        for chosen, counts in _sorted_counts(features, kernels):
            # Empty bins come first, and features without samples have nothing but those.
            is_occupied, totals = counts > 0, np.maximum(counts.sum(axis=1), 1)
            smallest = np.where(is_occupied, counts, counts[:, -1:]).min(axis=1)
            inverse = np.divide(1.0, counts, out=np.zeros(counts.shape), where=is_occupied)
            n_occupied[chosen] = np.maximum(is_occupied.sum(axis=1), 1)
            spread[chosen] = np.maximum(totals * inverse.sum(axis=1) - 1, 0)
            least[chosen] = smallest / totals
            for feature, margin in zip(chosen.tolist(), counts, strict=True):
                margin = margin[counts.shape[1] - int(n_occupied[feature]) :]
                number[feature] = numbers.setdefault(margin.tobytes(), len(numbers))
                if number[feature] == len(different):
                    different.append(margin)
        return cls(n_occupied, spread, least, number, different)


def _sorted_counts(features: Features, kernels: Kernels) -> Iterator[tuple[HostArray, HostArray]]:
    """Positions of features, and the sorted counts of their bins ``(k, B)`` with zeros before."""
    order = np.argsort(features.n_bins, kind="stable")
    most = np.maximum(features.n_bins[order], 1)
    start = 0
    while start < order.size:
        # Features with about as many bins, as many as make a small table.
        stop = start + max(COUNTS_AT_ONCE // int(most[start] * 2), 1)
        stop = min(stop, start + int(np.searchsorted(most[start:], 2 * most[start], side="right")))
        chosen = order[start:stop]
        counts = np.zeros((chosen.size, int(most[stop - 1 : stop].max())), np.int64)
        for one, feature in zip(counts, chosen.tolist(), strict=False):
            if n_bins := int(features.n_bins[feature]):
                one[:n_bins] = features.margin(feature, kernels)
        counts.sort(axis=1)
        yield chosen, counts
        start += chosen.size


class TestedPair(NamedTuple):
    """Two features, their mutual information, and whether it exceeds chance."""

    left: Any
    """Name of a feature, or its position where the table has no names."""
    right: Any
    value: float
    """Mutual information, in units of ``base``; a share if ``normalized`` was given."""
    corrected: float
    """The value minus its expectation for independent variables with the same margins."""
    share: float
    """Normalized mutual information, with the entropies over the samples of this pair."""
    n_samples: int
    """The number of samples in which both features are present."""
    pvalue: float
    """The probability that independent features with the same margins share at least as much."""
    qvalue: float
    """The least false discovery rate at which the pair is significant, among all pairs."""


# pytest would take these for tests in files that import them by their names.
TestedPair.__test__ = False  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Tested:
    """Another measure of pairs, and the p-value of each pair in a plane after those of it.

    Parameters
    ----------
    measure : TileMeasure
        A measure whose term is that of the plug-in entropy, or that has none.
    margins : Margins
        Those of the features.
    """

    measure: TileMeasure
    margins: Margins
    is_complete: HostArray
    """Of each feature, whether no sample is missing. Where one is, the margins of a pair are taken
    to be in proportion to those of its features."""
    moments: dict[tuple[int, int], Moments] = field(default_factory=dict)
    """Those that are known, by the numbers of two margins, the smaller one first. Threads may
    compute one twice, which gives the same."""

    leaves_large: bool = True
    """Whether p-values above `EXACT_BELOW` may be 1, which leaves most of them uncomputed."""

    term: Term | None = XLOGX

    @property
    def description(self) -> dict[str, str]:
        """That of the measure, with p-values."""
        return {**self.measure.description, "p-values": "by expected counts"}

    @property
    def planes(self) -> tuple[str, ...]:
        """Those of the measure, and the p-value."""
        return (*self.measure.planes, P_VALUE)

    def __call__(self, pairs: Counted) -> tuple[Array, ...]:
        """The planes of a tile."""
        kernels, once = pairs.kernels, _Once(pairs)
        sums = once.sums()
        information = kernels.to_host(kernels.combine(sums, INFORMATION, 0.0))
        samples = np.broadcast_to(kernels.to_host(sums.samples), information.shape)
        pvalues = self.pvalues(pairs.left, pairs.right, information, samples)
        return (*self.measure(once), kernels.bring(pvalues))

    def pvalues(
        self, left: HostArray, right: HostArray, information: HostArray, samples: HostArray
    ) -> HostArray:
        """P-values ``(n_left, n_right)`` of information in nats; NaN for a pair without samples."""
        of = self.margins
        freedom = np.outer(of.n_occupied[left] - 1, of.n_occupied[right] - 1)
        expected = np.outer(of.least_share[left], of.least_share[right]) * samples
        is_small = (expected < nulls.least_expected(freedom)) & (freedom > 0)
        is_small &= np.logical_and.outer(self.is_complete[left], self.is_complete[right])
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.outer(of.spread[left], of.spread[right]) / samples
            mean = nulls.g_test_mean(freedom, spread, samples)
            variance = np.where(freedom > 0, 2 * mean**2 / freedom, 0.0)
        for kind, pairs in self._kinds(left, right, is_small & (freedom > 1)):
            mean[pairs], variance[pairs] = self._moments(kind)
        found = np.where(np.isnan(information), np.nan, 1.0)
        chosen = variance > 0
        if self.leaves_large:
            is_near = information < (mean + np.sqrt(variance)) * (1 - 1e-9)
            chosen &= ~(is_near & (2 * mean**2 >= variance))
        found[chosen] = nulls.upper_tail(information[chosen], mean[chosen], variance[chosen])
        is_exact = is_small & (freedom == 1)
        if self.leaves_large:
            is_exact &= 2 * samples * information >= LEAST_OF_FOUR
            found[is_small & (freedom == 1)] = 1.0
        for (a, b), pairs in self._kinds(left, right, is_exact):
            cells = FourCells.of(of.different[a], of.different[b])
            found[pairs] = cells.upper_tail(information[pairs])
        return found

    def _kinds(
        self, left: HostArray, right: HostArray, wanted: HostArray
    ) -> Iterator[tuple[tuple[int, int], tuple[HostArray, HostArray]]]:
        """The different pairs of margins among wanted pairs, and where each of them is."""
        rows, columns = np.nonzero(wanted)
        if not rows.size:
            return
        number = self.margins.number
        both = np.sort(np.stack([number[left[rows]], number[right[columns]]]), axis=0)
        kinds, kind = np.unique(both, axis=1, return_inverse=True)
        order = np.argsort(kind.reshape(-1), kind="stable")
        ends = np.cumsum(np.bincount(kind.reshape(-1)))
        for (a, b), chosen in zip(kinds.T.tolist(), np.split(order, ends[:-1]), strict=True):
            yield (a, b), (rows[chosen], columns[chosen])

    def _moments(self, kind: tuple[int, int]) -> Moments:
        found = self.moments.get(kind)
        if found is None:
            different = [self.margins.different[number] for number in kind]
            found = self.moments[kind] = information_moments(*different)
        return found


class _Once:
    """The pairs of a tile whose sums are computed once for two measures."""

    def __init__(self, pairs: Counted) -> None:
        self.kernels, self.left, self.right = pairs.kernels, pairs.left, pairs.right
        self._pairs = pairs
        self._sums = pairs.sums()

    def sums(self) -> PairSums:
        """The sums of the term."""
        return self._sums

    def pooled_sums(self) -> PairSums:
        """As those of the pairs."""
        return self._pairs.pooled_sums()

    def entropies(self, estimator: str) -> PairEntropies:
        """As those of the pairs."""
        return self._pairs.entropies(estimator)


class TestedSink:
    """Keeps the p-value of each pair of different features, and pairs that may be significant.

    Parameters
    ----------
    sink : Sink
        Where tiles go as well, unless there is a false discovery rate.
    n_left : int or None
        The number of features of X; None if there is no Y.
    memory_limit : int
        The most bytes that p-values may take.
    fdr : float, optional
        The false discovery rate of the pairs that `significant` returns.
    """

    stays = False
    __test__ = False  # for pytest, which would take it for tests

    def __init__(
        self, sink: Sink, n_left: int | None, memory_limit: int, fdr: float | None = None
    ) -> None:
        self.sink = sink
        self.n_left = n_left
        self.fdr = fdr
        # Each is sorted, and a pair has a value and two positions besides.
        self.most = memory_limit // (16 if fdr is None else 64)
        self.n_pairs = 0
        """The number of pairs that have a p-value."""
        self._small: list[HostArray] = []
        self._n_small = 0
        self._candidates: list[tuple[HostArray, HostArray, HostArray]] = []

    def put(self, left: HostArray, right: HostArray, planes: Planes) -> None:
        """Take one tile."""
        every = planes[P_VALUE]
        once = np.ones(every.shape, np.bool_)
        if self.n_left is None:
            # A tile on the diagonal holds its pairs twice, and each feature with itself.
            once = left[:, None] != right
            if left[0] == right[0]:
                once = np.arange(left.size)[:, None] < np.arange(right.size)
        pvalues = every[once]
        pvalues = pvalues[~np.isnan(pvalues)]
        self.n_pairs += pvalues.size
        small = pvalues[pvalues < 1.0]
        self._small.append(small)
        self._n_small += small.size
        if self._n_small > self.most:
            raise MemoryError(
                f"more than {self.most} p-values would need more than the memory limit; raise "
                "memory_limit, or pass p_values=False"
            )
        if self.fdr is None:
            self.sink.put(left, right, planes)
            return
        rows, columns = np.nonzero(once & (every <= self.fdr))  # a q-value is no smaller
        pairs = np.stack([left[rows], right[columns]])
        pairs = np.sort(pairs, axis=0) if self.n_left is None else pairs
        self._candidates.append((every[rows, columns], planes[VALUE][rows, columns], pairs))

    def significant(
        self, rank: Callable[[int, int, float], float], k: int | None, threshold: float, unit: float
    ) -> list[tuple[float, float, int, int]]:
        """Rank, value in units and positions of the k pairs of highest rank that reach the rate.

        Positions of Y follow those of X.
        """
        if not self._candidates:
            return []
        pvalues, values, pairs = (
            np.concatenate(part, axis=-1) for part in zip(*self._candidates, strict=True)
        )
        reach = self.qvalues(pvalues, pvalues) <= self.fdr
        found = [
            (rank(i, j, value), value, i, j)
            for value, i, j in zip(
                (values[reach] / unit).tolist(), *pairs[:, reach].tolist(), strict=True
            )
        ]
        found = [one for one in found if one[0] >= threshold]  # NaN is not
        return sorted(found, key=lambda one: (-one[0], *one[2:]))[:k]

    def qvalues(self, pvalues: HostArray, planes: HostArray) -> HostArray:
        """The least false discovery rate at which a pair with each p-value is significant.

        By Benjamini and Hochberg [1995], over all pairs: q(p) is the least of n·p′/r(p′) for all p′
        from p on, where r(p′) is the number of p-values up to p′, and n that of all.

        Parameters
        ----------
        pvalues : array of shape (k,)
            P-values of some pairs, by the margins of their own samples.
        planes : array of shape (k,)
            Their p-values in the plane, in place of which the others count.
        """
        ordered = np.sort(np.concatenate([*self._small, np.empty(0)]))
        differs = np.abs(pvalues - planes) > SAME * planes
        removed = np.sort(planes[differs & (planes < 1.0)])
        # Equal ones are taken from where they stand, one after the other.
        first = np.searchsorted(ordered, removed * (1 - SAME), side="left")
        first = np.maximum.accumulate(first - np.arange(first.size)) + np.arange(first.size)
        ordered = np.sort(np.append(np.delete(ordered, first), pvalues[differs]))
        rates = self.n_pairs * ordered / np.arange(1, ordered.size + 1)
        rates = np.minimum.accumulate(np.append(rates, 1.0)[::-1])[::-1]
        first = np.searchsorted(ordered, pvalues * (1 - SAME), side="left")
        return np.asarray(np.minimum(rates[first], 1.0))


def pvalue_of(judge: Judge, left: int, right: int, value: float) -> float:
    """The p-value of one pair by the margins of its own samples, which are recounted if some lack.

    ``value`` is in the units of the judge.
    """
    ((n_samples, *margins),) = judge.margins(left, right)
    stratum = Stratum(*margins)
    if not n_samples or not stratum.degrees_of_freedom:
        return 1.0
    information = value * judge.scale(left, right)
    measured = nulls.Measured(information, [stratum], stratum.left, judge.kernels, 1, 0, 1)
    method = nulls.choose(measured)
    if method != "permutation":
        return nulls.NULLS[method](measured).pvalue
    return _confirmed(nulls.gamma(measured).pvalue, stratum, information)


def _confirmed(pvalue: float, stratum: Stratum, information: float) -> float:
    """The p-value of the gamma distribution, or a larger one that random tables show.

    Of tables whose information takes few values, the gamma distribution may have too light a tail.
    Tables are drawn until some are as informative [Besag & Clifford 1991]. If none of many is, the
    p-value is too small to tell, and stays.
    """
    kernels = on_host()
    n = stratum.n_samples
    margins = (*stratum, np.array([n]))
    left, right, whole = (float(kernels.sum_xlogx(margin)) for margin in margins)
    least = (n * information + left + right - whole) * (1 - ROUNDING)
    drawn = reached = 0
    while drawn < MOST_DRAWN and reached < ENOUGH_REACHED:
        n_tables = max(drawn, FIRST_DRAWN)
        sums = kernels.random_table_sums(stratum.left, stratum.right, SEED, drawn, n_tables)
        reached, drawn = reached + int((sums >= least).sum()), drawn + n_tables
    return max(pvalue, (1 + reached) / (1 + drawn)) if reached else pvalue


def _in_plane(measure: Tested, judge: Judge, left: int, right: int, value: float) -> float:
    """The p-value of one pair as it is in the plane."""
    information = np.array([[value * judge.scale(left, right)]])
    samples = np.array([[judge.n_samples(left, right)]])
    found = measure.pvalues(np.array([left]), np.array([right]), information, samples)
    return float(found[0, 0])


def false_discovery_rate(fdr: Any) -> float | None:
    """``fdr`` as a float above 0 and up to 1, or None.

    Raises
    ------
    ValueError
        For anything else.
    """
    if fdr is not None and (not is_number(fdr) or not 0 < fdr <= 1):
        raise ValueError(f"fdr={fdr!r}; accepted is a number above 0 and up to 1, or None")
    return None if fdr is None else float(fdr)


def require_testable(options: Options, given: Any) -> None:
    """Raise where p-values have no meaning, for weights and corrected estimates, or none is known.

    ``given`` is a third variable, or None.
    """
    nulls.scipy_special("p-values")  # before any work
    if given is not None:
        raise ValueError(
            "p_values=True and fdr test pairs without a third variable: leave given out, or test "
            "single pairs by fastinfo.test_independence(x, y, given)"
        )
    if options.sample_weight is not None:
        raise ValueError(
            "p_values=True needs numbers of samples, since chance depends on how many there are, "
            "and sample_weight gives sums of weights: leave one of them out"
        )
    if not entropies.ESTIMATORS[options.estimator].is_plug_in:
        raise ValueError(
            f"p_values=True tests the plug-in information, and estimator={options.estimator!r} is "
            'another: use estimator="ml"; the corrected value is given beside it'
        )


def measure_of(
    measure: TileMeasure, features: Features, kernels: Kernels, fdr: float | None
) -> Tested:
    """A measure with p-values; all of them are exact if the false discovery rate is large."""
    margins, leaves_large = Margins.of(features, kernels), fdr is None or fdr <= EXACT_BELOW
    return Tested(measure, margins, ~features.has_missing, leaves_large=leaves_large)


def tested_pairs(
    labels: Sequence[tuple[Any, Any]],
    found: Sequence[tuple[float, float, int, int]],
    judge: Judge,
    measure: Tested,
    tests: TestedSink,
    fdr: float | None,
) -> list[TestedPair]:
    """The pairs that a sink has found (rank, value and positions), those with small q-values."""
    pvalues = np.array([pvalue_of(judge, i, j, value) for _, value, i, j in found])
    planes = np.array([_in_plane(measure, judge, i, j, value) for _, value, i, j in found])
    qvalues = tests.qvalues(pvalues, planes)
    return [
        TestedPair(
            *pair,
            value,
            judge.corrected(i, j, value),
            judge.share(i, j, value),
            judge.n_samples(i, j),
            p,
            q,
        )
        for pair, (_, value, i, j), p, q in zip(
            labels, found, pvalues.tolist(), qvalues.tolist(), strict=True
        )
        if fdr is None or q <= fdr
    ]
