"""The cases of one pair of variables."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

import fastinfo
from bench import peers
from bench.case import RELATIVE_ERROR, Case, Contender, Target, two_cores
from bench.peers import Array


class Pair:
    """Samples of two variables, and their counts by the reference once asked for."""

    def __init__(self, x: Array, y: Array, n_bins: int, count: Callable[..., Array]) -> None:
        self.x, self.y, self.n_bins = x, y, n_bins
        self.nbytes = x.nbytes + y.nbytes
        self._count = count

    @cached_property
    def counts(self) -> Array:
        """Counts that every answer must agree with."""
        return self._count(self.x, self.y, self.n_bins)

    @cached_property
    def information(self) -> float:
        """Mutual information that every answer must agree with."""
        return peers.reference_information(self.counts)


def codes(n: int, B: int) -> Pair:
    """Two dependent columns of uint8 codes, all bins about equally frequent."""
    rng = np.random.default_rng(n)
    x = rng.integers(0, B, n, dtype=np.uint8)
    y = rng.integers(0, B // 2, n, dtype=np.uint8)
    y += x
    y %= B
    return Pair(x, y, B, peers.reference_counts)


def floats(n: int, B: int) -> Pair:
    """Two correlated normal variables."""
    rng = np.random.default_rng(n)
    x = rng.standard_normal(n)
    return Pair(x, x + rng.standard_normal(n), B, peers.histogram2d)


def check_pair(data: Pair, answer: Any) -> None:
    """Counts must be equal and values close."""
    if isinstance(answer, float):
        np.testing.assert_allclose(answer, data.information, rtol=RELATIVE_ERROR, atol=0)
    else:
        np.testing.assert_array_equal(answer, data.counts)


def pair_error(data: Pair, answer: Any) -> float | None:
    """The relative error of an information; counts have none, for they are equal."""
    return abs(answer / data.information - 1) if isinstance(answer, float) else None


def _information(n_jobs: int) -> Callable[[Pair], float]:
    return lambda d: fastinfo.mutual_information(d.x, d.y, n_jobs=n_jobs)


CASES = (
    Case(
        name="pair-uint8",
        title="one pair, uint8 codes, {B} bins, n = {n}",
        make=codes,
        contenders=(
            Contender("fastinfo", _information(1)),
            Contender(
                "sklearn.metrics.mutual_info_score",
                lambda d: peers.scikit_learn(d.x, d.y),
                limits={"n": 10**7},
            ),
            Contender(
                "np.histogram2d",
                lambda d: peers.histogram2d_of_codes(d.x, d.y, d.n_bins),
                limits={"n": 10**7},
            ),
            Contender(
                "np.bincount(x*B + y)",
                lambda d: peers.bincount(d.x, d.y, d.n_bins),
                limits={"n": 10**8},
            ),
        ),
        check=check_pair,
        error=pair_error,
        roofline={"bytes": lambda n, B: 2 * n, "increments": lambda n, B: n},
        also=(lambda d: fastinfo.JointCounts(n_jobs=1).update(d.x, d.y).table,),
        sizes={
            "smoke": [{"n": 10**4, "B": 16}],
            "default": [{"n": 10**k, "B": 16} for k in (4, 5, 7, 8)],
            "full": [{"n": 10**k, "B": 16} for k in range(4, 10)],
        },
        work=lambda n, B: n,
        unit="samples",
        targets=(
            Target("sklearn.metrics.mutual_info_score", {"n": 10**7, "B": 16}, at_least=100),
            Target("np.bincount(x*B + y)", {"n": 10**7, "B": 16}, at_least=3),
        ),
    ),
    Case(
        name="pair-float64",
        title="one pair, float64 → {B} uniform bins, n = {n}",
        make=floats,
        contenders=(
            Contender(
                "fastinfo", lambda d: fastinfo.mutual_information(d.x, d.y, bins=d.n_bins, n_jobs=1)
            ),
            Contender("np.histogram2d", lambda d: peers.histogram2d(d.x, d.y, d.n_bins)),
        ),
        check=check_pair,
        error=pair_error,
        # The samples are read twice, for the extremes and for the bins.
        roofline={"bytes": lambda n, B: 32 * n, "increments": lambda n, B: n},
        also=(lambda d: fastinfo.JointCounts(bins=d.n_bins, n_jobs=1).update(d.x, d.y).table,),
        sizes={
            "smoke": [{"n": 10**4, "B": 32}],
            "default": [{"n": 10**k, "B": 32} for k in (4, 7)],
            "full": [{"n": 10**k, "B": 32} for k in (4, 7, 8)],
        },
        work=lambda n, B: n,
        unit="samples",
        targets=(Target("np.histogram2d", {"n": 10**7, "B": 32}, at_least=30),),
    ),
    Case(
        name="pair-two-threads",
        title="one pair, uint8 codes, {B} bins, n = {n}, two threads",
        make=codes,
        contenders=(
            Contender("fastinfo, 2 threads", _information(2), threads=2),
            Contender("fastinfo, 1 thread", _information(1)),
        ),
        check=check_pair,
        also=(lambda d: fastinfo.JointCounts(n_jobs=2).update(d.x, d.y).table,),
        sizes={
            "smoke": [{"n": 10**6, "B": 16}],
            "default": [{"n": 10**8, "B": 16}],
            "full": [{"n": 10**k, "B": 16} for k in (8, 9)],
        },
        work=lambda n, B: n,
        unit="samples",
        targets=(Target("fastinfo, 1 thread", {"n": 10**8, "B": 16}, at_least=1.7),),
        needs=two_cores,
    ),
)
