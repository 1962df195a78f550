"""Threads over ranges: every sample once, one order of sums, and how errors come out."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from fastinfo.system.ranges import map_threads, over_ranges

JOBS = (1, 2, 3, 8)


@pytest.mark.parametrize("n_jobs", JOBS)
@pytest.mark.parametrize("n_samples", [0, 1, 9, 10, 11, 1000])
def test_ranges_cover_every_sample_once_and_add_up_in_order(n_samples: int, n_jobs: int) -> None:
    """Results that end out of order are added in order all the same."""

    def samples(start: int, stop: int) -> list[int]:
        time.sleep(0.001 * (start % 3 == 0))
        return list(range(start, stop))

    total = over_ranges(samples, lambda left, right: left + right, n_samples, n_jobs, size=10)
    assert total == list(range(n_samples))


def test_ranges_do_not_depend_on_threads() -> None:
    """Or sums of floats would."""
    seen = [
        over_ranges(lambda *ends: [ends], lambda left, right: left + right, 1001, n_jobs, size=64)
        for n_jobs in JOBS
    ]
    assert all(ranges == seen[0] for ranges in seen)


@pytest.mark.parametrize("n_jobs", JOBS)
def test_map_keeps_order_and_stops_with_the_shortest(n_jobs: int) -> None:
    """As `map` does."""
    assert map_threads(pow, range(50), [2] * 40, n_jobs=n_jobs) == [i**2 for i in range(40)]


@pytest.mark.parametrize("n_jobs", JOBS)
def test_the_first_failing_call_is_the_one_told_of(n_jobs: int) -> None:
    """Whichever thread is quicker."""

    def fail(i: int) -> None:
        time.sleep(0.002 * (10 - i))
        if i >= 3:
            raise ValueError(f"call {i}")

    with pytest.raises(ValueError, match="call 3"):
        map_threads(fail, range(10), n_jobs=n_jobs)


@pytest.mark.parametrize("n_jobs", JOBS)
def test_no_call_begins_after_an_error(n_jobs: int) -> None:
    """At most those that were under way already."""
    begun = []

    def fail(i: int) -> None:
        begun.append(i)
        if i == 0:
            raise ValueError("the first")
        time.sleep(0.01)

    with pytest.raises(ValueError, match="the first"):
        map_threads(fail, range(1000), n_jobs=n_jobs)
    assert len(begun) < 1000 / 2


def test_ctrl_c_ends_the_threads() -> None:
    """The interrupt reaches the caller, and no thread goes on behind its back."""
    begun = []

    def work(i: int) -> None:
        if i == 4:
            signal.raise_signal(signal.SIGINT)
        begun.append(i)
        time.sleep(0.005)

    with pytest.raises(KeyboardInterrupt):
        map_threads(work, range(2000), n_jobs=3)
    n_begun = len(begun)
    assert n_begun < 2000
    time.sleep(0.02)
    assert len(begun) == n_begun
    assert not [thread for thread in threading.enumerate() if thread.name == "fastinfo"]


def test_ctrl_c_comes_out_before_the_error_of_a_call() -> None:
    """Whoever pressed it must not be told of something else."""

    def fail(i: int) -> None:
        if i == 0:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.05)
            raise ValueError("a call that failed meanwhile")
        time.sleep(0.05)

    with pytest.raises(KeyboardInterrupt):
        map_threads(fail, range(10), n_jobs=2)


def test_no_call_runs_in_the_thread_that_ctrl_c_comes_to() -> None:
    """Numba's registries do not survive being interrupted while a kernel is loaded."""
    seen = map_threads(lambda _: threading.current_thread(), range(20), n_jobs=2)
    assert threading.main_thread() not in seen
