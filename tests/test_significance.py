"""What docs/significance.md shows is what comes out."""

import contextlib
import importlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "significance.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n\n((?:    [^\n]*\n)+)", PAGE, flags=re.S)


@pytest.fixture
def script(monkeypatch):
    """A script beside the pictures, by its name."""
    monkeypatch.syspath_prepend(str(DOCS / "pictures"))
    return importlib.import_module


def rows_of(name):
    return json.loads((DOCS / "pictures" / f"{name}.json").read_text("utf-8"))["rows"]


def test_the_examples_print_what_the_page_says():
    assert len(BLOCKS) == PAGE.count("```python") == 4
    names = {}
    for code, shown in BLOCKS:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue().splitlines() == [line[4:] for line in shown.splitlines()]


def test_the_table_of_small_pvalues_is_the_measured_one():
    for row in rows_of("calibration"):
        skewed = ", margins ~ 1/rank" if row["skewed"] else ""
        shares = [f"{share:.1%}" for method in ("chi2", "gamma") for share in row[method]]
        cells = [
            f"{row['size']} × {row['size']}{skewed}",
            *(f"{row['n_samples']:,}", f"{row['least_expected']:.3g}", *shares),
        ]
        assert f"| {' | '.join(cells)} |\n" in PAGE


def test_the_table_of_intervals_is_the_measured_one():
    for row in rows_of("coverage"):
        cells = [
            f"{row['size']} × {row['size']}",
            *(f"{row['n_samples']:,}", f"{row['information']:.3f}"),
            *(f"{row[way]:.0%}" for way in ("bootstrap", "jackknife")),
        ]
        assert f"| {' | '.join(cells)} |\n" in PAGE


def test_small_pvalues_are_measured_again(script):
    """Some of them, with fewer tables."""
    calibration = script("make_calibration")
    for case, row in zip(calibration.CASES, rows_of("calibration"), strict=True):
        if case[2] > 500:
            continue
        again = calibration.small_shares(*case, 4000)
        for method in calibration.METHODS:
            spread = 4 * np.sqrt(np.array(row[method]) / 4000)
            assert (np.abs(np.subtract(again[method], row[method])) <= spread + 1e-4).all()
