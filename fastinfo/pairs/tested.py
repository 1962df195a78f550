"""P-values of all pairs, and q-values: how many of the pairs that are as significant are chance.

Each p-value is that of `fastinfo.test_independence` by the G-test. Where expected counts are small,
it is that of the gamma distribution of exact moments, or of all tables of 2 × 2. The null of a pair
depends on its two margins alone, so that features with equal margins share theirs: all features in
bins of equal frequency do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.pair_sums import PairEntropies, PairSums
from fastinfo.backends.terms import XLOGX, Term
from fastinfo.estimators import entropies
from fastinfo.estimators.chance import FourCells
from fastinfo.inputs.objects import is_number
from fastinfo.inputs.options import Options
from fastinfo.measures import nulls
from fastinfo.pairs.confirmation import pvalue_of, share_of_tables
from fastinfo.pairs.engine import Sink
from fastinfo.pairs.features import Features
from fastinfo.pairs.job import Planes
from fastinfo.pairs.margins import Margins, margins_of, moments_given
from fastinfo.pairs.measure import Counted, TileMeasure
from fastinfo.pairs.ranking import Judge
from fastinfo.pairs.sinks import VALUE, TopSink

HostArray = np.ndarray[Any, Any]

P_VALUE = "p_value"

INFORMATION = (1.0, 1.0, -1.0)
"""The coefficients of I = H(X) + H(Y) − H(X,Y)."""

EXACT_BELOW = 0.1
"""P-values and q-values up to this are exact; q-values above it may be too large. Most p-values
above it are not computed and count as 1: those of pairs with less information than the mean and one
standard deviation. Of a gamma distribution of shape ½ or more, at least a tenth lies beyond."""

LEAST_OF_FOUR = 1.0
"""2·n·I of tables of 2 × 2 below which no p-value is a tenth or less."""

SAME = 1e-9
"""The share of a p-value up to which it may have been rounded in another way."""

NEAR = 10.0
"""How many times as large as the largest significant p-value those are that are looked at again
where samples are missing, since they may be smaller by the samples of the pair."""


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
    strata : sequence of Margins
        The margins of the features in each stratum; one entry if there are no strata.
    """

    measure: TileMeasure
    strata: Sequence[Margins]

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
        """P-values ``(n_left, n_right)`` of information in nats; NaN for a pair without samples.

        The samples of a pair are taken to be the same share of those of each stratum, and its
        margins to be in proportion to those of its features. They are, where none is missing.
        """
        is_known = ~np.isnan(information)
        share = samples / max(sum(of.n_samples for of in self.strata), 1)
        freedom, spread = np.zeros(share.shape), np.zeros(share.shape)
        least = np.full(share.shape, np.inf)
        for of in self.strata:
            of_stratum = np.outer(of.n_occupied[left] - 1, of.n_occupied[right] - 1)
            freedom += of_stratum
            expected = np.outer(of.least_share[left] * of.n_samples, of.least_share[right])
            np.minimum(least, expected, out=least, where=of_stratum > 0)
            spread += np.outer(of.spread[left] / max(of.n_samples, 1), of.spread[right])
        is_small = is_known & (freedom > 0) & (least * share < nulls.least_expected(freedom))
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = nulls.g_test_mean(freedom, spread / share, samples)
            variance = np.where(freedom > 0, 2 * mean**2 / freedom, 0.0)
            is_gamma = is_small & (freedom > 1)
            if is_gamma.any():
                lacking = np.where(is_gamma, -np.log(share), np.nan)
                for found, moment, power in zip(
                    (mean, variance),
                    moments_given(self.strata, left, right, lacking),
                    (samples, samples**2),
                    strict=True,
                ):
                    found[is_gamma] = (moment / power)[is_gamma]
        found = np.where(is_known, 1.0, np.nan)
        chosen = is_known & (variance > 0)
        if self.leaves_large:
            is_near = information < (mean + np.sqrt(variance)) * (1 - 1e-9)
            chosen &= ~(is_near & (2 * mean**2 >= variance))
        found[chosen] = nulls.upper_tail(information[chosen], mean[chosen], variance[chosen])
        is_exact = is_small & (freedom == 1)
        found[is_exact] = 1.0
        if self.leaves_large:
            is_exact &= 2 * samples * information >= LEAST_OF_FOUR
        self._go_through_four_cells(left, right, information, share, is_exact, found)
        return found

    def _go_through_four_cells(
        self,
        left: HostArray,
        right: HostArray,
        information: HostArray,
        share: HostArray,
        wanted: HostArray,
        found: HostArray,
    ) -> None:
        """Write p-values of wanted pairs, which have one degree of freedom, in one stratum."""
        whole = sum(of.n_samples for of in self.strata)
        for of in self.strata:
            is_here = np.outer(of.n_occupied[left] == 2, of.n_occupied[right] == 2)
            rows, columns = np.nonzero(wanted & is_here)
            if not rows.size:
                continue
            sizes = np.rint(of.n_samples * share[rows, columns]).astype(np.int64)
            both = np.sort(np.stack([of.number[left[rows]], of.number[right[columns]]]), axis=0)
            # Pairs of the same margins have the same tables.
            kinds, kind = np.unique(np.vstack([both, sizes]), axis=1, return_inverse=True)
            order = np.argsort(kind.reshape(-1), kind="stable")
            ends = np.cumsum(np.bincount(kind.reshape(-1)))
            for (a, b, n), chosen in zip(kinds.T.tolist(), np.split(order, ends[:-1]), strict=True):
                margins = [of.rounded(number, n) for number in (a, b)]
                if all(margin.all() for margin in margins):
                    pairs = rows[chosen], columns[chosen]
                    cells = FourCells.of(*margins)
                    found[pairs] = cells.upper_tail(information[pairs] * whole / of.n_samples)


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
    look : callable
        Keeps the margins of a pair that it is called with.
    """

    stays = False
    __test__ = False  # for pytest, which would take it for tests

    def __init__(
        self, sink: Sink, n_left: int | None, memory_limit: int, fdr: Any = None, look: Any = None
    ) -> None:
        self.sink, self.n_left, self.fdr, self.look = sink, n_left, fdr, look
        # Each is sorted, and a pair has a value and two positions besides.
        self.most = memory_limit // (16 if fdr is None else 64)
        self.n_pairs = 0
        """The number of pairs that have a p-value."""
        self._small: list[HostArray] = []
        self._n_small = 0
        self._candidates: list[tuple[HostArray, HostArray, HostArray]] = []
        self.known: dict[tuple[int, int], float] = {}
        """P-values of pairs that `significant` found, of which some were counted again."""

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

    def rank_waiting(self) -> None:
        """Look at the margins of all pairs that may be returned, before their counts go."""
        pairs = [pair for _, _, some in self._candidates for pair in some.T.tolist()]
        if self.fdr is None and isinstance(self.sink, TopSink):
            pairs = [pair for _, _, *pair in self.sink.ranked()]
        for left, right in pairs:
            self.look(left, right + (self.n_left or 0))

    def significant(
        self,
        rank: Callable[[int, int, float], float],
        k: int | None,
        threshold: float,
        judge: Judge,
    ) -> list[tuple[float, float, int, int]]:
        """Rank, value in units and positions of the k pairs of highest rank that reach the rate.

        Positions of Y follow those of X. Pairs that lack samples are counted again, if they may
        reach the rate by the samples that they have.
        """
        if self.fdr is None or not self.n_pairs:
            return []
        pvalues, values, pairs = (
            np.concatenate(part, axis=-1) for part in zip(*self._candidates, strict=True)
        )
        values = values / judge.unit
        own, rates = pvalues.copy(), self.qvalues(pvalues, pvalues)
        # The largest p-value that is significant, or the one that the first of all pairs needs.
        largest = max(float(pvalues[rates <= self.fdr].max(initial=0)), self.fdr / self.n_pairs)
        lacks = judge.features.has_missing
        is_near = (lacks[pairs[0]] | lacks[pairs[1]]) & (pvalues <= NEAR * largest)
        for position in np.flatnonzero(is_near).tolist():
            i, j = pairs[:, position].tolist()
            own[position] = pvalue_of(judge, i, j, float(values[position]))
        self._small = [self._replaced(own, pvalues)]
        reach = self.qvalues(own, own) <= self.fdr
        positions = zip(*pairs[:, reach].tolist(), strict=True)
        self.known = {(i, j): p for (i, j), p in zip(positions, own[reach].tolist(), strict=True)}
        found = [
            (rank(i, j, value), value, i, j)
            for value, i, j in zip(values[reach].tolist(), *pairs[:, reach].tolist(), strict=True)
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
        ordered = self._replaced(pvalues, planes)
        rates = self.n_pairs * ordered / np.arange(1, ordered.size + 1)
        rates = np.minimum.accumulate(np.append(rates, 1.0)[::-1])[::-1]
        first = np.searchsorted(ordered, pvalues * (1 - SAME), side="left")
        return np.asarray(np.minimum(rates[first], 1.0))

    def _replaced(self, pvalues: HostArray, planes: HostArray) -> HostArray:
        """The p-values of all pairs, sorted, of which some take the place of those of the plane."""
        ordered = np.sort(np.concatenate([*self._small, np.empty(0)]))
        differs = np.abs(pvalues - planes) > SAME * planes
        removed = np.sort(planes[differs & (planes < 1.0)])
        # Equal ones are taken from where they stand, one after the other.
        first = np.searchsorted(ordered, removed * (1 - SAME), side="left")
        first = np.maximum.accumulate(first - np.arange(first.size)) + np.arange(first.size)
        return np.sort(np.append(np.delete(ordered, first), pvalues[differs]))


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


def require_testable(options: Options) -> None:
    """Raise where p-values have no meaning, for weights and corrected estimates."""
    nulls.scipy_special("p-values")  # before any work
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
    measure: TileMeasure, features: Features, kernels: Kernels, judge: Judge, fdr: float | None
) -> Tested:
    """A measure with p-values; all of them are exact if the false discovery rate is large."""
    leaves_large = fdr is None or fdr <= EXACT_BELOW
    return Tested(measure, margins_of(features, kernels, judge), leaves_large=leaves_large)


def tested_pairs(
    labels: Sequence[tuple[Any, Any]],
    found: Sequence[tuple[float, float, int, int]],
    judge: Judge,
    measure: Tested,
    tests: TestedSink,
    n_jobs: int,
) -> list[TestedPair]:
    """The pairs that a sink has found (rank, value and positions), those with small q-values."""
    most = share_of_tables(len(found))
    pvalues = np.array([pvalue_of(judge, i, j, value, most, n_jobs) for _, value, i, j in found])
    planes = np.array(
        [
            tests.known[i, j] if (i, j) in tests.known else _in_plane(measure, judge, i, j, value)
            for _, value, i, j in found
        ]
    )
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
        if tests.fdr is None or q <= tests.fdr
    ]
