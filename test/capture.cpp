// Every algorithm that returns no value, recorded in the strictest mode with a resource that gives out slices of one
// block (so nothing is allocated while recording) and replayed on other input: replay and plain call must leave the
// same memory, byte for byte. Peer defect 4. Nothing of the input may be looked at while recording, so the input
// of the recording is not the input of any replay. The same calls are then made once more in a workspace of the size
// that weft::workspace_bytes tells: no memory is taken from anywhere, and the results are the same.
#include <weft/buffer.hpp>
#include <weft/graph.hpp>
#include <weft/memory/no_allocation.hpp>
#include <weft/memory/workspace.hpp>
#include <weft/profile.hpp>
#include <weft/weft.hpp>

#include "harness.hpp"

namespace {

constexpr offset n = emulated ? 9001 : 70001;
constexpr int m = 8;  // of the matrices
constexpr weft::capture_options strict{weft::capture_mode::global};

/// Slices of one block, all free again when the last comes back. Aborts rather than ask the vendor.
class slices final : public weft::memory_resource {
 public:
  explicit slices(std::size_t bytes) : block_(policy, static_cast<offset>(bytes)) {}
  void* allocate(std::size_t bytes, std::size_t, weft::stream_ref) override {
    if (bytes == 0) return nullptr;
    void* memory = block_.data() + used_;
    used_ += (bytes + 255) / 256 * 256;
    ++out_;
    if (used_ > block_.bytes()) std::abort();
    return memory;
  }
  void deallocate(void* memory, std::size_t, std::size_t, weft::stream_ref) noexcept override {
    if (memory != nullptr && --out_ == 0) used_ = 0;
  }
  weft::memory_kind kind() const noexcept override { return weft::memory_kind::device; }
  std::string_view name() const noexcept override { return "slices"; }

 private:
  weft::buffer<char> block_;
  std::size_t used_ = 0;
  int out_ = 0;
};

struct vendor_counter : weft::profile::tool {
  std::atomic<int> asked{0};
  void begin(const weft::profile::event& e) noexcept override { asked += e.what == weft::profile::kind::allocation; }
};

/// The first corner of a matrix.
weft::matrix<const float> part_of(const room<float>& x) { return weft::row_major(x.begin(), 4, 4, m); }

/// The memory that calls work on; `load` fills it with the input of a seed and clears the outputs.
struct memory {
  room<u32> random{n}, few{n}, sorted{n}, other_sorted{n}, map{n}, out{2 * n}, out2{2 * n}, in_place{n}, beside{n};
  room<offset> index{n}, count{4};
  room<bool> flag{n};
  room<int> bins{256};
  room<float> a{m * m}, b{m * m}, c{m * m};

  void load(u64 seed) {
    put(random, values<u32>(n, seed));
    put(few, values<u32>(n, seed + 10, order::few));
    put(sorted, values<u32>(n, seed + 20, order::sorted));
    put(other_sorted, values<u32>(n, seed + 30, order::sorted));
    put(in_place, values<u32>(n, seed + 40));
    put(beside, values<u32>(n, seed + 50));
    std::vector<u32> places(static_cast<std::size_t>(n));
    for (offset i = 0; i < n; ++i) places[static_cast<std::size_t>(i)] = static_cast<u32>((i * 7 + offset(seed)) % n);
    put(map, places);
    put(a, values<float>(m * m, seed));
    put(b, values<float>(m * m, seed + 1));
    for (auto* r : {&out, &out2}) clear(*r);
    clear(index), clear(count), clear(flag), clear(bins), clear(c);
  }
  std::vector<std::vector<unsigned char>> all() const {
    return {bytes(out),   bytes(out2),  bytes(in_place), bytes(beside), bytes(few),
            bytes(index), bytes(count), bytes(flag),     bytes(bins),   bytes(c)};
  }

