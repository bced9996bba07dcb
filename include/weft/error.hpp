// Errors: one class that says what failed (the call or kernel), the vendor's name and text for it, and where the policy
// was made; and the checks that refuse bad input before anything runs. Checks are one predictable branch on CPU
// backends; device backends also ask the driver once for each raw pointer whether kernels may dereference it.
#pragma once

#include <weft/policy.hpp>

#include <bit>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace weft::inline v100 {

/// What every failing call of the library throws. what() reads "call: name: text [policy made at file:line]".
class error : public std::runtime_error {
 public:
  explicit error(std::string_view text) : std::runtime_error(std::string(text)) {}
  error(std::string_view call, std::string_view vendor_name, std::string_view text,
        const std::source_location& where = {})
      : std::runtime_error(compose(call, vendor_name, text, where)), vendor_name_(vendor_name), where_(where) {
    detail::this_call.name = {};  // an error ends the call
  }

  /// The vendor's name of the error, as "cudaErrorIllegalAddress"; empty when no vendor call was involved.
  const std::string& vendor_name() const noexcept { return vendor_name_; }
  /// Where the policy of the failing call was made; line() is 0 when that is not known.
  const std::source_location& where() const noexcept { return where_; }

 private:
  [[gnu::cold]] static std::string compose(std::string_view call, std::string_view vendor_name, std::string_view text,
                                           const std::source_location& where) {
    std::string all(call);
    if (!vendor_name.empty()) all.append(": ").append(vendor_name);
    if (!text.empty() && text != vendor_name) all.append(": ").append(text);
    if (where.line() != 0) {
      all.append(" [policy made at ").append(where.file_name()).append(":");
      all.append(std::to_string(where.line())).append("]");
    }
    return all;
  }

  std::string vendor_name_;
  std::source_location where_;
};

/// A resource or the vendor's allocator had no memory left. Nothing has changed.
class out_of_memory : public error {
 public:
  using error::error;
};

/// The caller's arguments were refused; nothing ran and nothing was modified.
class invalid_argument : public error {
 public:
  using error::error;
};

namespace detail {

// Out of line, so that a check costs its caller one compare and one never-taken jump.
[[noreturn, gnu::noinline, gnu::cold]] inline void refuse(std::string_view call, std::string_view text,
                                                          const std::source_location& where = {}) {
  throw invalid_argument(call, {}, text, where);
}

[[noreturn, gnu::noinline, gnu::cold]] inline void refuse_memory(std::string_view resource, std::size_t bytes,
                                                                 stream_ref stream, std::string_view reason = {}) {
  std::string text = std::to_string(bytes);
  text.append(" bytes for stream ");
  if (stream.handle == nullptr) {
    text.append("0");
  } else {
    text.append("0x");
    const auto handle = reinterpret_cast<std::uintptr_t>(stream.handle);
    for (int digit = (std::bit_width(handle) - 1) / 4; digit >= 0; --digit)
      text.push_back("0123456789abcdef"[handle >> (4 * digit) & 15]);
  }
  text.append(" of device ").append(std::to_string(stream.device));
  if (stream.owner) text.append(" of ").append(stream.owner->name());
  if (!reason.empty()) text.append(" (").append(reason).append(")");
  throw out_of_memory(resource, "out of memory", text);
}

}  // namespace detail

template <class It>
class reverse_iterator;  // iterator/reverse.hpp

