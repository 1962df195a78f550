"""Soft counts and their gradients, in every backend, judged by naive.py."""

import functools

import naive
import numpy as np
import pytest
from conftest import slow_as_python
from hypothesis import given
from hypothesis import strategies as st

from fastinfo.backends.soft import SoftBins

LIMITS = np.array([[-1.0, 1.0], [0.2, 0.9]])
"""Of two pairs; samples lie in −1.2 … 1.2."""

SPREADS = {
    "order 0": {"kernel": "bspline", "order": 0},
    "order 1": {"kernel": "bspline", "order": 1},
    "order 2": {"kernel": "bspline", "order": 2},
    "order 3": {"kernel": "bspline", "order": 3},
    "gaussian": {"kernel": "gaussian"},
    "narrow gaussian": {"kernel": "gaussian", "sigma": 0.1},
    "wide gaussian": {"kernel": "gaussian", "sigma": 1.7},
}

TOLERANCE = {"rtol": 1e-12, "atol": 1e-12}
"""Of sums of some hundred products of shares; cutting a Gaussian off at 8σ costs 10⁻¹⁴."""


def samples(rng, n_pairs=2, n_samples=300, dtype=np.float64):
    """Two variables that have something to do with each other."""
    x = rng.uniform(-1.2, 1.2, (n_pairs, n_samples))
    return x.astype(dtype), (0.7 * x + 0.3 * rng.uniform(-1.2, 1.2, x.shape)).astype(dtype)


def shares_of(bins, pair):
    """The naive shares for a pair."""
    low, high = bins.limits[pair].tolist()
    options = {"order": bins.order, "sigma": bins.sigma}
    return functools.cache(
        lambda value: naive.soft_shares(value, low, high, bins.n_bins, bins.kernel, **options)
    )


def judged_counts(x, y, x_bins, y_bins, weights=None):
    counts = np.zeros((len(x), x_bins.n_bins, y_bins.n_bins))
    for pair in range(len(x)):
        factors = np.ones(x.shape[1]) if weights is None else weights[pair]
        shares = shares_of(x_bins, pair), shares_of(y_bins, pair)
        arguments = x[pair].tolist(), y[pair].tolist(), *shares, factors.tolist()
        for cell, value in naive.soft_count(*arguments).items():
            counts[pair][cell] = value
    return counts


def judged_gradients(x, y, x_bins, y_bins, by_counts, weights=None):
    by_x, by_y = np.zeros_like(x, np.float64), np.zeros_like(y, np.float64)
    for pair in range(len(x)):
        factors = (np.ones(x.shape[1]) if weights is None else weights[pair]).tolist()
        left, right = shares_of(x_bins, pair), shares_of(y_bins, pair)
        a, b, table = x[pair].tolist(), y[pair].tolist(), by_counts[pair]
        by_x[pair] = naive.soft_count_gradient(a, b, left, right, factors, table.tolist())
        by_y[pair] = naive.soft_count_gradient(b, a, right, left, factors, table.T.tolist())
    return by_x, by_y


def gradients(kernels, x, y, x_bins, y_bins, by_counts, weights=None):
    by_x, by_y = np.full_like(x, 7.0), np.full_like(y, 7.0)
    kernels.soft_count_gradient(x, y, x_bins, y_bins, by_counts, by_x, by_y, weights)
    return by_x, by_y


@pytest.mark.parametrize("weighted", [None, "bool", "samples"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("y_spread", ["order 0", "order 3", "gaussian"])
@pytest.mark.parametrize("x_spread", SPREADS)
def test_soft_counts(kernels, rng, x_spread, y_spread, dtype, weighted):
    x, y = samples(rng, n_samples=40, dtype=dtype)
    x_bins = SoftBins(9, LIMITS, **SPREADS[x_spread])
    y_bins = SoftBins(6, LIMITS[::-1].copy(), **SPREADS[y_spread])
    weights = None
    if weighted is not None:
        weights = rng.random(x.shape) * (rng.random(x.shape) < 0.7)
        weights = weights.astype(dtype) if weighted == "samples" else weights > 0
    found = kernels.soft_count(x, y, x_bins, y_bins, weights)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, judged_counts(x, y, x_bins, y_bins, weights), **TOLERANCE)
    by_counts = rng.standard_normal(found.shape)
    for one, judged in zip(
        gradients(kernels, x, y, x_bins, y_bins, by_counts, weights),
        judged_gradients(x, y, x_bins, y_bins, by_counts, weights),
        strict=True,
    ):
        assert one.dtype == x.dtype
        tolerance = TOLERANCE if dtype == "f8" else {"rtol": 1e-6, "atol": 1e-6}
        np.testing.assert_allclose(one, judged, **tolerance)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("n_samples", [1, 2, 127, 128, 129, 1000])
def test_every_sample_counts_once(kernels, rng, n_samples, spread):
    x, y = samples(rng, n_samples=n_samples)
    bins = SoftBins(7, LIMITS, **SPREADS[spread])
    found = kernels.soft_count(x, y, bins, bins)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), n_samples, rtol=1e-13)
    assert (found >= 0).all()


