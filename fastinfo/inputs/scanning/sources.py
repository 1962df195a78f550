"""Where the batches of a scan come from: files of one format. `streams` has other sources.

A source reads its pieces in one order. A piece is a row group of a Parquet file, another file
whole, or a stream. `Position` says how much has been read, so that a later run can go on there.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from fastinfo.inputs.reading.spellings import MISSING

FORMATS = {
    **{".parquet": "parquet", ".pq": "parquet", ".arrow": "ipc", ".feather": "ipc", ".ipc": "ipc"},
    **{".csv": "csv", ".csv.gz": "csv", ".csv.bz2": "csv", ".tsv": "tsv", ".tsv.gz": "tsv"},
}
"""Formats that can be read batch by batch, by the ending of a file's name."""

ACCEPTED = "Parquet, Arrow IPC (.arrow, .feather), CSV and TSV"


class Position(NamedTuple):
    """How much of a source has been read: whole pieces, and batches of the next one."""

    pieces: int = 0
    batches: int = 0


class Batch(NamedTuple):
    """Some rows of the columns that were asked for."""

    columns: list[Any]
    """Arrow arrays, one for each column."""
    n_rows: int
    position: Position
    """The position after these rows."""


class Source(Protocol):
    """Gives the rows of a table in batches, as often as asked."""

    schema: Any
    """The Arrow schema of the table."""
    n_rows: int | None
    """The number of rows, where it is known before they are read."""

    def batches(self, columns: Sequence[str], rows: int, start: Position) -> Iterator[Batch]:
        """The rows after a position, at most ``rows`` at a time."""
        ...

    def identity(self) -> list[Any]:
        """What tells these data from others, in types that JSON holds; raises for a stream."""
        ...


class File(NamedTuple):
    """A file, as it was when it was looked at first."""

    path: str
    size: int
    changed: Any
    """When it was last changed, by the file system."""
    groups: tuple[int, ...]
    """The rows of each row group; empty for files other than Parquet."""
    constants: tuple[tuple[str, Any], ...]
    """Columns that the name of its folder gives, as ``year=2024`` does."""


