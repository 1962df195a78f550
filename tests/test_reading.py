"""Files of every kind become tables, and what cannot be read is told."""

import bz2
import gzip
import lzma
import os
import sys

import messy
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

import fastinfo
from fastinfo import reading
from fastinfo.cli import main

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
    found = reading.read(path).table
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
    assert reading.read(path).table.to_pydict() == expected


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_text_is_read(tmp_path, ending, compress):
    path = tmp_path / f"table.tsv{ending}"
    path.write_bytes(compress(b"a\tb\n1\t2\n"))
    assert reading.read(str(path)).table.to_pydict() == {"a": [1], "b": [2]}


BAD_FILES = {
    "empty.csv": (b"", "it is empty, without a single byte"),
    "blank.csv": (b"\n\n", "the file is empty: it has no line with a cell"),
    "mark.csv": (b"\xef\xbb\xbf", "the file is empty: it has no line with a cell"),
    "header.csv": (b"a,b\n", "is empty: 2 columns and 0 rows"),
    "header-alone.csv": (b"a,b", "is empty: 2 columns and 0 rows"),
    "ragged.csv": (b"a,b\n1,2\n3\n", r"line 3 has 1 cell and the header 2 \(delimiter ','\): '3'"),
    "long.csv": (b'a,b\n"1\n1",2\n\n3,4\n3,4,5\n', "line 6 has 3 cells and the header 2"),
    "comment.csv": (b"# made\na,b\n1,2\n", "--comment '#' skips comment lines"),
    "decimal.csv": (b"x\n1,5\n2,7\n", "line 2 has 2 cells and the header 1"),
    "unclosed.csv": (b'a,b\n"x,2\n3,4\n', "line 2 has 1 cell .* a quote in it may lack its other"),
    "unclosed-last.csv": (b'a,b\n1,"x\n3,4\n', "a quote is not closed; it begins with 'x"),
    "unclosed-header.csv": (b'a,"b\n1,2\n', "a quote in the header is not closed"),
    "utf16.csv": ("a,b\n1,2\n".encode("utf-16-le"), "line 1 holds a NUL byte"),
    "nul.csv": (b"a,b\n1,2\n1,\0\n", "line 3 holds a NUL byte"),
    "binary.csv": (bytes(range(256)) * 8, "line 1 holds a NUL byte"),
    "cut.csv.gz": (gzip.compress(b"a,b\n1,2\n" * 99)[:-9], "gzip data are cut off or damaged"),
    "cut.csv.bz2": (bz2.compress(b"a,b\n1,2\n" * 99)[:-9], "bzip2 data are cut off or damaged"),
    "cut.csv.xz": (lzma.compress(b"a,b\n1,2\n" * 99)[:-9], "xz data are cut off or damaged"),
    "cut.csv.zst": (
        pa.compress(b"a,b\n1,2\n" * 99, "zstd", asbytes=True)[:-3],
        "zstd data are cut off or damaged",
    ),
    "empty.parquet": (b"", "it is empty"),
    "corrupt.parquet": (b"PAR1junkPAR1", "cannot be read as a table"),
    "corrupt.arrow": (b"ARROW1junk" * 5, "cannot be read as a table"),
    "text.parquet": (b"a,b\n1,2\n", "cannot be read as a table: .*[Pp]arquet"),
    "empty.feather": (b"", "it is empty"),
    "table.xlsx": (b"PK\3\4", "it is a zip archive or an Excel workbook; accepted are CSV"),
    "page.csv": (b"<!doctype html><html>", "it is a web page"),
    "table.parquet.gz": (b"", "it is empty"),
    "mixed.jsonl": (b'{"a": 1}\n{"a": "x"}\n', "changed from number to string in row 1"),
    "cut.json": (b'[{"a": 1}, {"a"', "Expecting"),
    "numbers.json": (b"[1, 2]", "something other than records"),
    "nested.json": (b"[" * 100_000, "cannot be read as a table"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused_in_one_line(tmp_path, name):
    content, told = BAD_FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=told) as caught:
        reading.read(path)
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
            reading.read(path)


def test_a_parquet_file_without_columns_is_refused(tmp_path):
    pyarrow.parquet.write_table(pa.table({}), tmp_path / "none.parquet")
    with pytest.raises(ValueError, match="is empty: 0 columns"):
        reading.read(tmp_path / "none.parquet")


def test_no_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        reading.read(tmp_path / "nowhere.csv")
    with pytest.raises(ValueError, match="is a directory"):
        reading.read(tmp_path)


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root and Windows read every file"
)
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = tmp_path / "secret.csv"
    path.write_bytes(b"a\n1\n")
    path.chmod(0)
    with pytest.raises(ValueError, match="cannot be read as a table"):
        reading.read(path)


def test_without_pyarrow_the_line_that_installs_it_is_told(tmp_path, monkeypatch):
    (tmp_path / "table.csv").write_bytes(b"a\n1\n")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install pyarrow$"):
        reading.read(tmp_path / "table.csv")


# --- messy files --------------------------------------------------------------------------------

MESSY = messy.files(200)


def layout_of(options):
    """The layout that options of the command line stand for."""
    words = {"--no-header": ("header", False)}
    valued = {"--encoding": "encoding", "--decimal": "decimal", "--comment": "comment"}
    found, left = {}, list(options)
    while left:
        option = left.pop(0)
        name, value = words[option] if option in words else (valued[option], left.pop(0))
        found[name] = value
    return reading.Layout(**found)


@pytest.mark.parametrize("file", MESSY, ids=lambda file: file.name)
def test_a_messy_file_gives_what_is_meant_or_one_clear_line(tmp_path, capsys, file):
    path = tmp_path / file.name
    path.write_bytes(file.content)
    if file.columns is not None:
        table = reading.read(path, layout_of(file.options)).table
        assert table.to_pydict() == file.columns
    code = main(["pairwise", str(path), *file.options, "--backend", "numpy"])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    if code == 0:
        assert out.startswith("left\tright\t")
    else:
        (line,) = err.splitlines()
        assert (code, out) == (2, "")
        assert line.startswith("fastinfo: error: ")
        assert line.isprintable()


def test_most_messy_files_are_tables():
    whole = [file for file in MESSY if file.columns is not None]
    assert len(MESSY) == 200
    assert len(whole) == 160
    assert {
        type(cell).__name__ for file in whole for column in file.columns.values() for cell in column
    } == {*("str", "int", "float", "bool", "date", "NoneType")}
