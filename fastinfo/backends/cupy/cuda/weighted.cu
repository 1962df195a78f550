// Pairs of samples that carry weights: float64 sums whose order is fixed.
//
// A thread takes a pair and a chunk of the samples. It adds one sample after the other to a table of
// its own in global memory. There is no atomic operation, whose order the hardware would decide, so
// that the sum is the same in any tile and any run. Chunks depend on the number of samples alone.
//
// The lower limit of the time is a sector of 32 bytes read and one written in the second-level cache
// for each sample.
#include "types.cuh"
#include "pairs.cuh"

// `tables` is (chunks, n_left, n_right, left_bins, right_bins), and zero before.
template <class Code>
__global__ void __launch_bounds__(128) weigh_pairs(
    Codes<Code> lefts, Codes<Code> rights, int64 n_samples, int64 chunk_samples,
    const double* __restrict__ weights, Rectangle tile,
    int64 n_chunks, int32 left_bins, int32 right_bins, double* __restrict__ tables
) {
    constexpr int N = 16 / sizeof(Code);
    const int n_right = rights.n_features;
    const int64 n_pairs = static_cast<int64>(lefts.n_features) * n_right;
    for (int64 i = first_sample(); i < n_pairs * n_chunks; i += samples_apart()) {
        const int64 pair = i % n_pairs, chunk = i / n_pairs;
        const int f = lefts.features[pair / n_right], g = rights.features[pair % n_right];
        if (tile.follows(f, g)) continue;
        const uint32 lines = lefts.n_bins[f], columns = rights.n_bins[g];
        double* table = tables + i * left_bins * right_bins;
        const int64 begin = chunk * chunk_samples;
        const int64 end = begin + chunk_samples < n_samples ? begin + chunk_samples : n_samples;
        for (int64 first = begin; first < end; first += N) {
            const Pack<Code, N> x = load_pack<N>(lefts.of(f), first / N);
            const Pack<Code, N> y = load_pack<N>(rights.of(g), first / N);
#pragma unroll
            for (int k = 0; k < N; ++k) {
                const uint32 line = x.at[k], column = y.at[k];
                if (first + k < end && line < lines && column < columns) {
                    table[line * right_bins + column] += weights[first + k];
                }
            }
        }
    }
}

// Add up the chunks in their order, and write the sums of (f, g) and of (g, f).
__global__ void __launch_bounds__(256) add_chunks(
    const double* __restrict__ tables, const int32* __restrict__ lefts, int32 n_left,
    const int32* __restrict__ rights, int32 n_right, Rectangle tile,
    int64 n_chunks, int32 left_bins, int32 right_bins, CountsOut<double> counts_out
) {
    const int64 cells = static_cast<int64>(left_bins) * right_bins;
    const int64 n_pairs = static_cast<int64>(n_left) * n_right;
    for (int64 i = first_sample(); i < n_pairs * cells; i += samples_apart()) {
        const int64 pair = i / cells, line = i % cells / right_bins, column = i % right_bins;
        const int f = lefts[pair / n_right], g = rights[pair % n_right];
        if (tile.follows(f, g)) continue;
        double sum = 0.0;
        for (int64 chunk = 0; chunk < n_chunks; ++chunk) sum += tables[chunk * n_pairs * cells + i];
        *counts_out.cell(tile.pair(f, g), line, column) = sum;
        if (f != g && tile.has_both(f, g)) {  // f = g would write each cell twice
            *counts_out.cell(tile.pair(g, f), column, line) = sum;
        }
    }
}
