"""The test of independence: its p-values, what it reports, and what it refuses."""

import math
import sys
from pathlib import Path

import naive
import numpy as np
import pandas as pd
import pytest
from conftest import library

import fastinfo
from fastinfo import JointCounts
from fastinfo.backends import on_host
from fastinfo.measures import nulls

DATA = Path(__file__).parents[1] / "docs" / "data" / "timezones.csv"
METHODS = tuple(name for name in nulls.NULLS if name != "exact")
"""Those for tables of every size."""


def of_table(table, **options):
    return fastinfo.test_independence(JointCounts.from_table(table), **options)


def g_test(table):
    """G and the p-value of Williams' corrected G-test, from scipy and the correction as printed."""
    stats = library("scipy.stats")
    table = np.asarray(table)
    found = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    n, left, right = table.sum(), table.sum(axis=1), table.sum(axis=0)
    q = 1 + ((n / left).sum() - 1) * ((n / right).sum() - 1) / (6 * n * found.dof)
    return found.statistic, found.dof, stats.chi2.sf(found.statistic / q, found.dof)


# --- against other computations -----------------------------------------------------------------


@pytest.mark.parametrize(
    "table",
    [[[40, 20], [20, 40]], [[25, 30, 20], [10, 40, 45]], [[90, 5, 7], [60, 8, 9], [80, 30, 11]]],
    ids=str,
)
def test_chi2_is_the_g_test_of_scipy(table):
    statistic, freedom, pvalue = g_test(table)
    found = of_table(table, method="chi2")
    assert 2 * found.n_samples * found.statistic == pytest.approx(statistic, rel=1e-12)
    assert found.degrees_of_freedom == freedom
    assert found.pvalue == pytest.approx(pvalue, rel=1e-10)


@pytest.mark.parametrize("name", ["load_wine", "load_breast_cancer"])
def test_chi2_on_the_tables_of_scikit_learn(name):
    features, target = getattr(library("sklearn.datasets"), name)(return_X_y=True)
    for column in features.T[::5]:
        codes, _, n_bins = fastinfo.encode(column, bins=4)
        table = np.zeros((n_bins, target.max() + 1), int)
        np.add.at(table, (codes, target), 1)
        statistic, freedom, pvalue = g_test(table[table.sum(axis=1) > 0])
        found = fastinfo.test_independence(column, target, bins=4, method="chi2")
        assert 2 * target.size * found.statistic == pytest.approx(statistic, rel=1e-10)
        assert found.degrees_of_freedom == freedom
        assert found.pvalue == pytest.approx(pvalue, rel=1e-8)


@pytest.mark.parametrize("column", ["hemisphere", "observes_summer_time", "is_whole_hour"])
def test_the_time_zones(column):
    """Text, truths and gaps, beside the region of the world."""
    table = pd.read_csv(DATA)
    found = fastinfo.test_independence(
        table["region"], table[column], nan_policy="omit", random_state=0, n_resamples=999
    )
    present = table[["region", column]].dropna()
    crossed = pd.crosstab(present["region"], present[column]).to_numpy()
    assert found.n_samples == len(present)
    assert found.degrees_of_freedom == (crossed.shape[0] - 1) * (crossed.shape[1] - 1)
    expected = naive.mutual_information(*(present[c].tolist() for c in present))
    assert found.statistic == pytest.approx(expected, abs=1e-12)
    assert found.method == "permutation"
    assert found.pvalue < 0.02


SMALL = [
    [[3, 1], [1, 4]],
    [[5, 0, 1], [0, 4, 2]],
    [[2, 0, 0], [0, 2, 1], [1, 0, 3]],
    [[2, 2], [2, 2]],  # the least of all
    [[0, 4], [4, 0]],  # the most of all
]


@pytest.mark.parametrize("table", [t for t in SMALL if len(t) == len(t[0]) == 2], ids=str)
def test_all_tables_of_two_by_two(table):
    """By loops; and those of Fisher, where the tables as likely are those as informative."""
    left, right = np.sum(table, axis=1).tolist(), np.sum(table, axis=0).tolist()
    under = naive.information_under_independence(left, right)
    observed = naive.information_of_table(table)
    expected = math.fsum(p for value, p in under if value >= observed - 1e-12)
    found = of_table(table, method="exact")
    assert found.pvalue == pytest.approx(expected, rel=1e-12)
    mean = math.fsum(p * value for value, p in under)
    assert found.null_mean == pytest.approx(mean, rel=1e-12)
    assert found.n_resamples is None
    assert of_table(table) == found  # what "auto" takes
    if left[0] == left[1] == right[0]:
        assert found.pvalue == pytest.approx(library("scipy.stats").fisher_exact(table).pvalue)


