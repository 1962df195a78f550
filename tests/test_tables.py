"""Tables of other libraries become the same columns, and what cannot is told."""

import datetime
import decimal
import io
import itertools
import re

import naive
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fastinfo
from fastinfo.inputs import arguments

MISSING = object()
"""Stands in a list of expected samples for one that is missing."""

TEXT = ["b", MISSING, "a", "b"]
NUMBERS = [3, MISSING, 1, 3]
NONE = [MISSING, MISSING]
D = decimal.Decimal

COLUMNS = {
    "arrow integers": (lambda: pa.array([3, None, 1, 3]), NUMBERS),
    "arrow integers, chunked": (lambda: pa.chunked_array([[3, None], [], [1, 3]]), NUMBERS),
    "arrow huge integers": (
        lambda: pa.array([2**64 - 1, None], pa.uint64()),
        [2**64 - 1, MISSING],
    ),
    "arrow small integers": (lambda: pa.array([-128, None], pa.int8()), [-128, MISSING]),
    "arrow no integers": (lambda: pa.nulls(2, pa.int16()), NONE),
    "arrow booleans": (lambda: pa.array([True, None, False]), [True, MISSING, False]),
    "arrow floats": (lambda: pa.array([1.5, None, np.nan]), [1.5, MISSING, MISSING]),
    "arrow half floats": (lambda: pa.array(np.array([1.5, 2], np.float16)), [1.5, 2.0]),
    "arrow decimals": (lambda: pa.array([D("1.5"), None]), [1.5, MISSING]),
    "arrow nothing": (lambda: pa.nulls(2), NONE),
    "arrow text": (lambda: pa.array(["b", None, "a", "b"]), TEXT),
    "arrow long text": (lambda: pa.array(["b", None, "a", "b"], pa.large_string()), TEXT),
    "arrow text views": (lambda: pa.array(["b", None, "a", "b"], pa.string_view()), TEXT),
    "arrow no text": (lambda: pa.nulls(2, pa.string()), NONE),
    "arrow dictionary": (lambda: pa.array(["b", None, "a", "b"]).dictionary_encode(), TEXT),
    "arrow dictionaries": (
        lambda: pa.chunked_array(
            [pa.array(["b", None]).dictionary_encode(), pa.array(["a", "b"]).dictionary_encode()]
        ),
        TEXT,
    ),
    "arrow dictionary with a value twice": (
        lambda: pa.DictionaryArray.from_arrays(pa.array([0, None, 1, 2]), ["b", "a", "b"]),
        TEXT,
    ),
    "arrow dictionary that holds null": (
        lambda: pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 0]), ["b", None, "a"]),
        TEXT,
    ),
    "pandas integers": (lambda: pd.Series([3, None, 1, 3], dtype="Int64"), NUMBERS),
    "pandas arrow integers": (lambda: pd.Series([3, None, 1, 3], dtype="int64[pyarrow]"), NUMBERS),
    "pandas booleans": (lambda: pd.Series([True, None], dtype="boolean"), [True, MISSING]),
    "pandas floats": (lambda: pd.Series([1.5, None], dtype="Float64"), [1.5, MISSING]),
    "pandas text": (lambda: pd.Series(["b", None, "a", "b"], dtype="string"), TEXT),
    "pandas object text": (lambda: pd.Series(["b", None, "a", "b"], dtype=object), TEXT),
    "pandas arrow text": (
        lambda: pd.Series(["b", None, "a", "b"], dtype=pd.ArrowDtype(pa.string())),
        TEXT,
    ),
    "pandas no text": (lambda: pd.Series([None, None], dtype="string"), NONE),
    "pandas categorical": (lambda: pd.Series(["b", None, "a", "b"], dtype="category"), TEXT),
    "pandas index": (lambda: pd.Index([3, 1]), [3, 1]),
    "pandas sparse": (lambda: pd.Series(pd.arrays.SparseArray([0, 0, 1])), [0, 0, 1]),
    "polars integers": (lambda: pl.Series([3, None, 1, 3]), NUMBERS),
    "polars bytes": (lambda: pl.Series([255, None], dtype=pl.UInt8), [255, MISSING]),
    "polars booleans": (lambda: pl.Series([True, None]), [True, MISSING]),
    "polars floats": (lambda: pl.Series([1.5, None, np.nan]), [1.5, MISSING, MISSING]),
    "polars decimals": (lambda: pl.Series([D("1.5"), None]), [1.5, MISSING]),
    "polars nothing": (lambda: pl.Series([None, None]), NONE),
    "polars text": (lambda: pl.Series(["b", None, "a", "b"]), TEXT),
    "polars no text": (lambda: pl.Series([None, None], dtype=pl.String), NONE),
    "polars categorical": (
        lambda: pl.Series(["b", None, "a", "b"], dtype=pl.Categorical),
        TEXT,
    ),
    "polars enum": (lambda: pl.Series(["b", None, "a", "b"], dtype=pl.Enum(["c", "b", "a"])), TEXT),
}


