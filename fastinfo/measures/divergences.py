"""Divergences between the distributions of samples, counted in the same bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastinfo import formulas
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.inputs import arguments
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import BackendName, Bins, NanPolicy, Samples, Weights
from fastinfo.measures.distributions import apply_to_distributions

PairOfWeights = Sequence[Weights | None]
"""The weights of the samples on the two sides of a divergence; None for a side without."""


def cross_entropy(
    x: Samples | JointCounts,
    y: Samples | JointCounts,
    *,
    bins: Bins = None,
    base: float | None = None,
    nan_policy: NanPolicy = "raise",
    sample_weight: PairOfWeights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Cross-entropy H(P, Q) of the distributions of two samples.

    H(P, Q) = −Σ p·log q [1]_, computed from the observed frequencies. It is the average length of a
    message about samples of P in a code made for Q.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts
        Samples of P.
    y : array-like of shape (m,) or (m, d), or JointCounts
        Samples of Q, of the same variable; m may differ from n. Columns of two tables are matched
        by their names. Both sides use the same bins, those of all samples taken together.
    bins, base, nan_policy, backend, n_jobs
        As for `mutual_information`.
    sample_weight : pair of array-like, optional
        Weights of the samples of P, ``(n,)``, and of Q, ``(m,)``. Either may be None.

    Returns
    -------
    float
        Cross-entropy in nats, or in units of ``base``. It is inf where P has samples in a bin
        without samples of Q.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Warns
    -----
    ProbabilitiesWarning
        Where both samples look like probabilities. `fastinfo.pmf` takes probabilities.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, *Elements of Information Theory*, 2nd ed., Wiley 2006,
       section 5.4.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.cross_entropy([0, 0, 1, 1], [0, 1, 1, 1], base=2)  # doctest: +ELLIPSIS
    1.20751...
    """
    options = Options(bins, base, "ml", nan_policy, sample_weight, backend, n_jobs)
    return apply_to_distributions(formulas.cross_entropy, (x, y), options)


def kl_divergence(
    x: Samples | JointCounts,
    y: Samples | JointCounts,
    *,
    bins: Bins = None,
    base: float | None = None,
    nan_policy: NanPolicy = "raise",
    sample_weight: PairOfWeights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Kullback–Leibler divergence D(P‖Q) of the distributions of two samples.

    D(P‖Q) = Σ p·log(p/q) [1]_, computed from the observed frequencies. It is never negative, 0 for
    equal frequencies, and not symmetric.

    Parameters
    ----------
    x, y, bins, base, nan_policy, sample_weight, backend, n_jobs
        As for `cross_entropy`.

    Returns
    -------
    float
        Divergence in nats, or in units of ``base``. It is inf where P has samples in a bin without
        samples of Q, which is common with few samples. `jensen_shannon_divergence` is always
        finite.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Warns
    -----
    ProbabilitiesWarning
        As `cross_entropy`.

    References
    ----------
    .. [1] S. Kullback and R. A. Leibler, "On information and sufficiency", Annals of Mathematical
       Statistics 22, 1951.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.kl_divergence([0, 0, 1, 1], [0, 1, 1, 1], base=2)  # doctest: +ELLIPSIS
    0.20751...
    >>> fastinfo.kl_divergence([0, 0, 1, 1], [0, 0, 0, 0])
    inf
    """
    options = Options(bins, base, "ml", nan_policy, sample_weight, backend, n_jobs)
    return apply_to_distributions(formulas.kl_divergence, (x, y), options)


def jensen_shannon_divergence(
    x: Samples | JointCounts,
    y: Samples | JointCounts,
    *others: Samples | JointCounts,
    weights: Sequence[float] | np.ndarray[Any, Any] | None = None,
    bins: Bins = None,
    base: float | None = None,
    nan_policy: NanPolicy = "raise",
    sample_weight: Sequence[Weights | None] | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Jensen–Shannon divergence of the distributions of two or more samples.

    JS = H(Σw_i·P_i) − Σw_i·H(P_i) [1]_, with equal weights unless others are given. It is symmetric
    for equal weights, and between 0 and the entropy of the weights: log 2 for two distributions,
    log k for k. For two it is the square of the distance `scipy.spatial.distance.jensenshannon`. It
    is the information that a sample tells about which distribution it was drawn from.

    Parameters
    ----------
    x, y, *others : array-like of shape (n,) or (n, d), or JointCounts
        Samples of each distribution, of one variable; their numbers may differ. Columns of tables
        are matched by their names. All use the same bins, those of all samples taken together.
    weights : sequence or array of float, optional
        The weight of each distribution, not negative; they are divided by their sum. By default all
        distributions weigh the same, however many samples they have. With the numbers of samples as
        weights, this is the mutual information of the samples and their origin.
    bins, base, nan_policy, backend, n_jobs
        As for `mutual_information`.
    sample_weight : sequence of array-like, optional
        Weights of the samples of each distribution. Any of them may be None.

    Returns
    -------
    float
        Divergence in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`; ValueError also for weights that are negative, NaN or infinite, all
        0, or not one for each distribution.

    Warns
    -----
    ProbabilitiesWarning
        As `cross_entropy`.

    Notes
    -----
    It is summed up from terms that are never negative. So distributions that are nearly equal keep
    the digits that a difference of entropies would lose.

    References
    ----------
    .. [1] J. Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on
       Information Theory 37, 1991.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.jensen_shannon_divergence([0, 0, 0], [1, 1, 1], base=2)
    1.0
    >>> fastinfo.jensen_shannon_divergence([0], [1], [2], [3], base=2)
    2.0
    >>> x, y = [0, 0, 1, 1], [0, 1, 1, 1]
    >>> round(fastinfo.jensen_shannon_divergence(x, y, weights=[3, 1], base=2), 6)
    0.03588
    """
    options = Options(bins, base, "ml", nan_policy, sample_weight, backend, n_jobs)
    sides = (x, y, *others)
    shares = arguments.shares(weights, "weights", len(sides))
    return apply_to_distributions(formulas.jensen_shannon_with(shares), sides, options)
