"""NumPy's rules for numbers of bins: NumPy's own numbers, unless outliers make them absurd."""

import tracemalloc

import numpy as np
import pytest

import fastinfo
from fastinfo import CappedBinsWarning
from fastinfo.binning import numpy_rules
from fastinfo.binning.numpy_rules import NUMPY_RULES

SAMPLES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "heavy tails": lambda rng, n: rng.standard_t(2, size=n),
    "uniform": lambda rng, n: rng.random(n),
    "integers": lambda rng, n: rng.integers(0, 9, n).astype(float),
    "no middle half": lambda rng, n: np.where(np.arange(n) < n // 10, rng.random(n), 0.0),
    "constant": lambda rng, n: np.full(n, 3.5),
    "two clusters": lambda rng, n: rng.normal(size=n) + 50 * (rng.random(n) < 0.3),
    "far from 0": lambda rng, n: 1e9 + rng.normal(size=n),
    "outliers": lambda rng, n: np.where(np.arange(n) == 0, 1e3, rng.normal(size=n)),
}


@pytest.mark.filterwarnings("ignore:The number of bins estimated:RuntimeWarning")
@pytest.mark.parametrize("rule", NUMPY_RULES)
@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
def test_numbers_are_those_of_numpy_up_to_that_of_the_samples(rng, samples, rule):
    for n in (1, 2, 3, 4, 7, 50, 300, 3000):
        x = samples(rng, n)
        expected = np.histogram_bin_edges(x, rule).size - 1
        found, reason = numpy_rules.n_bins(x, rule, "x")
        assert bool(reason) == (rule in ("auto", "fd") and expected > n)
        assert found == (n if reason else expected)
        assert found <= max(n, 100)


def test_an_old_auto_is_held_back_too(rng, monkeypatch):
    """NumPy before 2.3 takes the smaller of two widths, however small it is."""
    plain = np.histogram_bin_edges

    def old(x, rule):
        return max((plain(x, r) for r in ("fd", "sturges")), key=len) if rule == "auto" else None

    x = np.append(rng.normal(size=100), 1e15)
    numpy_rules._auto_is_bounded.cache_clear()
    monkeypatch.setattr(np, "histogram_bin_edges", old)
    try:
        found, reason = numpy_rules.n_bins(x, "auto", "x")
        assert found == 101
        assert "the rule 'auto' asks for" in reason
        assert numpy_rules.n_bins(x[:-1], "auto", "x") == (old(x[:-1], "auto").size - 1, "")
    finally:
        numpy_rules._auto_is_bounded.cache_clear()


@pytest.mark.parametrize("far", [1e12, 1e18, 1e300])
def test_an_outlier_takes_no_memory(backend, rng, far):
    x = np.append(rng.normal(size=999), far)
    message = (
        r"x: the rule 'fd' asks for .* bins of equal width for 1000 samples from .* to .*, half of "
        r"which lie in -0.\d+ to 0.\d+; they are counted in 1000 bins. Pass bins=.quantile"
    )
    tracemalloc.start()
    try:
        with pytest.warns(CappedBinsWarning, match=message) as told:
            found = fastinfo.entropy(x, bins="fd", backend=backend)
        assert told[0].filename == __file__
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    p = 1 / 1000  # of the last bin; all others share the first
    assert found == pytest.approx(-p * np.log(p) - (1 - p) * np.log1p(-p), rel=1e-9)
    assert peak < 64 << 20


def test_the_column_is_named():
    X = np.array([[0.1, 1.0], [0.2, 2.0], [0.3, 3.0], [0.4, 4.0], [0.5, 1e15]])
    with pytest.warns(CappedBinsWarning, match=r"X\[:, 1\]: the rule 'fd' asks for 4.3e\+14 bins"):
        fastinfo.pairwise_mutual_information(X, bins="fd")


@pytest.mark.parametrize("rule", NUMPY_RULES)
@pytest.mark.parametrize(
    "x", [[1e300, 1.7e308, -1.7e308], [1e16, 1e16 + 2]], ids=["wide", "narrow"]
)
def test_ranges_that_take_no_bins_are_told(x, rule):
    with pytest.raises(ValueError, match=r"x ranges from .* too narrow or too wide for .* bins"):
        fastinfo.entropy(x * 99, bins=rule)
