"""What one pass over a column finds: all that the rules of preparation and of binning ask of it.

Numbers are counted value by value as long as there are few different ones. With more, their
quantiles are kept by a sketch. Labels are counted one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from fastinfo.binning import categories
from fastinfo.binning.rules import default_n_bins
from fastinfo.data.columns import Column
from fastinfo.inputs import moments
from fastinfo.inputs.scanning.mergeable import MergeableSketch
from fastinfo.inputs.scanning.sketch import QuantileSketch, edges_of_counted

HostArray = np.ndarray[Any, Any]

MOST_VALUES = 1 << 16
"""The most different numbers that are counted one by one."""

MOST_LABELS = 1 << 20
"""The most different labels of text, and of a column that the caller calls a category."""

COUNTED_BY_OFFSET = 1 << 20
"""Integers of a batch that span at most this many values are counted without sorting."""

LARGE = 1 << 52
"""Integers from which on the sketch keeps distances, since float64 would make neighbours equal."""

SOME = 1 << 9
"""Numbers that are repeated at once, each at most as often."""


class ValueCounts:
    """How often each number occurs, while there are at most ``most`` different ones."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.values: HostArray | None = None
        self.counts = np.empty(0, np.int64)
        self.is_full = False

    def update(self, present: HostArray) -> bool:
        """Add numbers; whether there are too many different ones now, which ends the count."""
        return self._add(*_counted(present))

    def include(self, other: ValueCounts) -> bool:
        """Add what another one has counted; as `update`."""
        if other.values is None:
            return self.is_full
        return self._add(other.values, other.counts)

    def _add(self, found: HostArray, counts: HostArray) -> bool:
        if self.values is not None:
            both = np.concatenate([self.values, found])
            merged, position = np.unique(both, return_inverse=True)
            sums = np.zeros(merged.size, np.int64)
            np.add.at(sums, position, np.concatenate([self.counts, counts]))
            found, counts = merged, sums
        self.values, self.counts = found, counts
        self.is_full = found.size > self.most
        return self.is_full

    def shorten(self) -> None:
        """Keep no more numbers than tell that there are too many."""
        if self.is_full and self.values is not None:
            self.values, self.counts = self.values[: self.most + 1], self.counts[: self.most + 1]


def repeated(counted: ValueCounts) -> Iterator[HostArray]:
    """The numbers that were counted, each as often as it occurred, some at a time."""
    assert counted.values is not None
    for start in range(0, counted.values.size, SOME):
        values = counted.values[start : start + SOME]
        counts = counted.counts[start : start + SOME].copy()
        while counts.any():
            now = np.minimum(counts, SOME)
            yield np.repeat(values, now)
            counts -= now


def _counted(present: HostArray) -> tuple[HostArray, HostArray]:
    if present.dtype.kind == "b":
        counts = np.bincount(present, minlength=2)
        return np.array([False, True])[counts > 0], counts[counts > 0]
    if present.dtype.kind in "iu" and present.size:
        low, high = int(present.min()), int(present.max())
        if high - low < COUNTED_BY_OFFSET:
            with np.errstate(over="ignore"):
                offsets = (present - present.dtype.type(low)).view(f"u{present.itemsize}")
            counts = np.bincount(offsets)
            (occurs,) = np.nonzero(counts)
            values = occurs + low if low < 0 else occurs.astype(np.uint64) + np.uint64(low)
            return values.astype(present.dtype), counts[occurs]
    return np.unique(present, return_counts=True)


