"""The graphs of tasks on the schedulers that Dask has, on clusters whose workers are killed, and in
the memory that is stated.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from chunks import chunk, peak, reset_peak, samples
from conftest import library

import fastinfo
from fastinfo.inputs import arguments

dask = library("dask")
da, dd, distributed = library("dask.array"), library("dask.dataframe"), library("distributed")
lazily = library("fastinfo.dask")

pytestmark = pytest.mark.filterwarnings(
    "ignore::fastinfo.PreparationWarning",
    "ignore::fastinfo.SaturationWarning",
    "ignore::DeprecationWarning:distributed",
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore:Sending large graph:UserWarning",
)

ROOT = Path(__file__).parents[1]

CONFIG = {
    "distributed.scheduler.allowed-failures": 100,
    "distributed.admin.tick.limit": "60s",
    "distributed.comm.timeouts.connect": "60s",
}


def chunked(n_chunks, n, m, seconds=0.0):
    """An array of such chunks, and the same in memory."""
    parts = [
        da.from_delayed(dask.delayed(chunk, pure=True)(i, n, m, seconds), (n, m), "f8")
        for i in range(n_chunks)
    ]
    return da.concatenate(parts), np.concatenate([samples(n, m, i) for i in range(n_chunks)])


@pytest.fixture(scope="module")
def client():
    """A cluster of two processes with one thread each, as a user starts it."""
    with (
        dask.config.set(CONFIG),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


@pytest.mark.parametrize("scheduler", ["synchronous", "processes"])
def test_every_scheduler_gives_the_same_bits(scheduler):
    D, X = chunked(5, 200, 4)
    with dask.config.set(scheduler=scheduler, num_workers=2):
        expected = fastinfo.pairwise_mutual_information(X)
        np.testing.assert_array_equal(fastinfo.pairwise_mutual_information(D), expected)


def test_a_cluster_gives_the_same_bits(client):
    D, X = chunked(20, 500, 6)
    with dask.config.set({"fastinfo.task-memory": 100_000}):  # pairs are spread over tasks too
        for function in (fastinfo.pairwise_mutual_information, fastinfo.top_pairs):
            np.testing.assert_array_equal(function(D), function(X))
    for bins in (None, 7):
        one = fastinfo.mutual_information(D[:, 0], D[:, 1], bins=bins)
        assert one == fastinfo.mutual_information(X[:, 0], X[:, 1], bins=bins)
    words = np.array(["a", "bb", "ccc"])[(X[:, :2] > 0).sum(axis=1)]
    frame = {"x": X[:, 0], "text": words.astype(object)}
    pandas = library("pandas").DataFrame(frame)
    lazy = dd.from_pandas(pandas, npartitions=7)
    assert fastinfo.top_pairs(lazy) == fastinfo.top_pairs(pandas)
    with pytest.raises(ValueError, match=r"x has \d+ missing values among 10000"):
        fastinfo.top_pairs(lazy.assign(x=lazy.x.where(lazy.x > 0)))
    counts = lazily.pair_counts(lazy, bins={"x": [-9, 0, 9]})
    assert client.compute(counts).result().update(pandas).n_rows == 20_000


class Killer:
    """Kills a worker by SIGKILL now and then, as long as a job runs."""

    def __init__(self, cluster, times, pause):
        self.cluster, self.times, self.pause = cluster, times, pause
        self.n_killed = 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while self.n_killed < self.times and not self.stopped.wait(self.pause):
            processes = [nanny.process for nanny in self.cluster.workers.values()]
            pids = [one.pid for one in processes if one is not None and one.pid is not None]
            if pids:
                os.kill(pids[self.n_killed % len(pids)], signal.SIGKILL)
                self.n_killed += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()


def killed(times, n_chunks, seconds, pause):
    """The answer of a job whose workers are killed is that of a job that is left alone."""
    D, X = chunked(n_chunks, 300, 5, seconds)
    with (
        dask.config.set(CONFIG),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster),
        Killer(cluster, times, pause) as killer,
    ):
        found = fastinfo.pairwise_mutual_information(D)
        n_killed = killer.n_killed
    assert n_killed == times
    np.testing.assert_array_equal(found, fastinfo.pairwise_mutual_information(X))


def test_two_killed_workers_change_nothing():
    killed(2, 40, 0.05, 0.7)


@pytest.mark.soak
def test_ten_killed_workers_change_nothing():
    killed(10, 300, 0.15, 4.0)


@pytest.mark.soak
def test_the_commands_of_dask(tmp_path):
    """A scheduler and workers in processes of their own, over the network of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask_ = [sys.executable, "-m", "dask"]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": path, "DASK_LOGGING__DISTRIBUTED": "error"}
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    commands = [
        [*dask_, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
        *[
            [*dask_, "worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny"]
            for _ in range(2)
        ],
    ]
    running = [subprocess.Popen(one, cwd=tmp_path, **options) for one in commands]
    try:
        with distributed.Client(address, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            D, X = chunked(10, 300, 4)
            expected = fastinfo.pairwise_mutual_information(X)
            np.testing.assert_array_equal(fastinfo.pairwise_mutual_information(D), expected)
            running[1].kill()
            np.testing.assert_array_equal(fastinfo.pairwise_mutual_information(D), expected)
            assert client.submit(arguments.n_jobs, None).result() == 1
    finally:
        for process in running:
            process.kill()
            process.wait()


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_tasks_keep_to_their_memory(client):
    """300 columns of 16 bins have 92 MB of counts, of which a task of 40 MB holds an eleventh."""
    n_chunks, m, n, stated, counts = 16, 300, 500, 40 << 20, 92 << 20
    D, _ = chunked(n_chunks, n, m)
    fastinfo.pairwise_mutual_information(D[: 2 * n], bins=16)  # kernels are compiled
    with dask.config.set({"fastinfo.task-memory": stated}):
        before = client.run(reset_peak)
        fastinfo.pairwise_mutual_information(D, bins=16)
        after = client.run(peak)
    most = max(after[worker] - before[worker] for worker in before)
    # Beside the task there are its partition, rows of bits, and results that wait to be added up.
    assert most < stated + 4 * (8 * n * m) + (64 << 20) + 4 * counts
