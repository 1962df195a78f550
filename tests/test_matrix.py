"""From the entropies of a tile to the cells of a matrix, in every backend."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastinfo import formulas
from fastinfo.backends.pair_sums import PairSums

SHAPES = [(1, 1), (1, 70), (33, 1), (32, 64), (65, 257)]
INFORMATION = formulas.coefficients(formulas.mutual_information)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "formula", [formulas.mutual_information, formulas.variation_of_information]
)
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("low", [0.0, -np.inf])
def test_sums_are_combined_as_the_formula_says(kernels, rng, shape, formula, own, low):
    whole, samples = rng.integers(3000, 4000, shape), rng.integers(500, 600, shape)
    joint, left, right = (rng.integers(0, 3000, shape) for _ in range(3))
    if own:
        left, right, whole, samples = left[:, :1], right[:1], whole[:1, :1], samples[:1, :1]
    sums = PairSums(*map(kernels.bring, (joint, left, right, whole, samples)), 0.25)
    alone = {
        variables: (whole - side) / 4 / samples
        for variables, side in (((0,), left), ((1,), right), ((0, 1), joint))
    }
    expected = formula(lambda *variables: alone[variables])
    found = kernels.to_host(kernels.combine(sums, formulas.coefficients(formula), low))
    assert found.shape == shape
    np.testing.assert_allclose(found, np.maximum(expected, low), rtol=0, atol=1e-14)
    for ours, of in zip(sums.entropies(), ((0, 1), (0,), (1,)), strict=True):
        np.testing.assert_array_equal(kernels.to_host(ours), alone[of])


def of_entropies(kernels, joint, left, right):
    """Sums that are these entropies: of one sample, whose g is 0."""
    nothing, one = np.zeros((1, 1)), np.ones((1, 1))
    return PairSums(*map(kernels.bring, (-joint, -left, -right, nothing, one)), 1.0)


def test_mutual_information_has_the_bits_of_the_formula(kernels, rng):
    joint, left, right = rng.random((3, 40, 50))
    found = kernels.combine(of_entropies(kernels, joint, left, right), INFORMATION, 0.0)
    expected = np.maximum(left + right - joint, 0.0)
    np.testing.assert_array_equal(kernels.to_host(found), expected)


def test_rounding_below_zero_is_no_information_and_nan_stays(kernels):
    joint = np.array([[1.0 + 1e-15, np.nan, 0.0, 2.0]])
    left, right = np.array([[0.5, 1.0, -0.0, 1.0]]), np.array([[0.5, 1.0, -0.0, np.nan]])
    sums = of_entropies(kernels, joint, left, right)
    found = kernels.to_host(kernels.combine(sums, INFORMATION, 0.0))
    np.testing.assert_array_equal(found, [[0.0, np.nan, 0.0, np.nan]])
    assert not np.signbit(found[0, [0, 2]]).any()


def test_coefficients():
    assert formulas.coefficients(formulas.mutual_information) == (1.0, 1.0, -1.0)
    assert formulas.coefficients(formulas.variation_of_information) == (-1.0, -1.0, 2.0)


def in_order(rng, start, stop):
    return np.arange(start, stop)


def in_no_order(rng, start, stop):
    return rng.permutation(np.arange(start, stop))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("arrange", [in_order, in_no_order])
def test_every_pair_has_its_cell(kernels, rng, arrange, shape, dtype):
    n_left, n_right = shape
    values = rng.random(shape)
    rows, columns = arrange(rng, 2, 2 + n_left), arrange(rng, 1, 1 + n_right)
    out = np.full((n_left + 3, n_right + 2), np.nan, dtype)
    expected = out.copy()
    kernels.write_tile(values, rows, columns, out, False)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            expected[row, column] = values[i, j]
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("arrange", [in_order, in_no_order])
def test_a_symmetric_matrix_has_each_pair_twice(kernels, rng, arrange, shape, dtype):
    n_left, n_right = shape
    values = rng.random(shape)
    rows, columns = arrange(rng, 0, n_left), arrange(rng, n_left, n_left + n_right)
    out = np.full((n_left + n_right,) * 2, np.nan, dtype)
    expected = out.copy()
    kernels.write_tile(values, rows, columns, out, True)
    expected[np.ix_(rows, columns)] = values
    expected[np.ix_(columns, rows)] = values.T
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(("n_left", "n_right"), [(1, 1), (5, 5), (40, 40), (33, 70)])
@pytest.mark.parametrize("arrange", [in_order, in_no_order])
def test_on_the_diagonal_the_upper_triangle_decides(kernels, rng, arrange, n_left, n_right):
    values = rng.random((n_left, n_right))
    columns = arrange(rng, 0, n_right)
    rows = columns[:n_left]
    out = np.full((n_right, n_right), np.nan)
    expected = out.copy()
    kernels.write_tile(values, rows, columns, out, True)
    for i in range(n_left):
        for j in range(i, n_right):
            expected[rows[i], columns[j]] = expected[columns[j], rows[i]] = values[i, j]
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(out, out.T)


@pytest.mark.parametrize("average", formulas.AVERAGES)
def test_a_formula_that_is_not_linear_has_no_coefficients(average):
    formula = formulas.normalized_mutual_information.with_options(average=average)
    with pytest.raises(ValueError, match=r"is no linear combination of H\(X\), H\(Y\)"):
        formulas.coefficients(formula)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_formula_with_a_constant_has_no_coefficients(share):
    with pytest.raises(ValueError, match="is no linear combination"):
        formulas.coefficients(formulas.formula()(lambda entropy: share * entropy(0) + 1))


@given(factors=st.tuples(*[st.floats(-3, 3)] * 3))
def test_a_linear_formula_has_its_coefficients(factors):
    a, b, c = factors
    linear = formulas.formula()(lambda h: a * h(0) + b * h(1) + c * h(0, 1))
    assert formulas.coefficients(linear) == factors
