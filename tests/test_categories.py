"""Categories are the same wherever they come from, and are merged by what they are."""

import datetime
import decimal
import json
import tracemalloc
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo import JointCounts
from fastinfo.binning import categories
from fastinfo.inputs import arguments

D = decimal.Decimal


def by_label(counts):
    """{label of the only variable, with its type: samples}; empty categories are left out."""
    labels = counts.bins[0].tolist()
    assert len({(type(label), label) for label in labels}) == len(labels)
    pairs = zip(labels, counts.table.tolist(), strict=True)
    return {(type(label).__name__, label): count for label, count in pairs if count}


def counted(samples):
    """The same of a list, counted one by one."""
    return dict(Counter((type(sample).__name__, sample) for sample in samples))


def saved(counts, tmp_path):
    counts.save(tmp_path / "counts.npz")
    return JointCounts.load(tmp_path / "counts.npz")


# --- what is merged -----------------------------------------------------------------------------


def dictionary(labels, samples):
    """An Arrow dictionary whose labels stand in the order given."""
    positions = [None if sample is None else labels.index(sample) for sample in samples]
    return pa.DictionaryArray.from_arrays(pa.array(positions, pa.int32()), pa.array(labels))


def objects(samples):
    array = np.empty(len(samples), object)
    array[:] = samples
    return array


CONTAINERS = {
    "list": lambda labels, samples: list(samples),
    "NumPy": lambda labels, samples: np.array(samples),
    "objects": lambda labels, samples: objects(samples),
    "pandas": lambda labels, samples: pd.Series(samples),
    "pandas categories": lambda labels, samples: pd.Series(pd.Categorical(samples, labels)),
    "pandas ordered categories": lambda labels, samples: pd.Series(
        pd.Categorical(samples, labels, ordered=True)
    ),
    "pandas Arrow dictionary": lambda labels, samples: pd.Series(
        pd.array(dictionary(labels, samples), dtype=pd.ArrowDtype(dictionary(labels, []).type))
    ),
    "Arrow": lambda labels, samples: pa.array(samples),
    "Arrow dictionary": dictionary,
    "Arrow dictionaries": lambda labels, samples: pa.chunked_array(
        [dictionary(labels, samples[:3]), dictionary(labels[::-1], samples[3:])]
    ),
    "polars": lambda labels, samples: pl.Series(samples),
}
TEXT_CONTAINERS = {
    "StringDtype": lambda labels, samples: np.array(samples, "T"),
    "pandas strings": lambda labels, samples: pd.Series(samples, dtype="string"),
    "pandas Arrow": lambda labels, samples: pd.Series(samples, dtype=pd.ArrowDtype(pa.string())),
    "Arrow views": lambda labels, samples: pa.array(samples, pa.string_view()),
    "polars categories": lambda labels, samples: pl.Series(samples, dtype=pl.Categorical),
    "polars enum": lambda labels, samples: pl.Series(samples, dtype=pl.Enum(labels)),
}
TEXTS = ["b", "a", "", "ä ∞", "aa", "B", "1", "𝄞", "\uffff"]
ANY = ["list", "objects", "pandas", "pandas categories"]
KINDS_OF_LABELS = {
    "text": (TEXTS, [*CONTAINERS, *TEXT_CONTAINERS]),
    "integers": ([3, -1, 0, 1 << 40, -(1 << 62)], [*CONTAINERS]),
    "huge integers": ([1 << 63, (1 << 64) - 1, 3, (1 << 63) + 1], ANY),
    "booleans": ([True, False], [*CONTAINERS]),
}


@pytest.mark.parametrize("kind", KINDS_OF_LABELS)
@given(data=st.data())
def test_chunks_add_up_to_all_samples_at_once(tmp_path_factory, kind, data):
    """Of any container, in any order, with any order of the categories, added up in any way."""
    labels, containers = KINDS_OF_LABELS[kind]
    chunk = st.tuples(
        st.sampled_from(containers),
        st.permutations(labels),
        st.lists(st.sampled_from(labels), min_size=1, max_size=9),
        st.sampled_from(["update", "add", "load and add"]),
    )
    chunks = data.draw(st.lists(chunk, min_size=1, max_size=4))
    total = JointCounts()
    for container, shuffled, samples, way in chunks:
        column = {**CONTAINERS, **TEXT_CONTAINERS}[container](shuffled, samples)
        if way == "update":
            total.update(column)
            continue
        part = JointCounts().update(column)
        if way == "load and add":
            part = saved(part, tmp_path_factory.getbasetemp())
        total = total + part
    everything = [sample for _, _, samples, _ in chunks for sample in samples]
    assert by_label(total) == counted(everything)
    for ordered in (total.bins[0].tolist(), JointCounts().update(everything).bins[0].tolist()):
        assert ordered == sorted(ordered)


