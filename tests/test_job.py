"""Tiles that several devices share: the same values to the bit, whoever measures them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from emulation import arrays, build
from emulation.device import SMALL, EmulatedDevice

import fastinfo
from fastinfo.backends.contract import TileShape
from fastinfo.backends.cupy import CupyKernels, discovery
from fastinfo.pairs import engine, features, plan
from fastinfo.pairs.job import Job
from fastinfo.system.ranges import map_threads

pytestmark = [
    pytest.mark.skipif(build.unavailable() is not None, reason=str(build.unavailable())),
    pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning"),
]

N_SAMPLES = 90
SIDE = 3
N_BINS = [2, 3, 2, 9, 300, 33, 3, 11, 2, 60, 9]

COUNTING = {"onehot_mma", "onehot_popc", "scatter", "weighted"}
"""Families of kernels that count pairs, and nothing else."""


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch):
    monkeypatch.setattr(CupyKernels, "tile_shape", TileShape(SIDE, 1 << 30))


@pytest.fixture
def visible(monkeypatch):
    """Emulated devices, so many as are asked for, in the place of all that there are."""

    def make(number, properties=()):
        properties = [*properties, *[SMALL] * number][:number]
        found = tuple(EmulatedDevice(p, number=i) for i, p in enumerate(properties))
        monkeypatch.setattr(discovery, "devices", lambda: found)
        return found

    return make


@pytest.fixture
def measured(monkeypatch):
    """The device and the tile of everything that is measured."""
    plain, seen = Job.measure, []

    def measure(job, tile):
        seen.append((job.kernels.device.number, tile))
        return plain(job, tile)

    monkeypatch.setattr(Job, "measure", measure)
    return seen


def table(rng, share_missing=0.0):
    X = rng.integers(0, N_BINS, (N_SAMPLES, len(N_BINS))).astype(object)
    for column in (1, 5, 10):
        X[rng.random(N_SAMPLES) < share_missing, column] = None
    return X


def counted(device):
    return [kernel for family, kernel in device.launches if family in COUNTING]


CASES = {
    "complete": lambda rng: {},
    "missing": lambda rng: {"X": table(rng, 0.2), "nan_policy": "omit"},
    "propagated": lambda rng: {"X": table(rng, 0.02), "nan_policy": "propagate"},
    "weights": lambda rng: {"sample_weight": rng.random(N_SAMPLES)},
    "another term": lambda rng: {"estimator": "miller_madow"},
    "counts wanted": lambda rng: {"estimator": "add_one"},
    "two tables": lambda rng: {"Y": table(rng)[:, 4:]},
    "floats": lambda rng: {"X": rng.normal(size=(N_SAMPLES, 8)), "bins": "quantile:5"},
}


@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")  # many categories, on purpose
@pytest.mark.parametrize("n_jobs", [1, 4])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.usefixtures("add_one")
def test_no_number_of_devices_changes_a_bit(rng, visible, case, n_jobs):
    options = {"X": table(rng), "backend": "cupy", "n_jobs": n_jobs} | case(rng)
    found = []
    for number in (1, 2, 3):
        devices = visible(number)
        matrix = fastinfo.pairwise_mutual_information(**options)
        assert all(counted(device) for device in devices)
        found.append((matrix, fastinfo.top_pairs(k=7, **options)))
    for matrix, top in found[1:]:
        np.testing.assert_array_equal(matrix, found[0][0])
        assert top == found[0][1]
    reference = fastinfo.pairwise_mutual_information(**options | {"backend": "numpy"})
    np.testing.assert_allclose(found[0][0], reference, rtol=1e-12, atol=1e-12)


def test_codes_go_over_in_pieces(rng, visible, monkeypatch):
    X = table(rng)
    visible(1)
    expected = fastinfo.pairwise_mutual_information(X, backend="cupy")
    for size in (1, 2 * N_SAMPLES + 1, 1 << 20):
        visible(2)
        monkeypatch.setattr(features, "BROUGHT_AT_ONCE", size)
        found = fastinfo.pairwise_mutual_information(X, backend="cupy")
        np.testing.assert_array_equal(found, expected)


def test_sparse_pairs_are_shared_too(rng, visible, measured, monkeypatch):
    monkeypatch.setattr(plan, "LARGEST_PAIR_TABLE", 1 << 10)
    X = rng.integers(0, [300, 200, 3, 100], (N_SAMPLES, 4))
    recorded, both_have_one, began = Job.measure, threading.Barrier(2), set()

    def measure(job, tile):
        # Otherwise one thread may take all tiles before the other has started.
        number = job.kernels.device.number
        if len(found) == 1 and tile.is_sparse and number not in began:
            began.add(number)
            both_have_one.wait(60)
        return recorded(job, tile)

    monkeypatch.setattr(Job, "measure", measure)
    found = []
    for number in (1, 2):
        visible(number)
        found.append(fastinfo.pairwise_mutual_information(X, backend="cupy"))
    assert {device for device, tile in measured if tile.is_sparse} == {0, 1}
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("case", ["complete", "missing", "weights"])
def test_samples_in_strata_are_shared_too(rng, visible, case):
    """Every device gets packs of all strata, and of all samples where both are asked for."""
    options = {"backend": "cupy", "nan_policy": "omit"} | CASES[case](rng)
    X, z = options.pop("X", table(rng)), rng.integers(0, 3, N_SAMPLES)
    found = []
    for number in (1, 3):
        devices = visible(number)
        conditional = fastinfo.pairwise_conditional_mutual_information(X, given=z, **options)
        assert all(counted(device) for device in devices)
        found.append((conditional, *fastinfo.pairwise_interaction(X, z, **options)))
    np.testing.assert_array_equal(*found)


def test_bins_are_made_on_the_current_device_by_threads_too(rng, visible, measured):
    """Threads begin with the first device as their current one, wherever the caller is."""
    X = table(rng)
    visible(1)
    expected = fastinfo.pairwise_mutual_information(X, backend="cupy")
    devices = visible(3)
    measured.clear()
    with devices[2].current():
        found = fastinfo.pairwise_mutual_information(X, backend="cupy", n_jobs=3)
        assert arrays.current() == 2
    np.testing.assert_array_equal(found, expected)
    assert {device for device, _ in measured} == {0, 1, 2}
    binned = [any(family == "encode" for family, _ in device.launches) for device in devices]
    assert binned == [False, False, True]


@pytest.mark.parametrize("n_features", [1, 3, 4])
def test_a_device_that_gets_no_tile_gets_no_features(rng, visible, measured, n_features):
    devices = visible(4)
    X = rng.integers(0, 5, (N_SAMPLES, n_features))
    fastinfo.pairwise_mutual_information(X, backend="cupy")
    n_tiles = len({(tile.left.start, tile.right.start) for _, tile in measured})
    assert n_tiles == {1: 1, 3: 1, 4: 3}[n_features]
    assert [bool(device.launches) for device in devices] == [i < n_tiles for i in range(4)]


def test_what_is_on_a_device_is_measured_there(rng, visible):
    X, weights = table(rng).astype(int), rng.random(N_SAMPLES)
    first, second = visible(2)
    with second.current():
        there, weights_there = arrays.namespace.asarray(X), arrays.namespace.asarray(weights)
    fastinfo.pairwise_mutual_information(there)
    fastinfo.pairwise_mutual_information(there, backend="cupy", out=np.empty((11, 11)))
    fastinfo.top_pairs(X, sample_weight=weights_there, backend="cupy")
    with second.current():
        out = arrays.namespace.empty((11, 11))
        fastinfo.pairwise_mutual_information(X, backend="cupy", out=out)
    assert not first.launches
    expected = fastinfo.pairwise_mutual_information(X, backend="numpy")
    np.testing.assert_allclose(out.get(), expected, rtol=1e-12, atol=1e-12)


def test_a_third_variable_may_be_on_the_device_too(rng, visible):
    X, z = table(rng).astype(int), rng.integers(0, 3, N_SAMPLES)
    _, second = visible(2)
    expected = fastinfo.pairwise_conditional_mutual_information(X, given=z)
    synergies = fastinfo.pairwise_interaction(X, z)
    with second.current():
        there, z_there = arrays.namespace.asarray(X), arrays.namespace.asarray(z)
    found = fastinfo.pairwise_conditional_mutual_information(there, given=z_there)
    np.testing.assert_allclose(found.get(), expected, rtol=1e-12, atol=1e-12)
    for ours, theirs in zip(fastinfo.pairwise_interaction(there, z_there), synergies, strict=True):
        np.testing.assert_allclose(ours.get(), theirs, rtol=1e-12, atol=1e-12)
    best, *_ = fastinfo.top_pairs(there, given=z_there, rank_by="corrected")
    same, *_ = fastinfo.top_pairs(X, given=z, rank_by="corrected")
    assert best[:2] == same[:2]
    assert best[2:] == pytest.approx(same[2:], rel=1e-12)
    best, *_ = fastinfo.top_interactions(there, z_there, rank_by="corrected")
    same, *_ = fastinfo.top_interactions(X, z, rank_by="corrected")
    assert best[:2] == same[:2]
    with pytest.raises(ValueError, match="and given on"):
        fastinfo.pairwise_conditional_mutual_information(there, given=z)


def test_a_device_that_is_too_old_gets_nothing(rng, visible):
    old = SMALL._replace(capability=(7, 0))
    devices = visible(3, [SMALL, old])
    fastinfo.pairwise_mutual_information(table(rng), backend="cupy")
    assert [bool(device.launches) for device in devices] == [True, False, True]


# --- how a run goes -----------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "then"), [(2, 1), (1, 3)])
@pytest.mark.usefixtures("add_one")
@pytest.mark.parametrize("estimator", ["ml", "miller_madow", "add_one"])
def test_another_number_of_devices_goes_on(
    rng, visible, measured, tmp_path, first, then, estimator
):
    options = {"X": table(rng), "backend": "cupy", "estimator": estimator}
    visible(1)
    expected = fastinfo.pairwise_mutual_information(**options)
    every = {(tile.left.start, tile.right.start) for _, tile in measured}
    n_finished = 0

    def stop_halfway(done, total):
        nonlocal n_finished
        n_finished += 1
        if done > total // 2:
            raise KeyboardInterrupt

    visible(first)
    measured.clear()
    with pytest.raises(KeyboardInterrupt):
        fastinfo.pairwise_mutual_information(**options, checkpoint=tmp_path, progress=stop_halfway)
    assert {device for device, _ in measured} == set(range(first))
    visible(then)
    measured.clear()
    found = fastinfo.pairwise_mutual_information(**options, checkpoint=tmp_path)
    np.testing.assert_array_equal(found, expected)
    assert 0 < len(measured) <= len(every) - n_finished
    assert {device for device, _ in measured} == set(range(then))


@pytest.mark.parametrize("error", [RuntimeError("a broken tile"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("number", [0, 1])
def test_an_exception_on_one_device_ends_the_run(rng, visible, monkeypatch, number, error):
    visible(2)
    plain, seen = Job.measure, []

    def measure(job, tile):
        seen.append(tile)
        if job.kernels.device.number == number:
            raise error
        return plain(job, tile)

    monkeypatch.setattr(Job, "measure", measure)
    X = rng.integers(0, 3, (N_SAMPLES, 40))
    with pytest.raises(type(error)):
        fastinfo.pairwise_mutual_information(X, backend="cupy", n_jobs=1)
    assert len(seen) < 50  # of 105; 4 without delay: two threads, and a tile ahead for each
    assert arrays.current() == 0


def test_a_device_without_memory_is_named(rng, visible, monkeypatch):
    """Nothing is left out in silence: the error says which device, and how to go on without it."""
    _, small = visible(2, [SMALL, SMALL._replace(name="A Small One")])

    def refuse(*_, **__):
        raise MemoryError("allocating 9 bytes")

    monkeypatch.setattr(small, "launch", refuse)
    with pytest.raises(
        MemoryError,
        match=r"CUDA device 1 \(A Small One\) is out of memory: allocating 9 bytes; "
        r".*CUDA_VISIBLE_DEVICES",
    ):
        fastinfo.pairwise_mutual_information(table(rng), backend="cupy")


@pytest.mark.parametrize("n_devices", [1, 2])
def test_no_more_threads_than_devices_take(rng, visible, monkeypatch, n_devices):
    """Each of them holds a tile, and there may be a hundred cores."""
    visible(n_devices)
    seen = []

    def encoding(*arguments, n_jobs, **options):
        seen.append(n_jobs)
        return map_threads(*arguments, n_jobs=n_jobs, **options)

    def measuring(n_threads, **options):
        seen.append(n_threads)
        return ThreadPoolExecutor(n_threads, **options)

    def unmeasured(job, tile):
        sides = (range(job.plan.order.size)[side] for side in (tile.left, tile.right))
        return {"value": np.zeros([len(side) for side in sides])}

    monkeypatch.setattr(features, "map_threads", encoding)
    monkeypatch.setattr(engine, "ThreadPoolExecutor", measuring)
    monkeypatch.setattr(Job, "measure", unmeasured)
    X = rng.random((N_SAMPLES, 90))
    fastinfo.pairwise_mutual_information(X, backend="cupy", n_jobs=100)
    assert seen == [CupyKernels.most_threads, n_devices * CupyKernels.most_threads]


def test_a_device_that_is_slow_gets_fewer_tiles(rng, visible, monkeypatch):
    visible(2)
    plain, seen = Job.measure, []
    others_are_done = threading.Event()

    def measure(job, tile):
        number = job.kernels.device.number
        if number == 1:
            assert others_are_done.wait(60)
        seen.append(number)
        if seen.count(0) == 20:
            others_are_done.set()
        return plain(job, tile)

    monkeypatch.setattr(Job, "measure", measure)
    X = rng.integers(0, 3, (N_SAMPLES, 24))
    fastinfo.pairwise_mutual_information(X, backend="cupy", n_jobs=1)
    assert len(seen) == 36
    assert seen[:20] == [0] * 20
