"""`fastinfo.encode` gives the codes that the measures count."""

from collections import Counter

import naive
import numpy as np
import pandas as pd
import pytest

import fastinfo

COLUMNS = {
    "floats": np.random.default_rng(0).normal(size=500),
    "floats with ties and gaps": np.where(
        np.arange(300) % 9 == 0, np.nan, np.round(np.random.default_rng(1).exponential(size=300), 1)
    ),
    "integers": np.random.default_rng(2).integers(-4, 9, 200),
    "integers far apart": np.random.default_rng(3).choice([1, 10**12, -(2**60)], 100),
    "text": np.array(["b", "a", "c", "a"]),
    "categorical with gaps": pd.Series(["y", None, "x", "y"], dtype="category"),
    "booleans": np.array([True, False, True]),
}


CASES = {f"{name}, by default": (x, None) for name, x in COLUMNS.items()} | {
    f"{name}, {bins}": (x, bins)
    for name, x in COLUMNS.items()
    for bins in ("uniform", "quantile:4", 5, [-1.0, 0.0, 2.0])
    if x.dtype == np.float64
}


@pytest.mark.parametrize(("x", "bins"), CASES.values(), ids=CASES)
def test_the_codes_are_those_that_the_measures_count(backend, x, bins):
    codes, found, n_bins = fastinfo.encode(x, bins=bins, backend=backend)
    counts = fastinfo.JointCounts(bins=bins, nan_policy="omit", backend=backend).update(x, x)
    assert counts.shape == (n_bins, n_bins)
    assert np.array_equal(counts.bins[0], found)
    occurring = Counter(codes.tolist())
    assert np.diag(counts.table).tolist() == [occurring[code] for code in range(n_bins)]
    assert counts.n_missing == occurring[n_bins]
    if found.dtype.kind == "f":
        assert codes.tolist() == naive.encode_edges(np.asarray(x).tolist(), found.tolist())
    else:
        present = [v for v in list(x) if not naive.is_missing(v)]
        assert [found[code] for code in codes if code < n_bins] == present


def test_edges_of_one_column_encode_another(backend, rng):
    x, later = rng.normal(size=(2, 400))
    _, edges, n_bins = fastinfo.encode(x, backend=backend)
    codes = fastinfo.encode(later, bins=edges, backend=backend).codes
    outside = (later < x.min()) | (later > x.max())
    assert np.array_equal(codes == n_bins, outside)


def test_the_default_number_of_bins_depends_on_the_table(rng):
    x = rng.normal(size=2000)
    assert [fastinfo.encode(x, n_variables=d).n_bins for d in (1, 2, 3, 4)] == [13, 13, 7, 5]


def test_one_column_at_a_time():
    with pytest.raises(ValueError, match=r"x has 2 columns; encode takes one: pass x\[:, 0\]"):
        fastinfo.encode(np.zeros((4, 2)))
