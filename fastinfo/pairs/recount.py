"""One pair and the stratum of each sample, counted again: what they tell, and what chance gives."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from fastinfo.estimators import entropies
from fastinfo.estimators.chance import expected_information
from fastinfo.measures import saturation
from fastinfo.pairs.ranking import ROUNDING, Judge, count_cells

Array = np.ndarray[Any, Any]


class Recount(NamedTuple):
    """What two features tell about the stratum of a sample, in nats."""

    value: float
    """What both tell together."""
    left_value: float
    """What the left feature tells alone."""
    right_value: float
    synergy: float
    corrected: float
    """The synergy minus its expectation if strata are shuffled; NaN for weights."""
    is_saturated: bool
    """Whether more than half of the value is chance, since there are too few samples."""


def recount(judge: Judge, left: int, right: int) -> Recount:
    """Count the samples of a pair in every stratum, on the host.

    If the strata of the samples are shuffled, the cells of both features together are a variable of
    fixed margin. So the expectation of all three values is that of `expected_information`.
    """
    assert judge.stratum is not None
    complete = np.flatnonzero(judge.present(left) & judge.present(right))
    labels = judge.stratum[complete]
    n_left, n_right = (int(judge.features.n_bins[feature]) for feature in (left, right))
    weights = None if judge.weights is None else judge.weights[complete]
    x, y = (judge.codes(feature)[complete].astype(np.int64) for feature in (left, right))
    n_strata = judge.n_strata
    n_cells = n_left * n_right * n_strata
    cells, counts = count_cells((x * n_right + y) * n_strata + labels, n_cells, weights)
    pairs, target = np.divmod(cells, n_strata)
    x, y = np.divmod(pairs, n_right)

    def margin(keys: Array, n_keys: int) -> Array:
        _, found = count_cells(keys, n_keys, counts)
        return found if weights is not None else found.astype(np.int64)

    of_target = margin(target, n_strata)
    both, one, other = (
        margin(pairs, n_left * n_right),
        margin(x, n_left),
        margin(y, n_right),
    )
    with_target = (
        counts,
        margin(x * n_strata + target, n_left * n_strata),
        margin(y * n_strata + target, n_right * n_strata),
    )
    features = both, one, other
    h_target = _entropy(of_target, judge)
    alone = [_entropy(counted, judge) for counted in features]
    value, left_value, right_value = (
        entropies.without_rounding(
            h + h_target - _entropy(joint, judge), (0.0, math.inf), judge.estimator, judge.reference
        )
        for h, joint in zip(alone, with_target, strict=True)
    )
    told = value, left_value, right_value
    synergy = value - left_value - right_value
    if not judge.corrects:
        rest = synergy if judge.weights is None else math.nan
        return Recount(*told, synergy, rest, False)
    expected = [expected_information(counted, of_target) for counted in features]
    rest = synergy - (expected[0] - expected[1] - expected[2])
    rest = 0.0 if abs(rest) < ROUNDING * value else rest
    is_saturated = bool(complete.size >= saturation.FEWEST_SAMPLES) and saturation.is_chance(
        value, (alone[0], h_target), expected[0]
    )
    return Recount(*told, synergy, rest, is_saturated)


def _entropy(counts: Array, judge: Judge) -> float:
    n_cells = math.nan  # estimators of strata have a term, and do not ask for possible cells
    return float(entropies.entropy(counts, lambda: n_cells, judge.estimator, judge.reference))
