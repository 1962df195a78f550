"""Every kernel of the contract, in every backend, judged by naive.py."""

import inspect
import math
import re
import textwrap
from collections import Counter
from pathlib import Path

import naive
import numpy as np
import pytest
from conftest import slow_as_python
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from toy_backend import ToyKernels

from fastinfo.backends import load
from fastinfo.backends.contract import CODE_DTYPES, Kernels, code_dtype
from fastinfo.backends.generic import GenericKernels

SUM_TOLERANCE = 1e-13
"""Relative error of sums of some thousand terms of one sign; each addition may lose 1e-16."""

INTEGER_DTYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]
FLOAT_DTYPES = ["f4", "f8"]


def table(counts, n_bins, dtype=np.int64):
    """A dense table of naive's counts."""
    dense = np.zeros(n_bins, dtype)
    for cell, value in counts.items():
        dense[cell] = value
    return dense


def assert_codes(codes, expected, n_bins):
    """Equal codes, of the smallest dtype that holds the code of missing."""
    assert codes.dtype == code_dtype(n_bins)
    np.testing.assert_array_equal(codes, expected)


def random_codes(rng, n_samples, n_bins, missing=True):
    """Codes 0 … B−1, and B for missing samples."""
    return rng.integers(0, n_bins + missing, n_samples).astype(code_dtype(n_bins))


NINE = {
    *("summarize", "order_statistics", "encode_integers", "encode_edges", "count_joint", "pack"),
    *("count_pairs", "sum_xlogx", "sum_xlogy"),
}
"""What a backend has to write."""


def test_a_backend_satisfies_the_protocol(kernels):
    assert isinstance(load(kernels.name)(), Kernels)


def test_nine_kernels_make_a_backend():
    """The toy has no method besides, and each one is needed."""
    assert {name for name, thing in vars(ToyKernels).items() if inspect.isfunction(thing)} == NINE
    assert not NINE & set(dir(GenericKernels))


def test_the_skeleton_of_a_backend_in_the_docs_is_that_of_the_toy():
    page = Path(__file__).parents[1] / "docs" / "architecture.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    (block,) = (text for text in blocks if "class NewKernels" in text)
    found = {}
    exec(textwrap.dedent(block), {"GenericKernels": GenericKernels}, found)
    skeleton = found["NewKernels"]
    for name in NINE:
        ours, theirs = (inspect.signature(vars(k)[name]) for k in (skeleton, ToyKernels))
        assert ours == theirs, name


@pytest.mark.parametrize(
    ("largest", "dtype"),
    [(0, "uint8"), (255, "uint8"), (256, "uint16"), (65535, "uint16"), (65536, "uint32")],
)
def test_code_dtype_is_the_smallest_that_holds_the_largest_code(largest, dtype):
    assert code_dtype(largest) == dtype


def test_code_dtype_refuses_what_does_not_fit():
    assert code_dtype((1 << 32) - 1) == "uint32"
    with pytest.raises(OverflowError, match="4294967296 does not fit 32 bits"):
        code_dtype(1 << 32)


# --- summarize ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.5], (1.5, 1.5, 0)),
        ([3, -2, 7], (-2, 7, 0)),
        ([math.nan, 3, math.nan, 1], (1, 3, 2)),
        ([math.inf, 0, -math.inf], (-math.inf, math.inf, 0)),
        ([math.inf, math.nan], (math.inf, math.inf, 1)),
        ([-math.inf] * 70, (-math.inf, -math.inf, 0)),
        ([math.nan] * 65, (math.nan, math.nan, 65)),
        ([math.nan] * 64 + [2.0], (2, 2, 64)),
        (list(range(200)), (0, 199, 0)),
    ],
)
def test_summarize(kernels, dtype, values, expected):
    found = kernels.summarize(np.array(values, dtype))
    np.testing.assert_array_equal(found, expected)
    assert isinstance(found.n_missing, int)


