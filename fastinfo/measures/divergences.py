"""Divergences of the distributions of two samples, in the same bins."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from fastinfo import formulas
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.backends import on_device_of, reducing
from fastinfo.estimators import entropies
from fastinfo.formulas import Formula
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import BackendName, Bins, NanPolicy, Samples, Weights
from fastinfo.measures import probabilities, samples

PairOfWeights = Sequence[Weights | None]
"""Weights of the samples on either side of a divergence."""


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

    H(P, Q) = −Σ p·log q, the average length of a message about samples of P in a code made for Q
    [1]_, from the frequencies observed.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts
        Samples of P.
    y : array-like of shape (m,) or (m, d), or JointCounts
        Samples of Q, of the same variable; m may differ from n. Columns of two tables are matched
        by their names. Both are binned alike, by the bins of all samples taken together.
    bins, base, nan_policy, backend, n_jobs
        As for `mutual_information`.
    sample_weight : pair of array-like, optional
        Weights of the samples of P and of Q; None for either.

    Returns
    -------
    float
        Cross-entropy in nats, or in units of ``base``; inf where P has samples in a bin in which Q
        has none.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Warns
    -----
    ProbabilitiesWarning
        Where both samples look like probabilities, which `fastinfo.pmf` takes.

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
    return _divergence(formulas.cross_entropy, x, y, options)


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

    D(P‖Q) = Σ p·log(p/q) [1]_, from the frequencies observed: never negative, 0 for equal
    frequencies, not symmetric.

    Parameters
    ----------
    x, y, bins, base, nan_policy, sample_weight, backend, n_jobs
        As for `cross_entropy`.

    Returns
    -------
    float
        Divergence in nats, or in units of ``base``; inf where P has samples in a bin in which Q
        has none. With few samples that is the rule: `jensen_shannon_divergence` is always finite.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`; warns as `cross_entropy`.

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
    return _divergence(formulas.kl_divergence, x, y, options)


def jensen_shannon_divergence(
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
    """Jensen–Shannon divergence of the distributions of two samples.

    JS(P,Q) = H(M) − (H(P) + H(Q))/2 with M = (P + Q)/2 [1]_: symmetric, and between 0 and log 2. It
    is the square of `scipy.spatial.distance.jensenshannon`, which is a distance.

    Parameters
    ----------
    x, y, bins, base, nan_policy, sample_weight, backend, n_jobs
        As for `cross_entropy`.

    Returns
    -------
    float
        Divergence in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`; warns as `cross_entropy`.

    References
    ----------
    .. [1] J. Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on
       Information Theory 37, 1991.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.jensen_shannon_divergence([0, 0, 0], [1, 1, 1], base=2)
    1.0
    """
    options = Options(bins, base, "ml", nan_policy, sample_weight, backend, n_jobs)
    return _divergence(formulas.jensen_shannon_divergence, x, y, options)


def _divergence(formula: Formula, x: Any, y: Any, options: Options) -> float:
    """A formula over the frequencies of two samples in the same bins."""
    probabilities.warn_where(formula.name, x, y)
    with on_device_of(x, y):
        left, right, kernels = samples.joint_counts_of_two(x, y, options)
        kernels = reducing(kernels, prod(left.shape))
        if left.is_unknown or right.is_unknown:
            return float("nan")
        p, q = (kernels.bring(counts) for counts in left.aligned_with(right))
        value = formula(p / p.sum(), q / q.sum(), kernels)
        value = entropies.without_rounding(value, formula.bounds, options.estimator, kernels)
        return float(value) / options.unit
