// Keys: integers that have the same order as the numbers they stand for.
//
// CuPy compiles with -ftz=true, under which float32 comparisons take the smallest numbers for zero;
// comparisons of integers do not. The order of the keys of floats is −NaN < −inf < … < −0 < +0 < … <
// +inf < NaN. So NaN lies outside of every range. −0 and +0 are two neighbours, and the host chooses
// keys of edges so that both count as 0.
#pragma once
#include "types.cuh"

template <class Value> struct Ordered;

template <> struct Ordered<float> {
    using Key = int32;
    static __device__ __forceinline__ Key key(float value) {
        const int32 bits = __float_as_int(value);
        return bits ^ (bits >> 31 & 0x7fffffff);
    }
    static __device__ __forceinline__ bool is_nan(Key key) {
        return key > 0x7f800000 || key < ~0x7f800000;
    }
};

template <> struct Ordered<double> {
    using Key = int64;
    static __device__ __forceinline__ Key key(double value) {
        const int64 bits = __double_as_longlong(value);
        return bits ^ (bits >> 63 & 0x7fffffffffffffffLL);
    }
    static __device__ __forceinline__ bool is_nan(Key key) {
        return key > 0x7ff0000000000000LL || key < ~0x7ff0000000000000LL;
    }
};

template <class Integer> struct OrderedInteger {
    using Key = Integer;
    static __device__ __forceinline__ Key key(Integer value) { return value; }
    static __device__ __forceinline__ bool is_nan(Key) { return false; }
};
template <> struct Ordered<int8> : OrderedInteger<int8> {};
template <> struct Ordered<int16> : OrderedInteger<int16> {};
template <> struct Ordered<int32> : OrderedInteger<int32> {};
template <> struct Ordered<int64> : OrderedInteger<int64> {};
template <> struct Ordered<uint8> : OrderedInteger<uint8> {};
template <> struct Ordered<uint16> : OrderedInteger<uint16> {};
template <> struct Ordered<uint32> : OrderedInteger<uint32> {};
template <> struct Ordered<uint64> {
    using Key = int64;
    static __device__ __forceinline__ Key key(uint64 value) {
        return static_cast<int64>(value ^ 0x8000000000000000ULL);
    }
    static __device__ __forceinline__ bool is_nan(Key) { return false; }
};
