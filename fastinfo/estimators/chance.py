"""The information that two independent variables seem to share, computed from their margins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends import chance, on_host

Array = np.ndarray[Any, Any]

MOST_CORRELATIONS = 1 << 20
"""The most correlations that are held together, 8 MiB."""

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
        left, left_repeats = _occurrences([margin for margin, _ in chosen])
        right, right_repeats = _occurrences([margin for _, margin in chosen])
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


def _occurrences(margins: Sequence[Array]) -> tuple[Array, Array]:
    """The distinct numbers of samples, int64, and how often each is in each of the margins."""
    values, places = np.unique(np.concatenate(margins), return_inverse=True)
    rows = np.repeat(np.arange(len(margins)), [margin.size for margin in margins])
    cells = np.bincount(rows * values.size + places, minlength=len(margins) * values.size)
    return values.astype(np.int64), cells.reshape(len(margins), values.size)


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


class Moments(NamedTuple):
    """The mean and the variance of the plug-in information of independent variables."""

    mean: float
    """In nats; that of `expected_information`."""
    variance: float
    """In nats²; exactly 0 where every pairing has the same information."""


def information_moments(left_margin: Array, right_margin: Array) -> Moments:
    """The exact mean and variance of the information over all ways to pair the samples.

    Romano et al. [1]_ give the variance as sums over pairs of cells and their counts, whose cost
    grows with the third power of the counts. Here it costs little more than the mean, as follows.

    Parameters
    ----------
    left_margin, right_margin : integer arrays of shape (k,) and (l,)
        As for `expected_information`.

    Returns
    -------
    Moments

    Notes
    -----
    The information of a table is the sum of a term of each cell, so that its variance is the sum of
    the covariances of all pairs of cells. Let c be the count in row i and column j, and w that in
    row i′ of the same column. Given c, w is hypergeometric, and its factorial moments are

        E[w(w−1)…(w−r+1) | c] = (a′)_r (b − c)_r / (n − a)_r,  with (x)_r = x(x−1)…(x−r+1).

    So the conditional mean of a polynomial of w is a polynomial of c of the same degree. Hence the
    orthonormal polynomials Q_r of c and of w satisfy E[Q_r(w) | c] = ρ_r Q_r(c), and comparing the
    leading coefficients gives

        ρ_r = (−1)^r √[(a)_r (a′)_r / ((n − a)_r (n − a′)_r)].

    The same holds for two cells of one row. For cells in different rows and columns the two factors
    are multiplied, because given w nothing in the other columns depends on c. With coefficients t_r
    of each term in these polynomials, the covariance of two cells is Σ_r ρ_r t_r t′_r. The
    coefficients fall off so fast that a few of them suffice for large counts. For small ones there
    are not many.

    References
    ----------
    .. [1] S. Romano, J. Bailey, V. Nguyen and K. Verspoor, "Standardized mutual information for
       clustering comparisons: one step further in adjustment for chance", ICML 2014.

    Examples
    --------
    Two coins with two heads in four throws each: of three pairings one makes them tell all of each
    other, and the others nothing.

    >>> import numpy as np
    >>> from fastinfo.estimators.chance import information_moments
    >>> mean, variance = information_moments(np.array([2, 2]), np.array([2, 2]))
    >>> round(float(mean), 6), round(float(variance), 6)
    (0.231049, 0.106767)
    """
    # Pairs of variables often have equal margins, as all do in bins of equal frequency.
    return _moments(
        *(np.sort(m[m > 0]).astype(np.int64).tobytes() for m in (left_margin, right_margin))
    )


@lru_cache(maxsize=1024)
def _moments(left_margin: bytes, right_margin: bytes) -> Moments:
    left, right = (distinct(np.frombuffer(m, np.int64)) for m in (left_margin, right_margin))
    if left.size <= 1 or right.size <= 1:
        return Moments(0.0, 0.0)
    n = left.n_samples
    kernels = on_host()  # margins are short
    coefficients = kernels.chance_coefficients(left.values, right.values, n)
    mean = float(left.repeats @ coefficients[0] @ right.repeats)
    if n in (left.size, right.size):  # one of them determines the other
        return Moments(mean / n, 0.0)
    variance = _variance(coefficients[1:], left, right, n)
    return Moments(max(mean, 0.0) / n, max(variance, 0.0) / n**2)


def _variance(coefficients: Array, left: Distinct, right: Distinct, n_samples: int) -> float:
    """The variance of the sum of the terms of all cells, by coefficients 1, 2, … of each."""
    terms = coefficients[
        : int(np.max(np.flatnonzero(coefficients.any(axis=(1, 2))), initial=-1)) + 1
    ]
    if not len(terms):
        return 0.0
    sides = [_roots(side.values, n_samples, len(terms)) for side in (left, right)]
    at_once = max(MOST_CORRELATIONS // max(side.values.size for side in (left, right)) ** 2, 1)
    variance = 0.0
    for first in range(0, len(terms), at_once):
        orders = slice(first, first + at_once)
        of_rows, of_columns = (
            _correlations(roots[orders], side, first)
            for roots, side in zip(sides, (left, right), strict=True)
        )
        variance += float(np.sum((of_rows @ terms[orders] @ of_columns) * terms[orders]))
    return variance


def _roots(values: Array, n_samples: int, n_orders: int) -> Array:
    """√[(a)_r / (n − a)_r] of each number of samples, for r = 1, 2, …; those of two make |ρ_r|."""
    steps = np.arange(n_orders)[:, None]
    inside = np.maximum(values - steps, 0.0)
    outside = np.maximum(n_samples - values - steps, 1.0)
    return np.asarray(np.cumprod(np.sqrt(inside / outside), axis=0))


def _correlations(roots: Array, margin: Distinct, first: int) -> Array:
    """Σ ρ_r over all bins of one number of samples with all bins of another, ``(orders, k, k)``."""
    # Two different bins have at most n samples together, so that no ρ is above 1. What is above 1
    # here belongs to a bin beside itself, and is multiplied by 0.
    size = np.minimum(roots[:, :, None] * roots[:, None, :], 1.0)
    bins = np.outer(margin.repeats, margin.repeats) - np.diag(margin.repeats)  # two different ones
    signs = 1 - 2 * ((np.arange(first, first + len(roots)) + 1) % 2)
    return np.asarray(signs[:, None, None] * bins * size + np.diag(margin.repeats))


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
