// Pairs of a tile: which of them are counted, and where their counts and sums are written.
#pragma once
#include "types.cuh"

// The features of a tile, first to last − 1 on the left and on the right, of two packs or of one.
struct Rectangle {
    int32 first_left, last_left, first_right, last_right;
    bool is_of_one_pack;

    // Whether the tile has the pair (g, f) beside (f, g).
    __device__ bool has_both(int f, int g) const {
        return is_of_one_pack && f >= first_right && f < last_right && g >= first_left
            && g < last_left;
    }
    // Whether the pair (f, g) is not counted, because (g, f) is and gives the results of both.
    __device__ bool follows(int f, int g) const { return f > g && has_both(f, g); }
    // The same for all pairs of two increasing sequences of features, by their ends.
    __device__ bool follows_from_others(int f, int last_f, int g, int last_g) const {
        return f > last_g && has_both(f, g) && has_both(last_f, last_g);
    }
    __device__ int64 pair(int f, int g) const {
        return static_cast<int64>(f - first_left) * (last_right - first_right) + (g - first_right);
    }
};

// Counts of all pairs of a tile, (n_left, n_right, left_bins, right_bins), to be added to. Sums of
// weights have another type.
template <class Count> struct CountsOut {
    Count* counts;
    int32 left_bins, right_bins;

    __device__ Count* cell(int64 pair, int64 i, int64 j) const {
        return counts + (pair * left_bins + i) * right_bins + j;
    }
};

// Sums of all pairs of a tile, (n_left, n_right), to be written to, and the table of f(c) to sum. The
// last three are written only where a side may lack samples.
struct SumsOut {
    const int64* table;
    int64* joint;
    int64* left;
    int64* right;
    int64* samples;
};

// Codes of features, for increments. Each feature has a row of its own; rows begin `stride` codes
// apart, a multiple of a wide load.
template <class Code> struct Codes {
    const Code* codes;
    int64 stride;
    const int32* features;
    int32 n_features;
    const int32* n_bins;

    __device__ const Code* of(int feature) const { return codes + feature * stride; }
};

// Features of one class, for one-hot counting, and the number of samples of each of their values.
struct OneHot {
    const uint4* planes;
    const int32* features;
    const int64* marginals;
    int32 n_features;
    int32 n_planes;
    int32 rows;
    bool is_complete;
};

// The counts of two features, to be added to.
struct Counts {
    CountsOut<int64> out;
    Rectangle tile;
    int f, g;

    // A count of 0 is skipped, because its cell may not exist. The pair (g, f) gets the same count.
    __device__ void add(int i, int j, int64 count) const {
        if (count == 0) return;
        add_to(out.cell(tile.pair(f, g), i, j), count);
        if (f != g && tile.has_both(f, g)) add_to(out.cell(tile.pair(g, f), j, i), count);
    }
    __device__ static void add_to(int64* cell, int64 count) {
        atomicAdd(reinterpret_cast<uint64*>(cell), static_cast<uint64>(count));
    }
};

// Σ f(c) of a pair's counts and of both marginals, in fixed point. Sums of integers are equal in any
// order, so that all ways of counting give equal sums.
struct Sums {
    int64 joint, left, right, samples;
};

// The sums of two features, to be written.
struct PairOut {
    SumsOut out;
    Rectangle tile;
    int f, g;

    __device__ void write(const Sums& sums, bool writes_marginals) const {
        const int64 here = tile.pair(f, g), there = tile.pair(g, f);
        const bool has_both = tile.has_both(f, g);
        out.joint[here] = sums.joint;
        if (has_both) out.joint[there] = sums.joint;
        if (!writes_marginals) return;
        out.left[here] = sums.left;
        out.right[here] = sums.right;
        out.samples[here] = sums.samples;
        if (has_both) {
            out.left[there] = sums.right;
            out.right[there] = sums.left;
            out.samples[there] = sums.samples;
        }
    }
};

// Lanes of a warp that take a pair together: neighbours, whose number is a power of two.
struct Group {
    int size, number, lane;

    __device__ static Group of(int most) {
        int size = 1;
        while (size < most && size < 32) size *= 2;
        const int thread = threadIdx.x;
        return {size, thread / size, thread % size};
    }
    // The sum over the group. All lanes of the warp have to call it together.
    __device__ int64 total(int64 value) const {
        for (int step = size / 2; step > 0; step /= 2) {
            value += __shfl_xor_sync(0xffffffffu, value, step);
        }
        return value;
    }
};

