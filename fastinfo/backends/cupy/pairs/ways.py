"""The choice of the way to count a tile of pairs: the one with the lowest predicted time.

Three of the ways multiply one-hot bits (``onehot.cuh``), by different instructions. The fourth way
increments a table in shared memory (``scatter.cu``). The rates of `RATES`, per cycle of a
multiprocessor, decide between them. They are derived from numbers that vendors and others publish;
``ci/bench gpu`` has still to measure them. Only their ratios matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

BITS, BYTES, WORDS, SCATTER = "bits", "bytes", "words", "scatter"

PANEL = 64
"""Rows of one-hot bits that a warp takes on one side: ``PANEL`` of ``onehot.cuh``."""

STAGE = 512
"""Samples of a stage of one-hot counting."""

MOST_ROWS = 63
"""The most one-hot rows of a feature: the values beside 0 of six bit planes."""


class Rates(NamedTuple):
    """The rates of a multiprocessor, each per cycle."""

    bits: int
    """Products of two bits by ``mma.sync`` b1, with their sums; 0 where that is emulated."""
    bytes: int
    """Products of two bytes by ``mma.sync`` s8; 0 where the machine lacks that shape."""
    words: int = 16
    """Population counts of 32-bit words."""
    increments: int = 8
    """Atomic increments in shared memory; 8 to 16 are published, and this is the lowest."""
    lookups: float = 2.0
    """Entries of the table of f(c): 5 from shared memory. The first-level cache gives 1 for counts
    far apart, and more for counts close together."""


RATES = {
    (7, 5): Rates(bits=0, bytes=0),
    (8, 0): Rates(bits=16_384, bytes=2048),
    (8, 6): Rates(bits=8192, bytes=1024),
    (9, 0): Rates(bits=16_384, bytes=2048),
    (10, 0): Rates(bits=0, bytes=2048),
    (12, 0): Rates(bits=0, bytes=1024),
}
"""Rates by the first compute capability for which they hold."""

READ, WRITE, LOGIC = 0.5, 0.25, 0.25
"""Cycles that a sample of a block's stage takes beside the products: to read one-hot words from
shared memory, to write them and to make them. They overlap with the products and with each other,
so that only the slowest counts."""

BLOCK = 2000.0
"""Cycles that a block takes at its start and its end."""

CLEAR = 0.02
"""Cycles to clear a cell of a table in shared memory and add its copies up."""


def rates(capability: tuple[int, int]) -> Rates:
    """The rates of a compute capability; without an entry, those of the last one before it."""
    return RATES[max(known for known in RATES if known <= max(capability, min(RATES)))]


def slots(rows: int) -> int:
    """The number of features on one side of a block that counts one-hot bits."""
    return 2 * (PANEL // rows)


class ClassSize(NamedTuple):
    """The sizes of the features of one class on one side of a tile."""

    n_features: int
    n_bins: int
    """The largest number of bins of a feature."""
    rows: int
    """Rows of one-hot bits of a feature; 0 where there are no bit planes."""


def predict(
    way: str, capability: tuple[int, int], n_samples: int, left: ClassSize, right: ClassSize
) -> float:
    """Cycles of one multiprocessor for all pairs of two sides; infinite if the way cannot do it."""
    rate = rates(capability)
    n_pairs = left.n_features * right.n_features
    if way == SCATTER:
        cells = (left.n_bins + 1) * (right.n_bins + 1)
        reduced = cells * (CLEAR + 1 / rate.lookups)
        return n_pairs * (n_samples / rate.increments + reduced)
    products = {BITS: rate.bits, BYTES: rate.bytes, WORDS: 32 * rate.words}[way]
    if not products or not 0 < left.rows <= MOST_ROWS or not 0 < right.rows <= MOST_ROWS:
        return float("inf")
    blocks = -(-left.n_features // slots(left.rows)) * -(-right.n_features // slots(right.rows))
    samples = -(-n_samples // STAGE) * STAGE
    a_sample = max((2 * PANEL) ** 2 / products, READ, WRITE, LOGIC)
    return (
        blocks * (samples * a_sample + BLOCK) + n_pairs * left.n_bins * right.n_bins / rate.lookups
    )


def choose(
    capability: tuple[int, int],
    n_samples: int,
    left: ClassSize,
    right: ClassSize,
    ways: Sequence[str] = (BITS, BYTES, WORDS, SCATTER),
) -> str:
    """The way that is predicted to be fastest."""
    return min(ways, key=lambda way: predict(way, capability, n_samples, left, right))
