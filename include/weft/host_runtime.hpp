// The run time of every CPU backend and of the emulation: one device, ordinary memory, and streams that are immediate:
// work is done when the call that puts it in returns, so streams and events only carry identity and time.
#pragma once

#include <weft/memory/pool.hpp>
#include <weft/runtime.hpp>

#include <atomic>
#include <cstring>
#include <ctime>
#include <new>

namespace weft {
namespace detail {

class host_runtime_type final : public runtime {
 public:
  std::string_view name() const noexcept override { return "host"; }
  int device_count() const noexcept override { return 1; }
  int current_device() const override { return 0; }
  void set_device(int device) override { check(device == 0, "set_device", "the host has device 0 only"); }

  void* stream_create(int device, stream_options) override {
    check(device == 0, "stream_create", "the host has device 0 only");
    return new stream_state{next_id_.fetch_add(1, std::memory_order_relaxed)};
  }
  void stream_destroy(void* stream) noexcept override { delete static_cast<stream_state*>(stream); }
  void stream_synchronize(stream_ref) override {}
  bool stream_ready(stream_ref) override { return true; }
  // All default streams share one id: work there is done on return, so their memory may be shared too.
  std::uint64_t stream_id(stream_ref s) override { return s.handle ? static_cast<stream_state*>(s.handle)->id : 1; }
  bool capturing(stream_ref) override { return false; }
  void host_callback(stream_ref, void (*call)(void*), void* argument) override { call(argument); }

  void* event_create(int, bool) override { return new event_state{}; }
  void event_destroy(void* event) noexcept override { delete static_cast<event_state*>(event); }
  void event_record(void* event, stream_ref) override {
    std::timespec now{};  // not <chrono>, which would be a third of this header's compile time
    clock_gettime(CLOCK_MONOTONIC, &now);
    static_cast<event_state*>(event)->at =
        static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
  }
  void event_synchronize(void*) override {}
  bool event_ready(void*) override { return true; }
  double event_milliseconds(void* from, void* to) override {
    return static_cast<event_state*>(to)->at - static_cast<event_state*>(from)->at;
  }
  void stream_wait(stream_ref, void*) override {}

  void* allocate(memory_kind, std::size_t bytes, int) override {
    void* memory = ::operator new (bytes, std::align_val_t{256}, std::nothrow);
    if (memory == nullptr) refuse_memory("host memory", bytes, {this, nullptr, 0});
    return memory;
  }
  void deallocate(memory_kind, void* memory, std::size_t, int) noexcept override {
    ::operator delete (memory, std::align_val_t{256});
  }
  void* allocate_ordered(std::size_t bytes, stream_ref) override { return allocate(memory_kind::host, bytes, 0); }
  void deallocate_ordered(void* memory, std::size_t bytes, stream_ref) noexcept override {
    deallocate(memory_kind::host, memory, bytes, 0);
  }

  void copy(void* to, const void* from, std::size_t bytes, stream_ref) override {
    if (bytes != 0) std::memmove(to, from, bytes);
  }
  void fill_bytes(void* to, unsigned char value, std::size_t bytes, stream_ref) override {
    if (bytes != 0) std::memset(to, value, bytes);
  }
  memory_kind kind_of(const void*) noexcept override { return memory_kind::host; }
  bool accessible(const void*, int) noexcept override { return true; }
  stream_ref default_stream() override { return {this, nullptr, 0}; }

 private:
  struct stream_state {
    std::uint64_t id;
  };
  struct event_state {
    double at = 0;  // milliseconds
  };
  std::atomic<std::uint64_t> next_id_{2};
};

// Constant-initialised and without a destructor: usable before main and after it.
inline constinit host_runtime_type host_runtime_object{};

}  // namespace detail

/// The run time of seq, openmp, tbb and simt.
inline runtime& host_runtime() noexcept { return detail::host_runtime_object; }

}  // namespace weft
