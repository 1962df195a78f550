"""Measure ratios within one run: ``python -m bench.run``.

fastinfo and its peers take turns on the same data in one process, one thread each unless the case
says otherwise. Before that every answer is checked, and the time of the first call is told apart.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

import fastinfo
from bench import machine, startup
from bench.case import RATE, SIZES, Case, Contender
from bench.cases import COUNTING, GROUPS, chosen
from bench.report import lines_of_case, results_of, table
from bench.timing import Effort, first_call, ratio, spread, take_turns

SCHEMA = "fastinfo.bench/2"
EFFORTS = {
    "smoke": Effort(fewest=2, most=2, seconds=0.0),
    "default": Effort(),
    "full": Effort(fewest=5, most=25, seconds=20.0, patience=120.0),
}


def measure(case: Case, parameters: Mapping[str, int], effort: Effort) -> dict[str, Any]:
    """One case with one set of parameters: times, ratios, and whether targets were met."""
    data = case.make(**parameters)
    contenders = case.of(parameters)
    calls = [partial(contender.call, data) for contender in contenders]
    first = [first_call(call) for call in calls]
    checked = case.checked(data, [answer for _, answer in first])
    seconds_first = [seconds for seconds, _ in first]
    measured = {name: measure.value(first[0][1]) for name, measure in case.measures.items()}
    first.clear()  # answers may be large
    times = take_turns(calls, effort, seconds_first)
    shares = [1.0 if c.share is None else c.share(data) for c in contenders]
    work = case.work(**parameters)
    told = [
        {
            "name": contender.name,
            "threads": contender.threads,
            "share": share,
            "first_call_seconds": before / share,
            "seconds": {
                **{key: value / share for key, value in spread(seconds).items()},
                "repetitions": len(seconds),
            },
            "rate": work * share / spread(seconds)["median"],
        }
        | _own_steps(contender, parameters, share, seconds)
        for contender, share, before, seconds in zip(
            contenders, shares, seconds_first, times, strict=True
        )
    ]

    def figure(name: str, unit: str, found: Mapping[str, float]) -> dict[str, Any]:
        target = case.target(name, parameters)
        bounds = target and {"at_least": target.at_least, "at_most": target.at_most}
        met = target and target.is_met(found["median"])
        return {"figure": name, "unit": unit, **found, "target": bounds, "met": met}

    ratios = [
        figure(contender.name, "×", ratio(times[0], seconds, share / shares[0]))
        for contender, share, seconds in list(zip(contenders, shares, times, strict=True))[1:]
    ]
    rates = spread([work * shares[0] / seconds for seconds in times[0]])
    figures = [figure(RATE, f"{case.unit}/s", rates)]
    figures += [
        figure(name, case.measures[name].unit, spread([value])) for name, value in measured.items()
    ]
    return {
        "case": case.name,
        "title": case.title.format(**_readable(parameters)),
        "parameters": dict(parameters),
        "work": work,
        "unit": case.unit,
        "checked": checked,
        "contenders": told,
        "ratios": ratios,
        "figures": figures,
    }


def _own_steps(
    contender: Contender, parameters: Mapping[str, int], share: float, seconds: Sequence[float]
) -> dict[str, Any]:
    """Steps per second of a contender that counts its own."""
    if contender.steps is None:
        return {}
    rate = contender.steps(**parameters) * share / spread(seconds)["median"]
    return {"steps": {"rate": rate, "unit": f"{contender.step}/s"}}


def _readable(parameters: Mapping[str, int]) -> dict[str, str]:
    """Whole powers of ten as such from 10⁴ on, other numbers with commas."""
    told = {}
    for name, value in parameters.items():
        zeros = len(str(value)) - 1
        is_power = zeros >= 4 and value == 10**zeros
        told[name] = "10" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(d)] for d in str(zeros))
        if not is_power:
            told[name] = f"{value:,}"
    return told


def run(size: str, only: str, tell: Any = None) -> dict[str, Any]:
    """The results of a group or of some cases: what a results file holds."""
    cases, not_run = [], []
    wanted = [] if only == "startup" else chosen(only)
    for case in wanted:
        reason = case.needs()
        if reason is not None:
            not_run.append({"case": case.name, "reason": reason})
            continue
        for parameters in case.sizes[size]:
            result = measure(case, parameters, EFFORTS[size])
            cases.append(result)
            if tell is not None:
                tell(result)
    with_startup = only in (COUNTING, "startup")
    return {
        "schema": SCHEMA,
        "date": datetime.now(UTC).date().isoformat(),
        "size": size,
        "revision": machine.revision(),
        "machine": machine.machine(),
        "versions": machine.versions(),
        "cases": cases,
        "startup": startup.measure(3 if size == "smoke" else 12) if with_startup else [],
        "not_run": not_run,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="default")
    parser.add_argument(
        "--only", metavar="NAME", help="a group, cases with this in their name, or `startup`"
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="where to write results; a file for each group, and none for single cases",
    )
    options = parser.parse_args(arguments)
    if options.only is None and options.output is not None:
        parser.error("--output is for one group or for some cases: name them with --only")
    if options.only not in (None, "startup"):
        try:
            chosen(options.only)
        except ValueError as error:
            parser.error(str(error))

    with threadpool_limits(1), warnings.catch_warnings():
        # What values mean is not what is measured here.
        warnings.simplefilter("ignore", fastinfo.SaturationWarning)
        for only in list(GROUPS) if options.only is None else [options.only]:
            results = run(
                options.size,
                only,
                lambda result: print("\n".join(lines_of_case(result)), file=sys.stderr, flush=True),
            )
            output = options.output or (results_of(only, options.size) if only in GROUPS else None)
            if output is not None:
                output.parent.mkdir(parents=True, exist_ok=True)
                text = json.dumps(results, indent=1, ensure_ascii=False)
                output.write_text(text + "\n", encoding="utf-8")
            print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
