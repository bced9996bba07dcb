// Size classes of the pool: multiples of 256 bytes with eight steps to each doubling, so at most an eighth is wasted
// and the class of a block follows from its size alone (no look-up when it comes back).
#pragma once

#include <bit>
#include <cstddef>

namespace weft::inline v100::detail {

struct size_class {
  static constexpr std::size_t granule = 256;
  static constexpr std::size_t largest = std::size_t{1} << 46;
  static constexpr int count = 288;

  /// Index of the smallest class of at least `bytes` (1 … largest) bytes.
  static constexpr int of(std::size_t bytes) noexcept {
    const std::size_t units = (bytes + granule - 1) / granule;
    if (units <= 8) return static_cast<int>(units) - 1;
    const int shift = std::bit_width(units - 1) - 4;
    return 8 * shift + static_cast<int>((units - 1) >> shift);
  }
  static constexpr std::size_t bytes(int index) noexcept {
    if (index < 8) return static_cast<std::size_t>(index + 1) * granule;
    const int shift = index / 8 - 1;
    return (static_cast<std::size_t>(index % 8 + 9) << shift) * granule;
  }
};

static_assert(size_class::of(1) == 0 && size_class::bytes(0) == 256 && size_class::of(257) == 1);
static_assert(size_class::bytes(size_class::of(9 * 256)) == 9 * 256);
static_assert(size_class::bytes(size_class::of(17 * 256)) == 18 * 256);
static_assert(size_class::of(size_class::largest) < size_class::count);

}  // namespace weft::detail
