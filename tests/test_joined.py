"""Features that are counted together give the tables of all their pairs."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastinfo.accumulators import joined, pair_layout, pair_tables
from fastinfo.accumulators.joined import cover
from fastinfo.accumulators.pair_layout import Layout
from fastinfo.accumulators.pair_tables import PairTables
from fastinfo.backends import choose


@given(st.lists(st.integers(2, 40), min_size=2, max_size=14), st.integers(0, 3))
def test_each_pair_and_each_feature_is_taken_once(sizes, n_left):
    every = range(len(sizes))
    pairs = list(itertools.combinations(every, 2))
    if n_left:
        pairs = [(i, j) for i, j in pairs if i < n_left <= j]
    groups = cover(pairs, sizes)
    found = [(one.members[a], one.members[b]) for one in groups for a, b in one.pairs]
    assert sorted(found) == sorted(pairs)
    alone = [one.members[a] for one in groups for a in one.alone]
    assert sorted(alone) == sorted({feature for pair in pairs for feature in pair})
    for one in groups:
        cells = np.prod([sizes[member] for member in one.members])
        assert len(one.members) == 2 or cells <= joined.MOST_CELLS


def test_few_features_of_few_bins_share_one_table():
    pairs = list(itertools.combinations(range(5), 2))
    (group,) = cover(pairs, [3] * 5)
    assert len(group.pairs) == 10
    assert len(cover(pairs, [300] * 5)) == 10  # a table of three would leave every cache
    sixteen = cover(list(itertools.combinations(range(9), 2)), [17] * 9)
    assert len(sixteen) <= 16  # of 12 triples at the least


@pytest.mark.parametrize("wide", [64, 2])
@pytest.mark.parametrize("n_left", [None, 1, 3])
def test_tables_are_those_of_a_counter(rng, monkeypatch, wide, n_left):
    monkeypatch.setattr(pair_tables, "WIDE", wide)
    monkeypatch.setattr(pair_layout, "WIDEST", 4)  # several blocks
    monkeypatch.setattr(pair_tables, "ROWS_AT_ONCE", 64)
    n_bins = [2, 3, 16, 5, 300, 12, 7, 40]
    columns = [rng.integers(0, bins + 1, 500).astype(np.uint16) for bins in n_bins]
    layout = Layout(n_bins, n_left)
    tables, kernels = PairTables(layout), choose()
    for part in (slice(0, 300), slice(300, 500)):
        codes = []
        for feature, size in zip(layout.order.tolist(), layout.sizes.tolist(), strict=True):
            own = columns[feature][part]
            codes.append(pair_tables.padded(own, n_bins[feature], size))
        tables.update(codes, kernels, 2)
    assert tables.n_rows == 500
    for feature, bins in enumerate(n_bins):
        expected = Counter(columns[feature].tolist())
        assert tables.n_missing(feature) == expected[bins]
        assert tables.margin(feature)[:bins].tolist() == [expected[i] for i in range(bins)]
    for left, right in itertools.combinations(range(len(n_bins)), 2):
        if n_left is not None and not left < n_left <= right:
            continue
        pairs = zip(columns[left].tolist(), columns[right].tolist(), strict=True)
        table = tables.pair(left, right).to_dense()
        expected = Counter(pairs)
        for i, j in itertools.product(range(n_bins[left]), range(n_bins[right])):
            assert table[i, j] == expected[i, j]
        assert table.sum() == sum(
            n for (i, j), n in expected.items() if i < n_bins[left] and j < n_bins[right]
        )


def test_a_few_features_of_a_wide_table_are_counted_by_its_tiles(rng):
    """A tile on the diagonal of a wide table holds features with themselves, and pairs twice."""
    codes = rng.integers(0, 4, (130, 500), np.uint8)
    layout = Layout([4] * 130)
    tile = next(tile for tile in layout.tiles if tile.left.stop - tile.left.start > 1)
    narrow = tile._replace(right=slice(tile.right.start, tile.right.start + 20))
    for chosen in (tile, narrow):
        tables = PairTables(layout, [chosen])
        rows = [codes[layout.order[member]] for member in tables.members]
        tables.update(rows, choose())
        for i, left in enumerate(range(chosen.left.start, chosen.left.stop)):
            for j, right in enumerate(range(chosen.right.start, chosen.right.stop)):
                pair = zip(*codes[layout.order[[left, right]]].tolist(), strict=True)
                counted = Counter(pair)
                expected = [[counted[a, b] for b in range(4)] for a in range(4)]
                np.testing.assert_array_equal(tables.tables[0][i, j], expected)
