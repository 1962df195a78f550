"""Counts → entropies: the estimators."""

import math

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastinfo import entropies

NAIVE = {
    "ml": lambda counts: naive.entropy_of(naive.probabilities(dict(enumerate(counts)))),
    "miller_madow": lambda counts: naive.miller_madow(
        [i for i, c in enumerate(counts) for _ in range(c)]
    ),
}


def test_every_estimator_has_a_judge():
    assert set(NAIVE) == set(entropies.ESTIMATORS)
    assert set(entropies.ESTIMATORS) >= entropies.NEEDS_INTEGERS


@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
@given(counts=st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any))
def test_estimators(kernels, estimator, counts):
    found = float(entropies.entropy(np.array(counts), estimator, kernels))
    assert found == pytest.approx(NAIVE[estimator](counts), rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
def test_many_tables_at_once(kernels, rng, estimator):
    counts = rng.integers(0, 9, (3, 4, 7))
    found = entropies.entropy(counts, estimator, kernels)
    assert found.shape == (3, 4)
    for index in np.ndindex(3, 4):
        expected = NAIVE[estimator](counts[index].tolist())
        assert found[index] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
@pytest.mark.parametrize("shape", [(5,), (2, 5), (0,)])
def test_a_table_without_samples_has_no_entropy(kernels, estimator, shape):
    assert np.isnan(entropies.entropy(np.zeros(shape, np.int64), estimator, kernels)).all()


@pytest.mark.parametrize("total", [1, 3, 7, 12345, (1 << 53) - 1, 0.1, 1e-200, 1e200])
def test_one_occupied_cell_has_exactly_no_entropy(kernels, total):
    assert entropies.plug_in(np.array([0, total, 0]), kernels) == 0.0


def test_miller_madow_by_hand(kernels):
    """Counts 2, 1, 1: log 4 − (2 log 2)/4 + 2/8."""
    expected = math.log(4) - math.log(2) / 2 + 0.25
    assert float(entropies.miller_madow(np.array([2, 1, 1, 0]), kernels)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("estimator", "value", "expected"),
    [
        ("ml", -1e-17, "0.0"),
        ("ml", -0.0, "0.0"),
        ("ml", np.nan, "nan"),
        ("ml", 0.5, "0.5"),
        ("miller_madow", -0.25, "-0.25"),
    ],
)
def test_only_rounding_is_taken_away(kernels, estimator, value, expected):
    found = entropies.without_rounding(np.float64(value), estimator, kernels)
    assert repr(float(found)) == expected
