"""All pairs: the matrix, the strongest pairs, and how a run goes."""

import gc
import itertools
import math
import signal
import subprocess
import sys
import time
import tracemalloc
from contextlib import nullcontext
from pathlib import Path

import naive
import numpy as np
import pytest
from conftest import library
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo import Pair, counting
from fastinfo.backends import load
from fastinfo.backends.contract import TileShape
from fastinfo.backends.cupy import CupyKernels
from fastinfo.binning.rules import Quantile
from fastinfo.estimators.entropies import ESTIMATORS
from fastinfo.inputs import arguments
from fastinfo.pairs import features, plan
from fastinfo.pairs.job import FEWEST_PARTNERS, Job
from fastinfo.pairs.measure import mutual_information

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")

ROOT = Path(__file__).parents[1]

SYMMETRIC = [name for name, estimator in ESTIMATORS.items() if estimator.of_rows is None]
"""Estimators of pairs that have no order."""


def close(expected):
    return pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True)


def loop(columns, others=None, **options):
    """The matrix by one call of mutual_information a pair; NaN where no sample is left."""

    def one(x, y):
        try:
            return fastinfo.mutual_information(x, y, **options)
        except ValueError as error:
            if "no sample is left" not in str(error):
                raise
            return math.nan

    return np.array([[one(x, y) for y in (others or columns)] for x in columns])


