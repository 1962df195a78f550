"""A table that is read batch by batch is measured as the same table in memory."""

import errno
import gzip
import os
import re
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from conftest import library
from streamed import FINITE, table, values, write

import fastinfo
from fastinfo.inputs import preparation
from fastinfo.inputs.scanning import facts as facts_
from fastinfo.inputs.scanning import sketch
from fastinfo.inputs.scanning.scans import ROWS
from fastinfo.inputs.scanning.survey import TOO_MANY_LABELS, survey

pytestmark = pytest.mark.filterwarnings(
    "ignore::fastinfo.PreparationWarning", "ignore::fastinfo.SaturationWarning"
)


def both(function, path, in_memory, batch_rows=1 << 18, **options):
    """What a function returns for a table in memory and for a scan of it, and their warnings."""
    found = []
    for one in (in_memory, fastinfo.scan(path, batch_rows=batch_rows)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = function(one, **options)
        found.append((result, [str(warning.message) for warning in caught]))
    return found


@pytest.mark.parametrize("bins", [None, 8, "uniform", "quantile:5"])
@pytest.mark.parametrize(("n", "batch_rows"), [(7, 1), (200, 7), (3000, 997)])
def test_a_matrix_has_the_same_bits(tmp_path, bins, n, batch_rows):
    found = table(n, n).select(FINITE)
    (path,) = write(tmp_path, found, rows=max(n // 3, 2))
    for estimator in ("ml", "miller_madow"):
        (one, said), (other, also_said) = both(
            fastinfo.pairwise_mutual_information,
            path,
            found,
            batch_rows,
            bins=bins,
            estimator=estimator,
            nan_policy="omit",
        )
        assert said == also_said
        (a, names), (b, also) = values(one), values(other)
        assert names == also
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("policy", ["omit", "propagate"])
def test_ranks_and_scores_are_the_same(tmp_path, policy):
    found = table(3000, 5)
    (path,) = write(tmp_path, found, rows=1000)
    kinds = {"far apart": "number", "f64": "category", "date": "skip", "bool": "number"}
    options = {"bins": {"ties": 4, "i64": [-40, 0, 39]}, "kinds": kinds, "nan_policy": policy}
    # 3,000 different floats are categories: the pairs with them are counted sparsely.
    (a, said), (b, also) = both(fastinfo.top_pairs, path, found, k=400, threshold=-1, **options)
    assert a == b
    assert len(a) > 150
    assert said == also
    for target in ("text", "f32"):
        (a, said), (b, also) = both(
            lambda one, target=target, **more: fastinfo.score(one, target, **more),
            path,
            found,
            **options,
        )
        np.testing.assert_equal(a, b)
        assert said == also


def test_columns_with_very_many_categories_are_counted_sparsely(tmp_path, rng):
    n = 12_000
    words = np.array([f"w{i}" for i in range(5000)])
    found = pa.table({"many": words[np.arange(n) % 5000], "other": rng.integers(0, 3, n)})
    found = found.append_column("third", pa.array(words[(np.arange(n) * 7) % 4500]))
    (path,) = write(tmp_path, found, rows=5000)
    (a, _), (b, _) = both(fastinfo.pairwise_mutual_information, path, found, 999)
    np.testing.assert_array_equal(values(a)[0], values(b)[0])
    (a, _), (b, _) = both(fastinfo.top_pairs, path, found)
    assert a == b


def test_long_columns_have_the_same_bits_with_equal_bins(tmp_path, rng):
    # Beyond 2**20 samples sums are floating-point, so that their order matters.
    n = (1 << 20) + 12_345
    z = rng.normal(size=n)
    k = rng.integers(0, 50, n)
    found = pa.table({"x": z, "y": z + rng.normal(size=n), "k": k, "t": pa.array(k % 7)})
    (path,) = write(tmp_path, found, rows=300_000)
    (a, _), (b, _) = both(fastinfo.pairwise_mutual_information, path, found, bins=40)
    np.testing.assert_array_equal(values(a)[0], values(b)[0])


def test_long_columns_have_edges_whose_ranks_are_nearly_right(tmp_path, rng):
    n = 3 << 20
    library("datasketches")
    ties = np.where(rng.random(n) < 0.3, 0.25, rng.normal(size=n))
    found = pa.table({"x": rng.exponential(size=n), "ties": ties})
    (path,) = write(tmp_path, found, rows=500_000)
    prepared = survey(fastinfo.scan(path), bins="quantile:50")
    for column, name in zip(prepared.columns, ["x", "ties"], strict=True):
        n_bins, edges = column.facts.edges
        assert (n_bins, edges.size) == (50, 51)
        samples = np.sort(found[name].to_numpy())
        assert (column.facts.low, column.facts.high) == (samples[0], samples[-1])
        if name == "x":
            ranks = np.searchsorted(samples, edges) / n
            # 99 of 100 keep within the error; three times as much is as good as impossible.
            np.testing.assert_allclose(ranks, np.arange(51) / 50, atol=3 * sketch.RANK_ERROR)
    assert 0.25 in edges.tolist()  # it has a bin of its own
    exact = fastinfo.pairwise_mutual_information(found, bins="quantile:50")
    close = fastinfo.pairwise_mutual_information(fastinfo.scan(path), bins="quantile:50")
    np.testing.assert_allclose(values(close)[0], values(exact)[0], atol=2e-3)


def test_very_wide_tables_are_looked_at_some_columns_at_a_time(tmp_path, rng, monkeypatch):
    monkeypatch.setattr("fastinfo.inputs.scanning.survey.AT_ONCE", 3)
    found = table(500).select(FINITE)
    (path,) = write(tmp_path, found, rows=200)
    reports = []
    scan = fastinfo.scan(path, progress=reports.append)
    result = fastinfo.pairwise_mutual_information(scan, nan_policy="omit")
    assert result.equals(fastinfo.pairwise_mutual_information(found, nan_policy="omit"))
    assert reports[0].what == "looking at the columns, columns 1 of 8"


@pytest.mark.parametrize("bins", [("quantile:5", "uniform:4"), ("quantile", [-99.0, 0.0, 99.0])])
def test_bins_may_differ_for_both_sides(tmp_path, bins):
    found = table(500).select(["f64", "f32", "ties", "many"])
    write(tmp_path, found, rows=200)
    left, right = ["f64", "many"], ["f32", "ties"]
    expected = fastinfo.pairwise_mutual_information(
        found.select(left), found.select(right), bins=bins
    )
    result = fastinfo.pairwise_mutual_information(
        *(fastinfo.scan(tmp_path, columns=names) for names in (left, right)), bins=bins
    )
    assert result.equals(expected)


def test_numbers_with_too_many_values_to_count_go_to_the_sketch(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(facts_, "MOST_VALUES", 50)
    found = pa.table({name: table(3000, 1)[name] for name in ("many", "snowflakes", "moments")})
    (path,) = write(tmp_path, found, rows=1000)
    (a, _), (b, _) = both(fastinfo.pairwise_mutual_information, path, found, 100)
    np.testing.assert_array_equal(values(a)[0], values(b)[0])


def test_text_beyond_what_a_stream_holds_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("fastinfo.inputs.scanning.facts.MOST_LABELS", 20)
    words = [f"w{i % 30}" for i in range(300)]
    found = pa.table({"words": words, "x": np.arange(300) % 3, "y": np.arange(300) % 4})
    (path,) = write(tmp_path, found)
    prepared = survey(fastinfo.scan(path))
    assert prepared.decisions == {TOO_MANY_LABELS: ["words"]}
    with pytest.raises(ValueError, match="words has more than"):
        fastinfo.score(fastinfo.scan(path), "words")


# --- where tables come from ---------------------------------------------------------------------


def as_csv(found, path):
    pyarrow.csv.write_csv(found, path)


@pytest.mark.parametrize(
    ("ending", "put"),
    [("csv", as_csv), ("arrow", pyarrow.feather.write_feather), ("parquet", pq.write_table)],
)
def test_files_folders_and_globs(tmp_path, ending, put):
    found = table(300).select(["f64", "f32", "i64", "text"])
    for part in range(3):
        put(found.slice(part * 100, 100), tmp_path / f"{part}.{ending}")
    (tmp_path / "_hidden.txt").write_text("no table")
    expected = values(fastinfo.pairwise_mutual_information(found))
    paths = [tmp_path / f"{part}.{ending}" for part in range(3)]
    for source in (paths, tmp_path, str(tmp_path / f"*.{ending}"), f"file://{tmp_path}"):
        matrix, names = values(fastinfo.pairwise_mutual_information(fastinfo.scan(source)))
        assert names == expected[1]
        np.testing.assert_allclose(matrix, expected[0], rtol=1e-12)


def test_folders_may_hold_a_column(tmp_path):
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
        some = pa.table({"x": np.arange(40) % 4 + (year % 2)})
        pq.write_table(some, tmp_path / f"year={year}" / "a.parquet")
    (pair,) = fastinfo.top_pairs(fastinfo.scan(tmp_path))
    assert (pair.left, pair.right, pair.n_samples) == ("x", "year", 80)


def test_lazy_frames_and_streams(tmp_path):
    found = table(300).select(["f64", "null ints", "null text"])
    expected = fastinfo.top_pairs(found, nan_policy="omit")
    frame = pl.from_arrow(found)
    write(tmp_path, found, parts=3)
    dataset = pyarrow.dataset.dataset(tmp_path)
    for source in (frame.lazy(), frame, found, dataset, lambda: found.to_reader(50)):
        assert fastinfo.top_pairs(fastinfo.scan(source), nan_policy="omit") == expected


def test_relations(tmp_path):
    duckdb = library("duckdb")
    (path,) = write(tmp_path, table(300).select(["f64", "null ints", "null text"]))
    relation = duckdb.sql(f"select * from '{path}' where f64 > 0")
    expected = fastinfo.top_pairs(relation.to_arrow_table(), nan_policy="omit")
    assert fastinfo.top_pairs(fastinfo.scan(relation), nan_policy="omit") == expected


def test_a_filter_is_the_readers_own(tmp_path):
    found = table(300).select(["f64", "i64", "text"])
    (path,) = write(tmp_path, found, rows=100)
    condition = pc.field("i64") > 0
    expected = fastinfo.top_pairs(found.filter(condition))
    assert fastinfo.top_pairs(fastinfo.scan(path, where=condition)) == expected
    columns = fastinfo.top_pairs(fastinfo.scan(path, columns=["text", "i64"]))
    assert [(pair.left, pair.right) for pair in columns] == [("text", "i64")]


def test_reports_tell_how_far_a_pass_has_come(tmp_path):
    (path,) = write(tmp_path, table(300))
    reports = []
    fastinfo.top_pairs(fastinfo.scan(path, progress=reports.append), nan_policy="omit")
    assert [(one.rows, one.total) for one in reports] == [(300, 300)] * 2
    assert [one.what for one in reports] == ["looking at the columns", "counting, pass 1 of 1"]


def test_pairs_that_do_not_fit_the_memory_are_counted_in_passes(tmp_path):
    found = table(3000).select(["f64", "f32", "i64", "null ints", "text", "null text", "ties"])
    (path,) = write(tmp_path, found, rows=1000)
    for function in (fastinfo.pairwise_mutual_information, fastinfo.top_pairs):
        reports = []
        scan = fastinfo.scan(path, progress=reports.append)
        expected = function(found, nan_policy="omit")
        result = function(scan, nan_policy="omit", memory_limit=8000)
        assert result == expected if isinstance(expected, list) else result.equals(expected)
        plan = next(one.what for one in reports if "memory limit" in one.what)
        n_passes = int(re.search(r"(\d+) passes, which read 7, ", plan)[1])
        counted = [one.what for one in reports if one.what.startswith("counting")]
        assert counted == [f"counting, pass {i} of {n_passes}" for i in range(1, n_passes + 1)]
        assert n_passes >= 3
    with pytest.raises(MemoryError, match="bytes, and 10 are left for them"):
        fastinfo.top_pairs(fastinfo.scan(path), nan_policy="omit", memory_limit=10)


# --- what goes wrong ----------------------------------------------------------------------------


def test_what_cannot_be_scanned(tmp_path):
    found = table(30)
    with pytest.raises(TypeError, match=r"read once.*lambda"):
        fastinfo.scan(found.to_reader())
    with pytest.raises(TypeError, match="accepted are paths"):
        fastinfo.scan(5)
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere"):
        fastinfo.scan(tmp_path / "nowhere.parquet")
    with pytest.raises(FileNotFoundError, match="no file matches"):
        fastinfo.scan(str(tmp_path / "*.parquet"))
    (tmp_path / "x.xlsx").write_text("no table")
    with pytest.raises(ValueError, match=r"x.xlsx cannot be read batch by batch"):
        fastinfo.scan(tmp_path / "x.xlsx")
    with pytest.raises(ValueError, match="no column is called"):
        fastinfo.scan(found, columns=["nothing here"])
    with pytest.raises(ValueError, match="filter the stream itself"):
        fastinfo.scan(found, where=pc.field("i64") > 0)
    with pytest.raises(ValueError, match="write it to Parquet"):
        fastinfo.scan(found, checkpoint=tmp_path / "kept")
    (path,) = write(tmp_path, found)
    scan = fastinfo.scan(path)
    with pytest.raises(ValueError, match="takes no weights"):
        fastinfo.top_pairs(scan, sample_weight=np.ones(30), nan_policy="omit")
    with pytest.raises(ValueError, match=r'"auto"|.auto. needs all samples'):
        fastinfo.top_pairs(scan, bins="auto", nan_policy="omit")
    with pytest.raises(ValueError, match=r"null floats has .* missing values among 30"):
        fastinfo.top_pairs(scan)
    with pytest.raises(ValueError, match=r"pass it to fastinfo.scan"):
        fastinfo.top_pairs(scan, nan_policy="omit", checkpoint=tmp_path / "kept")
    with pytest.raises(ValueError, match="no rows"):
        fastinfo.top_pairs(fastinfo.scan(found.slice(0, 0)))
    with pytest.raises(ValueError, match="infinite has infinite values"):
        fastinfo.top_pairs(fastinfo.scan(table(300)), bins=4, nan_policy="omit")


def test_files_of_another_schema_are_named(tmp_path):
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "2.parquet")
    with pytest.raises(ValueError, match=r"2.parquet has other columns .*lacks b"):
        fastinfo.scan(tmp_path)
    pq.write_table(pa.table({"a": [1, 2], "b": [True, False]}), tmp_path / "2.parquet")
    with pytest.raises(ValueError, match=r"2.parquet has bool in column 'b'"):
        fastinfo.scan(tmp_path)


def test_files_that_differ_as_they_may(tmp_path):
    n = 60
    first = {"a": np.arange(n) % 3, "b": ["x", "y", "z"] * 20, "c": pa.nulls(n), "d": ["u"] * n}
    second = {
        "d": pa.array(["v", "w"] * 30).dictionary_encode(),
        "c": pa.array(np.arange(n) % 4),
        "b": ["y", "new", None] * 20,
        "a": np.arange(n) % 3 + 0.5,
    }
    pq.write_table(pa.table(first), tmp_path / "1.parquet")
    pq.write_table(pa.table(second), tmp_path / "2.parquet")
    whole = pa.table(
        {
            "a": np.concatenate([first["a"], second["a"]]),
            "b": first["b"] + second["b"],
            "c": pa.array([None] * n + (np.arange(n) % 4).tolist()),
            "d": first["d"] + ["v", "w"] * 30,
        }
    )
    expected = fastinfo.top_pairs(whole, 10, nan_policy="omit")
    assert fastinfo.top_pairs(fastinfo.scan(tmp_path), 10, nan_policy="omit") == expected
    assert len(expected) == 6


def test_text_files_may_differ_and_are_named_where_they_are_wrong(tmp_path):
    (tmp_path / "1.csv").write_text("a,b,c\n1,x,\n2,y,\n3,NA,\n")
    with gzip.open(tmp_path / "2.csv.gz", "wt") as file:
        file.write("b,a,c\nx,1.5,2020-01-01\nz,2,2020-01-02\n")
    scan = fastinfo.scan(tmp_path)
    assert [str(scan.type_of(name)) for name in "abc"] == ["double", "string", "date32[day]"]
    prepared = survey(scan)
    assert (prepared.n_rows, prepared.labels) == (5, ["a", "b", "c"])
    assert prepared.columns[0].facts.n_present() == 5
    assert prepared.columns[1].facts.labels == {"x": 2, "y": 1, "z": 1}
    assert prepared.columns[2].facts.n_present() == 2
    lines = "".join(f"{i},x,2020-01-01\n" for i in range(90_000))
    (tmp_path / "3.csv").write_text("a,b,c\n" + lines + "no number,x,2020-01-01\n")
    with pytest.raises(ValueError, match=r"3.csv cannot be read: .*'no number'.*Parquet keeps"):
        fastinfo.top_pairs(fastinfo.scan(tmp_path))


def test_damaged_files_are_named(tmp_path):
    paths = write(tmp_path, table(3000), rows=500, parts=2)
    whole = paths[1].read_bytes()
    paths[1].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"part1.parquet cannot be read as parquet"):
        fastinfo.scan(tmp_path)
    middle = len(whole) // 3
    paths[1].write_bytes(whole[:middle] + b"\xff" * 4000 + whole[middle + 4000 :])
    with pytest.raises(ValueError, match=r"part1.parquet cannot be read"):
        fastinfo.top_pairs(fastinfo.scan(tmp_path), nan_policy="omit")


@pytest.mark.parametrize("what", ["changes", "goes", "grows"])
def test_files_that_do_not_stay_as_they_are(tmp_path, what):
    ending = "csv" if what == "grows" else "parquet"
    found = table(3000).select(["f64", "i64", "text"])
    paths = [tmp_path / f"{part}.{ending}" for part in range(2)]
    for path in paths:
        as_csv(found, path) if ending == "csv" else pq.write_table(found, path)

    def disturb(read):
        if read.what.startswith("looking"):
            return
        if what == "changes":
            pq.write_table(found.slice(5), paths[1])
        elif what == "goes" and paths[1].exists():
            paths[1].unlink()
        elif what == "grows":
            with open(paths[1], "a") as file:
                file.write("1.5,3,a\n")

    scan = fastinfo.scan(tmp_path, batch_rows=100, progress=disturb)
    disturb(type("", (), {"what": "counting"}))
    said = "is not there any more" if what == "goes" else "has changed since"
    with pytest.raises(ValueError, match=rf"1.{ending} {said}"):
        fastinfo.top_pairs(scan)


def test_a_stream_that_changes(tmp_path):
    found = table(300).select(["f64", "i64", "text"])
    sizes = iter([300, 300, 200])
    with pytest.raises(ValueError, match="300 rows at first and 200 now"):
        fastinfo.top_pairs(fastinfo.scan(lambda: found.slice(0, next(sizes)).to_reader()))
    words = iter([["a", "b"], ["a", "b"], ["a", "c"]])

    def open_():
        return pa.table({"x": [0, 1] * 20, "w": next(words) * 20}).to_reader()

    with pytest.raises(ValueError, match=r"w had 40 rows, 0 of them missing, .* with 20 now"):
        fastinfo.top_pairs(fastinfo.scan(open_))


# --- going on after an end ----------------------------------------------------------------------


def test_counting_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("fastinfo.pairs.passes.FEWEST", 1)
    monkeypatch.setattr("fastinfo.pairs.passes.ROWS_A_CELL", 0)
    monkeypatch.setattr("fastinfo.pairs.streaming.SECONDS_BETWEEN_SAVES", 0)
    monkeypatch.setattr("fastinfo.inputs.scanning.scans.SECONDS_BETWEEN_REPORTS", 0)
    found = table(3000)
    write(tmp_path, found, rows=400, parts=2)
    expected = fastinfo.top_pairs(found, 40, nan_policy="omit")
    kept = tmp_path / "kept"
    stops = [1000, 2000, 2500, 3000]
    counted = []

    def stop(read):
        if read.what.startswith("counting"):
            counted.append(read.rows)
            if read.rows >= stops[0]:
                stops.pop(0)
                raise KeyboardInterrupt

    def again(**options):
        scan = fastinfo.scan(
            str(tmp_path / "*.parquet"), batch_rows=100, checkpoint=kept, progress=stop, **options
        )
        return fastinfo.top_pairs(scan, 40, nan_policy="omit")

    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            again()
    assert min(counted[-2:]) > 2400  # what was counted before is not read again
    stops.append(10**9)
    n_before = len(counted)
    assert again() == expected
    assert len(counted) - n_before < 5  # all was counted before
    with pytest.raises(ValueError, match="belongs to another run"):
        again(columns=["f64", "i64", "text"])
    os.utime(tmp_path / "part0.parquet", (1, 1))
    with pytest.raises(ValueError, match="belongs to another run"):
        again()


def test_passes_go_on_where_they_were_stopped(tmp_path):
    found = table(3000).select(["f64", "f32", "i64", "null ints", "text", "null text", "ties"])
    (path,) = write(tmp_path, found, rows=1000)
    reports = []

    def stop(read):
        reports.append(read.what)
        if read.what.startswith("counting, pass 3 of"):
            raise KeyboardInterrupt

    def again(progress, memory_limit=8000):
        scan = fastinfo.scan(path, checkpoint=tmp_path / "kept", progress=progress)
        return fastinfo.top_pairs(scan, 30, nan_policy="omit", memory_limit=memory_limit)

    with pytest.raises(KeyboardInterrupt):
        again(stop)
    expected = fastinfo.top_pairs(found, 30, nan_policy="omit")
    assert again(None) == expected
    with pytest.raises(ValueError, match="begun with memory_limit=8000, by which pairs may go in"):
        again(None, 16_000)
    passes = []
    assert again(lambda read: passes.append(read.what), None) == expected  # the same passes
    assert any(what.startswith("counting, pass 3 of") for what in passes)
    assert again(None, 10**9) == expected  # in one pass, beside
    (tmp_path / "kept" / "memory_limit").write_text("8,000")
    with pytest.raises(ValueError, match="memory_limit holds no memory limit: it is damaged"):
        again(None, None)


def test_a_full_disk_leaves_the_checkpoint_as_it_is(tmp_path, monkeypatch):
    (path,) = write(tmp_path, table(300))
    kept = tmp_path / "kept"

    def run():
        return fastinfo.top_pairs(fastinfo.scan(path, checkpoint=kept), nan_policy="omit")

    expected = run()
    (kept / "counts.npz").unlink()
    before = sorted(file.name for file in kept.iterdir())

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            run()
    assert sorted(file.name for file in kept.iterdir()) == before
    assert run() == expected


def test_scans_of_different_sources(tmp_path):
    found = table(300).select(["f64", "f32", "i64", "text"])
    paths = write(tmp_path, found, parts=2)
    one, other = (fastinfo.scan(path, columns=["f64", "i64"]) for path in paths)
    with pytest.raises(ValueError, match="scans of different sources"):
        fastinfo.top_pairs(one, 5, other)
    with pytest.raises(ValueError, match="a scan and a table in memory came together"):
        fastinfo.top_pairs(one, 5, np.ones((150, 2)))
    left, right = (
        fastinfo.scan(tmp_path, columns=names) for names in (["f64", "i64"], ["text", "f32"])
    )
    expected = fastinfo.top_pairs(
        found.select(["f64", "i64"]), 9, found.select(["text", "f32"]), threshold=-1
    )
    assert fastinfo.top_pairs(left, 9, right, threshold=-1) == expected
    assert len(expected) == 4


@pytest.mark.parametrize("name", ["counts.npz", "survey.npz"])
def test_checkpoints_that_are_damaged_or_of_another_version(tmp_path, name):
    (path,) = write(tmp_path, table(300))
    kept = tmp_path / "kept"

    def run():
        return fastinfo.top_pairs(fastinfo.scan(path, checkpoint=kept), nan_policy="omit")

    expected = run()
    assert run() == expected
    whole = (kept / name).read_bytes()
    (kept / name).write_bytes(whole[:-200])
    with pytest.raises(ValueError, match=name):
        run()
    assert (kept / name).read_bytes() == whole[:-200]
    (kept / name).write_bytes(whole)
    with np.load(kept / name, allow_pickle=False) as file:
        arrays = dict(file)
    text = str(arrays.pop("description"))
    newer = re.sub(r"(survey|PairCounts)/\d", r"\1/9", text)
    np.savez(kept / name, description=np.array(newer), **arrays)
    with pytest.raises(ValueError, match=name):
        run()


def test_rules_are_those_of_tables_in_memory(tmp_path):
    found = table(3000)
    (path,) = write(tmp_path, found, rows=700)
    one, other = preparation.prepare(found, "t"), survey(fastinfo.scan(path, batch_rows=333))
    assert (one.decisions, one.labels, one.incomplete) == (
        other.decisions,
        other.labels,
        other.incomplete,
    )


@pytest.mark.filterwarnings("ignore:Port 8787:UserWarning", "ignore::ResourceWarning")
def test_the_recipes_of_the_page_run(tmp_path, monkeypatch, capsys, rng):
    page = (Path(__file__).parents[1] / "docs" / "large-data.md").read_text("utf-8")
    (tmp_path / "events").mkdir()
    for part in range(2):
        kinds = rng.integers(0, 3, 500)
        columns = {
            "amount": rng.exponential(size=500) + kinds,
            "age": rng.integers(18, 90, 500),
            "kind": np.array(["view", "click", "buy"])[kinds],
        }
        pq.write_table(pa.table(columns), tmp_path / "events" / f"part{part}.parquet")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 6
    for block in blocks:
        exec(block, {"__name__": "__main__"})
    assert "1000 amount" in capsys.readouterr().out


def test_the_page_states_the_limits_that_hold():
    page = (Path(__file__).parents[1] / "docs" / "large-data.md").read_text("utf-8")
    for number in (sketch.BUFFER, facts_.MOST_VALUES, facts_.MOST_LABELS, ROWS):
        assert f"{number:,}" in page
    assert sketch.RANK_ERROR == 1.3e-4
    assert "0.013%" in page
