"""Which kernels do the work: by explicit name, by ``FASTINFO_BACKEND``, or by the type of array."""

from __future__ import annotations

import importlib
import os
from typing import NamedTuple

from fastinfo.backends.contract import Kernels

REGISTRY = {
    "numba": "fastinfo.backends.numba:NumbaKernels",
    "numpy": "fastinfo.backends.numpy:NumpyKernels",
}
"""Where each backend's class is; imported when it is first chosen. The first one is the default."""


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
    >>> [backend.name for backend in fastinfo.backends() if backend.usable]
    ['numba', 'numpy']
    """
    found = []
    for name in REGISTRY:
        try:
            load(name)
        except ImportError as error:
            found.append(Backend(name, False, str(error)))
        else:
            found.append(Backend(name, True, _describe(name)))
    return found


def _describe(name: str) -> str:
    library = importlib.import_module(name)
    detail = f"{name} {library.__version__}, "
    return detail + (f"{usable_cores()} cores" if name == "numba" else "one thread, the reference")


def load(name: str) -> type[Kernels]:
    """The class of a backend.

    Raises
    ------
    ImportError
        Where its library is missing or broken, with the line that installs it.
    """
    module, _, attribute = REGISTRY[name].partition(":")
    try:
        kernels: type[Kernels] = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise ImportError(
            f"backend {name!r} cannot be used: {error}; install it with `pip install {name}`"
        ) from error
    return kernels


def choose(backend: str | None = None) -> Kernels:
    """Kernels of the named backend, else of ``FASTINFO_BACKEND``, else of the default.

    Raises
    ------
    ValueError
        For a name that is no backend's.
    ImportError
        For a backend whose library is missing.
    """
    source, name = "backend", backend
    if name is None:
        source, name = "FASTINFO_BACKEND in the environment", os.environ.get("FASTINFO_BACKEND")
    name = name or next(iter(REGISTRY))
    if not isinstance(name, str) or name not in REGISTRY:
        raise ValueError(f"{source} is {name!r}; accepted are {', '.join(map(repr, REGISTRY))}")
    return load(name)()


def usable_cores() -> int:
    """Cores that this process may run on, which a container may have made fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
