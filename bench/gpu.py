"""Measure the CuPy backend on a GPU: ``ci/bench gpu``.

First the bandwidth of a copy and the rates that decide between ways to count, then the cases.
Device events after warm-up, the median of at least 20, data larger than the second-level cache or
taken in turns. Results are written after each case, so that a run that is cut short leaves those it
has.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_benchmark.stats import Stats

import fastinfo
from bench import machine
from bench.gpu_cases import (
    SIZES,
    Judge,
    MatrixCase,
    PairCase,
    Size,
    judge_among,
    measure_copy,
    measure_rates,
)
from bench.gpu_watch import Gpu
from bench.turns import spread
from fastinfo.system.files import written_whole
from fastinfo.system.limits import usable_cores

GROUP = "gpu"


def identity(device: str) -> str:
    """The folder of a device's results, by its name."""
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")


def document(gpu: Gpu, size: str) -> dict[str, Any]:
    """A results file of pytest-benchmark's schema, without benchmarks as yet."""
    info = machine.machine()
    info |= {"id": identity(gpu.properties.name), "device": gpu.properties._asdict(), "size": size}
    info["versions"] |= {"library": gpu.kernels.device.library}
    info |= {"limits": {}, "not_measured": [], "is_complete": False}
    return {
        "machine_info": info,
        "commit_info": machine.commit(),
        "benchmarks": [],
        "datetime": datetime.now(UTC).isoformat(),
        "version": importlib.metadata.version("pytest-benchmark"),
    }


def entries(case: PairCase | MatrixCase, result: Mapping[str, Any], judge: Judge) -> list[Any]:
    """A case as benchmarks: the device, then the backend of the host beside it.

    What only a device has, the times of kernels and of the ways to count, is told as it came.
    """
    parameters = case.parameters()
    work, unit = case.work()
    readable = ", ".join(f"{name} = {value:,}" for name, value in parameters.items())
    title = f"{case.name} on a device, {readable}"
    host = result["host"]

    def entry(contender: str, times: Sequence[float], share: float, more: Any) -> dict[str, Any]:
        stats = Stats()
        for seconds in times:
            stats.update(seconds)
        name = f"{GROUP}-{case.name}-{contender}"
        told = spread([seconds / share for seconds in times])
        return {
            "group": title,
            "name": name,
            "fullname": f"bench/gpu.py::{name}",
            "params": {"case": case.name, "parameters": parameters, "contender": contender},
            "param": name,
            "extra_info": {
                "title": title,
                "kind": "case",
                "group": GROUP,
                "case": case.name,
                "contender": contender,
                "n": parameters["n"],
                "m": parameters.get("m"),
                "bins": parameters["B"],
                "share": share,
                "work": work,
                "unit": unit,
                "rate": work / told["median"],
                "warm_seconds": told["median"],
                "first_call_seconds": None,
                "peak_memory_bytes": None,
                "relative_error": None,
                "checked": f"agrees with {judge.name}",
                "is_default": False,
                "figures": [],
                "ratio": None,
                "roofline": None,
                **more,
            },
            "options": {},
            "stats": {**stats.as_dict(), "data": list(times), "iterations": 1},
        }

    bounds = case.targets()
    figures = [
        {"figure": name, "unit": unit_, **spread([result[name]]), "target": bound.bounds()}
        | {"met": bound.is_met(result[name])}
        for name, (unit_, bound) in bounds.items()
        if result.get(name) is not None
    ]
    of_device = {
        "is_first": True,
        "backend": "cupy",
        "device": "gpu",
        "threads": 1,
        "bytes": result["bytes"],
        "figures": figures,
        "details": result,
    }
    share = result.get("share of copy bandwidth")
    if share is not None:
        limit_seconds = share * spread(result["times"])["median"]
        of_device["roofline"] = {"fraction": share, "bound_by": "a copy within the device"}
        of_device["roofline"]["limit_seconds"] = limit_seconds
    ours = entry("fastinfo, cupy", result["times"], 1.0, of_device)
    peer = entry(f"fastinfo, {judge.name}", host["times"], host["share"], {})
    peer["extra_info"] |= {"is_first": False, "backend": judge.name, "device": "cpu"}
    peer["extra_info"] |= {"threads": usable_cores(), "bytes": result["bytes"]}
    peer["extra_info"]["ratio"] = {
        "figure": peer["extra_info"]["contender"],
        "unit": "×",
        **spread([result[f"times {judge.name}"]]),
        "target": None,
        "met": None,
    }
    return [ours, peer]


def run(
    gpu: Gpu, size: Size, judge: Judge, name: str, keep: Callable[[Mapping[str, Any]], None]
) -> None:
    """Measure all there is of a size; ``keep`` is given all results so far after each step."""
    results = document(gpu, name)
    info = results["machine_info"]
    info["copy"] = measure_copy(gpu, size.copied_bytes)
    info["rates"] = measure_rates(gpu, size.rate_repeats)
    keep(results)
    print(json.dumps(info, indent=1), file=sys.stderr, flush=True)
    for case in size.cases:
        result = case.measure(gpu, judge, info["copy"]["bytes per second"])
        results["benchmarks"] += entries(case, result, judge)
        keep(results)
        print(json.dumps(result, indent=1), file=sys.stderr, flush=True)
    info["is_complete"] = True
    keep(results)


def main(
    arguments: Sequence[str] | None = None,
    watch: type[Gpu] = Gpu,
    sizes: Mapping[str, Size] = SIZES,
) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="ci/bench gpu", description=__doc__)
    parser.add_argument("--size", choices=list(sizes), default="full")
    parser.add_argument("--only", metavar="NAME", help="cases with this in their name")
    parser.add_argument(
        "--output", type=Path, help="bench/results/DEVICE/DATE-COMMIT.json by default"
    )
    options = parser.parse_args(arguments)
    try:
        size = sizes[options.size].named(options.only)
    except ValueError as error:
        parser.error(str(error))
    try:
        gpu = watch()
    except ImportError as error:
        print(f"ci/bench gpu: no GPU can be used: {error}", file=sys.stderr)
        return 2
    output = options.output or machine.results_file(
        datetime.now(UTC), "" if options.only is None else "part", identity(gpu.properties.name)
    )
    output.parent.mkdir(parents=True, exist_ok=True)

    def keep(results: Mapping[str, Any]) -> None:
        with written_whole(output) as file:
            file.write((json.dumps(results, indent=1) + "\n").encode())

    run(gpu, size, judge_among(fastinfo.backends()), options.size, keep)
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