class Files:
    """Files of one format, as one table.

    Columns go by their names. Integers in one file and floating-point numbers in another are
    floating-point numbers; a column that is missing in every row of a file may have any type there.

    Raises
    ------
    ValueError
        For a file that cannot be read, or whose columns are not those of the others; the message
        names the file.
    """

    def __init__(self, paths: Any, kind: str | None, where: Any) -> None:
        import pyarrow as pa
        import pyarrow.dataset as ds

        self.where = where
        self.files: list[File] = []
        self._last_footer: tuple[File, Any] | None = None
        named = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
        if not named:
            raise ValueError("scan: no file was named")
        found = [_found(path) for path in named]
        self.filesystem = found[0][0]
        if any(type(system) is not type(self.filesystem) for system, _ in found):
            raise ValueError("scan: files of several file systems came; scan one after the other")
        listed = [path for _, some in found for path in some]
        if not listed:
            raise ValueError(f"scan: there is no file of {ACCEPTED} in {named[0]}")
        self.kind = kind or _kind_of(listed)
        looked = [self._look(path) for path in listed] if self.kind == "parquet" else None
        # Names of folders give columns, as ``year=2024`` does, but not those of a file named alone.
        is_named_alone = all(map(os.path.isfile, map(str, named)))
        try:
            table = ds.dataset(
                listed,
                format=self._format(),
                filesystem=self.filesystem,
                partitioning=None if is_named_alone else ds.partitioning(flavor="hive"),
            )
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._unreadable(listed[0], error) from error
        self._fragments = {fragment.path: fragment for fragment in table.get_fragments()}
        looked = looked or [self._look(path) for path in listed]
        schemas = []
        for path, (schema, groups) in zip(listed, looked, strict=True):
            keys = ds.get_partition_keys(self._fragments[path].partition_expression)
            size, changed = self._stat(path)
            self.files.append(File(path, size, changed, groups, tuple(sorted(keys.items()))))
            schemas.append(_with_constants(schema, keys))
        self.schema = _united(schemas, listed)
        counts = [sum(file.groups) for file in self.files]
        known = self.kind == "parquet" and where is None
        self.n_rows: int | None = sum(counts) if known else None

    @property
    def is_by_column(self) -> bool:
        """Whether some columns can be read without the others."""
        return self.kind in ("parquet", "ipc")

    def _unreadable(self, path: str, error: BaseException) -> ValueError:
        return ValueError(f"{path} cannot be read as {self.kind}: {_first_line(error)}")

    def _format(self) -> Any:
        import pyarrow.csv
        import pyarrow.dataset as ds

        if self.kind not in ("csv", "tsv"):
            return self.kind
        delimiter = "\t" if self.kind == "tsv" else ","
        convert = pyarrow.csv.ConvertOptions(
            null_values=["", *MISSING], strings_can_be_null=True, quoted_strings_can_be_null=False
        )
        return ds.CsvFileFormat(
            pyarrow.csv.ParseOptions(delimiter=delimiter), convert_options=convert
        )

    def _stat(self, path: str) -> tuple[int, Any]:
        info = self.filesystem.get_file_info(path)
        if info.size is None:
            raise ValueError(f"{path} is not there any more")
        return int(info.size), info.mtime_ns

    def _look(self, path: str) -> tuple[Any, tuple[int, ...]]:
        """The schema of a file, and the rows of its row groups."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            if self.kind != "parquet":
                return self._fragments[path].physical_schema, ()
            with self.filesystem.open_input_file(path) as handle:
                file = pq.ParquetFile(handle)
                meta = file.metadata
                rows = tuple(meta.row_group(i).num_rows for i in range(meta.num_row_groups))
                return file.schema_arrow, rows
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._unreadable(path, error) from error

    def identity(self) -> list[Any]:
        """Path, size, time of the last change and row groups of each file, and the filter."""
        files = [[f.path, f.size, f.changed, list(f.groups)] for f in self.files]
        return [self.kind, None if self.where is None else str(self.where), files]

    @property
    def is_plain(self) -> bool:
        """Whether all rows of row groups are read."""
        return self.kind == "parquet" and self.where is None

    @property
    def most_rows(self) -> int:
        """The rows of the largest row group."""
        return max((max(file.groups, default=0) for file in self.files), default=0)

    def batches(self, columns: Sequence[str], rows: int, start: Position) -> Iterator[Batch]:
        """The rows after a position; a file that has changed is an error that names it."""
        piece = 0
        for file in self.files:
            groups: list[int | None] = list(range(len(file.groups))) or [None]
            if piece + len(groups) <= start.pieces:
                piece += len(groups)
                continue
            with self.reading(file), self._footer(file, columns) as parquet:
                for group in groups:
                    if piece >= start.pieces:
                        skipped = start.batches if piece == start.pieces else 0
                        yield from self._piece(file, parquet, group, columns, rows, piece, skipped)
                    piece += 1

    @contextmanager
    def _footer(self, file: File, columns: Sequence[str]) -> Iterator[Any]:
        if not self.is_plain or not file.groups:
            yield None
            return
        parquet = self.open_parquet(file, columns)
        try:
            yield parquet
        finally:
            parquet.close(force=True)

    @contextmanager
    def reading(self, file: File) -> Iterator[None]:
        """What is raised within names the file; one that has changed is an error."""
        import pyarrow as pa

        self.require_same(file)
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            self.require_same(file)
            message = f"{file.path} cannot be read: {_first_line(error)}"
            if self.kind in ("csv", "tsv"):
                message += "; types are those of the first MiB of each file, Parquet keeps them"
            raise ValueError(message) from error
        self.require_same(file)

    def open_parquet(self, file: File, columns: Sequence[str]) -> Any:
        """A Parquet file that is ready to be read, text of some columns as dictionaries."""
        import pyarrow.parquet as pq

        constants = dict(file.constants)
        texts = [
            name
            for name in columns
            if name not in constants and is_text(self.schema.field(name).type)
        ]
        known = self._last_footer  # of thousands of columns it takes tens of milliseconds to read
        footer = known[1] if known is not None and known[0] is file else None
        handle = self.filesystem.open_input_file(file.path)
        try:
            parquet = pq.ParquetFile(handle, metadata=footer, read_dictionary=texts)
            if parquet.metadata.num_row_groups != len(file.groups):
                raise OSError("its row groups are others than before")
        except BaseException:
            handle.close()
            raise
        self._last_footer = file, parquet.metadata
        return parquet

    def require_same(self, file: File) -> None:
        """Raise if a file has changed or gone since it was looked at first.

        Raises
        ------
        ValueError
        """
        size, changed = self._stat(file.path)
        if (size, changed) != (file.size, file.changed):
            raise ValueError(
                f"{file.path} has changed since it was first looked at ({file.size:,} bytes, now "
                f"{size:,}): its earlier rows may be counted already, so begin anew"
            )

    def _piece(
        self,
        file: File,
        parquet: Any,
        group: int | None,
        columns: Sequence[str],
        rows: int,
        piece: int,
        skipped: int,
    ) -> Iterator[Batch]:
        import pyarrow as pa

        constants = dict(file.constants)
        own = [name for name in columns if name not in constants]
        types = [self.schema.field(name).type for name in columns]
        for number, batch in enumerate(self._rows(file, parquet, group, own, rows), start=1):
            if number <= skipped or not batch.num_rows:
                continue
            found = []
            for name, kind in zip(columns, types, strict=True):
                if name in constants:
                    found.append(pa.repeat(pa.scalar(constants[name], kind), batch.num_rows))
                else:
                    found.append(as_type(batch.column(batch.schema.get_field_index(name)), kind))
            yield Batch(found, batch.num_rows, Position(piece, number))
        yield Batch([], 0, Position(piece + 1, 0))

    def _rows(
        self, file: File, parquet: Any, group: int | None, own: Sequence[str], rows: int
    ) -> Iterator[Any]:
        if parquet is not None:
            yield from parquet.iter_batches(rows, row_groups=[group], columns=list(own))
            return
        fragment = self._fragments[file.path]
        if group is not None:
            fragment = fragment.subset(row_group_ids=[group])
        scanner = fragment.scanner(
            schema=self.schema,
            columns=list(own),
            filter=self.where,
            batch_size=rows,
            batch_readahead=1,
            fragment_readahead=1,
        )
        yield from scanner.to_batches()


def as_type(array: Any, kind: Any) -> Any:
    """An Arrow array of a batch as the type of the table's column; a dictionary may stay one."""
    import pyarrow as pa

    if array.type == kind or (pa.types.is_dictionary(array.type) and is_text(kind)):
        return array
    if pa.types.is_dictionary(array.type) and not pa.types.is_dictionary(kind):
        return array.dictionary_decode().cast(kind)
    if pa.types.is_dictionary(array.type) and array.type.value_type == kind.value_type:
        return array  # the type of the indices and the order of the labels mean nothing
    return array.cast(kind)


