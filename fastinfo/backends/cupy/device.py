"""The seam between launchers and a device: an array namespace and one way to launch a kernel.

Launchers are plain Python over it. `hardware.Hardware` is a GPU; the tests have one that runs the
same kernels on the processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

Array = Any


class Properties(NamedTuple):
    """What planning needs to know of a device."""

    name: str
    capability: tuple[int, int]
    multiprocessors: int
    threads_per_multiprocessor: int
    shared_bytes_per_block: int
    """Shared memory that a block may ask for at most."""
    shared_bytes_per_multiprocessor: int


class Copier(Protocol):
    """Two lanes from the host to a device, each with a buffer; of one thread at a time."""

    def begin(self) -> None:
        """Let copies wait for what was launched on the current stream before.

        It may still be reading memory that now is the target.
        """
        ...

    def end(self) -> None:
        """Let what is launched on the current stream from now on wait for the copies."""
        ...

    def wait(self, lane: int) -> None:
        """Return when the lane's last copy is done, and its buffer can be written to."""
        ...

    def buffer(self, lane: int) -> Any:
        """The lane's buffer, a NumPy array of bytes."""
        ...

    def start(self, lane: int, target: Array, n_bytes: int) -> None:
        """Begin to copy the first bytes of the buffer to an array of the device."""
        ...


class Device(Protocol):
    """A device with its arrays; they are made, and kernels launched, while it is `current`."""

    number: int
    """CUDA's number of it."""
    library: str
    """What makes its arrays and compiles its kernels, with the version."""
    xp: Any
    """The array namespace: cupy, or what behaves as it does."""
    properties: Properties

    def launch(
        self,
        family: str,
        kernel: str,
        grid: int | tuple[int, ...],
        block: int | tuple[int, ...],
        arguments: Sequence[Any],
        shared_bytes: int = 0,
    ) -> None:
        """Start a kernel of `sources.FAMILIES` on the current stream; do not wait for it.

        Arguments are contiguous arrays of this device, NumPy scalars of the kernel's very types,
        and structs of both (`structs.py`): CUDA looks at none of them.
        """
        ...

    def current_number(self) -> int:
        """The number of this thread's current device."""
        ...

    def copier(self, buffer_bytes: int) -> Copier:
        """Lanes for copies that run beside the kernels of the current stream."""
        ...

    def free_bytes(self) -> int:
        """Memory that arrays can still be given."""
        ...

    def current(self) -> AbstractContextManager[Any]:
        """Make it the current device of this thread, for arrays to be made on it."""
        ...

    def current_stream(self) -> int:
        """The stream of it that is this thread's current one, in the form that `on_stream` takes.

        What other threads launch on that stream comes after what this one did before.
        """
        ...

    def on_stream(self, pointer: int) -> AbstractContextManager[Any]:
        """Make it current, and a stream of it, which others may have made, this thread's stream."""
        ...
