"""Samples → the counts that chance is told from, which must be numbers of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.backends import on_device_of, reducing
from fastinfo.backends.contract import Kernels
from fastinfo.inputs.options import Options
from fastinfo.measures import samples


def counted(
    variables: Sequence[Any], options: Options, what: str, names: Sequence[str] | None = None
) -> tuple[JointCounts, Kernels]:
    """The joint counts of the variables, and kernels of the host.

    Raises
    ------
    ValueError, TypeError
        As `samples.joint_counts`; also for counts that are sums of weights.
    """
    with on_device_of(*variables):
        counts, kernels = samples.joint_counts(variables, options, names)
    if counts.is_weighted:
        raise ValueError(
            f"these JointCounts are sums of weights, and {what} needs numbers of samples, since "
            "chance depends on how many there are: count the samples without sample_weight, or "
            "pass a table of integers"
        )
    return counts, reducing(kernels, 0)
