"""Bins of floating-point samples: the edges that a rule gives for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends import quantiles, whole_in_memory
from fastinfo.backends.contract import EXACT_IN_FLOATS, Array, Kernels, OnHost, Summary
from fastinfo.binning import numpy_rules
from fastinfo.binning.rules import Edges, NumpyRule, Quantile, Uniform, default_n_bins
from fastinfo.data.columns import Column
from fastinfo.system import alerts


def fit_edges(
    column: Column, summary: Summary, rule: Any, kernels: Kernels, weights: Array | None
) -> Edges:
    """The edges that an open rule gives for a column; no bins if no sample is a number."""
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
        return equal_bins(column, summary, _rules_number(valid, rule, column.name))
    n_bins = rule.n_bins or default_n_bins(n_valid, rule.n_variables)
    return equal_bins(column, summary, n_bins)


def _fit_weighted(
    column: Column, summary: Summary, rule: Any, kernels: Kernels, weights: Array
) -> Edges:
    """`fit_edges` for weighted samples, on the host.

    Whole weights give the bins of samples repeated that often. For other weights only their ratios
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
        return equal_bins(column, summary, n_bins)
    largest = weights.max()  # divided by it, no square overflows
    n_samples = total if is_whole else (total / largest) ** 2 / ((weights / largest) ** 2).sum()
    n_bins = rule.n_bins or default_n_bins(n_samples, rule.n_variables)
    if isinstance(rule, Uniform):
        return equal_bins(column, summary, n_bins)
    distinct, position = np.unique(values.astype(np.float64), return_inverse=True)
    sums = np.bincount(position, weights)
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


def equal_bins(column: Column, summary: Summary, count: int) -> Edges:
    """Bins of equal width from the smallest to the largest sample."""
    _require_finite(column, summary)
    try:
        # NumPy's own edges; for a constant they lie ½ on either side of it.
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
    """The edges of `fastinfo.backends.quantiles`, found by as few samples as the kernels need."""
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
