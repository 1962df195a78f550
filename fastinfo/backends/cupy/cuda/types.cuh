// Types by their bits, the distribution of samples among threads, and wide loads.
#pragma once

using int8 = signed char;
using int16 = short;
using int32 = int;
using int64 = long long;
using uint8 = unsigned char;
using uint16 = unsigned short;
using uint32 = unsigned int;
using uint64 = unsigned long long;

// Limit registers so that all threads of a multiprocessor run at once, as `plan.grid` assumes.
#if __CUDA_ARCH__ == 750
#define MULTIPROCESSOR_THREADS 1024
#elif (__CUDA_ARCH__ > 800 && __CUDA_ARCH__ < 900) || __CUDA_ARCH__ >= 1100
#define MULTIPROCESSOR_THREADS 1536
#else
#define MULTIPROCESSOR_THREADS 2048
#endif
#define ALL_AT_ONCE(block) __launch_bounds__(block, MULTIPROCESSOR_THREADS / (block))

// Samples are numbered in 64 bits everywhere.
__device__ __forceinline__ int64 first_sample() {
    return static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
}

__device__ __forceinline__ int64 samples_apart() {
    return static_cast<int64>(gridDim.x) * blockDim.x;
}

// Neighbours that one thread loads at once; 16 bytes, or a multiple, are one or a few wide loads.
template <class T, int N> struct alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) Pack {
    T at[N];
};

template <int N, class T> __device__ __forceinline__ Pack<T, N> load_pack(const T* data, int64 i) {
    return reinterpret_cast<const Pack<T, N>*>(data)[i];
}

// The same, with each value as 32 bits. The result has every bit that any value has; for bytes the
// bits are those of the words that the bytes came in. Words are loaded and taken apart by one
// instruction a byte: loading bytes would take a dozen instructions more.
template <class T, int N>
__device__ __forceinline__ uint32 load_each(const T* data, int64 i, uint32 (&values)[N]) {
    const Pack<T, N> taken = load_pack<N>(data, i);
    uint32 bits = 0;
#pragma unroll
    for (int j = 0; j < N; ++j) bits |= values[j] = static_cast<uint32>(taken.at[j]);
    return bits;
}

template <bool IS_SHORT> struct WordOf { using Type = uint32; };
template <> struct WordOf<true> { using Type = uint16; };

template <int N>
__device__ __forceinline__ uint32 load_each(const uint8* data, int64 i, uint32 (&values)[N]) {
    using Word = typename WordOf<(N < 4)>::Type;
    constexpr int HELD = sizeof(Word);
    const auto taken = load_pack<N / HELD>(reinterpret_cast<const Word*>(data), i);
    uint32 bits = 0;
#pragma unroll
    for (int k = 0; k < N / HELD; ++k) bits |= taken.at[k];
#pragma unroll
    for (int j = 0; j < N; ++j) values[j] = __byte_perm(taken.at[j / HELD], 0, 0x4440 + j % HELD);
    return bits;
}

// Increment the cell that begins `place` bytes behind the beginning of a table in shared memory. The
// position is in bytes, so that no multiplication by four is needed for a sample.
__device__ __forceinline__ void increment_cell(uint32* table, uint32 place) {
    uint32* cell = reinterpret_cast<uint32*>(reinterpret_cast<unsigned char*>(table) + place);
    atomicAdd(cell, 1u);
}
