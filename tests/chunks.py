"""Chunks of Dask arrays that workers make, in processes that import little else."""

import time

import numpy as np


def samples(n, m, seed=0):
    """Normal samples, of which two columns depend on each other."""
    X = np.random.default_rng(seed).normal(size=(n, m))
    X[:, 1] += X[:, 0]
    return X


def chunk(number, n, m, seconds=0.0):
    """A chunk that takes some time to make."""
    time.sleep(seconds)
    return samples(n, m, number)


def peak():
    """The largest resident memory of this process so far, in bytes."""
    with open("/proc/self/status", encoding="ascii") as file:
        (line,) = (line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def reset_peak():
    """Forget what was the largest so far; the memory of now."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    return peak()
