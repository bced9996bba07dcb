// The four policies of a pool, each by what only it promises, and a pool of a user's own four.
#include <weft/host_runtime.hpp>
#include <weft/memory/pool.hpp>
#include <weft/memory/verified.hpp>
#include <weft/stream.hpp>

#include <string>
#include <thread>
#include <vector>

#include "last_words.hpp"
#include "mock_runtime.hpp"

#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

namespace {

using weft::stream_ref;
constexpr std::size_t big = std::size_t{1} << 20;  // one vendor block each

template <class Caching, class Ordering = weft::stream_ordered, class Checking = weft::poisoned>
using pool_with = weft::basic_pool<weft::vendor_source, Caching, Ordering, Checking>;

void nothing() {}

}  // namespace

TEST_CASE("pool policies: powers of two let sizes meet that would not otherwise") {
  mock_runtime device;
  const weft::stream s(device, 0);
  pool_with<weft::powers_of_two> coarse(device);
  void* first = coarse.allocate(5 * big / 4, 16, s);
  coarse.deallocate(first, 5 * big / 4, 16, s);
  REQUIRE(coarse.allocate(2 * big, 16, s) == first);
  REQUIRE(coarse.statistics().used_bytes == 2 * big);
  coarse.deallocate(first, 2 * big, 16, s);
  pool_with<weft::size_classes> fine(device);
  first = fine.allocate(5 * big / 4, 16, s);
  REQUIRE(fine.statistics().used_bytes == 5 * big / 4);
  fine.deallocate(first, 5 * big / 4, 16, s);
  void* second = fine.allocate(2 * big, 16, s);
  REQUIRE(second != first);
  fine.deallocate(second, 2 * big, 16, s);
  for (int i = 0; i < weft::powers_of_two::classes; ++i) {
    const std::size_t bytes = weft::powers_of_two::class_bytes(i);
    REQUIRE(weft::powers_of_two::class_of(bytes) == i);
    REQUIRE((i == 0 || weft::powers_of_two::class_of(bytes / 2 + 1) == i));
  }
}

TEST_CASE("pool policies: without caching a block goes back as soon as its stream is done with it") {
  mock_runtime device;
  const weft::stream s(device, 0);
  pool_with<weft::no_caching> pool(device);
  for (std::size_t bytes : {std::size_t{1}, std::size_t{5000}, big}) {
    void* memory = pool.allocate(bytes, 16, s);
    REQUIRE(device.vendor_blocks.size() == 1);  // small ones too: no slab
    pool.deallocate(memory, bytes, 16, s);
    REQUIRE(device.vendor_blocks.empty());
    memory = pool.allocate(bytes, 16, s);
    device.run(s, nothing, memory);
    pool.deallocate(memory, bytes, 16, s);  // work is outstanding: it has to stay
    REQUIRE(device.vendor_blocks.size() == 1);
    REQUIRE(device.host_waits == 0);
    device.drain();
    pool.trim();
    REQUIRE(device.vendor_blocks.empty());
    device.host_waits = 0;
  }
  REQUIRE(device.freed_in_use == 0);
  REQUIRE(pool.statistics().held_bytes == 0);
}

TEST_CASE("pool policies: bound to their stream, blocks stay there while it lives") {
  mock_runtime device;
  pool_with<weft::size_classes, weft::stream_bound> bound(device);
  pool_with<weft::size_classes, weft::stream_ordered> shared(device);
  weft::stream b(device, 0);
  void *in_bound = nullptr, *in_shared = nullptr;
  {
    const weft::stream a(device, 0);
    in_bound = bound.allocate(big, 16, a);
    in_shared = shared.allocate(big, 16, a);
    bound.deallocate(in_bound, big, 16, a);
    shared.deallocate(in_shared, big, 16, a);
    void* other = bound.allocate(big, 16, b);
    REQUIRE(other != in_bound);  // although a is idle
    bound.deallocate(other, big, 16, b);
    other = shared.allocate(big, 16, b);
    REQUIRE(other == in_shared);
    shared.deallocate(other, big, 16, b);
    REQUIRE(device.events_recorded == 0);
    bound.deallocate(bound.allocate(big, 16, a), big, 16, a);
  }
  device.drain();
  void* both[2] = {bound.allocate(big, 16, b), bound.allocate(big, 16, b)};  // a has ended
  REQUIRE((both[0] == in_bound || both[1] == in_bound));
  for (void* memory : both) bound.deallocate(memory, big, 16, b);
  REQUIRE(bound.statistics().vendor_allocations == 2);
}

