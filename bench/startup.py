"""How long it takes until the first answer, measured in new processes."""

from __future__ import annotations

import tempfile
import time
from typing import Any

from bench.processes import python
from bench.timing import spread

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

MOST_SECONDS = {"import": 0.1, "warm": 0.6, "cold": 6.0}
"""What must not be exceeded."""


def measure(repetitions: int = 10) -> list[dict[str, Any]]:
    """Import time, and first calls with a warm and with an empty cache of compiled kernels."""
    rows = [_row("import fastinfo, beyond import numpy", "import", _imports(repetitions))]
    for title, call in FIRST_CALLS.items():
        warm, cold = _first_calls(call, repetitions)
        rows.append(_row(f"first call, kernels compiled before: {title}", "warm", warm))
        rows.append(_row(f"first call, nothing compiled: {title}", "cold", cold))
    return rows


def _row(title: str, kind: str, seconds: list[float]) -> dict[str, Any]:
    told = spread(seconds)
    most = MOST_SECONDS[kind]
    return {
        "title": title,
        "seconds": {**told, "repetitions": len(seconds)},
        "target": most,
        "met": told["median"] <= most,
    }


def _imports(repetitions: int) -> list[float]:
    """Differences of pairs of whole processes, which take turns."""

    def lasts(code: str) -> float:
        start = time.perf_counter()
        python(["-c", code], {})
        return time.perf_counter() - start

    lasts("import fastinfo")  # writes the byte code
    return [lasts("import numpy, fastinfo") - lasts("import numpy") for _ in range(repetitions)]


def _first_calls(call: str, repetitions: int) -> tuple[list[float], list[float]]:
    """Seconds of a first call, after the import: with a warm cache, and with an empty one."""
    code = (
        SAMPLES
        + "import time, fastinfo; start = time.perf_counter(); "
        + call
        + "; print(time.perf_counter() - start)"
    )
    cold, warm = [], []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            environment = {"NUMBA_CACHE_DIR": folder}
            cold.append(float(python(["-c", code], environment)))
            warm += [float(python(["-c", code], environment)) for _ in range(-(-repetitions // 3))]
    return warm, cold
