// The README's table of algorithms against what the calls do: for each call below the row of its header must name it
// and tell rightly whether it waits (emulated GPU kernels, in a stream), takes temporary memory from the policy's
// resource (seq and emulated GPU), and can be recorded into a graph. Every name of the table is called, but for the
// distributions, which are function objects.
#include <weft/graph.hpp>
#include <weft/memory/pool.hpp>
#include <weft/seq.hpp>
#include <weft/simt.hpp>
#include <weft/weft.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

namespace {

using weft::offset;
using u32 = std::uint32_t;

constexpr offset n = 6000;

struct is_odd {
  WEFT_HOST_DEVICE bool operator()(u32 x) const { return x & 1; }
};
struct doubles {
  WEFT_HOST_DEVICE void operator()(u32& x) const { x *= 2; }
};
struct seventeen {
  WEFT_HOST_DEVICE u32 operator()() const { return 17; }
};
struct low_byte {
  WEFT_HOST_DEVICE int operator()(u32 x) const { return static_cast<int>(x & 255); }
};
struct index_of {
  WEFT_HOST_DEVICE u32 operator()(offset i) const { return static_cast<u32>(i); }
};

struct row_of {  // of a hundred rows
  WEFT_HOST_DEVICE offset operator()(offset i) const { return n * i / 100; }
};
struct high_byte {
  WEFT_HOST_DEVICE u32 operator()(offset i) const { return static_cast<u32>(i << 24 | 0x123456); }
};

struct facts {
  bool waits = false, recorded = false;
  std::size_t temporary = 0;
};

struct row {
  std::string header;
  std::set<std::string> names;
  std::string waits, temporary, recorded;
};

std::vector<std::string> split(const std::string& text, const std::string& at) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(at, begin);
    std::string part = text.substr(begin, end - begin);
    part.erase(0, part.find_first_not_of(" `"));
    part.erase(part.find_last_not_of(" `") + 1);
    parts.push_back(part);
    if (end == std::string::npos) return parts;
    begin = end + at.size();
  }
}

/// "find(_if)" is find and find_if, "all/any/none_of" are three, "sort (always stable)" is sort.
std::set<std::string> names_in(const std::string& cell) {
  std::set<std::string> names;
  for (std::string word : split(cell, ",")) {
    word = word.substr(0, word.find(' '));
    if (word == "the" || word == "their" || word == "_into") continue;
    const std::size_t open = word.find('('), slash = word.rfind('/');
    if (open != std::string::npos) {
      names.insert(word.substr(0, open));
      names.insert(word.substr(0, open) + word.substr(open + 1, word.find(')') - open - 1));
    } else if (slash != std::string::npos) {
      const std::string tail = word.substr(word.find('_', slash));
      for (const std::string& part : split(word.substr(0, word.find('_', slash)), "/")) names.insert(part + tail);
    } else {
      names.insert(word);
    }
  }
  return names;
}

std::vector<row> table_of(const std::string& path) {
  std::ifstream file(path);
  REQUIRE(file.good());
  std::vector<row> rows;
  for (std::string line; std::getline(file, line);) {
    const auto cells = split(line, "|");
    if (cells.size() < 6 || cells[2].size() < 5 || cells[2].substr(cells[2].size() - 4) != ".hpp") continue;
    std::string names = cells[1];
    for (const std::string also : {" and "}) {
      const std::size_t at = names.rfind(also);
      if (at != std::string::npos) names.replace(at, also.size(), ", ");
    }
    rows.push_back({cells[2], names_in(names), cells[3], cells[4], cells[5]});
  }
  return rows;
}

/// Counts what the calls take beyond what they work on.
class counting_resource final : public weft::memory_resource {
 public:
  std::size_t bytes_taken = 0;
  void* allocate(std::size_t bytes, std::size_t alignment, weft::stream_ref stream) override {
    bytes_taken += bytes;
    return pool_.allocate(bytes, alignment, stream);
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, weft::stream_ref stream) noexcept override {
    pool_.deallocate(memory, bytes, alignment, stream);
  }
  weft::memory_kind kind() const noexcept override { return pool_.kind(); }
  std::string_view name() const noexcept override { return "counting"; }

