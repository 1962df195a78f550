"""What each column of a table tells about one of them: values, ranks, and what noise gets."""

import math

import naive
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.stats import spearmanr

import fastinfo
from fastinfo.binning.rules import default_n_bins

datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is an extra")
selection = pytest.importorskip("sklearn.feature_selection", reason="scikit-learn is an extra")

TABLES = {
    "breast cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "wine": datasets.load_wine,
}


def noise(n, rng):
    """Columns that know nothing, each in a way that makes its plug-in value large."""
    letters = [a + b for a in "abcdefgh" for b in "uvwxyz"]
    present = np.full(n, np.nan)
    present[rng.choice(n, 13, replace=False)] = rng.normal(size=13)
    return {
        "48 letters": rng.choice(letters, n),
        "1000 integers": rng.integers(0, 1000, n),
        "13 rows": present,
    }


@pytest.mark.parametrize("name", TABLES)
def test_ranks_are_those_of_nearest_neighbours(name):
    """scikit-learn's estimator bins nothing; its ranks agree with themselves to about 0.98."""
    data = TABLES[name](as_frame=True)
    constant = [column for column in data.data if data.data[column].nunique() == 1]
    table = data.data.drop(columns=constant)
    expected = selection.mutual_info_classif(table, data.target, random_state=0)
    found = {score.column: score.corrected for score in fastinfo.score(table, data.target)}
    rank = spearmanr([found[column] for column in table], expected).statistic
    assert rank >= 0.95


def test_ranks_of_regression_are_those_of_nearest_neighbours(rng):
    """A table as of houses: numbers, whole numbers, and names of quarters, of a price."""
    n = 3000
    size, year = rng.lognormal(7, 0.3, n), rng.integers(1900, 2020, n)
    quarter, quality = rng.integers(0, 25, n), rng.integers(1, 11, n)
    price = size * (1 + quality / 5) * (1 + (year - 1900) / 300) * (1 + (quarter % 5) / 10)
    price = np.round(price * rng.lognormal(0, 0.1, n)).astype(int)
    rooms = np.clip(np.round(size / 250 + rng.normal(0, 1, n)), 1, 12).astype(int)
    table = pd.DataFrame(
        {
            "size": size,
            "year": year,
            "quarter": np.array([f"q{q}" for q in quarter]),
            "quality": quality,
            "rooms": rooms,
            "garage": (size > 1100) & (rng.random(n) < 0.9),
            "lot": size * rng.lognormal(0, 0.5, n),
            "month": rng.integers(1, 13, n),
            "dice": rng.normal(size=n),
        }
    )
    codes = table.assign(quarter=quarter, garage=table["garage"].astype(int)).to_numpy(float)
    discrete = [column in ("quarter", "garage") for column in table]
    expected = selection.mutual_info_regression(
        codes, price, discrete_features=discrete, random_state=0
    )
    with pytest.warns(fastinfo.PreparationWarning, match=r"binned like .*: year, price\."):
        scores = fastinfo.score(table.assign(price=price), "price")
    found = {score.column: score.corrected for score in scores}
    assert spearmanr([found[column] for column in table], expected).statistic >= 0.95


