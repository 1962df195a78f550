"""Which backend does the work, and what is said where one cannot."""

import builtins
import importlib
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from conftest import ON_GPU, require

import fastinfo
from fastinfo.accumulators import count_columns
from fastinfo.measures import samples

backends = importlib.import_module("fastinfo.backends")  # ``fastinfo.backends`` is the function


def chosen(monkeypatch, **options):
    """The name of the backend that one call took: it is chosen once."""
    names = []

    def recorded(*arguments):
        kernels = backends.choose(*arguments)
        names.append(kernels.name)
        return kernels

    for module in (count_columns, samples):
        monkeypatch.setattr(module, "choose", recorded)
    fastinfo.entropy([0, 1], **options)
    (name,) = names
    return name


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("FASTINFO_BACKEND", raising=False)


def test_the_default_is_the_first_of_the_registry(monkeypatch):
    assert next(iter(backends.REGISTRY)) == "numba"
    assert chosen(monkeypatch) == "numba"


def test_by_name(monkeypatch, backend):
    assert chosen(monkeypatch, backend=backend) == backend


def test_by_environment(monkeypatch, backend):
    monkeypatch.setenv("FASTINFO_BACKEND", backend)
    assert chosen(monkeypatch) == backend


def test_a_name_goes_before_the_environment(monkeypatch, backend):
    monkeypatch.setenv("FASTINFO_BACKEND", "no such backend")
    assert chosen(monkeypatch, backend=backend) == backend


def test_an_empty_environment_variable_is_none(monkeypatch):
    monkeypatch.setenv("FASTINFO_BACKEND", "")
    assert chosen(monkeypatch) == "numba"


@pytest.mark.parametrize("name", ["numba", "numpy"])
def test_kernels_of_the_host_are_made_once(monkeypatch, name):
    """And asked once whether they can be used: it takes longer than to count few samples."""
    kernels = backends.choose(name)
    monkeypatch.setattr(type(kernels), "describe", None)
    assert backends.choose(name) is kernels
    monkeypatch.setenv("FASTINFO_BACKEND", name)
    assert backends.choose() is kernels


