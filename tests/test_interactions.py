"""What pairs tell about a target together: matrices, the strongest pairs, and what chance gives."""

import itertools
import math

import naive
import numpy as np
import pandas as pd
import pytest
from conftest import library
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo.pairs import plan, recount, sinks
from fastinfo.pairs.job import Job

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")


def close(expected):
    return pytest.approx(expected, rel=1e-11, abs=1e-12, nan_ok=True)


def integers(rng, n=120):
    """Features, two of which tell the target together and one that tells it alone."""
    X = rng.integers(0, [2, 3, 2, 20, 3, 4], (n, 6))
    target = (X[:, 0] + X[:, 2]) % 2 + 2 * (rng.random(n) < 0.2)
    X[:, 5] = np.where(rng.random(n) < 0.5, X[:, 5], target)
    return X, target


def with_gaps(rng):
    X, target = (part.astype(object) for part in integers(rng))
    X[rng.random(X.shape) < 0.1] = None
    target[::9] = None
    return X, target


def floats(rng):
    X = rng.normal(size=(200, 4))
    return X, X[:, 0] * X[:, 1] + rng.normal(size=200)


CASES = {
    "integers": (integers, {}),
    "Miller-Madow": (integers, {"estimator": "miller_madow"}),
    "bits": (integers, {"base": 2}),
    "weights": (integers, {"sample_weight": True}),
    "missing": (with_gaps, {"nan_policy": "omit"}),
    "missing and weights": (with_gaps, {"nan_policy": "omit", "sample_weight": True}),
    "propagated": (with_gaps, {"nan_policy": "propagate"}),
    "default bins": (floats, {}),
    "bins": (floats, {"bins": "uniform:4"}),
    "text": (lambda rng: tuple(part.astype(str) for part in integers(rng)), {}),
}

WITH_Y = {"integers", "missing and weights", "default bins"}
"""The cases that are run with a second table as well."""

WITH_AND_WITHOUT = [
    pytest.param(case, has_y, id=f"{case}-{'X and Y' if has_y else 'X'}")
    for case in CASES
    for has_y in ([False, True] if case in WITH_Y else [False])
]


def options_of(case, rng):
    make, options = CASES[case]
    X, target = make(rng)
    options = dict(options)
    if "sample_weight" in options:
        options["sample_weight"] = rng.integers(0, 3, len(target)) * rng.random(len(target))
    return X, target, options


@pytest.mark.parametrize(("case", "has_y"), WITH_AND_WITHOUT)
def test_matrices_are_loops_over_one_pair(backend, rng, case, has_y):
    X, target, options = options_of(case, rng)
    Y = X[:, 2:] if has_y else X
    chosen = options | {"backend": backend}
    value, synergy = fastinfo.pairwise_interaction(X, target, Y if has_y else None, **chosen)
    assert value.shape == synergy.shape == (X.shape[1], Y.shape[1])
    for (i, x), (j, y) in itertools.product(enumerate(X.T), enumerate(Y.T)):
        both = np.column_stack([x, y])
        assert value[i, j] == close(fastinfo.mutual_information(both, target, **options))
        expected = fastinfo.interaction_information(x, y, target, **options)
        assert synergy[i, j] == close(expected)


@pytest.mark.parametrize("case", CASES)
def test_pairs_have_the_numbers_of_the_matrices(rng, case):
    X, target, options = options_of(case, rng)
    X = X[:, -4:]
    value, synergy = fastinfo.pairwise_interaction(X, target, **options)
    for rank_by, matrix in (("synergy", synergy), ("value", value)):
        found = fastinfo.top_interactions(X, target, 6, rank_by=rank_by, **options)
        ranks = np.sort(matrix[np.triu_indices_from(matrix, 1)])[::-1]
        ranks = ranks[~np.isnan(ranks)][:6]
        assert [getattr(pair, rank_by) for pair in found] == close(ranks.tolist())
        for pair in found:
            found_in = value[pair.left, pair.right], synergy[pair.left, pair.right]
            exactly = close if "sample_weight" in options else list  # sums of integers are exact
            assert [pair.value, pair.synergy] == exactly(found_in)
            assert pair.synergy == close(pair.value - pair.left_value - pair.right_value)


