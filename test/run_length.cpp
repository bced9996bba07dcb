// Run-length coding: short and long runs, one run, no two alike, runs across tiles, empty runs, and back.
#include "harness.hpp"

#include <weft/fill.hpp>
#include <weft/run_length.hpp>

namespace {

struct same_sixteenth {
  WEFT_HOST_DEVICE bool operator()(u32 a, u32 b) const { return a / 16 == b / 16; }
};

/// n elements in runs of up to `most` equal ones.
template <class T>
std::vector<T> in_runs(offset n, offset most, u64 seed) {
  std::vector<T> x;
  for (u64 run = 0; static_cast<offset>(x.size()) < n; ++run) {
    const offset length = 1 + static_cast<offset>(random_bits(seed, run) % static_cast<u64>(most));
    const T value = value_from<T>(random_bits(seed + 1, run), static_cast<offset>(run));
    for (offset k = 0; k < length && static_cast<offset>(x.size()) < n; ++k) x.push_back(value);
  }
  return x;
}

template <class T, class L, class Equal = weft::equal_to>
void codes(const std::vector<T>& x, Equal equal = {}) {
  const auto n = static_cast<offset>(x.size());
  std::vector<T> values;
  std::vector<L> lengths;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i == 0 || !equal(x[i - 1], x[i])) {
      values.push_back(x[i]);
      lengths.push_back(0);
    }
    lengths.back() = static_cast<L>(lengths.back() + 1);
  }
  const auto runs = static_cast<offset>(values.size());
  INFO("n = " << n << ", runs = " << runs << ", " << sizeof(T) << " bytes");
  const auto in = device_copy(x);
  auto out = device_room<T>(runs);
  auto out_lengths = device_room<L>(runs);
  room<offset> count(1);
  weft::run_length_encode_into(policy, in.begin(), in.end(), out.begin(), out_lengths.begin(), count.begin(), equal);
  REQUIRE(only(count) == runs);
  require_same(host_copy(out), values);
  require_same(host_copy(out_lengths), lengths);
  const auto ends = weft::run_length_encode(policy, in.begin(), in.end(), out.begin(), out_lengths.begin(), equal);
  REQUIRE(ends.first - out.begin() == runs);
  REQUIRE(ends.second - out_lengths.begin() == runs);

  // And back: elements that are equal by `equal` become the first of their run.
  std::vector<T> wanted;
  for (std::size_t r = 0; r < values.size(); ++r) wanted.insert(wanted.end(), std::size_t(lengths[r]), values[r]);
  auto back = device_room<T>(n);
  REQUIRE(weft::run_length_decode(policy, out.begin(), out.end(), out_lengths.begin(), back.begin()) == back.end());
  require_same(host_copy(back), wanted);
}

}  // namespace

TEST_CASE("run-length encoding and decoding") {
  for (const offset n : sizes())
    for (const offset most : {offset{1}, offset{16}, offset{3000}}) codes<u32, u32>(in_runs<u32>(n, most, 1));
  for (const offset n : few_sizes()) {
    codes<u8, offset>(in_runs<u8>(n, 5, 2));
    codes<double, i32>(in_runs<double>(n, 100, 3));
    codes<affine, u32>(in_runs<affine>(n, 9, 4));
    codes<i16, offset>(std::vector<i16>(static_cast<std::size_t>(n), i16{7}));
    codes<u32, u32>(in_runs<u32>(n, 3, 5), same_sixteenth{});
  }
}

TEST_CASE("run-length encoding around tiles") {
  for (const offset size : {1024, 2048, 4096, 8192, 16384})
    for (const offset n : {size - 1, size, size + 1, 2 * size + 1})
      for (const offset most : {offset{2}, 2 * size}) codes<u32, offset>(in_runs<u32>(n, most, 6));
}

TEST_CASE("run-length decoding: empty runs, and no more than there is room for") {
  for (const offset runs : few_sizes()) {
    const auto values = weft_test::values<u32>(runs, 8);
    std::vector<u8> lengths;
    std::vector<u32> wanted;
    for (offset r = 0; r < runs; ++r) {
      const u64 bits = random_bits(9, static_cast<u64>(r));
      lengths.push_back(static_cast<u8>(bits % 4 > 0 || r / 500 % 2 ? 0 : bits / 4 % 40));
      wanted.insert(wanted.end(), lengths.back(), values[static_cast<std::size_t>(r)]);
    }
    const auto total = static_cast<offset>(wanted.size());
    for (const offset space : {total / 2, total, total + 100}) {
      INFO("runs = " << runs << ", total = " << total << ", room = " << space);
      const auto in = device_copy(values);
      const auto in_lengths = device_copy(lengths);
      room<u32> out(space);
      room<offset> count(1);
      weft::fill(policy, out.begin(), out.end(), 77u);
      weft::run_length_decode_into(policy, in.begin(), in.end(), in_lengths.begin(), out.begin(), out.end(),
                                   count.begin());
      REQUIRE(only(count) == total);
      auto all = wanted;
      all.resize(static_cast<std::size_t>(space), 77u);
      require_same(host_copy(out), all);
    }
  }
}

TEST_CASE("run-length coding refuses bad arguments before anything runs") {
  auto data = device_copy(std::vector<u32>{1, 1, 2, 3});
  room<offset> lengths(4), count(1);
  REQUIRE(contains(refusal([&] {
                     weft::run_length_encode_into(policy, data.end(), data.begin(), data.begin(), lengths.begin(),
                                                  count.begin());
                   }),
                   "run_length_encode: negative count"));
  REQUIRE(contains(refusal([&] {
                     weft::run_length_decode_into(policy, data.begin(), data.end(), null<offset>(), data.begin(),
                                                  data.end(), count.begin());
                   }),
                   "run_length_decode: null"));
  require_same(host_copy(data), {1, 1, 2, 3});
}

TEST_CASE("run-length coding: any copyable type on CPU backends") {
  if constexpr (!gpu_family) {
    codes<std::string, offset>(in_runs<std::string>(100000, 4, 10));
    codes<std::string, u32>(in_runs<std::string>(40, 4, 11));
  }
}
