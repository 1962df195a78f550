// Counts of all pairs of features by one-hot bits: a sample adds to the joint count of two values
// where the bits of both features for these values are set. So counts are a matrix product of bits.
//
// A feature is packed as bit planes of its value: 1 … `rows` for the values that get a row of
// one-hot bits, and 0 for the rest. Without missing samples value v is bin v, and the counts of bin
// 0 follow from the marginals. With missing samples value v is bin v − 1, and 0 means missing.
//
// A block of four warps counts 128 rows on the left against 128 on the right. A side is two panels
// of 64 rows, and a panel holds whole features. Each warp takes one panel against another, so that
// its 64 × 64 sums are all cells of some pairs. Each stage takes 512 samples. Their planes come from
// memory: 4 words for 16 values, where one-hot bits would be 15 words. The block makes the one-hot
// words once, in shared memory, while the stage before is multiplied.
//
// Clock cycles a stage and block, on a multiprocessor with 16,384 bit products a cycle: 512 for the
// products, 128 to write the one-hot words, 256 to read them (rows of 64 bytes are laid out so that
// neither has bank conflicts), and about 130 for the logic that makes them.
#pragma once
#include "types.cuh"
#include "shared.cuh"
#include "pairs.cuh"

constexpr int PANEL = 64;
constexpr int QUADS = 4;  // 16-byte quadruples of words in a row of a stage
constexpr int SIDE_ROWS = 2 * PANEL;
constexpr int STAGE_QUADS = 2 * SIDE_ROWS * QUADS;
constexpr int PITCH = PANEL + 1;  // counts from one row to the next in shared memory
constexpr int ONEHOT_THREADS = 128;

struct OneHotSide {
    const uint4* planes;    // (features, stages, n_planes, QUADS)
    int n_features;
    int n_planes;
    int rows;               // rows of one-hot bits of each feature
    int per_panel;          // features of a panel
    int first;              // the block's first feature

    // The row of the block at which its `slot`-th feature begins.
    __device__ int first_row(int slot) const {
        return slot * rows + (slot >= per_panel ? PANEL - per_panel * rows : 0);
    }
};

__device__ __forceinline__ uint4 all_of(uint4 a, uint4 b) {
    return make_uint4(a.x & b.x, a.y & b.y, a.z & b.z, a.w & b.w);
}
__device__ __forceinline__ uint4 all_but(uint4 a, uint4 b) {
    return make_uint4(a.x & ~b.x, a.y & ~b.y, a.z & ~b.z, a.w & ~b.w);
}

// Write the rows of all values that share with `value` the lowest bit and the bits above plane BIT.
template <int BIT, int PLANES>
__device__ __forceinline__ void store_rows(
    uint4 chosen, const uint4 (&planes)[PLANES], int value, int rows, uint4* first_row
) {
    if constexpr (BIT == 0) {
        if (value >= 1 && value <= rows) first_row[(value - 1) * QUADS] = chosen;
    } else {
        store_rows<BIT - 1>(all_but(chosen, planes[BIT]), planes, value, rows, first_row);
        const int larger = value | 1 << BIT;
        if (larger <= rows) {
            store_rows<BIT - 1>(all_of(chosen, planes[BIT]), planes, larger, rows, first_row);
        }
    }
}

// Write the one-hot words of every second value: of the odd values or of the even ones.
template <int PLANES>
__device__ __forceinline__ void expand(const uint4* source, int odd, int rows, uint4* first_row) {
    uint4 planes[PLANES];
#pragma unroll
    for (int plane = 0; plane < PLANES; ++plane) planes[plane] = source[plane * QUADS];
    uint4 chosen = planes[0];
    if (!odd) chosen = make_uint4(~chosen.x, ~chosen.y, ~chosen.z, ~chosen.w);
    store_rows<PLANES - 1>(chosen, planes, odd, rows, first_row);
}

