"""Small runs of the kernels in a process of their own, for the sanitizers to watch.

    python -m emulation.driver            every case as it is
    python -m emulation.driver NAME       the kernels with a fault planted in them

The process ends with 0 only where every answer was right and nobody objected.
"""

import sys

import numpy as np
from emulation import arrays
from emulation.device import EmulatedDevice

from fastinfo.backends.contract import Uncoded
from fastinfo.backends.cupy import CupyKernels
from fastinfo.backends.cupy.pairs import ways
from fastinfo.backends.numpy import NumpyKernels


def replacing(old, new, count=1):
    """An edit of a source that has the text; other sources stay as they are."""
    return lambda text: text.replace(old, new, count)


FAULTS = {
    "no barrier after clearing": replacing("(right);\n    __syncthreads();", "(right);"),
    "no barrier after copying keys": replacing(
        "bins.n_bins + 1);\n        __syncthreads();", "bins.n_bins + 1);"
    ),
    "no barrier before adding up": replacing(
        "count_one(i);\n    __syncthreads();", "count_one(i);"
    ),
    "no barrier in the tree": replacing(
        "sums[thread + half];\n        __syncthreads();", "sums[thread + half];"
    ),
    "a plain increment": replacing("atomicAdd(cell, 1u)", "++*cell"),
    "one sample too many": replacing("i < n_samples; i +=", "i <= n_samples; i +=", 9),
    "one cell too many": replacing("i < n_cells << shift", "i <= n_cells << shift"),
    "one edge too many": replacing("i < n_keys", "i <= n_keys"),
    "no barrier between stages": replacing("+ now);\n        __syncthreads();", "+ now);"),
    "no barrier before the sums of a pair": replacing(
        "*sums = {0, 0, 0, 0};\n        __syncthreads();", "*sums = {0, 0, 0, 0};"
    ),
    "no barrier in the block": replacing(
        "if (!is_symmetric) continue;\n            __syncthreads();", "if (!is_symmetric) continue;"
    ),
    "a column too many": replacing("PITCH = PANEL + 1", "PITCH = PANEL + 2"),
}


def run(device):
    """Every kernel of one pair once or twice, against the reference."""
    kernels, reference, xp = CupyKernels(device), NumpyKernels(), arrays.namespace
    rng = np.random.default_rng(7)
    for n in (1000, 1024):
        codes = [rng.integers(0, 4, n).astype("u1"), rng.integers(0, 6, n).astype("u1")]
        for n_bins, weights in (((3, 5), None), ((3, 5), rng.random(n)), ((300, 200), None)):
            there = None if weights is None else xp.asarray(weights)
            found = kernels.count_joint([xp.asarray(c) for c in codes], n_bins, there)
            expected = reference.count_joint(codes, n_bins, weights)
            np.testing.assert_allclose(found.get(), expected, rtol=1e-13)
        values = rng.normal(size=n)
        edges = np.linspace(-2.0, 2.0, 8)
        for is_uniform in (False, True):
            samples = Uncoded(xp.asarray(values), edges, is_uniform)
            found = kernels.count_joint([xp.asarray(codes[0]), samples], (3, 7))
            known = [codes[0], reference.encode_edges(values, edges)]
            np.testing.assert_array_equal(found.get(), reference.count_joint(known, (3, 7)))
        for encode in ("encode_edges", "encode_uniform"):
            more = (edges,) if encode == "encode_edges" else (-2.0, 2.0, 7)
            found = getattr(kernels, encode)(xp.asarray(values), *more)
            np.testing.assert_array_equal(found.get(), getattr(reference, encode)(values, *more))
        assert kernels.summarize(xp.asarray(values)) == reference.summarize(values)
        counts = rng.integers(0, 9, (3, n))
        found = kernels.sum_xlogx(xp.asarray(counts)).get()
        np.testing.assert_allclose(found, reference.sum_xlogx(counts), rtol=1e-13)


def run_pairs(device):
    """Every way to count pairs, against the reference."""
    kernels, reference, xp = CupyKernels(device), NumpyKernels(), arrays.namespace
    rng = np.random.default_rng(8)
    n_bins, n, everything = [3, 16, 3], 1100, slice(0, 3)
    codes = [rng.integers(0, bins + (bins == 16), n).astype("u1") for bins in n_bins]
    for way, weights in (
        *((way, None) for way in (ways.BITS, ways.WORDS, ways.SCATTER)),
        (ways.SCATTER, rng.random(n)),
    ):
        kernels = CupyKernels(device, choose=lambda *_, way=way: way)
        there = None if weights is None else xp.asarray(weights)
        packed = kernels.pack([xp.asarray(c) for c in codes], n_bins, there)
        known = reference.pack(codes, n_bins, weights)
        found = kernels.count_pairs(packed, everything, packed, everything)
        expected = reference.count_pairs(known, everything, known, everything)
        np.testing.assert_allclose(found.get(), expected, rtol=1e-13)
        found = kernels.pair_sums(packed, everything, packed, everything)
        expected = reference.pair_sums(known, everything, known, everything)
        for ours, theirs in zip(found[:-1], expected[:-1], strict=True):
            ours = np.broadcast_to(ours.get(), theirs.shape)
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
        values = kernels.combine(found, (1.0, 1.0, -1.0), 0.0)
        wanted = reference.combine(expected, (1.0, 1.0, -1.0), 0.0)
        np.testing.assert_allclose(values.get(), wanted, rtol=1e-12, atol=1e-14)


def run_matrix(device):
    """Blocks that end within a tile, and both halves of a matrix."""
    kernels, xp = CupyKernels(device), arrays.namespace
    values = np.arange(33 * 70.0).reshape(33, 70)
    matrix = xp.zeros((70, 70))
    columns = np.arange(70)
    kernels.write_tile(xp.asarray(values), columns[:33], columns, matrix, True)
    upper = np.triu(values)
    expected = np.zeros((70, 70))
    expected[:33] = upper
    expected[:, :33] += np.triu(values, 1).T
    np.testing.assert_array_equal(matrix.get(), expected)


if __name__ == "__main__":
    device = EmulatedDevice(edited=FAULTS[sys.argv[1]] if len(sys.argv) > 1 else None)
    run(device)
    run_pairs(device)
    run_matrix(device)
    print("every answer is right")
