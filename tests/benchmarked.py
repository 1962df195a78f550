"""Results files of the benchmarks that nobody measured, for tests of what reads them."""

from __future__ import annotations

from typing import Any


def stats(median: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """pytest-benchmark's statistics, as far as anything here reads them."""
    low, high = low or median * 0.9, high or median * 1.1
    found = {"min": low, "max": high, "median": median, "mean": median, "stddev": (high - low) / 2}
    found |= {"q1": low, "q3": high}
    return found | {"rounds": 3, "iterations": 1, "ops": 1 / median, "data": [low, median, high]}


def spread(value: float) -> dict[str, float]:
    """A figure's value with extremes."""
    return {"median": value, "min": value * 0.8, "max": value * 1.2}


def figure(name: str, unit: str, value: float, **options: Any) -> dict[str, Any]:
    """A figure, with ``at_least`` or ``at_most`` one that has a target."""
    told = {"figure": name, "unit": unit, **spread(value), "target": None, "met": None}
    if options:
        least, most = options.get("at_least"), options.get("at_most")
        told["target"] = {"at_least": least, "at_most": most}
        told["met"] = (least is None or value >= least) and (most is None or value <= most)
    return told


def benchmark(
    case: str,
    parameters: dict[str, int],
    contender: str,
    seconds: float,
    ratio: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One contender of one case; without a ratio it is the first one."""
    title = more.pop("title", f"{case}, " + ", ".join(f"{k} = {v}" for k, v in parameters.items()))
    share = more.get("share", 1.0)
    work = parameters.get("n", 1)
    name = f"test_contender_answers_right[{case}-{contender}]"
    told = {
        "title": title,
        "kind": "case",
        "group": "counting",
        "case": case,
        "contender": contender,
        "is_first": ratio is None,
        "backend": "",
        "device": "cpu",
        "is_default": False,
        "threads": 1,
        "n": parameters.get("n"),
        "m": parameters.get("m"),
        "bins": parameters.get("B"),
        "share": share,
        "work": work,
        "unit": "samples",
        "bytes": 2 * work,
        "rate": work / seconds,
        "first_call_seconds": 10 * seconds,
        "warm_seconds": seconds,
        "peak_memory_bytes": None,
        "relative_error": None,
        "roofline": None,
        "checked": "2 answers equal the reference's",
        "ratio": ratio,
        "figures": [],
    }
    return {
        "group": title,
        "name": name,
        "fullname": f"bench/test_cases.py::{name}",
        "params": {"case": case, "parameters": parameters, "contender": contender},
        "param": f"{case}-{contender}",
        "extra_info": told | more,
        "options": {},
        "stats": stats(seconds * share),
    }


def results(
    benchmarks: list[dict[str, Any]],
    day: str = "2025-01-31",
    commit: str = "0123456789abcdef0123456789abcdef01234567",
    machine: str = "generic-2-cores",
    **info: Any,
) -> dict[str, Any]:
    """A results file."""
    told = {
        "system": "Linux",
        "machine": "x86_64",
        "python_implementation": "CPython",
        "python_version": "3.11.0",
        "cpu": {"brand_raw": "Some CPU", "arch": "x86_64", "count": 2},
        "id": machine,
        "llvm_cpu": "generic",
        "caches": {"L1": "32 KiB"},
        "versions": {"python": "3.11.0", "numpy": "2.0.0"},
        "size": "default",
        "limits": {"bytes": 1e10, "increments": 3e9, "bits": 5e11},
        "not_measured": [],
    }
    return {
        "machine_info": told | info,
        "commit_info": {
            "project": "fastinfo",
            "branch": "(unknown)",
            "dirty": False,
            "id": commit,
            "time": f"{day}T12:00:00+00:00",
            "author_time": f"{day}T12:00:00+00:00",
        },
        "benchmarks": benchmarks,
        "datetime": f"{day}T13:00:00+00:00",
        "version": "5.3.1",
    }


CURVES = {"n": (100, 10**4, 10**6), "B": (2, 16, 128)}
CONTENDERS = {
    "fastinfo": 1.0,
    "fastinfo, numba": 1.0,
    "fastinfo, numpy": 4.0,
    "np.bincount(x*B + y)": 0.5,
    "sklearn.metrics.mutual_info_score": 40.0,
}
"""How long each takes, in parts of the first one's time."""


def measured(speed: float = 1.0, **of_results: Any) -> dict[str, Any]:
    """A run with all that the page shows: curves, ratios on both sides of 1, limits, and so on.

    ``speed`` is that of fastinfo; peers are as fast as ever.
    """
    found = []
    for over, values in CURVES.items():
        for value in values:
            parameters = {"n": 10**5, "B": 16} | {over: value}
            for contender, times in CONTENDERS.items():
                ours = (1e-4 + parameters["n"] * 1e-9) / speed
                seconds = ours if contender.startswith("fastinfo,") else ours * speed * times
                seconds = ours if contender == "fastinfo" else seconds
                ratio = None if contender == "fastinfo" else figure(contender, "×", seconds / ours)
                if ratio is not None:
                    ratio |= {"min": 0.97 * seconds / ours, "max": 1.03 * seconds / ours}
                found.append(
                    benchmark(
                        f"backends-{over}",
                        parameters,
                        contender,
                        seconds,
                        ratio,
                        group="backends",
                        title=f"one pair over {over}, B = {parameters['B']}, n = {parameters['n']}",
                        backend=contender.removeprefix("fastinfo").lstrip(", ").split("(")[0],
                        is_default=contender == "fastinfo, numba",
                        peak_memory_bytes=0 if contender == "fastinfo" else 8 * parameters["n"],
                        relative_error=0.0 if contender == "fastinfo" else 3e-15,
                        roofline={"fraction": 0.4, "bound_by": "bytes", "limit_seconds": 1.0}
                        if contender == "fastinfo"
                        else None,
                        figures=[figure("rate", "samples/s", 5e8, at_least=6e8)]
                        if contender == "fastinfo"
                        else [],
                    )
                )
    left_out = {"case": "backends-n", "contender": "fastinfo, cupy", "reason": "there is no GPU"}
    return results(
        found,
        **{"not_measured": [left_out | {"group": "backends"}]} | of_results,
    )


def history(n_runs: int, slow_from: int | None = None) -> list[dict[str, Any]]:
    """Runs of two machines in turn, day by day; fastinfo is slower from some run on."""
    return [
        measured(
            speed=1.0 if slow_from is None or number < slow_from else 0.7,
            day=f"2025-{1 + number // 28:02}-{1 + number % 28:02}",
            commit=f"{number:040x}",
            machine=("generic-2-cores", "other-8-cores")[number % 2],
        )
        for number in range(n_runs)
    ]
