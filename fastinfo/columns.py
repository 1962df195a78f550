"""What samples are once they have passed the edge: columns, and tables of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Array = Any


class Column(NamedTuple):
    """One column of samples, as `fastinfo.arguments` leaves it."""

    name: str
    """What messages call it: ``x``, ``x[:, 2]``, or its name in a table."""
    values: Array
    """``(n,)``: float32, float64, any integer dtype or bool."""
    missing: Array | None = None
    """Boolean ``(n,)``, where values that are not floating-point are missing."""
    categories: np.ndarray[Any, Any] | None = None
    """Of text and categoricals: the labels that occur, in the order of `fastinfo.categories`.
    ``values`` are then codes of them, and ``len(categories)`` where a sample is missing."""
    integers_with_gaps: bool = False
    """Whether floats are what pandas makes of integers some of which are missing."""

    @property
    def is_float(self) -> bool:
        """Whether the column is binned; otherwise its values are categories."""
        return bool(self.values.dtype.kind == "f")

    @property
    def kind(self) -> str:
        """What messages say of its samples."""
        if self.categories is None:
            return f"has dtype {self.values.dtype}"
        return "holds text" if self.categories.dtype.kind in "US" else "holds categories"


class ArrayColumns(Sequence[Column]):
    """The columns of one array, alike in all but their samples; each made when asked for.

    Parameters
    ----------
    name : str
        What the array is called.
    rows : array of shape (m, n)
        The samples of each column, contiguous: numbers, none of them missing but NaN.
    first : int
        The position of the first column in the array.
    """

    def __init__(self, name: str, rows: Array, first: int = 0) -> None:
        self.name = name
        self.rows = rows
        self.first = first

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            start, stop, _ = position.indices(len(self))
            return ArrayColumns(self.name, self.rows[start:stop], self.first + start)
        position = range(len(self))[position]
        return Column(f"{self.name}[:, {self.first + position}]", self.rows[position])


Columns = Sequence[Column]
"""Of one table: `ArrayColumns`, or a list of columns that differ."""


def of_samples(columns: Columns, chosen: Callable[[Array], Array]) -> Columns:
    """The same columns with some of their samples, as a function chooses them along an array."""
    if isinstance(columns, ArrayColumns):
        return ArrayColumns(columns.name, chosen(columns.rows), columns.first)
    return [
        column._replace(
            values=chosen(column.values),
            missing=None if column.missing is None else chosen(column.missing),
        )
        for column in columns
    ]


def typical(columns: Columns) -> Columns:
    """Columns that stand for all, in everything that can be known without their samples."""
    return columns[:1] if isinstance(columns, ArrayColumns) else columns
