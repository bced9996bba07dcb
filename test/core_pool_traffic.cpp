// The pool under random traffic of many threads on streams of every kind that come and go: each block is filled by its
// owner and looked at before it is freed, some by another thread; nothing overlaps, is lost or leaks, and what is held
// stays in proportion to what is used. 3 * 10^5 operations ordinarily, 10^7 under [.large].
#include <weft/host_runtime.hpp>
#include <weft/memory/adaptors.hpp>
#include <weft/memory/no_allocation.hpp>
#include <weft/memory/pool.hpp>
#include <weft/memory/quick_mutex.hpp>
#include <weft/memory/resources.hpp>
#include <weft/memory/verified.hpp>
#include <weft/profile.hpp>
#include <weft/stream.hpp>

#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <thread>

#include "last_words.hpp"

#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

namespace {

using weft::stream_ref;
constexpr std::size_t big = std::size_t{1} << 20;

struct held {
  unsigned char* memory = nullptr;
  std::size_t bytes = 0;
  unsigned char tag = 0;

  // Small blocks wholly; of others a cache line in every page.
  template <class F>
  void lines(const F& f) const {
    const std::size_t step = bytes <= 4096 ? 64 : 4096;
    for (std::size_t at = 0; at < bytes; at += step) f(memory + at, bytes - at < 64 ? bytes - at : 64);
  }
  void fill() const {
    lines([this](unsigned char* line, std::size_t n) { std::memset(line, tag, n); });
  }
  bool intact() const {
    bool same = true;
    lines([&](const unsigned char* line, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i) same &= line[i] == tag;
    });
    return same;
  }
};

/// Where threads leave blocks for others to free.
struct exchange {
  std::mutex guard;
  std::vector<held> blocks;
};

/// Streams of one thread: its own, foreign ones, and the default stream.
class streams {
 public:
  explicit streams(weft::runtime& owner) : owner_(owner) {}
  ~streams() {
    for (void* handle : foreign_) owner_.stream_destroy(handle);
  }
  stream_ref any(std::mt19937& random) {
    if (random() % 200 == 0) change(random);
    const unsigned kind = random() % 4;
    if (kind == 0 || owned_.empty() || foreign_.empty()) return owner_.default_stream();
    if (kind == 1) return {&owner_, foreign_[random() % foreign_.size()], 0};
    return owned_[random() % owned_.size()];
  }

 private:
  void change(std::mt19937& random) {
    if (owned_.size() < 4) owned_.emplace_back(owner_, 0);
    if (foreign_.size() < 3) foreign_.push_back(owner_.stream_create(0, {}));
    if (random() % 2) owned_.erase(owned_.begin());
    if (random() % 2) owner_.stream_destroy(foreign_.back()), foreign_.pop_back();
  }
  weft::runtime& owner_;
  std::vector<weft::stream> owned_;
  std::vector<void*> foreign_;
};

/// At least `operations` allocations and deallocations by eight threads; how many blocks were found changed.
template <class Pool>
int traffic(Pool& pool, long operations) {
  constexpr int threads = 8;
  std::atomic<int> changed{0};
  exchange left;
  std::vector<std::thread> all;
  for (unsigned t = 0; t < threads; ++t)
    all.emplace_back([&, t] {
      std::mt19937 random(t);
      streams mine(weft::host_runtime());
      std::vector<held> blocks;
      long done = 0;
      const auto give_back = [&](const held& h) {
        changed += !h.intact();
        pool.deallocate(h.memory, h.bytes, 16, mine.any(random));
        ++done;
      };
      while (done < operations / threads) {
        if (blocks.size() < 24 && random() % 2) {
          // Mostly small, some of a page, few of the source's own.
          const unsigned kind = random() % 100;
          const std::size_t bytes = 1 + random() % (kind < 90 ? 2000 : kind < 99 ? 70000 : 3 * big);
          held h{nullptr, bytes, static_cast<unsigned char>(random())};
          h.memory = static_cast<unsigned char*>(pool.allocate(bytes, 16, mine.any(random)));
          h.fill();
          blocks.push_back(h);
          ++done;
        } else if (!blocks.empty()) {
          std::swap(blocks[random() % blocks.size()], blocks.back());
          held h = blocks.back();
          blocks.pop_back();
          if (random() % 8 == 0) {
            std::lock_guard lock(left.guard);
            if (left.blocks.size() < 100) {
              left.blocks.push_back(h);
              continue;
            }
            std::swap(h, left.blocks[random() % left.blocks.size()]);
          }
          give_back(h);
        }
        if (random() % 20000 == 0) pool.trim();
      }
      for (const held& h : blocks) give_back(h);
    });
  for (std::thread& t : all) t.join();
  for (const held& h : left.blocks) {
    changed += !h.intact();
    pool.deallocate(h.memory, h.bytes, 16, weft::host_runtime().default_stream());
  }
  return changed;
}

template <class Checking>
void run_traffic(long operations) {
  weft::device_resource vendor(weft::host_runtime());
  weft::statistics_resource source(vendor);
  using pool_type = weft::basic_pool<weft::upstream_source, weft::size_classes, weft::stream_ordered, Checking>;
  {
    pool_type pool(weft::upstream_source(source, weft::host_runtime().default_stream()));
    REQUIRE(traffic(pool, operations / 2) == 0);
    const std::size_t half_way = pool.statistics().held_peak;
    REQUIRE(traffic(pool, operations / 2) == 0);
    const weft::pool_statistics seen = pool.statistics();
    INFO("held at most " << seen.held_peak << " bytes, used " << seen.used_peak);
    REQUIRE(seen.used_bytes == 0);
    REQUIRE(seen.held_bytes == source.statistics().bytes);
    // Some 60 streams keep blocks of 100 sizes for themselves; that comes to an end.
    REQUIRE(seen.held_peak <= 8 * seen.used_peak + 64 * big);
    REQUIRE(seen.held_peak <= half_way + half_way / 2 + 16 * big);
    REQUIRE(seen.warm_allocations > seen.vendor_allocations);
    pool.trim();
    REQUIRE(pool.statistics().held_bytes == 0);  // no block is lost
    REQUIRE(source.statistics().bytes == 0);
  }
  REQUIRE(source.statistics().allocations == source.statistics().deallocations);
}

}  // namespace

