"""P-values and q-values of all pairs, against the test of each pair and scipy's q-values."""

import itertools
import math
import sys
from functools import partial

import naive
import numpy as np
import pandas as pd
import pytest
from conftest import library

import fastinfo
from fastinfo.estimators.moments import information_moments
from fastinfo.inputs.options import Options
from fastinfo.measures import nulls
from fastinfo.pairs import confirmation, runs, tested
from fastinfo.pairs.margins import margins_of
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
    monkeypatch.setattr(confirmation, "_confirmed", lambda pvalue, _: pvalue)


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


def test_tumours_have_the_g_test_of_scipy():
    """Enough is expected of each cell. Williams' correction, which scipy lacks, is by hand."""
    stats = library("scipy.stats")
    data, malignant = library("sklearn.datasets").load_breast_cancer(return_X_y=True)
    X = np.column_stack([np.digitize(c, np.quantile(c, [1 / 3, 2 / 3])) for c in data.T[:12]])
    X = np.column_stack([X, malignant])
    n, expected = len(X), {}
    for i, j in itertools.combinations(range(13), 2):
        table = stats.contingency.crosstab(X[:, i], X[:, j]).count
        g, _, freedom, counts = stats.chi2_contingency(
            table, correction=False, lambda_="log-likelihood"
        )
        assert counts.min() > 5 + freedom**0.5
        rows, columns = (n * (1 / table.sum(axis=axis)).sum() - 1 for axis in (0, 1))
        expected[i, j] = stats.chi2.sf(g / (1 + rows * columns / (6 * n * freedom)), freedom)
    found = all_pairs(X, fdr=1.0)
    qvalues = stats.false_discovery_control(list(expected.values()))
    for (pair, pvalue), qvalue in zip(expected.items(), qvalues.tolist(), strict=True):
        assert found[pair].pvalue == pytest.approx(pvalue, rel=1e-7, abs=1e-300)
        assert found[pair].qvalue == pytest.approx(qvalue, rel=1e-7, abs=1e-300)
    assert max(expected.values()) > 1e-4
    assert max(expected, key=lambda pair: found[pair].value) == (0, 3)  # radius and area


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
@pytest.mark.parametrize("backend_name", ["numba", "numpy"])
def test_pvalues_given_a_third_variable(X, rng, backend_name):
    """One stratum is of a single sample, in one all pairs are of 2 × 2, and features follow it."""
    z = rng.integers(0, 4, len(X))
    z[0] = 9
    X[z == 2] = np.minimum(X[z == 2], 1)
    X[z != 2, 9] = 0  # so that two features have one degree of freedom
    X[:, 3] = np.where(rng.random(len(X)) < 0.5, z % 5, X[:, 3])
    X[:, 4] = np.where(rng.random(len(X)) < 0.5, z % 5, X[:, 4])
    expected = each_pair(X, given=z)
    assert fastinfo.test_independence(X[:, 0], X[:, 9], z).degrees_of_freedom == 1
    found = all_pairs(X, given=z, backend=backend_name)
    assert set(found) == set(expected)
    for pair, one in found.items():
        assert one.pvalue == pytest.approx(expected[pair], rel=1e-7, abs=1e-300), pair
    assert found[3, 4].pvalue > 0.001 > 1e-9 > all_pairs(X)[3, 4].pvalue
    qvalues = library("scipy.stats").false_discovery_control(list(expected.values()))
    for pair, qvalue in zip(expected, qvalues.tolist(), strict=True):
        if qvalue <= tested.EXACT_BELOW:
            assert found[pair].qvalue == pytest.approx(qvalue, rel=1e-7)
    significant = fastinfo.top_pairs(X, k=None, threshold=0, fdr=0.05, given=z)
    assert {one[:2] for one in significant} == {p for p, one in found.items() if one.qvalue <= 0.05}
    # In the matrix they are those of the plane, where all are computed.
    matrix = fastinfo.pairwise_p_values(X, given=z, backend=backend_name)
    for (i, j), pvalue in expected.items():
        assert matrix[i, j] == pytest.approx(pvalue, rel=1e-7, abs=1e-300)


def test_given_a_third_variable_coarse_tables_are_confirmed(rng):
    """Of 3 × 3 in two strata, by the test of one pair, which takes random tables."""
    X = (rng.random((2, 300, 6)) < 0.06).sum(axis=0)
    z = rng.integers(0, 2, 300)
    for one in fastinfo.top_pairs(X, k=4, given=z, p_values=True):
        both = X[:, [one.left, one.right]].T
        alone = fastinfo.test_independence(*both, z, n_resamples=20_000, random_state=1)
        assert alone.method == "permutation"
        gamma = fastinfo.test_independence(*both, z, method="gamma").pvalue
        assert one.pvalue >= gamma * (1 - 1e-9)
        assert one.pvalue == pytest.approx(max(gamma, alone.pvalue), rel=0.35)


