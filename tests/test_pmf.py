"""Measures of probabilities: scipy's, those of samples, and batches of either."""

import itertools
import math
import os

import naive
import numpy as np
import pytest
from conftest import library
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastinfo
from fastinfo import formulas, pmf


@pytest.fixture(autouse=True)
def _backend(backend, monkeypatch):
    """Probabilities take their backend from the environment."""
    monkeypatch.setenv("FASTINFO_BACKEND", backend)


def close(expected):
    return pytest.approx(expected, rel=1e-12, abs=1e-13)


JOINT = {
    "joint_entropy": 3,
    "entropy": 1,
    "conditional_entropy": 2,
    "mutual_information": 2,
    "conditional_mutual_information": 3,
    "interaction_information": 3,
    "total_correlation": 3,
    "dual_total_correlation": 3,
    "o_information": 3,
    "normalized_mutual_information": 2,
    "variation_of_information": 2,
}
DIVERGENCES = ["cross_entropy", "kl_divergence", "jensen_shannon_divergence"]


def arguments(measure, n_axes):
    """The measure, and its ``axis`` for the first axes."""
    axis = 0 if measure == "entropy" else tuple(range(n_axes))
    return getattr(pmf, measure), axis


@pytest.mark.parametrize("measure", JOINT)
def test_probabilities_agree_with_counts_in_place_of_samples(rng, measure):
    call, _ = arguments(measure, JOINT[measure])
    table = rng.integers(0, 9, (3, 4, 2)[: JOINT[measure]])
    counts = fastinfo.JointCounts.from_table(table)
    found = call(table)
    assert isinstance(found, float)
    assert found == close(getattr(fastinfo, measure)(counts))
    assert call(table / table.sum()) == close(found)


@pytest.mark.parametrize("measure", JOINT)
def test_batches_of_joint_distributions(rng, measure):
    """Axes of variables anywhere and in any order; the others are a batch, in their order."""
    n_axes = JOINT[measure]
    call, first = arguments(measure, n_axes)
    whole = rng.random((2, 3, 4, 5, 2))
    orders = list(itertools.permutations(range(5), n_axes))
    for axes in orders[:: 7 if n_axes > 2 else 1]:  # each axis comes first and last
        batch = np.moveaxis(whole, axes, range(n_axes))
        shape = batch.shape[n_axes:]
        found = call(whole, axis=axes[0] if measure == "entropy" else axes)
        assert found.shape == shape
        index = tuple(size - 1 for size in shape)
        assert found[index] == close(call(batch[(..., *index)], axis=first))


@pytest.mark.parametrize("measure", DIVERGENCES)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_batches_of_divergences(rng, measure, axis):
    p, q = rng.random((2, 4, 4, 4))
    found = getattr(pmf, measure)(p, q, axis=axis)
    assert found.shape == (4, 4)
    one = getattr(pmf, measure)(np.moveaxis(p, axis, 0)[:, 1, 2], np.moveaxis(q, axis, 0)[:, 1, 2])
    assert found[1, 2] == close(one)
    against_one = getattr(pmf, measure)(np.moveaxis(p, axis, -1), q[0, 0], axis=-1)
    assert against_one.shape == (4, 4)


positive = hnp.arrays("f8", 5, elements=st.just(0.0) | st.floats(1e-9, 1)).filter(np.any)


@pytest.mark.parametrize("base", [None, 2])
@given(p=positive, q=positive)
def test_scipy(base, p, q):
    peer, distance = library("scipy.stats").entropy, library("scipy.spatial.distance").jensenshannon
    relative_entropy = library("scipy.special").rel_entr(p / p.sum(), q / q.sum())
    assert pmf.entropy(p, base=base) == close(peer(p, base=base))
    expected = relative_entropy.sum() / math.log(base or math.e)
    assert pmf.kl_divergence(p, q, base=base) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    with np.errstate(invalid="ignore"):  # scipy takes the root of −1e-17
        expected_js = np.nan_to_num(distance(p, q, base=base)) ** 2
    js = pmf.jensen_shannon_divergence(p, q, base=base)
    assert js == pytest.approx(expected_js, abs=1e-12)
    assert pmf.cross_entropy(p, q, base=base) == pytest.approx(
        pmf.entropy(p, base=base) + expected, rel=1e-9, abs=1e-12
    )


