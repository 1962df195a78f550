"""Entropies and divergences of samples that have an order: Rényi's and Tsallis'."""

from __future__ import annotations

from collections.abc import Sequence

from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.formulas import orders
from fastinfo.inputs import arguments
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import BackendName, Bins, NanPolicy, Samples, Weights
from fastinfo.measures.distributions import apply_to_distributions


def renyi_entropy(
    x: Samples | JointCounts,
    order: float,
    *,
    bins: Bins = None,
    base: float | None = None,
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Rényi entropy of an order: Hartley's at 0, Shannon's at 1, collision entropy at 2.

    H_α(X) = log(Σ p^α)/(1 − α) [1]_, computed from the observed frequencies. It never grows with
    the order. At 0 it is the logarithm of the number of values that occur, at 1 Shannon's entropy,
    and at infinity the min-entropy −log max p.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of one variable
        Samples of one variable, or of one d-dimensional variable.
    order : float
        The order α, from 0 to ``math.inf``.
    bins, base, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Rényi entropy in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`; also for an order that is no number from 0 to infinity.

    Warns
    -----
    ProbabilitiesWarning
        As `entropy`.

    See Also
    --------
    entropy, tsallis_entropy, fastinfo.pmf.renyi_entropy

    References
    ----------
    .. [1] A. Rényi, "On measures of entropy and information", Proceedings of the Fourth Berkeley
       Symposium on Mathematical Statistics and Probability 1, 1961.

    Examples
    --------
    >>> import fastinfo
    >>> x = ["a", "a", "b", "c"]
    >>> [round(fastinfo.renyi_entropy(x, order, base=2), 4) for order in (0, 1, 2, float("inf"))]
    [1.585, 1.5, 1.415, 1.0]
    """
    of_order = orders.renyi_entropy.with_options(order=arguments.order(order))
    options = Options(bins, base, "ml", nan_policy, sample_weight, backend, n_jobs)
    return apply_to_distributions(of_order, (x,), options)


def tsallis_entropy(
    x: Samples | JointCounts,
    order: float,
    *,
    bins: Bins = None,
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Tsallis entropy of an order: Shannon's at 1, the Gini–Simpson index at 2.

    S_q(X) = (1 − Σ p^q)/(q − 1) [1]_, computed from the observed frequencies. At 0 it is the number
    of values that occur, less 1. At 2 it is the probability that two samples differ, and at
    infinity 0.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of one variable
        Samples of one variable, or of one d-dimensional variable.
    order : float
        The order q, from 0 to ``math.inf``.
    bins, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Tsallis entropy. It has no unit and takes no ``base``, because no logarithm is in it; at
        order 1 it is Shannon's entropy in nats.

    Raises
    ------
    ValueError, TypeError
        As `renyi_entropy`.

    Warns
    -----
    ProbabilitiesWarning
        As `entropy`.

    See Also
    --------
    renyi_entropy, fastinfo.pmf.tsallis_entropy

    References
    ----------
    .. [1] C. Tsallis, "Possible generalization of Boltzmann–Gibbs statistics", Journal of
       Statistical Physics 52, 1988.

    Examples
    --------
    >>> import fastinfo
    >>> [fastinfo.tsallis_entropy(["a", "a", "b", "c"], order) for order in (0, 2)]
    [2.0, 0.625]
    """
    of_order = orders.tsallis_entropy.with_options(order=arguments.order(order))
    options = Options(bins, None, "ml", nan_policy, sample_weight, backend, n_jobs)
    return apply_to_distributions(of_order, (x,), options)


def renyi_divergence(
    x: Samples | JointCounts,
    y: Samples | JointCounts,
    order: float,
    *,
    bins: Bins = None,
    base: float | None = None,
    nan_policy: NanPolicy = "raise",
    sample_weight: Sequence[Weights | None] | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Rényi divergence of an order between the distributions of two samples.

    D_α(P‖Q) = log(Σ p^α·q^(1−α))/(α − 1) [1]_, computed from the observed frequencies. It never
    falls with the order. At 0 it is −log Q(p > 0), at 1 the Kullback–Leibler divergence, and at
    infinity log max p/q. At ½ it is symmetric, minus twice the logarithm of Bhattacharyya's
    coefficient.

    Parameters
    ----------
    x, y : array-like of shape (n,) or (n, d), or JointCounts
        Samples of P and of Q, as for `kl_divergence`.
    order : float
        The order α, from 0 to ``math.inf``.
    bins, base, nan_policy, sample_weight, backend, n_jobs
        As for `kl_divergence`.

    Returns
    -------
    float
        Divergence in nats, or in units of ``base``. For orders of 1 and above it is inf where P has
        samples in a bin without samples of Q; for orders below 1 only where they share no bin.

    Raises
    ------
    ValueError, TypeError
        As `renyi_entropy`.

    Warns
    -----
    ProbabilitiesWarning
        As `cross_entropy`.

    See Also
    --------
    kl_divergence, tsallis_divergence, fastinfo.pmf.renyi_divergence

    References
    ----------
    .. [1] T. van Erven and P. Harremoës, "Rényi divergence and Kullback–Leibler divergence", IEEE
       Transactions on Information Theory 60, 2014.

    Examples
    --------
    >>> import fastinfo
    >>> x, y = [0, 0, 1, 1], [0, 1, 1, 1]
    >>> round(fastinfo.renyi_divergence(x, y, 2, base=2), 6)
    0.415037
    >>> fastinfo.renyi_divergence(x, y, float("inf"), base=2)
    1.0
    """
    of_order = orders.renyi_divergence.with_options(order=arguments.order(order))
    options = Options(bins, base, "ml", nan_policy, sample_weight, backend, n_jobs)
    return apply_to_distributions(of_order, (x, y), options)


def tsallis_divergence(
    x: Samples | JointCounts,
    y: Samples | JointCounts,
    order: float,
    *,
    bins: Bins = None,
    nan_policy: NanPolicy = "raise",
    sample_weight: Sequence[Weights | None] | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Tsallis divergence of an order between the distributions of two samples.

    D_q(P‖R) = (Σ p^q·r^(1−q) − 1)/(q − 1) [1]_, computed from the observed frequencies: the
    Kullback–Leibler divergence in nats at 1, and χ² of P beside R at 2. At 0 it is R(p = 0), and at
    infinity 0 for equal frequencies and inf for others.

    Parameters
    ----------
    x, y : array-like of shape (n,) or (n, d), or JointCounts
        Samples of P and of R, as for `kl_divergence`.
    order : float
        The order q, from 0 to ``math.inf``.
    bins, nan_policy, sample_weight, backend, n_jobs
        As for `kl_divergence`.

    Returns
    -------
    float
        Divergence, without unit and ``base`` as `tsallis_entropy`. For orders of 1 and above it is
        inf where P has samples in a bin without samples of R.

    Raises
    ------
    ValueError, TypeError
        As `renyi_entropy`.

    Warns
    -----
    ProbabilitiesWarning
        As `cross_entropy`.

    See Also
    --------
    renyi_divergence, fastinfo.pmf.tsallis_divergence

    References
    ----------
    .. [1] C. Tsallis, "Generalized entropy-based criterion for consistent testing", Physical Review
       E 58, 1998.

    Examples
    --------
    >>> import fastinfo
    >>> round(fastinfo.tsallis_divergence([0, 0, 1, 1], [0, 1, 1, 1], 2), 6)
    0.333333
    """
    of_order = orders.tsallis_divergence.with_options(order=arguments.order(order))
    options = Options(bins, None, "ml", nan_policy, sample_weight, backend, n_jobs)
    return apply_to_distributions(of_order, (x, y), options)
