"""A formula of entropies, applied to the counts of samples: what every measure does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.backends import on_device_of, reducing
from fastinfo.backends.contract import Kernels
from fastinfo.estimators import entropies
from fastinfo.formulas import Formula
from fastinfo.inputs.options import Options
from fastinfo.measures import samples


def apply(
    formula: Formula,
    variables: Sequence[Any],
    options: Options,
    tell: Callable[..., None] | None = None,
) -> float:
    """The value of a formula of the entropies of the variables' joint table, in units of the base.

    ``tell`` warns where the counts are mostly chance: it gets the counts and their entropies.
    """
    with on_device_of(*variables, options.sample_weight):
        counts, kernels = samples.joint_counts(variables, options)
        return apply_to_counts(formula, counts, kernels, options, tell)


def apply_to_counts(
    formula: Formula,
    counts: JointCounts,
    kernels: Kernels,
    options: Options,
    tell: Callable[..., None] | None = None,
) -> float:
    """The same of counts, with the kernels that counted."""
    if counts.is_unknown:
        return float("nan")
    kernels = reducing(kernels, counts.n_cells)
    total = counts.n_samples
    n_samples = total if isinstance(total, int) else None  # None for sums of weights

    def brought(*axes: int) -> Any:
        return kernels.bring(counts.marginal(*axes))

    marginal = counts.marginal if kernels.home.is_host else brought

    def rows(*axes: int) -> Any:
        return kernels.bring(samples.rows_by_last(counts, axes))

    def entropy_by(estimator: str) -> Callable[..., Any]:
        possible = partial(samples.possible_cells, counts, estimator)
        return entropies.of_marginals(
            marginal, counts.n_variables, possible, estimator, kernels, n_samples, rows
        )

    entropy = entropy_by(options.estimator)
    value = entropies.without_rounding(
        float(formula(entropy)), formula.bounds, options.estimator, kernels
    )
    if tell is not None and n_samples is not None:
        if not entropies.ESTIMATORS[options.estimator].is_plug_in:
            # A corrected value is mostly chance where the plug-in value is.
            entropy = entropy_by("ml")
        tell(counts, entropy, options.unit)
    return float(value / options.unit)


def value_of(formula: Formula, counts: JointCounts) -> float:
    """The value of a formula of counts, in nats, without a warning of saturation."""
    options = Options(None, None, "ml", "raise", None, None, None)
    return apply(formula, (counts, *[None] * (counts.n_variables - 1)), options)
