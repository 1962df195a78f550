"""The interface between launchers and a device: an array namespace, and a way to launch kernels.

Launchers are plain Python that call this interface. `hardware.Hardware` implements it for a GPU;
the tests implement it by running the same kernels on the processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

Array = Any


class Properties(NamedTuple):
    """The properties of a device that planning depends on."""

    name: str
    capability: tuple[int, int]
    multiprocessors: int
    threads_per_multiprocessor: int
    shared_bytes_per_block: int
    """The most shared memory that a block may ask for."""
    shared_bytes_per_multiprocessor: int


class Copier(Protocol):
    """Two lanes from the host to a device, each with a buffer; one thread uses them at a time."""

    def begin(self) -> None:
        """Let copies wait for what was launched on the current stream before.

        Those kernels may still read the memory that the copies write to.
        """
        ...

    def end(self) -> None:
        """Let what is launched on the current stream from now on wait for the copies."""
        ...

    def wait(self, lane: int) -> None:
        """Return when the lane's last copy is done, so that its buffer can be written to."""
        ...

    def buffer(self, lane: int) -> Any:
        """The lane's buffer, a NumPy array of bytes."""
        ...

    def start(self, lane: int, target: Array, n_bytes: int) -> None:
        """Start to copy the first ``n_bytes`` of the buffer to an array of the device."""
        ...


class Device(Protocol):
    """A device. Arrays are made and kernels launched while it is the thread's current one."""

    number: int
    """The number that CUDA gives it."""
    library: str
    """The library that makes its arrays and compiles its kernels, with the version."""
    xp: Any
    """The array namespace: cupy, or one that behaves as cupy does."""
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

        Arguments are contiguous arrays of this device, NumPy scalars of exactly the kernel's types,
        and structs of both (`structs.py`). CUDA checks none of them.
        """
        ...

    def current_number(self) -> int:
        """The number of this thread's current device."""
        ...

    def copier(self, buffer_bytes: int) -> Copier:
        """Lanes whose copies run at the same time as the kernels of the current stream."""
        ...

    def free_bytes(self) -> int:
        """Bytes of memory that arrays can still get."""
        ...

    def current(self) -> AbstractContextManager[Any]:
        """A context in which it is this thread's current device, on which arrays are made."""
        ...

    def current_stream(self) -> int:
        """The pointer of the device's stream that is current in this thread, for `on_stream`.

        What other threads launch on that stream runs after what this thread launched before.
        """
        ...

    def on_stream(self, pointer: int) -> AbstractContextManager[Any]:
        """A context in which the device and a stream of it are current in this thread.

        Another library may have made the stream.
        """
        ...