@given(values=hnp.arrays("f8", st.integers(1, 150), elements=st.floats(width=64)))
def test_summarize_any_floats(kernels, values):
    valid = [v for v in values.tolist() if v == v]
    expected = (min(valid), max(valid)) if valid else (math.nan, math.nan)
    np.testing.assert_array_equal(kernels.summarize(values), (*expected, len(values) - len(valid)))


# --- order_statistics ---------------------------------------------------------------------------

SAMPLES = {
    "one": [3.0],
    "constant": [2.5] * 100,
    "zeros and ones": [0.0, 1.0] * 80,
    "grid": np.linspace(0, 1, 1025),
    "normal": np.random.default_rng(1).normal(size=2000),
    "heavy tails": np.random.default_rng(2).standard_cauchy(2000) ** 3,
    "one outlier": np.r_[np.random.default_rng(3).normal(size=2000), 1e30],
    "beside NaN": np.r_[np.random.default_rng(4).normal(size=2000), [np.nan] * 7],
    "beside NaN of both signs": np.r_[
        np.random.default_rng(9).normal(size=2000), [np.nan, -np.nan] * 7
    ],
    "beside inf": np.r_[-np.inf, np.random.default_rng(5).normal(size=2000), np.inf],
    "large offset": 1e15 + np.random.default_rng(6).uniform(size=2000),
    "tiny": np.random.default_rng(7).uniform(size=2000) * 1e-310,
    "wide": np.random.default_rng(8).uniform(-1.7, 1.7, size=2000) * 1e308,
}


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
@pytest.mark.parametrize("n_ranks", [1, 2, 5, 30])
@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
def test_order_statistics(kernels, samples, n_ranks, dtype):
    with np.errstate(over="ignore"):
        values = np.array(samples).astype(dtype)
    valid = sorted(v for v in values.tolist() if v == v)
    ranks = np.linspace(0, len(valid) - 1, n_ranks).astype(np.int64)
    summary = kernels.summarize(values)
    found = kernels.order_statistics(values, summary, ranks, 1)
    ordered = kernels.sort(values, summary)
    assert ordered.tolist() == valid
    assert found is None or found[0].dtype == np.float64
    assert found is None or found[0].tolist() == [valid[rank] for rank in ranks.tolist()]


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_order_statistics_of_many_samples_are_found(kernels, rng, dtype):
    """None, which says that a sort is as fast, would be no answer here."""
    values = rng.normal(size=5000).astype(dtype)
    summary, ranks = kernels.summarize(values), np.array([0, 2500, 4999])
    found, has_ties = kernels.order_statistics(values, summary, ranks, 2)
    assert found.tolist() == np.sort(values)[ranks].tolist()
    assert not has_ties


@given(
    values=hnp.arrays("f8", st.integers(1, 300), elements=st.floats(-1e3, 1e3, width=16)),
    share=st.lists(st.floats(0, 1), min_size=1, max_size=6),
    most=st.integers(1, 30),
)
def test_order_statistics_of_anything(kernels, values, share, most):
    ranks = np.sort([round(s * (len(values) - 1)) for s in share])
    found = kernels.order_statistics(values, kernels.summarize(values), ranks, most)
    if found is not None:
        samples, has_ties = found
        ordered = sorted(values.tolist())
        assert samples.tolist() == [ordered[rank] for rank in ranks]
        counts = Counter(ordered)
        assert has_ties >= (max(counts[sample] for sample in samples.tolist()) > most)
        assert has_ties <= (max(counts.values()) > most)


# --- quantile_edges -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
@given(
    counts=st.lists(st.integers(1, 4) | st.integers(1, 90), min_size=1, max_size=14),
    n_bins=st.integers(1, 9),
)
def test_quantile_edges_of_sorted_samples(kernels, dtype, counts, n_bins):
    ordered = np.repeat(np.arange(len(counts)) - 2.5, counts).astype(dtype)
    found = kernels.quantile_edges(ordered, n_bins)
    assert found.dtype == np.float64
    assert found.tolist() == naive.quantile_edges(ordered.tolist(), n_bins)


