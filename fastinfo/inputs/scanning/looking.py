"""A first pass by several readers, each of which looks at some rows, and what all have found.

`survey` is the same pass by one reader, over a source that is read from its beginning to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from fastinfo.inputs import preparation
from fastinfo.inputs.preparation import Choices, Prepared
from fastinfo.inputs.scanning import merging
from fastinfo.inputs.scanning.facts import StreamedFacts
from fastinfo.inputs.scanning.mergeable import MergeableSketch
from fastinfo.inputs.scanning.merging import Looked
from fastinfo.inputs.scanning.on_device import on_host
from fastinfo.inputs.scanning.scans import Scan
from fastinfo.inputs.scanning.survey import Converter, dictionary_of, survey


class Block(NamedTuple):
    """Some rows of some columns, as one reader has them."""

    arrays: dict[str, Any]
    """Arrow arrays by the names of the columns."""
    n_rows: int
    may_hide_integers: bool
    """Whether floats may be integers that pandas made floats because some are missing."""


class Reduction(NamedTuple):
    """What readers make of their rows, and how it adds up over all rows."""

    columns: Sequence[str]
    first: Callable[[Block, Any], Any]
    """Makes something of some columns of a reader's rows, and of what all readers share."""
    then: Sequence[tuple[Sequence[str], Callable[[Sequence[Any], Any], Any]]]
    """Functions of what `first` made of all columns, with the columns that each of them needs; each
    has a result of its own."""
    add: Callable[[Sequence[Any]], Any]
    """Adds up results of different rows, in the order of the rows."""
    most_at_once: int
    """How many results are added at once, beside which their sum has to fit the memory."""


class Parts(Protocol):
    """A source whose rows are read in parts, by several readers."""

    schema: Any
    """The Arrow schema of the table; types are those of all parts once they have been looked at."""
    task_memory: int
    """Bytes that one reader may take beside the rows that it reads."""

    def reduce(self, reductions: Sequence[Reduction], shared: Any = None) -> list[list[Any]]:
        """The results of each reduction, one for each function of its `Reduction.then`."""
        ...


def parts_of(source: Any) -> Parts | None:
    """A source as one that is read in parts; None for one that is not."""
    found: Parts | None = source if hasattr(source, "reduce") else None
    return found


FEWEST_HELD, MOST_HELD = 1 << 14, 1 << 20
"""Numbers of a column that are held for its quantiles, beside a sketch."""

SKETCH_BYTES = 1 << 20
"""Bytes of a sketch beside the numbers that are held."""

FEWEST_AT_ONCE, MOST_AT_ONCE = 4, 16
"""How many results of different rows are added at once: more of small ones."""

FACTS_BYTES = 1 << 13
"""Bytes of the facts of a column without quantiles or many different values, about."""


class Wish(NamedTuple):
    """What is looked for in a column."""

    facts: StreamedFacts
    """Facts without rows."""
    must: bool
    """Whether a type that is not measured is an error."""


