// Samples → codes.
//
// The floor is memory: a sample of s bytes is read once, by wide loads, and its code of c bytes is
// written once. Values are compared with edges as integers of one order (`ordered.cuh`), so that
// a float32 is compared with the float64 edges exactly and without float64 arithmetic.
#include "types.cuh"
#include "ordered.cuh"
#include "shared.cuh"

// Code by code, several at a time where `is_wide` says that both arrays allow it.
template <class Value, class Code, class Find>
__device__ __forceinline__ void encode_all(
    const Value* __restrict__ values, int64 n_samples, Code* __restrict__ codes, bool is_wide,
    Find find
) {
    constexpr int N = 16 / sizeof(Value);
    const int64 n_packs = is_wide ? n_samples / N : 0;
#pragma unroll 1  // more loads at a time would take registers from threads that wait
    for (int64 i = first_sample(); i < n_packs; i += samples_apart()) {
        const Pack<Value, N> taken = load_pack<N>(values, i);
        Pack<Code, N> found;
#pragma unroll
        for (int j = 0; j < N; ++j) found.at[j] = static_cast<Code>(find(taken.at[j]));
        reinterpret_cast<Pack<Code, N>*>(codes)[i] = found;
    }
#pragma unroll 1
    for (int64 i = n_packs * N + first_sample(); i < n_samples; i += samples_apart()) {
        codes[i] = static_cast<Code>(find(values[i]));
    }
}

// Code = value − low in unsigned arithmetic, so that no signed type can overflow.
template <class Value, class Code>
__global__ void ALL_AT_ONCE(256) encode_integers(
    const Value* __restrict__ values, int64 n_samples, Value low, Code* __restrict__ codes,
    bool is_wide
) {
    encode_all(values, n_samples, codes, is_wide, [low](Value value) { return value - low; });
}

// The keys of the inner edges: in shared memory where they fit, else where they are.
template <bool IS_SHARED, class Key>
__device__ __forceinline__ const Key* held(const Key* __restrict__ keys, int32 n_keys) {
    if (!IS_SHARED) return keys;
    Key* copy = shared_memory<Key>();
    for (int32 i = threadIdx.x; i < n_keys; i += blockDim.x) copy[i] = keys[i];
    __syncthreads();
    return copy;
}

// The number of inner edges at or below a value is its bin, and B, missing, outside of the outer
// two, `lowest` and `highest`, which are inside themselves.
template <class Value, class Code, bool IS_SHARED>
__global__ void ALL_AT_ONCE(256) encode_edges(
    const Value* __restrict__ values, int64 n_samples,
    const typename Ordered<Value>::Key* __restrict__ inner, int32 n_bins,
    typename Ordered<Value>::Key lowest, typename Ordered<Value>::Key highest,
    Code* __restrict__ codes, bool is_wide
) {
    using Key = typename Ordered<Value>::Key;
    const Key* edges = held<IS_SHARED>(inner, n_bins - 1);
    encode_all(values, n_samples, codes, is_wide, [=](Value value) {
        const Key key = Ordered<Value>::key(value);
        if (key < lowest || key > highest) return n_bins;
        int32 below = 0;
        for (int32 rest = n_bins - 1; rest > 0;) {
            const int32 half = (rest + 1) / 2;
            const bool is_above = key >= edges[below + half - 1];
            below = is_above ? below + half : below;
            rest = is_above ? rest - half : half - 1;
        }
        return below;
    });
}

// The same for equal bins: a multiplication guesses the bin, and its edges decide.
template <class Value, class Code, bool IS_SHARED>
__global__ void ALL_AT_ONCE(256) encode_uniform(
    const Value* __restrict__ values, int64 n_samples,
    const typename Ordered<Value>::Key* __restrict__ inner, int32 n_bins,
    typename Ordered<Value>::Key lowest, typename Ordered<Value>::Key highest,
    Value origin, Value scale, Code* __restrict__ codes, bool is_wide
) {
    using Key = typename Ordered<Value>::Key;
    const Key* edges = held<IS_SHARED>(inner, n_bins - 1);
    const Value last = static_cast<Value>(n_bins - 1);
    encode_all(values, n_samples, codes, is_wide, [=](Value value) {
        const Key key = Ordered<Value>::key(value);
        if (key < lowest || key > highest) return n_bins;
        const Value position = (value - origin) * scale;
        const Value clipped = position > Value(0) ? (position < last ? position : last) : Value(0);
        int32 bin = static_cast<int32>(clipped);
        while (bin > 0 && key < edges[bin - 1]) --bin;
        while (bin < n_bins - 1 && key >= edges[bin]) ++bin;
        return bin;
    });
}
