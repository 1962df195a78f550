"""Measures of any number of variables: total correlation, its dual, and O-information."""

import itertools

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo import JointCounts, pmf

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")

MEASURES = ("total_correlation", "dual_total_correlation", "o_information")


def close(expected):
    return pytest.approx(expected, rel=1e-11, abs=1e-11)


def values(*variables, **options):
    return [getattr(fastinfo, measure)(*variables, **options) for measure in MEASURES]


@st.composite
def columns(draw, fewest=2):
    n_samples = draw(st.integers(1, 25))
    column = st.lists(st.integers(0, 3), min_size=n_samples, max_size=n_samples)
    return draw(st.lists(column, min_size=fewest, max_size=5))


@given(xs=columns())
def test_by_definition(backend, xs):
    expected = [getattr(naive, measure)(*xs) for measure in MEASURES]
    assert values(*xs, backend=backend) == close(expected)


@given(xs=columns(fewest=3))
def test_laws(xs):
    total, dual, balance = values(*xs)
    n = len(xs)
    assert total >= 0
    assert dual >= 0
    assert balance == close(total - dual)
    # Rosas et al. 2019, after Austin 2018: each is at most n − 1 times the other.
    assert total <= (n - 1) * dual + 1e-11
    assert dual <= (n - 1) * total + 1e-11
    # Chain rule: what the last one adds is its information with all others.
    rest = np.transpose(xs[:-1])
    added = naive.mutual_information(list(map(tuple, rest.tolist())), xs[-1])
    assert total == close(fastinfo.total_correlation(*xs[:-1]) + added)
    assert values(*xs[::-1]) == close([total, dual, balance])


@given(xs=columns(fewest=3))
def test_of_two_and_of_three(xs):
    x, y, z = xs[:3]
    mutual = fastinfo.mutual_information(x, y)
    assert values(x, y) == close([mutual, mutual, 0])
    assert fastinfo.o_information(x, y, z) == close(-fastinfo.interaction_information(x, y, z))


@pytest.mark.parametrize("n", [3, 4, 6])
def test_extremes_of_o_information(backend, n):
    """Rosas et al. 2019, section III: n − 2 bits for copies, 2 − n for the parity of n bits."""
    copies = [[0, 1]] * n
    found = values(*copies, base=2, backend=backend)
    assert found == close([n - 1, 1, n - 2])
    bits = list(zip(*itertools.product([0, 1], repeat=n - 1), strict=True))
    parity = [sum(row) % 2 for row in zip(*bits, strict=True)]
    assert values(*bits, parity, base=2, backend=backend) == close([1, n - 1, 2 - n])


@pytest.mark.parametrize("m", [2, 3, 4])
def test_values_of_the_documentation_of_dit(m):
    """Three numbers below m whose sum m divides: total correlations of 1, 1.585 and 2 bits."""
    x, y = np.indices((m, m)).reshape(2, -1)
    found = fastinfo.total_correlation(x, y, -(x + y) % m, base=2)
    assert found == close({2: 1, 3: 1.5849625007211565, 4: 2}[m])


def test_two_pairs_of_copies():
    pairs = [[0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 0, 1]]
    assert values(*pairs, base=2) == close([2, 2, 0])


@pytest.mark.parametrize("sparse", [False, True])
def test_of_counts_and_of_probabilities(rng, sparse):
    xs = rng.integers(0, 3, (4, 200))
    counts = JointCounts(sparse=sparse).update(*xs)
    expected = values(*xs)
    assert values(counts) == close(expected)
    assert [getattr(pmf, measure)(counts.table) for measure in MEASURES] == close(expected)
    for measure in MEASURES:
        of_three = getattr(pmf, measure)(counts.table, axis=(0, 3, 1))
        assert of_three.shape == (3,)
        first = counts.table[:, :, 1].transpose(0, 2, 1)
        assert of_three[1] == close(getattr(pmf, measure)(first))


def test_many_variables_are_counted_by_the_cells_that_occur(rng):
    xs = rng.integers(0, 2, (40, 300))
    xs[1:20] = xs[0]
    found = values(*xs)
    assert found == close([getattr(naive, measure)(*xs.tolist()) for measure in MEASURES])


def test_corrected(rng):
    """The bias that the notes state is what Miller and Madow's correction takes off."""
    xs = rng.integers(0, 4, (3, 500))
    plug_in = fastinfo.total_correlation(*xs)
    n_cells = len(set(zip(*xs.tolist(), strict=True)))
    expected = plug_in - (n_cells - sum(len(set(x.tolist())) for x in xs) + 2) / 1000
    assert fastinfo.total_correlation(*xs, estimator="miller_madow") == close(expected)


def test_chance_looks_synergistic_and_then_redundant(rng):
    few, many = rng.integers(0, 2, (8, 100)), rng.integers(0, 2, (40, 100))
    assert fastinfo.o_information(*few) < -1
    assert fastinfo.o_information(*many) > 5


def test_floating_point_samples_have_the_bins_of_a_table_of_so_many(rng):
    xs = rng.normal(size=(4, 1000))
    codes = [fastinfo.encode(x, n_variables=4).codes for x in xs]
    assert max(map(np.max, codes)) == naive.default_n_bins(1000, 4) - 1
    assert values(*xs) == close(values(*codes))


def test_missing_and_weighted(rng):
    x, y, z = [0, 1, None, 1, 0], [0, 1, 1, 1, 0], [1, 0, 1, None, 1]
    expected = [getattr(naive, measure)(x, y, z) for measure in MEASURES]
    assert values(x, y, z, nan_policy="omit") == close(expected)
    assert np.isnan(values(x, y, z, nan_policy="propagate")).all()
    w, weights = [*x[:2], 5, 5, 5], [1.5, 0.0, 2.0, 1.0, 0.25]
    expected = [getattr(naive, measure)(y, y, w, weights=weights) for measure in MEASURES]
    assert values(y, y, w, sample_weight=weights) == close(expected)


def test_irises():
    """Petals and the species tell the same; adding the sepals' width changes little."""
    load_iris = pytest.importorskip("sklearn.datasets").load_iris
    data, species = load_iris(return_X_y=True)
    petals = fastinfo.o_information(data[:, 2], data[:, 3], species, base=2)
    assert petals == close(-fastinfo.interaction_information(*data[:, 2:].T, species, base=2))
    assert petals > 0.9


@pytest.mark.parametrize("measure", MEASURES)
def test_bad_input(measure):
    call = getattr(fastinfo, measure)
    with pytest.raises(TypeError, match=rf"{measure}\(\) is a measure of two variables.*0 came"):
        call()
    with pytest.raises(TypeError, match=r"1 came: pass .* the columns of an array X by \*X\.T"):
        call(np.zeros((5, 3)))
    with pytest.raises(TypeError, match="1 came"):
        call(JointCounts().update([0, 1]))
    with pytest.raises(ValueError, match="hold no samples yet"):
        call(JointCounts())
    with pytest.raises(ValueError, match="numbers of samples differ"):
        call([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match="y has 1 missing"):
        call([0, 1], [0, None], [1, 1])
    of_probabilities = getattr(pmf, measure)
    for axis in (None, (0,)):
        with pytest.raises(ValueError, match="accepted are two axes or more"):
            of_probabilities([0.5, 0.5], axis=axis)
    with pytest.raises(ValueError, match="a sequence of integers"):
        of_probabilities([[0.5, 0.5]], axis=(0, "x"))
