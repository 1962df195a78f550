"""One run over all pairs of one or two tables: their features, bins and kernels, plan and sink."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends import choose
from fastinfo.backends.contract import Array, Home, Kernels
from fastinfo.data.columns import Columns, typical
from fastinfo.inputs import arguments, bin_arguments, preparation, tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.preparation import Choices, Prepared
from fastinfo.pairs import engine, features, plan
from fastinfo.pairs.checkpoint import Checkpoint, fingerprint, require_directory
from fastinfo.pairs.engine import Sink
from fastinfo.pairs.features import Features
from fastinfo.pairs.job import Job, team
from fastinfo.pairs.measure import TileMeasure
from fastinfo.pairs.plan import Plan
from fastinfo.pairs.ranking import Judge
from fastinfo.pairs.sinks import PropagatingSink
from fastinfo.system.limits import free_memory
from fastinfo.system.progress import Progress, require, shown


class TableColumns(NamedTuple):
    """The features of one table."""

    columns: Columns
    labels: Sequence[Any]
    """Names of the features, or their positions where the table has none."""
    bins: Mapping[int, Any]
    """Bins of single features, by position."""


class Inputs(NamedTuple):
    """The features of X, and of Y where there is one."""

    sides: list[TableColumns]
    bins: Any
    """Bins of all other features, as the caller gave them."""
    is_named: bool
    """Whether X came with names, and was prepared."""
    rules: Sequence[Any] = ()
    """How to bin the features of each table, or each feature of one, once that is settled."""
    weights: Any = None
    """Of the samples that are left, once that is settled."""

    @property
    def groups(self) -> list[Columns]:
        """The features of each table."""
        return [side.columns for side in self.sides]

    @property
    def n_left(self) -> int | None:
        """How many features X has, where Y follows them."""
        return None if len(self.sides) == 1 else len(self.sides[0].columns)

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix of all pairs."""
        return len(self.sides[0].columns), len(self.sides[-1].columns)

    def label(self, feature: int) -> Any:
        """The name of a feature, of all tables one after the other."""
        n_left = len(self.sides[0].columns)
        return (
            self.sides[0].labels[feature]
            if feature < n_left
            else self.sides[1].labels[feature - n_left]
        )


def inputs(X: Any, Y: Any, bins: Any, kinds: Any) -> Inputs:
    """Prepare what has named columns, and take everything else as it is.

    Raises
    ------
    ValueError, TypeError
        For names that no column has, for kinds and bins by name where no table has names, and for
        a table of which no column is left.
    """
    came = [X] if Y is None else [X, Y]
    choices = choices_of(came, bins, kinds)
    is_named = is_prepared(X)
    prepared, sides = [], []
    for table, name in zip(came, ("X", "Y"), strict=False):
        side = _side(table, name, choices, is_named and name == "Y")
        sides.append(side)
        prepared += [side] if isinstance(side, Prepared) and side is not table else []
    preparation.warn(prepared)
    return Inputs(
        [side_of(side) if isinstance(side, Prepared) else side for side in sides],
        None if isinstance(bins, Mapping) else bins,
        is_named,
    )


def side_of(prepared: Prepared) -> TableColumns:
    """The features of a table that has been prepared."""
    return TableColumns(prepared.columns, prepared.labels, prepared.bins)


def is_prepared(table: Any) -> bool:
    """Whether the columns of a table have names, and are prepared."""
    return isinstance(table, Prepared) or tables.is_table(table)


def choices_of(came: Sequence[Any], bins: Any, kinds: Any) -> Choices:
    """What the caller decides about columns by name, once every name is known."""
    for what, by_name in (("kinds", kinds), ("bins", bins if isinstance(bins, Mapping) else None)):
        if by_name is None:
            continue
        if what == "kinds":
            preparation.require_kinds(by_name)
        named = [table for table in came if tables.is_table(table)]
        if not named:
            raise ValueError(
                f"{what} names columns, and no table that is prepared came: DataFrames, Arrow "
                "tables and dicts of columns are; arrays and AnnData are taken as they are"
            )
        labels = [label for table in named for label in tables.labels(table)]
        preparation.require_names(by_name, labels, what)
    return Choices(kinds, bins if isinstance(bins, Mapping) else None)


def _side(
    table: Any, name: str, choices: Choices, is_beside_names: bool
) -> TableColumns | Prepared:
    if isinstance(table, Prepared):
        return table
    if tables.is_table(table):
        prepared = preparation.prepare(table, name, choices)
        if not prepared.columns:
            told = "".join(f"; {note}" for note in prepared.notes)
            raise ValueError(f"{name} has no column that can be measured{told}")
        return prepared
    if name == "Y" and is_one_variable(table):
        return one_feature(table, "y", choices if is_beside_names else None)
    columns = arguments.features(table, name)
    return TableColumns(columns, tables.labels(table), {})


def is_one_variable(samples: Any) -> bool:
    """Whether samples are those of one variable, ``(n,)``."""
    if tables.is_table(samples):
        return False
    if tables.is_series(samples):
        return True
    return bool(getattr(samples, "ndim", None) == 1 or np.ndim(samples) == 1)


def one_feature(samples: Any, name: str, choices: Choices | None) -> TableColumns:
    """One variable as a feature; prepared, where there are choices, as its table is."""
    label = getattr(samples, "name", None) if tables.is_series(samples) else None
    if choices is None:
        column = arguments.variable(samples, name)[0]
    else:
        (column,) = preparation.prepare_one(samples, name, choices).columns
    return TableColumns([column], [0 if label is None else label], {})


