"""How samples become codes, range by range, once the bins of their column are decided.

`fastinfo.binning` makes encoders and `fastinfo.counting` calls them; neither knows the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastinfo.backends.contract import Array, Kernels, OnHost, Uncoded

MOST_CAPPED = 64
"""Bins of bytes that are capped while they are counted: a table takes up to twice as many lines."""


class Encoder(ABC):
    """How ranges of a column's samples become codes."""

    @abstractmethod
    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """Codes of a range, at the beginning of ``out`` where that can be used."""

    def for_counting(self, start: int, stop: int, out: Any) -> Array | Uncoded:
        """What is counted of a range: codes, or the samples where the kernels code by themselves.

        ``out`` is what the range before it gave.
        """
        return self(start, stop, out)


@dataclass(frozen=True, eq=False)
class LookUp(Encoder):
    """Codes that are there already."""

    found: Array | OnHost

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """A view, whatever ``out`` is."""
        return self.found[start:stop]


@dataclass(frozen=True, eq=False)
class Capped(LookUp):
    """Bytes that are codes where they are below ``n_bins``, and missing beyond.

    There are probably none beyond. A pass of its own for the largest would read everything from
    memory twice, at a speed that threads do not multiply. So each block is looked through just
    before it is counted, in cache.
    """

    n_bins: int
    kernels: Kernels

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """A view, and new codes where some are beyond."""
        view = self.found[start:stop]
        is_within = self.kernels.summarize(view).high < self.n_bins
        return view if is_within else self.kernels.xp.minimum(view, self.n_bins)

    def for_counting(self, start: int, stop: int, out: Any) -> Array | Uncoded:
        """A view, whose larger codes kernels that code while they count do not count."""
        if not self.kernels.codes_while_counting or self.n_bins > MOST_CAPPED:
            return self(start, stop, out)
        return Uncoded(self.found[start:stop], is_guess=True)


@dataclass(frozen=True, eq=False)
class Searching(Encoder):
    """Codes of samples by the bins that these are in."""

    values: Array | OnHost
    edges: Any
    """As for `Kernels.encode_edges`; a single one where there is no bin."""
    is_uniform: bool
    """Whether they are those of `Kernels.encode_uniform`."""
    kernels: Kernels

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """By a multiplication where the bins are equal."""
        edges, n_bins = self.edges, self.edges.size - 1
        if n_bins == 0:
            return self.kernels.xp.zeros(stop - start, np.uint8)
        values, out = self.values[start:stop], _beginning(out, stop - start)
        if self.is_uniform:
            low, high = float(edges[0]), float(edges[-1])
            return self.kernels.encode_uniform(values, low, high, n_bins, out)
        return self.kernels.encode_edges(values, edges, out)

    def for_counting(self, start: int, stop: int, out: Any) -> Array | Uncoded:
        """The samples with their bins."""
        if not self.kernels.codes_while_counting or self.edges.size == 1:
            return self(start, stop, out)
        return Uncoded(self.values[start:stop], self.edges, self.is_uniform)


@dataclass(frozen=True, eq=False)
class Offset(Encoder):
    """Codes of integers, which are their distances from the lowest."""

    values: Array | OnHost
    low: int
    n_bins: int
    kernels: Kernels

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """A subtraction."""
        values, out = self.values[start:stop], _beginning(out, stop - start)
        return self.kernels.encode_integers(values, self.low, self.n_bins, out)

    def for_counting(self, start: int, stop: int, out: Any) -> Array | Uncoded:
        """The integers with the lowest one."""
        if not self.kernels.codes_while_counting:
            return self(start, stop, out)
        return Uncoded(self.values[start:stop], low=self.low)


@dataclass(frozen=True, eq=False)
class Renumbered(Encoder):
    """Codes by what another encoder says, of which some categories do not occur."""

    encode: Encoder
    new_codes: Array
    missing: Array | OnHost | None
    n_bins: int

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """New arrays, for NumPy and CuPy index in no other way."""
        codes = self.new_codes[self.encode(start, stop, None)]
        if self.missing is not None:
            codes[self.missing[start:stop]] = self.n_bins
        return codes


def _beginning(out: Array | None, size: int) -> Array | None:
    return None if out is None else out[:size]
