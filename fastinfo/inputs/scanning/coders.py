"""The bins of the columns of a scan, and the coders that bring its batches into these bins."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fastinfo.backends import on_host
from fastinfo.backends.contract import Array, Kernels, Summary, code_dtype
from fastinfo.binning.edges import equal_bins
from fastinfo.binning.rules import (
    Bins,
    Categories,
    Edges,
    Given,
    NumpyRule,
    Quantile,
    Rule,
    default_n_bins,
)
from fastinfo.data.columns import Column
from fastinfo.data.encoders import Searching
from fastinfo.inputs import bin_arguments
from fastinfo.inputs.decisions import Form
from fastinfo.inputs.scanning.facts import StreamedFacts, keys_of
from fastinfo.inputs.scanning.on_device import DeviceColumn
from fastinfo.inputs.scanning.sketch import edges_of_counted
from fastinfo.inputs.scanning.survey import (
    Converter,
    StreamedColumn,
    as_numbers,
    dictionary_of,
    shift_of,
)

HostArray = np.ndarray[Any, Any]

LOOKED_UP = 1 << 20
"""Integers that span at most this many values find their codes in a table."""


class Coder(ABC):
    """Brings batches of a column into its bins."""

    bins: Bins

    @abstractmethod
    def codes(self, array: Any, kernels: Kernels) -> Array:
        """Codes of an Arrow array; the number of bins marks a missing sample."""

    def takes(self, array: DeviceColumn) -> bool:
        """Whether `codes` takes samples that lie on a device, with kernels of that device."""
        return False

    def require_limits(self, is_whole: bool) -> None:  # noqa: B027, since most depend on none
        """Raise if the footers of files are wrong, and bins depend on them; see `_Numbers`."""


def coder_of(column: StreamedColumn, rule: Rule) -> Coder:
    """The bins of a column by a rule, and its coder.

    Raises
    ------
    ValueError
        For a rule that needs all samples at once; as `binning.fit`.
    """
    facts, form = column.facts, column.form
    converter = Converter(column.label, column.scan.type_of(column.label))
    is_given = isinstance(rule, Given) and not facts.is_text
    if facts.low is None and not facts.labels and not is_given:
        return _Nothing()
    if form is Form.MOMENTS:
        assert facts.spelled is not None
        numbers = facts.spelled.astype(np.float64)
        of_labels = _counts_of_labels(facts)
        distinct, position = np.unique(numbers, return_inverse=True)
        counts = np.zeros(distinct.size, np.int64)
        np.add.at(counts, position, of_labels)
        limits = float(distinct[0]), float(distinct[-1])
        bins = _fit(column, rule, limits, lambda n: edges_of_counted(distinct, counts, n))
        return _Labels(converter, facts, bins, numbers)
    if facts.is_text:
        return _Labels(converter, facts, Categories(facts.canonical_labels()), None)
    if form is Form.NUMBERS or is_given or (facts.is_float and form is Form.AS_IT_IS):
        low, high = _numbers(np.array([facts.low, facts.high]), facts, form).tolist()
        bins = _fit(column, rule, (low, high), partial(_quantile_edges, facts))
        return _Numbers(converter, column, bins, rule)
    return _Values(converter, facts, form)


def _fit(
    column: StreamedColumn,
    rule: Rule,
    limits: tuple[float, float],
    quantile_edges: Callable[[int], HostArray],
) -> Edges:
    """The edges that a rule gives for numbers, by their limits or by their quantiles."""
    facts = column.facts
    if isinstance(rule, Given):
        return Edges.given(rule.edges)
    if isinstance(rule, NumpyRule):
        raise ValueError(
            f"bins={rule.rule!r} needs all samples of {column.name} at once, and a scan has them "
            'batch by batch: pass a number of bins, "quantile", or edges'
        )
    n_bins = rule.n_bins or default_n_bins(facts.n_present(), rule.n_variables)
    if isinstance(rule, Quantile):
        edges = quantile_edges(n_bins)
        edges[0], edges[-1] = limits  # a sketch need not keep the extremes
        return Edges(edges)
    summary = Summary(*limits, facts.n_missing)
    return equal_bins(Column(column.name, np.empty(0)), summary, n_bins)


def _numbers(values: HostArray, facts: StreamedFacts, form: Form) -> HostArray:
    return as_numbers(values, facts) if form is Form.NUMBERS else values.astype(np.float64)


def _quantile_edges(facts: StreamedFacts, n_bins: int) -> HostArray:
    """Edges of equal frequency of a column, as floats."""
    if facts.values.values is not None and not facts.values.is_full:
        numbers = as_numbers(facts.values.values, facts)
        return edges_of_counted(numbers, facts.values.counts, n_bins)
    if facts.edges is None:
        edges = edges_of_counted(*facts.sketch.counted(), n_bins)
    else:
        kept, edges = facts.edges
        assert kept == n_bins, "the edges were kept for another number of bins"
        edges = edges.copy()
    base, shift = (facts.base or 0), shift_of(facts)
    if facts.scale == 1 and base == shift:
        return edges
    return edges / facts.scale + float(base // facts.scale - shift)


def _counts_of_labels(facts: StreamedFacts) -> list[int]:
    assert facts.labels is not None
    return list(facts.labels.values())


class _Nothing(Coder):
    """Codes of a column in which all samples are missing: it has no bin."""

    bins: Bins = Edges.none()

    def codes(self, array: Any, kernels: Kernels) -> Array:
        """As many zeros as samples, which mark missing ones."""
        return kernels.bring(np.zeros(len(array), np.uint8))


class _Numbers(Coder):
    """Codes by edges."""

    def __init__(
        self, converter: Converter, column: StreamedColumn, bins: Edges, rule: Rule
    ) -> None:
        self.converter = converter
        self.column = column
        self.bins: Bins = bins
        self.edges = bins
        self.last = float(rule.edges[-1]) if isinstance(rule, Given) else None
        self.is_checked = column.facts.is_of_footer and not isinstance(rule, Given)
        self.low, self.high = np.inf, -np.inf
        """The limits of the samples so far, where those of footers are to be compared."""

    def require_limits(self, is_whole: bool) -> None:
        """Raise if footers are wrong; ``is_whole`` says whether all samples have been coded.

        Raises
        ------
        ValueError
        """
        low, high = float(self.edges.edges[0]), float(self.edges.edges[-1])
        is_right = (self.low, self.high) == (low, high)
        if not is_whole:  # a run that goes on has seen a part of them
            is_right = low <= self.low and self.high <= high
        if self.is_checked and not is_right:
            raise ValueError(
                f"{self.column.name}: the footers of the files say that it lies between {low!r} "
                f"and {high!r}, and it lies between {self.low!r} and {self.high!r}: pass "
                "statistics=False to fastinfo.scan, which looks at the samples then"
            )

    def takes(self, array: DeviceColumn) -> bool:
        """Floats; integers become floats in ways that depend on all of them."""
        return bool(array.values.dtype.kind == "f")

    def codes(self, array: Any, kernels: Kernels) -> Array:
        """Codes by `Searching`."""
        column, facts = self.converter(array), self.column.facts
        values = column.values
        if not column.is_float:
            if facts.scale > 1:
                values = values // facts.scale
            if self.column.form is Form.NUMBERS:
                values = as_numbers(values, facts)
            else:
                assert self.last is not None
                values = bin_arguments.as_number(column._replace(missing=None), self.last).values
            if column.missing is not None:
                values = np.where(column.missing, np.nan, values)
        values = kernels.bring(values)
        if self.is_checked:
            found = kernels.summarize(values)
            if found.n_missing < len(values):
                self.low, self.high = min(self.low, found.low), max(self.high, found.high)
        encode = Searching(values, self.edges.edges, self.edges.uniform, kernels)
        return encode(0, len(values), None)


class _Values(Coder):
    """Codes of integers, booleans, and floating-point numbers that are categories."""

    def __init__(self, converter: Converter, facts: StreamedFacts, form: Form) -> None:
        self.converter = converter
        self.facts = facts
        self.values = _values_in_memory(facts)
        self.bins: Bins = Categories(self.values)
        self.dtype = code_dtype(self.values.size)
        low, high = self.values[0], self.values[-1]
        self.table = None
        is_integer = self.values.dtype.kind in "iu"
        self.low = int(low) if is_integer else 0
        self.span = int(high) - self.low + 1 if is_integer else 0
        if is_integer and self.span <= LOOKED_UP:
            # The last entry is for all that lies beyond.
            self.table = np.full(self.span + 1, self.values.size, self.dtype)
            offsets = [int(value) - self.low for value in self.values.tolist()]
            self.table[offsets] = np.arange(self.values.size)

    def takes(self, array: DeviceColumn) -> bool:
        """Integers that find their codes in a table."""
        return self.table is not None and array.values.dtype.kind in "iu"

    def codes(self, array: Any, kernels: Kernels) -> Array:
        """Codes by a table, or by searching the values."""
        # A value that did not occur before is missing here. Whoever counts compares the numbers of
        # missing samples of both passes.
        column = self.converter(array)
        values = column.values
        back = kernels.bring
        if not isinstance(array, DeviceColumn) and not kernels.home.is_host:
            kernels = on_host()  # codes are shorter than values
        if self.facts.scale > 1:
            values = values // self.facts.scale
        missing = np.isnan(values) if column.is_float else column.missing
        if self.table is not None:
            n_bins = self.values.size
            is_dense = self.span == n_bins  # offsets are the codes
            dtype = self.dtype if is_dense else code_dtype(self.span)
            offsets = kernels.xp.empty(values.size, dtype)
            kernels.encode_integers(values, self.low, self.span, offsets)
            table = kernels.bring(self.table)
            codes = offsets if is_dense else kernels.look_up(offsets, table)
        else:
            if missing is not None:
                values = np.where(missing, self.values[0].astype(values.dtype), values)
            found = np.searchsorted(self.values, values).clip(max=self.values.size - 1)
            codes = found.astype(self.dtype)
            codes[self.values[found] != values] = self.values.size
        if missing is not None:
            codes[missing] = self.values.size
        return back(codes)


def _values_in_memory(facts: StreamedFacts) -> HostArray:
    """The categories that `binning.fit` gives the whole column: some may not occur in it."""
    distinct = facts.values.values
    assert distinct is not None
    kind = distinct.dtype.kind
    if facts.n_missing or kind == "f":
        return distinct
    if kind == "b":
        return np.array([False, True])
    low, high = int(facts.low), int(facts.high)
    if facts.dtype == np.uint8:
        return np.arange(high + 1, dtype=np.uint8)
    if high - low < 256:
        return np.arange(low, high + 1, dtype=distinct.dtype)
    return distinct


class _Labels(Coder):
    """Codes of text and categories, by a table of the labels; of moments too, that text spells."""

    def __init__(
        self, converter: Converter, facts: StreamedFacts, bins: Bins, numbers: HostArray | None
    ) -> None:
        self.converter = converter
        self.bins: Bins = bins
        self.dtype = code_dtype(len(bins))
        assert facts.labels is not None
        keys = list(facts.labels)
        if numbers is None:
            assert isinstance(bins, Categories)
            keys = keys_of(bins.values)
            codes = np.arange(len(keys))
        else:
            assert isinstance(bins, Edges)
            codes = np.searchsorted(bins.edges[:-1], numbers, side="right") - 1
            codes[(numbers < bins.edges[0]) | (numbers > bins.edges[-1])] = len(bins)
        self.code_by_key = dict(zip(keys, codes.tolist(), strict=True))
        self._known: tuple[Any, HostArray] | None = None

    def codes(self, array: Any, kernels: Kernels) -> Array:
        """Codes by the positions of labels in the dictionary of the batch."""
        if self.converter.is_text:
            labels, positions = dictionary_of(array)
            return kernels.bring(kernels.look_up(positions, self._of_dictionary(labels)))
        column = self.converter(array)
        assert column.categories is not None
        table = self._table(keys_of(column.categories))
        codes = table[column.values]
        if column.missing is not None:
            codes[column.missing] = len(self.bins)
        return kernels.bring(codes)

    def _of_dictionary(self, labels: Any) -> HostArray:
        # The batches of a row group share one dictionary, whose codes are looked up once.
        known = self._known
        if known is not None and known[0].equals(labels):
            return known[1]
        table = self._table(labels.to_pylist())
        self._known = labels, table
        return table

    def _table(self, keys: list[Any]) -> HostArray:
        """The code of each label; that of missing samples for null, and at the end."""
        missing = len(self.bins)
        found = [missing if key is None else self.code_by_key.get(key, -1) for key in keys]
        # A dictionary may hold labels that do not occur; one that occurs was seen before.
        table = np.array([*found, missing])
        return np.where(table < 0, missing, table).astype(self.dtype)
