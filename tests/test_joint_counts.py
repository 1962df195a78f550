"""`JointCounts`: adding up, storing, and refusing."""

import copy
import io
import itertools
import math
import os
import pickle
import zipfile
from concurrent.futures import ThreadPoolExecutor

import naive
import numpy as np
import pandas as pd
import pytest
from conftest import library
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo import JointCounts, counting
from fastinfo.backends import load


def state(counts):
    """Everything that measures and further updates depend on."""
    return (
        counts.table.tolist(),
        repr(counts.bins),
        counts.n_missing,
        counts.n_samples,
        counts.nan_policy,
        counts.is_sparse,
        counts.is_weighted,
    )


def as_dict(counts):
    """{cell of categories: count}."""
    table = counts.table
    return {
        tuple(np.asarray(b)[i].item() for b, i in zip(counts.bins, cell, strict=True)): table[cell]
        for cell in zip(*np.nonzero(table), strict=True)
    }


# --- adding up ----------------------------------------------------------------------------------


@given(
    xs=st.lists(st.tuples(st.sampled_from("abcde"), st.integers(-3, 3)), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=4),
    sparse=st.sampled_from([None, False, True]),
)
def test_any_split_into_chunks_gives_the_same_counts(backend, xs, cuts, sparse):
    expected = naive.count(list(zip(*xs, strict=True)))
    borders = [0, *sorted(cuts), 40]
    parts = [xs[a:b] for a, b in itertools.pairwise(borders) if xs[a:b]]
    updated, added = (JointCounts(sparse=sparse, backend=backend) for _ in range(2))
    for part in parts:
        columns = list(zip(*part, strict=True))
        updated.update(*columns)
        added = added + JointCounts(sparse=sparse, backend=backend).update(*columns)
    for total in (updated, added):
        assert as_dict(total) == expected
        assert total.n_samples == len(xs)
        assert all(list(b) == sorted(b) for b in total.bins)


def test_weights_add_up_too(backend, rng):
    x, w = rng.integers(0, 4, 60), rng.random(60)
    total = JointCounts(backend=backend).update(x[:20], sample_weight=w[:20])
    total.update(x[20:], sample_weight=w[20:])
    assert total.is_weighted
    assert as_dict(total) == pytest.approx(dict(naive.count([x.tolist()], w)))
    mixed = JointCounts(backend=backend).update([0, 1]).update([1], sample_weight=[0.5])
    assert mixed.table.tolist() == [1, 1.5]


def test_addition_changes_neither_side(backend):
    left = JointCounts(backend=backend).update(["a", "b"])
    right = JointCounts(backend=backend).update(["c"])
    before = state(left), state(right)
    total = left + right
    total.update(["z"])
    assert (state(left), state(right)) == before
    assert as_dict(total) == {("a",): 1, ("b",): 1, ("c",): 1, ("z",): 1}


def test_categories_grow_past_the_code_dtypes(backend):
    counts = JointCounts(backend=backend)
    for chunk in np.array_split(np.arange(70_000), 7):
        counts.update(chunk[::-1])
    assert counts.n_samples == 70_000
    assert (counts.table == 1).all()
    assert fastinfo.entropy(counts) == pytest.approx(math.log(70_000))


def test_signed_and_unsigned_labels_merge_exactly(backend):
    counts = JointCounts(backend=backend).update(np.array([(1 << 53) + 1, 0]))
    counts.update(np.array([1 << 53, (1 << 64) - 1], "u8"))
    assert sorted(as_dict(counts)) == [(0,), (1 << 53,), ((1 << 53) + 1,), ((1 << 64) - 1,)]


def test_longer_strings_are_not_cut(backend):
    counts = JointCounts(backend=backend).update(["a"]).update(["abcdefgh"])
    assert list(as_dict(counts)) == [("a",), ("abcdefgh",)]


