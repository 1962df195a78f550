"""One pass over a scan, after which it is known how each column is measured, as in memory.

`fastinfo.inputs.decisions` holds the rules, for both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from fastinfo.backends.contract import EXACT_IN_FLOATS
from fastinfo.data.columns import Column
from fastinfo.inputs import arguments, bin_arguments, decisions, preparation, series
from fastinfo.inputs.decisions import Form
from fastinfo.inputs.preparation import Choices, Prepared
from fastinfo.inputs.scanning import footers, survey_file
from fastinfo.inputs.scanning.facts import MOST_LABELS, StreamedFacts
from fastinfo.inputs.scanning.on_device import DeviceColumn
from fastinfo.inputs.scanning.scans import Scan
from fastinfo.inputs.scanning.sources import Files, is_text
from fastinfo.system.limits import usable_cores
from fastinfo.system.ranges import map_threads

HostArray = np.ndarray[Any, Any]

TOO_MANY_LABELS = (
    f"skipped (text with more than {MOST_LABELS:,} different values, more than a stream holds)"
)


AT_ONCE = 32
"""Columns of Parquet that one pass looks at: each may take 9 MiB. Further passes read others."""


Look = Callable[..., int]
"""A pass that fills facts, with the arguments of `_look`; the number of rows."""


class StreamedColumn(Column):
    """A column of a scan as it will be measured; its ``values`` are empty, and have its dtype."""

    facts: StreamedFacts
    form: Form
    scan: Scan
    label: str
    """Its name in the scan."""

    @classmethod
    def of(cls, facts: StreamedFacts, form: Form, scan: Scan) -> StreamedColumn:
        """The column with what a pass has found."""
        categories = None
        if form in (Form.NUMBERS, Form.MOMENTS):
            dtype: Any = np.float64
        elif facts.is_text:
            categories, dtype = facts.canonical_labels(), np.uint32
        elif form is Form.CATEGORIES and facts.is_float:
            assert facts.values.values is not None
            categories, dtype = facts.values.values, np.uint32
        else:
            dtype = facts.dtype
        column = cls(facts.name, np.empty(0, dtype), None, categories)
        column.facts, column.form, column.scan = facts, form, scan
        column.label = facts.name
        return column


class Converter:
    """Arrow arrays of a column → columns of NumPy arrays, as tables in memory become them."""

    def __init__(self, name: str, kind: Any) -> None:
        import pyarrow as pa

        self.name = name
        self.kind = kind
        self.is_time = bool(pa.types.is_temporal(kind)) and not pa.types.is_interval(kind)
        self.is_plain = bool(pa.types.is_integer(kind) or kind in (pa.float32(), pa.float64()))
        value = kind.value_type if pa.types.is_dictionary(kind) else kind
        self.is_text = is_text(value)
        self.is_nested = bool(pa.types.is_nested(kind))
        self.is_null = bool(pa.types.is_null(kind))
        self.is_categorical = bool(pa.types.is_dictionary(kind))
        self.is_fine = self.is_time and "[ns" in str(kind)
        """Whether moments are nanoseconds, which become microseconds where all of them are."""

    def __call__(self, array: Any) -> Column:
        """The samples of a batch; moments of fine types are nanoseconds.

        Raises
        ------
        TypeError, ValueError
            For types that are not measured.
        """
        import pyarrow as pa

        if isinstance(array, DeviceColumn):
            return Column(self.name, array.values)
        if self.is_null:
            return Column(self.name, np.full(len(array), np.nan))
        if self.is_plain and not array.null_count:
            values = array.to_numpy(zero_copy_only=True)
            return Column(self.name, values if values.flags.aligned else values.copy())
        if self.is_plain and pa.types.is_floating(self.kind):
            return Column(self.name, array.to_numpy(zero_copy_only=False))
        if self.is_fine:
            missing = array.is_null().to_numpy(zero_copy_only=False)
            values = array.cast("int64").fill_null(0).to_numpy(zero_copy_only=False)
            return Column(self.name, values, missing if missing.any() else None)
        chunked = pa.chunked_array([array])
        times = series.from_times(chunked) if self.is_time else None
        if times is not None:
            return Column(self.name, *times)
        (column,) = arguments.variable(chunked, self.name)
        return column


def dictionary_of(array: Any) -> tuple[Any, HostArray]:
    """Text as its different labels, an Arrow array, and the position of each sample's label.

    The position of a missing sample is the number of labels. The dictionary of a file is used as it
    is, so that no sample becomes a Python string.
    """
    import pyarrow as pa

    if not pa.types.is_dictionary(array.type):
        if array.type == pa.string_view():
            array = array.cast("large_string")  # Arrow cannot make a dictionary of the other
        array = array.dictionary_encode()
    labels, indices = array.dictionary, array.indices
    if indices.null_count:
        indices = indices.cast("int32").fill_null(len(labels))
    positions: HostArray = indices.to_numpy(zero_copy_only=False)
    if labels.null_count:  # a label itself may be null, which is a missing sample too
        is_null = np.append(labels.is_null().to_numpy(zero_copy_only=False), True)
        positions = np.where(is_null[positions], len(labels), positions)
    return labels, positions


def survey(
    scan: Scan,
    choices: Choices | None = None,
    wanted: Sequence[Any] | None = None,
    bins: Any = None,
    what: str = "looking at the columns",
    look: Look | None = None,
) -> Prepared:
    """The columns of a scan that are worth measuring, after one pass over it.

    Parameters
    ----------
    scan : Scan
    choices, wanted
        As for `preparation.prepare`.
    bins : optional
        Bins for columns that have none of their own, as the caller gave them; quantiles are only
        kept for rules that need them.
    what : str
        What the pass is for, in reports.
    look : callable, optional
        Makes the pass; by default batch after batch. `fastinfo.inputs.scanning.looking` has one for
        sources that are read in parts.

    Returns
    -------
    Prepared
        With a `StreamedColumn` for each column that is measured.

    Raises
    ------
    ValueError
        For a column that cannot be of the kind that was asked for, and for a table without rows.
    """
    choices = choices or Choices()
    kinds, by_name = choices.kinds or {}, choices.bins or {}
    labels = list(scan.columns if wanted is None else wanted)
    converters = {label: Converter(label, scan.type_of(label)) for label in labels}
    facts: dict[str, StreamedFacts] = {}
    unsupported: set[str] = set()
    n_bins: dict[str, int | None] = {}
    asked_of: dict[str, Any] = {}
    for label in labels:
        kind = preparation.by_name(kinds, label)
        if kind == "skip":
            continue
        if converters[label].is_nested and kind is None:
            unsupported.add(label)  # without reading it
            continue
        own = preparation.by_name(by_name, label)
        asked = choices.asked.get(label, bins) if own is None else own
        n_bins[label] = number_of_quantiles(asked)
        asked_of[label] = asked
        facts[label] = StreamedFacts(
            label,
            is_time=converters[label].is_time,
            is_categorical=converters[label].is_categorical,
            most_values=MOST_LABELS if kind == "category" else choices.max_categories or 0,
            keeps_values=kind == "category",
            keeps_quantiles=needs_quantiles(asked),
        )
    described = {
        "columns": labels,
        "kinds": {str(name): kind for name, kind in kinds.items()},
        "bins": repr(
            [
                *(bins, *sorted((str(name), own) for name, own in by_name.items())),
                *sorted((str(name), own) for name, own in choices.asked.items()),
                *([choices.n_variables] if choices.n_variables != 2 else []),
            ]
        ),
        "most categories": choices.max_categories,
        "statistics": scan.statistics,
    }
    by_limits = {label for label in facts if _are_by_limits(asked_of[label])}
    settle = partial(_settle_by_footers, scan, facts, converters, choices, by_limits)
    look = look or partial(_look, settle_by_footers=settle)
    n_variables = choices.n_variables
    n_rows = look(scan, facts, converters, unsupported, kinds, n_bins, n_variables, described, what)
    prepared = Prepared([], [], {}, n_rows)
    for label in labels:
        kind, own = preparation.by_name(kinds, label), preparation.by_name(by_name, label)
        if kind is None and own is not None:
            kind = "number"
        if label in unsupported:
            form, why = Form.SKIPPED, decisions.UNSUPPORTED
        elif label not in facts:
            form, why = Form.SKIPPED, preparation.ASKED
        else:
            form, why = _decide(facts[label], label, kind, label in choices.named, choices)
        if why:
            prepared.decisions.setdefault(why, []).append(label)
        if form is Form.SKIPPED:
            continue
        if Converter(label, scan.type_of(label)).is_fine:
            facts[label].in_microseconds()
        if own is not None:
            prepared.bins[len(prepared.columns)] = own
        prepared.columns.append(StreamedColumn.of(facts[label], form, scan))
        prepared.labels.append(label)
        if facts[label].n_missing:
            prepared.incomplete.append(label)
    return prepared


def _look(
    scan: Scan,
    facts: dict[str, StreamedFacts],
    converters: dict[str, Converter],
    unsupported: set[str],
    kinds: Any,
    n_bins: dict[str, int | None],
    n_variables: int,
    described: dict[str, Any],
    what: str,
    settle_by_footers: Callable[[], int | None],
) -> int:
    """Fill the facts by a pass over the scan, or from a checkpoint; the number of rows."""
    path = None if scan.checkpoint is None else scan.checkpoint / "survey.npz"
    if path is not None:
        described = {"data": scan.identity, **described}
        if path.exists():
            known = survey_file.read(path, described)
            unsupported.update(name for name in facts if name not in known)
            facts.update(known)
            return next((one.n_rows for one in known.values()), 0)
    n_told = settle_by_footers()
    read = [label for label, one in facts.items() if not one.is_of_footer]

    def look(label: str, array: Any) -> None:
        if label in unsupported:
            return
        if converters[label].is_text:
            labels, positions = dictionary_of(array)
            facts[label].count_labels(labels, positions)
            return
        try:
            column = converters[label](array)
        except (TypeError, ValueError):
            if preparation.by_name(kinds, label) is not None:
                raise
            unsupported.add(label)
            return
        facts[label].update(column)

    n_jobs = usable_cores()
    size = AT_ONCE if isinstance(scan.source, Files) and scan.source.is_by_column else len(read)
    groups = [read[start : start + size] for start in range(0, len(read), max(size, 1))]
    if not groups and n_told is None:
        groups = [[]]  # the rows are counted all the same
    n_rows = n_told or 0
    for number, group in enumerate(groups, start=1):
        n_rows = 0
        turn = f", columns {number} of {len(groups)}" if len(groups) > 1 else ""
        for batch in scan.read(group, what + turn):
            n_rows += batch.n_rows
            if batch.n_rows:
                map_threads(look, group, batch.columns, n_jobs=n_jobs)
        map_threads(
            lambda label: facts[label].settle(n_bins[label], n_variables), group, n_jobs=n_jobs
        )
    if n_rows == 0:
        raise ValueError("the scan has no rows; at least one sample is needed")
    if path is not None:
        measured = {name: one for name, one in facts.items() if name not in unsupported}
        survey_file.write(path, described, measured)
    return n_rows


def _settle_by_footers(
    scan: Scan,
    facts: dict[str, StreamedFacts],
    converters: dict[str, Converter],
    choices: Choices,
    by_limits: set[str],
) -> int | None:
    """Fill the facts of columns about which footers tell enough; the number of rows, if any is."""
    found = footers.footers(scan.source, list(facts)) if scan.statistics else {}
    kinds = {
        name: "number" if preparation.by_name(choices.bins or {}, name) is not None else None
        for name in found
    }
    kinds |= {name: preparation.by_name(choices.kinds or {}, name) or kinds[name] for name in kinds}
    limits = {
        name: choices.max_categories
        or bin_arguments.most_categories(footer.n_rows - footer.n_missing)
        for name, footer in found.items()
    }
    # The first rows may show that integers are many.
    peeked = [
        name
        for name, footer in found.items()
        if footer.dtype.kind in "iu" and name in by_limits and kinds[name] is None
        if not footer.are_few(limits[name])
    ]
    first: dict[str, Any] = {}
    for batch in scan.read(peeked, "") if peeked else ():
        if batch.n_rows:
            columns = zip(peeked, batch.columns, strict=True)
            first = {name: converters[name](array.drop_null()).values for name, array in columns}
            break
    for name, footer in found.items():
        footers.settle(
            facts[name], footer, kinds[name], name in by_limits, first.get(name), limits[name]
        )
    return next((one.n_rows for one in facts.values() if one.is_of_footer), None)


def _are_by_limits(bins: Any) -> bool:
    """Whether bins of numbers depend on the smallest and the largest one, and on nothing else."""
    if isinstance(bins, str):
        rule, _, number = bins.partition(":")
        return rule == "uniform" and number.isdecimal()
    return bins is not None


def needs_quantiles(bins: Any) -> bool:
    """Whether bins of equal frequency are asked for."""
    return bins is None or (isinstance(bins, str) and bins.startswith("quantile"))


def number_of_quantiles(bins: Any) -> int | None:
    """The number of bins of equal frequency that is asked for; None for the usual one."""
    _, _, number = bins.partition(":") if isinstance(bins, str) else ("", "", "")
    return int(number) if number.isdecimal() else None


def require_few_categories(facts: StreamedFacts, label: str) -> None:
    """Raise for a column of categories of which there are more than a stream holds.

    Raises
    ------
    ValueError
    """
    if facts.is_beyond_labels or (not facts.is_text and facts.values.is_full):
        raise ValueError(
            f"{label} has more than {MOST_LABELS:,} different categories, more than a stream "
            "holds: leave it out, or for numbers let them be binned"
        )


def _decide(
    facts: StreamedFacts, label: str, kind: str | None, is_named: bool, choices: Choices
) -> tuple[Form, str]:
    form, why = decisions.decide(facts, label, kind, is_named, choices.max_categories)
    if form is Form.SKIPPED:
        return form, why
    are_categories = form is Form.CATEGORIES or (form is Form.AS_IT_IS and not facts.is_float)
    if facts.is_beyond_labels and kind is None and not is_named:
        return Form.SKIPPED, TOO_MANY_LABELS
    if are_categories or facts.is_beyond_labels:
        require_few_categories(facts, label)
    return form, why


def as_numbers(values: HostArray, facts: StreamedFacts) -> HostArray:
    """Integers or booleans as `preparation.as_floats` makes them of the whole column."""
    if values.dtype.kind == "f":
        return values
    shift = shift_of(facts)
    if shift:
        with np.errstate(over="ignore"):
            values = (values - values.dtype.type(shift)).view(f"u{values.dtype.itemsize}")
    return values.astype(np.float64)


def shift_of(facts: StreamedFacts) -> int:
    """What is taken from large integers, so that neighbours differ as floats too."""
    if facts.dtype.kind not in "iu":
        return 0
    low, high = int(facts.low), int(facts.high)
    return low if max(-low, high) > EXACT_IN_FLOATS >= high - low else 0
