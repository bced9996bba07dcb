// The machine that runs GPU kernels on the CPU: a correct kernel has one result at both warp widths and under every
// schedule; an incorrect one is a fault that names the places. (What only a sanitizer sees is in planted/.)
#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

#include <weft/gpu/dialect.hpp>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace {

using weft::simt_config;
using weft::simt_schedule;
using weft::gpu::arch;
using u64 = std::uint64_t;

constexpr simt_schedule schedules[] = {simt_schedule::fifo, simt_schedule::reverse, simt_schedule::random,
                                       simt_schedule::starve};

/// Options for one scope.
class options {
 public:
  explicit options(const simt_config& config) : saved_(weft::simt_options()) { weft::simt_options() = config; }
  explicit options(std::string_view text) : options(simt_config::parse(text)) {}
  ~options() { weft::simt_options() = saved_; }

 private:
  simt_config saved_;
};

template <class Kernel>
void run(unsigned blocks, const Kernel& kernel) {
  weft::dialect::launch<arch::generic>(blocks, {}, kernel);
}

/// What the kernel's fault says; empty when it runs to its end.
template <class Kernel>
std::string fault_of(unsigned blocks, const Kernel& kernel) {
  try {
    run(blocks, kernel);
  } catch (const weft::simt_fault& fault) { return fault.what(); }
  return {};
}
bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
/// The text names line `line` of this file.
bool names_line(const std::string& text, int line) {
  return says(text, "simt_machine.cpp:" + std::to_string(line) + ")");
}

/// The conventional parts of a kernel without shared memory.
template <int Threads>
struct kernel_base {
  template <arch A>
  static constexpr int block_threads = Threads;
  template <arch A>
  struct shared {};
};

// A correct kernel: prefix sums with look-back ------------------------------------------------------------------------

enum class tile_order { ticket, block_index };

template <tile_order Order>
struct scan_kernel {
  static constexpr int threads = 128, items = 4, tile = threads * items;
  static constexpr u64 aggregate = u64{1} << 32, prefix = u64{2} << 32;
  template <arch A>
  static constexpr int block_threads = threads;
  template <arch A>
  struct shared {
    unsigned tile, before;
    unsigned warp_sum[threads / 32];
  };
  const unsigned* in;
  unsigned* out;
  int n;
  u64* state;  // a tile: flag and value in one word
  unsigned* tickets;

  template <class Warp>
  static unsigned inclusive(Warp warp, unsigned v, unsigned lanes) {
    for (unsigned d = 1; d < lanes; d *= 2) {
      const unsigned left = warp.shuffle_up(v, d);
      if (warp.lane() >= d) v += left;
    }
    return v;
  }

  template <class Block>
  void operator()(Block block, shared<Block::arch>& s) const {
    constexpr unsigned W = Block::width, warps = threads / W;
    const auto warp = block.warp();
    const unsigned t = block.thread(), lane = warp.lane();
    if (t == 0) s.tile = Order == tile_order::ticket ? block.fetch_add(tickets, 1u) : block.index();
    block.sync();

    // Load, sum up, scan the block: shuffles in each warp, then warp 0 scans the warps' sums.
    const unsigned mine = s.tile;
    const int base = static_cast<int>(mine) * tile + static_cast<int>(t) * items;
    unsigned v[items], sum = 0;
    for (int k = 0; k < items; ++k) v[k] = sum += base + k < n ? in[base + k] : 0;
    unsigned all = inclusive(warp, sum, W);
    if (lane == W - 1) s.warp_sum[warp.index()] = all;
    block.sync();
    if (warp.index() == 0) {
      const unsigned total = inclusive(warp, lane < warps ? s.warp_sum[lane] : 0, warps);
      if (lane < warps) s.warp_sum[lane] = total;
    }
    block.sync();
    if (warp.index()) all += s.warp_sum[warp.index() - 1];

    // Publish, look back a warp's width at a time.
    if (t == threads - 1) block.store_relaxed(&state[mine], (mine ? aggregate : prefix) | all);
    if (warp.index() == 0) {
      unsigned before = 0;
      for (int near = static_cast<int>(mine) - 1; near >= 0; near -= W) {
        const int place = near - static_cast<int>(lane);
        u64 word = place < 0 ? prefix : 0;
        for (unsigned tries = 0; warp.any(word < aggregate); ++tries) {
          if (place >= 0) word = block.load_relaxed(&state[place]);
          block.backoff(tries);
        }
        const u64 done = warp.ballot(word >= prefix);
        const unsigned last = done ? static_cast<unsigned>(block.lowest_bit(done)) : W - 1;
        const unsigned window = inclusive(warp, lane <= last ? static_cast<unsigned>(word) : 0, W);
        before += warp.shuffle(window, W - 1);
        if (done) break;
      }
      if (lane == 0) s.before = before;
    }
    block.sync();
    const unsigned before = s.before;
    if (t == threads - 1 && mine) block.store_relaxed(&state[mine], prefix | (before + all));
    for (int k = 0; k < items; ++k)
      if (base + k < n) out[base + k] = before + all - sum + v[k];
  }
};

