"""`scan`: a table in files or in a stream, to be read batch by batch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastinfo.inputs import arguments, preparation
from fastinfo.inputs.scanning.ahead import read_ahead
from fastinfo.inputs.scanning.mapped import Mapped
from fastinfo.inputs.scanning.sources import Batch, Files, Position, Source
from fastinfo.inputs.scanning.streams import Stream, stream_of

ROWS = 1 << 18
"""Rows of a batch by default: 2 MiB of a column of float64."""

BATCH_BYTES = 1 << 25
"""Bytes of a batch by default, at 8 bytes a value: a few batches are held at a time."""

SECONDS_BETWEEN_REPORTS = 0.2


class Read(NamedTuple):
    """How far a pass over a table has come."""

    what: str
    """What the pass is for, such as "pass 1 of 2"."""
    rows: int
    """The number of rows read, those before the start of a resumed run included."""
    total: int | None
    """The number of rows of the table, where it is known."""
    seconds: float
    """Seconds since the pass began."""


class Scan:
    """A table that is read batch by batch, as often as needed; `fastinfo.scan` makes it.

    Attributes
    ----------
    columns : list of str
        The names of the columns that are read.
    n_rows : int or None
        The number of rows, where it is known without reading: in Parquet files.
    """

    is_named = True
    """Whether the columns have names, and are prepared; else they are those of an array."""
    is_series = False
    """Whether it is one variable, and no table of one column."""
    labels: Sequence[Any] = ()
    """Labels of the columns of an array, or the name of a variable."""

    def __init__(
        self,
        source: Source,
        columns: Sequence[str] | None,
        batch_rows: int,
        report: Callable[[Read], None] | None,
        checkpoint: Path | None = None,
        statistics: bool = True,
    ) -> None:
        self.statistics = statistics
        self.identity: Any = id(source)
        """What tells these data from others; of files, what a later run can compare."""
        if not isinstance(source, Stream):
            self.identity = source.identity()
        if checkpoint is not None:
            self.identity = source.identity()  # raises for a stream
            checkpoint.mkdir(parents=True, exist_ok=True)
        self.checkpoint = checkpoint
        self.source = source
        self.batch_rows = batch_rows
        self.report = report
        self.listener: Callable[[str], None] | None = None
        """Gets what is told before the passes begin; by default it is a report."""
        names = list(source.schema.names)
        if columns is not None:
            preparation.require_names(columns, names, "columns")
        self.columns = names if columns is None else list(columns)

    def __repr__(self) -> str:
        rows = "?" if self.n_rows is None else f"{self.n_rows:,}"
        return f"Scan({rows} rows × {len(self.columns)} columns: {', '.join(self.columns[:8])})"

    @property
    def n_rows(self) -> int | None:
        """The number of rows, where it is known."""
        return self.source.n_rows

    def type_of(self, column: str) -> Any:
        """The Arrow type of a column."""
        return self.source.schema.field(column).type

    def tell(self, text: str) -> None:
        """Tell the caller something before a pass begins."""
        if self.listener is not None:
            self.listener(text)
        elif self.report is not None:
            self.report(Read(text, 0, self.n_rows, 0.0))

    def empty_table(self) -> Any:
        """An Arrow table with the columns that are read, and no rows."""
        return self.source.schema.empty_table().select(self.columns)

    def read(
        self,
        columns: Sequence[str],
        what: str,
        start: Position | None = None,
        before: int = 0,
    ) -> Iterator[Batch]:
        """Batches of some columns, read ahead on a thread of its own.

        ``before`` is the number of rows before ``start``, for the report.
        """
        start = start or Position()
        rows_at_once = min(self.batch_rows, max(BATCH_BYTES // (8 * max(len(columns), 1)), 1024))
        batches = self.source.batches(columns, rows_at_once, start)
        reports = Reports(self, what, before)
        for batch in read_ahead(batches):
            yield batch
            reports.add(batch.n_rows)
        reports.end()


class Reports:
    """Reports of one pass, a few in a second at most."""

    def __init__(self, scan: Scan, what: str, before: int = 0) -> None:
        self.scan = scan
        self.what = what
        self.rows = before
        self.began = self.last = time.monotonic()

    def add(self, n_rows: int) -> None:
        """Some more rows."""
        self.rows += n_rows
        now = time.monotonic()
        if self.scan.report is not None and now - self.last > SECONDS_BETWEEN_REPORTS:
            self.scan.report(Read(self.what, self.rows, self.scan.n_rows, now - self.began))
            self.last = now

    def end(self) -> None:
        """The end of the pass."""
        if self.scan.report is not None:
            seconds = time.monotonic() - self.began
            self.scan.report(Read(self.what, self.rows, self.rows, seconds))


def scan(
    source: Any,
    *,
    columns: Sequence[str] | None = None,
    where: Any = None,
    format: str | None = None,
    batch_rows: int = ROWS,
    progress: Callable[[Read], None] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    statistics: bool = True,
) -> Scan:
    """A table that does not fit the memory, for the functions that measure tables.

    `score` and the functions of all pairs, such as `top_pairs`, take it as they take a table,
    prepare its columns by the same rules, and read it batch by batch; ``given`` and ``target`` name
    columns of it. `docs/large-data.md` tells what memory they need.

    Parameters
    ----------
    source : path, sequence of paths, numpy.memmap, or object that gives streams
        Files of Parquet, Arrow IPC, CSV or TSV, all of one format: their names, names with ``*``,
        folders (``year=2024`` in the name of a folder is a column), or URLs, which need fsspec. Or
        a `numpy.memmap` of rows and columns, which go by their positions as text ("0", "1", …), or
        of records. Or a polars LazyFrame, a DuckDB relation, a Dataset of Arrow, a function that
        opens a stream of Arrow batches, or any other object with ``__arrow_c_stream__`` that can be
        read several times.
    columns : sequence of str, optional
        The columns to read; all by default.
    where : pyarrow.compute.Expression, optional
        Read only rows for which it is true; for files. The reader passes over row groups in which
        there is none.
    format : {"parquet", "ipc", "csv", "tsv"}, optional
        The format of files whose names do not tell it.
    batch_rows : int
        The most rows of a batch. Values do not depend on it, but for bins of equal frequency of
        columns that are too long to hold.
    progress : callable, optional
        Called while the table is read with ``what``, ``rows``, ``total`` (None where unknown) and
        ``seconds`` in one named tuple.
    checkpoint : path, optional
        A directory that keeps what was found in files, every few seconds. A run that was stopped,
        even by SIGKILL, goes on from there when it is called again. It is refused with other
        files, with files that have changed, and with other columns or bins.
    statistics : bool
        Whether the limits and the numbers of nulls in the footers of Parquet files are taken for
        bins of equal width, given edges and small integers, which spares a look at these columns.
        While samples are counted they are compared, and an error tells where they are wrong. Since
        footers do not count NaN, ``nan_policy="raise"`` then raises at the end for floating-point
        columns.

    Returns
    -------
    Scan

    Raises
    ------
    ValueError
        For files that cannot be read, or whose columns differ; the message names the file.
    FileNotFoundError
        If there is no such file.
    TypeError
        For a stream that can be read once.
    ImportError
        If pyarrow is not installed; the message says how to install it.

    Examples
    --------
    >>> import fastinfo, pathlib, tempfile
    >>> import pyarrow as pa, pyarrow.parquet as pq
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "table.parquet")
    ...     pq.write_table(pa.table({"a": [0, 0, 1, 1] * 9, "b": ["x", "x", "y", "y"] * 9}), path)
    ...     (pair,) = fastinfo.top_pairs(fastinfo.scan(path), base=2)
    >>> pair.left, pair.right, pair.value, pair.n_samples
    ('a', 'b', 1.0, 36)
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        message = f"scan needs pyarrow ({error}): pip install pyarrow"
        raise ImportError(message) from error
    batch_rows = arguments.positive_integer(batch_rows, "batch_rows")
    if progress is not None and not callable(progress):
        raise TypeError(f"progress={progress!r}; accepted are None and a function")
    is_named = isinstance(source, (str, os.PathLike))
    folder = None if checkpoint is None else arguments.path(checkpoint, "checkpoint")
    stream = None if is_named or isinstance(source, (list, tuple)) else stream_of(source)
    if stream is not None:
        if where is not None or format is not None:
            raise ValueError("where and format are for files: filter the stream itself")
        return Scan(stream, columns, batch_rows, progress, folder, bool(statistics))
    if isinstance(source, np.memmap):
        if where is not None or format is not None:
            raise ValueError("where and format are for files of tables")
        return Scan(Mapped(source), columns, batch_rows, progress, folder, bool(statistics))
    if not is_named and not isinstance(source, (list, tuple)):
        raise TypeError(
            f"scan: {type(source).__name__} came; accepted are paths, a numpy.memmap, a polars "
            "LazyFrame, a DuckDB relation, objects with __arrow_c_stream__, and functions that "
            "open a stream"
        )
    accepted = ("parquet", "ipc", "csv", "tsv")
    kind = None if format is None else arguments.one_of(format, "format", accepted)
    files = Files(source, kind, where)
    return Scan(files, columns, batch_rows, progress, folder, bool(statistics))
