// Pairs of a tile: which of them are counted, and what becomes of their counts.
#pragma once
#include "types.cuh"

// Ranges of features on the left and on the right, of two packs or of one.
struct Tile {
    int32 first_left, last_left, first_right, last_right;
    bool is_of_one_pack;

    // Whether the tile has the pair (g, f) beside (f, g).
    __device__ bool has_both(int f, int g) const {
        return is_of_one_pack && f >= first_right && f < last_right && g >= first_left
            && g < last_left;
    }
    // Of two such pairs, one is counted and gives both answers.
    __device__ bool follows(int f, int g) const { return f > g && has_both(f, g); }
    // The same of all pairs of two increasing sequences of features, by their ends.
    __device__ bool follows_from_others(int f, int last_f, int g, int last_g) const {
        return f > last_g && has_both(f, g) && has_both(last_f, last_g);
    }
    __device__ int64 pair(int f, int g) const {
        return static_cast<int64>(f - first_left) * (last_right - first_right) + (g - first_right);
    }
};

// Counts of all pairs of a tile, (n_left, n_right, left_bins, right_bins), as somewhere to add to;
// sums of weights have another type.
template <class Count> struct CountsOut {
    Count* counts;
    int32 left_bins, right_bins;

    __device__ Count* cell(int64 pair, int64 i, int64 j) const {
        return counts + (pair * left_bins + i) * right_bins + j;
    }
};

// Sums of all pairs of a tile, (n_left, n_right), as somewhere to write to, and f(c) to sum. The last
// three only where a side may lack samples.
struct SumsOut {
    const int64* table;
    int64* joint;
    int64* left;
    int64* right;
    int64* samples;
};

// Codes of features, for increments: each of a row of its own, in steps of whole wide loads.
template <class Code> struct Codes {
    const Code* codes;
    int64 stride;
    const int32* features;
    int32 n_features;
    const int32* n_bins;

    __device__ const Code* of(int feature) const { return codes + feature * stride; }
};

// Features of one class, for one-hot counting, and what is known of each of their values.
struct OneHot {
    const uint4* planes;
    const int32* features;
    const int64* marginals;
    int32 n_features;
    int32 n_planes;
    int32 rows;
    bool is_complete;
};

// Counts of two features.
struct Counts {
    CountsOut<int64> out;
    Tile tile;
    int f, g;

    // Cells of count 0 may be no cells; the pair the other way round gets the same.
    __device__ void add(int i, int j, int64 count) const {
        if (count == 0) return;
        add_to(out.cell(tile.pair(f, g), i, j), count);
        if (f != g && tile.has_both(f, g)) add_to(out.cell(tile.pair(g, f), j, i), count);
    }
    __device__ static void add_to(int64* cell, int64 count) {
        atomicAdd(reinterpret_cast<uint64*>(cell), static_cast<uint64>(count));
    }
};

// Σ f(c) of a pair's counts and of both marginals, in fixed point: sums of integers are the same
// in any order, so that every way to count gives the same.
struct Sums {
    int64 joint, left, right, samples;
};

// Sums of two features.
struct PairOut {
    SumsOut out;
    Tile tile;
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

// Lanes of a warp that take a pair together; they are neighbours, and a power of two.
struct Group {
    int size, number, lane;

    __device__ static Group of(int most) {
        int size = 1;
        while (size < most && size < 32) size *= 2;
        const int thread = threadIdx.x;
        return {size, thread / size, thread % size};
    }
    // The sum over the group. All lanes of the warp come here together.
    __device__ int64 total(int64 value) const {
        for (int step = size / 2; step > 0; step /= 2) {
            value += __shfl_xor_sync(0xffffffffu, value, step);
        }
        return value;
    }
};

// Sums of a pair of which `at(i, j)` tells the counts of values i + 1 and j + 1.
//
// Where the right feature lacks no sample, `x_own`, the left one's marginals by value, say what each
// line comes to; what its cells lack to that is in the right feature's bin 0. Likewise `y_own` where
// the left one lacks none. All lanes of a warp come here together, with the same two answers.
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

// The same of two features that lack no sample and have as few rows, by one lane: nothing waits for
// anything but its own lookup, where loops would go through the cells twice, one by one.
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

// The same of counts that are all there, by all threads of a block, which add to `sums` in shared
// memory: zero before, complete after the next barrier.
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
