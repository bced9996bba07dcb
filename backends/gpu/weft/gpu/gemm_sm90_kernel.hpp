// Matrix product on Hopper's tensor cores: the copy engine fills a ring of shared-memory stages, warpgroup products
// drain it. A block has one warpgroup that only issues copies (one thread of it; it gives its registers away) and one
// consumer warpgroup for each 64 rows of the tile, which keeps 64 x N sums in registers. Blocks are persistent: while
// the consumers finish a tile (alpha, beta, epilogue, rounding, stores by the copy engine) the ring already fills for
// the next one. Blocks of a cluster share loads by multicast (their tiles have rows or columns in common) or, for
// few tiles and a large k, split k and fold their sums in rank order through distributed shared memory: one launch, no
// workspace, the same bits every time. Tiles go in groups of `group_rows` rows so that tiles in flight share operands
// in the L2 cache. The instructions transpose 16-bit operands alone: of other types A may come lines (not k) contiguous
// all the same, and goes through registers (gemm_sm90_across.hpp). Cost: every operand element goes from L2 to shared
// memory once a tile (once a cluster if shared).
#pragma once

#include <weft/gemm.hpp>
#include <weft/gpu/gemm_sm90_across.hpp>
#include <weft/gpu/gemm_sm90_tail.hpp>
#include <weft/gpu/launch.hpp>
#include <weft/gpu/mma.hpp>

namespace weft::inline v100::gpu {

/// A tile of M x N; stages of the ring; blocks of a cluster that share B (their tiles lie below one another), that
/// share A, or that split k; blocks a multiprocessor holds at once, if more than one (the next kernel's then start
/// while this one's end).
template <int M, int N, int Stages, int ClusterM = 1, int ClusterN = 1, int Split = 1, int Resident = 1>
struct gemm_sm90_shape {
  static constexpr int m = M, n = N, stages = Stages;
  static constexpr int cluster_m = ClusterM, cluster_n = ClusterN, split = Split, resident = Resident;
  static constexpr int cluster = ClusterM * ClusterN * Split;
  static constexpr int consumers = M / 64;
  /// Whether A may have its lines contiguous. Of the two shapes with 256 columns one is enough: what only those that
  /// share no copies would do costs more to compile than it gains.
  static constexpr bool may_cross = N < 256 || ClusterM * ClusterN > 1;
  static_assert(M % 64 == 0 && (Split == 1 || ClusterM * ClusterN == 1));
  static_assert((N >= 64 * ClusterM && M >= 64 * ClusterN) || ClusterM * ClusterN == 1, "shares are 64 lines at least");
};

template <class Words, class Shape, mma_kind Kind, class TC, class Options>
struct gemm_sm90_kernel {
  using words = Words;
  using sum_type = mma_sum<Kind>;
  using word = std::uint32_t;
  static constexpr int consumers = Shape::consumers, stages = Shape::stages;
  static constexpr int a_bytes = Shape::m * 128, b_bytes = (Shape::n < 64 ? 64 : Shape::n) * 128;
  static constexpr int element_bytes = Kind == mma_kind::tf32                            ? 4
                                       : Kind == mma_kind::f16 || Kind == mma_kind::bf16 ? 2
                                                                                         : 1;
  static constexpr int depth = 128 / element_bytes;  // of a stage
  static constexpr int sums = Shape::n / 2;          // of a thread
  using tail_type = gemm_sm90_tail<Words, Shape, element_bytes, sum_type, TC, Options>;
  using fragments = gemm_sm90_across<Words, element_bytes>;

  static constexpr bool moves_registers = consumers > 1 && Shape::resident == 1;

  template <arch A>
  static constexpr int block_threads = 128 * (1 + consumers);
  template <arch A>
  static constexpr int block_residency = Shape::resident;
  template <arch A>
  static constexpr int cluster_blocks = Shape::cluster;
  static constexpr bool starts_early = true;

  template <arch A>
  struct alignas(1024) shared {
    unsigned char a[stages][a_bytes];
    unsigned char b[stages][b_bytes];
    typename tail_type::shared tail;
    std::uint64_t full[stages], empty[stages];
  };

  typename Words::tensor_map a_map, b_map;
  tail_type tail;
  bool a_along_k, b_along_k;  // contiguous direction of the operands
  int steps;                  // of depth `depth`, in all
  unsigned tiles_m, tiles_n;  // of a cluster
  unsigned group_rows;
  bool staggered;  // tiles begin with different k

