"""Dask collections, and xarray objects that Dask stands behind, as one table that is read in parts.

A table is made of members: collections with the same rows in the same partitions, side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import dask
import dask.array as da
import numpy as np

from fastinfo.dask.blocks import Piece, array_of
from fastinfo.dask.graphs import Shared, Tasks
from fastinfo.inputs import tables
from fastinfo.inputs.lazy import is_lazy
from fastinfo.inputs.scanning.looking import Reduction
from fastinfo.inputs.scanning.scans import ROWS, Scan

TASK_MEMORY = 1 << 29
"""Bytes that a task takes at most beside its partition, unless ``fastinfo.task-memory`` is set in
the configuration of Dask."""


class Member(NamedTuple):
    """One collection of a table."""

    collection: Any
    """A Dask array ``(n,)`` or ``(n, m)``, a DataFrame, or a Series."""
    names: list[str]
    """The names of its columns within the table."""
    labels: list[Any]
    """What the collection calls them: labels, or positions."""

    @property
    def is_array(self) -> bool:
        """Whether it is an array."""
        return isinstance(self.collection, da.Array)

    @property
    def is_frame(self) -> bool:
        """Whether it is a DataFrame."""
        return not self.is_array and self.collection.ndim == 2

    @property
    def n_partitions(self) -> int:
        """The number of partitions of its rows."""
        return int(self.collection.numblocks[0] if self.is_array else self.collection.npartitions)

    @property
    def lengths(self) -> tuple[Any, ...] | None:
        """The number of rows of each partition; None where it is not known."""
        chunks = self.collection.chunks[0] if self.is_array else (np.nan,)
        return None if np.isnan(chunks).any() else tuple(chunks)

    def wanted(self, names: set[str]) -> Any:
        """The collection with the columns that are wanted; None for none of them."""
        labels = [own for name, own in zip(self.names, self.labels, strict=True) if name in names]
        if not labels:
            return None
        return self.collection[labels] if self.is_frame else self.collection

    def pieces(self, collection: Any, names: set[str]) -> Iterator[tuple[Piece, list[Any]]]:
        """How blocks of wanted columns are read, and the keys of their pieces, one a partition."""
        chosen = [
            (name, own) for name, own in zip(self.names, self.labels, strict=True) if name in names
        ]
        keys = collection.__dask_keys__()
        if not self.is_array or collection.ndim == 1:
            own = [label if self.is_frame else 0 for _, label in chosen]
            yield Piece([name for name, _ in chosen], own, self.is_frame), keys
            return
        starts = list(accumulate(collection.chunks[1], initial=0))
        for place, (start, width) in enumerate(zip(starts, collection.chunks[1], strict=False)):
            inside = [(n, p - start) for n, p in chosen if start <= p < start + width]
            if inside:
                column = [row[place] for row in keys]
                yield Piece([n for n, _ in inside], [p for _, p in inside], False), column


class DaskTable:
    """Members side by side; `looking.Parts`.

    Parameters
    ----------
    members : sequence of Member
        Of one number of partitions.
    """

    n_rows: int | None = None

    def __init__(self, members: Sequence[Member]) -> None:
        import pyarrow as pa

        self.members = aligned(members)
        fields = []
        for member in self.members:
            for name, label in zip(member.names, member.labels, strict=True):
                fields.append(pa.field(name, _kind(member, name, label)))
        names = [field.name for field in fields]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"two columns are called {twice[0]!r}: rename one")
        self.schema = pa.schema(fields)
        self.task_memory = task_memory()

    def identity(self) -> list[Any]:
        """What tells these collections from others."""
        return [id(self)]

    def __reduce__(self) -> Any:
        """Workers get the types of the columns alone."""
        return Typed, (self.schema,)

    def plan(
        self, tasks: Tasks, what: str, reductions: Sequence[Reduction], shared: Any
    ) -> list[list[Any]]:
        """Add the tasks of reductions; the keys of the results of each. ``shared`` is a key."""
        collected = [
            [member.wanted(set(reduction.columns)) for member in self.members]
            for reduction in reductions
        ]
        found = []
        for number, (reduction, some) in enumerate(zip(reductions, collected, strict=True)):
            names = set(reduction.columns)
            blocks: list[tuple[Piece, list[Any]]] = []
            for member, one in zip(self.members, some, strict=True):
                if one is not None:
                    optimized = _optimized(one)
                    tasks.collections.append(optimized)
                    blocks += member.pieces(optimized, names)
            rows = [
                [(piece, keys[row]) for piece, keys in blocks]
                for row in range(self.members[0].n_partitions)
            ]
            found.append(tasks.reduce(number, what, reduction, rows, shared))
        return found

    def reduce(self, reductions: Sequence[Reduction], shared: Any = None) -> list[list[Any]]:
        """The results of reductions, by the scheduler that is active."""
        tasks = Tasks([])
        key = tasks.add("shared", Shared(shared))
        keys = self.plan(tasks, "count", reductions, key)
        results = iter(tasks.compute([one for some in keys for one in some]))
        return [[next(results) for _ in some] for some in keys]


class Typed(NamedTuple):
    """The types of columns, without the columns."""

    schema: Any


def _optimized(collection: Any) -> Any:
    """A collection of which only what is needed is read, in the same partitions."""
    # All of Dask's optimization joins partitions of Parquet of which few columns are read, and so
    # takes partitions of members apart.
    own = getattr(collection, "simplify", None)
    return dask.optimize(collection)[0] if own is None else own()


def task_memory() -> int:
    """Bytes that a task may take beside its partition, by the configuration of Dask."""
    asked = dask.config.get("fastinfo.task-memory", TASK_MEMORY)
    return int(dask.utils.parse_bytes(asked))


def _kind(member: Member, name: str, label: Any) -> Any:
    """The Arrow type of a column, as far as it is known before it is looked at."""
    meta = member.collection._meta
    if member.is_frame:
        meta = meta[label]
    elif member.is_array:
        meta = np.empty(0, member.collection.dtype)
    return array_of(meta, name).type


def aligned(members: Sequence[Member]) -> list[Member]:
    """Members with the same rows in the same partitions, as far as it is known.

    Arrays get the chunks of the first one, where the numbers of rows are known.

    Raises
    ------
    ValueError
        For other numbers of rows, and for partitions that cannot be compared.
    """
    found = list(members)
    lengths = found[0].lengths
    for place, member in enumerate(found):
        own = member.lengths
        if own is not None and lengths is not None and own != lengths:
            if sum(own) != sum(lengths):
                raise ValueError(
                    f"the numbers of samples differ: {found[0].names[0]} has {sum(lengths)}, "
                    f"{member.names[0]} has {sum(own)}"
                )
            found[place] = member._replace(collection=member.collection.rechunk({0: lengths}))
        elif member.n_partitions != found[0].n_partitions:
            raise ValueError(
                f"{found[0].names[0]} has {found[0].n_partitions} partitions and {member.names[0]} "
                f"{member.n_partitions}, whose lengths are not known: bring both to the same "
                "partitions, with repartition or rechunk"
            )
    return found


# --- what callers pass --------------------------------------------------------------------------


def members_of(data: Any, name: str, *, is_table: bool) -> tuple[list[Member], list[Any], bool]:
    """The members of a table or a variable, labels of its columns, and whether it has names.

    Raises
    ------
    TypeError
        For collections of other kinds.
    ValueError
        For arrays of another number of dimensions.
    """
    if tables.library(data) == "xarray":
        return _of_xarray(data, name, is_table)
    if isinstance(data, Mapping):
        return _side_by_side(data, name)
    if isinstance(data, da.Array):
        return _of_array(data, name, is_table)
    kind = type(data).__name__
    if kind == "Series":
        label = data.name if is_table and data.name is not None else name
        return [Member(data, [str(label)], [0])], [label], True
    if kind != "DataFrame":
        raise TypeError(
            f"{name} is a {type(data).__module__}.{kind}; accepted of Dask are arrays, DataFrames "
            "and Series"
        )
    labels = list(data.columns)
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise ValueError(f"{name} has two columns called {twice[0]!r}: rename one")
    names = [str(label) for label in labels]
    return [Member(data, names, labels)], labels, True


def _of_array(data: Any, name: str, is_table: bool) -> tuple[list[Member], list[Any], bool]:
    if data.ndim == 1 and not is_table:
        return [Member(data, [name], [0])], [0], False
    if data.ndim != 2:
        if is_table:
            tables.require_two_dimensions(data.shape, name)
        raise ValueError(
            f"{name} has {data.ndim} dimensions, shape {data.shape}; accepted are (n,) samples of "
            "one variable and (n, d) samples of one d-dimensional variable"
        )
    if np.isnan(data.shape[1]):
        raise ValueError(f"{name} has an unknown number of columns: call compute_chunk_sizes()")
    places = list(range(data.shape[1]))
    if not places:
        raise ValueError(f"{name} has no columns")
    return [Member(data, [f"{name}[:, {place}]" for place in places], places)], places, False


def _of_xarray(data: Any, name: str, is_table: bool) -> tuple[list[Member], list[Any], bool]:
    if hasattr(data, "data_vars"):
        dimensions = {one.dims for one in data.data_vars.values()}
        if len(dimensions) != 1 or len(next(iter(dimensions))) != 1:
            raise ValueError(
                f"{name} is a Dataset of variables over {sorted(map(str, dimensions))}; accepted "
                "are variables of one and the same dimension, that of the samples: stack(...) "
                "makes several one"
            )
        return _side_by_side({key: one.data for key, one in data.data_vars.items()}, name)
    return _of_array(data.data, name, is_table)


def _side_by_side(columns: Mapping[Any, Any], name: str) -> tuple[list[Member], list[Any], bool]:
    lazy = next(one for one in columns.values() if is_lazy(one))
    members = []
    for label, column in columns.items():
        column = column.data if tables.library(column) == "xarray" else column
        if not is_lazy(column):
            column = beside(column, lazy, str(label))
        if getattr(column, "ndim", 0) != 1:
            raise ValueError(f"{name}: column {label!r} has {column.ndim} dimensions, not one")
        members.append(Member(column, [str(label)], [0]))
    return members, list(columns), True


def beside(samples: Any, lazy: Any, name: str) -> Any:
    """Samples in memory as a Dask array, in the chunks of a collection.

    Raises
    ------
    ValueError
        Where the chunks of the collection have no known lengths.
    """
    if tables.library(lazy) == "xarray":
        lazy = next(iter(lazy.data_vars.values())).data if hasattr(lazy, "data_vars") else lazy.data
    if isinstance(lazy, Mapping):
        lazy = next(one for one in lazy.values() if is_lazy(one))
    chunks = lazy.chunks[0] if isinstance(lazy, da.Array) else (np.nan,)
    if np.isnan(chunks).any():
        raise ValueError(
            f"{name} is in memory, beside a Dask collection whose partitions have no known "
            "lengths: pass both from Dask, or call x.to_dask_array(lengths=True)"
        )
    if tables.has_names(samples):
        raise ValueError(
            f"{name} is a table in memory, beside a Dask collection: make it one as well, by "
            "dask.dataframe.from_pandas or dask.array.from_array"
        )
    array = np.asanyarray(samples)
    if array.ndim == 0 or array.shape[0] != sum(chunks):
        raise ValueError(
            f"{name} has shape {array.shape}, and the Dask collection beside it has {sum(chunks)} "
            "samples"
        )
    return da.from_array(array, chunks=(chunks, *((size,) for size in array.shape[1:])))


def scans_of(given: Sequence[tuple[str, Any]]) -> list[Any]:
    """Scans of the tables among arguments, with their names, over one source; others unchanged.

    One of them at least is a Dask collection. Tables in memory are taken along.
    """
    first = next(one for _, one in given if is_lazy(one))
    found: list[Any] = []
    for name, data in given:
        if data is None or (not is_lazy(data) and np.ndim(data) == 0):  # a name
            found.append(None)
            continue
        taken = data if is_lazy(data) else beside(data, first, name)
        is_series = _is_series(taken) and name != "X"
        found.append((*members_of(taken, name, is_table=not is_series), is_series))
    table = DaskTable([member for one in found if one is not None for member in one[0]])
    scans: list[Any] = []
    for one, (_, data) in zip(found, given, strict=True):
        if one is None:
            scans.append(data)
            continue
        members, labels, is_named, is_series = one
        source: Any = table
        scan = Scan(source, [name for member in members for name in member.names], ROWS, None)
        scan.is_named, scan.is_series, scan.labels = is_named, is_series, labels
        scans.append(scan)
    return scans


def _is_series(data: Any) -> bool:
    return getattr(data, "ndim", 2) == 1
