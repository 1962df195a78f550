"""The memory and the cores that this process may use, which a container may limit.

Containers limit by control groups [1]_, version 2 or 1. The groups form a tree, and the limits of
all groups above a group hold for it too. ``root`` is the folder where the files of the system
begin. A file that cannot be read limits nothing.

References
----------
.. [1] T. Heo, "Control Group v2", Linux kernel documentation, admin-guide/cgroup-v2; for version 1
   admin-guide/cgroup-v1/memory and scheduler/sched-bwc.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

ROOT = Path("/")

UNLIMITED = 1 << 62
"""Bytes of memory where neither the system nor a limit gives a number."""


def free_memory(root: Path = ROOT) -> int:
    """Bytes that this process can take without swapping and within its limits.

    That is the least of what the system has available, what each control group has left, and what
    the limit of the address space (``ulimit -v``) leaves; 2⁶² where none of them is known.
    """
    return min(_available(root), *_left_in_groups(root), _left_of_address_space(root), UNLIMITED)


def usable_cores(root: Path = ROOT) -> int:
    """Number of cores that this process may keep busy: those it may run on, or a smaller quota.

    A quota is rounded up, and is read once in a process.
    """
    if hasattr(os, "sched_getaffinity"):
        n_cores = len(os.sched_getaffinity(0))
    else:
        n_cores = os.cpu_count() or 1
    quota = _quota(root)
    return n_cores if quota is None else min(n_cores, quota)


def _available(root: Path) -> int:
    for line in _read(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            kibibytes = _number(line.split()[1])
            return UNLIMITED if kibibytes is None else kibibytes * 1024
    return UNLIMITED


def _left_of_address_space(root: Path) -> int:
    if sys.platform == "win32":
        return UNLIMITED
    import resource  # not on Windows

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return UNLIMITED
    pages = _number((_read(root / "proc/self/statm").split() or ["0"])[0])
    return max(int(limit) - (pages or 0) * resource.getpagesize(), 0)


def _left_in_groups(root: Path) -> Iterator[int]:
    """Bytes left in each control group of the process that limits its memory.

    A group counts files that were read and are no longer in use as taken. They are subtracted,
    because the system frees them on demand.
    """
    for folder, limits, uses, inactive in _memory_files(root):
        limit = _number(_read(folder / limits))
        if limit is not None and limit < UNLIMITED:
            used = _number(_read(folder / uses)) or 0
            lines = _read(folder / "memory.stat").splitlines()
            statistics = dict(line.split(" ", 1) for line in lines if " " in line)
            used -= _number(statistics.get(inactive, "0")) or 0
            yield max(limit - max(used, 0), 0)


@cache
def _memory_files(root: Path) -> list[tuple[Path, str, str, str]]:
    """The files with limits of memory; looked for once, because looking for them takes time.

    Each entry has the folder, the name of the file with the limit, that of the file with the use,
    and the key of files no longer in use in the statistics.
    """
    names = (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.high", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    )
    found = product(_groups(root, "memory"), names)
    return [(folder, *files) for folder, files in found if (folder / files[0]).exists()]


@cache
def _quota(root: Path) -> int | None:
    """Cores that the CPU time of the control groups amounts to, rounded up; None for no limit."""
    quotas = []
    for folder in _groups(root, "cpu"):
        for text in (
            _read(folder / "cpu.max"),
            f"{_read(folder / 'cpu.cfs_quota_us')} {_read(folder / 'cpu.cfs_period_us')}",
        ):
            time, period = (*map(_number, text.split()), None, None)[:2]
            if time is not None and period and time > 0:  # −1 is no limit in version 1
                quotas.append(max(-(-time // period), 1))
    return min(quotas, default=None)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the control groups of this process, from its own group upwards.

    In a container that sees its own group as the top one, the folder of the path that the system
    reports may not exist. Only the top folder exists then.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        mounts = {controllers, controller} if controllers else {"", "unified"}
        names = [name for name in path.split("/") if name not in ("", "..")]
        for mount in sorted(mounts):
            for depth in range(len(names), -1, -1):
                yield root.joinpath("sys/fs/cgroup", mount, *names[:depth])


def _read(path: Path) -> str:
    """The text of a system file without the space around it; empty if it cannot be read."""
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _number(text: str) -> int | None:
    """The integer that a text spells; None for "max" and all other texts."""
    try:
        return int(text)
    except ValueError:
        return None
