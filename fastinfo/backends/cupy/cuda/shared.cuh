// All shared memory of a kernel is requested at the launch, so that one number says how much it is.
#pragma once

template <class T> __device__ __forceinline__ T* shared_memory() {
    extern __shared__ __align__(16) unsigned char fastinfo_shared[];
    return reinterpret_cast<T*>(fastinfo_shared);
}
