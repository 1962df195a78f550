"""The matrix of p-values of all pairs, against the test of each pair."""

import itertools

import numpy as np
import pandas as pd
import pytest

import fastinfo

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")


def test_each_pair_is_tested_as_alone(backend, rng):
    X = rng.integers(0, [2, 3, 4, 12, 40], (400, 5))
    X[:, 2] = np.where(rng.random(400) < 0.3, X[:, 1], X[:, 2])
    found = fastinfo.pairwise_p_values(X, backend=backend)
    np.testing.assert_array_equal(found, found.T)
    for i, j in itertools.combinations(range(5), 2):
        alone = [
            fastinfo.test_independence(X[:, i], X[:, j], method=method).pvalue
            for method in ("chi2", "gamma")
        ]
        assert min(abs(found[i, j] / p - 1) for p in alone) < 1e-9
    assert found[1, 2] < 1e-6


def test_two_tables_with_names(rng):
    X = pd.DataFrame(rng.integers(0, 3, (300, 2)), columns=["a", "b"])
    Y = pd.DataFrame({"c": X.a, "d": rng.integers(0, 3, 300)})
    found = fastinfo.pairwise_p_values(X, Y)
    assert list(found.index) == ["a", "b"]
    assert list(found.columns) == ["c", "d"]
    assert found.loc["a", "c"] < 1e-100
    alone = fastinfo.test_independence(X.b, Y.d, method="chi2").pvalue
    assert found.loc["b", "d"] == pytest.approx(alone, rel=1e-9)


def test_what_cannot_be_dependent_has_1(rng):
    X = np.stack([np.zeros(50), rng.integers(0, 2, 50)], axis=1).astype(int)
    assert fastinfo.pairwise_p_values(X)[0].tolist() == [1.0, 1.0]


def test_pairs_without_a_common_sample_have_none(rng):
    X = rng.normal(size=(60, 3))
    X[:30, 0] = X[30:, 1] = np.nan
    found = fastinfo.pairwise_p_values(X, bins=3, nan_policy="omit")
    assert np.isnan(found[0, 1])
    assert not np.isnan(found[[0, 1], 2]).any()
    unknown = fastinfo.pairwise_p_values(X, bins=3, nan_policy="propagate")
    assert np.isnan(unknown[0]).all()
