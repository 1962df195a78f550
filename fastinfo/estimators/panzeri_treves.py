"""The correction of Panzeri & Treves: information about a condition, in cells that are relevant.

Miller's correction counts the cells with a sample. Of those that are possible, more are relevant:
cells that some samples would have gone to, had there been more. Their number is estimated for each
value of the condition by itself. The condition is the last variable of a table: y for I(X;Y), z for
I(X;Y|Z).

Source: S. Panzeri and A. Treves, "Analytical estimates of limited sampling biases in different
information measures", Network: Computation in Neural Systems 7, 1996.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.estimators.cells import NCells

HostArray = np.ndarray[Any, Any]

TRIED_AT_ONCE = 64
"""Numbers of further cells that are tried together."""


def relevant_cells(counts: HostArray, n_cells: float) -> int:
    """The number of relevant cells of one table, ``(cells,)``: R of them have samples.

    It is the number R + x for which as many cells are expected to have a sample as have one. The
    expectation is by probabilities with one sample in advance in each occupied cell: each of the x
    others has q = 1 − (N/(N + R))^(1/N), and an occupied one (1 − x·q)·(c + 1)/(N + R). More are
    tried as long as the expectation comes nearer.
    """
    values, repeats = np.unique(counts[counts > 0], return_counts=True)
    n_occupied, n_samples = int(repeats.sum()), int(values @ repeats)
    most = int(min(n_cells - n_occupied, n_samples + n_occupied))
    if n_occupied == 0 or most <= 0:
        return n_occupied
    of_other = -math.expm1(math.log(n_samples / (n_samples + n_occupied)) / n_samples)
    # Without a further cell, probabilities are the frequencies.
    missed = repeats @ np.power(1 - values / n_samples, n_samples)
    gap = float(missed)
    for first in range(1, most + 1, TRIED_AT_ONCE):
        more = np.arange(first, min(first + TRIED_AT_ONCE, most + 1))
        left = (1 - more * of_other)[:, None]
        p = np.clip(left * (values + 1) / (n_samples + n_occupied), 0, 1)
        missed = np.power(1 - p, n_samples) @ repeats
        gaps = np.abs(missed - more * (n_occupied / (n_samples + n_occupied)))
        worse = np.flatnonzero(gaps >= np.append(gap, gaps[:-1]))
        if worse.size:
            return n_occupied + first + int(worse[0]) - 1
        gap = float(gaps[-1])
    return n_occupied + most


def panzeri_treves(counts: Array, n_cells: NCells, kernels: Kernels) -> Array:
    """The plug-in entropy plus (R̃ − 1)/(2N), R̃ the number of relevant cells."""
    samples = counts.sum(axis=-1)
    return _plug_in(counts, kernels) + _half(_relevant(counts, n_cells(), kernels) - 1, samples)


def given_last(counts: Array, n_others: NCells, n_last: NCells, kernels: Kernels) -> Array:
    """The joint entropy of a last variable and others, by counts ``(..., last, others)``.

    The plug-in entropy plus (R̃ − 1 + Σ(R̃ₛ − 1))/(2N), R̃ for the last variable, and R̃ₛ for the
    others where that has its value s. With the corrections of H(X) and H(Y), that of I(X;Y) is
    −(Σ R̃ₛ − R̃ − S + 1)/(2N) for S values that occur, as Panzeri and Treves give it.
    """
    margin = counts.sum(axis=-1)
    samples = margin.sum(axis=-1)
    cells = counts.reshape(*counts.shape[:-2], counts.shape[-2] * counts.shape[-1])
    of_rows = _relevant(counts, n_others(), kernels)
    more = kernels.xp.where(margin > 0, of_rows - 1, 0).sum(axis=-1)
    return _plug_in(cells, kernels) + _half(
        _relevant(margin, n_last(), kernels) - 1 + more, samples
    )


def _plug_in(counts: Array, kernels: Kernels) -> Array:
    samples = counts.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (kernels.sum_xlogx(samples[..., None]) - kernels.sum_xlogx(counts)) / samples


def _half(cells: Array, samples: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return cells / (2 * samples)


def _relevant(counts: Array, n_cells: Any, kernels: Kernels) -> Array:
    """`relevant_cells` of each table, one by one on the host."""
    shape = counts.shape[:-1]
    tables = kernels.to_host(counts).reshape(math.prod(shape), counts.shape[-1])
    sizes = np.broadcast_to(kernels.to_host(kernels.xp.asarray(n_cells)), shape).ravel().tolist()
    found = [relevant_cells(table, size) for table, size in zip(tables, sizes, strict=True)]
    return kernels.bring(np.array(found, np.int64).reshape(shape))
