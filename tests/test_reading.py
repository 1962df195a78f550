"""Files of every kind become tables, and what cannot be read is told."""

import bz2
import datetime
import gzip
import io
import json
import lzma
import os
import re
import sys
import threading
from pathlib import Path

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
from fastinfo.cli import main
from fastinfo.inputs import reading
from fastinfo.inputs.reading import spellings

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
    "preamble.csv": (
        b"Made by hand\n\na,b\n1,2\n",
        "line 3 has 2 cells and the header 1 .* if the header is further down, --skip and a",
    ),
    "comment.csv": (b"# made\na,b\n1,2\n", "--comment '#' skips comment lines"),
    "decimal.csv": (b"x\n1,5\n2,7\n", "line 2 has 2 cells and the header 1"),
    "unclosed.csv": (b'a,b\n"x,2\n3,4\n', "line 2 has 1 cell .* a quote in it may lack its other"),
    "unclosed-last.csv": (b'a,b\n1,"x\n3,4\n', "a cell of line 2 begins with a quote and does not"),
    "unclosed-twice.csv": (
        b'a,b\n1,2\n"x,1\n"y,2\n',  # one row to Arrow and to csv
        "a cell of line 3 begins with a quote and does not end with one",
    ),
    "unclosed-header.csv": (b'a,"b\n1,2\n', "a quote in the header is not closed"),
    "utf16.csv": ("a,b\n1,2\n".encode("utf-16-le"), "line 1 holds a NUL byte"),
    "nul.csv": (b"a,b\n1,2\n1,\0\n", "line 3 holds a NUL byte"),
    "binary.csv": (bytes(range(256)) * 8, "line 1 holds a NUL byte"),
    "cut.csv.gz": (gzip.compress(b"a,b\n1,2\n" * 99)[:-9], "gzip data are cut off or damaged"),
    "damaged.csv.gz": (
        gzip.compress(b"a,b\n1,2\n" * 99)[:12] + b"\xff" * 40,
        "gzip data are cut off or damaged",
    ),
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


# --- how strangers write files ------------------------------------------------------------------

LARGE = "9" * 20

