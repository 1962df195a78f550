"""The emulation that runs CUDA kernels on the processor: what it computes, and what it catches."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from emulation import arrays, build, driver
from emulation.device import EmulatedDevice
from hypothesis import given
from hypothesis import strategies as st

from fastinfo.backends.cupy import CupyKernels, encode, sources
from fastinfo.backends.numpy import NumpyKernels

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


def without_searches(text):
    return text.replace("key = Ordered<Value>::key(value);", "key = 0; return 0;")


def without_doubts(text):
    return text.replace("return bins.limit > 0 && !(fabs(distance) >= bins.limit);", "return true;")


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_products_tell_most_bins_and_searches_the_doubtful_ones(rng, dtype):
    """Each of the two by the answers of kernels that lack the other."""
    low, high, n_bins = 0.1, 0.7, 10
    middles = (low + (high - low) * (rng.integers(0, n_bins, 1024) + 0.5) / n_bins).astype(dtype)
    middles[::7], middles[::11], middles[::13] = np.nan, -1.0, np.inf
    edges = np.linspace(low, high, n_bins + 1)
    beside = np.concatenate([np.nextafter(edges.astype(dtype), end) for end in (-9.0, 9.0)])
    beside = np.resize(np.concatenate([beside, edges.astype(dtype)]), 1024)
    for values, edited, is_right in (
        (middles, without_searches, True),
        (beside, without_searches, False),
        (beside, without_doubts, False),
    ):
        kernels = CupyKernels(EmulatedDevice(edited=edited))
        found = kernels.encode_uniform(arrays.namespace.asarray(values), low, high, n_bins).get()
        expected = NumpyKernels().encode_uniform(values, low, high, n_bins)
        assert np.array_equal(found, expected) == is_right


@given(
    low=st.floats(-1e30, 1e30),
    width=st.floats(1e-30, 1e30),
    n_bins=st.integers(1, 1 << 24),
    dtype=st.sampled_from(["f4", "f8"]),
)
def test_a_product_is_used_where_its_doubts_are_few(low, width, n_bins, dtype):
    high = low + width
    if not low < high:
        return
    found = encode.product(low, high, n_bins, np.dtype(dtype))
    resolution = np.finfo(dtype).eps * max(abs(low), abs(high)) * n_bins / (high - low)
    if found is None:
        is_extreme = (
            n_bins / (high - low) > 1e30 or n_bins >= 1 << 22 or n_bins / (high - low) < 1e-30
        )
        assert resolution > 0.01 or n_bins * np.finfo(dtype).eps > 0.01 or is_extreme
        return
    scale, shift, limit = found
    assert 0.25 < limit < 0.5
    assert resolution < 0.25
    assert scale * low + shift == pytest.approx(-0.5, abs=0.25)
    assert scale * high + shift == pytest.approx(n_bins - 0.5, abs=0.25 + n_bins * 1e-7)


# --- under sanitizers ---------------------------------------------------------------------------

SANITIZERS = {
    "thread": ("libtsan.so", "WARNING: ThreadSanitizer: data race"),
    "address": ("libasan.so", "ERROR: AddressSanitizer"),
}

CAUGHT_BY = {
    "no barrier after clearing": "thread",
    "no barrier after copying keys": "thread",
    "no barrier before adding up": "thread",
    "no barrier in the tree": "thread",
    "no barrier between stages": "thread",
    "no barrier before the sums of a pair": "thread",
    "no barrier in the block": "thread",
    "a column too many": "address",
    "a plain increment": "thread",
    "one sample too many": "address",
    "one cell too many": "address",
    "one edge too many": "address",
}


def watched(sanitizer, *arguments):
    """A finished run of the driver under a sanitizer."""
    asked = subprocess.run(
        ["g++", f"-print-file-name={SANITIZERS[sanitizer][0]}"], capture_output=True, text=True
    )
    runtime = Path(asked.stdout.strip())
    if not runtime.is_absolute():
        pytest.skip(f"g++ has no {runtime}")
    tests = Path(__file__).parent
    return subprocess.run(
        [*build.without_random_addresses(), sys.executable, "-m", "emulation.driver", *arguments],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "LD_PRELOAD": str(runtime),
            "FASTINFO_EMULATION_SANITIZER": sanitizer,
            "PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)]),
            "ASAN_OPTIONS": "detect_leaks=0",
            "TSAN_OPTIONS": "exitcode=66",
        },
    )


@pytest.mark.soak
@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_the_kernels_are_clean(sanitizer):
    done = watched(sanitizer)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "every answer is right" in done.stdout
    assert "Sanitizer" not in done.stderr


@pytest.mark.soak
@pytest.mark.parametrize("fault", driver.FAULTS)
def test_a_planted_fault_is_caught(fault):
    done = watched(CAUGHT_BY[fault], fault)
    assert done.returncode != 0
    assert SANITIZERS[CAUGHT_BY[fault]][1] in done.stderr, done.stderr[-3000:]


@pytest.mark.parametrize("fault", driver.FAULTS)
def test_a_planted_fault_is_planted(fault):
    """An edit that finds nothing to replace would be caught by nobody."""
    assert any(driver.FAULTS[fault](text) != text for text in map(sources.text, sources.FAMILIES))


def test_a_barrier_that_not_all_threads_reach_is_told():
    def edited(text):
        first = "    for (unsigned int half"
        return text.replace(first, "    if (thread == 3) return 0.0;\n" + first, 1)

    counts = arrays.namespace.asarray(np.ones((2, 100), np.int64))
    with pytest.raises(RuntimeError, match="a barrier that not all threads reach: of a block of"):
        CupyKernels(EmulatedDevice(edited=edited)).sum_xlogx(counts)


def test_arguments_of_other_types_than_the_kernel_takes_are_refused():
    device, xp = EmulatedDevice(), arrays.namespace
    counts, out = xp.asarray(np.ones((1, 4), np.int32)), xp.zeros(1, np.float64)
    one = np.int64(1)
    for arguments, message in (
        ((counts, one, one, one, out), r"argument 0 of .* is \*i4; the kernel takes \*i8"),
        ((counts.astype(np.int64), np.int32(1), one, one, out), "argument 1 .* is i4; .* takes i8"),
        (
            (counts.astype(np.int64), 1, one, one, out),
            "argument 1 .* is a int; pass a NumPy scalar",
        ),
        ((counts.astype(np.int64), one, one, out), "takes 5 arguments; 4 came"),
    ):
        with pytest.raises(TypeError, match=message):
            device.launch("sums", "sum_xlogx<int64>", 1, 32, arguments, 256)


def test_structs_are_held_against_those_of_the_kernel():
    device, xp = EmulatedDevice(), arrays.namespace
    right = encode.bins_of(device, np.dtype("f4"), np.linspace(0.0, 1.0, 3), True)

    class Bins(NamedTuple):
        """Two fields in the other order."""

        keys: Any
        n_bins: Any
        shift: Any
        scale: Any
        limit: Any

    class Others(NamedTuple):
        """The right fields by another name."""

        keys: Any
        n_bins: Any
        scale: Any
        shift: Any
        limit: Any

    values, codes = xp.zeros(4, np.float32), xp.zeros(4, np.uint8)

    def launch(bins):
        arguments = (values, np.int64(4), bins, codes, np.bool_(False))
        device.launch("encode", "encode_floats<float, uint8, false>", 1, 32, arguments)

    launch(right)
    for wrong, message in (
        (Others(*right), "Others:24:.*the kernel takes Bins:24:"),
        (Bins(*right), "shift@12;scale@16.*the kernel takes .*scale@12=f4;shift@16=f4"),
        (right._replace(limit=np.float64(0)), "limit@24.*the kernel takes .*limit@20"),
        (right._replace(n_bins=np.uint32(2)), "n_bins of argument 2 .* is u4; .* takes i4"),
        (right._replace(keys=values), r"keys of argument 2 .* is \*f4; .* takes \*i4"),
        (right._replace(keys=right.keys[::2]), "keys of argument 2 .* is not contiguous"),
    ):
        with pytest.raises(TypeError, match=message):
            launch(wrong)


def test_device_arrays_do_not_mix_with_those_of_the_host():
    x = arrays.namespace.asarray(np.arange(3))
    for wrong in (
        lambda: x + np.arange(3),
        lambda: np.asarray(x),
        lambda: np.concatenate([x, np.arange(3)]),
        lambda: arrays.namespace.concatenate([np.arange(3)]),
    ):
        with pytest.raises(TypeError):
            wrong()
    assert (x.sum() + 1).get() == 4


def test_arrays_of_one_device_are_of_no_use_to_another():
    first, second = EmulatedDevice(number=0), EmulatedDevice(number=1)
    xp, one = arrays.namespace, np.int64(1)
    with second.current():
        x = xp.asarray(np.arange(6))
        assert second.current_number() == x[1:].device.id == 1
    here = xp.asarray(np.arange(6))
    assert first.current_number() == here.device.id == 0
    for wrong in (
        lambda: x + 1,
        lambda: here + x,
        lambda: here[x],
        lambda: x[here],
        lambda: x.sum(),
        lambda: xp.where(here > 0, x, 0),
        lambda: here.__setitem__(0, x),
        lambda: x.__setitem__(0, 1),
        lambda: xp.stack([x, x]),
    ):
        with pytest.raises(ValueError, match="an array of device 1 while 0 is current"):
            wrong()
    # Neither views nor the way to the host compute, and asarray is the way between devices.
    assert x[2:].reshape(2, 2)[1].device.id == 1
    assert [int(value) for value in x] == x.get().tolist() == xp.asarray(x).get().tolist()
    assert xp.asarray(x).device.id == 0
    out = xp.zeros(1, np.float64)
    counts = (here[None], one, one * 6, one, out)
    first.launch("sums", "sum_xlogx<int64>", 1, 32, counts, 256)
    with pytest.raises(RuntimeError, match="on device 1 while another one is current"):
        second.launch("sums", "sum_xlogx<int64>", 1, 32, counts, 256)
    with second.current(), pytest.raises(ValueError, match="of device 0 while 1 is current"):
        second.launch("sums", "sum_xlogx<int64>", 1, 32, counts, 256)


def test_threads_have_a_current_device_each():
    with EmulatedDevice(number=1).current(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(arrays.current).result() == 0
        assert arrays.current() == 1
