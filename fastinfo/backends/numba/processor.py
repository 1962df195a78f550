"""What kernels must know of the processor that they run on. No result depends on it."""

from __future__ import annotations

import os
from functools import cache

import llvmlite.binding

UNKNOWN_CACHE = 1 << 19
"""Bytes of the second-level cache where the system does not tell: no common one is smaller."""


@cache
def second_level_cache() -> int:
    """Bytes of the second-level cache of a core."""
    try:
        found = os.sysconf("SC_LEVEL2_CACHE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows; macOS and musl
        found = 0
    return found if found > 0 else UNKNOWN_CACHE


@cache
def has_vector_popcount() -> bool:
    """Whether one instruction counts the bits of each word of a vector of 512 bits."""
    return bool(llvmlite.binding.get_host_cpu_features().get("avx512vpopcntdq", False))
