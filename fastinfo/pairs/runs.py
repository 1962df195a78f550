"""One run over all pairs of one or two tables: features, bins, kernels, plan and sink."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastinfo.accumulators.kept_pairs import KeptColumn, KeptPairs
from fastinfo.backends import choose
from fastinfo.backends.contract import Array, Home, Kernels
from fastinfo.backends.home import HOST
from fastinfo.binning.rules import sharing
from fastinfo.data.columns import Columns, typical
from fastinfo.inputs import arguments, bin_arguments, lazy, preparation
from fastinfo.inputs.options import Options
from fastinfo.inputs.preparation import Prepared
from fastinfo.inputs.scanning import Scan
from fastinfo.pairs import engine, features, plan, stored, streaming
from fastinfo.pairs.checkpoint import Checkpoint, fingerprint, require_directory
from fastinfo.pairs.engine import Sink
from fastinfo.pairs.features import Features
from fastinfo.pairs.job import Job, team
from fastinfo.pairs.measure import TileMeasure
from fastinfo.pairs.packs import Strata
from fastinfo.pairs.plan import Plan
from fastinfo.pairs.ranking import Judge
from fastinfo.pairs.sides import (
    TableColumns,
    bins_of,
    choices_of,
    features_of,
    is_prepared,
    side_of,
)
from fastinfo.pairs.sinks import PropagatingSink
from fastinfo.pairs.stored import StoredFeatures, StoredJudge
from fastinfo.pairs.third import (
    Found,
    Third,
    choices_with,
    names_of,
    of_samples,
    require_strata_of,
    require_term,
    strata,
    taken_from,
)
from fastinfo.system.limits import free_memory
from fastinfo.system.progress import Progress, require, shown

HostArray = np.ndarray[Any, Any]


class Inputs(NamedTuple):
    """The features of X and, if there is a Y, those of Y."""

    sides: list[TableColumns]
    bins: Any
    """Bins for all other features, as the caller gave them."""
    is_named: bool
    """Whether X has named columns and was prepared."""
    third: Third | None = None
    """The variable that pairs are measured given, or that they are to tell about."""
    rules: Sequence[Any] = ()
    """One rule of binning for each table, or a list of one for each feature; set by `resolve`."""
    weights: Any = None
    """The weights of the samples that are kept; set by `resolve`."""

    @property
    def groups(self) -> list[Columns]:
        """The features of each table."""
        return [side.columns for side in self.sides]

    @property
    def every_group(self) -> list[Columns]:
        """The features of each table, and the columns of the third variable."""
        return self.groups if self.third is None else [*self.groups, self.third.columns]

    @property
    def n_left(self) -> int | None:
        """The number of features of X; None if there is no Y."""
        return None if len(self.sides) == 1 else len(self.sides[0].columns)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the matrix of all pairs."""
        return len(self.sides[0].columns), len(self.sides[-1].columns)

    def label(self, feature: int) -> Any:
        """The name of a feature by its position; positions of Y follow those of X."""
        n_left = len(self.sides[0].columns)
        return (
            self.sides[0].labels[feature]
            if feature < n_left
            else self.sides[1].labels[feature - n_left]
        )


def inputs(X: Any, Y: Any, bins: Any, kinds: Any, third: Any = None, name: str = "given") -> Inputs:
    """The features of X and Y; tables with named columns are prepared, others taken as they are.

    ``third`` is a third variable, which came as the argument ``name``: names of columns of X, which
    are no features then, or samples.

    Raises
    ------
    ValueError, TypeError
        If no column has a name that is given, if kinds or bins are given by name and no table has
        names, or if no column of a table is left.
    """
    X, Y, third, names = scans_of(("X", X), ("Y", Y), third, name)
    if isinstance(X, KeptPairs):
        return _of_counts(X, Y, kinds, third, name)
    given = [X] if Y is None else [X, Y]
    choices = choices_of([*given, *([] if third is None or names else [third])], bins, kinds)
    own_bins = bins_of(len(given), bins)
    if third is not None:
        choices = choices_with(choices, third, names, own_bins)
    is_named = is_prepared(X)
    prepared, sides, variable = [], [], None
    for table, side_name in zip(given, ("X", "Y"), strict=False):
        side: Any = features_of(table, side_name, choices, is_named and side_name == "Y", bins)
        prepared += [side] if isinstance(side, Prepared) and side is not table else []
        if names and table is X:
            assert isinstance(side, Prepared)  # or it has no names
            variable, side = taken_from(side, names, name)
        sides.append(side)
    if third is not None and not names:
        variable, alone = of_samples(third, name, choices if is_named else None, own_bins)
        prepared += alone
    preparation.warn(prepared)
    return Inputs(
        [side_of(side) if isinstance(side, Prepared) else side for side in sides],
        None if isinstance(bins, Mapping) else bins,
        is_named,
        variable,
    )