@pytest.mark.parametrize("container", [*CONTAINERS, *TEXT_CONTAINERS])
def test_every_container_of_text_has_the_same_counts(container):
    make = {**CONTAINERS, **TEXT_CONTAINERS}[container]
    samples = [*TEXTS, *TEXTS[:4], "b"]
    counts = JointCounts().update(make(TEXTS, samples))
    assert by_label(counts) == counted(samples)
    assert counts.bins[0].tolist() == sorted(TEXTS)
    assert counts.update(make(TEXTS[::-1], samples)).table.sum() == 2 * len(samples)
    assert by_label(counts) == counted(samples * 2)


@given(data=st.data())
def test_labels_of_several_types_add_up(tmp_path_factory, data):
    labels = [1, "1", 2.5, "a", 0, "True", b"a", -1, 1 << 70]
    drawn = st.lists(st.sampled_from(labels), min_size=1, max_size=9)
    chunks = data.draw(st.lists(drawn, min_size=1, max_size=4))
    total = JointCounts()
    for samples in chunks:
        shuffled = data.draw(st.permutations(labels))
        part = JointCounts().update(
            pd.Series(pd.Categorical(samples, pd.Index(shuffled, dtype=object)))
        )
        total = total + saved(part, tmp_path_factory.getbasetemp())
    assert by_label(total) == counted([sample for samples in chunks for sample in samples])
    keys = [(type(label).__name__, label) for label in total.bins[0].tolist()]
    assert keys == sorted(keys)


def test_dictionaries_in_another_order_are_the_same_distribution():
    left = pa.array(["low"] * 8 + ["mid", "high"])
    right = pa.array(["high", "mid"] + ["low"] * 8)
    for make in (lambda x: x, lambda x: x.dictionary_encode(), lambda x: x.to_pandas()):
        for measure in (fastinfo.kl_divergence, fastinfo.jensen_shannon_divergence):
            assert measure(make(left), make(right)) == 0
    counts = JointCounts().update(pa.array(["b", "a", "a"])).update(pa.array(["a", "a", "a"]))
    assert by_label(counts) == {("str", "a"): 5, ("str", "b"): 1}


def test_joint_tables_of_unsorted_categories_add_up(tmp_path):
    rows = [("b", 2), ("a", 1), ("b", 1), ("c", 2), ("a", 2), ("b", 2)]
    x, y = zip(*rows, strict=True)
    for sparse in (False, True):
        total = JointCounts(sparse=sparse)
        for part, labels in ((slice(0, 3), ["c", "b", "a"]), (slice(3, 6), ["a", "c", "b"])):
            chunk = JointCounts(sparse=sparse).update(
                dictionary(labels, x[part]), pd.Series(pd.Categorical(y[part], [2, 1]))
            )
            total = total + saved(chunk, tmp_path)
        cells = {
            (total.bins[0][i], total.bins[1][j]): total.table[i, j]
            for i, j in zip(*np.nonzero(total.table), strict=True)
        }
        assert cells == Counter(rows)
        assert total.is_sparse == sparse


def test_integers_of_any_width_are_one_type(tmp_path):
    counts = JointCounts().update(np.array([-3, 200], "i2"))
    for more in (np.array([200], "u1"), np.array([200], "u8"), pd.Series([200], dtype="category")):
        counts = counts + saved(JointCounts().update(more), tmp_path)
    assert by_label(counts) == {("int", -3): 1, ("int", 200): 4}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([1, 2], ["1", "2"]),
        ([True, False], [0, 1]),
        (np.array([b"a"]), ["a"]),
        (["a\0", "a"], [0, 1]),
        (pd.Series(pd.to_datetime(["2020-01-01"])).astype("category"), ["2020-01-01"]),
    ],
)
def test_columns_of_different_types_are_not_merged(left, right):
    with pytest.raises(ValueError, match="cannot be merged; give both sides samples of one type"):
        JointCounts().update(left).update(right)


# --- labels of every kind -----------------------------------------------------------------------

ns = np.datetime64("2020-01-01T00:00:00.000000001", "ns")

