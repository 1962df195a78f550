// Features laid out for one-hot counting: how often each code occurs, and the bit planes of values.
//
// The lower limit of the time is memory: either kernel reads each code once, and the planes are
// written once.
#include "types.cuh"
#include "shared.cuh"

// The number of each code 0 … B of every feature, added to `counts` from `first_cell` on. A feature
// has a column of blocks. Codes are counted in shared memory where the launch gives room for all.
template <class Code>
__global__ void __launch_bounds__(256) count_codes(
    const Code* __restrict__ codes, int64 stride, int64 n_samples, int32 n_features,
    const int32* __restrict__ n_bins, const int64* __restrict__ first_cell,
    int32 shared_cells, int64* __restrict__ counts
) {
    uint32* table = shared_memory<uint32>();
    const int64 step = static_cast<int64>(gridDim.y) * blockDim.x;
    for (int feature = blockIdx.x; feature < n_features; feature += gridDim.x) {
        const Code* mine = codes + feature * stride;
        uint64* out = reinterpret_cast<uint64*>(counts + first_cell[feature]);
        const int n_cells = n_bins[feature] + 1;
        const bool is_shared = n_cells <= shared_cells;
        if (is_shared) {
            for (int cell = threadIdx.x; cell < n_cells; cell += blockDim.x) table[cell] = 0;
        }
        __syncthreads();
        for (int64 i = static_cast<int64>(blockIdx.y) * blockDim.x + threadIdx.x; i < n_samples;
             i += step) {
            if (is_shared) {
                atomicAdd(&table[mine[i]], 1u);
            } else {
                atomicAdd(&out[mine[i]], uint64(1));
            }
        }
        __syncthreads();
        if (is_shared) {
            for (int cell = threadIdx.x; cell < n_cells; cell += blockDim.x) {
                if (table[cell]) atomicAdd(&out[cell], static_cast<uint64>(table[cell]));
            }
        }
        __syncthreads();  // before the next feature clears the table
    }
}

// Bit planes of the values of some features, (features, stages, planes, 16 words). A warp takes a
// stage of 512 samples. The value of a feature that lacks no sample is its code. The value of another
// feature is its code + 1, and 0 for missing.
//
// The samples of a stage may lie in its words in any order that is the same for all features and all
// types of codes. A lane takes 16 successive samples, and has one bit in each word.
template <class Code>
__global__ void __launch_bounds__(256) pack_planes(
    const Code* __restrict__ codes, int64 stride, int64 n_samples,
    const int32* __restrict__ features, const int32* __restrict__ n_bins, bool is_complete,
    int64 n_stages, int64 n_features, int32 n_planes, uint32* __restrict__ planes
) {
    constexpr int N = 16 / sizeof(Code), MOST_PLANES = 6, WORDS = 16;
    const int lane = threadIdx.x % 32;
    const int64 n_warps = samples_apart() / 32;
    for (int64 stage = first_sample() / 32; stage < n_features * n_stages; stage += n_warps) {
        const int feature = features[stage / n_stages];
        const int64 first = stage % n_stages * (32 * WORDS);
        const uint32 missing = n_bins[feature];
        uint32 mine[MOST_PLANES] = {};
#pragma unroll
        for (int part = 0; part < WORDS / N; ++part) {
            const int64 begin = first + lane * WORDS + part * N;
            uint32 taken[N] = {};
            if (begin < stride) load_each(codes + feature * stride, begin / N, taken);
#pragma unroll
            for (int j = 0; j < N; ++j) {
                uint32 value = is_complete ? taken[j] : taken[j] == missing ? 0u : taken[j] + 1;
                if (begin + j >= n_samples) value = 0;
#pragma unroll
                for (int plane = 0; plane < MOST_PLANES; ++plane) {
                    if (plane >= n_planes) break;
                    const uint32 bits = __ballot_sync(0xffffffffu, value >> plane & 1u);
                    if (lane == part * N + j) mine[plane] = bits;
                }
            }
        }
#pragma unroll
        for (int plane = 0; plane < MOST_PLANES; ++plane) {
            if (plane < n_planes && lane < WORDS) {
                planes[(stage * n_planes + plane) * WORDS + lane] = mine[plane];
            }
        }
    }
}
