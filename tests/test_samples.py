"""The same data gives the same value, whatever holds it."""

import types

import naive
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute
import pytest
from conftest import library
from scipy import sparse

import fastinfo
from fastinfo import JointCounts
from fastinfo.data.columns import SparseColumns
from fastinfo.inputs import arguments

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")

# --- containers of one column -------------------------------------------------------------------


def objects(values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def masked(values):
    filled = [values[0] if value is None else value for value in values]
    return np.ma.array(filled, mask=[value is None for value in values])


def tensor(values):
    return library("torch").tensor([np.nan if value is None else value for value in values])


def pandas(dtype):
    return lambda values: pd.Series(values, dtype=dtype)


def arrow(kind=None):
    return lambda values: pa.array(values, kind)


def pandas_of_arrow(array):
    return pd.Series(pd.array(array, dtype=pd.ArrowDtype(array.type)))


def dictionary_of_views(array):
    views = array.dictionary.cast(pa.string_view())
    return pa.DictionaryArray.from_arrays(array.indices, views)


TEXT_ALONE = {
    "pandas str": pandas("str"),
    "pandas string": pandas("string"),
    "pandas Arrow text": pandas(pd.ArrowDtype(pa.string())),
    "pandas Arrow views": pandas(pd.ArrowDtype(pa.string_view())),
    "pandas Arrow long text": pandas(pd.ArrowDtype(pa.large_string())),
    "Arrow views": arrow(pa.string_view()),
    "Arrow long text": arrow(pa.large_string()),
    "Arrow dictionary of views": lambda v: dictionary_of_views(pa.array(v).dictionary_encode()),
    "polars categories": lambda v: pl.Series(v, dtype=pl.Categorical),
    "polars enum": lambda v: pl.Series(v, dtype=pl.Enum(["z", "c", "b", "ä", "a", ""])),
}
INTEGERS_ALONE = {
    # Without a type pandas makes floats of integers some of which are missing.
    "pandas": pandas("Int64"),
    "list of Series": lambda v: [pd.Series(v, dtype="Int64")],
    "pandas table": lambda v: pd.DataFrame({"only": pd.Series(v, dtype="Int64")}),
    "masked": masked,
    "pandas small": pandas("Int8"),
    "pandas Arrow": pandas("int64[pyarrow]"),
}
FLOATS_ALONE = {
    "NumPy": lambda v: np.array(v, "f8"),
    "masked": masked,
    "torch": tensor,
    "pandas nullable": pandas("Float64"),
    "pandas Arrow": pandas("double[pyarrow]"),
    "decimals": lambda v: objects(
        [None if x is None else __import__("decimal").Decimal(x) for x in v]
    ),
    "Arrow decimals": lambda v: pa.array(v).cast(pa.decimal128(20, 10)),
    "pandas Arrow decimals": lambda v: pd.Series(v, dtype=pd.ArrowDtype(pa.decimal128(20, 10))),
}
CATEGORIES = {
    "pandas category": pandas("category"),
    "pandas ordered": lambda v: pd.Series(
        pd.Categorical(v, sorted({*v} - {None})[::-1], ordered=True)
    ),
    "pandas Arrow dictionary": lambda v: pandas_of_arrow(pa.array(v).dictionary_encode()),
    "Arrow dictionary": lambda v: pa.array(v).dictionary_encode(),
    "Arrow dictionaries": lambda v: pa.chunked_array([v[:9], v[9:]]).dictionary_encode(),
    "Arrow runs": lambda v: pa.compute.run_end_encode(pa.array(v)),
}
ANY = {
    "list": list,
    "tuple": tuple,
    "objects": objects,
    "pandas object": pandas(object),
    "pandas": pd.Series,
    "Arrow": arrow(),
    "Arrow chunks": lambda v: pa.chunked_array([v[:7], v[7:]]),
    "polars": pl.Series,
    "dict": lambda v: {"only": v},
    "list of Series": lambda v: [pd.Series(v)],
    "record batch": lambda v: pa.RecordBatch.from_pydict({"only": pa.array(v)}),
    "reader": lambda v: pa.table({"only": pa.array(v)}).to_reader(),
    "pandas table": lambda v: pd.DataFrame({"only": v}),
    "polars table": lambda v: pl.DataFrame({"only": v}),
    "Arrow table": lambda v: pa.table({"only": v}),
}
KINDS = {
    "text": (["c", "a", "b", "a", "ä", ""], {**ANY, **CATEGORIES, **TEXT_ALONE}),
    "integers": ([3, -1, 0, 25], {**ANY, **CATEGORIES, **INTEGERS_ALONE}),
    "booleans": ([True, False], {**ANY, **CATEGORIES, "pandas nullable": pandas("boolean")}),
    "floats": ([0.5, -1.25, 3.0, 0.0, 7.5], {**ANY, **FLOATS_ALONE}),
}
CASES = [(kind, container) for kind, (_, makers) in KINDS.items() for container in makers]
EDGES = [-2.0, 0.0, 1.0, 8.0]


def drawn(kind, with_missing):
    """Two columns of 40 samples, and the bins that floating-point samples need."""
    labels, _ = KINDS[kind]
    generator = np.random.default_rng(len(labels))
    x = [labels[i] for i in generator.integers(len(labels), size=40)]
    y = [labels[i] for i in np.sort(generator.integers(len(labels), size=40))]
    if with_missing:
        x[3], x[20], y[5] = None, None, None
    return x, y


def expected_of(kind, x, y):
    """The rows that are complete, by their codes where edges say so."""
    rows = [(a, b) for a, b in zip(x, y, strict=True) if a is not None and b is not None]
    x, y = (list(side) for side in zip(*rows, strict=True))
    return (
        (naive.encode_edges(x, EDGES), naive.encode_edges(y, EDGES)) if kind == "floats" else (x, y)
    )


@pytest.mark.parametrize("with_missing", [False, True], ids=["complete", "missing"])
@pytest.mark.parametrize(("kind", "container"), CASES)
def test_every_container_gives_the_same(kind, container, with_missing):
    make = KINDS[kind][1][container]
    x, y = drawn(kind, with_missing)
    left, right = expected_of(kind, x, y)
    options = {"bins": np.array(EDGES) if kind == "floats" else None, "nan_policy": "omit"}
    measures = {
        "mutual_information": naive.mutual_information,
        "conditional_entropy": naive.conditional_entropy,
        "joint_entropy": naive.entropy,
    }
    for name, judge in measures.items():
        found = getattr(fastinfo, name)(make(x), make(y), **options)
        assert found == pytest.approx(judge(left, right), abs=1e-13), name
    present = [[value for value in side if value is not None] for side in (x, y)]
    if kind == "floats":
        present = [naive.encode_edges(side, EDGES) for side in present]
    found = fastinfo.jensen_shannon_divergence(make(x), make(y), **options)
    assert found == pytest.approx(naive.jensen_shannon_divergence(*present), abs=1e-13)
    # Against a list: what holds the data makes no difference to what is merged.
    counts = JointCounts(**options).update(make(x)) + JointCounts(**options).update(list(x))
    assert fastinfo.entropy(counts) == pytest.approx(naive.entropy(present[0]), abs=1e-13)


TABLES = {
    "list of rows": lambda c: [list(row) for row in zip(*c.values(), strict=True)],
    "NumPy": lambda c: np.column_stack(list(c.values())),
    "Fortran": lambda c: np.asfortranarray(np.column_stack(list(c.values()))),
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "Arrow": pa.table,
    "record batch": pa.RecordBatch.from_pydict,
    "reader": lambda c: pa.table(c).to_reader(),
    "dict": lambda c: c,
    "dict of arrays": lambda c: {name: np.array(column) for name, column in c.items()},
    "list of pandas columns": lambda c: [
        pd.Series(column, name=name) for name, column in c.items()
    ],
    "tuple of polars columns": lambda c: tuple(
        pl.Series(name, column) for name, column in c.items()
    ),
    "list of Arrow columns": lambda c: [pa.array(column) for column in c.values()],
    "torch": lambda c: library("torch").tensor(list(c.values())).T,
    "CSR": lambda c: sparse.csr_array(np.column_stack(list(c.values()))),
    "CSC": lambda c: sparse.csc_matrix(np.column_stack(list(c.values()))),
    "COO": lambda c: sparse.coo_array(np.column_stack(list(c.values()))),
    "LIL": lambda c: sparse.lil_matrix(np.column_stack(list(c.values()))),
    "DIA": lambda c: sparse.dia_array(np.column_stack(list(c.values()))),
    "AnnData": lambda c: annotated(np.column_stack(list(c.values())), c),
    "sparse AnnData": lambda c: annotated(View(np.column_stack(list(c.values()))), c),
}


class View(sparse.csr_matrix):
    """A part of a matrix, as an AnnData gives it: derived from scipy's."""


NAMED = {"pandas", "polars", "Arrow", "record batch", "reader", "dict", "dict of arrays"} | {
    *("list of pandas columns", "tuple of polars columns", "AnnData", "sparse AnnData")
}


def annotated(matrix, names):
    """What an AnnData shows of itself."""
    return types.SimpleNamespace(
        X=matrix, var_names=pd.Index(list(names)), obs_names=pd.RangeIndex(matrix.shape[0])
    )


def numbers(matrix):
    """A matrix without the names that polars and Arrow have as its first column."""
    if isinstance(matrix, pl.DataFrame):
        return matrix.drop("column").to_numpy()
    if isinstance(matrix, pa.Table):
        return np.column_stack(matrix.drop_columns("column").columns)
    return np.asarray(matrix)


def counts_of_genes(dtype=np.int64):
    generator = np.random.default_rng(7)
    rates = [0.1, 0.5, 2.0, 0.3]
    return {f"gene {i}": generator.poisson(rate, 50).astype(dtype) for i, rate in enumerate(rates)}


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.float32])
@pytest.mark.parametrize("container", TABLES)
def test_every_table_gives_the_same(container, dtype):
    """Zeros of a sparse matrix are values like any other."""
    columns = {name: column.tolist() for name, column in counts_of_genes(dtype).items()}
    make = TABLES[container]
    codes = list(columns.values())
    bins = None
    if dtype is not np.int64:
        bins = [0.0, 1.0, 3.0, 20.0]
        codes = [naive.encode_edges(column, bins) for column in codes]
    found = numbers(fastinfo.pairwise_mutual_information(make(columns), bins=bins))
    expected = [[naive.mutual_information(x, y) for y in codes] for x in codes]
    np.testing.assert_allclose(found, expected, atol=1e-13)
    best = fastinfo.top_pairs(make(columns), k=1, bins=bins, rank_by="value")[0]
    names = [name if container in NAMED else i for i, name in enumerate(columns)]
    i, j = max(((i, j) for i in range(4) for j in range(i)), key=lambda p: expected[p[0]][p[1]])
    assert {best.left, best.right} == {names[i], names[j]}
    joint = fastinfo.joint_entropy(make(columns), bins=bins)
    assert joint == pytest.approx(naive.entropy(*codes), abs=1e-13)


