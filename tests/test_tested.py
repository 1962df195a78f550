"""P-values and q-values of all pairs, against the test of each pair and scipy's q-values."""

import itertools
import math
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from conftest import library

import fastinfo
from fastinfo.inputs.options import Options
from fastinfo.pairs import runs, tested
from fastinfo.pairs.runs import Run

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")


@pytest.fixture
def X(rng):
    """Columns with many and with few samples a cell, with rare values, constant, and dependent."""
    n = 600
    X = rng.integers(0, [2, 3, 3, 5, 9, 16, 16, 40, 40, 2, 2], (n, 11))
    X[:, 9] = rng.random(n) < 0.02
    X[:, 10] = 7
    X[: n // 4, 2] = X[: n // 4, 1]
    X[: n // 8, 6] = X[: n // 8, 5]
    return X


def each_pair(X, **options):
    """{pair: p-value} by the test of one pair, and the gamma distribution for coarse tables."""
    found = {}
    for i, j in itertools.combinations(range(X.shape[1]), 2):
        both = X[:, [i, j]].T
        one = fastinfo.test_independence(*both, random_state=0, n_resamples=9, **options)
        method = "gamma" if one.method == "permutation" else one.method
        found[i, j] = fastinfo.test_independence(*both, method=method, **options).pvalue
    return found


def all_pairs(X, **options):
    """{pair: what was found} by `top_pairs`."""
    found = fastinfo.top_pairs(X, k=None, threshold=-1.0, p_values=True, **options)
    return {(one.left, one.right): one for one in found}


@pytest.fixture
def unconfirmed(monkeypatch):
    """P-values as they are in the plane."""
    monkeypatch.setattr(tested, "_confirmed", lambda pvalue, *_: pvalue)


@pytest.mark.usefixtures("unconfirmed")
@pytest.mark.parametrize("backend_name", ["numba", "numpy"])
def test_pvalues_are_those_of_each_pair(X, backend_name):
    expected = each_pair(X)
    found = all_pairs(X, backend=backend_name)
    assert set(found) == set(expected)
    for pair, one in found.items():
        assert one.pvalue == pytest.approx(expected[pair], rel=1e-7, abs=1e-300), pair
        assert one.n_samples == 600
    assert found[1, 2].pvalue < 1e-10
    assert found[0, 10].pvalue == 1.0  # a constant


@pytest.mark.usefixtures("unconfirmed")
def test_qvalues_are_those_of_scipy_over_all_pairs(X):
    pvalues = each_pair(X)
    qvalues = library("scipy.stats").false_discovery_control(list(pvalues.values()))
    expected = dict(zip(pvalues, qvalues.tolist(), strict=True))
    for options in ({}, {"fdr": 1.0}):
        for pair, one in all_pairs(X, **options).items():
            if options or expected[pair] <= tested.EXACT_BELOW:
                assert one.qvalue == pytest.approx(expected[pair], rel=1e-7)
            else:
                assert one.qvalue >= expected[pair] * (1 - 1e-7)
    shown = fastinfo.top_pairs(X, k=3, p_values=True)
    assert [one.qvalue for one in shown] == pytest.approx([expected[p[:2]] for p in shown])


@pytest.mark.usefixtures("unconfirmed")
def test_only_significant_pairs_are_returned(X):
    every = all_pairs(X, fdr=1.0)
    for fdr in (1e-5, 0.05, 0.5):
        found = fastinfo.top_pairs(X, k=None, threshold=0, fdr=fdr)
        assert {one[:2] for one in found} == {p for p, one in every.items() if one.qvalue <= fdr}
    assert {(1, 2), (5, 6)} <= {
        one[:2] for one in fastinfo.top_pairs(X, k=None, threshold=0, fdr=0.01)
    }


def test_the_strongest_of_the_significant_pairs_are_returned(X):
    (strongest,) = fastinfo.top_pairs(X, k=1, fdr=1e-5)
    assert strongest == max(fastinfo.top_pairs(X, k=9, fdr=1e-5), key=lambda one: one.value)
    assert fastinfo.top_pairs(X, k=1)[0].value > strongest.value  # by chance, in more cells


@pytest.mark.usefixtures("unconfirmed")
def test_pairs_of_two_tables(X):
    expected = each_pair(X)
    found = fastinfo.top_pairs(X[:, :5], None, X[:, 5:], threshold=-1.0, p_values=True)
    assert len(found) == 5 * 6
    for one in found:
        pvalue = expected[one.left, one.right + 5]
        assert one.pvalue == pytest.approx(pvalue, rel=1e-7, abs=1e-300)
    of_all = [expected[i, j] for i in range(5) for j in range(5, 11)]
    qvalues = library("scipy.stats").false_discovery_control(of_all).reshape(5, 6)
    for one in found:
        if qvalues[one.left, one.right] <= 0.1:
            assert one.qvalue == pytest.approx(qvalues[one.left, one.right], rel=1e-7)


def test_units_and_shares_have_the_same_pvalues(X):
    nats = all_pairs(X)
    for options in ({"base": 2}, {"normalized": "min"}, {"rank_by": "corrected"}):
        for pair, one in all_pairs(X, **options).items():
            assert one.pvalue == pytest.approx(nats[pair].pvalue, rel=1e-6, abs=1e-300)
            assert one.qvalue == pytest.approx(nats[pair].qvalue, rel=1e-6)


@pytest.mark.usefixtures("unconfirmed")
def test_missing_samples(X, rng):
    """Pairs that are returned are tested by the samples that they have."""
    table = pd.DataFrame(X.astype(float), columns=[f"c{i}" for i in range(11)]).astype("Int64")
    table = table.mask(rng.random(table.shape) < 0.2).drop(columns="c10")
    kinds = {"c7": "category", "c8": "category"}
    options = {"p_values": True, "nan_policy": "omit", "kinds": kinds}
    found = fastinfo.top_pairs(table, k=None, threshold=-1.0, **options)
    assert len(found) == 45
    for one in found:
        both = table[[one.left, one.right]].dropna().to_numpy(int).T
        assert one.n_samples == both.shape[1]
        methods = {
            fastinfo.test_independence(*both, method=method).pvalue
            for method in ("chi2", "gamma", "exact")
            if method != "exact" or {one.left, one.right} <= {"c0", "c9"}
        }
        assert min(abs(one.pvalue / p - 1) for p in methods) < 1e-6
    found.sort(key=lambda one: one.pvalue)
    assert found[0][:2] == ("c1", "c2")
    qvalues = library("scipy.stats").false_discovery_control([one.pvalue for one in found])
    for one, qvalue in zip(found, qvalues.tolist(), strict=True):
        if qvalue <= tested.EXACT_BELOW:
            assert one.qvalue == pytest.approx(qvalue, rel=1e-6)
    # Beside few pairs the p-values of the others are those of the plane.
    expected = {one[:2]: one.qvalue for one in found}
    for one in fastinfo.top_pairs(table, k=2, **options):
        assert one.qvalue == pytest.approx(expected[one[:2]], rel=0.2)


def test_neither_threads_nor_memory_nor_a_break_change_anything(X, tmp_path):
    expected = all_pairs(X)
    for options in (
        {"n_jobs": 1},
        {"n_jobs": 3},
        {"memory_limit": 100_000},
        {"checkpoint": tmp_path},
    ):
        assert all_pairs(X, **options) == expected
    assert all_pairs(X, checkpoint=tmp_path) == expected  # all tiles are there
    with pytest.raises(ValueError, match="checkpoint"):
        fastinfo.top_pairs(X, checkpoint=tmp_path)  # those of another measure


def test_equal_margins_share_one_null(rng):
    X = rng.permuted(np.tile(np.arange(16), (40, 5)), axis=1).T.astype(float)
    options = Options(None, None, "ml", "raise", None, None, 1)
    given = runs.resolve(runs.inputs(X, None, "quantile:16", None), options)
    binned = runs.bin_features(given, options)
    measure = tested.measure_of(
        fastinfo.pairs.measure.mutual_information("ml"), binned.features, binned.kernels, None
    )
    sink = tested.TestedSink(Nothing(), None, 1 << 20)
    runs.measure_pairs(binned, sink, options, Run(None, None, None), measure)
    assert sink.n_pairs == 40 * 39 // 2
    assert len(measure.margins.different) == 1
    assert len(measure.moments) == 1


class Nothing:
    """A sink that keeps nothing."""

    stays = False

    def put(self, left, right, planes):
        assert set(planes) == {"value", "p_value"}


@pytest.mark.parametrize("case", [(300, 30), (5000, 100)], ids=str)
def test_of_independent_features_few_are_significant(rng, case):
    """P-values are uniform, and of all pairs of features none is significant."""
    n_samples, m = case
    X = rng.integers(0, rng.integers(2, 12, m), (n_samples, m))
    found = fastinfo.top_pairs(X, k=None, threshold=-1.0, p_values=True)
    pvalues = np.array([one.pvalue for one in found])
    for level in (0.1, 0.05, 0.01):
        spread = math.sqrt(level / len(found))
        assert (pvalues <= level).mean() == pytest.approx(level, abs=5 * spread)
    assert min(one.qvalue for one in found) > 0.01


def test_the_false_discovery_rate_is_kept(rng):
    """Ten tables of which some pairs share: at most a tenth of what is found is false."""
    shares, found_of_true = [], 0
    for _ in range(10):
        X = rng.integers(0, 4, (400, 60))
        for left in range(0, 40, 2):
            same = rng.random(400) < 0.4
            X[same, left + 1] = X[same, left]
        found = fastinfo.top_pairs(X, k=None, threshold=0, fdr=0.1)
        true = [one for one in found if one.left % 2 == 0 and one.right == one.left + 1 < 40]
        found_of_true += len(true)
        shares.append(1 - len(true) / max(len(found), 1))
    assert found_of_true >= 195
    assert np.mean(shares) <= 0.1 + 2 * np.std(shares) / math.sqrt(10)


def test_the_planes_of_every_backend_are_the_same(X, backend):
    X = X[:80, :3]  # kernels are emulated without a GPU
    found, expected = all_pairs(X, backend=backend), all_pairs(X, backend="numpy")
    for pair, one in found.items():
        assert one.pvalue == pytest.approx(expected[pair].pvalue, rel=1e-8)
        assert one.qvalue == pytest.approx(expected[pair].qvalue, rel=1e-8)


def test_with_propagate_pairs_with_gaps_have_no_pvalue(X):
    table = X.astype(float)
    table[3, 1] = np.nan
    options = {"bins": "quantile:3", "nan_policy": "propagate", "k": None, "threshold": -1.0}
    found = fastinfo.top_pairs(table, p_values=True, **options)
    assert {one[:2] for one in found} == {
        pair for pair in itertools.combinations(range(11), 2) if 1 not in pair
    }


REFUSED = {
    "a third variable": ({"fdr": 0.1, "given": [0, 1]}, "test pairs without a third variable"),
    "no rate": ({"fdr": 0}, "fdr=0; accepted is a number above 0 and up to 1"),
    "rate above 1": ({"fdr": 1.5}, "fdr=1.5; accepted is a number"),
    "rate of text": ({"fdr": "5%"}, "fdr='5%'; accepted is a number"),
    "rate that is true": ({"fdr": True}, "fdr=True; accepted is a number"),
    "weights": ({"p_values": True, "sample_weight": [1.0, 2.0]}, "p_values=True needs numbers of"),
    "weights and a rate": ({"fdr": 0.1, "sample_weight": [1.0, 2.0]}, "sample_weight gives sums"),
    "corrected estimates": (
        {"p_values": True, "estimator": "miller_madow"},
        "p_values=True tests the plug-in information, and estimator='miller_madow'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input(case):
    options, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        fastinfo.top_pairs([[0, 0, 1], [1, 1, 0]], **options)


def test_too_many_pvalues_are_told(X):
    with pytest.raises(MemoryError, match="more than 1 p-values would need more than the memory"):
        fastinfo.top_pairs(X, k=1, threshold=9.0, fdr=1.0, memory_limit=100)


def test_pvalues_of_coarse_tables_are_confirmed(rng):
    """Genotypes of rare alleles, by many more random tables."""
    X = (rng.random((2, 1000, 12)) < rng.uniform(0.02, 0.1, 12)).sum(axis=0)
    found = fastinfo.top_pairs(X, k=8, p_values=True)
    for one in found:
        both = X[:, [one.left, one.right]].T
        resampled = fastinfo.test_independence(
            *both, method="permutation", n_resamples=100_000, random_state=0
        )
        gamma = fastinfo.test_independence(*both, method="gamma")
        assert one.pvalue >= gamma.pvalue * (1 - 1e-9)
        assert one.pvalue >= resampled.pvalue * 0.5
    assert found == fastinfo.top_pairs(X, k=8, p_values=True)


def test_rare_binary_features(rng):
    """With an expected count below 1, which no continuous distribution follows."""
    X = rng.random((500, 40)) < rng.uniform(0.002, 0.05, 40)
    X[:9, 1] = X[:9, 0] = True
    found = all_pairs(X)
    expected = each_pair(X)
    for pair, one in found.items():
        assert one.pvalue == pytest.approx(expected[pair], rel=1e-7)
    qvalues = library("scipy.stats").false_discovery_control(list(expected.values()))
    for pair, qvalue in zip(expected, qvalues.tolist(), strict=True):
        if qvalue <= 0.1:
            assert found[pair].qvalue == pytest.approx(qvalue, rel=1e-7)
    assert found[0, 1].qvalue < 1e-6
    assert {pair for pair, one in found.items() if one.qvalue <= 0.01} == {(0, 1)}


def test_margins_of_many_and_of_few_bins(rng):
    """Of columns of all sizes in a mixed order, one of which has gaps and one nothing else."""
    X = rng.integers(0, [2, 300, 5, 1, 70_000, 9, 40], (500, 7)).astype(float)
    X[rng.random(500) < 0.3, 2] = np.nan
    X = np.column_stack([X, np.full(500, np.nan)])
    options = Options([-0.5, *np.arange(0.5, 70_001)], None, "ml", "omit", None, None, 1)
    binned = runs.bin_features(
        runs.resolve(runs.inputs(X, None, options.bins, None), options), options
    )
    found = tested.Margins.of(binned.features, binned.kernels)
    for i, column in enumerate(X.T):
        margin = np.sort(np.unique(column[~np.isnan(column)], return_counts=True)[1])
        kept = found.different[found.number[i]]
        np.testing.assert_array_equal(kept[kept > 0], margin)
        assert found.n_occupied[i] == max(margin.size, 1)
        if margin.size:
            assert found.spread[i] == pytest.approx(margin.sum() * (1 / margin).sum() - 1)
            assert found.least_share[i] == margin.min() / margin.sum()


def test_without_scipy_it_is_told_before_any_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    for call in (partial(fastinfo.top_pairs, fdr=0.1), fastinfo.pairwise_p_values):
        with pytest.raises(ImportError, match="p-values need scipy; install it with `pip install"):
            call("no table")