@pytest.mark.parametrize("spread", SPREADS)
def test_pairs_do_not_know_of_each_other(kernels, rng, spread):
    """Equal to the last bit, alone or among others."""
    x, y = samples(rng, n_pairs=2, n_samples=200)
    bins = SoftBins(8, LIMITS, **SPREADS[spread])
    together = kernels.soft_count(x, y, bins, bins)
    for pair in (slice(0, 1), slice(1, 2)):
        alone = bins._replace(limits=LIMITS[pair])
        np.testing.assert_array_equal(
            kernels.soft_count(x[pair], y[pair], alone, alone), together[pair]
        )


@pytest.mark.parametrize("spread", ["order 3", "wide gaussian"])
def test_tables_that_fit_no_shared_memory(kernels, rng, spread):
    """90 × 80 float64 cells are 56 KiB."""
    x, y = samples(rng, n_samples=40)
    x_bins, y_bins = SoftBins(90, LIMITS, **SPREADS[spread]), SoftBins(80, LIMITS, "bspline")
    found = kernels.soft_count(x, y, x_bins, y_bins)
    np.testing.assert_allclose(found, judged_counts(x, y, x_bins, y_bins), **TOLERANCE)


def test_shares_that_fit_no_shared_memory(kernels, rng):
    """A Gaussian that reaches over 150 bins of either variable."""
    x, y = samples(rng, n_samples=4)
    bins = SoftBins(150, LIMITS, "gaussian", sigma=12.0)
    found = kernels.soft_count(x, y, bins, bins)
    np.testing.assert_allclose(found, judged_counts(x, y, bins, bins), **TOLERANCE)
    by_counts = rng.standard_normal(found.shape)
    for one, judged in zip(
        gradients(kernels, x, y, bins, bins, by_counts),
        judged_gradients(x, y, bins, bins, by_counts),
        strict=True,
    ):
        np.testing.assert_allclose(one, judged, rtol=1e-11, atol=1e-11)


def test_two_runs_agree_to_the_last_bit(kernels, rng):
    """Of several chunks, in whatever order the hardware takes them."""
    x, y = samples(rng, n_samples=1000)
    bins = SoftBins(8, LIMITS, "bspline")
    once = kernels.soft_count(x, y, bins, bins)
    for _ in range(3):
        np.testing.assert_array_equal(kernels.soft_count(x, y, bins, bins), once)


@pytest.mark.parametrize("wanted", ["x", "y"])
def test_one_gradient_alone(kernels, rng, wanted):
    x, y = samples(rng)
    bins = SoftBins(8, LIMITS, "bspline")
    by_counts = rng.standard_normal((2, 8, 8))
    both = dict(zip("xy", gradients(kernels, x, y, bins, bins, by_counts), strict=True))
    out = np.empty_like(x)
    outs = (out, None) if wanted == "x" else (None, out)
    kernels.soft_count_gradient(x, y, bins, bins, by_counts, *outs)
    np.testing.assert_array_equal(out, both[wanted])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("n_bins", [1, 3, 10, 49])
def test_order_0_is_a_hard_histogram(kernels, dtype, n_bins):
    """Samples on edges and beside them too, where a product of floats goes astray."""
    for low, high in ((0.0, 1.0), (-0.3, 0.6), (1e6, 1e6 + 0.7)):
        edges = np.linspace(low, high, n_bins + 1)
        ulps = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])
        x = ulps.astype(dtype)
        wide = x.astype(np.float64)
        inside = (low <= wide) & (wide <= high)
        bins = SoftBins(n_bins, np.array([[low, high]]), "bspline", order=0)
        found = kernels.soft_count(x[None, inside], x[None, inside], bins, bins)[0]
        expected = np.histogram(wide[inside], edges)[0]
        np.testing.assert_array_equal(found, np.diag(expected))


