"""The edge for ``bins=``: what it may be, and which rule it means for which variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastinfo.backends.contract import EXACT_IN_FLOATS
from fastinfo.backends.home import home_of
from fastinfo.binning.numpy_rules import NUMPY_RULES
from fastinfo.binning.rules import (
    Bins,
    Categories,
    Edges,
    Given,
    NumpyRule,
    Quantile,
    Rule,
    Uniform,
    default_n_bins,
)
from fastinfo.data.columns import ArrayColumns, Column, Columns, SparseColumns, typical
from fastinfo.inputs.objects import is_integer, is_number

MOST_BINS = 1 << 31

FEW_VALUES = 10
"""Up to so many different values, integers are categories and text is no identifier."""

MANY_VALUES = 50
"""Integers with more different values are binned, unless there are more bins than that."""

ROWS_A_VALUE = 5
"""Integers with fewer rows than this for each different value are binned."""


def bin_rules(
    bins: Any, groups: Sequence[Columns], known: Sequence[Sequence[Bins | None]] | None = None
) -> tuple[list[Columns], list[Rule]]:
    """One rule for all columns of a variable, and the columns, as numbers where edges say so.

    ``bins`` is one specification for all, or one for each variable: see `_is_one_each`. ``known``
    are the bins that samples before these have decided, for each column of each variable.
    """
    several = _is_one_each(bins)
    if several and len(bins) != len(groups):
        raise ValueError(
            f"bins has {len(bins)} entries for {len(groups)} variables; pass one for each, or one "
            "for all, and edges as a list or an array"
        )
    if not several and _may_be_numbers(bins, len(groups)):
        raise ValueError(
            f"bins={bins!r} may be edges, or a number of bins for each of {len(groups)} variables: "
            f"pass bins={tuple(bins)!r} for numbers, or bins=numpy.array({bins!r}) for edges"
        )
    specifications = list(bins) if several else [bins] * len(groups)
    rules = list(map(_bin_rule, bins)) if several else [_bin_rule(bins)] * len(groups)
    converted: list[Columns] = []
    for position, (specification, rule, group) in enumerate(
        zip(specifications, rules, groups, strict=True)
    ):
        if isinstance(rule, Given):
            group = _as_numbers(group, float(rule.edges[-1]))
        elif specification is not None:
            _require_floats(specification, [group] if several else groups)
        elif isinstance(group, (list, tuple)):
            decided = known[position] if known else [None] * len(group)
            group = [as_integers(c, b) for c, b in zip(group, decided, strict=True)]
        converted.append(group)
    return converted, rules


def most_categories(n_samples: int) -> int:
    """Different values up to which integers are categories, for a number of samples.

    At most 50, fewer where that leaves a value fewer than 5 samples, though always 10; and as many
    as there would be bins, for bins that hold one value each are the categories.
    """
    by_samples = min(n_samples // ROWS_A_VALUE, MANY_VALUES)
    return max(by_samples, FEW_VALUES, default_n_bins(n_samples))


def as_integers(
    column: Column, known: Bins | None = None, may_be_many: float | None = None
) -> Column:
    """Floats as the integers that they are, or that samples before them were.

    pandas makes floats of integers some of which are missing. They are counted as the integers
    would be, unless a way of binning is asked for, floats of the same column have been binned, or
    they have many different values, which may well be measurements in whole numbers.
    """
    if not column.is_float:
        return column
    continues = isinstance(known, Categories) and known.values.dtype.kind in "iu"
    if (
        not (column.integers_with_gaps or continues)
        or (isinstance(known, Edges) and len(known))
        or not home_of(column.values).is_host
    ):
        return column
    missing = np.isnan(column.values)
    present = column.values[~missing]
    is_whole = (np.abs(present) <= EXACT_IN_FLOATS) & (present == np.trunc(present))
    if not is_whole.all():
        return column
    if not continues:
        most = most_categories(present.size) if may_be_many is None else may_be_many
        if not missing.any() or np.unique(present).size > most:
            return column
    filler = present.min(initial=np.inf) if present.size else 0.0
    values = np.where(missing, filler, column.values).astype(np.int64)
    return Column(column.name, values, missing if missing.any() else None)


def _require_floats(specification: Any, groups: Sequence[Columns]) -> None:
    """Raise where a way of binning was asked for and there is nothing to bin."""
    columns = [column for group in groups for column in typical(group)]
    if not any(column.is_float for column in columns):
        is_number = columns[0].categories is None and columns[0].values.dtype.kind in "iu"
        ways = f"{columns[0].name}.astype(float) to bin them, edges, or " * is_number
        raise ValueError(
            f"bins={specification!r} says how to bin floating-point samples, and "
            f"{columns[0].name} {columns[0].kind}, whose values are categories as they are: pass "
            f"{ways}bins=None"
        )


def _as_numbers(columns: Columns, last_edge: float) -> Columns:
    numbers = [_as_number(column, last_edge) for column in typical(columns)]
    if isinstance(columns, ArrayColumns):
        is_float = columns.rows.dtype.kind == "f"
        rows = columns.rows if is_float else _as_floats(columns.rows, last_edge)
        return ArrayColumns(columns.name, rows, columns.first, columns.names)
    if isinstance(columns, SparseColumns):
        is_float = columns.matrix.dtype.kind == "f"
        return columns if is_float else columns.astype(np.float64)
    return numbers


def _as_number(column: Column, last_edge: float) -> Column:
    if column.is_float:
        return column
    if column.categories is not None or column.values.dtype.kind not in "iu":
        raise ValueError(
            f"bins gives edges, and {column.name} holds categories that are no numbers; pass None "
            "for it: bins=(edges, None)"
        )
    values = _as_floats(column.values, last_edge)
    if column.missing is not None:
        values[column.missing] = np.nan
    return Column(column.name, values)


def _as_floats(integers: Any, last_edge: float) -> Any:
    """Integers as float64 that lie between the same edges as they do.

    Beyond 2⁵³ float64 rounds, and could lift an integer to an edge that it does not reach. So it is
    rounded down, and up where that would keep it from passing the last edge.
    """
    values = integers.astype(np.float64)
    if integers.dtype.itemsize < 8 or not (abs(values) > EXACT_IN_FLOATS).any():
        return values
    xp = home_of(integers).xp
    limit = 2.0**63 if integers.dtype.kind == "i" else 2.0**64
    back = xp.where(values < limit, values, 0.0).astype(integers.dtype)
    values = xp.where((back > integers) | (values >= limit), xp.nextafter(values, -np.inf), values)
    is_cut = values.astype(integers.dtype) != integers
    return xp.where(is_cut & (values == last_edge), np.nextafter(last_edge, np.inf), values)


def _is_edges(bins: tuple[Any, ...] | list[Any]) -> bool:
    """Whether a sequence is edges for all variables, and not one specification for each of them.

    A list of numbers is edges, and a tuple of integers is a number of bins for each variable,
    however many variables there are. Numbers of bins are integers, so that a tuple of other numbers
    is edges too.
    """
    if len(bins) < 2 or not all(map(is_number, bins)):
        return False
    return isinstance(bins, list) or not all(map(is_integer, bins))


def _is_one_each(bins: Any) -> bool:
    """Whether ``bins`` has one specification for each variable."""
    return isinstance(bins, (tuple, list)) and not _is_edges(bins)


def _may_be_numbers(bins: Any, n_variables: int) -> bool:
    """Whether edges look like a number of bins for each of several variables.

    That is what `numpy.histogram2d` takes them for.
    """
    is_list = isinstance(bins, list) and len(bins) == n_variables > 1
    return is_list and all(map(is_integer, bins))


def gives_edges(bins: Any) -> bool:
    """Whether ``bins`` fixes the bins of one variable without a look at its samples."""
    if isinstance(bins, np.ndarray):
        return bool(bins.dtype.kind != "O")
    return isinstance(bins, (tuple, list)) and _is_edges(bins)


def require_bins(bins: Any) -> None:
    """Raise for what says nothing about bins, whatever the samples and however many variables."""
    if isinstance(bins, Mapping):  # by the names of columns, which are looked at with their table
        for specification in bins.values():
            require_bins(specification)
    elif bins is not None:
        for specification in bins if _is_one_each(bins) else [bins]:
            _bin_rule(specification)


def named_rule(bins: str) -> Rule | None:
    """The rule that a word stands for; None where it stands for none."""
    name, colon, count = bins.partition(":")
    if name in ("uniform", "quantile") and (not colon or count.isdecimal()):
        n_bins = _n_bins(int(count)) if colon else None
        return Uniform(n_bins) if name == "uniform" else Quantile(n_bins)
    return NumpyRule(bins) if bins in NUMPY_RULES else None


def _bin_rule(bins: Any) -> Rule:
    if bins is None:
        return Quantile()
    if is_integer(bins):
        return Uniform(_n_bins(int(bins)))
    rule = named_rule(bins) if isinstance(bins, str) else None
    if rule is not None:
        return rule
    if isinstance(bins, (np.ndarray, tuple, list)):
        return Given(_edges(bins))
    raise ValueError(
        f"bins={bins!r}; accepted are None (equal frequencies, a default number), a number of "
        'equal-width bins, "uniform", "quantile", "uniform:32", "quantile:32", increasing edges, '
        f"or a rule of NumPy ({', '.join(NUMPY_RULES)})"
    )


def _n_bins(count: int) -> int:
    if not 1 <= count < MOST_BINS:
        raise ValueError(f"bins={count!r}; a number of bins is at least 1 and below 2³¹")
    return count


def _edges(bins: Any) -> Any:
    edges = np.asarray(bins)
    if edges.ndim != 1 or edges.size < 2 or edges.dtype.kind not in "iuf":
        raise ValueError(
            f"bins is an array of shape {edges.shape} and dtype {edges.dtype}; edges are at least "
            "two real numbers in one dimension"
        )
    given, edges = edges, edges.astype(np.float64)
    if given.dtype.kind in "iu" and any(
        int(a) != int(b) for a, b in zip(given, edges, strict=True)
    ):
        raise ValueError(
            "bins gives whole numbers beyond 2⁵³ that float64 does not hold exactly: subtract the "
            "smallest from samples and edges"
        )
    # As in NumPy, the last bin may hold its two edges alone: the largest value by itself.
    if not ((edges[1:-1] > edges[:-2]).all() and edges[-1] >= edges[-2]):
        raise ValueError("bins gives edges that do not increase, or NaN among them")
    return edges
