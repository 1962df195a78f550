"""Columns of pandas, polars and Arrow → NumPy arrays, and which samples are missing."""

from __future__ import annotations

import sys
from datetime import date, time, timedelta
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import EXACT_IN_FLOATS
from fastinfo.binning.categories import chosen, encode, typed
from fastinfo.inputs.moments import MICROSECOND, spelled
from fastinfo.inputs.tables import is_series, library

HEAD = 256
"""Samples that tell of most columns of floats that they hold other numbers than whole ones."""


class Series(NamedTuple):
    """A column as NumPy arrays, of which `fastinfo.inputs.arguments` makes a `Column`."""

    values: np.ndarray[Any, Any]
    missing: np.ndarray[Any, Any] | None = None
    categories: np.ndarray[Any, Any] | None = None
    integers_with_gaps: bool = False


def from_series(data: Any, name: str) -> Series:
    """A pandas, polars or Arrow column as NumPy arrays.

    Raises
    ------
    TypeError
        For lists and records in place of values, for dates, times and durations, and for integers
        of 128 bits.
    """
    import narwhals as nw

    as_numbers, as_categories = MOMENTS[library(data)]
    try:
        data = _as_narwhals_reads(data)
        series = nw.from_native(data, series_only=True)
    except (TypeError, NotImplementedError):
        raise TypeError(
            f"{name} is a {type(data).__module__}.{type(data).__qualname__}; accepted are columns "
            "of samples"
        ) from None
    is_time = library(data) == "pyarrow" and str(data.type).startswith(("date", "time"))
    if is_time or series.dtype.is_temporal():
        as_numbers = as_numbers.format(getattr(getattr(data, "type", None), "bit_width", 64))
        raise TypeError(
            f"{name} holds moments or durations ({getattr(data, 'type', series.dtype)}), which may "
            f"be meant as numbers or as categories: pass {as_numbers} to bin them as numbers, or "
            f"{as_categories} to count each as a category; in both, missing ones stay missing"
        )
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


MOMENTS = {
    "pandas": ("(x - x.min()) / pd.Timedelta(seconds=1)", 'x.astype("category")'),
    "polars": ("x.to_physical().cast(pl.Float64)", "x.to_physical()"),
    "pyarrow": ('x.cast("int{}").cast("float64", safe=False)', "x.dictionary_encode()"),
}
"""For each library, code that turns dates, times and durations into numbers or categories."""


def _as_narwhals_reads(data: Any) -> Any:
    """The column in a form that narwhals reads; Arrow data inside pandas becomes Arrow's own."""
    if library(data) == "pandas":
        import pandas as pd

        series = pd.Series(data)
        if not isinstance(series.dtype, pd.ArrowDtype):
            return series
        import pyarrow as pa

        data = pa.array(series.array)
    if library(data) == "pyarrow":
        import pyarrow as pa

        if isinstance(data, pa.Array):
            data = pa.chunked_array([data])
        kind = getattr(data, "type", None)
        if kind == pa.string_view():
            data = data.cast("large_string")  # Arrow cannot factorize string_view
        if kind is not None and pa.types.is_run_end_encoded(kind):
            import pyarrow.compute as pc

            data = pa.chunked_array([pc.run_end_decode(chunk) for chunk in data.chunks])
    return data


def _are_integers_with_gaps(values: np.ndarray[Any, Any]) -> bool:
    """Whether floats hold NaN and whole numbers only, each of which float64 holds exactly."""
    head = values[:HEAD]
    if (np.trunc(head) != head)[~np.isnan(head)].any():
        return False  # most columns of floats end here, after a few samples
    present = values[~np.isnan(values)]
    if not 0 < present.size < values.size:
        return False
    return bool((np.abs(present) <= EXACT_IN_FLOATS).all() and (present == np.trunc(present)).all())


Times = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]


def from_times(data: Any) -> Times | None:
    """Dates, moments, times of day and durations as int64, and which samples are missing.

    The unit is a microsecond, since 1970 or since midnight, for every library. It is a nanosecond
    where a column is finer. None is returned for columns of any other type.
    """
    if isinstance(data, np.ndarray) and data.ndim == 1 and data.dtype.kind in "mM":
        return _from_numpy_times(data)
    if isinstance(data, (list, tuple)) or (isinstance(data, np.ndarray) and data.dtype == object):
        return _from_time_objects(data)
    if not is_series(data):
        return None
    import narwhals as nw

    if library(data) == "pandas" and data.dtype == object:
        return _from_time_objects(data.to_numpy())
    if library(data) == "pandas" and "time32" in str(data.dtype):
        module = sys.modules["pyarrow"]
        data = module.chunked_array([module.array(data)])
    if library(data) == "pyarrow":
        if hasattr(data, "type") and not hasattr(data, "num_chunks"):
            data = sys.modules["pyarrow"].chunked_array([data])  # narwhals reads no plain arrays
        if str(data.type).startswith("date64"):
            data = data.cast("date32")  # narwhals does not know date64
        elif str(data.type).startswith("time32"):
            data = data.cast("time64[us]")
    try:
        series = nw.from_native(data, series_only=True)
    except TypeError:
        return None
    if not series.dtype.is_temporal():
        return None
    missing = series.is_null().to_numpy()
    present = series.drop_nulls()
    is_fine = getattr(series.dtype, "time_unit", "us") == "ns"
    if series.dtype == nw.Duration:
        present = present.dt.total_nanoseconds() if is_fine else present.dt.total_microseconds()
    elif series.dtype == nw.Time:
        is_fine = library(series.to_native()) == "polars" or "[ns]" in str(_type_of(data))
        present = present.cast(nw.Int64)
    else:
        present = present.dt.timestamp("ns" if is_fine else "us")
    values = np.zeros(missing.size, np.int64)
    values[~missing] = present.to_numpy().astype(np.int64)
    return _in_microseconds(values, missing, is_fine)


