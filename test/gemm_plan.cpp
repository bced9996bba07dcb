// gemm_plan: every way it lists computes the product, in the memory it states and no more; split k repeats its bits;
// launches take other pointers, are recorded, and refuse what is not the plan's.
#include <weft/gemm/plan.hpp>
#include <weft/graph.hpp>

#include <mutex>

#include "gemm_data.hpp"

namespace {

/// The policy's own resource, with the largest sum of what it had given out.
class counting final : public weft::memory_resource {
 public:
  std::size_t most = 0;
  void* allocate(std::size_t bytes, std::size_t alignment, weft::stream_ref stream) override {
    const std::lock_guard lock(mutex_);
    most = std::max(most, out_ += bytes);
    return base_.allocate(bytes, alignment, stream);
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, weft::stream_ref stream) noexcept override {
    const std::lock_guard lock(mutex_);
    out_ -= bytes;
    base_.deallocate(memory, bytes, alignment, stream);
  }
  weft::memory_kind kind() const noexcept override { return base_.kind(); }
  std::string_view name() const noexcept override { return "counting"; }

 private:
  weft::memory_resource& base_ = policy.resource();
  std::mutex mutex_;
  std::size_t out_ = 0;
};

template <class T, class Room>
void require_product(const stored<T>& a, const stored<T>& b, const Room& c, double tolerance) {
  const auto got = host_copy(c);
  for (offset i = 0; i < a.rows; ++i)
    for (offset j = 0; j < b.columns; ++j) {
      const auto exact = row_times_column(a, b, i, j);
      const auto mine = wide(got[static_cast<std::size_t>(i * b.columns + j)]);
      if (!(static_cast<double>(std::abs(mine - exact.value)) <= tolerance * exact.size))
        FAIL("(" << i << ", " << j << ") of " << a.rows << " x " << b.columns << " x " << a.columns);
    }
}

template <class T>
void every_candidate(offset m, offset n, offset k, int orders) {
  INFO(m << " x " << n << " x " << k << ", orders " << orders);
  const stored<T> a(m, k, orders & 1, 1, 1), b(k, n, orders & 2, 0, 2);
  const auto da = device_copy(a.values), db = device_copy(b.values);
  using TC = std::conditional_t<std::is_integral_v<T>, i32, T>;
  counting memory;
  const auto on = policy.with(memory);
  auto dc = device_room<TC>(m * n);
  const auto c = weft::row_major(dc.begin(), m, n);
  weft::gemm_plan plan(on, a.view(da.begin()), b.view(db.begin()), c);
  CHECK(plan.config() == plan.candidates().front());
  std::vector<weft::gemm_config> ways = plan.candidates();
  ways.push_back(ways.back());
  ways.back().tile.split = 3;  // any number of parts
  for (const auto& way : ways) {
    INFO(way.kernel << " " << way.tile.rows << " x " << way.tile.columns << " x " << way.tile.depth << ", stages "
                    << way.tile.stages << ", split " << way.tile.split);
    if (way.kernel != "tiles" && way.kernel != "panels" && way == ways.back()) continue;
    plan.use(way);
    CHECK(plan.config() == way);
    memory.most = 0;
    dc = device_room<TC>(m * n);
    const auto to = weft::row_major(dc.begin(), m, n);
    plan.launch(a.view(da.begin()), b.view(db.begin()), to);
    CHECK(memory.most == plan.workspace_bytes());
    require_product(a, b, dc, std::is_integral_v<T> ? 0 : 4 * static_cast<double>(k) * 0x1p-24);
    const auto first = host_copy(dc);
    plan.launch(a.view(da.begin()), b.view(db.begin()), to);
    require_same(host_copy(dc), first);
  }
}

}  // namespace

TEST_CASE("gemm_plan: every way it lists gives the product in the memory it states") {
  every_candidate<float>(70, 33, 300, 0);
  every_candidate<float>(1, 130, 70, 1);
  every_candidate<double>(20, 19, emulated ? 200 : 1500, 2);
  every_candidate<std::int8_t>(17, 40, 130, 3);
}

TEST_CASE("gemm_plan: every way takes every order of operands, rows on no boundary") {
  for (int orders = 0; orders < 4; ++orders) {
    every_candidate<float>(65, 131, 75, orders);
    every_candidate<double>(67, 130, emulated ? 35 : 135, orders);
  }
}

TEST_CASE("gemm_plan: f32 sums have the same bits by every way that does not split k") {
  const offset m = emulated ? 40 : 1031, n = emulated ? 30 : 1033, k = emulated ? 70 : 1027;  // odd: copied first
  for (int orders = 0; orders < 4; ++orders) {
    INFO("orders " << orders);
    const stored<float> a(m, k, orders & 1, 0, 1), b(k, n, orders & 2, 0, 2);
    const auto da = device_copy(a.values), db = device_copy(b.values);
    auto dc = device_room<float>(m * n);
    const auto c = weft::row_major(dc.begin(), m, n);
    weft::gemm_plan plan(policy, a.view(da.begin()), b.view(db.begin()), c);
    std::vector<float> first;
    for (const auto& way : plan.candidates()) {
      if (way.tile.split != 1) continue;
      INFO(way.kernel << " " << way.tile.rows << " x " << way.tile.columns << " x " << way.tile.depth);
      dc = device_room<float>(m * n);
      const auto to = weft::row_major(dc.begin(), m, n);
      plan.use(way);
      plan.launch(a.view(da.begin()), b.view(db.begin()), to);
      if (first.empty()) first = host_copy(dc);
      require_same(host_copy(dc), first);
    }
  }
}

