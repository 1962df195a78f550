"""Every way to count pairs on a GPU, run on the processor, against plain Python loops."""

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
from conftest import ON_GPU
from emulation import arrays, build
from emulation.device import SMALL, EmulatedDevice
from hypothesis import given, settings

from fastinfo.backends.cupy import CupyKernels, discovery, rates
from fastinfo.backends.cupy.pairs import layout, tile_sizes, ways
from fastinfo.backends.numpy import NumpyKernels
from fastinfo.backends.terms import MOST_FIXED, XLOGX, reduction
from fastinfo.estimators.entropies import MILLER_MADOW
from fastinfo.estimators.grassberger import GRASSBERGER

needs_emulation = pytest.mark.skipif(
    build.unavailable() is not None, reason=str(build.unavailable())
)
if not ON_GPU:
    pytestmark = needs_emulation

WAYS = (ways.BITS, ways.BYTES, ways.WORDS, ways.SCATTER)
EVERYTHING = slice(0, None)


def going(wanted):
    """Count in one way, wherever there are bit planes for it; by increments elsewhere."""

    def choose(capability, n_samples, left, right):
        return wanted if left.rows and right.rows else ways.SCATTER

    return choose


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


def random_codes(seed, n, n_bins, missing=(), dtype=None):
    rng = np.random.default_rng(seed)
    dtype = dtype or ("u1" if max(n_bins) < 256 else "u2")
    return [rng.integers(0, b + (i in missing), n).astype(dtype) for i, b in enumerate(n_bins)]


class Recorded:
    """A device that remembers what was launched, and may claim to be another."""

    def __init__(self, device, properties=None):
        self._device = device
        self.properties = properties or device.properties
        self.launches = []

    def __getattr__(self, name):
        return getattr(self._device, name)

    def launch(self, family, kernel, *arguments, **options):
        self.launches.append(kernel)
        self._device.launch(family, kernel, *arguments, **options)


def device(properties=None, edited=None):
    """The GPU where tests run on one; faults are planted in the emulation."""
    if ON_GPU and edited is None:
        return Recorded(discovery.devices()[0], properties)
    return Recorded(EmulatedDevice(properties or SMALL, edited=edited))


def kernels(way=None, **options):
    choose = ways.choose if way is None else going(way)
    return CupyKernels(device(**options), choose=choose)


def pack(backend, codes, *arguments, **options):
    return backend.pack([backend.xp.asarray(column) for column in codes], *arguments, **options)


def counts_of(backend, packed, left=EVERYTHING, right=EVERYTHING):
    return backend.count_pairs(packed, left, packed, right)


def sums_of(backend, packed, left=EVERYTHING, right=EVERYTHING):
    return on_host(backend.pair_sums(packed, left, packed, right))


def expected_counts(codes, n_bins, left=EVERYTHING, right=EVERYTHING):
    rows, columns = range(len(codes))[left], range(len(codes))[right]
    shape = max((n_bins[i] for i in rows), default=0), max((n_bins[j] for j in columns), default=0)
    counts = np.zeros((len(rows), len(columns), *shape), np.int64)
    for a, i in enumerate(rows):
        for b, j in enumerate(columns):
            for cell, count in naive.count_codes(
                (codes[i], codes[j]), (n_bins[i], n_bins[j])
            ).items():
                counts[(a, b, *cell)] = count
    return counts


def fixed_sums(counts, how):
    """Sums of counts in fixed point: joint, left, right, whole and samples.

    One occupied cell has the sum g(N), by which its entropy is 0.
    """
    totals = counts.sum(axis=(2, 3))
    cells = np.prod(counts.shape[2:], dtype=int)
    joint = counts.reshape(*counts.shape[:2], cells)
    sides = joint, counts.sum(axis=3), counts.sum(axis=2)
    whole = how.totals[totals]
    sums = [
        np.where((side > 0).sum(axis=2) == 1, whole, how.table[side].sum(axis=2)) for side in sides
    ]
    return [*sums, whole, totals]