STRANGERS = {
    "semicolons": (
        "t.csv",
        b"a;b\n1,5;x\n",
        {},
        {"a": ["1,5"], "b": ["x"]},
        [
            "columns look separated by semicolons; --delimiter overrides this guess",
            "read as text: a, whose cells have decimal commas (such as '1,5'); --decimal , reads",
        ],
    ),
    "semicolons and commas": (
        "t.csv",
        "Länge, cm;Höhe, cm\n1,5;2,5\n".encode(),
        {"decimal": ","},
        {"Länge, cm": [1.5], "Höhe, cm": [2.5]},
        ["separated by semicolons"],
    ),
    "tabs": ("t.csv", b"a\tb\n1\t2\n", {}, {"a": [1], "b": [2]}, ["separated by tabs"]),
    "no ending": (
        "t",
        b"a|b\n1|2\n",
        {},
        {"a": [1], "b": [2]},
        [
            "t looks like delimited text and is read as such; --format overrides this guess",
            "separated by pipes",
        ],
    ),
    "spaces": (
        "t.csv",
        b'  a  "b c"\t d\n 1 2    x\n\n10 \t 20 "y z"\n',
        {},
        {"a": [1, 10], "b c": [2, 20], "d": ["x", "y z"]},
        ["separated by spaces and tabs"],
    ),
    "given delimiter": (
        "t.csv",
        b"a,b;c\n1,2;3\n",
        {"delimiter": "semicolon"},
        {"a,b": ["1,2"], "c": [3]},
        ["a,b, whose cells have decimal commas (such as '1,2')"],
    ),
    "Excel's line": ("t.csv", b"sep=;\r\na;b\r\n1;2\r\n", {}, {"a": [1], "b": [2]}, []),
    "one column": ("t.csv", b"a\n1\n", {}, {"a": [1]}, ["no delimiter is found"]),
    "no header": (
        "t.csv",
        b"1,x\n2,y\n",
        {"header": False},
        {"column 1": [1, 2], "column 2": ["x", "y"]},
        [],
    ),
    "header of numbers": (
        "t.csv",
        b"5,5\n6,7\n",
        {},
        {"5": [6], "5.1": [7]},
        [
            "the header consists of numbers (5, 5); if they are data, say --no-header",
        ],
    ),
    "same names": (
        "t.csv",
        b"a,a,a.1,a,\n1,2,3,4,5\n",
        {},
        {"a": [1], "a.2": [2], "a.1": [3], "a.3": [4], "column 5": [5]},
        ["some columns have the same name; the later ones are called a.2, a.3"],
    ),
    "padded names": (
        "t.csv",
        b" a, b\n1,2\n",
        {},
        {"a": [1], "b": [2]},
        ["spaces around names of columns removed: a, b"],
    ),
    "names of rows": (
        "t.csv",
        b"a,b\nx,1,2\ny,3,4\n",
        {},
        {"column 1": ["x", "y"], "a": [1, 3], "b": [2, 4]},
        ["the first cell is taken as the name of the row"],
    ),
    "delimiters at the end": (
        "t.csv",
        b"a,b\n1,2,\n1,4,\n",
        {},
        {"a": [1, 1], "b": [2, 4], "column 3": [None, None]},
        ["each row ends with a delimiter that the header lacks"],
    ),
    "lines before the header": (
        "t.csv",
        b'World "Bank", 2020\r\n\r\na,b\r\n1,2\r\n',
        {"skip": 1},
        {"a": [1], "b": [2]},
        [],
    ),
    "lines before a header with spaces": (
        "t.csv",
        b"made, by hand\na b\n1 2\n",
        {"skip": 1},
        {"a": [1], "b": [2]},
        ["separated by spaces"],
    ),
    "comments": (
        "t.csv",
        b'# a,b,c\nx,y\n#1,2\n"a\n#b",3\n',
        {"comment": "#"},
        {"x": ["a\n#b"], "y": [3]},
        ["lines skipped because they begin with '#': 2"],
    ),
    "UTF-16": ("t.csv", "é,b\n1,2\n".encode("utf-16"), {}, {"é": [1], "b": [2]}, []),
    "UTF-16, told": (
        "t.csv",
        "a,b\n1,2\n".encode("utf-16-be"),
        {"encoding": "utf-16-be"},
        {"a": [1], "b": [2]},
        [],
    ),
    "UTF-32": ("t.csv", "a,b\n1,2\n".encode("utf-32"), {}, {"a": [1], "b": [2]}, []),
    "Latin-1": (
        "t.csv",
        "é,b,c\nè,2,ü\n,3,ß\n".encode("latin-1"),
        {},
        {"é": ["è", None], "b": [2, 3], "c": ["ü", "ß"]},
        [
            "the header is not UTF-8, but read as Windows-1252; --encoding names another",
            "not UTF-8, but read as Windows-1252: é, c; --encoding names another",
        ],
    ),
    "Latin-1, told": (
        "t.csv",
        "a,b\né,2\n".encode("latin-1"),
        {"encoding": "latin-1"},
        {"a": ["é"], "b": [2]},
        [],
    ),
    "large integers": (
        "t.csv",
        f"a,b\n1,{LARGE}\n1,-1\n".encode(),
        {},
        {"a": [1, 1], "b": [LARGE, "-1"]},
        ["integers beyond 64 bits, read as text: b; write them with a decimal point"],
    ),
    "integers of both signs": (
        "t.csv",
        b"a,b\n-1,1\n9223372036854775808,1\n",
        {},
        {"a": ["-1", "9223372036854775808"], "b": [1, 1]},
        ["read as text: a; write them"],
    ),
    "missing among numbers": (
        "t.csv",
        b"a,b,c\n1,-,?\n?,2.5,2020-01-01\nNone,-,.\n 7 , NA ,\n",
        {},
        {
            "a": [1, None, None, 7],
            "b": [None, 2.5, None, None],
            "c": [None, datetime.date(2020, 1, 1), None, None],
        },
        [
            "2 cells '?' taken as missing in a (1), c (1); --not-null '?' keeps them",
            "1 cell 'None' taken as missing in a (1)",
            "2 cells '-' taken as missing in b (2)",
            "1 cell '.' taken as missing in c (1)",
        ],
    ),
    "missing among texts": (
        "t.csv",
        b"strand,wall,job\n+,None,?\n-,Stone, NA\n",
        {},
        {"strand": ["+", "-"], "wall": ["None", "Stone"], "job": [None, None]},
        [
            "1 cell '?' taken as missing in job (1)",
            "'-' counts as a category in strand; --null '-' makes it missing",
            "'None' counts as a category in wall; --null 'None' makes it missing",
        ],
    ),
    "more words": (
        "t.csv",
        b"a,b\n-999,x\n5,oops\n-999,oops\n",
        {"null": ("-999", "oops")},
        {"a": [None, 5, None], "b": ["x", None, None]},
        [],
    ),
    "fewer words": (
        "t.csv",
        b"land,a\nNA,?\nZA,x\n",
        {"not_null": ("NA", "?")},
        {"land": ["NA", "ZA"], "a": ["?", "x"]},
        [],
    ),
    "thousands": (
        "t.csv",
        b'a,b\n"1,234",x\n12,y\n',
        {},
        {"a": ["1,234", "12"], "b": ["x", "y"]},
        ["whose cells have separators of thousands (such as '1,234'); --thousands ',' reads them"],
    ),
    "thousands and decimal commas": (
        "t.csv",
        b"a;b\n1.234,50;1\n3,5;1\n",
        {},
        {"a": ["1.234,50", "3,5"], "b": [1, 1]},
        ["semicolons", "(such as '1.234,50'); --thousands '.' --decimal , reads them as numbers"],
    ),
    "thousands, told": (
        "t.csv",
        b'a;b;c\n"1.234,5";1,2;1.23\n12;-;x\n',
        {"thousands": ".", "decimal": ","},
        {"a": [1234.5, 12.0], "b": [1.2, None], "c": ["1.23", "x"]},
        ["semicolons", "1 cell '-' taken as missing in b (1)"],
    ),
    "signs": (
        "t.csv",
        "a,b,c\n5%,$1.50,1 €\n10 %,-$2,20€\n".encode(),
        {},
        {"a": ["5%", "10 %"], "b": ["$1.50", "-$2"], "c": ["1 €", "20€"]},
        ["read as text: a, whose cells have a percent or currency sign (such as '5%'), b, whose"],
    ),
    "dates": (
        "t.csv",
        b"a,b,c\n31.12.2020,2020/12/31,5 May 2021\n1.2.2020,2020/02/01,6 Jun 2021\n",
        {},
        {
            "a": ["31.12.2020", "1.2.2020"],
            "b": [datetime.datetime(2020, 12, 31), datetime.datetime(2020, 2, 1)],
            "c": ["5 May 2021", "6 Jun 2021"],
        },
        ["a, whose cells look like dates (such as '31.12.2020'), c, whose cells look like dates"],
    ),
    "mostly numbers": (
        "t.csv",
        b"a,b\n" + b"1,2\n" * 9 + b"oops,2\n",
        {},
        {"a": ["1"] * 9 + ["oops"], "b": [2] * 10},
        ["a, whose cells hold numbers and 1 cell of text (such as 'oops'); --null and the word"],
    ),
    "gzip, whatever the name": (
        "t.csv",
        gzip.compress(b"a,b\n1,2\n"),
        {},
        {"a": [1], "b": [2]},
        ["t.csv is compressed with gzip, unlike its name says"],
    ),
    "not gzip": ("t.csv.gz", b"a,b\n1,2\n", {}, {"a": [1], "b": [2]}, ["is not compressed"]),
    "JSON lines": (
        "t.jsonl",
        b'{"a": 1, "b": "x"}\n{"a": null, "c": 2.5}\n',
        {},
        {"a": [1, None], "b": ["x", None], "c": [None, 2.5]},
        [],
    ),
    "JSON records": (
        "t.json",
        b'[{"a": 1}, {"b": "x"}]',
        {},
        {"a": [1, None], "b": [None, "x"]},
        [],
    ),
    "JSON, guessed": (
        "t",
        b'{"a": 1}\n',
        {},
        {"a": [1]},
        ["t looks like json and is read as such"],
    ),
    "large integers of JSON": (
        "t.json",
        b'{"a": 18446744073709551615}',
        {},
        {"a": [2.0**64]},
        ["beyond 64 bits became"],
    ),
    "long rows": (
        "t.csv",
        b"a,b\n1," + b"x" * 3_000_000 + b"\n2,y\n",
        {},
        {"a": [1, 2], "b": ["x" * 3_000_000, "y"]},
        [],
    ),
    "wide": (
        "t.csv",
        b",".join(b"name %d" % i for i in range(9000)) + b"\n" + b",".join([b"1"] * 9000),
        {},
        {f"name {i}": [1] for i in range(9000)},
        [],
    ),
}


