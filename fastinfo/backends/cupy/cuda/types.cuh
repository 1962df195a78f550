// Short names of the types of samples and codes, by their bits.
#pragma once

using int8 = signed char;
using int16 = short;
using int32 = int;
using int64 = long long;
using uint8 = unsigned char;
using uint16 = unsigned short;
using uint32 = unsigned int;
using uint64 = unsigned long long;

// Samples are numbered in 64 bits everywhere.
__device__ __forceinline__ int64 first_sample() {
    return static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
}

__device__ __forceinline__ int64 samples_apart() {
    return static_cast<int64>(gridDim.x) * blockDim.x;
}
