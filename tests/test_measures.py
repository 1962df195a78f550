"""The measures: naive's definitions, identities, other libraries, and textbooks."""

import itertools
import math

import naive
import numpy as np
import pytest
from conftest import library
from hypothesis import given, settings
from hypothesis import strategies as st

import fastinfo
from fastinfo import formulas

TOLERANCE = 1e-12
"""In nats: entropies are differences of N·log N and Σ c·log c, each off by 1e-16 of itself."""

JOINT = {
    "joint_entropy": (None, naive.entropy),
    "entropy": (1, naive.entropy),
    "conditional_entropy": (2, naive.conditional_entropy),
    "mutual_information": (2, naive.mutual_information),
    "conditional_mutual_information": (3, naive.conditional_mutual_information),
    "interaction_information": (3, naive.interaction_information),
    "total_correlation": (3, naive.total_correlation),
    "dual_total_correlation": (3, naive.dual_total_correlation),
    "o_information": (4, naive.o_information),
    "variation_of_information": (2, naive.variation_of_information),
}
"""Measures of a joint table: the number of variables, and the judge."""

DIVERGENCES = {
    "cross_entropy": naive.cross_entropy,
    "kl_divergence": naive.kl_divergence,
    "jensen_shannon_divergence": naive.jensen_shannon_divergence,
}


any_table = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")
"""For tables of up to 40 samples at random: which of them are told, test_saturation says."""


def close(expected):
    return pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)


@st.composite
def columns(draw, count, most_categories=6):
    """Columns of one length, whose values lie on both sides of 0."""
    n_samples = draw(st.integers(1, 40))
    return [
        draw(
            st.lists(
                st.integers(-2, draw(st.integers(-2, most_categories - 3))),
                min_size=n_samples,
                max_size=n_samples,
            )
        )
        for _ in range(count)
    ]


# --- naive --------------------------------------------------------------------------------------


@any_table
@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
@pytest.mark.parametrize("measure", JOINT)
@settings(max_examples=15)  # of each measure, by each backend
@given(data=st.data())
def test_by_definition(backend, measure, weighted, data):
    count, judge = JOINT[measure]
    xs = data.draw(columns(count or data.draw(st.integers(1, 4))))
    weights = None
    if weighted:
        element = st.sampled_from([0.0, 0.5, 1.0, 3.25])
        weights = data.draw(st.lists(element, min_size=len(xs[0]), max_size=len(xs[0])).filter(any))
    found = getattr(fastinfo, measure)(*xs, sample_weight=weights, backend=backend)
    assert found == close(judge(*xs, weights=weights))


@any_table
@pytest.mark.parametrize("average", formulas.AVERAGES)
@settings(max_examples=15)
@given(xs=columns(2))
def test_normalized_mutual_information_by_definition(backend, average, xs):
    found = fastinfo.normalized_mutual_information(*xs, average=average, backend=backend)
    assert found == close(naive.normalized_mutual_information(*xs, average))


@pytest.mark.parametrize("measure", DIVERGENCES)
@settings(max_examples=20)
@given(x=columns(1, 4), y=columns(1, 4))
def test_divergences_by_definition(backend, measure, x, y):
    found = getattr(fastinfo, measure)(*x, *y, backend=backend)
    assert found == close(DIVERGENCES[measure](*x, *y))


@any_table
@given(xs=columns(2))
def test_miller_madow(backend, xs):
    x, y = xs
    found = fastinfo.mutual_information(x, y, estimator="miller_madow", backend=backend)
    expected = naive.miller_madow(x) + naive.miller_madow(y) - naive.miller_madow(x, y)
    assert found == close(expected)


def test_corrected_estimates_may_be_negative(backend):
    x, y = [0, 0, 1, 1], [0, 1, 0, 1]
    found = fastinfo.mutual_information(x, y, estimator="miller_madow", backend=backend)
    assert found == pytest.approx((1 + 1 - 3) / 8)


@pytest.mark.parametrize("nan_policy", ["omit", "propagate"])
def test_missing_samples(backend, nan_policy):
    x, y = [0, 1, None, 1, 0], ["a", "b", "b", None, "a"]
    found = fastinfo.mutual_information(x, y, nan_policy=nan_policy, backend=backend)
    expected = naive.mutual_information(x, y) if nan_policy == "omit" else math.nan
    assert found == pytest.approx(expected, nan_ok=True)


def test_a_variable_of_several_columns(backend, rng):
    x, y = rng.integers(0, 3, (400, 2)), rng.integers(0, 2, (400, 3))
    rows = [list(map(tuple, v.tolist())) for v in (x, y)]
    for measure in ("mutual_information", "conditional_entropy", "variation_of_information"):
        found = getattr(fastinfo, measure)(x, y, backend=backend)
        assert found == close(JOINT[measure][1](*rows))
    assert fastinfo.kl_divergence(x, x[:, ::-1], backend=backend) == close(
        naive.kl_divergence(rows[0], [row[::-1] for row in rows[0]])
    )


