"""Tables binned whole: the same as each column by itself, whatever the table holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastinfo import binning
from fastinfo.backends import load
from fastinfo.binning.rules import Given, NumpyRule, Quantile, Uniform
from fastinfo.data.columns import ArrayColumns, Column, typical
from fastinfo.pairs import features

RULES = {
    "quantiles": Quantile(),
    "few quantiles": Quantile(4),
    "uniform": Uniform(7),
    "uniform by samples": Uniform(),
    "one bin": Uniform(1),
    "one quantile": Quantile(1),
    "edges": Given(np.array([-1.0, 0.0, 0.5, 1.0])),
    "equal edges": Given(np.linspace(-1.0, 1.5, 8)),
    "edges for all": Given(np.array([-np.inf, 0.0, np.inf])),
    "a rule of NumPy": NumpyRule("sturges"),
}


def floats(rng, m=7, n=60):
    X = rng.normal(size=(m, n))
    X[1] = 0.25
    X[2, ::3] = X[2, 0]
    X[3] = X[3] > 0
    return X


def with_missing(rng):
    X = floats(rng)
    X[4, :20], X[5, 7] = np.nan, np.nan
    return X


TABLES = {
    "floats": floats,
    "float32": lambda rng: floats(rng).astype("f4"),
    "missing": with_missing,
    "nothing in one": lambda rng: np.where(np.arange(3)[:, None] == 1, np.nan, rng.random((3, 9))),
    "nothing at all": lambda rng: np.full((2, 5), np.nan),
    "infinities": lambda rng: np.where(rng.random((3, 50)) < 0.1, np.inf, floats(rng, 4, 50)[1:]),
    "narrow": lambda rng: 1e15 + floats(rng, 4, 20) * 0.5,
    "tiny": lambda rng: floats(rng, 4, 20) * 1e-320,
    "huge": lambda rng: (rng.random((4, 20)) - 0.5) * 3.4e308,
    "largest of float32": lambda rng: np.finfo("f4").max * rng.integers(-1, 2, (3, 20), "i1"),
    "one sample": lambda rng: rng.normal(size=(4, 1)),
    "bytes": lambda rng: rng.integers(0, [[2], [7], [256]], (3, 90), "u1"),
    "booleans": lambda rng: rng.random((3, 40)) < 0.5,
    "integers": lambda rng: rng.integers(-3, [[1], [0], [250]], (3, 500)),
    "as many as bytes hold": lambda rng: np.arange(256)[None] + [[-9], [7]],
    "one more": lambda rng: np.arange(257)[None] + [[-9], [7]],
    "far apart": lambda rng: rng.integers(0, 5, (3, 50)) + np.array([[1 << 62], [-(1 << 62)], [0]]),
    "unsigned": lambda rng: rng.integers(0, 5, (2, 50), "u8") + np.uint64((1 << 64) - 5),
    "wide integers": lambda rng: rng.integers(-(1 << 40), 1 << 40, (3, 50)),
    "one wide": lambda rng: rng.integers(0, [[5], [300], [5]], (3, 400), "i2"),
}


def told(columns, rule, kernels, refuse=False):
    """Codes, numbers of bins and gaps; or the error."""
    try:
        found = features.encode([columns], [rule], kernels, 2, refuse)
    except ValueError as error:
        return str(error)
    codes = [kernels.to_host(row).tolist() for row in found.rows()]
    return list(zip(codes, found.n_bins.tolist(), found.has_missing.tolist(), strict=True))


@pytest.mark.parametrize("refuse", [False, True])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
def test_columns_of_an_array_are_binned_as_each_by_itself(backend, rng, make, rule, refuse):
    kernels, X = load(backend)(), make(rng)
    if X.dtype.kind != "f" and isinstance(rule, Given):
        X = X.astype(np.float64)  # as the edge does it
    columns = ArrayColumns("X", X)
    assert told(columns, rule, kernels, refuse) == told(list(columns), rule, kernels, refuse)


@given(st.data())
def test_any_floats_are_binned_as_each_column_by_itself(backend, data):
    size = data.draw(st.integers(1, 12))
    row = st.lists(st.floats(width=32), min_size=size, max_size=size)
    X = np.array(data.draw(st.lists(row, min_size=1, max_size=4)), "f4")
    rule = data.draw(st.sampled_from(list(RULES.values())[:-1]))
    columns, kernels = ArrayColumns("X", X), load(backend)()
    assert told(columns, rule, kernels) == told(list(columns), rule, kernels)


def test_columns_of_an_array_are_made_when_asked_for():
    X = np.arange(12).reshape(4, 3)
    columns = ArrayColumns("X", X)
    assert len(columns) == 4
    assert [column.name for column in columns] == [f"X[:, {i}]" for i in range(4)]
    assert columns[-1].name == "X[:, 3]"
    part = columns[1:3]
    assert isinstance(part, ArrayColumns)
    assert [column.name for column in part] == ["X[:, 1]", "X[:, 2]"]
    assert [column.values.tolist() for column in part] == X[1:3].tolist()
    assert [column.name for column in part[1:]] == ["X[:, 2]"]
    with pytest.raises(IndexError):
        columns[4]
    assert [column.name for column in typical(columns)] == ["X[:, 0]"]
    assert len(typical(list(columns))) == 4


def test_a_table_takes_a_launch_for_a_step_and_not_for_a_column(rng, monkeypatch):
    kernels = load("cupy")()
    monkeypatch.setattr(binning, "fit", None)
    for X, rule in (
        (rng.integers(0, 9, (300, 20)), Quantile()),
        (rng.integers(0, 9, (300, 20), "u1"), Quantile()),
        (rng.normal(size=(300, 20)), Uniform(4)),
        (rng.normal(size=(300, 20)), Quantile()),
    ):
        rows = kernels.bring(X)
        before = len(kernels.device.launches)
        found = features.encode([ArrayColumns("X", rows)], [rule], kernels, 2, True)
        assert len(found.blocks) == 1
        assert len(kernels.device.launches) <= before + 2


def test_columns_and_arrays_follow_one_another(backend, rng):
    kernels = load(backend)()
    X = rng.integers(0, 5, (3, 30), "u1")
    text = Column("a", np.array([0, 1] * 15, "u1"), None, np.array(["a", "b"]))
    odd = [text, Column("b", np.arange(30) * 1000)]
    found = features.encode([odd, ArrayColumns("X", X)], [Quantile()] * 2, kernels, 1, False)
    assert found.n_bins.tolist() == [2, 30, *(X.max(axis=1) + 1)]
    for row, expected in zip(found.rows(), [[0, 1] * 15, range(30), *X], strict=True):
        np.testing.assert_array_equal(kernels.to_host(row), expected)
