"""What pairs share given a third variable: the matrix, the strongest pairs, scores, real tables."""

import itertools
import math
from fractions import Fraction

import naive
import numpy as np
import pandas as pd
import pytest
from conftest import library
from hypothesis import given, settings
from hypothesis import strategies as st

import fastinfo
from fastinfo.pairs import plan, sinks
from fastinfo.pairs.job import Job
from fastinfo.pairs.ranking import Judge

datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is an extra")

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")

pairwise = fastinfo.pairwise_conditional_mutual_information


def close(expected):
    return pytest.approx(expected, rel=1e-11, abs=1e-12, nan_ok=True)


def loop(columns, others, z, **options):
    """The matrix by one call of conditional_mutual_information a pair."""

    def one(x, y):
        try:
            return fastinfo.conditional_mutual_information(x, y, z, **options)
        except ValueError as error:
            if "no sample is left" not in str(error):
                raise
            return math.nan

    return np.array([[one(x, y) for y in others] for x in columns])


def integers(rng, n=150):
    """Features of unequal numbers of bins, and a third variable that they depend on."""
    z = rng.integers(0, 4, n)
    X = rng.integers(0, [2, 3, 9, 40, 3], (n, 5))
    X[:, 1] = (z + X[:, 0]) % 3
    X[:, 4] = z // 2
    return X, z


def with_gaps(rng):
    X, z = (part.astype(object) for part in integers(rng))
    X[rng.random(X.shape) < 0.1] = None
    X[:, 3] = None
    z[rng.random(z.size) < 0.1] = None
    return X, z


def floats(rng):
    z = rng.normal(size=200)
    return rng.normal(size=(200, 4)) + z[:, None], z


CASES = {
    "integers": (integers, {}),
    "Miller-Madow": (integers, {"estimator": "miller_madow"}),
    "bits": (integers, {"base": 2}),
    "weights": (integers, {"sample_weight": True}),
    "missing": (with_gaps, {"nan_policy": "omit"}),
    "missing and weights": (with_gaps, {"nan_policy": "omit", "sample_weight": True}),
    "propagated": (with_gaps, {"nan_policy": "propagate"}),
    "default bins": (floats, {}),
    "default bins of weights": (floats, {"sample_weight": True}),
    "bins": (floats, {"bins": 5}),
    "edges": (floats, {"bins": [-9.0, 0.0, 1.0, 9.0]}),
    "text": (lambda rng: tuple(part.astype(str) for part in integers(rng)), {}),
}

WITH_Y = {"integers", "missing and weights", "default bins"}
"""The cases that are run with a second table as well."""

WITH_AND_WITHOUT = [
    pytest.param(case, has_y, id=f"{case}-{'X and Y' if has_y else 'X'}")
    for case in CASES
    for has_y in ([False, True] if case in WITH_Y else [False])
]


@pytest.mark.parametrize(("case", "has_y"), WITH_AND_WITHOUT)
def test_the_matrix_is_a_loop_over_one_pair(backend, rng, case, has_y):
    make, options = CASES[case]
    X, z = make(rng)
    options = dict(options)
    if "sample_weight" in options:  # a sample of weight 0 is in no stratum, and in no bin
        options["sample_weight"] = rng.integers(0, 3, len(z)) * rng.random(len(z))
    Y = X[:, 1:] if has_y else X
    found = pairwise(X, Y if has_y else None, z, backend=backend, **options)
    assert found == close(loop(X.T, Y.T, z, **options))
    if not has_y:
        np.testing.assert_array_equal(found, found.T)


@pytest.mark.parametrize("case", ["integers", "missing"])
def test_the_matrix_is_what_plain_loops_say(backend, rng, case):
    make, options = CASES[case]
    X, z = make(rng)
    chosen = X[:, [0, 1, 2, 4]]
    found = pairwise(chosen, given=z, backend=backend, **options)
    for i, j in itertools.product(range(4), repeat=2):
        columns = (chosen[:, i].tolist(), chosen[:, j].tolist(), z.tolist())
        assert found[i, j] == close(naive.conditional_mutual_information(*columns))


