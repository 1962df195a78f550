"""Entropies as sums over cells: H = (g(N) − Σ f(c))/N, for a function f of a count c.

Plug-in, Miller–Madow and Grassberger entropies all have this form. So the kernels of all pairs sum
any f by a table of its values in fixed point, and `PairSums.entropies` computes H from the sums.
Sums of integers are exact and the same in any order. So each way to count a pair, each tile and
each number of threads gives the same value, and the sums of strata, machines and streams add up.
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
"""The most samples that get a table: of 16 MiB at most, and twice that where g is not f. Sums are
float64 for more samples, and for weights."""


@dataclass(frozen=True)
class Term:
    """The functions f and g of an entropy H = (g(N) − Σ f(c))/N."""

    name: str
    """What people call it."""
    of: Callable[[HostArray], HostArray]
    """f of each of many floating-point counts, in their dtype; f(0) = 0."""
    sum: Callable[[Any, Any], Any]
    """Σ f(c) over the last axis of counts, float64, by the kernels that are passed after them."""
    of_total: Callable[[HostArray], HostArray] | None = None
    """g of each of many numbers of samples; None stands for f. One occupied cell has entropy 0 by
    either: nothing is uncertain in it."""
    sum_of_total: Callable[[Any, Any], Any] | None = None
    """g of numbers of samples, float64, by kernels. None stands for ``sum`` over one cell."""

    def given(self) -> Term:
        """The same for samples in strata: H(X|Z) = H(X,Z) − H(Z), in which g(N) cancels."""
        return replace(self, of_total=None, sum_of_total=None)

    def whole(self, samples: Any, kernels: Any) -> Any:
        """g(N), float64, by kernels."""
        if self.sum_of_total is not None:
            return self.sum_of_total(samples, kernels)
        return self.sum(samples[..., None], kernels)


class Reduction(NamedTuple):
    """A term with its values in fixed point, for counts that add up to at most some number."""

    term: Term
    table: HostArray
    """f(0), f(1), … in units, int64; empty where sums are float64."""
    totals: HostArray
    """g(0), g(1), … in units, int64; the same array as ``table`` where g is f."""
    unit: float
    """Nats times samples in 1 of the tables; 1.0 where sums are float64."""

    @property
    def is_exact(self) -> bool:
        """Whether sums are integers, which are exact."""
        return self.table.size > 0

    @property
    def has_own_totals(self) -> bool:
        """Whether g is not f."""
        return self.term.of_total is not None


def reduction(term: Term, n_samples: int, *, is_weighted: bool = False) -> Reduction:
    """The reduction of a term for counts that add up to at most ``n_samples``.

    The unit is the smallest power of two with which a sum cannot overflow. It is smaller than the
    spacing of float64 numbers as large as the sum.
    """
    if is_weighted or n_samples > MOST_FIXED:
        nothing = np.empty(0, np.int64)
        return Reduction(term, nothing, nothing, 1.0)
    return _in_fixed_point(term, max(1, int(n_samples).bit_length()))


@cache
def _in_fixed_point(term: Term, bits: int) -> Reduction:
    # longdouble, where it has more bits than float64, makes each entry right to half a unit.
    counts = np.arange(1 << bits, dtype=np.longdouble)
    terms = term.of(counts)
    totals = terms if term.of_total is None else term.of_total(counts)
    # A sum over N < 2^bits samples must stay below 2⁶² units. It is at most 2^bits times the
    # largest share of one sample, f(c)/c, which is below bits·log 2 for c·log c.
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
    """The reduction of c·log c, which kernels use by default."""
    return reduction(XLOGX, n_samples, is_weighted=is_weighted)
