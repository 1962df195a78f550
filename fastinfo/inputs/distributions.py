"""Checks of the arguments of `fastinfo.pmf`: probabilities become arrays of distributions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Number
from typing import Any

import numpy as np

from fastinfo.backends import choose
from fastinfo.backends.contract import Array, Kernels
from fastinfo.inputs import arguments


def axes(axis: Any, count: int | None, *, or_all: bool = False) -> tuple[int, ...] | None:
    """The axes of the variables, checked.

    Parameters
    ----------
    axis : int, sequence of int, or None
    count : int or None
        How many axes there must be; any number for None.
    or_all : bool
        Whether None is accepted and means all axes.

    Returns
    -------
    tuple of int, or None
        The axes; None where ``axis`` is None and ``or_all``.

    Raises
    ------
    ValueError
        For anything else.
    """
    if axis is None and or_all:
        return None
    given_axes = tuple(axis) if isinstance(axis, Iterable) else (axis,)
    is_integer = all(isinstance(a, Integral) and not isinstance(a, bool) for a in given_axes)
    if is_integer and len(given_axes) == (max(len(given_axes), 1) if count is None else count):
        return given_axes
    wanted = {
        None: "a sequence of integers",
        1: "an integer" + ", or None for all axes" * or_all,
    }.get(count, f"a tuple of {count} integers, one for each variable")
    raise ValueError(f"axis={axis!r}; accepted is {wanted}")


def axes_of_many(axis: Any, pk: Any) -> tuple[int, ...]:
    """The axes of two or more variables, checked; all axes of ``pk`` for None.

    Raises
    ------
    ValueError
        For a single axis, and as `axes`.
    """
    found = axes(axis, None, or_all=True)
    if found is None:
        found = tuple(range(getattr(pk, "ndim", None) or np.ndim(pk)))
    if len(found) < 2:
        raise ValueError(
            f"axis={axis!r} names {len(found)} variables; accepted are two axes or more, one for "
            "each variable"
        )
    return found


def normalized(
    given: Sequence[Any], names: Sequence[str], axis: Sequence[int] | None
) -> tuple[list[Array], Kernels]:
    """Probabilities as float64 arrays with ``axis`` moved last, and the kernels for them.

    Several arrays are broadcast against each other, as NumPy does it, before the axes are moved.
    With ``axis=None`` all cells of an array are one distribution. A cell that is masked in any of
    the arrays is left out of all of them. Each distribution is divided by its sum.

    Raises
    ------
    TypeError
        For values that are no real numbers.
    ValueError
        For shapes that do not broadcast, axes that are not there, values that are negative, NaN or
        infinite, and distributions whose sum is 0.
    """
    for k, name in zip(given, names, strict=True):
        if isinstance(k, Number):
            raise TypeError(_single_number_message(name, k))
    arrays = [arguments.array_of(k, name) for k, name in zip(given, names, strict=True)]
    for array, name in zip(arrays, names, strict=True):
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name} has dtype {array.dtype}; accepted are real numbers")
        if array.ndim == 0:
            raise ValueError(_single_number_message(name, array.item()))
    if axis is None:
        arrays, axis = [array.reshape(-1) for array in arrays], (0,)
    try:
        arrays = _without_masked(arrays)
        kernels = choose(home=arguments.same_home(arrays, names))
        arrays = list(kernels.xp.broadcast_arrays(*map(kernels.bring, arrays)))
    except ValueError as error:
        if "broadcast" not in str(error):
            raise
        shapes = " and ".join(str(np.shape(k)) for k in given)
        raise ValueError(
            f"{' and '.join(names)} have shapes {shapes}, which do not broadcast"
        ) from None
    has_masked = any(np.ma.isMaskedArray(k) for k in given)
    distributions = [
        _normalized(k, name, axis, kernels, has_masked)
        for k, name in zip(arrays, names, strict=True)
    ]
    return distributions, kernels


def _single_number_message(name: str, number: Any) -> str:
    return (
        f"{name} is a single number, {number!r}; accepted is a sequence of numbers, one for each "
        "cell"
    )


def _without_masked(arrays: Sequence[Any]) -> list[Any]:
    """The arrays, with 0 in every cell that is masked in any of them; 0 adds nothing to a sum."""
    if not any(np.ma.isMaskedArray(array) for array in arrays):
        return list(arrays)
    is_masked = np.zeros((), np.bool_)
    for array in arrays:
        is_masked = is_masked | np.ma.getmaskarray(array)
    if is_masked.all():
        raise ValueError("every cell is masked, which leaves no distribution")
    return [np.where(is_masked, 0, np.ma.getdata(array)) for array in arrays]


def _normalized(
    array: Array, name: str, axis: Sequence[int], kernels: Kernels, has_masked: bool
) -> Array:
    xp = kernels.xp
    if len({a % array.ndim for a in axis}) < len(axis) or not all(
        -array.ndim <= a < array.ndim for a in axis
    ):
        shown = axis[0] if len(axis) == 1 else tuple(axis)
        wanted = "is an axis" if len(axis) == 1 else "are different axes"
        raise ValueError(
            f"axis={shown} for {name} of shape {array.shape}: accepted {wanted} from {-array.ndim} "
            f"to {array.ndim - 1}"
        )
    p = xp.moveaxis(array, tuple(axis), tuple(range(-len(axis), 0)))
    # NumPy sums contiguous arrays pairwise; others cell by cell, and rounding grows with n.
    p = xp.ascontiguousarray(p.astype(np.float64))
    if not xp.isfinite(p).all():
        raise ValueError(f"{name} holds NaN or infinite values; accepted are finite ones")
    if (p < 0).any():
        raise ValueError(f"{name} holds negative values (the least is {float(p.min()):g})")
    batch = p.shape[: p.ndim - len(axis)]
    with np.errstate(over="ignore"):
        totals = p.reshape(*batch, -1).sum(axis=-1) if p.size else xp.zeros(batch)
    if not (xp.isfinite(totals) & (totals > 0)).all():
        zero = "whose cells are all masked or 0" if has_masked else "whose sum is 0"
        raise ValueError(
            f"{name} holds a distribution {zero}, or above the largest float64, which has no "
            "probabilities"
        )
    return p / totals.reshape(*batch, *[1] * len(axis))
