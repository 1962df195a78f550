"""Results files → what the page shows: each series told once, and rows of numbers for each run.

Files of the same machine and commit are one run, so that parts that were measured one after the
other are seen together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench import report

Result = Mapping[str, Any]

COLUMNS = (
    *("series", "seconds", "low", "high", "ratio", "ratio_low", "ratio_high"),
    *("memory", "error", "fraction", "bound_by", "cold", "is_default"),
)
"""What a row of a run holds: low and high are quartiles. None is what was not measured."""

WORSE = 1.1
"""How many times worse a figure is at least that is called a regression."""

LOOK_BACK = 5
"""Runs before, of the same machine, that a figure is held against."""


def read(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Results of files and of all files in folders, the oldest first.

    Raises
    ------
    ValueError
        Where there is none, or a file is none of results.
    """
    files = [
        file
        for path in paths
        for file in (sorted(path.rglob("*.json")) if path.is_dir() else [path])
    ]
    if not files:
        raise ValueError("no results files; `ci/bench quick` writes one to bench/results/")
    found = [report.read(file) for file in files]
    return sorted(found, key=lambda results: str(results["datetime"]))


def shown(results: Sequence[Result]) -> dict[str, Any]:
    """All that the page needs to know, ready for JSON."""
    series = _Series()
    runs: dict[tuple[str, str, bool], dict[str, Any]] = {}
    for result in results:
        commit, info = result["commit_info"], result["machine_info"]
        key = info["id"], commit["id"], commit["dirty"]
        run = runs.setdefault(key, _run(result))
        run["day"], run["limits"] = report.day(result), info["limits"] or run["limits"]
        firsts = {
            entry["extra_info"]["case"]: entry["extra_info"]["contender"]
            for entry in result["benchmarks"]
            if entry["extra_info"].get("is_first")
        }
        run["left_out"] += [told for told in info["not_measured"] if told not in run["left_out"]]
        for entry in result["benchmarks"]:
            row = _row(series.number(entry, firsts), entry)
            run["rows"][row[0]] = row
            run["figures"][row[0]] = _figures(row[0], entry)
    told = [
        run
        | {
            "rows": list(run["rows"].values()),
            "figures": [figure for figures in run["figures"].values() for figure in figures],
        }
        for run in runs.values()
    ]
    return {
        "columns": COLUMNS,
        "series": series.all,
        "runs": told,
        "regressions": [found._asdict() for found in regressions(told, series.all)],
        "worse": WORSE,
        "look_back": LOOK_BACK,
    }


def _run(result: Result) -> dict[str, Any]:
    info = result["machine_info"]
    return {
        "machine": info["id"],
        "hardware": report.hardware(result),
        "device": info.get("device", {}).get("name"),
        "versions": info["versions"],
        "limits": {},
        "commit": report.revision(result),
        "day": "",
        "size": info["size"],
        "left_out": [],
        "rows": {},
        "figures": {},
    }


class _Series:
    """A contender of a case with parameters, or a start-up time: told once, then by number."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}

    def number(self, entry: Result, firsts: Mapping[str, str]) -> int:
        """Its place in the list, where a new one is told; ``firsts`` are contenders by case."""
        told, parameters = entry["extra_info"], entry["params"] or {}
        key = json.dumps([told["title"], told.get("case"), parameters])
        if key not in self._numbers:
            self._numbers[key] = len(self.all)
            of_case = parameters.get("parameters", {})
            is_peer = _is_peer(told, firsts.get(told.get("case", ""), ""))
            names = ("kind", "group", "case", "title", "contender", "work", "unit", "backend")
            found = {
                name: told.get(name) for name in (*names, "device", "threads", "n", "m", "bins")
            }
            self.all.append(
                found
                | {
                    "parameters": of_case,
                    "is_first": told.get("is_first", True),
                    "is_part": told.get("share", 1.0) < 1,
                    "is_peer": is_peer,
                    "better": _better_ratio(told, is_peer),
                }
            )
        return self._numbers[key]


def _is_peer(told: Mapping[str, Any], first: str) -> bool:
    """Whether it is another library, and no way of fastinfo's own nor a limit of the machine."""
    is_ours = "fastinfo" in told.get("contender", "fastinfo") or "fastinfo" not in first
    return not is_ours and "steps" not in told


