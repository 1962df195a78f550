"""The cases of tables that are read from files: one pair, all pairs, scores, and their memory.

Files are written once for all cases of their size, to a folder that goes when the process ends.
What reading alone takes, by pyarrow, is a contender: no way to measure columns is faster. Peers
count the tables of some pairs in one query, in bins of equal width whose limits they are told.
Scores are compared with the same tables by a peer, in bins of equal width and of equal frequency.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import fastinfo
from bench import memory, peers, processes
from bench.case import Case, Contender, Measure, Target, two_cores
from bench.peers import Array

ROWS = 1 << 20
"""Rows of a row group, and of the pieces that files are written and checked in."""

BINS = 16
TARGET = "t9"
WORDS = np.array([f"word{i:02d}" for i in range(40)])
LOW, HIGH = -50.0, 50.0
"""What all floating-point samples lie between; the first two rows have these values."""

CHECKED = 4
"""Pairs of each answer that are counted by the reference."""


class Values(NamedTuple):
    """Mutual information of pairs of columns, in nats."""

    of_pairs: dict[tuple[str, str], float]
    error: float
    """How far these may be from the reference: a query rounds samples next to an edge otherwise."""


class Rows(NamedTuple):
    """The number of rows that were read."""

    n: int


def _piece(rng: np.random.Generator, first: int, n: int, m: int) -> dict[str, Array]:
    """Rows of m columns: of each ten five float64, a float32, two of integers, two of text."""
    z = rng.standard_normal(n)
    found: dict[str, Array] = {}
    for j in range(m):
        kind = j % 10
        if kind < 5:
            values = z * (0.3 * kind) + rng.standard_normal(n)
            if first == 0:
                values[:2] = LOW, HIGH
            found[f"f{j}"] = values
        elif kind == 5:
            values = (z + rng.standard_normal(n)).astype(np.float32)
            if first == 0:
                values[:2] = LOW, HIGH
            found[f"f{j}"] = values
        elif kind == 6:
            found[f"i{j}"] = rng.integers(0, 14, n, dtype=np.int32) + (z > 0)
        elif kind == 7:
            found[f"i{j}"] = rng.integers(0, 30, n) + 3 * (z > 1)
        else:
            codes = rng.integers(0, 12 if kind == 8 else 8, n) + 4 * (z > 0)
            found[f"t{j}"] = codes.astype(np.int8)
    return found


@cache
def _written(n: int, m: int) -> Path:
    """A file of n rows and m columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = processes.scratch() / f"{n}x{m}.parquet"
    if path.exists():
        return path
    rng, writer = np.random.default_rng(n + m), None
    for first in range(0, n, ROWS):
        columns = _piece(rng, first, min(ROWS, n - first), m)
        table = pa.table(
            {
                name: pa.DictionaryArray.from_arrays(values, WORDS).cast("string")
                if name[0] == "t"
                else values
                for name, values in columns.items()
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=ROWS)
    assert writer is not None
    writer.close()
    return path


class File:
    """A file, the pairs that are counted, and what the reference finds for some of them."""

    def __init__(
        self, n: int, m: int, n_pairs: int | None, n_counted: int, n_bins: int = BINS
    ) -> None:
        import pyarrow.parquet as pq

        self.path, self.n, self.n_bins = _written(n, m), n, n_bins
        self.names = pq.read_schema(self.path).names
        if n_pairs == 1:
            self.names = ["f1", "f2"]
        every = [(a, b) for i, a in enumerate(self.names) for b in self.names[i + 1 :]]
        if n_pairs == m - 1:
            every = [(TARGET, name) for name in self.names if name != TARGET]
        self.pairs = every
        self.counted = every[:: max(len(every) // n_counted, 1)][:n_counted]

    @property
    def share(self) -> float:
        """The part of the pairs that peers count."""
        return len(self.counted) / len(self.pairs)

    @cached_property
    def information(self) -> dict[tuple[str, str], float]:
        """Mutual information of some pairs by the reference, piece by piece."""
        import pyarrow.parquet as pq

        most = max(64, self.n_bins)
        counts = {pair: np.zeros((most, most), np.int64) for pair in self.counted[:CHECKED]}
        needed = sorted({name for pair in counts for name in pair})
        edges = np.linspace(LOW, HIGH, self.n_bins + 1)
        for batch in pq.ParquetFile(self.path).iter_batches(ROWS, columns=needed):
            codes = {}
            for name in needed:
                column = batch.column(name)
                if name[0] == "f":
                    found = np.searchsorted(edges, column.to_numpy(), side="right") - 1
                    codes[name] = np.minimum(found, self.n_bins - 1)
                elif name[0] == "i":
                    codes[name] = column.to_numpy().astype(np.int64)
                else:
                    labels = column.dictionary_encode()
                    words = {word: i for i, word in enumerate(WORDS.tolist())}
                    table = np.array([words[word] for word in labels.dictionary.to_pylist()])
                    codes[name] = table[labels.indices.to_numpy()]
            for (a, b), table in counts.items():
                cells = codes[a].astype(np.int64) * most + codes[b]
                table += np.bincount(cells, minlength=most * most).reshape(most, most)
        return {pair: peers.reference_information(table) for pair, table in counts.items()}


def make(n: int, m: int, pairs: int, counted: int) -> File:
    """A file and its pairs."""
    return File(n, m, pairs, counted)


def make_for_scores(n: int, m: int, pairs: int, counted: int) -> File:
    """A file and the pairs of its columns with the target, in bins of equal width."""
    return File(n, m, pairs, counted, SCORES_BINS)


def check(data: File, answer: Any) -> None:
    """The rows that were read, or information of some pairs."""
    if isinstance(answer, memory.Streamed):
        answer = Values(answer.of_pairs, 1e-9)
    if isinstance(answer, Rows):
        assert answer.n == data.n
        return
    for (a, b), expected in data.information.items():
        found = answer.of_pairs.get((a, b), answer.of_pairs.get((b, a)))
        if found is None:
            assert answer.error > 1e-9  # a peer counts some pairs only
            continue
        np.testing.assert_allclose(found, expected, rtol=answer.error, atol=1e-12)


def _of_matrix(matrix: Any) -> dict[tuple[str, str], float]:
    names = matrix["column"].to_pylist()
    values = np.array([matrix[name].to_numpy() for name in names])
    return {
        (a, b): float(values[i, j])
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i < j
    }


def all_pairs(path: Path, columns: Sequence[str]) -> dict[tuple[str, str], float]:
    """All pairs of columns by fastinfo, in bins of equal width."""
    scan = fastinfo.scan(path, columns=list(columns))
    return _of_matrix(fastinfo.pairwise_mutual_information(scan, bins=BINS))


def scores(
    path: Path, columns: Sequence[str], bins: int | None = None
) -> dict[tuple[str, str], float]:
    """What the columns tell about a target by fastinfo; by default in bins of equal frequency."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = fastinfo.score(fastinfo.scan(path, columns=list(columns)), TARGET, bins=bins)
    return {(TARGET, one.column): one.value for one in found}


def check_scores(data: File, answer: Any) -> None:
    """As `check`, for the columns that have no bins of their own."""
    if isinstance(answer, (Values, memory.Streamed)):
        kept = {pair: value for pair, value in answer.of_pairs.items() if pair[1][0] != "f"}
        answer = Values(kept, max(1e-9, getattr(answer, "error", 0.0)))
        data.information.keys()  # so that it is counted at all
        for pair, expected in data.information.items():
            if pair in kept:
                np.testing.assert_allclose(kept[pair], expected, rtol=answer.error, atol=1e-12)
        return
    check(data, answer)


def read(data: File, as_dictionaries: bool) -> Rows:
    """Read the columns and do nothing with them."""
    import pyarrow.parquet as pq

    texts = [name for name in data.names if name[0] == "t"] if as_dictionaries else None
    file = pq.ParquetFile(data.path, read_dictionary=texts)
    return Rows(sum(batch.num_rows for batch in file.iter_batches(1 << 18, columns=data.names)))


def _from_counts(pairs: Sequence[tuple[str, str]], tables: Sequence[Any]) -> Values:
    found = {}
    for pair, (x, y, n) in zip(pairs, tables, strict=True):
        places = [np.unique(np.asarray(side), return_inverse=True)[1] for side in (x, y)]
        table = np.zeros([int(place.max()) + 1 for place in places], np.int64)
        np.add.at(table, tuple(places), np.asarray(n))
        found[pair] = peers.reference_information(table)
    return Values(found, 1e-4)


def duckdb(data: File) -> Values:
    """Tables of some pairs by one query of DuckDB, with a grouping set for each."""
    import duckdb as library

    n_bins = data.n_bins
    width = (HIGH - LOW) / n_bins
    kind = "UTINYINT" if n_bins <= 256 else "USMALLINT"

    def code(name: str) -> str:
        if name[0] != "f":
            return name
        return f"least(floor(({name} - ({LOW})) / {width}), {n_bins - 1})::{kind} AS {name}"

    names = sorted({name for pair in data.counted for name in pair})
    inner = f"SELECT {', '.join(map(code, names))} FROM '{data.path}'"
    sets = ", ".join(f"({a}, {b})" for a, b in data.counted)
    numbers = ", ".join(names)
    connection = library.connect()
    connection.execute("SET threads = 2")
    query = (
        f"SELECT grouping_id({numbers}) AS which, {numbers}, count(*) AS n FROM ({inner}) "
        f"GROUP BY GROUPING SETS ({sets})"
    )
    rows = connection.sql(query).to_arrow_table()
    which = rows["which"].to_numpy()
    tables = []
    for a, b in data.counted:
        absent = sum(1 << (len(names) - 1 - names.index(x)) for x in names if x not in (a, b))
        kept = np.flatnonzero(which == absent)
        some = rows.take(kept)
        tables.append([np.array(some[name].to_pylist()) for name in (a, b, "n")])
    return _from_counts(data.counted, tables)


def polars(data: File) -> Values:
    """Tables of some pairs by group-bys of the streaming engine of polars, in one run."""
    import polars as pl

    width = (HIGH - LOW) / data.n_bins

    def code(name: str) -> Any:
        if name[0] != "f":
            return pl.col(name)
        position = ((pl.col(name).cast(pl.Float64) - LOW) / width).floor()
        return position.clip(upper_bound=data.n_bins - 1).cast(pl.UInt16)

    return _grouped_by_polars(data, code)


def polars_of_quantiles(data: File) -> Values:
    """As `polars`, in bins of equal frequency, whose edges another query finds before."""
    import polars as pl

    shares = [i / data.n_bins for i in range(1, data.n_bins)]
    floats = sorted({name for pair in data.counted for name in pair if name[0] == "f"})
    quantiles = [pl.col(name).cast(pl.Float64).quantile(shares) for name in floats]
    found = pl.scan_parquet(data.path).select(quantiles).collect(engine="streaming")
    edges = {name: sorted(set(found[name].to_list()[0])) for name in floats}

    def code(name: str) -> Any:
        if name[0] != "f":
            return pl.col(name)
        return pl.col(name).cast(pl.Float64).bin_intervals(edges[name], labels=False)

    return _grouped_by_polars(data, code)


def _grouped_by_polars(data: File, code: Callable[[str], Any]) -> Values:
    import polars as pl

    frame = pl.scan_parquet(data.path)
    queries = [
        frame.group_by(code(a).alias("x"), code(b).alias("y")).len() for a, b in data.counted
    ]
    found = pl.collect_all(queries, engine="streaming")
    return _from_counts(
        data.counted, [[one[name].to_numpy() for name in ("x", "y", "len")] for one in found]
    )


def _needs() -> str | None:
    lacking = [name for name in ("pyarrow", "polars", "duckdb") if find_spec(name) is None]
    return f"{', '.join(lacking)} is not installed" if lacking else two_cores()


def _needs_memory() -> str | None:
    return _needs() or memory.cannot_be_read()


def _needs_threads() -> str | None:
    if os.environ.get("POLARS_MAX_THREADS") == "1":
        return "polars has one thread in this run: ci/bench full --only streaming gives it two"
    return None


def _values(way: Callable[[Path, Sequence[str]], Any]) -> Callable[[File], Values]:
    return lambda data: Values(way(data.path, data.names), 1e-9)


def _contenders(way: Any) -> Iterator[Contender]:
    yield Contender("fastinfo", _values(way), threads=2)
    yield Contender(READ, partial(read, as_dictionaries=False), threads=2)
    yield Contender(READ_DICTIONARIES, partial(read, as_dictionaries=True), threads=2)
    yield _peer(DUCKDB, duckdb)
    yield _peer(POLARS, polars)


def _peer(name: str, call: Callable[[File], Values]) -> Contender:
    needs = _needs_threads if name.startswith("polars") else lambda: None
    return Contender(name, call, 2, {"n": PEER_ROWS}, share=lambda data: data.share, needs=needs)


READ = "pyarrow merely reads the columns"
READ_DICTIONARIES = "pyarrow merely reads them, text as dictionaries"
DUCKDB = "DuckDB, grouping sets"
POLARS = "polars, streaming group-bys"
POLARS_QUANTILES = "polars, streaming quantiles and group-bys"
POLARS_WIDTHS = "polars, streaming group-bys in bins of equal width instead"

SMOKE_PAIR = {"n": 3000, "m": 10, "pairs": 1, "counted": 1}
SMOKE = {"n": 3000, "m": 10, "pairs": 45, "counted": 5}
PAIR = {"n": 10**8, "m": 10, "pairs": 1, "counted": 1}
ALL = {"n": 10**8, "m": 10, "pairs": 45, "counted": 3}
PEER_ROWS = 2 * 10**7
"""The most rows for peers: all pairs of 10⁸ take them a quarter of an hour, and times of all
contenders grow with the rows."""
PAIR_OF_PEERS, ALL_OF_PEERS = {**PAIR, "n": PEER_ROWS}, {**ALL, "n": PEER_ROWS}
WIDE = {"n": 10**7, "m": 50, "pairs": 1225, "counted": 8}
SMOKE_SCORES = {"n": 3000, "m": 10, "pairs": 9, "counted": 9}
SCORES = {"n": PEER_ROWS, "m": 10, "pairs": 9, "counted": 9}
SCORES_BINS = 272
"""⌈n^(1/3)⌉ for the rows of `SCORES`."""


def _work(n: int, m: int, pairs: int, counted: int) -> int:
    return n * pairs


def _sizes(smoke: dict[str, int], *default: dict[str, int]) -> dict[str, list[dict[str, int]]]:
    return {"smoke": [smoke], "default": list(default), "full": list(default)}


def _peak(way: str, columns: Sequence[str] | None = None) -> Callable[[File], memory.Streamed]:
    return lambda data: memory.streamed(way, data.path, data.names)


CASES = (
    Case(
        name="stream-pair",
        title="one pair of a Parquet file of {n} rows, {m} columns, 16 equal bins",
        make=make,
        contenders=tuple(_contenders(all_pairs)),
        check=check,
        also=(),
        sizes=_sizes(SMOKE_PAIR, PAIR, PAIR_OF_PEERS),
        work=_work,
        unit="sample-pairs",
        targets=(
            Target(READ, PAIR, at_least=0.7),
            Target(DUCKDB, PAIR_OF_PEERS, at_least=2.0),
            Target(POLARS, PAIR_OF_PEERS, at_least=2.0),
        ),
        needs=_needs,
    ),
    Case(
        name="stream-all-pairs",
        title="all pairs of a Parquet file of {n} rows, {m} columns, 16 equal bins",
        make=make,
        contenders=tuple(_contenders(all_pairs)),
        check=check,
        also=(),
        sizes=_sizes(SMOKE, ALL, ALL_OF_PEERS),
        work=_work,
        unit="sample-pairs",
        targets=(
            Target(READ, ALL, at_least=0.7),
            Target(DUCKDB, ALL_OF_PEERS, at_least=20.0),
            Target(POLARS, ALL_OF_PEERS, at_least=20.0),
        ),
        needs=_needs,
    ),
    Case(
        name="stream-memory",
        title="memory for all pairs of a Parquet file of {n} rows, {m} columns, 16 equal bins",
        make=make,
        contenders=(Contender("fastinfo", _peak("all_pairs"), threads=2),),
        check=check,
        also=(),
        sizes=_sizes(SMOKE, ALL),
        work=_work,
        unit="sample-pairs",
        measures={"peak extra memory": Measure("B", lambda answer: answer.extra_bytes)},
        targets=(Target("peak extra memory", ALL, at_most=5e8),),
        needs=_needs_memory,
    ),
    Case(
        name="stream-scores-equal",
        title="scores of the columns of a Parquet file of {n} rows, {m} columns, 272 equal bins",
        make=make_for_scores,
        contenders=tuple(_contenders(partial(scores, bins=SCORES_BINS))),
        check=check,
        also=(),
        sizes=_sizes(SMOKE_SCORES, SCORES),
        work=_work,
        unit="sample-pairs",
        targets=(Target(DUCKDB, SCORES, at_least=1.0), Target(POLARS, SCORES, at_least=1.0)),
        needs=_needs,
    ),
    Case(
        name="stream-scores",
        title="scores of the columns of a Parquet file of {n} rows, {m} columns, bins by default:"
        " of equal frequency",
        make=make_for_scores,
        contenders=(
            *list(_contenders(scores))[:3],
            _peer(POLARS_QUANTILES, polars_of_quantiles),
            _peer(POLARS_WIDTHS, polars),
        ),
        check=check_scores,
        also=(),
        sizes=_sizes(SMOKE_SCORES, SCORES),
        work=_work,
        unit="sample-pairs",
        targets=(Target(POLARS_QUANTILES, SCORES, at_least=1.0),),
        needs=_needs,
    ),
    Case(
        name="stream-scores-memory",
        title="memory for scores of the columns of a Parquet file of {n} rows, {m} columns",
        make=make,
        contenders=(Contender("fastinfo", _peak("scores"), threads=2),),
        check=check_scores,
        also=(),
        sizes=_sizes(SMOKE_SCORES, SCORES),
        work=_work,
        unit="sample-pairs",
        measures={"peak extra memory": Measure("B", lambda answer: answer.extra_bytes)},
        targets=(Target("peak extra memory", SCORES, at_most=1e9),),
        needs=_needs_memory,
    ),
    Case(
        name="stream-wide",
        title="all pairs of a Parquet file of {n} rows, {m} columns, 16 equal bins",
        make=make,
        contenders=tuple(_contenders(all_pairs)),
        check=check,
        also=(),
        sizes=_sizes({"n": 3000, "m": 50, "pairs": 1225, "counted": 8}, WIDE),
        work=_work,
        unit="sample-pairs",
        targets=(Target(READ, WIDE, at_least=0.5),),
        needs=_needs,
    ),
)
