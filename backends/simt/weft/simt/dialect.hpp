// The dialect of the host emulation: the words of gpu/dialect.hpp on the machine. Each takes the place it is called
// from as a default argument, so that a fault names it; none is noexcept, for a thread that is given up unwinds from
// there.
//
// Memory order is exactly what the C++ memory model says of the words used: barriers and warp().sync() order memory,
// shuffles and votes do not, relaxed atomics do not. Hardware is often kinder; ThreadSanitizer is not.
#pragma once

#include <weft/gpu/matrix_unit.hpp>
#include <weft/host_runtime.hpp>
#include <weft/simt/machine.hpp>

#include <bit>

namespace weft::inline v100::simt_dialect {

using gpu::arch;
using gpu::vec;
using hopper = gpu::no_hopper;
using matrix_units = gpu::no_matrix_units;

/// The warp of the calling thread. Every word here but lane(), index() and lanes_below() is met by all lanes.
template <int Width>
class warp_view {
 public:
  explicit warp_view(thread_state& self) : self_(&self) {}

  unsigned lane() const { return self_->lane; }
  unsigned index() const { return self_->warp->index; }
  std::uint64_t lanes_below() const { return (std::uint64_t{1} << lane()) - 1; }

  void sync(site where = site::current()) const { active->meet(*self_, nullptr, 0, false, true, "warp sync", where); }

  template <class T>
  T shuffle(const T& value, unsigned from, site where = site::current()) const {
    return exchange(value, from % Width, "shuffle", where);
  }
  template <class T>
  T shuffle_up(const T& value, unsigned distance, site where = site::current()) const {
    return exchange(value, distance <= lane() ? lane() - distance : lane(), "shuffle_up", where);
  }
  template <class T>
  T shuffle_down(const T& value, unsigned distance, site where = site::current()) const {
    return exchange(value, distance < Width - lane() ? lane() + distance : lane(), "shuffle_down", where);
  }
  template <class T>
  T shuffle_xor(const T& value, unsigned mask, site where = site::current()) const {
    return exchange(value, mask < Width ? lane() ^ mask : lane(), "shuffle_xor", where);
  }

  std::uint32_t inclusive_sum(std::uint32_t v, site where = site::current()) const {
    for (unsigned d = 1; d < Width; d *= 2) {
      const std::uint32_t left = exchange(v, d <= lane() ? lane() - d : lane(), "inclusive_sum", where);
      if (lane() >= d) v += left;
    }
    return v;
  }
  std::uint32_t greatest(std::uint32_t v, site where = site::current()) const {
    for (unsigned d = 1; d < Width; d *= 2) {
      const std::uint32_t other = exchange(v, lane() ^ d, "greatest", where);
      v = other > v ? other : v;
    }
    return v;
  }
  std::uint64_t ballot(bool vote, site where = site::current()) const { return votes(vote, "ballot", where); }
  bool any(bool vote, site where = site::current()) const { return votes(vote, "any", where) != 0; }
  bool all(bool vote, site where = site::current()) const {
    return votes(vote, "all", where) == ~std::uint64_t{0} >> (64 - Width);
  }
  template <class U>
  std::uint64_t match(U value, int bits, site where = site::current()) const {
    const auto wide =
        static_cast<std::uint64_t>(value) & (bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1);
    const unsigned half = active->meet(*self_, &wide, sizeof wide, false, false, "match", where);
    quiet _;
    std::uint64_t equal = 0;
    for (int other = 0; other < Width; ++other) {
      std::uint64_t theirs;
      std::memcpy(&theirs, self_->warp->slots[half] + other * sizeof wide, sizeof wide);
      equal |= std::uint64_t{theirs == wide} << other;
    }
    return equal;
  }

 private:
  std::uint64_t votes(bool vote, const char* word, const site& where) const {
    const unsigned half = active->meet(*self_, nullptr, 0, vote, false, word, where);
    quiet _;
    return self_->warp->votes[half];
  }
  template <class T>
  T exchange(const T& value, unsigned from, const char* word, const site& where) const {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= warp_state::slot_bytes);
    const unsigned half = active->meet(*self_, &value, sizeof(T), false, false, word, where);
    quiet _;
    T result = value;
    std::memcpy(static_cast<void*>(&result), self_->warp->slots[half] + from * sizeof(T), sizeof(T));
    return result;
  }
  thread_state* self_;
};

