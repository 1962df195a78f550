"""One pass over a scan: its batches in codes, added to the tables of pairs.

The source is read on a thread of its own, while what was read before is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from fastinfo.accumulators.pair_layout import Layout
from fastinfo.accumulators.pair_tables import padded
from fastinfo.accumulators.rows_by_block import BITS_BYTES, ROWS_AT_ONCE, RowsByBlock, blocks_of
from fastinfo.accumulators.strata_tables import (
    AnyTables,
    StrataRowsByBlock,
    StrataTables,
    add,
    numbers,
)
from fastinfo.backends.contract import Kernels, code_dtype
from fastinfo.inputs.scanning.ahead import read_ahead
from fastinfo.inputs.scanning.coders import Coder
from fastinfo.inputs.scanning.column_blocks import AT_ONCE, Stretch, StretchReader, stretches
from fastinfo.inputs.scanning.scans import Reports, Scan
from fastinfo.inputs.scanning.sources import Files, Position
from fastinfo.inputs.scanning.survey import StreamedColumn
from fastinfo.system.ranges import map_threads

HostArray = np.ndarray[Any, Any]

FEWEST, MOST = 1 << 18, 1 << 20
"""Rows whose codes are counted at once: more for larger tables, since a table is cleared and added
each time, but no more than fit `FLUSH_BYTES`."""

SAMPLES_A_THREAD = 1 << 20
"""Samples that a thread brings into bins at the least. The reader decodes on threads of its own, so
that others wait for a core, and two columns of 2·10⁷ rows took a tenth longer with two threads."""

ROWS_A_CELL = 2
"""Rows for each cell of a pair that are counted at once."""

FLUSH_BYTES = 1 << 26
"""Bytes of codes that are counted at once."""

STRATA = -1
"""The number of the block that holds the columns of a third variable."""


class Features(Protocol):
    """The features of a scan: `streaming.StreamedFeatures`."""

    scan: Scan
    layout: Layout
    columns: list[StreamedColumn]
    coders: list[Coder]

    @property
    def of_third(self) -> tuple[list[StreamedColumn], list[Coder]]:
        """The columns of a third variable, by which samples are in strata; none without one."""
        ...


def by_rows(
    tables: AnyTables,
    features: Features,
    kernels: Kernels,
    n_jobs: int,
    what: str,
    start: Position,
) -> Iterator[Position | None]:
    """Count batches of all columns of a pass.

    Yields
    ------
    Position or None
        The position of what is counted, each time that a batch was read; None while a batch is
        half counted, or not yet.
    """
    layout, scan, (third, of_third) = features.layout, features.scan, features.of_third
    members = layout.order[tables.members].tolist()
    columns = [*(features.columns[i] for i in members), *third]
    coders = [*(features.coders[i] for i in members), *of_third]
    labels = list(dict.fromkeys(column.label for column in columns))
    sizes = [*layout.sizes[tables.members].tolist(), *(len(coder.bins) for coder in of_third)]
    in_batch = [labels.index(column.label) for column in columns]
    # Sorting by strata takes two more numbers of each row, and each stratum is to get as many rows.
    row_bytes = sum(np.dtype(code_dtype(size)).itemsize for size in sizes) + 16 * bool(third)
    most_cells = max((layout.n_cells_of_pair(tile) for tile in tables.tiles), default=1)
    at_once = min(max(FEWEST, ROWS_A_CELL * most_cells), MOST) * layout.n_tables
    at_once = min(at_once, FLUSH_BYTES // max(row_bytes, 1))
    held: list[list[HostArray]] = []
    n_held = 0
    after = start

    def flush() -> None:
        codes = [
            parts[0] if len(parts) == 1 else kernels.xp.concatenate(parts)
            for parts in zip(*held, strict=True)
        ]
        held.clear()
        add(tables, codes[: len(members)], codes[len(members) :], kernels, n_jobs)

    for batch in scan.read(labels, what, start, tables.n_rows):
        if batch.n_rows:
            arrays = [batch.columns[place] for place in in_batch]
            by = [kernels] * len(columns)
            n_threads = min(n_jobs, batch.n_rows * len(columns) // SAMPLES_A_THREAD)
            held.append(map_threads(_codes, coders, arrays, sizes, by, n_jobs=n_threads))
            n_held += batch.n_rows
        after = batch.position
        del batch
        if n_held >= at_once:
            yield None
            flush()
            n_held = 0
        if not n_held:
            yield after
    if n_held:
        yield None
        flush()
    yield after


def by_blocks(
    tables: AnyTables,
    features: Features,
    kernels: Kernels,
    n_jobs: int,
    what: str,
    start: Position,
) -> Iterator[Position | None]:
    """As `by_rows`, of many columns of Parquet: some rows, and of these block by block of columns.

    So no more codes are held than those of the features on the left of tiles, and of two blocks.
    """
    reports = Reports(features.scan, what, tables.n_rows)
    blocks = blocks_of(tables.layout, tables.members)
    rows: list[RowsByBlock | StrataRowsByBlock] = []
    for stretch, number, parts in read_ahead(_blocks(features, blocks, kernels, n_jobs, start), 0):
        if number == STRATA:
            yield None
            bits = BITS_BYTES // max(len(parts), 1)  # of all parts, which go together
            rows = [
                StrataRowsByBlock(tables, kernels, n_jobs, bits, numbers(part, tables.n_bins))
                if isinstance(tables, StrataTables)
                else RowsByBlock(tables, kernels, n_jobs, bits)
                for part in parts
            ]
            continue
        for adding, codes in zip(rows, parts, strict=True):
            adding.add(codes)
        del parts
        if number == len(blocks) - 1:
            yield stretch.position
        share = stretch.n_rows * number // len(blocks)
        reports.add(stretch.n_rows * (number + 1) // len(blocks) - share)
    reports.end()


def _blocks(
    features: Features,
    blocks: Sequence[HostArray],
    kernels: Kernels,
    n_jobs: int,
    start: Position,
) -> Iterator[tuple[Stretch, int, list[Any]]]:
    """Each block of each stretch, by its number, as codes of at most `ROWS_AT_ONCE` rows a part.

    Before the first one of a stretch the third variable comes, as the number `STRATA`.
    """
    order, files = features.layout.order, features.scan.source
    assert isinstance(files, Files)
    third, coders_of_third = features.of_third
    labels = [[features.columns[i].label for i in order[members]] for members in blocks]
    labels.append([column.label for column in third])
    every = list(dict.fromkeys(label for of_block in labels for label in of_block))
    for stretch in stretches(files, ROWS_AT_ONCE, start):
        n_parts = max(-(-stretch.n_rows // ROWS_AT_ONCE), 1)
        borders = [stretch.n_rows * i // n_parts for i in range(n_parts + 1)]
        with StretchReader(files, stretch, every) as reader:
            for number in range(STRATA, len(blocks)):
                coders, sizes = coders_of_third, [len(coder.bins) for coder in coders_of_third]
                if number != STRATA:
                    coders = [features.coders[i] for i in order[blocks[number]]]
                    sizes = features.layout.sizes[blocks[number]].tolist()
                parts = [_empty(sizes, last - first) for first, last in pairwise(borders)]
                for first in range(0, len(sizes), AT_ONCE):
                    some = slice(first, first + AT_ONCE)
                    different = list(dict.fromkeys(labels[number][some]))
                    arrays = dict(zip(different, reader.read(different), strict=True))
                    map_threads(
                        _write,
                        coders[some],
                        [arrays[label] for label in labels[number][some]],
                        sizes[some],
                        [kernels] * AT_ONCE,
                        [[part[i] for part in parts] for i in range(len(sizes))[some]],
                        n_jobs=n_jobs,
                    )
                yield stretch, number, parts
                del parts


def _empty(sizes: Sequence[int], n_rows: int) -> Any:
    """Arrays for the codes of features: a matrix where all are bytes, which packs do not copy."""
    dtypes = [code_dtype(size) for size in sizes]
    if len(set(dtypes)) == 1:
        return np.empty((len(sizes), n_rows), dtypes[0])
    return [np.empty(n_rows, dtype) for dtype in dtypes]


def _write(
    coder: Coder, arrays: Sequence[Any], size: int, kernels: Kernels, parts: Sequence[HostArray]
) -> None:
    """Write the codes of arrays that follow one another to parts that follow one another."""
    codes = [kernels.to_host(_codes(coder, array, size, kernels)) for array in arrays]
    whole = codes[0] if len(codes) == 1 else np.concatenate([parts[0][:0], *codes])
    done = 0
    for part in parts:
        part[:] = whole[done : done + part.size]
        done += part.size


def _codes(coder: Coder, array: Any, size: int, kernels: Kernels) -> Any:
    return padded(coder.codes(array, kernels), len(coder.bins), size)
