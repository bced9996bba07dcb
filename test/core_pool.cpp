// The caching pool over a mock device whose streams run in seeded random order: what it may hand out, and when. Two
// planted faults (ids that are handles, events that pass too early) show that the traffic test sees what it is there to
// see.
#include <weft/host_runtime.hpp>
#include <weft/memory/pool.hpp>
#include <weft/memory/result_slot.hpp>
#include <weft/memory/stream_table.hpp>
#include <weft/stream.hpp>

#include <array>
#include <optional>
#include <thread>

#include "mock_runtime.hpp"

#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

namespace {

using weft::stream_ref;
using size_class = weft::detail::size_class;

constexpr std::size_t big = std::size_t{1} << 20;  // one vendor block each

// Peer defect 20: used before main, and given back after it.
struct early_user {
  weft::stream_ref stream = weft::host_runtime().default_stream();
  void* memory = weft::default_resource(weft::host_runtime(), 0).allocate(big, 16, stream);
  ~early_user() { weft::default_resource(weft::host_runtime(), 0).deallocate(memory, big, 16, stream); }
} const before_main;
const weft::stream stream_before_main(weft::host_runtime(), 0);

weft::stream make_stream(mock_runtime& device) { return {device, 0}; }

}  // namespace

TEST_CASE("size classes: tight, monotone, aligned") {
  for (int i = 0; i < size_class::count; ++i) {
    REQUIRE(size_class::bytes(i) % 256 == 0);
    REQUIRE(size_class::of(size_class::bytes(i)) == i);
    if (i > 0) {
      REQUIRE(size_class::of(size_class::bytes(i - 1) + 1) == i);
      REQUIRE(size_class::bytes(i) > size_class::bytes(i - 1));
    }
    if (i > 8) REQUIRE(size_class::bytes(i) <= size_class::bytes(i - 1) + size_class::bytes(i - 1) / 8);
  }
}

TEST_CASE("pool: a warm call asks the vendor for nothing and waits for nothing") {
  mock_runtime device;
  {
    weft::pool_resource pool(device);
    weft::stream s = make_stream(device);
    for (std::size_t bytes : {std::size_t{1}, std::size_t{256}, std::size_t{100000}, big, 3 * big + 5}) {
      void* first = pool.allocate(bytes, 16, s);
      device.run(
          s, [] {}, first);
      pool.deallocate(first, bytes, 16, s);
      const int before = device.vendor_allocations;
      void* second = pool.allocate(bytes, 16, s);
      REQUIRE(second == first);  // the same stream: its order is enough
      REQUIRE(reinterpret_cast<std::uintptr_t>(second) % 256 == 0);
      REQUIRE(device.vendor_allocations == before);
      pool.deallocate(second, bytes, 16, s);
    }
    REQUIRE(device.host_waits == 0);
    REQUIRE(device.device_waits == 0);
    REQUIRE(device.events_recorded == 0);
    REQUIRE(pool.statistics().warm_allocations == 6);  // 1 and 256 bytes are one class
    REQUIRE(pool.statistics().used_bytes == 0);
    REQUIRE(pool.allocate(0, 16, s) == nullptr);
    REQUIRE_THROWS_AS(pool.allocate(8, 512, s), weft::invalid_argument);
  }
  REQUIRE(device.vendor_blocks.empty());
  REQUIRE(device.freed_in_use == 0);
}

TEST_CASE("pool: a block changes streams only once its stream is done") {
  mock_runtime device;
  weft::pool_resource pool(device);
  weft::stream a = make_stream(device), b = make_stream(device);
  void* block = pool.allocate(big, 16, a);
  device.run(
      a, [] {}, block);
  pool.deallocate(block, big, 16, a);
  void* other = pool.allocate(big, 16, b);  // a still has work: b gets new memory, nobody waits
  REQUIRE(other != block);
  REQUIRE(device.host_waits + device.device_waits == 0);
  device.drain();
  void* third = pool.allocate(big, 16, b);  // a is idle
  REQUIRE(third == block);
  REQUIRE(device.host_waits + device.device_waits == 0);
  REQUIRE(pool.statistics().cross_stream_reuses == 1);
  pool.deallocate(other, big, 16, b);
  pool.deallocate(third, big, 16, b);
}

