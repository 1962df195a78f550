"""What the value of a pair is worth: its samples, its entropies, and what chance alone gives."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from fastinfo import formulas
from fastinfo.backends import choose
from fastinfo.backends.contract import Kernels
from fastinfo.estimators import entropies
from fastinfo.estimators.chance import expected_information
from fastinfo.measures import saturation
from fastinfo.pairs.features import Features

Array = np.ndarray[Any, Any]

FEWEST_SAMPLES = 30
"""Pairs with fewer samples are not ranked by default, unless the table is small itself."""

ROUNDING = 1e-12
"""Of a value, what is left when chance is taken off and means nothing."""

MOST_CODES = 1 << 28
"""Bytes of codes that are kept on the host, for features whose pairs are counted again."""


def least_samples(n_rows: int) -> int:
    """Samples that a pair needs to be ranked, where the caller does not say."""
    return max(min(FEWEST_SAMPLES, n_rows // 2), 1)


class Margins(NamedTuple):
    """Two features over the samples in which both are present."""

    n_samples: int
    left: Array
    """Samples, or weights, in each occupied bin."""
    right: Array


class Judge:
    """Says of pairs of features what can be known from their margins.

    The margins of features without a missing sample are the same in every pair; those of others are
    counted again for each pair that is asked for. Expectations are kept by the margins that they
    depend on: bins of equal frequency have the same ones for all columns without ties.

    Parameters
    ----------
    unit : float
        Nats of one unit of the values that it is asked about.
    average : str, optional
        The average of the entropies that values are shares of, where they are normalized.
    """

    def __init__(
        self,
        features: Features,
        kernels: Kernels,
        weights: Any,
        estimator: str,
        unit: float = 1.0,
        average: str | None = None,
    ) -> None:
        self.features = features
        self.kernels = kernels
        self.weights = None if weights is None else kernels.to_host(weights)
        self.estimator = estimator
        self.unit = unit
        self.is_normalized = average is not None
        self.average = formulas.AVERAGES[average or "arithmetic"]
        self._reference = choose("numpy")
        self._numbers: dict[bytes, int] = {}
        self._alone: dict[int, tuple[Margins, float, int]] = {}
        self._expected: dict[tuple[int, int], float] = {}
        self._n_present: dict[int, int] = {}
        self._codes: dict[int, Array] = {}
        self._bytes_of_codes = 0

    @property
    def corrects(self) -> bool:
        """Whether chance can be taken off: not from sums of weights, nor from what is corrected."""
        return self.weights is None and entropies.ESTIMATORS[self.estimator].is_plug_in

    def n_present(self, feature: int) -> int:
        """Samples of one feature."""
        if feature not in self._n_present:
            is_complete = self.weights is None and not self.features.has_missing[feature]
            codes = self.features.codes(feature)
            found = codes.size if is_complete else int(self._present(feature).sum())
            self._n_present[feature] = found
        return self._n_present[feature]

    def n_occupied(self, feature: int) -> int:
        """Bins of one feature that hold a sample."""
        return int(self._by_itself(feature)[0].left.size)

    def n_samples(self, left: int, right: int) -> int:
        """Samples in which both features are present."""
        if not self._is_recounted(left, right):
            return self.n_present(left)
        return int(self._complete(left, right).sum())

    def margins(self, left: int, right: int) -> Margins:
        """Margins of a pair."""
        if not self._is_recounted(left, right):
            (of_left, _, _), (of_right, _, _) = self._by_itself(left), self._by_itself(right)
            return Margins(of_left.n_samples, of_left.left, of_right.left)
        complete = self._complete(left, right)
        return Margins(
            int(complete.sum()), self._margin(left, complete), self._margin(right, complete)
        )

    def entropies(self, left: int, right: int) -> tuple[float, float]:
        """Entropies of both features over the samples of the pair, in nats."""
        if not self._is_recounted(left, right):
            return self._by_itself(left)[1], self._by_itself(right)[1]
        _, x, y = self.margins(left, right)
        return self._entropy(left, x), self._entropy(right, y)

    def scale(self, left: int, right: int) -> float:
        """Nats of one unit of the value of a pair."""
        return self._shared(left, right) if self.is_normalized else self.unit

    def _shared(self, left: int, right: int) -> float:
        """The average of the entropies that normalized information is a share of."""
        return float(self.average(*self.entropies(left, right)))

    def corrected(self, left: int, right: int, value: float) -> float:
        """A value less what chance gives; the value itself where chance is not taken off."""
        if not self.corrects:
            return value
        scale = self.scale(left, right)
        # Two constants share everything by convention, and nothing of interest.
        rest = value - self.expected(left, right) / scale if scale > 0 else 0.0
        # Of labels that all differ, all is chance; what is left of it is rounding.
        return 0.0 if abs(rest) < ROUNDING * value else rest

    def share(self, left: int, right: int, value: float) -> float:
        """Normalized information; at most 1, which rounding may pass."""
        if self.is_normalized:
            return value
        return _share(value * self.unit, self._shared(left, right))

    def share_of_left(self, left: int, right: int, value: float) -> float:
        """The value as a share of the left feature's entropy."""
        return _share(value * self.scale(left, right), self.entropies(left, right)[0])

    def expected(self, left: int, right: int) -> float:
        """Information that chance alone gives, in nats."""
        if self._is_recounted(left, right):
            _, x, y = self.margins(left, right)
            return expected_information(x, y)
        (of_left, _, a), (of_right, _, b) = self._by_itself(left), self._by_itself(right)
        key = (min(a, b), max(a, b))
        if key not in self._expected:
            self._expected[key] = expected_information(of_left.left, of_right.left)
        return self._expected[key]

    def may_be_saturated(self, left: int, right: int) -> bool:
        """Whether a pair could have too few samples, by numbers of bins and of missing samples."""
        # A feature without a sample has no bin at all.
        k_x, k_y = (max(int(self.features.n_bins[feature]), 1) for feature in (left, right))
        n_samples = self.features.codes(left).size
        # What one lacks the other may have: so many both have at least.
        n_samples -= sum(n_samples - self.n_present(feature) for feature in (left, right))
        bound = math.log1p((k_x - 1) * (k_y - 1) / max(n_samples - 1, 1))
        return self.corrects and saturation.is_chance(0.0, (0.0, 0.0), bound)

    def is_saturated(self, left: int, right: int, value: float) -> bool:
        """Whether more than half of a value is chance, of a table with too few samples."""
        if not self.corrects:
            return False
        n_samples, x, y = self.margins(left, right)
        is_recounted = self._is_recounted(left, right)  # which takes long, and once is enough
        both = (
            (self._entropy(left, x), self._entropy(right, y))
            if is_recounted
            else self.entropies(left, right)
        )
        value *= float(self.average(*both)) if self.is_normalized else self.unit
        if not saturation.may_be_chance(value, both, (n_samples, x.size, y.size)):
            return False
        expected = expected_information(x, y) if is_recounted else self.expected(left, right)
        return saturation.is_chance(value, both, expected)

    def _is_recounted(self, left: int, right: int) -> bool:
        if self.weights is not None:
            return True
        return bool(self.features.has_missing[left] or self.features.has_missing[right])

    def _by_itself(self, feature: int) -> tuple[Margins, float, int]:
        """Margins of a feature with itself, its entropy, and a number of its margin."""
        if feature not in self._alone:
            margin = self._margin(feature, self._present(feature))
            key = np.sort(margin).tobytes()
            number = self._numbers.setdefault(key, len(self._numbers))
            margins = Margins(self.n_present(feature), margin, margin)
            self._alone[feature] = margins, self._entropy(feature, margin), number
        return self._alone[feature]

    def _margin(self, feature: int, complete: Array) -> Array:
        weights = None if self.weights is None else self.weights[complete]
        counts = np.bincount(self._of(feature)[complete], weights)
        return np.asarray(counts[counts > 0])

    def _entropy(self, feature: int, margin: Array) -> float:
        n_bins, has_edges = self.features.n_bins[feature], self.features.has_edges[feature]

        def n_cells() -> Any:
            return entropies.possible_cells(margin, n_bins, has_edges, self._reference)

        return float(entropies.entropy(margin, n_cells, self.estimator, self._reference))

    def _complete(self, left: int, right: int) -> Array:
        return np.asarray(self._present(left) & self._present(right))

    def _present(self, feature: int) -> Array:
        present: Array = self._of(feature) < self.features.n_bins[feature]
        return present if self.weights is None else present & (self.weights > 0)

    def _of(self, feature: int) -> Array:
        if feature in self._codes:
            return self._codes[feature]
        codes: Array = self.kernels.to_host(self.features.codes(feature))
        if self._bytes_of_codes + codes.nbytes <= MOST_CODES:
            self._codes[feature] = codes
            self._bytes_of_codes += codes.nbytes
        return codes


def _share(part: float, whole: float) -> float:
    return min(part / whole, 1.0) if whole > 0 else 0.0
