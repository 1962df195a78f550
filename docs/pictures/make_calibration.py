"""How many p-values of independent variables are small: docs/significance.md.

Writes calibration.json beside this file. Takes a minute:

    python docs/pictures/make_calibration.py
"""

import json
from pathlib import Path

import numpy as np
from scipy.special import gammaincc

from fastinfo.backends import on_host
from fastinfo.measures import nulls
from fastinfo.measures.strata import Stratum

CASES = [(2, 0, 100), (2, 0, 400), (3, 0, 63), (6, 0, 100), (6, 0, 360), (16, 0, 400)]
CASES += [(16, 0, 1280), (16, 0, 5120), (16, 1, 1000)]
"""Bins of each variable, whether their samples are in proportion to 1/rank, and samples."""

METHODS = ("chi2", "gamma")
LEVELS = (0.05, 0.01)
N_TABLES = 100_000


def margin(size, is_skewed, n_samples):
    """The numbers of samples in the bins of each variable."""
    shares = 1.0 / np.arange(1, size + 1) ** is_skewed
    found = np.floor(n_samples * shares / shares.sum()).astype(np.int64)
    found[0] += n_samples - found.sum()
    return found


def small_shares(size, is_skewed, n_samples, n_tables):
    """The least expected count, and the share of p-values at most each level, by method."""
    kernels, bins = on_host(), margin(size, is_skewed, n_samples)
    sums = kernels.random_table_sums(bins, bins, 5, 0, n_tables)
    of_margins = 2 * float(kernels.sum_xlogx(bins)) - n_samples * np.log(n_samples)
    information = np.maximum(sums - of_margins, 0) / n_samples
    measured = nulls.Measured(0.0, [Stratum(bins, bins)], bins, kernels, 1, 0, 1)
    row = {"size": size, "skewed": bool(is_skewed), "n_samples": n_samples}
    row["least_expected"] = measured.least_expected
    for method in METHODS:
        # χ² is a gamma distribution too: that of its own mean and standard deviation.
        mean, deviation, _ = nulls.NULLS[method](measured)
        pvalues = gammaincc((mean / deviation) ** 2, information * mean / deviation**2)
        row[method] = [float((pvalues <= level).mean()) for level in LEVELS]
    return row


def main():
    """Measure every case."""
    rows = [small_shares(*case, N_TABLES) for case in CASES]
    text = json.dumps({"n_tables": N_TABLES, "rows": rows}, indent=1) + "\n"
    Path(__file__).with_name("calibration.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