TEST_CASE("pool: peer defect 13, with memory short streams wait on the device, and what goes back is done with") {
  mock_runtime device;
  device.memory_limit = 2 * big;
  weft::pool_resource pool(device);
  weft::stream a = make_stream(device), b = make_stream(device);
  void* block = pool.allocate(2 * big, 16, a);
  device.run(
      a, [] {}, block);
  pool.deallocate(block, 2 * big, 16, a);
  REQUIRE(pool.allocate(2 * big, 16, b) == block);
  REQUIRE(device.device_waits == 1);
  REQUIRE(device.host_waits == 0);
  device.run(
      b, [] {}, block);
  pool.deallocate(block, 2 * big, 16, b);

  // Another class: the idle block goes back to the vendor, after its work is done (no reliance on free waiting).
  void* small = pool.allocate(big, 16, a);
  REQUIRE(small != nullptr);
  REQUIRE(device.freed_in_use == 0);
  REQUIRE(device.host_waits > 0);

  // And with nothing idle it throws, naming size and resource, and leaves the rest as it was.
  const auto before = pool.statistics();
  try {
    pool.allocate(2 * big, 16, b);
    FAIL("expected out_of_memory");
  } catch (const weft::out_of_memory& e) {
    REQUIRE(std::string(e.what()).find("weft pool") != std::string::npos);
    REQUIRE(std::string(e.what()).find(std::to_string(2 * big)) != std::string::npos);
  }
  REQUIRE(pool.statistics().used_bytes == before.used_bytes);
  REQUIRE(pool.statistics().held_bytes == before.held_bytes);
  pool.deallocate(small, big, 16, a);
  REQUIRE(pool.allocate(2 * big, 16, b) != nullptr);
}

namespace {

// Random traffic over streams that come and go. Each block is written by one operation of its stream and checked by a
// later one, both before it is freed in that stream's order; returns how many checks found another stream's writing.
struct traffic {
  explicit traffic(unsigned seed) : device(seed), random(seed) {}

  mock_runtime device;
  std::mt19937 random;
  int overwritten = 0;

