"""Rényi's and Tsallis' entropies and divergences, against sums in 60 digits."""

import itertools
import math
from fractions import Fraction

import naive
import numpy as np
import pytest
from conftest import library
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastinfo
from fastinfo import JointCounts, pmf

ORDERS = [0, 1e-9, 0.25, 0.5, 1 - 1e-6, 1, 1 + 1e-12, 1 + 1e-3, 1.5, 2, 3, 17.5, 300.0, math.inf]
ENTROPIES = {"renyi_entropy": "renyi", "tsallis_entropy": "tsallis"}
DIVERGENCES = {"renyi_divergence": "renyi", "tsallis_divergence": "tsallis"}


def close(expected):
    return pytest.approx(expected, rel=1e-11, abs=1e-13)


def entropy(measure, p, order):
    """The judge's value of an entropy of {cell: share}; at order 1 Shannon's."""
    return -naive.order_divergence(ENTROPIES[measure], p, None, order)


samples = st.lists(st.integers(0, 5), min_size=1, max_size=25)


@pytest.mark.parametrize("measure", ENTROPIES)
@settings(max_examples=100)
@given(order=st.sampled_from(ORDERS), x=samples)
def test_entropies_by_definition(measure, order, x):
    expected = entropy(measure, naive.frequencies(x), order)
    assert getattr(fastinfo, measure)(x, order) == close(expected)


@pytest.mark.parametrize("measure", DIVERGENCES)
@settings(max_examples=100)
@given(order=st.sampled_from(ORDERS), x=samples, y=samples)
def test_divergences_by_definition(measure, order, x, y):
    p, q = naive.frequencies(x), naive.frequencies(y)
    expected = naive.order_divergence(DIVERGENCES[measure], p, q, order)
    # Half a unit in the last place of p and q is raised to the order.
    found = getattr(fastinfo, measure)(x, y, order)
    assert found == pytest.approx(expected, rel=1e-11 if order < 100 else 1e-9, abs=1e-13)


@pytest.mark.parametrize("order", [0, 0.5, 1, 2, math.inf])
def test_every_backend(backend, monkeypatch, order):
    x, y = [0, 0, 1, 2], [0, 1, 1, 2, 2]
    p, q = naive.frequencies(x), naive.frequencies(y)
    monkeypatch.setenv("FASTINFO_BACKEND", backend)
    for measure in ENTROPIES:
        expected = entropy(measure, p, order)
        assert getattr(fastinfo, measure)(x, order, backend=backend) == close(expected)
        assert getattr(pmf, measure)([2, 1, 1], order) == close(expected)
    for measure, kind in DIVERGENCES.items():
        expected = naive.order_divergence(kind, p, q, order)
        assert getattr(fastinfo, measure)(x, y, order, backend=backend) == close(expected)
        assert getattr(pmf, measure)([2, 1, 1], [1, 2, 2], order) == close(expected)


@pytest.mark.parametrize("step", [1e-3, 1e-6, 1e-9, 1e-12, 2.0**-52])
@pytest.mark.parametrize("sign", [1, -1])
def test_no_digit_is_lost_near_order_1(step, sign):
    """log(Σ p^α)/(1 − α) as it is written has an error of 1e-16/step."""
    order = 1 + sign * step
    table, other = [7, 2, 1], [3, 3, 4]
    p, q = ({i: Fraction(c, 10) for i, c in enumerate(t)} for t in (table, other))
    for measure in ENTROPIES:
        expected = entropy(measure, p, order)
        assert getattr(pmf, measure)(table, order) == pytest.approx(expected, rel=4e-15)
    for measure, kind in DIVERGENCES.items():
        expected = naive.order_divergence(kind, p, q, order)
        assert getattr(pmf, measure)(table, other, order) == pytest.approx(expected, rel=4e-15)


positive = hnp.arrays("f8", 5, elements=st.just(0.0) | st.floats(1e-9, 1)).filter(np.any)


@given(p=positive, q=positive)
def test_they_are_monotone_in_the_order(p, q):
    for measure in ENTROPIES:
        values = [getattr(pmf, measure)(p, order) for order in ORDERS]
        assert all(b <= a + 1e-12 for a, b in itertools.pairwise(values))
        assert min(values) >= 0
    for measure in DIVERGENCES:
        values = [getattr(pmf, measure)(p, q, order) for order in ORDERS]
        steps = itertools.pairwise(values)
        assert all(b >= a or b == pytest.approx(a, rel=1e-9, abs=1e-9) for a, b in steps)
        assert min(values) >= 0