@pytest.fixture
def mixed(rng):
    """Features of unequal numbers of bins, related to each other."""
    base = rng.integers(0, 40, 300)
    return np.stack(
        [base, base % 2, base // 7, rng.integers(0, 3, 300), base * 0, (base + 1) % 5, -base],
        axis=1,
    )


# --- the matrix ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("add_one")
@pytest.mark.parametrize("estimator", [*SYMMETRIC, "dirichlet:0.3", "nsb:40", "add_one"])
@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
def test_matrix_is_a_loop_over_mutual_information(backend, mixed, rng, weighted, estimator):
    options = {"backend": backend, "estimator": estimator}
    if weighted:
        if ESTIMATORS[estimator].needs_integers:
            with pytest.raises(ValueError, match="corrects for the number of samples"):
                fastinfo.pairwise_mutual_information(mixed, sample_weight=mixed[:, 3], **options)
            return
        options["sample_weight"] = rng.random(len(mixed))
    found = fastinfo.pairwise_mutual_information(mixed, **options)
    assert found == close(loop(list(mixed.T), **options))
    np.testing.assert_array_equal(found, found.T)


def test_two_tables(backend, mixed):
    X, Y = mixed[:, :3], mixed[:, 2:]
    found = fastinfo.pairwise_mutual_information(X, Y, base=2, backend=backend)
    assert found.shape == (3, 5)
    assert found == close(loop(list(X.T), list(Y.T), base=2, backend=backend))
    swapped = fastinfo.pairwise_mutual_information(Y, X, base=2, backend=backend)
    assert swapped == close(found.T)


@pytest.mark.parametrize("bins", [None, 7, "quantile:4", [-9, 0, 1, 9]], ids=str)
def test_floating_point_features(backend, rng, bins):
    X = rng.normal(size=(200, 4))
    X[:, 1] += X[:, 0]
    found = fastinfo.pairwise_mutual_information(X, bins=bins, backend=backend)
    assert found == close(loop(list(X.T), bins=bins, backend=backend))


def test_bins_for_each_of_two_tables(backend, rng):
    X, Y = rng.normal(size=(2, 100, 3))
    found = fastinfo.pairwise_mutual_information(X, Y, bins=(3, "quantile:5"), backend=backend)
    expected = loop(list(X.T), list(Y.T), bins=(3, "quantile:5"), backend=backend)
    assert found == close(expected)


def with_missing(rng):
    """Integer features: complete ones, some with missing, one without a single sample."""
    columns = [rng.integers(0, b, 120).tolist() for b in (2, 5, 3, 9, 40, 2)]
    for c, share in ((1, 0.1), (3, 0.5), (4, 0.2), (5, 1.0)):
        columns[c] = [None if rng.random() < share else v for v in columns[c]]
    return columns


@pytest.mark.parametrize("nan_policy", ["omit", "propagate"])
def test_missing_samples(backend, rng, nan_policy):
    """Each pair leaves out the samples that it lacks, and no others."""
    columns = with_missing(rng)
    X = np.array(columns, object).T
    found = fastinfo.pairwise_mutual_information(X, nan_policy=nan_policy, backend=backend)
    for i, j in itertools.product(range(6), repeat=2):
        expected = math.nan
        if 5 not in (i, j) and (nan_policy == "omit" or not {i, j} & {1, 3, 4}):
            expected = naive.mutual_information(columns[i], columns[j])
        assert found[i, j] == close(expected), (i, j)


@pytest.mark.parametrize("kind", ["floats", "integers", "masked"])
def test_missing_samples_are_an_error_by_default(backend, kind):
    X = {
        "floats": np.array([[0.0, np.nan], [1.0, 2.0]]),
        "integers": np.array([[0, None], [1, 2]], object),
        "masked": np.ma.array([[0, 1], [1, 2]], mask=[[0, 1], [0, 0]]),
    }[kind]
    with pytest.raises(ValueError, match=r"X\[:, 1\] has 1 missing values among 2: leave such"):
        fastinfo.pairwise_mutual_information(X, backend=backend)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("n_categories", [256, 257, 3000])
def test_very_many_categories_are_counted_sparsely(
    backend, rng, monkeypatch, n_categories, missing
):
    if n_categories < 3000:
        monkeypatch.setattr(plan, "LARGEST_PAIR_TABLE", 1 << 10)
    columns = [rng.permutation(n_categories).tolist() for _ in range(2)]
    columns.append((np.arange(n_categories) % 3).tolist())
    if missing:
        columns[0][5] = columns[2][7] = None
    X = np.array(columns, object).T
    found = fastinfo.pairwise_mutual_information(X, nan_policy="omit", backend=backend)
    for i, j in itertools.product(range(3), repeat=2):
        assert found[i, j] == close(naive.mutual_information(columns[i], columns[j]))


FRAME = {
    "number": [0, 1, 1, 0, 2, 2],
    "text": ["a", "b", "b", "a", "c", "c"],
    "real": [0.5, 1.5, 1.25, 0.25, 0.75, 1.0],
    "flag": [True, False, False, True, True, False],
}


def values_of(table, rows, columns):
    """The values of a labelled matrix, once its library and its labels are looked at."""
    module = type(table).__module__.partition(".")[0]
    if module == "pandas":
        assert (list(table.index), list(table.columns)) == (rows, columns)
        return table.to_numpy()
    names = table.column_names if module == "pyarrow" else table.columns
    assert list(names) == ["column", *columns]
    assert list(table["column"].to_pylist() if module == "pyarrow" else table["column"]) == rows
    return np.stack([np.asarray(table[name]) for name in columns], axis=1)


FRAMES = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}


@pytest.mark.parametrize("name", FRAMES)
def test_tables_of_every_library(backend, name):
    library("narwhals")
    make = getattr(library(name), FRAMES[name])
    expected = loop([*map(np.array, FRAME.values())], backend=backend)
    frame = make(FRAME)
    found = fastinfo.pairwise_mutual_information(frame, backend=backend)
    assert values_of(found, list(FRAME), list(FRAME)) == close(expected)
    (best,) = fastinfo.top_pairs(frame, 1, rank_by="value", backend=backend)
    assert best[:2] == ("number", "text")
    one = {"flag": FRAME["flag"]}
    both = fastinfo.pairwise_mutual_information(frame, make(one), backend=backend)
    assert values_of(both, list(FRAME), ["flag"]) == close(expected[:, 3:])


