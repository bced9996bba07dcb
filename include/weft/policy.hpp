// The execution policy: an immutable value that says where a call runs and under which promises. Its backend is a type,
// so an algorithm calls `P::backend::verb(policy, …)` outright; stream, resource and call site are run-time values.
//
//   weft::cuda.on(stream).with(pool).tuned_by<my_rows>().require(weft::same_bits)
//
// Every member returns a changed copy. A policy is 64 bytes, holds no ownership, and is cheap to pass by value.
#pragma once

#include <weft/memory.hpp>
#include <weft/profile.hpp>
#include <weft/runtime.hpp>

#include <source_location>

namespace weft::inline v100 {

/// Requirement: floating-point results equal bit for bit on every backend, device and thread count, also for verbs that
/// by default promise this only for integers (scan, by-key sums). Verbs that cannot keep it do not compile.
struct same_bits_t {};
inline constexpr same_bits_t same_bits{};

/// The default tuning selector: each verb's own table.
struct default_tuning {};
/// No requirement beyond the contracts of the verbs.
struct no_requirement {};

template <class Backend, class Provider, bool FallsBack>
struct provided_backend;  // gemm/provider.hpp
/// Beside a provider: what it declines is computed by weft's own kernels rather than refused.
struct fall_back_t {};
inline constexpr fall_back_t fall_back{};

template <class Backend, class Tuning = default_tuning, class Requirement = no_requirement>
class policy {
 public:
  using backend = Backend;
  using tuning = Tuning;
  static constexpr bool wants_same_bits = std::is_same_v<Requirement, same_bits_t>;

  // No place by default: it would be that of the backend's header, and an inline variable that holds one does not link
  // under AddressSanitizer with g++ 12 (the record is discarded with the variable's duplicates).
  constexpr explicit policy(std::source_location where = {}) noexcept : where_(where) {}

  /// Runs on this stream: every call is ordered there and only calls that return a computed value wait.
  constexpr policy on(stream_ref stream, std::source_location where = std::source_location::current()) const noexcept {
    policy changed = *this;
    changed.stream_ = stream;
    changed.where_ = where;
    return changed;
  }
  /// The same, made where this policy was made: for those who pass a user's policy on.
  constexpr policy at(stream_ref stream) const noexcept { return on(stream, where_); }
  /// Runs on this device (of the backend's numbering) rather than the thread's current one; calls are waited for, as
  /// without a stream.
  constexpr policy on_device(int device, std::source_location where = std::source_location::current()) const noexcept {
    policy changed = *this;
    changed.stream_ = {nullptr, nullptr, device + 1};
    changed.where_ = where;
    return changed;
  }
  /// Takes temporary storage from this resource, which must outlive every call made with the policy.
  constexpr policy with(memory_resource& resource,
                        std::source_location where = std::source_location::current()) const noexcept {
    policy changed = *this;
    changed.resource_ = &resource;
    changed.where_ = where;
    return changed;
  }
  /// Overrides the tuning tables: for each verb it changes, `Selector` has a constexpr
  /// `operator()(row, arch, value bytes)` that takes the table's row and returns the one to use (gpu/tuning.hpp).
  template <class Selector>
  constexpr policy<Backend, Selector, Requirement> tuned_by() const noexcept {
    return copy_to<policy<Backend, Selector, Requirement>>();
  }
  constexpr policy<Backend, Tuning, same_bits_t> require(same_bits_t) const noexcept {
    return copy_to<policy<Backend, Tuning, same_bits_t>>();
  }
  /// weft::gemm by another library: weft::cublas, weft::hipblas, weft::blas, each in the header of its name. What that
  /// declines is refused, or with weft::fall_back computed by weft's own kernels (gemm/provider.hpp).
  template <class Provider>
  constexpr policy<provided_backend<Backend, Provider, false>, Tuning, Requirement> with_provider(
      Provider) const noexcept {
    return copy_to<policy<provided_backend<Backend, Provider, false>, Tuning, Requirement>>();
  }
  template <class Provider>
  constexpr policy<provided_backend<Backend, Provider, true>, Tuning, Requirement> with_provider(
      Provider, fall_back_t) const noexcept {
    return copy_to<policy<provided_backend<Backend, Provider, true>, Tuning, Requirement>>();
  }

  /// True when `.on(stream)` was called: calls are then not waited for.
  constexpr bool has_stream() const noexcept { return stream_.owner != nullptr; }
  /// The stream of this policy, or the backend's default stream.
  stream_ref stream() const {
    if (has_stream()) return stream_;
    return stream_.device == 0 ? Backend::runtime().default_stream()
                               : Backend::runtime().default_stream_of(stream_.device - 1);
  }
  /// The resource for temporary storage; by default the backend's caching pool of the stream's device.
  memory_resource& resource() const {
    return resource_ ? *resource_ : default_resource(Backend::runtime(), stream().device);
  }
  /// All temporary memory is to come from the resource (memory_resource::exclusive).
  bool has_exclusive_resource() const noexcept { return resource_ != nullptr && resource_->exclusive(); }
  constexpr const std::source_location& where() const noexcept { return where_; }

 private:
  template <class B, class T, class R>
  friend class policy;
  template <class To>
  constexpr To copy_to() const noexcept {
    To changed(where_);
    changed.stream_ = stream_;
    changed.resource_ = resource_;
    return changed;
  }

  stream_ref stream_{};  // without an owner: the default stream, of the current device or of device - 1
  memory_resource* resource_ = nullptr;
  std::source_location where_;
};

template <class T>
inline constexpr bool is_policy = false;
template <class B, class T, class R>
inline constexpr bool is_policy<policy<B, T, R>> = true;
/// What the first argument of every algorithm must be.
template <class P>
concept execution_policy = is_policy<std::remove_cvref_t<P>>;

/// True of a backend whose verbs have finished when they return, so that nobody needs to wait: it says so by a member
/// `is_immediate`.
template <class Backend>
inline constexpr bool is_immediate = requires {
  requires Backend::is_immediate;
};

/// Ends an algorithm that leaves nothing for the host to read: a policy without a stream waits, one with a stream
/// returns.
template <execution_policy P>
void finish(const P& policy) {
  if constexpr (!is_immediate<typename P::backend>)
    if (!policy.has_stream()) policy.stream().synchronize();
  detail::this_call.name = {};
}

}  // namespace weft
