"""Lists and arrays of Python objects become arrays of one type."""

import datetime
import decimal
import fractions

import numpy as np
import pandas as pd
import pytest

import fastinfo
from fastinfo.inputs import objects

D = decimal.Decimal
HUGE = 1 << 63


def array(values):
    found = np.empty(len(values), object)
    found[:] = values
    return found


@pytest.mark.parametrize(
    ("samples", "dtype"),
    [
        ([1, 2], "i8"),
        ([True, False], "?"),
        ([0.5, None], "O"),
        ([1, "a"], "O"),
        (["a", "b"], "O"),
        ([["a", "b"], ["c", "d"]], "O"),
        ([("a", 1)], "O"),
        ([b"a"], "O"),
        ([HUGE, 3], "O"),
        ([HUGE, 0.5], "f8"),
        ([[1, 2], [3, 4]], "i8"),
        ([np.arange(2), np.arange(2)], "i8"),
        ([], "f8"),
    ],
)
def test_lists_keep_samples_apart(samples, dtype):
    found = objects.of_list(samples, "x")
    assert found.dtype == dtype
    assert found.tolist() == [list(s) if isinstance(s, (tuple, np.ndarray)) else s for s in samples]


@pytest.mark.parametrize(
    ("values", "missing", "expected"),
    [
        ([1, None, 3], None, [1, None, 3]),
        ([True, None], None, [True, None]),
        ([HUGE, 3], None, [HUGE, 3]),
        ([D("0.5"), D("NaN"), 2], None, [0.5, None, 2.0]),
        ([D("1e-400"), D("sNaN"), 0.25], None, [0.0, None, 0.25]),
        ([fractions.Fraction(1, 2), 1], None, [0.5, 1.0]),
        ([1, "masked", 2], [False, True, False], [1, None, 2]),
        (["b", None, np.nan, np.str_("a")], None, ["b", None, None, "a"]),
        (["b", 3, "a"], [False, True, False], ["b", None, "a"]),
        ([None, np.nan], None, [None, None]),
    ],
)
def test_objects_take_their_type(values, missing, expected):
    missing = None if missing is None else np.array(missing)
    found, absent, labels = objects.to_types(array(values), missing, "x")
    values = [*labels.tolist(), None] if labels is not None else found.tolist()
    codes = found.tolist() if labels is not None else range(len(values))
    told = [None if a else values[code] for code, a in zip(codes, absent, strict=True)]
    assert told == expected
    assert [type(value) for value in told] == [type(value) for value in expected]


@pytest.mark.parametrize("values", [[1, "a"], ["a", 0.5], ["a", [1]], [D(1), "a"], [True, 1]])
def test_objects_of_several_types_are_refused(values):
    with pytest.raises(TypeError, match=r"x holds objects of type .*; accepted are samples of one"):
        fastinfo.entropy(array(values))


@pytest.mark.parametrize(
    "values",
    [
        [1, "1", None, 1],
        [True, "a", None, True],
        [pd.Interval(0, 1), pd.Interval(1, 2), None, pd.Interval(0, 1)],
        [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2), None, datetime.date(2020, 1, 1)],
        [(1, 2), (1, "2"), None, (1, 2)],
    ],
)
def test_what_is_advised_about_objects_works(values):
    with pytest.raises(TypeError, match=r"pandas.Series\(x, dtype='category'\) takes other labels"):
        fastinfo.entropy(array(values))
    column = pd.Series(array(values), dtype="category")
    found = fastinfo.JointCounts(nan_policy="omit").update(column)
    assert sorted(found.table.tolist()) == [1, 2]
    assert found.n_missing == 1
