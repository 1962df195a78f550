"""Where arrays of CuPy are, and tensors of PyTorch on CUDA: a device, and a stream of it."""

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
    """Run a method on a device and a stream, which CuPy keeps by thread; of a home, or of kernels.

    Memory that is short is told with the name of the device.
    """

    @wraps(method)
    def run(self: Any, /, *arguments: P.args, **options: P.kwargs) -> Result:
        try:
            with self.current():
                return method(self, *arguments, **options)
        except OutOfDeviceMemoryError:
            raise  # it was told where one method calls another
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

    Whatever thread works here, samples are read after they were written, and memory is given to
    others once it was read.

    Parameters
    ----------
    device : Device, int or None
        One device or its number; the thread's current one for None.
    stream : int, optional
        That stream of it, which another library may have made; the thread's current one by default.
    supply : Supply, optional
        How samples come that the device has no room for.
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
        # Little: a home is made whenever somebody asks where an array is.
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
        """As many as a table of 32 bits can count, and less; or those that there is room for."""
        return 1 << 30 if self._supply is None else self._supply.samples

    @classmethod
    def of(cls, array: Any) -> Home:
        """CuPy's stream of this thread for CuPy's arrays, and PyTorch's for tensors.

        The host is the home of a tensor that is not on CUDA.

        Raises
        ------
        ImportError
            For a tensor on CUDA without a CuPy that works.
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
        """With the device and the stream as the thread's current ones."""
        return self.device.on_stream(self.stream)

    @on_device
    def bring(self, array: Any) -> Array:
        """Copy from the host; from another device it would be a mixture, which the edge refuses."""
        if isinstance(array, np.ndarray):
            return self._uploads.copy(array)
        return self.xp.asarray(array)

    @on_device
    def for_samples(self, arrays: Sequence[Any]) -> CupyHome:
        """Look at the memory that is free, unless the arrays are small."""
        n_samples = arrays[0].size
        sizes = [array.nbytes for array in arrays if isinstance(array, np.ndarray)]
        if sum(sizes) <= transfer.CHUNK_BYTES:
            return self
        supply = plan.supply(sizes, n_samples, self.device.free_bytes())
        return self if supply is None else CupyHome(self.device, self.stream, supply)

    def bring_or_stream(self, array: Any) -> Array | OnHost:
        """On the host where that was decided for arrays of this size."""
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
        """Copy."""
        return array.get()

    def other_devices(self) -> Sequence[CupyHome]:
        """All other devices that are not too old."""
        others = (found for found in discovery.devices() if found.number != self.device.number)
        return [CupyHome(found) for found in others if discovery.is_capable(found)]
