"""Quantiles of streams: exact where they are held, and nearly right where a sketch keeps them."""

import numpy as np
import pytest
from conftest import library

from fastinfo.backends import quantiles
from fastinfo.inputs.scanning import sketch
from fastinfo.inputs.scanning.sketch import QuantileSketch, edges_of_counted


def filled(values, size):
    found = QuantileSketch()
    for start in range(0, len(values), size):
        found.update(values[start : start + size])
    return found


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_what_is_held_is_exact(rng, size):
    values = np.round(rng.normal(size=900), 2)
    found = filled(values, size)
    assert found.is_exact
    assert found.n == 900
    distinct, counts = found.counted()
    np.testing.assert_array_equal(np.repeat(distinct, counts), np.sort(values))
    np.testing.assert_array_equal(
        edges_of_counted(distinct, counts, 9), quantiles.edges(distinct, counts, 9)
    )


def sorted_(values):
    return np.sort(values)


def spread(values):
    return np.exp(40 * values)


@pytest.mark.parametrize("arrange", [np.asarray, sorted_, spread], ids=["any", "sorted", "wide"])
def test_ranks_of_long_streams_are_nearly_right(rng, arrange, monkeypatch):
    library("datasketches")
    # The error of the sketch is that of many more numbers than the buffer holds.
    monkeypatch.setattr(sketch, "BUFFER", 1 << 14)
    monkeypatch.setattr(sketch, "THINNED", 1)
    n = 1_000_003
    values = arrange(rng.normal(size=n))
    found = filled(values, 4321)
    assert not found.is_exact
    distinct, counts = found.counted()
    assert counts.sum() == n
    ranks = np.searchsorted(np.sort(values), distinct, side="right")
    assert np.abs(np.cumsum(counts) - ranks).max() < 3 * sketch.RANK_ERROR * n


def test_thinning_is_wrong_by_half_of_what_it_leaves_out(rng):
    library("datasketches")
    n = 2 * sketch.BUFFER
    values = rng.normal(size=n)
    distinct, counts = filled(values, 100_000).counted()
    ranks = np.searchsorted(np.sort(values), distinct, side="right")
    # So few numbers come to the sketch that it keeps them all.
    assert np.abs(np.cumsum(counts) - ranks).max() <= sketch.THINNED * n / sketch.BUFFER
    share = sketch.datasketches().kll_doubles_sketch(sketch.K).normalized_rank_error(False)
    assert share + sketch.THINNED / 2 / sketch.BUFFER < sketch.RANK_ERROR


def test_without_the_sketch_the_way_out_is_told(rng, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasketches", None)
    with pytest.raises(ImportError, match=r"pip install datasketches, or pass bins of equal width"):
        filled(rng.normal(size=sketch.BUFFER + 1), 1 << 19)
