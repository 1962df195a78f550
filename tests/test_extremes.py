"""Bins of long columns that some samples tell, and what finds out where these were not enough."""

import numpy as np
import pytest

import fastinfo
from fastinfo.backends import load
from fastinfo.binning import extremes

N_LONG = 1 << 22
HIDDEN = 77_777
"""A position between the pieces that are looked at."""


@pytest.mark.parametrize("position", [0, 1 << 16, (1 << 22) - 1])
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_a_late_code_larger_than_the_first_ones_is_counted(backend, position, n_jobs):
    """Long uint8 columns trust their first samples for the number of bins, and look again."""
    x = np.zeros(1 << 22, "u1")
    y = np.tile(np.array([0, 3], "u1"), 1 << 21)
    x[position] = 200
    counts = fastinfo.JointCounts(backend=backend, n_jobs=n_jobs).update(x, y)
    assert counts.shape == (201, 4)
    expected = np.zeros((201, 4), int)
    expected[0, 0] = expected[0, 3] = 1 << 21
    expected[200, y[position]] += 1
    expected[0, y[position]] -= 1
    np.testing.assert_array_equal(counts.table, expected)


@pytest.mark.parametrize("late", [2, 200])
def test_missing_samples_beside_a_late_code(backend, late):
    """What lacks in the counts may lack for either reason; the code is counted."""
    n = 1 << 22
    x, y = np.zeros(n, "u1"), np.linspace(0.0, 1.0, n, dtype="f4")
    x[:2], x[HIDDEN], y[5] = 2, late, 7.0
    edges = np.linspace(0.0, 1.0, 3)
    counts = fastinfo.JointCounts(bins=(None, edges), nan_policy="omit", backend=backend)
    counts = counts.update(x, y)
    assert counts.shape == (late + 1, 2)
    assert counts.n_missing == 1
    assert counts.table[late].tolist() == [3 if late == 2 else 1, 0]
    assert counts.table.sum() == n - 1


def late(values, position, extreme):
    """The same samples, one of them replaced."""
    values[position] = extreme
    return values


def whole(rng, dtype):
    return rng.integers(3, 20, N_LONG).astype(dtype)


GUESSES = {
    "right": lambda rng, dtype: whole(rng, dtype),
    "sorted": lambda rng, dtype: np.sort(whole(rng, dtype)),
    "too low": lambda rng, dtype: late(whole(rng, dtype), HIDDEN, 90),
    "too high": lambda rng, dtype: late(whole(rng, dtype), HIDDEN, 0),
    "of a constant": lambda rng, dtype: late(np.full(N_LONG, 3, dtype), HIDDEN, 5),
}


@pytest.mark.parametrize("dtype", ["u1", "i1", "i4", "i8", "f4", "f8"])
@pytest.mark.parametrize("make", GUESSES.values(), ids=GUESSES)
def test_bins_that_some_samples_tell_are_those_of_all(rng, monkeypatch, make, dtype):
    """Extremes of long columns are guessed, and found out where the counts lack a sample."""
    x, y = make(rng, dtype), np.tile(np.arange(2, dtype="u1"), N_LONG // 2)
    options = {"bins": 7 if dtype[0] == "f" else None, "backend": "numba"}
    found = fastinfo.JointCounts(**options).update(x, y)
    monkeypatch.setattr(extremes, "WORTH_A_GUESS", N_LONG)
    expected = fastinfo.JointCounts(**options).update(x, y)
    np.testing.assert_array_equal(found.bins[0], expected.bins[0])
    np.testing.assert_array_equal(found.table, expected.table)
    assert found.n_missing == 0


@pytest.mark.parametrize("position", [0, HIDDEN], ids=["looked at", "hidden"])
@pytest.mark.parametrize("value", [np.nan, 90.0])
@pytest.mark.parametrize("lacks", [False, True])
def test_missing_samples_beside_a_guess(rng, value, lacks, position):
    """What lacks in the counts may lack for another column; guesses are looked into."""
    n = N_LONG
    x = late(whole(rng, "f8"), position, value)
    y = rng.normal(size=n)
    y[1] = np.nan if lacks else 0.0
    edges = np.linspace(-9.0, 9.0, 5)
    counts = fastinfo.JointCounts(bins=(7, edges), nan_policy="omit", backend="numba").update(x, y)
    n_missing = int(np.isnan(value)) + lacks
    assert counts.n_missing == n_missing
    assert counts.n_samples == n - n_missing
    assert counts.bins[0][-1] == np.nanmax(x)


def test_a_guessed_range_may_be_too_narrow_for_the_bins(rng, backend):
    """The samples that are looked at have two neighbouring values; another one lies far off."""
    x = np.where(rng.random(N_LONG) < 0.5, 1.0, np.nextafter(1.0, 2.0))
    x[HIDDEN] = 5.0
    found = fastinfo.JointCounts(bins=20, backend=backend).update(x)
    np.testing.assert_array_equal(found.bins[0], np.linspace(1.0, 5.0, 21))
    assert found.table[[0, -1]].tolist() == [N_LONG - 1, 1]


def test_a_guess_saves_the_look_at_all(rng, monkeypatch):
    looked_at = []
    numba = load("numba")
    summarize = numba.summarize
    monkeypatch.setattr(
        numba, "summarize", lambda self, v: looked_at.append(v.size) or summarize(self, v)
    )
    for dtype, bins in (("f8", 7), ("i8", None)):
        looked_at.clear()
        fastinfo.JointCounts(bins=bins, backend="numba").update(whole(rng, dtype))
        assert not looked_at
    looked_at.clear()
    fastinfo.JointCounts(bins=7, backend="numba").update(rng.normal(size=N_LONG))
    assert sum(looked_at) == N_LONG
