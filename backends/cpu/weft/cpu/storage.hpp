// The temporary memory of verbs. A verb that needs some has a plan: how many threads it counts on and where its parts
// lie in one block, which is taken when the verb is called, so also when it is recorded (family.hpp); a plan depends on
// the length, the types and the number of threads only. What a plan does not hold a verb does not take: nothing is
// allocated inside tasks or by a replay.
//
// Elements may be of any copyable type: raw storage whose elements are constructed where and when a verb has a value,
// and destroyed with the array. For trivial types this is plain memory.
#pragma once

#include <weft/cpu/isa.hpp>
#include <weft/memory.hpp>
#include <weft/policy.hpp>

#include <new>
#include <optional>

namespace weft::inline v100::cpu {

/// A T that may be missing. Never constructs a T by itself.
template <class T>
using maybe = std::optional<T>;

/// Deals out the parts of a block of memory, one behind the other. A plan calls it twice: without memory, to learn how
/// many bytes there must be, and with them.
class divider {
 public:
  divider() = default;
  explicit divider(void* block) noexcept : block_(static_cast<std::byte*>(block)) {}

  /// Room for n objects of T on cache lines of their own; nullptr for none, or when there is no block yet.
  template <class T>
  T* take(offset n) noexcept {
    if (n <= 0) return nullptr;
    if (alignof(T) > alignment_) alignment_ = alignof(T);
    const std::size_t line = alignof(T) < 64 ? 64 : alignof(T);
    const std::size_t begin = (used_ + line - 1) / line * line;
    used_ = begin + static_cast<std::size_t>(n) * sizeof(T);
    if (used_ > peak_) peak_ = used_;
    return block_ ? reinterpret_cast<T*>(block_ + begin) : nullptr;
  }
  /// Parts that are not used at the same time share bytes: what was taken since `used()` said `mark` is given back.
  std::size_t used() const noexcept { return used_; }
  void back_to(std::size_t mark) noexcept { used_ = mark; }

  std::size_t bytes() const noexcept { return peak_; }
  std::size_t alignment() const noexcept { return alignment_; }

 private:
  std::byte* block_ = nullptr;
  std::size_t used_ = 0, peak_ = 0, alignment_ = 16;
};

/// The plan of verbs that need no memory.
struct no_memory {
  static void divide(divider&) noexcept {}
};

/// The block of a plan, from the policy's resource; a plan without parts asks for nothing.
class planned_memory {
 public:
  planned_memory(const auto&, no_memory&) noexcept {}
  template <class Policy, class Plan>
  planned_memory(const Policy& policy, Plan& plan) {
    divider measured;
    plan.divide(measured);
    if (measured.bytes() == 0) return;
    resource_ = &policy.resource();
    stream_ = policy.stream();
    bytes_ = measured.bytes(), alignment_ = measured.alignment();
    const memory_site here(policy.where());
    block_ = resource_->allocate(bytes_, alignment_, stream_);
    divider dealt(block_);
    plan.divide(dealt);
  }
  planned_memory(const planned_memory&) = delete;
  planned_memory& operator=(const planned_memory&) = delete;
  ~planned_memory() {
    if (block_ != nullptr) resource_->deallocate(block_, bytes_, alignment_, stream_);
  }

 private:
  memory_resource* resource_ = nullptr;
  stream_ref stream_{};
  void* block_ = nullptr;
  std::size_t bytes_ = 0, alignment_ = 0;
};

template <class T>
void destroy(T* first, offset n) noexcept {
  if constexpr (!std::is_trivially_destructible_v<T>)
    for (offset i = 0; i < n; ++i) first[i].~T();
}

/// n missing elements in memory of a plan; `emplace(i, value)` may run in parallel for different i.
template <class T>
class objects {
  static constexpr bool trivial = std::is_trivially_copyable_v<T>;

 public:
  using cell = std::conditional_t<trivial, T, maybe<T>>;

  objects(cell* memory, offset n) : cells_(memory), n_(n) {
    if constexpr (!trivial)
      for (offset i = 0; i < n; ++i) ::new (static_cast<void*>(cells_ + i)) cell();
  }
  objects(const objects&) = delete;
  objects& operator=(const objects&) = delete;
  ~objects() { cpu::destroy(cells_, n_); }

  template <class U>
  void emplace(offset i, U&& value) {
    if constexpr (trivial) {
      ::new (static_cast<void*>(cells_ + i)) T(static_cast<U&&>(value));
    } else {
      cells_[i].emplace(static_cast<U&&>(value));
    }
  }
  T& operator[](offset i) const {
    if constexpr (trivial) {
      return cells_[i];
    } else {
      return *cells_[i];
    }
  }

 private:
  cell* cells_;
  offset n_;
};

/// At most `Capacity` objects on the stack, constructed from the front; the rest stays raw.
template <class T, int Capacity>
class stack_array {
  static_assert(sizeof(T) * Capacity <= (1 << 18), "too large for the stack");

 public:
  stack_array() = default;
  stack_array(const stack_array&) = delete;
  stack_array& operator=(const stack_array&) = delete;
  ~stack_array() { cpu::destroy(data(), size_); }
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
  ~appended() { cpu::destroy(data_, size_); }
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