def test_a_stratum_of_two_by_two_beside_others():
    x, y, z = [0, 0, 0, 1, 1, 1, 5, 5], [0, 0, 1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0, 1, 1]
    found = fastinfo.test_independence(x, y, z)
    alone = fastinfo.test_independence(x[:6], y[:6])
    assert (found.method, alone.method) == ("exact", "exact")
    assert found.pvalue == pytest.approx(alone.pvalue)
    assert found.null_mean == pytest.approx(alone.null_mean * 6 / 8)
    assert found.statistic == pytest.approx(alone.statistic * 6 / 8)


@pytest.mark.parametrize("table", SMALL, ids=str)
def test_permutation_approaches_the_exact_test(table):
    """By all tables with these margins, those with the same information counted in."""
    left, right = np.sum(table, axis=1), np.sum(table, axis=0)
    under = naive.information_under_independence(left.tolist(), right.tolist())
    observed = naive.information_of_table(table)
    exact = math.fsum(p for value, p in under if value >= observed - 1e-12)
    n = 20_000
    found = of_table(table, method="permutation", n_resamples=n, random_state=5)
    assert found.pvalue == pytest.approx(
        exact, abs=4.5 * math.sqrt(exact * (1 - exact) / n) + 1 / n
    )
    mean = math.fsum(p * value for value, p in under)
    deviation = math.sqrt(math.fsum(p * (value - mean) ** 2 for value, p in under))
    assert found.null_mean == pytest.approx(mean, abs=4.5 * deviation / math.sqrt(n) + 1e-12)
    assert found.null_standard_deviation == pytest.approx(deviation, rel=0.05)
    by_gamma = of_table(table, method="gamma")
    assert by_gamma.null_mean == pytest.approx(mean, rel=1e-10)
    assert by_gamma.null_standard_deviation == pytest.approx(deviation, rel=1e-8)


def test_permutation_test_of_scipy(rng):
    x, y = rng.integers(0, 3, 40), rng.integers(0, 3, 40)
    y[:12] = x[:12]
    theirs = library("scipy.stats").permutation_test(
        (x,),
        lambda x: naive.mutual_information(x.tolist(), y.tolist()),
        permutation_type="pairings",
        alternative="greater",
        n_resamples=1500,
        rng=np.random.default_rng(1),
    )
    found = fastinfo.test_independence(x, y, method="permutation", random_state=1)
    spread = math.sqrt(found.pvalue * (1 - found.pvalue) * (1 / 1500 + 1 / 9999))
    assert found.statistic == pytest.approx(theirs.statistic)
    assert found.pvalue == pytest.approx(theirs.pvalue, abs=4.5 * spread)


def test_three_methods_agree_where_all_are_valid(rng):
    table = rng.multinomial(3000, np.full(20, 0.05)).reshape(4, 5)
    table[0, 0] += 50
    found = {method: of_table(table, method=method, random_state=2) for method in METHODS}
    assert [found[method].method for method in METHODS] == list(METHODS)
    exact = found["gamma"]
    assert 0.01 < exact.pvalue < 0.3
    assert found["chi2"].pvalue == pytest.approx(exact.pvalue, rel=0.01)
    assert found["chi2"].null_mean == pytest.approx(exact.null_mean, rel=1e-3)
    deviation = exact.null_standard_deviation
    assert found["chi2"].null_standard_deviation == pytest.approx(deviation, rel=0.01)
    resampled = found["permutation"]
    spread = math.sqrt(exact.pvalue * (1 - exact.pvalue) / resampled.n_resamples)
    assert resampled.pvalue == pytest.approx(exact.pvalue, abs=4 * spread)
    assert resampled.null_mean == pytest.approx(exact.null_mean, abs=4 * deviation / 100)
    assert resampled.null_standard_deviation == pytest.approx(deviation, rel=0.05)


# --- calibration --------------------------------------------------------------------------------


