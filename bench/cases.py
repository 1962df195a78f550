"""The table of benchmark cases. To add one, add an entry to `CASES`.

A case makes data of a size, names the contenders that work on it, and says what each answer must
agree with. The first contender is the one that ratios are of: how many times longer each other one
takes. The pytest benchmarks and the runner know nothing but this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import fastinfo
from bench import peers
from bench.peers import Array, PairValues
from fastinfo.backends import choose, usable_cores

SIZES = ("smoke", "default", "full")
"""``smoke`` runs in seconds, as a test; ``full`` takes hours and tens of gigabytes."""

RELATIVE_ERROR = 1e-12
"""How far a mutual information may be from the reference's."""

CHECKED_PAIRS = 40
"""Pairs of each answer over many features that are counted again by the reference."""


@dataclass(frozen=True)
class Contender:
    """One way of doing the work of a case."""

    name: str
    call: Callable[[Any], Any]
    """From the data to an answer that the case can check."""
    threads: int = 1
    limits: Mapping[str, int] = field(default_factory=dict)
    """The largest parameters that it is run with, where more would take all day."""
    share: Callable[[Any], float] | None = None
    """The part of the work that it does, where all of it would take all day."""

    def takes_part(self, parameters: Mapping[str, int]) -> bool:
        """Whether this size is within its limits."""
        return all(parameters[name] <= most for name, most in self.limits.items())


@dataclass(frozen=True)
class Target:
    """At least how many times faster than a contender, with which parameters."""

    over: str
    ratio: float
    at: Mapping[str, int]


@dataclass(frozen=True)
class Case:
    """Work to be measured."""

    name: str
    title: str
    """What is done, for a table; parameters in braces."""
    make: Callable[..., Any]
    """From parameters to data."""
    contenders: Sequence[Contender]
    check: Callable[[Any, Any], None]
    """From the data and an answer: AssertionError where it is wrong."""
    also: Sequence[Callable[[Any], Any]]
    """More answers of fastinfo, checked and not timed."""
    sizes: Mapping[str, Sequence[Mapping[str, int]]]
    """Parameters by name of the size."""
    work: Callable[..., int]
    """From parameters to how many samples, or pairs of samples, are counted."""
    unit: str
    targets: Sequence[Target] = ()
    needs: Callable[[], str | None] = lambda: None
    """Why it cannot be run here, or None."""

    def of(self, parameters: Mapping[str, int]) -> list[Contender]:
        """Who takes part with these parameters."""
        return [c for c in self.contenders if c.takes_part(parameters)]

    def target(self, over: str, parameters: Mapping[str, int]) -> float | None:
        """The ratio to be reached, or None."""
        found = [t.ratio for t in self.targets if t.over == over and t.at == dict(parameters)]
        return found[0] if found else None

    def checked(self, data: Any, answers: Sequence[Any]) -> str:
        """Check answers, and those that are not timed; say what was done."""
        more = [call(data) for call in self.also]
        for answer in (*answers, *more):
            self.check(data, answer)
        return f"{len(answers) + len(more)} answers equal the reference's"


# --- one pair -----------------------------------------------------------------------------------


class Pair:
    """Samples of two variables, and their counts by the reference once asked for."""

    def __init__(self, x: Array, y: Array, n_bins: int, count: Callable[..., Array]) -> None:
        self.x, self.y, self.n_bins = x, y, n_bins
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


def _information(n_jobs: int) -> Callable[[Pair], float]:
    return lambda d: fastinfo.mutual_information(d.x, d.y, n_jobs=n_jobs)


def _two_cores() -> str | None:
    cores = usable_cores()
    return None if cores >= 2 else f"two threads need two cores, and {cores} can be used here"


# --- all pairs ----------------------------------------------------------------------------------


