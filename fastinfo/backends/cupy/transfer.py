"""Samples on their way from the host: in chunks, through two buffers that the device reads from.

While the device takes one chunk out of page-locked memory, the processor copies the next one there.
That goes on beside whatever the device computes, as it has a stream of its own, and columns that
are fitted side by side overlap with each other. Of a column that comes whole nothing is computed
before all of it is there: at 50 GB/s the way over PCIe takes twenty times as long as counting at
1 TB/s, so that a twentieth is all that there would be to gain. A column that the device has no room
for comes range by range (`plan.supply`), and the processor goes on to the next range as soon as it
has filled the buffers for the last time: the device waits for the end of a copy, and then computes,
while the next range is on its way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Copier, Device

CHUNK_BYTES = 1 << 25
"""Bytes of a buffer: half a millisecond of PCIe, against microseconds to start a copy."""


class Uploads:
    """Copies of host arrays on a device.

    Page-locked buffers take milliseconds to be had, so they are kept from one array to the next:
    two for each thread that copies at the same time.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._idle: list[Copier] = []

    def copy(self, array: Any) -> Array:
        """A copy that is complete for what is launched on the current stream from now on."""
        flat = np.ascontiguousarray(array).reshape(-1)
        if flat.nbytes <= CHUNK_BYTES:
            return self._device.xp.asarray(array)
        target = self._device.xp.empty(flat.size, flat.dtype)
        copier = self._taken()
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
            copier.end()  # also before the target of a copy that broke off is given to others
        self._idle.append(copier)
        return target.reshape(array.shape)

    def _taken(self) -> Copier:
        try:
            return self._idle.pop()
        except IndexError:
            return self._device.copier(CHUNK_BYTES)
