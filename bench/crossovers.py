"""Measure every way to count pairs over bins and samples, and where `choose` was wrong.

``python -m bench.crossovers`` prints nanoseconds per pair of each way, the fastest and the one that
``fastinfo.backends.numba.crossovers.choose`` takes. ``--quick`` measures a few points only.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fastinfo.backends.numba import pairs
from fastinfo.backends.numba.pairs import crossovers

NAMES = {
    crossovers.POSITIONAL: "positional",
    crossovers.BITSET: "bitset",
    crossovers.SCATTER: "scatter",
    crossovers.STEPS: "steps",
}
TOO_SLOW = 0.25
"""Seconds a run may take by a rough guess."""


def guess(way: int, n: int, bins: int) -> float:
    """About the seconds that a pair takes."""
    if way == crossovers.POSITIONAL:
        return (n * 2e-12 + bins * 2e-10) * bins
    if way == crossovers.BITSET:
        return (bins - 1) ** 2 * (n * 2e-12 + 5e-9)
    return n * 1e-9 + bins**2 * 4e-10


def best_time(function: Callable[[], object]) -> float:
    """The shortest of a few runs."""
    shortest, begun = np.inf, time.perf_counter()
    while time.perf_counter() - begun < 0.05 or shortest == np.inf:
        start = time.perf_counter()
        function()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


def measure(way: int, packed: pairs.Packed, n_left: int, sums: bool) -> float:
    """Nanoseconds per pair of ``n_left`` features with all."""
    m = len(packed.n_bins)
    tile = packed, slice(0, n_left), packed, slice(0, m)

    def choose(*arguments: Any, **options: Any) -> int:
        return way

    if sums:
        seconds = best_time(lambda: pairs.pair_sums(*tile, choose))
    else:
        bins = int(packed.n_bins[0])
        out = np.zeros((n_left, m, bins, bins), np.int64)
        seconds = best_time(lambda: pairs.count_pairs(*tile, out, choose))
    return seconds * 1e9 / (n_left * m)


def main() -> None:
    quick = "--quick" in sys.argv
    rng = np.random.default_rng(0)
    regrets = []
    small = pairs.pack(rng.integers(0, 3, (16, 100)).astype(np.uint8), [3] * 16, small_job=0)
    for way in NAMES:  # compiles
        measure(way, small, 16, True)
        if way != crossovers.STEPS:
            measure(way, small, 16, False)
    print(f"{'sums':5}{'n':>7}{'B':>5}{'tile':>9}" + "".join(f"{w:>12}" for w in NAMES.values()))
    for sums in (True, False):
        for n in (10_000,) if quick else (300, 2_000, 10_000, 100_000):
            for bins in (2, 16, 96) if quick else (2, 3, 4, 8, 16, 32, 64, 96, 128, 200):
                for n_left, m in ((16, 512), (4, 16)):
                    if not sums:
                        m = min(m, max(16, (1 << 21) // (n_left * bins * bins)))
                    codes = rng.integers(0, bins, (m, n)).astype(np.uint8)
                    packed = pairs.pack(codes, [bins] * m, small_job=0)
                    times = {}
                    has_rows = packed.classes[0].bit_rows is not None
                    for way in NAMES:
                        if way == crossovers.POSITIONAL and not has_rows:
                            continue
                        if way == crossovers.STEPS and (not sums or n >= 1 << 16):
                            continue
                        if guess(way, n, bins) * n_left * m > TOO_SLOW:
                            continue
                        times[way] = measure(way, packed, n_left, sums)
                    visited = packed.classes[0].visited
                    chosen = crossovers.choose(
                        n, bins, bins, n_left, m, visited, visited,
                        left_rows=has_rows, right_rows=has_rows, bytes_=True, sums=sums,
                    )  # fmt: skip
                    if chosen == crossovers.POSITIONAL_SWAPPED:
                        chosen = crossovers.POSITIONAL
                    if not times:
                        continue
                    fastest = min(times, key=lambda way: times[way])
                    regret = times.get(chosen, np.nan) / times[fastest]
                    regrets.append(regret)
                    columns = "".join(
                        f"{times[way]:12.1f}" if way in times else f"{'-':>12}" for way in NAMES
                    )
                    note = "" if chosen == fastest else f", chosen {NAMES[chosen]} ×{regret:.2f}"
                    print(
                        f"{sums!s:5}{n:>7}{bins:>5}{n_left:>4}×{m:<4}{columns}  "
                        f"{NAMES[fastest]}{note}"
                    )
    slow = sum(regret > 1.25 for regret in regrets)
    print(f"{slow} of {len(regrets)} choices more than 25% too slow")


if __name__ == "__main__":
    main()
