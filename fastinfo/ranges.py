"""Long samples in ranges, on several threads.

Kernels are serial; this is where one pair of long columns meets several threads. A thread takes a
range, and goes through it in blocks whose codes are written to the same memory again and again.
They stay in cache, and fresh memory is touched once: 10⁷ float64 pairs are binned and counted in
16 ms, where whole columns of codes take 23 and fresh codes for each block 28 (Zen 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")

RANGE = 1 << 21
"""Samples of a range: milliseconds of work, against 0.05 to hand it out."""

BLOCK = 1 << 18
"""Samples of a block, whose codes stay in a second-level cache."""

RANGE_BYTES = 1 << 24
"""Bytes of a range that is only read, which goes at the speed of memory."""


def over_ranges(
    function: Callable[[int, int], Result], n_samples: int, n_jobs: int, size: int = RANGE
) -> Iterator[Result]:
    """Results of ``function(start, stop)`` on ranges that cover the samples, in their order.

    The ranges do not depend on the number of threads, and so no sum over them does.
    """
    n_ranges = max(-(-n_samples // size), 1)
    borders = [n_samples * i // n_ranges for i in range(n_ranges + 1)]
    yield from map_threads(function, borders, borders[1:], n_jobs=n_jobs)


def map_threads(
    function: Callable[..., Result], *arguments: Sequence[Any], n_jobs: int
) -> Iterator[Result]:
    """As `map` over the shortest of the sequences, on threads where several are of use."""
    n_threads = min(n_jobs, *(len(sequence) for sequence in arguments))
    if n_threads <= 1:
        yield from map(function, *arguments)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        yield from pool.map(function, *arguments)
