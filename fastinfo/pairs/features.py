"""Tables → codes of their features: columns of an array all at once, other columns one by one.

Both ways give a feature the same bins, those of `binning.fit`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fastinfo import binning
from fastinfo.backends import quantiles, threads
from fastinfo.backends.contract import Array, Kernels, RowSummary, Summary, code_dtype
from fastinfo.backends.home import home_of
from fastinfo.binning.rules import Edges, Given, Quantile, Rule, Uniform, default_n_bins
from fastinfo.data.columns import ArrayColumns, Columns, contiguous_rows
from fastinfo.system.ranges import RANGE, map_threads

HostArray = np.ndarray[Any, Any]

CACHE_LINE, TURNED_AT_ONCE = 64, 1 << 28
"""Bytes that are read together, and bytes of the columns of one line that are turned together: each
by itself would read all lines again."""

BROUGHT_AT_ONCE = 1 << 25
"""Samples of rows that a thread copies to a device at a time, which takes PCIe milliseconds."""


@dataclass(frozen=True, eq=False)
class Features:
    """Binned features."""

    blocks: list[Array]
    """Codes of neighbouring features, ``(k, n)``; code ``n_bins`` marks a missing sample."""
    n_bins: HostArray
    has_missing: HostArray
    has_edges: HostArray
    """Whether the bins of a feature are intervals; otherwise they are categories."""

    def __len__(self) -> int:
        return self.n_bins.size

    @property
    def n_samples(self) -> int:
        """The number of samples of each feature."""
        return int(self.blocks[0].shape[1])

    def rows(self) -> list[Array]:
        """The codes of each feature."""
        return [row for block in self.blocks for row in block]

    def codes(self, position: int) -> Array:
        """The codes of one feature."""
        for block in self.blocks:
            if position < len(block):
                return block[position]
            position -= len(block)
        raise IndexError(position)

    def margin(self, position: int, kernels: Kernels) -> HostArray:
        """The number of samples in each bin of one feature, without weights."""
        n_bins = int(self.n_bins[position])
        counts: HostArray = kernels.to_host(kernels.count_joint((self.codes(position),), (n_bins,)))
        return counts

    def _around(self, chosen: HostArray) -> tuple[list[Array], int]:
        """The blocks that hold the chosen features, and the position of their first feature."""
        ends = np.cumsum([len(block) for block in self.blocks])
        first, last = np.searchsorted(ends, [chosen.min(), chosen.max()], side="right")
        return self.blocks[first : last + 1], int(ends[first]) - len(self.blocks[first])

    def padded(self, chosen: HostArray, sizes: HostArray, kernels: Kernels) -> Any:
        """Codes of chosen features for tables of given sizes; code ``sizes[i]`` marks missing ones.

        Returns
        -------
        array of shape (k, n), or list of k arrays
            One array if all codes have one dtype.
        """
        is_moved = self.has_missing[chosen] & (sizes != self.n_bins[chosen])
        blocks, first = self._around(chosen)
        if len({block.dtype for block in blocks}) > 1:
            rows = self.rows()
            found = [rows[i] for i in chosen.tolist()]
            for position in np.flatnonzero(is_moved).tolist():
                size, n_bins = int(sizes[position]), int(self.n_bins[chosen[position]])
                codes = found[position].astype(code_dtype(size))
                codes[found[position] == n_bins] = size
                found[position] = codes
            return found
        codes = blocks[0] if len(blocks) == 1 else kernels.xp.concatenate(blocks)
        if not np.array_equal(chosen, np.arange(first, first + len(codes))):
            codes = codes[kernels.bring(chosen - first)]
        if not is_moved.any():
            return codes
        dtype = code_dtype(int(max(sizes.max(), self.n_bins[chosen].max())))
        old, new = (kernels.bring(n.astype(dtype)[:, None]) for n in (self.n_bins[chosen], sizes))
        codes = codes.astype(dtype)
        return kernels.xp.where(codes == old, new, codes)


def encode(
    groups: Sequence[Columns],
    rules: Sequence[Rule | Sequence[Rule]],
    kernels: Kernels,
    n_jobs: int,
    refuse: bool,
    weights: Array | None = None,
) -> Features:
    """Bin the columns of tables, by one rule for each table or one for each of its columns.

    ``weights`` are as for `binning.fit`.

    Raises
    ------
    ValueError
        As `binning.fit`; with ``refuse`` also if a column has a missing sample.
    """
    n_jobs = threads(kernels, n_jobs)
    parts = [
        part
        for columns, rule in zip(groups, rules, strict=True)
        for part in _parts(columns, rule, kernels, n_jobs)
    ]
    encode_part = partial(_encode, kernels=kernels, refuse=refuse, weights=weights)
    found = map_threads(
        encode_part, *zip(*parts, strict=True), n_jobs=n_jobs, within=kernels.current
    )
    return Features(
        [block for part in found for block in part.blocks],
        np.concatenate([part.n_bins for part in found]),
        np.concatenate([part.has_missing for part in found]),
        np.concatenate([part.has_edges for part in found]),
    )


def _parts(
    columns: Columns, rule: Rule | Sequence[Rule], kernels: Kernels, n_jobs: int
) -> Iterator[tuple[Columns, Rule]]:
    """Groups of neighbouring columns that are encoded together, enough groups for all threads."""
    if isinstance(rule, Sequence):
        yield from (([column], own) for column, own in zip(columns, rule, strict=True))
        return
    size = 1
    if isinstance(columns, ArrayColumns):
        n_samples = columns.rows.shape[1]
        at_once = kernels.samples_at_once
        if at_once is None:
            size = min(RANGE // n_samples, -(-len(columns) // (4 * n_jobs)))
            if not columns.rows.flags.c_contiguous:
                itemsize = columns.rows.itemsize
                at_once = min(CACHE_LINE, TURNED_AT_ONCE // n_samples) // itemsize
                size = max(size, at_once)
        else:
            is_there = not home_of(columns.rows).is_host
            size = (at_once if is_there else min(at_once, BROUGHT_AT_ONCE)) // n_samples
    size = max(size, 1)
    for start in range(0, len(columns), size):
        yield columns[start : start + size], rule


def _encode(
    columns: Columns, rule: Rule, kernels: Kernels, refuse: bool, weights: Array | None
) -> Features:
    found = None
    if isinstance(columns, ArrayColumns) and weights is None:
        is_there = not home_of(columns.rows).is_host
        rows = columns.rows if is_there else contiguous_rows(columns.rows)
        found = _encode_rows(kernels.bring(rows), rule, kernels)
    if found is None:
        coders = [binning.fit(column, rule, kernels, weights=weights) for column in columns]
        codes, n_bins = zip(*((coder.codes(), len(coder.bins)) for coder in coders), strict=True)
        each = zip(coders, codes, n_bins, strict=True)
        has_missing = [coder.has_missing and bool((own == k).any()) for coder, own, k in each]
        if refuse and any(has_missing):
            binning.refuse_missing(columns, coders)
        return Features(
            [own[None] for own in codes],
            np.array(n_bins),
            np.array(has_missing),
            np.array([isinstance(coder.bins, Edges) for coder in coders]),
        )
    if refuse and found.has_missing.any():
        column = columns[int(found.has_missing.argmax())]
        binning.refuse_missing([column], [binning.fit(column, rule, kernels)])
    return found


def _encode_rows(values: Array, rule: Rule, kernels: Kernels) -> Features | None:
    """The features of all rows at once; None if some rows need `binning.fit`."""
    if values.dtype.kind == "f":
        return _encode_floats(values, rule, kernels)
    complete = has_edges = np.zeros(len(values), np.bool_)
    if values.dtype.kind == "b":
        return Features([values.view("u1")], np.full(len(values), 2), complete, has_edges)
    low, high, _ = kernels.summarize_rows(values)
    if values.dtype == "u1":
        return Features([values], high.astype(np.int64) + 1, complete, has_edges)
    unsigned = f"u{values.dtype.itemsize}"
    distance = high.view(unsigned) - low.view(unsigned)  # may exceed the signed dtype
    if (distance > 255).any():
        return None
    codes = kernels.encode_integer_rows(values, low)
    return Features([codes], distance.astype(np.int64) + 1, complete, has_edges)


def _encode_floats(values: Array, rule: Rule, kernels: Kernels) -> Features | None:
    found = None
    if isinstance(rule, Quantile):
        n_bins = rule.n_bins or default_n_bins(values.shape[1], rule.n_variables)
        found = kernels.encode_quantile_rows(values, n_bins)
    if found is None or not found[1].any():
        return _encode_by_edges(values, rule, kernels)
    codes, is_done = found
    counts = np.full(len(values), min(n_bins, values.shape[1]))
    has_missing, has_edges = np.zeros(len(values), np.bool_), np.ones(len(values), np.bool_)
    if not is_done.all():
        rest = _encode_by_edges(values[~is_done], rule, kernels)
        if rest is None:
            return None
        (codes[~is_done],) = rest.blocks
        counts[~is_done], has_missing[~is_done] = rest.n_bins, rest.has_missing
    return Features([codes], counts, has_missing, has_edges)


def _encode_by_edges(values: Array, rule: Rule, kernels: Kernels) -> Features | None:
    summary = kernels.summarize_rows(values)
    is_uniform = isinstance(rule, Uniform)
    if isinstance(rule, Given):
        is_uniform = Edges.given(rule.edges).uniform
        edges = np.broadcast_to(rule.edges, (len(values), rule.edges.size))
        n_bins = np.full(len(values), rule.edges.size - 1)
        is_inside = (summary.low >= edges[:, 0]) & (summary.high <= edges[:, -1])
        has_missing = (summary.n_missing > 0) | ~is_inside
    elif isinstance(rule, (Uniform, Quantile)):
        fitted = _edges(values, summary, rule, kernels)
        if fitted is None:
            return None
        edges, n_bins = fitted
        has_missing = summary.n_missing > 0
    else:
        return None
    codes = kernels.encode_float_rows(values, edges, n_bins, is_uniform)
    return Features([codes], n_bins, has_missing, np.ones(len(values), np.bool_))


def _edges(
    values: Array, summary: RowSummary, rule: Uniform | Quantile, kernels: Kernels
) -> tuple[HostArray, HostArray] | None:
    """Edges of the rows, ``(m, k)``, and numbers of bins; None if a row needs `binning.fit`."""
    n_valid = values.shape[1] - summary.n_missing
    counts = np.full(len(values), rule.n_bins or 0)
    if rule.n_bins is None:
        distinct, positions = np.unique(n_valid, return_inverse=True)
        counts = np.array([default_n_bins(n, rule.n_variables) for n in distinct.tolist()])[
            positions
        ]
    # There cannot be more bins of equal frequency than samples.
    counts = np.minimum(counts, n_valid) if isinstance(rule, Quantile) else counts
    counts[n_valid == 0] = 0
    edges = np.full((len(values), counts.max() + 1), np.nan)
    n_bins = np.zeros(len(values), np.int64)
    for count in np.unique(counts[counts > 0]).tolist():
        chosen = np.flatnonzero(counts == count)
        here = RowSummary(*(part[chosen] for part in summary))
        found: tuple[HostArray, HostArray] | None
        if isinstance(rule, Uniform):
            found = _uniform_edges(here, count)
        else:
            part = values if chosen.size == len(values) else values[kernels.bring(chosen)]
            found = _quantile_edges(part, here, n_valid[chosen], count, kernels)
        if found is None:
            return None
        edges[chosen, : count + 1], n_bins[chosen] = found
    return edges, n_bins


def _uniform_edges(summary: RowSummary, count: int) -> tuple[HostArray, HostArray] | None:
    """The edges of `binning.fit`; None if it raises, or if rounding may make its edges differ."""
    low, high, _ = summary
    half = np.where(low == high, 0.5, 0.0)  # as NumPy's edges of a constant
    low, high = low - half, high + half
    with np.errstate(over="ignore", invalid="ignore"):
        steps = (high - low) / count
        if not (np.isfinite(steps) & (steps > 0)).all():
            return None
        edges = np.linspace(low, high, count + 1, axis=1)
    is_increasing = (edges[:, 1:] > edges[:, :-1]).all()
    return (edges, np.full(low.size, count)) if is_increasing else None


def _quantile_edges(
    values: Array, summary: RowSummary, n_valid: HostArray, count: int, kernels: Kernels
) -> tuple[HostArray, HostArray]:
    """The edges of `binning.fit`; rows with ties are sorted one by one."""
    ranks = quantiles.ranks(count, n_valid[:, None])
    edges, has_ties = kernels.order_statistics_rows(values, summary, ranks, n_valid // count)
    n_bins = np.full(len(edges), count)
    for row in np.flatnonzero(has_ties).tolist():
        row_summary = Summary(*(part[row] for part in summary))
        own = kernels.quantile_edges(kernels.sort(values[row], row_summary), count)
        edges[row, : own.size], n_bins[row] = own, own.size - 1
    return edges, n_bins
