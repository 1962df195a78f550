"""Divergences between given probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastinfo import formulas
from fastinfo.inputs import arguments
from fastinfo.inputs.types import Probabilities
from fastinfo.pmf.apply import measure_of_distributions


def cross_entropy(
    pk: Probabilities, qk: Probabilities, *, axis: int | None = 0, base: float | None = None
) -> Any:
    """Cross-entropy −Σ p·log q; inf where q = 0 < p.

    Parameters
    ----------
    pk, qk : array-like
        Probabilities, or numbers in proportion to them, of shapes that broadcast.
    axis : int or None
        The axis along which a distribution runs, once the shapes are broadcast; None for one
        distribution of all cells.
    base : float, optional
        Base of the logarithm; nats by default.

    Returns
    -------
    float or numpy.ndarray
        Cross-entropy of each pair of distributions, of the broadcast shape without ``axis``.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`; ValueError also for shapes that do not broadcast.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.cross_entropy([0.5, 0.5], [0.25, 0.75], base=2)  # doctest: +ELLIPSIS
    1.20751...
    """
    return measure_of_distributions(formulas.cross_entropy, (pk, qk), axis, base)


def kl_divergence(
    pk: Probabilities, qk: Probabilities, *, axis: int | None = 0, base: float | None = None
) -> Any:
    """Kullback–Leibler divergence Σ p·log(p/q); inf where q = 0 < p.

    Parameters
    ----------
    pk, qk, axis, base
        As for `cross_entropy`.

    Returns
    -------
    float or numpy.ndarray
        Divergence of each pair of distributions, of the broadcast shape without ``axis``.

    Raises
    ------
    ValueError, TypeError
        As for `cross_entropy`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.kl_divergence([0.5, 0.5], [0.25, 0.75], base=2)  # doctest: +ELLIPSIS
    0.20751...
    """
    return measure_of_distributions(formulas.kl_divergence, (pk, qk), axis, base)


def jensen_shannon_divergence(
    pk: Probabilities,
    qk: Probabilities,
    *others: Probabilities,
    weights: Sequence[float] | np.ndarray[Any, Any] | None = None,
    axis: int | None = 0,
    base: float | None = None,
) -> Any:
    """Jensen–Shannon divergence H(Σw_i·P_i) − Σw_i·H(P_i) of two or more distributions.

    Parameters
    ----------
    pk, qk, *others : array-like
        Probabilities, or numbers in proportion to them, of shapes that broadcast. The rows of an
        array ``P`` are distributions in ``jensen_shannon_divergence(*P)``.
    weights : sequence or array of float, optional
        The weight of each distribution, not negative; they are divided by their sum. Equal weights
        by default.
    axis, base
        As for `cross_entropy`.

    Returns
    -------
    float or numpy.ndarray
        Divergence, from 0 to the entropy of the weights (log 2 for two distributions), of the
        broadcast shape without ``axis``.

    Raises
    ------
    ValueError, TypeError
        As for `cross_entropy`; also for weights that are not one number for each distribution, are
        negative, or all 0.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.jensen_shannon_divergence([1, 0], [0, 1], base=2)
    1.0
    >>> round(pmf.jensen_shannon_divergence([1, 0], [0, 1], weights=[3, 1], base=2), 6)
    0.811278
    """
    given = (pk, qk, *others)
    shares = arguments.shares(weights, "weights", len(given))
    return measure_of_distributions(formulas.jensen_shannon_with(shares), given, axis, base)
