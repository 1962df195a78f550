"""Copies of samples from the host: in pieces, through two buffers that the device reads from.

While the device reads one piece from page-locked memory, the processor copies the next one there.
Copies have a stream of their own, so that the device computes meanwhile, and the copies of columns
that several threads fit overlap. Nothing is computed of a column that comes whole before all of it
has arrived: PCIe at 50 GB/s takes twenty times as long as counting at 1 TB/s, so that at most a
twentieth could be gained. A column that does not fit the device comes range by range
(`plan.supply`). The processor goes on to the next range once it has filled the buffers for the last
time. The device waits for the end of a copy and then computes, while the next range arrives.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Copier, Device

CHUNK_BYTES = 1 << 25
"""Bytes of a buffer: PCIe takes half a millisecond for them, and a start only microseconds."""


class Uploads:
    """Copies host arrays to a device.

    To allocate page-locked buffers takes milliseconds, so they are kept from one array to the next:
    two for each thread that copies at the same time.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._idle: list[Copier] = []

    def copy(self, array: Any) -> Array:
        """A copy on the device; what the current stream runs from now on sees it complete."""
        flat = np.ascontiguousarray(array).reshape(-1)
        if flat.nbytes <= CHUNK_BYTES:
            return self._device.xp.asarray(array)
        target = self._device.xp.empty(flat.size, flat.dtype)
        copier = self._idle_or_new()
        copier.begin()
        try:
            for number, (start, stop) in enumerate(
                plan.chunks(flat.size, flat.itemsize, CHUNK_BYTES)
            ):
                lane = number % 2
                copier.wait(lane)
                chunk = flat[start:stop].view(np.uint8)
                copier.buffer(lane)[: chunk.size] = chunk
                copier.start(lane, target[start:stop], chunk.size)
        finally:
            copier.end()  # also after an error: the target's memory may be reused then
        self._idle.append(copier)
        return target.reshape(array.shape)

    def _idle_or_new(self) -> Copier:
        try:
            return self._idle.pop()
        except IndexError:
            return self._device.copier(CHUNK_BYTES)
