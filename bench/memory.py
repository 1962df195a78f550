"""The peak of memory that a call takes, measured in a process of its own."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

import fastinfo
from bench.processes import python

Array = np.ndarray[Any, Any]
Result = TypeVar("Result")


class Measured(NamedTuple):
    """The answer of `fastinfo.top_pairs`, and what it took."""

    pairs: list[tuple[int, int, float]]
    extra_bytes: int
    """The peak of resident memory during the call, beyond what was resident before it."""


def top_pairs(X: Array, k: int) -> Measured:
    """`fastinfo.top_pairs` in a new process, in one thread."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.npy"
        np.save(path, X)
        printed = python(["-m", "bench.memory", str(path), str(k)], {})
    told = json.loads(printed)
    return Measured([(i, j, value) for i, j, value in told["pairs"]], told["extra_bytes"])


class Streamed(NamedTuple):
    """Mutual information of pairs of columns of a file, and what it took."""

    of_pairs: dict[tuple[str, str], float]
    extra_bytes: int


def streamed(way: str, path: Path, columns: Sequence[str]) -> Streamed:
    """A function of `bench.streaming` in a new process."""
    told = json.loads(python(["-m", "bench.memory", way, str(path), *columns], {}))
    return Streamed({(a, b): value for a, b, value in told["pairs"]}, told["extra_bytes"])


def _resident(field: str) -> int:
    """Bytes that Linux tells about this process: ``VmRSS``, or its peak ``VmHWM``."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise OSError(f"/proc/self/status has no {field}")


def during(call: Callable[[], Result]) -> tuple[Result, int]:
    """The answer of a call, and the peak of resident memory beyond what was resident before it."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    before = _resident("VmRSS")
    answer = call()
    return answer, _resident("VmHWM") - before


def cannot_be_read() -> str | None:
    """Why the peak of a process cannot be told here, or None."""
    is_there = Path("/proc/self/clear_refs").exists()
    return None if is_there else "the peak of a process's memory is read from Linux's /proc"


def main(arguments: Sequence[str]) -> None:
    """Print the pairs and the peak, for `top_pairs` or `streamed` to read."""
    first, second, *columns = arguments
    pairs: list[Any]
    if columns:
        from bench import streaming

        way: Callable[..., dict[tuple[str, str], float]] = getattr(streaming, first)
        small = streaming.make(3000, 10, 45, 1)
        way(small.path, small.names)  # libraries and kernels are loaded
        found, extra = during(lambda: way(Path(second), columns))
        pairs = [(*pair, value) for pair, value in found.items()]
    else:
        X = np.load(first)
        fastinfo.top_pairs(X[:, :64], k=1, n_jobs=1)  # kernels are loaded once, as above
        pairs, extra = during(lambda: fastinfo.top_pairs(X, k=int(second), n_jobs=1))
    print(json.dumps({"pairs": pairs, "extra_bytes": extra}))


if __name__ == "__main__":
    main(sys.argv[1:])
