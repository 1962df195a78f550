"""Which kernels do the work: by explicit name, by ``FASTINFO_BACKEND``, or by the type of array."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any, NamedTuple, cast

from fastinfo.backends.contract import HostOnly, Kernels

REGISTRY = {
    "numba": "fastinfo.backends.numba:NumbaKernels",
    "numpy": "fastinfo.backends.numpy:NumpyKernels",
    "cupy": "fastinfo.backends.cupy:CupyKernels",
}
"""Where each backend's class is; imported when it is first chosen. The first one is the default for
data on the host."""


FEW_CELLS = 1 << 16
"""Cells of a table that the host adds up while a device would be asked to."""


class Place(NamedTuple):
    """Where an array is: on the host, or on a device and with the backend that works there."""

    backend: str | None = None
    device: int | None = None

    def __str__(self) -> str:
        return "the host" if self.backend is None else f"CUDA device {self.device}"


HOST = Place()


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
    """The class of a backend.

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


def choose(backend: str | None = None, place: Place = HOST) -> Kernels:
    """Kernels of the named backend, else those that work where the data is.

    For data on the host these are those of ``FASTINFO_BACKEND``, else the default.

    Raises
    ------
    ValueError
        For a name that is no backend's.
    ImportError
        For a backend whose library is missing, or that has no device to work on.
    """
    at_place = place.backend is not None and backend in (None, place.backend)
    name = str(place.backend) if at_place else name_of(backend)
    try:
        return load(name)(place.device) if at_place else load(name)()  # type: ignore[call-arg]
    except ImportError as error:
        raise ImportError(f"backend {name!r} cannot be used: {error}") from error


def reducing(kernels: Kernels, n_cells: int) -> Kernels:
    """Kernels for the sums over a table of the host: the host's, unless it is worth the way.

    Small launches and their way back take tenths of a millisecond, in which a device counts 10⁸
    samples.
    """
    if kernels.xp.__name__ == "numpy" or n_cells > FEW_CELLS:
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
        return load("numba")()
    except ImportError:  # on a machine for devices alone
        return load("numpy")()


def compile_time() -> AbstractContextManager[Callable[[], float]]:
    """A function that tells how many seconds of what has run within went to compiling kernels."""
    return cast(HostOnly, _fastest_on_host()).compile_time()


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


@cache
def _device_of(kind: Hashable) -> Callable[[Any], int | None] | None:
    """How to ask arrays of a type for their device; remembered by type, no library is imported."""
    library = str(getattr(kind, "__module__", "")).partition(".")[0]
    if library == "cupy":
        return lambda array: int(array.device.id)
    if library == "torch":
        return lambda array: int(array.device.index) if array.device.type == "cuda" else None
    return None


def place_of(array: Any) -> Place:
    """Where an array, or anything else that holds samples, is."""
    kind: Any = type(array)
    ask = _device_of(kind)
    device = None if ask is None else ask(array)
    return HOST if device is None else Place("cupy", device)


def place_of_kernels(kernels: Kernels) -> Place:
    """Where kernels have their arrays."""
    with kernels.current():
        return place_of(kernels.xp.zeros(1))


def on_device_of(*arrays: Any) -> AbstractContextManager[Any]:
    """A context on the device of some arrays, of the first that is on one if they differ.

    That is on the stream, too, on which the library of the array works in this thread.
    """
    array = next((found for found in arrays if place_of(found) != HOST), None)
    return nullcontext() if array is None else kernels_of(array).current()


def kernels_of(array: Any) -> Any:
    """Kernels where an array is, which come after all that its library has begun."""
    kernels: Any = choose(place=place_of(array))
    if type(array).__module__.partition(".")[0] != "torch" or place_of(array) == HOST:
        return kernels  # CuPy's stream, or none
    stream = sys.modules["torch"].cuda.current_stream(array.device)
    return kernels.on_stream(int(stream.cuda_stream))


def bring(array: Any, kernels: Kernels) -> Any:
    """An array from wherever it is to where kernels work."""
    return kernels.bring(_reachable(array, kernels))


def bring_or_stream(array: Any, kernels: Kernels) -> Any:
    """As `bring`, unless the kernels leave the array on the host and take it range by range."""
    return kernels.bring_or_stream(_reachable(array, kernels))


def _reachable(array: Any, kernels: Kernels) -> Any:
    is_far = place_of(array) != HOST and kernels.xp.__name__ == "numpy"
    return array.get() if is_far else array


@contextmanager
def whole_in_memory(what: str, help_: str, kernels: Kernels) -> Iterator[None]:
    """Say how to go on where work that cannot be done range by range does not fit the memory."""
    try:
        yield
    except MemoryError as error:
        if kernels.xp.__name__ != "numpy":
            help_ += ', or backend="numba", which has the memory of the host'
        raise MemoryError(f"{what} takes more memory at once than is free: {help_}") from error


def threads(kernels: Kernels, n_jobs: int) -> int:
    """How many of ``n_jobs`` threads are to call kernels at a time."""
    return n_jobs if kernels.most_threads is None else min(n_jobs, kernels.most_threads)
