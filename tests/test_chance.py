"""The information of independent variables, against exact fractions and scikit-learn."""

import itertools
import math

import naive
import numpy as np
import pytest
from conftest import library
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo.backends import REGISTRY, load, on_host
from fastinfo.estimators import moments
from fastinfo.estimators.chance import (
    FourCells,
    bound_factors,
    expected_in_strata,
    expected_information,
    occurrences,
)
from fastinfo.estimators.moments import information_moments, moments_of_pairs
from fastinfo.pairs.tested import EXACT_BELOW, LEAST_OF_FOUR

HOSTS = ("numba", "numpy")

margins = st.lists(st.integers(1, 12), min_size=1, max_size=5)


@pytest.fixture(params=HOSTS, autouse=True)
def _host(request, monkeypatch):
    monkeypatch.setenv("FASTINFO_BACKEND", request.param)
    for kept in (moments._moments, moments._coefficients):
        kept.cache_clear()  # or the second host would be told what the first one found


def two_margins(rng, n_samples, n_left, n_right):
    """Labels at random, some of them rare."""
    sides = [np.minimum(rng.geometric(2 / k, n_samples), k) for k in (n_left, n_right)]
    return [
        np.bincount(side, minlength=k + 1) for side, k in zip(sides, (n_left, n_right), strict=True)
    ]


@given(left=margins, right=margins)
def test_exact_fractions(left, right):
    difference = sum(left) - sum(right)
    (right if difference > 0 else left).append(abs(difference))
    left, right = [a for a in left if a], [b for b in right if b]
    found = expected_information(np.array(left), np.array(right))
    assert found == pytest.approx(naive.expected_information(left, right), rel=1e-12, abs=1e-15)


def of_equal_sizes(tables):
    """Margins of strata, one of the two filled up to the size of the other."""
    strata = []
    for left, right in tables:
        difference = sum(left) - sum(right)
        left, right = [*left], [*right]
        (right if difference > 0 else left).append(abs(difference))
        strata.append([np.array([n for n in side if n], int) for side in (left, right)])
    return strata


@given(tables=st.lists(st.tuples(margins, margins), max_size=6))
def test_the_mean_over_strata(tables):
    """By their samples; strata of one sample, and of none, tell nothing."""
    strata = of_equal_sizes(tables)
    total = sum(int(left.sum()) for left, _ in strata)
    expected = math.fsum(
        left.sum() / total * naive.expected_information(left.tolist(), right.tolist())
        for left, right in strata
    )
    assert expected_in_strata(strata) == pytest.approx(expected, rel=1e-12, abs=1e-15)


large_margins = st.lists(st.one_of(st.integers(1, 5), st.integers(1, 500)), min_size=1, max_size=9)


@given(tables=st.lists(st.tuples(large_margins, large_margins), min_size=1, max_size=4))
def test_a_bound_by_the_margins_of_each(tables):
    strata = of_equal_sizes(tables)
    sizes = np.array([int(left.sum()) for left, _ in strata])
    (p, q), (r, s) = (bound_factors(side, sizes) for side in zip(*strata, strict=True))
    expected = expected_in_strata(strata)
    assert p @ r - q @ s <= expected * (1 + 1e-12) + 1e-15


def test_the_bound_is_close_where_cells_have_samples():
    strata = [(np.array([200, 300, 250, 250]), np.array([500, 300, 200])) for _ in range(3)]
    (p, q), (r, s) = (bound_factors(side, np.full(3, 1000)) for side in zip(*strata, strict=True))
    assert p @ r - q @ s == pytest.approx(expected_in_strata(strata), rel=0.01)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([999_000, 1000], [999_990, 10]),
        ([999_999, 1], [999_999, 1]),
        ([500_000, 500_000], [999_970, 30]),
        ([1990, 10], [1970, 30]),
    ],
)
def test_terms_of_large_cells_do_not_cancel(left, right):
    found = expected_information(np.array(left), np.array(right))
    assert found == pytest.approx(naive.expected_information(left, right), rel=2e-11, abs=0)


def test_the_mean_over_all_orders():
    """Of five samples, by all 120 ways to pair them."""
    x, y = [0, 0, 0, 1, 2], [0, 0, 1, 1, 1]
    values = [naive.mutual_information(x, order) for order in itertools.permutations(y)]
    found = expected_information(np.array([3, 1, 1]), np.array([2, 3]))
    assert found == pytest.approx(sum(values) / len(values))


@pytest.mark.parametrize("n_samples", [2, 10, 150, 3000, 100_000])
@pytest.mark.parametrize("n_bins", [(2, 2), (3, 14), (14, 14), (60, 40)], ids=str)
def test_scikit_learn(rng, n_samples, n_bins):
    peer = library("sklearn.metrics.cluster").expected_mutual_information
    left, right = two_margins(rng, n_samples, *n_bins)
    left, right = left[left > 0], right[right > 0]
    table = library("scipy.sparse").csr_matrix(_table(left, right))
    expected = peer(table, n_samples)
    assert expected_information(left, right) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", ["load_breast_cancer", "load_wine", "load_digits"])
