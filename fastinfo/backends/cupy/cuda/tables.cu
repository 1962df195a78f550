// Tables of counts in memory: what completes them, and their entropies.
#include "types.cuh"
#include "shared.cuh"
#include "pairs.cuh"

// The counts of bin 0, for which one-hot counting has no row, from the marginals: those of the right
// feature's bin 0 where it lacks no sample, and those of the left feature's where that lacks none.
// One warp a pair; `rows` are the values beside 0.
__global__ void __launch_bounds__(256) complete_counts(
    const int32* __restrict__ left_features, const int64* __restrict__ left_marginals,
    int32 n_left, int32 left_rows, bool left_complete,
    const int32* __restrict__ right_features, const int64* __restrict__ right_marginals,
    int32 n_right, int32 right_rows, bool right_complete,
    int32 first_left, int32 last_left, int32 first_right, int32 last_right,
    int64* __restrict__ counts, int32 left_bins, int32 right_bins
) {
    const Tile tile{first_left, last_left, first_right, last_right};
    const Group warp = Group::of(32);
    const int64 n_warps = samples_apart() / 32;
    for (int64 pair = first_sample() / 32; pair < static_cast<int64>(n_left) * n_right;
         pair += n_warps) {
        const int64 x = pair / n_right, y = pair % n_right;
        const int f = left_features[x], g = right_features[y];
        if (tile.follows(f, g)) continue;
        const Counts out{counts, left_bins, right_bins, tile, f, g};
        const int64* x_own = left_marginals + x * (left_rows + 1ll);
        const int64* y_own = right_marginals + y * (right_rows + 1ll);
        const int lines = min(left_rows, left_bins - left_complete);
        const int columns = min(right_rows, right_bins - right_complete);
        auto at = [&](int i, int j) {
            return *out.cell(tile.pair(f, g), i + left_complete, j + right_complete);
        };
        if (right_complete) {
            for (int i = warp.lane; i < lines; i += 32) {
                int64 rest = x_own[i + 1];
                for (int j = 0; j < columns; ++j) rest -= at(i, j);
                out.add(i + left_complete, 0, rest);
            }
        }
        int64 line_rests = 0;
        if (left_complete) {
            for (int j = warp.lane; j < columns; j += 32) {
                int64 rest = y_own[j + 1];
                for (int i = 0; i < lines; ++i) rest -= at(i, j);
                out.add(0, j + right_complete, rest);
                line_rests += rest;
            }
        }
        if (left_complete && right_complete) {
            line_rests = warp.total(line_rests);
            if (warp.lane == 0) out.add(0, 0, x_own[0] - line_rests);
        }
    }
}

// Entropies of tables of counts, in the fixed point of all ways: one block a pair.
__global__ void __launch_bounds__(256) reduce_counts(
    int64* __restrict__ counts, int64 n_pairs, int32 left_bins, int32 right_bins,
    const int64* __restrict__ fixed, double unit,
    double* __restrict__ joint, double* __restrict__ left_out, double* __restrict__ right_out
) {
    Sums* sums = shared_memory<Sums>();
    for (int64 pair = blockIdx.x; pair < n_pairs; pair += gridDim.x) {
        const int64* table = counts + pair * left_bins * right_bins;
        if (threadIdx.x == 0) *sums = {0, 0, 0, 0};
        __syncthreads();
        add_sums([&](int i, int j) { return table[static_cast<int64>(i) * right_bins + j]; },
                 left_bins, right_bins, fixed, sums);
        __syncthreads();
        if (threadIdx.x == 0) {
            joint[pair] = entropy_of(sums->joint, sums->samples, fixed, unit);
            left_out[pair] = entropy_of(sums->left, sums->samples, fixed, unit);
            right_out[pair] = entropy_of(sums->right, sums->samples, fixed, unit);
        }
        __syncthreads();
    }
}