def _better_ratio(told: Mapping[str, Any], is_peer: bool) -> str | None:
    """Whether a higher ratio is the better one, or a lower one; None where it has no better.

    A peer should take longer. A way or a part of fastinfo's own has the bound that it has.
    """
    bounds = (told.get("ratio") or {}).get("target") or {}
    if bounds.get("at_most") is not None:
        return None if bounds["at_least"] is not None else "lower"
    return "higher" if is_peer or bounds else None


def _row(number: int, entry: Result) -> list[Any]:
    """Seconds are those of the whole work, where a contender did a part of it."""
    told, stats = entry["extra_info"], entry.get("stats", {})
    if told["kind"] == "startup":
        (found,) = told["figures"]
        seconds = [found[name] for name in ("median", "min", "max")]
        return [number, *map(_short, seconds), *([None] * 8), 0]
    share = told["share"]
    seconds = [told["warm_seconds"], *(stats[name] / share for name in ("q1", "q3"))]
    ratio = told["ratio"] or {}
    ratio = {"q1": ratio.get("min"), "q3": ratio.get("max"), **ratio}  # older files have none
    roofline = told["roofline"] or {}
    return [
        number,
        *map(_short, seconds),
        *(_short(ratio.get(name)) for name in ("median", "q1", "q3")),
        told["peak_memory_bytes"],
        _short(told["relative_error"]),
        _short(roofline.get("fraction")),
        roofline.get("bound_by"),
        _short(told["first_call_seconds"]),
        int(told["is_default"]),
    ]


def _short(value: float | None) -> float | None:
    """Four digits are more than a time is worth."""
    return None if value is None else float(f"{value:.4g}")


def _figures(number: int, entry: Result) -> list[list[Any]]:
    """Figures that have a target."""
    told = entry["extra_info"]
    ratio = told.get("ratio")
    return [
        [
            *(number, figure["figure"], figure["unit"], _short(figure["median"])),
            *(figure["target"]["at_least"], figure["target"]["at_most"], figure["met"]),
        ]
        for figure in [*told["figures"], *([ratio] if ratio else [])]
        if figure["target"] is not None
    ]


class Regression(NamedTuple):
    """A figure that is worse than it was."""

    run: int
    series: int
    what: str
    """``ratio`` or ``seconds``, as they are called in a row."""
    times_worse: float


def regressions(runs: Sequence[Result], series: Sequence[Result]) -> list[Regression]:
    """What became worse from one run to the next on the same machine.

    Worse than the median of the runs before by `WORSE`, with all of its rounds worse than the worst
    of theirs. Ratios to peers are what is held against each other, for both sides see the same
    weather; a time only where no contender stands beside.
    """
    found = []
    history: dict[tuple[str, int], list[list[Any]]] = {}
    for number, run in enumerate(runs):
        beside = {}
        for row in run["rows"]:
            before = history.setdefault((run["machine"], row[0]), [])
            what, better = "seconds", "lower"
            if row[COLUMNS.index("ratio")] is not None:
                what, better = "ratio", series[row[0]]["better"]
            times_worse = better and _times_worse(before[-LOOK_BACK:], row, what, better)
            if times_worse is not None:
                beside[row[0]] = Regression(number, row[0], what, times_worse)
            before.append(row)
        found += beside.values()
    return found


def _times_worse(
    before: Sequence[Sequence[Any]], row: Sequence[Any], what: str, better: str
) -> float | None:
    """How many times, or None where it is no regression."""
    first = COLUMNS.index(what)
    told = [r[first : first + 3] for r in before if r[first] is not None]
    now = row[first : first + 3]
    if not told:
        return None
    was = median(value for value, _, _ in told)
    if better == "higher":
        times_worse, is_apart = was / now[0], now[2] < min(low for _, low, _ in told)
    else:
        times_worse, is_apart = now[0] / was, now[1] > max(high for _, _, high in told)
    return _short(times_worse) if times_worse >= WORSE and is_apart else None
