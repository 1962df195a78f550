"""Checks of arguments: each is validated and brought to one form here, once.

Code that runs after this module sees samples as `fastinfo.data.columns.Column` and bins as rules,
and validates nothing again.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from fastinfo.backends.contract import Home
from fastinfo.backends.home import HOST, home_of
from fastinfo.data.columns import ArrayColumns, Column, Columns, SparseColumns, of_samples
from fastinfo.estimators.entropies import ESTIMATORS
from fastinfo.formulas import AVERAGES
from fastinfo.inputs import objects, series, tables
from fastinfo.inputs.objects import is_integer, is_number
from fastinfo.inputs.types import NanPolicy
from fastinfo.system.limits import usable_cores
from fastinfo.system.pools import is_task

NAN_POLICIES = get_args(NanPolicy)
LEAST_TOTAL = 1e-250
TO_HOST = {"torch": "x.cpu()", "dask": "x.compute()"}


def one_of(value: Any, name: str, accepted: Collection[Any]) -> Any:
    """``value`` itself, which is one of the accepted strings.

    Raises
    ------
    ValueError
        For any other value.
    """
    if not isinstance(value, str) or value not in accepted:
        raise ValueError(f"{name}={value!r}; accepted are {', '.join(map(repr, accepted))}")
    return value


def estimator(value: Any) -> str:
    """The name of an entropy estimator, with its parameters, checked."""
    try:
        if not isinstance(value, str):
            raise ValueError("it is no name")
        ESTIMATORS[value]
    except ValueError as error:
        accepted = ", ".join(map(repr, ESTIMATORS.accepted))
        raise ValueError(
            f"estimator={value!r}; accepted are {accepted}, and numbers of possible values after "
            f'names that use them, such as "nsb:20": {error}'
        ) from error
    return value


def nan_policy(value: Any) -> NanPolicy:
    """The policy for missing samples, checked."""
    policy: NanPolicy = one_of(value, "nan_policy", NAN_POLICIES)
    return policy


def log_base(base: Any) -> float:
    """The number that nats are divided by: the natural logarithm of the base, or 1 for None."""
    if base is None:
        return 1.0
    if not is_number(base):
        raise TypeError(f"base={base!r}; accepted are None (nats), 2 (bits), or a number above 1")
    if not 1 < base < np.inf:
        raise ValueError(f"base={base!r}; accepted are None (nats), 2 (bits), or a number above 1")
    return math.log(base)  # unlike np.log, it takes integers that are too large for a float


def average(normalized: Any, base: Any) -> str | None:
    """The average of entropies that information is to be a share of; None for no share."""
    if normalized is None:
        return None
    if base is not None:
        raise ValueError(
            f"base={base!r}: normalized information is a share, which has no unit; leave base out"
        )
    return str(one_of(normalized, "normalized", AVERAGES))


def n_jobs(value: Any) -> int:
    """The number of threads: all usable cores for −1, and for None unless in a task of a pool."""
    if value is None and is_task():
        return 1
    if value is None or value == -1:
        return usable_cores()
    return positive_integer(value, "n_jobs")


def positive_integer(value: Any, name: str) -> int:
    """``value`` as an int of at least 1."""
    return integer_from(value, name, 1)


def integer_from(value: Any, name: str, least: int) -> int:
    """``value`` as an int that is not below ``least``."""
    if not is_integer(value):
        raise TypeError(f"{name}={value!r}; accepted is an integer of at least {least}")
    if value < least:
        raise ValueError(f"{name}={value!r}; accepted is an integer of at least {least}")
    return int(value)


def shares(values: Any, name: str, count: int) -> tuple[float, ...]:
    """One share for each of ``count`` things, in proportion to ``values``; equal ones for None.

    Raises
    ------
    ValueError, TypeError
        For values that are no real numbers, negative, NaN, infinite, all 0, or not ``count``.
    """
    if values is None:
        return (1 / count,) * count
    accepted = f"accepted are {count} numbers, none negative and not all 0"
    found = values.tolist() if hasattr(values, "tolist") else values
    if not isinstance(found, Iterable) or isinstance(found, (str, bytes)):
        raise TypeError(f"{name}={values!r}; {accepted}")
    found = list(found)
    if not all(map(is_number, found)):
        raise TypeError(f"{name}={values!r}; {accepted}")
    total = math.fsum(found) if all(0 <= value < math.inf for value in found) else math.nan
    if len(found) != count or not 0 < total < math.inf:
        raise ValueError(f"{name}={values!r}; {accepted}")
    return tuple(float(value / total) for value in found)


def order(value: Any) -> float:
    """The order of an entropy or a divergence, as a float from 0 to inf.

    Raises
    ------
    ValueError, TypeError
        For anything else.
    """
    accepted = "accepted is a number from 0 to math.inf"
    if not is_number(value):
        raise TypeError(f"order={value!r}; {accepted}")
    if not value >= 0:
        raise ValueError(f"order={value!r}; {accepted}")
    return float(value)


def path(value: Any, name: str) -> Path:
    """``value`` as a `Path`.

    An empty string is refused, because `Path` would read it as the working directory.
    """
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        kind = ValueError if isinstance(value, str) else TypeError
        raise kind(f"{name}={value!r}; accepted is a path, . for the working directory")
    return Path(value)


def require_integers(name: str, is_weighted: bool) -> None:
    """Raise where the estimator needs numbers of samples and the counts are sums of weights."""
    if is_weighted and ESTIMATORS[name].needs_integers:
        raise ValueError(
            f"estimator={name!r} corrects for the number of samples, and these counts are sums of "
            'weights; use estimator="ml"'
        )


def threshold(value: Any) -> float:
    """The smallest value to report, as a float; −inf for None."""
    if value is None:
        return -np.inf
    if not is_number(value) or np.isnan(value):
        raise ValueError(f"threshold={value!r}; accepted is a real number, or None")
    return float(value)


def strongest(k: Any, least: Any) -> tuple[int | None, float]:
    """The number of pairs to report, None for all that reach a threshold, and the threshold."""
    if k is None and least is None:
        raise ValueError("k=None takes all pairs that reach a threshold: pass threshold too")
    return None if k is None else positive_integer(k, "k"), threshold(least)


def output(out: Any, shape: tuple[int, int]) -> Any:
    """The array to write the result to: ``out`` itself, or NumPy's view of a tensor on the CPU."""
    got, dtype = getattr(out, "shape", None), getattr(out, "dtype", None)
    if tables.library(out) == "torch":
        if out.device.type != "cpu" or out.requires_grad:
            gradient = " with a gradient" * out.requires_grad
            raise ValueError(
                f"out is a tensor on {out.device}{gradient}; accepted "
                "are NumPy and CuPy arrays, what takes assignments to slices, and torch tensors on "
                "the CPU without a gradient"
            )
        out, got = tensor_on_host(out, "out"), tuple(out.shape)
    if got != shape or not _is_floating(getattr(out, "dtype", None)):
        raise ValueError(
            f"out has shape {got} and dtype {dtype}; accepted is shape {shape}, floating-point"
        )
    if isinstance(out, np.ndarray) and not out.flags.writeable:
        raise ValueError("out is read-only; pass an array that can be written to")
    return out


