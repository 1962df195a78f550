"""Arrays of a GPU: worked on where they are, and told apart from those of the host."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ON_GPU
from emulation import arrays, build
from emulation.device import SMALL, EmulatedDevice

import fastinfo
from fastinfo import pmf
from fastinfo.backends import choose, load
from fastinfo.backends.contract import Place, Uncoded
from fastinfo.backends.cupy import CupyKernels, discovery, plan, transfer
from fastinfo.backends.cupy.pairs import tile_sizes
from fastinfo.backends.home import HOST, home_of
from fastinfo.inputs import tables

pytestmark = [
    pytest.mark.skipif(build.unavailable() is not None, reason=str(build.unavailable())),
    pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning"),
]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def xp():
    """The array namespace of the CuPy backend: CuPy's on a GPU."""
    return load("cupy")().xp


@pytest.fixture
def emulated_launches(monkeypatch):
    """What is launched on an emulated device from now on, whatever there is beside it."""
    device = EmulatedDevice()
    monkeypatch.setattr(discovery, "devices", lambda: (device,))
    return device.launches


@pytest.fixture
def launches(request, monkeypatch):
    """What is launched on the device from now on: a GPU's arrays are none of an emulated one."""
    if not ON_GPU:
        return request.getfixturevalue("emulated_launches")
    device, found = discovery.device(None), []
    launch = device.launch

    def recorded(family, kernel, *how, **options):
        found.append((family, kernel))
        launch(family, kernel, *how, **options)

    monkeypatch.setattr(device, "launch", recorded)
    return found


def data(rng, n=500):
    x = rng.normal(size=n)
    return x, x + rng.normal(size=n)


