// A place for a function object inside an iterator. Iterators must be default constructible and assignable, lambdas
// with captures are neither: the box adds what is missing and stays trivially copyable when the function is.
//
// All three forms have one layout, the function and a flag: which form it is may differ between the two passes of nvcc,
// since to the host a __host__ __device__ lambda is neither trivially copyable nor assignable, and to the device it is.
#pragma once

#include <weft/device.hpp>

#include <new>
#include <type_traits>

namespace weft::inline v100 {

namespace detail {

/// A default constructed box of a function that has no default may only be assigned to.
template <class F>
class function_box {
 public:
  function_box() = default;
  WEFT_HOST_DEVICE constexpr explicit function_box(F f) : f_(static_cast<F&&>(f)) {}
  WEFT_HOST_DEVICE constexpr const F& get() const { return f_; }

 private:
  F f_{};
  [[maybe_unused]] bool full_ = true;
};

template <class F>
inline constexpr bool is_semiregular = std::is_default_constructible_v<F>&& std::is_copy_assignable_v<F>;
/// Not std::is_trivially_copyable: g++ 12 denies it of lambdas once somebody has asked whether they are assignable.
template <class F>
inline constexpr bool is_plain_bytes = std::is_trivially_copy_constructible_v<F>&& std::is_trivially_destructible_v<F>;

// Raw storage in words of the alignment asked for, and not in bytes: nvcc would load kernel arguments byte by byte. The
// words may alias what is copied into them, as bytes may.
using word_8 [[gnu::may_alias]] = std::uint64_t;
using word_4 [[gnu::may_alias]] = std::uint32_t;
using word_2 [[gnu::may_alias]] = std::uint16_t;
template <std::size_t Width, std::size_t N>
struct raw_words {
  word_8 word[N];
};
template <std::size_t N>
struct raw_words<4, N> {
  word_4 word[N];
};
template <std::size_t N>
struct raw_words<2, N> {
  word_2 word[N];
};
template <std::size_t N>
struct raw_words<1, N> {
  unsigned char word[N];
};

template <class F>
  requires(!is_semiregular<F> && is_plain_bytes<F>)
class function_box<F> {  // as words: assigning them assigns what they hold
 public:
  function_box() = default;
  WEFT_HOST_DEVICE explicit function_box(const F& f) { __builtin_memcpy(&raw_, __builtin_addressof(f), sizeof(F)); }
  WEFT_HOST_DEVICE const F& get() const {
    const void* at = &raw_;  // a step of its own: g++ warns of the cast, not knowing what the words may alias
    return *static_cast<const F*>(at);
  }

 private:
  static constexpr std::size_t width = alignof(F) < 8 ? alignof(F) : 8;
  alignas(F) raw_words<width, sizeof(F) / width> raw_{};
  [[maybe_unused]] bool full_ = true;
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

}  // namespace detail

}  // namespace weft
