"""New processes of this Python, with this checkout as the folder that they import from, and a
folder for files that they share.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SCRATCH = "FASTINFO_BENCH_SCRATCH"


@cache
def scratch() -> Path:
    """A folder that goes with the first process that asks for it; others write nothing again."""
    shared = os.environ.get(SCRATCH)
    if shared is None:
        shared = os.environ[SCRATCH] = tempfile.mkdtemp(prefix="fastinfo-bench-")
        atexit.register(shutil.rmtree, shared, ignore_errors=True)
    return Path(shared)


def python(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """What ``python ARGUMENTS`` prints.

    Raises
    ------
    RuntimeError
        Where it fails, with its errors.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        # Whoever starts Python usually finds byte code where it was before.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"a process that was to be measured failed:\n{done.stderr}")
    return done.stdout