MEASURES = {
    "entropy": lambda x, y: fastinfo.entropy(x),
    "mutual information": fastinfo.mutual_information,
    "uniform bins": lambda x, y: fastinfo.mutual_information(x, y, bins=8),
    "edges": lambda x, y: fastinfo.mutual_information(
        x, y, bins=np.linspace(-3, 3, 9), nan_policy="omit"
    ),
    "a rule": lambda x, y: fastinfo.mutual_information(x, y, bins="fd"),
    "corrected": lambda x, y: fastinfo.mutual_information(x, y, estimator="miller_madow"),
    "weights": lambda x, y: fastinfo.mutual_information(x, y, sample_weight=abs(x)),
    "normalised": fastinfo.normalized_mutual_information,
    "divergence": lambda x, y: fastinfo.jensen_shannon_divergence(x, y, bins=8),
    "categories": lambda x, y: fastinfo.mutual_information(
        x.astype(np.int64), (1000 * y).astype(np.int32)
    ),
    "far categories": lambda x, y: fastinfo.entropy((1e12 * x).astype(np.int64)),
    "sparse counts": lambda x, y: fastinfo.mutual_information(
        (1e12 * x).astype(np.int64), (1e12 * y).astype(np.int64)
    ),
    "sparse counts of bytes": lambda x, y: fastinfo.mutual_information(
        fastinfo.JointCounts(sparse=True).update(255 * (x > 0).view("u1"), (1e12 * y).astype("i8"))
    ),
    "sparse sums of weights": lambda x, y: fastinfo.mutual_information(
        (1e12 * x).astype(np.int64), (1e12 * y).astype(np.int64), sample_weight=abs(x)
    ),
    "booleans": lambda x, y: fastinfo.mutual_information(x > 0, y > 0),
    "two dimensions": lambda x, y: fastinfo.entropy(x.reshape(-1, 2), bins=4),
    "probabilities": lambda x, y: pmf.entropy(abs(x)),
    "divergence of probabilities": lambda x, y: pmf.kl_divergence(abs(x), abs(y)),
    "of three": lambda x, y: fastinfo.o_information(x, y, x + y),
    "divergence of three": lambda x, y: fastinfo.jensen_shannon_divergence(x, y, x + y, bins=8),
    "of an order": lambda x, y: fastinfo.renyi_entropy(x, 2),
    "divergence of an order": lambda x, y: fastinfo.renyi_divergence(x, y, 2, bins=2),
    "in time": lambda x, y: fastinfo.transfer_entropy(x, y, target_history=2, lag=3),
    "in time, shuffled": lambda x, y: fastinfo.transfer_entropy(
        x, y, n_shuffles=2, random_state=0, trials=np.arange(len(x)) >= 250
    ),
    "counts": lambda x, y: fastinfo.mutual_information(
        fastinfo.JointCounts(bins=5).update(x, y)
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")  # many categories, on purpose
@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_measures_of_device_arrays_are_those_of_the_host(rng, xp, launches, measure):
    x, y = data(rng)
    expected = measure(x, y)
    assert not launches
    found = measure(xp.asarray(x), xp.asarray(y))
    assert launches
    assert type(found) is float
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_matrices_come_back_where_the_samples_are(rng, xp):
    X = rng.integers(0, [2, 5, 3] * 4, (200, 12))  # tiles are of columns that are no neighbours
    expected = fastinfo.pairwise_mutual_information(X)
    found = fastinfo.pairwise_mutual_information(xp.asarray(X))
    assert isinstance(found, xp.ndarray)
    np.testing.assert_allclose(found.get(), expected, rtol=1e-12, atol=1e-14)
    two = fastinfo.pairwise_mutual_information(xp.asarray(X), xp.asarray(X[:, :3]))
    np.testing.assert_allclose(two.get(), expected[:, :3], rtol=1e-12, atol=1e-14)
    for backend in ("numpy", "numba"):
        moved = fastinfo.pairwise_mutual_information(xp.asarray(X), backend=backend)
        assert isinstance(moved, xp.ndarray)
        np.testing.assert_allclose(moved.get(), expected, rtol=1e-12, atol=1e-14)
    top = fastinfo.top_pairs(xp.asarray(X), 3)
    assert [pair[:2] for pair in top] == [pair[:2] for pair in fastinfo.top_pairs(X, 3)]


ARRAYS = {
    "pointwise": lambda x, y: fastinfo.pointwise_mutual_information(x, y),
    "pointwise, sparse": lambda x, y: fastinfo.pointwise_mutual_information(
        (1e12 * x).astype(np.int64), (1e12 * y).astype(np.int64)
    ),
    "pointwise, weighted": lambda x, y: fastinfo.pointwise_conditional_mutual_information(
        x, y, x > 0, sample_weight=(x > -1) * 1.0
    ),
    "pointwise in time": lambda x, y: fastinfo.pointwise_transfer_entropy(x, y, lag=2),
    "patterns": lambda x, y: fastinfo.ordinal_patterns(x, 4, 2),
    "of probabilities": lambda x, y: pmf.pointwise_mutual_information(abs(x).reshape(20, 25)),
    "of an order": lambda x, y: pmf.renyi_divergence(
        abs(x).reshape(20, 25), abs(y).reshape(20, 25), 2
    ),
}  # fmt: skip


@pytest.mark.parametrize("measure", ARRAYS.values(), ids=ARRAYS)
def test_values_of_samples_come_back_where_the_samples_are(rng, xp, measure):
    x, y = data(rng)
    expected = measure(x, y)
    found = measure(xp.asarray(x), xp.asarray(y))
    assert isinstance(expected, np.ndarray)
    assert isinstance(found, xp.ndarray)
    np.testing.assert_allclose(found.get(), expected, rtol=1e-12, atol=1e-14)


def test_missing_samples_have_no_mask_on_a_device(rng, xp):
    x, _ = data(rng)
    x[3] = np.nan
    with pytest.raises(ValueError, match="x has missing samples and is on a GPU"):
        fastinfo.ordinal_patterns(xp.asarray(x))


def test_batches_of_probabilities_come_back_where_they_are(rng, xp):
    pk = rng.random((4, 5))
    found = pmf.entropy(xp.asarray(pk), axis=1)
    assert isinstance(found, xp.ndarray)
    np.testing.assert_allclose(found.get(), pmf.entropy(pk, axis=1), rtol=1e-12)


def test_a_backend_by_name_moves_the_samples(rng, xp, launches):
    x, y = data(rng)
    expected = fastinfo.mutual_information(x, y)
    for backend in ("numpy", "numba"):
        found = fastinfo.mutual_information(xp.asarray(x), xp.asarray(y), backend=backend)
        assert found == pytest.approx(expected, rel=1e-12)
    assert not launches
    found = fastinfo.mutual_information(x, xp.asarray(y), backend="cupy")
    assert found == pytest.approx(expected, rel=1e-12)
    assert launches


def test_samples_without_weight_are_left_out_where_the_samples_are(rng, monkeypatch):
    """The environment says where to count samples of the host, and they are chosen before."""
    x, weights = rng.integers(0, 4, 60), np.arange(60) % 3
    expected = fastinfo.entropy(x, sample_weight=weights)
    monkeypatch.setenv("FASTINFO_BACKEND", "cupy")
    assert fastinfo.entropy(x, sample_weight=weights) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda h, d: fastinfo.mutual_information(h, d),
        lambda h, d: fastinfo.entropy(d, sample_weight=h),
        lambda h, d: fastinfo.kl_divergence(d, h, bins=4),
        lambda h, d: fastinfo.pairwise_mutual_information(d.reshape(-1, 2), h.reshape(-1, 2)),
        lambda h, d: pmf.kl_divergence(d, h),
        lambda h, d: fastinfo.JointCounts().update(h, d),
    ],
)
def test_a_mixture_of_places_is_refused(rng, xp, call):
    values = rng.random(40)
    with pytest.raises(ValueError, match=r"is on .* and .* on .*: copy both to one device"):
        call(values, xp.asarray(values))