 private:
  weft::memory_resource& pool_ = weft::default_resource(weft::host_runtime(), 0);
};

struct wait_counter : weft::profile::tool {
  int waits = 0;
  void end(const weft::profile::event& e) noexcept override { waits += e.what == weft::profile::kind::wait; }
};

struct data {
  std::vector<u32> in = numbers(), sorted = numbers(), keys = std::vector<u32>(n, 3), work = in, beside = in,
                   out = std::vector<u32>(2 * n), out2 = out, map = identity();
  std::vector<offset> count = std::vector<offset>(4), index = std::vector<offset>(n);
  std::vector<int> bins = std::vector<int>(256);
  bool flags[n] = {};
  std::vector<float> a = std::vector<float>(64 * 64, 1.f), b = a, c = a;

  data() { std::sort(sorted.begin(), sorted.end()); }
  static std::vector<u32> numbers() {
    std::vector<u32> made(n);
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<u32>(i) * 2654435761u;
    return made;
  }
  static std::vector<u32> identity() {
    std::vector<u32> made(n);
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<u32>(i);
    return made;
  }
};

/// f(header, name, call) for every call.
template <class F>
void for_every_call(F f) {
#define CALL(header, name, ...) \
  f(header, #name, [](const auto& on, data& x) { static_cast<void>(x), weft::name(on, __VA_ARGS__); })
#define ALL(v) x.v.begin(), x.v.end()
  CALL("for_each.hpp", for_each, ALL(work), doubles{});
  CALL("for_each.hpp", for_each_n, x.work.begin(), n, doubles{});
  CALL("transform.hpp", transform, ALL(in), x.out.begin(), weft::square{});
  CALL("transform.hpp", transform_if, ALL(in), x.out.begin(), weft::square{}, is_odd{});
  CALL("fill.hpp", fill, ALL(out), 5u);
  CALL("fill.hpp", generate, ALL(out), seventeen{});
  CALL("fill.hpp", tabulate, ALL(out), index_of{});
  CALL("fill.hpp", sequence, ALL(out), 1u);
  CALL("copy.hpp", copy, ALL(in), x.out.begin());
  CALL("copy.hpp", copy_n, x.in.begin(), n, x.out.begin());
  CALL("copy.hpp", gather, ALL(map), x.in.begin(), x.out.begin());
  CALL("copy.hpp", scatter, ALL(in), x.map.begin(), x.out.begin());
  CALL("copy.hpp", gather_if, ALL(map), x.in.begin(), x.in.begin(), x.out.begin(), is_odd{});
  CALL("copy.hpp", scatter_if, ALL(in), x.map.begin(), x.in.begin(), x.out.begin(), is_odd{});
  CALL("copy.hpp", reverse, ALL(work));
  CALL("copy.hpp", reverse_copy, ALL(in), x.out.begin());
  CALL("rotate.hpp", rotate, x.work.begin(), x.work.begin() + 99, x.work.end());
  CALL("rotate.hpp", rotate_copy, x.in.begin(), x.in.begin() + 99, x.in.end(), x.out.begin());
  CALL("rotate.hpp", shift_left, ALL(work), 70);
  CALL("rotate.hpp", shift_right, ALL(work), 700);
  CALL("rotate.hpp", swap_ranges, ALL(work), x.beside.begin());
  CALL("random.hpp", shuffle, ALL(work), 1);
  CALL("random.hpp", shuffle_copy, ALL(in), x.out.begin(), 1);
  CALL("random.hpp", sample, ALL(in), x.out.begin(), n / 2, 2);
  CALL("reduce.hpp", reduce, ALL(in), 0u);
  CALL("reduce.hpp", reduce_into, ALL(in), x.out.begin(), 0u);
  CALL("reduce.hpp", transform_reduce, ALL(in), 0u, weft::plus{}, weft::square{});
  CALL("reduce.hpp", transform_reduce_into, ALL(in), x.out.begin(), 0u, weft::plus{}, weft::square{});
  CALL("reduce.hpp", inner_product, ALL(in), x.sorted.begin(), 0u);
  CALL("reduce.hpp", inner_product_into, ALL(in), x.sorted.begin(), x.out.begin(), 0u);
  CALL("reduce.hpp", count, ALL(in), 7u);
  CALL("reduce.hpp", count_if_into, ALL(in), x.count.begin(), is_odd{});
  CALL("reduce.hpp", min_element, ALL(in));
  CALL("reduce.hpp", max_element_into, ALL(in), x.count.begin());
  CALL("reduce.hpp", minmax_element_into, ALL(in), x.count.begin());
  CALL("scan.hpp", inclusive_scan, ALL(in), x.out.begin());
  CALL("scan.hpp", exclusive_scan, ALL(in), x.out.begin(), 3u);
  CALL("scan.hpp", transform_inclusive_scan, ALL(in), x.out.begin(), weft::plus{}, weft::square{});
  CALL("scan.hpp", transform_exclusive_scan, ALL(in), x.out.begin(), 3u, weft::plus{}, weft::square{});
  CALL("select.hpp", copy_if, ALL(in), x.out.begin(), is_odd{});
  CALL("select.hpp", copy_if_into, ALL(in), x.out.begin(), x.count.begin(), is_odd{});
  CALL("select.hpp", remove_copy_if_into, ALL(in), x.out.begin(), x.count.begin(), is_odd{});
  CALL("select.hpp", remove_if_into, ALL(work), x.count.begin(), is_odd{});
  CALL("select.hpp", unique_into, ALL(work), x.count.begin());
  CALL("select.hpp", unique_copy, ALL(sorted), x.out.begin());
  CALL("select.hpp", unique_copy_into, ALL(sorted), x.out.begin(), x.count.begin());
  CALL("select.hpp", partition_into, ALL(work), x.count.begin(), is_odd{});
  CALL("select.hpp", partition_copy_into, ALL(in), x.out.begin(), x.out2.begin(), x.count.begin(), is_odd{});
  CALL("sort.hpp", sort, ALL(work));
  CALL("sort.hpp", stable_sort, ALL(work), weft::greater{});
  CALL("sort.hpp", sort_by_key, ALL(work), x.beside.begin());
  CALL("sort.hpp", stable_sort_by_key, ALL(work), x.beside.begin(), weft::greater{});
  CALL("top_k.hpp", top_k, ALL(in), 100, x.out.begin());
  CALL("top_k.hpp", top_k_by_key, ALL(in), x.beside.begin(), 100, x.out.begin(), x.out2.begin());
  CALL("top_k.hpp", partial_sort, x.work.begin(), x.work.begin() + 5, x.work.end());
  CALL("top_k.hpp", nth_element, x.work.begin(), x.work.begin() + 5, x.work.end());
  CALL("merge.hpp", merge, ALL(sorted), ALL(sorted), x.out.begin());
  CALL("merge.hpp", merge_by_key, ALL(sorted), ALL(sorted), x.in.begin(), x.beside.begin(), x.out.begin(),
       x.out2.begin());
  CALL("set_operations.hpp", set_union, ALL(sorted), ALL(sorted), x.out.begin());
  CALL("set_operations.hpp", set_intersection_into, ALL(sorted), ALL(sorted), x.out.begin(), x.count.begin());
  CALL("set_operations.hpp", set_difference_into, ALL(sorted), ALL(sorted), x.out.begin(), x.count.begin());
  CALL("set_operations.hpp", set_symmetric_difference_into, ALL(sorted), ALL(sorted), x.out.begin(), x.count.begin());
  CALL("set_operations.hpp", includes_into, ALL(sorted), ALL(sorted), x.flags);
  CALL("search.hpp", lower_bound, ALL(sorted), ALL(in), x.index.begin());
  CALL("search.hpp", upper_bound, ALL(sorted), ALL(in), x.index.begin());
  CALL("search.hpp", binary_search, ALL(sorted), ALL(in), x.flags);
  CALL("find.hpp", find, ALL(in), 7u);
  CALL("find.hpp", find_if_into, ALL(in), x.count.begin(), is_odd{});
  CALL("find.hpp", all_of, ALL(in), is_odd{});
  CALL("find.hpp", any_of_into, ALL(in), x.flags, is_odd{});
  CALL("find.hpp", equal_into, ALL(in), x.in.begin(), x.flags);
  CALL("find.hpp", mismatch_into, ALL(in), x.sorted.begin(), x.count.begin());
  CALL("find.hpp", is_sorted, ALL(in));
  CALL("find.hpp", is_sorted_into, ALL(in), x.flags);
  CALL("find.hpp", is_sorted_until, ALL(in));
  CALL("find.hpp", is_sorted_until_into, ALL(in), x.count.begin());
  CALL("find.hpp", none_of, ALL(in), is_odd{});
  CALL("find.hpp", search_into, ALL(in), x.in.begin() + n / 2, x.in.begin() + n / 2 + 5, x.count.begin());
  CALL("find.hpp", adjacent_find, ALL(in));
  CALL("find.hpp", find_end, ALL(in), x.in.begin() + n / 2, x.in.begin() + n / 2 + 5);
  CALL("find.hpp", find_first_of, ALL(in), x.in.begin() + n / 2, x.in.begin() + n / 2 + 5);
  CALL("find.hpp", search_n, ALL(in), 3, 7u);
  CALL("by_key.hpp", reduce_by_key_into, ALL(keys), x.in.begin(), x.out.begin(), x.out2.begin(), x.count.begin());
  CALL("by_key.hpp", unique_by_key_into, ALL(keys), x.work.begin(), x.count.begin());
  CALL("by_key.hpp", inclusive_scan_by_key, ALL(keys), x.in.begin(), x.out.begin());
  CALL("by_key.hpp", exclusive_scan_by_key, ALL(keys), x.in.begin(), x.out.begin(), 1u);
  CALL("run_length.hpp", run_length_encode_into, ALL(keys), x.out.begin(), x.out2.begin(), x.count.begin());
  CALL("run_length.hpp", run_length_decode_into, x.in.begin(), x.in.begin() + n / 3, x.keys.begin(), ALL(out),
       x.count.begin());
#define ROWS \
  weft::transformed(weft::counting(offset{0}), row_of{}), weft::transformed(weft::counting(offset{101}), row_of{})
  CALL("segmented.hpp", segmented_inclusive_scan, ALL(in), ROWS, x.out.begin());
  CALL("segmented.hpp", segmented_exclusive_scan, ALL(in), ROWS, x.out.begin(), 1u);
  CALL("segmented.hpp", segmented_reduce, ALL(in), ROWS, x.out.begin(), 1u);
  CALL("segmented.hpp", segmented_sort, ALL(work), ROWS);
  CALL("segmented.hpp", segmented_sort_by_key, ALL(work), x.beside.begin(), ROWS);
#undef ROWS
  CALL("histogram.hpp", histogram, ALL(in), x.bins.begin(), 256, low_byte{});
  CALL("histogram.hpp", histogram_even, ALL(in), x.bins.begin(), 100, 0u, 1u << 31);
  CALL("histogram.hpp", histogram_range, ALL(in), x.bins.begin(), 255,
       weft::transformed(weft::counting(offset{0}), high_byte{}));
  CALL("adjacent.hpp", adjacent_difference, ALL(in), x.out.begin());
  CALL("gemm.hpp", gemm, weft::row_major(x.a.data(), 64, 64), weft::row_major(x.b.data(), 64, 64),
       weft::row_major(x.c.data(), 64, 64));
  CALL("gemm/grouped.hpp", gemm_grouped,
       std::vector<weft::gemm_member<float>>{{weft::row_major(std::as_const(x.a).data(), 64, 64),
                                              weft::row_major(std::as_const(x.b).data(), 64, 64),
                                              weft::row_major(x.c.data(), 64, 64)}});
#undef ALL
#undef CALL
  f("gemm/plan.hpp", "gemm_plan", [](const auto& on, data& x) {
    const auto view = [](std::vector<float>& v) { return weft::row_major(v.data(), 64, 64); };
    const weft::gemm_plan plan(on, view(x.a), view(x.b), view(x.c));
    plan.launch(x.a.data(), x.b.data(), x.c.data());
  });
}

template <class P, class Call>
facts facts_of(const P& policy, const Call& call) {
  weft::stream s{policy};
  counting_resource resource;
  const auto on = policy.on(s).with(resource);
  auto x = std::make_unique<data>();
  call(on, *x);  // warm
  facts seen;
  resource.bytes_taken = 0;
  wait_counter heard;
  {
    const weft::profile::attachment listening(heard);
    call(on, *x);
  }
  seen.waits = heard.waits > 0;
  seen.temporary = resource.bytes_taken;
  try {
    weft::capture(s, [&] { call(on, *x); });
    seen.recorded = true;
  } catch (const weft::invalid_argument&) {}
  return seen;
}

bool starts(const std::string& text, const std::string& with) { return text.rfind(with, 0) == 0; }
bool ends(const std::string& text, const std::string& with) {
  return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

}  // namespace

TEST_CASE("table: the README tells what calls wait for, take and allow") {
  const auto rows = table_of(WEFT_SOURCE_DIR "/README.md");
  const std::set<std::string> distributions{"uniform_int", "uniform_real", "normal"};
  std::set<std::string> called;
  std::map<const row*, std::size_t> taken;  // on either family
  for_every_call([&](const std::string& header, const std::string& name, const auto& call) {
    INFO(header << ": " << name);
    const bool into = ends(name, "_into");
    const std::string base = into ? name.substr(0, name.size() - 5) : name;
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [&](const row& r) { return r.header == header && r.names.count(base) == 1; });
    REQUIRE(found != rows.end());
    const row& r = *found;
    called.insert(base);
    const facts cpu = facts_of(weft::seq, call), gpu = facts_of(weft::simt, call);
    const bool returns = !into && (r.waits == "value forms" || r.waits == "yes");
    REQUIRE((r.waits == "no" || r.waits == "value forms" || r.waits == "yes"));
    REQUIRE(gpu.waits == returns);
    REQUIRE((r.recorded == "yes" || r.recorded == "_into" || r.recorded == "no"));
    REQUIRE(gpu.recorded == (into || r.recorded == "yes"));
    REQUIRE(cpu.recorded == gpu.recorded);
    const bool none_on_gpus = r.temporary.find("none on GPUs") != std::string::npos;
    if (starts(r.temporary, "none") && r.temporary.find(base + " in place") == std::string::npos) {
      REQUIRE(gpu.temporary == 0);
      if (!none_on_gpus) REQUIRE(cpu.temporary == 0);
    }
    if (none_on_gpus) REQUIRE(gpu.temporary == 0);
    taken[&r] += cpu.temporary + gpu.temporary;
  });
  for (const row& r : rows) {
    INFO(r.header);
    const bool some = r.temporary.find("none") == std::string::npos && r.names.count("gemm_plan") == 0;
    if (taken.count(&r) == 1 && some) REQUIRE(taken[&r] > 0);
    for (const std::string& name : r.names) {
      INFO(name << " is not called by this test");
      REQUIRE((called.count(name) == 1 || distributions.count(name) == 1));
    }
  }
}
