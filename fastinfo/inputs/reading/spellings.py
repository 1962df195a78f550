"""Words that mean a missing value, and texts that look like numbers or dates.

A word such as ``-`` in a column of numbers can only mean a missing value. In a column of text it
may be a category (the strand of a gene is ``+`` or ``-``). So there are three lists of words, and
a decision that is not obvious is told in a note.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastinfo.inputs.moments import spelled
from fastinfo.inputs.reading.layout import Layout

MISSING = (
    *("", "NA", "N/A", "n/a", "NULL", "Null", "null", "NaN", "nan", "-NaN", "-nan", "NaT"),
    *("#N/A", "#N/A N/A", "#NA", "1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN"),
)
"""Words for missing values in every column, as in pandas and Arrow."""

MISSING_AND_TOLD = ("?", "<NA>")
"""Words for missing values in every column, told in a note."""

MISSING_AMONG_NUMBERS = (
    *("none", "nil", "na", "n.a.", "n.d.", "missing", "unknown", "-", "--", "---", "–", "—"),
    *(".", "..", "...", "*", "#div/0!", "#num!", "#ref!", "#value!", "#null!"),
)
"""Words for missing values among numbers, dates and booleans, in any case, told in a note.

In a column of text they are categories.
"""


LARGEST_STRING_ARRAY = (1 << 31) - 1


class Words(NamedTuple):
    """The three lists, with the words that the caller adds and takes away."""

    missing: list[str]
    noted: list[str]
    among_numbers: list[str]


def words_of(layout: Layout) -> Words:
    """The words for missing values; the layout adds some and takes some away."""
    excluded = {word.strip() for word in layout.not_null}
    lower = {word.lower() for word in excluded}
    given = [word.strip() for word in layout.null]
    return Words(
        [word for word in (*MISSING, *given) if word not in excluded],
        [word for word in MISSING_AND_TOLD if word not in excluded],
        [word for word in MISSING_AMONG_NUMBERS if word not in lower],
    )


class DecidedColumn(NamedTuple):
    """A column that came as text, with its missing values and its type decided."""

    column: Any
    missing: dict[str, int]
    """The number of cells that each word made missing, for words that are told in a note."""
    categories: list[str]
    """Words that may mean a missing value and are categories here."""
    hint: tuple[str, str] | None
    """A description of the cells with an example, and advice; None for plain text."""


def decide_column(
    column: Any, layout: Layout, words: Words, infer: Callable[[Any], Any]
) -> DecidedColumn:
    """A column that came as text, with its missing values and its type decided.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of string
    layout : Layout
    words : Words
    infer : callable
        ``infer(texts)`` returns different texts in the type that Arrow finds for them in a file;
        None for text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count == len(column):
        return DecidedColumn(column, {}, [], None)
    if column.nbytes > LARGEST_STRING_ARRAY:
        column = column.cast("large_string")
    # One array first: Arrow is slow to make one dictionary of many arrays.
    encoded = pa.concat_arrays(column.chunks).dictionary_encode()
    values, positions = encoded.dictionary, encoded.indices
    counts = np.bincount(positions.drop_null().to_numpy(), minlength=len(values))
    texts = pc.utf8_trim_whitespace(values)
    silent, noted = _is_one_of(texts, words.missing), _is_one_of(texts, words.noted)
    missing = silent | noted
    doubtful = _is_one_of(pc.utf8_lower(texts), words.among_numbers) & ~missing
    plain = ~(missing | doubtful)

    def cells(mask: np.ndarray[Any, Any]) -> dict[str, int]:
        found: dict[str, int] = {}
        for position in np.flatnonzero(mask):
            word = texts[position].as_py()
            found[word] = found.get(word, 0) + int(counts[position])
        return found

    rest, counts_of_rest = texts.filter(pa.array(plain)), counts[plain]
    numbers = without_thousands(rest, layout)
    typed = None
    if len(rest) and (len(rest) < len(values) or numbers is not rest):
        typed = infer(numbers)
    if typed is not None:
        new_position = np.where(plain, np.cumsum(plain) - 1, 0)
        take = pa.array(new_position, mask=~plain).take(positions)
        return DecidedColumn(
            pa.chunked_array([typed.take(take)]), cells(noted | doubtful), [], None
        )
    if missing.any():
        values = pc.if_else(pa.array(missing), pa.scalar(None, values.type), values)
        column = pa.chunked_array([values.take(positions)])
    return DecidedColumn(column, cells(noted), list(cells(doubtful)), _hint(rest, counts_of_rest))