SHAPES = [
    *[((3,), (3,)), ((1,), (3,)), ((3, 3), (3,)), ((3, 3), (3, 1)), ((3, 3), (1, 3))],
    *[((3, 1), (3, 4)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3, 4), (4,)), ((2, 3, 4), (3, 1))],
]


@pytest.mark.parametrize(("p_shape", "q_shape"), SHAPES, ids=str)
def test_shapes_broadcast_before_the_axis_is_taken(rng, p_shape, q_shape):
    peer = library("scipy.stats").entropy
    p, q = rng.random(p_shape), rng.random(q_shape)
    n_axes = max(p.ndim, q.ndim)
    for axis in (*range(-n_axes, n_axes), *([None] if p.size == q.size else [])):
        expected = peer(p, q, axis=axis)
        np.testing.assert_allclose(pmf.kl_divergence(p, q, axis=axis), expected, atol=1e-14)
        if axis is None or -p.ndim <= axis < p.ndim:
            np.testing.assert_allclose(pmf.entropy(p, axis=axis), peer(p, axis=axis))


@given(
    cells=st.lists(
        st.tuples(st.floats(0.01, 1), st.floats(0.01, 1), st.booleans(), st.booleans()),
        min_size=1,
        max_size=8,
    ).filter(lambda cells: not all(a or b for _, _, a, b in cells)),
    hidden=st.sampled_from([9.0, -1.0, np.nan, np.inf]),
)
def test_masked_cells_are_no_cells(cells, hidden):
    """Whatever stands in them; of two distributions, a cell that is masked in either."""
    p, q, p_mask, q_mask = (np.array(part) for part in zip(*cells, strict=True))
    either = p_mask | q_mask
    p[p_mask], q[q_mask] = hidden, hidden
    masked = np.ma.array(p, mask=p_mask), np.ma.array(q, mask=q_mask)
    for measure in DIVERGENCES:
        expected = getattr(pmf, measure)(p[~either], q[~either])
        assert getattr(pmf, measure)(*masked) == pytest.approx(expected, abs=1e-13)
    if not p_mask.all():
        assert pmf.entropy(masked[0]) == pytest.approx(pmf.entropy(p[~p_mask]), abs=1e-13)
        counts = fastinfo.JointCounts.from_table(masked[0])
        assert fastinfo.entropy(counts) == pytest.approx(pmf.entropy(p[~p_mask]), abs=1e-13)


def test_masked_cells_of_a_joint_distribution():
    table = np.ma.array([[4.0, 1.0], [1.0, 9.0]], mask=[[0, 0], [0, 1]])
    expected = pmf.mutual_information([[4.0, 1.0], [1.0, 0.0]])
    assert pmf.mutual_information(table) == close(expected)
    assert fastinfo.mutual_information(fastinfo.JointCounts.from_table(table)) == close(expected)


def test_one_masked_cell_by_hand():
    p = np.ma.array([0.5, 0.5, 9.0], mask=[0, 0, 1])
    assert pmf.kl_divergence(p, [0.25, 0.25, 0.5]) == 0
    assert pmf.jensen_shannon_divergence(p, [0.25, 0.25, 0.5]) == 0
    assert pmf.cross_entropy(p, [0.25, 0.25, 0.5], base=2) == 1


