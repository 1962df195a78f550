"""Memory that was freed, given back to the system.

The allocator of glibc has a heap for each of up to 8 · cores threads, and keeps up to 64 MB of
freed memory at the end of each once a large array has been freed [1]_. After some passes over a
wide table that was as much as the counts of a pass.

References
----------
.. [1] mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD; malloc_trim(3).
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any


@cache
def _trim() -> Any:
    """`malloc_trim` of glibc; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # another C library
        return None


def give_back() -> bool:
    """Give freed memory back to the system, in some milliseconds; whether any was given back."""
    trim = _trim()
    return trim is not None and bool(trim(0))
