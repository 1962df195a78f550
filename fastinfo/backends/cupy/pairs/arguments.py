"""The structs of ``pairs.cuh``, which the kernels of pairs take by value."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastinfo.backends.cupy.device import Array


class Rectangle(NamedTuple):
    """The features of a tile, first to last − 1 on the left and on the right."""

    first_left: np.int32
    last_left: np.int32
    first_right: np.int32
    last_right: np.int32
    is_of_one_pack: np.bool_


class CountsOut(NamedTuple):
    """Counts of all pairs of a tile, to be added to."""

    counts: Array
    """int64, or float64 for sums of weights; one element where no counts are wanted."""
    left_bins: np.int32
    right_bins: np.int32


class SumsOut(NamedTuple):
    """Sums of all pairs of a tile, to be written to."""

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
