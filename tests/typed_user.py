"""A user's script, which mypy checks with the package: what it infers, and what it refuses.

A ``type: ignore`` on a line in which mypy has nothing to refuse is an error as well.
"""

from typing import assert_type

import numpy as np

import fastinfo
from fastinfo import JointCounts, pmf

X = np.random.default_rng(0).normal(size=(50, 3))
x, y, z = X.T


def main() -> None:
    """Every call runs as well."""
    assert_type(fastinfo.entropy(x, bins=5), float)
    assert_type(fastinfo.entropy(["a", None, "b"], nan_policy="omit", base=2), float)
    assert_type(fastinfo.joint_entropy(x, y.tolist(), bins=[-9.0, 0.0, 9.0]), float)
    assert_type(fastinfo.conditional_entropy(x, given=X[:, :2], bins="uniform"), float)
    assert_type(fastinfo.mutual_information(x, y, bins=(5, "fd"), backend="numba"), float)
    assert_type(fastinfo.conditional_mutual_information(x, y, z, estimator="miller_madow"), float)
    assert_type(fastinfo.entropy(x, estimator="dirichlet:0.5:30"), float)
    assert_type(fastinfo.estimate_entropy(x, estimator="shrinkage"), fastinfo.EntropyEstimate)
    assert_type(fastinfo.normalized_mutual_information(x, y, average="max"), float)
    assert_type(fastinfo.variation_of_information(x, y, sample_weight=np.ones(50)), float)
    assert_type(fastinfo.kl_divergence(x, x, sample_weight=(None, [1] * 50)), float)

    assert_type(fastinfo.o_information(x, y, z, bins=2), float)
    assert_type(fastinfo.jensen_shannon_divergence(x, y, z, weights=[1, 2, 1]), float)
    assert_type(fastinfo.renyi_entropy(x, 2) + fastinfo.tsallis_divergence(x, y, 0.5), float)
    assert_type(fastinfo.transfer_entropy(x, y, given=z, n_shuffles=2, random_state=0), float)
    fastinfo.entropy(fastinfo.ordinal_patterns(x, 3))

    assert pmf.entropy(np.ma.array([1, 1, 9], mask=[False, False, True]), axis=None, base=2) == 1
    assert pmf.kl_divergence([[0.5, 0.5]], np.ones((1, 2)), axis=-1) == 0
    assert pmf.mutual_information([[1, 0], [0, 1]], axis=(1, 0), base=2) == 1

    table = {"a": x, "b": y, "c": z > 0}
    assert_type(fastinfo.score(table, "c", bins={"a": 4}), list[fastinfo.Score])
    by_value = fastinfo.top_pairs(X, 2, rank_by="value", normalized="min", bins="quantile:4")
    assert_type(by_value, list[fastinfo.Pair])
    assert_type(fastinfo.top_pairs(X, 2), list[fastinfo.Pair])
    by_corrected = fastinfo.top_pairs(table, rank_by="corrected", Y=z, min_samples=3)
    assert_type(by_corrected, list[fastinfo.RankedPair])
    assert_type(fastinfo.top_pairs(X, 2, p_values=True), list[fastinfo.TestedPair])
    assert_type(fastinfo.top_pairs(X, 2, fdr=0.05, rank_by="value"), list[fastinfo.TestedPair])
    fastinfo.pairwise_mutual_information(table, kinds={"a": "number"}, nan_policy="omit")
    given_c = fastinfo.top_pairs(table, rank_by="corrected", given="c", min_samples=3)
    assert_type(given_c, list[fastinfo.RankedPair])
    assert_type(fastinfo.score(table, "a", given=z > 0), list[fastinfo.Score])
    fastinfo.pairwise_conditional_mutual_information(X, given=y, out=np.empty((3, 3)))
    found = fastinfo.pairwise_interaction(table, ["c"], bins="quantile:3")
    assert_type(found, fastinfo.PairwiseInteraction)
    best = fastinfo.top_interactions(X, z > 0, 2, rank_by="synergy")
    assert_type(best, list[fastinfo.InteractingPair])
    assert_type(fastinfo.encode(x, bins=[-9.0, 0.0, 9.0]), fastinfo.Encoded)

    assert_type(fastinfo.adjusted_mutual_information(z > 0, y > 0, average="min"), float)
    tested = fastinfo.test_independence(x, y, z, method="gamma", bins=3, random_state=1)
    assert_type(tested, fastinfo.IndependenceTest)
    interval = fastinfo.confidence_interval(
        fastinfo.mutual_information, x, y, resampling="jackknife", bins=3, base=2
    )
    assert_type(interval, fastinfo.ConfidenceInterval)

    counts = JointCounts(bins=(None, np.linspace(-5, 5, 9)), nan_policy="propagate")
    assert_type(counts.update(x, y), JointCounts)
    assert_type(counts + counts, JointCounts)
    assert_type(counts.shape, tuple[int, ...])
    assert_type(counts.n_samples, int | float)
    assert_type(fastinfo.mutual_information(counts), float)
    assert_type(JointCounts.from_table([[1, 2], [3, 4]]), JointCounts)


def refused() -> None:
    """Calls that never run."""
    fastinfo.entropy(x, estimator=None)  # type: ignore[arg-type]
    fastinfo.entropy(x, nan_policy="ignore")  # type: ignore[arg-type]
    fastinfo.entropy(x, backend="fortran")  # type: ignore[arg-type]
    fastinfo.entropy(x, bins=2.5)  # type: ignore[arg-type]
    fastinfo.entropy(x, base="two")  # type: ignore[arg-type]
    fastinfo.entropy(None)  # type: ignore[arg-type]
    fastinfo.renyi_entropy(x, "two")  # type: ignore[arg-type]
    fastinfo.transfer_entropy(x, y, random_state="a")  # type: ignore[arg-type]
    fastinfo.mutual_information(x, y, 5)  # type: ignore[call-arg]
    fastinfo.normalized_mutual_information(x, y, average="mean")  # type: ignore[arg-type]
    pmf.normalized_mutual_information(X, average="mean")  # type: ignore[arg-type]
    pmf.entropy(None)  # type: ignore[arg-type]
    pmf.mutual_information(X, axis=0)  # type: ignore[arg-type]
    fastinfo.score(X, y, estimator=0.5)  # type: ignore[arg-type]
    fastinfo.test_independence(x, y, method="fisher")  # type: ignore[arg-type]
    fastinfo.test_independence(x, y, random_state="7")  # type: ignore[arg-type]
    fastinfo.top_pairs(X, rank_by="size")  # type: ignore[call-overload]
    fastinfo.top_interactions(X, y, rank_by="share")  # type: ignore[arg-type]
    fastinfo.pairwise_mutual_information(X, kinds={"a": "text"})  # type: ignore[dict-item]
    JointCounts(nan_policy="ignore")  # type: ignore[arg-type]
