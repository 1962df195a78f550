"""Samples → codes, against NumPy's histograms and naive's quantiles."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastinfo
from fastinfo import binning
from fastinfo.backends import load
from fastinfo.binning.numpy_rules import NUMPY_RULES
from fastinfo.data.columns import Column
from fastinfo.inputs import arguments
from fastinfo.system import ranges


def count(x, **options):
    """Counts and edges of one variable."""
    counts = fastinfo.JointCounts(**options).update(x)
    return counts.table, counts.bins[0]


DATA = {
    "normal": np.random.default_rng(1).normal(size=1000),
    "integers as floats": np.random.default_rng(2).integers(0, 12, 500).astype(float),
    "on the edges": np.linspace(0, 1, 11),
    "skewed": np.random.default_rng(3).exponential(size=700) ** 3,
    "constant": np.full(30, 7.25),
    "one sample": np.array([-3.5]),
    "large offset": 1e9 + np.random.default_rng(4).uniform(size=300),
    "negative zero": np.array([-0.0, 0.0, 1.0]),
}
each_data = pytest.mark.parametrize("x", DATA.values(), ids=DATA)


@each_data
@pytest.mark.parametrize("n_bins", [1, 2, 7, 10, 100, 300])
def test_a_number_of_bins_means_what_numpy_means(backend, x, n_bins):
    found, edges = count(x, bins=n_bins, backend=backend)
    expected, expected_edges = np.histogram(x, n_bins)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(edges, expected_edges)


@each_data
@pytest.mark.parametrize("rule", sorted(set(NUMPY_RULES) - {"stone"}))
def test_numpys_rules(backend, x, rule):
    found, edges = count(x, bins=rule, backend=backend)
    np.testing.assert_array_equal(edges, np.histogram_bin_edges(x, rule))
    np.testing.assert_array_equal(found, np.histogram(x, edges)[0])


def test_the_rule_stone(backend):
    """By itself, for it tries every number of bins and takes its time."""
    x = DATA["normal"][:100]
    found, edges = count(x, bins="stone", backend=backend)
    np.testing.assert_array_equal(edges, np.histogram_bin_edges(x, "stone"))
    np.testing.assert_array_equal(found, np.histogram(x, edges)[0])


@each_data
@pytest.mark.parametrize(
    "edges", [[-5.0, 0.0, 0.5, 1.0, 12.0], [0.0, 1.0], [-np.inf, 0, np.inf], [0, 3, 7.25]], ids=str
)
def test_given_edges_count_as_numpy_counts(backend, x, edges):
    found, kept = count(x, bins=edges, backend=backend, nan_policy="omit")
    np.testing.assert_array_equal(found, np.histogram(x, edges)[0])
    np.testing.assert_array_equal(kept, edges)


def test_the_last_bin_is_closed(backend):
    assert count([0.0, 1.0, 2.0], bins=2, backend=backend)[0].tolist() == [1, 2]
    assert count([0.0, 1.0, 2.0], bins=[0, 1, 2], backend=backend)[0].tolist() == [1, 2]


@pytest.mark.parametrize("bins", [5, (4, 9), ([-4, 0, 1, 4], 3), ([-4, 0, 4], [-5, -1, 0, 2, 5])])
def test_two_variables_count_as_histogram2d(backend, rng, bins):
    x, y = rng.normal(size=(2, 1000)).clip(-3.9, 3.9)
    counts = fastinfo.JointCounts(bins=bins, backend=backend).update(x, y)
    expected, x_edges, y_edges = np.histogram2d(x, y, bins)
    np.testing.assert_array_equal(counts.table, expected)
    np.testing.assert_array_equal(counts.bins[0], x_edges)
    np.testing.assert_array_equal(counts.bins[1], y_edges)


def test_float32_samples_are_binned_by_float64_edges(backend, rng):
    x = rng.normal(size=500).astype(np.float32)
    found, _ = count(x, bins=20, backend=backend)
    np.testing.assert_array_equal(found, np.histogram(x.astype(float), 20)[0])


def test_edges_bin_integers_too(backend):
    assert count([1, 2, 3, 4], bins=[1, 3, 4], backend=backend)[0].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("bins", "n_bins"),
    [("uniform", 5), ("uniform:32", 32), ("quantile", 5), ("quantile:12", 12), (None, 5)],
)
def test_bins_by_name(backend, bins, n_bins):
    """125 distinct samples, ⌈125^(1/3)⌉ = 5."""
    found, _ = count(np.arange(125.0), bins=bins, backend=backend)
    assert found.size == n_bins


# --- quantiles ----------------------------------------------------------------------------------


@given(
    x=hnp.arrays("f8", st.integers(1, 200), elements=st.floats(-100, 100, width=16)),
    n_bins=st.integers(1, 12),
)
def test_quantile_edges(backend, x, n_bins):
    found, edges = count(x, bins=f"quantile:{n_bins}", backend=backend)
    expected = naive.quantile_edges(x.tolist(), n_bins)
    np.testing.assert_array_equal(edges, expected)
    np.testing.assert_array_equal(found, np.histogram(x, expected)[0])


@given(n_samples=st.integers(1, 300), n_bins=st.integers(1, 20))
def test_quantile_bins_of_distinct_samples_have_equal_frequencies(backend, n_samples, n_bins):
    x = np.random.default_rng(0).permutation(n_samples) * 1.7
    found, _ = count(x, bins=f"quantile:{n_bins}", backend=backend)
    assert found.size == min(n_bins, n_samples)
    assert found.max() - found.min() <= 1


def test_quantile_edges_agree_with_interpolated_ones(backend, rng):
    x = rng.normal(size=1003)
    found, _ = count(x, bins="quantile:10", backend=backend)
    np.testing.assert_array_equal(found, np.histogram(x, np.quantile(x, np.linspace(0, 1, 11)))[0])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    "transform",
    [np.exp, lambda x: x**3, lambda x: 5 * x + 1e6, np.arctan, lambda x: -1 / (x + 100)],
    ids=["exp", "cube", "affine", "arctan", "reciprocal"],
)
def test_quantile_bins_do_not_change_under_increasing_transformations(
    backend, rng, transform, dtype
):
    x = np.round(rng.normal(size=400), 1).astype(dtype)
    counts = [count(v, backend=backend)[0] for v in (x, transform(x.astype("f8")))]
    np.testing.assert_array_equal(*counts)


@pytest.mark.parametrize("n_samples", [2, 10, 1000])
def test_quantile_bins_tell_two_values_apart(backend, n_samples):
    """A column of 0.0 and 1.0 would otherwise be one bin, without information."""
    x = np.arange(n_samples) % 2.0
    assert count(x, backend=backend)[0].tolist() == [n_samples // 2] * 2
    assert fastinfo.mutual_information(x, x, base=2, backend=backend) == pytest.approx(1)


def test_quantile_bins_beside_infinite_samples(backend):
    x = [-np.inf, -1.0, 0.0, 1.0, 2.0, np.inf]
    assert count(x, bins="quantile:3", backend=backend)[0].tolist() == [2, 2, 2]


@pytest.mark.parametrize("value", [0.0, -3.5, 1e300, np.inf, -np.inf])
def test_a_constant_fills_one_bin(backend, value):
    found, edges = count([value] * 10, backend=backend)
    assert found.tolist() == [10]
    assert edges.tolist() == [value, value]


def test_edges_that_were_found_can_be_given(backend):
    """Those with a last bin for one value, too."""
    x = [0.0, 0.0, 1.0, 1.0]
    found, edges = count(x, backend=backend)
    np.testing.assert_array_equal(count(x, bins=edges, backend=backend)[0], found)


# --- numbers of bins ----------------------------------------------------------------------------


@pytest.mark.parametrize("root", [1, 2, 3, 10, 100, 999, 1000, 1 << 20])
def test_default_number_of_bins_at_exact_cubes(root):
    """Floating-point cube roots of 1000 and 10⁶ lie beside 10 and 100."""
    assert binning.rules.default_n_bins(root**3) == root
    assert binning.rules.default_n_bins(root**3 + 1) == root + 1
    assert binning.rules.default_n_bins(max(root**3 - 1, 1)) == root


def test_default_number_of_bins_of_small_samples():
    assert [binning.rules.default_n_bins(n) for n in range(1, 200)] == [
        naive.default_n_bins(n) for n in range(1, 200)
    ]


@pytest.mark.parametrize(
    ("x", "bins", "message"),
    [
        ([1e15, 1e15 + 0.125], 10, "too narrow or too wide for 10 bins of equal width"),
        ([-1.7e308, 1.7e308], 3, "too narrow or too wide for 3 bins"),
        ([0.0, np.inf], 3, 'x has infinite values.*bins="quantile"'),
        ([0.0, np.inf], "fd", "x has infinite values"),
    ],
)
def test_ranges_without_equal_bins(backend, x, bins, message):
    with pytest.raises(ValueError, match=message):
        count(x, bins=bins, backend=backend)


# --- categories ---------------------------------------------------------------------------------


def encoded(samples, backend, missing=None):
    """Codes of one column, and the column decoded again by its bins; None where missing."""
    column = arguments.column(samples, "x")
    kernels = load(backend)()
    coder = binning.fit(column, binning.rules.Quantile(), kernels)
    codes, bins = kernels.to_host(coder.codes()), coder.bins
    decoded = [None if code == len(bins) else bins.values[code].item() for code in codes]
    assert (decoded.count(None) > 0) == coder.has_missing
    assert codes.dtype.name in ("uint8", "uint16", "uint32")
    return codes, bins, decoded


@pytest.mark.parametrize(
    "samples",
    [
        np.array([3, 1, 3, 2], "i1"),
        np.array([-128, 127, 0], "i1"),
        np.array([0, 255, 7], "u1"),
        np.array([-(1 << 63), (1 << 63) - 1, 0]),
        np.array([0, (1 << 64) - 1, 1 << 63], "u8"),
        np.array([(1 << 62) + 1, (1 << 62) + 3, (1 << 62) + 1]),
        np.array([(1 << 64) - 1, (1 << 64) - 3], "u8"),
        np.array([(1 << 53) + 1, (1 << 53) + 70_001]),
        np.array([5, 5, 5]),
        np.array([1000, 1256]),
        np.array([0, 1 << 15, 1 << 16, 1 << 17]),
        np.array([-70000, 70000, 3], "i4"),
        np.array([True, False, True]),
        np.array([True, True]),
        np.array(["b", "a", "b", "ccc"]),
        np.array([b"x", b"y"]),
        np.arange(300)[::-1],
        np.arange(70_000) * 3,
    ],
    ids=repr,
)
def test_categories_are_kept(backend, samples):
    _, bins, decoded = encoded(samples, backend)
    assert decoded == samples.tolist()
    assert sorted(bins.values.tolist()) == bins.values.tolist()


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.ma.array([1, 2, 3], mask=[0, 1, 0]), [1, None, 3]),
        (np.ma.array([1, 2, 300], "u2", mask=[1, 1, 0]), [None, None, 300]),
        (np.ma.array([7, 7], mask=[1, 1]), [None, None]),
        (np.ma.array(["a", "b"], mask=[0, 1]), ["a", None]),
        (np.ma.array([True, False], mask=[1, 0]), [None, False]),
        (np.ma.array(np.arange(256, dtype="u1"), mask=np.arange(256) == 3), None),
        (np.array(["x", None, "y"], object), ["x", None, "y"]),
        (np.array([5, None, 1 << 63], object), [5, None, 1 << 63]),
        (np.array([True, None], object), [True, None]),
        (np.array([1 << 62, float("nan"), -5], object), None),
    ],
    ids=repr,
)
def test_missing_categories(backend, samples, expected):
    codes, bins, decoded = encoded(samples, backend)
    if expected is None:  # many: as they were, but for the missing
        mask = np.ma.getmaskarray(samples) if np.ma.isMaskedArray(samples) else samples != samples
        expected = [
            None if m else v
            for v, m in zip(
                samples.data.tolist() if np.ma.isMaskedArray(samples) else samples.tolist(),
                mask,
                strict=True,
            )
        ]
    assert decoded == expected
    assert codes.max() <= len(bins)


@pytest.mark.parametrize("n_categories", [254, 255, 256, 257, 65535, 65536])
@pytest.mark.parametrize("missing", [False, True])
def test_as_many_categories_as_a_code_dtype_holds(backend, n_categories, missing):
    samples = np.ma.array(np.arange(n_categories + 1) % n_categories, mask=False)
    samples[-1] = np.ma.masked if missing else 0
    codes, bins, _ = encoded(samples, backend)
    assert len(bins) == n_categories
    limits = {
        254: 1,
        255: 1,
        256: 2 if missing else 1,
        257: 2,
        65535: 2,
        65536: 4 if missing else 2,
    }
    assert codes.itemsize == limits[n_categories]


@given(values=st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=1, max_size=30))
def test_any_integers(backend, values):
    assert encoded(np.array(values), backend)[2] == values


def test_samples_stay_as_they_were(backend):
    """uint8 columns without missing values are codes already, and are not copied."""
    x = np.array([1, 2, 3], "u1")
    fastinfo.mutual_information(x, x, backend=backend)
    fastinfo.pairwise_mutual_information(np.stack([x, x]).T, backend=backend)
    assert x.tolist() == [1, 2, 3]


@pytest.mark.parametrize("stand_in", [0, 255], ids=["seen", "unseen"])
def test_ranges_of_a_column_with_missing_samples(backend, rng, stand_in):
    """Blocks of samples are coded alike, whatever stands where one is missing."""
    n = 2 * ranges.BLOCK + 10
    missing = rng.random(n) < 0.2
    values = rng.integers(3, 6, n).astype("u1")
    values[missing] = stand_in
    kernels = load(backend)()
    coder = binning.fit(Column("x", values, missing), binning.rules.Quantile(), kernels)
    expected = np.where(missing, 3, values - np.uint8(3))
    assert coder.bins.values.tolist() == [3, 4, 5]
    np.testing.assert_array_equal(kernels.to_host(coder.codes()), expected)
    for start, stop in ((0, 1), (ranges.BLOCK - 3, ranges.BLOCK + 3), (n - 7, n)):
        codes = kernels.to_host(coder.encode(start, stop, None))
        np.testing.assert_array_equal(codes, expected[start:stop])


# --- edges that NumPy knows how to count by -------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "edges"),
    [
        ([5.0, 5.0], [5.0, 5.0]),
        ([5, 5, 4], [5, 5]),
        ([0.0, 5e-324, 0.0], [0.0, 5e-324]),
        ([0.0, 5e-324, 1e-323], [0.0, 5e-324, 1e-323]),
        ([-1.7e308, 0.0, 1.7e308], [-1.7e308, 0.0, 1.7e308]),
        ([2**62, 2**62 + 1024, 2**62 - 512], [2**62 - 512, 2**62, 2**62 + 1024]),
        ([-(2**63) + 4, 2**63 - 4, 0], [-(2**63), 0, 2**63]),
        ([-0.9e-308], [-1e-308, -5e-309, -2e-313]),
    ],
    ids=str,
)
def test_extreme_edges_count_as_numpy_counts(backend, x, edges):
    found, _ = count(np.array(x), bins=edges, backend=backend, nan_policy="omit")
    np.testing.assert_array_equal(found, np.histogram(x, edges)[0])


@pytest.mark.parametrize("dtype", ["i8", "u8"])
def test_integers_that_float64_rounds_stay_between_their_edges(backend, dtype):
    """NumPy compares integers with integers; 2⁶² − 1 as a float is 2⁶²."""
    top, step = (2**63, 1024) if dtype == "i8" else (2**64, 2048)
    x = np.array([2**62 + i for i in (-513, -1, 0, 1, 511, 1024, 1025)] + [top - 1], dtype)
    for borders in ([2**62 - 512, 2**62, 2**62 + 1024], [2**53, 2**62, top - step], [0, 2**62]):
        edges = np.array(borders, dtype)
        found, _ = count(x, bins=edges, backend=backend, nan_policy="omit")
        expected = np.histogram(x, edges)[0]
        np.testing.assert_array_equal(found, expected)
        table = np.array([x, x]).T.copy()
        pairs = fastinfo.pairwise_mutual_information(
            table, bins=edges, backend=backend, nan_policy="omit"
        )
        assert pairs[0, 1] == pytest.approx(
            fastinfo.mutual_information(x, x, bins=edges, backend=backend, nan_policy="omit")
        )
    with pytest.raises(ValueError, match="whole numbers beyond 2⁵³ that float64 does not hold"):
        count(x, bins=[2**62, 2**62 + 1, 2**62 + 2], backend=backend)


@pytest.mark.parametrize("x", DATA.values(), ids=DATA)
@pytest.mark.parametrize("bins", [None, "quantile:3", 4], ids=str)
def test_a_columns_own_edges_can_be_used_again(backend, x, bins):
    found, edges = count(x, bins=bins, backend=backend)
    np.testing.assert_array_equal(count(x, bins=edges, backend=backend)[0], found)


# --- variables that share a table -----------------------------------------------------------------


@pytest.mark.parametrize("n_variables", [1, 2, 3, 4, 5, 9])
def test_default_number_of_bins_of_variables_that_share_a_table(n_variables):
    for n_samples in (1, 2, 16, 81, 1000, 2000, 10_000, 10**6, 2**40):
        found = binning.rules.default_n_bins(n_samples, n_variables)
        assert found == naive.default_n_bins(n_samples, n_variables)


@pytest.mark.parametrize("bins", [None, "uniform", "quantile"])
def test_more_variables_get_fewer_bins(backend, rng, bins):
    x, y, z = rng.normal(size=(3, 2000))
    shapes = [
        fastinfo.JointCounts(bins=bins, backend=backend).update(*variables).shape
        for variables in ([x], [x, y], [x, y, z], [x, np.column_stack([y, z])])
    ]
    assert shapes == [(13,), (13, 13), (7, 7, 7), (7, 49)]


def test_transfer_entropy_by_default_bins(backend, rng):
    """Y follows x a step later with a truth of ½·log(1 + 0.32) = 0.139, and x does not follow y."""
    x = rng.normal(size=2001)
    y = np.zeros(2001)
    noise = rng.normal(size=2001)
    for t in range(2000):
        y[t + 1] = 0.4 * y[t] + np.sqrt(0.32) * x[t] + noise[t]
    options = {"backend": backend}
    forth = fastinfo.conditional_mutual_information(y[1:], x[:-1], given=y[:-1], **options)
    back = fastinfo.conditional_mutual_information(x[1:], y[:-1], given=x[:-1], **options)
    assert forth == pytest.approx(0.5 * np.log(1.32), abs=0.06)
    assert back < 0.09
