"""Jensen–Shannon divergence of any number of distributions, and counts of several samples."""

import math

import naive
import numpy as np
import pytest
from conftest import library
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo import JointCounts, pmf


def close(expected):
    return pytest.approx(expected, rel=1e-11, abs=1e-13)


samples = st.lists(st.integers(0, 4), min_size=1, max_size=12)
weighted = st.lists(st.tuples(samples, st.integers(0, 5)), min_size=2, max_size=5).filter(
    lambda sides: any(weight for _, weight in sides)
)


@given(sides=weighted)
def test_by_definition(backend, sides):
    columns, weights = zip(*sides, strict=True)
    found = fastinfo.jensen_shannon_divergence(*columns, backend=backend)
    assert found == close(naive.jensen_shannon_of_many(columns))
    found = fastinfo.jensen_shannon_divergence(*columns, weights=weights, backend=backend)
    assert found == close(naive.jensen_shannon_of_many(columns, weights))
    shares = np.array(weights) / sum(weights)
    assert 0 <= found <= pmf.entropy(shares) + 1e-15


@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")
@given(columns=st.lists(samples, min_size=2, max_size=5))
def test_it_is_the_information_about_the_origin(columns):
    """With the numbers of samples as weights."""
    sizes = list(map(len, columns))
    origin = np.repeat(range(len(columns)), sizes)
    found = fastinfo.jensen_shannon_divergence(*columns, weights=sizes)
    assert found == close(fastinfo.mutual_information(np.concatenate(columns), origin))