@pytest.mark.parametrize("case", ["integers", "missing"])
def test_pairs_are_what_plain_loops_say(backend, rng, case):
    X, target, options = options_of(case, rng)
    found = fastinfo.top_interactions(X, target, 15, backend=backend, **options)
    assert len(found) == 15
    for pair in found:
        columns = X[:, pair.left].tolist(), X[:, pair.right].tolist(), target.tolist()
        kept = [row for row in zip(*columns, strict=True) if None not in row]
        x, y, c = map(list, zip(*kept, strict=True))
        both = list(zip(x, y, strict=True))
        assert pair.n_samples == len(kept)
        assert pair.value == close(naive.mutual_information(both, c))
        assert pair.left_value == close(naive.mutual_information(x, c))
        assert pair.right_value == close(naive.mutual_information(y, c))
        expected = [naive.expected_information(*map(counts, (side, c))) for side in (both, x, y)]
        rest = pair.synergy - (expected[0] - expected[1] - expected[2])
        assert pair.corrected == close(rest)


def counts(column):
    return [column.count(value) for value in set(column)]


def test_the_expectation_is_that_of_a_shuffled_target(rng):
    X, target = integers(rng, 60)
    X = X[:, [1, 3]]
    (pair,) = fastinfo.top_interactions(X, target)
    shuffled = [fastinfo.interaction_information(*X.T, rng.permutation(target)) for _ in range(500)]
    spread = np.std(shuffled) / math.sqrt(500)
    assert abs(pair.synergy - pair.corrected - np.mean(shuffled)) < 5 * spread


@pytest.mark.parametrize("waiting", [3, 1 << 17])
@pytest.mark.parametrize("has_gaps", [False, True])
def test_ranked_by_what_chance_does_not_give(rng, monkeypatch, has_gaps, waiting):
    """The bound by which most pairs need no rank holds: the best are those of all."""
    monkeypatch.setattr(sinks, "MOST_WAITING", waiting)
    monkeypatch.setattr(sinks, "RANKED_AT_ONCE", 1)
    X, target = with_gaps(rng) if has_gaps else integers(rng)
    X = X[:, [0, 2, 3, 5, 3]]  # equal columns are the farthest from the bound
    options = {"nan_policy": "omit"}
    every = fastinfo.top_interactions(X, target, None, threshold=-np.inf, **options)
    assert len(every) == 10
    ordered = sorted(every, key=lambda pair: -pair.corrected)
    for k in (2, 10):
        found = fastinfo.top_interactions(
            X, target, k, rank_by="corrected", min_samples=1, base=2, **options
        )
        ranks = [pair.corrected * math.log(2) for pair in found]
        assert ranks == close([pair.corrected for pair in ordered[:k]])
    most = max(pair.n_samples for pair in every)
    few = fastinfo.top_interactions(X, target, 10, min_samples=most, **options)
    assert few
    assert {pair.n_samples for pair in few} == {most}


@given(rows=st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=2, max_size=40))
def test_laws(rows):
    X, c = np.array(rows)[:, :3], np.array(rows)[:, 3]
    if not 1 < len(set(c.tolist())) < len(c):
        return
    value, synergy = fastinfo.pairwise_interaction(X, c)
    alone = value.diagonal()
    assert alone == close([fastinfo.mutual_information(x, c) for x in X.T])
    assert synergy == close(value - alone[:, None] - alone)
    assert (value >= np.maximum(alone[:, None], alone) - 1e-12).all()  # both tell no less
    conditional = fastinfo.pairwise_conditional_mutual_information(X, given=c)
    assert synergy == close(conditional - fastinfo.pairwise_mutual_information(X))
    assert synergy.diagonal() == close(-alone)


def test_pairs_that_are_counted_sparsely(backend, rng, monkeypatch):
    X, target = integers(rng)
    expected = fastinfo.pairwise_interaction(X, target)
    monkeypatch.setattr(plan, "LARGEST_PAIR_TABLE", 1)
    for found, dense in zip(
        fastinfo.pairwise_interaction(X, target, backend=backend), expected, strict=True
    ):
        assert found == close(dense)


