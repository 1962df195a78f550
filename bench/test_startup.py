"""How long it takes until the first answer, in new processes, whose own clocks are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.case import Target
from bench.processes import python
from bench.turns import OtherClock

SAMPLES = "import numpy as np; x = np.arange(1000, dtype=np.uint8) % 7; y = x // 2; "
FIRST_CALLS = {
    "mutual_information, uint8 codes": "fastinfo.mutual_information(x, y)",
    "mutual_information, float64, 32 uniform bins": (
        "fastinfo.mutual_information(x.astype(float), y.astype(float), bins=32)"
    ),
    "pairwise_mutual_information, uint8 codes": (
        "fastinfo.pairwise_mutual_information(np.stack([x, y], 1))"
    ),
}
"""What is called first, by what a table calls it."""

KINDS = {"warm": "kernels compiled before", "cold": "nothing compiled"}
MOST_SECONDS = {"import": 0.1, "warm": 0.6, "cold": 6.0}
"""What must not be exceeded."""

CLOCK = OtherClock()
TIMED = (
    "import time, {before}; start = time.perf_counter(); {call}; print(time.perf_counter() - start)"
)


def _add(code: str, environment: Mapping[str, str]) -> None:
    CLOCK.now += float(python(["-c", code], environment))


def _benchmark(benchmark: Any, title: str, kind: str, code: str, rounds: int, setup: Any) -> None:
    benchmark.pedantic(_add, setup=setup, rounds=rounds)
    if not benchmark.enabled:
        return
    seconds = benchmark.stats.stats
    target = Target("seconds", {}, at_most=MOST_SECONDS[kind])
    figure = {"figure": "seconds", "unit": "s", "median": seconds.median}
    figure |= {"min": seconds.min, "max": seconds.max}
    figure |= {"target": target.bounds(), "met": target.is_met(seconds.median)}
    benchmark.extra_info.update(title=title, kind="startup", figures=[figure])


@pytest.mark.benchmark(timer=CLOCK, group="start-up")
def test_import(benchmark: Any) -> None:
    """The import of fastinfo, beyond that of NumPy."""
    code = TIMED.format(before="numpy", call="import fastinfo")
    python(["-c", code], {})  # writes the byte code
    title = "import fastinfo, beyond import numpy"
    _benchmark(benchmark, title, "import", code, 12, lambda: ((code, {}), {}))


@pytest.mark.benchmark(timer=CLOCK, group="start-up")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", FIRST_CALLS)
def test_first_call(benchmark: Any, what: str, kind: str, tmp_path: Path) -> None:
    """A first call after the import, with compiled kernels at hand or not."""
    if not benchmark.enabled:
        pytest.skip("takes seconds, and has no answer to be checked")
    code = SAMPLES + TIMED.format(before="fastinfo", call=FIRST_CALLS[what])
    folders = iter(range(1000))

    def fresh() -> Any:
        folder = tmp_path / (str(next(folders)) if kind == "cold" else "same")
        return (code, {"NUMBA_CACHE_DIR": str(folder)}), {}

    if kind == "warm":
        arguments, _ = fresh()
        python(["-c", arguments[0]], arguments[1])
    title = f"first call, {KINDS[kind]}: {what}"
    _benchmark(benchmark, title, kind, code, 3 if kind == "cold" else 12, fresh)
