"""Pairs of tables that are not in memory, given a third variable: scans and kept counts."""

import itertools
import pickle
from pathlib import Path

import naive
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamed import table, values, write

import fastinfo
from fastinfo import PairCounts
from fastinfo.accumulators import pair_layout
from fastinfo.accumulators.pair_layout import Layout
from fastinfo.accumulators.strata_tables import StrataTables, numbers
from fastinfo.backends import choose, terms
from fastinfo.inputs import reading
from fastinfo.pairs import stored

pytest.importorskip("scipy")
pytestmark = pytest.mark.filterwarnings(
    "ignore::fastinfo.PreparationWarning", "ignore::fastinfo.SaturationWarning"
)

conditional = fastinfo.pairwise_conditional_mutual_information
NAMES = ["f64", "ties", "i64", "null ints", "nan floats", "text", "null text", "bool"]
TIMEZONES = Path(__file__).parents[1] / "docs" / "data" / "timezones.csv"


@pytest.fixture(scope="module")
def found():
    return table(1500, 4).select(NAMES)


def close(expected):
    return pytest.approx(expected, rel=1e-11, abs=1e-12, nan_ok=True)


def require_same_tests(found, expected):
    """Pairs with the same bits, and p-values that are rounded in one or the other order."""
    assert [pair[:6] for pair in found] == [pair[:6] for pair in expected]
    np.testing.assert_allclose([p[6:] for p in found], [p[6:] for p in expected], rtol=1e-11)


# --- scans ----------------------------------------------------------------------------------------

THIRDS = {
    "text": ("text", {}, 15_000),
    "missing text": ("null text", {}, 20_000),
    "two columns": (["bool", "null ints"], {}, 15_000),
    "floats in default bins": ("f64", {}, 20_000),
    "floats with NaN, in five bins": ("nan floats", {"bins": 5}, 10_000),
    "bins of its own": ("f64", {"bins": (4, "quantile:3")}, 6_000),
    "bins by name": ("f64", {"bins": {"f64": [-9.0, 0.0, 9.0], "i64": 4}}, 8_000),
    "edges that leave samples out": ("ties", {"bins": {"ties": [-0.5, 0.0, 0.5]}}, 10_000),
    "another estimator": ("text", {"estimator": "grassberger"}, 15_000),
    "a share": ("text", {"normalized": "min"}, 15_000),
}
"""A third variable, options, and bytes with which several passes are needed."""


@pytest.mark.parametrize("case", THIRDS)
def test_a_matrix_has_the_bits_of_the_table_in_memory(tmp_path, found, case):
    third, options, limit = THIRDS[case]
    write(tmp_path, found, rows=400, parts=2)
    for policy in ("omit", "propagate") if case == "missing text" else ("omit",):
        options = {**options, "nan_policy": policy}
        expected = values(conditional(found, given=third, **options))
        for memory_limit in (None, limit):
            told = []
            scan = fastinfo.scan(tmp_path, batch_rows=177, progress=lambda r: told.append(r.what))  # noqa: B023
            more = {**options, "memory_limit": memory_limit}
            matrix, names = values(conditional(scan, given=third, **more))
            np.testing.assert_array_equal(matrix, expected[0])
            assert names == expected[1]
            assert any("the memory limit is" in what for what in told) == (memory_limit == limit)


