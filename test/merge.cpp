// merge, alone and with values: sizes that differ, equal elements, stability.
#include "harness.hpp"

#include <weft/fill.hpp>
#include <weft/merge.hpp>

namespace {

template <class T, class Less>
void merges(const std::vector<offset>& lengths, Less less, order o) {
  for (const offset n : lengths) {
    for (const offset m : {offset{0}, offset{1}, n / 3, n}) {
      INFO("n = " << n << ", m = " << m << ", " << name_of(o) << ", " << sizeof(T) << " bytes");
      auto x = values<T>(n, 1, o), y = values<T>(m, 2, o);
      std::stable_sort(x.begin(), x.end(), less);
      std::stable_sort(y.begin(), y.end(), less);
      std::vector<T> wanted(x.size() + y.size());
      std::merge(x.begin(), x.end(), y.begin(), y.end(), wanted.begin(), less);
      const auto a = device_copy(x), b = device_copy(y);
      room<T> out(n + m);
      REQUIRE(weft::merge(policy, a.begin(), a.end(), b.begin(), b.end(), out.begin(), less) == out.end());
      require_same(host_copy(out), wanted);
    }
  }
}

struct by_high_bits {
  WEFT_HOST_DEVICE bool operator()(u32 a, u32 b) const { return (a >> 28) < (b >> 28); }
};

}  // namespace

TEST_CASE("merge of sorted ranges") {
  merges<u32>(sizes(), weft::less{}, order::random);
  merges<i16>(few_sizes(), weft::greater{}, order::few);
  merges<double>(few_sizes(), weft::less{}, order::constant);
}

TEST_CASE("merge is stable, the first range before the second") {
  merges<tagged>(few_sizes(), weft::less{}, order::few);
  merges<u32>(few_sizes(), by_high_bits{}, order::random);
}

TEST_CASE("merge of ranges that begin and end anywhere in memory") {
  const offset n = emulated ? 2003 : 400009;  // long enough for the kernel that copies pieces of 16 bytes
  const auto check = [&]<class T>(T, offset m, offset a_at, offset b_at, offset out_at) {
    INFO("m = " << m << " at " << a_at << ", " << b_at << ", to " << out_at << ", " << sizeof(T) << " bytes");
    auto x = values<T>(a_at + n, 1), y = values<T>(b_at + m, 2);
    std::sort(x.begin() + a_at, x.end()), std::sort(y.begin() + b_at, y.end());
    std::vector<T> wanted(static_cast<std::size_t>(n + m));
    std::merge(x.begin() + a_at, x.end(), y.begin() + b_at, y.end(), wanted.begin());
    const auto a = device_copy(x), b = device_copy(y);
    room<T> out(out_at + n + m);
    weft::fill(policy, out.begin(), out.begin() + out_at, T{77});
    weft::merge(policy, a.begin() + a_at, a.end(), b.begin() + b_at, b.end(), out.begin() + out_at);
    wanted.insert(wanted.begin(), static_cast<std::size_t>(out_at), T{77});
    require_same(host_copy(out), wanted);
  };
  for (const offset m : {offset{1}, offset{5}, n / 2, n}) {
    for (const offset at : {0, 1, 2, 3}) check(u32{}, m, at, (at + 1) % 4, (at + 2) % 4), check(u32{}, m, at, at, 0);
    for (const offset at : {0, 1}) check(u64{}, m, at, 1, 1 - at);
  }
}

TEST_CASE("merge_by_key moves values along") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const offset m = n / 2;
    const auto x = values<i32>(n, 3, order::sorted), y = values<i32>(m, 3, order::sorted);  // many keys in both
    const auto xv = values<u8>(n, 4), yv = values<u8>(m, 5);
    std::vector<std::pair<i32, u8>> p, q, both;
    for (std::size_t i = 0; i < x.size(); ++i) p.emplace_back(x[i], xv[i]);
    for (std::size_t i = 0; i < y.size(); ++i) q.emplace_back(y[i], yv[i]);
    std::merge(p.begin(), p.end(), q.begin(), q.end(), std::back_inserter(both),
               [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<i32> keys;
    std::vector<u8> data;
    for (const auto& [key, value] : both) {
      keys.push_back(key);
      data.push_back(value);
    }
    const auto a = device_copy(x), b = device_copy(y);
    const auto av = device_copy(xv), bv = device_copy(yv);
    room<i32> out(n + m);
    room<u8> out_values(n + m);
    const auto ends = weft::merge_by_key(policy, a.begin(), a.end(), b.begin(), b.end(), av.begin(), bv.begin(),
                                         out.begin(), out_values.begin());
    REQUIRE(ends.first == out.end());
    REQUIRE(ends.second == out_values.end());
    require_same(host_copy(out), keys);
    require_same(host_copy(out_values), data);
  }
}

TEST_CASE("merge refuses bad arguments before anything runs") {
  auto data = device_copy(std::vector<i32>{1, 2, 3, 4});
  const auto begin = data.begin(), end = data.end();
  REQUIRE(contains(refusal([&] { weft::merge(policy, begin, begin + 2, null<i32>(), null<i32>() + 2, begin); }),
                   "merge: null"));
  REQUIRE(contains(refusal([&] { weft::merge(policy, end, begin, begin, end, begin); }), "merge: negative count"));
  REQUIRE(contains(refusal([&] { weft::merge(policy, begin, begin + 1, begin + 1, begin + 2, begin); }), "overlap"));
  require_same(host_copy(data), {1, 2, 3, 4});
}

TEST_CASE("merge: any copyable type on CPU backends") {
  if constexpr (!gpu_family) {
    const auto x = values<std::string>(3000, 6, order::sorted), y = values<std::string>(1000, 7, order::sorted);
    std::vector<std::string> out(4000), wanted(4000);
    std::merge(x.begin(), x.end(), y.begin(), y.end(), wanted.begin());
    weft::merge(policy, x.begin(), x.end(), y.begin(), y.end(), out.begin());
    require_same(out, wanted);
  }
}
