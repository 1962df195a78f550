"""Order statistics without sorting all samples.

One pass assigns the samples to equal cells between the smallest and the largest. Only the samples
of cells that hold a wanted rank are gathered and sorted: 19 µs for 23 ranks of 10,000 normal
float64, against 250 for sorting all of them (Zen 4). Where most samples crowd into few cells, as
with heavy tails, gathering does not help, and nothing is gathered.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.numba.jit import jit

N_CELLS = 1024


@jit
def assign(values: Any, low: float, scale: float, cells: Any, counts: Any) -> None:
    """Write the cell of each sample, and the number of samples of each cell."""
    last = np.float64(N_CELLS - 1)
    for i in range(np.uint64(values.size)):
        position = (np.float64(values[i]) - low) * scale
        cells[i] = np.int32(position if position < last else last)
    counts[:] = 0
    for i in range(np.uint64(values.size)):
        counts[np.uint64(cells[i])] += 1


@jit
def gather_candidates(
    values: Any, low: float, high: float, ranks: Any, most: int, cells: Any, positions: Any
) -> Any:
    """The samples of the cells that hold the increasing ``ranks``, cell after cell.

    When they are sorted, the sample of rank ``ranks[r]`` is at ``positions[r]``. The result is
    empty where there would be more than ``most``. The samples are finite; ``cells`` is scratch,
    uint16, with one element a sample.
    """
    counts = np.empty(N_CELLS, np.int64)
    assign(values, low, N_CELLS / (high - low), cells, counts)
    is_wanted = np.zeros(N_CELLS, np.bool_)
    next_position = np.zeros(N_CELLS, np.int64)
    below = n_candidates = r = 0
    for cell in range(N_CELLS):
        next_position[cell] = n_candidates
        while r < ranks.size and ranks[r] < below + counts[cell]:
            is_wanted[cell] = True
            positions[r] = n_candidates + ranks[r] - below
            r += 1
        if is_wanted[cell]:
            n_candidates += counts[cell]
        below += counts[cell]
    if n_candidates > most:
        return np.empty(0, values.dtype)
    candidates = np.empty(n_candidates, values.dtype)
    for i in range(np.uint64(values.size)):
        own = np.uint64(cells[i])
        if is_wanted[own]:
            candidates[next_position[own]] = values[i]
            next_position[own] += 1
    return candidates
