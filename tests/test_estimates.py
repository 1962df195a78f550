"""Entropies with what their estimators find out beside them."""

import math

import naive
import numpy as np
import pytest

import fastinfo
from fastinfo.estimators import entropies, nsb

X, Y = [0, 0, 1, 2, 2, 2, 1, 2], ["a", "b", "b", "b", "a", "a", "b", "b"]


@pytest.mark.parametrize("estimator", [*entropies.ESTIMATORS, "dirichlet:0.7:9"])
def test_the_value_is_that_of_joint_entropy(backend, estimator):
    options = {"estimator": estimator, "base": 2, "backend": backend}
    for variables in ([X], [X, Y]):
        found = fastinfo.estimate_entropy(*variables, **options)
        assert found.value == fastinfo.joint_entropy(*variables, **options)
        assert found.n_samples == 8
    assert found.n_occupied == 5
    assert found.n_cells == (81 if ":" in estimator else 6)


def test_what_estimators_find_out(backend):
    found = fastinfo.estimate_entropy(X, estimator="shrinkage:7", backend=backend)
    assert found.details == {
        "shrinkage_intensity": pytest.approx(naive.shrinkage_intensity([2, 2, 4], 7))
    }
    assert math.isnan(found.standard_deviation)
    found = fastinfo.estimate_entropy([*X, 9], estimator="chao_shen", backend=backend)
    assert found.details == {"coverage": pytest.approx(8 / 9)}
    found = fastinfo.estimate_entropy(X, Y, estimator="nsb", base=2, backend=backend)
    mean, deviation = nsb.posterior(np.array([1, 1, 2, 2, 2]), 6)
    assert found.value == pytest.approx(mean / math.log(2))
    assert found.standard_deviation == pytest.approx(deviation / math.log(2))
    assert found.details == {}


def test_of_counts():
    counts = fastinfo.JointCounts.from_table([[3, 0, 1], [0, 2, 2]])
    found = fastinfo.estimate_entropy(counts, estimator="perks")
    assert found.value == fastinfo.joint_entropy(counts, estimator="perks")
    assert found[2:5] == (8, 4, 6)


def test_a_missing_sample():
    options = {"nan_policy": "propagate", "estimator": "shrinkage"}
    found = fastinfo.estimate_entropy([0.5, float("nan")], **options)
    assert math.isnan(found.value)
    assert math.isnan(found.details["shrinkage_intensity"])
    assert fastinfo.estimate_entropy([0.5, 1, float("nan")], nan_policy="omit").n_samples == 2


def test_calls_that_make_no_sense():
    with pytest.raises(TypeError, match="at least one variable"):
        fastinfo.estimate_entropy()
    with pytest.raises(ValueError, match="which weights do not have; joint_entropy takes weights"):
        fastinfo.estimate_entropy([0, 1], sample_weight=[1, 2])
    weighted = fastinfo.JointCounts().update([0, 1], sample_weight=[1, 2.5])
    with pytest.raises(ValueError, match="sums of weights, and estimate_entropy tells numbers"):
        fastinfo.estimate_entropy(weighted)
