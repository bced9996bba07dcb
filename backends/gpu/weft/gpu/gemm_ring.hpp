// f64 and f32 products on Hopper: the copy engine fills a ring of shared-memory stages as for the warpgroup products
// (gemm_sm90_kernel.hpp), but warps multiply out of registers, by the f64 tensor cores or by fused multiply-add. A
// stage is 128 bytes of k. Neither rate asks much of the copies, so blocks share nothing; what matters is that 8 warps
// never wait: fragments are read 16 bytes at a time without bank conflicts, from either direction of an operand, and
// stages change without a barrier of the block. f32 sums run over k in ascending order, one fused multiply-add at a
// time.
#pragma once

#include <weft/gpu/gemm_cores.hpp>
#include <weft/gpu/gemm_sm90.hpp>

namespace weft::inline v100::gpu {

template <class Words, class Core, class TC, class Options>
struct gemm_ring_kernel {
  using words = Words;
  using value = typename Core::value;
  using word = std::uint32_t;
  static constexpr int m = Core::m, n = Core::n, stages = Core::stages, depth = 128 / static_cast<int>(sizeof(value));
  static constexpr int a_bytes = m * 128, b_bytes = n * 128;

  template <arch A>
  static constexpr int block_threads = 128 + 32 * Core::warps;
  template <arch A>
  static constexpr int block_residency = 1;
  template <arch A>
  static constexpr int cluster_blocks = 1;
  static constexpr bool starts_early = true;

  template <arch A>
  struct alignas(1024) shared {
    unsigned char a[stages][a_bytes];
    unsigned char b[stages][b_bytes];
    std::uint64_t full[stages], empty[stages];
  };

  typename Words::tensor_map a_map, b_map;
  matrix<TC> c;
  Options options;
  bool a_along_k, b_along_k;
  int steps;
  unsigned tiles_m, tiles_n, group_rows;

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (Block::has_hopper) run(block, s);
  }

  template <class Block>
  [[gnu::always_inline]] WEFT_DEVICE void run(Block block, shared<Block::arch>& s) const {
    using hopper = typename Block::hopper;
    const word full = hopper::address_of(s.full), empty = hopper::address_of(s.empty);
    const word a = hopper::address_of(s.a), b = hopper::address_of(s.b);
    const unsigned group = hopper::uniform(block.thread() / 128);
    const unsigned tiles = tiles_m * tiles_n;

    if (block.thread() == 0) {
      hopper::prefetch(a_map), hopper::prefetch(b_map);
      for (int i = 0; i < stages; ++i) {
        hopper::barrier_init(full + 8 * i, 1);
        hopper::barrier_init(empty + 8 * i, Core::warps);
      }
      hopper::barrier_init_fence();
    }
    block.sync();
    hopper::let_next_start();
    hopper::wait_for_stream();

    gemm_ring_place<stages> at;
    if (group == 0) {
      hopper::template give_registers<24>();
      if (block.thread() == 0)
        for (unsigned t = block.index(); t < tiles; t += block.blocks()) {
          const gemm_tile_place p = gemm_place_of(t, tiles_m, tiles_n, group_rows);
          for (int k = 0; k < steps; ++k, at.next()) {
            hopper::barrier_wait(empty + 8 * at.stage, at.phase ^ 1);
            hopper::barrier_expect(full + 8 * at.stage, a_bytes + b_bytes);
            load_operand<hopper, m>(a + at.stage * a_bytes, a_map, full + 8 * at.stage, a_along_k, p.row * m, k);
            load_operand<hopper, n>(b + at.stage * b_bytes, b_map, full + 8 * at.stage, b_along_k, p.column * n, k);
          }
        }
    } else {
      hopper::template take_registers<240>();
      const unsigned thread = block.thread() - 128;
      for (unsigned t = block.index(); t < tiles; t += block.blocks()) {
        auto tile = [&]<bool A, bool B>() {
          Core core{};
          for (int k = 0; k < steps; ++k, at.next()) {
            hopper::barrier_wait(full + 8 * at.stage, at.phase);
            core.template multiply<hopper, A, B>(a + at.stage * a_bytes, b + at.stage * b_bytes, thread);
            block.warp().sync();
            if (thread % 32 == 0) hopper::barrier_arrive(empty + 8 * at.stage);
          }
          // Opaque: places in C are worked out here rather than kept in registers through the products.
          const gemm_tile_place p = gemm_place_of(block.opaque(t), tiles_m, tiles_n, group_rows);
          core.template each<A, B>(block.opaque(thread), [&](unsigned i, unsigned j, value sum) {
            const offset row = static_cast<offset>(p.row) * m + i, column = static_cast<offset>(p.column) * n + j;
            if (row >= c.rows || column >= c.columns) return;
            TC* const to = &c(row, column);
            *to = weft::detail::finished(options, sum, to, row, column);
          });
        };
        if (a_along_k)
          b_along_k ? tile.template operator()<true, true>() : tile.template operator()<true, false>();
        else
          b_along_k ? tile.template operator()<false, true>() : tile.template operator()<false, false>();
      }
    }
  }

