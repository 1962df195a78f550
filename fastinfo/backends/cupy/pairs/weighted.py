"""Pairs of samples with weights: sums that are added in the same order in any tile."""

from __future__ import annotations

import numpy as np

from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Array, Device
from fastinfo.backends.cupy.pairs import tile_sizes
from fastinfo.backends.cupy.pairs.arguments import Codes, CountsOut, Rectangle
from fastinfo.backends.cupy.sources import TYPE_NAMES


def weigh(
    device: Device,
    codes: tuple[Codes, Codes],
    n_bins: tuple[int, int],
    n_samples: int,
    weights: Array,
    tile: Rectangle,
    into: CountsOut,
) -> None:
    """Write the sums of weights for all pairs of two classes to the counts of a tile."""
    left, right = codes
    # A class may have more bins than its features in this tile.
    bins = min(n_bins[0], int(into.left_bins)), min(n_bins[1], int(into.right_bins))
    n_chunks = -(-n_samples // tile_sizes.CHUNK_SAMPLES)
    if n_chunks == 0 or 0 in bins:
        return
    cells, n_right = bins[0] * bins[1], int(right.n_features)
    sizes = (np.int64(n_chunks), *(np.int32(b) for b in bins))
    for first, last in tile_sizes.weighted_lefts(
        device.free_bytes(), int(left.n_features), n_right, cells, n_samples
    ):
        n_pairs = (last - first) * n_right
        tables = device.xp.zeros(n_chunks * n_pairs * cells, np.float64)
        lefts = left._replace(features=left.features[first:last], n_features=np.int32(last - first))
        device.launch(
            *("weighted", f"weigh_pairs<{TYPE_NAMES[left.codes.dtype.name]}>"),
            *(plan.grid(device.properties, n_pairs * n_chunks, 128), 128),
            (
                *(lefts, right, np.int64(n_samples), np.int64(tile_sizes.CHUNK_SAMPLES)),
                *(weights, tile, *sizes, tables),
            ),
        )
        device.launch(
            *("weighted", "add_chunks"),
            *(plan.grid(device.properties, n_pairs * cells), plan.BLOCK),
            (
                *(tables, lefts.features, lefts.n_features, right.features, right.n_features),
                *(tile, *sizes, into),
            ),
        )