def _is_floating(dtype: Any) -> bool:
    try:
        return dtype is not None and np.dtype(dtype).kind == "f"
    except TypeError:  # NumPy does not know the dtypes of every library
        return False


# --- samples ------------------------------------------------------------------------------------


def variable(samples: Any, name: str) -> list[Column]:
    """The columns of one variable: one column for ``(n,)``, d columns for ``(n, d)``."""
    if type(samples) is np.ndarray and samples.ndim == 1:  # the most common case goes first
        return [column(samples, name)]
    tables.require_read(samples, name)
    if tables.is_series(samples):
        return [column(samples, name)]
    if not tables.has_names(samples):
        if tables.is_sparse(samples) and samples.ndim == 1:
            samples = samples.toarray()
        if not tables.is_sparse(samples):
            samples = array_of(samples, name)
        if samples.ndim == 1:
            return [column(samples, name)]
        if samples.ndim != 2:
            raise ValueError(
                f"{name} has {samples.ndim} dimensions, shape {tuple(samples.shape)}; accepted are "
                "(n,) samples of one variable and (n, d) samples of one d-dimensional variable"
            )
    return list(features(samples, name))


def features(table: Any, name: str) -> Columns:
    """The columns of a table ``(n, m)``, each with its name."""
    tables.require_read(table, name)
    names = None
    if tables.is_annotated(table):
        table, names = tables.matrix_of(table), [str(label) for label in tables.labels(table)]
    if tables.is_sparse(table) and table.ndim == 2:
        return _sparse_features(table, name, names)
    if not tables.is_table(table):
        if tables.is_series(table) and hasattr(table, "__len__"):
            tables.require_two_dimensions((len(table),), name)
        table = array_of(table, name)
        is_plain = not np.ma.isMaskedArray(table) and table.dtype.kind in "biuf"
        if is_plain and table.ndim == 2 and table.size:
            rows = _known_dtype(table.T, name)
            if not home_of(rows).is_host:  # a device turns all of them in one launch
                rows = _contiguous(rows)
            return ArrayColumns(name, rows, names=names)
    own_names, columns = tables.columns(table, name)
    if not columns:
        raise ValueError(f"{name} has no columns")
    return [
        column(samples, label) for label, samples in zip(names or own_names, columns, strict=True)
    ]


