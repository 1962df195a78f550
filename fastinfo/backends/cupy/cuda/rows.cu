// Rows of samples → rows of codes: every feature of a table by its own bins, in one launch.
//
// The floor is memory, a sample read and a code written. Blocks go through a row each; what a row
// needs to know is loaded once for it.
#include "types.cuh"
#include "ordered.cuh"
#include "shared.cuh"

// Code = value − the row's smallest value, in unsigned arithmetic.
template <class Value>
__global__ void ALL_AT_ONCE(256) encode_integer_rows(
    const Value* __restrict__ values, int64 stride, int64 n_samples, int32 n_rows,
    const Value* __restrict__ lows, uint8* __restrict__ codes
) {
    for (int32 row = blockIdx.y; row < n_rows; row += gridDim.y) {
        const Value* mine = values + row * stride;
        uint8* out = codes + row * n_samples;
        const Value low = lows[row];
#pragma unroll 4
        for (int64 i = first_sample(); i < n_samples; i += samples_apart()) {
            out[i] = static_cast<uint8>(mine[i] - low);
        }
    }
}

// The number of edges at or below a value, less one, is its bin, and the row's number of bins,
// missing, outside of the outer two. `keys` are those of the edges of all rows but the last of
// each, `n_keys` a row, of which the first `n_bins[row]` count; the first is the smallest key inside
// and `highest[row]` the largest.
template <class Value, class Code, bool IS_SHARED>
__global__ void ALL_AT_ONCE(256) encode_rows(
    const Value* __restrict__ values, int64 stride, int64 n_samples, int32 n_rows,
    const typename Ordered<Value>::Key* __restrict__ keys, int32 n_keys,
    const typename Ordered<Value>::Key* __restrict__ highest, const int32* __restrict__ n_bins,
    Code* __restrict__ codes
) {
    using Key = typename Ordered<Value>::Key;
    Key* copy = IS_SHARED ? shared_memory<Key>() : nullptr;
    for (int32 row = blockIdx.y; row < n_rows; row += gridDim.y) {
        const Value* mine = values + row * stride;
        const Key* theirs = keys + static_cast<int64>(row) * n_keys;
        Code* out = codes + row * n_samples;
        const int32 bins = n_bins[row];
        const Key top = highest[row];
        if (IS_SHARED) {
            __syncthreads();  // nobody searches in the row before any more
            for (int32 i = threadIdx.x; i < n_keys; i += blockDim.x) copy[i] = theirs[i];
            __syncthreads();
        }
        const Key* edges = IS_SHARED ? copy : theirs;
        for (int64 i = first_sample(); i < n_samples; i += samples_apart()) {
            const Key key = Ordered<Value>::key(mine[i]);
            int32 below = 0;
            for (int32 rest = bins; rest > 0;) {
                const int32 half = (rest + 1) / 2;
                const bool is_above = key >= edges[below + half - 1];
                below = is_above ? below + half : below;
                rest = is_above ? rest - half : half - 1;
            }
            out[i] = static_cast<Code>(below == 0 || key > top ? bins : below - 1);
        }
    }
}
