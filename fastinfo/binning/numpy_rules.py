"""The number of bins of equal width that NumPy's rules ask for, with a limit.

The Freedman–Diaconis rule derives its width from the middle half of the samples. So one value far
away can make it ask for any number of bins, and `numpy.histogram_bin_edges` makes the edges of all
of them. No other rule asks for more than the larger of n and 100.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

NUMPY_RULES = ("auto", "doane", "fd", "rice", "scott", "sqrt", "stone", "sturges")
"""Names that `numpy.histogram_bin_edges` takes."""


def n_bins(values: Array, rule: str, name: str) -> tuple[int, str]:
    """The number of bins that NumPy's rule gives; at most n where the rule has no limit of its own.

    Parameters
    ----------
    values : array of shape (n,)
        Finite samples, float64, at least one.
    rule : str
        One of `NUMPY_RULES`.
    name : str
        The name of the samples in messages.

    Returns
    -------
    int, str
        The number, and a message if it is not the rule's own; otherwise an empty text.
    """
    extent = float(values.max()) - float(values.min())
    if math.isinf(extent):
        return values.size, ""  # the caller raises when it makes the edges
    wanted = _freedman_diaconis(values, extent) if _is_unbounded(rule) else 0.0
    if wanted <= values.size:
        try:
            return int(np.histogram_bin_edges(values, rule).size) - 1, ""
        except ValueError:
            return values.size, ""
    return int(values.size), (
        f"{name}: the rule {rule!r} asks for {_brief(wanted)} bins of equal width for "
        f"{values.size} samples from {values.min():.6g} to {values.max():.6g}, half of which lie "
        f"in {np.percentile(values, 25):.6g} to {np.percentile(values, 75):.6g}; they are counted "
        f'in {values.size} bins. Pass bins="quantile" or a number of bins, or leave values that '
        "lie far away out"
    )


def _freedman_diaconis(values: Array, extent: float) -> float:
    """The number of bins ⌈range / (2·IQR·n^(−1/3))⌉ [1]_; 1 if the IQR is 0.

    References
    ----------
    .. [1] D. Freedman and P. Diaconis, "On the histogram as a density estimator: L2 theory",
       Zeitschrift für Wahrscheinlichkeitstheorie und verwandte Gebiete 57, 1981.
    """
    upper, lower = np.percentile(values, [75, 25])
    with np.errstate(over="ignore"):
        width = 2.0 * (upper - lower) * values.size ** (-1.0 / 3.0)
        return float(np.ceil(extent / width)) if width > 0 else 1.0


def _is_unbounded(rule: str) -> bool:
    """Whether some samples make the rule ask for any number of bins."""
    return rule == "fd" or (rule == "auto" and not _auto_is_bounded())


@cache
def _auto_is_bounded() -> bool:
    """Whether "auto" asks for at most about 2·√n bins, as it does in newer versions of NumPy."""
    far_away = np.append(np.linspace(0.0, 1.0, 100), 1000.0)
    return np.histogram_bin_edges(far_away, "auto").size < 1000


def _brief(number: float) -> str:
    return f"{int(number):,}" if number < 1e9 else f"{number:.2g}"
