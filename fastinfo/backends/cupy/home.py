"""The home of CuPy's arrays and of PyTorch's CUDA tensors: a device and a stream of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from fastinfo.backends.contract import Home, OnHost, Place
from fastinfo.backends.cupy import discovery, plan, transfer
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.home import HOST

P = ParamSpec("P")
Result = TypeVar("Result")


def on_device(
    method: Callable[Concatenate[Any, P], Result],
) -> Callable[Concatenate[Any, P], Result]:
    """A decorator that runs a method of a home or of kernels on their device and stream.

    CuPy keeps the current device and stream for each thread. A MemoryError is raised again with the
    name of the device.
    """

    @wraps(method)
    def run(self: Any, /, *arguments: P.args, **options: P.kwargs) -> Result:
        try:
            with self.current():
                return method(self, *arguments, **options)
        except OutOfDeviceMemoryError:
            raise  # an inner method has named the device already
        except MemoryError as error:
            device = self.device
            raise OutOfDeviceMemoryError(
                f"CUDA device {device.number} ({device.properties.name}) is out of memory: "
                f"{error}; take less at a time, or leave the device out (CUDA_VISIBLE_DEVICES)"
            ) from error

    return run


class OutOfDeviceMemoryError(MemoryError):
    """A `MemoryError` that names its device."""


class CupyHome:
    """One device, and one stream of it.

    The stream orders the work of all threads: samples are read after they were written, and memory
    is reused after it was read.

    Parameters
    ----------
    device : Device, int or None
        A device or its number; None for the thread's current device.
    stream : int, optional
        The pointer of a stream of the device, which another library may have made; the thread's
        current stream by default.
    supply : Supply, optional
        How samples are brought for which the device has no memory.
    """

    is_host = False

    def __init__(
        self,
        device: Device | int | None = None,
        stream: int | None = None,
        supply: plan.Supply | None = None,
    ) -> None:
        if device is None or isinstance(device, int):
            device = discovery.device(device)
        # The constructor must be cheap: each look-up of an array's home makes a new one.
        self.device = device
        self.stream = device.current_stream() if stream is None else stream
        self._supply = supply
        self._uploads = transfer.Uploads(device)

    @property
    def place(self) -> Place:
        """The device."""
        return Place("cupy", f"CUDA device {self.device.number}")

    @property
    def xp(self) -> Any:
        """CuPy."""
        return self.device.xp

    @property
    def samples_at_once(self) -> int:
        """2³⁰, which a table of 32 bits can count; as many as the memory holds with a supply."""
        return 1 << 30 if self._supply is None else self._supply.samples

    @classmethod
    def of(cls, array: Any) -> Home:
        """The home of a CuPy array or of a tensor; the host for a tensor that is not on CUDA.

        The stream is this thread's current one: CuPy's for CuPy's arrays, PyTorch's for tensors.

        Raises
        ------
        ImportError
            If a tensor is on CUDA and no CuPy works.
        """
        device: Any = getattr(array, "device", None)
        number, stream = getattr(device, "id", None), None
        if number is None:
            if getattr(device, "type", None) != "cuda":
                return HOST
            number = device.index
            stream = int(sys.modules["torch"].cuda.current_stream(device).cuda_stream)
        try:
            return cls(int(number), stream)
        except ImportError as error:
            raise ImportError(f"backend 'cupy' cannot be used: {error}") from error

    def current(self) -> AbstractContextManager[Any]:
        """A context that makes the device and the stream the thread's current ones."""
        return self.device.on_stream(self.stream)

    @on_device
    def bring(self, array: Any) -> Array:
        """A copy of an array of the host, or the array itself if it is on the device."""
        # No array of another device comes here: `fastinfo.inputs.arguments` refuses a mixture.
        if isinstance(array, np.ndarray):
            return self._uploads.copy(array)
        return self.xp.asarray(array)

    @on_device
    def for_samples(self, arrays: Sequence[Any]) -> CupyHome:
        """The same home, or one with a supply if the arrays do not fit the free memory."""
        n_samples = arrays[0].size
        sizes = [array.nbytes for array in arrays if isinstance(array, np.ndarray)]
        if sum(sizes) <= transfer.CHUNK_BYTES:
            return self
        supply = plan.supply(sizes, n_samples, self.device.free_bytes())
        return self if supply is None else CupyHome(self.device, self.stream, supply)

    def bring_or_stream(self, array: Any) -> Array | OnHost:
        """As `bring`; an array that is too large for the supply stays on the host (`OnHost`)."""
        supply = self._supply
        if (
            supply is None
            or not isinstance(array, np.ndarray)
            or array.nbytes <= supply.whole_bytes
        ):
            return self.bring(array)
        return OnHost(array, self.bring, supply.samples)

    @on_device
    def to_host(self, array: Array) -> Any:
        """A copy in NumPy's memory."""
        return array.get()

    def other_devices(self) -> Sequence[CupyHome]:
        """All other devices that are not too old."""
        others = (found for found in discovery.devices() if found.number != self.device.number)
        return [CupyHome(found) for found in others if discovery.is_capable(found)]