@pytest.mark.parametrize("name", FRAMES)
def test_tables_with_missing_samples(backend, name):
    library("narwhals")
    make = getattr(library(name), FRAMES[name])
    columns = {
        "x": [0, 1, None, 1, 0, 1],
        "y": ["a", "b", "b", None, "a", "a"],
        "z": [True, None, False, True, True, False],
    }
    frame = make(columns)
    found = fastinfo.pairwise_mutual_information(frame, nan_policy="omit", backend=backend)
    found = values_of(found, list(columns), list(columns))
    for (i, x), (j, y) in itertools.product(enumerate(columns.values()), repeat=2):
        assert found[i, j] == close(naive.mutual_information(x, y))


@given(
    rows=st.lists(st.tuples(*[st.integers(0, 3)] * 4), min_size=1, max_size=30), k=st.integers(1, 8)
)
def test_any_table(backend, rows, k):
    columns = list(zip(*rows, strict=True))
    found = fastinfo.pairwise_mutual_information(rows, backend=backend)
    for i, j in itertools.product(range(4), repeat=2):
        assert found[i, j] == close(naive.mutual_information(columns[i], columns[j]))
    pairs = [Pair(i, j, found[i, j]) for i, j in itertools.combinations(range(4), 2)]
    expected = sorted(pairs, key=lambda pair: (-pair.value, pair.left, pair.right))[:k]
    assert fastinfo.top_pairs(rows, k, backend=backend) == expected


# --- the same for any threads and tiles ---------------------------------------------------------

TILES = [(1, 1), (1 << 6, 3), (1 << 12, 2), (1 << 20, 5), (1 << 20, 256)]


def set_tiles(monkeypatch, side, n_samples):
    """Tiles of at most ``side`` by ``side`` features."""
    monkeypatch.setattr(plan, "LARGEST_TILE_SIDE", side)
    monkeypatch.setattr(plan, "TILE_WIDTH", side)
    monkeypatch.setattr(plan, "TILE_SAMPLES", side * side * n_samples)
    shape = TileShape(side, side * side * n_samples)
    monkeypatch.setattr(CupyKernels, "tile_shape", shape)


@pytest.mark.parametrize("n_bins", [64, 200, 1000, 2000])
def test_tiles_of_slow_pairs_are_short(n_bins):
    """Weights are added one by one, and for many bins there are lines of cells to clear."""

    def largest(bins, is_weighted):
        tiling = plan.Plan([bins] * 3000, None, 2000, is_weighted=is_weighted)
        return max(tile.n_pairs for tile in tiling.tiles)

    # At 62 µs a weighted pair of 200 bins, and 34 µs one of 2,000 without weights (Zen 4).
    assert largest(n_bins, True) * n_bins**2 < 1 << 28
    assert largest(n_bins, False) * n_bins < 5e7


def test_tiles_of_many_strata_are_short():
    """Each stratum has a table of its own, however few samples there are in it."""
    few, many = (
        max(tile.n_pairs for tile in plan.Plan([16] * 3000, None, 10_000, n_tables=n).tiles)
        for n in (1, 3000)
    )
    assert few > 50 * many
    assert many * 3000 * 16**2 <= plan.TILE_SAMPLES


def test_tiles_of_sparse_pairs_are_short():
    """Sorting takes so much longer than counting, and Ctrl-C waits for the tiles under way."""
    dense, sparse = (
        max(tile.n_pairs for tile in plan.Plan([n_bins] * 200, None, 10_000).tiles)
        for n_bins in (16, 5000)
    )
    assert sparse <= plan.TILE_SAMPLES // 10_000 // plan.SPARSE_COST < dense


