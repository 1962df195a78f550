// Codes → counts of one joint table. A sample's cell is left·extent + right; code B, missing, has a
// spare row and column like any bin.
//
// The floor is memory, 2 bytes a sample for two uint8 columns, or one atomic increment a sample.
#include "types.cuh"
#include "shared.cuh"

// In place of the codes of a right variable, where there is one variable only.
struct Nothing {};

template <class Right> struct IsNothing { static constexpr bool value = false; };
template <> struct IsNothing<Nothing> { static constexpr bool value = true; };

// A block's table in shared memory, in 2^shift copies that lie side by side: lanes that meet in a
// cell then mostly meet in different banks. A block's counts stay below 2³², as all samples do.
template <class Left, class Right>
__global__ void ALL_AT_ONCE(512) count_shared(
    const Left* __restrict__ left, const Right* __restrict__ right, int64 n_samples, uint32 extent,
    uint32 n_cells, uint32 shift, bool is_wide, uint64* __restrict__ totals
) {
    constexpr bool IS_ONE = IsNothing<Right>::value;
    constexpr int LARGER = IS_ONE || sizeof(Left) > sizeof(Right) ? sizeof(Left) : sizeof(Right);
    constexpr int N = 16 / LARGER;
    uint32* table = shared_memory<uint32>();
    const uint32 copy = threadIdx.x & ((1u << shift) - 1);
    for (uint32 i = threadIdx.x; i < n_cells << shift; i += blockDim.x) table[i] = 0;
    __syncthreads();
    auto increment = [&](uint32 cell) { atomicAdd(&table[(cell << shift) + copy], 1u); };
    const int64 n_packs = is_wide ? n_samples / N : 0;
#pragma unroll 1  // more loads at a time would take registers from threads that wait
    for (int64 i = first_sample(); i < n_packs; i += samples_apart()) {
        const Pack<Left, N> rows = load_pack<N>(left, i);
        if constexpr (IS_ONE) {
#pragma unroll
            for (int j = 0; j < N; ++j) increment(rows.at[j]);
        } else {
            const Pack<Right, N> columns = load_pack<N>(right, i);
#pragma unroll
            for (int j = 0; j < N; ++j) increment(rows.at[j] * extent + columns.at[j]);
        }
    }
#pragma unroll 1
    for (int64 i = n_packs * N + first_sample(); i < n_samples; i += samples_apart()) {
        if constexpr (IS_ONE) increment(left[i]);
        else increment(left[i] * extent + right[i]);
    }
    __syncthreads();
    for (uint32 cell = threadIdx.x; cell < n_cells; cell += blockDim.x) {
        uint32 sum = 0;
        for (uint32 i = 0; i < 1u << shift; ++i) sum += table[(cell << shift) + i];
        if (sum) atomicAdd(&totals[cell], static_cast<uint64>(sum));
    }
}

// A table that shared memory does not hold: increments where it lies.
template <class Cell>
__global__ void ALL_AT_ONCE(256) count_global(
    const Cell* __restrict__ cells, int64 n_samples, uint64* __restrict__ totals
) {
    for (int64 i = first_sample(); i < n_samples; i += samples_apart()) {
        atomicAdd(&totals[cells[i]], uint64(1));
    }
}

// Sums of weights; in which order a cell's weights are added is left to the hardware.
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

// A code of any width: which one is the same for all samples, and no thread waits for another.
__device__ __forceinline__ uint64 code_at(const void* codes, int32 bytes, int64 i) {
    switch (bytes) {
        case 1: return static_cast<const uint8*>(codes)[i];
        case 2: return static_cast<const uint16*>(codes)[i];
        case 4: return static_cast<const uint32*>(codes)[i];
        default: return static_cast<const uint64*>(codes)[i];
    }
}

// Cells of two variables, to count more than two as two.
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