@pytest.mark.parametrize("order", ["C", "F"])
def test_many_equal_cells(order):
    """2²⁰ of them: log 2²⁰, without the rounding of a million additions."""
    n_cells = 1 << 16 if os.environ["FASTINFO_BACKEND"] == "cupy" else 1 << 20
    for shape in ((n_cells, 1), (n_cells, 2)):
        found = pmf.entropy(np.ones(shape, order=order))
        np.testing.assert_allclose(found, math.log(n_cells), rtol=1e-14)
    joint = pmf.joint_entropy(np.ones((1 << 8, n_cells >> 8), order=order))
    assert joint == pytest.approx(math.log(n_cells), rel=1e-14)


@pytest.mark.parametrize("axis", [(0, 1), (1, 0)])
def test_many_values_of_one_variable(axis):
    """Shares of Y are sums over 2¹⁹ cells one below the other, of which none may be lost."""
    n_values = 1 << 19
    shares = [0.3, 0.7]
    of_y = naive.entropy_of(naive.probabilities(dict(enumerate(shares))))
    table = np.ones((n_values, 1)) * shares
    if axis == (1, 0):
        table = table.T
    found = pmf.variation_of_information(table, axis=axis)
    assert found == pytest.approx(math.log(n_values) + of_y, rel=1e-14)
    weights = fastinfo.JointCounts.from_table(table)
    found = fastinfo.variation_of_information(weights)
    assert found == pytest.approx(math.log(n_values) + of_y, rel=1e-14)


def test_no_distributions_have_no_entropies():
    assert pmf.entropy(np.ones((3, 0))).shape == (0,)
    assert pmf.mutual_information(np.ones((3, 2, 0))).shape == (0,)


probabilities = hnp.arrays("f8", 7, elements=st.just(0.0) | st.floats(1e-6, 1)).filter(np.any)


@given(p=probabilities, q=probabilities)
def test_bounds_hold_exactly(p, q):
    apart = [np.r_[p, np.zeros(7)], np.r_[np.zeros(7), q]]
    for pair in ((p, q), apart):
        assert 0 <= pmf.jensen_shannon_divergence(*pair, base=2) <= 1
    for average in formulas.AVERAGES:
        for table in (np.outer(p, q), np.diag(q), np.outer(p, q) + np.diag(q)):
            assert 0 <= pmf.normalized_mutual_information(table, average=average) <= 1


@pytest.mark.parametrize("average", formulas.AVERAGES)
def test_averages(average):
    x, y = [0, 0, 1, 1, 2], [0, 1, 1, 1, 1]
    table = np.zeros((3, 2))
    np.add.at(table, (x, y), 1)
    found = pmf.normalized_mutual_information(table, average=average)
    assert found == close(naive.normalized_mutual_information(x, y, average))


