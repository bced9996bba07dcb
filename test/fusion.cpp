// Every iterator where algorithms meet it: read and written inside the backend's own code (in kernels, where there are
// any), alone and composed. That they are sound as iterators is test/iterator.cpp's to show.
#include "harness.hpp"

#include <weft/functional.hpp>
#include <weft/iterator.hpp>
#include <weft/reduce.hpp>
#include <weft/transform.hpp>

namespace {

struct doubled {
  template <class T>
  WEFT_HOST_DEVICE T operator()(const T& x) const {
    return static_cast<T>(x + x);
  }
};
/// Neither default constructible nor assignable, like a lambda with captures.
struct scaled_by {
  const i32 factor;
  const i64 shift;
  WEFT_HOST_DEVICE i64 operator()(i32 x) const { return i64{x} * factor + shift; }
};
struct joined {  // (a, b) -> a + 10 b, by binding
  template <class Pair>
  WEFT_HOST_DEVICE i64 operator()(const Pair& pair) const {
    const auto& [a, b] = pair;
    return a + 10 * b;
  }
};
struct split {  // x -> (x, 2 x)
  WEFT_HOST_DEVICE weft::tuple<i32, i64> operator()(i32 x) const { return weft::make_tuple(x, i64{x} + x); }
};
struct exchanged {
  template <class A, class B>
  WEFT_HOST_DEVICE auto operator()(const weft::tuple<A, B>& t) const {  // of values or of references

    return weft::make_tuple(get<1>(t), get<0>(t));
  }
};

/// What the backend reads from `first`, element by element.
template <class T, class It>
std::vector<T> read(It first, offset n) {
  room<T> out(n);
  weft::transform(policy, first, first + n, out.begin(), weft::identity{});
  return host_copy(out);
}
template <class T, class F>
std::vector<T> made(offset n, F f) {
  std::vector<T> v;
  for (offset i = 0; i < n; ++i) v.push_back(static_cast<T>(f(i)));
  return v;
}
std::vector<i32> small_values(offset n) {
  return made<i32>(n, [](offset i) { return static_cast<i32>(random_bits(5, static_cast<u64>(i)) % 2001) - 1000; });
}

}  // namespace

TEST_CASE("iterators without memory are read by the backend") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    require_same(read<i32>(weft::counting(3), n), made<i32>(n, [](offset i) { return i + 3; }));
    require_same(read<i64>(weft::counting(offset{1} << 40), n),
                 made<i64>(n, [](offset i) { return i + (i64{1} << 40); }));
    require_same(read<u8>(weft::counting(u8{7}), n), made<u8>(n, [](offset i) { return i + 7; }));
    require_same(read<double>(weft::constant(2.5), n), made<double>(n, [](offset) { return 2.5; }));
    require_same(read<i32>(weft::reversed(weft::counting(0) + n), n),
                 made<i32>(n, [n](offset i) { return n - 1 - i; }));
    require_same(read<i32>(weft::strided(weft::counting(1), 3), n), made<i32>(n, [](offset i) { return 1 + 3 * i; }));
  }
}

TEST_CASE("iterators over memory are read by the backend") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const auto x = small_values(n);
    const auto at = [&](offset i) { return x[static_cast<std::size_t>(i)]; };
    const auto in = device_copy(x);
    const auto order = made<u32>(n, [n](offset i) { return (i * 7 + 3) % n; });
    const auto places = device_copy(order);

    require_same(read<i32>(weft::transformed(in.begin(), doubled{}), n),
                 made<i32>(n, [&](offset i) { return 2 * at(i); }));
    require_same(read<i64>(weft::transformed(in.begin(), scaled_by{3, i64{1} << 33}), n),
                 made<i64>(n, [&](offset i) { return i64{3} * at(i) + (i64{1} << 33); }));
    require_same(read<i32>(weft::reversed(in.end()), n), made<i32>(n, [&](offset i) { return at(n - 1 - i); }));
    require_same(read<i32>(weft::strided(in.begin(), 2), n / 2), made<i32>(n / 2, [&](offset i) { return at(2 * i); }));
    require_same(read<i32>(weft::permuted(in.begin(), places.begin()), n),
                 made<i32>(n, [&](offset i) { return at(order[static_cast<std::size_t>(i)]); }));
    require_same(read<i64>(weft::transformed(weft::indexed(in.begin()), joined{}), n),
                 made<i64>(n, [&](offset i) { return i + 10 * at(i); }));
    // all of them in one
    const auto pairs = weft::zip(weft::permuted(in.begin(), places.begin()), weft::strided(weft::counting(0), 2));
    require_same(read<i64>(weft::reversed(weft::transformed(pairs, weft::compose(weft::negate{}, joined{})) + n), n),
                 made<i64>(n, [&](offset i) {
                   const offset j = n - 1 - i;
                   return -(at(order[static_cast<std::size_t>(j)]) + 20 * j);
                 }));
  }
}

