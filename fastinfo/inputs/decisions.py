"""The rules by which the columns of a table are measured, binned or skipped.

A rule asks facts of a column, and not its samples. So the same rules decide about columns in
memory and about columns that a stream has passed by (`fastinfo.inputs.scanning`).
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Protocol

from fastinfo.inputs import bin_arguments

CONSTANT = "skipped (constant or all missing)"
IDENTIFIER = "treated as identifiers and skipped (more different values than half the rows)"
ROW_NUMBER = "treated as row numbers and skipped (integers that count the rows)"
UNSUPPORTED = "skipped (lists, records, bytes or mixed objects, which are not measured)"
MANY_INTEGERS = "binned like floating-point numbers (integers with many different values)"
TIMES = "binned as numbers (dates or times)"
TEXT_TIMES = "binned as numbers (text that spells dates or times)"


class Form(Enum):
    """The form in which a column is measured."""

    SKIPPED = "not at all"
    AS_IT_IS = "floats are binned, all else are categories"
    CATEGORIES = "each value is a category"
    NUMBERS = "binned as floating-point numbers"
    MOMENTS = "binned as the moments that its text spells"


class Facts(Protocol):
    """What the rules ask of a column."""

    @property
    def is_float(self) -> bool:
        """Whether its samples are floating-point."""
        ...

    @property
    def is_bool(self) -> bool:
        """Whether its samples are booleans."""
        ...

    @property
    def is_text(self) -> bool:
        """Whether its samples are text or categories."""
        ...

    @property
    def is_time(self) -> bool:
        """Whether its samples are dates, moments, times of day or durations."""
        ...

    @property
    def spells_times(self) -> bool:
        """Whether its samples are text that spells dates or times."""
        ...

    def has_two_values(self) -> bool:
        """Whether two of its samples differ."""
        ...

    def n_present(self) -> int:
        """The number of samples that are not missing."""
        ...

    def n_distinct(self, enough: float) -> int:
        """The number of different values; any number above ``enough`` if there are more."""
        ...

    def counts_rows(self) -> bool:
        """Whether its samples are integers that count the rows."""
        ...


def decide(
    facts: Facts, name: str, kind: str | None, is_named: bool, max_categories: int | None
) -> tuple[Form, str]:
    """The form in which a column is measured, and the decision about it or an empty string.

    ``kind`` is what the caller says that it is, ``is_named`` whether the caller asked for it.

    Raises
    ------
    ValueError
        For text that is said to be a number.
    """
    if not facts.has_two_values():
        return Form.SKIPPED, CONSTANT
    if kind == "category":
        return Form.CATEGORIES, ""
    limit = max_categories or bin_arguments.most_categories(facts.n_present())
    if facts.spells_times and (kind == "number" or facts.n_distinct(limit) > limit):
        return Form.MOMENTS, TEXT_TIMES
    if kind == "number" and facts.is_text:
        raise ValueError(
            f"{name} holds categories or text, which are no numbers; accepted are the kinds "
            "'category' and 'skip', and bins of its own are for numbers"
        )
    if facts.is_float or (facts.is_bool and kind is None):
        return Form.AS_IT_IS, ""
    if kind == "number":
        return Form.NUMBERS, ""
    enough = math.inf if facts.is_text else max(limit, bin_arguments.FEW_VALUES)
    n_present, n_distinct = facts.n_present(), facts.n_distinct(enough)
    if facts.is_time:
        return (Form.AS_IT_IS, "") if n_distinct <= limit else (Form.NUMBERS, TIMES)
    is_many = n_distinct > bin_arguments.FEW_VALUES
    if facts.is_text:
        is_identifier = is_many and 2 * n_distinct > n_present
        if is_named or not is_identifier:
            return Form.AS_IT_IS, ""
        return Form.SKIPPED, IDENTIFIER
    if not is_named and is_many and facts.counts_rows():
        return Form.SKIPPED, ROW_NUMBER
    return (Form.AS_IT_IS, "") if n_distinct <= limit else (Form.NUMBERS, MANY_INTEGERS)
