"""All pairs by estimators that correct for few samples, beside the plug-in one."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any, NamedTuple

import numpy as np

import fastinfo
from bench.all_pairs import Table, many_codes
from bench.case import ABSOLUTE_ERROR, CHECKED_PAIRS, RELATIVE_ERROR, Case, Contender, Target

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


def entropy(counts: np.ndarray[Any, Any], estimator: str) -> float:
    """An entropy by the formula of its paper, in NumPy."""
    counts = counts[counts > 0]
    n = int(counts.sum())
    plug_in = float(log(n) - (counts * np.log(counts)).sum() / n)
    return plug_in + (counts.size - 1) / (2 * n) * (estimator == "miller_madow")


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


CASES = (
    Case(
        name="all-pairs-estimators",
        title="all pairs of {m} features, uint8 codes, {B} bins, n = {n}, one thread",
        make=many_codes,
        contenders=(
            Contender("plug-in", _by("ml")),
            Contender("Miller–Madow", _by("miller_madow")),
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
        targets=(Target("Miller–Madow", THOUSAND, at_most=1.3),),
    ),
)
