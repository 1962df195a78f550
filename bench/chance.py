"""The cases of chance: labels compared beyond it, and random tables with given margins."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

import fastinfo
from bench import wide_tables
from bench.case import Case, Contender, Target
from bench.peers import PairValues
from fastinfo.backends import on_host

Array = np.ndarray[Any, Any]

RESAMPLES = 10_000

SHUFFLES = 40
"""The resamples that are made of shuffled samples, which take as long as they always take."""


class Labels:
    """Two labellings of which a tenth agree, and their adjusted information once asked for."""

    def __init__(self, n: int, K: int) -> None:
        rng = np.random.default_rng(n + K)
        self.x, self.y = rng.integers(0, K, (2, n))
        self.y[: n // 10] = self.x[: n // 10]

    @cached_property
    def adjusted(self) -> float:
        """By its definition, with a sum over the counts of each pair of different margins."""
        n = self.x.size
        cells = np.unique(self.x * (int(self.y.max()) + 1) + self.y, return_counts=True)[1]
        left, right = (np.unique(side, return_counts=True)[1] for side in (self.x, self.y))
        h_x, h_y, h_xy = (_entropy(counts / n) for counts in (left, right, cells))
        chance = _expected(left, right, n)
        return float((h_x + h_y - h_xy - chance) / ((h_x + h_y) / 2 - chance))


def _entropy(p: Array) -> float:
    return -math.fsum((p * np.log(p)).tolist())


def _expected(left: Array, right: Array, n: int) -> float:
    """The information that chance gives, by logarithms of factorials."""
    from scipy.special import gammaln

    total = 0.0
    for a, of_a in zip(*np.unique(left, return_counts=True), strict=True):
        for b, of_b in zip(*np.unique(right, return_counts=True), strict=True):
            k = np.arange(max(1, a + b - n), min(a, b) + 1)
            parts = (k, a - k, b - k, n - a - b + k, n)
            ways = -sum(gammaln(part + 1.0) for part in parts)
            ways = ways + sum(gammaln(whole + 1.0) for whole in (a, b, n - a, n - b))
            terms = np.exp(ways) * k / n * np.log1p((k - a * b / n) / (a * b / n))
            total += float(of_a * of_b * terms.sum())
    return total


def check_adjusted(data: Labels, answer: float) -> None:
    """Values must be close; what chance gives is taken off from more than it leaves."""
    np.testing.assert_allclose(answer, data.adjusted, rtol=1e-8, atol=1e-10)


def _scikit_learn(data: Labels) -> float:
    from sklearn.metrics import adjusted_mutual_info_score

    return float(adjusted_mutual_info_score(data.x, data.y))


class Table(NamedTuple):
    """Codes of two independent variables, and their margins."""

    x: Array
    y: Array
    n_bins: int
    left: Array
    right: Array


def table(n: int, B: int) -> Table:
    """Bins that are about equally frequent."""
    rng = np.random.default_rng(n)
    x, y = rng.integers(0, B, (2, n)).astype(np.uint8)
    return Table(x, y, B, np.bincount(x, minlength=B), np.bincount(y, minlength=B))


class Resampled(NamedTuple):
    """The information of random tables, in nats."""

    information: Array


def _by_tables(data: Table) -> Resampled:
    sums = on_host().random_table_sums(data.left, data.right, 7, 0, RESAMPLES)
    return Resampled(_information(data, sums))


def _by_shuffling(data: Table) -> Resampled:
    kernels, rng = on_host(), np.random.default_rng(0)
    y, sums = data.y.copy(), np.empty(SHUFFLES)
    for i in range(SHUFFLES):
        rng.shuffle(y)
        counts = kernels.count_joint((data.x, y), (data.n_bins, data.n_bins))
        sums[i] = kernels.sum_xlogx(counts.reshape(-1))
    return Resampled(_information(data, sums))


def _by_scipy(data: Table) -> Resampled:
    from scipy.stats import random_table

    rng = np.random.default_rng(0)
    tables = random_table(data.left, data.right).rvs(RESAMPLES, random_state=rng)
    sums = np.sum(tables * np.log(np.maximum(tables, 1)), axis=(1, 2))
    return Resampled(_information(data, sums))


def _information(data: Table, sums: Array) -> Array:
    n = data.x.size
    margins = sum(float(np.sum(m * np.log(m))) for m in (data.left, data.right))
    return np.asarray((sums - margins + n * math.log(n)) / n)


def check_resampled(data: Table, answer: Resampled) -> None:
    """Their mean is what chance gives, within five standard errors."""
    found = answer.information
    error = found.std() / math.sqrt(found.size)
    expected = _expected(data.left, data.right, data.x.size)
    assert abs(found.mean() - expected) <= 5 * error, (found.mean(), expected, error)


def _share(n_resamples: int) -> Callable[[Table], float]:
    return lambda data: n_resamples / RESAMPLES


def _tested(data: wide_tables.Table) -> list[fastinfo.TestedPair]:
    return fastinfo.top_pairs(data.X, 100, p_values=True, n_jobs=1)


def check_tested(data: wide_tables.Table, answer: Any) -> None:
    """Values of a matrix or of pairs, whose p-values are those of scipy and Williams."""
    if not isinstance(answer, list):
        wide_tables.check_table(data, answer)
        return
    from scipy.stats import chi2_contingency
    from scipy.stats.distributions import chi2

    left, right, values = (np.array([pair[i] for pair in answer]) for i in range(3))
    wide_tables.check_table(data, PairValues(left, right, values))
    assert all(pair.pvalue <= pair.qvalue <= 1 for pair in answer)
    if data.X.shape[0] < 10**4:
        return  # expected counts are small
    for pair in answer[:5]:
        counts = data.counts(pair.left, pair.right)
        found = chi2_contingency(counts, correction=False, lambda_="log-likelihood")
        n, x, y = counts.sum(), counts.sum(axis=1), counts.sum(axis=0)
        q = 1 + ((n / x).sum() - 1) * ((n / y).sum() - 1) / (6 * n * found.dof)
        expected = chi2.sf(found.statistic / q, found.dof)
        np.testing.assert_allclose(pair.pvalue, expected, rtol=1e-7)


THOUSAND, TEN_THOUSAND = ({"n": 10**6, "K": K} for K in (1000, 10_000))
SIXTEEN = {"n": 10**5, "B": 16}
PAIRS = {"m": 1000, "n": 10_000, "B": 16}

CASES = (
    Case(
        name="adjusted-information",
        title="adjusted mutual information, {K} labels a side, n = {n}",
        make=Labels,
        contenders=(
            Contender(
                "fastinfo", lambda d: fastinfo.adjusted_mutual_information(d.x, d.y, n_jobs=1)
            ),
            # Of 10,000 labels it compares 10⁸ pairs, which takes many minutes.
            Contender(
                "sklearn.metrics.adjusted_mutual_info_score", _scikit_learn, limits={"K": 1000}
            ),
        ),
        check=check_adjusted,
        also=(),
        sizes={
            "smoke": [{"n": 2000, "K": 20}],
            "default": [THOUSAND, TEN_THOUSAND],
            "full": [THOUSAND, TEN_THOUSAND],
        },
        work=lambda n, K: n,
        unit="samples",
        targets=(Target("sklearn.metrics.adjusted_mutual_info_score", THOUSAND, at_least=10),),
    ),
    Case(
        name="random-tables",
        title=f"information of {RESAMPLES} random tables with given margins, "
        "{B} × {B} bins, n = {n}",
        make=table,
        contenders=(
            Contender("fastinfo", _by_tables),
            Contender(
                "shuffling and recounting with fastinfo's kernels",
                _by_shuffling,
                share=_share(SHUFFLES),
            ),
            Contender("scipy.stats.random_table and NumPy", _by_scipy),
        ),
        check=check_resampled,
        also=(),
        sizes={
            "smoke": [{"n": 2000, "B": 4}],
            "default": [SIXTEEN],
            "full": [SIXTEEN],
        },
        work=lambda n, B: RESAMPLES,
        unit="tables",
        targets=(Target("shuffling and recounting with fastinfo's kernels", SIXTEEN, at_least=50),),
    ),
    Case(
        name="all-pairs-p-values",
        title="p-values and q-values of all pairs of {m} features, {B} bins, n = {n}",
        make=wide_tables.many_codes,
        contenders=(
            Contender("fastinfo", _tested),
            Contender(
                "fastinfo, the matrix alone",
                lambda d: fastinfo.pairwise_mutual_information(d.X, n_jobs=1),
            ),
        ),
        check=check_tested,
        also=(),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 16}],
            "default": [PAIRS],
            "full": [PAIRS],
        },
        work=lambda m, n, B: m * (m - 1) // 2,
        unit="pairs",
        targets=(Target("fastinfo, the matrix alone", PAIRS, at_least=1 / 1.2),),
    ),
)
