"""The table of benchmark cases. To add one, add an entry to `CASES` of a module named here.

The pytest benchmarks and the runner know nothing but this table. The cases of a group are measured
in one run, and have a results file and a table of their own.
"""

from __future__ import annotations

from bench import (
    all_pairs,
    chance,
    dask_cases,
    estimators,
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
}

CASES = tuple(case for cases in GROUPS.values() for case in cases)


def chosen(only: str) -> list[Case]:
    """The cases of the group ``only``, or those whose name holds it.

    Raises
    ------
    ValueError
        Where there is neither.
    """
    found = [case for case in CASES if only in case.name]
    if only in GROUPS:
        return list(GROUPS[only])
    if not found:
        names = ", ".join([*GROUPS, *(case.name for case in CASES)])
        raise ValueError(f"no group is {only!r}, and no case has it in its name; there are {names}")
    return found
