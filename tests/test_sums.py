"""Σ c·log c against long double arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastinfo.backends.numba.sums import sum_xlogx, xlogx_table
from fastinfo.backends.terms import XLOGX, reduction


def exact(values: Any) -> Any:
    wide = np.asarray(values, np.longdouble)
    return np.where(wide > 0, wide * np.log(np.where(wide > 0, wide, 1)), 0)


def error_in_ulp(got: Any, values: Any) -> float:
    wanted = exact(values)
    spacing = np.spacing(np.abs(wanted.astype(np.float64)))
    return float(np.max(np.abs((got - wanted) / spacing), initial=0.0))


RNG = np.random.default_rng(0)
VALUES = {
    "below two": RNG.uniform(0, 2, 50_000),
    "any size": np.exp(RNG.uniform(-700, 690, 50_000)),
    "near one": 1 + RNG.uniform(-1e-3, 1e-3, 50_000),
    "integers": np.arange(1.0, 50_001.0) * 65_537,
    "fractions": np.arange(1, 50_001) / 997.0,
    "special": np.array([5e-324, 1e-310, 2.2250738585072014e-308, 0.5, 1.0, 2.0, 0.0, 2.0**53]),
}


@pytest.mark.parametrize("name", VALUES)
def test_logarithm(name: str) -> None:
    values = VALUES[name]
    assert error_in_ulp(sum_xlogx(values[:, None]), values) < 2


def test_table() -> None:
    table = xlogx_table(10_000)
    assert len(table) > 10_000
    assert table[0] == 0
    assert table[1] == 0
    assert error_in_ulp(table, np.arange(len(table))) < 2


@pytest.mark.parametrize("n_cells", [0, 1, 3, 4, 5, 255, 256, 257, 1000])
@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_sums(n_cells: int, dtype: Any) -> None:
    counts = RNG.integers(0, 200_000, (3, 2, n_cells)).astype(dtype)
    counts[0] = 0
    sums = sum_xlogx(counts)
    assert sums.shape == (3, 2)
    assert (sums[0] == 0).all()
    np.testing.assert_allclose(sums, exact(counts).sum(-1).astype(np.float64), rtol=1e-14)


def test_order_of_axes_and_empty() -> None:
    counts = RNG.integers(0, 50, (4, 5, 6))
    np.testing.assert_array_equal(
        sum_xlogx(counts.transpose(2, 1, 0)),
        sum_xlogx(np.array(counts.transpose(2, 1, 0), order="C")),
    )
    assert sum_xlogx(np.zeros((0, 3), np.int64)).shape == (0,)
    assert sum_xlogx(np.zeros(3, np.int64)) == 0


@pytest.mark.parametrize("largest", [2, 1000, 1 << 16, (1 << 20) - 1])
def test_fixed_point_is_right_to_a_unit_and_cannot_overflow(largest: int) -> None:
    _, table, _, unit = reduction(XLOGX, largest)
    assert len(table) > largest
    assert np.frexp(unit)[0] == 0.5  # a power of two, by which nothing is rounded
    counts = np.unique(np.geomspace(1, len(table) - 1, 2000).astype(np.int64))
    wanted = exact(counts)
    assert np.abs(table[counts] * np.longdouble(unit) - wanted).max() <= 1.1 * unit
    # Entries that add up to N have the largest sum where they are one.
    assert 0 < int(table[-1]) < 1 << 62
    assert table[0] == table[1] == 0
