"""Dask collections are measured as the same tables and variables in memory, by any scheduler."""

import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import naive
import numpy as np
import pandas as pd
import pytest
from conftest import library
from streamed import table

import fastinfo
from fastinfo.accumulators import counted_parts
from fastinfo.accumulators.pair_layout import Layout
from fastinfo.binning.rules import Edges
from fastinfo.inputs.scanning import as_it_is, looking
from fastinfo.inputs.scanning.facts import MOST_LABELS

dask = library("dask")
da, dd = library("dask.array"), library("dask.dataframe")
lazily = library("fastinfo.dask")
collections, graphs = library("fastinfo.dask.collections"), library("fastinfo.dask.graphs")

pytestmark = pytest.mark.filterwarnings(
    "ignore::fastinfo.PreparationWarning", "ignore::fastinfo.SaturationWarning"
)

DATA = Path(__file__).parents[1] / "docs" / "data"


@pytest.fixture(autouse=True)
def objects_as_they_are():
    """Text of pandas stays what it is, so that tables in memory and in Dask are the same."""
    with dask.config.set({"dataframe.convert-string": False}):
        yield


def both(function, *pairs, **options):
    """What a function returns for samples in memory and for collections, or its error, and what it
    said.
    """
    found = []
    for given in zip(*pairs, strict=True):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = function(*given, **options)
            except (ValueError, TypeError) as error:
                result = f"{type(error).__name__}: {error}"
        said = [str(w.message) for w in caught if w.category.__module__.startswith("fastinfo")]
        found.append((result, said))
    return found


def require_same(found):
    (one, said), (other, also_said) = found
    assert also_said == said
    assert type(other) is type(one)
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(other, one, check_exact=True)
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(other, one)
    else:
        assert repr(other) == repr(one)  # NaN is not itself


# --- arrays ---------------------------------------------------------------------------------------


def numbers(rng, n=1000, m=7):
    X = rng.normal(size=(n, m))
    X[:, 1] += X[:, 0]
    X[:, 2] = np.round(X[:, 2])
    X[rng.random((n, m)) < 0.03] = np.nan
    return X


@pytest.mark.parametrize("chunks", [(2000, 7), (411, 3), (1, -1)], ids=str)
@pytest.mark.parametrize(
    "bins", [None, 8, "uniform", "quantile:5", np.array([-9.0, -1, 0, 1, 9])], ids=str
)
def test_a_matrix_of_an_array_has_the_same_bits(rng, chunks, bins):
    X = numbers(rng)[: 40 if chunks[0] == 1 else None]
    D = da.from_array(X, chunks=chunks)
    function = fastinfo.pairwise_mutual_information
    for policy in ("omit", "propagate", "raise") if bins is None else ("omit",):
        require_same(both(function, (X, D), bins=bins, nan_policy=policy))
    require_same(both(function, (X, D), bins=bins, nan_policy="omit", estimator="miller_madow"))


@pytest.mark.parametrize("dtype", ["f4", "f2", "i8", "u1", "i2", "bool", ">f8", "U1", object])
def test_arrays_of_any_type(rng, dtype):
    X = rng.integers(0, 5, (500, 3)).astype(dtype)
    D = da.from_array(X, chunks=(77, 2))
    require_same(both(fastinfo.pairwise_mutual_information, (X, D)))
    require_same(both(fastinfo.mutual_information, (X[:, 0], D[:, 0]), (X[:, 1], D[:, 1])))


