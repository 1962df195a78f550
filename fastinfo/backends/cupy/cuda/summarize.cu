// The smallest and the largest value and the number of NaN of each row, in one pass.
//
// The lower limit of the time is memory: a sample is read once. `found` holds each row's smallest
// key, largest key and number of NaN; the host writes the ends of int64 and 0 there before. Rows
// begin `stride` samples apart.
#include "types.cuh"
#include "ordered.cuh"

template <class Value>
__global__ void ALL_AT_ONCE(256) summarize(
    const Value* __restrict__ values, int64 stride, int64 n_samples, int32 n_rows, bool is_wide,
    int64* __restrict__ found
) {
    using Key = typename Ordered<Value>::Key;
    constexpr int N = 16 / sizeof(Value);
    constexpr bool IS_SIGNED = static_cast<Key>(-1) < static_cast<Key>(0);
    constexpr Key MOST = static_cast<Key>(~0ULL >> (64 - 8 * sizeof(Key) + IS_SIGNED));
    const int64 n_packs = is_wide ? n_samples / N : 0;
    for (int32 row = blockIdx.y; row < n_rows; row += gridDim.y) {
        const Value* mine = values + row * stride;
        Key least = MOST, most = static_cast<Key>(~MOST);
        uint32 n_nan = 0;
        auto include = [&](Value value) {
            const Key key = Ordered<Value>::key(value);
            if (Ordered<Value>::is_nan(key)) {
                ++n_nan;
                return;
            }
            least = key < least ? key : least;
            most = key > most ? key : most;
        };
#pragma unroll 1  // more loads at a time would take registers from threads that wait
        for (int64 i = first_sample(); i < n_packs; i += samples_apart()) {
            const Pack<Value, N> taken = load_pack<N>(mine, i);
            Key low = Ordered<Value>::key(taken.at[0]), high = low;
#pragma unroll
            for (int j = 1; j < N; ++j) {
                const Key key = Ordered<Value>::key(taken.at[j]);
                low = key < low ? key : low;
                high = key > high ? key : high;
            }
            // NaN is at an end of the order, so that the extremes show it. A test of each sample
            // would be slower than memory.
            if (Ordered<Value>::is_nan(low) || Ordered<Value>::is_nan(high)) {
#pragma unroll
                for (int j = 0; j < N; ++j) include(taken.at[j]);
            } else {
                least = low < least ? low : least;
                most = high > most ? high : most;
            }
        }
#pragma unroll 1
        for (int64 i = n_packs * N + first_sample(); i < n_samples; i += samples_apart()) {
            include(mine[i]);
        }
        int64 low = static_cast<int64>(least), high = static_cast<int64>(most);
        int64 n_missing = n_nan;
        for (int lanes = 16; lanes > 0; lanes /= 2) {
            const int64 other_low = __shfl_xor_sync(0xffffffffu, low, lanes);
            const int64 other_high = __shfl_xor_sync(0xffffffffu, high, lanes);
            n_missing += __shfl_xor_sync(0xffffffffu, n_missing, lanes);
            low = other_low < low ? other_low : low;
            high = other_high > high ? other_high : high;
        }
        if (threadIdx.x % 32 == 0) {
            int64* out = found + 3 * static_cast<int64>(row);
            atomicMin(&out[0], low);
            atomicMax(&out[1], high);
            if (n_missing) atomicAdd(reinterpret_cast<uint64*>(&out[2]), static_cast<uint64>(n_missing));
        }
    }
}
