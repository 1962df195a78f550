"""Information that independent variables share by chance, cell by cell, in plain NumPy.

The count c of a cell is hypergeometric: b samples are drawn from n, a of which are marked, and c of
those drawn are marked. With its mean μ = a·b/n, the information of a table in nats is 1/n times the
sum of c·log(c/μ) − (c − μ) over all cells, because Σ (c − μ) = 0. No such term is negative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

NEGLIGIBLE = 1e-18
"""The tails of a distribution end at this fraction of the largest probability."""

ORDERS = 40
"""The most coefficients of the term of a cell, the mean included."""

UNEXPLAINED = 1e-13
"""The share of the variance of a term at which its coefficients end."""


def expected_cells(left: Array, right: Array, n_samples: int) -> Array:
    """E[c/n·log(c·n/(a·b))] of a hypergeometric count c, for margins a and b: float64 ``(k, l)``.

    ``left`` ``(k,)`` holds the margins a, ``right`` ``(l,)`` the margins b. The loop starts at the
    most likely count and goes to either side: each probability is a product with the one before it.
    The sum of all probabilities normalises them. c − μ is taken off each term: its mean is 0, and
    without it no term is negative, so that terms do not cancel.
    """
    a, b = np.meshgrid(left.astype(np.float64), right.astype(np.float64), indexing="ij")
    n, mean = float(n_samples), a * b / n_samples
    mode = np.clip(np.floor((a + 1) * (b + 1) / (n + 2)), np.maximum(a + b - n, 0), None)

    def term(k: Array) -> Array:
        return k * np.log1p(np.where(k > 0, (k - mean) / mean, 0.0)) - (k - mean)

    total, value = np.ones_like(mean), term(mode)
    for step in (1, -1):
        k, weight = mode.copy(), np.ones_like(mean)
        while (weight > NEGLIGIBLE).any():
            if step == 1:
                weight *= (a - k) * (b - k) / ((k + 1) * (n - a - b + k + 1))
            else:
                weight *= k * (n - a - b + k) / ((a - k + 1) * (b - k + 1))
            k = np.where(weight > 0, k + step, k)  # past the last possible count, k stays
            total += weight
            value += weight * term(k)
    expected: Array = value / total / n
    return expected


def chance_coefficients(left: Array, right: Array, n_samples: int) -> Array:
    """The term of each cell in orthonormal polynomials of its count: ``(ORDERS, k, l)``.

    Coefficient r is the mean of c·log(c/μ) − (c − μ) times the polynomial of degree r, those of the
    count's own distribution, with a positive leading coefficient. Coefficient 0 is the mean of the
    term, and the squares of the others add up to its variance.
    """
    found = np.zeros((ORDERS, left.size, right.size))
    for i, a in enumerate(left.tolist()):
        for j, b in enumerate(right.tolist()):
            counts, shares = distribution(a, b, n_samples)
            found[:, i, j] = _coefficients(counts, shares, a * b / n_samples)
    return found


def distribution(a: int, b: int, n: int) -> tuple[Array, Array]:
    """The counts of a cell whose probability is not negligible, and their probabilities."""
    smallest, largest = max(a + b - n, 0), min(a, b)
    variance = a / n * b * (1 - a / n) * (n - b) / max(n - 1, 1)
    # The tails are those of a Poisson distribution at most: exp(−45) is below `NEGLIGIBLE`.
    reach = int(10 * variance**0.5) + 60
    mode = min(max((a + 1) * (b + 1) // (n + 2), smallest), largest)
    counts = np.arange(max(mode - reach, smallest), min(mode + reach, largest) + 1)
    k = counts[:-1].astype(np.float64)
    # log p(k + 1) − log p(k), whose sum from the first count on is the logarithm of p.
    steps = np.log((a - k) * (b - k)) - np.log((k + 1) * (float(n - a - b) + k + 1))
    logarithms = np.concatenate([[0.0], np.cumsum(steps)])
    shares = np.exp(logarithms - logarithms.max())
    return counts, shares / shares.sum()


def _coefficients(counts: Array, shares: Array, mean: float) -> Array:
    excess = counts - mean
    ratio = np.log1p(np.where(counts > 0, excess / mean, 0.0))
    rest = counts * ratio - excess
    found = np.zeros(ORDERS)
    found[0] = shares @ rest
    rest = rest - found[0]
    whole = shares @ rest**2
    position = excess / max(float(shares @ excess**2) ** 0.5, 1e-300)
    before, polynomial, scale = np.zeros(counts.size), np.ones(counts.size), 0.0
    for order in range(1, min(ORDERS, counts.size)):
        if shares @ rest**2 <= UNEXPLAINED * whole:
            break
        # The three-term recurrence of orthonormal polynomials, found as it goes along.
        middle = shares @ (position * polynomial**2)
        following = (position - middle) * polynomial - scale * before
        scale = (shares @ following**2) ** 0.5
        before, polynomial = polynomial, following / scale
        found[order] = shares @ (rest * polynomial)
        rest = rest - found[order] * polynomial
    return found