def test_ranks_p_values_and_scores_of_an_array(rng):
    X = numbers(rng)
    D = da.from_array(X, chunks=(300, 4))
    omit = {"nan_policy": "omit"}
    require_same(both(fastinfo.top_pairs, (X, D), (4, 4), **omit))
    require_same(both(fastinfo.top_pairs, (X, D), (4, 4), rank_by="corrected", **omit))
    # P-values are rounded in the order of the two features, which tables of counts may turn.
    (one, _), (other, _) = both(fastinfo.top_pairs, (X, D), (9, 9), fdr=0.1, **omit)
    assert [pair[:6] for pair in other] == [pair[:6] for pair in one]
    np.testing.assert_allclose([p[6:] for p in other], [p[6:] for p in one], rtol=1e-12)
    (one, _), (other, _) = both(fastinfo.pairwise_p_values, (X, D), **omit)
    np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-300)
    require_same(both(fastinfo.top_pairs, (X, D), (9, 9), (X[:, :2], D[:, :2]), **omit))
    require_same(both(fastinfo.pairwise_mutual_information, (X, D), (X[:, 3], D[:, 3]), **omit))
    for bins in (None, (4, "quantile:3")):
        require_same(both(fastinfo.score, (X, D), (X[:, 0], D[:, 0]), bins=bins, **omit))
    # Samples in memory come along.
    require_same(both(fastinfo.score, (X, D), (X[:, 0], X[:, 0]), **omit))


def test_chunks_of_unknown_lengths(rng):
    X = numbers(rng)
    D = da.from_array(X, chunks=(300, 7))
    chosen, kept = D[D[:, 0] > 0], X[X[:, 0] > 0]
    assert np.isnan(chosen.shape[0])
    require_same(both(fastinfo.top_pairs, (kept, chosen), (3, 3), nan_policy="omit"))
    require_same(
        both(
            fastinfo.mutual_information,
            (kept[:, 1], chosen[:, 1]),
            (kept[:, 2], chosen[:, 2]),
            nan_policy="omit",
        )
    )
    frame = dd.from_array(D, columns=list("abcdefg"))
    require_same(both(fastinfo.entropy, (X[:, 2], frame.values[:, 2]), nan_policy="omit"))


# --- DataFrames -----------------------------------------------------------------------------------


@pytest.mark.parametrize("arrow", [False, True], ids=["pandas", "arrow"])
@pytest.mark.parametrize(("n", "partitions"), [(9, 4), (500, 3)])
def test_tables_of_every_kind_of_column(arrow, n, partitions):
    frame = table(n, n).drop(["infinite"]).to_pandas(types_mapper=pd.ArrowDtype if arrow else None)
    frame = frame.drop(columns=["lists"])
    lazy = dd.from_pandas(frame, npartitions=partitions)
    omit = {"nan_policy": "omit"}
    matrix = both(fastinfo.pairwise_mutual_information, (frame, lazy), **omit)
    require_same(matrix)
    assert len(matrix[1][0].columns) > 15
    require_same(both(fastinfo.score, (frame, lazy), ("text", "text"), **omit))
    require_same(both(fastinfo.score, (frame, lazy), (frame["f64"], lazy["f64"]), **omit))
    if arrow:
        return
    for options in (
        {"kinds": {"many": "category", "text": "skip"}},
        {"bins": {"i64": 5, "f64": [-1, 0, 1]}},
        {"bins": "quantile:5"},
        {"bins": 6, "fdr": 0.2},
        {"kinds": {"nobody": "skip"}},
        {"kinds": {"text": "number"}},
    ):
        require_same(both(fastinfo.top_pairs, (frame, lazy), (20, 20), **omit, **options))


MEASURES = {
    fastinfo.entropy: 1,
    fastinfo.mutual_information: 2,
    fastinfo.conditional_entropy: 2,
    fastinfo.normalized_mutual_information: 2,
    fastinfo.variation_of_information: 2,
    fastinfo.adjusted_mutual_information: 2,
    fastinfo.test_independence: 2,
    fastinfo.conditional_mutual_information: 3,
    fastinfo.interaction_information: 3,
    fastinfo.total_correlation: 3,
    fastinfo.kl_divergence: 2,
    fastinfo.jensen_shannon_divergence: 2,
    fastinfo.estimate_entropy: 1,
}

SHARING = (fastinfo.kl_divergence, fastinfo.jensen_shannon_divergence)

COLUMNS = [
    *(("f64", "ties", "f32"), ("null ints", "null text", "bool"), ("i64", "u8", "far apart")),
    *(("dictionary", "numbered", "null bool"), ("many", "null floats", "text")),
    *(("nothing", "f64", "i8"), ("snowflakes", "decimals", "spelled"), ("date", "f64", "text")),
]


