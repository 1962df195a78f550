"""Random tables with given margins, against all tables there are, and scipy's."""

from collections import Counter

import naive
import numpy as np
import pytest
from conftest import library
from hypothesis import given
from hypothesis import strategies as st

from fastinfo.backends import load
from fastinfo.backends.numba import random_tables as compiled
from fastinfo.estimators.moments import information_moments

WAYS = {
    "numpy": ("numpy", None),
    "numba by cells": ("numba", 0),
    "numba by samples": ("numba", 10**9),
}
"""The backend, and for how many samples a cell it shuffles samples."""


@pytest.fixture(params=WAYS)
def kernels(request, monkeypatch):
    """The kernels of the host, in each way that they draw."""
    name, samples = WAYS[request.param]
    if samples is not None:
        monkeypatch.setattr(compiled, "SAMPLES_A_CELL", samples)
    return load(name)()


def margins(*numbers):
    return tuple(np.array(margin, np.int64) for margin in numbers)


def n_tables(kernels, most):
    """Fewer tables of the plain reference, which takes milliseconds for each."""
    return most if kernels.name == "numba" else most // 10


@given(
    left=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    right=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    seed=st.integers(0, 2**64 - 1),
)
def test_margins_hold(kernels, left, right, seed):
    difference = sum(left) - sum(right)
    (right if difference > 0 else left).append(abs(difference) or 1)
    if difference == 0:
        right.append(1)
    left, right = margins(left, right)
    tables = kernels.random_tables(left, right, seed, 7, 3)
    assert tables.dtype == np.int64
    assert (tables >= 0).all()
    assert (tables.sum(axis=2) == left).all()
    assert (tables.sum(axis=1) == right).all()


@pytest.mark.parametrize(
    ("left", "right"),
    [([3, 2, 2], [4, 3]), ([5, 1, 4], [2, 6, 2]), ([1, 1, 1, 1], [2, 2]), ([7, 9], [8, 8])],
    ids=str,
)
def test_every_table_comes_as_often_as_it_should(kernels, left, right):
    """A χ² test over all tables with these margins; those that are rare are one class."""
    n = n_tables(kernels, 10_000)
    drawn = kernels.random_tables(*margins(left, right), 1, 0, n)
    found = Counter(tuple(map(tuple, table)) for table in drawn.tolist())
    expected = {
        table: n * float(naive.share_of_pairings(table))
        for table in naive.tables_with_margins(left, right)
    }
    assert set(found) <= set(expected)
    often = [table for table, number in expected.items() if number >= 5]
    observed = [found[table] for table in often]
    wanted = [expected[table] for table in often]
    if len(often) < len(expected):
        observed.append(n - sum(observed))
        wanted.append(n - sum(wanted))
    assert library("scipy.stats").chisquare(observed, wanted, sum_check=False).pvalue > 1e-3


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([1000, 1000], [1000, 1000]),  # variance 125: by a ratio
        ([90, 910], [300, 700]),  # 17: step by step
        ([10, 10**6], [10**6, 10]),  # next to nothing
        ([10**6, 2 * 10**6], [10**6, 2 * 10**6]),  # factorials beyond the table
        ([30, 3 * 10**6], [1 * 10**6, 2 * 10**6 + 30]),  # these, and a small count
        ([10**11, 10**12], [10**10, 10**12 + 9 * 10**10]),
    ],
    ids=str,
)
def test_a_cell_is_hypergeometric(left, right):
    """The one cell that decides a table, against scipy, or the normal distribution it tends to."""
    n = 20_000
    left, right = margins(left, right)
    drawn = load("numba")().random_tables(left, right, 3, 0, n)[:, 0, 0]
    stats = library("scipy.stats")
    total = int(left.sum())
    if total < 10**8:
        exact = stats.hypergeom(total, int(left[0]), int(right[0]))
        low, high = int(exact.ppf(1e-3)), int(exact.ppf(1 - 1e-3))
        edges = np.unique(np.linspace(low - 1, high, min(high - low + 2, 30)).astype(np.int64))
        below = np.concatenate([[0.0], exact.cdf(edges), [1.0]])
        wanted = n * np.diff(below)
        places = np.searchsorted(edges, drawn, side="left")
        observed = np.bincount(places, minlength=edges.size + 1)
        some = wanted > 0
        assert stats.chisquare(observed[some], wanted[some], sum_check=False).pvalue > 1e-3
    else:
        mean = float(left[0]) * float(right[0]) / total
        share = float(left[0]) / total
        spread = np.sqrt(mean * (1 - share) * (total - float(right[0])) / total)
        assert stats.kstest((drawn - mean) / spread, "norm").pvalue > 1e-3


