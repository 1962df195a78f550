"""Limits of containers, read from trees of files as the kernel shows them."""

import os
import resource
from pathlib import Path

import pytest

from fastinfo import counting
from fastinfo.inputs import arguments
from fastinfo.system import limits

GIB = 1 << 30
MEMINFO = "MemTotal:       67108864 kB\nMemAvailable:   33554432 kB\n"
"""32 GiB available."""


@pytest.fixture
def tree(tmp_path):
    """Write files by their path; a dictionary is a folder."""

    def write(files, folder=tmp_path):
        folder.mkdir(exist_ok=True, parents=True)
        for name, content in files.items():
            if isinstance(content, dict):
                write(content, folder / name)
            else:
                (folder / name).write_text(f"{content}\n")
        return tmp_path

    return write


def machine(group, groups):
    """The whole tree, with a process in a group."""
    process = {"cgroup": group, "statm": "1000 100 10 1 0 90 0"}
    return {"proc": {"meminfo": MEMINFO, "self": process}, "sys/fs/cgroup": groups}


def v2(limit, used=0, inactive=0, high="max"):
    return {
        "memory.max": limit,
        "memory.high": high,
        "memory.current": used,
        "memory.stat": f"anon 5\ninactive_file {inactive}\nactive_file 7",
    }


def v1(limit, used, inactive):
    return {
        "memory.limit_in_bytes": limit,
        "memory.usage_in_bytes": used,
        "memory.stat": f"cache 9\ntotal_inactive_file {inactive}\n",
    }


NO_LIMIT = 9223372036854771712
"""What version 1 says where there is no limit."""

MEMORY = {
    "no files at all": ({}, limits.UNLIMITED),
    "no control groups": ({"proc": {"meminfo": MEMINFO}}, 32 * GIB),
    "no limit": (machine("0::/a", {"a": v2("max")}), 32 * GIB),
    "a container of its own": (machine("0::/", v2(4 * GIB, 3 * GIB)), GIB),
    "files that can be given back": (machine("0::/", v2(4 * GIB, 3 * GIB, 2 * GIB)), 3 * GIB),
    "more limit than memory": (machine("0::/", v2(99 * GIB, GIB)), 32 * GIB),
    "used up": (machine("0::/", v2(GIB, 2 * GIB)), 0),
    "a limit that slows down": (machine("0::/", v2("max", GIB, 0, 3 * GIB)), 2 * GIB),
    "both limits": (machine("0::/", v2(2 * GIB, GIB, 0, 3 * GIB)), GIB),
    "nested, the parent is tighter": (
        machine("0::/a/b", {"a": {**v2(4 * GIB, 3 * GIB), "b": v2(8 * GIB, GIB)}}),
        GIB,
    ),
    "nested, the child is tighter": (
        machine("0::/a/b", {"a": {**v2(9 * GIB, 3 * GIB), "b": v2(2 * GIB, GIB)}}),
        GIB,
    ),
    "a group beside": (machine("0::/a", {"a": v2("max"), "b": v2(GIB, 0)}), 32 * GIB),
    "a path of the host": (machine("0::/docker/1f", v2(4 * GIB, GIB)), 3 * GIB),
    "a path above the top": (machine("0::/../../a", {"a": v2(4 * GIB, GIB)}), 3 * GIB),
    "a limit without the use": (machine("0::/", {"memory.max": GIB}), GIB),
    "more given back than used": (machine("0::/", v2(GIB, 5, 99)), GIB),
    "rubbish": (machine("0:\nwhat", {"memory.max": "much", "memory.stat": "none"}), 32 * GIB),
    "version 1": (
        machine("7:cpu,cpuacct:/a\n4:memory:/a", {"memory": {"a": v1(4 * GIB, 2 * GIB, GIB)}}),
        3 * GIB,
    ),
    "version 1 without a limit": (
        machine("4:memory:/", {"memory": v1(NO_LIMIT, 2 * GIB, GIB)}),
        32 * GIB,
    ),
    "version 1 in a container": (
        machine("4:memory:/docker/1f", {"memory": v1(4 * GIB, 2 * GIB, 0)}),
        2 * GIB,
    ),
    "both versions": (
        machine(
            "4:memory:/a\n0::/a",
            {"memory": {"a": v1(4 * GIB, 2 * GIB, 0)}, "unified": {"a": v2(9 * GIB, 8 * GIB)}},
        ),
        GIB,
    ),
}


