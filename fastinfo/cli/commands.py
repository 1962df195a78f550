"""What can be asked on the command line.

The modules that are slow to import (Numba, Arrow) come in when a command runs, so that ``--help``
answers at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import fastinfo
from fastinfo import bin_arguments, pairwise, progress, reading
from fastinfo.backends import choose
from fastinfo.cli import output, preparation
from fastinfo.cli.options import (
    UNITS,
    BackendName,
    Bins,
    Columns,
    Estimator,
    MaxCategories,
    Missing,
    NoProgress,
    Out,
    TableFile,
    Threads,
    Unit,
    Weights,
    reads_a_table,
)
from fastinfo.cli.output import Listing
from fastinfo.limits import usable_cores
from fastinfo.numpy_rules import NUMPY_RULES
from fastinfo.reading import Layout

UsageError: Any = typer.BadParameter.__mro__[1]
"""What typer raises for every wrong argument; newer versions name only this subclass of it."""

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def fastinfo_command(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Which columns of a table know something about each other, and how much."""
    if version:
        print(f"fastinfo {fastinfo.__version__}")
        raise typer.Exit


@app.command("pairwise")
@reads_a_table
def pairwise_command(
    table: TableFile,
    top: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="K", help="How many of the strongest pairs.", show_default="10"
        ),
    ] = None,
    all_pairs: Annotated[bool, typer.Option("--all", help="Every pair.")] = False,
    columns: Columns = None,
    out: Out = None,
    bins: Bins = None,
    unit: Unit = "nats",
    estimator: Estimator = "ml",
    missing: Missing = "omit",
    weights: Weights = None,
    max_categories: MaxCategories = 50,
    backend: BackendName = None,
    threads: Threads = None,
    no_progress: NoProgress = False,
    *,
    layout: Layout,
) -> None:
    """The pairs of columns with the largest mutual information.

    \b
    A terminal gets a table, a pipe gets tab-separated values; notes go to
    stderr. --out writes the pairs as .csv, .tsv or .parquet, or the matrix of
    all columns as .npy, with the names of its rows and columns in a
    .columns.json beside it.

    \b
    [bold]Examples[/]
      fastinfo pairwise table.csv --top 20
      fastinfo pairwise table.parquet --columns age,height,city --base 2
      fastinfo pairwise table.csv --all --bins uniform:16 --out pairs.tsv
      fastinfo pairwise table.csv --out matrix.npy
    """  # noqa: D301 (\b is typer's mark: keep these lines)
    is_matrix = out is not None and out.suffix.lower() == output.MATRIX_ENDING
    if top is not None and (all_pairs or is_matrix):
        other = "--all" if all_pairs else f"--out {out}, the matrix of all columns,"
        raise ValueError(f"--top {top} and {other} exclude each other")
    _require_out(out, table, (*output.LIST_ENDINGS, output.MATRIX_ENDING))
    request = Request(bins, unit, estimator, missing, backend, threads, no_progress)
    data = request.prepare(table, layout, columns, None, weights, max_categories)
    names = data.table.column_names
    n_pairs = len(names) * (len(names) - 1) // 2
    if is_matrix or all_pairs:
        matrix = request.measure(pairwise.pairwise_mutual_information, data, n_pairs)
        left, right = np.triu_indices(len(names), 1)
        values = matrix[left, right]
        best = np.argsort(-values, kind="stable")  # NaN last
        pairs = [(names[left[i]], names[right[i]]) for i in best]
        values = values[best].tolist()
    else:
        found = request.measure(pairwise.top_pairs, data, n_pairs, k=top or 10)
        pairs, values = [(p.left, p.right) for p in found], [p.value for p in found]
        if len(found) < min(top or 10, n_pairs):
            absent = _counted(n_pairs - len(found), "pair")
            request.note(f"no value for {absent} without complete rows")
    if out is not None and is_matrix:
        output.write_matrix(matrix, names, out)
        request.note(
            f"wrote the {len(names)} × {len(names)} matrix in {unit} to {out}, and the names of "
            f"its rows and columns to {output.names_beside(out)}"
        )
        request.tell(None)
        return
    what = "All" if all_pairs else "Strongest"
    title = f"{what} pairs of {reading.title(table)} by mutual information"
    request.deliver(Listing(title, ("left", "right"), pairs, values, unit), out)


