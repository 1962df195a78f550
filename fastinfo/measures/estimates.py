"""An entropy with what its estimator finds out beside it."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any, NamedTuple

from fastinfo import formulas
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.backends import on_device_of, reducing
from fastinfo.estimators import entropies
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import BackendName, Bins, EstimatorName, NanPolicy, Samples, Weights
from fastinfo.measures import samples
from fastinfo.measures.apply import apply


class EntropyEstimate(NamedTuple):
    """An entropy, and what its estimator finds out about the table."""

    value: float
    """The entropy, in nats or in units of ``base``."""
    standard_deviation: float
    """Its standard deviation, in the same unit; NaN where the estimator has none."""
    n_samples: int
    """The number of samples."""
    n_occupied: int
    """The number of cells that hold a sample."""
    n_cells: int
    """The number of possible cells."""
    details: dict[str, float]
    """What else the estimator finds out, by names: ``shrinkage_intensity``, ``coverage``."""


def estimate_entropy(
    *variables: Samples | JointCounts,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> EntropyEstimate:
    """Joint entropy of variables, with what the estimator finds out beside it.

    Parameters
    ----------
    *variables : array-like of shape (n,) or (n, d), or one JointCounts
        Samples of each variable.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`. Weights are refused by all estimators here, since the result
        holds numbers of samples.

    Returns
    -------
    EntropyEstimate
        ``value``, the entropy that `joint_entropy` returns; ``standard_deviation``, that of the
        posterior for ``"nsb"``, NaN for others; the numbers ``n_samples``, ``n_occupied`` and
        ``n_cells``; and ``details``: the ``shrinkage_intensity`` λ of ``"shrinkage"``, the
        ``coverage`` of ``"chao_shen"``. All are NaN and 0 where a sample is missing and
        ``nan_policy="propagate"``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`, and for weights.
    ImportError
        For ``"nsb"`` without scipy.

    See Also
    --------
    joint_entropy : the value alone.

    Examples
    --------
    >>> import fastinfo
    >>> dice = [1, 1, 2, 3, 6, 6, 6]
    >>> found = fastinfo.estimate_entropy(dice, estimator="shrinkage:6")
    >>> round(found.value, 4), found.n_occupied, found.n_cells
    (1.7798, 4, 6)
    >>> round(found.details["shrinkage_intensity"], 4)
    0.8293
    """
    if not variables:
        raise TypeError("estimate_entropy() takes the samples of at least one variable")
    padded: tuple[Any, ...] = variables
    if len(variables) == 1 and isinstance(variables[0], JointCounts):
        padded += (None,) * (variables[0].n_variables - 1)
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    if sample_weight is not None:
        raise ValueError(
            "sample_weight: estimate_entropy tells numbers of samples, which weights do not have; "
            "joint_entropy takes weights"
        )
    way = entropies.ESTIMATORS[options.estimator]
    with on_device_of(*padded):
        counts, kernels = samples.joint_counts(padded, options)
        if counts.is_weighted:
            raise ValueError(
                "these counts are sums of weights, and estimate_entropy tells numbers of samples; "
                "joint_entropy takes weights"
            )
        nan = float("nan")
        if counts.is_unknown:
            return EntropyEstimate(nan, nan, 0, 0, 0, dict.fromkeys(way.details, nan))
        kernels = reducing(kernels, prod(counts.shape))
        table = kernels.bring(counts.marginal(*range(counts.n_variables)))
        possible = partial(samples.possible_cells, counts, options.estimator)
        n_cells = prod(map(possible, range(counts.n_variables)))

        def found(of_counts: Any) -> float:
            return float(of_counts(table, lambda: n_cells, kernels))

        of_table = (counts, *[None] * (counts.n_variables - 1))
        known = Options(None, base, options.estimator, "raise", None, backend, n_jobs)
        value = apply(formulas.joint_entropy, of_table, known)
        deviation = nan if way.standard_deviation is None else found(way.standard_deviation)
        return EntropyEstimate(
            value,
            deviation / options.unit,
            int(counts.n_samples),
            int((table > 0).sum()),
            n_cells,
            {name: found(of_counts) for name, of_counts in way.details.items()},
        )
