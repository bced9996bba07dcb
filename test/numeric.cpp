// Number formats: every narrow value there and back, rounding against one done by search in double, the same bits on
// the device as on the host.
#include "harness.hpp"

#include <weft/numeric.hpp>
#include <weft/transform.hpp>

namespace {

template <class F>
struct narrow_bits {
  WEFT_HOST_DEVICE auto operator()(float x) const { return F(x).bits; }
};
template <class F>
struct widen {
  WEFT_HOST_DEVICE float operator()(F x) const { return x; }
};

/// The value of bits, from the definition of a format with E exponent and M mantissa bits.
double meaning(unsigned bits, int e, int m, bool has_infinity) {
  const int bias = (1 << (e - 1)) - 1, exponent = static_cast<int>(bits >> m & ((1u << e) - 1));
  const double fraction = static_cast<double>(bits & ((1u << m) - 1)) / (1 << m);
  const double sign = bits >> (e + m) & 1 ? -1 : 1;
  if (exponent == (1 << e) - 1 && has_infinity)
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  if (!has_infinity && (bits & ((1u << (e + m)) - 1)) == (1u << (e + m)) - 1) return std::nan("");
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
}

template <class F>
void check_format(int e, int m, bool has_infinity, bool saturates) {
  using bits_type = decltype(F{}.bits);
  std::vector<F> all;
  for (unsigned b = 0; b < 1u << (8 * sizeof(F)); ++b) {
    F f{};
    f.bits = static_cast<bits_type>(b);
    all.push_back(f);
  }
  const auto in = device_copy(all);
  auto out = device_room<float>(static_cast<offset>(all.size()));
  weft::transform(policy, in.begin(), in.end(), out.begin(), widen<F>{});
  const auto values = host_copy(out);
  // Numbers: every value, the points halfway to the next one, and a little to either side of these.
  std::vector<float> probes;
  std::vector<bits_type> wanted;
  const unsigned top = (1u << (e + m)) - 1;
  for (unsigned b = 0; b <= top; ++b) {
    const double value = meaning(b, e, m, has_infinity);
    if (std::isnan(value)) {
      REQUIRE(std::isnan(values[b]));
      continue;
    }
    REQUIRE(static_cast<double>(values[b]) == value);
    REQUIRE(static_cast<float>(all[b]) == values[b]);
    REQUIRE(static_cast<double>(values[b | (top + 1)]) == -value);
    if (std::isinf(value)) continue;
    const auto probe = [&](double x, unsigned result) {
      if (static_cast<double>(static_cast<float>(x)) != x) return;
      probes.push_back(static_cast<float>(x)), wanted.push_back(static_cast<bits_type>(result));
      probes.push_back(static_cast<float>(-x)), wanted.push_back(static_cast<bits_type>(result | (top + 1)));
    };
    probe(value, b);
    const double next = meaning(b + 1, e, m, false);
    const bool last = has_infinity ? std::isinf(meaning(b + 1, e, m, true)) : b + 1 == top;
    if (std::isnan(next) && !last) continue;
    const double step = last ? value - meaning(b - 1, e, m, has_infinity) : next - value, half = value + step / 2;
    const unsigned up = last && saturates ? b : b + 1;
    probe(half, b % 2 == 0 ? b : up);
    probe(std::nextafter(static_cast<float>(half), 0.f), b);
    probe(std::nextafter(static_cast<float>(half), std::numeric_limits<float>::infinity()), up);
  }
  const float inf = std::numeric_limits<float>::infinity();
  const unsigned largest = has_infinity ? top - (1u << m) : top - 1;
  for (const float large : {1e30f, 3.4e38f, inf}) {
    if (e == 8 && large != inf) continue;
    probes.push_back(large), wanted.push_back(static_cast<bits_type>(saturates ? largest : largest + 1));
    probes.push_back(-large), wanted.push_back(static_cast<bits_type>((saturates ? largest : largest + 1) | (top + 1)));
  }
  const auto from = device_copy(probes);
  auto to = device_room<bits_type>(static_cast<offset>(probes.size()));
  weft::transform(policy, from.begin(), from.end(), to.begin(), narrow_bits<F>{});
  const auto device_bits = host_copy(to);
  for (std::size_t i = 0; i < probes.size(); ++i) {
    INFO("rounding " << probes[i]);
    REQUIRE(static_cast<unsigned>(device_bits[i]) == static_cast<unsigned>(wanted[i]));
    REQUIRE(static_cast<unsigned>(F(probes[i]).bits) == static_cast<unsigned>(wanted[i]));
    // A double just beside the probe rounds by itself, not by way of float.
    const double x = probes[i];
    if (std::isinf(x)) continue;
    REQUIRE(static_cast<unsigned>(F(x).bits) == static_cast<unsigned>(wanted[i]));
  }
  REQUIRE(std::isnan(static_cast<float>(F(std::nanf("")))));
}

}  // namespace

