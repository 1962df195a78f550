"""Measure the error of every estimator, draw its pictures, and write the tables of estimators.md.

    python docs/pictures/make_estimators.py          # measure, then draw and write
    python docs/pictures/make_estimators.py --draw   # draw and write what was measured

Samples are drawn from distributions whose entropy is known, and from tables whose information is
known, 30 to 10⁶ at a time. Kept in ``estimators.json``: for each distribution, estimator and number
of samples the bias, its standard error, and the root of the mean squared error, in nats.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from fastinfo.backends import choose
from fastinfo.estimators.entropies import ESTIMATORS, entropy

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "estimators.md"
KERNELS = choose("numpy")
SAMPLES = (30, 100, 300, 1_000, 3_000, 10_000, 100_000, 1_000_000)
SHOWN = (30, 100, 1_000, 10_000, 1_000_000)
"""The numbers of samples in the tables of the page."""
REPETITIONS = 400
FEWER = 100
"""Repetitions from 10⁵ samples on, where all vary little."""


def peaks(n_cells: int, *centers_and_widths: tuple[float, float]) -> np.ndarray:
    """A mixture of equal bell curves over cells."""
    cells = np.arange(n_cells)
    p = sum(np.exp(-(((cells - c) / w) ** 2) / 2) / w for c, w in centers_and_widths)
    return np.asarray(p / np.sum(p))


def sparse(n_cells: int, n_occupied: int) -> np.ndarray:
    """A few cells, each 0.8 times as likely as the one before, and many that are empty."""
    p = np.zeros(n_cells)
    p[:n_occupied] = 0.8 ** np.arange(n_occupied)
    return p / p.sum()


def correlated(n_bins: int, slope: float) -> np.ndarray:
    """A table of two variables of which one follows the other, more closely for larger slopes."""
    i, j = np.mgrid[:n_bins, :n_bins]
    p = np.exp(-slope * (i - j) ** 2 / n_bins)
    for _ in range(500):  # until both margins are equal
        p /= p.sum(axis=0)
        p /= p.sum(axis=1)[:, None]
    return p / p.sum()


DISTRIBUTIONS = {
    "uniform": ("equal, 100 cells", np.full(100, 0.01)),
    "zipf": ("Zipf, 1,000 cells", (1 / np.arange(1, 1001)) / np.sum(1 / np.arange(1, 1001))),
    "sparse": ("30 of 1,000 cells", sparse(1000, 30)),
    "peaks": ("two peaks, 64 cells", peaks(64, (16, 3.0), (44, 6.0))),
}
"""Distributions of one variable by name; every estimator is told the number of cells."""

TABLES = {
    "independent": ("independent, 10 × 10", np.full((10, 10), 0.01)),
    "weak": ("related, 10 × 10", correlated(10, 0.35)),
    "strong": ("nearly the same, 10 × 10", correlated(10, 12.0)),
    "skewed": (
        "independent, Zipf, 30 × 30",
        np.outer(*[(1 / np.arange(1, 31)) / np.sum(1 / np.arange(1, 31))] * 2),
    ),
}
"""Tables of two variables by name."""


def shannon(p: np.ndarray) -> float:
    """The entropy of probabilities, in nats."""
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def information(p: np.ndarray) -> float:
    """The mutual information of a table of probabilities, in nats."""
    return shannon(p.sum(axis=1)) + shannon(p.sum(axis=0)) - shannon(p.ravel())


def estimate(counts: np.ndarray, n_cells: int, estimator: str) -> np.ndarray:
    """Entropies of counts ``(tables, cells)``."""
    return np.asarray(entropy(counts, lambda: n_cells, estimator, KERNELS))


def estimates(p: np.ndarray, n_samples: int, estimator: str, counts: np.ndarray) -> np.ndarray:
    """Entropies of tables ``(tables, cells)``, or their informations if ``p`` is a table."""
    if p.ndim == 1:
        return estimate(counts, p.size, estimator)
    tables = counts.reshape(-1, *p.shape)
    of_rows = ESTIMATORS[estimator].of_rows
    if of_rows is None:
        joint = estimate(counts, p.size, estimator)
    else:
        n_left, n_right = p.shape
        joint = of_rows(tables.transpose(0, 2, 1), lambda: n_left, lambda: n_right, KERNELS)
    left = estimate(tables.sum(axis=2), p.shape[0], estimator)
    return left + estimate(tables.sum(axis=1), p.shape[1], estimator) - joint


def measure(
    name: str, p: np.ndarray, n_samples: int, estimators: Iterable[str] = ESTIMATORS
) -> dict[str, dict[str, float]]:
    """{estimator: its errors} for one distribution and one number of samples."""
    truth = shannon(p) if p.ndim == 1 else information(p)
    rng = np.random.default_rng([n_samples, *name.encode()])
    repetitions = FEWER if n_samples >= 100_000 else REPETITIONS
    counts = rng.multinomial(n_samples, p.ravel(), repetitions)
    found = {}
    for estimator in estimators:
        errors = estimates(p, n_samples, estimator, counts) - truth
        found[estimator] = {
            "bias": float(errors.mean()),
            "se": float(errors.std(ddof=1) / math.sqrt(repetitions)),
            "rmse": float(np.sqrt(np.mean(errors**2))),
        }
    return found


def measure_all() -> dict:
    """{distribution: {"truth": nats, samples: {estimator: errors}}}."""
    found = {}
    for name, (_, p) in (DISTRIBUTIONS | TABLES).items():
        truth = shannon(p) if p.ndim == 1 else information(p)
        found[name] = {"truth": truth}
        for n_samples in SAMPLES:
            found[name][str(n_samples)] = measure(name, p, n_samples)
            print(name, n_samples, flush=True)
    return found


STYLES = {
    "ml": {"color": "black", "lw": 2.2},
    "miller_madow": {"color": "#0072b2"},
    "grassberger": {"color": "#009e73"},
    "jackknife": {"color": "#56b4e9"},
    "chao_shen": {"color": "#d55e00"},
    "panzeri_treves": {"color": "#0072b2", "ls": "--"},
    "shrinkage": {"color": "#cc79a7"},
    "nsb": {"color": "#e69f00", "lw": 2.2},
    "laplace": {"color": "0.55", "ls": "-"},
    "jeffreys": {"color": "0.55", "ls": "--"},
    "perks": {"color": "0.55", "ls": ":"},
    "minimax": {"color": "0.55", "ls": "-."},
}


def draw(found: dict, chosen: dict, path: Path) -> None:
    """Bias and error against the number of samples, a column for each distribution."""
    figure, axes = plt.subplots(
        2, len(chosen), figsize=(11.5, 6.4), sharex=True, sharey="row", layout="constrained"
    )
    for column, (name, (title, _)) in enumerate(chosen.items()):
        over, under = axes[0, column], axes[1, column]
        for estimator, style in STYLES.items():
            rows = [found[name][str(n)][estimator] for n in SAMPLES]
            options = {"lw": 1.4, "label": estimator, **style}
            over.plot(SAMPLES, [row["bias"] for row in rows], **options)
            under.plot(SAMPLES, [max(row["rmse"], 1e-6) for row in rows], **options)
        over.axhline(0, color="0.8", lw=0.8, zorder=0)
        over.set_yscale("symlog", linthresh=0.01, linscale=0.7)
        over.set_title(f"{title}\n{found[name]['truth']:.3f} nats", fontsize=10)
        under.set(xscale="log", yscale="log", xlabel="samples")
        for axis in (over, under):
            axis.grid(alpha=0.2)
    axes[0, 0].set_ylabel("bias in nats")
    axes[1, 0].set_ylabel("error in nats (root mean square)")
    ticks = (-1, -0.1, -0.01, 0, 0.01, 0.1, 1)
    axes[0, 0].set_yticks(ticks, [f"{tick:g}".replace("-", "−") for tick in ticks])
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9)
    mpl.rcParams["svg.hashsalt"] = "fastinfo"
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def is_removed(row: dict, plug_in: dict) -> bool:
    """Whether nothing is left of the plug-in estimate's bias, as far as can be seen.

    Less than a twentieth of it, or less than can be told from chance where that is small itself.
    """
    least = abs(plug_in["bias"]) / 20
    return abs(row["bias"]) < least or (
        abs(row["bias"]) < 2 * row["se"] and 2 * row["se"] < abs(plug_in["bias"]) / 5
    )


def table(found: dict, chosen: dict) -> list[str]:
    """Rows of a table of the page: bias and error, for each estimator and number of samples."""
    lines = []
    for name, (title, _) in chosen.items():
        lines += [
            f"**{title}**, {found[name]['truth']:.4f} nats",
            "",
            "| estimator | " + " | ".join(f"n = {n:,}" for n in SHOWN) + " |",
            "|---|" + "---|" * len(SHOWN),
        ]
        for estimator in ESTIMATORS:
            cells = []
            for n in SHOWN:
                rows = found[name][str(n)]
                row = rows[estimator]
                smallest = min(other["rmse"] for other in rows.values())
                error = f"{row['rmse']:.2g}"
                if row["rmse"] <= 1.05 * smallest:
                    error = f"**{error}**"
                removed = "✓ " if estimator != "ml" and is_removed(row, rows["ml"]) else ""
                cells.append(f"{removed}{row['bias']:+.2g}, {error}".replace("-", "−"))
            lines.append(f"| `{estimator}` | " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def summary(found: dict) -> list[str]:
    """Rows of a table: the error of each estimator beside that of the plug-in one."""
    lines = ["| estimator | entropy: mean, worst | information: mean, worst |", "|---|---|---|"]
    for estimator in ESTIMATORS:
        cells = []
        for chosen in (DISTRIBUTIONS, TABLES):
            ratios = [
                found[name][str(n)][estimator]["rmse"] / found[name][str(n)]["ml"]["rmse"]
                for name in chosen
                for n in SAMPLES
                if n <= 10_000
            ]
            cells.append(f"{math.exp(np.mean(np.log(ratios))):.2f}, {max(ratios):.2f}")
        lines.append(f"| `{estimator}` | " + " | ".join(cells) + " |")
    return [*lines, ""]


def page(found: dict) -> dict[str, str]:
    """What stands between the marks of the page."""
    return {
        "summary": "\n".join(summary(found)),
        "entropy": "\n".join(table(found, DISTRIBUTIONS)),
        "information": "\n".join(table(found, TABLES)),
    }


def write_page(found: dict) -> None:
    """Replace the tables between the marks of the page."""
    text = PAGE.read_text(encoding="utf-8")
    for mark, rows in page(found).items():
        text = re.sub(
            rf"(<!-- {mark}:begin -->\n).*?(<!-- {mark}:end -->)",
            lambda m, rows=rows: f"{m[1]}{rows}{m[2]}",
            text,
            flags=re.S,
        )
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    kept = HERE / "estimators.json"
    if "--draw" not in sys.argv:
        kept.write_text(json.dumps(measure_all(), indent=1) + "\n", encoding="utf-8")
    measured = json.loads(kept.read_text(encoding="utf-8"))
    draw(measured, DISTRIBUTIONS, HERE / "estimators_entropy.svg")
    draw(measured, TABLES, HERE / "estimators_information.svg")
    write_page(measured)