@pytest.mark.parametrize(("files", "expected"), MEMORY.values(), ids=MEMORY)
def test_free_memory(tree, files, expected):
    assert limits.free_memory(tree(files)) == expected


def test_files_that_cannot_be_read_limit_nothing(tree, monkeypatch):
    root = tree(machine("0::/", v2(GIB, 0)))
    plain = Path.read_text

    def read_text(path, *arguments):
        if path.name == "memory.max":  # root may read whatever its mode is
            raise PermissionError(path)
        return plain(path, *arguments)

    assert limits.free_memory(root) == GIB
    monkeypatch.setattr(Path, "read_text", read_text)
    assert limits.free_memory(root) == 32 * GIB


def test_what_is_no_file_limits_nothing(tree):
    root = tree(machine("0::/", {"memory.max": {}, "cpu.max": {}}))
    (root / "proc/meminfo").write_bytes(b"\xff\xfe")
    assert limits.free_memory(root) == limits.UNLIMITED


def test_the_address_space_limits(tree, monkeypatch):
    root = tree(machine("0::/", {}))
    monkeypatch.setattr(resource, "getrlimit", lambda which: (GIB, GIB))
    assert limits.free_memory(root) == GIB - 1000 * resource.getpagesize()
    monkeypatch.setattr(resource, "getrlimit", lambda which: (5000, 5000))
    assert limits.free_memory(root) == 0


CORES = {
    "no files at all": ({}, 8),
    "no quota": (machine("0::/", {"cpu.max": "max 100000"}), 8),
    "two cores": (machine("0::/", {"cpu.max": "200000 100000"}), 2),
    "two and a half": (machine("0::/", {"cpu.max": "250000 100000"}), 3),
    "a tenth": (machine("0::/", {"cpu.max": "10000 100000"}), 1),
    "more than there are": (machine("0::/", {"cpu.max": "9900000 100000"}), 8),
    "nested": (
        machine("0::/a/b", {"a": {"cpu.max": "300000 100000", "b": {"cpu.max": "max 100000"}}}),
        3,
    ),
    "a path of the host": (machine("0::/docker/1f", {"cpu.max": "400000 100000"}), 4),
    "no period": (machine("0::/", {"cpu.max": "400000 0"}), 8),
    "half a file": (machine("0::/", {"cpu.max": "400000"}), 8),
    "version 1": (
        machine(
            "7:cpu,cpuacct:/a\n4:memory:/a",
            {"cpu,cpuacct": {"a": {"cpu.cfs_quota_us": 150000, "cpu.cfs_period_us": 100000}}},
        ),
        2,
    ),
    "version 1 under its short name": (
        machine(
            "7:cpu,cpuacct:/",
            {"cpu": {"cpu.cfs_quota_us": 400000, "cpu.cfs_period_us": 100000}},
        ),
        4,
    ),
    "version 1 without a quota": (
        machine("7:cpu:/", {"cpu": {"cpu.cfs_quota_us": -1, "cpu.cfs_period_us": 100000}}),
        8,
    ),
}


@pytest.mark.parametrize(("files", "expected"), CORES.values(), ids=CORES)
def test_usable_cores(tree, monkeypatch, files, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    assert limits.usable_cores(tree(files)) == expected


def test_a_process_that_is_bound_to_fewer_cores(tree, monkeypatch):
    root = tree(machine("0::/", {"cpu.max": "400000 100000"}))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3}, raising=False)
    assert limits.usable_cores(root) == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert limits.usable_cores(root) == 1


def test_this_machine():
    assert 0 < limits.free_memory() <= limits.UNLIMITED
    assert 1 <= limits.usable_cores() <= os.cpu_count()


def test_they_are_what_work_is_planned_by(monkeypatch):
    monkeypatch.setattr(arguments, "usable_cores", lambda: 7)
    assert arguments.n_jobs(None) == arguments.n_jobs(-1) == 7
    monkeypatch.setattr(counting, "free_memory", lambda: 100)
    with pytest.raises(MemoryError, match="a dense table of 1000 × 1000 cells needs"):
        counting.require_memory((1000, 1000))
