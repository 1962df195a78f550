"""New processes of this Python, with this checkout as the folder that they import from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"a process that was to be measured failed:\n{done.stderr}")
    return done.stdout
