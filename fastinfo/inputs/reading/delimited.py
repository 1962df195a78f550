"""Delimited text → an Arrow table and notes: CSV, TSV and their many dialects.

Arrow parses the text. What Arrow does not handle (guessed delimiters, comment lines, headers that
name two columns alike, cells that are not UTF-8) is handled before or after it. Arrow gets the
positions of columns as their names, so that equal names do no harm.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from fastinfo.inputs.reading.header import (
    SAMPLE,
    WHITESPACE,
    Head,
    from_windows,
    head_of,
    rows_of,
)
from fastinfo.inputs.reading.layout import Layout
from fastinfo.inputs.reading.spellings import decide_column, words_of
from fastinfo.inputs.reading.streams import Report, Watched
from fastinfo.system.alerts import listed

BLOCK = 1 << 20
"""Bytes of a block that Arrow parses at once; larger where a row is longer."""

MOMENTS = ("%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S")
"""Dates and times beside those of ISO 8601. With the year first, the month can only come next."""

LARGEST_BLOCK = (1 << 31) - 1

BOMS = {
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe\x00\x00": "utf-32-le",
    b"\x00\x00\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
"""Byte-order marks and their encodings; longer marks come first, as they begin like shorter."""


def read_text(
    data: Any, layout: Layout, promised: str | None, report: Report | None = None
) -> tuple[Any, list[str]]:
    """An Arrow table of delimited text, and notes about the decisions on the way.

    Parameters
    ----------
    data : bytes or mmap
    layout : Layout
    promised : str or None
        The delimiter that belongs to the format of the file's name.
    report : callable, optional
        Called with the number of bytes read and the number of all bytes.

    Raises
    ------
    ValueError
        For bytes that are no text, rows of different lengths, and quotes that are not closed.
    """
    import pyarrow as pa

    text = _as_utf8(data, layout.encoding)
    notes = []
    if layout.skip:
        text = _without_first(text, layout.skip)
    if layout.comment is not None:
        text, n_comments = _without_comments(text, layout.comment.encode())
        notes.append(f"lines skipped because they begin with {layout.comment!r}: {n_comments}")
    head = head_of(text, layout, promised)
    if head.delimiter == WHITESPACE:
        layout = replace(layout, delimiter="\t", encoding=None, comment=None, skip=0)
        table, more = read_text(_with_tabs(text), layout, promised, report)
        return table, notes + [note for note in head.notes if note not in more] + more
    notes += head.notes
    body = memoryview(text)[head.size :]
    positions = [str(position) for position in range(len(head.names))]
    if not bytes(body[:SAMPLE]).strip() and not bytes(body).strip():
        empty = pa.table({position: pa.array([], pa.string()) for position in positions})
        return empty.rename_columns(head.names), notes
    parser = _Parser(body, head, layout, report)
    table = parser.table()
    columns = []
    notes_of_columns = _Notes()
    for name, position in zip(head.names, positions, strict=True):
        column = table[position]
        if pa.types.is_binary(column.type):
            column = _decoded(column)
            notes_of_columns.foreign.append(name)
        elif _may_pass_int64(column):
            text_column = parser.table([position])[position]
            unsigned = _unsigned(text_column)
            if unsigned is text_column:
                notes_of_columns.large.append(name)
            column = column if unsigned is None else unsigned
        if pa.types.is_string(column.type):
            decided = decide_column(column, layout, parser.words, parser.infer)
            column = decided.column
            notes_of_columns.add(name, decided)
        columns.append(column)
    return pa.table(columns, names=head.names), notes + notes_of_columns.notes()


# --- bytes --------------------------------------------------------------------------------------


def _as_utf8(data: Any, encoding: str | None) -> Any:
    """The text in UTF-8 without a byte-order mark; cells may still hold bytes that are not."""
    start = bytes(data[:4])
    bom = next((mark for mark in BOMS if start.startswith(mark)), b"")
    marked = BOMS.get(bom)
    if encoding is None and marked in (None, "utf-8"):
        if data.find(b"\0") >= 0:
            line = bytes(data[: data.find(b"\0")]).count(b"\n") + 1
            raise ValueError(
                f"line {line} holds a NUL byte, so that this is no text in UTF-8; for a text in "
                "another encoding say which (--encoding utf-16-le), for another kind of file say "
                "--format"
            )
        return memoryview(data)[len(bom) :]
    codec = encoding or marked or "utf-8"
    try:
        text = bytes(data).decode(codec)
    except UnicodeError as error:
        raise ValueError(f"the text is not {codec}: {error}; --encoding names another") from error
    return text.removeprefix("\ufeff").encode()


def _without_first(text: Any, n_lines: int) -> bytes:
    """The text with its first lines emptied, so that lines keep their numbers."""
    ends = islice(re.finditer(rb"\r\n|\r|\n", text), n_lines)
    end = max((found.end() for found in ends), default=len(text))
    return b"\n" * n_lines + bytes(text[end:])


def _without_comments(text: Any, mark: bytes) -> tuple[bytes, int]:
    """The text with comment lines emptied, so that lines keep their numbers, and their number.

    A line that begins inside of a quoted cell is no comment.
    """
    lines = bytes(text).splitlines(keepends=True)
    is_quoted, n_comments = False, 0
    for position, line in enumerate(lines):
        if not is_quoted and line.startswith(mark):
            lines[position] = b"\n"
            n_comments += 1
        elif line.count(b'"') % 2:
            is_quoted = not is_quoted
    return b"".join(lines), n_comments


def _with_tabs(text: Any) -> bytes:
    """The text with one tab instead of any number of spaces and tabs; lines keep their numbers."""
    lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", "surrogateescape", newline="")
    out = io.StringIO()
    csv.writer(out, delimiter="\t", lineterminator="\n").writerows(rows_of(lines, WHITESPACE))
    return out.getvalue().encode("utf-8", "surrogateescape")


# --- rows ---------------------------------------------------------------------------------------


class _Parser:
    """Arrow's parser for the rows of one text; it parses all columns once, and some again."""

    def __init__(self, body: Any, head: Head, layout: Layout, report: Report | None) -> None:
        self.body, self.head, self.layout, self.report = body, head, layout, report
        self.words = words_of(layout)
        self.positions = [str(position) for position in range(len(head.names))]
        self.has_quotes = _has(body, b'"')

    def table(self, as_text: Sequence[str] = ()) -> Any:
        """A table of all columns with types, or of some as text; names are positions."""
        import pyarrow as pa

        report, self.report = self.report, None  # a progress bar for the first pass only
        block = BLOCK
        while True:
            try:
                table = self._parse(self.body, self.positions, block, as_text, report)
                break
            except pa.ArrowInvalid as error:
                # Arrow refuses a row that reaches over more than two blocks.
                if "straddl" not in str(error) or block >= min(len(self.body), LARGEST_BLOCK):
                    self._refuse_ragged()
                    raise
                block = min(16 * block, LARGEST_BLOCK)
        if not as_text:
            self._require_whole_quotes(table)
        return table

    def infer(self, texts: Any) -> Any:
        """The texts in the type that Arrow finds for them in a file; None for text or all null."""
        import pyarrow as pa
        import pyarrow.csv

        file = io.BytesIO()
        pyarrow.csv.write_csv(
            pa.table([texts], names=["0"]),
            file,
            pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid"),
        )
        column = self._parse(file.getbuffer(), ["0"], LARGEST_BLOCK, (), None, ",")["0"]
        if _may_pass_int64(column):
            unsigned = _unsigned(pa.chunked_array([texts]))
            column = column if unsigned is None else unsigned
        is_typed = not (pa.types.is_string(column.type) or pa.types.is_null(column.type))
        return pa.concat_arrays(column.chunks) if is_typed else None

    def _parse(
        self,
        body: Any,
        positions: Sequence[str],
        block: int,
        as_text: Sequence[str],
        report: Report | None,
        delimiter: str | None = None,
    ) -> Any:
        import pyarrow as pa
        import pyarrow.csv

        stream: Any = pa.BufferReader(pa.py_buffer(body))
        if report is not None:
            stream = Watched(stream, len(body), report)
        return pyarrow.csv.read_csv(
            stream,
            read_options=pyarrow.csv.ReadOptions(column_names=positions, block_size=block),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=delimiter or self.head.delimiter, newlines_in_values=self.has_quotes
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                null_values=self.words.missing,
                strings_can_be_null=True,
                decimal_point=self.layout.decimal,
                timestamp_parsers=[pyarrow.csv.ISO8601, *MOMENTS],
                include_columns=list(as_text) or None,
                column_types=dict.fromkeys(as_text, pa.string()),
            ),
        )

    def _refuse_ragged(self) -> None:
        """Raise a ValueError that names the first row longer or shorter than the header, if any."""
        width = len(self.head.names)
        reader = csv.reader(self._lines(), delimiter=self.head.delimiter)
        first = self.head.n_lines + 1
        try:
            for cells in reader:
                if cells and len(cells) != width:
                    break
                first = self.head.n_lines + reader.line_num + 1
            else:
                return
        except csv.Error:
            return
        what = "header" if self.layout.header else "first row"
        hint = ""
        if cells[0].startswith("#") or self.head.names[0].startswith("#"):
            hint = "; --comment '#' skips comment lines"
        elif len(cells) > width:
            hint = "; if the header is further down, --skip and a number leave out lines before it"
        if self.head.n_lines + reader.line_num > first:
            hint = "; a quote in it may lack its other half"
        raise ValueError(
            f"line {first} has {len(cells)} cell{'s' * (len(cells) != 1)} and the {what} {width} "
            f"(delimiter {self.head.delimiter!r}){hint}: {self.head.delimiter.join(cells)[:60]!r}"
        )

    def _require_whole_quotes(self, table: Any) -> None:
        """Raise a ValueError for a quote that is not closed.

        Arrow reads all rows after such a quote as one cell, without an error.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = [column for column in table.columns if pa.types.is_string(column.type)]
        if not self.has_quotes or not any(
            pc.any(pc.match_substring_regex(text, "[\r\n]")).as_py() for text in texts
        ):
            return
        reader = csv.reader(self._lines(), delimiter=self.head.delimiter, strict=True)
        first = self.head.n_lines + 1
        try:
            for _ in reader:
                first = self.head.n_lines + reader.line_num + 1
        except csv.Error as error:
            if "field larger" not in str(error):
                raise ValueError(
                    f"a cell of line {first} begins with a quote and does not end with one"
                ) from None

    def _lines(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(self.body), "utf-8", "surrogateescape", newline="")


def _has(body: Any, what: bytes) -> bool:
    chunk = 1 << 24
    return any(what in bytes(body[start : start + chunk]) for start in range(0, len(body), chunk))


# --- columns ------------------------------------------------------------------------------------


def _decoded(column: Any) -> Any:
    import pyarrow as pa

    encoded = column.dictionary_encode().unify_dictionaries()
    cells = [from_windows(cell) for cell in encoded.chunk(0).dictionary.to_pylist()]
    texts = pa.array(cells, pa.string())
    return pa.chunked_array([texts.take(chunk.indices) for chunk in encoded.chunks])


def _may_pass_int64(column: Any) -> bool:
    """Whether Arrow may have turned large integers into floats, which makes neighbours equal."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(column.type):
        return False
    is_large = pc.greater_equal(pc.abs(column), float(1 << 63))
    is_whole = pc.equal(column, pc.trunc(column))
    return bool(pc.any(is_large).as_py() and pc.all(is_whole).as_py())


