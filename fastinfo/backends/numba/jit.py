"""The only door to the compiler.

Kernels are serial and release the GIL; threads are the affair of whoever calls them. They are never
compiled with ``parallel=True``: Numba's workqueue layer aborts the process when two threads call at
once, and OpenMP does not survive a fork.
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
    file = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if type(file) is IndexDataCacheFile:
        file.__class__ = _CacheFile
        file._source_stamp = file._source_stamp, _sources()
    return cast(Function, compiled)


class _CacheFile(IndexDataCacheFile):
    """The file of a kernel's machine code, after an upgrade of fastinfo too.

    Numba looks at the file that a kernel is in, and not at those that its types, its constants and
    what it calls come from: machine code of another version would be taken for its own, and an
    index that names a type which is gone would end the first call.
    """

    def _load_index(self) -> Any:
        try:
            return super()._load_index()  # type: ignore[no-untyped-call]
        except (AttributeError, ImportError):  # a type of another version
            return {}


@cache
def _sources() -> str:
    """A hash of all sources that machine code is made of."""
    digest = blake2b(digest_size=8)
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


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
