// Samples → soft joint counts, and their gradients.
//
// A warp counts a chunk of a pair's samples in a table of its own. Its lanes spread 32 samples, one
// each. Then the samples are added one after the other, and the lanes share the cells of a sample,
// which are all different. So there is no atomic operation. The order of the sums is that of the
// samples, chunk by chunk, and is the same in every run. No array of samples × bins is made.
//
// The lower limit of the time is the latency of a sample's cells, from shared memory through an
// addition and back: some 50 cycles. As many warps hide it as there are tables that fit. That gives
// 132·20·1.7 GHz/50 = 9·10¹⁰ samples a second on an H200 for 32 × 32 bins, and 3·10¹⁰ for 64 × 64.
#include "types.cuh"
#include "shared.cuh"
#include "spread.cuh"

constexpr unsigned int EVERYONE = 0xffffffffu;

// The memory of a warp for its table and shares: shared memory, or `memory` where they do not fit.
template <bool InShared>
__device__ __forceinline__ double* warps_own(double* memory, int64 doubles) {
    const int64 warp = threadIdx.x / 32;
    if constexpr (InShared) return shared_memory<double>() + warp * doubles;
    else return memory + (static_cast<int64>(blockIdx.x) * (blockDim.x / 32) + warp) * doubles;
}

// `tables`: (pairs, chunks, n_rows, n_columns). `memory`: the shares of each warp of the grid.
template <class Value, bool InShared>
__global__ void __launch_bounds__(128, 4) soft_count(
    const Value* __restrict__ x, const Value* __restrict__ y,
    const void* __restrict__ weights, int32 weight_bytes,
    int64 n_pairs, int64 n_samples, int64 chunk_samples, int64 n_chunks,
    Axis x_axis, Axis y_axis, double* memory, double* tables
) {
    const int32 n_rows = x_axis.n_bins, n_columns = y_axis.n_bins;
    const int32 x_taps = x_axis.taps, y_taps = y_axis.taps;
    const int32 lane = threadIdx.x % 32;
    const int64 n_cells = static_cast<int64>(n_rows) * n_columns;
    const int64 n_shares = static_cast<int64>(x_taps + y_taps) * PITCH;
    double* x_shares = warps_own<InShared>(memory, InShared ? n_shares + n_cells : n_shares);
    double* y_shares = x_shares + x_taps * PITCH;
    // The cells of a lane in a patch of x_taps × y_taps are 32 apart.
    const int32 rows_apart = 32 / y_taps, columns_apart = 32 % y_taps;
    const int64 n_warps = samples_apart() / 32;
    for (int64 item = first_sample() / 32; item < n_pairs * n_chunks; item += n_warps) {
        const int64 pair = item / n_chunks, begin = item % n_chunks * chunk_samples;
        const int64 end = begin + chunk_samples < n_samples ? begin + chunk_samples : n_samples;
        double* table = InShared ? x_shares + n_shares : tables + item * n_cells;
        for (int64 cell = lane; cell < n_cells; cell += 32) table[cell] = 0.0;
        for (int64 start = begin; start < end; start += 32) {
            const int32 size = end - start < 32 ? static_cast<int32>(end - start) : 32;
            const int64 i = pair * n_samples + start + lane;
            int32 row = 0, column = 0;
            __syncwarp();  // nobody needs the shares of before, and the table is clear
            if (lane < size) {
                const double weight = weight_at<Value>(weights, weight_bytes, i);
                // A sample of weight 0 may be NaN, and is replaced.
                const bool counts = weight != 0.0;
                const double x_value = counts ? widened(x[i]) : x_axis.limits[2 * pair];
                const double y_value = counts ? widened(y[i]) : y_axis.limits[2 * pair];
                row = spread<false>(x_value, x_axis, pair, x_shares + lane, nullptr);
                column = spread<false>(y_value, y_axis, pair, y_shares + lane, nullptr);
                if (weight_bytes) {
                    for (int32 tap = 0; tap < x_taps; ++tap) x_shares[tap * PITCH + lane] *= weight;
                }
            }
            __syncwarp();
            for (int32 sample = 0; sample < size; ++sample) {
                const int32 corner_row = __shfl_sync(EVERYONE, row, sample);
                const int32 corner_column = __shfl_sync(EVERYONE, column, sample);
                int32 a = lane / y_taps, b = lane % y_taps;
                while (a < x_taps) {
                    const int64 cell =
                        static_cast<int64>(corner_row + a) * n_columns + corner_column + b;
                    table[cell] += x_shares[a * PITCH + sample] * y_shares[b * PITCH + sample];
                    a += rows_apart;
                    b += columns_apart;
                    if (b >= y_taps) {
                        b -= y_taps;
                        ++a;
                    }
                }
                __syncwarp();  // other lanes add to these cells for the next sample
            }
        }
        if constexpr (InShared) {
            for (int64 cell = lane; cell < n_cells; cell += 32) {
                tables[item * n_cells + cell] = table[cell];
            }
            __syncwarp();
        }
    }
}