def _unsigned(text: Any) -> Any:
    """The text as uint64; the same object if an integer does not fit; None if some are floats."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(text)
    if not pc.all(pc.match_substring_regex(trimmed, "^[+-]?[0-9]+$")).as_py():
        return None
    try:
        return pc.replace_substring_regex(trimmed, r"^\+|^-(0+)$", r"\1").cast("uint64")
    except pa.ArrowInvalid:
        return text


class _Notes:
    """Notes about the columns, one for each kind of decision."""

    def __init__(self) -> None:
        self.foreign: list[str] = []
        self.large: list[str] = []
        self.missing: dict[str, dict[str, int]] = {}
        self.categories: dict[str, list[str]] = {}
        self.hints: dict[str, list[tuple[str, str]]] = {}

    def add(self, name: str, decided: Any) -> None:
        """Keep what `decide_column` has decided about a column of text."""
        for word, n_cells in decided.missing.items():
            self.missing.setdefault(word, {})[name] = n_cells
        for word in decided.categories:
            self.categories.setdefault(word, []).append(name)
        if decided.hint is not None:
            look, advice = decided.hint
            self.hints.setdefault(advice, []).append((name, look))

    def notes(self) -> list[str]:
        """One sentence for each kind of decision."""
        notes = []
        if self.foreign:
            notes.append(
                f"not UTF-8, but read as Windows-1252: {listed(self.foreign)}; --encoding names "
                "another"
            )
        if self.large:
            notes.append(
                f"integers beyond 64 bits, read as text: {listed(self.large)}; write them with a "
                "decimal point to bin them as numbers"
            )
        for word, cells in self.missing.items():
            n_cells = sum(cells.values())
            notes.append(
                f"{n_cells} cell{'s' * (n_cells != 1)} {word!r} taken as missing in "
                f"{listed([f'{name} ({n})' for name, n in cells.items()])}; --not-null {word!r} "
                "keeps them"
            )
        for word, names in self.categories.items():
            notes.append(
                f"{word!r} counts as a category in {listed(names)}; --null {word!r} makes it "
                "missing"
            )
        notes += [
            f"read as text: {listed([f'{name}, whose cells {look}' for name, look in found])}; "
            f"{advice}"
            for advice, found in self.hints.items()
        ]
        return notes
