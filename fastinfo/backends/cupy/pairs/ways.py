"""Which way to count a tile of pairs: the one with the lowest predicted time.

Three of the ways multiply one-hot bits (``onehot.cuh``) and differ in what multiplies them; the
fourth increments a table in shared memory (``scatter.cu``). The rates of `RATES`, per cycle of a
multiprocessor, decide between them. They are worked out from what vendors and others tell, and
wait for ``ci/bench-gpu`` to measure them; only their ratios matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

BITS, BYTES, WORDS, SCATTER = "bits", "bytes", "words", "scatter"

PANEL = 64
"""Rows of one-hot bits that a warp takes on one side, as ``onehot.cuh`` has it."""

STAGE = 512
"""Samples of a stage of it."""

MOST_ROWS = 63
"""One-hot rows of a feature: what six bit planes tell apart."""


class Rates(NamedTuple):
    """What a multiprocessor does in a cycle."""

    bits: int
    """Products of two bits by ``mma.sync`` b1, each added up; 0 where that is emulated."""
    bytes: int
    """Products of two bytes by ``mma.sync`` s8; 0 where there are none of that shape."""
    words: int = 16
    """Population counts of 32-bit words."""
    increments: int = 8
    """Atomic increments in shared memory: of 8 to 16 that are told, the careful end."""
    lookups: float = 2.0
    """Entries of the table of c·log c: 5 from shared memory; from the first-level cache 1 for
    counts far apart, and more for counts that are alike."""


RATES = {
    (7, 5): Rates(bits=0, bytes=0),
    (8, 0): Rates(bits=16_384, bytes=2048),
    (8, 6): Rates(bits=8192, bytes=1024),
    (9, 0): Rates(bits=16_384, bytes=2048),
    (10, 0): Rates(bits=0, bytes=2048),
    (12, 0): Rates(bits=0, bytes=1024),
}
"""By the compute capability from which on they hold."""

READ, WRITE, LOGIC = 0.5, 0.25, 0.25
"""Cycles a sample of a block's stage takes beside the products: to read one-hot words from shared
memory, to write them and to make them. They overlap with the products and with each other, so that
the slowest of all decides."""

BLOCK = 2000.0
"""Cycles until a block is under way, and at its end."""

CLEAR = 0.02
"""Cycles to clear a cell of a table in shared memory and add its copies up."""


def rates(capability: tuple[int, int]) -> Rates:
    """Of a compute capability: those of the last one before it where it has none of its own."""
    return RATES[max(known for known in RATES if known <= max(capability, min(RATES)))]


def slots(rows: int) -> int:
    """Features on one side of a block that counts one-hot bits."""
    return 2 * (PANEL // rows)


class ClassSize(NamedTuple):
    """Features of one class on one side of a tile."""

    n_features: int
    n_bins: int
    """The most that any has."""
    rows: int
    """Of one-hot bits; 0 where there are no bit planes."""


def predict(
    way: str, capability: tuple[int, int], n_samples: int, left: ClassSize, right: ClassSize
) -> float:
    """Cycles of one multiprocessor for all pairs of two sides; infinite where it cannot be done."""
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