def test_floating_point_samples_of_a_divergence_share_their_bins(backend, rng):
    x, y = rng.normal(size=200), rng.normal(0.5, 1, size=300)
    both = np.concatenate([x, y])
    for bins, edges in [
        (None, naive.quantile_edges(both.tolist(), 8)),
        (10, np.histogram_bin_edges(both, 10)),
        ([-9, 0, 1, 9], [-9, 0, 1, 9]),
    ]:
        codes = [naive.encode_edges(v.tolist(), list(edges)) for v in (x, y)]
        found = fastinfo.kl_divergence(x, y, bins=bins, backend=backend)
        assert found == close(naive.kl_divergence(*codes))


def test_weights_of_a_divergence_are_a_pair(backend):
    x, y = [0, 1], [0, 1, 1]
    found = fastinfo.kl_divergence(x, y, sample_weight=([3, 1], None), backend=backend)
    assert found == close(naive.kl_divergence([0, 0, 0, 1], y))


@pytest.mark.parametrize("base", [2, 10, math.e, 1.5, 10**400])
def test_bases(backend, base):
    x = [0, 1, 2, 2]
    found = fastinfo.entropy(x, base=base, backend=backend)
    assert found == close(naive.entropy(x) / math.log(base))


def test_no_result_is_minus_zero(backend):
    for measure in ("kl_divergence", "jensen_shannon_divergence", "mutual_information"):
        assert repr(getattr(fastinfo, measure)([1, 1], [1, 1], backend=backend)) == "0.0"
    assert repr(fastinfo.cross_entropy([1], [1], backend=backend)) == "0.0"
    assert repr(fastinfo.entropy([3, 3], base=2, backend=backend)) == "0.0"


# --- identities ---------------------------------------------------------------------------------


