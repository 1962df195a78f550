"""Answers of the command line: a table on a terminal, TSV in a pipe, a file by its ending."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

import numpy as np
from rich import box
from rich.bar import Bar
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fastinfo.system.files import written_whole

LIST_ENDINGS = (".csv", ".tsv", ".parquet", ".jsonl")
MATRIX_ENDING = ".npy"
"""The only ending that asks for a matrix without ``--matrix``."""

MATRIX_ENDINGS = (".csv", ".tsv", ".parquet", MATRIX_ENDING)

SHARE = "share"
"""The unit of normalized information, which is itself a share of the entropies."""

WIDEST_BAR = 24
NARROWEST_BAR = 6


class Listing(NamedTuple):
    """Columns, or pairs of columns, and how much information they share, best first."""

    title: str
    header: Sequence[str]
    """Headers of the columns of names: ``left`` and ``right``, or ``column``."""
    names: Sequence[Sequence[str]]
    values: Sequence[float]
    corrected: Sequence[float]
    share: Sequence[float]
    n_samples: Sequence[int]
    unit: str
    measure: str = "mutual_information"
    tests: Mapping[str, Sequence[float]] = {}
    """P-values and q-values, by their names; empty where nothing is tested."""

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The listing as columns of a table: names, values, samples and unit."""
        positions = range(len(self.header))
        named = {
            self.header[position]: [row[position] for row in self.names] for position in positions
        }
        return {
            **named,
            self.measure: list(self.values),
            "corrected": list(self.corrected),
            **({} if self.unit == SHARE else {SHARE: list(self.share)}),
            **{name: list(values) for name, values in self.tests.items()},
            "n_samples": list(self.n_samples),
            "unit": [self.unit] * len(self.values),
        }

    @property
    def is_corrected(self) -> bool:
        """Whether there are corrected values; rows are ranked by them then."""
        return not all(value != value for value in self.corrected)


def consoles() -> tuple[Console, Console]:
    """The consoles for answers and for notes: stdout and stderr."""
    return Console(), Console(stderr=True)


def note(text: str, console: Console) -> None:
    """Print a note; a terminal wraps it, and a pipe gets one line, however long."""
    line = Text(" ".join(text.split()), style="dim" if console.is_terminal else "")
    console.print(line, soft_wrap=not console.is_terminal)


def show(listing: Listing, console: Console) -> None:
    """Print the listing: a table on a terminal, TSV in a pipe."""
    if console.is_terminal:
        console.print(Text(listing.title, style="bold"))
        console.print(_drawn(listing, console.width))
        return
    _write_text(listing.columns, sys.stdout, "\t")
    sys.stdout.flush()


def _drawn(listing: Listing, width: int) -> Table:
    numbers = {listing.unit: [f"{value:z.4f}" for value in listing.values]}
    if listing.is_corrected:
        numbers["corrected"] = [f"{value:z.4f}" for value in listing.corrected]
    numbers[SHARE] = [f"{value:.1%}" for value in listing.share]
    for name, values in listing.tests.items():
        numbers[name.replace("_value", "")] = [f"{value:.2g}" for value in values]
    numbers["rows"] = [f"{number:,}" for number in listing.n_samples]
    ranks = listing.corrected if listing.is_corrected else listing.values
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("", justify="right", style="dim")
    for header in listing.header:
        table.add_column(header, overflow="fold")
    for header in numbers:
        style = "cyan" if header == ("corrected" if listing.is_corrected else listing.unit) else ""
        table.add_column(header, justify="right", style=style, no_wrap=True)
    names = zip(*listing.names, strict=True)
    cells = [*zip(listing.header, names, strict=False), *numbers.items()]
    widths = [max(map(len, [header, *texts])) for header, texts in cells]
    widths.append(len(str(len(listing.values))))
    borders = 3 * (len(widths) + 1) + 1
    room = min(width - sum(widths) - borders, WIDEST_BAR)
    largest = max([value for value in ranks if value > 0], default=1.0)
    if room >= NARROWEST_BAR:
        table.add_column("", width=room)
    for position, (row, rank, *texts) in enumerate(
        zip(listing.names, ranks, *numbers.values(), strict=True), start=1
    ):
        length = rank if rank > 0 else 0.0  # a corrected value may be negative, or NaN
        bar = [Bar(largest, 0, length, color="cyan")] if room >= NARROWEST_BAR else []
        table.add_row(str(position), *map(Text, row), *texts, *bar)
    return table


def _write_text(columns: dict[str, list[Any]], file: TextIO, delimiter: str) -> None:
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))


def require_ending(path: Path, endings: Sequence[str]) -> None:
    """Check before the work that the answer can be written after it.

    Raises
    ------
    ValueError
        For another ending.
    OSError
        For a path that is a folder, or that lies in a folder that does not exist.
    """
    if path.suffix.lower() not in endings:
        raise ValueError(
            f"--out: unknown kind of file {path.suffix!r}; accepted are {', '.join(endings)}"
        )
    if path.is_dir() or not path.resolve().parent.is_dir():
        what = "is a folder" if path.is_dir() else "is in a folder that is not there"
        raise OSError(f"--out: {path} {what}")


def write_listing(listing: Listing, path: Path) -> None:
    """Write CSV, TSV, Parquet or JSON lines, by the ending of the path."""
    with written_whole(path) as file:
        _write_table(listing.columns, file, path.suffix.lower())


def _write_table(columns: dict[str, list[Any]], file: BinaryIO, ending: str) -> None:
    if ending == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet

        pyarrow.parquet.write_table(pa.table(columns), file)
        return
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    if ending == ".jsonl":
        for row in zip(*columns.values(), strict=True):
            # JSON has no NaN.
            cells = [None if cell != cell else cell for cell in row]
            named = dict(zip(columns, cells, strict=True))
            text.write(json.dumps(named, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        _write_text(columns, text, "," if ending == ".csv" else "\t")
    text.detach()


def names_beside(path: Path) -> Path:
    """The path of the file with the names of a matrix's rows and columns."""
    return path.with_suffix(".columns.json")


def write_matrix(matrix: np.ndarray[Any, Any], names: Sequence[str], path: Path) -> None:
    """Write the matrix with the names of its rows and columns.

    In text and Parquet the names of the rows are the first column, ``column``. A .npy file gets the
    names in a second file beside it (`names_beside`); either both files are written or none.
    """
    ending = path.suffix.lower()
    if ending != MATRIX_ENDING:
        first = "column"
        while first in names:
            first = f"_{first}"
        columns = {name: matrix[:, position].tolist() for position, name in enumerate(names)}
        with written_whole(path) as file:
            _write_table({first: list(names), **columns}, file, ending)
        return
    with ExitStack() as files:
        beside = files.enter_context(written_whole(names_beside(path)))
        beside.write((json.dumps(list(names), ensure_ascii=False, indent=1) + "\n").encode())
        np.save(files.enter_context(written_whole(path)), matrix, allow_pickle=False)
