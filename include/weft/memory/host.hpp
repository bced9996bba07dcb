// Host memory with a say in its pages: any alignment, huge pages, and who touches them first (on machines with several
// memory nodes a page lives where it is first touched). host_resource hands such memory out directly; page_source puts
// it below a pool (memory/pool.hpp), which is what to use in a loop.
#pragma once

#include <weft/error.hpp>
#include <weft/memory.hpp>

#include <sys/mman.h>
#include <mutex>
#include <vector>

namespace weft::inline v100 {

struct host_options {
  /// Asks the kernel for transparent huge pages; pieces are then aligned to and rounded up to 2 MiB. A wish: without
  /// such pages small ones are used.
  bool huge_pages = false;
  /// The threads of the policy given to the constructor write a zero into every page, in parallel, before the memory is
  /// handed out. Without it, pages appear when they are first used.
  bool first_touch = false;
};

namespace detail {

struct touch_page {
  unsigned char* memory;
  void operator()(offset page) const { memory[page * 4096] = 0; }
};
inline void touch_pages(unsigned char* memory, std::size_t bytes) {
  const auto pages = static_cast<offset>((bytes + 4095) / 4096);
  for (offset page = 0; page < pages; ++page) touch_page{memory}(page);
}
template <class P>
void touch_pages_by(unsigned char* memory, std::size_t bytes) {
  if constexpr (P::backend::is_device)
    touch_pages(memory, bytes);
  else
    P::backend::for_each_index(P{}, static_cast<offset>((bytes + 4095) / 4096), touch_page{memory});
}

/// Pages of the operating system's, zero-filled, aligned to `alignment` (a power of two) and given back as a whole.
class pages {
 public:
  pages(host_options options, void (*touch)(unsigned char*, std::size_t)) noexcept : options_(options), touch_(touch) {}

  /// nullptr when there are none.
  void* take(std::size_t bytes, std::size_t alignment) const {
    if (bytes > (std::size_t{1} << 47)) return nullptr;
    const std::size_t page = unit(alignment), length = round(bytes, page);
    const std::size_t slack = page > 4096 ? page : 0;  // mmap aligns to 4096
    void* const mapped = ::mmap(nullptr, length + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    auto* const first = static_cast<unsigned char*>(mapped);
    auto* const memory =
        first + (round(reinterpret_cast<std::uintptr_t>(first), page) - reinterpret_cast<std::uintptr_t>(first));
    const auto before = static_cast<std::size_t>(memory - first);
    if (before != 0) ::munmap(first, before);
    if (slack - before != 0) ::munmap(memory + length, slack - before);
    if (options_.huge_pages) ::madvise(memory, length, MADV_HUGEPAGE);
    if (options_.first_touch) {
      try {
        touch_(memory, length);
      } catch (...) {
        ::munmap(memory, length);
        throw;
      }
    }
    return memory;
  }
  void give_back(void* memory, std::size_t bytes, std::size_t alignment) const noexcept {
    ::munmap(memory, round(bytes, unit(alignment)));
  }

 private:
  static constexpr std::size_t huge = std::size_t{2} << 20;
  static std::size_t round(std::size_t bytes, std::size_t to) noexcept { return (bytes + to - 1) / to * to; }
  std::size_t unit(std::size_t alignment) const noexcept {
    const std::size_t page = options_.huge_pages ? huge : 4096;
    return alignment > page ? alignment : page;
  }
  host_options options_;
  void (*touch_)(unsigned char*, std::size_t);
};

}  // namespace detail

/// Host memory straight from the operating system, in whole pages and aligned to any power of two: for large,
/// long-lived arrays. Waits for the stream before it takes a block back, unless the stream records a graph: then the
/// block is kept, because a replay may touch it.
class host_resource final : public memory_resource {
 public:
  /// The policy's threads are those of `first_touch`.
  template <has_runtime P>
  explicit host_resource(const P&, host_options options = {}) : pages_(options, &detail::touch_pages_by<P>) {}
  explicit host_resource(host_options options = {}) : pages_(options, &detail::touch_pages) {}
  host_resource(const host_resource&) = delete;
  host_resource& operator=(const host_resource&) = delete;
  ~host_resource() {
    for (const kept& k : kept_) pages_.give_back(k.memory, k.bytes, k.alignment);
  }

  void* allocate(std::size_t bytes, std::size_t alignment, stream_ref stream) override {
    if (bytes == 0) return nullptr;
    check(alignment != 0 && (alignment & (alignment - 1)) == 0, "host memory", "alignment is not a power of two");
    void* memory = pages_.take(bytes, alignment);
    if (memory == nullptr) detail::refuse_memory(name(), bytes, stream, "mmap failed");
    return memory;
  }
  void deallocate(void* memory, std::size_t bytes, std::size_t alignment, stream_ref stream) noexcept override {
    if (memory == nullptr) return;
    try {
      if (stream.owner->capturing(stream)) {
        std::lock_guard lock(guard_);
        return kept_.push_back({memory, bytes, alignment});
      }
      stream.synchronize();
    } catch (...) {  // driver gone or context lost: nothing runs any more
    }
    pages_.give_back(memory, bytes, alignment);
  }
  memory_kind kind() const noexcept override { return memory_kind::host; }
  std::string_view name() const noexcept override { return "host memory"; }

 private:
  struct kept {
    void* memory;
    std::size_t bytes, alignment;
  };
  detail::pages pages_;
  std::mutex guard_;
  std::vector<kept> kept_;
};

/// A pool's source of such pages. `owner` is the run time whose streams will use the pool.
class page_source {
 public:
  template <has_runtime P>
  explicit page_source(const P&, host_options options = {})
      : owner_(&P::backend::runtime()), pages_(options, &detail::touch_pages_by<P>) {}
  explicit page_source(runtime& owner, host_options options = {}) noexcept
      : owner_(&owner), pages_(options, &detail::touch_pages) {}
  void* take(std::size_t bytes) {
    void* memory = pages_.take(bytes, 256);
    if (memory == nullptr) detail::refuse_memory("host pages", bytes, {owner_, nullptr, 0}, "mmap failed");
    return memory;
  }
  void give_back(void* memory, std::size_t bytes) noexcept { pages_.give_back(memory, bytes, 256); }
  runtime& owner() const noexcept { return *owner_; }
  int device() const noexcept { return 0; }
  memory_kind kind() const noexcept { return memory_kind::host; }

 private:
  runtime* owner_;
  detail::pages pages_;
};

}  // namespace weft