def _sparse_features(matrix: Any, name: str, names: Sequence[str] | None) -> Columns:
    if not matrix.shape[1]:
        raise ValueError(f"{name} has no columns")
    if not matrix.shape[0]:
        raise ValueError(f"{name} is empty, of shape {matrix.shape}; at least one sample is needed")
    matrix = matrix.tocsc()
    if not matrix.has_canonical_format:
        matrix = matrix.copy()  # sum_duplicates would change the caller's matrix
        matrix.sum_duplicates()
    dtype = _known_dtype(matrix.data[:0], name).dtype
    return SparseColumns(name, matrix.astype(dtype, copy=False), names=names)


def array_of(samples: Any, name: str) -> Any:
    """Anything but a DataFrame as an array: CuPy's for data on a GPU, else NumPy's.

    Raises
    ------
    TypeError
        For data that is no array of samples, or that another library has to convert first.
    """
    origin = tables.library(samples)
    if not home_of(samples).is_host:
        return tables.on_device(samples)
    if origin == "torch" and samples.device.type == "cpu":
        return tensor_on_host(samples, name)
    if origin in ("torch", "jax", "jaxlib", "dask"):
        raise TypeError(
            f"{name} is a {type(samples).__module__}.{type(samples).__qualname__}; accepted are "
            "NumPy and CuPy arrays, lists, pandas, polars and Arrow columns, and torch tensors on "
            f"the CPU or a CUDA device: pass {TO_HOST.get(origin, 'np.asarray(x)')}"
        )
    if np.ma.isMaskedArray(samples):
        return samples
    if isinstance(samples, (str, bytes)) or not isinstance(samples, (Iterable, np.ndarray)):
        raise TypeError(f"{name} is {type(samples).__name__}; accepted is an array of samples")
    if isinstance(samples, (set, frozenset, dict)):
        kind = type(samples).__name__
        raise TypeError(f"{name} is a {kind}, which keeps no order of samples: pass a list")
    if hasattr(samples, "__array__"):
        return np.asarray(samples)
    return objects.of_list(list(samples), name)


def tensor_on_host(tensor: Any, name: str) -> Any:
    """NumPy's view of a torch tensor on the CPU; no data is copied."""
    try:
        return tensor.detach().numpy()
    except (TypeError, RuntimeError) as error:
        raise TypeError(
            f"{name} is a {tensor.dtype} tensor that NumPy cannot take ({error}); accepted are "
            "dense ones of NumPy's dtypes: pass x.float() or x.to_dense()"
        ) from None


def column(samples: Any, name: str) -> Column:
    """One column of samples, in a dtype that binning knows.

    Raises
    ------
    ValueError
        For samples that are empty or not one-dimensional.
    TypeError
        For dtypes without a meaning here, such as complex numbers and dates.
    """
    categories = missing = None
    integers_with_gaps = False
    if type(samples) is np.ndarray:
        values = samples
    elif tables.is_series(samples):
        values, missing, categories, integers_with_gaps = series.from_series(samples, name)
    elif np.ma.isMaskedArray(samples):
        values, missing = samples.data, np.ma.getmaskarray(samples)
    elif not home_of(samples).is_host:
        values = samples
    elif tables.is_sparse(samples):
        values = samples.toarray()
    else:
        values = array_of(samples, name)
    if values.ndim != 1:
        raise ValueError(
            f"{name} has {values.ndim} dimensions, shape {tuple(values.shape)}; accepted is one"
        )
    if values.size == 0:
        raise ValueError(f"{name} is empty; at least one sample is needed")
    kind = values.dtype.kind
    if kind in "OT":
        values, missing, categories = objects.to_types(
            values.astype(object, copy=False), missing, name
        )
    elif kind in "US":
        values, missing, categories = objects.encode_text(values, missing)
    values = _contiguous(_known_dtype(values, name))
    if values.dtype.kind == "f":
        if missing is not None and missing.any():
            values = np.where(missing, np.nan, values)
        missing = None
    if missing is not None and not missing.any():
        missing = None
    return Column(name, values, missing, categories, integers_with_gaps)


