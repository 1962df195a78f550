"""Counts of all pairs of features, filled from batches of any table: the state of `PairCounts`."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from fastinfo import binning
from fastinfo.accumulators import given_names, pair_tables_file
from fastinfo.accumulators.count_columns import Counted, How, warn_of_values_outside
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.accumulators.pair_layout import Layout
from fastinfo.accumulators.pair_tables import padded
from fastinfo.accumulators.strata_tables import (
    AnyTables,
    StrataTables,
    add,
    empty_tables,
    in_more_bins,
    spread_if_needed,
)
from fastinfo.backends import choose, name_of
from fastinfo.backends.contract import code_dtype
from fastinfo.binning.rules import Bins, Edges, sharing
from fastinfo.counting import DenseCounts
from fastinfo.data.columns import Column
from fastinfo.inputs import arguments, bin_arguments, preparation, tables
from fastinfo.inputs.scanning import Scan
from fastinfo.inputs.types import BackendName, BinsByName, NanPolicy, Table
from fastinfo.system.ranges import map_threads

HostArray = np.ndarray[Any, Any]


class KeptColumn(Column):
    """A feature of which pairs are counted; its ``values`` are empty."""

    kept: KeptPairs


class KeptPairs:
    """See `fastinfo.PairCounts`, which adds what is measured."""

    def __init__(
        self,
        *,
        bins: BinsByName = None,
        nan_policy: NanPolicy = "raise",
        target: str | int | None = None,
        given: str | int | Sequence[str | int] | None = None,
        backend: BackendName | None = None,
        n_jobs: int | None = None,
    ) -> None:
        bin_arguments.require_bins(bins)
        name_of(backend)  # raises for an unknown one before any samples come
        policy = arguments.nan_policy(nan_policy)
        self._how = How(bins, policy, None, backend, arguments.n_jobs(n_jobs))
        self.target = target
        self.given = given_names.listed(given)
        """The columns of the third variable by which samples are in strata; none of them if it is
        empty."""
        if target is not None and str(target) in map(str, self.given):
            raise ValueError(f"given: {target!r} is the target")
        self._labels: list[Any] | None = None
        """The names of the features, and after them those of the third variable."""
        self.is_named = False
        """Whether the features have names; otherwise they go by their positions."""
        self._bins: list[Bins] = []
        self._tables: AnyTables | None = None
        self._lock = threading.Lock()

    @classmethod
    def of_counted(
        cls,
        labels: Sequence[Any],
        is_named: bool,
        bins: Sequence[Bins],
        counted: AnyTables,
        how: How,
        target: Any,
        given: Sequence[Any] = (),
    ) -> Self:
        """The counts of samples that are counted already, with options that are checked."""
        found = cls(nan_policy=how.nan_policy, target=target, given=list(given) or None)
        found._how, found._labels, found.is_named = how, list(labels), is_named
        found._bins, found._tables = list(bins), counted
        return found

    def __getstate__(self) -> dict[str, Any]:
        """The state for copies, without the lock."""
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state, with a new lock."""
        vars(self).update(state)
        self._lock = threading.Lock()

    def update(self, table: Table | Scan) -> Self:
        """Add the samples of a batch; where an error is raised, nothing of the batch is added.

        Parameters
        ----------
        table : array-like of shape (n, m), a table, or a `fastinfo.scan`
            A table is taken as it is: no column is skipped. Columns go by name, and columns of
            arrays by position; they are those of the first batch, in any order. A scan is read
            once.

        Returns
        -------
        PairCounts
            This object.

        Raises
        ------
        ValueError, TypeError
            As `fastinfo.mutual_information`; also for other columns than in the first batch, and
            for samples whose type does not merge with that of earlier samples.
        """
        if isinstance(table, Scan):
            empty = table.empty_table()
            for batch in table.read(table.columns, "counting"):
                if batch.n_rows:
                    kinds = dict(zip(table.columns, batch.columns, strict=True))
                    self.update(type(empty).from_pydict(kinds))
            return self
        columns = list(arguments.features(table, "X"))
        labels = list(tables.labels(table))
        with self._lock:
            if self._labels is None:
                left = self._positions_of_features(labels)
                labels = [labels[i] for i in left]
                columns = [columns[i] for i in left]
            else:
                what = "these counts", "this batch"
                order = tables.positions_by_name(self._labels, labels, what)
                columns, labels = [columns[i] for i in order], self._labels
            self._add(columns, labels, tables.has_names(table))
        return self

    def _positions_of_features(self, labels: Sequence[Any]) -> list[int]:
        """The positions of the features, a target first, and those of a third variable last."""
        targets = [] if self.target is None else [self.target]
        preparation.require_names(targets, labels, "target")
        preparation.require_names(self.given, labels, "given")
        place = {str(label): i for i, label in enumerate(labels)}
        first, last = ([place[str(one)] for one in some] for some in (targets, self.given))
        others = [i for i in range(len(labels)) if i not in (*first, *last)]
        if not others:
            raise ValueError("no column is left beside given and target")
        return [*first, *others, *last]

    def _add(self, columns: Sequence[Column], labels: Sequence[Any], is_named: bool) -> None:
        n_samples = arguments.same_length(columns)
        how = self._how
        known: list[Any] = self._bins or [None] * len(columns)
        kernels = choose(how.backend, arguments.home_of_columns(columns, None, how.backend))
        columns, rules = self._rules(columns, labels, known)
        given = [
            bins if isinstance(bins, Edges) and len(bins) else rule
            for bins, rule in zip(known, rules, strict=True)
        ]

        def fit(column: Column, rule: Any) -> tuple[Any, HostArray]:
            coder = binning.fit(column, rule, kernels)
            return coder, kernels.to_host(coder.codes())

        found = map_threads(fit, columns, given, n_jobs=how.n_jobs, within=kernels.current)
        coders = [coder for coder, _ in found]
        if how.nan_policy == "raise":
            binning.refuse_missing(columns, coders)
        warn_of_values_outside(columns, given, rules, kernels)
        new = [coder.bins for coder in coders]
        united = [
            binning.unite(two if one is None else one, two)
            for one, two in zip(known, new, strict=True)
        ]
        bins = [one for one, _, _ in united]
        spread = spread_if_needed(self._tables, self._n_third, bins, [to for _, to, _ in united])
        if spread is None:
            spread = self._empty(bins)
        codes = [
            _moved(own, two, to, bins_)
            for (_, own), two, (bins_, _, to) in zip(found, new, united, strict=True)
        ]
        sizes = spread.layout.sizes
        rows = [
            kernels.bring(padded(codes[i], len(bins[i]), int(size)))
            for i, size in zip(spread.layout.order.tolist(), sizes, strict=True)
        ]
        add(spread, rows, codes[len(rows) :], kernels, how.n_jobs)
        assert spread.n_rows >= n_samples
        self._tables, self._bins = spread, bins
        if self._labels is None:
            self._labels, self.is_named = list(labels), is_named

    def _rules(
        self, columns: Sequence[Column], labels: Sequence[Any], known: Sequence[Bins | None]
    ) -> tuple[list[Column], list[Any]]:
        """The columns as ``bins`` demands them, and the rule of each."""
        bins = self._how.bins
        if not isinstance(bins, Mapping):
            groups, rules = bin_arguments.bin_rules(bins, [list(columns)], [known])
            return list(groups[0]), [sharing(rules[0], 2 + self._n_third)] * len(columns)
        preparation.require_names(bins, labels, "bins")
        found, own = [], []
        for column, label, decided in zip(columns, labels, known, strict=True):
            specification = preparation.by_name(bins, label)
            if specification is not None and not bin_arguments.gives_edges(specification):
                column = preparation.as_floats(column)
            groups, rules = bin_arguments.bin_rules(specification, [[column]], [[decided]])
            found.append(groups[0][0])
            own.append(sharing(rules[0], 2 + self._n_third))
        return found, own

    @property
    def _n_third(self) -> int:
        """The number of columns of the third variable."""
        return len(self.given)

    @property
    def _n_features(self) -> int:
        """The number of features, of which pairs are counted."""
        return len(self._bins) - self._n_third

    def _empty(self, bins: Sequence[Bins]) -> AnyTables:
        n_bins, n_features = list(map(len, bins)), len(bins) - self._n_third
        layout = Layout(n_bins[:n_features], None if self.target is None else 1)
        return empty_tables(layout, n_bins[n_features:] or None)

    @property
    def _held(self) -> AnyTables:
        if self._tables is None:
            raise ValueError("these PairCounts hold no samples yet: call update(...) first")
        return self._tables

    def __add__(self, other: Self) -> Self:
        """The counts of the samples of both, as a new object; neither is changed."""
        if not isinstance(other, KeptPairs):
            return NotImplemented
        for what in ("nan_policy", "target", "given"):
            ours, theirs = getattr(self, what), getattr(other, what)
            if ours != theirs:
                raise ValueError(f"{what} is {ours!r} on one side and {theirs!r} on the other")
        total = self._like()
        total._how = self._how
        if self._tables is None or other._tables is None:
            filled = other if self._tables is None else self
            total._labels, total.is_named = filled._labels, filled.is_named
            total._bins = list(filled._bins)
            if filled._tables is not None:
                # All tables of the sum are new, so that neither is changed later.
                empty: Any = filled._empty(filled._bins)
                total._tables = filled._tables.plus(empty)
            return total
        ours, others = self._labels or [], other._labels or []
        order = tables.positions_by_name(
            ours, others, ("the counts on the left", "those on the right")
        )
        theirs = [other._bins[i] for i in order]
        united = [binning.unite(a, b) for a, b in zip(self._bins, theirs, strict=True)]
        bins = [one for one, _, _ in united]
        n_third = self._n_third
        to_left, to_right = [to for _, to, _ in united], [to for _, _, to in united]
        left: Any = spread_if_needed(self._tables, n_third, bins, to_left)
        right: Any = spread_if_needed(other._tables, n_third, bins, to_right, order)
        total._tables, total._bins = left.plus(right), bins
        total._labels, total.is_named = self._labels, self.is_named
        return total

    def __radd__(self, other: Any) -> Self:
        """The sum with 0, with which the built-in `sum` begins."""
        if other != 0:
            return NotImplemented
        return self + self._like()

    def _like(self) -> Self:
        """Counts of the same, without samples."""
        return type(self)(
            nan_policy=self.nan_policy, target=self.target, given=list(self.given) or None
        )

    def __repr__(self) -> str:
        if self._tables is None:
            return "PairCounts(no samples yet)"
        names = ", ".join(f"{n}: {len(b)}" for n, b in zip(self.names, self._bins, strict=False))
        size = self._tables.n_bytes / 2**20
        given = f" given {', '.join(map(str, self.given))}" if self.given else ""
        return f"PairCounts({self.n_rows:,} rows, {size:,.1f} MiB, bins of {names[:200]}{given})"

    @property
    def nan_policy(self) -> NanPolicy:
        """The treatment of samples in which a feature is missing."""
        return self._how.nan_policy

    @property
    def names(self) -> list[Any]:
        """The names of the features, or their positions; a target comes first.

        The columns of a third variable are no features.
        """
        return [] if self._labels is None else self._labels[: len(self._labels) - self._n_third]

    @property
    def bins(self) -> dict[Any, HostArray]:
        """The edges or categories of each feature, and of each column of a third variable."""
        found = [b.edges if isinstance(b, Edges) else b.values for b in self._bins]
        return dict(zip(self._labels or [], found, strict=True))

    @property
    def n_rows(self) -> int:
        """The number of rows, those with missing samples included."""
        return 0 if self._tables is None else self._tables.n_rows

    @property
    def n_bytes(self) -> int:
        """Bytes that the counts take."""
        return 0 if self._tables is None else self._tables.n_bytes

    def joint_counts(self, left: Any, right: Any) -> JointCounts:
        """The counts of two features over all samples, which all measures of two variables accept.

        Parameters
        ----------
        left, right : names of two features, or positions where they have no names

        Returns
        -------
        JointCounts
            Of the samples in which both are present.

        Raises
        ------
        ValueError
            For a name that no feature has, and for a pair that is not counted.
        """
        held, places = self._held, [self._place(one) for one in (left, right)]
        try:
            counts = held.pair(*places)
        except KeyError:
            raise ValueError(
                f"the pair of {left!r} and {right!r} is not counted: these counts are of pairs of "
                f"two different features, {self.target!r} being one of them"
                if self.target is not None
                else f"{left!r} and {right!r} are one feature"
            ) from None
        bins = [self._bins[place] for place in places]
        a, b = map(len, bins)
        how = self._how._replace(bins=None)
        if isinstance(counts, DenseCounts):
            counts = DenseCounts(np.ascontiguousarray(counts.table[:a, :b]))
        else:
            counts = counts.spread((a, b), [np.arange(size) for size in counts.shape])
        n_missing = self.n_rows - int(counts.total)
        return JointCounts.of_counted(Counted([[bins[0]], [bins[1]]], counts, n_missing), how)

    def _place(self, label: Any) -> int:
        preparation.require_names([label], self.names, "the counts")
        return next(i for i, name in enumerate(self.names) if str(name) == str(label))

    def columns(self) -> list[KeptColumn]:
        """The features as empty columns, which the functions of all pairs know."""
        found = []
        for name, bins in zip(self.names, self._bins, strict=False):
            dtype = np.float64 if isinstance(bins, Edges) else np.int64
            column = KeptColumn(str(name), np.empty(0, dtype))
            column.kept = self
            found.append(column)
        return found

    def with_target(self, target: Any) -> Self:
        """The counts of the pairs of one feature with all others.

        Raises
        ------
        ValueError
            For a feature whose pairs are not counted.
        """
        place = self._place(target)
        if self.target is not None:
            if place:
                raise ValueError(f"target={target!r}: these counts are of pairs of {self.target!r}")
            return self
        order = [place, *(i for i in range(len(self._bins)) if i != place)]
        found = type(self)(
            nan_policy=self.nan_policy, target=target, given=list(self.given) or None
        )
        found._how, found.is_named = self._how, self.is_named
        labels = self._labels or []
        found._labels, found._bins = [[list_[i] for i in order] for list_ in (labels, self._bins)]
        every = [np.arange(len(bins)) for bins in found._bins]
        found._tables = in_more_bins(self._held, self._n_third, found._bins, every, order, 1)
        return found

    def features(self, is_conditional: bool = False) -> tuple[Layout, HostArray, HostArray, Any]:
        """The layout, the numbers of bins, whether these are intervals, and the tables.

        ``is_conditional`` says whether tables are those of the strata, if samples are in some; else
        they are those of all samples.
        """
        held, own = self._held, self._bins[: self._n_features]
        n_bins = np.array(list(map(len, own)), np.int64)
        has_edges = np.array([isinstance(bins, Edges) for bins in own], np.bool_)
        if isinstance(held, StrataTables) and not is_conditional:
            held = held.pooled()
        return held.layout, n_bins, has_edges, held

    def bins_of_given(self) -> list[Bins]:
        """The bins of each column of the third variable."""
        return self._bins[self._n_features :]

    def require_given(self, wanted: Any, name: str = "given") -> None:
        """Raise unless ``wanted``, the argument called ``name``, names the third variable."""
        given_names.require_same(wanted, self.given, name)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the counts to a file, which `load` reads; it is written whole or not at all.

        Raises
        ------
        ValueError
            Where no sample has been counted.
        OSError
            Where the file cannot be written.
        """
        pair_tables_file.write_counts(
            path,
            self._held,
            self._bins,
            self._how.bins,
            nan_policy=self.nan_policy,
            target=self.target,
            names=self.names,
            is_named=self.is_named,
            **({"given": self.given} if self.given else {}),
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The counts in a file that `save` wrote.

        Raises
        ------
        ValueError
            For a damaged file, for one of another version, and for one of something else.
        OSError
            Where the file cannot be read.
        """
        held, bins, specification, described = pair_tables_file.read_counts(path)
        found = cls(
            bins=specification,
            nan_policy=described["nan_policy"],
            target=described["target"],
            given=described.get("given"),
        )
        found._tables, found._bins = held, bins
        found._labels = [*described["names"], *found.given]
        found.is_named = described["is_named"]
        return found


def _moved(codes: HostArray, own: Bins, to: HostArray, united: Bins) -> HostArray:
    """Codes by the bins of a batch as codes by bins that include these."""
    if len(own) == len(united) and np.array_equal(to, np.arange(to.size)):
        return codes
    from_ = np.append(to, len(united)).astype(code_dtype(len(united)))
    found: HostArray = from_[codes]
    return found