 private:
  template <class T>
  static void put(room<T>& to, const std::vector<T>& from) {
    weft::copy_values(policy, from.data(), to.size(), to.data());
  }
  template <class T>
  static void clear(room<T>& r) {
    policy.stream().owner->fill_bytes(r.data(), 0, sizeof(T) * static_cast<std::size_t>(r.size()), policy.stream());
    policy.stream().synchronize();
  }
  template <class T>
  static std::vector<unsigned char> bytes(const room<T>& r) {
    return weft::to_vector(policy, reinterpret_cast<const unsigned char*>(r.begin()),
                           r.size() * static_cast<offset>(sizeof(T)));
  }
};

struct doubles {
  WEFT_HOST_DEVICE void operator()(u32& x) const { x *= 2; }
};
struct seventeen {
  WEFT_HOST_DEVICE u32 operator()() const { return 17; }
};
struct index_hash {
  WEFT_HOST_DEVICE u32 operator()(offset i) const { return static_cast<u32>(i) * 2654435761u; }
};
struct by_low_bits {
  WEFT_HOST_DEVICE bool operator()(u32 a, u32 b) const { return (a & 0xfff) < (b & 0xfff); }
};
struct high_byte {
  WEFT_HOST_DEVICE u32 operator()(offset i) const { return static_cast<u32>(i << 24 | 0x123456); }
};
struct row_of {  // of a hundred rows
  WEFT_HOST_DEVICE offset operator()(offset i) const { return n * i / 100; }
};
struct below_128 {
  WEFT_HOST_DEVICE offset operator()(u32 x) const { return static_cast<offset>(x & 127); }
};
/// Small enough for sums to fit the unsigned outputs.
struct tenths {
  WEFT_HOST_DEVICE float operator()(u32 x) const { return static_cast<float>(x % 256) * 0.1f; }
};
struct low_byte {
  WEFT_HOST_DEVICE int operator()(u32 x) const { return static_cast<int>(x & 255); }
};

/// Measures the call, which touches nothing, and makes it in a workspace: what `here` holds then.
template <class Call>
std::vector<std::vector<unsigned char>> in_workspace(const Call& call, memory& here, weft::stream& s) {
  const auto before = here.all();
  std::size_t bytes;
  {
    weft::no_allocation measuring(weft::no_allocation::when::count);
    bytes = weft::workspace_bytes(policy.on(s), [&](auto on) { call(on, here); });
    REQUIRE(measuring.seen() == 0);
  }
  s.synchronize();
  REQUIRE(here.all() == before);
  weft::buffer<char> memory(policy, static_cast<offset>(bytes));
  weft::workspace space(memory.data(), bytes);
  {
    weft::no_allocation strict(weft::no_allocation::when::count);
    call(policy.on(s).with(space), here);
    s.synchronize();
    REQUIRE(strict.seen() == 0);
  }
  REQUIRE(space.used() == 0);
  REQUIRE(space.peak() <= bytes);
  return here.all();
}

/// Records call(policy on the stream), replays it on two other inputs, and calls it plainly on each.
template <class Call>
void captured(const char* name, const Call& call) {
  INFO(name);
  weft::stream s{policy};
  slices temporaries(std::size_t{64} * n + (1 << 20));
  const auto on = policy.on(s).with(temporaries);
  memory here;
  here.load(1);
  s.synchronize();
  const auto before = here.all();
  weft::graph g;
  vendor_counter vendor;
  {
    weft::profile::attachment listening(vendor);
    g = weft::capture(
        s, [&] { call(on, here); }, strict);
  }
  if constexpr (gpu_family) REQUIRE(vendor.asked == 0);
  REQUIRE(g.facts().nodes >= 1);
  s.synchronize();
  REQUIRE(here.all() == before);  // nothing has run
  for (u64 seed = 2; seed < 4; ++seed) {
    here.load(seed);
    g.launch(s);
    s.synchronize();
    const auto replayed = here.all();
    here.load(seed);
    call(on, here);
    s.synchronize();
    const auto plain = here.all();
    for (std::size_t i = 0; i < plain.size(); ++i) {
      INFO("array " << i << " of seed " << seed);
      REQUIRE((replayed[i] == plain[i]));
    }
    REQUIRE(plain != before);
    here.load(seed);
    REQUIRE((in_workspace(call, here, s) == plain));
  }
}

}  // namespace

