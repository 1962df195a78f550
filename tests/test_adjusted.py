"""Adjusted mutual information, against its definition, scikit-learn and what must hold."""

import itertools

import naive
import numpy as np
import pytest
from conftest import library
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import fastinfo
from fastinfo import JointCounts, formulas

HOSTS = ("numba", "numpy")

labels = st.lists(st.integers(0, 4), min_size=3, max_size=25)


@pytest.fixture(params=HOSTS, autouse=True)
def _host(request, monkeypatch):
    monkeypatch.setenv("FASTINFO_BACKEND", request.param)


@pytest.mark.parametrize("average", formulas.AVERAGES)
@settings(max_examples=20)  # of each average, on each backend
@given(data=st.data())
def test_by_definition(average, data):
    x = data.draw(labels)
    y = data.draw(st.permutations((x * 3)[len(x) // 2 :])) if data.draw(st.booleans()) else None
    y = (y or data.draw(st.lists(st.integers(0, 3), min_size=len(x), max_size=len(x))))[: len(x)]
    assume({1, len(x)}.isdisjoint({len(set(x)), len(set(y))}))
    found = fastinfo.adjusted_mutual_information(x, y, average=average)
    assert found == pytest.approx(naive.adjusted_mutual_information(x, y, average), abs=1e-11)


@pytest.mark.parametrize("average", formulas.AVERAGES)
@pytest.mark.parametrize("name", ["load_iris", "load_wine", "load_breast_cancer", "load_digits"])
def test_scikit_learn_on_its_own_tables(name, average):
    peer = library("sklearn.metrics").adjusted_mutual_info_score
    features, target = getattr(library("sklearn.datasets"), name)(return_X_y=True)
    for column in features.T[:: max(features.shape[1] // 6, 1)]:
        codes, _, n_bins = fastinfo.encode(column)
        if n_bins == 1:
            continue  # a constant, of which scikit-learn has other ideas; see below
        found = fastinfo.adjusted_mutual_information(column, target, average=average)
        expected = peer(codes, target, average_method=average)
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_scikit_learn_on_clusterings(rng):
    """As clusterings are compared: of the digits, by centres that are rough."""
    peer = library("sklearn.metrics").adjusted_mutual_info_score
    features, target = library("sklearn.datasets").load_digits(return_X_y=True)
    for n_clusters in (2, 10, 60):
        centres = features[rng.choice(len(features), n_clusters, replace=False)]
        found_clusters = ((features[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        found = fastinfo.adjusted_mutual_information(target, found_clusters)
        assert found == pytest.approx(peer(target, found_clusters), rel=1e-10)


@pytest.mark.parametrize("average", formulas.AVERAGES)
def test_what_the_values_mean(rng, average):
    measure = fastinfo.adjusted_mutual_information
    x = rng.integers(0, 6, 600)
    assert measure(x, x, average=average) == 1.0
    assert measure(x, 5 - x, average=average) == 1.0
    assert measure(["a", "b", "c"], [3, 1, 2], average=average) == 1.0  # all distinct, both
    assert measure([7], ["a"], average=average) == 1.0  # a single sample
    assert measure([1, 1, 1], ["a", "a", "a"], average=average) == 1.0
    assert measure([1, 1, 1], ["a", "b", "b"], average=average) == 0.0  # one side constant
    assert measure([1, 2, 3], ["a", "b", "b"], average=average) == 0.0  # one side all distinct
    noise = [measure(x, rng.integers(0, 9, 600), average=average) for _ in range(60)]
    assert abs(np.mean(noise)) < 5 * np.std(noise) / np.sqrt(60)
    assert min(noise) < 0 < max(noise)  # which nothing clips


def test_it_is_symmetric_and_blind_to_names(rng):
    x, y = rng.integers(0, 6, 200), rng.integers(0, 4, 200)
    found = fastinfo.adjusted_mutual_information(x, y)
    assert found == pytest.approx(fastinfo.adjusted_mutual_information(y, x), abs=1e-14)
    renamed = np.array(list("fbdace"))[x]
    assert fastinfo.adjusted_mutual_information(renamed, y) == pytest.approx(found, abs=1e-14)
    counts = JointCounts().update(x, y)
    assert fastinfo.adjusted_mutual_information(counts) == found


def test_averages_are_in_order(rng):
    x, y = rng.integers(0, 9, 300), rng.integers(0, 3, 300)
    x[:150] = y[:150]
    found = [
        fastinfo.adjusted_mutual_information(x, y, average=average)
        for average in ("max", "arithmetic", "geometric", "min")
    ]
    assert all(a < b for a, b in itertools.pairwise(found))


def test_many_labels(rng):
    """A hundred thousand of them, on one side and on both."""
    n = 100_000
    x = np.arange(n)
    assert fastinfo.adjusted_mutual_information(x, rng.permutation(n)) == 1.0
    assert fastinfo.adjusted_mutual_information(x, rng.integers(0, 5, n)) == 0.0
    x, y = rng.integers(0, n, n), rng.integers(0, n, n)
    assert fastinfo.adjusted_mutual_information(x, y) == pytest.approx(0, abs=0.01)
    y[: n // 2] = x[: n // 2]
    assert 0.2 < fastinfo.adjusted_mutual_information(x, y) < 0.4


def test_margins_past_two_to_the_31():
    table = [[1 << 33, 3], [2, 4]]
    left, right = (np.sum(table, axis=axis).tolist() for axis in (1, 0))
    chance = naive.expected_information(left, right)
    information = naive.information_of_table(table)
    most = sum(-a / sum(left) * np.log(a / sum(left)) for a in left)
    found = fastinfo.adjusted_mutual_information(JointCounts.from_table(table), average="min")
    assert found == pytest.approx((information - chance) / (most - chance), rel=1e-6)


def test_missing_samples():
    x, y = [0, 1, None, 1, 0, 0], ["a", "b", "b", None, "a", "b"]
    kept = [0, 1, 0, 0], ["a", "b", "a", "b"]
    found = fastinfo.adjusted_mutual_information(x, y, nan_policy="omit")
    assert found == fastinfo.adjusted_mutual_information(*kept)
    assert np.isnan(fastinfo.adjusted_mutual_information(x, y, nan_policy="propagate"))
    with pytest.raises(ValueError, match="x has 1 missing values"):
        fastinfo.adjusted_mutual_information(x, y)


def test_what_is_refused():
    with pytest.raises(ValueError, match="average='mean'; accepted are 'arithmetic'"):
        fastinfo.adjusted_mutual_information([0, 1], [0, 1], average="mean")
    weighted = JointCounts().update([0, 1], [0, 1], sample_weight=[0.5, 1.5])
    with pytest.raises(ValueError, match="sums of weights, and adjusted_mutual_information needs"):
        fastinfo.adjusted_mutual_information(weighted)
    with pytest.raises(TypeError, match="samples of y are missing"):
        fastinfo.adjusted_mutual_information([0, 1])
    with pytest.raises(ValueError, match="numbers of samples differ: x has 2, y has 3"):
        fastinfo.adjusted_mutual_information([0, 1], [0, 1, 2])
