"""The sizes of the tables of pairs: classes of numbers of bins, and which tables are sparse."""

from __future__ import annotations

LARGEST_PAIR_TABLE = 1 << 22
"""Cells (32 MiB) of one pair above which it is counted sparsely."""

MOST_OF_BYTES = 255
"""The most bins of a feature whose codes, with that of missing samples, fit uint8, which counts
fastest. No size class has features both below and above this number."""

MOST_PACKED = 4095
"""The most bins of a feature in a pack; one with more is counted sparsely in all its pairs."""


def size_class(n_bins: int) -> int:
    """The number of bins that a feature is counted with: exact up to 32, then in steps of 1/8.

    Features of one class share tiles. The class depends on the feature alone, so that the cells of
    a pair, and the order of its sums, are the same in any tile.
    """
    if n_bins <= 32:
        return max(n_bins, 1)
    step = 1 << (n_bins.bit_length() - 4)
    rounded_up = -(-n_bins // step) * step
    border = next((most for most in (MOST_OF_BYTES, MOST_PACKED) if n_bins <= most), rounded_up)
    return min(rounded_up, border)
