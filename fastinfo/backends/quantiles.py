"""Bins of equal frequency, by a rule that gives frequent values bins of their own.

Without ties the bins hold equal numbers of samples. Take a value that occurs more often than a bin
has samples. As an ordinary edge it would share its bin with neighbours, or take up several bins. So
it gets a bin of its own, wherever it lies, and the other bins share the rest equally. The rule uses
only the order of the samples and how often each value occurs, so that an increasing map of the
values changes nothing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

HostArray = np.ndarray[Any, Any]


def ranks(n_bins: int, n_valid: Any) -> HostArray:
    """Ranks ⌈i·(n−1)/B⌉ of the B + 1 edges of samples without ties.

    Edges at samples give the same bins as interpolated edges, and they exist beside infinite
    values. The result is ``(B + 1,)``, or ``(m, B + 1)`` for m columns where ``n_valid`` is
    ``(m, 1)``.
    """
    found: HostArray = -(-np.arange(n_bins + 1) * (n_valid - 1) // n_bins)
    return found


def outweighs(ordered: Any, most: int) -> bool:
    """Whether a value occurs more than ``most`` times among sorted samples; ``most`` ≥ 1."""
    return bool((ordered[most:] == ordered[: max(len(ordered) - most, 0)]).any())


def edges(values: HostArray, counts: HostArray, n_bins: int) -> HostArray:
    """Edges of at most ``n_bins`` bins.

    Parameters
    ----------
    values : array of shape (k,)
        The distinct samples, increasing.
    counts : array of shape (k,), int64 or float64
        How often each occurs, or its weight.
    n_bins : int
        The largest number of bins. All of them are used where there are as many values.

    Returns
    -------
    array
        The smallest value of each bin, and the largest value of all. The last two are equal where
        the largest value has a bin of its own.
    """
    ends = np.zeros(counts.size + 1, counts.dtype)
    counts.cumsum(out=ends[1:])
    firsts = _firsts(counts, ends, 0, counts.size, n_bins)
    firsts.sort()
    found: HostArray = values[[*firsts, counts.size - 1]]
    return found


def _firsts(counts: HostArray, ends: HostArray, start: int, stop: int, n_bins: int) -> list[int]:
    """The positions at which bins begin, in any order, for the values ``start … stop − 1``.

    ``ends`` are the sums of the counts before each value. The result is a list, because there are
    few bins, and short lists are faster than arrays.
    """
    if stop - start <= n_bins:
        return list(range(start, stop))
    if n_bins == 1:
        return [start]
    alone = _alone(counts, ends, start, stop, n_bins)
    if not alone:
        return _equal_cuts(ends, start, stop, n_bins)
    stretches = _between(alone, start, stop)
    sizes = [(ends[b] - ends[a]).item() for a, b in stretches]
    shares = _shares(sizes, [b - a for a, b in stretches], n_bins - len(alone))
    for (a, b), share in zip(stretches, shares, strict=True):
        alone += _firsts(counts, ends, a, b, share)
    return alone


def _alone(counts: HostArray, ends: HostArray, start: int, stop: int, n_bins: int) -> list[int]:
    """The positions of values that get a bin of their own: more samples than an equal share.

    Without such a value the equal share of the others is smaller, so that more values may exceed
    it. Each stretch of values between them needs a bin as well. Where there are too many stretches,
    the lightest of these values give up their bins.
    """
    here = counts[start:stop]
    rest, room = (ends[stop] - ends[start]).item(), n_bins
    largest = here.argpartition(-n_bins)[-n_bins:]  # at most n_bins values exceed a share
    heavy = sorted(zip(here[largest].tolist(), (largest + start).tolist(), strict=True))
    alone: list[tuple[Any, int]] = []
    while room > 1 and heavy[-1][0] * room > rest:
        alone.append(heavy.pop())
        rest, room = rest - alone[-1][0], room - 1
    while len(_between([position for _, position in alone], start, stop)) > n_bins - len(alone):
        alone.remove(min(alone))
    return [position for _, position in alone]


def _between(alone: list[int], start: int, stop: int) -> list[tuple[int, int]]:
    """Borders of the stretches of values between those that have a bin of their own."""
    borders = [start - 1, *sorted(alone), stop]
    return [(a + 1, b) for a, b in pairwise(borders) if a + 1 < b]


def _shares(sizes: list[Any], n_values: list[int], n_bins: int) -> list[int]:
    """The number of bins of each stretch: by size, at least one, at most one a value.

    Shares are rounded down. The bins left over go to the stretches whose bins are fullest; of two
    such stretches the larger one gets the bin, so that a decreasing map mirrors the bins.
    """
    total, positions = sum(sizes), range(len(sizes))
    shares = [
        min(max(int(n_bins * size / total), 1), most)
        for size, most in zip(sizes, n_values, strict=True)
    ]

    def fullness(position: int) -> tuple[float, Any]:
        return sizes[position] / shares[position], sizes[position]

    while sum(shares) > n_bins:
        shares[min((p for p in positions if shares[p] > 1), key=fullness)] -= 1
    while sum(shares) < n_bins and (open_ := [p for p in positions if shares[p] < n_values[p]]):
        shares[max(open_, key=fullness)] += 1
    return shares


def _equal_cuts(ends: HostArray, start: int, stop: int, n_bins: int) -> list[int]:
    """Positions of the values at the `ranks`, or at equal sums of weights; each of them once.

    A value with more samples than a bin, for which there was no bin of its own, would be found
    several times. The neighbours of that value are taken in its stead.
    """
    total = ends[stop] - ends[start]
    if ends.dtype.kind == "f":
        wanted = np.arange(n_bins) * (total / n_bins)
    else:
        wanted = ranks(n_bins, int(total))[:-1]
    found = np.searchsorted(ends[start + 1 : stop + 1], wanted + ends[start], side="right")
    position = np.arange(n_bins)
    increasing = np.maximum.accumulate(found - position) + position
    firsts: list[int] = (start + np.minimum(increasing, stop - start - n_bins + position)).tolist()
    return firsts
