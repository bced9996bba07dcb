// copy_if, remove, unique, partition: what is kept, in which order, in place and not, with the count on either side.
#include "harness.hpp"

#include <weft/select.hpp>

namespace {

/// Which elements are kept: none, all, about half, few.
struct keep_below {
  u32 bound;
  template <class T>
  WEFT_HOST_DEVICE bool operator()(const T& x) const {
    return static_cast<u32>(x) < bound;
  }
  WEFT_HOST_DEVICE bool operator()(const affine& x) const { return x.a < bound; }
};
struct first_of {
  template <class Tuple>
  WEFT_HOST_DEVICE auto operator()(const Tuple& t) const {
    return weft::get<0>(t) + 0;
  }
};
constexpr u32 bounds[] = {0, 0xffffffffu, 0x80000000u, 0x02000000u};

template <class T>
void keeps(const std::vector<offset>& lengths) {
  for (const offset n : lengths) {
    for (const u32 bound : bounds) {
      INFO("n = " << n << ", bound = " << bound << ", " << sizeof(T) << " bytes");
      const auto x = values<T>(n, 1);
      const keep_below keep{sizeof(T) < 4 ? bound >> 24 : bound};
      std::vector<T> kept, others;
      for (const T& v : x) (keep(v) ? kept : others).push_back(v);
      const auto count = static_cast<offset>(kept.size());
      const auto in = device_copy(x);
      room<T> out(count), rejected(n - count);  // not one element more
      REQUIRE(weft::copy_if(policy, in.begin(), in.end(), out.begin(), keep) == out.end());
      require_same(host_copy(out), kept);
      const auto ends = weft::partition_copy(policy, in.begin(), in.end(), out.begin(), rejected.begin(), keep);
      REQUIRE(ends.first == out.end());
      REQUIRE(ends.second == rejected.end());
      require_same(host_copy(out), kept);
      require_same(host_copy(rejected), others);

      auto data = device_copy(x);
      const auto end = weft::remove_if(policy, data.begin(), data.end(), weft::not_fn(keep));  // in place
      REQUIRE(end - data.begin() == count);
      auto front = host_copy(data);
      front.resize(kept.size());
      require_same(front, kept);

      auto parted = device_copy(x);
      REQUIRE(weft::stable_partition(policy, parted.begin(), parted.end(), keep) - parted.begin() == count);
      auto both = kept;
      both.insert(both.end(), others.begin(), others.end());
      require_same(host_copy(parted), both);
      require_same(host_copy(in), x);
    }
  }
}

}  // namespace

TEST_CASE("copy_if, partition and remove_if keep the order") {
  keeps<u32>(sizes());
  keeps<u8>(few_sizes());
  keeps<affine>(few_sizes());
}

TEST_CASE("copy_if asks a stencil") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const auto x = values<double>(n, 2);
    const auto stencil = values<u8>(n, 3);
    std::vector<double> kept;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (is_odd{}(stencil[i])) kept.push_back(x[i]);
    const auto in = device_copy(x);
    const auto flags = device_copy(stencil);
    room<double> out(static_cast<offset>(kept.size()));
    REQUIRE(weft::copy_if(policy, in.begin(), in.end(), flags.begin(), out.begin(), is_odd{}) == out.end());
    require_same(host_copy(out), kept);
    room<offset> count(1);
    weft::copy_if_into(policy, in.begin(), in.end(), flags.begin(), out.begin(), count.begin(), is_odd{});
    REQUIRE(only(count) == out.size());
  }
}

namespace {
struct same_eighth {
  WEFT_HOST_DEVICE bool operator()(u32 a, u32 b) const { return a / 8 == b / 8; }
};
}  // namespace

TEST_CASE("unique keeps the first of each run") {
  for (const offset n : sizes()) {
    for (const u32 range : {1u, 3u, 1000u}) {
      INFO("n = " << n << ", range = " << range);
      auto x = values<u32>(n, 4);
      for (u32& v : x) v %= range;
      auto wanted = x, wanted_eighths = x;
      wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
      auto data = device_copy(x);
      room<u32> out(static_cast<offset>(wanted.size()));
      REQUIRE(weft::unique_copy(policy, data.begin(), data.end(), out.begin()) == out.end());
      require_same(host_copy(out), wanted);
      const auto end = weft::unique(policy, data.begin(), data.end());  // in place
      REQUIRE(end - data.begin() == out.size());
      auto front = host_copy(data);
      front.resize(wanted.size());
      require_same(front, wanted);

      // std::unique compares with the last one kept, weft with the neighbour: the same for an equivalence.
      wanted_eighths.erase(std::unique(wanted_eighths.begin(), wanted_eighths.end(), same_eighth{}),
                           wanted_eighths.end());
      auto eighths = device_copy(x);
      room<offset> count(1);
      weft::unique_into(policy, eighths.begin(), eighths.end(), count.begin(), same_eighth{});
      REQUIRE(only(count) == static_cast<offset>(wanted_eighths.size()));
    }
  }
}

TEST_CASE("the _into forms leave the count with the backend") {
  for (const offset n : few_sizes()) {
    INFO("n = " << n);
    const auto x = values<u32>(n, 5);
    const offset odd = std::count_if(x.begin(), x.end(), is_odd{});
    auto data = device_copy(x);
    room<u32> out(n), others(n);
    room<offset> counts(5);
    offset* const count = counts.data();
    weft::copy_if_into(policy, data.begin(), data.end(), out.begin(), count, is_odd{});
    weft::remove_copy_if_into(policy, data.begin(), data.end(), out.begin(), count + 1, is_odd{});
    weft::partition_copy_into(policy, data.begin(), data.end(), out.begin(), others.begin(), count + 2, is_odd{});
    weft::partition_into(policy, data.begin(), data.end(), count + 3, is_odd{});
    weft::remove_if_into(policy, data.begin(), data.end(), count + 4, is_odd{});
    require_same(host_copy(counts), {odd, n - odd, odd, odd, n - odd});
  }
}

