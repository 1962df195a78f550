"""The size of the benchmarks under pytest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from bench.case import SIZES, Case, Contender
from bench.cases import CASES


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--size``; without it, tests are quick and benchmarks are not."""
    parser.addoption(
        "--size",
        choices=SIZES,
        help="size of the benchmarks: default, or smoke with --benchmark-disable",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each contender of each case with each of its parameters."""
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
    reason = case.needs()
    marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
    told = [f"{name}{value}" for name, value in parameters.items()]
    return pytest.param(
        case, parameters, contender, id="-".join([case.name, *told, contender.name]), marks=marks
    )


@pytest.fixture(autouse=True)
def _one_thread_in_libraries() -> Iterator[None]:
    with threadpool_limits(1):
        yield
