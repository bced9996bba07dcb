// sort, alone and with values: every kind of key, all signs, stability, structs, zips, own comparisons, NaN and -0.0.
#include "harness.hpp"

#include <weft/sort.hpp>

#include <cmath>
#include <numeric>

namespace {

/// More keys than the smaller ways of each family take, so that the largest is run as well, and its division of a part
/// that crowds: an H100 splits from 2^22 keys on, CPU backends beyond 2^17 (what fits L2), the reference never.
constexpr offset many = emulated                      ? (slow_build ? 5003 : 9001)
                        : gpu_family                  ? (1 << 22) + 12345
                        : backend_name == "reference" ? 70001
                                                      : (1 << (slow_build ? 18 : 19)) + 12345;

template <class T, class Less>
void sorts(const std::vector<offset>& lengths, Less less, std::initializer_list<order> orders = {order::random}) {
  for (const offset n : lengths) {
    for (const order o : orders) {
      const u64 seed = 1 + static_cast<u64>(n);
      INFO("n = " << n << ", seed = " << seed << ", " << name_of(o) << ", " << sizeof(T) << " bytes");
      const auto x = values<T>(n, seed, o);
      auto wanted = x;
      std::stable_sort(wanted.begin(), wanted.end(), less);
      auto data = device_copy(x);
      weft::sort(policy, data.begin(), data.end(), less);
      require_same(host_copy(data), wanted);
    }
  }
}

constexpr auto all_orders = {order::random, order::few, order::sorted, order::reversed, order::constant};

}  // namespace

TEST_CASE("sort of integers by less and greater") {  // peer defect 23: negative keys
  sorts<i32>(sizes(), weft::less{});
  sorts<i32>(few_sizes(), weft::greater{}, all_orders);
  sorts<u32>(few_sizes(), weft::less{}, all_orders);
  sorts<i64>(few_sizes(), weft::less{});
  sorts<u8>(few_sizes(), weft::less{});
  sorts<i16>(few_sizes(), weft::greater{});
}

TEST_CASE("sort of floating-point numbers") {
  sorts<float>(few_sizes(), weft::less{});
  sorts<double>(few_sizes(), weft::greater{});
}

namespace {
template <class T, class Less>
void puts_nan_last(Less less) {
  auto x = values<T>(3000, 2);
  constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T special[] = {
      0, -T(0), inf, -inf, nan, -nan, std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::max()};
  for (std::size_t i = 0; i < x.size(); i += 3) x[i] = special[i / 3 % 8];
  auto wanted = x;
  const auto numbers_end = std::stable_partition(wanted.begin(), wanted.end(), [](T v) { return v == v; });
  std::stable_sort(wanted.begin(), numbers_end, less);
  auto data = device_copy(x);
  weft::sort(policy, data.begin(), data.end(), less);
  auto got = host_copy(data);
  const auto numbers = static_cast<std::size_t>(numbers_end - wanted.begin());
  for (std::size_t i = numbers; i < got.size(); ++i) REQUIRE(got[i] != got[i]);
  got.resize(numbers);
  wanted.resize(numbers);
  require_same(got, wanted);  // bit for bit: -0.0 and 0.0 stay in order of arrival
}
}  // namespace

TEST_CASE("NaNs are sorted behind all numbers, -0.0 and 0.0 are equal") {
  puts_nan_last<float>(weft::less{});
  puts_nan_last<float>(weft::greater{});
  puts_nan_last<double>(weft::less{});
}

namespace {
struct by_last_digit {
  template <class T>
  WEFT_HOST_DEVICE bool operator()(T a, T b) const {
    return a % 10 < b % 10;
  }
};
}  // namespace

TEST_CASE("sort of structs and by own comparisons is stable") {  // peer defects 9 and 10
  sorts<u32>(sizes(), by_last_digit{});
  sorts<tagged>(few_sizes(), weft::less{}, all_orders);
  sorts<u32>({many, 2 * many + 1}, by_last_digit{}, {order::random, order::sorted});  // passes over many runs
  sorts<u64>({many, 2 * many + 1}, by_last_digit{});                                  // by fours, on an H100
  sorts<tagged>({3 * many}, weft::less{}, {order::few});
  sorts<affine>(few_sizes(), weft::greater{}, {order::random, order::few});
}

