"""Counts → entropies: the estimators."""

import csv
import math
from collections import Counter
from pathlib import Path

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

import fastinfo
from fastinfo import formulas
from fastinfo.backends import choose
from fastinfo.estimators import entropies, grassberger
from fastinfo.inputs import options
from fastinfo.measures.apply import apply
from fastinfo.pairs import features, plan
from fastinfo.pairs.job import Job
from fastinfo.pairs.measure import OfEntropies

DATA = Path(__file__).parents[1] / "docs" / "data"

PRIORS = {
    "laplace": lambda n, cells: 1.0,
    "jeffreys": lambda n, cells: 0.5,
    "perks": lambda n, cells: 1 / cells,
    "minimax": lambda n, cells: math.sqrt(n) / cells,
}


def dirichlet(prior):
    return lambda counts, cells: naive.dirichlet(counts, cells, prior(sum(counts), cells))


NAIVE = {
    "ml": lambda counts, _: naive.entropy_of(naive.probabilities(dict(enumerate(counts)))),
    "miller_madow": lambda counts, _: naive.miller_madow(
        [i for i, c in enumerate(counts) for _ in range(c)]
    ),
    "grassberger": lambda counts, _: naive.grassberger(counts),
    "jackknife": lambda counts, _: naive.jackknife(counts),
    "chao_shen": lambda counts, _: naive.chao_shen(counts),
    "panzeri_treves": naive.panzeri_treves,
    "shrinkage": naive.shrinkage,
    "nsb": lambda counts, cells: naive.nsb(counts, cells)[0],
    **{name: dirichlet(prior) for name, prior in PRIORS.items()},
}
"""Each estimator as plain loops, of counts and the number of possible cells."""

FAST = [name for name in NAIVE if name != "nsb"]
"""Estimators whose judge takes no second."""


def nobody_asks():
    """The number of possible cells, of which some estimators know nothing."""
    raise AssertionError


def test_every_estimator_has_a_judge():
    assert set(NAIVE) == set(entropies.ESTIMATORS)


def entropy(counts, estimator, backend, n_cells=None):
    """Entropies by the kernels of a backend, on the host."""
    kernels = choose(backend)
    with kernels.current():
        there = kernels.bring(np.array(counts))
        asked = nobody_asks if n_cells is None else lambda: n_cells
        return kernels.to_host(entropies.entropy(there, asked, estimator, kernels))


def asks(estimator):
    return entropies.ESTIMATORS[estimator].asks_for_cells


@pytest.mark.parametrize("estimator", FAST)
@given(
    counts=st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any),
    more=st.sampled_from([0, 1, 1000]),
)
def test_estimators(backend, estimator, counts, more):
    cells = len(counts) + more if asks(estimator) else None
    found = float(entropy(counts, estimator, backend, cells))
    assert found == pytest.approx(NAIVE[estimator](counts, cells), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
@given(counts=st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any), data=st.data())
def test_laws(estimator, counts, data):
    """Order and empty cells mean nothing; with K cells possible, no estimate exceeds log K."""
    cells = len(counts) + data.draw(st.integers(0, 5)) if asks(estimator) else None
    found = float(entropy(counts, estimator, "numpy", cells))
    order = data.draw(st.permutations([*counts, 0, 0]))
    assert float(entropy(order, estimator, "numpy", cells)) == pytest.approx(found, abs=1e-12)
    assert found >= 0
    if cells is not None and estimator != "panzeri_treves":
        assert found <= math.log(cells) + 1e-12


@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
def test_many_tables_at_once(backend, rng, estimator):
    counts = rng.integers(0, 9, (3, 2, 5))
    cells = np.array([5, 9]) if asks(estimator) else None
    if cells is not None:
        kernels = choose(backend)
        cells = kernels.bring(cells)
    found = entropy(counts, estimator, backend, cells)
    assert found.shape == (3, 2)
    for index in np.ndindex(3, 2):
        expected = NAIVE[estimator](counts[index].tolist(), (5, 9)[index[1]])
        assert found[index] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
@pytest.mark.parametrize("shape", [(5,), (2, 5), (0,)])
def test_a_table_without_samples_has_no_entropy(backend, estimator, shape):
    cells = 7 if asks(estimator) else None
    assert np.isnan(entropy(np.zeros(shape, np.int64), estimator, backend, cells)).all()


