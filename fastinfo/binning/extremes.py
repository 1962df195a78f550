"""The smallest and the largest sample of a column, looked for or guessed from some of them.

Where memory bandwidth is the bound, a pass through all samples takes as long as counting. So if the
extremes of some samples are probably those of all, bins are made from them (`guess`). Samples
beyond these bins are not counted. If the counts add up to the number of samples, the guess was
right; otherwise `hold` looks at all samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastinfo.backends.contract import Array, Kernels, OnHost, Summary
from fastinfo.system.ranges import RANGE, over_ranges

LOOKED_AT, PIECES = 1 << 16, 16
"""Samples that are looked at, and the number of pieces of the column that they come from. The first
samples alone would say nothing of a sorted column."""

REPEATED = 16
"""How often an extreme must occur among these samples to be taken for the extreme of all."""

WORTH_A_GUESS, ON_DEVICES = 1 << 21, 1 << 26
"""Samples above which a guess pays, on the host and on devices: below, a look at all samples takes
less time than the guess and a second count now and then."""


class Assumed(NamedTuple):
    """The guess that bins were made by before all samples of a column were looked at."""

    values: Array | OnHost
    """All samples of the column; those beyond the guessed extremes are missing."""
    summary: Summary
    """The summary of some samples, taken for that of all."""

    def holds(self, kernels: Kernels) -> bool:
        """Whether the guess is right, by a look at all samples."""
        low, high, n_missing = kernels.summarize(self.values)
        return bool(self.summary.low <= low and high <= self.summary.high and not n_missing)


def guess(values: Array | OnHost, kernels: Kernels) -> Assumed | None:
    """The probable extremes of a column without NaN; None if all samples should be looked at.

    uint8 samples are codes already: only their largest value is guessed.
    """
    if values.size <= WORTH_A_GUESS:
        return None
    is_bytes = values.dtype == "u1"
    if kernels.samples_at_once is not None and not is_bytes and values.size <= ON_DEVICES:
        return None
    looked_at = kernels.to_host(_subsample(values, kernels))
    ends = [looked_at.max()] if is_bytes else [looked_at.min(), looked_at.max()]
    if any(np.count_nonzero(looked_at == end) < REPEATED for end in ends):  # NaN equals nothing
        return None
    low, high = 0 if is_bytes else ends[0].item(), ends[-1].item()
    return Assumed(values, Summary(low, high, 0))


def _subsample(values: Array | OnHost, kernels: Kernels) -> Array:
    """Samples from pieces all over a long column."""
    size = LOOKED_AT // PIECES
    starts = np.linspace(0, values.size - size, PIECES).astype(np.int64).tolist()
    return kernels.xp.concatenate([values[start : start + size] for start in starts])


def hold(assumed: Sequence[Assumed | None], kernels: Kernels) -> bool:
    """Whether all guesses are right, for a table of columns whose counts lack some samples.

    ``assumed`` has one guess for each column, or None where its extremes are known.
    """
    guesses = [one for one in assumed if one is not None]
    if guesses and len(guesses) == len(assumed):
        return False  # a guess expects no missing sample, so that one of the guesses is wrong
    return all(one.holds(kernels) for one in guesses)


def summarize(values: Array | OnHost, kernels: Kernels, n_jobs: int) -> Summary:
    """`Kernels.summarize` of a column, by several threads on the host."""
    if kernels.samples_at_once is not None or values.size <= RANGE:
        return kernels.summarize(values)
    return over_ranges(
        lambda start, stop: kernels.summarize(values[start:stop]),
        _summary_of_both,
        values.size,
        n_jobs,
    )


def _summary_of_both(left: Summary, right: Summary) -> Summary:
    n_missing = left.n_missing + right.n_missing
    if left.low != left.low or right.low != right.low:  # a side of NaN alone has no limits
        return (left if right.low != right.low else right)._replace(n_missing=n_missing)
    return Summary(min(left.low, right.low), max(left.high, right.high), n_missing)
