"""Results → tables: all of them for docs/benchmarks.md, the ten that decide for the README.

``python -m bench report FILE --group counting --update docs/benchmarks.md``, and ``--short --update
README.md``. Wins and losses stand side by side. A table is all that lies between two markers, of
which the first one names the file in ``bench/results/``; a test holds that the table is that
file's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.machine import RESULTS

COUNTING, STARTUP = "counting", "startup"

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


def read(path: Path) -> dict[str, Any]:
    """Results from a file of pytest-benchmark's, written by the benchmarks of this folder.

    Raises
    ------
    ValueError
        For another file.
    """
    try:
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        benchmarks = results["benchmarks"]
        is_ours = "id" in results["machine_info"] and all(
            "kind" in benchmark["extra_info"] for benchmark in benchmarks
        )
    except (KeyError, TypeError, ValueError):
        is_ours = False
    if not is_ours:
        raise ValueError(f"{path.name} is no results file; `ci/bench` writes them")
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


def cases_of(results: Result, group: str) -> list[list[Result]]:
    """The benchmarks of each case of a group with each of its parameters, the first contender
    first.
    """
    found: dict[str, list[Result]] = {}
    for benchmark in results["benchmarks"]:
        told = benchmark["extra_info"]
        if told["kind"] == "case" and told["group"] == group:
            key = json.dumps([told["case"], benchmark["params"]["parameters"]])
            found.setdefault(key, []).append(benchmark)
    return [case for case in found.values() if case[0]["extra_info"]["is_first"]]


def lines_of_case(case: Sequence[Result]) -> list[str]:
    """Rows of one case: fastinfo beside each peer, then its other figures that have a target."""
    ours, *peers = (benchmark["extra_info"] for benchmark in case)
    rows = []
    for peer in peers:
        theirs = duration(peer["warm_seconds"])
        if peer["share"] < 1:
            theirs = f"≈ {theirs}"
        if "steps" in peer:
            theirs += f", {rate(peer['steps']['rate'], peer['steps']['unit'])}"
        name = peer["contender"]
        name = f"`{name}`" if "." in name and " " not in name else name
        rows.append([name, theirs, *_measured(peer["ratio"])])
    rows += [
        [figure["figure"], "", *_measured(figure)]
        for figure in ours["figures"]
        if figure["target"] is not None
    ]
    rows = rows or [[""] * 4]
    own = f"{duration(ours['warm_seconds'])}, {rate(ours['rate'], ours['unit'] + '/s')}"
    heads = [[ours["title"], own], *([["", ""]] * (len(rows) - 1))]
    return [f"| {' | '.join([*head, *row])} |" for head, row in zip(heads, rows, strict=True)]


def _measured(figure: Result) -> tuple[str, str]:
    """A figure with its quartiles, or extremes, and its target."""
    unit = figure["unit"]
    told = amount(figure["median"], unit)
    low, high = figure.get("q1", figure["min"]), figure.get("q3", figure["max"])
    if low < high:
        told += f" ({amount(low, unit)} to {amount(high, unit)})"
    return told, target(figure["target"], figure["met"], unit)


def hardware(results: Result) -> str:
    """The machine in a line."""
    machine = results["machine_info"]
    caches = "".join(f", {level} {size}" for level, size in machine["caches"].items())
    cpu = machine["cpu"]
    return (
        f"{cpu['brand_raw']} ({machine['llvm_cpu']}), {cpu['count']} cores{caches}, "
        f"{machine['system']}"
    )


def revision(results: Result) -> str:
    """The commit, shortened, with a plus where files have changed since."""
    commit = results["commit_info"]
    return f"{commit['id'][:12]}{'+' if commit['dirty'] else ''}"


def day(results: Result) -> str:
    """The date of a run."""
    return str(results["datetime"])[:10]


def table(results: Result, group: str = COUNTING) -> str:
    """The Markdown of all results of a group."""
    versions = results["machine_info"]["versions"]
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [f"{hardware(results)}; {software}, revision {revision(results)}; {day(results)}."]
    cases = cases_of(results, group)
    if cases:
        ratios = [b["extra_info"]["ratio"] for case in cases for b in case[1:]]
        # Older files have no quartiles.
        has_quartiles = any("q1" in found for found in ratios)
        brackets = "quartiles" if has_quartiles else "smallest and largest value of a round"
        lines += [
            f"Medians over rounds in which all take turns; in brackets the {brackets}. "
            "≈: timed on a part of the work. Below 1×, fastinfo is the slower.",
            "",
            "| work | fastinfo | beside | takes | measured | target |",
            "|---|---|---|---|---|---|",
        ]
        for case in cases:
            lines += lines_of_case(case)
    startup = [
        b["extra_info"] for b in results["benchmarks"] if b["extra_info"]["kind"] == "startup"
    ]
    if startup and group == STARTUP:
        lines += ["", "| start | seconds | target |", "|---|---|---|"]
        for row in startup:
            (seconds,) = row["figures"]
            told = f"{duration(seconds['median'])} ({duration(seconds['min'])} to "
            told += f"{duration(seconds['max'])})"
            wanted = target(seconds["target"], seconds["met"], " s")
            lines.append(f"| {row['title']} | {told} | {wanted} |")
    for missing in results["machine_info"]["not_measured"]:
        if missing["group"] == group:
            lines += [
                "",
                f"Not run: {missing['case']}, {missing['contender']}: {missing['reason']}.",
            ]
    return "\n".join(lines)


def short_table(results: Result, group: str = COUNTING) -> str:
    """The Markdown of the lines that decide."""
    cpu = results["machine_info"]["cpu"]
    lines = [
        f"{cpu['brand_raw']}, {cpu['count']} cores, one thread; {day(results)}. Below 1×, "
        "fastinfo is the slower. ≈: timed on a part of the work.",
        "",
        "| work | fastinfo | beside | takes | ratio |",
        "|---|---|---|---|---|",
    ]
    by_key = {
        (case[0]["extra_info"]["case"], tuple(case[0]["params"]["parameters"].items())): case
        for case in cases_of(results, group)
    }
    for name, parameters, contender in SHORT:
        ours, *peers = (b["extra_info"] for b in by_key[name, tuple(parameters.items())])
        row = [ours["title"], duration(ours["warm_seconds"]), "", "", ""]
        for peer in peers:
            if peer["contender"] == contender:
                about = "≈ " if peer["share"] < 1 else ""
                theirs = about + duration(peer["warm_seconds"])
                row[2:] = [f"`{contender}`", theirs, times(peer["ratio"]["median"])]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def _markers(group: str) -> re.Pattern[str]:
    """What a text has before and after the table of a group."""
    return re.compile(
        rf"<!-- bench:{group}:begin (?P<file>\S+) -->\n(?P<table>.*?)\n<!-- bench:{group}:end -->",
        re.S,
    )


def marked(text: str, group: str = COUNTING) -> tuple[Path, str]:
    """The results file that a text names for the table of a group, and this table.

    Raises
    ------
    ValueError
        Where there is not one of each marker, in order.
    """
    return RESULTS / (found := _only(text, group))["file"], found["table"]


def _only(text: str, group: str) -> re.Match[str]:
    found = list(_markers(group).finditer(text))
    if len(found) != 1 or text.count(f"<!-- bench:{group}:") != 2:
        raise ValueError(
            f"the text needs one `<!-- bench:{group}:begin FILE -->` and after it one "
            f"`<!-- bench:{group}:end -->`, each in a line of its own"
        )
    return found[0]


def updated(
    text: str,
    path: Path,
    make: Callable[[Result, str], str] = table,
    group: str = COUNTING,
) -> str:
    """The text with a table of the results of a file."""
    found = _only(text, group)
    file = path.resolve().relative_to(RESULTS).as_posix()
    begin, end = f"<!-- bench:{group}:begin {file} -->", f"<!-- bench:{group}:end -->"
    made = f"{begin}\n{make(read(path), group)}\n{end}"
    return text[: found.start()] + made + text[found.end() :]