# --- encode_integers ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", INTEGER_DTYPES)
@pytest.mark.parametrize("end", ["lowest", "highest"])
@pytest.mark.parametrize("n_bins", [1, 2, 127, 256])
def test_encode_integers_at_the_ends_of_every_dtype(kernels, dtype, end, n_bins):
    limits = np.iinfo(dtype)
    low = int(limits.min) if end == "lowest" else int(limits.max) - n_bins + 1
    wanted = [*range(n_bins), n_bins - 1, 0]
    values = np.array([low + code for code in wanted], dtype)
    codes = kernels.encode_integers(values, low, n_bins)
    assert codes.dtype == code_dtype(n_bins - 1)
    assert codes.tolist() == wanted


@pytest.mark.parametrize("dtype", ["i2", "u2", "i8", "u8"])
@pytest.mark.parametrize("n_bins", [255, 256, 257, 65535, 65536])
def test_encode_integers_at_the_ends_of_the_code_dtypes(kernels, dtype, n_bins):
    low = -n_bins // 2 if np.dtype(dtype).kind == "i" else 0
    wanted = [0, 1, n_bins // 2, n_bins - 2, n_bins - 1]
    codes = kernels.encode_integers(np.array([low + c for c in wanted], dtype), low, n_bins)
    assert codes.dtype == code_dtype(n_bins - 1)
    assert codes.tolist() == wanted


@pytest.mark.parametrize("dtype", INTEGER_DTYPES)
@pytest.mark.parametrize("n_bins", [1, 60, 255])
@pytest.mark.parametrize("backend", ["numpy", "numba"], indirect=True)
def test_integers_beyond_the_bins_are_missing_on_the_host(backend, dtype, n_bins):
    kernels = load(backend)()
    limits = np.iinfo(dtype)
    low = max(-20, int(limits.min))
    n_bins = min(n_bins, int(limits.max) - low + 1)
    around = range(max(low - 90, int(limits.min)), min(low + 400, int(limits.max) + 1))
    wanted = [v - low if low <= v < low + n_bins else n_bins for v in around]
    assert kernels.encode_integers(np.array(around, dtype), low, n_bins).tolist() == wanted


@pytest.mark.parametrize("kind", ["u1", "i4", "u4", "i8"])
def test_look_up(kernels, kind):
    table = np.array([5, 300, 7, 0], np.uint16)
    for positions in ([], [3, 0, 0, 1, 2], list(range(4)) * 50):
        found = kernels.look_up(kernels.bring(np.array(positions, kind)), kernels.bring(table))
        assert kernels.to_host(found).tolist() == [int(table[i]) for i in positions]
        assert found.dtype == np.uint16


def test_encode_integers_beyond_16_bits(kernels):
    values = np.array([-(1 << 62), -(1 << 62) + 70_000], "i8")
    codes = kernels.encode_integers(values, -(1 << 62), 70_001)
    assert codes.dtype == "uint32"
    assert codes.tolist() == [0, 70_000]


# --- encode_edges and encode_uniform ------------------------------------------------------------


def around(edges, dtype="f8"):
    """Edges, their neighbours one step away, what lies between and outside, and no numbers."""
    special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e300, -1e300]
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        edges = np.asarray(edges).astype(dtype)
        limits = edges.dtype.type([-np.inf, np.inf])
        steps = [np.nextafter(edges, limit) for limit in limits]
        middles = edges[:-1] / 2 + edges[1:] / 2
        return np.concatenate([edges, *steps, middles, np.array(special).astype(dtype)])