TEST_CASE("pool policies: immediate ones ask streams nothing and give a freed block to anybody") {
  mock_runtime device;
  pool_with<weft::size_classes, weft::immediate> pool(device);
  const weft::stream a(device, 0), b(device, 0);
  device.capturing_handles.insert(b.handle());  // is not asked about
  void* memory = pool.allocate(big, 16, a);
  device.run(a, nothing, memory);
  pool.deallocate(memory, big, 16, a);
  REQUIRE(pool.allocate(big, 16, b) == memory);
  REQUIRE(device.graph_blocks.empty());
  REQUIRE(device.events_recorded + device.host_waits + device.device_waits == 0);
  pool.deallocate(memory, big, 16, b);
  device.capturing_handles.clear();
  device.drain();
  pool.trim();
  REQUIRE(pool.statistics().held_bytes == 0);
}

TEST_CASE("pool policies: one thread needs no lock") {
  STATIC_REQUIRE(std::is_empty_v<weft::one_thread<weft::stream_ordered>::mutex>);
  STATIC_REQUIRE_FALSE(std::is_empty_v<weft::stream_ordered::mutex>);
  mock_runtime device;
  const weft::stream s(device, 0);
  pool_with<weft::size_classes, weft::one_thread<weft::stream_ordered>> pool(device);
  void* memory = pool.allocate(big, 16, s);
  pool.deallocate(memory, big, 16, s);
  REQUIRE(pool.allocate(big, 16, s) == memory);
  pool.deallocate(memory, big, 16, s);
}

namespace {

/// Cuts every size from the same place: blocks overlap.
class broken_source : public weft::vendor_source {
 public:
  using vendor_source::vendor_source;
  void* take(std::size_t bytes) {
    if (memory_ == nullptr) memory_ = vendor_source::take(64 * big);
    static_cast<void>(bytes);
    return memory_;
  }
  void give_back(void*, std::size_t) noexcept {}

 private:
  void* memory_ = nullptr;
};

}  // namespace

TEST_CASE("pool policies: verified ends the program at blocks that overlap, come back twice or come back wrong") {
  using verified_pool = pool_with<weft::size_classes, weft::stream_ordered, weft::verified>;
  const stream_ref s = weft::host_runtime().default_stream();
  const auto said = [&](const auto& faulty) {
    return weft_test::last_words([&] {
      verified_pool pool(weft::host_runtime()), another(weft::host_runtime());
      faulty(pool, another, pool.allocate(1000, 16, s));
    });
  };
  using pool = verified_pool&;
  REQUIRE(said([&](pool p, pool, void* m) { p.deallocate(m, 1000, 16, s); }).empty());
  const std::string twice = said([&](pool p, pool, void* m) {
    p.deallocate(m, 1000, 16, s);
    p.deallocate(m, 1000, 16, s);
  });
  REQUIRE(twice.find("weft pool: the block of 1000 bytes at ") == 0);
  REQUIRE(twice.find("has come back already") != std::string::npos);
  REQUIRE(said([&](pool p, pool, void* m) { p.deallocate(m, 999, 16, s); }).find("another size") != std::string::npos);
  REQUIRE(said([&](pool, pool other, void* m) { other.deallocate(m, 1000, 16, s); }).find("was not handed out here") !=
          std::string::npos);
  const std::string overlap = weft_test::last_words([&] {
    weft::basic_pool<broken_source, weft::size_classes, weft::stream_ordered, weft::verified> p(weft::host_runtime());
    p.allocate(big, 16, s);
    p.allocate(2 * big, 16, s);
  });
  REQUIRE(overlap.find("overlaps") != std::string::npos);
}

namespace {

// A user's own: none of them is derived from the library's.

/// One piece of memory, from the front.
class arena {
 public:
  explicit arena(std::size_t bytes) : memory_(bytes + 256) {}
  void* take(std::size_t bytes) {
    const std::size_t first = 256 - reinterpret_cast<std::uintptr_t>(memory_.data()) % 256;
    if (used_ + bytes > memory_.size() - 256) weft::detail::refuse_memory("arena", bytes, {&owner(), nullptr, 0});
    return memory_.data() + first + std::exchange(used_, used_ + bytes);
  }
  void give_back(void*, std::size_t bytes) noexcept { returned += bytes; }
  weft::runtime& owner() const noexcept { return weft::host_runtime(); }
  int device() const noexcept { return 0; }
  weft::memory_kind kind() const noexcept { return weft::memory_kind::host; }
  static inline std::size_t returned = 0;

