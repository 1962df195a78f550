"""The information that two independent variables seem to share, computed from their margins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastinfo.backends import on_host

Array = np.ndarray[Any, Any]


def expected_information(left_margin: Array, right_margin: Array) -> float:
    """Expectation of the plug-in mutual information of two independent variables, in nats.

    Each way to pair the samples of two variables is equally likely, so that the count of a cell
    follows the hypergeometric distribution [1]_.

    Parameters
    ----------
    left_margin, right_margin : integer arrays of shape (k,) and (l,)
        The number of samples in each bin of either variable; both have the same sum.

    Returns
    -------
    float
        At least 0.

    References
    ----------
    .. [1] N. X. Vinh, J. Epps and J. Bailey, "Information theoretic measures for clusterings
       comparison", Journal of Machine Learning Research 11, 2010, equation 24a.

    Examples
    --------
    Two fair coins, thrown twice each, with one head and one tail each time.

    >>> import numpy as np
    >>> from fastinfo.estimators.chance import expected_information
    >>> coin = np.array([1, 1])
    >>> round(float(expected_information(coin, coin) / np.log(2)), 12)
    1.0
    """
    # Cells with the same two margins have the same expectation.
    left, left_repeats = np.unique(left_margin[left_margin > 0], return_counts=True)
    right, right_repeats = np.unique(right_margin[right_margin > 0], return_counts=True)
    if left_repeats.sum() <= 1 or right_repeats.sum() <= 1:
        return 0.0
    kernels = on_host()  # margins are short
    margins = left.astype(np.int64), right.astype(np.int64)
    expected = kernels.expected_cells(*margins, int(margins[0] @ left_repeats))
    return float(max(left_repeats @ expected @ right_repeats, 0.0))


def expected_in_strata(strata: Sequence[tuple[Array, Array]]) -> float:
    """Expectation of the plug-in conditional mutual information, in nats, by the margins in strata.

    X and Y are independent within each stratum, a value of Z: every way to pair their samples there
    is equally likely. The expectation is the mean of those of the strata, by their samples.

    Parameters
    ----------
    strata : sequence of pairs of integer arrays
        For each stratum the number of samples in each occupied bin of either variable.

    Returns
    -------
    float
        At least 0; 0 for no sample.
    """
    if len(strata) == 1:
        return expected_information(*strata[0])
    sizes = np.array([int(left.sum()) for left, _ in strata])
    kernels, parts = on_host(), []
    # Strata of as many samples have cells of the same margins, each of which is computed once.
    for n_samples in np.unique(sizes[sizes > 1]).tolist():
        chosen = [strata[i] for i in np.flatnonzero(sizes == n_samples).tolist()]
        left, left_repeats = _occurrences([x for x, _ in chosen])
        right, right_repeats = _occurrences([y for _, y in chosen])
        expected = kernels.expected_cells(left, right, n_samples)
        parts.append(n_samples * float(((left_repeats @ expected) * right_repeats).sum()))
    return max(math.fsum(parts) / max(int(sizes.sum()), 1), 0.0)


def _occurrences(margins: Sequence[Array]) -> tuple[Array, Array]:
    """The distinct numbers of samples, int64, and how often each is in each of the margins."""
    distinct, places = np.unique(np.concatenate(margins), return_inverse=True)
    rows = np.repeat(np.arange(len(margins)), [margin.size for margin in margins])
    cells = np.bincount(rows * distinct.size + places, minlength=len(margins) * distinct.size)
    return distinct.astype(np.int64), cells.reshape(len(margins), distinct.size)