def _known_dtype(values: Any, name: str) -> Any:
    """The same samples in a dtype that kernels know, in the byte order of this machine."""
    kind = values.dtype.kind
    if kind in "mM":
        since = "(x - np.datetime64(0, 's'))" if kind == "M" else "x"
        raise TypeError(
            f"{name} has dtype {values.dtype}; pass {since} / np.timedelta64(1, 's') to bin it as "
            "numbers, or np.where(np.isnat(x), None, x.astype(str)) to count each value as a "
            "category; in both, NaT stays missing"
        )
    if kind not in "biuf":
        raise TypeError(
            f"{name} has dtype {values.dtype}; accepted are floating-point, integer and boolean "
            "numbers, strings and categoricals"
        )
    if kind == "f" and values.dtype.itemsize not in (4, 8):
        values = values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64)
    if not home_of(values).is_host or (values.dtype.isnative and values.flags.aligned):
        return values
    return values.astype(values.dtype.newbyteorder("="))


def _contiguous(values: Any) -> Any:
    return values if values.flags.c_contiguous else values.copy()


def same_length(columns: Sequence[Column]) -> int:
    """The number of samples, which must be the same in all columns."""
    first, n_samples = columns[0], int(columns[0].values.size)
    for column in columns:  # not a dict by name: two tables may use one name for two columns
        if column.values.size != n_samples:
            raise ValueError(
                f"the numbers of samples differ: {first.name} has {n_samples}, "
                f"{column.name} has {column.values.size}"
            )
    return n_samples


def same_home(arrays: Iterable[Any], names: Iterable[str]) -> Home:
    """The home that all arrays share."""
    first = None
    for array, name in zip(arrays, names, strict=True):
        home = home_of(array)
        if first is None:
            first, first_name = home, name
        elif home is not first and home.place != first.place:
            raise ValueError(
                f"{first_name} is on {first.place} and {name} on {home.place}: copy both to one "
                "device, or choose by backend= where to compute"
            )
    return first or HOST


def home_of_columns(columns: Sequence[Column], weights: Any, backend: str | None) -> Home:
    """The home of all columns and their weights.

    Where ``backend`` is given, arrays from different places are allowed, since the backend copies
    them to its own place.
    """
    if backend is not None:
        homes = [home_of(c.values) for c in columns] + [home_of(weights)]
        return next((home for home in homes if home.place.backend == backend), HOST)
    arrays, names = [c.values for c in columns], [c.name for c in columns]
    if weights is not None:
        arrays.append(weights)
        names.append("sample_weight")
    return same_home(arrays, names)


def weights(sample_weight: Any, n_samples: int) -> Any:
    """The weights of the samples, ``(n,)`` as float64, or None."""
    if sample_weight is None:
        return None
    if not tables.is_series(sample_weight):
        sample_weight = array_of(sample_weight, "sample_weight")
    if np.shape(sample_weight) != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {np.shape(sample_weight)}; accepted is one weight for each "
            f"of the {n_samples} samples, shape ({n_samples},)"
        )
    checked = column(sample_weight, "sample_weight")
    if checked.categories is not None or checked.values.dtype.kind not in "biuf":
        raise TypeError("sample_weight holds categories or text; accepted are real numbers")
    array = checked.values.astype(np.float64)
    if checked.missing is not None or not np.isfinite(array).all():
        raise ValueError(
            "sample_weight holds missing, NaN or infinite weights; accepted are finite ones, 0 to "
            "leave a sample out"
        )
    if (array < 0).any():
        raise ValueError(
            f"sample_weight holds negative weights (the least is {float(array.min()):g}); accepted "
            "are 0 and above"
        )
    if not array.any():
        raise ValueError("sample_weight is 0 for every sample; at least one must be above 0")
    require_total(array, "sample_weight")
    return array


def with_weight(groups: Sequence[Columns], weights: Any) -> tuple[Sequence[Columns], Any]:
    """The samples whose weight is not 0, and their weights; others do not even affect the bins."""
    if weights is None or (weights > 0).all():
        return groups, weights
    (positions,) = (weights > 0).nonzero()

    def chosen(array: Any) -> Any:
        home = home_of(array)
        kept = array[..., home.bring(positions)]
        return np.ascontiguousarray(kept) if home.is_host else kept

    return [of_samples(group, chosen) for group in groups], weights[positions]


def require_total(weights: Any, name: str) -> None:
    """Raise where weights are so large, or so small, that c·log c overflows or underflows."""
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if not LEAST_TOTAL <= total <= 1 / LEAST_TOTAL:
        raise ValueError(
            f"{name} sums to {total:g}; accepted are sums of {LEAST_TOTAL:g} to "
            f"{1 / LEAST_TOTAL:g}, since only the ratios of weights matter"
        )