@pytest.mark.parametrize(
    ("measure", "p", "q", "expected"),
    [
        ("kl_divergence", [0.5, 0.5], [1, 0], math.inf),
        ("kl_divergence", [1, 0], [0.5, 0.5], math.log(2)),
        ("kl_divergence", [1, 0], [1, 0], 0),
        ("kl_divergence", [1e-310, 1], [0.5, 0.5], math.log(2)),
        ("kl_divergence", [0.5, 0.5], [1e-310, 1], math.log(0.5) - math.log(1e-310) / 2),
        ("kl_divergence", [5e-324, 1], [1, 5e-324], -math.log(5e-324)),
        ("cross_entropy", [0.5, 0.5], [1, 0], math.inf),
        ("cross_entropy", [1, 0], [1, 0], 0),
        ("jensen_shannon_divergence", [1, 0], [0, 1], math.log(2)),
        ("jensen_shannon_divergence", [1e-310, 1], [1, 1e-310], math.log(2)),
    ],
)
def test_zeros_and_next_to_nothing(measure, p, q, expected):
    found = getattr(pmf, measure)(p, q)
    assert found == close(expected)
    assert math.copysign(1, found) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pmf.entropy([0.5, -0.5]), ValueError, "pk holds negative values.*-0.5"),
        (lambda: pmf.entropy([0.5, np.nan]), ValueError, "pk holds NaN or infinite"),
        (lambda: pmf.entropy([0.5, np.inf]), ValueError, "pk holds NaN or infinite"),
        (lambda: pmf.entropy([0.0, 0.0]), ValueError, "sum is 0"),
        (lambda: pmf.entropy([]), ValueError, "sum is 0"),
        (lambda: pmf.entropy([[1, 1], [0, 0]], axis=1), ValueError, "sum is 0"),
        (lambda: pmf.entropy([1e308, 1e308]), ValueError, "above the largest float64"),
        (lambda: pmf.entropy([1, 1j]), TypeError, "pk has dtype complex128"),
        (lambda: pmf.entropy(["a"]), TypeError, "pk has dtype object"),
        (lambda: pmf.entropy(0.5), TypeError, "pk is a single number, 0.5; accepted is a seq"),
        (lambda: pmf.kl_divergence([1, 1], 2), TypeError, "qk is a single number, 2;"),
        (lambda: pmf.kl_divergence([1, 1], np.array(2)), ValueError, "qk is a single number, 2;"),
        (lambda: pmf.entropy(np.array(0.5)), ValueError, "pk is a single number, 0.5"),
        (
            lambda: pmf.entropy([1, 2], axis=1),
            ValueError,
            r"axis=1 for pk of shape \(2,\): accepted is an axis from -1 to 0",
        ),
        (lambda: pmf.entropy([[1, 2]], axis=(0, 1)), ValueError, r"axis=\(0, 1\); .* an integer"),
        (lambda: pmf.entropy([1, 2], axis="x"), ValueError, "axis='x'; accepted is an integer"),
        (lambda: pmf.mutual_information([1, 2]), ValueError, r"axis=\(0, 1\) for pk of shape \(2,"),
        (lambda: pmf.mutual_information([1, 2], axis=0), ValueError, "tuple of 2 integers"),
        (lambda: pmf.mutual_information([1, 2], axis=(0,)), ValueError, "tuple of 2 integers"),
        (
            lambda: pmf.mutual_information(np.ones((2, 2, 2)), axis=(0, 1, 2)),
            ValueError,
            "tuple of 2 integers, one for each variable",
        ),
        (
            lambda: pmf.mutual_information([[1]], axis=(0, 0)),
            ValueError,
            "accepted are different axes",
        ),
        (lambda: pmf.joint_entropy([[1]], axis=()), ValueError, "a sequence of integers"),
        (lambda: pmf.kl_divergence([1, 1], [1, 1, 1]), ValueError, r"\(2,\) and \(3,\), which"),
        (
            lambda: pmf.kl_divergence(np.ones((2, 3)), np.ones((2, 4)), axis=0),
            ValueError,
            "do not broadcast",
        ),
        (lambda: pmf.entropy([1, 1], base=1), ValueError, "base=1;"),
        (lambda: pmf.kl_divergence([[1, 1]], [1, 1, 1], axis=None), ValueError, "not broadcast"),
        (lambda: pmf.mutual_information([[1]], axis=None), ValueError, "axis=None; accepted is a"),
        (lambda: pmf.entropy(np.ma.masked_all(3)), ValueError, "every cell is masked"),
        (
            lambda: pmf.entropy(np.ma.array(np.ones((2, 2)), mask=[[0, 0], [1, 1]]), axis=1),
            ValueError,
            "pk holds a distribution whose cells are all masked or 0",
        ),
        (
            lambda: pmf.normalized_mutual_information([[1]], average="mean"),
            ValueError,
            "average='mean'; accepted are 'arithmetic'",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_inputs_are_left_alone(rng):
    p = rng.random(5)
    before = p.copy()
    p.flags.writeable = False
    pmf.kl_divergence(p, p)
    pmf.entropy(p)
    np.testing.assert_array_equal(p, before)
