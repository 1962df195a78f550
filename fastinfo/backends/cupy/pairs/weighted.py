"""Pairs of samples with weights: sums whose order is the same in any tile."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Device
from fastinfo.backends.cupy.pairs import tile_sizes
from fastinfo.backends.cupy.pairs.layout import Packed, Part
from fastinfo.backends.cupy.sources import TYPE_NAMES


def weigh(
    device: Device,
    packed: Packed,
    tile: tuple[np.int32, ...],
    left: Part,
    right: Part,
    into: tuple[Any, ...],
) -> None:
    """Write the weights of the cells of two classes' pairs into the counts of a tile."""
    # A class may have more bins than its features in this tile.
    bins = min(left.of.n_bins, int(into[1])), min(right.of.n_bins, int(into[2]))
    n_chunks = -(-packed.n_samples // tile_sizes.CHUNK_SAMPLES)
    if n_chunks == 0 or 0 in bins:
        return
    cells = bins[0] * bins[1]
    rights = (right.features, np.int32(right.n_features))
    sizes = (np.int64(n_chunks), *(np.int32(b) for b in bins))
    for first, last in tile_sizes.weighted_lefts(
        device.free_bytes(), left.n_features, right.n_features, cells, packed.n_samples
    ):
        n_pairs = (last - first) * right.n_features
        tables = device.xp.zeros(n_chunks * n_pairs * cells, np.float64)
        features = (left.features[first:last], np.int32(last - first), *rights)
        device.launch(
            *("weighted", f"weigh_pairs<{TYPE_NAMES[packed.codes.dtype.name]}>"),
            *(plan.grid(device.properties, n_pairs * n_chunks, 128), 128),
            (
                *(packed.codes, np.int64(packed.codes.shape[1]), np.int64(packed.n_samples)),
                *(np.int64(tile_sizes.CHUNK_SAMPLES), packed.weights, *features),
                *(packed.bins_on_device, *tile, *sizes, tables),
            ),
        )
        device.launch(
            *("weighted", "add_chunks"),
            *(plan.grid(device.properties, n_pairs * cells), plan.BLOCK),
            (tables, *features, *tile, *sizes, *into),
        )
