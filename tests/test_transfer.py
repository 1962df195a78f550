"""Samples on their way to a device come whole, however they are cut."""

import numpy as np
import pytest
from emulation.device import EmulatedDevice, LateCopier

from fastinfo.backends.cupy import transfer


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8", "?"])
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 64, 65, 1000])
@pytest.mark.parametrize("chunk_bytes", [16, 64, 100])
def test_uploads(monkeypatch, rng, dtype, n, chunk_bytes):
    monkeypatch.setattr(transfer, "CHUNK_BYTES", max(chunk_bytes, 16 * np.dtype(dtype).itemsize))
    host = (100 * rng.random(n)).astype(dtype)
    there = transfer.upload(EmulatedDevice(), host)
    np.testing.assert_array_equal(there.get(), host)
    assert there.dtype == host.dtype


def test_shapes_and_strides(monkeypatch, rng):
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 256)
    host = rng.random((40, 30))
    for array in (host, host.T, host[::3, 1::2], np.asfortranarray(host)):
        np.testing.assert_array_equal(transfer.upload(EmulatedDevice(), array).get(), array)


def test_a_wait_that_is_left_out_is_noticed(monkeypatch, rng):
    """Of the test itself: the emulated lanes copy as late as they may."""
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 128)
    host = rng.random(100)
    wait = LateCopier.wait
    calls = []
    monkeypatch.setattr(
        LateCopier,
        "wait",
        lambda self, lane: calls.append(lane) or len(calls) == 5 or wait(self, lane),
    )
    assert not np.array_equal(transfer.upload(EmulatedDevice(), host).get(), host)
