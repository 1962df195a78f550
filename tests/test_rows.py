"""Kernels of all rows of a table at once: each row as by itself, in every backend."""

import naive
import numpy as np
import pytest
from test_kernels import FLOAT_DTYPES, INTEGER_DTYPES

from fastinfo.backends.contract import code_dtype

ROWS = {
    "one": lambda rng, n: rng.normal(size=(1, n)),
    "several": lambda rng, n: rng.normal(size=(5, n)) * [[1], [1e-300], [1e300], [0], [5]],
    "missing": lambda rng, n: np.where(rng.random((4, n)) < [[0], [0.5], [1], [0.1]], np.nan, 7),
    "more than blocks": lambda rng, n: rng.integers(0, 9, (70, n)) / 4,
}


@pytest.mark.parametrize("dtype", [*INTEGER_DTYPES, *FLOAT_DTYPES])
@pytest.mark.parametrize("n", [1, 33, 64, 1000])
@pytest.mark.parametrize("make", ROWS.values(), ids=ROWS)
def test_rows_are_summarized_as_each_by_itself(kernels, rng, make, n, dtype):
    if dtype in INTEGER_DTYPES:
        ends = np.iinfo(dtype)
        values = rng.integers(ends.min, ends.max, (len(make(rng, 1)), n), dtype, endpoint=True)
    else:
        with np.errstate(over="ignore"):
            values = make(rng, n).astype(dtype)
    found = kernels.summarize_rows(values)
    for row, *told in zip(values, *found, strict=True):
        np.testing.assert_array_equal(told, kernels.summarize(row))
    assert found.low.dtype == (values.dtype if dtype in INTEGER_DTYPES else np.float64)


@pytest.mark.parametrize("dtype", INTEGER_DTYPES)
def test_rows_of_integers_are_encoded_from_their_smallest(kernels, rng, dtype):
    ends = np.iinfo(dtype)
    low = rng.integers(ends.min, ends.max - 255, (70, 1), dtype, endpoint=True)
    offsets = rng.integers(0, 256, (70, 50))
    values = (low.astype(object) + offsets).astype(dtype)
    found = kernels.encode_integer_rows(values, low[:, 0])
    assert found.dtype == "uint8"
    np.testing.assert_array_equal(found, offsets)


@pytest.mark.parametrize("most", [3, 20, 300, 4000])
@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
@pytest.mark.parametrize("uniform", [False, True])
def test_rows_of_floats_are_encoded_by_their_own_edges(kernels, rng, uniform, dtype, most):
    n_bins = np.array([most, 1, 0, most // 2, 2, most])
    edges = np.full((6, most + 1), np.nan)
    for row, bins in zip(edges, n_bins, strict=True):
        if bins:
            low, high = np.sort(rng.normal(size=2))
            row[: bins + 1] = np.linspace(low, high, bins + 1)
            if not uniform:
                row[1:bins] = np.sort(rng.uniform(low, high, bins - 1))
    near = edges[:, rng.integers(0, most + 1, 400)]
    values = np.where(rng.random(near.shape) < 0.5, near, rng.normal(size=near.shape)).astype(dtype)
    found = kernels.encode_float_rows(values, edges, n_bins, uniform)
    assert found.dtype == code_dtype(most)
    for row, ends, bins, codes in zip(values, edges, n_bins, found, strict=True):
        expected = naive.encode_edges(row, ends[: bins + 1]) if bins else np.zeros(400)
        np.testing.assert_array_equal(codes, expected)


MANY_ROWS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "few values": lambda rng, shape: rng.integers(0, 40, shape) / 4,
    "skewed": lambda rng, shape: rng.exponential(size=shape) ** 2,
    "heavy tails": lambda rng, shape: rng.standard_cauchy(size=shape),
    "tiny": lambda rng, shape: rng.integers(0, 1000, shape) * 5e-324,
    "huge": lambda rng, shape: rng.normal(size=shape) * 1e308,
    "mixed": lambda rng, shape: (
        np.where(rng.random(shape) < [[0], [0], [0.3], [1], [0], [0]], np.nan, 1)
        * np.where(rng.random(shape) < [[0], [0.4], [0], [0], [0.001], [0]], 0, 1)
        * rng.normal(size=shape) ** [[1], [1], [1], [1], [1], [2]]
    ),
}


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
@pytest.mark.parametrize(("n", "n_bins"), [(1, 4), (20, 4), (600, 16), (3000, 13), (3000, 300)])
@pytest.mark.parametrize("make", MANY_ROWS.values(), ids=MANY_ROWS)
def test_rows_in_bins_of_equal_frequency(kernels, rng, make, n, n_bins, dtype):
    with np.errstate(over="ignore"):
        values = make(rng, (6, n)).astype(dtype)
    found = kernels.encode_quantile_rows(values, n_bins)
    if found is None:
        assert kernels.name != "numba"
        return
    codes, is_done = found
    assert codes.dtype == code_dtype(min(n_bins, n))
    for row, own in zip(values[is_done], codes[is_done], strict=True):
        edges = naive.quantile_edges(row.tolist(), n_bins)
        np.testing.assert_array_equal(own, naive.encode_edges(row, edges))
    if make is MANY_ROWS["normal"] and n_bins * 40 < n:
        assert is_done.all()
    if make is MANY_ROWS["mixed"] and n == 3000 and n_bins == 13:
        assert is_done.tolist() == [True, False, False, False, True, True]


@pytest.mark.parametrize("value", [-9.0, 0.25, 9.0])
@pytest.mark.parametrize(("n", "n_bins"), [(640, 16), (3000, 13)])
def test_a_value_that_outweighs_a_bin_by_one_sample(kernels, rng, value, n, n_bins):
    """As many samples as a bin has are no tie; with one more the value gets a bin of its own."""
    values = rng.normal(size=(2, n))
    for row, more in zip(values, (0, 1), strict=True):
        row[: n // n_bins + more] = value  # no other sample has it
    found = kernels.encode_quantile_rows(values, n_bins)
    if found is None:
        assert kernels.name != "numba"
        return
    codes, is_done = found
    assert is_done.tolist() == [True, False]
    expected = naive.encode_edges(values[0], naive.quantile_edges(values[0].tolist(), n_bins))
    np.testing.assert_array_equal(codes[0], expected)


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_order_statistics_of_rows(kernels, rng, dtype):
    values = rng.normal(size=(9, 200)).astype(dtype)
    values[2, :50:2], values[2, 1:50:2], values[3] = np.nan, -np.nan, 1.5
    n_valid = 200 - np.isnan(values).sum(axis=1, keepdims=True)
    ranks = np.sort(rng.integers(0, n_valid, (9, 7)), axis=1)
    most = (n_valid // 9).ravel()
    found, has_ties = kernels.order_statistics_rows(
        values, kernels.summarize_rows(values), ranks, most
    )
    assert found.dtype == "float64"
    assert has_ties[3]
    assert not has_ties[[0, 1, 4, 8]].any()
    expected = np.take_along_axis(np.sort(values, axis=1), ranks, axis=1)
    is_found = ~np.isnan(found).all(axis=1)  # the others have to be sorted
    assert is_found[[0, 1, 4, 8]].all() or kernels.name == "numba"
    np.testing.assert_array_equal(found[is_found], expected[is_found])
