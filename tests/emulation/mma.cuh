// In place of fastinfo/backends/cupy/cuda/mma.cuh: the warp's matrix product, lane by lane.
//
// Where the elements of a fragment lie is the table of the PTX manual (warp-level matrix fragments);
// with g = lane / 4 and t = lane % 4, a register is a row of 32 bits or of 4 bytes.
#pragma once

namespace emulation {

// The registers of all lanes, as each lane sees them after the exchange.
template <int N> struct Registers { unsigned int of[32][N]; };

template <int N> Registers<N> gather(const unsigned int (&mine)[N]) {
    Registers<N> all;
    for (int r = 0; r < N; ++r) {
        for (int lane = 0; lane < 32; ++lane) {
            all.of[lane][r] = exchange(0xffffffffu, mine[r], lane);
        }
    }
    return all;
}

inline int dot_bits(unsigned int a, unsigned int b) { return __builtin_popcount(a & b); }

inline int dot_bytes(unsigned int a, unsigned int b) {
    int sum = 0;
    for (int i = 0; i < 32; i += 8) {
        sum += static_cast<signed char>(a >> i & 0xff) * static_cast<signed char>(b >> i & 0xff);
    }
    return sum;
}

// 16 × 8 sums over 8 words: both shapes differ in what a word is alone.
template <class Dot>
void multiply(int (&c)[4], const unsigned int (&a)[4], const unsigned int (&b)[2], Dot dot) {
    const Registers<4> left = gather(a);
    const Registers<2> right = gather(b);
    const int g = lane() / 4, t = lane() % 4;
    for (int i = 0; i < 4; ++i) {
        const int row = g + 8 * (i / 2), column = 2 * t + i % 2;
        for (int word = 0; word < 8; ++word) {
            const unsigned int x = left.of[row % 8 * 4 + word % 4][row / 8 + 2 * (word / 4)];
            const unsigned int y = right.of[column * 4 + word % 4][word / 4];
            c[i] += dot(x, y);
        }
    }
}

} // namespace emulation

inline void mma_m16n8k256_b1(int (&c)[4], const unsigned int (&a)[4], const unsigned int (&b)[2]) {
    emulation::multiply(c, a, b, emulation::dot_bits);
}

inline void mma_m16n8k32_s8(int (&c)[4], const unsigned int (&a)[4], const unsigned int (&b)[2]) {
    emulation::multiply(c, a, b, emulation::dot_bytes);
}