@app.command("score")
@reads_a_table
def score_command(
    table: TableFile,
    target: Annotated[
        str, typer.Option(metavar="COLUMN", help="The column to know about.", show_default=False)
    ],
    columns: Columns = None,
    out: Out = None,
    bins: Bins = None,
    unit: Unit = "nats",
    estimator: Estimator = "ml",
    missing: Missing = "omit",
    weights: Weights = None,
    max_categories: MaxCategories = 50,
    backend: BackendName = None,
    threads: Threads = None,
    no_progress: NoProgress = False,
    *,
    layout: Layout,
) -> None:
    """All other columns, ranked by their mutual information with one column.

    \b
    A terminal gets a table, a pipe gets tab-separated values; notes go to
    stderr. --out writes .csv, .tsv or .parquet.

    \b
    [bold]Examples[/]
      fastinfo score table.csv --target price
      fastinfo score table.csv --target price --columns area,rooms --base 2
      fastinfo score table.csv --target price --out scores.csv
    """  # noqa: D301 (\b is typer's mark: keep these lines)
    _require_out(out, table, output.LIST_ENDINGS)
    request = Request(bins, unit, estimator, missing, backend, threads, no_progress)
    data = request.prepare(table, layout, columns, target, weights, max_categories)
    others = [name for name in data.table.column_names if name != target]
    (scores,) = request.measure(
        lambda both, **options: pairwise.pairwise_mutual_information(
            both.select([target]), both.select(others), **options
        ),
        data,
        len(others),
    )
    best = np.argsort(-scores, kind="stable")  # NaN last
    title = f"Columns of {reading.title(table)} by mutual information with {target}"
    ranked = [(others[i],) for i in best]
    request.deliver(Listing(title, ("column",), ranked, scores[best].tolist(), unit), out)


@app.command("info")
def info_command() -> None:
    """Versions, usable backends, threads, and where compiled kernels are kept."""
    found = fastinfo.backends()
    default = choose().name
    lines = {
        "fastinfo": fastinfo.__version__,
        "Python": f"{sys.version.split()[0]} on {sys.platform}",
        **{name: _version(name) for name in ("numpy", "numba", "narwhals", "pyarrow")},
        **{
            f"backend {name}": ("" if usable else "not usable: ")
            + detail
            + (" (default)" if name == default else "")
            for name, usable, detail in found
        },
        "threads": str(usable_cores()),
    }
    if any(name == "numba" and usable for name, usable, _ in found):
        from fastinfo.backends.numba.jit import cache_folder

        lines["compiled kernels"] = cache_folder() or "not kept: no folder can be written"
    width = max(map(len, lines)) + 2
    for name, value in lines.items():
        print(f"{name:{width}}{value}")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _require_out(out: Path | None, table: Path, endings: Collection[str]) -> None:
    if out is None:
        return
    output.require_ending(out, tuple(endings))
    if out.resolve() == table.resolve():
        raise ValueError(f"--out: {out} is the table itself, which would be lost")


