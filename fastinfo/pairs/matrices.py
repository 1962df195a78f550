"""Matrices of a measure of all pairs: new ones beside the caller's data, or the caller's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo import counting
from fastinfo.backends import choose, on_device_of
from fastinfo.backends.generic import GenericKernels
from fastinfo.backends.home import home_of
from fastinfo.inputs import arguments, lazy, tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.scanning import Scan
from fastinfo.inputs.types import Kinds, Table
from fastinfo.pairs import runs
from fastinfo.pairs.measure import TileMeasure
from fastinfo.pairs.runs import Binned, Inputs, Run
from fastinfo.pairs.sinks import EachPlane, MatrixSink

Tell = Callable[[Inputs, Binned, float, Any], None]
"""A function that gets the inputs, the binned features, the unit of the matrix, and the matrix."""


class ThirdArgument(NamedTuple):
    """A third variable as the caller gave it."""

    samples: Any
    """Samples, or names of columns; None for none."""
    name: str = "given"
    """The name of the argument."""


def matrix(
    X: Table,
    Y: Table | None,
    measure: TileMeasure,
    options: Options,
    run: Run,
    *,
    kinds: Kinds | None = None,
    out: Any = None,
    tell: Tell | None = None,
    third: ThirdArgument | None = None,
) -> Any:
    """The first plane of a measure, for all pairs of X or all pairs of a feature of X and one of Y.

    Parameters
    ----------
    X, Y, kinds, out
        As for `fastinfo.pairwise_mutual_information`.
    measure : TileMeasure
        What is measured of a pair; it must be symmetric if there is no Y.
    options, run
        Options of counting and of the run.
    tell : callable, optional
        Called with the finished matrix, to warn of doubtful values.
    third : ThirdArgument, optional
        The variable by which samples are in strata.

    Returns
    -------
    array or table
        As `fastinfo.pairwise_mutual_information` returns.
    """
    planes = measure.planes[:1]
    return matrices(X, Y, measure, options, run, planes, kinds, out, tell, third)[0]


def matrices(
    X: Table,
    Y: Table | None,
    measure: TileMeasure,
    options: Options,
    run: Run,
    planes: Sequence[str],
    kinds: Kinds | None = None,
    out: Any = None,
    tell: Tell | None = None,
    third: ThirdArgument | None = None,
    *,
    pools: bool = False,
    complete: Callable[[TileMeasure, Binned], TileMeasure] | None = None,
) -> list[Any]:
    """A matrix for each of some planes of a measure; otherwise as `matrix`.

    Parameters
    ----------
    planes : sequence of str
        The planes; ``out`` is for a single one.
    tell : callable, optional
        Called with the first matrix.
    pools : bool
        Whether the measure asks for the sums over all strata together as well.
    complete : callable, optional
        Makes the measure of another one, once the features are binned.
    """
    third = third or ThirdArgument(None)
    with on_device_of(X, Y, third.samples, options.sample_weight):
        given = runs.resolve(runs.inputs(X, Y, options.bins, kinds, *third), options)
        shape = given.shape
        kernels = choose(options.backend, runs.home_of_inputs(given, options))
        found = [] if out is None else [arguments.output(out, shape)]
        goes_to = home_of(found[0] if found else X)
        # Checkpoints and marks of missing samples need the values on the host.
        passes_host = run.checkpoint is not None or options.nan_policy == "propagate"
        is_there = not goes_to.is_host and goes_to.place == kernels.home.place
        stays = is_there and not passes_host
        if not found:
            if not stays:
                one = len(planes) == 1
                counting.require_memory(
                    shape if one else (len(planes), *shape),
                    what="the matrix" if one else "an array",
                    help_="pass out=, or use top_pairs" if one else "use top_interactions",
                )
            # Every cell is written to.
            found = [(kernels.xp if stays else np).empty(shape) for _ in planes]
        there = home_of(found[0])
        target: Any = GenericKernels() if there.is_host else choose(home=there)
        binned = runs.bin_features(given, options)
        if complete is not None:
            measure = complete(measure, binned)
        sinks = [
            MatrixSink(values, given.n_left, options.unit, target, stays, plane)
            for values, plane in zip(found, planes, strict=True)
        ]
        sink = sinks[0] if len(sinks) == 1 else EachPlane(sinks)
        runs.measure_pairs(binned, sink, options, run, measure, pools=pools)
        if tell is not None:
            tell(given, binned, options.unit, found[0])
        if out is not None:
            return [out]
        # The columns of a scan come as Arrow's, and so does the matrix.
        like: Any = X.empty_table() if isinstance(X, Scan) else lazy.labelled_like(X)
        if tables.is_frame(like):
            rows, columns = given.sides[0].labels, given.sides[-1].labels
            return [tables.labelled(values, like, rows, columns) for values in found]
        return [tables.like(values, X) for values in found]
