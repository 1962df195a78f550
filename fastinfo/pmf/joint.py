"""Entropies and information of given joint probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastinfo import formulas
from fastinfo.formulas import Formula
from fastinfo.inputs import arguments, distributions
from fastinfo.inputs.types import Average, Probabilities
from fastinfo.pmf.apply import measure_of_joint


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
    return measure_of_joint(formulas.entropy, pk, axis, base, 1, or_all=True)


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
    return measure_of_joint(formulas.joint_entropy, pk, axis, base, None, or_all=True)


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
    return measure_of_joint(formulas.conditional_entropy, pk, axis, base, 2)


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
    return measure_of_joint(formulas.mutual_information, pk, axis, base, 2)


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
    return measure_of_joint(formulas.conditional_mutual_information, pk, axis, base, 3)


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
    return measure_of_joint(formulas.interaction_information, pk, axis, base, 3)


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
    return measure_of_joint(formula, pk, axis, None, 2)


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
    return measure_of_joint(formulas.variation_of_information, pk, axis, base, 2)


def total_correlation(
    pk: Probabilities, *, axis: Sequence[int] | None = None, base: float | None = None
) -> Any:
    """Total correlation ΣH(X_i) − H(X) of a joint distribution of two or more variables.

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
        Total correlation of each distribution, of the shape of ``pk`` without the axes of the
        variables. See `fastinfo.total_correlation`.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`; ValueError also for a single variable.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> copies = [[[0.5, 0], [0, 0]], [[0, 0], [0, 0.5]]]
    >>> round(pmf.total_correlation(copies, base=2), 6)
    2.0
    """
    return _measure_of_many(formulas.total_correlation, pk, axis, base)


def dual_total_correlation(
    pk: Probabilities, *, axis: Sequence[int] | None = None, base: float | None = None
) -> Any:
    """Dual total correlation H(X) − ΣH(X_i|others) of a joint distribution.

    Parameters
    ----------
    pk, axis, base
        As for `total_correlation`.

    Returns
    -------
    float or numpy.ndarray
        Dual total correlation of each distribution, of the shape of ``pk`` without the axes of the
        variables. See `fastinfo.dual_total_correlation`.

    Raises
    ------
    ValueError, TypeError
        As for `total_correlation`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> copies = [[[0.5, 0], [0, 0]], [[0, 0], [0, 0.5]]]
    >>> round(pmf.dual_total_correlation(copies, base=2), 6)
    1.0
    """
    return _measure_of_many(formulas.dual_total_correlation, pk, axis, base)


def o_information(
    pk: Probabilities, *, axis: Sequence[int] | None = None, base: float | None = None
) -> Any:
    """O-information of a joint distribution: above 0 for redundancy, below 0 for synergy.

    Parameters
    ----------
    pk, axis, base
        As for `total_correlation`.

    Returns
    -------
    float or numpy.ndarray
        O-information of each distribution, of the shape of ``pk`` without the axes of the
        variables. See `fastinfo.o_information`.

    Raises
    ------
    ValueError, TypeError
        As for `total_correlation`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> copies = [[[0.5, 0], [0, 0]], [[0, 0], [0, 0.5]]]
    >>> round(pmf.o_information(copies, base=2), 6)
    1.0
    """
    return _measure_of_many(formulas.o_information, pk, axis, base)


def _measure_of_many(
    formula: Formula, pk: Probabilities, axis: Sequence[int] | None, base: float | None
) -> Any:
    """The value of a formula of any number of variables, of two at least."""
    axes = distributions.axes_of_many(axis, pk)
    of_these = formula.with_options(n_variables=len(axes))
    return measure_of_joint(of_these, pk, axes, base, len(axes))
