"""Samples on their way from the host: in chunks, through two buffers that the device reads from.

While the device takes one chunk out of page-locked memory, the processor copies the next one there.
That goes on beside whatever the device computes, as it has a stream of its own, and columns that
are fitted side by side overlap with each other. Within one column nothing is computed before all of
it has come: at 50 GB/s the way over PCIe takes twenty times as long as counting at 1 TB/s, so that
a twentieth is all that there would be to gain.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device

CHUNK_BYTES = 1 << 25
"""Bytes of a buffer: half a millisecond of PCIe, against microseconds to start a copy."""


def upload(device: Device, array: Any) -> Array:
    """A copy of a host array on the device, complete when this returns."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.nbytes <= CHUNK_BYTES:
        return device.xp.asarray(array)
    target = device.xp.empty(flat.size, flat.dtype)
    copier = device.copier(CHUNK_BYTES)
    for number, (start, stop) in enumerate(plan.chunks(flat.size, flat.itemsize, CHUNK_BYTES)):
        lane = number % 2
        copier.wait(lane)
        chunk = flat[start:stop].view(np.uint8)
        copier.buffer(lane)[: chunk.size] = chunk
        copier.start(lane, target[start:stop], chunk.size)
    copier.wait(0)
    copier.wait(1)
    return target.reshape(array.shape)