namespace {
template <class K, class V, class Less>
void sorts_pairs(const std::vector<offset>& lengths, Less less) {
  for (const offset n : lengths) {
    for (const order o : {order::random, order::few}) {
      INFO("n = " << n << ", " << name_of(o) << ", " << sizeof(K) << " and " << sizeof(V) << " bytes");
      const auto keys = values<K>(n, 3, o);
      const auto data = values<V>(n, 4);
      std::vector<offset> places(keys.size());
      std::iota(places.begin(), places.end(), offset{0});
      std::stable_sort(places.begin(), places.end(), [&](offset a, offset b) {
        return less(keys[static_cast<std::size_t>(a)], keys[static_cast<std::size_t>(b)]);
      });
      std::vector<K> wanted_keys;
      std::vector<V> wanted;
      for (const offset p : places) {
        wanted_keys.push_back(keys[static_cast<std::size_t>(p)]);
        wanted.push_back(data[static_cast<std::size_t>(p)]);
      }
      auto k = device_copy(keys);
      auto v = device_copy(data);
      weft::sort_by_key(policy, k.begin(), k.end(), v.begin(), less);
      require_same(host_copy(k), wanted_keys);
      require_same(host_copy(v), wanted);
    }
  }
}
}  // namespace

TEST_CASE("sort_by_key moves values with their keys, stably") {
  sorts_pairs<i32, u32>(sizes(), weft::less{});
  sorts_pairs<u8, i64>(few_sizes(), weft::greater{});
  sorts_pairs<double, affine>(few_sizes(), weft::less{});
  sorts_pairs<u32, u32>(few_sizes(), by_last_digit{});
  sorts_pairs<u32, u32>({many, 2 * many + 1}, by_last_digit{});  // by fours, keys and values apart, on an H100
  sorts_pairs<u64, u8>({many}, by_last_digit{});
  sorts_pairs<u32, u64>({many}, by_last_digit{});
}

namespace {
/// Keys that no bucket sort likes, all with a few negative ones where the type has them.
template <class T>
std::vector<T> uneven(offset n, int kind) {
  const u64 seed = 40 + static_cast<u64>(kind);
  auto x = values<T>(n, seed, order::random);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const u64 r = random_bits(seed + 100, i);
    const double u = static_cast<double>((r >> 11) + 1) * 0x1p-53;
    switch (kind) {
      case 0:
        x[i] = static_cast<T>(1 / u < 2e9 ? 1 / u : 2e9);
        break;  // Zipf: half of them are 1
      case 1:
        x[i] = static_cast<T>(r % 1000);
        break;  // few bits
      case 2:
        x[i] = static_cast<T>(static_cast<u32>(r % 3000) << 18);
        break;  // low bits all zero
      case 3:
        x[i] = r % 3 ? static_cast<T>(7) : x[i];
        break;  // one value crowds all others
      case 4:
        x[i] = static_cast<T>(1000000 * (1 + r % 2) + static_cast<u64>(i) % 4096);
        break;  // two clusters
      case 5:
        x[i] = r % 4 ? x[i] : r % 8 ? T(0) : T(-T(0));
        break;  // zeros of both signs
      case 7:
      case 8:
        x[i] = static_cast<T>(r % (emulated ? 1 << 12 : 1 << 20));
        if (kind == 8 && i == x.size() / 3) x[i] = static_cast<T>(2e9);
        break;  // low bits, several of each key; but for one
      default:
        x[i] = static_cast<T>(std::sqrt(-2 * std::log(u)) * std::cos(6.28 * static_cast<double>(i % 997)) * 1e6 + 2e7);
    }
  }
  return x;
}
template <class T>
void sorts_uneven(offset n = many) {
  for (int kind = 0; kind < 9; ++kind) {
    INFO(sizeof(T) << " bytes, kind " << kind);
    const auto x = uneven<T>(kind < 7 ? n : 2 * n, kind);
    auto wanted = x;
    std::stable_sort(wanted.begin(), wanted.end());
    auto data = device_copy(x);
    weft::sort(policy, data.begin(), data.end());
    require_same(host_copy(data), wanted);  // bit for bit: zeros stay in order of arrival
  }
}
template <class K, class V>
void sorts_uneven_pairs() {
  for (int kind = -1; kind < 9; ++kind) {
    INFO(sizeof(K) << " and " << sizeof(V) << " bytes, kind " << kind);
    const auto x = kind < 0 ? values<K>(many, 3, order::random) : uneven<K>(kind < 7 ? many : 2 * many, kind);
    std::vector<V> places(x.size());
    std::iota(places.begin(), places.end(), V{0});
    auto k = device_copy(x);
    auto v = device_copy(places);
    weft::sort_by_key(policy, k.begin(), k.end(), v.begin(), weft::greater{});
    std::stable_sort(places.begin(), places.end(),
                     [&](V a, V b) { return x[static_cast<std::size_t>(b)] < x[static_cast<std::size_t>(a)]; });
    std::vector<K> wanted(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) wanted[i] = x[static_cast<std::size_t>(places[i])];
    require_same(host_copy(k), wanted);
    require_same(host_copy(v), places);
  }
}
}  // namespace

