// Samples → codes.
//
// The lower limit of the time is memory: a sample of s bytes is read once, by wide loads, and its
// code of c bytes is written once. Values and edges are compared as integers in the same order
// (`ordered.cuh`), so that a float32 is compared with the float64 edges exactly and without float64
// arithmetic.
#include "types.cuh"
#include "coders.cuh"
#include "shared.cuh"

// Codes of all samples, several at a time where `is_wide` says that both arrays are aligned for it.
template <class Value, class Code, class Coding>
__device__ __forceinline__ void encode_all(
    const Value* __restrict__ values, int64 n_samples, Code* __restrict__ codes, bool is_wide,
    const Coding& coder
) {
    constexpr int N = 16 / sizeof(Value);
    const int64 n_packs = is_wide ? n_samples / N : 0;
#pragma unroll 1  // more loads at a time would take registers from threads that wait
    for (int64 i = first_sample(); i < n_packs; i += samples_apart()) {
        const Pack<Value, N> taken = load_pack<N>(values, i);
        Pack<Code, N> found;
        bool is_sure = true;
#pragma unroll
        for (int j = 0; j < N; ++j) {
            uint32 code;
            is_sure &= coder.guess(taken.at[j], code);
            found.at[j] = static_cast<Code>(code);
        }
        if (is_sure) {
            reinterpret_cast<Pack<Code, N>*>(codes)[i] = found;
        } else {
#pragma unroll 1
            for (int64 k = i * N; k < (i + 1) * N; ++k) {
                codes[k] = static_cast<Code>(coder.exact(values[k]));
            }
        }
    }
#pragma unroll 1
    for (int64 i = n_packs * N + first_sample(); i < n_samples; i += samples_apart()) {
        codes[i] = static_cast<Code>(coder.exact(values[i]));
    }
}

// Code = value − low in unsigned arithmetic, so that no signed type can overflow.
template <class Value> struct Subtraction {
    Value low;
    __device__ __forceinline__ bool guess(Value value, uint32& code) const {
        code = exact(value);
        return true;
    }
    __device__ __forceinline__ uint32 exact(Value value) const {
        return static_cast<uint32>(static_cast<Value>(value - low));
    }
};

template <class Value, class Code>
__global__ void ALL_AT_ONCE(256) encode_integers(
    const Value* __restrict__ values, int64 n_samples, Value low, Code* __restrict__ codes,
    bool is_wide
) {
    encode_all(values, n_samples, codes, is_wide, Subtraction<Value>{low});
}

// Keys are copied to shared memory where they fit, and read from global memory otherwise.
template <class Value, class Code, bool IS_SHARED>
__global__ void ALL_AT_ONCE(256) encode_floats(
    const Value* __restrict__ values, int64 n_samples,
    typename Coder<Value>::Known bins, Code* __restrict__ codes, bool is_wide
) {
    if (IS_SHARED) {
        auto* copy = shared_memory<typename Coder<Value>::Key>();
        copy_keys(copy, bins.keys, bins.n_bins + 1);
        __syncthreads();
        bins.keys = copy;
    }
    encode_all(values, n_samples, codes, is_wide, Coder<Value>(bins));
}
