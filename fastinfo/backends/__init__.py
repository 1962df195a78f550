"""Which kernels do the work: by explicit name, by ``FASTINFO_BACKEND``, or by the type of array."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

from fastinfo.backends.contract import Home, Kernels
from fastinfo.backends.home import HOST, home_of

REGISTRY = {
    "numba": "fastinfo.backends.numba:NumbaKernels",
    "numpy": "fastinfo.backends.numpy:NumpyKernels",
    "cupy": "fastinfo.backends.cupy:CupyKernels",
}
"""Where each backend's class is; imported when it is first chosen. The first one is the default for
data on the host."""


FEW_CELLS = 1 << 16
"""Cells of a table that the host adds up while a device would be asked to."""

_ON_HOST: dict[str, Kernels] = {}
"""Kernels of the host, by where their class is: they keep nothing, so that one of each is enough.
What cannot be used is asked anew each time."""


class Backend(NamedTuple):
    """What `backends` tells about one backend."""

    name: str
    usable: bool
    detail: str
    """What it runs on, or why it cannot be used and what would help."""


def backends() -> list[Backend]:
    """Tell which backends can be used here, and why another cannot.

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
    """The class of a backend: called without arguments, its kernels at the home that is current.

    Raises
    ------
    ImportError
        Where its library is missing or broken, with the line that installs it, or where there is no
        device that it can use, with the reason.
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
    """Kernels of the named backend, else those that work where the data is.

    For data on the host these are those of ``FASTINFO_BACKEND``, else the default.

    Raises
    ------
    ValueError
        For a name that is no backend's.
    ImportError
        For a backend whose library is missing, or that has no device to work on.
    """
    of_home = home.place.backend
    if of_home is not None and backend in (None, of_home):
        return _made(of_home, home)
    name = name_of(backend)
    found = _ON_HOST.get(REGISTRY[name])
    return _made(name) if found is None else found


def _made(name: str, *home: Home) -> Kernels:
    try:
        kernels = load(name)(*home)
    except ImportError as error:
        raise ImportError(f"backend {name!r} cannot be used: {error}") from error
    return _ON_HOST.setdefault(REGISTRY[name], kernels) if kernels.home.is_host else kernels


def reducing(kernels: Kernels, n_cells: int) -> Kernels:
    """Kernels for the sums over a table of the host: the host's, unless it is worth the way.

    Small launches and their way back take tenths of a millisecond, in which a device counts 10⁸
    samples.
    """
    if kernels.home.is_host or n_cells > FEW_CELLS:
        return kernels
    return _fastest_on_host()


def on_host() -> Kernels:
    """Kernels of the host, for work that is never worth the way to a device.

    Those of ``FASTINFO_BACKEND`` where they are the host's, else the fastest.
    """
    name = os.environ.get("FASTINFO_BACKEND")
    return reducing(choose(), 0) if name else _fastest_on_host()


def _fastest_on_host() -> Kernels:
    try:
        return choose("numba")
    except ImportError:  # on a machine for devices alone
        return choose("numpy")


def compile_time() -> AbstractContextManager[Callable[[], float]]:
    """A function that tells how many seconds of what has run within went to compiling kernels."""
    return _fastest_on_host().compile_time()


def name_of(backend: str | None) -> str:
    """The name of the backend for data on the host.

    Raises
    ------
    ValueError
        For a name that is no backend's.
    """
    source, name = "backend", backend
    if name is None:
        source, name = "FASTINFO_BACKEND in the environment", os.environ.get("FASTINFO_BACKEND")
    name = name or next(iter(REGISTRY))
    if not isinstance(name, str) or name not in REGISTRY:
        raise ValueError(f"{source} is {name!r}; accepted are {', '.join(map(repr, REGISTRY))}")
    return name


def on_device_of(*arrays: Any) -> AbstractContextManager[Any]:
    """A context on the device of some arrays, of the first that is on one if they differ.

    That is on the stream, too, on which the library of the array works in this thread.
    """
    return next((home for home in map(home_of, arrays) if not home.is_host), HOST).current()


@contextmanager
def whole_in_memory(what: str, help_: str, kernels: Kernels) -> Iterator[None]:
    """Say how to go on where work that cannot be done range by range does not fit the memory."""
    try:
        yield
    except MemoryError as error:
        if not kernels.home.is_host:
            help_ += ', or backend="numba", which has the memory of the host'
        raise MemoryError(f"{what} takes more memory at once than is free: {help_}") from error


def threads(kernels: Kernels, n_jobs: int) -> int:
    """How many of ``n_jobs`` threads are to call kernels at a time."""
    return n_jobs if kernels.most_threads is None else min(n_jobs, kernels.most_threads)