EDGES = [
    [0.0, 1.0],
    [0.0, 1.0, 2.0],
    [-1.0, 0.0, 0.5, 3.0],
    [0.1, 0.2, 0.30000000000000004, 0.7],
    [-math.inf, 0.0, math.inf],
    [-math.inf, math.inf],
    [0.0, 1.0, math.inf],
    [-math.inf, -1.0, 5.0, 6.0],
    [2.0, 2.0],
    [0.0, 1.0, 1.0],
    [math.inf, math.inf],
    [1e15, 1e15 + 0.125, 1e15 + 1],
    [0.0, 5e-324, 1e-323],
    [-1.7e308, 0.0, 1.7e308],
    [0.0, float(np.finfo("f4").max), math.inf],
    np.geomspace(1e-3, 1e3, 8).tolist(),
    np.linspace(0, 1, 10).tolist(),
]


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
@pytest.mark.parametrize("edges", EDGES, ids=str)
def test_encode_edges(kernels, edges, dtype):
    values = around(edges, dtype)
    expected = naive.encode_edges(values.tolist(), edges)
    assert_codes(kernels.encode_edges(values, np.array(edges)), expected, len(edges) - 1)


@given(
    edges=st.lists(st.floats(allow_nan=False), min_size=2, max_size=20, unique=True).map(sorted),
    values=st.lists(st.floats(width=64), min_size=1, max_size=30),
)
def test_encode_edges_of_anything(kernels, edges, values):
    values = [*values, *edges]
    expected = naive.encode_edges(values, edges)
    assert_codes(kernels.encode_edges(np.array(values), np.array(edges)), expected, len(edges) - 1)


@pytest.mark.parametrize("n_bins", [254, 255, 256, 257, 65534, 65535, 65536])
@pytest.mark.parametrize("kind", ["edges", "uniform"])
def test_encode_at_the_ends_of_the_code_dtypes(kernels, n_bins, kind):
    values = np.array([np.nan, -1.0, 0.0, 0.5, 1.5, n_bins - 1, n_bins - 0.5, n_bins, n_bins + 1])
    expected = [n_bins, n_bins, 0, 0, 1, n_bins - 1, n_bins - 1, n_bins - 1, n_bins]
    if kind == "edges":
        codes = kernels.encode_edges(values, np.arange(n_bins + 1.0))
    else:
        codes = kernels.encode_uniform(values, 0.0, float(n_bins), n_bins)
    assert_codes(codes, expected, n_bins)


RANGES = {
    "unit": (0.0, 1.0),
    "negative": (-3.7, -1.1),
    "across zero": (-1.0, 2.0),
    "decimal": (0.1, 0.7),
    "large offset": (1e15, 1e15 + 8),
    "larger offset": (-1e15 - 1024, -1e15),
    "time stamps": (1.7e9, 1.7e9 + 1),
    "tiny": (1e-300, 3e-300),
    "subnormal": (0.0, 1e-310),
    "huge": (-1e300, 1e308),
    "as wide as can be": (-8.9e307, 8.9e307),
}


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
@pytest.mark.parametrize("n_bins", [1, 2, 3, 7, 10, 33])
@pytest.mark.parametrize("limits", RANGES.values(), ids=RANGES)
def test_encode_uniform_is_encode_edges_of_linspace(kernels, limits, n_bins, dtype):
    edges = np.linspace(*limits, n_bins + 1)
    if not (np.diff(edges) > 0).all():
        pytest.fail("a range of this table is too narrow for its bins")
    values = around(edges, dtype)
    expected = naive.encode_edges(values.tolist(), edges.tolist())
    assert_codes(kernels.encode_uniform(values, *limits, n_bins), expected, n_bins)


@pytest.mark.parametrize("limits", RANGES.values(), ids=RANGES)
def test_encode_uniform_of_single_samples(kernels, limits):
    """A sample in doubt has its whole block coded again, which would hide that others are not."""
    low, high = limits
    width = high / 4 - low / 4
    beyond = [low - width, low / 2 - width * 1e6, high + width]
    edges = np.linspace(low, high, 8)
    for value in [*around(edges).tolist(), *beyond]:
        expected = naive.encode_edges([value], edges.tolist())
        assert_codes(kernels.encode_uniform(np.array([value]), low, high, 7), expected, 7)


