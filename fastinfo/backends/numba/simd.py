"""A vector of 512 bits for Numba kernels.

Numba has no vector type. This one is LLVM's ``<8 x i64>`` under a Numba name. On a machine with
registers of 512 bits a vector is one register; elsewhere LLVM splits it into two (AVX2), four
(SSE2, NEON) or eight. Kernels are therefore written once. No code but `majority` asks for a machine
instruction by name: LLVM finds the vector popcount and most three-input logic where they exist.

A vector exists only inside compiled code. `load` reads it from an array, and `store` writes it to
one. Both take the *byte* offset from the array's first element as an unsigned integer: Numba tests
signed indices for negative values, which costs more than the arithmetic in between. Nothing checks
the offset, not even under ``NUMBA_BOUNDSCHECK``. Arrays need no alignment; rows that start on a
multiple of 64 bytes are faster (see `aligned_empty`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

WORDS = 8
"""64-bit words of a vector."""
BYTES = 8 * WORDS
BITS = 8 * BYTES

_LLVM_VECTOR = ir.VectorType(ir.IntType(64), WORDS)


class Vector(types.Type):
    """Numba's name for eight unsigned 64-bit words."""

    def __init__(self) -> None:
        super().__init__(name="Vector(8 x uint64)")


vector = Vector()


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _LLVM_VECTOR)  # type: ignore[no-untyped-call]


def aligned_empty(n_bytes: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Uninitialised bytes that begin on a cache line."""
    block = np.empty(n_bytes + BYTES, np.uint8)
    start = -block.ctypes.data % BYTES
    return block[start : start + n_bytes]


def _operation(typed: Callable[..., Any]) -> Any:
    """An intrinsic. It is Any to a type checker, which would see the typing function instead."""
    return intrinsic(typed)


def _address(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    first_byte = builder.bitcast(data, ir.IntType(8).as_pointer())
    byte = builder.gep(first_byte, [offset], source_etype=ir.IntType(8))
    return builder.bitcast(byte, _LLVM_VECTOR.as_pointer())


@_operation
def load(typing_context: Any, array: Any, offset: Any) -> Any:
    """The 64 bytes at ``offset`` bytes into ``array``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, array, *arguments)
        return builder.load(address, align=1, typ=_LLVM_VECTOR)

    return vector(array, types.uint64), generate


@_operation
def store(typing_context: Any, array: Any, offset: Any, value: Any) -> Any:
    """Write ``value`` to the 64 bytes at ``offset`` bytes into ``array``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data, byte_offset, words = arguments
        builder.store(words, _address(context, builder, array, data, byte_offset), align=1)
        return context.get_dummy_value()

    return types.void(array, types.uint64, vector), generate


@_operation
def splat(typing_context: Any, word: Any) -> Any:
    """``word`` in each of the eight words."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _splat(builder, arguments[0])

    return vector(types.uint64), generate


def _splat(builder: Any, word: Any) -> Any:
    words = builder.insert_element(ir.Constant(_LLVM_VECTOR, ir.Undefined), word, _int32(0))
    same = ir.Constant(ir.VectorType(ir.IntType(32), WORDS), [0] * WORDS)
    return builder.shuffle_vector(words, words, same)


def _int32(value: int) -> Any:
    return ir.Constant(ir.IntType(32), value)


def _call(builder: Any, operation: str, returned: Any, value: Any) -> Any:
    """Call the LLVM intrinsic ``operation`` of one vector."""
    function = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
        builder.module,
        ir.FunctionType(returned, [_LLVM_VECTOR]),
        f"llvm.{operation}.v{WORDS}i64",
    )
    return builder.call(function, [value])


def _binary(build: Callable[..., Any], doc: str) -> Any:
    """The operation ``build(builder, a, b)`` of two vectors."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return build(builder, *arguments)

    def typed(typing_context: Any, a: Any, b: Any) -> Any:
        return vector(vector, vector), generate

    typed.__doc__ = doc
    return _operation(typed)


and_ = _binary(lambda builder, a, b: builder.and_(a, b), "a & b.")
or_ = _binary(lambda builder, a, b: builder.or_(a, b), "a | b.")
xor = _binary(lambda builder, a, b: builder.xor(a, b), "a ^ b.")
add = _binary(lambda builder, a, b: builder.add(a, b), "a + b, word by word, modulo 2⁶⁴.")


@_operation
def popcount(typing_context: Any, words: Any) -> Any:
    """The number of set bits of each word."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _call(builder, "ctpop", _LLVM_VECTOR, arguments[0])

    return vector(vector), generate


@_operation
def parity(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """The sum bit of a full adder: set where one or three of the three bits are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, c = arguments
        return builder.xor(builder.xor(a, b), c)

    return vector(vector, vector, vector), generate


@_operation
def majority(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """The carry bit of a full adder: set where at least two of the three bits are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, c = arguments
        if "+avx512f" not in context.codegen()._get_host_cpu_features():
            return builder.or_(builder.and_(a, b), builder.and_(c, builder.xor(a, b)))
        # LLVM misses the machine instruction for this operation only. It makes two instructions of
        # the four gates, which costs the adders a third of their speed. 0xE8 is the truth table of
        # majority.
        table = ir.IntType(32)
        ternary = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module,
            ir.FunctionType(_LLVM_VECTOR, [_LLVM_VECTOR, _LLVM_VECTOR, _LLVM_VECTOR, table]),
            "llvm.x86.avx512.pternlog.q.512",
        )
        return builder.call(ternary, [a, b, c, table(0xE8)])

    return vector(vector, vector, vector), generate


def _shift(build: Callable[..., Any], doc: str) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        words, distance = arguments
        return build(builder, words, _splat(builder, distance))

    def typed(typing_context: Any, words: Any, distance: Any) -> Any:
        return vector(vector, types.uint64), generate

    typed.__doc__ = doc
    return _operation(typed)


shift_left = _shift(lambda builder, a, b: builder.shl(a, b), "Each word << distance (0 … 63).")
shift_right = _shift(lambda builder, a, b: builder.lshr(a, b), "Each word >> distance (0 … 63).")


@_operation
def total(typing_context: Any, words: Any) -> Any:
    """The sum of the eight words, modulo 2⁶⁴."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _call(builder, "vector.reduce.add", ir.IntType(64), arguments[0])

    return types.uint64(vector), generate


@_operation
def equal_mask(typing_context: Any, codes: Any, offset: Any, code: Any) -> Any:
    """A word with one bit for each of the 64 bytes at ``offset``, set where the byte is ``code``.

    The lowest bit stands for the first byte.
    """
    lanes = ir.VectorType(ir.IntType(8), BYTES)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, byte_offset, wanted = arguments
        address = _address(context, builder, codes, array, byte_offset)
        loaded = builder.bitcast(builder.load(address, align=1, typ=_LLVM_VECTOR), lanes)
        byte = builder.zext(builder.trunc(wanted, ir.IntType(8)), ir.IntType(64))
        spread = builder.mul(byte, ir.Constant(ir.IntType(64), 0x0101010101010101))
        same = builder.icmp_unsigned("==", loaded, builder.bitcast(_splat(builder, spread), lanes))
        return builder.bitcast(same, ir.IntType(64))

    return types.uint64(codes, types.uint64, types.uint64), generate


@_operation
def trailing_zeros(typing_context: Any, word: Any) -> Any:
    """The position of the lowest set bit of a word; 64 if there is none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@_operation
def count_bits(typing_context: Any, word: Any) -> Any:
    """The number of set bits of a word."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate
