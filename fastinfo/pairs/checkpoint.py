"""Finished tiles on disk, so that a long run can be stopped at any moment and go on later.

They are in one SQLite file in a directory that the caller names. A tile is stored whole or not at
all, whether the run ends by itself, by Ctrl-C or by SIGKILL. A power cut may cost the last second.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 3

APPLICATION_ID = 0x66696E66
"""The application ID in the header of our SQLite files: "finf"."""

SECONDS_BETWEEN_COMMITS = 0.5
"""The least time between two commits. A transaction for each tile would take longer than to count
it."""


def fingerprint(arrays: Iterable[Any]) -> str:
    """A hash of the bytes, dtypes, shapes and order of arrays, as hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        if array is None:
            digest.update(b"none")
            continue
        contiguous = np.ascontiguousarray(array)
        digest.update(f"{contiguous.dtype.str}{contiguous.shape}".encode())
        digest.update(contiguous.data)
    return digest.hexdigest()


def require_directory(path: Path) -> None:
    """Raise ValueError if the path exists and is no directory."""
    if path.exists() and not path.is_dir():
        raise ValueError(f"checkpoint {path} is a file; name a directory")


class Checkpoint:
    """The finished tiles of one run.

    Parameters
    ----------
    directory : path
        The directory of the file; it is made if it does not exist.
    description : mapping of str to str or int
        What the values depend on. A directory with another description is refused.
    tile_cells : int or None
        The most cells of a tile, by which a new run cuts its features into tiles.
    planes : sequence of str
        The names of the planes of the measure.

    Attributes
    ----------
    tile_cells : int or None
        The number that the run was begun with. With another one none of its tiles would be found.

    Raises
    ------
    ValueError
        If the directory holds another run, or a file of another program.
    BlockingIOError
        If another process is writing to it.
    OSError
        If it cannot be read or written.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        description: Mapping[str, str | int],
        tile_cells: int | None,
        planes: Sequence[str],
    ) -> None:
        self.planes = tuple(planes)
        self.directory = Path(directory)
        require_directory(self.directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._last_commit = time.monotonic()
        self._file = self._connect()
        try:
            self._require_own()
            # A new connection is needed: the first one would keep the lock that reading took.
            self._file.close()
            self._file = self._connect()
            described = {"format": FORMAT, "planes": ", ".join(planes), **description}
            self.tile_cells = self._open(described, tile_cells)
        except sqlite3.DatabaseError as error:
            self._file.close()
            raise self._as_error_of_directory(error) from error
        except ValueError:
            self._file.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        try:
            return sqlite3.connect(self.directory / "tiles.sqlite", isolation_level=None)
        except sqlite3.DatabaseError as error:
            raise self._as_error_of_directory(error) from error

    def _as_error_of_directory(self, error: sqlite3.DatabaseError) -> Exception:
        if not isinstance(error, sqlite3.OperationalError):
            return ValueError(f"{self.directory} holds no checkpoint of fastinfo: {error}")
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return BlockingIOError(
                f"checkpoint {self.directory} cannot be opened ({error}); is another run using it?"
            )
        return OSError(f"checkpoint {self.directory} cannot be opened: {error}")

    def _require_own(self) -> None:
        """Raise ValueError if the file is another program's, before anything is written to it."""
        (application,) = self._file.execute("PRAGMA application_id").fetchone()
        (n_tables,) = self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != APPLICATION_ID and (application or n_tables):
            raise ValueError(
                f"{self.directory} holds no checkpoint of fastinfo: its tiles.sqlite is of another "
                "program; name another directory"
            )

    def _open(self, description: Mapping[str, str | int], tile_cells: int | None) -> int | None:
        # Only one process may use the file. The write-ahead log keeps it readable after a kill.
        self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute("BEGIN IMMEDIATE")
        self._file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._file.execute("CREATE TABLE IF NOT EXISTS run (description TEXT, tile_cells INTEGER)")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS tiles ("
            "left_start INTEGER, left_stop INTEGER, right_start INTEGER, right_stop INTEGER, "
            "tile_values BLOB, PRIMARY KEY (left_start, left_stop, right_start, right_stop))"
        )
        row = self._file.execute("SELECT description, tile_cells FROM run").fetchone()
        if row is None:
            row = (json.dumps(dict(description)), tile_cells)
            self._file.execute("INSERT INTO run VALUES (?, ?)", row)
        else:
            begun = json.loads(row[0])
            names = sorted(set(begun) | set(description))
            other = [name for name in names if begun.get(name) != description.get(name)]
            if other:
                differences = ", ".join(
                    f"{name} was {begun.get(name)!r} and is {description.get(name)!r}"
                    for name in other
                )
                raise ValueError(
                    f"checkpoint {self.directory} belongs to another run: {differences}. "
                    "Name another directory, or remove this one to begin anew"
                )
        self._file.execute("COMMIT")
        self._file.execute("BEGIN")
        return None if row[1] is None else int(row[1])

    def load(self, left: slice, right: slice) -> dict[str, Any] | None:
        """The planes of a finished tile by their names, float64; None if it is not finished."""
        row = self._file.execute(
            "SELECT tile_values FROM tiles WHERE left_start = ? AND left_stop = ? "
            "AND right_start = ? AND right_stop = ?",
            (left.start, left.stop, right.start, right.stop),
        ).fetchone()
        if row is None:
            return None
        shape = (len(self.planes), left.stop - left.start, right.stop - right.start)
        return dict(zip(self.planes, np.frombuffer(row[0], "<f8").reshape(shape), strict=True))

    def store(self, left: slice, right: slice, planes: Mapping[str, Any]) -> None:
        """Store the planes of a finished tile."""
        values = np.stack([planes[name] for name in self.planes])
        self._file.execute(
            "INSERT OR REPLACE INTO tiles VALUES (?, ?, ?, ?, ?)",
            (
                left.start,
                left.stop,
                right.start,
                right.stop,
                np.ascontiguousarray(values, "<f8").tobytes(),
            ),
        )
        if time.monotonic() - self._last_commit > SECONDS_BETWEEN_COMMITS:
            self._file.execute("COMMIT")
            self._file.execute("BEGIN")
            self._last_commit = time.monotonic()

    def close(self) -> None:
        """Commit the last tiles and close the file."""
        if self._file.in_transaction:  # Ctrl-C may have come between two of them
            self._file.execute("COMMIT")
        self._file.close()
