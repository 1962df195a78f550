"""What arguments mean, and that they are checked before any work is done."""

import itertools

import numpy as np
import pytest

import fastinfo
from fastinfo import JointCounts, binning, counting
from fastinfo.pairs import features

# --- bins mean one thing, whatever the number of variables --------------------------------------

X = [
    np.arange(12.0),
    np.arange(12.0)[::-1] / 2,
    np.arange(12.0) ** 2 / 12,
    np.sin(np.arange(12.0)) * 5 + 5,
]
N_VARIABLES = range(1, len(X) + 1)


def edges_of(bins, n_variables):
    """The edges of each variable."""
    counts = JointCounts(bins=bins, nan_policy="omit").update(*X[:n_variables])
    return [found.tolist() for found in counts.bins]


def by_number(number, x):
    return np.histogram_bin_edges(x, number).tolist()


EDGES = {
    "two integers": [5, 7],
    "three integers": [0, 3, 7],
    "four integers": [0, 3, 7, 10],
    "integers of NumPy": list(np.array([0, 3, 7])),
    "two floats": [0.0, 5.0],
    "three floats": [0.0, 0.5, 7.0],
    "an integer and a float": [0, 7.5],
}


@pytest.mark.parametrize("n_variables", N_VARIABLES)
@pytest.mark.parametrize("edges", EDGES.values(), ids=EDGES)
def test_a_list_or_an_array_of_numbers_is_edges(edges, n_variables):
    expected = [np.array(edges, float).tolist()] * n_variables
    assert edges_of(np.array(edges), n_variables) == expected
    is_integer = all(isinstance(edge, (int, np.integer)) for edge in edges)
    if is_integer and len(edges) == n_variables:
        with pytest.raises(ValueError, match=r"may be edges, or a number of bins for each of .*: "):
            edges_of(edges, n_variables)
    else:
        assert edges_of(edges, n_variables) == expected


@pytest.mark.parametrize("n_variables", N_VARIABLES)
@pytest.mark.parametrize("numbers", [(5,), (5, 7), (5, 7, 2), (5, 7, 2, 3)], ids=str)
def test_a_tuple_of_integers_is_a_number_for_each_variable(numbers, n_variables):
    if len(numbers) == n_variables:
        expected = [by_number(number, x) for number, x in zip(numbers, X, strict=False)]
        assert edges_of(numbers, n_variables) == expected
    else:
        with pytest.raises(ValueError, match=r"\d entries for \d variables; .* edges as a list or"):
            edges_of(numbers, n_variables)


@pytest.mark.parametrize("n_variables", N_VARIABLES)
def test_a_tuple_of_other_numbers_is_edges(n_variables):
    """As no number of bins is fractional."""
    assert edges_of((0.0, 2.5), n_variables) == [[0.0, 2.5]] * n_variables
    assert edges_of((0, 2.5, 7), n_variables) == [[0.0, 2.5, 7.0]] * n_variables


@pytest.mark.parametrize("kind", [tuple, list])
def test_one_specification_for_each_variable(kind):
    found = edges_of(kind([3, [0, 5], "uniform:2", np.array([0.0, 1.0, 9.0])]), 4)
    assert found == [by_number(3, X[0]), [0.0, 5.0], by_number(2, X[2]), [0.0, 1.0, 9.0]]
    assert edges_of(kind([[0, 5], [1, 2, 3]]), 2) == [[0.0, 5.0], [1.0, 2.0, 3.0]]
    assert edges_of(kind([5]), 1) == [by_number(5, X[0])]


