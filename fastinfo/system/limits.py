"""What this process may take of its machine: memory and cores, which a container may limit.

Containers limit by control groups [1]_, version 2 or 1, which form a tree: what a group may take,
all groups above it have to have, too. ``root`` is where the files of the system begin; everything
that cannot be read there limits nothing.

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
"""Bytes, where neither the system nor a limit says how many are free."""


def free_memory(root: Path = ROOT) -> int:
    """Bytes that can be taken without swapping and within the limits of the process.

    That is the least of what the system has, what each control group has left, and what the limit
    of the address space (``ulimit -v``) leaves; 2⁶² where none of them says anything.
    """
    return min(_available(root), *_left_in_groups(root), _left_of_address_space(root), UNLIMITED)


def usable_cores(root: Path = ROOT) -> int:
    """Cores that this process may keep busy: those that it may run on, or its quota of them.

    A quota is rounded up. It is read once in a process.
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
    import resource  # which Windows does not have

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return UNLIMITED
    pages = _number((_read(root / "proc/self/statm").split() or ["0"])[0])
    return max(int(limit) - (pages or 0) * resource.getpagesize(), 0)


def _left_in_groups(root: Path) -> Iterator[int]:
    """Bytes left in each control group of the process that limits them.

    Files that were read and are no longer in use count as taken, and are given back for the asking.
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
    """Where limits of memory may stand: looked for once, for a look at what is not there costs too.

    Of each the folder, the file of the limit, the file of the use, and what the statistics call
    files that are no longer in use.
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
    """Cores' worth of time that the control groups of the process give it; None for no limit."""
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
    """Folders of the control groups of this process, from its own up.

    Where a container sees its own group as the top one, the path that the system tells may not be
    there, and the top is all that there is.
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
    """The text of a file of the system, without its last line break; empty where there is none."""
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _number(text: str) -> int | None:
    """An integer; None for "max", and for whatever else is no number."""
    try:
        return int(text)
    except ValueError:
        return None
