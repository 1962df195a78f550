"""All pairs of a Dask array on one and on two worker processes, and of the same array in memory."""

from __future__ import annotations

import atexit
import importlib.util
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import fastinfo
from bench import processes
from bench.case import RATE, Case, Contender, Measure, Target, two_cores

Array = np.ndarray[Any, Any]

CHUNK = 1 << 20
"""Rows of a partition, 80 MiB of ten columns."""

BINS = 16


class Data(NamedTuple):
    """A table in a file, and the matrix of its pairs."""

    path: str
    n: int
    m: int
    matrix: Array


def table(n: int, m: int) -> Data:
    """Normal columns that share their first one."""
    path = processes.scratch() / f"{n}-{m}.npy"
    if not path.exists():
        X = np.lib.format.open_memmap(path, "w+", np.float64, (n, m), fortran_order=True)
        rng = np.random.default_rng(n)
        first = rng.standard_normal(n)
        for column in range(m):
            X[:, column] = first + rng.standard_normal(n)
        X.flush()
    return Data(str(path), n, m, in_memory(Data(str(path), n, m, np.empty(0))))


def read(path: str, start: int, stop: int) -> Array:
    """Some rows of a table, in a worker."""
    return np.ascontiguousarray(np.load(path, mmap_mode="r")[start:stop].T).T


def in_memory(data: Data) -> Array:
    """The matrix by two threads of this process."""
    X = np.load(data.path, mmap_mode="r")
    found: Array = fastinfo.pairwise_mutual_information(X, bins=BINS, n_jobs=2)
    return found


def _collection(data: Data) -> Any:
    import dask
    import dask.array as da

    chunks = [
        da.from_delayed(
            dask.delayed(read)(data.path, start, min(start + CHUNK, data.n)),
            (min(CHUNK, data.n - start), data.m),
            np.float64,
        )
        for start in range(0, data.n, CHUNK)
    ]
    return da.concatenate(chunks)


def by_threads(data: Data) -> Array:
    """The matrix by the threaded scheduler of this process."""
    import dask

    with dask.config.set(scheduler="threads", num_workers=2):
        found: Array = fastinfo.pairwise_mutual_information(_collection(data), bins=BINS)
    return found


@cache
def _client(n_workers: int) -> Any:
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=":0")
    client = Client(cluster, set_as_default=False)
    atexit.register(cluster.close)
    atexit.register(client.close)
    return client


def by_workers(data: Data, n_workers: int) -> Array:
    """The matrix by worker processes of one thread each."""
    with _client(n_workers).as_current():
        found: Array = fastinfo.pairwise_mutual_information(_collection(data), bins=BINS)
    return found


def check(data: Data, answer: Array) -> None:
    """The same bits, since counts are integers."""
    np.testing.assert_array_equal(answer, data.matrix)


def needs() -> str | None:
    """Why it cannot be run here."""
    lacking = [name for name in ("dask", "distributed") if importlib.util.find_spec(name) is None]
    return f"{lacking[0]} is not installed" if lacking else two_cores()


class Shape(NamedTuple):
    """The numbers of partitions and of columns of an array."""

    chunks: int
    m: int


class Graphs(NamedTuple):
    """The most tasks of a graph of those that find and count all pairs of an array."""

    n_tasks: int


def build(data: Shape) -> Graphs:
    """Build the graphs of the first pass and of the counts, and compute nothing."""
    import dask.array as da

    from fastinfo.accumulators import counted_parts
    from fastinfo.accumulators.pair_layout import Layout
    from fastinfo.binning.rules import Edges
    from fastinfo.dask import collections, graphs
    from fastinfo.inputs.scanning import as_it_is, looking

    class Coder:
        bins = Edges(np.arange(BINS + 1.0))

    X = da.ones((data.chunks * 10_000, data.m), chunks=(10_000, data.m))
    (scan,) = collections.scans_of([("X", X)])
    memory = scan.source.task_memory
    wishes = {name: as_it_is.wish(name, BINS) for name in scan.columns}
    looks, _ = looking.reductions(wishes, memory)
    layout = Layout([BINS] * data.m)
    groups, most = counted_parts.grouped(layout, layout.tiles, X.shape[0], memory)
    of_each: Any = [Coder()] * data.m
    decided = counted_parts.Decided({}, scan.columns, of_each, None, layout, groups)
    n_tasks = []
    for reductions in (looks, [counted_parts.pairs_reduction(decided, most)]):
        tasks = graphs.Tasks([])
        keys = scan.source.plan(tasks, "count", reductions, tasks.add("shared", None))
        n_tasks.append(len(dict(tasks.delayed(keys[0][0]).__dask_graph__())))
    return Graphs(max(n_tasks))


def check_graphs(data: Shape, answer: Graphs) -> None:
    """At least one task for each partition."""
    assert answer.n_tasks > data.chunks


LONG = {"n": 10**8, "m": 10}
WIDE = {"chunks": 1000, "m": 1000}

CASES = (
    Case(
        name="dask-all-pairs",
        title="all pairs of {m} columns of a Dask array, 16 bins, n = {n}",
        make=table,
        contenders=(
            Contender("two workers", lambda data: by_workers(data, 2), threads=2),
            Contender("one worker", lambda data: by_workers(data, 1)),
            Contender("Dask's threads in one process", by_threads, threads=2),
            Contender("in memory, without Dask", in_memory, threads=2),
        ),
        check=check,
        also=(),
        sizes={"smoke": [{"n": 10_000, "m": 4}], "default": [LONG], "full": [LONG]},
        work=lambda n, m: n * m * (m - 1) // 2,
        unit="sample-pairs",
        targets=(
            Target("one worker", LONG, at_least=1.6),
            Target("Dask's threads in one process", LONG, at_least=1 / 1.25),
        ),
        needs=needs,
    ),
    Case(
        name="dask-graph",
        title="graphs of all pairs of {m} columns in {chunks} partitions, 16 bins, not computed",
        make=Shape,
        contenders=(Contender("fastinfo", build),),
        check=check_graphs,
        also=(),
        sizes={"smoke": [{"chunks": 20, "m": 80}], "default": [WIDE], "full": [WIDE]},
        work=lambda chunks, m: chunks * m,
        unit="chunks of columns",
        measures={"tasks": Measure("", lambda answer: answer.n_tasks)},
        targets=(
            Target("tasks", WIDE, at_most=20_000),
            Target(RATE, WIDE, at_least=10**6 / 5),
        ),
        needs=needs,
    ),
)
