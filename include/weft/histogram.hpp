// Counts how many elements fall into each bin. One pass over the input; blocks or threads count into bins of their own
// where these fit. Counts are exact and the same everywhere.
#pragma once

#include <weft/functional.hpp>
#include <weft/requirements.hpp>

#include <type_traits>

namespace weft::inline v100 {

namespace detail {

// floor((x - lower) * bins / (upper - lower)) for lower <= x < upper, else -1; never outside [0, bins).
template <class T>
struct even_bin {
  T lower, upper;
  T scale;
  int bins;
  WEFT_HOST_DEVICE int operator()(T x) const {
    if (!(x >= lower && x < upper)) return -1;  // NaN too
    const int bin = static_cast<int>((x - lower) * scale);
    return bin < bins ? bin : bins - 1;
  }
};

// The same without rounding: an estimate in double, put right by the exact lower edge of the bins, which is
// ceil(b * range / bins) = b * quotient + ceil(b * rest / bins) and so never leaves 64 bits.
template <class T>
struct even_integer_bin {
  T lower, upper;
  int bins;
  std::uint64_t quotient, rest;
  double scale;

  WEFT_HOST_DEVICE std::uint64_t edge(int bin) const {
    const auto b = static_cast<std::uint64_t>(bin), m = static_cast<std::uint64_t>(bins);
    return b * quotient + (rest == 0 ? 0 : (b * rest + m - 1) / m);
  }
  WEFT_HOST_DEVICE int operator()(T x) const {
    if (x < lower || x >= upper) return -1;
    const auto above = static_cast<std::uint64_t>(x) - static_cast<std::uint64_t>(lower);
    int bin = static_cast<int>(static_cast<double>(above) * scale);
    bin = bin < bins ? bin : bins - 1;
    while (above < edge(bin)) --bin;
    while (bin + 1 < bins && above >= edge(bin + 1)) ++bin;
    return bin;
  }
};

template <class T>
auto make_even_bin(T lower, T upper, int bins) {
  if constexpr (std::is_integral_v<T>) {
    const auto range = static_cast<std::uint64_t>(upper) - static_cast<std::uint64_t>(lower);
    const auto m = static_cast<std::uint64_t>(bins);
    return even_integer_bin<T>{lower,     upper,     bins,
                               range / m, range % m, static_cast<double>(bins) / static_cast<double>(range)};
  } else {
    return even_bin<T>{lower, upper, static_cast<T>(bins) / (upper - lower), bins};
  }
}

// The number of the bin [levels[b], levels[b + 1]) that x lies in, else -1.
template <class Levels>
struct level_bin {
  Levels levels;
  int bins;
  template <class T>
  WEFT_HOST_DEVICE int operator()(const T& x) const {
    int begin = 0;
    for (int length = bins + 1; length > 0;) {  // how many levels are not above x
      const int half = length / 2;
      const bool at_most = levels[begin + half] <= x;
      begin = at_most ? begin + half + 1 : begin;
      length = at_most ? length - half - 1 : half;
    }
    return begin == bins + 1 ? -1 : begin - 1;
  }
};

}  // namespace detail

/// A function from an element to the number of its bin.
template <class F, class T>
concept bins_value = requires(F f, const T& x) {
  { f(x) } -> std::convertible_to<int>;
};

/// counts[b] = how many elements x have bin_of(x) == b, for b in [0, bins); elements of other bins are not counted.
/// What was in counts does not matter. Returns when done, or at once with `.on(stream)`.
template <execution_policy P, random_access It, random_access Counts, bins_value<iter_value_t<It>> BinOf>
void histogram(const P& policy, It first, It last, Counts counts, int bins, BinOf bin_of) {
  const auto n = static_cast<offset>(last - first);
  const auto in = detail::checked(policy, "histogram", first, n);
  P::backend::histogram(policy, in, n, detail::checked(policy, "histogram", counts, bins), bins, bin_of);
  weft::finish(policy);
}

/// Counts the elements in `bins` bins of equal width over [lower, upper); others, and NaNs, are not counted. Integers
/// fall exactly: x lies in bin floor((x - lower) * bins / (upper - lower)); for floating-point elements that formula is
/// evaluated in their own precision.
template <execution_policy P, random_access It, random_access Counts, class T = iter_value_t<It>>
  requires std::is_arithmetic_v<T> && std::convertible_to<iter_value_t<It>, T>
void histogram_even(const P& policy, It first, It last, Counts counts, int bins, T lower, T upper) {
  weft::require(lower < upper && bins > 0, policy, "histogram_even", "needs lower < upper and at least one bin");
  weft::histogram(policy, first, last, counts, bins, detail::make_even_bin<T>(lower, upper, bins));
}

/// Counts the elements between neighbouring levels: counts[b] = how many x have levels[b] <= x < levels[b + 1], for the
/// `bins` + 1 ascending `levels`, which lie where the policy works; others, and NaNs, are not counted.
template <execution_policy P, random_access It, random_access Counts, random_access Levels>
  requires relation_on<less_equal, iter_value_t<Levels>, iter_value_t<It>>
void histogram_range(const P& policy, It first, It last, Counts counts, int bins, Levels levels) {
  weft::require(bins > 0, policy, "histogram_range", "needs at least one bin");
  auto edges = detail::checked(policy, "histogram_range", levels, offset{bins} + 1);
  weft::histogram(policy, first, last, counts, bins, detail::level_bin<decltype(edges)>{edges, bins});
}

}  // namespace weft
