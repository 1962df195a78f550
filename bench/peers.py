"""What fastinfo is measured against: how one would do the same today, written as one would.

Each peer answers with something that can be checked: counts, a mutual information in nats, or the
values of some pairs of features. The reference that all answers are held to is here too; it shares
no code with fastinfo.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.numba.jit import jit, u64
from fastinfo.backends.numba.simd import BYTES, add, and_, load, popcount, splat, total

Array = np.ndarray[Any, Any]


class PairValues(NamedTuple):
    """Mutual information of some pairs of features, by position."""

    left: Array
    right: Array
    values: Array


class BitCounts(NamedTuple):
    """Set bits that rows of bits have in common, counted ``repetitions`` times over."""

    rows: Array
    """uint8 ``(4, bytes)``: two on the left, two on the right."""
    counts: Array
    """int64 ``(2, 2)``"""
    repetitions: int


# --- one pair -----------------------------------------------------------------------------------


def scikit_learn(x: Array, y: Array) -> float:
    """Mutual information of two columns of labels."""
    from sklearn.metrics import mutual_info_score

    return float(mutual_info_score(x, y))


def bincount(x: Array, y: Array, n_bins: int) -> Array:
    """Counts of the numbers ``x·B + y``, in the smallest dtype that holds them."""
    dtype = np.min_scalar_type(n_bins * n_bins - 1)
    cells = np.multiply(x, n_bins, dtype=dtype) + y
    return np.bincount(cells, minlength=n_bins * n_bins).reshape(n_bins, n_bins)


def histogram2d_of_codes(x: Array, y: Array, n_bins: int) -> Array:
    """Counts of codes by NumPy's general histogram, its bins around the whole numbers."""
    limits = (-0.5, n_bins - 0.5)
    return np.histogram2d(x, y, bins=n_bins, range=(limits, limits))[0].astype(np.int64)


def histogram2d(x: Array, y: Array, n_bins: int) -> Array:
    """Counts of floating-point samples in equal-width bins."""
    return np.histogram2d(x, y, bins=n_bins)[0].astype(np.int64)


# --- all pairs ----------------------------------------------------------------------------------


def scikit_learn_loop(X: Array, left: Array, right: Array) -> PairValues:
    """A Python loop over some pairs of columns."""
    from sklearn.metrics import mutual_info_score

    values = [mutual_info_score(X[:, i], X[:, j]) for i, j in zip(left, right, strict=True)]
    return PairValues(left, right, np.array(values))


def one_hot_product(
    X: Array,
    left: Array,
    right: Array,
    n_bins: int,
    product: Callable[[Array, Array], Array] = lambda a, b: a.T @ b,
) -> PairValues:
    """Every pair of two blocks of columns: counts by one matrix product, then Σ c·log c.

    float32 is exact up to 2²⁴ samples and twice as fast as float64.
    """
    a, b = one_hot(X[:, left], n_bins), one_hot(X[:, right], n_bins)
    counts = product(a, b).reshape(left.size, n_bins, right.size, n_bins).transpose(0, 2, 1, 3)
    n = X.shape[0]

    def entropy(counts: Array) -> Array:
        counts = counts.astype(np.float64)
        return math.log(n) - (counts * np.log(np.maximum(counts, 1))).sum(axis=-1) / n

    joint = entropy(counts.reshape(left.size, right.size, -1))
    values = entropy(counts.sum(axis=3)) + entropy(counts.sum(axis=2)) - joint
    rows, columns = np.meshgrid(left, right, indexing="ij")
    return PairValues(rows.ravel(), columns.ravel(), values.ravel())


def one_hot(X: Array, n_bins: int) -> Array:
    """Indicator columns of each column's bins, float32 ``(n, m·B)``."""
    return (X[:, :, None] == np.arange(n_bins, dtype=X.dtype)).reshape(len(X), -1).astype("f4")


def and_popcount(rows: Array, repetitions: int) -> BitCounts:
    """How fast the machine can AND and count bits at all: each of two rows with each of two.

    No fastinfo in it but the vector type. Four pairs share four loads, and four sums are under way
    at a time, so that neither loads nor latencies are what is measured.
    """
    counts = np.zeros((2, 2), np.int64)
    _and_popcount(rows[0], rows[1], rows[2], rows[3], repetitions, counts)
    return BitCounts(rows, counts, repetitions)


@jit
def _and_popcount(a: Array, b: Array, c: Array, d: Array, repetitions: int, counts: Array) -> None:
    ac = ad = bc = bd = splat(u64(0))
    for _ in range(repetitions):
        for offset in range(u64(0), u64(len(a)), u64(BYTES)):
            left, other_left = load(a, offset), load(b, offset)
            right, other_right = load(c, offset), load(d, offset)
            ac = add(ac, popcount(and_(left, right)))
            ad = add(ad, popcount(and_(left, other_right)))
            bc = add(bc, popcount(and_(other_left, right)))
            bd = add(bd, popcount(and_(other_left, other_right)))
    counts[0, 0], counts[0, 1] = total(ac), total(ad)
    counts[1, 0], counts[1, 1] = total(bc), total(bd)


# --- the reference ------------------------------------------------------------------------------

CHUNK = 1 << 22
"""Samples counted at a time, so that the reference needs no memory to speak of."""


def reference_counts(x: Array, y: Array, n_bins: int) -> Array:
    """Counts of two columns of codes."""
    counts = np.zeros(n_bins * n_bins, np.int64)
    for start in range(0, x.size, CHUNK):
        part = slice(start, start + CHUNK)
        counts += np.bincount(x[part].astype(np.intp) * n_bins + y[part], minlength=counts.size)
    return counts.reshape(n_bins, n_bins)


def reference_quantile_codes(x: Array, n_bins: int) -> Array:
    """Codes of bins whose edges are the samples of ranks ⌈i·(n − 1)/B⌉."""
    edges = np.sort(x)[-(-np.arange(1, n_bins) * (x.size - 1) // n_bins)]
    return np.searchsorted(edges, x, side="right")


def reference_information(counts: Array) -> float:
    """I = Σ c/n·log(c·n / (row·column)), summed without rounding."""
    n, rows, columns = int(counts.sum()), counts.sum(axis=1), counts.sum(axis=0)
    return math.fsum(
        int(c) / n * math.log(int(c) * n / (int(rows[i]) * int(columns[j])))
        for (i, j), c in np.ndenumerate(counts)
        if c
    )