def test_bins_stay_those_of_the_first_samples(backend):
    counts = JointCounts(bins=4, nan_policy="omit", backend=backend).update([0.0, 4.0])
    with pytest.warns(fastinfo.OutsideBinsWarning, match="ranges from -1 to 9"):
        counts.update([1.0, 9.0, math.nan, -1.0])
    assert counts.table.tolist() == [1, 1, 0, 1]
    assert counts.n_missing == 3


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_known_edges_are_counted_by_without_a_look_before(
    backend, rng, monkeypatch, weighted, sparse
):
    """Whether samples lie outside is seen from their counts."""
    edges = np.array([0.0, 1.0, 2.5, 4.0])
    x, y = rng.uniform(0, 4, (2, 300))
    weights = rng.random(300) if weighted else None
    options = {"bins": edges, "sparse": sparse, "backend": backend}
    inside = JointCounts(**options).update(x, y, sample_weight=weights)
    monkeypatch.setattr(load(backend), "summarize", None)
    again = JointCounts(**options).update(x, y, sample_weight=weights)
    # A GPU adds weights in any order.
    np.testing.assert_allclose(again.table, inside.table, rtol=1e-12 if weighted else 0)
    assert again.n_missing == 0
    x[3], x[4], y[4], y[5] = -1.0, np.nan, 5.0, np.inf
    lacking = {3, 4, 5}
    for policy, is_unknown in (("omit", False), ("propagate", True)):
        counts = JointCounts(nan_policy=policy, **options).update(x, y, sample_weight=weights)
        assert counts.n_missing == len(lacking)
        assert counts.is_unknown == is_unknown
        kept = [i for i in range(300) if i not in lacking]
        rest = None if weights is None else weights[kept]
        expected = JointCounts(**options).update(x[kept], y[kept], sample_weight=rest)
        np.testing.assert_allclose(counts.table, expected.table, rtol=1e-12)
    strict = JointCounts(**options).update(x[10:], y[10:])
    before = strict.table
    with pytest.raises(ValueError, match="x has 2 missing values among 300"):
        strict.update(x, y)
    with pytest.raises(ValueError, match="y has 1 values outside of its edges"):
        strict.update(x[5:], y[5:])
    np.testing.assert_array_equal(strict.table, before)


def test_first_samples_without_a_value_leave_the_bins_open(backend):
    counts = JointCounts(nan_policy="omit", backend=backend).update([math.nan] * 3)
    assert counts.n_samples == 0
    counts.update([0.0, 1.0])
    assert counts.table.tolist() == [1, 1]
    assert counts.n_missing == 3


def test_variables_of_several_columns(backend, rng):
    x, y = rng.integers(0, 3, (40, 2)), rng.integers(0, 2, 40)
    counts = JointCounts(backend=backend).update(x, y)
    assert counts.n_variables == 2
    assert counts.shape == (9, 2)
    assert len(counts.bins[0]) == 2
    assert counts.marginal(1).tolist() == np.bincount(y).tolist()
    assert fastinfo.mutual_information(counts) == pytest.approx(
        naive.mutual_information(list(map(tuple, x.tolist())), y.tolist())
    )


def test_what_it_tells_of_itself(backend):
    counts = JointCounts(backend=backend)
    assert repr(counts) == "JointCounts(no samples yet)"
    counts.update([0, 1, 1], ["a", "b", "c"])
    assert repr(counts) == "JointCounts(x: 2 × y: 3 cells, dense, 3 samples, 0 missing)"


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (3, ValueError, r"shape \(\)"),
        ([], ValueError, r"shape \(0,\)"),
        ([1, -1], ValueError, "negative, NaN or infinite"),
        ([1, np.nan], ValueError, "negative, NaN or infinite"),
        ([0, 0], ValueError, "no samples: every count is 0"),
        (np.ma.array([3, 0], mask=[1, 0]), ValueError, "every cell is masked or 0"),
        (["a"], ValueError, "dtype <U1"),
        ([1 << 62, 1 << 62], ValueError, "2⁶³ samples or more"),
        (np.array([1 << 63, 1], "u8"), ValueError, "2⁶³ samples or more"),
        ([1e308, 1e308], ValueError, "table sums to inf"),
        ([1e-300], ValueError, "table sums to 1e-300"),
    ],
)
def test_tables_that_are_refused(table, error, message):
    with pytest.raises(error, match=message):
        JointCounts.from_table(table)