TEST_CASE("remove of a value, and of what an output iterator changes") {
  const auto x = values<i32>(5000, 6, order::few);
  auto data = device_copy(x);
  auto wanted = x;
  wanted.erase(std::remove(wanted.begin(), wanted.end(), x[7]), wanted.end());
  const auto end = weft::remove(policy, data.begin(), data.end(), x[7]);
  REQUIRE(end - data.begin() == static_cast<offset>(wanted.size()));
  auto front = host_copy(data);
  front.resize(wanted.size());
  require_same(front, wanted);

  // The places of odd numbers: copy_if over a counting iterator with a stencil.
  const auto again = device_copy(x);
  room<offset> places(5000);
  const auto places_end = weft::copy_if(policy, weft::counting(offset{0}), weft::counting(offset{5000}), again.begin(),
                                        places.begin(), is_odd{});
  REQUIRE(places_end - places.begin() == std::count_if(x.begin(), x.end(), is_odd{}));
  REQUIRE(weft::copy_if(policy, again.begin(), again.end(), weft::discard(), is_odd{}) - weft::discard() ==
          places_end - places.begin());
}

TEST_CASE("partition of a zip moves its ranges together") {
  const auto x = values<u32>(4097, 7);
  auto a = device_copy(x);
  room<offset> b(4097);
  std::vector<offset> places(4097);
  for (offset i = 0; i < 4097; ++i) places[static_cast<std::size_t>(i)] = i;
  weft::copy_values(policy, places.data(), 4097, b.data());
  const auto zipped = weft::zip(a.begin(), b.begin());
  const auto middle = weft::partition(policy, zipped, zipped + 4097, weft::compose(is_odd{}, first_of{}));
  std::stable_partition(places.begin(), places.end(),
                        [&](offset i) { return is_odd{}(x[static_cast<std::size_t>(i)]); });
  REQUIRE(middle - zipped == std::count_if(x.begin(), x.end(), is_odd{}));
  require_same(host_copy(b), places);
}

TEST_CASE("selections refuse bad arguments before anything runs") {
  auto data = device_copy(std::vector<u32>{1, 2, 3});
  room<offset> count(1);
  const auto nothing = null<u32>();
  REQUIRE(
      contains(refusal([&] { weft::copy_if(policy, nothing, nothing + 1, data.begin(), is_odd{}); }), "copy_if: null"));
  REQUIRE(contains(refusal([&] { weft::remove_if(policy, data.end(), data.begin(), is_odd{}); }), "negative count"));
  REQUIRE(
      contains(refusal([&] { weft::unique_into(policy, data.begin(), data.end(), null<offset>()); }), "unique: null"));
  require_same(host_copy(data), {1, 2, 3});
}

TEST_CASE("partition: more than the caches hold") {
  const offset n = gpu_family ? 100003 : (13 << 20) + 5;  // CPU backends write past the cache from 48 MiB
  const auto x = values<u32>(n, 10);
  auto wanted = x;
  const keep_below keep{0x60000000u};
  const auto count = std::stable_partition(wanted.begin(), wanted.end(), keep) - wanted.begin();
  auto parted = device_copy(x);
  REQUIRE(weft::partition(policy, parted.begin(), parted.end(), keep) - parted.begin() == count);
  REQUIRE(host_copy(parted) == wanted);
}

TEST_CASE("copy_if: an output that touches the input on either side, and the input itself") {
  const offset n = gpu_family ? 10007 : 300007;  // several blocks for every thread
  const auto x = values<u64>(n, 11);
  const keep_below keep{0xc0000000u};
  std::vector<u64> wanted;
  for (const u64 v : x)
    if (keep(v)) wanted.push_back(v);
  for (const offset from : {offset{0}, n})
    for (const offset to : {offset{0}, n}) {
      INFO("from " << from << " to " << to);
      std::vector<u64> both(static_cast<std::size_t>(2 * n));
      std::copy(x.begin(), x.end(), both.begin() + from);
      auto memory = device_copy(both);
      const auto in = memory.begin() + from, out = memory.begin() + to;
      REQUIRE(weft::copy_if(policy, in, in + n, out, keep) - out == static_cast<offset>(wanted.size()));
      std::copy(wanted.begin(), wanted.end(), both.begin() + to);
      REQUIRE(host_copy(memory) == both);
    }
}

// A template, so that GPU backends do not compile it.
template <class Policy>
void throwing_and_copyable(const Policy& policy) {
  const auto x = values<i32>(70001, 8);
  std::vector<i32> out(x.size());
  REQUIRE_THROWS_AS(weft::copy_if(policy, x.begin(), x.end(), out.begin(), throws_at<i32>{x[69000]}), refused_value);
  const auto words = values<std::string>(9000, 9);
  auto parted = words, wanted = words;
  const at_least<std::string> late{"m"};
  const auto middle = weft::partition(policy, parted.begin(), parted.end(), late);
  REQUIRE(middle - parted.begin() == std::stable_partition(wanted.begin(), wanted.end(), late) - wanted.begin());
  require_same(parted, wanted);
}
TEST_CASE("select: a predicate that throws is passed on, and any copyable type works, on CPU backends") {
  if constexpr (!gpu_family) throwing_and_copyable(policy);
}
