// Another library's matrix product behind weft::gemm:
//
//   #include <weft/cublas.hpp>                                              // CMake: weft::cublas
//   weft::gemm(weft::cuda.with_provider(weft::cublas), A, B, C);            // throws where cuBLAS cannot take it
//   weft::gemm(weft::cuda.with_provider(weft::cublas, weft::fall_back), A, B, C);   // weft's own kernels then
//   weft::gemm_plan(policy, A, B, C).config().kernel                        // "cublas", or which of weft's own
//
// A provider is a class without state:
//   static constexpr const char* name;
//   template <class Backend> static constexpr bool serves;    // the backends whose memory and streams it can use
//   // Does the product if `run`, which is false while weft::workspace_bytes measures; returns why it declines, having
//   // done nothing, or null. What memory the library takes by itself weft does not see.
//   template <…> static const char* gemm(const P&, const batch<TA>&, const batch<TB>&, const batch<TC>&,
//                                        const Options&, bool run);
// One whose work is weft's own kernels and temporary memory has more to say:
//   static constexpr bool can_measure = true;      // `run` is true while weft::workspace_bytes measures, too: nothing
//                                                  // is launched then
//   template <…> static std::size_t workspace(policy, a, b, c, options);   // bytes of temporary memory
//   template <…> static gemm_config config(policy, a, b, c, options);      // what a plan shows beside its name
// A policy with a provider has a backend that differs in gemm alone.
#pragma once

#include <weft/gemm.hpp>
#include <weft/gemm/tuning.hpp>

#include <vector>

namespace weft::inline v100 {

template <class Backend, class Provider, bool FallsBack>
struct provided_backend : Backend {
  static_assert(Provider::template serves<Backend>, "this provider cannot work in the memory of this backend");

  /// Throws weft::invalid_argument with the provider's reason where it declines and nothing is to fall back to.
  template <class P, class TA, class TB, class TC, class Options>
  static void gemm(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                   const Options& options) {
    const char* why = Provider::gemm(policy, a, b, c, options, may_run());
    if (why == nullptr) return;
    if constexpr (FallsBack)
      Backend::gemm(policy, a, b, c, options);
    else
      declined(policy, why);
  }

  // These are not offered to the provider.
  template <class P, class TA, class TB, class TC, class Options>
  static void gemm_reduced(const P& policy, const matrix<TA>& a, const matrix<TB>& b, const matrix<TC>& c,
                           const Options& options) {
    if constexpr (FallsBack)
      Backend::gemm_reduced(policy, a, b, c, options);
    else
      declined(policy, "a reduction");
  }
  template <class P, class Members, class Options>
  static void gemm_grouped(const P& policy, const Members& members, const Options& options) {
    if constexpr (FallsBack)
      Backend::gemm_grouped(policy, members, options);
    else
      declined(policy, "a group");
  }

  // What weft::gemm_plan asks: the provider is one more way, and the first.
  template <class P, class TA, class TB, class TC, class Options>
  static std::vector<gemm_config> gemm_configs(const P& policy, const batch<TA>& a, const batch<TB>& b,
                                               const batch<TC>& c, const Options& options) {
    std::vector<gemm_config> list = Backend::gemm_configs(policy, a, b, c, options);
    const char* why = Provider::gemm(policy, a, b, c, options, false);
    if (why == nullptr)
      list.insert(list.begin(), config_of(policy, a, b, c, options));
    else if (!FallsBack)
      declined(policy, why);
    return list;
  }
  template <class P, class TA, class TB, class TC, class Options>
  static std::size_t gemm_workspace(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                                    const Options& options, const gemm_config& config) {
    if (config.kernel != Provider::name) return Backend::gemm_workspace(policy, a, b, c, options, config);
    if constexpr (requires { Provider::workspace(policy, a, b, c, options); })
      return Provider::workspace(policy, a, b, c, options);
    else
      return 0;
  }
  template <class P, class TA, class TB, class TC, class Options>
  static bool gemm_by(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                      const Options& options, const gemm_config& config) {
    if (config.kernel == Provider::name) return Provider::gemm(policy, a, b, c, options, may_run()) == nullptr;
    return Backend::gemm_by(policy, a, b, c, options, config);
  }

 private:
  static bool may_run() {
    if constexpr (requires { Provider::can_measure; }) return true;
    return !detail::measuring();
  }
  template <class P, class TA, class TB, class TC, class Options>
  static gemm_config config_of(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                               const Options& options) {
    gemm_config one{Provider::name, {0, 0, 0}};
    if constexpr (requires { Provider::config(policy, a, b, c, options); })
      one = Provider::config(policy, a, b, c, options), one.kernel = Provider::name;
    return one;
  }
  template <class P>
  [[noreturn]] static void declined(const P& policy, const char* why) {
    detail::refuse("gemm", std::string(Provider::name) + " declines: " + why, policy.where());
  }
};

namespace detail {

template <class T>
inline constexpr bool is_conjugate = false;
template <class C>
inline constexpr bool is_conjugate<conjugate<C>> = true;

/// How a library of the BLAS's shape is told a product: matrices by columns or by rows, each with one contiguous
/// direction and a leading dimension.
struct blas_operand {
  bool transposed = false, conjugated = false;
  offset leading = 0;
};
/// False where neither direction is contiguous, or where an element is read as its conjugate from a matrix that is not
/// transposed, for which there is no word.
template <class T>
bool blas_operand_of(const matrix<T>& m, bool by_rows, blas_operand& to) {
  const offset along = by_rows ? m.column_stride : m.row_stride, across = by_rows ? m.row_stride : m.column_stride;
  const offset length = by_rows ? m.columns : m.rows, lines = by_rows ? m.rows : m.columns;
  const auto at_least = [](offset leading, offset n) { return leading < n ? n : leading < 1 ? 1 : leading; };
  to.conjugated = is_conjugate<std::remove_const_t<T>>;
  if (along == 1 && !to.conjugated)
    to.transposed = false, to.leading = at_least(across, length);
  else if (across == 1)
    to.transposed = true, to.leading = at_least(along, lines);
  else
    return false;
  return true;
}

/// Whether every extent and stride is an int of a BLAS.
template <class A, class B, class C>
bool fits_blas(const matrix<A>& a, const matrix<B>& b, const matrix<C>& c) {
  const auto fits = [](const auto& m) {
    constexpr offset most = 0x7fffffff;
    return m.rows <= most && m.columns <= most && m.row_stride <= most && m.column_stride <= most;
  };
  return fits(a) && fits(b) && fits(c);
}

/// Whether the options ask for nothing beside alpha and beta.
template <class Options>
inline constexpr bool is_plain_product = std::is_same_v<decltype(Options::epilogue), no_epilogue>&& std::is_same_v<
    decltype(Options::prologue_a), no_prologue>&& std::is_same_v<decltype(Options::prologue_b), no_prologue>;

}  // namespace detail
}  // namespace weft
