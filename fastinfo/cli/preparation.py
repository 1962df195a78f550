"""Tables as strangers keep them → columns whose information is worth measuring.

A table from a file has identifiers, dates, counts with thousands of values and columns that never
change. What becomes of each is decided here by its type and its number of different values, and
told: nothing is left out or binned without a note.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from fastinfo.cli.output import listed

CONSTANT = "left out (constant or all missing)"
IDENTIFIER = "left out, like identifiers (more than {} categories; --columns NAME keeps one)"
UNSUPPORTED = "left out (lists, records or bytes)"
MANY_INTEGERS = "binned like floating-point numbers (more than {} different integers)"
TIMES = "binned as numbers (dates or times)"

EXACT_IN_FLOATS = 1 << 53
"""Up to here, floating point tells each integer from its neighbours."""


@dataclass
class Prepared:
    """What there is to measure, and what was decided on the way."""

    table: Any
    """Arrow table of the columns that are left."""
    weights: Any
    """Arrow column of weights, or None."""
    incomplete: list[str]
    """Columns with missing values."""
    notes: list[str]
    """One line for each decision that changed something."""

    @property
    def has_floats(self) -> bool:
        """Whether there is a column to bin."""
        import pyarrow as pa

        return any(pa.types.is_floating(kind) for kind in self.table.schema.types)


def prepare(
    table: Any,
    columns: Sequence[str] | None,
    target: str | None,
    weights: str | None,
    max_categories: int,
) -> Prepared:
    """Choose the columns of an Arrow table and bring each into a form that can be measured.

    ``columns`` names the wanted ones; a wanted one and the target are never taken for identifiers.

    Raises
    ------
    ValueError
        For a name that the table does not have, for weights that are none, and for a target that
        cannot be measured.
    """
    named = [name for name in (target,) if name is not None] + list(columns or [])
    for option, names in (("--columns", columns or []), ("--target", [target])):
        _require_columns(table, option, [name for name in names if name is not None])
        if weights is not None and weights in names:
            raise ValueError(f"{option}: {weights!r} is the column of weights")
    kept, decisions, incomplete = {}, dict[str, list[str]](), []
    wanted = list(dict.fromkeys(named)) if columns is not None else table.column_names
    for name in wanted:
        if name == weights:
            continue
        column, decision = _judge(table[name], name in named, max_categories)
        if decision:
            decisions.setdefault(decision.format(max_categories), []).append(name)
        if column is not None:
            kept[name] = column
            if column.null_count:
                incomplete.append(name)
    notes = [
        f"{len(names)} column{'s' * (len(names) != 1)} {decision}: {listed(names)}"
        for decision, names in decisions.items()
    ]
    if target is not None and target not in kept:
        what = next(decision for decision, names in decisions.items() if target in names)
        raise ValueError(f"--target: column {target!r} is {what}")
    if len(kept) < 2:
        raise ValueError(
            f"no pair of usable columns among {len(wanted)}" + "".join(f"; {n}" for n in notes)
        )
    import pyarrow as pa

    return Prepared(pa.table(kept), _weights(table, weights), incomplete, notes)


def split_names(text: str) -> list[str]:
    """Names between commas; a name with a comma stands in double quotes."""
    names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True))]
    twice = [name for name in names if names.count(name) > 1]
    if twice or not names or not all(names):
        what = f"{twice[0]!r} is named twice" if twice else "a name is empty"
        raise ValueError(f"--columns {text!r}: {what}; accepted are names between commas")
    return names


def _require_columns(table: Any, option: str, names: Collection[str]) -> None:
    for name in names:
        if name not in table.column_names:
            near = get_close_matches(name, table.column_names, n=3, cutoff=0.5)
            help_ = (
                f"near are {listed(near)}" if near else f"there are {listed(table.column_names)}"
            )
            raise ValueError(f"{option}: no column is called {name!r}; {help_}")


def _judge(column: Any, is_named: bool, max_categories: int) -> tuple[Any, str]:
    """The column as it is measured, None where it is not, and what was decided if anything."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if str(column.type) == "string_view":
        column = column.cast("large_string")  # Arrow counts no views
    kind = column.type
    decision = ""
    if pa.types.is_dictionary(kind):
        # A categorical stays one, whatever its values are.
        values, is_text = column.cast(kind.value_type), True
        kind = pa.string() if not pa.types.is_nested(kind.value_type) else kind.value_type
    else:
        values, is_text = column, str(kind) in ("string", "large_string")
    if pa.types.is_null(kind):
        return None, CONSTANT
    if not is_text and pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        bits = "int32" if kind.bit_width == 32 else "int64"
        column = values = column.cast(bits).cast("float64", safe=False)
        decision = TIMES
    elif pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        column = values = column.cast("float64")
    if pa.types.is_floating(column.type):
        column = values = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        low, high = pc.min_max(column).values()
        return (None, CONSTANT) if low == high else (column, decision)
    if not (is_text or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        return None, UNSUPPORTED
    n_distinct = pc.count_distinct(values, mode="only_valid").as_py()
    if n_distinct < 2:
        return None, CONSTANT
    if n_distinct <= max_categories:
        return column, ""
    if is_text:
        return (column, "") if is_named else (None, IDENTIFIER)
    low, high = (bound.as_py() for bound in pc.min_max(column).values())
    if max(-low, high) > EXACT_IN_FLOATS >= high - low:
        # Neighbours would become equal; bins follow a shift.
        column = pc.subtract(column, pa.scalar(low, kind))
    return column.cast("float64", safe=False), MANY_INTEGERS


def _weights(table: Any, name: str | None) -> Any:
    import pyarrow as pa

    if name is None:
        return None
    _require_columns(table, "--sample-weight", [name])
    column = table[name]
    kind = column.type
    if pa.types.is_decimal(kind):
        column = column.cast("float64")
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise ValueError(f"--sample-weight: column {name!r} holds {kind}; accepted are numbers")
    if column.null_count:
        raise ValueError(
            f"--sample-weight: column {name!r} lacks {column.null_count} of {len(column)} weights; "
            "accepted is a number in each row, 0 to leave the row out"
        )
    return column