def test_a_table_is_copied():
    table = np.array([1, 2])
    counts = JointCounts.from_table(table)
    table[0] = 100
    assert counts.table.tolist() == [1, 2]


# --- refusing -----------------------------------------------------------------------------------

FAILING = {
    "no samples": ((), {}, TypeError, "at least one variable"),
    "one variable": (([0, 1],), {}, ValueError, "of 2 variables"),
    "three variables": (([0], ["a"], [1]), {}, ValueError, "of 2 variables"),
    "another width": ((np.zeros((2, 2), int), ["a", "b"]), {}, ValueError, "columns"),
    "unequal lengths": (([0, 1], ["a"]), {}, ValueError, "numbers of samples differ"),
    "missing": (([0, None], ["a", "b"]), {}, ValueError, "x has 1 missing values among 2"),
    "another type": (([0, 1], [0, 1]), {}, ValueError, "cannot be merged"),
    "floats": (([0.5, 1], ["a", "b"]), {}, ValueError, "floating-point samples were binned on one"),
    "empty": (([], []), {}, ValueError, "x is empty"),
    "weights": (([0], ["a"]), {"sample_weight": [-1]}, ValueError, "negative weights"),
}


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize(
    ("samples", "options", "error", "message"), FAILING.values(), ids=list(FAILING)
)
def test_a_failed_update_leaves_the_counts_as_they_were(
    backend, samples, options, error, message, sparse
):
    counts = JointCounts(sparse=sparse, backend=backend).update([0, 1, 1], ["a", "b", "b"])
    before = state(counts)
    with pytest.raises(error, match=message):
        counts.update(*samples, **options)
    assert state(counts) == before
    assert fastinfo.mutual_information(counts, base=2) == pytest.approx(0.9182958340544896)


def test_an_update_that_runs_out_of_memory_leaves_the_counts_as_they_were(backend, monkeypatch):
    counts = JointCounts(backend=backend).update([0, 1], [0, 1])
    before = state(counts)

    def fail(*_):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(counting, "add", fail)
        with pytest.raises(MemoryError):
            counts.update([5, 6], [7, 8])
    assert state(counts) == before


@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        (JointCounts().update([0], [1]), ValueError, "of 1 variables"),
        (JointCounts().update(["a"]), ValueError, "cannot be merged"),
        (JointCounts(bins=[0, 1]).update([0.5]), ValueError, "categories counted on the other"),
        (JointCounts(nan_policy="omit").update([0]), ValueError, "nan_policy is 'raise' on one"),
        (3, TypeError, "unsupported operand"),
    ],
)
def test_sums_that_make_no_sense(other, error, message):
    with pytest.raises(error, match=message):
        JointCounts().update([0, 1]) + other


def test_bins_that_differ_cannot_be_added():
    parts = [JointCounts(bins=edges).update([0.5]) for edges in ([0, 1], [0, 1, 2])]
    with pytest.raises(ValueError, match=r"the bins differ.*1 bins of \[0, 1\] and 2 bins of \[0,"):
        parts[0] + parts[1]


