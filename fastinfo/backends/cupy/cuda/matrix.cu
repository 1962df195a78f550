// Sums of a tile of pairs → measures → the cells of a matrix.
//
// The lower limit of the time is memory: a joint sum is read and a measure written, then a measure is
// read and its one or two cells are written.
#include "types.cuh"
#include "shared.cuh"

// Numbers of pairs. A step is 0 along an axis on which one number serves all pairs.
template <class Number> struct Plane {
    const Number* values;
    int64 line_step, column_step;

    __device__ Number at(int64 i, int64 j) const {
        return values[i * line_step + j * column_step];
    }
};

// a·H(X) + b·H(Y) + c·H(X,Y) of every pair, H = (g(N) − Σ f(c))/N. Values below `low` are rounding and
// become `low`; NaN stays. `scale` is the unit of the sums divided by N: a division here would take
// more registers than all the rest.
template <class Number>
__global__ void ALL_AT_ONCE(256) combine(
    Plane<Number> joint, Plane<Number> left, Plane<Number> right, Plane<Number> whole,
    Plane<double> scale, double a, double b, double c, double low,
    int64 n_left, int64 n_right, double* __restrict__ out
) {
    for (int64 i = blockIdx.y; i < n_left; i += gridDim.y) {
        double* of_pairs = out + i * n_right;
#pragma unroll 1  // more at a time would take registers from threads that wait
        for (int64 j = first_sample(); j < n_right; j += samples_apart()) {
            const Number all = whole.at(i, j);
            const double sum = a * static_cast<double>(all - left.at(i, j))
                + b * static_cast<double>(all - right.at(i, j))
                + c * static_cast<double>(all - joint.at(i, j));
            const double found = sum * scale.at(i, j);
            of_pairs[j] = found <= low ? low : found;
        }
    }
}

// Words of a block on either side.
constexpr int SIDE = 32;
// Words from one line of a block to the next; one more than SIDE, so that the words of a column are
// in different banks.
constexpr int PITCH = SIDE + 1;

// matrix[rows[i], columns[j]] = values[i, j], and matrix[columns[j], rows[i]] too where the matrix is
// symmetric. Words stand for numbers of their size. In a tile on the diagonal both cells come from
// the pair with i ≤ j.
template <class Word>
__global__ void ALL_AT_ONCE(256) write_cells(
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
