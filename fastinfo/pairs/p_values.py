"""The p-values of all pairs of features, as a matrix."""

from __future__ import annotations

import os
from typing import Any

from fastinfo.inputs import tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import BackendName, BinsByName, Given, Kinds, NanPolicy, Table
from fastinfo.pairs import tested
from fastinfo.pairs.matrices import ThirdArgument, matrices
from fastinfo.pairs.measure import TileMeasure, mutual_information
from fastinfo.pairs.runs import Binned, Run
from fastinfo.system.progress import Progress


def pairwise_p_values(
    X: Table,
    Y: Table | None = None,
    given: Given | None = None,
    *,
    kinds: Kinds | None = None,
    layer: str | None = None,
    bins: BinsByName = None,
    nan_policy: NanPolicy = "raise",
    backend: BackendName | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
    out: Any = None,
    memory_limit: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Any:
    """How probable it is that independent features share as much, for every pair.

    A p-value is that of `fastinfo.test_independence`: by the G-test, 2·n·I against χ² [1]_ with
    Williams' correction, or where expected counts are small by all tables of 2 × 2, else by a gamma
    distribution that has the exact mean and variance of the information under fixed margins.

    Parameters
    ----------
    X, Y, kinds, layer
        As for `pairwise_mutual_information`. There are no weights: chance depends on the number of
        samples.
    given : name of a column, list of names, or array-like of shape (n,) or (n, d), optional
        A third variable, as for `pairwise_conditional_mutual_information`. The p-values are then
        those of features that are independent given it.
    bins, nan_policy, backend, n_jobs
        As for `pairwise_mutual_information`. For a pair of a feature with missing samples, the
        margins are taken to be in proportion to those of the features, in each stratum.
        `fastinfo.test_independence` and `fastinfo.top_pairs` count the samples of such a pair anew.
    progress, out, memory_limit, checkpoint
        As for `pairwise_mutual_information`.

    Returns
    -------
    numpy.ndarray of shape (m, m) or (m, k), float64
        P-values, between 0 and 1. Labels and types are those of `pairwise_mutual_information`. A
        constant feature has 1 with every other; what is far beyond chance may be 0, below the
        smallest float. Without Y the diagonal holds each feature with itself.

    Raises
    ------
    ValueError, TypeError, MemoryError, BlockingIOError, OSError
        As `pairwise_mutual_information`.
    ImportError
        Without scipy.

    Warns
    -----
    PreparationWarning, CappedBinsWarning
        As `pairwise_mutual_information`.

    See Also
    --------
    top_pairs : ``fdr=`` gives the pairs that are significant among all pairs.
    test_independence : The test of one pair, by random tables too, and given a third variable.

    Notes
    -----
    Among m(m − 1)/2 pairs many p-values are small by chance. `scipy.stats.false_discovery_control`
    adjusts those above the diagonal, ``P[numpy.triu_indices(m, 1)]``.

    References
    ----------
    .. [1] R. R. Sokal and F. J. Rohlf, *Biometry*, 4th ed., Freeman 2012, chapter 17.

    Examples
    --------
    >>> import fastinfo
    >>> X = [[0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 0]] * 10
    >>> fastinfo.pairwise_p_values(X).round(3)
    array([[0., 0., 1.],
           [0., 0., 1.],
           [1., 1., 0.]])
    """
    options = Options(bins, None, "ml", nan_policy, None, backend, n_jobs)
    tested.require_testable(options)
    (found,) = matrices(
        *tables.with_layers(X, Y, layer),
        mutual_information(options.estimator, is_conditional=given is not None),
        options,
        Run(progress, memory_limit, checkpoint),
        planes=(tested.P_VALUE,),
        kinds=kinds,
        out=out,
        third=ThirdArgument(given),
        complete=_tested,
    )
    return found


def _tested(measure: TileMeasure, binned: Binned) -> TileMeasure:
    judge = binned.judge(1.0)
    return tested.measure_of(measure, binned.features, binned.kernels, judge, fdr=1.0)
