"""Arguments of a measure → joint counts; `JointCounts` are used as they are."""

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
from fastinfo.estimators.cells import require_room
from fastinfo.inputs import arguments, bin_arguments, lazy, tables
from fastinfo.inputs.options import Options
from fastinfo.measures import strata


def joint_counts(
    variables: Sequence[Any], options: Options, names: Sequence[str] | None = None
) -> tuple[JointCounts, Kernels]:
    """The joint counts of the variables' samples, and the kernels that counted them.

    ``names`` are those of the variables in messages. `JointCounts` may stand in place of all
    samples. They come back as they are, with kernels for arrays on the host.

    Raises
    ------
    ValueError
        Where no sample is left, and for counts of another number of variables.
    TypeError
        Where the samples of a variable were not given, or counts came beside samples.
    """
    given = [variable for variable in variables if variable is not None]
    counted = [variable for variable in given if isinstance(variable, JointCounts)]
    if counted:
        if len(given) > 1:
            raise TypeError("JointCounts stand in place of all samples: pass them alone")
        (counts,) = counted
        options.refuse_for_counts()
        _require_samples(counts)
        arguments.require_integers(options.estimator, counts.is_weighted)
        if len(variables) != counts.n_variables:
            raise ValueError(
                f"{len(variables)} variables are needed; these JointCounts have "
                f"{counts.n_variables}"
            )
        return counts, choose(options.backend, HOST)
    names = names or variable_names(len(variables))
    if len(given) < len(variables):
        require_all(variables, names)
    if lazy.any_is_lazy(*given):
        counts = lazy.door("lazily").counted(variables, names, _how_of_parts(options))
        _require_samples(counts)
        return counts, choose(options.backend, HOST)
    groups = [arguments.variable(v, name) for v, name in zip(variables, names, strict=True)]
    counts, kernels = _count_groups(groups, options, options.sample_weight)
    _require_samples(counts)
    return counts, kernels


def _how_of_parts(options: Options) -> How:
    if options.sample_weight is not None:
        raise ValueError("sample_weight: of Dask collections rows are counted, without weights")
    return How(options.bins, options.nan_policy, None, options.backend, 1)


def require_all(variables: Sequence[Any], names: Sequence[str]) -> None:
    """Raise a TypeError where the samples of a variable were not given."""
    missing = ", ".join(n for n, v in zip(names, variables, strict=True) if v is None)
    if missing:
        raise TypeError(f"samples of {missing} are missing")


def joint_counts_of_each(
    sides: Sequence[Any], names: Sequence[str], options: Options
) -> tuple[list[JointCounts], Kernels]:
    """The counts of several samples of one variable, in the bins of all together, and the kernels.

    Raises
    ------
    ValueError, TypeError
        As `joint_counts`; also where only some of the sides are `JointCounts`.
    """
    is_counted = [isinstance(side, JointCounts) for side in sides]
    if all(is_counted):
        options.refuse_for_counts()
        counts, kernels = list(sides), choose(options.backend, HOST)
    elif any(is_counted):
        raise TypeError(
            f"{_named(names, is_counted)} JointCounts and {_named(names, is_counted, False)} "
            "samples: count all of them, or none"
        )
    elif lazy.any_is_lazy(*sides):
        counts = lazy.door("lazily").counted_each(sides, names, _how_of_parts(options))
        kernels = choose(options.backend, HOST)
    else:
        counts, kernels = _count_each(sides, names, options)
    for part in counts:
        _require_samples(part)
    return counts, kernels


def _named(names: Sequence[str], chosen: Sequence[bool], wanted: bool = True) -> str:
    """Some of the names, and the verb that follows them."""
    some = [name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen is wanted]
    return f"{' and '.join(some)} {'is' if len(some) == 1 else 'are'}"


def _count_each(
    sides: Sequence[Any], names: Sequence[str], options: Options
) -> tuple[list[JointCounts], Kernels]:
    """Decide the bins by the samples of all sides, then count each side in them."""
    given_weights = _each_weight(options.sample_weight, names)
    groups: list[Columns] = [
        arguments.variable(side, name) for side, name in zip(sides, names, strict=True)
    ]
    for group, name in zip(groups, names, strict=True):
        if len(group) != len(groups[0]):
            raise ValueError(
                f"{names[0]} has {len(groups[0])} columns and {name} {len(group)}; a divergence "
                "compares samples of one variable"
            )
    labels = [tables.plain_labels(side) for side in sides]
    for i, theirs in enumerate(labels):
        if i and labels[0] is not None and theirs is not None:
            order = tables.positions_by_name(labels[0], theirs, (names[0], names[i]))
            columns = list(groups[i])
            groups[i] = [columns[position] for position in order]
    weights = [
        arguments.weights(weight, arguments.same_length(group))
        for weight, group in zip(given_weights, groups, strict=True)
    ]
    for i, weight in enumerate(weights):
        (groups[i],), weights[i] = arguments.with_weight([groups[i]], weight)
    home = arguments.home_of_columns([c for group in groups for c in group], None, options.backend)
    kernels = choose(options.backend, home)
    weights_of_all = None
    if any(weight is not None for weight in weights):
        weights_of_all = kernels.xp.concatenate(
            [
                kernels.bring(np.ones(group[0].values.size) if weight is None else weight)
                for group, weight in zip(groups, weights, strict=True)
            ]
        )
    shared_bins: list[Any] = []
    by_column: list[list[Column]] = []
    for columns in zip(*groups, strict=True):
        columns, bins = _shared_bins(
            columns, names, weights_of_all, len(groups[0]), options, kernels
        )
        by_column.append(columns)
        shared_bins.append(bins)
    counts = [
        _count_groups([side], options, weight, known_bins=[shared_bins])[0]
        for side, weight in zip(zip(*by_column, strict=True), weights, strict=True)
    ]
    return counts, kernels


