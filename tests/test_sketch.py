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


def rising(values):
    return np.sort(values)


def heavy_tailed(values):
    return np.exp(9 * values)


def tied(values):
    return np.where(values < 0.3, np.round(values), values)


def drifting(values):
    return values + 3 * (np.arange(values.size) > 0.4 * values.size)


def with_infinities(values):
    return np.where(values < -1, -np.inf, np.where(values > 1, np.inf, values))


CASES = [
    *((arrange, False) for arrange in (np.asarray, heavy_tailed, tied, with_infinities)),
    *((arrange, True) for arrange in (rising, drifting)),
]


@pytest.mark.parametrize(("arrange", "drifts"), CASES)
def test_ranks_of_long_streams_are_nearly_right(rng, arrange, drifts):
    if drifts:
        library("datasketches")
    n = 2 * sketch.BUFFER + 300_077
    values = arrange(rng.normal(size=n))
    found = filled(values, 300_001)
    assert not found.is_exact
    assert (found._sketch is not None) == drifts
    distinct, counts = found.counted()
    assert counts.sum() == n
    assert (np.diff(distinct) > 0).all()
    # The samples up to a number end where its successor begins.
    samples, often = np.unique(values, return_counts=True)
    below = np.append(0, np.cumsum(often))
    ranks = below[np.searchsorted(samples, distinct[1:])]
    thinned = 2 * sketch.THINNED * n / sketch.BUFFER
    assert np.abs(np.cumsum(counts)[:-1] - ranks).max() <= 1.3e-4 * n + thinned
    edges = edges_of_counted(distinct, counts, 30)
    heavy = samples[often > n / 30]
    assert set(heavy.tolist()) <= set(edges.tolist())  # a bin of its own each
    if not heavy.size:
        shown = below[np.searchsorted(samples, edges[1:-1])]
        assert np.abs(shown - np.arange(1, 30) * n / 30).max() < 2.6e-4 * n


def test_streams_that_do_not_drift_give_the_same_edges_again(rng):
    values = rng.normal(size=2 * sketch.BUFFER)
    one, other = (filled(values, size).counted() for size in (99_999, 1 << 18))
    np.testing.assert_array_equal(one[0][one[1] > 0], other[0][other[1] > 0])


@pytest.mark.parametrize("arrange", [np.asarray, rising, heavy_tailed])
def test_the_error_of_the_sketch_is_that_of_all_numbers(rng, arrange, monkeypatch):
    library("datasketches")
    # The error of the sketch is that of many more numbers than the buffer holds.
    monkeypatch.setattr(sketch, "BUFFER", 1 << 14)
    monkeypatch.setattr(sketch, "THINNED", 1)
    monkeypatch.setattr(sketch._Cells, "add", lambda self, values: False)
    n = 1_000_003
    values = arrange(rng.normal(size=n))
    found = filled(values, 4321)
    distinct, counts = found.counted()
    assert counts.sum() == n
    ranks = np.searchsorted(np.sort(values), distinct, side="right")
    assert np.abs(np.cumsum(counts) - ranks).max() < 3 * sketch.RANK_ERROR * n


def test_what_the_sketch_keeps_is_read_from_its_form(rng):
    kll = library("datasketches").kll_doubles_sketch(1 << 10)
    for size in (1, 500, 100_000):
        kll.update(rng.normal(size=size))
        kept = sorted(zip(*(part.tolist() for part in sketch._kept(kll)), strict=True))
        assert kept == sorted(kll)
    share = sketch.datasketches().kll_doubles_sketch(sketch.K).normalized_rank_error(False)
    assert share + sketch.THINNED / 2 / sketch.BUFFER < sketch.RANK_ERROR


def test_without_the_sketch_the_way_out_is_told(rng, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasketches", None)
    filled(rng.normal(size=2 * sketch.BUFFER), 1 << 19)
    with pytest.raises(ImportError, match=r"pip install datasketches, or pass bins of equal width"):
        filled(rising(rng.normal(size=3 * sketch.BUFFER)), 1 << 19)
