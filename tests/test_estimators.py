"""Corrected entropies behind every door, and what docs/estimators.md claims of them."""

import importlib.util
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastinfo
from fastinfo.cli import main
from fastinfo.estimators import entropies

DOCS = Path(__file__).resolve().parents[1] / "docs"

SUMS = [name for name, estimator in entropies.ESTIMATORS.items() if estimator.term is not None]
OTHERS = ["chao_shen", "shrinkage:9", "perks", "nsb"]

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")


@pytest.fixture
def table(rng):
    """Features with missing samples, a constant, and one that is constant where others are."""
    base = rng.integers(0, 9, 120)
    X = np.stack([base, base % 3, rng.integers(0, 4, 120), base * 0, base // 8], axis=1)
    X = X.astype(object)
    X[rng.random(X.shape) < 0.1] = None
    X[base == 8, 2] = None  # beside the third feature, the last one is constant
    return X


def each_pair(X, measure, **options):
    return [[measure(x, y, nan_policy="omit", **options) for y in X.T] for x in X.T]


@pytest.mark.parametrize(
    ("estimator", "average"),
    [
        *itertools.product([*SUMS, *OTHERS], [None, "arithmetic"]),
        *itertools.product(["grassberger", "perks"], ["geometric", "min", "max"]),
    ],
)
def test_a_matrix_is_a_loop_over_its_pairs(backend, table, estimator, average):
    """With missing samples and constants, to which a corrected entropy of 0 is a sign as well."""
    options = {"estimator": estimator}
    found = fastinfo.pairwise_mutual_information(
        table, nan_policy="omit", normalized=average, backend=backend, **options
    )
    measure = fastinfo.mutual_information
    if average:
        measure, options = fastinfo.normalized_mutual_information, options | {"average": average}
    np.testing.assert_allclose(found, each_pair(table, measure, **options), rtol=1e-9, atol=1e-12)
    if average and ":" not in estimator:
        assert found[3, 3] == 1
        # The last pair is of a feature that is constant over the samples of this pair.
        np.testing.assert_allclose([found[3, 4], found[2, 3], found[2, 4]], 0, atol=1e-12)
        if estimator in SUMS:
            assert found[3, 4] == found[2, 3] == found[2, 4] == 0


@pytest.mark.parametrize("estimator", [*SUMS, *OTHERS])
def test_checkpoints_top_pairs_and_scores(table, estimator, tmp_path):
    options = {"estimator": estimator, "nan_policy": "omit"}
    expected = fastinfo.pairwise_mutual_information(table, **options)
    for _ in range(2):  # the second run reads the checkpoint
        found = fastinfo.pairwise_mutual_information(table, checkpoint=tmp_path, **options)
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="estimator"):
        fastinfo.pairwise_mutual_information(
            table, checkpoint=tmp_path, nan_policy="omit", estimator="laplace:40"
        )
    frame = pd.DataFrame(table[:, [0, 1, 2, 4]], columns=list("abcd"))
    first = fastinfo.top_pairs(frame, **options)[0]
    assert (first.left, first.right) == ("a", "b")
    assert first.value == pytest.approx(expected[0, 1], rel=1e-12)
    is_plug_in = entropies.ESTIMATORS[estimator].is_plug_in
    assert (first.corrected == first.value) != is_plug_in
    scores = fastinfo.score(frame, "a", **options)
    assert scores[0].column == "b"
    assert scores[0].value == pytest.approx(first.value, rel=1e-12)
    both = [a for a, b in table[:, :2] if a is not None and b is not None]
    of_target = fastinfo.entropy(both, estimator=estimator)
    assert scores[0].share == pytest.approx(first.value / of_target, rel=1e-9)


def test_a_corrected_share_is_not_cut_off():
    """Of a table whose joint entropy is corrected by less than the target's own."""
    x = [0, 0, 1, 1, 2, 2, 3, 3]
    frame = pd.DataFrame({"x": list("aabbccdd"), "y": x})
    (score,) = fastinfo.score(frame, "y", estimator="nsb:40", min_samples=1)
    of_target = fastinfo.entropy(x, estimator="nsb:40")
    assert score.share == pytest.approx(score.value / of_target, rel=1e-12)
    (plain,) = fastinfo.score(frame, "y", min_samples=1)
    assert plain.share == 1


@pytest.mark.parametrize("estimator", ["grassberger", "shrinkage", "dirichlet:0.5", "nsb:30"])
def test_the_command_line_takes_every_name(capsys, estimator):
    command = ["score", str(DOCS / "data" / "timezones.csv"), "--target", "hemisphere"]
    assert main([*command, "--columns", "region", "--estimator", estimator]) == 0
    assert "region" in capsys.readouterr().out
    assert main([*command, "--estimator", "nsb:x"]) == 2
    told = re.sub(r"[│╭╮╰╯─\s]+", " ", capsys.readouterr().err)
    assert "is no number of possible values" in told


# --- the page -------------------------------------------------------------------------------------

MEASURED = json.loads((DOCS / "pictures" / "estimators.json").read_text(encoding="utf-8"))


def script():
    """docs/pictures/make_estimators.py as a module."""
    path = DOCS / "pictures" / "make_estimators.py"
    spec = importlib.util.spec_from_file_location("make_estimators", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_what_was_measured():
    made = script()
    page = (DOCS / "estimators.md").read_text(encoding="utf-8")
    for mark, expected in made.page(MEASURED).items():
        shown = re.search(rf"<!-- {mark}:begin -->\n(.*?)<!-- {mark}:end -->", page, flags=re.S)
        assert shown[1] == expected


def test_what_the_page_claims():
    """Of grassberger, of nsb and of shrinkage."""
    errors = [
        {name: found["rmse"] for name, found in of_samples[n].items()}
        for of_samples in MEASURED.values()
        for n in ("30", "100", "300", "1000", "3000", "10000")
    ]
    assert max(found["grassberger"] / found["ml"] for found in errors) < 1.015
    best = [name for found in errors for name in found if found[name] <= 1.05 * min(found.values())]
    assert max(set(best), key=best.count) == "nsb"
    assert MEASURED["strong"]["30"]["nsb"]["bias"] == pytest.approx(-0.33, abs=0.01)
    assert 4 < max(found["shrinkage"] / found["ml"] for found in errors) < 4.5
    assert MEASURED["sparse"]["30"]["laplace"]["bias"] == pytest.approx(4.4, abs=0.05)


@pytest.mark.parametrize(("name", "n_samples"), [("peaks", 100), ("weak", 30)])
def test_what_was_measured_can_be_measured_again(name, n_samples):
    made = script()
    p = (made.DISTRIBUTIONS | made.TABLES)[name][1]
    some = [*SUMS, "chao_shen", "panzeri_treves", "perks", *["nsb"] * (p.ndim == 1)]
    found = made.measure(name, p, n_samples, some)
    for estimator in some:
        expected = MEASURED[name][str(n_samples)][estimator]
        assert found[estimator] == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", entropies.ESTIMATORS)
def test_every_estimator_is_right_in_the_end(name):
    """With 10⁶ samples all lie within 0.02 nats of the truth."""
    for of_samples in MEASURED.values():
        assert of_samples["1000000"][name]["rmse"] < 0.02