def test_scikit_learn_on_its_own_tables(name):
    peer = library("sklearn.metrics.cluster").expected_mutual_information
    features, target = getattr(library("sklearn.datasets"), name)(return_X_y=True)
    right = np.bincount(target)
    for column in features.T[:: max(features.shape[1] // 8, 1)]:
        left = np.histogram(column, 12)[0]
        left = left[left > 0]
        expected = peer(library("scipy.sparse").csr_matrix(_table(left, right)), target.size)
        assert expected_information(left, right) == pytest.approx(expected, rel=1e-10, abs=1e-15)


def test_a_machine_without_numba_has_the_reference(monkeypatch):
    monkeypatch.delenv("FASTINFO_BACKEND")
    expected = expected_information(np.array([3, 1, 1]), np.array([2, 3]))
    monkeypatch.setitem(REGISTRY, "numba", "fastinfo.no_such_module:Kernels")
    assert on_host().name == "numpy"
    found = expected_information(np.array([3, 1, 1]), np.array([2, 3]))
    assert found == pytest.approx(expected, rel=1e-14)


def _table(left, right):
    """Some table with these margins: fill cells from the first corner on."""
    left, right = left.copy(), right.copy()
    table = np.zeros((left.size, right.size), np.int64)
    i = j = 0
    while i < left.size and j < right.size:
        table[i, j] = min(left[i], right[j])
        left[i] -= table[i, j]
        right[j] -= table[i, j]
        i, j = i + (left[i] == 0), j + (right[j] == 0)
    return table


def test_shuffled_samples(rng):
    x, y = rng.integers(0, 8, 300), rng.integers(0, 5, 300)
    found = expected_information(np.bincount(x), np.bincount(y))
    values = [fastinfo.mutual_information(x, rng.permutation(y)) for _ in range(400)]
    assert found == pytest.approx(np.mean(values), abs=5 * np.std(values) / 20)


def test_margins_without_choice():
    assert expected_information(np.array([5]), np.array([2, 3])) == 0
    assert expected_information(np.array([0, 5, 0]), np.array([2, 3])) == 0
    assert expected_information(np.array([1]), np.array([1])) == 0
    all_different = np.ones(50, np.int64)
    assert expected_information(all_different, all_different) == pytest.approx(np.log(50))


def test_both_hosts_agree_on_many_samples(rng):
    left, right = (np.sort(m[m > 0]) for m in two_margins(rng, 2_000_000, 30, 20))
    n_samples = int(left.sum())
    found = [load(name)().expected_cells(left, right, n_samples) for name in HOSTS]
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-17)
    assert found[0].sum() == pytest.approx(found[1].sum(), rel=1e-12, abs=0)


# --- mean and variance --------------------------------------------------------------------------


def moments_of(values_and_shares):
    """The mean and the variance of values with probabilities."""
    values, shares = np.transpose(values_and_shares)
    mean = shares @ values
    return mean, shares @ (values - mean) ** 2


@given(left=st.lists(st.integers(1, 6), min_size=1, max_size=4), right=margins)
def test_moments_over_all_tables(left, right):
    right = right[:3]
    difference = sum(left) - sum(right)
    if difference > 8:
        left = [1] * len(left)
        difference = sum(left) - sum(right)
    (right if difference > 0 else left).append(abs(difference))
    left, right = [a for a in left if a], [b for b in right if b]
    if sum(left) > 16:
        return
    mean, variance = moments_of(naive.information_under_independence(left, right))
    found = information_moments(np.array(left), np.array(right))
    assert found.mean == pytest.approx(mean, rel=1e-11, abs=1e-14)
    assert found.variance == pytest.approx(variance, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([900, 100], [980, 20]),  # most of the samples in one bin
        ([999, 1], [500, 500]),
        ([400, 300], [350, 350]),
        ([60, 2], [31, 31]),
        ([3000, 2000], [2500, 2500]),
    ],
)
def test_moments_of_four_cells(left, right):
    """Given the margins, one cell decides: its distribution is that of scipy."""
    hypergeometric = library("scipy.stats").hypergeom(sum(left), left[0], right[0])
    counts = np.arange(max(0, right[0] - left[1]), min(left[0], right[0]) + 1)
    tables = [((c, left[0] - c), (right[0] - c, left[1] - right[0] + c)) for c in counts.tolist()]
    values = [naive.information_of_table(table) for table in tables]
    mean, variance = moments_of(list(zip(values, hypergeometric.pmf(counts), strict=True)))
    found = information_moments(np.array(left), np.array(right))
    assert found.mean == pytest.approx(mean, rel=1e-10)
    assert found.variance == pytest.approx(variance, rel=1e-8)


