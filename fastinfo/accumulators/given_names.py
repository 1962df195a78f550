"""The columns of a third variable that counts are kept for, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def listed(given: Any) -> list[Any]:
    """The names of the columns of a third variable, in a list.

    Raises
    ------
    TypeError, ValueError
        For anything that is no name or list of different names.
    """
    if given is None:
        return []
    names = list(given) if isinstance(given, (list, tuple)) else [given]
    if not names or not all(isinstance(one, (str, int)) for one in names):
        raise TypeError(
            f"given={given!r}; accepted are the name of a column, or its position where columns "
            "have no names, or a list of these"
        )
    if len(set(map(str, names))) < len(names):
        raise ValueError(f"given={given!r} names a column twice")
    return names


def require_same(wanted: Any, given: Sequence[Any], name: str) -> None:
    """Raise unless ``wanted``, which came as the argument ``name``, names the columns ``given``.

    Raises
    ------
    ValueError
        For other columns, for samples, and where counts are kept without a third variable.
    """
    is_names = isinstance(wanted, (str, int, list, tuple))
    if is_names and given and list(map(str, listed(wanted))) == list(map(str, given)):
        return
    own = "without a third variable"
    if given:
        own = f"given {given[0]!r}" if len(given) == 1 else f"given {list(given)!r}"
    came = ""
    if not is_names or wanted not in ((), []):
        came = f"{name} is {(repr(wanted) if is_names else type(wanted).__name__)[:100]}, and "
    raise ValueError(
        f"{came}these PairCounts are counted {own}: samples are in strata when they are counted, "
        "by PairCounts(given=…)"
    )
