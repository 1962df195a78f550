"""Samples after validation: columns, and tables of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Array = Any

BLOCK = 256


class Column(NamedTuple):
    """One column of samples that `fastinfo.inputs.arguments` has validated."""

    name: str
    """Its name in messages: ``x``, ``x[:, 2]``, or its name in a table."""
    values: Array
    """``(n,)``: float32, float64, any integer dtype or bool."""
    missing: Array | None = None
    """Boolean ``(n,)``, True for missing samples. None if no sample is missing, but for NaN."""
    categories: np.ndarray[Any, Any] | None = None
    """For text and categoricals, the labels that occur, in the order of
    `fastinfo.binning.categories`. ``values`` are then their codes; the code of a missing sample may
    be any."""
    integers_with_gaps: bool = False
    """Whether the values are floats that pandas made from integers with missing values."""

    @property
    def is_float(self) -> bool:
        """Whether the column is binned; otherwise its values are categories."""
        return bool(self.values.dtype.kind == "f")

    @property
    def kind(self) -> str:
        """A phrase for messages that says what its samples are."""
        if self.categories is None:
            return f"has dtype {self.values.dtype}"
        return "holds text" if self.categories.dtype.kind in "US" else "holds categories"


class ArrayColumns(Sequence[Column]):
    """The columns of one array, of one dtype; each is made when it is asked for.

    Parameters
    ----------
    name : str
        The name of the array.
    rows : array of shape (m, n)
        The samples of each column, which need not be contiguous. They are numbers; only NaN is
        missing.
    first : int
        The position of the first column in the array.
    names : sequence of str, optional
        The names of all columns of the array, if it has names.
    """

    def __init__(
        self, name: str, rows: Array, first: int = 0, names: Sequence[str] | None = None
    ) -> None:
        self.name = name
        self.rows = rows
        self.first = first
        self.names = names

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            start, stop, _ = position.indices(len(self))
            rows = self.rows[start:stop]
            return ArrayColumns(self.name, rows, self.first + start, self.names)
        position = range(len(self))[position]
        name = _name_of(self.name, self.first + position, self.names)
        values = self.rows[position]
        return Column(name, values if values.flags.c_contiguous else values.copy())


def contiguous_rows(rows: Array) -> Array:
    """The same array of the host ``(m, n)`` with contiguous rows.

    The copy is made in square blocks, which use every byte of each cache line. Copying one row
    after the other takes four times as long, and NumPy's own transposed copy seven times.
    """
    if rows.flags.c_contiguous:
        return rows
    copied = np.empty(rows.shape, rows.dtype)
    width = BLOCK * BLOCK // max(min(rows.shape[0], BLOCK), 1)  # of few rows longer parts
    for i in range(0, rows.shape[0], BLOCK):
        for j in range(0, rows.shape[1], width):
            copied[i : i + BLOCK, j : j + width] = rows[i : i + BLOCK, j : j + width]
    return copied


class SparseColumns(Sequence[Column]):
    """The columns of a sparse matrix; each is made dense when it is asked for, and is not kept.

    Parameters
    ----------
    name : str
        The name of the matrix.
    matrix : scipy.sparse matrix or array of shape (n, m)
        Numbers in compressed columns (CSC), each cell at most once.
    first, names
        As for `ArrayColumns`; ``first`` is the position of the first column.
    stop : int, optional
        The position after the last column; the end of the matrix by default.
    """

    def __init__(
        self,
        name: str,
        matrix: Any,
        first: int = 0,
        names: Sequence[str] | None = None,
        stop: int | None = None,
    ) -> None:
        self.name = name
        self.matrix = matrix
        self.positions = range(first, matrix.shape[1] if stop is None else stop)
        self.names = names

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            kept = self.positions[position]
            return SparseColumns(self.name, self.matrix, kept.start, self.names, kept.stop)
        position = self.positions[position]
        start, stop = self.matrix.indptr[position : position + 2]
        values = np.zeros(self.matrix.shape[0], self.matrix.dtype)
        values[self.matrix.indices[start:stop]] = self.matrix.data[start:stop]
        return Column(_name_of(self.name, position, self.names), values)

    def astype(self, dtype: Any) -> SparseColumns:
        """The same numbers in another dtype."""
        return self.like(self.matrix.astype(dtype))

    def like(self, matrix: Any) -> SparseColumns:
        """The same columns with the samples of another matrix."""
        start, stop = self.positions.start, self.positions.stop
        return SparseColumns(self.name, matrix, start, self.names, stop)


def _name_of(array: str, position: int, names: Sequence[str] | None) -> str:
    return f"{array}[:, {position}]" if names is None else names[position]


Columns = Sequence[Column]
"""The columns of one table: `ArrayColumns`, `SparseColumns`, or a list of columns of any dtypes."""


def of_samples(columns: Columns, chosen: Callable[[Array], Array]) -> Columns:
    """The same columns with some of their samples, which ``chosen`` selects along the last axis."""
    if isinstance(columns, ArrayColumns):
        return ArrayColumns(columns.name, chosen(columns.rows), columns.first, columns.names)
    if isinstance(columns, SparseColumns):
        rows = chosen(np.arange(columns.matrix.shape[0]))
        return columns.like(columns.matrix[rows].tocsc())
    return [
        column._replace(
            values=chosen(column.values),
            missing=None if column.missing is None else chosen(column.missing),
        )
        for column in columns
    ]


def typical(columns: Columns) -> Columns:
    """Columns with all dtypes, lengths and homes that occur: one is enough where all are alike."""
    return columns[:1] if isinstance(columns, (ArrayColumns, SparseColumns)) else columns