@pytest.mark.parametrize("case", STRANGERS)
def test_files_of_strangers_are_read_and_what_is_odd_is_told(tmp_path, monkeypatch, case):
    name, content, options, columns, notes = STRANGERS[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    found = reading.read(name, reading.Layout(**options))
    assert found.table.to_pydict() == columns
    assert len(found.notes) == len(notes), found.notes
    for note, told in zip(found.notes, notes, strict=True):
        assert told in note


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "arrow", "feather", "stream", "json"])
@pytest.mark.parametrize("is_told", [True, False])
def test_stdin_and_pipes_are_read(tmp_path, monkeypatch, mixed, kind, is_told):
    path = tmp_path / "t"
    if kind == "stream":
        with pa.ipc.new_stream(str(path), mixed.schema) as writer:
            writer.write_table(mixed)
    elif kind == "json":
        path.write_text("\n".join(json.dumps(row) for row in mixed.to_pylist()))
    else:
        WRITERS[f"t.{kind}"](mixed, str(path))
    layout = reading.Layout(format={"stream": "arrow"}.get(kind, kind) if is_told else None)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    found = reading.read("-", layout)
    assert found.table.to_pydict() == mixed.to_pydict()
    assert bool(found.notes) != is_told
    assert all(
        "standard input looks like" in note or "separated by" in note for note in found.notes
    )
    os.mkfifo(tmp_path / "pipe")
    thread = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[path.read_bytes()])
    thread.start()
    assert reading.read(tmp_path / "pipe", layout).table.equals(found.table)
    thread.join()


