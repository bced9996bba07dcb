// Caching, one of the four policies of a pool (memory/pool.hpp): into which classes sizes fall, which blocks are cut
// from slabs, and how much stays when it is idle. The class of a block must follow from its size alone, so that nothing
// is looked up when it comes back. All functions are called under the pool's lock and never throw.
//
//   size_classes   the default: eight classes to each doubling (an eighth wasted at most), small blocks from slabs
//   powers_of_two  fewer classes: blocks meet their like sooner, up to half is wasted
//   no_caching     classes as above, and every block goes back as soon as its stream is done with it
#pragma once

#include <weft/memory/size_class.hpp>

namespace weft::inline v100 {

struct pool_options {
  std::size_t keep_bytes = ~std::size_t{0};       ///< large blocks idle beyond this go back to the source when freed
  std::size_t limit_bytes = ~std::size_t{0};      ///< never hold more than this from the source
  std::size_t slab_bytes = std::size_t{4} << 20;  ///< small blocks (up to an eighth of it) are cut from such slabs
};

struct size_classes {
  static constexpr int classes = detail::size_class::count;
  static constexpr std::size_t largest = detail::size_class::largest;  ///< the largest size it can serve
  static constexpr std::size_t alignment = detail::size_class::granule;

  size_classes(pool_options options = {}) noexcept : options(options), small_bytes(options.slab_bytes / 8) {}
  static constexpr int class_of(std::size_t bytes) noexcept { return detail::size_class::of(bytes); }
  static constexpr std::size_t class_bytes(int index) noexcept { return detail::size_class::bytes(index); }
  /// Cut from a slab; else a block of the source's own.
  bool is_small(std::size_t class_bytes) const noexcept { return class_bytes <= small_bytes; }
  std::size_t slab_bytes() const noexcept { return options.slab_bytes; }
  std::size_t limit_bytes() const noexcept { return options.limit_bytes; }
  /// Whether a large block that is freed stays, `idle` bytes of large blocks being idle already.
  bool keeps(std::size_t class_bytes, std::size_t idle) const noexcept {
    return idle <= options.keep_bytes && class_bytes <= options.keep_bytes - idle;
  }

  pool_options options;
  std::size_t small_bytes;
};

struct powers_of_two : size_classes {
  static constexpr int classes = 40;
  using size_classes::size_classes;
  static constexpr int class_of(std::size_t bytes) noexcept { return bytes <= 256 ? 0 : std::bit_width(bytes - 1) - 8; }
  static constexpr std::size_t class_bytes(int index) noexcept { return std::size_t{256} << index; }
};

struct no_caching : size_classes {
  no_caching(pool_options options = {}) noexcept : size_classes(options) {
    this->options.keep_bytes = 0;
    small_bytes = 0;
  }
};

static_assert(powers_of_two::class_of(256) == 0 && powers_of_two::class_of(257) == 1);
static_assert(powers_of_two::class_of(powers_of_two::largest) < powers_of_two::classes);

}  // namespace weft
