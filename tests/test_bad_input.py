"""Bad and unusual input: one table of cases that names what comes back.

A case is the samples, and the exception with a piece of its message, or the value in bits. Each
goes through measures and through all pairs, in every backend.
"""

import datetime
import decimal
import fractions
import math
from contextlib import nullcontext

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

import fastinfo
from fastinfo import JointCounts

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")


def objects(*values):
    """A one-dimensional array of objects, whatever they are."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def misaligned(values):
    """The same float64 at an odd address."""
    buffer = np.zeros(len(values) * 8 + 1, "u1")
    view = buffer[1:].view("f8")
    view[:] = values
    assert not view.flags.aligned
    return view


def read_only(array):
    array.flags.writeable = False
    return array


HUGE = 1 << 63

ONE_VALUE = "has 1 missing values|X has no column that can be measured; 1 column skipped .constant"
"""A table's column of one value and gaps is skipped before its gaps are looked at."""

SAMPLES = {
    # Nothing, and next to nothing.
    "empty list": ([], ValueError, "is empty; at least one sample is needed"),
    "empty array": (np.empty(0), ValueError, "is empty"),
    "one sample": ([3], 0.0),
    "one float": ([0.5], 0.0),
    "constant integers": ([7] * 9, 0.0),
    "constant floats": ([0.1] * 9, 0.0),
    "two floats": ([0.0, 1.0], 1.0),
    # Missing.
    "NaN": ([0.0, math.nan], ValueError, r'has 1 missing values among 2.*nan_policy="omit"'),
    "all NaN": ([math.nan] * 2, ValueError, "has 2 missing values among 2"),
    "None": ([0, None], ValueError, "has 1 missing values"),
    "all None": ([None, None], ValueError, "has 2 missing values"),
    "pandas.NA": ([0, pd.NA], ValueError, "has 1 missing values"),
    "NaN beside text": (["a", math.nan], ValueError, "has 1 missing values"),
    "None beside text": (["a", None], ValueError, "has 1 missing values"),
    "masked": (np.ma.array([1, 2], mask=[0, 1]), ValueError, "has 1 missing values"),
    "masked floats": (np.ma.array([1.0, 2.0], mask=[0, 1]), ValueError, "has 1 missing values"),
    "nothing masked": (np.ma.array([1, 2]), 1.0),
    "nullable integers": (pd.Series([1, None], dtype="Int64"), ValueError, ONE_VALUE),
    # Infinities are the ends of the line: quantiles know where they belong.
    "infinite": ([math.inf, -math.inf], 1.0),
    "all infinite": ([math.inf] * 3, 0.0),
    # Integers.
    "negative": ([-5, -5, 3, 3], 1.0),
    "lowest and highest": (np.array([-HUGE, HUGE - 1]), 1.0),
    "labels past int64": (np.array([HUGE, HUGE + 1, 0, 1], "u8"), 2.0),
    "a list of labels past int64": ([HUGE + 1, HUGE + 2, 0, 1], 2.0),
    "the largest label": ([2 * HUGE - 1, 0], 1.0),
    "past 64 bits": ([2 * HUGE, 0], ValueError, "outside of 64 bits; pass them as strings"),
    "on both sides of 64 bits": ([-1, 2 * HUGE - 1], ValueError, "outside of 64 bits"),
    "neighbours beyond 2⁵³": ([(1 << 53) + 1, 1 << 53], 1.0),
    "int8": (np.array([-128, 127], "i1"), 1.0),
    "booleans": ([True, False], 1.0),
    # Types.
    "text": (["b", "a", "b", "a"], 1.0),
    "bytes in an array": (np.array([b"a", b"b"]), 1.0),
    "numbers beside text": ([1, "a"], TypeError, "objects of type int, str; .* of one type"),
    "booleans beside text": ([True, "a"], TypeError, "objects of type bool, str"),
    "objects of numbers": (objects(1, 2.5), 1.0),
    "objects of text": (objects("a", "b"), 1.0),
    "decimals": (objects(decimal.Decimal("0.5"), decimal.Decimal(2)), 1.0),
    "a decimal that is none": (
        [decimal.Decimal(1), decimal.Decimal("sNaN")],
        ValueError,
        "1 missing",
    ),
    "fractions": (objects(fractions.Fraction(1, 3), 2), 1.0),
    "dates": ([datetime.date(2020, 1, 1)], TypeError, "objects of type date"),
    "lists in an array": (objects([1], [2]), TypeError, "objects of type list"),
    "arrays in an array": (objects(np.arange(2), np.arange(2)), TypeError, "type ndarray"),
    "dictionaries": (objects({}, {}), TypeError, "objects of type dict"),
    "complex": (np.array([1j, 2]), TypeError, "has dtype complex128; accepted are floating-point"),
    "moments": (
        np.array(["2020-01-01"], "M8[s]"),
        TypeError,
        r"dtype datetime64\[s\]; pass \(x - np",
    ),
    "durations": (np.array([1, 2], "m8[s]"), TypeError, r"has dtype timedelta64\[s\]"),
    "structures": (np.zeros(2, "i4,f4"), TypeError, "has dtype"),
    "half precision": (np.array([0, 1], "f2"), 1.0),
    "extended precision": (np.array([0, 1], np.longdouble), 1.0),
    # Layouts.
    "every other sample": (np.array([0, 9, 1, 9, 0, 9, 1, 9])[::2], 1.0),
    "backwards": (np.array([0.0, 1.0])[::-1], 1.0),
    "byte-swapped integers": (np.array([1, 256], ">i4"), 1.0),
    "byte-swapped floats": (np.array([1.0, 2.0], ">f8"), 1.0),
    "byte-swapped text": (np.array(["a", "b"], ">U1"), 1.0),
    "read-only": (read_only(np.array([0.0, 1.0])), 1.0),
    "read-only bytes": (read_only(np.array([0, 1], "u1")), 1.0),
    "misaligned": (misaligned([0.0, 1.0]), 1.0),
    "one value for all": (np.broadcast_to(np.float64(3), 4), 0.0),
    # Many.
    "a million categories": (np.arange(10**6) * 3, math.log2(10**6)),
}

