"""Every contender of every case: measured, or once as a test (``--benchmark-disable``).

pytest-benchmark times, and writes its own JSON. What it cannot do stands in three modules:
contenders take turns (`bench.turns`), memory is read in processes of their own (`bench.memory`),
and limits of the machine are measured (`bench.limits`). All of it goes to ``extra_info``.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from functools import cache, lru_cache, partial
from typing import Any

import pytest

from bench import limits, memory
from bench.case import RATE, Case, Contender
from bench.cases import GROUP_OF, named
from bench.turns import EFFORTS, Effort, Turn, ratio, spread, timed
from fastinfo.backends import choose


@lru_cache(maxsize=1)
def data_of(name: str, parameters: tuple[tuple[str, int], ...]) -> Any:
    """The data of a case, made once for its contenders, which follow one another."""
    return named(name).make(**dict(parameters))


@cache
def rates() -> dict[str, float]:
    """What this machine can do, measured once."""
    return limits.measure()


@pytest.mark.benchmark(disable_gc=True)
@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")  # few samples, to be quick
@pytest.mark.filterwarnings("ignore::fastinfo.CappedBinsWarning")
def test_contender_answers_right(
    benchmark: Any, request: Any, case: str, parameters: dict[str, int], contender: str
) -> None:
    """The time it takes, and that it is right."""
    case_, (one,) = named(case), [c for c in named(case).contenders if c.name == contender]
    data = data_of(case, tuple(parameters.items()))
    call = partial(one.call, data)
    is_first = one is case_.contenders[0]
    if not benchmark.enabled:
        answer = benchmark(call)
        check(case_, data, answer, is_first)
        return
    benchmark.group = case_.title.format(**readable(parameters))
    options = request.config.option
    effort = EFFORTS[options.effort or options.size or "default"]
    measure(benchmark, case_, parameters, one, data, effort)
    told = benchmark.extra_info
    # What takes minutes is not run once more to learn its memory.
    if options.memory and told["first_call_seconds"] * told["share"] <= effort.patience:
        told["peak_memory_bytes"] = memory.of_contender(case, parameters, contender)


def check(case: Case, data: Any, answer: Any, is_first: bool) -> str:
    """The answers that are not timed are checked once for all contenders."""
    if is_first:
        return case.checked(data, [answer])
    case.check(data, answer)
    return "1 answer equals the reference's"


def measure(
    benchmark: Any,
    case: Case,
    parameters: Mapping[str, int],
    contender: Contender,
    data: Any,
    effort: Effort,
) -> None:
    """Time a contender in turn with the first one, and tell what there is to tell about it."""
    first, call = case.contenders[0], partial(contender.call, data)
    is_first = contender is first
    before, answer = timed(call)
    checked = check(case, data, answer, is_first)
    error = case.error and case.error(data, answer)
    figures = {name: told.value(answer) for name, told in case.measures.items() if is_first}
    del answer  # it may be large
    second = before if before > effort.patience else timed(call)[0]
    turn = None if is_first else Turn(partial(first.call, data))
    if turn is not None:
        turn()
        second += turn.seconds.pop()
    gc.collect()  # and not within a call
    benchmark.pedantic(call, setup=turn, rounds=effort.rounds(second))

    seconds = benchmark.stats.stats.data
    share, first_share = (1.0 if c.share is None else c.share(data) for c in (contender, first))
    told = spread([value / share for value in seconds])
    work = case.work(**parameters)
    benchmark.extra_info.update(
        title=benchmark.group,
        kind="case",
        group=GROUP_OF.get(case.name, ""),
        case=case.name,
        contender=contender.name,
        is_first=is_first,
        backend=contender.backend,
        device=contender.device,
        is_default=bool(contender.backend) and contender.backend == choose().name,
        threads=contender.threads,
        **{name: parameters.get(key) for name, key in KEYS.items()},
        share=share,
        work=work,
        unit=case.unit,
        bytes=_bytes(data),
        rate=work / told["median"],
        first_call_seconds=before / share,
        warm_seconds=told["median"],
        peak_memory_bytes=None,
        relative_error=error,
        roofline=None,
        checked=checked,
        ratio=None,
        figures=[],
    )
    more = benchmark.extra_info
    if contender.steps is not None:
        rate = contender.steps(**parameters) / told["median"]
        more["steps"] = {"rate": rate, "unit": f"{contender.step}/s"}
    if case.roofline and not _counts_alone(contender):
        amounts = {name: amount(**parameters) for name, amount in case.roofline.items()}
        near = limits.fraction(amounts, rates(), told["median"], contender.threads)
        more["roofline"] = near._asdict()

    def figure(name: str, unit: str, found: Mapping[str, float]) -> dict[str, Any]:
        target = case.target(name, parameters)
        met = target and target.is_met(found["median"])
        bounds = target and target.bounds()
        return {"figure": name, "unit": unit, **found, "target": bounds, "met": met}

    if turn is not None:
        found = ratio(turn.seconds, seconds, share / first_share)
        more["ratio"] = figure(contender.name, "×", found)
        return
    found = spread([work * share / value for value in seconds])
    more["figures"] = [
        figure(RATE, f"{case.unit}/s", found),
        *(figure(name, case.measures[name].unit, spread([v])) for name, v in figures.items()),
    ]


KEYS = {"n": "n", "m": "m", "bins": "B"}
"""Names in the results of parameters that most cases have; the others are in ``params``."""


def _bytes(data: Any) -> int | None:
    """Bytes of the samples, where the data tells them."""
    found = getattr(data, "nbytes", None)
    return None if found is None else int(found)


def _counts_alone(contender: Contender) -> bool:
    """Whether it is a limit by itself, or on another device than the limits are of."""
    return contender.steps is not None or contender.device != "cpu"


def readable(parameters: Mapping[str, int]) -> dict[str, str]:
    """Whole powers of ten as such from 10⁴ on, other numbers with commas."""
    told = {}
    for name, value in parameters.items():
        zeros = len(str(value)) - 1
        is_power = zeros >= 4 and value == 10**zeros
        told[name] = "10" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(d)] for d in str(zeros))
        if not is_power:
            told[name] = f"{value:,}"
    return told