@pytest.mark.parametrize("kind", ["integers", "floats"])
def test_several_columns_are_one_variable(backend, rng, kind):
    """And the more there are, the fewer bins by default."""
    X, z = floats(rng)
    second = rng.normal(size=200) if kind == "floats" else rng.integers(0, 3, 200)
    both = np.column_stack([z, second]) if kind == "floats" else pd.DataFrame({"a": z, "b": second})
    found = pairwise(X, given=both, backend=backend)
    assert found == close(loop(X.T, X.T, both))


def test_bins_of_each(backend, rng):
    X, z = floats(rng)
    options = {"bins": (3, "quantile:4", 2)}
    found = pairwise(X[:, :2], X[:, 2:], z, backend=backend, **options)
    assert found == close(loop(X[:, :2].T, X[:, 2:].T, z, **options))


def test_pairs_that_are_counted_sparsely(backend, rng, monkeypatch):
    monkeypatch.setattr(plan, "LARGEST_PAIR_TABLE", 1)
    X, z = integers(rng)
    assert pairwise(X, given=z, backend=backend) == close(loop(X.T, X.T, z))


def test_a_term_whose_total_is_another(backend, rng):
    """Entropies given Z are differences, in which the total cancels; those of all samples keep it.

    Grassberger's term has the total N·log N.
    """
    X, z = integers(rng)
    X, options = X[:, :4], {"estimator": "grassberger"}
    found = pairwise(X, given=z, backend=backend, **options)
    assert found == close(loop(X.T, X.T, z, **options))
    value, synergy = fastinfo.pairwise_interaction(X, z, backend=backend, **options)
    for i, j in itertools.product(range(4), repeat=2):
        both = fastinfo.mutual_information(X[:, [i, j]], z, **options)
        assert value[i, j] == close(both)
        three = fastinfo.interaction_information(X[:, i], X[:, j], z, **options)
        assert synergy[i, j] == close(three)
    (best,) = fastinfo.top_pairs(X, 1, given=z, backend=backend, rank_by="corrected", **options)
    mean = sum(fastinfo.conditional_entropy(X[:, i], z, **options) for i in (best.left, best.right))
    assert best.share == close(min(2 * best.value / mean, 1.0))


@pytest.mark.parametrize("average", ["arithmetic", "geometric", "min", "max"])
def test_shares(rng, average):
    X, z = integers(rng)
    X = X[:, :4]
    found = pairwise(X, given=z, normalized=average)
    values = pairwise(X, given=z)
    of_each = values.diagonal()
    mean = {
        "arithmetic": (of_each[:, None] + of_each) / 2,
        "geometric": np.sqrt(of_each[:, None] * of_each),
        "min": np.minimum(of_each[:, None], of_each),
        "max": np.maximum(of_each[:, None], of_each),
    }[average]
    assert of_each == close([fastinfo.conditional_entropy(x, z) for x in X.T])
    assert found == close(values / mean)


@given(rows=st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=2, max_size=40))
def test_chain_rule(rows):
    """I(X;Y,Z) = I(X;Z) + I(X;Y|Z)."""
    X, z = np.array(rows)[:, :3], np.array(rows)[:, 3]
    if not 1 < len(set(z.tolist())) < len(z):
        return
    found = pairwise(X, given=z)
    for i, j in itertools.product(range(3), repeat=2):
        both = fastinfo.mutual_information(X[:, i], np.column_stack([X[:, j], z]))
        alone = fastinfo.mutual_information(X[:, i], z)
        assert found[i, j] == pytest.approx(both - alone, abs=1e-12)
    assert (found >= 0).all()
    assert (found <= found.diagonal() + 1e-12).all()  # I(X;Y|Z) ≤ H(X|Z)


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), n_jobs=st.integers(1, 3))
def test_neither_the_order_of_samples_nor_threads_change_a_bit(seed, n_jobs):
    rng = np.random.default_rng(seed)
    X, z = integers(rng, 60)
    order = rng.permutation(60)
    found = pairwise(X, given=z)
    np.testing.assert_array_equal(found, pairwise(X[order], given=z[order] * 7 - 3, n_jobs=n_jobs))


# --- tables with names ----------------------------------------------------------------------------

MAKE = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}