@pytest.mark.parametrize("total", [1, 3, 7, 12345, (1 << 53) - 1, 0.1, 1e-200, 1e200])
def test_one_occupied_cell_has_exactly_no_entropy(backend, total):
    assert entropy([0, total, 0], "ml", backend) == 0.0


@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
@pytest.mark.parametrize("total", [1, 2, 3, 16, 12345, 1 << 40])
def test_a_constant_has_no_corrected_entropy(backend, estimator, total):
    """If nothing else is possible; alone and among other tables."""
    cells = 1 if asks(estimator) else None
    assert entropy([0, total, 0], estimator, backend, cells) == 0.0
    assert entropy([[0, total, 0], [total, 0, 0]], estimator, backend, cells).tolist() == [0, 0]


def test_miller_madow_by_hand(backend):
    """Counts 2, 1, 1: log 4 − (2 log 2)/4 + 2/8."""
    expected = math.log(4) - math.log(2) / 2 + 0.25
    assert float(entropy([2, 1, 1, 0], "miller_madow", backend)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("estimator", "bounds", "value", "expected"),
    [
        ("ml", (0.0, np.inf), -1e-17, "0.0"),
        ("ml", (0.0, np.inf), -0.0, "0.0"),
        ("ml", (0.0, np.inf), np.nan, "nan"),
        ("ml", (0.0, np.inf), 0.5, "0.5"),
        ("ml", (0.0, 1.0), 1 + 2e-16, "1.0"),
        ("ml", (-np.inf, np.inf), -0.25, "-0.25"),
        ("miller_madow", (0.0, 1.0), -0.25, "-0.25"),
        ("miller_madow", (0.0, 1.0), 1.25, "1.25"),
    ],
)
def test_only_rounding_is_taken_away(kernels, estimator, bounds, value, expected):
    found = entropies.without_rounding(np.float64(value), bounds, estimator, kernels)
    assert repr(float(found)) == expected


def test_a_formula_that_may_be_negative_stays_negative(kernels):
    """Interaction information of two coins and their exclusive or: −1 bit."""

    @formulas.formula(low=-math.inf)
    def interaction(entropy):
        pairs = entropy(0, 1) + entropy(0, 2) + entropy(1, 2)
        return entropy(0) + entropy(1) + entropy(2) - pairs + entropy(0, 1, 2)

    counts = fastinfo.JointCounts().update([0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0])
    checked = options.Options(None, 2, "ml", "raise", None, kernels.name, None)
    assert apply(interaction, (counts, None, None), checked) == pytest.approx(-1)


@pytest.mark.parametrize(("low", "high"), [(-math.inf, math.inf), (0.0, 0.5)])
def test_pairs_keep_to_the_bounds_of_their_formula(backend, rng, low, high):
    """Of H(X) − H(Y), which is negative for half of the pairs, and of one that is bounded above."""

    @formulas.formula(low, high)
    def difference(entropy):
        return entropy(0) - entropy(1)

    kernels = choose(backend)
    n_bins = np.array([2, 9, 3, 5])
    codes = np.stack([rng.integers(0, bins, 60) for bins in n_bins]).astype(np.uint8)
    binned = features.Features([kernels.bring(codes)], n_bins, *np.zeros((2, 4), bool))
    tiling = plan.Plan(n_bins, 2, 60)
    job = Job(binned, tiling, OfEntropies("difference", difference, "ml"), kernels)
    of = [naive.entropy(column.tolist()) for column in codes]
    seen = []
    for tile in tiling.tiles:
        lefts, rights = tiling.order[tile.left], tiling.order[tile.right]
        expected = np.clip([[of[i] - of[j] for j in rights] for i in lefts], low, high)
        np.testing.assert_allclose(job.measure(tile)["value"], expected, rtol=1e-12)
        seen += expected.ravel().tolist()
    assert min(seen) < 0 if low < 0 else max(seen) == high


