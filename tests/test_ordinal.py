"""Ordinal patterns of time series."""

import math

import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo.binning import ordinal

BANDT_POMPE = [4, 7, 9, 10, 6, 11, 3]

values = st.integers(-3, 3) | st.sampled_from([0.5, -math.inf, math.inf, 0.0, -0.0])


@given(
    x=st.lists(st.none() | values, min_size=1, max_size=30),
    order=st.integers(2, 5),
    delay=st.integers(1, 3),
)
def test_by_definition(backend, x, order, delay):
    """Each window's ranks, found by sorting; equal samples in order of appearance."""
    numbers = [math.nan if v is None else float(v) for v in x]
    if len(x) <= (order - 1) * delay:
        with pytest.raises(ValueError, match=f"x has {len(x)} samples, and a window of order"):
            fastinfo.ordinal_patterns(numbers, order, delay)
        return
    found = fastinfo.ordinal_patterns(np.array(numbers), order, delay, backend=backend)
    expected = naive.ordinal_patterns(numbers, order, delay)
    assert found.tolist() == expected
    assert np.ma.isMaskedArray(found) == (None in expected)


def test_the_example_of_bandt_and_pompe(backend):
    """Bandt & Pompe 2002: 0.918 bits of order 2, 1.522 bits of order 3."""
    options = {"backend": backend}
    found = [
        fastinfo.entropy(fastinfo.ordinal_patterns(BANDT_POMPE, order, **options), base=2)
        for order in (2, 3)
    ]
    assert [round(value, 3) for value in found] == [0.918, 1.522]


@pytest.mark.parametrize("order", range(2, 13))
def test_every_order(rng, order):
    x = rng.normal(size=200)
    found = fastinfo.ordinal_patterns(x, order)
    if order <= 6:
        assert found.tolist() == naive.ordinal_patterns(x.tolist(), order, 1)
    expected = {"2": "uint8", "5": "uint8", "6": "uint16", "8": "uint16", "9": "uint32"}
    assert found.dtype == expected.get(str(order), found.dtype)
    ends = fastinfo.ordinal_patterns(np.r_[np.arange(order), -np.arange(order)], order)
    assert ends[0] == 0
    assert ends[-1] == math.factorial(order) - 1


def test_blocks(rng, monkeypatch):
    monkeypatch.setattr(ordinal, "BLOCK", 7)
    x = rng.integers(0, 5, 100)
    found = fastinfo.ordinal_patterns(x, 4, 2)
    assert found.tolist() == naive.ordinal_patterns(x.tolist(), 4, 2)


@given(x=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30))
def test_increasing_maps_change_nothing_and_decreasing_ones_mirror(x):
    x = np.unique(x)[np.random.default_rng(len(x)).permutation(len(set(x)))]
    if x.size < 3:
        return
    found = fastinfo.ordinal_patterns(x)
    np.testing.assert_array_equal(fastinfo.ordinal_patterns(np.argsort(np.argsort(x))), found)
    np.testing.assert_array_equal(5 - fastinfo.ordinal_patterns(-x), found)


def test_kinds_of_samples():
    expected = fastinfo.ordinal_patterns(BANDT_POMPE)
    kinds = [
        np.array(BANDT_POMPE, "f4"),
        np.array(BANDT_POMPE, ">i2"),
        np.array(BANDT_POMPE, "u1"),
        pd.Series(BANDT_POMPE, dtype="Int64"),
        np.repeat(BANDT_POMPE, 2)[::2],
        np.array(BANDT_POMPE)[:, None],
    ]
    for x in kinds:
        found = fastinfo.ordinal_patterns(x)
        assert not np.ma.isMaskedArray(found)
        np.testing.assert_array_equal(found, expected)
    gap = pd.Series([4, 7, None, 10, 6, 11, 3], dtype="Int64")
    assert fastinfo.ordinal_patterns(gap).tolist() == [None, None, None, 2, 3]
    assert fastinfo.ordinal_patterns([True, False, True]).tolist() == [2]


def test_masked_patterns_are_missing_samples():
    patterns = fastinfo.ordinal_patterns([1, 2, math.nan, 1, 2, 3, 2, 1.0])
    with pytest.raises(ValueError, match="x has 3 missing values"):
        fastinfo.entropy(patterns)
    assert fastinfo.entropy(patterns, nan_policy="omit", base=2) == pytest.approx(math.log2(3))


def test_sunspots_rise_and_fall(rng):
    """Do sunspots follow a course? Three years of four they go on rising, or go on falling."""
    patterns = fastinfo.ordinal_patterns(SUNSPOTS)
    assert np.isin(patterns, (0, 5)).mean() > 0.75
    shuffled = [fastinfo.ordinal_patterns(rng.permutation(SUNSPOTS)) for _ in range(200)]
    assert fastinfo.entropy(patterns) < min(map(fastinfo.entropy, shuffled))


SUNSPOTS = [
    *[5, 11, 16, 23, 36, 58, 29, 20, 10, 8, 3, 0, 0, 2, 11, 27, 47, 63, 60, 39, 28, 26, 22, 11, 21],
    *[40, 78, 122, 103, 73, 47, 35, 11, 5, 16, 34, 70, 81, 111, 101, 73, 40, 20, 16, 5, 11, 22, 40],
]
"""The yearly numbers of sunspots of 1700 to 1747, of SILSO, Royal Observatory of Belgium."""


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: f([1, 2], 1), ValueError, "order=1; accepted is an integer from 2 to 12"),
        (lambda f: f([1, 2], 13), ValueError, "order=13; accepted is an integer from 2 to 12"),
        (lambda f: f([1, 2], 2.0), TypeError, "order=2.0; accepted is an integer"),
        (lambda f: f([1, 2], 2, 0), ValueError, "delay=0; accepted is an integer of at least 1"),
        (lambda f: f([1, 2], 2, True), TypeError, "delay=True"),
        (lambda f: f([]), ValueError, "x is empty"),
        (lambda f: f([1, 2, 3], 3, 2), ValueError, "x has 3 samples, and a window .* spans 5"),
        (lambda f: f(["a", "b", "c"]), TypeError, "x holds text or categories"),
        (lambda f: f(np.ones((9, 2))), ValueError, r"x has 2 columns; .* pass x\[:, 0\]"),
        (lambda f: f([1, 2, 3], backend="fortran"), ValueError, "backend is 'fortran'"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(fastinfo.ordinal_patterns)
