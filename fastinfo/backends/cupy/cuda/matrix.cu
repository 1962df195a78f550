// Entropies of a tile of pairs → measures → the cells of a matrix.
//
// The floor is memory: a joint entropy read and a measure written, then a measure read and its one or
// two cells written.
#include "types.cuh"
#include "shared.cuh"

// a·H(X) + b·H(Y) + c·H(X,Y) of every pair; what is below 0 is rounding, and NaN stays. The steps
// from one line and from one column to the next are 0 where the entropies of a side are its own.
__global__ void ALL_AT_ONCE(256) combine(
    const double* __restrict__ joint,
    const double* __restrict__ left, int64 left_line, int64 left_column, double a,
    const double* __restrict__ right, int64 right_line, int64 right_column, double b,
    double c, int64 n_left, int64 n_right, double* __restrict__ out
) {
    for (int64 i = blockIdx.y; i < n_left; i += gridDim.y) {
        const double* both = joint + i * n_right;
        const double* x = left + i * left_line;
        const double* y = right + i * right_line;
        double* of_pairs = out + i * n_right;
#pragma unroll 1  // more at a time would take registers from threads that wait
        for (int64 j = first_sample(); j < n_right; j += samples_apart()) {
            const double found = a * x[j * left_column] + b * y[j * right_column] + c * both[j];
            of_pairs[j] = found <= 0 ? 0 : found;
        }
    }
}

// Words of a block on either side.
constexpr int SIDE = 32;
// Words from one line of a block to the next: columns of it are read from different banks.
constexpr int PITCH = SIDE + 1;

// matrix[rows[i], columns[j]] = values[i, j], of words that stand for numbers of their size, and
// matrix[columns[j], rows[i]] too where the matrix is symmetric. On its diagonal both come from the
// pair with i ≤ j.
template <class Word>
__global__ void ALL_AT_ONCE(256) place(
    const Word* __restrict__ values, int64 n_left, int64 n_right,
    const int64* __restrict__ rows, const int64* __restrict__ columns,
    bool is_symmetric, bool is_diagonal, uint64 matrix, int64 line_step, int64 column_step
) {
    Word* cells = reinterpret_cast<Word*>(matrix);
    Word* block = shared_memory<Word>();
    const int x = threadIdx.x % SIDE, y = threadIdx.x / SIDE, lines = blockDim.x / SIDE;
    for (int64 left = blockIdx.y; left * SIDE < n_left; left += gridDim.y) {
        for (int64 right = blockIdx.x; right * SIDE < n_right; right += gridDim.x) {
            if (is_diagonal && left > right) continue;
            const int64 first_row = left * SIDE, first_column = right * SIDE;
            for (int line = y; line < SIDE; line += lines) {
                const int64 i = first_row + line, j = first_column + x;
                if (i >= n_left || j >= n_right || (is_diagonal && i > j)) continue;
                const Word value = values[i * n_right + j];
                cells[rows[i] * line_step + columns[j] * column_step] = value;
                block[line * PITCH + x] = value;
            }
            if (!is_symmetric) continue;
            __syncthreads();
            for (int line = y; line < SIDE; line += lines) {
                const int64 i = first_row + x, j = first_column + line;
                if (i >= n_left || j >= n_right || (is_diagonal && i > j)) continue;
                cells[columns[j] * line_step + rows[i] * column_step] = block[x * PITCH + line];
            }
            __syncthreads();
        }
    }
}
