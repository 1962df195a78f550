"""Results → tables: all of them for docs/benchmarks.md, the ten that decide for the README.

``python -m bench.report --update docs/benchmarks.md`` and ``--short --update README.md``. Wins and
losses stand side by side. A table is all that lies between the two markers; a test holds that it is
the one of the results file beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

SCHEMAS = ("fastinfo.bench/2",)
RESULTS = Path(__file__).resolve().parent / "results"
COUNTING = "counting"

Result = Mapping[str, Any]

SHORT: tuple[tuple[str, Mapping[str, int], str], ...] = (
    ("pair-uint8", {"n": 10_000, "B": 16}, "sklearn.metrics.mutual_info_score"),
    ("pair-uint8", {"n": 10_000, "B": 16}, "np.bincount(x*B + y)"),
    ("pair-uint8", {"n": 10**7, "B": 16}, "sklearn.metrics.mutual_info_score"),
    ("pair-uint8", {"n": 10**7, "B": 16}, "np.bincount(x*B + y)"),
    ("pair-float64", {"n": 10**7, "B": 32}, "np.histogram2d"),
    (
        "all-pairs-uint8",
        {"m": 1000, "n": 10_000, "B": 16},
        "loop over sklearn.metrics.mutual_info_score",
    ),
    ("all-pairs-uint8", {"m": 1000, "n": 10_000, "B": 16}, "one-hot float32 product in NumPy"),
    ("all-pairs-genotypes", {"m": 5000, "n": 10_000, "B": 3}, ""),
    ("top-pairs-memory", {"m": 20_000, "n": 2000, "B": 16}, ""),
    ("soft-bspline", {"n": 10**6, "B": 64}, "monai GlobalMutualInformationLoss"),
)
"""The lines that decide: case, parameters and contender, two losses among them."""


def results_of(group: str, size: str = "default") -> Path:
    """The file with the results of a group of cases."""
    return RESULTS / (f"{size}.json" if group == COUNTING else f"{size}-{group}.json")


def markers(group: str = COUNTING) -> tuple[str, str]:
    """The lines in a text before and after the table of a group."""
    name = "bench" if group == COUNTING else f"bench:{group}"
    return f"<!-- {name}:begin -->", f"<!-- {name}:end -->"


def read(path: Path) -> dict[str, Any]:
    """Results from a file.

    Raises
    ------
    ValueError
        For a file of another schema.
    """
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if results.get("schema") not in SCHEMAS:
        raise ValueError(
            f"{path.name} has schema {results.get('schema')!r}; accepted are {', '.join(SCHEMAS)}"
        )
    return results


def duration(seconds: float) -> str:
    """Seconds in a unit that suits them, three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(seconds) >= size or unit == "µs":
            return f"{_three_digits(seconds / size)} {unit}"
    raise AssertionError("the last unit takes all")


def times(ratio: float) -> str:
    """A ratio, three digits, no more than it is worth."""
    return f"{_three_digits(ratio)}×"


def rate(per_second: float, unit: str) -> str:
    """So many of a unit, with a prefix: work per second, or bytes."""
    for prefix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if per_second >= size or prefix == "M":
            return f"{_three_digits(per_second / size)} {prefix}{_after_prefix(unit)}"
    raise AssertionError("the last prefix takes all")


def _after_prefix(unit: str) -> str:
    """Short units join their prefix: GB, Tbit/s, but G samples/s."""
    return unit if unit in ("B", "bit/s") else f" {unit}"


def amount(value: float, unit: str) -> str:
    """A figure in its unit."""
    return times(value) if unit == "×" else rate(value, unit)


def _bound(value: float, unit: str) -> str:
    if unit in ("×", " s"):
        return f"{float(f'{value:.3g}'):g}{unit}"
    prefix, size = ("G", 1e9) if value >= 1e8 else ("M", 1e6)
    return f"{value / size:g} {prefix}{_after_prefix(unit)}"


def _three_digits(value: float) -> str:
    if abs(value) >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:#.3g}".rstrip(".")


def target(bounds: Mapping[str, float | None] | None, met: bool | None, unit: str) -> str:
    """What was to be reached, and whether it was."""
    if bounds is None:
        return ""
    signs = {"at_least": "≥", "at_most": "≤"}
    told = [f"{signs[name]} {_bound(b, unit)}" for name, b in bounds.items() if b is not None]
    return f"{' and '.join(told)}: {'met' if met else '**missed**'}"


