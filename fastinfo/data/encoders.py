"""Encoders make codes of samples, range by range, once the bins of the column are decided.

`fastinfo.binning` makes encoders and `fastinfo.counting` calls them; neither knows the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastinfo.backends.contract import Array, Kernels, OnHost, Uncoded

MOST_CAPPED = 64
"""The most bins of uint8 samples that are capped while counting: the kernel's table may then have
up to twice as many lines."""


class Encoder(ABC):
    """Makes codes of ranges of a column's samples."""

    writes = True
    """Whether encoding writes new codes. Blocks of them should then fit a cache."""

    @abstractmethod
    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """Codes of a range, written to the beginning of ``out`` where the encoder can do so."""

    def for_counting(self, start: int, stop: int, out: Any) -> Array | Uncoded:
        """Codes of a range, or its samples for kernels that code while they count.

        ``out`` is what this method returned for the range before.
        """
        return self(start, stop, out)


@dataclass(frozen=True, eq=False)
class LookUp(Encoder):
    """Codes that exist already."""

    writes = False
    found: Array | OnHost

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """A view; ``out`` is not used."""
        return self.found[start:stop]

    for_counting = __call__


@dataclass(frozen=True, eq=False)
class Capped(LookUp):
    """uint8 samples that are codes below ``n_bins``; larger samples are missing.

    Probably no sample is larger. A separate pass for the largest would read all samples from memory
    twice, at a bandwidth that more threads do not increase. So each block is checked just before it
    is counted, and is read from the cache then.
    """

    n_bins: int
    kernels: Kernels

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """A view; a new array if some samples are not below ``n_bins``."""
        view = self.found[start:stop]
        is_within = self.kernels.summarize(view).high < self.n_bins
        return view if is_within else self.kernels.xp.minimum(view, self.n_bins)

    def for_counting(self, start: int, stop: int, out: Any) -> Array | Uncoded:
        """A view for kernels that code while they count: they leave larger samples out."""
        if not self.kernels.codes_while_counting or self.n_bins > MOST_CAPPED:
            return self(start, stop, out)
        return Uncoded(self.found[start:stop], is_guess=True)


@dataclass(frozen=True, eq=False)
class Searching(Encoder):
    """Codes of floating-point samples by the edges of their bins."""

    values: Array | OnHost
    edges: Any
    """As for `Kernels.encode_edges`; a single edge if there is no bin."""
    is_uniform: bool
    """Whether the edges are those of `Kernels.encode_uniform`."""
    kernels: Kernels

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """Codes of a range, by `Kernels.encode_uniform` where the bins are of equal width."""
        edges, n_bins = self.edges, self.edges.size - 1
        if n_bins == 0:
            return self.kernels.xp.zeros(stop - start, np.uint8)
        values, out = self.values[start:stop], _beginning(out, stop - start)
        if self.is_uniform:
            low, high = float(edges[0]), float(edges[-1])
            return self.kernels.encode_uniform(values, low, high, n_bins, out)
        return self.kernels.encode_edges(values, edges, out)

    def for_counting(self, start: int, stop: int, out: Any) -> Array | Uncoded:
        """The samples with their edges, for kernels that code while they count."""
        if not self.kernels.codes_while_counting or self.edges.size == 1:
            return self(start, stop, out)
        return Uncoded(self.values[start:stop], self.edges, self.is_uniform)


@dataclass(frozen=True, eq=False)
class Offset(Encoder):
    """Codes of integers: their distances from the lowest."""

    values: Array | OnHost
    low: int
    n_bins: int
    kernels: Kernels

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """Codes of a range, by `Kernels.encode_integers`."""
        values, out = self.values[start:stop], _beginning(out, stop - start)
        return self.kernels.encode_integers(values, self.low, self.n_bins, out)

    def for_counting(self, start: int, stop: int, out: Any) -> Array | Uncoded:
        """The integers with the lowest one, for kernels that code while they count."""
        if not self.kernels.codes_while_counting:
            return self(start, stop, out)
        return Uncoded(self.values[start:stop], low=self.low)


@dataclass(frozen=True, eq=False)
class Renumbered(Encoder):
    """New codes for those of another encoder, some of whose categories do not occur."""

    encode: Encoder
    new_codes: Array
    missing: Array | OnHost | None
    n_bins: int

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """Codes of a range, in a new array: NumPy and CuPy index into no other."""
        codes = self.new_codes[self.encode(start, stop, None)]
        if self.missing is not None:
            codes[self.missing[start:stop]] = self.n_bins
        return codes


def _beginning(out: Array | None, size: int) -> Array | None:
    return None if out is None else out[:size]
