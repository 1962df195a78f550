"""The peak of memory that a call takes, measured in a process of its own."""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

import fastinfo
from bench.processes import python

Array = np.ndarray[Any, Any]
Result = TypeVar("Result")


GIVEN_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""For the allocator: give freed memory back, or a call could live on what the data left behind."""


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
        printed = python(["-m", "bench.memory", "top_pairs", str(path), str(k)], {})
    told = json.loads(printed)
    return Measured([(i, j, value) for i, j, value in told["pairs"]], told["extra_bytes"])


class Streamed(NamedTuple):
    """Mutual information of pairs of columns of a file, and what it took."""

    of_pairs: dict[tuple[str, str], float]
    extra_bytes: int


def streamed(way: str, path: Path, columns: Sequence[str]) -> Streamed:
    """A function of `bench.streaming` in a new process."""
    told = json.loads(python(["-m", "bench.memory", "streamed", way, str(path), *columns], {}))
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


def of_contender(case: str, parameters: Mapping[str, int], contender: str) -> int | None:
    """Bytes that the call of a contender takes beyond what was there before, in a new process.

    None where it cannot be told, as on a system without Linux's /proc.
    """
    if cannot_be_read():
        return None
    asked = json.dumps([case, dict(parameters), contender])
    told = json.loads(python(["-m", "bench.memory", "contender", asked], GIVEN_BACK))
    return int(told["extra_bytes"])


def _measure_top_pairs(path: str, k: str) -> dict[str, Any]:
    X = np.load(path)
    fastinfo.top_pairs(X[:, :64], k=1, n_jobs=1)  # kernels are loaded once, whatever the features
    pairs, extra = during(lambda: fastinfo.top_pairs(X, k=int(k), n_jobs=1))
    return {"pairs": pairs, "extra_bytes": extra}


def _measure_streamed(way: str, path: str, *columns: str) -> dict[str, Any]:
    from bench import streaming  # which asks this module too

    call: Callable[..., dict[tuple[str, str], float]] = getattr(streaming, way)
    small = streaming.make(3000, 10, 45, 1)
    call(small.path, small.names)  # libraries and kernels are loaded
    found, extra = during(lambda: call(Path(path), columns))
    return {"pairs": [(*pair, value) for pair, value in found.items()], "extra_bytes": extra}


def _measure_contender(asked: str) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    from bench.cases import named  # cases ask this module too

    name, parameters, contender = json.loads(asked)
    case = named(name)
    (call,) = (c.call for c in case.contenders if c.name == contender)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", fastinfo.SaturationWarning)
        call(case.make(**case.sizes["smoke"][0]))  # libraries and kernels are loaded
        data = case.make(**parameters)
        _, extra = during(lambda: call(data))
    return {"extra_bytes": extra}


def main(arguments: Sequence[str]) -> None:
    """Print what was measured, for the functions above to read."""
    what, *rest = arguments
    measure = {
        "top_pairs": _measure_top_pairs,
        "streamed": _measure_streamed,
        "contender": _measure_contender,
    }[what]
    print(json.dumps(measure(*rest)))


if __name__ == "__main__":
    main(sys.argv[1:])
