// Codes → counts of one joint table, and samples → counts where no other step needs the codes. Code
// B, missing, has a spare row and column like any bin.
//
// The lower limit of the time is memory (2 bytes a sample for two uint8 columns, 8 for two float32
// columns) or one atomic increment a sample.
#include "types.cuh"
#include "coders.cuh"
#include "shared.cuh"

// Stands for the values of the right variable where there is only one variable.
struct Nothing {};

template <> struct Coder<Nothing> {
    using Known = Bins<Nothing, float>;
    static constexpr bool HAS_KEYS = false;
    explicit __device__ __forceinline__ Coder(const Known&) {}
};

template <class Value> struct IsNothing { static constexpr bool value = false; };
template <> struct IsNothing<Nothing> { static constexpr bool value = true; };

// One of the variables to count.
template <class Value> struct Side {
    const Value* values;
    typename Coder<Value>::Known bins;
    uint32 stride;    // from one bin to the next, in cells times copies of the table
    uint32 position;  // position of the keys in shared memory, in bytes; used if there are bins
};

template <class Value>
__device__ __forceinline__ Coder<Value> held_coder(const Side<Value>& side) {
    typename Coder<Value>::Known bins = side.bins;
    if constexpr (Coder<Value>::HAS_KEYS) {
        using Key = typename Coder<Value>::Key;
        Key* copy = reinterpret_cast<Key*>(shared_memory<unsigned char>() + side.position);
        copy_keys(copy, bins.keys, bins.n_bins + 1);
        bins.keys = copy;
    }
    return Coder<Value>(bins);
}

// A block's table is in shared memory, in 2^shift copies with the copies of a cell side by side:
// lanes that increment the same cell mostly do so in different banks. Behind the table are the keys
// of each side that has bins. `origin` is minus the sum of the offsets of integers, in cells times
// copies. A block's counts stay below 2³², because there are fewer samples than that.
template <class Left, class Right>
__global__ void ALL_AT_ONCE(512) count_shared(
    Side<Left> left, Side<Right> right, int64 n_samples, uint32 origin, uint32 n_cells,
    uint32 shift, bool is_wide, uint64* __restrict__ totals
) {
    constexpr bool IS_ONE = IsNothing<Right>::value;
    constexpr int LARGER = IS_ONE || sizeof(Left) > sizeof(Right) ? sizeof(Left) : sizeof(Right);
    constexpr int N = 16 / LARGER;
    uint32* table = shared_memory<uint32>();
    for (uint32 i = threadIdx.x; i < n_cells << shift; i += blockDim.x) table[i] = 0;
    const Coder<Left> rows = held_coder(left);
    const Coder<Right> columns = held_coder(right);
    __syncthreads();
    const uint32 first = (origin + (threadIdx.x & ((1u << shift) - 1))) * sizeof(uint32);
    const uint32 row = left.stride * sizeof(uint32), column = right.stride * sizeof(uint32);
    auto count_one = [&](int64 i) {
        uint32 cell = first + rows.exact(left.values[i]) * row;
        if constexpr (!IS_ONE) cell += columns.exact(right.values[i]) * column;
        increment_cell(table, cell);
    };
    const int64 n_packs = is_wide ? n_samples / N : 0;
#pragma unroll 1  // more loads at a time would take registers from threads that wait
    for (int64 i = first_sample(); i < n_packs; i += samples_apart()) {
        uint32 lefts[N], rights[N];
        bool is_sure = rows.guess_all(left.values, i, lefts);
        if constexpr (!IS_ONE) is_sure &= columns.guess_all(right.values, i, rights);
        if (is_sure) {
#pragma unroll
            for (int j = 0; j < N; ++j) {
                uint32 cell = first + lefts[j] * row;
                if constexpr (!IS_ONE) cell += rights[j] * column;
                increment_cell(table, cell);
            }
        } else {
#pragma unroll 1
            for (int64 k = i * N; k < (i + 1) * N; ++k) count_one(k);
        }
    }
#pragma unroll 1
    for (int64 i = n_packs * N + first_sample(); i < n_samples; i += samples_apart()) count_one(i);
    __syncthreads();
    for (uint32 cell = threadIdx.x; cell < n_cells; cell += blockDim.x) {
        uint32 sum = 0;
        for (uint32 i = 0; i < 1u << shift; ++i) sum += table[(cell << shift) + i];
        if (sum) atomicAdd(&totals[cell], static_cast<uint64>(sum));
    }
}

// Counts of a table that shared memory does not hold: increments in global memory.
template <class Cell>
__global__ void ALL_AT_ONCE(256) count_global(
    const Cell* __restrict__ cells, int64 n_samples, uint64* __restrict__ totals
) {
    for (int64 i = first_sample(); i < n_samples; i += samples_apart()) {
        atomicAdd(&totals[cells[i]], uint64(1));
    }
}

// Sums of weights. The hardware decides in which order a cell's weights are added.
template <class Cell>
__global__ void ALL_AT_ONCE(256) weigh_shared(
    const Cell* __restrict__ cells, const double* __restrict__ weights, int64 n_samples,
    uint32 n_cells, uint32 shift, double* __restrict__ totals
) {
    double* table = shared_memory<double>();
    const uint32 copy = threadIdx.x & ((1u << shift) - 1);
    for (uint32 i = threadIdx.x; i < n_cells << shift; i += blockDim.x) table[i] = 0.0;
    __syncthreads();
    for (int64 i = first_sample(); i < n_samples; i += samples_apart()) {
        atomicAdd(&table[(static_cast<uint32>(cells[i]) << shift) + copy], weights[i]);
    }
    __syncthreads();
    for (uint32 cell = threadIdx.x; cell < n_cells; cell += blockDim.x) {
        double sum = 0.0;
        for (uint32 i = 0; i < 1u << shift; ++i) sum += table[(cell << shift) + i];
        if (sum != 0.0) atomicAdd(&totals[cell], sum);
    }
}

template <class Cell>
__global__ void ALL_AT_ONCE(256) weigh_global(
    const Cell* __restrict__ cells, const double* __restrict__ weights, int64 n_samples,
    double* __restrict__ totals
) {
    for (int64 i = first_sample(); i < n_samples; i += samples_apart()) {
        atomicAdd(&totals[cells[i]], weights[i]);
    }
}

// A code of any width. The width is the same for all samples, so that threads do not diverge.
__device__ __forceinline__ uint64 code_at(const void* codes, int32 bytes, int64 i) {
    switch (bytes) {
        case 1: return static_cast<const uint8*>(codes)[i];
        case 2: return static_cast<const uint16*>(codes)[i];
        case 4: return static_cast<const uint32*>(codes)[i];
        default: return static_cast<const uint64*>(codes)[i];
    }
}

// Cell numbers of two variables, by which more than two variables are counted as two.
template <class Cell>
__global__ void ALL_AT_ONCE(256) join_codes(
    const void* __restrict__ left, int32 left_bytes, const void* __restrict__ right,
    int32 right_bytes, int64 n_samples, uint64 extent, Cell* __restrict__ cells
) {
    for (int64 i = first_sample(); i < n_samples; i += samples_apart()) {
        const uint64 cell = code_at(left, left_bytes, i) * extent + code_at(right, right_bytes, i);
        cells[i] = static_cast<Cell>(cell);
    }
}
