"""Tables → named columns: arrays, pandas, polars and Arrow objects.

Libraries are recognised by the objects that come in and never imported to look.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends import HOST, kernels_of, place_of
from fastinfo.categories import chosen, encode, typed

SMALL = 1 << 16
BLOCK = 256

EXACT_IN_FLOATS = 1 << 53
"""Up to here float64 tells each integer from its neighbours."""


class Series(NamedTuple):
    """A column on its way to `fastinfo.arguments`: NumPy arrays and nothing else."""

    values: np.ndarray[Any, Any]
    missing: np.ndarray[Any, Any] | None = None
    categories: np.ndarray[Any, Any] | None = None
    integers_with_gaps: bool = False


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
    if series.dtype in (nw.String, nw.Categorical, nw.Enum) or _is_object_text(series):
        return _categorical(series.to_native(), name)
    missing = series.is_null().to_numpy()
    if series.dtype == nw.Boolean:
        return Series(series.fill_null(False).to_numpy().astype(bool), missing)
    if series.dtype == nw.Decimal:
        series = series.cast(nw.Float64)
    if series.dtype.is_integer() and missing.any():
        present = series.drop_nulls().to_numpy()
        values = np.full(missing.size, present.min(initial=np.iinfo(present.dtype).max))
        values[~missing] = present
        return Series(values, missing)
    values = series.to_numpy()
    may_be_integers = library(series.to_native()) == "pandas" and series.to_native().dtype == "f8"
    return Series(values, integers_with_gaps=may_be_integers and _are_integers_with_gaps(values))


def _are_integers_with_gaps(values: np.ndarray[Any, Any]) -> bool:
    """Whether NaN stands among floats that are otherwise whole numbers, each exact."""
    head = values[:BLOCK]
    if (np.trunc(head) != head)[~np.isnan(head)].any():
        return False  # as most columns of floats show at once
    present = values[~np.isnan(values)]
    if not 0 < present.size < values.size:
        return False
    return bool((np.abs(present) <= EXACT_IN_FLOATS).all() and (present == np.trunc(present)).all())


def _is_object_text(series: Any) -> bool:
    values = series.to_native()
    if library(values) != "pandas" or values.dtype != object:
        return False
    import pandas as pd

    return pd.api.types.infer_dtype(values, skipna=True) in ("string", "empty")


def _categorical(data: Any, name: str) -> Series:
    """Text or a categorical as codes of the labels that occur."""
    origin = library(data)
    factorize = {"pandas": _from_pandas, "polars": _from_polars}.get(origin, _from_arrow)
    codes, categories = factorize(data, name)
    return Series(codes, codes == categories.size, categories)


Encoded = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _from_pandas(data: Any, name: str) -> Encoded:
    if hasattr(data, "cat"):
        positions, labels = data.cat.codes.to_numpy(), data.cat.categories
    else:
        positions, labels = data.factorize()
    found = labels.to_numpy()
    if found.dtype == object or found.dtype.kind not in "biufSUmM":
        found = typed(found, name)  # all of them: whether they are of one type is told by all
    return encode(positions, len(found), partial(chosen, found))


def _from_polars(data: Any, name: str) -> Encoded:
    """Not by the physical values of a Categorical: those number all strings of the process."""
    pl = sys.modules["polars"]
    text = data.cast(pl.String)
    labels = text.drop_nulls().unique().to_list()
    positions = text.cast(pl.Enum(labels)).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    return encode(positions, len(labels), partial(chosen, labels))


def _from_arrow(data: Any, name: str) -> Encoded:
    import pyarrow as pa

    if not pa.types.is_dictionary(data.type):
        data = data.dictionary_encode()
    data = data.unify_dictionaries().combine_chunks()
    if hasattr(data, "num_chunks"):  # pyarrow keeps an empty column chunked
        data = data.chunk(0)
    positions = data.indices.cast("int64").fill_null(-1).to_numpy(zero_copy_only=False)
    dictionary = data.dictionary
    absent = dictionary.is_null(nan_is_null=True)
    if absent.true_count:
        # A last label for the missing ones, as position −1 is the last.
        is_absent = np.append(absent.to_numpy(zero_copy_only=False), True)
        positions = np.where(is_absent[positions], -1, positions)

    def take(kept: Any) -> Any:
        labels = dictionary.take(pa.array(kept)).to_numpy(zero_copy_only=False)
        return typed(labels, name) if labels.dtype == object else labels

    return encode(positions, len(dictionary), take)
