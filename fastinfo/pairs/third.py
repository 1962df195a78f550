"""The third variable of a run over all pairs: names of columns, or samples → strata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo import binning
from fastinfo.backends.contract import Array, Kernels
from fastinfo.binning.rules import Bins, Rule
from fastinfo.data.columns import Columns
from fastinfo.estimators import entropies
from fastinfo.inputs import arguments, preparation, tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.preparation import Choices, Prepared
from fastinfo.inputs.scanning import Scan
from fastinfo.measures.strata import require_strata
from fastinfo.pairs import sides
from fastinfo.pairs.packs import Strata


class Third(NamedTuple):
    """The variable that pairs are measured given, or that they are to tell about."""

    name: str
    """The argument that it came as."""
    columns: Columns
    bins: Mapping[int, Any]
    """Bins that the caller gave for single columns, by position."""
    rules: Sequence[Rule] = ()
    """One rule of binning for each column; set by `runs.resolve`."""


class Found(NamedTuple):
    """The strata that a third variable makes of the samples."""

    strata: Strata
    has_missing: bool
    """Whether a sample is in no stratum, because a column of the variable is missing."""


def names_of(third: Any, table: Any, name: str) -> list[Any] | None:
    """The labels of the columns of a table that ``third`` names; None where it holds samples.

    A string is a name. So are the entries of a list that does not repeat any, if all of them name
    columns, or if they are strings and some do: as samples it would have another text in each.

    Raises
    ------
    ValueError
        If no column has such a name, or if the table has no names.
    """
    has_names = _has_names(table)
    labels = _labels(table) if has_names else []
    if isinstance(third, (list, tuple)) and third:
        known = {str(label) for label in labels}
        are_names = [isinstance(one, (str, int)) and str(one) in known for one in third]
        is_misspelt = any(are_names) and all(isinstance(one, str) for one in third)
        if not (all(are_names) or is_misspelt) or len(set(third)) < len(third):
            return None
        wanted = list(third)
    elif isinstance(third, str) or (np.ndim(third) == 0 and _is_among(third, labels)):
        wanted = [third]
    else:
        return None
    if not has_names:
        tables.require_read(table, "X")
        raise ValueError(
            f"{name}={third!r} names a column, which is looked for in DataFrames, Arrow tables and "
            "dicts of columns; accepted beside this table are samples, shape (n,) or (n, d)"
        )
    preparation.require_names(wanted, labels, name)
    return [next(label for label in labels if str(label) == str(one)) for one in wanted]


def _has_names(table: Any) -> bool:
    if isinstance(table, Scan):
        return table.is_named
    return isinstance(table, Prepared) or tables.is_table(table)


def _labels(table: Any) -> list[Any]:
    if isinstance(table, Scan):
        return list(table.columns)
    if isinstance(table, Prepared):
        skipped = [name for names in table.decisions.values() for name in names]
        return [*table.labels, *(name for name in skipped if name not in map(str, table.labels))]
    return list(tables.labels(table))


def _is_among(one: Any, labels: Sequence[Any]) -> bool:
    return one is not None and any(label is one or label == one for label in labels)


def taken_from(prepared: Prepared, wanted: Sequence[Any], name: str) -> tuple[Third, Prepared]:
    """The columns with the wanted labels as the third variable, and the other columns.

    Raises
    ------
    ValueError
        If one of them cannot be measured, or if no other column can.
    """
    for label in wanted:
        if label not in prepared.labels:
            raise ValueError(f"{name}: column {label!r} is {prepared.fate(label)}")
    others = [label for label in prepared.labels if label not in wanted]
    if not others:
        reasons = "".join(f"; {note}" for note in prepared.notes)
        raise ValueError(f"no column is left beside {name}{reasons}")
    own = prepared.select(wanted)
    return Third(name, own.columns, own.bins), prepared.select(others)


def choices_with(choices: Choices, third: Any, names: Sequence[Any] | None, bins: Any) -> Choices:
    """Choices about a table beside a third variable, of which ``names`` are columns of the table.

    ``bins`` is what the caller says of the third variable.
    """
    if names is not None:
        return choices._replace(
            named=[*choices.named, *names],
            asked={**choices.asked, **dict.fromkeys(map(str, names), bins)},
            n_variables=2 + len(names),
        )
    return choices._replace(n_variables=2 + (len(third.columns) if isinstance(third, Scan) else 1))


def of_samples(
    third: Any, name: str, choices: Choices | None, bins: Any = None
) -> tuple[Third, list[Prepared]]:
    """Samples as the third variable; with choices they are prepared like columns of a table.

    ``bins`` is what the caller says of them, which samples in memory are not asked for yet.

    Returns
    -------
    Third, list of Prepared
        The variable, and what was prepared for it.
    """
    if isinstance(third, Scan):
        return _of_scan(third, name, choices, bins)
    if choices is not None and tables.is_table(third):
        named = choices._replace(named=list(tables.labels(third)))
        prepared = preparation.prepare(third, name, named)
        if not prepared.columns:
            reasons = "".join(f"; {note}" for note in prepared.notes)
            raise ValueError(f"{name} has no column that can be measured{reasons}")
    elif choices is not None and (tables.is_series(third) or np.ndim(third) == 1):
        prepared = preparation.prepare_one(third, name, choices)
    else:
        return Third(name, arguments.variable(third, name), {}), []
    return Third(name, prepared.columns, prepared.bins), [prepared]


def _of_scan(
    third: Scan, name: str, choices: Choices | None, bins: Any
) -> tuple[Third, list[Prepared]]:
    """Samples that are read in parts or batch by batch, as `of_samples`."""
    n_variables = 2 + len(third.columns)
    if choices is None or not (third.is_named or third.is_series):
        columns = sides.as_they_are(third, bins, n_variables).columns
        return Third(name, columns, {}), []
    named = choices._replace(named=list(third.columns), asked={}, n_variables=n_variables)
    prepared = sides.prepare(third, name, named, bins)
    for label in third.columns:
        if label not in prepared.labels:
            raise ValueError(f"{name}: column {label!r} is {prepared.fate(label)}")
    return Third(name, prepared.columns, prepared.bins), [prepared]


def require_term(estimator: str) -> None:
    """Raise for an estimator whose entropies are no sums over cells, which strata need."""
    if entropies.ESTIMATORS[estimator].term is None:
        accepted = [name for name, one in entropies.ESTIMATORS.items() if one.term is not None]
        raise ValueError(
            f"estimator={estimator!r} needs the whole table of three variables, and all pairs are "
            "counted in one value of the third after the other; accepted are "
            f"{', '.join(map(repr, accepted))}, and "
            "fastinfo.conditional_mutual_information takes it for one pair"
        )


def require_strata_of(
    name: str, n_strata: int, n_samples: int, n_rows: int, bins: Sequence[Bins]
) -> None:
    """Raise where strata would tell nothing; ``n_samples`` of ``n_rows`` are in one.

    Raises
    ------
    ValueError
        If no sample is in a stratum, all samples are in one, or each is in one of its own.
    """
    if not n_samples:
        raise ValueError(f"{name} is missing in all {n_rows:,} samples; none is left to measure")
    require_strata(name, n_strata, n_samples, bins)


def strata(third: Third, kernels: Kernels, options: Options, weights: Array | None) -> Found:
    """The strata of the samples: one for each combination of bins that occurs.

    Raises
    ------
    ValueError
        For missing samples under ``nan_policy="raise"``, and where strata would tell nothing: no
        sample is in one, all samples are in one, or each is in one of its own.
    """
    coders = [
        binning.fit(column, rule, kernels, options.n_jobs, weights=weights)
        for column, rule in zip(third.columns, third.rules, strict=True)
    ]
    codes = [kernels.to_host(coder.codes()) for coder in coders]
    n_bins = [len(coder.bins) for coder in coders]
    missing = np.zeros(codes[0].size, np.bool_)
    for own, bins in zip(codes, n_bins, strict=True):
        missing |= own == bins
    if missing.any() and options.nan_policy == "raise":
        binning.refuse_missing(third.columns, coders)
    cells, n_cells = codes[0], n_bins[0]
    for own, bins in zip(codes[1:], n_bins[1:], strict=True):
        occupied, cells = np.unique(cells * np.int64(bins + 1) + own, return_inverse=True)
        n_cells = occupied.size
    if len(codes) > 1:
        cells[missing] = n_cells
    found = Strata.of(cells, n_cells)
    of_columns = [coder.bins for coder in coders]
    require_strata_of(third.name, found.n_strata, found.n_samples, missing.size, of_columns)
    return Found(found, bool(missing.any()))