namespace detail {

// Calls visit on the raw pointers behind an iterator, down through the adaptors: base(), indices() and bases() are what
// the library's own offer. A reversed range begins one past the element it starts with.
template <class It, class Visit>
constexpr void visit_pointers(const It& it, const Visit& visit) {
  if constexpr (std::is_pointer_v<It>) {
    visit(it);
  } else if constexpr (requires { it.bases(); }) {
    using bases = std::remove_cvref_t<decltype(it.bases())>;
    [&]<std::size_t... I>(std::index_sequence<I...>) { (visit_pointers(get<I>(it.bases()), visit), ...); }
    (std::make_index_sequence<std::tuple_size_v<bases>>{});
  } else if constexpr (requires { it.base(); }) {
    visit_pointers(it.base(), visit);
    if constexpr (requires { it.indices(); }) visit_pointers(it.indices(), visit);
  }
}
template <class It, class Visit>
constexpr void visit_pointers(const reverse_iterator<It>& it, const Visit& visit) {
  if constexpr (std::is_pointer_v<It>)
    visit(it.base() == nullptr ? it.base() : it.base() - 1);
  else
    visit_pointers(it.base() - 1, visit);
}

}  // namespace detail

/// Throws weft::invalid_argument "call: text" unless `ok`.
inline void check(bool ok, std::string_view call, std::string_view text, const std::source_location& where = {}) {
  if (!ok) [[unlikely]]
    detail::refuse(call, text, where);
}

/// The same with the place of the policy.
template <execution_policy P>
[[gnu::always_inline]] inline void require(bool ok, const P& policy, std::string_view call, std::string_view text) {
  if (!ok) [[unlikely]]
    detail::refuse(call, text, policy.where());
}

namespace detail {

/// Refuses a stream of another backend. Two libraries that share no symbols have two objects for the same run time.
template <execution_policy P>
[[gnu::noinline]] void compare_stream(const P& policy, std::string_view call) {
  const runtime *asked = policy.stream().owner, *own = &P::backend::runtime();
  if (asked != own && asked->name() != own->name()) [[unlikely]]
    refuse(call, "a stream of another backend", policy.where());
}
template <execution_policy P>
[[gnu::always_inline]] inline void check_stream(const P& policy, std::string_view call) {
  if (policy.has_stream()) compare_stream(policy, call);
}

/// A measured call (weft::workspace_bytes) may be given places of the measurement, at which there is nothing.
template <execution_policy P>
[[gnu::noinline, gnu::cold]] void refuse_pointer(const P& policy, std::string_view call, const void* pointer) {
  if (measuring()) return;
  refuse(call,
         P::backend::runtime().kind_of(pointer) == memory_kind::device
             ? "memory of another device (copy it to a buffer of the policy's device, or allow peer access)"
             : "host memory given to a device policy (copy it to a weft::buffer, or use a CPU policy)",
         policy.where());
}

/// Refuses n < 0, null with n > 0, a stream of another backend and, on device backends, pointers that kernels must not
/// dereference. Every algorithm calls it for each of its ranges before it does anything.
template <execution_policy P, class Iterator>
[[gnu::always_inline]] inline void check_range(const P& policy, std::string_view call, const Iterator& first,
                                               offset n) {
  using backend = typename P::backend;
  this_call = {call, policy.where()};
  if (n < 0) [[unlikely]]
    refuse(call, "negative count", policy.where());
  check_stream(policy, call);
  if (n == 0) return;
  visit_pointers(first, [&](const auto* pointer) {
    if (pointer == nullptr) [[unlikely]]
      refuse(call, "null pointer with a count above zero", policy.where());
    if constexpr (backend::is_device) {
      if (!backend::runtime().accessible(pointer, policy.stream().device)) [[unlikely]]
        refuse_pointer(policy, call, pointer);  // unless the call is only measured
    }
  });
}

/// Refuses what cannot be recorded because the host would have to wait for a value.
template <class P>
void check_not_recording(const P& policy) {
  if (!(interest.load(std::memory_order_relaxed) & graphs_record)) [[likely]]
    return;
  if (measuring())
    refuse(this_call.name, "a call that returns a value cannot be measured: its _into form needs the same workspace",
           policy.where());
  if (policy.has_stream() && policy.stream().owner->capturing(policy.stream()))
    refuse(this_call.name, "a call that returns a value waits for it and cannot be recorded: use its _into form",
           policy.where());
}

}  // namespace detail
}  // namespace weft
