"""Launchers of ``rates.cu``, which measure the rates for `pairs.ways.RATES`."""

from __future__ import annotations

import numpy as np

from fastinfo.backends.cupy.device import Array, Device

BLOCK = 256
PRODUCTS = {"Bits": 16 * 8 * 256, "Bytes": 16 * 8 * 32}
"""Number of products of two bits, or of two bytes, in one matrix product of a warp."""

CHAINS = 8
"""Number of independent matrix products that each warp has under way."""

CELLS = 16
"""Number of cells that each thread increments in turn."""


def multiply(
    device: Device, kind: str, a: Array, b: Array, repeats: int = 1, n_blocks: int = 1
) -> Array:
    """Products of ``a`` (16, 8) and ``b`` (8, 8), words of uint32, added up: int32 (16, 8).

    One product is the sum over the words of a row of ``a`` and a row of ``b``. Every warp computes
    each product ``CHAINS`` · ``repeats`` times. The sums may overflow.
    """
    c = device.xp.zeros((16, 8), np.int32)
    device.launch("rates", f"multiply_words<{kind}>", n_blocks, BLOCK, (a, b, np.int32(repeats), c))
    return c


def increment(
    device: Device, cells: Array, n_cells: int, repeats: int = 1, n_blocks: int = 1
) -> Array:
    """Counts of ``cells``, uint64 ``(n_cells,)``, made by increments in shared memory.

    ``cells`` is uint32 with ``CELLS`` for each thread of a block; every block increments the same.
    """
    totals = device.xp.zeros(n_cells, np.uint64)
    device.launch(
        "rates", "increment", n_blocks, BLOCK,
        (cells, np.int32(n_cells), np.int32(repeats), totals), 4 * n_cells,
    )  # fmt: skip
    return totals