// Write the one-hot words of a side's features for one stage, by half of the block's threads.
// Rows that belong to no feature are not written, because their sums are not used.
__device__ __forceinline__ void expand_side(
    const OneHotSide& side, int64 stage, int64 n_stages, unsigned int thread, uint4* rows
) {
    // A feature has eight threads. Four write one whole row of 64 bytes, and four the next row. There
    // are no bank conflicts, because even and odd rows are in different halves of the banks.
    const int n_items = 16 * side.per_panel;
    for (int item = thread; item < n_items; item += ONEHOT_THREADS / 2) {
        const int quad = item & 3, odd = item >> 2 & 1, slot = item >> 3;
        const int feature = side.first + slot;
        if (feature >= side.n_features) break;
        const uint4* source =
            side.planes + (feature * n_stages + stage) * side.n_planes * QUADS + quad;
        uint4* first_row = rows + side.first_row(slot) * QUADS + quad;
        switch (side.n_planes) {
            case 1: expand<1>(source, odd, side.rows, first_row); break;
            case 2: expand<2>(source, odd, side.rows, first_row); break;
            case 3: expand<3>(source, odd, side.rows, first_row); break;
            case 4: expand<4>(source, odd, side.rows, first_row); break;
            case 5: expand<5>(source, odd, side.rows, first_row); break;
            default: expand<6>(source, odd, side.rows, first_row); break;
        }
    }
}

// Blocks go in groups of 16 lines, so that blocks which run at the same time read the same data.
struct BlockPosition {
    int64 left, right;
};
__device__ __forceinline__ BlockPosition block_position(int64 block, int64 n_left, int64 n_right) {
    const int64 first = block / (16 * n_right) * 16, rest = block % (16 * n_right);
    const int64 height = n_left - first < 16 ? n_left - first : 16;
    return {first + rest % height, rest / height};
}

