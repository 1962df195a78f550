"""The choice of the way to count a tile: the one with the lowest predicted time.

``python -m bench.crossovers`` measures every way over bins and samples, and reports where this
choice takes a slower one. Costs are nanoseconds on one core, set by hand from its timings. Only
their ratios matter.
"""

from __future__ import annotations

from typing import NamedTuple

from fastinfo.backends.numba.processor import has_vector_popcount
from fastinfo.backends.numba.simd import BITS

POSITIONAL, POSITIONAL_SWAPPED, BITSET, SCATTER, STEPS = range(5)


class Costs(NamedTuple):
    """What the parts of the ways take on one kind of processor."""

    row: float
    """Add the bits of 512 columns of one sample."""
    and_popcnt: float
    """Take 512 samples of two bitsets."""
    most_columns: int
    """The most columns of a feature that gets bit rows: few features with more share a row."""


AVX512 = Costs(row=0.70, and_popcnt=0.45, most_columns=128)
"""Vectors of 512 bits with their own popcount (Zen 4)."""
AVX2 = Costs(row=3.2, and_popcnt=2.6, most_columns=64)
"""Vectors of 256 bits and less (Zen 3)."""

GROUP = 85.0
"""Clear, pad to a whole batch and decode the counters of one group and 512 columns."""
SORT = 1.2
"""Sort one sample by x."""
SORT_FEW = 0.4
"""Sort one sample by x where x has no more than four bins."""
MAKE_BITSET = 0.02
"""Compare one sample with one code."""
PAIR = 5.0
"""All work that is done once for a pair."""
ADD = 0.42
"""Scatter one sample."""
CELLS_IN_FIRST_CACHE, FARTHER = 1 << 13, 0.3
"""Cells that fit the first-level cache, and what one sample takes more where there are more."""
CLEAR = 0.05
"""Clear one cell of a table."""
STEP = 0.65
"""Scatter one sample and look up what it adds to the sum."""
REDUCE = 0.35
"""Reduce one cell, or write it."""

SMALL_JOB = 1 << 26
"""Samples of all pairs together up to which all pairs are scattered, which takes 0.05 s. The other
ways are faster, but their compilation, once on a machine, takes seconds."""


def costs() -> Costs:
    """The costs on this processor."""
    return AVX512 if has_vector_popcount() else AVX2


def choose(
    n_samples: int, left_bins: int, right_bins: int, n_left: int, n_right: int,
    left_visited: float, right_visited: float,
    *, left_rows: bool, right_rows: bool, bytes_: bool, sums: bool,
) -> int:  # fmt: skip
    """The fastest way for ``n_left × n_right`` pairs.

    ``left_visited`` and ``right_visited`` are the shares of samples outside of the largest group.
    ``left_rows`` and ``right_rows`` say whether the features have bit rows, ``bytes_`` whether the
    codes are uint8, and ``sums`` whether sums are wanted instead of counts.
    """
    of_machine = costs()
    n_pairs = n_left * n_right
    cells = left_bins * right_bins
    add = ADD + (FARTHER if cells > CELLS_IN_FIRST_CACHE else 0.0)
    times = {SCATTER: n_pairs * (add * n_samples + (CLEAR + REDUCE) * cells + PAIR)}
    if sums and n_samples < 1 << 16:
        times[STEPS] = (
            n_pairs * (STEP * n_samples + CLEAR * cells + PAIR) + n_left * SORT * n_samples
        )
    both_ways = [
        (POSITIONAL, right_rows, left_visited, left_bins, right_bins, n_left, n_right),
        (POSITIONAL_SWAPPED, left_rows, right_visited, right_bins, left_bins, n_right, n_left),
    ]
    for way, has_rows, visited, sorted_bins, row_bins, n_sorted, n_rows in both_ways:
        if has_rows:
            per_block = max(1, BITS // max(1, row_bins - 1))
            n_blocks = -(-n_rows // per_block)
            sort = SORT_FEW if sorted_bins <= 4 else SORT
            block = of_machine.row * visited * n_samples + GROUP * sorted_bins
            times[way] = n_sorted * (n_blocks * block + sort * n_samples)
            times[way] += n_pairs * (REDUCE * cells + PAIR)
    if bytes_:
        sets = (left_bins - 1) * (right_bins - 1)
        vectors = -(-n_samples // BITS)
        times[BITSET] = n_pairs * (
            sets * (of_machine.and_popcnt * vectors + 5.0) + REDUCE * cells + PAIR
        )
        made = n_left * left_bins + n_right * right_bins
        times[BITSET] += made * (MAKE_BITSET * n_samples)
    return min(times, key=lambda way: times[way])