def samples(column):
    """What the samples of an `arguments` column are, as a list."""
    values = column.values
    missing = np.zeros(values.size, bool) if column.missing is None else column.missing
    if column.is_float:
        missing = np.isnan(values)
    if column.categories is not None:
        np.testing.assert_array_equal(values == column.categories.size, missing)
        labels = [*column.categories.tolist(), MISSING]
        return [labels[code] for code in values]
    return [MISSING if m else v for v, m in zip(values.tolist(), missing, strict=True)]


@pytest.mark.parametrize("case", COLUMNS)
def test_columns_of_other_libraries_keep_their_samples(case):
    make, expected = COLUMNS[case]
    found = samples(arguments.column(make(), "x"))
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@pytest.mark.parametrize("case", COLUMNS)
def test_columns_of_other_libraries_are_measured(case):
    make, expected = COLUMNS[case]
    present = [value for value in expected if value is not MISSING]
    if not present:
        with pytest.raises(ValueError, match="no sample is left: 2 were left out"):
            fastinfo.entropy(make(), nan_policy="omit")
        return
    counts = np.unique(present, return_counts=True)[1]
    p = counts / counts.sum()
    edges = [0, 1, 1.75, 3] if isinstance(present[0], float) else None
    measured = fastinfo.entropy(make(), bins=edges, nan_policy="omit")
    assert measured == pytest.approx(-(p * np.log(p)).sum(), abs=1e-15)


GAPS = {
    "integers with a gap": (lambda: pd.Series([0, None, 2]), True),
    "negative": (lambda: pd.Series([-1.0, np.nan, -0.0]), True),
    "the largest": (lambda: pd.Series([2.0**53, -(2.0**53), np.nan]), True),
    "a column of a frame": (lambda: pd.DataFrame({"a": [1, None]})["a"], True),
    "no gap": (lambda: pd.Series([0.0, 1.0]), False),
    "integers": (lambda: pd.Series([0, 1]), False),
    "nothing but gaps": (lambda: pd.Series([np.nan, np.nan]), False),
    "halves": (lambda: pd.Series([0.5, np.nan]), False),
    "beyond what floats tell apart": (lambda: pd.Series([2.0**53 + 2, np.nan]), False),
    "infinite": (lambda: pd.Series([np.inf, 1, np.nan]), False),
    "float32": (lambda: pd.Series([0, np.nan], dtype="f4"), False),
    "nullable integers": (lambda: pd.Series([0, None], dtype="Int64"), False),
    "NumPy": (lambda: np.array([0, np.nan]), False),
    "polars": (lambda: pl.Series([0.0, None]), False),
    "Arrow": (lambda: pa.array([0.0, None]), False),
}


@pytest.mark.parametrize("case", GAPS)
def test_integers_that_pandas_made_floats_are_known(case):
    make, expected = GAPS[case]
    assert arguments.column(make(), "x").integers_with_gaps is expected


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: pa.array([[1], [2]]), "x holds List"),
        (lambda: pl.Series([[1], [2]]), "x holds List"),
        (lambda: pa.array([{"a": 1}]), "x holds Struct"),
        (lambda: pl.Series([1, 2**100], dtype=pl.Int128), "x holds Int128"),
        (lambda: pa.array([b"a", b"b"]), "objects of type bytes"),
        (lambda: pl.col("a"), r"x is a polars\.expr\.expr\.Expr; accepted are columns"),
        (lambda: pd.MultiIndex.from_tuples([(1, 2)]), "x is a pandas.*MultiIndex; accepted"),
        (lambda: pd.Series(["a", 1], dtype=object), "objects of type int, str"),
    ],
)
def test_columns_of_other_things_are_refused_by_name(make, told):
    with pytest.raises(TypeError, match=told):
        arguments.column(make(), "x")


