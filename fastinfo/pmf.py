"""The measures of given probabilities, one for each distribution along the other axes.

The arguments are those of SciPy: ``pk``, ``qk``, ``axis``, ``base``. As in SciPy, arrays are
divided by their sum, so that counts may stand for probabilities. A distribution runs along
``axis``; a joint distribution has an axis for each variable. A masked cell is left out. A cell that
is masked in one of two distributions is left out of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from fastinfo import counting, formulas
from fastinfo.backends import on_device_of
from fastinfo.backends.contract import Kernels
from fastinfo.backends.home import home_of
from fastinfo.estimators import entropies
from fastinfo.formulas import Formula
from fastinfo.inputs import arguments, distributions, tables
from fastinfo.inputs.types import Average, Probabilities

__all__ = [
    "conditional_entropy",
    "conditional_mutual_information",
    "cross_entropy",
    "entropy",
    "interaction_information",
    "jensen_shannon_divergence",
    "joint_entropy",
    "kl_divergence",
    "mutual_information",
    "normalized_mutual_information",
    "variation_of_information",
]


def __dir__() -> list[str]:
    """The public names."""
    return __all__


def entropy(pk: Probabilities, *, axis: int | None = 0, base: float | None = None) -> Any:
    """Shannon entropy −Σ p·log p.

    Parameters
    ----------
    pk : array-like
        Probabilities, or numbers in proportion to them; not negative.
    axis : int or None
        The axis along which a distribution runs; None for one distribution of all cells.
    base : float, optional
        Base of the logarithm; nats by default.

    Returns
    -------
    float or numpy.ndarray
        Entropy of each distribution, in nats or in the unit of ``base``. The shape is that of
        ``pk`` without ``axis``.

    Raises
    ------
    ValueError
        For negative, NaN or infinite values, a distribution that sums to 0, and a wrong axis.
    TypeError
        For values that are no real numbers.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.entropy([0.5, 0.25, 0.25], base=2)
    1.5
    """
    return _measure_of_joint(formulas.entropy, pk, axis, base, 1, or_all=True)


def joint_entropy(
    pk: Probabilities, *, axis: Sequence[int] | None = None, base: float | None = None
) -> Any:
    """Entropy of a joint distribution.

    Parameters
    ----------
    pk : array-like
        Joint probabilities, or numbers in proportion to them.
    axis : sequence of int, optional
        The axes of the variables; all by default.
    base : float, optional
        Base of the logarithm; nats by default.

    Returns
    -------
    float or numpy.ndarray
        Joint entropy of each distribution, of the shape of ``pk`` without the axes of the
        variables.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.joint_entropy([[0.25, 0.25], [0.25, 0.25]], base=2)
    2.0
    """
    return _measure_of_joint(formulas.joint_entropy, pk, axis, base, None, or_all=True)


def conditional_entropy(
    pk: Probabilities, *, axis: tuple[int, int] = (0, 1), base: float | None = None
) -> Any:
    """Conditional entropy H(X|Y) of a joint distribution; X runs along the first axis named.

    Parameters
    ----------
    pk : array-like
        Joint probabilities, or numbers in proportion to them.
    axis : (int, int)
        The axes of X and of Y.
    base : float, optional
        Base of the logarithm; nats by default.

    Returns
    -------
    float or numpy.ndarray
        Conditional entropy of each distribution, of the shape of ``pk`` without the two axes.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.conditional_entropy([[0.5, 0.0], [0.0, 0.5]], base=2)
    0.0
    """
    return _measure_of_joint(formulas.conditional_entropy, pk, axis, base, 2)


def mutual_information(
    pk: Probabilities, *, axis: tuple[int, int] = (0, 1), base: float | None = None
) -> Any:
    """Mutual information I(X;Y) of a joint distribution.

    Parameters
    ----------
    pk, axis, base
        As for `conditional_entropy`.

    Returns
    -------
    float or numpy.ndarray
        Mutual information of each distribution, of the shape of ``pk`` without the two axes.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.mutual_information([[0.5, 0.0], [0.0, 0.5]], base=2)
    1.0
    """
    return _measure_of_joint(formulas.mutual_information, pk, axis, base, 2)


def conditional_mutual_information(
    pk: Probabilities, *, axis: tuple[int, int, int] = (0, 1, 2), base: float | None = None
) -> Any:
    """Conditional mutual information I(X;Y|Z) of a joint distribution.

    Parameters
    ----------
    pk : array-like
        Joint probabilities, or numbers in proportion to them.
    axis : (int, int, int)
        The axes of X, Y and Z.
    base : float, optional
        Base of the logarithm; nats by default.

    Returns
    -------
    float or numpy.ndarray
        Conditional mutual information of each distribution, of the shape of ``pk`` without the
        three axes.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> alike = [[[0, 0.25], [0.25, 0]], [[0.25, 0], [0, 0.25]]]
    >>> pmf.conditional_mutual_information(alike, base=2)
    1.0
    """
    return _measure_of_joint(formulas.conditional_mutual_information, pk, axis, base, 3)


def interaction_information(
    pk: Probabilities, *, axis: tuple[int, int, int] = (0, 1, 2), base: float | None = None
) -> Any:
    """Interaction information I(X;Y;Z) = I(X;Y|Z) − I(X;Y) of a joint distribution.

    Parameters
    ----------
    pk : array-like
        Joint probabilities, or numbers in proportion to them.
    axis : (int, int, int)
        The axes of X, Y and Z.
    base : float, optional
        Base of the logarithm; nats by default.

    Returns
    -------
    float or numpy.ndarray
        Interaction information of each distribution, of the shape of ``pk`` without the three
        axes: positive for synergy and negative for redundancy.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> alike = [[[0, 0.25], [0.25, 0]], [[0.25, 0], [0, 0.25]]]
    >>> round(pmf.interaction_information(alike, base=2), 6)
    1.0
    """
    return _measure_of_joint(formulas.interaction_information, pk, axis, base, 3)


def normalized_mutual_information(
    pk: Probabilities,
    *,
    average: Average = "arithmetic",
    axis: tuple[int, int] = (0, 1),
) -> Any:
    """Mutual information of a joint distribution as a share of the variables' entropies.

    Parameters
    ----------
    pk, axis
        As for `conditional_entropy`.
    average : {"arithmetic", "geometric", "min", "max"}
        Average of the two entropies; see `fastinfo.normalized_mutual_information`.

    Returns
    -------
    float or numpy.ndarray
        A number from 0 to 1 for each distribution, of the shape of ``pk`` without the two axes.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`; ValueError also for an unknown average.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.normalized_mutual_information([[0.5, 0.0], [0.0, 0.5]])
    1.0
    """
    arguments.one_of(average, "average", formulas.AVERAGES)
    formula = formulas.normalized_mutual_information.with_options(average=average)
    return _measure_of_joint(formula, pk, axis, None, 2)


def variation_of_information(
    pk: Probabilities, *, axis: tuple[int, int] = (0, 1), base: float | None = None
) -> Any:
    """Variation of information H(X|Y) + H(Y|X) of a joint distribution.

    Parameters
    ----------
    pk, axis, base
        As for `conditional_entropy`.

    Returns
    -------
    float or numpy.ndarray
        Variation of information of each distribution, of the shape of ``pk`` without the two axes.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.variation_of_information([[0.5, 0.0], [0.0, 0.5]])
    0.0
    """
    return _measure_of_joint(formulas.variation_of_information, pk, axis, base, 2)


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
    return _measure_of_two(formulas.cross_entropy, pk, qk, axis, base)


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
    return _measure_of_two(formulas.kl_divergence, pk, qk, axis, base)


def jensen_shannon_divergence(
    pk: Probabilities, qk: Probabilities, *, axis: int | None = 0, base: float | None = None
) -> Any:
    """Jensen–Shannon divergence: the mean of the divergences of p and q from (p + q)/2.

    Parameters
    ----------
    pk, qk, axis, base
        As for `cross_entropy`.

    Returns
    -------
    float or numpy.ndarray
        Divergence of each pair of distributions, from 0 to log 2, of the broadcast shape without
        ``axis``.

    Raises
    ------
    ValueError, TypeError
        As for `cross_entropy`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.jensen_shannon_divergence([1, 0], [0, 1], base=2)
    1.0
    """
    return _measure_of_two(formulas.jensen_shannon_divergence, pk, qk, axis, base)


def _measure_of_joint(
    formula: Formula,
    pk: Probabilities,
    axis: int | Sequence[int] | None,
    base: float | None,
    n_axes: int | None,
    *,
    or_all: bool = False,
) -> Any:
    """The value of a formula of entropies, for a joint distribution of ``n_axes`` variables."""
    unit = arguments.log_base(base)
    axes = distributions.axes(axis, n_axes, or_all=or_all)
    with on_device_of(pk):
        (p,), kernels = distributions.normalized([pk], ["pk"], axes)
        n_variables = 1 if axes is None else len(axes)
        shape = p.shape[p.ndim - n_variables :]

        def marginal(*variables: int) -> Any:
            n_batch = p.ndim - n_variables
            others = [n_batch + a for a in range(n_variables) if a not in variables]
            summed = counting.sum_over(p, others)
            return summed.reshape(*p.shape[:n_batch], prod(summed.shape[n_batch:]))

        entropy = entropies.of_marginals(marginal, n_variables, shape.__getitem__, "ml", kernels)
        return _finish(formula(entropy), formula, unit, kernels, pk)


def _measure_of_two(
    formula: Formula, pk: Probabilities, qk: Probabilities, axis: int | None, base: float | None
) -> Any:
    """The value of a formula of two distributions."""
    unit = arguments.log_base(base)
    axes = distributions.axes(axis, 1, or_all=True)
    with on_device_of(pk, qk):
        (p, q), kernels = distributions.normalized([pk, qk], ["pk", "qk"], axes)
        return _finish(formula(p, q, kernels), formula, unit, kernels, pk)


def _finish(value: Any, formula: Formula, unit: float, kernels: Kernels, pk: Probabilities) -> Any:
    result = entropies.without_rounding(value, formula.bounds, "ml", kernels) / unit
    if np.ndim(result) == 0:
        return float(result)
    return kernels.to_host(result) if home_of(pk).is_host else tables.like(result, pk)
