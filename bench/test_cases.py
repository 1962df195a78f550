"""Every contender of every case as a benchmark, or once as a test (``--benchmark-disable``).

Times of one table can be compared by eye. Ratios worth quoting come from ``python -m bench.run``,
which measures the contenders in turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pytest

from bench.case import Case, Contender
from bench.cases import CASES


@lru_cache(maxsize=1)
def data_of(name: str, parameters: tuple[tuple[str, int], ...]) -> Any:
    """The data of a case, made once for its contenders, which follow one another."""
    (case,) = (case for case in CASES if case.name == name)
    return case.make(**dict(parameters))


@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")  # few samples, to be quick
def test_contender_answers_right(
    benchmark: Any, case: Case, parameters: Mapping[str, int], contender: Contender
) -> None:
    """The time it takes, and that it is right."""
    data = data_of(case.name, tuple(parameters.items()))
    benchmark.group = case.title.format(**parameters)
    if contender.share is not None:
        benchmark.extra_info["share of the work"] = contender.share(data)
    answer = benchmark(contender.call, data)
    case.checked(data, [answer])
