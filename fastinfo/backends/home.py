"""The home of an array: the host, or the home that a backend has for the arrays of a library."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import numpy as np

from fastinfo.backends.contract import Array, Home, Place

HOMES = {
    "cupy": "fastinfo.backends.cupy:CupyHome",
    "torch": "fastinfo.backends.cupy:CupyHome",
}
"""The class of homes for the arrays of each library. The key is the first part of the name of the
module that defines the array's type. The class is imported when the first such array comes; no
library is imported to look for one."""


class HostHome:
    """The host: its arrays are NumPy's and need no copies."""

    place = Place(None, "the host")
    is_host = True
    xp = np
    samples_at_once: int | None = None

    @classmethod
    def of(cls, array: Any) -> Home:
        """`HOST`, the only one."""
        return HOST

    def current(self) -> AbstractContextManager[Any]:
        """An empty context: any thread can use the host."""
        return HERE

    def bring(self, array: Any) -> Array:
        """The array itself, or a NumPy copy of an array on a device."""
        if type(array) is np.ndarray:
            return array
        home = home_of(array)
        return array if home.is_host else home.to_host(array)

    def for_samples(self, arrays: Sequence[Any]) -> Home:
        """The same home: the arrays are in its memory already."""
        return self

    bring_or_stream = bring

    def to_host(self, array: Any) -> Array:
        """The array itself."""
        return array

    def other_devices(self) -> Sequence[Home]:
        """An empty tuple: threads share the one processor."""
        return ()


HOST = HostHome()
HERE = nullcontext()


@cache
def _home_finder(kind: Any) -> Callable[[Any], Home] | None:
    """The function that returns the home of arrays of a type; None where it is always the host."""
    modules = [str(getattr(base, "__module__", "")) for base in kind.__mro__]
    libraries = [module.partition(".")[0] for module in modules]
    path = next((HOMES[library] for library in libraries if library in HOMES), None)
    if path is None:
        return None
    module, _, name = path.partition(":")
    finder: Callable[[Any], Home] = getattr(importlib.import_module(module), name).of
    return finder


def home_of(array: Any) -> Home:
    """The home of an array, or of any other object that holds samples.

    Raises
    ------
    ImportError
        If the array is on a device that no backend can work on; the message has the reason.
    """
    kind: Any = type(array)
    find = _home_finder(kind)
    return HOST if find is None else find(array)