TEST_CASE("capture: elementwise") {
  captured("for_each", [](auto on, memory& x) { weft::for_each(on, x.in_place.begin(), x.in_place.end(), doubles{}); });
  captured("for_each_n", [](auto on, memory& x) { weft::for_each_n(on, x.in_place.begin(), n / 2, doubles{}); });
  captured("transform", [](auto on, memory& x) {
    weft::transform(on, x.random.begin(), x.random.end(), x.out.begin(), weft::square{});
    weft::transform(on, x.random.begin(), x.random.end(), x.few.begin(), x.out2.begin(), weft::plus{});
  });
  captured("transform_if", [](auto on, memory& x) {
    weft::transform_if(on, x.random.begin(), x.random.end(), x.out.begin(), weft::square{}, is_odd{});
    weft::transform_if(on, x.random.begin(), x.random.end(), x.few.begin(), x.out2.begin(), weft::square{}, is_odd{});
  });
  captured("fill, generate, tabulate, sequence", [](auto on, memory& x) {
    weft::fill(on, x.out.begin(), x.out.begin() + n, 5u);
    weft::generate(on, x.out.begin() + n, x.out.end(), seventeen{});
    weft::tabulate(on, x.out2.begin(), x.out2.begin() + n, index_hash{});
    weft::sequence(on, x.out2.begin() + n, x.out2.end(), 3u, 2u);
  });
  captured("copy, gather, scatter, reverse", [](auto on, memory& x) {
    weft::copy(on, x.random.begin(), x.random.end(), x.out.begin());
    weft::copy_n(on, x.random.begin(), n, x.out.begin() + n);
    weft::gather(on, x.map.begin(), x.map.end(), x.random.begin(), x.out2.begin());
    weft::reverse(on, x.in_place.begin(), x.in_place.end());
    weft::reverse_copy(on, x.random.begin(), x.random.end(), x.out2.begin() + n);
    weft::scatter(on, x.beside.begin(), x.beside.end(), weft::reversed(weft::counting(n)), x.out2.begin());
  });
  captured("adjacent_difference",
           [](auto on, memory& x) { weft::adjacent_difference(on, x.random.begin(), x.random.end(), x.out.begin()); });
}

TEST_CASE("capture: reductions") {
  captured("reduce_into", [](auto on, memory& x) {
    weft::reduce_into(on, x.random.begin(), x.random.end(), x.out.begin(), 1u);
    weft::transform_reduce_into(on, x.random.begin(), x.random.end(), x.out.begin() + 1, 0u, weft::maximum{},
                                weft::square{});
    weft::inner_product_into(on, x.random.begin(), x.random.end(), x.few.begin(), x.out.begin() + 2, 0u);
  });
  captured("count", [](auto on, memory& x) {
    weft::count_into(on, x.map.begin(), x.map.end(), x.count.begin(), 7u);
    weft::count_if_into(on, x.random.begin(), x.random.end(), x.count.begin() + 1, is_odd{});
  });
  captured("extreme elements", [](auto on, memory& x) {
    weft::min_element_into(on, x.random.begin(), x.random.end(), x.count.begin());
    weft::max_element_into(on, x.random.begin(), x.random.end(), x.count.begin() + 1);
    weft::minmax_element_into(on, x.random.begin(), x.random.end(), x.count.begin() + 2);
  });
}

TEST_CASE("capture: scans") {
  captured("inclusive_scan",
           [](auto on, memory& x) { weft::inclusive_scan(on, x.random.begin(), x.random.end(), x.out.begin()); });
  captured("exclusive_scan",
           [](auto on, memory& x) { weft::exclusive_scan(on, x.random.begin(), x.random.end(), x.out.begin(), 3u); });
  captured("transform scans", [](auto on, memory& x) {
    weft::transform_inclusive_scan(on, x.random.begin(), x.random.end(), x.out.begin(), weft::maximum{},
                                   weft::square{});
    weft::transform_exclusive_scan(on, x.random.begin(), x.random.end(), x.out2.begin(), 3u, weft::plus{},
                                   weft::square{});
  });
  captured("scan in the fixed order", [](auto on, memory& x) {
    const auto exact = on.require(weft::same_bits);
    weft::transform_inclusive_scan(exact, x.random.begin(), x.random.end(), x.out.begin(), weft::plus{}, tenths{});
  });
}

TEST_CASE("capture: selection") {
  captured("copy_if_into", [](auto on, memory& x) {
    weft::copy_if_into(on, x.random.begin(), x.random.end(), x.out.begin(), x.count.begin(), is_odd{});
    weft::copy_if_into(on, x.random.begin(), x.random.end(), x.few.begin(), x.out2.begin(), x.count.begin() + 1,
                       is_odd{});
    weft::remove_copy_if_into(on, x.random.begin(), x.random.end(), x.out.begin() + n, x.count.begin() + 2, is_odd{});
  });
  captured("remove_if_into", [](auto on, memory& x) {
    weft::remove_if_into(on, x.in_place.begin(), x.in_place.end(), x.count.begin(), is_odd{});
  });
  captured("unique_into", [](auto on, memory& x) {
    weft::unique_copy_into(on, x.sorted.begin(), x.sorted.end(), x.out.begin(), x.count.begin());
    weft::unique_into(on, x.few.begin(), x.few.end(), x.count.begin() + 1);
  });
  captured("partition_into", [](auto on, memory& x) {
    weft::partition_copy_into(on, x.random.begin(), x.random.end(), x.out.begin(), x.out2.begin(), x.count.begin(),
                              is_odd{});
    weft::partition_into(on, x.in_place.begin(), x.in_place.end(), x.count.begin() + 1, is_odd{});
  });
}

