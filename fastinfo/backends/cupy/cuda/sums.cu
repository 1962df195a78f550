// Sums over the rows of a matrix: Σ c·log c and Σ p·log q, in float64.
//
// A block takes a piece of a row. Each thread adds up every blockDim-th cell, and the sums of the
// threads are added as a tree. So a sum depends only on the numbers of cells and threads, not on the
// schedule. The lower limit of the time is memory, or a float64 logarithm a cell, whichever is slower
// on the device.
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
    __syncthreads();  // before the next piece writes there
    return total;
}

// The sum of `term(cell)` over each piece of each row.
template <class Term>
__device__ __forceinline__ void sum_pieces(
    int64 n_rows, int64 n_cells, int64 n_pieces, double* __restrict__ out, Term term
) {
    const int64 size = (n_cells + n_pieces - 1) / n_pieces;
    for (int64 piece = blockIdx.x; piece < n_rows * n_pieces; piece += gridDim.x) {
        const int64 row = piece / n_pieces, start = piece % n_pieces * size;
        const int64 stop = start + size < n_cells ? start + size : n_cells;
        double sum = 0.0;
        for (int64 cell = start + threadIdx.x; cell < stop; cell += blockDim.x) {
            sum += term(row * n_cells + cell);
        }
        sum = tree_sum(sum);
        if (threadIdx.x == 0) out[piece] = sum;
    }
}

template <class Count>
__global__ void __launch_bounds__(256) sum_xlogx(
    const Count* __restrict__ counts, int64 n_rows, int64 n_cells, int64 n_pieces,
    double* __restrict__ out
) {
    sum_pieces(n_rows, n_cells, n_pieces, out, [=](int64 i) {
        const double count = static_cast<double>(counts[i]);
        return count > 0.0 ? count * log(count) : 0.0;
    });
}

__global__ void __launch_bounds__(256) sum_xlogy(
    const double* __restrict__ p, const double* __restrict__ q, int64 n_rows, int64 n_cells,
    int64 n_pieces, double* __restrict__ out
) {
    sum_pieces(n_rows, n_cells, n_pieces, out, [=](int64 i) {
        return p[i] > 0.0 ? p[i] * log(q[i]) : 0.0;
    });
}

// Add up the pieces of each row.
__global__ void __launch_bounds__(256) add_pieces(
    const double* __restrict__ pieces, int64 n_rows, int64 n_pieces, double* __restrict__ out
) {
    sum_pieces(n_rows, n_pieces, 1, out, [=](int64 i) { return pieces[i]; });
}