// Add up the chunks of each pair. Each line of threads adds up every blockDim.y-th chunk, and the
// sums of the lines are added as a tree.
__global__ void __launch_bounds__(1024) add_tables(
    const double* __restrict__ tables, int64 n_pairs, int64 n_chunks, int64 n_cells,
    double* __restrict__ counts
) {
    double* sums = shared_memory<double>();
    const int64 n_groups = (n_cells + 31) / 32;
    const unsigned int place = threadIdx.y * 32 + threadIdx.x;
    for (int64 group = blockIdx.x; group < n_pairs * n_groups; group += gridDim.x) {
        const int64 pair = group / n_groups, cell = group % n_groups * 32 + threadIdx.x;
        double sum = 0.0;
        if (cell < n_cells) {
#pragma unroll 4
            for (int64 chunk = threadIdx.y; chunk < n_chunks; chunk += blockDim.y) {
                sum += tables[(pair * n_chunks + chunk) * n_cells + cell];
            }
        }
        sums[place] = sum;
        __syncthreads();
        for (unsigned int half = blockDim.y / 2; half > 0; half /= 2) {
            if (threadIdx.y < half) sums[place] += sums[place + half * 32];
            __syncthreads();
        }
        if (threadIdx.y == 0 && cell < n_cells) counts[pair * n_cells + cell] = sums[place];
        __syncthreads();  // before the next group writes there
    }
}

// Each thread takes a sample, and multiplies its patch of the table of derivatives from the left and
// from the right. The table is small and stays in the caches.
template <class Value, bool InShared>
__global__ void __launch_bounds__(128, 4) soft_gradient(
    const Value* __restrict__ x, const Value* __restrict__ y,
    const void* __restrict__ weights, int32 weight_bytes, int64 n_pairs, int64 n_samples,
    Axis x_axis, Axis y_axis, const double* __restrict__ by_counts, double* memory,
    Value* __restrict__ x_out, bool wants_x, Value* __restrict__ y_out, bool wants_y
) {
    const int32 n_rows = x_axis.n_bins, n_columns = y_axis.n_bins;
    const int32 x_taps = x_axis.taps, y_taps = y_axis.taps;
    const int32 lane = threadIdx.x % 32;
    const int64 n_shares = 2 * static_cast<int64>(x_taps + y_taps) * PITCH;
    double* x_shares = warps_own<InShared>(memory, n_shares) + lane;
    double* x_slopes = x_shares + x_taps * PITCH;
    double* y_shares = x_slopes + x_taps * PITCH;
    double* y_slopes = y_shares + y_taps * PITCH;
    for (int64 i = first_sample(); i < n_pairs * n_samples; i += samples_apart()) {
        const int64 pair = i / n_samples;
        const double weight = weight_at<Value>(weights, weight_bytes, i);
        double by_x = 0.0, by_y = 0.0;
        if (weight != 0.0) {
            const double x_value = widened(x[i]), y_value = widened(y[i]);
            const int64 row = spread<true>(x_value, x_axis, pair, x_shares, x_slopes);
            const int64 column = spread<true>(y_value, y_axis, pair, y_shares, y_slopes);
            const double* line = by_counts + (pair * n_rows + row) * n_columns + column;
#pragma unroll 1
            for (int32 a = 0; a < x_taps; ++a, line += n_columns) {
                double of_shares = 0.0, of_slopes = 0.0;
#pragma unroll 4
                for (int32 b = 0; b < y_taps; ++b) {
                    of_shares += line[b] * y_shares[b * PITCH];
                    of_slopes += line[b] * y_slopes[b * PITCH];
                }
                by_x += x_slopes[a * PITCH] * of_shares;
                by_y += x_shares[a * PITCH] * of_slopes;
            }
            by_x *= weight;
            by_y *= weight;
        }
        if (wants_x) x_out[i] = static_cast<Value>(by_x);
        if (wants_y) y_out[i] = static_cast<Value>(by_y);
    }
}