TEST_CASE("capture: sorting and merging") {
  captured("sort", [](auto on, memory& x) { weft::sort(on, x.in_place.begin(), x.in_place.end()); });
  captured("sort, own order",
           [](auto on, memory& x) { weft::stable_sort(on, x.in_place.begin(), x.in_place.end(), by_low_bits{}); });
  captured("sort_by_key", [](auto on, memory& x) {
    weft::sort_by_key(on, x.in_place.begin(), x.in_place.end(), x.beside.begin(), weft::greater{});
  });
  captured("stable_sort_by_key, own order", [](auto on, memory& x) {
    weft::stable_sort_by_key(on, x.in_place.begin(), x.in_place.end(), x.beside.begin(), by_low_bits{});
  });
  captured("merge", [](auto on, memory& x) {
    weft::merge(on, x.sorted.begin(), x.sorted.end(), x.other_sorted.begin(), x.other_sorted.end(), x.out.begin());
  });
  captured("merge_by_key", [](auto on, memory& x) {
    weft::merge_by_key(on, x.sorted.begin(), x.sorted.end(), x.other_sorted.begin(), x.other_sorted.end(),
                       x.random.begin(), x.beside.begin(), x.out.begin(), x.out2.begin());
  });
}

TEST_CASE("capture: searching") {
  captured("lower_bound, upper_bound, binary_search", [](auto on, memory& x) {
    weft::lower_bound(on, x.sorted.begin(), x.sorted.end(), x.random.begin(), x.random.end(), x.index.begin());
    weft::upper_bound(on, x.sorted.begin(), x.sorted.end(), x.random.begin(), x.random.end(), x.out.begin());
    weft::binary_search(on, x.sorted.begin(), x.sorted.end(), x.random.begin(), x.random.end(), x.flag.begin());
  });
  captured("find_into", [](auto on, memory& x) {
    weft::find_if_into(on, x.random.begin(), x.random.end(), x.count.begin(), is_odd{});
    weft::find_into(on, x.map.begin(), x.map.end(), x.count.begin() + 1, static_cast<u32>(n / 2));
    weft::mismatch_into(on, x.sorted.begin(), x.sorted.end(), x.other_sorted.begin(), x.count.begin() + 2);
  });
  captured("all_of_into, any_of_into, none_of_into, equal_into, is_sorted_into", [](auto on, memory& x) {
    weft::all_of_into(on, x.random.begin(), x.random.end(), x.flag.begin(), is_odd{});
    weft::any_of_into(on, x.random.begin(), x.random.end(), x.flag.begin() + 1, is_odd{});
    weft::none_of_into(on, x.random.begin(), x.random.end(), x.flag.begin() + 2, never{});
    weft::equal_into(on, x.random.begin(), x.random.end(), x.random.begin(), x.flag.begin() + 3);
    weft::is_sorted_into(on, x.sorted.begin(), x.sorted.end(), x.flag.begin() + 4);
    weft::is_sorted_until_into(on, x.random.begin(), x.random.end(), x.count.begin());
  });
}

