"""Bins of equal frequency: no value is lost, whatever the ties."""

import math
from collections import Counter

import naive
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fastinfo
from fastinfo.backends import quantiles

counts_of_values = st.lists(st.integers(1, 6) | st.integers(1, 400), min_size=1, max_size=24)
numbers_of_bins = st.integers(1, 12)


def bins_of(x, n_bins, **options):
    """Each bin as the set of its values, in order."""
    counts = fastinfo.JointCounts(bins=f"quantile:{n_bins}", **options).update(np.asarray(x, float))
    codes = naive.encode_edges(list(x), counts.bins[0].tolist())
    found = {}
    for value, code in zip(x, codes, strict=True):
        found.setdefault(code, set()).add(value)
    assert counts.table.tolist() == [codes.count(code) for code in range(len(counts.table))]
    return [found[code] for code in sorted(found)]


def repeated(counts):
    """Samples 0.0, 1.0, …, each as often as the list says."""
    return np.repeat(np.arange(len(counts), dtype=float), counts)


@given(counts_of_values, numbers_of_bins)
def test_every_bin_is_used(counts, n_bins):
    assert len(quantiles.edges(np.arange(len(counts)), np.array(counts), n_bins)) == (
        min(n_bins, len(counts)) + 1
    )


@given(counts_of_values, numbers_of_bins)
def test_a_value_that_outweighs_a_bin_is_alone(counts, n_bins):
    """Unless the stretches of values between such ones need its bin, each of them one."""
    heavy = [value for value, count in enumerate(counts) if count * n_bins > sum(counts)]
    light = [value for value in range(len(counts)) if value not in heavy]
    stretches = sum(value - 1 not in light for value in light)
    if len(heavy) + stretches > n_bins:
        return
    bins = bins_of(repeated(counts).tolist(), n_bins)
    assert all({float(value)} in bins for value in heavy)


@given(counts_of_values, numbers_of_bins)
def test_no_more_values_than_bins_are_all_told_apart(counts, n_bins):
    if len(counts) <= n_bins:
        bins = bins_of(repeated(counts).tolist(), n_bins)
        assert bins == [{float(value)} for value in range(len(counts))]


@given(counts_of_values, numbers_of_bins, st.randoms())
def test_the_bins_are_those_of_the_loops(backend, counts, n_bins, random):
    x = repeated(counts).tolist()
    expected = naive.quantile_edges(x, n_bins)
    random.shuffle(x)
    found = fastinfo.JointCounts(bins=f"quantile:{n_bins}", backend=backend).update(np.array(x))
    assert found.bins[0].tolist() == expected


@given(counts_of_values, numbers_of_bins)
def test_an_increasing_map_changes_nothing(counts, n_bins):
    x = repeated(counts)
    tables = [
        fastinfo.JointCounts(bins=f"quantile:{n_bins}").update(values).table.tolist()
        for values in (x, np.exp(x), -1 / (x + 1), x * 1e-300)
    ]
    assert all(table == tables[0] for table in tables)


@given(
    n_low=st.integers(0, 60),
    n_heavy=st.integers(100, 300),
    n_high=st.integers(0, 60),
    n_bins=st.integers(3, 9),
)
def test_a_decreasing_map_mirrors_the_bins(n_low, n_heavy, n_high, n_bins):
    """One heavy value at the bottom, in the middle or at the top, and others without ties."""
    x = np.r_[np.arange(n_low) - 1000.0, np.zeros(n_heavy), np.arange(n_high) + 1000.0]
    sizes = [
        fastinfo.JointCounts(bins=f"quantile:{n_bins}").update(values).table for values in (x, -x)
    ]
    # A sample that lies on an edge is in the bin above.
    assert np.abs(np.sort(sizes[0]) - np.sort(sizes[1])).max() <= 1
    assert n_heavy in sizes[0]
    assert n_heavy in sizes[1]


