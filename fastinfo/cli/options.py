"""The options of the commands: names, what each accepts, and its line of help."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from fastinfo.backends import REGISTRY
from fastinfo.entropies import ESTIMATORS

UNITS = {"nats": None, "bits": 2, "hartleys": 10}
"""Units by name, and the base of their logarithm."""


def _one_of(accepted: Collection[str]) -> dict[str, Any]:
    """An option that takes one of these words."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in accepted:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(accepted)}")
        return value

    return {"metavar": "|".join(accepted), "callback": check}


TableFile = Annotated[
    Path,
    typer.Argument(
        metavar="TABLE",
        help="A .csv, .tsv (also .gz), .parquet, .arrow or .feather file.",
        show_default=False,
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(metavar="A,B,…", help="Only these columns.", show_default="all"),
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
Unit = Annotated[str, typer.Option(help="Unit of information.", **_one_of(UNITS))]
Estimator = Annotated[
    str, typer.Option(help="Estimator of the entropies.", **_one_of(tuple(ESTIMATORS)))
]
Missing = Annotated[
    str,
    typer.Option(
        help="Missing values: leave out the rows that a pair lacks, refuse, or give no value.",
        **_one_of(("omit", "raise", "propagate")),
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Weights of the rows.", show_default=False),
]
MaxCategories = Annotated[
    int,
    typer.Option(
        min=2,
        metavar="N",
        help="With more different values than this, integers are binned and text is taken for an "
        "identifier and left out.",
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
    typer.Option(min=1, metavar="N", help="Threads to use.", show_default="all cores"),
]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Show no progress bar.")]
