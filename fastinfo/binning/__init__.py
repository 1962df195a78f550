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

from fastinfo.backends import quantiles, reach, whole_in_memory
from fastinfo.backends.contract import EXACT_IN_FLOATS, Array, Kernels, OnHost, Summary, code_dtype
from fastinfo.binning import extremes, numpy_rules
from fastinfo.binning.categories import merge
from fastinfo.data.columns import Column
from fastinfo.data.encoders import (
    Capped,
    Encoder,
    Guessed,
    LookUp,
    Offset,
    Renumbered,
    Searching,
    TrustingLookUp,
)
from fastinfo.system import alerts
from fastinfo.system.ranges import BLOCK, over_ranges

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
    n_variables: int = 2
    """How many share a table, on which the number of bins depends where it is left open."""


@dataclass(frozen=True)
class Quantile:
    """Bins of equal frequency, as `fastinfo.backends.quantiles` makes them."""

    n_bins: int | None = None
    n_variables: int = 2


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
        is_uniform = 0 < high - low < math.inf and np.array_equal(
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

    They are in the canonical form of `fastinfo.binning.categories`, always.
    """

    values: np.ndarray[Any, Any]

    def __len__(self) -> int:
        return int(self.values.size)


Bins = Edges | Categories


class Trust(Enum):
    """What is believed of samples before all of them were looked at, until they are counted."""

    NOTHING = "nothing"
    EDGES = "edges"
    """That all lie within edges which are known, or that it does not matter; and that the largest
    byte of some samples is that of all: counting raises `WrongGuessError` where it is not."""
    SOME = "some"
    """That some samples have the extremes of all. Where they do not, the counts hold fewer samples
    than came (`Guessed`)."""


@dataclass(frozen=True, eq=False)
class Coder:
    """How a column becomes codes, now that its bins are known."""

    bins: Bins
    n_samples: int
    has_missing: bool | None
    """Whether any sample has no bin; None where that is not known yet."""
    encode: Encoder
    kernels: Kernels

    @property
    def writes(self) -> bool:
        """Whether encoding writes codes, which had better stay in cache."""
        return not isinstance(self.encode, LookUp)

    def settled(self) -> Coder:
        """The same, with `has_missing` known."""
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


def default_n_bins(n_samples: float, n_variables: int = 2) -> int:
    """⌈n^(1/(d+1))⌉ for d variables that share a table, ⌈n^(1/3)⌉ for one and for two.

    More bins follow the variables more closely, and fill the table with chance. Measured on
    Gaussian variables that share 0 to 0.8 nats, for two, three and four variables and n = 200 …
    200,000, this number's error is the smallest of all, or at most 13% above it
    (docs/reading-values.md). Floating-point roots are off by one at some powers, so the root is
    checked.
    """
    power = max(n_variables, 2) + 1
    n_bins: int = max(int(float(n_samples) ** (1 / power)) - 1, 1)
    while n_bins**power < n_samples:
        n_bins += 1
    return n_bins


def sharing(rule: Rule, n_variables: int) -> Rule:
    """The rule for columns of which so many share a table."""
    if isinstance(rule, (Uniform, Quantile)):
        return replace(rule, n_variables=n_variables)
    return rule


def fit(
    column: Column,
    rule: Rule | Bins,
    kernels: Kernels,
    n_jobs: int = 1,
    trust: Trust = Trust.NOTHING,
    weights: Array | None = None,
) -> Coder:
    """Decide the bins of a column, where ``rule`` leaves them open.

    With ``trust`` what would take a pass of its own is left to the counting. ``weights`` are
    positive; a whole one stands for so many equal samples.

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
        return _fit_floats(column, rule, kernels, n_jobs, trust, weights)
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
    column: Column,
    rule: Rule | Bins,
    kernels: Kernels,
    n_jobs: int,
    trust: Trust,
    weights: Array | None,
) -> Coder:
    values = column.values
    known = Edges.given(rule.edges) if isinstance(rule, Given) else rule
    if trust is not Trust.NOTHING and isinstance(known, Edges):
        encode = Searching(values, known.edges, known.uniform, kernels)
        return Coder(known, values.size, None, encode, kernels)
    may_guess = trust is Trust.SOME and isinstance(rule, Uniform)
    guess = extremes.guess(values, kernels) if may_guess else None
    if guess is not None:
        bins = _fit_edges(column, guess, rule, kernels, weights)
        # Of a constant they are wider, and would not tell that it is none.
        if bins.edges[0] == guess.low and bins.edges[-1] == guess.high:
            encode = Searching(values, bins.edges, bins.uniform, kernels)
            guessed = Guessed(encode, values, guess, kernels)
            return Coder(bins, values.size, None, guessed, kernels)
    summary = _summarize(values, kernels, n_jobs)
    if isinstance(known, Edges):
        bins = known
    else:
        bins = _fit_edges(column, summary, rule, kernels, weights)
    low, high = float(bins.edges[0]), float(bins.edges[-1])
    has_missing = summary.n_missing > 0 or summary.low < low or summary.high > high
    encode = Searching(values, bins.edges, bins.uniform, kernels)
    return Coder(bins, values.size, has_missing, encode, kernels)


