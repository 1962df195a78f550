"""Reading ahead on a thread of its own, at most a few batches."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")

AHEAD = 2
"""Batches that wait to be used, beside the one that is being read."""

PATIENCE = 0.1
"""Seconds after which either thread looks whether the other one still wants anything."""


def read_ahead(items: Iterable[Item], n_ahead: int = AHEAD) -> Iterator[Item]:
    """The items, made on another thread that stays at most ``n_ahead`` items ahead.

    Beside these one more is being made. With 0 ahead, the next item is made while one is used.

    An exception of the other thread is raised here, after the items before it. If the caller stops
    early, so does the other thread, which is waited for.
    """
    waiting: queue.Queue[tuple[bool, Any]] = queue.Queue()
    room = threading.Semaphore(n_ahead + 1)
    stopped = threading.Event()

    def is_wanted() -> bool:
        while not stopped.is_set():
            if room.acquire(timeout=PATIENCE):
                return True
        return False

    def work() -> None:
        try:
            more = iter(items)
            while is_wanted():
                try:
                    item = next(more)
                except StopIteration:
                    waiting.put((False, None))
                    return
                waiting.put((True, item))
                del item
        except BaseException as error:
            waiting.put((False, error))

    thread = threading.Thread(target=work, name="fastinfo-read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:
                is_item, what = waiting.get(timeout=PATIENCE)
            except queue.Empty:  # Ctrl-C takes effect between two looks
                continue
            room.release()
            if is_item:
                yield what
                del what
            elif what is None:
                return
            else:
                raise what
    finally:
        stopped.set()
        thread.join()