/// What a kernel sees: the block, from the point of view of one of its threads. Of the size of a pointer.
template <int Width>
class block {
 public:
  static constexpr gpu::arch arch = gpu::arch::generic;
  static constexpr unsigned width = Width;

  explicit block(thread_state& self) : self_(&self) {}

  unsigned thread() const { return self_->index; }
  unsigned threads() const { return self_->block->threads; }
  unsigned index() const { return self_->block->index; }
  unsigned blocks() const { return self_->block->blocks; }
  warp_view<Width> warp() const { return warp_view<Width>(*self_); }

  void sync(site where = site::current()) const { active->barrier(*self_, false, "barrier", where); }
  unsigned sync_count(bool vote, site where = site::current()) const {
    return active->barrier(*self_, vote, "sync_count", where);
  }
  bool sync_or(bool vote, site where = site::current()) const {
    return active->barrier(*self_, vote, "sync_or", where) != 0;
  }

  // Atomics. Each is a scheduling point: loads before they read, so that a spinning thread lets the others run, and all
  // others after they have written. A write that changes nothing is no progress: a lock is spun for with those.

  template <class T>
  static T load_relaxed(const T* from, site where = site::current()) {
    return load<__ATOMIC_RELAXED>(from, "load_relaxed", where);
  }
  template <class T>
  static T load_acquire(const T* from, site where = site::current()) {
    return load<__ATOMIC_ACQUIRE>(from, "load_acquire", where);
  }
  template <class T>
  static void store_relaxed(T* to, std::type_identity_t<T> value, site where = site::current()) {
    __atomic_store_n(to, value, __ATOMIC_RELAXED);
    pass(false, "store_relaxed", where);
  }
  template <class T>
  static void store_release(T* to, std::type_identity_t<T> value, site where = site::current()) {
    __atomic_store_n(to, value, __ATOMIC_RELEASE);
    pass(false, "store_release", where);
  }

