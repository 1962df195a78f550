// Pairs by one-hot bits on tensor cores: products of bits where the machine has them, else of bytes.
#include "onehot.cuh"
#include "mma.cuh"

// A warp's 64 × 64 sums as 4 × 8 products of 16 × 8. An instruction may take any words of a row, as
// long as both sides take the same words in the same order. So a lane reads four words of a row at
// once and passes them on two by two.
struct Fragments {
    using Sums = int[4][8][4];

    __device__ static void store(const Sums& sums, int* counts) {
        const int row = threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
#pragma unroll
            for (int j = 0; j < 8; ++j) {
#pragma unroll
                for (int k = 0; k < 4; ++k) {
                    counts[(16 * i + row + k / 2 * 8) * PITCH + 8 * j + column + k % 2] = sums[i][j][k];
                }
            }
        }
    }
};

struct Bits : Fragments {
    __device__ static void add(Sums& sums, const uint4* left, const uint4* right) {
        const int place = threadIdx.x % 32;  // row lane / 4, quadruple lane % 4: no bank conflicts
        uint4 y[8];
#pragma unroll
        for (int j = 0; j < 8; ++j) y[j] = right[8 * j * QUADS + place];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const uint4 low = left[16 * i * QUADS + place];
            const uint4 high = left[(16 * i + 8) * QUADS + place];
            const unsigned int x[4] = {low.x, high.x, low.y, high.y};
            const unsigned int z[4] = {low.z, high.z, low.w, high.w};
#pragma unroll
            for (int j = 0; j < 8; ++j) {
                const unsigned int y_first[2] = {y[j].x, y[j].y}, y_last[2] = {y[j].z, y[j].w};
                mma_m16n8k256_b1(sums[i][j], x, y_first);
                mma_m16n8k256_b1(sums[i][j], z, y_last);
            }
        }
    }
};

// Every eighth bit of a word, as four bytes.
__device__ __forceinline__ unsigned int bytes_of(unsigned int word, int bit) {
    return word >> bit & 0x01010101u;
}

struct Bytes : Fragments {
    __device__ static void add(Sums& sums, const uint4* left, const uint4* right) {
        const int place = threadIdx.x % 32;
        const unsigned int* left_words = reinterpret_cast<const unsigned int*>(left + place);
        const unsigned int* right_words = reinterpret_cast<const unsigned int*>(right + place);
#pragma unroll 1  // four of them at once would need too many registers
        for (int word = 0; word < 4; ++word) {  // 32 samples of each lane's rows
            unsigned int x[8], y[8];
#pragma unroll
            for (int j = 0; j < 8; ++j) {
                x[j] = left_words[8 * j * QUADS * 4 + word];
                y[j] = right_words[8 * j * QUADS * 4 + word];
            }
#pragma unroll
            for (int bit = 0; bit < 8; bit += 2) {
                unsigned int b[8][2];
#pragma unroll
                for (int j = 0; j < 8; ++j) {
                    b[j][0] = bytes_of(y[j], bit);
                    b[j][1] = bytes_of(y[j], bit + 1);
                }
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const unsigned int low = x[2 * i], high = x[2 * i + 1];
                    const unsigned int a[4] = {bytes_of(low, bit), bytes_of(high, bit),
                                               bytes_of(low, bit + 1), bytes_of(high, bit + 1)};
#pragma unroll
                    for (int j = 0; j < 8; ++j) mma_m16n8k32_s8(sums[i][j], a, b[j]);
                }
            }
        }
    }
};