def _type_of(data: Any) -> Any:
    return getattr(data, "type", getattr(data, "dtype", None))


def _in_microseconds(values: Any, missing: Any, is_fine: bool) -> Times:
    """Times in microseconds, or in nanoseconds where any is no whole number of microseconds."""
    if is_fine and not (values % 1000).any():
        values = values // 1000
    return values, missing if missing.any() else None


def _from_numpy_times(data: Any) -> Times:
    missing = np.isnat(np.ma.getdata(data)) | np.ma.getmaskarray(data)
    is_fine = np.datetime_data(data.dtype)[0] in ("ns", "ps", "fs", "as")
    times = np.ma.getdata(data).astype(f"{data.dtype.kind}8[{'ns' if is_fine else 'us'}]")
    return _in_microseconds(np.where(missing, 0, times.astype(np.int64)), missing, is_fine)


def _from_time_objects(data: Any) -> Times | None:
    """Python's dates, times and durations as `from_times` returns them; None for other objects."""
    first = next((value for value in data if not _is_absent(value)), None)
    if not isinstance(first, (date, time, timedelta)):
        return None
    missing = np.array([_is_absent(value) for value in data])
    present = [value for value, is_absent in zip(data, missing, strict=True) if not is_absent]
    numbers: Any = None
    if all(isinstance(value, timedelta) for value in present):
        numbers = [value // MICROSECOND for value in present]
    elif all(isinstance(value, (date, time)) for value in present):
        numbers = spelled([str(value) for value in present])
    if numbers is None:
        return None
    values = np.zeros(missing.size, np.int64)
    values[~missing] = numbers
    return values, missing if missing.any() else None


def _is_absent(value: Any) -> bool:
    """Whether an object is None, NaN, NaT or NA; NA has no truth value, so it goes by its type."""
    if isinstance(value, float):
        return value != value
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _is_object_text(series: Any) -> bool:
    values = series.to_native()
    if library(values) != "pandas" or values.dtype != object:
        return False
    import pandas as pd

    return pd.api.types.infer_dtype(values, skipna=True) in ("string", "empty")


def _categorical(data: Any, name: str) -> Series:
    """Text or a categorical column as codes, with the labels that occur."""
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
    label_values = labels.to_numpy()
    if label_values.dtype == object or label_values.dtype.kind not in "biufSUmM":
        # All labels, and not only those that occur, decide whether they have one type.
        label_values = typed(label_values, name)
    return encode(positions, len(label_values), partial(chosen, label_values))


def _from_polars(data: Any, name: str) -> Encoded:
    """The codes and labels of a polars column.

    The physical values of a Categorical are not used, because they number all strings of the
    process.
    """
    pl = sys.modules["polars"]
    text = data.cast(pl.String)
    labels = text.drop_nulls().unique().to_list()
    positions = text.cast(pl.Enum(labels)).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    return encode(positions, len(labels), partial(chosen, labels))


def _from_arrow(data: Any, name: str) -> Encoded:
    import pyarrow as pa

    if not pa.types.is_dictionary(data.type):
        data = data.dictionary_encode()
    elif data.type.value_type == pa.string_view():
        chunks = [(chunk.indices, chunk.dictionary.cast("large_string")) for chunk in data.chunks]
        data = pa.chunked_array([pa.DictionaryArray.from_arrays(*chunk) for chunk in chunks])
    data = data.unify_dictionaries().combine_chunks()
    if hasattr(data, "num_chunks"):  # pyarrow keeps an empty column chunked
        data = data.chunk(0)
    positions = data.indices.cast("int64").fill_null(-1).to_numpy(zero_copy_only=False)
    dictionary = data.dictionary
    absent = dictionary.is_null(nan_is_null=True)
    if absent.true_count:
        # Position −1, a missing sample, reads the last entry, so a last True is appended.
        is_absent = np.append(absent.to_numpy(zero_copy_only=False), True)
        positions = np.where(is_absent[positions], -1, positions)

    def take(kept: Any) -> Any:
        labels = dictionary.take(pa.array(kept)).to_numpy(zero_copy_only=False)
        return typed(labels, name) if labels.dtype == object else labels

    return encode(positions, len(dictionary), take)
