"""The smallest and the largest sample of a column, looked for or guessed from some of them.

A pass through all takes as long as counting where memory is the bound. Where the extremes of some
are probably those of all, bins are made by them (`guess`), and samples beyond are counted nowhere:
where the counts hold as many samples as came all is well, and else `hold` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastinfo.backends.contract import Array, Kernels, OnHost, Summary
from fastinfo.system.ranges import RANGE, over_ranges

LOOKED_AT, PIECES = 1 << 16, 16
"""Samples that are looked at, and the pieces of a column that they come from: of a sorted one the
first samples alone would tell nothing."""

REPEATED = 16
"""How often an extreme value has to be among them to be taken for the extreme of all."""

WORTH_A_GUESS, ON_DEVICES = 1 << 21, 1 << 26
"""Samples beyond which it takes longer to look at all of them than to begin a few times."""


class Assumed(NamedTuple):
    """What bins were made by before all samples of a column were looked at."""

    values: Array | OnHost
    """The column, of which samples beyond the extremes got no bin."""
    summary: Summary
    """Of some samples, taken for that of all."""

    def holds(self, kernels: Kernels) -> bool:
        """Look at all samples."""
        low, high, n_missing = kernels.summarize(self.values)
        return bool(self.summary.low <= low and high <= self.summary.high and not n_missing)


def guess(values: Array | OnHost, kernels: Kernels) -> Assumed | None:
    """Extremes that are probably those of a column without NaN; None where it had better be asked.

    Of bytes, which are codes as they are, only the largest is in question.
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
    """Samples from all over a long column."""
    size = LOOKED_AT // PIECES
    starts = np.linspace(0, values.size - size, PIECES).astype(np.int64).tolist()
    return kernels.xp.concatenate([values[start : start + size] for start in starts])


def hold(assumed: Sequence[Assumed | None], kernels: Kernels) -> bool:
    """Whether nothing was wrong with what was assumed of columns whose counts lack some samples."""
    made = [one for one in assumed if one is not None]
    if made and len(made) == len(assumed):
        return False  # no column was expected to lack any
    return all(one.holds(kernels) for one in made)


def summarize(values: Array | OnHost, kernels: Kernels, n_jobs: int) -> Summary:
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
    if left.low != left.low or right.low != right.low:  # a side without a number tells no limits
        return (left if right.low != right.low else right)._replace(n_missing=n_missing)
    return Summary(min(left.low, right.low), max(left.high, right.high), n_missing)
