// Pairs counted by increments in shared memory, for any number of bins: table[x, y] += 1.
//
// A block takes one feature on the left and some on the right, so that the left codes are loaded once
// for all of these. Each pair has a table of its own, in 2^shift copies with the copies of a cell
// side by side: lanes that increment the same cell mostly do so in different banks. Code B, missing,
// has a spare line and column in the table, which are not read. A table that shared memory cannot
// hold is cut into slices of lines, and each slice is the work of other blocks. The costs of a sample
// beside its increment, a load and a comparison, then occur once a slice.
//
// The lower limit of the time is an increment a sample; a multiprocessor does 8 to 16 a cycle.
#include "types.cuh"
#include "shared.cuh"
#include "pairs.cuh"

// Sums are written where one table holds all of a pair, that is without slices and splits. Otherwise
// the counts are added to `counts_out`.
template <class Code>
__global__ void __launch_bounds__(256, 2) count_scatter(
    Codes<Code> lefts, Codes<Code> rights, int64 n_samples, int64 packs_per_split,
    int32 width, int32 slice_lines, int32 rights_per_block, uint32 shift, Rectangle tile,
    CountsOut<int64> counts_out, SumsOut sums_out, bool wants_counts, bool writes_marginals
) {
    constexpr int N = 16 / sizeof(Code);
    const int n_right = rights.n_features;
    const int64 groups = (n_right + rights_per_block - 1) / rights_per_block;
    const int f = lefts.features[blockIdx.x / groups];
    const int first = static_cast<int>(blockIdx.x % groups) * rights_per_block;
    const int n_pairs = min(rights_per_block, n_right - first);
    if (tile.follows_from_others(
            f, f, rights.features[first], rights.features[first + n_pairs - 1])) {
        return;
    }

    Sums* sums = shared_memory<Sums>();
    uint32* tables = reinterpret_cast<uint32*>(sums + 1);
    const uint32 n_cells = static_cast<uint32>(slice_lines) * width, table_size = n_cells << shift;
    const uint32 copy = threadIdx.x & ((1u << shift) - 1);
    const uint32 first_line = blockIdx.z * slice_lines;
    for (uint32 i = threadIdx.x; i < n_pairs * table_size; i += blockDim.x) tables[i] = 0;
    __syncthreads();

    const Code* x_codes = lefts.of(f);
    const int64 n_packs = (n_samples + N - 1) / N;
    const int64 begin = blockIdx.y * packs_per_split;
    const int64 end = begin + packs_per_split < n_packs ? begin + packs_per_split : n_packs;
    // Whole packs of whole tables need no comparisons. The cost of a sample beside its increment
    // decides how fast this is.
    const uint32 cell_bytes = sizeof(uint32) << shift, line_bytes = width * cell_bytes;
    const bool is_whole = gridDim.z == 1;
    for (int64 pack = begin + threadIdx.x; pack < end; pack += blockDim.x) {
        const int limit = n_samples - pack * N < N ? static_cast<int>(n_samples - pack * N) : N;
        const bool is_plain = is_whole && limit == N;
        uint32 x[N], y[N];
        load_each(x_codes, pack, x);
#pragma unroll
        for (int i = 0; i < N; ++i) x[i] = is_plain ? x[i] * line_bytes : x[i] - first_line;
#pragma unroll 1
        for (int k = 0; k < n_pairs; ++k) {
            const int g = rights.features[first + k];
            if (tile.follows(f, g)) continue;
            load_each(rights.of(g), pack, y);
            uint32* table = tables + k * table_size + copy;
            if (is_plain) {
#pragma unroll
                for (int i = 0; i < N; ++i) increment_cell(table, x[i] + y[i] * cell_bytes);
                continue;
            }
#pragma unroll
            for (int i = 0; i < N; ++i) {  // lines before the slice have wrapped around
                if (i < limit && x[i] < static_cast<uint32>(slice_lines)) {
                    increment_cell(table, x[i] * line_bytes + y[i] * cell_bytes);
                }
            }
        }
    }
    __syncthreads();

    for (int k = 0; k < n_pairs; ++k) {
        const int g = rights.features[first + k];
        if (tile.follows(f, g)) continue;
        uint32* table = tables + k * table_size;
        // Add up the copies in the first one.
        for (uint32 cell = threadIdx.x; cell < n_cells; cell += blockDim.x) {
            uint32 sum = 0;
            for (uint32 i = 0; i < 1u << shift; ++i) sum += table[(cell << shift) + i];
            table[cell << shift] = sum;
        }
        if (threadIdx.x == 0) *sums = {0, 0, 0, 0};
        __syncthreads();
        const int lines = min(lefts.n_bins[f] - static_cast<int>(first_line), slice_lines);
        const int columns = rights.n_bins[g];
        if (wants_counts) {
            const Counts out{counts_out, tile, f, g};
            for (int i = threadIdx.x; i < lines * columns; i += blockDim.x) {
                const int line = i / columns, column = i % columns;
                out.add(static_cast<int>(first_line) + line, column,
                        table[(static_cast<uint32>(line) * width + column) << shift]);
            }
        } else {
            add_sums(
                [&](int i, int j) {
                    return static_cast<int64>(table[(static_cast<uint32>(i) * width + j) << shift]);
                },
                lines, columns, sums_out.table, sums);
        }
        __syncthreads();
        if (!wants_counts && threadIdx.x == 0) {
            const PairOut out{sums_out, tile, f, g};
            out.write(*sums, writes_marginals);
        }
        __syncthreads();  // before the sums are cleared for the next pair
    }
}

// For tables that even slices do not serve: increments of the counts in global memory.
template <class Code>
__global__ void __launch_bounds__(256) count_in_place(
    Codes<Code> lefts, Codes<Code> rights, int64 n_samples, Rectangle tile, CountsOut<int64> counts_out
) {
    const int f = lefts.features[blockIdx.x / rights.n_features];
    const int g = rights.features[blockIdx.x % rights.n_features];
    if (tile.follows(f, g)) return;
    const Counts out{counts_out, tile, f, g};
    const Code* x = lefts.of(f);
    const Code* y = rights.of(g);
    const int64 step = static_cast<int64>(gridDim.y) * blockDim.x;
    for (int64 i = static_cast<int64>(blockIdx.y) * blockDim.x + threadIdx.x; i < n_samples;
         i += step) {
        const int line = static_cast<int>(x[i]), column = static_cast<int>(y[i]);
        if (line < lefts.n_bins[f] && column < rights.n_bins[g]) {
            out.add(line, column, 1);
        }
    }
}
