// Tables of counts in global memory: kernels that complete them, and that sum over them.
#include "types.cuh"
#include "shared.cuh"
#include "pairs.cuh"

// Add the counts of bin 0, for which one-hot counting has no row, from the marginals. Bin 0 of the
// right feature is completed where that feature lacks no sample, and bin 0 of the left feature where
// that one lacks none. A warp takes a pair; `rows` are the values beside 0.
__global__ void __launch_bounds__(256) complete_counts(
    OneHot lefts, OneHot rights, Rectangle tile, CountsOut<int64> counts_out
) {
    const int n_left = lefts.n_features, n_right = rights.n_features;
    const int left_rows = lefts.rows, right_rows = rights.rows;
    const bool left_complete = lefts.is_complete, right_complete = rights.is_complete;
    const Group warp = Group::of(32);
    const int64 n_warps = samples_apart() / 32;
    for (int64 pair = first_sample() / 32; pair < static_cast<int64>(n_left) * n_right;
         pair += n_warps) {
        const int64 x = pair / n_right, y = pair % n_right;
        const int f = lefts.features[x], g = rights.features[y];
        if (tile.follows(f, g)) continue;
        const Counts out{counts_out, tile, f, g};
        const int64* x_own = lefts.marginals + x * (left_rows + 1ll);
        const int64* y_own = rights.marginals + y * (right_rows + 1ll);
        const int lines = min(left_rows, counts_out.left_bins - left_complete);
        const int columns = min(right_rows, counts_out.right_bins - right_complete);
        auto at = [&](int i, int j) {
            return *counts_out.cell(tile.pair(f, g), i + left_complete, j + right_complete);
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

// Sums over tables of counts, in the same fixed point as all ways of counting. A block takes a pair.
__global__ void __launch_bounds__(256) reduce_counts(
    CountsOut<int64> of, int64 n_pairs, SumsOut sums_out
) {
    Sums* sums = shared_memory<Sums>();
    for (int64 pair = blockIdx.x; pair < n_pairs; pair += gridDim.x) {
        if (threadIdx.x == 0) *sums = {0, 0, 0, 0};
        __syncthreads();
        add_sums([&](int i, int j) { return *of.cell(pair, i, j); },
                 of.left_bins, of.right_bins, sums_out.table, sums);
        __syncthreads();
        if (threadIdx.x == 0) {
            sums_out.joint[pair] = sums->joint;
            sums_out.left[pair] = sums->left;
            sums_out.right[pair] = sums->right;
            sums_out.samples[pair] = sums->samples;
        }
        __syncthreads();
    }
}