def _fit_edges(
    column: Column, summary: Summary, rule: Any, kernels: Kernels, weights: Array | None
) -> Edges:
    n_valid = column.values.size - summary.n_missing
    if n_valid == 0:
        return Edges.none()
    if weights is not None:
        return _fit_weighted(column, summary, rule, kernels, weights)
    if isinstance(rule, Quantile):
        with whole_in_memory(
            f"{column.name}: sorting {column.values.size} samples for bins of equal frequency",
            "pass bins of equal width or edges",
            kernels,
        ):
            n_bins = rule.n_bins or default_n_bins(n_valid, rule.n_variables)
            return Edges(quantile_edges(column.values[:], summary, n_bins, kernels))
    if isinstance(rule, NumpyRule):
        _require_finite(column, summary)
        valid = _on_host(column.values, kernels)
        valid = valid[~np.isnan(valid)].astype(np.float64)
        return _equal_bins(column, summary, _rules_number(valid, rule, column.name))
    n_bins = rule.n_bins or default_n_bins(n_valid, rule.n_variables)
    return _equal_bins(column, summary, n_bins)


def _fit_weighted(
    column: Column, summary: Summary, rule: Any, kernels: Kernels, weights: Array
) -> Edges:
    """The same of weighted samples, on the host.

    Whole weights give the bins of samples that are repeated so often. Of others only the ratios
    matter: the number of samples is the effective one, (Σw)²/Σw² [Kish 1965].
    """
    values, weights = (_on_host(array, kernels) for array in (column.values, weights))
    is_valid = ~np.isnan(values)
    values, weights = values[is_valid], weights[is_valid]
    total = weights.sum()
    is_whole = bool((weights == np.floor(weights)).all()) and total < EXACT_IN_FLOATS
    if isinstance(rule, NumpyRule):
        if not is_whole:
            raise ValueError(
                f"bins={rule.rule!r} with weights that are not whole numbers: NumPy's rules need "
                "a number of samples; pass a number of bins, or edges"
            )
        _require_finite(column, summary)
        with whole_in_memory(
            f"{column.name}: repeating samples by weights that sum to {total:g}",
            "pass a number of bins",
            kernels,
        ):
            repeated = np.repeat(values.astype(np.float64), weights.astype(np.int64))
            n_bins = _rules_number(repeated, rule, column.name)
        return _equal_bins(column, summary, n_bins)
    largest = weights.max()  # by which the squares stay within floating point
    n_samples = total if is_whole else (total / largest) ** 2 / ((weights / largest) ** 2).sum()
    n_bins = rule.n_bins or default_n_bins(n_samples, rule.n_variables)
    if isinstance(rule, Uniform):
        return _equal_bins(column, summary, n_bins)
    distinct, place = np.unique(values.astype(np.float64), return_inverse=True)
    sums = np.bincount(place, weights)
    return Edges(quantiles.edges(distinct, sums.astype(np.int64) if is_whole else sums, n_bins))


def _on_host(array: Array | OnHost, kernels: Kernels) -> Any:
    return array.array if isinstance(array, OnHost) else kernels.to_host(array)


def _rules_number(valid: Any, rule: NumpyRule, name: str) -> int:
    n_bins, reason = numpy_rules.n_bins(valid, rule.rule, name)
    if reason:
        alerts.warn(reason, alerts.CappedBinsWarning)
    return n_bins


def _require_finite(column: Column, summary: Summary) -> None:
    if not np.isfinite([summary.low, summary.high]).all():
        raise ValueError(
            f"{column.name} has infinite values, and bins of equal width need a finite range: pass "
            'bins="quantile", or edges whose first is −inf or whose last is inf'
        )


def _equal_bins(column: Column, summary: Summary, count: int) -> Edges:
    _require_finite(column, summary)
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


def quantile_edges(values: Array, summary: Summary, n_bins: int, kernels: Kernels) -> Any:
    """Edges as `quantiles` finds them: by a few of the samples where no value outweighs a bin."""
    n_valid = values.size - summary.n_missing
    n_bins = min(n_bins, n_valid)
    ranks, most = quantiles.ranks(n_bins, n_valid), n_valid // n_bins
    found = kernels.order_statistics(values, summary, ranks, most)
    if found is not None and not found[1]:
        return found[0]
    ordered = kernels.sort(values, summary)
    if found is None and not quantiles.outweighs(ordered, most):
        return kernels.to_host(ordered[kernels.bring(ranks)]).astype(np.float64)
    return kernels.quantile_edges(ordered, n_bins)


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