TEST_CASE("capture: by key, histograms, matrices") {
  captured("reduce_by_key_into", [](auto on, memory& x) {
    weft::reduce_by_key_into(on, x.few.begin(), x.few.end(), x.random.begin(), x.out.begin(), x.out2.begin(),
                             x.count.begin());
  });
  captured("unique_by_key_into", [](auto on, memory& x) {
    weft::unique_by_key_into(on, x.few.begin(), x.few.end(), x.in_place.begin(), x.count.begin());
  });
  captured("scans by key", [](auto on, memory& x) {
    weft::inclusive_scan_by_key(on, x.few.begin(), x.few.end(), x.random.begin(), x.out.begin());
    weft::exclusive_scan_by_key(on, x.few.begin(), x.few.end(), x.random.begin(), x.out2.begin(), 1u);
  });
  captured("sums by key in the fixed order", [](auto on, memory& x) {
    const auto exact = on.require(weft::same_bits);
    weft::reduce_by_key_into(exact, x.few.begin(), x.few.end(), weft::transformed(x.random.begin(), tenths{}),
                             x.out.begin(), x.out2.begin(), x.count.begin());
  });
  captured("histogram", [](auto on, memory& x) {
    weft::histogram(on, x.random.begin(), x.random.end(), x.bins.begin(), 256, low_byte{});
  });
  captured("histogram_even", [](auto on, memory& x) {
    weft::histogram_even(on, x.random.begin(), x.random.end(), x.bins.begin(), 100, 0u, 1u << 31);
  });
  captured("gemm", [](auto on, memory& x) {
    weft::gemm(on, weft::row_major(x.a.data(), m, m), weft::row_major(x.b.data(), m, m),
               weft::row_major(x.c.data(), m, m));
  });
  captured("gemm_grouped", [](auto on, memory& x) {
    const auto part = [](float* p) { return weft::row_major(p, 4, 4, m); };
    weft::gemm_grouped(on, std::vector<weft::gemm_member<float>>{
                               {part_of(x.a), part_of(x.b), part(x.c.data())},
                               {part_of(x.b), part_of(x.a), part(x.c.data() + 4)},
                           });
  });
  captured("gemm_plan", [](auto on, memory& x) {
    const auto view = [](float* p) { return weft::row_major(p, m, m); };
    const weft::gemm_plan plan(on, view(x.a.data()), view(x.b.data()), view(x.c.data()));
    plan.launch(x.a.data(), x.b.data(), x.c.data());
  });
}

TEST_CASE("capture: run-length coding") {
  captured("run_length_encode_into", [](auto on, memory& x) {
    weft::run_length_encode_into(on, x.few.begin(), x.few.end(), x.out.begin(), x.out2.begin(), x.count.begin());
  });
  captured("run_length_decode_into", [](auto on, memory& x) {
    weft::run_length_decode_into(on, x.random.begin(), x.random.begin() + n / 200,
                                 weft::transformed(x.few.begin(), below_128{}), x.out.begin(), x.out.end(),
                                 x.count.begin());
  });
}

TEST_CASE("capture: set operations") {
  captured("set operations", [](auto on, memory& x) {
    const u32 *a = x.sorted.begin(), *a_end = x.sorted.end(), *b = x.other_sorted.begin(),
              *b_end = x.other_sorted.end();
    weft::set_union_into(on, a, a_end, b, b_end, x.out.begin(), x.count.begin());
    weft::set_intersection_into(on, a, a_end, b, b_end, x.in_place.begin(), x.count.begin() + 1);
    weft::set_difference_into(on, a, a_end, b, b_end, x.beside.begin(), x.count.begin() + 2);
    weft::set_symmetric_difference_into(on, a, a_end, b, b_end, x.out2.begin(), x.count.begin() + 3);
  });
  captured("set operations by key, includes", [](auto on, memory& x) {
    const u32 *a = x.sorted.begin(), *a_end = x.sorted.end(), *b = x.other_sorted.begin(),
              *b_end = x.other_sorted.end();
    weft::set_union_by_key_into(on, a, a_end, b, b_end, x.random.begin(), x.map.begin(), x.out.begin(), x.out2.begin(),
                                x.count.begin());
    weft::set_difference_by_key_into(on, a, a_end, b, b_end, x.random.begin(), x.in_place.begin(), x.beside.begin(),
                                     x.count.begin() + 1);
    weft::includes_into(on, a, a_end, a, a_end, x.flag.begin());
  });
  captured("set operations by key, what both or one has", [](auto on, memory& x) {
    const u32 *a = x.sorted.begin(), *a_end = x.sorted.end(), *b = x.other_sorted.begin(),
              *b_end = x.other_sorted.end();
    weft::set_intersection_by_key_into(on, a, a_end, b, b_end, x.random.begin(), x.in_place.begin(), x.beside.begin(),
                                       x.count.begin());
    weft::set_symmetric_difference_by_key_into(on, a, a_end, b, b_end, x.random.begin(), x.map.begin(), x.out.begin(),
                                               x.out2.begin(), x.count.begin() + 1);
  });
}

