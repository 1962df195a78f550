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
"""Seconds after which the reading thread looks whether anybody still wants its batches."""


def read_ahead(items: Iterable[Item], n_ahead: int = AHEAD) -> Iterator[Item]:
    """The items, made on another thread that stays at most ``n_ahead`` items ahead.

    An exception of the other thread is raised here, after the items before it. If the caller stops
    early, so does the other thread, which is waited for.
    """
    waiting: queue.Queue[tuple[bool, Any]] = queue.Queue(n_ahead)
    stopped = threading.Event()

    def put(is_item: bool, what: Any) -> bool:
        while not stopped.is_set():
            try:
                waiting.put((is_item, what), timeout=PATIENCE)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(True, item):
                    return
            put(False, None)
        except BaseException as error:
            put(False, error)

    thread = threading.Thread(target=work, name="fastinfo-read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:
                is_item, what = waiting.get(timeout=PATIENCE)
            except queue.Empty:  # Ctrl-C takes effect between two looks
                continue
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
