"""What workers read: pieces of Dask collections as blocks of Arrow arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Home
from fastinfo.backends.home import home_of
from fastinfo.inputs import arguments, tables
from fastinfo.inputs.scanning.looking import Block
from fastinfo.inputs.scanning.on_device import DeviceColumn


class Piece(NamedTuple):
    """How the pieces of one collection become blocks."""

    names: Sequence[str]
    """The names of the columns that are wanted."""
    own: Sequence[Any]
    """Their labels in a DataFrame, or their positions within a chunk of an array."""
    is_frame: bool
    """Whether pieces are DataFrames, and not Series or chunks of arrays."""

    def block(self, piece: Any) -> Block:
        """The columns of a piece.

        Raises
        ------
        ValueError
            For a piece that lacks one of the columns.
        TypeError
            For a column that Arrow cannot hold in one type.
        """
        if self.is_frame:
            return self._of_frame(piece)
        if tables.is_series(piece):
            (name,) = self.names
            return Block({name: array_of(piece, name)}, len(piece), True)
        if np.ndim(piece) == 1:
            piece = piece[:, None]
        home = home_of(piece)
        column: Callable[[Any, str], Any] = array_of
        if not home.is_host and _stays(piece):
            column = partial(_on_device, home)
        elif not np.ma.isMaskedArray(piece):
            piece = tables.by_column(home.to_host(piece))
        arrays = {
            name: column(piece[:, position], name)
            for name, position in zip(self.names, self.own, strict=True)
        }
        return Block(arrays, int(piece.shape[0]), False)

    def _of_frame(self, piece: Any) -> Block:
        lacking = [str(label) for label in self.own if label not in piece.columns]
        if lacking:
            raise ValueError(f"it lacks the columns {', '.join(lacking)}, which the table has")
        arrays = {
            name: array_of(piece[label], name)
            for name, label in zip(self.names, self.own, strict=True)
        }
        return Block(arrays, len(piece), True)


def _stays(piece: Any) -> bool:
    """Whether a chunk on a device is counted there: numbers that kernels read as they are."""
    return piece.dtype.kind in "iu" or piece.dtype in (np.float32, np.float64)


def _on_device(home: Home, samples: Any, name: str) -> DeviceColumn:
    return DeviceColumn(home.xp.ascontiguousarray(samples), home)


def array_of(samples: Any, name: str) -> Any:
    """One column as an Arrow array.

    Raises
    ------
    TypeError
        For types that Arrow, or fastinfo, does not know.
    """
    import pyarrow as pa

    if tables.is_series(samples):
        try:
            found = pa.Array.from_pandas(samples)
        except (pa.ArrowException, TypeError, OverflowError):
            return pa.array([None] * len(samples), pa.list_(pa.null()))  # mixed objects
        return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    missing = None
    if np.ma.isMaskedArray(samples):
        missing, samples = np.ma.getmaskarray(samples), samples.data
    if samples.dtype.kind not in "OUSM" and samples.size:
        samples = arguments.column(samples, name).values
    samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    return pa.array(samples, mask=missing, from_pandas=samples.dtype.kind == "O" or None)
