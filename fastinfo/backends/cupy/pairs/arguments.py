"""What the kernels of pairs take, by value: the structs of ``pairs.cuh``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastinfo.backends.cupy.device import Array


class Tile(NamedTuple):
    """Ranges of features on the left and on the right, of two packs or of one."""

    first_left: np.int32
    last_left: np.int32
    first_right: np.int32
    last_right: np.int32
    is_of_one_pack: np.bool_


class CountsOut(NamedTuple):
    """Counts of all pairs of a tile, as somewhere to add to."""

    counts: Array
    """int64, or float64 of weights; one element where none are wanted."""
    left_bins: np.int32
    right_bins: np.int32


class SumsOut(NamedTuple):
    """Sums of all pairs of a tile, as somewhere to write to."""

    table: Array
    joint: Array
    left: Array
    right: Array
    samples: Array


class Codes(NamedTuple):
    """Codes of features, for increments."""

    codes: Array
    stride: np.int64
    features: Array
    n_features: np.int32
    n_bins: Array


class OneHot(NamedTuple):
    """Features of one class, for one-hot counting."""

    planes: Array
    features: Array
    marginals: Array
    n_features: np.int32
    n_planes: np.int32
    rows: np.int32
    is_complete: np.bool_
