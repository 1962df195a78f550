"""One run of a command that measures: its options, checked, and what it tells on the way."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastinfo import bin_arguments, progress, reading
from fastinfo.alerts import SaturationWarning, listed
from fastinfo.backends import choose
from fastinfo.cli import output, selection
from fastinfo.cli.options import UNITS
from fastinfo.cli.output import Listing
from fastinfo.cli.selection import Selection
from fastinfo.limits import usable_cores
from fastinfo.numpy_rules import NUMPY_RULES, CappedBinsWarning
from fastinfo.preparation import Prepared
from fastinfo.reading import Layout


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

    def prepare(self, path: Path, layout: Layout, choice: Selection) -> Prepared:
        """Read the table and choose its columns."""
        with progress.shown(self.options["progress"], "bytes") as report:
            found = reading.read(path, layout, report)
        try:
            data, weights = selection.select(found.table, choice)
        except ValueError as error:
            # What was guessed while reading may be why.
            raise ValueError("; ".join([str(error), *found.notes])) from error
        for decision in (*found.notes, *data.notes):
            self.note(decision)
        if data.incomplete:
            count = f"{len(data.incomplete)} of {len(data.columns)} columns"
            what = f"{count} have missing values ({listed(data.incomplete)})"
            omit = "each pair uses only rows where both are present"
            if self.missing == "raise":
                raise ValueError(f"{what}; with --nan-policy omit {omit}")
            self.note(f"{what}; {omit if self.missing == 'omit' else 'their pairs have no value'}")
        if weights is not None:
            self.note(
                "rows have weights: there are no corrected values, and pairs are ranked by value"
            )
        self._require_bins_for(found.table.num_rows)
        if self.bins is not None and not data.has_floats:
            raise ValueError(
                f"--bins {self.bins}: no column is floating-point; --max-categories bins integers "
                "with more different values, and --kind NAME=number bins one column"
            )
        self.options["sample_weight"] = weights
        return data

    def _require_bins_for(self, n_rows: int) -> None:
        count = str(self.bins).rpartition(":")[2]
        if count.isdecimal() and int(count) > n_rows:
            raise ValueError(
                f"--bins {self.bins}: the table has {counted(n_rows, 'row')}; accepted are at "
                "most as many bins as rows"
            )

    def measure(
        self, function: Callable[..., Any], data: Prepared, n_pairs: int, **more: Any
    ) -> Any:
        """Call a function of fastinfo on the prepared table; what it warns of is a note."""
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as told:
            for category in (SaturationWarning, CappedBinsWarning):
                warnings.simplefilter("always", category)
            result = function(data, **self.options, **more)
        seconds = time.perf_counter() - start
        for warning in told:
            self.note(str(warning.message))
        self.summary = (
            f"{self.backend}, {counted(self.threads, 'thread')}: {counted(data.n_rows, 'row')}, "
            f"{counted(len(data.columns), 'column')}, {counted(n_pairs, 'pair')} "
            f"in {seconds:.2f} s"
        )
        return result

    def deliver(self, listing: Listing, out: Path | None) -> None:
        """Write the answer to a file, or print it."""
        if out is None:
            self.tell(listing)
            return
        output.write_listing(listing, out)
        self.note(f"wrote {counted(len(listing.values), 'row')} in {listing.unit} to {out}")
        self.tell(None)


def counted(number: int, noun: str) -> str:
    """A number and what there are so many of."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
