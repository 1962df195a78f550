"""The cases of all pairs of the features of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import fastinfo
from bench import memory, peers
from bench.case import (
    ABSOLUTE_ERROR,
    CHECKED_PAIRS,
    RATE,
    RELATIVE_ERROR,
    Case,
    Contender,
    Measure,
    Target,
    two_cores,
)
from bench.peers import Array, BitCounts, PairValues
from fastinfo.backends import choose
from fastinfo.inputs import arguments, bin_arguments
from fastinfo.pairs import features, plan


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


def check_top(data: Table, answer: memory.Measured) -> None:
    """Values of strong pairs, in order, and that pairs drawn at random are no stronger."""
    left, right, values = (np.array(side) for side in zip(*answer.pairs, strict=True))
    check_table(data, PairValues(left, right, values))
    assert (np.diff(values) <= 0).all()
    found = set(zip(left.tolist(), right.tolist(), strict=True))
    for i, j in zip(data.left.tolist(), data.right.tolist(), strict=True):
        if (min(i, j), max(i, j)) not in found:
            assert peers.reference_information(data.counts(i, j)) <= values[-1] + ABSOLUTE_ERROR


def _matrix(n_jobs: int = 1) -> Callable[[Table], Any]:
    return lambda d: fastinfo.pairwise_mutual_information(d.X, n_jobs=n_jobs)


def _count_tiles(data: Table) -> TileCounts:
    """Counts of all pairs, which are dropped as they come but for the last tile's."""
    kernels = choose()
    m, n = data.X.shape[1], data.X.shape[0]
    packed = kernels.pack(list(data.X.T), [data.n_bins] * m)
    for tile in plan.Plan([data.n_bins] * m, None, n, plan.TILE_CELLS).tiles:
        counts = kernels.count_pairs(packed, tile.left, packed, tile.right)
    return TileCounts(tile.left, tile.right, np.asarray(counts))


def _counts_of_a_tile(data: Table) -> TileCounts:
    columns = list(data.X[:, :6].T)
    kernels = choose()
    packed = kernels.pack(columns, [data.n_bins] * len(columns))
    side = slice(0, len(columns))
    return TileCounts(side, side, np.asarray(kernels.count_pairs(packed, side, packed, side)))


BIT_ROWS, BIT_ROW_BYTES, BIT_REPETITIONS = 2, 4096, 2000


def _count_bits(data: Table) -> BitCounts:
    shape = (2 * BIT_ROWS, BIT_ROW_BYTES)
    rows = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return peers.and_popcount(rows, BIT_REPETITIONS)


def _bits_of_cells(m: int, n: int, B: int) -> int:
    """Bits to AND and count where each cell of each pair is counted by itself."""
    return sample_pairs(m, n, B) * B * B


def _share_of_bits(data: Table) -> float:
    n, m = data.X.shape
    n_bits = BIT_ROWS**2 * 8 * BIT_ROW_BYTES * BIT_REPETITIONS
    return n_bits / _bits_of_cells(m, n, data.n_bins)


def _quantiles(data: Table) -> str:
    return f"quantile:{data.n_bins}"


def _bin_table(data: Table) -> list[Array]:
    """All that comes before the tiles: checks, edges and codes."""
    columns = arguments.features(data.X, "X")
    groups, rules = bin_arguments.bin_rules(_quantiles(data), [columns])
    return features.encode(groups, rules, choose(), n_jobs=1, refuse=True).rows()