@given(
    low=st.floats(-1e16, 1e16),
    width=st.floats(1e-9, 1e12),
    n_bins=st.integers(1, 40),
    shares=st.lists(st.floats(-0.1, 1.1), max_size=20),
)
def test_encode_uniform_of_anything(kernels, low, width, n_bins, shares):
    high = low + width
    edges = np.linspace(low, high, n_bins + 1)
    if not (np.diff(edges) > 0).all():
        return  # the edge of the package refuses such ranges
    values = np.concatenate([around(edges), low + width * np.array(shares)])
    expected = naive.encode_edges(values.tolist(), edges.tolist())
    assert_codes(kernels.encode_uniform(values, low, high, n_bins), expected, n_bins)


@pytest.mark.parametrize("n_samples", [1, 1023, 1024, 1025, 5000])
def test_encode_at_the_borders_of_blocks(kernels, rng, n_samples):
    values = rng.uniform(-0.01, 1.01, n_samples)
    values[::97] = np.nan
    edges = np.linspace(0, 1, 8)
    expected = naive.encode_edges(values.tolist(), edges.tolist())
    assert_codes(kernels.encode_uniform(values, 0.0, 1.0, 7), expected, 7)
    assert_codes(kernels.encode_edges(values, edges), expected, 7)


# --- count_joint --------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
@pytest.mark.parametrize("n_samples", [1, 2, 3, 5, 4095, 4096, 4097])
@pytest.mark.parametrize("n_bins", [(3,), (4, 3), (2, 5, 3), (2, 3, 2, 4)], ids=str)
def test_count_joint(kernels, rng, n_bins, n_samples, weighted):
    codes = [random_codes(rng, n_samples, bins) for bins in n_bins]
    weights = rng.random(n_samples) if weighted else None
    found = kernels.count_joint(codes, n_bins, weights)
    expected = table(naive.count_codes(codes, n_bins, weights), n_bins, found.dtype)
    assert found.shape == n_bins
    if weighted:
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=SUM_TOLERANCE)
    else:
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
@pytest.mark.parametrize("n_bins", [1, 31, 32, 255, 256, 257, 1023, 1024, 1025, 65535, 65536])
def test_count_one_variable_of_many_bins(kernels, rng, n_bins, missing):
    codes = np.concatenate(
        [random_codes(rng, 3000, n_bins, missing), np.array([0, n_bins - 1], code_dtype(n_bins))]
    )
    if not missing:
        codes = codes.astype(code_dtype(n_bins - 1))  # 256 categories without missing fit a byte
    found = kernels.count_joint([codes], [n_bins])
    np.testing.assert_array_equal(found, table(naive.count_codes([codes], [n_bins]), n_bins))


@pytest.mark.parametrize("right", [1, 255, 256, 257, 65536])
@pytest.mark.parametrize("left", [1, 2, 255, 256])
def test_count_two_variables_of_many_bins(kernels, rng, left, right):
    """Small tables are kept in four copies, large ones in one; every mixture of code dtypes."""
    codes = [random_codes(rng, 2000, left), random_codes(rng, 2000, right)]
    found = kernels.count_joint(codes, (left, right))
    expected = table(naive.count_codes(codes, (left, right)), (left, right))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("left", CODE_DTYPES)
@pytest.mark.parametrize("right", CODE_DTYPES)
@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
def test_count_joint_of_every_code_dtype(kernels, left, right, weighted):
    """Codes may come in a larger dtype than they need."""
    codes = [np.array([0, 1, 1, 2, 1], left), np.array([0, 0, 1, 1, 2], right)]
    weights = np.array([1.0, 2.0, 4.0, 8.0, 16.0]) if weighted else None
    found = kernels.count_joint(codes, (2, 2), weights)
    assert found.tolist() == ([[1, 0], [2, 4]] if weighted else [[1, 0], [1, 1]])


