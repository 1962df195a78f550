"""Columns of a source that is read in parts, each taken as it is: floats are binned, and all else
are categories. So are columns of arrays in memory, and the variables of measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastinfo.inputs import bin_arguments
from fastinfo.inputs.decisions import Form
from fastinfo.inputs.scanning.facts import MOST_LABELS, StreamedFacts
from fastinfo.inputs.scanning.looking import (
    Wish,
    look_at_parts,
    parts_of,
    settled,
    with_kinds,
)
from fastinfo.inputs.scanning.merging import Looked
from fastinfo.inputs.scanning.scans import Scan
from fastinfo.inputs.scanning.survey import (
    StreamedColumn,
    needs_quantiles,
    number_of_quantiles,
    require_few_categories,
)


def wish(name: str, bins: Any) -> Wish:
    """What has to be known of a column that is binned as ``bins`` says."""
    facts = StreamedFacts(name, most_values=MOST_LABELS, keeps_quantiles=needs_quantiles(bins))
    return Wish(facts, must=True)


def known(name: str, kind: Any) -> Looked | None:
    """What is known of a column of numbers without a look, where edges bin it; else None."""
    import pyarrow as pa

    if not (pa.types.is_integer(kind) or kind in (pa.float32(), pa.float64())):
        return None
    facts = StreamedFacts(name, keeps_quantiles=False)
    facts.dtype = np.dtype(kind.to_pandas_dtype())
    facts.low = facts.high = facts.dtype.type(0)
    return Looked(kind, facts)


def columns(
    found: Mapping[str, Looked], scan: Any, bins: Mapping[str, Any] | None = None
) -> tuple[dict[str, Looked], list[StreamedColumn]]:
    """What is known of columns in the end, and columns as they will be measured.

    Parameters
    ----------
    found : dict
        What was found out of each.
    scan : Scan
        What they are columns of, or anything with its method ``type_of``.
    bins : dict, optional
        The specification of bins of each column. Without one, whole numbers that pandas made floats
        are categories if they are few.

    Raises
    ------
    ValueError
        For a column without rows, and for more categories than a stream holds.
    TypeError
        For types that are not measured.
    """
    in_the_end, measured = {}, []
    for name, one in found.items():
        specification = None if bins is None else bins.get(name)
        most = -1.0
        if specification is None and one.whole is not None:
            most = bin_arguments.most_categories(one.whole.n_present())
        one = settled(one, most)
        facts = one.facts
        if facts is None or facts.is_time:
            raise TypeError(
                f"{name} holds {one.kind}; accepted are numbers of up to 64 bits, booleans, text "
                "and categories"
            )
        if not facts.is_text and not facts.is_float:
            if not bin_arguments.gives_edges(specification):
                require_few_categories(facts, name)
        elif facts.is_text:
            require_few_categories(facts, name)
        in_the_end[name] = one
        measured.append(StreamedColumn.of(facts, Form.AS_IT_IS, scan))
    return in_the_end, measured


def measured_as_it_is(scan: Scan, bins: Any, n_variables: int = 2) -> Sequence[StreamedColumn]:
    """The columns of a scan, after a look at them; ``n_variables`` will share a table."""
    parts = parts_of(scan.source)
    assert parts is not None
    n_rows, found = look_at_parts(parts, {name: wish(name, bins) for name in scan.columns})
    if n_rows == 0:
        raise ValueError("the table has no rows; at least one sample is needed")
    in_the_end, measured = columns(found, scan, dict.fromkeys(scan.columns, bins))
    parts.schema = with_kinds(parts.schema, in_the_end)
    for column in measured:
        column.facts.settle(number_of_quantiles(bins), n_variables)
    return measured