def test_labels_that_fit_no_integer_dtype_together():
    low, high = np.array([-1]), np.array([(1 << 64) - 1], "u8")
    with pytest.raises(ValueError, match="fit no integer dtype"):
        JointCounts().update(low).update(high)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda c: fastinfo.entropy(c), ValueError, "1 variables are needed.* have 2"),
        (lambda c: fastinfo.conditional_mutual_information(c), ValueError, "3 variables are"),
        (lambda c: fastinfo.mutual_information(c, [0]), TypeError, "pass them alone"),
        (lambda c: fastinfo.mutual_information([0], c), TypeError, "pass them alone"),
        (
            lambda c: fastinfo.kl_divergence(c, [0]),
            TypeError,
            "y is samples: count all of them, or none",
        ),
        (
            lambda c: fastinfo.kl_divergence(c, JointCounts().update([0])),
            ValueError,
            "of 2 and of 1 variables",
        ),
        (lambda c: fastinfo.mutual_information(c, bins=3), ValueError, "bins says how samples"),
        (
            lambda c: fastinfo.mutual_information(c, bins=np.array([0.0, 1.0])),
            ValueError,
            "bins says how samples",
        ),
        (
            lambda c: fastinfo.mutual_information(c, sample_weight=np.ones(2)),
            ValueError,
            "sample_weight says how samples",
        ),
        (lambda c: fastinfo.mutual_information(c, nan_policy="omit"), ValueError, "nan_policy"),
        (lambda c: fastinfo.mutual_information(JointCounts()), ValueError, "no samples yet"),
    ],
)
def test_measures_refuse_what_has_no_meaning_beside_counts(call, error, message):
    with pytest.raises(error, match=message):
        call(JointCounts().update([0, 1], [0, 1]))


def test_estimators_of_numbers_refuse_weights():
    counts = JointCounts().update([0, 1], sample_weight=[0.5, 1])
    with pytest.raises(ValueError, match="estimator='miller_madow' corrects for the number"):
        fastinfo.entropy(counts, estimator="miller_madow")


# --- storing ------------------------------------------------------------------------------------


def series(*arguments, **options):
    """A column of a table."""
    library("narwhals")
    return library("pandas").Series(*arguments, **options)


KEPT = {
    "integers": lambda: JointCounts().update([3, 1, 3], [-5, 7, 7]),
    "huge integers": lambda: JointCounts().update(np.array([(1 << 64) - 1, 0], "u8")),
    "booleans": lambda: JointCounts().update([True, False]),
    "strings": lambda: JointCounts().update(["b", "ä ∞", ""]),
    "bytes": lambda: JointCounts().update(np.array([b"x", b"yy"])),
    "categoricals": lambda: JointCounts().update(series(["u", "v"], dtype="category")),
    "pandas strings": lambda: JointCounts().update(series(["u", "v"])),
    "floats": lambda: JointCounts(bins=5).update([0.1, 0.9, 0.5]),
    "quantiles": lambda: JointCounts().update([0.0, 0.0, 1.0]),
    "missing": lambda: JointCounts(nan_policy="omit").update([0, None, 2]),
    "propagating": lambda: JointCounts(nan_policy="propagate").update([0.5, np.nan, 2]),
    "nothing but missing": lambda: JointCounts(nan_policy="omit").update([np.nan]),
    "sparse": lambda: JointCounts(sparse=True).update([0, 5], ["a", "b"]),
    "weights": lambda: JointCounts().update([0, 1], sample_weight=[0.1, 0.7]),
    "sparse weights": lambda: JointCounts(sparse=True).update([0, 1], sample_weight=[0.1, 0.7]),
    "two columns": lambda: JointCounts().update(np.array([[0, 1], [2, 3]]), [0.5, 0.25]),
    "a table": lambda: JointCounts.from_table([[1, 2], [3, 4]]),
}


@pytest.mark.parametrize("make", KEPT.values(), ids=KEPT)
def test_save_and_load(tmp_path, make):
    counts = make()
    counts.save(tmp_path / "counts.npz")
    loaded = JointCounts.load(tmp_path / "counts.npz")
    assert state(loaded) == state(counts)
    for ours, theirs in zip(loaded.bins, counts.bins, strict=True):
        if not isinstance(ours, list):
            assert ours.dtype == theirs.dtype
    if counts.n_samples and counts.n_variables == 1:
        np.testing.assert_equal(fastinfo.entropy(loaded), fastinfo.entropy(counts))
    with zipfile.ZipFile(tmp_path / "counts.npz") as archive:
        for name in archive.namelist():
            np.load(io.BytesIO(archive.read(name)), allow_pickle=False)


