"""Tables → named columns: arrays, pandas, polars and Arrow objects, CSV, TSV, Parquet, Arrow files.

Libraries are recognised by the objects that come in and never imported to look.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

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
    array = np.asanyarray(table) if not np.ma.isMaskedArray(table) else table
    if array.ndim != 2:
        raise ValueError(
            f"{name} has {array.ndim} dimension{'s' * (array.ndim != 1)}; a table is "
            "two-dimensional, samples by features; for one feature pass x.reshape(-1, 1)"
        )
    if not np.ma.isMaskedArray(array):
        array = _by_column(array)
    return (
        [f"{name}[:, {position}]" for position in range(array.shape[1])],
        [array[:, position] for position in range(array.shape[1])],
    )


def _by_column(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same array with contiguous columns.

    Square blocks use each line of the cache whole: one column after the other takes four times as
    long, and NumPy's own transposed copy seven times.
    """
    if array.flags.f_contiguous or array.dtype.kind == "O" or array.size < SMALL:
        return array
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


def like(result: np.ndarray[Any, Any], data: Any) -> Any:
    """A result in the array namespace of the data that it was computed from."""
    return sys.modules["torch"].from_numpy(result) if library(data) == "torch" else result


def from_series(data: Any) -> Series:
    """A pandas, polars or Arrow column as NumPy arrays."""
    import narwhals as nw

    if library(data) == "pyarrow" and not hasattr(data, "num_chunks"):
        import pyarrow as pa

        data = pa.chunked_array([data])
    if library(data) == "pandas" and not hasattr(data, "cat"):
        import pandas as pd

        data = pd.Series(data)
    series = nw.from_native(data, series_only=True)
    missing = series.is_null().to_numpy()
    if series.dtype in (nw.String, nw.Categorical, nw.Enum) or _is_object_text(series):
        return _categorical(series, missing)
    if series.dtype == nw.Boolean:
        return Series(series.fill_null(False).to_numpy().astype(bool), missing)
    if series.dtype.is_integer() and missing.any():
        return Series(series.fill_null(series.drop_nulls().min() or 0).to_numpy(), missing)
    return Series(series.to_numpy(), None)


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

    native = series.cast(nw.Categorical).to_native()
    if library(native) == "pandas":
        categories, positions = native.cat.categories.to_numpy(), native.cat.codes.to_numpy()
    elif library(native) == "polars":
        categories, positions = native.cat.get_categories().to_numpy(), native.to_physical()
        positions = positions.fill_null(0).to_numpy()
    else:
        encoded = native.unify_dictionaries().combine_chunks()
        if hasattr(encoded, "num_chunks"):  # pyarrow keeps an empty column chunked
            encoded = encoded.chunk(0)
        categories = encoded.dictionary.to_numpy(zero_copy_only=False)
        positions = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    positions = np.where(missing, 0, positions)
    if categories.dtype == object or categories.dtype.kind == "T":
        categories = np.array([str(category) for category in categories], dtype=np.str_)
    return Series(positions, missing, categories)


def read(path: str | Path) -> Any:
    """An Arrow table from a CSV, TSV, Parquet, Arrow or Feather file, by the ending of its name.

    Raises
    ------
    ValueError
        For another ending, and for a file that is corrupt or empty.
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
        import pyarrow.csv
        import pyarrow.feather
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            f"reading files needs pyarrow ({error}): pip install 'fastinfo[cli]'"
        ) from error
    delimiters = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
    ending = path.suffix.lower()
    try:
        if ending in delimiters:
            return pyarrow.csv.read_csv(
                path,
                parse_options=pyarrow.csv.ParseOptions(delimiter=delimiters[ending]),
                convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True),
            )
        if ending in (".parquet", ".pq"):
            return pyarrow.parquet.read_table(path)
        if ending in (".arrow", ".feather", ".ipc"):
            return pyarrow.feather.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        first_line = str(error).partition("\n")[0]
        raise ValueError(f"{path} cannot be read as a table: {first_line}") from error
    raise ValueError(
        f"{path}: unknown kind of file {ending!r}; accepted are .csv, .tsv, .parquet, .arrow and "
        ".feather"
    )
