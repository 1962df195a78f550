"""Progress of a long run: not shown, reported to the caller's function, or a bar by rich."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = bool | Callable[[int, int], None] | None
Report = Callable[[int, int], None]


def require(progress: Progress) -> None:
    """Check, before any work, that progress can be shown.

    Raises
    ------
    TypeError
        For anything but a boolean, None or a function.
    ImportError
        For ``progress=True`` without rich; the message says how to install it.
    """
    if progress is None or progress is False or callable(progress):
        return
    if progress is not True:
        raise TypeError(f"progress={progress!r}; accepted are True, False, None or a function")
    try:
        importlib.import_module("rich.progress")
    except ImportError as error:
        raise ImportError(f"progress=True needs rich ({error}): pip install rich") from error


@contextmanager
def shown(progress: Progress, of: str = "pairs") -> Iterator[Report | None]:
    """A function to call with the number done and the number of all, while the block runs.

    It is None where no progress is shown. ``of`` names what is counted: pairs or bytes.

    Raises
    ------
    TypeError, ImportError
        As `require`.
    """
    require(progress)
    if progress is None or progress is False:
        yield None
        return
    if callable(progress):
        yield progress
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    done_of_all = DownloadColumn() if of == "bytes" else MofNCompleteColumn()
    columns = (TextColumn(of), BarColumn(), done_of_all, TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(of, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