  int draw(int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

  void use(weft::memory_resource& pool, stream_ref s) {
    static constexpr std::array<std::size_t, 5> sizes{100, 300, 5000, big, big + big / 8};
    const std::size_t bytes = sizes[static_cast<std::size_t>(draw(5))];
    auto* memory = static_cast<unsigned*>(pool.allocate(bytes, 16, s));
    const unsigned tag = random();
    const std::size_t last = bytes / 4 - 1;
    device.run(
        s, [=] { memory[0] = memory[last] = tag; }, memory);
    for (int i = draw(3); i > 0; --i)
      device.run(
          s, [] {}, memory);
    device.run(
        s, [=, this] { overwritten += memory[0] != tag || memory[last] != tag; }, memory);
    pool.deallocate(memory, bytes, 16, s);
  }

  // owned: weft::stream announces ends; foreign: native streams that vanish.
  void run(weft::memory_resource& pool, bool owned, int rounds) {
    std::vector<weft::stream> streams;
    std::vector<void*> natives;
    for (int i = 0; i < rounds; ++i) {
      const auto count = owned ? streams.size() : natives.size();
      const int what = draw(10);
      if (count < 2 || (what == 0 && count < 8)) {
        if (owned)
          streams.push_back(make_stream(device));
        else
          natives.push_back(device.stream_create(0, {}));
      } else if (what == 1) {
        const auto at = draw(static_cast<int>(count));
        if (owned) {
          streams.erase(streams.begin() + at);
        } else {
          device.stream_destroy(natives[static_cast<std::size_t>(at)]);
          natives.erase(natives.begin() + at);
        }
      } else {
        const auto at = static_cast<std::size_t>(draw(static_cast<int>(count)));
        use(pool, owned ? streams[at].ref() : device.ref(natives[at]));
      }
      device.step(draw(4));
    }
    device.drain();
  }
};

}  // namespace

TEST_CASE("pool: peer defects 1 and 2, reused handles and hand-over without an event, under random schedules") {
  for (unsigned seed = 1; seed <= 15; ++seed) {
    INFO("seed " << seed);
    for (bool owned : {true, false})
      for (bool short_of_memory : {false, true}) {
        traffic t(seed);
        if (short_of_memory) t.device.memory_limit = 10 * big;
        {
          weft::pool_resource pool(t.device);
          t.run(pool, owned, 600);
          REQUIRE(pool.statistics().used_bytes == 0);
          if (!short_of_memory) REQUIRE(t.device.host_waits == 0);
        }
        REQUIRE(t.overwritten == 0);
        REQUIRE(t.device.freed_in_use == 0);
        REQUIRE(t.device.vendor_blocks.empty());
      }
  }
}

TEST_CASE("pool: the planted faults are seen by the same traffic") {
  int by_handles = 0, by_events = 0;
  for (unsigned seed = 1; seed <= 15; ++seed) {
    // A pool that takes handles for ids, and is not told of a stream's end, mixes old and new streams up.
    traffic handles(seed);
    handles.device.fault_ids_are_handles = true;
    {
      weft::pool_resource pool(handles.device);
      handles.run(pool, false, 600);
    }
    by_handles += handles.overwritten;
    traffic events(seed);
    events.device.fault_events_always_passed = true;
    {
      weft::pool_resource pool(events.device);
      events.run(pool, false, 600);
    }
    by_events += events.overwritten;
  }
  REQUIRE(by_handles > 0);
  REQUIRE(by_events > 0);
}

TEST_CASE("pool: memory of ended streams is used again, so streams made in a loop do not make it grow") {
  mock_runtime device;
  weft::pool_resource pool(device);
  for (bool owned : {true, false})
    for (int i = 0; i < 1000; ++i) {
      std::optional<weft::stream> mine;
      if (owned) mine.emplace(device, 0);
      const stream_ref s = owned ? mine->ref() : device.ref(device.stream_create(0, {}));
      void* memory = pool.allocate(4 * big, 16, s);
      device.run(
          s, [] {}, memory);
      pool.deallocate(memory, 4 * big, 16, s);
      if (!owned) device.stream_destroy(s.handle);
      mine.reset();
      device.drain();
    }
  REQUIRE(pool.statistics().held_bytes <= 8 * big);
  REQUIRE(device.host_waits == 0);
}

TEST_CASE("pool: a thread's default stream keeps its blocks to itself until the thread ends") {
  mock_runtime device;
  weft::pool_resource pool(device);
  void* theirs = nullptr;
  std::thread([&] {
    const stream_ref s = device.default_stream();
    theirs = pool.allocate(big, 16, s);
    device.run(
        s, [] {}, theirs);
    pool.deallocate(theirs, big, 16, s);
  }).join();
  const stream_ref mine = device.default_stream();
  void* block = pool.allocate(big, 16, mine);
  REQUIRE(block != theirs);  // their work is still queued
  device.drain();
  void* next = pool.allocate(big, 16, mine);
  REQUIRE(next == theirs);
  REQUIRE(device.host_waits == 0);
  pool.deallocate(block, big, 16, mine);
  pool.deallocate(next, big, 16, mine);
}

TEST_CASE("pool: peer defect 4, while a graph is recorded memory belongs to the graph") {
  mock_runtime device;
  weft::pool_resource pool(device);
  weft::stream s = make_stream(device);
  void* eager = pool.allocate(big, 16, s);
  void* kept = pool.allocate(big, 16, s);
  pool.deallocate(kept, big, 16, s);

  device.capturing_handles.insert(s.handle());
  const int before = device.vendor_allocations;
  void* in_graph = pool.allocate(big, 16, s);
  REQUIRE(in_graph != kept);  // cached memory is never baked into a graph
  REQUIRE(device.graph_blocks.size() == 1);
  void* freed_later = pool.allocate(big, 16, s);
  pool.deallocate(in_graph, big, 16, s);
  REQUIRE(device.graph_blocks.size() == 1);
  pool.deallocate(eager, big, 16, s);  // a replay may still touch it
  REQUIRE(device.vendor_allocations == before);
  device.capturing_handles.clear();

  REQUIRE(pool.allocate(big, 16, s) == kept);
  void* fresh = pool.allocate(big, 16, s);
  REQUIRE(fresh != eager);
  REQUIRE(fresh != in_graph);
  REQUIRE(pool.statistics().set_aside_bytes == big);
  pool.deallocate(freed_later, big, 16, s);  // freed by eager code after all
  REQUIRE(device.graph_blocks.empty());
  pool.deallocate(fresh, big, 16, s);
  pool.deallocate(kept, big, 16, s);
  device.drain();

  // Making room while another stream records must not touch that stream.
  weft::stream recording = make_stream(device);
  void* there = pool.allocate(big, 16, recording);
  pool.deallocate(there, big, 16, recording);
  device.capturing_handles.insert(recording.handle());
  pool.trim();
  REQUIRE(device.vendor_blocks.count(there) == 1);
  device.capturing_handles.clear();
}

TEST_CASE("pool: pinned blocks taken while a graph is recorded are nobody else's") {
  mock_runtime device;
  weft::pool_resource pool(device, 0, weft::memory_kind::pinned);
  weft::stream s = make_stream(device);
  void* used = pool.allocate(big, 16, s);
  pool.deallocate(used, big, 16, s);
  device.capturing_handles.insert(s.handle());
  void* fresh = pool.allocate(big, 16, s);
  REQUIRE(fresh != used);
  REQUIRE(device.graph_blocks.empty());
  pool.deallocate(fresh, big, 16, s);
  device.capturing_handles.clear();
  REQUIRE(pool.allocate(big, 16, s) == used);
}

TEST_CASE("pool: peer defect 3, the driver may be gone before the pool") {
  mock_runtime device;
  {
    weft::pool_resource pool(device);
    weft::stream s = make_stream(device);
    void* a = pool.allocate(big, 16, s);
    void* b = pool.allocate(100, 16, s);
    pool.deallocate(b, 100, 16, s);
    device.shut_down = true;
    pool.deallocate(a, big, 16, s);
    REQUIRE_THROWS_AS(pool.allocate(100, 16, s), weft::error);
  }  // stream and pool end without a word
}

TEST_CASE("pool: limits and what is kept") {
  mock_runtime device;
  weft::stream s = make_stream(device);
  {
    weft::pool_resource pool(device, 0, weft::memory_kind::device, {.limit_bytes = 8 * big});
    void* a = pool.allocate(8 * big, 16, s);
    REQUIRE_THROWS_AS(pool.allocate(big, 16, s), weft::out_of_memory);
    REQUIRE_THROWS_AS(pool.allocate(~std::size_t{0}, 16, s), weft::out_of_memory);
    pool.deallocate(a, 8 * big, 16, s);
    void* b = pool.allocate(big, 16, s);
    REQUIRE(b != nullptr);
    pool.deallocate(b, big, 16, s);
  }
  weft::pool_resource pool(device, 0, weft::memory_kind::device, {.keep_bytes = 2 * big});
  std::vector<void*> blocks;
  for (int i = 0; i < 6; ++i) blocks.push_back(pool.allocate(big, 16, s));
  for (void* b : blocks) pool.deallocate(b, big, 16, s);
  REQUIRE(pool.statistics().held_bytes == 2 * big);
  for (void*& b : blocks) b = pool.allocate(big, 16, s);
  REQUIRE(pool.statistics().held_bytes == 6 * big);
  for (void* b : blocks) pool.deallocate(b, big, 16, s);
}

TEST_CASE("pool: many threads, each block used by one at a time") {
  for (bool by_streams : {false, true}) {
    weft::pool_resource pool(weft::host_runtime(), 0, weft::memory_kind::host);
    std::atomic<int> overwritten{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        std::mt19937 random(t);
        std::optional<weft::stream> own;
        struct held {
          unsigned char* memory;
          std::size_t bytes;
        };
        std::vector<held> mine;
        for (int i = 0; i < 4000; ++i) {
          if (by_streams && i % 500 == 0) own.emplace(weft::host_runtime(), 0);
          const stream_ref s = own ? own->ref() : weft::host_runtime().default_stream();
          if (mine.size() < 16 && random() % 2) {
            const std::size_t bytes = 1 + random() % (random() % 50 ? 4000 : 700000);
            auto* memory = static_cast<unsigned char*>(pool.allocate(bytes, 16, s));
            memory[0] = memory[bytes - 1] = static_cast<unsigned char>(t);
            mine.push_back({memory, bytes});
          } else if (!mine.empty()) {
            const auto at = random() % mine.size();
            const held h = mine[at];
            overwritten += h.memory[0] != t || h.memory[h.bytes - 1] != t;
            pool.deallocate(h.memory, h.bytes, 16, s);
            mine[at] = mine.back();
            mine.pop_back();
          }
        }
        for (const held& h : mine) pool.deallocate(h.memory, h.bytes, 16, weft::host_runtime().default_stream());
      });
    for (std::thread& t : threads) t.join();
    REQUIRE(overwritten == 0);
    REQUIRE(pool.statistics().used_bytes == 0);
  }
}

