"""Measures of counts that are kept: all that `job` and `ranking` ask of samples, by tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastinfo.accumulators.pair_tables import Layout, PairTables, Tile
from fastinfo.backends import pair_sums, terms
from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.pair_sums import PairEntropies, PairSums
from fastinfo.backends.terms import Reduction
from fastinfo.estimators import entropies
from fastinfo.pairs.engine import Sink
from fastinfo.pairs.job import CountedPairs
from fastinfo.pairs.measure import TileMeasure
from fastinfo.pairs.ranking import Judge, Margins
from fastinfo.system.ranges import map_threads

HostArray = np.ndarray[Any, Any]


@dataclass(eq=False)
class StoredFeatures:
    """Features of which counts are kept, and no codes."""

    layout: Layout
    n_bins: HostArray
    has_edges: HostArray
    tables: PairTables
    nan_policy: str

    def __len__(self) -> int:
        return self.n_bins.size

    @property
    def has_missing(self) -> HostArray:
        """Whether a sample of each feature is missing."""
        return np.array([self.tables.n_missing(i) > 0 for i in range(len(self))], np.bool_)

    @property
    def n_samples(self) -> int:
        """The number of samples, missing ones included."""
        return self.tables.n_rows

    def margin(self, position: int, kernels: Kernels) -> HostArray:
        """The number of samples in each bin of one feature."""
        return self.tables.margin(position)[: int(self.n_bins[position])]

    def possible(
        self, features: HostArray, margins: Array, estimator: str, kernels: Kernels
    ) -> Any:
        """Possible cells of features, as `Job.possible`."""
        n_bins, has_edges = (
            kernels.bring(of_each[features]) for of_each in (self.n_bins, self.has_edges)
        )
        chosen = entropies.ESTIMATORS[estimator].possible_values(0)
        return entropies.possible_cells(margins, n_bins, has_edges, kernels, chosen)


class StoredPairs(CountedPairs):
    """The pairs of one tile by their counts; an implementation of `measure.Counted`."""

    def __init__(
        self,
        features: StoredFeatures,
        tile: Tile,
        counts: list[tuple[Array, Array, Array]] | tuple[Array, Array, Array],
        reduction: Reduction,
        kernels: Kernels,
    ) -> None:
        # `CountedPairs` asks its job for the possible cells alone.
        self.job: Any = _Possible(features, kernels)
        self.kernels = kernels
        self.left = features.layout.order[tile.left]
        self.right = features.layout.order[tile.right]
        self.counts = counts
        self.reduction = reduction

    def _sums(self, way: int) -> PairSums:
        """The sums of the measure's term; there are no strata."""
        how, kernels = self.reduction, self.kernels
        if not isinstance(self.counts, list):
            return pair_sums.sums_of(self.counts, how, kernels)
        each = [pair_sums.sums_of(tables, how, kernels)[:-1] for tables in self.counts]
        joint, left, right, whole, samples = self._side_by_side(each)
        return PairSums(joint, left, right, whole, samples, how.unit)

    def entropies(self, estimator: str) -> PairEntropies:
        """Entropies in nats by the counts."""
        if not isinstance(self.counts, list):
            return self._entropies(self.counts, self.left[:, None], self.right[None], estimator)
        places = [(i, j) for i in self.left.tolist() for j in self.right.tolist()]
        each = [
            self._entropies(tables, np.array(i), np.array(j), estimator)
            for tables, (i, j) in zip(self.counts, places, strict=True)
        ]
        return PairEntropies(*self._side_by_side(each))

    def _side_by_side(self, each: Any) -> list[Array]:
        shape = self.left.size, self.right.size
        found = zip(*each, strict=True)
        return [self.kernels.xp.stack(values).reshape(shape) for values in found]


class _Possible:
    def __init__(self, features: StoredFeatures, kernels: Kernels) -> None:
        self.features = features
        self.kernels = kernels

    def possible(self, features: HostArray, margins: Array, estimator: str) -> Any:
        """As `Job.possible`."""
        return self.features.possible(features, margins, estimator, self.kernels)