@pytest.mark.parametrize("columns", COLUMNS, ids=" ".join)
def test_measures_of_variables(columns):
    frame = table(600).to_pandas()
    lazy = dd.from_pandas(frame.drop(columns=["lists"]), npartitions=5)
    pairs = [(frame[name], lazy[name]) for name in columns]
    for function, n in MEASURES.items():
        found = both(function, *pairs[:n], nan_policy="omit")
        if "date" in columns:  # who asks for advice has it in memory
            assert found[1][0].startswith("TypeError: x holds date32")
            return
        if function in SHARING and isinstance(found[0][0], str):
            assert isinstance(found[1][0], str)  # for both, columns of two types
            continue
        require_same(found)
    if set(columns) == {"f64", "ties", "f32"}:
        for bins in (5, "uniform", ("quantile:4", 3), ([-1, 0, 1], None)):
            require_same(
                both(fastinfo.mutual_information, *pairs[:2], bins=bins, nan_policy="omit")
            )


def test_variables_of_several_columns():
    frame = table(600)[:].select(["f64", "i8", "f32", "text"]).to_pandas()
    lazy = dd.from_pandas(frame, npartitions=3)
    two = ["f64", "i8"]
    require_same(both(fastinfo.mutual_information, (frame[two], lazy[two]), (frame.f32, lazy.f32)))
    both_same = (frame[two], lazy[two]), (frame[["f64", "f32"]], lazy[["f64", "f32"]])
    require_same(both(fastinfo.mutual_information, *both_same))
    array = frame[two].to_numpy()
    chunked = da.from_array(array, chunks=(100, 1))
    require_same(both(fastinfo.entropy, (array, chunked)))


def test_against_loops(rng):
    x, y, z = rng.integers(0, 4, (3, 300))
    y = np.where(rng.random(300) < 0.5, x, y)
    lazy = [da.from_array(one, chunks=37) for one in (x, y, z)]
    for function, slow in (
        (fastinfo.mutual_information, naive.mutual_information),
        (fastinfo.conditional_mutual_information, naive.conditional_mutual_information),
    ):
        n = 2 + (slow is naive.conditional_mutual_information)
        expected = slow(*(one.tolist() for one in (x, y, z)[:n]))
        assert function(*lazy[:n]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["timezones", "wine"])
def test_real_tables(name):
    if name == "wine":
        found = library("sklearn.datasets").load_wine(as_frame=True).frame
    else:
        found = pd.read_csv(DATA / "timezones.csv")
    lazy = dd.from_pandas(found, npartitions=4)
    pair = both(fastinfo.top_pairs, (found, lazy), (10, 10), nan_policy="omit")
    require_same(pair)
    assert len(pair[0][0]) == 10


# --- partitions that differ -----------------------------------------------------------------------


def parted(*frames, meta=None):
    """A collection of these partitions, which nobody compares with each other."""
    meta = frames[0].iloc[:0] if meta is None else meta
    return dd.from_map(lambda i: frames[i], range(len(frames)), meta=meta)


def z(n, seed=0):
    return np.random.default_rng(seed).normal(size=n)


INTEGERS = pd.Series(np.arange(30) % 4)
GAPS = INTEGERS.astype(float).where(np.arange(30) % 7 > 0)
WORDS = pd.Series(list("abcab") * 6, dtype=object)
NOTHING = pd.Series([None] * 30, dtype=object)

