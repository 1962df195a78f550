"""The file of `JointCounts`: NumPy's ``.npz``, without pickles."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastinfo.binning import categories
from fastinfo.binning.rules import Bins, Categories, Edges
from fastinfo.counting import Counts, DenseCounts, SparseCounts
from fastinfo.inputs import arguments, bin_arguments
from fastinfo.system.files import written_whole

FORMAT = "fastinfo.JointCounts/1"

UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, LookupError, TypeError, ValueError),
    *(AttributeError, RuntimeError, OverflowError, MemoryError, OSError),
)
"""What NumPy, zipfile and json raise over damaged and foreign files, encryption flags included."""


def write(
    path: str | os.PathLike[str],
    counts: Counts,
    bins: Sequence[Sequence[Bins]],
    specification: Any,
    **described: Any,
) -> None:
    """Write counts with their bins, how samples to come are binned, and what else JSON holds."""
    arrays: dict[str, Any] = {"values": counts.values}
    if isinstance(counts, SparseCounts):
        arrays["cells"] = counts.cells
    for position, one in enumerate(b for group in bins for b in group):
        values = one.edges if isinstance(one, Edges) else one.values
        if values.dtype != object:
            arrays[f"bins{position}"] = values
    described |= {
        "format": FORMAT,
        "shape": counts.shape,
        # What samples to come are to be binned by: edges mean it for integers too.
        "specification": _to_json(specification),
        "bins": [[_bins_to_json(b) for b in group] for group in bins],
    }
    with written_whole(path) as file:
        np.savez(file, description=np.array(json.dumps(described)), **arrays)


def read(path: str | os.PathLike[str]) -> tuple[Counts, list[list[Bins]], Any, dict[str, Any]]:
    """Counts, bins, how samples to come are binned, and what else was described.

    Raises
    ------
    ValueError
        For a file that `write` did not write, or that is damaged.
    """
    with open(path, "rb") as stream:
        try:
            with np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            described = json.loads(str(arrays["description"]), object_hook=_array_from_json)
            if described["format"] != FORMAT:
                raise ValueError(f"its format is {described['format']!r}, not {FORMAT!r}")
            specification = _from_json(described["specification"], len(described["bins"]))
            bin_arguments.require_bins(specification)
            arguments.nan_policy(described["nan_policy"])
            if described["sparse"] not in (None, True, False) or described["n_missing"] < 0:
                raise ValueError("what it says of its samples has no meaning")
            positions: list[Any] = []
            groups: list[list[Bins]] = []
            for group in described["bins"]:
                groups.append([])
                for kind in group:
                    bins, position = _bins_from_file(kind, arrays.get(f"bins{len(positions)}"))
                    groups[-1].append(bins)
                    positions.append(position)
            shape = tuple(described["shape"])
            counts: Counts
            if "cells" in arrays:
                counts = SparseCounts(shape, arrays["cells"], arrays["values"])
            else:
                counts = DenseCounts(arrays["values"].reshape(shape))
            _require_consistent(counts, [b for group in groups for b in group])
            return counts.spread(shape, positions), groups, specification, described
        except UNREADABLE as error:
            raise ValueError(f"{os.fspath(path)} holds no JointCounts: {error}") from error


def _bins_to_json(bins: Bins) -> dict[str, Any]:
    if isinstance(bins, Edges):
        return {"edges": True, "uniform": bins.uniform}
    told: dict[str, Any] = {"edges": False, "uniform": False}
    if bins.values.dtype == object:
        told["labels"] = categories.to_json(bins.values)  # as an array they would be a pickle
    return told


def _bins_from_file(told: dict[str, Any], values: Any) -> tuple[Bins, Any]:
    """Bins, and where each one of the file is among them: earlier versions kept any order."""
    if "labels" in told:
        values = categories.from_json(told["labels"])
    if values is None:
        raise ValueError("bins of a variable are missing")
    if told["edges"]:
        edges = Edges(values, told["uniform"])
        return edges, np.arange(len(edges))
    labels, positions = categories.canonical(values)
    if labels.size < values.size:
        raise ValueError(
            "two of its categories have one name, so that they cannot be told apart (earlier "
            "versions wrote 1 and '1' alike): count the samples again"
        )
    return Categories(labels), positions


def _to_json(bins: Any) -> Any:
    """Edges are lists marked as arrays; JSON makes a list of one specification a variable, too."""
    if bin_arguments.gives_edges(bins):
        return {"array": np.asarray(bins).tolist()}
    if isinstance(bins, (tuple, list)):
        return [_to_json(specification) for specification in bins]
    return bins.item() if isinstance(bins, np.generic) else bins


def _from_json(found: Any, n_variables: int) -> Any:
    """What a file says of bins, as the argument that means it now."""
    if not isinstance(found, list):
        return found
    # Files of before edges were marked: integers were edges where they were not one a variable.
    is_numeric = len(found) > 1 and all(isinstance(number, (int, float)) for number in found)
    is_one_each = len(found) == n_variables and all(isinstance(number, int) for number in found)
    return np.array(found) if is_numeric and not is_one_each else tuple(found)


def _array_from_json(found: dict[str, Any]) -> Any:
    return np.array(found["array"]) if list(found) == ["array"] else found


def _require_consistent(counts: Counts, bins: Sequence[Bins]) -> None:
    """Raise where parts of a file do not belong together."""
    values = counts.values
    if (
        values.dtype not in (np.int64, np.float64)
        or not (np.isfinite(values) & (values >= 0)).all()
    ):
        raise ValueError("its counts are no counts")
    if counts.shape != tuple(len(b) for b in bins):
        raise ValueError(f"its counts have shape {counts.shape} and do not fit its bins")
    if isinstance(counts, SparseCounts):
        cells, limits = counts.cells, np.reshape(counts.shape, (-1, 1))
        if cells.dtype != np.int64 or cells.shape != (len(bins), *values.shape):
            raise ValueError("its cells do not fit its counts")
        if not ((cells >= 0) & (cells < limits)).all():
            raise ValueError("its cells lie outside of its bins")
