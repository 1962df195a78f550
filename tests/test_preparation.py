"""Which columns of a stranger's table are kept, binned or left out, and what is told of it."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

import fastinfo
from fastinfo.cli import preparation

COUNT = 8
DAYS = [datetime.date(2020, 1, 1 + day) for day in range(COUNT)]
COLUMN_RULES = {
    "text": (pa.array(["a", "b"] * 4), "string", None),
    "named categorical": (pa.array(["a", "b"] * 4).dictionary_encode(), "dictionary", None),
    "identifier": (pa.array(list("abcdefgh")), None, preparation.IDENTIFIER),
    "identifier, view": (pa.array(list("abcdefgh"), pa.string_view()), None, "like identifiers"),
    "identifier, categorical": (
        pa.array(list("abcdefgh")).dictionary_encode(),
        None,
        preparation.IDENTIFIER,
    ),
    "few integers": (pa.array([1, 2] * 4), "int64", None),
    "many integers": (pa.array(range(COUNT)), "double", preparation.MANY_INTEGERS),
    "huge integers": (
        pa.array([2**64 - 1 - i for i in range(COUNT)], pa.uint64()),
        "double",
        preparation.MANY_INTEGERS,
    ),
    "booleans": (pa.array([True, None] * 3 + [False] * 2), "bool", None),
    "floats": (pa.array(np.arange(COUNT) / 3), "double", None),
    "half floats": (pa.array(np.arange(COUNT, dtype=np.float16)), "double", None),
    "decimals": (pa.array(range(COUNT)).cast(pa.decimal128(22, 2)), "double", None),
    "dates": (pa.array(DAYS), "double", preparation.TIMES),
    "moments": (pa.array(DAYS).cast(pa.timestamp("ns", "UTC")), "double", preparation.TIMES),
    "times": (pa.array(range(COUNT), pa.time32("s")), "double", preparation.TIMES),
    "durations": (pa.array(range(COUNT), pa.duration("ms")), "double", preparation.TIMES),
    "constant text": (pa.array(["a", None] * 4), None, preparation.CONSTANT),
    "constant float": (pa.array([1.5, np.nan] * 4), None, preparation.CONSTANT),
    "constant date": (pa.array([DAYS[0]] * COUNT), None, preparation.CONSTANT),
    "all NaN": (pa.array([np.nan] * COUNT), None, preparation.CONSTANT),
    "no values": (pa.nulls(COUNT), None, preparation.CONSTANT),
    "no integers": (pa.nulls(COUNT, pa.int8()), None, preparation.CONSTANT),
    "lists": (pa.array([[1], [2]] * 4), None, preparation.UNSUPPORTED),
    "records": (pa.array([{"a": 1}] * COUNT), None, preparation.UNSUPPORTED),
    "bytes": (pa.array([b"a", b"b"] * 4), None, preparation.UNSUPPORTED),
}


@pytest.mark.parametrize("case", COLUMN_RULES)
def test_each_kind_of_column_is_kept_binned_or_left_out_and_told(case):
    column, kind, decision = COLUMN_RULES[case]
    others = {"a": pa.array([0, 1] * 4), "b": pa.array([0, 0, 1, 1] * 2)}
    table = pa.table({"tried": column, **others})
    prepared = preparation.prepare(table, None, None, None, max_categories=5)
    kept = prepared.table.column_names
    assert kept == ([] if kind is None else ["tried"]) + ["a", "b"]
    if kind is not None:
        assert str(prepared.table["tried"].type).startswith(kind)
        assert prepared.table["tried"].null_count == column.null_count
        fastinfo.pairwise_mutual_information(prepared.table, nan_policy="omit")
    if decision is None:
        assert prepared.notes == []
    else:
        (note,) = prepared.notes
        assert note.startswith("1 column ")
        assert decision.format(5) in note
        assert note.endswith(": tried")
