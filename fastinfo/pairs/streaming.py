"""All pairs of the columns of a scan: the plan of its passes, and the counts of each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastinfo.accumulators import counted_parts, pair_tables_file
from fastinfo.accumulators.pair_tables import Layout, PairTables, Tile, padded
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
from fastinfo.pairs import stored
from fastinfo.pairs.checkpoint import fingerprint
from fastinfo.pairs.engine import Sink
from fastinfo.pairs.measure import TileMeasure
from fastinfo.pairs.sinks import PropagatingSink, RankedSink
from fastinfo.pairs.stored import StoredFeatures
from fastinfo.pairs.tested import TestedSink
from fastinfo.system.ranges import map_threads

HostArray = np.ndarray[Any, Any]

FEWEST, MOST = 1 << 18, 1 << 20
"""Rows whose codes are counted at once: more for larger tables, since a table is cleared and added
each time, but no more than fit `FLUSH_BYTES`."""

ROWS_A_CELL = 2
"""Rows for each cell of a pair that are counted at once."""

FLUSH_BYTES = 1 << 26
"""Bytes of codes that are counted at once."""

SHOWN = 8
"""The most passes of a plan whose columns are told."""

MARGINS = 0, 0
"""The turn of the pass that counts each column by itself."""

SECONDS_BETWEEN_SAVES = 10.0
"""The least time between two checkpoints of counts."""


@dataclass(eq=False)
class StreamedFeatures(StoredFeatures):
    """Features of a scan, whose tables are filled pass by pass."""

    scan: Scan
    columns: list[StreamedColumn]
    rules: list[Any]
    coders: list[Coder]

    options: Options

    @property
    def n_samples(self) -> int:
        """The number of samples, missing ones included, before any is counted too."""
        return self.columns[0].facts.n_rows

    def margin(self, position: int, kernels: Kernels) -> HostArray:
        """The number of samples in each bin of a feature; the first call counts those of all."""
        if self.tables.n_rows == 0:
            tables = PairTables(self.layout, [], np.arange(len(self)))
            _fill(tables, self, kernels, threads(kernels, self.options.n_jobs), MARGINS)
            self.tables = tables
        return super().margin(position, kernels)


def is_streamed(groups: Sequence[Columns]) -> bool:
    """Whether columns are those of a scan."""
    return any(len(g) and isinstance(g[0], StreamedColumn) for g in groups)


def bin_features(
    groups: Sequence[Columns], rules: Sequence[Any], options: Options
) -> StreamedFeatures:
    """The bins of the columns of a scan; nothing is counted yet.

    Raises
    ------
    ValueError
        With ``nan_policy="raise"`` for a column with missing samples; for weights; for rules that
        need all samples at once.
    """
    columns: list[Any] = [column for group in groups for column in group]
    if not all(isinstance(column, StreamedColumn) for column in columns):
        raise ValueError("a scan and a table in memory came together: pass columns of one scan")
    first = columns[0].scan
    for column in columns:
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
        for column in columns:
            _refuse_missing(column, column.facts.n_missing)
    coders = [coder_of(column, rule) for column, rule in zip(columns, own, strict=True)]
    n_bins = np.array([len(coder.bins) for coder in coders], np.int64)
    layout = Layout(n_bins.tolist(), None if len(groups) == 1 else len(groups[0]))
    has_edges = np.array([isinstance(coder.bins, Edges) for coder in coders], np.bool_)
    nothing = PairTables(layout, [])
    scan = columns[0].scan
    return StreamedFeatures(
        *(layout, n_bins, has_edges, nothing, options.nan_policy),
        *(scan, columns, own, coders, options),
    )


def _refuse_missing(column: StreamedColumn, n_missing: int) -> None:
    if n_missing:
        raise ValueError(
            f"{column.name} has {n_missing} missing values among {column.facts.n_rows}: leave such "
            'samples out with nan_policy="omit", or ask for NaN with nan_policy="propagate"'
        )


def measure_pairs(
    features: StreamedFeatures,
    sink: Sink,
    options: Options,
    memory_limit: int,
    measure: TileMeasure,
) -> None:
    """Count all pairs in as many passes as the memory demands, and measure them."""
    kernels = choose(options.backend)
    n_jobs = threads(kernels, options.n_jobs)
    layout = features.layout
    passes = layout.passes(memory_limit, features.columns[0].facts.n_rows)
    if len(passes) > 1:
        features.scan.tell(_plan(features, passes, memory_limit))
    for number, tiles in enumerate(passes or [[]], start=1):
        # The counts of the pass before go first, so that those of one pass are held at a time.
        margins = features.tables.margins
        features.tables = PairTables(layout, [])
        tables = features.tables = PairTables(layout, tiles if len(passes) > 1 else None)
        for position, margin in enumerate(margins):
            tables.margins[position][:] = margin  # those of the passes before
        for position in tables.members.tolist():
            tables.margins[position][:] = 0
        _fill(tables, features, kernels, n_jobs, (number, max(len(passes), 1)))
        if options.nan_policy == "raise":
            for position in tables.members.tolist():
                column = features.columns[int(layout.order[position])]
                _refuse_missing(column, int(tables.margins[position][-1]))
        is_last = number >= len(passes)
        to = sink
        if options.nan_policy == "propagate":
            to = PropagatingSink(sink, features.has_missing)
        stored.measure(features, measure, kernels, to, n_jobs, diagonal=is_last)
        if not is_last and isinstance(sink, (RankedSink, TestedSink)):
            sink.rank_waiting()  # by tables that the next pass replaces


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
    tables: PairTables,
    features: StreamedFeatures,
    kernels: Kernels,
    n_jobs: int,
    turn: tuple[int, int],
) -> None:
    """One pass over the scan, the first of ``turn`` of the second, for the pairs of some tiles."""
    what = "counting, pass {} of {}".format(*turn) if turn[0] else "counting each column"
    scan, layout = features.scan, features.layout
    parts = parts_of(scan.source)
    if parts is not None:
        columns, n_rows = [one.label for one in features.columns], features.n_samples
        counted_parts.fill(tables, parts, columns, features.coders, n_rows, kernels.name)
        _require_same_rows(tables, features)
        return
    members = layout.order[tables.members].tolist()
    labels = list(dict.fromkeys(features.columns[i].label for i in members))
    sizes = layout.sizes[tables.members].tolist()
    store = None if scan.checkpoint is None else _Store(scan, features, turn)
    position = start = Position() if store is None else store.load(tables)
    in_batch = [labels.index(features.columns[i].label) for i in members]
    itemsize = sum(1 if size <= 255 else 2 if size < 1 << 16 else 4 for size in sizes)
    most_cells = max((layout.n_cells_of_pair(tile) for tile in tables.tiles), default=1)
    at_once = min(max(FEWEST, ROWS_A_CELL * most_cells), MOST, FLUSH_BYTES // max(itemsize, 1))
    held: list[list[HostArray]] = []
    n_held = 0
    is_whole = True  # whether no batch is half counted

    def encode(member: int, array: Any, size: int) -> HostArray:
        coder = features.coders[member]
        codes: HostArray = padded(coder.codes(array, kernels), len(coder.bins), size)
        return codes

    def flush() -> None:
        nonlocal held, n_held, is_whole
        is_whole = False
        if n_held:
            codes = [
                parts[0] if len(parts) == 1 else kernels.xp.concatenate(parts)
                for parts in zip(*held, strict=True)
            ]
            tables.update(codes, kernels, n_jobs)
        held, n_held = [], 0
        is_whole = True

    # Of wide tables each block of columns is brought into bins before the next one is read.
    convert = None
    if isinstance(scan.source, Files) and scan.source.is_wide(len(labels), itemsize):
        of_label: list[list[int]] = [[] for _ in labels]
        for number, place in enumerate(in_batch):
            of_label[place].append(number)

        def convert_(places: Sequence[int], arrays: Sequence[Any]) -> list[list[HostArray]]:
            def codes(place: int, array: Any) -> list[HostArray]:
                return [encode(members[i], array, sizes[i]) for i in of_label[place]]

            return map_threads(codes, places, arrays, n_jobs=n_jobs)

        convert = convert_
    try:
        for batch in scan.read(labels, what, position, tables.n_rows, convert):
            if batch.n_rows and convert is not None:
                of_each = [iter(codes) for codes in batch.columns]
                held.append([next(of_each[place]) for place in in_batch])
                n_held += batch.n_rows
            elif batch.n_rows:
                arrays = [batch.columns[place] for place in in_batch]
                held.append(map_threads(encode, members, arrays, sizes, n_jobs=n_jobs))
                n_held += batch.n_rows
            after = batch.position
            del batch
            if n_held >= at_once:
                flush()
            if not n_held:
                position = after
                if store is not None:
                    store.save_now_and_then(tables, position)
        flush()
    except BaseException:
        if store is not None and is_whole:
            store.save(tables, position)
        raise
    for member in members:
        features.coders[member].require_limits(is_whole=start == Position())
    _require_same_rows(tables, features)
    if store is not None:
        store.save(tables, Position(1 << 60))


def _require_same_rows(tables: PairTables, features: StreamedFeatures) -> None:
    """Raise if this pass has not seen the rows that the first pass has seen."""
    for place in tables.members.tolist():
        feature = int(tables.layout.order[place])
        facts, rule = features.columns[feature].facts, features.rules[feature]
        n_missing = int(tables.margins[place][-1])
        if facts.may_have_nan:
            facts.n_missing, facts.may_have_nan = n_missing, False
        is_other = n_missing != facts.n_missing and not isinstance(rule, Given)
        if tables.n_rows != facts.n_rows or is_other:
            raise ValueError(
                f"{facts.name} had {facts.n_rows:,} rows, {facts.n_missing:,} of them missing, "
                f"when it was first read, and has {tables.n_rows:,} with {n_missing:,} now: the "
                "source must not change while it is scanned"
            )


class _Store:
    """The counts of a pass in the directory of a checkpoint."""

    def __init__(self, scan: Scan, features: StreamedFeatures, turn: tuple[int, int]) -> None:
        assert scan.checkpoint is not None
        # A later run measures the counts of each finished pass again, and keeps them till it ends.
        name = "margins" if turn == MARGINS else f"counts{turn[0] if turn[1] > 1 else ''}"
        self.path = scan.checkpoint / f"{name}.npz"
        bins = [
            one.bins.edges
            if isinstance(one.bins, Edges)
            else np.array(list(map(str, one.bins.values)))
            for one in features.coders
        ]
        self.described = {
            "data": scan.identity,
            "rows of a batch": scan.batch_rows,
            "columns": [column.label for column in features.columns],
            "features of X": features.layout.n_left,
            "bins": fingerprint(bins),
            "memory limit": turn[1],
        }
        self.last = time.monotonic()
        self.took = 0.0

    def load(self, tables: PairTables) -> Position:
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

    def save_now_and_then(self, tables: PairTables, position: Position) -> None:
        """Save, unless that was done a short time ago."""
        now = time.monotonic()
        if now - self.last > max(SECONDS_BETWEEN_SAVES, 20 * self.took):
            self.save(tables, position)

    def save(self, tables: PairTables, position: Position) -> None:
        """Save the counts and the position after them, together."""
        start = time.monotonic()
        described = {**self.described, "position": list(position)}
        pair_tables_file.write(self.path, tables, described)
        self.last = time.monotonic()
        self.took = self.last - start
