"""The smallest and the largest sample of a column, looked for or guessed from some of them.

A pass through all takes as long as counting where memory is the bound. Where the extremes of some
are probably those of all, bins are made by them, and the counts tell whether that was right.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from fastinfo.backends.contract import Array, Kernels, OnHost, Summary
from fastinfo.system.ranges import over_ranges

LOOKED_AT, PIECES = 1 << 16, 16
"""Samples that are looked at, and the pieces of a column that they come from: of a sorted one the
first samples alone would tell nothing."""

REPEATED = 16
"""How often an extreme value has to be among them to be taken for the extreme of all."""

WORTH_A_GUESS, ON_DEVICES = 1 << 21, 1 << 26
"""Samples beyond which it takes longer to look at all of them than to begin a few times."""


def subsample(values: Array | OnHost, kernels: Kernels) -> Array:
    """Samples from all over a long column."""
    size = LOOKED_AT // PIECES
    starts = np.linspace(0, values.size - size, PIECES).astype(np.int64).tolist()
    return kernels.xp.concatenate([values[start : start + size] for start in starts])


def guess(values: Array | OnHost, kernels: Kernels) -> Summary | None:
    """What is probably the summary of a column without NaN; None where it had better be asked."""
    if values.size <= (WORTH_A_GUESS if kernels.samples_at_once is None else ON_DEVICES):
        return None
    looked_at = subsample(values, kernels)
    summary = kernels.summarize(looked_at)
    ends = [] if summary.n_missing else [summary.low, summary.high]
    is_sure = bool(ends) and all(int((looked_at == end).sum()) >= REPEATED for end in ends)
    return summary if is_sure else None


class Trust(Enum):
    """What is believed of samples before all of them were looked at, until they are counted."""

    NOTHING = "nothing"
    EDGES = "edges"
    """That all lie within edges which are known, or that it does not matter; and that the largest
    byte of some samples is that of all: counting raises `WrongGuessError` where it is not."""
    SOME = "some"
    """That some samples have the extremes of all. Where they do not, the counts hold fewer samples
    than came (`Guessed`)."""


def summarize(values: Array | OnHost, kernels: Kernels, n_jobs: int) -> Summary:
    if kernels.samples_at_once is not None:
        return kernels.summarize(values)
    return over_ranges(
        lambda start, stop: kernels.summarize(values[start:stop]),
        _summary_of_both,
        values.size,
        n_jobs,
    )


def _summary_of_both(left: Summary, right: Summary) -> Summary:
    n_missing = left.n_missing + right.n_missing
    if left.low != left.low or right.low != right.low:  # a side without a number tells no limits
        return (left if right.low != right.low else right)._replace(n_missing=n_missing)
    return Summary(min(left.low, right.low), max(left.high, right.high), n_missing)