TEST_CASE("sort of many keys, evenly and unevenly spread") {  // peer defect 21
  sorts<u32>({slow_build ? many : many + 21010}, weft::greater{}, all_orders);
  sorts<i64>({slow_build ? many : many + 21010}, weft::less{}, all_orders);
  sorts_uneven<u32>();
  sorts_uneven<i64>();
  sorts_uneven<float>();
  sorts_uneven<double>();
}

TEST_CASE("sort of as many numbers as a cluster of blocks holds") {  // of an H100, and one more than it or a block
  const bool all = gpu_family && !emulated && !slow_build;
  const auto lengths =
      all ? std::vector<offset>{6145, 8192, 20011, 40000, 65535, 65536, 65537} : std::vector<offset>{4097};
  sorts<u32>(lengths, weft::greater{}, all_orders);
  sorts<i64>(lengths, weft::less{}, all_orders);
  sorts<i16>(lengths, weft::less{}, all_orders);
  sorts_pairs<u32, u32>(lengths, weft::greater{});
  sorts_pairs<u64, u32>(lengths, weft::less{});
  sorts_pairs<u8, i64>(lengths, weft::greater{});
  sorts_pairs<i16, u8>(lengths, weft::less{});
  sorts_pairs<double, u64>(lengths, weft::less{});
  sorts_uneven<float>(all ? 32001 : 1001);
  sorts_uneven<double>(all ? 32001 : 1001);
}

namespace {
/// By weft::sort, and with where they came from by weft::sort_by_key.
template <class T, class Less>
void sorts_alone_and_with_places(std::vector<T> x, Less less) {
  std::vector<u32> places(x.size());
  std::iota(places.begin(), places.end(), 0u);
  auto alone = device_copy(x);
  auto k = device_copy(x);
  auto v = device_copy(places);
  weft::sort(policy, alone.begin(), alone.end(), less);
  weft::sort_by_key(policy, k.begin(), k.end(), v.begin(), less);
  std::stable_sort(places.begin(), places.end(), [&](u32 a, u32 b) { return less(x[a], x[b]); });
  std::stable_sort(x.begin(), x.end(), less);
  require_same(host_copy(alone), x);
  require_same(host_copy(k), x);
  require_same(host_copy(v), places);
}
/// Evenly spread numbers, few small ones among them, which crowd the bins of their greatest exponents.
template <class T, class Less>
void sorts_even_numbers(Less less) {
  for (const offset n : {offset{100}, offset{500}, offset{1024}, offset{6000}})
    for (const int kind : {0, 1, 2, 3}) {
      INFO("n = " << n << ", kind " << kind << ", " << sizeof(T) << " bytes");
      std::vector<T> x(static_cast<std::size_t>(n));
      for (std::size_t i = 0; i < x.size(); ++i) {
        const u64 r = random_bits(70, i);
        x[i] = static_cast<T>(static_cast<double>(r >> 11) * 0x1p-53 - 0.5);
        if (kind == 1 && r % 5 == 0) x[i] = r % 2 ? T(0) : -T(0);
        if (kind == 2 && r % 64 == 0) x[i] = std::numeric_limits<T>::infinity();
        if (kind == 3) x[i] *= std::numeric_limits<T>::max();
      }
      sorts_alone_and_with_places(std::move(x), less);
    }
}
}  // namespace

