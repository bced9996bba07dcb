// Workspaces: temporary storage provided by the caller, in the two steps that other libraries ask for at every call.
//
//   const auto calls = [&](auto on) {
//     weft::sort(on, keys.begin(), keys.end());
//     weft::inclusive_scan(on, keys.begin(), keys.end(), sums.begin());
//   };
//   const std::size_t bytes = weft::workspace_bytes(weft::cuda, calls);   // runs nothing, allocates nothing
//   weft::workspace space(pointer, bytes);             // memory of your own, that the policy can reach
//   calls(weft::cuda.on(stream).with(space));          // never allocates
//
// Nothing is computed twice: the calls are made against a resource that hands out addresses without memory, while the
// run time does nothing. So what is counted is what the same calls will ask for.
#pragma once

#include <weft/error.hpp>
#include <weft/memory.hpp>
#include <weft/profile.hpp>

#include <string>
#include <vector>

namespace weft::inline v100 {
namespace detail {

/// Places in a range of bytes, each behind those before it. A place that is given back is free again once all places
/// behind it are.
class stacked_places {
 public:
  static constexpr std::size_t alignment = 256;  // the most a resource is asked for

  stacked_places() { places_.reserve(16); }
  /// Where `bytes` bytes may lie; `nowhere` if not within the first `capacity` bytes. Then nothing has changed.
  std::size_t take(std::size_t bytes, std::size_t capacity) {
    if (bytes > capacity - used_) return nowhere;
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    const std::size_t begin = used_;
    places_.push_back({begin, true});
    used_ = rounded > capacity - used_ ? capacity : used_ + rounded;
    if (used_ > peak_) peak_ = used_;
    return begin;
  }
  void give_back(std::size_t begin) noexcept {
    for (std::size_t i = places_.size(); i-- > 0;)
      if (places_[i].begin == begin && places_[i].held) {
        places_[i].held = false;
        break;
      }
    while (!places_.empty() && !places_.back().held) {
      used_ = places_.back().begin;
      places_.pop_back();
    }
  }
  std::size_t used() const noexcept { return used_; }
  std::size_t peak() const noexcept { return peak_; }

  static constexpr std::size_t nowhere = ~std::size_t{0};

 private:
  struct place {
    std::size_t begin;
    bool held;
  };
  std::vector<place> places_;
  std::size_t used_ = 0, peak_ = 0;
};

/// Hands out addresses at which there is nothing.
class measuring_resource final : public memory_resource {
 public:
  void* allocate(std::size_t bytes, std::size_t, stream_ref) override {
    if (bytes == 0) return nullptr;
    return reinterpret_cast<void*>(first_address + places_.take(bytes, ~std::size_t{0} - 1));
  }
  void deallocate(void* memory, std::size_t, std::size_t, stream_ref) noexcept override {
    if (memory != nullptr) places_.give_back(reinterpret_cast<std::uintptr_t>(memory) - first_address);
  }
  memory_kind kind() const noexcept override { return memory_kind::device; }
  std::string_view name() const noexcept override { return "measuring"; }
  bool exclusive() const noexcept override { return true; }
  std::size_t peak() const noexcept { return places_.peak(); }

 private:
  static constexpr std::uintptr_t first_address = std::uintptr_t{1} << 40;
  stacked_places places_;
};

}  // namespace detail

/// How many bytes of workspace the calls need that f makes with the policy it is given. Nothing runs, nothing is read
/// or written and nothing is allocated, also by copies and buffers in f. Calls that return a value are refused: their
/// _into forms need as much. On CPU backends the number goes up with the number of threads, so ask where the calls will
/// be made.
template <execution_policy P, class F>
std::size_t workspace_bytes(const P& policy, F&& f) {
  static_assert(
      requires { requires P::backend::can_measure; },
      "weft: this backend cannot tell what its calls need: its verbs do not heed detail::measuring()");
  detail::measuring_resource counted;
  {
    const detail::measurement now;
    f(policy.at(policy.stream()).with(counted, policy.where()));
  }
  // Memory may begin anywhere.
  return counted.peak() == 0 ? 0 : counted.peak() + detail::stacked_places::alignment;
}

/// Memory of the caller's as a resource. Serves one stream, that of its first request, because its bytes are reused in
/// that order; and one thread at a time. Throws weft::out_of_memory, which names size, capacity and call, where it does
/// not suffice; then nothing has run that needed the memory, and the workspace goes on to work. Must outlive the work
/// that uses it.
class workspace final : public memory_resource {
 public:
  /// `bytes` bytes at `memory`, which the policies used with it can reach; `workspace_bytes` says how many.
  workspace(void* memory, std::size_t bytes) {
    const auto begin = reinterpret_cast<std::uintptr_t>(memory);
    const std::size_t skipped = (~begin + 1) % detail::stacked_places::alignment;
    check(memory != nullptr || bytes == 0, "workspace", "null pointer with a size above zero");
    if (bytes <= skipped) return;
    first_ = begin + skipped;
    capacity_ = bytes - skipped;
  }
  workspace(const workspace&) = delete;
  workspace& operator=(const workspace&) = delete;

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    if (bytes == 0) return nullptr;
    check(alignment <= detail::stacked_places::alignment, "workspace", "alignment above 256");
    check(stream_.owner == nullptr || stream_ == stream, "workspace",
          "a workspace serves one stream: call reset() once the work of the other is done");
    const std::size_t begin = places_.take(bytes, capacity_);
    if (begin == detail::stacked_places::nowhere) refuse(bytes, stream);
    stream_ = stream;
    return reinterpret_cast<void*>(first_ + begin);
  }
  void deallocate(void* memory, std::size_t, std::size_t, stream_ref) noexcept override {
    if (memory != nullptr) places_.give_back(reinterpret_cast<std::uintptr_t>(memory) - first_);
  }
  memory_kind kind() const noexcept override { return memory_kind::device; }
  std::string_view name() const noexcept override { return "workspace"; }
  bool exclusive() const noexcept override { return true; }

  /// What can be handed out, of the bytes that were given.
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t used() const noexcept { return places_.used(); }
  /// The most that was in use at once.
  std::size_t peak() const noexcept { return places_.peak(); }
  /// The next request may come from any stream. Nothing may be in use, and the work that used the memory must be done.
  void reset() {
    check(places_.used() == 0, "workspace reset", "memory is in use");
    stream_ = {};
  }

 private:
  [[noreturn, gnu::noinline, gnu::cold]] void refuse(std::size_t bytes, stream_ref stream) const {
    std::string reason = "the workspace has " + std::to_string(capacity_) + " bytes, of which " +
                         std::to_string(places_.used()) + " are in use";
    if (!detail::this_call.name.empty()) reason.append("; asked for by ").append(detail::this_call.name);
    if (const std::source_location& where = memory_site::current(); where.line() != 0)
      reason.append(" with the policy made at ")
          .append(where.file_name())
          .append(":")
          .append(std::to_string(where.line()));
    detail::refuse_memory(name(), bytes, stream, reason);
  }

  std::uintptr_t first_ = 0;
  std::size_t capacity_ = 0;
  stream_ref stream_{};
  detail::stacked_places places_;
};

}  // namespace weft