DIFFERENT = {
    "integers and floats": (INTEGERS, pd.Series(z(30))),
    "floats and integers": (pd.Series(z(30)), INTEGERS),
    "integers and integers with gaps": (INTEGERS, GAPS, INTEGERS),
    "integers and nothing": (INTEGERS, pd.Series([np.nan] * 30), INTEGERS),
    "gaps and floats": (GAPS, pd.Series(z(30)), INTEGERS),
    "small and large integers": (INTEGERS.astype("i1"), INTEGERS + 1000),
    "text and nothing": (WORDS, NOTHING, WORDS),
    "nothing and text": (NOTHING, WORDS),
    "nothing and integers": (pd.Series([np.nan] * 30), INTEGERS),
    "text of two kinds": (WORDS, WORDS.astype("string")),
    "other words": (WORDS, WORDS.str.upper(), WORDS + "x"),
    "other categories": (WORDS.astype("category"), WORDS.str.upper().astype("category")),
    "categories in another order": (
        WORDS.astype("category"),
        WORDS.astype(pd.CategoricalDtype(list("cbaz"))),
    ),
    "categories and text": (WORDS.astype("category"), WORDS),
    "missing categories": (WORDS.where(WORDS != "a").astype("category"), WORDS.astype("category")),
    "nothing at all": (NOTHING, NOTHING),
    "row numbers": (pd.Series(np.arange(30)), pd.Series(np.arange(30, 60))),
    "rows that begin anew": (pd.Series(np.arange(30)), pd.Series(np.arange(30))),
    "falling": (pd.Series(np.arange(60, 30, -1)), pd.Series(np.arange(30, 0, -1))),
}


@pytest.mark.parametrize("name", DIFFERENT)
@pytest.mark.parametrize("empty", [False, True], ids=["", "and an empty one"])
def test_partitions_of_different_types(name, empty):
    parts = list(DIFFERENT[name])
    frames = [
        pd.DataFrame({"x": part, "y": z(30, i), "k": np.arange(30) // (i + 1) % 5 % 2})
        for i, part in enumerate(parts)
    ]
    together = pd.concat(frames, ignore_index=True)
    if empty:
        frames = [frames[0].iloc[:0], frames[0], frames[0].iloc[:0], *frames[1:]]
    lazy = parted(*frames)
    omit = {"nan_policy": "omit"}
    require_same(both(fastinfo.pairwise_mutual_information, (together, lazy), **omit))
    require_same(
        both(fastinfo.mutual_information, (together.x, lazy.x), (together.k, lazy.k), **omit)
    )
    counts = both(
        lambda one: (
            fastinfo.PairCounts(nan_policy="omit").update(one).mutual_information()
            if isinstance(one, pd.DataFrame)
            else lazily.pair_counts(one, nan_policy="omit").compute().mutual_information()
        ),
        (together, lazy),
    )
    require_same(counts)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((INTEGERS, WORDS), "x is int64 in some partitions and (large_)?string in others"),
        ((WORDS, INTEGERS), "x is (large_)?string in some partitions and int64 in others"),
    ],
)
def test_types_that_do_not_go_together(parts, told):
    lazy = parted(*(pd.DataFrame({"x": part, "k": INTEGERS}) for part in parts))
    for one in (
        lambda: fastinfo.top_pairs(lazy),
        lambda: fastinfo.mutual_information(lazy.x, lazy.k),
        lambda: lazily.pair_counts(lazy).compute(),
    ):
        with pytest.raises(ValueError, match=told) as caught:
            one()
        assert "\n" not in str(caught.value)


def test_partitions_of_another_schema_and_partitions_that_fail(tmp_path):
    whole = pd.DataFrame({"x": INTEGERS, "k": WORDS})
    lacking = parted(whole, whole.rename(columns={"k": "other"}))
    with pytest.raises(ValueError, match=r"partition 1 of the Dask collection: it lacks .* k"):
        fastinfo.top_pairs(lacking)
    more = parted(whole, whole.assign(more=1)[["more", "k", "x"]])
    assert fastinfo.top_pairs(more)[0].n_samples == 60

    def fail(i):
        if i:
            raise OSError("the disk\nis gone")
        return whole

    failing = dd.from_map(fail, range(2), meta=whole.iloc[:0])
    for one in (
        lambda: fastinfo.top_pairs(failing),
        lambda: fastinfo.mutual_information(failing.x, failing.k),
    ):
        with pytest.raises(ValueError, match=r"^a partition of .* cannot be computed: the disk$"):
            one()
    for i in range(2):
        whole.iloc[15 * i : 15 * i + 15].to_parquet(tmp_path / f"part{i}.parquet")
    lazy = dd.read_parquet(tmp_path)
    assert fastinfo.top_pairs(lazy)[0].n_samples == 30
    path = tmp_path / "part1.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"cannot be computed: .*") as caught:
        fastinfo.top_pairs(lazy)
    assert "\n" not in str(caught.value)