def scans_of(
    one: tuple[str, Any], other: tuple[str, Any], third: Any, name: str
) -> tuple[Any, Any, Any, list[Any] | None]:
    """Two tables, or a table and a target, with their names, and a third variable.

    Scans stand for Dask collections. The last result are the columns of the first table that the
    third variable names; None where it holds samples.

    Raises
    ------
    ValueError
        For samples in memory beside a scan; as `third.names_of`.
    """
    X, Y = lazy.scans(one, other)
    if third is None or isinstance(X, KeptPairs):
        return X, Y, third, None
    names = names_of(third, X, name)
    if names is not None:
        return X, Y, third, names
    # Samples, which may be a Dask collection or come along with one.
    X, Y, third = lazy.scans(one, other, (name, third))
    if isinstance(X, Scan) != isinstance(third, Scan):
        raise ValueError(
            f"{name}: samples in memory and a scan came together; name columns of the scan, "
            f"such as {name}={X.columns[0]!r}"
            if isinstance(X, Scan)
            else f"{name} is a scan beside a table in memory; pass samples, or names of its columns"
        )
    return X, Y, third, None


def _of_counts(counts: KeptPairs, Y: Any, kinds: Any, third: Any, name: str) -> Inputs:
    for what, given in (("Y", Y), ("kinds", kinds)):
        if given is not None:
            raise ValueError(f"{what} is for samples, and the pairs of PairCounts are counted")
    variable = None
    if third is not None:
        counts.require_given(third, name)
        variable = Third(name, [], {})
    columns, labels = counts.columns(), counts.names
    cuts = [slice(None)] if counts.target is None else [slice(1), slice(1, None)]
    sides = [TableColumns(columns[cut], labels[cut], {}) for cut in cuts]
    return Inputs(sides, None, counts.is_named, variable)


