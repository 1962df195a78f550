"""Tables of features, the answers about their pairs, and how these are judged.

The cases of all pairs, of backends, of other libraries and of statistics share them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from bench import peers
from bench.case import ABSOLUTE_ERROR, CHECKED_PAIRS, RELATIVE_ERROR
from bench.peers import Array, BitCounts, PairValues


class Table:
    """Samples of many features, and the pairs that limited contenders are timed on."""

    looped, block = 20, 100

    def __init__(self, X: Array, n_bins: int, is_binned: bool = True) -> None:
        self.X, self.n_bins, self.is_binned = X, n_bins, is_binned
        self.nbytes = X.nbytes
        m = X.shape[1]
        rng = np.random.default_rng(m)
        self.left = rng.integers(0, m, self.looped)
        self.right = (self.left + rng.integers(1, m, self.looped)) % m
        features = rng.permutation(m)
        block = min(self.block, m // 2)
        self.left_block, self.right_block = features[:block], features[block : 2 * block]

    @property
    def n_pairs(self) -> int:
        """Pairs to be measured: those of different features, and each with itself."""
        m = self.X.shape[1]
        return m * (m + 1) // 2

    def part(self, m: int, n: int) -> Table:
        """The first features and samples."""
        return Table(self.X[:n, :m], self.n_bins, self.is_binned)

    def codes(self, feature: int) -> Array:
        """Codes of a feature as the reference has them."""
        samples = self.X[:, feature]
        return samples if self.is_binned else peers.reference_quantile_codes(samples, self.n_bins)

    def counts(self, i: int, j: int) -> Array:
        """Counts of two features by the reference."""
        return peers.reference_counts(self.codes(i), self.codes(j), self.n_bins)


def many_codes(m: int, n: int, B: int) -> Table:
    """Features that follow one of a few hidden ones, more or less closely."""
    rng = np.random.default_rng(m)
    hidden = rng.integers(0, B, (n, max(m // 20, 1)), dtype=np.uint8)
    X = np.asfortranarray(hidden[:, rng.integers(0, hidden.shape[1], m)])
    for column, noise in zip(X.T, rng.uniform(0, 1, m), strict=True):
        replaced = rng.random(n) < noise
        column[replaced] = rng.integers(0, B, int(replaced.sum()), dtype=np.uint8)
    return Table(X, B)


def genotypes(m: int, n: int, B: int) -> Table:
    """Two alleles each, under Hardy–Weinberg, of frequencies uniform between 5% and 50%."""
    rng = np.random.default_rng(m)
    X = np.empty((n, m), np.uint8, order="F")
    for column, frequency in zip(X.T, rng.uniform(0.05, 0.5, m), strict=True):
        column[:] = rng.binomial(B - 1, frequency, n)
    return Table(X, B)


def sparse_bits(m: int, n: int, B: int) -> Table:
    """Zeros, and 5% ones."""
    rng = np.random.default_rng(m)
    X = np.empty((n, m), np.uint8, order="F")
    for column in X.T:
        column[:] = rng.random(n, dtype=np.float32) < 0.05
    return Table(X, B)


def many_floats(m: int, n: int, B: int) -> Table:
    """Normal variables, as a table comes: samples in rows."""
    return Table(np.random.default_rng(m).standard_normal((n, m)), B, is_binned=False)


class TileCounts(NamedTuple):
    """Counts of pairs of two ranges of features."""

    left: slice
    right: slice
    counts: Array


class OfPart(NamedTuple):
    """An answer about another table."""

    table: Table
    answer: Any


def check_table(data: Table, answer: Any) -> None:
    """Some pairs of an answer against the reference, counts too where they are what came."""
    if isinstance(answer, OfPart):
        data, answer = answer
    rng = np.random.default_rng(0)
    if isinstance(answer, TileCounts):
        for _ in range(CHECKED_PAIRS):
            i, j = (int(rng.integers(0, extent)) for extent in answer.counts.shape[:2])
            expected = data.counts(answer.left.start + i, answer.right.start + j)
            np.testing.assert_array_equal(answer.counts[i, j], expected)
        return
    if isinstance(answer, np.ndarray):
        assert answer.shape == (data.X.shape[1],) * 2
        np.testing.assert_array_equal(answer, answer.T)
        left, right = rng.integers(0, data.X.shape[1], (2, CHECKED_PAIRS))
        answer = PairValues(left, right, answer[left, right])
    chosen = rng.choice(answer.values.size, min(CHECKED_PAIRS, answer.values.size), replace=False)
    for k in chosen:
        expected = peers.reference_information(
            data.counts(int(answer.left[k]), int(answer.right[k]))
        )
        np.testing.assert_allclose(
            answer.values[k], expected, rtol=RELATIVE_ERROR, atol=ABSOLUTE_ERROR
        )


def table_error(data: Table, answer: Any) -> float | None:
    """The largest relative error of some pairs of a matrix or of a list; of nothing else.

    Of pairs with next to no information none is asked for: their error is one of the entropies.
    """
    if isinstance(answer, np.ndarray) and answer.ndim == 2:
        left, right = np.random.default_rng(2).integers(0, data.X.shape[1], (2, CHECKED_PAIRS))
        answer = PairValues(left, right, answer[left, right])
    if not isinstance(answer, PairValues):
        return None
    errors = []
    for i, j, value in list(zip(*answer, strict=True))[:CHECKED_PAIRS]:
        expected = peers.reference_information(data.counts(int(i), int(j)))
        if expected > 1e-3:
            errors.append(abs(float(value) / expected - 1))
    return max(errors, default=None)


def check_bits_or_table(data: Table, answer: Any) -> None:
    """The bits that rows have in common, counted by NumPy; else as `check_table`."""
    if not isinstance(answer, BitCounts):
        check_table(data, answer)
        return
    left, right = answer.rows[:2, None], answer.rows[None, 2:]
    expected = np.bitwise_count(left & right).sum(axis=-1, dtype=np.int64)
    np.testing.assert_array_equal(answer.counts, expected * answer.repetitions)


def check_codes_or_table(data: Table, answer: Any) -> None:
    """Codes of some features, where they are what came; else as `check_table`."""
    if not isinstance(answer, list):
        check_table(data, answer)
        return
    for feature in np.random.default_rng(0).integers(0, len(answer), CHECKED_PAIRS):
        np.testing.assert_array_equal(answer[feature], data.codes(int(feature)))


def check_top(data: Table, pairs: Sequence[tuple[int, int, float]]) -> None:
    """Values of strong pairs, in order, and that pairs drawn at random are no stronger."""
    left, right, values = (np.array(side) for side in zip(*pairs, strict=True))
    check_table(data, PairValues(left, right, values))
    assert (np.diff(values) <= 0).all()
    found = set(zip(left.tolist(), right.tolist(), strict=True))
    for i, j in zip(data.left.tolist(), data.right.tolist(), strict=True):
        if (min(i, j), max(i, j)) not in found:
            assert peers.reference_information(data.counts(i, j)) <= values[-1] + ABSOLUTE_ERROR


def sample_pairs(m: int, n: int, B: int) -> int:
    """Pairs of samples to be counted, features with themselves included."""
    return m * (m + 1) // 2 * n


MOST_ROWS = 64
"""Bins up to which rows of bits are the way to count, by about; beyond, increments of cells are."""

ROOFLINE: dict[str, Callable[..., float]] = {
    # Of each feature's bins but one, a row of bits is joined with those samples of the other
    # feature that are not in its largest bin.
    "bits": lambda m, n, B: sample_pairs(m, n, B) * (B - 1) ** 2 / B if B <= MOST_ROWS else 0.0,
    "increments": lambda m, n, B: sample_pairs(m, n, B) if B > MOST_ROWS else 0.0,
}
