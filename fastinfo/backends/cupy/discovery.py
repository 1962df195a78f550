"""Which devices there are to work on, and the reason where there is none; found out once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from fastinfo.backends.cupy.device import Device
from fastinfo.backends.cupy.sources import LEAST_CAPABILITY

LEAST_CUPY = (14, 2)
"""Before it, CuPy does not take a stream that another library made, or ends it as its own."""

INSTALL = "pip install cupy-cuda13x (or cupy-cuda12x, as your driver is)"


class UnusableError(ImportError):
    """CuPy is there or not, and cannot be worked with; the message says why and how to go on."""


@cache
def _found() -> tuple[Device, ...] | UnusableError:
    """The devices, or why there are none: an exception would not be remembered."""
    try:
        import cupy
    except ImportError as error:
        return UnusableError(f"{_first_line(error)}; {INSTALL}")
    return found_by(cupy)


def found_by(cupy: Any) -> tuple[Device, ...] | UnusableError:
    """The devices of an imported CuPy, or why there are none."""
    if tuple(map(int, re.findall(r"\d+", cupy.__version__)[:2])) < LEAST_CUPY:
        least = ".".join(map(str, LEAST_CUPY))
        return UnusableError(f"CuPy {cupy.__version__} is older than {least}; {INSTALL}")
    try:
        n_devices = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return UnusableError(
            f"CuPy {cupy.__version__} finds no NVIDIA driver that it can use "
            f"({_first_line(error)}); install or update the driver, or use another backend"
        )
    if n_devices == 0:
        return UnusableError(
            f"CuPy {cupy.__version__} finds a driver and no device; make one visible "
            "(CUDA_VISIBLE_DEVICES), or use another backend"
        )
    try:
        cupy.cuda.nvrtc.getVersion()
    except (ImportError, RuntimeError, OSError) as error:
        return UnusableError(
            f"CuPy {cupy.__version__} finds no NVRTC, which compiles the kernels "
            f"({_first_line(error)}); pip install 'cupy-cuda13x[ctk]', or install the CUDA toolkit"
        )
    from fastinfo.backends.cupy.hardware import Hardware

    devices = tuple(Hardware(number) for number in range(n_devices))
    return capable(devices)


def capable(devices: Sequence[Device]) -> tuple[Device, ...] | UnusableError:
    """The devices, unless all are older than the kernels can be compiled for."""
    return tuple(devices) if any(map(is_capable, devices)) else _too_old(devices)


def _too_old(devices: Sequence[Device]) -> UnusableError:
    told = ", ".join(
        f"{device.properties.name} has {device.properties.capability[0]}."
        f"{device.properties.capability[1]}"
        for device in devices
    )
    return UnusableError(
        f"a compute capability of {LEAST_CAPABILITY[0]}.{LEAST_CAPABILITY[1]} or more is needed, "
        f"and {told}; use another backend"
    )


def is_capable(device: Device) -> bool:
    """Whether the kernels can be compiled for a device."""
    return device.properties.capability >= LEAST_CAPABILITY


def devices() -> tuple[Device, ...]:
    """All devices, in CUDA's order.

    Raises
    ------
    UnusableError
        Where none can be worked with.
    """
    found = _found()
    if isinstance(found, UnusableError):
        raise UnusableError(str(found))
    return found


def device(number: int | None) -> Device:
    """One device: the numbered one, or the one that CuPy has as its current one."""
    every = devices()
    chosen = every[every[0].current_number() if number is None else number]
    if is_capable(chosen):
        return chosen
    raise _too_old([chosen])


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
