"""Which columns of a stranger's table are kept, binned or skipped, and what is told of it."""

import datetime
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fastinfo
from fastinfo.data.columns import Column
from fastinfo.inputs import (
    bin_arguments,
    moments,
    preparation,
    reading,
)
from fastinfo.inputs.preparation import Choices
from fastinfo.inputs.reading import Layout

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")

ROOT = Path(__file__).parents[1]
N = 120
ROWS = range(N)
DAYS = [datetime.date(2020, 1, 1) + datetime.timedelta(days=row // 2) for row in ROWS]
MOMENTS = [datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=row * row) for row in ROWS]
WORDS = [f"w{row}" for row in ROWS]

KEPT, BINNED = "categories", "numbers"
COLUMN_RULES = {
    "text": (pa.array(["a", "b"] * 60), KEPT, None),
    "text, a value for two rows": (pa.array([f"w{row // 2}" for row in ROWS]), KEPT, None),
    "named categorical": (pa.array(["a", "b"] * 60).dictionary_encode(), KEPT, None),
    "identifier": (pa.array(WORDS), None, preparation.IDENTIFIER),
    "identifier with a few twice": (pa.array(["w1", *WORDS[1:]]), None, preparation.IDENTIFIER),
    "identifier, view": (pa.array(WORDS, pa.string_view()), None, preparation.IDENTIFIER),
    "identifier, categorical": (
        pa.array(WORDS).dictionary_encode(),
        None,
        preparation.IDENTIFIER,
    ),
    "identifier with gaps": (
        pa.array([None if row % 3 else word for row, word in enumerate(WORDS)]),
        None,
        preparation.IDENTIFIER,
    ),
    "text with ten values, mostly missing": (pa.array([*"abcdefghij", *[None] * 110]), KEPT, None),
    "few integers": (pa.array([1, 2] * 60), KEPT, None),
    "ten integers": (pa.array([row % 10 for row in ROWS]), KEPT, None),
    "five rows a value": (pa.array([row % 24 for row in ROWS]), KEPT, None),
    "fewer rows a value": (pa.array([row % 25 for row in ROWS]), BINNED, preparation.MANY_INTEGERS),
    "row numbers": (pa.array(ROWS), None, preparation.ROW_NUMBER),
    "row numbers from 1": (pa.array(range(1, N + 1)), None, preparation.ROW_NUMBER),
    "row numbers downward": (pa.array(ROWS[::-1]), None, preparation.ROW_NUMBER),
    "row numbers, some rows dropped": (
        pa.array([row + row // 2 for row in ROWS]),
        None,
        preparation.ROW_NUMBER,
    ),
    "years": (pa.array(range(1900, 1900 + N)), BINNED, preparation.MANY_INTEGERS),
    "ranks in another order": (
        pa.array([(row * 7) % N for row in ROWS]),
        BINNED,
        preparation.MANY_INTEGERS,
    ),
    "integers all different": (
        pa.array([row * row for row in ROWS]),
        BINNED,
        preparation.MANY_INTEGERS,
    ),
    "huge integers": (
        pa.array([2**64 - 1 - row for row in ROWS], pa.uint64()),
        BINNED,
        preparation.MANY_INTEGERS,
    ),
    "booleans": (pa.array([True, None] * 45 + [False] * 30), KEPT, None),
    "floats": (pa.array(np.arange(N) / 3), BINNED, None),
    "decimals": (pa.array(ROWS).cast(pa.decimal128(22, 2)), BINNED, None),
    "dates": (pa.array(DAYS), BINNED, preparation.TIMES),
    "moments": (pa.array(MOMENTS), BINNED, preparation.TIMES),
    "moments somewhere": (
        pa.array(MOMENTS).cast(pa.timestamp("ns", "UTC")),
        BINNED,
        preparation.TIMES,
    ),
    "times": (pa.array(ROWS, pa.time32("s")), BINNED, preparation.TIMES),
    "text of dates": (pa.array([*map(str, DAYS[:-1]), None]), BINNED, preparation.TEXT_TIMES),
    "text of moments": (pa.array(list(map(str, MOMENTS))), BINNED, preparation.TEXT_TIMES),
    "text of times": (
        pa.array([f"{row % 24:02}:{row % 60:02}" for row in ROWS]),
        BINNED,
        preparation.TEXT_TIMES,
    ),
    "few dates": (pa.array([DAYS[row % 7] for row in ROWS]), KEPT, None),
    "text of few dates": (pa.array([str(DAYS[row % 7]) for row in ROWS]), KEPT, None),
    "text of days that are not": (pa.array(["2023-02-29", "2023-02-28"] * 60), KEPT, None),
    "categorical dates": (
        pa.array(["2023-02-27", "2023-02-28"] * 60).dictionary_encode(),
        KEPT,
        None,
    ),
    "durations": (pa.array(ROWS, pa.duration("ms")), BINNED, preparation.TIMES),
    "constant text": (pa.array(["a", None] * 60), None, preparation.CONSTANT),
    "constant float": (pa.array([1.5, None] * 60), None, preparation.CONSTANT),
    "constant date": (pa.array([DAYS[0]] * N), None, preparation.CONSTANT),
    "no floats": (pa.nulls(N, pa.float64()), None, preparation.CONSTANT),
    "no integers": (pa.nulls(N, pa.int8()), None, preparation.CONSTANT),
    "lists": (pa.array([[1], [2]] * 60), None, preparation.UNSUPPORTED),
    "records": (pa.array([{"a": 1}, {"a": 2}] * 60), None, preparation.UNSUPPORTED),
    "bytes": (pa.array([b"a", b"b"] * 60), None, preparation.UNSUPPORTED),
}
OTHERS = {"a": pa.array([0, 1] * 60), "b": pa.array([0, 0, 1, 1] * 30)}

LIBRARIES = {
    "arrow": lambda table: table,
    "polars": pl.from_arrow,
    "pandas": lambda table: table.to_pandas(),
    "pandas of Arrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
}

BESIDE = {("decimals", "pandas"), ("identifier, view", "pandas of Arrow")} | {
    (case, "pandas of Arrow") for case in COLUMN_RULES if "categorical" in case
}
"""Objects, and types that narwhals does not read, are a matter of `tests/test_tables.py`."""


@pytest.mark.parametrize(
    ("case", "library"), sorted(set(itertools.product(COLUMN_RULES, LIBRARIES)) - BESIDE)
)
def test_each_kind_of_column_is_kept_binned_or_skipped_and_told(case, library):
    column, kind, decision = COLUMN_RULES[case]
    table = LIBRARIES[library](pa.table({"tried": column, **OTHERS}))
    prepared = preparation.prepare(table, "the table")
    assert prepared.labels == ["tried"] * (kind is not None) + ["a", "b"]
    if kind is not None:
        assert prepared.columns[0].is_float == (kind == BINNED)
        assert prepared.incomplete == ["tried"] * bool(column.null_count)
        found = fastinfo.pairwise_mutual_information(prepared, nan_policy="omit")
        assert (np.diag(found) > 0).all()
    if decision is None:
        assert prepared.notes == []
    else:
        assert prepared.notes == [f"1 column {decision}: tried"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_binned_keeps_its_order_and_its_gaps(library):
    """Times and integers become numbers that are equal, and missing, where they were."""
    gaps = pa.array([row % 5 == 0 for row in ROWS])
    for case in ("years", "moments", "durations", "huge integers", "integers all different"):
        if (case, library) == ("huge integers", "pandas"):
            continue  # which pandas makes equal floats of, beside gaps
        column = pc.if_else(gaps, pa.scalar(None), COLUMN_RULES[case][0])
        table = LIBRARIES[library](pa.table({"tried": column, **OTHERS}))
        (found, *_) = preparation.prepare(table, "the table").columns
        np.testing.assert_array_equal(np.isnan(found.values), gaps.to_numpy(False))
        present = [value for value in column.to_pylist() if value is not None]
        order = np.argsort(found.values[~np.isnan(found.values)])
        assert [present[place] for place in order] == sorted(present)
        assert len(set(found.values[~np.isnan(found.values)].tolist())) == len(present)


def test_the_limit_of_categories_looks_at_the_number_of_rows():
    assert [bin_arguments.most_categories(n) for n in (10, 49, 60, 120, 249, 250, 1000)] == [
        *(10, 10, 12, 24, 49, 50, 50)
    ]
    assert bin_arguments.most_categories(10**6) == 100  # as many as there would be bins


def test_airports_are_no_identifiers(rng):
    """105 names in thousands of rows are categories; a name for each row is an identifier."""
    n = 20_000
    table = pa.table(
        {
            "airport": pa.array([f"A{code}" for code in rng.integers(0, 105, n)]),
            "flight": pa.array([f"F{row}" for row in range(n)]),
            "late": pa.array(rng.random(n) < 0.2),
        }
    )
    with pytest.warns(fastinfo.PreparationWarning, match=r"identifiers and skipped .*: flight\."):
        found = fastinfo.top_pairs(table, 5)
    assert [pair[:2] for pair in found] == [("airport", "late")]


def test_integers_with_gaps_are_the_integers_they_were_in_every_library():
    """Pandas makes floats of integers beside a gap; their quantiles would lose rare values."""
    genotypes = [0] * 90 + [1] * 20 + [2] * 5 + [None] * 5
    table = pa.table({"gene": pa.array(genotypes), "half": OTHERS["b"]})
    (expected,) = fastinfo.top_pairs(table, nan_policy="omit")
    for make in LIBRARIES.values():
        assert fastinfo.top_pairs(make(table), nan_policy="omit") == [expected]
    frame = pd.DataFrame({"gene": [*genotypes[:-5], *[np.nan] * 5], "half": [0, 0, 1, 1] * 30})
    assert frame.dtypes["gene"] == np.float64
    assert fastinfo.top_pairs(frame, nan_policy="omit") == [expected]


# --- what the caller decides --------------------------------------------------------------------

HOUSES = {
    "zip": [10_000 + row % 60 for row in range(600)],
    "name": [f"w{row}" for row in range(600)],
    "area": [50 + row % 20 for row in range(600)],
    "price": [(row * 7) % 600 * 1.5 for row in range(600)],
    "rated": [float(row % 4) for row in range(600)],
}


def test_columns_are_what_the_caller_says():
    frame = pd.DataFrame(HOUSES)
    plain = preparation.prepare(frame, "X")
    assert plain.labels == ["zip", "area", "price", "rated"]
    assert [column.is_float for column in plain.columns] == [True, False, True, True]
    kinds = {"zip": "category", "name": "category", "area": "number", "rated": "category"}
    chosen = preparation.prepare(frame, "X", Choices({**kinds, "price": "skip"}))
    assert chosen.labels == ["zip", "name", "area", "rated"]
    assert [column.is_float for column in chosen.columns] == [False, False, True, False]
    assert chosen.columns[3].categories.tolist() == [0, 1, 2, 3]


def test_kinds_and_bins_by_name_have_the_effect_that_they_say():
    frame = pd.DataFrame(HOUSES)
    kinds = {"zip": "category", "name": "skip"}
    edges = [0.0, 300.0, 900.0]
    found = fastinfo.pairwise_mutual_information(
        frame, kinds=kinds, bins={"area": 4, "price": edges}
    )
    assert list(found.columns) == ["zip", "area", "price", "rated"]
    area = np.array(HOUSES["area"], float)
    expected = {
        ("zip", "area"): fastinfo.mutual_information(frame["zip"], area, bins=(None, 4)),
        ("area", "price"): fastinfo.mutual_information(area, frame["price"], bins=(4, edges)),
        ("price", "rated"): fastinfo.mutual_information(
            frame["price"], frame["rated"], bins=(edges, None)
        ),
    }
    for (left, right), value in expected.items():
        assert found.loc[left, right] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kinds": {"zap": "skip"}}, ValueError, "kinds: no column .* 'zap'; near are zip"),
        ({"bins": {"arena": 3}}, ValueError, "bins: no column .* 'arena'; near are area"),
        (
            {"kinds": {"zip": "categories"}},
            ValueError,
            "is said to be 'categories'.*near is",
        ),
        ({"kinds": ["zip"]}, TypeError, "kinds is list; accepted is a dict"),
        ({"kinds": {"name": "number"}}, ValueError, "name holds categories or text, which are no"),
        ({"bins": {"name": 3}}, ValueError, "name holds categories or text, which are no"),
        (
            {"bins": {"area": "narrow"}, "kinds": {"name": "skip", "zip": "skip"}},
            ValueError,
            "bins='narrow'; accepted are",
        ),
    ],
    ids=str,
)
def test_choices_that_make_no_sense_are_refused(options, error, message):
    frame = pd.DataFrame(HOUSES)
    calls = [
        fastinfo.pairwise_mutual_information,
        fastinfo.top_pairs,
        lambda X, **o: fastinfo.score(X, "price", **o),
    ]
    for call in calls:
        with pytest.raises(error, match=message):
            call(frame, **{"kinds": {"zip": "skip"}, **options})


@pytest.mark.parametrize("options", [{"kinds": {"a": "skip"}}, {"bins": {"a": 3}}], ids=str)
def test_arrays_have_no_names(options):
    with pytest.raises(ValueError, match="names columns, and no table that is prepared came"):
        fastinfo.top_pairs(np.zeros((4, 2)), **options)


def test_a_table_of_which_nothing_is_left_is_refused():
    frame = pd.DataFrame({"name": WORDS, "one": [1] * N})
    with pytest.raises(ValueError, match=r"X has no column .*identifiers .*: name; .*constant"):
        fastinfo.top_pairs(frame)


def test_it_is_told_once_at_the_line_that_called():
    frame = pd.DataFrame(HOUSES)
    for call in (
        lambda: fastinfo.top_pairs(frame, 3),
        lambda: fastinfo.pairwise_mutual_information(frame[["price"]], frame),
        lambda: fastinfo.score(frame, "price"),
    ):
        with pytest.warns(fastinfo.PreparationWarning) as told:
            call()
        (warning,) = told
        assert warning.filename == __file__
        assert "identifiers" in str(warning.message)
        assert "zip" in str(warning.message)


def test_nothing_is_told_where_nothing_was_decided():
    frame = pd.DataFrame(HOUSES)[["area", "price", "rated"]]
    fastinfo.top_pairs(frame, 3)  # warnings are errors here
    fastinfo.top_pairs(pd.DataFrame(HOUSES), 3, kinds={"name": "skip", "zip": "skip"})


def test_pandas_is_prepared_without_pyarrow():
    script = """
import sys
sys.modules["pyarrow"] = None
import warnings, pandas as pd, fastinfo
frame = pd.DataFrame({"name": [f"w{i}" for i in range(60)], "x": [i % 7 for i in range(60)],
                      "when": pd.date_range("2020", periods=60), "y": ["u", "v"] * 30})
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    print([pair[:2] for pair in fastinfo.top_pairs(frame, 3)])
print(len(told))
print(list(fastinfo.pairwise_mutual_information(frame, kinds={"name": "skip", "when": "skip"})))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    first, n_told, columns = done.stdout.splitlines()
    assert sorted(eval(first)) == [("when", "y"), ("x", "when"), ("x", "y")]
    assert n_told == "1"
    assert columns == "['x', 'y']"


def test_a_file_is_worth_the_same_read_by_pandas_polars_and_the_command_line(tmp_path, rng):
    """Dates that pandas leaves text, integers with gaps that it makes floats of, row numbers."""
    n = 400
    hours = rng.integers(0, 24, n)
    days = np.datetime64("2021-01-01") + rng.integers(0, 900, n)
    frame = pd.DataFrame(
        {
            "row": np.arange(n),
            "day": days.astype(str),
            "moment": [f"{day} {hour:02}:30:00" for day, hour in zip(days, hours, strict=True)],
            "time": [f"{hour:02}:15" for hour in rng.integers(0, 24, n)],
            "rooms": pd.array(rng.integers(1, 9, n), "Int64"),
            "price": rng.lognormal(size=n).round(2),
            "town": rng.choice(["Ely", "Rye", "Wem"], n),
        }
    )
    frame.loc[rng.random(n) < 0.1, ["day", "rooms", "town"]] = None
    path = tmp_path / "houses.csv"
    frame.to_csv(path, index=False)
    tables = [pd.read_csv(path), pl.read_csv(path), reading.read(path, Layout()).table]
    assert isinstance(tables[0]["day"].dropna().iloc[0], str)
    matrices = []
    for table in tables:
        with pytest.warns(fastinfo.PreparationWarning, match="day, moment"):
            found = fastinfo.pairwise_mutual_information(table, nan_policy="omit")
        matrices.append(np.column_stack([np.asarray(found[name]) for name in frame.columns[1:]]))
    for matrix in matrices[1:]:
        np.testing.assert_array_equal(matrix, matrices[0])


NOON = [datetime.time(0, 0, 1), datetime.time(12), None, datetime.time(12, 0, 5)]
NOONS = {
    "text": pd.Series([None if time is None else str(time) for time in NOON]),
    "objects": pd.Series(NOON),
    "a list": NOON,
    "polars": pl.Series(NOON),
    **{f"Arrow {unit}": pa.array(NOON, pa.time32(unit)) for unit in ("s", "ms")},
    **{f"Arrow {unit}": pa.array(NOON, pa.time64(unit)) for unit in ("us", "ns")},
}


@pytest.mark.parametrize("library", NOONS)
def test_times_have_one_unit_whatever_library_they_come_from(library):
    """So that edges by name, and bins of equal width, mean the same."""
    prepared = preparation.prepare(
        {"t": NOONS[library], "y": [0, 0, 1, 1]}, "t", Choices(kinds={"t": "number"})
    )
    np.testing.assert_array_equal(prepared.columns[0].values, [1e6, 43_200e6, np.nan, 43_205e6])


MOMENTS_OF_TWO_DAYS = [datetime.datetime(2024, 2, 29, 5), None, datetime.datetime(2024, 3, 1)]
DATES_ELSEWHERE = {
    "a list": MOMENTS_OF_TWO_DAYS,
    "an array": np.array(MOMENTS_OF_TWO_DAYS, "M8[s]"),
    "a finer array": np.array(MOMENTS_OF_TWO_DAYS, "M8[ns]"),
    "an array of objects": np.array(MOMENTS_OF_TWO_DAYS),
    "the hour alone": ["2024-02-29 05", None, "2024-03-01T00"],
    "blanks around": [" 2024-02-29T05:00 ", None, "2024-03-01"],
}


@pytest.mark.parametrize("case", DATES_ELSEWHERE)
def test_dates_in_dicts_of_columns_are_those_of_data_frames(case):
    table = {"day": DATES_ELSEWHERE[case], "y": [0, 1, 1]}
    prepared = preparation.prepare(table, "the table", Choices(kinds={"day": "number"}))
    found = prepared.columns[0].values
    np.testing.assert_array_equal(found, [1_709_182_800e6, np.nan, 1_709_251_200e6])


def test_labels_that_differ_by_nanoseconds_stay_apart():
    labels = [f"2024-01-01 00:00:00.{i:09d}" for i in range(28)]
    assert len(set(moments.spelled(labels).tolist())) == 28
    assert moments.spelled(["00:00:00.0000000001"]) is None


@pytest.mark.parametrize("make", [list, pd.Series, lambda values: np.array(values, object)])
def test_absent_objects_are_missing_among_any_others(make):
    """Pandas' NA is neither true nor false."""
    table = {"text": make(["a", pd.NA, "b", None]), "day": make([pd.NA, pd.NaT, None, "x"])}
    prepared = preparation.prepare(table, "the table", Choices(kinds={"day": "skip"}))
    assert prepared.labels == ["text"]
    assert prepared.columns[0].missing.tolist() == [False, True, False, True]
    days = [pd.NA, datetime.date(2024, 1, 1), pd.NaT, datetime.date(2024, 1, 3)]
    prepared = preparation.prepare({"d": make(days)}, "t", Choices(kinds={"d": "number"}))
    assert np.isnan(prepared.columns[0].values).tolist() == [True, False, True, False]


@pytest.mark.parametrize("looked_at", [1, 20, 1 << 16])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u4", "i8", "u8"])
def test_different_values_are_counted(rng, monkeypatch, dtype, looked_at):
    """Of all samples, by a look at some of them or at all, at both ends of the dtype."""
    monkeypatch.setattr(preparation, "LOOKED_AT", looked_at)
    ends = np.iinfo(dtype)
    for low, high in ((ends.min, ends.max), (ends.max - 40, ends.max), (ends.min, ends.min + 40)):
        values = np.sort(rng.integers(low, high, 150, dtype=dtype, endpoint=True))
        for missing in (None, rng.random(150) < 0.3):
            column = Column("x", values, missing)
            present = values if missing is None else values[~missing]
            expected = len(set(present.tolist()))
            assert preparation._n_distinct(column, np.inf) == expected
            for enough in (1, 10, 60):
                found = preparation._n_distinct(column, enough)
                assert found == expected if expected <= enough else found > enough
