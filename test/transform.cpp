// transform with one and two inputs and with a condition: types, aliasing, iterators.
#include "harness.hpp"

#include <weft/transform.hpp>

namespace {

struct triple_plus_one {
  template <class T>
  WEFT_HOST_DEVICE T operator()(const T& x) const {
    return static_cast<T>(x * T(3) + T(1));
  }
};
struct to_double {
  WEFT_HOST_DEVICE double operator()(i32 x) const { return x * 0.5; }
};
struct tag_only {
  WEFT_HOST_DEVICE affine operator()(const affine& x) const { return {x.b, x.a, x.tag + 1}; }
};
struct less_twice {
  template <class A, class B>
  WEFT_HOST_DEVICE A operator()(const A& a, const B& b) const {
    return static_cast<A>(a - 2 * b);
  }
};

template <class T>
void maps(const std::vector<offset>& lengths) {
  for (const offset n : lengths) {
    INFO("n = " << n << ", " << sizeof(T) << " bytes");
    const auto x = values<T>(n, 1);
    std::vector<T> wanted;
    for (const T& v : x) wanted.push_back(triple_plus_one{}(v));
    auto in = device_copy(x);
    room<T> out(n);
    REQUIRE(weft::transform(policy, in.begin(), in.end(), out.begin(), triple_plus_one{}) == out.end());
    require_same(host_copy(out), wanted);
    require_same(host_copy(in), x);
    weft::transform(policy, in.begin(), in.end(), in.begin(), triple_plus_one{});  // in place
    require_same(host_copy(in), wanted);
  }
}

}  // namespace

TEST_CASE("transform maps every element") {
  maps<u32>(sizes());
  maps<u8>(few_sizes());
  maps<i16>(few_sizes());
  maps<i64>(few_sizes());
}

TEST_CASE("transform between types and into structs") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const auto x = values<i32>(n, 2);
    const auto in = device_copy(x);
    room<double> out(n);
    weft::transform(policy, in.begin(), in.end(), out.begin(), to_double{});
    std::vector<double> wanted;
    for (const i32 v : x) wanted.push_back(v * 0.5);
    require_same(host_copy(out), wanted);

    const auto y = values<affine>(n, 3);
    const auto structs = device_copy(y);
    room<affine> tagged_out(n);
    weft::transform(policy, structs.begin(), structs.end(), tagged_out.begin(), tag_only{});
    std::vector<affine> swapped_wanted;
    for (const affine& v : y) swapped_wanted.push_back(tag_only{}(v));
    require_same(host_copy(tagged_out), swapped_wanted);
  }
}

TEST_CASE("transform from and to addresses of every alignment") {
  const auto x = values<u8>(5000, 4);
  const auto in = device_copy(x);
  for (const offset shift : {1, 3, 8, 15}) {
    INFO("shift = " << shift);
    room<u8> out(4900);
    weft::transform(policy, in.begin() + shift, in.begin() + shift + 4800, out.begin() + shift + 1, triple_plus_one{});
    const auto got = host_copy(out);
    std::vector<u8> wanted;
    for (offset i = 0; i < 4800; ++i) wanted.push_back(triple_plus_one{}(x[static_cast<std::size_t>(i + shift)]));
    require_same(std::vector<u8>(got.begin() + shift + 1, got.begin() + shift + 4801), wanted);
    REQUIRE(got[static_cast<std::size_t>(shift)] == 0xa5);  // the pattern of the room: not written
    REQUIRE(got[static_cast<std::size_t>(shift + 4801)] == 0xa5);
  }
}

TEST_CASE("transform of two ranges") {
  for (const offset n : sizes()) {
    INFO("n = " << n);
    const auto x = values<i64>(n, 5);
    const auto y = values<u32>(n, 6);
    std::vector<i64> wanted;
    for (std::size_t i = 0; i < x.size(); ++i) wanted.push_back(less_twice{}(x[i], y[i]));
    auto a = device_copy(x);
    const auto b = device_copy(y);
    room<i64> out(n);
    REQUIRE(weft::transform(policy, a.begin(), a.end(), b.begin(), out.begin(), less_twice{}) == out.end());
    require_same(host_copy(out), wanted);
    weft::transform(policy, a.begin(), a.end(), b.begin(), a.begin(), less_twice{});  // into the first input
    require_same(host_copy(a), wanted);
  }
}

TEST_CASE("transform reads and writes through iterators") {
  const auto x = values<u32>(3000, 7);
  const auto in = device_copy(x);
  room<u32> out(3000);
  weft::transform(policy, weft::reversed(in.end()), weft::reversed(in.begin()), out.begin(), weft::identity{});
  require_same(host_copy(out), std::vector<u32>(x.rbegin(), x.rend()));
  weft::transform(policy, weft::strided(in.begin(), 3), weft::strided(in.begin(), 3) + 1000, out.begin(),
                  weft::identity{});
  weft::transform(policy, in.begin(), in.end(), weft::discard(), triple_plus_one{});
  const auto got = host_copy(out);
  for (std::size_t i = 0; i < 1000; ++i)
    if (got[i] != x[3 * i]) FAIL("element " << i);
}

TEST_CASE("transform_if writes where the condition holds only") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const auto x = values<i32>(n, 8), stencil = values<i32>(n, 9);
    const auto in = device_copy(x), flags = device_copy(stencil);
    auto by_flag = std::vector<i32>(x.size(), 77), by_value = by_flag;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (is_odd{}(stencil[i])) by_flag[i] = x[i] / 2;
      if (is_odd{}(x[i])) by_value[i] = x[i] / 2;
    }
    auto out = device_copy(std::vector<i32>(x.size(), 77));
    weft::transform_if(policy, in.begin(), in.end(), flags.begin(), out.begin(), weft::bind_second(weft::divides{}, 2),
                       is_odd{});
    require_same(host_copy(out), by_flag);
    auto again = device_copy(std::vector<i32>(x.size(), 77));
    weft::transform_if(policy, in.begin(), in.end(), again.begin(), weft::bind_second(weft::divides{}, 2), is_odd{});
    require_same(host_copy(again), by_value);
  }
}

TEST_CASE("transform refuses bad arguments before anything runs") {
  const i32* const none = null<const i32>();
  auto data = device_copy(std::vector<i32>{1, 2, 3});
  const auto call = [&](const i32* first, const i32* last, i32* out) {
    return refusal([&] { weft::transform(policy, first, last, out, triple_plus_one{}); });
  };
  REQUIRE(contains(call(none, none + 3, data.begin()), "transform: null pointer"));
  REQUIRE(contains(call(data.begin(), data.end(), nullptr), "transform: null pointer"));
  REQUIRE(contains(call(data.end(), data.begin(), data.begin()), "transform: negative count"));
  REQUIRE(call(none, none, nullptr).empty());
  require_same(host_copy(data), {1, 2, 3});
}

TEST_CASE("a function that throws is passed on, and any copyable type works, on CPU backends") {
  if constexpr (!gpu_family) {
    const auto x = values<i32>(70001, 10);
    std::vector<i32> out(x.size());
    REQUIRE_THROWS_AS(weft::transform(policy, x.begin(), x.end(), out.begin(), throws_at<i32>{x[60000]}),
                      refused_value);
    const auto words = values<std::string>(5000, 11);
    std::vector<std::string> doubled(words.size()), wanted;
    for (const auto& w : words) wanted.push_back(w + w);
    weft::transform(policy, words.begin(), words.end(), words.begin(), doubled.begin(), weft::plus{});
    require_same(doubled, wanted);
  }
}
