"""Tables with too few samples for their cells: which of them are told, and how."""

from unittest import mock

import numpy as np
import pandas as pd
import pytest

import fastinfo
from fastinfo import JointCounts, SaturationWarning
from fastinfo.pairs.ranking import Judge

N = 2000


@pytest.fixture
def coin(rng):
    return rng.integers(0, 2, N)


SATURATED = {
    "8-dimensional samples": (
        lambda rng, coin: fastinfo.mutual_information(rng.normal(size=(N, 8)), coin),
        r"x is one variable of 8 columns here, .* fastinfo\.score",
    ),
    "a DataFrame": (
        lambda rng, coin: fastinfo.mutual_information(pd.DataFrame(rng.random((N, 30))), coin),
        r"x is one variable of 30 columns here, .* fastinfo\.score measures each column by itself",
    ),
    "an integer salary": (
        lambda rng, coin: fastinfo.mutual_information(coin, rng.permutation(10 * N)[:N]),
        r"chance alone gives about 0\.6\d+ of the 0\.6\d+ that 2,000 samples .* 2,000 bins of y\.",
    ),
    "the same in bits": (
        lambda rng, coin: fastinfo.mutual_information(coin, rng.permutation(N), base=2),
        r"chance alone gives about (1|0\.99\d) of the (1|0\.99\d) that",
    ),
    "what is left of a coin": (
        lambda rng, coin: fastinfo.conditional_entropy(coin, rng.permutation(N)),
        "2,000 bins of y",
    ),
    "corrected": (
        lambda rng, coin: fastinfo.mutual_information(
            coin, rng.permutation(N), estimator="miller_madow"
        ),
        "2,000 bins of y",
    ),
    "a share": (
        lambda rng, coin: fastinfo.normalized_mutual_information(coin, rng.permutation(N)),
        "2,000 bins of y",
    ),
    "given many": (
        lambda rng, coin: fastinfo.conditional_mutual_information(
            rng.integers(0, 9, N), rng.integers(0, 9, N), rng.integers(0, 40, N)
        ),
        "40 bins of z",
    ),
    "many variables": (
        lambda rng, coin: fastinfo.total_correlation(*rng.integers(0, 3, (10, N))),
        "in 59,049 cells of 10 variables, of which variable 0 has the most bins, 3",
    ),
    "O-information in bits": (
        lambda rng, coin: fastinfo.o_information(coin, coin, rng.permutation(N), base=2),
        "of which z has the most bins, 2,000",
    ),
    "a history": (
        lambda rng, coin: fastinfo.transfer_entropy(rng.integers(0, 9, N), coin, source_history=3),
        "729 bins of the source's past. Use shorter histories",
    ),
    "counts": (
        lambda rng, coin: fastinfo.mutual_information(
            JointCounts().update(rng.permutation(N), coin)
        ),
        "2,000 bins of x",
    ),
    "sparse counts": (
        lambda rng, coin: fastinfo.conditional_mutual_information(
            JointCounts(sparse=True).update(rng.permutation(N), coin, rng.integers(0, 2, N))
        ),
        "2,000 bins of x",
    ),
}


@pytest.mark.parametrize("case", SATURATED)
def test_too_few_samples_are_told_at_the_line_that_asked(rng, coin, case):
    measure, message = SATURATED[case]
    with pytest.warns(SaturationWarning, match=message) as told:
        measure(rng, coin)
    (warning,) = told
    assert warning.filename == __file__


FINE = {
    "independent": lambda rng, x: fastinfo.mutual_information(x, rng.normal(size=N)),
    "few samples": lambda rng, x: fastinfo.mutual_information(x[:40], rng.normal(size=40)),
    "the same": lambda rng, x: fastinfo.mutual_information(x, x),
    "tiny": lambda rng, x: fastinfo.mutual_information(range(20), range(20)),
    "letters": lambda rng, x: fastinfo.mutual_information(x, rng.integers(0, 48, N)),
    "rare": lambda rng, x: fastinfo.mutual_information(np.arange(N) == 7, rng.integers(0, 48, N)),
    "conditional": lambda rng, x: fastinfo.conditional_mutual_information(
        *rng.integers(0, 4, (3, N))
    ),
    "many variables": lambda rng, x: fastinfo.total_correlation(*rng.integers(0, 3, (4, N))),
    "many floats": lambda rng, x: fastinfo.o_information(*rng.normal(size=(5, N))),
    "histories": lambda rng, x: fastinfo.transfer_entropy(
        *rng.integers(0, 2, (2, N)), target_history=3, source_history=3
    ),
    "entropies": lambda rng, x: (
        fastinfo.entropy(rng.permutation(N))
        + fastinfo.joint_entropy(rng.permutation(N), rng.permutation(N))
    ),
    "weights": lambda rng, x: fastinfo.mutual_information(
        rng.permutation(N), rng.integers(0, 2, N), sample_weight=rng.random(N)
    ),
}


@pytest.mark.parametrize("case", FINE)
def test_nothing_is_told_of_tables_with_enough(rng, case):
    assert FINE[case](rng, rng.normal(size=N)) is not None  # warnings are errors here