CALLS = {
    "measure": lambda **o: fastinfo.mutual_information([0, 1], [0, 1], **o),
    "divergence": lambda **o: fastinfo.kl_divergence([0, 1], [0, 1], **o),
    "pairs": lambda **o: fastinfo.pairwise_mutual_information([[0, 1], [1, 0]], **o),
    "top": lambda **o: fastinfo.top_pairs([[0, 1], [1, 0]], **o),
    "counts": lambda **o: fastinfo.JointCounts(**o),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("name", ["cuda", "Numba", 5, ["numpy"]])
def test_unknown_names(call, name):
    with pytest.raises(ValueError, match=r"backend is .*; accepted are 'numba', 'numpy'"):
        call(backend=name)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_unknown_names_in_the_environment(call, monkeypatch):
    monkeypatch.setenv("FASTINFO_BACKEND", "fortran")
    with pytest.raises(ValueError, match="FASTINFO_BACKEND in the environment is 'fortran'"):
        call()


@pytest.fixture
def without_numba(monkeypatch):
    """An environment in which ``import numba`` fails."""
    plain = builtins.__import__

    def fail(name, *arguments, **options):
        if name.partition(".")[0] == "numba":
            raise ModuleNotFoundError("No module named 'numba'", name="numba")
        return plain(name, *arguments, **options)

    for name in [n for n in sys.modules if n.startswith("fastinfo.backends.numba")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(backends, "_ON_HOST", {})
    monkeypatch.setattr(builtins, "__import__", fail)


@pytest.mark.usefixtures("without_numba")
def test_a_missing_library_is_told_with_the_line_that_installs_it():
    for options in ({}, {"backend": "numba"}):
        with pytest.raises(ImportError, match=r"No module named 'numba'; .*`pip install numba`"):
            fastinfo.entropy([0, 1], **options)
    assert fastinfo.entropy([0, 1], base=2, backend="numpy") == 1.0


@pytest.mark.usefixtures("without_numba")
def test_backends_tells_why_one_cannot_be_used():
    told = {b.name: b for b in fastinfo.backends()}
    assert not told["numba"].usable
    assert "pip install numba" in told["numba"].detail
    assert told["numpy"].usable


def test_backends_tells_what_can_be_used():
    told = fastinfo.backends()
    assert [b.name for b in told] == list(backends.REGISTRY)
    for b in told:
        assert b.usable
        if b.name == "cupy" and not ON_GPU:
            assert b.detail.startswith("cupy, emulated, ")
        else:
            assert b.detail.startswith(f"{b.name} {sys.modules[b.name].__version__}, ")


def stranger(module, **attributes):
    """An array of a library that fastinfo does not bring to the host by itself."""
    kind = type("ndarray", (), {"__module__": module, "ndim": 1, "shape": (2,), **attributes})
    return kind()


@pytest.mark.parametrize(
    "array",
    [
        stranger("jaxlib._jax"),
        stranger("dask.array.core"),
        stranger("torch", device=types.SimpleNamespace(type="mps")),
    ],
    ids=lambda array: type(array).__module__,
)
@pytest.mark.parametrize(
    "call",
    [
        fastinfo.entropy,
        lambda a: fastinfo.mutual_information([0, 1], a),
        lambda a: fastinfo.entropy([0, 1], sample_weight=a),
        lambda a: fastinfo.kl_divergence([0, 1], a),
        fastinfo.pairwise_mutual_information,
        fastinfo.top_pairs,
        fastinfo.pmf.entropy,
    ],
)
def test_arrays_of_other_devices_are_refused(call, array):
    kind = rf"{type(array).__module__}\.ndarray"
    help_ = r"pass (x\.cpu\(\)|x\.compute\(\)|np\.asarray\(x\))$"
    with pytest.raises(TypeError, match=rf"is a {kind}; accepted are .*: {help_}"):
        call(array)


def test_results_are_plain_numbers(backend):
    assert type(fastinfo.entropy([0, 1], backend=backend)) is float
    assert type(fastinfo.kl_divergence([0, 1], [0, 1], backend=backend)) is float
    matrix = fastinfo.pairwise_mutual_information([[0, 1], [1, 0]], backend=backend)
    assert type(matrix) is np.ndarray
    assert matrix.dtype == np.float64


@pytest.mark.parametrize(("on_gpu", "outcome"), [("1", "1 error"), ("0", "1 skipped")])
def test_a_skip_on_a_gpu_is_a_failure(on_gpu, outcome):
    """Of a test that is skipped here for a reason that a GPU would not do away with."""
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("tests/test_soft.py", "-k", "test_soft_counts_of_anything and numpy"),
        ],
        cwd=root,
        env={
            **os.environ,
            "NUMBA_DISABLE_JIT": "1",
            "FASTINFO_TEST_STRICT": "1",
            "FASTINFO_TEST_GPU": on_gpu,
        },
        capture_output=True,
        text=True,
    )
    assert outcome in done.stdout, done.stdout
    assert ("did not run on the GPU: NUMBA_DISABLE_JIT" in done.stdout) == (on_gpu == "1")


def test_small_tables_are_added_up_on_the_host(rng, monkeypatch):
    """A device's launches for a few cells would take longer than counting 10⁸ samples."""
    kernels = require("cupy")()
    assert backends.reducing(kernels, backends.FEW_CELLS).name == "numba"
    assert backends.reducing(kernels, backends.FEW_CELLS + 1) is kernels
    for name in ("numba", "numpy"):
        own = require(name)()
        assert backends.reducing(own, 1) is own
    monkeypatch.setitem(backends.REGISTRY, "numba", "nowhere:Kernels")
    assert backends.reducing(kernels, 1).name == "numpy"


def test_large_tables_are_added_up_where_they_are_counted(rng, monkeypatch):
    kernels = require("cupy")
    summed = []
    sum_xlogx = kernels.sum_xlogx
    monkeypatch.setattr(
        kernels, "sum_xlogx", lambda self, c: summed.append(c.size) or sum_xlogx(self, c)
    )
    x, y = rng.integers(0, 9, (2, 500))
    expected = fastinfo.mutual_information(x, y, backend="numpy")
    assert fastinfo.mutual_information(x, y, backend="cupy") == pytest.approx(expected, rel=1e-12)
    assert not summed
    monkeypatch.setattr(backends, "FEW_CELLS", 80)
    assert fastinfo.mutual_information(x, y, backend="cupy") == pytest.approx(expected, rel=1e-12)
    assert 81 in summed
