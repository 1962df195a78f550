// Types by their bits, how samples are shared out among threads, and wide loads.
#pragma once

using int8 = signed char;
using int16 = short;
using int32 = int;
using int64 = long long;
using uint8 = unsigned char;
using uint16 = unsigned short;
using uint32 = unsigned int;
using uint64 = unsigned long long;

// Registers enough for all threads of a multiprocessor at once, as `plan.grid` counts on.
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

// Neighbours that one thread takes at once; of 16 bytes or a multiple, one or a few wide loads.
template <class T, int N> struct alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) Pack {
    T at[N];
};

template <int N, class T> __device__ __forceinline__ Pack<T, N> load_pack(const T* data, int64 i) {
    return reinterpret_cast<const Pack<T, N>*>(data)[i];
}
