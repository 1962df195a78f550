"""A GPU's stop-watch: events of the device around calls, and around each kernel."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any
from unittest import mock

REPETITIONS = 20
PROFILED = 5
"""Calls of which each kernel is timed by itself."""


def in_turn(items: Sequence[Any]) -> Callable[[int], Any]:
    """The data of the i-th repetition."""
    return lambda i: items[i % len(items)]


class Gpu:
    """A device and its stop-watch."""

    bytes_beyond_cache = 1 << 30
    """Data that is taken in turns adds up to at least so much, beyond any second-level cache."""

    def __init__(self) -> None:
        from fastinfo.backends.cupy import CupyKernels

        self.kernels = CupyKernels()
        self.xp = self.kernels.xp
        self.properties = self.kernels.device.properties

    def copies_in_turn(self, n_bytes: int) -> int:
        """How many copies of data of this size are more than a cache holds."""
        return max(-(-self.bytes_beyond_cache // max(n_bytes, 1)), 1)

    def seconds(self, call: Callable[[int], Any], warm_up: int = 3) -> list[float]:
        """Seconds between two events of the device around each call."""
        times = []
        for i in range(warm_up + REPETITIONS):
            start = self.mark()
            call(i)
            seconds = self.between(start, self.mark())
            if i >= warm_up:
                times.append(seconds)
        return times

    def of_kernels(
        self, call: Callable[[int], Any], n_calls: int = PROFILED
    ) -> dict[str, dict[str, float]]:
        """Launches of each kernel in a call, and the seconds that all of them take together.

        The first of the calls, which may have to compile some, is not looked at.

        What a call takes beside is CuPy's kernels and Python, for which the device waits.
        """
        device = type(self.kernels.device)
        launch = device.launch
        calls: list[dict[str, list[float]]] = []

        def timed(this: Any, family: str, kernel: str, *arguments: Any, **options: Any) -> None:
            start = self.mark()
            launch(this, family, kernel, *arguments, **options)
            marks.append((kernel, start, self.mark()))

        with mock.patch.object(device, "launch", timed):
            for i in range(n_calls):
                marks: list[tuple[str, Any, Any]] = []
                call(i)
                calls.append({})
                for kernel, start, stop in marks:
                    calls[-1].setdefault(kernel, []).append(self.between(start, stop))
        return {
            kernel: {
                "launches": len(seconds),
                "seconds": median(sum(times.get(kernel, [])) for times in calls[1:]),
            }
            for kernel, seconds in calls[-1].items()
        }

    def mark(self) -> Any:
        """An event on the current stream."""
        event = self.xp.cuda.Event()
        event.record()
        return event

    def between(self, start: Any, stop: Any) -> float:
        """Seconds from one event to another."""
        stop.synchronize()
        seconds: float = self.xp.cuda.get_elapsed_time(start, stop) / 1e3
        return seconds

    def to_device(self, array: Any) -> tuple[Any, float]:
        """An array there, and the seconds of its way."""
        self.xp.cuda.runtime.deviceSynchronize()
        start = time.perf_counter()
        there = self.kernels.bring(array)
        self.xp.cuda.runtime.deviceSynchronize()
        return there, time.perf_counter() - start
