"""How tiles of pairs are cut for a GPU, and which way is chosen: sizes alone, without a device."""

import hypothesis.strategies as st
import pytest
from emulation.device import SMALL
from hypothesis import given

from fastinfo.backends.cupy import plan
from fastinfo.backends.cupy.device import Properties
from fastinfo.backends.cupy.pairs import tile_sizes, ways
from fastinfo.backends.cupy.pairs.ways import ClassSize
from fastinfo.backends.cupy.sources import LEAST_CAPABILITY

KIB = 1 << 10
DEVICES = {
    "T4": Properties("T4", (7, 5), 40, 1024, 64 * KIB, 64 * KIB),
    "A100": Properties("A100", (8, 0), 108, 2048, 163 * KIB, 164 * KIB),
    "RTX 4090": Properties("RTX 4090", (8, 9), 128, 1536, 99 * KIB, 100 * KIB),
    "H200": Properties("H200", (9, 0), 132, 2048, 227 * KIB, 228 * KIB),
    "B200": Properties("B200", (10, 0), 148, 2048, 227 * KIB, 228 * KIB),
    "RTX 5090": Properties("RTX 5090", (12, 0), 170, 1536, 99 * KIB, 100 * KIB),
    "small": SMALL,
}
devices = st.sampled_from(list(DEVICES.values()))


@given(
    devices,
    st.integers(1, 10**7),
    st.integers(0, 10**12),
    st.sampled_from([tile_sizes.BLOCKS_AT_ONCE, 4]),
)
def test_splits(device, n_blocks, n_samples, at_once):
    n_splits = tile_sizes.splits(device, n_blocks, n_samples, at_once)
    assert n_splits >= 1
    # Sums of 32 bits hold the samples of a block, rounded up to whole stages.
    assert -(-n_samples // n_splits) + ways.STAGE < 1 << 31
    most = -(-n_samples // tile_sizes.SPLIT_SAMPLES)
    if n_splits > max(most, 1):  # only as far as it fills the device, with enough work each
        assert n_blocks * n_splits <= device.multiprocessors * at_once
        assert n_samples // n_splits >= tile_sizes.LEAST_SPLIT


@given(devices, st.integers(0, 5000), st.integers(0, 5000))
def test_scatter(device, left_bins, right_bins):
    layout = tile_sizes.scatter(device, left_bins, right_bins)
    lines, line = left_bins + 1, 4 * (right_bins + 1)
    if layout is None:
        most = device.shared_bytes_per_block - tile_sizes.SUMS_BYTES
        assert lines * line > most
        assert line > most or -(-lines // (most // line)) > tile_sizes.MOST_SLICES
        return
    assert layout.shared_bytes <= device.shared_bytes_per_block
    tables = layout.rights * layout.slice_lines * line << layout.shift
    assert layout.shared_bytes == tile_sizes.SUMS_BYTES + tables
    assert layout.slice_lines * layout.n_slices >= lines
    assert layout.slice_lines * (layout.n_slices - 1) < lines
    if layout.shift or layout.rights > 1:
        assert layout.n_slices == 1
        needed = layout.shared_bytes + plan.RESERVED_BYTES
        at_once = device.shared_bytes_per_multiprocessor // needed
        assert at_once >= tile_sizes.SCATTER_BLOCKS


@given(devices, st.integers(0, 1 << 20))
def test_the_table_leaves_room_for_all_blocks(device, n_samples):
    n_entries = tile_sizes.near_entries(device, n_samples)
    assert n_entries in (0, n_samples + 1)
    shared_bytes = tile_sizes.ONEHOT_BYTES + 8 * n_entries
    assert shared_bytes <= device.shared_bytes_per_block
    if n_entries:
        blocks = device.shared_bytes_per_multiprocessor // (shared_bytes + plan.RESERVED_BYTES)
        assert blocks >= tile_sizes.BLOCKS_AT_ONCE


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 63), st.integers(1, 63))
def test_blocks_hold_every_pair(n_left, n_right, left_rows, right_rows):
    blocks = tile_sizes.onehot_blocks(n_left, n_right, left_rows, right_rows)
    for rows in (left_rows, right_rows):
        assert 2 <= ways.slots(rows) <= 2 * ways.PANEL
        assert ways.slots(rows) // 2 * rows <= ways.PANEL
    assert blocks * ways.slots(left_rows) * ways.slots(right_rows) >= n_left * n_right


@given(
    *(st.integers(0, 1 << 40), st.integers(1, 500), st.integers(1, 500)),
    *(st.integers(1, 10**6), st.integers(0, 10**9)),
)
def test_weighted_lefts(free_bytes, n_left, n_right, cells, n_samples):
    ranges = tile_sizes.weighted_lefts(free_bytes, n_left, n_right, cells, n_samples)
    assert [i for first, last in ranges for i in range(first, last)] == list(range(n_left))
    height = max(last - first for first, last in ranges)
    chunks = -(-n_samples // tile_sizes.CHUNK_SAMPLES)
    assert height == 1 or 8 * height * n_right * cells * chunks <= free_bytes


@given(st.integers(0, 1 << 50), st.integers(0, 1 << 30))
def test_pairs_at_once(free_bytes, cells):
    pairs = tile_sizes.pairs_at_once(free_bytes, cells)
    assert pairs == 1 or 16 * pairs * cells * tile_sizes.COUNTS_SHARE <= free_bytes


# --- which way -----------------------------------------------------------------------------------


def chosen(capability, n_bins, n_samples=100_000, n_features=4096):
    side = ClassSize(n_features, n_bins, n_bins - 1)
    return ways.choose(capability, n_samples, side, side)


def test_ways_by_capability_and_bins():
    """What the table predicts today: measured rates may well move these borders."""
    found = {
        name: [chosen(device.capability, n_bins) for n_bins in (2, 4, 16, 40)]
        for name, device in DEVICES.items()
        if name != "small"
    }
    bits, bytes_, words, scatter = ways.BITS, ways.BYTES, ways.WORDS, ways.SCATTER
    assert found == {
        "T4": [words, words, scatter, scatter],
        "A100": [bits, bits, bits, scatter],
        "RTX 4090": [bits, bits, bits, scatter],
        "H200": [bits, bits, bits, scatter],
        "B200": [bytes_, bytes_, scatter, scatter],
        "RTX 5090": [bytes_, bytes_, scatter, scatter],
    }


@pytest.mark.parametrize("capability", [(7, 5), (8, 7), (9, 0), (10, 3), (11, 0), (12, 1), (13, 0)])
def test_every_capability_has_rates(capability):
    assert ways.rates(capability).increments > 0
    assert bool(ways.rates(capability).bits) == ((8, 0) <= capability < (10, 0))


def test_no_capability_below_the_least_is_in_the_table():
    assert min(ways.RATES) == LEAST_CAPABILITY


@given(
    st.sampled_from(list(ways.RATES)), st.integers(0, 10**7),
    *(st.integers(1, 5000), st.integers(1, 5000), st.integers(0, 500), st.integers(0, 500)),
)  # fmt: skip
def test_what_is_chosen_can_be_done(capability, n_samples, n_left, n_right, left_bins, right_bins):
    left, right = (
        ClassSize(n, bins, bins if 0 < bins <= ways.MOST_ROWS else 0)
        for n, bins in ((n_left, left_bins), (n_right, right_bins))
    )
    way = ways.choose(capability, n_samples, left, right)
    assert ways.predict(way, capability, n_samples, left, right) < float("inf")
    if way != ways.SCATTER:
        assert left.rows
        assert right.rows
