// Function objects: against the operators of the language, in constant expressions, on mixed types and at the edges of
// floating point; functions of functions.
#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

#include <weft/functional.hpp>

#include <cmath>
#include <limits>
#include <memory>
#include <string>

namespace {

using namespace weft;

static_assert(plus{}(2, 3) == 5 && minus{}(2, 3) == -1 && multiplies{}(2, 3) == 6 && divides{}(7, 2) == 3);
static_assert(modulus{}(7, 4) == 3 && negate{}(4) == -4 && square{}(-3) == 9 && square{}(1.5f) == 2.25f);
static_assert(multiplies{}(1.5, 2.0) == 3.0 && multiplies{}(1.5f, 2.0f) == 3.0f && multiplies{}(2, 1.5) == 3.0);
static_assert(minimum{}(2, 3) == 2 && maximum{}(2, 3) == 3 && minimum{}(3, 2) == 2 && maximum{}(3, 2) == 3);
static_assert(less{}(1, 2) && !less{}(2, 2) && greater{}(2, 1) && !greater{}(2, 2));
static_assert(less_equal{}(2, 2) && !less_equal{}(3, 2) && greater_equal{}(2, 2) && !greater_equal{}(1, 2));
static_assert(equal_to{}(2, 2L) && !equal_to{}(2, 3) && not_equal_to{}(2, 3) && !not_equal_to{}(2, 2));
static_assert(logical_and{}(true, 2) && !logical_and{}(true, 0) && logical_or{}(0, 1) && !logical_or{}(0, 0));
static_assert(logical_not{}(0) && !logical_not{}(3));
static_assert(bit_and{}(6u, 3u) == 2 && bit_or{}(6u, 3u) == 7 && bit_xor{}(6u, 3u) == 5 && bit_not{}(0u) == ~0u);
static_assert(absolute{}(-3) == 3 && absolute{}(3) == 3 && absolute{}(7u) == 7u && absolute{}(-2.5) == 2.5);
static_assert(std::is_same_v<decltype(absolute{}(short{})), short>);
static_assert(std::is_same_v<decltype(plus{}(1, 1.0)), double> && std::is_same_v<decltype(minimum{}(1, 1L)), long>);

// Stateless, and free to pass to a kernel.
template <class... Fs>
constexpr bool stateless = ((std::is_empty_v<Fs> && std::is_trivially_copyable_v<Fs>)&&...);
static_assert(stateless<plus, minus, multiplies, divides, modulus, negate, square, absolute, minimum, maximum, less,
                        greater, less_equal, greater_equal, equal_to, not_equal_to, logical_and, logical_or,
                        logical_not, bit_and, bit_or, bit_xor, bit_not, identity>);
static_assert(std::is_trivially_copyable_v<decltype(not_fn(less{}))> &&
              std::is_trivially_copyable_v<decltype(bind_second(plus{}, 1.5f))> &&
              std::is_trivially_copyable_v<decltype(compose(negate{}, square{}))> &&
              std::is_trivially_copyable_v<decltype(swapped(less{}))>);

// identity: lvalues by reference, temporaries by value.
static_assert(std::is_same_v<decltype(identity{}(std::declval<int&>())), int&>);
static_assert(std::is_same_v<decltype(identity{}(std::declval<const int&>())), const int&>);
static_assert(std::is_same_v<decltype(identity{}(std::declval<int>())), int>);

static_assert(not_fn(less{})(2, 1) && !not_fn(less{})(1, 2) && not_fn(logical_not{})(1));
static_assert(swapped(minus{})(2, 5) == 3 && swapped(less{})(2, 1));
static_assert(bind_first(minus{}, 10)(3) == 7 && bind_second(minus{}, 10)(3) == -7);
static_assert(compose(negate{}, square{})(3) == -9 && compose(square{}, minus{})(1, 4) == 9);
static_assert(compose(bind_second(plus{}, 1), compose(square{}, bind_first(multiplies{}, 2)))(3) == 37);

TEST_CASE("function objects: other types than numbers", "[functional]") {
  const std::string a = "a", b = "b";
  CHECK(plus{}(a, b) == "ab");
  CHECK(minimum{}(b, a) == "a");
  CHECK(maximum{}(a, b) == "b");
  CHECK(less{}(a, "b"));
  CHECK(equal_to{}(a, "a"));
  CHECK(bind_second(plus{}, std::string("!"))(a) == "a!");
  CHECK(*identity{}(std::make_unique<int>(3)) == 3);
}

TEST_CASE("function objects: among equals the first", "[functional]") {
  struct item {
    int key, place;
    bool operator<(const item& other) const { return key < other.key; }
  };
  CHECK(minimum{}(item{1, 1}, item{1, 2}).place == 1);
  CHECK(maximum{}(item{1, 1}, item{1, 2}).place == 1);
  CHECK(std::signbit(minimum{}(-0.0, 0.0)));
  CHECK_FALSE(std::signbit(minimum{}(0.0, -0.0)));
}

TEST_CASE("function objects: the edges of floating point", "[functional]") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  CHECK_FALSE(std::signbit(absolute{}(-0.0)));
  CHECK_FALSE(std::signbit(absolute{}(-0.0f)));
  CHECK(std::isnan(absolute{}(nan)));
  CHECK(absolute{}(-inf) == inf);
  CHECK(std::signbit(negate{}(0.0)));
  CHECK_FALSE(less{}(nan, 1.0));
  CHECK_FALSE(greater_equal{}(nan, 1.0));  // not the opposite of less
  CHECK(not_equal_to{}(nan, nan));
}

// (1 + e)(1 - e) = 1 - e^2 rounds to 1; fused with the subtraction that follows, -e^2 would be left over.
TEST_CASE("function objects: a product is rounded before it is added", "[functional]") {
  volatile float one = 1, e = std::ldexp(1.f, -13);
  const float up = one + e, down = one - e;
  CHECK(minus{}(multiplies{}(up, down), static_cast<float>(one)) == 0.f);
  volatile double one_d = 1, e_d = std::ldexp(1., -27);
  const double up_d = one_d + e_d, down_d = one_d - e_d;
  CHECK(minus{}(multiplies{}(up_d, down_d), static_cast<double>(one_d)) == 0.);
  volatile float x = 1 + std::ldexp(1.f, -12);  // x^2 = 1 + 2^-11 + 2^-24, a tie that rounds to even
  CHECK(minus{}(square{}(static_cast<float>(x)), 1 + std::ldexp(1.f, -11)) == 0.f);
}

}  // namespace