@given(p=positive, q=positive)
def test_identities(p, q):
    assert pmf.renyi_entropy(p, 0) == close(math.log(np.count_nonzero(p)))
    assert pmf.renyi_entropy(p, 1) == close(pmf.entropy(p))
    assert pmf.tsallis_entropy(p, 1) == close(pmf.entropy(p))
    p, q = p / p.sum(), q / q.sum()
    assert pmf.tsallis_entropy(p, 2) == close(1 - (p**2).sum())
    assert pmf.renyi_divergence(p, q, 1) == close(pmf.kl_divergence(p, q))
    assert pmf.tsallis_divergence(p, q, 1) == close(pmf.kl_divergence(p, q))
    half = pmf.renyi_divergence(p, q, 0.5)
    assert half == close(pmf.renyi_divergence(q, p, 0.5))
    with np.errstate(divide="ignore"):
        assert half == close(-2 * np.log(np.sqrt(p * q).sum()))
    for order in (0.3, 2.5):  # One follows from the other.
        renyi, tsallis = pmf.renyi_entropy(p, order), pmf.tsallis_entropy(p, order)
        assert tsallis == close(math.expm1((1 - order) * renyi) / (1 - order))
        renyi, tsallis = pmf.renyi_divergence(p, q, order), pmf.tsallis_divergence(p, q, order)
        with np.errstate(divide="ignore"):
            assert renyi == close(np.log1p((order - 1) * tsallis) / (order - 1))
    # From the uniform distribution of as many cells.
    even, order = np.ones(5), 2.5
    expected = math.log(5) - pmf.renyi_entropy(p, order)
    assert pmf.renyi_divergence(p, even, order) == close(expected)


def test_published_values():
    """Of two coins, by the limits in section II of van Erven & Harremoës 2014."""
    p, q = [0.5, 0.5], [0.9, 0.1]
    assert pmf.renyi_divergence(p, q, 2) == close(math.log(0.25 / 0.9 + 0.25 / 0.1))
    assert pmf.renyi_divergence(p, q, math.inf) == close(math.log(5))
    assert pmf.renyi_divergence(p, [1, 0], 0) == close(0)
    assert pmf.renyi_divergence([1, 0], p, 0, base=2) == close(1)
    # Rényi 1961: the uniform distribution has the same entropy of every order.
    for order in ORDERS:
        assert pmf.renyi_entropy(np.ones(8), order, base=2) == close(3)


@pytest.mark.parametrize(
    ("measure", "p", "q", "order", "expected"),
    [
        ("renyi_divergence", [1, 0], [0, 1], 0, math.inf),
        ("renyi_divergence", [1, 0], [0, 1], 0.5, math.inf),
        ("renyi_divergence", [1, 1], [1, 0], 0.5, math.log(2)),
        ("renyi_divergence", [1, 1], [1, 0], 2, math.inf),
        ("renyi_divergence", [1, 1], [1, 0], math.inf, math.inf),
        ("renyi_divergence", [1, 0], [1, 1], math.inf, math.log(2)),
        ("renyi_divergence", [1, 0], [1, 0], 3, 0),
        ("renyi_divergence", [1, 1], [1, 1e-310], 2, math.log(0.25) - math.log(1e-310)),
        ("renyi_divergence", [1, 1], [1, 1e-300], 1e300, math.log(0.5) - math.log(1e-300)),
        ("renyi_divergence", [1, 1e-300], [1e-300, 1], 0.5, 150 * math.log(10) * 2 - math.log(4)),
        ("tsallis_divergence", [1, 0], [0, 1], 0, 1),
        ("tsallis_divergence", [1, 0], [0, 1], 0.5, 2),
        ("tsallis_divergence", [1, 1], [1, 0], 2, math.inf),
        ("tsallis_divergence", [1, 1], [1, 1], math.inf, 0),
        ("tsallis_divergence", [1, 2], [1, 1], math.inf, math.inf),
    ],
)
def test_zeros_and_extremes(measure, p, q, order, expected):
    found = getattr(pmf, measure)(p, q, order)
    assert found == close(expected)
    assert math.copysign(1, found) == 1


@pytest.mark.parametrize(
    ("p", "order", "expected"),
    [
        ([1, 1e-310], 0.001, None),
        ([1, 5e-324], 1e-6, None),
        ([0.1] * 10, 1000, math.log(10)),
        ([0.1] * 10, 1e308, math.log(10)),
        ([3, 1], 1e308, -math.log(0.75)),
        ([1, 0, 0], 0.5, 0),
        ([1], 7, 0),
    ],
)
def test_powers_that_overflow_or_vanish(p, order, expected):
    shares = {i: Fraction(v) / Fraction(sum(p)) for i, v in enumerate(p)}
    expected = entropy("renyi_entropy", shares, order) if expected is None else expected
    found = pmf.renyi_entropy(p, order)
    assert found == close(expected)
    assert math.copysign(1, found) == 1


