"""The edge: every argument is checked and brought to one form here, once.

Behind this module samples are `columns.Column`, bins are rules, and nothing is validated again.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastinfo import objects, tables
from fastinfo.backends import HOST, Place, place_of, usable_cores
from fastinfo.binning import NUMPY_RULES, Given, NumpyRule, Quantile, Rule, Uniform
from fastinfo.columns import ArrayColumns, Column, Columns, SparseColumns, typical
from fastinfo.entropies import ESTIMATORS, NEEDS_INTEGERS
from fastinfo.objects import is_integer as _is_integer
from fastinfo.objects import is_number as _is_number

NAN_POLICIES = ("raise", "omit", "propagate")
MOST_BINS = 1 << 31
LEAST_TOTAL = 1e-250
TO_HOST = {"torch": "x.cpu()", "dask": "x.compute()"}


def one_of(value: Any, name: str, accepted: Iterable[Any]) -> Any:
    """``value``, if it is among the accepted ones."""
    accepted = tuple(accepted)
    if not isinstance(value, str) or value not in accepted:
        raise ValueError(f"{name}={value!r}; accepted are {', '.join(map(repr, accepted))}")
    return value


def estimator(value: Any) -> str:
    """The name of an entropy estimator."""
    return str(one_of(value, "estimator", ESTIMATORS))


def nan_policy(value: Any) -> str:
    """What happens to missing samples."""
    return str(one_of(value, "nan_policy", NAN_POLICIES))


def log_base(base: Any) -> float:
    """What nats are divided by: log of the base, 1 for None."""
    if base is None:
        return 1.0
    if not _is_number(base):
        raise TypeError(f"base={base!r}; accepted are None (nats), 2 (bits), or a number above 1")
    if not 1 < base < np.inf:
        raise ValueError(f"base={base!r}; accepted are None (nats), 2 (bits), or a number above 1")
    return math.log(base)  # of integers beyond floating point too


def n_jobs(value: Any) -> int:
    """A number of threads; all cores for None and for −1."""
    if value is None or value == -1:
        return usable_cores()
    return positive_integer(value, "n_jobs")


def positive_integer(value: Any, name: str) -> int:
    """An integer of at least 1."""
    if not _is_integer(value):
        raise TypeError(f"{name}={value!r}; accepted is an integer of at least 1")
    if value < 1:
        raise ValueError(f"{name}={value!r}; accepted is an integer of at least 1")
    return int(value)


def path(value: Any, name: str) -> Path:
    """A path that names something: an empty one would be the working directory."""
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        kind = ValueError if isinstance(value, str) else TypeError
        raise kind(f"{name}={value!r}; accepted is a path, . for the working directory")
    return Path(value)


def require_integers(name: str, is_weighted: bool) -> None:
    """Raise where an estimator that means numbers of samples came with weights."""
    if name in NEEDS_INTEGERS and is_weighted:
        raise ValueError(
            f"estimator={name!r} corrects for the number of samples, and these counts are sums of "
            'weights; use estimator="ml"'
        )


def threshold(value: Any) -> float:
    """The least value of interest; −inf for None."""
    if value is None:
        return -np.inf
    if not _is_number(value) or np.isnan(value):
        raise ValueError(f"threshold={value!r}; accepted is a real number, or None")
    return float(value)


def output(out: Any, shape: tuple[int, int]) -> Any:
    """An array that takes the result: ``out``, or NumPy's view of a tensor on the CPU."""
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
    except TypeError:  # of a library with types of its own
        return False


# --- samples ------------------------------------------------------------------------------------


def variable(samples: Any, name: str) -> list[Column]:
    """The columns of one variable: one for ``(n,)``, d for ``(n, d)``."""
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
    """The columns of a table ``(n, m)``, each by its name."""
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
            rows = _supported(tables.by_column(table).T, name)
            return ArrayColumns(name, rows, names=names)
    own_names, found = tables.columns(table, name)
    if not found:
        raise ValueError(f"{name} has no columns")
    return [
        column(samples, label) for label, samples in zip(names or own_names, found, strict=True)
    ]


