"""How work is cut for a device: plain functions of sizes, which need no device.

A grid has as many blocks as run at once, and goes through the samples in strides. So no last wave
leaves multiprocessors idle, and tables are cleared and added once for each block that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar

from fastinfo.backends.cupy.device import Properties
from fastinfo.backends.soft import SoftBins

Result = TypeVar("Result")

BLOCK = 256
"""Threads of a block that has no table."""

COUNT_BLOCK = 512
"""Threads of a block that share a table."""

MOST_COPIES_SHIFT = 5
"""32 copies of a table: one for each lane of a warp, and for each bank of shared memory."""

WIDE = 16
"""Bytes of the widest load."""

PIECE = 1 << 14
"""Cells of a row that one block adds up. Longer rows are cut, so that several blocks share one."""

MOST_BLOCKS = 1 << 16

MOST_RANGE = 1 << 26
"""The most samples of a range of arrays that stay on the host. Such a range takes milliseconds of
PCIe. Beside these the launches are short, and so is the last copy of a range, during which the
kernel waits."""

WORK_BYTES = 32
"""Bytes for a sample of a range while it is coded and counted: codes, cells and positions."""


RESERVED_BYTES = 1 << 10
"""Bytes of shared memory that CUDA takes for each block, from compute capability 8.0 on."""


def room(properties: Properties, blocks: int) -> int:
    """Bytes of shared memory that a block may have if ``blocks`` of them are to run at once."""
    each = properties.shared_bytes_per_multiprocessor // blocks - RESERVED_BYTES
    return min(each, properties.shared_bytes_per_block)


def grid(properties: Properties, n_items: int, block: int = BLOCK, shared_bytes: int = 0) -> int:
    """Number of blocks for ``n_items``: as many as run at once, and no more than have work."""
    at_once = properties.threads_per_multiprocessor // block
    if shared_bytes:
        needed = shared_bytes + RESERVED_BYTES
        at_once = min(at_once, properties.shared_bytes_per_multiprocessor // needed)
    return max(min(properties.multiprocessors * max(at_once, 1), -(-n_items // block)), 1)


def row_grid(
    properties: Properties, n_rows: int, n_items: int, shared_bytes: int = 0
) -> tuple[int, int]:
    """Grid of blocks (a row, rows) for rows of ``n_items``; few rows get several blocks each."""
    blocks = grid(properties, n_rows * n_items, shared_bytes=shared_bytes)
    for_row = max(min(-(-blocks // max(n_rows, 1)), -(-n_items // BLOCK)), 1)
    return for_row, max(min(n_rows, MOST_BLOCKS - 1), 1)


class Table(NamedTuple):
    """A table of counts in shared memory, and other data behind it."""

    shift: int
    """The table has 2^shift copies."""
    positions: tuple[int, ...]
    """The positions where the other data begin, in bytes."""
    shared_bytes: int
    """The bytes of shared memory of a block."""


def shared_table(
    properties: Properties, n_cells: int, cell_bytes: int, beside: Sequence[int] = ()
) -> Table | None:
    """The layout of a table with ``beside`` bytes of other data; None where they do not fit.

    The table has as many copies as leave room for all threads of a multiprocessor at once. More
    copies would save conflicts, but fewer loads would be under way.
    """
    rest = [_aligned(n_bytes) for n_bytes in beside]
    whole = properties.shared_bytes_per_block
    blocks = max(properties.threads_per_multiprocessor // COUNT_BLOCK, 1)
    budget = room(properties, blocks)

    def end(shift: int) -> int:
        return _aligned(n_cells * cell_bytes << shift)

    if end(0) + sum(rest) > whole:
        return None
    shift = 0
    while shift < MOST_COPIES_SHIFT and end(shift + 1) + sum(rest) <= budget:
        shift += 1
    *positions, last = accumulate(rest, initial=end(shift))
    return Table(shift, tuple(positions), last)


def _aligned(n_bytes: int) -> int:
    return -(-n_bytes // WIDE) * WIDE


def pieces(n_rows: int, n_cells: int) -> int:
    """Number of pieces into which each row of a matrix is cut, by the length of a row alone.

    If it depended on the number of rows, a row would have another sum in another matrix.
    """
    return max(-(-n_cells // PIECE), 1) if n_rows else 1


def sum_block(n_cells: int) -> int:
    """Number of threads that add up a row, by its length alone: a power of two, at least 32."""
    return min(max(1 << (n_cells - 1).bit_length(), 32), BLOCK)


def chunks(n_items: int, item_bytes: int, chunk_bytes: int) -> list[tuple[int, int]]:
    """Borders of the chunks in which host data are copied: whole wide loads, all of one size."""
    size = max(chunk_bytes // item_bytes // WIDE * WIDE, WIDE)
    return [(start, min(start + size, n_items)) for start in range(0, n_items, size)]


class Supply(NamedTuple):
    """How arrays of the host are copied to a device whose memory does not hold them all."""

    whole_bytes: int
    """Arrays up to this size are copied whole; larger ones are copied range by range."""
    samples: int
    """The number of samples of a range."""


def supply(sizes: Sequence[int], n_samples: int, free_bytes: int) -> Supply | None:
    """The supply for arrays of these ``sizes`` in bytes; None where all of them fit.

    Samples get half of the memory, because counting, sorting and other programs take some too. The
    smallest arrays are copied whole. Arrays of equal size are treated alike.
    """
    kept = whole_bytes = 0
    ordered = sorted(sizes)
    for size in sorted(set(ordered)):
        if kept + size * ordered.count(size) > free_bytes // 2:
            break
        kept += size * ordered.count(size)
        whole_bytes = size
    else:
        return None
    a_sample = -(-(sum(ordered) - kept) // n_samples) + WORK_BYTES
    fitting = (free_bytes - kept) // 4 // a_sample
    return Supply(whole_bytes, max(min(fitting, MOST_RANGE) // WIDE * WIDE, WIDE))


def halving(
    work: Callable[[Any], Result], items: Sequence[Any], out_of_memory: type[BaseException]
) -> Iterator[tuple[Sequence[Any], Result]]:
    """Parts of the items with the result of ``work`` on each, in order.

    A part that does not fit in memory is halved. One item that does not fit is an error.
    """
    try:
        result = work(items)
    except out_of_memory:
        if len(items) <= 1:
            raise
    else:
        yield items, result
        return
    # Outside of the except clause, whose traceback would keep the arrays of the failed call alive.
    middle = len(items) // 2
    for part in (items[:middle], items[middle:]):
        yield from halving(work, part, out_of_memory)


# --- soft counts ----------------------------------------------------------------------------------

SOFT_PITCH = 33
"""Doubles from one tap of a warp's samples to the next: ``PITCH`` of ``spread.cuh``."""

