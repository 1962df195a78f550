// Kernels to measure the rates that decide between the ways of counting pairs, and to check the
// matrix products. Every warp repeats the same work on words from memory, and the sums are checked.
#include "types.cuh"
#include "shared.cuh"
#include "mma.cuh"

struct Bits {
    __device__ static void multiply(
        int (&c)[4], const unsigned int (&a)[4], const unsigned int (&b)[2]
    ) { mma_m16n8k256_b1(c, a, b); }
};

struct Bytes {
    __device__ static void multiply(
        int (&c)[4], const unsigned int (&a)[4], const unsigned int (&b)[2]
    ) { mma_m16n8k32_s8(c, a, b); }
};

// Every warp: c (16, 8) += 8 · repeats · a · b, where a has 16 rows and b 8 columns of 8 words each.
template <class Product>
__global__ void __launch_bounds__(256) multiply_words(
    const uint32* __restrict__ a, const uint32* __restrict__ b, int32 repeats, int32* __restrict__ c
) {
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const unsigned int x[4] = {a[g * 8 + t], a[(g + 8) * 8 + t], a[g * 8 + t + 4],
                               a[(g + 8) * 8 + t + 4]};
    const unsigned int y[2] = {b[g * 8 + t], b[g * 8 + t + 4]};
    int sums[8][4] = {};  // independent, so that none waits for the one before
    for (int i = 0; i < repeats; ++i) {
#pragma unroll
        for (int j = 0; j < 8; ++j) Product::multiply(sums[j], x, y);
    }
    for (int i = 0; i < 4; ++i) {
        int sum = 0;
        for (int j = 0; j < 8; ++j) sum += sums[j][i];
        atomicAdd(&c[(g + i / 2 * 8) * 8 + 2 * t + i % 2], sum);
    }
}

// Each thread increments 16 cells of its block's table again and again; `totals` += the table.
__global__ void __launch_bounds__(256) increment(
    const uint32* __restrict__ cells, int32 n_cells, int32 repeats, uint64* __restrict__ totals
) {
    uint32* table = shared_memory<uint32>();
    for (int i = threadIdx.x; i < n_cells; i += blockDim.x) table[i] = 0;
    __syncthreads();
    const Pack<uint32, 16> mine = load_pack<16>(cells, threadIdx.x);
    for (int i = 0; i < repeats; ++i) {
#pragma unroll
        for (int j = 0; j < 16; ++j) atomicAdd(&table[mine.at[j]], 1u);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < n_cells; i += blockDim.x) {
        atomicAdd(&totals[i], static_cast<uint64>(table[i]));
    }
}