def test_columns_of_parquet_files_stay_side_by_side(tmp_path):
    """Dask joins files of which few columns are read, and not the same ones for each column."""
    frame = pd.DataFrame({"a": z(600), "b": np.arange(600) % 3, "text": ["long words"] * 600})
    frame["b"] += frame.a > 0
    for i in range(9):
        frame.iloc[i * 60 : i * 60 + 60 + 60 * (i == 8)].to_parquet(tmp_path / f"part{i}.parquet")
    lazy = dd.read_parquet(tmp_path)
    require_same(both(fastinfo.mutual_information, (frame.a, lazy.a), (frame.b, lazy.b)))
    require_same(both(fastinfo.top_pairs, (frame, lazy)))
    require_same(both(fastinfo.score, (frame, lazy), (frame.b, lazy.b)))


# --- a third variable -----------------------------------------------------------------------------


def require_same_but_rounded(found):
    """The same pairs; p-values are rounded in the order of the two features."""
    (one, said), (other, also_said) = found
    assert also_said == said
    assert [pair[:6] for pair in other] == [pair[:6] for pair in one]
    np.testing.assert_allclose([p[6:] for p in other], [p[6:] for p in one], rtol=1e-11)


@pytest.mark.parametrize("npartitions", [1, 4])
def test_pairs_given_columns_of_a_frame(rng, npartitions):
    n = 900
    frame = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(4)})
    frame["kind"] = rng.choice(["a", "b", "c"], n)
    frame.loc[::11, "kind"] = None
    frame["k"] = rng.integers(0, 3, n)
    frame["x1"] += frame["x0"] * (frame["kind"] == "b")
    frame.loc[:80, "kind"] = "a"  # others appear in later partitions
    pieces = [frame[:70], frame[70:70], frame[70:600], frame[600:]]
    lazy = dd.concat([dd.from_pandas(piece, npartitions=1) for piece in pieces])
    if npartitions == 1:
        lazy = dd.from_pandas(frame, npartitions=1)
    omit = {"nan_policy": "omit"}
    tables = frame, lazy
    for third in ("kind", ["kind", "k"], "x2"):
        function = fastinfo.pairwise_conditional_mutual_information
        require_same(both(function, tables, given=third, **omit))
        require_same(both(fastinfo.score, tables, ("x0", "x0"), given=third, **omit))
        require_same(both(fastinfo.top_pairs, tables, given=third, **omit))
        require_same_but_rounded(both(fastinfo.top_pairs, tables, given=third, fdr=0.3, **omit))
    require_same(both(fastinfo.top_interactions, tables, ("kind", "kind"), **omit))
    for third in ("kind", ["kind", "k"]):  # in several passes
        one, _ = both(fastinfo.top_pairs, tables, given=third, **omit)[0]
        assert fastinfo.top_pairs(lazy, given=third, memory_limit=12_000, **omit) == one


def test_pairs_of_arrays_given_samples(rng):
    X, z = numbers(rng), rng.integers(0, 4, 1000)
    X[:, 3] += z
    D, Z = da.from_array(X, chunks=(300, 4)), da.from_array(z, chunks=300)
    function, omit = fastinfo.pairwise_conditional_mutual_information, {"nan_policy": "omit"}
    for third, lazy in (
        (z, Z),
        (z, z),  # in memory beside the collection
        (np.column_stack([z, X[:, 0] > 0]), da.stack([Z, D[:, 0] > 0], axis=1)),
        (X[:, 0], D[:, 0]),
    ):
        pairs = (X, D), (None, None), (third, lazy)
        require_same(both(function, *pairs, **omit))
        require_same(both(function, *pairs, bins=(5, "quantile:3"), **omit))
    (one, _), (other, _) = [
        both(lambda X, z: fastinfo.score(X, X[:, 1], given=z, **omit), (X, D), (z, Z))
    ][0]
    assert repr(other) == repr(one)
    few = {"fastinfo.task-memory": 60_000}
    with dask.config.set(few):  # tiles of pairs in several tasks
        expected = function(X[:, :6], given=z, bins=8, **omit)
        found = function(D[:, :6], given=Z, bins=8, **omit)
    np.testing.assert_array_equal(found, expected)


