"""Files, pipes and stdin → Arrow tables: delimited text, Parquet, Arrow, Feather and JSON.

`streams` reads the bytes, `header` and `delimited` make tables of text, `spellings` knows the words
for missing values, and `layout` is what the caller knows about the file. Every guess, new name and
word taken as missing is returned as a note.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from fastinfo.inputs.reading.delimited import read_text
from fastinfo.inputs.reading.header import unique
from fastinfo.inputs.reading.layout import FORMATS, Layout
from fastinfo.inputs.reading.streams import (
    PACKED_ENDINGS,
    STDIN,
    Report,
    load,
    packing,
    source_name,
    unpack,
)

__all__ = ["FORMATS", "STDIN", "Layout", "Reading", "read", "title"]

ENDINGS = {
    **{".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".txt": "text", ".dat": "text"},
    **{".data": "text", ".parquet": "parquet", ".pq": "parquet"},
    **{".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow"},
    **{".json": "json", ".jsonl": "json", ".ndjson": "json"},
}
"""Formats by the ending of a file's name; ``text`` does not fix a delimiter."""

DELIMITERS = {"csv": ",", "tsv": "\t", "text": None}
"""The delimiter that belongs to a format of text; None where it is always guessed."""

MAGIC = {b"PAR1": "parquet", b"ARROW1": "arrow", b"FEA1": "arrow", b"\xff\xff\xff\xff": "arrow"}
"""The first bytes of the binary formats that can be read."""

OTHERS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook or Word document",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"\x93NUMPY": "a NumPy array",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"ORC": "an ORC file",
    b"$FL": "an SPSS file",
    b"<stata_dta>": "a Stata file",
    b"HEADER RECORD***": "a SAS transport file",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"@relation": "an ARFF file of Weka",
}
"""The first bytes of files that cannot be read and that people often try to read."""

ACCEPTED = "CSV, TSV, Parquet, Arrow, Feather and JSON lines, text also as .gz, .bz2, .xz and .zst"


class Reading(NamedTuple):
    """A table, and notes about the decisions made while it was read."""

    table: Any
    """The Arrow table."""
    notes: list[str]
    """One sentence for each guess, new name and word taken as missing."""


def title(path: str | Path) -> str:
    """The name of the source for titles: that of the file without its folders."""
    return source_name(path) if str(path) == STDIN else Path(path).name


def read(path: str | Path, layout: Layout | None = None, report: Report | None = None) -> Reading:
    """An Arrow table from a file, a pipe or stdin (``-``), with notes.

    The first bytes decide the kind of a binary file. Otherwise ``layout.format`` decides, and then
    the ending of the file's name. Text has a header unless the layout says otherwise, and its
    delimiter is guessed. Cells that spell a missing value (`fastinfo.inputs.reading.spellings`) are
    missing. A column without a name is called by its position, ``column 1``.

    Parameters
    ----------
    path : str or Path
        A file, a pipe, or ``-`` for stdin.
    layout : Layout, optional
        How the file is written, where that should not be guessed.
    report : callable, optional
        Called with the number of bytes read and the number of all bytes.

    Returns
    -------
    Reading
        The table, with at least one column and one row, and the notes.

    Raises
    ------
    ValueError
        For a file that is no table; the message names the file, and the row if one is wrong.
    FileNotFoundError
        If there is no such file.
    ImportError
        If pyarrow is not installed; the message says how to install it.
    """
    layout = layout or Layout()
    data = load(path)
    name = source_name(path)
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ImportError(f"reading files needs pyarrow ({error}): pip install pyarrow") from error
    try:
        table, notes = _read(data, name, layout, report)
        names, renamed = unique(table.column_names)
    except (pa.ArrowException, OSError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(f"{name} cannot be read as a table: {_reason(error)}") from error
    if not table.num_columns or not table.num_rows:
        raise ValueError(
            f"{name} is empty: {table.num_columns} columns and {table.num_rows} rows; at least one "
            "of each is needed (--no-header takes the first line of a text as a row)"
        )
    return Reading(table.rename_columns(names), notes + renamed)


def _reason(error: BaseException) -> str:
    text = str(error) if type(error) is ValueError else str(error).partition("\n")[0]
    return "".join(c if c.isprintable() else "�" for c in text or type(error).__name__)[:400]


def _read(data: Any, name: str, layout: Layout, report: Report | None) -> tuple[Any, list[str]]:
    if not len(data):
        raise ValueError("it is empty, without a single byte")
    endings = [ending.lower() for ending in Path(name).suffixes]
    notes = []
    packed = packing(data)
    promised_packing = PACKED_ENDINGS.get(endings[-1]) if endings else None
    if promised_packing is not None:
        endings = endings[:-1]
    if packed != promised_packing:
        how = "not compressed" if packed is None else f"compressed with {packed}"
        notes.append(f"{name} is {how}, unlike its name says")
    if packed is not None:
        data = unpack(data, packed, report)
        report = None
    promised = layout.format or (ENDINGS.get(endings[-1]) if endings else None)
    kind = _kind(data, promised)
    if kind != promised and not {kind, promised} <= {"arrow", "feather"}:
        guessed = f"{name} looks like {kind}"
        if kind == "text":
            guessed = f"{name} looks like delimited text"
        notes.append(f"{guessed} and is read as such; --format overrides this guess")
    table, more = _read_kind(data, kind, layout, report)
    return table, notes + more


def _kind(data: Any, promised: str | None) -> str:
    """The format of the bytes: binary formats begin with marks, and of text the name decides."""
    for magic, other in OTHERS.items():
        if data[: len(magic)].lower() == magic.lower():
            raise ValueError(f"it is {other}; accepted are {ACCEPTED}")
    for magic, kind in MAGIC.items():
        if data[: len(magic)] == magic and (kind != "parquet" or data[-4:] == magic):
            return kind
    if promised is None:
        return "json" if bytes(data[:64]).lstrip()[:1] in (b"{", b"[") else "text"
    return promised


def _read_kind(
    data: Any, kind: str, layout: Layout, report: Report | None
) -> tuple[Any, list[str]]:
    import pyarrow as pa

    if kind in DELIMITERS:
        return read_text(data, layout, DELIMITERS[kind], report)
    if kind == "json":
        return _read_json(data)
    source = pa.BufferReader(pa.py_buffer(data))
    if kind == "parquet":
        import pyarrow.parquet

        # Unlike `read_table`, this accepts two columns of the same name.
        return pyarrow.parquet.ParquetFile(source).read(), []
    if data[:4] == b"\xff\xff\xff\xff":
        return pa.ipc.open_stream(source).read_all(), []
    import pyarrow.feather

    return pyarrow.feather.read_table(source), []


def _read_json(data: Any) -> tuple[Any, list[str]]:
    """A table from one record a line, or from an array of records."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.json

    if bytes(data[:64]).lstrip()[:1] == b"[":
        records = json.loads(bytes(data))
        if not all(isinstance(record, dict) for record in records):
            raise ValueError("the array holds something other than records ({...})")
        data = "\n".join(map(json.dumps, records)).encode()
    source = pa.BufferReader(pa.py_buffer(data))
    table = pyarrow.json.read_json(source)
    lossy = [
        name
        for name, column in zip(table.column_names, table.columns, strict=True)
        if pa.types.is_floating(column.type)
        and pc.any(pc.greater_equal(pc.abs(column), float(1 << 63))).as_py()
    ]
    if not lossy:
        return table, []
    return table, [
        f"numbers beyond 64 bits became floats, in which neighbours are equal: {', '.join(lossy)}"
    ]
