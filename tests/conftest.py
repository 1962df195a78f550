"""One fixture means every backend; a backend that cannot be used is a skip that says why."""

import importlib
import inspect
import os
import signal

import add_one as add_one_estimator
import numpy as np
import pytest
from emulation import build
from emulation.device import EmulatedDevice
from hypothesis import HealthCheck, settings

from fastinfo.backends import REGISTRY, load
from fastinfo.backends.contract import Uncoded
from fastinfo.backends.cupy import discovery
from fastinfo.backends.pair_sums import PairSums
from fastinfo.backends.soft import SoftBins
from fastinfo.estimators import entropies

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.register_profile("more", settings.get_profile("ci"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("FASTINFO_TEST_PROFILE", "ci"))

# What is started in the background of a shell ignores Ctrl-C, which some of the tests are about.
signal.signal(signal.SIGINT, signal.default_int_handler)

STRICT = os.environ.get("FASTINFO_TEST_STRICT") == "1"
"""Whether a backend that cannot be used is a failure: in CI every backend of a leg must run."""

COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
"""False where Numba kernels run as Python: NumPy warns there where machine code wraps integers."""

ON_GPU = os.environ.get("FASTINFO_TEST_GPU") == "1"
"""Whether the CuPy backend has to run on a GPU. Elsewhere its kernels run on the processor."""

MAY_SKIP_ON_GPU = (
    "there is a GPU here",
    "by g++, which is not there",
    "is not installed",
)
"""Reasons for a skip that hold on a machine with a GPU too; any other one is a failure there, under
FASTINFO_TEST_STRICT=1."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Fail for tests that were to run on the GPU and did not."""
    report = yield
    if STRICT and ON_GPU and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if not any(accepted in reason for accepted in MAY_SKIP_ON_GPU):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} did not run on the GPU: {reason}"
    return report


if not ON_GPU and build.unavailable() is None:
    EMULATED = (EmulatedDevice(number=0), EmulatedDevice(number=1))
    discovery.devices = lambda: EMULATED


def library(name):
    """A library that results are compared with; machines with a GPU may lack it."""
    if ON_GPU:
        return pytest.importorskip(name, reason=f"{name} is not installed")
    return importlib.import_module(name)


slow_as_python = pytest.mark.skipif(
    not COMPILED, reason="NUMBA_DISABLE_JIT: minutes when kernels run as Python"
)
"""For cases with a hundred thousand samples and more."""


def require(name):
    """The kernels' class of a backend; skip, or fail under FASTINFO_TEST_STRICT=1, without it."""
    try:
        return load(name)
    except ImportError as error:
        if STRICT:
            pytest.fail(f"FASTINFO_TEST_STRICT=1: {error}")
        pytest.skip(str(error))


@pytest.fixture(params=list(REGISTRY))
def backend(request):
    """The name of every backend, as ``backend=`` takes it."""
    require(request.param)
    with np.errstate() if COMPILED else np.errstate(all="ignore"):
        yield request.param


@pytest.fixture
def backend_anywhere(backend):
    """The name of every backend that works in other processes too."""
    if backend == "cupy" and not ON_GPU:
        pytest.skip("no GPU: the emulated device exists in the tests' own process only")
    return backend


class FromHost:
    """Kernels whose arrays go to them from the host and come back: tests hold NumPy arrays."""

    HOST_ARGUMENTS = frozenset({"edges", "ranks", "n_bins", "low", "summary", "rows", "columns"})
    WRITTEN_ARGUMENTS = frozenset({"x_out", "y_out", "out"})

    def __init__(self, kernels):
        self._kernels = kernels

    def __getattr__(self, name):
        found = getattr(self._kernels, name)
        if not inspect.ismethod(found):
            return found
        parameters = list(inspect.signature(found).parameters)

        def call(*arguments, **options):
            named = dict(zip(parameters, arguments, strict=False)) | options
            sent = {k: v if k in self.HOST_ARGUMENTS else self._there(v) for k, v in named.items()}
            result = found(**sent)
            for k in self.WRITTEN_ARGUMENTS & named.keys():
                if named[k] is not None:
                    named[k][...] = self._back(sent[k])
            return result if name == "pack" else self._back(result)  # its layout is theirs alone

        return call

    def _there(self, value):
        if isinstance(value, np.ndarray):
            return self._kernels.bring(value)
        if type(value) in (list, tuple):
            return [self._there(item) for item in value]
        if isinstance(value, SoftBins):
            return value._replace(limits=self._there(value.limits))
        if isinstance(value, PairSums):
            return PairSums(*map(self._there, value))
        if isinstance(value, Uncoded):
            return value._replace(values=self._there(value.values))
        return value

    def _back(self, value):
        if isinstance(value, self._kernels.xp.ndarray):
            return self._kernels.to_host(value)
        if isinstance(value, PairSums):
            return PairSums(*map(self._back, value))
        return value


def called_from_host(backend):
    """The kernels of a backend, called with arrays of the host."""
    kernels = load(backend)()
    return kernels if kernels.home.is_host else FromHost(kernels)


BEGINNERS = {
    "toy": "toy_backend:ToyKernels",
    "nine of cupy": "toy_backend:NineOfCupy",
}
"""Backends with nine kernels alone, registered where every kernel is tested: so are the defaults of
all others."""


@pytest.fixture(params=[*REGISTRY, "toy", pytest.param("nine of cupy", marks=pytest.mark.soak)])
def kernels(request, monkeypatch):
    """The kernels of every backend."""
    if request.param in BEGINNERS:
        monkeypatch.setitem(REGISTRY, request.param, BEGINNERS[request.param])
    require(request.param)
    with np.errstate() if COMPILED else np.errstate(all="ignore"):
        yield called_from_host(request.param)


CODING = ("cupy",)
"""The backends that code samples while they count them, as a test of the kernels holds."""


@pytest.fixture(params=CODING)
def coding_kernels(request):
    """The kernels of every backend that codes samples while it counts them."""
    require(request.param)
    return called_from_host(request.param)


@pytest.fixture
def pair_kernels(kernels):
    """The kernels of every backend that can count pairs here."""
    if kernels.name == "numba" and not COMPILED:
        pytest.skip("NUMBA_DISABLE_JIT: vectors of 512 bits exist in machine code only")
    return kernels


@pytest.fixture
def add_one(monkeypatch):
    """The name of an estimator that looks at counts, which the registry knows for one test."""
    estimator = entropies.Estimator(None, add_one_estimator.add_one)
    monkeypatch.setitem(entropies.ESTIMATORS, add_one_estimator.NAME, estimator)
    return add_one_estimator.NAME


@pytest.fixture
def rng():
    """Random numbers, the same in every run."""
    return np.random.default_rng(20240229)


@pytest.fixture(scope="module")
def mixed():
    """A table of every kind that the libraries share."""
    import pyarrow as pa

    generator = np.random.default_rng(1)
    n = 60
    return pa.table(
        {
            "city": pa.array(
                [[None, "Rome", "Oslo", "Lima"][i] for i in generator.integers(4, size=n)]
            ),
            "stars": pa.array([[None, 1, 2, 3][i] for i in generator.integers(4, size=n)]),
            "open": pa.array([[None, True, False][i] for i in generator.integers(3, size=n)]),
            "price": pa.array(
                [None if i % 7 == 0 else x for i, x in enumerate(generator.normal(size=n))]
            ),
        }
    )
