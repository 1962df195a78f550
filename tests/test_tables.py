"""Tables of other libraries and files become the same columns, and what cannot is told."""

import bz2
import datetime
import decimal
import gzip
import os
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

import fastinfo
from fastinfo import arguments, tables

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
        values = column.categories[values]
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


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: pa.array([[1], [2]]), "x holds List"),
        (lambda: pl.Series([[1], [2]]), "x holds List"),
        (lambda: pa.array([{"a": 1}]), "x holds Struct"),
        (lambda: pl.Series([1, 2**100], dtype=pl.Int128), "x holds Int128"),
        (lambda: pa.array([b"a", b"b"]), "objects of type bytes"),
        (lambda: pa.array([datetime.date(2020, 1, 1)]), "dtype datetime64"),
        (lambda: pl.Series([datetime.datetime(2020, 1, 1)]), "dtype datetime64"),
        (lambda: pd.Series(pd.to_datetime(["2020-01-01"])), "dtype datetime64"),
        (lambda: pa.array([datetime.time(1)]), "objects of type time"),
        (lambda: pd.Series(["a", 1], dtype=object), "objects of type int, str"),
    ],
)
def test_columns_of_other_things_are_refused_by_name(make, told):
    with pytest.raises(TypeError, match=told):
        arguments.column(make(), "x")


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


@pytest.fixture(scope="module")
def mixed():
    """A table of every kind that the libraries share."""
    generator = np.random.default_rng(1)
    n = 60
    return pa.table(
        {
            "city": pa.array(
                [[None, "Rome", "Oslo", "Lima"][i] for i in generator.integers(4, size=n)]
            ),
            "stars": pa.array([[None, 1, 2, 3][i] for i in generator.integers(4, size=n)]),
            "open": pa.array([[None, True, False][i] for i in generator.integers(3, size=n)]),
            "price": pa.array(
                [None if i % 7 == 0 else x for i, x in enumerate(generator.normal(size=n))]
            ),
        }
    )


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


WRITERS = {
    "t.csv": pyarrow.csv.write_csv,
    "t.CSV": pyarrow.csv.write_csv,
    "t.tsv": lambda table, path: pyarrow.csv.write_csv(
        table, path, pyarrow.csv.WriteOptions(delimiter="\t")
    ),
    "t.parquet": pyarrow.parquet.write_table,
    "t.pq": pyarrow.parquet.write_table,
    "t.arrow": lambda table, path: pyarrow.feather.write_feather(table, path, "uncompressed"),
    "t.feather": lambda table, path: pyarrow.feather.write_feather(table, path, "zstd"),
    "pandas.parquet": lambda table, path: table.to_pandas(types_mapper=pd.ArrowDtype).to_parquet(
        path, index=False
    ),
    "polars.parquet": lambda table, path: pl.from_arrow(table).write_parquet(path),
    "polars.arrow": lambda table, path: pl.from_arrow(table).write_ipc(path),
    "a.name.with.dots.csv": pyarrow.csv.write_csv,
}


@pytest.mark.parametrize("name", WRITERS)
def test_files_give_back_the_table(tmp_path, mixed, name):
    path = tmp_path / name
    WRITERS[name](mixed, str(path))
    found = tables.read(path)
    assert found.column_names == mixed.column_names
    assert found.to_pydict() == mixed.to_pydict()
    np.testing.assert_array_equal(
        fastinfo.pairwise_mutual_information(found, nan_policy="omit"),
        fastinfo.pairwise_mutual_information(mixed, nan_policy="omit"),
    )


TEXTS = {
    "plain": (b"a,b\n1,x\n2,y\n", {"a": [1, 2], "b": ["x", "y"]}),
    "byte-order mark": (b"\xef\xbb\xbfa,b\n1,2\n", {"a": [1], "b": [2]}),
    "CRLF": (b"a,b\r\n1,\r\n3,4\r\n", {"a": [1, 3], "b": [None, 4]}),
    "no last newline": (b"a,b\n1,2", {"a": [1], "b": [2]}),
    "blank lines": (b"a,b\n\n1,2\n\n", {"a": [1], "b": [2]}),
    "quoted header": (b'"a, x","b ""c"""\n1,2\n', {"a, x": [1], 'b "c"': [2]}),
    "quoted newline": (b'a,b\n"x\ny",2\n', {"a": ["x\ny"], "b": [2]}),
    "empty text": (b"a,b\nx,1\n,2\n", {"a": ["x", None], "b": [1, 2]}),
    "words for nothing": (
        b"a,b\nNA,NaN\nx,1\n,null\n",
        {"a": [None, "x", None], "b": [None, 1, None]},
    ),
    "no name": (b",b,\n7,2,\n", {"column 1": [7], "b": [2], "column 3": [None]}),
    "booleans": (b"a\ntrue\nfalse\n", {"a": [True, False]}),
    "integers beyond int64": (
        b"a,b,\n9223372036854775808,1,-0\n 9223372036854775811 ,2,+18446744073709551615\n,3,NA\n",
        {
            "a": [2**63, 2**63 + 3, None],
            "b": [1, 2, 3],
            "column 3": [0, 2**64 - 1, None],
        },
    ),
    "large floats": (
        b"a,b,c\n1e20,1e20,99999999999999999999.0\n2e20,0.5,1\n",
        {"a": [1e20, 2e20], "b": [1e20, 0.5], "c": [1e20, 1.0]},
    ),
    "integers among infinities": (b"a\n9223372036854775808\ninf\n", {"a": [2.0**63, np.inf]}),
    "other beyond the first MiB": (
        b"a,b\n" + b",1\n" * 600_000 + b"7,1.5\n",
        {"a": [None] * 600_000 + [7], "b": [1.0] * 600_000 + [1.5]},
    ),
    "accents": ("Größe,b\né,2\n".encode(), {"Größe": ["é"], "b": [2]}),
}