KINDS = {
    "one and its text": (lambda: pd.Categorical([1, "1", 1, "a"]), counted([1, "1", 1, "a"])),
    "text that ends in NUL": (
        lambda: ["a\0", "a", "a\0\0", "a"],
        counted(["a\0", "a", "a\0\0", "a"]),
    ),
    "the same of Arrow": (lambda: pa.array(["a\0", "a", None]), counted(["a\0", "a"])),
    "the same of pandas": (lambda: pd.Series(["a\0", "a"]), counted(["a\0", "a"])),
    "the same of polars": (lambda: pl.Series(["a\0", "a"]), counted(["a\0", "a"])),
    "bytes that end in NUL": (lambda: pd.Categorical([b"a\0", b"a"]), counted([b"a\0", b"a"])),
    "floats": (lambda: pd.Categorical([0.5, -0.0, 0.0, np.inf]), counted([0.5, 0.0, 0.0, np.inf])),
    "floats of Arrow": (lambda: dictionary([1.5, 0.5], [0.5, 1.5, 0.5]), counted([0.5, 1.5, 0.5])),
    "NaN in a dictionary": (
        lambda: pa.DictionaryArray.from_arrays(
            pa.array([0, 1, 2, 0]), pa.array([2.0, np.nan, 1.0])
        ),
        counted([2.0, 2.0, 1.0]),
    ),
    "null in a dictionary": (
        lambda: pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array([7, None])),
        counted([7, 7]),
    ),
    "booleans": (lambda: pd.Categorical([True, False, True]), counted([True, False, True])),
    "booleans as objects": (
        lambda: pd.Categorical([True, "True"]),
        counted([True, "True"]),
    ),
    "nullable integers": (
        lambda: pd.Series([1, 2, None], dtype="Int64").astype("category"),
        counted([1, 2]),
    ),
    "missing": (lambda: pd.Categorical(["b", None, np.nan, "a"]), counted(["a", "b"])),
    "unused": (lambda: pd.Categorical(["b"], ["z", "b", "a"]), counted(["b"])),
    "unused of Arrow": (
        lambda: dictionary(["z", "b", "a"], ["b", "a", "b"]),
        counted(["b", "a", "b"]),
    ),
    "dates": (
        lambda: pd.Series([ns, ns]).astype("category"),
        {("int", int(ns.astype("i8"))): 2},
    ),
    "dates with a zone": (
        lambda: pd.Series(pd.to_datetime(["2020-01-01"]).tz_localize("UTC")).astype("category"),
        counted(["2020-01-01 00:00:00+00:00"]),
    ),
    "intervals": (
        lambda: pd.cut([0.5, 1.5, 0.7], [0, 1, 2]),
        counted(["(0, 1]", "(1, 2]", "(0, 1]"]),
    ),
    "tuples": (
        lambda: pd.Categorical(objects([(1, "1"), (1, 1)]), objects([(1, 1), (1, "1")])),
        counted(["(1, '1')", "(1, 1)"]),
    ),
    "decimals": (
        lambda: dictionary([D("1.5"), D("0.5")], [D("0.5")] * 2),
        counted(["0.5", "0.5"]),
    ),
    "times": (
        lambda: dictionary([datetime.time(2), datetime.time(1)], [datetime.time(1)]),
        counted(["01:00:00"]),
    ),
}


@pytest.mark.parametrize("case", KINDS)
def test_labels_of_every_kind(tmp_path, case):
    make, expected = KINDS[case]
    counts = JointCounts(nan_policy="omit").update(make())
    for found in (counts, saved(counts, tmp_path)):
        assert by_label(found) == expected
        twice = found + counts
        assert by_label(twice) == {label: 2 * count for label, count in expected.items()}


def test_dates_in_another_unit_are_the_same():
    days = pd.Series(np.array(["2020-01-01", "1969-12-31"], "M8[s]")).astype("category")
    counts = (
        JointCounts().update(days).update(days.cat.rename_categories(lambda x: x.as_unit("ns")))
    )
    assert counts.table.tolist() == [2, 2]
    far = pd.Series(np.array(["3000-01-01"], "M8[s]")).astype("category")
    counts = JointCounts().update(days.cat.rename_categories(lambda x: x.as_unit("ns")))
    with pytest.raises(ValueError, match=r"do not fit datetime64\[ns\]"):
        counts.update(far)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: pd.Categorical([pd.Interval(0, 1), "a"]),
            TypeError,
            r"x holds categories of the types Interval, str; .* x.astype\(str\)",
        ),
        (
            lambda: pd.Categorical([Alike(1), Alike(2)], [Alike(1), Alike(2)]),
            ValueError,
            "different categories of type Alike that have the same text, 'alike': rename them",
        ),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        fastinfo.entropy(pd.Series(make()))


class Alike:
    """Objects that differ and do not show it."""

    def __init__(self, number):
        self.number = number

    def __eq__(self, other):
        return self.number == other.number

    def __hash__(self):
        return hash(self.number)

    def __lt__(self, other):
        return self.number < other.number

    def __str__(self):
        return "alike"


@pytest.mark.parametrize("labels", [[], ["a"]], ids=["none", "unused"])
def test_categoricals_without_a_sample(labels):
    column = pd.Series(pd.Categorical([None, None], labels))
    counts = JointCounts(nan_policy="omit").update(column)
    assert counts.n_samples == 0
    assert counts.n_missing == 2
    assert by_label(counts.update(pd.Series(["b"], dtype="category"))) == {("str", "b"): 1}


