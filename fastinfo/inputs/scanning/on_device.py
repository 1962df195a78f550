"""Columns of chunks that lie on a device: they are counted there, and copied to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fastinfo.backends.contract import Array, Home


@dataclass(eq=False)
class DeviceColumn:
    """Samples of one column where its chunk lies; to readers of blocks it is an Arrow array."""

    values: Array
    """Numbers, shape (n,), none of which is masked."""
    home: Home

    null_count = 0

    def __len__(self) -> int:
        return int(self.values.size)

    @cached_property
    def type(self) -> Any:
        """The Arrow type."""
        import pyarrow as pa

        return pa.from_numpy_dtype(self.values.dtype)

    def copied(self) -> Any:
        """The Arrow array, on the host."""
        import pyarrow as pa

        return pa.array(self.home.to_host(self.values))


def on_host(array: Any) -> Any:
    """An Arrow array, wherever the samples are."""
    return array.copied() if isinstance(array, DeviceColumn) else array
