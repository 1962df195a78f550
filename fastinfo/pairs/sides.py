"""The features of one table: which columns are measured, and how, wherever its samples are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo.data.columns import Columns
from fastinfo.inputs import arguments, preparation, tables
from fastinfo.inputs.preparation import Choices, Prepared
from fastinfo.inputs.scanning import Scan
from fastinfo.inputs.scanning.as_it_is import measured_as_it_is
from fastinfo.inputs.scanning.looking import parts_of, survey_parts
from fastinfo.inputs.scanning.survey import survey


class TableColumns(NamedTuple):
    """The features of one table."""

    columns: Columns
    labels: Sequence[Any]
    """Names of the features, or their positions if the table has no names."""
    bins: Mapping[int, Any]
    """Bins that the caller gave for single features, by position."""


def features_of(
    table: Any, name: str, choices: Choices, is_beside_names: bool, bins: Any
) -> TableColumns | Prepared:
    """The features of X or of Y; tables with names are prepared, others taken as they are.

    Raises
    ------
    ValueError, TypeError
        As `fastinfo.pairwise_mutual_information`.
    """
    if isinstance(table, Prepared):
        return table
    if name == "Y" and is_one_variable(table):
        own = bins_of(1, bins)
        return one_feature(table, "y", choices, own, is_prepared=is_beside_names)
    if isinstance(table, Scan) and not table.is_named:
        return as_they_are(table, bins_of(name == "Y", bins), choices.n_variables)
    if is_prepared(table):
        own = None if isinstance(bins, Mapping) else bins
        prepared = prepare(table, name, choices, own)
        if not prepared.columns:
            reasons = "".join(f"; {note}" for note in prepared.notes)
            raise ValueError(f"{name} has no column that can be measured{reasons}")
        return prepared
    columns = arguments.features(table, name)
    return TableColumns(columns, tables.labels(table), {})


def prepare(table: Any, name: str, choices: Choices, bins: Any = None) -> Prepared:
    """The columns of a table with names, or of a scan, that are worth measuring."""
    if isinstance(table, Scan):
        bins = bins_of(name in ("Y", "table"), bins)
        look = survey if parts_of(table.source) is None else survey_parts
        return look(table, choices, bins=bins)
    return preparation.prepare(table, name, choices)


def bins_of(place: int, bins: Any) -> Any:
    """What ``bins`` says of the first or the second table, but that it may be one edge of many."""
    if isinstance(bins, (tuple, list)) and bins:
        return bins[min(place, len(bins) - 1)]
    return None if isinstance(bins, Mapping) else bins


def as_they_are(scan: Scan, bins: Any, n_variables: int = 2) -> TableColumns:
    """The columns of an array that is read in parts; ``n_variables`` will share a table."""
    return TableColumns(measured_as_it_is(scan, bins, n_variables), scan.labels, {})


def side_of(prepared: Prepared) -> TableColumns:
    """The features of a table that has been prepared."""
    return TableColumns(prepared.columns, prepared.labels, prepared.bins)


def is_prepared(table: Any) -> bool:
    """Whether the columns of a table have names, and are prepared."""
    if isinstance(table, Scan):
        return table.is_named
    return isinstance(table, Prepared) or tables.is_table(table)


def choices_of(came: Sequence[Any], bins: Any, kinds: Any) -> Choices:
    """The kinds and bins that the caller gives by column name; every name must be a column's."""
    for what, by_name in (("kinds", kinds), ("bins", bins if isinstance(bins, Mapping) else None)):
        if by_name is None:
            continue
        if what == "kinds":
            preparation.require_kinds(by_name)
        named = [table for table in came if is_prepared(table)]
        if not named:
            raise ValueError(
                f"{what} names columns, and no table that is prepared came: DataFrames, Arrow "
                "tables and dicts of columns are; arrays and AnnData are taken as they are"
            )
        labels = [label for table in named for label in labels_of(table)]
        preparation.require_names(by_name, labels, what)
    return Choices(kinds, bins if isinstance(bins, Mapping) else None)


def labels_of(table: Any) -> Sequence[Any]:
    """The names of the columns of a table or of a scan."""
    return table.columns if isinstance(table, Scan) else tables.labels(table)


def is_one_variable(samples: Any) -> bool:
    """Whether samples are those of one variable, ``(n,)``."""
    if isinstance(samples, Scan):
        return samples.is_series
    if tables.is_table(samples):
        return False
    if tables.is_series(samples):
        return True
    return bool(getattr(samples, "ndim", None) == 1 or np.ndim(samples) == 1)


def one_feature(
    samples: Any, name: str, choices: Choices, bins: Any = None, *, is_prepared: bool
) -> TableColumns:
    """One variable as a feature, which is prepared like a column of a table or taken as it is.

    ``bins`` is what the caller says of it, which samples in memory are not asked for yet.
    """
    if isinstance(samples, Scan):
        if not is_prepared:
            return as_they_are(samples, bins, choices.n_variables)
        return _prepared_parts(samples, choices, bins)
    label = getattr(samples, "name", None) if tables.is_series(samples) else None
    if not is_prepared:
        column = arguments.variable(samples, name)[0]
    else:
        (column,) = preparation.prepare_one(samples, name, choices).columns
    return TableColumns([column], [0 if label is None else label], {})


def _prepared_parts(scan: Scan, choices: Choices, bins: Any) -> TableColumns:
    """One variable that is read in parts, prepared like a column of a table."""
    (name,) = scan.columns
    prepared = survey_parts(scan, choices._replace(named=scan.columns), bins=bins)
    if not prepared.columns:
        raise ValueError(f"{name} is {prepared.fate(name)}")
    return TableColumns(prepared.columns, scan.labels, {})
