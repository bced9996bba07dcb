// Temporary objects of any copyable type: raw storage whose elements are constructed where and when a verb has a value,
// and destroyed with the array. For trivial types this is plain memory.
#pragma once

#include <weft/cpu/isa.hpp>
#include <weft/memory.hpp>
#include <weft/policy.hpp>

#include <memory>
#include <new>
#include <optional>

namespace weft::inline v100::cpu {

/// A T that may be missing. Never constructs a T by itself.
template <class T>
using maybe = std::optional<T>;

/// n missing elements in memory from the policy's resource; `emplace(i, value)` may run in parallel for different i.
template <class T>
class objects {
  static constexpr bool trivial = std::is_trivially_copyable_v<T>;
  using cell = std::conditional_t<trivial, T, maybe<T>>;

 public:
  template <class Policy>
  objects(const Policy& policy, offset n) : memory_(policy, n) {
    if constexpr (!trivial)
      for (offset i = 0; i < n; ++i) ::new (static_cast<void*>(memory_.data() + i)) cell();
  }
  objects(const objects&) = delete;
  objects& operator=(const objects&) = delete;
  ~objects() {
    if constexpr (!trivial) std::destroy_n(memory_.data(), memory_.size());
  }

  template <class U>
  void emplace(offset i, U&& value) {
    if constexpr (trivial) {
      ::new (static_cast<void*>(memory_.data() + i)) T(static_cast<U&&>(value));
    } else {
      memory_.data()[i].emplace(static_cast<U&&>(value));
    }
  }
  T& operator[](offset i) const {
    if constexpr (trivial) {
      return memory_.data()[i];
    } else {
      return *memory_.data()[i];
    }
  }

 private:
  temporary<cell> memory_;
};

/// At most `Capacity` objects on the stack, constructed from the front; the rest stays raw.
template <class T, int Capacity>
class stack_array {
  static_assert(sizeof(T) * Capacity <= (1 << 18), "too large for the stack");

 public:
  stack_array() = default;
  stack_array(const stack_array&) = delete;
  stack_array& operator=(const stack_array&) = delete;
  ~stack_array() {
    if constexpr (!std::is_trivially_destructible_v<T>) std::destroy_n(data(), size_);
  }
  T* data() noexcept { return reinterpret_cast<T*>(bytes_); }
  template <class U>
  void push(U&& value) {
    ::new (static_cast<void*>(data() + size_)) T(static_cast<U&&>(value));
    ++size_;
  }
  /// For trivial types: elements [0, n) have been written through data().
  void set_size(int n) noexcept { size_ = n; }

 private:
  int size_ = 0;
  alignas(64) alignas(T) unsigned char bytes_[sizeof(T) * Capacity];
};

/// Objects appended to memory of someone else, and destroyed with this.
template <class T>
class appended {
 public:
  explicit appended(T* memory) noexcept : data_(memory) {}
  appended(const appended&) = delete;
  appended& operator=(const appended&) = delete;
  ~appended() {
    if constexpr (!std::is_trivially_destructible_v<T>) std::destroy_n(data_, size_);
  }
  template <class U>
  void push(U&& value) {
    ::new (static_cast<void*>(data_ + size_)) T(static_cast<U&&>(value));
    ++size_;
  }
  /// For trivial types: n more elements have been written behind the last.
  void grow(offset n) noexcept { size_ += n; }
  T* data() const noexcept { return data_; }
  offset size() const noexcept { return size_; }

 private:
  T* data_;
  offset size_ = 0;
};

/// What `returned` hands to a verb where T cannot be default-constructed: assigning through it constructs the value.
template <class T>
class slot {
 public:
  explicit slot(maybe<T>& value) noexcept : value_(&value) {}
  const slot& operator*() const noexcept { return *this; }
  const slot& operator=(T value) const {
    value_->emplace(std::move(value));
    return *this;
  }

 private:
  maybe<T>* value_;
};

/// A vector register of N lanes of T, and moving it from and to memory of any alignment.
template <class T, int N>
struct lanes {
  typedef T type __attribute__((vector_size(sizeof(T) * N)));
};

}  // namespace weft::cpu
