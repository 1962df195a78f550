"""The head of a text: its delimiter and the names of its columns.

The delimiter is guessed where the caller does not give it. Each column gets a name of its own,
because Arrow and the options of the command line find columns by name.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from fastinfo.inputs.reading.layout import Layout
from fastinfo.system.alerts import listed

CANDIDATES = (",", ";", "\t", "|")
SPELLED = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes", " ": "spaces and tabs"}

WHITESPACE = " "
"""Stands for any number of spaces and tabs between columns."""

SAMPLE = 1 << 16
"""Bytes at the start of the text from which the delimiter is guessed."""

CLEAR = 0.9
"""The share of rows as long as the header from which a delimiter is certain."""

NUMBER = re.compile(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?|NaN|nan")


class Head(NamedTuple):
    """The delimiter, the names of the columns, and the size of the header."""

    delimiter: str
    names: list[str]
    size: int
    """Bytes of the header."""
    notes: list[str]
    n_lines: int
    """Lines of the header."""


def head_of(text: Any, layout: Layout, promised: str | None) -> Head:
    """The head of a text; it is read from a sample, and from a longer one if need be."""
    size = SAMPLE
    while True:
        sample = bytes(text[:size])
        is_whole = size >= len(text)
        head = _head_of_sample(
            sample.decode("utf-8", "surrogateescape"), is_whole, layout, promised
        )
        if head is not None:
            return head
        size *= 8


def _head_of_sample(
    sample: str, is_whole: bool, layout: Layout, promised: str | None
) -> Head | None:
    """The head, or None where the sample ends within the header."""
    notes = []
    skipped = ""
    delimiter = layout.delimiter
    if excel := re.match('sep=([^"\r\n])\r?\n', sample):
        # Excel writes its delimiter into the first line.
        skipped, delimiter = excel[0], delimiter or excel[1]
    rest = sample[len(skipped) :]
    if delimiter is None:
        delimiter = _guess(rest, is_whole, promised, (layout.decimal, layout.thousands))
        if delimiter is None:
            delimiter = promised or ","
            notes.append("no delimiter is found, so there is one column; --delimiter names one")
        elif delimiter != promised:
            notes.append(
                f"columns look separated by {SPELLED[delimiter]}; --delimiter overrides this guess"
            )
    records = _records(rest, delimiter, is_whole)
    if not records:
        if is_whole:
            raise ValueError("the file is empty: it has no line with a cell")
        return None
    if not layout.header:
        names = [f"column {position}" for position in range(1, len(records[0].cells) + 1)]
        return Head(delimiter, names, len(_bytes(skipped)), notes, bool(skipped))
    names = records[0].cells
    if is_whole and len(records) == 1 and "\n" in names[-1]:
        raise ValueError("a quote in the header is not closed")
    widths = Counter(len(record.cells) for record in records[1:])
    usual = widths.most_common(1)[0][0] if widths else len(names)
    if len(names) > 1 and usual == len(names) + 1 and len(widths) == 1:
        names, note = _with_row_names(names, [record.cells for record in records[1:]])
        notes += note
    are_numbers = all(NUMBER.fullmatch(name.strip()) for name in names)
    if records[1:] and are_numbers:
        notes.append(
            f"the header consists of numbers ({listed(names)}); if they are data, say --no-header"
        )
    names, more = _names(names)
    notes += [] if are_numbers else more
    size = len(_bytes(skipped + rest[: records[0].end]))
    return Head(delimiter, names, size, notes, records[0].n_lines + bool(skipped))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


class _Record(NamedTuple):
    cells: list[str]
    end: int
    """The position in the sample where the text of the record ends."""
    n_lines: int
    """The number of lines up to the end of the record."""


def rows_of(lines: Iterable[str], delimiter: str) -> Any:
    """A reader of the csv module for these lines."""
    if delimiter == WHITESPACE:
        lines = (line.replace("\t", " ").rstrip(" \r\n") + "\n" for line in lines)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter == WHITESPACE)


def _records(sample: str, delimiter: str, is_whole: bool) -> list[_Record]:
    """The records of a sample, without the last one if the sample may have cut it off."""
    end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for line in io.StringIO(sample, newline=""):
            end += len(line)
            yield line

    records: list[_Record] = []
    reader = rows_of(lines(), delimiter)
    try:
        records.extend(
            _Record(cells, end, reader.line_num)
            for cells in reader
            if cells and (is_whole or end < len(sample))
        )
    except csv.Error as error:
        if not records:
            raise ValueError(f"the header cannot be read: {error}") from None
    return records


def _guess(
    sample: str, is_whole: bool, promised: str | None, in_numbers: Collection[str | None]
) -> str | None:
    """The delimiter with which most rows have as many cells as the header, and more than one.

    Among several such delimiters the one with the most cells wins, because names with decimal
    commas or lists make a header look as if it had other delimiters too. After that the promised
    delimiter wins. Texts and dates hold spaces, so that spaces win only where no other does.
    """
    best, best_score = None, (0.0, 0, False)
    for candidate in (*CANDIDATES, WHITESPACE):
        if candidate in in_numbers or (candidate == WHITESPACE and best_score[0] >= CLEAR):
            continue
        try:
            records = _records(sample, candidate, is_whole)
        except ValueError:
            continue
        width = len(records[0].cells) if records else 0
        if width < 2:
            continue
        fits = [len(record.cells) in (width, width + 1) for record in records]
        share = round(sum(fits) / len(fits), 1)
        score = (share, width, candidate == promised)
        if score > best_score and (candidate != WHITESPACE or share >= CLEAR):
            best, best_score = candidate, score
    return best


def _with_row_names(names: list[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], list[str]]:
    """The header with one more name, for rows that have one cell more, as R writes them."""
    if all(not row[-1] for row in rows):
        return [*names, ""], ["each row ends with a delimiter that the header lacks"]
    if len(rows) > 1 and len({row[0] for row in rows}) == len(rows):
        return ["", *names], [
            "rows have one cell more than the header; the first cell is taken as the name of the "
            "row"
        ]
    return names, []


def _names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names trimmed, different and not empty, and notes about the changes."""
    notes = []
    foreign = [name for name in names if _bytes(name) != name.encode("utf-8", "replace")]
    if foreign:
        names = [from_windows(_bytes(name)) if name in foreign else name for name in names]
        notes.append("the header is not UTF-8, but read as Windows-1252; --encoding names another")
    with_spaces = [name for name in names if name != name.strip() and name.strip()]
    if with_spaces:
        notes.append(
            f"spaces around names of columns removed: {listed([p.strip() for p in with_spaces])}"
        )
    names, twice = unique([name.strip() for name in names])
    return names, notes + twice


def unique(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Different names: ``column 3`` for an empty one, ``a.1`` for a second ``a``; and a note."""
    names = [name or f"column {position}" for position, name in enumerate(names, start=1)]
    all_names = set(names)
    found: dict[str, None] = {}
    renamed = []
    for name in names:
        number, fresh = 0, name
        while fresh in found or (number and fresh in all_names):
            number += 1
            fresh = f"{name}.{number}"
        if number:
            renamed.append(fresh)
        found[fresh] = None
    what = "some columns have the same name; the later ones are called"
    return list(found), [f"{what} {listed(renamed)}"] if renamed else []


def from_windows(cell: bytes) -> str:
    """The cell as text. Different bytes give different texts, so that no category is lost."""
    try:
        return cell.decode("cp1252")
    except UnicodeDecodeError:
        return cell.decode("latin-1")
