"""The benchmarks under pytest: their size, and what their results file tells besides."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from bench import machine
from bench.case import SIZES, Case, Contender
from bench.cases import CASES, GROUP_OF, named
from bench.turns import EFFORTS

STREAMS = "streaming"

NOT_MEASURED = pytest.StashKey[list[dict[str, str]]]()
"""Cases and contenders that cannot be run here, with the reasons."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--size``, ``--effort`` and ``--memory``; without them, tests alone are quick."""
    parser.addoption(
        "--size",
        choices=SIZES,
        help="size of the benchmarks: default, or smoke with --benchmark-disable",
    )
    parser.addoption(
        "--effort", choices=list(EFFORTS), help="how many rounds there are; as the size by default"
    )
    parser.addoption(
        "--memory",
        action="store_true",
        help="tell the peak of memory of each contender, by a process of its own",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Nothing has been left out yet, and polars is told of its threads before it is imported.

    Everyone has one thread, but for streams, which are measured by themselves.
    """
    config.stash[NOT_MEASURED] = []
    os.environ.setdefault("POLARS_MAX_THREADS", "2" if config.option.keyword == STREAMS else "1")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each contender of each case with each of its parameters."""
    if "contender" not in metafunc.fixturenames:
        return
    config = metafunc.config
    quick = config.getoption("benchmark_disable")
    size = config.getoption("size") or ("smoke" if quick else "default")
    metafunc.parametrize(
        ("case", "parameters", "contender"),
        [
            _parameter_set(case, parameters, contender)
            for case in CASES
            for parameters in case.sizes[size]
            for contender in case.of(parameters)
        ],
    )


def _parameter_set(case: Case, parameters: Mapping[str, int], contender: Contender) -> Any:
    reason = _reason(case, contender)
    marks = []
    if reason is not None:
        marks.append(pytest.mark.skip(reason=reason))
    told = [f"{name}{value}" for name, value in parameters.items()]
    group = GROUP_OF[case.name]
    name = "-".join([*([] if case.name.startswith(group) else [group]), case.name, *told])
    # Strings and numbers alone: pytest-benchmark writes them to its file as they are.
    return pytest.param(
        case.name, dict(parameters), contender.name, id=f"{name}-{contender.name}", marks=marks
    )


def _reason(case: Case, contender: Contender) -> str | None:
    """Why a contender cannot be run here."""
    return case.needs() or contender.needs()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Remember what was asked for and is left out."""
    left_out = session.config.stash[NOT_MEASURED]
    for item in session.items:
        told = getattr(item, "callspec", None)
        if told is None or "contender" not in told.params:
            continue
        case, name = named(told.params["case"]), told.params["contender"]
        (contender,) = (c for c in case.contenders if c.name == name)
        reason = _reason(case, contender)
        if reason is not None:
            found = {"case": case.name, "contender": name, "reason": reason}
            found["group"] = GROUP_OF[case.name]
            if found not in left_out:
                left_out.append(found)


@pytest.fixture(autouse=True)
def _one_thread_in_libraries() -> Iterator[None]:
    with threadpool_limits(1):
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_generate_machine_info(config: pytest.Config) -> dict[str, Any]:
    """Nothing that names a machine or a person."""
    return machine.machine()


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_generate_commit_info(config: pytest.Config) -> dict[str, Any]:
    """The commit, without folders."""
    return machine.commit()


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(
    config: pytest.Config, benchmarks: list[Any], output_json: dict[str, Any]
) -> None:
    """What was left out, and the rates that limits are told by.

    Seconds of each round are left out too, unless ``--benchmark-save-data`` asks for them, as it
    does for pytest-benchmark's other files: statistics of them are there.
    """
    from bench.test_cases import rates

    if not config.getoption("benchmark_save_data"):
        for entry in output_json["benchmarks"]:
            del entry["stats"]["data"]
    told = output_json["machine_info"]
    told["size"] = config.getoption("size") or "default"
    told["limits"] = rates()
    told["not_measured"] = config.stash[NOT_MEASURED]
