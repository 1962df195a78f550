// Matrix products of one warp on tensor cores: c (16 × 8) += a (16 × k) · b (k × 8).
//
// The layout of fragments is that of the PTX manual. With g = lane / 4 and t = lane % 4, register r
// of a holds word t + 4·(r / 2) of row g + 8·(r % 2), register r of b holds word t + 4·r of column g,
// and c[i] is the sum of row g + 8·(i / 2) and column 2·t + i % 2. A word is 32 bits, or 4 bytes.
#pragma once

// Bits: Σ popcount(a & b), k = 256. Native on compute capability 8.x and 9.0.
__device__ __forceinline__ void mma_m16n8k256_b1(
    int (&c)[4], const unsigned int (&a)[4], const unsigned int (&b)[2]
) {
    asm("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Signed bytes, k = 32. From compute capability 8.0 on.
__device__ __forceinline__ void mma_m16n8k32_s8(
    int (&c)[4], const unsigned int (&a)[4], const unsigned int (&b)[2]
) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
