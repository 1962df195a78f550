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

needs_emulation = pytest.mark.skipif(
    build.unavailable() is not None, reason=str(build.unavailable())
)
if not ON_GPU:
    pytestmark = needs_emulation

WAYS = (ways.BITS, ways.BYTES, ways.WORDS, ways.SCATTER)
EVERYTHING = slice(0, None)


def use(monkeypatch, wanted):
    """Count in one way, wherever there are bit planes for it; by increments elsewhere."""

    def choose(capability, n_samples, left, right):
        return wanted if left.rows and right.rows else ways.SCATTER

    monkeypatch.setattr(ways, "choose", choose)


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    use(monkeypatch, request.param)
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


def kernels(**options):
    return CupyKernels(device(**options))


def pack(backend, codes, *arguments):
    return backend.pack([backend.xp.asarray(column) for column in codes], *arguments)


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


def fixed_entropies(counts, n_samples):
    """Entropies by the fixed point of all backends, and so to the bit."""
    table, unit = layout.fixed_xlogx_table(n_samples)
    totals = counts.sum(axis=(2, 3))
    cells = np.prod(counts.shape[2:], dtype=int)
    joint = counts.reshape(*counts.shape[:2], cells)
    sides = joint, counts.sum(axis=3), counts.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return [(table[totals] - table[side].sum(axis=2)) * unit / totals for side in sides]


