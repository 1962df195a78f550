"""Tiles of pairs of features, one joint table after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastinfo.backends.contract import PairEntropies
from fastinfo.backends.cupy import count, sums
from fastinfo.backends.cupy.device import Array, Device


class Packed(NamedTuple):
    """Features as tiles are counted from them."""

    codes: Sequence[Array]
    n_bins: Sequence[int]
    weights: Array | None


def count_pairs(device: Device, packed: Packed, left: slice, right: slice) -> Array:
    """Counts of every pair of a tile."""
    rows, columns = range(len(packed.codes))[left], range(len(packed.codes))[right]
    n_bins = packed.n_bins
    most = max(n_bins[i] for i in rows), max(n_bins[j] for j in columns)
    dtype = np.int64 if packed.weights is None else np.float64
    counts = device.xp.zeros((len(rows), len(columns), *most), dtype)
    for a, i in enumerate(rows):
        for b, j in enumerate(columns):
            counts[a, b, : n_bins[i], : n_bins[j]] = count.count_joint(
                device,
                (packed.codes[i], packed.codes[j]),
                (n_bins[i], n_bins[j]),
                packed.weights,
            )
    return counts


def pair_entropies(device: Device, packed: Packed, left: slice, right: slice) -> PairEntropies:
    """H = (N·log N − Σ c·log c)/N of the counts of a tile."""
    counts = count_pairs(device, packed, left, right)
    tables = (counts.reshape(*counts.shape[:2], -1), counts.sum(axis=3), counts.sum(axis=2))
    totals = tables[0].sum(axis=-1)
    whole = sums.sum_xlogx(device, totals[..., None])
    joint, of_left, of_right = (
        device.xp.where(totals > 0, (whole - sums.sum_xlogx(device, table)) / totals, np.nan)
        for table in tables
    )
    return PairEntropies(joint, of_left, of_right)
