// A fibre: a stack of its own and the way to switch to it, about 5 ns on x86-64, through ucontext elsewhere (about
// 0.3 us: two system calls). This file also holds all that the sanitizers must be told:
//   AddressSanitizer   which stack is in use, at every switch;
//   ThreadSanitizer    that a switch is no synchronisation; that the machine's own bookkeeping is not the kernel's
//                      (struct quiet); and which points do order memory (release / acquire).
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#if defined(__SANITIZE_THREAD__)
#define WEFT_SIMT_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_SIMT_TSAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WEFT_SIMT_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_SIMT_ASAN
#endif
#endif

#ifdef WEFT_SIMT_TSAN
#include <sanitizer/tsan_interface.h>
extern "C" {
void AnnotateIgnoreReadsBegin(const char*, int);
void AnnotateIgnoreReadsEnd(const char*, int);
}
#endif
#ifdef WEFT_SIMT_ASAN
#include <sanitizer/asan_interface.h>
#endif
#if !defined(__x86_64__) || defined(WEFT_SIMT_UCONTEXT)
#ifndef WEFT_SIMT_UCONTEXT
#define WEFT_SIMT_UCONTEXT
#endif
#include <ucontext.h>
#endif

namespace weft::inline v100::simt_dialect {

#ifdef WEFT_SIMT_TSAN
inline constexpr bool thread_sanitizer = true;
/// While it lives, plain accesses of this fibre are invisible to ThreadSanitizer; may span a switch. The annotation of
/// reads and that of writes are one and the same to the run time (both ignore both), and each keeps a stack trace.
struct quiet {
  quiet() { AnnotateIgnoreReadsBegin(__FILE__, __LINE__); }
  ~quiet() { AnnotateIgnoreReadsEnd(__FILE__, __LINE__); }
  quiet(const quiet&) = delete;
};
inline void release(void* tag) { __tsan_release(tag); }
inline void acquire(void* tag) { __tsan_acquire(tag); }
#else
inline constexpr bool thread_sanitizer = false;
struct quiet {
  quiet() {}  // user-provided, so that an unused variable of this type is no warning
};
inline void release(void*) {}
inline void acquire(void*) {}
#endif
#ifdef WEFT_SIMT_ASAN
inline constexpr bool address_sanitizer = true;
#else
inline constexpr bool address_sanitizer = false;
#endif

#ifndef WEFT_SIMT_UCONTEXT
// Saves what the ABI says a call preserves, changes the stack, restores. The floating-point control words are left
// alone: kernels do not change them. `ret` is predicted well, for most fibres wait at the same few call sites.
[[gnu::naked, gnu::noinline]] __attribute__((no_sanitize("thread", "address", "undefined"))) inline void swap_stacks(
    [[maybe_unused]] void** save, [[maybe_unused]] void* load) {
  asm("pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
      "movq %rsp, (%rdi)\n\tmovq %rsi, %rsp\n\t"
      "popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\tret");
}
// Where a fibre begins: swap_stacks "returns" here with the argument in r12 and the entry function in r13.
[[gnu::naked, gnu::noinline]] __attribute__((no_sanitize("thread", "address", "undefined"))) inline void begin_fibre() {
  asm("movq %r12, %rdi\n\tcall *%r13\n\tud2");
}
#endif

/// One context: a fibre's, or that of the operating-system thread which runs the machine (default constructed).
class fibre {
 public:
  using function = void (*)(void*);

  fibre() {
#ifdef WEFT_SIMT_TSAN
    tsan_ = __tsan_get_current_fiber();
#endif
  }
  /// On this stack, whose upper end is 64-byte aligned.
  fibre(char* stack, std::size_t bytes) : stack_(stack) {
#ifdef WEFT_SIMT_ASAN
    bytes_ = bytes;
#endif
#ifdef WEFT_SIMT_TSAN
    tsan_ = __tsan_create_fiber(0);
#endif
#ifdef WEFT_SIMT_UCONTEXT
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack;
    context_.uc_stack.ss_size = bytes;
    context_.uc_link = nullptr;
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&context_, reinterpret_cast<void (*)()>(&begin_halves), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
#else
    auto** frame = reinterpret_cast<void**>(stack + bytes);
    *--frame = nullptr;
    *--frame = nullptr;  // keeps the stack 16-byte aligned
    *--frame = reinterpret_cast<void*>(&begin_fibre);
    *--frame = nullptr;                                // rbp
    *--frame = nullptr;                                // rbx
    *--frame = this;                                   // r12
    *--frame = reinterpret_cast<void*>(&run_forever);  // r13
    *--frame = nullptr;                                // r14
    *--frame = nullptr;                                // r15
    stack_pointer_ = frame;
#endif
  }
  fibre(const fibre&) = delete;
  ~fibre() {
#ifdef WEFT_SIMT_TSAN
    if (stack_) __tsan_destroy_fiber(tsan_);
#endif
  }