@pytest.mark.parametrize("case", ["complete", "missing", "weights", "missing weights", "X and Y"])
def test_neither_threads_nor_tiles_change_a_bit(backend, rng, monkeypatch, case):
    X = rng.integers(0, [2, 3, 2, 9, 40, 33, 3, 11, 2, 60, 9], (90, 11)).astype(object)
    options = {"backend": backend, "nan_policy": "omit"}
    if "missing" in case:
        X[rng.random(90) < 0.2, 1] = None
        X[rng.random(90) < 0.2, 5] = None
        X[rng.random(90) < 0.2, 10] = None
    if "weights" in case:
        options["sample_weight"] = rng.random(90)
    if case == "X and Y":
        options["Y"] = X[:, 4:]
    results, tops = [], []
    # Emulated, it takes seconds; `test_job` has many devices in place of many threads.
    tiles = TILES[1::3] if backend == "cupy" else TILES
    for (cells, side), n_jobs in itertools.product(tiles, [1, 3]):
        monkeypatch.setattr(plan, "TILE_CELLS", cells)
        set_tiles(monkeypatch, side, 90)
        results.append(fastinfo.pairwise_mutual_information(X, n_jobs=n_jobs, **options))
        with nullcontext() if "weights" in case else pytest.warns(fastinfo.SaturationWarning):
            tops.append(fastinfo.top_pairs(X, 7, n_jobs=n_jobs, **options))
    for result, top in zip(results, tops, strict=True):
        np.testing.assert_array_equal(result, results[0])
        assert top == tops[0]


@pytest.mark.parametrize("n_left", [None, 4])
@pytest.mark.parametrize("side", [1, 2, 3, 7, 256])
@pytest.mark.parametrize("has_shape", [False, True])
def test_a_plan_holds_every_pair_once(monkeypatch, rng, n_left, side, has_shape):
    set_tiles(monkeypatch, side, 100)
    n_bins = rng.integers(0, 200, 13).tolist()
    tiling = plan.Plan(
        n_bins, n_left, 100, None, CupyKernels.tile_shape if has_shape else plan.STRIPS
    )
    seen = np.zeros((13, 13), int)
    for tile in tiling.tiles:
        assert tile.left.stop - tile.left.start <= side
        left, right = tiling.order[tile.left], tiling.order[tile.right]
        seen[np.ix_(left, right)] += 1
        assert len({plan.size_class(n_bins[i]) for i in left}) == 1
        assert len({plan.size_class(n_bins[j]) for j in right}) == 1
    if n_left is None:
        both = seen + seen.T
        assert (both >= 1).all()
        assert (seen.max(initial=0) <= 1).all()
    else:
        expected = np.zeros((13, 13), int)
        expected[:n_left, n_left:] = 1
        np.testing.assert_array_equal(seen, expected)


def test_size_classes():
    assert [plan.size_class(b) for b in range(34)] == [1, *range(1, 33), 36]
    for n_bins in range(1, 5000):
        padded = plan.size_class(n_bins)
        assert n_bins <= padded <= n_bins * 1.125 + 1
        assert plan.size_class(padded) == padded
        for border in (plan.MOST_OF_BYTES, plan.MOST_PACKED):
            assert (padded <= border) == (n_bins <= border)


@pytest.mark.parametrize("n_bins", [3840, 3841, 4000, 4095])
def test_features_up_to_the_limit_are_counted_densely(backend, rng, n_bins):
    columns = [rng.permutation(n_bins).tolist(), (np.arange(n_bins) % 3).tolist()]
    assert not any(tile.is_sparse for tile in plan.Plan([n_bins, 3], 1, n_bins).tiles)
    assert all(tile.is_sparse for tile in plan.Plan([4096, 3], 1, n_bins).tiles)
    found = fastinfo.pairwise_mutual_information(np.array(columns).T, backend=backend)
    for i, j in itertools.product(range(2), repeat=2):
        assert found[i, j] == close(naive.mutual_information(columns[i], columns[j]))


# --- what a job keeps ---------------------------------------------------------------------------


