// Coders: from a value of a variable to its code. `encode.cu` writes the codes, and `count.cu` counts
// them at once.
//
// A coder has two functions. `guess` is short and tells whether its code is sure. Kernels try it on
// a whole pack by `guess_all`, without a branch for each value. `exact` is always right, and serves
// the packs in which some guess is not sure.
#pragma once
#include "types.cuh"
#include "ordered.cuh"

// The bins of a variable, from the host. For values that are codes only `n_bins` is used, and only
// with bytes.
template <class Key, class Real> struct Bins {
    const Key* keys;  // keys of the smallest value of each bin, and of the largest of the last
    int32 n_bins;
    Real scale, shift, limit;
};

// Values that are codes, or integers with an offset. The caller subtracts the offset: in unsigned
// arithmetic it needs only the low 32 bits.
template <class Value> struct Coder {
    using Known = Bins<Value, float>;
    static constexpr bool HAS_KEYS = false;

    explicit __device__ __forceinline__ Coder(const Known&) {}
    template <int N>
    __device__ __forceinline__ bool guess_all(
        const Value* values, int64 i, uint32 (&codes)[N]
    ) const {
        load_each(values, i, codes);
        return true;
    }
    __device__ __forceinline__ uint32 exact(Value value) const { return static_cast<uint32>(value); }
};

// Bytes of a column whose largest code was guessed. `n_bins` is a power of two, and all bytes from
// `n_bins` on get the code `n_bins`. Upper bits tell of four bytes at once whether all are below.
template <> struct Coder<uint8> {
    using Known = Bins<uint8, float>;
    static constexpr bool HAS_KEYS = false;

    uint32 n_bins;

    explicit __device__ __forceinline__ Coder(const Known& bins) : n_bins(bins.n_bins) {}

    template <int N>
    __device__ __forceinline__ bool guess_all(
        const uint8* values, int64 i, uint32 (&codes)[N]
    ) const {
        return !(load_each(values, i, codes) & (256 - n_bins) * 0x01010101u);
    }
    __device__ __forceinline__ uint32 exact(uint8 value) const {
        return value < n_bins ? value : n_bins;
    }
};

// Adding 1.5·2^mantissa to a floating-point number rounds it to a whole number. `bits` reads that
// number from the bits of the sum.
template <class Value> struct Whole;

template <> struct Whole<float> {
    static constexpr float ADDED = 12582912.0f;
    static __device__ __forceinline__ uint32 bits(float sum) {
        return static_cast<uint32>(__float_as_int(sum)) - 0x4b400000u;
    }
};

template <> struct Whole<double> {
    static constexpr double ADDED = 6755399441055744.0;
    static __device__ __forceinline__ uint64 bits(double sum) {
        return static_cast<uint64>(__double_as_longlong(sum)) - 0x4338000000000000ull;
    }
};

// Bins of floating-point values. Values outside of the bins and NaN get code B.
//
// In equal bins value·scale + shift is the position within the bins minus a half, up to rounding,
// for which the host knows a bound. So the nearest whole number is the bin, unless the product lies
// within that bound of the middle between two whole numbers. Its distance from the nearest passes
// `limit` then. A negative `limit` says that the bins are not equal or that products are too
// inexact; every value is searched for then.
template <class Value> struct BinCoder {
    using Key = typename Ordered<Value>::Key;
    using Known = Bins<Key, Value>;
    static constexpr bool HAS_KEYS = true;

    Known bins;

    explicit __device__ __forceinline__ BinCoder(const Known& bins) : bins(bins) {}

    // NaN and values far outside give bits beyond all bins, and their code B is sure.
    __device__ __forceinline__ bool guess(Value value, uint32& code) const {
        const Value position = value * bins.scale + bins.shift;
        const Value sum = position + Whole<Value>::ADDED;
        const Value distance = position - (sum - Whole<Value>::ADDED);
        const auto whole = Whole<Value>::bits(sum);
        const auto missing = static_cast<decltype(whole)>(bins.n_bins);
        code = static_cast<uint32>(whole < missing ? whole : missing);
        return bins.limit > 0 && !(fabs(distance) >= bins.limit);
    }
    template <int N>
    __device__ __forceinline__ bool guess_all(
        const Value* values, int64 i, uint32 (&codes)[N]
    ) const {
        const Pack<Value, N> taken = load_pack<N>(values, i);
        bool is_sure = true;
#pragma unroll
        for (int j = 0; j < N; ++j) is_sure &= guess(taken.at[j], codes[j]);
        return is_sure;
    }

    // The number of inner edges at or below a value. Clipped samples lie on the outer edges, where
    // a guess is not sure, so that their whole pack comes here. They are compared with the outer
    // edges instead of a search. A pack holds more floats than doubles, so that floats are guessed
    // again one by one, to spare the others of the pack a search. (Where products are used, the
    // edges are different numbers of type Value.)
    __device__ __forceinline__ uint32 exact(Value value) const {
        if constexpr (sizeof(Value) < 8) {
            uint32 code;
            if (bins.limit > 0 && guess(value, code)) return code;
        }
        const Key key = Ordered<Value>::key(value);
        if (key < bins.keys[0] || key > bins.keys[bins.n_bins]) return bins.n_bins;
        if (bins.limit > 0 && key == bins.keys[0]) return 0;
        if (bins.limit > 0 && key == bins.keys[bins.n_bins]) return bins.n_bins - 1;
        int32 below = 0;
        for (int32 rest = bins.n_bins - 1; rest > 0;) {
            const int32 half = (rest + 1) / 2;
            const bool is_above = key >= bins.keys[below + half];
            below = is_above ? below + half : below;
            rest = is_above ? rest - half : half - 1;
        }
        return below;
    }
};

template <> struct Coder<float> : BinCoder<float> { using BinCoder<float>::BinCoder; };
template <> struct Coder<double> : BinCoder<double> { using BinCoder<double>::BinCoder; };

// Copy keys for a block to search in. The copy is complete after the caller's barrier.
template <class Key>
__device__ __forceinline__ void copy_keys(Key* copy, const Key* __restrict__ keys, int32 n_keys) {
    for (int32 i = threadIdx.x; i < n_keys; i += blockDim.x) copy[i] = keys[i];
}
