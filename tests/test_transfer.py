"""Samples on their way to a device come whole, however they are cut."""

import numpy as np
import pytest
from emulation import build
from emulation.arrays import MEMORY, DeviceArray
from emulation.device import EmulatedDevice, LateCopier

import fastinfo
from fastinfo.accumulators import count_columns
from fastinfo.backends.cupy import plan, transfer
from fastinfo.binning import extremes
from fastinfo.system.ranges import map_threads

pytestmark = pytest.mark.skipif(build.unavailable() is not None, reason=str(build.unavailable()))


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8", "?"])
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 64, 65, 1000])
@pytest.mark.parametrize("chunk_bytes", [16, 64, 100])
def test_uploads(monkeypatch, rng, dtype, n, chunk_bytes):
    monkeypatch.setattr(transfer, "CHUNK_BYTES", max(chunk_bytes, 16 * np.dtype(dtype).itemsize))
    host = (100 * rng.random(n)).astype(dtype)
    uploads = transfer.Uploads(EmulatedDevice())
    for there in (uploads.copy(host), uploads.copy(host)):
        np.testing.assert_array_equal(there.get(), host)
        assert there.dtype == host.dtype


def test_shapes_and_strides(monkeypatch, rng):
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 256)
    host = rng.random((40, 30))
    for array in (host, host.T, host[::3, 1::2], np.asfortranarray(host)):
        np.testing.assert_array_equal(transfer.Uploads(EmulatedDevice()).copy(array).get(), array)


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
    assert not np.array_equal(transfer.Uploads(EmulatedDevice()).copy(host).get(), host)


def test_a_copy_that_nothing_is_launched_after_is_noticed(monkeypatch, rng):
    """Of the test itself: what is not waited for at the end never comes."""
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 128)
    monkeypatch.setattr(LateCopier, "end", lambda self: None)
    host = rng.random(100)
    assert not np.array_equal(transfer.Uploads(EmulatedDevice()).copy(host).get(), host)


def test_copiers_are_kept(monkeypatch, rng):
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 128)
    device = EmulatedDevice()
    made = []
    monkeypatch.setattr(device, "copier", lambda size: made.append(LateCopier(size)) or made[-1])
    uploads = transfer.Uploads(device)
    for _ in range(5):
        uploads.copy(rng.random(100))
    assert len(made) == 1
    map_threads(lambda i: uploads.copy(rng.random(1000)), range(20), n_jobs=3)
    assert len(made) <= 3


# --- columns that the device has no room for ----------------------------------------------------

N = 60_000
ROOM = 400_000
"""Bytes of the device, half of them for samples: too few for a column of 4 bytes a sample."""


@pytest.fixture
def room(monkeypatch):
    """A device with little memory, which raises an error beyond it."""
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 1 << 13)
    with MEMORY.limited(ROOM) as memory:
        yield memory


def columns(rng):
    """Two dependent columns of any kind."""
    x = rng.normal(size=N)
    return x, x + rng.normal(size=N)


def masked(values, rng):
    return np.ma.array(values, mask=rng.random(N) < 0.1)


STREAMED = {
    "floats": lambda x, y, rng, **o: fastinfo.mutual_information(x, y, bins=9, **o),
    "float32": lambda x, y, rng, **o: fastinfo.mutual_information(
        x.astype("f4"), y.astype("f4"), bins="uniform:7", **o
    ),
    "missing floats": lambda x, y, rng, **o: fastinfo.mutual_information(
        np.where(x > 1, np.nan, x), y, bins=9, nan_policy="omit", **o
    ),
    "edges": lambda x, y, rng, **o: fastinfo.mutual_information(
        x, y, bins=np.linspace(-4, 4, 6), nan_policy="omit", **o
    ),
    "a rule": lambda x, y, rng, **o: fastinfo.entropy(x, bins="sturges", **o),
    "weights": lambda x, y, rng, **o: fastinfo.mutual_information(
        x, y, bins=5, sample_weight=abs(y), **o
    ),
    "labels": lambda x, y, rng, **o: fastinfo.mutual_information(
        (5 * x).astype("i8"), (5 * y).astype("i8"), **o
    ),
    "many labels": lambda x, y, rng, **o: fastinfo.entropy((100 * x).astype("i8"), **o),
    "masked labels": lambda x, y, rng, **o: fastinfo.mutual_information(
        masked((5 * x).astype("i8"), rng), y, bins=5, nan_policy="omit", **o
    ),
    "bytes and floats": lambda x, y, rng, **o: fastinfo.mutual_information(
        (5 * x - 4 * x.min()).astype("u1"), y, bins=5, **o
    ),
    "booleans and three variables": lambda x, y, rng, **o: fastinfo.conditional_mutual_information(
        x, y, x > 0, bins=4, **o
    ),
}


