"""What a result depends on besides the code, with nothing that names a machine or a person."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import cpuinfo

import fastinfo
from fastinfo.system.limits import usable_cores

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
LIBRARIES = ("numpy", "numba", "scipy", "scikit-learn", "torch", "monai", "pyarrow", "dask", "cupy")
PEERS = ("infomeasure", "pyitlib", "dit", "torchmetrics", "polars", "duckdb")


def machine() -> dict[str, Any]:
    """Processor, caches and system: pytest-benchmark's own keys, and what a table tells."""
    brand = cpuinfo.get_cpu_info().get("brand_raw", platform.machine())
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "python_implementation": platform.python_implementation(),
        "python_version": platform.python_version(),
        "cpu": {"brand_raw": brand, "arch": platform.machine(), "count": usable_cores()},
        "id": identity(),
        "llvm_cpu": _llvm_cpu(),
        "caches": _caches(),
        "versions": versions(),
    }


def identity() -> str:
    """The folder of results: machines of the same kind share it."""
    name = f"{_llvm_cpu()}-{usable_cores()}-cores"
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _llvm_cpu() -> str:
    """The kind of processor, or its architecture where there is no Numba, as beside some GPUs."""
    try:
        import llvmlite.binding
    except ImportError:
        return platform.machine()
    return str(llvmlite.binding.get_host_cpu_name())


def _caches() -> dict[str, str]:
    """Caches of the first core, as Linux tells them; empty elsewhere."""
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (
            (folder / name).read_text(encoding="ascii").strip()
            for name in ("level", "type", "size")
        )
        if kind != "Instruction":
            found[f"L{level}"] = size.replace("K", " KiB")
    return found


def versions() -> dict[str, str]:
    """Python and the libraries that did the work."""
    told = {"python": platform.python_version(), "fastinfo": fastinfo.__version__}
    for name in (*LIBRARIES, *PEERS):
        try:
            told[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return told


def commit() -> dict[str, Any]:
    """The commit, with pytest-benchmark's keys; folder and branch are somebody's own."""
    told = {"project": "fastinfo", "branch": "(unknown)", "dirty": False}
    try:
        full, time, author_time = _git("show", "-s", "--format=%H %cI %aI").split()
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "fastinfo")
    except (OSError, subprocess.CalledProcessError):
        return told | {"id": "unversioned", "time": None, "author_time": None}
    return told | {
        "id": full,
        "time": time,
        "author_time": author_time,
        "dirty": bool(changed),
    }


def results_file(now: datetime, part: str = "", machine_id: str | None = None) -> Path:
    """``bench/results/MACHINE/DATE-COMMIT.json``; a part of the cases is told in the name."""
    told = commit()
    name = [now.date().isoformat(), told["id"][:12], *(["changed"] if told["dirty"] else [])]
    return (
        RESULTS
        / (machine_id or identity())
        / f"{'-'.join([*name, *([part] if part else [])])}.json"
    )


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
