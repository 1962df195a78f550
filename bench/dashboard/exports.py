"""Results for other tools: github-action-benchmark, Prometheus, and anything that reads CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bench.dashboard.data import COLUMNS

Shown = Mapping[str, Any]

LABELS = ("case", "contender", "backend", "device", "n", "m", "bins")
METRICS = {
    "seconds": "Median time of the whole work.",
    "ratio": "How many times longer a contender takes than the first one, in the same rounds.",
    "memory": "Peak of memory in bytes beyond what was resident before.",
    "error": "Relative error of the value.",
    "fraction": "Seconds at the limit of the machine over seconds taken.",
    "cold": "Seconds of the first call in a process.",
}


def _rows(shown: Shown, run: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], dict[str, Any]]]:
    return [(shown["series"][row[0]], dict(zip(COLUMNS, row, strict=True))) for row in run["rows"]]


def _newest(shown: Shown) -> list[Mapping[str, Any]]:
    """The newest run of each machine."""
    return list({run["machine"]: run for run in shown["runs"]}.values())


def _name(series: Mapping[str, Any]) -> str:
    contender = series["contender"]
    return f"{series['title']}: {contender}" if contender else str(series["title"])


def github_action_benchmark(shown: Shown) -> str:
    """The newest run of each machine, in the tool's format ``customSmallerIsBetter``.

    The tool reads results files as they are too, by its format ``pytest``, but for one run.
    """
    told = [
        {
            "name": f"{run['machine']}: {_name(series)}",
            "unit": "s",
            "value": row["seconds"],
            "range": f"{row['low']} to {row['high']}",
            "extra": f"{run['commit']}; {run['hardware']}",
        }
        for run in _newest(shown)
        for series, row in _rows(shown, run)
    ]
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def prometheus(shown: Shown) -> str:
    """The newest run of each machine, in the text format; what was not measured has no line."""
    lines = []
    for metric, help_ in METRICS.items():
        name = f"fastinfo_benchmark_{metric}"
        lines += [f"# HELP {name} {help_}", f"# TYPE {name} gauge"]
        for run in _newest(shown):
            for series, row in _rows(shown, run):
                if row[metric] is None:
                    continue
                told = {"machine": run["machine"], "commit": run["commit"]}
                told |= {label: series[label] for label in LABELS if series[label] is not None}
                told |= {"title": series["title"]}
                labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in told.items())
                lines.append(f"{name}{{{labels}}} {row[metric]!r}")
    return "\n".join(lines) + "\n"


def _escaped(value: Any) -> str:
    """A label's value: backslash, quote and line feed are escaped."""
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def table(shown: Shown) -> str:
    """Every run, a line for each contender, as CSV; a cell of what was not measured is empty."""
    file = io.StringIO()
    told: Sequence[str] = ("machine", "commit", "day")
    named = ("group", "title", *LABELS, "threads", "work", "unit")
    writer = csv.DictWriter(file, [*told, *named, *COLUMNS[1:]], extrasaction="ignore")
    writer.writeheader()
    for run in shown["runs"]:
        for series, row in _rows(shown, run):
            writer.writerow({**series, **row, **{name: run[name] for name in told}})
    return file.getvalue()


FILES = {
    "github-action-benchmark.json": github_action_benchmark,
    "fastinfo.prom": prometheus,
    "results.csv": table,
}
"""What lies beside the page."""