def lines_of_case(result: Result) -> list[str]:
    """Rows of one case: fastinfo beside each peer, then its other figures that have a target."""
    ours, *peers = result["contenders"]
    rows = []
    for peer, found in zip(peers, result["ratios"], strict=True):
        theirs = duration(peer["seconds"]["median"])
        if peer["share"] < 1:
            theirs = f"≈ {theirs}"
        if "steps" in peer:
            theirs += f", {rate(peer['steps']['rate'], peer['steps']['unit'])}"
        name = (
            f"`{peer['name']}`" if "." in peer["name"] and " " not in peer["name"] else peer["name"]
        )
        rows.append([name, theirs, *_measured(found)])
    rows += [
        [figure["figure"], "", *_measured(figure)]
        for figure in result["figures"]
        if figure["target"] is not None
    ]
    rows = rows or [[""] * 4]
    own = f"{duration(ours['seconds']['median'])}, {rate(ours['rate'], result['unit'] + '/s')}"
    heads = [[result["title"], own], *([["", ""]] * (len(rows) - 1))]
    return [f"| {' | '.join([*head, *row])} |" for head, row in zip(heads, rows, strict=True)]


def _measured(figure: Result) -> tuple[str, str]:
    """A figure with its extremes, and its target."""
    unit = figure["unit"]
    told = amount(figure["median"], unit)
    if figure["min"] < figure["max"]:
        told += f" ({amount(figure['min'], unit)} to {amount(figure['max'], unit)})"
    return told, target(figure["target"], figure["met"], unit)


def table(results: Result) -> str:
    """The Markdown of all results."""
    machine, versions = results["machine"], results["versions"]
    caches = ", ".join(f"{level} {size}" for level, size in machine["caches"].items())
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    revision = f", revision {results['revision']}" if results["revision"] else ""
    lines = [
        f"{machine['cpu']} ({machine['llvm_cpu']}), {machine['cores']} cores"
        + (f", {caches}" if caches else "")
        + f", {machine['system']}; {software}{revision}; {results['date']}.",
    ]
    if results["cases"]:
        lines += [
            "Medians over rounds in which all take turns; in brackets the smallest and largest "
            "value of a round. ≈: timed on a part of the work. Below 1×, fastinfo is the slower.",
            "",
            "| work | fastinfo | beside | takes | measured | target |",
            "|---|---|---|---|---|---|",
        ]
        for result in results["cases"]:
            lines += lines_of_case(result)
    if results["startup"]:
        lines += ["", "| start | seconds | target |", "|---|---|---|"]
        for row in results["startup"]:
            seconds = row["seconds"]
            told = f"{duration(seconds['median'])} ({duration(seconds['min'])} to "
            told += f"{duration(seconds['max'])})"
            wanted = target({"at_most": row["target"]}, row["met"], " s")
            lines.append(f"| {row['title']} | {told} | {wanted} |")
    for missing in results["not_run"]:
        lines += ["", f"Not run: {missing['case']}, {missing['reason']}."]
    return "\n".join(lines)


def short_table(results: Result) -> str:
    """The Markdown of the lines that decide."""
    machine = results["machine"]
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, one thread; {results['date']}. Below 1×, "
        "fastinfo is the slower. ≈: timed on a part of the work.",
        "",
        "| work | fastinfo | beside | takes | ratio |",
        "|---|---|---|---|---|",
    ]
    by_key = {(c["case"], tuple(c["parameters"].items())): c for c in results["cases"]}
    for name, parameters, contender in SHORT:
        case = by_key[name, tuple(parameters.items())]
        ours, *peers = case["contenders"]
        row = [case["title"], duration(ours["seconds"]["median"]), "", "", ""]
        for peer, found in zip(peers, case["ratios"], strict=True):
            if peer["name"] == contender:
                about = "≈ " if peer["share"] < 1 else ""
                theirs = about + duration(peer["seconds"]["median"])
                row[2:] = [f"`{contender}`", theirs, times(found["median"])]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def between_markers(text: str, group: str = COUNTING) -> tuple[str, str, str]:
    """What is before, between and after the markers, which belong to the outer parts.

    Raises
    ------
    ValueError
        Where there is not one of each, in order.
    """
    begin, end = markers(group)
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the text needs one {begin} and after it one {end}")
    before, rest = text.split(begin)
    inside, after = rest.split(end)
    return before + begin, inside, end + after


def updated(
    text: str, results: Result, make: Callable[[Result], str] = table, group: str = COUNTING
) -> str:
    """The text with a table of these results."""
    before, _, after = between_markers(text, group)
    return f"{before}\n{make(results)}\n{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument("--group", default=COUNTING, help="whose table; counting by default")
    parser.add_argument("--update", type=Path, metavar="FILE", help="text whose table to replace")
    parser.add_argument("--short", action="store_true", help="the lines that decide, no others")
    options = parser.parse_args(arguments)
    make = short_table if options.short else table
    try:
        results = read(results_of(options.group))
        if options.update is None:
            print(make(results))
        else:
            text = options.update.read_text(encoding="utf-8")
            options.update.write_text(updated(text, results, make, options.group), encoding="utf-8")
    except (OSError, ValueError) as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
