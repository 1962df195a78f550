"""Transfer entropy: windows by plain loops, Markov chains in closed form, published values."""

import itertools
import math

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastinfo
from fastinfo import SaturationWarning
from fastinfo.inputs.options import Options
from fastinfo.measures.shuffling import Shuffling

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")


def close(expected):
    return pytest.approx(expected, rel=1e-11, abs=1e-11, nan_ok=True)


def options(past):
    """The arguments that mean a past of `naive.windows`."""
    names = ("target_history", "source_history", "lag", "given_history")
    return dict(zip(names, past, strict=True))


THREE = st.integers(0, 2)


@st.composite
def series(draw, element=THREE):
    """Three series, labels of trials or None, and a past."""
    size = draw(st.integers(1, 30))
    column = st.lists(element, min_size=size, max_size=size)
    lengths = draw(st.none() | st.lists(st.integers(1, 12), min_size=size, max_size=size))
    trials = lengths and [i for i, length in enumerate(lengths) for _ in range(length)][:size]
    past = tuple(draw(st.integers(1, 3)) for _ in range(4))
    return draw(column), draw(column), draw(st.none() | column), trials, past


@given(case=series())
def test_by_definition(backend, case):
    source, target, condition, trials, past = case
    arguments = options(past) | {"given": condition, "trials": trials, "backend": backend}
    windows = naive.windows(source, target, past, condition, trials)
    if not windows:
        with pytest.raises(ValueError, match=r"how far the past reaches|samples back"):
            fastinfo.transfer_entropy(source, target, **arguments)
        return
    expected = naive.transfer_entropy(source, target, past, condition, trials)
    assert fastinfo.transfer_entropy(source, target, **arguments) == close(expected)
    found = fastinfo.pointwise_transfer_entropy(source, target, **arguments)
    values = naive.pointwise_conditional_mutual_information(*zip(*windows.values(), strict=True))
    at = dict(zip(windows, values, strict=True))
    assert found.tolist() == close([at.get(t, math.nan) for t in range(len(target))])
    assert np.nanmean(found) == close(expected)


@given(case=series(st.none() | st.integers(0, 1)))
def test_a_missing_sample_takes_all_windows_with_it(case):
    source, target, condition, trials, past = case
    arguments = options(past) | {"given": condition, "trials": trials}
    windows = naive.windows(source, target, past, condition, trials)
    if windows and not any(windows.values()):
        with pytest.raises(ValueError, match="no sample is left"):
            fastinfo.transfer_entropy(source, target, nan_policy="omit", **arguments)
        assert math.isnan(
            fastinfo.transfer_entropy(source, target, nan_policy="propagate", **arguments)
        )
    if not any(windows.values()):
        return
    expected = naive.transfer_entropy(source, target, past, condition, trials)
    found = fastinfo.transfer_entropy(source, target, nan_policy="omit", **arguments)
    assert found == close(expected)
    local = fastinfo.pointwise_transfer_entropy(source, target, nan_policy="omit", **arguments)
    whole = [windows.get(t) is not None for t in range(len(target))]
    np.testing.assert_array_equal(~np.isnan(local), whole)
    found = fastinfo.transfer_entropy(source, target, nan_policy="propagate", **arguments)
    assert math.isnan(found) == (None in windows.values())
    if any(None in x for x in (source, target, condition or [])):
        with pytest.raises(ValueError, match=r"(source|target|given) has \d+ missing values"):
            fastinfo.transfer_entropy(source, target, **arguments)


def test_a_markov_chain_in_closed_form(rng):
    """Y copies X of two steps before, but for one time in ten: TE is log 2 − H(0.1) at that lag.

    X is a fair coin, so that the windows of any other lag tell nothing.
    """
    n = 200_000
    x = rng.integers(0, 2, n)
    y = np.roll(x, 2) ^ (rng.random(n) < 0.1)
    expected = 1 + 0.1 * math.log2(0.1) + 0.9 * math.log2(0.9)
    found = [fastinfo.transfer_entropy(x, y, lag=lag, base=2) for lag in (1, 2, 3)]
    assert found == pytest.approx([0, expected, 0], abs=0.01)
    assert fastinfo.transfer_entropy(y, x, base=2) == pytest.approx(0, abs=1e-4)
    assert fastinfo.transfer_entropy(x, y, source_history=2, base=2) == pytest.approx(
        expected, abs=0.01
    )


def stationary(transition):
    """The stationary distribution of a Markov chain."""
    values, vectors = np.linalg.eig(transition.T)
    vector = np.real(vectors[:, np.argmax(np.real(values))])
    return vector / vector.sum()


