"""Pointwise information of samples, of cells of counts, and of probabilities."""

import math

import naive
import numpy as np
import pytest
from conftest import library
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo import JointCounts, pmf

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")

MEASURES = {
    "mutual_information": (2, naive.pointwise_mutual_information),
    "conditional_mutual_information": (3, naive.pointwise_conditional_mutual_information),
}


def close(expected):
    return pytest.approx(expected, rel=1e-11, abs=1e-11, nan_ok=True)


def functions(measure):
    """The pointwise function of a measure, and the measure."""
    return getattr(fastinfo, f"pointwise_{measure}"), getattr(fastinfo, measure)


@st.composite
def columns(draw, count, element):
    n_samples = draw(st.integers(1, 30))
    column = st.lists(element, min_size=n_samples, max_size=n_samples)
    return draw(st.lists(column, min_size=count, max_size=count))


@pytest.mark.parametrize("measure", MEASURES)
@given(data=st.data())
def test_by_definition(backend, measure, data):
    count, judge = MEASURES[measure]
    pointwise, whole = functions(measure)
    xs = data.draw(columns(count, st.integers(-2, 2)))
    found = pointwise(*xs, backend=backend)
    assert found.dtype == np.float64
    assert found.tolist() == close(judge(*xs))
    assert found.mean() == close(whole(*xs, backend=backend))


@pytest.mark.parametrize("measure", MEASURES)
@given(data=st.data())
def test_missing_samples(measure, data):
    count, judge = MEASURES[measure]
    pointwise, whole = functions(measure)
    xs = data.draw(columns(count, st.none() | st.integers(0, 2)))
    expected = judge(*xs)
    if all(map(math.isnan, expected)):
        with pytest.raises(ValueError, match="no sample is left"):
            pointwise(*xs, nan_policy="omit")
        assert np.isnan(pointwise(*xs, nan_policy="propagate")).all()
        return
    found = pointwise(*xs, nan_policy="omit")
    assert found.tolist() == close(expected)
    assert np.nanmean(found) == close(whole(*xs, nan_policy="omit"))
    if any(map(math.isnan, expected)):
        assert np.isnan(pointwise(*xs, nan_policy="propagate")).all()
        with pytest.raises(ValueError, match="missing values"):
            pointwise(*xs)
    else:
        assert pointwise(*xs, nan_policy="propagate").tolist() == close(expected)


@pytest.mark.parametrize("measure", MEASURES)
@given(data=st.data())
def test_weights(measure, data):
    count, _ = MEASURES[measure]
    pointwise, whole = functions(measure)
    xs = data.draw(columns(count, st.integers(0, 2)))
    size = len(xs[0])
    element = st.sampled_from([0.0, 0.5, 1.0, 3.25])
    weights = np.array(data.draw(st.lists(element, min_size=size, max_size=size).filter(any)))
    found = pointwise(*xs, sample_weight=weights)
    np.testing.assert_array_equal(np.isnan(found), weights == 0)
    mean = np.average(found[weights > 0], weights=weights[weights > 0])
    assert mean == close(whole(*xs, sample_weight=weights))


@pytest.mark.parametrize("bins", [None, 12, "quantile:3"])
def test_binned_and_wide(backend, rng, bins):
    """The same bins as the measure's, in dense tables, and in sparse ones past 64 bits."""
    x = rng.normal(size=(700, 2))
    y = x[:, 0] + rng.normal(size=700)
    found = fastinfo.pointwise_mutual_information(x, y, bins=bins, backend=backend)
    assert found.mean() == close(fastinfo.mutual_information(x, y, bins=bins, backend=backend))
    wide = rng.integers(0, 3, (300, 50))
    same = wide[:, :1] + np.arange(2)
    found = fastinfo.pointwise_mutual_information(wide, same, backend=backend)
    rows = [list(map(tuple, v.tolist())) for v in (wide, same)]
    assert found.tolist() == close(naive.pointwise_mutual_information(*rows))


def test_many_samples(rng):
    x, z = rng.integers(0, 5, (2, 3000))
    y = (x + rng.integers(0, 2, 3000)) % 5
    found = fastinfo.pointwise_conditional_mutual_information(x, y, z, base=2)
    expected = naive.pointwise_conditional_mutual_information(x.tolist(), y.tolist(), z.tolist())
    assert (found * math.log(2)).tolist() == close(expected)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("measure", MEASURES)
