"""Samples that kernels code while they count them, judged by the codes that naive.py gives."""

import math

import naive
import numpy as np
import pytest
from conftest import CODING
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from test_kernels import FLOAT_DTYPES, INTEGER_DTYPES, SUM_TOLERANCE, around, table

from fastinfo.backends.contract import CODE_DTYPES, Uncoded

FLOAT_EDGES = {
    "equal": (np.linspace(-1.0, 2.0, 8), True),
    "one bin": (np.linspace(0.0, 1.0, 2), True),
    "many": (np.linspace(-3.0, 3.0, 301), True),
    "equal, no product": (np.linspace(1.7e9, 1.7e9 + 1, 6), True),
    "unequal": (np.array([-1.0, 0.0, 0.5, 3.0]), False),
    "endless": (np.array([-math.inf, 0.0, math.inf]), False),
}


def floats(rng, n, dtype, edges, is_uniform):
    """Samples on, beside, between and outside of edges, and their codes by naive."""
    values = rng.choice(around(edges, dtype), n)
    inside = rng.random(n) < 0.5
    low, high = edges[0], edges[-1]
    if np.isfinite([low, high]).all():
        values[inside] = rng.uniform(low, high, n).astype(dtype)[inside]
    codes = np.array(naive.encode_edges(values.tolist(), edges.tolist()))
    return Uncoded(values, edges, is_uniform), codes, edges.size - 1


def integers(rng, n, dtype, n_bins, end):
    """Integers at one end of their dtype, and their codes."""
    limits = np.iinfo(dtype)
    low = {"lowest": int(limits.min), "highest": int(limits.max) - n_bins + 1, "around 0": -3}[end]
    codes = rng.integers(0, n_bins, n)
    return Uncoded(np.array([low + c for c in codes.tolist()], dtype), low=low), codes, n_bins


def guessed(rng, n, largest):
    """Bytes whose number of bins was guessed from small ones; later ones are missing."""
    n_bins = 11
    values = rng.integers(0, largest + 1, n).astype("u1")
    codes = np.minimum(values, n_bins).astype(int)
    return Uncoded(values, is_guess=True), codes, n_bins


def present(rng, n, dtype, n_bins):
    """Codes, of a dtype that may be larger than they need."""
    codes = rng.integers(0, n_bins + 1, n)
    return codes.astype(dtype), codes, n_bins


SIDES = {
    **{f"{dtype} codes": (present, dtype, 5) for dtype in CODE_DTYPES},
    **{
        f"{dtype}, {name}": (floats, dtype, edges, is_uniform)
        for dtype in FLOAT_DTYPES
        for name, (edges, is_uniform) in FLOAT_EDGES.items()
    },
    **{
        f"{dtype} from the {end}": (integers, dtype, 7, end)
        for dtype in INTEGER_DTYPES
        for end in ("lowest", "highest")
    },
    **{f"{dtype} around 0": (integers, dtype, 7, "around 0") for dtype in ("i1", "i2", "i4", "i8")},
    "u2 from the highest, 256": (integers, "u2", 256, "highest"),
    **{f"bytes guessed, up to {largest}": (guessed, largest) for largest in (10, 15, 16, 255)},
}


def drawn(rng, n, *names):
    """What is counted of some sides, their codes and numbers of bins."""
    made = [SIDES[name][0](rng, n, *SIDES[name][1:]) for name in names]
    return [list(parts) for parts in zip(*made, strict=True)]


def assert_counted(kernels, counted, codes, n_bins, weights=None):
    """Counts of samples are those of their codes by naive."""
    found = kernels.count_joint(counted, n_bins, weights)
    expected = table(naive.count_codes(codes, n_bins, weights), n_bins, found.dtype)
    if weights is None:
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=SUM_TOLERANCE)


PAIRED = [
    name
    for name in SIDES
    if name.endswith(
        ("codes", ", equal", "no product", "unequal", "endless", "lowest", "up to 255")
    )
]
"""Enough for every mixture of types."""


def test_which_backends_code_while_they_count(kernels):
    assert kernels.codes_while_counting == (kernels.name in CODING)


@pytest.mark.parametrize("right", PAIRED)
@pytest.mark.parametrize("left", PAIRED)
def test_count_two_variables_as_samples(coding_kernels, rng, left, right):
    counted, codes, n_bins = drawn(rng, 300, left, right)
    assert_counted(coding_kernels, counted, codes, n_bins)


@pytest.mark.parametrize("n_samples", [1, 2, 3, 4, 5, 1023, 4096, 4097])
@pytest.mark.parametrize("side", SIDES)
def test_count_one_variable_as_samples(coding_kernels, rng, side, n_samples):
    counted, codes, n_bins = drawn(rng, n_samples, side)
    assert_counted(coding_kernels, counted, codes, n_bins)


@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "weights"])
@pytest.mark.parametrize(
    "names",
    [
        ("f4, equal", "f8, unequal", "f4, one bin"),
        ("i8 around 0", "uint8 codes", "f8, equal", "f4, equal"),
        ("bytes guessed, up to 16", "f4, one bin", "bytes guessed, up to 255"),
        ("bytes guessed, up to 255", "f8, many", "f4, equal"),
        ("f4, many", "f4, many"),
        ("f8, many", "i4 from the lowest", "f8, many"),
    ],
    ids=str,
)
def test_count_samples_that_have_to_be_coded_first(coding_kernels, rng, names, weighted):
    """More than two variables, weights, and tables that shared memory does not hold."""
    counted, codes, n_bins = drawn(rng, 1500, *names)
    weights = rng.random(1500) if weighted else None
    assert_counted(coding_kernels, counted, codes, n_bins, weights)


@given(data=st.data(), low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6), n=st.integers(1, 60))
def test_count_samples_of_anything(coding_kernels, data, low, width, n):
    edges = np.linspace(low, low + width, data.draw(st.integers(2, 30)))
    sides = []
    for dtype in data.draw(st.permutations(FLOAT_DTYPES)):
        shares = data.draw(hnp.arrays("f8", n, elements=st.floats(-0.1, 1.1)))
        on_edges = data.draw(hnp.arrays("i8", n, elements=st.integers(0, 3 * edges.size)))
        every = np.concatenate([edges, np.nextafter(edges, -np.inf), low + width * shares])
        sides.append(every[on_edges % every.size].astype(dtype))
    codes = [np.array(naive.encode_edges(v.tolist(), edges.tolist())) for v in sides]
    if not (np.diff(edges) > 0).all():
        return  # the edge of the package refuses such ranges
    counted = [Uncoded(values, edges, True) for values in sides]
    assert_counted(coding_kernels, counted, codes, [edges.size - 1] * 2)
