"""A GPU: CuPy's arrays, and kernels compiled by NVRTC when they are first launched."""

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

    A module for each kernel and not for each family: a call that needs one instance of a template
    does not wait for the compilation of all. CuPy keeps the machine code on disk.
    """
    with cupy.cuda.Device(number):
        module = cupy.RawModule(
            code=sources.text(family), options=("--std=c++17",), name_expressions=(name,)
        )
        function = module.get_function(name)
        # Once and for the largest launch: threads that each asked for what theirs takes, beyond the
        # 48 KiB that need no asking, would take it back from each other.
        function.max_dynamic_shared_size_bytes = shared_bytes
        return function


class PinnedCopier:
    """Copies on a stream of their own, out of memory that the device can read by itself."""

    def __init__(self, buffer_bytes: int) -> None:
        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._bytes = buffer_bytes
        self._memory = [cupy.cuda.alloc_pinned_memory(buffer_bytes) for _ in range(2)]
        self._done = [cupy.cuda.Event(disable_timing=True) for _ in range(2)]
        self._before = cupy.cuda.Event(disable_timing=True)

    def __del__(self) -> None:
        # CuPy's pool would hand out buffers that copies are still reading.
        self._stream.synchronize()

    def begin(self) -> None:
        """CuPy's pool hands out memory that kernels of the current stream may still be reading."""
        self._before.record(cupy.cuda.get_current_stream())
        self._stream.wait_event(self._before)

    def end(self) -> None:
        """By the events of both lanes."""
        for done in self._done:
            cupy.cuda.get_current_stream().wait_event(done)

    def wait(self, lane: int) -> None:
        """An event that was never recorded is over."""
        self._done[lane].synchronize()

    def buffer(self, lane: int) -> Any:
        """A view of the page-locked memory."""
        return np.frombuffer(self._memory[lane], np.uint8, self._bytes)

    def start(self, lane: int, target: Any, n_bytes: int) -> None:
        """Queue the copy, and the event after it."""
        target.data.copy_from_host_async(self._memory[lane].ptr, n_bytes, self._stream)
        self._done[lane].record(self._stream)


class Pointer:
    """A stream that somebody else owns, as CUDA's protocol for streams hands it over."""

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer

    def __cuda_stream__(self) -> tuple[int, int]:
        """Version of the protocol, and the stream."""
        return 0, self._pointer


class Hardware:
    """One CUDA device, as `fastinfo.backends.cupy.device.Device` says."""

    xp = cupy
    library = f"cupy {cupy.__version__}"

    def __init__(self, number: int) -> None:
        self.number = number
        # Not from `Device.attributes`, which lack the compute capability.
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
        """A kernel, compiled unless it was before."""
        return _kernel(self.number, family, kernel, self.properties.shared_bytes_per_block)

    def current_number(self) -> int:
        """The number of this thread's current device."""
        return int(cupy.cuda.runtime.getDevice())

    def copier(self, buffer_bytes: int) -> PinnedCopier:
        """Two page-locked buffers and a stream."""
        return PinnedCopier(buffer_bytes)

    def free_bytes(self) -> int:
        """What the driver has, and what CuPy's pool keeps for arrays to come."""
        with self.current():
            free, _ = cupy.cuda.runtime.memGetInfo()
            return int(free) + int(cupy.get_default_memory_pool().free_bytes())

    def current(self) -> AbstractContextManager[Any]:
        """Make it this thread's current device. A new object each time: one is for one thread."""
        device: AbstractContextManager[Any] = cupy.cuda.Device(self.number)
        return device

    def current_stream(self) -> int:
        """Where each thread has a default stream of its own, the one that waits for all of them."""
        pointer = int(cupy.cuda.get_current_stream(self.number).ptr)
        return 0 if pointer == cupy.cuda.runtime.streamPerThread else pointer

    @contextmanager
    def on_stream(self, pointer: int) -> Iterator[None]:
        """The device first: CuPy takes a stream for one of the current device."""
        with self.current(), cupy.cuda.Stream.from_external(Pointer(pointer)):
            yield


def _axes(size: int | tuple[int, ...]) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else tuple(size)