def test_cells_of_counts_and_of_probabilities(rng, measure, sparse):
    count, _ = MEASURES[measure]
    pointwise, whole = functions(measure)
    xs = rng.integers(0, 3, (count, 12))
    counts = JointCounts(sparse=sparse).update(*xs)
    table = counts.table
    cells = pointwise(counts)
    assert cells.shape == table.shape
    found = pointwise(*xs)
    labels = [np.searchsorted(bins, x) for bins, x in zip(counts.bins, xs, strict=True)]
    assert cells[tuple(labels)].tolist() == close(found.tolist())
    of_probabilities = getattr(pmf, f"pointwise_{measure}")
    np.testing.assert_allclose(of_probabilities(table), cells, atol=1e-12)
    assert np.dot(cells[table > 0], table[table > 0]) / 12 == close(whole(counts))
    # Cells that could occur and do not are −inf; those that could not are NaN.
    could = np.ones(table.shape, bool)
    for axis in (0, 1):
        rest = tuple(a for a in (0, 1) if a != axis)
        could &= table.sum(axis=rest[0], keepdims=True) > 0
    np.testing.assert_array_equal(np.isneginf(cells), could & (table == 0))
    np.testing.assert_array_equal(np.isnan(cells), ~could)


def test_batches_of_probabilities(rng):
    whole = rng.random((2, 3, 4, 5))
    for axes in [(0, 1), (3, 1), (-1, 0)]:
        found = pmf.pointwise_mutual_information(whole, axis=axes, base=2)
        assert found.shape == whole.shape
        first = np.moveaxis(whole, axes, (0, 1))[:, :, 1, 1]
        one = pmf.pointwise_mutual_information(first, base=2)
        np.testing.assert_allclose(np.moveaxis(found, axes, (0, 1))[:, :, 1, 1], one, atol=1e-14)
    found = pmf.pointwise_conditional_mutual_information(whole, axis=(3, 0, 2))
    first = np.moveaxis(whole, (3, 0, 2), (0, 1, 2))[..., 1]
    one = pmf.pointwise_conditional_mutual_information(first)
    np.testing.assert_allclose(np.moveaxis(found, (3, 0, 2), (0, 1, 2))[..., 1], one, atol=1e-14)


def test_a_cell_by_hand():
    """Church & Hanks 1990: log₂ of how much more often two words come together than by chance."""
    table = [[8, 2], [2, 88]]
    found = pmf.pointwise_mutual_information(table, base=2)
    assert found[0, 0] == close(math.log2(0.08 / 0.01))
    assert found[0, 1] == close(math.log2(0.02 / 0.09))
    with pytest.raises(ValueError, match="tuple of 2 integers"):
        pmf.pointwise_mutual_information(table, axis=(0,))


def test_tensors_come_back_as_tensors():
    torch = library("torch")
    x = torch.tensor([0, 0, 1, 1])
    found = fastinfo.pointwise_mutual_information(x, [0, 0, 1, 1], base=2)
    assert isinstance(found, torch.Tensor)
    assert found.tolist() == [1, 1, 1, 1]


def test_which_irises_are_told_wrongly_by_their_sepals():
    """Values below 0 mark the flowers whose sepals look like those of another species."""
    load_iris = library("sklearn.datasets").load_iris
    data, species = load_iris(return_X_y=True)
    petals = fastinfo.pointwise_mutual_information(data[:, 2], species)
    sepals = fastinfo.pointwise_mutual_information(data[:, 1], species)
    assert (petals < 0).mean() < 0.05 < 0.2 < (sepals < 0).mean()


@pytest.mark.parametrize("measure", MEASURES)
def test_bad_input(measure):
    count, _ = MEASURES[measure]
    pointwise, _ = functions(measure)
    last = "y" if count == 2 else "y, z"
    with pytest.raises(TypeError, match=f"samples of {last} are missing"):
        pointwise([0, 1])
    with pytest.raises(ValueError, match="numbers of samples differ"):
        pointwise(*[[0, 1]] * (count - 1), [0])
    with pytest.raises(ValueError, match=f"{count} variables are needed; these JointCounts have 1"):
        pointwise(JointCounts().update([0]))
    with pytest.raises(TypeError, match="pass them alone"):
        pointwise(JointCounts().update([0]), [1])
    with pytest.raises(ValueError, match="base=1"):
        pointwise(*[[0, 1]] * count, base=1)
    with pytest.raises(ValueError, match="sample_weight has shape"):
        pointwise(*[[0, 1]] * count, sample_weight=[1])