@pytest.mark.parametrize("name", ["floats", "strings", "sparse", "two columns"])
def test_loaded_counts_go_on(tmp_path, name):
    counts = KEPT[name]()
    path = tmp_path / "counts"  # no ending is added
    counts.save(path)
    loaded = JointCounts.load(str(path))
    more = {
        "floats": ([0.3, 0.7],),
        "strings": (["b", "new"],),
        "sparse": ([7], ["c"]),
        "two columns": (np.array([[0, 9]]), [0.5]),
    }[name]
    assert state(loaded.update(*more)) == state(counts.update(*more))
    assert os.listdir(tmp_path) == ["counts"]


@pytest.mark.parametrize(
    ("bins", "dtype"),
    [
        ([0, 1, 2, 3], "int64"),
        (np.array([-np.inf, 2, 3]), "uint8"),
        ((np.array([0, 3], "u1"), None), "int64"),
        ((None, [0.5, 1.1, 4]), "int64"),
        (("uniform:3", np.array([0.1, 3])), "float64"),
        ((np.int32(2), None), "float64"),
    ],
    ids=str,
)
def test_loaded_counts_bin_as_before(tmp_path, bins, dtype):
    """Edges are meant for integers too, an array is edges, a tuple one for each."""
    samples = np.array([0, 1, 2, 3], dtype), np.array([3, 2, 2, 1])
    counts = JointCounts(bins=bins, nan_policy="omit").update(*samples)
    counts.save(tmp_path / "counts.npz")
    loaded = JointCounts.load(tmp_path / "counts.npz")
    both = loaded + counts
    assert state(loaded.update(*samples)) == state(counts.update(*samples)) == state(both)


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "counts.npz"
    KEPT["integers"]().save(path)
    before = path.read_bytes()

    def fail(*_, **__):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", fail)
        with pytest.raises(OSError, match="no space"):
            KEPT["strings"]().save(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="no space"):
            KEPT["strings"]().save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["counts.npz"]