TEST_CASE("pool: one default pool for each run time and device, for ever") {
  weft::runtime& host = weft::host_runtime();
  weft::memory_resource* seen[8] = {};
  std::vector<std::thread> threads;
  for (auto& at : seen) threads.emplace_back([&] { at = &weft::default_resource(host, 0); });
  for (std::thread& t : threads) t.join();
  for (auto* at : seen) REQUIRE(at == &weft::default_resource(host, 0));
}

TEST_CASE("pool: peer defect 20, serves static objects in any order") {
  REQUIRE(before_main.memory != nullptr);
  static_cast<unsigned char*>(before_main.memory)[big - 1] = 1;
  void* mine = weft::default_resource(weft::host_runtime(), 0).allocate(big, 16, stream_before_main);
  REQUIRE(mine != before_main.memory);
  weft::default_resource(weft::host_runtime(), 0).deallocate(mine, big, 16, stream_before_main);
}

TEST_CASE("result slots: one of each thread's own, kept between calls") {
  weft::runtime& host = weft::host_runtime();
  void* mine = weft::result_slot(host, 0, 64);
  REQUIRE(mine == weft::result_slot(host, 0, 8));
  REQUIRE(reinterpret_cast<std::uintptr_t>(mine) % 64 == 0);
  void* larger = weft::result_slot(host, 0, 100000);
  REQUIRE(larger != mine);
  void* theirs = nullptr;
  std::thread([&] { theirs = weft::result_slot(host, 0, 64); }).join();
  REQUIRE(theirs != mine);
  void* inherited = nullptr;
  std::thread([&] { inherited = weft::result_slot(host, 0, 64); }).join();
  REQUIRE(inherited == theirs);
}

