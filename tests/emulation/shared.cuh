// In place of fastinfo/backends/cupy/cuda/shared.cuh: the shared memory of the block that runs.
#pragma once

template <class T> inline T* shared_memory() {
    return reinterpret_cast<T*>(emulation::machine.shared);
}