@pytest.mark.parametrize("order", ["constant", "sorted", "all missing", "alternating"])
def test_count_joint_of_data_that_wait_for_each_other(kernels, order):
    """Equal neighbours store to one cell, which is what the copies of small tables are for."""
    n = 4099
    x = {
        "constant": np.full(n, 1, "u1"),
        "sorted": np.sort(np.arange(n) % 3).astype("u1"),
        "all missing": np.full(n, 3, "u1"),
        "alternating": (np.arange(n) % 2).astype("u1"),
    }[order]
    y = np.zeros(n, "u1")
    np.testing.assert_array_equal(
        kernels.count_joint([x, y], (3, 1)), table(naive.count_codes([x, y], (3, 1)), (3, 1))
    )


def test_count_joint_reads_strided_and_read_only_codes(kernels):
    codes = np.array([0, 9, 1, 9, 1, 9], "u1")[::2]
    codes.flags.writeable = False
    assert kernels.count_joint([codes], [2]).tolist() == [1, 2]


@given(data=st.data(), n_bins=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_count_joint_of_anything(kernels, data, n_bins):
    n_samples = data.draw(st.integers(0, 40))
    codes = [
        data.draw(hnp.arrays("u1", n_samples, elements=st.integers(0, bins))) for bins in n_bins
    ]
    found = kernels.count_joint(codes, n_bins)
    np.testing.assert_array_equal(found, table(naive.count_codes(codes, n_bins), n_bins))


@pytest.mark.parametrize("n_bins", [(3, 4, 5), (2, 3, 2, 3), (40, 30, 20)])
def test_tables_of_long_samples_are_those_of_their_parts(pair_kernels, rng, n_bins):
    """Three and more variables are joined range by range, where there are few cells."""
    codes = [random_codes(rng, 300_001, bins) for bins in n_bins]
    cells = np.zeros([bins + 1 for bins in n_bins], np.int64)
    np.add.at(cells, tuple(codes), 1)
    inside = tuple(slice(bins) for bins in n_bins)
    whole = [pair_kernels.bring(column) for column in codes]
    found = pair_kernels.to_host(pair_kernels.count_joint(whole, n_bins))
    np.testing.assert_array_equal(found, cells[inside])


# --- pack and count_pairs -----------------------------------------------------------------------


def pair_tables(codes, n_bins, left, right, weights=None):
    """The counts of a tile by naive."""
    rows, columns = range(len(codes))[left], range(len(codes))[right]
    shape = (max(n_bins[i] for i in rows), max(n_bins[j] for j in columns))
    dtype = np.int64 if weights is None else np.float64
    tables = np.zeros((len(rows), len(columns), *shape), dtype)
    for a, i in enumerate(rows):
        for b, j in enumerate(columns):
            pair, bins = (codes[i], codes[j]), (n_bins[i], n_bins[j])
            tables[a, b] = table(naive.count_codes(pair, bins, weights), shape, dtype)
    return tables


PAIR_CASES = {
    "binary": [2] * 7,
    "one bin": [1] * 3,
    "unequal": [2, 3, 5, 1, 16, 4, 3],
    "many bins": [40, 64, 65],
    "two bytes": [255, 256, 257],
    "no bin at all": [0, 2, 3],
}


@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
@pytest.mark.parametrize("missing", [False, True], ids=["complete", "missing"])
@pytest.mark.parametrize("n_samples", [1, 63, 64, 65, 300, 1025])
@pytest.mark.parametrize("n_bins", PAIR_CASES.values(), ids=PAIR_CASES)
def test_count_pairs(pair_kernels, rng, n_bins, n_samples, missing, weighted):
    codes = [random_codes(rng, n_samples, bins, missing or bins == 0) for bins in n_bins]
    weights = rng.random(n_samples) if weighted else None
    everything = slice(0, len(n_bins))
    packed = pair_kernels.pack(codes, n_bins, weights)
    found = pair_kernels.count_pairs(packed, everything, packed, everything)
    expected = pair_tables(codes, n_bins, everything, everything, weights)
    assert found.dtype == expected.dtype
    if weighted:
        np.testing.assert_allclose(found, expected, rtol=SUM_TOLERANCE)
    else:
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found, found.transpose(1, 0, 3, 2))
    sums = pair_kernels.pair_sums(packed, everything, packed, everything)
    entropies = np.broadcast_arrays(*sums.entropies())
    tables = expected.reshape(*expected.shape[:2], -1), expected.sum(axis=3), expected.sum(axis=2)
    for entropy, cells in zip(entropies, tables, strict=True):
        assert entropy.shape == (len(n_bins), len(n_bins))
        for pair in np.ndindex(entropy.shape):
            counts = dict(enumerate(cells[pair].tolist()))
            if not any(counts.values()):
                assert np.isnan(entropy[pair])
                continue
            wanted = naive.entropy_of(naive.probabilities(counts))
            assert entropy[pair] == pytest.approx(wanted, rel=1e-13, abs=1e-14)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (slice(0, 1), slice(0, 1)),
        (slice(0, 3), slice(3, 11)),
        (slice(3, 4), slice(0, 11)),
        (slice(2, 9), slice(5, 8)),
        (slice(10, 11), slice(9, 11)),
    ],
    ids=str,
)
def test_count_pairs_of_any_tile(pair_kernels, rng, left, right):
    n_bins = [2, 3, 5, 1, 16, 4, 3, 7, 2, 9, 33]
    codes = [random_codes(rng, 200, bins) for bins in n_bins]
    packed = pair_kernels.pack(codes, n_bins)
    found = pair_kernels.count_pairs(packed, left, packed, right)
    expected = pair_tables(codes, n_bins, left, right)
    np.testing.assert_array_equal(found, expected)
    counts = np.full(expected.shape, 5)
    # The array is one of the host, which the fixture would bring to a device.
    kernels = getattr(pair_kernels, "_kernels", pair_kernels)
    kernels.add_pairs(counts, packed, left, packed, right)
    np.testing.assert_array_equal(counts, expected + 5)


