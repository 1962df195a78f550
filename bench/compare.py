"""Whether one commit is slower than another: both take turns on this machine.

Processes of both live side by side and are asked in turn, A B, B A, …, for the time of one short
call; only ratios of times that followed one another count. Each pair of processes gives one ratio
for each case: the least time of one over the least of the other. Where code and data lie in memory,
and so some percent of the time, differs from process to process. So there are several pairs, and
the interval is bootstrapped over them. What is suspicious is measured once more before anything is
said.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol

import numpy as np

from bench.gate import CASES
from bench.machine import ROOT

CONFIDENCE = 0.98
RELATIVE_ERROR = 1e-9
"""Up to which two answers are the same: sums may be added up in another order."""


class Effort(NamedTuple):
    """How much is measured, and what counts."""

    launches: int = 4
    rounds: int = 8
    least: float = 0.10
    """By how much more time a case must take to be a regression."""


class Side(Protocol):
    """A process of one commit."""

    def __call__(self, what: str, name: str) -> Any:
        """The answer to an order of `bench.gate`."""


class Verdict(NamedTuple):
    """How many times as long the second commit takes."""

    case: str
    times: float
    low: float
    high: float
    is_slower: bool


def judge(case: str, logs: Sequence[float], least: float) -> Verdict:
    """From logarithms of ratios, one for each pair of processes.

    It is slower where all of the interval lies above 1, and its middle above ``1 + least``.
    """
    values = np.array(logs)
    # Means and not medians: with few values the latter take few.
    drawn = np.random.default_rng(0).integers(0, values.size, (2000, values.size))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values[drawn].mean(axis=1), [tail, 1 - tail])
    middle = float(np.mean(np.sort(values)[values.size // 4 : values.size - values.size // 4]))
    is_slower = low > 0 and middle > math.log1p(least)
    return Verdict(case, *(float(math.exp(v)) for v in (middle, low, high)), bool(is_slower))


def compare(
    launch: Callable[[Sequence[str]], Any], cases: Sequence[str], effort: Effort
) -> list[Verdict]:
    """A verdict on each case. ``launch`` gives a context of two sides that know some cases."""
    logs: dict[str, list[float]] = {case: [] for case in cases}

    def measure(cases: Sequence[str]) -> None:
        for _ in range(effort.launches):
            with launch(cases) as sides:
                for case, found in _of_launch(sides, cases, effort.rounds).items():
                    logs[case].append(found)

    measure(cases)
    verdicts = [judge(case, logs[case], effort.least) for case in cases]
    # Half of the least is where chance may have hidden a regression, or made one.
    suspicious = [v.case for v in verdicts if v.times > 1 + effort.least / 2]
    if suspicious:
        measure(suspicious)
    return [judge(case, logs[case], effort.least) for case in cases]


def _of_launch(sides: tuple[Side, Side], cases: Sequence[str], rounds: int) -> dict[str, float]:
    for case in cases:
        answers = [np.array(side("answer", case)) for side in sides]
        if not np.allclose(*answers, rtol=RELATIVE_ERROR, atol=1e-12):
            raise ValueError(f"the answers of {case!r} differ, so their times cannot be compared")
    seconds = {case: ([], []) for case in cases}  # type: dict[str, tuple[list[float], list[float]]]
    for number in range(rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        for case in cases:
            for side in order:
                seconds[case][side].append(sides[side]("turn", case))
    return {case: math.log(min(after) / min(before)) for case, (before, after) in seconds.items()}


# --- processes ----------------------------------------------------------------------------------


class Process:
    """`bench.gate` with the package of a folder."""

    def __init__(self, folder: Path, harness: Path, cache: str, cases: Sequence[str]) -> None:
        path = os.pathsep.join([str(harness), str(folder)])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bench.gate"],
            cwd=harness,
            env={**os.environ, "PYTHONPATH": path, "NUMBA_CACHE_DIR": cache},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        where = Path(self._order(list(cases)))
        if folder.resolve() not in where.parents:
            raise ValueError(f"{where} was imported instead of the package in {folder}")

    def __call__(self, what: str, name: str) -> Any:
        """The answer to an order."""
        return self._order([what, name])

    def _order(self, order: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ValueError("a process ended that was to be measured; its error is above")
        return json.loads(line)

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def _package(name: str, scratch: Path) -> Path:
    """The folder with the package of a commit, or the folder itself."""
    if (Path(name) / "fastinfo").is_dir():
        return Path(name).resolve()
    folder = scratch / "package"
    folder.mkdir(parents=True)
    told = subprocess.run(
        ["git", "archive", name, "fastinfo"], cwd=ROOT, capture_output=True, check=False
    )
    if told.returncode:
        raise ValueError(
            f"{name!r} is neither a folder with the package in it nor a commit: "
            f"{told.stderr.decode().strip()}"
        )
    subprocess.run(["tar", "-x", "-C", str(folder)], input=told.stdout, check=True)
    return folder


def _table(verdicts: Sequence[Verdict]) -> str:
    rows = ["| case | time, after over before | |", "|---|---|---|"]
    for told in verdicts:
        end = "**slower**" if told.is_slower else ""
        rows.append(
            f"| {told.case} | {told.times:.3f} ({told.low:.3f} to {told.high:.3f}) | {end} |"
        )
    return "\n".join(rows)


def run(
    before: str,
    after: str,
    effort: Effort = Effort(),  # noqa: B008
    only: str | None = None,
    output: Path | None = None,
) -> int:
    """Compare two commits or folders: 1 where the second is slower, else 0.

    Raises
    ------
    ValueError
        Where there is no such commit or case, or where answers differ.
    """
    cases = [case for case in CASES if only is None or only in case]
    if not cases:
        raise ValueError(f"no case has {only!r} in its name; there are {', '.join(CASES)}")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        harness = scratch / "harness"
        harness.mkdir()
        (harness / "bench").symlink_to(ROOT / "bench", target_is_directory=True)
        folders = [_package(side, scratch / str(i)) for i, side in enumerate((before, after))]
        # Compiled kernels are those of a path: a folder that stays where it is finds its own again.
        cache = os.environ.get("NUMBA_CACHE_DIR", str(scratch / "numba"))

        @contextmanager
        def launch(cases: Sequence[str]) -> Iterator[tuple[Side, Side]]:
            with ExitStack() as stack:
                first, second = (
                    stack.enter_context(Process(folder, harness, cache, cases))
                    for folder in folders
                )
                yield first, second

        verdicts = compare(launch, cases, effort)
    print(_table(verdicts))
    if output is not None:
        told: Mapping[str, Any] = {
            "before": before,
            "after": after,
            "effort": effort._asdict(),
            "verdicts": [verdict._asdict() for verdict in verdicts],
        }
        output.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    slower = [told.case for told in verdicts if told.is_slower]
    if slower:
        print(f"slower: {', '.join(slower)}", file=sys.stderr)
    return int(bool(slower))
