"""Names of estimators with parameters, and how many values are possible."""

import math

import naive
import numpy as np
import pytest

import fastinfo
from fastinfo.estimators import entropies


def test_parameters_after_a_colon():
    registry = entropies.ESTIMATORS
    assert registry["nsb:20"].chosen_cells == (20,)
    assert registry["dirichlet:0.5:4x20"].chosen_cells == (4, 20)
    assert registry["nsb:20"]._replace(chosen_cells=()) == registry["nsb"]
    assert "nsb:20" not in registry, "what is asked for is not kept"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("best", "no estimator has the name 'best'"),
        ("best:3", "no estimator has the name 'best'"),
        ("", "no estimator has the name ''"),
        ("dirichlet", "dirichlet takes a number: dirichlet:0.5"),
        ("dirichlet:", "'' is no number above 0"),
        ("dirichlet:x", "'x' is no number above 0"),
        ("dirichlet:0", "'0' is no number above 0"),
        ("dirichlet:-1", "'-1' is no number above 0"),
        ("dirichlet:nan", "'nan' is no number above 0"),
        ("dirichlet:inf", "'inf' is no number above 0"),
        ("dirichlet:1:2:3", "takes no parameter '2:3'"),
        ("ml:3", "ml takes no parameter '3'"),
        ("grassberger:3", "grassberger takes no parameter '3'"),
        ("chao_shen:3", "chao_shen takes no parameter '3'"),
        ("nsb:", "'' is no number of possible values: 20, or 4x20"),
        ("nsb:0", "'0' is no number of possible values"),
        ("nsb:-4", "'-4' is no number of possible values"),
        ("nsb:2.5", "'2.5' is no number of possible values"),
        ("nsb:4x", "'4x' is no number of possible values"),
        ("nsb:²", "'²' is no number of possible values"),
        (0.5, "it is no name"),
    ],
)
def test_names_that_mean_nothing_are_refused_before_samples_are_read(name, reason):
    with pytest.raises(ValueError, match="accepted are 'ml', 'miller_madow'") as caught:
        fastinfo.mutual_information(object(), object(), estimator=name)
    assert reason in str(caught.value)


def test_every_measure_takes_the_number_of_possible_values(backend):
    x, y = [0, 0, 1, 2, 2, 2, 1], [1, 0, 1, 1, 0, 0, 1]
    found = fastinfo.mutual_information(x, y, estimator="laplace:5", backend=backend)
    counts = [3, 2, 2], [3, 4], [1, 1, 2, 1, 2]
    h = [naive.dirichlet(c, cells, 1.0) for c, cells in zip(counts, (5, 5, 25), strict=True)]
    assert found == pytest.approx(h[0] + h[1] - h[2])
    found = fastinfo.mutual_information(x, y, estimator="laplace:5x2", backend=backend)
    h = [naive.dirichlet(c, cells, 1.0) for c, cells in zip(counts, (5, 2, 10), strict=True)]
    assert found == pytest.approx(h[0] + h[1] - h[2])


def test_bins_with_edges_are_possible_and_categories_that_occur():
    x = [0, 0, 1, 3]
    by_values = fastinfo.entropy(x, estimator="laplace")
    assert by_values == pytest.approx(naive.dirichlet([2, 1, 1], 3, 1.0))
    by_edges = fastinfo.entropy(x, estimator="laplace", bins=np.arange(7))
    assert by_edges == pytest.approx(naive.dirichlet([2, 1, 1], 6, 1.0))
    chosen = fastinfo.entropy(x, estimator="laplace:4", bins=np.arange(7))
    assert chosen == pytest.approx(naive.dirichlet([2, 1, 1], 4, 1.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fastinfo.entropy([0, 1, 2], estimator="nsb:2"), "has 2 possible values, and 3"),
        (
            lambda: fastinfo.mutual_information([0, 1, 2], [0, 1, 1], estimator="nsb:3x1"),
            "has 1 possible values, and 2",
        ),
        (
            lambda: fastinfo.mutual_information([0, 1], [0, 1], estimator="nsb:2x2x2"),
            "has possible values of 3 variables, and there are 2",
        ),
        (
            lambda: fastinfo.pairwise_mutual_information([[0, 1], [1, 0]], estimator="nsb:2x2"),
            "accepted beside many features is one number for all",
        ),
        (
            lambda: fastinfo.pairwise_mutual_information([[0, 1], [1, 0]], estimator="nsb:1"),
            "has 1 possible values, and 2",
        ),
        (
            lambda: fastinfo.score([[0, 1], [1, 0]], [0, 1], estimator="nsb:1"),
            "has 1 possible values, and 2",
        ),
    ],
)
def test_numbers_of_values_that_cannot_be(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("estimator", [e for e in entropies.ESTIMATORS if e != "ml"])
def test_weights_are_refused_with_the_reason(estimator):
    message = "corrects for the number of samples, and these counts are sums of weights"
    for measure in (fastinfo.entropy, fastinfo.estimate_entropy):
        with pytest.raises(ValueError, match=message):
            measure([0, 1], estimator=estimator, sample_weight=[1, 2])
    weighted = fastinfo.JointCounts().update([0, 1], [1, 1], sample_weight=[1, 2.5])
    with pytest.raises(ValueError, match=message):
        fastinfo.mutual_information(weighted, estimator=estimator)
    with pytest.raises(ValueError, match=message):
        fastinfo.pairwise_mutual_information(
            [[0, 1], [1, 0]], estimator=estimator, sample_weight=[1, 2]
        )


def test_normalized_information_of_constants():
    """A constant has no entropy where nothing else is possible, and then shares all or nothing."""
    x, constant = [0, 1, 0, 1, 1], [3] * 5
    for estimator in entropies.ESTIMATORS:
        share = fastinfo.normalized_mutual_information(constant, constant, estimator=estimator)
        assert share == 1.0
        share = fastinfo.normalized_mutual_information(x, constant, estimator=estimator)
        assert share == pytest.approx(0.0, abs=1e-12)
    # A value that could have been another is no constant.
    both = fastinfo.normalized_mutual_information(constant, constant, estimator="laplace:4")
    assert not math.isclose(both, 1.0)