def margins_of(n_samples, *shares):
    """Numbers of samples in proportion to shares, of which none is 0."""
    found = []
    for share in shares:
        margin = np.maximum(np.floor(n_samples * np.array(share) / sum(share)), 1).astype(int)
        margin[np.argmax(margin)] += n_samples - margin.sum()
        found.append(margin)
    return found


def pvalues(left, right, n_tables, **options):
    """The p-values of independent variables with these margins, and the methods that gave them."""
    tables = on_host().random_tables(left, right, 77, 0, n_tables)
    found = [of_table(table, random_state=i, **options) for i, table in enumerate(tables)]
    return np.array([one.pvalue for one in found]), {one.method for one in found}


UNIFORM = {
    "2 × 2, n = 10⁵": (margins_of(100_000, [1, 1], [2, 1]), "chi2", 2000),
    "3 × 3, n = 300": (margins_of(300, [1, 1, 1], [3, 2, 1]), "chi2", 2000),
    "16 × 16, n = 10⁵": (margins_of(100_000, [1] * 16, [1] * 16), "chi2", 2000),
    "16 × 16, n = 800": (margins_of(800, [1] * 16, [1] * 16), "gamma", 2000),
    "16 × 16, skewed, n = 500": (
        margins_of(500, 1 / np.arange(1, 17), 1 / np.arange(1, 17)),
        "gamma",
        2000,
    ),
    "6 × 6, n = 150": (margins_of(150, [1] * 6, [1] * 6), "permutation", 500),
}


@pytest.mark.parametrize("case", UNIFORM)
def test_pvalues_of_independent_variables_are_uniform(case):
    """By the method that "auto" chooses for them."""
    margins, method, n_tables = UNIFORM[case]
    found, methods = pvalues(*margins, n_tables, n_resamples=199)
    assert methods == {method}
    assert library("scipy.stats").kstest(found, "uniform").pvalue > 1e-3


COARSE = {
    "2 × 2, n = 50": margins_of(50, [1, 1], [1, 1]),
    "2 × 2, n = 100, skewed": margins_of(100, [9, 1], [8, 2]),
    "3 × 4, n = 100, skewed": margins_of(100, [60, 3, 2], [5, 3, 1, 1]),
    "2 × 200, ten samples in a row": margins_of(2000, [199, 1], [1] * 200),
}
"""Tables whose information takes few values, which no continuous distribution follows."""


@pytest.mark.parametrize("case", COARSE)
def test_coarse_tables_find_no_more_than_they_may(case):
    found, methods = pvalues(*COARSE[case], 300, n_resamples=199)
    assert methods == {"exact" if case.startswith("2 × 2,") else "permutation"}
    for level in (0.1, 0.05, 0.01):
        assert (found <= level).sum() <= 300 * level + 4 * math.sqrt(300 * level), level


def test_the_g_test_is_not_used_where_it_errs():
    """16 × 16 bins of 5 samples each: it finds nearly half too much at 5%."""
    margins = margins_of(1280, [1] * 16, [1] * 16)
    found, _ = pvalues(*margins, 2000, method="chi2")
    assert 0.06 < (found <= 0.05).mean() < 0.085
    found, methods = pvalues(*margins, 2000)
    assert methods == {"gamma"}
    assert (found <= 0.05).mean() == pytest.approx(0.05, abs=4 * math.sqrt(0.05 / 2000))


@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_planted_dependence_is_found(rng, method):
    x = rng.integers(0, 4, 400)
    y = np.where(rng.random(400) < 0.3, x, rng.integers(0, 4, 400))
    found = fastinfo.test_independence(x, y, method=method, random_state=0, n_resamples=999)
    assert found.pvalue <= 0.001
    assert found.statistic > found.null_mean + 5 * found.null_standard_deviation


# --- given a third variable ---------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_what_a_third_variable_explains(rng, method):
    """Both follow Z: they share a lot, and nothing once Z is known."""
    z = rng.integers(0, 3, 900)
    x, y = (np.where(rng.random(900) < 0.6, z, rng.integers(0, 3, 900)) for _ in range(2))
    options = {"method": method, "random_state": 0, "n_resamples": 999}
    assert fastinfo.test_independence(x, y, **options).pvalue <= 0.001
    found = fastinfo.test_independence(x, y, z, **options)
    assert found.pvalue > 0.01
    assert found.degrees_of_freedom == 12
    expected = naive.conditional_mutual_information(x.tolist(), y.tolist(), z.tolist())
    assert found.statistic == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_what_only_a_third_variable_shows(rng, method):
    x, y = rng.integers(0, 2, (2, 300))
    options = {"method": method, "random_state": 0, "n_resamples": 999}
    assert fastinfo.test_independence(x, y, **options).pvalue > 0.01
    found = fastinfo.test_independence(x, y, given=x ^ y, **options)
    assert found.pvalue <= 0.001