@pytest.mark.usefixtures("unconfirmed")
def test_given_with_missing_samples(X, rng):
    """Pairs that are returned are tested by their own samples, in each stratum."""
    table = pd.DataFrame(X.astype(float), columns=[f"c{i}" for i in range(11)]).astype("Int64")
    table = table.mask(rng.random(table.shape) < 0.1).drop(columns=["c7", "c8", "c10"])
    options = {"p_values": True, "nan_policy": "omit", "given": "c0"}
    found = fastinfo.top_pairs(table, k=None, threshold=-1.0, **options)
    assert len(found) == 21
    for one in found:
        *both, z = table[[one.left, one.right, "c0"]].dropna().to_numpy(int).T
        assert one.n_samples == z.size
        alone = fastinfo.test_independence(*both, z, random_state=0, n_resamples=9)
        method = "gamma" if alone.method == "permutation" else alone.method
        pvalue = fastinfo.test_independence(*both, z, method=method).pvalue
        assert one.pvalue == pytest.approx(pvalue, rel=1e-6)


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


@pytest.mark.parametrize("n_bins", [3, 12, 60])
def test_sparse_pairs_with_missing_samples(rng, n_bins):
    """In the plane they have about the p-values that their own margins give."""
    shares = 1 / np.arange(1, n_bins + 1)
    X = rng.choice(n_bins, (200, 12), p=shares / shares.sum()).astype(float)
    same = rng.random(200) < 0.3
    X[same, 1] = X[same, 0]
    X[rng.random(X.shape) < rng.uniform(0, 0.6, 12)] = np.nan
    edges = np.arange(n_bins + 1) - 0.5
    found = fastinfo.pairwise_p_values(X, bins=edges, nan_policy="omit")
    ratios = []
    for i, j in itertools.combinations(range(12), 2):
        both = X[:, [i, j]]
        both = both[~np.isnan(both).any(axis=1)].astype(int).T
        ratios.append(found[i, j] / fastinfo.test_independence(*both, method="gamma").pvalue)
    assert np.exp(np.mean(np.log(ratios))) == pytest.approx(1, rel=0.3)
    assert np.quantile(ratios, 0.9) < 2.5
    assert np.quantile(ratios, 0.1) > 0.1


def test_the_rate_finds_sparse_pairs_with_missing_samples(rng):
    """With a cell for every other sample; the G-test in proportion found none of them."""
    X = rng.integers(0, 40, (800, 40)).astype(float)
    for left in range(0, 20, 2):
        same = rng.random(800) < 0.2
        X[same, left + 1] = X[same, left]
    X[rng.random(X.shape) < 0.1] = np.nan
    options = {"bins": np.arange(41) - 0.5, "nan_policy": "omit", "k": None, "threshold": 0}
    found = fastinfo.top_pairs(X, fdr=0.05, **options)
    pairs = {one[:2] for one in found}
    assert len({(left, left + 1) for left in range(0, 20, 2)} & pairs) >= 9
    assert len(pairs) <= 12
    assert max(one.qvalue for one in found) <= 0.05


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
    margins = margins_of(binned.features, binned.kernels, binned.judge(1.0))
    measure = tested.Tested(fastinfo.pairs.measure.mutual_information("ml"), margins)
    sink = tested.TestedSink(Nothing(), None, 1 << 20)
    runs.measure_pairs(binned, sink, options, Run(None, None, None), measure)
    assert sink.n_pairs == 40 * 39 // 2
    (of_all,) = margins
    assert len(of_all.different) == 1
    assert [of_each.values.tolist() for of_each in of_all.kept.values()] == [[5]]


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


def discrete(rng, shape):
    """Columns of 2 to 9 values."""
    return rng.integers(0, rng.integers(2, 10, shape[1]), shape).astype(float)


def skewed(rng, shape):
    """Columns of up to 30 values, of which most samples have a few."""
    return np.minimum(rng.geometric(rng.uniform(0.2, 0.8, shape[1]), shape), 30).astype(float)


def with_gaps(rng, shape):
    """Columns that lack a tenth of their samples."""
    X = discrete(rng, shape)
    X[rng.random(shape) < 0.1] = np.nan
    return X


def with_large_gaps(rng, shape):
    """Skewed columns that lack up to a third of their samples."""
    X = skewed(rng, shape)
    X[rng.random(shape) < rng.uniform(0, 0.33, shape[1])] = np.nan
    return X


GROUPS = {120: (5, 12), 500: (12, 32)}
"""For numbers of features, how many groups of how many features make up 5% of all pairs."""