@pytest.mark.parametrize("case", TEXTS)
def test_text_is_read_as_it_was_meant(tmp_path, case):
    content, expected = TEXTS[case]
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    assert tables.read(path).to_pydict() == expected


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_text_is_read(tmp_path, ending, compress):
    path = tmp_path / f"table.tsv{ending}"
    path.write_bytes(compress(b"a\tb\n1\t2\n"))
    assert tables.read(str(path)).to_pydict() == {"a": [1], "b": [2]}


BAD_FILES = {
    "empty.csv": (b"", "cannot be read as a table: Empty CSV file"),
    "blank.csv": (b"\n\n", "cannot be read as a table"),
    "header.csv": (b"a,b\n", "is empty: 2 columns and 0 rows"),
    "header-alone.csv": (b"a,b", "cannot be read as a table"),
    "ragged.csv": (b"a,b\n1,2\n3\n", "Expected 2 columns, got 1: 3"),
    "unclosed.csv": (b'a,b\n"x,2\n3,4\n', "Expected 2 columns"),
    "twice.csv": (b"a,b,a\n1,2,3\n", "more than one column is called 'a'"),
    "above.csv": (b"a,b\n1,99999999999999999999\n1,1\n", "column 'b' holds integers that fit"),
    "both-sides.csv": (b"a\n-1\n9223372036854775808\n", "fit neither int64 nor uint64"),
    "latin.csv": ("a,b\né,2\n".encode("latin-1"), "column 'a' is not UTF-8"),
    "latin-header.csv": ("é,b\n1,2\n".encode("latin-1"), "the header is not UTF-8"),
    "utf16.csv": ("a,b\n1,2\n".encode("utf-16"), "cannot be read as a table"),
    "binary.csv": (bytes(range(256)) * 8, "cannot be read as a table|not UTF-8"),
    "not.csv.gz": (b"a,b\n1,2\n", "cannot be read as a table"),
    "empty.parquet": (b"", "cannot be read as a table"),
    "corrupt.parquet": (b"PAR1junkPAR1", "cannot be read as a table"),
    "corrupt.arrow": (b"ARROW1junk" * 5, "cannot be read as a table"),
    "empty.feather": (b"", "cannot be read as a table"),
    "table.xlsx": (b"PK", "unknown kind of file '.xlsx'; accepted are .csv"),
    "table": (b"a\n1\n", "unknown kind of file ''"),
    "table.parquet.gz": (b"", "unknown kind of file '.parquet.gz'"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused_in_one_line(tmp_path, name):
    content, told = BAD_FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=told) as caught:
        tables.read(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.isprintable()
    assert len(message) < 500


def test_a_truncated_file_is_refused(tmp_path, mixed):
    for name, write in WRITERS.items():
        if "csv" in name.lower() or "tsv" in name:
            continue
        path = tmp_path / name
        write(mixed, str(path))
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(ValueError, match="cannot be read as a table"):
            tables.read(path)


def test_a_parquet_file_without_columns_is_refused(tmp_path):
    pyarrow.parquet.write_table(pa.table({}), tmp_path / "none.parquet")
    with pytest.raises(ValueError, match="is empty: 0 columns"):
        tables.read(tmp_path / "none.parquet")


def test_no_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        tables.read(tmp_path / "nowhere.csv")
    with pytest.raises(ValueError, match="is a directory"):
        tables.read(tmp_path)


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root and Windows read every file"
)
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = tmp_path / "secret.csv"
    path.write_bytes(b"a\n1\n")
    path.chmod(0)
    with pytest.raises(ValueError, match="cannot be read as a table"):
        tables.read(path)


def test_without_pyarrow_the_line_that_installs_it_is_told(tmp_path, monkeypatch):
    (tmp_path / "table.csv").write_bytes(b"a\n1\n")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'fastinfo\[cli\]'"):
        tables.read(tmp_path / "table.csv")
