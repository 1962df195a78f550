"""One fixture means every backend; a backend that cannot be used is a skip that says why."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from fastinfo.backends import REGISTRY, load

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.register_profile("more", settings.get_profile("ci"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("FASTINFO_TEST_PROFILE", "ci"))

STRICT = os.environ.get("FASTINFO_TEST_STRICT") == "1"
"""Whether a backend that cannot be used is a failure: in CI every backend of a leg must run."""

COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
"""False where Numba kernels run as Python: NumPy warns there where machine code wraps integers."""

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
def kernels(backend):
    """The kernels of every backend."""
    return load(backend)()


@pytest.fixture
def pair_kernels(kernels):
    """The kernels of every backend that can count pairs here."""
    if kernels.name == "numba" and not COMPILED:
        pytest.skip("NUMBA_DISABLE_JIT: vectors of 512 bits exist in machine code only")
    return kernels


@pytest.fixture
def rng():
    """Random numbers, the same in every run."""
    return np.random.default_rng(20240229)