class Run:
    """Options of a run over all pairs that do not affect its result."""

    def __init__(
        self, progress: Progress, memory_limit: Any, checkpoint: str | os.PathLike[str] | None
    ) -> None:
        require(progress)
        self.progress = progress
        self.is_limited = memory_limit is not None
        """Whether the caller gave a memory limit."""
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
        """The most cells of the counts of a tile, if each thread holds one."""
        return min(plan.TILE_CELLS, max(self.memory_limit // (n_jobs * plan.BYTES_PER_CELL), 1))


class Binned(NamedTuple):
    """Binned features, with the kernels, weights and estimator that measure them."""

    features: Features
    kernels: Kernels
    weights: Array | None
    home: Home
    """The home of the features, or the home that the caller's backend wants."""
    n_samples: int
    n_left: int | None
    estimator: str
    third: Found | None = None
    """The strata that a third variable makes of the samples."""

    def judge(self, unit: float, average: str | None = None) -> Judge:
        """A judge of values of pairs, in this unit or as a share of an average of entropies."""
        if isinstance(self.features, StoredFeatures):
            return StoredJudge(self.features, self.kernels, self.estimator, unit, average)
        return Judge(
            self.features, self.kernels, self.weights, self.estimator, unit, average, self.strata
        )

    @property
    def strata(self) -> Strata | None:
        """The strata of the samples; None without a third variable."""
        return None if self.third is None else self.third.strata

    @property
    def is_unknown(self) -> HostArray:
        """Whether a feature, or the third variable, has a missing sample, for each feature."""
        if isinstance(self.features, StoredFeatures):
            return self.features.is_unknown
        lacks_third = self.third is not None and self.third.has_missing
        return np.asarray(self.features.has_missing | lacks_third)


def home_of_inputs(given: Inputs, options: Options) -> Home:
    """The home of the features, or the home that the caller's backend wants."""
    columns = [column for group in given.every_group for column in typical(group)]
    return arguments.home_of_columns(columns, given.weights, options.backend)


def resolve(given: Inputs, options: Options) -> Inputs:
    """Check that lengths, weights and bins fit, before any work, and choose the rules of binning.

    Samples of weight 0 are left out.
    """
    if given.third is not None:
        require_term(options.estimator)
    if streaming.is_streamed(given.groups):
        _, rules = _rules(given)
        if given.third is None:
            return given._replace(rules=rules)
        of_streams = given.third._replace(rules=rules[-1])
        return given._replace(rules=rules[:-1], third=of_streams)
    if isinstance(given.groups[0][0], KeptColumn):
        options.refuse_for_counts("PairCounts")
        return given
    columns = [column for group in given.every_group for column in typical(group)]
    n_samples = arguments.same_length(columns)
    weights = arguments.weights(options.sample_weight, n_samples)
    groups, rules = _rules(given)
    groups, weights = arguments.with_weight(groups, weights)
    third = given.third
    if third is not None:
        *groups, own = groups
        *rules, own_rules = rules
        third = third._replace(columns=own, rules=own_rules)
    sides = [side._replace(columns=group) for side, group in zip(given.sides, groups, strict=True)]
    return given._replace(sides=sides, third=third, rules=rules, weights=weights)


def bin_features(given: Inputs, options: Options) -> Binned:
    """Bin the features of one or two tables and the third variable, after `resolve`."""
    first = given.groups[0][0]
    if isinstance(first, KeptColumn):
        kept: Any = StoredFeatures(
            *first.kept.features(given.third is not None), first.kept.nan_policy
        )
        if given.third is not None:
            counted, bins = kept.tables, first.kept.bins_of_given()
            sizes = [part.n_rows for part in counted.strata]
            require_strata_of(given.third.name, len(sizes), sum(sizes), counted.n_rows, bins)
        n_rows, kernels = first.kept.n_rows, choose(options.backend)
        return Binned(kept, kernels, None, HOST, n_rows, given.n_left, options.estimator)
    if streaming.is_streamed(given.groups):
        streamed: Any = streaming.bin_features(given.groups, given.rules, options, given.third)
        n_rows = streamed.columns[0].facts.n_rows
        kernels = choose(options.backend)
        return Binned(streamed, kernels, None, HOST, n_rows, given.n_left, options.estimator)
    n_samples = arguments.same_length([c for group in given.groups for c in typical(group)])
    home = home_of_inputs(given, options)
    kernels = choose(options.backend, home)
    weights = None if given.weights is None else kernels.bring(given.weights)
    refuse = options.nan_policy == "raise"
    third = None if given.third is None else strata(given.third, kernels, options, weights)
    binned = features.encode(given.groups, given.rules, kernels, options.n_jobs, refuse, weights)
    return Binned(binned, kernels, weights, home, n_samples, given.n_left, options.estimator, third)


def _rules(given: Inputs) -> tuple[Sequence[Columns], list[Any]]:
    """Columns of each table and of the third variable, and their rules.

    A table has one rule, or a list of one for each column if bins are given by name. The third
    variable always has such a list.
    """
    groups, rules = bin_arguments.bin_rules(given.bins, given.every_group)
    found: list[Any] = list(rules)
    by_name = [side.bins for side in given.sides]
    if given.third is not None:
        by_name.append(given.third.bins)
    for number, own_bins in enumerate(by_name):
        if not own_bins:
            continue
        columns, own = list(groups[number]), [rules[number]] * len(groups[number])
        for position, specification in own_bins.items():
            ((group,), (rule,)) = bin_arguments.bin_rules(specification, [[columns[position]]])
            columns[position], own[position] = group[0], rule
        groups[number], found[number] = columns, own
    if given.third is None:
        return groups, found
    # The tables of pairs have three or more variables, and default bins are fewer then.
    n_variables = 2 + len(given.third.columns)
    if not isinstance(found[-1], list):
        found[-1] = [found[-1]] * len(given.third.columns)
    shared = [
        [sharing(rule, n_variables) for rule in own]
        if isinstance(own, list)
        else sharing(own, n_variables)
        for own in found
    ]
    return groups, shared


def measure_pairs(
    binned: Binned,
    sink: Sink,
    options: Options,
    settings: Run,
    measure: TileMeasure,
    *,
    pools: bool = False,
) -> None:
    """Measure every pair of binned features.

    ``pools`` says that the measure asks for the sums over all strata together as well.
    """
    if isinstance(binned.features, streaming.StreamedFeatures):
        if settings.checkpoint is not None:
            raise ValueError("checkpoint: pass it to fastinfo.scan, which keeps what was counted")
        limit = settings.memory_limit
        if not settings.is_limited:  # the free memory has changed since a run was begun
            limit = streaming.limit_begun_with(binned.features) or limit
        streaming.measure_pairs(binned.features, sink, options, limit, measure, pools)
        return
    if isinstance(binned.features, StoredFeatures):
        if binned.features.nan_policy == "propagate":
            sink = PropagatingSink(sink, binned.is_unknown)
        stored.measure(binned.features, measure, binned.kernels, sink, options.n_jobs)
        return
    kernels, weights, n_left = binned.kernels, binned.weights, binned.n_left
    # Counts must fit the memory, if the measure needs them; kernels that sum keep none.
    tile_cells = settings.tile_cells(options.n_jobs) if measure.term is None else None
    if options.nan_policy == "propagate":
        sink = PropagatingSink(sink, binned.is_unknown)
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
                n_tables=1 if binned.strata is None else binned.strata.n_strata + pools,
            ),
            measure,
            kernels,
            weights,
            memory_limit=settings.memory_limit,
            stays=sink.stays,
            strata=binned.strata,
            pools=pools,
        )
        # Samples on a device, and values that stay on one, are measured by that device alone.
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
    """All that the values of tiles and their positions in the plan depend on."""
    to_host, weights = binned.kernels.to_host, binned.weights
    codes = [row for block in binned.features.blocks for row in to_host(block)]
    n_bins = binned.features.n_bins.tolist()
    classes = [plan.size_class(bins) for bins in n_bins]  # the plan orders features by them
    third = {} if binned.strata is None else {"strata": fingerprint(binned.strata)}
    return {
        **measure.description,
        "backend": binned.kernels.name,  # sums of backends differ by rounding
        "features": len(n_bins),
        "features of X": "all" if binned.n_left is None else binned.n_left,
        "binned samples": fingerprint([*codes, n_bins, classes]),
        "weights": fingerprint([None if weights is None else to_host(weights)]),
        **third,
    }
