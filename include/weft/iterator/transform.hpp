// transformed(it, f): f(it[i]), computed when read. transformed_output(it, f): it[i] = f(v) when v is written.
// They fuse a map into whatever comes after or before it, at no cost in memory traffic.
#pragma once

#include <weft/iterator/function_box.hpp>
#include <weft/iterator/unwrap.hpp>

namespace weft::inline v100 {

/// f(x) may be called with an X. (Not asked of a const F: what nvcc shows the host of a __device__ lambda is not
/// const.)
template <class F, class X>
concept callable_with = std::is_invocable_v<F&, X>;

namespace detail {

template <class It, class F>
struct transform_types {
  static_assert(result_is_known<F>, "a __device__ lambda must name its return type here: [] __device__ (T x) -> U {…}");
  using reference = decltype(std::declval<F&>()(std::declval<const It&>()[0]));
  using value = std::remove_cvref_t<reference>;
};

}  // namespace detail

/// F is called through const, possibly more than once per element, and may return a reference into its argument only if
/// *it is a reference.
template <class It, class F>
class transform_iterator
    : public iterator_facade<transform_iterator<It, F>, typename detail::transform_types<It, F>::value,
                             typename detail::transform_types<It, F>::reference> {
 public:
  using reference = typename detail::transform_types<It, F>::reference;

  transform_iterator() = default;
  WEFT_HOST_DEVICE constexpr transform_iterator(It base, F f)
      : base_(static_cast<It&&>(base)), function_(static_cast<F&&>(f)) {}

  WEFT_HOST_DEVICE constexpr reference operator[](offset n) const { return function_.get()(base_[n]); }
  WEFT_HOST_DEVICE constexpr transform_iterator& operator+=(offset n) {
    base_ += n;
    return *this;
  }
  friend WEFT_HOST_DEVICE constexpr offset operator-(const transform_iterator& a, const transform_iterator& b) {
    return static_cast<offset>(a.base_ - b.base_);
  }
  WEFT_HOST_DEVICE constexpr const It& base() const { return base_; }
  WEFT_HOST_DEVICE constexpr const F& function() const { return function_.get(); }
  constexpr auto unwrapped() const {
    return transform_iterator<unwrapped_t<It>, F>(weft::unwrap(base_), function_.get());
  }

 private:
  It base_{};
  detail::function_box<F> function_{};
};

template <class It, class F>
requires callable_with<F, iter_reference_t<It>> WEFT_HOST_DEVICE constexpr transform_iterator<It, F> transformed(It it,
                                                                                                                 F f) {
  return transform_iterator<It, F>(static_cast<It&&>(it), static_cast<F&&>(f));
}

/// What *transformed_output(it, f) is.
template <class It, class F>
class transform_output_reference {
 public:
  transform_output_reference() = default;
  WEFT_HOST_DEVICE constexpr transform_output_reference(const It& at, const detail::function_box<F>& f)
      : at_(at), function_(f) {}
  template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, transform_output_reference>)
  WEFT_HOST_DEVICE constexpr const transform_output_reference& operator=(T&& value) const {
    *at_ = function_.get()(static_cast<T&&>(value));
    return *this;
  }

 private:
  It at_{};
  detail::function_box<F> function_{};
};

/// Reading gives the proxy that is assigned to, since what was written cannot be had back.
template <class It, class F>
class transform_output_iterator
    : public iterator_facade<transform_output_iterator<It, F>, transform_output_reference<It, F>,
                             transform_output_reference<It, F>> {
 public:
  transform_output_iterator() = default;
  WEFT_HOST_DEVICE constexpr transform_output_iterator(It base, F f)
      : base_(static_cast<It&&>(base)), function_(static_cast<F&&>(f)) {}

  WEFT_HOST_DEVICE constexpr transform_output_reference<It, F> operator[](offset n) const {
    return {base_ + n, function_};
  }
  WEFT_HOST_DEVICE constexpr transform_output_iterator& operator+=(offset n) {
    base_ += n;
    return *this;
  }
  friend WEFT_HOST_DEVICE constexpr offset operator-(const transform_output_iterator& a,
                                                     const transform_output_iterator& b) {
    return static_cast<offset>(a.base_ - b.base_);
  }
  WEFT_HOST_DEVICE constexpr const It& base() const { return base_; }
  WEFT_HOST_DEVICE constexpr const F& function() const { return function_.get(); }
  constexpr auto unwrapped() const {
    return transform_output_iterator<unwrapped_t<It>, F>(weft::unwrap(base_), function_.get());
  }

 private:
  It base_{};
  detail::function_box<F> function_{};
};

template <class It, class F>
WEFT_HOST_DEVICE constexpr transform_output_iterator<It, F> transformed_output(It it, F f) {
  return transform_output_iterator<It, F>(static_cast<It&&>(it), static_cast<F&&>(f));
}

}  // namespace weft
