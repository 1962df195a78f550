"""The devices that can be used, or the reason why there is none; looked for once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from fastinfo.backends.cupy.device import Device
from fastinfo.backends.cupy.sources import LEAST_CAPABILITY

LEAST_CUPY = (14, 2)
"""Older versions of CuPy take no stream of another library, or destroy it as one of their own."""

INSTALL = "pip install cupy-cuda13x (or cupy-cuda12x, as your driver is)"


class UnusableError(ImportError):
    """CuPy is missing or cannot be used; the message says why and how to go on."""


@cache
def _devices_or_reason() -> tuple[Device, ...] | UnusableError:
    """The devices, or the error that says why there are none."""
    # The error is returned, not raised: `cache` keeps no exceptions.
    try:
        import cupy
    except ImportError as error:
        return UnusableError(f"{_first_line(error)}; {INSTALL}")
    return found_by(cupy)


def found_by(cupy: Any) -> tuple[Device, ...] | UnusableError:
    """The devices of an imported CuPy, or the error that says why there are none."""
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
    """The devices, or an error if all are too old for the kernels."""
    return tuple(devices) if any(map(is_capable, devices)) else _too_old(devices)


def _too_old(devices: Sequence[Device]) -> UnusableError:
    capabilities = ", ".join(
        f"{device.properties.name} has {device.properties.capability[0]}."
        f"{device.properties.capability[1]}"
        for device in devices
    )
    return UnusableError(
        f"a compute capability of {LEAST_CAPABILITY[0]}.{LEAST_CAPABILITY[1]} or more is needed, "
        f"and {capabilities}; use another backend"
    )


def is_capable(device: Device) -> bool:
    """Whether the kernels can be compiled for a device."""
    return device.properties.capability >= LEAST_CAPABILITY


def devices() -> tuple[Device, ...]:
    """All devices, in CUDA's order.

    Raises
    ------
    UnusableError
        If none can be used.
    """
    found = _devices_or_reason()
    if isinstance(found, UnusableError):
        raise UnusableError(str(found))
    return found


def device(number: int | None) -> Device:
    """The device of a number, or CuPy's current device for None."""
    all_devices = devices()
    chosen = all_devices[all_devices[0].current_number() if number is None else number]
    if is_capable(chosen):
        return chosen
    raise _too_old([chosen])


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