TEST_CASE("float16, bfloat16 and the 8-bit floats hold what their formats say and round to nearest even") {
  check_format<weft::float16>(5, 10, true, false);
  check_format<weft::bfloat16>(8, 7, true, false);
  check_format<weft::float8_e4m3>(4, 3, false, true);
  check_format<weft::float8_e5m2>(5, 2, true, true);
}

TEST_CASE("doubles are rounded once") {
  // Halfway between two float16 in float, above halfway in double.
  const double x = 1 + 0x1p-11 + 0x1p-40;
  CHECK(weft::float16(static_cast<float>(x)).bits == 0x3c00);
  CHECK(weft::float16(x).bits == 0x3c01);
  CHECK(weft::float16(-x).bits == 0xbc01);
  CHECK(weft::bfloat16(1 + 0x1p-8 + 0x1p-50).bits == 0x3f81);
  CHECK(weft::float16(1e300).bits == 0x7c00);
  CHECK(weft::float16(-1e-300).bits == 0x8000);
  CHECK(weft::float16(3).bits == 0x4200);
}

TEST_CASE("tf32 rounds to ten bits and is a float in memory") {
  CHECK(static_cast<float>(weft::tf32(1 + 0x1p-11f)) == 1);
  CHECK(static_cast<float>(weft::tf32(1 + 0x1.8p-10f)) == 1 + 0x1p-9f);
  CHECK(static_cast<float>(weft::tf32(1.0009765625f)) == 1.0009765625f);
  CHECK(std::isinf(static_cast<float>(weft::tf32(std::numeric_limits<float>::infinity()))));
}

TEST_CASE("complex numbers, and types of other libraries by their bits") {
  const weft::complex<float> i(0, 1), z(3, 4);
  CHECK(i * i == weft::complex<float>(-1));
  CHECK(z + i - 1.f == weft::complex<float>(2, 5));
  CHECK(-z == weft::complex<float>(-3, -4));
  struct other_half {
    unsigned short x;
  };
  CHECK(static_cast<float>(weft::bits_as<weft::float16>(other_half{0x3e00})) == 1.5f);
  other_half two[2] = {{0x3c00}, {0x4000}};
  const other_half* const p = two;
  static_assert(std::is_same_v<decltype(weft::bits_as<weft::float16>(p)), const weft::float16*>);
  CHECK(static_cast<float>(weft::bits_as<weft::float16>(p)[1]) == 2);
}

TEST_CASE("conversion to integers rounds to nearest even and saturates") {
  const auto to_byte = [](auto x) { return +weft::converted<std::int8_t>(x); };
  CHECK(to_byte(2.5f) == 2);
  CHECK(to_byte(-3.5f) == -4);
  CHECK(to_byte(127.6f) == 127);
  CHECK(to_byte(-1e9f) == -128);
  CHECK(to_byte(std::nanf("")) == 0);
  CHECK(to_byte(1000) == 127);
  CHECK(to_byte(-0.5) == 0);
  CHECK(+weft::converted<std::uint8_t>(-3.f) == 0);
  CHECK(weft::converted<i32>(3e9f) == std::numeric_limits<i32>::max());
  CHECK(weft::converted<i32>(-2147483648.0) == std::numeric_limits<i32>::min());
  CHECK(weft::converted<u32>(4e9) == 4000000000u);
}