@pytest.mark.filterwarnings("ignore::fastinfo.PreparationWarning")  # a matter of test_preparation
@pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")  # and of test_saturation
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("seed", range(5))
def test_noise_is_never_in_the_upper_half(name, seed):
    data = TABLES[name](as_frame=True)
    rng = np.random.default_rng(seed)
    planted = noise(len(data.data), rng)
    table = data.data.assign(**planted)
    scores = fastinfo.score(table, data.target, nan_policy="omit")
    upper = {score.column for score in scores[: len(scores) // 2]}
    assert not upper & planted.keys()
    # Without the least number of rows the corrected value keeps them down by itself.
    scores = fastinfo.score(table, data.target, nan_policy="omit", min_samples=1)
    upper = {score.column for score in scores[: len(scores) // 2]}
    assert not upper & planted.keys() - {"13 rows"}


def test_noise_that_the_value_puts_first_is_last_by_the_corrected_one(rng):
    n = 300
    y = rng.integers(0, 2, n)
    weak = {f"weak {i}": np.where(rng.random(n) < 0.35, 1 - y, y) for i in range(4)}
    table = pd.DataFrame(weak | noise(n, rng)).drop(columns="1000 integers")
    scores = fastinfo.score(table, y, nan_policy="omit")
    by_value = sorted(scores, key=lambda score: -score.value)
    assert by_value[0].column == "48 letters"
    assert {score.column for score in scores[-2:]} == {"48 letters", "13 rows"}


# --- what the numbers are -----------------------------------------------------------------------


@pytest.fixture
def table(rng):
    """A target with gaps, columns with gaps of their own, and one without."""
    n = 200
    y = rng.integers(0, 4, n)
    columns = {
        "same": y * 2 + 1,
        "near": np.where(rng.random(n) < 0.2, rng.integers(0, 4, n), y),
        "other": rng.integers(0, 6, n),
        "y": y,
    }
    columns = {name: column.tolist() for name, column in columns.items()}
    for name, share in (("near", 0.3), ("y", 0.1)):
        columns[name] = [None if rng.random() < share else v for v in columns[name]]
    return columns


def naive_score(x, y):
    kept = [(a, b) for a, b in zip(x, y, strict=True) if a is not None and b is not None]
    value = naive.mutual_information(x, y)
    share = value / naive.entropy([b for _, b in kept])
    return value, share, len(kept)


MAKE = {
    "arrow": pa.table,
    "polars": pl.DataFrame,
    "pandas": pd.DataFrame,  # which makes floats of integers beside gaps
}


@pytest.mark.parametrize("library", MAKE)
def test_scores_are_what_naive_loops_say(backend, table, library, rng):
    found = fastinfo.score(MAKE[library](table), "y", nan_policy="omit", base=2, backend=backend)
    assert [score.column for score in found] == ["same", "near", "other"]
    for score in found:
        value, share, n = naive_score(table[score.column], table["y"])
        assert score.value == pytest.approx(value / math.log(2), rel=1e-12)
        assert score.share == pytest.approx(share, rel=1e-12)
        assert score.n_samples == n
        kept = [
            pair for pair in zip(table[score.column], table["y"], strict=True) if None not in pair
        ]
        x, y = map(np.array, zip(*kept, strict=True))
        shuffled = [fastinfo.mutual_information(x, rng.permutation(y), base=2) for _ in range(1000)]
        spread = np.std(shuffled) / math.sqrt(1000)
        assert abs(score.value - score.corrected - np.mean(shuffled)) < 5 * spread
    assert [score.corrected for score in found] == sorted(
        (score.corrected for score in found), reverse=True
    )


def test_a_target_by_itself_is_the_same_as_a_column(table):
    frame = pd.DataFrame(table)
    expected = fastinfo.score(frame, "y", nan_policy="omit")
    rest = frame.drop(columns="y")
    for target in (frame["y"], frame["y"].tolist(), pl.Series(table["y"])):
        assert fastinfo.score(rest, target, nan_policy="omit") == expected


def test_arrays_are_taken_as_they_are(rng):
    X = np.column_stack([np.arange(100), rng.integers(0, 2, 100), np.zeros(100, int)])
    y = X[:, 1]
    with pytest.warns(fastinfo.SaturationWarning, match=r"chance with 0\."):
        found = fastinfo.score(X, y)
    assert [score.column for score in found] == [1, 0, 2]
    assert found[1].value == pytest.approx(fastinfo.entropy(y))
    assert found[1].corrected == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "options", [{"sample_weight": True}, {"estimator": "miller_madow"}], ids=str
)
def test_where_chance_is_not_taken_off(rng, options):
    y = rng.integers(0, 3, 300)
    table = pd.DataFrame({"a": rng.integers(0, 9, 300), "b": y // 2, "y": y})
    weights = rng.integers(1, 4, 300)
    measured = {"sample_weight": weights} if "sample_weight" in options else options
    found = fastinfo.score(table, "y", **measured)
    assert [score.column for score in found] == ["b", "a"]
    for score in found:
        value = fastinfo.mutual_information(table[score.column], y, **measured)
        assert score.value == pytest.approx(value, rel=1e-12)
        assert score.n_samples == 300
        if "sample_weight" in options:
            assert math.isnan(score.corrected)
        else:
            assert score.corrected == score.value


def test_columns_without_a_value_come_last():
    table = pa.table({"y": [0, 1] * 20, "gap": [None, *[0, 1, 1] * 13], "odd": [0, 0, 1, 1] * 10})
    found = fastinfo.score(table, "y", nan_policy="propagate")
    assert [score.column for score in found] == ["odd", "gap"]
    assert math.isnan(found[1].value)
    assert math.isnan(found[1].share)


def test_a_binned_target_has_its_default_bins(rng):
    table = pd.DataFrame({"x": rng.normal(size=500), "y": rng.normal(size=500)})
    (found,) = fastinfo.score(table, "y")
    assert found.share == pytest.approx(found.value / fastinfo.entropy(table["y"]), rel=1e-12)
    assert fastinfo.entropy(table["y"]) <= math.log(default_n_bins(500))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("z", "target: no column is called 'z'; there are x, one, y"),
        ("one", "target: column 'one' is skipped \\(constant"),
        ([0, 1], "the numbers of samples differ"),
        ([[0], [1]], r"target has shape \(2, 1\); accepted is the name of a column"),
        ([1] * 40, "target is skipped \\(constant"),
        (None, r"target has shape \(\); accepted"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::fastinfo.PreparationWarning")
def test_targets_that_make_no_sense_are_refused(target, message):
    table = pd.DataFrame({"x": [0, 1] * 20, "one": [1] * 40, "y": [0, 0, 1, 1] * 10})
    with pytest.raises(ValueError, match=message):
        fastinfo.score(table, target)


def test_an_array_has_no_names_for_a_target():
    with pytest.raises(
        ValueError, match="target='y' names a column, which is looked for in DataFrames"
    ):
        fastinfo.score(np.zeros((4, 2), int), "y")


def test_a_table_of_the_target_alone_is_refused():
    with pytest.raises(ValueError, match="no column is left to score"):
        fastinfo.score(pd.DataFrame({"y": [0, 1] * 20}), "y")
