// A matrix product prepared once and launched many times: the kernel is chosen from the shapes, types, options and
// device, can be seen and changed, and its temporary memory is known before.
//
//   weft::gemm_plan plan(policy, A, B, C, options);        // the operands' shapes; pointers may be null
//   for (const weft::gemm_config& way : plan.candidates()) { plan.use(way); … time plan.launch(a, b, c) … }
//   plan.workspace_bytes();                                // what launch takes from the policy's resource
//   plan.launch(policy.on(stream), a, b, c);               // pointers, or views of the same shapes
//
// Tiles of your own: policy.tuned_by<weft::gemm_tiles<rows, columns, …>>() compiles one for GPUs and puts it first.
#pragma once

#include <weft/gemm.hpp>
#include <weft/gemm/tuning.hpp>

#include <vector>

namespace weft::inline v100 {

namespace detail {

/// The largest power of two up to 16 that divides an address: of null, 16.
inline std::uintptr_t alignment_of(const void* p) {
  const auto low = reinterpret_cast<std::uintptr_t>(p) | 16;
  return low & (0 - low);
}

template <class T, class U>
batch<T> replaced(batch<T> shape, U* data) {
  shape.first.data = as_number(data);
  return shape;
}
template <class T, matrix_operand M>
batch<T> replaced(const batch<T>& shape, const M& view) {
  const auto now = as_batch(view);
  const auto &m = now.first, &s = shape.first;
  const bool by_pointers = now.pointers != nullptr, planned = shape.pointers != nullptr;
  if (m.rows != s.rows || m.columns != s.columns || m.row_stride != s.row_stride ||
      m.column_stride != s.column_stride || by_pointers != planned || (now.count != shape.count && now.count != 1) ||
      (now.count != 1 && now.stride != shape.stride))
    refuse("gemm_plan: launch", "a view of another shape than the plan's");
  batch<T> made = shape;
  made.first.data = m.data, made.pointers = now.pointers;
  return made;
}

}  // namespace detail

/// One product of fixed shapes, types and options on one policy's device. A value; owns no memory of the device.
template <execution_policy P, class TA, class TB, class TC, class Options>
class gemm_plan {
 public:
  /// Checks shapes as weft::gemm does and chooses what weft::gemm would run. Data pointers say how data is aligned
  /// (null: to 16 bytes); nothing is read.
  template <matrix_operand A, matrix_operand B, matrix_operand C>
  gemm_plan(const P& policy, const A& a, const B& b, const C& c, Options options = {})
      : policy_(policy), a_(detail::as_batch(a)), b_(detail::as_batch(b)), c_(detail::as_batch(c)), options_(options) {
    static_assert(detail::reductions_in<decltype(options.epilogue)> == 0, "gemm_plan takes no reductions");
    detail::check_gemm(policy, a_, b_, c_, false);
    a_ = detail::spread(a_, c_.count), b_ = detail::spread(b_, c_.count);
    candidates_ = P::backend::gemm_configs(policy, a_, b_, c_, options_);
    config_ = candidates_.front();
  }

  /// The ways that suit these shapes, the default first. Where kernel is "tiles" or "panels", any split >= 1 of them
  /// can be used, too.
  const std::vector<gemm_config>& candidates() const noexcept { return candidates_; }
  const gemm_config& config() const noexcept { return config_; }

  /// Uses this way from now on. Throws weft::invalid_argument where it is not possible: a GPU tile that is not
  /// compiled, split > 1 with require(same_bits).
  void use(const gemm_config& config) {
    const auto refuse = [&](const char* why) { detail::refuse("gemm_plan: use", why, policy_.where()); };
    if (config.tile.split < 1) refuse("k cannot be split into fewer than 1 part");
    if (P::wants_same_bits && config.tile.split > 1)
      refuse("same_bits: the parts of a split k are not added as one sum is");
    bool known = false;
    for (gemm_config one : candidates_) {
      if (one.kernel == "tiles" || one.kernel == "panels") one.tile.split = config.tile.split;
      if (one.kernel == "panels") one.tile.rows = config.tile.rows, one.tile.columns = config.tile.columns;
      known |= one == config;
    }
    if (!known) refuse("no such way is compiled; policy.tuned_by<weft::gemm_tiles<...>>() compiles a tile for GPUs");
    config_ = config, told_ = true;
  }

  /// What a launch takes from its policy's resource, in one piece.
  std::size_t workspace_bytes() const {
    return is_empty() ? 0 : P::backend::gemm_workspace(policy_, a_, b_, c_, options_, config_);
  }

  /// C = epilogue(alpha * A * B + beta * C). Operands are pointers to data, or views of the plan's shapes (batches by
  /// pointers: such), aligned to 16 bytes or as well as the plan's. `policy` is of the plan's device; waits and is
  /// captured as weft::gemm. Throws weft::invalid_argument for null, other shapes, worse alignment, C overlapping A or
  /// B.
  template <class A, class B, class C>
  void launch(const P& policy, const A& a, const B& b, const C& c) const {
    launch(policy, a, b, c, options_);
  }
  template <class A, class B, class C>
  void launch(const A& a, const B& b, const C& c) const {
    launch(policy_, a, b, c, options_);
  }
  /// The same with other options of their type: another alpha, a bias elsewhere.
  template <class A, class B, class C>
  void launch(const P& policy, const A& a, const B& b, const C& c, const Options& options) const {
    const batch<TA> x = detail::replaced(a_, a);
    const batch<TB> y = detail::replaced(b_, b);
    const batch<TC> z = detail::replaced(c_, c);
    detail::check_gemm(policy, x, y, z);
    const auto less_aligned = [](const auto& now, const auto& then) {
      return detail::alignment_of(now.first.data) < detail::alignment_of(then.first.data);
    };
    if (less_aligned(x, a_) || less_aligned(y, b_) || less_aligned(z, c_))
      detail::refuse("gemm_plan: launch", "data is less aligned than the plan was made for", policy.where());
    if (is_empty()) return;
    if (!P::backend::gemm_by(policy, x, y, z, options, config_)) {
      if (told_) detail::refuse("gemm_plan: launch", "the kernel it was told to use cannot take these", policy.where());
      P::backend::gemm(policy, x, y, z, options);
    }
    finish(policy);
  }

 private:
  bool is_empty() const { return c_.first.rows == 0 || c_.first.columns == 0 || c_.count == 0; }

  P policy_;
  batch<TA> a_;
  batch<TB> b_;
  batch<TC> c_;
  Options options_;
  std::vector<gemm_config> candidates_;
  gemm_config config_;
  bool told_ = false;
};

template <execution_policy P, matrix_operand A, matrix_operand B, matrix_operand C>
gemm_plan(const P&, const A&, const B&, const C&) -> gemm_plan<
    P, typename detail::operand_of<A>::type, typename detail::operand_of<B>::type, typename detail::operand_of<C>::type,
    gemm_options<accumulator_t<typename detail::operand_of<A>::type, typename detail::operand_of<B>::type>>>;
template <execution_policy P, matrix_operand A, matrix_operand B, matrix_operand C, class Options>
gemm_plan(const P&, const A&, const B&, const C&, Options)
    -> gemm_plan<P, typename detail::operand_of<A>::type, typename detail::operand_of<B>::type,
                 typename detail::operand_of<C>::type, Options>;

}  // namespace weft
