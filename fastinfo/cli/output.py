"""Answers of the command line: a table on a terminal, TSV in a pipe, a file by its ending."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from rich import box
from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fastinfo.files import written_whole

LIST_ENDINGS = (".csv", ".tsv", ".parquet")
MATRIX_ENDING = ".npy"

NAMED_AT_MOST = 6
"""Names that a message spells out."""

WIDEST_BAR = 24
NARROWEST_BAR = 6


class Listing(NamedTuple):
    """Columns, or pairs of them, by mutual information, largest first."""

    title: str
    header: Sequence[str]
    """What the names of a row are names of."""
    names: Sequence[Sequence[str]]
    values: Sequence[float]
    unit: str

    @property
    def columns(self) -> dict[str, list[Any]]:
        """As a table: the names, the value and its unit."""
        places = range(len(self.header))
        named = {self.header[place]: [row[place] for row in self.names] for place in places}
        unit = [self.unit] * len(self.values)
        return {**named, "mutual_information": list(self.values), "unit": unit}


def consoles() -> tuple[Console, Console]:
    """Where answers and notes go."""
    return Console(), Console(stderr=True)


def listed(names: Sequence[str]) -> str:
    """A few names, and how many there are beyond them."""
    beyond = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {beyond} more" if beyond > 0 else "")


def note(text: str, console: Console) -> None:
    """A line on stderr; one line in a pipe, however long it is."""
    line = Text(" ".join(text.split()), style="dim" if console.is_terminal else "")
    console.print(line, soft_wrap=not console.is_terminal)


def show(listing: Listing, console: Console) -> None:
    """Print for the one who reads: people get a table, programs get TSV."""
    if console.is_terminal:
        console.print(Text(listing.title, style="bold"))
        console.print(_drawn(listing, console.width))
        return
    _write_text(listing, sys.stdout, "\t")
    sys.stdout.flush()


def _drawn(listing: Listing, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("", justify="right", style="dim")
    for header in listing.header:
        table.add_column(header, overflow="fold")
    table.add_column(listing.unit, justify="right", style="cyan")
    texts = [f"{value:.4f}" for value in listing.values]
    names = zip(*listing.names, strict=True)
    widths = [max(map(len, cells)) for cells in (texts, *names)] + [len(str(len(texts)))]
    borders = 3 * (len(widths) + 1) + 1
    room = min(width - sum(widths) - borders, WIDEST_BAR)
    largest = max([value for value in listing.values if value > 0], default=1.0)
    if room >= NARROWEST_BAR:
        table.add_column("", width=room)
    for place, (row, text, value) in enumerate(
        zip(listing.names, texts, listing.values, strict=True), start=1
    ):
        length = value if value > 0 else 0.0  # a corrected estimate may be negative, or NaN
        bar = [Bar(largest, 0, length, color="cyan")] if room >= NARROWEST_BAR else []
        table.add_row(str(place), *map(Text, row), text, *bar)
    return table


def _write_text(listing: Listing, file: TextIO, delimiter: str) -> None:
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerow(listing.columns)
    writer.writerows(zip(*listing.columns.values(), strict=True))


def require_ending(path: Path, endings: Sequence[str]) -> None:
    """Raise before the work where the answer could not be written after it.

    Raises
    ------
    ValueError, OSError
        For another ending, and for a folder that is not there.
    """
    if path.suffix.lower() not in endings:
        raise ValueError(
            f"--out: unknown kind of file {path.suffix!r}; accepted are {', '.join(endings)}"
        )
    if path.is_dir() or not path.resolve().parent.is_dir():
        what = "is a folder" if path.is_dir() else "is in a folder that is not there"
        raise OSError(f"--out: {path} {what}")


def write_listing(listing: Listing, path: Path) -> None:
    """Write CSV, TSV or Parquet, by the ending."""
    with written_whole(path) as file:
        if path.suffix.lower() == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet

            pyarrow.parquet.write_table(pa.table(listing.columns), file)
            return
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        _write_text(listing, text, "," if path.suffix.lower() == ".csv" else "\t")
        text.detach()


def names_beside(path: Path) -> Path:
    """Where the names of a matrix's rows and columns are."""
    return path.with_suffix(".columns.json")


def write_matrix(matrix: np.ndarray[Any, Any], names: Sequence[str], path: Path) -> None:
    """Write the matrix, and beside it the names of its rows and columns; both or neither."""
    with ExitStack() as files:
        beside = files.enter_context(written_whole(names_beside(path)))
        beside.write((json.dumps(list(names), ensure_ascii=False, indent=1) + "\n").encode())
        np.save(files.enter_context(written_whole(path)), matrix, allow_pickle=False)
