// Features laid out for one-hot counting: how often each code occurs, and the bit planes of values.
//
// The floor is memory: each code is read once by either kernel, and its planes are written once.
#include "types.cuh"
#include "shared.cuh"

// Occurrences of each code 0 … B of every feature, added to `counts` from `first_cell` on.
// One block column a feature; in shared memory where the launch gives enough of it for all codes.
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

// Bit planes of the values of some features, (features, stages, planes, 16 words), by warps.
// The value of a feature that lacks no sample is its code; of others code + 1, and 0 for missing.
template <class Code>
__global__ void __launch_bounds__(256) pack_planes(
    const Code* __restrict__ codes, int64 stride, int64 n_samples,
    const int32* __restrict__ features, const int32* __restrict__ n_bins, bool is_complete,
    int64 n_stages, int64 n_words, int32 n_planes, uint32* __restrict__ planes
) {
    const int lane = threadIdx.x % 32;
    const int64 n_warps = samples_apart() / 32;
    for (int64 word = first_sample() / 32; word < n_words; word += n_warps) {
        const int64 place = word / (16 * n_stages), in_feature = word % (16 * n_stages);
        const int feature = features[place];
        const int64 sample = in_feature * 32 + lane;
        uint32 value = 0;
        if (sample < n_samples) {
            const uint32 code = codes[feature * stride + sample];
            const bool is_missing = code == static_cast<uint32>(n_bins[feature]);
            value = is_complete ? code : is_missing ? 0u : code + 1;
        }
        const int64 stage = word / 16;
        for (int plane = 0; plane < n_planes; ++plane) {
            const uint32 bits = __ballot_sync(0xffffffffu, value >> plane & 1u);
            if (lane == 0) planes[(stage * n_planes + plane) * 16 + word % 16] = bits;
        }
    }
}
