"""Reading ahead: in order, at most a few items, and with an end of the thread in every case."""

import threading
import time

import pytest

from fastinfo.inputs.scanning.ahead import AHEAD, read_ahead


def n_readers():
    return sum(thread.name == "fastinfo-read-ahead" for thread in threading.enumerate())


def test_all_items_come_in_order():
    assert list(read_ahead(iter(range(1000)))) == list(range(1000))
    assert n_readers() == 0


@pytest.mark.parametrize("n_ahead", [AHEAD, 0])
def test_the_thread_stays_a_few_items_ahead(n_ahead):
    made = []

    def items():
        for item in range(50):
            made.append(item)
            yield item

    for item in read_ahead(items(), n_ahead):
        time.sleep(0.002)
        assert len(made) <= item + 2 + n_ahead  # those that wait, one in hand, one being made
    assert len(made) == 50


def test_an_error_comes_after_the_items_before_it():
    def items():
        yield 1
        yield 2
        raise OSError("the disk is gone")

    seen = []
    with pytest.raises(OSError, match="the disk is gone"):
        seen.extend(item for item in read_ahead(items()))
    got = read_ahead(items())
    assert [next(got), next(got)] == [1, 2]
    with pytest.raises(OSError, match="the disk is gone"):
        next(got)
    assert n_readers() == 0


def test_the_thread_ends_with_a_caller_who_stops_early():
    got = read_ahead(iter(range(10**9)))
    assert next(got) == 0
    assert n_readers() == 1
    got.close()
    assert n_readers() == 0