def kept_bytes(X, memory_limit=None, n_left=None):
    """What is kept beside the binned features once they are laid out."""
    kernels = load("numba")(small_job=-1)
    binned = features.encode([arguments.features(X, "X")], [Quantile()], kernels, 1, True)
    tiling = plan.Plan(binned.n_bins, n_left, len(X))
    tracemalloc.start()
    try:
        job = Job(binned, tiling, mutual_information("ml"), kernels, memory_limit=memory_limit)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert all(pack is not None for packs in job.packs for pack in packs)
    return kept


@pytest.fixture
def narrow_and_wide(rng):
    """120 features of 20 bins, and the same with one of 1,000."""
    narrow = rng.integers(0, 20, (5000, 120), "u2")
    return narrow, np.hstack([narrow, np.arange(5000, dtype="u2")[:, None] % 1000])


def test_one_wide_feature_does_not_have_all_laid_out_twice(narrow_and_wide):
    narrow, wide = map(kept_bytes, narrow_and_wide)
    assert narrow > 120 * 5000
    # Its own codes, and bytes of the others in place of a view of those that they had.
    assert wide - narrow < 2 * 5000 + 120 * 5000 + (100 << 10)


def test_the_memory_limit_is_one_for_all_features(narrow_and_wide):
    _, X = narrow_and_wide
    rows = 120 * 20 * 5000 // 8
    nothing, half, all_ = (kept_bytes(X, limit) for limit in (0, rows - 1, rows))
    assert half == pytest.approx(nothing, rel=0.01)
    assert nothing + rows // 2 < all_ < nothing + rows + (300 << 10)