TEST_CASE("sort of a few evenly spread numbers") {
  sorts_even_numbers<float>(weft::less{});
  sorts_even_numbers<double>(weft::less{});
  sorts_even_numbers<double>(weft::greater{});
}

namespace {
/// Many evenly spread numbers, and a few that are not as a sample says.
template <class T, class Less>
void sorts_many_even_numbers(Less less) {
  for (const int kind : {0, 1, 2, 3, 4, 5}) {
    INFO("kind " << kind << ", " << sizeof(T) << " bytes");
    std::vector<T> x(static_cast<std::size_t>(many));
    const std::size_t third = x.size() / 3;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const u64 r = random_bits(80, i);
      x[i] = static_cast<T>(static_cast<double>(r >> 11) * 0x1p-53 - 0.25);
      if (kind == 4) x[i] = static_cast<T>(r % 65536);         // as evenly, but short
      if (kind == 5 && r % 20 == 0) x[i] = static_cast<T>(3);  // equal ones, not so many that a sample would tell
    }
    if (kind == 1) {
      x[third] = std::numeric_limits<T>::infinity(), x[third + 1] = -std::numeric_limits<T>::infinity();
      x[2 * third] = std::numeric_limits<T>::max(), x[third + 2] = -std::numeric_limits<T>::max();
    }
    if (kind == 2) x[third] = T(0), x[2 * third] = -T(0);
    if (kind == 3) x[third] = T(-0.2501), x[2 * third] = T(1e6);  // just outside, and far
    sorts_alone_and_with_places(std::move(x), less);
  }
}
}  // namespace

TEST_CASE("sort of many evenly spread numbers, some unlike the others") {
  sorts_many_even_numbers<float>(weft::less{});
  sorts_many_even_numbers<float>(weft::greater{});
  if (!slow_build || !emulated) sorts_many_even_numbers<double>(weft::greater{});
}

TEST_CASE("sort of evenly spread numbers among which are some that are none") {
  auto x = values<float>(many, 12);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(random_bits(81, i) >> 40) * 0x1p-24f;
  auto sorted = x;
  for (const std::size_t i : {x.size() / 3, x.size() / 2})
    sorted[i] = 2, x[i] = std::numeric_limits<float>::quiet_NaN();
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  std::rotate(sorted.begin(), sorted.begin() + 2, sorted.end());
  auto data = device_copy(x);
  weft::sort(policy, data.begin(), data.end(), weft::greater{});
  auto got = host_copy(data);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(got.back() != got.back());
    got.pop_back(), sorted.pop_back();
  }
  require_same(got, sorted);
}

namespace {
/// Numbers of `different` values, and at `strange` one that occurs once; not there if that is negative.
template <class T, class Less>
void sorts_few_values(offset n, int different, offset strange, Less less) {
  INFO("n = " << n << ", " << different << " values, another at " << strange << ", " << sizeof(T) << " bytes");
  const auto of = values<T>(different + 1, 7);
  std::vector<T> x(static_cast<std::size_t>(n));
  for (offset i = 0; i < n; ++i)
    x[static_cast<std::size_t>(i)] = of[random_bits(3, static_cast<u64>(i)) % static_cast<u64>(different)];
  if (strange >= 0) x[static_cast<std::size_t>(strange)] = of[static_cast<std::size_t>(different)];
  auto wanted = x;
  std::stable_sort(wanted.begin(), wanted.end(), less);
  auto data = device_copy(x);
  weft::sort(policy, data.begin(), data.end(), less);
  require_same(host_copy(data), wanted);
}
}  // namespace

TEST_CASE("sort of few different values, and of one more that no sample finds") {
  std::vector<offset> lengths{600, slow_build && emulated ? 3001 : 20011};
  if (!gpu_family) lengths.push_back(many);  // which sorts these as any others
  for (const offset n : lengths)
    for (const int different : {2, 3, 16, 32, 33}) {
      sorts_few_values<u64>(n, different, -1, weft::less{});
      sorts_few_values<i64>(n, different, -1, weft::greater{});
      sorts_few_values<i32>(n, different, n - 1, weft::less{});
      sorts_few_values<u64>(n, different, n / 2, weft::less{});
    }
  sorts_few_values<double>(many, 16, -1, weft::less{});
  sorts_few_values<float>(many, 16, many - 1, weft::greater{});
}

