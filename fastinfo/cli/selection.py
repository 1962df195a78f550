"""The options about columns: which are measured, which kind each is, and which holds weights."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from fastinfo.binning.numpy_rules import NUMPY_RULES
from fastinfo.inputs import bin_arguments, preparation
from fastinfo.inputs.preparation import Choices, Prepared
from fastinfo.inputs.scanning import Scan
from fastinfo.inputs.scanning.survey import survey


class Selection(NamedTuple):
    """The options about columns, as they were given."""

    columns: str | None = None
    exclude: str | None = None
    target: str | None = None
    weights: str | None = None
    kinds: Sequence[str] = ()
    bins_of: Sequence[str] = ()
    max_categories: int | None = None
    given: str | None = None

    @property
    def given_names(self) -> list[str]:
        """The names of the columns that ``--given`` names."""
        return [] if self.given is None else split_names(self.given, "--given")


def select(table: Any, selection: Selection, default_bins: Any = None) -> tuple[Prepared, Any]:
    """The columns of an Arrow table or a scan to measure, and the column of weights or None.

    Raises
    ------
    ValueError
        For a name that the table does not have, for weights that are no numbers or are missing in
        some row, for a target or given columns that cannot be measured, and for fewer than two
        usable columns beside these.
    """
    target, weights = selection.target, selection.weights
    labels = table.columns if isinstance(table, Scan) else table.column_names
    n_rows = table.n_rows if isinstance(table, Scan) else table.num_rows
    columns = None if selection.columns is None else split_names(selection.columns, "--columns")
    exclude = [] if selection.exclude is None else split_names(selection.exclude, "--exclude")
    targets, given = [] if target is None else [target], selection.given_names
    kinds = split_pairs(selection.kinds, "--kind")
    texts = split_pairs(selection.bins_of, "--bins-of")
    bins = {name: bins_of(text, f"--bins-of {name}") for name, text in texts.items()}
    for name, number in bins.items():
        if n_rows is not None:  # not known of a scan of text before it is read
            require_rows(number, n_rows, f"--bins-of {name}")
    named: dict[str, Collection[str]] = {
        "--columns": columns or [],
        "--exclude": exclude,
        "--target": targets,
        "--given": given,
        "--kind": kinds,
        "--bins-of": bins,
    }
    for option, names in named.items():
        preparation.require_names(names, labels, option)
        if weights is not None and weights in names:
            raise ValueError(f"{option}: {weights!r} is the column of weights")
    if target is not None and target in exclude:
        raise ValueError(f"--exclude: {target!r} is the target")
    for name in given:
        if name in exclude or name in targets:
            raise ValueError(
                f"--given: {name!r} is " + ("excluded" if name in exclude else "the target")
            )
    preparation.require_kinds(kinds, "--kind")
    wanted = [
        name
        for name in (labels if columns is None else dict.fromkeys(targets + given + columns))
        if name != weights and name not in exclude
    ]
    choices = Choices(
        *(kinds, bins, selection.max_categories, [*targets, *given, *(columns or [])]),
        n_variables=2 + len(given),
    )
    if isinstance(table, Scan):
        prepared = survey(table, choices, wanted, default_bins)
    else:
        prepared = preparation.prepare(table, "the table", choices, wanted)
    for option, names in (("--target", targets), ("--given", given)):
        for name in names:
            if name not in prepared.labels:
                raise ValueError(f"{option}: column {name!r} is {prepared.fate(name)}")
    if len(prepared.labels) - len(given) < 2:
        notes = "".join(f"; {note}" for note in prepared.notes)
        raise ValueError(f"no pair of usable columns among {len(wanted)}{notes}")
    return prepared, _weights(table, weights)


def split_names(text: str, option: str) -> list[str]:
    """The names between commas; a name that holds a comma stands in double quotes."""
    names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    twice = [name for name in names if names.count(name) > 1]
    if twice or not names or not all(names):
        what = f"{twice[0]!r} is named twice" if twice else "a name is empty"
        raise ValueError(f"{option} {text!r}: {what}; accepted are names between commas")
    return names


def split_pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """Values by name, from NAME=VALUE; a name may hold an equals sign, a value may not."""
    found = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not equals or not name or not value:
            raise ValueError(f"{option} {text!r}: accepted is NAME=VALUE, as often as needed")
        if name in found:
            raise ValueError(f"{option}: {name!r} is named twice")
        found[name] = value
    return found


def bins_of(text: str, option: str) -> int | str:
    """A number of bins, or the name of a rule.

    Raises
    ------
    ValueError
        For anything else; the message names the option.
    """
    if not text.isdecimal() and bin_arguments.named_rule(text) is None:
        raise ValueError(
            f"{option} {text}: accepted are a number of bins of equal width, uniform[:N], "
            f"quantile[:N], or a rule of NumPy ({', '.join(NUMPY_RULES)})"
        )
    return int(text) if text.isdecimal() else text


def require_rows(bins: int | str | None, n_rows: int, option: str) -> None:
    """Check that there are no more bins than rows.

    Raises
    ------
    ValueError
        For more bins than rows; the message names the option.
    """
    count = str(bins).rpartition(":")[2]
    if count.isdecimal() and int(count) > n_rows:
        rows = f"{n_rows:,} row{'s' * (n_rows != 1)}"
        raise ValueError(
            f"{option} {bins}: the table has {rows}; accepted are at most as many bins as rows"
        )


def _weights(table: Any, name: str | None) -> Any:
    import pyarrow as pa

    if name is None:
        return None
    preparation.require_names([name], table.column_names, "--sample-weight")
    column = table[name]
    kind = column.type
    if pa.types.is_decimal(kind):
        column = column.cast("float64")
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise ValueError(f"--sample-weight: column {name!r} holds {kind}; accepted are numbers")
    if column.null_count:
        raise ValueError(
            f"--sample-weight: {column.null_count} of {len(column)} weights in {name!r} are "
            "missing; accepted is a number in each row, 0 to leave the row out"
        )
    return column
