"""A formula, applied to probabilities: what every measure of them does."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from fastinfo import counting
from fastinfo.backends import on_device_of
from fastinfo.backends.contract import Kernels
from fastinfo.backends.home import home_of
from fastinfo.estimators import entropies
from fastinfo.formulas import Formula
from fastinfo.inputs import arguments, distributions, tables
from fastinfo.inputs.types import Probabilities


def measure_of_joint(
    formula: Formula,
    pk: Probabilities,
    axis: int | Sequence[int] | None,
    base: float | None,
    n_axes: int | None,
    *,
    or_all: bool = False,
) -> Any:
    """The value of a formula of entropies, for a joint distribution of ``n_axes`` variables."""
    unit = arguments.log_base(base)
    axes = distributions.axes(axis, n_axes, or_all=or_all)
    with on_device_of(pk):
        (p,), kernels = distributions.normalized([pk], ["pk"], axes)
        n_variables = 1 if axes is None else len(axes)
        shape = p.shape[p.ndim - n_variables :]

        def marginal(*variables: int) -> Any:
            n_batch = p.ndim - n_variables
            others = [n_batch + a for a in range(n_variables) if a not in variables]
            summed = counting.sum_over(p, others)
            return summed.reshape(*p.shape[:n_batch], prod(summed.shape[n_batch:]))

        entropy = entropies.of_marginals(marginal, n_variables, shape.__getitem__, "ml", kernels)
        return finish(formula(entropy), formula, unit, kernels, pk)


def measure_of_distributions(
    formula: Formula, given: Sequence[Probabilities], axis: int | None, base: float | None
) -> Any:
    """The value of a formula of one or more distributions, which are named pk, qk, … in errors."""
    unit = arguments.log_base(base)
    axes = distributions.axes(axis, 1, or_all=True)
    names = ["pk", "qk", *(f"distribution {i}" for i in range(2, len(given)))][: len(given)]
    with on_device_of(*given):
        ps, kernels = distributions.normalized(given, names, axes)
        return finish(formula(*ps, kernels=kernels), formula, unit, kernels, given[0])


def finish(value: Any, formula: Formula, unit: float, kernels: Kernels, pk: Probabilities) -> Any:
    """A value within the formula's bounds, in the unit, as a float or an array like ``pk``."""
    result = entropies.without_rounding(value, formula.bounds, "ml", kernels) / unit
    if np.ndim(result) == 0:
        return float(result)
    return kernels.to_host(result) if home_of(pk).is_host else tables.like(result, pk)
