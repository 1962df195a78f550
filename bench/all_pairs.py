"""The cases of all pairs of the features of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import fastinfo
from bench import memory, peers
from bench.case import (
    RATE,
    Case,
    Contender,
    Measure,
    Target,
    two_cores,
)
from bench.peers import Array, BitCounts
from bench.wide_tables import (
    ROOFLINE,
    OfPart,
    Table,
    TileCounts,
    check_bits_or_table,
    check_codes_or_table,
    check_table,
    check_top,
    genotypes,
    many_codes,
    many_floats,
    sample_pairs,
    sparse_bits,
    table_error,
)
from fastinfo.backends import choose
from fastinfo.inputs import arguments, bin_arguments
from fastinfo.pairs import features, plan


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


def _k(data: Table) -> int:
    return min(100, data.n_pairs // 4)


def _top_in_a_process(data: Table) -> memory.Measured:
    return memory.top_pairs(data.X, k=_k(data))


THOUSAND = {"m": 1000, "n": 10_000, "B": 16}
GENES = {"m": 20_000, "n": 10_000, "B": 16}


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
        roofline=ROOFLINE,
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
        name="top-pairs-two-threads",
        title="100 strongest pairs of {m} features, {B} bins, n = {n}, two threads",
        make=many_codes,
        contenders=(
            Contender("fastinfo", lambda d: fastinfo.top_pairs(d.X, k=_k(d), n_jobs=2), threads=2),
        ),
        check=check_top,
        roofline=ROOFLINE,
        also=(),
        sizes={
            "smoke": [{"m": 40, "n": 500, "B": 16}],
            "default": [GENES],
            "full": [GENES],
        },
        work=sample_pairs,
        unit="sample-pairs",
        targets=(Target(RATE, GENES, at_least=sample_pairs(**GENES) / 60),),
        needs=two_cores,
    ),
    Case(
        name="top-pairs-memory",
        title="100 strongest pairs of {m} features, {B} bins, n = {n}, in a process of its own",
        make=many_codes,
        contenders=(Contender("fastinfo", _top_in_a_process),),
        check=lambda data, answer: check_top(data, answer.pairs),
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