@pytest.mark.parametrize(
    ("third", "memory_limit"),
    [("null text", None), ("null text", 20_000), (["text", "bool"], 12_000)],
    ids=str,
)
def test_ranks_scores_and_p_values(tmp_path, found, third, memory_limit):
    (path,) = write(tmp_path, found, rows=400)
    told = []
    scan = fastinfo.scan(path, progress=lambda read: told.append(read.what))
    omit, more = {"given": third, "nan_policy": "omit"}, {"memory_limit": memory_limit}
    for options in ({}, {"rank_by": "value", "k": 7}, {"estimator": "miller_madow"}):
        expected = fastinfo.top_pairs(found, **omit, **options)
        assert fastinfo.top_pairs(scan, **omit, **options, **more) == expected
        assert len(expected) > 5
    expected = fastinfo.score(found, "f64", **omit)
    assert fastinfo.score(scan, "f64", **omit, **more) == expected
    for options in ({"fdr": 0.2}, {"p_values": True, "k": 5}):
        expected = fastinfo.top_pairs(found, **omit, **options)
        require_same_tests(fastinfo.top_pairs(scan, **omit, **options, **more), expected)
    expected = values(fastinfo.pairwise_p_values(found, **omit))[0]
    matrix = values(fastinfo.pairwise_p_values(scan, **omit, **more))[0]
    np.testing.assert_allclose(matrix, expected, rtol=1e-11, atol=1e-300)
    assert "counting each column" in told
    assert ("memory limit" in " ".join(told)) == (memory_limit is not None)


@pytest.mark.parametrize("memory_limit", [None, 20_000])
def test_interactions(tmp_path, found, memory_limit):
    (path,) = write(tmp_path, found, rows=400)
    scan, more = fastinfo.scan(path), {"memory_limit": memory_limit}
    for policy, target in (("omit", "null text"), ("propagate", "text")):
        options = {"nan_policy": policy}
        expected = fastinfo.pairwise_interaction(found, target, **options)
        matrices = fastinfo.pairwise_interaction(scan, target, **options, **more)
        for one, other in zip(matrices, expected, strict=True):
            np.testing.assert_array_equal(values(one)[0], values(other)[0])
        for by in ("corrected", "synergy", "value"):
            expected = fastinfo.top_interactions(found, target, 6, rank_by=by, **options)
            best = fastinfo.top_interactions(scan, target, 6, rank_by=by, **options, **more)
            assert best == expected


def test_the_two_sides_of_pairs(tmp_path, found):
    write(tmp_path, found, parts=2)
    left, right = ["f64", "text", "bool"], ["ties", "i64"]
    sides = [fastinfo.scan(tmp_path, columns=names) for names in (left, right)]
    options = {"given": "text", "nan_policy": "omit"}
    expected = conditional(found.select(left), found.select(right), **options)
    matrix = conditional(*sides, **options)
    np.testing.assert_array_equal(values(matrix)[0], values(expected)[0])
    # The third variable from a scan of its own.
    third = fastinfo.scan(tmp_path, columns=["text"])
    beside = [fastinfo.scan(tmp_path, columns=["f64", "bool"]), sides[1]]
    np.testing.assert_array_equal(values(conditional(*beside, given=third))[0], values(expected)[0])


def time_zones():
    names = ["region", "hemisphere", "is_whole_hour", "observes_summer_time", "abbreviation"]
    frame = reading.read(TIMEZONES, reading.Layout()).table
    return frame.select([name for name in names if name in frame.column_names])


@pytest.mark.parametrize("third", ["region", ["hemisphere", "is_whole_hour"]], ids=str)
def test_a_real_table_by_plain_loops(third):
    """Time zones, with gaps, in batches of 37 rows."""
    found = time_zones()
    rng = np.random.default_rng(1)
    columns = {
        name: [None if rng.random() < 0.1 else one for one in map(str, found[name].to_pylist())]
        for name in found.column_names
    }
    kinds = dict.fromkeys(columns, "category")
    scan = fastinfo.scan(pa.table(columns), batch_rows=37)
    options = {"nan_policy": "omit", "kinds": kinds, "min_samples": 1}
    pairs = fastinfo.top_pairs(scan, 99, given=third, **options)
    names = [third] if isinstance(third, str) else third
    rest = [name for name in columns if name not in names]
    assert len(pairs) == len(rest) * (len(rest) - 1) // 2
    for pair in pairs:
        z = [*zip(*(columns[name] for name in names), strict=True)]
        rows = [
            row
            for row in zip(columns[pair.left], columns[pair.right], z, strict=True)
            if None not in (row[0], row[1], *row[2])
        ]
        assert pair.n_samples == len(rows)
        assert pair.value == close(naive.conditional_mutual_information(*zip(*rows, strict=True)))