TEST_CASE("gemm_plan launches with other pointers, other options, an epilogue, batches") {
  const offset count = 3, m = 20, n = 24, k = 40;
  const stored<float> a(m * count, k, false, 0, 1), b(k, n, true, 0, 2);
  const auto da = device_copy(a.values), db = device_copy(b.values);
  auto dc = device_room<float>(m * n * count), expected = device_room<float>(m * n * count);
  const auto A = weft::strided_batch(weft::row_major(da.begin(), m, k), count, m * k);
  const auto shape = [&](float* p) { return weft::strided_batch(weft::row_major(p, m, n), count, m * n); };
  using options = weft::gemm_options<float, weft::relu>;
  weft::gemm_plan plan(policy, weft::strided_batch(weft::row_major(null<const float>(), m, k), count, m * k),
                       b.view(null<const float>()), shape(nullptr), options{});
  for (const int split : {1, 2}) {
    auto way = plan.config();
    if (split > 1 && way.kernel != "tiles" && way.kernel != "panels") continue;
    way.tile.split = split;
    plan.use(way);
    plan.launch(policy, da.begin(), db.begin(), dc.begin(), options{.alpha = 2, .epilogue = {}});
    weft::gemm(policy, A, b.view(db.begin()), shape(expected.begin()), options{.alpha = 2, .epilogue = {}});
    const auto got = host_copy(dc), wanted = host_copy(expected);
    for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(std::abs(got[i] - wanted[i]) < 1e-5f);
  }
}

TEST_CASE("gemm_plan is recorded into a graph") {
  const offset m = 33, k = 200;
  const stored<float> a(m, k, false, 0, 1), b(k, m, false, 0, 2), other(m, k, false, 0, 3);
  auto da = device_copy(a.values);
  const auto db = device_copy(b.values);
  auto dc = device_room<float>(m * m);
  weft::stream stream{policy};
  const auto on = policy.on(stream);
  weft::gemm_plan plan(on, a.view(da.begin()), b.view(db.begin()), weft::row_major(dc.begin(), m, m));
  auto way = plan.config();
  if (way.kernel == "tiles" || way.kernel == "panels") way.tile.split = 4;
  plan.use(way);
  const weft::graph graph = weft::capture(stream, [&] { plan.launch(da.begin(), db.begin(), dc.begin()); });
  weft::copy_values(policy, other.values.data(), m * k, da.begin());
  graph.launch(stream);
  stream.synchronize();
  require_product(other, b, dc, 4 * static_cast<double>(k) * 0x1p-24);
}

TEST_CASE("gemm_plan refuses what is not the plan's") {
  const std::vector<float> values(400, 2.f);
  const auto a = device_copy(values), b = device_copy(values);
  auto c = device_copy(values);
  using weft::row_major;
  const auto A = row_major(a.begin(), 8, 8), B = row_major(b.begin(), 8, 8);
  const auto C = row_major(c.begin(), 8, 8);
  CHECK(contains(refusal([&] { weft::gemm_plan(policy, A, row_major(b.begin(), 7, 8), C); }), "shapes do not match"));
  weft::gemm_plan plan(policy, A, B, C);
  CHECK(contains(refusal([&] { plan.launch(a.begin(), null<const float>(), c.begin()); }), "gemm: B: null"));
  CHECK(contains(refusal([&] { plan.launch(row_major(a.begin(), 8, 8, 9), B, C); }), "another shape than the plan's"));
  CHECK(contains(refusal([&] { plan.launch(a.begin(), b.begin() + 1, c.begin()); }), "less aligned than the plan"));
  CHECK(contains(refusal([&] { plan.launch(c.begin(), b.begin(), c.begin()); }), "C overlaps A"));
  auto way = plan.config();
  way.tile.split = 0;
  CHECK(contains(refusal([&] { plan.use(way); }), "fewer than 1"));
  way.tile.split = 1, way.kernel = "magic";
  CHECK(contains(refusal([&] { plan.use(way); }), "no such way"));
  weft::gemm_plan exact(policy.require(weft::same_bits), A, B, C);
  way = exact.config(), way.tile.split = 2;
  CHECK(contains(refusal([&] { exact.use(way); }), "same_bits"));
  require_same(host_copy(c), values);
  weft::gemm_plan nothing(policy, row_major(a.begin(), 0, 8), B, row_major(c.begin(), 0, 8));
  CHECK(nothing.workspace_bytes() == 0);
  nothing.launch(a.begin(), b.begin(), c.begin());
  require_same(host_copy(c), values);
}
