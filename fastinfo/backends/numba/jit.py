"""The only door to the compiler.

Kernels are serial and release the GIL; threads are `threads.py`'s affair. They are never compiled
with ``parallel=True``: Numba's workqueue layer aborts the process when two threads call at once,
and OpenMP does not survive a fork.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """Compile ``function`` on its first call and remember the machine code on disk.

    Where no folder for the machine code can be written (a read-only install and home), every
    process compiles anew: slower to start, the same afterwards.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    compiled: Any
    try:
        compiled = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "no locator available": Numba found nowhere to put the cache
        compiled = numba.njit(**options)(function)
    return cast(Function, compiled)


def cache_folder() -> str | None:
    """Where the machine code is remembered, None where it is not."""
    stats = getattr(jit(_nothing), "stats", None)  # a plain function under NUMBA_DISABLE_JIT
    return None if stats is None else stats.cache_path


def _nothing() -> None:
    """Stands for every kernel."""
