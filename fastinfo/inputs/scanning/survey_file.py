"""The file of what a first pass has found, from which a later run takes it."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastinfo.inputs.scanning.facts import StreamedFacts
from fastinfo.system.files import written_whole

FORMAT = "fastinfo.survey/2"

SIMPLE = (
    *("name", "is_time", "is_categorical", "keeps_values", "keeps_quantiles", "n_rows"),
    *("n_missing", "base", "is_finer", "rises", "falls", "is_beyond_labels"),
    *("is_of_footer", "may_have_nan"),
)
"""Attributes of facts that JSON holds as they are."""

UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, LookupError, TypeError, ValueError, OSError)


def write(path: Path, described: Mapping[str, Any], facts: Mapping[str, StreamedFacts]) -> None:
    """Write the facts of columns, and what they depend on."""
    arrays: dict[str, Any] = {}
    columns = []
    for number, one in enumerate(facts.values()):
        column = {name: getattr(one, name) for name in SIMPLE}
        column["dtype"] = None if one.dtype is None else one.dtype.str
        column["is_full"], column["most"] = one.values.is_full, one.values.most
        column["labels"] = None if one.labels is None else list(one.labels.items())
        if one.low is not None:
            arrays[f"limits{number}"] = np.array([one.low, one.high])
        if one.values.values is not None:
            arrays[f"values{number}"] = one.values.values
            arrays[f"counts{number}"] = one.values.counts
        column["n_bins"] = None if one.edges is None else one.edges[0]
        if one.edges is not None:
            arrays[f"edges{number}"] = one.edges[1]
        columns.append(column)
    text = json.dumps({"format": FORMAT, "described": described, "columns": columns})
    with written_whole(path) as file:
        np.savez(file, description=np.array(text), **arrays)


def read(path: Path, described: Mapping[str, Any]) -> dict[str, StreamedFacts]:
    """The facts of columns, by their names.

    Raises
    ------
    ValueError
        For a damaged file, one of another version, and one of other data or arguments.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        text = json.loads(str(arrays["description"]))
        if text["format"] != FORMAT:
            raise ValueError(f"its format is {text['format']!r}, not {FORMAT!r}")
        known, columns = text["described"], text["columns"]
        found = {
            column["name"]: _facts(column, number, arrays) for number, column in enumerate(columns)
        }
    except UNREADABLE as error:
        raise ValueError(f"{path} holds no survey of fastinfo: {error}") from error
    now = json.loads(json.dumps(described))
    other = [name for name in now if known.get(name) != now[name]]
    if other:
        raise ValueError(
            f"checkpoint {path.parent} belongs to another run: its {', '.join(other)} differ. Name "
            "another directory, or remove this one to begin anew"
        )
    return found


def _facts(column: Mapping[str, Any], number: int, arrays: Mapping[str, Any]) -> StreamedFacts:
    facts = StreamedFacts(column["name"])
    for name in SIMPLE:
        setattr(facts, name, column[name])
    facts.dtype = None if column["dtype"] is None else np.dtype(column["dtype"])
    facts.values.is_full, facts.values.most = column["is_full"], column["most"]
    if column["labels"] is not None:
        facts.labels = {_key(key): count for key, count in column["labels"]}
    if f"limits{number}" in arrays:
        facts.low, facts.high = arrays[f"limits{number}"]
    if f"values{number}" in arrays:
        facts.values.values = arrays[f"values{number}"]
        facts.values.counts = arrays[f"counts{number}"]
    if column["n_bins"] is not None:
        facts.edges = column["n_bins"], arrays[f"edges{number}"]
    return facts


def _key(key: Any) -> Any:
    return tuple(key) if isinstance(key, list) else key
