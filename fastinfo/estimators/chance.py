"""The information that two independent variables seem to share, by their margins alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends import on_host

Array = np.ndarray[Any, Any]


def expected_information(left_margin: Array, right_margin: Array) -> float:
    """Expectation of the plug-in mutual information of two independent variables, in nats.

    Each way to pair the samples of two variables is as likely as any other, so that the count of a
    cell follows the hypergeometric distribution [1]_.

    Parameters
    ----------
    left_margin, right_margin : integer arrays of shape (k,) and (l,)
        Samples in each bin of either variable; both have the same sum.

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
    left, of_left = np.unique(left_margin[left_margin > 0], return_counts=True)
    right, of_right = np.unique(right_margin[right_margin > 0], return_counts=True)
    if of_left.sum() <= 1 or of_right.sum() <= 1:
        return 0.0
    kernels = on_host()  # for margins are short
    margins = left.astype(np.int64), right.astype(np.int64)
    expected = kernels.expected_cells(*margins, int(margins[0] @ of_left))
    return float(max(of_left @ expected @ of_right, 0.0))