@pytest.fixture
def named(rng):
    X, z = integers(rng)
    return {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "age": rng.normal(size=150), "z": z}


def frame(name, columns):
    return getattr(library(name), MAKE[name])(columns)


@pytest.mark.parametrize("name", MAKE)
def test_a_column_by_its_name_is_no_feature(backend, named, name):
    found = pairwise(frame(name, named), given="z", backend=backend)
    labels = ["a", "b", "c", "age"]
    columns = found.column_names if name == "pyarrow" else list(found.columns)
    assert columns == labels if name == "pandas" else ["column", *labels]
    values = np.stack([np.asarray(found[label]) for label in labels], axis=1)
    each = [named[label] for label in labels]
    assert values == close(loop(each, each, named["z"]))


def test_names_and_samples_are_one(named):
    table = pd.DataFrame(named)
    by_name = pairwise(table, given=["z", "age"])
    rest = table.drop(columns=["z", "age"])
    pd.testing.assert_frame_equal(by_name, pairwise(rest, given=table[["z", "age"]]))
    each = [named[label] for label in rest]
    assert by_name.to_numpy() == close(loop(each, each, table[["z", "age"]]))
    for samples in (table["z"], table["z"].tolist(), named["z"]):
        found = pairwise(table.drop(columns="z"), given=samples)
        pd.testing.assert_frame_equal(found, pairwise(table, given="z"))
    of_two = pairwise(table[["a", "z"]], table[["b", "c"]], "z")
    pd.testing.assert_frame_equal(of_two, pairwise(table, given="z").loc[["a"], ["b", "c"]])


def test_bins_and_kinds_of_the_column_by_its_name(named):
    table = pd.DataFrame(named)
    found = pairwise(table, given="age", bins={"age": 3})
    codes = fastinfo.encode(named["age"], bins=3).codes
    each = [named[label] for label in "abcz"]
    assert found.to_numpy() == close(loop(each, each, codes))
    row_numbers = table.assign(z=np.arange(150))  # which would be skipped as a feature
    with pytest.warns(fastinfo.PreparationWarning, match="binned like .*: z"):
        found = pairwise(row_numbers[["a", "b", "z"]], given="z")
    each = [named[label] for label in "ab"]
    assert found.to_numpy() == close(loop(each, each, np.arange(150.0)))


# --- the strongest pairs, and scores --------------------------------------------------------------


def chance(x, y, z):
    """The mean over all ways to pair X and Y anew within each value of Z, by exact fractions."""
    parts = []
    for stratum in set(z):
        rows = [row for row in zip(x, y, z, strict=True) if row[2] == stratum]
        margins = [[*map(side.count, set(side))] for side in list(zip(*rows, strict=True))[:2]]
        share = Fraction(len(rows), len(z))
        parts.append(float(share) * naive.expected_information(*margins))
    return math.fsum(parts)


def every_pair(columns, z):
    """Each pair by itself, over the samples that it and Z have, best corrected value first."""
    found = []
    for i, j in itertools.combinations(range(len(columns)), 2):
        rows = zip(columns[i], columns[j], z, strict=True)
        x, y, strata = zip(*(row for row in rows if None not in row), strict=True)
        value = naive.conditional_mutual_information(x, y, strata)
        mean = sum(naive.conditional_entropy(side, strata) for side in (x, y)) / 2
        rest = value - chance(x, y, strata)
        found.append(fastinfo.RankedPair(i, j, value, rest, value / mean if mean else 0.0, len(x)))
    return sorted(found, key=lambda pair: -pair.corrected)


@pytest.mark.parametrize("has_gaps", [False, True])
def test_ranked_pairs_are_the_best_of_all(rng, has_gaps):
    X, z = integers(rng, 60)
    X = np.column_stack([X[:, :4], (X[:, 2] + z) % 5]).astype(object)
    z = z.astype(object)
    if has_gaps:
        X[rng.random(X.shape) < 0.1] = None
        z[::7] = None
    options = {"nan_policy": "omit", "rank_by": "corrected", "min_samples": 1}
    expected = every_pair(X.T.tolist(), z.tolist())
    for k in (4, 10):
        found = fastinfo.top_pairs(X, k, given=z, **options)
        for one, other in zip(found, expected[:k], strict=True):
            assert one[2:] == pytest.approx(other[2:], rel=1e-10, abs=1e-12)
    by_value = fastinfo.top_pairs(X, 10, given=z, nan_policy="omit")
    matrix = pairwise(X, given=z, nan_policy="omit")
    assert [pair.value for pair in by_value] == [matrix[p.left, p.right] for p in by_value]
    assert [pair.value for pair in by_value] == sorted(matrix[np.triu_indices(5, 1)])[::-1]


