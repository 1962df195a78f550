"""Where arrays are: on the host, or at a home that a backend has for those of some libraries."""

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
"""The class of homes that is asked about the arrays of a library, by the first name of the module
that their type is from. It is imported when such an array comes; no library is imported to look."""


class HostHome:
    """The host: arrays are NumPy's, and come and go as they are."""

    place = Place(None, "the host")
    is_host = True
    xp = np
    samples_at_once: int | None = None

    @classmethod
    def of(cls, array: Any) -> Home:
        """There is one host."""
        return HOST

    def current(self) -> AbstractContextManager[Any]:
        """Every thread is there."""
        return HERE

    def bring(self, array: Any) -> Array:
        """Itself, unless it is on a device."""
        if type(array) is np.ndarray:
            return array
        home = home_of(array)
        return array if home.is_host else home.to_host(array)

    def for_samples(self, arrays: Sequence[Any]) -> Home:
        """Itself: what came is in its memory."""
        return self

    def bring_or_stream(self, array: Any) -> Array:
        """As `bring`."""
        return self.bring(array)

    def to_host(self, array: Any) -> Array:
        """Itself."""
        return array

    def other_devices(self) -> Sequence[Home]:
        """None: threads share this processor."""
        return ()


HOST = HostHome()
HERE = nullcontext()


@cache
def _owner(kind: Any) -> Callable[[Any], Home]:
    """Who is asked about arrays of a type, or of one that is derived from it."""
    modules = [str(getattr(base, "__module__", "")) for base in kind.__mro__]
    libraries = [module.partition(".")[0] for module in modules]
    path = next((HOMES[library] for library in libraries if library in HOMES), None)
    if path is None:
        return HostHome.of
    module, _, name = path.partition(":")
    of: Callable[[Any], Home] = getattr(importlib.import_module(module), name).of
    return of


def home_of(array: Any) -> Home:
    """Where an array, or anything else that holds samples, is.

    Raises
    ------
    ImportError
        For an array on a device that no backend can work on, with the reason.
    """
    kind: Any = type(array)
    return _owner(kind)(array)
