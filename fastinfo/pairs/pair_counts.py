"""`PairCounts`: counts of all pairs of features that are kept, added up, stored and measured."""

from __future__ import annotations

from typing import Any

from fastinfo.accumulators.kept_pairs import KeptPairs
from fastinfo.inputs.types import Average, EstimatorName, RankBy
from fastinfo.pairs import conditional, pairwise, scores
from fastinfo.pairs.scores import Score


class PairCounts(KeptPairs):
    """Counts of the joint tables of all pairs of features, to which batches can be added.

    `pairwise_mutual_information`, `top_pairs` and `score` take a `PairCounts` in place of a table.
    Counts add up exactly, so that the parts of a stream, several files and several machines can be
    counted by themselves. Each pair counts the samples in which both of its features are present.

    New categories are added as they come. The first batch decides the bins of floating-point
    features, unless ``bins`` gives edges; a later value outside of these bins counts as missing.
    Features are counted as they are: integers and text are categories, and none is skipped.
    `fastinfo.scan` prepares the columns of files by the rules of `score`.

    With ``given`` the samples are in strata, one for each value of a third variable, and each
    stratum is counted by itself. The same counts then answer both questions:
    `mutual_information`, `top_pairs` and `score` measure all samples, as without ``given``, and
    `conditional_mutual_information`, and the others with ``given``, what features share given it.

    A pair of features of A and B bins takes 8·A·B bytes, where numbers of bins above 32 are rounded
    up by an eighth at most; 50 features of 16 bins take 2.5 MB. Pairs of more than 4 million cells,
    and all pairs of features of more than 4,095 bins, keep the occupied cells, 24 bytes each. All
    that is once more for each value of ``given`` that occurs.

    Parameters
    ----------
    bins : None, int, str, list or array of edges, or a dict of these by the names of features
        How to bin floating-point features; see `fastinfo.mutual_information`. Features of integers
        that a dict names are binned.
    nan_policy : {"raise", "omit", "propagate"}
        How missing samples are treated: they raise an error, are left out pair by pair, or make the
        values of the pair NaN.
    target : name of a feature, or its position where features have no names, optional
        Count the pairs of this feature with all others alone.
    given : name of a column, or its position, or a list of these, optional
        The third variable, whose columns are no features. Several columns are one variable: a
        stratum is a combination of values that occurs. New values are added as they come. The
        default number of bins is ⌈n^(1/(d+3))⌉ for d columns, n being those of the first batch.
        Samples in which it is missing are in no stratum.
    backend : {"numba", "numpy", "cupy"}, optional
        Backend whose kernels count; as for `fastinfo.mutual_information`.
    n_jobs : int, optional
        Number of threads; all cores by default, as for `fastinfo.mutual_information`.

    Examples
    --------
    >>> import fastinfo
    >>> counts = fastinfo.PairCounts()
    >>> for batch in [[0, 0], [0, 0], [1, 1]], [[1, 1], [1, 0]]:
    ...     counts = counts.update(batch)
    >>> counts.n_rows
    5
    >>> counts.mutual_information(base=2)[0].round(6).tolist()
    [0.970951, 0.419973]

    Two coins, which are independent until it is known whether they fell alike.

    >>> coins = {"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "alike": [1, 0, 0, 1]}
    >>> counts = fastinfo.PairCounts(given="alike").update(coins)
    >>> counts.mutual_information(base=2)[0].tolist()
    [1.0, 0.0]
    >>> counts.conditional_mutual_information(base=2)[0].tolist()
    [1.0, 1.0]
    """

    def mutual_information(
        self,
        *,
        normalized: Average | None = None,
        base: float | None = None,
        estimator: EstimatorName = "ml",
        n_jobs: int | None = None,
    ) -> Any:
        """Mutual information of every pair, as `fastinfo.pairwise_mutual_information` returns it.

        With a target, the matrix has one row, and a column for each other feature.
        """
        return pairwise.pairwise_mutual_information(
            self, normalized=normalized, base=base, estimator=estimator, n_jobs=n_jobs
        )

    def conditional_mutual_information(
        self,
        *,
        normalized: Average | None = None,
        base: float | None = None,
        estimator: EstimatorName = "ml",
        n_jobs: int | None = None,
    ) -> Any:
        """What every pair shares given the third variable of these counts.

        As `fastinfo.pairwise_conditional_mutual_information` returns it. With a target, the matrix
        has one row, and a column for each other feature.

        Raises
        ------
        ValueError
            For counts without a third variable, and for one that is constant or missing in all
            samples, or that has another value in each.
        """
        return conditional.pairwise_conditional_mutual_information(
            self,
            given=list(self.given),
            normalized=normalized,
            base=base,
            estimator=estimator,
            n_jobs=n_jobs,
        )

    def top_pairs(
        self,
        k: int | None = 10,
        *,
        given: Any = None,
        threshold: float | None = None,
        rank_by: RankBy | None = None,
        min_samples: int | None = None,
        normalized: Average | None = None,
        base: float | None = None,
        estimator: EstimatorName = "ml",
        fdr: float | None = None,
    ) -> list[Any]:
        """The pairs that share the most information, as `fastinfo.top_pairs` returns them.

        ``fdr`` asks for p-values, and for the pairs that are significant at this false discovery
        rate. ``given`` names the third variable of these counts; without it pairs are measured over
        all samples.
        """
        return pairwise.top_pairs(
            self,
            k,
            given=given,
            threshold=threshold,
            rank_by=rank_by,
            min_samples=min_samples,
            normalized=normalized,
            base=base,
            estimator=estimator,
            fdr=fdr,
        )

    def score(
        self,
        target: Any = None,
        *,
        given: Any = None,
        min_samples: int | None = None,
        base: float | None = None,
        estimator: EstimatorName = "ml",
    ) -> list[Score]:
        """The other features, ranked by what they tell about one, as `fastinfo.score` does.

        ``given`` names the third variable of these counts.
        """
        target = self.target if target is None else target
        return scores.score(
            self, target, given=given, min_samples=min_samples, base=base, estimator=estimator
        )
