// What every test of the suite stands on. A test file is compiled once per backend with WEFT_TEST_POLICY (the policy
// object) and WEFT_TEST_HEADER (the header that declares it); its text knows no backend. Data come from a counter-based
// generator, so a failure names the seed and the size and can be repeated anywhere. Functors are structs: every
// compiler takes them.
#pragma once

#if __has_include(<catch2/catch.hpp>)
#define CATCH_CONFIG_FAST_COMPILE
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

#include WEFT_TEST_HEADER
#include <weft/buffer.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace weft_test {

using weft::offset;
using u8 = std::uint8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using u32 = std::uint32_t;
using i64 = std::int64_t;
using u64 = std::uint64_t;

inline constexpr auto policy = WEFT_TEST_POLICY;
using backend = decltype(policy)::backend;
inline constexpr std::string_view backend_name = backend::name;
inline constexpr bool emulated = backend_name == "simt";
/// Counts beyond 2^31 end in seconds, and no element costs memory.
inline constexpr bool takes_large = !emulated && backend_name != "reference";
/// GPU kernels: trivially copyable values only, and functors do not throw.
inline constexpr bool gpu_family = emulated || backend_name == "cuda" || backend_name == "hip";

// Sizes --------------------------------------------------------------------------------------------------------------

/// Built for a sanitizer or without optimisation (WEFT_TEST_SLOW_BUILD), which makes every step up to ten times as dear
/// and looks for what happens on a path, not for what it computes from how much: tests then take the sizes that still
/// reach every path.
#if defined(WEFT_TEST_SLOW_BUILD) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool slow_build = true;
#elif defined(__has_feature)
inline constexpr bool slow_build = __has_feature(thread_sanitizer) || __has_feature(address_sanitizer);
#else
inline constexpr bool slow_build = false;
#endif

/// The largest ordinary size: the emulation of a GPU takes some 50 ns for every step of every thread. In a
/// slow build it is still more tiles than a warp looks back over at once, and more than a ring holds.
inline constexpr offset large_n = emulated ? (slow_build ? 33013 : 60013) : (1 << (slow_build ? 18 : 20)) + 7;

/// Around warps, blocks, tiles and chunks.
inline std::vector<offset> sizes() {
  if (slow_build && emulated) return {0, 1, 2, 33, 64, 65, 255, 257, 4097, large_n};
  return {0, 1, 2, 31, 32, 33, 63, 64, 65, 255, 256, 257, 4095, 4096, 4097, large_n};
}
/// For the second type and the third distribution.
inline std::vector<offset> few_sizes() {
  if (slow_build) return {0, 1, 33, 257, emulated ? 8209 : 70001};
  return {0, 1, 33, 257, 4097, emulated ? 9001 : 70001};
}

// Values -------------------------------------------------------------------------------------------------------------

