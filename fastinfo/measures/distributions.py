"""A formula of distributions, applied to the frequencies of samples."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.backends import on_device_of, reducing
from fastinfo.backends.contract import Kernels
from fastinfo.estimators import entropies
from fastinfo.formulas import Formula
from fastinfo.inputs.options import Options
from fastinfo.measures import probabilities, samples


def apply_to_distributions(formula: Formula, sides: Sequence[Any], options: Options) -> float:
    """The value of a formula of the frequencies of one sample or several, in units of the base.

    All sides are samples of one variable, which are counted in the same bins.
    """
    probabilities.warn_where(formula.name, *sides)
    weights = options.sample_weight if len(sides) == 1 else None
    with on_device_of(*sides, weights):
        counts, kernels = _counts(sides, options)
        kernels = reducing(kernels, prod(counts[0].shape))
        if any(part.is_unknown for part in counts):
            return float("nan")
        aligned = map(kernels.bring, counts[0].aligned_with(*counts[1:]))
        value = formula(*(values / values.sum() for values in aligned), kernels=kernels)
        value = entropies.without_rounding(value, formula.bounds, options.estimator, kernels)
        return float(value) / options.unit


def _counts(sides: Sequence[Any], options: Options) -> tuple[list[JointCounts], Kernels]:
    if len(sides) == 1:
        counts, kernels = samples.joint_counts(sides, options)
        return [counts], kernels
    names = ["x", "y", *(f"sample {i}" for i in range(2, len(sides)))]
    return samples.joint_counts_of_each(sides, names, options)
