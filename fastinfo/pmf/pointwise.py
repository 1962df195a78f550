"""Pointwise information of the cells of given joint probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastinfo import formulas
from fastinfo.backends import on_device_of
from fastinfo.backends.home import home_of
from fastinfo.estimators import pointwise
from fastinfo.formulas import Formula
from fastinfo.inputs import arguments, distributions, tables
from fastinfo.inputs.types import Probabilities


def pointwise_mutual_information(
    pk: Probabilities, *, axis: tuple[int, int] = (0, 1), base: float | None = None
) -> Any:
    """Pointwise mutual information log p(x,y)/(p(x)·p(y)) of each cell of a joint distribution.

    Parameters
    ----------
    pk, axis, base
        As for `mutual_information`.

    Returns
    -------
    numpy.ndarray
        The value of each cell, of the shape of ``pk``: −inf where x and y have a probability and
        (x, y) has none, NaN where x or y has none. Its mean over the cells above 0, weighted by
        their probabilities, is the mutual information.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> pmf.pointwise_mutual_information([[0.5, 0.0], [0.25, 0.25]], base=2).round(3)
    array([[ 0.415,   -inf],
           [-0.585,  1.   ]])
    """
    return _values_of_cells(formulas.mutual_information, pk, axis, 2, base)


def pointwise_conditional_mutual_information(
    pk: Probabilities, *, axis: tuple[int, int, int] = (0, 1, 2), base: float | None = None
) -> Any:
    """Pointwise conditional mutual information log p(x,y|z)/(p(x|z)·p(y|z)) of each cell.

    Parameters
    ----------
    pk, axis, base
        As for `conditional_mutual_information`.

    Returns
    -------
    numpy.ndarray
        The value of each cell, of the shape of ``pk``: −inf where (x, z) and (y, z) have a
        probability and (x, y, z) has none, NaN where one of the two has none.

    Raises
    ------
    ValueError, TypeError
        As for `entropy`.

    Examples
    --------
    >>> from fastinfo import pmf
    >>> alike = [[[0, 0.25], [0.25, 0]], [[0.25, 0], [0, 0.25]]]
    >>> pmf.pointwise_conditional_mutual_information(alike, base=2)[0]
    array([[-inf,   1.],
           [  1., -inf]])
    """
    return _values_of_cells(formulas.conditional_mutual_information, pk, axis, 3, base)


def _values_of_cells(
    formula: Formula, pk: Probabilities, axis: Sequence[int], n_axes: int, base: float | None
) -> Any:
    """The pointwise values of a formula of ``n_axes`` variables, of the shape of ``pk``."""
    unit = arguments.log_base(base)
    axes = distributions.axes(axis, n_axes)
    assert axes is not None
    with on_device_of(pk):
        (p,), kernels = distributions.normalized([pk], ["pk"], axes)
        with np.errstate(invalid="ignore"):
            values = formula(pointwise.of_table(p, n_axes, kernels)) / unit + 0.0
        values = kernels.xp.moveaxis(values, tuple(range(-n_axes, 0)), axes)
        return kernels.to_host(values) if home_of(pk).is_host else tables.like(values, pk)