def realised(rng, table, n_features, n_tables, fdr=0.1):
    """The share of false pairs among those found in each table, and how many true ones are found.

    A pair is true where both features follow a column that is not shown, one for each group.
    """
    n_groups, size = GROUPS[n_features]
    group = np.arange(n_features)
    group[: n_groups * size] //= size
    is_true = (group[:, None] == group) & ~np.eye(n_features, dtype=bool)
    shares, found_of_true = [], []
    for _ in range(n_tables):
        X = table(rng, (300, n_features))
        for one in range(n_groups):
            follow = rng.random((300, 1)) < 0.5
            common = rng.integers(1, 3, (300, 1))
            members = slice(one * size, (one + 1) * size)
            is_taken = follow & (rng.random((300, size)) < 0.6)
            # A sample that is missing stays so.
            X[:, members] = np.where(is_taken, common + 0 * X[:, members], X[:, members])
        found = fastinfo.top_pairs(
            X, k=None, threshold=-1.0, fdr=fdr, bins=np.arange(32) - 0.5, nan_policy="omit"
        )
        true = sum(bool(is_true[one.left, one.right]) for one in found)
        shares.append(1 - true / max(len(found), 1))
        found_of_true.append(true / (is_true.sum() / 2))
    return np.array(shares), np.array(found_of_true)


@pytest.mark.usefixtures("unconfirmed")  # which would make them larger
@pytest.mark.parametrize("table", [discrete, skewed])
def test_the_false_discovery_rate_is_kept(rng, table):
    """Of what is found among features of whose pairs 5% are true, a tenth may be false.

    Within a factor of two: that of a single small table varies by a half.
    """
    shares, found = realised(rng, table, 120, 2)
    assert 0.03 < shares.mean() < 0.2
    assert found.mean() > 0.2


@pytest.mark.soak
@pytest.mark.parametrize("table", [discrete, skewed, with_gaps, with_large_gaps])
@pytest.mark.parametrize(("n_features", "n_tables"), [(120, 12), (500, 2)])
def test_the_false_discovery_rate_is_kept_over_many_tables(rng, table, n_features, n_tables):
    """Confirmed, as users have it; the share of one table varies by up to 6/n_features."""
    shares, found = realised(rng, table, n_features, n_tables)
    assert 0.03 < shares.mean() <= 0.1 + 2 * (6 / n_features) / math.sqrt(n_tables)
    assert found.mean() > 0.2


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


def test_no_table_is_drawn_for_pvalues_out_of_reach(rng, monkeypatch):
    X = rng.integers(0, 4, (300, 3))
    X[:, 1] = X[:, 0]
    X[0] = 4  # a rare value, so that the G-test is not trusted
    monkeypatch.setattr(confirmation.nulls, "random_sums", None)
    (strongest,) = fastinfo.top_pairs(X, k=1, p_values=True)
    assert strongest[:2] == (0, 1)
    assert 0 < strongest.pvalue < confirmation.OUT_OF_REACH / confirmation.MOST_DRAWN


def test_what_is_out_of_reach_is_far_from_what_is_drawn():
    """By all tables with some margins: those that are as rare as tables that are drawn."""
    rng = np.random.default_rng(2)
    worst = 0.0
    for _ in range(300):
        n, shape = int(rng.integers(8, 30)), rng.integers(2, 4, 2)
        left, right = (
            1 + rng.multinomial(n - k, rng.dirichlet(np.full(k, 10 ** rng.uniform(-1.5, 0.5))))
            for k in shape
        )
        under = naive.information_under_independence(left.tolist(), right.tolist())
        values, shares = np.array(sorted(under, reverse=True)).T
        mean, variance = information_moments(left, right)
        if variance:
            freedom = (shape[0] - 1) * (shape[1] - 1)
            chi2 = library("scipy.stats").chi2.sf(2 * n * values, freedom)
            told = np.maximum(nulls.upper_tail(values - 1e-12, mean, variance), chi2)
            worst = max(worst, (np.cumsum(shares) / told).max())
    assert 5 < worst < 1e-3 / confirmation.OUT_OF_REACH


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
    (found,) = margins_of(binned.features, binned.kernels, binned.judge(1.0))
    for i, column in enumerate(X.T):
        margin = np.sort(np.unique(column[~np.isnan(column)], return_counts=True)[1])
        kept = found.different[found.number[i]]
        np.testing.assert_array_equal(kept, margin if margin.size else [1])
        assert found.n_occupied[i] == max(margin.size, 1)
        if margin.size:
            assert found.spread[i] == pytest.approx(margin.sum() * (1 / margin).sum() - 1)
            assert found.least_share[i] == margin.min() / margin.sum()


def test_without_scipy_it_is_told_before_any_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    for call in (partial(fastinfo.top_pairs, fdr=0.1), fastinfo.pairwise_p_values):
        with pytest.raises(ImportError, match="p-values need scipy; install it with `pip install"):
            call("no table")
