// Many products of different shapes in one launch: the kernel's arguments are the list of products, each with the
// number of its first tile, in which a block looks up the product of its tile; then it does what the portable kernel
// does (gemm_tiles.hpp). The list of a launch is bounded by the 4 KiB that every GPU takes as arguments, so that
// nothing has to be copied to the device and a captured call holds its list.
#pragma once

#include <weft/gemm/grouped.hpp>
#include <weft/gpu/gemm_tiles.hpp>

namespace weft::inline v100::gpu {

/// A product in 64 bytes.
template <class TA, class TB, class TC>
struct gemm_group_entry {
  TA* a;
  TB* b;
  TC* c;
  int rows, columns, depth;
  int a_row, a_column, b_row, b_column, c_row, c_column;  // strides
  unsigned first_tile;
};

template <class Selector, bool Large, class TA, class TB, class TC, class Options>
struct gemm_group_kernel : gemm_block<Selector, Large, TA, TB, Options> {
  using base = gemm_block<Selector, Large, TA, TB, Options>;
  using entry = gemm_group_entry<TA, TB, TC>;
  static constexpr int most = 48;

  Options options;
  int count;
  entry list[most];

  template <class Block>
  WEFT_DEVICE void operator()(Block block, typename base::template shared<Block::arch>& s) const {
    using S = typename base::template shape<Block::arch>;
    int low = 0, high = count;  // the last entry whose first tile is not behind this block's
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (list[middle].first_tile <= block.index() ? low : high) = middle;
    }
    const entry& e = list[low];
    const unsigned tile = block.index() - e.first_tile;
    const auto down = static_cast<unsigned>((e.rows + S::rows::lines - 1) / S::rows::lines);
    const matrix<TC> to{e.c, e.rows, e.columns, e.c_row, e.c_column};
    base::run(block, s, gemm_rows_of(matrix<TA>{e.a, e.rows, e.depth, e.a_row, e.a_column}),
              gemm_columns_of(matrix<TB>{e.b, e.depth, e.columns, e.b_row, e.b_column}),
              static_cast<offset>(tile % down) * S::rows::lines, static_cast<offset>(tile / down) * S::columns::lines,
              0, e.c_row < e.c_column, options, gemm_tile_writer<Block, TC, Options>{to, options});
  }
};

template <class P, class TA, class TB, class TC, class Options>
void gemm_grouped(const P& policy, std::span<const gemm_member<TA, TB, TC>> members, const Options& options) {
  using selector = typename P::tuning;
  const auto fits = [](const auto& m) {
    constexpr offset most = 0x7fffffff;
    return m.rows <= most && m.columns <= most && m.row_stride <= most && m.column_stride <= most;
  };
  on_arch(policy, [&]<arch A>() {
    auto run = [&]<bool Large>(std::bool_constant<Large>) {
      using kernel = gemm_group_kernel<selector, Large, const TA, const TB, TC, Options>;
      using shape = typename kernel::template shape<A>;
      kernel k{{}, options, 0, {}};
      offset tiles = 0;
      const auto start = [&] {
        launch<A>(policy, tiles, k);
        k.count = 0, tiles = 0;
      };
      for (const auto& m : members) {
        const offset down = ceil_div(m.c.rows, shape::rows::lines);
        const offset own = down * ceil_div(m.c.columns, shape::columns::lines);
        if (own == 0) continue;
        if (!fits(m.a) || !fits(m.b) || !fits(m.c) || own > 0x3fffffff) {  // alone
          gemm_portable(policy, weft::detail::as_batch(m.a), weft::detail::as_batch(m.b), weft::detail::as_batch(m.c),
                        options);
          continue;
        }
        if (k.count == kernel::most || tiles + own > 0x3fffffff) start();
        const auto whole = [](offset n) { return static_cast<int>(n); };
        k.list[k.count++] = {m.a.data,
                             m.b.data,
                             m.c.data,
                             whole(m.c.rows),
                             whole(m.c.columns),
                             whole(m.a.columns),
                             whole(m.a.row_stride),
                             whole(m.a.column_stride),
                             whole(m.b.row_stride),
                             whole(m.b.column_stride),
                             whole(m.c.row_stride),
                             whole(m.c.column_stride),
                             static_cast<unsigned>(tiles)};
        tiles += own;
      }
      start();
    };
    constexpr gemm_tuning tuning = choose<selector>(dialect::gemm_rows, A, sizeof(accumulator_t<TA, TB, Options>));
    offset large = 0;
    for (const auto& m : members)
      large += ceil_div(m.c.rows, tuning.large.rows) * ceil_div(m.c.columns, tuning.large.columns);
    if (large >= device_of(policy).multiprocessors)
      run(std::true_type{});
    else
      run(std::false_type{});
  });
}

}  // namespace weft::gpu
