"""One run of a command that measures: its checked options, its notes and its answer."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastinfo.backends import choose, compile_time
from fastinfo.cli import output, selection, streamed
from fastinfo.cli.options import UNITS
from fastinfo.cli.output import Listing
from fastinfo.cli.selection import Selection
from fastinfo.inputs import reading
from fastinfo.inputs.preparation import Prepared
from fastinfo.inputs.reading import Layout
from fastinfo.inputs.scanning import Scan
from fastinfo.system import progress
from fastinfo.system.alerts import CappedBinsWarning, SaturationWarning, listed
from fastinfo.system.limits import usable_cores

IN_OPTIONS = {
    'estimator="grassberger"': "--estimator grassberger",
    'bins="quantile"': "--bins quantile",
}
"""Arguments that warnings advise, and the options of the command line for them."""


class Request:
    """One run of a command that measures: its checked options, its notes and its answer."""

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
        self.bins = None if bins is None else selection.bins_of(bins, "--bins")
        self.backend = choose(backend).name
        self.threads = threads or usable_cores()
        self.checkpoint: Path | None = None
        self.scan: Scan | None = None
        """The table, if it is read batch by batch."""
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

    def limit_memory(self, text: str | None) -> None:
        """Take the value of ``--memory-limit``."""
        if text is not None:
            self.options["memory_limit"] = streamed.bytes_of(text)

    def note(self, text: str) -> None:
        """Keep a note until the answer is printed, so that an error is printed without notes."""
        self.notes.append(f"note: {text}")

    def tell(self, listing: Listing | None) -> None:
        """Print the notes, the answer unless it is None, and the summary of the run."""
        for line in self.notes:
            output.note(line, self.stderr)
        if listing is not None:
            output.show(listing, self.stdout)
        output.note(self.summary, self.stderr)

    def prepare(self, tables: Sequence[Path], layout: Layout, choice: Selection) -> Prepared:
        """Read the table and choose its columns, or look at those of a table read in batches."""
        whole_for = ""  # an option that needs all samples of the table at once
        if choice.weights is not None:
            whole_for = "--sample-weight"
        self.scan, why = streamed.scan_of(
            tables, layout, self.checkpoint, whole_for, self.options.get("memory_limit")
        )
        if self.scan is not None:
            found = reading.Reading(self.scan, [why])
        else:
            with progress.shown(self.options["progress"], "bytes") as report:
                found = reading.read(tables[0], layout, report)
        try:
            with self._rows_shown():
                data, weights = selection.select(found.table, choice, self.bins)
        except ValueError as error:
            # A wrong guess about the file may be the reason, so the error tells the guesses too.
            guesses = found.notes if self.scan is None else []
            raise ValueError("; ".join([str(error), *guesses])) from error
        for decision in (*found.notes, *data.notes):
            self.note(decision)
        if data.incomplete:
            count = f"{len(data.incomplete)} of {len(data.columns)} columns"
            what = f"{count} have missing values ({listed(data.incomplete)})"
            what_else = "" if choice.given is None else ", and so is what is given"
            omit = f"each pair uses only rows where both are present{what_else}"
            if self.missing == "raise":
                raise ValueError(f"{what}; with --nan-policy omit {omit}")
            self.note(f"{what}; {omit if self.missing == 'omit' else 'their pairs have no value'}")
        if weights is not None:
            self.note(
                "rows have weights: there are no corrected values, and pairs are ranked by value"
            )
        selection.require_rows(self.bins, data.n_rows, "--bins")
        if self.bins is not None and not data.has_floats:
            raise ValueError(
                f"--bins {self.bins}: no column is floating-point; --max-categories bins integers "
                "with more different values, and --kind NAME=number bins one column"
            )
        self.options["sample_weight"] = weights
        if choice.given is not None:
            self.options["given"] = choice.given_names
        return data

    @contextmanager
    def _rows_shown(self) -> Iterator[None]:
        """While rows of a scan are read: how far that has come, and how to go on if it is ended."""
        if self.scan is None:
            yield
            return
        is_shown = bool(self.options["progress"])
        with (
            streamed.ended_cleanly(self.checkpoint),
            streamed.reported(self.stderr, is_shown) as self.scan.report,
        ):
            self.scan.listener = lambda text: output.note(f"note: {text}", self.stderr)
            yield

    def measure(
        self, function: Callable[..., Any], data: Prepared, n_pairs: int, **more: Any
    ) -> Any:
        """Call a function of fastinfo on the prepared table; its warnings become notes."""
        start = time.perf_counter()
        with compile_time() as compiled, warnings.catch_warnings(record=True) as caught:
            for category in (SaturationWarning, CappedBinsWarning):
                warnings.simplefilter("always", category)
            with self._rows_shown():
                result = function(data, **self.options, **more)
        seconds = time.perf_counter() - start
        for warning in caught:
            text = str(warning.message)
            for python, option in IN_OPTIONS.items():
                text = text.replace(python, option)
            self.note(text)
        self.summary = (
            f"{self.backend}, {counted(self.threads, 'thread')}: {counted(data.n_rows, 'row')}, "
            f"{counted(len(data.columns), 'column')}, {counted(n_pairs, 'pair')} "
            f"in {seconds:.2f} s"
            + (f", {compiled():.2f} s of it to compile kernels" * (compiled() > 0))
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
    """A number with its noun, such as ``1,000 rows`` or ``1 row``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
