"""How many cells a table could have, seen or unseen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastinfo.backends.contract import Array, Kernels

NCells = Callable[[], Any]
"""A function that an estimator may call. It returns the number of possible cells of each table
(`possible_cells`): a number, or an array that broadcasts to the result."""


def possible_cells(
    margin: Array, n_bins: Any, has_edges: Any, kernels: Kernels, chosen: int | None = None
) -> Any:
    """The number of values that a variable could have had, by its counts ``(..., bins)``.

    For a binned variable these are its bins, whether a sample is in them or not. For integers and
    other categories these are the values that occur: values between two integers are as unknown as
    values beyond them, and a category that is declared and never occurs is no value. So the number
    does not depend on the type of the samples, nor on the array that they are counted in.

    Parameters
    ----------
    margin : array
        The counts of the variable, over the samples of the table.
    n_bins, has_edges : array
        The number of its bins, and whether they have edges.
    chosen : int, optional
        The number that the caller has chosen (``"nsb:20"``), in place of the rule above.

    Raises
    ------
    ValueError
        Where more values occur than were chosen.
    """
    occupied = (margin > 0).sum(axis=-1)
    if chosen is None:
        return kernels.xp.where(has_edges, n_bins, occupied)
    require_room(int(occupied.max()) if occupied.size else 0, chosen)
    return chosen


def require_room(occupied: int, chosen: int) -> None:
    """Raise where more values occur than were said to be possible."""
    if occupied > chosen:
        raise ValueError(
            f"estimator says that a variable has {chosen} possible values, and {occupied} of them "
            "occur; give the number of all that are possible, or leave it out"
        )
