"""From what a measure was called with to joint counts; counts that came are taken as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastinfo import binning
from fastinfo.accumulators.count_columns import How, count_columns
from fastinfo.accumulators.joint_counts import JointCounts, variable_names
from fastinfo.backends import choose, on_host
from fastinfo.backends.contract import Kernels
from fastinfo.backends.home import HOST
from fastinfo.binning.rules import Bins, Edges
from fastinfo.data.columns import Column, Columns
from fastinfo.estimators import entropies
from fastinfo.inputs import arguments, bin_arguments, tables
from fastinfo.inputs.options import Options


def joint_counts(variables: Sequence[Any], options: Options) -> tuple[JointCounts, Kernels]:
    """Counts of the samples of some variables, or the counts that came in their place.

    With the kernels that counted them, or that work where the counts are.

    Raises
    ------
    ValueError
        Where no sample is left, and for counts of another number of variables.
    """
    given = [variable for variable in variables if variable is not None]
    if any(isinstance(variable, JointCounts) for variable in given):
        counts = given[0]
        if len(given) > 1 or not isinstance(counts, JointCounts):
            raise TypeError("JointCounts stand in place of all samples: pass them alone")
        options.refuse_for_counts()
        _require_samples(counts)
        arguments.require_integers(options.estimator, counts.is_weighted)
        if len(variables) != counts.n_variables:
            raise ValueError(
                f"{len(variables)} variables are needed; these JointCounts have "
                f"{counts.n_variables}"
            )
        return counts, choose(options.backend, HOST)
    names = variable_names(len(variables))
    if len(given) < len(variables):
        missing = ", ".join(n for n, v in zip(names, variables, strict=True) if v is None)
        raise TypeError(f"samples of {missing} are missing")
    groups = [arguments.variable(v, name) for v, name in zip(variables, names, strict=True)]
    counts, kernels = _count_groups(groups, options, options.sample_weight)
    _require_samples(counts)
    return counts, kernels


def joint_counts_of_two(
    x: Any, y: Any, options: Options
) -> tuple[JointCounts, JointCounts, Kernels]:
    """Counts of two samples of one variable, over the bins of both together, as `joint_counts`."""
    if isinstance(x, JointCounts) and isinstance(y, JointCounts):
        options.refuse_for_counts()
        left, right, kernels = x, y, choose(options.backend, HOST)
    elif isinstance(x, JointCounts) or isinstance(y, JointCounts):
        raise TypeError("one side is JointCounts and the other samples: count both, or neither")
    else:
        left, right, kernels = _count_both(x, y, options)
    _require_samples(left)
    _require_samples(right)
    return left, right, kernels


def _count_both(x: Any, y: Any, options: Options) -> tuple[JointCounts, JointCounts, Kernels]:
    """Bins by all samples, then counts of each side."""
    weights = (None, None) if options.sample_weight is None else options.sample_weight
    if not isinstance(weights, (tuple, list)) or len(weights) != 2:
        raise ValueError("sample_weight is a pair here: the weights of x and the weights of y")
    groups: list[Columns] = [arguments.variable(x, "x"), arguments.variable(y, "y")]
    if len(groups[0]) != len(groups[1]):
        raise ValueError(
            f"x has {len(groups[0])} columns and y {len(groups[1])}; a divergence compares samples "
            "of one variable"
        )
    ours, theirs = tables.plain_labels(x), tables.plain_labels(y)
    if ours is not None and theirs is not None:
        found = list(groups[1])
        groups[1] = [found[i] for i in tables.positions_by_name(ours, theirs, ("x", "y"))]
    weights = [
        arguments.weights(weight, arguments.same_length(group))
        for weight, group in zip(weights, groups, strict=True)
    ]
    for side, weight in enumerate(weights):
        (groups[side],), weights[side] = arguments.with_weight([groups[side]], weight)
    both_sides = [column for group in groups for column in group]
    home = arguments.home_of_columns(both_sides, None, options.backend)
    kernels = choose(options.backend, home)
    of_both = None
    if any(weight is not None for weight in weights):
        of_both = kernels.xp.concatenate(
            [
                kernels.bring(np.ones(group[0].values.size) if weight is None else weight)
                for group, weight in zip(groups, weights, strict=True)
            ]
        )
    edges: list[Any] = []
    pairs: list[tuple[Column, Column]] = []
    for left, right in zip(*groups, strict=True):
        may_be_integers = [c.integers_with_gaps or not c.is_float for c in (left, right)]
        if options.bins is None and all(may_be_integers):
            left, right = (
                bin_arguments.as_integers(column, may_be_many=np.inf) for column in (left, right)
            )
        pairs.append((left, right))
        gives_edges = bin_arguments.gives_edges(options.bins)
        if left.is_float != right.is_float and not gives_edges:
            raise ValueError(
                f"{left.name} {left.kind} and {right.name} {right.kind}; give both sides samples "
                "of one type"
            )
        if left.is_float and right.is_float and not gives_edges:
            values = [kernels.bring(column.values) for column in (left, right)]
            both = Column("x and y", kernels.xp.concatenate(values))
            _, (rule,) = bin_arguments.bin_rules(options.bins, [[both]])
            rule = binning.rules.sharing(rule, len(groups[0]))
            coder = binning.fit(both, rule, kernels, options.n_jobs, weights=of_both)
            edges.append(coder.bins)
        else:
            edges.append(None)
    left, right = (
        _count_groups([side], options, weight, fixed=[edges])[0]
        for side, weight in zip(zip(*pairs, strict=True), weights, strict=True)
    )
    return left, right, kernels


def _count_groups(
    groups: Sequence[Sequence[Column]],
    options: Options,
    sample_weight: Any,
    fixed: Sequence[Sequence[Bins | None]] | None = None,
) -> tuple[JointCounts, Kernels]:
    how = How(options.bins, options.nan_policy, None, options.backend, options.n_jobs)
    counted, kernels = count_columns(groups, sample_weight, how, fixed)
    return JointCounts.of_counted(counted, how), kernels


def possible_cells(counts: JointCounts, variable: int) -> int:
    """How many cells a variable could have been in, `entropies.possible_cells` of each column."""
    first = sum(counts._widths[:variable])
    found = 1
    for axis, bins in enumerate(counts._bins[variable], first):
        margin = counts._known.marginal([axis]).values
        has_edges = isinstance(bins, Edges)
        found *= int(entropies.possible_cells(margin, len(bins), has_edges, on_host()))
    return found


def _require_samples(counts: JointCounts) -> None:
    if not counts.is_unknown and not counts.n_samples > 0:
        raise ValueError(
            f"no sample is left: {counts.n_missing} were left out because a variable was missing"
        )
