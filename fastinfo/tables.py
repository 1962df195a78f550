"""Tables → named columns: arrays, pandas, polars and Arrow objects, CSV, TSV, Parquet, Arrow files.

Libraries are recognised by the objects that come in and never imported to look.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends import HOST, kernels_of, place_of

SMALL = 1 << 16
BLOCK = 256


class Series(NamedTuple):
    """A column on its way to `fastinfo.arguments`: NumPy arrays and nothing else."""

    values: np.ndarray[Any, Any]
    missing: np.ndarray[Any, Any] | None = None
    categories: np.ndarray[Any, Any] | None = None


def library(data: Any) -> str:
    """The name of the top-level package that the type of ``data`` comes from."""
    return type(data).__module__.partition(".")[0]


def is_frame(data: Any) -> bool:
    """Whether ``data`` is a table of a DataFrame library."""
    kinds = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "Table"}
    module = sys.modules.get(library(data))
    name = kinds.get(library(data))
    return module is not None and name is not None and isinstance(data, getattr(module, name))


def is_series(data: Any) -> bool:
    """Whether ``data`` is a column of a DataFrame library."""
    return library(data) in ("pandas", "polars", "pyarrow") and not is_frame(data)


def columns(table: Any, name: str) -> tuple[list[str], list[Any]]:
    """Names and columns of a DataFrame, an Arrow table or a two-dimensional array-like.

    Columns of an array are called by their position: ``X[:, 3]``.
    """
    if is_frame(table):
        import narwhals as nw

        frame = nw.from_native(table, eager_only=True)
        return [str(column) for column in frame.columns], [
            frame[:, position].to_native() for position in range(len(frame.columns))
        ]
    array = table if hasattr(table, "ndim") else np.asarray(table)
    if array.ndim != 2:
        raise ValueError(
            f"{name} has {array.ndim} dimension{'s' * (array.ndim != 1)}; a table is "
            "two-dimensional, samples by features; for one feature pass x.reshape(-1, 1)"
        )
    if not np.ma.isMaskedArray(array):
        array = by_column(array)
    return (
        [f"{name}[:, {position}]" for position in range(array.shape[1])],
        [array[:, position] for position in range(array.shape[1])],
    )


def by_column(array: Any) -> Any:
    """The same array with contiguous columns.

    Square blocks use each line of the cache whole: one column after the other takes four times as
    long, and NumPy's own transposed copy seven times.
    """
    if array.flags.f_contiguous or array.dtype.kind == "O" or array.size < SMALL:
        return array
    if library(array) == "cupy":
        return array.T.copy().T
    columns = np.empty(array.shape, array.dtype, order="F")
    for i in range(0, array.shape[0], BLOCK):
        for j in range(0, array.shape[1], BLOCK):
            columns[i : i + BLOCK, j : j + BLOCK] = array[i : i + BLOCK, j : j + BLOCK]
    return columns


def labels(table: Any) -> Sequence[Any]:
    """Names of the features of a table, or their positions where it has none."""
    if is_frame(table):
        return list(table.column_names if library(table) == "pyarrow" else table.columns)
    return range(np.shape(table)[1])


def like(result: Any, data: Any) -> Any:
    """A result in the array namespace of the data that it was computed from."""
    is_torch = library(data) == "torch"
    if place_of(data) == HOST:
        return sys.modules["torch"].from_numpy(result) if is_torch else result
    kernels = kernels_of(data)
    with kernels.current():
        result = kernels.bring(result)
        return sys.modules["torch"].from_dlpack(result) if is_torch else result


def labelled(
    matrix: np.ndarray[Any, Any], like_: Any, rows: Sequence[Any], columns: Sequence[Any]
) -> Any:
    """A matrix as a table of the library of another, with the names of its rows and columns.

    pandas names both; polars and Arrow have no names of rows, and get a first column, ``column``.
    """
    if library(like_) == "pandas":
        return sys.modules["pandas"].DataFrame(matrix, index=list(rows), columns=list(columns))
    first = "column"
    while first in columns:
        first = f"_{first}"
    named: dict[str, Any] = {first: [str(row) for row in rows]}
    named |= {str(name): matrix[:, place] for place, name in enumerate(columns)}
    module = sys.modules[library(like_)]
    return module.table(named) if library(like_) == "pyarrow" else module.DataFrame(named)


def on_device(data: Any) -> Any:
    """A CuPy array of samples on a GPU, of the same memory.

    Raises
    ------
    ImportError
        For a torch tensor without a CuPy that works.
    """
    if library(data) == "cupy":
        return data
    kernels = kernels_of(data)
    with kernels.current():
        return kernels.xp.from_dlpack(data.detach())


def from_series(data: Any, name: str) -> Series:
    """A pandas, polars or Arrow column as NumPy arrays.

    Raises
    ------
    TypeError
        For lists and records in place of values, and for integers of 128 bits.
    """
    import narwhals as nw

    if library(data) == "pyarrow" and not hasattr(data, "num_chunks"):
        import pyarrow as pa

        data = pa.chunked_array([data])
    if library(data) == "pandas" and not hasattr(data, "cat"):
        import pandas as pd

        data = pd.Series(data)
    if library(data) == "pyarrow" and str(data.type) == "string_view":
        data = data.cast("large_string")  # the one text type that Arrow cannot factorize
    series = nw.from_native(data, series_only=True)
    if series.dtype.is_nested() or series.dtype in (nw.Int128, nw.UInt128):
        raise TypeError(
            f"{name} holds {series.dtype}; accepted are numbers of up to 64 bits, booleans, "
            "strings and categoricals"
        )
    missing = series.is_null().to_numpy()
    if series.dtype in (nw.String, nw.Categorical, nw.Enum) or _is_object_text(series):
        return _categorical(series, missing)
    if series.dtype == nw.Boolean:
        return Series(series.fill_null(False).to_numpy().astype(bool), missing)
    if series.dtype == nw.Decimal:
        series = series.cast(nw.Float64)
    if series.dtype.is_integer() and missing.any():
        present = series.drop_nulls().to_numpy()
        values = np.full(missing.size, present.min(initial=np.iinfo(present.dtype).max))
        values[~missing] = present
        return Series(values, missing)
    return Series(series.to_numpy(), None)


def from_times(data: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None] | None:
    """Dates, moments, times of day and durations as int64 and what is missing; None of others."""
    if not is_series(data):
        return None
    import narwhals as nw

    if library(data) == "pandas" and "time32" in str(data.dtype):
        module = sys.modules["pyarrow"]
        data = module.chunked_array([module.array(data)])
    if library(data) == "pyarrow":
        if str(data.type).startswith("date64"):
            data = data.cast("date32")  # the one type of dates that narwhals does not know
        elif str(data.type).startswith("time32"):
            data = data.cast("int32").cast("int64").cast("time64[us]")
    try:
        series = nw.from_native(data, series_only=True)
    except TypeError:
        return None
    if not series.dtype.is_temporal():
        return None
    missing = series.is_null().to_numpy()
    present = series.drop_nulls()
    unit: Any = getattr(series.dtype, "time_unit", "us")
    if series.dtype == nw.Duration:
        present = (
            present.dt.total_nanoseconds() if unit == "ns" else present.dt.total_microseconds()
        )
    elif series.dtype == nw.Time:
        present = present.cast(nw.Int64)
    else:
        present = present.dt.timestamp("ns" if unit == "ns" else "us")
    values = np.zeros(missing.size, np.int64)
    values[~missing] = present.to_numpy().astype(np.int64)
    return values, missing if missing.any() else None


def _is_object_text(series: Any) -> bool:
    values = series.to_native()
    return (
        library(values) == "pandas"
        and values.dtype == object
        and values.map(lambda value: isinstance(value, str)).where(values.notna(), True).all()
    )


def _categorical(series: Any, missing: np.ndarray[Any, Any]) -> Series:
    """Positions in the categories; what stands at a missing sample does not matter."""
    import narwhals as nw

    if library(series.to_native()) == "polars":
        # Not by the physical values of a Categorical: those number all strings of the process.
        text = series.cast(nw.String)
        categories = text.drop_nulls().unique().sort().to_numpy()
        native = text.to_native().cast(sys.modules["polars"].Enum(categories.tolist()))
        positions = native.to_physical().fill_null(0).to_numpy()
    else:
        native = series.cast(nw.Categorical).to_native()
        if library(native) == "pandas":
            categories, positions = native.cat.categories.to_numpy(), native.cat.codes.to_numpy()
        else:
            categories, positions = _from_dictionary(native)
    positions = np.where(missing, 0, positions)
    if not categories.size:
        categories = np.array([""])  # for the positions of missing samples to point at
    if categories.dtype == object or categories.dtype.kind == "T":
        categories = np.array([str(category) for category in categories], dtype=np.str_)
    return Series(positions, missing, categories)


def _from_dictionary(native: Any) -> tuple[Any, Any]:
    encoded = native.unify_dictionaries().combine_chunks()
    if hasattr(encoded, "num_chunks"):  # pyarrow keeps an empty column chunked
        encoded = encoded.chunk(0)
    positions = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    if len(encoded.dictionary.unique()) < len(encoded.dictionary):
        # Arrow lets a dictionary hold a value twice; as categories both are one.
        again = encoded.dictionary.dictionary_encode()
        positions = again.indices.fill_null(0).to_numpy(zero_copy_only=False)[positions]
        return again.dictionary.to_numpy(zero_copy_only=False), positions
    return encoded.dictionary.to_numpy(zero_copy_only=False), positions


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