def test_rare_cells_of_a_nearly_certain_variable():
    """1e-20 is lost in log(Σ p^α): the entropy of order 2 is 2e-20, and 1e-20·(…) of order 0.9."""
    found = pmf.tsallis_entropy([1, 1e-20], 0.9)
    assert found == pytest.approx((1e-18 - 0.9e-20 - 1e-20 + 1e-20) / 0.1, rel=0.02)
    assert found > 0


@pytest.mark.parametrize("order", [0, 0.5, 1, 2, math.inf])
def test_batches(rng, order):
    p, q = rng.random((2, 3, 4, 5))
    for measure in ENTROPIES:
        call = getattr(pmf, measure)
        found = call(p, order, axis=1)
        assert found.shape == (3, 5)
        assert found[2, 3] == close(call(p[2, :, 3], order))
        assert call(p, order, axis=None) == close(call(p.ravel(), order))
    for measure in DIVERGENCES:
        call = getattr(pmf, measure)
        found = call(p, q[0, 0], order, axis=-1)
        assert found.shape == (3, 4)
        assert found[1, 2] == close(call(p[1, 2], q[0, 0], order))


def test_of_counts_weights_missing_samples_and_bins(rng):
    x, y = list("aabbbd"), list("abbcz")
    counts = [JointCounts(sparse=sparse).update(v) for v, sparse in ((x, True), (y, False))]
    for order in (0.5, 2):
        for measure in ENTROPIES:
            call = getattr(fastinfo, measure)
            assert call(counts[0], order) == close(call(x, order))
            weighted = call(["a", "b", "d"], order, sample_weight=[2, 3, 1])
            assert weighted == close(call(x, order))
            assert call([*x, None], order, nan_policy="omit") == close(call(x, order))
            assert math.isnan(call([*x, None], order, nan_policy="propagate"))
        for measure in DIVERGENCES:
            call = getattr(fastinfo, measure)
            assert call(*counts, order) == close(call(x, y, order))
    values = rng.normal(size=1000)
    assert fastinfo.renyi_entropy(values, 2, bins=16) == close(
        pmf.renyi_entropy(np.histogram(values, 16)[0], 2)
    )
    assert fastinfo.renyi_entropy(values, 2, base=2) == close(math.log2(10))


def test_the_diversity_of_wines():
    """Hill numbers, exp(H_α), of the classes of a table: effective numbers of species."""
    load_wine = library("sklearn.datasets").load_wine
    _, classes = load_wine(return_X_y=True)
    p = np.array([59, 71, 48]) / 178
    hill = [math.exp(fastinfo.renyi_entropy(classes, order)) for order in (0, 1, 2, math.inf)]
    expected = [3, math.exp(-(p * np.log(p)).sum()), 1 / (p**2).sum(), 1 / p.max()]
    assert hill == close(expected)


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (-1, ValueError),
        (math.nan, ValueError),
        ("2", TypeError),
        (None, TypeError),
        (True, TypeError),
    ],
    ids=str,
)
def test_bad_orders(order, error):
    message = r"order=.*accepted is a number from 0 to math\.inf"
    for measure in ENTROPIES:
        for space, x in ((fastinfo, [0, 1]), (pmf, [1, 1])):
            with pytest.raises(error, match=message):
                getattr(space, measure)(x, order)
    for measure in DIVERGENCES:
        for space, x in ((fastinfo, [0, 1]), (pmf, [1, 1])):
            with pytest.raises(error, match=message):
                getattr(space, measure)(x, x, order)


def test_bad_input():
    with pytest.raises(ValueError, match="x is empty"):
        fastinfo.renyi_entropy([], 2)
    with pytest.raises(TypeError, match="x is JointCounts and y is samples"):
        fastinfo.renyi_divergence(JointCounts().update([0]), [0], 2)
    with pytest.raises(ValueError, match="1 variables are needed; these JointCounts have 2"):
        fastinfo.tsallis_entropy(JointCounts().update([0], [1]), 2)
    with pytest.warns(fastinfo.ProbabilitiesWarning, match=r"fastinfo\.pmf\.renyi_entropy takes"):
        fastinfo.renyi_entropy([0.5, 0.25, 0.25], 2)
