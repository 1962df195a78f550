"""Files → Arrow tables: CSV, TSV, Parquet, Arrow and Feather."""

from __future__ import annotations

from pathlib import Path
from typing import Any

DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
COMPRESSIONS = (".gz", ".bz2", ".zst")
PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")


def read(path: str | Path) -> Any:
    """An Arrow table from a CSV, TSV, Parquet, Arrow or Feather file, by the ending of its name.

    Text is UTF-8, with a header, and may be compressed (``.csv.gz``, ``.bz2``, ``.zst``). Empty
    cells and the usual words for nothing (NA, NaN, null …) are missing values. A column without a
    name is called by its place, ``column 1``.

    Raises
    ------
    ValueError
        For another ending, and for a file that is corrupt, has no rows, names two columns alike, or
        holds integers as text that fit neither int64 nor uint64.
    FileNotFoundError
        Where there is no such file.
    ImportError
        Without pyarrow, with the line that installs it.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no such file: {path}")
    if path.is_dir():
        raise ValueError(f"{path} is a directory; name a file")
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ImportError(
            f"reading files needs pyarrow ({error}): pip install 'fastinfo[cli]'"
        ) from error
    try:
        table = _read_by_ending(path)
        names = table.column_names
    except UnicodeDecodeError:
        raise ValueError(f"{path}: the header is not UTF-8; convert the file") from None
    except (pa.ArrowException, OSError) as error:
        reason = "".join(c if c.isprintable() else "�" for c in str(error).partition("\n")[0])
        raise ValueError(f"{path} cannot be read as a table: {reason[:200]}") from error
    names = [name or f"column {place}" for place, name in enumerate(names, start=1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: more than one column is called {twice[0]!r}; rename one of them")
    if not table.num_columns or not table.num_rows:
        raise ValueError(
            f"{path} is empty: {table.num_columns} columns and {table.num_rows} rows; at least one "
            "of each is needed"
        )
    return table.rename_columns(names)


def _read_by_ending(path: Path) -> Any:
    endings = [ending.lower() for ending in path.suffixes]
    compressed = endings[-1:] and endings[-1] in COMPRESSIONS
    ending = (endings[:-1] if compressed else endings)[-1:]
    kind = ending[0] if ending else ""
    if kind in DELIMITERS:
        return _read_text(path, DELIMITERS[kind])
    if kind in PARQUET and not compressed:
        import pyarrow.parquet

        return pyarrow.parquet.read_table(path)
    if kind in ARROW and not compressed:
        import pyarrow.feather

        return pyarrow.feather.read_table(path)
    raise ValueError(
        f"{path}: unknown kind of file {''.join(endings[-2:])!r}; accepted are .csv and .tsv, also "
        "as .gz, .bz2 or .zst, and .parquet, .arrow and .feather"
    )


def _read_text(path: Path, delimiter: str) -> Any:
    import pyarrow as pa
    import pyarrow.csv

    def read_csv(**conversion: Any) -> Any:
        return pyarrow.csv.read_csv(
            path,
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
            convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True, **conversion),
        )

    table = read_csv()
    for name, column in zip(table.column_names, table.columns, strict=True):
        # What is no UTF-8 comes as bytes, and would be lost as values of no known type.
        if pa.types.is_binary(column.type):
            raise ValueError(f"{path}: column {name!r} is not UTF-8 text; convert the file")
    # Arrow makes floats, in which neighbours are equal, of integers that pass int64.
    large = [
        name
        for name, column in zip(table.column_names, table.columns, strict=True)
        if table.column_names.count(name) == 1 and _may_pass_int64(column)
    ]
    if large:
        texts = read_csv(include_columns=large, column_types=dict.fromkeys(large, pa.string()))
        for name in large:
            column = _unsigned(texts[name], f"{path}: column {name!r}")
            if column is not None:
                table = table.set_column(table.column_names.index(name), name, column)
    return table


def _may_pass_int64(column: Any) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(column.type):
        return False
    is_large = pc.greater_equal(pc.abs(column), float(1 << 63))
    is_whole = pc.equal(column, pc.trunc(column))
    return bool(pc.any(is_large).as_py() and pc.all(is_whole).as_py())


def _unsigned(text: Any, name: str) -> Any:
    """Text as uint64 where all of it is integers; None where some is written as a float."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(text)
    if not pc.all(pc.match_substring_regex(text, "^[+-]?[0-9]+$")).as_py():
        return None
    try:
        return pc.replace_substring_regex(text, r"^\+|^-(0+)$", r"\1").cast("uint64")
    except pa.ArrowInvalid:
        raise ValueError(
            f"{name} holds integers that fit neither int64 nor uint64; write them with a decimal "
            "point to bin them as floats, or with a letter to count them as categories"
        ) from None