def _sparse_features(matrix: Any, name: str, names: Sequence[str] | None) -> Columns:
    if not matrix.shape[1]:
        raise ValueError(f"{name} has no columns")
    if not matrix.shape[0]:
        raise ValueError(f"{name} is empty, of shape {matrix.shape}; at least one sample is needed")
    matrix = matrix.tocsc()
    if not matrix.has_canonical_format:
        matrix = matrix.copy()  # what came stays as it was
        matrix.sum_duplicates()
    dtype = _supported(matrix.data[:0], name).dtype
    return SparseColumns(name, matrix.astype(dtype, copy=False), names=names)


def array_of(samples: Any, name: str) -> Any:
    """An array of anything that is no DataFrame: CuPy's of what is on a GPU, else NumPy's."""
    origin = tables.library(samples)
    if place_of(samples) != HOST:
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
    """NumPy's view of a torch tensor on the CPU."""
    try:
        return tensor.detach().numpy()
    except (TypeError, RuntimeError) as error:
        raise TypeError(
            f"{name} is a {tensor.dtype} tensor that NumPy cannot take ({error}); accepted are "
            "dense ones of NumPy's dtypes: pass x.float() or x.to_dense()"
        ) from None


def column(samples: Any, name: str) -> Column:
    """One column of samples, of a dtype that binning knows."""
    categories = missing = None
    integers_with_gaps = False
    if tables.is_series(samples):
        values, missing, categories, integers_with_gaps = tables.from_series(samples, name)
    elif np.ma.isMaskedArray(samples):
        values, missing = samples.data, np.ma.getmaskarray(samples)
    elif place_of(samples) != HOST:
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
    if values.dtype.kind in "OT":
        values, missing, categories = objects.to_types(
            values.astype(object, copy=False), missing, name
        )
    elif values.dtype.kind in "US":
        values, missing, categories = objects.encode_text(values, missing)
    values = _supported(values, name)
    if values.dtype.kind == "f":
        if missing is not None and missing.any():
            values = np.where(missing, np.nan, values)
        missing = None
    if missing is not None and not missing.any():
        missing = None
    return Column(name, values, missing, categories, integers_with_gaps)


def _supported(values: Any, name: str) -> Any:
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
    if place_of(values) != HOST:
        return values if values.flags.c_contiguous else values.copy()
    return np.require(values, values.dtype.newbyteorder("="), ["C", "ALIGNED"])


def same_length(columns: Sequence[Column]) -> int:
    """The number of samples, which all columns share."""
    first = columns[0]
    for column in columns:  # two tables may call different columns by one name
        if column.values.size != first.values.size:
            raise ValueError(
                f"the numbers of samples differ: {first.name} has {first.values.size}, "
                f"{column.name} has {column.values.size}"
            )
    return int(first.values.size)


def same_place(arrays: Iterable[Any], names: Iterable[str]) -> Place:
    """Where all of some arrays are; None stands for no array."""
    places = {
        place_of(array): name
        for array, name in zip(arrays, names, strict=True)
        if array is not None
    }
    if len(places) > 1:
        (first, a), (second, b) = list(places.items())[:2]
        raise ValueError(
            f"{a} is on {first} and {b} on {second}: copy both to one device, or choose by "
            "backend= where to compute"
        )
    return next(iter(places), HOST)


def place(samples: Iterable[Any]) -> Place:
    """Where the first samples that are on a device are; the host where none are."""
    return next((found for found in map(place_of, samples) if found != HOST), HOST)


def place_of_columns(columns: Sequence[Column], weights: Any, backend: str | None) -> Place:
    """Where all columns and their weights are.

    ``backend`` moves them to where it works, and then it does not matter where they were.
    """
    if backend is not None:
        everywhere = [place_of(c.values) for c in columns] + [place_of(weights)]
        return next((p for p in everywhere if p.backend == backend), HOST)
    values = [c.values for c in columns]
    return same_place([*values, weights], [*(c.name for c in columns), "sample_weight"])


def weights(sample_weight: Any, n_samples: int) -> Any:
    """Weights of the samples as float64, or None."""
    if sample_weight is None:
        return None
    if not tables.is_series(sample_weight):
        sample_weight = array_of(sample_weight, "sample_weight")
    if np.shape(sample_weight) != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {np.shape(sample_weight)}; accepted is one weight for each "
            f"of the {n_samples} samples, shape ({n_samples},)"
        )
    found = column(sample_weight, "sample_weight")
    if found.categories is not None or found.values.dtype.kind not in "biuf":
        raise TypeError("sample_weight holds categories or text; accepted are real numbers")
    array = found.values.astype(np.float64)
    if found.missing is not None or not np.isfinite(array).all():
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