def test_a_target_alone_has_no_rows_laid_out(narrow_and_wide):
    """They are 64 bytes a sample, and each would be read once."""
    narrow, _ = narrow_and_wide
    for n_left in (1, FEWEST_PARTNERS - 1, FEWEST_PARTNERS):
        rows = kept_bytes(narrow, None, n_left) - kept_bytes(narrow, 0, n_left)
        assert (rows > 120 * 19 * 5000 // 8) == (n_left == FEWEST_PARTNERS)
        assert rows < 10_000 or n_left == FEWEST_PARTNERS


def test_wide_and_narrow_features_together(backend, rng):
    """Codes of one and of two bytes, on either side, with and without missing samples."""
    n_bins = [2, 300, 20, 255, 256, 257, 700, 60]
    X = rng.integers(0, n_bins, (900, 8)).astype(object)
    X[rng.random(900) < 0.1, 1] = X[rng.random(900) < 0.1, 7] = None
    columns = X.T.tolist()
    found = fastinfo.pairwise_mutual_information(X, nan_policy="omit", backend=backend)
    between = fastinfo.pairwise_mutual_information(
        X[:, :5], X[:, 3:], nan_policy="omit", backend=backend
    )
    for i, j in itertools.product(range(8), repeat=2):
        assert found[i, j] == close(naive.mutual_information(columns[i], columns[j]))
    assert between == close(found[:5, 3:])  # NumPy adds up the other way round


# --- the strongest pairs ------------------------------------------------------------------------


def test_top_pairs_against_the_matrix_with_ties(backend, rng):
    """Copies of features make many equal values, at the border of k too."""
    X = rng.integers(0, [2, 3, 9], (100, 3))[:, [0, 1, 2, 1, 0, 0, 2, 1]]
    matrix = fastinfo.pairwise_mutual_information(X, backend=backend)
    pairs = [Pair(i, j, matrix[i, j]) for i, j in itertools.combinations(range(8), 2)]
    ordered = sorted(pairs, key=lambda pair: (-pair.value, pair.left, pair.right))
    for k in range(1, 31):
        assert fastinfo.top_pairs(X, k, backend=backend) == ordered[:k]
    least = ordered[9].value
    reached = [pair for pair in ordered if pair.value >= least]
    assert fastinfo.top_pairs(X, None, threshold=least, backend=backend) == reached


def test_top_pairs_of_two_tables(backend, mixed):
    X, Y = mixed[:, :3], mixed[:, :5]
    matrix = fastinfo.pairwise_mutual_information(X, Y, backend=backend)
    pairs = [Pair(i, j, matrix[i, j]) for i, j in np.ndindex(3, 5)]
    ordered = sorted(pairs, key=lambda pair: (-pair.value, pair.left, pair.right))
    assert fastinfo.top_pairs(X, 6, Y, backend=backend) == ordered[:6]


def test_top_pairs_leaves_out_pairs_without_a_value(backend):
    X = np.array([[0.0, np.nan, 0.0], [1.0, np.nan, 1.0]])
    found = fastinfo.top_pairs(X, 5, nan_policy="omit", base=2, backend=backend)
    assert [pair[:2] for pair in found] == [(0, 2)]


def test_top_pairs_of_one_feature_are_none(backend):
    assert fastinfo.top_pairs([[0], [1]], backend=backend) == []


# --- how a run goes -----------------------------------------------------------------------------


def test_progress(backend, mixed, monkeypatch):
    set_tiles(monkeypatch, 2, len(mixed))
    steps = []
    fastinfo.top_pairs(mixed, progress=lambda *step: steps.append(step), backend=backend)
    done, totals = zip(*steps, strict=True)
    assert len(set(totals)) == 1
    assert list(done) == sorted(set(done))
    assert done[-1] == totals[-1]


@pytest.mark.parametrize("error", [RuntimeError("enough"), KeyboardInterrupt()], ids=repr)
def test_an_exception_in_progress_ends_the_run(backend, mixed, monkeypatch, error):
    set_tiles(monkeypatch, 1, len(mixed))
    calls, measured = [], []
    plain = Job.measure

    def measure(job, tile):
        measured.append(tile)
        return plain(job, tile)

    def progress(done, total):
        calls.append(done)
        raise error

    monkeypatch.setattr(Job, "measure", measure)
    with pytest.raises(type(error)):
        fastinfo.pairwise_mutual_information(mixed, progress=progress, n_jobs=1, backend=backend)
    assert len(calls) == 1
    # Of 28: two ahead for each device, of which tests have two, and what threads took meanwhile.
    assert len(measured) <= (8 if backend == "cupy" else 4)


def test_an_exception_in_a_tile_comes_out(backend, mixed, monkeypatch):
    def fail(job, tile):
        raise MemoryError("no room for this tile")

    monkeypatch.setattr(Job, "measure", fail)
    with pytest.raises(MemoryError, match="no room for this tile"):
        fastinfo.pairwise_mutual_information(mixed, backend=backend)


def test_a_matrix_that_cannot_fit_tells_the_memory(monkeypatch):
    monkeypatch.setattr(counting, "free_memory", lambda: 1000)
    X = np.zeros((2, 1000), int)
    with pytest.raises(MemoryError, match=r"the matrix of 1000 × 1000 cells needs .*pass out="):
        fastinfo.pairwise_mutual_information(X)


INTERRUPTED = """
import numpy as np, fastinfo
X = np.random.default_rng(0).integers(0, 16, (20_000, 2_000)).astype("u1")
def progress(done, total):
    print(done, flush=True)
print("begins", flush=True)
fastinfo.top_pairs(X, progress=progress, backend="{backend}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to a child there")
def test_ctrl_c_ends_a_run(backend_anywhere):
    """After the first tiles, long before the last: all pairs would take minutes."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.format(backend=backend_anywhere)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout.readline() == "begins\n", process.stderr.read()
        if backend_anywhere == "numba":
            assert process.stdout.readline().strip().isdecimal(), process.stderr.read()
        else:
            time.sleep(0.5)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "KeyboardInterrupt" in errors
    assert process.returncode in (-signal.SIGINT, 1)
    assert time.monotonic() - sent < 20
