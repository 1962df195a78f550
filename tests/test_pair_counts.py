"""Counts of all pairs that batches are added to: every answer is that of all samples at once."""

import itertools
import math
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamed import table, values

import fastinfo
from fastinfo import PairCounts
from fastinfo.accumulators import pair_layout
from fastinfo.data import sizes

pytestmark = pytest.mark.filterwarnings(
    "ignore::fastinfo.PreparationWarning", "ignore::fastinfo.SaturationWarning"
)

EDGES = {
    "f64": [-9, -1, 0, 1, 9.0],
    "f32": np.linspace(-20, 20, 9),
    "ties": [-9, 0, 9.0],
    "null floats": [-99, 0, 4, 99.0],
    "many": [0, 3 * 10**6, 10**7],
}
AS_IT_IS = ["i8", "u8", "i64", "null ints", "far apart", "bool", "null bool", "text", "null text"]
NAMES = [*EDGES, *AS_IT_IS, "dictionary", "numbered"]
N = 3000


@pytest.fixture(scope="module")
def found():
    return table(N, 1).select(NAMES)


def in_memory(function, samples, *arguments, **options):
    """The answer of a function of all samples, with columns taken as they are."""
    kinds = {"many": "number", "i64": "category"}
    more = {"bins": EDGES, "kinds": kinds, "nan_policy": "omit", **options}
    return function(samples, *arguments, **more)


def batches(samples, cuts):
    for start, stop in itertools.pairwise([0, *sorted(cuts), samples.num_rows]):
        if stop > start:
            yield samples.slice(start, stop - start)


@settings(max_examples=8)
@given(st.lists(st.integers(0, N), max_size=4), st.data())
def test_any_batches_and_any_sums_give_the_same_bits(found, cuts, data):
    expected = values(in_memory(fastinfo.pairwise_mutual_information, found))[0]
    total, parts = PairCounts(bins=EDGES, nan_policy="omit"), []
    for batch in batches(found, cuts):
        order = data.draw(st.permutations(NAMES)) if parts else NAMES
        total.update(batch.select(order))
        parts.append(PairCounts(bins=EDGES, nan_policy="omit").update(batch.select(order)))
    for counts in (total, sum(parts), sum(reversed(parts))):
        order = [counts.names.index(name) for name in NAMES]
        matrix = counts.mutual_information()
        np.testing.assert_array_equal(matrix[np.ix_(order, order)], expected)
        assert counts.n_rows == N


def test_counts_are_those_of_a_counter(found):
    counts = PairCounts(bins=EDGES, nan_policy="omit")
    for batch in batches(found, [7, 1000]):
        counts.update(batch)
    for left, right in [("text", "null ints"), ("null text", "bool"), ("i8", "dictionary")]:
        a, b = found[left].to_pylist(), found[right].to_pylist()
        naive = Counter(pair for pair in zip(a, b, strict=True) if None not in pair)
        joint = counts.joint_counts(left, right)
        bins = [list(map(str, one)) for one in joint.bins]
        for i, j in itertools.product(range(len(bins[0])), range(len(bins[1]))):
            key = next((k for k in naive if list(map(str, k)) == [bins[0][i], bins[1][j]]), None)
            assert joint.table[i, j] == naive.get(key, 0)
        n = naive.total()
        x, y = (Counter() for _ in "xy")
        for (one, other), count in naive.items():
            x[one] += count
            y[other] += count
        value = math.fsum(
            c / n * math.log(c * n / (x[one] * y[other])) for (one, other), c in naive.items()
        )
        place = [counts.names.index(name) for name in (left, right)]
        assert counts.mutual_information()[*place] == pytest.approx(value, abs=1e-12)
        assert fastinfo.mutual_information(joint) == pytest.approx(value, abs=1e-12)
        assert joint.n_missing == N - n


@pytest.mark.parametrize("estimator", ["ml", "miller_madow"])
def test_ranks_scores_and_targets(found, estimator):
    counts = PairCounts(bins=EDGES, nan_policy="omit")
    for batch in batches(found, [100, 2000]):
        counts.update(batch)
    options = {"estimator": estimator}
    assert counts.top_pairs(50, **options) == in_memory(fastinfo.top_pairs, found, 50, **options)
    scores = in_memory(fastinfo.score, found, "text", **options)
    assert counts.score("text", **options) == scores
    assert fastinfo.score(counts, "text", **options) == scores
    one = PairCounts(bins=EDGES, nan_policy="omit", target="text")
    for batch in batches(found, [100, 2000]):
        one.update(batch)
    assert one.names[0] == "text"
    assert one.score(**options) == scores
    assert one.mutual_information(**options).shape == (1, len(NAMES) - 1)
    assert one.n_bytes < counts.n_bytes
    normalized = in_memory(fastinfo.pairwise_mutual_information, found, normalized="min")
    np.testing.assert_array_equal(
        counts.mutual_information(normalized="min"), values(normalized)[0]
    )
    with pytest.raises(ValueError, match="counts are of pairs of 'text'"):
        one.score("bool")
    with pytest.raises(ValueError, match="the pair of 'bool' and 'i8' is not counted"):
        one.joint_counts("bool", "i8")
    with pytest.raises(ValueError, match="are one feature"):
        counts.joint_counts("i8", "i8")