def test_few_pairs_of_noise_are_looked_at(rng, monkeypatch):
    """What chance gives at least is known by the margins, and brings most pairs below the best."""
    X, z = rng.integers(0, rng.integers(3, 7, 40), (2000, 40)), rng.integers(0, 3, 2000)
    seen = []
    plain = Judge.corrected
    monkeypatch.setattr(Judge, "corrected", lambda *a: seen.append(a) or plain(*a))
    monkeypatch.setattr(sinks, "RANKED_AT_ONCE", 4)
    found = fastinfo.top_pairs(X, 3, given=z, rank_by="corrected")
    assert len(seen) < 40 * 39 // 2 // 5
    monkeypatch.setattr(Judge, "least_expected", lambda *_: 0.0)
    seen.clear()
    assert found == fastinfo.top_pairs(X, 3, given=z, rank_by="corrected")
    assert len(seen) > 40 * 39 // 2 // 2


def test_weighted_pairs_have_no_corrected_value(rng):
    X, z = integers(rng)
    weights = rng.random(150)
    table, kinds = pd.DataFrame(X), {3: "category"}
    found = fastinfo.top_pairs(table, given=z, sample_weight=weights, kinds=kinds)
    assert len(found) == 10
    assert all(math.isnan(pair.corrected) for pair in found)
    best = found[0]
    pair = X[:, best.left], X[:, best.right]
    options = {"sample_weight": weights}
    assert best.value == close(fastinfo.conditional_mutual_information(*pair, z, **options))
    mean = sum(fastinfo.conditional_entropy(x, z, **options) for x in pair) / 2
    assert best.share == close(best.value / mean)


def test_scores_beyond_what_is_given(backend, named):
    table = pd.DataFrame(named)
    found = fastinfo.score(table, "b", given="z", backend=backend)
    assert found[0].column == "a"  # b is a function of both
    assert {one.column for one in found} == {"a", "c", "age"}
    for one in found:
        x, y, z = (named[label] for label in (one.column, "b", "z"))
        value = fastinfo.conditional_mutual_information(x, y, z)
        assert one.value == close(value)
        assert one.share == close(value / fastinfo.conditional_entropy(y, z))
        if one.column != "age":
            assert one.corrected == close(value - chance(x.tolist(), y.tolist(), z.tolist()))
    arrays = fastinfo.score(table[["a", "c"]].to_numpy(), table["b"], given=table["z"])
    assert arrays[0].column == 0
    assert arrays[0].value == close(found[0].value)
    assert fastinfo.score(table.drop(columns="z"), "b", given=named["z"], backend=backend) == found


def test_a_saturated_table_is_told(rng):
    """Strata have fewer samples: what is enough without them is not within them."""
    X = rng.integers(0, 6, (600, 4))
    z = rng.integers(0, 60, 600)
    fastinfo.pairwise_mutual_information(X)
    with pytest.warns(fastinfo.SaturationWarning, match="6 of the 6 pairs of the columns"):
        pairwise(X, given=z)
    with pytest.warns(fastinfo.SaturationWarning, match="6 of the pairs shown"):
        fastinfo.top_pairs(X, given=z)
    with pytest.warns(fastinfo.SaturationWarning, match="chance alone gives about"):
        fastinfo.conditional_mutual_information(X[:, 0], X[:, 1], z)
    with pytest.warns(fastinfo.SaturationWarning, match="3 of 3 columns with the target"):
        fastinfo.score(X[:, 1:], X[:, 0], given=z)


# --- how a run goes -------------------------------------------------------------------------------


