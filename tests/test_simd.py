"""Each vector operation against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit

from fastinfo.backends.numba import simd

UNARY = {"popcount": np.bitwise_count}
BINARY = {
    "and_": np.bitwise_and,
    "or_": np.bitwise_or,
    "xor": np.bitwise_xor,
    "add": np.add,
}
TERNARY = {
    "parity": lambda a, b, c: a ^ b ^ c,
    "majority": lambda a, b, c: (a & b) | (a & c) | (b & c),
}
SHIFTS = {"shift_left": np.left_shift, "shift_right": np.right_shift}


@pytest.fixture
def words() -> Any:
    rng = np.random.default_rng(7)
    words = rng.integers(0, 1 << 64, (3, simd.WORDS), dtype=np.uint64)
    words[0, 0], words[1, 0], words[2, 1] = 0, (1 << 64) - 1, 0
    return words


@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str, words: Any) -> None:
    operation = getattr(simd, name)

    @njit
    def kernel(a, out):
        simd.store(out, 0, operation(simd.load(a, 0)))

    out = np.empty_like(words[0])
    kernel(words[0], out)
    np.testing.assert_array_equal(out, UNARY[name](words[0]))


@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str, words: Any) -> None:
    operation = getattr(simd, name)

    @njit
    def kernel(a, b, out):
        simd.store(out, 0, operation(simd.load(a, 0), simd.load(b, 0)))

    out = np.empty_like(words[0])
    kernel(words[0], words[1], out)
    np.testing.assert_array_equal(out, BINARY[name](words[0], words[1]))


@pytest.mark.parametrize("name", TERNARY)
def test_ternary(name: str, words: Any) -> None:
    operation = getattr(simd, name)

    @njit
    def kernel(a, b, c, out):
        simd.store(out, 0, operation(simd.load(a, 0), simd.load(b, 0), simd.load(c, 0)))

    out = np.empty_like(words[0])
    kernel(words[0], words[1], words[2], out)
    np.testing.assert_array_equal(out, TERNARY[name](*words))


@pytest.mark.parametrize("distance", [0, 1, 7, 63])
@pytest.mark.parametrize("name", SHIFTS)
def test_shift(name: str, distance: int, words: Any) -> None:
    operation = getattr(simd, name)

    @njit
    def kernel(a, distance, out):
        simd.store(out, 0, operation(simd.load(a, 0), distance))

    out = np.empty_like(words[0])
    kernel(words[0], np.uint64(distance), out)
    np.testing.assert_array_equal(out, SHIFTS[name](words[0], np.uint64(distance)))


def test_splat_and_total(words: Any) -> None:
    @njit
    def kernel(a, out):
        simd.store(out, 0, simd.splat(a[3]))
        return simd.total(simd.load(a, 0))

    out = np.empty_like(words[0])
    assert kernel(words[0], out) == int(words[0].sum(dtype=np.uint64))
    np.testing.assert_array_equal(out, np.full(simd.WORDS, words[0, 3]))


def test_load_and_store_at_any_byte() -> None:
    @njit
    def kernel(source, read, target, write):
        simd.store(target, write, simd.load(source, read))

    source = np.arange(200, dtype=np.uint8)
    for read, write in [(0, 0), (1, 0), (0, 3), (64, 17), (136, 136)]:
        target = np.full(200, 255, np.uint8)
        kernel(source, np.uint64(read), target, np.uint64(write))
        expected = np.full(200, 255, np.uint8)
        expected[write : write + 64] = source[read : read + 64]
        np.testing.assert_array_equal(target, expected)


def test_equal_mask() -> None:
    @njit
    def kernel(codes, offset, code):
        return simd.equal_mask(codes, offset, code)

    codes = np.random.default_rng(3).integers(0, 5, 100).astype(np.uint8)
    codes[40:43] = 255
    for offset in (0, 1, 36):
        for code in (0, 1, 4, 5, 255):
            same = codes[offset : offset + 64] == code
            expected = sum(1 << i for i in range(64) if same[i])
            assert kernel(codes, np.uint64(offset), np.uint64(code)) == expected


def test_trailing_zeros() -> None:
    @njit
    def kernel(word):
        return simd.trailing_zeros(word)

    for bit in (0, 1, 31, 32, 63):
        assert kernel(np.uint64((1 << bit) | (1 << 63))) == bit


def test_aligned_empty() -> None:
    for n_bytes in (0, 1, 64, 1000):
        block = simd.aligned_empty(n_bytes)
        assert block.nbytes == n_bytes
        assert block.ctypes.data % simd.BYTES == 0 or n_bytes == 0
