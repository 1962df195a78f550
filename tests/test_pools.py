"""A call takes one thread in a task of many, works after a fork, and from many threads at once."""

import multiprocessing
import os
import sys
import threading
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from conftest import library

import fastinfo
from fastinfo.inputs import arguments
from fastinfo.system import pools
from fastinfo.system.limits import usable_cores

n_jobs = arguments.n_jobs

X = np.random.default_rng(0).normal(size=(3000, 4))


def test_a_call_of_its_own_takes_all_cores():
    assert not pools.is_task()
    assert n_jobs(None) == n_jobs(-1) == usable_cores()


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_a_task_of_dask_takes_one_thread(scheduler):
    dask = library("dask")
    asked = [dask.delayed(n_jobs, pure=False)(one) for one in (None, -1, 3)]
    found = dask.compute(*asked, scheduler=scheduler, num_workers=2)
    default = usable_cores() if scheduler == "synchronous" else 1
    assert found == (default, usable_cores(), 3)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_task_on_a_thread_of_a_worker_takes_one_thread():
    distributed = library("distributed")
    with distributed.Client(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
    ) as client:
        assert client.submit(n_jobs, None).result() == 1
        assert n_jobs(None) == usable_cores()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["threading", "multiprocessing"])
def test_a_task_of_joblib_takes_one_thread(kind):
    joblib = library("joblib")
    found = joblib.Parallel(2, backend=kind)(joblib.delayed(n_jobs)(None) for _ in range(2))
    assert found == [1, 1]
    assert n_jobs(None) == usable_cores()


@pytest.mark.parametrize("start", ["forkserver"])
def test_a_task_of_a_pool_of_processes_takes_one_thread(start):
    with ProcessPoolExecutor(1, multiprocessing.get_context(start)) as pool:
        assert pool.submit(n_jobs, None).result() == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_work_goes_on_after_a_fork():
    expected = fastinfo.pairwise_mutual_information(X)  # with threads, before
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        for found in pool.map(fastinfo.pairwise_mutual_information, [X, X, X]):
            np.testing.assert_array_equal(found, expected)
        assert pool.apply(n_jobs, (None,)) == 1


def test_many_threads_at_once_take_few_threads(monkeypatch):
    """Each of eight callers gets the same answer, and no kernel leaves threads behind."""
    expected = fastinfo.pairwise_mutual_information(X)
    found, before = [], threading.active_count()

    def call():
        for _ in range(5):
            found.append(fastinfo.pairwise_mutual_information(X, n_jobs=1))
            fastinfo.mutual_information(X[:, 0], X[:, 1], n_jobs=2)

    callers = [threading.Thread(target=call) for _ in range(8)]
    for caller in callers:
        caller.start()
    assert threading.active_count() <= before + 8 + 8
    for caller in callers:
        caller.join()
    assert threading.active_count() == before
    assert len(found) == 40
    assert all(np.array_equal(one, expected) for one in found)


def test_no_thread_is_started_in_a_task(monkeypatch):
    dask = library("dask")

    def count_threads():
        started = []
        start = threading.Thread.start
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threading.Thread, "start", lambda t: (started.append(t.name), start(t)))
            fastinfo.pairwise_mutual_information(X)
            fastinfo.mutual_information(X[:, 0], X[:, 1])
        return [name for name in started if name == "fastinfo"]

    assert dask.compute(dask.delayed(count_threads)(), scheduler="threads") == ([],)
    assert sys.modules["dask"]