def test_numbers_for_each_variable_are_those_of_a_histogram():
    x, y = np.random.default_rng(0).normal(size=(2, 200))
    found = JointCounts(bins=(5, 7)).update(x, y)
    expected, *edges = np.histogram2d(x, y, (5, 7))
    np.testing.assert_array_equal(found.table, expected)
    for ours, theirs in zip(found.bins, edges, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("bins", "n_variables"),
    [
        ((5, 7), 2),
        ((5,), 1),
        ([0, 3, 7], 2),
        ([5, 7], 1),
        (np.array([0, 7]), 2),
        ((0.0, 2.5), 2),
        (([0, 5], None), 2),
        ((np.array([0.0, 5.0]), np.int64(4)), 2),
        ("uniform:3", 2),
        (np.int64(3), 1),
    ],
    ids=str,
)
def test_bins_mean_the_same_to_counts_from_a_file(tmp_path, bins, n_variables):
    empty = [[np.nan]] * n_variables  # so that the specification decides about what follows
    counts = JointCounts(bins=bins, nan_policy="omit").update(*empty)
    counts.save(tmp_path / "counts.npz")
    loaded = JointCounts.load(tmp_path / "counts.npz").update(*X[:n_variables])
    assert [found.tolist() for found in loaded.bins] == edges_of(bins, n_variables)


# --- everything is checked before any work ------------------------------------------------------


class Untouchable:
    """Samples that nobody may look at."""

    def __array__(self, *_, **__):
        raise AssertionError("samples were looked at before all options were checked")

    __iter__ = __len__ = __array__


MEASURES = {
    "entropy": lambda x, **o: fastinfo.entropy(x, **o),
    "joint entropy": lambda x, **o: fastinfo.joint_entropy(x, x, **o),
    "conditional entropy": lambda x, **o: fastinfo.conditional_entropy(x, x, **o),
    "mutual information": lambda x, **o: fastinfo.mutual_information(x, x, **o),
    "conditional": lambda x, **o: fastinfo.conditional_mutual_information(x, x, x, **o),
    "variation": lambda x, **o: fastinfo.variation_of_information(x, x, **o),
    "total correlation": lambda x, **o: fastinfo.total_correlation(x, x, x, **o),
}
PAIRS = {
    "matrix": lambda x, **o: fastinfo.pairwise_mutual_information(x, **o),
    "two tables": lambda x, **o: fastinfo.pairwise_mutual_information(x, x, **o),
    "top pairs": lambda x, **o: fastinfo.top_pairs(x, **o),
}
DIVERGENCES = {
    "cross-entropy": lambda x, **o: fastinfo.cross_entropy(x, x, **o),
    "Kullback-Leibler": lambda x, **o: fastinfo.kl_divergence(x, x, **o),
    "Jensen-Shannon": lambda x, **o: fastinfo.jensen_shannon_divergence(x, x, **o),
    "of an order": lambda x, **o: fastinfo.renyi_divergence(x, x, 2, **o),
}
OTHERS = {
    "pointwise": lambda x, **o: fastinfo.pointwise_mutual_information(x, x, **o),
    "in time": lambda x, **o: fastinfo.transfer_entropy(x, x, **o),
    "pointwise in time": lambda x, **o: fastinfo.pointwise_transfer_entropy(x, x, **o),
    "of an order": lambda x, **o: fastinfo.renyi_entropy(x, 2, **o),
}
WRONG = {
    "base": {"base": 0.5},
    "nan_policy": {"nan_policy": "ignore"},
    "backend": {"backend": "fortran"},
    "bins": {"bins": "fds"},
    "one of the bins": {"bins": (None, "fds")},
    "number of bins": {"bins": (0, 5)},
    "n_jobs": {"n_jobs": 0},
}
WRONG_ESTIMATORS = {
    "estimator": {"estimator": "best"},
    "integers only": {"estimator": "miller_madow", "sample_weight": Untouchable()},
}
WRONG_RUNS = {
    "progress": {"progress": "bar"},
    "memory_limit": {"memory_limit": -1},
    "checkpoint": {"checkpoint": ""},
    "a file as checkpoint": {"checkpoint": __file__},
}


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        *itertools.product(
            [*MEASURES.values(), *PAIRS.values()], [*WRONG.values(), *WRONG_ESTIMATORS.values()]
        ),
        *itertools.product(OTHERS.values(), WRONG.values()),
        *itertools.product(DIVERGENCES.values(), [*WRONG.values(), {"sample_weight": [1.0]}]),
        *itertools.product(PAIRS.values(), WRONG_RUNS.values()),
        (OTHERS["in time"], {"lag": 0}),
        (OTHERS["in time"], {"n_shuffles": -1}),
        (OTHERS["in time"], {"random_state": "a"}),
        (DIVERGENCES["Jensen-Shannon"], {"weights": [1, -1]}),
        (lambda x: fastinfo.renyi_entropy(x, -1), {}),
        (lambda x: fastinfo.ordinal_patterns(x, 1), {}),
        (fastinfo.ordinal_patterns, {"backend": "fortran"}),
        (PAIRS["top pairs"], {"threshold": "high"}),
        (PAIRS["top pairs"], {"k": 0}),
    ],
)
def test_options_are_checked_before_samples_are_looked_at(call, wrong):
    with pytest.raises((ValueError, TypeError)):
        call(Untouchable(), **wrong)


