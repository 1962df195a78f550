"""Samples that look like probabilities are measured as samples, and it is said."""

import numpy as np
import pandas as pd
import pytest

import fastinfo
from fastinfo import ProbabilitiesWarning

DOUBTFUL = {
    "list": [0.5, 0.5],
    "tuple": (0.2, 0.3, 0.5),
    "array": np.full(7, 1 / 7),
    "float32": np.float32([0.25, 0.75]),
    "Series": pd.Series([0.1, 0.9]),
    "table": np.full((2, 2), 0.25),
}


@pytest.mark.parametrize("case", DOUBTFUL)
def test_entropy_hints_at_the_function_of_probabilities(case):
    with pytest.warns(ProbabilitiesWarning, match=r"fastinfo\.pmf\.entropy takes") as told:
        value = fastinfo.entropy(DOUBTFUL[case])
    assert [warning.filename for warning in told] == [__file__]
    samples = np.asarray(DOUBTFUL[case])
    twice = fastinfo.entropy(np.append(samples, samples, axis=0))
    assert value == pytest.approx(twice)  # the right one for samples


@pytest.mark.parametrize("name", ["kl_divergence", "jensen_shannon_divergence", "cross_entropy"])
def test_divergences_hint_at_it_where_both_sides_look_so(name):
    with pytest.warns(ProbabilitiesWarning, match=rf"fastinfo\.pmf\.{name} takes"):
        getattr(fastinfo, name)([0.5, 0.5], [0.25, 0.75])
    getattr(fastinfo, name)([0.5, 0.5], [0.25, 0.5])


PLAIN = {
    "integers": [0, 1],
    "an indicator": [0.0, 0.0, 1.0],
    "another sum": [0.5, 0.4],
    "negative": [-0.5, 1.5],
    "text": ["a", "b"],
    "one": [1.0],
    "mixed": [0.5, 0.5, None],
    "many": np.full(4000, 1 / 4000),
    "many in a list": [1 / 4000] * 4000,
}


@pytest.mark.parametrize("case", PLAIN)
def test_nothing_is_said_of_other_samples(case):
    fastinfo.entropy(PLAIN[case], nan_policy="omit")  # warnings are errors here