class StreamedFacts:
    """The facts of one column of a stream; `decisions.Facts`.

    Parameters
    ----------
    name : str
        The name of the column.
    is_time : bool
        Whether it holds dates, moments, times of day or durations.
    is_categorical : bool
        Whether its type is a dictionary, so that its text spells no dates.
    most_values : int
        The most different numbers that are counted one by one, if more than `MOST_VALUES`.
    keeps_values : bool
        Whether floating-point numbers are counted one by one too.
    keeps_quantiles : bool
        Whether bins of equal frequency may be asked for.
    """

    def __init__(
        self,
        name: str,
        *,
        is_time: bool = False,
        is_categorical: bool = False,
        most_values: int = 0,
        keeps_values: bool = False,
        keeps_quantiles: bool = True,
    ) -> None:
        self.name = name
        self.is_time = is_time
        self.is_categorical = is_categorical
        self.keeps_values = keeps_values
        self.keeps_quantiles = keeps_quantiles
        self.dtype: Any = None
        self.n_rows = self.n_missing = 0
        self.low: Any = None
        self.high: Any = None
        self.labels: dict[Any, int] | None = None
        """Labels, with the name of their type where they are not text, and their numbers."""
        self.is_beyond_labels = False
        """Whether there are more labels than a stream holds."""
        self.values = ValueCounts(min(max(MOST_VALUES, most_values), MOST_LABELS))
        self.sketch: QuantileSketch | MergeableSketch = QuantileSketch()
        self.edges: tuple[int, HostArray] | None = None
        """A number of bins and their edges, as the sketch had them at the end of the pass."""
        self.base: int | None = None
        """The number from which the sketch counts distances: 0 unless integers are very large."""
        self.scale = 1
        """What moments are divided by after the pass: 1000 for nanoseconds that need not be."""
        self.is_finer = False
        """Whether an integer is no multiple of 1000, which matters for nanoseconds."""
        self.last: Any = None
        self.rises = self.falls = True
        self.is_of_footer = False
        """Whether they are told by the footers of files, and no sample was looked at."""
        self.may_have_nan = False
        """Whether samples may be missing that ``n_missing`` does not count."""

    # --- the pass ---------------------------------------------------------------------------------

    def update(self, column: Column) -> None:
        """Add the samples of a batch."""
        values, missing = column.values, column.missing
        self.n_rows += values.size
        self.dtype = values.dtype if self.dtype is None else self.dtype
        if column.categories is not None:
            self.n_rows -= values.size
            self.count_labels(column.categories, _filled(column))
            return
        if column.is_float:
            # The minimum tells whether there is a NaN, and is needed anyway.
            lacks = values.size and np.isnan(values.min())
            present = values[~np.isnan(values)] if lacks else values
        else:
            present = values if missing is None else values[~missing]
        self.n_missing += values.size - present.size
        if not present.size:
            return
        low, high = present.min(), present.max()
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)
        if present.dtype.kind in "iu":
            self._follow(present)
            if self.is_time and not self.is_finer:
                self.is_finer = bool((present % 1000).any())
        if not self.values.is_full and (not column.is_float or self.keeps_values):
            was_last = self.values.update(present)
            if was_last and self.keeps_quantiles:
                for some in repeated(self.values):
                    self.to_sketch(some)
        elif self.keeps_quantiles:
            self.to_sketch(present)

    def to_sketch(self, present: HostArray) -> None:
        """Add numbers to the sketch."""
        # As floats large integers would become equal, so that their distances are kept.
        if present.dtype.kind in "iu":
            if self.base is None:
                first = int(present[0])
                self.base = first if abs(first) >= LARGE else 0
            if self.base:
                with np.errstate(over="ignore"):
                    present = (present - present.dtype.type(self.base)).view(np.int64)
        self.sketch.update(present.astype(np.float64, copy=False))

    def _follow(self, present: HostArray) -> None:
        """Whether integers rise or fall with every row so far."""
        if not (self.rises or self.falls):
            return
        if self.last is not None:
            self.rises = self.rises and bool(present[0] > self.last)
            self.falls = self.falls and bool(present[0] < self.last)
        self.rises = self.rises and bool((present[1:] > present[:-1]).all())
        self.falls = self.falls and bool((present[1:] < present[:-1]).all())
        self.last = present[-1]

    def count_labels(self, dictionary: Any, positions: HostArray) -> None:
        """Add samples of text or categories.

        Parameters
        ----------
        dictionary : array of shape (k,)
            Labels, in an array of NumPy or of Arrow; some may not occur.
        positions : array of shape (n,)
            The position of each sample's label; k for a missing one.
        """
        self.n_rows += positions.size
        counts = np.bincount(positions, minlength=len(dictionary) + 1)
        self.n_missing += int(counts[-1])
        self.labels = {} if self.labels is None else self.labels
        if self.is_beyond_labels:
            return
        (occurs,) = np.nonzero(counts[:-1])
        for key, count in zip(
            keys_of(dictionary.take(occurs)), counts[occurs].tolist(), strict=True
        ):
            self.labels[key] = self.labels.get(key, 0) + count
        self.settle_labels()

    def settle_labels(self) -> None:
        """Find out whether there are too many labels, after some were added."""
        self.is_beyond_labels = self.is_beyond_labels or len(self.labels or ()) > MOST_LABELS

    def settle(self, n_bins: int | None, n_variables: int = 2) -> None:
        """Keep of the sketch the edges of some number of bins, by default the usual one."""
        if self.is_text or not self.keeps_quantiles or not self.sketch.n:
            return
        n_bins = n_bins or default_n_bins(self.n_present(), n_variables)
        self.edges = n_bins, edges_of_counted(*self.sketch.counted(), n_bins)
        self.sketch = QuantileSketch()

    def in_microseconds(self) -> None:
        """Take nanoseconds for microseconds where all of them are whole ones, after the pass."""
        if self.is_finer or self.low is None:
            self.scale = 1
            return
        self.scale = 1000
        self.low, self.high = self.low // 1000, self.high // 1000
        if self.values.values is not None:
            self.values.values = self.values.values // 1000

    # --- what the rules ask -----------------------------------------------------------------------

    @property
    def is_float(self) -> bool:
        """As `decisions.Facts`."""
        return not self.is_text and self.dtype is not None and self.dtype.kind == "f"

    @property
    def is_bool(self) -> bool:
        """As `decisions.Facts`."""
        return not self.is_text and self.dtype is not None and self.dtype.kind == "b"

    @property
    def is_text(self) -> bool:
        """As `decisions.Facts`."""
        return self.labels is not None

    @cached_property
    def spelled(self) -> HostArray | None:
        """The numbers that the labels spell as dates or times, in the order of `labels`."""
        if self.labels is None or self.is_categorical or self.is_beyond_labels:
            return None
        return moments.spelled(list(self.labels))

    @property
    def spells_times(self) -> bool:
        """As `decisions.Facts`."""
        return self.spelled is not None

    def has_two_values(self) -> bool:
        """As `decisions.Facts`."""
        if self.labels is not None:
            return len(self.labels) > 1
        return self.low is not None and bool(self.low != self.high)

    def n_present(self) -> int:
        """As `decisions.Facts`."""
        return self.n_rows - self.n_missing

    def n_distinct(self, enough: float) -> int:
        """As `decisions.Facts`."""
        if self.labels is not None:
            return len(self.labels)
        values = self.values.values
        if values is None:
            return int(enough) + 1 if self.is_of_footer else 0
        return int(values.size)

    def counts_rows(self) -> bool:
        """As `decisions.Facts`."""
        if self.n_missing or self.low is None:
            return False
        low, high = int(self.low), int(self.high)
        return low in (0, 1) and high - low < 2 * self.n_rows and (self.rises or self.falls)

    def canonical_labels(self) -> HostArray:
        """The labels that occur, in canonical form."""
        assert self.labels is not None
        keys = list(self.labels)
        if not keys or isinstance(keys[0], str):
            return categories.canonical(keys)[0]
        return categories.canonical(categories.typed([label for _, label in keys], self.name))[0]


def _filled(column: Column) -> HostArray:
    """The codes of a column of categories, with the number of these for missing samples."""
    assert column.categories is not None
    values: HostArray = column.values.astype(np.int64)
    if column.missing is not None:
        values[column.missing] = column.categories.size
    return values


def keys_of(labels: Any) -> list[Any]:
    """Text itself, or for other labels pairs of the name of their type and their value."""
    listed: list[Any] = labels.tolist()
    if all(isinstance(label, str) for label in listed):
        return listed
    return [(type(label).__name__, label) for label in listed]
