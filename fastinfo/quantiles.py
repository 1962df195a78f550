"""Bins of equal frequency, by a rule that loses no value which stands out.

Without ties the bins hold equal numbers of samples. A value that alone outweighs a bin would, as an
ordinary edge, share its bin with neighbours or swallow several bins. So it gets a bin of its own,
wherever it stands, and the other bins share the rest equally. Everything is decided by the order of
the samples and by how often each value occurs, so that an increasing map changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

HostArray = np.ndarray[Any, Any]


def ranks(n_bins: int, n_valid: Any) -> HostArray:
    """Ranks ⌈i·(n−1)/B⌉ of the B + 1 edges of samples without ties.

    Edges at samples give the same bins as interpolated ones, and they exist beside infinite values.
    Of several columns where ``n_valid`` is ``(m, 1)``.
    """
    found: HostArray = -(-np.arange(n_bins + 1) * (n_valid - 1) // n_bins)
    return found


def probes(n_bins: int, n_valid: Any) -> HostArray:
    """The `ranks`, and one halfway between any two: ``(..., 2B + 1)``.

    A value with more than n/B samples is at two neighbouring probes at least, since any two gaps
    that touch are at most ⌊n/B⌋ + 1 samples long together. So are the values where there are no
    more of them than bins.
    """
    at_edges = ranks(n_bins, n_valid)
    found = np.empty((*at_edges.shape[:-1], 2 * n_bins + 1), at_edges.dtype)
    found[..., ::2] = at_edges
    found[..., 1::2] = (at_edges[..., :-1] + at_edges[..., 1:] + 1) // 2
    return found


def tells_no_ties(at_probes: Any) -> Any:
    """Whether the samples at the `probes` show that no value outweighs a bin; NaN never does."""
    return (at_probes[..., :-1] < at_probes[..., 1:]).all(axis=-1)


def edges(values: HostArray, counts: HostArray, n_bins: int) -> HostArray:
    """Edges of at most ``n_bins`` bins.

    Parameters
    ----------
    values : array of shape (k,)
        The distinct samples, increasing.
    counts : array of shape (k,), int64 or float64
        How often each occurs, or its weight.
    n_bins : int
        The most bins there may be. All of them are used where there are as many values.

    Returns
    -------
    array
        The smallest value of each bin, and the largest value of all: twice, where it is alone.
    """
    return np.append(values[_firsts(counts, n_bins)], values[-1])


def _firsts(counts: HostArray, n_bins: int) -> HostArray:
    """The positions of the values at which bins begin."""
    if counts.size <= n_bins:
        return np.arange(counts.size)
    if n_bins == 1:
        return np.zeros(1, np.intp)
    alone = _alone(counts, n_bins)
    if not alone.any():
        return _equal_cuts(counts, n_bins)
    borders = np.flatnonzero(np.diff(alone, prepend=True, append=True)).reshape(-1, 2)
    sizes = np.array([counts[start:stop].sum() for start, stop in borders])
    shares = _shares(sizes, np.diff(borders, axis=1)[:, 0], n_bins - int(alone.sum()))
    parts = [
        start + _firsts(counts[start:stop], share)
        for (start, stop), share in zip(borders.tolist(), shares.tolist(), strict=True)
    ]
    return np.sort(np.concatenate([np.flatnonzero(alone), *parts]))


def _alone(counts: HostArray, n_bins: int) -> Any:
    """Which values get a bin of their own: those with more samples than an equal share.

    What they leave behind makes the shares of the others smaller, so that more values may be too
    large. Each stretch of values between them needs a bin as well. Where these are too many, the
    lightest of the heavy values give way.
    """
    alone = np.zeros(counts.size, np.bool_)
    room, rest = n_bins, counts.sum()
    while True:
        too_large = ~alone & (counts > rest / room)
        if not too_large.any():
            break
        alone |= too_large
        room, rest = n_bins - int(alone.sum()), counts[~alone].sum()
    while int((~alone[1:] & alone[:-1]).sum()) + int(not alone[0]) > n_bins - int(alone.sum()):
        heavy = np.flatnonzero(alone)
        alone[heavy[counts[heavy].argmin()]] = False
    return alone


def _shares(sizes: HostArray, n_values: HostArray, n_bins: int) -> HostArray:
    """How many bins each stretch gets: one at least, no more than it has values, the rest by size.

    The bins that are left when all have their whole share go where bins are fullest.
    """
    shares = np.clip((n_bins * sizes / sizes.sum()).astype(np.int64), 1, n_values)
    while shares.sum() > n_bins:
        lean = np.where(shares > 1, sizes / shares, np.inf)
        shares[lean.argmin()] -= 1
    while shares.sum() < n_bins and (shares < n_values).any():
        full = np.where(shares < n_values, sizes / shares, -np.inf)
        shares[full.argmax()] += 1
    return np.asarray(shares)


def _equal_cuts(counts: HostArray, n_bins: int) -> HostArray:
    """Values at the `ranks`, or at equal sums of weights; each of them once.

    A value that is too large, where there was no room for it alone, would be named several times;
    its neighbours are then.
    """
    ends = counts.cumsum()
    if counts.dtype.kind == "f":
        wanted = np.arange(n_bins) * (ends[-1] / n_bins)
    else:
        wanted = ranks(n_bins, int(ends[-1]))[:-1]
    found = np.searchsorted(ends, wanted, side="right")
    place = np.arange(n_bins)
    increasing = np.maximum.accumulate(found - place) + place
    firsts: HostArray = np.minimum(increasing, counts.size - n_bins + place)
    return firsts
