"""Whether a table has so few samples for its cells that most of its information is chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastinfo.accumulators.joint_counts import JointCounts, variable_names
from fastinfo.counting import Counts
from fastinfo.estimators.chance import expected_information
from fastinfo.system import alerts
from fastinfo.system.alerts import listed

Array = np.ndarray[Any, Any]

FEWEST_SAMPLES = 30
"""With fewer samples than this no warning is given: that they are few is plain to see."""

SHARE_OF_VALUE = 0.5
SHARE_OF_ENTROPY = 0.2
LEAST_CHANCE = 0.05
"""A table is saturated where chance alone gives more than these shares of the value that came, and
of the smaller entropy, which is the most that there could be, and so many nats at least. Of
independent variables all that came is chance; with samples enough, or next to no entropy, that is
next to nothing and no reason to warn."""

MOST_SPELLED_OUT = 10**7

WHAT_TO_DO = (
    'Use fewer bins or categories, more samples, or estimator="miller_madow", which corrects for '
    "some of it"
)


def may_be_chance(value: float, entropies: tuple[float, float], sizes: Sequence[int]) -> bool:
    """Whether a table could be saturated, from what costs nothing to know.

    The expected information of independent variables is at most log(1 + χ²/n), whose χ² has the
    expectation n(K_x − 1)(K_y − 1)/(n − 1): the logarithm bounds the divergence, and is concave.

    Parameters
    ----------
    value : float
        Mutual information that came, in nats.
    entropies : pair of float
        Of the two variables, in nats.
    sizes : n, K_x, K_y
        Samples, and occupied bins of each variable.
    """
    n_samples, k_x, k_y = sizes
    if n_samples < FEWEST_SAMPLES:
        return False
    return is_chance(value, entropies, math.log1p((k_x - 1) * (k_y - 1) / (n_samples - 1)))


def is_chance(value: float, entropies: tuple[float, float], expected: float) -> bool:
    """Whether a table is saturated, from the expected information of its margins."""
    least = max(SHARE_OF_VALUE * value, SHARE_OF_ENTROPY * min(entropies), LEAST_CHANCE)
    return expected > least


def tell(counts: JointCounts, entropy: Callable[..., Any], unit: float) -> None:
    """Warn where the information of two variables, or of two given a third, is mostly chance.

    ``entropy`` is what formulas call, and has the entropies that they needed already. Almost every
    table is done with after a few microseconds.
    """
    n_samples = int(counts.n_samples)
    if n_samples < FEWEST_SAMPLES:
        return
    is_conditional = counts.n_variables == 3
    k_x, k_y, k_z = counts.shape if is_conditional else (*counts.shape, 1)
    if is_conditional:
        of_z = float(entropy(2))
        h_x, h_y = float(entropy(0, 2)) - of_z, float(entropy(1, 2)) - of_z
        value = h_x + h_y - (float(entropy(0, 1, 2)) - of_z)
    else:
        h_x, h_y = float(entropy(0)), float(entropy(1))
        value = h_x + h_y - float(entropy(0, 1))
    # Of several bins of Z as in `may_be_chance`, with 1/(n − 1) ≤ 2/n; the logarithm is concave.
    bound = math.log1p(2 * (k_x - 1) * (k_y - 1) * k_z / n_samples)
    if not is_chance(value, (h_x, h_y), bound):
        return
    expected = _expected(counts, is_conditional, value, (h_x, h_y))
    if is_chance(value, (h_x, h_y), expected):
        _warn(counts, expected / unit, value / unit, n_samples)


def _expected(
    counts: JointCounts, is_conditional: bool, value: float, entropies: tuple[float, float]
) -> float:
    """Information of chance, exactly where that decides: chance pairs samples in each bin of Z."""
    if is_conditional:
        xz, yz = counts._marginal_counts(0, 2), counts._marginal_counts(1, 2)
        strata = _strata(xz, yz, counts._widths[2])
    else:
        strata = [(_occupied(counts.marginal(0)), _occupied(counts.marginal(1)))]
    sizes = [(int(x.sum()), x.size, y.size) for x, y in strata]
    total = sum(n for n, _, _ in sizes)
    bound = math.fsum(
        n / total * math.log1p((k_x - 1) * (k_y - 1) / (n - 1)) for n, k_x, k_y in sizes if n > 1
    )
    if not is_chance(value, entropies, bound):
        return bound
    return math.fsum(
        n / total * expected_information(x, y)
        for (n, _, _), (x, y) in zip(sizes, strata, strict=True)
    )


def _occupied(margin: Array) -> Array:
    return np.asarray(margin[margin > 0])


def _strata(xz: Counts, yz: Counts, n_axes: int) -> list[tuple[Array, Array]]:
    """Occupied margins of X and of Y in each bin of Z."""
    both = []
    for counts in (xz, yz):
        found = counts.to_sparse()
        shape = found.shape[-n_axes:]
        where = np.ravel_multi_index(tuple(found.cells[-n_axes:]), shape)
        order = np.argsort(where, kind="stable")
        starts = np.flatnonzero(np.diff(where[order], prepend=-1))
        both.append(np.split(found.values[order], starts[1:]))
    # Every bin of Z that has a sample has it in both tables.
    return list(zip(*both, strict=True))


def _warn(counts: JointCounts, expected: float, value: float, n_samples: int) -> None:
    """Tell what is chance, and which variables have more than one column."""
    names = variable_names(counts.n_variables)
    several = "".join(
        f" {name} is one variable of {width} columns here, whose bins multiply: fastinfo.score "
        "measures each column by itself."
        for name, width in zip(names, counts._widths, strict=True)
        if width > 1
    )
    widest = int(np.argmax(counts.shape))
    most = names[widest]
    if counts.holds_integers(widest):
        several += (
            f" {most} holds integers, each value of which is a category: {most}.astype(float) has "
            "them binned."
        )
    alerts.warn(
        f"too few samples for the cells of this table: chance alone gives about {expected:.3g} of "
        f"the {value:.3g} that {n_samples:,} samples seem to share, most cells by the "
        f"{_counted(max(counts.shape))} bins of {most}.{several} {WHAT_TO_DO}",
        alerts.SaturationWarning,
    )


def _counted(number: int) -> str:
    return f"{number:,}" if number < MOST_SPELLED_OUT else f"{float(number):.0e}"


def warn_of_columns(
    names: Sequence[Any], where: str, way_on: str = "The corrected value is what is left"
) -> None:
    """Warn of pairs among those shown, and name the columns that most of them have in common."""
    alerts.warn(
        f"too few samples for the cells of {where}: more than half of the value is chance with "
        f"{listed(names)}. {way_on}. {WHAT_TO_DO}",
        alerts.SaturationWarning,
    )
