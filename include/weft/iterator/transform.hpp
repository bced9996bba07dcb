// transformed(it, f): f(it[i]), computed when read. transformed_output(it, f): it[i] = f(v) when v is written.
// They fuse a map into whatever comes after or before it, at no cost in memory traffic.
#pragma once

#include <weft/iterator/unwrap.hpp>

namespace weft {

namespace detail {

// Lambdas with captures can be neither default constructed nor assigned, iterators must be both. The box adds what is
// missing and stays trivially copyable when the function is. A default constructed box may only be assigned to.
template <class F>
class function_box {
 public:
  function_box() = default;
  WEFT_HOST_DEVICE constexpr explicit function_box(F f) : f_(static_cast<F&&>(f)) {}
  WEFT_HOST_DEVICE constexpr const F& get() const { return f_; }

 private:
  F f_{};
};

template <class F>
inline constexpr bool is_semiregular = std::is_default_constructible_v<F>&& std::is_copy_assignable_v<F>;
/// Not std::is_trivially_copyable: g++ 12 denies it of lambdas once somebody has asked whether they are assignable.
template <class F>
inline constexpr bool is_plain_bytes = std::is_trivially_copy_constructible_v<F>&& std::is_trivially_destructible_v<F>;

template <class F>
  requires(!is_semiregular<F> && is_plain_bytes<F>)
class function_box<F> {  // as bytes: assigning them assigns what they hold
 public:
  function_box() = default;
  WEFT_HOST_DEVICE explicit function_box(const F& f) { __builtin_memcpy(bytes_, __builtin_addressof(f), sizeof(F)); }
  WEFT_HOST_DEVICE const F& get() const { return *reinterpret_cast<const F*>(bytes_); }

 private:
  alignas(F) unsigned char bytes_[sizeof(F)];
};

template <class F>
  requires(!is_semiregular<F> && !is_plain_bytes<F>)
class function_box<F> {  // an optional: assigned by destruction and construction, and empty if that throws
 public:
  WEFT_HOST_DEVICE function_box() {}
  WEFT_HOST_DEVICE explicit function_box(const F& f) { make(f); }
  WEFT_HOST_DEVICE function_box(const function_box& other) {
    if (other.full_) make(other.f_);
  }
  WEFT_HOST_DEVICE function_box& operator=(const function_box& other) {
    if (this == &other) return *this;
    clear();
    if (other.full_) make(other.f_);
    return *this;
  }
  WEFT_HOST_DEVICE ~function_box() { clear(); }
  WEFT_HOST_DEVICE const F& get() const { return f_; }

 private:
  WEFT_HOST_DEVICE void make(const F& f) {
    ::new (static_cast<void*>(__builtin_addressof(f_))) F(f);
    full_ = true;
  }
  WEFT_HOST_DEVICE void clear() {
    if (full_) f_.~F();
    full_ = false;
  }
  union {
    F f_;
  };
  bool full_ = false;
};

template <class It, class F>
struct transform_types {
  using reference = decltype(std::declval<const F&>()(std::declval<const It&>()[0]));
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
  transform_iterator() = default;
  WEFT_HOST_DEVICE constexpr transform_iterator(It base, F f)
      : base_(static_cast<It&&>(base)), function_(static_cast<F&&>(f)) {}

  WEFT_HOST_DEVICE constexpr decltype(auto) operator[](offset n) const { return function_.get()(base_[n]); }
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
WEFT_HOST_DEVICE constexpr transform_iterator<It, F> transformed(It it, F f) {
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