TEST_CASE("pool traffic: threads and streams of every kind, nothing overlaps or is lost") {
  run_traffic<weft::poisoned>(300000);
}
TEST_CASE("pool traffic: the same with every range checked") { run_traffic<weft::verified>(100000); }
TEST_CASE("pool traffic: ten million operations", "[.large]") { run_traffic<weft::poisoned>(10000000); }

TEST_CASE("pool: its lock lets one in at a time and wakes who sleeps") {
  weft::detail::quick_mutex guard;
  REQUIRE(guard.try_lock());
  REQUIRE_FALSE(guard.try_lock());
  guard.unlock();
  long counted = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 3000; ++i) {
        const std::lock_guard lock(guard);
        const long before = counted;
        if (i % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the others go to sleep
        counted = before + 1;
      }
    });
  for (std::thread& t : threads) t.join();
  REQUIRE(counted == 8 * 3000);
  REQUIRE(guard.try_lock());
}

TEST_CASE("pool: an idle block up to twice as large is used rather than a new one taken") {
  weft::basic_pool<weft::vendor_source, weft::size_classes, weft::stream_ordered, weft::verified> pool(
      weft::host_runtime());
  const weft::stream s(weft::host_runtime(), 0);
  void* block = pool.allocate(3 * big, 16, s);
  pool.deallocate(block, 3 * big, 16, s);
  REQUIRE(pool.allocate(2 * big, 16, s) == block);
  REQUIRE(pool.statistics().larger_reuses == 1);
  REQUIRE(pool.statistics().used_bytes == 3 * big);  // all of it is taken
  void* other = pool.allocate(3 * big, 16, s);
  REQUIRE(other != block);
  pool.deallocate(block, 2 * big, 16, s);
  REQUIRE(pool.allocate(3 * big, 16, s) == block);  // as large as before
  pool.deallocate(block, 3 * big, 16, s);
  void* little = pool.allocate(big, 16, s);  // less than half: a block of its own
  REQUIRE(little != block);
  REQUIRE(pool.statistics().vendor_allocations == 3);
  pool.deallocate(little, big, 16, s);
  pool.deallocate(other, 3 * big, 16, s);
  pool.trim();
  REQUIRE(pool.statistics().held_bytes == 0);
}

TEST_CASE("pool: blocks of one size at a time do not add up, when sizes go down") {
  weft::pool_resource pool(weft::host_runtime());
  const weft::stream s(weft::host_runtime(), 0);
  for (std::size_t bytes = 64 * big; bytes > big; bytes -= bytes / 9)
    pool.deallocate(pool.allocate(bytes, 16, s), bytes, 16, s);
  REQUIRE(pool.statistics().held_peak <= 2 * 64 * big);
}

TEST_CASE("pool: small blocks of streams that vanish stay few, and trim finds them") {
  weft::runtime& host = weft::host_runtime();
  weft::pool_resource pool(host);
  for (int i = 0; i < 10000; ++i) {
    const stream_ref s{&host, host.stream_create(0, {}), 0};
    void* memory[3];
    for (void*& m : memory) m = pool.allocate(100000, 16, s);
    for (void* m : memory) pool.deallocate(m, 100000, 16, s);
    host.stream_destroy(s.handle);
  }
  REQUIRE(pool.statistics().held_bytes <= 16 * big);
  pool.trim();
  REQUIRE(pool.statistics().held_bytes == 0);
}

TEST_CASE("pool: tools are told of what a pool hands out, warm or not, and takes back") {
  struct counting_tool final : weft::profile::tool {
    void end(const weft::profile::event& e) noexcept override {
      using weft::profile::kind;
      if (e.what == kind::allocation) ++vendor;
      if (e.what == kind::pool_allocation) ++out, bytes += e.bytes, last = e.memory;
      if (e.what == kind::pool_release) ++back, bytes -= e.bytes;
    }
    int vendor = 0, out = 0, back = 0;
    std::size_t bytes = 0;
    const void* last = nullptr;
  } heard;
  weft::pool_resource pool(weft::host_runtime());
  const weft::stream s(weft::host_runtime(), 0);
  const weft::profile::attachment listening(heard);
  for (int i = 0; i < 3; ++i) {
    void* memory = pool.allocate(1000, 16, s);
    REQUIRE(heard.last == memory);
    pool.deallocate(memory, 1000, 16, s);
  }
  REQUIRE(heard.vendor == 1);
  REQUIRE(heard.out == 3);
  REQUIRE(heard.back == 3);
  REQUIRE(heard.bytes == 0);
}

TEST_CASE("no_allocation: ends the program with the call, the size and the place of the policy") {
  const std::string text = weft_test::last_words([] {
    weft::pool_resource pool(weft::host_runtime());
    weft::detail::this_call = {"sort", std::source_location::current()};
    weft::no_allocation strict;
    pool.allocate(12345, 16, weft::host_runtime().default_stream());
  });
  REQUIRE(!text.empty());  // the child has ended by SIGABRT
  REQUIRE(text.find("weft: 12345 bytes taken (pool allocation, device 0) where none may be, by sort") == 0);
  REQUIRE(text.find("core_pool_traffic.cpp:") != std::string::npos);
}
