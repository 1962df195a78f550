// One sample's shares in the bins of its variable, and their derivatives: `contract.SoftBins`.
#pragma once
#include "types.cuh"

constexpr int32 GAUSSIAN = -1;  // the value of `order` that stands for the Gaussian kernel
constexpr int32 MOST_TAPS = 4;  // of a B-spline
// Shares are stored tap by tap, with those of a warp's lanes side by side. A tap takes one element
// more than there are lanes, so that the taps of one lane are in different banks.
constexpr int32 PITCH = 33;

// How samples of one variable are spread. `limits` are the ends of its range, two for each pair.
// Taps are the neighbouring bins in which a sample may have shares. All of them exist: near the ends
// of the range a Gaussian's taps are moved inside.
struct Axis {
    const double* limits;
    int32 n_bins, order;
    double sigma;
    int32 reach, taps;
};

// A float as a double. Under -ftz=true a plain conversion would take the smallest numbers for zero.
__device__ __forceinline__ double widened(float value) {
    const uint32 bits = __float_as_uint(value);
    if (bits & 0x7f800000u) return value;
    const double size = (bits & 0x7fffffu) * 1.40129846432481707e-45;  // 2⁻¹⁴⁹
    return bits >> 31 ? -size : size;
}
__device__ __forceinline__ double widened(double value) { return value; }

// The weight of a sample. Weights are bool or of the samples' type; 0 bytes mean no weights.
template <class Value>
__device__ __forceinline__ double weight_at(const void* weights, int32 bytes, int64 i) {
    if (bytes == 0) return 1.0;
    if (bytes == 1) return static_cast<const uint8*>(weights)[i];
    return widened(static_cast<const Value*>(weights)[i]);
}

// Write the shares of a B-spline, each degree from the one below. Taps go from the last to the first,
// so that a degree may overwrite the one below.
template <bool HasSlopes>
__device__ __forceinline__ void spread_bspline(
    int32 order, double rest, double steepness, double* shares, double* slopes
) {
    double share[MOST_TAPS] = {1.0 + (rest - rest), 0.0, 0.0, 0.0};  // NaN for NaN
    if (HasSlopes && order == 0) slopes[0] = rest - rest;
#pragma unroll
    for (int k = 1; k < MOST_TAPS; ++k) {
        if (k > order) break;
        if (HasSlopes && k == order) {  // the difference of two of one degree less
            slopes[0] = -share[0] * steepness;
#pragma unroll
            for (int tap = 1; tap <= k; ++tap) {
                slopes[tap * PITCH] = (share[tap - 1] - (tap < k ? share[tap] : 0.0)) * steepness;
            }
        }
        const double part = 1.0 / k;
#pragma unroll
        for (int tap = k; tap > 0; --tap) {
            const double stays = tap < k ? (tap + 1 - rest) * share[tap] : 0.0;
            share[tap] = part * ((k - tap + rest) * share[tap - 1] + stays);
        }
        share[0] = part * (1.0 - rest) * share[0];
    }
#pragma unroll
    for (int tap = 0; tap < MOST_TAPS; ++tap) {
        if (tap <= order) shares[tap * PITCH] = share[tap];
    }
}

// Write the shares of a Gaussian, normalised over the bins within reach.
template <bool HasSlopes>
__device__ __forceinline__ void spread_gaussian(
    const Axis& axis, int32 first, int32 middle, double position, double steepness,
    double* shares, double* slopes
) {
    const double precision = 1.0 / (axis.sigma * axis.sigma);
    double total = 0.0, moment = 0.0;
#pragma unroll 1
    for (int32 tap = 0; tap < axis.taps; ++tap) {
        const int32 bin = first + tap;
        const double distance = position - bin;
        const bool is_reached = bin > middle - axis.reach && bin <= middle + axis.reach;
        const double share = is_reached ? exp(-0.5 * precision * distance * distance) : 0.0;
        shares[tap * PITCH] = share;
        total += share;
        moment -= share * distance;
    }
    const double factor = 1.0 / total, mean = moment * factor;  // relative to the position
#pragma unroll 1
    for (int32 tap = 0; tap < axis.taps; ++tap) {
        const double share = shares[tap * PITCH] * factor;
        shares[tap * PITCH] = share;
        if (HasSlopes) {
            const double from_mean = (first + tap - position) - mean;
            slopes[tap * PITCH] = share * from_mean * precision * steepness;
        }
    }
}

// Write the shares of a value and their derivatives, and return the bin of the first tap. NaN fails
// the comparisons and stays NaN; its interval is arbitrary.
template <bool HasSlopes>
__device__ __forceinline__ int32 spread(
    double value, const Axis& axis, int64 pair, double* shares, double* slopes
) {
    const double low = axis.limits[2 * pair], high = axis.limits[2 * pair + 1];
    const bool is_gaussian = axis.order == GAUSSIAN;
    const int32 top = is_gaussian ? axis.n_bins - 1 : axis.n_bins - axis.order;
    const int32 last = is_gaussian ? top : top - 1;
    const double scale = top / (high - low);
    double position = (value - low) * scale;
    position = position < 0.0 ? 0.0 : position;
    position = position > top ? top : position;
    int32 interval = static_cast<int32>(position < last ? position : static_cast<double>(last));
    const double steepness = low <= value && value <= high ? scale : 0.0;
    if (is_gaussian) {
        int32 first = interval - axis.reach + 1;
        first = first < axis.n_bins - axis.taps ? first : axis.n_bins - axis.taps;
        first = first > 0 ? first : 0;
        spread_gaussian<HasSlopes>(axis, first, interval, position, steepness, shares, slopes);
        return first;
    }
    const double rest = position - interval;
    if (axis.order == 0) {
        // Correct a value that rounding put on the wrong side of an edge of numpy.linspace, which
        // rounds the product and the sum.
        const double step = (high - low) / axis.n_bins;
        const bool is_low = interval > 0 && value < __dadd_rn(__dmul_rn(interval, step), low);
        const bool is_high =
            interval < last && value >= __dadd_rn(__dmul_rn(interval + 1, step), low);
        interval += is_high - is_low;
    }
    spread_bspline<HasSlopes>(axis.order, rest, steepness, shares, slopes);
    return interval;
}
