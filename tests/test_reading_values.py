"""What docs/reading-values.md claims is what is measured."""

import json
import re
from pathlib import Path

import numpy as np

from fastinfo.binning.rules import default_n_bins
from fastinfo.estimators.chance import expected_information

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = (DOCS / "reading-values.md").read_text(encoding="utf-8")
MEASURED = json.loads((DOCS / "pictures" / "binning.json").read_text(encoding="utf-8"))


def chance(n_bins, n_samples):
    """Of two variables of equally frequent bins."""
    margin = np.bincount(np.arange(n_samples) % n_bins)
    return expected_information(margin, margin)


def test_so_many_samples_keep_chance_below():
    rows = re.findall(r"^\| (\d+) \| ([\d,]+) \| ([\d,]+) \|$", PAGE, flags=re.M)
    assert len(rows) == 6
    for n_bins, *numbers in rows:
        for most, number in zip((0.1, 0.01), numbers, strict=True):
            n_samples = int(number.replace(",", ""))
            assert chance(int(n_bins), n_samples) <= most < chance(int(n_bins), n_samples - 1)


def test_the_default_number_of_bins_has_about_the_smallest_error():
    excess = []
    for n_variables, by_samples in MEASURED.items():
        for n_samples, here in by_samples.items():
            assert here["default"] == default_n_bins(int(n_samples), int(n_variables))
            errors = {bins: error["rmse"] for bins, error in here["bins"].items()}
            excess.append(errors[str(here["default"])] / min(errors.values()) - 1)
    assert len(excess) == 12
    assert excess.count(0) == 9
    assert 0.12 < max(excess) < 0.13
