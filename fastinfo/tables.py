"""Tables → named columns: arrays, pandas, polars and Arrow objects.

Libraries are recognised by the objects that come in and never imported to look.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
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
