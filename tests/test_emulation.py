"""The emulation that runs CUDA kernels on the processor: what it computes, and what it catches."""

import numpy as np
import pytest
from emulation import arrays, build
from emulation.device import EmulatedDevice

from fastinfo.backends.cupy import CupyKernels

pytestmark = pytest.mark.skipif(build.unavailable() is not None, reason=str(build.unavailable()))


def without_barriers(text):
    assert text.count("__syncthreads();") >= 2
    return text.replace("__syncthreads();", "")


def test_a_missing_barrier_changes_the_answer(rng):
    counts = arrays.namespace.asarray(rng.integers(1, 1000, (3, 700)))
    expected = CupyKernels(EmulatedDevice()).sum_xlogx(counts).get()
    for seed in range(3):
        same = CupyKernels(EmulatedDevice(seed=seed)).sum_xlogx(counts).get()
        np.testing.assert_array_equal(same, expected)
        broken = CupyKernels(EmulatedDevice(seed=seed, edited=without_barriers))
        assert not np.allclose(broken.sum_xlogx(counts).get(), expected)
