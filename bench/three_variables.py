"""The cases of all pairs of features and a third variable."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import fastinfo
from bench import peers
from bench.case import ABSOLUTE_ERROR, CHECKED_PAIRS, RATE, RELATIVE_ERROR, Case, Contender, Target
from bench.peers import Array, PairValues
from bench.wide_tables import Table, genotypes, many_codes

Reduce = Callable[[Array, Array], Array]
"""From counts in all samples and counts in strata, each ``(…, B, B)``, to what is measured."""


class TableAndThird(NamedTuple):
    """Features, and a third variable with the codes 0 … S − 1."""

    table: Table
    third: Array

    @property
    def n_strata(self) -> int:
        """S."""
        return int(self.third.max()) + 1

    def counts(self, i: int, j: int) -> Array:
        """Counts of two features in each stratum, ``(S, B, B)``, by the reference."""
        x, y, n_bins = self.table.codes(i), self.table.codes(j), self.table.n_bins
        chosen = [self.third == stratum for stratum in range(self.n_strata)]
        return np.stack([peers.reference_counts(x[own], y[own], n_bins) for own in chosen])


def codes_in_strata(m: int, n: int, B: int, S: int) -> TableAndThird:
    """Features that follow hidden ones, and a third variable that follows one of them."""
    table = many_codes(m, n, B)
    rng = np.random.default_rng(S)
    follows = rng.random(n) < 0.5
    third = np.where(follows, table.X[:, 0] % S, rng.integers(0, S, n)).astype(np.uint8)
    return TableAndThird(table, third)


def cases_and_controls(m: int, n: int, B: int, S: int) -> TableAndThird:
    """Genotypes, and a class that two of them tell together."""
    table = genotypes(m, n, B)
    rng = np.random.default_rng(S)
    odd = (table.X[:, 0] + table.X[:, 1]) % 2
    third = np.where(rng.random(n) < 0.2, odd, rng.integers(0, S, n)).astype(np.uint8)
    return TableAndThird(table, third)


# --- the reference ---------------------------------------------------------------------------


def reference_conditional(counts: Array) -> float:
    """The mean of the information in each stratum, by its samples."""
    n = int(counts.sum())
    parts = [(int(own.sum()), own) for own in counts if own.any()]
    return math.fsum(size / n * peers.reference_information(own) for size, own in parts)


def reference_interaction(counts: Array) -> tuple[float, float]:
    """What both tell about the stratum, and how much more that is than what each tells."""
    by_stratum = [counts.reshape(len(counts), -1), counts.sum(axis=2), counts.sum(axis=1)]
    both, left, right = map(peers.reference_information, by_stratum)
    return both, both - left - right


def check_conditional(data: TableAndThird, answer: Any) -> None:
    """Some pairs of an answer against the reference."""
    for i, j, value in _some(data, answer):
        expected = reference_conditional(data.counts(i, j))
        np.testing.assert_allclose(value, expected, rtol=RELATIVE_ERROR, atol=ABSOLUTE_ERROR)


def check_synergy(data: TableAndThird, answer: Any) -> None:
    """Synergies of some pairs of an answer, and what both tell, against the reference."""
    if isinstance(answer, fastinfo.PairwiseInteraction):
        for i, j, value in _some(data, answer.value):
            both, _ = reference_interaction(data.counts(i, j))
            np.testing.assert_allclose(value, both, rtol=RELATIVE_ERROR, atol=ABSOLUTE_ERROR)
        answer = answer.synergy
    for i, j, value in _some(data, answer):
        _, expected = reference_interaction(data.counts(i, j))
        np.testing.assert_allclose(value, expected, rtol=RELATIVE_ERROR, atol=2 * ABSOLUTE_ERROR)


def _some(data: TableAndThird, answer: Any) -> list[tuple[int, int, float]]:
    rng = np.random.default_rng(0)
    if isinstance(answer, np.ndarray):
        m = data.table.X.shape[1]
        assert answer.shape == (m, m)
        np.testing.assert_array_equal(answer, answer.T)
        left, right = rng.integers(0, m, (2, CHECKED_PAIRS))
        return [(int(i), int(j), float(answer[i, j])) for i, j in zip(left, right, strict=True)]
    chosen = rng.choice(answer.values.size, min(CHECKED_PAIRS, answer.values.size), replace=False)
    return [(int(answer.left[k]), int(answer.right[k]), float(answer.values[k])) for k in chosen]


# --- peers ---------------------------------------------------------------------------


def loop(reduce: Reduce) -> Callable[[TableAndThird], PairValues]:
    """A loop over some pairs of columns, each counted by `numpy.bincount`."""

    def call(data: TableAndThird) -> PairValues:
        (X, n_bins, left, right), S = _parts(data), data.n_strata
        shape, values = (S, n_bins, n_bins), []
        for i, j in zip(left, right, strict=True):
            cells = (data.third.astype(np.intp) * n_bins + X[:, i]) * n_bins + X[:, j]
            counts = np.bincount(cells, minlength=math.prod(shape)).reshape(shape)
            values.append(reduce(counts.sum(axis=0), counts))
        return PairValues(left, right, np.array(values))

    return call


def one_hot_product(reduce: Reduce) -> Callable[[TableAndThird], PairValues]:
    """Every pair of two blocks of columns: counts by one matrix product for each stratum."""

    def call(data: TableAndThird) -> PairValues:
        X, n_bins, _, _ = _parts(data)
        left, right = data.table.left_block, data.table.right_block
        shape, parts = (left.size, n_bins, right.size, n_bins), []
        for stratum in range(data.n_strata):
            own = X[data.third == stratum]
            a, b = peers.one_hot(own[:, left], n_bins), peers.one_hot(own[:, right], n_bins)
            parts.append((a.T @ b).reshape(shape).transpose(0, 2, 1, 3).astype(np.float64))
        counts = np.stack(parts)
        rows, columns = np.meshgrid(left, right, indexing="ij")
        values = reduce(counts.sum(axis=0), counts)
        return PairValues(rows.ravel(), columns.ravel(), values.ravel())

    return call


def _parts(data: TableAndThird) -> tuple[Array, int, Array, Array]:
    table = data.table
    return table.X, table.n_bins, table.left, table.right


def information(counts: Array) -> Array:
    """n·I(X;Y) of counts ``(…, B, B)``, in nats."""
    tables = counts.reshape(*counts.shape[:-2], -1), counts.sum(axis=-1), counts.sum(axis=-2)
    n = tables[0].sum(axis=-1)
    joint, left, right, whole = (
        (table * np.log(np.maximum(table, 1))).sum(axis=-1) for table in (*tables, n[..., None])
    )
    return np.asarray(joint - left - right + whole)


def conditional_of(pooled: Array, strata: Array) -> Array:
    """I(X;Y|Z)."""
    n = pooled.sum(axis=(-2, -1))
    return np.asarray(information(strata).sum(axis=0) / n)


def synergy_of(pooled: Array, strata: Array) -> Array:
    """I(X;Y|C) − I(X;Y)."""
    n = pooled.sum(axis=(-2, -1))
    return np.asarray((information(strata).sum(axis=0) - information(pooled)) / n)


# --- the cases ---------------------------------------------------------------------------


def _share_of_loop(data: TableAndThird) -> float:
    return data.table.left.size / data.table.n_pairs


def _share_of_blocks(data: TableAndThird) -> float:
    return data.table.left_block.size * data.table.right_block.size / data.table.n_pairs


def _sample_pairs(m: int, n: int, B: int, S: int) -> int:
    return m * (m + 1) // 2 * n


def _conditional(data: TableAndThird) -> Any:
    return fastinfo.pairwise_conditional_mutual_information(
        data.table.X, given=data.third, n_jobs=1
    )


def _unconditional(data: TableAndThird) -> None:
    """Timed and not checked here: the case of all pairs without a third variable checks it."""
    fastinfo.pairwise_mutual_information(data.table.X, n_jobs=1)


def _check_if_conditional(data: TableAndThird, answer: Any) -> None:
    if answer is not None:
        check_conditional(data, answer)


def _interaction(data: TableAndThird) -> Any:
    return fastinfo.pairwise_interaction(data.table.X, data.third, n_jobs=1)


def _strongest_synergies(data: TableAndThird) -> PairValues:
    found = fastinfo.top_interactions(data.table.X, data.third, 20, n_jobs=1)
    assert (found[0].left, found[0].right) == (0, 1)
    left, right, synergy = zip(*((p.left, p.right, p.synergy) for p in found), strict=True)
    return PairValues(np.array(left), np.array(right), np.array(synergy))


GIVEN = {"m": 1000, "n": 10_000, "B": 16, "S": 4}
EPISTASIS = {"m": 5000, "n": 10_000, "B": 3, "S": 2}
LOOP, PRODUCT = "loop over np.bincount", "one-hot float32 product in NumPy, by strata"

CASES = (
    Case(
        name="all-pairs-given",
        title="all pairs of {m} features given one of {S} values, {B} bins, n = {n}",
        make=codes_in_strata,
        contenders=(
            Contender("fastinfo", _conditional),
            Contender("fastinfo, without the third variable", _unconditional),
            Contender(LOOP, loop(conditional_of), share=_share_of_loop),
            Contender(PRODUCT, one_hot_product(conditional_of), share=_share_of_blocks),
        ),
        check=_check_if_conditional,
        also=(),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 16, "S": 4}],
            "default": [GIVEN],
            "full": [GIVEN],
        },
        work=_sample_pairs,
        unit="sample-pairs",
        targets=(Target("fastinfo, without the third variable", GIVEN, at_least=1 / 1.6),),
    ),
    Case(
        name="interactions-genotypes",
        title="what all pairs of {m} genotypes tell about {S} classes, n = {n}",
        make=cases_and_controls,
        contenders=(
            Contender("fastinfo", _interaction),
            Contender(LOOP, loop(synergy_of), share=_share_of_loop),
            Contender(PRODUCT, one_hot_product(synergy_of), share=_share_of_blocks),
        ),
        check=check_synergy,
        also=(_strongest_synergies,),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 3, "S": 2}],
            "default": [EPISTASIS],
            "full": [EPISTASIS],
        },
        work=_sample_pairs,
        unit="sample-pairs",
        targets=(Target(RATE, EPISTASIS, at_least=60e9),),
    ),
)
