"""The choice of kernels: by name, by ``FASTINFO_BACKEND``, or by the type of the arrays."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

from fastinfo.backends.contract import Home, Kernels
from fastinfo.backends.home import HERE, HOST, home_of

REGISTRY = {
    "numba": "fastinfo.backends.numba:NumbaKernels",
    "numpy": "fastinfo.backends.numpy:NumpyKernels",
    "cupy": "fastinfo.backends.cupy:CupyKernels",
}
"""Module and class of each backend, imported when it is first chosen. The first one is the default
for data on the host."""


FEW_CELLS = 1 << 16
"""The most cells of a table that the host sums faster than it can ask a device to."""

_ON_HOST: dict[str, Kernels] = {}
"""Kernels of the host by module and class. They keep no state, so that one object of each class is
enough. A backend that cannot be used is not kept here: the next call tries it again."""


class Backend(NamedTuple):
    """What `backends` reports of one backend."""

    name: str
    usable: bool
    detail: str
    """What the backend runs on, or why it cannot be used and what would help."""


def backends() -> list[Backend]:
    """Report which backends can be used on this machine, and why others cannot.

    Returns
    -------
    list of Backend
        ``name``, ``usable`` and ``detail`` of each backend; the first usable one is the default.

    Examples
    --------
    >>> import fastinfo
    >>> [backend.name for backend in fastinfo.backends()]
    ['numba', 'numpy', 'cupy']
    """
    found = []
    for name in REGISTRY:
        try:
            found.append(Backend(name, True, load(name).describe()))
        except ImportError as error:
            found.append(Backend(name, False, str(error)))
    return found


def load(name: str) -> type[Kernels]:
    """The class of a backend; called without arguments, it makes kernels at the current home.

    Raises
    ------
    ImportError
        If its library is missing or broken; the message has the line that installs it. Also if
        there is no device that it can use; the message has the reason.
    """
    module, _, attribute = REGISTRY[name].partition(":")
    help_ = f"; install it with `pip install {name}`"
    try:
        kernels: type[Kernels] = getattr(importlib.import_module(module), attribute)
        help_ = ""  # from here on the backend itself knows what would help
        kernels.describe()
    except ImportError as error:
        raise ImportError(f"{error}{help_}") from error
    return kernels


def choose(backend: str | None = None, home: Home = HOST) -> Kernels:
    """The kernels of the named backend; without a name, kernels that work where the data is.

    Without a name, data on the host gets the kernels of ``FASTINFO_BACKEND``, else the default.

    Raises
    ------
    ValueError
        If no backend has that name.
    ImportError
        If the library of the backend is missing, or it has no device to work on.
    """
    of_home = home.place.backend
    if of_home is not None and backend in (None, of_home):
        return _instance(of_home, home)
    name = name_of(backend)
    found = _ON_HOST.get(REGISTRY[name])
    return _instance(name) if found is None else found


def _instance(name: str, *home: Home) -> Kernels:
    try:
        kernels = load(name)(*home)
    except ImportError as error:
        raise ImportError(f"backend {name!r} cannot be used: {error}") from error
    return _ON_HOST.setdefault(REGISTRY[name], kernels) if kernels.home.is_host else kernels


def reducing(kernels: Kernels, n_cells: int) -> Kernels:
    """Kernels for the sums over a table on the host: a device's only for a large table.

    A small launch and the copy of its result take tenths of a millisecond, in which a device counts
    10⁸ samples.
    """
    if kernels.home.is_host or n_cells > FEW_CELLS:
        return kernels
    return _fastest_on_host()


def on_host() -> Kernels:
    """Kernels of the host, for work that is never worth a copy to a device.

    They are those of ``FASTINFO_BACKEND`` if that is a backend of the host, else the fastest.
    """
    name = os.environ.get("FASTINFO_BACKEND")
    return reducing(choose(), 0) if name else _fastest_on_host()


def _fastest_on_host() -> Kernels:
    try:
        return choose("numba")
    except ImportError:  # some machines have CuPy and no Numba
        return choose("numpy")


def compile_time() -> AbstractContextManager[Callable[[], float]]:
    """A context that gives a function: the seconds spent within on compiling kernels."""
    return _fastest_on_host().compile_time()


def name_of(backend: str | None) -> str:
    """The name of the backend for data on the host.

    Raises
    ------
    ValueError
        If no backend has that name.
    """
    source, name = "backend", backend
    if name is None:
        source, name = "FASTINFO_BACKEND in the environment", os.environ.get("FASTINFO_BACKEND")
    name = name or next(iter(REGISTRY))
    if not isinstance(name, str) or name not in REGISTRY:
        raise ValueError(f"{source} is {name!r}; accepted are {', '.join(map(repr, REGISTRY))}")
    return name


def on_device_of(*arrays: Any) -> AbstractContextManager[Any]:
    """A context on the device of the arrays; the first array on a device decides if they differ.

    The context also enters the stream on which the library of that array works in this thread.
    """
    for array in arrays:
        home = home_of(array)
        if home is not HOST:
            return home.current()
    return HERE


@contextmanager
def whole_in_memory(what: str, help_: str, kernels: Kernels) -> Iterator[None]:
    """Add to a MemoryError how to go on, for work that cannot be done range by range."""
    try:
        yield
    except MemoryError as error:
        if not kernels.home.is_host:
            help_ += ', or backend="numba", which has the memory of the host'
        raise MemoryError(f"{what} takes more memory at once than is free: {help_}") from error


def threads(kernels: Kernels, n_jobs: int) -> int:
    """How many of ``n_jobs`` threads may call kernels at a time."""
    return n_jobs if kernels.most_threads is None else min(n_jobs, kernels.most_threads)
