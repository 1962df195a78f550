"""Long samples in ranges, on several threads.

Kernels are serial; this is where one pair of long columns meets several threads. A thread takes a
range, and goes through it in blocks whose codes are written to the same memory again and again.
They stay in cache, and fresh memory is touched once: 10⁷ float64 pairs are binned and counted in
16 ms, where whole columns of codes take 23 and fresh codes for each block 28 (Zen 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

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
    n_ranges = max(n_samples // size, 1)
    borders = [n_samples * i // n_ranges for i in range(n_ranges + 1)]
    limits = list(pairwise(borders))
    if min(n_jobs, n_ranges) == 1:
        yield from (function(start, stop) for start, stop in limits)
        return
    with ThreadPoolExecutor(min(n_jobs, n_ranges)) as pool:
        yield from pool.map(lambda ends: function(*ends), limits)
