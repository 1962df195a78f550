"""Entropies as sums over cells: H = (g(N) − Σ f(c))/N, for a function f of a count c.

Plug-in, Miller–Madow and Grassberger entropies all are of this form. So the kernels of all pairs
sum f, whatever it is, by a table of it in fixed point, and `PairSums.entropies` does the rest. Sums
of integers are exact: the same in any order, so that every way to count a pair, any tile and any
number of threads give one and the same value, and what strata, machines and streams sum adds up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

HostArray = np.ndarray[Any, Any]

MOST_FIXED = 1 << 20
"""Samples up to which there is a table: 8 MiB. More, and weights, are summed as float64."""


@dataclass(frozen=True)
class Term:
    """What an entropy sums over the cells of a table, and what that is taken from."""

    name: str
    """What a checkpoint calls it."""
    of: Callable[[HostArray], HostArray]
    """f of counts, in the floating-point type that they come in; f(0) = 0."""
    sum: Callable[[Any, Any], Any]
    """Σ f(c) over the last axis of counts, float64, by the kernels of their backend."""
    of_total: Callable[[HostArray], HostArray] | None = None
    """g of numbers of samples; f for None, by which a single occupied cell has no entropy."""
    sum_of_total: Callable[[Any, Any], Any] | None = None
    """g of numbers of samples, float64, by kernels; ``sum`` of one cell for None."""

    def given(self) -> Term:
        """The same for samples in strata: H(X|Z) = H(X,Z) − H(Z), in which g(N) cancels."""
        return replace(self, of_total=None, sum_of_total=None)

    def whole(self, samples: Any, kernels: Any) -> Any:
        """g(N), float64, by kernels."""
        if self.sum_of_total is not None:
            return self.sum_of_total(samples, kernels)
        return self.sum(samples[..., None], kernels)


class Reduction(NamedTuple):
    """How counts that add up to some number of samples are reduced to sums of a term."""

    term: Term
    table: HostArray
    """f in units, int64; empty where sums are float64."""
    totals: HostArray
    """g in units; ``table`` itself where g is f."""
    unit: float
    """1 where sums are float64."""

    @property
    def is_exact(self) -> bool:
        """Whether sums are integers."""
        return self.table.size > 0


def reduction(term: Term, n_samples: int, *, is_weighted: bool = False) -> Reduction:
    """How to sum a term over counts that add up to ``n_samples`` at most.

    The unit, a power of two, is the finest with which the sum cannot overflow; below that of a
    float64 sum, which is as large.
    """
    if is_weighted or n_samples > MOST_FIXED:
        nothing = np.empty(0, np.int64)
        return Reduction(term, nothing, nothing, 1.0)
    return _fixed(term, max(1, int(n_samples).bit_length()))


@cache
def _fixed(term: Term, bits: int) -> Reduction:
    # An extended type, where the machine has one, makes each entry right to half a unit.
    counts = np.arange(1 << bits, dtype=np.longdouble)
    terms = term.of(counts)
    totals = terms if term.of_total is None else term.of_total(counts)
    # A sum over N < 2^bits samples is at most 2^bits times the largest share of a sample, which is
    # bits·log 2 for c·log c, and must stay below 2⁶².
    largest = np.abs(np.stack([terms, totals])[:, 1:] / counts[1:]).max()
    most = (1 << bits) * max(bits * math.log(2), float(largest))
    unit = 2.0 ** (math.ceil(math.log2(most)) - 62)
    table = _in_units(terms, unit)
    return Reduction(term, table, table if totals is terms else _in_units(totals, unit), unit)


def _in_units(terms: HostArray, unit: float) -> HostArray:
    table: HostArray = np.rint(terms / np.longdouble(unit)).astype(np.int64)
    table.flags.writeable = False
    return table


def _xlogx(counts: HostArray) -> HostArray:
    return counts * np.log(np.maximum(counts, 1))


XLOGX = Term("xlogx", _xlogx, lambda counts, kernels: kernels.sum_xlogx(counts))
"""c·log c, the term of the plug-in entropy."""


def plug_in(n_samples: int, *, is_weighted: bool = False) -> Reduction:
    """How kernels sum where nothing else is said."""
    return reduction(XLOGX, n_samples, is_weighted=is_weighted)
