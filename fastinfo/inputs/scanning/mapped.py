"""Arrays that lie in files: `numpy.memmap` of rows and columns, or of records."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fastinfo.inputs.scanning.sources import Batch, Position


class Mapped:
    """The columns of an array in a file, which is read some rows at a time.

    Parameters
    ----------
    array : numpy.memmap of shape (n, m), or (n,) of records
        Columns go by the names of the fields, or by their positions as text.

    Raises
    ------
    ValueError, TypeError
        For arrays of other shapes, and for types that are not measured.
    """

    def __init__(self, array: Any) -> None:
        import pyarrow as pa

        self.array = array
        is_of_records = array.ndim == 1 and array.dtype.names is not None
        if not is_of_records and (array.ndim != 2 or array.dtype.names is not None):
            raise ValueError(
                f"scan: a memmap of shape {array.shape} and dtype {array.dtype} came; accepted are "
                "arrays of shape (n, m), and arrays (n,) of records"
            )
        self._places: dict[str, Any] = (
            {name: name for name in array.dtype.names}
            if is_of_records
            else {str(i): i for i in range(array.shape[1])}
        )
        fields = []
        for name in self._places:
            try:
                fields.append(pa.field(name, pa.array(self._column(name, 0, 0)).type))
            except (pa.ArrowException, TypeError, ValueError) as error:
                raise TypeError(f"scan: column {name!r} of the memmap: {error}") from error
        self.schema = pa.schema(fields)
        self.n_rows: int | None = len(array)
        self._stat = self._now()

    def _column(self, name: str, start: int, stop: int) -> Any:
        place, rows = self._places[name], self.array[start:stop]
        part = rows[place] if isinstance(place, str) else rows[:, place]
        dtype = part.dtype.newbyteorder("=")
        return np.array(part, np.float32 if dtype == np.float16 else dtype)  # a copy, side by side

    def _now(self) -> list[Any]:
        name = self.array.filename
        if name is None:  # of an open file
            return []
        found = os.stat(name)
        return [os.fspath(name), found.st_size, found.st_mtime_ns]

    def identity(self) -> list[Any]:
        """The file with its size and the time of its last change, and where the array lies."""
        array = self.array
        # A view of a memmap has the offset of the whole, and an address of its own.
        address = int(array.__array_interface__["data"][0])
        first = 0 if array._mmap is None else address - np.frombuffer(array._mmap, "u1").ctypes.data
        where = [first, list(array.shape), list(array.strides), str(array.dtype)]
        return ["memmap", self._now(), *where]

    def batches(self, columns: Sequence[str], rows: int, start: Position) -> Iterator[Batch]:
        """The rows after a position.

        Raises
        ------
        ValueError
            If the file has changed since the scan was made.
        """
        import pyarrow as pa

        for number, first in enumerate(range(0, len(self.array), rows), start=1):
            if number <= start.pieces:
                continue
            if self._now() != self._stat:
                raise ValueError(
                    f"{self.array.filename} has changed since it was first looked at: its earlier "
                    "rows may be counted already, so begin anew"
                )
            last = min(first + rows, len(self.array))
            found = [pa.array(self._column(name, first, last)) for name in columns]
            self._release()
            yield Batch(found, last - first, Position(number, 0))

    def _release(self) -> None:
        """Let pages go that were read, so that they do not count as memory of this process."""
        file = self.array._mmap
        # In mode "c" changed pages exist nowhere else.
        if file is not None and self.array.mode != "c" and hasattr(mmap, "MADV_DONTNEED"):
            file.madvise(mmap.MADV_DONTNEED)