@pytest.mark.parametrize("case", [(2000, 5, 7), (2000, 40, 30), (300, 20, 60)], ids=str)
def test_moments_of_shuffled_samples(rng, case):
    """The standard deviation over 2,000 random tables of scipy, within five of its own errors."""
    left, right = (m[m > 0] for m in two_margins(rng, *case))
    tables = library("scipy.stats").random_table(left, right).rvs(2000, random_state=rng)
    values = np.sum(tables * np.log(np.maximum(tables, 1)), axis=(1, 2)) / case[0]
    found = information_moments(left, right)
    assert found.variance**0.5 == pytest.approx(values.std(), rel=5 / np.sqrt(2 * 2000))


def test_moments_of_many_samples_are_those_of_chi2():
    margin = np.full(8, 10**9)
    mean, variance = information_moments(margin, margin)
    n, freedom = 8 * 10**9, 49
    assert mean == pytest.approx(freedom / (2 * n), rel=1e-6)
    assert variance == pytest.approx(2 * freedom / (2 * n) ** 2, rel=1e-6)


def test_moments_without_choice():
    assert information_moments(np.array([5]), np.array([2, 3])) == (0, 0)
    mean, variance = information_moments(np.ones(50, np.int64), np.array([20, 30]))
    assert variance == 0
    assert mean == pytest.approx(-0.4 * np.log(0.4) - 0.6 * np.log(0.6))


@pytest.mark.parametrize("at_once", [1, 50, 1 << 17])
def test_moments_of_many_pairs_are_those_of_each(rng, monkeypatch, at_once):
    """Some bins have most of the samples, some features one bin, and some one for each sample."""
    monkeypatch.setattr(moments, "MOST_CELLS", at_once)
    n = 200
    sizes = [[n], [1] * n, [n - 1, 1], [n // 2, n // 2], [n - 9, 4, 3, 2]]
    sizes += [np.bincount(rng.choice(9, n, p=rng.dirichlet(np.ones(9)))) for _ in range(6)]
    lefts = [np.array(margin) for margin in sizes]
    rights = lefts[::2]
    expected = [[information_moments(left, right) for right in rights] for left in lefts]
    for values in (None, np.union1d(np.concatenate(lefts), [0, 150])):
        sides = (occurrences(side, values) for side in (lefts, rights))
        found = moments_of_pairs(*sides, n)
        for i, of_left in enumerate(expected):
            for j, (mean, variance) in enumerate(of_left):
                assert found.mean[i, j] == pytest.approx(mean, rel=1e-12, abs=0)
                assert found.variance[i, j] == pytest.approx(variance, rel=1e-10, abs=1e-24)


def test_of_most_samples_in_one_bin_nothing_overflows():
    left, right = np.array([10**12, 1000]), np.array([10**12 + 900, 60, 40])
    mean, variance = information_moments(left, right)
    n = 10**12 + 1000
    assert mean == pytest.approx(naive.expected_information(left.tolist(), right.tolist()))
    # One sample comes into one of two cells that expect next to none.
    expected = [1000 * 60 / n, 1000 * 40 / n]
    assert variance * n**2 == pytest.approx(sum(e * (math.log(e) + 1) ** 2 for e in expected), 0.01)


# --- tables of 2 × 2 ----------------------------------------------------------------------------


@given(
    left=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    right=st.integers(1, 23),
)
def test_all_tables_of_four_cells(left, right):
    right = (min(right, sum(left) - 1), sum(left) - min(right, sum(left) - 1))
    under = naive.information_under_independence(list(left), list(right))
    found = FourCells.of(np.array(left), np.array(right))
    assert found.shares.sum() == pytest.approx(1)
    for value, _ in under:
        expected = sum(p for other, p in under if other >= value - 1e-11)
        assert found.upper_tail(value) == pytest.approx(expected, rel=1e-10)
        assert found.upper_tail(value + 1e-15) == found.upper_tail(value)
    assert found.upper_tail(0.0) == pytest.approx(1)


def test_four_cells_of_many_samples():
    """Counts past 2³¹, against the normal distribution that they tend to."""
    left, right = np.array([3 << 33, 1 << 33]), np.array([1 << 34, 1 << 34])
    found = FourCells.of(left, right)
    stats = library("scipy.stats")
    n = int(left.sum())
    for pvalue in (0.3, 0.01, 1e-8):
        information = stats.chi2.isf(pvalue, 1) / (2 * n)
        assert found.upper_tail(information) == pytest.approx(pvalue, rel=1e-3)


def test_few_pvalues_of_four_cells_need_be_computed(rng):
    """What `fastinfo.pairs.tested` leaves out is above a tenth."""
    for _ in range(300):
        n = int(10 ** rng.uniform(0.7, 4))
        a, b = (1 + int((n - 1) * 10 ** rng.uniform(-3, -1e-9)) for _ in range(2))
        found = FourCells.of(np.array([a, n - a]), np.array([b, n - b]))
        tails = found.upper_tail(found.information)
        assert (2 * n * found.information[tails <= EXACT_BELOW] >= LEAST_OF_FOUR).all()