def test_strata_are_paired_within_themselves():
    """All tables of two strata, each by itself."""
    first, second = [[3, 1], [0, 2]], [[1, 2, 0], [1, 0, 2]]
    x, y, z = [], [], []
    for stratum, table in enumerate((first, second)):
        for i, row in enumerate(table):
            for j, count in enumerate(row):
                x += [i] * count
                y += [j] * count
                z += [stratum] * count
    x, y, z = [*x, 1], [*y, 2], [*z, 2]  # and a stratum with one sample
    n = len(x)
    totals = [
        ((a * 6 + b * 6) / n, p * q)
        for a, p in naive.information_under_independence([4, 2], [3, 3])
        for b, q in naive.information_under_independence([3, 3], [2, 2, 2])
    ]
    observed = (naive.information_of_table(first) + naive.information_of_table(second)) * 6 / n
    exact = math.fsum(p for value, p in totals if value >= observed - 1e-12)
    found = fastinfo.test_independence(
        x, y, z, method="permutation", n_resamples=20_000, random_state=3
    )
    assert found.statistic == pytest.approx(observed)
    assert found.degrees_of_freedom == 3
    assert found.n_samples == n
    assert found.pvalue == pytest.approx(exact, abs=4.5 * math.sqrt(exact * (1 - exact) / 20_000))
    mean = math.fsum(value * p for value, p in totals)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 * p for value, p in totals))
    by_gamma = fastinfo.test_independence(x, y, z, method="gamma")
    assert by_gamma.null_mean == pytest.approx(mean, rel=1e-10)
    assert by_gamma.null_standard_deviation == pytest.approx(deviation, rel=1e-8)
    by_chi2 = fastinfo.test_independence(x, y, z, method="chi2")
    assert by_chi2.degrees_of_freedom == 3


# --- what it reports ----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", *METHODS])
@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([1, 1, 1, 1], [0, 1, 1, 0]),  # a constant
        ([1, 2, 3, 4], [0, 1, 1, 0]),  # all distinct: every pairing shares the same
        ([5], [6]),  # a single sample
    ],
    ids=["constant", "all distinct", "one sample"],
)
def test_where_nothing_can_differ_the_pvalue_is_one(method, x, y):
    found = fastinfo.test_independence(x, y, method=method, random_state=0)
    if method != "chi2" or found.degrees_of_freedom == 0:
        assert found.pvalue == 1.0
        assert found.null_mean == pytest.approx(found.statistic)
        assert found.null_standard_deviation == pytest.approx(0, abs=1e-12)


def test_empty_bins_have_no_degrees_of_freedom():
    x, y = [0.05, 0.95, 0.06, 0.94] * 20, [0, 1, 1, 0] * 20
    assert fastinfo.test_independence(x, y, bins=10).degrees_of_freedom == 1
    table = np.zeros((5, 6), int)
    table[1:3, 2:5] = [[9, 8, 7], [6, 9, 8]]
    assert of_table(table, random_state=0).degrees_of_freedom == 2


def test_the_rule_of_auto():
    def chosen(table):
        return of_table(table, random_state=0, n_resamples=9).method

    assert chosen(np.full((2, 2), 100)) == "chi2"  # 100 expected in each
    assert chosen([[100, 100], [100, 99]]) == "exact"
    assert chosen(np.full((3, 3), 7)) == "chi2"  # 5 + 2
    assert chosen(np.full((3, 3), 6)) == "permutation"
    assert chosen(np.full((11, 11), 15)) == "chi2"  # 5 + 10
    assert chosen(np.full((11, 11), 14)) == "gamma"
    assert chosen(np.full((4, 11), 9)) == "permutation"  # 30 degrees of freedom
    assert chosen(np.full((2, 32), 4)) == "gamma"  # 31
    rare = np.full((2, 51), 2)
    rare[1] = 300
    assert chosen(rare) == "gamma"  # 102 samples in the first row
    assert chosen(rare[:, :49]) == "permutation"  # 98


