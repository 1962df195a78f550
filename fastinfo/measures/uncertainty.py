"""How much is unknown of samples: the entropies of one joint table."""

from __future__ import annotations

from typing import Any

from fastinfo import formulas
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import BackendName, Bins, EstimatorName, NanPolicy, Samples, Weights
from fastinfo.measures import probabilities, saturation
from fastinfo.measures.apply import apply


def entropy(
    x: Samples | JointCounts,
    *,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Shannon entropy H(X) of one variable.

    H(X) = −Σ p(x) log p(x) [1]_. For a binned continuous variable this is the entropy of its bins,
    which grows with their number. It is not the differential entropy.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts
        Samples of one variable, or of one d-dimensional variable.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Entropy in nats, or in units of ``base``. It is NaN where a sample is missing and
        ``nan_policy="propagate"``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Warns
    -----
    ProbabilitiesWarning
        For a few floating-point numbers that sum to 1, because they look like probabilities.
        `fastinfo.pmf.entropy` takes probabilities.

    References
    ----------
    .. [1] C. E. Shannon, "A mathematical theory of communication", Bell System Technical Journal
       27, 1948.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.entropy(["heads", "tails", "tails", "heads"], base=2)
    1.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    probabilities.warn_where("entropy", x)
    return apply(formulas.entropy, (x,), options)


def joint_entropy(
    *variables: Samples | JointCounts,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Joint entropy H(X, Y, …) of several variables.

    This is the entropy of their joint distribution. It is at least the largest of their entropies
    and at most the sum of them.

    Parameters
    ----------
    *variables : array-like of shape (n,) or (n, d), or one JointCounts
        Samples of each variable.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Joint entropy in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.joint_entropy([0, 0, 1, 1], [0, 1, 0, 1], base=2)
    2.0
    """
    if not variables:
        raise TypeError("joint_entropy() takes the samples of at least one variable")
    padded: tuple[Any, ...] = variables
    if len(variables) == 1 and isinstance(variables[0], JointCounts):
        padded += (None,) * (variables[0].n_variables - 1)
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return apply(formulas.joint_entropy, padded, options)


def conditional_entropy(
    x: Samples | JointCounts,
    given: Samples | None = None,
    *,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Conditional entropy H(X|Y): the part of the entropy of X that remains once Y is known.

    H(X|Y) = H(X,Y) − H(Y). It is 0 where Y determines X, and H(X) where they are independent.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of (x, given)
        Samples of X.
    given : array-like of shape (n,) or (n, d)
        Samples of Y.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Conditional entropy in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Warns
    -----
    SaturationWarning
        As `mutual_information`.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.conditional_entropy([0, 1, 0, 1], given=["a", "a", "b", "b"], base=2)
    1.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return apply(formulas.conditional_entropy, (x, given), options, saturation.tell)
