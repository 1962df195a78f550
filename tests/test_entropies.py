"""Counts → entropies: the estimators."""

import math

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo import formulas
from fastinfo.backends import choose
from fastinfo.estimators import entropies
from fastinfo.inputs import options
from fastinfo.measures.apply import apply
from fastinfo.pairs import features, plan
from fastinfo.pairs.job import Job
from fastinfo.pairs.measure import OfEntropies

NAIVE = {
    "ml": lambda counts: naive.entropy_of(naive.probabilities(dict(enumerate(counts)))),
    "miller_madow": lambda counts: naive.miller_madow(
        [i for i, c in enumerate(counts) for _ in range(c)]
    ),
}


def nobody_asks():
    """The number of possible cells, of which these estimators know nothing."""
    raise AssertionError


def test_every_estimator_has_a_judge():
    assert set(NAIVE) == set(entropies.ESTIMATORS)


def entropy(counts, estimator, backend):
    """Entropies by the kernels of a backend, on the host."""
    kernels = choose(backend)
    with kernels.current():
        there = kernels.bring(np.array(counts))
        return kernels.to_host(entropies.entropy(there, nobody_asks, estimator, kernels))


@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
@given(counts=st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any))
def test_estimators(backend, estimator, counts):
    found = float(entropy(counts, estimator, backend))
    assert found == pytest.approx(NAIVE[estimator](counts), rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
def test_many_tables_at_once(backend, rng, estimator):
    counts = rng.integers(0, 9, (3, 4, 7))
    found = entropy(counts, estimator, backend)
    assert found.shape == (3, 4)
    for index in np.ndindex(3, 4):
        expected = NAIVE[estimator](counts[index].tolist())
        assert found[index] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
@pytest.mark.parametrize("shape", [(5,), (2, 5), (0,)])
def test_a_table_without_samples_has_no_entropy(backend, estimator, shape):
    assert np.isnan(entropy(np.zeros(shape, np.int64), estimator, backend)).all()


@pytest.mark.parametrize("total", [1, 3, 7, 12345, (1 << 53) - 1, 0.1, 1e-200, 1e200])
def test_one_occupied_cell_has_exactly_no_entropy(backend, total):
    assert entropy([0, total, 0], "ml", backend) == 0.0


def test_miller_madow_by_hand(backend):
    """Counts 2, 1, 1: log 4 − (2 log 2)/4 + 2/8."""
    expected = math.log(4) - math.log(2) / 2 + 0.25
    assert float(entropy([2, 1, 1, 0], "miller_madow", backend)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("estimator", "bounds", "value", "expected"),
    [
        ("ml", (0.0, np.inf), -1e-17, "0.0"),
        ("ml", (0.0, np.inf), -0.0, "0.0"),
        ("ml", (0.0, np.inf), np.nan, "nan"),
        ("ml", (0.0, np.inf), 0.5, "0.5"),
        ("ml", (0.0, 1.0), 1 + 2e-16, "1.0"),
        ("ml", (-np.inf, np.inf), -0.25, "-0.25"),
        ("miller_madow", (0.0, 1.0), -0.25, "-0.25"),
        ("miller_madow", (0.0, 1.0), 1.25, "1.25"),
    ],
)
def test_only_rounding_is_taken_away(kernels, estimator, bounds, value, expected):
    found = entropies.without_rounding(np.float64(value), bounds, estimator, kernels)
    assert repr(float(found)) == expected


def test_a_formula_that_may_be_negative_stays_negative(kernels):
    """Interaction information of two coins and their exclusive or: −1 bit."""

    @formulas.formula(low=-math.inf)
    def interaction(entropy):
        pairs = entropy(0, 1) + entropy(0, 2) + entropy(1, 2)
        return entropy(0) + entropy(1) + entropy(2) - pairs + entropy(0, 1, 2)

    counts = fastinfo.JointCounts().update([0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0])
    checked = options.Options(None, 2, "ml", "raise", None, kernels.name, None)
    assert apply(interaction, (counts, None, None), checked) == pytest.approx(-1)


@pytest.mark.parametrize(("low", "high"), [(-math.inf, math.inf), (0.0, 0.5)])
def test_pairs_keep_to_the_bounds_of_their_formula(backend, rng, low, high):
    """Of H(X) − H(Y), which is negative for half of the pairs, and of one that is bounded above."""

    @formulas.formula(low, high)
    def difference(entropy):
        return entropy(0) - entropy(1)

    kernels = choose(backend)
    n_bins = np.array([2, 9, 3, 5])
    codes = np.stack([rng.integers(0, bins, 60) for bins in n_bins]).astype(np.uint8)
    binned = features.Features([kernels.bring(codes)], n_bins, *np.zeros((2, 4), bool))
    tiling = plan.Plan(n_bins, 2, 60)
    job = Job(binned, tiling, OfEntropies("difference", difference, "ml"), kernels)
    of = [naive.entropy(column.tolist()) for column in codes]
    seen = []
    for tile in tiling.tiles:
        lefts, rights = tiling.order[tile.left], tiling.order[tile.right]
        expected = np.clip([[of[i] - of[j] for j in rights] for i in lefts], low, high)
        np.testing.assert_allclose(job.measure(tile)["value"], expected, rtol=1e-12)
        seen += expected.ravel().tolist()
    assert min(seen) < 0 if low < 0 else max(seen) == high


def test_rounding_does_not_grow_with_the_number_of_cells(kernels, rng):
    for n_cells in (1, 7, 255, 256, 257, 5000, 1 << 17):
        weights = rng.random(n_cells)
        counts = rng.integers(0, 100_000, n_cells)
        for table in (weights, counts, np.ones(n_cells) / n_cells):
            found = float(kernels.to_host(kernels.sum_xlogx(kernels.bring(table))))
            terms = [c * math.log(c) for c in table.tolist() if c > 0]
            assert found == pytest.approx(math.fsum(terms), rel=1e-14)
        other = kernels.bring(rng.random(n_cells) + 0.5)
        found = float(kernels.to_host(kernels.sum_xlogy(kernels.bring(weights), other)))
        terms = [p * math.log(q) for p, q in zip(weights, kernels.to_host(other), strict=True)]
        scale = math.fsum(map(abs, terms))
        assert found == pytest.approx(math.fsum(terms), abs=1e-14 * scale)
