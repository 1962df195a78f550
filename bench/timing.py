"""Times and ratios of contenders that take turns."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

SHORTEST = 0.02
"""Seconds below which a call is repeated and the repetitions are timed together."""


@dataclass(frozen=True)
class Effort:
    """When there have been enough rounds."""

    fewest: int = 3
    most: int = 15
    seconds: float = 5.0
    """Seconds after which a contender gets no more than ``fewest`` rounds."""
    patience: float = 20.0
    """Seconds for one call above which its first call is its only one."""


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, smallest and largest."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def first_call(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call, and its answer."""
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


def take_turns(
    calls: Sequence[Callable[[], Any]], effort: Effort, first: Sequence[float]
) -> list[list[float]]:
    """Seconds of each call in each round: A B C, A B C, …, so that all see the same weather.

    Each has been called before and took the seconds ``first``. The rounds of a slow call end before
    those of the others.
    """
    inner, times = [], []
    for call, before in zip(calls, first, strict=True):
        seconds = before if before > effort.patience else first_call(call)[0]
        inner.append(max(1, round(SHORTEST / max(seconds, 1e-9))))
        times.append([seconds] if seconds > effort.patience else [])
    for round_number in range(effort.most):
        for call, repetitions, so_far in zip(calls, inner, times, strict=True):
            is_enough = round_number >= effort.fewest and sum(so_far) * repetitions > effort.seconds
            if is_enough or (so_far and so_far[0] > effort.patience):
                continue
            gc.collect()
            start = time.perf_counter()
            for _ in range(repetitions):
                call()
            so_far.append((time.perf_counter() - start) / repetitions)
    return times


def ratio(ours: Sequence[float], theirs: Sequence[float], share: float = 1.0) -> dict[str, float]:
    """How many times longer they take, round by round; ``share`` is their part of the work."""
    # The slower of the two has fewer rounds; those of one number ran right after each other.
    return spread([b / share / a for a, b in zip(ours, theirs, strict=False)])