class Request:
    """One run of a command that measures: its options, checked, and what it tells on the way."""

    def __init__(
        self,
        bins: str | None,
        unit: str,
        estimator: str,
        missing: str,
        backend: str | None,
        threads: int | None,
        no_progress: bool,
    ) -> None:
        self.stdout, self.stderr = output.consoles()
        self.missing = missing
        self.bins = int(bins) if bins is not None and bins.isdecimal() else bins
        if isinstance(self.bins, str) and bin_arguments.named_rule(self.bins) is None:
            raise ValueError(
                f"--bins {self.bins}: accepted are a number of bins of equal width, uniform[:N], "
                f"quantile[:N], or a rule of NumPy ({', '.join(NUMPY_RULES)})"
            )
        self.backend = choose(backend).name
        self.threads = threads or usable_cores()
        self.options: dict[str, Any] = {
            "bins": self.bins,
            "base": UNITS[unit],
            "estimator": estimator,
            "nan_policy": missing,
            "backend": self.backend,
            "n_jobs": self.threads,
            "progress": self.stderr.is_terminal and not no_progress,
        }
        self.notes: list[str] = []
        self.summary = ""

    def note(self, text: str) -> None:
        """Keep a note until the answer is there: an error is to stand alone."""
        self.notes.append(f"note: {text}")

    def tell(self, listing: Listing | None) -> None:
        """Print the notes, the answer if it goes to the terminal or a pipe, and what has run."""
        for line in self.notes:
            output.note(line, self.stderr)
        if listing is not None:
            output.show(listing, self.stdout)
        output.note(self.summary, self.stderr)

    def prepare(
        self,
        path: Path,
        layout: Layout,
        columns: str | None,
        target: str | None,
        weights: str | None,
        max_categories: int,
    ) -> preparation.Prepared:
        """Read the table and choose its columns."""
        wanted = None if columns is None else preparation.split_names(columns)
        with progress.shown(self.options["progress"], "bytes") as report:
            found = reading.read(path, layout, report)
        try:
            data = preparation.prepare(found.table, wanted, target, weights, max_categories)
        except ValueError as error:
            # What was guessed while reading may be why.
            raise ValueError("; ".join([str(error), *found.notes])) from error
        for decision in found.notes:
            self.note(decision)
        for decision in data.notes:
            self.note(decision)
        if data.incomplete:
            count = f"{len(data.incomplete)} of {data.table.num_columns} columns"
            what = f"{count} have missing values ({output.listed(data.incomplete)})"
            if self.missing == "raise":
                raise ValueError(f"{what}; --nan-policy omit leaves out the rows that a pair lacks")
            follows = {"omit": "a pair leaves out the rows that it lacks"}
            self.note(f"{what}; {follows.get(self.missing, 'their pairs have no value')}")
        self._require_bins_for(found.table.num_rows)
        if self.bins is not None and not data.has_floats:
            raise ValueError(
                f"--bins {self.bins}: no column is floating-point; --max-categories bins integers "
                "with more different values"
            )
        self.options["sample_weight"] = data.weights
        return data

    def _require_bins_for(self, n_rows: int) -> None:
        count = str(self.bins).rpartition(":")[2]
        if count.isdecimal() and int(count) > n_rows:
            raise ValueError(
                f"--bins {self.bins}: the table has {_counted(n_rows, 'row')}; accepted are at "
                "most as many bins as rows"
            )

    def measure(
        self, function: Callable[..., Any], data: preparation.Prepared, n_pairs: int, **more: Any
    ) -> Any:
        """Call a function of `fastinfo.pairwise` on the prepared table."""
        start = time.perf_counter()
        result = function(data.table, **self.options, **more)
        seconds = time.perf_counter() - start
        rows, columns = data.table.shape
        self.summary = (
            f"{self.backend}, {_counted(self.threads, 'thread')}: {_counted(rows, 'row')}, "
            f"{_counted(columns, 'column')}, {_counted(n_pairs, 'pair')} in {seconds:.2f} s"
        )
        return result

    def deliver(self, listing: Listing, out: Path | None) -> None:
        """Write the answer to a file, or print it."""
        if out is None:
            self.tell(listing)
            return
        output.write_listing(listing, out)
        self.note(f"wrote {_counted(len(listing.values), 'row')} in {listing.unit} to {out}")
        self.tell(None)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
