"""Measure the CuPy backend on a GPU: ``ci/bench-gpu``.

First the bandwidth of a copy and the rates that decide between ways to count, then the cases.
Device events after warm-up, the median of at least 20, data larger than the second-level cache or
taken in turns. Results are written after each case, so that a run that is cut short leaves those it
has.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastinfo
from bench.gpu_cases import SIZES, Judge, Size, judge_among, measure_copy, measure_rates
from bench.gpu_watch import Gpu
from fastinfo.system.files import written_whole

SCHEMA = "fastinfo.bench.gpu/1"
RESULTS = Path(__file__).resolve().parent / "results"


def result_file(device: str) -> Path:
    """Where results of a device are kept, by its name."""
    name = re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
    return RESULTS / f"gpu-{name}.json"


def run(
    gpu: Gpu, size: Size, judge: Judge, name: str, keep: Callable[[Mapping[str, Any]], None]
) -> None:
    """Measure all there is of a size; ``keep`` is given all results so far after each step."""
    results: dict[str, Any] = {
        "schema": SCHEMA,
        "date": datetime.now(UTC).date().isoformat(),
        "size": name,
        "device": gpu.properties._asdict(),
        "versions": {"fastinfo": fastinfo.__version__, "library": gpu.kernels.device.library},
        "copy": measure_copy(gpu, size.copied_bytes),
        "rates": measure_rates(gpu, size.rate_repeats),
        "cases": [],
        "complete": False,
    }
    keep(results)
    print(json.dumps(results, indent=1), file=sys.stderr, flush=True)
    for case in size.cases:
        result = case.measure(gpu, judge, results["copy"]["bytes per second"])
        results["cases"].append(result)
        keep(results)
        print(json.dumps(result, indent=1), file=sys.stderr, flush=True)
    results["complete"] = True
    keep(results)


def main(
    arguments: Sequence[str] | None = None,
    watch: type[Gpu] = Gpu,
    sizes: Mapping[str, Size] = SIZES,
) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="ci/bench-gpu", description=__doc__)
    parser.add_argument("--size", choices=list(sizes), default="full")
    parser.add_argument("--only", metavar="NAME", help="cases with this in their name")
    parser.add_argument("--output", type=Path, help="bench/results/gpu-DEVICE.json by default")
    options = parser.parse_args(arguments)
    try:
        size = sizes[options.size].named(options.only)
    except ValueError as error:
        parser.error(str(error))
    try:
        gpu = watch()
    except ImportError as error:
        print(f"ci/bench-gpu: no GPU can be used: {error}", file=sys.stderr)
        return 2
    output = options.output or result_file(gpu.properties.name)
    output.parent.mkdir(parents=True, exist_ok=True)

    def keep(results: Mapping[str, Any]) -> None:
        with written_whole(output) as file:
            file.write((json.dumps(results, indent=1) + "\n").encode())

    run(gpu, size, judge_among(fastinfo.backends()), options.size, keep)
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
