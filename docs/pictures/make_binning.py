"""Measure how the number of bins decides the error of information, and draw ``binning.svg``.

    python docs/pictures/make_binning.py

Gaussian variables, whose information is known: I(X;Y) of two that correlate, and I(X;Y|Z) of
X = (Z₁ + …)/2 + noise and Y = (Z₁ + …)/2 + cX + noise, where it is ½·log(1 + c²). All variables
are cut into equally frequent bins. Kept in ``binning.json``: the root of the mean
squared error over informations of 0 to 0.8 nats, for each number of samples and of bins.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import fastinfo
from fastinfo.binning.rules import default_n_bins

HERE = Path(__file__).resolve().parent
SLOPES = (0.0, 0.3, 0.55, 1.0, 2.0)
"""Of Y on X: informations of 0, 0.04, 0.13, 0.35 and 0.80 nats."""
SAMPLES = (200, 2_000, 20_000, 200_000)
BINS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 22, 28, 36, 48, 59, 80, 110, 150)
MOST_CELLS = 1 << 22


def draw(n_variables: int, slope: float, n_samples: int, rng: np.random.Generator) -> list:
    """X, Y and the conditions; I(X;Y|Z) is ½·log(1 + slope²)."""
    conditions = rng.normal(size=(n_samples, n_variables - 2))
    common = conditions.sum(axis=1) / 2 / math.sqrt(max(n_variables - 2, 1))
    x = common + rng.normal(size=n_samples)
    y = common + slope * x + rng.normal(size=n_samples)
    return [x, y, *([conditions] if n_variables > 2 else [])]


def error(n_variables: int, n_samples: int, n_bins: int) -> dict[str, float]:
    """Over all slopes: the error, and what independent variables are said to share."""
    rng = np.random.default_rng(n_samples + n_variables)
    measure = (
        fastinfo.mutual_information if n_variables == 2 else fastinfo.conditional_mutual_information
    )
    repetitions = max(20_000 // n_samples, 2)
    errors, chance = [], []
    for slope in SLOPES:
        for _ in range(repetitions):
            samples = draw(n_variables, slope, n_samples, rng)
            value = measure(*samples, bins=f"quantile:{n_bins}")
            errors.append(value - 0.5 * math.log1p(slope**2))
            if slope == 0:
                chance.append(value)
    return {"rmse": float(np.sqrt(np.mean(np.square(errors)))), "chance": float(np.mean(chance))}


def measure_all() -> dict:
    """{variables: {samples: {"default": B, "bins": {B: error}}}}."""
    found: dict = {}
    for n_variables in (2, 3, 4):
        for n_samples in SAMPLES:
            default = default_n_bins(n_samples, n_variables)
            bins = sorted({*BINS, default})
            here = {
                b: error(n_variables, n_samples, b)
                for b in bins
                if b**n_variables <= MOST_CELLS and b <= n_samples // 4
            }
            found.setdefault(n_variables, {})[n_samples] = {"default": default, "bins": here}
    return found


def draw_picture(found: dict) -> None:
    """Error against the number of bins, and where the default is."""
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.6), sharey=True, layout="constrained")
    titles = {"2": "I(X;Y)", "3": "I(X;Y|Z)", "4": "I(X;Y|Z₁,Z₂)"}
    colors = plt.colormaps["viridis"](np.linspace(0.05, 0.8, len(SAMPLES)))
    for axis, (n_variables, by_samples) in zip(axes, found.items(), strict=True):
        for color, (n_samples, here) in zip(colors, by_samples.items(), strict=True):
            bins = [int(b) for b in here["bins"]]
            errors = [e["rmse"] for e in here["bins"].values()]
            axis.plot(bins, errors, color=color, label=f"n = {int(n_samples):,}")
            default = str(here["default"])
            if default in here["bins"]:
                axis.plot(int(default), here["bins"][default]["rmse"], "o", color=color)
        axis.set(xscale="log", yscale="log", xlabel="bins of each variable")
        axis.set_title(f"{titles[n_variables]}, {n_variables} variables", fontsize=10)
        axis.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
        axis.grid(alpha=0.25)
    axes[0].set_ylabel("error in nats (root mean square)")
    axes[0].set_yticks([0.01, 0.03, 0.1, 0.3, 1], ["0.01", "0.03", "0.1", "0.3", "1"])
    axes[0].legend(frameon=False, fontsize=8)
    axes[2].annotate("●  the default", (0.97, 0.03), xycoords="axes fraction", ha="right", size=8)
    mpl.rcParams["svg.hashsalt"] = "fastinfo"
    figure.savefig(HERE / "binning.svg", metadata={"Date": None})


if __name__ == "__main__":
    path = HERE / "binning.json"
    path.write_text(json.dumps(measure_all(), indent=1) + "\n", encoding="utf-8")
    draw_picture(json.loads(path.read_text(encoding="utf-8")))