def test_nothing_to_save(tmp_path):
    with pytest.raises(ValueError, match="no samples yet"):
        JointCounts().save(tmp_path / "counts.npz")
    assert not os.listdir(tmp_path)


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def archive_of(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


DESCRIPTION = (
    '{"format": "fastinfo.JointCounts/1", "shape": [2], "nan_policy": "raise", "sparse": null, '
    '"n_missing": 0, "specification": null, '
    '"bins": [[{"edges": false, "uniform": false}]]}'
)


def described(**changes):
    """A file that save would write, but for some changes; None leaves an array out."""
    arrays = {
        "description": np.array(DESCRIPTION),
        "values": np.array([1, 2]),
        "bins0": np.array([0, 1]),
        **changes,
    }
    return archive_of(**{name: array for name, array in arrays.items() if array is not None})


def test_the_description_of_these_tests_is_one(tmp_path):
    (tmp_path / "good").write_bytes(described())
    assert JointCounts.load(tmp_path / "good").table.tolist() == [1, 2]


FOREIGN = {
    "empty": b"",
    "text": b"x,y\n1,2\n",
    "another archive": archive_of(x=np.arange(3)),
    "an array": npy(np.arange(3)),
    "a description that is no JSON": described(description=np.array("{")),
    "a description that is a list": described(description=np.array("[]")),
    "another format": described(description=np.array(DESCRIPTION.replace("/1", "/9"))),
    "another nan_policy": described(description=np.array(DESCRIPTION.replace("raise", "drop"))),
    "no counts": described(values=None),
    "no bins": described(bins0=None),
    "too few counts": described(values=np.array([1])),
    "too many bins": described(bins0=np.array([0, 1, 2])),
    "negative counts": described(values=np.array([1, -2])),
    "NaN": described(values=np.array([1, np.nan])),
    "counts that are text": described(values=np.array(["1", "2"])),
    "cells that are none": described(cells=np.array([[0, 7]])),
    "too few cells": described(cells=np.array([[0]])),
    "cells of two variables": described(cells=np.array([[0, 1], [0, 1]])),
    "fractional cells": described(cells=np.array([[0.0, 1.0]])),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_foreign_files_are_refused(tmp_path, content):
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"foreign\.npz holds no JointCounts"):
        JointCounts.load(path)


def test_nothing_is_ever_unpickled(tmp_path):
    bomb = np.array([Bomb(tmp_path / "exploded")], dtype=object)
    for content in (
        pickle.dumps(bomb),
        npy(bomb),
        described(values=bomb),
        described(bins0=bomb),
        described(description=bomb),
    ):
        path = tmp_path / "bomb.npz"
        path.write_bytes(content)
        with pytest.raises(ValueError, match="holds no JointCounts"):
            JointCounts.load(path)
    assert os.listdir(tmp_path) == ["bomb.npz"]


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        JointCounts.load(tmp_path / "none.npz")


def test_damaged_files_are_refused_or_harmless(tmp_path):
    """Every truncation, and every byte flipped once: an error, or the very same counts."""
    path = tmp_path / "counts.npz"
    counts = KEPT["sparse"]()
    counts.save(path)
    whole, expected = path.read_bytes(), state(counts)
    refused = 0
    damaged = [whole[:size] for size in range(0, len(whole), 7)]
    for position in range(len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << position % 8
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        try:
            loaded = JointCounts.load(path)
        except ValueError:
            refused += 1
        else:
            assert state(loaded) == expected
    assert refused > len(damaged) / 2


def test_sparse_is_a_boolean():
    with pytest.raises(TypeError, match="sparse='yes'; accepted are True, False"):
        fastinfo.JointCounts(sparse="yes")


# --- threads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["labels", "floats", "growing labels"])
def test_updates_from_several_threads_lose_nothing(backend, kind):
    """Each chunk twice: also under the eyes of a result that is the sum in one thread."""
    rng = np.random.default_rng(0)
    chunks = [rng.integers(0, 5, (2, 50)) for _ in range(120)]
    if kind == "floats":
        chunks = [
            np.sort(chunk + rng.random((2, 50)), axis=None).reshape(2, 50) for chunk in chunks
        ]
    if kind == "growing labels":
        chunks = [chunk + i for i, chunk in enumerate(chunks)]
    edges = [-1.0, 0.5, 2.0, 7.0] if kind == "floats" else None
    counts, expected = (fastinfo.JointCounts(bins=edges, backend=backend) for _ in range(2))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda chunk: counts.update(*chunk), chunks))
    for chunk in chunks:
        expected.update(*chunk)
    assert counts.n_samples == 120 * 50
    np.testing.assert_array_equal(counts.table, expected.table)


def test_the_first_of_several_threads_decides_the_bins(backend, rng):
    chunks = [rng.normal(size=300).clip(-2, 2) for _ in range(16)]
    for chunk in chunks:
        chunk[:2] = -2, 2
    counts = fastinfo.JointCounts(bins=8, backend=backend)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(counts.update, chunks))
    expected = np.histogram(np.concatenate(chunks), 8)[0]
    np.testing.assert_array_equal(counts.table, expected)


def test_counts_can_be_pickled_and_copied(backend):
    counts = fastinfo.JointCounts(backend=backend).update([0, 1, 1], ["a", "b", "b"])
    for other in (pickle.loads(pickle.dumps(counts)), copy.deepcopy(counts)):
        other.update([0], ["a"])
        assert other.table.tolist() == [[2, 0], [0, 2]]
    assert counts.table.tolist() == [[1, 0], [0, 2]]


# --- what counts tell of themselves -------------------------------------------------------------


