"""The tile engine: plan → count → measure → sink.

The pairs of features are cut into tiles. Threads count and reduce one tile at a time, and a sink
takes each tile's values; between tiles there is room for progress and for Ctrl-C. Nothing larger
than the tiles under way and the sink's own result is ever held.

Where several devices share the tiles, each has a job of its own. The plan does not know of them:
the tiles, and so the values and what a checkpoint keeps of them, are the same for any number.
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
    """Whether it takes them where they were measured, and not on the host."""

    def put(self, left: Array, right: Array, planes: Planes) -> None:
        """Planes ``(n_left, n_right)`` of pairs of features, ``left`` and ``right`` numbered."""
        ...


def run(
    jobs: Sequence[Job],
    sink: Sink,
    n_jobs: int,
    progress: Callable[[int, int], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> None:
    """Measure every tile of the plan and hand it to the sink.

    Each tile is measured by the next of the jobs of a `team` that is free, on as many threads as
    ``n_jobs`` says, no more than are of use and at least one for each job. Tiles that the
    checkpoint knows are not measured again. ``progress`` is called in the caller's thread, with the
    pairs done and the pairs in all. An exception in it, or Ctrl-C, ends the run after the tiles
    under way; the sink and the checkpoint keep the tiles that they were given.
    """
    order, tiles = jobs[0].plan.order, jobs[0].plan.tiles
    total, done = sum(tile.n_pairs for tile in tiles), 0
    running: dict[Future[Planes], Tile] = {}
    # As many places as threads: none waits, and the job that has waited longest comes next.
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
        if progress is not None and tile.n_pairs > 0:  # a diagonal of one feature has none
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
                # A tile ahead for each thread keeps it busy without holding many results.
                while len(running) >= 2 * n_threads:
                    collect()
                running[pool.submit(measure, tile)] = tile
            while running:
                collect()
        finally:
            pool.shutdown(cancel_futures=True)
