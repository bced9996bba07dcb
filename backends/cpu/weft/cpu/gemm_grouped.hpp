// Many products of different shapes on CPUs: the blocks of all of them are shared by the threads.
#pragma once

#include <weft/cpu/gemm.hpp>
#include <weft/gemm/grouped.hpp>

#include <vector>

namespace weft::inline v100::cpu {

/// How each product is cut, and a buffer for each of so many workers.
struct gemm_group_plan {
  template <class Scheduler, class TA, class TB, class TC, class Options>
  static gemm_group_plan of(std::span<const gemm_member<TA, TB, TC>> members, const Options& options) {
    gemm_group_plan plan;
    double work = 0;
    for (const auto& m : members) {
      const bool empty = m.c.rows == 0 || m.c.columns == 0;
      work += static_cast<double>(m.c.rows) * static_cast<double>(m.c.columns) * static_cast<double>(m.a.columns);
      plan.cuts.push_back({});
      plan.ends.push_back(plan.blocks);
      if (empty) continue;
      const gemm_plan one = gemm_plan::of<Scheduler>(weft::detail::as_batch(m.a), weft::detail::as_batch(m.b),
                                                     weft::detail::as_batch(m.c), options);
      plan.cuts.back() = one.cut;
      plan.ends.back() = plan.blocks += one.blocks;
      plan.each = max(plan.each, one.each);
    }
    const int threads = work < (1 << 20) ? 1 : Scheduler::threads();
    plan.workers = static_cast<int>(min(threads, plan.blocks));
    return plan;
  }
  void divide(divider& from) {
    struct alignas(64) line {
      std::byte bytes[64];
    };
    memory = reinterpret_cast<std::byte*>(from.take<line>(workers * each / 64));
  }
  std::vector<gemm_detail::cut> cuts;
  std::vector<offset> ends;  // of each member's blocks
  offset blocks = 0;
  int workers = 0;
  offset each = 0;  // bytes
  std::byte* memory = nullptr;
};

template <class Scheduler, class TA, class TB, class TC, class Options>
void gemm_grouped(const gemm_group_plan& plan, const std::vector<gemm_member<TA, TB, TC>>& members,
                  const Options& options) {
  share_blocks<Scheduler>(plan.workers, plan.blocks, [&](offset block, int worker) {
    std::size_t low = 0, high = members.size() - 1;  // the first member whose blocks end behind this one
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (plan.ends[middle] <= block)
        low = middle + 1;
      else
        high = middle;
    }
    const auto& m = members[low];
    gemm_block(plan.cuts[low], block - (low == 0 ? 0 : plan.ends[low - 1]), plan.memory + worker * plan.each,
               weft::detail::as_batch(m.a), weft::detail::as_batch(m.b), weft::detail::as_batch(m.c), options);
  });
}

}  // namespace weft::cpu
