"""What the footers of Parquet files tell of columns, so that no pass needs to look at these.

A footer has the smallest and the largest value of each row group and the number of nulls. That is
enough for bins of equal width and given edges, and for integers that span few values. NaN is not
counted there, so that the numbers of missing samples of floating-point columns are known after the
counts. Whoever counts compares the limits with those of the samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo.inputs.scanning.facts import StreamedFacts
from fastinfo.inputs.scanning.sources import Files

MOST_CHUNKS = 1 << 16
"""The most chunks, of a column in a row group, whose statistics are asked for: each takes 5 µs."""

SPAN = 1 << 8
"""Integers without missing samples that span fewer values have all between as categories."""


class Footer(NamedTuple):
    """What footers tell of one column."""

    dtype: Any
    low: Any
    high: Any
    n_rows: int
    n_missing: int
    """The number of nulls."""

    def are_few(self, limit: int) -> bool:
        """Whether integers are categories, and all between the limits, whichever occur."""
        span = int(self.high) - int(self.low) + 1
        return self.n_missing == 0 and span <= min(limit, SPAN) and span < self.n_rows


def footers(source: Any, names: Sequence[str]) -> dict[str, Footer]:
    """What footers tell of columns of numbers, as far as they do."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not isinstance(source, Files) or source.kind != "parquet" or source.where is not None:
        return {}
    kinds = {name: source.schema.field(name).type for name in names}
    is_plain = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_float32, pa.types.is_float64)
    wanted = [name for name, kind in kinds.items() if any(test(kind) for test in is_plain)]
    if len(wanted) * sum(len(file.groups) for file in source.files) > MOST_CHUNKS:
        return {}
    limits: dict[str, list[Any]] = {name: [] for name in wanted}
    missing = dict.fromkeys(wanted, 0)
    for file in source.files:
        source.require_same(file)
        with source.filesystem.open_input_file(file.path) as handle:
            parquet = pq.ParquetFile(handle)
            meta, schema = parquet.metadata, parquet.schema_arrow
        places = {meta.schema.column(i).path: i for i in range(meta.num_columns)}
        for name in list(limits):
            place = places.get(name)
            if place is None or schema.field(name).type != kinds[name]:
                del limits[name]
                continue
            for group in range(meta.num_row_groups):
                chunk = meta.row_group(group).column(place)
                told = chunk.statistics
                if told is None or not told.has_null_count:
                    limits.pop(name, None)
                    break
                missing[name] += told.null_count
                if told.has_min_max:
                    limits[name] += [told.min, told.max]
                elif told.null_count < chunk.num_values:
                    limits.pop(name, None)
                    break
    n_rows = sum(sum(file.groups) for file in source.files)
    found = {}
    for name, ends in limits.items():
        if ends:
            dtype = np.dtype(kinds[name].to_pandas_dtype())
            low, high = np.array([min(ends), max(ends)], dtype)
            found[name] = Footer(dtype, low, high, n_rows, missing[name])
    return found


def settle(
    facts: StreamedFacts,
    footer: Footer,
    kind: str | None,
    is_by_limits: bool,
    first: Any,
    limit: int,
) -> bool:
    """Fill facts by a footer, if it tells all that will be asked.

    Parameters
    ----------
    facts : StreamedFacts
        Facts of no samples.
    footer : Footer
    kind : str or None
        What the caller says that the column is.
    is_by_limits : bool
        Whether the bins that are asked for depend on nothing but the limits.
    first : array or None
        Some of the samples of a column of integers.
    limit : int
        The most different values with which integers are categories.
    """
    low, high = footer.low, footer.high
    if low == high or kind == "category":
        return False
    if footer.dtype.kind == "f":
        if not is_by_limits or np.isnan([low, high]).any():
            return False
        facts.may_have_nan = True
    elif kind is None and footer.n_missing == 0 and footer.dtype.kind == "b":
        facts.values.values = np.array([False, True])
    else:
        are_few = kind is None and footer.are_few(limit)
        if are_few:
            values = np.arange(int(low), int(high) + 1, dtype=footer.dtype)
            facts.values.values = values
        elif not is_by_limits or (kind is None and not _are_many(first, limit)):
            return False
        facts.values.is_full = not are_few
    facts.rises = facts.falls = False
    facts.dtype, facts.low, facts.high = footer.dtype, low, high
    facts.n_rows, facts.n_missing = footer.n_rows, footer.n_missing
    facts.is_of_footer = True
    return True


def _are_many(samples: Any, limit: int) -> bool:
    """Whether some integers show that a column is binned: many differ, and they count no rows."""
    if samples is None or np.unique(samples).size <= limit:
        return False
    rises, falls = samples[1:] > samples[:-1], samples[1:] < samples[:-1]
    return not rises.all() and not falls.all()