class Run:
    """How a run over all pairs goes on, which has no influence on its result."""

    def __init__(
        self, progress: Progress, memory_limit: Any, checkpoint: str | os.PathLike[str] | None
    ) -> None:
        require(progress)
        self.progress = progress
        self.memory_limit = (
            free_memory() // 4
            if memory_limit is None
            else arguments.positive_integer(memory_limit, "memory_limit")
        )
        self.checkpoint = None
        if checkpoint is not None:
            self.checkpoint = arguments.path(checkpoint, "checkpoint")
            require_directory(self.checkpoint)

    def tile_cells(self, n_jobs: int) -> int:
        """Cells that the counts of a tile of each thread may have."""
        return min(plan.TILE_CELLS, max(self.memory_limit // (n_jobs * plan.BYTES_PER_CELL), 1))


class Binned(NamedTuple):
    """Features as codes, and what they are measured with."""

    features: Features
    kernels: Kernels
    weights: Array | None
    home: Home
    """Where the features are, or where the caller wants them."""
    n_samples: int
    n_left: int | None
    estimator: str

    def judge(self, unit: float, average: str | None = None) -> Judge:
        """Who says what the value of a pair is worth, in this unit or as a share."""
        return Judge(self.features, self.kernels, self.weights, self.estimator, unit, average)


def home_of_inputs(given: Inputs, options: Options) -> Home:
    """Where the features are, or where the caller wants them."""
    columns = [column for group in given.groups for column in typical(group)]
    return arguments.home_of_columns(columns, given.weights, options.backend)


def resolve(given: Inputs, options: Options) -> Inputs:
    """See to it, before any work, that lengths, weights and bins fit, and choose rules of binning.

    Samples without weight are left out.
    """
    columns = [column for group in given.groups for column in typical(group)]
    n_samples = arguments.same_length(columns)
    weights = arguments.weights(options.sample_weight, n_samples)
    groups, rules = _rules(given)
    groups, weights = arguments.with_weight(groups, weights)
    sides = [side._replace(columns=group) for side, group in zip(given.sides, groups, strict=True)]
    return given._replace(sides=sides, rules=rules, weights=weights)


def bin_features(given: Inputs, options: Options) -> Binned:
    """Bin the features of one or two tables, which are settled."""
    n_samples = arguments.same_length([c for group in given.groups for c in typical(group)])
    home = home_of_inputs(given, options)
    kernels = choose(options.backend, home)
    weights = None if given.weights is None else kernels.bring(given.weights)
    refuse = options.nan_policy == "raise"
    binned = features.encode(given.groups, given.rules, kernels, options.n_jobs, refuse, weights)
    return Binned(binned, kernels, weights, home, n_samples, given.n_left, options.estimator)


def _rules(given: Inputs) -> tuple[Sequence[Columns], list[Any]]:
    """Columns, and one rule for each table, or for each column of one with bins by name."""
    groups, rules = bin_arguments.bin_rules(given.bins, given.groups)
    found: list[Any] = list(rules)
    for number, side in enumerate(given.sides):
        if not side.bins:
            continue
        columns, own = list(groups[number]), [rules[number]] * len(groups[number])
        for position, specification in side.bins.items():
            ((group,), (rule,)) = bin_arguments.bin_rules(specification, [[columns[position]]])
            columns[position], own[position] = group[0], rule
        groups[number], found[number] = columns, own
    return groups, found


def measure_pairs(
    binned: Binned, sink: Sink, options: Options, settings: Run, measure: TileMeasure
) -> None:
    """Measure every pair of binned features."""
    kernels, weights, n_left = binned.kernels, binned.weights, binned.n_left
    # Kernels that sum keep no counts; where a measure looks at them, they have to fit.
    tile_cells = settings.tile_cells(options.n_jobs) if measure.term is None else None
    if options.nan_policy == "propagate":
        sink = PropagatingSink(sink, binned.features.has_missing)
    with (
        shown(settings.progress) as report,
        _finished_tiles(
            settings.checkpoint, partial(_description, binned, measure), tile_cells, measure.planes
        ) as finished,
    ):
        job = Job(
            binned.features,
            Plan(
                binned.features.n_bins,
                n_left,
                binned.n_samples,
                finished.tile_cells if finished else tile_cells,
                kernels.tile_shape,
                is_weighted=weights is not None,
            ),
            measure,
            kernels,
            weights,
            memory_limit=settings.memory_limit,
            stays=sink.stays,
        )
        # What is on a device already is measured there, and what stays on one has to be.
        is_shared = binned.home.is_host and not job.stays
        jobs = team(job, kernels.other_devices()) if is_shared else [job]
        engine.run(jobs, sink, options.n_jobs, report, finished)


@contextmanager
def _finished_tiles(
    directory: Path | None,
    description: Callable[[], dict[str, str | int]],
    tile_cells: int | None,
    planes: Sequence[str],
) -> Iterator[Checkpoint | None]:
    if directory is None:
        yield None
        return
    checkpoint = Checkpoint(directory, description(), tile_cells, planes)
    try:
        yield checkpoint
    finally:
        checkpoint.close()


def _description(binned: Binned, measure: TileMeasure) -> dict[str, str | int]:
    """What the values of the tiles depend on, and where in the plan they are."""
    to_host, weights = binned.kernels.to_host, binned.weights
    codes = [row for block in binned.features.blocks for row in to_host(block)]
    n_bins = binned.features.n_bins.tolist()
    classes = [plan.size_class(bins) for bins in n_bins]  # they order the plan
    return {
        "measure": measure.name,
        "estimator": binned.estimator,
        "backend": binned.kernels.name,  # whose sums agree to rounding only
        "features": len(n_bins),
        "features of X": "all" if binned.n_left is None else binned.n_left,
        "binned samples": fingerprint([*codes, n_bins, classes]),
        "weights": fingerprint([None if weights is None else to_host(weights)]),
    }
