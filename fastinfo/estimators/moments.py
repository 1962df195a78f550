"""The exact mean and variance of the information that independent variables seem to share."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends import on_host
from fastinfo.backends.chance import ORDERS
from fastinfo.estimators.chance import Occurrences, occurrences

Array = np.ndarray[Any, Any]

MOST_CELLS = 1 << 17
"""The most cells whose coefficients are computed together, 40 MiB."""

LARGEST_LOGARITHM = 230.0
"""That of roots of ρ, whose squares are numbers still."""

SIGNS = np.where(np.arange(ORDERS - 1) % 2, 1.0, -1.0)[:, None, None]
"""Those of ρ_r, for r = 1, 2, …"""


class Moments(NamedTuple):
    """The mean and the variance of the plug-in information of independent variables."""

    mean: Any
    """In nats; that of `chance.expected_information`."""
    variance: Any
    """In nats²; exactly 0 where every pairing has the same information."""


def information_moments(left_margin: Array, right_margin: Array) -> Moments:
    """The exact mean and variance of the information over all ways to pair the samples.

    Parameters
    ----------
    left_margin, right_margin : integer arrays of shape (k,) and (l,)
        As for `chance.expected_information`.

    Returns
    -------
    Moments
        Floats.

    Examples
    --------
    Two coins with two heads in four throws each: of three pairings one makes them tell all of each
    other, and the others nothing.

    >>> import numpy as np
    >>> from fastinfo.estimators.moments import information_moments
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
    left, right = (np.frombuffer(margin, np.int64) for margin in (left_margin, right_margin))
    found = moments_of_pairs(occurrences([left]), occurrences([right]), int(left.sum()))
    return Moments(*(float(moment[0, 0]) for moment in found))


def moments_of_pairs(left: Occurrences, right: Occurrences, n_samples: int) -> Moments:
    """The same of each left margin with each right one: arrays of shape (lefts, rights).

    Romano et al. [1]_ give the variance as sums over pairs of cells and their counts, whose cost
    grows with the third power of the counts. Here it costs little more than the mean, as follows.

    Parameters
    ----------
    left, right : Occurrences
        The margins. How often a number of samples occurs may be what is expected, where margins
        are not known. What is computed for the numbers is kept, so that several calls with the same
        ones cost little more than one.
    n_samples : int
        The sum of each margin.

    Returns
    -------
    Moments
        Arrays.

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

    The coefficients depend on the two margins of a cell alone, so that cells with the same margins
    share them, in all pairs. The ρ_r of two rows is a product of a root √[(a)_r / (n − a)_r] of
    each, up to its sign, and that of a row with itself is 1. So the sum over all pairs of rows is
    that of a matrix of rank 1 and a diagonal one, and the sums of all pairs of variables are
    products of matrices.

    References
    ----------
    .. [1] S. Romano, J. Bailey, V. Nguyen and K. Verspoor, "Standardized mutual information for
       clustering comparisons: one step further in adjustment for chance", ICML 2014.
    """
    of_left, of_right = left.repeats, right.repeats
    mean = np.zeros((len(of_left), len(of_right)))
    variance = np.zeros_like(mean)
    roots_of_left, roots_of_right = (_roots(side.values, n_samples) for side in (left, right))
    by_rows = np.zeros((ORDERS - 1, len(of_left), right.values.size))
    at_once = max(MOST_CELLS // max(right.values.size, 1), 1)
    for first in range(0, left.values.size, at_once):
        rows = slice(first, first + at_once)
        terms = _coefficients(left.values[rows].tobytes(), right.values.tobytes(), n_samples)
        mean += of_left[:, rows] @ terms[0] @ of_right.T
        for some in _orders(len(terms) - 1, mean.size + terms[0].size):
            of_orders, sign = terms[1:][some], SIGNS[some]
            x, own_x = _products(of_left[:, rows], roots_of_left[some, rows], sign)
            y, own_y = _products(of_right, roots_of_right[some], sign)
            of_rows = of_orders**2 @ own_y + sign * (of_orders @ y) ** 2
            variance += (own_x.transpose(0, 2, 1) @ of_rows).sum(axis=0)
            by_rows[some] += x.transpose(0, 2, 1) @ of_orders
    for some in _orders(int(by_rows.any(axis=(1, 2)).sum()), mean.size):
        y, own_y = _products(of_right, roots_of_right[some], SIGNS[some])
        of_pairs = (by_rows[some] @ y) ** 2 + by_rows[some] ** 2 @ (SIGNS[some] * own_y)
        variance += of_pairs.sum(axis=0)
    n_rows, n_columns = of_left.sum(axis=1)[:, None], of_right.sum(axis=1)
    is_fixed = (n_rows <= 1) | (n_columns <= 1)
    # Where each sample has a bin of its own, that variable determines the other.
    is_certain = is_fixed | (n_rows == n_samples) | (n_columns == n_samples)
    n = max(n_samples, 1)
    return Moments(
        np.where(is_fixed, 0.0, np.maximum(mean, 0.0)) / n,
        np.where(is_certain, 0.0, np.maximum(variance, 0.0)) / n**2,
    )


@lru_cache(maxsize=16)
def _coefficients(left: bytes, right: bytes, n_samples: int) -> Array:
    """The coefficients of each cell, ``(orders, k, l)``, as far as one of them is not 0."""
    kernels = on_host()  # margins are short
    rows, columns = (np.frombuffer(values, np.int64) for values in (left, right))
    found = kernels.chance_coefficients(rows, columns, n_samples)
    return np.array(found[: 1 + np.max(np.flatnonzero(found.any(axis=(1, 2))), initial=0)])


def _orders(n_orders: int, n_numbers: int) -> list[slice]:
    """Orders from 1 on, some at a time, each of which needs as many numbers."""
    at_once = max(MOST_CELLS // n_numbers, 1)
    return [slice(i, min(i + at_once, n_orders)) for i in range(0, n_orders, at_once)]


def _products(repeats: Array, roots: Array, signs: Array) -> tuple[Array, Array]:
    """Of Σ ρ over all pairs of bins: the factor of rank 1, and what bins by themselves add.

    Both are ``(orders, values, margins)``.
    """
    of_values = repeats.T
    return of_values * roots[..., None], of_values * (1 - signs * roots[..., None] ** 2)


def _roots(values: Array, n_samples: int) -> Array:
    """√[(a)_r / (n − a)_r] of each number of samples, for r = 1, 2, …; those of two make |ρ_r|.

    Of a bin with most of the samples they grow without bound, where the coefficients of its cells
    have long been 0.
    """
    steps = np.arange(ORDERS - 1)[:, None]
    inside = np.maximum(values - steps, 0.0)
    outside = np.maximum(n_samples - values - steps, 1.0)
    found = np.cumsum(np.log(np.maximum(inside, 1e-300)) - np.log(outside), axis=0) / 2
    return np.where(inside > 0, np.exp(np.minimum(found, LARGEST_LOGARITHM)), 0.0)
