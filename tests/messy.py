"""Files as strangers write them, made by a seeded generator, and what is meant by them.

Imports nothing of fastinfo: the meaning of a file is written down before the file is.
"""

import bz2
import csv
import gzip
import io
import lzma
import random
from datetime import date, timedelta
from typing import NamedTuple

MISSING = ("", "NA", "NaN", "null", "N/A", "None", "?", "-", "--", ".", "<NA>", "nil", "#N/A")
"""Words for a missing value in columns of numbers and dates."""

MISSING_TEXT = ("", "NA", "null", "N/A", "?", "<NA>")
"""Words for a missing value that are one among texts too."""


class Messy(NamedTuple):
    """One file."""

    name: str
    content: bytes
    options: tuple[str, ...]
    """What has to be said on the command line for it to be read as it is meant."""
    columns: dict[str, list] | None
    """What is meant; None where the file is damaged and may be refused."""


def files(count, seed=20):
    """``count`` files; every fifth is damaged."""
    return [file(random.Random(f"{seed} {number}"), number) for number in range(count)]


def file(r, number):
    """One file by a generator of random numbers."""
    n = r.choice([2, 7, 40, 150])
    delimiter = r.choice([",", ",", ";", "\t", "|"])
    decimal = "," if delimiter == ";" and r.random() < 0.5 else "."
    newline = r.choice(["\n", "\n", "\r\n", "\r"])
    encoding = r.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
    columns, texts, options = {}, [], []
    for place in range(r.randint(2, 6)):
        values, cells = KINDS[r.choice(list(KINDS))](r, n, decimal)
        columns[header_name(r, place)] = values
        texts.append(cells)
    names = list(columns)
    if decimal == ",":
        options += ["--decimal", ","]
    if encoding == "latin-1":
        options += ["--encoding", "latin-1"]
    rows = [list(row) for row in zip(*texts, strict=True)]
    shown = [f" {name} " if r.random() < 0.2 else name for name in names]
    if r.random() < 0.2 and len(names) > 2:
        shown[2] = shown[1]
        columns = dict(
            zip([*names[:2], f"{names[1]}.1", *names[3:]], columns.values(), strict=True)
        )
    has_header = r.random() < 0.85
    if not has_header:
        options.append("--no-header")
        columns = {f"column {i}": v for i, v in enumerate(columns.values(), start=1)}
    out = io.StringIO(newline="")
    quoting = r.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    if newline == "\r":
        quoting = csv.QUOTE_ALL  # csv quotes no line feed where that ends no line
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting)
    if r.random() < 0.15 and newline != "\r" and not any(row[0][:1] == "#" for row in rows):
        out.write(f"# made by a machine, for nobody; 1{delimiter}2{newline}")
        options += ["--comment", "#"]
    writer.writerows([shown, *rows] if has_header else rows)
    if r.random() < 0.2:
        out.write(newline)
    text = out.getvalue()
    if r.random() < 0.1:
        text = text.rstrip("\r\n")
    content = text.encode(encoding, "replace")
    if encoding in ("latin-1", "cp1252"):
        text = content.decode(encoding)
    ending = r.choice([".csv", ".csv", ".txt", ".tsv", ".data", ""])
    pack, packed_ending = r.choice(
        [(None, "")] * 5
        + [(gzip.compress, ".gz"), (gzip.compress, ""), (bz2.compress, ".bz2")]
        + [(lzma.compress, ".xz")]
    )
    if number % 5 == 4:
        content, columns = DAMAGES[number // 5 % len(DAMAGES)](r, content), None
    if pack is not None:
        content = pack(content)
        if columns is None and r.random() < 0.5:
            content = content[: len(content) // 2]
    return Messy(f"{number}{ending}{packed_ending}", content, tuple(options), columns)


def header_name(r, place):
    """A name that no other place has."""
    return r.choice(["x", "Größe", "the name, of it", 'a "quoted" one', "tax in %"]) + f" {place}"


# --- columns: what is meant, and how it is written ----------------------------------------------


def scattered(r, values, cells, words):
    """Some values become missing; one word for all of a column."""
    word, share = r.choice(words), r.choice([0, 0, 0.1, 0.4])
    gone = [r.random() < share for _ in values]
    if all(gone):
        gone[0] = False
    return (
        [None if g else v for v, g in zip(values, gone, strict=True)],
        [word if g else c for c, g in zip(cells, gone, strict=True)],
    )


def integers(r, n, _):
    """Small and large ones."""
    top = r.choice([3, 1000, 2**40, 2**62])
    values = [r.randint(-top, top) for _ in range(n)]
    return scattered(r, values, [str(v) for v in values], MISSING)


def unsigned(r, n, _):
    """Integers that only uint64 holds."""
    values = [2**63 + r.randint(0, 9) for _ in range(n)]
    return scattered(r, values, [f" {v}" if r.random() < 0.1 else str(v) for v in values], MISSING)


def floats(r, n, decimal):
    """Numbers with a decimal sign."""
    values = [float(f"{r.gauss(0, 100):.{r.randint(1, 12)}f}") for _ in range(n)]
    cells = [repr(v).replace(".", decimal) if abs(v) > 1e-4 else f"0{decimal}0" for v in values]
    values = [float(c.replace(decimal, ".")) for c in cells]
    values[0], cells[0] = 0.5, f"0{decimal}5"
    return scattered_but_first(r, values, cells)


def scattered_but_first(r, values, cells):
    """The first stays, so that floats stay floats."""
    more, texts = scattered(r, values, cells, MISSING)
    return [values[0], *more[1:]], [cells[0], *texts[1:]]


def dates(r, n, _):
    """ISO dates."""
    values = [date(2020, 1, 1) + timedelta(r.randint(0, 500)) for _ in range(n)]
    return scattered(r, values, [v.isoformat() for v in values], MISSING)


def texts(r, n, _):
    """Words, some with signs that make cells hard to read."""
    words = r.choice(
        [
            ["red", "green", "blue"],
            ["+", "-"],
            ["None", "BrkFace", "Stone"],
            ["a;b", "c,d", "e\tf", "g|h"],
            ['say "no"', "it's"],
            ["Köln", "Málaga", "Århus"],
            ["two\nlines", "one"],
        ]
    )
    values = [r.choice(words) for _ in range(n)]
    values[0] = words[-1] if words[-1] != "-" else "+"
    more, cells = scattered(r, values, values, MISSING_TEXT)
    return [values[0], *more[1:]], [values[0], *cells[1:]]


def foreign_dates(r, n, _):
    """Dates that are text."""
    values = [f"{r.randint(13, 28)}.{r.randint(1, 12)}.2021" for _ in range(n)]
    return values, values


def mixed(r, n, _):
    """Numbers and words are text."""
    values = [r.choice(["1", "2", "many", "3.5"]) for _ in range(n)]
    values[0] = "many"
    return values, values


def percents(r, n, _):
    """Numbers with a sign are text."""
    values = [f"{r.randint(1, 99)}%" for _ in range(n)]
    return values, values


def switches(r, n, _):
    """Booleans."""
    values = [r.random() < 0.5 for _ in range(n)]
    return scattered(r, values, [str(v).lower() for v in values], MISSING)


KINDS = {
    kind.__name__: kind
    for kind in (
        *(integers, unsigned, floats, dates, texts, foreign_dates, mixed, percents, switches),
    )
}


# --- damages ------------------------------------------------------------------------------------


def at_random(r, content, piece):
    """The piece somewhere in the content."""
    place = r.randint(0, len(content))
    return content[:place] + piece + content[place:]


DAMAGES = [
    lambda r, content: b"",
    lambda r, content: b"\xef\xbb\xbf",
    lambda r, content: content[: r.randint(1, len(content))],
    lambda r, content: at_random(r, content, b"\0"),
    lambda r, content: at_random(r, content, b'"'),
    lambda r, content: at_random(r, content, b"\xff\xfe"),
    lambda r, content: at_random(r, content, b",,,;\t|"),
    lambda r, content: at_random(r, content, b"\nx\n"),
    lambda r, content: r.randbytes(500),
    lambda r, content: b"PAR1" + content + b"PAR1",
    lambda r, content: content.split(b"\n")[0],
    lambda r, content: content.replace(b"\n", b"\r\n\n"),
    lambda r, content: b"PK\3\4" + content,
    lambda r, content: content * 2,
]