/// The index-th number of a stream of random 64-bit numbers (splitmix64): the same on every machine and compiler.
inline u64 random_bits(u64 seed, u64 index) {
  u64 x = seed * 0x9e3779b97f4a7c15u + (index + 1) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// 12 bytes: x -> a x + b modulo 2^32, with a word that rides along. Composition is associative, not commutative,
/// exact.
struct affine {
  u32 a, b, tag;
  WEFT_HOST_DEVICE friend bool operator==(const affine& x, const affine& y) {
    return x.a == y.a && x.b == y.b && x.tag == y.tag;
  }
  WEFT_HOST_DEVICE friend bool operator<(const affine& x, const affine& y) { return x.a < y.a; }
  WEFT_HOST_DEVICE friend affine operator+(const affine& x, const affine& y) {
    return {x.a + y.a, x.b + y.b, x.tag + y.tag};
  }
};
/// First x, then y.
struct composed {
  WEFT_HOST_DEVICE affine operator()(const affine& x, const affine& y) const {
    return {y.a * x.a, y.a * x.b + y.b, x.tag + y.tag};
  }
};

/// 16 bytes: a sort key with few different values and the place it came from, to see stability.
struct tagged {
  i64 key;
  i64 place;
  WEFT_HOST_DEVICE friend bool operator==(const tagged& x, const tagged& y) {
    return x.key == y.key && x.place == y.place;
  }
  WEFT_HOST_DEVICE friend bool operator<(const tagged& x, const tagged& y) { return x.key < y.key; }
  WEFT_HOST_DEVICE friend tagged operator+(const tagged& x, const tagged& y) {
    return {x.key + y.key, x.place + y.place};
  }
};

/// A value of T made of random bits: all integers, floating-point numbers of both signs in [-1, 1) with a full
/// mantissa.
template <class T>
T value_from(u64 bits, offset place) {
  if constexpr (std::is_same_v<T, float>) {
    return static_cast<float>(static_cast<i32>(bits >> 32) >> 7) * 0x1p-24f;
  } else if constexpr (std::is_same_v<T, double>) {
    return static_cast<double>(static_cast<i64>(bits) >> 10) * 0x1p-53;
  } else if constexpr (std::is_same_v<T, affine>) {
    return affine{static_cast<u32>(bits), static_cast<u32>(bits >> 32), static_cast<u32>(place)};
  } else if constexpr (std::is_same_v<T, tagged>) {
    return tagged{static_cast<i64>(bits) >> 40, place};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return std::string(1, static_cast<char>('a' + bits % 26));
  } else {
    return static_cast<T>(bits >> 8);
  }
}

enum class order { random, few, sorted, reversed, constant };
inline const char* name_of(order o) {
  constexpr const char* names[] = {"random", "few", "sorted", "reversed", "constant"};
  return names[static_cast<int>(o)];
}

/// n values: random, of five kinds only, ascending by `<`, descending, or all equal.
template <class T>
std::vector<T> values(offset n, u64 seed, order o = order::random) {
  std::vector<T> made;
  made.reserve(static_cast<std::size_t>(n));
  for (offset i = 0; i < n; ++i) {
    const u64 bits = random_bits(seed, static_cast<u64>(i));
    const u64 kind = o == order::few        ? random_bits(seed + 99, bits % 5)
                     : o == order::constant ? random_bits(seed, 0)
                                            : bits;
    made.push_back(value_from<T>(kind, i));
  }
  if (o == order::sorted || o == order::reversed) {
    std::stable_sort(made.begin(), made.end());
    if (o == order::reversed) std::reverse(made.begin(), made.end());
  }
  return made;
}

// Memory of the backend ----------------------------------------------------------------------------------------------

/// n elements and a few guards behind them, all filled with a pattern, in memory the backend works on. host_copy fails
/// when a guard was written.
template <class T>
class room {
  static constexpr offset guards = 16;

 public:
  explicit room(offset n) : n_(n), memory_(policy, n + guards) {
    const stream_of_policy s;
    s.stream.owner->fill_bytes(memory_.data(), pattern, memory_.bytes(), s.stream);
    s.stream.synchronize();
  }
  explicit room(const std::vector<T>& from) : room(static_cast<offset>(from.size())) {
    weft::copy_values(policy, from.data(), n_, memory_.data());
  }
  T* begin() { return memory_.data(); }
  T* end() { return memory_.data() + n_; }
  T* data() { return memory_.data(); }
  const T* begin() const { return memory_.data(); }
  const T* end() const { return memory_.data() + n_; }
  offset size() const { return n_; }
  std::vector<T> host() const {
    std::vector<T> all = weft::to_vector(policy, memory_.data(), n_ + guards);
    const auto* bytes = reinterpret_cast<const unsigned char*>(all.data() + n_);
    for (std::size_t i = 0; i < guards * sizeof(T); ++i)
      if (bytes[i] != pattern) FAIL("written behind the end of an output of " << n_ << " elements");
    all.resize(static_cast<std::size_t>(n_));
    return all;
  }

 private:
  static constexpr unsigned char pattern = 0xa5;
  struct stream_of_policy {
    weft::stream_ref stream = policy.stream();
  };
  offset n_;
  weft::buffer<T> memory_;
};

/// A copy of the values where the backend works on them: a room, or for types with constructors (CPU backends) a
/// vector.
template <class T>
auto device_copy(const std::vector<T>& from) {
  if constexpr (std::is_trivially_copyable_v<T>)
    return room<T>(from);
  else
    return std::vector<T>(from);
}
/// Room for n values, not initialised where that is possible.
template <class T>
auto device_room(offset n) {
  if constexpr (std::is_trivially_copyable_v<T>)
    return room<T>(n);
  else
    return std::vector<T>(static_cast<std::size_t>(n));
}
template <class T>
std::vector<T> host_copy(const room<T>& from) {
  return from.host();
}
template <class T>
std::vector<T> host_copy(const std::vector<T>& from) {
  return from;
}
/// The one value an `_into` call has written.
template <class T>
T only(const room<T>& from) {
  return from.host().at(0);
}

// Questions ----------------------------------------------------------------------------------------------------------

template <class T>
bool same(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>)
    return std::memcmp(&a, &b, sizeof(T)) == 0;
  else
    return a == b;
}