OPTIONS = {
    "more bins than samples": ({"bins": 1000}, 1.0),
    "more quantiles than samples": ({"bins": "quantile:1000"}, 1.0),
    "no bins": ({"bins": 0}, ValueError, "bins=0; a number of bins is at least 1"),
    "negative bins": ({"bins": -3}, ValueError, "bins=-3"),
    "too many bins": ({"bins": 1 << 31}, ValueError, "below 2³¹"),
    "fractional bins": ({"bins": 2.5}, ValueError, "bins=2.5; accepted are None"),
    "boolean bins": ({"bins": True}, ValueError, "bins=True; accepted are None"),
    "unknown bins": ({"bins": "equal"}, ValueError, "bins='equal'; accepted are"),
    "no quantiles": ({"bins": "quantile:0"}, ValueError, "bins=0"),
    "quantiles of text": ({"bins": "quantile:x"}, ValueError, "bins='quantile:x'; accepted are"),
    "one edge": ({"bins": np.array([1.0])}, ValueError, "at least two real numbers"),
    "falling edges": ({"bins": [1.0, 0.5]}, ValueError, "edges that do not increase"),
    "equal edges": ({"bins": [0.0, 0.0, 1.0]}, ValueError, "edges that do not increase"),
    "NaN among edges": ({"bins": [0.0, math.nan]}, ValueError, "do not increase, or NaN"),
    "edges of text": ({"bins": np.array(["a", "b"])}, ValueError, "dtype <U1; edges are"),
    "two-dimensional edges": ({"bins": np.ones((2, 2))}, ValueError, r"shape \(2, 2\)"),
    "outside of the edges": (
        {"bins": [0.0, 0.5]},
        ValueError,
        r"has 1 values outside of its edges \[0, 0.5\] among 2: widen them",
    ),
    "no base": ({"base": 0}, ValueError, "base=0; accepted are None"),
    "base 1": ({"base": 1}, ValueError, "base=1; accepted are None"),
    "negative base": ({"base": -2}, ValueError, "base=-2"),
    "infinite base": ({"base": math.inf}, ValueError, "base=inf"),
    "NaN as base": ({"base": math.nan}, ValueError, "base=nan"),
    "base of text": ({"base": "e"}, TypeError, "base='e'; accepted are None"),
    "boolean base": ({"base": True}, TypeError, "base=True"),
    "unknown estimator": ({"estimator": "MLE"}, ValueError, "estimator='MLE'; accepted are 'ml',"),
    "no estimator": ({"estimator": None}, ValueError, "estimator=None; accepted are"),
    "unknown nan_policy": ({"nan_policy": "drop"}, ValueError, "nan_policy='drop'; accepted are"),
    "unknown backend": ({"backend": "cuda"}, ValueError, "backend is 'cuda'; accepted are"),
    "no threads": ({"n_jobs": 0}, ValueError, "n_jobs=0; accepted is an integer of at least 1"),
    "fewer threads": ({"n_jobs": -2}, ValueError, "n_jobs=-2"),
    "threads of text": ({"n_jobs": "2"}, TypeError, "n_jobs='2'"),
    "half a thread": ({"n_jobs": 0.5}, TypeError, "n_jobs=0.5"),
    "all threads": ({"n_jobs": -1}, 1.0),
    "weights": ({"sample_weight": [1, 1]}, 1.0),
    "a weight of zero": ({"sample_weight": [0, 2]}, 0.0),
    "all weights zero": ({"sample_weight": [0, 0]}, ValueError, "0 for every sample"),
    "negative weights": ({"sample_weight": [1, -1]}, ValueError, "the least is -1"),
    "NaN as weight": ({"sample_weight": [1, math.nan]}, ValueError, "missing, NaN or infinite"),
    "infinite weight": ({"sample_weight": [1, math.inf]}, ValueError, "missing, NaN or infinite"),
    "None as weight": ({"sample_weight": [1, None]}, ValueError, "missing, NaN or infinite"),
    "masked weights": (
        {"sample_weight": np.ma.array([1, 2], mask=[0, 1])},
        ValueError,
        "missing, NaN or infinite",
    ),
    "nullable weights": (
        {"sample_weight": pd.Series([1, None], dtype="Int64")},
        ValueError,
        "missing, NaN or infinite",
    ),
    "weights past float64": ({"sample_weight": [1e308, 1e308]}, ValueError, "sums to inf"),
    "weights next to nothing": ({"sample_weight": [1e-310, 0]}, ValueError, "sums to 1e-310"),
    "large weights": ({"sample_weight": [1e240, 1e240]}, 1.0),
    "small weights": ({"sample_weight": [1e-240, 1e-240]}, 1.0),
    "too few weights": ({"sample_weight": [1]}, ValueError, r"shape \(1,\); .* each of the 2"),
    "weights of two columns": ({"sample_weight": np.ones((2, 1))}, ValueError, r"shape \(2, 1\)"),
    "one number as weight": ({"sample_weight": 1.0}, TypeError, "sample_weight is float"),
    "weights of text": ({"sample_weight": ["1", "2"]}, TypeError, "categories or text"),
    "categorical weights": (
        {"sample_weight": pd.Series(["1", "2"], dtype="category")},
        TypeError,
        "categories or text",
    ),
    "complex weights": ({"sample_weight": [1, 1j]}, TypeError, "complex128"),
}


