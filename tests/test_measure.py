"""The engine takes its measure as an argument: other formulas and estimators, several planes."""

import itertools
from typing import NamedTuple

import naive
import numpy as np
import pytest
from add_one import naive_add_one

import fastinfo
from fastinfo import formulas
from fastinfo.backends import choose, pair_sums
from fastinfo.backends.pair_sums import sums_of
from fastinfo.backends.terms import MOST_FIXED, XLOGX, reduction
from fastinfo.estimators import entropies
from fastinfo.inputs.options import Options
from fastinfo.pairs import engine, job, plan
from fastinfo.pairs.checkpoint import Checkpoint
from fastinfo.pairs.matrices import matrix
from fastinfo.pairs.measure import OfEntropies
from fastinfo.pairs.packs import Pack, Strata
from fastinfo.pairs.runs import Run, bin_features, inputs, resolve
from fastinfo.pairs.sinks import MatrixSink, PropagatingSink

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")

TERMS = [name for name, estimator in entropies.ESTIMATORS.items() if estimator.term]

PLAIN = {"bins": None, "base": None, "policy": "raise", "sample_weight": None, "jobs": None}


def options(backend, estimator="ml", **changed):
    return Options(**PLAIN | {"estimator_name": estimator, "backend": backend} | changed)


# --- another measure ------------------------------------------------------------------------------


def pairwise_variation_of_information(X, Y=None, **chosen):
    """A second function of all pairs, written as a contributor would write it."""
    formula, checked = formulas.variation_of_information, options(**chosen)
    measure = OfEntropies("variation_of_information", formula, checked.estimator)
    return matrix(X, Y, measure, checked, Run(None, None, None))


def test_a_second_function_of_all_pairs(backend, rng):
    X = rng.integers(0, [2, 3, 9, 40], (150, 4))
    found = pairwise_variation_of_information(X, backend=backend)
    for i, j in np.ndindex(4, 4):
        expected = naive.variation_of_information(X[:, i].tolist(), X[:, j].tolist())
        assert found[i, j] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    of_two = pairwise_variation_of_information(X[:, :1], X[:, 1:], backend=backend)
    np.testing.assert_array_equal(of_two, found[:1, 1:])


# --- more than one number -------------------------------------------------------------------------


class InformationAndSamples(NamedTuple):
    """A measure with two planes: mutual information and the number of samples."""

    planes: tuple = ("value", "n_samples")
    term: object = XLOGX

    def __call__(self, pairs):
        sums = pairs.sums()
        both, x, y = sums.entropies()
        n = pairs.kernels.xp.zeros_like(sums.joint, dtype=np.float64) + sums.samples
        return x + y - both, n