def test_rounding_does_not_grow_with_the_number_of_cells(kernels, rng):
    for n_cells in (1, 7, 255, 256, 257, 5000, 1 << 17):
        weights = rng.random(n_cells)
        counts = rng.integers(0, 100_000, n_cells)
        for table in (weights, counts, np.ones(n_cells) / n_cells):
            found = float(kernels.to_host(kernels.sum_xlogx(kernels.bring(table))))
            terms = [c * math.log(c) for c in table.tolist() if c > 0]
            assert found == pytest.approx(math.fsum(terms), rel=1e-14)
        other = kernels.bring(rng.random(n_cells) + 0.5)
        found = float(kernels.to_host(kernels.sum_xlogy(kernels.bring(weights), other)))
        terms = [p * math.log(q) for p, q in zip(weights, kernels.to_host(other), strict=True)]
        scale = math.fsum(map(abs, terms))
        assert found == pytest.approx(math.fsum(terms), abs=1e-14 * scale)


# --- published values -----------------------------------------------------------------------------

R_ENTROPY = "https://github.com/kellino/DiscreteEntropy.jl test/estimator_test.jl: R's entropy"
DISCREET = "https://github.com/cynddl/Discreet.jl test/runtests.jl: R's entropy package"
INFOMEASURE = "https://github.com/cbueth/infomeasure tests/estimators/entropy/test_bayes.py, bits"

PUBLISHED = [
    (R_ENTROPY, "ml", [1, 2, 3, 2, 1], None, 1.522955),
    (R_ENTROPY, "miller_madow", [1, 2, 3, 2, 1], None, 1.745177),
    (R_ENTROPY, "chao_shen", [1, 2, 3, 2, 1], None, 1.876548),
    (R_ENTROPY, "shrinkage", [1, 2, 3, 2, 1], 5, 1.609438),
    (R_ENTROPY, "laplace", [1, 2, 3, 2, 1], 5, 1.574097),
    (R_ENTROPY, "jeffreys", [1, 2, 3, 2, 1], 5, 1.556911),
    (R_ENTROPY, "minimax", [1, 2, 3, 2, 1], 5, 1.561237),
    (R_ENTROPY, "perks", [1, 2, 3, 2, 1], 5, 1.539698),
    (R_ENTROPY, "dirichlet:0.2", [1, 2, 3, 2, 1], 5, 1.539698),
    (R_ENTROPY, "dirichlet:3", [1, 2, 3, 2, 1], 5, 1.597417),
    (DISCREET, "ml", [4, 2, 3, 2, 4, 2, 1, 1], None, 1.968382408728),
    (DISCREET, "chao_shen", [1, 1, 1, 1, 1, 1], None, 3.840549310406),
    (DISCREET, "chao_shen", [4, 2, 3, 2, 4, 2, 1, 1], None, 2.201137101279),
    (DISCREET, "shrinkage", [4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1], 11, 2.379602895309),
    (INFOMEASURE, "laplace", [4, 2, 1, 1, 1, 2], 6, 2.4922031072054134 * math.log(2)),
    (INFOMEASURE, "jeffreys", [4, 2, 1, 1, 1, 2], 6, 2.4497381910452884 * math.log(2)),
    (INFOMEASURE, "perks", [4, 2, 1, 1, 1, 2], 6, 2.402393185063893 * math.log(2)),
    (INFOMEASURE, "minimax", [4, 2, 1, 1, 1, 2], 6, 2.455489294962795 * math.log(2)),
]


@pytest.mark.parametrize(("source", "estimator", "counts", "cells", "expected"), PUBLISHED)
def test_published_values(source, estimator, counts, cells, expected):
    digits = 6e-7 if source == R_ENTROPY else 1e-11
    found = float(entropy(counts, estimator, "numpy", cells))
    assert found == pytest.approx(expected, abs=digits)


def test_a_published_mean_of_entropies_without_one_sample():
    """1.477468967581723 for 1, 2, 3, 2, 1 in DiscreteEntropy.jl's test of JackknifeMLE."""
    plug_in = float(entropy([1, 2, 3, 2, 1], "ml", "numpy"))
    found = float(entropy([1, 2, 3, 2, 1], "jackknife", "numpy"))
    assert found == pytest.approx(9 * plug_in - 8 * 1.477468967581723, abs=1e-13)


