"""Every way to count pairs, against plain Python loops."""

from __future__ import annotations

import os
from typing import Any

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
from hypothesis import given, settings

from fastinfo.backends.numba import NumbaKernels, pairs, processor
from fastinfo.backends.numba.pairs import bitrows, crossovers, layout
from fastinfo.backends.terms import XLOGX, reduction
from fastinfo.estimators.entropies import MILLER_MADOW
from fastinfo.estimators.grassberger import GRASSBERGER

WAYS = {
    "positional": crossovers.POSITIONAL,
    "swapped": crossovers.POSITIONAL_SWAPPED,
    "bitset": crossovers.BITSET,
    "scatter": crossovers.SCATTER,
    "steps": crossovers.STEPS,
    "chosen": None,
}


NOTHING_IS_TOO_SMALL = -1

KERNELS = NumbaKernels(small_job=NOTHING_IS_TOO_SMALL)


@pytest.fixture(autouse=True)
def every_way_on_any_machine(monkeypatch: Any) -> None:
    """Bit rows for as many bins as have them anywhere."""
    monkeypatch.setattr(crossovers, "costs", lambda: crossovers.AVX512)


def going(wanted: int | None) -> NumbaKernels:
    """Kernels that count in one way, wherever it can be gone; scatter elsewhere."""
    if wanted is None:
        return KERNELS

    def choose(n_samples: int, *_: Any, **can: bool) -> int:
        possible = {
            crossovers.POSITIONAL: can["right_rows"],
            crossovers.POSITIONAL_SWAPPED: can["left_rows"],
            crossovers.BITSET: can["bytes_"],
            crossovers.STEPS: can["sums"] and n_samples < 1 << 16,
        }
        return wanted if possible.get(wanted, True) else crossovers.SCATTER

    return NumbaKernels(choose, NOTHING_IS_TOO_SMALL)


@pytest.fixture(params=WAYS)
def way(request: Any) -> NumbaKernels:
    return going(WAYS[request.param])


def expected_counts(
    codes: Any, n_bins: Any, left: slice, right: slice, weights: Any = None
) -> np.ndarray:
    """The contract of ``count_pairs``, sample by sample."""
    lefts, rights = range(len(codes))[left], range(len(codes))[right]
    shape = (
        len(lefts),
        len(rights),
        max((n_bins[i] for i in lefts), default=0),
        max((n_bins[j] for j in rights), default=0),
    )
    counts = np.zeros(shape, np.int64 if weights is None else np.float64)
    for i, x in enumerate(lefts):
        for j, y in enumerate(rights):
            found = naive.count_codes([codes[x], codes[y]], [n_bins[x], n_bins[y]], weights)
            for cell, count in found.items():
                counts[(i, j, *cell)] = count
    return counts


def check(
    kernels: NumbaKernels,
    codes: Any,
    n_bins: Any,
    left: slice = slice(None),
    right: slice = slice(None),
) -> None:
    """Counts equal the judge's, and sums are those of the counts, whatever is summed."""
    packed = kernels.pack(codes, n_bins)
    counts = kernels.count_pairs(packed, left, packed, right)
    expected = expected_counts(codes, n_bins, left, right)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, expected)
    check_entropies(kernels.pair_sums(packed, left, packed, right).entropies(), expected)
    how = reduction(GRASSBERGER, packed.n_samples)
    corrected = kernels.pack(codes, n_bins, reduction=how)
    check_sums(kernels.pair_sums(corrected, left, corrected, right), how, expected)


def check_sums(found: Any, how: Any, counts: Any) -> None:
    """Sums of integers are the same, in whatever way they came about; g(N) of one occupied cell."""
    cells = counts.reshape(*counts.shape[:2], np.prod(counts.shape[2:], dtype=int))
    tables = cells, counts.sum(axis=3), counts.sum(axis=2)
    *sums, whole, samples = np.broadcast_arrays(*found[:-1])
    for ours, table in zip(sums, tables, strict=True):
        expected = how.table[table].sum(axis=-1)
        is_constant = (table > 0).sum(axis=-1) == 1
        np.testing.assert_array_equal(ours, np.where(is_constant, whole, expected))
    np.testing.assert_array_equal(samples, cells.sum(axis=-1))
    np.testing.assert_array_equal(whole, how.totals[samples])
    assert found.unit == how.unit