def _matrix_of_part(features: int, samples: int) -> Callable[[Table], OfPart]:
    """The matrix of a table with so many times fewer features and samples."""

    def call(data: Table) -> OfPart:
        part = data.part(data.X.shape[1] // features, data.X.shape[0] // samples)
        return OfPart(part, _matrix()(part))

    return call


def _top_in_a_process(data: Table) -> memory.Measured:
    return memory.top_pairs(data.X, k=min(100, data.n_pairs // 4))


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

THOUSAND = {"m": 1000, "n": 10_000, "B": 16}


CASES = (
    Case(
        name="all-pairs-uint8",
        title="all pairs of {m} features, uint8 codes, {B} bins, n = {n}",
        make=many_codes,
        contenders=(
            Contender("fastinfo", _matrix()),
            Contender(
                "loop over sklearn.metrics.mutual_info_score",
                lambda d: peers.scikit_learn_loop(d.X, d.left, d.right),
                share=lambda d: d.left.size / d.n_pairs,
            ),
            Contender(
                "one-hot float32 product in NumPy",
                lambda d: peers.one_hot_product(d.X, d.left_block, d.right_block, d.n_bins),
                share=lambda d: d.left_block.size * d.right_block.size / d.n_pairs,
            ),
        ),
        check=check_table,
        error=table_error,
        roofline=ROOFLINE,
        also=(_counts_of_a_tile,),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 16}],
            "default": [THOUSAND],
            "full": [{"m": m, "n": 10_000, "B": 16} for m in (200, 500, 1000)],
        },
        work=sample_pairs,
        unit="sample-pairs",
        targets=(
            Target("loop over sklearn.metrics.mutual_info_score", THOUSAND, at_least=1000),
            Target("one-hot float32 product in NumPy", THOUSAND, at_least=20),
        ),
    ),
    Case(
        name="all-pairs-counts",
        title="counts of all pairs of {m} features, {B} bins, n = {n}",
        make=many_codes,
        contenders=(
            Contender("fastinfo, pack and count_pairs", _count_tiles),
            Contender(
                f"AND + POPCNT of {BIT_ROWS}² rows of bits in L1, for each cell",
                _count_bits,
                share=_share_of_bits,
                steps=_bits_of_cells,
                step="bit",
            ),
        ),
        check=check_bits_or_table,
        roofline=ROOFLINE,
        also=(_counts_of_a_tile,),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 16}],
            "default": [THOUSAND],
            "full": [THOUSAND],
        },
        work=sample_pairs,
        unit="sample-pairs",
        targets=(Target(RATE, THOUSAND, at_least=20e9),),
    ),
    Case(
        name="all-pairs-genotypes",
        title="all pairs of {m} genotypes, {B} bins, n = {n}",
        make=genotypes,
        contenders=(Contender("fastinfo", _matrix()),),
        check=check_table,
        error=table_error,
        roofline=ROOFLINE,
        also=(_counts_of_a_tile,),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 3}],
            "default": [{"m": 5000, "n": 10_000, "B": 3}],
            "full": [{"m": 5000, "n": 10_000, "B": 3}],
        },
        work=sample_pairs,
        unit="sample-pairs",
        targets=(Target(RATE, {"m": 5000, "n": 10_000, "B": 3}, at_least=80e9),),
    ),
    Case(
        name="all-pairs-sparse",
        title="all pairs of {m} features, {B} bins with 5% ones, n = {n}",
        make=sparse_bits,
        contenders=(Contender("fastinfo", _matrix()),),
        check=check_table,
        error=table_error,
        roofline=ROOFLINE,
        also=(_counts_of_a_tile,),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 2}],
            "default": [{"m": 2000, "n": 10**5, "B": 2}],
            "full": [{"m": 2000, "n": 10**5, "B": 2}],
        },
        work=sample_pairs,
        unit="sample-pairs",
        targets=(Target(RATE, {"m": 2000, "n": 10**5, "B": 2}, at_least=300e9),),
    ),
    Case(
        name="all-pairs-many-bins",
        title="all pairs of {m} features, uint8 codes, {B} bins, n = {n}",
        make=many_codes,
        contenders=(Contender("fastinfo", _matrix()),),
        check=check_table,
        error=table_error,
        roofline=ROOFLINE,
        also=(_counts_of_a_tile,),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": B} for B in (64, 200)],
            "default": [{"m": 500, "n": 10_000, "B": B} for B in (64, 200)],
            "full": [{"m": 500, "n": 10_000, "B": B} for B in (64, 200)],
        },
        work=sample_pairs,
        unit="sample-pairs",
        targets=tuple(
            Target(RATE, {"m": 500, "n": 10_000, "B": B}, at_least=1.5e9) for B in (64, 200)
        ),
    ),
    Case(
        name="all-pairs-float64",
        title="all pairs of {m} features, float64 → {B} quantile bins, n = {n}",
        make=many_floats,
        contenders=(
            Contender(
                "fastinfo",
                lambda d: fastinfo.pairwise_mutual_information(d.X, bins=_quantiles(d), n_jobs=1),
            ),
            Contender("fastinfo, binning alone", _bin_table),
        ),
        check=check_codes_or_table,
        error=table_error,
        also=(),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 16}],
            "default": [THOUSAND],
            "full": [THOUSAND],
        },
        work=sample_pairs,
        unit="sample-pairs",
        targets=(Target("fastinfo, binning alone", THOUSAND, at_most=0.15),),
    ),
    Case(
        name="all-pairs-two-threads",
        title="all pairs of {m} features, uint8 codes, {B} bins, n = {n}, two threads",
        make=many_codes,
        contenders=(
            Contender("fastinfo, 2 threads", _matrix(2), threads=2),
            Contender("fastinfo, 1 thread", _matrix(1)),
        ),
        check=check_table,
        error=table_error,
        roofline=ROOFLINE,
        also=(),
        sizes={
            "smoke": [{"m": 100, "n": 1000, "B": 16}],
            "default": [{"m": 2000, "n": 10_000, "B": 16}],
            "full": [{"m": 2000, "n": 10_000, "B": 16}],
        },
        work=sample_pairs,
        unit="sample-pairs",
        targets=(Target("fastinfo, 1 thread", {"m": 2000, "n": 10_000, "B": 16}, at_least=1.8),),
        needs=two_cores,
    ),
    Case(
        name="all-pairs-features-doubled",
        title="all pairs of {m} features, uint8 codes, {B} bins, n = {n}",
        make=many_codes,
        contenders=(
            Contender("fastinfo", _matrix()),
            Contender(
                "fastinfo, half of the features", _matrix_of_part(2, 1), share=lambda d: 1 / 4
            ),
        ),
        check=check_table,
        error=table_error,
        roofline=ROOFLINE,
        also=(),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 16}],
            "default": [{"m": m, "n": 10_000, "B": 16} for m in (1000, 2000)],
            "full": [{"m": m, "n": 10_000, "B": 16} for m in (1000, 2000, 4000)],
        },
        work=sample_pairs,
        unit="sample-pairs",
        targets=tuple(
            Target(
                "fastinfo, half of the features",
                {"m": m, "n": 10_000, "B": 16},
                at_least=1 / 1.1,
                at_most=1 / 0.9,
            )
            for m in (1000, 2000)
        ),
    ),
    Case(
        name="all-pairs-samples-doubled",
        title="all pairs of {m} features, uint8 codes, {B} bins, n = {n}",
        make=many_codes,
        contenders=(
            Contender("fastinfo", _matrix()),
            Contender(
                "fastinfo, half of the samples", _matrix_of_part(1, 2), share=lambda d: 1 / 2
            ),
        ),
        check=check_table,
        error=table_error,
        roofline=ROOFLINE,
        also=(),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 16}],
            "default": [{"m": 500, "n": n, "B": 16} for n in (20_000, 40_000)],
            "full": [{"m": 500, "n": n, "B": 16} for n in (20_000, 40_000, 80_000)],
        },
        work=sample_pairs,
        unit="sample-pairs",
        targets=tuple(
            Target("fastinfo, half of the samples", {"m": 500, "n": n, "B": 16}, at_least=1 / 1.1)
            for n in (20_000, 40_000)
        ),
    ),
    Case(
        name="top-pairs-memory",
        title="100 strongest pairs of {m} features, {B} bins, n = {n}, in a process of its own",
        make=many_codes,
        contenders=(Contender("fastinfo", _top_in_a_process),),
        check=check_top,
        also=(),
        sizes={
            "smoke": [{"m": 40, "n": 500, "B": 16}],
            "default": [{"m": 20_000, "n": 2000, "B": 16}],
            "full": [{"m": 20_000, "n": 2000, "B": 16}],
        },
        work=sample_pairs,
        unit="sample-pairs",
        measures={"peak extra memory": Measure("B", lambda answer: answer.extra_bytes)},
        targets=(Target("peak extra memory", {"m": 20_000, "n": 2000, "B": 16}, at_most=1e9),),
        needs=memory.cannot_be_read,
    ),
)
