"""The tile engine: plan → count → measure → sink.

The pairs of features are cut into tiles. Each thread counts and reduces one tile at a time, and a
sink takes the values of each tile. Progress is reported and Ctrl-C takes effect between tiles. The
memory holds no more than the tiles under way and the sink's own result.

If several devices share the tiles, each has a job of its own. The plan does not depend on the
number of devices, and so the tiles, their values and the checkpoint do not either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import Protocol

from fastinfo.backends import threads
from fastinfo.backends.contract import Array
from fastinfo.pairs.checkpoint import Checkpoint
from fastinfo.pairs.job import Job, Planes
from fastinfo.pairs.plan import Tile


class Sink(Protocol):
    """Takes the values of finished tiles, from one thread, in any order."""

    stays: bool
    """Whether it takes arrays of the kernels that measured them, not arrays of the host."""

    def put(self, left: Array, right: Array, planes: Planes) -> None:
        """Take planes ``(n_left, n_right)`` of features at positions ``left`` and ``right``."""
        ...


def run(
    jobs: Sequence[Job],
    sink: Sink,
    n_jobs: int,
    progress: Callable[[int, int], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> None:
    """Measure every tile of the plan and hand it to the sink.

    The first free job of a `team` measures the next tile. There are ``n_jobs`` threads, but at
    least one for each job, and no more than the kernels gain from. Tiles in the checkpoint are not
    measured again. ``progress`` is called in the caller's thread with the number of pairs done and
    of all pairs. An exception in it, or Ctrl-C, ends the run after the tiles under way; the sink
    and the checkpoint keep the tiles that they were given.
    """
    order, tiles = jobs[0].plan.order, jobs[0].plan.tiles
    total, done = sum(tile.n_pairs for tile in tiles), 0
    running: dict[Future[Planes], Tile] = {}
    # The queue has one entry for each thread, so that no thread waits. The job that has been free
    # longest comes next.
    n_threads = len(jobs) * threads(jobs[0].kernels, -(-n_jobs // len(jobs)))
    free: SimpleQueue[Job] = SimpleQueue()
    for i in range(n_threads):
        free.put(jobs[i % len(jobs)])

    def measure(tile: Tile) -> Planes:
        job = free.get()
        try:
            return job.measure(tile)
        finally:
            free.put(job)

    def finish(tile: Tile, planes: Planes) -> None:
        nonlocal done
        sink.put(order[tile.left], order[tile.right], planes)
        done += tile.n_pairs
        if progress is not None and tile.n_pairs > 0:  # a feature with itself is no pair
            progress(done, total)

    def collect() -> None:
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            tile, planes = running.pop(future), future.result()
            if checkpoint is not None:
                checkpoint.store(tile.left, tile.right, planes)
            finish(tile, planes)

    with ThreadPoolExecutor(n_threads, thread_name_prefix="fastinfo") as pool:
        try:
            for tile in tiles:
                known = None if checkpoint is None else checkpoint.load(tile.left, tile.right)
                if known is not None:
                    finish(tile, known)
                    continue
                # One tile in advance for each thread keeps it busy; few results are held.
                while len(running) >= 2 * n_threads:
                    collect()
                running[pool.submit(measure, tile)] = tile
            while running:
                collect()
        finally:
            pool.shutdown(cancel_futures=True)