@pytest.mark.parametrize("history", [1, 2])
def test_exactly_for_a_coupled_chain(rng, history):
    """The joint distribution of three steps, counted as 10⁶ samples would be at the best.

    X and Y are one Markov chain of pairs, in which Y depends on X and on itself. Each path of three
    steps is a trial, repeated in proportion to its probability.
    """
    to_x, to_y = rng.dirichlet([1, 1], 2), rng.dirichlet([1, 1], (2, 2))
    pairs = list(itertools.product((0, 1), repeat=2))
    step = np.array([[to_x[a][c] * to_y[a][b][d] for c, d in pairs] for a, b in pairs])
    start = stationary(step)
    paths = {
        (i, j, k): start[i] * step[i, j] * step[j, k]
        for i, j, k in itertools.product(range(4), repeat=3)
    }
    repeats = {path: round(p * 300_000) for path, p in paths.items()}
    source, target = (
        np.repeat(
            [[pairs[s][side] for s in path] for path in paths], list(repeats.values()), axis=0
        )
        for side in (0, 1)
    )
    trials = np.repeat(np.arange(len(source)), 3)
    found = fastinfo.transfer_entropy(
        source.ravel(), target.ravel(), trials=trials, target_history=history
    )
    total = sum(paths.values())
    joint = {}
    for (i, j, k), p in paths.items():
        past = (pairs[j][1],) if history == 1 else (pairs[i][1], pairs[j][1])
        key = (pairs[j][0], pairs[k][1], past)
        joint[key] = joint.get(key, 0) + p / total
    pz, pxz, pyz = (naive.marginal(joint, *v) for v in ((2,), (0, 2), (1, 2)))
    expected = sum(
        p * math.log(pz[c,] * p / (pxz[a, c] * pyz[b, c])) for (a, b, c), p in joint.items()
    )
    assert found == pytest.approx(expected, abs=2e-5)


def test_the_tent_maps_of_schreiber(rng):
    """Schreiber 2000, figure 1: (0.77·ε)²/log 2 bits down a lattice of coupled tent maps, 0 back.

    Each map is mixed with a share ε of the one before it; their halves are the two states.
    """
    coupling, n_maps, n_steps = 0.05, 1000, 1000
    x, states = rng.random(n_maps), []
    for _ in range(300 + n_steps):
        mixed = coupling * np.roll(x, 1) + (1 - coupling) * x
        x = 1 - abs(1 - 2 * mixed) + 1e-13 * rng.random(n_maps)  # doubling uses the bits up
        states.append(x > 0.5)
    before, after = np.roll(states[300:], 1, axis=1).T.ravel(), np.transpose(states[300:]).ravel()
    arguments = {"trials": np.repeat(range(n_maps), n_steps), "base": 2}
    expected = (0.77 * coupling) ** 2 / math.log(2)
    found = fastinfo.transfer_entropy(before, after, **arguments)
    assert found == pytest.approx(expected, rel=0.15)
    assert fastinfo.transfer_entropy(after, before, **arguments) < 1e-5


RINFORM = {
    # (source, target, target history): the values in bits.
    "forth, 1": (
        0.8112781,
        [0.4150375, 2, 0.4150375, 0.4150375, 0.4150375, 2, 0.4150375, 0.4150375],
    ),
    "forth, 2": (0.6792696, [1.0, 0.0, 0.5849625, 0.5849625, 1.5849625, 0.0, 1.0]),
    "back, 1": (
        0.2169172,
        [0.4150375, 0.4150375, -0.169925, -0.169925, 0.4150375, 1.0, -0.5849625, 0.4150375],
    ),
    "back, 2": (0.0, [0.0] * 7),
}
"""The values in the documentation of `transfer_entropy` of the R package rinform 1.0.2."""


@pytest.mark.parametrize("case", RINFORM)
def test_values_of_the_documentation_of_rinform(case):
    x, y = [0, 0, 1, 1, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 0, 0, 0, 1]
    direction, history = case.split(", ")
    pair = (y, x) if direction == "forth" else (x, y)
    whole, local = RINFORM[case]
    arguments = {"target_history": int(history), "base": 2}
    assert fastinfo.transfer_entropy(*pair, **arguments) == pytest.approx(whole, abs=1e-7)
    found = fastinfo.pointwise_transfer_entropy(*pair, **arguments)
    assert found[int(history) :] == pytest.approx(local, abs=1e-7)


