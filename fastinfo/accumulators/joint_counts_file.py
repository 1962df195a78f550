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
"""Errors that NumPy, zipfile and json raise for damaged, foreign and encrypted files."""


def write(
    path: str | os.PathLike[str],
    counts: Counts,
    bins: Sequence[Sequence[Bins]],
    specification: Any,
    **described: Any,
) -> None:
    """Write counts and their bins to a file, whole or not at all.

    ``specification`` is the argument ``bins``, by which later samples are binned. ``described`` are
    other facts about the counts, in types that JSON holds.
    """
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
        # Later samples are binned by it; where it gives edges, integers are too.
        "specification": specification_to_json(specification),
        "bins": [[bins_to_json(b) for b in group] for group in bins],
    }
    with written_whole(path) as file:
        np.savez(file, description=np.array(json.dumps(described)), **arrays)


def read(path: str | os.PathLike[str]) -> tuple[Counts, list[list[Bins]], Any, dict[str, Any]]:
    """The counts, the bins, the argument ``bins`` for later samples, and all other facts.

    Raises
    ------
    ValueError
        For a damaged file, and for a file that `write` did not write.
    """
    with open(path, "rb") as stream:
        try:
            with np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            described = json.loads(str(arrays["description"]), object_hook=array_from_json)
            if described["format"] != FORMAT:
                raise ValueError(f"its format is {described['format']!r}, not {FORMAT!r}")
            specification = specification_from_json(
                described["specification"], len(described["bins"])
            )
            bin_arguments.require_bins(specification)
            arguments.nan_policy(described["nan_policy"])
            if described["sparse"] not in (None, True, False) or described["n_missing"] < 0:
                raise ValueError("what it says of its samples has no meaning")
            positions: list[Any] = []
            groups: list[list[Bins]] = []
            for group in described["bins"]:
                groups.append([])
                for kind in group:
                    bins, position = bins_from_file(kind, arrays.get(f"bins{len(positions)}"))
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


def bins_to_json(bins: Bins) -> dict[str, Any]:
    """Bins as types that JSON holds; their edges or values are written as arrays."""
    if isinstance(bins, Edges):
        return {"edges": True, "uniform": bins.uniform}
    description: dict[str, Any] = {"edges": False, "uniform": False}
    if bins.values.dtype == object:
        # NumPy would write an array of objects as a pickle.
        description["labels"] = categories.to_json(bins.values)
    return description


def bins_from_file(description: dict[str, Any], values: Any) -> tuple[Bins, Any]:
    """Bins, and the position among them of each bin of the file.

    Categories are sorted now; earlier versions wrote them in any order.
    """
    if "labels" in description:
        values = categories.from_json(description["labels"])
    if values is None:
        raise ValueError("bins of a variable are missing")
    if description["edges"]:
        edges = Edges(values, description["uniform"])
        return edges, np.arange(len(edges))
    labels, positions = categories.canonical(values)
    if labels.size < values.size:
        raise ValueError(
            "two of its categories have one name, so that they cannot be told apart (earlier "
            "versions wrote 1 and '1' alike): count the samples again"
        )
    return Categories(labels), positions


def specification_to_json(bins: Any) -> Any:
    """The argument ``bins`` in types that JSON holds.

    Edges are marked as an array, because JSON writes a tuple of one entry per variable as a list.
    """
    if bin_arguments.gives_edges(bins):
        return {"array": np.asarray(bins).tolist()}
    if isinstance(bins, (tuple, list)):
        return [specification_to_json(specification) for specification in bins]
    return bins.item() if isinstance(bins, np.generic) else bins


def specification_from_json(saved: Any, n_variables: int) -> Any:
    """The argument ``bins`` that a file describes."""
    if not isinstance(saved, list):
        return saved
    # Older files do not mark edges: a list of integers was edges unless it had one per variable.
    is_numeric = len(saved) > 1 and all(isinstance(number, (int, float)) for number in saved)
    is_one_each = len(saved) == n_variables and all(isinstance(number, int) for number in saved)
    return np.array(saved) if is_numeric and not is_one_each else tuple(saved)


def array_from_json(described: dict[str, Any]) -> Any:
    """Edges where they are marked as an array, and everything else as it is."""
    return np.array(described["array"]) if list(described) == ["array"] else described


def _require_consistent(counts: Counts, bins: Sequence[Bins]) -> None:
    """Raise where the parts of a file contradict each other."""
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
