"""The information that independent variables seem to share, against all ways to pair them."""

import itertools
import math

import naive
import numpy as np
import pytest

from fastinfo.chance import expected_information


def samples(margin):
    return [value for value, count in enumerate(margin) for _ in range(count)]


@pytest.mark.parametrize(
    ("left", "right"),
    [([3, 3], [3, 3]), ([1, 2, 3], [2, 4]), ([1] * 6, [2, 2, 2]), ([6], [3, 3]), ([5, 1], [5, 1])],
    ids=str,
)
def test_the_mean_over_all_permutations(left, right):
    x, y = samples(left), samples(right)
    values = [naive.mutual_information(x, shuffled) for shuffled in itertools.permutations(y)]
    expected = math.fsum(values) / len(values)
    found = expected_information(np.array(left), np.array(right))
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("n", "k", "m"), [(50, 3, 4), (3000, 40, 9), (20_000, 22, 22)])
def test_scikit_learn_has_the_same(rng, n, k, m):
    cluster = pytest.importorskip("sklearn.metrics.cluster", reason="scikit-learn is an extra")
    x, y = rng.integers(0, k, n), rng.integers(0, m, n) ** 2
    table = cluster.contingency_matrix(x, y, sparse=True)
    left, right = (np.unique(side, return_counts=True)[1] for side in (x, y))
    expected = cluster.expected_mutual_information(table, n)
    assert expected_information(left, right) == pytest.approx(expected, rel=1e-9)
    assert expected_information(right, left) == pytest.approx(expected, rel=1e-9)


def test_empty_bins_and_single_samples_add_nothing():
    assert expected_information(np.array([0, 4, 0, 4]), np.array([4, 4, 0])) == pytest.approx(
        expected_information(np.array([4, 4]), np.array([4, 4])), rel=1e-14
    )
    assert expected_information(np.array([1]), np.array([1])) == 0.0
    assert expected_information(np.array([0]), np.array([0])) == 0.0
