// buffer<T>: n values of a trivial type in a resource's memory, in the order of a stream. It is not std::vector: the
// values are not initialised, it does not grow, and it is not copied (a copy would need a stream to happen in; see
// to_buffer). On a device backend the host must not dereference its elements; to_vector brings them over. Never
// includes a vendor header.
#pragma once

#include <weft/error.hpp>
#include <weft/stream.hpp>

#include <utility>
#include <vector>

namespace weft::inline v100 {

template <class T>
class buffer {
  static_assert(std::is_trivially_copy_constructible_v<T> && std::is_trivially_destructible_v<T>,
                "weft::buffer holds trivially copyable values only");

 public:
  using value_type = T;
  using size_type = offset;
  using difference_type = offset;
  using iterator = T*;
  using const_iterator = const T*;

  /// No memory and no stream; size() is 0.
  buffer() noexcept = default;
  /// n values, uninitialised, from the policy's resource. May be used by work put into the policy's stream from now on;
  /// other streams must wait for that stream first.
  template <execution_policy P>
  buffer(const P& policy, offset n)
      : buffer((detail::check_stream(policy, "buffer"), policy.stream()), policy.resource(), n, policy.where()) {}
  template <run_time_policy P>
  buffer(const P& policy, offset n) : buffer(policy.stream(), policy.resource(), n, policy.where()) {}
  buffer(stream_ref stream, memory_resource& resource, offset n, const std::source_location& where = {})
      : stream_(stream), resource_(&resource), n_(n) {
    if (n < 0 || n > most) [[unlikely]]
      detail::refuse("buffer", n < 0 ? "negative count" : "count too large", where);
    const memory_site here(where);
    data_ = static_cast<T*>(resource.allocate(bytes(), alignment, stream));
  }
  buffer(buffer&& other) noexcept
      : stream_(other.stream_),
        resource_(other.resource_),
        n_(std::exchange(other.n_, 0)),
        data_(std::exchange(other.data_, nullptr)) {}
  buffer& operator=(buffer&& other) noexcept {
    buffer taken(std::move(other));  // and frees what was here
    std::swap(stream_, taken.stream_);
    std::swap(resource_, taken.resource_);
    std::swap(n_, taken.n_);
    std::swap(data_, taken.data_);
    return *this;
  }
  /// Frees in the order of stream(): work put there before may still use the memory. Nothing waits.
  ~buffer() {
    if (data_ != nullptr) resource_->deallocate(data_, bytes(), alignment, stream_);
  }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  T* begin() noexcept { return data_; }
  const T* begin() const noexcept { return data_; }
  T* end() noexcept { return data_ + n_; }
  const T* end() const noexcept { return data_ + n_; }
  offset size() const noexcept { return n_; }
  bool empty() const noexcept { return n_ == 0; }
  std::size_t bytes() const noexcept { return static_cast<std::size_t>(n_) * sizeof(T); }

  stream_ref stream() const noexcept { return stream_; }
  memory_resource* resource() const noexcept { return resource_; }
  /// Frees in the order of this stream instead; the caller has ordered it after all work that uses the memory. Needed
  /// when the stream of the constructor ends before the buffer.
  void set_stream(stream_ref stream) noexcept { stream_ = stream; }

 private:
  static constexpr std::size_t alignment = alignof(T) < 16 ? 16 : alignof(T);
  static constexpr offset most = (offset{1} << 46) / static_cast<offset>(sizeof(T));

  stream_ref stream_{};
  memory_resource* resource_ = nullptr;
  offset n_ = 0;
  T* data_ = nullptr;
};

/// Copies n values in the order of the policy's stream, either side anywhere (host, device, managed). A policy without
/// a stream waits; with one, both ranges must live until the stream has got there. Ranges must not overlap.
template <execution_policy P, class T>
void copy_values(const P& policy, const T* from, offset n, T* to) {
  static_assert(std::is_trivially_copy_constructible_v<T>, "values are copied as bytes");
  require(n >= 0, policy, "copy_values", "negative count");
  if (n == 0) return;
  require(from != nullptr && to != nullptr, policy, "copy_values", "null pointer with a count above zero");
  const stream_ref stream = policy.stream();
  stream.owner->copy(to, from, static_cast<std::size_t>(n) * sizeof(T), stream);
  finish(policy);
}

/// The n values at `first`, anywhere, as a vector on the host. Waits.
template <execution_policy P, class T>
std::vector<T> to_vector(const P& policy, const T* first, offset n) {
  require(n >= 0, policy, "to_vector", "negative count");
  std::vector<T> values(static_cast<std::size_t>(n));
  copy_values(policy, first, n, values.data());
  if (policy.has_stream()) policy.stream().synchronize();
  return values;
}
template <execution_policy P, class T>
std::vector<T> to_vector(const P& policy, const buffer<T>& values) {
  return to_vector(policy, values.data(), values.size());
}

/// A buffer with the values of a contiguous range (vector, span, array, another buffer). With a stream the copy may be
/// outstanding on return and the range must live until then.
template <execution_policy P, class Range>
  requires requires(const Range& r) { *r.data(), r.size(); }
auto to_buffer(const P& policy, const Range& values) {
  using T = std::remove_cvref_t<decltype(*values.data())>;
  buffer<T> made(policy, static_cast<offset>(values.size()));
  copy_values(policy, values.data(), made.size(), made.data());
  return made;
}
template <execution_policy P, class T>
buffer<T> to_buffer(const P& policy, const T* first, offset n) {
  buffer<T> made(policy, n);
  copy_values(policy, first, n, made.data());
  return made;
}

}  // namespace weft
