// The sort of plain numbers on CPUs with 512-bit registers, and how schedulers share tasks: every size around the
// borders of registers, networks and chunks, every distribution, special floating-point values, and 1, 2, 3 and 8
// threads. Elsewhere only the sharing is tested.
#include <weft/cpu/number_sort.hpp>

#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

namespace {

using weft::offset;

/// A new thread for each member of a team; they share tasks as the library's schedulers do.
template <int Threads>
struct team_of {
  static int threads() { return Threads; }
  template <class F>
  static void run(int tasks, const F& f) {
    weft::cpu::shares shares(tasks, Threads);
    std::vector<std::thread> others;
    for (int member = 1; member < Threads; ++member)
      others.emplace_back([&shares, &f, member] { shares.work(member, f); });
    shares.work(0, f);
    for (std::thread& t : others) t.join();
  }
};

template <class Scheduler, bool Descending, class T>
bool sort_numbers(T* data, offset n) {
  auto plan = weft::cpu::number_sort_plan<T>::template of<Scheduler>(n);
  weft::cpu::divider measured;
  plan.divide(measured);
  std::vector<std::max_align_t> block(measured.bytes() / sizeof(std::max_align_t) + 8);
  void* memory = block.data();
  std::size_t room = block.size() * sizeof(std::max_align_t);
  weft::cpu::divider dealt(std::align(64, measured.bytes(), memory, room));
  plan.divide(dealt);
  return weft::cpu::detail::sort_numbers<Scheduler, Descending>(plan, data, n);
}

std::uint64_t scramble(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

constexpr const char* kinds[] = {"random", "sorted",     "reversed",      "constant",       "two values",
                                 "few",    "organ pipe", "nearly sorted", "extreme values", "equal, then falling"};
constexpr int kind_count = static_cast<int>(std::size(kinds));

template <class T>
std::vector<T> numbers(offset n, int kind) {
  std::vector<T> x(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint64_t r = scramble((i + 1) * 0x9e3779b97f4a7c15u + static_cast<std::uint64_t>(kind));
    const auto some = static_cast<T>(static_cast<std::int64_t>(r >> 34) - (1 << 29));
    const T extremes[] = {std::numeric_limits<T>::lowest(),
                          std::numeric_limits<T>::max(),
                          T(0),
                          T(1),
                          std::numeric_limits<T>::denorm_min(),
                          std::is_floating_point_v<T> ? std::numeric_limits<T>::infinity() : T(7),
                          std::is_floating_point_v<T> ? static_cast<T>(-std::numeric_limits<T>::infinity()) : T(9)};
    switch (kind) {
      case 3:
        x[i] = T(42);
        break;
      case 4:
        x[i] = r % 2 ? T(5) : T(3);
        break;
      case 5:
        x[i] = static_cast<T>(r % 16);
        break;
      case 6:
        x[i] = static_cast<T>(std::min(i, x.size() - i));
        break;
      case 7:
        x[i] = r % 64 == 0 ? some : static_cast<T>(i);
        break;
      case 8:
        x[i] = r % 3 ? extremes[r / 3 % 7] : some;
        break;
      case 9:
        x[i] = i < x.size() / 2 ? T(100) : static_cast<T>(i % 97);
        break;
      default:
        x[i] = some;
    }
  }
  if (kind == 1) std::sort(x.begin(), x.end());
  if (kind == 2) std::sort(x.begin(), x.end(), std::greater<T>{});
  return x;
}

template <class Scheduler, bool Descending, class T>
void sorts(offset n) {
  for (int kind = 0; kind < kind_count; ++kind) {
    INFO(sizeof(T) << " bytes, n = " << n << ", " << kinds[kind] << ", " << Scheduler::threads() << " threads");
    auto x = numbers<T>(n, kind);
    auto wanted = x;
    std::sort(wanted.begin(), wanted.end(), [](T a, T b) { return Descending ? b < a : a < b; });
    x.push_back(T(77));  // what lies behind is left alone
    REQUIRE(sort_numbers<Scheduler, Descending>(x.data(), n));
    REQUIRE(x.back() == T(77));
    x.pop_back();
    REQUIRE((n == 0 || std::memcmp(x.data(), wanted.data(), x.size() * sizeof(T)) == 0));
  }
}

template <bool Descending, class T>
void sorts_every_way() {
  constexpr int lanes = 64 / static_cast<int>(sizeof(T));
  using alone = team_of<1>;
  for (offset n = 2; n <= 2 * lanes + 1; ++n) sorts<alone, Descending, T>(n);
  for (const offset border : {4 * lanes, 8 * lanes, 16 * lanes, 24 * lanes, 256 * lanes, 1024})
    for (const offset n : {border - 1, border, border + 1}) sorts<alone, Descending, T>(n);
  sorts<alone, Descending, T>(40000);
  for (const offset n : {offset{32768}, offset{32769}, offset{100003}}) {
    sorts<team_of<2>, Descending, T>(n);
    sorts<team_of<3>, Descending, T>(n);
    sorts<team_of<8>, Descending, T>(n);
  }
}

}  // namespace

TEST_CASE("number sort: every size at a border, distribution and number of threads") {
  if (!weft::cpu::sorts_in_registers()) return;
  sorts_every_way<false, float>();
  sorts_every_way<true, double>();
  sorts_every_way<false, std::uint32_t>();
  sorts_every_way<true, std::int64_t>();
}

TEST_CASE(
    "number sort: numbers with a NaN or a negative zero stay as they are and are refused, unless sorted already") {
  if (!weft::cpu::sorts_in_registers()) return;
  for (const offset n : {offset{2}, offset{17}, offset{300}, offset{70000}})
    for (const offset at : {offset{0}, n / 2, n - 1})
      for (const float odd : {std::nanf(""), -std::nanf(""), -0.f}) {
        INFO("n = " << n << ", at " << at << ": " << odd);
        auto x = numbers<float>(n, 2);
        x[static_cast<std::size_t>(at)] = odd;
        const auto before = x;
        const bool sorted = sort_numbers<team_of<3>, false>(x.data(), n);
        REQUIRE(sorted == (odd == 0 && std::is_sorted(before.begin(), before.end())));
        REQUIRE(std::memcmp(x.data(), before.data(), x.size() * sizeof(float)) == 0);
      }
}

TEST_CASE("shares: every task is done once, whoever comes") {
  for (const int tasks : {0, 1, 2, 7, 64, 1000})
    for (const int team : {1, 2, 3, 8, 100}) {
      INFO(tasks << " tasks, " << team << " members");
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(tasks));
      weft::cpu::shares shares(tasks, team);
      std::vector<std::thread> threads;
      for (int member = 0; member < std::min(team, 4); ++member)  // those who do not come are helped
        threads.emplace_back([&, member] {
          shares.work(member * 37, [&](int task) { done[static_cast<std::size_t>(task)].fetch_add(1); });
        });
      for (std::thread& t : threads) t.join();
      for (const auto& count : done) REQUIRE(count.load() == 1);
    }
}
