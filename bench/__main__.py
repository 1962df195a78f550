"""``python -m bench``: measure, report, show and compare; ``ci/bench`` is a shorter way."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import machine, report
from bench.case import SIZES


def _measure(options: argparse.Namespace) -> int:
    """Run the benchmarks under pytest, and tell where the results are."""
    if options.part == "full" and not options.only:
        return _measure_groups(options)
    import pytest

    arguments = [str(machine.ROOT / "bench"), "-q", "--benchmark-quiet", "--size", options.size]
    if options.part == "quick":
        arguments += ["-k", "backends"]
        if options.size == "default":
            arguments += ["--effort", "quick"]
    else:
        arguments += ["--memory"]
    if options.only:
        arguments += ["-k", options.only]
    output = options.output
    if output is None and not options.only:
        output = _results_file(datetime.now(UTC), "quick", options.size)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        arguments += [f"--benchmark-json={output}"]
    status = pytest.main(arguments)
    if output is not None and output.exists():
        print(f"results: {output}")
    return int(status)


def _measure_groups(options: argparse.Namespace) -> int:
    """Every group in a process of its own, with a file of its own: a run that ends early keeps
    those that were measured, and no group finds the memory and the threads of another.
    """
    from bench.cases import GROUPS

    if options.output is not None:
        raise ValueError("--output is the file of one process: pass --only too, such as a group")
    now, statuses = datetime.now(UTC), []
    for group in (*GROUPS, report.STARTUP):
        told = ["--size", options.size, "--only", group]
        file = _results_file(now, group, options.size)
        command = [sys.executable, "-m", "bench", "measure", "full", *told, "--output", str(file)]
        statuses.append(subprocess.run(command, cwd=machine.ROOT, check=False).returncode)
    return max(statuses)


def _results_file(now: datetime, part: str, size: str) -> Path:
    """A file whose name tells the part, and the size if it is not the usual one."""
    return machine.results_file(now, part if size == "default" else f"{part}-{size}")


def _report(options: argparse.Namespace) -> int:
    """Print a table, or put it into a text."""
    make = report.short_table if options.short else report.table
    if options.update is None:
        print(make(report.read(options.file), options.group))
    else:
        text = options.update.read_text(encoding="utf-8")
        new = report.updated(text, options.file, make, options.group)
        options.update.write_text(new, encoding="utf-8")
    return 0


def _dashboard(options: argparse.Namespace) -> int:
    """Write the page, and files for other tools beside it."""
    from bench.dashboard import data, exports, page

    shown = data.shown(data.read(options.results or [machine.RESULTS]))
    files = {"index.html": page.made(shown)}
    files |= {name: make(shown) for name, make in exports.FILES.items()}
    options.out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (options.out / name).write_text(text, encoding="utf-8")
        print(options.out / name)
    return 0


def _compare(options: argparse.Namespace) -> int:
    """1 where there is a regression."""
    from bench import compare

    effort = compare.Effort(options.launches, options.rounds, options.least / 100)
    return compare.run(options.before, options.after, effort, options.only, options.output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    measure = commands.add_parser("measure", help="run the benchmarks and write a results file")
    measure.add_argument(
        "part",
        choices=("quick", "full"),
        help="the backends beside each other, in minutes; or everything",
    )
    measure.add_argument("--size", choices=SIZES, default="default")
    measure.add_argument(
        "--only", metavar="NAMES", help="as pytest's -k; written to no file but with --output"
    )
    measure.add_argument("--output", type=Path, metavar="FILE")
    measure.set_defaults(run=_measure)

    table = commands.add_parser("report", help="results as a table, printed or put into a text")
    table.add_argument("file", type=Path, help="a results file")
    table.add_argument("--group", default=report.COUNTING, help="whose table; counting by default")
    table.add_argument("--update", type=Path, metavar="TEXT", help="text whose table to replace")
    table.add_argument("--short", action="store_true", help="the lines that decide, no others")
    table.set_defaults(run=_report)

    dashboard = commands.add_parser("dashboard", help="results as a page that opens offline")
    dashboard.add_argument(
        "results", type=Path, nargs="*", help="files or folders; bench/results by default"
    )
    dashboard.add_argument("--out", type=Path, default=Path("site"), metavar="FOLDER")
    dashboard.set_defaults(run=_dashboard)

    compare = commands.add_parser(
        "compare", help="two commits in turns on this machine; fails where the second is slower"
    )
    compare.add_argument("before", help="a commit, or a folder with the package in it")
    compare.add_argument("after", help="the same")
    compare.add_argument("--only", metavar="NAME", help="cases with this in their name")
    compare.add_argument("--launches", type=int, default=4, help="processes of each; 4 by default")
    compare.add_argument("--rounds", type=int, default=8, help="turns of each; 8 by default")
    compare.add_argument(
        "--least",
        type=float,
        default=10.0,
        metavar="PERCENT",
        help="how much slower is a regression at the least; 10 by default",
    )
    compare.add_argument(
        "--output", type=Path, metavar="FILE", help="where to write what was found"
    )
    compare.set_defaults(run=_compare)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except (ImportError, OSError, ValueError) as error:
        parser.error(str(error))
    return status


if __name__ == "__main__":
    sys.exit(main())
