"""All pairs of the columns of a scan: the plan of its passes, and the counts of each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastinfo.accumulators import counted_parts, pair_tables_file
from fastinfo.accumulators.pair_layout import Layout, Tile
from fastinfo.accumulators.pair_tables import WIDE
from fastinfo.accumulators.rows_by_block import ROWS_AT_ONCE
from fastinfo.accumulators.strata_tables import AnyTables, each_part, empty_tables
from fastinfo.backends import choose, threads
from fastinfo.backends.contract import Kernels
from fastinfo.binning.rules import Edges, Given
from fastinfo.data.columns import Columns
from fastinfo.inputs.options import Options
from fastinfo.inputs.scanning.coders import Coder, coder_of
from fastinfo.inputs.scanning.looking import parts_of
from fastinfo.inputs.scanning.scans import Scan
from fastinfo.inputs.scanning.sources import Files, Position
from fastinfo.inputs.scanning.survey import StreamedColumn
from fastinfo.pairs import passes, stored
from fastinfo.pairs.checkpoint import fingerprint
from fastinfo.pairs.engine import Sink
from fastinfo.pairs.measure import TileMeasure
from fastinfo.pairs.ranking import widest_pairs
from fastinfo.pairs.recount import recount
from fastinfo.pairs.sinks import PropagatingSink, RankedSink, TopSink
from fastinfo.pairs.stored import StoredFeatures, StoredJudge
from fastinfo.pairs.tested import TestedSink
from fastinfo.pairs.third import Third, require_strata_of
from fastinfo.system import allocator
from fastinfo.system.files import written_whole

HostArray = np.ndarray[Any, Any]

SHOWN = 8
"""The most passes of a plan whose columns are told."""

MARGINS = 0, 0
"""The turn of the pass that counts each column by itself."""

STRATA = 0, 1
"""The turn of the pass that finds out which combinations of values of a third variable occur."""

NAMED_TURNS = {
    MARGINS: ("counting each column", "margins"),
    STRATA: ("counting the strata", "strata"),
}
"""What these passes are called in reports, and their files in a checkpoint."""

LIMIT = "memory_limit"
"""The file of a checkpoint that holds the memory limit of a run of several passes."""

SECONDS_BETWEEN_SAVES = 10.0
"""The least time between two checkpoints of counts."""


class StreamedThird(NamedTuple):
    """The columns of a scan by which samples are in strata."""

    name: str
    """The name of the argument."""
    columns: list[StreamedColumn]
    rules: Sequence[Any]
    coders: list[Coder]

    @property
    def n_bins(self) -> list[int]:
        """The number of bins of each column."""
        return [len(coder.bins) for coder in self.coders]


@dataclass(eq=False)
class StreamedFeatures(StoredFeatures):
    """Features of a scan, whose tables are filled pass by pass."""

    scan: Scan
    columns: list[StreamedColumn]
    rules: list[Any]
    coders: list[Coder]

    options: Options
    third: StreamedThird | None

    @property
    def n_samples(self) -> int:
        """The number of samples, missing ones included, before any is counted too."""
        return self.columns[0].facts.n_rows

    @property
    def of_third(self) -> tuple[list[StreamedColumn], list[Coder]]:
        """The columns of a third variable and their coders; none without one."""
        return ([], []) if self.third is None else (self.third.columns, self.third.coders)

    def margins(self, position: int, kernels: Kernels) -> list[HostArray]:
        """The number of samples in each bin of a feature; the first call counts those of all."""
        if self.tables.n_rows == 0:
            n_bins = None if self.third is None else self.third.n_bins
            tables = empty_tables(self.layout, n_bins, [], np.arange(len(self)))
            _fill(tables, self, kernels, threads(kernels, self.options.n_jobs), MARGINS)
            self.tables = tables
        return super().margins(position, kernels)


def is_streamed(groups: Sequence[Columns]) -> bool:
    """Whether columns are those of a scan."""
    return any(len(g) and isinstance(g[0], StreamedColumn) for g in groups)


def bin_features(
    groups: Sequence[Columns], rules: Sequence[Any], options: Options, third: Third | None = None
) -> StreamedFeatures:
    """The bins of the columns of a scan, and of a third variable; nothing is counted yet.

    Raises
    ------
    ValueError
        With ``nan_policy="raise"`` for a column with missing samples; for weights; for rules that
        need all samples at once; for strata that would tell nothing, as far as it is known.
    """
    columns: list[Any] = [column for group in groups for column in group]
    of_third: list[Any] = [] if third is None else list(third.columns)
    every = [*of_third, *columns]  # the third variable is looked at first, as in memory
    if not all(isinstance(column, StreamedColumn) for column in every):
        raise ValueError("a scan and a table in memory came together: pass columns of one scan")
    first = columns[0].scan
    for column in every:
        if column.scan.source is not first.source and column.scan.identity != first.identity:
            raise ValueError("X and Y are scans of different sources: scan both columns together")
    if options.sample_weight is not None:
        raise ValueError("sample_weight: a scan counts rows, and takes no weights")
    own = [
        rule
        for group, given in zip(groups, rules, strict=True)
        for rule in (given if isinstance(given, list) else [given] * len(group))
    ]
    if options.nan_policy == "raise":
        for column in every:
            _refuse_missing(column.name, column.facts.n_rows, column.facts.n_missing)
    coders = [coder_of(column, rule) for column, rule in zip(columns, own, strict=True)]
    strata, n_tables, n_strata = None, 1, None
    if third is not None:
        strata = _third_of(third)
        n_strata = strata.n_bins
        # Those that lack the third variable are counted by themselves.
        may_lack = any(map(_may_lack, of_third, strata.rules))
        n_tables = min(prod(n_strata), max(of_third[0].facts.n_rows, 1)) + may_lack
    n_bins = np.array([len(coder.bins) for coder in coders], np.int64)
    layout = Layout(n_bins.tolist(), None if len(groups) == 1 else len(groups[0]), n_tables)
    has_edges = np.array([isinstance(coder.bins, Edges) for coder in coders], np.bool_)
    nothing: AnyTables = empty_tables(layout, n_strata, [])
    scan = columns[0].scan
    counted = layout, n_bins, has_edges, nothing, options.nan_policy
    return StreamedFeatures(*counted, scan, columns, own, coders, options, strata)


def _may_lack(column: StreamedColumn, rule: Any) -> bool:
    facts = column.facts
    return bool(facts.n_missing or facts.may_have_nan or isinstance(rule, Given))


def _third_of(third: Third) -> StreamedThird:
    """The bins of a third variable, refused where its facts tell that strata would tell nothing."""
    columns: list[Any] = list(third.columns)
    coders = [coder_of(column, rule) for column, rule in zip(columns, third.rules, strict=True)]
    found = StreamedThird(third.name, columns, third.rules, coders)
    facts = columns[0].facts
    if len(columns) > 1 or facts.is_of_footer or facts.may_have_nan:
        return found  # it will be known when all samples are counted
    bins = coders[0].bins
    n_strata = facts.n_distinct(np.inf)
    if isinstance(bins, Edges):
        n_strata = 1 if len(bins) == 1 else 0  # not known
    require_strata_of(third.name, n_strata, facts.n_present(), facts.n_rows, [bins])
    return found


def _refuse_missing(name: str, n_rows: int, n_missing: int) -> None:
    if n_missing:
        raise ValueError(
            f"{name} has {n_missing} missing values among {n_rows}: leave such samples out with "
            'nan_policy="omit", or ask for NaN with nan_policy="propagate"'
        )


def measure_pairs(
    features: StreamedFeatures,
    sink: Sink,
    options: Options,
    memory_limit: int,
    measure: TileMeasure,
    pools: bool = False,
) -> None:
    """Count all pairs in as many passes as the memory demands, and measure them.

    ``pools`` is as for `runs.measure_pairs`.
    """
    kernels = choose(options.backend)
    n_jobs = threads(kernels, options.n_jobs)
    layout = features.layout
    _settle_strata(features, memory_limit, kernels, n_jobs)
    n_rows = features.columns[0].facts.n_rows
    of_pairs = memory_limit
    if features.third is not None:
        # Each stratum counts all features by themselves in every pass, beside the pairs.
        largest = max((layout.n_bytes(tile, n_rows) for tile in layout.tiles), default=0)
        of_pairs = max(memory_limit - layout.n_bytes_alone, min(memory_limit, largest))
    source, at_once = features.scan.source, None
    if isinstance(source, Files) and source.is_plain:
        at_once = max(source.most_rows, min(ROWS_AT_ONCE, n_rows))
    plan = layout.passes(of_pairs, n_rows, at_once)
    if len(plan) > 1:
        if features.scan.checkpoint is not None:
            _require_same_limit(features.scan.checkpoint / LIMIT, memory_limit)
        features.scan.tell(_plan(features, plan, of_pairs))
    for number, tiles in enumerate(plan or [[]], start=1):
        # The counts of the pass before go first, so that those of one pass are held at a time.
        features.tables = features.tables.of_tiles([])
        tables = features.tables = features.tables.of_tiles(tiles if len(plan) > 1 else None)
        if len(plan) > 1:
            allocator.give_back()  # what the pass before took
        _fill(tables, features, kernels, n_jobs, (number, max(len(plan), 1)))
        if len(plan) > 1:
            allocator.give_back()
        if options.nan_policy == "raise":
            for feature in layout.order[tables.members].tolist():
                n_missing = tables.n_missing(feature)
                _refuse_missing(features.columns[feature].name, tables.n_rows, n_missing)
            if features.third is not None:
                names = " or ".join(column.name for column in features.third.columns)
                _refuse_missing(names, tables.n_rows, tables.n_outside)
        is_last = number >= len(plan)
        to = sink
        if options.nan_policy == "propagate":
            to = PropagatingSink(sink, features.is_unknown)
        stored.measure(features, measure, kernels, to, n_jobs, diagonal=is_last)
        if not is_last:
            _look(
                features, sink, StoredJudge(features, kernels, options.estimator, 1.0, None), pools
            )


def _settle_strata(
    features: StreamedFeatures, memory_limit: int, kernels: Kernels, n_jobs: int
) -> None:
    """Find out how many tables a pair has, where all combinations of values would be too many."""
    layout, third, counted = features.layout, features.third, features.tables
    if third is None:
        return
    n_rows = features.columns[0].facts.n_rows
    needed = sum(layout.n_bytes(tile, n_rows) for tile in layout.tiles)
    if counted.n_rows == 0 and len(third.columns) > 1 and needed > memory_limit:
        # One feature is read beside the columns of the third variable.
        counted = empty_tables(layout, third.n_bins, [], np.arange(1))
        _fill(counted, features, kernels, n_jobs, STRATA)
    if counted.n_rows:
        layout.n_tables = len(each_part(counted))


def _look(features: StreamedFeatures, sink: Sink, judge: StoredJudge, pools: bool) -> None:
    """Look at all pairs that may be asked about later, by tables that the next pass replaces."""
    if isinstance(sink, (RankedSink, TestedSink)):
        sink.rank_waiting()
    n_left = features.layout.n_left or 0
    pairs = set(widest_pairs(judge, n_left))
    if n_left == 1:  # scores
        pairs.update((0, other) for other in range(1, len(features)))
    if isinstance(sink, TopSink):
        pairs.update((left, right + n_left) for _, _, left, right in sink.ranked())
    for pair in sorted(pairs - features.recounts.keys()):
        try:
            judge.margins(*pair)
            if pools:
                features.recounts[pair] = recount(judge, *pair)
        except KeyError:  # of another pass
            continue


def _plan(features: StreamedFeatures, passes: Sequence[Sequence[Tile]], memory_limit: int) -> str:
    """What is told of several passes before they begin."""
    layout, n_rows = features.layout, features.columns[0].facts.n_rows
    needed = sum(layout.n_bytes(tile, n_rows) for tiles in passes for tile in tiles)
    each = [len(layout.features(tiles)) for tiles in passes]
    columns = ", ".join(map(str, each[:SHOWN])) + (" …" if len(each) > SHOWN else "")
    return (
        f"the counts of all pairs take {needed / 2**20:,.0f} MiB, and the memory limit is "
        f"{memory_limit / 2**20:,.0f} MiB: {len(passes)} passes, which read {columns} columns"
    )


def _fill(
    tables: AnyTables,
    features: StreamedFeatures,
    kernels: Kernels,
    n_jobs: int,
    turn: tuple[int, int],
) -> None:
    """One pass over the scan, the first of ``turn`` of the second, for the pairs of some tiles."""
    named = NAMED_TURNS.get(turn)
    what = "counting, pass {} of {}".format(*turn) if named is None else named[0]
    scan, layout, (third, of_third) = features.scan, features.layout, features.of_third
    # A third variable's columns are read as if they were features, after all others.
    columns, coders = [*features.columns, *third], [*features.coders, *of_third]
    parts = parts_of(scan.source)
    if parts is not None:
        labels, n_rows = [one.label for one in columns], features.n_samples
        counted_parts.fill(tables, parts, labels, coders, n_rows, features.options.backend)
        _require_same_rows(tables, features)
        return
    members = layout.order[tables.members].tolist()
    store = None if scan.checkpoint is None else _Store(scan, features, turn, tables.tiles)
    start = Position() if store is None else store.load(tables)
    is_wide = len(members) > WIDE and isinstance(scan.source, Files) and scan.source.is_plain
    is_wide = is_wide and kernels.home.is_host
    fill = passes.by_blocks if is_wide else passes.by_rows
    done: Position | None = start
    try:
        for done in fill(tables, features, kernels, n_jobs, what, start):
            if store is not None and done is not None:
                store.save_now_and_then(tables, done)
    except BaseException:
        if store is not None and done is not None:
            store.save(tables, done)
        raise
    for member in [*members, *range(len(features), len(coders))]:
        coders[member].require_limits(is_whole=start == Position())
    _require_same_rows(tables, features)
    if store is not None:
        store.save(tables, Position(1 << 60))


def _require_same_rows(tables: AnyTables, features: StreamedFeatures) -> None:
    """Raise if this pass has not seen the rows that the first pass has seen.

    Raise too if all of its strata together would tell nothing.
    """
    third = features.third
    seen = [
        (features.columns[feature], features.rules[feature], tables.n_missing(feature))
        for feature in tables.layout.order[tables.members].tolist()
    ]
    if third is not None and len(third.columns) == 1:
        seen.append((third.columns[0], third.rules[0], tables.n_outside))
    for column, rule, n_missing in seen:
        facts = column.facts
        if facts.may_have_nan:
            facts.n_missing, facts.may_have_nan = n_missing, False
        is_other = n_missing != facts.n_missing and not isinstance(rule, Given)
        if tables.n_rows != facts.n_rows or is_other:
            raise ValueError(
                f"{facts.name} had {facts.n_rows:,} rows, {facts.n_missing:,} of them missing, "
                f"when it was first read, and has {tables.n_rows:,} with {n_missing:,} now: the "
                "source must not change while it is scanned"
            )
    if third is not None:
        n_rows = [part.n_rows for part in tables.strata]
        bins = [coder.bins for coder in third.coders]
        require_strata_of(third.name, len(n_rows), sum(n_rows), tables.n_rows, bins)


def limit_begun_with(features: StreamedFeatures) -> int | None:
    """The memory limit of the run of several passes that a checkpoint holds; None without one."""
    directory = features.scan.checkpoint
    return None if directory is None else _limit_in(directory / LIMIT)


def _limit_in(path: Path) -> int | None:
    if not path.exists():
        return None
    try:
        return int(path.read_text(encoding="ascii"))
    except ValueError:
        raise ValueError(f"{path} holds no memory limit: it is damaged") from None


def _require_same_limit(path: Path, memory_limit: int) -> None:
    """Keep the limit by which pairs go in passes, or raise if a run was begun with another one."""
    begun = _limit_in(path)
    if begun is None:
        with written_whole(path) as file:
            file.write(str(memory_limit).encode("ascii"))
    elif begun != memory_limit:
        raise ValueError(
            f"checkpoint {path.parent} was begun with memory_limit={begun}, by which pairs may go "
            f"in other passes than with {memory_limit}: pass that limit or none, name another "
            "directory, or remove this one to begin anew"
        )


def _borders(tile: Tile) -> tuple[int, ...]:
    return tile.left.start, tile.left.stop, tile.right.start, tile.right.stop, int(tile.is_sparse)


class _Store:
    """The counts of a pass in the directory of a checkpoint."""

    def __init__(
        self,
        scan: Scan,
        features: StreamedFeatures,
        turn: tuple[int, int],
        tiles: Sequence[Tile],
    ) -> None:
        assert scan.checkpoint is not None
        # A later run measures the counts of each finished pass again, and keeps them till it ends.
        named = NAMED_TURNS.get(turn)
        name = f"counts{turn[0] if turn[1] > 1 else ''}" if named is None else named[1]
        self.path = scan.checkpoint / f"{name}.npz"
        third = features.third
        bins = [
            one.bins.edges
            if isinstance(one.bins, Edges)
            else np.array(list(map(str, one.bins.values)))
            for one in [*features.coders, *features.of_third[1]]
        ]
        self.described = {
            "data": scan.identity,
            "rows of a batch": scan.batch_rows,
            "columns": [column.label for column in features.columns],
            "features of X": features.layout.n_left,
            "given": None if third is None else [column.label for column in third.columns],
            "bins": fingerprint(bins),
            "pairs of the passes": [turn[1], fingerprint([np.array(list(map(_borders, tiles)))])],
        }
        self.last = time.monotonic()
        self.took = 0.0

    def load(self, tables: AnyTables) -> Position:
        """Fill the tables, if there are any counts; the position after them."""
        if not self.path.exists():
            return Position()
        described, arrays = pair_tables_file.describe(self.path)
        for name, now in self.described.items():
            if described.get(name) != now:
                raise ValueError(
                    f"checkpoint {self.path.parent} belongs to another run: its {name} differ. "
                    "Name another directory, or remove this one to begin anew"
                )
        pair_tables_file.fill(tables, described, arrays, self.path)
        return Position(*described["position"])

    def save_now_and_then(self, tables: AnyTables, position: Position) -> None:
        """Save, unless that was done a short time ago."""
        now = time.monotonic()
        if now - self.last > max(SECONDS_BETWEEN_SAVES, 20 * self.took):
            self.save(tables, position)

    def save(self, tables: AnyTables, position: Position) -> None:
        """Save the counts and the position after them, together."""
        start = time.monotonic()
        described = {**self.described, "position": list(position)}
        pair_tables_file.write(self.path, tables, described)
        self.last = time.monotonic()
        self.took = self.last - start
