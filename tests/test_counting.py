"""Dense and sparse tables answer alike."""

import itertools

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastinfo import counting
from fastinfo.backends import load
from fastinfo.data.encoders import LookUp


@pytest.fixture
def kernels(backend):
    """The kernels themselves: what is tested here brings arrays to them and back."""
    return load(backend)()


def count(codes, n_bins, kernels, weights=None, sparse=None):
    """`counting.count` of codes that are there already."""
    codes = [kernels.bring(column) for column in codes]
    weights = None if weights is None else kernels.bring(weights)
    return counting.count(
        [LookUp(column) for column in codes],
        len(codes[0]),
        n_bins,
        kernels,
        weights,
        sparse,
    )


def as_dict(counts):
    """{cell: count} of the occupied cells."""
    sparse = counts.to_sparse()
    return {
        tuple(c): v for c, v in zip(sparse.cells.T.tolist(), sparse.values.tolist(), strict=True)
    }


def draw(data, n_bins, n_samples):
    return [
        np.array(
            data.draw(st.lists(st.integers(0, b), min_size=n_samples, max_size=n_samples)), "u1"
        )
        for b in n_bins
    ]


@given(data=st.data(), n_bins=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_dense_and_sparse_counts_are_the_same(backend, data, n_bins):
    codes = draw(data, n_bins, data.draw(st.integers(1, 30)))
    dense, sparse = (
        count(codes, n_bins, load(backend)(), sparse=is_sparse) for is_sparse in (False, True)
    )
    expected = naive.count_codes(codes, n_bins)
    assert as_dict(dense) == as_dict(sparse) == expected
    np.testing.assert_array_equal(dense.to_dense(), sparse.to_dense())
    assert dense.shape == sparse.shape == tuple(n_bins)
    for size in range(1, len(n_bins) + 1):
        for axes in itertools.combinations(range(len(n_bins)), size):
            judged = naive.count([[cell[a] for cell in expected.elements()] for a in axes])
            assert as_dict(dense.marginal(axes)) == as_dict(sparse.marginal(axes)) == judged


def test_weights(backend, rng):
    codes = [rng.integers(0, 4, 200).astype("u1"), rng.integers(0, 3, 200).astype("u1")]
    weights = rng.random(200)
    expected = naive.count_codes(codes, (3, 3), weights)
    for sparse in (False, True):
        found = as_dict(count(codes, (3, 3), load(backend)(), weights, sparse))
        assert found == pytest.approx(dict(expected))


def test_a_table_goes_sparse_where_it_is_far_larger_than_the_samples(kernels):
    """With the spare bins: 362² cells are few enough, and 400² are four for each sample."""
    few, many = np.zeros(10, "u2"), np.zeros(40_000, "u2")
    assert isinstance(count([few, few], (361, 361), kernels), counting.DenseCounts)
    assert isinstance(count([few, few], (361, 362), kernels), counting.SparseCounts)
    assert isinstance(count([many, many], (399, 399), kernels), counting.DenseCounts)
    assert isinstance(count([many, many], (399, 400), kernels), counting.SparseCounts)


def test_a_dense_table_that_cannot_fit_tells_the_memory(kernels):
    codes = np.zeros(3, "u4")
    with pytest.raises(
        MemoryError, match=r"1000001 × 1000001 cells needs 7,450.6 GiB and .* free.*sparse=True"
    ):
        count([codes, codes], (10**6, 10**6), kernels, sparse=False)


def test_more_cells_than_64_bits_can_number(kernels, rng):
    """Four variables of 2¹⁷ bins: 2⁶⁸ cells."""
    codes = [rng.integers(0, 1 << 17, 50).astype("u4") for _ in range(4)]
    codes = [np.concatenate([c, c[:20]]) for c in codes]
    counts = count(codes, [1 << 17] * 4, kernels)
    assert as_dict(counts) == naive.count_codes(codes, [1 << 17] * 4)
    assert sorted(as_dict(counts)) == list(as_dict(counts))
    assert as_dict(counts.marginal([1, 3])) == naive.count_codes(
        [codes[1], codes[3]], [1 << 17] * 2
    )
    with pytest.raises(MemoryError):
        counts.to_dense()


@pytest.mark.parametrize("kinds", ["dd", "ds", "sd", "ss"])
def test_addition(kernels, rng, kinds):
    codes = rng.integers(0, 4, (2, 2, 60)).astype("u1")
    parts = [
        count(list(c), (3, 3), kernels, sparse=kind == "s")
        for c, kind in zip(codes, kinds, strict=True)
    ]
    whole = [np.concatenate([codes[0, v], codes[1, v]]) for v in range(2)]
    assert as_dict(counting.add(*parts)) == naive.count_codes(whole, (3, 3))


@pytest.mark.parametrize("sparse", [False, True])
def test_spreading_to_a_larger_table(kernels, sparse):
    counts = count([np.array([0, 1, 1], "u1")], [2], kernels, sparse=sparse)
    assert as_dict(counts.spread((4,), [np.array([3, 1])])) == {(3,): 1, (1,): 2}


@pytest.mark.parametrize("n_bins", [[1] * 40, [2] * 20, [1] * 12 + [3] * 8])
def test_many_variables_with_few_bins_are_counted_sparsely(kernels, rng, n_bins):
    """The spare bin of each would make 2⁴⁰ cells of 40 constant columns."""
    codes = [rng.integers(0, bins, 50, dtype="u1") for bins in n_bins]
    counts = count(codes, n_bins, kernels)
    assert isinstance(counts, counting.SparseCounts)
    assert as_dict(counts) == naive.count_codes(codes, n_bins)


def test_a_table_that_does_not_fit_the_memory_is_sparse(kernels, rng, monkeypatch):
    """Where nobody insists on a dense one."""
    codes = [rng.integers(0, 500, 100_000, dtype="u2") for _ in range(2)]
    assert isinstance(count(codes, [500, 500], kernels), counting.DenseCounts)
    monkeypatch.setattr(counting, "free_memory", lambda: 1_000_000)
    assert isinstance(count(codes, [500, 500], kernels), counting.SparseCounts)
    with pytest.raises(MemoryError, match="501 × 501 cells"):
        count(codes, [500, 500], kernels, sparse=False)
