"""The options of the commands: the name of each, the values that it accepts, its line of help."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from fastinfo.backends import REGISTRY
from fastinfo.estimators.entropies import ESTIMATORS
from fastinfo.formulas import AVERAGES
from fastinfo.inputs import arguments
from fastinfo.inputs.preparation import KINDS
from fastinfo.inputs.reading.layout import FORMATS, Layout

UNITS = {"nats": None, "bits": 2, "hartleys": 10}
"""Units by name, and the base of their logarithm."""

BASES = {"e": "nats", "2": "bits", "10": "hartleys"}

RENAMED = {
    "--unit": "--base",
    "--missing": "--nan-policy",
    "--weights": "--sample-weight",
    "--threads": "--n-jobs",
}
"""Earlier names of options, which are still accepted, and the names of today, as in Python."""


def in_todays_words(arguments: Sequence[str]) -> list[str]:
    """The arguments with earlier names of options replaced by those of today."""
    words: list[str] = []
    for position, argument in enumerate(arguments):
        if argument == "--":
            return [*words, *arguments[position:]]
        name, equals, value = argument.partition("=")
        words.append(RENAMED.get(name, name) + equals + value)
    return words


def _one_of(accepted: Collection[str]) -> dict[str, Any]:
    """The settings of an option that takes one of these words."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in accepted:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(accepted)}")
        return value

    return {"metavar": "|".join(accepted), "callback": check}


TableFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="TABLE",
        help="A file of CSV, TSV (also .gz), Parquet, Arrow, Feather or JSON lines; - is stdin. "
        "Several files, folders and large files are read batch by batch.",
        show_default=False,
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(metavar="A,B,…", help="Only these columns.", show_default="all"),
]
Exclude = Annotated[
    str | None,
    typer.Option(metavar="A,B,…", help="Skip these columns.", show_default=False),
]
PValues = Annotated[
    bool,
    typer.Option(
        "--p-values",
        help="Test each pair: its p-value, and its q-value among all pairs. Needs scipy.",
    ),
]
Fdr = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Only pairs that are significant at this false discovery rate, such as 0.05.",
        show_default=False,
    ),
]
Given = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,…",
        help="What is shared once these columns are known: conditional mutual information.",
        show_default=False,
    ),
]

Kinds = Annotated[
    list[str],
    typer.Option(
        "--kind",
        metavar="NAME=KIND",
        help=f"What a column is: {', '.join(KINDS)}. Can be given for several columns.",
        show_default=False,
    ),
]

BinsOf = Annotated[
    list[str],
    typer.Option(
        "--bins-of",
        metavar="NAME=BINS",
        help="Bins of one column, as for --bins. Can be given for several columns.",
        show_default=False,
    ),
]

MinSamples = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Rank only what has at least so many rows.",
        show_default="30, or half the rows of a smaller table",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write here instead of printing.", show_default=False),
]
Bins = Annotated[
    str | None,
    typer.Option(
        metavar="BINS",
        help="Bins of floating-point columns: a number of equal width, uniform\\[:N], "
        "quantile\\[:N], or a rule of NumPy (auto, fd, scott …).",
        show_default="quantile, ⌈n^(1/3)⌉ bins",
    ),
]


def _unit(value: str) -> str:
    """The unit of information that a base, or the name of a unit, stands for."""
    unit = BASES.get(value, value)
    if unit not in UNITS:
        raise typer.BadParameter(f"{value!r} is not one of 2, e, 10, {', '.join(UNITS)}")
    return unit


Unit = Annotated[
    str,
    typer.Option(
        "--base",
        metavar="2|e|10|bits|nats|hartleys",
        help="Base of the logarithm, or the unit of information that it gives.",
        callback=_unit,
    ),
]
Average = Annotated[
    str,
    typer.Option(help="Average of the two entropies, for --normalized.", **_one_of(AVERAGES)),
]


OF_PAIRS = [name for name in ESTIMATORS.accepted if ESTIMATORS[name].of_rows is None]
"""Names of the estimators that pairs of columns may have."""