  struct place {
    int row, column;
  };
  /// First row and column of this block's part of cluster tile number t.
  WEFT_DEVICE place place_of(unsigned t, unsigned rank) const {
    const unsigned in_group = group_rows * tiles_n, first = t / in_group * group_rows;
    const unsigned rows = tiles_m - first < group_rows ? tiles_m - first : group_rows, at = t % in_group;
    const unsigned m = (first + at % rows) * Shape::cluster_m + rank % Shape::cluster_m;
    const unsigned n = at / rows * Shape::cluster_n + rank / Shape::cluster_m % Shape::cluster_n;
    return {static_cast<int>(m) * Shape::m, static_cast<int>(n) * Shape::n};
  }

  /// Where a thread is in the ring.
  struct ring {
    int stage = 0;
    unsigned phase = 0;
    WEFT_DEVICE void next() {
      if (++stage == stages) stage = 0, phase ^= 1;
    }
  };

  template <class Block>
  WEFT_DEVICE void operator()(Block block, shared<Block::arch>& s) const {
    if constexpr (Block::has_hopper) run(block, s);
  }

  template <class Block>
  [[gnu::always_inline]] WEFT_DEVICE void run(Block block, shared<Block::arch>& s) const {
    using hopper = typename Block::hopper;
    const unsigned rank = Shape::cluster > 1 ? hopper::cluster_rank() : 0;
    const word full = hopper::address_of(s.full), empty = hopper::address_of(s.empty);
    const word a = hopper::address_of(s.a), b = hopper::address_of(s.b);
    const unsigned group = hopper::uniform(block.thread() / 128);
    const unsigned first = block.index() / Shape::cluster, tiles = tiles_m * tiles_n;
    const unsigned stride = block.blocks() / Shape::cluster;
    const int per = Shape::split > 1 ? (steps + Shape::split - 1) / Shape::split : steps;
    const int k_first = Shape::split > 1 ? static_cast<int>(rank) * per : 0;
    const int k_last = k_first + per < steps ? k_first + per : steps;

    if (block.thread() == 0) {
      hopper::prefetch(a_map), hopper::prefetch(b_map), tail.prefetch();
      for (int i = 0; i < stages; ++i) {
        hopper::barrier_init(full + 8 * i, 1);
        hopper::barrier_init(empty + 8 * i, consumers * (Shape::cluster_m + Shape::cluster_n - 1));
      }
      hopper::barrier_init_fence();
    }
    if constexpr (Shape::cluster > 1)
      hopper::cluster_arrive(), hopper::cluster_wait();
    else
      block.sync();
    hopper::let_next_start();
    hopper::wait_for_stream();

    if (group == 0) {
      if constexpr (moves_registers) hopper::template give_registers<consumers == 2 ? 24 : 32>();
      if (block.thread() == 0) {
        ring at;
        for (unsigned t = first; t < tiles; t += stride) {
          const place p = place_of(t, rank);
          int k = k_first + (staggered ? static_cast<int>(t * 7) % (k_last - k_first) : 0);
          for (int left = k_last - k_first; left > 0; --left, at.next(), k = k + 1 == k_last ? k_first : k + 1) {
            hopper::barrier_wait(empty + 8 * at.stage, at.phase ^ 1);
            hopper::barrier_expect(full + 8 * at.stage, a_bytes + b_loaded());
            load_operand<hopper, Shape::m, Shape::cluster_n, Shape::cluster_m>(
                a + at.stage * a_bytes, a_map, full + 8 * at.stage, a_along_k, p.row, k,
                rank / Shape::cluster_m % Shape::cluster_n, rank % Shape::cluster_m);
            load_operand<hopper, Shape::n, Shape::cluster_m, 1>(b + at.stage * b_bytes, b_map, full + 8 * at.stage,
                                                                b_along_k, p.column, k, rank % Shape::cluster_m,
                                                                rank / Shape::cluster_m * Shape::cluster_m);
          }
        }
      }
      block.warp().sync();
      if constexpr (Shape::split > 1) hopper::cluster_arrive(), hopper::cluster_wait();  // the sums are there
    } else {
      if constexpr (moves_registers) hopper::template take_registers<consumers == 2 ? 240 : 160>();
      const unsigned consumer = group - 1;
      ring at;
      sum_type d[sums];
      auto compute = [&](auto meanwhile) {
        const word mine = a + consumer * 8192;
        const int n = k_last - k_first;
        auto run = [&]<int A, int B>() {
          multiply<hopper, A, B>(d, at, n, mine, b, full, empty, block.thread(), rank, meanwhile);
        };
        if constexpr (Kind == mma_kind::e4m3 || Kind == mma_kind::e5m2)
          a_along_k ? multiply_f8<hopper, false>(d, at, n, mine, b, full, empty, block.thread(), rank, meanwhile)
                    : multiply_f8<hopper, true>(d, at, n, a, b, full, empty, block.thread(), rank, meanwhile);
        else if constexpr (element_bytes != 2 && !Shape::may_cross)
          run.template operator()<0, 0>();
        else if constexpr (element_bytes != 2)
          a_along_k ? run.template operator()<0, 0>()
                    : multiply_across<hopper>(d, at, n, a, b, full, empty, block.thread(), rank, meanwhile);
        else if (a_along_k || !Shape::may_cross)
          b_along_k ? run.template operator()<0, 0>() : run.template operator()<0, 1>();
        else if constexpr (Shape::may_cross)
          b_along_k ? run.template operator()<1, 0>() : run.template operator()<1, 1>();
      };
      if constexpr (Shape::split == 1) {
        for (unsigned t = first; t < tiles; t += stride) {
          const place p = place_of(t, rank);
          typename tail_type::piece_read ahead;
          compute([&] { tail.read_ahead(ahead, p.row, p.column, consumer, block.thread() % 128); });
          tail.store(hopper{}, d, p.row, p.column, consumer, block.thread() % 128, s.tail, ahead);
        }
        tail.drain(hopper{}, block.thread() % 128);
      } else {
        compute([] {});
        tail.put_sums(hopper{}, d, a, block.thread() - 128);
        hopper::cluster_arrive(), hopper::cluster_wait();
        const place p = place_of(first, rank);
        tail.fold(hopper{}, a, p.row, p.column, rank, block.thread() - 128);
      }
    }

    // No block leaves while others of the cluster may arrive at its barriers or read its sums.
    if constexpr (Shape::cluster > 1) hopper::cluster_arrive(), hopper::cluster_wait();
  }

