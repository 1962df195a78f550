"""Threads for one large kernel call: ranges of samples, one thread each."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

Result = TypeVar("Result")

MINIMUM_SAMPLES = 1 << 20
"""Samples worth a thread: 0.03 to 2 ns each, where two threads cost 0.12 ms to start on an idle
machine, and up to a time slice of several ms on one that is busy."""


def over_ranges(
    function: Callable[[int, int], Result], n_samples: int, n_jobs: int, most: int = 1 << 31
) -> list[Result]:
    """Call ``function(start, stop)`` on ranges that cover ``n_samples``; the results in order.

    No range is longer than ``most``, so that a kernel may count a range in 32 bits.
    """
    n_ranges = max(1, min(n_jobs, n_samples // MINIMUM_SAMPLES), -(-n_samples // most))
    borders = [n_samples * i // n_ranges for i in range(n_ranges + 1)]
    ranges = list(pairwise(borders))
    if min(n_jobs, n_ranges) == 1:
        return [function(start, stop) for start, stop in ranges]
    with ThreadPoolExecutor(n_jobs) as pool:
        return list(pool.map(lambda limits: function(*limits), ranges))
