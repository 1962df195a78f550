"""The bytes of a table, from a file, a pipe or stdin, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import mmap
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

Report = Callable[[int, int], None]
"""A function that is called with the number of bytes read and the number of all bytes."""

STDIN = "-"

PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
"""The first bytes of compressed files."""

PACKED_ENDINGS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}


class Watched(io.RawIOBase):
    """A stream that reports how much of it has been read."""

    def __init__(self, stream: Any, total: int, report: Report) -> None:
        self.stream, self.total, self.report = stream, total, report
        self.done = 0

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the stream goes; the number of bytes read."""
        part = self.stream.read(len(buffer))
        buffer[: len(part)] = part
        self.done += len(part)
        self.report(self.done, self.total)
        return len(part)


def source_name(path: str | Path) -> str:
    """The name of the source for messages."""
    return "standard input" if str(path) == STDIN else str(path)


def load(path: str | Path) -> Any:
    """All bytes of a source; a regular file is mapped into memory and read on demand.

    Raises
    ------
    ValueError
        For a folder and for a file that cannot be opened.
    FileNotFoundError
        If there is no such file.
    """
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a directory; name a file")
    try:
        with open(path, "rb") as file:
            if path.is_file() and path.stat().st_size:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return file.read()
    except FileNotFoundError:
        raise FileNotFoundError(f"no such file: {path}") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error


def packing(data: Any) -> str | None:
    """The compression of the bytes, by the first of them; None where there is none."""
    return next((name for magic, name in PACKED.items() if data[: len(magic)] == magic), None)


def unpack(data: Any, packed: str, report: Report | None) -> bytes:
    """The bytes decompressed.

    Raises
    ------
    ValueError
        For bytes that end too early or are damaged.
    """
    stream: Any = io.BytesIO(data)
    if report is not None:
        stream = Watched(stream, len(data), report)
    try:
        return _opened(stream, packed).read()
    except (EOFError, OSError, lzma.LZMAError, zlib.error, ValueError) as error:
        raise ValueError(f"the {packed} data are cut off or damaged ({error})") from error


def _opened(stream: Any, packed: str) -> BinaryIO | Any:
    if packed == "gzip":
        return gzip.GzipFile(fileobj=stream)
    if packed == "bzip2":
        return bz2.BZ2File(stream)
    if packed == "xz":
        return lzma.LZMAFile(stream)
    import pyarrow as pa

    return pa.CompressedInputStream(stream, "zstd")