@pytest.mark.parametrize("n_features", [20, 70])
def test_wide_tables_and_pairs_with_many_cells(tmp_path, monkeypatch, n_features):
    rng = np.random.default_rng(3)
    columns = {f"x{i}": rng.integers(0, 3, 900) for i in range(n_features)}
    columns["x1"] = (columns["x0"] + rng.integers(0, 2, 900)) % 3
    columns["z"] = rng.choice(["a", "b", "c"], 900, p=[0.9, 0.09, 0.01])
    found = pa.table(columns)
    (path,) = write(tmp_path, found, rows=250)
    expected = values(conditional(found, given="z"))[0]
    for limit in (None, 1300 * n_features):
        monkeypatch.setattr(stored, "STRATA_CELLS", 1 << 19 if limit is None else 1)
        scan = fastinfo.scan(path)
        matrix = values(conditional(scan, given="z", memory_limit=limit))[0]
        np.testing.assert_array_equal(matrix, expected)
    monkeypatch.setattr(pair_layout, "LARGEST_PAIR_TABLE", 1)
    few = [f"x{i}" for i in range(5)] + ["z"]
    matrix = values(conditional(fastinfo.scan(path, columns=few), given="z"))[0]
    np.testing.assert_array_equal(matrix, expected[:5, :5])


def test_more_samples_than_sums_in_fixed_point_take(tmp_path, found, monkeypatch):
    (path,) = write(tmp_path, found)
    monkeypatch.setattr(terms, "MOST_FIXED", 100)
    options = {"given": "text", "nan_policy": "omit"}
    expected = values(conditional(found, **options))[0]
    assert values(conditional(fastinfo.scan(path), **options))[0] == close(expected)


def test_the_plan_of_passes_knows_the_strata(tmp_path, found):
    (path,) = write(tmp_path, found)

    def passes(limit, **options):
        told = []
        scan = fastinfo.scan(path, progress=lambda read: told.append(read.what))
        names = {"kinds": dict.fromkeys(["nan floats", "null ints", "null text"], "skip")}
        fastinfo.top_pairs(scan, memory_limit=limit, bins=8, **names, **options)
        return len({what for what in told if what.startswith("counting, pass")})

    layout = Layout([8, 8, 8, 2])  # f64, ties, i64 and bool
    needed = sum(map(layout.n_bytes, layout.tiles))
    assert sum(map(Layout([8, 8, 8, 2], n_tables=5).n_bytes, layout.tiles)) == 5 * needed
    alone = Layout([8, 8, 8, 2], n_tables=5).n_bytes_alone
    assert alone == 5 * 8 * (9 + 9 + 9 + 3)
    assert passes(5 * needed + alone, given="text") == 1  # no sample of it is missing
    assert passes(4 * needed + alone, given="text") == 2
    with pytest.raises(MemoryError, match=r"in 5 strata, which .* take .* bytes, and 1,000 are"):
        passes(1000, given="text")


def test_combinations_that_do_not_occur_take_no_memory(tmp_path, rng):
    """Two columns of 40 values, of which 40 combinations occur, and all others would not fit."""
    n = 2000
    columns = {f"x{i}": rng.integers(0, 4, n) for i in range(6)}
    columns["p"] = np.char.add("p", rng.integers(0, 40, n).astype(str))
    columns["q"] = np.char.add("q", np.char.lstrip(columns["p"], "p"))
    found, options = pa.table(columns), {"given": ["p", "q"]}
    (path,) = write(tmp_path, found)
    expected = fastinfo.top_pairs(found, **options)
    layout = Layout([4] * 6)
    alone = 40 * layout.n_bytes_alone
    needed = 40 * sum(map(layout.n_bytes, layout.tiles)) + alone
    half = needed - (needed - alone) // 2
    for limit, n_passes, counts in ((10**7, 1, False), (needed, 1, True), (half, 3, True)):
        told = []
        scan = fastinfo.scan(path, progress=lambda read: told.append(read.what))  # noqa: B023
        assert fastinfo.top_pairs(scan, memory_limit=limit, **options) == expected
        assert f"counting, pass {n_passes} of {n_passes}" in told
        assert ("counting the strata" in told) == counts
    kept = fastinfo.scan(path, checkpoint=tmp_path / "kept")
    for _ in range(2):
        assert fastinfo.top_pairs(kept, memory_limit=needed, **options) == expected