def measure(
    features: StoredFeatures,
    measure_: TileMeasure,
    kernels: Kernels,
    sink: Sink,
    n_jobs: int,
    diagonal: bool = True,
) -> None:
    """Hand the planes of all tiles that the tables hold to a sink.

    ``diagonal`` says whether each feature with itself is measured too, if pairs are of all
    features.
    """
    tables = features.tables
    term = measure_.term or terms.XLOGX
    how = terms.reduction(term, tables.n_rows)

    def planes_of(tile: Tile, counts: Any) -> dict[str, Array]:
        pairs = StoredPairs(features, tile, counts, how, kernels)
        return dict(zip(measure_.planes, map(kernels.to_host, measure_(pairs)), strict=True))

    def put(tile: Tile, counts: Any) -> None:
        planes = planes_of(tile, counts)
        sink.put(features.layout.order[tile.left], features.layout.order[tile.right], planes)

    work = list(zip(tables.tiles, tables.tables, strict=True))
    step = max(4 * n_jobs, 1)
    for start in range(0, len(work), step):  # few planes wait for the sink
        some = work[start : start + step]
        found = map_threads(
            lambda tile, table: planes_of(tile, _tables_of(tile, table, kernels)),
            *zip(*some, strict=True),
            n_jobs=n_jobs,
            within=kernels.current,
        )
        for (tile, _), planes in zip(some, found, strict=True):
            sink.put(features.layout.order[tile.left], features.layout.order[tile.right], planes)
    if not diagonal or features.layout.n_left is not None:
        return
    for position in range(len(features)):
        margin = tables.margins[position][:-1]
        here = slice(position, position + 1)
        put(Tile(here, here), _of_itself(margin, kernels))


def _tables_of(tile: Tile, table: Any, kernels: Kernels) -> Any:
    """Counts of the pairs of a tile, of their left and of their right features."""
    if not tile.is_sparse:
        counts = kernels.bring(table)
        cells = counts.reshape(*counts.shape[:2], counts.shape[2] * counts.shape[3])
        return cells, counts.sum(axis=3), counts.sum(axis=2)
    return [
        tuple(kernels.bring(part.values) for part in (one, one.marginal((0,)), one.marginal((1,))))
        for one in table
    ]


def _of_itself(margin: HostArray, kernels: Kernels) -> tuple[Array, Array, Array]:
    """The counts of a feature with itself: those of its bins, on a diagonal."""
    if margin.size**2 > 1 << 22:
        cells = kernels.bring(margin[margin > 0])[None, None]
        return cells, cells, cells
    table = np.diag(margin)[None, None]
    counts = kernels.bring(table)
    alone = kernels.bring(margin)[None, None]
    return counts.reshape(1, 1, -1), alone, alone


class StoredJudge(Judge):
    """Judges values of pairs by the tables of their counts."""

    def __init__(
        self,
        features: StoredFeatures,
        kernels: Kernels,
        estimator: str,
        unit: float,
        average: str | None,
    ) -> None:
        super().__init__(features, kernels, None, estimator, unit, average)  # type: ignore[arg-type]
        self.stored = features
        self._of_pairs: dict[tuple[int, int], Margins] = {}

    def n_present(self, feature: int) -> int:
        """The number of samples in which one feature is present."""
        return int(self.stored.tables.margin(feature).sum())

    def n_samples(self, left: int, right: int) -> int:
        """The number of samples in which both features are present."""
        if not self._is_recounted(left, right):
            return self.n_present(left)
        ((n_samples, _, _),) = self.margins(left, right)
        return int(n_samples)

    def margins(self, left: int, right: int) -> list[Margins]:
        """The margins of a pair."""
        if not self._is_recounted(left, right):
            return super().margins(left, right)
        if left == right:
            (own,) = self._margins(left, None)
            return [Margins(self.n_present(left), own, own)]
        if (left, right) not in self._of_pairs:
            counts = self.stored.tables.pair(left, right)
            x, y = (counts.marginal((axis,)).to_dense() for axis in (0, 1))
            # Kept, since the table may be gone once the pairs of the next pass are counted.
            self._of_pairs[left, right] = Margins(int(x.sum()), x[x > 0], y[y > 0])
        return [self._of_pairs[left, right]]

    def present(self, feature: int) -> Any:
        """Nothing, since there are no samples; see `_margins`."""
        return None

    def codes(self, feature: int) -> Any:
        """Raise, since there are no samples.

        Raises
        ------
        ValueError
        """
        raise ValueError("this needs samples in memory, and scans and PairCounts hold none")

    def _is_recounted(self, left: int, right: int) -> bool:
        tables = self.stored.tables
        return tables.n_missing(left) > 0 or tables.n_missing(right) > 0

    def _margins(self, feature: int, complete: Any) -> Sequence[HostArray]:
        counts = self.stored.tables.margin(feature)
        return [counts[counts > 0]]
