"""Real tables → columns whose information is worth measuring.

A table has row numbers, identifiers, dates, counts with thousands of values and columns that never
change. This module decides what to do with each column, by its type, its number of different values
and its number of rows. Every decision is reported: nothing is skipped or binned silently. Arrays
are not prepared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import EXACT_IN_FLOATS
from fastinfo.data.columns import Column
from fastinfo.inputs import arguments, bin_arguments, moments, series, tables
from fastinfo.inputs.decisions import (
    CONSTANT,
    IDENTIFIER,
    MANY_INTEGERS,
    ROW_NUMBER,
    TEXT_TIMES,
    TIMES,
    UNSUPPORTED,
    Form,
    decide,
)
from fastinfo.system import alerts
from fastinfo.system.alerts import listed

__all__ = [
    "ASKED",
    "CONSTANT",
    "IDENTIFIER",
    "KINDS",
    "MANY_INTEGERS",
    "ROW_NUMBER",
    "TEXT_TIMES",
    "TIMES",
    "UNSUPPORTED",
    "Choices",
    "Prepared",
    "as_floats",
    "by_name",
    "prepare",
    "prepare_one",
    "require_kinds",
    "require_names",
    "warn",
]

ASKED = "skipped as asked for"

LOOKED_AT = 1 << 16
"""Samples that are looked at first where it matters only whether there are many different ones."""

KINDS = ("category", "number", "skip")
"""The kinds that a caller may give a column."""


class Choices(NamedTuple):
    """Decisions of the caller about columns, by the names of the columns."""

    kinds: Mapping[Any, str] | None = None
    bins: Mapping[Any, Any] | None = None
    max_categories: int | None = None
    """Most different values of integers that are categories; None decides by the number of rows."""
    named: Collection[Any] = ()
    """Columns that the caller asked for by name. They are never taken for identifiers."""
    asked: Mapping[Any, Any] = {}
    """What ``bins=`` says of single columns, where it is not what it says of the table. A scan is
    asked for their quantiles before they are binned."""
    n_variables: int = 2
    """How many variables will share a table, on which default numbers of bins depend."""


@dataclass
class Prepared:
    """The columns of a table that are measured, and the decisions about all of its columns."""

    columns: list[Column]
    labels: list[Any]
    """The names of the columns, as in the table."""
    bins: dict[int, Any]
    """The bins that the caller asked for, by the position of the column."""
    n_rows: int
    decisions: dict[str, list[str]] = field(default_factory=dict)
    """For each decision, the names of the columns that it is about."""
    incomplete: list[str] = field(default_factory=list)
    """The names of the columns with missing values."""

    @property
    def notes(self) -> list[str]:
        """One line for each decision that changed something."""
        return [
            f"{len(names)} column{'s' * (len(names) != 1)} {decision}: {listed(names)}"
            for decision, names in self.decisions.items()
        ]

    @property
    def has_floats(self) -> bool:
        """Whether any column is floating-point and so has to be binned."""
        return any(column.is_float for column in self.columns)

    def fate(self, label: Any) -> str:
        """The decision about a column that is not measured."""
        return next(fate for fate, names in self.decisions.items() if str(label) in names)

    def select(self, labels: Sequence[Any]) -> Prepared:
        """The named columns, in the order of the names, without the decisions."""
        positions = [self.labels.index(label) for label in labels]
        bins = {new: self.bins[old] for new, old in enumerate(positions) if old in self.bins}
        return Prepared(
            [self.columns[position] for position in positions], list(labels), bins, self.n_rows
        )


def warn(tables_: Sequence[Prepared]) -> None:
    """Report in one warning all decisions about tables that the caller did not ask for."""
    decisions: dict[str, list[str]] = {}
    for prepared in tables_:
        for decision, names in prepared.decisions.items():
            decisions.setdefault(decision, []).extend(names)
    decisions.pop(ASKED, None)
    if decisions:
        notes = "; ".join(Prepared([], [], {}, 0, decisions).notes)
        alerts.warn(
            f'{notes}. Pass kinds={{name: "category", "number" or "skip"}} to decide otherwise',
            alerts.PreparationWarning,
        )


def prepare(
    table: Any, name: str, choices: Choices | None = None, wanted: Sequence[Any] | None = None
) -> Prepared:
    """The columns of a table that are worth measuring, each in a form that can be measured.

    Parameters
    ----------
    table : DataFrame or Arrow table
        A table of any library that narwhals reads.
    name : str
        The name of the table in messages.
    choices : Choices, optional
        Decisions of the caller. Names that the table does not have are ignored here, because they
        may belong to another table; `require_names` checks them.
    wanted : sequence, optional
        Names of the columns to look at; all by default.

    Returns
    -------
    Prepared

    Raises
    ------
    ValueError
        For a column that cannot be of the kind that was asked for.
    """
    choices = choices or Choices()
    kinds, bins = choices.kinds or {}, choices.bins or {}
    labels = list(tables.labels(table))
    names, columns = tables.columns(table, name)
    n_rows = _number_of_rows(name, names, columns)
    if wanted is not None:
        positions = [labels.index(label) for label in wanted]
        labels, names, columns = ([part[p] for p in positions] for part in (labels, names, columns))
    prepared = Prepared([], [], {}, n_rows)
    for label, text, samples in zip(labels, names, columns, strict=True):
        kind = by_name(kinds, label)
        specification = by_name(bins, label)
        if kind is None and specification is not None:
            kind = "number"
        column, decision = _decide(samples, text, kind, label in choices.named, choices)
        if decision:
            prepared.decisions.setdefault(decision, []).append(text)
        if column is None:
            continue
        if specification is not None:
            prepared.bins[len(prepared.columns)] = specification
        prepared.columns.append(column)
        prepared.labels.append(label)
        if _has_missing(column):
            prepared.incomplete.append(text)
    return prepared


def _number_of_rows(name: str, names: Sequence[str], columns: Sequence[Any]) -> int:
    """The number of rows, which must be the same in all columns and above 0."""
    if not columns:
        raise ValueError(f"{name} has no columns")
    lengths = [len(column) for column in columns]
    for column, length in zip(names, lengths, strict=True):
        if length == 0:
            raise ValueError(f"{column} is empty; at least one sample is needed")
        if length != lengths[0]:
            raise ValueError(
                f"the numbers of samples differ: {names[0]} has {lengths[0]}, {column} has {length}"
            )
    return lengths[0]


def prepare_one(samples: Any, name: str, choices: Choices | None = None) -> Prepared:
    """A single column, prepared. It is never taken for an identifier.

    Raises
    ------
    ValueError
        For a column that cannot be measured.
    """
    choices = choices or Choices()
    column, decision = _decide(samples, name, None, True, choices)
    if column is None:
        raise ValueError(f"{name} is {decision}")
    return Prepared(
        [column], [name], {}, column.values.size, {decision: [name]} if decision else {}
    )


def require_names(names: Collection[Any], labels: Sequence[Any], what: str) -> None:
    """Raise for a name that no column has; the message shows similar names.

    Raises
    ------
    ValueError
        For the first such name.
    """
    known = {str(label) for label in labels}
    for name in names:
        if str(name) not in known:
            raise ValueError(f"{what}: no column is called {name!r}; {_near(str(name), labels)}")


def require_kinds(kinds: Any, what: str = "kinds") -> None:
    """Raise unless ``kinds`` is a mapping to words of `KINDS`.

    Raises
    ------
    ValueError
        For a word that is not in `KINDS`.
    TypeError
        For an object that is no mapping.
    """
    if not isinstance(kinds, Mapping):
        raise TypeError(
            f"{what} is {type(kinds).__name__}; accepted is a dict from names of columns to "
            f"{', '.join(map(repr, KINDS))}"
        )
    for name, kind in kinds.items():
        if kind not in KINDS:
            near = get_close_matches(str(kind), KINDS, n=1, cutoff=0.3)
            raise ValueError(
                f"{what}: {name!r} is said to be {kind!r}; accepted are "
                f"{', '.join(map(repr, KINDS))}" + (f" (near is {near[0]!r})" if near else "")
            )


def _near(name: str, labels: Sequence[Any]) -> str:
    near = get_close_matches(name, list(map(str, labels)), n=3, cutoff=0.5)
    return f"near are {listed(near)}" if near else f"there are {listed(labels)}"


def by_name(choices: Mapping[Any, Any], label: Any) -> Any:
    """What a mapping has for a column, by its name or by the text of its name; or None."""
    return choices.get(label, choices.get(str(label)))


def _has_missing(column: Column) -> bool:
    if column.is_float:
        return bool(np.isnan(column.values).any())
    return column.missing is not None


def _decide(
    samples: Any, name: str, kind: str | None, is_named: bool, choices: Choices
) -> tuple[Column | None, str]:
    """The column as it is measured, or None, and the decision about it, or an empty string."""
    if kind == "skip":
        return None, ASKED
    times = series.from_times(samples)
    try:
        (column,) = arguments.variable(samples, name) if times is None else [Column(name, *times)]
    except (TypeError, ValueError):
        if kind is not None:
            raise
        return None, UNSUPPORTED
    column = bin_arguments.as_integers(column, may_be_many=np.inf)
    facts = ColumnFacts(column, samples, times is not None)
    form, why = decide(facts, name, kind, is_named, choices.max_categories)
    if form is Form.SKIPPED:
        return None, why
    if form is Form.CATEGORIES:
        return _as_categories(column), why
    if form is Form.NUMBERS:
        return as_floats(column), why
    if form is Form.MOMENTS:
        assert facts.moments is not None
        return as_floats(facts.moments), why
    return column, why


class ColumnFacts:
    """What `decide` asks of a column, by its samples."""

    def __init__(self, column: Column, samples: Any, is_time: bool) -> None:
        self.column = column
        self.samples = samples
        self.is_time = is_time

    @property
    def is_float(self) -> bool:
        """Whether its samples are floating-point."""
        return self.column.is_float

    @property
    def is_bool(self) -> bool:
        """Whether its samples are booleans."""
        return bool(self.column.values.dtype.kind == "b")

    @property
    def is_text(self) -> bool:
        """Whether its samples are text or categories."""
        return self.column.categories is not None or self.column.values.dtype.kind in "US"

    @cached_property
    def moments(self) -> Column | None:
        """Text that spells dates or times as integers; None for all other columns."""
        return _spelled_times(self.column, self.samples)

    @property
    def spells_times(self) -> bool:
        """Whether its samples are text that spells dates or times."""
        return self.moments is not None

    def has_two_values(self) -> bool:
        """Whether two of its samples differ."""
        return _has_two_values(self.column)

    def n_present(self) -> int:
        """The number of samples that are not missing."""
        return _n_present(self.column)

    def n_distinct(self, enough: float) -> int:
        """The number of different values; any number above ``enough`` if there are more."""
        return _n_distinct(self.column, enough)

    def counts_rows(self) -> bool:
        """Whether the samples are integers that count the rows."""
        return _counts_rows(self.column)


def _spelled_times(column: Column, samples: Any) -> Column | None:
    """Text that spells dates or times as a column of integers; None for all other columns.

    A column whose type is categorical stays one: the user has chosen that type.
    """
    if column.categories is None or tables.is_categorical(samples):
        return None
    numbers = moments.spelled(column.categories.tolist())
    if numbers is None:
        return None
    values = np.append(numbers, 0)[column.values]  # a missing sample may have any code
    return Column(column.name, values, column.missing)


def _present(column: Column) -> Any:
    if column.is_float:
        return column.values[~np.isnan(column.values)]
    return column.values if column.missing is None else column.values[~column.missing]


def _n_present(column: Column) -> int:
    return int(_present(column).size)


def _has_two_values(column: Column) -> bool:
    present = _present(column)
    return bool(present.size) and bool((present != present[0]).any())


def _n_distinct(column: Column, enough: float) -> int:
    """The number of different values; it may be any number above ``enough`` if there are more.

    `numpy.unique` would take seconds for 10⁷ samples.
    """
    present = _present(column)
    if enough < LOOKED_AT:
        n_first = int(np.unique(present[:LOOKED_AT]).size)
        if n_first > enough:
            return n_first
    if present.dtype.kind in "iu":
        low, high = present.min(), present.max()
        span = int(high) - int(low) + 1
        if span <= max(LOOKED_AT, present.size):
            seen = np.zeros(span, np.bool_)
            seen[(present - low).view(f"u{present.itemsize}")] = True
            return int(np.count_nonzero(seen))
    return int(np.unique(present).size)


def _counts_rows(column: Column) -> bool:
    """Whether integers rise or fall with every row, begin or end at 0 or 1, and leave few out."""
    values = column.values
    if column.missing is not None:
        return False
    low, high = int(values.min()), int(values.max())
    if low not in (0, 1) or high - low >= 2 * values.size:
        return False
    return bool((values[1:] > values[:-1]).all() or (values[1:] < values[:-1]).all())


def _as_categories(column: Column) -> Column:
    """A column whose values are categories: floating-point values become codes, others stay."""
    if not column.is_float:
        return column
    missing = np.isnan(column.values)
    categories, codes = np.unique(column.values[~missing], return_inverse=True)
    positions = np.zeros(missing.size, np.int64)
    positions[~missing] = codes
    return Column(column.name, positions, missing if missing.any() else None, categories)


def as_floats(column: Column) -> Column:
    """Integers or booleans as float64 numbers; different values stay different where they can."""
    values, missing = column.values, column.missing
    if values.dtype.kind == "f":
        return column
    if values.dtype.kind in "iu":
        present = _present(column)
        low, high = int(present.min()), int(present.max())
        if max(-low, high) > EXACT_IN_FLOATS >= high - low:
            # Neighbours would become equal as floats. The lowest value is subtracted, since bins
            # do not depend on a shift. The difference wraps around to the right unsigned number.
            with np.errstate(over="ignore"):
                values = (values - values.dtype.type(low)).view(f"u{values.dtype.itemsize}")
    floats = values.astype(np.float64)
    if missing is not None:
        floats[missing] = np.nan
    return Column(column.name, floats)