@pytest.mark.parametrize("n_features", [63, 64, 65, 130])
def test_count_pairs_of_many_features(pair_kernels, rng, n_features):
    """Fast kernels take features 64 at a time."""
    codes = [random_codes(rng, 70, 3) for _ in range(n_features)]
    n_bins = [3] * n_features
    packed = pair_kernels.pack(codes, n_bins)
    for left in (slice(0, 1), slice(n_features - 1, n_features)):
        found = pair_kernels.count_pairs(packed, left, packed, slice(0, n_features))
        expected = pair_tables(codes, n_bins, left, slice(0, n_features))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("skew", ["constant", "sparse", "all missing", "one missing", "sorted"])
def test_count_pairs_of_skewed_features(pair_kernels, rng, skew):
    """The largest group of a feature may be inferred from the rest instead of counted."""
    n = 1000
    x = {
        "constant": np.zeros(n, "u1"),
        "sparse": (rng.random(n) < 0.01).astype("u1"),
        "all missing": np.full(n, 3, "u1"),
        "one missing": np.r_[np.uint8(3), np.full(n - 1, 2, "u1")],
        "sorted": np.sort(rng.integers(0, 4, n)).astype("u1"),
    }[skew]
    codes, n_bins = [x, random_codes(rng, n, 3), x[::-1].copy()], [3, 3, 3]
    everything = slice(0, 3)
    packed = pair_kernels.pack(codes, n_bins)
    found = pair_kernels.count_pairs(packed, everything, packed, everything)
    np.testing.assert_array_equal(found, pair_tables(codes, n_bins, everything, everything))


@slow_as_python
def test_count_pairs_past_16_bit_counters(pair_kernels, rng):
    """Counts above 2¹⁶ − 1 of one cell, where narrow counters would wrap."""
    n = 70_001
    codes = [np.zeros(n, "u1"), random_codes(rng, n, 2, missing=False), np.ones(n, "u1")]
    packed = pair_kernels.pack(codes, [2, 2, 2])
    found = pair_kernels.count_pairs(packed, slice(0, 3), packed, slice(0, 3))
    ones = int(codes[1].sum())
    assert found[0, 2].tolist() == [[0, n], [0, 0]]
    assert found[1, 2].tolist() == [[0, n - ones], [0, ones]]
    assert found[1, 1].tolist() == [[n - ones, 0], [0, ones]]