def test_kept_counts_of_strata_are_a_part_of_a_graph(rng):
    n = 600
    frame = pd.DataFrame({"a": rng.integers(0, 4, n), "b": rng.integers(0, 3, n)})
    frame["z"] = rng.choice(["u", "v"], n)
    frame["c"] = (frame["a"] + (frame["z"] == "u")) % 4
    lazy = dd.from_pandas(frame, npartitions=5)
    for target in (None, "c"):
        counts = lazily.pair_counts(lazy, given="z", target=target).compute()
        expected = fastinfo.PairCounts(given="z", target=target).update(frame)
        assert counts.names == expected.names
        assert repr(counts) == repr(expected)
        matrix = counts.conditional_mutual_information()
        np.testing.assert_array_equal(matrix, expected.conditional_mutual_information())
        np.testing.assert_array_equal(counts.mutual_information(), expected.mutual_information())
        both_ = counts + expected
        assert both_.n_rows == 2 * n


# --- what is refused ------------------------------------------------------------------------------


def test_bad_input(rng, monkeypatch):
    x, X = da.from_array(rng.normal(size=60), chunks=20), da.ones((60, 3), chunks=20)
    frame = dd.from_pandas(pd.DataFrame({"a": np.arange(60) % 3, "b": z(60)}), npartitions=3)

    def refused(kind, told, function, *given, **options):
        with pytest.raises(kind, match=told) as caught:
            function(*given, **options)
        assert "\n" not in str(caught.value)

    pair, one = fastinfo.pairwise_mutual_information, fastinfo.mutual_information
    refused(ValueError, "x has 60, y has 59", one, x, x[1:])
    refused(ValueError, "have no known lengths|has no known lengths|no known", one, x[x > 0], z(9))
    refused(
        ValueError,
        "x has 3 partitions and y 2, whose",
        one,
        frame.a,
        frame.b.repartition(npartitions=2),
    )
    refused(ValueError, "numbers of samples differ: ", one, x[x > 0], x[x > 0.1])
    refused(ValueError, r"beside it has 60 samples", one, x, z(59))
    refused(ValueError, "x is a table in memory", one, {"a": z(60)}, x)
    refused(ValueError, "sample_weight: ", one, x, x, sample_weight=np.ones(60))
    refused(ValueError, "sample_weight: ", pair, X, sample_weight=np.ones(60))
    constant = da.zeros(60, chunks=20, dtype=int)
    refused(ValueError, "given is constant: all 60", fastinfo.top_pairs, X, given=constant)
    refused(
        ValueError, "x has 60 samples|has 59 samples|given has", fastinfo.top_pairs, X, given=x[1:]
    )
    refused(ValueError, "given: no column is called", fastinfo.top_pairs, frame, given="nobody")
    refused(ValueError, "no column is left beside", fastinfo.top_pairs, frame, given=["a", "b"])
    refused(ValueError, "given: no column", lazily.pair_counts, frame, given="nobody")
    refused(
        ValueError, "given: 'a' is the target", lazily.pair_counts, frame, given="a", target="a"
    )
    refused(TypeError, r"pass x.compute\(\)", fastinfo.pointwise_mutual_information, x, x)
    refused(TypeError, r"pass x.compute\(\)", fastinfo.encode, x)
    refused(ValueError, "X has 1 dimension, shape", pair, x)
    refused(ValueError, "x has 3 dimensions, shape", one, da.ones((2, 2, 2)), x)
    refused(ValueError, "unknown number of columns", one, X[:, X[0] > 0], x)
    refused(ValueError, "checkpoint: ", pair, X, checkpoint="somewhere")
    refused(ValueError, "no column is called 'nobody'", fastinfo.score, frame, "nobody")
    refused(ValueError, "bins='fd' needs all samples of x", one, x, x, bins="fd")
    refused(ValueError, "the table has no rows|no sample", fastinfo.top_pairs, frame[frame.a > 9])
    refused(ValueError, "no sample", one, x[x > 99], x[x > 99])
    refused(ValueError, "x has 60 missing values among 60", one, x * np.nan, x)
    refused(ValueError, "outside|missing values among 60", one, x, x, bins=[-0.1, 0, 0.1])
    refused(TypeError, "table is ndarray; accepted are Dask arrays", lazily.pair_counts, z(3))
    refused(TypeError, "at least one variable", lazily.joint_counts)
    refused(ValueError, "bins=0", lazily.joint_counts, x, bins=0)
    refused(ValueError, "target: no column is called", lazily.pair_counts, frame, target="nobody")
    refused(ValueError, "bins: no column is called", lazily.pair_counts, frame, bins={"c": 3})
    refused(TypeError, "x is a dask.*Index", one, frame.index, frame.a)
    twice = dd.from_pandas(pd.DataFrame(np.ones((4, 2)), columns=["a", "a"]), npartitions=1)
    refused(ValueError, "two columns called 'a'", fastinfo.top_pairs, twice)
    refused(ValueError, "two columns are called 'a': rename one", pair, frame, frame)
    many = da.arange(MOST_LABELS + 1, chunks=1 << 19)
    refused(ValueError, "more than 1,048,576 different categories", one, many, many)
    with dask.config.set({"fastinfo.task-memory": "1 kB"}):
        wide = da.from_array(rng.integers(0, 200, (600, 3)))
        refused(MemoryError, "or a larger fastinfo.task-memory", pair, wide)