  /// Bytes of B that arrive in a stage: a tile of fewer than 64 columns that are contiguous comes as 64.
  WEFT_DEVICE int b_loaded() const { return b_along_k ? Shape::n * 128 : b_bytes; }

  /// Issues this block's share of an operand's stage: `lines` rows of A (columns of B) from `line`, one of `Shares`
  /// shares, sent to the blocks base + i * Stride, i < Shares.
  template <class H, int Lines, int Shares, int Stride>
  [[gnu::always_inline]] static WEFT_DEVICE void load_operand(word to, const typename Words::tensor_map& map,
                                                              word barrier, bool along_k, int line, int k,
                                                              unsigned share, unsigned base) {
    auto box = [&](word address, int column, int row) {
      if constexpr (Shares == 1)
        H::load(address, map, barrier, column, row);
      else {
        std::uint16_t blocks = 0;
        for (int i = 0; i < Shares; ++i) blocks |= static_cast<std::uint16_t>(1u << (base + i * Stride));
        H::load_multicast(address, map, barrier, column, row, blocks);
      }
    };
    if (along_k) {
      constexpr int rows = Lines / Shares;
      box(to + share * rows * 128, k * depth, line + static_cast<int>(share) * rows);
    } else {
      constexpr int boxes = Lines <= depth ? 1 : Lines / depth / Shares;  // of 128 bytes of lines, `depth` of k
      for (int i = 0; i < boxes; ++i) {
        const int chunk = static_cast<int>(share) * boxes + i;
        box(to + chunk * depth * 128, line + chunk * depth, k * depth);
      }
    }
  }

  /// d = the product of n > 0 stages of the ring; leaves them to the producers. Calls meanwhile() when the last ones
  /// run.
  template <class H, int TransposeA, int TransposeB, class F>
  [[gnu::always_inline]] WEFT_DEVICE static void multiply(sum_type (&d)[sums], ring& at, int n, word a, word b,
                                                          word full, word empty, unsigned thread, unsigned rank,
                                                          F meanwhile) {
    constexpr int a_step = (TransposeA ? 2048 : 32) >> 4, b_step = (TransposeB ? 2048 : 32) >> 4;
    const std::uint64_t a_tile = H::tile_of(a, 8192, 1024), b_tile = H::tile_of(b, 8192, 1024);
    int previous = 0, k = 0;
    do {
      H::barrier_wait(full + 8 * at.stage, at.phase);
      const std::uint64_t ak = a_tile + at.stage * (a_bytes >> 4), bk = b_tile + at.stage * (b_bytes >> 4);
      H::multiply_fence();
#pragma unroll
      for (int i = 0; i < 4; ++i)
        H::template multiply<Kind, Shape::n, TransposeA, TransposeB>(d, ak + i * a_step, bk + i * b_step,
                                                                     k != 0 || i != 0);
      H::multiply_commit();
      H::template multiply_wait<1>();
      if (k != 0) release<H>(empty + 8 * previous, thread, rank);
      previous = at.stage;
      at.next();
    } while (++k < n);
    meanwhile();
    H::template multiply_wait<0>();
    H::pin(d);
    release<H>(empty + 8 * previous, thread, rank);
  }