/// Equal element by element; floating-point values bit for bit.
template <class T>
void require_same(const std::vector<T>& got, const std::vector<T>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (same(got[i], wanted[i])) continue;
    if constexpr (std::is_arithmetic_v<T>)
      FAIL("element " << i << " is " << +got[i] << ", not " << +wanted[i]);
    else
      FAIL("element " << i << " differs");
  }
  SUCCEED();
}

/// Within `tolerance` of the wanted values, relative to the largest of them.
template <class T>
void require_close(const std::vector<T>& got, const std::vector<T>& wanted, double tolerance) {
  REQUIRE(got.size() == wanted.size());
  double scale = 1;
  for (const T& w : wanted) scale = std::max(scale, std::abs(static_cast<double>(w)));
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!(std::abs(static_cast<double>(got[i]) - static_cast<double>(wanted[i])) <= tolerance * scale))
      FAIL("element " << i << " is " << got[i] << ", not near " << wanted[i]);
  SUCCEED();
}

/// A null pointer that the compiler does not know to be one.
template <class T>
T* null() {
  T* volatile pointer = nullptr;
  return pointer;
}

/// The message of the weft::invalid_argument that `call` throws; empty when it throws none.
template <class Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const weft::invalid_argument& e) { return e.what(); }
  return {};
}
inline bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// Functors -----------------------------------------------------------------------------------------------------------

struct is_odd {
  template <class T>
  WEFT_HOST_DEVICE bool operator()(const T& x) const {
    return (static_cast<i64>(x) & 1) != 0;
  }
};
struct is_negative {
  template <class T>
  WEFT_HOST_DEVICE bool operator()(const T& x) const {
    return x < T{};
  }
};
struct never {
  template <class T>
  WEFT_HOST_DEVICE bool operator()(const T&) const {
    return false;
  }
};
struct always {
  template <class T>
  WEFT_HOST_DEVICE bool operator()(const T&) const {
    return true;
  }
};
template <class T>
struct at_least {
  T bound;
  WEFT_HOST_DEVICE bool operator()(const T& x) const { return !(x < bound); }
};
/// What a throwing functor throws (CPU backends pass it on; kernels cannot).
struct refused_value {};
template <class T>
struct throws_at {
  T value;
  T operator()(const T& x) const {
    if (x == value) throw refused_value{};
    return x;
  }
  bool operator()(const T& a, const T& b) const {
    if (a == value || b == value) throw refused_value{};
    return a < b;
  }
};

}  // namespace weft_test

using namespace weft_test;
