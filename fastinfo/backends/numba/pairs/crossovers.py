"""The choice of the way to count a tile: the one with the lowest predicted time.

The constants are nanoseconds on one core of an AMD Zen 4 at about 3.5 GHz, set by hand from timings
of the parts. Only their ratios matter. ``python -m bench.crossovers`` measures every way over bins
and samples, and reports where this choice takes a slower one.
"""

from __future__ import annotations

from fastinfo.backends.numba.simd import BITS

POSITIONAL, POSITIONAL_SWAPPED, BITSET, SCATTER, STEPS = range(5)

ROW = 0.70
"""Add the bits of 512 columns of one sample."""
GROUP = 85.0
"""Clear, pad to a whole batch and decode the counters of one group and 512 columns."""
SORT = 1.2
"""Sort one sample by x."""
SORT_FEW = 0.4
"""Sort one sample by x where x has no more than four bins."""
AND_POPCNT = 0.45
"""Take 512 samples of two bitsets."""
MAKE_BITSET = 0.02
"""Compare one sample with one code."""
PAIR = 5.0
"""All work that is done once for a pair."""
ADD = 0.60
"""Scatter one sample."""
CLEAR = 0.05
"""Clear one cell of a table."""
STEP = 0.65
"""Scatter one sample and look up what it adds to the sum."""
REDUCE = 0.35
"""Reduce one cell, or write it."""

SMALL_JOB = 1 << 26
"""Samples of all pairs together up to which all pairs are scattered, which takes 0.05 s. The other
ways are faster, but their compilation, once on a machine, takes seconds."""

MAX_COLUMNS = 128
"""The most columns of a feature that gets bit rows."""


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
    n_pairs = n_left * n_right
    cells = left_bins * right_bins
    times = {SCATTER: n_pairs * (ADD * n_samples + (CLEAR + REDUCE) * cells + PAIR)}
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
            block = ROW * visited * n_samples + GROUP * sorted_bins
            times[way] = n_sorted * (n_blocks * block + sort * n_samples)
            times[way] += n_pairs * (REDUCE * cells + PAIR)
    if bytes_:
        sets = (left_bins - 1) * (right_bins - 1)
        vectors = -(-n_samples // BITS)
        times[BITSET] = n_pairs * (sets * (AND_POPCNT * vectors + 5.0) + REDUCE * cells + PAIR)
        made = n_left * left_bins + n_right * right_bins
        times[BITSET] += made * (MAKE_BITSET * n_samples)
    return min(times, key=lambda way: times[way])
