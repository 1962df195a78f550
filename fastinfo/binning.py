"""Samples → codes: which bin each sample is in.

Integers, booleans, strings and categoricals are categories as they are. Floating-point samples are
binned by a rule: equal widths, equal frequencies, one of NumPy's rules, or given edges. Bins follow
NumPy's convention: [edge, next edge), the last one closed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from fastinfo import extremes
from fastinfo.backends import reach, whole_in_memory
from fastinfo.backends.contract import Array, Kernels, OnHost, Summary, code_dtype
from fastinfo.categories import merge
from fastinfo.columns import Column
from fastinfo.encoders import (
    Capped,
    Encoder,
    Guessed,
    LookUp,
    Offset,
    Renumbered,
    Searching,
    TrustingLookUp,
)
from fastinfo.ranges import BLOCK, over_ranges

NUMPY_RULES = ("auto", "doane", "fd", "rice", "scott", "sqrt", "stone", "sturges")
"""Names that `numpy.histogram_bin_edges` takes."""

MOST_CAPPED = 64
"""Bins of bytes that are guessed on a device, where a table takes up to twice as many lines."""

MOST_OF_BYTES = 255
"""Bins of which the codes, and the one of missing samples, are bytes."""

CODED_BY_OFFSET = 1 << 16
"""Integers that span at most this many values are coded as value − smallest, without sorting."""


@dataclass(frozen=True)
class Uniform:
    """Bins of equal width between the smallest and the largest value."""

    n_bins: int | None = None


@dataclass(frozen=True)
class Quantile:
    """Bins of equal frequency."""

    n_bins: int | None = None


@dataclass(frozen=True)
class NumpyRule:
    """Bins of equal width, their number by a rule of `numpy.histogram_bin_edges`."""

    rule: str


@dataclass(frozen=True)
class Given:
    """Bins by edges that the caller knows."""

    edges: np.ndarray[Any, Any]


Rule = Uniform | Quantile | NumpyRule | Given


@dataclass(frozen=True, eq=False)
class Edges:
    """Bins of a number line: bin i is [edges[i], edges[i+1]), the last one closed."""

    edges: np.ndarray[Any, Any]
    uniform: bool = False
    """Whether the edges are ``numpy.linspace`` of the outer two, which encodes faster."""

    @classmethod
    def given(cls, edges: np.ndarray[Any, Any]) -> Edges:
        """Edges that a caller knows; those of `numpy.linspace` are known again."""
        low, high = float(edges[0]), float(edges[-1])
        is_uniform = math.isfinite(high - low) and np.array_equal(
            edges, np.linspace(low, high, edges.size)
        )
        return cls(edges, is_uniform)

    @classmethod
    def none(cls) -> Edges:
        """No bin at all: what a column without a single valid sample has."""
        return cls(np.array([np.nan]))

    def __len__(self) -> int:
        return int(self.edges.size) - 1


@dataclass(frozen=True, eq=False)
class Categories:
    """Bins that are values: bin i holds the samples equal to ``values[i]``.

    They are in the canonical form of `fastinfo.categories`, always.
    """

    values: np.ndarray[Any, Any]

    def __len__(self) -> int:
        return int(self.values.size)


Bins = Edges | Categories


class Trust(Enum):
    """What is believed of samples before all of them were looked at, until they are counted."""

    NOTHING = "nothing"
    EDGES = "edges"
    """That all lie within edges which are known, or nobody minds; and of bytes the largest of some:
    blocks that are looked through as they come raise `WrongGuessError`."""
    SOME = "some"
    """That some have the extremes of all, where a lack in the counts will tell (`Guessed`)."""


@dataclass(frozen=True, eq=False)
class Coder:
    """How a column becomes codes, now that its bins are known."""

    bins: Bins
    n_samples: int
    has_missing: bool | None
    """Whether any sample has no bin; None where nobody has looked."""
    encode: Encoder
    kernels: Kernels

    @property
    def writes(self) -> bool:
        """Whether encoding writes codes, which had better stay in cache."""
        return not isinstance(self.encode, LookUp)

    def settled(self) -> Coder:
        """The same, with a look at the samples where nobody had one."""
        if self.has_missing is not None:
            return self
        return replace(self, has_missing=self.n_missing() > 0)

    def codes(self) -> Array:
        """Codes of all samples."""
        return self.encode(0, self.n_samples, None)

    def n_missing(self) -> int:
        """How many samples have no bin, counted by blocks."""
        size, n_samples = self.kernels.samples_at_once or BLOCK, self.n_samples
        blocks = (
            self.encode(start, min(start + size, n_samples), None)
            for start in range(0, n_samples, size)
        )
        return int(sum((codes == len(self.bins)).sum() for codes in blocks))


def default_n_bins(n_samples: int) -> int:
    """⌈n^(1/3)⌉, exactly: floating-point roots are off by one at some cubes."""
    n_bins: int = max(int(float(n_samples) ** (1 / 3)) - 1, 1)
    while n_bins**3 < n_samples:
        n_bins += 1
    return n_bins


def fit(
    column: Column,
    rule: Rule | Bins,
    kernels: Kernels,
    n_jobs: int = 1,
    trust: Trust = Trust.NOTHING,
) -> Coder:
    """Decide the bins of a column, where ``rule`` leaves them open.

    With ``trust`` what would take a pass of its own is left to the counting.

    Raises
    ------
    ValueError
        For equal-width bins of infinite values, or of a range too narrow for their number.
    """
    has_missing = column.missing is not None and bool(column.missing.any())
    n_samples = column.values.size
    if column.categories is not None:
        n_bins = len(column.categories)
        codes = column.values
        if column.missing is not None:
            codes = np.where(column.missing, n_bins, codes)
        found = LookUp(reach(codes.astype(code_dtype(n_bins), copy=False), kernels))
        return Coder(Categories(column.categories), n_samples, has_missing, found, kernels)
    missing = reach(column.missing, kernels) if has_missing else None
    column = column._replace(values=reach(column.values, kernels))
    if column.is_float:
        return _fit_floats(column, rule, kernels, n_jobs, trust)
    trust = Trust.NOTHING if has_missing else trust
    values, encode = _fit_integers(column, kernels, n_jobs, trust)
    if has_missing:
        # One pass more, for columns with missing values only, takes the category that stood in
        # for them out again.
        encode, values = _mark_missing(encode, values, missing, kernels)
    return Coder(Categories(values), n_samples, has_missing, encode, kernels)


def _summarize(values: Array | OnHost, kernels: Kernels, n_jobs: int) -> Summary:
    if kernels.samples_at_once is not None:
        return kernels.summarize(values)
    return over_ranges(
        lambda start, stop: kernels.summarize(values[start:stop]),
        _summary_of_both,
        values.size,
        n_jobs,
    )


def _summary_of_both(left: Summary, right: Summary) -> Summary:
    n_missing = left.n_missing + right.n_missing
    if left.low != left.low or right.low != right.low:  # a side without a number tells no limits
        return (left if right.low != right.low else right)._replace(n_missing=n_missing)
    return Summary(min(left.low, right.low), max(left.high, right.high), n_missing)


def _fit_floats(
    column: Column, rule: Rule | Bins, kernels: Kernels, n_jobs: int, trust: Trust
) -> Coder:
    values = column.values
    known = Edges.given(rule.edges) if isinstance(rule, Given) else rule
    if trust is not Trust.NOTHING and isinstance(known, Edges):
        encode = Searching(values, known.edges, known.uniform, kernels)
        return Coder(known, values.size, None, encode, kernels)
    may_guess = trust is Trust.SOME and isinstance(rule, Uniform)
    guess = extremes.guess(values, kernels) if may_guess else None
    if guess is not None:
        bins = _fit_edges(column, guess, rule, kernels)
        # Of a constant they are wider, and would not tell that it is none.
        if bins.edges[0] == guess.low and bins.edges[-1] == guess.high:
            encode = Searching(values, bins.edges, bins.uniform, kernels)
            guessed = Guessed(encode, values, guess, kernels)
            return Coder(bins, values.size, None, guessed, kernels)
    summary = _summarize(values, kernels, n_jobs)
    bins = known if isinstance(known, Edges) else _fit_edges(column, summary, rule, kernels)
    low, high = float(bins.edges[0]), float(bins.edges[-1])
    has_missing = summary.n_missing > 0 or summary.low < low or summary.high > high
    encode = Searching(values, bins.edges, bins.uniform, kernels)
    return Coder(bins, values.size, has_missing, encode, kernels)


def _fit_edges(column: Column, summary: Summary, rule: Any, kernels: Kernels) -> Edges:
    n_valid = column.values.size - summary.n_missing
    if n_valid == 0:
        return Edges.none()
    if isinstance(rule, Quantile):
        with whole_in_memory(
            f"{column.name}: sorting {column.values.size} samples for bins of equal frequency",
            "pass bins of equal width or edges",
            kernels,
        ):
            return Edges(_quantile_edges(column.values[:], summary, n_valid, rule, kernels))
    if not np.isfinite([summary.low, summary.high]).all():
        raise ValueError(
            f"{column.name} has infinite values, and bins of equal width need a finite range: pass "
            'bins="quantile", or edges whose first is −inf or whose last is inf'
        )
    count: Any
    if isinstance(rule, NumpyRule):
        values = column.values
        on_host = values.array if isinstance(values, OnHost) else kernels.to_host(values)
        valid = on_host[~np.isnan(on_host)].astype(np.float64)
        count = np.histogram_bin_edges(valid, rule.rule).size - 1
    else:
        count = rule.n_bins or default_n_bins(n_valid)
    try:
        # NumPy's own edges, ±½ around a constant included.
        with np.errstate(over="ignore", invalid="ignore"):  # ranges above the largest float
            edges = np.histogram_bin_edges(np.array([summary.low, summary.high]), count)
    except ValueError:
        edges = np.array([summary.low, np.nan])
    if not (edges[1:] > edges[:-1]).all():
        raise ValueError(
            f"{column.name} ranges from {summary.low!r} to {summary.high!r}, too narrow or too "
            f'wide for {count} bins of equal width in float64: pass fewer bins, or bins="quantile"'
        )
    return Edges(edges, uniform=True)


def _quantile_edges(
    values: Array, summary: Summary, n_valid: int, rule: Quantile, kernels: Kernels
) -> Any:
    """Samples of ranks ⌈i·(n−1)/B⌉, without repetitions.

    Edges that are samples give the same bins as interpolated ones, they do not change under an
    increasing transformation of the samples, and they exist beside infinite values. Where an inner
    edge is the largest sample, as with the two values of a column of 0.0 and 1.0, the last bin is
    that value alone; without it, it would be one bin with all below.
    """
    n_bins = rule.n_bins or default_n_bins(n_valid)
    edges = kernels.order_statistics(values, summary, quantile_ranks(n_bins, n_valid))
    return edges[is_kept(edges)]


def quantile_ranks(n_bins: int, n_valid: Any) -> Any:
    """Ranks ⌈i·(n−1)/B⌉ of the edges; of several columns where their ``n_valid`` are ``(m, 1)``."""
    return -(-np.arange(n_bins + 1) * (n_valid - 1) // n_bins)


def is_kept(edges: Any) -> Any:
    """Which edges along the last axis are kept: the last of equal ones, and the last two."""
    kept = np.ones(edges.shape, np.bool_)
    # In increasing order already, so that `numpy.unique` would sort in vain.
    kept[..., :-2] = edges[..., :-2] < edges[..., 1:-1]
    return kept


def _fit_integers(
    column: Column, kernels: Kernels, n_jobs: int, trust: Trust
) -> tuple[Any, Encoder]:
    """Sorted categories of an integer or boolean column, and how to encode it."""
    values = column.values
    if values.dtype.kind == "b":
        return np.array([False, True]), LookUp(values.view("u1"))
    guess = _guess_integers(values, kernels, trust)
    if guess is not None:
        return guess
    low, high = (int(end) for end in _summarize(values, kernels, n_jobs)[:2])
    span = high - low + 1
    if values.dtype == "u1":
        return np.arange(high + 1, dtype=values.dtype), LookUp(values)  # codes as they are
    if span > max(CODED_BY_OFFSET, 2 * values.size):
        with whole_in_memory(
            f"{column.name}: sorting {values.size} categories that lie far apart",
            "number the categories",
            kernels,
        ):
            categories, codes = kernels.xp.unique(values[:], return_inverse=True)
            codes = codes.astype(code_dtype(categories.size - 1))
        return kernels.to_host(categories), LookUp(codes)
    encode: Encoder = Offset(values, low, span, kernels)
    categories = np.arange(low, high + 1, dtype=values.dtype)
    if span <= 256:
        return categories, encode  # an empty category costs less than a look for it
    if not isinstance(values, OnHost):
        encode = LookUp(encode(0, values.size, None))
    present = _present(encode, span, values.size, None, kernels)
    if present.all():
        return categories, encode
    encode = _renumbered(encode, present, None, int(present.sum()) - 1)
    if not isinstance(values, OnHost):
        encode = LookUp(encode(0, values.size, None))
    return categories[kernels.to_host(present)], encode


def _guess_integers(
    values: Array | OnHost, kernels: Kernels, trust: Trust
) -> tuple[Any, Encoder] | None:
    """Categories by some samples of a long column, where the counting will tell of others."""
    comes_by_blocks = kernels.samples_at_once is None or isinstance(values, OnHost)
    if values.dtype == "u1" and values.size > extremes.WORTH_A_GUESS and trust is not Trust.NOTHING:
        high = int(kernels.summarize(extremes.some(values, kernels)).high)
        categories = np.arange(high + 1, dtype="u1")
        if kernels.codes_while_counting and high < MOST_CAPPED and trust is Trust.SOME:
            capped = Capped(values, high + 1, kernels)
            return categories, Guessed(capped, values, Summary(0, high, 0), kernels)
        return (categories, TrustingLookUp(values, high, kernels)) if comes_by_blocks else None
    if values.dtype == "u1" or kernels.codes_while_counting or trust is not Trust.SOME:
        return None  # kernels that code while they count cap bytes alone
    guess = extremes.guess(values, kernels)
    if guess is None or guess.high - guess.low >= MOST_OF_BYTES:
        return None
    low, high = int(guess.low), int(guess.high)
    offset = Offset(values, low, high - low + 1, kernels)
    return np.arange(low, high + 1, dtype=values.dtype), Guessed(offset, values, guess, kernels)


def _present(
    encode: Encoder,
    n_categories: int,
    n_samples: int,
    missing: Array | OnHost | None,
    kernels: Kernels,
) -> Array:
    """Which categories occur; by blocks, for NumPy widens codes to index with to eight bytes."""
    present = kernels.xp.zeros(n_categories, np.bool_)
    block = kernels.samples_at_once or BLOCK
    for start in range(0, n_samples, block):
        stop = min(start + block, n_samples)
        codes = encode(start, stop, None)
        present[codes if missing is None else codes[~missing[start:stop]]] = True
    return present


def _renumbered(
    encode: Encoder, present: Array, missing: Array | OnHost | None, largest: int
) -> Renumbered:
    new_codes = (present.cumsum() - 1).clip(0).astype(code_dtype(largest))
    return Renumbered(encode, new_codes, missing, largest)


def _mark_missing(
    encode: Encoder, categories: Any, missing: Array | OnHost, kernels: Kernels
) -> tuple[Encoder, Any]:
    """How to give the missing samples the code B, and the categories left without them."""
    present = _present(encode, categories.size, missing.size, missing, kernels)
    categories = categories[kernels.to_host(present)]
    return _renumbered(encode, present, missing, categories.size), categories


def refuse_missing(columns: Sequence[Column], coders: Sequence[Coder]) -> None:
    """Raise ValueError for the first column with a missing sample."""
    for column, coder in zip(columns, coders, strict=True):
        if not coder.has_missing:
            continue
        bins = coder.bins
        if isinstance(bins, Edges) and len(bins) and not np.isnan(column.values).any():
            what = f"values outside of its edges [{bins.edges[0]:.6g}, {bins.edges[-1]:.6g}]"
            help_ = "widen them (−inf and inf are accepted), or leave such samples out with"
        else:
            what, help_ = "missing values", "leave such samples out with"
        n_missing = coder.n_missing()
        raise ValueError(
            f"{column.name} has {n_missing} {what} among {column.values.size}: {help_} "
            'nan_policy="omit", or ask for NaN with nan_policy="propagate"'
        )


def unite(left: Bins, right: Bins) -> tuple[Bins, Any, Any]:
    """Bins that hold both, and where the bins of each are among them.

    Raises
    ------
    ValueError
        For edges that differ, for edges beside categories, and for categories of two types.
    """
    if len(left) == 0 or len(right) == 0:
        one = right if len(left) == 0 else left
        return one, np.arange(len(left)), np.arange(len(right))
    if isinstance(left, Edges) and isinstance(right, Edges):
        if not np.array_equal(left.edges, right.edges):
            raise ValueError(
                "the bins differ, so their counts cannot be added: "
                f"{_brief(left.edges)} and {_brief(right.edges)}; pass the same edges to both"
            )
        same = np.arange(len(left))
        return left, same, same
    if isinstance(left, Edges) or isinstance(right, Edges):
        raise ValueError(
            "floating-point samples were binned on one side and categories counted on the other; "
            "give both sides the same kind of samples"
        )
    values, to_left, to_right = merge(left.values, right.values)
    return Categories(values), to_left, to_right


def _brief(edges: Any) -> str:
    return f"{edges.size - 1} bins of [{edges[0]:.6g}, {edges[-1]:.6g}]"
