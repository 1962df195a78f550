"""How much any number of variables share: what of it is redundant, and what is synergy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastinfo import formulas
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.formulas import Formula
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import BackendName, Bins, EstimatorName, NanPolicy, Samples, Weights
from fastinfo.measures import saturation
from fastinfo.measures.apply import apply


def total_correlation(
    *variables: Samples | JointCounts,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Total correlation of two or more variables: how far they are from independence.

    TC = ΣH(X_i) − H(X_1, …, X_n) [1]_, the divergence of the joint distribution from the product of
    its margins. It is 0 for independent variables only, and mutual information for two. It is also
    called multi-information.

    Parameters
    ----------
    *variables : array-like of shape (n,) or (n, d), or one JointCounts
        Samples of each variable, two or more. The columns of an array ``X`` are variables in
        ``total_correlation(*X.T)``; ``X`` by itself is one d-dimensional variable.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Total correlation in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`; TypeError also for a single variable.

    Warns
    -----
    SaturationWarning
        Where there are too few samples for the cells of the joint table: chance alone would give
        more than half of the value, and more than a fifth of the largest possible one.

    See Also
    --------
    dual_total_correlation, o_information

    Notes
    -----
    The plug-in estimate is too large by about (K − ΣK_i + n − 1)/(2N) on average, for N samples, K
    occupied cells of the joint table and K_i of each variable. K grows fast with the number of
    variables: ``estimator="miller_madow"`` subtracts this.

    References
    ----------
    .. [1] S. Watanabe, "Information theoretical analysis of multivariate correlation", IBM Journal
       of Research and Development 4, 1960.

    Examples
    --------
    Three copies of a coin, and two coins with whether they differ.

    >>> import fastinfo
    >>> x, y, differ = [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]
    >>> round(fastinfo.total_correlation(x, x, x, base=2), 6)
    2.0
    >>> round(fastinfo.total_correlation(x, y, differ, base=2), 6)
    1.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return _of_many(formulas.total_correlation, variables, options)


def dual_total_correlation(
    *variables: Samples | JointCounts,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Dual total correlation of two or more variables: the entropy that they share.

    DTC = H(X_1, …, X_n) − ΣH(X_i|all others) [1]_ is the joint entropy without what each variable
    has for itself. It is 0 for independent variables only, and mutual information for two. It is
    also called binding information or excess entropy.

    Parameters
    ----------
    *variables, bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `total_correlation`.

    Returns
    -------
    float
        Dual total correlation in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError
        As `total_correlation`.

    Warns
    -----
    SaturationWarning
        As `total_correlation`.

    See Also
    --------
    total_correlation, o_information

    References
    ----------
    .. [1] T. S. Han, "Nonnegative entropy measures of multivariate symmetric correlations",
       Information and Control 36, 1978.

    Examples
    --------
    >>> import fastinfo
    >>> x, y, differ = [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]
    >>> round(fastinfo.dual_total_correlation(x, x, x, base=2), 6)
    1.0
    >>> round(fastinfo.dual_total_correlation(x, y, differ, base=2), 6)
    2.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return _of_many(formulas.dual_total_correlation, variables, options)


def o_information(
    *variables: Samples | JointCounts,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """O-information of two or more variables: whether redundancy or synergy prevails.

    Ω = TC − DTC, total correlation minus dual total correlation [1]_. It is positive where the
    variables mostly tell the same (redundancy), and negative where they mostly tell something
    together that no part of them tells (synergy). It is 0 for two variables. For three it is minus
    `interaction_information`.

    Parameters
    ----------
    *variables, bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `total_correlation`.

    Returns
    -------
    float
        O-information in nats, or in units of ``base``; it may be negative.

    Raises
    ------
    ValueError, TypeError
        As `total_correlation`.

    Warns
    -----
    SaturationWarning
        As `total_correlation`, where the total correlation is mostly chance.

    See Also
    --------
    total_correlation, dual_total_correlation, interaction_information

    Notes
    -----
    With too few samples for the cells of the joint table, independent variables look synergistic,
    and where hardly two samples are alike in all variables, redundant.

    References
    ----------
    .. [1] F. E. Rosas, P. A. M. Mediano, M. Gastpar and H. J. Jensen, "Quantifying high-order
       interdependencies via multivariate extensions of the mutual information", Physical Review E
       100, 2019.

    Examples
    --------
    >>> import fastinfo
    >>> x, y, differ = [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]
    >>> round(fastinfo.o_information(x, x, x, base=2), 6)
    1.0
    >>> round(fastinfo.o_information(x, y, differ, base=2), 6)
    -1.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return _of_many(formulas.o_information, variables, options)


def _of_many(formula: Formula, given: Sequence[Any], options: Options) -> float:
    """The value of a formula of any number of variables, of two at least."""
    variables: list[Any] = list(given)
    count = len(variables)
    if count == 1 and isinstance(variables[0], JointCounts):
        count = variables[0].n_variables or 2  # empty ones have an error of their own
        variables += [None] * (count - 1)
    if count < 2:
        raise TypeError(
            f"{formula.name}() is a measure of two variables or more, and {count} came: pass the "
            "samples of each as an argument of its own, the columns of an array X by *X.T, of a "
            "DataFrame by *(X[name] for name in X.columns)"
        )
    of_so_many = formula.with_options(n_variables=count)
    return apply(of_so_many, variables, options, saturation.tell_of_many)