def is_text(kind: Any) -> bool:
    """Whether an Arrow type is text."""
    import pyarrow as pa

    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in tests)


def _found(path: Any) -> tuple[Any, list[str]]:
    """The file system of a name, and the files that it means."""
    import pyarrow.fs as pafs

    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"scan: {path!r} is no path; accepted are text and pathlib.Path")
    if "://" in text:
        import fsspec

        system, text = fsspec.core.url_to_fs(text)
        matches = system.glob(text) if _is_glob(text) else [text]
        files = [one for name in matches for one in _files_of(system.find(name), name)]
        return pafs.PyFileSystem(pafs.FSSpecHandler(system)), files
    from glob import glob

    names = [text]
    if _is_glob(text) and not os.path.exists(text):
        names = sorted(glob(text, recursive=True))
        if not names:
            raise FileNotFoundError(f"no file matches {text}")
    found: list[str] = []
    for name in names:
        if not os.path.exists(name):
            raise FileNotFoundError(f"there is no file {name}")
        is_folder = os.path.isdir(name)
        inside = (
            os.path.join(folder, file) for folder, folders, files in os.walk(name) for file in files
        )
        found += _files_of(inside, name) if is_folder else [os.path.abspath(name)]
    return pafs.LocalFileSystem(), found


def _is_glob(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def _files_of(paths: Any, name: str) -> list[str]:
    """The files of a folder that can be read, in order; hidden ones and those marked _ are not."""
    found = []
    for path in sorted(paths):
        parts = Path(path).parts[len(Path(name).parts) :]
        is_hidden = any(part.startswith((".", "_")) for part in parts)
        if path == name or (not is_hidden and _ending(path) in FORMATS):
            found.append(os.path.abspath(path) if os.path.exists(path) else path)
    return found


def _ending(path: str) -> str:
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    both = "".join(suffixes[-2:])
    return both if both in FORMATS else (suffixes[-1] if suffixes else "")


def _kind_of(paths: Sequence[str]) -> str:
    kinds = {FORMATS.get(_ending(path)): path for path in reversed(paths)}
    if None in kinds:
        raise ValueError(
            f"{kinds[None]} cannot be read batch by batch: accepted are {ACCEPTED}, by the endings "
            f"{', '.join(FORMATS)}, or by format="
        )
    if len(kinds) > 1:
        raise ValueError(
            f"scan: files of several formats came, such as {' and '.join(map(str, kinds.values()))}"
        )
    return str(next(iter(kinds)))


def _with_constants(schema: Any, constants: dict[str, Any]) -> Any:
    import pyarrow as pa

    for name, value in constants.items():
        if schema.get_field_index(name) < 0:
            schema = schema.append(pa.field(name, pa.scalar(value).type))
    return schema


def _united(schemas: Sequence[Any], paths: Sequence[str]) -> Any:
    """One schema for all files; the file that does not fit is named."""
    import pyarrow as pa

    first = schemas[0]
    twice = [name for name, times in Counter(first.names).items() if times > 1]
    if twice:
        raise ValueError(f"{paths[0]} has two columns called {twice[0]!r}: rename one")
    kinds = {field.name: field.type for field in first}
    for schema, path in zip(schemas[1:], paths[1:], strict=True):
        if schema.equals(first):
            continue
        if set(schema.names) != set(kinds) or len(schema.names) != len(kinds):
            lacking = [name for name in kinds if name not in schema.names]
            more = [name for name in schema.names if name not in kinds]
            what = f"lacks {', '.join(lacking)}" if lacking else f"has also {', '.join(more)}"
            raise ValueError(f"{path} has other columns than {paths[0]}: it {what}")
        for field in schema:
            united = unite_types(kinds[field.name], field.type)
            if united is None:
                raise ValueError(
                    f"{path} has {field.type} in column {field.name!r}, and the files before it "
                    f"have {kinds[field.name]}, which do not go together"
                )
            kinds[field.name] = united
    return pa.schema([pa.field(name, kind) for name, kind in kinds.items()])


def unite_types(one: Any, other: Any) -> Any:
    """The type that two types of a column have in common; None if there is none."""
    import pyarrow as pa

    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if pa.types.is_dictionary(one) and pa.types.is_dictionary(other):
        value = unite_types(one.value_type, other.value_type)
        return None if value is None else pa.dictionary(pa.int32(), value)
    one, other = (
        kind.value_type if pa.types.is_dictionary(kind) else kind for kind in (one, other)
    )
    if is_text(one) and is_text(other):
        return one
    try:
        schemas = [pa.schema([("x", kind)]) for kind in (one, other)]
        united = pa.unify_schemas(schemas, promote_options="permissive").field("x").type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    numbers = [pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in (one, other)]
    are_integers = all(pa.types.is_integer(kind) for kind in (one, other))
    if all(numbers) and not are_integers:
        return pa.float32() if one == other == pa.float32() else pa.float64()
    return united


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:300] or type(error).__name__
