"""All pairs of a Dask array on one and on two worker processes, and of the same array in memory."""

from __future__ import annotations

import atexit
import importlib.util
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import fastinfo
from bench.case import Case, Contender, Target, two_cores

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


@cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


def table(n: int, m: int) -> Data:
    """Normal columns that share their first one."""
    path = _folder() / f"{n}-{m}.npy"
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


LONG = {"n": 10**8, "m": 10}

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
)