def require_total(weights: Any, name: str) -> None:
    """Raise where weights are so large, or so small, that c·log c leaves floating point."""
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if not LEAST_TOTAL <= total <= 1 / LEAST_TOTAL:
        raise ValueError(
            f"{name} sums to {total:g}; accepted are sums of {LEAST_TOTAL:g} to "
            f"{1 / LEAST_TOTAL:g}, since only the ratios of weights matter"
        )


# --- bins ---------------------------------------------------------------------------------------


def bin_rules(bins: Any, groups: Sequence[Columns]) -> tuple[list[Columns], list[Rule]]:
    """One rule for all columns of a variable, and the columns, as numbers where edges say so.

    ``bins`` is one specification for all, or a tuple or list of as many as there are variables.
    """
    several = isinstance(bins, (tuple, list)) and not _is_edges(bins, len(groups))
    if several and len(bins) != len(groups):
        raise ValueError(
            f"bins has {len(bins)} entries for {len(groups)} variables; pass one for each, or one "
            "for all"
        )
    specifications = list(bins) if several else [bins] * len(groups)
    rules: list[Rule] = []
    converted: list[Columns] = []
    for specification, group in zip(specifications, groups, strict=True):
        rule = _bin_rule(specification)
        if isinstance(rule, Given):
            group = _as_numbers(group)
        elif specification is not None:
            _require_floats(specification, [group] if several else groups)
        converted.append(group)
        rules.append(rule)
    return converted, rules


def _require_floats(specification: Any, groups: Sequence[Columns]) -> None:
    """Raise where a way of binning was asked for and there is nothing to bin."""
    columns = [column for group in groups for column in typical(group)]
    if not any(column.is_float for column in columns):
        raise ValueError(
            f"bins={specification!r} says how to bin floating-point samples, and "
            f"{columns[0].name} {columns[0].kind}, whose values are categories as they are: pass "
            "x.astype(float) to bin them, edges, or bins=None"
        )


def _as_numbers(columns: Columns) -> Columns:
    numbers = [_as_number(column) for column in typical(columns)]
    if isinstance(columns, ArrayColumns):
        is_float = columns.rows.dtype.kind == "f"
        rows = columns.rows if is_float else columns.rows.astype(np.float64)
        return ArrayColumns(columns.name, rows, columns.first, columns.names)
    if isinstance(columns, SparseColumns):
        is_float = columns.matrix.dtype.kind == "f"
        return columns if is_float else columns.astype(np.float64)
    return numbers


def _as_number(column: Column) -> Column:
    if column.is_float:
        return column
    if column.categories is not None or column.values.dtype.kind not in "iu":
        raise ValueError(
            f"bins gives edges, and {column.name} holds categories that are no numbers; pass None "
            "for it: bins=(edges, None)"
        )
    values = column.values.astype(np.float64)
    if column.missing is not None:
        values[column.missing] = np.nan
    return Column(column.name, values)


def _is_edges(bins: Any, n_variables: int) -> bool:
    """Whether a sequence is edges, as `numpy.histogram2d` tells them from one count a variable."""
    if isinstance(bins, np.ndarray):
        return bool(bins.dtype.kind != "O")
    is_numeric = all(_is_number(b) for b in bins)
    is_counts = all(_is_integer(b) for b in bins) and len(bins) == n_variables > 1
    return is_numeric and len(bins) > 1 and not is_counts


def gives_edges(bins: Any) -> bool:
    """Whether ``bins`` fixes the bins of one variable without a look at its samples."""
    return isinstance(bins, (np.ndarray, tuple, list)) and _is_edges(bins, 1)


def named_rule(bins: str) -> Rule | None:
    """The rule that a word stands for; None where it stands for none."""
    name, colon, count = bins.partition(":")
    if name in ("uniform", "quantile") and (not colon or count.isdecimal()):
        n_bins = _n_bins(int(count)) if colon else None
        return Uniform(n_bins) if name == "uniform" else Quantile(n_bins)
    return NumpyRule(bins) if bins in NUMPY_RULES else None