@pytest.mark.parametrize(
    ("history", "forth", "back"), [(1, 0.8828561, 0.1596973), (2, 0.6935361, 0.0)]
)
def test_two_trials_of_the_documentation_of_rinform(history, forth, back):
    x = np.ravel([[0, 0, 1, 1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 1, 1, 1, 0]])
    y = np.ravel([[1, 0, 0, 0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0, 1, 1]])
    arguments = {"target_history": history, "trials": np.repeat([0, 1], 9), "base": 2}
    assert fastinfo.transfer_entropy(y, x, **arguments) == pytest.approx(forth, abs=1e-7)
    assert fastinfo.transfer_entropy(x, y, **arguments) == pytest.approx(back, abs=1e-7)


@pytest.mark.parametrize("bins", [None, 4, ("quantile:3", [-9.0, 0.0, 9.0])])
def test_bins_are_those_of_the_whole_series(backend, rng, bins):
    x, y = rng.normal(size=(2, 400))
    y[1:] += x[:-1]
    arguments = {"target_history": 2, "source_history": 2, "backend": backend}
    found = fastinfo.transfer_entropy(x, y, bins=bins, **arguments)
    each = bins if isinstance(bins, tuple) else (bins, bins)
    codes = [
        fastinfo.encode(v, bins=b, n_variables=5).codes for v, b in zip((x, y), each, strict=True)
    ]
    assert found == close(fastinfo.transfer_entropy(*codes, **arguments))
    if bins is None:
        assert codes[0].max() == naive.default_n_bins(400, 5) - 1


def test_series_of_several_columns(rng):
    x, y, z = rng.integers(0, 2, (60, 2)), rng.integers(0, 2, (60, 2)), rng.integers(0, 2, (60, 2))
    found = fastinfo.transfer_entropy(x, y, given=z)
    rows = [list(map(tuple, v.tolist())) for v in (x, y, z)]
    assert found == close(naive.transfer_entropy(rows[0], rows[1], (1, 1, 1, 1), rows[2]))


def test_conditioning_tells_a_common_driver_from_a_cause(rng):
    n = 50_000
    z = rng.integers(0, 2, n)
    x, y = z.copy(), np.roll(z, 1) ^ (rng.random(n) < 0.2)
    assert fastinfo.transfer_entropy(x, y) > 0.15
    assert fastinfo.transfer_entropy(x, y, given=z) < 0.001


# --- effective ----------------------------------------------------------------------------------


def test_effective_takes_chance_off(rng):
    x, y = rng.integers(0, 4, (2, 500))
    arguments = {"target_history": 2, "n_shuffles": 200}
    assert fastinfo.transfer_entropy(x, y, target_history=2) > 0.15
    assert abs(fastinfo.transfer_entropy(x, y, random_state=0, **arguments)) < 0.02
    y[1:] = x[:-1]
    found = fastinfo.transfer_entropy(x, y, random_state=0, n_shuffles=200)
    assert found == pytest.approx(math.log(4), abs=0.1)


def test_the_same_seed_gives_the_same_value(backend, rng):
    x, y = rng.integers(0, 3, (2, 300))
    arguments = {"n_shuffles": 3, "backend": backend}
    first = fastinfo.transfer_entropy(x, y, random_state=5, **arguments)
    assert fastinfo.transfer_entropy(x, y, random_state=5, n_jobs=1, **arguments) == first
    assert fastinfo.transfer_entropy(x, y, random_state=6, **arguments) != first
    found = []
    for generator in (np.random.default_rng(5), np.random.default_rng(5)):
        arguments["random_state"] = generator
        found.append([fastinfo.transfer_entropy(x, y, **arguments) for _ in range(2)])
    assert found[0] == found[1]
    assert found[0][0] != found[0][1]


@pytest.mark.parametrize("n_samples", [12, 200])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0)])
def test_shuffled_tables_are_those_of_shuffled_samples(rng, n_samples, order):
    """Both ways to draw: of few samples a cell, and of many. Mean and variance are known."""
    columns = rng.integers(0, [2, 5, 2], (n_samples, 3)).T
    counts = fastinfo.JointCounts().update(*columns[list(order)])
    how = Options(None, None, "ml", "raise", None, None, None)
    shuffling = Shuffling(counts, 5)
    cells = math.prod(sums.size for _, sums in shuffling._parts)
    assert (cells <= n_samples) == (n_samples == 200)
    drawn = [shuffling.draw(number, how) for number in range(2000)]
    for table in drawn[:50]:
        np.testing.assert_array_equal(table.table.sum(axis=(1, 2)), counts.table.sum(axis=(1, 2)))
        np.testing.assert_array_equal(table.table.sum(axis=0), counts.table.sum(axis=0))
    tables = np.stack([table.table for table in drawn])
    rows, columns = counts.table.sum(axis=(1, 2)), counts.table.sum(axis=0)
    expected = rows[:, None, None] * columns / n_samples
    spread = expected * (1 - columns / n_samples) * (1 - rows / n_samples)[:, None, None]
    spread = spread * n_samples / (n_samples - 1)
    assert (abs(tables.mean(axis=0) - expected) <= 5 * np.sqrt(spread / 2000) + 1e-12).all()
    np.testing.assert_allclose(tables.var(axis=0), spread, rtol=0.25, atol=0.02)


