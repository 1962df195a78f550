"""What two commits are compared by: short calls of the public interface, and nothing else of it.

Run as a process, ``python -m bench.gate``, it takes orders from its input, a line each, and answers
with seconds of processor time. It imports no other module of this folder, for these ask the package
for more than an older commit may have.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

SHORTEST = 0.01
"""Seconds that a turn lasts at the least: shorter calls are repeated."""


class Case(NamedTuple):
    """Data, and a call of the package with it."""

    make: Callable[[Any], Any]
    call: Callable[[Any, Any], Any]


def _codes(n: int, m: int, n_bins: int) -> Callable[[Any], Array]:
    def make(rng: Any) -> Array:
        codes = rng.integers(0, n_bins, (n, m), dtype=np.uint8)
        codes[:, 1::2] = np.where(rng.random((n, m // 2)) < 0.5, codes[:, ::2], codes[:, 1::2])
        return np.asfortranarray(codes)

    return make


def _floats(n: int, m: int) -> Callable[[Any], Array]:
    def make(rng: Any) -> Array:
        return np.asfortranarray(rng.standard_normal((n, m)) + rng.standard_normal((n, 1)))

    return make


def _pair(fastinfo: Any, X: Array, **options: Any) -> Any:
    return fastinfo.mutual_information(X[:, 0], X[:, 1], n_jobs=1, **options)


def _matrix(fastinfo: Any, X: Array, **options: Any) -> Any:
    return fastinfo.pairwise_mutual_information(X, n_jobs=1, **options)


CASES = {
    "pair-of-codes-1000": Case(_codes(1000, 2, 16), _pair),
    "pair-of-codes": Case(_codes(10**6, 2, 16), _pair),
    "pair-of-floats": Case(_floats(10**6, 2), lambda f, X: _pair(f, X, bins=32)),
    "all-pairs-of-codes": Case(_codes(10**4, 60, 16), _matrix),
    "all-pairs-of-genotypes": Case(_codes(10**4, 120, 3), _matrix),
    "all-pairs-of-quantiles": Case(
        _floats(10**4, 30), lambda f, X: _matrix(f, X, bins="quantile:16")
    ),
}


class Stand:
    """The package of one commit with the data of some cases."""

    def __init__(self, fastinfo: Any, names: list[str]) -> None:
        self._fastinfo = fastinfo
        self._data = {name: CASES[name].make(np.random.default_rng(0)) for name in names}
        self._repetitions: dict[str, int] = {}

    def answer(self, name: str) -> list[float]:
        """What the call returns, after which its kernels are compiled."""
        return [float(value) for value in np.ravel(self._call(name))]

    def turn(self, name: str) -> float:
        """Seconds of the processor that a call takes, the least of a few.

        Of the processor and not of the clock, and the least and not the mean: both, for others may
        use the machine.
        """
        if name not in self._repetitions:
            seconds = min(self._seconds(name, 1) for _ in range(2))
            self._repetitions[name] = max(1, round(SHORTEST / max(seconds, 1e-7)))
        return min(self._seconds(name, self._repetitions[name]) for _ in range(2))

    def _seconds(self, name: str, repetitions: int) -> float:
        start = time.process_time()
        for _ in range(repetitions):
            self._call(name)
        return (time.process_time() - start) / repetitions

    def _call(self, name: str) -> Any:
        return CASES[name].call(self._fastinfo, self._data[name])


def main() -> None:
    """Answer orders until there are no more."""
    warnings.simplefilter("ignore")
    import fastinfo

    stand = Stand(fastinfo, json.loads(sys.stdin.readline()))
    print(json.dumps(str(Path(fastinfo.__file__).resolve())), flush=True)
    for line in sys.stdin:
        what, name = json.loads(line)
        print(json.dumps(getattr(stand, what)(name)), flush=True)


if __name__ == "__main__":
    main()
