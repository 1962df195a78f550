"""Text that spells dates, moments and times of day → numbers.

pandas reads the dates of a file as text, and Arrow reads them as dates. The measures must be the
same for both. Only unambiguous spellings, with the year first, are read as dates.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

DATE = re.compile(r"\d{4}([-/])\d{2}\1\d{2}([ T]\d{2}(:\d{2}.*)?)?")
TIME = re.compile(r"\d{2}:\d{2}(:\d{2}(\.\d+)?)?")
BEYOND_MICROSECONDS = re.compile(r"(\.\d{6})(\d+)")

MICROSECOND = timedelta(microseconds=1)


def spelled(labels: Sequence[object]) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    """Labels as int64 microseconds ``(n,)``, or None where they are no dates or times.

    All labels must be dates and moments, or all must be times of day. Dates are counted from 1970,
    in UTC, and times of day from midnight. The unit is a nanosecond where any label is finer than
    a microsecond. None is returned where some moments name their offset from UTC and others do not.

    Examples
    --------
    >>> from fastinfo.inputs.moments import spelled
    >>> spelled(["00:00:01", "00:01"])
    array([ 1000000, 60000000])
    >>> spelled(["2024-02-29", "2023-02-29"]) is None  # there is no such day
    True
    """
    texts = [label.strip() for label in labels if isinstance(label, str)]
    if not texts or len(texts) < len(labels):
        return None
    if DATE.fullmatch(texts[0]):
        pattern, parse = DATE, _since_1970
    elif TIME.fullmatch(texts[0]):
        pattern, parse = TIME, _since_midnight
    else:
        return None
    if not all(map(pattern.fullmatch, texts)):
        return None
    matches = [BEYOND_MICROSECONDS.search(text) for text in texts]
    rests = [match[2].rstrip("0") if match else "" for match in matches]
    if max(map(len, rests)) > 3:
        return None
    try:
        moments = [parse(BEYOND_MICROSECONDS.sub(r"\1", text)) for text in texts]
    except ValueError:
        return None
    offsets = {has_offset for _, has_offset in moments}
    numbers = np.array([since // MICROSECOND for since, _ in moments], np.int64)
    if any(rests):
        numbers = numbers * 1000 + np.array([int(rest.ljust(3, "0")) for rest in rests], np.int64)
    return numbers if len(offsets) == 1 else None


def _since_1970(text: str) -> tuple[timedelta, bool]:
    moment = datetime.fromisoformat(text.replace("/", "-"))
    has_offset = moment.tzinfo is not None
    return (moment if has_offset else moment.replace(tzinfo=UTC)) - EPOCH, has_offset


def _since_midnight(text: str) -> tuple[timedelta, bool]:
    moment = datetime.combine(date.min, time.fromisoformat(text))
    return moment - datetime.combine(date.min, time.min), False


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