def test_units(rng):
    x, y = rng.integers(0, 3, (2, 60))
    for method in METHODS:
        nats = fastinfo.test_independence(x, y, method=method, random_state=0)
        bits = fastinfo.test_independence(x, y, method=method, random_state=0, base=2)
        assert bits.pvalue == nats.pvalue
        for name in ("statistic", "null_mean", "null_standard_deviation"):
            assert getattr(bits, name) == pytest.approx(getattr(nats, name) / math.log(2))


def test_one_seed_one_answer_for_any_number_of_threads(rng):
    x, y, z = rng.integers(0, 4, (3, 200))
    found = [
        fastinfo.test_independence(x, y, z, method="permutation", random_state=9, n_jobs=n_jobs)
        for n_jobs in (1, 2, 5)
    ]
    assert found[0] == found[1] == found[2]
    other = fastinfo.test_independence(x, y, z, method="permutation", random_state=10)
    assert other.null_mean != found[0].null_mean
    generators = [
        fastinfo.test_independence(
            x, y, z, method="permutation", random_state=np.random.default_rng(4)
        )
        for _ in range(2)
    ]
    assert generators[0] == generators[1]


def test_the_reference_has_the_same_null(rng):
    x, y = rng.integers(0, 3, (2, 50))
    ours, reference = (
        fastinfo.test_independence(
            x, y, method="permutation", random_state=1, n_resamples=400, backend=backend
        )
        for backend in ("numba", "numpy")
    )
    assert ours.null_mean == pytest.approx(reference.null_mean, rel=0.2)
    assert ours.pvalue == pytest.approx(reference.pvalue, abs=0.15)
    assert ours.null_mean != reference.null_mean


def test_counts_and_samples_are_the_same(rng):
    x, y, z = rng.integers(0, 3, (3, 150))
    for variables in ((x, y), (x, y, z)):
        of_samples = fastinfo.test_independence(*variables, random_state=0)
        counts = JointCounts().update(*variables)
        assert fastinfo.test_independence(counts, random_state=0) == of_samples
    by_rows = fastinfo.test_independence(np.column_stack([x, z]), y, random_state=0)
    assert by_rows.degrees_of_freedom == 16


def test_continuous_samples_are_binned(rng):
    x = rng.normal(size=1000)
    y = x**2 + rng.normal(size=1000)  # not correlated
    assert fastinfo.test_independence(x, y).pvalue < 1e-12
    assert fastinfo.test_independence(x, y, bins=2).pvalue > 1e-6  # two bins hardly see it
    assert fastinfo.test_independence(x, y, rng.normal(size=1000), random_state=0).pvalue < 0.01


def test_missing_samples():
    x, y = [0, 1, None, 1, 0, 0] * 9, ["a", "b", "b", None, "a", "b"] * 9
    found = fastinfo.test_independence(x, y, nan_policy="omit")
    assert found.n_samples == 36
    unknown = fastinfo.test_independence(x, y, nan_policy="propagate")
    assert math.isnan(unknown.pvalue)
    assert math.isnan(unknown.statistic)
    with pytest.raises(ValueError, match="x has 9 missing values"):
        fastinfo.test_independence(x, y)


def test_many_labels(rng):
    n = 100_000
    found = fastinfo.test_independence(np.arange(n), rng.integers(0, 5, n))
    assert (found.method, found.pvalue) == ("gamma", 1.0)
    x, y = rng.integers(0, 1000, (2, n))
    found = fastinfo.test_independence(x, y)
    assert found.method == "gamma"
    assert found.pvalue > 1e-3
    y[:3000] = x[:3000]
    assert fastinfo.test_independence(x, y).pvalue < 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_margins_past_two_to_the_31(method):
    table = np.array([[3, 1], [1, 3]]) << 32
    found = of_table(table, method=method, random_state=0, n_resamples=99)
    assert found.pvalue == (0.01 if method == "permutation" else 0.0)
    table = np.full((2, 2), 1 << 32)
    assert of_table(table, method=method, random_state=0, n_resamples=99).pvalue > 0.9


def test_a_tail_that_no_resampling_reaches():
    found = of_table([[300, 100], [100, 300]])
    assert 0 < found.pvalue < 1e-40


