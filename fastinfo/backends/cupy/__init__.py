"""The CuPy backend: kernels in CUDA C++ behind `fastinfo.backends.contract.Kernels`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from fastinfo.backends.cupy import sums
from fastinfo.backends.cupy.device import Array, Device

P = ParamSpec("P")
Result = TypeVar("Result")


def on_device(
    method: Callable[Concatenate[CupyKernels, P], Result],
) -> Callable[Concatenate[Any, P], Result]:
    """Run a method with the kernels' device as the current one: CuPy keeps that by thread."""

    @wraps(method)
    def run(self: Any, /, *arguments: P.args, **options: P.kwargs) -> Result:
        with self.device.current():
            return method(self, *arguments, **options)

    return run


class CupyKernels:
    """The kernels of the contract on one device."""

    name = "cupy"

    def __init__(self, device: Device) -> None:
        self.device = device
        self.xp: Any = device.xp

    @on_device
    def sum_xlogx(self, counts: Array) -> Array:
        """One block of threads a row."""
        return sums.sum_xlogx(self.device, counts)