@pytest.mark.parametrize("is_propagated", [False, True])
def test_two_planes_reach_two_matrices(backend, rng, tmp_path, is_propagated):
    X = rng.integers(0, [3, 4, 2, 5], (80, 4)).astype(object)
    X[rng.random((80, 4)) < 0.1] = None
    binned = bin_(X, backend)
    expected = fastinfo.pairwise_mutual_information(X, backend=backend, nan_policy="omit")
    present = np.array([[value is not None for value in row] for row in X])
    counts = present.T.astype(int) @ present
    for _ in range(2):  # the second run reads the checkpoint
        found = {name: np.zeros((4, 4)) for name in ("value", "n_samples")}
        tile_job = job.Job(
            binned, plan.Plan(binned.n_bins, None, 80), InformationAndSamples(), choose(backend)
        )
        with Opened(tmp_path) as checkpoint:
            engine.run([tile_job], Both(found, is_propagated), 1, checkpoint=checkpoint)
        if is_propagated:
            lacks = ~present.all(axis=0)
            unknown = lacks[:, None] | lacks
            assert np.isnan(found["value"][unknown]).all()
            assert np.isnan(found["n_samples"][unknown]).all()
            continue
        np.testing.assert_allclose(found["value"], expected, rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(found["n_samples"], counts)


class Opened:
    """A context with a checkpoint, which is closed at the end."""

    def __init__(self, directory):
        self.checkpoint = Checkpoint(directory, {}, None, InformationAndSamples().planes)

    def __enter__(self):
        return self.checkpoint

    def __exit__(self, *_):
        self.checkpoint.close()


class Both:
    """A sink that writes each plane to a matrix of its own."""

    stays = False

    def __init__(self, matrices, is_propagated):
        host = choose("numpy")
        self.sinks = [
            MatrixSink(values, None, 1.0, host, False, plane) for plane, values in matrices.items()
        ]
        if is_propagated:
            self.sinks = [PropagatingSink(sink, np.ones(4, bool)) for sink in self.sinks]

    def put(self, left, right, planes):
        assert list(planes) == ["value", "n_samples"]
        for sink in self.sinks:
            sink.put(left, right, planes)


def bin_(X, backend):
    chosen = options(backend, policy="omit")
    return bin_features(resolve(inputs(X, None, None, None), chosen), chosen).features


# --- samples in strata ----------------------------------------------------------------------------


STRATA = [
    *itertools.product(["complete", "missing", "two tables", "sparse"], TERMS),
    ("weights", "ml"),
]


@pytest.mark.parametrize(("case", "estimator"), STRATA)
def test_strata_give_conditional_information(backend, rng, monkeypatch, case, estimator):
    """The formula of mutual information, by sums over strata, gives conditional information."""
    if case == "sparse":
        monkeypatch.setattr(plan, "LARGEST_PAIR_TABLE", 1)
    X = rng.integers(0, [2, 3, 9, 40, 5], (300, 5)).astype(object)
    z = rng.integers(0, 4, 300).astype(object)
    if case == "missing":
        X[rng.random((300, 5)) < 0.1] = None
        z[rng.random(300) < 0.1] = None
    weights = rng.random(300) if case == "weights" else None
    n_left = 2 if case == "two tables" else None
    kernels = choose(backend)
    binned = bin_(X, backend)
    strata = Strata.of(np.array([4 if value is None else value for value in z], int), 4)
    tile_job = job.Job(
        binned,
        plan.Plan(binned.n_bins, n_left, 300),
        OfEntropies("information", formulas.mutual_information, estimator),
        kernels,
        None if weights is None else kernels.bring(weights),
        strata=strata,
    )
    n_seen = 0
    for tile in tile_job.plan.tiles:
        values = tile_job.measure(tile)["value"]
        for i, x in enumerate(tile_job.plan.order[tile.left]):
            for j, y in enumerate(tile_job.plan.order[tile.right]):
                expected = fastinfo.conditional_mutual_information(
                    X[:, x],
                    X[:, y],
                    z,
                    nan_policy="omit",
                    estimator=estimator,
                    sample_weight=weights,
                )
                assert values[i, j] == pytest.approx(expected, rel=1e-11, abs=1e-12)
                n_seen += 1
    assert n_seen >= (6 if n_left else 15)


def test_sums_of_strata_are_those_of_each_alone(backend, rng):
    """Sums are integers, so they are equal to the bit; a stratum without samples adds nothing."""
    kernels = choose(backend)
    n_bins = np.array([2, 5, 17])
    codes = np.stack([rng.integers(0, bins + 1, 500) for bins in n_bins]).astype(np.uint8)
    z = rng.choice([0, 2, 3], 500)
    how = reduction(XLOGX, 500)
    pack = Pack(kernels, kernels.bring(codes), n_bins, how, strata=Strata.of(z, 4))
    found = pack.sums(slice(0, 2), pack, slice(0, 3))
    each = []
    for stratum in (0, 2, 3):
        chosen = kernels.bring(codes[:, z == stratum])
        alone = kernels.pack(chosen, n_bins.tolist(), reduction=how)
        each.append(kernels.pair_sums(alone, slice(0, 2), alone, slice(0, 3)))
    for part, ours in zip(found._fields[:-1], found[:-1], strict=True):
        total = sum(on_host(kernels, getattr(sums, part)) for sums in each)
        np.testing.assert_array_equal(on_host(kernels, ours), total)


def on_host(kernels, sums):
    return np.broadcast_to(kernels.to_host(sums), (2, 3))


@pytest.mark.parametrize("size", [3, 300, 2500])
def test_sums_by_counts_hold_few_counts_at_a_time(rng, monkeypatch, size):
    """Many bins and many samples, or weights: some pairs at a time, and one that has more."""
    asked, reference = [], choose("numpy")
    codes, weights = rng.integers(0, size, (6, 40)).astype(np.uint16), rng.random(40)
    pack = reference.pack(codes, [size] * 6, weights)

    class Recorded(type(reference)):
        def count_pairs(self, left, lefts, right, rights):
            asked.append((lefts.stop - lefts.start) * (rights.stop - rights.start))
            return super().count_pairs(left, lefts, right, rights)

    found = Recorded().pair_sums(pack, slice(0, 6), pack, slice(0, 6))
    assert max(asked) * size**2 <= max(pair_sums.MOST_COUNTS, size**2)
    assert sum(asked) == 36
    assert found.joint.shape == (6, 6)


def test_nobody_in_a_stratum(backend):
    X = np.array([[0, 1], [1, 0]])
    binned = bin_(X, backend)
    measure = OfEntropies("information", formulas.mutual_information, "ml")
    strata = Strata.of(np.array([3, 3]), 3)
    tile_job = job.Job(
        binned, plan.Plan(binned.n_bins, None, 2), measure, choose(backend), strata=strata
    )
    for tile in tile_job.plan.tiles:
        assert np.isnan(tile_job.measure(tile)["value"]).all()


# --- an estimator that is no sum over cells -------------------------------------------------------


def expected_information(x, y, x_cells, y_cells):
    counts = naive.count([x, y])
    margins = []
    for axis in (0, 1):
        margin = {}
        for cell, count in counts.items():
            margin[cell[axis]] = margin.get(cell[axis], 0) + count
        margins.append(list(margin.values()))
    joint = naive_add_one(list(counts.values()), x_cells * y_cells)
    return naive_add_one(margins[0], x_cells) + naive_add_one(margins[1], y_cells) - joint


FORMS = {
    "bytes": lambda x: x.astype(np.uint8),
    "integers": lambda x: x,
    "with an offset": lambda x: x + 200_000,
    "far apart": lambda x: x * 1_000_003,
    "negative bytes": lambda x: (x - 100).astype(np.int8),
    "text": lambda x: x.astype(str),
}


@pytest.mark.usefixtures("add_one")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", ["dense", "sparse", "cut"])
def test_possible_cells_are_the_same_behind_every_door(backend, rng, monkeypatch, form, way):
    """Of integers with gaps, those that occur are possible, whatever their dtype and array."""
    if way == "sparse":
        monkeypatch.setattr(plan, "LARGEST_PAIR_TABLE", 1)
    if way == "cut":
        monkeypatch.setattr(plan, "TILE_CELLS", 1)
    values = np.array([3, 4, 9, 17, 40, 41])  # 39 integers, counted with 40 bins, or with 42
    X = values[rng.integers(0, [2, 3, 6, 6], (60, 4))]
    given = FORMS[form](X)
    found = fastinfo.pairwise_mutual_information(given, backend=backend, estimator="add_one")
    for i, j in ((0, 1), (1, 2), (2, 3), (0, 3)):
        x, y = X[:, i].tolist(), X[:, j].tolist()
        expected = expected_information(x, y, len(set(x)), len(set(y)))
        assert found[i, j] == pytest.approx(expected, rel=1e-11)
        pair = {"backend": backend, "estimator": "add_one"}
        alone = fastinfo.mutual_information(given[:, i], given[:, j], **pair)
        assert alone == pytest.approx(expected, rel=1e-11)


@pytest.mark.usefixtures("add_one")
def test_empty_bins_between_edges_are_possible(backend, rng):
    X = rng.random((50, 2)) ** 8
    edges = np.linspace(0, 1, 21)
    assert (np.histogram(X[:, 0], edges)[0] == 0).any()
    options = {"bins": edges, "backend": backend, "estimator": "add_one"}
    x, y = (np.digitize(X[:, i], edges).tolist() for i in range(2))
    expected = expected_information(x, y, 20, 20)
    assert fastinfo.mutual_information(*X.T, **options) == pytest.approx(expected, rel=1e-11)
    matrix_ = fastinfo.pairwise_mutual_information(X, **options)
    assert matrix_[0, 1] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("name", TERMS)
def test_sums_in_fixed_point_and_in_floats_are_one(rng, name):
    term = entropies.ESTIMATORS[name].term
    counts = rng.integers(0, 6, (5, 3, 4, 7))
    tables = counts.reshape(5, 3, 28), counts.sum(axis=3), counts.sum(axis=2)
    host = choose("numpy")
    for n_samples in (int(counts.sum(axis=(2, 3)).max()), MOST_FIXED + 1):
        found = sums_of(tables, reduction(term, n_samples), host).entropies()
        for ours, table in zip(found, tables, strict=True):
            expected = entropies.entropy(table, None, name, host)
            np.testing.assert_allclose(ours, expected, rtol=1e-12)


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("n_samples", [1, 2, 3, 1000, 999_999])
def test_sums_of_constants_give_no_entropy(backend, name, n_samples):
    """Exactly, in fixed point and in floats, for any number of samples."""
    kernels, term = choose(backend), entropies.ESTIMATORS[name].term
    joint = np.zeros((2, 6), np.int64)
    joint[0, 4], joint[1, [0, 5]] = n_samples, (n_samples, 1)
    for most in (1_000_001, MOST_FIXED + 1):
        tables = tuple(map(kernels.bring, (joint, joint[:, 3:], joint[:, :3])))
        found = sums_of(tables, reduction(term, most), kernels).entropies()
        of_joint, left, _ = map(kernels.to_host, found)
        assert of_joint[0] == left[0] == 0
        assert of_joint[1] > 0
