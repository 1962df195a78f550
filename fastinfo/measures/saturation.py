"""Warnings for tables with so few samples for their cells that most information is chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastinfo.accumulators.joint_counts import JointCounts, variable_names
from fastinfo.estimators.chance import expected_in_strata, expected_information
from fastinfo.measures.strata import occupied, strata_of
from fastinfo.system import alerts
from fastinfo.system.alerts import listed

Array = np.ndarray[Any, Any]

FEWEST_SAMPLES = 30
"""With fewer samples than this there is no warning: the user sees that they are few."""

SHARE_OF_VALUE = 0.5
SHARE_OF_ENTROPY = 0.2
LEAST_CHANCE = 0.05
"""The limits beyond which a table is saturated. The information expected by chance must exceed half
of the measured value, a fifth of the smaller entropy, which is the most that two variables can
share, and 0.05 nats. For independent variables the whole value is chance. The last two limits
prevent a warning where that value is next to nothing."""

MOST_SPELLED_OUT = 10**7

WHAT_TO_DO = (
    'Use fewer bins or categories, more samples, or estimator="grassberger", which corrects for '
    "some of it"
)


def may_be_chance(value: float, entropies: tuple[float, float], sizes: Sequence[int]) -> bool:
    """Whether a table could be saturated, by a bound that is cheap to compute.

    The information of a table is at most log(1 + χ²/n). For independent variables χ² has the
    expectation n(K_x − 1)(K_y − 1)/(n − 1). The logarithm is concave, so the expected information
    is at most log(1 + (K_x − 1)(K_y − 1)/(n − 1)).

    Parameters
    ----------
    value : float
        The measured mutual information, in nats.
    entropies : pair of float
        The entropies of the two variables, in nats.
    sizes : n, K_x, K_y
        The number of samples, and of occupied bins of each variable.
    """
    n_samples, k_x, k_y = sizes
    if n_samples < FEWEST_SAMPLES:
        return False
    return is_chance(value, entropies, math.log1p((k_x - 1) * (k_y - 1) / (n_samples - 1)))


def is_chance(value: float, entropies: tuple[float, float], expected: float) -> bool:
    """Whether a table is saturated, given the information expected by chance, in nats."""
    limit = max(SHARE_OF_VALUE * value, SHARE_OF_ENTROPY * min(entropies), LEAST_CHANCE)
    return expected > limit


def tell(
    counts: JointCounts,
    entropy: Callable[..., Any],
    unit: float,
    names: Sequence[str] | None = None,
    what_to_do: str = WHAT_TO_DO,
) -> None:
    """Warn where the information of two variables, or of two given a third, is mostly chance.

    ``entropy`` is the function that formulas call, which remembers the entropies computed before.
    Almost every table takes only a few microseconds here. ``names`` are those of variables that the
    caller made, of which columns and types mean nothing to the user.
    """
    n_samples = int(counts.n_samples)
    if n_samples < FEWEST_SAMPLES:
        return
    is_conditional = counts.n_variables == 3
    k_x, k_y, k_z = counts.shape if is_conditional else (*counts.shape, 1)
    if is_conditional:
        h_z = float(entropy(2))
        h_x, h_y = float(entropy(0, 2)) - h_z, float(entropy(1, 2)) - h_z
        value = h_x + h_y - (float(entropy(0, 1, 2)) - h_z)
    else:
        h_x, h_y = float(entropy(0)), float(entropy(1))
        value = h_x + h_y - float(entropy(0, 1))
    # The bound of `may_be_chance` in each bin of Z, with 1/(n − 1) ≤ 2/n. The logarithm is concave.
    bound = math.log1p(2 * (k_x - 1) * (k_y - 1) * k_z / n_samples)
    if not is_chance(value, (h_x, h_y), bound):
        return
    expected = _expected(counts, value, (h_x, h_y))
    if is_chance(value, (h_x, h_y), expected):
        hints = _hints(counts) if names is None else ""
        widest = int(np.argmax(counts.shape))
        name = (names or variable_names(counts.n_variables))[widest]
        where = f"most cells by the {_shown_number(counts.shape[widest])} bins of {name}"
        _warn(counts, expected / unit, value / unit, f"{where}.{hints} {what_to_do}")


def tell_of_many(counts: JointCounts, entropy: Callable[..., Any], unit: float) -> None:
    """Warn where the total correlation of any number of variables is mostly chance.

    It is the sum of what each variable shares with all before it, and so is what chance gives:
    chance pairs the samples of each variable anew with those of all before. Where these depend on
    each other they have fewer cells than chance would give them, which errs on the side of silence.
    """
    n_samples, n_variables = int(counts.n_samples), counts.n_variables
    if n_samples < FEWEST_SAMPLES:
        return
    singles = [float(entropy(variable)) for variable in range(n_variables)]
    value, most = sum(singles) - float(entropy()), sum(singles) - max(singles)
    bound, n_before = 0.0, counts.shape[0]
    for n_bins in counts.shape[1:]:
        bound += math.log1p((n_bins - 1) * (min(n_before, n_samples) - 1) / (n_samples - 1))
        n_before *= n_bins
    if not is_chance(value, (most, most), bound):
        return
    expected = math.fsum(
        expected_information(
            occupied(counts.marginal(variable)), occupied(counts.marginal(*range(variable)))
        )
        for variable in range(1, n_variables)
    )
    if is_chance(value, (most, most), expected):
        widest = int(np.argmax(counts.shape))
        where = (
            f"in {_shown_number(n_before)} cells of {n_variables} variables, of which "
            f"{variable_names(n_variables)[widest]} has the most bins, "
            f"{_shown_number(counts.shape[widest])}"
        )
        _warn(counts, expected / unit, value / unit, f"{where}. {WHAT_TO_DO}, or fewer variables")


def _expected(counts: JointCounts, value: float, entropies: tuple[float, float]) -> float:
    """The information that chance alone gives, or a bound of it that is low enough to decide.

    Chance pairs the samples of X and Y anew within each bin of Z.
    """
    strata = strata_of(counts)
    bound = bound_of_chance(strata)
    return expected_in_strata(strata) if is_chance(value, entropies, bound) else bound


def bound_of_chance(strata: Sequence[tuple[Array, Array]]) -> float:
    """At least the information that chance alone gives, by the bound of `may_be_chance`.

    ``strata`` are the numbers of samples in the occupied bins of X and of Y, in each bin of Z.
    """
    sizes = [(int(x.sum()), x.size, y.size) for x, y in strata]
    total = sum(n for n, _, _ in sizes)
    return math.fsum(
        n / total * math.log1p((k_x - 1) * (k_y - 1) / (n - 1)) for n, k_x, k_y in sizes if n > 1
    )


def _warn(counts: JointCounts, expected: float, value: float, where: str) -> None:
    """Warn how much is chance, in the unit of the result, and where it comes from."""
    alerts.warn(
        f"too few samples for the cells of this table: chance alone gives about {expected:.3g} of "
        f"the {value:.3g} that {int(counts.n_samples):,} samples seem to share, {where}",
        alerts.SaturationWarning,
    )


def _hints(counts: JointCounts) -> str:
    """What may help: variables with several columns are named, and integers to bin."""
    names = variable_names(counts.n_variables)
    hints = "".join(
        f" {name} is one variable of {width} columns here, whose bins multiply: fastinfo.score "
        "measures each column by itself."
        for name, width in zip(names, counts._widths, strict=True)
        if width > 1
    )
    widest = int(np.argmax(counts.shape))
    widest_name = names[widest]
    if counts.holds_integers(widest):
        hints += (
            f" {widest_name} holds integers, each value of which is a category: "
            f"{widest_name}.astype(float) has them binned."
        )
    return hints


def _shown_number(number: int) -> str:
    return f"{number:,}" if number < MOST_SPELLED_OUT else f"{float(number):.0e}"


def warn_of_columns(
    names: Sequence[Any], where: str, way_on: str = "The corrected value is what is left"
) -> None:
    """Warn of pairs that are mostly chance; ``names`` are the columns that most of them share."""
    alerts.warn(
        f"too few samples for the cells of {where}: more than half of the value is chance with "
        f"{listed(names)}. {way_on}. {WHAT_TO_DO}",
        alerts.SaturationWarning,
    )
