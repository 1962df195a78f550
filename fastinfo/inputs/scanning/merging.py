"""The facts of a column found by several readers, each of some of its rows, as one.

Rows are in the order of the readers. What comes in is never changed, since a reader's facts may be
asked for twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import EXACT_IN_FLOATS
from fastinfo.inputs.scanning.facts import LARGE, StreamedFacts, ValueCounts, repeated
from fastinfo.inputs.scanning.mergeable import MergeableSketch
from fastinfo.inputs.scanning.sketch import BUFFER
from fastinfo.inputs.scanning.sources import unite_types

HostArray = np.ndarray[Any, Any]

CELL = 1 << 51
"""Very large integers are kept as distances from a multiple of this, so that most readers have the
same one. Distances are exact in floats."""

AT_ONCE = 1 << 20
"""Numbers that go from sketch to sketch at once."""


class Looked(NamedTuple):
    """What one reader has found out of a column."""

    kind: Any
    """Its Arrow type."""
    facts: StreamedFacts | None
    """None for a type that is not measured."""
    whole: StreamedFacts | None = None
    """Of floats without a fraction, the facts of the same numbers as integers, which they may be:
    pandas stores integers as floats where some are missing."""
    first: Any = None
    """The first integer, if none is missing."""


def base_of(first: int) -> int:
    """The number from which the sketch of a column of integers counts distances."""
    return first // CELL * CELL if abs(first) >= LARGE else 0


def merged(parts: Sequence[Looked], name: str) -> Looked:
    """One for all of some readers, in their order.

    Raises
    ------
    ValueError
        For types that do not go together.
    """
    total = parts[0]
    for part in parts[1:]:
        total = _of_both(total, part, name)
    return total


def _of_both(left: Looked, right: Looked, name: str) -> Looked:
    kind = unite_types(left.kind, right.kind)
    ours, theirs = left.facts, right.facts
    if kind is None or (ours and theirs and _differ(ours, theirs)):
        raise ValueError(
            f"{name} is {left.kind} in some partitions and {right.kind} in others, which do not go "
            "together: bring all to one type"
        )
    if ours is None or theirs is None:
        return Looked(kind, None)
    goes_on = _goes_on(left, right)
    whole = None
    if left.whole or right.whole:
        one, other = left.whole or ours, right.whole or theirs
        if all(_is_integer(side) or not side.n_present() for side in (one, other)):
            whole = add(one, other, goes_on)
    if is_floating(kind):
        ours, theirs = floated(ours), floated(theirs)
    first = left.first if left.facts and left.facts.n_rows else right.first
    return Looked(kind, add(ours, theirs, goes_on), whole, first)


def _differ(one: StreamedFacts, other: StreamedFacts) -> bool:
    """Whether one is of labels and the other of numbers."""
    have_samples = bool(one.n_present() and other.n_present())
    return have_samples and one.is_text != other.is_text


def is_floating(kind: Any) -> bool:
    """Whether an Arrow type is that of floating-point numbers."""
    import pyarrow as pa

    return bool(pa.types.is_floating(kind))


def _is_integer(facts: StreamedFacts) -> bool:
    return not facts.is_text and facts.dtype is not None and facts.dtype.kind in "iu"


def _goes_on(left: Looked, right: Looked) -> tuple[bool, bool]:
    """Whether integers rise, and whether they fall, from the last on the left to the next one."""
    ours, theirs = left.whole or left.facts, right.whole or right.facts
    if not (ours and theirs and ours.n_rows and theirs.n_rows):
        return True, True
    if ours.last is None or right.first is None:
        return False, False
    return bool(right.first > ours.last), bool(right.first < ours.last)


def add(
    left: StreamedFacts, right: StreamedFacts, goes_on: tuple[bool, bool] = (False, False)
) -> StreamedFacts:
    """The facts of the rows of both. ``goes_on`` says whether the second go on to rise and fall."""
    total = empty_like(left)
    for one in (left, right):
        total.n_rows += one.n_rows
        total.n_missing += one.n_missing
        if one.dtype is not None and one.n_rows > one.n_missing:
            total.dtype = (
                one.dtype if total.dtype is None else np.promote_types(total.dtype, one.dtype)
            )
        total.is_finer = total.is_finer or one.is_finer
        total.is_beyond_labels = total.is_beyond_labels or one.is_beyond_labels
    total.dtype = total.dtype or left.dtype or right.dtype
    limits = [one for one in (left, right) if one.low is not None]
    if limits:
        total.low = min(one.low for one in limits)
        total.high = max(one.high for one in limits)
    total.rises = left.rises and right.rises and goes_on[0]
    total.falls = left.falls and right.falls and goes_on[1]
    total.last = right.last if right.n_rows else left.last
    if left.labels is not None or right.labels is not None:
        total.labels = dict(left.labels or {})
        for key, count in (right.labels or {}).items():
            total.labels[key] = total.labels.get(key, 0) + count
        total.settle_labels()
        return total
    _add_numbers(total, left, right)
    return total


def _add_numbers(total: StreamedFacts, left: StreamedFacts, right: StreamedFacts) -> None:
    """Add up counted numbers, and sketches where there are too many."""
    total.base = right.base if left.base is None else left.base
    for one in (left, right):
        total.values.include(one.values)
    total.values.is_full |= left.values.is_full or right.values.is_full
    total.values.shorten()
    if not total.keeps_quantiles:
        return
    for one in (left, right):
        if total.values.is_full and not one.values.is_full and one.values.values is not None:
            for some in repeated(one.values):
                total.to_sketch(some)
        _merge_sketch(total, one)


def _merge_sketch(total: StreamedFacts, one: StreamedFacts) -> None:
    if not one.sketch.n:
        return
    shift = (one.base or 0) - (total.base or 0)
    if not shift:
        assert isinstance(total.sketch, MergeableSketch)
        assert isinstance(one.sketch, MergeableSketch)
        total.sketch.merge(one.sketch)
        return
    for some in _weighted(*one.sketch.counted()):
        total.sketch.update(some + float(shift))


def _weighted(values: HostArray, counts: HostArray) -> Iterator[HostArray]:
    """Numbers, each as often as it is counted, some at a time."""
    ends = np.cumsum(counts)
    for start in range(0, int(ends[-1]), AT_ONCE):
        ranks = np.arange(start, min(start + AT_ONCE, int(ends[-1])))
        yield values[np.searchsorted(ends, ranks, side="right")]


def empty_like(facts: StreamedFacts) -> StreamedFacts:
    """Facts of no rows, which look for the same."""
    found = StreamedFacts(
        facts.name,
        is_time=facts.is_time,
        is_categorical=facts.is_categorical,
        most_values=facts.values.most,
        keeps_values=facts.keeps_values,
        keeps_quantiles=facts.keeps_quantiles,
    )
    sketch: Any = facts.sketch
    found.sketch = MergeableSketch(getattr(sketch, "buffer", BUFFER))
    return found


def floated(facts: StreamedFacts) -> StreamedFacts:
    """The facts of integers as those of equal floats; of other columns themselves."""
    if not _is_integer(facts):
        return facts
    found = empty_like(facts)
    for name in ("n_rows", "n_missing", "is_finer"):
        setattr(found, name, getattr(facts, name))
    found.dtype = np.dtype(np.float64)
    found.rises = found.falls = False
    if facts.low is not None:
        found.low, found.high = np.float64(facts.low), np.float64(facts.high)
    counted = facts.values
    if counted.values is not None and facts.keeps_values:
        as_floats = ValueCounts(counted.most)
        as_floats.values, as_floats.counts = counted.values.astype(np.float64), counted.counts
        found.values.include(as_floats)
    elif counted.values is not None and not counted.is_full and facts.keeps_quantiles:
        for some in repeated(counted):
            found.to_sketch(some.astype(np.float64))
    if facts.keeps_quantiles:
        _merge_sketch(found, facts)
    return found


def is_whole(values: HostArray) -> bool:
    """Whether floats that are not missing are integers that floats hold exactly."""
    head = values[:256]
    if (np.trunc(head) != head)[~np.isnan(head)].any():
        return False
    present = values[~np.isnan(values)]
    return bool((np.abs(present) <= EXACT_IN_FLOATS).all() and (np.trunc(present) == present).all())
