"""Files of `PairTables`, in strata too: NumPy's ``.npz``, without pickles, written whole or not."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastinfo.accumulators.joint_counts_file import (
    UNREADABLE,
    array_from_json,
    bins_from_file,
    bins_to_json,
    specification_from_json,
    specification_to_json,
)
from fastinfo.accumulators.pair_layout import Layout
from fastinfo.accumulators.pair_tables import PairTables
from fastinfo.accumulators.strata_tables import OUTSIDE, AnyTables, StrataTables, empty_tables
from fastinfo.binning.rules import Bins, Edges
from fastinfo.counting import SparseCounts
from fastinfo.system.files import written_whole

FORMAT = "fastinfo.PairCounts/1"

FORMAT_OF_STRATA = "fastinfo.PairCounts/2"
"""The format of a file of tables in strata, which earlier versions cannot read."""


def write(
    path: str | os.PathLike[str],
    tables: AnyTables,
    described: Mapping[str, Any],
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write tables, what is said of them in types that JSON holds, and further arrays."""
    arrays: dict[str, Any] = dict(more or {})
    name = FORMAT
    if isinstance(tables, StrataTables):
        name = FORMAT_OF_STRATA
        arrays["strata"] = np.array(list(tables.parts), np.int64)
        arrays["rows"] = np.array([part.n_rows for part in tables.parts.values()], np.int64)
        for key, part in tables.parts.items():
            _put(arrays, part, _prefix(key))
    else:
        _put(arrays, tables, "")
    text = json.dumps({"format": name, "n_rows": tables.n_rows, **described})
    with written_whole(path) as file:
        np.savez(file, description=np.array(text), **arrays)


def _prefix(key: int) -> str:
    """What the names of the arrays of a stratum begin with."""
    return f"stratum{key}."


def _put(arrays: dict[str, Any], tables: PairTables, prefix: str) -> None:
    for number, table in enumerate(tables.tables):
        if isinstance(table, list):
            for pair, one in enumerate(table):
                arrays[f"{prefix}cells{number}_{pair}"] = one.cells
                arrays[f"{prefix}values{number}_{pair}"] = one.values
        else:
            arrays[f"{prefix}table{number}"] = table
    arrays[f"{prefix}margins"] = np.concatenate(tables.margins)


def describe(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is said of the tables in a file, and all its arrays.

    Raises
    ------
    ValueError
        For a damaged file, and for a file that `write` did not write.
    """
    with open(path, "rb") as stream:
        try:
            with np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            described = json.loads(str(arrays.pop("description")))
            if described["format"] not in (FORMAT, FORMAT_OF_STRATA):
                raise ValueError(f"its format is {described['format']!r}, not {FORMAT!r}")
        except UNREADABLE as error:
            raise ValueError(f"{os.fspath(path)} holds no PairCounts: {error}") from error
    return described, arrays


def fill(
    tables: AnyTables,
    described: Mapping[str, Any],
    arrays: Mapping[str, Any],
    path: str | os.PathLike[str],
) -> None:
    """Put the counts of a file into empty tables of the same layout.

    Raises
    ------
    ValueError
        For counts that do not fit.
    """
    try:
        n_rows = int(described["n_rows"])
        if not isinstance(tables, StrataTables):
            _fill(tables, arrays, "", n_rows)
            return
        keys, rows = arrays["strata"], arrays["rows"]
        _require(keys.dtype == rows.dtype == np.int64 and keys.shape == rows.shape)
        _require(int(rows.sum()) == n_rows and len(set(keys.tolist())) == keys.size)
        for key, of_stratum in zip(keys.tolist(), rows.tolist(), strict=True):
            _require(OUTSIDE <= key < tables.n_strata)
            _fill(tables.part(key), arrays, _prefix(key), of_stratum)
    except (KeyError, IndexError) as error:
        raise ValueError(f"{os.fspath(path)} holds no PairCounts: {error} is missing") from error
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)} holds no PairCounts: {error}") from error


def _fill(tables: PairTables, arrays: Mapping[str, Any], prefix: str, n_rows: int) -> None:
    for number, table in enumerate(tables.tables):
        if isinstance(table, list):
            for pair, one in enumerate(table):
                cells, values = (
                    arrays[f"{prefix}{kind}{number}_{pair}"] for kind in ("cells", "values")
                )
                _require(cells.shape == (2, values.size) and values.dtype == np.int64)
                _require(bool((values >= 0).all()) and cells.dtype == np.int64)
                inside = (cells >= 0) & (cells < np.reshape(one.shape, (2, 1)))
                _require(bool(inside.all()))
                table[pair] = SparseCounts(one.shape, cells, values)
        else:
            found = arrays[f"{prefix}table{number}"]
            _require(found.shape == table.shape and found.dtype == np.int64)
            _require(bool((found >= 0).all()))
            tables.tables[number] = found
    every, sizes = arrays[f"{prefix}margins"], [margin.size for margin in tables.margins]
    margins = np.split(every, np.cumsum(sizes)[:-1])
    for own, found in zip(tables.margins, margins, strict=True):
        _require(own.shape == found.shape and found.dtype == np.int64)
        own[:] = found
    tables.n_rows = n_rows
    for margin in (tables.margins[i] for i in tables.members):
        _require(int(margin.sum()) == n_rows)


def write_counts(
    path: str | os.PathLike[str],
    tables: AnyTables,
    bins: Sequence[Bins],
    specification: Any,
    **described: Any,
) -> None:
    """Write tables with the bins of their features, and the argument ``bins`` for later samples.

    The bins of the columns of a third variable come after those of the features.
    """
    arrays = {}
    for position, one in enumerate(bins):
        values = one.edges if isinstance(one, Edges) else one.values
        if values.dtype != object:
            arrays[f"bins{position}"] = values
    by_name = isinstance(specification, Mapping)
    described |= {
        "n_left": tables.layout.n_left,
        "specification": {str(k): specification_to_json(v) for k, v in specification.items()}
        if by_name
        else specification_to_json(specification),
        "by_name": by_name,
        "bins": [bins_to_json(one) for one in bins],
    }
    write(path, tables, described, arrays)


def read_counts(
    path: str | os.PathLike[str],
) -> tuple[AnyTables, list[Bins], Any, dict[str, Any]]:
    """What `write_counts` wrote: tables, bins, the argument ``bins``, and all other facts.

    Raises
    ------
    ValueError
        As `describe`, and for counts that do not fit their bins.
    """
    described, arrays = describe(path)
    try:
        found = [
            bins_from_file(kind, arrays.get(f"bins{position}"))[0]
            for position, kind in enumerate(described["bins"])
        ]
        wanted = described["specification"]
        third = described.get("given")
        n_features = len(found) - len(third or ())
        specification = (
            {name: specification_from_json(_array(one), 1) for name, one in wanted.items()}
            if described["by_name"]
            else specification_from_json(_array(wanted), n_features)
        )
        n_bins = list(map(len, found))
        layout = Layout(n_bins[:n_features], described["n_left"])
        tables = empty_tables(layout, None if third is None else n_bins[n_features:])
        if len(described["names"]) != n_features:
            raise ValueError("its names do not fit its bins")
    except UNREADABLE as error:
        raise ValueError(f"{os.fspath(path)} holds no PairCounts: {error}") from error
    fill(tables, described, arrays, path)
    return tables, found, specification, described


def _array(wanted: Any) -> Any:
    return array_from_json(wanted) if isinstance(wanted, dict) else wanted


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("its counts do not fit its bins")