def test_a_run_goes_on_from_its_checkpoint(tmp_path, found, monkeypatch):
    from fastinfo.pairs import passes

    monkeypatch.setattr(passes, "FEWEST", 1)
    monkeypatch.setattr(passes, "ROWS_A_CELL", 0)
    (path,) = write(tmp_path, found, rows=100)
    kept, told = tmp_path / "kept", []

    def stop(read):
        told.append(read.what)
        if read.what.startswith("counting, pass") and 300 < read.rows < 1400:
            raise KeyboardInterrupt

    def run(progress, third="null text"):
        scan = fastinfo.scan(path, checkpoint=kept, progress=progress)
        return fastinfo.top_pairs(scan, given=third, nan_policy="omit")

    monkeypatch.setattr("fastinfo.inputs.scanning.scans.SECONDS_BETWEEN_REPORTS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        run(stop)
    with np.load(kept / "counts.npz", allow_pickle=False) as file:
        assert 0 < file["rows"].sum() < 1500
        assert -1 in file["strata"]  # those of samples in no stratum
    assert run(None) == fastinfo.top_pairs(found, given="null text", nan_policy="omit")
    for other in ("text", "bool"):
        with pytest.raises(ValueError, match="belongs to another run: its"):
            run(None, other)
    with pytest.raises(ValueError, match="belongs to another run: its"):
        fastinfo.top_pairs(fastinfo.scan(path, checkpoint=kept), nan_policy="omit")


BAD = {
    "constant": ("constant", "given: column 'constant' is skipped .constant or all missing"),
    "constant by its edges": ("f", "given is constant: all 60 samples have one value"),
    "another value in each": ("each", "given has another value in each of 60 samples"),
    "missing in all": ("nothing", "given: column 'nothing' is skipped .constant or all missing"),
    "missing in some": ("gaps", "gaps has 6 missing values among 60"),
    "several that together tell nothing": (["each", "k"], "another value in each of 60 samples"),
    "no such column": ("region", "given: no column is called 'region'"),
    "skipped": ("lists", "given: column 'lists' is"),
    "outside of its edges": ("g", "given is missing in all 60 samples"),
    "partly outside of its edges": ("f", "f has 30 missing values among 60"),
    "more bins than samples": ("f", "given has 100 bins for 60 samples"),
    "samples in memory": (np.arange(60) % 3, "name columns of the scan, such as given='constant'"),
    "estimator": ("k", "needs the whole table of three variables"),
    "weights": ("k", "takes no weights"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    third, message = BAD[case]
    n = 60
    scan = fastinfo.scan(
        pa.table(
            {
                "constant": np.ones(n, int),
                "each": [f"name {i}" for i in range(n)],
                "nothing": pa.nulls(n, pa.float64()),
                "gaps": pa.array(np.arange(n) % 3, mask=np.arange(n) % 10 == 0),
                "lists": [[1]] * n,
                "k": np.arange(n) % 2,
                "f": np.arange(n) / 7,
                "g": np.arange(n) % 7,
            }
        )
    )
    names = {"kinds": {"gaps": "skip"} if case != "missing in some" else {}}
    options = {
        "constant by its edges": {"bins": {"f": [-1.0, 100.0, 101.0]}},
        "outside of its edges": {"bins": {"g": [100.0, 101.0, 102.0]}},
        "partly outside of its edges": {"bins": {"f": [0.0, 1.0, 4.2]}},
        "more bins than samples": {"bins": {"f": 100}},
        "estimator": {"estimator": "nsb"},
        "weights": {"sample_weight": [1]},
    }.get(case, {})
    with pytest.raises(ValueError, match=message):
        fastinfo.top_pairs(scan, given=third, **names, **options)


def test_missing_samples_that_footers_do_not_tell(tmp_path, rng):
    columns = {name: rng.normal(size=200) for name in "abcz"}
    columns["z"][::10] = np.nan
    (path,) = write(tmp_path, pa.table(columns))
    for third, told in (("z", "^z has 20"), (["c", "z"], "^c or z has 20")):
        with pytest.raises(ValueError, match=rf"{told} missing values among 200: leave such"):
            fastinfo.top_pairs(fastinfo.scan(path), given=third, bins=3)


# --- several passes without a third variable ------------------------------------------------------


def test_what_is_asked_of_pairs_after_their_tables_are_gone(rng):
    """Pairs that lack samples, of few samples for their cells, in several passes."""
    columns = {
        f"c{i}": pa.array(rng.integers(0, 20, 300), mask=rng.random(300) < 0.1) for i in range(20)
    }
    found, kinds = pa.table(columns), dict.fromkeys(columns, "category")
    options = {"nan_policy": "omit", "kinds": kinds}
    more = {**options, "memory_limit": 200_000}
    for function, arguments in (
        (fastinfo.pairwise_mutual_information, {}),
        (fastinfo.top_pairs, {"rank_by": "value"}),
        (fastinfo.score, {"target": "c3"}),
    ):
        with pytest.warns(fastinfo.SaturationWarning) as expected:
            one = function(found, **options, **arguments)
        with pytest.warns(fastinfo.SaturationWarning) as said:
            other = function(fastinfo.scan(found), **more, **arguments)
        assert str(said[0].message) == str(expected[0].message)
        if function is fastinfo.pairwise_mutual_information:
            one, other = values(one)[0].tolist(), values(other)[0].tolist()
        assert one == other


# --- kept counts ----------------------------------------------------------------------------------

EDGES = {"f64": [-9, -1, 0, 1, 9.0], "ties": [-9, 0, 9.0], "nan floats": [-99, 0, 4, 99.0]}


def kept(samples, third, **options):
    return PairCounts(bins=EDGES, nan_policy="omit", given=third, **options).update(samples)


def in_memory(function, samples, *arguments, **options):
    """The answer of a function of all samples, with columns taken as they are."""
    more = {"bins": EDGES, "kinds": {"i64": "category"}, "nan_policy": "omit", **options}
    return function(samples, *arguments, **more)


@settings(max_examples=6)
@given(st.lists(st.integers(1, 1499), max_size=4, unique=True), st.data())
def test_any_batches_and_any_sums_give_the_same_bits(found, cuts, data):
    third = data.draw(st.sampled_from(["null text", ["text", "null ints"], "f64"]))
    expected = values(in_memory(conditional, found, given=third))
    total, parts = PairCounts(bins=EDGES, nan_policy="omit", given=third), []
    for start, stop in itertools.pairwise([0, *sorted(cuts), 1500]):
        # Batches differ in the values that occur, and in the order of columns.
        order = data.draw(st.permutations(NAMES))
        batch = found.slice(start, stop - start).select(order)
        total.update(batch)
        parts.append(kept(batch, third))
    for counts in (total, sum(parts), sum(reversed(parts)), pickle.loads(pickle.dumps(total))):
        assert counts.n_rows == 1500
        order = [counts.names.index(name) for name in expected[1]]
        matrix = counts.conditional_mutual_information()
        np.testing.assert_array_equal(matrix[np.ix_(order, order)], expected[0])


def test_a_scan_fills_counts_in_one_pass(found):
    counts = PairCounts(bins=EDGES, nan_policy="omit", given="null text")
    counts.update(fastinfo.scan(found, batch_rows=77))
    expected = kept(found, "null text").conditional_mutual_information()
    np.testing.assert_array_equal(counts.conditional_mutual_information(), expected)


def test_both_questions_are_answered(found):
    counts, plain = kept(found, "null text"), kept(found.drop(["null text"]), None)
    assert counts.names == [name for name in NAMES if name != "null text"]
    np.testing.assert_array_equal(counts.mutual_information(), plain.mutual_information())
    assert counts.top_pairs(9) == plain.top_pairs(9)
    assert counts.score("f64") == plain.score("f64")
    table_ = counts.joint_counts("text", "bool").table
    np.testing.assert_array_equal(table_, plain.joint_counts("text", "bool").table)
    third = {"given": "null text"}
    assert counts.top_pairs(9, **third) == in_memory(fastinfo.top_pairs, found, 9, **third)
    assert fastinfo.top_pairs(counts, 9, **third) == counts.top_pairs(9, **third)
    scores = in_memory(fastinfo.score, found, "text", **third)
    assert counts.score("text", **third) == scores
    assert kept(found, "null text", target="text").score(**third) == scores
    require_same_tests(
        counts.top_pairs(20, fdr=0.1, **third),
        in_memory(fastinfo.top_pairs, found, 20, fdr=0.1, **third),
    )
    (value, synergy) = fastinfo.pairwise_interaction(counts, "null text")
    expected = in_memory(fastinfo.pairwise_interaction, found, "null text")
    np.testing.assert_array_equal(value, values(expected.value)[0])
    np.testing.assert_array_equal(synergy, values(expected.synergy)[0])


def test_a_file_holds_the_strata(found, tmp_path):
    path = tmp_path / "counts.npz"
    for third, target in (("null text", None), (["text", "bool"], "f64")):
        counts = kept(found.slice(0, 1000), third, target=target)
        counts.save(path)
        loaded = PairCounts.load(path)
        assert repr(loaded) == repr(counts)
        assert loaded.given == counts.given
        for one in (loaded, counts):
            one.update(found.slice(1000))
        both = loaded + counts
        assert both.n_rows == 3000
        expected = counts.conditional_mutual_information()
        np.testing.assert_array_equal(loaded.conditional_mutual_information(), expected)
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
        key = arrays["strata"][0]
        assert '"fastinfo.PairCounts/2"' in str(arrays["description"])
    for name, wrong in (
        ("strata", arrays["strata"] + 1000),
        ("strata", arrays["strata"] * 0),
        ("rows", arrays["rows"] + 1),
        (f"stratum{key}.margins", arrays[f"stratum{key}.margins"] + 1),
        (f"stratum{key}.table0", -arrays[f"stratum{key}.table0"]),
    ):
        np.savez(path, **arrays | {name: wrong})
        with pytest.raises(ValueError, match=r"counts.npz holds no PairCounts"):
            PairCounts.load(path)
    kept(found, None).save(path)  # without strata it is what earlier versions read
    with np.load(path, allow_pickle=False) as file:
        assert '"fastinfo.PairCounts/1"' in str(file["description"])


def test_arrays_go_by_position(backend, rng):
    X = rng.integers(0, 3, (400, 4))
    X[:, 1] = (X[:, 0] + X[:, 2]) % 3
    counts = PairCounts(given=2, backend=backend).update(X[:100]).update(X[100:])
    assert counts.names == [0, 1, 3]
    matrix = counts.conditional_mutual_information()
    assert matrix == close(conditional(X[:, [0, 1, 3]], given=X[:, 2]))
    assert counts.top_pairs(1, given=2)[0][:2] == (0, 1)


def test_the_default_number_of_bins_is_that_of_three_variables(rng):
    X = rng.normal(size=(1000, 3))
    counts = PairCounts(given=2).update(X)
    assert {name: len(edges) - 1 for name, edges in counts.bins.items()} == dict.fromkeys(
        range(3), 6
    )
    expected = conditional(X[:, :2], given=X[:, 2])
    np.testing.assert_array_equal(counts.conditional_mutual_information(), expected)


def test_what_kept_counts_refuse(found):
    for wrong, kind in ((3.5, TypeError), ([], TypeError), (["text", "text"], ValueError)):
        with pytest.raises(kind, match="given="):
            PairCounts(given=wrong)
    with pytest.raises(ValueError, match="given: 'text' is the target"):
        PairCounts(given="text", target="text")
    with pytest.raises(ValueError, match="given: no column is called 'region'"):
        kept(found, "region")
    with pytest.raises(ValueError, match="no column is left beside given"):
        kept(found.select(["text", "bool"]), ["text", "bool"])
    counts, plain = kept(found, "text"), kept(found, None)
    with pytest.raises(ValueError, match=r"given is 'bool', and these .* counted given 'text'"):
        counts.top_pairs(given="bool")
    with pytest.raises(ValueError, match=r"given is ndarray, and these .* counted given 'text'"):
        fastinfo.top_pairs(counts, given=np.arange(1500))
    with pytest.raises(ValueError, match="these PairCounts are counted without a third variable"):
        plain.conditional_mutual_information()
    with pytest.raises(ValueError, match=r"given is .* on one side"):
        counts + plain
    with pytest.raises(ValueError, match="no column is called 'text'"):
        counts.score("text")
    with pytest.raises(ValueError, match="needs the whole table of three"):
        counts.top_pairs(given="text", estimator="nsb")
    with pytest.raises(ValueError, match=r"null text.* has .* missing"):
        PairCounts(given="null text").update(found.select(["text", "null text"]))
    one = pa.table({"a": [0, 1, 0], "b": [1, 0, 0], "z": [7, 7, 7]})
    with pytest.raises(ValueError, match="given is constant"):
        PairCounts(given="z").update(one).conditional_mutual_information()
    before = counts.conditional_mutual_information()
    with pytest.raises(ValueError, match="cannot be merged"):
        counts.update(found.set_column(NAMES.index("text"), "text", pa.array([3] * 1500)))
    np.testing.assert_array_equal(counts.conditional_mutual_information(), before)


def test_too_many_strata_for_the_memory(monkeypatch, rng):
    monkeypatch.setattr("fastinfo.accumulators.strata_tables.free_memory", lambda: 1 << 21)
    X = np.column_stack([rng.integers(0, 30, (4000, 6)), np.arange(4000)])
    with pytest.raises(MemoryError, match="the third variable has 4,000 values so far"):
        PairCounts(given=6).update(X)


def test_combinations_have_numbers_in_their_order():
    codes = [np.array([0, 2, 1, 3, 1]), np.array([1, 0, 4, 0, 3])]
    assert numbers(codes, [3, 4]).tolist() == [1, 8, 12, 12, 7]  # 12 lacks one of them
    with pytest.raises(MemoryError, match="more than can be numbered"):
        numbers([np.array([0])] * 3, [1 << 21] * 3)
    tables = StrataTables(Layout([2, 3]), (3, 4))
    kernels = choose("numpy")
    batch = [np.array([0, 1, 1, 0, 1]), np.array([0, 2, 1, 1, 2])]
    tables.update(batch, kernels, 2, numbers(codes, [3, 4]))
    assert sorted(tables.parts) == [-1, 1, 7, 8]
    assert (tables.n_rows, tables.n_outside, len(tables.strata)) == (5, 2, 3)
    more = tables.spread(
        [2, 3], [np.arange(2), np.arange(3)], third=((4, 4), [np.array([1, 2, 3]), np.arange(4)])
    )
    assert sorted(more.parts) == [-1, 5, 11, 12]
    assert pd.Series(tables.pooled().margin(1)).tolist() == [1, 2, 2]