# --- sparse matrices ----------------------------------------------------------------------------


def test_sparse_matrices_stay_sparse_and_as_they_were():
    """One column is dense at a time: all of them would take 8 GB."""
    matrix = sparse.random_array((1000, 1_000_000), density=1e-7, rng=np.random.default_rng(3))
    columns = arguments.features(matrix, "X")
    assert isinstance(columns, SparseColumns)
    assert len(columns) == 1_000_000
    place = matrix.tocoo().col[0]
    np.testing.assert_array_equal(
        columns[int(place)].values, matrix.tocsc()[:, [place]].toarray()[:, 0]
    )
    assert columns[-1].name == "X[:, 999999]"
    assert [column.name for column in columns[5:7][1:]] == ["X[:, 6]"]
    assert len(columns[7:3]) == 0


def test_cells_that_are_stored_twice_are_added_up():
    twice = sparse.csc_array(([1.0, 2.0, 4.0], [0, 0, 1], [0, 3]), shape=(3, 1))
    assert arguments.variable(twice, "x")[0].values.tolist() == [3.0, 4.0, 0.0]
    assert twice.nnz == 3


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "f4", "f8", np.longdouble])
def test_sparse_columns_keep_their_type(dtype):
    dense = np.array([[0, 1], [1, 0], [1, 1]], dtype)
    columns = arguments.features(sparse.csr_array(dense), "X")
    for found, expected in zip(columns, arguments.features(dense, "X"), strict=True):
        assert found.values.dtype == expected.values.dtype
        assert found.values.tolist() == expected.values.tolist()