def check_entropies(found: Any, counts: Any) -> None:
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            tables = counts[i, j], counts[i, j].sum(axis=1), counts[i, j].sum(axis=0)
            for entropy, table in zip(np.broadcast_arrays(*found), tables, strict=True):
                if table.sum() == 0:
                    assert np.isnan(entropy[i, j])
                else:
                    wanted = naive.entropy_of(
                        naive.probabilities(dict(enumerate(table.ravel().tolist())))
                    )
                    np.testing.assert_allclose(entropy[i, j], wanted, rtol=1e-13, atol=1e-13)
                    assert (wanted == 0) == (entropy[i, j] == 0)


def random_codes(seed: int, n: int, n_bins: Any, missing: Any = ()) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [
        rng.integers(0, b + (i in missing), n).astype(np.uint8 if b < 256 else np.uint16)
        for i, b in enumerate(n_bins)
    ]


@pytest.mark.parametrize("n", [0, 1, 2, 15, 16, 17, 63, 64, 65, 511, 512, 513, 5000])
def test_samples(way: NumbaKernels, n: int) -> None:
    n_bins = [2, 3, 16, 5, 1]
    check(way, random_codes(n, n, n_bins, missing=(1, 4)), n_bins)


@pytest.mark.parametrize("n_bins", [*range(1, 71), 127, 128, 129, 200, 255])
def test_bins(way: NumbaKernels, n_bins: int) -> None:
    check(way, random_codes(n_bins, 700, [n_bins] * 3, missing=(2,)), [n_bins] * 3)


def everything(kernels: NumbaKernels, packed: Any) -> Any:
    return kernels.pair_sums(packed, slice(None), packed, slice(None))


def assert_same(ours: Any, theirs: Any) -> None:
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_way_gives_the_same_bits() -> None:
    n_bins = [2, 7, 40, 100, 16, 3]
    codes = random_codes(21, 3000, n_bins, missing=(1, 5))
    found = []
    for wanted in WAYS.values():
        kernels = NumbaKernels(
            lambda *_, wanted=wanted, **__: wanted or 0,  # type: ignore[misc]
            NOTHING_IS_TOO_SMALL,
        )
        found.append(everything(kernels, kernels.pack(codes, n_bins)))
    for other in found[1:]:
        assert_same(found[0], other)
    np.testing.assert_array_equal(found[0].joint, found[0].joint.T)


@pytest.mark.parametrize("term", [XLOGX, MILLER_MADOW], ids=lambda term: term.name)
def test_two_packs_count_as_one_that_has_all(way: NumbaKernels, term: Any) -> None:
    """The features on the right may be others, of another type of codes, too."""
    n_bins = [2, 300, 7, 40, 1, 16, 260, 3]
    codes = random_codes(24, 1500, n_bins, missing=(1, 2, 7))
    how = reduction(term, 1500)
    of_all = way.pack(codes, n_bins, reduction=how)
    left, right = (way.pack(codes[s], n_bins[s], reduction=how) for s in (np.s_[:3], np.s_[3:]))
    for lefts, rights in ((slice(0, 3), slice(0, 5)), (slice(1, 2), slice(2, 4))):
        there = slice(3 + rights.start, 3 + rights.stop)
        counts = way.count_pairs(left, lefts, right, rights)
        np.testing.assert_array_equal(counts, way.count_pairs(of_all, lefts, of_all, there))
        ours = way.pair_sums(left, lefts, right, rights)
        theirs = way.pair_sums(of_all, lefts, of_all, there)
        assert_same(np.broadcast_arrays(*ours), np.broadcast_arrays(*theirs))


def test_two_packs_with_weights() -> None:
    n_bins = [2, 5, 16]
    codes = random_codes(11, 500, n_bins, missing=(1,))
    weights = np.random.default_rng(1).integers(0, 9, 500) / 4.0
    left, right = KERNELS.pack(codes[:1], [2], weights), KERNELS.pack(codes[1:], [5, 16], weights)
    counts = KERNELS.count_pairs(left, slice(None), right, slice(None))
    expected = expected_counts(codes, n_bins, slice(0, 1), slice(1, 3), weights)
    np.testing.assert_array_equal(counts, expected)


def test_little_work_is_scattered() -> None:
    n_bins = [2, 7, 40]
    codes = random_codes(23, 300, n_bins)

    def choose(*_: Any, **__: Any) -> int:
        raise AssertionError("there is nothing to choose")

    kernels = NumbaKernels(choose, small_job=3 * 3 * 300)
    small = kernels.pack(codes, n_bins)
    assert all(c.bit_rows is None for c in small.classes)
    assert_same(everything(kernels, small), everything(KERNELS, KERNELS.pack(codes, n_bins)))