def test_limits_are_in_the_first_and_the_last_interval(kernels):
    """A sample at a limit: shares 1, or (1, 1)/2, (1, 4, 1)/6 of the outermost bins."""
    x = np.array([[0.0, 1.0]])
    for order, ends in enumerate(([1], [1, 0], [0.5, 0.5, 0], [1 / 6, 4 / 6, 1 / 6, 0])):
        bins = SoftBins(6, np.array([[0.0, 1.0]]), "bspline", order)
        one = SoftBins(1, np.array([[0.0, 1.0]]), "bspline", 0)
        shares = kernels.soft_count(x, x, bins, one)[0, :, 0]
        padded = np.r_[ends, np.zeros(6 - len(ends))]
        np.testing.assert_allclose(shares, padded + padded[::-1], atol=1e-15)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_nan_is_seen(kernels, rng, spread, dtype):
    """NaN in its pair, nowhere else; of weight 0 it does not matter."""
    x, y = samples(rng, n_samples=150, dtype=dtype)
    bins = SoftBins(7, LIMITS, **SPREADS[spread])
    clean = kernels.soft_count(x, y, bins, bins)
    by_counts = rng.standard_normal(clean.shape)
    clean_gradients = gradients(kernels, x, y, bins, bins, by_counts)
    for position in ((1, 0), (1, 131)):
        broken = x.copy()
        broken[position] = np.nan
        found = kernels.soft_count(broken, y, bins, bins)
        np.testing.assert_array_equal(found[0], clean[0])
        assert np.isnan(found[1].sum())
        by_x, _ = gradients(kernels, broken, y, bins, bins, by_counts)
        assert np.isnan(by_x[position])
        assert np.isnan(by_x).sum() == 1

        present = np.ones(x.shape, bool)
        present[position] = False
        np.testing.assert_array_equal(
            kernels.soft_count(broken, y, bins, bins, present),
            kernels.soft_count(x, y, bins, bins, present),
        )
        by_x, by_y = gradients(kernels, broken, y, bins, bins, by_counts, present)
        assert by_x[position] == by_y[position] == 0
        np.testing.assert_array_equal(by_x[present], clean_gradients[0][present])
        np.testing.assert_array_equal(by_y[present], clean_gradients[1][present])


@pytest.mark.parametrize("spread", SPREADS)
def test_limits_of_nan_make_the_pair_nan(kernels, rng, spread):
    x, y = samples(rng, n_samples=20)
    bins = SoftBins(7, np.array([[np.nan, np.nan], [-1.0, 1.0]]), **SPREADS[spread])
    with np.errstate(invalid="ignore"):
        found = kernels.soft_count(x, y, bins, bins)
    assert np.isnan(found[0].sum())
    assert np.isfinite(found[1]).all()


@pytest.mark.parametrize("spread", SPREADS)
def test_infinite_samples_are_outside(kernels, spread):
    bins = SoftBins(7, np.array([[0.0, 1.0]]), **SPREADS[spread])
    far, ends = np.array([[-np.inf, np.inf]]), np.array([[0.0, 1.0]])
    np.testing.assert_array_equal(
        kernels.soft_count(far, ends, bins, bins), kernels.soft_count(ends, ends, bins, bins)
    )
    by_x, _ = gradients(kernels, far, ends, bins, bins, np.arange(49.0).reshape(1, 7, 7))
    assert by_x.tolist() == [[0.0, 0.0]]


def test_soft_counts_read_read_only_samples(kernels, rng):
    x, y = samples(rng)
    x.flags.writeable = y.flags.writeable = False
    bins = SoftBins(7, LIMITS, "bspline")
    assert kernels.soft_count(x, y, bins, bins).sum() == pytest.approx(600)


@slow_as_python
@given(
    seed=st.integers(0, 1 << 30),
    n_samples=st.integers(1, 20),
    x_bins=st.integers(4, 12),
    y_bins=st.integers(4, 12),
    spread=st.sampled_from(sorted(SPREADS)),
)
def test_soft_counts_of_anything(kernels, seed, n_samples, x_bins, y_bins, spread):
    x, y = samples(np.random.default_rng(seed), n_samples=n_samples)
    x_bins = SoftBins(x_bins, LIMITS, **SPREADS[spread])
    y_bins = SoftBins(y_bins, LIMITS, "bspline", order=1)
    found = kernels.soft_count(x, y, x_bins, y_bins)
    np.testing.assert_allclose(found, judged_counts(x, y, x_bins, y_bins), **TOLERANCE)