def test_p_values_are_those_of_all_samples(found):
    counts = PairCounts(bins=EDGES, nan_policy="omit")
    for batch in batches(found, [100, 2000]):
        counts.update(batch)
    expected = in_memory(fastinfo.top_pairs, found, 60, fdr=0.05)
    assert counts.top_pairs(60, fdr=0.05) == expected
    assert len(expected) > 20
    p_values = values(in_memory(fastinfo.pairwise_p_values, found))[0]
    np.testing.assert_array_equal(fastinfo.pairwise_p_values(counts), p_values)
    with pytest.raises(ValueError, match="given is 'text', and these PairCounts are counted with"):
        fastinfo.top_pairs(counts, given="text")
    with pytest.raises(ValueError, match="given is 'text', and these PairCounts are counted with"):
        fastinfo.score(counts, "bool", given="text")


def test_a_file_holds_all_there_is(found, tmp_path):
    for target in (None, "bool"):
        counts = PairCounts(bins=EDGES, nan_policy="omit", target=target)
        counts.update(found.slice(0, 2000)).save(tmp_path / "counts.npz")
        loaded = PairCounts.load(tmp_path / "counts.npz")
        assert repr(loaded) == repr(counts)
        assert loaded.names == counts.names
        for one in (loaded, counts):
            one.update(found.slice(2000))
        np.testing.assert_array_equal(loaded.mutual_information(), counts.mutual_information())
        both = loaded + counts
        assert both.n_rows == 2 * N
        assert both.bins.keys() == counts.bins.keys()


