"""The matrix of a measure of all pairs: a new one beside the caller's data, or the caller's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastinfo import counting
from fastinfo.backends import choose, on_device_of
from fastinfo.backends.generic import GenericKernels
from fastinfo.backends.home import home_of
from fastinfo.inputs import arguments, tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.scanning import Scan
from fastinfo.inputs.types import Kinds, Table
from fastinfo.pairs import runs
from fastinfo.pairs.measure import TileMeasure
from fastinfo.pairs.runs import Binned, Inputs, Run
from fastinfo.pairs.sinks import MatrixSink

Tell = Callable[[Inputs, Binned, float, Any], None]
"""A function that gets the inputs, the binned features, the unit of the matrix, and the matrix."""


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

    Returns
    -------
    array or table
        As `fastinfo.pairwise_mutual_information` returns.
    """
    with on_device_of(X, Y, options.sample_weight):
        given = runs.resolve(runs.inputs(X, Y, options.bins, kinds), options)
        shape = given.shape
        kernels = choose(options.backend, runs.home_of_inputs(given, options))
        values = None if out is None else arguments.output(out, shape)
        goes_to = home_of(X if values is None else values)
        # Checkpoints and marks of missing samples need the values on the host.
        passes_host = run.checkpoint is not None or options.nan_policy == "propagate"
        is_there = not goes_to.is_host and goes_to.place == kernels.home.place
        stays = is_there and not passes_host
        if values is None:
            if not stays:
                counting.require_memory(
                    shape, what="the matrix", help_="pass out=, or use top_pairs"
                )
            values = (kernels.xp if stays else np).empty(shape)  # every cell is written to
        there = home_of(values)
        target: Any = GenericKernels() if there.is_host else choose(home=there)
        binned = runs.bin_features(given, options)
        sink = MatrixSink(values, given.n_left, options.unit, target, stays, measure.planes[0])
        runs.measure_pairs(binned, sink, options, run, measure)
        if tell is not None:
            tell(given, binned, options.unit, values)
        if out is not None:
            return out
        # The columns of a scan come as Arrow's, and so does the matrix.
        like: Any = X.empty_table() if isinstance(X, Scan) else X
        if tables.is_frame(like):
            return tables.labelled(values, like, given.sides[0].labels, given.sides[-1].labels)
        return tables.like(values, X)