  char* stack() const { return stack_; }

  /// The next switch to this idle fibre calls f(argument), whose last act is to switch away; then it is idle again.
  void assign(function f, void* argument) {
    function_ = f;
    argument_ = argument;
  }

  /// Leaves `from`, which is running, for `to`; returns when something switches back to `from`.
  __attribute__((no_sanitize("thread"))) static void change(fibre& from, fibre& to) {
#ifdef WEFT_SIMT_ASAN
    leaving() = &from;
    __sanitizer_start_switch_fiber(&from.fake_, to.stack_, to.bytes_);
#endif
#ifdef WEFT_SIMT_TSAN
    __tsan_switch_to_fiber(to.tsan_, __tsan_switch_to_fiber_no_sync);
#endif
#ifdef WEFT_SIMT_UCONTEXT
    swapcontext(&from.context_, &to.context_);
#else
    swap_stacks(&from.stack_pointer_, to.stack_pointer_);
#endif
    arrived(from);
  }

 private:
  // Fibres are used again rather than ended: a fresh one costs system calls, under ThreadSanitizer 0.5 ms, and the
  // sanitizers' own stacks stay balanced.
  static void run_forever(void* self) {
    auto& here = *static_cast<fibre*>(self);
    arrived(here);
    for (;;) here.function_(here.argument_);
  }
#ifdef WEFT_SIMT_UCONTEXT
  static void begin_halves(unsigned high, unsigned low) {
    run_forever(reinterpret_cast<void*>(static_cast<std::uintptr_t>(high) << 32 | low));
  }
  ucontext_t context_;
#else
  void* stack_pointer_ = nullptr;
#endif
#ifdef WEFT_SIMT_ASAN
  // The bounds of the thread's own stack are told only here, to whom it switches.
  static void arrived(fibre& self) {
    const void* bottom;
    std::size_t size;
    __sanitizer_finish_switch_fiber(self.fake_, &bottom, &size);
    fibre& left = *leaving();
    left.stack_ = static_cast<char*>(const_cast<void*>(bottom));
    left.bytes_ = size;
  }
  static fibre*& leaving() {
    static thread_local fibre* from = nullptr;
    return from;
  }
  void* fake_ = nullptr;
  std::size_t bytes_ = 0;
#else
  static void arrived(fibre&) {}
#endif
#ifdef WEFT_SIMT_TSAN
  void* tsan_;
#endif
  char* stack_ = nullptr;
  function function_ = nullptr;
  void* argument_ = nullptr;
};

/// The idle fibres of this thread, all with stacks of one size; kept between launches. A fibre lives above its own
/// stack, in one mapping whose lowest page may not be touched; where exactly differs by some lines from fibre to fibre,
/// or the topmost frames of all would compete for the same few sets of the cache.
class fibre_pool {
 public:
  fibre_pool() = default;
  fibre_pool(const fibre_pool&) = delete;
  ~fibre_pool() { clear(); }

  fibre& take(std::size_t stack_bytes) {
    if (stack_bytes != stack_bytes_) {
      clear();
      stack_bytes_ = stack_bytes;
    }
    if (free_.empty()) return make();
    fibre& idle = *free_.back();
    free_.pop_back();
    return idle;
  }
  void give(fibre& idle) { free_.push_back(&idle); }
  static fibre_pool& of_this_thread() {
    thread_local fibre_pool pool;
    return pool;
  }

 private:
  static constexpr std::size_t page = 4096, top = 2 * page;

  std::size_t mapped() const { return page + stack_bytes_ + top; }
  fibre& make() {
    void* start = mmap(nullptr, mapped(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) throw std::bad_alloc();
    mprotect(start, page, PROT_NONE);
    char* stack = static_cast<char*>(start) + page;
    const std::size_t bytes =
        stack_bytes_ + 768 + made_++ % 13 * 256;  // the topmost frames share a page with the fibre
    static_assert(768 + 12 * 256 + sizeof(fibre) <= top);
    return *new (stack + bytes) fibre(stack, bytes);
  }
  void clear() {
    for (fibre* idle : free_) {
      char* start = idle->stack() - page;
      idle->~fibre();
      munmap(start, mapped());
    }
    free_.clear();
  }
  std::vector<fibre*> free_;
  std::size_t stack_bytes_ = 0;
  unsigned made_ = 0;
};

}  // namespace weft::simt_dialect

#undef WEFT_SIMT_TSAN
#undef WEFT_SIMT_ASAN
#undef WEFT_SIMT_UCONTEXT
