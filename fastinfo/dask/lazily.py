"""Counts as parts of a graph, which looks at the columns, decides the bins, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from dask.delayed import Delayed

from fastinfo.accumulators import decided, given_names
from fastinfo.accumulators.count_columns import How
from fastinfo.accumulators.counted_parts import joint_reduction, pairs_reduction
from fastinfo.accumulators.joint_counts import JointCounts, variable_names
from fastinfo.backends import name_of
from fastinfo.dask.collections import DaskTable, Member, beside, members_of
from fastinfo.dask.graphs import Shared, Tasks, called
from fastinfo.inputs import arguments, bin_arguments, preparation
from fastinfo.inputs.lazy import is_lazy
from fastinfo.inputs.scanning import as_it_is, looking
from fastinfo.inputs.scanning.merging import Looked
from fastinfo.inputs.types import BackendName, BinsByName, NanPolicy
from fastinfo.inputs.types import Bins as BinsArgument
from fastinfo.pairs.pair_counts import PairCounts


def joint_counts(
    *variables: Any,
    bins: BinsArgument = None,
    nan_policy: NanPolicy = "raise",
    sparse: bool | None = None,
    backend: BackendName | None = None,
) -> Delayed:
    """The counts of the joint table of some variables, as a part of a graph.

    Parameters
    ----------
    *variables : Dask arrays of shape (n,) or (n, d), Series, DataFrames, or xarray objects
        Samples of each variable, in the same partitions.
    bins, nan_policy, sparse, backend
        As for `fastinfo.JointCounts`; but bins are decided by all samples. Unless they are given as
        edges, and all variables are numbers, all samples are looked at in a first pass, by this
        call; counting waits until it is asked for.

    Returns
    -------
    dask.delayed.Delayed
        Computed, a `fastinfo.JointCounts`, which all measures accept.

    Raises
    ------
    ValueError, TypeError
        As `fastinfo.mutual_information`, some of them when the counts are computed.

    See Also
    --------
    pair_counts : All pairs of the columns of a table.

    Examples
    --------
    >>> import dask.array as da, fastinfo
    >>> from fastinfo.dask import joint_counts
    >>> x = da.from_array([0, 0, 1, 1, 1, 0], chunks=3)
    >>> counts = joint_counts(x, 1 - x).compute()
    >>> counts.table
    array([[0, 3],
           [3, 0]])
    >>> round(fastinfo.mutual_information(counts, base=2), 6)
    1.0
    """
    if not variables:
        raise TypeError("joint_counts() takes the samples of at least one variable")
    bin_arguments.require_bins(bins)
    name_of(backend)  # raises for an unknown one
    how = How(bins, arguments.nan_policy(nan_policy), sparse, backend, 1)
    tasks = Tasks([])
    return tasks.delayed(_joint(tasks, variables, variable_names(len(variables)), how))


def counted(variables: Sequence[Any], names: Sequence[str], how: How) -> JointCounts:
    """The joint counts of variables, of which one is a Dask collection, computed."""
    tasks = Tasks([])
    (found,) = tasks.compute([_joint(tasks, variables, names, how)])
    return found  # type: ignore[no-any-return]


def counted_each(sides: Sequence[Any], names: Sequence[str], how: How) -> list[JointCounts]:
    """The counts of several samples of one variable, in the bins of all, computed."""
    found = [_members([side], [name], sides) for side, name in zip(sides, names, strict=True)]
    each = [DaskTable(members) for members, _ in found]
    groups = [group for _, (group,) in found]
    known = [
        _looked(table, dict.fromkeys(group, how.bins))
        for table, group in zip(each, groups, strict=True)
    ]
    if not bin_arguments.gives_edges(how.bins):
        known = decided.in_shared_bins(known, groups, names)
    tasks = Tasks([])
    keys = [
        _counted(tasks, table, own, [group], how)
        for table, own, group in zip(each, known, groups, strict=True)
    ]
    return tasks.compute(keys)


def _joint(tasks: Tasks, variables: Sequence[Any], names: Sequence[str], how: How) -> Any:
    members, groups = _members(variables, names, variables)
    table = DaskTable(members)
    found = _looked(table, decided.specifications(how.bins, groups))
    return _counted(tasks, table, found, groups, how)


def _members(
    variables: Sequence[Any], names: Sequence[str], beside_: Sequence[Any]
) -> tuple[list[Member], list[list[str]]]:
    """The members of variables, and the names of the columns of each."""
    lazy = next(one for one in beside_ if is_lazy(one))
    members: list[Member] = []
    groups = []
    for variable, name in zip(variables, names, strict=True):
        taken = variable if is_lazy(variable) else beside(variable, lazy, name)
        own, _, _ = members_of(taken, name, is_table=False)
        if len(names) > 1 and not own[0].is_array:
            # Columns of two tables may have one name.
            own = [
                one._replace(names=[n if n == name else f"{name}[{n!r}]" for n in one.names])
                for one in own
            ]
        members += own
        groups.append([n for one in own for n in one.names])
    return members, groups


def _looked(
    table: DaskTable, of_column: Mapping[str, Any]
) -> tuple[int | None, Mapping[str, Looked]]:
    """The number of rows, and what is known of columns that are binned by what is said of each.

    It is found out by a pass over all columns, unless edges say all that is needed.
    """
    # The pass is not a part of the graph that counts: with the same partitions in both, Dask would
    # keep each from the first pass to the second.
    found = {
        name: as_it_is.known(name, table.schema.field(name).type)
        if bin_arguments.gives_edges(one)
        else None
        for name, one in of_column.items()
    }
    known = {name: one for name, one in found.items() if one is not None}
    if len(known) == len(found):
        return None, known
    wishes = {name: as_it_is.wish(name, one) for name, one in of_column.items()}
    return looking.look_at_parts(table, wishes)


def _counted(
    tasks: Tasks,
    table: DaskTable,
    found: tuple[int | None, Mapping[str, Looked]],
    groups: Sequence[Sequence[str]],
    how: How,
) -> Any:
    """The key of the joint counts."""
    bins = decided.decide_joint(found, groups, how)
    place = len(tasks.tasks)
    shared = tasks.add("bins", Shared(bins), at=(place,))
    reduction = joint_reduction(bins, table.task_memory)
    ((part,),) = table.plan(tasks, f"count{place}", [reduction], shared)
    finish = partial(called, decided.joint_counts)
    return tasks.add("joint", finish, shared, part, Shared(groups), Shared(how), at=(place,))


def pair_counts(
    table: Any,
    *,
    bins: BinsByName = None,
    nan_policy: NanPolicy = "raise",
    target: str | int | None = None,
    given: str | int | Sequence[str | int] | None = None,
    backend: BackendName | None = None,
) -> Delayed:
    """The counts of all pairs of columns, as a part of a graph.

    The tables of all pairs have to fit the memory of the worker that puts them together. For more,
    `fastinfo.pairwise_mutual_information` and others take the collection itself.

    Parameters
    ----------
    table : Dask array of shape (n, m), DataFrame, or xarray object
        Columns are counted as they are, none is skipped.
    bins, nan_policy, target, given, backend
        As for `fastinfo.PairCounts`; but bins are decided by all samples. Unless they are given as
        edges, and all columns are numbers, all samples are looked at in a first pass, by this call;
        counting waits until it is asked for.

    Returns
    -------
    dask.delayed.Delayed
        Computed, a `fastinfo.PairCounts`.

    Raises
    ------
    ValueError, TypeError
        As `fastinfo.PairCounts.update`, some of them when the counts are computed.

    See Also
    --------
    joint_counts : The joint table of some variables.

    Examples
    --------
    >>> import dask.array as da
    >>> from fastinfo.dask import pair_counts
    >>> X = da.from_array([[0, 0], [0, 0], [1, 1], [1, 1], [1, 0]], chunks=2)
    >>> counts = pair_counts(X).compute()
    >>> counts.n_rows
    5
    >>> counts.mutual_information(base=2)[0].round(6).tolist()
    [0.970951, 0.419973]
    """
    bin_arguments.require_bins(bins)
    name_of(backend)
    how = How(bins, arguments.nan_policy(nan_policy), None, backend, 1)
    if not is_lazy(table):
        raise TypeError(
            f"table is {type(table).__name__}; accepted are Dask arrays, DataFrames and xarray "
            "objects, and PairCounts().update(table) for tables in memory"
        )
    members, found, is_named = members_of(table, "X", is_table=True)
    source = DaskTable(members)
    columns = [name for member in members for name in member.names]
    labels = dict(zip(columns, found, strict=True))
    names = given_names.listed(given)
    preparation.require_names([] if target is None else [target], found, "target")
    preparation.require_names(names, found, "given")
    if target is not None and str(target) in map(str, names):
        raise ValueError(f"given: {target!r} is the target")
    if isinstance(bins, Mapping):
        preparation.require_names(bins, found, "bins")
    looked = _looked(source, decided.by_label(bins, labels))
    chosen = decided.decide_pairs(looked, labels, how, target, names, source.task_memory)
    tasks = Tasks([])
    shared = tasks.add("bins", Shared(chosen))
    reduction = pairs_reduction(chosen, chosen.most_at_once)
    (parts,) = source.plan(tasks, "count", [reduction], shared)
    more = [Shared(one) for one in (labels, is_named, how, target, names)]
    finish = partial(called, partial(decided.kept_pairs, PairCounts))
    return tasks.delayed(tasks.add("pairs", finish, shared, parts, *more))
