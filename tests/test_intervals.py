"""Confidence intervals: against plain loops and scipy, and how often they hold the truth."""

import functools
import importlib
import math
from pathlib import Path

import naive
import numpy as np
import pytest
from conftest import library

import fastinfo
from fastinfo import JointCounts

DOCS = Path(__file__).parents[1] / "docs"

MEASURES = {
    "entropy": (1, naive.entropy),
    "mutual_information": (2, naive.mutual_information),
    "conditional_mutual_information": (3, naive.conditional_mutual_information),
    "variation_of_information": (2, naive.variation_of_information),
}


def jackknife(values, value):
    """The bias and the standard error, by the values without each sample."""
    n, mean = len(values), math.fsum(values) / len(values)
    spread = math.fsum((v - mean) ** 2 for v in values)
    return (n - 1) * (mean - value), math.sqrt((n - 1) / n * spread)


@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")
@pytest.mark.parametrize("name", MEASURES)
def test_the_jackknife_leaves_each_sample_out(rng, name):
    count, judge = MEASURES[name]
    columns = rng.integers(0, 3, (count, 30)).tolist()
    without = [judge(*(c[:i] + c[i + 1 :] for c in columns)) for i in range(30)]
    bias, error = jackknife(without, judge(*columns))
    found = fastinfo.confidence_interval(
        getattr(fastinfo, name), *columns, resampling="jackknife", confidence_level=0.9
    )
    assert found.value == pytest.approx(judge(*columns), abs=1e-12)
    assert found.bias == pytest.approx(bias, abs=1e-10)
    assert found.standard_error == pytest.approx(error, abs=1e-10)
    middle, reach = found.value - bias, 1.6448536269514722 * error
    assert found.low == pytest.approx(middle - reach, abs=1e-10)
    assert found.high == pytest.approx(middle + reach, abs=1e-10)


def test_the_bootstrap_of_scipy(rng):
    """Which draws samples, and so the same tables."""
    x = rng.integers(0, 3, 200)
    y = np.where(rng.random(200) < 0.5, x, rng.integers(0, 3, 200))

    def statistic(x, y):
        return naive.mutual_information(x.tolist(), y.tolist())

    theirs = library("scipy.stats").bootstrap(
        (x, y), statistic, paired=True, vectorized=False, method="basic", n_resamples=1000, rng=rng
    )
    found = fastinfo.confidence_interval(
        fastinfo.mutual_information, x, y, random_state=1, n_resamples=4000
    )
    error = found.standard_error
    assert error == pytest.approx(theirs.standard_error, rel=0.1)
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=0.25 * error)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=0.25 * error)
    assert found.value - found.bias == pytest.approx((found.low + found.high) / 2, abs=0.3 * error)


def test_a_proportion_has_its_textbook_error():
    """The entropy of a coin that is not fair: √(p·q)·|log(p/q)|/√n."""
    p, n = 0.2, 5000
    table = JointCounts.from_table([int(p * n), n - int(p * n)])
    expected = math.sqrt(p * (1 - p) / n) * abs(math.log(p / (1 - p)))
    for resampling in ("bootstrap", "jackknife"):
        found = fastinfo.confidence_interval(
            fastinfo.entropy, table, resampling=resampling, random_state=0, n_resamples=3000
        )
        assert found.standard_error == pytest.approx(expected, rel=0.05)
    assert found.bias == pytest.approx(-1 / (2 * n), rel=0.01)  # (K − 1)/2n, by the jackknife


def test_options_go_on_to_the_measure(rng):
    x, y = rng.integers(0, 4, (2, 100))
    interval = functools.partial(
        fastinfo.confidence_interval, random_state=3, n_resamples=200, bins=None
    )
    nats, bits = (interval(fastinfo.mutual_information, x, y, base=base) for base in (None, 2))
    for name in ("value", "low", "high", "standard_error", "bias"):
        assert getattr(bits, name) == pytest.approx(getattr(nats, name) / math.log(2))
    corrected = interval(fastinfo.mutual_information, x, y, estimator="miller_madow")
    assert corrected.value == fastinfo.mutual_information(x, y, estimator="miller_madow")
    assert abs(corrected.bias) < abs(nats.bias) / 5
    middle, error = corrected.value - corrected.bias, corrected.standard_error
    assert nats.value - nats.bias == pytest.approx(middle, abs=0.2 * error)
    for average in ("min", "max"):
        found = interval(fastinfo.normalized_mutual_information, x, y, average=average)
        assert found.value == fastinfo.normalized_mutual_information(x, y, average=average)
    adjusted = interval(fastinfo.adjusted_mutual_information, x, y)
    assert adjusted.low < adjusted.value < adjusted.high
    own = interval(lambda counts: counts.table[0, 0] / counts.n_samples, x, y)
    assert own.value == np.mean((x == 0) & (y == 0))


def test_dense_and_sparse_counts_are_the_same(rng):
    x, y = rng.integers(0, 5, (2, 60))
    for resampling in ("bootstrap", "jackknife"):
        found = [
            fastinfo.confidence_interval(
                fastinfo.mutual_information,
                JointCounts(sparse=sparse).update(x, y),
                resampling=resampling,
                random_state=2,
                n_resamples=50,
            )
            for sparse in (False, True)
        ]
        assert found[0].low == pytest.approx(found[1].low, abs=1e-12)
        assert found[0].high == pytest.approx(found[1].high, abs=1e-12)