def test_counts_are_called_as_the_columns_that_came(tmp_path):
    table = pd.DataFrame({"size": [1, 2, 2, 1], "kind": ["a", "b", None, "a"]})
    counts = fastinfo.JointCounts(nan_policy="omit").update(table["size"], table["kind"])
    assert repr(counts) == "JointCounts(size: 2 × kind: 2 cells, dense, 3 samples, 1 missing)"
    assert counts.names == ("size", "kind")
    assert {name: list(bins) for name, bins in counts.named_bins.items()} == {
        "size": [1, 2],
        "kind": ["a", "b"],
    }
    counts.save(tmp_path / "counts.npz")
    again = fastinfo.JointCounts.load(tmp_path / "counts.npz")
    assert again.names == (again + counts).names == ("size", "kind")
    plain = fastinfo.JointCounts().update([0, 1], [1, 1])
    assert list(plain.named_bins) == ["x", "y"]


def test_sum_adds_several_counts_up():
    parts = [fastinfo.JointCounts().update(x) for x in (["a", "b"], ["b"], ["c", "b"])]
    assert sum(parts).table.tolist() == [1, 3, 1]
    missing = fastinfo.JointCounts(nan_policy="omit").update([None, 1.0])
    assert sum([missing, missing]).n_missing == 2
    with pytest.raises(TypeError, match="unsupported operand"):
        5 + parts[0]


# --- tables and their columns -------------------------------------------------------------------


def test_columns_of_tables_are_matched_by_name(tmp_path):
    first = pd.DataFrame({"a": [0, 1, 1], "b": [0, 0, 2]})
    expected = JointCounts().update(pd.concat([first, first]))
    turned = first[["b", "a"]]
    updated = JointCounts().update(first).update(turned)
    added = JointCounts().update(first) + JointCounts().update(turned)
    JointCounts().update(first).save(tmp_path / "first.npz")
    loaded = JointCounts.load(tmp_path / "first.npz").update(turned)
    for counts in (updated, added, loaded):
        assert counts.table.tolist() == expected.table.tolist()
    sparse = JointCounts(sparse=True).update(first) + JointCounts(sparse=True).update(turned)
    assert sparse.table.tolist() == expected.table.tolist()
    assert fastinfo.kl_divergence(JointCounts().update(first), JointCounts().update(turned)) == 0
    with pytest.raises(ValueError, match="the counts alone has 'a', the samples alone has 'c'"):
        JointCounts().update(first).update(first.rename(columns={"a": "c"}))


def test_categories_of_integers_with_gaps_are_those_integers():
    """pandas makes floats of the labels of such a categorical."""  # noqa: D403
    plain = pd.Series([1, 2, 2]).astype("category")
    gaps = pd.Series([1, None, 3]).astype("category")
    for order in ((plain, gaps), (gaps, plain)):
        counts = JointCounts(nan_policy="omit")
        for chunk in order:
            counts.update(chunk)
        assert counts.bins[0].tolist() == [1, 2, 3]
        assert counts.table.tolist() == [2, 2, 1]


def test_values_outside_of_the_first_samples_bins_are_told(backend):
    """Under "omit" they would be lost without a word."""
    counts = JointCounts(nan_policy="omit", backend=backend).update([0.0, 1.0, 2.0, np.nan])
    told = r"x ranges from 1 to 9 in these samples, and its bins from 0 to 2, as the first samples"
    with pytest.warns(fastinfo.OutsideBinsWarning, match=told) as warning:
        counts.update([1.0, 9.0])
    assert warning[0].filename == __file__
    assert (counts.n_samples, counts.n_missing) == (4, 2)
    counts.update([1.0, np.nan])  # nothing outside, and nothing said: warnings are errors here
    edges = JointCounts(bins=[0, 1, 2], nan_policy="omit", backend=backend).update([0.5])
    assert edges.update([5.0]).n_missing == 1


def test_missing_samples_are_told_before_a_table_that_does_not_fit():
    x = np.where(np.arange(200_000) == 7, np.nan, 0.5)
    y = z = np.arange(200_000)
    with pytest.raises(ValueError, match="x has 1 missing values among 200000"):
        fastinfo.JointCounts(sparse=False).update(x, y, z)