namespace {

// What a kernel keeps between calls: a block of the pool.
struct kept_words {
  kept_words(weft::runtime&, stream_ref stream, std::uint64_t)
      : pool(current), memory(current->allocate(big, 16, stream)) {}
  void give_back(stream_ref stream) noexcept { pool->deallocate(memory, big, 16, stream); }
  weft::pool_resource* pool;
  void* memory;
  inline static weft::pool_resource* current = nullptr;
};

}  // namespace

TEST_CASE("stream state: is given back when its stream or its thread ends, in order") {
  mock_runtime device;
  weft::pool_resource pool(device);
  kept_words::current = &pool;
  using weft::detail::stream_state;
  for (int i = 0; i < 200; ++i) {
    weft::stream s = make_stream(device);
    void* words = stream_state<kept_words>(device, s).memory;
    REQUIRE(stream_state<kept_words>(device, s).memory == words);
    device.run(
        s, [] {}, words);
    if (i % 3 == 0) device.drain();
  }
  device.drain();
  REQUIRE(pool.statistics().used_bytes == 0);
  REQUIRE(pool.statistics().held_bytes <= 8 * big);

  weft::stream shared = make_stream(device);
  void* mine = stream_state<kept_words>(device, shared).memory;
  const stream_ref foreign = device.ref(device.stream_create(0, {}));
  void *theirs = nullptr, *left = nullptr;
  std::thread([&] {
    theirs = stream_state<kept_words>(device, shared).memory;
    left = stream_state<kept_words>(device, foreign).memory;
    stream_state<kept_words>(device, device.default_stream());
    REQUIRE(pool.statistics().used_bytes == 4 * big);
  }).join();
  REQUIRE(theirs != mine);  // one of each thread's own
  REQUIRE(pool.statistics().used_bytes == 2 * big);
  REQUIRE(stream_state<kept_words>(device, foreign).memory == left);
  device.drain();
  weft::detail::stream_watch::instance().ending(foreign, device.stream_id(foreign));
  { const weft::stream end = std::move(shared); }
  REQUIRE(pool.statistics().used_bytes == 0);
  REQUIRE(device.host_waits == 0);
}