def test_estimators_of_shuffled_tables(rng):
    x, y = rng.integers(0, 3, (2, 400))
    arguments = {"estimator": "miller_madow", "n_shuffles": 20, "random_state": 1}
    assert abs(fastinfo.transfer_entropy(x, y, **arguments)) < 0.02


def test_too_few_samples_are_told(rng):
    x, y = rng.integers(0, 3, (2, 300))
    with pytest.warns(
        SaturationWarning, match=r"bins of the past that is given\. Use shorter hist.*n_shuffles"
    ):
        fastinfo.transfer_entropy(x, y, target_history=4)
    with pytest.warns(SaturationWarning, match=r"bins of the source's past\. Use shorter"):
        fastinfo.transfer_entropy(x, y, source_history=4)


@pytest.mark.filterwarnings("error::fastinfo.SaturationWarning")
def test_nothing_is_told_of_what_chance_is_taken_off(rng):
    x, y = rng.integers(0, 3, (2, 300))
    fastinfo.transfer_entropy(x, y, target_history=4, n_shuffles=5, random_state=0)


# --- patterns -----------------------------------------------------------------------------------


def test_symbolic_transfer_entropy_finds_the_direction(rng):
    """Two logistic maps, one of which drives the other."""
    n = 4000
    x, y = np.empty((2, n))
    x[0], y[0] = 0.4, 0.3
    for t in range(1, n):
        x[t] = 3.9 * x[t - 1] * (1 - x[t - 1])
        mixed = 0.6 * y[t - 1] + 0.4 * x[t - 1]
        y[t] = 3.9 * mixed * (1 - mixed)
    x[100], y[200] = np.nan, np.nan
    patterns = [fastinfo.ordinal_patterns(v) for v in (x, y)]
    arguments = {"nan_policy": "omit", "n_shuffles": 20, "random_state": 0}
    forth = fastinfo.transfer_entropy(*patterns, **arguments)
    back = fastinfo.transfer_entropy(*patterns[::-1], **arguments)
    assert forth > 2 * max(back, 0.01)


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"target_history": 0}, ValueError, "target_history=0; accepted is an integer of at le"),
        ({"source_history": 1.5}, TypeError, "source_history=1.5"),
        ({"lag": 0}, ValueError, "lag=0; accepted is an integer of at least 1"),
        ({"lag": 5}, ValueError, "have 5 samples, and the past reaches 5 samples back"),
        ({"target_history": 9}, ValueError, "have 5 samples, and the past reaches 9 samples"),
        ({"given": [1] * 5, "given_history": 7}, ValueError, "the past reaches 7 samples back"),
        ({"given": [1] * 4}, ValueError, "numbers of samples differ.*given has 4"),
        ({"trials": [0] * 4}, ValueError, "trials has 4 entries for 5 samples"),
        ({"trials": [0, 0, 0, None, 0]}, ValueError, "trials holds missing values"),
        ({"trials": range(5)}, ValueError, "no trial is longer than 1 samples"),
        ({"n_shuffles": -1}, ValueError, "n_shuffles=-1; accepted is an integer of at least 0"),
        ({"n_shuffles": True}, TypeError, "n_shuffles=True"),
        ({"random_state": "a"}, TypeError, "random_state='a'; accepted are None"),
        ({"random_state": -1}, ValueError, "random_state=-1; accepted are None"),
        ({"bins": (3, 3, 3)}, ValueError, "bins has 3 entries for 2 variables"),
        ({"bins": 3}, ValueError, "source|bins"),
        ({"estimator": "best"}, ValueError, "estimator='best'"),
    ],
    ids=str,
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        fastinfo.transfer_entropy([0, 1, 0, 1, 1], [1, 0, 0, 1, 1], **arguments)


def test_trials_are_no_columns():
    """Rows of trials, as other libraries have it, would be very short series of many columns."""
    with pytest.raises(ValueError, match=r"source has 9 columns of 2 samples, .* by X\.ravel\(\)"):
        fastinfo.transfer_entropy(np.zeros((2, 9), int), np.ones((2, 9), int))


def test_counts_have_no_order_of_time():
    with pytest.raises(TypeError, match="source is JointCounts"):
        fastinfo.transfer_entropy(fastinfo.JointCounts().update([0, 1]), [0, 1])
