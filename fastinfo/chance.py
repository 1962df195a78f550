"""The information that two independent variables seem to share, by their margins alone."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

REACH = 12.0
"""Standard deviations on either side of its mean that a count is summed over."""

FEW = 40
"""Counts on either side that are summed over in any case: of small means the tail is longer."""

BLOCK = 1 << 20
"""Terms that are summed at once."""


def expected_information(left_margin: Array, right_margin: Array) -> float:
    """Expectation of the plug-in mutual information of two independent variables, in nats.

    Of all ways to pair the samples of two variables each is as likely: the count of a cell follows
    the hypergeometric distribution [1]_.

    Parameters
    ----------
    left_margin, right_margin : integer arrays of shape (k,) and (l,)
        Samples in each bin of either variable; both have the same sum.

    References
    ----------
    .. [1] N. X. Vinh, J. Epps and J. Bailey, "Information theoretic measures for clusterings
       comparison", Journal of Machine Learning Research 11, 2010.
    """
    a, of_a = np.unique(left_margin[left_margin > 0], return_counts=True)
    b, of_b = np.unique(right_margin[right_margin > 0], return_counts=True)
    n = int((a * of_a).sum())
    if n < 2 or of_a.sum() == 1 or of_b.sum() == 1:
        return 0.0
    left, right = (side.reshape(-1) for side in np.meshgrid(a, b, indexing="ij"))
    times = np.multiply.outer(of_a, of_b).reshape(-1)
    mean = left * (right / n)
    spread = REACH * np.sqrt(mean) + FEW
    low = np.maximum(np.maximum(1, left + right - n), (mean - spread).astype(np.int64))
    high = np.minimum(np.minimum(left, right), (mean + spread).astype(np.int64) + 1)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, n + 1)))])
    log_ways = (
        log_factorial[left]
        + log_factorial[right]
        + log_factorial[n - left]
        + log_factorial[n - right]
        - log_factorial[n]
    )
    sizes = np.maximum(high - low + 1, 0)
    ends = np.cumsum(sizes)
    total, start = 0.0, 0
    while start < sizes.size:
        done = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, done + BLOCK, "right")), start + 1)
        cell = np.repeat(np.arange(start, stop), sizes[start:stop])
        count = low[cell] + np.arange(cell.size) - (ends[cell] - sizes[cell] - done)
        x, y = left[cell], right[cell]
        logs = log_ways[cell] - (
            log_factorial[count]
            + log_factorial[x - count]
            + log_factorial[y - count]
            + log_factorial[n - x - y + count]
        )
        information = count / n * np.log(count * (n / (x * y.astype(np.float64))))
        total += float((times[cell] * information * np.exp(logs)).sum())
        start = stop
    return max(total, 0.0)
