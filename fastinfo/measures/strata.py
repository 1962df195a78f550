"""The margins of two variables: of all samples, or in each bin of a third variable.

Chance pairs the samples of two variables anew within each stratum, so that all it can do depends on
these margins alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.binning.rules import Bins, Edges
from fastinfo.counting import Counts

Array = np.ndarray[Any, Any]


class Stratum(NamedTuple):
    """The counts of the occupied bins of two variables, over the samples of one stratum."""

    left: Array
    """The number of samples in each occupied bin of the first variable, int64."""
    right: Array
    """The number of samples in each occupied bin of the second variable, int64."""

    @property
    def n_samples(self) -> int:
        """The number of samples of the stratum."""
        return int(self.left.sum())

    @property
    def degrees_of_freedom(self) -> int:
        """The number of cells that can be chosen before the margins fix the others."""
        return (self.left.size - 1) * (self.right.size - 1)


def require_strata(name: str, n_strata: int, n_samples: int, bins: Sequence[Bins]) -> None:
    """Raise where no pair of strata, or no pair of samples in a stratum, could be compared.

    ``n_strata`` is the number of strata that hold samples: integers may leave others between them
    empty. ``bins`` are those of each column of the variable.
    """
    if len(bins) == 1 and isinstance(bins[0], Edges) and len(bins[0]) > n_samples:
        raise ValueError(
            f"{name} has {len(bins[0]):,} bins for {n_samples:,} samples, and samples are compared "
            "within a bin: use fewer bins"
        )
    if n_strata == 1:
        raise ValueError(
            f"{name} is constant: all {n_samples:,} samples have one value or are in one bin; "
            "accepted are at least two values"
        )
    if n_strata == n_samples:
        raise ValueError(
            f"{name} has another value in each of {n_samples:,} samples, so that no two can be "
            "compared; accepted are fewer values than samples: numbers as floats are binned"
        )


def strata_of(counts: JointCounts) -> list[Stratum]:
    """The strata of counts of two variables, or of two given a third; none is empty."""
    if counts.n_variables == 2:
        return [Stratum(occupied(counts.marginal(0)), occupied(counts.marginal(1)))]
    xz, yz = counts._marginal_counts(0, 2), counts._marginal_counts(1, 2)
    n_axes = counts._widths[2]
    # The bins of Z with samples are the same in both tables.
    return [Stratum(x, y) for x, y in zip(by_last(xz, n_axes), by_last(yz, n_axes), strict=True)]


def occupied(margin: Array) -> Array:
    """The numbers of samples in the bins that hold any."""
    return np.asarray(margin[margin > 0])


def by_last(counts: Counts, n_axes: int) -> list[Array]:
    """The counts of occupied cells, in each occupied bin of a variable on the last axes."""
    sparse = counts.to_sparse()
    bins = np.ravel_multi_index(tuple(sparse.cells[-n_axes:]), sparse.shape[-n_axes:])
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
    return np.split(sparse.values[order], starts[1:])
