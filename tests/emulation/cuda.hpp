// CUDA C++ as an ordinary compiler reads it: what the kernels in fastinfo/backends/cupy/cuda need.
//
// Every thread of a block is a fiber. Fibers change at barriers, at exchanges within a warp and,
// now and then, at atomics; who goes on is drawn by a seed. So an answer that depends on the
// schedule comes out wrong for some seed, and a barrier that not all threads reach is told. Shared
// memory is a fresh allocation for each block, filled with rubbish, so that what is read before it
// is written shows, and the address sanitizer sees its borders. Under the thread sanitizer a change
// of fibers orders nothing: only barriers do, so it finds every race that a barrier or an atomic
// operation should have prevented.
#pragma once

#include <atomic>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <csetjmp>
#include <ucontext.h>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define UNWATCHED __attribute__((no_sanitize_thread, noinline))
#elif defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define UNWATCHED __attribute__((noinline))
#else
#define UNWATCHED __attribute__((noinline))
#endif

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __constant__ static const
#define __align__(bytes) alignas(bytes)

struct uint2 { unsigned int x, y; };
struct uint3 { unsigned int x, y, z; };
struct alignas(16) uint4 { unsigned int x, y, z, w; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct alignas(16) ulonglong2 { unsigned long long x, y; };
struct dim3 { unsigned int x = 1, y = 1, z = 1; };

inline uint4 make_uint4(unsigned int x, unsigned int y, unsigned int z, unsigned int w) {
    return {x, y, z, w};
}

static const int warpSize = 32;

namespace emulation {

enum class State { ready, at_block_barrier, at_warp_barrier, done };

constexpr std::size_t STACK = 128 * 1024;
constexpr unsigned int MOST_THREADS = 1024;

struct Fiber {
    ucontext_t context{};
    std::jmp_buf place{};
    bool has_begun = false;
    std::unique_ptr<char[]> stack{new char[STACK]};
    State state = State::done;
    unsigned int mask = 0;   // lanes that a warp barrier waits for
    bool orders = true;      // whether that barrier orders memory; exchanges do not
    unsigned long long block_phase = 0, warp_phase = 0;
    uint3 thread{};
    unsigned int number = 0; // within the block
    void* watched = nullptr; // the thread sanitizer's view of it
    void* fake_stack = nullptr; // the address sanitizer's
};

// What a block of threads is run with; one for each family of kernels, behind a lock.
struct Machine {
    std::mutex lock;
    std::vector<std::unique_ptr<Fiber>> fibers;
    std::vector<Fiber*> running; // of the block, by number of the thread
    ucontext_t scheduler{};
    std::jmp_buf scheduler_place{};
    void* scheduler_watched = nullptr;
    void* scheduler_fake_stack = nullptr;
    const void* scheduler_stack = nullptr;
    std::size_t scheduler_stack_size = 0;
    Fiber* current = nullptr;
    void (*invoke)(void (*)(), void**) = nullptr;
    void (*kernel)() = nullptr;
    void** arguments = nullptr;
    unsigned long long random = 0;
    std::string error;
    char block_order[2] = {}; // addresses by which barriers order memory, in turn
    char warp_order[MOST_THREADS / 32][2] = {};
    unsigned long long slots[MOST_THREADS] = {}; // what lanes hand each other
    unsigned char* shared = nullptr;
};

inline Machine machine;

} // namespace emulation

static uint3 threadIdx, blockIdx;
static dim3 blockDim, gridDim;

namespace emulation {

// Not the library's, which is watched where it is put in line.
UNWATCHED inline unsigned int draw() {
    machine.random = machine.random * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<unsigned int>(machine.random >> 33);
}

// A context begins a fiber. Between fibers that have begun, jumps are ten times as fast, since they
// leave the signals alone; but the sanitizers do not know them for what they are.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
UNWATCHED inline void to_fiber(Fiber* fiber) { swapcontext(&machine.scheduler, &fiber->context); }
UNWATCHED inline void to_scheduler(Fiber* fiber) { swapcontext(&fiber->context, &machine.scheduler); }
#else
UNWATCHED inline void to_fiber(Fiber* fiber) {
    if (_setjmp(machine.scheduler_place)) return;
    if (fiber->has_begun) _longjmp(fiber->place, 1);
    fiber->has_begun = true;
    setcontext(&fiber->context);
}
UNWATCHED inline void to_scheduler(Fiber* fiber) {
    if (!_setjmp(fiber->place)) _longjmp(machine.scheduler_place, 1);
}
#endif

UNWATCHED inline void enter(Fiber* fiber) { // from the scheduler
    machine.current = fiber;
    threadIdx = fiber->thread;
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(fiber->watched, __tsan_switch_to_fiber_no_sync);
#elif defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&machine.scheduler_fake_stack, fiber->stack.get(), STACK);
#endif
    to_fiber(fiber);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(machine.scheduler_fake_stack, nullptr, nullptr);
#endif
}

UNWATCHED inline void leave() { // to the scheduler
    Fiber* fiber = machine.current;
#if defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(machine.scheduler_watched, __tsan_switch_to_fiber_no_sync);
#elif defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(
        &fiber->fake_stack, machine.scheduler_stack, machine.scheduler_stack_size);
#endif
    to_scheduler(fiber);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(
        fiber->fake_stack, &machine.scheduler_stack, &machine.scheduler_stack_size);
#endif
}

// A fiber lives through many launches: each time it is entered as ready it runs the kernel once.
UNWATCHED inline void live() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(
        nullptr, &machine.scheduler_stack, &machine.scheduler_stack_size);
#endif
    for (;;) {
        machine.invoke(machine.kernel, machine.arguments);
        machine.current->state = State::done;
        leave();
    }
}