class Table:
    """Codes of many features, and the pairs that limited contenders are timed on."""

    def __init__(self, X: Array, n_bins: int, looped: int, block: int) -> None:
        self.X, self.n_bins = X, n_bins
        m = X.shape[1]
        rng = np.random.default_rng(m)
        n_pairs = m * (m - 1) // 2
        chosen = rng.choice(n_pairs, min(looped, n_pairs), replace=False)
        self.left, self.right = (side[chosen] for side in np.triu_indices(m, 1))
        features = rng.permutation(m)
        block = min(block, m // 2)
        self.left_block, self.right_block = features[:block], features[block : 2 * block]

    @property
    def n_pairs(self) -> int:
        """Pairs to be measured: those of different features, and each with itself."""
        m = self.X.shape[1]
        return m * (m + 1) // 2


def many_codes(m: int, n: int, B: int) -> Table:
    """Features that follow one of a few hidden ones, more or less closely."""
    rng = np.random.default_rng(m)
    hidden = rng.integers(0, B, (n, max(m // 20, 1)), dtype=np.uint8)
    X = np.asfortranarray(hidden[:, rng.integers(0, hidden.shape[1], m)])
    for column, noise in zip(X.T, rng.uniform(0, 1, m), strict=True):
        replaced = rng.random(n) < noise
        column[replaced] = rng.integers(0, B, int(replaced.sum()), dtype=np.uint8)
    return Table(X, B, looped=20, block=100)


def check_table(data: Table, answer: Any) -> None:
    """Some pairs of an answer against the reference, counts too where they are what came."""
    X, n_bins = data.X, data.n_bins
    if isinstance(answer, np.ndarray) and answer.ndim == 4:
        for i, j in np.ndindex(answer.shape[:2]):
            expected = peers.reference_counts(X[:, i], X[:, j], n_bins)
            np.testing.assert_array_equal(answer[i, j], expected)
        return
    if isinstance(answer, np.ndarray):
        np.testing.assert_array_equal(answer, answer.T)
        left, right = (side.ravel() for side in np.indices(answer.shape))
        answer = PairValues(left, right, answer.ravel())
    rng = np.random.default_rng(0)
    for k in rng.choice(answer.values.size, min(CHECKED_PAIRS, answer.values.size), replace=False):
        i, j = int(answer.left[k]), int(answer.right[k])
        expected = peers.reference_information(peers.reference_counts(X[:, i], X[:, j], n_bins))
        np.testing.assert_allclose(answer.values[k], expected, rtol=RELATIVE_ERROR, atol=0)


def _counts_of_a_tile(data: Table) -> Array:
    columns = list(data.X[:, :6].T)
    kernels = choose()
    packed = kernels.pack(columns, [data.n_bins] * len(columns))
    return np.asarray(kernels.count_pairs(packed, slice(0, 6), slice(0, 6)))


def _sample_pairs(m: int, n: int, B: int) -> int:
    return m * (m + 1) // 2 * n


# --- the table ----------------------------------------------------------------------------------


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
        also=(lambda d: fastinfo.JointCounts(n_jobs=1).update(d.x, d.y).table,),
        sizes={
            "smoke": [{"n": 10**4, "B": 16}],
            "default": [{"n": 10**k, "B": 16} for k in range(4, 9)],
            "full": [{"n": 10**k, "B": 16} for k in range(4, 10)],
        },
        work=lambda n, B: n,
        unit="samples",
        targets=(
            Target("sklearn.metrics.mutual_info_score", 100, {"n": 10**7, "B": 16}),
            Target("np.bincount(x*B + y)", 3, {"n": 10**7, "B": 16}),
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
        also=(lambda d: fastinfo.JointCounts(bins=d.n_bins, n_jobs=1).update(d.x, d.y).table,),
        sizes={
            "smoke": [{"n": 10**4, "B": 32}],
            "default": [{"n": 10**k, "B": 32} for k in (4, 7)],
            "full": [{"n": 10**k, "B": 32} for k in (4, 7, 8)],
        },
        work=lambda n, B: n,
        unit="samples",
        targets=(Target("np.histogram2d", 30, {"n": 10**7, "B": 32}),),
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
        targets=(Target("fastinfo, 1 thread", 1.7, {"n": 10**8, "B": 16}),),
        needs=_two_cores,
    ),
    Case(
        name="all-pairs-uint8",
        title="all pairs of {m} features, uint8 codes, {B} bins, n = {n}",
        make=many_codes,
        contenders=(
            Contender("fastinfo", lambda d: fastinfo.pairwise_mutual_information(d.X, n_jobs=1)),
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
        also=(_counts_of_a_tile,),
        sizes={
            "smoke": [{"m": 12, "n": 500, "B": 16}],
            "default": [{"m": m, "n": 10_000, "B": 16} for m in (200, 1000)],
            "full": [{"m": m, "n": 10_000, "B": 16} for m in (200, 500, 1000)],
        },
        work=_sample_pairs,
        unit="sample-pairs",
        targets=(
            Target(
                "loop over sklearn.metrics.mutual_info_score",
                1000,
                {"m": 1000, "n": 10_000, "B": 16},
            ),
            Target("one-hot float32 product in NumPy", 20, {"m": 1000, "n": 10_000, "B": 16}),
        ),
    ),
)


def chosen(only: str | None = None) -> list[Case]:
    """Cases whose name holds ``only``; all for None.

    Raises
    ------
    ValueError
        Where none does.
    """
    found = [case for case in CASES if only is None or only in case.name]
    if not found:
        names = ", ".join(case.name for case in CASES)
        raise ValueError(f"no case has {only!r} in its name; there are {names}")
    return found
