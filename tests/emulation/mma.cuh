// In place of fastinfo/backends/cupy/cuda/mma.cuh: the warp's matrix product, lane by lane.
//
// Where the elements of a fragment lie is the table of the PTX manual (warp-level matrix fragments);
// with g = lane / 4 and t = lane % 4, a register is a row of 32 bits or of 4 bytes.
#pragma once

namespace emulation {

// What the lanes of all warps hold: four registers of a and two of b.
inline unsigned int fragments[MOST_THREADS][6];

inline int dot_bits(unsigned int a, unsigned int b) { return __builtin_popcount(a & b); }

inline int dot_bytes(unsigned int a, unsigned int b) {
    int sum = 0;
    for (int i = 0; i < 32; i += 8) {
        sum += static_cast<signed char>(a >> i & 0xff) * static_cast<signed char>(b >> i & 0xff);
    }
    return sum;
}

// 16 × 8 sums over 8 words: both shapes differ in what a word is alone.
template <class Dot> UNWATCHED
void multiply(int (&c)[4], const unsigned int (&a)[4], const unsigned int (&b)[2], Dot dot) {
    const unsigned int number = machine.current->number, base = number & ~31u;
    for (int r = 0; r < 4; ++r) fragments[number][r] = a[r];
    for (int r = 0; r < 2; ++r) fragments[number][4 + r] = b[r];
    wait_for_warp(0xffffffffu, false);
    const int g = lane() / 4, t = lane() % 4;
    for (int i = 0; i < 4; ++i) {
        const int row = g + 8 * (i / 2), column = 2 * t + i % 2;
        for (int word = 0; word < 8; ++word) {
            const unsigned int x = fragments[base + row % 8 * 4 + word % 4][row / 8 + 2 * (word / 4)];
            const unsigned int y = fragments[base + column * 4 + word % 4][4 + word / 4];
            c[i] += dot(x, y);
        }
    }
    wait_for_warp(0xffffffffu, false);
}

} // namespace emulation

inline void mma_m16n8k256_b1(int (&c)[4], const unsigned int (&a)[4], const unsigned int (&b)[2]) {
    emulation::multiply(c, a, b, emulation::dot_bits);
}

inline void mma_m16n8k32_s8(int (&c)[4], const unsigned int (&a)[4], const unsigned int (&b)[2]) {
    emulation::multiply(c, a, b, emulation::dot_bytes);
}
