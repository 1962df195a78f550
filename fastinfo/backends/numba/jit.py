"""The compilation of kernels: every kernel is compiled here.

Kernels are serial and release the GIL; their callers run them on threads. They are never compiled
with ``parallel=True``: Numba's workqueue layer aborts the process when two threads call at once,
and OpenMP does not survive a fork.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import IndexDataCacheFile
from numba.core.event import install_timer

Function = TypeVar("Function", bound=Callable[..., Any])


VERSION: str = numba.__version__

u64: Any = np.uint64
"""Kernels index with unsigned integers: Numba tests signed indices for negative values, which count
from the end."""
i64: Any = np.int64
# Both are Any to a type checker, because compiled code mixes them with plain integers.


def jit(function: Function) -> Function:
    """The function, compiled on its first call; the machine code is kept on disk.

    Where no folder for the machine code can be written (a read-only install and home), every
    process compiles again. It starts more slowly and is as fast afterwards.
    """
    return _compile(function)


def jit_inline(function: Function) -> Function:
    """As `jit`, for a small function that must be inlined into its caller, as those on vectors."""
    return _compile(function, forceinline=True)


def _compile(function: Function, **more: Any) -> Function:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", **more}
    compiled: Any
    try:
        compiled = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "no locator available": Numba found no folder for the cache
        compiled = numba.njit(**options)(function)
    file = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if type(file) is IndexDataCacheFile:
        file.__class__ = _CacheFile
        file._source_stamp = file._source_stamp, _sources()
    return cast(Function, compiled)


class _CacheFile(IndexDataCacheFile):
    """The index of a kernel's machine code, which stays correct when fastinfo is upgraded.

    Numba checks only the source file of the kernel itself, not the files of its types, its
    constants and the functions that it calls. So Numba would load machine code of another version,
    and an index that names a type which no longer exists would fail the first call.
    """

    def _load_index(self) -> Any:
        try:
            return super()._load_index()  # type: ignore[no-untyped-call]
        except (AttributeError, ImportError):  # the index names a type of another version
            return {}


@cache
def _sources() -> str:
    """A hash of the source files of this backend, and of those whose constants it compiles in."""
    digest = blake2b(digest_size=8)
    folder = Path(__file__).parent
    for path in sorted([*folder.rglob("*.py"), *folder.parent.glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextmanager
def compile_time() -> Iterator[Callable[[], float]]:
    """A function that returns the seconds of the block that were spent on compiling."""
    with install_timer("numba:compile", lambda _: None) as timer:
        yield lambda: timer.duration if timer.done else 0.0


def cache_folder() -> str | None:
    """The folder that keeps the machine code; None where it is not kept."""
    stats = getattr(jit(_nothing), "stats", None)  # a plain function under NUMBA_DISABLE_JIT
    return None if stats is None else stats.cache_path


def _nothing() -> None:
    """A function whose cache is where the caches of the kernels are."""