UNWATCHED inline Fiber* make_fiber() {
    machine.fibers.push_back(std::make_unique<Fiber>());
    Fiber* fiber = machine.fibers.back().get();
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack.get();
    fiber->context.uc_stack.ss_size = STACK;
    fiber->context.uc_link = nullptr;
    makecontext(&fiber->context, live, 0);
#if defined(__SANITIZE_THREAD__)
    fiber->watched = __tsan_create_fiber(0);
#endif
    return fiber;
}

inline void order_before(void* address) {
#if defined(__SANITIZE_THREAD__)
    __tsan_release(address);
#else
    (void)address;
#endif
}

inline void order_after(void* address) {
#if defined(__SANITIZE_THREAD__)
    __tsan_acquire(address);
#else
    (void)address;
#endif
}

UNWATCHED inline void wait_for_block() {
    Fiber* fiber = machine.current;
    char* order = &machine.block_order[fiber->block_phase++ & 1];
    order_before(order);
    fiber->state = State::at_block_barrier;
    leave();
    order_after(order);
}

UNWATCHED inline void wait_for_warp(unsigned int mask, bool orders) {
    Fiber* fiber = machine.current;
    char* order = &machine.warp_order[fiber->number / 32][fiber->warp_phase++ & 1];
    if (orders) order_before(order);
    fiber->mask = mask;
    fiber->orders = orders;
    fiber->state = State::at_warp_barrier;
    leave();
    if (orders) order_after(order);
}

// Release the warps of which all lanes that their barrier names have come.
UNWATCHED inline bool release_warps() {
    bool released = false;
    auto& running = machine.running;
    for (std::size_t base = 0; base < running.size(); base += 32) {
        unsigned int here = 0;
        for (std::size_t lane = 0; lane < 32 && base + lane < running.size(); ++lane) {
            if (running[base + lane]->state == State::at_warp_barrier) here |= 1u << lane;
        }
        for (unsigned int lane = 0; lane < 32; ++lane) {
            if (!(here >> lane & 1)) continue;
            const Fiber* fiber = running[base + lane];
            const unsigned int mask = fiber->mask;
            bool is_complete = (mask & here) == mask && (mask >> lane & 1);
            for (unsigned int other = 0; is_complete && other < 32; ++other) {
                if (!(mask >> other & 1)) continue;
                const Fiber* partner = running[base + other];
                is_complete = partner->mask == mask && partner->orders == fiber->orders;
            }
            if (!is_complete) continue;
            for (unsigned int other = 0; other < 32; ++other) {
                if (mask >> other & 1) running[base + other]->state = State::ready;
            }
            here &= ~mask;
            released = true;
        }
    }
    return released;
}

UNWATCHED inline bool release_block() {
    for (const Fiber* fiber : machine.running) {
        if (fiber->state != State::at_block_barrier) return false;
    }
    for (Fiber* fiber : machine.running) fiber->state = State::ready;
    return true;
}