def test_a_run_goes_on_with_the_same_strata_alone(rng, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "LARGEST_TILE_SIDE", 2)
    monkeypatch.setattr(plan, "TILE_WIDTH", 2)
    monkeypatch.setattr(plan, "TILE_SAMPLES", 4 * 150)
    X, z = integers(rng)
    found = pairwise(X, given=z, checkpoint=tmp_path)
    for other in ({"given": (z + X[:, 0]) % 3}, {"given": z // 2}):
        with pytest.raises(ValueError, match="belongs to another run: strata was"):
            pairwise(X, checkpoint=tmp_path, **other)
    with pytest.raises(ValueError, match="belongs to another run: measure was"):
        fastinfo.pairwise_mutual_information(X, checkpoint=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Job, "measure", lambda *_: pytest.fail("a tile is measured again"))
        again = pairwise(X, given=z, checkpoint=tmp_path)
    np.testing.assert_array_equal(again, found)


def test_written_to_an_array(rng):
    X, z = integers(rng)
    out = np.empty((5, 5), np.float32)
    assert pairwise(X, given=z, out=out) is out
    np.testing.assert_array_equal(out, pairwise(X, given=z).astype(np.float32))


def test_without_a_third_variable_it_is_another_function():
    with pytest.raises(TypeError, match="samples of given are missing; pairwise_mutual_info"):
        pairwise([[0, 1], [1, 0]])


# --- real tables ----------------------------------------------------------------------------------

ADMISSIONS = {
    "A": ((512, 313), (89, 19)),
    "B": ((353, 207), (17, 8)),
    "C": ((120, 205), (202, 391)),
    "D": ((138, 279), (131, 244)),
    "E": ((53, 138), (94, 299)),
    "F": ((22, 351), (24, 317)),
}
"""Men and women who were admitted and rejected in the six largest departments of Berkeley, 1973
[Bickel, Hammel & O'Connell, Science 187, 1975; Freedman, Pisani & Purves, *Statistics*]."""


def test_berkeley_admits_by_department_and_not_by_gender():
    rows = [
        {"department": name, "gender": gender, "admitted": admitted}
        for name, counts in ADMISSIONS.items()
        for gender, of_gender in zip(("man", "woman"), counts, strict=True)
        for admitted, count in zip((True, False), of_gender, strict=True)
        for _ in range(count)
    ]
    table = pd.DataFrame(rows)
    assert len(table) == 4526

    def information(group):
        p = pd.crosstab(group["gender"], group["admitted"], normalize=True).to_numpy()
        expected = p.sum(1, keepdims=True) * p.sum(0)
        return (p * np.log(p / expected)).sum()

    by_department = [(len(group), information(group)) for _, group in table.groupby("department")]
    expected = sum(n * value for n, value in by_department) / 4526
    (pair,) = fastinfo.top_pairs(table, given="department")
    assert pair.value == pytest.approx(expected, rel=1e-12)
    (without,) = [p for p in fastinfo.top_pairs(table) if "department" not in p[:2]]
    assert without.value == pytest.approx(information(table), rel=1e-12)
    assert without.corrected > 3 * pair.corrected
    scores = fastinfo.score(table, "admitted", given="gender")
    assert [one.column for one in scores] == ["department"]
    assert scores[0].value > 20 * pair.value


def test_irises_of_one_species():
    """Petals tell the species; within one, the sepals' length and width share the most."""
    table = datasets.load_iris(as_frame=True)
    X = table.data.rename(columns=lambda name: name.removesuffix(" (cm)"))
    without = fastinfo.top_pairs(X, 6)
    given_species = fastinfo.top_pairs(X, 6, given=table.target)
    assert without[0][:2] == ("petal length", "petal width")
    assert given_species[0][:2] != without[0][:2]
    codes = X.apply(lambda column: fastinfo.encode(column.to_numpy(), n_variables=3).codes)
    for pair in given_species:
        groups = codes.assign(species=table.target).groupby("species")
        expected = 0.0
        for _, group in groups:
            p = pd.crosstab(group[pair.left], group[pair.right], normalize=True).to_numpy()
            q = p.sum(1, keepdims=True) * p.sum(0)
            expected += len(group) / 150 * (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()
        assert pair.value == pytest.approx(expected, rel=1e-11)