DAYS = [datetime.datetime(2020, 1, 1), None, datetime.datetime(2020, 1, 3)]
MOMENTS = {
    "NumPy": lambda: np.array(DAYS, "M8[s]"),
    "NumPy durations": lambda: np.array([1, "NaT", 5], "m8[D]"),
    "pandas": lambda: pd.Series(DAYS),
    "pandas with a zone": lambda: pd.Series(DAYS).dt.tz_localize("Europe/Berlin"),
    "pandas durations": lambda: pd.Series(DAYS) - pd.Timestamp(0),
    "pandas Arrow": lambda: pd.Series(DAYS, dtype="timestamp[us][pyarrow]"),
    "polars": lambda: pl.Series(DAYS),
    "polars dates": lambda: pl.Series(DAYS).dt.date(),
    "polars times": lambda: pl.Series([datetime.time(1), None, datetime.time(2)]),
    "polars durations": lambda: pl.Series(DAYS) - datetime.datetime(2000, 1, 1),
    "Arrow": lambda: pa.array(DAYS),
    "Arrow with a zone": lambda: pa.array(DAYS, pa.timestamp("ns", "UTC")),
    "Arrow dates": lambda: pa.array([1, None, 3], pa.date32()),
    "Arrow long dates": lambda: pa.array([0, None, 86_400_000], pa.date64()),
    "Arrow times": lambda: pa.array([1, None, 3], pa.time32("s")),
    "Arrow long times": lambda: pa.array([1, None, 3], pa.time64("us")),
    "Arrow durations": lambda: pa.array([1, None, 3], pa.duration("s")),
}


@pytest.mark.parametrize("case", MOMENTS)
def test_what_is_advised_about_moments_keeps_missing_ones_missing(case):
    """The advice of the message is followed to the letter."""
    x = MOMENTS[case]()
    with pytest.raises(TypeError, match=r"x h.* missing") as caught:
        arguments.column(x, "x")
    advice = re.search("pass (.*) to bin .* as numbers, or (.*) to count each", str(caught.value))
    for text, is_float in zip(advice.groups(), (True, False), strict=True):
        column = arguments.column(eval(text, {"x": x, "np": np, "pd": pd, "pl": pl}), "x")
        first, second, third = samples(column)
        assert column.is_float == is_float
        assert second is MISSING
        assert MISSING not in (first, third)
        assert first < third


@pytest.mark.parametrize(
    "make",
    [
        lambda: pa.array([1, None]),
        lambda: pd.Series([1, None], dtype="Int64"),
        lambda: pl.Series([1, None]),
    ],
)
def test_missing_weights_are_refused(make):
    with pytest.raises(ValueError, match="sample_weight holds missing, NaN or infinite weights"):
        fastinfo.entropy([0, 1], sample_weight=make())


SAME = {
    "pandas with Arrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas with missing integers": lambda table: table.to_pandas().convert_dtypes(),
    "polars": pl.from_arrow,
    "polars with categoricals": lambda table: pl.from_arrow(table).with_columns(
        pl.col("city").cast(pl.Categorical)
    ),
}


@pytest.mark.parametrize("library", SAME)
def test_the_same_table_of_every_library_gives_the_same_matrix(mixed, library):
    table = SAME[library](mixed)
    found, expected = (
        fastinfo.pairwise_mutual_information(t, nan_policy="omit") for t in (table, mixed)
    )
    names = expected.column_names[1:]
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-14)
    rows = found.index if hasattr(found, "index") else found["column"]
    assert list(rows) == names == expected["column"].to_pylist()
    found = fastinfo.top_pairs(table, 6, nan_policy="omit")
    expected = fastinfo.top_pairs(mixed, 6, nan_policy="omit")
    assert [pair[:2] for pair in found] == [pair[:2] for pair in expected]