  template <class T>
  static T fetch_add(T* to, std::type_identity_t<T> value, site where = site::current()) {
    const T old = __atomic_fetch_add(to, value, __ATOMIC_RELAXED);
    pass(value == 0, "fetch_add", where);
    return old;
  }
  template <class T>
  static T fetch_add_acq_rel(T* to, std::type_identity_t<T> value, site where = site::current()) {
    const T old = __atomic_fetch_add(to, value, __ATOMIC_ACQ_REL);
    pass(value == 0, "fetch_add_acq_rel", where);
    return old;
  }
  template <class T>
  static T fetch_or(T* to, std::type_identity_t<T> value, site where = site::current()) {
    const T old = __atomic_fetch_or(to, value, __ATOMIC_RELAXED);
    pass((old | value) == old, "fetch_or", where);
    return old;
  }
  template <class T>
  static T fetch_min(T* to, std::type_identity_t<T> value, site where = site::current()) {
    T old = __atomic_load_n(to, __ATOMIC_RELAXED);
    while (value < old && !__atomic_compare_exchange_n(to, &old, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
    pass(!(value < old), "fetch_min", where);
    return old;
  }
  template <class T>
  static T fetch_max(T* to, std::type_identity_t<T> value, site where = site::current()) {
    T old = __atomic_load_n(to, __ATOMIC_RELAXED);
    while (old < value && !__atomic_compare_exchange_n(to, &old, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
    pass(!(old < value), "fetch_max", where);
    return old;
  }
  template <class T>
  static T exchange(T* to, std::type_identity_t<T> value, site where = site::current()) {
    const T old = __atomic_exchange_n(to, value, __ATOMIC_RELAXED);
    pass(old == value, "exchange", where);
    return old;
  }
  template <class T>
  static T compare_exchange(T* to, std::type_identity_t<T> expected, std::type_identity_t<T> desired,
                            site where = site::current()) {
    const bool done = __atomic_compare_exchange_n(to, &expected, desired, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    pass(!done, "compare_exchange", where);
    return expected;  // on failure the builtin has put the old value here; on success they are equal
  }

  template <class T>
  static T shared_fetch_add(T* to, std::type_identity_t<T> value, site where = site::current()) {
    return fetch_add(to, value, where);
  }
  template <class T>
  static T shared_fetch_or(T* to, std::type_identity_t<T> value, site where = site::current()) {
    return fetch_or(to, value, where);
  }
  template <class T>
  static void shared_add(T* to, std::type_identity_t<T> value, site where = site::current()) {
    fetch_add(to, value, where);
  }

  /// ThreadSanitizer knows no fences; there each is an update of one common atomic, which orders at least as much.
  static void fence() {
    if constexpr (thread_sanitizer) {
      static unsigned common;
      __atomic_fetch_add(&common, 0u, __ATOMIC_ACQ_REL);
    } else {
      __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
  }
  static void backoff(unsigned, site where = site::current()) { pass(true, "backoff", where); }

  // Vector accesses; what a GPU traps on, an address that is not a multiple of N, is a fault.

  template <int N>
  static vec<N> load_vector(const void* from, site where = site::current()) {
    check_aligned<N>(from, "load_vector", where);
    vec<N> value;
    std::memcpy(&value, from, N);
    return value;
  }
  template <int N>
  static void store_vector(void* to, const vec<N>& value, site where = site::current()) {
    check_aligned<N>(to, "store_vector", where);
    std::memcpy(to, &value, N);
  }
  template <int N>
  static vec<N> load_stream(const void* from, site where = site::current()) {
    return load_vector<N>(from, where);
  }
  template <int N>
  static void store_stream(void* to, const vec<N>& value, site where = site::current()) {
    store_vector<N>(to, value, where);
  }

  // Barriers in shared memory that count arrivals and bytes: {phase : 1, bytes missing : 31, arrivals a phase : 16,
  // arrivals missing : 16}. A copy is made at once, but counted in a step of its own.

  static constexpr bool has_clusters = false;
  static constexpr bool has_bulk_copies = true;
  static void barrier_init(std::uint64_t* b, unsigned arrivals) { *b = std::uint64_t{arrivals} << 16 | arrivals; }
  static void barrier_arrive(std::uint64_t* b, site where = site::current()) {
    barrier_update(b, 1, 0, "barrier_arrive", where);
  }
  static void barrier_expect(std::uint64_t* b, unsigned bytes, site where = site::current()) {
    barrier_update(b, 1, std::int64_t{bytes}, "barrier_expect", where);
  }
  static void barrier_wait(std::uint64_t* b, unsigned phase, site where = site::current()) {
    while (load<__ATOMIC_ACQUIRE>(b, "barrier_wait", where) >> 63 == (phase & 1)) active->await(*running, b);
  }
  static void bulk_fence() {}
  static void bulk_load(void* to, const void* from, unsigned bytes, std::uint64_t* b, site where = site::current()) {
    check_aligned<16>(to, "bulk_load", where);
    check_aligned<16>(from, "bulk_load", where);
    check_aligned<16>(reinterpret_cast<const void*>(std::uintptr_t{bytes}), "bulk_load", where);
    std::memcpy(to, from, bytes);
    pass(false, "bulk_load", where);
    barrier_update(b, 0, -std::int64_t{bytes}, "bulk_load", where);
  }

  // Asynchronous copies are made when they are waited for, not before.
  static void copy_async(void* to, const void* from, int inside, site where = site::current()) {
    check_aligned<16>(to, "copy_async", where);
    check_aligned<16>(from, "copy_async", where);
    quiet _;
    running->copies.begin(to, from, inside);
  }
  static void copies_commit() { running->copies.commit(); }
  template <unsigned N>
  static void copies_wait() {
    while (running->copies.due(N)) {
      const auto one = [] {
        quiet _;
        return running->copies.take();
      }();
      one.make();
    }
  }

  static std::uint32_t opaque(std::uint32_t w) { return w; }
  static void part_schedule() {}
  static std::uint32_t permute_bytes(std::uint32_t v, std::uint32_t from) {
    std::uint32_t result = 0;
    for (int k = 0; k < 4; ++k) result |= (v >> (from >> (4 * k) & 3) * 8 & 0xff) << (8 * k);
    return result;
  }
  static int popcount(std::uint64_t bits) { return std::popcount(bits); }
  static int lowest_bit(std::uint64_t bits) { return std::countr_zero(bits); }
  static int highest_bit(std::uint64_t bits) { return 63 - std::countl_zero(bits); }

 private:
  template <int Order, class T>
  static T load(const T* from, const char* word, const site& where) {
    static_assert(std::is_integral_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
    pass(true, word, where);
    return __atomic_load_n(from, Order);
  }
  static void barrier_update(std::uint64_t* b, unsigned arrivals, std::int64_t bytes, const char* word,
                             const site& where) {
    std::uint64_t old = __atomic_load_n(b, __ATOMIC_RELAXED), next;
    do {
      next = old - arrivals + static_cast<std::uint64_t>(bytes << 32);
      if ((next & 0x7fffffff0000ffffu) == 0) next ^= std::uint64_t{1} << 63 | (next >> 16 & 0xffffu);
    } while (!__atomic_compare_exchange_n(b, &old, next, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    if ((old ^ next) >> 63 != 0) active->give(*running, b);
    pass(false, word, where);
  }
  static void pass(bool waits, const char* word, const site& where) {
    active->scheduling_point(*running, waits, word, where);
  }
  template <int N>
  static void check_aligned(const void* address, const char* word, const site& where) {
    if (reinterpret_cast<std::uintptr_t>(address) % N == 0) return;
    quiet _;
    running->doing = word;
    running->where = where;
    active->fail("misaligned address of a vector access", *running);
  }
  thread_state* self_;
};

// Host words -------------------------------------------------------------------------------------------------------

inline constexpr arch current_arch = arch::generic;

template <class F>
decltype(auto) with_arch(arch, F&& f) {
  return f.template operator()<arch::generic>();
}

/// The device that the machine plays, by the options of the calling thread; valid until its next call.
inline const gpu::device_info& info(int device) {
  const simt_config& config = simt_options();
  if (device < 0 || device >= config.devices)
    throw invalid_argument("simt", {}, "device " + std::to_string(device) + " is not there");
  thread_local gpu::device_info facts;
  facts = {arch::generic, config.multiprocessors, 64 * 1024, config.warp, std::int64_t{1} << 20};
  return facts;
}
/// How many blocks the machine has in flight, of any kernel.
template <arch A, class Kernel>
int resident_blocks(int /*device*/) {
  return simt_options().resident;
}

/// There are no clusters.
template <arch A, class Kernel>
int resident_clusters(int /*device*/) {
  return 0;
}

/// What one GPU thread does.
template <int Width, class Kernel>
void run_thread(const void* kernel, thread_state& self) {
  using shared = typename Kernel::template shared<block<Width>::arch>;
  (*static_cast<const Kernel*>(kernel))(block<Width>(self), *static_cast<shared*>(self.block->shared));
}

/// Runs the kernel to its end before it returns (or, while the stream records a graph, at each replay), with the
/// options of the calling thread; everything put into the stream earlier has been done by then, since the streams of
/// this backend keep nothing for later. Exceptions of the kernel's functors pass through.
template <arch A, class Kernel>
void launch(unsigned blocks, stream_ref stream, const Kernel& kernel, const site& where = {}) {
  using shared = typename Kernel::template shared<A>;
  constexpr int threads = Kernel::template block_threads<A>;
  static_assert(A == arch::generic);
  static_assert(threads > 0 && threads % 64 == 0 && threads <= 1024, "blocks are whole warps at every width");
  static_assert(sizeof(shared) <= 64 * 1024, "more shared memory than an AMD GPU has");
  static_assert(std::is_trivially_destructible_v<shared>);
  if (blocks == 0) return;
  if (weft::detail::host_graph* graph = weft::detail::host_recording(stream))
    return graph->add(true, [=](stream_ref replay) { launch<A>(blocks, replay, kernel, where); });
  const simt_config& config = simt_options();
  const launch_shape shape{
      blocks, threads, sizeof(shared), &kernel, config.warp == 64 ? &run_thread<64, Kernel> : &run_thread<32, Kernel>,
      where};
  machine(shape, config).run();
}

}  // namespace weft::simt_dialect