template <tile_order Order>
std::string scan_fault(int n, unsigned seed) {
  using kernel = scan_kernel<Order>;
  std::vector<unsigned> in(static_cast<std::size_t>(n)), out(in.size()), wanted(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<unsigned>((i + seed) * 2654435761u) >> 12;
  std::partial_sum(in.begin(), in.end(), wanted.begin());
  const unsigned tiles = static_cast<unsigned>((n + kernel::tile - 1) / kernel::tile);
  std::vector<u64> state(tiles);
  unsigned tickets = 0;
  const std::string fault = fault_of(tiles, kernel{in.data(), out.data(), n, state.data(), &tickets});
  return !fault.empty() ? fault : out == wanted ? "" : "wrong sums";
}

TEST_CASE("a look-back scan has one result at every width, schedule, seed and block order") {
  for (const int warp : {32, 64})
    for (const simt_schedule schedule : schedules)
      for (const unsigned seed : {1u, 2u})
        for (const int resident : {1, 2, 7})
          for (const int n : {1, 513, 9001}) {
            CAPTURE(warp, int(schedule), seed, resident, n);
            simt_config config;
            config.warp = warp;
            config.schedule = schedule;
            config.seed = seed;
            config.resident = resident;
            config.shuffle_blocks = seed != 1;
            options _(config);
            REQUIRE(scan_fault<tile_order::ticket>(n, seed) == "");
          }
}

TEST_CASE("look-back by block index hangs when blocks start in another order") {
  options _("resident=2,shuffle=1,seed=5,max_spins=100000");
  const std::string fault = scan_fault<tile_order::block_index>(20011, 1);
  CHECK(says(fault, "livelock"));
  CHECK(says(fault, "load_relaxed"));
  CHECK(says(fault, "barrier"));  // where the rest of these blocks waits
}

// Faults: each names the places of all who wait ----------------------------------------------------------------------

struct divergent_barrier : kernel_base<64> {
  static constexpr int first_line = __LINE__ + 5, second_line = __LINE__ + 7;
  template <class Block>
  void operator()(Block block, shared<Block::arch>&) const {
    // The barrier a thread meets depends on the thread: undefined on a GPU even if all arrive somewhere.
    if (block.thread() % 2) {
      block.sync();
    } else {
      block.sync();
    }
  }
};

struct barrier_and_shuffle : kernel_base<64> {
  static constexpr int first_line = __LINE__ + 5, second_line = __LINE__ + 7;
  template <class Block>
  void operator()(Block block, shared<Block::arch>&) const {
    // Half of each warp at the barrier, half in a shuffle.
    if (block.warp().lane() < 16) {
      block.sync();
    } else {
      block.warp().shuffle(1, 0);
    }
  }
};

struct two_warp_words : kernel_base<64> {
  static constexpr int first_line = __LINE__ + 4, second_line = __LINE__ + 6;
  template <class Block>
  void operator()(Block block, shared<Block::arch>&) const {
    if (block.warp().lane() % 3) {
      block.warp().ballot(true);
    } else {
      block.warp().any(true);
    }
  }
};

template <bool EndFirst>
struct lanes_gone : kernel_base<64> {
  static constexpr int line = __LINE__ + 5;
  template <class Block>
  void operator()(Block block, shared<Block::arch>&) const {
    const bool leaves = EndFirst ? block.warp().lane() < 3 : block.warp().lane() >= 16;
    if (leaves) return;
    block.warp().shuffle_down(block.thread(), 1);
  }
};

/// Takes the first 32 threads for the first warp. Right on 32 lanes.
struct assumes_32_lanes : kernel_base<128> {
  static constexpr int shuffle_line = __LINE__ + 5, barrier_line = __LINE__ + 8;
  unsigned* out;
  template <class Block>
  void operator()(Block block, shared<Block::arch>&) const {
    if (block.thread() < 32) {
      const unsigned v = block.warp().shuffle(block.thread(), 31);
      out[block.thread()] = v;
    }
    block.sync();
  }
};

/// Lane 0 waits for what lane 1 would say after a word that it waits for lane 0 in.
struct waits_for_own_warp : kernel_base<64> {
  static constexpr int spin_line = __LINE__ + 6, sync_line = __LINE__ + 8;
  unsigned* flag;
  template <class Block>
  void operator()(Block block, shared<Block::arch>&) const {
    const auto warp = block.warp();
    if (warp.lane() == 0) {
      while (block.load_acquire(flag) == 0) block.backoff(0);
    }
    warp.sync();
    if (warp.lane() == 1) block.store_release(flag, 1u);
  }
};

TEST_CASE("barriers in divergent branches are a fault") {
  for (const char* text : {"warp=32", "warp=64,schedule=random,seed=3"}) {
    options _(text);
    const std::string fault = fault_of(3, divergent_barrier{});
    INFO(fault);
    CHECK(says(fault, "threads of a block meet at different barriers"));
    CHECK(names_line(fault, divergent_barrier::first_line));
    CHECK(names_line(fault, divergent_barrier::second_line));
  }
}

TEST_CASE("half a warp at a barrier and half in a shuffle is a deadlock") {
  for (const char* text : {"warp=32", "warp=64,schedule=starve"}) {
    options _(text);
    const std::string fault = fault_of(2, barrier_and_shuffle{});
    INFO(fault);
    CHECK(says(fault, "deadlock"));
    CHECK(says(fault, "at barrier ("));
    CHECK(says(fault, "at shuffle ("));
    CHECK(names_line(fault, barrier_and_shuffle::first_line));
    CHECK(names_line(fault, barrier_and_shuffle::second_line));
  }
}

TEST_CASE("lanes of a warp at different words are a fault") {
  const std::string fault = fault_of(1, two_warp_words{});
  INFO(fault);
  CHECK(says(fault, "a diverged warp"));
  CHECK(names_line(fault, two_warp_words::first_line));
  CHECK(names_line(fault, two_warp_words::second_line));
}

TEST_CASE("a shuffle with lanes gone is a fault") {
  const std::string before = fault_of(1, lanes_gone<true>{}), after = fault_of(1, lanes_gone<false>{});
  INFO(before << "\n" << after);
  CHECK(says(before, "lanes of the warp have ended"));
  CHECK(names_line(before, lanes_gone<true>::line));
  CHECK(says(after, "a lane has ended while its warp waits at shuffle_down"));
  CHECK(names_line(after, lanes_gone<false>::line));
}

TEST_CASE("a kernel that assumes 32 lanes is a fault on 64") {
  std::vector<unsigned> out(32);
  {
    options _("warp=32");
    CHECK(fault_of(1, assumes_32_lanes{{}, out.data()}) == "");
  }
  options _("warp=64");
  const std::string fault = fault_of(1, assumes_32_lanes{{}, out.data()});
  INFO(fault);
  CHECK(says(fault, "deadlock"));
  CHECK(names_line(fault, assumes_32_lanes::shuffle_line));
  CHECK(names_line(fault, assumes_32_lanes::barrier_line));
}

TEST_CASE("a lane that spins for a lane of its own warp is a livelock") {
  options _("max_spins=10000");
  unsigned flag = 0;
  const std::string fault = fault_of(1, waits_for_own_warp{{}, &flag});
  INFO(fault);
  CHECK(says(fault, "livelock"));
  CHECK(names_line(fault, waits_for_own_warp::spin_line));
  CHECK(names_line(fault, waits_for_own_warp::sync_line));
}

struct misaligned : kernel_base<64> {
  static constexpr int line = __LINE__ + 4;
  const unsigned* in;
  template <class Block>
  void operator()(Block block, shared<Block::arch>&) const {
    block.template load_vector<16>(in + (block.thread() == 9 ? 1 : 0));
  }
};

TEST_CASE("a misaligned vector access is a fault") {
  alignas(16) const unsigned in[8] = {};
  const std::string fault = fault_of(1, misaligned{{}, in});
  INFO(fault);
  CHECK(says(fault, "misaligned"));
  CHECK(says(fault, "thread 9 of 64"));
  CHECK(names_line(fault, misaligned::line));
}

// What is thrown, and what is left behind ----------------------------------------------------------------------------

struct counted_object {
  std::atomic<int>* live;
  explicit counted_object(std::atomic<int>* n) : live(n) { ++*live; }
  counted_object(const counted_object&) = delete;
  ~counted_object() { --*live; }
};

struct thrower : kernel_base<128> {
  std::atomic<int>* live;
  std::atomic<int>* begun;
  template <class Block>
  void operator()(Block block, shared<Block::arch>&) const {
    counted_object object(live);
    ++*begun;
    if (block.index() == 1 && block.thread() == 100) throw std::string("from the functor");
    block.warp().sync();
    block.sync();
    block.warp().sync();
  }
};

TEST_CASE("exceptions of a kernel pass through, and every thread is unwound") {
  for (const simt_schedule schedule : schedules) {
    simt_config config;
    config.schedule = schedule;
    options _(config);
    std::atomic<int> live = 0, begun = 0;
    CHECK_THROWS_AS(run(4, thrower{{}, &live, &begun}), std::string);
    CHECK(begun > 1);
    CHECK(live == 0);
    CHECK(scan_fault<tile_order::ticket>(5000, 1) == "");  // the machine is usable as before
  }
}

struct nested : kernel_base<64> {
  template <class Block>
  void operator()(Block block, shared<Block::arch>&) const {
    if (block.thread() == 5) run(1, two_warp_words{});
  }
};

TEST_CASE("a kernel cannot launch a kernel") { CHECK(says(fault_of(1, nested{}), "a kernel launches a kernel")); }

// What a kernel finds ------------------------------------------------------------------------------------------------

struct looks_at_shared {
  template <arch A>
  static constexpr int block_threads = 1024;
  template <arch A>
  struct shared {
    unsigned char byte[999];
  };
  unsigned* wrong;
  template <class Block>
  void operator()(Block block, shared<Block::arch>& s) const {
    unsigned char& mine = s.byte[block.thread() % 999];
    if (reinterpret_cast<std::uintptr_t>(&s) % 128 != 0) block.fetch_add(wrong, 1u);
    if (block.thread() < 999 && mine != 0xCD) block.fetch_add(wrong, 1u);
    block.sync();
    if (block.thread() < 999) mine = static_cast<unsigned char>(block.index());
  }
};

TEST_CASE("shared memory is new in every block and filled with 0xCD") {
  options _("resident=3");
  unsigned wrong = 0;
  run(20, looks_at_shared{&wrong});
  run(0, looks_at_shared{&wrong});
  CHECK(wrong == 0);
}

/// Each block waits for all others: ends only when all are in flight at a time.
struct meets_all_blocks : kernel_base<64> {
  unsigned* arrived;
  template <class Block>
  void operator()(Block block, shared<Block::arch>&) const {
    if (block.thread() == 0) {
      block.fetch_add_acq_rel(arrived, 1u);
      while (block.load_acquire(arrived) < block.blocks()) block.backoff(0);
    }
    block.sync();
  }
};

TEST_CASE("as many blocks as the options say are in flight") {
  for (const simt_schedule schedule : schedules) {
    simt_config config;
    config.schedule = schedule;
    config.resident = 5;
    config.max_spins = 100000;
    options _(config);
    unsigned arrived = 0;
    CHECK(fault_of(5, meets_all_blocks{{}, &arrived}) == "");
    arrived = 0;
    CHECK(says(fault_of(6, meets_all_blocks{{}, &arrived}), "livelock"));
    CHECK(weft::dialect::resident_blocks<arch::generic, meets_all_blocks>(0) == 5);
  }
}

struct records_order : kernel_base<64> {
  unsigned* order;
  unsigned* count;
  template <class Block>
  void operator()(Block block, shared<Block::arch>&) const {
    for (int i = 0; i < 2; ++i) order[block.fetch_add(count, 1u)] = block.index() * 64 + block.thread();
  }
};

std::vector<unsigned> order_of(const std::string& text) {
  options _(text);
  std::vector<unsigned> order(2 * 64 * 6);
  unsigned count = 0;
  run(6, records_order{{}, order.data(), &count});
  return order;
}

TEST_CASE("a seed gives one interleaving, another seed another one") {
  for (const std::string text : {"schedule=random", "schedule=starve", "schedule=fifo,shuffle=1"}) {
    CAPTURE(text);
    CHECK(order_of(text + ",seed=1") == order_of(text + ",seed=1"));
    CHECK(order_of(text + ",seed=1") != order_of(text + ",seed=2"));
  }
  CHECK(order_of("schedule=fifo") != order_of("schedule=reverse"));
}

TEST_CASE("options are read from text, and what cannot be read is named") {
  const simt_config config =
      simt_config::parse("warp=64,schedule=starve,seed=77,resident=3,shuffle=1,multiprocessors=2");
  CHECK(config.warp == 64);
  CHECK(config.schedule == simt_schedule::starve);
  CHECK(config.seed == 77);
  CHECK(config.resident == 3);
  CHECK(config.shuffle_blocks);
  CHECK(config.multiprocessors == 2);
  options _(config);
  CHECK(weft::dialect::info(0).warp_width == 64);
  CHECK(weft::dialect::info(0).multiprocessors == 2);
  for (const std::string wrong : {"warp=16", "warp", "lanes=32", "schedule=fast", "resident=0", "seed=-1", "shuffle=2",
                                  "resident=99999999999", "warp=32,,seed=1"}) {
    CAPTURE(wrong);
    try {
      simt_config::parse(wrong);
      FAIL("accepted");
    } catch (const std::invalid_argument& e) { CHECK(says(e.what(), "WEFT_SIMT: cannot read \"")); }
  }
  CHECK_THROWS_AS(weft::dialect::info(1), weft::invalid_argument);
}

}  // namespace