def test_the_ratio_covers_every_distribution(rng):
    """For x in [k, k + 1), |x − c|·√(p(k)/p(mode)) is at most half the width of the ratio.

    Otherwise counts far from the mode would come too rarely.
    """
    gammaln = library("scipy.special").gammaln
    for _ in range(500):
        total = int(10 ** rng.uniform(0.5, 7))
        marked, drawn = (1 + int(total ** rng.uniform(0, 1)) % total for _ in range(2))
        low, high = max(marked + drawn - total, 0), min(marked, drawn)
        mean = marked * drawn / total
        variance = mean * (1 - marked / total) * (total - drawn) / (total - 1)
        reach = int(20 * variance**0.5) + 40
        k = np.arange(max(int(mean) - reach, low), min(int(mean) + reach, high) + 1.0)
        cells = (k, marked - k, drawn - k, total - marked - drawn + k)
        heights = -sum(gammaln(cell + 1) for cell in cells)
        roots = np.exp((heights - heights.max()) / 2)
        farthest = np.maximum(np.abs(k - mean - 0.5), np.abs(k + 0.5 - mean))
        width = compiled._WIDTH * (variance + 0.5) ** 0.5 + compiled._MORE_WIDTH
        assert (farthest * roots).max() <= width / 2


def test_sums_are_those_of_the_tables(kernels, rng):
    for n_samples, shape in ((40, (5, 4)), (3000, (3, 6))):
        left, right = (np.bincount(rng.integers(0, k, n_samples)) for k in shape)
        left, right = left[left > 0], right[right > 0]
        tables = kernels.random_tables(left, right, 11, 5, 20)
        expected = [naive.sum_xlogx(table.reshape(-1)) for table in tables]
        found = kernels.random_table_sums(left, right, 11, 5, 20)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_table_depends_on_its_number_alone(kernels):
    left, right = margins([30, 20, 10], [25, 35])
    all_at_once = kernels.random_tables(left, right, 2**63 + 5, 100, 12)
    for i in (0, 5, 11):
        one = kernels.random_tables(left, right, 2**63 + 5, 100 + i, 1)
        np.testing.assert_array_equal(one[0], all_at_once[i])
    assert len({table.tobytes() for table in all_at_once}) > 3
    others = kernels.random_tables(left, right, 2**63 + 6, 100, 12)
    assert (others != all_at_once).any()


@pytest.mark.parametrize("case", [(60, 6, 7), (2000, 12, 9)], ids=str)
def test_information_is_distributed_as_scipy_has_it(kernels, rng, case):
    n_samples, *shape = case
    left, right = (np.bincount(rng.integers(0, size, n_samples)) for size in shape)
    n = n_tables(kernels, 3000)
    found = kernels.random_table_sums(left, right, 4, 0, n)
    stats = library("scipy.stats")
    theirs = stats.random_table(left, right).rvs(4000, random_state=rng)
    expected = np.sum(theirs * np.log(np.maximum(theirs, 1)), axis=(1, 2))
    assert stats.ks_2samp(found, expected).pvalue > 1e-3
    mean, variance = information_moments(left, right)
    margins_alone = [naive.sum_xlogx(m) for m in (left, right, [n_samples])]
    information = (found - margins_alone[0] - margins_alone[1] + margins_alone[2]) / n_samples
    assert information.mean() == pytest.approx(mean, abs=4 * (variance / n) ** 0.5)
    assert information.std() == pytest.approx(variance**0.5, rel=4 / (2 * n) ** 0.5)
