"""The only door to the compiler.

Kernels are serial and release the GIL; threads are the affair of whoever calls them. They are never
compiled with ``parallel=True``: Numba's workqueue layer aborts the process when two threads call at
once, and OpenMP does not survive a fork.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core.event import install_timer

Function = TypeVar("Function", bound=Callable[..., Any])


VERSION: str = numba.__version__

u64: Any = np.uint64
"""Kernels index with unsigned integers: Numba tests signed ones for wrapping around."""
i64: Any = np.int64
# Both are anything to a type checker, for in compiled code they mix with plain integers.


def jit(function: Function) -> Function:
    """Compile ``function`` on its first call and remember the machine code on disk.

    Where no folder for the machine code can be written (a read-only install and home), every
    process compiles anew: slower to start, the same afterwards.
    """
    return _compile(function)


def jit_inline(function: Function) -> Function:
    """As `jit`, for a small function that must dissolve in its caller, such as one on vectors."""
    return _compile(function, forceinline=True)


def _compile(function: Function, **more: Any) -> Function:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", **more}
    compiled: Any
    try:
        compiled = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "no locator available": Numba found nowhere to put the cache
        compiled = numba.njit(**options)(function)
    return cast(Function, compiled)


@contextmanager
def compile_time() -> Iterator[Callable[[], float]]:
    """A function that tells how many seconds of what has run within went to compiling."""
    with install_timer("numba:compile", lambda _: None) as timer:
        yield lambda: timer.duration if timer.done else 0.0


def cache_folder() -> str | None:
    """Where the machine code is remembered, None where it is not."""
    stats = getattr(jit(_nothing), "stats", None)  # a plain function under NUMBA_DISABLE_JIT
    return None if stats is None else stats.cache_path


def _nothing() -> None:
    """Stands for every kernel."""