@given(counts_of_values, numbers_of_bins)
def test_where_no_value_outweighs_a_bin_the_edges_are_at_the_ranks(counts, n_bins):
    x = repeated(counts)
    n_bins = min(n_bins, x.size)
    is_heavy = max(counts) * n_bins > x.size
    assert quantiles.outweighs(x, x.size // n_bins) == is_heavy
    at_ranks = x[quantiles.ranks(n_bins, x.size)]
    if is_heavy:  # the selection that gathers the samples at the ranks cannot miss it
        assert any(counts[int(value)] * n_bins > x.size for value in at_ranks)
    else:
        edges = quantiles.edges(np.arange(len(counts)), np.array(counts), n_bins)
        assert at_ranks.tolist() == edges.tolist()


# --- found on real data -------------------------------------------------------------------------


def entropy_of(values):
    """From the frequencies, in nats."""
    counts = Counter(np.asarray(values).tolist()).values()
    return -math.fsum(c / sum(counts) * math.log(c / sum(counts)) for c in counts)


def test_two_values_of_unequal_frequency(backend):
    x = np.r_[[0.0] * 95, [1.0] * 5]
    for values in (x, -x, x.astype(int)):
        assert fastinfo.entropy(values, backend=backend) == pytest.approx(0.19851524334587)


def test_a_column_of_zeros_and_few_other_values(backend, rng):
    """As gene expression, rain and money are: the zeros alone are most of the samples."""
    x = np.zeros(10_000)
    x[:440] = rng.exponential(size=440)
    expected = entropy_of(x > 0)
    for values in (x, -x, np.log1p(x)):
        found = fastinfo.mutual_information(values, x > 0, backend=backend)
        assert found == pytest.approx(expected)
    assert expected == pytest.approx(0.1805, abs=5e-5)
    pairs = fastinfo.pairwise_mutual_information(
        np.column_stack([x, -x, x > 0]).astype(float), backend=backend
    )
    assert pairs[0, 2] == pytest.approx(expected)
    assert pairs[1, 2] == pytest.approx(expected)


@pytest.mark.parametrize("n_samples", [30, 100, 700])
def test_genotypes_as_floats_with_gaps(backend, n_samples):
    """0, 1 and 2 with NaN are the same as the masked integers."""
    rng = np.random.default_rng(n_samples)
    genotypes = rng.choice(3, size=(n_samples, 40), p=[0.93, 0.06, 0.01]).astype("i1")
    missing = rng.random(genotypes.shape) < 0.1
    as_floats = np.where(missing, np.nan, genotypes)
    masked = np.ma.masked_array(genotypes, missing)
    options = {"nan_policy": "omit", "backend": backend}
    np.testing.assert_array_equal(
        fastinfo.pairwise_mutual_information(as_floats, **options),
        fastinfo.pairwise_mutual_information(masked, **options),
    )
    for column in range(5):
        valid = genotypes[~missing[:, column], column]
        found = fastinfo.entropy(as_floats[:, column], **options)
        assert found == pytest.approx(entropy_of(valid.tolist()), abs=1e-12)


def test_a_column_that_is_not_constant_has_two_bins_at_least(backend):
    for n_samples in (2, 3, 10, 100):
        for place in (0, n_samples // 2, n_samples - 1):
            x = np.zeros(n_samples)
            x[place] = 1.0
            assert fastinfo.entropy(x, backend=backend) > 0
            assert fastinfo.entropy(x, bins="quantile:2", backend=backend) > 0


def test_ages_are_binned_about_equally(backend, rng):
    """Whole numbers with ties everywhere, none of which outweighs a bin."""
    ages = np.round(rng.normal(40, 12, 20_000)).clip(0, 99)
    counts = fastinfo.JointCounts(bins="quantile:10", backend=backend).update(ages).table
    largest_tie = max(Counter(ages.tolist()).values())
    assert counts.size == 10
    assert np.abs(counts - 2000).max() <= largest_tie


# --- weights ------------------------------------------------------------------------------------

RULES = [None, "quantile", "quantile:4", "uniform", "uniform:5", 6, "sturges", "fd"]


@pytest.mark.parametrize("bins", RULES, ids=str)
def test_whole_weights_repeat_samples(backend, rng, bins):
    for decimals in (0, 1, 8):
        x = np.round(rng.normal(size=60), decimals)
        y = np.round(x + rng.normal(size=60), decimals)
        weights = rng.integers(0, 5, 60)
        options = {"bins": bins, "backend": backend}
        expected = fastinfo.mutual_information(
            np.repeat(x, weights), np.repeat(y, weights), **options
        )
        found = fastinfo.mutual_information(x, y, sample_weight=weights, **options)
        assert found == pytest.approx(expected, abs=1e-12)
        pairs = fastinfo.pairwise_mutual_information(
            np.column_stack([x, y]), sample_weight=weights, **options
        )
        assert pairs[0, 1] == pytest.approx(expected, abs=1e-12)


def test_whole_weights_repeat_samples_of_both_sides_of_a_divergence(backend, rng):
    x, y = rng.normal(size=(2, 50))
    weights = rng.integers(0, 4, (2, 50))
    expected = fastinfo.jensen_shannon_divergence(
        np.repeat(x, weights[0]), np.repeat(y, weights[1]), backend=backend
    )
    found = fastinfo.jensen_shannon_divergence(x, y, sample_weight=tuple(weights), backend=backend)
    assert found == pytest.approx(expected, abs=1e-12)


@given(scale=st.floats(1e-6, 1e6), counts=counts_of_values, n_bins=numbers_of_bins)
def test_only_the_ratios_of_other_weights_matter(scale, counts, n_bins):
    weights = np.array(counts) + 0.25
    assume(not (weights * scale % 1 == 0).all())  # whole weights are repetitions
    values = np.arange(len(counts), dtype=float)
    first = quantiles.edges(values, weights, n_bins)
    assert len(first) == min(n_bins, len(counts)) + 1
    found = [
        fastinfo.JointCounts().update(values, sample_weight=w).bins[0].size
        for w in (weights, weights * scale)
    ]
    assert abs(found[0] - found[1]) <= 1  # Σw²/(Σw)² rounds


def test_a_weight_of_zero_leaves_a_sample_out_of_the_bins_too(backend, rng):
    x = np.r_[rng.normal(size=100), 1e6]
    y = np.r_[x[:100] > 0, True]
    weights = np.r_[np.ones(100), 0.0]
    for bins in RULES:
        expected = fastinfo.mutual_information(x[:100], y[:100], bins=bins, backend=backend)
        found = fastinfo.mutual_information(x, y, bins=bins, sample_weight=weights, backend=backend)
        assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("policy", ["raise", "omit", "propagate"])
def test_a_missing_sample_without_weight_is_no_error(backend, policy):
    options = {"sample_weight": [1, 1, 1, 1, 0], "nan_policy": policy, "backend": backend}
    x, y = [0.0, 0.0, 1.0, 1.0, np.nan], ["a", "a", "b", "b", None]
    assert fastinfo.mutual_information(x, y, base=2, **options) == pytest.approx(1)
    table = np.array([x, x]).T
    matrix = fastinfo.pairwise_mutual_information(table, base=2, **options)
    np.testing.assert_allclose(matrix, 1)


def test_rules_of_other_libraries_need_whole_weights(backend):
    with pytest.raises(ValueError, match="bins='fd' with weights that are not whole numbers"):
        fastinfo.entropy([1.0, 2.0, 5.0], bins="fd", sample_weight=[1, 2, 0.5], backend=backend)