// Sums of a pair. `at(i, j)` returns the count of values i + 1 and j + 1.
//
// `x_own` are the left feature's marginals by value. Where the right feature lacks no sample, they
// are the sums of the lines, and the difference from the cells of a line is the count in the right
// feature's bin 0. The same holds for `y_own` where the left feature lacks no sample. All lanes of a
// warp have to call it together, with the same `left_complete` and `right_complete`.
template <class At>
__device__ __forceinline__ Sums sums_with_rest(
    At at, int left_rows, int right_rows, bool left_complete, bool right_complete,
    const int64* x_own, const int64* y_own, const int64* table, const Group& group
) {
    const bool knows_marginals = left_complete && right_complete;
    int64 joint = 0, left = 0, right = 0, samples = 0, line_rests = 0, column_rests = 0;
    for (int i = group.lane; i < left_rows; i += group.size) {
        int64 line = 0;
        for (int j = 0; j < right_rows; ++j) {
            const int count = at(i, j);
            joint += table[count];
            line += count;
        }
        if (right_complete) {
            const int64 rest = x_own[i + 1] - line;
            joint += table[rest];
            column_rests += rest;
            line += rest;
        }
        if (!knows_marginals) left += table[line];
        samples += line;
    }
    for (int j = group.lane; j < right_rows; j += group.size) {
        int64 column = 0;
        for (int i = 0; i < left_rows; ++i) column += at(i, j);
        if (left_complete) {
            const int64 rest = y_own[j + 1] - column;
            joint += table[rest];
            line_rests += rest;
            column += rest;
        }
        if (!knows_marginals) right += table[column];
    }
    joint = group.total(joint);
    line_rests = group.total(line_rests);
    if (knows_marginals) return {joint + table[x_own[0] - line_rests], 0, 0, 0};
    left = group.total(left);
    right = group.total(right);
    samples = group.total(samples) + line_rests;
    column_rests = group.total(column_rests);
    if (left_complete) left += table[line_rests];
    if (right_complete) right += table[column_rests];
    return {joint, left, right, samples};
}

// The same for two features that lack no sample and have ROWS rows each, by one lane. Lookups do not
// wait for each other, while the loops above would go through the cells twice, one by one.
template <int ROWS, class At>
__device__ __forceinline__ Sums sums_of_few(
    At at, const int64* x_own, const int64* y_own, const int64* table
) {
    int64 joint = 0;
    int corner = static_cast<int>(x_own[0]), rests[ROWS];
#pragma unroll
    for (int j = 0; j < ROWS; ++j) rests[j] = static_cast<int>(y_own[j + 1]);
#pragma unroll
    for (int i = 0; i < ROWS; ++i) {
        int rest = static_cast<int>(x_own[i + 1]);
#pragma unroll
        for (int j = 0; j < ROWS; ++j) {
            const int count = at(i, j);
            joint += table[count];
            rest -= count;
            rests[j] -= count;
        }
        joint += table[rest];
    }
#pragma unroll
    for (int j = 0; j < ROWS; ++j) {
        joint += table[rests[j]];
        corner -= rests[j];
    }
    return {joint + table[corner], 0, 0, 0};
}

// The same for counts that include bin 0, by all threads of a block. They add to `sums` in shared
// memory, which is zero before and complete after the next barrier.
template <class At>
__device__ __forceinline__ void add_sums(
    At at, int left_bins, int right_bins, const int64* table, Sums* sums
) {
    int64 joint = 0, left = 0, right = 0, samples = 0;
    for (int i = threadIdx.x; i < left_bins; i += blockDim.x) {
        int64 line = 0;
        for (int j = 0; j < right_bins; ++j) {
            const int64 count = at(i, j);
            joint += table[count];
            line += count;
        }
        left += table[line];
        samples += line;
    }
    for (int j = threadIdx.x; j < right_bins; j += blockDim.x) {
        int64 column = 0;
        for (int i = 0; i < left_bins; ++i) column += at(i, j);
        right += table[column];
    }
    const Group warp = Group::of(32);
    joint = warp.total(joint);
    left = warp.total(left);
    right = warp.total(right);
    samples = warp.total(samples);
    if (warp.lane == 0) {
        atomicAdd(reinterpret_cast<uint64*>(&sums->joint), static_cast<uint64>(joint));
        atomicAdd(reinterpret_cast<uint64*>(&sums->left), static_cast<uint64>(left));
        atomicAdd(reinterpret_cast<uint64*>(&sums->right), static_cast<uint64>(right));
        atomicAdd(reinterpret_cast<uint64*>(&sums->samples), static_cast<uint64>(samples));
    }
}
