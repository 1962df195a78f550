"""The commands of the command line.

The modules that are slow to import (Numba, Arrow) are imported when a command runs, so that
``--help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from functools import partial
from importlib import metadata
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import fastinfo
from fastinfo.backends import choose
from fastinfo.cli import output
from fastinfo.cli.options import (
    Average,
    BackendName,
    Bins,
    BinsOf,
    Checkpoint,
    Columns,
    Estimator,
    Exclude,
    Fdr,
    Given,
    Kinds,
    MaxCategories,
    MemoryLimit,
    MinSamples,
    Missing,
    NoProgress,
    Out,
    PValues,
    TableFiles,
    Threads,
    Unit,
    Weights,
    reads_a_table,
)
from fastinfo.cli.output import Listing
from fastinfo.cli.request import Request, counted
from fastinfo.cli.selection import Selection
from fastinfo.inputs import reading
from fastinfo.inputs.reading import Layout
from fastinfo.measures import nulls
from fastinfo.pairs import conditional, pairwise, ranking, scores, tested
from fastinfo.pairs import p_values as matrix_of_p_values
from fastinfo.system.alerts import listed
from fastinfo.system.limits import usable_cores

UsageError: Any = typer.BadParameter.__mro__[1]
"""The exception that typer raises for every wrong argument. Newer versions of typer export only
its subclass ``BadParameter``, so that it is taken from there."""

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
    tables: TableFiles,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="K",
            help="How many of the strongest pairs.",
            show_default="10, or every pair with --out",
        ),
    ] = None,
    all_pairs: Annotated[bool, typer.Option("--all", help="Every pair.")] = False,
    is_matrix: Annotated[
        bool,
        typer.Option("--matrix", help="Write the matrix of all columns to --out."),
    ] = False,
    normalized: Annotated[
        bool, typer.Option("--normalized", help="Information as a share of the entropies, 0 to 1.")
    ] = False,
    average: Average = "arithmetic",
    p_values: PValues = False,
    fdr: Fdr = None,
    given: Given = None,
    columns: Columns = None,
    exclude: Exclude = None,
    kinds: Kinds = [],  # noqa: B006 (typer wants a list, and copies it)
    min_samples: MinSamples = None,
    out: Out = None,
    bins: Bins = None,
    bins_of: BinsOf = [],  # noqa: B006
    unit: Unit = "nats",
    estimator: Estimator = "ml",
    missing: Missing = "omit",
    weights: Weights = None,
    max_categories: MaxCategories = None,
    backend: BackendName = None,
    threads: Threads = None,
    checkpoint: Checkpoint = None,
    memory_limit: MemoryLimit = None,
    no_progress: NoProgress = False,
    *,
    layout: Layout,
) -> None:
    """The pairs of columns that share the most information.

    \b
    Pairs are ranked by the corrected value: what is left of the mutual
    information once what chance alone gives is taken off. Their share is the
    mutual information divided by the mean of the two entropies.

    \b
    A terminal gets a table, a pipe gets tab-separated values; notes go to
    stderr. --out writes the pairs as .csv, .tsv, .parquet or .jsonl. The matrix
    of all columns is written as .npy, with the names of its rows and columns in
    a .columns.json beside it, or with --matrix as .csv, .tsv or .parquet.

    \b
    Identifiers, row numbers and constant columns are skipped, and integers with
    many values are binned; notes tell which. --kind decides otherwise.

    \b
    [bold]Examples[/]
      fastinfo pairwise table.csv --top 20
      fastinfo pairwise table.parquet --columns age,height,city --base 2
      fastinfo pairwise table.csv --kind zip=category --bins-of age=8
      fastinfo pairwise table.csv --normalized --out pairs.tsv
      fastinfo pairwise table.csv --given age
      fastinfo pairwise table.csv --fdr 0.05 --top 100
      fastinfo pairwise table.csv --matrix --out matrix.csv
    """  # noqa: D301 (\b is typer's mark: keep these lines)
    is_matrix = is_matrix or (out is not None and out.suffix.lower() == output.MATRIX_ENDING)
    if is_matrix and out is None:
        raise ValueError("--matrix needs a file: name it with --out")
    if top is not None and (all_pairs or is_matrix):
        other = "--all" if all_pairs else f"--out {out}, the matrix of all columns,"
        raise ValueError(f"--top {top} and {other} exclude each other")
    if normalized and unit != "nats":
        raise ValueError("--normalized gives shares, which have no unit: leave --base out")
    is_tested = p_values or fdr is not None
    if is_tested:
        _require_testable(is_matrix, fdr, normalized, weights, estimator)
    endings = output.MATRIX_ENDINGS if is_matrix else (*output.LIST_ENDINGS, output.MATRIX_ENDING)
    _require_out(out, tables, endings)
    request = Request(bins, unit, estimator, missing, backend, threads, no_progress)
    choice = Selection(columns, exclude, None, weights, kinds, bins_of, max_categories, given)
    request.checkpoint = checkpoint
    request.limit_memory(memory_limit)
    data = request.prepare(tables, layout, choice)
    names = [name for name in data.labels if name not in choice.given_names]
    n_pairs = len(names) * (len(names) - 1) // 2
    request.options["normalized"] = average if normalized else None
    unit = output.SHARE if normalized else unit
    if out is not None and is_matrix:
        measured: Any = pairwise.pairwise_mutual_information
        if given is not None:
            measured = conditional.pairwise_conditional_mutual_information
        if is_tested:
            measured, unit = matrix_of_p_values.pairwise_p_values, "p-values"
            for option in ("base", "estimator", "sample_weight", "normalized"):
                del request.options[option]
        matrix = request.measure(measured, data, n_pairs)
        output.write_matrix(matrix, names, out)
        beside = out.suffix.lower() == output.MATRIX_ENDING
        request.note(
            f"wrote the {len(names)} × {len(names)} matrix in {unit} to {out}"
            + (f", and the names of its rows and columns to {output.names_beside(out)}" * beside)
        )
        request.tell(None)
        return
    all_pairs = all_pairs or (out is not None and top is None)
    found = request.measure(
        pairwise.top_pairs,
        data,
        n_pairs,
        k=None if all_pairs else top or 10,
        threshold=-np.inf,
        min_samples=min_samples or (1 if all_pairs else None),
        p_values=is_tested,
        fdr=fdr,
    )
    if all_pairs and min_samples is None:
        least = ranking.least_samples(data.n_rows)
        few = [pair for pair in found if pair.n_samples < least]
        if few:
            found = [pair for pair in found if pair.n_samples >= least] + few
            request.note(
                f"{counted(len(few), 'pair')} ranked last, with fewer than "
                f"{counted(least, 'row')} where both columns are present (--min-samples)"
            )
        if fdr is None:
            found += _pairs_without_a_value(names, found, is_tested)
    elif len(found) < (n_pairs if all_pairs else min(top or 10, n_pairs)):
        least = min_samples or ranking.least_samples(data.n_rows)
        absent = counted(n_pairs - len(found), "pair")
        chance = "" if fdr is None else f"not significant at a false discovery rate of {fdr:g}, "
        request.note(
            f"{absent} not shown: {chance}without a value, or with fewer than "
            f"{counted(least, 'row')} where both columns are present (--min-samples)"
        )
    what = "All" if all_pairs else "Strongest"
    measure = (
        "normalized_" * normalized + "conditional_" * (given is not None) + "mutual_information"
    )
    ranked = "corrected " * (weights is None) + measure.replace("_", " ") + _given(choice)
    title = f"{what} pairs of {_title(tables)} by {ranked}"
    request.deliver(
        Listing(
            title,
            ("left", "right"),
            [(pair.left, pair.right) for pair in found],
            *_details(found),
            unit,
            measure,
            _tests(found) if is_tested else {},
        ),
        out,
    )


def _require_testable(
    is_matrix: bool,
    fdr: float | None,
    normalized: bool,
    weights: str | None,
    estimator: str,
) -> None:
    """Raise where pairs cannot be tested with the other options, or without scipy."""
    nulls.scipy_special("--p-values and --fdr")
    if fdr is not None and not 0 < fdr <= 1:
        raise ValueError(f"--fdr {fdr:g}: accepted is a share above 0 and up to 1")
    for is_chosen, option, why in (
        (is_matrix and fdr is not None, "--matrix", "it has all pairs: use --p-values, not --fdr"),
        (is_matrix and normalized, "--normalized", "a matrix of p-values holds no shares"),
        (weights is not None, "--weights", "chance depends on numbers of rows"),
        (estimator != "ml", "--estimator", "the plug-in information is tested"),
    ):
        if is_chosen:
            raise ValueError(f"--p-values and --fdr exclude {option} here: {why}")


def _given(choice: Selection) -> str:
    return f" given {', '.join(choice.given_names)}" if choice.given is not None else ""


def _tests(found: Sequence[Any]) -> dict[str, list[float]]:
    """The columns of p-values and q-values of the results."""
    return {
        "p_value": [one.pvalue for one in found],
        "q_value": [one.qvalue for one in found],
    }


def _pairs_without_a_value(
    names: Sequence[str], found: Sequence[Any], is_tested: bool
) -> list[Any]:
    """The pairs of ``names`` that are not among those found, with NaN as values."""
    nan = float("nan")
    known = {(pair.left, pair.right) for pair in found}
    missing: Any = partial(tested.TestedPair, pvalue=nan, qvalue=nan)
    return [
        (missing if is_tested else pairwise.RankedPair)(left, right, nan, nan, nan, 0)
        for left, right in combinations(names, 2)
        if (left, right) not in known
    ]


def _details(found: Sequence[Any]) -> tuple[list[float], list[float], list[float], list[int]]:
    """The columns of values, corrected values, shares and numbers of rows of the results."""
    return (
        [one.value for one in found],
        [one.corrected for one in found],
        [one.share for one in found],
        [one.n_samples for one in found],
    )


@app.command("score")
@reads_a_table
def score_command(
    tables: TableFiles,
    target: Annotated[
        str, typer.Option(metavar="COLUMN", help="Target column.", show_default=False)
    ],
    top: Annotated[
        int | None,
        typer.Option(min=1, metavar="K", help="How many columns.", show_default="all"),
    ] = None,
    given: Given = None,
    columns: Columns = None,
    exclude: Exclude = None,
    kinds: Kinds = [],  # noqa: B006
    min_samples: MinSamples = None,
    out: Out = None,
    bins: Bins = None,
    bins_of: BinsOf = [],  # noqa: B006
    unit: Unit = "nats",
    estimator: Estimator = "ml",
    missing: Missing = "omit",
    weights: Weights = None,
    max_categories: MaxCategories = None,
    backend: BackendName = None,
    threads: Threads = None,
    checkpoint: Checkpoint = None,
    memory_limit: MemoryLimit = None,
    no_progress: NoProgress = False,
    *,
    layout: Layout,
) -> None:
    """All other columns, ranked by how much they tell about a target column.

    \b
    Columns are ranked by the corrected value: what is left of the mutual
    information once what chance alone gives is taken off. Their share is the
    mutual information divided by the target's entropy.

    \b
    A terminal gets a table, a pipe gets tab-separated values; notes go to
    stderr. --out writes .csv, .tsv, .parquet or .jsonl.

    \b
    Identifiers, row numbers and constant columns are skipped, and integers with
    many values are binned; notes tell which. --kind decides otherwise.

    \b
    [bold]Examples[/]
      fastinfo score table.csv --target price
      fastinfo score table.csv --target price --columns area,rooms --base 2
      fastinfo score table.csv --target price --kind zip=category --top 20
      fastinfo score table.csv --target price --out scores.csv
      fastinfo score table.csv --target price --given area
    """  # noqa: D301 (\b is typer's mark: keep these lines)
    _require_out(out, tables, output.LIST_ENDINGS)
    request = Request(bins, unit, estimator, missing, backend, threads, no_progress)
    choice = Selection(columns, exclude, target, weights, kinds, bins_of, max_categories, given)
    request.checkpoint = checkpoint
    request.limit_memory(memory_limit)
    data = request.prepare(tables, layout, choice)
    found = request.measure(
        lambda both, **options: scores.score(both, target, **options),
        data,
        len(data.labels) - 1 - len(choice.given_names),
        min_samples=min_samples,
    )
    least = min_samples or ranking.least_samples(data.n_rows)
    few = [one.column for one in found if one.n_samples < least]
    if few:
        request.note(
            f"{counted(len(few), 'column')} ranked last, with fewer than "
            f"{counted(least, 'row')} where the target is present (--min-samples): {listed(few)}"
        )
    found = found[:top]
    measure = "conditional_" * (given is not None) + "mutual_information"
    ranked = "corrected " * (weights is None) + measure.replace("_", " ")
    title = f"Columns of {_title(tables)} by {ranked} with {target}{_given(choice)}"
    names = [(one.column,) for one in found]
    request.deliver(Listing(title, ("column",), names, *_details(found), unit, measure), out)


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


def _title(tables: Sequence[Path]) -> str:
    more = f" and {counted(len(tables) - 1, 'file')} more"
    return reading.title(tables[0]) + more * (len(tables) > 1)


def _require_out(out: Path | None, tables: Sequence[Path], endings: Collection[str]) -> None:
    if out is None:
        return
    output.require_ending(out, tuple(endings))
    if any(out.resolve() == table.resolve() for table in tables):
        raise ValueError(f"--out: {out} is the table itself, which would be lost")
