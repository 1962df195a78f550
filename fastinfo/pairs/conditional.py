"""Conditional mutual information of every pair of features, given a third variable."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from fastinfo.inputs import arguments, tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import (
    Average,
    BackendName,
    BinsByName,
    EstimatorName,
    Given,
    Kinds,
    NanPolicy,
    Table,
    Weights,
)
from fastinfo.pairs.matrices import ThirdArgument, matrix
from fastinfo.pairs.measure import mutual_information
from fastinfo.pairs.runs import Run
from fastinfo.pairs.saturated import warn_of_widest_columns
from fastinfo.system.progress import Progress


def pairwise_conditional_mutual_information(
    X: Table,
    Y: Table | None = None,
    given: Given | None = None,
    *,
    normalized: Average | None = None,
    kinds: Kinds | None = None,
    layer: str | None = None,
    bins: BinsByName = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
    out: Any = None,
    memory_limit: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Any:
    """Conditional mutual information I(X;Y|Z) of every pair of features: what they share given Z.

    I(X;Y|Z) = H(X,Z) + H(Y,Z) − H(X,Y,Z) − H(Z) [1]_. It is the mean of the mutual information in
    each value of Z, by the number of samples. Samples are sorted by Z once, and each stratum is
    counted as fast as the pairs without Z are. `top_pairs` and `score` take ``given`` too.

    Parameters
    ----------
    X : array-like of shape (n, m), or a pandas, polars or Arrow table
        Samples of m features, as `pairwise_mutual_information` takes them.
    Y : array-like of shape (n, k) or (n,), or a table, optional
        Samples of k other features, or of one. Pairs are then of a feature of X and one of Y.
    given : name of a column, list of names, or array-like of shape (n,) or (n, d)
        The third variable Z. Names are those of columns of X, which are no features then. Samples
        ``(n, d)``, and d names, are one d-dimensional variable: a stratum is a combination of
        values that occurs. If X has named columns, samples of Z are prepared like a column of X.
    normalized : {"arithmetic", "geometric", "min", "max"}, optional
        Return each pair's information as a share of this average of H(X|Z) and H(Y|Z). It is 1
        where neither feature varies within the strata, as that of two constants is.
    kinds, layer
        As for `pairwise_mutual_information`.
    bins : optional
        As for `pairwise_mutual_information`; a tuple has one specification for X, one for Y if
        there is one, and one for ``given``. The default number of bins is ⌈n^(1/(d+3))⌉, as three
        variables, or d + 2, share a table: each value is that of
        `fastinfo.conditional_mutual_information`.
    base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `fastinfo.mutual_information`. With ``nan_policy="omit"`` each pair uses only samples
        where both features and ``given`` are present; with "propagate" all pairs are NaN if
        ``given`` has a missing sample. Estimators are those that are sums over cells.
    progress, out, memory_limit, checkpoint
        As for `pairwise_mutual_information`.

    Returns
    -------
    numpy.ndarray of shape (m, m) or (m, k), float64
        Conditional mutual information in nats, or in units of ``base``. Without Y the matrix is
        symmetric and has H(X|Z) of each feature on the diagonal. Otherwise as
        `pairwise_mutual_information`.

    Raises
    ------
    ValueError, TypeError, MemoryError, BlockingIOError, OSError
        As `pairwise_mutual_information`. ValueError also if ``given`` is constant or missing in all
        samples, if it has another value in each sample, and for an estimator that is no sum over
        cells.

    Warns
    -----
    PreparationWarning, SaturationWarning, CappedBinsWarning
        As `pairwise_mutual_information`. Strata have fewer samples than the table, so that more of
        a value is chance.

    See Also
    --------
    conditional_mutual_information : The same of one pair.
    pairwise_interaction : What pairs tell about a target together.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, *Elements of Information Theory*, 2nd ed., Wiley 2006,
       section 2.5.

    Examples
    --------
    Two coins, and a third that shows whether they fell alike: any two are independent, until the
    third is known.

    >>> import fastinfo
    >>> X = [[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1]]
    >>> fastinfo.pairwise_mutual_information(X, base=2)
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    >>> coins = [row[:2] for row in X]
    >>> alike = [row[2] for row in X]
    >>> fastinfo.pairwise_conditional_mutual_information(coins, given=alike, base=2)
    array([[1., 1.],
           [1., 1.]])
    """
    if given is None:
        raise TypeError(
            "samples of given are missing; pairwise_mutual_information measures pairs without a "
            "third variable"
        )
    average = arguments.average(normalized, base)
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return matrix(
        *tables.with_layers(X, Y, layer),
        mutual_information(options.estimator, average, is_conditional=True),
        options,
        Run(progress, memory_limit, checkpoint),
        kinds=kinds,
        out=out,
        tell=partial(warn_of_widest_columns, average),
        third=ThirdArgument(given),
    )
