"""The layout of a file, as far as the caller gives it."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

FORMATS = ("csv", "tsv", "parquet", "arrow", "feather", "json")
"""The words that ``--format`` takes; json is one record a line, or an array of records."""

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " ", r"\t": "\t"}
"""Names of delimiters, some of which are hard to type in a shell. A space stands for any number of
spaces and tabs."""


@dataclass(frozen=True)
class Layout:
    """How a file is written. Settings of None are guessed; surprising guesses are told in notes.

    Raises
    ------
    ValueError
        For a setting that no text file can have; the message names the option.
    """

    format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    """The name of a codec of Python; by default UTF-8, or what a byte-order mark says."""
    skip: int = 0
    """The number of lines before the header, which are left out."""
    header: bool = True
    comment: str | None = None
    """The text that begins a line to be skipped."""
    decimal: str = "."
    thousands: str | None = None
    null: tuple[str, ...] = ()
    """Words that mean a missing value, beside those of `fastinfo.inputs.reading.spellings`."""
    not_null: tuple[str, ...] = ()
    """Words that are values here although they are listed there."""

    def __post_init__(self) -> None:
        named = DELIMITERS.get(self.delimiter or "", self.delimiter)
        object.__setattr__(self, "delimiter", named)
        if self.format is not None and self.format not in FORMATS:
            raise ValueError(f"--format {self.format}: accepted are {', '.join(FORMATS)}")
        if named is not None and (len(named.encode()) != 1 or named in '"\r\n'):
            raise ValueError(
                f"--delimiter {named!r}: accepted are one ASCII character and the words "
                f"{', '.join(list(DELIMITERS)[:5])}"
            )
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise ValueError(
                    f"--encoding {self.encoding}: no such encoding; accepted are utf-8, utf-16, "
                    "latin-1, cp1252 and the others that Python knows"
                ) from None
        if self.comment is not None and (not self.comment or '"' in self.comment):
            raise ValueError(
                f"--comment {self.comment!r}: accepted is how the lines to skip begin, such as '#'"
            )
        if self.decimal not in (".", ","):
            raise ValueError(f"--decimal {self.decimal!r}: accepted are '.' and ','")
        if self.thousands is not None and (
            len(self.thousands) != 1 or self.thousands.isalnum() or self.thousands in "+-"
        ):
            raise ValueError(f"--thousands {self.thousands!r}: accepted is one sign, such as ','")
        if self.thousands == self.decimal:
            raise ValueError(
                f"--thousands {self.thousands!r} and --decimal {self.decimal!r} are the same sign; "
                "numbers with decimal points and decimal commas cannot be told apart"
            )