# --- integers with gaps, as pandas reads them ---------------------------------------------------


def test_integers_with_gaps_are_counted_as_integers(rng):
    """A CSV is read by pandas with and without its nullable integers: one answer."""
    x = rng.choice(9, 40, p=[0.6, 0.2, 0.1, *[0.1 / 6] * 6])
    lines = ["x,y", *(f"{'' if i % 7 == 3 else v},{v % 3}" for i, v in enumerate(x))]
    text = "\n".join(lines) + "\n"
    floats = pd.read_csv(io.StringIO(text))
    integers = pd.read_csv(io.StringIO(text), dtype_backend="numpy_nullable")
    assert floats["x"].dtype == "float64"
    for table in (floats, integers):
        present = [(v, v % 3) for i, v in enumerate(x.tolist()) if i % 7 != 3]
        expected = naive.mutual_information(*zip(*present, strict=True))
        found = fastinfo.mutual_information(table["x"], table["y"], nan_policy="omit")
        assert found == pytest.approx(expected)
    options = {"nan_policy": "omit"}
    assert np.array_equal(
        fastinfo.pairwise_mutual_information(floats, **options),
        fastinfo.pairwise_mutual_information(integers, **options),
    )


def test_integers_with_gaps_can_be_binned():
    x = pd.Series([1.0, 2.0, 3.0, 4.0, np.nan])
    counts = fastinfo.JointCounts(bins=2, nan_policy="omit").update(x)
    assert counts.table.tolist() == [2, 2]


def test_a_stream_of_integers_with_gaps_in_some_chunks_only():
    """Pandas reads a chunk without gaps as int64 and one with gaps as float64."""
    with_gaps = pd.Series([1.0, np.nan, 3.0, 1.0])
    chunks = [pd.Series([1, 2, 2]), with_gaps, with_gaps[2:]]
    for order in itertools.permutations(chunks):
        if order[0] is chunks[2]:
            continue  # floats without gaps, of which nobody knows that they are integers
        counts = fastinfo.JointCounts(nan_policy="omit")
        for chunk in order:
            counts.update(chunk)
        assert counts.bins[0].tolist() == [1, 2, 3]
        assert counts.table.tolist() == [4, 2, 2]
        assert counts.n_missing == 1


def test_floats_that_have_been_binned_stay_binned():
    counts = fastinfo.JointCounts(nan_policy="omit").update(pd.Series([0.5, 1.0, 2.0, 3.5]))
    counts.update(pd.Series([1.0, np.nan, 2.0]))
    assert counts.n_samples == 6


def test_a_divergence_of_integers_with_and_without_gaps():
    x, y = pd.Series([1.0, np.nan, 2.0, 2.0]), pd.Series([1, 2, 2, 2])
    for left, right in ((x, y), (x, x), (y, x)):
        found = fastinfo.jensen_shannon_divergence(left, right, nan_policy="omit")
        sides = [side.dropna().tolist() for side in (left, right)]
        assert found == pytest.approx(naive.jensen_shannon_divergence(*sides), abs=1e-12)
    floats = np.array([1.0, 2.5, 2.0])
    assert fastinfo.jensen_shannon_divergence(x, pd.Series(floats), nan_policy="omit") == (
        fastinfo.jensen_shannon_divergence(x.to_numpy(), floats, nan_policy="omit")
    )


def test_measurements_in_whole_numbers_stay_measurements(rng):
    """One gap does not make 160 categories of the values of a column."""
    values, y = rng.normal(200, 40, 1000).round(), rng.integers(0, 2, 1000)
    values[0] = np.nan
    found = fastinfo.mutual_information(pd.Series(values), y, nan_policy="omit")
    assert found == fastinfo.mutual_information(values, y, nan_policy="omit")
    assert found < 0.01


def test_a_gap_without_weight_changes_nothing():
    x = pd.Series([0.0, 1, 2, 3, 4, 5, np.nan])
    found = fastinfo.entropy(x, sample_weight=[1] * 6 + [0])
    assert found == fastinfo.entropy(x[:6])
