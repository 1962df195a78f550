"""The correction of Panzeri & Treves: relevant cells, and information about a condition."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo.estimators.panzeri_treves import relevant_cells

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")

NAME = "panzeri_treves"


@given(
    counts=st.lists(st.integers(0, 30), min_size=1, max_size=40).filter(any),
    more=st.sampled_from([0, 1, 7, 5000]),
)
def test_relevant_cells_are_those_of_loops(counts, more):
    found = relevant_cells(np.array(counts), len(counts) + more)
    assert found == naive.relevant_cells(counts, len(counts) + more)
    occupied = sum(map(bool, counts))
    assert occupied <= found <= min(len(counts) + more, 2 * occupied + sum(counts))


@pytest.mark.parametrize(
    ("n_samples", "relevant"),
    [(100_000, 5), (50, 5), (30, 6), (12, 7), (10, 8), (8, 9), (7, 10)],
)
def test_published_numbers_of_relevant_cells(n_samples, relevant):
    """Those of the authors' bayescount.m, as the tests of pyentropy have them."""
    frequencies = np.array([0, 0, 1, 2, 0, 0, 0, 2, 1, 4]) / 10
    assert relevant_cells(frequencies * n_samples, 10) == relevant


def test_many_relevant_cells_are_looked_for_in_several_steps():
    counts = [1] * 150
    assert relevant_cells(np.array(counts), 10**9) == naive.relevant_cells(counts, 10**9) > 214


@pytest.mark.parametrize("cells", ["", ":6x4", ":9"])
@pytest.mark.parametrize("sparse", [False, True])
def test_information_about_a_condition(backend, rng, cells, sparse):
    """As the paper gives it, for every value of y by itself; the other way is another number."""
    y = rng.integers(0, 4, 60)
    x = np.minimum(rng.geometric(0.2 + 0.15 * y), 6)
    counts = fastinfo.JointCounts(sparse=sparse).update(x, y)
    found = fastinfo.mutual_information(counts, estimator=NAME + cells, backend=backend)
    x_cells = {"": len(set(x)), ":6x4": 6, ":9": 9}[cells]
    expected = naive.panzeri_treves_information(x.tolist(), y.tolist(), x_cells)
    assert found == pytest.approx(expected, rel=1e-11)
    assert fastinfo.mutual_information(y, x, estimator=NAME) != pytest.approx(expected, rel=1e-6)
    of_samples = fastinfo.mutual_information(x, y, estimator=NAME + cells, backend=backend)
    assert of_samples == found


def test_conditions_of_several_columns(rng):
    x, z = rng.integers(0, 3, 80), rng.integers(0, 3, (80, 2))
    both = z[:, 0] * 3 + z[:, 1]
    found = fastinfo.mutual_information(x, z, estimator=NAME)
    assert found == pytest.approx(fastinfo.mutual_information(x, both, estimator=NAME), rel=1e-12)


def test_conditional_information_is_that_within_each_value(rng):
    """Where all values of z hold samples of all x and y, R̃ of each value counts by itself."""
    x, y, z = rng.integers(0, [3, 3, 2], (90, 3)).T
    found = fastinfo.conditional_mutual_information(x, y, z, estimator=f"{NAME}:3x3x2")
    expected = 0.0
    for value in (0, 1):
        here = z == value
        pair = list(zip(x[here].tolist(), y[here].tolist(), strict=True))
        cells = [
            naive.relevant_cells(np.unique(v, return_counts=True, axis=0)[1].tolist(), k)
            for v, k in ((x[here], 3), (y[here], 3), (pair, 9))
        ]
        plug_in = naive.mutual_information(x[here].tolist(), y[here].tolist())
        correction = (cells[0] + cells[1] - cells[2] - 1) / (2 * here.sum())
        expected += here.mean() * (plug_in + correction)
    assert found == pytest.approx(expected, rel=1e-11)


def test_pairs_have_no_order():
    message = "which is not that about x in y, and pairs of features have no order"
    for measure in (fastinfo.pairwise_mutual_information, fastinfo.top_pairs):
        with pytest.raises(ValueError, match=message):
            measure([[0, 1], [1, 0]], estimator=NAME)
    with pytest.raises(ValueError, match=message):
        fastinfo.score([[0, 1], [1, 0]], [0, 1], estimator=NAME)
