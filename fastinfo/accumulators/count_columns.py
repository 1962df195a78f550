"""Columns → their bins and the counts of their joint table, which `JointCounts` adds up.

No state is kept from call to call: bins that are known already come as an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from fastinfo import binning, counting
from fastinfo.backends import choose, threads
from fastinfo.backends.contract import Kernels
from fastinfo.binning import Coder, extremes
from fastinfo.binning.rules import Bins, Edges, Given, Rule, sharing
from fastinfo.counting import Counts
from fastinfo.data.columns import Column
from fastinfo.inputs import arguments, bin_arguments
from fastinfo.inputs.types import BackendName, NanPolicy
from fastinfo.system import alerts
from fastinfo.system.ranges import RANGE, map_threads


class How(NamedTuple):
    """The options of counting, checked."""

    bins: Any
    """The argument ``bins`` of `fastinfo.mutual_information`."""
    nan_policy: NanPolicy
    sparse: bool | None
    """Whether only occupied cells are kept; None decides by the size of the table."""
    backend: BackendName | None
    n_jobs: int


class Counted(NamedTuple):
    """The counts of a batch of samples."""

    bins: list[list[Bins]]
    """The bins of each column of each variable."""
    counts: Counts
    n_missing: int
    """The number of samples left out because a variable was missing."""


def count_columns(
    groups: Sequence[Sequence[Column]],
    sample_weight: Any,
    how: How,
    known: Sequence[Sequence[Bins | None]] | None = None,
) -> tuple[Counted, Kernels]:
    """The bins of columns and the counts of their joint table, and the kernels that counted.

    Parameters
    ----------
    groups : sequence of sequences of Column
        The columns of each variable, as `fastinfo.inputs.arguments` leaves them.
    sample_weight : array-like of shape (n,), or None
    how : How
    known : optional
        The bins of each column of each variable that earlier samples have decided; None for a
        column without. Categories may still grow.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `fastinfo.mutual_information`.
    """
    n_samples = arguments.same_length([column for group in groups for column in group])
    weights = arguments.weights(sample_weight, n_samples)
    groups, weights = arguments.with_weight(groups, weights)
    n_samples = n_samples if weights is None else int(weights.size)
    converted, group_rules = bin_arguments.bin_rules(how.bins, groups, known)
    columns = [column for group in converted for column in group]
    rules = [
        sharing(rule, len(columns))
        for group, rule in zip(converted, group_rules, strict=True)
        for _ in group
    ]
    kernels = choose(how.backend, arguments.home_of_columns(columns, weights, how.backend))
    arrays = [array for column in columns for array in (column.values, column.missing)]
    kernels = kernels.for_samples([a for a in (*arrays, weights) if a is not None])
    weights = None if weights is None else kernels.bring_or_stream(weights)
    rules_or_bins: list[Rule | Bins] = list(rules)
    if known:
        decided = [bins for group in known for bins in group]
        rules_or_bins = [
            bins if isinstance(bins, Edges) and len(bins) else rule
            for bins, rule in zip(decided, rules, strict=True)
        ]
    may_guess = weights is None  # wrong guesses show in numbers of samples, not in sums of weights
    coders, counts = _count(columns, rules_or_bins, weights, how, kernels, may_guess)
    n_missing = _count_missing(coders, n_samples, counts, weights, kernels)
    if n_missing and not extremes.hold([coder.assumed for coder in coders], kernels):
        coders, counts = _count(columns, rules_or_bins, weights, how, kernels, may_guess=False)
        n_missing = _count_missing(coders, n_samples, counts, weights, kernels)
    if n_missing and how.nan_policy == "raise":
        binning.refuse_missing(columns, coders)
    if n_missing and known:
        warn_of_values_outside(columns, rules_or_bins, rules, kernels)
    each = iter(coders)
    bins = [[next(each).bins for _ in group] for group in converted]
    return Counted(bins, counts, n_missing), kernels


def _count(
    columns: Sequence[Column],
    rules: Sequence[Any],
    weights: Any,
    how: How,
    kernels: Kernels,
    may_guess: bool,
) -> tuple[list[Coder], Counts]:
    """Fit the bins of columns and count their joint table."""
    n_samples = columns[0].values.size
    # Threads are shared out among the columns first, and what is left works within each column.
    n_at_once = min(threads(kernels, how.n_jobs), len(columns)) if n_samples > RANGE else 1
    n_jobs = how.n_jobs // n_at_once
    fit = partial(binning.fit, kernels=kernels, n_jobs=n_jobs, may_guess=may_guess, weights=weights)
    coders = map_threads(fit, columns, rules, n_jobs=n_at_once, within=kernels.current)
    if how.nan_policy == "raise" and any(map(_is_known_to_lack, coders, rules)):
        binning.refuse_missing(columns, coders)  # before a table that may not fit into memory
    counts = counting.count(
        [coder.encode for coder in coders],
        n_samples,
        [len(coder.bins) for coder in coders],
        kernels,
        weights,
        how.sparse,
        how.n_jobs,
    )
    return coders, counts


def _is_known_to_lack(coder: Coder, rule: Any) -> bool:
    """Whether a sample is missing for certain, and not only if a guess or edges leave it out."""
    return coder.has_missing and coder.assumed is None and not isinstance(rule, (Edges, Given))


def _count_missing(
    coders: Sequence[Coder], n_samples: int, counts: Counts, weights: Any, kernels: Kernels
) -> int:
    """The number of samples that are missing and so in no cell."""
    if weights is None:
        return n_samples - int(counts.total)
    if not any(coder.has_missing for coder in coders):
        return 0
    encoders, n_bins = zip(*((c.encode, len(c.bins)) for c in coders), strict=True)
    return counting.count_incomplete(encoders, n_samples, n_bins, kernels)


def warn_of_values_outside(
    columns: Sequence[Column], known: Sequence[Any], rules: Sequence[Any], kernels: Kernels
) -> None:
    """Warn where samples lie outside of the edges that the first samples have decided."""
    for column, bins, rule in zip(columns, known, rules, strict=True):
        if not isinstance(bins, Edges) or isinstance(rule, Given) or not column.is_float:
            continue
        low, high, _ = kernels.summarize(kernels.bring_or_stream(column.values))
        if low < bins.edges[0] or high > bins.edges[-1]:
            alerts.warn(
                f"{column.name} ranges from {low:.6g} to {high:.6g} in these samples, and its "
                f"bins from {bins.edges[0]:.6g} to {bins.edges[-1]:.6g}, as the first samples "
                "have it: values outside are counted as missing. Give edges to JointCounts, "
                "such as bins=[-inf, …, inf]",
                alerts.OutsideBinsWarning,
            )
