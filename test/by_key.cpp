// Runs of equal keys: reduce_by_key, scans by key, unique_by_key.
#include "harness.hpp"

#include <weft/by_key.hpp>

#include <cmath>
#include <limits>
#include <numeric>

namespace {

/// Keys in runs of about `length` elements; some neighbouring runs have the same key and so are one.
template <class K>
std::vector<K> runs(offset n, u64 seed, u64 length) {
  std::vector<K> keys;
  K key{};
  for (offset i = 0; i < n; ++i) {
    const u64 bits = random_bits(seed, static_cast<u64>(i));
    if (bits % length == 0) key = static_cast<K>((bits >> 32) % 7);
    keys.push_back(key);
  }
  return keys;
}
constexpr u64 run_lengths[] = {1, 4, 300, 1u << 30};

template <class K, class V, class Op>
void folds_runs(const std::vector<offset>& lengths, Op op) {
  for (const offset n : lengths) {
    for (const u64 length : run_lengths) {
      INFO("n = " << n << ", runs of about " << length << ", " << sizeof(V) << " bytes");
      const auto keys = runs<K>(n, 1, length);
      const auto data = values<V>(n, 2);
      std::vector<K> wanted_keys;
      std::vector<V> wanted, inclusive, exclusive;
      const V init = value_from<V>(77, 0);
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const bool starts = i == 0 || !(keys[i - 1] == keys[i]);
        if (starts) wanted_keys.push_back(keys[i]);
        if (starts)
          wanted.push_back(data[i]);
        else
          wanted.back() = op(wanted.back(), data[i]);
        inclusive.push_back(wanted.back());
        exclusive.push_back(starts ? init : op(exclusive[i - 1], data[i - 1]));
      }
      const auto k = device_copy(keys);
      auto v = device_copy(data);
      const auto count = static_cast<offset>(wanted.size());
      room<K> out_keys(count);
      room<V> out(count), scanned(n);
      const auto ends = weft::reduce_by_key(policy, k.begin(), k.end(), v.begin(), out_keys.begin(), out.begin(),
                                            weft::equal_to{}, op);
      REQUIRE(ends.first == out_keys.end());
      REQUIRE(ends.second == out.end());
      require_same(host_copy(out_keys), wanted_keys);
      require_same(host_copy(out), wanted);

      REQUIRE(weft::inclusive_scan_by_key(policy, k.begin(), k.end(), v.begin(), scanned.begin(), weft::equal_to{},
                                          op) == scanned.end());
      require_same(host_copy(scanned), inclusive);
      weft::exclusive_scan_by_key(policy, k.begin(), k.end(), v.begin(), scanned.begin(), init, weft::equal_to{}, op);
      require_same(host_copy(scanned), exclusive);
      weft::exclusive_scan_by_key(policy, k.begin(), k.end(), v.begin(), v.begin(), init, weft::equal_to{}, op);
      require_same(host_copy(v), exclusive);  // in place
    }
  }
}

struct same_parity {
  WEFT_HOST_DEVICE bool operator()(i32 a, i32 b) const { return ((a ^ b) & 1) == 0; }
};

}  // namespace

TEST_CASE("reduce and scans by key fold each run in order") {
  folds_runs<i32, u32>(sizes(), weft::plus{});
  folds_runs<u8, affine>(few_sizes(), composed{});  // does not commute
}

TEST_CASE("unique_by_key keeps the first of each run") {
  for (const offset n : few_sizes()) {
    for (const u64 length : run_lengths) {
      INFO("n = " << n << ", runs of about " << length);
      const auto keys = runs<i32>(n, 3, length);
      const auto data = values<double>(n, 4);
      std::vector<i32> wanted_keys;
      std::vector<double> wanted;
      for (std::size_t i = 0; i < keys.size(); ++i)
        if (i == 0 || keys[i - 1] != keys[i]) {
          wanted_keys.push_back(keys[i]);
          wanted.push_back(data[i]);
        }
      const auto count = static_cast<offset>(wanted.size());
      auto k = device_copy(keys);
      auto v = device_copy(data);
      room<i32> out_keys(count);
      room<double> out(count);
      const auto ends = weft::unique_by_key_copy(policy, k.begin(), k.end(), v.begin(), out_keys.begin(), out.begin());
      REQUIRE(ends.first == out_keys.end());
      require_same(host_copy(out_keys), wanted_keys);
      require_same(host_copy(out), wanted);
      const auto kept = weft::unique_by_key(policy, k.begin(), k.end(), v.begin());  // in place
      REQUIRE(kept.first - k.begin() == count);
      REQUIRE(kept.second - v.begin() == count);
      auto front_keys = host_copy(k);
      auto front = host_copy(v);
      front_keys.resize(wanted.size());
      front.resize(wanted.size());
      require_same(front_keys, wanted_keys);
      require_same(front, wanted);
    }
  }
}

