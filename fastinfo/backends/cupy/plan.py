"""How work is cut for a device: plain functions of sizes, without a device.

A grid of the machine's size that goes through the samples in strides has no last wave that leaves
multiprocessors idle, and clears and adds its tables once for each block that runs.
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
"""Threads of a block that shares a table."""

MOST_COPIES_SHIFT = 5
"""32 copies of a table: one for each lane of a warp, and for each bank of shared memory."""

WIDE = 16
"""Bytes of the widest load."""

PIECE = 1 << 14
"""Cells of a row that one block adds up; long rows are cut, or one block would do all the work."""

MOST_BLOCKS = 1 << 16

MOST_RANGE = 1 << 26
"""Samples of a range of arrays that stay on the host, at most: milliseconds of PCIe, beside which
launches and the last copy of a range, for which nobody waits but the kernel, are short."""

WORK_BYTES = 32
"""Memory for a sample of a range while it is coded and counted: codes, cells and positions."""


RESERVED_BYTES = 1 << 10
"""Shared memory that CUDA takes for each block from compute capability 8.0 on."""


def room(properties: Properties, blocks: int) -> int:
    """Shared memory that a block may ask for where so many are to run at once."""
    each = properties.shared_bytes_per_multiprocessor // blocks - RESERVED_BYTES
    return min(each, properties.shared_bytes_per_block)


def grid(properties: Properties, n_items: int, block: int = BLOCK, shared_bytes: int = 0) -> int:
    """Blocks for ``n_items``: as many as run at once, and no more than there is work for."""
    at_once = properties.threads_per_multiprocessor // block
    if shared_bytes:
        needed = shared_bytes + RESERVED_BYTES
        at_once = min(at_once, properties.shared_bytes_per_multiprocessor // needed)
    return max(min(properties.multiprocessors * max(at_once, 1), -(-n_items // block)), 1)


def row_grid(
    properties: Properties, n_rows: int, n_items: int, shared_bytes: int = 0
) -> tuple[int, int]:
    """Blocks for rows of ``n_items`` each: several a row, where there are more blocks than rows."""
    blocks = grid(properties, n_rows * n_items, shared_bytes=shared_bytes)
    for_row = max(min(-(-blocks // max(n_rows, 1)), -(-n_items // BLOCK)), 1)
    return for_row, max(min(n_rows, MOST_BLOCKS - 1), 1)


class Table(NamedTuple):
    """A table of counts in shared memory, and what lies behind it."""

    shift: int
    """It has 2^shift copies."""
    positions: tuple[int, ...]
    """Where what else is held begins, in bytes."""
    shared_bytes: int


def shared_table(
    properties: Properties, n_cells: int, cell_bytes: int, beside: Sequence[int] = ()
) -> Table | None:
    """How a block holds a table and so many bytes ``beside`` it, or None where they do not fit.

    Copies are made as long as all threads of a multiprocessor still run at once: what they save in
    conflicts must not be paid for with fewer loads under way.
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
    """Into how many pieces each row of a matrix is cut, by the length of a row alone.

    The number of rows must not decide, or the same row would have another sum in another matrix.
    """
    return max(-(-n_cells // PIECE), 1) if n_rows else 1


def sum_block(n_cells: int) -> int:
    """Threads that add up a row, by its length alone: whole warps, a power of two."""
    return min(max(1 << (n_cells - 1).bit_length(), 32), BLOCK)


def chunks(n_items: int, item_bytes: int, chunk_bytes: int) -> list[tuple[int, int]]:
    """Borders of the chunks in which host data is moved; whole wide loads, all of one size."""
    size = max(chunk_bytes // item_bytes // WIDE * WIDE, WIDE)
    return [(start, min(start + size, n_items)) for start in range(0, n_items, size)]


class Supply(NamedTuple):
    """How arrays of the host come to a device that does not hold them all."""

    whole_bytes: int
    """Arrays up to this size are brought whole; others range by range."""
    samples: int
    """Samples of a range."""


def supply(sizes: Sequence[int], n_samples: int, free_bytes: int) -> Supply | None:
    """What stays on the host of arrays of some ``sizes`` in bytes; None where nothing has to.

    Half of the memory is for samples: counting, sorting and what others do takes some too. The
    smallest arrays come whole, and those of one size all together or not at all.
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
    """``work`` on the items, on half of them at a time where the memory does not hold all.

    Yields each part with its result, in order. One item that does not fit is an error.
    """
    try:
        result = work(items)
    except out_of_memory:
        if len(items) <= 1:
            raise
    else:
        yield items, result
        return
    # Outside of the except clause, whose traceback would keep what was made so far alive.
    middle = len(items) // 2
    for part in (items[:middle], items[middle:]):
        yield from halving(work, part, out_of_memory)


# --- soft counts ----------------------------------------------------------------------------------

SOFT_PITCH = 33
"""Doubles from one tap of a warp's samples to the next, as in ``spread.cuh``."""

SOFT_WARPS = 4
"""Warps of a block, at most; they do not know of each other."""

SOFT_BLOCKS = 4
"""Blocks that a multiprocessor is to run at once."""

SOFT_TABLE_BYTES = 1 << 28
"""Memory for the tables of chunks, unless one pair takes more: 64 bytes a sample at most."""


def soft_taps(bins: SoftBins) -> int:
    """Neighbouring bins that a sample may have shares in."""
    if bins.kernel == "gaussian":
        return min(2 * bins.reach, bins.n_bins)
    return bins.order + 1


def soft_chunk(n_samples: int, n_cells: int) -> int:
    """Samples that a warp counts in one table: whole warps, by the problem and not the device.

    Enough that clearing, storing and adding up a table takes less than counting in it, and no more
    than 2048 tables of a pair.
    """
    return -(-max(256, n_cells // 8, -(-n_samples // 2048)) // 32) * 32


def soft_lines(n_chunks: int) -> int:
    """Lines of 32 threads that add up tables of chunks: a power of two, by their number alone."""
    return min(1 << (n_chunks - 1).bit_length(), 32)


class Warps(NamedTuple):
    """A block of warps that each have memory of their own."""

    number: int
    shares: int
    """Doubles for the shares of a warp's samples."""
    shared_bytes: int | None
    """Shared memory of a block; None where one warp's does not fit, and lies in memory."""


def soft_warps(properties: Properties, taps: int, n_cells: int) -> Warps:
    """How a block of warps holds shares of so many taps, and a table for each warp."""
    shares = taps * SOFT_PITCH
    one = (shares + n_cells) * 8
    if one > properties.shared_bytes_per_block:
        return Warps(SOFT_WARPS, shares, None)
    number = SOFT_WARPS
    while number > 1 and number * one > room(properties, SOFT_BLOCKS):
        number //= 2
    return Warps(number, shares, number * one)


def soft_grid(properties: Properties, n_threads: int, warps: Warps) -> int:
    """Blocks for so many threads' work; fewer where memory holds no more of their shares."""
    blocks = grid(properties, n_threads, warps.number * 32, warps.shared_bytes or 0)
    if warps.shared_bytes is None:
        blocks = min(blocks, max(SOFT_TABLE_BYTES // (warps.number * warps.shares * 8), 1))
    return blocks