def check(way, codes, n_bins, left=EVERYTHING, right=EVERYTHING, **options):
    """Counts equal the judge's; sums are those of the counts, whatever is summed."""
    backend = kernels(way, **options)
    packed = pack(backend, codes, n_bins)
    expected = expected_counts(codes, n_bins, left, right)
    counts = counts_of(backend, packed, left, right)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts.get(), expected)
    for term in (XLOGX, GRASSBERGER):
        how = reduction(term, len(codes[0]))
        packed = pack(backend, codes, n_bins, reduction=how)
        assert_same(sums_of(backend, packed, left, right), fixed_sums(expected, how))
    return backend


def on_host(found):
    """All sums of every pair, and the unit left out."""
    return np.broadcast_arrays(*(side.get() for side in found[:-1]))


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def assert_close(ours, theirs):
    """Entropies of floating-point sums."""
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.get(), other, rtol=1e-12, atol=1e-14)


def launched(backend, text):
    return [kernel for kernel in backend.device.launches if text in kernel]


# --- every way -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 31, 32, 33, 511, 512, 513, 1300])
def test_samples(way, n):
    n_bins = [3, 16, 3]
    check(way, random_codes(n, n, n_bins, missing=(1,)), n_bins)


@pytest.mark.parametrize("n_bins", [*range(1, 10), *range(15, 18), 31, 32, 33, 62, 63, 64, 65, 130])
def test_bins(way, n_bins):
    backend = check(way, random_codes(n_bins, 150, [n_bins] * 3, missing=(2,)), [n_bins] * 3)
    # 63 rows are the most: 64 bins without missing samples, 63 with them.
    can_be_onehot = n_bins <= ways.MOST_ROWS + 1
    assert bool(launched(backend, "count_onehot")) == (can_be_onehot and way != ways.SCATTER)


def test_unequal_bins(way):
    n_bins = [2, 1, 40, 3, 64, 0, 5, 200, 16]
    check(way, random_codes(4, 90, n_bins, missing=(0, 5, 8)), n_bins)


def test_more_features_than_a_block_holds(way):
    n_bins = [7] * 21 + [2] * 5
    codes = random_codes(3, 70, n_bins)
    check(way, codes, n_bins)
    check(way, codes, n_bins, slice(3, 24), slice(19, 26))


@pytest.mark.parametrize(
    ("left", "right"),
    [((0, 1), (0, 1)), ((0, 3), (3, 11)), ((3, 4), (0, 11)), ((2, 9), (5, 8)), ((5, 5), (0, 9))],
    ids=str,
)
def test_any_tile(way, left, right):
    n_bins = [3] * 11
    check(way, random_codes(10, 60, n_bins, missing=(4,)), n_bins, slice(*left), slice(*right))


def test_constant_and_all_missing(way):
    codes = np.stack([np.full(600, c, np.uint8) for c in (0, 2, 3, 1)])
    check(way, codes, [3, 3, 3, 2])


def test_sums_of_several_blocks(way, monkeypatch):
    """What 32 bits hold is added up in 64: here already after 512 samples."""
    monkeypatch.setattr(tile_sizes, "SPLIT_SAMPLES", 512)
    n_bins = [3, 4, 16]
    backend = check(way, random_codes(12, 1700, n_bins, missing=(1,)), n_bins)
    assert launched(backend, "reduce_counts")


@pytest.mark.parametrize("n", [0, 700])
def test_the_table_in_shared_memory(way, n):
    """There is room for it beside the counts on some devices, and for few samples."""
    wide = SMALL._replace(
        shared_bytes_per_block=99 << 10, shared_bytes_per_multiprocessor=100 << 10
    )
    assert tile_sizes.near_entries(wide, n) == n + 1
    assert tile_sizes.near_entries(SMALL, n) == 0
    n_bins = [3, 16, 3]
    check(way, random_codes(n, n, n_bins, missing=(1,)), n_bins, properties=wide)


def test_every_way_gives_the_same_bits():
    n_bins = [2, 7, 40, 16, 3]
    codes = random_codes(21, 900, n_bins, missing=(1, 4))
    found = []
    for wanted in WAYS:
        backend = kernels(wanted)
        found.append(sums_of(backend, pack(backend, codes, n_bins)))
    for other in found[1:]:
        assert_same(found[0], other)
    np.testing.assert_array_equal(found[0][0], found[0][0].T)


