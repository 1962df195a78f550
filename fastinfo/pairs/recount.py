"""One pair and the stratum of each sample, counted again: what they tell, and what chance gives."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends import terms
from fastinfo.backends.pair_sums import PairSums, sums_of
from fastinfo.estimators import entropies
from fastinfo.estimators.chance import bound_factors, expected_information
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


def told_by(pooled: PairSums, in_strata: PairSums, estimator: str, xp: Any) -> tuple[Any, Any, Any]:
    """I(X,Y;C) = H(X,Y) − H(X,Y|C), I(X;C) and I(Y;C), by sums of all samples and over strata."""
    both, left, right = (
        h - h_given for h, h_given in zip(pooled.entropies(), in_strata.entropies(), strict=True)
    )
    if not entropies.ESTIMATORS[estimator].is_plug_in:
        return both, left, right
    # What is below 0 is rounding.
    return xp.maximum(both, 0.0), xp.maximum(left, 0.0), xp.maximum(right, 0.0)


def recount(judge: Judge, left: int, right: int, least: float = -math.inf) -> Recount:
    """Count the samples of a pair in every stratum, on the host.

    The values are those that tiles give, by the same sums. If the strata of the samples are
    shuffled, the cells of both features together are a variable of fixed margin. So the expectation
    of all three values is that of `expected_information`. That of both features takes most of the
    time. Where a bound of it tells that the corrected synergy is below ``least``, in nats, the
    bound stands for it.
    """
    if (left, right) in judge.recounts:
        found: Recount = judge.recounts[left, right]
        return found
    x, y, target, counts, n_samples = judge.cells(left, right)
    n_left, n_right = (int(judge.features.n_bins[feature]) for feature in (left, right))
    n_strata = judge.n_strata
    pairs = x * n_right + y

    def margin(keys: Array, n_keys: int) -> Array:
        _, found = count_cells(keys, n_keys, counts)
        return found if judge.weights is not None else found.astype(np.int64)

    of_target = margin(target, n_strata)
    of_features = margin(pairs, n_left * n_right), margin(x, n_left), margin(y, n_right)
    by_stratum = (
        counts,
        margin(x * n_strata + target, n_left * n_strata),
        margin(y * n_strata + target, n_right * n_strata),
    )
    told = told_by(*_sums(judge, of_features, by_stratum, of_target), judge.estimator, np)
    value, left_value, right_value = map(float, told)
    synergy = value - left_value - right_value
    if not judge.corrects:
        rest = synergy if judge.weights is None else math.nan
        return Recount(value, left_value, right_value, synergy, rest, False)
    alone = sum(
        _expected_alone(judge, feature, counted, of_target)
        for feature, counted in zip((left, right), of_features[1:], strict=True)
    )
    size = np.array([n_samples])
    (p, q), (r, s) = (bound_factors([counted], size) for counted in (of_features[0], of_target))
    most = synergy + alone - max(float(p @ r - q @ s), 0.0) + ROUNDING * value
    if most < least:
        return Recount(value, left_value, right_value, synergy, most, False)
    expected = expected_information(of_features[0], of_target)
    rest = synergy + alone - expected
    rest = 0.0 if abs(rest) < ROUNDING * value else rest
    is_saturated = False
    if n_samples >= saturation.FEWEST_SAMPLES:
        both, of_classes = (_entropy(counted, judge) for counted in (of_features[0], of_target))
        is_saturated = saturation.is_chance(value, (both, of_classes), expected)
    return Recount(value, left_value, right_value, synergy, rest, is_saturated)


def _expected_alone(judge: Judge, feature: int, margin: Array, of_target: Array) -> float:
    """What one feature tells by chance; it is kept where its margin is the same in every pair."""
    if judge.features.has_missing.any():
        return expected_information(margin, of_target)
    if feature not in judge.expected_alone:
        judge.expected_alone[feature] = expected_information(margin, of_target)
    return judge.expected_alone[feature]


def _sums(
    judge: Judge,
    of_features: tuple[Array, Array, Array],
    by_stratum: tuple[Array, Array, Array],
    of_target: Array,
) -> tuple[PairSums, PairSums]:
    """The sums of all samples and those over strata, as the job of a run has them."""
    term = entropies.ESTIMATORS[judge.estimator].term
    assert term is not None  # runs in strata take no other estimators
    is_weighted, kernels = judge.weights is not None, judge.reference
    how = terms.reduction(term, judge.n_in_strata, is_weighted=is_weighted)
    given = terms.reduction(term.given(), judge.n_in_strata, is_weighted=is_weighted)
    (whole, *_) = sums_of((of_target, of_target, of_target), given, kernels)
    in_strata = sums_of(by_stratum, given, kernels)._replace(whole=whole)
    return sums_of(of_features, how, kernels), in_strata


def _entropy(counts: Array, judge: Judge) -> float:
    n_cells = math.nan  # estimators of strata have a term, and do not ask for possible cells
    return float(entropies.entropy(counts, lambda: n_cells, judge.estimator, judge.reference))
