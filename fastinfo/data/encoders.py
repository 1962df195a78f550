"""How samples become codes, range by range, once the bins of their column are decided.

`fastinfo.binning` makes encoders and `fastinfo.counting` calls them; neither knows the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastinfo.backends.contract import Array, Kernels, OnHost, Summary, Uncoded


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


class WrongGuessError(Exception):
    """Samples are not as a look at some of them had it: fit again with a look at all."""


@dataclass(frozen=True, eq=False)
class TrustingLookUp(LookUp):
    """Codes that are there already, of which the largest is taken from some of the samples.

    A pass of its own for the largest would read everything from memory twice, at a speed that
    threads do not multiply. So each block is looked through just before it is counted, in cache.
    """

    largest: int
    kernels: Kernels

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """A view, once none of its codes is beyond the largest."""
        view = self.found[start:stop]
        if self.kernels.summarize(view).high > self.largest:
            raise WrongGuessError
        return view


@dataclass(frozen=True, eq=False)
class Capped(LookUp):
    """Bytes that are codes where they are below ``n_bins``, and missing beyond."""

    n_bins: int
    kernels: Kernels

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """New codes."""
        capped: Array = self.kernels.xp.minimum(self.found[start:stop], self.n_bins)
        return capped

    def for_counting(self, start: int, stop: int, out: Any) -> Array | Uncoded:
        """A view, whose larger codes are not counted."""
        return Uncoded(self.found[start:stop], is_guess=True)


@dataclass(frozen=True, eq=False)
class Guessed(Encoder):
    """Codes by bins from the smallest to the largest of some samples; what is beyond is missing.

    So the counts tell whether the guess was right: it was, where they hold all samples. A pass for
    the extremes, which takes as long as counting, is saved then.
    """

    encode: Encoder
    values: Array | OnHost
    guess: Summary
    kernels: Kernels

    def __call__(self, start: int, stop: int, out: Array | None) -> Array:
        """As the encoder that it holds."""
        return self.encode(start, stop, out)

    def for_counting(self, start: int, stop: int, out: Any) -> Array | Uncoded:
        """As the encoder that it holds."""
        return self.encode.for_counting(start, stop, out)

    def confirm(self) -> None:
        """Look at all samples, where some lack that another column may lack.

        Raises
        ------
        WrongGuessError
            Where the guess was wrong.
        """
        low, high, n_missing = self.kernels.summarize(self.values)
        if low < self.guess.low or high > self.guess.high or n_missing:
            raise WrongGuessError


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