def test_two_packs_count_as_one_that_has_all(way):
    """Features on the right may be others, of another type of codes, too."""
    n_bins = [2, 7, 3, 260, 5, 16]
    codes = random_codes(24, 700, n_bins, missing=(1, 4))
    codes = [
        column.astype("u1" if bins < 256 else "u2")
        for column, bins in zip(codes, n_bins, strict=True)
    ]
    backend, how = kernels(way), reduction(XLOGX, 700)
    of_all = pack(backend, codes, n_bins)
    left, right = (pack(backend, codes[s], n_bins[s], reduction=how) for s in np.s_[:3, 3:])
    for lefts, rights in ((slice(0, 3), slice(0, 3)), (slice(1, 2), slice(1, 3))):
        there = slice(3 + rights.start, 3 + rights.stop)
        counts = backend.count_pairs(left, lefts, right, rights).get()
        np.testing.assert_array_equal(counts, counts_of(backend, of_all, lefts, there).get())
        ours = on_host(backend.pair_sums(left, lefts, right, rights))
        assert_same(ours, sums_of(backend, of_all, lefts, there))


def test_the_same_positions_of_two_packs_are_different_pairs(way):
    """What a pair of one pack gives both ways round, two packs do not."""
    n_bins = [3, 3, 3]
    codes, others = (random_codes(seed, 200, n_bins) for seed in (25, 26))
    backend = kernels(way)
    counts = backend.count_pairs(
        pack(backend, codes, n_bins), EVERYTHING, pack(backend, others, n_bins), EVERYTHING
    )
    expected = expected_counts([*codes, *others], n_bins * 2, slice(0, 3), slice(3, 6))
    np.testing.assert_array_equal(counts.get(), expected)


@needs_emulation
def test_pairs_that_follow_are_not_counted():
    """Where everything is counted, both ways round come to twice what they should."""
    n_bins = [3] * 6
    codes = random_codes(8, 64, n_bins)

    def counting_everything(text):
        return text.replace("return f > g && has_both(f, g);", "return false;").replace(
            "return f > last_g && has_both(f, g) && has_both(last_f, last_g);", "return false;"
        )

    backend = kernels(ways.SCATTER, edited=counting_everything)
    found = counts_of(backend, pack(backend, codes, n_bins)).get()
    expected = expected_counts(codes, n_bins)
    different = ~np.eye(6, dtype=bool)
    np.testing.assert_array_equal(found[different], 2 * expected[different])


# --- increments ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4"])
def test_code_dtypes(way, dtype):
    n_bins = [2, 20, 100]
    check(way, random_codes(6, 130, n_bins, missing=(2,), dtype=dtype), n_bins)


@pytest.mark.parametrize("kernel", ["count_scatter", "count_in_place"])
def test_tables_larger_than_shared_memory(kernel, monkeypatch):
    monkeypatch.setattr(tile_sizes, "MOST_SLICES", 16 if kernel == "count_scatter" else 1)
    n_bins = [200, 130, 3]
    codes = random_codes(7, 400, n_bins, missing=(1,))
    backend = check(None, codes, n_bins, properties=SMALL._replace(shared_bytes_per_block=34 << 10))
    assert launched(backend, kernel)


@pytest.mark.parametrize("chunk", [1 << 16, 64])
def test_weights(chunk, monkeypatch):
    monkeypatch.setattr(tile_sizes, "CHUNK_SAMPLES", chunk)
    n_bins = [2, 5, 16, 14]
    codes = random_codes(11, 500, n_bins, missing=(1,))
    weights = np.random.default_rng(1).random(500)
    backend, reference = kernels(), NumpyKernels()
    packed = pack(backend, codes, n_bins, backend.xp.asarray(weights))
    known = reference.pack(codes, n_bins, weights)
    for left, right in ((EVERYTHING, EVERYTHING), (slice(3, 4), slice(0, 2))):
        counts = counts_of(backend, packed, left, right).get()
        expected = counts_of(reference, known, left, right)
        np.testing.assert_allclose(counts, expected, rtol=1e-13)
        if chunk > 500:
            np.testing.assert_array_equal(counts, expected)  # added up in the same order
        found = backend.pair_sums(packed, left, packed, right).entropies()
        assert_close(found, reference.pair_sums(known, left, known, right).entropies())