/// Runs of 1 to 20 elements, each of one kind of value: what a run holds must not reach its neighbours.
template <class V>
void keeps_runs_apart(offset n) {
  const V infinity = std::numeric_limits<V>::infinity(), nan = std::numeric_limits<V>::quiet_NaN();
  std::vector<i32> keys;
  std::vector<V> data, wanted;
  for (i32 key = 0; static_cast<offset>(keys.size()) < n; ++key) {
    const u64 bits = random_bits(8, static_cast<u64>(key));
    const V value = bits % 8 == 0 ? infinity : bits % 8 == 1 ? nan : bits % 8 == 2 ? V(-0.0) : static_cast<V>(bits % 8);
    V sum = value;  // small whole numbers: exact in any order
    keys.push_back(key), data.push_back(value);
    for (u64 more = (bits >> 8) % 20; more > 0 && static_cast<offset>(keys.size()) < n; --more) {
      keys.push_back(key), data.push_back(value);
      sum += value;
    }
    wanted.push_back(sum);
  }
  auto k = device_copy(keys);
  auto v = device_copy(data);
  room<V> sums(static_cast<offset>(wanted.size()));
  REQUIRE(weft::reduce_by_key(policy, k.begin(), k.end(), v.begin(), weft::discard(), sums.begin()).second ==
          sums.end());
  const auto found = host_copy(sums);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    INFO("run " << i << " of " << n << " elements");
    if (std::isnan(wanted[i]))
      REQUIRE(std::isnan(found[i]));
    else
      REQUIRE((found[i] == wanted[i] && std::signbit(found[i]) == std::signbit(wanted[i])));
  }
}
TEST_CASE("reduce_by_key: infinities, NaNs and zeros of either sign stay in their runs") {
  for (const offset n : {1, 63, 65, 1000, 4097, 70001}) {
    if (gpu_family && n > 5000) continue;
    keeps_runs_apart<float>(n);
    keeps_runs_apart<double>(n);
  }
}

TEST_CASE("the _into forms leave the count with the backend, and keys may be compared otherwise") {
  const auto keys = runs<i32>(5000, 5, 3);
  const auto data = values<u32>(5000, 6);
  offset parities = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) parities += i == 0 || !same_parity{}(keys[i - 1], keys[i]);
  auto k = device_copy(keys);
  auto v = device_copy(data);
  room<offset> counts(2);
  weft::reduce_by_key_into(policy, k.begin(), k.end(), v.begin(), weft::discard(), weft::discard(), counts.begin(),
                           same_parity{}, weft::maximum{});
  weft::unique_by_key_into(policy, k.begin(), k.end(), v.begin(), counts.begin() + 1, same_parity{});
  require_same(host_copy(counts), {parities, parities});
}

TEST_CASE("run lengths: reduce_by_key of a constant") {
  const auto keys = runs<u8>(4097, 7, 50);
  const auto k = device_copy(keys);
  room<u8> symbols(4097);
  room<i64> lengths(4097);
  const auto ends =
      weft::reduce_by_key(policy, k.begin(), k.end(), weft::constant(i64{1}), symbols.begin(), lengths.begin());
  const auto count = static_cast<std::size_t>(ends.second - lengths.begin());
  auto got = host_copy(lengths);
  got.resize(count);
  REQUIRE(std::accumulate(got.begin(), got.end(), i64{0}) == 4097);
  std::vector<u8> decoded;
  const auto symbol = host_copy(symbols);
  for (std::size_t r = 0; r < count; ++r) decoded.insert(decoded.end(), static_cast<std::size_t>(got[r]), symbol[r]);
  require_same(decoded, keys);
}

TEST_CASE("calls by key refuse bad arguments before anything runs") {
  auto data = device_copy(std::vector<i32>{1, 1, 2});
  const auto b = data.begin(), e = data.end();
  REQUIRE(contains(refusal([&] { weft::reduce_by_key(policy, b, e, null<i32>(), b, b); }), "reduce_by_key: null"));
  REQUIRE(contains(refusal([&] { weft::inclusive_scan_by_key(policy, e, b, b, b); }), "negative count"));
  REQUIRE(contains(refusal([&] { weft::unique_by_key_into(policy, b, e, b, null<offset>()); }), "unique_by_key: null"));
  require_same(host_copy(data), {1, 1, 2});
}

// A template, so that GPU backends do not compile it.
template <class Policy>
void copyable_types(const Policy& policy) {
  const auto keys = runs<i32>(3000, 8, 20);
  const auto words = values<std::string>(3000, 9);
  std::vector<std::string> wanted, out(3000), scanned(3000);
  std::vector<i32> out_keys(3000);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i == 0 || keys[i - 1] != keys[i])
      wanted.push_back(words[i]);
    else
      wanted.back() += words[i];
  }
  const auto ends = weft::reduce_by_key(policy, keys.begin(), keys.end(), words.begin(), out_keys.begin(), out.begin());
  out.resize(static_cast<std::size_t>(ends.second - out.begin()));
  require_same(out, wanted);
  weft::inclusive_scan_by_key(policy, keys.begin(), keys.end(), words.begin(), scanned.begin());
  REQUIRE(scanned.back() == wanted.back());
}
TEST_CASE("by_key: any copyable type on CPU backends") {
  if constexpr (!gpu_family) copyable_types(policy);
}