TEST_CASE("sort of many short keys") {
  sorts<std::uint16_t>({many}, weft::less{}, all_orders);
  sorts<i16>({many, many + 1}, weft::greater{}, all_orders);
  sorts<u8>({many}, weft::greater{}, all_orders);
  auto x = values<std::uint16_t>(many, 12);  // most of the numbers do not occur, some once, one very often
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 3 ? std::uint16_t{0} : i % 97 ? std::uint16_t{65535} : x[i];
  auto wanted = x;
  std::sort(wanted.begin(), wanted.end());
  auto data = device_copy(x);
  weft::sort(policy, data.begin(), data.end());
  require_same(host_copy(data), wanted);
}
TEST_CASE("sort_by_key of many keys, evenly and unevenly spread") {
  sorts_uneven_pairs<i32, u32>();
  sorts_uneven_pairs<u64, u32>();
  sorts_uneven_pairs<float, u64>();
  sorts_uneven_pairs<double, u32>();
}

namespace {
struct second_then_first {
  template <class Pair>
  WEFT_HOST_DEVICE bool operator()(const Pair& a, const Pair& b) const {
    return weft::get<1>(a) < weft::get<1>(b) ||
           (weft::get<1>(a) == weft::get<1>(b) && weft::get<0>(a) < weft::get<0>(b));
  }
};
}  // namespace

TEST_CASE("sort of a zip moves its ranges together") {  // peer defect 10
  const offset n = 4097;
  const auto x = values<u32>(n, 5);
  const auto y = values<u8>(n, 6);
  auto a = device_copy(x);
  auto b = device_copy(y);
  const auto zipped = weft::zip(a.begin(), b.begin());
  weft::sort(policy, zipped, zipped + n, second_then_first{});
  std::vector<std::pair<u8, u32>> wanted;
  for (std::size_t i = 0; i < x.size(); ++i) wanted.emplace_back(y[i], x[i]);
  std::sort(wanted.begin(), wanted.end());
  std::vector<u32> wanted_a;
  std::vector<u8> wanted_b;
  for (const auto& [second, first] : wanted) {
    wanted_a.push_back(first);
    wanted_b.push_back(second);
  }
  require_same(host_copy(a), wanted_a);
  require_same(host_copy(b), wanted_b);
}

TEST_CASE("sort takes a reversed range") {
  const auto x = values<i32>(5000, 7);
  auto data = device_copy(x);
  weft::sort(policy, weft::reversed(data.end()), weft::reversed(data.begin()));
  auto wanted = x;
  std::sort(wanted.begin(), wanted.end(), weft::greater{});
  require_same(host_copy(data), wanted);
}

TEST_CASE("sorts refuse bad arguments before anything runs") {
  auto data = device_copy(std::vector<i32>{3, 2, 1});
  REQUIRE(contains(refusal([&] { weft::sort(policy, null<i32>(), null<i32>() + 2); }), "sort: null pointer"));
  REQUIRE(contains(refusal([&] { weft::sort(policy, data.end(), data.begin()); }), "sort: negative count"));
  REQUIRE(contains(refusal([&] { weft::sort_by_key(policy, data.begin(), data.end(), null<i32>()); }),
                   "sort_by_key: null"));
  require_same(host_copy(data), {3, 2, 1});
}

TEST_CASE("a comparison that throws is passed on, and any copyable type sorts, on CPU backends") {
  if constexpr (!gpu_family) {
    auto x = values<i32>(70001, 8);
    REQUIRE_THROWS_AS(weft::sort(policy, x.begin(), x.end(), throws_at<i32>{x[69000]}), refused_value);
    auto words = values<std::string>(9000, 9);
    auto wanted = words;
    std::stable_sort(wanted.begin(), wanted.end());
    weft::sort(policy, words.begin(), words.end());
    require_same(words, wanted);
  }
}
