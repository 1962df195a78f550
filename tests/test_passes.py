"""Parquet files of many columns: pairs counted block by block of columns, and in passes."""

import ctypes
import itertools

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import require
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo.accumulators import pair_layout, rows_by_block
from fastinfo.accumulators.pair_layout import Layout
from fastinfo.inputs.scanning.column_blocks import stretches
from fastinfo.inputs.scanning.sources import Files, Position
from fastinfo.system import allocator

pytestmark = pytest.mark.filterwarnings(
    "ignore::fastinfo.PreparationWarning", "ignore::fastinfo.SaturationWarning"
)


def wide_table(n_columns, n_rows, seed=0):
    """Columns of few and of many bins, of numbers and of text, some with missing samples."""
    rng = np.random.default_rng(seed)
    hidden = rng.integers(0, 4, n_rows)
    columns = {}
    for j in range(n_columns):
        codes = (hidden + rng.integers(0, 2 + j % 5, n_rows)) % (4 + j % 3)
        if j % 10 == 9:
            columns[f"c{j}"] = hidden + rng.normal(size=n_rows)
        elif j % 10 == 8:
            words = np.array([f"word {i}" for i in range(8)], object)[codes]
            words[rng.random(n_rows) < 0.1] = None
            columns[f"c{j}"] = words
        elif j % 10 == 7:
            columns[f"c{j}"] = pa.array(codes, mask=rng.random(n_rows) < 0.05)
        elif j == 6:
            columns[f"c{j}"] = (10 * codes + rng.integers(0, 300, n_rows)).astype(str)
        else:
            columns[f"c{j}"] = codes.astype(np.int8)
    return pa.table(columns)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(pair_layout, "WIDEST", 16)
    monkeypatch.setattr(pair_layout, "FEWEST_HELD", 1 << 12)
    for module in ("accumulators.rows_by_block", "accumulators.pair_tables", "pairs.passes"):
        monkeypatch.setattr(f"fastinfo.{module}.ROWS_AT_ONCE", 256)
    monkeypatch.setattr("fastinfo.pairs.streaming.ROWS_AT_ONCE", 256)


@pytest.mark.parametrize(
    ("memory_limit", "rows", "bits_bytes"),
    [(None, 100, 1 << 12), (600_000, 900, 1 << 26), (600_000, 100, 1 << 12)],
)
def test_values_are_those_of_the_table_in_memory(
    tmp_path, small_blocks, monkeypatch, memory_limit, rows, bits_bytes
):
    monkeypatch.setattr(rows_by_block, "BITS_BYTES", bits_bytes)  # blocks are kept without bits
    found = wide_table(72, 1300)
    for part, start in enumerate((0, 1000)):  # row groups of both files may go together
        path = tmp_path / f"part{part}.parquet"
        pq.write_table(found.slice(start, 1000 - 700 * part), path, row_group_size=rows)
    told = []
    scan = fastinfo.scan(tmp_path, progress=lambda read: told.append(read.what))
    more = {"nan_policy": "omit", "memory_limit": memory_limit}
    expected = fastinfo.pairwise_mutual_information(found, nan_policy="omit")
    assert fastinfo.pairwise_mutual_information(scan, **more).equals(expected)
    assert ("pass 3 of" in " ".join(told)) == (memory_limit is not None)
    ranked = fastinfo.top_pairs(found, 30, nan_policy="omit", fdr=0.1)
    assert fastinfo.top_pairs(scan, 30, fdr=0.1, **more) == ranked
    left, right = found.column_names[:70], found.column_names[60:]
    sides = [fastinfo.scan(tmp_path, columns=names) for names in (left, right)]
    expected = fastinfo.top_pairs(found.select(left), 30, found.select(right), nan_policy="omit")
    assert fastinfo.top_pairs(sides[0], 30, sides[1], **more) == expected


def test_folders_that_name_a_column(tmp_path):
    found = wide_table(70, 400)
    years = np.repeat([2023, 2024], 200)
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
        path = tmp_path / f"year={year}" / "part.parquet"
        pq.write_table(found.filter(years == year), path, row_group_size=90)
    found = found.append_column("year", [years.astype(np.int32)])
    expected = fastinfo.score(found, "year", nan_policy="omit")
    assert fastinfo.score(fastinfo.scan(tmp_path), "year", nan_policy="omit") == expected


