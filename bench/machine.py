"""What a result depends on besides the code, with nothing that names a machine or a person."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

import cpuinfo
import llvmlite.binding

import fastinfo
from fastinfo.system.limits import usable_cores

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = (
    "numpy",
    "numba",
    "scipy",
    "scikit-learn",
    "torch",
    "monai",
    "pyarrow",
    "polars",
    "duckdb",
)


def machine() -> dict[str, Any]:
    """Processor, caches and system."""
    return {
        "cpu": cpuinfo.get_cpu_info().get("brand_raw", platform.machine()),
        "llvm_cpu": llvmlite.binding.get_host_cpu_name(),
        "architecture": platform.machine(),
        "cores": usable_cores(),
        "caches": _caches(),
        "system": platform.system(),
    }


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
    for name in LIBRARIES:
        try:
            told[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return told


def revision() -> str | None:
    """The commit, with a plus where files have changed since; None outside of a clone."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        is_changed = bool(git("status", "--porcelain", "--untracked-files=no", "--", "fastinfo"))
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + "+" * is_changed
