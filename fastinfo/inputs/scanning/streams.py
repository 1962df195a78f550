"""Sources that are no files: objects that give a stream of Arrow batches as often as asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fastinfo.inputs.scanning.sources import Batch, Position, as_type
from fastinfo.inputs.tables import library


class Stream:
    """A function that opens a stream of Arrow batches, anew at each call.

    Raises
    ------
    ValueError
        If a later stream has another number of rows than the first one.
    """

    def __init__(self, open_: Callable[[Sequence[str] | None, int], Any], schema: Any) -> None:
        self._open = open_
        self.schema = schema
        self.n_rows: int | None = None

    def identity(self) -> list[Any]:
        """Raise: nothing tells one stream from another.

        Raises
        ------
        ValueError
        """
        raise ValueError(
            "checkpoint: a stream cannot be told from another one; write it to Parquet, and scan "
            "the file"
        )

    def batches(self, columns: Sequence[str], rows: int, start: Position) -> Iterator[Batch]:
        """The rows of the stream, opened anew."""
        n_rows = 0
        types = [self.schema.field(name).type for name in columns]
        for batch in self._open(list(columns), rows):
            if batch.num_rows == 0:
                continue
            n_rows += batch.num_rows
            found = [
                as_type(batch.column(batch.schema.get_field_index(name)), kind)
                for name, kind in zip(columns, types, strict=True)
            ]
            yield Batch(found, batch.num_rows, start)
        if self.n_rows is not None and n_rows != self.n_rows:
            raise ValueError(
                f"the stream gave {self.n_rows:,} rows at first and {n_rows:,} now: scan an object "
                "that gives the same rows each time, such as a file, a LazyFrame or a relation"
            )
        self.n_rows = n_rows


def stream_of(data: Any) -> Stream | None:
    """The source of an object that gives streams; None for all other objects.

    Raises
    ------
    TypeError
        For a stream that can be read once.
    """
    if library(data) == "polars" and type(data).__name__ == "LazyFrame":
        return _of_lazy_frame(data)
    if library(data) in ("duckdb", "_duckdb") and type(data).__name__ == "DuckDBPyRelation":
        return _of_relation(data)
    if library(data) == "pyarrow" and any(b.__name__ == "Dataset" for b in type(data).__mro__):
        return _of_dataset(data)
    if not (callable(data) or hasattr(data, "__arrow_c_stream__")):
        return None
    import pyarrow as pa

    if isinstance(data, pa.RecordBatchReader):
        raise TypeError(
            "scan: a RecordBatchReader can be read once, and a scan reads its source several "
            "times: pass the object that it came from, or a function that opens it, "
            "scan(lambda: ...)"
        )

    def open_(columns: Sequence[str] | None, rows: int) -> Any:
        opened = data() if callable(data) else data
        if not isinstance(opened, pa.RecordBatchReader):
            opened = pa.RecordBatchReader.from_stream(opened)
        return opened

    with open_(None, 1) as reader:
        return Stream(open_, reader.schema)


def _of_lazy_frame(frame: Any) -> Stream:
    import sys

    pl = sys.modules["polars"]

    def open_(columns: Sequence[str] | None, rows: int) -> Any:
        for part in frame.select(columns).collect_batches(chunk_size=rows):
            yield from part.to_arrow().to_batches()

    return Stream(open_, pl.DataFrame(schema=frame.collect_schema()).to_arrow().schema)


def _of_dataset(dataset: Any) -> Stream:
    def open_(columns: Sequence[str] | None, rows: int) -> Any:
        # Of the reader's own read-ahead little is left: there is a thread that reads ahead.
        scanner = dataset.scanner(
            columns=columns, batch_size=rows, batch_readahead=1, fragment_readahead=1
        )
        return scanner.to_reader()

    return Stream(open_, dataset.schema)


def _of_relation(relation: Any) -> Stream:
    def open_(columns: Sequence[str] | None, rows: int) -> Any:
        names = ['"' + name.replace('"', '""') + '"' for name in columns or relation.columns]
        return relation.project(", ".join(names)).to_arrow_reader(rows)

    return Stream(open_, open_(None, 1).schema)
