"""The table of benchmark cases. To add one, add an entry to `CASES` of a module named here.

The pytest benchmarks and the runner know nothing but this table.
"""

from __future__ import annotations

from bench import all_pairs, one_pair, soft_information
from bench.case import Case

CASES = (*one_pair.CASES, *all_pairs.CASES, *soft_information.CASES)


def chosen(only: str | None = None) -> list[Case]:
    """Cases whose name holds ``only``; all for None.

    Raises
    ------
    ValueError
        Where none does.
    """
    found = [case for case in CASES if only is None or only in case.name]
    if not found:
        names = ", ".join(case.name for case in CASES)
        raise ValueError(f"no case has {only!r} in its name; there are {names}")
    return found
