"""Judges the value of a pair by its samples, its entropies, and what chance alone gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np

from fastinfo import formulas
from fastinfo.backends import choose
from fastinfo.backends.contract import Kernels
from fastinfo.estimators import entropies
from fastinfo.estimators.chance import bound_factors, expected_in_strata
from fastinfo.measures import saturation
from fastinfo.pairs.features import Features
from fastinfo.pairs.packs import Strata

Array = np.ndarray[Any, Any]

FEWEST_SAMPLES = 30
"""Pairs with fewer samples are not ranked by default, unless the table is small itself."""

ROUNDING = 1e-12
"""The share of a value up to which what is left without chance counts as rounding."""

MOST_CELLS = 1 << 16
"""The most cells of a table that is always counted in an array with a place for each of them."""

WIDEST = 15
"""The number of columns of a matrix, those with the most bins, whose pairs are checked for too few
samples."""

MOST_CODES = 1 << 28
"""The most bytes of codes that are kept on the host, for features whose pairs are recounted."""


def least_samples(n_rows: int) -> int:
    """The default number of samples that a pair needs to be ranked."""
    return max(min(FEWEST_SAMPLES, n_rows // 2), 1)


class Margins(NamedTuple):
    """The margins of two features over the samples in which both are present."""

    n_samples: float
    """The number of these samples, or the sum of their weights."""
    left: Array
    """The number of samples, or the sum of weights, in each occupied bin of the left feature."""
    right: Array


class Cells(NamedTuple):
    """The cells of two features and the stratum of a sample that hold samples."""

    left: Array
    right: Array
    stratum: Array
    """The stratum, the last in the order of the cells."""
    counts: Array
    """The number of samples of each, or the sum of their weights."""
    n_samples: int
    """The number of samples in all of them."""


class OfFeature(NamedTuple):
    """What is kept of a feature, over its own samples."""

    margins: Sequence[Array]
    """The number of samples in each of its occupied bins, in each stratum."""
    entropy: float
    """In nats; conditional on the stratum."""
    number: int
    """The same number for all features whose sorted margins are the same in every stratum."""


class Judge:
    """Judges values of pairs of features by their margins.

    The margins of features without a missing sample are the same in every pair. Those of other
    features are recounted for each pair that is asked for. Expectations are kept by the margins
    that they depend on: with bins of equal frequency all columns without ties share their margins.

    Where samples are in strata, values are conditional on the stratum, and so are the entropies and
    what chance gives. A sample in no stratum is in no pair.

    Parameters
    ----------
    unit : float
        Nats in one unit of the values.
    average : str, optional
        For normalized values, the average of the entropies that they are shares of.
    strata : Strata, optional
        The strata of the samples.
    """

    def __init__(
        self,
        features: Features,
        kernels: Kernels,
        weights: Any,
        estimator: str,
        unit: float = 1.0,
        average: str | None = None,
        strata: Strata | None = None,
    ) -> None:
        self.features = features
        self.kernels = kernels
        self.weights = None if weights is None else kernels.to_host(weights)
        self.estimator = estimator
        self.unit = unit
        self.is_normalized = average is not None
        self.average = formulas.AVERAGES[average or "arithmetic"]
        self._strata = strata
        self._stratum = None if strata is None else strata.labels(features.n_samples)
        self.reference = choose("numpy")
        self._numbers: dict[bytes, int] = {}
        self._alone: dict[int, OfFeature] = {}
        self._expected: dict[tuple[int, int], float] = {}
        self.expected_alone: dict[int, float] = {}
        """What single features tell about the stratum by chance, which `recount` keeps here."""
        self._bounds: dict[int, Array] = {}
        self._n_present: dict[int, int] = {}
        self.recounts: dict[tuple[int, int], Any] = {}
        """What `recount` found out of pairs whose counts are gone."""
        self._codes: dict[int, Array] = {}
        self._bytes_of_codes = 0

    @property
    def is_conditional(self) -> bool:
        """Whether samples are in strata, by a third variable."""
        return self._strata is not None

    @property
    def sizes(self) -> Array:
        """The number of samples in each stratum; all samples are one if there is no other."""
        if self._strata is None:
            return np.array([self.features.n_samples])
        return np.diff(self._strata.borders)

    @property
    def n_strata(self) -> int:
        """The number of strata that hold samples."""
        return int(self.sizes.size)

    @property
    def n_in_strata(self) -> int:
        """The number of samples that are in a stratum."""
        return int(self.sizes.sum())

    @property
    def _is_everywhere(self) -> bool:
        return self._strata is None or self._strata.n_samples == self.features.n_samples

    @property
    def corrects(self) -> bool:
        """Whether chance is taken off: not for weights, nor for estimates that are corrected."""
        return self.weights is None and entropies.ESTIMATORS[self.estimator].is_plug_in

    def n_present(self, feature: int) -> int:
        """The number of samples in which one feature is present."""
        if feature not in self._n_present:
            is_complete = self.weights is None and self._is_everywhere
            if is_complete and not self.features.has_missing[feature]:
                self._n_present[feature] = self.features.n_samples
            else:
                self._n_present[feature] = int(self.present(feature).sum())
        return self._n_present[feature]

    def margins_alone(self, feature: int) -> Sequence[Array]:
        """The number of samples in the occupied bins of one feature, in each stratum."""
        return self._by_itself(feature).margins

    def n_occupied(self, feature: int) -> int:
        """The number of bins of one feature that hold a sample, in the stratum with the most."""
        return max(margin.size for margin in self._by_itself(feature).margins)

    def n_samples(self, left: int, right: int) -> int:
        """The number of samples in which both features are present."""
        if not self._is_recounted(left, right):
            return self.n_present(left)
        return int(self._complete(left, right).sum())

    def margins(self, left: int, right: int) -> list[Margins]:
        """The margins of a pair in each stratum; one entry if there are no strata."""
        if self._is_recounted(left, right):
            complete = self._complete(left, right)
            lefts, rights = (self._margins(feature, complete) for feature in (left, right))
        else:
            lefts, rights = self._by_itself(left).margins, self._by_itself(right).margins
        return [Margins(x.sum().item(), x, y) for x, y in zip(lefts, rights, strict=True)]

    def entropies(self, left: int, right: int) -> tuple[float, float]:
        """The entropies of both features over the samples of the pair, in nats."""
        if not self._is_recounted(left, right):
            return self._by_itself(left).entropy, self._by_itself(right).entropy
        return self._entropies(left, right, self.margins(left, right))

    def scale(self, left: int, right: int) -> float:
        """Nats in one unit of the value of a pair."""
        return self._shared(left, right) if self.is_normalized else self.unit

    def _shared(self, left: int, right: int) -> float:
        """The average of entropies that normalized information is a share of, in nats."""
        return float(self.average(*self.entropies(left, right)))

    def corrected(self, left: int, right: int, value: float) -> float:
        """A value minus what chance gives; the value itself if chance is not taken off."""
        if not self.corrects:
            return value
        scale = self.scale(left, right)
        # The normalized information of two constants is 1 by convention, and means nothing.
        rest = value - self.expected(left, right) / scale if scale > 0 else 0.0
        # If all labels of a feature differ, the whole value is chance; the rest is rounding.
        return 0.0 if abs(rest) < ROUNDING * value else rest

    def share(self, left: int, right: int, value: float) -> float:
        """Normalized information."""
        if self.is_normalized:
            return value
        return self._share(value * self.unit, self._shared(left, right))

    def share_of_left(self, left: int, right: int, value: float) -> float:
        """The value as a share of the left feature's entropy."""
        return self._share(value * self.scale(left, right), self.entropies(left, right)[0])

    def _share(self, part: float, whole: float) -> float:
        """A part of an entropy. For plug-in entropies, what exceeds 1 is rounding and is cut off.

        Corrected estimates may exceed it.
        """
        if whole <= 0:
            return 0.0
        is_plug_in = entropies.ESTIMATORS[self.estimator].is_plug_in
        return min(part / whole, 1.0) if is_plug_in else part / whole

    def expected(self, left: int, right: int) -> float:
        """The information that chance alone gives, in nats."""
        if self._is_recounted(left, right):
            return self._expected_of(self.margins(left, right))
        a, b = self._by_itself(left).number, self._by_itself(right).number
        key = (min(a, b), max(a, b))
        if key not in self._expected:
            self._expected[key] = self._expected_of(self.margins(left, right))
        return self._expected[key]

    def least_expected(self, left: Array, right: Array) -> Array:
        """At most the information that chance alone gives, in nats, of the pairs of a tile.

        It is 0 for features with missing samples, whose margins differ from pair to pair.
        """
        p, q = (
            np.stack([self._factors(feature) for feature in side.tolist()], axis=1)
            for side in (left, right)
        )
        return np.asarray(np.maximum(p[0] @ q[0].T - p[1] @ q[1].T, 0.0))

    def _factors(self, feature: int) -> Array:
        """The factors of a lower bound of what chance gives, ``(2, strata)``."""
        if feature not in self._bounds:
            factors = np.zeros((2, self.n_strata))
            if not self._is_recounted(feature, feature):
                margins = self._by_itself(feature).margins
                sizes = np.array([margin.sum() for margin in margins])
                factors = np.stack(bound_factors(margins, sizes))
            self._bounds[feature] = factors
        return self._bounds[feature]

    def may_be_saturated(self, left: int, right: int) -> bool:
        """Whether a pair could be saturated, judged by numbers of bins and of missing samples."""
        # A feature without a sample has no bin; it counts as one.
        k_x, k_y = (max(int(self.features.n_bins[feature]), 1) for feature in (left, right))
        n_samples = self.features.n_samples
        # The least number of samples that both have: no sample is missing in both.
        n_samples -= sum(n_samples - self.n_present(feature) for feature in (left, right))
        # The bound for one stratum; for several as `saturation.tell` has it.
        cells = (k_x - 1) * (k_y - 1) * (1 if self.n_strata == 1 else 2 * self.n_strata)
        bound = math.log1p(cells / max(n_samples - 1, 1))
        return self.corrects and saturation.is_chance(0.0, (0.0, 0.0), bound)

    def is_saturated(self, left: int, right: int, value: float) -> bool:
        """Whether more than half of a value is chance, since its table has too few samples."""
        if not self.corrects:
            return False
        margins = self.margins(left, right)
        # A recount takes long, so that entropies and expectation below use the margins of this one.
        is_recounted = self._is_recounted(left, right)
        both = (
            self._entropies(left, right, margins) if is_recounted else self.entropies(left, right)
        )
        value *= float(self.average(*both)) if self.is_normalized else self.unit
        if sum(n for n, _, _ in margins) < saturation.FEWEST_SAMPLES:
            return False
        bound = saturation.bound_of_chance([(x, y) for _, x, y in margins])
        if not saturation.is_chance(value, both, bound):
            return False
        expected = self._expected_of(margins) if is_recounted else self.expected(left, right)
        return saturation.is_chance(value, both, expected)

    def present(self, feature: int) -> Array:
        """Whether a feature is present, for each sample that counts."""
        present: Array = self.codes(feature) < self.features.n_bins[feature]
        if self.weights is not None:
            present = present & (self.weights > 0)
        if self._stratum is not None and not self._is_everywhere:
            present = present & (self._stratum < self.n_strata)
        return present

    def cells(self, left: int, right: int) -> Cells:
        """The cells of a pair and the stratum that hold samples, in lexicographic order."""
        assert self._stratum is not None
        complete = np.flatnonzero(self._complete(left, right))
        n_bins, n_strata = int(self.features.n_bins[right]), self.n_strata
        x, y = (self.codes(feature)[complete].astype(np.int64) for feature in (left, right))
        weights = None if self.weights is None else self.weights[complete]
        numbers, counts = count_cells(
            (x * n_bins + y) * n_strata + self._stratum[complete],
            int(self.features.n_bins[left]) * n_bins * n_strata,
            weights,
        )
        pairs, stratum = np.divmod(numbers, n_strata)
        return Cells(*np.divmod(pairs, n_bins), stratum, counts, complete.size)

    def codes(self, feature: int) -> Array:
        """The codes of a feature on the host."""
        if feature in self._codes:
            return self._codes[feature]
        codes: Array = self.kernels.to_host(self.features.codes(feature))
        if self._bytes_of_codes + codes.nbytes <= MOST_CODES:
            self._codes[feature] = codes
            self._bytes_of_codes += codes.nbytes
        return codes

    def _is_recounted(self, left: int, right: int) -> bool:
        if self.weights is not None:
            return True
        return bool(self.features.has_missing[left] or self.features.has_missing[right])

    def _complete(self, left: int, right: int) -> Array:
        return np.asarray(self.present(left) & self.present(right))

    def _by_itself(self, feature: int) -> OfFeature:
        if feature not in self._alone:
            margins = self._margins(feature, self.present(feature))
            key = b"".join(np.append(np.sort(m), -1).tobytes() for m in margins)
            number = self._numbers.setdefault(key, len(self._numbers))
            self._alone[feature] = OfFeature(margins, self._entropy(feature, margins), number)
        return self._alone[feature]

    def _margins(self, feature: int, complete: Array) -> Sequence[Array]:
        """The number of samples, or the sum of weights, in the occupied bins in each stratum."""
        n_bins = int(self.features.n_bins[feature])
        weights = None if self.weights is None else self.weights[complete]
        bins = self.codes(feature)[complete]
        if self._stratum is None:
            counts = np.bincount(bins, weights)
            return [np.asarray(counts[counts > 0])]
        cells, counts = count_cells(
            self._stratum[complete] * n_bins + bins, n_bins * self.n_strata, weights
        )
        borders = np.searchsorted(cells, np.arange(1, self.n_strata) * n_bins)
        return np.split(counts, borders)

    def _entropies(self, left: int, right: int, margins: list[Margins]) -> tuple[float, float]:
        _, lefts, rights = zip(*margins, strict=True)
        return self._entropy(left, lefts), self._entropy(right, rights)

    def _entropy(self, feature: int, margins: Sequence[Array]) -> float:
        if self.is_conditional:
            return self._entropy_in_strata(margins)
        (margin,) = margins
        n_bins, has_edges = self.features.n_bins[feature], self.features.has_edges[feature]

        def n_cells() -> Any:
            chosen = entropies.ESTIMATORS[self.estimator].possible_values(0)
            return entropies.possible_cells(margin, n_bins, has_edges, self.reference, chosen)

        return float(entropies.entropy(margin, n_cells, self.estimator, self.reference))

    def _entropy_in_strata(self, margins: Sequence[Array]) -> float:
        """The entropy given the stratum, by a term as `Term.given` has it."""
        term = entropies.ESTIMATORS[self.estimator].term
        assert term is not None  # runs in strata take no other estimators
        sizes = np.array([margin.sum() for margin in margins if margin.size])
        if not sizes.size:
            return math.nan
        cells = np.concatenate([margin for margin in margins if margin.size])
        whole, parts = (term.given().sum(counts, self.reference) for counts in (sizes, cells))
        return float((whole - parts) / sizes.sum())

    def _expected_of(self, margins: list[Margins]) -> float:
        return expected_in_strata([(x, y) for _, x, y in margins])


def widest_pairs(judge: Judge, n_left: int) -> list[tuple[int, int]]:
    """The pairs of the columns with the most bins; ``n_left`` is 0 if there is no Y."""
    n_bins = judge.features.n_bins
    left, right = (
        (np.argsort(-side, kind="stable")[:WIDEST] + first).tolist()
        for side, first in ((n_bins[:n_left] if n_left else n_bins, 0), (n_bins[n_left:], n_left))
    )
    return list(product(left, right) if n_left else combinations(left, 2))


def count_cells(cells: Array, n_cells: int, weights: Array | None) -> tuple[Array, Array]:
    """The occupied of ``n_cells`` cells in increasing order, and how often each occurs.

    With weights, their sum in place of the number.
    """
    if n_cells > max(MOST_CELLS, 4 * cells.size):
        occupied, places = np.unique(cells, return_inverse=True)
        return occupied, np.bincount(places, weights, occupied.size)
    counts = np.bincount(cells, weights, n_cells)
    occupied = np.flatnonzero(counts > 0)
    return occupied, counts[occupied]
