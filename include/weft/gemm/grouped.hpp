// Many matrix products of different shapes in one call: the experts of a mixture, the blocks of a block-sparse matrix.
//
//   std::vector<weft::gemm_member<float>> group;
//   for (…) group.push_back({weft::row_major(a, m, k), weft::row_major(b, k, n), weft::row_major(c, m, n)});
//   weft::gemm_grouped(policy, group);
//
// Products of one shape are a batch: weft::strided_batch and weft::pointer_batch in weft::gemm itself.
#pragma once

#include <weft/gemm.hpp>

#include <span>

namespace weft::inline v100 {

/// One product of a group: C = epilogue(alpha * A * B + beta * C). TA and TB may say const conjugate<…> or tf32.
template <class TA, class TB = TA, class TC = TA>
struct gemm_member {
  matrix<const TA> a;
  matrix<const TB> b;
  matrix<TC> c;
};

/// Every product of the group, with the same options; an epilogue is called with places in the member's own C. The list
/// is read before the call returns, so it may be changed then and lies in host memory on every backend. No C may
/// overlap an operand of its own member (checked) or anything of another (not checked). Asynchronous with .on(stream);
/// can be captured. GPUs: one launch for every 48 members, no temporary memory, ordinary arithmetic units for every
/// type; CPUs: one member after the other, each as gemm. Bits are those of weft::gemm with require(same_bits). Throws
/// weft::invalid_argument as weft::gemm, naming the member; nothing has run then.
template <execution_policy P, class TA, class TB, class TC, class Scalar = accumulator_t<TA, TB>,
          class Epilogue = no_epilogue, class PrologueA = no_prologue, class PrologueB = no_prologue,
          class Accumulate = automatic>
void gemm_grouped(const P& policy, std::span<const gemm_member<TA, TB, TC>> members,
                  gemm_options<Scalar, Epilogue, PrologueA, PrologueB, Accumulate> options = {}) {
  static_assert(detail::reductions_in<Epilogue> == 0, "gemm_grouped takes no reductions");
  for (const auto& one : members) {
    try {
      detail::check_gemm(policy, detail::as_batch(one.a), detail::as_batch(one.b), detail::as_batch(one.c));
    } catch (const invalid_argument& why) {
      throw invalid_argument("gemm_grouped: member " + std::to_string(&one - members.data()), {}, why.what());
    }
  }
  if (!members.empty()) P::backend::gemm_grouped(policy, members, options);
  finish(policy);
}
/// The same of a vector or array of members.
template <execution_policy P, detail::sized_memory Members, class... Options>
void gemm_grouped(const P& policy, const Members& members, const Options&... options) {
  using member = std::remove_cvref_t<decltype(*members.data())>;
  gemm_grouped(policy, std::span<const member>(members.data(), members.size()), options...);
}

}  // namespace weft