def check(codes, n_bins, left=EVERYTHING, right=EVERYTHING, **options):
    """Counts equal the judge's; entropies are those of the counts, to the bit."""
    backend = kernels(**options)
    packed = pack(backend, codes, n_bins)
    expected = expected_counts(codes, n_bins, left, right)
    counts = backend.count_pairs(packed, left, right)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts.get(), expected)
    found = backend.pair_entropies(packed, left, right)
    wanted = fixed_entropies(expected, len(codes[0]))
    for ours, theirs in zip(on_host(found), wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    return backend


def on_host(found):
    """All three of every pair."""
    return np.broadcast_arrays(*(side.get() for side in found))


def launched(backend, text):
    return [kernel for kernel in backend.device.launches if text in kernel]


# --- every way -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 31, 32, 33, 511, 512, 513, 1300])
def test_samples(way, n):
    n_bins = [3, 16, 3]
    check(random_codes(n, n, n_bins, missing=(1,)), n_bins)


@pytest.mark.parametrize("n_bins", [*range(1, 10), *range(15, 18), 31, 32, 33, 62, 63, 64, 65, 130])
def test_bins(way, n_bins):
    backend = check(random_codes(n_bins, 150, [n_bins] * 3, missing=(2,)), [n_bins] * 3)
    # 63 rows are the most: 64 bins without missing samples, 63 with them.
    can_be_onehot = n_bins <= ways.MOST_ROWS + 1
    assert bool(launched(backend, "count_onehot")) == (can_be_onehot and way != ways.SCATTER)


def test_unequal_bins(way):
    n_bins = [2, 1, 40, 3, 64, 0, 5, 200, 16]
    check(random_codes(4, 90, n_bins, missing=(0, 5, 8)), n_bins)


def test_more_features_than_a_block_holds(way):
    n_bins = [7] * 21 + [2] * 5
    codes = random_codes(3, 70, n_bins)
    check(codes, n_bins)
    check(codes, n_bins, slice(3, 24), slice(19, 26))


@pytest.mark.parametrize(
    ("left", "right"),
    [((0, 1), (0, 1)), ((0, 3), (3, 11)), ((3, 4), (0, 11)), ((2, 9), (5, 8)), ((5, 5), (0, 9))],
    ids=str,
)
def test_any_tile(way, left, right):
    n_bins = [3] * 11
    check(random_codes(10, 60, n_bins, missing=(4,)), n_bins, slice(*left), slice(*right))


def test_constant_and_all_missing(way):
    codes = np.stack([np.full(600, c, np.uint8) for c in (0, 2, 3, 1)])
    check(codes, [3, 3, 3, 2])


def test_sums_of_several_blocks(way, monkeypatch):
    """What 32 bits hold is added up in 64: here already after 512 samples."""
    monkeypatch.setattr(tile_sizes, "SPLIT_SAMPLES", 512)
    n_bins = [3, 4, 16]
    backend = check(random_codes(12, 1700, n_bins, missing=(1,)), n_bins)
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
    check(random_codes(n, n, n_bins, missing=(1,)), n_bins, properties=wide)


def test_every_way_gives_the_same_bits(monkeypatch):
    n_bins = [2, 7, 40, 16, 3]
    codes = random_codes(21, 900, n_bins, missing=(1, 4))
    found = []
    for wanted in WAYS:
        use(monkeypatch, wanted)
        backend = kernels()
        found.append(backend.pair_entropies(pack(backend, codes, n_bins), EVERYTHING, EVERYTHING))
    for other in found[1:]:
        for ours, theirs in zip(on_host(found[0]), on_host(other), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(found[0].joint.get(), found[0].joint.get().T)


@needs_emulation
def test_pairs_that_follow_are_not_counted(monkeypatch):
    """Where everything is counted, both ways round come to twice what they should."""
    use(monkeypatch, ways.SCATTER)
    n_bins = [3] * 6
    codes = random_codes(8, 64, n_bins)

    def counting_everything(text):
        return text.replace("return f > g && has_both(f, g);", "return false;").replace(
            "return f > last_g && has_both(f, g) && has_both(last_f, last_g);", "return false;"
        )

    backend = kernels(edited=counting_everything)
    found = backend.count_pairs(pack(backend, codes, n_bins), EVERYTHING, EVERYTHING).get()
    expected = expected_counts(codes, n_bins)
    different = ~np.eye(6, dtype=bool)
    np.testing.assert_array_equal(found[different], 2 * expected[different])


# --- increments ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4"])
def test_code_dtypes(way, dtype):
    n_bins = [2, 20, 100]
    check(random_codes(6, 130, n_bins, missing=(2,), dtype=dtype), n_bins)


@pytest.mark.parametrize("kernel", ["count_scatter", "count_in_place"])
def test_tables_larger_than_shared_memory(kernel, monkeypatch):
    monkeypatch.setattr(tile_sizes, "MOST_SLICES", 16 if kernel == "count_scatter" else 1)
    n_bins = [200, 130, 3]
    codes = random_codes(7, 400, n_bins, missing=(1,))
    backend = check(codes, n_bins, properties=SMALL._replace(shared_bytes_per_block=34 << 10))
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
        counts = backend.count_pairs(packed, left, right).get()
        expected = reference.count_pairs(known, left, right)
        np.testing.assert_allclose(counts, expected, rtol=1e-13)
        if chunk > 500:
            np.testing.assert_array_equal(counts, expected)  # added up in the same order
        found = backend.pair_entropies(packed, left, right)
        wanted = reference.pair_entropies(known, left, right)
        for ours, theirs in zip(on_host(found), wanted, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


# --- where memory or samples run out -------------------------------------------------------------


def test_more_samples_than_fixed_point_takes(monkeypatch):
    monkeypatch.setattr(layout, "MOST_FIXED", 100)
    n_bins = [2, 9, 3]
    codes = random_codes(13, 400, n_bins, missing=(2,))
    backend, reference = kernels(), NumpyKernels()
    found = backend.pair_entropies(pack(backend, codes, n_bins), EVERYTHING, EVERYTHING)
    expected = reference.pair_entropies(reference.pack(codes, n_bins), EVERYTHING, EVERYTHING)
    for ours, theirs in zip(on_host(found), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


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
    expected = fixed_entropies(expected_counts(codes, n_bins), 300)
    tight = TightDevice()
    backend = CupyKernels(tight)
    packed = pack(backend, codes, n_bins)
    tight.most_bytes = 5 * 9 * 9 * 8
    found = backend.pair_entropies(packed, EVERYTHING, EVERYTHING)
    assert tight.refused == 0
    for ours, theirs in zip(on_host(found), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    monkeypatch.setattr(TightDevice, "free_bytes", lambda self: 1 << 30)
    found = backend.pair_entropies(packed, EVERYTHING, EVERYTHING)
    assert tight.refused > 0
    for ours, theirs in zip(on_host(found), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    tight.most_bytes = 1
    with pytest.raises(MemoryError):
        backend.pair_entropies(packed, EVERYTHING, EVERYTHING)


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
    assert backend.count_pairs(packed, slice(0, 0), slice(0, 0)).shape == (0, 0, 0, 0)
    assert backend.pair_entropies(packed, slice(0, 0), slice(0, 0)).joint.shape == (0, 0)


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
    with pytest.MonkeyPatch.context() as monkeypatch:
        use(monkeypatch, data.draw(st.sampled_from(WAYS)))
        check(codes, n_bins, slice(first, last), EVERYTHING)


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


@needs_emulation
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(fault, monkeypatch):
    wanted, right, wrong = FAULTS[fault]
    use(monkeypatch, wanted)
    touched = []

    def edited(text):
        touched.append(right in text)
        return text.replace(right, wrong)

    n_bins = [5, 5, 8, 5, 7]
    codes = random_codes(30, 1203, n_bins, missing=(2, 3))
    with pytest.raises((AssertionError, RuntimeError)) as raised:
        check(codes, n_bins, edited=edited)
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