  /// The same with A's lines contiguous: a stage's fragments are read while the products of the one before it run.
  template <class H, class F>
  [[gnu::always_inline]] WEFT_DEVICE static void multiply_across(sum_type (&d)[sums], ring& at, int n, word a, word b,
                                                                 word full, word empty, unsigned thread, unsigned rank,
                                                                 F meanwhile) {
    const std::uint64_t b_tile = H::tile_of(b, 8192, 1024);
    word even[4][4], odd[4][4];
    int previous = 0, k = 0;
    const auto step = [&](word(&x)[4][4]) {
      H::barrier_wait(full + 8 * at.stage, at.phase);
      fragments::read(x, a + at.stage * a_bytes, thread);
      const std::uint64_t bk = b_tile + at.stage * (b_bytes >> 4);
      H::multiply_fence();
#pragma unroll
      for (int i = 0; i < 4; ++i) H::template multiply<Kind, Shape::n>(d, x[i], bk + i * 2, k != 0 || i != 0);
      H::multiply_commit();
      H::template multiply_wait<1>();
      if (k != 0) release<H>(empty + 8 * previous, thread, rank);
      previous = at.stage;
      at.next();
    };
    do {
      step(even);
      if (++k == n) break;
      step(odd);
    } while (++k < n);
    meanwhile();
    H::template multiply_wait<0>();
    H::pin(d);
    release<H>(empty + 8 * previous, thread, rank);
  }

  /// The same for f8, whose products the hardware sums to fewer bits: each stage's sums are added up as floats, where
  /// A's lines are not contiguous while the products of the next one run.
  template <class H, bool Across, class F>
  [[gnu::always_inline]] WEFT_DEVICE static void multiply_f8(sum_type (&d)[sums], ring& at, int n, word a, word b,
                                                             word full, word empty, unsigned thread, unsigned rank,
                                                             F meanwhile) {
    static_assert(Shape::n <= 128, "three sets of sums must fit in the registers");
    const std::uint64_t a_tile = H::tile_of(a, 8192, 1024), b_tile = H::tile_of(b, 8192, 1024);
    int previous = 0;
    const auto start = [&](sum_type(&part)[sums]) {
      [[maybe_unused]] word x[4][4];
      H::barrier_wait(full + 8 * at.stage, at.phase);
      if constexpr (Across) fragments::read(x, a + at.stage * a_bytes, thread);
      const std::uint64_t ak = a_tile + at.stage * (a_bytes >> 4), bk = b_tile + at.stage * (b_bytes >> 4);
      H::multiply_fence();
#pragma unroll
      for (int i = 0; i < 4; ++i)
        if constexpr (Across)
          H::template multiply<Kind, Shape::n>(part, x[i], bk + i * 2, i != 0);
        else
          H::template multiply<Kind, Shape::n, 0, 0>(part, ak + i * 2, bk + i * 2, i != 0);
      H::multiply_commit();
    };
    const auto add = [&]<int Running>(sum_type(&part)[sums]) {  // all but the last ones have ended
      H::template multiply_wait<Running>();
      H::pin(part);
      release<H>(empty + 8 * previous, thread, rank);
#pragma unroll
      for (int j = 0; j < sums; ++j) d[j] += part[j];
    };
    const auto next = [&] { previous = at.stage, at.next(); };
#pragma unroll
    for (int j = 0; j < sums; ++j) d[j] = 0;
    sum_type even[sums];
    if constexpr (Across) {
      for (int k = 0; k < n; ++k) start(even), next(), add.template operator()<0>(even);
    } else {
      sum_type odd[sums];
      start(even), next();
      for (int left = n - 1;; left -= 2) {
        if (left == 0) {
          add.template operator()<0>(even);
          break;
        }
        start(odd), add.template operator()<1>(even), next();
        if (left == 1) {
          add.template operator()<0>(odd);
          break;
        }
        start(even), add.template operator()<1>(odd), next();
      }
    }
    meanwhile();
  }

  /// Tells every block whose loads reach this stage that this warpgroup has read it.
  template <class H>
  [[gnu::always_inline]] WEFT_DEVICE static void release(word empty, unsigned thread, unsigned rank) {
    if constexpr (Shape::cluster_m * Shape::cluster_n == 1) {
      if (thread % 128 == 0) H::barrier_arrive(empty);
    } else {
      const unsigned to = thread % 128;
      if (to < Shape::cluster &&
          (to % Shape::cluster_m == rank % Shape::cluster_m || to / Shape::cluster_m == rank / Shape::cluster_m))
        H::barrier_arrive_at(empty, to);
    }
  }
};

}  // namespace weft::gpu