def test_counting_goes_on_where_it_was_stopped(tmp_path, small_blocks, monkeypatch):
    monkeypatch.setattr("fastinfo.pairs.streaming.SECONDS_BETWEEN_SAVES", 0)
    monkeypatch.setattr("fastinfo.inputs.scanning.scans.SECONDS_BETWEEN_REPORTS", 0)
    found = wide_table(80, 1500)
    pq.write_table(found, tmp_path / "t.parquet", row_group_size=200)
    expected = fastinfo.top_pairs(found, 40, nan_policy="omit")
    stops, seen = [400, 1000], []

    def stop(read):
        if read.what.startswith("counting"):
            seen.append((read.what, read.rows))
            if stops and read.rows >= stops[0] and read.rows % 200 == 0:
                stops.pop(0)
                raise KeyboardInterrupt

    def again():
        scan = fastinfo.scan(tmp_path, checkpoint=tmp_path / "kept", progress=stop)
        return fastinfo.top_pairs(scan, 40, nan_policy="omit", memory_limit=800_000)

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            again()
    before = len(seen)
    assert again() == expected
    what, rows = seen[before]
    assert what.startswith("counting, pass 1 of")
    assert rows > 800  # what was counted before is not read again


def test_a_file_that_changes_or_is_damaged_is_named(tmp_path):
    found = wide_table(70, 300)
    path = tmp_path / "t.parquet"
    pq.write_table(found, path, row_group_size=100)
    scan = fastinfo.scan(path)

    def change(read):
        if read.what.startswith("counting"):
            pq.write_table(found.slice(0, 299), path)

    whole = path.read_bytes()
    changing = fastinfo.scan(path, progress=change)
    with pytest.raises(ValueError, match=r"t.parquet has changed since"):
        fastinfo.top_pairs(changing, nan_policy="omit", memory_limit=200_000)
    path.write_bytes(whole[:5000] + bytes(20_000) + whole[25_000:])
    damaged = fastinfo.scan(path)
    with pytest.raises(ValueError, match=r"t.parquet (cannot be read|has changed)"):
        fastinfo.top_pairs(damaged, nan_policy="omit")
    path.unlink()
    with pytest.raises(ValueError, match=r"t.parquet is not there any more"):
        fastinfo.top_pairs(scan, nan_policy="omit")


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=60),
    st.integers(0, 3),
    st.sampled_from([None, 100, 10**6]),
    st.integers(17, 24),
)
def test_each_pair_is_in_one_tile_and_passes_fit_the_memory(n_bins, n_left, rows, magnitude):
    n_left = n_left if 0 < n_left < len(n_bins) else None
    layout = Layout(n_bins, n_left)
    every = range(len(n_bins))
    wanted = set(itertools.combinations(every, 2))
    if n_left:
        wanted = {(i, j) for i, j in wanted if i < n_left <= j}
    pairs = []
    for tile in layout.tiles:
        both = itertools.product(every[tile.left], every[tile.right])
        pairs += [(i, j) for i, j in both if (i, j) in wanted]
        for side in (tile.left, tile.right):
            assert len(set(layout.sizes[side].tolist())) == 1
            assert any(b.start <= side.start and side.stop <= b.stop for b in layout.blocks)
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == wanted
    assert [i for block in layout.blocks for i in every[block]] == list(every)
    limit = 1 << magnitude
    if max(map(layout.n_bytes, layout.tiles), default=0) <= limit:
        passes = layout.passes(limit, None, rows)
        assert sorted(itertools.chain(*passes)) == sorted(layout.tiles)
        assert all(sum(map(layout.n_bytes, tiles)) <= limit for tiles in passes)


def test_passes_of_many_columns_read_few_of_them():
    """Squares of b columns need m/b times the table, where their counts fill the memory."""
    layout = Layout([4] * 5000)
    passes = layout.passes(150_000_000, 10**7, 10**5)
    read = sum(len(layout.features(tiles)) for tiles in passes)
    assert read / 5000 < 1.5 * 5000 / (150_000_000 / 128) ** 0.5
    lefts = [{i for t in tiles for i in range(t.left.start, t.left.stop)} for tiles in passes]
    assert max(map(len, lefts)) * 10**5 <= 2 * pair_layout.FEWEST_HELD


def test_row_groups_go_together_up_to_a_number_of_rows(tmp_path):
    for name, n_rows in (("a", 250), ("b", 30), ("c", 500)):
        table = pa.table({"x": range(n_rows)})
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=100)
    files = Files(tmp_path, None, None)
    found = list(stretches(files, 200, Position()))
    assert [one.n_rows for one in found] == [200, 180, 200, 200]
    assert [one.position.pieces for one in found] == [2, 5, 7, 9]
    assert [groups for _, groups in found[1].parts] == [[2], [0], [0]]
    assert list(stretches(files, 200, Position(5))) == found[2:]
    assert next(stretches(files, 10, Position(8))).n_rows == 100
    assert not list(stretches(files, 10, Position(1 << 60)))


