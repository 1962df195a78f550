"""The table of benchmark cases. To add one, add an entry to `CASES` of a module named here.

The pytest benchmarks know nothing but this table. The cases of a group have a table of their own in
a text; ``ci/bench full --only GROUP`` measures them alone.
"""

from __future__ import annotations

from bench import (
    all_pairs,
    backends,
    chance,
    dask_cases,
    estimators,
    libraries,
    one_pair,
    soft_information,
    streaming,
    three_variables,
)
from bench.case import Case

COUNTING = "counting"

GROUPS: dict[str, tuple[Case, ...]] = {
    COUNTING: (*one_pair.CASES, *all_pairs.CASES, *soft_information.CASES),
    "statistics": (*estimators.CASES, *three_variables.CASES, *chance.CASES),
    "dask": dask_cases.CASES,
    "streaming": streaming.CASES,
    "backends": backends.CASES,
    "libraries": libraries.CASES,
}

CASES = tuple(case for cases in GROUPS.values() for case in cases)


GROUP_OF = {case.name: group for group, cases in GROUPS.items() for case in cases}


def named(name: str) -> Case:
    """The case of that name."""
    (case,) = (case for case in CASES if case.name == name)
    return case
