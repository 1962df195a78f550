"""Graphs of tasks: what each partition is made into, and the tree that adds it up."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import dask
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph

from fastinfo.dask.blocks import Piece
from fastinfo.inputs.scanning.looking import Reduction

TOLD = "_fastinfo_told"
"""The mark of an error whose message says all there is to say."""


class Tasks:
    """Tasks that are made one after the other, and computed together.

    Parameters
    ----------
    collections : sequence
        The Dask collections whose chunks the tasks read.
    """

    def __init__(self, collections: Sequence[Any]) -> None:
        self.collections = list(collections)
        self.tasks: dict[Any, Any] = {}
        self.name = f"fastinfo-{uuid.uuid4().hex}"

    def add(self, what: str, *task: Any, at: tuple[int, ...] = ()) -> Any:
        """Add a task, a value or a function with its arguments; its key."""
        key = (f"{what}-{self.name}", *at)
        self.tasks[key] = task[0] if len(task) == 1 else task
        return key

    def reduce(
        self,
        number: int,
        what: str,
        reduction: Reduction,
        rows: Sequence[Sequence[tuple[Piece, Any]]],
        shared: Any,
    ) -> list[Any]:
        """Add the tasks of one reduction; the keys of its results.

        Parameters
        ----------
        number : int
            A number of its own.
        rows : sequence
            For each partition the pieces that it consists of: how each is read, and its key.
        shared : key
            What all of them share.
        """
        readers = [
            self.add(f"{what}-columns", Shared(piece), at=(number, place))
            for place, (piece, _) in enumerate(rows[0])
        ]
        is_one = len(rows[0]) == 1 == len(reduction.then)
        results: list[list[Any]] = [[] for _ in reduction.then]
        for row, pieces in enumerate(rows):
            if is_one:
                run = partial(_both, reduction.first, reduction.then[0][1])
                key = self.add(what, run, pieces[0][1], readers[0], shared, row, at=(number, row))
                results[0].append(key)
                continue
            blocks = [
                self.add(
                    f"{what}-blocks",
                    *(partial(_first, reduction.first), key, readers[place], shared, row),
                    at=(number, row, place),
                )
                for place, (_, key) in enumerate(pieces)
            ]
            for turn, (names, function) in enumerate(reduction.then):
                wanted = set(names)
                some = [
                    block
                    for block, (piece, _) in zip(blocks, pieces, strict=True)
                    if not wanted.isdisjoint(piece.names)
                ]
                run = partial(_then, function)
                key = self.add(what, run, some, shared, row, at=(number, row, turn))
                results[turn].append(key)
        return [
            self._tree(f"{what}-sum", reduction, keys, (number, turn))
            for turn, keys in enumerate(results)
        ]

    def _tree(self, what: str, reduction: Reduction, keys: list[Any], at: tuple[int, ...]) -> Any:
        level = 0
        while len(keys) > 1:
            step = reduction.most_at_once
            groups = [keys[start : start + step] for start in range(0, len(keys), step)]
            keys = [
                self.add(what, partial(_add, reduction.add), some, at=(*at, level, place))
                if len(some) > 1
                else some[0]
                for place, some in enumerate(groups)
            ]
            level += 1
        return keys[0]

    def delayed(self, key: Any) -> Delayed:
        """The result of a task, to be computed."""
        graph = HighLevelGraph.from_collections(
            self.name, self.tasks, dependencies=self.collections
        )
        return Delayed(key, graph, layer=self.name)

    def compute(self, keys: Sequence[Any]) -> list[Any]:
        """The results of tasks, by the scheduler that is active.

        Raises
        ------
        ValueError
            Where a partition cannot be computed or counted.
        """
        try:
            return list(dask.compute(*map(self.delayed, keys)))
        except Exception as error:
            raise_told(error)
            raise


def raise_told(error: Exception) -> None:
    """Raise an error of a task as one line.

    Errors of the tasks of fastinfo are raised as they are. Those of other tasks, which make the
    partitions, become a ValueError. So do not errors of the scheduler itself.
    """
    if getattr(error, TOLD, False):
        raise error from None
    if type(error).__module__.partition(".")[0] in ("distributed", "asyncio", "concurrent"):
        raise error
    if isinstance(error, MemoryError):
        raise error
    first = str(error).strip().partition("\n")[0][:300] or type(error).__name__
    raise ValueError(f"a partition of the Dask collection cannot be computed: {first}") from error


class Shared:
    """A value that is no task, whatever it consists of."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _value(shared: Any) -> Any:
    return shared.value if isinstance(shared, Shared) else shared


def _told(function: Callable[..., Any], row: int | None, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (ValueError, TypeError, MemoryError, ImportError) as error:
        if getattr(error, TOLD, False):
            raise
        where = "" if row is None else f"partition {row} of the Dask collection: "
        kind = next(
            kind
            for kind in (MemoryError, ImportError, TypeError, ValueError)
            if isinstance(error, kind)
        )
        told = kind(f"{where}{error}")
        setattr(told, TOLD, True)
        raise told from None


def _first(function: Any, piece: Any, reader: Shared, shared: Any, row: int) -> Any:
    def run() -> Any:
        return function(reader.value.block(piece), _value(shared))

    return _told(run, row)


def _then(function: Any, blocks: Sequence[Any], shared: Any, row: int) -> Any:
    return _told(function, row, blocks, _value(shared))


def _both(first: Any, then: Any, piece: Any, reader: Shared, shared: Any, row: int) -> Any:
    return _then(then, [_first(first, piece, reader, shared, row)], shared, row)


def _add(function: Any, results: Sequence[Any]) -> Any:
    return _told(function, None, results)


def called(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function of results, in a task."""
    return _told(function, None, *map(_value, arguments))
