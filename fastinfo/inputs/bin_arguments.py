"""Checks of the argument ``bins=``, and the rule that it means for each variable."""

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
"""With at most this many different values integers are categories, and text no identifier."""

MANY_VALUES = 50
"""Integers with more different values than this are binned, unless there are even more bins."""

ROWS_A_VALUE = 5
"""Integers with fewer rows than this for each different value are binned."""


def bin_rules(
    bins: Any, groups: Sequence[Columns], known: Sequence[Sequence[Bins | None]] | None = None
) -> tuple[list[Columns], list[Rule]]:
    """The columns of each variable, converted as ``bins`` demands, and the rule of each variable.

    Edges turn integers into floating-point numbers. ``bins`` is one specification for all
    variables, or one for each: see `is_per_variable`. ``known`` has the bins that earlier samples
    have decided, for each column of each variable.
    """
    has_one_each = is_per_variable(bins)
    if has_one_each and len(bins) != len(groups):
        raise ValueError(
            f"bins has {len(bins)} entries for {len(groups)} variables; pass one for each, or one "
            "for all, and edges as a list or an array"
        )
    if not has_one_each and _may_be_numbers_of_bins(bins, len(groups)):
        raise ValueError(
            f"bins={bins!r} may be edges, or a number of bins for each of {len(groups)} variables: "
            f"pass bins={tuple(bins)!r} for numbers, or bins=numpy.array({bins!r}) for edges"
        )
    specifications = list(bins) if has_one_each else [bins] * len(groups)
    rules = list(map(_bin_rule, bins)) if has_one_each else [_bin_rule(bins)] * len(groups)
    converted: list[Columns] = []
    for position, (specification, rule, group) in enumerate(
        zip(specifications, rules, groups, strict=True)
    ):
        if isinstance(rule, Given):
            group = _as_numbers(group, float(rule.edges[-1]))
        elif specification is not None:
            _require_floats(specification, [group] if has_one_each else groups)
        elif isinstance(group, (list, tuple)):
            decided = known[position] if known else [None] * len(group)
            group = [as_integers(c, b) for c, b in zip(group, decided, strict=True)]
        converted.append(group)
    return converted, rules


def most_categories(n_samples: int) -> int:
    """The largest number of different values with which integers are categories.

    It is `MANY_VALUES`, 50, or less where a value would have fewer than 5 samples, but at least 10.
    It is never below the default number of bins, because bins that hold one value each are the
    categories.
    """
    by_samples = min(n_samples // ROWS_A_VALUE, MANY_VALUES)
    return max(by_samples, FEW_VALUES, default_n_bins(n_samples))


def as_integers(
    column: Column, known: Bins | None = None, may_be_many: float | None = None
) -> Column:
    """A column of floats as integers, where it holds integers; otherwise the column as it is.

    pandas stores integers as floats where some of them are missing. They are counted as integers,
    with three exceptions: floats of the same column have been binned before, the column has many
    different values and may hold measurements in whole numbers, or it is on a device. Where
    ``bins`` says how to bin, `bin_rules` does not call this function.

    Parameters
    ----------
    column : Column
    known : Bins, optional
        Bins that earlier samples of the column have decided. After categories that are integers,
        whole numbers are integers however many there are.
    may_be_many : float, optional
        The largest number of different values; by default `most_categories`.
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
        largest = most_categories(present.size) if may_be_many is None else may_be_many
        if not missing.any() or np.unique(present).size > largest:
            return column
    filler = present.min(initial=np.inf) if present.size else 0.0
    values = np.where(missing, filler, column.values).astype(np.int64)
    return Column(column.name, values, missing if missing.any() else None)


def _require_floats(specification: Any, groups: Sequence[Columns]) -> None:
    """Raise where ``bins`` says how to bin and no column has floating-point samples."""
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
    numbers = [as_number(column, last_edge) for column in typical(columns)]
    if isinstance(columns, ArrayColumns):
        is_float = columns.rows.dtype.kind == "f"
        rows = columns.rows if is_float else _as_floats(columns.rows, last_edge)
        return ArrayColumns(columns.name, rows, columns.first, columns.names)
    if isinstance(columns, SparseColumns):
        is_float = columns.matrix.dtype.kind == "f"
        return columns if is_float else columns.astype(np.float64)
    return numbers


def as_number(column: Column, last_edge: float) -> Column:
    """A column as numbers to be binned by edges, of which the last is ``last_edge``."""
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
    """Integers as float64 values that lie between the same edges.

    Beyond 2⁵³ float64 rounds, and could lift an integer to an edge that it does not reach. So
    integers are rounded down. An integer just above the last edge is rounded up instead, or it
    would fall into the last bin.
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
    """Whether a sequence holds edges for all variables, and not one specification for each.

    A list of numbers holds edges. A tuple of integers holds a number of bins for each variable,
    whatever the number of variables. A number of bins is an integer, so a tuple of other numbers
    holds edges too.
    """
    if len(bins) < 2 or not all(map(is_number, bins)):
        return False
    return isinstance(bins, list) or not all(map(is_integer, bins))


def is_per_variable(bins: Any) -> bool:
    """Whether ``bins`` holds one specification for each variable."""
    return isinstance(bins, (tuple, list)) and not _is_edges(bins)


def _may_be_numbers_of_bins(bins: Any, n_variables: int) -> bool:
    """Whether a list of edges could also be meant as one number of bins for each variable.

    `numpy.histogram2d` reads such a list as numbers of bins.
    """
    is_list = isinstance(bins, list) and len(bins) == n_variables > 1
    return is_list and all(map(is_integer, bins))


def gives_edges(bins: Any) -> bool:
    """Whether ``bins`` gives edges, so that the bins do not depend on the samples."""
    if isinstance(bins, np.ndarray):
        return bool(bins.dtype.kind != "O")
    return isinstance(bins, (tuple, list)) and _is_edges(bins)


def require_bins(bins: Any) -> None:
    """Raise where ``bins`` has no meaning for any samples and any number of variables."""
    if bins is None:
        return
    if isinstance(bins, Mapping):  # names of columns are checked later, with their table
        for specification in bins.values():
            require_bins(specification)
    else:
        for specification in bins if is_per_variable(bins) else [bins]:
            _bin_rule(specification)


def named_rule(bins: str) -> Rule | None:
    """The rule that a string such as ``"uniform:32"`` names, or None."""
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
    # As in NumPy, the last bin may have width 0, so that the largest value has its own bin.
    if not ((edges[1:-1] > edges[:-2]).all() and edges[-1] >= edges[-2]):
        raise ValueError("bins gives edges that do not increase, or NaN among them")
    return edges