def test_bins_are_those_of_the_samples(rng):
    x = rng.normal(size=300)
    y = x + rng.normal(size=300)
    found = fastinfo.confidence_interval(
        fastinfo.mutual_information, x, y, bins=4, random_state=0, n_resamples=500
    )
    assert found.value == fastinfo.mutual_information(x, y, bins=4)
    assert found.low < found.value - found.bias < found.high


def test_one_seed_one_answer(rng):
    x, y = rng.integers(0, 3, (2, 80))
    found = [
        fastinfo.confidence_interval(
            fastinfo.mutual_information, x, y, random_state=seed, n_resamples=100, n_jobs=n_jobs
        )
        for seed, n_jobs in ((1, 1), (1, 3), (2, 1))
    ]
    assert found[0] == found[1] != found[2]


# --- coverage -----------------------------------------------------------------------------------


@pytest.fixture
def simulation(monkeypatch):
    """The script that docs/significance.md has its table from."""
    monkeypatch.syspath_prepend(str(DOCS / "pictures"))
    return importlib.import_module("make_coverage")


@pytest.mark.parametrize(("resampling", "size"), [("bootstrap", 2), ("jackknife", 4)])
def test_intervals_hold_the_truth_as_often_as_they_say(simulation, resampling, size):
    p, truth = simulation.diagonal(size, 0.5)
    found = simulation.coverage(
        p, truth, 200 * size**2, 100, resampling, n_resamples=100, confidence_level=0.8
    )
    assert found == pytest.approx(0.8, abs=3.5 * math.sqrt(0.8 * 0.2 / 100))


def test_corrected_estimates_are_held_too(simulation):
    p, truth = simulation.diagonal(4, 0.5)
    for resampling in ("bootstrap", "jackknife"):
        found = simulation.coverage(
            *(p, truth, 800, 60, resampling), n_resamples=100, estimator="miller_madow"
        )
        assert found >= 0.86


def test_with_few_samples_for_the_cells_they_fail(simulation):
    """256 cells and as many samples: what docs/significance.md warns of."""
    p, truth = simulation.diagonal(16, 0.5)
    assert simulation.coverage(p, truth, 256, 30, "bootstrap", n_resamples=60) < 0.4


# --- what it refuses ----------------------------------------------------------------------------

REFUSED = {
    "a name": (("mutual_information",), {}, TypeError, "measure='mutual_information'; accepted is"),
    "unknown way": ((), {"resampling": "bca"}, ValueError, "resampling='bca'; accepted are 'boot"),
    "level of 95": ((), {"confidence_level": 95}, ValueError, "confidence_level=95; accepted is a"),
    "level of 0": ((), {"confidence_level": 0}, ValueError, "confidence_level=0; accepted is a"),
    "level of text": ((), {"confidence_level": "a"}, ValueError, "confidence_level='a'; accepted"),
    "no resamples": ((), {"n_resamples": 0}, ValueError, "n_resamples=0; accepted is an integer"),
    "seed of text": ((), {"random_state": "a"}, TypeError, "random_state='a'; accepted are None"),
    "weights": ((), {"sample_weight": [1, 2, 1]}, ValueError, "confidence_interval needs number"),
    "unknown option": ((), {"colour": 1}, TypeError, "unexpected keyword argument 'colour'"),
    "unknown estimator": ((), {"estimator": "x"}, ValueError, "estimator='x'; accepted are"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input(case):
    measure, options, error, message = REFUSED[case]
    (measure,) = measure or (fastinfo.mutual_information,)
    with pytest.raises(error, match=message):
        fastinfo.confidence_interval(measure, [0, 1, 1], [0, 1, 0], **options)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(TypeError, match="samples of at least one variable"):
        fastinfo.confidence_interval(fastinfo.entropy)
    with pytest.raises(ValueError, match="leaves a sample out, and there is only one"):
        fastinfo.confidence_interval(fastinfo.entropy, [3], resampling="jackknife")
    weighted = JointCounts().update([0, 1], sample_weight=[0.5, 1])
    with pytest.raises(ValueError, match="sums of weights, and confidence_interval needs numbers"):
        fastinfo.confidence_interval(fastinfo.entropy, weighted)
    with pytest.raises(ValueError, match="2 variables are needed; these JointCounts have 1"):
        fastinfo.confidence_interval(fastinfo.mutual_information, [0, 1])


def test_missing_samples():
    x = [0, 1, None, 1, 0, 0]
    found = fastinfo.confidence_interval(
        fastinfo.entropy, x, nan_policy="omit", resampling="jackknife"
    )
    assert found.value == fastinfo.entropy([0, 1, 1, 0, 0])
    unknown = fastinfo.confidence_interval(fastinfo.entropy, x, nan_policy="propagate")
    assert math.isnan(unknown.value)
    assert math.isnan(unknown.low)
    with pytest.raises(ValueError, match="x has 1 missing values"):
        fastinfo.confidence_interval(fastinfo.entropy, x)


def test_it_is_saturated_once(rng):
    """The warning of the measure comes for the samples, and not for every table."""
    x, y = rng.integers(0, 20, (2, 60))
    with pytest.warns(fastinfo.SaturationWarning) as told:
        fastinfo.confidence_interval(fastinfo.mutual_information, x, y, n_resamples=20)
    assert len(told) == 1
