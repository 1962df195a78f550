"""Machine code is cached on disk; code of another version is never used."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest
from conftest import COMPILED

import fastinfo

pytestmark = pytest.mark.skipif(not COMPILED, reason="NUMBA_DISABLE_JIT: nothing is compiled")

PROGRAM = """
import numpy as np
import fastinfo
from fastinfo.backends.numba import sums
assert fastinfo.mutual_information([0, 0, 1, 1], [0, 0, 1, 1]) > 0.69
stats = sums._one_by_table.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


@pytest.fixture
def run(tmp_path):
    """A function that runs a small program with a copy of the package and a cache of its own."""
    package = Path(fastinfo.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, tmp_path / "fastinfo", ignore=ignored)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def call():
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return tuple(map(int, done.stdout.split()))

    return call


def indices(tmp_path):
    found = list((tmp_path / "cache").rglob("sums._one_by_table-*.nbi"))
    assert found
    return found


def test_kernels_are_compiled_once(run):
    assert run() == (0, 1)
    assert run() == (1, 0)


def test_machine_code_of_other_sources_is_not_used(run, tmp_path):
    """Numba checks the kernel's own file only; functions that the kernel calls may be in others."""
    run()
    with (tmp_path / "fastinfo/backends/numba/simd.py").open("a") as file:
        file.write("# another version\n")
    assert run() == (0, 1)
    assert run() == (1, 0)


def test_an_index_that_names_a_type_which_is_gone_is_no_error(run, tmp_path):
    run()
    gone = b"cfastinfo.backends.numba.sums\nGone\n."  # a pickle of a name in a module
    for path in indices(tmp_path):
        path.write_bytes(pickle.dumps(numba.__version__) + gone)
    assert run() == (0, 1)
