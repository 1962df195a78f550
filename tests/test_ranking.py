"""Pairs ranked by what chance does not give: the strongest of all, found without holding all."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from conftest import library

import fastinfo
from fastinfo import RankedPair
from fastinfo.estimators.chance import expected_in_strata, expected_information
from fastinfo.pairs import sinks

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")


def columns(rng, n=150):
    """Features with unequal numbers of bins, some related, some with gaps."""
    base = rng.integers(0, 30, n)
    found = [base, base % 2, base // 7, rng.integers(0, 60, n), rng.integers(0, 3, n), -base // 2]
    found = [column.tolist() for column in found]
    for place, share in ((2, 0.1), (3, 0.5), (5, 0.92)):
        found[place] = [None if rng.random() < share else v for v in found[place]]
    return found


def every_pair(found, n_left=None, base=1.0, average=None):
    """All pairs, each measured by itself over its complete samples."""
    pairs = []
    for i, j in itertools.combinations(range(len(found)), 2):
        if n_left is not None and not i < n_left <= j:
            continue
        kept = [p for p in zip(found[i], found[j], strict=True) if None not in p]
        x, y = (np.array(side) for side in zip(*kept, strict=True))
        value = fastinfo.mutual_information(x, y) / base
        margins = [np.unique(side, return_counts=True)[1] for side in (x, y)]
        chance = expected_information(*margins) / base
        share = fastinfo.normalized_mutual_information(x, y, average=average or "arithmetic")
        if average is not None:
            chance, value = chance * share / value if value else 0.0, share
        pairs.append(RankedPair(i, j - (n_left or 0), value, value - chance, share, len(kept)))
    return sorted(pairs, key=lambda pair: -pair.corrected)


def assert_same(found, expected):
    assert [pair[:2] for pair in found] == [pair[:2] for pair in expected]
    for one, other in zip(found, expected, strict=True):
        assert one[2:] == pytest.approx(other[2:], rel=1e-10, abs=1e-12)
        assert one.share <= 1


@pytest.mark.parametrize("average", [None, "arithmetic", "geometric", "min", "max"])
def test_ranked_pairs_are_the_best_of_all(backend, rng, average):
    found = columns(rng)
    X = np.array(found, object).T
    options = {"nan_policy": "omit", "backend": backend, "normalized": average}
    expected = every_pair(found, average=average)
    for k in range(1, 17):
        best = fastinfo.top_pairs(X, k, rank_by="corrected", min_samples=1, **options)
        assert_same(best, expected[:k])
    fewer = [pair for pair in expected if pair.n_samples >= 60]
    best = fastinfo.top_pairs(X, 9, rank_by="corrected", min_samples=60, **options)
    assert_same(best, fewer[:9])
    least = fewer[5].corrected
    options |= {"threshold": least - 1e-12, "min_samples": 60}
    assert_same(fastinfo.top_pairs(X, None, rank_by="corrected", **options), fewer[:6])


def test_ranked_pairs_of_two_tables(backend, rng, monkeypatch):
    monkeypatch.setattr(sinks, "MOST_WAITING", 3)
    found = columns(rng)
    X = np.array(found, object).T
    best = fastinfo.top_pairs(
        *(X[:, :2], 5, X[:, 2:]),
        base=2,
        rank_by="corrected",
        min_samples=1,
        nan_policy="omit",
        backend=backend,
    )
    assert_same(best, every_pair(found, 2, math.log(2))[:5])


@pytest.mark.parametrize("name", ["pandas", "polars", "pyarrow"])
def test_named_tables_are_ranked_by_default(rng, name):
    found = columns(rng)
    make = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}[name]
    labels = list("abcdef")
    table = getattr(library(name), make)(dict(zip(labels, found, strict=True)))
    kinds = dict.fromkeys("af", "category") | {"d": "category"}
    best = fastinfo.top_pairs(table, 6, nan_policy="omit", kinds=kinds)
    expected = [pair for pair in every_pair(found) if pair.n_samples >= 30][:6]
    named = [pair._replace(left=labels[pair.left], right=labels[pair.right]) for pair in expected]
    assert_same(best, named)
    by_value = fastinfo.top_pairs(table, 6, nan_policy="omit", kinds=kinds, rank_by="value")
    assert [type(pair) for pair in by_value] == [fastinfo.Pair] * 6
    plain = np.array(found, object).T
    expected = fastinfo.top_pairs(plain, 6, nan_policy="omit")
    assert [pair.value for pair in by_value] == [pair.value for pair in expected]


def test_arrays_are_ranked_by_value_unless_it_is_asked_for(rng):
    X = np.array(columns(rng), object).T
    plain = fastinfo.top_pairs(X, 15, nan_policy="omit")
    assert plain == fastinfo.top_pairs(X, 15, nan_policy="omit", rank_by="value")
    few = fastinfo.top_pairs(X, 15, nan_policy="omit", min_samples=60)
    present = ~np.equal(X, None)
    enough = [p for p in plain if (present[:, p.left] & present[:, p.right]).sum() >= 60]
    assert few == enough
    assert 0 < len(few) < len(plain)


def test_only_pairs_that_can_be_among_the_best_are_looked_at(rng, monkeypatch):
    """And margins that are alike, as those of quantile bins, are looked at once."""
    X = rng.normal(size=(2000, 60))
    X[:, 1] = X[:, 0] + 0.1 * X[:, 1]
    X[:, 3] = X[:, 2] + 0.1 * X[:, 3]
    calls = []
    monkeypatch.setattr(
        "fastinfo.pairs.ranking.expected_in_strata",
        lambda strata: calls.append(strata) or expected_in_strata(strata),
    )
    monkeypatch.setattr(sinks, "RANKED_AT_ONCE", 4)
    best = fastinfo.top_pairs(X, 2, rank_by="corrected")
    assert {pair[:2] for pair in best} == {(0, 1), (2, 3)}
    assert len(calls) == 1
    Y = rng.integers(0, rng.integers(2, 40, 60), (2000, 60))
    Y[:, 0] = rng.integers(0, 30, 2000)
    Y[:, 1] = Y[:, 0] // 2
    calls.clear()
    fastinfo.top_pairs(Y, 1, rank_by="corrected")
    assert len(calls) < 60 * 59 // 2 // 10


def test_equal_ranks_stand_in_the_order_of_the_features(rng):
    X = rng.integers(0, 3, (90, 2))[:, [0, 1, 0, 1, 0]]
    best = fastinfo.top_pairs(X, 4, rank_by="corrected")
    assert [pair[:2] for pair in best] == [(0, 2), (0, 4), (2, 4), (1, 3)] or [
        pair[:2] for pair in best
    ] == [(1, 3), (0, 2), (0, 4), (2, 4)]


def test_where_chance_is_not_taken_off(rng):
    frame = pd.DataFrame({"a": rng.integers(0, 3, 90), "b": rng.integers(0, 3, 90)})
    (pair,) = fastinfo.top_pairs(frame, sample_weight=rng.random(90))
    assert math.isnan(pair.corrected)
    assert pair.n_samples == 90
    (pair,) = fastinfo.top_pairs(frame, estimator="miller_madow")
    assert pair.corrected == pair.value
    with pytest.raises(ValueError, match='sums of weights; use rank_by="value"'):
        fastinfo.top_pairs(frame, rank_by="corrected", sample_weight=np.ones(90))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"rank_by": "p_value"},
            ValueError,
            "rank_by='p_value'; accepted are 'corrected'",
        ),
        ({"min_samples": 0}, ValueError, "min_samples=0; accepted is an integer"),
        ({"min_samples": 2.5}, TypeError, "min_samples=2.5; accepted is an integer"),
        ({"normalized": True}, ValueError, "normalized=True; accepted are 'arithmetic'"),
        ({"normalized": "max", "base": 2}, ValueError, "base=2: normalized information is a share"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        fastinfo.top_pairs([[0, 1], [1, 0]], **options)