# --- what it refuses ----------------------------------------------------------------------------

X, Y, Z = [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 1, 1]

REFUSED = {
    "unknown method": ({"method": "best"}, ValueError, "method='best'; accepted are 'auto',"),
    "too many cells": (
        {"method": "exact", "y": [0, 1, 2, 3]},
        ValueError,
        'method="exact" goes through all tables of 2 × 2, and this one has 3 degrees of freedom',
    ),
    "no resamples": ({"n_resamples": 0}, ValueError, "n_resamples=0; accepted is an integer of"),
    "half a resample": ({"n_resamples": 0.5}, TypeError, "n_resamples=0.5; accepted is an int"),
    "seed of text": ({"random_state": "a"}, TypeError, "random_state='a'; accepted are None"),
    "negative seed": ({"random_state": -3}, ValueError, "random_state=-3; accepted are None"),
    "given of another length": (
        {"given": [0, 1]},
        ValueError,
        "numbers of samples differ: x has 4, given has 2",
    ),
    "constant given": ({"given": [3] * 4}, ValueError, "given is constant: all 4 samples"),
    "a stratum for each sample": (
        {"given": [0, 1, 2, 3]},
        ValueError,
        "given has another value in each of 4 samples",
    ),
    "more strata than samples": (
        {"given": [0.1, 0.2, 0.3, 0.9], "bins": (None, None, 7)},
        ValueError,
        "given has 7 bins for 4 samples, .* use fewer bins",
    ),
    "missing in given": ({"given": [0, 1, None, 1]}, ValueError, "given has 1 missing values"),
    "no y": ({"y": None}, TypeError, "samples of y are missing"),
    "unknown backend": ({"backend": "cuda"}, ValueError, "backend is 'cuda'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input(case):
    options, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        fastinfo.test_independence(X, **{"y": Y} | options)


def test_weights_are_refused():
    weighted = JointCounts().update(X, Y, sample_weight=[0.5, 1, 1, 1])
    with pytest.raises(ValueError, match="sums of weights, and test_independence needs numbers"):
        fastinfo.test_independence(weighted)


def test_counts_of_other_variables_are_refused():
    with pytest.raises(ValueError, match="2 variables are needed; these JointCounts have 1"):
        of_table([3, 4])
    with pytest.raises(TypeError, match="JointCounts stand in place of all samples"):
        fastinfo.test_independence(JointCounts().update(X, Y), given=Z)


@pytest.mark.parametrize("method", ["chi2", "gamma"])
def test_without_scipy_the_way_to_install_it_is_told(monkeypatch, method):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(ImportError, match="need scipy; install it with `pip install scipy`"):
        of_table([[40, 20], [20, 40]], method=method)
    assert of_table([[4, 2], [2, 4]], method="permutation", random_state=0).pvalue > 0.01


def test_pytest_does_not_take_it_for_a_test():
    assert fastinfo.test_independence.__test__ is False


def test_samples_of_every_backend_are_tested_alike(rng, backend):
    x, y, z = rng.integers(0, 3, (3, 60))
    for variables in ((x, y), (x, y, z)):
        found = fastinfo.test_independence(*variables, method="gamma", backend=backend)
        expected = fastinfo.test_independence(*variables, method="gamma", backend="numpy")
        assert found.pvalue == pytest.approx(expected.pvalue, rel=1e-9)
        resampled = fastinfo.test_independence(
            *variables, method="permutation", backend=backend, random_state=0, n_resamples=50
        )
        assert resampled.pvalue >= 1 / 51
    adjusted = fastinfo.adjusted_mutual_information(x, y, backend=backend)
    assert adjusted == pytest.approx(
        fastinfo.adjusted_mutual_information(x, y, backend="numpy"), rel=1e-9
    )
    interval = fastinfo.confidence_interval(
        fastinfo.mutual_information, x, y, resampling="jackknife", backend=backend
    )
    assert interval.low < interval.value < interval.high + interval.bias


def test_values_of_given_that_lie_far_apart_are_so_many_strata(rng):
    """201 numbers lie between them, more than there are samples."""
    x, y, z = rng.integers(0, 2, (3, 150))
    found = fastinfo.test_independence(x, y, 200 * z, method="chi2")
    assert found == fastinfo.test_independence(x, y, z, method="chi2")
