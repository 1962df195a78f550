"""The types of public arguments, for annotations and type checkers.

A type says only part of what is accepted; `fastinfo.inputs.arguments` checks the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, Protocol, SupportsIndex, TypeAlias, TypedDict

import numpy as np
from numpy.typing import ArrayLike


class SupportsDLPack(Protocol):
    """An array or tensor of another library, on the host or on a GPU: CuPy's, PyTorch's."""

    def __dlpack__(self) -> Any:
        """The protocol by which other libraries take the data over."""
        ...


class SupportsArrowStream(Protocol):
    """A column or a table of pandas, polars, Arrow, or another library that speaks Arrow."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The protocol by which other libraries take the data over."""
        ...


class SupportsArrowArray(Protocol):
    """An Arrow array, or a batch of them."""

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        """The protocol by which other libraries take the data over."""
        ...


class SupportsColumns(Protocol):
    """A sparse matrix or array of scipy."""

    def tocsc(self, copy: bool = False) -> Any:
        """The matrix in the CSC format, by columns."""
        ...


class SupportsRows(Protocol):
    """A `fastinfo.scan`, or the counts of a `fastinfo.PairCounts`."""

    @property
    def n_rows(self) -> Any:
        """The number of rows, where it is known."""
        ...


class SupportsVariables(Protocol):
    """An AnnData: a matrix X with names of its columns and rows."""

    X: Any
    var_names: Any
    obs_names: Any


Samples: TypeAlias = (
    ArrayLike | Sequence[Any] | SupportsDLPack | SupportsArrowStream | SupportsArrowArray
)
"""Samples of one variable, ``(n,)`` or ``(n, d)``, or a table of features, ``(n, m)``: an array,
lists (in which None is a missing sample), a column or a DataFrame. A string is refused, although
type checkers accept it as a sequence."""

Table: TypeAlias = Samples | Mapping[Any, Any] | SupportsColumns | SupportsRows | SupportsVariables
"""Samples of several features: a table, a dict of columns, or a matrix, ``(n, m)``; or the counts
of their pairs."""

Weights: TypeAlias = Samples
"""A real, finite weight of at least 0 for each sample, ``(n,)``."""

Probabilities: TypeAlias = ArrayLike | SupportsDLPack
"""Probabilities, or numbers proportional to them: an array, masked or not, or lists."""

BinsOfOne: TypeAlias = SupportsIndex | str | Sequence[float] | np.ndarray[Any, Any] | None
"""How one variable is binned: a number of bins, a rule by its name, edges, or None."""

Given: TypeAlias = Table | SupportsIndex
"""Samples of a third variable, ``(n,)`` or ``(n, d)``, or names of columns."""

Bins: TypeAlias = BinsOfOne | Sequence[BinsOfOne]
"""How all variables are binned, or a tuple with one entry for each variable."""

BinsByName: TypeAlias = Bins | Mapping[Any, BinsOfOne]
"""How all features of tables are binned, or a dict from names of some to their bins."""

Kinds: TypeAlias = Mapping[Any, Literal["category", "number", "skip"]]
"""The kinds of a table's columns, by the names of the columns."""

RankBy: TypeAlias = Literal["corrected", "value"]
"""The value by which pairs are ranked."""

InteractionRank: TypeAlias = Literal["corrected", "synergy", "value"]
"""The number by which pairs that tell about a target are ranked."""

NanPolicy: TypeAlias = Literal["raise", "omit", "propagate"]
"""The treatment of missing samples."""

Average: TypeAlias = Literal["arithmetic", "geometric", "min", "max"]
"""The average of two entropies that normalises mutual information."""

PlainEstimator: TypeAlias = Literal[
    "ml",
    "miller_madow",
    "grassberger",
    "jackknife",
    "chao_shen",
    "panzeri_treves",
    "shrinkage",
    "nsb",
    "laplace",
    "jeffreys",
    "perks",
    "minimax",
]
"""The name of an estimator of entropies."""

EstimatorName: TypeAlias = PlainEstimator | str
"""An estimator of entropies, with its parameters after a colon if it has some."""

NullMethod: TypeAlias = Literal["auto", "chi2", "gamma", "exact", "permutation"]
"""The distribution of information under independence."""

Resampling: TypeAlias = Literal["bootstrap", "jackknife"]
"""How samples are drawn anew from those that there are."""

BackendName: TypeAlias = Literal["numba", "numpy", "cupy"]
"""The backend whose kernels do the work."""


class PairOptions(TypedDict, total=False):
    """The options of `fastinfo.top_pairs` that do not change the type of its result."""

    given: Given | None
    threshold: float | None
    min_samples: int | None
    normalized: Average | None
    kinds: Kinds | None
    layer: str | None
    bins: BinsByName
    base: float | None
    estimator: EstimatorName
    nan_policy: NanPolicy
    sample_weight: Weights | None
    backend: BackendName | None
    n_jobs: int | None
    progress: Any
    memory_limit: int | None
    checkpoint: str | PathLike[str] | None