def test_ordinary_files_are_read_as_pandas_reads_them(tmp_path):
    generator = np.random.default_rng(5)
    n = 2000
    frame = pd.DataFrame(
        {
            "float": generator.normal(size=n) * 10.0 ** generator.integers(-300, 300, n),
            "integer": generator.integers(-(2**62), 2**62, n),
            "gap": pd.Series(generator.integers(5, size=n)).where(generator.random(n) > 0.2),
            "text": generator.choice(["a, b", 'say "x"', "two\nlines", "ö", None], n),
            "switch": generator.random(n) < 0.5,
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    expected = pd.read_csv(tmp_path / "t.csv")
    found = reading.read(tmp_path / "t.csv").table.to_pandas()
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "csv.zst"])
def test_what_is_read_is_reported(tmp_path, ending):
    content = b"a,b\n" + b"1,2\n" * 1_000_000
    pack = {
        "csv.gz": gzip.compress,
        "csv.zst": lambda data: pa.compress(data, "zstd", asbytes=True),
    }
    (tmp_path / f"t.{ending}").write_bytes(pack.get(ending, bytes)(content))
    told = []
    reading.read(tmp_path / f"t.{ending}", report=lambda done, total: told.append((done, total)))
    done, totals = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert len(set(totals)) == 1
    assert done[-1] == totals[0]


def test_columns_of_parquet_get_different_names_too(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], ["a", "a", ""])
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    found = reading.read(tmp_path / "t.parquet")
    assert found.table.to_pydict() == {"a": [1], "a.1": [2], "column 3": [3]}
    assert found.notes == ["some columns have the same name; the later ones are called a.1"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"format": "xlsx"}, "--format xlsx: accepted are csv, tsv, parquet"),
        ({"delimiter": "::"}, "--delimiter '::': accepted are one ASCII character and the words"),
        ({"delimiter": "\n"}, "--delimiter"),
        ({"delimiter": ""}, "--delimiter ''"),
        ({"encoding": "utf-9"}, "--encoding utf-9: no such encoding"),
        ({"comment": ""}, "--comment ''"),
        ({"decimal": ";"}, "--decimal ';': accepted are '.' and ','"),
        ({"thousands": "00"}, "--thousands '00'"),
        ({"thousands": "."}, "are the same sign"),
    ],
)
def test_layouts_that_no_file_has_are_refused(options, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        reading.Layout(**options)


def test_errors_count_lines_from_the_start_of_the_file(tmp_path):
    content = b"made by hand\n# and\na b\n\n1 2\n1 2 3\n"
    for data in (content, content.replace(b" ", b",")):
        (tmp_path / "t.csv").write_bytes(data)
        with pytest.raises(ValueError, match="line 6 has 3 cells and the header 2"):
            reading.read(tmp_path / "t.csv", reading.Layout(skip=1, comment="#"))
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(ValueError, match="the file is empty"):
        reading.read(tmp_path / "t.csv", reading.Layout(skip=5))


def test_a_text_that_is_not_in_the_told_encoding_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes("a,b\né,2\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"the text is not utf-8: .*; --encoding names another"):
        reading.read(tmp_path / "t.csv", reading.Layout(encoding="utf-8"))


def test_the_documented_words_are_the_words():
    page = (Path(__file__).parents[1] / "docs" / "files.md").read_text("utf-8")
    everywhere, told, among = (
        re.findall("`([^`]+)`", line.rpartition(" | ")[2])
        for line in page.splitlines()
        if line.startswith("| in ")
    )
    assert ["", *everywhere] == list(spellings.MISSING)
    assert told == list(spellings.MISSING_AND_TOLD)
    assert among == list(spellings.MISSING_AMONG_NUMBERS)


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
