"""The smallest and the largest sample of a column, guessed from some of them.

A pass through all takes as long as counting where memory is the bound. Where the extremes of some
are probably those of all, bins are made by them, and the counts tell whether that was right.
"""

from __future__ import annotations

import numpy as np

from fastinfo.backends.contract import Array, Kernels, OnHost, Summary

LOOKED_AT, PIECES = 1 << 16, 16
"""Samples that are looked at, and the pieces of a column that they come from: of a sorted one the
first samples alone would tell nothing."""

REPEATED = 16
"""How often an extreme value has to be among them to be taken for the extreme of all."""

WORTH_A_GUESS, ON_DEVICES = 1 << 21, 1 << 26
"""Samples beyond which it takes longer to look at all of them than to begin a few times."""


def some(values: Array | OnHost, kernels: Kernels) -> Array:
    """Samples from all over a long column."""
    size = LOOKED_AT // PIECES
    starts = np.linspace(0, values.size - size, PIECES).astype(np.int64).tolist()
    return kernels.xp.concatenate([values[start : start + size] for start in starts])


def guess(values: Array | OnHost, kernels: Kernels) -> Summary | None:
    """What is probably the summary of a column without NaN; None where it had better be asked."""
    if values.size <= (WORTH_A_GUESS if kernels.samples_at_once is None else ON_DEVICES):
        return None
    looked_at = some(values, kernels)
    summary = kernels.summarize(looked_at)
    ends = [] if summary.n_missing else [summary.low, summary.high]
    is_sure = bool(ends) and all(int((looked_at == end).sum()) >= REPEATED for end in ends)
    return summary if is_sure else None