# --- sums ---------------------------------------------------------------------------------------

COUNTS = {
    "zeros": [0, 0, 0],
    "one": [1],
    "ones": [1, 1, 1, 1],
    "with zeros": [5, 0, 3, 0, 0, 1],
    "large": [1 << 40, 3, (1 << 53) - 1],
    "beyond 2⁵³": [1 << 61, 1 << 60],
}


@pytest.mark.parametrize("dtype", ["i8", "f8"])
@pytest.mark.parametrize("counts", COUNTS.values(), ids=COUNTS)
def test_sum_xlogx(kernels, counts, dtype):
    found = kernels.sum_xlogx(np.array(counts, dtype))
    assert found.dtype == np.float64
    assert found == pytest.approx(naive.sum_xlogx(counts), rel=SUM_TOLERANCE)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (1, 1), (4097,), (5, 33), (2, 3, 64), (1, 2, 2)])
def test_sum_xlogx_runs_over_the_last_axis(kernels, rng, shape):
    counts = rng.integers(0, 1000, shape)
    found = kernels.sum_xlogx(counts)
    rows = counts.reshape(-1, shape[-1]) if shape[-1] else np.zeros((int(np.prod(shape[:-1])), 0))
    expected = np.array([naive.sum_xlogx(row) for row in rows]).reshape(shape[:-1])
    assert found.shape == shape[:-1]
    np.testing.assert_allclose(found, expected, rtol=SUM_TOLERANCE)


def test_sum_xlogx_reads_strided_counts(kernels, rng):
    counts = rng.integers(0, 50, (6, 8))
    np.testing.assert_array_equal(kernels.sum_xlogx(counts.T), kernels.sum_xlogx(counts.T.copy()))


@given(counts=hnp.arrays("i8", st.integers(1, 60), elements=st.integers(0, 10**6)))
def test_sum_xlogx_of_anything(kernels, counts):
    found = float(kernels.sum_xlogx(counts))
    assert found == pytest.approx(naive.sum_xlogx(counts), rel=SUM_TOLERANCE)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ([0.5, 0.5], [0.25, 0.75]),
        ([0.0, 1.0], [0.0, 1.0]),
        ([0.0, 1.0], [0.5, 0.5]),
        ([0.5, 0.5], [0.0, 1.0]),
        ([0.0, 0.0], [0.0, 0.0]),
        ([1e-300, 1.0], [1e-310, 1.0]),
        ([1.0], [5e-324]),
    ],
)
def test_sum_xlogy(kernels, p, q):
    found = kernels.sum_xlogy(np.array(p), np.array(q))
    assert found == pytest.approx(naive.sum_xlogy(p, q), rel=SUM_TOLERANCE)


def test_sum_xlogy_broadcasts_and_runs_over_the_last_axis(kernels, rng):
    p, q = rng.random((3, 1, 5)), rng.random((4, 5))
    p[0, 0, 2] = 0
    found = kernels.sum_xlogy(p, q)
    expected = [[naive.sum_xlogy(p[i, 0], q[j]) for j in range(4)] for i in range(3)]
    np.testing.assert_allclose(found, expected, rtol=SUM_TOLERANCE)


def test_numba_counts_tables_beyond_32_bits_by_whole_cell_numbers(rng, monkeypatch):
    """The way for tables of 2³² cells and more, taken by a small one."""
    numba = pytest.importorskip("fastinfo.backends.numba")
    codes = [random_codes(rng, 500, bins) for bins in (5, 7)]
    expected = table(naive.count_codes(codes, (5, 7)), (5, 7))
    monkeypatch.setattr(numba, "MOST_BLOCK_CELLS", 10)
    found = numba.NumbaKernels().count_joint(codes, (5, 7))
    np.testing.assert_array_equal(found, expected)
    assert numba.NumbaKernels().count_joint(codes[:1], (5,)).sum() == (codes[0] < 5).sum()
