"""What pytest-benchmark cannot do by itself: contenders that take turns.

A ratio of two times is worth something if both saw the same weather. So the set-up of each round of
a contender is a call of the first one, timed too: A B, A B, …, and each pair makes one ratio.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any


@dataclass(frozen=True)
class Effort:
    """How many rounds are enough."""

    fewest: int = 3
    most: int = 15
    """Rounds of what takes longer than ``short``, all in all."""
    seconds: float = 5.0
    """Beyond which there are no more than ``fewest`` rounds."""
    patience: float = 20.0
    """Seconds of one call above which one round has to do."""
    short: float = 0.3
    """Seconds that rounds of short calls may add up to, however many they are, up to 200."""

    def rounds(self, seconds: float) -> int:
        """How many there are where one takes so long."""
        if seconds > self.patience:
            return 1
        most = max(self.most, min(int(self.short / max(seconds, 1e-9)), 200 if self.short else 0))
        return max(self.fewest, min(most, int(self.seconds / max(seconds, 1e-9))))


EFFORTS = {
    "smoke": Effort(fewest=2, most=2, seconds=0.0, short=0.0),
    "quick": Effort(seconds=1.0, short=0.15),
    "default": Effort(),
    "full": Effort(fewest=5, most=25, seconds=20.0, patience=120.0),
}


class Turn:
    """The set-up of a round: a call of the first contender, timed."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.seconds: list[float] = []
        self._call = call

    def __call__(self) -> None:
        """Call it and remember how long it took."""
        self.seconds.append(timed(self._call)[0])


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call, and its answer."""
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, quartiles, smallest and largest."""
    told = {"median": median(values), "min": min(values), "max": max(values)}
    if len(values) == 1:
        return told | {"q1": values[0], "q3": values[0]}
    first, _, third = quantiles(values, n=4, method="inclusive")
    return told | {"q1": first, "q3": third}


def ratio(ours: Sequence[float], theirs: Sequence[float], share: float = 1.0) -> dict[str, float]:
    """How many times longer they take, round by round; ``share`` is their part of the work."""
    return spread([b / share / a for a, b in zip(ours, theirs, strict=True)])


class OtherClock:
    """A clock that stands still but for what is added to it: seconds of other processes."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now
