"""The bins of the variables of a joint table, and of the features of all pairs, by what readers
have found out of their columns; and kept counts made of what readers have counted.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastinfo import counting
from fastinfo.accumulators.count_columns import Counted, How
from fastinfo.accumulators.counted_parts import (
    CountedPart,
    Decided,
    Strata,
    grouped,
    put,
)
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.accumulators.kept_pairs import KeptPairs
from fastinfo.accumulators.pair_layout import Layout
from fastinfo.accumulators.strata_tables import empty_tables
from fastinfo.binning.rules import sharing
from fastinfo.inputs import bin_arguments, preparation
from fastinfo.inputs.decisions import Form
from fastinfo.inputs.scanning import as_it_is, merging
from fastinfo.inputs.scanning.coders import coder_of
from fastinfo.inputs.scanning.merging import Looked
from fastinfo.inputs.scanning.sketch import QuantileSketch

HostArray = np.ndarray[Any, Any]


class Types(NamedTuple):
    """The types of columns, by their names."""

    kinds: dict[str, Any]

    def type_of(self, column: str) -> Any:
        """The Arrow type of a column."""
        return self.kinds[column]


def specifications(bins: Any, groups: Sequence[Sequence[str]]) -> dict[str, Any]:
    """For each column of some variables, what ``bins`` says of it."""
    is_per_variable = bin_arguments.is_per_variable(bins) and len(bins) == len(groups)
    each = list(bins) if is_per_variable else [bins] * len(groups)
    return {name: one for group, one in zip(groups, each, strict=True) for name in group}


def decide_joint(
    found: tuple[int | None, Mapping[str, Looked]], groups: Sequence[Sequence[str]], how: How
) -> Decided:
    """The bins of the columns of some variables, as for samples in memory.

    Raises
    ------
    ValueError, TypeError
        As `fastinfo.mutual_information`.
    """
    n_rows, looked = found
    of_column = specifications(how.bins, groups)
    types = Types({})
    known, columns = as_it_is.columns(looked, types, of_column)
    types.kinds.update((name, one.kind) for name, one in known.items())
    each = dict(zip(known, columns, strict=True))
    variables = [[each[name] for name in group] for group in groups]
    _, rules = bin_arguments.bin_rules(how.bins, variables)
    names = [name for group in groups for name in group]
    coders = [
        coder_of(column, sharing(rule, len(names)))
        for group, rule in zip(variables, rules, strict=True)
        for column in group
    ]
    for column in columns:
        column.facts.sketch = QuantileSketch()  # readers need it no more
        if how.nan_policy == "raise":
            _refuse(column.name, column.facts.n_missing, column.facts.n_rows)
    n_cells = prod(len(coder.bins) + 1 for coder in coders)
    sparse = how.sparse
    if sparse is None:
        sparse = counting.is_sparse(n_cells, counting.LARGEST_TABLE if n_rows is None else n_rows)
    return Decided(types.kinds, names, coders, how.backend, is_sparse=sparse)


def _refuse(name: str, n_missing: int, n_rows: int) -> None:
    if n_missing:
        raise ValueError(
            f"{name} has {n_missing} missing values among {n_rows}: leave such samples out with "
            'nan_policy="omit", or ask for NaN with nan_policy="propagate"'
        )


def joint_counts(
    decided: Decided, part: CountedPart, groups: Sequence[Sequence[str]], how: How
) -> JointCounts:
    """The counts of all rows, kept.

    Raises
    ------
    ValueError
        With ``nan_policy="raise"`` for samples outside of given edges.
    """
    if how.nan_policy == "raise":
        for name, n_missing in zip(decided.columns, part.n_missing.tolist(), strict=True):
            _refuse(name, n_missing, part.n_rows)
    bins = iter(coder.bins for coder in decided.coders)
    by_variable = [[next(bins) for _ in group] for group in groups]
    n_missing = part.n_rows - int(part.counts.total)
    return JointCounts.of_counted(Counted(by_variable, part.counts, n_missing), how)


def in_shared_bins(
    sides: Sequence[tuple[int | None, Mapping[str, Looked]]],
    names: Sequence[Sequence[str]],
    of: Sequence[str],
) -> list[tuple[int | None, Mapping[str, Looked]]]:
    """What was found out of several samples of one variable, in bins of all of them together.

    Columns of floats get the facts of all samples; categories are merged when they are compared.

    Raises
    ------
    ValueError
        Where the variables have different numbers of columns, or different types.
    """
    for own, name in zip(names, of, strict=True):
        if len(own) != len(names[0]):
            raise ValueError(
                f"{of[0]} has {len(names[0])} columns and {name} {len(own)}; a divergence "
                "compares samples of one variable"
            )
    found = [dict(looked) for _, looked in sides]
    for place in range(len(names[0])):
        each = [looked[own[place]] for looked, own in zip(found, names, strict=True)]
        floats = [one.facts is not None and one.facts.is_float for one in each]
        if any(floats) and not all(floats):
            raise ValueError(
                f"{names[0][place]} holds {each[0].kind} and {names[-1][place]} {each[-1].kind}; "
                "give all sides samples of one type"
            )
        if not all(floats):
            continue
        together = merging.merged(each, " and ".join(of))
        for looked, own in zip(found, names, strict=True):
            facts = copy.copy(together.facts)
            assert facts is not None
            facts.name = own[place]
            looked[own[place]] = together._replace(facts=facts)
    return [(n_rows, looked) for (n_rows, _), looked in zip(sides, found, strict=True)]


# --- all pairs ------------------------------------------------------------------------------------


def decide_pairs(
    found: tuple[int | None, Mapping[str, Looked]],
    labels: Mapping[str, Any],
    how: How,
    target: Any,
    given: Sequence[Any],
    task_memory: int,
) -> Decided:
    """The bins of features that are taken as they are, as `PairCounts` has them.

    Raises
    ------
    ValueError, TypeError
        As `PairCounts.update`.
    """
    looked = found[1]
    of_column = by_label(how.bins, labels)
    types = Types({})
    known, columns = as_it_is.columns(looked, types, of_column)
    types.kinds.update((name, one.kind) for name, one in known.items())
    rules = []
    by_name = isinstance(how.bins, Mapping)
    for position, column in enumerate(columns):
        own = of_column[column.label]
        is_binned = by_name and own is not None and not bin_arguments.gives_edges(own)
        if is_binned and not column.is_float and not column.facts.is_text:
            column = type(column).of(column.facts, Form.NUMBERS, column.scan)
            columns[position] = column
        if by_name:
            rules.append(bin_arguments.bin_rules(own, [[column]])[1][0])
    if not by_name:
        rules = [bin_arguments.bin_rules(how.bins, [columns])[1][0]] * len(columns)
    place = {str(labels[column.label]): i for i, column in enumerate(columns)}
    first = [] if target is None else [place[str(target)]]
    last = [place[str(one)] for one in given]
    features = [*first, *(i for i in range(len(columns)) if i not in (*first, *last))]
    order = [*features, *last]
    if len(features) == len(first):
        raise ValueError("no column is left beside given and target")
    coders = [coder_of(columns[i], sharing(rules[i], 2 + len(last))) for i in order]
    for column in columns:
        column.facts.sketch = QuantileSketch()  # readers need it no more
        if how.nan_policy == "raise":
            _refuse(column.name, column.facts.n_missing, column.facts.n_rows)
    n_bins = [len(coder.bins) for coder in coders]
    n_strata = prod(n_bins[len(features) :]) + 1 if last else 1  # one for those in none
    n_tables = n_strata if found[0] is None else min(n_strata, found[0] + 1)
    n_left = None if target is None else 1
    layout = Layout(n_bins[: len(features)], n_left, n_tables)
    names = [columns[i].label for i in order]
    groups, most = grouped(layout, layout.tiles, found[0], task_memory)
    return Decided(types.kinds, names, coders, how.backend, layout, groups, most, n_third=len(last))


def by_label(bins: Any, labels: Mapping[str, Any]) -> dict[str, Any]:
    """For each column, what ``bins`` says of it, for all columns or by their labels."""
    if not isinstance(bins, Mapping):
        return dict.fromkeys(labels, bins)
    return {name: preparation.by_name(bins, label) for name, label in labels.items()}


def kept_pairs(
    kind: type[Any],
    decided: Decided,
    parts: Sequence[Strata],
    labels: Mapping[str, Any],
    is_named: bool,
    how: How,
    target: Any,
    given: Sequence[Any],
) -> Any:
    """The counts of all pairs, kept in an object of a class that derives from `KeptPairs`."""
    assert decided.layout is not None
    assert issubclass(kind, KeptPairs)
    tables = empty_tables(decided.layout, decided.third)
    put(tables, decided.groups, parts)
    if how.nan_policy == "raise":
        n_features = decided.layout.sizes.size
        for feature, name in enumerate(decided.columns[:n_features]):
            _refuse(name, tables.n_missing(feature), tables.n_rows)
        if given:
            _refuse(decided.columns[n_features], tables.n_outside, tables.n_rows)
    bins = [coder.bins for coder in decided.coders]
    return kind.of_counted(
        [labels[name] for name in decided.columns], is_named, bins, tables, how, target, given
    )
