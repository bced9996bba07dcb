// The provider weft::blas: gemm of the CPU backends by any library with the CBLAS interface (OpenBLAS, BLIS, MKL, …).
// It takes float, double (tf32 as float) and complex of these, A, B and C of one type, alpha and beta; it declines
// epilogues, prologues, sums of another type, views without a contiguous direction, and require(same_bits). The threads
// are the library's own.
#pragma once

#include <weft/gemm/provider.hpp>
#include <weft/host_runtime.hpp>

#include <cblas.h>

namespace weft::inline v100 {

struct blas_provider {
  static constexpr const char* name = "blas";
  /// Those whose pointers and streams are the host's.
  template <class Backend>
  static constexpr bool serves = requires {
    requires !Backend::is_device;
  };

  template <class P, class TA, class TB, class TC, class Options>
  static const char* gemm(const P& policy, const batch<TA>& a, const batch<TB>& b, const batch<TC>& c,
                          const Options& options, bool run) {
    if constexpr (P::wants_same_bits) {
      return "require(same_bits): its order of additions is its own";
    } else if constexpr (!detail::is_plain_product<Options>) {
      return "an epilogue or a prologue";
    } else if constexpr (!is_number<TC> || !std::is_same_v<number<TA>, TC> || !std::is_same_v<number<TB>, TC> ||
                         !std::is_same_v<accumulator_t<TA, TB, Options>, TC>) {
      return "types other than float, double and complex of these, the same for A, B, C and sums";
    } else {
      call<TC> one;
      one.by_rows = c.first.column_stride == 1;
      if (!one.by_rows && c.first.row_stride != 1) return "C has no contiguous direction";
      detail::blas_operand to;
      if (!detail::blas_operand_of(a.first, one.by_rows, one.a) ||
          !detail::blas_operand_of(b.first, one.by_rows, one.b))
        return "an operand has no contiguous direction, or is conjugated without being transposed";
      if (!detail::blas_operand_of(c.first, one.by_rows, to) || !detail::fits_blas(a.first, b.first, c.first))
        return "an extent or stride above 2^31";
      if (!run) return nullptr;
      one.leading = to.leading, one.alpha = static_cast<TC>(options.alpha), one.beta = static_cast<TC>(options.beta);
      if (detail::host_graph* graph = detail::recording_of(policy)) {
        graph->add(true, [=](stream_ref) { all(one, a, b, c); });
        return nullptr;
      }
      const detail::told tell(policy, "gemm");
      all(one, a, b, c);
      return nullptr;
    }
  }

 private:
  template <class T>
  struct numbers {
    using type = T;
  };
  template <class T>
    requires std::is_same_v<T, tf32>
  struct numbers<T> {
    using type = float;
  };
  template <class C>
  struct numbers<conjugate<C>> {
    using type = C;
  };
  template <class T>
  using number = typename numbers<std::remove_const_t<T>>::type;
  template <class T>
  static constexpr bool is_number = std::is_same_v<T, float> || std::is_same_v<T, double> ||
                                    std::is_same_v<T, complex<float>> || std::is_same_v<T, complex<double>>;

  template <class T>
  struct call {
    bool by_rows;
    detail::blas_operand a, b;
    offset leading;
    T alpha, beta;
  };

  template <class T, class TA, class TB>
  static void all(const call<T>& how, const batch<TA>& a, const batch<TB>& b, const batch<T>& c) {
    const auto order = how.by_rows ? CblasRowMajor : CblasColMajor;
    const auto word = [](const detail::blas_operand& m) {
      return !m.transposed ? CblasNoTrans : m.conjugated ? CblasConjTrans : CblasTrans;
    };
    const auto whole = [](offset n) { return static_cast<int>(n); };
    const int m = whole(c.first.rows), n = whole(c.first.columns), k = whole(a.first.columns);
    const int lda = whole(how.a.leading), ldb = whole(how.b.leading), ldc = whole(how.leading);
    for (offset i = 0; i < c.count; ++i) {
      const auto* x = reinterpret_cast<const T*>(a[i].data);
      const auto* y = reinterpret_cast<const T*>(b[i].data);
      T* z = c[i].data;
      if constexpr (std::is_same_v<T, float>)
        cblas_sgemm(order, word(how.a), word(how.b), m, n, k, how.alpha, x, lda, y, ldb, how.beta, z, ldc);
      else if constexpr (std::is_same_v<T, double>)
        cblas_dgemm(order, word(how.a), word(how.b), m, n, k, how.alpha, x, lda, y, ldb, how.beta, z, ldc);
      else if constexpr (std::is_same_v<T, complex<float>>)
        cblas_cgemm(order, word(how.a), word(how.b), m, n, k, &how.alpha, x, lda, y, ldb, &how.beta, z, ldc);
      else
        cblas_zgemm(order, word(how.a), word(how.b), m, n, k, &how.alpha, x, lda, y, ldb, &how.beta, z, ldc);
    }
  }
};

/// weft::seq.with_provider(weft::blas)
inline constexpr blas_provider blas{};

}  // namespace weft
