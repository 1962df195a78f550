"""What each single sample contributes to a measure: pointwise, or local, information.

These are functions of their own, and no option of the measures, because they return an array where
a measure returns a number, and take no estimator: a correction is one of a sum, of which no sample
has a share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastinfo import formulas
from fastinfo.accumulators.joint_counts import JointCounts, variable_names
from fastinfo.backends import on_device_of, on_host
from fastinfo.estimators import pointwise
from fastinfo.formulas import Formula
from fastinfo.inputs import arguments, tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import BackendName, Bins, NanPolicy, Samples, Weights
from fastinfo.measures import cells, samples


def pointwise_mutual_information(
    x: Samples | JointCounts,
    y: Samples | None = None,
    *,
    bins: Bins = None,
    base: float | None = None,
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> Any:
    """Pointwise mutual information i(x;y) of each sample, whose mean is the mutual information.

    i(x;y) = log p(x,y)/(p(x)·p(y)) [1]_, computed from the observed frequencies. It is positive for
    values that come together more often than independent ones would, and negative for those that
    avoid each other.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of two variables
        Samples of one variable.
    y : array-like of shape (n,) or (n, d)
        Samples of the other variable.
    bins, base, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    numpy.ndarray of shape (n,), float64
        The value of each sample, in nats or in units of ``base``: a CuPy array or a torch tensor
        where ``x`` is one. Its mean, weighted by ``sample_weight``, is the plug-in mutual
        information. With ``nan_policy="omit"`` samples that are left out are NaN, those of weight 0
        too, so that `numpy.nanmean` is the mutual information. With ``"propagate"`` one missing
        sample makes all of them NaN, for the probabilities are then unknown.

        For `JointCounts` it is the value of each cell, of the shape of their ``table``: −inf where
        x and y occur but never together, and NaN where x or y never occurs.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `mutual_information`.

    See Also
    --------
    mutual_information, fastinfo.pmf.pointwise_mutual_information

    Notes
    -----
    A value of a rare cell rests on few samples: 0 where p(x,y) = p(x)·p(y), and log n at most for
    values that occur once, together.

    References
    ----------
    .. [1] R. M. Fano, *Transmission of Information*, MIT Press 1961; K. W. Church and P. Hanks,
       "Word association norms, mutual information, and lexicography", Computational Linguistics 16,
       1990.

    Examples
    --------
    >>> import fastinfo
    >>> rain, wet = [0, 0, 1, 1], [0, 0, 0, 1]
    >>> fastinfo.pointwise_mutual_information(rain, wet, base=2).round(3)
    array([ 0.415,  0.415, -0.585,  1.   ])
    """
    options = Options(bins, base, "ml", nan_policy, sample_weight, backend, n_jobs)
    return _apply(formulas.mutual_information, (x, y), options)


def pointwise_conditional_mutual_information(
    x: Samples | JointCounts,
    y: Samples | None = None,
    given: Samples | None = None,
    *,
    bins: Bins = None,
    base: float | None = None,
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> Any:
    """Pointwise conditional mutual information i(x;y|z) of each sample.

    i(x;y|z) = log p(x,y|z)/(p(x|z)·p(y|z)) [1]_, computed from the observed frequencies. Its mean
    is the conditional mutual information.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of (x, y, given)
        Samples of X.
    y, given : array-like of shape (n,) or (n, d)
        Samples of Y and of Z.
    bins, base, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    numpy.ndarray of shape (n,), float64
        As for `pointwise_mutual_information`; for `JointCounts` the value of each cell, NaN where x
        or y never occurs with z.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `mutual_information`.

    See Also
    --------
    conditional_mutual_information, pointwise_transfer_entropy

    References
    ----------
    .. [1] J. T. Lizier, *The Local Information Dynamics of Distributed Computation in Complex
       Systems*, Springer 2013, chapter 3.

    Examples
    --------
    >>> import fastinfo
    >>> x, y, alike = [0, 0, 1, 1], [0, 1, 0, 1], [True, False, False, True]
    >>> fastinfo.pointwise_conditional_mutual_information(x, y, alike, base=2)
    array([1., 1., 1., 1.])
    """
    options = Options(bins, base, "ml", nan_policy, sample_weight, backend, n_jobs)
    return _apply(formulas.conditional_mutual_information, (x, y, given), options)


def _apply(formula: Formula, variables: Sequence[Any], options: Options) -> Any:
    """The pointwise values of a formula, of each sample or of each cell of `JointCounts`."""
    if any(isinstance(variable, JointCounts) for variable in variables):
        counts, _ = samples.joint_counts(variables, options)
        return _of_cells(formula, counts) / options.unit
    names = variable_names(len(variables))
    samples.require_all(variables, names)
    with on_device_of(*variables, options.sample_weight):
        groups = [arguments.variable(v, name) for v, name in zip(variables, names, strict=True)]
        n_samples = arguments.same_length([column for group in groups for column in group])
        weights = arguments.weights(options.sample_weight, n_samples)
        kept = None if weights is None or (weights > 0).all() else weights > 0
        used, weights = arguments.with_weight(groups, weights)
        coded, kernels = cells.encode(used, sum(map(len, groups)), options, weights)
        counts = cells.count(coded, options, kernels, weights)
        found = cells.pointwise(formula, counts, coded, kernels) / options.unit
        if kept is not None:
            whole = kernels.xp.full(n_samples, np.nan)
            whole[kernels.bring(kept)] = found
            found = whole
        return tables.like(kernels.to_host(found), variables[0])


def _of_cells(formula: Formula, counts: JointCounts) -> np.ndarray[Any, Any]:
    table = counts.table
    if counts.is_unknown:
        return np.full(table.shape, np.nan)
    entropy = pointwise.of_table(table / table.sum(), table.ndim, on_host())
    with np.errstate(invalid="ignore"):
        return np.asarray(formula(entropy)) + 0.0