UNWATCHED inline void run_block() {
    std::vector<Fiber*> ready;
    for (;;) {
        ready.clear();
        std::size_t done = 0;
        for (Fiber* fiber : machine.running) {
            if (fiber->state == State::ready) ready.push_back(fiber);
            done += fiber->state == State::done;
        }
        if (done == machine.running.size()) return;
        if (ready.empty()) {
            if (release_warps() || release_block()) continue;
            std::size_t at_block = 0, at_warp = 0;
            for (const Fiber* fiber : machine.running) {
                at_block += fiber->state == State::at_block_barrier;
                at_warp += fiber->state == State::at_warp_barrier;
            }
            char text[200];
            std::snprintf(text, sizeof text,
                "a barrier that not all threads reach: of a block of %zu, %zu wait at "
                "__syncthreads, %zu within their warps and %zu have returned",
                machine.running.size(), at_block, at_warp, done);
            machine.error = text;
            return;
        }
        for (std::size_t i = ready.size(); i > 1; --i) {
            std::swap(ready[i - 1], ready[draw() % i]);
        }
        for (Fiber* fiber : ready) enter(fiber);
    }
}

// Other threads may go on here, as they may anywhere.
UNWATCHED inline void perhaps_pause() {
    if (draw() % 64 == 0) leave();
}

template <class T> UNWATCHED T exchange(unsigned int mask, T value, unsigned int source) {
    static_assert(sizeof(T) <= 8, "lanes exchange words of up to 64 bits");
    const unsigned int number = machine.current->number, base = number & ~31u;
    std::memcpy(&machine.slots[number], &value, sizeof value);
    wait_for_warp(mask, false);
    T result;
    std::memcpy(&result, &machine.slots[base + source], sizeof result);
    wait_for_warp(mask, false);
    return result;
}

UNWATCHED inline unsigned int lane() { return machine.current->number & 31u; }

UNWATCHED inline unsigned int ballot(unsigned int mask, bool predicate) {
    const unsigned int number = machine.current->number, base = number & ~31u;
    machine.slots[number] = predicate;
    wait_for_warp(mask, false);
    unsigned int votes = 0;
    for (unsigned int other = 0; other < 32; ++other) {
        if (mask >> other & 1) votes |= static_cast<unsigned int>(machine.slots[base + other]) << other;
    }
    wait_for_warp(mask, false);
    return votes;
}

// --- what Python calls ---------------------------------------------------------------------------

// What the compiler knows of a struct's fields, each as `name@offset=type;`, those of inner structs
// too. The builder writes one for each struct of a text.
template <class T> struct Fields;

template <class T> std::string describe() {
    using Bare = std::remove_cv_t<std::remove_pointer_t<T>>;
    std::string kind = std::is_pointer_v<T> ? "*" : "";
    if constexpr (std::is_class_v<T>) {
        return std::string(Fields<T>::name) + ":" + std::to_string(sizeof(T)) + ":" +
            Fields<T>::told("", 0);
    }
    if constexpr (std::is_arithmetic_v<Bare>) {
        if (std::is_floating_point_v<Bare>) kind += "f";
        else if (std::is_same_v<Bare, bool>) kind += "b";
        else kind += std::is_signed_v<Bare> ? "i" : "u";
        return kind + std::to_string(sizeof(Bare));
    } else {
        return kind + "any";
    }
}

template <class T> std::string field(const std::string& name, std::size_t offset) {
    if constexpr (std::is_class_v<T>) return Fields<T>::told(name + ".", offset);
    else return name + "@" + std::to_string(offset) + "=" + describe<T>() + ";";
}

struct Kernel {
    const char* name;
    void (*function)();
    void (*invoke)(void (*)(), void**);
    std::string signature;
};

template <class... A, std::size_t... I>
void call(void (*function)(A...), void** arguments, std::index_sequence<I...>) {
    function(*static_cast<std::remove_cv_t<A>*>(arguments[I])...);
}

template <class... A> Kernel bind(const char* name, void (*function)(A...)) {
    std::string signature;
    ((signature += describe<A>() + " "), ...);
    return {name, reinterpret_cast<void (*)()>(function),
            [](void (*f)(), void** arguments) {
                call(reinterpret_cast<void (*)(A...)>(f), arguments,
                     std::index_sequence_for<A...>{});
            },
            signature};
}

const Kernel* find(const char* name); // in the text that the builder appends