 private:
  std::vector<unsigned char> memory_;
  std::size_t used_ = 0;
};

/// Three sizes, none of them small.
struct three_sizes {
  static constexpr int classes = 3;
  static constexpr std::size_t largest = 65536, alignment = 64;
  static constexpr int class_of(std::size_t bytes) noexcept { return bytes <= 256 ? 0 : bytes <= 4096 ? 1 : 2; }
  static constexpr std::size_t class_bytes(int index) noexcept { return std::size_t{256} << 4 * index; }
  bool is_small(std::size_t) const noexcept { return false; }
  std::size_t slab_bytes() const noexcept { return 0; }
  std::size_t limit_bytes() const noexcept { return ~std::size_t{0}; }
  bool keeps(std::size_t, std::size_t) const noexcept { return true; }
};

/// A stack for each size, for one thread.
struct stacks {
  struct mutex {
    void lock() noexcept {}
    void unlock() noexcept {}
  };
  static constexpr bool asks_for_capture = false;
  template <int Classes>
  struct idle_blocks {
    idle_blocks(weft::runtime&, int) {}
    static weft::detail::stream_identity identify(stream_ref) noexcept { return {}; }
    void reserve_one() {
      for (auto& stack : stacks) stack.reserve(++room);
    }
    void block_made() noexcept {}
    void block_gone() noexcept {}
    void* take(int index, stream_ref, weft::detail::stream_identity) noexcept {
      auto& stack = stacks[index];
      if (stack.empty()) return nullptr;
      void* memory = stack.back();
      stack.pop_back();
      return memory;
    }
    void* take_done(int, weft::detail::stream_identity) noexcept { return nullptr; }
    void* take_waiting(int, stream_ref) noexcept { return nullptr; }
    void put(int index, void* memory, stream_ref, weft::detail::stream_identity, bool) {
      stacks[index].push_back(memory);
    }
    void set_aside(int, void*) noexcept {}
    bool is_done(stream_ref) { return true; }
    void stream_ended(stream_ref, std::uint64_t) noexcept {}
    void settle() noexcept {}
    template <class F>
    void sift(const F& gone) noexcept {
      for (int index = 0; index < Classes; ++index)
        std::erase_if(stacks[index], [&](void* memory) { return gone(index, memory); });
    }
    template <class F>
    void sift_lost(const F&) noexcept {}
    std::vector<void*> stacks[Classes];
    std::size_t room = 0;
  };
};

struct counts {
  void slab(void*, std::size_t, weft::memory_kind) noexcept {}
  void handed_out(void*, std::size_t, std::size_t, weft::memory_kind) noexcept { ++out; }
  void came_back(void*, std::size_t, std::size_t, weft::memory_kind) noexcept { --out; }
  void leaving(void*, std::size_t, weft::memory_kind) noexcept { ++left; }
  static inline int out = 0, left = 0;
};

}  // namespace

TEST_CASE("pool policies: a source, a caching, an ordering and a checking of the user's make a pool") {
  STATIC_REQUIRE(weft::memory_source<arena>);
  {
    weft::basic_pool<arena, three_sizes, stacks, counts> pool(arena(150000));
    const stream_ref s = weft::host_runtime().default_stream();
    void* a = pool.allocate(200, 16, s);
    void* b = pool.allocate(5000, 16, s);
    REQUIRE(counts::out == 2);
    REQUIRE(pool.statistics().used_bytes == 256 + 65536);
    pool.deallocate(a, 200, 16, s);
    REQUIRE(pool.allocate(256, 64, s) == a);
    REQUIRE_THROWS_AS(pool.allocate(65537, 16, s), weft::out_of_memory);
    REQUIRE_THROWS_WITH(pool.allocate(1, 512, s), "pool allocate: alignment above 64");
    void* c = pool.allocate(65536, 16, s);
    REQUIRE_THROWS_AS(pool.allocate(65536, 16, s), weft::out_of_memory);  // the arena's end
    for (auto [memory, bytes] : {std::pair(a, 256), std::pair(b, 5000), std::pair(c, 65536)})
      pool.deallocate(memory, static_cast<std::size_t>(bytes), 16, s);
    REQUIRE(counts::out == 0);
    pool.trim();
    REQUIRE(counts::left == 3);
    REQUIRE(pool.statistics().held_bytes == 0);
  }
  REQUIRE(arena::returned == 256 + 2 * 65536);
}
