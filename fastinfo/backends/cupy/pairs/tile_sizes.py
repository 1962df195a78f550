"""How tiles of pairs are cut for a device: plain functions of sizes."""

from __future__ import annotations

from typing import NamedTuple

from fastinfo.backends.contract import TileShape
from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Properties
from fastinfo.backends.cupy.pairs.ways import PANEL, STAGE, slots

TILE_SHAPE = TileShape(side=4096, samples=1 << 38)
"""Squares that keep a device busy, of which the triangle on the diagonal is counted. What is told
of 16 million pairs takes some hundred megabytes."""

SPLIT_SAMPLES = 1 << 30
"""Samples that one block counts at most: sums of 32 bits are then added up in 64."""

LEAST_SPLIT = 1 << 16
"""Samples below which it is not worth while to give a pair's samples to several blocks."""

BLOCKS_AT_ONCE = 2
"""Blocks of one-hot counting that a multiprocessor runs at once, by their registers."""

ONEHOT_BYTES = 2 * PANEL * (PANEL + 1) * 4
"""Shared memory of one-hot counting: the counts of two panels, which are a little more than two
stages of one-hot words."""

SCATTER_BLOCKS = 3
"""The same for increments in shared memory, which share it; 12.0 runs two, by their registers."""

MOST_RIGHTS, FEW_COPIES_SHIFT, MOST_COPIES_SHIFT = 4, 3, 5
"""Features on the right that share the loads of one on the left; 2^shift copies of each table."""

MOST_SLICES = 16
"""Slices of a table, each of which reads all samples, before increments go to memory instead."""

CELL_BYTES = 4
"""Of a count in shared memory."""

SUMS_BYTES = 32
"""Shared memory beside the tables, for the sums of a pair."""

CHUNK_SAMPLES = 1 << 16
"""Samples whose weights one thread adds up. It decides the order of sums: no other size may."""

COUNTS_SHARE = 4
"""The part of the free memory that counts may take where entropies cannot do without them."""


def splits(properties: Properties, n_blocks: int, n_samples: int, at_once: int) -> int:
    """Among how many blocks the samples of a pair are shared out.

    As many as it takes to keep sums in 32 bits, and, where there are few pairs, to fill the device.
    """
    needed = -(-n_samples // SPLIT_SAMPLES)
    wanted = properties.multiprocessors * at_once // max(n_blocks, 1)
    return max(needed, min(wanted, n_samples // LEAST_SPLIT), 1)


def onehot_blocks(n_left: int, n_right: int, left_rows: int, right_rows: int) -> int:
    """Blocks that count two sides by one-hot bits."""
    return -(-n_left // slots(left_rows)) * -(-n_right // slots(right_rows))


def stages(n_samples: int) -> int:
    """Stages of one-hot words."""
    return -(-n_samples // STAGE)


def near_entries(properties: Properties, n_samples: int) -> int:
    """Entries of the table of c·log c in shared memory: all, if all blocks still run at once."""
    room = plan.room(properties, BLOCKS_AT_ONCE) - ONEHOT_BYTES
    return n_samples + 1 if 8 * (n_samples + 1) <= room else 0


class Scatter(NamedTuple):
    """How increments are laid out."""

    rights: int
    """Features on the right of a block."""
    shift: int
    """Each table has 2^shift copies."""
    slice_lines: int
    """Lines of a table, of the spare one too, that a block holds."""
    n_slices: int
    shared_bytes: int


def scatter(properties: Properties, left_bins: int, right_bins: int) -> Scatter | None:
    """Tables in shared memory; None where the counts of a pair are too many for that.

    Features share loads before tables get more than some copies, and copies are made as long as
    all blocks still run at once: what they save in conflicts must not cost loads under way.
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
    """Pairs whose counts are kept at a time, with as much again for what is made of them."""
    return max(free_bytes // (COUNTS_SHARE * 2 * 8 * max(cells, 1)), 1)


def weighted_lefts(
    free_bytes: int, n_left: int, n_right: int, cells: int, n_samples: int
) -> list[tuple[int, int]]:
    """Ranges of features on the left whose tables of all chunks fit the memory at a time."""
    chunks = -(-n_samples // CHUNK_SAMPLES)
    height = max(pairs_at_once(free_bytes, cells * max(chunks, 1)) // max(n_right, 1), 1)
    return [(i, min(i + height, n_left)) for i in range(0, n_left, height)]