TEST_CASE("iterators are written by the backend") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const auto x = small_values(n);
    const auto at = [&](offset i) { return x[static_cast<std::size_t>(i)]; };
    const auto in = device_copy(x);
    const auto order = made<u32>(n, [n](offset i) { return n - 1 - i; });
    const auto places = device_copy(order);
    const auto copied_to = [&](auto out) { weft::transform(policy, in.begin(), in.end(), out, weft::identity{}); };

    room<i32> a(n), b(n), c(2 * n), d(n);
    copied_to(weft::transformed_output(a.begin(), weft::bind_second(weft::plus{}, 5)));
    require_same(host_copy(a), made<i32>(n, [&](offset i) { return at(i) + 5; }));
    copied_to(weft::reversed(b.end()));
    require_same(host_copy(b), made<i32>(n, [&](offset i) { return at(n - 1 - i); }));
    copied_to(weft::strided(c.begin(), 2));
    copied_to(weft::strided(c.begin() + 1, 2));
    require_same(host_copy(c), made<i32>(2 * n, [&](offset i) { return at(i / 2); }));
    copied_to(weft::permuted(d.begin(), places.begin()));
    require_same(host_copy(d), made<i32>(n, [&](offset i) { return at(n - 1 - i); }));
    copied_to(weft::discard());
  }
}

TEST_CASE("structures of arrays are read and written as arrays of structures") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const auto x = small_values(n);
    const auto at = [&](offset i) { return x[static_cast<std::size_t>(i)]; };
    const auto in = device_copy(x);
    room<i32> a(n), c(n);
    room<i64> b(n), d(n);
    weft::transform(policy, in.begin(), in.end(), weft::zip(a.begin(), b.begin()), split{});
    require_same(host_copy(a), x);
    require_same(host_copy(b), made<i64>(n, [&](offset i) { return 2 * at(i); }));
    // element types exchanged on the way; one side reversed, one written twice as large, nothing into the third
    auto out = weft::zip(weft::transformed_output(d.begin(), doubled{}), weft::reversed(c.end()));
    const auto both = weft::zip(a.begin(), b.begin());
    weft::transform(policy, both, both + n, out, exchanged{});
    require_same(host_copy(d), made<i64>(n, [&](offset i) { return 4 * at(i); }));
    require_same(host_copy(c), made<i32>(n, [&](offset i) { return at(n - 1 - i); }));
    weft::transform(policy, both, both + n, weft::zip(weft::discard(), d.begin()), weft::identity{});
    require_same(host_copy(d), made<i64>(n, [&](offset i) { return 2 * at(i); }));
  }
}

TEST_CASE("an inner product is a reduction of iterators") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const auto x = small_values(n);
    const auto in = device_copy(x);
    i64 wanted = 0;
    for (offset i = 0; i < n; ++i) wanted += 10 * i64{x[static_cast<std::size_t>(i)]} + i;
    const auto terms = weft::transformed(weft::indexed(in.begin()), joined{});
    CHECK(weft::reduce(policy, terms, terms + n, i64{0}, weft::plus{}) == wanted);
    CHECK(weft::reduce(policy, weft::reversed(terms + n), weft::reversed(terms), i64{0}, weft::plus{}) == wanted);
  }
}
