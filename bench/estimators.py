"""All pairs by estimators that correct for few samples, beside the plug-in one."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any, NamedTuple

import numpy as np

import fastinfo
from bench.case import (
    ABSOLUTE_ERROR,
    CHECKED_PAIRS,
    RATE,
    RELATIVE_ERROR,
    Case,
    Contender,
    Target,
)
from bench.wide_tables import Table, many_codes

THOUSAND = {"m": 1000, "n": 10_000, "B": 16}


class Estimated(NamedTuple):
    """A matrix, and by which estimator."""

    estimator: str
    matrix: np.ndarray[Any, Any]


def _by(estimator: str) -> Callable[[Table], Estimated]:
    def call(data: Table) -> Estimated:
        found = fastinfo.pairwise_mutual_information(data.X, estimator=estimator, n_jobs=1)
        return Estimated(estimator, found)

    return call


def _weights(largest: int) -> np.ndarray[Any, Any]:
    """Grassberger's G(c), step by step as he gives it; G(0) is not asked for."""
    steps = 2 / (2 * np.arange(largest // 2 + 1) + 1)
    even = np.concatenate([[0.0], np.cumsum(steps)]) - np.euler_gamma - log(2)
    return even[np.arange(largest + 1) // 2]


def entropy(counts: np.ndarray[Any, Any], estimator: str) -> float:
    """An entropy by the formula of its paper, in NumPy."""
    counts = counts[counts > 0]
    n = int(counts.sum())
    if estimator == "grassberger":
        return float(log(n) - (counts * _weights(n)[counts]).sum() / n)
    plug_in = float(log(n) - (counts * np.log(counts)).sum() / n)
    if estimator == "jackknife":
        return _jackknife(counts)
    return plug_in + (counts.size - 1) / (2 * n) * (estimator == "miller_madow")


def _jackknife(counts: np.ndarray[Any, Any]) -> float:
    """Without one sample of each cell in turn; n times an entropy would lose digits."""
    c = counts.astype(np.longdouble)
    n, terms = c.sum(), c * np.log(c)
    without = (c - 1) * np.log(np.maximum(c - 1, 1))
    each = np.log(n - 1) - (terms.sum() - terms + without) / (n - 1)
    return float(n * (np.log(n) - terms.sum() / n) - (n - 1) * (c / n * each).sum())


def check(data: Table, answer: Estimated) -> None:
    """Some pairs against the formulas, of counts by the reference."""
    rng = np.random.default_rng(1)
    m = data.X.shape[1]
    for i, j in rng.integers(0, m, (CHECKED_PAIRS, 2)).tolist():
        counts = data.counts(i, j)
        sides = counts.sum(axis=1), counts.sum(axis=0), counts.reshape(-1)
        x, y, both = (entropy(side, answer.estimator) for side in sides)
        np.testing.assert_allclose(
            answer.matrix[i, j], x + y - both, RELATIVE_ERROR, 10 * ABSOLUTE_ERROR
        )


TEN_THOUSAND_CELLS = {"n": 20_000, "K": 10_000}


def zipf_counts(n: int, K: int) -> np.ndarray[Any, Any]:
    """Counts of cells whose probabilities fall with their rank; many cells are empty."""
    shares = 1 / np.arange(1, K + 1)
    return np.random.default_rng(n).multinomial(n, shares / shares.sum())


def _nsb(counts: np.ndarray[Any, Any]) -> float:
    return fastinfo.entropy(fastinfo.JointCounts.from_table(counts), estimator=f"nsb:{counts.size}")


def check_nsb(counts: np.ndarray[Any, Any], answer: float) -> None:
    """Against the posterior mean on a fine grid of log β, with all cells taken by themselves."""
    from scipy.special import gammaln, polygamma, psi

    n, n_cells = int(counts.sum()), counts.size
    betas = np.exp(np.linspace(-16, 8, 4001))
    evidence, means = np.empty(betas.size), np.empty(betas.size)
    for i, beta in enumerate(betas):
        a = counts + beta
        total = n + n_cells * beta
        prior = n_cells * polygamma(1, n_cells * beta + 1) - polygamma(1, beta + 1)
        evidence[i] = gammaln(n_cells * beta) - gammaln(total) + np.log(prior * beta)
        evidence[i] += (gammaln(a) - gammaln(beta)).sum()
        means[i] = psi(total + 1) - (a / total * psi(a + 1)).sum()
    weights = np.exp(evidence - evidence.max())
    np.testing.assert_allclose(answer, (weights * means).sum() / weights.sum(), rtol=1e-6)


CASES = (
    Case(
        name="all-pairs-estimators",
        title="all pairs of {m} features, uint8 codes, {B} bins, n = {n}, one thread",
        make=many_codes,
        contenders=(
            Contender("plug-in", _by("ml")),
            Contender("Miller–Madow", _by("miller_madow")),
            Contender("Grassberger", _by("grassberger")),
            Contender("jackknife", _by("jackknife")),
        ),
        check=check,
        also=(),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 16}],
            "default": [THOUSAND],
            "full": [THOUSAND],
        },
        work=lambda m, n, B: m * (m + 1) // 2 * n,
        unit="sample-pairs",
        targets=(
            Target("Miller–Madow", THOUSAND, at_most=1.3),
            Target("Grassberger", THOUSAND, at_most=1.3),
            Target("jackknife", THOUSAND, at_most=1.3),
        ),
    ),
    Case(
        name="nsb",
        title="NSB entropy of a table of {K} cells with {n} samples",
        make=zipf_counts,
        contenders=(Contender("fastinfo", _nsb),),
        check=check_nsb,
        also=(),
        sizes={
            "smoke": [{"n": 500, "K": 100}],
            "default": [TEN_THOUSAND_CELLS],
            "full": [TEN_THOUSAND_CELLS],
        },
        work=lambda n, K: K,
        unit="cells",
        targets=(Target(RATE, TEN_THOUSAND_CELLS, at_least=TEN_THOUSAND_CELLS["K"] / 0.020),),
    ),
)