// Count the features of one class against those of another. `Way` multiplies the bits of a warp.
//
// `n_shared` is the number of entries of the table, if shared memory has room for all of them, else
// 0. Shared memory gives about 5 lookups a cycle, whatever the counts; other lookups take a cycle for
// each line of the first-level cache.
//
// If counts are wanted, they are added to `counts_out`, without the cells of bins that have no row.
// Otherwise sums are written. Sums of marginals are written only where a side may lack samples,
// since they are known otherwise.
template <class Way>
__global__ void __launch_bounds__(ONEHOT_THREADS, 2) count_onehot(
    OneHot lefts, OneHot rights, int64 n_stages, int64 stages_per_split, Rectangle tile,
    CountsOut<int64> counts_out, SumsOut sums_out, bool wants_counts, int32 n_shared
) {
    const int n_left = lefts.n_features, n_right = rights.n_features;
    const int left_rows = lefts.rows, right_rows = rights.rows;
    const bool left_complete = lefts.is_complete, right_complete = rights.is_complete;
    const int32* left_features = lefts.features;
    const int32* right_features = rights.features;
    const int64* table = sums_out.table;
    OneHotSide left{lefts.planes, n_left, lefts.n_planes, left_rows, PANEL / left_rows, 0};
    OneHotSide right{rights.planes, n_right, rights.n_planes, right_rows, PANEL / right_rows, 0};
    const int left_slots = 2 * left.per_panel, right_slots = 2 * right.per_panel;
    const BlockPosition position = block_position(
        blockIdx.x, (n_left + left_slots - 1) / left_slots, (n_right + right_slots - 1) / right_slots);
    left.first = static_cast<int>(position.left) * left_slots;
    right.first = static_cast<int>(position.right) * right_slots;
    const int last_slot = min(right.first + right_slots, n_right) - 1;
    const int latest_left = left_features[min(left.first + left_slots, n_left) - 1];
    if (tile.follows_from_others(left_features[left.first], latest_left,
                                 right_features[right.first], right_features[last_slot])) {
        return;
    }

    uint4* stages = shared_memory<uint4>();
    const unsigned int warp = threadIdx.x / 32;
    const bool is_left = threadIdx.x < ONEHOT_THREADS / 2;
    const OneHotSide mine{is_left ? left.planes : right.planes,
                    is_left ? left.n_features : right.n_features,
                    is_left ? left.n_planes : right.n_planes, is_left ? left.rows : right.rows,
                    is_left ? left.per_panel : right.per_panel, is_left ? left.first : right.first};
    const unsigned int helper = threadIdx.x % (ONEHOT_THREADS / 2);
    uint4* my_rows = stages + (is_left ? 0 : SIDE_ROWS * QUADS);
    const int left_panel = warp % 2, right_panel = warp / 2;
    const uint4* left_rows_of_warp = stages + left_panel * PANEL * QUADS;
    const uint4* right_rows_of_warp = stages + (SIDE_ROWS + right_panel * PANEL) * QUADS;

    int64* near = reinterpret_cast<int64*>(
        shared_memory<unsigned char>() + 2 * PANEL * PITCH * sizeof(int));
    for (int i = threadIdx.x; i < n_shared; i += ONEHOT_THREADS) near[i] = table[i];

    typename Way::Sums sums = {};
    const int64 begin = blockIdx.y * stages_per_split;
    const int64 end = begin + stages_per_split < n_stages ? begin + stages_per_split : n_stages;
    if (begin < end) expand_side(mine, begin, n_stages, helper, my_rows);
    __syncthreads();
    for (int64 stage = begin; stage < end; ++stage) {
        const int now = (stage - begin) % 2 * STAGE_QUADS, next = STAGE_QUADS - now;
        if (stage + 1 < end) expand_side(mine, stage + 1, n_stages, helper, my_rows + next);
        Way::add(sums, left_rows_of_warp + now, right_rows_of_warp + now);
        __syncthreads();
    }

    // The sums of the block's pairs go to shared memory, for one panel on the left at a time.
    int* panels = shared_memory<int>();
    const bool knows_both = left_complete && right_complete;
    const int few = knows_both && left_rows == right_rows && left_rows <= 3 ? left_rows : 0;
    // Two lines a lane: each lane of a group spends the same time on finding and writing the pair, so
    // that more lanes would waste it.
    const Group group = Group::of(few ? 1 : (max(left_rows, right_rows) + 1) / 2);
    const int n_pairs = left.per_panel * right_slots;
    for (int half = 0; half < 2; ++half) {
        if (left_panel == half) Way::store(sums, panels + right_panel * PANEL * PITCH);
        __syncthreads();
        // All lanes of a warp run each step, also without a pair, because they exchange sums.
        for (int base = 0; base < n_pairs; base += ONEHOT_THREADS / group.size) {
            const int pair = base + group.number;
            const int slot = pair % right_slots, row = pair / right_slots * left_rows;
            const int x = left.first + half * left.per_panel + pair / right_slots;
            const int y = right.first + slot;
            bool is_wanted = pair < n_pairs && x < n_left && y < n_right;
            const int f = is_wanted ? left_features[x] : 0, g = is_wanted ? right_features[y] : 0;
            is_wanted = is_wanted && !tile.follows(f, g);
            const int* cells = panels + slot / right.per_panel * PANEL * PITCH + row * PITCH
                + slot % right.per_panel * right_rows;
            if (wants_counts) {
                if (is_wanted) {
                    const Counts out{counts_out, tile, f, g};
                    for (int cell = group.lane; cell < left_rows * right_rows; cell += group.size) {
                        const int i = cell / right_rows, j = cell % right_rows;
                        out.add(i + left_complete, j + right_complete, cells[i * PITCH + j]);
                    }
                }
                continue;
            }
            const int64* x_own = lefts.marginals + (is_wanted ? x : 0) * (left_rows + 1ll);
            const int64* y_own = rights.marginals + (is_wanted ? y : 0) * (right_rows + 1ll);
            const auto at = [&](int i, int j) { return cells[i * PITCH + j]; };
            auto sums_by = [&](const int64* entries) {
                if (few && !is_wanted) return Sums{0, 0, 0, 0};
                switch (few) {
                    case 1: return sums_of_few<1>(at, x_own, y_own, entries);
                    case 2: return sums_of_few<2>(at, x_own, y_own, entries);
                    case 3: return sums_of_few<3>(at, x_own, y_own, entries);
                    default: return sums_with_rest(
                        at, is_wanted ? left_rows : 0, is_wanted ? right_rows : 0,
                        left_complete, right_complete, x_own, y_own, entries, group);
                }
            };
            const Sums found = n_shared ? sums_by(near) : sums_by(table);
            if (is_wanted && group.lane == 0) {
                const PairOut out{sums_out, tile, f, g};
                out.write(found, !knows_both);
            }
        }
        __syncthreads();
    }
}