def test_neither_threads_nor_tiles_change_a_bit(rng, monkeypatch):
    X, target = with_gaps(rng)
    expected = fastinfo.pairwise_interaction(X, target, nan_policy="omit")
    monkeypatch.setattr(plan, "LARGEST_TILE_SIDE", 2)
    monkeypatch.setattr(plan, "TILE_WIDTH", 2)
    monkeypatch.setattr(plan, "TILE_SAMPLES", 4 * 120)
    found = fastinfo.pairwise_interaction(X, target, nan_policy="omit", n_jobs=3)
    np.testing.assert_array_equal(found, expected)


# --- tables with names ----------------------------------------------------------------------------

MAKE = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}


@pytest.mark.parametrize("name", MAKE)
def test_a_target_by_its_name_is_no_feature(rng, name):
    X, target = integers(rng)
    labels = list("abcdef")
    columns = dict(zip(labels, X.T, strict=True)) | {"ill": target}
    table = getattr(library(name), MAKE[name])(columns)
    kinds = {"d": "category"}
    expected = fastinfo.pairwise_interaction(X, target)
    for found, matrix in zip(
        fastinfo.pairwise_interaction(table, "ill", kinds=kinds), expected, strict=True
    ):
        names = found.column_names if name == "pyarrow" else list(found.columns)
        assert names == labels if name == "pandas" else ["column", *labels]
        np.testing.assert_array_equal(np.stack([found[one] for one in labels], axis=1), matrix)
    best = fastinfo.top_interactions(table, "ill", 4, kinds=kinds)
    assert best[0][:2] == ("a", "c")
    ranks = [pair.corrected for pair in best]
    assert ranks == sorted(ranks, reverse=True)
    plain = fastinfo.top_interactions(X, target, 4, rank_by="corrected")
    assert [pair[2:] for pair in best] == [pair[2:] for pair in plain]


def test_noise_of_many_bins_is_not_ranked_first_by_the_corrected_synergy(rng):
    n = 400
    a, b = rng.integers(0, 2, (2, n))
    ill = np.where(rng.random(n) < 0.25, 1 - (a ^ b), a ^ b)
    letters = {name: rng.choice(list("abcdefghijkl"), n) for name in ("p", "q", "r")}
    table = pd.DataFrame({"a": a, "b": b, **letters, "ill": ill})
    assert fastinfo.top_interactions(table, "ill", 1, rank_by="synergy")[0][:2] != ("a", "b")
    best, second = fastinfo.top_interactions(table, "ill", 2)
    assert best[:2] == ("a", "b")
    assert second.corrected < best.corrected / 2


def test_an_epistatic_pair_is_found_among_genotypes(rng):
    """Penetrance of a chequerboard: neither locus has an effect of its own."""
    n, m = 1000, 200
    frequencies = rng.uniform(0.1, 0.5, m)
    frequencies[[17, 140]] = 0.5
    X = rng.binomial(2, frequencies, (n, m)).astype(np.uint8)
    odd = (X[:, 17] + X[:, 140]) % 2 == 1
    ill = rng.random(n) < np.where(odd, 0.65, 0.35)
    best, second = fastinfo.top_interactions(X, ill, 2)
    assert best[:2] == (17, 140)
    assert best.synergy > 1.5 * second.synergy
    alone = fastinfo.score(X, ill)
    assert not {17, 140} & {one.column for one in alone[:10]}


def test_environments_beside_genotypes(rng):
    n = 800
    genes = rng.binomial(2, 0.3, (n, 20))
    smokes, altitude = rng.integers(0, 2, n), rng.normal(size=n)
    ill = rng.random(n) < np.where((genes[:, 4] > 0) & (smokes == 1), 0.7, 0.2)
    found = fastinfo.top_interactions(
        genes, ill, 1, Y=pd.DataFrame({"smokes": smokes, "altitude": altitude})
    )
    assert found[0][:2] == (4, "smokes")


