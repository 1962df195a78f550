"""What several readers find out of a column is what one finds out of all of it."""

import pickle
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from conftest import library
from hypothesis import given
from hypothesis import strategies as st

from fastinfo.inputs.scanning import facts as facts_
from fastinfo.inputs.scanning import looking, merging, sketch
from fastinfo.inputs.scanning.facts import StreamedFacts
from fastinfo.inputs.scanning.looking import Block, Wish
from fastinfo.inputs.scanning.mergeable import MergeableSketch
from fastinfo.inputs.scanning.sketch import edges_of_counted

COLUMNS = {
    "integers": st.lists(st.integers(-5, 300), min_size=1, max_size=60),
    "large integers": st.lists(st.integers(2**60, 2**60 + 9), min_size=1, max_size=60),
    "integers with gaps": st.lists(st.integers(0, 9) | st.none(), min_size=1, max_size=60),
    "rising": st.integers(1, 60).map(lambda n: list(range(n))),
    "floats": st.lists(st.floats(-9, 9) | st.just(float("nan")), min_size=1, max_size=60),
    "text": st.lists(st.sampled_from(["a", "b", "", "é"]) | st.none(), min_size=1, max_size=60),
    "booleans": st.lists(st.booleans() | st.none(), min_size=1, max_size=60),
}


def looked(array, wish=None):
    wish = wish or Wish(StreamedFacts("x"), True)
    return looking.look(Block({"x": array}, len(array), True), {"x": wish})[1]["x"]


def known(one):
    """All that decisions and bins depend on."""
    facts = one.facts
    found = [facts.n_rows, facts.n_missing, facts.has_two_values(), facts.is_float]
    found += [facts.low, facts.high, facts.n_distinct(99)]
    if facts.dtype is not None and facts.dtype.kind in "iu":
        found.append(facts.counts_rows())
    if facts.labels is not None:
        return [*found, dict(facts.labels)]
    if facts.values.values is not None and not facts.values.is_full:
        found += [facts.values.values.tolist(), facts.values.counts.tolist()]
    elif facts.n_present():
        values, counts = facts.sketch.counted()
        found += [(values + (facts.base or 0)).tolist(), counts.tolist()]
    return found


@pytest.mark.parametrize("kind", COLUMNS)
@given(data=st.data())
def test_any_partition_gives_the_same_facts(kind, data):
    values = data.draw(COLUMNS[kind])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=4)))
    array = pa.array(values, from_pandas=True)
    borders = [0, *cuts, len(values)]
    parts = [array[a:b] for a, b in pairwise(borders)]
    each = [pickle.loads(pickle.dumps(looked(part))) for part in parts]
    in_order = merging.merged(each, "x")
    middle = data.draw(st.integers(1, max(len(each) - 1, 1)))
    tree = merging.merged(
        [merging.merged(some, "x") for some in (each[:middle], each[middle:]) if some], "x"
    )
    assert known(tree) == known(in_order) == known(looked(array))
    if kind == "floats":
        whole = [one.whole for one in (tree, looked(array))]
        assert (whole[0] is None) == (whole[1] is None)


@pytest.mark.parametrize("large", [False, True], ids=["", "beyond 2⁵²"])
def test_integers_with_many_values_go_to_the_sketch(rng, monkeypatch, large):
    monkeypatch.setattr(facts_, "MOST_VALUES", 100)
    values = rng.integers(0, 10**6, 4000)
    if large:
        values = values * 2**42 + 2**55  # readers count from different numbers
    wish = Wish(StreamedFacts("x"), True)
    parts = [looked(pa.array(part), wish) for part in np.array_split(values, 7)]
    facts = merging.merged(parts, "x").facts
    assert facts.values.is_full
    assert facts.values.values.size == 101
    found, counts = facts.sketch.counted()
    assert counts.sum() == 4000
    np.testing.assert_allclose(
        np.repeat(found, counts) + float(facts.base), np.sort(values), rtol=1e-12
    )


def test_integers_as_floats(rng):
    values = rng.integers(0, 50, 3000)
    for keeps_values in (False, True):
        wish = Wish(StreamedFacts("x", keeps_values=keeps_values), True)
        one, other = (
            looked(pa.array(values[:1000]), wish),
            looked(pa.array(values[1000:] * 1.0), wish),
        )
        both, floats = merging.merged([one, other], "x"), looked(pa.array(values * 1.0), wish)
        assert known(both) == known(floats)
        assert both.kind == pa.float64()


@pytest.mark.parametrize("buffer", [(1 << 14,), (1 << 17,), ()])
def test_merged_sketches_are_as_exact(rng, buffer):
    library("datasketches")
    n, parts = 1_500_000, 11
    values = rng.normal(size=n)
    total = MergeableSketch(*buffer)
    for part in np.array_split(values, parts):
        one = MergeableSketch(*buffer)
        one.update(part)
        total.merge(pickle.loads(pickle.dumps(one)))
    distinct, counts = total.counted()
    assert total.n == counts.sum() == n
    ranks = np.searchsorted(np.sort(values), distinct, side="right")
    assert np.abs(np.cumsum(counts) - ranks).max() < 3 * sketch.RANK_ERROR * n
    edges = edges_of_counted(distinct, counts, 20)
    sizes = np.histogram(values, edges)[0]
    assert np.abs(sizes - n / 20).max() < 6 * sketch.RANK_ERROR * n


def test_columns_are_looked_at_in_groups_that_fit():
    for n_columns, memory, most_groups in ((10, 1 << 29, 1), (1000, 1 << 29, 13), (60, 1 << 26, 8)):
        wishes = {str(i): Wish(StreamedFacts(str(i)), True) for i in range(n_columns)}
        reductions, planned = looking.reductions(wishes, memory)
        assert len(reductions) <= most_groups
        assert [name for one in reductions for name in one.columns] == list(wishes)
        held = {one.facts.sketch.buffer for one in planned.values()}
        assert held == ({1 << 20} if n_columns == 10 else {1 << 14})
        for one in reductions:
            n_bytes = len(one.columns) * (8 * held.copy().pop() + looking.SKETCH_BYTES)
            assert (one.most_at_once + 1) * n_bytes <= memory
