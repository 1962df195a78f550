"""A GPU with CuPy's arrays; NVRTC compiles each kernel when it is first launched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

import cupy
import numpy as np

from fastinfo.backends.cupy import sources
from fastinfo.backends.cupy.device import Properties
from fastinfo.backends.cupy.structs import by_value


@cache
def _kernel(number: int, family: str, name: str, shared_bytes: int) -> Any:
    """A compiled kernel.

    Each kernel is a module of its own, so that a call which needs one instance of a template does
    not wait for the compilation of the whole family. CuPy keeps the machine code on disk.
    """
    with cupy.cuda.Device(number):
        module = cupy.RawModule(
            code=sources.text(family), options=("--std=c++17",), name_expressions=(name,)
        )
        function = module.get_function(name)
        # More than 48 KiB have to be requested. They are requested once, for the largest launch:
        # threads that each requested their own number would overwrite each other's.
        function.max_dynamic_shared_size_bytes = shared_bytes
        return function


class PinnedCopier:
    """Copies to the device, on a stream of their own, from two page-locked buffers (lanes)."""

    def __init__(self, buffer_bytes: int) -> None:
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._bytes = buffer_bytes
        self._memory = [cupy.cuda.alloc_pinned_memory(buffer_bytes) for _ in range(2)]
        self._done = [cupy.cuda.Event(disable_timing=True) for _ in range(2)]
        self._before = cupy.cuda.Event(disable_timing=True)

    def __del__(self) -> None:
        # Otherwise CuPy's pool could hand out buffers that copies are still reading.
        self._stream.synchronize()

    def begin(self) -> None:
        """Make the copies wait for the current stream.

        CuPy's pool hands out memory that kernels of the current stream may still be reading.
        """
        self._before.record(cupy.cuda.get_current_stream())
        self._stream.wait_event(self._before)

    def end(self) -> None:
        """Make the current stream wait for the copies of both lanes."""
        for done in self._done:
            cupy.cuda.get_current_stream().wait_event(done)

    def wait(self, lane: int) -> None:
        """Wait until the copy of a lane is done; at once where the lane had none."""
        self._done[lane].synchronize()

    def buffer(self, lane: int) -> Any:
        """The page-locked memory of a lane, as bytes."""
        return np.frombuffer(self._memory[lane], np.uint8, self._bytes)

    def start(self, lane: int, target: Any, n_bytes: int) -> None:
        """Queue a copy from a lane's buffer to ``target``, and the event that ends it."""
        target.data.copy_from_host_async(self._memory[lane].ptr, n_bytes, self._stream)
        self._done[lane].record(self._stream)


class Pointer:
    """A stream that another library owns, in CUDA's protocol for streams."""

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer

    def __cuda_stream__(self) -> tuple[int, int]:
        """The version of the protocol, and the pointer to the stream."""
        return 0, self._pointer


class Hardware:
    """One CUDA device: a `fastinfo.backends.cupy.device.Device`."""

    xp = cupy
    library = f"cupy {cupy.__version__}"

    def __init__(self, number: int) -> None:
        self.number = number
        # `Device.attributes` lacks the compute capability.
        attributes = cupy.cuda.runtime.getDeviceProperties(number)
        self.properties = Properties(
            name=attributes["name"].decode(),
            capability=(attributes["major"], attributes["minor"]),
            multiprocessors=attributes["multiProcessorCount"],
            threads_per_multiprocessor=attributes["maxThreadsPerMultiProcessor"],
            shared_bytes_per_block=attributes["sharedMemPerBlockOptin"],
            shared_bytes_per_multiprocessor=attributes["sharedMemPerMultiprocessor"],
        )

    def launch(
        self,
        family: str,
        kernel: str,
        grid: int | tuple[int, ...],
        block: int | tuple[int, ...],
        arguments: Sequence[Any],
        shared_bytes: int = 0,
    ) -> None:
        """Start a kernel on the current stream."""
        function = self.prepare(family, kernel)
        passed = tuple(by_value(a) if isinstance(a, tuple) else a for a in arguments)
        function(_axes(grid), _axes(block), passed, shared_mem=shared_bytes)

    def prepare(self, family: str, kernel: str) -> Any:
        """The kernel, compiled at the first call."""
        return _kernel(self.number, family, kernel, self.properties.shared_bytes_per_block)

    def current_number(self) -> int:
        """The number of this thread's current device."""
        return int(cupy.cuda.runtime.getDevice())

    def copier(self, buffer_bytes: int) -> PinnedCopier:
        """A copier with two page-locked buffers of this size, and a stream."""
        return PinnedCopier(buffer_bytes)

    def free_bytes(self) -> int:
        """The bytes that are free in the driver and in CuPy's pool."""
        with self.current():
            free, _ = cupy.cuda.runtime.memGetInfo()
            return int(free) + int(cupy.get_default_memory_pool().free_bytes())

    def current(self) -> AbstractContextManager[Any]:
        """A context in which this is the thread's current device.

        Each call returns a new object, because one object serves one thread.
        """
        device: AbstractContextManager[Any] = cupy.cuda.Device(self.number)
        return device

    def current_stream(self) -> int:
        """The pointer to the current stream.

        Where each thread has a default stream of its own, it is 0: the stream that waits for all
        of them.
        """
        pointer = int(cupy.cuda.get_current_stream(self.number).ptr)
        return 0 if pointer == cupy.cuda.runtime.streamPerThread else pointer

    @contextmanager
    def on_stream(self, pointer: int) -> Iterator[None]:
        """A context in which the stream is the current one, on this device.

        The device is made current first, because CuPy assigns a stream to the current device.
        """
        with self.current(), cupy.cuda.Stream.from_external(Pointer(pointer)):
            yield


def _axes(size: int | tuple[int, ...]) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else tuple(size)
