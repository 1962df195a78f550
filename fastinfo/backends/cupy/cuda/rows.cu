// Rows of samples → rows of codes: every feature of a table by its own bins, in one launch.
//
// The lower limit of the time is memory: a sample is read and a code written. A block goes through a
// row at a time, and loads the bins of the row once.
#include "types.cuh"
#include "coders.cuh"
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

// Codes by each row's bins. A row has `n_keys` keys, of which a coder takes the first
// `n_bins[row]` + 1.
template <class Value, class Code, bool IS_SHARED>
__global__ void ALL_AT_ONCE(256) encode_rows(
    const Value* __restrict__ values, int64 stride, int64 n_samples, int32 n_rows,
    const typename Ordered<Value>::Key* __restrict__ keys, int32 n_keys,
    const int32* __restrict__ n_bins, Code* __restrict__ codes
) {
    using Key = typename Ordered<Value>::Key;
    Key* copy = IS_SHARED ? shared_memory<Key>() : nullptr;
    for (int32 row = blockIdx.y; row < n_rows; row += gridDim.y) {
        const Value* mine = values + row * stride;
        const Key* theirs = keys + static_cast<int64>(row) * n_keys;
        Code* out = codes + row * n_samples;
        if (IS_SHARED) {
            __syncthreads();  // nobody searches in the row before any more
            copy_keys(copy, theirs, n_keys);
            __syncthreads();
        }
        const Coder<Value> coder({IS_SHARED ? copy : theirs, n_bins[row], 0, 0, -1});
#pragma unroll 1  // more at a time would take registers from threads that wait
        for (int64 i = first_sample(); i < n_samples; i += samples_apart()) {
            out[i] = static_cast<Code>(coder.exact(mine[i]));
        }
    }
}
