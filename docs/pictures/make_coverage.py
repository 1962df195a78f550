"""How often confidence intervals of mutual information hold the truth: docs/significance.md.

Writes coverage.json beside this file. Takes minutes:

    python docs/pictures/make_coverage.py
"""

import json
from pathlib import Path

import numpy as np

import fastinfo

CASES = [(2, 0.5, 100), (2, 0.5, 1000), (4, 0.5, 200), (4, 0.5, 1600), (4, 0.1, 1600)]
CASES += [(4, 0.0, 1600), (16, 0.5, 256), (16, 0.5, 2560), (16, 0.5, 25_600)]
"""Bins of each variable, the share of samples on the diagonal besides, and samples."""

N_TABLES = 500
N_RESAMPLES = 300
RESAMPLINGS = ("bootstrap", "jackknife")


def diagonal(size, share):
    """Probabilities with equal margins, and their information in nats."""
    p = np.full((size, size), (1 - share) / size**2) + np.eye(size) * share / size
    return p, float((p * np.log(p * size**2)).sum())


def coverage(probabilities, truth, n_samples, n_tables, resampling, **options):
    """The share of intervals that hold the true information."""
    rng = np.random.default_rng(17)
    held = 0
    for table in rng.multinomial(n_samples, probabilities.reshape(-1), n_tables):
        found = fastinfo.confidence_interval(
            fastinfo.mutual_information,
            fastinfo.JointCounts.from_table(table.reshape(probabilities.shape)),
            resampling=resampling,
            random_state=0,
            **options,
        )
        held += found.low <= truth <= found.high
    return held / n_tables


def main():
    """Measure every case."""
    rows = []
    for size, share, n_samples in CASES:
        p, truth = diagonal(size, share)
        row = {"size": size, "share": share, "n_samples": n_samples, "information": truth}
        for resampling in RESAMPLINGS:
            row[resampling] = coverage(
                p, truth, n_samples, N_TABLES, resampling, n_resamples=N_RESAMPLES
            )
        rows.append(row)
        print(row, flush=True)
    text = json.dumps({"n_tables": N_TABLES, "rows": rows}, indent=1) + "\n"
    Path(__file__).with_name("coverage.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
