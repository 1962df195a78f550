"""Measures of counts that are kept: all that `job` and `ranking` ask of samples, by tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any

import numpy as np

from fastinfo import counting
from fastinfo.accumulators.pair_layout import Layout, Tile
from fastinfo.accumulators.pair_tables import PairTables
from fastinfo.accumulators.strata_tables import AnyTables, StrataTables
from fastinfo.backends import pair_sums, terms
from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.pair_sums import PairEntropies, PairSums
from fastinfo.backends.terms import Reduction
from fastinfo.estimators import entropies
from fastinfo.pairs.engine import Sink
from fastinfo.pairs.job import BY_STRATA, CountedPairs
from fastinfo.pairs.measure import TileMeasure
from fastinfo.pairs.ranking import Cells, Judge, Margins
from fastinfo.system.ranges import map_threads

HostArray = np.ndarray[Any, Any]


STRATA_CELLS = 1 << 19
"""Cells of the tables of several strata that are summed at once."""


@dataclass(eq=False)
class StoredFeatures:
    """Features of which counts are kept, and no codes."""

    layout: Layout
    n_bins: HostArray
    has_edges: HostArray
    tables: AnyTables
    nan_policy: str
    of_pairs: dict[tuple[int, int], list[Margins]] = field(default_factory=dict, init=False)
    """Margins of pairs that lack samples, in each stratum. They are kept, since the tables may be
    gone once the pairs of the next pass are counted."""
    recounts: dict[tuple[int, int], Any] = field(default_factory=dict, init=False)
    """What `recount` found out of pairs, kept for the same reason."""

    def __len__(self) -> int:
        return self.n_bins.size

    @property
    def has_missing(self) -> HostArray:
        """Whether a sample of each feature is missing."""
        return np.array([self.tables.n_missing(i) > 0 for i in range(len(self))], np.bool_)

    @property
    def is_conditional(self) -> bool:
        """Whether samples are in strata, by a third variable."""
        return isinstance(self.tables, StrataTables)

    @property
    def is_unknown(self) -> HostArray:
        """Whether a feature, or the third variable, has a missing sample, for each feature."""
        return np.asarray(self.has_missing | (self.tables.n_outside > 0))

    @property
    def n_samples(self) -> int:
        """The number of samples, missing ones included."""
        return self.tables.n_rows

    def margins(self, position: int, kernels: Kernels) -> list[HostArray]:
        """The number of samples in each bin of one feature, in each stratum."""
        n_bins = int(self.n_bins[position])
        return [part.margin(position)[:n_bins] for part in self.tables.strata]

    def margin(self, position: int, kernels: Kernels) -> HostArray:
        """The number of samples in each bin of one feature, where there are no strata."""
        (found,) = self.margins(position, kernels)
        return found

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
    """The pairs of one tile by their counts; an implementation of `measure.Counted`.

    Parameters
    ----------
    features : StoredFeatures
    tile : Tile
    counted : sequence
        The counts of the tile in each stratum, as tables hold them.
    read : callable
        Makes counts of pairs, of their left and of their right features of them; a list of these,
        one entry for each pair, where counts are sparse.
    ways : pair of Reduction
        How counts are summed: in strata if there are any, and over all of them together.
    """

    def __init__(
        self,
        features: StoredFeatures,
        tile: Tile,
        counted: Sequence[Any],
        read: Callable[[Any], Any],
        ways: tuple[Reduction, Reduction],
        kernels: Kernels,
    ) -> None:
        # `CountedPairs` asks its job for the possible cells alone.
        self.job: Any = _Possible(features, kernels)
        self.kernels = kernels
        self.left = features.layout.order[tile.left]
        self.right = features.layout.order[tile.right]
        self.counted = counted
        self.read = read
        self.ways = ways

    def _sums(self, way: int) -> PairSums:
        """The sums of the measure's term by one of the ways."""
        how, counted = self.ways[way], self.counted
        if way != BY_STRATA:
            counted = [reduce(_plus, counted)]
        if len(counted) == 1 or isinstance(counted[0], list):
            return reduce(PairSums.plus, (self._sums_of(one, how) for one in counted))
        # Of many strata, most time would go to calls.
        at_once = max(STRATA_CELLS // counted[0].size, 1)
        found = []
        for start in range(0, len(counted), at_once):
            sums = self._sums_of(np.stack(counted[start : start + at_once]), how)
            joint, left, right, whole, samples = (part.sum(axis=0) for part in sums[:-1])
            found.append(PairSums(joint, left, right, whole, samples, how.unit))
        return reduce(PairSums.plus, found)

    def _sums_of(self, counted: Any, how: Reduction) -> PairSums:
        counts, kernels = self.read(counted), self.kernels
        if not isinstance(counts, list):
            return pair_sums.sums_of(counts, how, kernels)
        each = [pair_sums.sums_of(tables, how, kernels)[:-1] for tables in counts]
        joint, left, right, whole, samples = self._side_by_side(each)
        return PairSums(joint, left, right, whole, samples, how.unit)

    def entropies(self, estimator: str) -> PairEntropies:
        """Entropies in nats by the counts, of which there are no strata."""
        (counted,) = self.counted
        counts = self.read(counted)
        if not isinstance(counts, list):
            return self._entropies(counts, self.left[:, None], self.right[None], estimator)
        places = [(i, j) for i in self.left.tolist() for j in self.right.tolist()]
        each = [
            self._entropies(tables, np.array(i), np.array(j), estimator)
            for tables, (i, j) in zip(counts, places, strict=True)
        ]
        return PairEntropies(*self._side_by_side(each))

    def _side_by_side(self, each: Any) -> list[Array]:
        shape = self.left.size, self.right.size
        found = zip(*each, strict=True)
        return [self.kernels.xp.stack(values).reshape(shape) for values in found]


def _plus(one: Any, other: Any) -> Any:
    """The sum of the counts of a tile in two strata."""
    if not isinstance(one, list):
        return one + other
    return [counting.add(a, b) for a, b in zip(one, other, strict=True)]


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
    tables, strata = features.tables, features.tables.strata
    term = measure_.term or terms.XLOGX
    n_samples = sum(part.n_rows for part in strata)
    in_strata = term.given() if features.is_conditional else term
    ways = terms.reduction(in_strata, n_samples), terms.reduction(term, n_samples)

    def planes_of(
        tile: Tile, counted: Sequence[Any], read: Callable[[Any], Any]
    ) -> dict[str, Array]:
        pairs = StoredPairs(features, tile, counted, read, ways, kernels)
        return dict(zip(measure_.planes, map(kernels.to_host, measure_(pairs)), strict=True))

    def of_tile(number: int, tile: Tile) -> dict[str, Array]:
        counted = [part.tables[number] for part in strata]
        alone = None if features.is_conditional else _alone(strata[0], tile)
        return planes_of(tile, counted, partial(_tables_of, tile, kernels, alone))

    work = list(enumerate(tables.tiles))
    step = max(4 * n_jobs, 1)
    for start in range(0, len(work), step):  # few planes wait for the sink
        some = work[start : start + step]
        found = map_threads(
            of_tile, *zip(*some, strict=True), n_jobs=n_jobs, within=kernels.current
        )
        for (_, tile), planes in zip(some, found, strict=True):
            sink.put(features.layout.order[tile.left], features.layout.order[tile.right], planes)
    if not diagonal or features.layout.n_left is not None:
        return
    for position in range(len(features)):
        margins = [part.margins[position][:-1] for part in strata]
        here = slice(position, position + 1)
        planes = planes_of(Tile(here, here), margins, partial(_of_itself, kernels))
        sink.put(features.layout.order[here], features.layout.order[here], planes)


def _alone(tables: PairTables, tile: Tile) -> list[HostArray] | None:
    """Counts of the features of a tile; None where they differ from pair to pair.

    Where no sample is missing, they are the same in all pairs.
    """
    sides = [
        np.array([tables.margins[i] for i in range(side.start, side.stop)])
        for side in (tile.left, tile.right)
        if not tile.is_sparse
    ]
    if tile.is_sparse or any(side[:, -1].any() for side in sides):
        return None
    return [side[:, :-1] for side in sides]


def _tables_of(tile: Tile, kernels: Kernels, alone: list[HostArray] | None, table: Any) -> Any:
    """Counts of the pairs of a tile, of their left and of their right features.

    Tables of several strata may be stacked. ``alone`` is as `_alone` returns it.
    """
    if not tile.is_sparse:
        counts = kernels.bring(table)
        cells = counts.reshape(*counts.shape[:-2], counts.shape[-2] * counts.shape[-1])
        if alone is not None:
            left, right = map(kernels.bring, alone)
            return cells, left[:, None], right[None]
        return cells, counts.sum(axis=-1), counts.sum(axis=-2)
    return [
        tuple(kernels.bring(part.values) for part in (one, one.marginal((0,)), one.marginal((1,))))
        for one in table
    ]


def _of_itself(kernels: Kernels, margin: HostArray) -> tuple[Array, Array, Array]:
    """The counts of a feature with itself: those of its bins, on a diagonal.

    Of several strata, which are stacked, the empty cells beside the diagonal are left out.
    """
    if margin.ndim > 1:
        alone = kernels.bring(margin)[:, None, None]
        return alone, alone, alone
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
        self.recounts = features.recounts

    @property
    def is_conditional(self) -> bool:
        """Whether counts are in strata."""
        return self.stored.is_conditional

    @property
    def sizes(self) -> HostArray:
        """The number of samples in each stratum."""
        return np.array([part.n_rows for part in self.stored.tables.strata], np.int64)

    def n_present(self, feature: int) -> int:
        """The number of samples in which one feature is present."""
        return sum(int(part.margin(feature).sum()) for part in self.stored.tables.strata)

    def n_samples(self, left: int, right: int) -> int:
        """The number of samples in which both features are present."""
        if not self._is_recounted(left, right):
            return self.n_present(left)
        return sum(int(n_samples) for n_samples, _, _ in self.margins(left, right))

    def margins(self, left: int, right: int) -> list[Margins]:
        """The margins of a pair in each stratum."""
        if not self._is_recounted(left, right):
            return super().margins(left, right)
        if left == right:
            return [Margins(int(own.sum()), own, own) for own in self._margins(left, None)]
        known = self.stored.of_pairs
        if (left, right) not in known:
            found = []
            for part in self.stored.tables.strata:
                counts = part.pair(left, right)
                x, y = (counts.marginal((axis,)).to_dense() for axis in (0, 1))
                found.append(Margins(int(x.sum()), x[x > 0], y[y > 0]))
            known[left, right] = found
        return known[left, right]

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

    def cells(self, left: int, right: int) -> Cells:
        """As `Judge.cells`, by the tables of the strata."""
        each = [part.pair(left, right).to_sparse() for part in self.stored.tables.strata]
        stratum = np.repeat(np.arange(len(each)), [one.values.size for one in each])
        (x, y), counts = (
            np.concatenate([getattr(one, what) for one in each], axis=-1)
            for what in ("cells", "values")
        )
        order = np.lexsort((stratum, y, x))
        return Cells(x[order], y[order], stratum[order], counts[order], int(counts.sum()))

    def _is_recounted(self, left: int, right: int) -> bool:
        tables = self.stored.tables
        return tables.n_missing(left) > 0 or tables.n_missing(right) > 0

    def _margins(self, feature: int, complete: Any) -> Sequence[HostArray]:
        every = self.stored.margins(feature, self.kernels)
        return [counts[counts > 0] for counts in every]