def reductions(
    wishes: Mapping[str, Wish], task_memory: int
) -> tuple[list[Reduction], dict[str, Wish]]:
    """What readers have to do to look at the columns, and the wishes that they share.

    Columns are looked at in groups, so that the facts of a group, and of as many as are added at
    once, fit the memory together. Where there are many columns, fewer numbers of each are held
    before a sketch keeps them.
    """
    limit = task_memory // (FEWEST_AT_ONCE + 1)
    planned = dict(wishes)
    quantiles = [name for name, wish in wishes.items() if wish.facts.keeps_quantiles]
    room = limit // max(len(quantiles), 1) - SKETCH_BYTES
    held = min(max(1 << max(room // 8, 1).bit_length() - 1, FEWEST_HELD), MOST_HELD)
    for name in quantiles:
        facts = merging.empty_like(wishes[name].facts)
        facts.sketch = MergeableSketch(held)
        planned[name] = wishes[name]._replace(facts=facts)
    groups: list[list[str]] = [[]]
    taken = [0]
    for name, wish in planned.items():
        needed = 8 * held + SKETCH_BYTES if wish.facts.keeps_quantiles else FACTS_BYTES
        if groups[-1] and taken[-1] + needed > limit:
            groups.append([])
            taken.append(0)
        groups[-1].append(name)
        taken[-1] += needed
    most = at_once(max(taken), task_memory)
    return [Reduction(group, look, [(group, beside)], below, most) for group in groups], planned


def at_once(n_bytes: int, task_memory: int) -> int:
    """How many results of some bytes are added at once, so that they fit beside their sum."""
    return min(max(task_memory // max(n_bytes, 1) - 1, FEWEST_AT_ONCE), MOST_AT_ONCE)


def look(block: Block, wishes: Mapping[str, Wish]) -> tuple[int, dict[str, Looked]]:
    """The number of rows of a block, and what is found out of its columns."""
    found = {
        name: _look(array, wishes[name], block.may_hide_integers)
        for name, array in block.arrays.items()
    }
    return block.n_rows, found


def _look(array: Any, wish: Wish, may_hide_integers: bool) -> Looked:
    array = on_host(array)
    facts = merging.empty_like(wish.facts)
    convert = Converter(facts.name, array.type)
    facts.is_time, facts.is_categorical = convert.is_time, convert.is_categorical
    if not len(array):
        return Looked(array.type, facts)
    if convert.is_text:
        facts.count_labels(*dictionary_of(array))
        return Looked(array.type, facts)
    try:
        column = convert(array)
    except (TypeError, ValueError):
        if wish.must:
            raise
        return Looked(array.type, None)
    values, first = column.values, None
    is_integer = column.categories is None and values.dtype.kind in "iu"
    if is_integer and column.missing is None:
        first = int(values[0])
        facts.base = merging.base_of(first)
    elif is_integer and column.missing is not None and not column.missing.all():
        facts.base = merging.base_of(int(values[~column.missing][0]))
    facts.update(column)
    facts.values.shorten()
    whole = None
    if column.is_float and may_hide_integers and values.dtype.itemsize == 8:
        whole = _as_integers(column, wish.facts)
        if whole is not None and not whole.n_missing:
            first = int(values[0])
    return Looked(array.type, facts, whole, first)


def _as_integers(column: Any, wanted: StreamedFacts) -> StreamedFacts | None:
    """The facts of floats as integers, where they are integers."""
    if not merging.is_whole(column.values):
        return None
    missing = np.isnan(column.values)
    values = np.where(missing, 0.0, column.values).astype(np.int64)
    whole = merging.empty_like(wanted)
    whole.base = 0
    whole.update(column._replace(values=values, missing=missing if missing.any() else None))
    whole.values.shorten()
    whole.dtype = np.dtype(np.int64)
    return whole


def beside(found: Sequence[tuple[int, dict[str, Looked]]], shared: Any) -> Any:
    """What was found out of different columns of the same rows."""
    require_same_rows([n_rows for n_rows, _ in found])
    return found[0][0], {name: one for _, some in found for name, one in some.items()}


def require_same_rows(numbers: Sequence[int]) -> None:
    """Raise if columns of one reader have different numbers of rows.

    Raises
    ------
    ValueError
    """
    if len(set(numbers)) > 1:
        raise ValueError(
            f"the numbers of samples differ: {', '.join(map(str, numbers))} in one partition; "
            "bring all to the same partitions"
        )


def below(found: Sequence[tuple[int, dict[str, Looked]]]) -> Any:
    """What was found out of the same columns of different rows, in their order."""
    n_rows = sum(number for number, _ in found)
    names = found[0][1]
    return n_rows, {name: merging.merged([some[name] for _, some in found], name) for name in names}


def look_at_parts(parts: Parts, wishes: Mapping[str, Wish]) -> tuple[int, dict[str, Looked]]:
    """The number of rows of a source that is read in parts, and what is known of its columns."""
    wanted, shared = reductions(wishes, parts.task_memory)
    return together([results[0] for results in parts.reduce(wanted, shared)])


def together(found: Sequence[tuple[int, dict[str, Looked]]]) -> tuple[int, dict[str, Looked]]:
    """The number of rows and what is known of each column, after all groups were looked at."""
    return found[0][0], {name: one for _, some in found for name, one in some.items()}


def survey_parts(
    scan: Scan,
    choices: Choices | None = None,
    wanted: Sequence[Any] | None = None,
    bins: Any = None,
) -> Prepared:
    """As `survey`, of a scan whose source is read in parts."""
    return survey(scan, choices, wanted, bins, look=_look_at_all)


def _look_at_all(
    scan: Scan,
    facts: dict[str, StreamedFacts],
    converters: dict[str, Converter],
    unsupported: set[str],
    kinds: Any,
    n_bins: dict[str, int | None],
    n_variables: int,
    described: Any,
    what: str,
) -> int:
    """Fill facts as `survey` wants them; the number of rows."""
    wishes = {
        name: Wish(one, preparation.by_name(kinds, name) is not None) for name, one in facts.items()
    }
    parts = parts_of(scan.source)
    assert parts is not None
    n_rows, found = look_at_parts(parts, wishes)
    if n_rows == 0:
        raise ValueError("the table has no rows; at least one sample is needed")
    found = {name: settled(one) for name, one in found.items()}
    parts.schema = with_kinds(parts.schema, found)
    for name, one in found.items():
        if one.facts is None:
            unsupported.add(name)
            continue
        facts[name] = one.facts
        one.facts.settle(n_bins[name], n_variables)
    return n_rows


def with_kinds(schema: Any, found: Mapping[str, Looked]) -> Any:
    """A schema with the types that columns turned out to have."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(field.name, found[field.name].kind) if field.name in found else field
            for field in schema
        ]
    )


def settled(one: Looked, most_integers: float = np.inf) -> Looked:
    """What is known of a column in the end: integers, where pandas made floats of integers.

    They are integers again if there are at most ``most_integers`` different ones, for tables with
    names however many there are.
    """
    import pyarrow as pa

    kind, facts, whole = one.kind, one.facts, one.whole
    if whole is not None and whole.n_missing and whole.n_present():
        is_few = not whole.values.is_full and whole.n_distinct(most_integers) <= most_integers
        if is_few or most_integers == np.inf:
            kind, facts = pa.int64(), whole
    if facts is not None:
        convert = Converter(facts.name, kind)
        facts.is_time, facts.is_categorical = convert.is_time, convert.is_categorical
    return Looked(kind, facts)