def test_counts_check_their_options_at_once():
    for wrong in ({"bins": "fds"}, {"bins": (None, 0)}, {"nan_policy": "x"}, {"backend": "x"}):
        with pytest.raises(ValueError, match=r"accepted are|at least 1"):
            JointCounts(**wrong)


@pytest.fixture
def _no_work(monkeypatch):
    """Samples may be looked at, but neither binned nor counted, and no matrix is made."""

    def refuse(*_, **__):
        raise AssertionError("work was begun before all arguments were checked")

    monkeypatch.setattr(binning, "fit", refuse)
    monkeypatch.setattr(features, "encode", refuse)
    monkeypatch.setattr(counting, "count", refuse)
    monkeypatch.setattr(counting, "require_memory", refuse)


WRONG_FOR_SAMPLES = {
    "too few weights": {"sample_weight": [1.0, 2.0]},
    "negative weights": {"sample_weight": [1.0, 2.0, -1.0]},
    "weights of text": {"sample_weight": ["1", "2", "3"]},
    "bins for others": {"bins": (3, 4, 5, 6, 7)},
    "equal-width bins of integers": {"bins": 3},
}


@pytest.mark.usefixtures("_no_work")
@pytest.mark.parametrize("call", [*MEASURES.values(), *PAIRS.values()])
@pytest.mark.parametrize("wrong", WRONG_FOR_SAMPLES.values(), ids=WRONG_FOR_SAMPLES)
def test_what_samples_decide_is_checked_before_any_work(call, wrong):
    with pytest.raises((ValueError, TypeError), match=r"sample_weight|bins"):
        call([[1], [2], [3]], **wrong)


@pytest.mark.usefixtures("_no_work")
@pytest.mark.parametrize("out", [np.empty((2, 2)), np.empty((1, 1), int), [[0.0]]], ids=repr)
def test_where_a_matrix_goes_to_is_checked_before_any_work(out):
    with pytest.raises(ValueError, match=r"out has shape .*; accepted is shape \(1, 1\)"):
        fastinfo.pairwise_mutual_information([[1], [2], [3]], out=out)


@pytest.mark.usefixtures("_no_work")
@pytest.mark.parametrize("call", DIVERGENCES.values(), ids=DIVERGENCES)
def test_weights_of_both_sides_are_checked_before_any_work(call):
    with pytest.raises(ValueError, match=r"sample_weight has shape \(2,\); .* of the 3 samples"):
        call([0.1, 0.2, 0.3], sample_weight=([1, 2, 3], [1, 2]))


def test_weights_are_checked_before_a_matrix_that_does_not_fit():
    X = np.broadcast_to(np.zeros((2, 1)), (2, 3_000_000))  # its matrix has 65 TiB
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\)"):
        fastinfo.pairwise_mutual_information(X, sample_weight=[1, 2, 3])
    with pytest.raises(MemoryError, match="the matrix of 3000000 × 3000000 cells needs"):
        fastinfo.pairwise_mutual_information(X, sample_weight=[1, 2])
