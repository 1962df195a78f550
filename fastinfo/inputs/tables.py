"""Tables → named columns: arrays, pandas, polars and Arrow objects.

A library is recognised by the types of its objects. It is never imported for that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.home import home_of
from fastinfo.data.columns import contiguous_rows

SMALL = 1 << 16


def library(data: Any) -> str:
    """The package of the type of ``data``, or of the DataFrame class that the type derives from."""
    kind: Any = type(data)
    return _library_of(kind)


@lru_cache(maxsize=256)
def _library_of(kind: type) -> str:
    packages = [base.__module__.partition(".")[0] for base in kind.__mro__]
    return next((package for package in packages if package in FRAMES), packages[0])


FRAMES = {
    "pandas": ("DataFrame",),
    "polars": ("DataFrame",),
    "pyarrow": ("Table", "RecordBatch"),
}
UNREAD = {"polars": ("LazyFrame", "collect"), "pyarrow": ("Dataset", "to_table")}
"""Types of tables that are not in memory, and the method that loads them."""


def _is_one_of(data: Any, names: Sequence[str]) -> bool:
    """Whether the class of an object, or a class that it derives from, has one of the names."""
    bases = {base.__name__ for base in type(data).__mro__ if base.__module__ != "builtins"}
    return not bases.isdisjoint(names)


def is_frame(data: Any) -> bool:
    """Whether ``data`` is a table of a DataFrame library."""
    return _is_one_of(data, FRAMES.get(library(data), ()))


def is_series(data: Any) -> bool:
    """Whether ``data`` is a column of a DataFrame library."""
    return library(data) in FRAMES and not is_frame(data) and not _is_stream(data)


def is_categorical(data: Any) -> bool:
    """Whether ``data`` is a column whose type is categorical, an Enum, or a dictionary of Arrow."""
    kind = str(getattr(data, "dtype", getattr(data, "type", None))).lower()
    return kind.startswith(("category", "categorical", "enum", "dictionary"))


def is_table(data: Any) -> bool:
    """Whether ``data`` has named columns: a DataFrame, a dict of columns, or a list of Series."""
    if is_frame(data) or _is_stream(data) or isinstance(data, dict):
        return True
    is_list = isinstance(data, (list, tuple)) and len(data) > 0
    return is_list and all(is_series(column) and hasattr(column, "__len__") for column in data)


def name_of(samples: Any) -> str | None:
    """The name of a column of a DataFrame library; None where it has none."""
    name = getattr(samples, "name", None) if is_series(samples) else None
    return None if name is None or name == "" else str(name)


def has_names(data: Any) -> bool:
    """Whether the columns of ``data`` have names."""
    return is_table(data) or is_annotated(data)


def is_annotated(data: Any) -> bool:
    """Whether ``data`` is an AnnData: a matrix X with names of its columns."""
    return all(hasattr(data, name) for name in ("X", "var_names", "obs_names"))


def is_sparse(data: Any) -> bool:
    """Whether ``data`` is a sparse matrix or array of scipy."""
    bases = (base.__module__.partition(".")[0] for base in type(data).__mro__)
    return hasattr(data, "tocsc") and "scipy" in bases


def matrix_of(annotated: Any) -> Any:
    """The matrix X of an AnnData, loaded into memory."""
    matrix = annotated.X
    return matrix.to_memory() if hasattr(matrix, "to_memory") else matrix


class Annotated(NamedTuple):
    """An AnnData in which one layer replaces X."""

    X: Any
    var_names: Any
    obs_names: Any


def with_layer(data: Any, layer: str | None) -> Any:
    """The AnnData ``data`` with a layer in place of X; ``data`` itself where ``layer`` is None.

    Raises
    ------
    ValueError
        Where ``data`` is no AnnData, or has no such layer.
    """
    if layer is None:
        return data
    if not is_annotated(data) or layer not in getattr(data, "layers", {}):
        has = (
            f"an AnnData with the layers {sorted(data.layers)}"
            if is_annotated(data)
            else (f"{type(data).__name__}, and layer= names a matrix of an AnnData")
        )
        raise ValueError(f"layer={layer!r}: the table is {has}")
    return Annotated(data.layers[layer], data.var_names, data.obs_names)


def with_layers(X: Any, Y: Any, layer: str | None) -> tuple[Any, Any]:
    """X with the layer in place of its matrix, and Y too where Y is an AnnData."""
    return with_layer(X, layer), with_layer(Y, layer) if is_annotated(Y) else Y


def _is_stream(data: Any) -> bool:
    return library(data) == "pyarrow" and _is_one_of(data, ("RecordBatchReader",))


def require_read(data: Any, name: str) -> None:
    """Raise for a table that is not in memory: a lazy frame, or a dataset in files.

    Raises
    ------
    TypeError
        The message names the method that reads the table.
    """
    kind, method = UNREAD.get(library(data), ("", ""))
    if _is_one_of(data, (kind,)):
        raise TypeError(
            f"{name} is a {library(data)} {kind}, which is not in memory: pass "
            f"{name}.{method}(), of the columns that are wanted, or to functions of tables "
            f"fastinfo.scan({name})"
        )


def columns(table: Any, name: str) -> tuple[list[str], list[Any]]:
    """The names and the columns of a table, or of a two-dimensional array-like.

    The name of an array's column is its position: ``X[:, 3]``. Several columns of a pandas table
    may have one name: the second ``a`` becomes ``a.1``.

    Raises
    ------
    TypeError
        For a dict of anything but columns.
    ValueError
        For an array that is not two-dimensional.
    """
    if is_table(table):
        names = [str(label) for label in labels(table)]
        if isinstance(table, dict):
            for key, column in table.items():
                if isinstance(column, (str, bytes, dict)) or not isinstance(column, Iterable):
                    raise TypeError(
                        f"{name} is a dict, and {key!r} in it is {type(column).__name__}; accepted "
                        "is a dict from names to columns of samples"
                    )
            return names, list(table.values())
        if isinstance(table, (list, tuple)):
            unnamed = [getattr(column, "name", None) is None for column in table]
            pairs = enumerate(zip(names, unnamed, strict=True))
            return [f"{name}[{i}]" if no_name else own for i, (own, no_name) in pairs], list(table)
        if library(table) == "pandas":
            return names, [table.iloc[:, position] for position in range(len(names))]
        if _is_stream(table):
            table = table.read_all()
        return names, list(table.get_columns() if library(table) == "polars" else table.columns)
    array = table if hasattr(table, "ndim") else np.asarray(table)
    require_two_dimensions(array.shape, name)
    if not np.ma.isMaskedArray(array):
        array = by_column(array)
    return (
        [f"{name}[:, {position}]" for position in range(array.shape[1])],
        [array[:, position] for position in range(array.shape[1])],
    )


def require_two_dimensions(shape: Sequence[int], name: str) -> None:
    """Raise unless a shape has two dimensions.

    Raises
    ------
    ValueError
        The message shows the shape.
    """
    if len(shape) != 2:
        raise ValueError(
            f"{name} has {len(shape)} dimension{'s' * (len(shape) != 1)}, shape {tuple(shape)}; a "
            "table is two-dimensional, samples by features; for one feature pass x.reshape(-1, 1)"
        )


def by_column(array: Any) -> Any:
    """The same array with contiguous columns; a small one, or one of objects, as it is."""
    if array.flags.f_contiguous or array.dtype.kind == "O" or array.size < SMALL:
        return array
    return contiguous_rows(array.T).T if home_of(array).is_host else array.T.copy().T


def labels(table: Any) -> Sequence[Any]:
    """The names of a table's features, made unique, or their positions where they have no names."""
    if is_annotated(table):
        return _made_unique(list(table.var_names))
    if not is_table(table):
        return range(np.shape(table)[1])
    if isinstance(table, dict):
        return list(table)
    if isinstance(table, (list, tuple)):
        names = [getattr(column, "name", None) for column in table]
        return _made_unique([i if name is None else name for i, name in enumerate(names)])
    is_arrow = library(table) == "pyarrow"
    return _made_unique(list(table.schema.names if is_arrow else table.columns))