def _each_weight(sample_weight: Any, names: Sequence[str]) -> Sequence[Any]:
    """The weights of the samples of each side, not looked at; None for a side without."""
    if sample_weight is None:
        return [None] * len(names)
    if not isinstance(sample_weight, (tuple, list)) or len(sample_weight) != len(names):
        what = "is a pair" if len(names) == 2 else f"has {len(names)} entries"
        each = " and ".join(f"the weights of {name}" for name in names)
        raise ValueError(f"sample_weight {what} here: {each}")
    return sample_weight


def _shared_bins(
    columns: Sequence[Column],
    names: Sequence[str],
    weights: Any,
    n_variables: int,
    options: Options,
    kernels: Kernels,
) -> tuple[list[Column], Any]:
    """The same column of each side, and the bins of all; None where each side decides alone."""
    if options.bins is None and all(c.integers_with_gaps or not c.is_float for c in columns):
        columns = [bin_arguments.as_integers(column, may_be_many=np.inf) for column in columns]
    first = columns[0]
    if bin_arguments.gives_edges(options.bins):
        return list(columns), None
    for column in columns:
        if column.is_float != first.is_float:
            raise ValueError(
                f"{first.name} {first.kind} and {column.name} {column.kind}; give all sides "
                "samples of one type"
            )
    if not first.is_float:
        return list(columns), None
    values = kernels.xp.concatenate([kernels.bring(column.values) for column in columns])
    together = Column(" and ".join(names), values)
    _, (rule,) = bin_arguments.bin_rules(options.bins, [[together]])
    rule = binning.rules.sharing(rule, n_variables)
    return list(columns), binning.fit(together, rule, kernels, options.n_jobs, weights=weights).bins


def _count_groups(
    groups: Sequence[Sequence[Column]],
    options: Options,
    sample_weight: Any,
    known_bins: Sequence[Sequence[Bins | None]] | None = None,
) -> tuple[JointCounts, Kernels]:
    how = How(options.bins, options.nan_policy, None, options.backend, options.n_jobs)
    counted, kernels = count_columns(groups, sample_weight, how, known_bins)
    return JointCounts.of_counted(counted, how), kernels


def possible_cells(counts: JointCounts, estimator: str, variable: int) -> int:
    """The number of cells that a variable could occupy: the product over its columns.

    Raises
    ------
    ValueError
        Where the estimator says how many values are possible of another number of variables, or
        where more values occur.
    """
    way = entropies.ESTIMATORS[estimator]
    if len(way.chosen_cells) not in (0, 1, counts.n_variables):
        raise ValueError(
            f"estimator={estimator!r} has possible values of {len(way.chosen_cells)} variables, "
            f"and there are {counts.n_variables}; give one number for all, or one for each"
        )
    chosen = way.possible_values(variable)
    if chosen is not None:
        require_room(int((counts.marginal(variable) > 0).sum()), chosen)
        return chosen
    first = sum(counts._widths[:variable])
    n_cells = 1
    for axis, bins in enumerate(counts._bins[variable], first):
        margin = counts._held_counts.marginal([axis]).values
        has_edges = isinstance(bins, Edges)
        n_cells *= int(entropies.possible_cells(margin, len(bins), has_edges, on_host()))
    return n_cells


def rows_by_last(counts: JointCounts, variables: Sequence[int]) -> np.ndarray[Any, Any]:
    """Counts of several variables, ``(values of the last, cells of the others)``.

    Values and cells that are not occupied may be left out, and lines are filled up with 0.
    """
    *others, last = sorted(variables)
    lines = strata.by_last(counts._marginal_counts(*others, last), counts._widths[last])
    sizes = np.array([line.size for line in lines])
    rows = np.zeros((sizes.size, int(sizes.max())), lines[0].dtype)
    rows[np.arange(rows.shape[1]) < sizes[:, None]] = np.concatenate(lines)
    return rows


def _require_samples(counts: JointCounts) -> None:
    if not counts.is_unknown and not counts.n_samples > 0:
        raise ValueError(
            f"no sample is left: {counts.n_missing} were left out because a variable was missing"
        )
