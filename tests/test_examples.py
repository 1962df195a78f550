"""The examples run, and what the documentation says of them is what they found."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
PAGE = EXAMPLES / "README.md"
NAMES = sorted(
    path.stem
    for path in EXAMPLES.glob("*.py")
    if "harness.main(" in path.read_text("utf-8") and path.stem != "harness"
)


@pytest.fixture(autouse=True)
def beside_the_examples(monkeypatch):
    """Import as the scripts do that lie there."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")


def results_of(name):
    path = EXAMPLES.parent / "pictures" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_examples_run(name, tmp_path, monkeypatch, capsys):
    example = importlib.import_module(name)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--quick", "--output", str(tmp_path)])
    importlib.import_module("harness").main(name, example.run, example.draw, example.table)
    results = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    assert example.table(results) in capsys.readouterr().out
    assert (tmp_path / f"{name}.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_tables_are_those_of_the_results():
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- (\w+):begin -->", text)) == set(NAMES)
    assert importlib.import_module("write_tables").written(text) == text


def test_pictures_are_there():
    shown = re.findall(r"\]\(\.\./pictures/(\w+)\.svg\)", PAGE.read_text(encoding="utf-8"))
    assert sorted(shown) == NAMES
    for name in NAMES:
        assert (EXAMPLES.parent / "pictures" / f"{name}.svg").is_file()


# --- what the results have to show --------------------------------------------------------------


@pytest.mark.parametrize("way", ["shown", "quick"])
def test_images_are_registered_within_a_tenth_of_a_pixel(way):
    """What the documentation shows, from ten starts; and a smaller image from two, here and now."""
    if way == "shown":
        results = results_of("registration")
        assert not results["quick"]
    else:
        results = importlib.import_module("registration").run(quick=True)
    errors = results["errors"]["mutual information"]
    assert len(errors) >= (10 if way == "shown" else 2)
    assert max(errors) <= 0.1
    assert min(results["errors"]["squared difference"]) > 1


def test_deep_infomax_beats_a_random_encoder_by_ten_points():
    accuracy = results_of("deep_infomax")["accuracy"]
    learned, random = accuracy["Deep InfoMax"], accuracy["random encoder"]
    gains = [a - b for a, b in zip(learned, random, strict=True)]
    assert len(gains) >= 5
    assert sum(gains) / len(gains) >= 0.10
    assert len(accuracy["PCA"]) == len(gains)


@pytest.mark.parametrize("way", ["trained", "best"])
def test_bounds_are_within_a_twentieth_of_a_nat(way):
    """For every seed, not on average alone."""
    seeds = {}
    for entry in results_of("variational_bounds")["found"]:
        seeds.setdefault((entry["bound"], entry["information"]), set()).add(entry["seed"])
        if entry["bound"] != "CLUB":  # which is no estimate of the information; see its docstring
            assert abs(entry[way] - entry["information"]) <= 0.05, entry
    assert min(map(len, seeds.values())) >= 5
    assert {0.5, 1.0, 2.0} <= {information for _, information in seeds}


def test_the_bottleneck_is_within_a_fiftieth_of_a_nat():
    from fastinfo.torch import gaussian_bottleneck

    results = results_of("bottleneck_curve")
    for entry in results["found"]:
        about_x, about_y = gaussian_bottleneck(results["correlation"], entry["beta"])
        assert abs(entry["about_x"] - about_x) <= 0.02, entry
        assert abs(entry["about_y"] - about_y) <= 0.02, entry


def test_layers_know_no_more_than_there_is():
    results = results_of("information_plane")
    for entry in results["found"]:
        assert entry["about_input"] <= 1.001 * results["entropy"]["input"]
        assert entry["about_target"] <= 1.001 * results["entropy"]["target"]


def test_the_divergence_is_held_from_bad_starts():
    found = results_of("adaptive_learning_rate")["found"]
    for start in (1e-5, 1e-1):
        held = [
            entry["held"]
            for entry in found
            if entry["start"] == start and entry["way"] == "this step"
        ]
        assert len(held) >= 5
        assert min(held) >= 0.8
