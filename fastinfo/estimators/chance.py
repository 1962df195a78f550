"""The information that two independent variables seem to share, computed from their margins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends import chance, on_host

Array = np.ndarray[Any, Any]

ROUNDING = 1e-14
"""Nats by which the information of two tables may differ although it is the same."""


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
    left, right = distinct(left_margin), distinct(right_margin)
    if left.size <= 1 or right.size <= 1:
        return 0.0
    kernels = on_host()  # margins are short
    expected = kernels.expected_cells(left.values, right.values, left.n_samples)
    return float(max(left.repeats @ expected @ right.repeats, 0.0))


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
        left, left_repeats = occurrences([margin for margin, _ in chosen])
        right, right_repeats = occurrences([margin for _, margin in chosen])
        expected = kernels.expected_cells(left, right, n_samples)
        parts.append(n_samples * float(((left_repeats @ expected) * right_repeats).sum()))
    return max(math.fsum(parts) / max(int(sizes.sum()), 1), 0.0)


def bound_factors(margins: Sequence[Array], sizes: Array) -> tuple[Array, Array]:
    """Factors of a lower bound of `expected_in_strata`, of one variable.

    With factors (p, q) of the left and (r, s) of the right variable the expectation is at least
    p·r − q·s. Since t·log t ≥ (t − 1) + (t − 1)²/2 − (t − 1)³/6, a cell of the expected count m
    adds at least Var(c)/(2m) − E(c − m)³/(6m²). The moments of the hypergeometric distribution are
    known, and their sums over all cells are products of a sum over each margin.

    Parameters
    ----------
    margins : sequence of integer arrays
        The number of samples in each occupied bin, in each stratum.
    sizes : array
        The number of samples in each stratum.

    Returns
    -------
    arrays of shape (strata,)
        p and q; 0 for strata of fewer than three samples.
    """
    n = np.maximum(sizes, 3).astype(np.float64)
    spare, skew = np.zeros(n.size), np.zeros(n.size)
    for stratum, margin in enumerate(margins):
        share = margin / n[stratum]
        spare[stratum] = max(margin.size - 1, 0)
        skew[stratum] = ((1 - share) * (1 - 2 * share) / np.maximum(margin, 1)).sum()
    weight = np.where(sizes < 3, 0.0, n / max(int(sizes.sum()), 1))
    return (
        spare * np.sqrt(weight / (2 * (n - 1))),
        skew * np.sqrt(weight * n**2 / (6 * (n - 1) * (n - 2))),
    )


class Occurrences(NamedTuple):
    """How often some margins have each number of samples."""

    values: Array
    """The different numbers of samples, int64, sorted and without 0."""
    repeats: Array
    """How many bins of each margin have each of them ``(margins, values)``, float64."""


def occurrences(margins: Sequence[Array], values: Array | None = None) -> Occurrences:
    """The different numbers of samples, int64 and without 0, and how often each margin has them.

    ``values`` are these numbers and perhaps others, sorted, where they are known.
    """
    every = np.concatenate(margins)
    if values is None:
        values = np.unique(every)
    values = np.asarray(values[values > 0], np.int64)
    rows = np.repeat(np.arange(len(margins)), [margin.size for margin in margins])[every > 0]
    cells = rows * values.size + np.searchsorted(values, every[every > 0])
    repeats = np.bincount(cells, minlength=len(margins) * values.size)
    return Occurrences(values, repeats.reshape(len(margins), values.size).astype(np.float64))


class Distinct(NamedTuple):
    """The different numbers of a margin. Cells with the same two margins are distributed alike."""

    values: Array
    """The numbers of samples that occur, int64, without 0."""
    repeats: Array
    """How many bins have each of them."""

    @property
    def size(self) -> int:
        """The number of occupied bins."""
        return int(self.repeats.sum())

    @property
    def n_samples(self) -> int:
        """The number of samples."""
        return int(self.values @ self.repeats)


def distinct(margin: Array) -> Distinct:
    """The different numbers of a margin, without 0."""
    values, repeats = np.unique(margin[margin > 0], return_counts=True)
    return Distinct(values.astype(np.int64), repeats)


class FourCells(NamedTuple):
    """The distribution of the information of a table of 2 × 2, which one of its cells decides."""

    information: Array
    """What it may be, in nats, increasing."""
    shares: Array
    """The probability of each value under independence."""
    reached: Array
    """The probability of each value or a larger one, and 0 at the end."""

    @classmethod
    def of(cls, left_margin: Array, right_margin: Array) -> FourCells:
        """The distribution for two margins of two bins each, which hold samples."""
        (a, rest), (b, _) = left_margin.tolist(), right_margin.tolist()
        n = a + rest
        counts, shares = chance.distribution(a, b, n)
        cells = np.stack([counts, a - counts, b - counts, n - a - b + counts])
        means = np.outer([float(a), rest], [float(b), n - b]).reshape(-1, 1) / n
        excess = cells - means
        terms = cells * np.log1p(np.where(cells > 0, excess / means, 0.0)) - excess
        information = terms.sum(axis=0) / n
        order = np.argsort(information, kind="stable")
        shares = shares[order]
        reached = np.append(np.cumsum(shares[::-1])[::-1], 0.0)
        return cls(information[order], shares, reached)

    def upper_tail(self, information: Any) -> Any:
        """The probability of at least as much information as was measured.

        Values that differ by rounding count as equal.
        """
        found = np.searchsorted(self.information, information - ROUNDING, side="left")
        # The largest value may have been measured a little too large.
        return np.minimum(self.reached[np.minimum(found, self.information.size - 1)], 1.0)