def table(x):
    """The samples as a table of one feature; masks and frames are kept."""
    if isinstance(x, pd.Series):
        return pd.DataFrame({"x": x})
    if isinstance(x, np.ndarray):
        return x[:, None]
    array = np.asarray(x) if len(x) == 0 else objects(*x)
    return array[:, None]


CALLS = {
    "measure": lambda x, **o: fastinfo.entropy(x, **o),
    "with itself": lambda x, **o: fastinfo.mutual_information(x, x, **o),
    "pairs": lambda x, **o: np.asarray(fastinfo.pairwise_mutual_information(table(x), **o))[0, 0],
    "two tables": lambda x, **o: np.asarray(
        fastinfo.pairwise_mutual_information(table(x), table(x), **o)
    )[0, 0],
}


def check(call, expected):
    """A value in bits, or an exception and a piece of its message."""
    if len(expected) == 1:
        assert call() == pytest.approx(expected[0], abs=1e-12)
    else:
        with pytest.raises(expected[0], match=expected[1]):
            call()


@pytest.mark.parametrize("way", CALLS)
@pytest.mark.parametrize("case", SAMPLES)
def test_samples(backend, case, way):
    samples, *expected = SAMPLES[case]
    saturates = (case, way) == ("a million categories", "with itself")
    with pytest.warns(fastinfo.SaturationWarning) if saturates else nullcontext():
        check(lambda: CALLS[way](samples, base=2, backend=backend), expected)


@pytest.mark.parametrize("way", CALLS)
@pytest.mark.parametrize("case", OPTIONS)
def test_options(backend, case, way):
    options, *expected = OPTIONS[case]
    options = {"base": 2, "backend": backend, **options}
    check(lambda: CALLS[way](np.array([0.0, 1.0]), **options), expected)


@pytest.mark.parametrize(
    "case", [c for c, (_, *e) in SAMPLES.items() if "missing values" in str(e)]
)
def test_missing_samples_by_policy(backend, case):
    samples = SAMPLES[case][0]
    unknown = fastinfo.entropy(samples, nan_policy="propagate", backend=backend)
    assert math.isnan(unknown)
    if case.startswith("all"):
        with pytest.raises(ValueError, match="no sample is left: 2 were left out"):
            fastinfo.entropy(samples, nan_policy="omit", backend=backend)
    else:
        assert fastinfo.entropy(samples, nan_policy="omit", backend=backend) == 0.0


