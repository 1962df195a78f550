"""Which tables the command line reads batch by batch, and what it tells meanwhile."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastinfo.inputs.reading import STDIN, Layout
from fastinfo.inputs.scanning import Scan, scan
from fastinfo.inputs.scanning.scans import Read
from fastinfo.inputs.scanning.sources import FORMATS
from fastinfo.system.limits import free_memory

BYTES_A_VALUE = 64
"""Bytes that a value of a table takes in memory while the table is measured, about: text, copies
and codes included."""

BYTES_OF_TEXT = 8
"""Times the size of a file of text that its table takes."""

MOST_IN_MEMORY = 1 << 31
"""Bytes of a table from which on it is read batch by batch, if not less memory is free."""

TERMINATED = 143
"""Exit code after SIGTERM."""


def scan_of(
    sources: Sequence[Path],
    layout: Layout,
    checkpoint: Path | None,
    whole_for: str,
    memory_limit: int | None = None,
) -> tuple[Scan | None, str]:
    """The scan of tables that are read batch by batch, and the note that tells why.

    That are several files, folders, names with ``*``, URLs, all files with a checkpoint, and one
    file whose table would take more than a quarter of the free memory, 2 GiB or ``memory_limit``.

    ``whole_for`` is an option that needs a table in memory, or an empty string.

    Raises
    ------
    ValueError
        For an option that is for a file in memory.
    """
    texts = [_name_of(source) for source in sources]
    reason = _reason(texts, checkpoint)
    if not reason:
        found, reason = _large(texts[0], layout, memory_limit)
        if not reason:
            return None, ""
        if whole_for or found is None:
            return None, ""  # such a file is read whole, as long as the memory suffices
    if STDIN in texts:
        raise ValueError("-: stdin can be read once, and alone; name files")
    if whole_for:
        raise ValueError(f"{whole_for}: {reason} read batch by batch, and it needs a whole table")
    if layout != Layout(format=layout.format):
        raise ValueError(
            f"{reason}, and options of how a text is written are for one file that fits the memory"
        )
    kinds = {"arrow": "ipc", "feather": "ipc", None: None}
    kind = kinds.get(layout.format, layout.format)
    source: Any = texts[0] if len(texts) == 1 else texts
    # The notes tell of all missing values before the counts, and footers know nothing of NaN.
    table = scan(source, format=kind, checkpoint=checkpoint, statistics=False)
    return table, f"{reason}: read batch by batch"


def _name_of(source: Path) -> str:
    # A path has one slash where a URL has two.
    head, colon, rest = str(source).partition(":/")
    is_url = bool(colon) and len(head) > 1 and not rest.startswith("/") and head.isalnum()
    return f"{head}://{rest}" if is_url else str(source)


def _reason(texts: Sequence[str], checkpoint: Path | None) -> str:
    if len(texts) > 1:
        return f"{len(texts)} files"
    (text,) = texts
    if "://" in text:
        return "a URL"
    if os.path.isdir(text):
        return "a folder"
    if any(sign in text for sign in "*?[") and not os.path.exists(text):
        return f"the files {text}"
    return "" if checkpoint is None else "a checkpoint is kept"


def _large(text: str, layout: Layout, memory_limit: int | None = None) -> tuple[str | None, str]:
    """The format of a file that can be read batch by batch, and why it should be, or nothing."""
    if text == STDIN or not os.path.isfile(text):
        return None, ""
    kind = FORMATS.get(Path(text).suffix.lower())
    if kind is None or layout.format not in (None, "parquet", "arrow", "feather", kind):
        return None, ""
    size = os.path.getsize(text)
    needed = BYTES_OF_TEXT * size
    if kind == "parquet":
        try:
            import pyarrow.parquet as pq

            meta = pq.read_metadata(text)
            needed = meta.num_rows * meta.num_columns * BYTES_A_VALUE
        except (ImportError, OSError, ValueError):
            return None, ""  # whoever reads it whole tells what is wrong
    most = min(free_memory() // 4, MOST_IN_MEMORY, memory_limit or MOST_IN_MEMORY)
    if needed <= most:
        return None, ""
    return kind, f"the table would take about {needed / 2**30:,.1f} GiB in memory"


UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def bytes_of(text: str) -> int:
    """A number of bytes, such as ``500MB`` (10⁶ bytes) or ``2GiB`` (2³⁰ bytes).

    Raises
    ------
    ValueError
        For anything else.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmgt]?)(i?)b?", text.strip().lower())
    if found is None or not float(found[1]) or (found[3] and not found[2]):
        raise ValueError(f"--memory-limit {text}: accepted are bytes, such as 500MB, 1.5GB or 2GiB")
    return int(float(found[1]) * (1024 if found[3] else 1000) ** UNITS[found[2]])


def told(read: Read) -> str:
    """How far a pass has come, in one line."""
    speed = read.rows / read.seconds if read.seconds else 0.0
    parts = [f"{read.what}: {read.rows:,} rows"]
    if read.total:
        parts = [
            f"{read.what}: {read.rows:,} of {read.total:,} rows ({read.rows / read.total:.0%})"
        ]
    parts.append(f"{speed / 1e6:,.1f} M rows/s")
    if read.total and speed:
        parts.append(f"{(read.total - read.rows) / speed:,.0f} s left")
    memory = _memory()
    return ", ".join(parts) + (f", {memory / 2**20:,.0f} MiB" if memory else "")


def _memory() -> int:
    """Bytes of memory that this process has in use; 0 where that is not known."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def reported(console: Any, is_shown: bool) -> Iterator[Callable[[Read], None] | None]:
    """A function that shows how far a pass has come, on one line of a terminal."""
    if not is_shown:
        yield None
        return
    with console.status("") as status:
        yield lambda read: status.update(told(read))


@contextmanager
def ended_cleanly(checkpoint: Path | None) -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, and both tell how to go on."""

    def stop(number: int, frame: Any) -> None:
        raise SystemExit(TERMINATED)

    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if is_main else None
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        go_on = "with --checkpoint DIR the same command would go on where it stops"
        if checkpoint is not None:
            go_on = f"the same command goes on from {checkpoint}"
        print(f"fastinfo: stopped; {go_on}", file=sys.stderr)
        raise
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
