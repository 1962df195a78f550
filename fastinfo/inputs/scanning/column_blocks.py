"""Parquet files with many columns, some rows at a time, and of these some columns after the others.

The reader of Parquet holds two to three times the bytes of a page and of a dictionary of each
column that it reads, 1.5 MB and more. So thousands of columns cannot be read together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from fastinfo.inputs.scanning.sources import File, Files, Position, as_type

AT_ONCE = 64
"""Columns that are read together."""


class Stretch(NamedTuple):
    """Some whole row groups, one after the other, of one file or of several."""

    parts: list[tuple[File, list[int]]]
    """Files, and the positions of their row groups."""
    n_rows: int
    position: Position
    """The position after these rows."""


def stretches(files: Files, rows: int, start: Position) -> Iterator[Stretch]:
    """The row groups after a position, as many at a time as have at most ``rows`` rows, or one."""
    parts: list[tuple[File, list[int]]] = []
    piece = n_rows = 0
    for file in files.files:
        for group, n_more in enumerate(file.groups):
            piece += 1
            if piece <= start.pieces:
                continue
            if parts and n_rows + n_more > rows:
                yield Stretch(parts, n_rows, Position(piece - 1))
                parts, n_rows = [], 0
            if not parts or parts[-1][0] is not file:
                parts.append((file, []))
            parts[-1][1].append(group)
            n_rows += n_more
    if parts:
        yield Stretch(parts, n_rows, Position(piece))


class StretchReader:
    """Reads columns of a stretch, whose files are opened once: footers take long to read.

    Raises
    ------
    ValueError
        If a file has changed, or cannot be read; the message names the file.
    """

    def __init__(self, files: Files, stretch: Stretch, columns: Sequence[str]) -> None:
        self.files = files
        self.stretch = stretch
        self._opened: list[Any] = []
        try:
            for file, _ in stretch.parts:
                with files.reading(file):
                    self._opened.append(files.open_parquet(file, columns))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> StretchReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for parquet in self._opened:
            parquet.close(force=True)
        self._opened = []

    def read(self, columns: Sequence[str]) -> list[list[Any]]:
        """For each of some columns Arrow arrays, whose rows follow one another."""
        import pyarrow as pa

        found: list[list[Any]] = [[] for _ in columns]
        kinds = [self.files.schema.field(name).type for name in columns]
        for parquet, (file, groups) in zip(self._opened, self.stretch.parts, strict=True):
            constants = dict(file.constants)
            own = [name for name in columns if name not in constants]
            with self.files.reading(file):
                table = parquet.read_row_groups(groups, columns=own)
                for arrays, name, kind in zip(found, columns, kinds, strict=True):
                    if name in constants:
                        n_rows = sum(file.groups[group] for group in groups)
                        arrays.append(pa.repeat(pa.scalar(constants[name], kind), n_rows))
                    else:
                        chunks = table.column(name).chunks
                        arrays.extend(as_type(chunk, kind) for chunk in chunks if len(chunk))
        return found