def test_files_that_hold_no_counts(found, tmp_path):
    path = tmp_path / "counts.npz"
    PairCounts(bins=EDGES, nan_policy="omit").update(found).save(path)
    whole = path.read_bytes()
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)

    def refused():
        with pytest.raises(ValueError, match=r"counts.npz holds no PairCounts"):
            PairCounts.load(path)

    path.write_bytes(whole[: len(whole) // 2])
    refused()
    path.write_bytes(b"no counts")
    refused()
    text = str(arrays["description"])
    np.savez(path, **arrays | {"description": np.array(text.replace("Counts/1", "Counts/9"))})
    refused()
    for name, wrong in (
        ("table0", arrays["table0"][..., :-1]),
        ("table0", -arrays["table0"]),
        ("margins", arrays["margins"] + 1),
    ):
        np.savez(path, **arrays | {name: wrong})
        refused()
    np.savez(path, **{name: array for name, array in arrays.items() if name != "table0"})
    refused()
    fastinfo.JointCounts().update([0, 1]).save(path)
    refused()


@pytest.mark.parametrize(
    "make",
    [
        lambda columns: columns,
        pd.DataFrame,
        pl.DataFrame,
        pa.table,
        lambda columns: np.stack(list(columns.values()), axis=1),
    ],
    ids=["dict", "pandas", "polars", "arrow", "numpy"],
)
def test_batches_of_any_table(make, backend, rng):
    columns = {name: rng.integers(0, k, 500) for name, k in (("a", 3), ("b", 4), ("c", 300))}
    columns["b"] += columns["a"]
    expected = fastinfo.pairwise_mutual_information(np.stack(list(columns.values()), axis=1))
    counts = PairCounts(backend=backend)
    for part in (slice(0, 100), slice(100, 500)):
        counts.update(make({name: column[part] for name, column in columns.items()}))
    np.testing.assert_allclose(counts.mutual_information(), expected, rtol=1e-12)


def test_pairs_with_very_many_cells_are_sparse(rng, monkeypatch, tmp_path):
    columns = {name: rng.integers(0, k, 3000) for name, k in (("a", 5000), ("b", 900), ("c", 3))}
    expected = fastinfo.pairwise_mutual_information(columns, kinds=dict.fromkeys("ab", "category"))
    assert isinstance(expected, np.ndarray)
    for most in (sizes.LARGEST_PAIR_TABLE, 100):
        monkeypatch.setattr(pair_layout, "LARGEST_PAIR_TABLE", most)
        counts = PairCounts()
        for part in (slice(0, 1000), slice(1000, 1001), slice(1001, 3000)):
            counts.update({name: column[part] for name, column in columns.items()})
        counts.save(tmp_path / "counts.npz")
        for one in (counts, PairCounts.load(tmp_path / "counts.npz")):
            matrix = one.mutual_information()
            np.testing.assert_allclose(matrix, expected, rtol=1e-12)
        joint = counts.joint_counts("b", "a")
        assert joint.n_samples == 3000
        np.testing.assert_array_equal(
            joint.marginal(0), np.bincount(columns["b"])[np.unique(columns["b"])]
        )


def test_wide_tables_are_counted_in_tall_tiles(rng):
    X = rng.integers(0, 3, (400, 150))
    counts = PairCounts().update(X[:123]).update(X[123:])
    np.testing.assert_array_equal(
        counts.mutual_information(), fastinfo.pairwise_mutual_information(X)
    )
    assert max(tile.left.stop - tile.left.start for tile in counts._tables.tiles) > 1


def test_missing_samples(rng):
    X = rng.normal(size=(300, 3))
    X[::7, 1] = np.nan
    with pytest.raises(ValueError, match=r"X\[:, 1\] has 43 missing values"):
        PairCounts().update(X)
    counts = PairCounts(nan_policy="propagate").update(X)
    matrix = counts.mutual_information()
    assert np.isnan(matrix[1]).all()
    assert np.isfinite(matrix[[0, 2]][:, [0, 2]]).all()


def test_what_does_not_fit_is_refused_and_changes_nothing(found):
    counts = PairCounts(bins=EDGES, nan_policy="omit")
    with pytest.raises(ValueError, match="hold no samples yet"):
        counts.save("nowhere.npz")
    counts.update(found.slice(0, 1000))
    before = counts.mutual_information()
    for wrong, told in (
        (found.drop(["i8"]), "these counts alone has 'i8'"),
        (found.set_column(0, "f64", pa.array(["a"] * N)), "holds categories that are no numbers"),
        (found.set_column(12, "text", pa.array([3] * N)), "cannot be merged"),
    ):
        with pytest.raises(ValueError, match=told):
            counts.update(wrong)
    np.testing.assert_array_equal(counts.mutual_information(), before)
    assert counts.n_rows == 1000
    with pytest.raises(ValueError, match="the bins differ"):
        counts + PairCounts(bins=EDGES | {"f64": [-9, 0, 9]}, nan_policy="omit").update(found)
    with pytest.raises(ValueError, match="nan_policy is 'omit' on one side"):
        counts + PairCounts()
    with pytest.raises(ValueError, match="no column is called 'nothing'"):
        PairCounts(target="nothing").update(found)
    for more in ({"bins": 3}, {"nan_policy": "omit"}, {"sample_weight": [1]}):
        with pytest.raises(ValueError, match="pass it to PairCounts"):
            fastinfo.pairwise_mutual_information(counts, **more)
    with pytest.raises(ValueError, match="kinds is for samples"):
        fastinfo.top_pairs(counts, kinds={})
    with pytest.raises(TypeError, match="unsupported operand"):
        counts + 1


def test_later_values_outside_of_the_first_bins_are_told(rng):
    counts = PairCounts(nan_policy="omit").update(rng.uniform(size=(100, 2)))
    with pytest.warns(fastinfo.OutsideBinsWarning):
        counts.update(rng.uniform(size=(100, 2)) + 5)
    assert counts.joint_counts(0, 1).n_missing == 100


def test_a_scan_fills_counts_in_one_pass(found):
    counts = PairCounts(bins=EDGES, nan_policy="omit")
    counts.update(fastinfo.scan(found, batch_rows=77))
    whole = PairCounts(bins=EDGES, nan_policy="omit").update(found)
    np.testing.assert_array_equal(counts.mutual_information(), whole.mutual_information())


@pytest.mark.parametrize("more", [{}, {"given": "b"}])
def test_sums_of_one_feature_go_on(more):
    table = {"a": [0, 1, 0, 1, 1], "b": [0, 0, 1, 1, 1]}
    one = {name: table[name] for name in ("a", *more.values())}
    counts = fastinfo.PairCounts(**more).update(one)
    total = (counts + counts).update(one)
    assert total.n_rows == 15
    assert sum([counts, counts]).update(one).n_rows == 15