UNWATCHED inline void launch(const Kernel& kernel, dim3 grid, dim3 block, std::size_t shared_bytes,
                             unsigned long long seed, void** arguments) {
    std::lock_guard<std::mutex> guard(machine.lock);
    machine.error.clear();
    machine.random = seed;
    draw();
    machine.invoke = kernel.invoke;
    machine.kernel = kernel.function;
    machine.arguments = arguments;
#if defined(__SANITIZE_THREAD__)
    machine.scheduler_watched = __tsan_get_current_fiber();
#endif
    blockDim = block;
    gridDim = grid;
    const std::size_t n_threads = std::size_t{block.x} * block.y * block.z;
    // Two blocks after each other run on different fibers, or the sanitizer would take the work
    // of a fiber in one block to be ordered before its work in the next.
    while (machine.fibers.size() < 2 * n_threads) make_fiber();
    std::vector<std::size_t> blocks(std::size_t{grid.x} * grid.y * grid.z);
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = i;
    for (std::size_t i = blocks.size(); i > 1; --i) std::swap(blocks[i - 1], blocks[draw() % i]);
    std::vector<std::unique_ptr<unsigned char[]>> memories;
    bool second = false;
    for (std::size_t number : blocks) {
        blockIdx = {static_cast<unsigned int>(number % grid.x),
                    static_cast<unsigned int>(number / grid.x % grid.y),
                    static_cast<unsigned int>(number / grid.x / grid.y)};
        // A block of its own on the heap: the borders are watched, and nothing is left of others.
        // They live as long as the launch: to the thread sanitizer, freeing is writing.
        memories.emplace_back(new unsigned char[shared_bytes]); // aligned as malloc does, by 16
        machine.shared = memories.back().get();
        std::memset(machine.shared, 0xA5, shared_bytes);
        machine.running.clear();
        const std::size_t turn = draw() % n_threads;
        for (std::size_t i = 0; i < n_threads; ++i) {
            Fiber* fiber = machine.fibers[second * n_threads + (i + turn) % n_threads].get();
            fiber->number = static_cast<unsigned int>(i);
            fiber->thread = {static_cast<unsigned int>(i % block.x),
                             static_cast<unsigned int>(i / block.x % block.y),
                             static_cast<unsigned int>(i / block.x / block.y)};
            fiber->state = State::ready;
            fiber->block_phase = fiber->warp_phase = 0;
#if defined(__SANITIZE_THREAD__)
            // What the host did before the launch comes before all of it.
            __tsan_switch_to_fiber(fiber->watched, 0);
            __tsan_switch_to_fiber(machine.scheduler_watched, __tsan_switch_to_fiber_no_sync);
#endif
            machine.running.push_back(fiber);
        }
        run_block();
        if (!machine.error.empty()) {
            machine.fibers.clear(); // some are in the middle of the kernel
            return;
        }
        second = !second;
    }
#if defined(__SANITIZE_THREAD__)
    for (auto& fiber : machine.fibers) { // and all of it comes before what the host does next
        __tsan_switch_to_fiber(fiber->watched, __tsan_switch_to_fiber_no_sync);
        __tsan_switch_to_fiber(machine.scheduler_watched, 0);
    }
#endif
}

} // namespace emulation

extern "C" const char* emulated_signature(const char* name) {
    const emulation::Kernel* kernel = emulation::find(name);
    return kernel ? kernel->signature.c_str() : nullptr;
}

extern "C" const char* emulated_launch(
    const char* name, const unsigned int* grid, const unsigned int* block,
    unsigned long long shared_bytes, unsigned long long seed, void** arguments
) {
    emulation::launch(*emulation::find(name), {grid[0], grid[1], grid[2]},
                      {block[0], block[1], block[2]}, shared_bytes, seed, arguments);
    return emulation::machine.error.c_str();
}

// --- the functions of CUDA -----------------------------------------------------------------------

inline void __syncthreads() { emulation::wait_for_block(); }
inline void __syncwarp(unsigned int mask = 0xffffffffu) { emulation::wait_for_warp(mask, true); }

template <class T> T __ldg(const T* address) { return *address; }
template <class T> T __ldcs(const T* address) { return *address; }