  /// Issues the copies of one operand's stage. Along k: rows of Core::k_bytes, one line after another; else 128 bytes
  /// of lines, k after k.
  template <class H, int Lines>
  [[gnu::always_inline]] static WEFT_DEVICE void load_operand(word to, const typename Words::tensor_map& map,
                                                              word barrier, bool along_k, int line, int k) {
    if (along_k) {
      constexpr int boxes = 128 / Core::k_bytes, width = Core::k_bytes / static_cast<int>(sizeof(value));
      for (int i = 0; i < boxes; ++i)
        H::load(to + i * Lines * Core::k_bytes, map, barrier, k * depth + i * width, line);
    } else {
      for (int i = 0; i < Lines / depth; ++i) H::load(to + i * depth * 128, map, barrier, line + i * depth, k * depth);
    }
  }
};

/// The product on the f64 tensor cores or by fused multiply-add. False, and nothing done, where the copy engine cannot
/// take an operand as it is.
template <class Core, arch A, class P, class TA, class TB, class TC, class Options>
bool gemm_ring_with(const P& policy, matrix<TA> a, matrix<TB> b, matrix<TC> c, const Options& options) {
  using kernel = gemm_ring_kernel<dialect::hopper, Core, TC, Options>;
  using words = typename kernel::words;
  kernel k{};
  k.a_along_k = a.column_stride == 1, k.b_along_k = b.row_stride == 1;
  const auto encode = [](auto& map, const auto& m, bool along_k, int lines) {
    return along_k ? words::template encode<Core::k_bytes>(map, m.data, m.rows, m.columns, m.row_stride, lines)
                   : words::encode(map, m.data, m.columns, m.rows, m.column_stride, kernel::depth);
  };
  if (!encode(k.a_map, a, k.a_along_k, Core::m)) return false;
  if (!encode(k.b_map, transposed(b), k.b_along_k, Core::n)) return false;
  k.c = c, k.options = options;
  k.steps = static_cast<int>(ceil_div(a.columns, kernel::depth));
  k.tiles_m = static_cast<unsigned>(ceil_div(c.rows, Core::m));
  k.tiles_n = static_cast<unsigned>(ceil_div(c.columns, Core::n));
  k.group_rows = 2048 / Core::m;
  const offset tiles = static_cast<offset>(k.tiles_m) * k.tiles_n, resident = device_of(policy).multiprocessors;
  launch<A>(policy, resident < tiles ? resident : tiles, k);
  return true;
}

/// Whether a product of these types is one of the ring's; f64 sums are not one fused multiply-add after the other.
template <class P, class TA, class TB, class Options>
inline constexpr bool gemm_ring_types = [] {
  using value = std::remove_const_t<TA>;
  constexpr bool is_f64 = std::is_same_v<value, double>, is_f32 = std::is_same_v<value, float>;
  if constexpr (dialect::hopper::present && (is_f32 || (is_f64 && !P::wants_same_bits)) &&
                std::is_same_v<value, std::remove_const_t<TB>>)
    return std::is_same_v<decltype(Options::prologue_a), no_prologue> &&
           std::is_same_v<decltype(Options::prologue_b), no_prologue> &&
           std::is_same_v<accumulator_t<TA, TB, Options>, value>;
  else
    return false;
}();
template <class T>
using gemm_ring_core = std::conditional_t<sizeof(T) == 8, gemm_core_f64<6>, gemm_core_f32<4>>;
/// What it is called in a plan.
template <class T>
inline constexpr gemm_config gemm_ring_config{
    "ring", {gemm_ring_core<T>::m, gemm_ring_core<T>::n, 128 / sizeof(T), 0, 0, gemm_ring_core<T>::stages, 1}};

/// Whether the device has its instructions and each operand one contiguous direction.
template <class P, class TA, class TB>
bool gemm_ring_takes(const P& policy, const matrix<TA>& a, const matrix<TB>& b) {
  const auto along = [](const auto& m) { return m.column_stride == 1 || m.row_stride == 1; };
  return device_of(policy).hopper_code && a.columns != 0 && along(a) && along(b);
}
/// Whether there are tiles enough for the device.
template <class T, class P, class TC>
bool gemm_ring_pays(const P& policy, const matrix<TC>& c) {
  const offset processors = device_of(policy).multiprocessors;
  const offset tiles = ceil_div(c.rows, gemm_ring_core<T>::m) * ceil_div(c.columns, gemm_ring_core<T>::n);
  return tiles * 10 >= ceil_div(tiles, processors) * processors * 7;
}

/// f64 products on the f64 tensor cores, f32 products by fused multiply-add, where there are tiles enough for a device
/// or where one is `told` so. False, and nothing done, where they do not serve.
template <class P, class TA, class TB, class TC, class Options>
bool gemm_ring(const P& policy, matrix<TA> a, matrix<TB> b, matrix<TC> c, const Options& options, bool told = false) {
  if constexpr (!gemm_ring_types<P, TA, TB, Options>) {
    return false;
  } else {
    using value = std::remove_const_t<TA>;
    using core = gemm_ring_core<value>;
    if (!gemm_ring_takes(policy, a, b)) return false;
    return on_arch(policy, [&]<arch A>() {
      if constexpr (A == arch::sm_90) {
        if (!told && !gemm_ring_pays<value>(policy, c)) return false;
        // f32: k contiguous in A alone is the slowest order of reads; it is the fastest of the transposed product.
        if (sizeof(value) == 4 && a.column_stride == 1 && b.row_stride != 1)
          return gemm_ring_with<core, A>(policy, transposed(b), transposed(a), transposed(c),
                                         options_of<true>(options));
        return gemm_ring_with<core, A>(policy, a, b, c, options_of<false>(options));
      } else {
        return false;
      }
    });
  }
}

}  // namespace weft::gpu