def without_thousands(texts: Any, layout: Layout) -> Any:
    """The texts without the sign that separates thousands; the same object without such signs."""
    import pyarrow.compute as pc

    if layout.thousands is None:
        return texts
    sign, point = re.escape(layout.thousands), re.escape(layout.decimal)
    grouped = rf"^[+-]?[0-9]{{1,3}}({sign}[0-9]{{3}})+({point}[0-9]*)?$"
    has_sign = pc.match_substring(texts, layout.thousands)
    if not pc.any(has_sign).as_py():
        return texts
    if not pc.all(pc.match_substring_regex(texts.filter(has_sign), grouped)).as_py():
        return texts
    return pc.replace_substring(texts, layout.thousands, "")


def _is_one_of(texts: Any, words: list[str]) -> np.ndarray[Any, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.is_in(texts, pa.array(words, pa.string()))
    return np.asarray(found.to_numpy(zero_copy_only=False))


PLAIN = "[+-]?[0-9]+([.][0-9]+)?"
GROUPED = "[+-]?[0-9]{1,3}([,.' \u00a0\u202f][0-9]{3})+([.,][0-9]+)?"
DATE = "[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}([ T][0-9:.]+)?( ?[AaPp][Mm])?"
MONTH = "[0-9]{1,2}[ -]?[A-Za-z]{3,9}[ -]?[0-9]{2,4}|[A-Za-z]{3,9}[.]? [0-9]{1,2},? [0-9]{2,4}"

DATES = "look like dates"

LOOKS = (
    (
        "have decimal commas",
        "[+-]?[0-9]+,[0-9]+",
        f"{PLAIN}|[+-]?[0-9]+,[0-9]+",
        "--decimal , reads them as numbers",
    ),
    (
        "have separators of thousands",
        GROUPED,
        f"{PLAIN}|{GROUPED}|[+-]?[0-9]+,[0-9]+",
        "",  # depends on the signs
    ),
    (
        "have a percent or currency sign",
        ".*[%€$£¥].*",
        r"[+-]?\s*[€$£¥]?\s*[+-]?[0-9][0-9,.' ]*\s*[%€$£¥]?",
        "they are numbers once the sign is removed from the file",
    ),
    (
        DATES,
        f"{DATE}|{MONTH}",
        f"{DATE}|{MONTH}",
        "written as 2020-12-31 they are read as dates",
    ),
)
"""Texts that may be numbers or dates: a description, the pattern that at least one cell matches,
the pattern that all cells match, and advice."""

MOSTLY = 0.8
"""The share of numbers in a column of text from which the other cells look like mistakes."""


def _about_thousands(number: str) -> str:
    sign, *others = re.findall("[^0-9+-]", number)
    decimal = " --decimal ," if "," in others and sign != "," else ""
    return f"--thousands {sign!r}{decimal} reads them as numbers"


def _hint(texts: Any, counts: np.ndarray[Any, Any]) -> tuple[str, str] | None:
    import pyarrow.compute as pc

    def matches(pattern: str) -> np.ndarray[Any, Any]:
        found = pc.match_substring_regex(texts, f"^({pattern})$")
        return np.asarray(found.to_numpy(zero_copy_only=False))

    for look, typical, every, advice in LOOKS:
        hits = matches(typical)
        if hits.any() and matches(every).all():
            if look == DATES and spelled(texts.to_pylist()) is not None:
                return None  # they are read as dates without any option
            if look.startswith("have decimal") and matches(f"{GROUPED}|[+-]?[0-9]+").all():
                continue  # 1,234 is a thousand and more in most files
            example = texts[int(hits.argmax())].as_py()
            return f"{look} (such as {example!r})", advice or _about_thousands(example)
    numbers = matches(f"{PLAIN}([eE][+-]?[0-9]+)?")
    if 1 > counts[numbers].sum() / max(1, counts.sum()) >= MOSTLY:
        other = texts[int((~numbers).argmax())].as_py()
        n_others = int(counts[~numbers].sum())
        return (
            f"hold numbers and {n_others} cell{'s' * (n_others != 1)} of text (such as {other!r})",
            "--null and the word make such cells missing",
        )
    return None