@any_table
@settings(max_examples=25)  # of 25 calls each
@given(xs=columns(3))
def test_identities(backend, xs):
    def call(measure, *variables):
        return getattr(fastinfo, measure)(*variables, backend=backend)

    x, y, z = xs
    hx, hy, hz, hxy = (call("joint_entropy", *v) for v in ((x,), (y,), (z,), (x, y)))
    mutual = call("mutual_information", x, y)
    # Bounds.
    assert 0 <= hx <= math.log(len(set(x))) + TOLERANCE
    assert max(hx, hy) - TOLERANCE <= hxy <= hx + hy + TOLERANCE
    assert 0 <= mutual <= min(hx, hy) + TOLERANCE
    # Symmetry, and the three ways to write it.
    assert call("mutual_information", y, x) == close(mutual)
    assert hx + hy - hxy == close(mutual)
    assert hx - call("conditional_entropy", x, y) == close(mutual)
    # With itself.
    assert call("mutual_information", x, x) == close(hx)
    assert call("conditional_entropy", x, x) == close(0)
    # Chain rules.
    assert call("conditional_entropy", x, y) + hy == close(hxy)
    pair = list(zip(y, z, strict=True))
    codes = [sorted(set(pair)).index(p) for p in pair]
    conditional = call("conditional_mutual_information", x, z, y)
    assert conditional >= 0
    assert call("mutual_information", x, codes) == close(mutual + conditional)
    # What three share, in any order.
    interaction = call("interaction_information", x, y, z)
    assert interaction == close(call("conditional_mutual_information", x, y, z) - mutual)
    assert call("interaction_information", z, x, y) == close(interaction)
    assert call("mutual_information", x, np.array(pair)) == close(mutual + conditional)
    # Data processing: what is computed from y tells no more about x than y.
    assert call("mutual_information", x, [v // 2 for v in y]) <= mutual + TOLERANCE
    # The variation of information is a distance.
    xy, yz, xz = (call("variation_of_information", *v) for v in ((x, y), (y, z), (x, z)))
    assert xz <= xy + yz + TOLERANCE
    assert call("variation_of_information", x, x) == close(0)
    assert hz >= 0


@any_table
@given(xs=columns(2), seed=st.integers(0, 1000))
def test_neither_names_of_categories_nor_the_order_of_rows_matter(backend, xs, seed):
    rng = np.random.default_rng(seed)
    x, y = map(np.array, xs)
    expected = fastinfo.mutual_information(x, y, backend=backend)
    names = np.array(["s", "a", "zz", "q", "", "b"])[rng.permutation(6)]
    relabelled = names[x + 2], (y + 2) * -7_000_000_019
    assert fastinfo.mutual_information(*relabelled, backend=backend) == close(expected)
    order = rng.permutation(len(x))
    assert fastinfo.mutual_information(x[order], y[order], backend=backend) == expected


@any_table
@given(xs=columns(2), cut=st.integers(0, 40))
def test_counts_add_up_over_chunks(backend, xs, cut):
    whole = fastinfo.JointCounts(backend=backend).update(*xs)
    parts = [[x[:cut] for x in xs], [x[cut:] for x in xs]]
    total = fastinfo.JointCounts(backend=backend)
    for part in parts:
        if part[0]:
            total.update(*part)
    assert total.n_samples == whole.n_samples == len(xs[0])
    np.testing.assert_array_equal(total.table, whole.table)
    expected = fastinfo.mutual_information(whole, backend=backend)
    assert fastinfo.mutual_information(total, backend=backend) == expected


@any_table
@pytest.mark.parametrize("average", formulas.AVERAGES)
@settings(max_examples=15)
@given(xs=columns(2))
def test_normalized_mutual_information_is_a_share(backend, average, xs):
    share = fastinfo.normalized_mutual_information(*xs, average=average, backend=backend)
    assert 0 <= share <= 1 + TOLERANCE
    mirrored = fastinfo.normalized_mutual_information(*xs[::-1], average=average, backend=backend)
    assert mirrored == close(share)
    itself = fastinfo.normalized_mutual_information(xs[0], xs[0], average=average, backend=backend)
    assert itself == close(1)


@given(x=columns(1, 4), y=columns(1, 4))
def test_divergences_are_no_less_than_nothing(backend, x, y):
    (x,), (y,) = x, y
    kl = fastinfo.kl_divergence(x, y, backend=backend)
    js = fastinfo.jensen_shannon_divergence(x, y, backend=backend)
    assert kl >= 0
    assert 0 <= js <= math.log(2) + TOLERANCE
    assert fastinfo.jensen_shannon_divergence(y, x, backend=backend) == close(js)
    assert fastinfo.kl_divergence(x, x, backend=backend) == close(0)
    if math.isfinite(kl):
        cross = fastinfo.cross_entropy(x, y, backend=backend)
        assert cross == close(fastinfo.entropy(x, backend=backend) + kl)


@any_table
@given(xs=columns(3))
def test_weights_that_are_whole_numbers_mean_repetitions(backend, xs):
    x, y, weights = xs
    weights = [abs(w) for w in weights]
    if not any(weights):
        return
    found = fastinfo.mutual_information(x, y, sample_weight=weights, backend=backend)
    repeated = [np.repeat(v, weights) for v in (x, y)]
    assert found == close(fastinfo.mutual_information(*repeated, backend=backend))


# --- other libraries ----------------------------------------------------------------------------


@pytest.fixture(params=[0, 1, 2])
def labels(request):
    """Two labellings: related, unrelated, and with one class in common only."""
    rng = np.random.default_rng(request.param)
    x = rng.integers(0, 7, 500)
    return x, [(x + rng.integers(0, 2, 500)) % 7, rng.integers(0, 4, 500), x * 0][request.param]


def test_mutual_information_of_scikit_learn(backend, labels):
    found = fastinfo.mutual_information(*labels, backend=backend)
    assert found == close(library("sklearn.metrics").mutual_info_score(*labels))


@pytest.mark.parametrize("average", formulas.AVERAGES)
def test_normalized_mutual_information_of_scikit_learn(backend, labels, average):
    found = fastinfo.normalized_mutual_information(*labels, average=average, backend=backend)
    peer = library("sklearn.metrics").normalized_mutual_info_score
    expected = peer(*labels, average_method=average)
    assert found == close(expected)


def test_homogeneity_of_scikit_learn(backend, labels):
    truth, clusters = labels
    share = 1 - fastinfo.conditional_entropy(truth, clusters, backend=backend) / fastinfo.entropy(
        truth, backend=backend
    )
    assert share == close(library("sklearn.metrics").homogeneity_score(truth, clusters))


@pytest.mark.parametrize("base", [None, 2])
def test_divergences_of_scipy(backend, base):
    x, y = [0] * 5 + [1] * 3 + [2] * 2, [0] * 1 + [1] * 6 + [2] * 3
    p, q = np.bincount(x) / 10, np.bincount(y) / 10
    options = {"base": base, "backend": backend}
    peer = library("scipy.stats").entropy
    assert fastinfo.entropy(x, **options) == close(peer(p, base=base))
    assert fastinfo.kl_divergence(x, y, **options) == close(peer(p, q, base=base))
    js = fastinfo.jensen_shannon_divergence(x, y, **options)
    assert js == close(library("scipy.spatial.distance").jensenshannon(p, q, base=base) ** 2)


# --- textbooks ----------------------------------------------------------------------------------

COVER_THOMAS = [[4, 2, 1, 1], [2, 4, 1, 1], [2, 2, 2, 2], [8, 0, 0, 0]]
"""Cover & Thomas, Elements of Information Theory, 2nd ed., example 2.2.1: 32·p(x, y), a row a y."""


@pytest.mark.parametrize(
    ("measure", "bits"),
    [
        ("conditional_entropy", 11 / 8),
        ("mutual_information", 3 / 8),
        ("joint_entropy", 27 / 8),
        ("variation_of_information", 11 / 8 + 13 / 8),
    ],
)
def test_cover_and_thomas_example_2_2_1(backend, measure, bits):
    """H(X) = 7/4, H(Y) = 2, H(X|Y) = 11/8, H(Y|X) = 13/8, H(X,Y) = 27/8, I(X;Y) = 3/8 bits."""
    y, x = np.repeat(np.indices((4, 4)).reshape(2, -1), np.ravel(COVER_THOMAS), axis=1)
    assert fastinfo.entropy(x, base=2, backend=backend) == close(7 / 4)
    assert fastinfo.entropy(y, base=2, backend=backend) == close(2)
    assert getattr(fastinfo, measure)(x, y, base=2, backend=backend) == close(bits)
    table = fastinfo.JointCounts.from_table(np.transpose(COVER_THOMAS))
    assert getattr(fastinfo, measure)(table, base=2, backend=backend) == close(bits)


def test_cover_and_thomas_example_2_1_2(backend):
    """Probabilities ½, ¼, ⅛, ⅛: 7/4 bits."""
    assert fastinfo.entropy(list("aaaabbcd"), base=2, backend=backend) == close(1.75)


def test_cover_and_thomas_example_2_3_1(backend):
    """P = (½, ½), q = (¾, ¼): D(p‖q) = 1 − ½ log 3 = 0.2075, D(q‖p) = ¾ log 3 − 1 = 0.1887."""
    p, q = [0, 0, 1, 1], [0, 0, 0, 1]
    options = {"base": 2, "backend": backend}
    assert fastinfo.kl_divergence(p, q, **options) == close(1 - math.log2(3) / 2)
    assert fastinfo.kl_divergence(q, p, **options) == close(0.75 * math.log2(3) - 1)


def test_mackay_binary_symmetric_channel(backend):
    """MacKay, Information Theory, Inference, and Learning Algorithms (2003), exercise 9.7.

    f = 0.15 and P(1) = 0.5: I(X;Y) = 1 − H₂(0.15) = 0.39 bits.
    """
    x, y = np.repeat([0, 0, 1, 1], [85, 15, 15, 85]), np.repeat([0, 1, 0, 1], [85, 15, 15, 85])
    found = fastinfo.mutual_information(x, y, base=2, backend=backend)
    assert found == close(1 + 0.15 * math.log2(0.15) + 0.85 * math.log2(0.85))
    assert round(found, 2) == 0.39


def test_independence_of_exclusive_or(backend):
    """Two fair coins and whether they differ: pairwise independent, together determined."""
    x, y, z = [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]
    options = {"base": 2, "backend": backend}
    for a, b in itertools.combinations((x, y, z), 2):
        assert fastinfo.mutual_information(a, b, **options) == 0
    assert fastinfo.conditional_mutual_information(x, y, z, **options) == close(1)


# --- JointCounts in place of samples ------------------------------------------------------------


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("measure", JOINT)
def test_counts_in_place_of_samples(backend, rng, measure, sparse):
    count, judge = JOINT[measure]
    xs = rng.integers(0, 4, (count or 3, 200)).tolist()
    counts = fastinfo.JointCounts(sparse=sparse, backend=backend).update(*xs)
    assert counts.is_sparse is sparse
    assert getattr(fastinfo, measure)(counts, backend=backend) == close(judge(*xs))


@pytest.mark.parametrize("kinds", ["dd", "ds", "sd", "ss"])
@pytest.mark.parametrize("measure", DIVERGENCES)
def test_divergences_of_counts(backend, measure, kinds):
    """Their categories differ, and the first has one that the second lacks."""
    x, y = list("aabbbdd"), list("abbcdz")
    counts = [
        fastinfo.JointCounts(sparse=kind == "s", backend=backend).update(v)
        for kind, v in zip(kinds, (x, y), strict=True)
    ]
    found = getattr(fastinfo, measure)(*counts, backend=backend)
    assert found == close(DIVERGENCES[measure](x, y))


def test_normalized_information_is_at_most_one():
    """Rounding made 1 + 2e-16 of this one, and √(1 − NMI) NaN."""
    for average in formulas.AVERAGES:
        found = fastinfo.normalized_mutual_information([0, 1, 2], [0, 1, 1], average=average)
        assert found <= 1
    found = fastinfo.normalized_mutual_information([0, 1, 2], [0, 1, 1], average="min")
    assert found == 1