@pytest.mark.parametrize("n_values", [4, 20, 60, 150, 400, 1000])
def test_it_is_told_where_shuffled_samples_have_most_of_it(rng, coin, n_values):
    """By permutations: chance is more than half of the value and a fifth of the entropy."""
    x = np.where(rng.random(N) < 0.1, coin, rng.integers(0, n_values, N))
    chance = [
        fastinfo.mutual_information(x, rng.permutation(coin), sample_weight=np.ones(N))
        for _ in range(50)
    ]
    value = fastinfo.mutual_information(x, coin, sample_weight=np.ones(N))
    most = min(fastinfo.entropy(x), fastinfo.entropy(coin))
    is_saturated = np.mean(chance) > max(value / 2, most / 5)
    assert is_saturated == (n_values >= 1000)
    if is_saturated:
        with pytest.warns(SaturationWarning):
            fastinfo.mutual_information(x, coin)
    else:
        fastinfo.mutual_information(x, coin)


@pytest.mark.parametrize("n_values", [2, 3, 6, 12])
def test_the_same_of_many_variables(rng, n_values):
    """By permutations of each variable: chance is more than half of it and a fifth of the most."""
    xs = rng.integers(0, n_values, (4, N))
    xs[1:] = np.where(rng.random(N) < 0.3, xs[0], xs[1:])
    weights = {"sample_weight": np.ones(N)}
    chance = [fastinfo.total_correlation(*map(rng.permutation, xs), **weights) for _ in range(20)]
    value = fastinfo.total_correlation(*xs, **weights)
    singles = list(map(fastinfo.entropy, xs))
    is_saturated = np.mean(chance) > max(value / 2, (sum(singles) - max(singles)) / 5)
    assert is_saturated == (n_values == 12)
    if is_saturated:
        with pytest.warns(SaturationWarning):
            fastinfo.total_correlation(*xs)
    else:
        fastinfo.total_correlation(*xs)


def test_pairs_and_scores_name_the_columns(rng, coin):
    table = pd.DataFrame({"coin": coin, "half": coin // 2 + coin, "x": rng.normal(size=N)})
    names = [f"n{row}" for row in rng.integers(0, 900, N)]
    wide = table.assign(name=names)
    told = r"chance with name\. The corrected value is what is left"
    with pytest.warns(SaturationWarning, match=f"3 of the pairs shown: .* {told}") as pairs:
        fastinfo.top_pairs(wide, 6)
    with pytest.warns(SaturationWarning, match=f"1 of 3 columns with the target: .* {told}") as s:
        fastinfo.score(wide, "coin")
    assert [warning.filename for told in (pairs, s) for warning in told] == [__file__] * 2
    fastinfo.top_pairs(table, 6)
    fastinfo.score(table, "coin")


MATRICES = {
    "one table": (lambda wide, coin: (np.column_stack([wide, coin, coin]), None), "2 of the 3 "),
    "two tables": (lambda wide, coin: (np.column_stack([coin, coin]), wide), "2 of the 2 "),
}


@pytest.mark.parametrize("case", MATRICES)
@pytest.mark.parametrize("normalized", [None, "min"])
def test_a_matrix_is_told_by_its_widest_columns(rng, coin, case, normalized):
    """``wide`` has a value for each of two rows, so that it seems to know much of a coin."""
    make, expected = MATRICES[case]
    X, Y = make(rng.permutation(N) // 2, coin)
    with pytest.warns(SaturationWarning, match=f"{expected}pairs of .* most bins.*top_pairs"):
        fastinfo.pairwise_mutual_information(X, Y, normalized=normalized)


def test_a_matrix_of_enough_samples_is_not_told(rng):
    fastinfo.pairwise_mutual_information(rng.integers(0, 16, (N * 10, 40)))
    fastinfo.pairwise_mutual_information(rng.normal(size=(N, 20)))


def test_a_matrix_that_cannot_be_read_from_is_not(rng, coin):
    class WriteOnly:
        shape, dtype = (2, 2), np.dtype(float)

        def __setitem__(self, key, values):
            pass

    class Broken(WriteOnly):
        def __getitem__(self, key):
            raise OSError("written, and sent away")

    X = np.column_stack([rng.permutation(N) // 2, coin])
    for out in (WriteOnly(), Broken()):
        fastinfo.pairwise_mutual_information(X, out=out)


def test_a_matrix_with_gaps_is_told_by_the_samples_that_pairs_have(rng, coin):
    """Few are missing here: that there are enough is known without a count of any pair."""
    X = np.column_stack([rng.permutation(N) // 2, coin]).astype(float)
    X[:3] = np.nan
    with pytest.warns(SaturationWarning, match="1 of the 1 pairs"):
        fastinfo.pairwise_mutual_information(X, bins="quantile:1000", nan_policy="omit")
    with mock.patch.object(Judge, "is_saturated", side_effect=AssertionError):
        fastinfo.pairwise_mutual_information(X, nan_policy="omit")