TEST_CASE("capture: rearranging, searching, random numbers") {
  captured("gather_if, scatter_if, rotate, shift, swap_ranges", [](auto on, memory& x) {
    weft::gather_if(on, x.map.begin(), x.map.end(), x.random.begin(), x.few.begin(), x.out.begin(), is_odd{});
    weft::scatter_if(on, x.random.begin(), x.random.end(), weft::reversed(weft::counting(n)), x.map.begin(),
                     x.out.begin() + n, is_odd{});
    weft::rotate_copy(on, x.random.begin(), x.random.begin() + 99, x.random.end(), x.out2.begin());
    weft::rotate(on, x.in_place.begin(), x.in_place.begin() + n / 3, x.in_place.end());
    weft::shift_left(on, x.beside.begin(), x.beside.begin() + n / 2, 70);
    weft::shift_right(on, x.beside.begin() + n / 2, x.beside.end(), 700);
    weft::swap_ranges(on, x.few.begin(), x.few.end(), x.in_place.begin());
  });
  captured("shuffle, sample, distributions", [](auto on, memory& x) {
    weft::shuffle(on, x.in_place.begin(), x.in_place.end(), 1);
    weft::sample(on, x.random.begin(), x.random.end(), x.out.begin(), n / 2, 2);
    weft::tabulate(on, x.out2.begin(), x.out2.begin() + n, weft::uniform_int<u32>{3});
    weft::shuffle_copy(on, x.random.begin(), x.random.end(), x.out2.begin() + n, 4);
    weft::tabulate(on, x.c.begin(), x.c.begin() + 30, weft::uniform_real<float>{5});
    weft::tabulate(on, x.c.begin() + 30, x.c.end(), weft::normal<float>{6});
  });
  captured("search_into, histogram_range", [](auto on, memory& x) {
    weft::search_into(on, x.map.begin(), x.map.end(), x.map.begin() + n / 2, x.map.begin() + n / 2 + 5,
                      x.count.begin());
    weft::histogram_range(on, x.random.begin(), x.random.end(), x.bins.begin(), 255,
                          weft::transformed(weft::counting(offset{0}), high_byte{}));
  });
}

TEST_CASE("capture: parts of orders, segments (peer defect 5)") {
  captured("top_k, partial_sort, nth_element", [](auto on, memory& x) {
    weft::top_k(on, x.random.begin(), x.random.end(), n / 9, x.out.begin());
    weft::top_k(on, x.random.begin(), x.random.end(), n / 9, x.out.begin() + n, by_low_bits{});
    weft::top_k_by_key(on, x.few.begin(), x.few.end(), weft::counting(offset{0}), 100, x.out2.begin(), x.index.begin());
    weft::partial_sort(on, x.in_place.begin(), x.in_place.begin() + 5, x.in_place.end());
    weft::nth_element(on, x.beside.begin(), x.beside.begin() + 5, x.beside.end());
  });
  captured("segmented scans, reductions and sorts", [](auto on, memory& x) {
    const auto rows = weft::transformed(weft::counting(offset{0}), row_of{});
    weft::segmented_inclusive_scan(on, x.random.begin(), x.random.end(), rows, rows + 101, x.out.begin());
    weft::segmented_exclusive_scan(on, x.random.begin(), x.random.end(), rows, rows + 101, x.out.begin() + n, 1u);
    weft::segmented_reduce(on, x.random.begin(), x.random.end(), rows, rows + 101, x.out2.begin(), 1u);
    weft::segmented_sort(on, x.in_place.begin(), x.in_place.end(), rows, rows + 101);
    weft::segmented_sort_by_key(on, x.beside.begin(), x.beside.end(), x.few.begin(), rows, rows + 101);
  });
  captured("segments whose bounds are only known there", [](auto on, memory& x) {
    const auto needles = weft::strided(x.other_sorted.begin(), n / 101);
    weft::lower_bound(on, x.sorted.begin(), x.sorted.end(), needles, needles + 101, x.index.begin());
    weft::fill(on, x.index.begin(), x.index.begin() + 1, offset{0});
    weft::fill(on, x.index.begin() + 100, x.index.begin() + 101, n);
    weft::segmented_sort(on, x.in_place.begin(), x.in_place.end(), x.index.begin(), x.index.begin() + 101);
    weft::segmented_reduce(on, x.random.begin(), x.random.end(), x.index.begin(), x.index.begin() + 101, x.out.begin(),
                           1u);
  });
}