@pytest.mark.parametrize("measure", STREAMED.values(), ids=STREAMED)
def test_large_columns_come_range_by_range(room, rng, measure):
    x, y = columns(rng)
    state = rng.bit_generator.state
    expected = measure(x, y, rng, backend="numpy")
    rng.bit_generator.state = state
    assert room.peak == 0
    found = measure(x, y, rng, backend="cupy")
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-14)
    assert 0 < room.peak <= ROOM


@pytest.mark.parametrize("is_hidden", [False, True])
def test_bytes_are_looked_through_as_they_come(room, monkeypatch, rng, is_hidden):
    """A column of bytes crosses the bus once, unless one is larger than those looked at."""
    monkeypatch.setattr(count_columns, "RANGE", 1000)
    monkeypatch.setattr(extremes, "LOOKED_AT", 5000)
    values = rng.integers(0, 7, 10 * ROOM).astype("u1")
    values[1000] = 9 if is_hidden else 0
    brought = []
    upload = transfer.Uploads.copy
    monkeypatch.setattr(
        transfer.Uploads, "copy", lambda self, a: brought.append(a.size) or upload(self, a)
    )
    counts = fastinfo.JointCounts(backend="cupy").update(values)
    np.testing.assert_array_equal(counts.table, np.bincount(values))
    times = sum(brought) // values.size
    assert times == (3 if is_hidden else 1)


def test_nothing_is_looked_at_between_ranges(room, monkeypatch, rng):
    """The processor goes on to the next range while the device works: it asks for results once."""
    asked = []
    get = DeviceArray.get
    monkeypatch.setattr(DeviceArray, "get", lambda self: asked.append(1) or get(self))
    numbers = []
    for n in (N, 4 * N):
        asked.clear()
        x = rng.normal(size=n)
        fastinfo.mutual_information(x, -x, bins=6, backend="cupy")
        numbers.append(len(asked))
    assert numbers[0] == numbers[1]


@pytest.mark.usefixtures("room")
def test_missing_samples_of_large_columns_are_refused(rng):
    x = rng.normal(size=N)
    x[::1000] = np.nan
    with pytest.raises(ValueError, match=f"x has {N // 1000} missing values among {N}"):
        fastinfo.entropy(x, bins=5, backend="cupy")


SORTED = {
    "quantiles": (
        lambda x: fastinfo.entropy(x, backend="cupy"),
        "pass bins of equal width or edges",
    ),
    "far categories": (
        lambda x: fastinfo.entropy((1e12 * x).astype("i8"), backend="cupy"),
        "number the categories",
    ),
    "a sparse table": (
        lambda x: fastinfo.JointCounts(backend="cupy", sparse=True, bins=9).update(x, x),
        "count with fewer bins",
    ),
}


@pytest.mark.usefixtures("room")
@pytest.mark.parametrize(("call", "help_"), SORTED.values(), ids=SORTED)
def test_what_is_sorted_has_to_fit(rng, call, help_):
    with pytest.raises(MemoryError, match=f'more memory at once than is free: {help_}.*"numba"'):
        call(rng.normal(size=N))


def test_a_column_that_is_brought_whole_is_noticed(room, monkeypatch, rng):
    """Of the test itself: the device is as small as it says."""
    monkeypatch.setattr(plan, "supply", lambda *_: None)
    with pytest.raises(MemoryError, match="bytes of"):
        fastinfo.entropy(rng.normal(size=N), bins=5, backend="cupy")
    assert room.peak < ROOM
