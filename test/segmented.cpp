// Segmented scans, reductions and sorts against loops over the segments: empty, single, short and very long ones.
#include "harness.hpp"

#include <weft/segmented.hpp>

namespace {

/// Offsets of segments of n elements, of up to `most` each, some of them empty; at least one segment.
std::vector<u32> segments(offset n, offset most, u64 seed) {
  std::vector<u32> offsets{0};
  for (u64 s = 0; offsets.back() < static_cast<u32>(n); ++s) {
    const u64 bits = random_bits(seed, s);
    const u64 length = bits % 5 == 0 ? 0 : 1 + bits / 5 % static_cast<u64>(most);
    offsets.push_back(static_cast<u32>(std::min<u64>(static_cast<u64>(n), offsets.back() + length)));
  }
  offsets.push_back(static_cast<u32>(n));
  return offsets;
}

template <class T, class Op>
void segmented(const std::vector<offset>& lengths, Op op, T init) {
  for (const offset n : lengths)
    for (const offset most : {offset{1}, offset{20}, offset{6000}}) {
      INFO("n = " << n << ", segments of up to " << most << ", " << sizeof(T) << " bytes");
      const auto offsets = segments(n, most, 1);
      const auto x = values<T>(n, 2);
      auto inclusive = x, exclusive = x;
      std::vector<T> folds;
      for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
        T sum = init, fold = init;
        for (u32 i = offsets[s]; i < offsets[s + 1]; ++i) {
          exclusive[i] = sum;
          sum = static_cast<T>(op(sum, x[i]));
          fold = i == offsets[s] ? x[i] : static_cast<T>(op(fold, x[i]));
          inclusive[i] = fold;
        }
        folds.push_back(sum);
      }
      const auto in = device_copy(x);
      const auto rows = device_copy(offsets);
      auto out = device_room<T>(n);
      auto sums = device_room<T>(static_cast<offset>(folds.size()));
      REQUIRE(weft::segmented_inclusive_scan(policy, in.begin(), in.end(), rows.begin(), rows.end(), out.begin(), op) ==
              out.end());
      require_same(host_copy(out), inclusive);
      REQUIRE(weft::segmented_exclusive_scan(policy, in.begin(), in.end(), rows.begin(), rows.end(), out.begin(), init,
                                             op) == out.end());
      require_same(host_copy(out), exclusive);
      REQUIRE(weft::segmented_reduce(policy, in.begin(), in.end(), rows.begin(), rows.end(), sums.begin(), init, op) ==
              sums.end());
      require_same(host_copy(sums), folds);
    }
}

template <class T, class Less>
void sorts(Less less) {
  for (const offset n : few_sizes())
    for (const offset most : {offset{20}, offset{6000}}) {
      INFO("n = " << n << ", segments of up to " << most);
      const auto offsets = segments(n, most, 3);
      auto x = values<T>(n, 4);
      const auto v = values<u32>(n, 5);
      auto data = device_copy(x), keys = device_copy(x);
      auto beside = device_copy(v);
      const auto rows = device_copy(offsets);
      std::vector<std::pair<T, u32>> pairs;
      for (std::size_t i = 0; i < x.size(); ++i) pairs.emplace_back(x[i], v[i]);
      for (std::size_t s = 0; s + 1 < offsets.size(); ++s)
        std::stable_sort(pairs.begin() + offsets[s], pairs.begin() + offsets[s + 1],
                         [&](const auto& a, const auto& b) { return less(a.first, b.first); });
      std::vector<u32> moved;
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = pairs[i].first, moved.push_back(pairs[i].second);
      weft::segmented_sort(policy, data.begin(), data.end(), rows.begin(), rows.end(), less);
      require_same(host_copy(data), x);
      weft::segmented_sort_by_key(policy, keys.begin(), keys.end(), beside.begin(), rows.begin(), rows.end(), less);
      require_same(host_copy(keys), x);
      require_same(host_copy(beside), moved);
    }
}

struct by_low_bits {
  WEFT_HOST_DEVICE bool operator()(u32 a, u32 b) const { return (a & 15) < (b & 15); }
};

}  // namespace

TEST_CASE("segmented scans and reductions") {
  segmented<u32>(sizes(), weft::plus{}, 7u);
  segmented<u8>(few_sizes(), weft::maximum{}, u8{0});
  segmented<affine>(few_sizes(), composed{}, affine{3, 4, 5});
}

TEST_CASE("segmented sorts") {
  sorts<u32>(weft::less{});
  sorts<u32>(by_low_bits{});
  sorts<double>(weft::greater{});
}

TEST_CASE("segmented: one empty segment, and bad arguments are refused") {
  const auto rows = device_copy(std::vector<offset>{0, 0});
  room<i32> out(1);
  weft::segmented_reduce(policy, null<i32>(), null<i32>(), rows.begin(), rows.end(), out.begin(), 9);
  require_same(host_copy(out), {9});
  REQUIRE(contains(
      refusal([&] { weft::segmented_reduce(policy, out.begin(), out.end(), rows.begin(), rows.begin(), out.begin()); }),
      "segmented_reduce: needs one offset more"));
  REQUIRE(
      contains(refusal([&] { weft::segmented_sort(policy, null<i32>(), null<i32>() + 2, rows.begin(), rows.end()); }),
               "segmented_sort: null"));
}
