"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write to; it gets the name ``path`` when the block ends, and is deleted on errors.

    Raises
    ------
    OSError
        If the folder cannot be written to, or something other than a file has the name.
    """
    path = Path(path).resolve()  # the target of a link is replaced, and the link stays
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is there and is no regular file")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.stat().st_mode if path.exists() else _mode_of_new_files())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode_of_new_files() -> int:
    """The mode that `open` gives to new files; mkstemp lets only the owner read."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