# --- where memory or samples run out -------------------------------------------------------------


@pytest.mark.parametrize("term", [XLOGX, MILLER_MADOW, GRASSBERGER], ids=lambda term: term.name)
def test_more_samples_than_fixed_point_takes(term):
    n_bins = [2, 9, 3]
    codes = random_codes(13, 400, n_bins, missing=(2,))
    backend, reference = kernels(), NumpyKernels()
    how = reduction(term, MOST_FIXED + 1)
    packed = pack(backend, codes, n_bins, reduction=how)
    known = reference.pack(codes, n_bins, reduction=how)
    found = backend.pair_sums(packed, EVERYTHING, packed, EVERYTHING).entropies()
    expected = reference.pair_sums(known, EVERYTHING, known, EVERYTHING).entropies()
    assert_close(found, expected)
    assert_close(found, by_integers(reference, codes, n_bins, term))


def by_integers(reference, codes, n_bins, term):
    known = reference.pack(codes, n_bins, reduction=reduction(term, 400))
    return reference.pair_sums(known, EVERYTHING, known, EVERYTHING).entropies()


class TightDevice(EmulatedDevice):
    """One that says it has memory for some pairs, and then has it for fewer."""

    most_bytes = 1 << 40

    def __init__(self):
        super().__init__()
        self.xp = type("Tight", (arrays.Namespace,), {"zeros": self._zeros})()
        self.refused = 0

    def _zeros(self, shape, dtype):
        if np.prod(shape) * np.dtype(dtype).itemsize > self.most_bytes:
            self.refused += 1
            raise MemoryError
        return arrays.namespace.zeros(shape, dtype)

    def free_bytes(self):
        return 6 * 9 * 9 * 8 * 2 * tile_sizes.COUNTS_SHARE


@needs_emulation
def test_counts_are_made_in_parts_that_memory_holds(monkeypatch):
    monkeypatch.setattr(tile_sizes, "SPLIT_SAMPLES", 100)
    n_bins = [9] * 5
    codes = random_codes(14, 300, n_bins, missing=(2,))
    expected = fixed_sums(expected_counts(codes, n_bins), reduction(XLOGX, 300))
    tight = TightDevice()
    backend = CupyKernels(tight)
    packed = pack(backend, codes, n_bins)
    tight.most_bytes = 5 * 9 * 9 * 8
    assert_same(sums_of(backend, packed), expected)
    assert tight.refused == 0
    monkeypatch.setattr(TightDevice, "free_bytes", lambda self: 1 << 30)
    assert_same(sums_of(backend, packed), expected)
    assert tight.refused > 0
    tight.most_bytes = 1
    with pytest.raises(MemoryError):
        sums_of(backend, packed)


def test_bit_planes_keep_to_the_memory_limit():
    n_bins = [2] * 8 + [60] * 8
    codes = random_codes(22, 600, n_bins)
    backend = kernels()
    stage_bytes = layout.WORDS * 4 * tile_sizes.stages(600)
    packed = pack(backend, codes, n_bins, None, 8 * stage_bytes)
    assert [c.rows for c in packed.classes] == [1, 0]
    assert [c.rows for c in pack(backend, codes, n_bins).classes] == [1, 59]
    none = pack(backend, codes, n_bins, None, 0)
    assert [c.planes.size for c in none.classes] == [0, 0]


def test_no_features():
    backend = kernels()
    packed = backend.pack([], [])
    assert counts_of(backend, packed).shape == (0, 0, 0, 0)
    assert sums_of(backend, packed)[0].shape == (0, 0)


@settings(max_examples=25)
@given(data=st.data())
def test_anything(data):
    n_bins = data.draw(st.lists(st.integers(0, 20) | st.integers(60, 140), min_size=1, max_size=6))
    n = data.draw(st.integers(0, 600))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    power = data.draw(st.sampled_from([1.0, 3.0, 10.0]))
    missing = rng.random(len(n_bins)) < 0.3
    codes = [
        ((b + int(gone or b == 0)) * rng.random(n) ** power).astype(np.uint8)
        for b, gone in zip(n_bins, missing, strict=True)
    ]
    first = data.draw(st.integers(0, len(n_bins)))
    last = data.draw(st.integers(first, len(n_bins)))
    check(data.draw(st.sampled_from(WAYS)), codes, n_bins, slice(first, last), EVERYTHING)