def _estimator(value: str) -> str:
    """A name of an estimator, with parameters or without."""
    try:
        return arguments.estimator(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


Estimator = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"Estimator of the entropies: {', '.join(OF_PAIRS)}. Those from shrinkage on may be "
        "followed by the number of possible values, as in nsb:20.",
        callback=_estimator,
    ),
]
Missing = Annotated[
    str,
    typer.Option(
        "--nan-policy",
        help="Missing values: each pair uses only rows where both are present, or refuse the "
        "table, or give pairs with missing values no value.",
        **_one_of(("omit", "raise", "propagate")),
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--sample-weight", metavar="COLUMN", help="Weights of the rows.", show_default=False
    ),
]
MaxCategories = Annotated[
    int | None,
    typer.Option(
        min=2,
        metavar="N",
        help="Integers with more different values than this are binned.",
        show_default="50, fewer in short tables",
    ),
]
BackendName = Annotated[
    str | None,
    typer.Option(
        "--backend", help="Kernels to use.", show_default="the fastest", **_one_of(tuple(REGISTRY))
    ),
]
Threads = Annotated[
    int | None,
    typer.Option("--n-jobs", min=1, metavar="N", help="Threads to use.", show_default="all cores"),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="DIR",
        help="Keep here what was counted. The same command goes on from there after it was "
        "stopped, even by a kill.",
        show_default=False,
    ),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="BYTES",
        help="The most that counts may take, such as 500MB or 2GiB. More are counted "
        "in several passes, and a table that would not fit is read batch by batch.",
        show_default="a quarter of the free memory",
    ),
]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Show no progress bar.")]


def _layout_option(*names: str, **options: Any) -> Any:
    return typer.Option(*names, rich_help_panel="How the file is written", **options)


LAYOUT: dict[str, tuple[Any, Any]] = {
    "format": (
        str | None,
        _layout_option(
            "--format", help="Kind of file.", show_default="by its name", **_one_of(FORMATS)
        ),
    ),
    "delimiter": (
        str | None,
        _layout_option(
            "--delimiter",
            metavar="CHAR",
            help="What separates columns: a character, or comma, semicolon, tab, pipe, space.",
            show_default="guessed",
        ),
    ),
    "encoding": (
        str | None,
        _layout_option(
            "--encoding",
            metavar="NAME",
            help="Encoding of text, such as latin-1.",
            show_default="utf-8, or utf-16 by its byte-order mark",
        ),
    ),
    "skip": (
        int,
        _layout_option("--skip", min=0, metavar="N", help="Leave out the first lines of a text."),
    ),
    "no_header": (
        bool,
        _layout_option(
            "--no-header", help="The first row holds values; columns are called column 1, …"
        ),
    ),
    "comment": (
        str | None,
        _layout_option(
            "--comment",
            metavar="TEXT",
            help="Skip lines that begin with this, such as '#'.",
            show_default=False,
        ),
    ),
    "decimal": (
        str,
        _layout_option("--decimal", metavar="CHAR", help="The decimal sign of numbers."),
    ),
    "thousands": (
        str | None,
        _layout_option(
            "--thousands",
            metavar="CHAR",
            help="What separates thousands in numbers.",
            show_default="nothing",
        ),
    ),
    "null": (
        list[str] | None,
        _layout_option(
            "--null",
            metavar="WORD",
            help="One more word for a missing value; may be given again.",
            show_default="NA, NaN, null, ? …",
        ),
    ),
    "not_null": (
        list[str] | None,
        _layout_option(
            "--not-null",
            metavar="WORD",
            help="A word that is a value here, such as NA; may be given again.",
            show_default=False,
        ),
    ),
}
"""The options that make a `Layout`: the type of each, and its settings for typer."""


def reads_a_table(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options that make a `Layout` instead of its parameter ``layout``."""
    own = inspect.signature(command, eval_str=True).parameters.values()
    defaults = {"skip": 0, "no_header": False, "decimal": "."}
    more = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(name),
            annotation=Annotated[kind, option],
        )
        for name, (kind, option) in LAYOUT.items()
    ]

    @wraps(command)
    def with_layout(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in LAYOUT}
        given["header"] = not given.pop("no_header")
        for words in ("null", "not_null"):
            given[words] = tuple(given[words] or ())
        command(**arguments, layout=Layout(**given))

    parameters = [parameter for parameter in own if parameter.name != "layout"] + more
    with_layout.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_layout.__annotations__ = {p.name: p.annotation for p in parameters}
    del with_layout.__wrapped__
    return with_layout