SOFT_WARPS = 4
"""The most warps of a block. They work independently of each other."""

SOFT_BLOCKS = 4
"""The number of blocks that a multiprocessor should run at once."""

SOFT_TABLE_BYTES = 1 << 28
"""Bytes for the tables of chunks. One pair may take more, but at most 64 bytes a sample."""


def soft_taps(bins: SoftBins) -> int:
    """Number of neighbouring bins in which a sample may have shares."""
    if bins.kernel == "gaussian":
        return min(2 * bins.reach, bins.n_bins)
    return bins.order + 1


def soft_chunk(n_samples: int, n_cells: int) -> int:
    """Number of samples that a warp counts in one table: a multiple of 32.

    It does not depend on the device, so that the sums do not either. It is so large that clearing,
    storing and adding up a table takes less time than counting in it, and that a pair has no more
    than 2048 tables.
    """
    return -(-max(256, n_cells // 8, -(-n_samples // 2048)) // 32) * 32


def soft_lines(n_chunks: int) -> int:
    """Number of lines of 32 threads that add up tables: a power of two, by ``n_chunks`` alone."""
    return min(1 << (n_chunks - 1).bit_length(), 32)


class Warps(NamedTuple):
    """The warps of a block, each with memory of its own."""

    number: int
    """The number of warps."""
    shares: int
    """Doubles for the shares of a warp's samples."""
    shared_bytes: int | None
    """Shared memory of a block; None where that of one warp does not fit, so that the shares are in
    global memory."""


def soft_warps(properties: Properties, taps: int, n_cells: int) -> Warps:
    """The warps of a block, each with shares of so many taps and a table of ``n_cells``."""
    shares = taps * SOFT_PITCH
    one = (shares + n_cells) * 8
    if one > properties.shared_bytes_per_block:
        return Warps(SOFT_WARPS, shares, None)
    number = SOFT_WARPS
    while number > 1 and number * one > room(properties, SOFT_BLOCKS):
        number //= 2
    return Warps(number, shares, number * one)


def soft_grid(properties: Properties, n_threads: int, warps: Warps) -> int:
    """Number of blocks for ``n_threads``; fewer where their shares would take too much memory."""
    blocks = grid(properties, n_threads, warps.number * 32, warps.shared_bytes or 0)
    if warps.shared_bytes is None:
        blocks = min(blocks, max(SOFT_TABLE_BYTES // (warps.number * warps.shares * 8), 1))
    return blocks