def test_memory_is_given_back_where_the_allocator_can(monkeypatch):
    assert allocator.give_back() in (True, False)
    allocator._trim.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())  # another C library
    assert not allocator.give_back()
    allocator._trim.cache_clear()
    monkeypatch.setattr("sys.platform", "win32")
    assert not allocator.give_back()
    allocator._trim.cache_clear()


def test_a_checkpoint_of_other_passes_is_refused(tmp_path, monkeypatch):
    """Another memory limit may make as many passes, of other pairs whose tables look alike."""
    rng = np.random.default_rng(5)
    table = pa.table({f"c{i:02}": rng.normal(size=4000) for i in range(12)})
    pq.write_table(table, tmp_path / "a.parquet")

    def top(limit, **more):
        scan = fastinfo.scan(tmp_path / "a.parquet", **more)
        return fastinfo.top_pairs(scan, 66, bins=465, min_samples=1, memory_limit=limit)

    def stop(read):
        if read.what.startswith("counting, pass 5 of 6"):
            raise KeyboardInterrupt

    kept = {"checkpoint": tmp_path / "kept"}
    monkeypatch.setattr("fastinfo.inputs.scanning.scans.SECONDS_BETWEEN_REPORTS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        top(26_018_150, **kept, progress=stop)
    with pytest.raises(ValueError, match=r"memory_limit=26018150, .* than with 22262169"):
        top(22_262_169, **kept)
    (tmp_path / "kept" / "memory_limit").rename(tmp_path / "limit")  # the tables tell it too
    with pytest.raises(ValueError, match="another run: its pairs of the passes differ"):
        top(22_262_169, **kept)
    (tmp_path / "limit").replace(tmp_path / "kept" / "memory_limit")
    assert top(26_018_150, **kept) == top(10**9)


@pytest.mark.parametrize("more", [{}, {"given": "c70"}])
def test_rows_of_bits_of_all_parts_share_their_memory(tmp_path, monkeypatch, more):
    """A row group of many parts, whose columns have few bins and many."""
    rng = np.random.default_rng(6)
    columns = {f"c{i}": rng.integers(0, 3 if i < 40 else 16, 3200) for i in range(80)}
    columns["c70"] = rng.integers(0, 3, 3200)
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    monkeypatch.setattr("fastinfo.pairs.passes.ROWS_AT_ONCE", 200)
    most = []
    made = rows_by_block.RowsByBlock.__init__

    def watched(self, *arguments, **named):
        made(self, *arguments, **named)
        most.append(self.most_bits)

    monkeypatch.setattr(rows_by_block.RowsByBlock, "__init__", watched)
    scan = fastinfo.scan(tmp_path / "a.parquet")
    found = fastinfo.top_pairs(scan, 20, **more)
    assert found == fastinfo.top_pairs(pa.table(columns), 20, **more)
    assert len(most) == 16 * (3 if more else 1)
    assert sum(most) <= rows_by_block.BITS_BYTES


@pytest.mark.parametrize("n_columns", [10, 70])
@pytest.mark.parametrize("more", [{}, {"given": "c0"}])
def test_kernels_of_a_device_count_scans_too(tmp_path, n_columns, more):
    """Integers and floats, some of them missing, of few columns and of many."""
    require("cupy")
    rng = np.random.default_rng(7)
    columns = {f"c{i}": rng.integers(0, 5, 600) for i in range(n_columns)}
    columns |= {"far": rng.choice([1, 10**9], 600), "x": rng.normal(size=600)}
    some = rng.random(600) < 0.1
    table = pa.table(
        {name: pa.array(own, mask=some & (name != "c0")) for name, own in columns.items()}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    scan = fastinfo.scan(tmp_path / "a.parquet")
    options = {"nan_policy": "omit", "bins": {"x": 4}, **more}
    found, expected = (
        fastinfo.top_pairs(scan, 30, backend=b, **options) for b in ("cupy", "numpy")
    )
    assert [(one.left, one.right) for one in found] == [(one.left, one.right) for one in expected]
    np.testing.assert_allclose(
        [one.value for one in found], [one.value for one in expected], rtol=1e-12
    )