def plain_labels(samples: Any) -> list[str | int] | None:
    """The names of a table's columns as strings or integers; None where they have no names."""
    if not has_names(samples):
        return None
    return [label if isinstance(label, (str, int)) else str(label) for label in labels(samples)]


def positions_by_name(
    wanted: Sequence[Any], found: Sequence[Any], what: tuple[str, str]
) -> list[int]:
    """The position of each wanted column among the columns found.

    Raises
    ------
    ValueError
        Where the two sets of names differ. The message lists the names that only one side has.
    """
    if set(wanted) != set(found):
        sides = ((wanted, found), (found, wanted))
        alone = [[repr(n) for n in ours if n not in theirs] for ours, theirs in sides]
        differences = ", ".join(
            f"{name} alone has {', '.join(names) or 'none'}"
            for name, names in zip(what, alone, strict=True)
        )
        raise ValueError(
            f"columns of {what[0]} and {what[1]} are matched by name, and {differences}: "
            "pass tables with the same columns, or arrays to take them in the order that they have"
        )
    return [found.index(name) for name in wanted]


def _made_unique(names: list[Any]) -> list[Any]:
    """The names with repeats renamed: the second ``a`` becomes ``a.1``, as in `pandas.read_csv`."""
    given_names = set(names)
    if len(given_names) == len(names):
        return names
    unique_names: list[Any] = []
    seen: set[Any] = set()
    for name in names:
        unique, number = name, 0
        while unique in seen or (number and unique in given_names):
            number += 1
            unique = f"{name}.{number}"
        seen.add(unique)
        unique_names.append(unique)
    return unique_names


def like(result: Any, data: Any) -> Any:
    """A result as an array of the library, and in the place, of the data that it comes from."""
    is_torch = library(data) == "torch"
    home = home_of(data)
    if home.is_host:
        return sys.modules["torch"].from_numpy(result) if is_torch else result
    with home.current():
        result = home.bring(result)
        return sys.modules["torch"].from_dlpack(result) if is_torch else result


def labelled(
    matrix: np.ndarray[Any, Any], like_: Any, rows: Sequence[Any], columns: Sequence[Any]
) -> Any:
    """A matrix as a table of the library of ``like_``, with names of its rows and columns.

    pandas holds both. polars and Arrow have no names of rows, so their tables get a first column
    ``column`` with these names.
    """
    if library(like_) == "pandas":
        return sys.modules["pandas"].DataFrame(matrix, index=list(rows), columns=list(columns))
    first = "column"
    while first in columns:
        first = f"_{first}"
    named: dict[str, Any] = {first: [str(row) for row in rows]}
    named |= {str(name): matrix[:, position] for position, name in enumerate(columns)}
    module = sys.modules[library(like_)]
    return module.table(named) if library(like_) == "pyarrow" else module.DataFrame(named)


def on_device(data: Any) -> Any:
    """Samples on a device as an array of the device's own library, which shares their memory.

    Raises
    ------
    ImportError
        For a torch tensor where CuPy does not work.
    """
    home = home_of(data)
    if isinstance(data, home.xp.ndarray):
        return data
    with home.current():
        return home.xp.from_dlpack(data.detach())
