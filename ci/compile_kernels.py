"""Compile every kernel for this machine's GPU, several at a time, into CuPy's cache on disk.

Tests and calls compile what they need one after the other, for half a second to two seconds each.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from fastinfo.backends.cupy import sources
from fastinfo.system.limits import usable_cores

MOST_PROCESSES = 16


def kernels(capability: tuple[int, int]) -> list[tuple[str, str]]:
    """Family and name of all kernels for a compute capability."""
    return [
        (family, name)
        for family, described in sources.FAMILIES.items()
        if capability >= described.capability
        for name in described.kernels
    ]


def prepare(kernel: tuple[str, str]) -> None:
    """Compile one kernel, in any process."""
    from fastinfo.backends.cupy import discovery

    discovery.device(None).prepare(*kernel)


def main() -> int:
    """The command line."""
    from fastinfo.backends.cupy import discovery

    start = time.perf_counter()
    wanted = kernels(discovery.device(None).properties.capability)
    # Processes and not threads: the compiler takes one program at a time in each. Their own start
    # they make anew, for what a driver has begun does not survive a fork.
    context = multiprocessing.get_context("spawn")
    n_processes = min(usable_cores(), MOST_PROCESSES)
    with ProcessPoolExecutor(n_processes, mp_context=context) as pool:
        list(pool.map(prepare, wanted, chunksize=2))
    seconds = time.perf_counter() - start
    print(f"{len(wanted)} kernels compiled by {n_processes} processes in {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
