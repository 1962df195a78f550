"""Collections of Dask among the arguments: recognised by their types, and handed to its door.

Dask is imported by nobody but `fastinfo.dask`, which is imported when a collection comes.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastinfo.inputs import tables

DOOR = "fastinfo.dask"

PACKAGES = ("dask", "dask_expr")
"""The packages of the types of its collections."""


def is_lazy(data: Any) -> bool:
    """Whether data is a Dask collection, an xarray object that Dask stands behind, or a dict that
    has one among its columns.
    """
    if type(data) is np.ndarray:  # the most common case goes first
        return False
    library = tables.library(data)
    if library in PACKAGES:
        return hasattr(data, "__dask_graph__") and not callable(data)
    if library == "xarray":
        return hasattr(data, "__dask_graph__") and data.__dask_graph__() is not None
    return isinstance(data, Mapping) and any(is_lazy(one) for one in data.values())


def any_is_lazy(*given: Any) -> bool:
    """Whether any of some arguments is a collection."""
    return any(is_lazy(one) for one in given)


def door(module: str) -> Any:
    """A module of the door."""
    return importlib.import_module(f"{DOOR}.{module}")


def scans(*given: tuple[str, Any]) -> Sequence[Any]:
    """Arguments, with their names, in which scans stand for collections."""
    if not any_is_lazy(*(one for _, one in given)):
        return [one for _, one in given]
    found: Sequence[Any] = door("collections").scans_of(given)
    return found


def labelled_like(data: Any) -> Any:
    """An empty table of the library whose tables a result is to be like, or the data itself."""
    if not is_lazy(data) or tables.library(data) not in PACKAGES:
        return data
    return getattr(data, "_meta", data)