template <class T> T __shfl_sync(unsigned int mask, T value, int source, int width = 32) {
    const unsigned int lane = emulation::lane(), base = lane & ~(width - 1u);
    return emulation::exchange(mask, value, base + (source & (width - 1u)));
}
template <class T> T __shfl_xor_sync(unsigned int mask, T value, int bits, int width = 32) {
    const unsigned int lane = emulation::lane(), source = lane ^ static_cast<unsigned int>(bits);
    const bool is_inside = (source & ~(width - 1u)) <= (lane & ~(width - 1u));
    return emulation::exchange(mask, value, is_inside ? source : lane);
}
template <class T> T __shfl_down_sync(unsigned int mask, T value, unsigned int by, int width = 32) {
    const unsigned int lane = emulation::lane(), rest = lane & (width - 1u);
    return emulation::exchange(mask, value, rest + by < static_cast<unsigned int>(width) ? lane + by : lane);
}
template <class T> T __shfl_up_sync(unsigned int mask, T value, unsigned int by, int width = 32) {
    const unsigned int lane = emulation::lane(), rest = lane & (width - 1u);
    return emulation::exchange(mask, value, rest >= by ? lane - by : lane);
}

inline unsigned int __ballot_sync(unsigned int mask, int predicate) {
    return emulation::ballot(mask, predicate != 0);
}
inline int __any_sync(unsigned int mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned int mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }

// Relaxed, as CUDA's are: they never lose an update, and order nothing else.
template <class T, class Change> T atomic_change(T* address, Change change) {
    emulation::perhaps_pause();
    T old, wanted;
    __atomic_load(address, &old, __ATOMIC_RELAXED);
    do {
        wanted = change(old);
    } while (!__atomic_compare_exchange(address, &old, &wanted, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return old;
}
template <class T> T atomicAdd(T* address, std::common_type_t<T> value) {
    return atomic_change(address, [value](T old) { return static_cast<T>(old + value); });
}
template <class T> T atomicMin(T* address, std::common_type_t<T> value) {
    return atomic_change(address, [value](T old) { return value < old ? value : old; });
}
template <class T> T atomicMax(T* address, std::common_type_t<T> value) {
    return atomic_change(address, [value](T old) { return old < value ? value : old; });
}
template <class T> T atomicOr(T* address, std::common_type_t<T> value) {
    return atomic_change(address, [value](T old) { return static_cast<T>(old | value); });
}
template <class T> T atomicExch(T* address, std::common_type_t<T> value) {
    return atomic_change(address, [value](T) { return value; });
}
template <class T> T atomicCAS(T* address, std::common_type_t<T> expected, std::common_type_t<T> value) {
    return atomic_change(address, [=](T old) { return old == expected ? value : old; });
}

inline int __popc(unsigned int bits) { return __builtin_popcount(bits); }
inline int __popcll(unsigned long long bits) { return __builtin_popcountll(bits); }
inline int __clz(int bits) { return bits ? __builtin_clz(static_cast<unsigned int>(bits)) : 32; }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline unsigned int __brev(unsigned int bits) {
    unsigned int turned = 0;
    for (int i = 0; i < 32; ++i) turned |= (bits >> i & 1u) << (31 - i);
    return turned;
}
inline unsigned int __byte_perm(unsigned int low, unsigned int high, unsigned int selector) {
    const unsigned long long bytes = static_cast<unsigned long long>(high) << 32 | low;
    unsigned int result = 0;
    for (int i = 0; i < 4; ++i) {
        const unsigned int chosen = selector >> 4 * i & 0xf;
        unsigned int byte = bytes >> 8 * (chosen & 7) & 0xff;
        if (chosen & 8) byte = byte & 0x80 ? 0xff : 0;
        result |= byte << 8 * i;
    }
    return result;
}
template <class To, class From> To bits_as(From value) {
    static_assert(sizeof(To) == sizeof(From), "as many bits");
    To result;
    std::memcpy(&result, &value, sizeof result);
    return result;
}
inline int __float_as_int(float value) { return bits_as<int>(value); }
inline unsigned int __float_as_uint(float value) { return bits_as<unsigned int>(value); }
inline float __int_as_float(int value) { return bits_as<float>(value); }
inline float __uint_as_float(unsigned int value) { return bits_as<float>(value); }
inline long long __double_as_longlong(double value) { return bits_as<long long>(value); }
inline double __longlong_as_double(long long value) { return bits_as<double>(value); }

// Never part of a multiply-add; neither are they here, where there is none.
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }

template <class T> T min(T a, std::common_type_t<T> b) { return b < a ? b : a; }
template <class T> T max(T a, std::common_type_t<T> b) { return a < b ? b : a; }
using std::isnan;