@pytest.mark.parametrize("step", [1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("weights", [None, [0.2, 0.5, 0.3]])
def test_nearly_equal_distributions_keep_their_digits(step, weights):
    """A difference of entropies would be 0 ± 1e-16, and the value is 1e-24 in the end."""
    eighths = np.full(8, 0.125)
    moves = np.array([[1, -1, 0, 0, 0, 0, 0, 0], [0, 0, 2, -1, -1, 0, 0, 0], [0] * 8]) * step
    ps = eighths + moves
    # What the floats really are: their differences from 1/8, normalised as they are passed.
    found = pmf.jensen_shannon_divergence(*ps, weights=weights)
    w = np.array(weights or [1 / 3] * 3)
    exact = [[naive.Fraction(float(v)) for v in p] for p in ps]
    exact = [[v / sum(p) for v in p] for p in exact]
    with naive.localcontext(prec=80):
        middle = [
            sum(naive.Fraction(float(a)) * p[i] for a, p in zip(w, exact, strict=True))
            for i in range(8)
        ]
        middle = [v / sum(middle) for v in middle]
        expected = sum(
            naive.exact(float(a))
            * sum(
                naive.exact(v) * (naive.exact(v) / naive.exact(m)).ln()
                for v, m in zip(p, middle, strict=True)
            )
            for a, p in zip(w, exact, strict=True)
        )
    # The floats are off by half a unit in the last place, beside differences of this step.
    assert found == pytest.approx(float(expected), rel=max(1e-14, 3e-16 / step))


def test_textbook_values():
    """Lin 1991: distributions that share nothing are as far apart as their weights allow."""
    assert pmf.jensen_shannon_divergence([1, 0, 0], [0, 1, 0], [0, 0, 1]) == close(math.log(3))
    found = pmf.jensen_shannon_divergence([1, 0], [0, 1], weights=[1, 3], base=2)
    assert found == close(2 - 0.75 * math.log2(3))
    assert pmf.jensen_shannon_divergence([1, 1], [2, 2], [3, 3]) == 0


def test_weights_of_zero_leave_a_distribution_out():
    two = pmf.jensen_shannon_divergence([1, 2], [2, 1])
    assert pmf.jensen_shannon_divergence([1, 2], [2, 1], [9, 1], weights=[1, 1, 0]) == two


def test_batches(rng):
    ps = rng.random((3, 4, 5))
    found = pmf.jensen_shannon_divergence(*ps, axis=1, weights=(1, 2, 3))
    assert found.shape == (4,)
    one = pmf.jensen_shannon_divergence(*ps[:, 2], weights=(1, 2, 3))
    assert found[2] == close(one)
    against = pmf.jensen_shannon_divergence(ps[0], ps[1], ps[2, 0], axis=-1)
    assert against[1] == close(pmf.jensen_shannon_divergence(ps[0, 1], ps[1, 1], ps[2, 0]))


def test_masked_cells_are_left_out_of_all():
    p = np.ma.array([0.5, 0.5, 9.0], mask=[0, 0, 1])
    found = pmf.jensen_shannon_divergence(p, [1, 3, 7], [3, 1, 2])
    assert found == close(pmf.jensen_shannon_divergence([1, 1], [1, 3], [3, 1]))


@pytest.mark.parametrize("kinds", ["ddd", "dsd", "sss"])
def test_of_counts(kinds):
    """Each has a category that others lack."""
    columns = [list("aabbbdd"), list("abbcdz"), list("zzq")]
    counts = [
        JointCounts(sparse=kind == "s").update(column)
        for kind, column in zip(kinds, columns, strict=True)
    ]
    found = fastinfo.jensen_shannon_divergence(*counts, weights=[1, 2, 2])
    assert found == close(naive.jensen_shannon_of_many(columns, [1, 2, 2]))


def test_floating_point_samples_share_their_bins(rng):
    columns = rng.normal(size=200), rng.normal(0.5, 1, size=300), rng.normal(0, 2, size=250)
    edges = naive.quantile_edges(np.concatenate(columns).tolist(), naive.default_n_bins(750))
    codes = [naive.encode_edges(column.tolist(), edges) for column in columns]
    found = fastinfo.jensen_shannon_divergence(*columns)
    assert found == close(naive.jensen_shannon_of_many(codes))


def test_tables_match_by_their_names():
    import pandas as pd

    a = pd.DataFrame({"u": [0, 1, 1], "v": [5, 5, 6]})
    found = fastinfo.jensen_shannon_divergence(a, a[["v", "u"]], a)
    assert found == 0


def test_weighted_and_missing_samples():
    columns = [[0, 1, 1], [1, 2, 2], [0, 0]]
    found = fastinfo.jensen_shannon_divergence(*columns, sample_weight=(None, [1, 0, 2], None))
    assert found == close(naive.jensen_shannon_of_many([columns[0], [1, 2, 2], columns[2]]))
    found = fastinfo.jensen_shannon_divergence([0, None, 1], [0], [1], nan_policy="omit")
    assert found == close(naive.jensen_shannon_of_many([[0, 1], [0], [1]]))
    assert math.isnan(
        fastinfo.jensen_shannon_divergence([0], [1], [None, 0], nan_policy="propagate")
    )


def test_irises():
    """Which measurement tells the three species apart? The petals', as every textbook has it."""
    load_iris = library("sklearn.datasets").load_iris
    data, species = load_iris(return_X_y=True)
    shares = [
        fastinfo.jensen_shannon_divergence(*(column[species == s] for s in range(3))) / math.log(3)
        for column in data.T
    ]
    assert min(shares[2:]) > 0.7 > 0.5 > max(shares[:2])


@pytest.mark.parametrize(
    ("weights", "error"),
    [
        ([1, 2], ValueError),
        ([1, 2, -1], ValueError),
        ([0, 0, 0], ValueError),
        ([1, 1, math.nan], ValueError),
        ([1, 1, math.inf], ValueError),
        (["1", 1, 1], TypeError),
        ("abc", TypeError),
        (3, TypeError),
    ],
    ids=str,
)
def test_bad_weights(weights, error):
    for call in (fastinfo.jensen_shannon_divergence, pmf.jensen_shannon_divergence):
        with pytest.raises(error, match=r"weights=.*accepted are 3 numbers, none negative"):
            call([0, 1], [1, 1], [1, 2], weights=weights)


def test_bad_input():
    call = fastinfo.jensen_shannon_divergence
    with pytest.raises(ValueError, match="x has 1 columns and sample 2 2; a divergence compares"):
        call([0], [1], np.zeros((3, 2), int))
    with pytest.raises(TypeError, match=r"y is JointCounts and x and sample 2 are samples: count"):
        call([0], JointCounts().update([0]), [1])
    with pytest.raises(ValueError, match=r"x has dtype int64 and sample 2 .*samples of one type"):
        call([0], [1], [0.5])
    with pytest.raises(ValueError, match="sample_weight has 3 entries here: the weights of x and"):
        call([0], [1], [2], sample_weight=([1], [1]))
    with pytest.raises(ValueError, match="sample 2 has 1 missing"):
        call([0], [1], [None, 1])
    with pytest.raises(ValueError, match="pk and qk and distribution 2 have shapes"):
        pmf.jensen_shannon_divergence([1, 2], [1, 2], [1, 2, 3])
