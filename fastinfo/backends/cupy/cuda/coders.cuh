// From the values of a variable to its codes, one by one: what `encode.cu` writes and `count.cu`
// counts at once.
//
// A coder has two ways. `guess` is short and tells whether its code is sure; kernels try it on a
// whole pack by `guess_all`, without a branch for each value. `exact` is always right, and taken for
// the packs that hold a doubt.
#pragma once
#include "types.cuh"
#include "ordered.cuh"

// What the host tells of bins. Of values that are codes `n_bins` alone is looked at, and that of bytes.
template <class Key, class Real> struct Bins {
    const Key* keys;  // of the smallest value of each bin, and of the largest of the last
    int32 n_bins;
    Real scale, shift, limit;
};

// Codes as they are, and integers less an offset, which whoever takes the codes subtracts: in
// unsigned arithmetic the low 32 bits are all that it needs.
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

// Bytes, of which those from `n_bins` on, a power of two, are all counted as this one: of a column
// whose largest code was guessed. By their upper bits four are seen to be below at once.
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

// Where the bits of a floating-point number that was rounded to a whole one by adding 1.5·2^mantissa
// hold it.
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

// Bins of a number line, code B outside of them and for NaN.
//
// In equal bins value·scale + shift is the bin and a half less, but for rounding, of which the host
// knows a bound. So the nearest whole number is the bin, unless the product lies within that bound
// of the middle between two: then its distance from the nearest passes `limit`. Where that is
// negative the bins are not equal, or products are of no use, and all values are searched for.
template <class Value> struct BinCoder {
    using Key = typename Ordered<Value>::Key;
    using Known = Bins<Key, Value>;
    static constexpr bool HAS_KEYS = true;

    Known bins;

    explicit __device__ __forceinline__ BinCoder(const Known& bins) : bins(bins) {}

    // NaN and what lies far outside come out with bits beyond all bins, and are sure.
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

    // The number of inner edges at or below a value. Clipped samples sit on the outer edges, where
    // they leave a doubt to their whole pack: no search for them, and of floats, of which a pack
    // holds more, none for those beside them. (Where products are of use, edges differ in Value.)
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

// A copy of keys for a block to search in; the caller's barrier makes it whole.
template <class Key>
__device__ __forceinline__ void copy_keys(Key* copy, const Key* __restrict__ keys, int32 n_keys) {
    for (int32 i = threadIdx.x; i < n_keys; i += blockDim.x) copy[i] = keys[i];
}