def test_without_dask_the_way_out_is_told():
    code = "import sys; sys.modules['dask'] = None; import fastinfo.dask"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'dask[array,dataframe]' distributed" in done.stderr


def test_dask_is_not_imported_for_samples_in_memory():
    code = (
        "import sys, fastinfo, numpy as np; x = np.arange(9)\n"
        "fastinfo.mutual_information(x, x), fastinfo.top_pairs(np.stack([x, x], 1))\n"
        "assert not {'dask', 'distributed', 'xarray', 'joblib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- graphs ---------------------------------------------------------------------------------------


class Reads:
    """Counts how often a partition is read."""

    def __init__(self, frame, n):
        self.frame, self.n_read, self.lock = frame, 0, threading.Lock()
        parts = [dask.delayed(self.read, pure=False)(i) for i in range(n)]
        self.lazy = dd.from_delayed(parts, meta=frame.iloc[:0], verify_meta=False)

    def read(self, part):
        with self.lock:
            self.n_read += 1
        return self.frame.iloc[part::3]


def test_partitions_are_read_once_with_edges_and_twice_without():
    frame = pd.DataFrame({"x": z(300), "y": z(300, 1), "k": np.arange(300) % 3})
    edges = [-9.0, -1, 0, 1, 9]
    in_order = pd.concat([frame.iloc[i::3] for i in range(3)])
    for bins, columns, times in ((edges, ["x", "y"], 1), (4, ["x", "y"], 2), (None, "xyk", 2)):
        reads = Reads(frame, 3)
        columns = list(columns)
        counts = lazily.pair_counts(reads.lazy[columns], bins=bins)
        assert reads.n_read == 3 * (times - 1)
        counts = counts.compute()
        assert reads.n_read == 3 * times
        joint = lazily.joint_counts(reads.lazy.x, reads.lazy.y, bins=bins)
        expected = fastinfo.PairCounts(bins=bins).update(in_order[columns])
        np.testing.assert_array_equal(counts.mutual_information(), expected.mutual_information())
        assert counts.names == columns
        assert (counts + counts).n_rows == 600
        assert counts.update(in_order[columns]).n_rows == 600
        joint = joint.compute()
        alone = fastinfo.JointCounts(bins=bins).update(in_order.x, in_order.y)
        np.testing.assert_array_equal(joint.table, alone.table)
    by_name = {"x": edges, "k": 2}
    counts = lazily.pair_counts(dd.from_pandas(frame, npartitions=2), bins=by_name, target="k")
    expected = fastinfo.PairCounts(bins=by_name, target="k").update(frame)
    np.testing.assert_array_equal(
        counts.compute().mutual_information(), expected.mutual_information()
    )


def test_wide_tables_are_spread_over_tasks(rng, monkeypatch):
    X = rng.integers(0, 6, (400, 60)).astype(float)
    X[:, 7] = rng.normal(size=400)
    D = da.from_array(X, chunks=(90, 25))
    numbers_of_groups = []
    reduction = counted_parts.pairs_reduction

    def spied(decided, most):
        numbers_of_groups.append(len(decided.groups))
        assert all(
            sum(map(decided.layout.n_bytes, group)) <= 200_000 // 5 for group in decided.groups
        )
        return reduction(decided, most)

    monkeypatch.setattr(counted_parts, "pairs_reduction", spied)
    with dask.config.set({"fastinfo.task-memory": 200_000}):
        for function in (fastinfo.pairwise_mutual_information, fastinfo.top_pairs):
            require_same(both(function, (X, D)))
        limited = fastinfo.pairwise_mutual_information(D, memory_limit=100_000)  # several passes
    np.testing.assert_array_equal(limited, fastinfo.pairwise_mutual_information(X))
    assert min(numbers_of_groups[:2]) > 2
    assert len(numbers_of_groups) > 4


class InSixteenBins:
    bins = Edges(np.arange(17.0))


@pytest.mark.parametrize("bins", [16, None], ids=["equal width", "quantiles"])
def test_a_graph_of_1000_chunks_and_1000_columns_is_small(bins):
    D = da.ones((1000 * 10_000, 1000), chunks=(10_000, 1000))
    start = time.perf_counter()
    (scan,) = collections.scans_of([("X", D)])
    wishes = {name: as_it_is.wish(name, bins) for name in scan.columns}
    looks, _ = looking.reductions(wishes, scan.source.task_memory)
    layout = Layout([16] * 1000)
    groups, most = counted_parts.grouped(layout, layout.tiles, 10**7, scan.source.task_memory)
    coders = [InSixteenBins()] * 1000
    decided = counted_parts.Decided({}, scan.columns, coders, None, layout, groups)
    counts = [counted_parts.pairs_reduction(decided, most)]
    for reductions in (looks, counts):
        tasks = graphs.Tasks([])
        keys = scan.source.plan(tasks, "count", reductions, tasks.add("shared", None))
        assert len(tasks.delayed(keys[0][0]).__dask_graph__()) < 20_000
    assert time.perf_counter() - start < 30  # 1.5 s where nothing else runs


# --- xarray ---------------------------------------------------------------------------------------


def test_xarray_through_dask(rng):
    xr = library("xarray")
    values = {"a": rng.normal(size=200), "b": rng.integers(0, 3, 200), "c": np.arange(200) % 5}
    lazy = xr.Dataset({name: ("sample", da.from_array(v, chunks=60)) for name, v in values.items()})
    in_memory = pd.DataFrame(values)
    require_same(both(fastinfo.top_pairs, (in_memory, lazy)))
    require_same(both(fastinfo.score, (in_memory, lazy), ("b", "b")))
    require_same(both(fastinfo.mutual_information, (values["a"], lazy.a), (values["b"], lazy.b)))
    mixed = lazy.assign(d=("sample", np.arange(200) % 7))
    require_same(both(fastinfo.top_pairs, (in_memory.assign(d=np.arange(200) % 7), mixed)))
    X = np.stack(list(values.values()), axis=1)
    array = xr.DataArray(da.from_array(X, chunks=(50, 2)), dims=("sample", "feature"))
    require_same(both(fastinfo.pairwise_mutual_information, (X, array)))
    require_same(both(fastinfo.top_pairs, (in_memory, {n: lazy[n].data for n in "abc"})))
    with pytest.raises(ValueError, match="accepted are variables of one and the same dimension"):
        fastinfo.top_pairs(lazy.assign(d=("other", da.ones(3))))
