// Pairs by one-hot bits on ordinary cores: AND and population count, on any machine.
#include "onehot.cuh"

// A lane's 8 × 16 sums: those of rows lane / 4 + 8·i on the left and lane % 4 + 4·j on the right.
struct Words {
    using Sums = int[8][16];

    __device__ static void add(Sums& sums, const uint4* left, const uint4* right) {
        const int row = threadIdx.x % 32 / 4, column = threadIdx.x % 4;
        for (int step = 0; step < QUADS; ++step) {
            // Lanes begin with different quadruples. Otherwise rows of equal parity would be read
            // from the same banks.
            const int quad = (step + row / 2) % QUADS;
            uint4 x[8];
#pragma unroll
            for (int i = 0; i < 8; ++i) x[i] = left[(row + 8 * i) * QUADS + quad];
#pragma unroll
            for (int j = 0; j < 16; ++j) {
                const uint4 y = right[(column + 4 * j) * QUADS + quad];
#pragma unroll
                for (int i = 0; i < 8; ++i) {
                    sums[i][j] += __popc(x[i].x & y.x) + __popc(x[i].y & y.y)
                        + __popc(x[i].z & y.z) + __popc(x[i].w & y.w);
                }
            }
        }
    }

    __device__ static void store(const Sums& sums, int* counts) {
        const int row = threadIdx.x % 32 / 4, column = threadIdx.x % 4;
#pragma unroll
        for (int i = 0; i < 8; ++i) {
#pragma unroll
            for (int j = 0; j < 16; ++j) counts[(row + 8 * i) * PITCH + column + 4 * j] = sums[i][j];
        }
    }
};
