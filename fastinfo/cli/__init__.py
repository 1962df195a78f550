"""The command line: from a table in a file to its strongest pairs.

`commands` holds the commands, `selection` the choice of columns, `output` shows and stores the
answer, and `request` runs a command. `fastinfo.inputs.preparation` decides how each column is
treated, as for tables in Python. This module holds the entry point and the exit codes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

BAD_REQUEST = 2
"""Exit code of errors that the caller can correct."""

INTERRUPTED = 130
BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``fastinfo`` on the command line; by default those of this process.

    Returns
    -------
    int
        0, `BAD_REQUEST`, `INTERRUPTED` or `BROKEN_PIPE`.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        try:
            from fastinfo.cli.commands import UsageError, app
            from fastinfo.cli.options import in_todays_words
        except ImportError as error:
            message = f"the command line needs typer and rich ({error})"
            return _refuse(f"{message}: pip install typer rich")
        try:
            words = in_todays_words(arguments)
            code = app(words or ["--help"], prog_name="fastinfo", standalone_mode=False) or 0
            sys.stdout.flush()
        except UsageError as error:
            command = getattr(getattr(error, "ctx", None), "command_path", "fastinfo")
            return _refuse(f"{error.format_message()} (see {command} --help)")
        except (BrokenPipeError, SystemExit) as error:
            # typer turns a broken pipe inside a command into an exit.
            if not any(isinstance(e, BrokenPipeError) for e in (error, error.__context__)):
                raise
            # The reader has closed the pipe. Python would raise again when it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return BROKEN_PIPE
        except (ValueError, TypeError, ImportError, OSError, MemoryError) as error:
            return _refuse(str(error) or type(error).__name__)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:  # typer returns this code too, for Ctrl-C inside a command
        print("fastinfo: interrupted", file=sys.stderr)
    return int(code)


def _refuse(message: str) -> int:
    print("fastinfo: error:", " ".join(message.split()), file=sys.stderr)
    return BAD_REQUEST