# --- files --------------------------------------------------------------------------------------


def old_file(path, labels, values, cells=None):
    """What earlier versions saved: text in the order of a dictionary."""
    description = {
        "format": "fastinfo.JointCounts/1",
        "shape": [len(label) for label in labels],
        "nan_policy": "raise",
        "sparse": None,
        "n_missing": 0,
        "specification": None,
        "bins": [[{"edges": False, "uniform": False}] for _ in labels],
    }
    arrays = {f"bins{i}": np.array(label) for i, label in enumerate(labels)}
    if cells is not None:
        arrays["cells"] = np.array(cells)
    with open(path, "wb") as file:
        np.savez(
            file, description=np.array(json.dumps(description)), values=np.array(values), **arrays
        )


def test_files_of_earlier_versions_are_brought_into_order(tmp_path):
    path = tmp_path / "old.npz"
    expected = {("a", 1): 1, ("b", 2): 7, ("c", 1): 5}
    old_file(path, [["b", "a", "c"], [2, 1]], [[7, 0], [0, 1], [0, 5]])
    dense = JointCounts.load(path)
    old_file(path, [["b", "a", "c"], [2, 1]], [7, 1, 5], [[0, 1, 2], [0, 1, 1]])
    sparse = JointCounts.load(path)
    for loaded in (dense, sparse):
        known = loaded + JointCounts().update(["c", "a", "b"], [1, 1, 2])
        grown = loaded + JointCounts().update(["a", "d"], [1, 1])
        for counts, more in (
            (loaded, {}),
            (known, {("c", 1): 6, ("a", 1): 2, ("b", 2): 8}),
            (grown, {("a", 1): 2, ("d", 1): 1}),
        ):
            x, y = counts.bins
            cells = zip(*np.nonzero(counts.table), strict=True)
            assert {(x[i], y[j]): counts.table[i, j] for i, j in cells} == expected | more
    assert sparse.is_sparse


def test_a_file_with_two_categories_of_one_name_is_refused(tmp_path):
    old_file(tmp_path / "old.npz", [["1", "a", "1"]], [1, 2, 3])
    with pytest.raises(ValueError, match=r"two of its categories have one name.*count the samples"):
        JointCounts.load(tmp_path / "old.npz")


@pytest.mark.parametrize(
    "told",
    [
        [["int", "1"]],
        [["list", [1]]],
        [["NoneType", None]],
        [["float", 1]],
        ["int"],
        3,
        [[1, 2, 3]],
    ],
)
def test_labels_of_foreign_files_are_refused(told):
    with pytest.raises((ValueError, TypeError)):
        categories.from_json(told)


# --- memory -------------------------------------------------------------------------------------

LONG = {
    "list": lambda texts: texts,
    "objects": objects,
    "StringDtype": lambda texts: np.array(texts, "T"),
    "pandas": pd.Series,
    "pandas categories": lambda texts: pd.Series(texts, dtype="category"),
    "Arrow": pa.array,
    "polars": pl.Series,
    "nested lists": lambda texts: [[text, "a"] for text in texts],
}


@pytest.mark.parametrize("container", LONG)
def test_one_long_label_does_not_widen_all(tmp_path, container):
    """As NumPy's text these 2,000 labels would take 160 MB."""
    texts = [f"{i}" for i in range(2_000)] + ["x" * 20_000]
    samples = LONG[container](texts)
    tracemalloc.start()
    counts = JointCounts(sparse=True).update(samples)
    (saved(counts, tmp_path) + counts).update(samples)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6
    labels = counts.bins[0][0] if container == "nested lists" else counts.bins[0]
    assert labels.tolist() == sorted(texts)


def test_codes_are_as_small_as_they_can_be():
    for n, dtype in ((255, "u1"), (256, "u2"), (70_000, "u4")):
        column = arguments.column([str(i) for i in range(n)], "x")
        assert column.values.dtype == dtype
        assert len(np.unique(column.values)) == n


@pytest.mark.parametrize(("constant", "value"), [("ODD", np.uint64(0)), ("MOST_HASHED", 0)])
@pytest.mark.parametrize("dtype", ["U5", ">U5", "S5"])
def test_text_of_which_hashes_tell_nothing_is_told_apart(monkeypatch, constant, value, dtype):
    samples = np.array(["b", "a", "", "ab", "a", "ba", "12345"] * 3, dtype)
    hashed = arguments.column(samples, "x")
    monkeypatch.setattr(categories, constant, value)
    monkeypatch.setattr(categories, "BLOCK", 4)
    found = arguments.column(samples, "x")
    assert found.categories.dtype.isnative
    assert found.categories[found.values].tolist() == samples.tolist()
    assert found.categories.tolist() == hashed.categories.tolist() == sorted({*samples.tolist()})
    np.testing.assert_array_equal(found.values, hashed.values)
