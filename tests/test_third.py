"""The third variable: what it may be, and what is refused, through every door that takes one."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import fastinfo

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")

N = 60
X = np.random.default_rng(0).integers(0, 3, (N, 3))
Z = np.arange(N) % 4

DOORS = {
    "given": lambda table, z, **o: fastinfo.pairwise_conditional_mutual_information(
        table, given=z, **o
    ),
    "given of top_pairs": lambda table, z, **o: fastinfo.top_pairs(table, given=z, **o),
    "given of score": lambda table, z, **o: fastinfo.score(table, X[:, 0], given=z, **o),
    "target": lambda table, z, **o: fastinfo.pairwise_interaction(table, z, **o),
    "target of top_interactions": lambda table, z, **o: fastinfo.top_interactions(table, z, **o),
}


def with_gap(values):
    return [None, *values[1:].tolist()]


REFUSED = {
    "another length": (Z[:-1], ValueError, r"has 60, {0} has 59"),
    "constant": (np.zeros(N, int), ValueError, "{0} is constant: all 60 samples have one value"),
    "one bin": (np.arange(N) + 0.5, ValueError, "{0} is constant: .* or are in one bin", 1),
    "as many as samples": (
        np.arange(N),
        ValueError,
        "{0} has another value in each of 60 samples, .* numbers as floats are binned",
    ),
    "missing": (with_gap(Z), ValueError, "{0} has 1 missing values among 60: leave such samples"),
    "all missing": ([None] * N, ValueError, "{0} has 60 missing values"),
    "a number": (3, TypeError, "{0} is int; accepted is an array of samples"),
    "three dimensions": (np.zeros((N, 1, 1)), ValueError, "{0} has 3 dimensions"),
    "a name": ("z", ValueError, "{0}='z' names a column, which is looked for in DataFrames"),
    "dates": (np.full(N, "2020-01-01", "M8[D]"), TypeError, "{0} has dtype datetime64"),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", REFUSED)
def test_refused(backend, door, case):
    z, error, message, *bins = REFUSED[case]
    options = {"backend": backend}
    if bins:  # of the third variable alone; X has no floats
        n_tables = 2 if "score" in door else 1
        options["bins"] = (*[None] * n_tables, *bins)
    with pytest.raises(error, match=message.format(door.partition(" ")[0])):
        DOORS[door](X, z, **options)


def test_missing_in_all_samples_under_omit(backend):
    for name, door in DOORS.items():
        with pytest.raises(ValueError, match=f"{name.split()[0]} is missing in all 60 samples"):
            door(X, [None] * N, nan_policy="omit", backend=backend)


@pytest.mark.usefixtures("add_one")
@pytest.mark.parametrize("door", DOORS)
def test_an_estimator_that_is_no_sum_is_refused(door):
    with pytest.raises(ValueError, match=r"estimator='add_one' needs the whole table of .*'ml'"):
        DOORS[door](X, Z, estimator="add_one")


@pytest.mark.parametrize("door", DOORS)
def test_miller_madow_of_weights_is_refused(door):
    with pytest.raises(ValueError, match="corrects for the number of samples"):
        DOORS[door](X, Z, estimator="miller_madow", sample_weight=np.ones(N))


def test_what_weights_leave_constant_is_refused():
    weights = (Z == 1).astype(float)
    for name, door in DOORS.items():
        with pytest.raises(ValueError, match=f"{name.split()[0]} is constant: all 15 samples"):
            door(X, Z, sample_weight=weights)


def table(**more):
    return pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "z": Z, "one": 1} | more)


NAMES = {
    "no column": ("age", "no column is called 'age'; near are a"),
    "no column, of two": (["z", "ag"], "no column is called 'ag'; near are"),
    "constant": ("one", "column 'one' is skipped .constant or all missing"),
    "the second of two": (["z", "one"], "column 'one' is skipped .constant"),
    "all columns": (["a", "b", "c", "z"], "no column is left"),
}


@pytest.mark.filterwarnings("ignore::fastinfo.PreparationWarning")
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", NAMES)
def test_names_that_are_refused(door, case):
    name, message = NAMES[case]
    with pytest.raises(ValueError, match=message):
        DOORS[door](table(), name)


def test_the_target_is_not_given():
    with pytest.raises(ValueError, match="given: 'a' is the target"):
        fastinfo.score(table(one=X[::-1, 0]), "a", given="a")


def test_a_list_of_names_is_no_text(backend):
    """Names do not repeat, and a list of other words is samples."""
    frame = table(one=X[::-1, 0])
    letters = [*"abcz"] * (N // 4)
    by_samples = fastinfo.top_pairs(frame, given=letters, backend=backend)
    assert {pair.left for pair in by_samples} == {*"abcz"}
    by_names = fastinfo.top_pairs(frame, given=["z", "a"], backend=backend)
    assert {name for pair in by_names for name in pair[:2]} == {"b", "c", "one"}
    assert by_names == fastinfo.top_pairs(frame, given=("z", "a"), backend=backend)
    numbered = frame.set_axis(range(5), axis=1)
    by_number = fastinfo.top_pairs(numbered, given=[3, 0], backend=backend)
    assert [pair[2:] for pair in by_number] == [pair[2:] for pair in by_names]
    assert (
        fastinfo.top_pairs(numbered, given=3)[0][2:] == fastinfo.top_pairs(frame, given="z")[0][2:]
    )


def test_a_table_of_another_library(backend):
    given = pl.DataFrame({"z": Z, "text": [*"ab"] * (N // 2)})
    found = fastinfo.pairwise_conditional_mutual_information(X, given=given, backend=backend)
    expected = fastinfo.pairwise_conditional_mutual_information(X, given=Z, backend=backend)
    np.testing.assert_allclose(found, expected, rtol=1e-12)  # the text says nothing that Z does not


def test_a_missing_sample_of_it_leaves_all_pairs_unknown(backend):
    z = with_gap(Z)
    policy = {"nan_policy": "propagate", "backend": backend}
    assert np.isnan(fastinfo.pairwise_conditional_mutual_information(X, given=z, **policy)).all()
    assert np.isnan(fastinfo.pairwise_interaction(X, z, **policy)).all()
    assert fastinfo.top_pairs(X, given=z, **policy) == []
    assert fastinfo.top_pairs(X, given=z, fdr=0.05, **policy) == []
    assert fastinfo.top_interactions(X, z, **policy) == []
