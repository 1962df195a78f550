// Samples → codes.
//
// The floor is memory: a sample of s bytes is read once and its code of c bytes written once.
#include "types.cuh"

// Code = value − low in unsigned arithmetic, so that no signed type can overflow.
template <class Value, class Code>
__global__ void __launch_bounds__(256) encode_integers(
    const Value* __restrict__ values, int64 n_samples, Value low, Code* __restrict__ codes
) {
    for (int64 i = first_sample(); i < n_samples; i += samples_apart()) {
        codes[i] = static_cast<Code>(static_cast<Value>(values[i] - low));
    }
}
