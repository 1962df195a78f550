"""Warnings for pairs with so few samples for their cells that most information is chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from fastinfo.measures import saturation
from fastinfo.pairs.ranking import Judge, widest_pairs
from fastinfo.pairs.runs import Binned, Inputs

MOST_CHECKED = 100
"""The most pairs of a result that are checked for too few samples."""


def warn_of_pairs(given: Inputs, judge: Judge, found: Sequence[tuple[int, int, float]]) -> None:
    """Warn if values that are shown are mostly chance, and name the columns with the most bins."""
    worst = _saturated(given, judge, found[:MOST_CHECKED])
    if worst:
        names = [name for name, _ in worst.most_common()]
        saturation.warn_of_columns(names, f"{worst.total()} of the pairs shown")


def warn_of_widest_columns(
    average: str | None, given: Inputs, binned: Binned, unit: float, matrix: Any
) -> None:
    """Warn if values of a matrix are mostly chance, by pairs of the columns with the most bins."""
    judge = binned.judge(unit, average)
    if not judge.corrects or not hasattr(matrix, "__getitem__"):
        return
    n_left = given.n_left or 0
    pairs = widest_pairs(judge, n_left)
    doubtful = [pair for pair in pairs if judge.may_be_saturated(*pair)]
    try:
        found = [(i, j, float(matrix[i, j - n_left])) for i, j in doubtful]
    except Exception:  # ``out`` may be write-only, and then raise any error
        return
    worst = _saturated(given, judge, found)
    if worst:
        names = [name for name, _ in worst.most_common()]
        where = f"{worst.total()} of the {len(pairs)} pairs of the columns with the most bins"
        saturation.warn_of_columns(names, where, "fastinfo.top_pairs takes off what chance gives")


def _saturated(
    given: Inputs, judge: Judge, pairs: Iterable[tuple[int, int, float]]
) -> Counter[Any]:
    """For the pairs that are mostly chance: how often each column is the one with more bins."""
    return Counter(
        given.label(max((i, j), key=judge.n_occupied))
        for i, j, value in pairs
        if judge.is_saturated(i, j, value)
    )
