// Sums over the rows of a matrix: Σ c·log c and Σ p·log q, in float64.
//
// One block a row. Each thread adds up every blockDim-th cell, and the threads' sums are added as a
// tree, so that a sum depends on the number of cells and threads and on no schedule.
#include "types.cuh"
#include "shared.cuh"

__device__ double tree_sum(double value) {
    double* sums = shared_memory<double>();
    const unsigned int thread = threadIdx.x;
    sums[thread] = value;
    __syncthreads();
    for (unsigned int half = blockDim.x / 2; half > 0; half /= 2) {
        if (thread < half) sums[thread] += sums[thread + half];
        __syncthreads();
    }
    const double total = sums[0];
    __syncthreads();  // before the next row writes there
    return total;
}

template <class Count>
__global__ void __launch_bounds__(256) sum_xlogx(
    const Count* __restrict__ counts, int64 n_rows, int64 n_cells, double* __restrict__ out
) {
    for (int64 row = blockIdx.x; row < n_rows; row += gridDim.x) {
        double sum = 0.0;
        for (int64 cell = threadIdx.x; cell < n_cells; cell += blockDim.x) {
            const double count = static_cast<double>(counts[row * n_cells + cell]);
            if (count > 0.0) sum += count * log(count);
        }
        sum = tree_sum(sum);
        if (threadIdx.x == 0) out[row] = sum;
    }
}