def test_bit_rows_keep_to_the_memory_limit() -> None:
    n_bins = [2] * 8 + [60] * 8
    codes = random_codes(22, 2000, n_bins)
    packed = KERNELS.pack(codes, n_bins, memory_limit=2 * 8 * 2000 // 8)
    assert [c.bit_rows is not None for c in packed.classes] == [True, False]
    whole = KERNELS.pack(codes, n_bins)
    assert all(c.bit_rows is not None for c in whole.classes)
    assert_same(everything(KERNELS, packed), everything(KERNELS, whole))


def test_more_than_one_chunk(way: NumbaKernels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bitrows, "MOST", 600)
    n_bins = [2, 3, 16, 2, 40]
    check(way, random_codes(1, 2500, n_bins, missing=(2, 3)), n_bins)


def test_more_than_one_span(way: NumbaKernels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bitrows, "MOST", 300)
    monkeypatch.setattr(layout, "SPAN", 650)
    n_bins = [2, 3, 16, 2]
    check(way, random_codes(2, 2500, n_bins, missing=(2,)), n_bins)


@pytest.mark.parametrize("n_samples", [997, 1000, 1001])
def test_a_span_that_chunks_do_not_divide(
    way: NumbaKernels, n_samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums are of all samples at once: up to `SPAN` of them are one span, however chunks fall."""
    monkeypatch.setattr(bitrows, "MOST", 96)
    monkeypatch.setattr(layout, "SPAN", 1000)
    n_bins = [2, 3, 16]
    check(way, random_codes(7, n_samples, n_bins, missing=(1,)), n_bins)


def test_real_chunks_and_wide_counters(way: NumbaKernels) -> None:
    """Counts of more than 16 bits, and the true size of a chunk."""
    rng = np.random.default_rng(5)
    n = 150_000
    codes = (rng.random((3, n)) < [[0.5], [0.01], [0.97]]).astype(np.uint8)
    codes[0, :70_000] = 2
    check(way, codes, [2, 2, 2])


def test_more_features_than_a_block(way: NumbaKernels) -> None:
    n_bins = [2] * 300 + [3] * 150 + [4] * 3 + [2] * 100
    codes = random_codes(3, 130, n_bins, missing=range(0, 500, 7))
    check(way, codes, n_bins, slice(297, 303), slice(0, None))
    check(way, codes, n_bins, slice(449, 456), slice(440, 460))


def test_mixed_bins(way: NumbaKernels) -> None:
    n_bins = [2, 200, 3, 64, 1, 17, 16, 2, 129]
    check(way, random_codes(4, 900, n_bins, missing=(0, 3)), n_bins)
    check(way, random_codes(4, 900, n_bins), n_bins, slice(1, 4), slice(3, 9))


def test_wide_codes(way: NumbaKernels) -> None:
    n_bins = [300, 2, 400]
    check(way, random_codes(6, 800, n_bins, missing=(2,)), n_bins)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.95, 1.0])
def test_skewed(way: NumbaKernels, share: float) -> None:
    rng = np.random.default_rng(8)
    codes = (rng.random((4, 3000)) < share) * rng.integers(1, 5, (4, 3000))
    check(way, codes.astype(np.uint8), [5, 5, 5, 4])


def test_constant_and_all_missing(way: NumbaKernels) -> None:
    codes = np.stack([np.full(900, c, np.uint8) for c in (0, 2, 3, 1)])
    check(way, codes, [3, 3, 3, 2])


def test_symmetric(way: NumbaKernels) -> None:
    codes = random_codes(9, 400, [7] * 6)
    packed = way.pack(codes, [7] * 6)
    counts = way.count_pairs(packed, slice(0, 6), packed, slice(0, 6))
    np.testing.assert_array_equal(counts, counts.transpose(1, 0, 3, 2))


def test_odd_tiles(way: NumbaKernels) -> None:
    n_bins = [16] * 90
    codes = random_codes(10, 200, n_bins)
    for left, right in [
        ((0, 1), (33, 35)),
        ((89, 90), (0, 90)),
        ((5, 5), (0, 9)),
        ((3, 9), (68, 70)),
    ]:
        check(way, codes, n_bins, slice(*left), slice(*right))


def test_weights() -> None:
    n_bins = [2, 5, 16]
    codes = random_codes(11, 500, n_bins, missing=(1,))
    weights = np.random.default_rng(1).integers(0, 9, 500) / 4.0
    packed = KERNELS.pack(codes, n_bins, weights)
    expected = expected_counts(codes, n_bins, slice(None), slice(None), weights)
    counts = KERNELS.count_pairs(packed, slice(None), packed, slice(None))
    np.testing.assert_array_equal(counts, expected)
    check_entropies(everything(KERNELS, packed).entropies(), expected)


def test_out_and_matrix() -> None:
    codes = np.stack(random_codes(12, 300, [4] * 5))
    codes.flags.writeable = False
    packed = pairs.pack(codes, [4] * 5)
    out = np.zeros((2, 5, 4, 4), np.int64)
    assert pairs.count_pairs(packed, slice(1, 3), packed, slice(None), out) is out
    np.testing.assert_array_equal(out, expected_counts(codes, [4] * 5, slice(1, 3), slice(None)))


def test_no_features() -> None:
    packed = KERNELS.pack([], [])
    assert KERNELS.count_pairs(packed, slice(0, 0), packed, slice(0, 0)).shape == (0, 0, 0, 0)
    assert everything(KERNELS, packed).joint.shape == (0, 0)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_anything(data: Any) -> None:
    n_bins = data.draw(st.lists(st.integers(1, 20) | st.integers(60, 140), min_size=1, max_size=8))
    n = data.draw(st.integers(0, 300))
    seed = data.draw(st.integers(0, 2**32 - 1))
    power = data.draw(st.sampled_from([1.0, 3.0, 10.0]))
    rng = np.random.default_rng(seed)
    missing = rng.random(len(n_bins)) < 0.3
    codes = [
        ((b + int(gone)) * rng.random(n) ** power).astype(np.uint8)
        for b, gone in zip(n_bins, missing, strict=True)
    ]
    first = data.draw(st.integers(0, len(n_bins)))
    last = data.draw(st.integers(first, len(n_bins)))
    check(KERNELS, codes, n_bins, slice(first, last), slice(None))


@pytest.mark.parametrize(("cache", "most"), [(1 << 16, 2048), (1 << 19, 4096), (1 << 24, 10_240)])
def test_chunks_fill_half_of_the_cache(monkeypatch: Any, cache: int, most: int) -> None:
    monkeypatch.setattr(bitrows, "second_level_cache", lambda: cache)
    for n_samples in (0, 1, most, most + 1, 10**6):
        size = bitrows.chunk_size(n_samples)
        assert 1 <= size <= most
        n_chunks = -(-n_samples // size)
        assert n_chunks * size - n_samples < max(n_chunks, 2)


def test_a_cache_that_the_system_does_not_tell(monkeypatch: Any) -> None:
    for answer in (0, -1, None):

        def sysconf(name: str, answer: Any = answer) -> int:
            if answer is None:
                raise ValueError(name)
            return answer

        monkeypatch.setattr(os, "sysconf", sysconf)
        assert processor.second_level_cache.__wrapped__() == processor.UNKNOWN_CACHE
    monkeypatch.setattr(os, "sysconf", lambda name: 1 << 21)
    assert processor.second_level_cache.__wrapped__() == 1 << 21


def test_copies_of_a_table_are_added_up() -> None:
    """A table is counted in four copies where its samples are many, and in one elsewhere."""
    kernels = going(crossovers.SCATTER)
    for n_bins, n in ([20, 19, 1], 4000), ([20, 19, 1], 3000), ([38, 38, 39], 20_000):
        codes = random_codes(n, n, n_bins, missing=(0, 2))
        check(kernels, codes, n_bins)


@pytest.mark.parametrize("machine", [crossovers.AVX512, crossovers.AVX2])
def test_the_choice_on_each_kind_of_processor(monkeypatch: Any, machine: Any) -> None:
    """Many features of few bins by bit rows; more bins than share a row of bits by scatter."""
    monkeypatch.setattr(crossovers, "costs", lambda: machine)

    def chosen(n_samples: int, bins: int, n_left: int, n_right: int, has_rows: bool) -> int:
        visited = 1 - 1 / bins
        return crossovers.choose(
            n_samples, bins, bins, n_left, n_right, visited, visited,
            left_rows=has_rows, right_rows=has_rows, bytes_=True, sums=False,
        )  # fmt: skip

    assert chosen(10_000, 4, 16, 512, True) == crossovers.POSITIONAL
    assert chosen(10_000, 16, 16, 512, True) == crossovers.POSITIONAL
    assert chosen(100_000, 200, 16, 64, False) == crossovers.SCATTER
    few = crossovers.BITSET if machine is crossovers.AVX512 else crossovers.SCATTER
    assert chosen(100_000, 16, 4, 16, False) == few
    assert chosen(100_000, 2, 2, 2, False) == crossovers.BITSET
    packed = pairs.pack(random_codes(0, 500, [64, 65, 128, 129]), [64, 65, 128, 129], small_job=0)
    laid_out = [one.n_bins for one in packed.classes if one.bit_rows is not None]
    assert max(laid_out) <= machine.most_columns