def _bin_rule(bins: Any) -> Rule:
    if bins is None:
        return Quantile()
    if _is_integer(bins):
        return Uniform(_n_bins(int(bins)))
    rule = named_rule(bins) if isinstance(bins, str) else None
    if rule is not None:
        return rule
    if isinstance(bins, (np.ndarray, tuple, list)):
        return Given(_edges(bins))
    raise ValueError(
        f"bins={bins!r}; accepted are None (equal frequencies, ⌈n^(1/3)⌉ bins), a number of "
        'equal-width bins, "uniform", "quantile", "uniform:32", "quantile:32", increasing edges, '
        f"or a rule of NumPy ({', '.join(NUMPY_RULES)})"
    )


def _n_bins(count: int) -> int:
    if not 1 <= count < MOST_BINS:
        raise ValueError(f"bins={count!r}; a number of bins is at least 1 and below 2³¹")
    return count


def _edges(bins: Any) -> Any:
    edges = np.asarray(bins)
    if edges.ndim != 1 or edges.size < 2 or edges.dtype.kind not in "iuf":
        raise ValueError(
            f"bins is an array of shape {edges.shape} and dtype {edges.dtype}; edges are at least "
            "two real numbers in one dimension"
        )
    edges = edges.astype(np.float64)
    # As in NumPy, the last bin may hold its two edges alone: the largest value by itself.
    if not ((edges[1:-1] > edges[:-2]).all() and edges[-1] >= edges[-2]):
        raise ValueError("bins gives edges that do not increase, or NaN among them")
    return edges


# --- options of every measure -------------------------------------------------------------------


class Options:
    """The keyword arguments that all measures share, checked."""

    def __init__(
        self,
        bins: Any,
        base: Any,
        estimator_name: Any,
        policy: Any,
        sample_weight: Any,
        backend: str | None,
        jobs: Any,
    ) -> None:
        self.bins = bins
        self.unit = log_base(base)
        """Nats to one unit of the result."""
        self.estimator = estimator(estimator_name)
        self.nan_policy = nan_policy(policy)
        self.sample_weight = sample_weight
        self.backend = backend
        self.n_jobs = n_jobs(jobs)

    def refuse_for_counts(self) -> None:
        """Raise where an option about samples came with counts, on which it has no influence."""
        for name, is_given in (
            ("bins", self.bins is not None),
            ("sample_weight", self.sample_weight is not None),
            ("nan_policy", self.nan_policy != "raise"),
        ):
            if is_given:
                raise ValueError(
                    f"{name} says how samples are counted, and JointCounts are counted already: "
                    f"pass it to JointCounts"
                )


# --- probabilities ------------------------------------------------------------------------------


def axes(axis: Any, count: int | None) -> tuple[int, ...]:
    """The axes of ``count`` variables; of any number for None."""
    found = tuple(axis) if isinstance(axis, Iterable) else (axis,)
    if len(found) != (count or max(len(found), 1)) or not all(map(_is_integer, found)):
        wanted = {None: "a sequence of integers", 1: "an integer"}.get(
            count, f"a tuple of {count} integers, one for each variable"
        )
        told = axis[0] if count == 1 else axis
        raise ValueError(f"axis={told!r}; accepted is {wanted}")
    return found


def probabilities(pk: Any, name: str, axis: Sequence[int]) -> Any:
    """Float64 probabilities whose last axes are the named ones, each distribution's sum 1."""
    array = array_of(pk, name)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}; accepted are real numbers")
    try:
        axes = np.lib.array_utils.normalize_axis_tuple(axis, array.ndim, argname="axis")
    except ValueError as error:
        raise ValueError(f"axis={tuple(axis)} for {name} of shape {array.shape}: {error}") from None
    p = np.moveaxis(array, axes, range(-len(axes), 0)).astype(np.float64)
    if not np.isfinite(p).all():
        raise ValueError(f"{name} holds NaN or infinite values; accepted are finite ones")
    if (p < 0).any():
        raise ValueError(f"{name} holds negative values (the least is {float(p.min()):g})")
    with np.errstate(over="ignore"):
        totals = p.sum(axis=tuple(range(-len(axes), 0)), keepdims=True)
    if not (np.isfinite(totals) & (totals > 0)).all():
        raise ValueError(
            f"{name} holds a distribution whose sum is 0, or above the largest float64, which has "
            "no probabilities"
        )
    return p / totals