def test_sparse_columns_are_samples():
    x, y = np.array([0, 2, 0, 1, 2, 0]), np.array([0, 1, 0, 1, 1, 0])
    expected = pytest.approx(naive.mutual_information(x.tolist(), y.tolist()))
    for make in (sparse.coo_array, lambda v: sparse.csr_array(v[:, None])):
        assert fastinfo.mutual_information(make(x), y) == expected
        assert fastinfo.mutual_information(y, make(x)) == expected
    assert np.isnan(fastinfo.entropy(sparse.coo_array([0, np.nan]), nan_policy="propagate"))
    X = sparse.csr_array(np.column_stack([x, y]))
    found = fastinfo.pairwise_mutual_information(X, np.column_stack([y]))
    assert found[0, 0] == expected


# --- tables -------------------------------------------------------------------------------------


def test_columns_of_one_name_are_taken_by_their_place():
    frame = pd.DataFrame([[0, 0, 1], [1, 0, 0], [1, 1, 1], [0, 1, 0]], columns=["a", "a.1", "a"])
    columns = arguments.features(frame, "X")
    assert [column.name for column in columns] == ["a", "a.1", "a.2"]
    assert [column.values.tolist() for column in columns] == frame.to_numpy().T.tolist()
    names = {(pair.left, pair.right) for pair in fastinfo.top_pairs(frame, 3)}
    assert names == {("a", "a.1"), ("a", "a.2"), ("a.1", "a.2")}
    table = pa.table([pa.array([0, 1]), pa.array([1, 1])], names=["a", "a"])
    assert [column.name for column in arguments.features(table, "X")] == ["a", "a.1"]