@pytest.fixture
def devices(monkeypatch):
    """Two emulated devices, whatever there is beside them; the first one is current."""
    found = EmulatedDevice(number=0), EmulatedDevice(number=1)
    monkeypatch.setattr(discovery, "devices", lambda: found)
    return found


def test_two_devices_are_two_places(rng, devices):
    x, y = data(rng)
    here = arrays.namespace.asarray(x)
    with devices[1].current():
        there = arrays.namespace.asarray(y)
    with pytest.raises(ValueError, match="x is on CUDA device 0 and y on CUDA device 1"):
        fastinfo.mutual_information(here, there)
    found = fastinfo.mutual_information(here, there, backend="cupy")
    assert found == pytest.approx(fastinfo.mutual_information(x, y), rel=1e-12)
    assert not devices[1].launches


def test_device_arrays_go_to_the_kernels_of_their_device(devices):
    with devices[1].current():
        array = arrays.namespace.asarray(np.zeros(3))
    home = home_of(array)
    assert not home.is_host
    assert home.place == Place("cupy", "CUDA device 1")
    assert choose(home=home).home is home
    assert choose("numpy", home).name == "numpy"
    assert home_of(np.zeros(3)) is HOST


ELSEWHERE = {
    "one column": lambda x, y, i: fastinfo.entropy(x),
    "quantiles": lambda x, y, i: fastinfo.mutual_information(x, y, bins="quantile:4"),
    "edges": lambda x, y, i: fastinfo.mutual_information(
        x, y, bins=np.linspace(0.1, 1.5, 9), nan_policy="omit"
    ),
    "a rule": lambda x, y, i: fastinfo.entropy(x, bins="fd"),
    "categories": lambda x, y, i: fastinfo.entropy(i),
    "edges for categories": lambda x, y, i: fastinfo.entropy(i, bins=[0, 1e11, 1e12]),
    "sparse": lambda x, y, i: fastinfo.mutual_information(i, y),
    "weights": lambda x, y, i: fastinfo.mutual_information(x, y, sample_weight=y),
    "corrected": lambda x, y, i: fastinfo.mutual_information(x, y, estimator="miller_madow"),
    "divergence": lambda x, y, i: fastinfo.kl_divergence(x, y, bins=3),
    "counts": lambda x, y, i: fastinfo.entropy(fastinfo.JointCounts().update(x, sample_weight=y)),
    "other kernels": lambda x, y, i: fastinfo.mutual_information(x, i, backend="numpy"),
    "probabilities": lambda x, y, i: pmf.mutual_information(x.reshape(-1, 2)),
    "batch": lambda x, y, i: pmf.entropy(x.reshape(-1, 2), axis=1),
    "divergence of probabilities": lambda x, y, i: pmf.kl_divergence(x, y),
    "pairs": lambda x, y, i: fastinfo.pairwise_mutual_information(x.reshape(-1, 2), n_jobs=3),
    "pairs, weighted, omitted": lambda x, y, i: fastinfo.pairwise_mutual_information(
        x.reshape(-1, 2), y.reshape(-1, 2), sample_weight=y[::2], nan_policy="omit"
    ),
    "pairs to the host": lambda x, y, i: fastinfo.pairwise_mutual_information(
        x.reshape(-1, 2), out=np.empty((2, 2))
    ),
    "propagated": lambda x, y, i: fastinfo.pairwise_mutual_information(
        x.reshape(-1, 2), nan_policy="propagate"
    ),
    "top pairs": lambda x, y, i: fastinfo.top_pairs(x.reshape(-1, 4), n_jobs=3)[0].value,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")  # many categories, on purpose
@pytest.mark.parametrize("call", ELSEWHERE.values(), ids=ELSEWHERE)
def test_samples_stay_on_a_device_that_is_not_the_current_one(rng, devices, call):
    x = rng.random(400)
    y = x + rng.random(400)
    i = (1e12 * x).astype(np.int64)
    with devices[1].current():
        there = [arrays.namespace.asarray(values) for values in (x, y, i)]
    found = call(*there)
    if isinstance(found, arrays.DeviceArray):
        assert found.device.id == 1
        found = found.get()
    np.testing.assert_allclose(found, call(x, y, i), rtol=1e-12, atol=1e-14)
    assert not devices[0].launches
    assert arrays.current() == 0


@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")  # many categories, on purpose
@pytest.mark.parametrize("call", ELSEWHERE.values(), ids=ELSEWHERE)
def test_all_is_done_on_the_stream_of_the_caller(rng, devices, call):
    """Other streams need not wait for it, and threads begin with one of their own."""
    x = rng.random(400)
    with devices[1].on_stream(5):
        there = [arrays.namespace.asarray(v) for v in (x, x**2, (1e12 * x).astype(np.int64))]
        call(*there)
    assert set(devices[1].streams) <= {5}
    assert not devices[0].launches


def test_each_device_works_on_the_stream_that_was_current_there(rng, devices, monkeypatch):
    shape = tile_sizes.TILE_SHAPE._replace(side=4)
    monkeypatch.setattr(CupyKernels, "tile_shape", shape)
    with devices[1].on_stream(6), devices[0].on_stream(5):
        fastinfo.pairwise_mutual_information(rng.random((90, 12)), backend="cupy", n_jobs=4)
    assert [set(device.streams) for device in devices] == [{5}, {6}]


RUNS = {
    "from the host": lambda x, there: (x, {}),
    "to the device from the host": lambda x, there: (x, {"backend": "cupy"}),
    "on the device": lambda x, there: (there, {}),
    "by kernels of the host": lambda x, there: (there, {"backend": "numpy"}),
    "through files": lambda x, there: (there, {"checkpoint": True}),
    "with what is unknown": lambda x, there: (there, {"nan_policy": "propagate"}),
    "of two tables": lambda x, there: (there, {"Y": there, "nan_policy": "propagate"}),
}


MATRICES = {
    "whole": lambda xp: xp.full((5, 5), np.nan),
    "transposed": lambda xp: xp.full((5, 5), np.nan, np.float32).T,
    "part of another": lambda xp: xp.full((7, 12), np.nan, np.float16)[1:6, 1:11:2],
}


@pytest.mark.parametrize("make", MATRICES.values(), ids=MATRICES)
@pytest.mark.parametrize("out_on", [0, 1])
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_matrices_of_a_device_take_tiles_from_anywhere(rng, devices, tmp_path, run, out_on, make):
    """Of features in no order of their numbers of bins."""
    x = rng.integers(0, [3, 2, 3, 5, 2], (60, 5))
    samples, options = run(x, arrays.namespace.asarray(x))
    if options.pop("checkpoint", False):
        options["checkpoint"] = tmp_path / "tiles"
    with devices[out_on].current():
        out = make(arrays.namespace)
    assert fastinfo.pairwise_mutual_information(samples, out=out, **options) is out
    expected = fastinfo.pairwise_mutual_information(x, backend="numpy").astype(out.dtype)
    precision = max(1e-12, 2 * np.finfo(out.dtype).eps)
    np.testing.assert_allclose(out.get(), expected, rtol=precision, atol=precision / 100)


def test_torch_tensors_of_a_device_pass_by_dlpack(monkeypatch, devices, xp):
    """With stand-ins: torch has no device here, and the emulated one no memory to share."""
    values = np.arange(6)
    tensor = type("Tensor", (), {"__module__": "torch"})()
    tensor.device = SimpleNamespace(type="cuda", index=0)
    tensor.detach = lambda: "detached"
    taken = []
    monkeypatch.setattr(
        type(xp), "from_dlpack", staticmethod(lambda t: taken.append(t) or xp.asarray(values)),
        raising=False,
    )  # fmt: skip
    handed = []
    torch = SimpleNamespace(
        from_dlpack=lambda array: handed.append((array, devices[0].current_stream())),
        cuda=SimpleNamespace(current_stream=lambda _: SimpleNamespace(cuda_stream=77)),
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert fastinfo.entropy(tensor) == pytest.approx(np.log(6))
    assert taken == ["detached"]
    assert set(devices[0].streams) == {77}
    tables.like(xp.asarray(values), tensor)
    ((array, stream),) = handed
    np.testing.assert_array_equal(array.get(), values)
    assert stream == 77


# --- samples that are coded while they are counted ----------------------------------------------

COUNTED = {
    "equal bins": ({"bins": 8}, lambda x, y: (x, y.astype("f4")), {"count_shared<float, double>"}),
    "edges": (
        {"bins": [-9.0, 0.0, 1.0, 9.0]},
        lambda x, y: (x, y),
        {"count_shared<double, double>"},
    ),
    "labels": (
        {},
        lambda x, y: ((9 * x).astype("i8"), (9 * y).astype("i4")),
        {"count_shared<uint32, uint64>"},
    ),
    "floats and labels": (
        {"bins": 8},
        lambda x, y: (x, (y > 0).astype("u1")),
        {"count_shared<uint8, double>"},
    ),
    "weights": (
        {"bins": 8, "sample_weight": np.linspace(0, 1, 500)},
        lambda x, y: (x, y),
        {"encode_floats<double, uint8, true>", "join_codes<uint32>", "weigh_shared<uint32>"},
    ),
    "edges that leave no room": (
        {"bins": 5000},
        lambda x, y: (x,),
        {"encode_floats<double, uint16, false>", "count_shared<uint16, Nothing>"},
    ),
}


@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")  # many categories, on purpose
@pytest.mark.parametrize(("options", "make", "kernels"), COUNTED.values(), ids=COUNTED)
def test_samples_are_coded_where_they_are_counted(rng, emulated_launches, options, make, kernels):
    columns = make(*data(rng))
    measure = fastinfo.mutual_information if len(columns) == 2 else fastinfo.entropy
    expected = measure(*columns, **options, backend="numpy")
    assert measure(*columns, **options, backend="cupy") == pytest.approx(expected, rel=1e-12)
    counted = {kernel for family, kernel in emulated_launches if family in ("count", "encode")}
    assert counted == kernels


@pytest.mark.parametrize("n", [1, 5, 998])
@pytest.mark.parametrize("starts", [(1, 0), (0, 1), (1, 1), (2, 3), (4, 4)], ids=str)
def test_samples_that_no_wide_load_reaches(rng, xp, starts, n):
    """Slices of arrays begin anywhere."""
    edges = np.linspace(-1, 1, 6)
    host = [
        rng.normal(size=n + 4).astype(dtype)[s:][:n]
        for s, dtype in zip(starts, ("f4", "f8"), strict=True)
    ]
    kernels, reference = load("cupy")(), load("numpy")()
    sides = []
    for start, part in zip(starts, host, strict=True):
        longer = xp.asarray(np.r_[np.zeros(start, part.dtype), part])
        sides.append(Uncoded(longer[start:], edges, is_uniform=True))
    codes = [reference.encode_edges(part, edges) for part in host]
    found = kernels.count_joint(sides, [5, 5])
    np.testing.assert_array_equal(found.get(), reference.count_joint(codes, [5, 5]))


@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")  # many categories, on purpose
@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_columns_that_stay_on_the_host(monkeypatch, rng, measure):
    """Ranges and chunks of a few samples, as if there were no room for more."""
    x, y = data(rng, n=3000)
    expected = measure(x, y)
    monkeypatch.setenv("FASTINFO_BACKEND", "cupy")
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 512)
    monkeypatch.setattr(plan, "supply", lambda *_: plan.Supply(whole_bytes=0, samples=336))
    assert measure(x, y) == pytest.approx(expected, rel=1e-12, abs=1e-14)


# --- installed, and of no use -------------------------------------------------------------------

UNUSABLE = """
import fastinfo
told = {b.name: b for b in fastinfo.backends()}["cupy"]
assert not told.usable
print(told.detail)
for call in (lambda: fastinfo.entropy([0, 1], backend="cupy"),
             lambda: fastinfo.JointCounts(backend="cupy").update([0, 1])):
    try:
        call()
    except ImportError as error:
        assert str(error) == "backend 'cupy' cannot be used: " + told.detail, error
    else:
        raise SystemExit("nothing was raised")
assert fastinfo.entropy([0, 1], base=2) == 1.0
"""


def unusable(before=""):
    """What a process without the emulated device says."""
    done = subprocess.run(
        [sys.executable, "-c", before + UNUSABLE], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_cupy_that_cannot_be_imported_is_told():
    told = unusable('import sys; sys.modules["cupy"] = None')
    assert "import of cupy halted; None in sys.modules; pip install cupy-cuda13x" in told


def test_a_cupy_without_a_device_is_told_with_the_reason():
    try:
        import cupy
    except ImportError:
        assert "No module named 'cupy'; pip install cupy-cuda13x" in unusable()
        return
    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        assert "finds no NVIDIA driver that it can use" in unusable()
        assert "use another backend" in unusable()
        return
    pytest.skip("there is a GPU here, and nothing to complain about")


class FakeRuntime:
    """A CuPy that is there and lacks something."""

    def __init__(self, n_devices=1, nvrtc=None, version="14.2.0"):
        self.__version__ = version

        class CUDARuntimeError(RuntimeError):
            pass

        def count():
            if isinstance(n_devices, str):
                raise CUDARuntimeError(n_devices)
            return n_devices

        def nvrtc_version():
            if nvrtc is not None:
                raise ImportError(nvrtc)

        runtime = SimpleNamespace(getDeviceCount=count, CUDARuntimeError=CUDARuntimeError)
        self.cuda = SimpleNamespace(
            runtime=runtime, nvrtc=SimpleNamespace(getVersion=nvrtc_version)
        )


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        (FakeRuntime("cudaErrorNoDevice: no"), r"no NVIDIA driver .* \(cudaErrorNoDevice: no\)"),
        (FakeRuntime(version="14.1.1"), "14.1.1 is older than 14.2; pip install cupy-cuda13x"),
        (FakeRuntime(version="13.6"), "13.6 is older than 14.2; "),
        (FakeRuntime(0), "a driver and no device; .*CUDA_VISIBLE_DEVICES"),
        (FakeRuntime(1, "libnvrtc.so.13"), r"no NVRTC, .*\(libnvrtc.so.13\); pip install"),
    ],
)
def test_each_reason_is_told(library, reason):
    found = discovery.found_by(library)
    assert isinstance(found, discovery.UnusableError)
    assert re.search(reason, str(found))


def test_a_device_that_is_too_old_is_told(monkeypatch):
    old = EmulatedDevice(SMALL._replace(name="An Old One", capability=(7, 0)), number=0)
    found = discovery.capable([old])
    assert isinstance(found, discovery.UnusableError)
    assert "capability of 7.5 or more is needed, and An Old One has 7.0" in str(found)
    new = EmulatedDevice(number=1)
    assert discovery.capable([old, new]) == (old, new)
    monkeypatch.setattr(discovery, "devices", lambda: (old, new))
    assert "An Old One (capability 7.0, too old), emulated (cap" in CupyKernels.describe()
    assert CupyKernels(1).device is new
    with pytest.raises(ImportError, match=r"An Old One has 7\.0"):
        CupyKernels(0)