SHAPES = {
    "scalar": (5, TypeError, "x is int; accepted is an array of samples"),
    "scalar array": (np.array(5), ValueError, r"x has 0 dimensions, shape \(\); accepted are"),
    "None": (None, TypeError, "samples of x are missing"),
    "text": ("abc", TypeError, "x is str; accepted is an array of samples"),
    "bytes": (b"abc", TypeError, "x is bytes"),
    "three dimensions": (np.zeros((2, 2, 2)), ValueError, "x has 3 dimensions"),
    "no columns": (np.zeros((3, 0)), ValueError, "x has no columns"),
    "no rows": (np.zeros((0, 3)), ValueError, "is empty"),
    "ragged": ([[0, 1], [1]], ValueError, "x is no array"),
    "set": ({1, 2}, TypeError, "x is a set, which keeps no order of samples: pass a list"),
    "dictionary": ({1: 2}, TypeError, "x is a dict, and 1 in it is int; accepted is"),
    "nested lists": ([[0, 1], [1, 0], [0, 0], [1, 1]], 2.0),
    "tuple": ((0, 1), 1.0),
    "range": (range(4), 2.0),
    "generator": ((i for i in (0, 1)), 1.0),
}


@pytest.mark.parametrize("case", [case for case in SHAPES if case != "generator"])
def test_shapes(backend, case):
    samples, *expected = SHAPES[case]
    check(lambda: fastinfo.entropy(samples, base=2, backend=backend), expected)


def test_a_generator_is_a_sequence_of_samples(backend):
    assert fastinfo.entropy((i % 2 for i in range(4)), base=2, backend=backend) == 1.0


TABLES = {
    "scalar": (5, TypeError, "X is int"),
    "one dimension": (
        [0, 1],
        ValueError,
        r"X has 1 dimension, shape \(2,\); .* x.reshape\(-1, 1\)",
    ),
    "a column": (pd.Series([0, 1]), ValueError, "X has 1 dimension"),
    "three dimensions": (np.zeros((2, 2, 2)), ValueError, "X has 3 dimensions"),
    "no columns": (np.zeros((3, 0)), ValueError, "X has no columns"),
    "no rows": (np.zeros((0, 3)), ValueError, r"X\[:, 0\] is empty"),
    "None": (None, TypeError, "X is NoneType"),
    "a column of 128 bits": (pl.Series([1], dtype=pl.Int128), ValueError, r"X has 1 dim.*\(1,\)"),
    "an empty column among others": (
        [pd.Series([1]), pd.Series([])],
        ValueError,
        r"X\[1\] is empty",
    ),
    "a plan": (pl.LazyFrame({"a": [1]}), TypeError, r"X is a polars LazyFrame.*pass X.collect\(\)"),
    "a dict of numbers": ({"a": 1}, TypeError, "X is a dict, and 'a' in it is int; accepted is"),
    "an empty dict": ({}, ValueError, "X has no columns"),
    "columns of unequal length": ({"a": [1, 2], "b": [1]}, ValueError, "a has 2, b has 1"),
    "sparse without rows": (sparse.csr_array((0, 2)), ValueError, r"X is empty, of shape \(0, 2\)"),
    "sparse without columns": (sparse.csr_array((2, 0)), ValueError, "X has no columns"),
    "sparse in one dimension": (sparse.coo_array([1, 0]), ValueError, "X has 1 dimension"),
    "complex sparse": (sparse.csr_array([[1j]]), TypeError, "X has dtype complex128"),
}


@pytest.mark.parametrize("case", TABLES)
@pytest.mark.parametrize("call", [fastinfo.pairwise_mutual_information, fastinfo.top_pairs])
def test_tables(call, case):
    X, error, message = TABLES[case]
    with pytest.raises(error, match=message):
        call(X)


TWO = {
    "measure": lambda x, y: fastinfo.mutual_information(x, y),
    "conditional": lambda x, y: fastinfo.conditional_mutual_information(x, x, y),
    "frames": lambda x, y: fastinfo.mutual_information(
        pd.DataFrame({"a": x}), pd.DataFrame({"a": y})
    ),
    "pairs": lambda x, y: fastinfo.pairwise_mutual_information(table(x), table(y)),
    "pairs of frames": lambda x, y: fastinfo.pairwise_mutual_information(
        pd.DataFrame({"a": x}), pd.DataFrame({"a": y})
    ),
    "counts": lambda x, y: JointCounts().update(x, y),
}


