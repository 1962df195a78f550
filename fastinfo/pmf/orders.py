"""Entropies and divergences of given probabilities that have an order: Rényi's and Tsallis'."""

from __future__ import annotations

from typing import Any

from fastinfo.formulas import orders
from fastinfo.inputs import arguments
from fastinfo.inputs.types import Probabilities
from fastinfo.pmf.apply import measure_of_distributions


def renyi_entropy(
    pk: Probabilities, order: float, *, axis: int | None = 0, base: float | None = None
) -> Any:
    """Rényi entropy log(Σ p^α)/(1 − α) of an order α.

    Parameters
    ----------
    pk : array-like
        Probabilities, or numbers in proportion to them; not negative.
    order : float
        The order, from 0 (the logarithm of the number of cells above 0) over 1 (Shannon's entropy)
        to ``math.inf`` (−log max p). See `fastinfo.renyi_entropy`.
    axis : int or None
        The axis along which a distribution runs; None for one distribution of all cells.
    base : float, optional
        Base of the logarithm; nats by default.

    Returns
    -------
    float or numpy.ndarray
        Entropy of each distribution, of the shape of ``pk`` without ``axis``.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`; also for an order that is no number from 0 to infinity.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.renyi_entropy([0.5, 0.25, 0.25], float("inf"), base=2)
    1.0
    """
    of_order = orders.renyi_entropy.with_options(order=arguments.order(order))
    return measure_of_distributions(of_order, (pk,), axis, base)


def tsallis_entropy(pk: Probabilities, order: float, *, axis: int | None = 0) -> Any:
    """Tsallis entropy (1 − Σ p^q)/(q − 1) of an order q.

    Parameters
    ----------
    pk, axis
        As for `renyi_entropy`.
    order : float
        The order, from 0 (the number of cells above 0, less 1) over 1 (Shannon's entropy in nats)
        to ``math.inf`` (0). See `fastinfo.tsallis_entropy`.

    Returns
    -------
    float or numpy.ndarray
        Entropy of each distribution, without unit, of the shape of ``pk`` without ``axis``.

    Raises
    ------
    ValueError, TypeError
        As for `renyi_entropy`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.tsallis_entropy([0.5, 0.25, 0.25], 2)
    0.625
    """
    of_order = orders.tsallis_entropy.with_options(order=arguments.order(order))
    return measure_of_distributions(of_order, (pk,), axis, None)


def renyi_divergence(
    pk: Probabilities,
    qk: Probabilities,
    order: float,
    *,
    axis: int | None = 0,
    base: float | None = None,
) -> Any:
    """Rényi divergence log(Σ p^α·q^(1−α))/(α − 1) of an order α.

    Parameters
    ----------
    pk, qk : array-like
        Probabilities, or numbers in proportion to them, of shapes that broadcast.
    order : float
        The order, from 0 (−log Q(p > 0)) over 1 (Kullback–Leibler) to ``math.inf`` (log max p/q).
        See `fastinfo.renyi_divergence`.
    axis, base
        As for `cross_entropy`.

    Returns
    -------
    float or numpy.ndarray
        Divergence of each pair of distributions, of the broadcast shape without ``axis``.

    Raises
    ------
    ValueError, TypeError
        As for `cross_entropy`; also for an order that is no number from 0 to infinity.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.renyi_divergence([0.5, 0.5], [0.25, 0.75], float("inf"), base=2)
    1.0
    """
    of_order = orders.renyi_divergence.with_options(order=arguments.order(order))
    return measure_of_distributions(of_order, (pk, qk), axis, base)


def tsallis_divergence(
    pk: Probabilities, qk: Probabilities, order: float, *, axis: int | None = 0
) -> Any:
    """Tsallis divergence (Σ p^q·r^(1−q) − 1)/(q − 1) of an order q.

    Parameters
    ----------
    pk, qk, axis
        As for `renyi_divergence`; ``qk`` is r.
    order : float
        The order, from 0 (R(p = 0)) over 1 (Kullback–Leibler in nats) to ``math.inf``. See
        `fastinfo.tsallis_divergence`.

    Returns
    -------
    float or numpy.ndarray
        Divergence of each pair of distributions, without unit, of the broadcast shape without
        ``axis``.

    Raises
    ------
    ValueError, TypeError
        As for `renyi_divergence`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> round(pmf.tsallis_divergence([0.5, 0.5], [0.25, 0.75], 2), 6)
    0.333333
    """
    of_order = orders.tsallis_divergence.with_options(order=arguments.order(order))
    return measure_of_distributions(of_order, (pk, qk), axis, None)
