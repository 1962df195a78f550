"""Mutual information adjusted for chance, as clusterings are compared by it."""

from __future__ import annotations

from fastinfo import formulas
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.estimators.chance import expected_information
from fastinfo.inputs import arguments
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import Average, BackendName, Bins, NanPolicy, Samples
from fastinfo.measures.apply import value_of
from fastinfo.measures.strata import strata_of
from fastinfo.significance.tables import counted


def adjusted_mutual_information(
    x: Samples | JointCounts,
    y: Samples | None = None,
    *,
    average: Average = "arithmetic",
    bins: Bins = None,
    nan_policy: NanPolicy = "raise",
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Mutual information as a share of the entropies, both less what chance gives.

    AMI(X,Y) = (I(X;Y) − E[I]) / (average(H(X), H(Y)) − E[I]) [1]_. E[I] is the mean of the
    information over all ways to pair the samples of X and Y, computed exactly. So AMI is about 0
    for variables that have nothing to do with each other, however many values they have, and 1 for
    variables that determine each other.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of two variables
        Samples of one variable, for example the labels of a clustering; as for
        `fastinfo.mutual_information`. There are no weights: chance depends on the number of
        samples.
    y : array-like of shape (n,) or (n, d)
        Samples of the other variable.
    average : {"arithmetic", "geometric", "min", "max"}
        Average of the two entropies. The default is that of scikit-learn.
    bins, nan_policy, backend, n_jobs
        As for `fastinfo.mutual_information`.

    Returns
    -------
    float
        A number without unit, at most 1. It is negative where there is less information than
        chance gives on average. Where no pairing differs from another (a variable with one value,
        or with as many values as samples), it is 0; where x and y are the same partition, it is 1.

    Raises
    ------
    ValueError, TypeError
        As `fastinfo.mutual_information`; also for JointCounts of weights.

    See Also
    --------
    fastinfo.normalized_mutual_information : The share without the adjustment.
    fastinfo.test_independence : Whether the information exceeds chance.

    Notes
    -----
    The expectation depends on the numbers of samples in the bins alone, so it is computed once for
    each pair of different numbers. Entropies are those of the observed frequencies.

    References
    ----------
    .. [1] N. X. Vinh, J. Epps and J. Bailey, "Information theoretic measures for clusterings
       comparison", Journal of Machine Learning Research 11, 2010.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.adjusted_mutual_information([0, 0, 1, 1], ["a", "a", "b", "b"])
    1.0
    >>> fastinfo.adjusted_mutual_information([0, 0, 1, 1], [0, 1, 2, 3])
    0.0
    >>> x, y = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]
    >>> round(fastinfo.adjusted_mutual_information(x, y), 6)
    0.083727
    """
    average = arguments.one_of(average, "average", formulas.AVERAGES)
    options = Options(bins, None, "ml", nan_policy, None, backend, n_jobs)
    counts, _ = counted((x, y), options, "adjusted_mutual_information", ("x", "y"))
    if counts.is_unknown:
        return float("nan")
    (stratum,) = strata_of(counts)
    sizes = stratum.left.size, stratum.right.size
    n_occupied = int((counts.marginal(0, 1) > 0).sum())
    if sizes == (n_occupied, n_occupied):
        return 1.0  # each value of one goes with one value of the other
    if not {1, stratum.n_samples}.isdisjoint(sizes):
        return 0.0  # every pairing has the same information
    formula = formulas.adjusted_mutual_information.with_options(
        average=average, expected=expected_information(*stratum)
    )
    return value_of(formula, counts)
