// Radix sort of arithmetic keys, alone or with values of at most 8 bytes. Up to a few thousand keys one block does it
// all (radix_block.hpp), short keys alone are counted (counting_sort.hpp), some ten thousand keys a cluster of blocks
// sorts where there are such (radix_cluster.hpp), above that all blocks go over the keys once
// a digit (radix_tiles.hpp), one launch, with small tiles first (many blocks, short chains), then large ones (long
// runs). Many keys are sorted by buckets (bucket_sort.hpp). Temporary memory: n keys, n values and 2 KB a tile.
#pragma once

#include <weft/gpu/bucket_sort.hpp>
#include <weft/gpu/counting_sort.hpp>
#include <weft/gpu/radix_block.hpp>
#include <weft/gpu/radix_cluster.hpp>
#include <weft/gpu/radix_tiles.hpp>
#include <weft/gpu/state.hpp>

namespace weft::inline v100::gpu {

/// The sizes of tile: a block's worth, many small tiles (short chains), large tiles (long runs), between these.
enum class radix_size { block, small, large, medium, cluster };
template <class Selector, radix_size Size, int KeyBytes, int ValueBytes>
struct radix_shape {
  template <arch A>
  static constexpr radix_tile tuning() {
    constexpr radix_sort_tuning t = choose<Selector>(dialect::radix_sort_rows, A, 10 * KeyBytes + ValueBytes);
    return Size == radix_size::block     ? t.block
           : Size == radix_size::small   ? t.small
           : Size == radix_size::medium  ? t.medium
           : Size == radix_size::cluster ? t.cluster
                                         : t.large;
  }
};

/// `control` has radix_sort_kernel::control_words zeros, `other_keys` room for n. Does nothing unless the plan of a
/// bucket sort, if there was one, leaves the keys to it.
template <arch A, class Shape, class P, class Bits, class Value>
void radix_sort_tiles(const P& policy, Bits* keys, Value* values, offset n, const key_order<Bits>& order,
                      std::uint32_t* control, const bucket_plan* unless, Bits* other_keys, Value* other_values) {
  using kernel = radix_sort_kernel<Shape, Bits, Value>;
  constexpr offset tile = kernel::template tile_items<A>;
  constexpr int run = 16 / sizeof(Bits);
  constexpr offset portion_items = Shape::template tuning<A>().portion_items;
  const offset tiles = ceil_div(n, tile), resident = resident_blocks<A, kernel>(policy);

  // A chunk to count for each block there will be, of whole loads, and not too small.
  constexpr offset step = offset{kernel::template block_threads<A>} * run * 2;
  offset chunks = ceil_div(n, step) < resident ? ceil_div(n, step) : resident;
  const offset chunk_items = ceil_div(ceil_div(n, chunks), step) * step;
  chunks = ceil_div(n, chunk_items);
  const offset portion_tiles = portion_items / tile < 1 ? 1 : portion_items / tile;
  const offset portions = ceil_div(tiles, portion_tiles);

  memory_parts parts;
  const auto count = static_cast<std::size_t>(n);
  const std::size_t words_at = parts.add(static_cast<std::size_t>(2 * tiles * radix_digits) * sizeof(std::uint32_t));
  const std::size_t base_at =
      parts.add(static_cast<std::size_t>(kernel::digits * portions * radix_digits) * sizeof(offset));
  const std::size_t plan_at = parts.add(sizeof(radix_plan));
  const std::size_t keys_at = parts.add(other_keys ? 0 : count * sizeof(Bits));
  const std::size_t values_at =
      parts.add(kernel::has_values && !other_values ? count * sizeof(typename kernel::value_type) : 0);
  temporary<vec<16>> memory(policy, static_cast<offset>(parts.bytes / 16));
  auto* const at = reinterpret_cast<unsigned char*>(memory.data());

  kernel k{};
  k.keys = keys, k.other_keys = other_keys ? other_keys : reinterpret_cast<Bits*>(at + keys_at);
  if constexpr (kernel::has_values)
    k.values = values, k.other_values = other_values ? other_values : reinterpret_cast<Value*>(at + values_at);
  k.n = n, k.order = order, k.control = control, k.unless = unless;
  k.words = reinterpret_cast<std::uint32_t*>(at + words_at), k.base = reinterpret_cast<offset*>(at + base_at);
  k.plan = reinterpret_cast<radix_plan*>(at + plan_at);
  k.tiles = static_cast<std::uint32_t>(tiles), k.chunks = static_cast<std::uint32_t>(chunks);
  k.portions = static_cast<std::uint32_t>(portions), k.portion_tiles = static_cast<std::uint32_t>(portion_tiles);
  k.chunk_items = chunk_items, k.wide = vector_aligned(keys);
  const offset wanted = tiles > chunks ? tiles : chunks;
  launch<A>(policy, wanted < resident ? wanted : resident, k);
}

/// Sorts raw bits by the given order. Value is none or a type of at most 8 bytes.
template <class P, class Bits, class Value>
void radix_sort_bits(const P& policy, Bits* keys, Value* values, offset n, const key_order<Bits>& order) {
  if (n < 2) return;
  constexpr int key_bytes = sizeof(Bits), value_bytes = is_none<Value> ? 0 : static_cast<int>(sizeof(Value));
  using S = typename P::tuning;
  on_arch(policy, [&]<arch A>() {
    constexpr radix_sort_tuning tuning = choose<S>(dialect::radix_sort_rows, A, 10 * key_bytes + value_bytes);
    [[maybe_unused]] constexpr bool clusters = tuning.cluster.block_threads > 0 && !(is_none<Value> && key_bytes == 1);
    auto by_cluster = [&] {
      if constexpr (clusters) {
        using kernel = radix_cluster_kernel<radix_shape<S, radix_size::cluster, key_bytes, value_bytes>, Bits, Value>;
        if (n > tuning.cluster_limit || n > kernel::template capacity<A> || resident_clusters<A, kernel>(policy) == 0)
          return false;
        constexpr offset blocks = kernel::template cluster_blocks<A>, step = kernel::template step<A>;
        kernel k{};
        k.keys = keys, k.n = static_cast<std::uint32_t>(n), k.order = order;
        if constexpr (kernel::has_values) k.values = values;
        k.chunk = static_cast<std::uint32_t>(ceil_div(ceil_div(n, blocks), step) * step);
        k.inverse = static_cast<std::uint32_t>(ceil_div(offset{1} << 32, k.chunk));
        launch<A>(policy, blocks, k);
        return true;
      }
      return false;
    };
    auto by_digits = [&]<radix_size Size>() {
      using shape = radix_shape<S, Size, key_bytes, value_bytes>;
      arrival_counters control(policy, radix_sort_kernel<shape, Bits, Value>::control_words);
      radix_sort_tiles<A, shape>(policy, keys, values, n, order, control.data(), nullptr, static_cast<Bits*>(nullptr),
                                 static_cast<Value*>(nullptr));
    };
    if constexpr (key_bytes >= 4) {
      using shape = bucket_shape<S, key_bytes, value_bytes>;
      using digit_shape = radix_shape<S, radix_size::large, key_bytes, value_bytes>;
      constexpr bucket_sort_tuning buckets = shape::template tuning<A>();
      if (n <= bucket_local_kernel<shape, Bits, Value>::template capacity<A>) {
        bucket_single_kernel<shape, Bits, Value> k{};
        k.keys = keys, k.n = static_cast<int>(n), k.order = order;
        if constexpr (!is_none<Value>) k.values = values;
        return launch<A>(policy, 1, k);
      }
      if (by_cluster()) return;
      if (n >= buckets.from && n < buckets.to)
        return bucket_sort<A, shape>(
            policy, keys, values, n, order, radix_sort_kernel<digit_shape, Bits, Value>::control_words,
            [&](std::uint32_t* control, const bucket_plan* plan, Bits* other_keys, Value* other_values) {
              radix_sort_tiles<A, digit_shape>(policy, keys, values, n, order, control, plan, other_keys, other_values);
            });
    } else {
      using block_shape = radix_shape<S, radix_size::block, key_bytes, value_bytes>;
      using block_kernel = radix_block_kernel<block_shape, Bits, Value>;
      if (n <= block_kernel::template tile_items<A>) {
        block_kernel k{};
        k.keys = keys, k.n = static_cast<int>(n), k.order = order;
        if constexpr (block_kernel::has_values) k.values = values;
        return launch<A>(policy, 1, k);
      }
      if (by_cluster()) return;
      if constexpr (is_none<Value> && key_bytes == 2 && tuning.counted_from > 0)
        if (n >= tuning.counted_from && n < offset{1} << 32) return counting_sort(policy, keys, n, order);
    }
    if constexpr (is_none<Value> && key_bytes == 1)
      counting_sort(policy, keys, n, order);
    else if (n <= tuning.small_limit)
      by_digits.template operator()<radix_size::small>();
    else if (tuning.medium_limit > 0 && n <= tuning.medium_limit)
      by_digits.template operator()<tuning.medium_limit == 0 ? radix_size::large : radix_size::medium>();
    else
      by_digits.template operator()<radix_size::large>();
  });
}

}  // namespace weft::gpu