# --- how it goes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"sample_weight": True}, {"estimator": "miller_madow"}])
def test_where_chance_is_not_taken_off(rng, options):
    X, target = integers(rng)
    if "sample_weight" in options:
        options = {"sample_weight": rng.random(120)}
        with pytest.raises(ValueError, match='sums of weights; use rank_by="synergy"'):
            fastinfo.top_interactions(X, target, rank_by="corrected", **options)
    found = fastinfo.top_interactions(pd.DataFrame(X), target, 15, **options)
    synergies = [pair.synergy for pair in found]
    assert synergies == sorted(synergies, reverse=True)
    for pair in found:
        if "sample_weight" in options:
            assert math.isnan(pair.corrected)
        else:
            assert pair.corrected == pair.synergy


def test_a_saturated_table_is_told(rng):
    X, target = rng.integers(0, 12, (300, 3)), rng.integers(0, 6, 300)
    with pytest.warns(fastinfo.SaturationWarning, match=r"3 of the 3 pairs of the .*corrected syn"):
        fastinfo.pairwise_interaction(X, target)
    with pytest.warns(fastinfo.SaturationWarning, match="3 of the pairs shown: more than half"):
        fastinfo.top_interactions(X, target)


@pytest.mark.filterwarnings("error::fastinfo.SaturationWarning")
def test_a_table_with_enough_samples_is_not():
    rng = np.random.default_rng(0)
    X, target = rng.integers(0, 3, (3000, 4)), rng.integers(0, 2, 3000)
    fastinfo.pairwise_interaction(X, target)
    fastinfo.top_interactions(X, target)


def test_a_run_goes_on_with_the_same_target_alone(rng, tmp_path, monkeypatch):
    X, target = integers(rng)
    found = fastinfo.pairwise_interaction(X, target, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="belongs to another run: strata was"):
        fastinfo.pairwise_interaction(X, target // 2, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="belongs to another run: planes was"):
        fastinfo.top_interactions(X, target, rank_by="corrected", checkpoint=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Job, "measure", lambda *_: pytest.fail("a tile is measured again"))
        again = fastinfo.pairwise_interaction(X, target, checkpoint=tmp_path)
        best = fastinfo.top_interactions(X, target, 1, checkpoint=tmp_path)
    np.testing.assert_array_equal(again, found)
    assert best == fastinfo.top_interactions(X, target, 1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"target": None}, TypeError, "target is None; accepted are samples, or the name"),
        ({"rank_by": "p"}, ValueError, "rank_by='p'; accepted are 'corrected', 'synergy', 'value'"),
        ({"k": None}, ValueError, "pass threshold too"),
        ({"k": 0}, ValueError, "k=0; accepted is an integer"),
        ({"min_samples": 0}, ValueError, "min_samples=0"),
        ({"threshold": "x"}, ValueError, "threshold='x'"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        fastinfo.top_interactions([[0, 1], [1, 0], [0, 0]], **{"target": [0, 1, 1]} | options)


def test_matrices_that_cannot_fit_tell_the_memory(monkeypatch):
    monkeypatch.setattr("fastinfo.counting.free_memory", lambda: 1000)
    X = np.zeros((3, 1000), int)
    with pytest.raises(
        MemoryError, match=r"an array of 2 × 1000 × 1000 cells needs .*: use top_interactions"
    ):
        fastinfo.pairwise_interaction(X, [0, 1, 1])


def test_most_pairs_of_noise_are_told_by_a_bound(rng, monkeypatch):
    """A recount knows how much chance gives at least, which takes less time than how much."""
    X, target = rng.integers(0, rng.integers(3, 7, 30), (2000, 30)), rng.integers(0, 3, 2000)
    seen, plain = [], recount.expected_information
    monkeypatch.setattr(recount, "expected_information", lambda *a: seen.append(a) or plain(*a))
    monkeypatch.setattr(sinks, "RANKED_AT_ONCE", 4)
    found = fastinfo.top_interactions(X, target, 3, rank_by="corrected", min_samples=1)
    assert len(seen) < 30 + 30 * 29 // 2 // 4
    every = fastinfo.top_interactions(X, target, None, threshold=-np.inf)
    ordered = sorted(every, key=lambda pair: -pair.corrected)
    assert found == ordered[:3]