def test_grassbergers_own_numbers():
    """G(1) = −γ − log 2, G(2) = 2 − γ − log 2, G(2m) = … + 2/(2m − 1) [equations 30 and 31]."""
    first = -np.euler_gamma - math.log(2)
    expected = [first, first + 2, first + 2, first + 2 + 2 / 3, first + 2 + 2 / 3]
    expected += [first + 2 + 2 / 3 + 2 / 5]
    np.testing.assert_allclose(grassberger.weights(np.arange(1, 7)), expected, rtol=1e-15)
    # G(n) = ψ(n) + (−1)ⁿ/2·(ψ((n + 1)/2) − ψ(n/2)), the same in closed form [equation 28].
    n = np.array([*range(1, 60), 1000, 1001, 10**6, 10**9 + 1])
    psi = special.digamma
    closed = psi(n) + (1 - n % 2 * 2) / 2 * (psi((n + 1) / 2) - psi(n / 2))
    np.testing.assert_allclose(grassberger.weights(n), closed, rtol=1e-13)


@pytest.mark.parametrize("mean", [0.1, 0.7, 1.5, 3.0, 8.0, 20.0, 60.0])
def test_grassbergers_bias_falls_exponentially(mean):
    """Of a Poisson count, E[c·G(c)] exceeds λ·log λ by at most 0.1407…, and soon by nothing."""
    counts = np.arange(0, 400)
    chances = np.exp(counts * math.log(mean) - mean - special.gammaln(counts + 1))
    excess = chances @ (counts * grassberger.weights(counts)) - mean * math.log(mean)
    assert -1e-10 < excess < min(0.1408, math.exp(-1.4 * mean)) + 1e-10


def test_a_table_of_real_counts(backend):
    """The offsets of the world's time zones: all estimates lie near each other, ml lowest."""
    with (DATA / "timezones.csv").open(encoding="utf-8") as file:
        offsets = [row["utc_offset_hours"] for row in csv.DictReader(file)]
    plug_in = fastinfo.entropy(offsets, backend=backend)
    for name in entropies.ESTIMATORS:
        found = fastinfo.entropy(offsets, estimator=name, backend=backend)
        counts = list(Counter(offsets).values())
        if name in FAST:
            assert found == pytest.approx(NAIVE[name](counts, len(counts)), rel=1e-11)
        assert plug_in - 1e-12 <= found < plug_in + 0.2


# --- known traps ----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")
@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
def test_a_hundred_thousand_labels_all_distinct(estimator):
    """Of as many equally frequent values, the plug-in estimate is right, and others are above."""
    n = 100_000
    x = np.arange(n)
    found = fastinfo.entropy(x, estimator=estimator)
    assert math.log(n) - 1e-9 <= found < 25 or estimator == "nsb"
    assert math.isfinite(found)
    assert math.isfinite(fastinfo.mutual_information(x, x % 7, estimator=estimator))


@pytest.mark.parametrize("estimator", entropies.ESTIMATORS)
def test_margins_past_32_bits(estimator):
    """So many samples leave nothing to correct."""
    table = np.array([[3, 1, 0], [1, 2, 5]]) << 33
    counts = fastinfo.JointCounts.from_table(table)
    plug_in = fastinfo.mutual_information(counts)
    assert plug_in > 0.1
    # The minimax prior is √N/K samples a cell, which is more than others have.
    close = pytest.approx(plug_in, abs=1e-4 if estimator == "minimax" else 1e-8)
    assert fastinfo.mutual_information(counts, estimator=estimator) == close


@pytest.mark.parametrize("estimator", [e for e in entropies.ESTIMATORS if e != "ml"])
def test_estimates_that_come_out_negative_stay_so(backend, estimator):
    """Two coins that fall together as often as apart share a little less than nothing."""
    x, y = [0, 0, 1, 1] * 3, [0, 1, 0, 1] * 3
    found = fastinfo.mutual_information(x, y, estimator=estimator, backend=backend)
    if estimator in ("shrinkage", *PRIORS):  # equal frequencies stay as they are
        assert found == pytest.approx(0, abs=1e-12)
    elif estimator == "chao_shen":  # each cell is seen for sure, nearly
        assert found == pytest.approx(naive_information("chao_shen"))
    else:
        assert found < -0.001


def naive_information(estimator):
    judge = NAIVE[estimator]
    return judge([6, 6], 2) + judge([6, 6], 2) - judge([3] * 4, 4)