# --- planted faults ------------------------------------------------------------------------------

FAULTS = {
    "no barriers, bits": (ways.BITS, "__syncthreads();", ""),
    "no barriers, increments": (ways.SCATTER, "__syncthreads();", ""),
    "a stage too few": (ways.BITS, "stage + 1 < end", "stage + 2 < end"),
    "a row too few": (ways.WORDS, "value <= rows", "value < rows"),
    "fragments in another order": (
        *(ways.BITS, "{low.x, high.x, low.y, high.y}", "{low.x, low.y, high.x, high.y}"),
    ),
    "an unequal order of words": (
        *(ways.BITS, "{y[j].x, y[j].y}, y_last", "{y[j].y, y[j].x}, y_last"),
    ),
    "a bit twice": (
        ways.BYTES,
        "b[j][1] = bytes_of(y[j], bit + 1)",
        "b[j][1] = bytes_of(y[j], bit)",
    ),
    "sums in the wrong columns": (ways.BITS, "column + k % 2", "column + k / 2"),
    "the last samples left out": (ways.SCATTER, "(n_samples + N - 1) / N", "n_samples / N"),
    "a copy forgotten": (
        ways.SCATTER,
        "i < 1u << shift; ++i) sum",
        "i + 1 < 1u << shift; ++i) sum",
    ),
    "missing is a bin": (*(ways.WORDS, "taken[j] == missing ? 0u : taken[j] + 1", "taken[j] + 1"),),
    "samples beyond the last": (ways.WORDS, "if (begin + j >= n_samples) value = 0;", ""),
    "samples beyond the last, increments": (ways.SCATTER, "limit == N", "limit > 0"),
}


ORDINARY = ("a stage too few", "a bit twice", "a copy forgotten", "missing is a bin")
"""One fault of each way. Each has to be compiled, so that ``ci/soak`` has the others."""


@needs_emulation
@pytest.mark.parametrize(
    "fault", [pytest.param(f, marks=[] if f in ORDINARY else pytest.mark.soak) for f in FAULTS]
)
def test_a_planted_fault_is_caught(fault):
    wanted, right, wrong = FAULTS[fault]
    touched = []

    def edited(text):
        touched.append(right in text)
        return text.replace(right, wrong)

    n_bins = [5, 5, 8, 5, 7]
    codes = random_codes(30, 1203, n_bins, missing=(2, 3))
    with pytest.raises((AssertionError, RuntimeError)) as raised:
        check(wanted, codes, n_bins, edited=edited)
    assert any(touched)
    assert "do not compile" not in str(raised.value)


# --- rates and matrix products -------------------------------------------------------------------


@pytest.mark.parametrize("kind", rates.PRODUCTS)
def test_matrix_products(kind, rng):
    """Fragments lie as `mma.cuh` says: here in the emulation, and on a GPU where there is one."""
    where = device()
    if kind == "Bits":
        a, b = (rng.integers(0, 2, (rows, 256), np.int32) for rows in (16, 8))
        words = [np.packbits(side.astype(np.uint8), axis=1, bitorder="little") for side in (a, b)]
    else:
        a, b = (rng.integers(-128, 128, (rows, 32), np.int32) for rows in (16, 8))
        words = [side.astype(np.int8) for side in (a, b)]
    x, y = (where.xp.asarray(side.view(np.uint32)) for side in words)
    found = rates.multiply(where, kind, x, y, repeats=2, n_blocks=3)
    n_warps = 3 * rates.BLOCK // 32
    np.testing.assert_array_equal(found.get(), (a @ b.T) * 2 * rates.CHAINS * n_warps)


def test_increments(rng):
    where = device()
    cells = rng.integers(0, 37, rates.BLOCK * rates.CELLS).astype(np.uint32)
    found = rates.increment(where, where.xp.asarray(cells), 37, repeats=2, n_blocks=2)
    np.testing.assert_array_equal(found.get(), 4 * np.bincount(cells, minlength=37))