def test_columns_of_two_levels_keep_their_names():
    names = pd.MultiIndex.from_tuples([("u", 1), ("u", 2), ("v", 1)])
    frame = pd.DataFrame([[0, 0, 1], [1, 1, 0], [1, 1, 1], [0, 0, 0]], columns=names)
    assert fastinfo.top_pairs(frame, 1, base=2)[0][:3] == (("u", 1), ("u", 2), 1.0)


def test_derived_frames_are_frames():
    class Frame(pd.DataFrame):
        """Somebody's own, as of GeoPandas."""

        @property
        def _constructor(self):
            return Frame

    frame = Frame({"u": ["a", "b", "a"], "v": [1, 2, 1]})
    assert fastinfo.top_pairs(frame, 1)[0][:2] == ("u", "v")


def test_lists_of_arrays_stay_rows():
    rows = [np.array([0, 1, 1]), np.array([1, 1, 0])]
    assert len(arguments.variable(rows, "x")) == 3


@pytest.mark.parametrize("container", ["pandas", "polars", "Arrow", "dict", "AnnData"])
def test_divergences_match_columns_by_name(container):
    make = TABLES[container]
    columns = {name: column.tolist() for name, column in counts_of_genes().items()}
    backwards = dict(reversed(columns.items()))
    assert fastinfo.kl_divergence(make(columns), make(backwards)) == 0
    del backwards["gene 2"]
    backwards["other"] = columns["gene 1"]
    with pytest.raises(
        ValueError, match="x alone has 'gene 2', y alone has 'other': pass tables with"
    ):
        fastinfo.kl_divergence(make(columns), make(backwards))


def test_divergences_of_a_table_and_an_array_go_by_position():
    columns = counts_of_genes()
    array = np.column_stack(list(columns.values()))
    assert fastinfo.kl_divergence(pd.DataFrame(columns), array) == 0


# --- layers of an AnnData -----------------------------------------------------------------------


def test_a_layer_is_taken_in_place_of_x():
    columns = counts_of_genes()
    counts = np.column_stack(list(columns.values()))
    data = annotated(np.zeros_like(counts), columns)
    data.layers = {"counts": counts, "none": counts * 0}
    expected = fastinfo.pairwise_mutual_information(annotated(counts, columns))
    found = fastinfo.pairwise_mutual_information(data, layer="counts")
    np.testing.assert_array_equal(found, expected)
    assert fastinfo.top_pairs(data, 1, layer="counts") == fastinfo.top_pairs(
        annotated(counts, columns), 1
    )
    with pytest.warns(fastinfo.SaturationWarning, match="chance with gene 2"):
        scores = fastinfo.score(data, counts[:, 0] > 0, layer="counts")
    assert scores[0].column == "gene 0"
    with pytest.raises(ValueError, match=r"layer='raw': the table is an AnnData with the layers"):
        fastinfo.top_pairs(data, layer="raw")
    with pytest.raises(ValueError, match="layer='raw': the table is ndarray, and layer= names"):
        fastinfo.score(counts, counts[:, 0], layer="raw")
