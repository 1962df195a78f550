"""How fast this machine can do at all what counting consists of: the roofline of a case.

A case states how much of each resource its work takes at the least (`Case.roofline`). The time at
the limit is that of the scarcest one, and a fraction of 1 says that the work takes no longer than
that. Rates are those of one thread, and as many times more where work has several.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from bench import peers
from fastinfo.backends.numba.jit import jit, u64

Array = np.ndarray[Any, Any]


class Resource(NamedTuple):
    """Something that work takes."""

    what: str
    """For a reader."""
    rate: Callable[[], float]
    """Measures how much of it there is in a second."""


class Fraction(NamedTuple):
    """How near to its limit some work is."""

    fraction: float
    """Seconds at the limit over seconds taken."""
    bound_by: str
    limit_seconds: float


def fraction(
    amounts: Mapping[str, float], rates: Mapping[str, float], seconds: float, threads: int = 1
) -> Fraction:
    """By the resource that takes longest."""
    at_limit = {name: amount / rates[name] / threads for name, amount in amounts.items()}
    scarcest = max(at_limit, key=lambda name: at_limit[name])
    return Fraction(at_limit[scarcest] / seconds, scarcest, at_limit[scarcest])


def measure() -> dict[str, float]:
    """The rate of each resource."""
    return {name: resource.rate() for name, resource in RESOURCES.items()}


def _best(call: Callable[[], Any], amount: float, seconds: float = 0.15) -> float:
    call()
    shortest, begun = float("inf"), time.perf_counter()
    while time.perf_counter() - begun < seconds:
        start = time.perf_counter()
        call()
        shortest = min(shortest, time.perf_counter() - start)
    return amount / shortest


def _bytes() -> float:
    """Reading 256 MiB, beyond most caches, by NumPy's fastest reduction."""
    samples = np.ones(1 << 28, np.uint8)
    return _best(lambda: np.bitwise_or.reduce(samples.view(np.uint64)), samples.nbytes)


def _increments() -> float:
    """Adding 1 to cells that lie in L1, by codes that lie there too."""
    codes = np.random.default_rng(0).integers(0, 256, 1 << 12).astype(np.uint8)
    cells = np.zeros((4, 256), np.uint32)
    repeats = 200
    return _best(lambda: _increment(codes, repeats, cells), codes.size * repeats)


@jit
def _increment(codes: Array, repeats: int, cells: Array) -> None:
    # Four tables in turn, so that an increment does not wait for one of the same cell.
    for _ in range(repeats):
        for i in range(u64(0), u64(len(codes)), u64(4)):
            cells[0, codes[i]] += 1
            cells[1, codes[i + u64(1)]] += 1
            cells[2, codes[i + u64(2)]] += 1
            cells[3, codes[i + u64(3)]] += 1


def _bits() -> float:
    """AND + POPCNT of rows in L1."""
    rows = np.random.default_rng(0).integers(0, 256, (4, 4096), dtype=np.uint8)
    repetitions = 1000
    bits = 4 * 8 * rows.shape[1] * repetitions
    return _best(lambda: peers.and_popcount(rows, repetitions), bits)


RESOURCES = {
    "bytes": Resource("bytes read from memory", _bytes),
    "increments": Resource("increments of cells in L1", _increments),
    "bits": Resource("bits joined and counted in L1", _bits),
}
