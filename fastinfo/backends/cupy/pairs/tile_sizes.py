"""How tiles of pairs are cut for a device: plain functions of sizes."""

from __future__ import annotations

from typing import NamedTuple

from fastinfo.backends.contract import TileShape
from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Properties
from fastinfo.backends.cupy.pairs.ways import PANEL, STAGE, slots

TILE_SHAPE = TileShape(side=4096, samples=1 << 38)
"""Squares that keep a device busy; of a square on the diagonal only the triangle is counted. The
sums of 16 million pairs take some hundred megabytes."""

SPLIT_SAMPLES = 1 << 30
"""The most samples that one block counts in 32 bits. Sums of several blocks have 64 bits."""

LEAST_SPLIT = 1 << 16
"""The least samples a block for which it pays to give a pair's samples to several blocks."""

BLOCKS_AT_ONCE = 2
"""Blocks of one-hot counting that a multiprocessor runs at once; their registers limit that."""

ONEHOT_BYTES = 2 * PANEL * (PANEL + 1) * 4
"""Bytes of shared memory of one-hot counting: the counts of two panels, which are a little more
than two stages of one-hot words."""

SCATTER_BLOCKS = 3
"""Blocks of increments that share the shared memory of a multiprocessor. With compute capability
12.0 registers allow only two."""

MOST_RIGHTS, FEW_COPIES_SHIFT, MOST_COPIES_SHIFT = 4, 3, 5
"""The most features on the right that share the loads of one on the left, and the numbers of
copies of a table, 2^shift: those that come first and the most."""

MOST_SLICES = 16
"""The most slices of a table, each of which reads all samples. A table that needs more is counted
in global memory."""

CELL_BYTES = 4
"""Bytes of a count in shared memory."""

SUMS_BYTES = 32
"""Bytes of shared memory beside the tables, for the sums of a pair."""

CHUNK_SAMPLES = 1 << 16
"""Samples whose weights one thread adds up. Only this number decides the order of the sums."""

COUNTS_SHARE = 4
"""Counts may take one part in so many of the free memory, where sums are made from them."""


def splits(properties: Properties, n_blocks: int, n_samples: int, at_once: int) -> int:
    """The number of blocks that share the samples of a pair.

    There are as many as keep counts in 32 bits and, where there are few pairs, fill the device.
    """
    needed = -(-n_samples // SPLIT_SAMPLES)
    wanted = properties.multiprocessors * at_once // max(n_blocks, 1)
    return max(needed, min(wanted, n_samples // LEAST_SPLIT), 1)


def onehot_blocks(n_left: int, n_right: int, left_rows: int, right_rows: int) -> int:
    """The number of blocks that count two sides by one-hot bits."""
    return -(-n_left // slots(left_rows)) * -(-n_right // slots(right_rows))


def stages(n_samples: int) -> int:
    """The number of stages of one-hot words."""
    return -(-n_samples // STAGE)


def near_entries(properties: Properties, n_samples: int) -> int:
    """Entries of the table of f(c) to copy to shared memory.

    It is all of them if `BLOCKS_AT_ONCE` blocks can still run at once, else 0.
    """
    room = plan.room(properties, BLOCKS_AT_ONCE) - ONEHOT_BYTES
    return n_samples + 1 if 8 * (n_samples + 1) <= room else 0


class Scatter(NamedTuple):
    """The layout of tables for increments in shared memory."""

    rights: int
    """The number of features on the right of a block."""
    shift: int
    """Each table has 2^shift copies."""
    slice_lines: int
    """The number of lines of a table, the spare one included, that a block holds."""
    n_slices: int
    """The number of slices of a table."""
    shared_bytes: int
    """The bytes of shared memory of a block."""


def scatter(properties: Properties, left_bins: int, right_bins: int) -> Scatter | None:
    """The layout of tables in shared memory; None where a pair has too many counts for that.

    Room is used first for 2^FEW_COPIES_SHIFT copies, then for more features on the right, then for
    more copies. All blocks still run at once: more copies would save conflicts, but fewer loads
    would be under way.
    """
    lines, line = left_bins + 1, (right_bins + 1) * CELL_BYTES
    most = properties.shared_bytes_per_block - SUMS_BYTES
    if lines * line > most:
        slice_lines = most // line
        if slice_lines == 0 or -(-lines // slice_lines) > MOST_SLICES:
            return None
        return Scatter(1, 0, slice_lines, -(-lines // slice_lines), SUMS_BYTES + slice_lines * line)
    budget = plan.room(properties, SCATTER_BLOCKS) - SUMS_BYTES
    rights, shift = 1, 0
    while shift < FEW_COPIES_SHIFT and lines * line << shift + 1 <= budget:
        shift += 1
    while rights < MOST_RIGHTS and 2 * rights * lines * line << shift <= budget:
        rights *= 2
    while shift < MOST_COPIES_SHIFT and rights * lines * line << shift + 1 <= budget:
        shift += 1
    return Scatter(rights, shift, lines, 1, SUMS_BYTES + (rights * lines * line << shift))


def pairs_at_once(free_bytes: int, cells: int) -> int:
    """The number of pairs whose counts are kept at a time, with as much memory for the results."""
    return max(free_bytes // (COUNTS_SHARE * 2 * 8 * max(cells, 1)), 1)


def weighted_lefts(
    free_bytes: int, n_left: int, n_right: int, cells: int, n_samples: int
) -> list[tuple[int, int]]:
    """Ranges of features on the left; the tables of all chunks of a range fit in memory at once."""
    chunks = -(-n_samples // CHUNK_SAMPLES)
    height = max(pairs_at_once(free_bytes, cells * max(chunks, 1)) // max(n_right, 1), 1)
    return [(i, min(i + height, n_left)) for i in range(0, n_left, height)]
