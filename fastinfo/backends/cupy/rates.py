"""Launchers of ``rates.cu``: what `pairs.ways.RATES` waits to be measured with."""

from __future__ import annotations

import numpy as np

from fastinfo.backends.cupy.device import Array, Device

BLOCK = 256
PRODUCTS = {"Bits": 16 * 8 * 256, "Bytes": 16 * 8 * 32}
"""Products of two bits, or bytes, of one matrix product of a warp."""

CHAINS = 8
"""Products that each warp has under way at a time."""

CELLS = 16
"""Cells that each thread increments in turn."""


def multiply(
    device: Device, kind: str, a: Array, b: Array, repeats: int = 1, n_blocks: int = 1
) -> Array:
    """Products of ``a`` (16, 8) and ``b`` (8, 8), words of uint32, by every warp, added up.

    One product is the sum over the words of a row of ``a`` and one of ``b``. There are ``CHAINS`` ·
    ``repeats`` of each warp, int32 and not safe from overflow.
    """
    c = device.xp.zeros((16, 8), np.int32)
    device.launch("rates", f"multiply_words<{kind}>", n_blocks, BLOCK, (a, b, np.int32(repeats), c))
    return c


def increment(
    device: Device, cells: Array, n_cells: int, repeats: int = 1, n_blocks: int = 1
) -> Array:
    """Counts of ``cells``, ``CELLS`` of each thread of a block, uint32, in shared memory."""
    totals = device.xp.zeros(n_cells, np.uint64)
    device.launch(
        "rates", "increment", n_blocks, BLOCK,
        (cells, np.int32(n_cells), np.int32(repeats), totals), 4 * n_cells,
    )  # fmt: skip
    return totals
