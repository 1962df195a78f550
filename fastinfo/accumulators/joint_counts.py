"""`JointCounts`: counts of a joint table that are kept, added up and stored."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastinfo import counting
from fastinfo.accumulators import alignment, joint_counts_file
from fastinfo.accumulators.alignment import in_same_cells
from fastinfo.accumulators.count_columns import Counted, How, count_columns
from fastinfo.backends import name_of, on_device_of
from fastinfo.binning.rules import Bins, Categories, Edges
from fastinfo.counting import Counts, DenseCounts, SparseCounts
from fastinfo.data.columns import Column
from fastinfo.inputs import arguments, bin_arguments, tables
from fastinfo.inputs.types import BackendName, NanPolicy, Samples, Weights
from fastinfo.inputs.types import Bins as BinsArgument

Labels = list[list[str | int] | None]
"""For each variable that came as a table, the names by which columns of later tables match."""


class JointCounts:
    """Counts of the joint table of one or more variables, to which samples can be added.

    Every discrete measure accepts a `JointCounts` in place of samples. Counts add up exactly, so
    the parts of a stream, several files and several machines can be counted separately.

    New categories are added as they come. The first samples decide the bins of floating-point
    samples, unless ``bins`` gives edges. A later value outside of these bins counts as missing, and
    ``nan_policy="raise"`` raises for it. Several threads may call `update` at once.

    Parameters
    ----------
    bins : None, int, str, list or array of edges, or a tuple with one of these for each variable
        How to bin floating-point samples; see `fastinfo.mutual_information`.
    nan_policy : {"raise", "omit", "propagate"}
        How samples in which a variable is missing are treated: they raise an error, are left out,
        or make the measures NaN.
    sparse : bool, optional
        Whether to keep the occupied cells only; by default where the table would be far larger
        than the samples.
    backend : {"numba", "numpy", "cupy"}, optional
        Backend whose kernels count; as for `fastinfo.mutual_information`.
    n_jobs : int, optional
        Number of threads; all cores by default, as for `fastinfo.mutual_information`.

    Attributes
    ----------
    n_missing : int
        The number of samples left out because a variable was missing.

    Examples
    --------
    >>> import fastinfo
    >>> counts = fastinfo.JointCounts()
    >>> for chunk in ([0, 0, 1], [0, 1, 1]), ([1, 1], [1, 1]):
    ...     counts = counts.update(*chunk)
    >>> counts.table
    array([[1, 1],
           [0, 3]])
    >>> round(fastinfo.mutual_information(counts, base=2), 6)
    0.321928
    """

    n_missing: int

    def __init__(
        self,
        *,
        bins: BinsArgument = None,
        nan_policy: NanPolicy = "raise",
        sparse: bool | None = None,
        backend: BackendName | None = None,
        n_jobs: int | None = None,
    ) -> None:
        bin_arguments.require_bins(bins)
        if sparse not in (None, True, False):
            raise TypeError(
                f"sparse={sparse!r}; accepted are True, False, and None to decide by size"
            )
        name_of(backend)  # raises for an unknown one before any samples come
        policy = arguments.nan_policy(nan_policy)
        self._start_empty(How(bins, policy, sparse, backend, arguments.n_jobs(n_jobs)))

    def _start_empty(self, how: How) -> None:
        """Set up an object without samples."""
        self._how = how
        self._bins: list[list[Bins]] = []
        self._counts: Counts | None = None
        self.n_missing = 0
        self._names: tuple[str, ...] = ()
        self._labels: Labels = []
        self._lock = threading.Lock()

    @classmethod
    def of_counted(cls, counted: Counted, how: How) -> JointCounts:
        """The `JointCounts` of samples that are counted already, with options that are checked."""
        result = cls.__new__(cls)
        result._start_empty(how)
        result._include_counts(*counted)
        return result

    def __getstate__(self) -> dict[str, Any]:
        """The state for pickle and copy, without the lock, which cannot be pickled."""
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state, with a new lock."""
        vars(self).update(state)
        self._lock = threading.Lock()

    @classmethod
    def from_table(cls, table: ArrayLike) -> JointCounts:
        """The `JointCounts` of a contingency table, which has one axis for each variable.

        Parameters
        ----------
        table : array-like, d-dimensional
            Integer numbers of samples, or floating-point sums of weights; none negative. Each
            variable has the categories 0, 1, …. A masked cell holds no samples.

        Raises
        ------
        ValueError
            For counts that are negative, NaN, infinite or all 0, and for an array that is no table
            of numbers.

        Examples
        --------
        >>> import fastinfo
        >>> table = fastinfo.JointCounts.from_table([[40, 10], [10, 40]])
        >>> round(fastinfo.mutual_information(table, base=2), 6)
        0.278072
        """
        array = np.ma.filled(table, 0) if np.ma.isMaskedArray(table) else np.asarray(table)
        if array.ndim == 0 or array.size == 0 or array.dtype.kind not in "biuf":
            raise ValueError(
                f"table has shape {array.shape} and dtype {array.dtype}; accepted are real numbers "
                "with at least one axis and one cell"
            )
        if not np.isfinite(array).all() or (array < 0).any():
            raise ValueError("table holds negative, NaN or infinite counts")
        if not array.any():
            zero = "cell is masked or" if np.ma.isMaskedArray(table) else "count is"
            raise ValueError(f"table holds no samples: every {zero} 0")
        dtype = np.float64 if array.dtype.kind == "f" else np.int64
        if dtype is np.float64:
            arguments.require_total(array, "table")
        elif array.sum(dtype=np.float64) >= 1 << 63:
            raise ValueError("table holds 2⁶³ samples or more; pass floating-point weights")
        result = cls()
        result._counts = DenseCounts(np.array(array, dtype, order="C"))
        result._bins = [[Categories(np.arange(size))] for size in array.shape]
        return result

    def update(self, *variables: Samples, sample_weight: Weights | None = None) -> JointCounts:
        """Add samples; where an error is raised, nothing is added.

        Parameters
        ----------
        *variables : array-like of shape (n,) or (n, d)
            One array for each variable, as many as in the first call.
        sample_weight : array-like of shape (n,), optional
            Weight of each sample, as for `fastinfo.mutual_information`.

        Returns
        -------
        JointCounts
            This object.

        Raises
        ------
        ValueError, TypeError
            As `fastinfo.mutual_information`; also for another number of variables than in the first
            call, and for samples whose type does not merge with that of earlier samples.
        """
        if not variables:
            raise TypeError("update() takes the samples of at least one variable")
        with on_device_of(*variables, sample_weight):
            groups = [
                arguments.variable(samples, name)
                for samples, name in zip(variables, variable_names(len(variables)), strict=True)
            ]
            labels = [tables.plain_labels(samples) for samples in variables]
            if len(labels) == len(self._labels):
                positions = _positions(self._labels, labels)
                groups = [
                    [group[position] for position in order] if order else group
                    for group, order in zip(groups, positions, strict=True)
                ]
            self._add(groups, sample_weight)
        own = zip(variables, variable_names(len(variables)), strict=True)
        names = tuple(tables.name_of(samples) or name for samples, name in own)
        with self._lock:
            self._labels, self._names = self._labels or labels, self._names or names
        return self

    def _add(self, groups: Sequence[Sequence[Column]], sample_weight: Any) -> None:
        """Add samples, as the columns of each variable, checked already."""
        # The lock is held while the first samples decide the bins, which later samples need.
        with self._lock:
            is_first = not self._bins or any(not len(b) for group in self._bins for b in group)
            if is_first:
                self._include_counts(*self._count(groups, sample_weight))
        if not is_first:
            counted = self._count(groups, sample_weight)
            with self._lock:
                self._include_counts(*counted)

    def _count(self, groups: Sequence[Sequence[Column]], sample_weight: Any) -> Counted:
        if self._counts is not None:
            self._require_widths([len(group) for group in groups])
        counted, _ = count_columns(groups, sample_weight, self._how, self._bins or None)
        return counted

    def _include_counts(self, bins: list[list[Bins]], counts: Counts, n_missing: int) -> None:
        if self._counts is None:
            self._bins, self._counts = bins, counts
        else:
            parts = [(self._bins, self._counts), (bins, counts)]
            united, (old, new) = in_same_cells(parts, self._how.sparse)
            self._counts, self._bins = counting.add(old, new), united
        self.n_missing += n_missing

    def _require_widths(self, widths: list[int]) -> None:
        ours = [len(group) for group in self._bins]
        if ours != widths:
            raise ValueError(
                f"the counts are of {len(ours)} variables with {ours} columns; "
                f"{len(widths)} with {widths} came"
            )

    def __add__(self, other: JointCounts) -> JointCounts:
        """The counts of the samples of both, as a new object; neither is changed."""
        if not isinstance(other, JointCounts):
            return NotImplemented
        if self.nan_policy != other.nan_policy:
            raise ValueError(
                f"nan_policy is {self.nan_policy!r} on one side and {other.nan_policy!r} on the "
                "other"
            )
        total = JointCounts()
        total._how = self._how
        total._names = self._names or other._names
        for part in (self, other):
            if part._counts is not None:
                if total._counts is not None:
                    total._require_widths([len(group) for group in part._bins])
                total._include_counts(*part._in_columns_of(total), part.n_missing)
                total._labels = total._labels or part._labels
        return total

    def _in_columns_of(self, other: JointCounts) -> tuple[list[list[Bins]], Counts]:
        """The bins and counts, with columns of tables in the order that ``other`` has them."""
        if not (self._labels and len(self._labels) == len(other._labels)):
            return self._bins, self._held_counts
        starts = list(accumulate(self._widths, initial=0))
        orders = [
            order or list(range(width))
            for order, width in zip(
                _positions(other._labels, self._labels), self._widths, strict=True
            )
        ]
        bins = [[group[i] for i in order] for group, order in zip(self._bins, orders, strict=True)]
        axes = [start + i for start, order in zip(starts, orders, strict=False) for i in order]
        is_same = axes == sorted(axes)
        return bins, self._held_counts if is_same else self._held_counts.in_order(axes)

    def __radd__(self, other: Any) -> JointCounts:
        """The sum with 0, with which the built-in `sum` begins."""
        return self + JointCounts(nan_policy=self.nan_policy) if other == 0 else NotImplemented

    def __repr__(self) -> str:
        if self._counts is None:
            return "JointCounts(no samples yet)"
        kind = "sparse" if self.is_sparse else "dense"
        sizes = zip(self.names, self.shape, strict=True)
        cells = " × ".join(f"{name}: {size}" for name, size in sizes)
        samples = f"{self.n_samples:g} samples, {self.n_missing:g} missing"
        return f"JointCounts({cells} cells, {kind}, {samples})"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the variables: those of the columns that came first, or x, y, z."""
        return self._names or variable_names(self.n_variables)

    @property
    def _held_counts(self) -> Counts:
        if self._counts is None:
            raise ValueError("these JointCounts hold no samples yet: call update(...) first")
        return self._counts

    @property
    def nan_policy(self) -> NanPolicy:
        """The treatment of samples in which a variable is missing."""
        return self._how.nan_policy

    @property
    def is_unknown(self) -> bool:
        """Whether measures are NaN: ``nan_policy`` is "propagate" and a sample was missing."""
        return self.n_missing > 0 and self.nan_policy == "propagate"

    @property
    def n_variables(self) -> int:
        """The number of variables."""
        return len(self._bins)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of cells of each variable; for d columns, the product of their bins."""
        return tuple([prod(map(len, group)) for group in self._bins])

    @property
    def n_cells(self) -> int:
        """The number of cells of the table."""
        return prod(self._held_counts.shape)

    @property
    def n_samples(self) -> int | float:
        """The number of samples counted, or the sum of their weights."""
        return self._held_counts.total

    @property
    def is_sparse(self) -> bool:
        """Whether only occupied cells are kept."""
        return isinstance(self._held_counts, SparseCounts)

    @property
    def is_weighted(self) -> bool:
        """Whether the counts are sums of weights."""
        return isinstance(self.n_samples, float)

    @property
    def bins(self) -> list[Any]:
        """The edges or categories of each variable; a list of them where it has several columns."""
        by_column = [
            [b.edges if isinstance(b, Edges) else b.values for b in group] for group in self._bins
        ]
        return [group[0] if len(group) == 1 else group for group in by_column]

    def holds_integers(self, variable: int) -> bool:
        """Whether a variable has one column and integers as its categories."""
        (bins,) = self._bins[variable] if self._widths[variable] == 1 else (None,)
        return isinstance(bins, Categories) and bins.values.dtype.kind in "iu"

    @property
    def named_bins(self) -> dict[str, Any]:
        """A dict from the `names` of the variables to their `bins`."""
        return dict(zip(self.names, self.bins, strict=True))

    @property
    def table(self) -> np.ndarray[Any, Any]:
        """The dense table of counts, int64 or float64, with one axis for each variable.

        Raises
        ------
        MemoryError
            Where it does not fit into memory.
        """
        return np.asarray(self._held_counts.to_dense()).reshape(self.shape)

    def marginal(self, *variables: int) -> np.ndarray[Any, Any]:
        """The counts of the joint table of some variables, as a one-dimensional array.

        Cells are sorted by the variables' bins. Sparse counts have only the occupied cells.

        Parameters
        ----------
        *variables : int
            Positions of the variables.

        Returns
        -------
        numpy.ndarray of shape (n_cells,)
            Numbers of samples as int64, or sums of weights as float64.
        """
        values: np.ndarray[Any, Any] = self._marginal_counts(*variables).values
        return values

    def _marginal_counts(self, *variables: int) -> Counts:
        counts, axes = self._held_counts, sorted(variables)
        if len(self._bins) < len(counts.shape):  # some variables have several columns
            widths = self._widths
            axes = [sum(widths[:v]) + own for v in axes for own in range(widths[v])]
        return counts.marginal(axes)

    @property
    def _widths(self) -> list[int]:
        """The number of columns of each variable."""
        return [len(group) for group in self._bins]

    def aligned_with(self, *others: JointCounts) -> list[Any]:
        """The counts of this and of others over the same cells in one order, ``(n_cells,)`` each.

        Sparse counts have the cells that any of them occupies. Other variables, and edges that
        differ, are a ValueError.
        """
        for other in others:
            if self.n_variables != other.n_variables:
                raise ValueError(
                    f"the counts are of {self.n_variables} and of {other.n_variables} variables; "
                    "a divergence compares samples of the same ones"
                )
        _, aligned = in_same_cells([part._in_columns_of(self) for part in (self, *others)])
        return alignment.values_side_by_side(aligned)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the counts to a file, which `load` reads.

        The file is written whole or not at all. It is NumPy's ``.npz`` and holds no pickles.

        Raises
        ------
        ValueError
            Where no sample has been counted.
        OSError
            Where the file cannot be written.
        """
        joint_counts_file.write(
            path,
            self._held_counts,
            self._bins,
            self._how.bins,
            nan_policy=self.nan_policy,
            sparse=self._how.sparse,
            n_missing=self.n_missing,
            names=self._names,
            columns=self._labels,
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> JointCounts:
        """The counts in a file that `save` wrote.

        Raises
        ------
        ValueError
            For a damaged file, and for a file that `save` did not write.
        OSError
            Where the file cannot be read.
        """
        counts, bins, specification, described = joint_counts_file.read(path)
        result = cls(
            bins=specification, nan_policy=described["nan_policy"], sparse=described["sparse"]
        )
        result._counts, result._bins = counts, bins
        result.n_missing = described["n_missing"]
        result._names = tuple(described.get("names", ()))  # files of earlier versions have none
        result._labels = described.get("columns", [])
        return result


def _positions(wanted: Labels, found: Labels) -> list[list[int] | None]:
    """The positions of the wanted columns in each variable; None for one without names."""
    return [
        None
        if ours is None or theirs is None
        else tables.positions_by_name(ours, theirs, ("the counts", "the samples"))
        for ours, theirs in zip(wanted, found, strict=True)
    ]


def variable_names(count: int) -> tuple[str, ...]:
    """The names of variables in messages: x, y, z, or with numbers where there are more."""
    return ("x", "y", "z")[:count] if count <= 3 else tuple(f"variable {i}" for i in range(count))
