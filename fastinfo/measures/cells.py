"""Codes of columns that are kept, and what the cells of their joint table say of each sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fastinfo import binning, counting
from fastinfo.accumulators.count_columns import Counted, How
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.backends import choose
from fastinfo.backends.contract import Array, Kernels
from fastinfo.binning.rules import Bins, sharing
from fastinfo.counting import Counts
from fastinfo.data.columns import Columns
from fastinfo.data.encoders import LookUp
from fastinfo.formulas import Formula
from fastinfo.inputs import arguments, bin_arguments
from fastinfo.inputs.options import Options


class Coded(NamedTuple):
    """A column as codes."""

    codes: Array
    bins: Bins

    def at(self, samples: slice | Array) -> Coded:
        """The codes of some of the samples."""
        return Coded(self.codes[samples], self.bins)


Groups = Sequence[Sequence[Coded]]
"""The columns of each variable."""


def encode(
    groups: Sequence[Columns], n_columns: int, options: Options, weights: Any = None
) -> tuple[list[list[Coded]], Kernels]:
    """The codes of the columns of each variable, and the kernels for them.

    ``n_columns`` columns share the table, on which the default number of bins depends. ``weights``
    are positive.

    Raises
    ------
    ValueError, TypeError
        As `fastinfo.mutual_information`.
    """
    converted, rules = bin_arguments.bin_rules(options.bins, groups)
    columns = [column for group in converted for column in group]
    kernels = choose(options.backend, arguments.home_of_columns(columns, None, options.backend))
    if weights is not None:
        weights = kernels.bring(weights)
    coders = [
        binning.fit(column, sharing(rule, n_columns), kernels, options.n_jobs, weights=weights)
        for group, rule in zip(converted, rules, strict=True)
        for column in group
    ]
    if options.nan_policy == "raise":
        binning.refuse_missing(columns, coders)
    each = iter([Coded(coder.codes(), coder.bins) for coder in coders])
    return [[next(each) for _ in group] for group in converted], kernels


def count(groups: Groups, options: Options, kernels: Kernels, weights: Any = None) -> JointCounts:
    """The joint counts of columns of codes.

    Raises
    ------
    ValueError
        Where no sample has all variables, unless missing ones are to make the result NaN.
    """
    columns = [column for group in groups for column in group]
    n_samples, n_bins = int(columns[0].codes.size), [len(column.bins) for column in columns]
    if weights is not None:
        weights = kernels.bring(weights)
    encoders = [LookUp(column.codes) for column in columns]
    counts = counting.count(encoders, n_samples, n_bins, kernels, weights, None, options.n_jobs)
    if weights is None:
        n_missing = n_samples - int(counts.total)
    else:
        n_missing = counting.count_incomplete(encoders, n_samples, n_bins, kernels)
    if n_missing == n_samples and options.nan_policy != "propagate":
        raise ValueError(
            f"no sample is left: {n_missing} were left out because a variable was missing"
        )
    return with_counts(counts, [[c.bins for c in group] for group in groups], n_missing, options)


def with_counts(
    counts: Counts, bins: list[list[Bins]], n_missing: int, options: Options
) -> JointCounts:
    """The `JointCounts` of counts."""
    how = How(None, options.nan_policy, None, options.backend, options.n_jobs)
    return JointCounts.of_counted(Counted(bins, counts, n_missing), how)


def pointwise(formula: Formula, counts: JointCounts, groups: Groups, kernels: Kernels) -> Array:
    """The value of a formula at the cell of each sample, in nats, ``(n,)`` float64.

    The formula is one of entropies: of the entropies −log p of single cells it makes the value of
    the cell. Samples in which a variable is missing are NaN, and all where `is_unknown`.
    """
    xp = kernels.xp
    columns = [column for group in groups for column in group]
    codes = [column.codes for column in columns]
    # With the spare bins, in which no cell is occupied, missing samples need no case of their own.
    shape = [len(column.bins) + 1 for column in columns]
    n_samples = int(codes[0].size)
    if counts.is_unknown:
        return xp.full(n_samples, np.nan)
    held = counts._held_counts.to_sparse()
    values = formula(_entropy_of_cells(held, [len(group) for group in groups])) + 0.0
    if not counts.is_sparse:
        table = np.full(prod(shape), np.nan)
        table[counting.cell_numbers(list(held.cells), shape, values.size)] = values
        return kernels.bring(table)[counting.cell_numbers(codes, shape, n_samples, xp)]
    # Cells and samples are numbered together, since large tables are numbered by what occurs.
    both = [
        xp.concatenate([kernels.bring(cells), code])
        for cells, code in zip(held.cells, codes, strict=True)
    ]
    numbers = counting.cell_numbers(both, shape, values.size + n_samples, xp)
    occupied, wanted = numbers[: values.size], numbers[values.size :]
    place = xp.minimum(xp.searchsorted(occupied, wanted), values.size - 1)
    return xp.where(occupied[place] == wanted, kernels.bring(values)[place], np.nan)


def _entropy_of_cells(counts: counting.SparseCounts, widths: Sequence[int]) -> Callable[..., Array]:
    """The function that formulas call: −log of marginal probabilities at each occupied cell."""
    firsts = np.cumsum([0, *widths])
    values = counts.values.astype(np.float64)
    total = np.log(values.sum())

    def entropy(*variables: int) -> Array:
        chosen = variables or range(len(widths))
        axes = [axis for v in chosen for axis in range(firsts[v], firsts[v + 1])]
        rows, shape = [counts.cells[axis] for axis in axes], [counts.shape[axis] for axis in axes]
        numbers = counting.cell_numbers(rows, shape, values.size)
        _, cell = np.unique(numbers, return_inverse=True)
        return total - np.log(np.bincount(cell, values))[cell]

    return entropy