@pytest.mark.parametrize("call", TWO.values(), ids=TWO)
@pytest.mark.parametrize("lengths", [(4, 2), (2, 4)])
def test_unequal_lengths(call, lengths):
    """Columns of two frames may have one name, and must not be taken for one."""
    with pytest.raises(ValueError, match=r"numbers of samples differ: .* has \d, .* has \d"):
        call(*(np.arange(n) for n in lengths))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fastinfo.mutual_information([0, 1]), TypeError, "samples of y are missing"),
        (
            lambda: fastinfo.conditional_mutual_information([0, 1], [0, 1]),
            TypeError,
            "samples of z are missing",
        ),
        (lambda: fastinfo.joint_entropy(), TypeError, "at least one variable"),
        (
            lambda: fastinfo.normalized_mutual_information([0], [0], average="mean"),
            ValueError,
            "average='mean'; accepted are 'arithmetic', 'geometric', 'min', 'max'",
        ),
        (lambda: fastinfo.entropy([0, 1], bins=5), ValueError, "x has dtype int64, whose values"),
        (lambda: fastinfo.entropy(["a"], bins=[0, 1]), ValueError, "categories that are no numb"),
        (
            lambda: fastinfo.mutual_information([0.5], [0.5], bins=(1, 2, "fd")),
            ValueError,
            "bins has 3 entries for 2 variables",
        ),
        (lambda: fastinfo.kl_divergence([0.5], ["a"]), ValueError, "samples of one type"),
        (lambda: fastinfo.kl_divergence([0, 1], ["a"]), ValueError, "cannot be merged"),
        (
            lambda: fastinfo.kl_divergence(np.zeros((2, 2)), [0.0, 1]),
            ValueError,
            "x has 2 columns and y 1",
        ),
        (lambda: fastinfo.kl_divergence([0], [0], sample_weight=3), ValueError, "is a pair here"),
        (lambda: fastinfo.kl_divergence([0], [0], sample_weight=[1]), ValueError, "a pair here"),
        (lambda: fastinfo.top_pairs([[0, 1]], 0), ValueError, "k=0; accepted is an integer"),
        (lambda: fastinfo.top_pairs([[0, 1]], 2.0), TypeError, "k=2.0; accepted is an integer"),
        (lambda: fastinfo.top_pairs([[0, 1]], True), TypeError, "k=True"),
        (lambda: fastinfo.top_pairs([[0, 1]], None), ValueError, "pass threshold too"),
        (
            lambda: fastinfo.top_pairs([[0, 1]], progress="yes"),
            TypeError,
            "accepted are True, False",
        ),
        (
            lambda: fastinfo.entropy([0, 1], estimator="miller_madow", sample_weight=[1, 2]),
            ValueError,
            'sums of weights; use estimator="ml"',
        ),
        (lambda: JointCounts(nan_policy="drop"), ValueError, "nan_policy='drop'"),
    ],
)
def test_calls_that_make_no_sense(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_tensors_that_numpy_cannot_take_are_refused_by_name():
    torch = pytest.importorskip("torch", reason="torch is an extra")
    for tensor in (torch.ones(2, dtype=torch.bfloat16), torch.ones(2).to_sparse()):
        with pytest.raises(TypeError, match=r"y is a torch\.\w+ tensor that NumPy cannot take"):
            fastinfo.mutual_information([0, 1], tensor)
        with pytest.raises(TypeError, match="sample_weight is a torch"):
            fastinfo.entropy([0, 1], sample_weight=tensor)


def test_a_joint_table_that_cannot_fit_goes_sparse_or_tells_the_memory(backend):
    x = np.arange(10**6) * 7
    with pytest.warns(fastinfo.SaturationWarning, match="1,000,000 bins of x"):
        found = fastinfo.mutual_information(x, x[::-1], backend=backend)
    assert found == pytest.approx(math.log(10**6))
    with pytest.raises(MemoryError, match=r"1000001 × 1000001 cells needs 7,450\.6 GiB and"):
        JointCounts(sparse=False, backend=backend).update(x, x)


def test_more_categories_than_samples_can_tell(backend):
    """As many categories as samples: everything is a function of everything."""
    x, y = np.arange(1000), np.arange(1000)[::-1] % 10
    with pytest.warns(fastinfo.SaturationWarning, match="chance alone gives about 1 of the 1"):
        assert fastinfo.mutual_information(x, y, base=10, backend=backend) == pytest.approx(1)
